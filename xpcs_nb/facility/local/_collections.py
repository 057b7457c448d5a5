"""Collections on this machine: folders by id, and paths that stay inside them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from xpcs_nb.facility.local._work import ActionRefusedError

__all__ = ["LOCAL_COLLECTION", "LOCAL_ENDPOINT", "LOCAL_INDEX", "inside", "root_of"]

#: Ids of what is always there: the collection of all files of this machine, its compute endpoint, its search index.
LOCAL_COLLECTION = str(uuid5(NAMESPACE_URL, "xpcs_nb/local/collection"))
LOCAL_ENDPOINT = str(uuid5(NAMESPACE_URL, "xpcs_nb/local/endpoint"))
LOCAL_INDEX = str(uuid5(NAMESPACE_URL, "xpcs_nb/local/index"))


def root_of(collections: Mapping[str, str], collection: object) -> Path:
    """Return the folder of a collection.

    Raises
    ------
    ActionRefusedError
        It is not one of this machine.
    """
    if not isinstance(collection, str) or collection not in collections:
        known = ", ".join(collections)
        raise ActionRefusedError(f"no collection {collection!r} on this machine; there are: {known}")
    return Path(collections[collection])


def inside(root: Path, path: object) -> Path:
    """Return where `path` of a collection lies; ``/~/`` is its root, or the user's home where the root is ``/``.

    Links in the path are resolved, but for its last part.

    Raises
    ------
    ActionRefusedError
        The path leaves the collection, by ``..`` or through a link.
    """
    if not isinstance(path, str) or not path or "\0" in path:
        raise ActionRefusedError(f"{path!r} is no path of a collection")
    plain = path.removeprefix("/")
    if plain == "~" or plain.startswith("~/"):
        home = Path.home() if root == Path("/") else root
        place = home / plain[1:].lstrip("/")
    else:
        place = root / plain.lstrip("/")
    # By text first: `link/..` must not depend on where the link points.
    place = Path(os.path.normpath(place))
    within = root.resolve()
    real = place.parent.resolve() / place.name if place != root else within
    if not real.is_relative_to(within) or not place.resolve().is_relative_to(within):
        raise ActionRefusedError(f"the path {path} leads out of its collection, whose folder is {root}")
    return real
