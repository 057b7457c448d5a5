"""Files of records for a browser: small pictures that are kept, whole files piece by piece.

A record is other people's input, so nobody's files are read because a record names them: of a facility elsewhere, only
files of its collections; and what lies at any web address is left to the user's own browser, as a link.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from xpcs_nb.errors import CorruptDataError, FacilityError, MissingKeyError, OptionError, XpcsError

if TYPE_CHECKING:
    from xpcs_nb.catalog import File
    from xpcs_nb.flows import FoundRecord

__all__ = ["PIECE", "RecordFiles", "picture_kind"]

#: Bytes of a picture, or of a text, above which it is not shown.
LARGEST_PICTURE, LARGEST_TEXT = 32_000_000, 1_000_000
#: Pixels of a picture above which no small one is made of it.
LARGEST_PIXELS = 60_000_000
#: Bytes of a file that are sent at once.
PIECE = 4_000_000
KINDS = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".gif": "gif", ".webp": "webp", ".svg": "svg+xml"}


def picture_kind(name: str) -> str:
    """Return the media type of a picture by its name."""
    return f"image/{KINDS.get(os.path.splitext(name)[1].lower(), 'png')}"


class RecordFiles:
    """Reads the files of records.

    Parameters
    ----------
    cache
        Folder for small pictures.
    local
        Whether the facility is this machine.
    """

    def __init__(self, cache: Path, *, local: bool) -> None:
        self._cache = cache / "thumbnails"
        self._schemes = {"globus", "file", ""} if local else {"globus"}
        self._sent: tuple[str, Path] | None = None

    def find(self, record: FoundRecord, url: str) -> File:
        """Return the file of a record by its address.

        Raises
        ------
        MissingKeyError
            The record has no such file.
        """
        found = next((file for file in record.files if file.url == url), None)
        if found is None:
            raise MissingKeyError("the record has no such file", where=record.subject, got=url)
        return found

    def path(self, record: FoundRecord, file: File) -> Path:
        """Bring a file to this machine, and return where it is.

        Raises
        ------
        FacilityError
            It is at an address that is left to the user's browser.
        XpcsError
            It can't be had, or is not what was published.
        """
        self._allow(record, file)
        return record.fetch(files=[file])[0]

    def save(self, record: FoundRecord, files: list[File], folder: Path) -> list[Path]:
        """Copy files of a record into a folder of this machine, below the name of its dataset; return where they are.

        Raises
        ------
        OptionError
            The dataset's name, or that of a file, is none of a file.
        XpcsError
            A file can't be had.
        """
        for file in files:
            self._allow(record, file)
        target = folder / _safe(record.dataset)
        target.mkdir(parents=True, exist_ok=True)
        saved = []
        for file in files:
            path, wanted = record.fetch(files=[file])[0], target / _safe(file.name)
            part = wanted.with_name(f".{wanted.name}.{os.getpid()}.part")
            shutil.copyfile(path, part)
            saved.append(part.replace(wanted))
        return saved

    def piece(self, record: FoundRecord, file: File, offset: int) -> tuple[bytes, int]:
        """Return `PIECE` bytes of a file from `offset`, and the size of the whole."""
        if offset < 0:
            raise OptionError("a file has no such place", got=offset, expected="0 or more")
        # Once for all pieces: to fetch is to compare the checksum of the whole.
        sent = self._sent
        if offset == 0 or sent is None or sent[0] != file.url:
            sent = self._sent = file.url, self.path(record, file)
        path = sent[1]
        with path.open("rb") as stream:
            stream.seek(offset)
            return stream.read(PIECE), path.stat().st_size

    def picture(self, record: FoundRecord, file: File) -> bytes:
        """Return a picture as it is.

        Raises
        ------
        OptionError
            It is too large to be shown.
        """
        return self._whole(record, file, LARGEST_PICTURE)

    def text(self, record: FoundRecord, file: File) -> str:
        """Return a text file; signs that are none of UTF-8 are replaced."""
        return self._whole(record, file, LARGEST_TEXT).decode("utf-8", errors="replace")

    def thumbnail(self, record: FoundRecord, file: File, pixels: int) -> bytes:
        """Return a small WebP picture of a picture, at most `pixels` wide and high; made once, then kept.

        Raises
        ------
        CorruptDataError
            The file is no picture, or one of unreasonable size.
        XpcsError
            The file can't be had.
        """
        name = hashlib.sha256(f"{file.sha256 or file.url} {file.size} {pixels}".encode()).hexdigest()
        kept = self._cache / name[:2] / f"{name}.webp"
        try:
            return kept.read_bytes()
        except OSError:
            small = _small(self.picture(record, file), pixels, file)
        kept.parent.mkdir(parents=True, exist_ok=True)
        part = kept.with_name(f".{name}.{os.getpid()}.part")
        part.write_bytes(small)
        part.replace(kept)
        return small

    def _whole(self, record: FoundRecord, file: File, largest: int) -> bytes:
        if file.size is not None and file.size > largest:
            raise OptionError(
                "the file is too large to be shown", path=file.name, got=file.size, hint="Download it instead."
            )
        path = self.path(record, file)
        with path.open("rb") as stream:
            content = stream.read(largest + 1)
        if len(content) > largest:
            raise OptionError("the file is too large to be shown", path=file.name, hint="Download it instead.")
        return content

    def _allow(self, record: FoundRecord, file: File) -> None:
        scheme = urlsplit(file.url).scheme.lower()
        if scheme not in self._schemes:
            raise FacilityError(
                "files of such addresses are not read for a record",
                where=record.subject,
                got=file.url,
                expected=", ".join(sorted(f"{each}:" if each else "a path" for each in self._schemes)),
                hint="Follow its link, where there is one.",
            )


def _small(content: bytes, pixels: int, file: File) -> bytes:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(content)) as image:
            if image.width * image.height > LARGEST_PIXELS:
                raise CorruptDataError(
                    "the picture is unreasonably large", path=file.name, got=f"{image.width} x {image.height} pixels"
                )
            image.thumbnail((pixels, pixels))
            drawn = image.convert("RGBA")
            paper = Image.new("RGBA", drawn.size, "white")
            out = io.BytesIO()
            Image.alpha_composite(paper, drawn).convert("RGB").save(out, "WEBP", quality=80)
    except XpcsError:
        raise
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise CorruptDataError(f"this is no picture: {error}", path=file.name) from error
    return out.getvalue()


def _safe(name: str) -> str:
    if not name or name in {".", ".."} or "/" in name or "\\" in name or "\0" in name:
        raise OptionError("this can't be the name of a file", got=repr(name))
    return name
