"""The beam centre as the point about which the image is symmetric."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from skimage.registration import phase_cross_correlation

from xpcs_nb.errors import QMapError

__all__ = ["symmetry_center"]

type Mask = NDArray[np.bool_]
type Floats = NDArray[np.float64]

#: Half of the smallest square that is compared with itself, pixels.
SMALLEST = 8
MOST_STEPS = 10
#: Part of the two pictures that has to overlap.
OVERLAP = 0.6


def symmetry_center(
    image: NDArray[np.generic], mask: Mask, guess: tuple[float, float] | None, max_radius: int
) -> tuple[float, float]:
    """Return (x, y) about which an image is most like itself turned by 180 degrees; masked pixels do not count.

    Parameters
    ----------
    image
        Counts; their logarithm is compared.
    mask
        Pixels to use.
    guess
        Where to begin, (x, y); None takes the centre of mass.
    max_radius
        Half of the largest square about the centre that is looked at, pixels.

    Raises
    ------
    QMapError
        If there is nothing to compare, the centre is too near to the border, or none is found.
    """
    counts = image.astype(np.float64)
    mask = mask & np.isfinite(counts)
    positive = counts[mask & (counts > 0)]
    if positive.size == 0 or positive.min() == positive.max():
        raise QMapError("no beam centre can be found", got="an image that is the same everywhere")
    logs = np.log(np.clip(np.where(mask, counts, positive.min()), positive.min(), None))
    logs = np.where(mask, logs - logs[mask].min(), 0.0)
    row, column = _start(logs, guess)
    seen: set[tuple[int, int]] = set()
    at, shift = (0, 0), (0, 0)
    for _ in range(MOST_STEPS):
        whole = (round(row), round(column))
        if whole in seen:
            break
        seen.add(whole)
        at = whole
        part = _square(at, image.shape, max_radius)
        shift = _shift(logs[part], mask[part])
        row, column = at[0] + shift[0] / 2, at[1] + shift[1] / 2
    else:
        raise QMapError("no beam centre is found", got=f"after {MOST_STEPS} steps it still moves", hint="Give a guess.")
    d_row, d_column = _refined(logs, mask, at, shift, max_radius)
    return float(at[1] + d_column / 2), float(at[0] + d_row / 2)


def _start(logs: Floats, guess: tuple[float, float] | None) -> tuple[float, float]:
    if guess is not None and 0 <= guess[1] < logs.shape[0] and 0 <= guess[0] < logs.shape[1]:
        return guess[1], guess[0]
    total = logs.sum()
    rows, columns = np.arange(logs.shape[0]), np.arange(logs.shape[1])
    return float(rows @ logs.sum(axis=1) / total), float(columns @ logs.sum(axis=0) / total)


def _square(center: tuple[int, int], shape: tuple[int, ...], most: int) -> tuple[slice, slice]:
    half = min(*(min(at, size - 1 - at) for at, size in zip(center, shape, strict=True)), most)
    if half < SMALLEST:
        raise QMapError(
            "the beam centre is too near to the border for its symmetry to be seen",
            got=f"column {center[1]}, row {center[0]} on {shape[0]} x {shape[1]}",
            hint="Give the centre with set_geometry.",
        )
    return slice(center[0] - half, center[0] + half + 1), slice(center[1] - half, center[1] + half + 1)


def _shift(logs: Floats, mask: Mask) -> tuple[int, int]:
    """Return by how many pixels the turned picture has to be moved to lie on the picture."""
    if not mask.any():
        raise QMapError("no beam centre can be found", got="no used pixel near it")
    shift, *_ = phase_cross_correlation(
        logs, logs[::-1, ::-1], reference_mask=mask, moving_mask=mask[::-1, ::-1], overlap_ratio=OVERLAP
    )
    return round(float(shift[0])), round(float(shift[1]))


def _refined(
    logs: Floats, mask: Mask, center: tuple[int, int], shift: tuple[int, int], most: int
) -> tuple[float, float]:
    """Return the shift to a part of a pixel: the top of a paraboloid through the likeness of the 3 x 3 next shifts."""
    part = _square(center, logs.shape, most)
    picture, good = logs[part], mask[part]
    steps = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    likeness = [_likeness(picture, good, (shift[0] + i, shift[1] + j)) for i, j in steps]
    terms = np.array([[1, i, j, i * i, i * j, j * j] for i, j in steps], dtype=float)
    _, a, b, c, d, e = np.linalg.lstsq(terms, np.array(likeness))[0]
    curvature = np.array([[2 * c, d], [d, 2 * e]])
    if not np.linalg.eigvalsh(curvature).max() < 0:
        return float(shift[0]), float(shift[1])
    top = np.clip(np.linalg.solve(curvature, [-a, -b]), -1.0, 1.0)
    return float(shift[0] + top[0]), float(shift[1] + top[1])


def _likeness(picture: Floats, good: Mask, shift: tuple[int, int]) -> float:
    """Return the correlation of a picture with itself turned and moved, over the pixels that both have."""
    own, other = [], []
    for by, size in zip(shift, picture.shape, strict=True):
        own.append(slice(max(by, 0), size + min(by, 0)))
        other.append(slice(max(-by, 0), size + min(-by, 0)))
    turned, turned_good = picture[::-1, ::-1][tuple(other)], good[::-1, ::-1][tuple(other)]
    both = good[tuple(own)] & turned_good
    if np.count_nonzero(both) < 3:
        return -1.0
    return float(np.corrcoef(picture[tuple(own)][both], turned[both])[0, 1])
