"""What a user should know about an edit that was applied, and did perhaps not do what she wanted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.qmap import Edit, QMap

__all__ = ["crosses_itself", "notice"]

type Floats = NDArray[np.float64]

#: Corners up to which a polygon is looked at, all sides against all.
CORNERS = 1500


def notice(before: QMap, after: QMap, edits: Iterable[Edit]) -> str:
    """Return what there is to say after `edits`, or an empty text."""
    said = []
    edits = list(edits)
    kinds = [getattr(edit, "kind", "") for edit in edits]
    if any(kind == "polygon" and crosses_itself(_points(edit)) for kind, edit in zip(kinds, edits, strict=True)):
        said.append("The polygon crosses itself: what it encloses twice is outside.")
    masks = {"partition", "merge_bins", "split_bin", "geometry", "center"}
    if kinds and not masks.intersection(kinds):
        if not after.mask.any():
            said.append("No pixel is left in the mask.")
        elif np.array_equal(before.mask, after.mask):
            said.append(f"The {' and '.join(kinds)} changed no pixel: it is off the image, or they were so before.")
    return " ".join(said)


def _points(edit: Edit) -> Sequence[tuple[float, float]]:
    points: Sequence[tuple[float, float]] = getattr(edit, "points", ())
    return points


def crosses_itself(points: Sequence[tuple[float, float]]) -> bool:
    """Return whether two sides of a closed polygon cross."""
    corners = np.asarray(points, dtype=float)
    if not 4 <= len(corners) <= CORNERS:
        return False
    start, end = corners, np.roll(corners, -1, axis=0)

    def side(a: Floats, b: Floats, c: Floats) -> Floats:
        """Return on which side of the line from a to b each c lies."""
        along, across = (b - a)[:, None], c[None] - a[:, None]
        return np.asarray(np.sign(along[..., 0] * across[..., 1] - along[..., 1] * across[..., 0]))

    apart = side(start, end, start) * side(start, end, end) < 0
    return bool((apart & apart.T).any())
