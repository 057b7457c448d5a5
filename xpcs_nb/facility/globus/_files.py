"""Files brought to this machine: by Transfer where it has a collection, else over HTTPS."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit
from urllib.request import url2pathname

from globus_sdk import TransferData
from globus_sdk.scopes import GCSCollectionScopes

from xpcs_nb.errors import CorruptDataError, FacilityError, MissingFileError, OptionError, SiteError
from xpcs_nb.facility._https import download, sha256_of
from xpcs_nb.facility.globus._errors import translated
from xpcs_nb.facility.globus._session import Session
from xpcs_nb.facility.globus._waiting import poll

__all__ = ["Files"]

SERVICE = "Globus Transfer"

#: Seconds that a transfer to this machine may take: collections of tapes are slow.
TRANSFER_TIME = 24 * 3600.0

#: A transfer tries on for days with these; a person who waits wants to know.
STUCK = {
    "CONNECT_FAILED",
    "FILE_NOT_FOUND",
    "GC_NOT_CONNECTED",
    "GC_PAUSED",
    "NO_CREDENTIAL",
    "PAUSED_BY_ADMIN",
    "PERMISSION_DENIED",
}


class Files:
    """Fetches files.

    Parameters
    ----------
    session
        The clients.
    local
        Collections of this machine, with the folder that each shows as ``/``.
    """

    def __init__(self, session: Session, local: Mapping[str, Path]) -> None:
        self._session = session
        self._local = {collection: root.resolve() for collection, root in local.items()}

    def fetch(self, url: str, folder: Path, *, size: int | None = None, sha256: str | None = None) -> Path:
        """Bring a file into `folder`; see `xpcs_nb.facility.Services.fetch`."""
        parts = urlsplit(url)
        match parts.scheme:
            case "" | "file":
                return _there(Path(url2pathname(parts.path) if parts.scheme else url), size, sha256)
            case "https" | "http":
                return download(url, folder / _name(parts.path), size=size, sha256=sha256)
            case "globus":
                return self._from_collection(parts.netloc, unquote(parts.path), folder, size, sha256)
            case _:
                raise OptionError(
                    "files are not fetched from such an address", got=url, expected="file://, globus:// or https://"
                )

    def _from_collection(self, collection: str, path: str, folder: Path, size: int | None, sha256: str | None) -> Path:
        root = self._local.get(collection)
        if root is not None:
            return _there(_inside(root, path, collection), size, sha256)
        target = folder / _name(path)
        if sha256 is not None and target.is_file() and sha256_of(target) == sha256:
            return target
        for own, place in self._local.items():
            if target.resolve().is_relative_to(place):
                self._transfer(collection, path, own, target, place)
                return _there(target, size, sha256)
        return self._download(collection, path, target, size, sha256)

    def _transfer(self, collection: str, path: str, own: str, target: Path, place: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        data = TransferData(
            collection, own, label=f"xpcs_nb {target.name}"[:128], sync_level="checksum", notify_on_succeeded=False
        )
        data.add_item(path, f"/{target.resolve().relative_to(place)}")
        client = self._session.transfer
        task = self._session.call(SERVICE, client.submit_transfer, data)["task_id"]

        def look() -> str | None:
            answer = self._session.call(SERVICE, client.get_task, task)
            if answer["status"] == "FAILED":
                fault = answer.get("fatal_error") or {}
                raise FacilityError(
                    "the transfer failed",
                    where=f"globus://{collection}{path}",
                    got=fault.get("description") or answer.get("nice_status_short_description"),
                )
            if answer["status"] == "INACTIVE" or answer.get("nice_status") in STUCK:
                self._session.call(SERVICE, client.cancel_task, task)
                raise FacilityError(
                    "the transfer can't go on",
                    where=f"globus://{collection}{path}",
                    got=f"{answer.get('nice_status')}: {answer.get('nice_status_details')}",
                    hint="See that the file is there and the collection is connected, and try again.",
                )
            return "done" if answer["status"] == "SUCCEEDED" else None

        poll(look, TRANSFER_TIME, f"transfer task {task} takes too long")

    def _download(self, collection: str, path: str, target: Path, size: int | None, sha256: str | None) -> Path:
        answer = self._session.call(SERVICE, self._session.transfer.get_endpoint, collection)
        server = answer.get("https_server")
        if not server:
            raise FacilityError(
                "this collection has no HTTPS, and this machine has no collection to transfer to",
                where=f"globus://{collection}{path}",
                hint="Name a collection of this machine in the site file, and a folder in it.",
            )
        app = self._session.app
        scope = GCSCollectionScopes(collection).https
        if collection not in app.scope_requirements:
            app.add_scope_requirements({collection: [scope]})

        def authorization() -> str | None:
            with translated("Globus Auth"):
                return app.get_authorizer(collection).get_authorization_header()

        return download(
            f"{server.rstrip('/')}{quote(path)}", target, authorization=authorization, size=size, sha256=sha256
        )


def _inside(root: Path, path: str, collection: str) -> Path:
    found = (root / path.lstrip("/")).resolve()
    if not found.is_relative_to(root):
        raise SiteError("this path leaves its collection", where=f"globus://{collection}", got=path)
    return found


def _name(path: str) -> str:
    name = unquote(path).rstrip("/").rpartition("/")[2]
    if not name or name in {".", ".."}:
        raise OptionError("this address names no file", got=path)
    return name


def _there(path: Path, size: int | None, sha256: str | None) -> Path:
    if not path.is_file():
        raise MissingFileError("no such file", path=path)
    if size is not None and path.stat().st_size != size:
        raise CorruptDataError("the file has another size", path=path, got=path.stat().st_size, expected=size)
    if sha256 is not None and (found := sha256_of(path)) != sha256:
        raise CorruptDataError("the file has another content", path=path, got=found, expected=sha256)
    return path
