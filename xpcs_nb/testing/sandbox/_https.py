"""HTTPS access to collections, without the S: files as a browser gets them, whole or from some byte on."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from xpcs_nb.testing.sandbox._collections import Collections
from xpcs_nb.testing.sandbox._service import FilePart, Refusal, Reply, Request, Service, route

__all__ = ["HttpsService"]

RANGE = re.compile(r"bytes=(\d+)-(\d*)")


class HttpsService(Service):
    """The files of the collections."""

    name: ClassVar[str] = "https"

    def __init__(self, collections: Collections) -> None:
        super().__init__()
        self.collections = collections

    @route("GET", "/<collection_id>/<*path>")
    def file(self, request: Request, collection_id: str, path: str) -> Any:
        """Send a file, or the part of it that ``Range`` asks for."""
        collection = self.collections.get(collection_id)
        scope = f"https://auth.globus.org/scopes/{collection_id}/https"
        if scope not in request.by.scopes:
            raise Refusal(403, f"this needs the scope {scope}", "MISSING_SCOPE")
        collection.need_online()
        place = collection.path(path)
        if not place.is_file():
            raise Refusal(404, f"no file {path} in collection {collection_id}")
        size = place.stat().st_size
        asked = RANGE.fullmatch(request.headers.get("Range", ""))
        if asked is None:
            return Reply(FilePart(place, 0, size), headers={"Accept-Ranges": "bytes"})
        start, end = int(asked[1]), min(int(asked[2] or size), size - 1)
        if start >= size:
            return Reply({"code": "RANGE"}, 416, {"Content-Range": f"bytes */{size}"})
        return Reply(FilePart(place, start, end - start + 1), 206, {"Content-Range": f"bytes {start}-{end}/{size}"})
