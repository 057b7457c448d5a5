"""Folders that stand for Globus collections."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from xpcs_nb.testing.sandbox._service import Refusal, new_id

__all__ = ["Collection", "Collections"]


@dataclass
class Collection:
    """A folder under a collection's id; it may be offline or paused, and has access rules."""

    id: str
    root: Path
    online: bool = True
    paused: bool = False
    access: dict[str, dict[str, Any]] = field(default_factory=dict)

    def path(self, text: str) -> Path:
        """Return the place of a path of the collection; ``~`` is its root."""
        parts = PurePosixPath(text.removeprefix("/~").removeprefix("~").lstrip("/")).parts
        root = self.root.resolve()
        path = root.joinpath(*parts).resolve()
        if not path.is_relative_to(root):
            raise Refusal(403, f"Path not allowed: {text} is outside collection {self.id}", "EndpointPermissionDenied")
        return path

    def need_online(self) -> None:
        """Refuse what an endpoint that is offline can't do."""
        if not self.online:
            raise Refusal(
                502, f"Endpoint {self.id} is not connected to Globus", "ExternalError.DirListingFailed.GCDisconnected"
            )


class Collections:
    """The collections of a sandbox, by id."""

    def __init__(self, roots: Mapping[str, Path]) -> None:
        self._lock = threading.Lock()
        self._known = {key: Collection(key, Path(root)) for key, root in roots.items()}

    def __contains__(self, key: object) -> bool:
        return key in self._known

    def all(self) -> list[Collection]:
        """Return all of them."""
        with self._lock:
            return list(self._known.values())

    def get(self, key: str) -> Collection:
        """Return a collection, or refuse an id that none has."""
        try:
            return self._known[key]
        except KeyError:
            raise Refusal(404, f"No endpoint found with id {key!r}", "EndpointNotFound") from None

    def allow(self, key: str, rule: Mapping[str, Any]) -> str:
        """Add an access rule and return its id."""
        collection = self.get(key)
        same = ("principal", "principal_type", "path")
        with self._lock:
            if any(all(old.get(k) == rule.get(k) for k in same) for old in collection.access.values()):
                raise Refusal(409, "This access rule exists already", "Exists")
            number = new_id()
            collection.access[number] = {"DATA_TYPE": "access", **rule, "id": number, "role_id": None}
        return number
