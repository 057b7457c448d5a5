"""A collection: a folder of a file system, under the name that the transfer service gives it."""

from __future__ import annotations

import posixpath
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, field_validator

from xpcs_nb.errors import SiteError

__all__ = ["Collection"]


class Collection(BaseModel):
    """Where a collection lies, and how its paths are called.

    Attributes
    ----------
    id
        UUID; ``local`` for this machine.
    root
        Folder of the file system that the collection shows, an absolute POSIX path.
    path
        What `root` is called in the collection.
    https
        ``https://host`` where a browser finds the files; None where there is none.
    mapped
        Whether it is a mapped collection: those need a consent each.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(min_length=1)
    root: str
    path: str = "/"
    https: str | None = None
    mapped: bool = False

    @field_validator("root", "path")
    @classmethod
    def _absolute(cls, value: str) -> str:
        if not value.startswith("/"):
            raise ValueError(f"{value!r} is no absolute path: it has to begin with /")
        return posixpath.normpath(value).replace("//", "/")

    @field_validator("https")
    @classmethod
    def _host(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith("https://"):
            raise ValueError(f"{value!r} is not of the form https://host")
        return value

    def to_collection(self, path: str) -> str:
        """Return what the file system's `path` is called in the collection.

        Raises
        ------
        SiteError
            It is outside of the collection.
        """
        return self._mapped(path, self.root, self.path, "the folder of the collection")

    def to_posix(self, path: str) -> str:
        """Return where the collection's `path` lies in the file system.

        Raises
        ------
        SiteError
            It is outside of the folder that the site file knows.
        """
        return self._mapped(path, self.path, self.root, "the part of the collection that the site file knows")

    def url(self, path: str) -> str:
        """Return ``globus://id/path`` of a path of the file system."""
        return f"globus://{self.id}{quote(self.to_collection(path))}"

    def holds(self, path: str) -> bool:
        """Tell whether the file system's `path` is in the collection."""
        try:
            self.to_collection(path)
        except SiteError:
            return False
        return True

    @property
    def base(self) -> str:
        """The folder that is ``/`` in the collection, or would be."""
        return self.root.removesuffix(self.path) or "/" if self.path != "/" else self.root

    def _mapped(self, path: str, source: str, target: str, what: str) -> str:
        # Lexical: the file system may be another machine's.
        clean = posixpath.normpath(path)
        inner = posixpath.relpath(clean, source) if clean.startswith("/") else ".."
        if inner == ".." or inner.startswith("../"):
            raise SiteError(
                f"a path is outside of {what} {self.id}",
                got=path,
                expected=f"a path below {source}",
                hint="Move the file there, or add the folder to the site file.",
            )
        return posixpath.normpath(posixpath.join(target, inner))
