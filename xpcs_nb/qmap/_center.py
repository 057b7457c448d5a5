"""The beam centre as the point about which the image is symmetric."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.errors import QMapError

__all__ = ["symmetry_center"]

type Mask = NDArray[np.bool_]
type Floats = NDArray[np.float64]

#: Half of the smallest square that is compared with itself, pixels.
SMALLEST = 8
#: And of the largest on which the centre is found to a pixel; it is then refined on all that is asked for.
COARSE = 160
MOST_STEPS = 10
#: Width of the average over neighbours, pixels, and the part of it that has to be of used pixels.
SMOOTH, ENOUGH = 1.5, 0.5
#: Shifts about the best one that the paraboloid goes through, in units of the scales tried, pixels.
STENCIL = (-2, -1, 0, 1, 2)
SCALES = (1, 2, 4, 8)
#: Height of the paraboloid in the stencil, in standard deviations of the likeness from it.
STANDS_OUT = 8.0
#: Part of the two pictures that has to overlap.
OVERLAP = 0.6


def symmetry_center(
    image: NDArray[np.generic], mask: Mask, guess: tuple[float, float] | None, max_radius: int
) -> tuple[float, float]:
    """Return (x, y) about which an image is most like itself turned by 180 degrees; masked pixels do not count.

    Parameters
    ----------
    image
        Counts.
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
    row, column = _coarse_center(*_smooth_roots(counts, mask), guess, max_radius)
    # the noise of the root of a count is the same everywhere, so that all differences count alike
    return _refined(np.sqrt(np.where(mask, np.maximum(counts, 0.0), 0.0)), mask, row, column, max_radius)


def _coarse_center(
    roots: Floats, mask: Mask, guess: tuple[float, float] | None, max_radius: int
) -> tuple[float, float]:
    """Return (row, column) of the centre to half a pixel."""
    row, column = _start(roots, guess)
    seen: set[tuple[int, int]] = set()
    for _ in range(MOST_STEPS):
        at = (round(row), round(column))
        if at in seen:
            return row, column
        seen.add(at)
        part = _square(at, roots.shape, min(max_radius, COARSE))
        shift = _shift(roots[part], mask[part])
        row, column = at[0] + shift[0] / 2, at[1] + shift[1] / 2
    raise QMapError(
        "no beam centre is found",
        got=f"after {MOST_STEPS} steps it still moves",
        hint="Set the centre near to it first, with set_geometry.",
    )


def _smooth_roots(counts: Floats, mask: Mask) -> tuple[Floats, Mask]:
    """Return roots of the mean counts of a few pixels, and where enough of those are used."""
    from scipy import ndimage  # takes as long to load as the rest of this package

    weight = ndimage.gaussian_filter(mask.astype(np.float64), SMOOTH)
    mean = ndimage.gaussian_filter(np.where(mask, counts, 0.0), SMOOTH) / np.maximum(weight, 1e-9)
    good = mask & (weight > ENOUGH)
    if not good.any():
        raise QMapError("no beam centre can be found", got="used pixels that are all alone")
    return np.where(good, np.sqrt(np.maximum(mean, 0.0)), 0.0), good


def _start(roots: Floats, guess: tuple[float, float] | None) -> tuple[float, float]:
    if guess is not None and 0 <= guess[1] < roots.shape[0] and 0 <= guess[0] < roots.shape[1]:
        return guess[1], guess[0]
    total = roots.sum()
    rows, columns = np.arange(roots.shape[0]), np.arange(roots.shape[1])
    return float(rows @ roots.sum(axis=1) / total), float(columns @ roots.sum(axis=0) / total)


def _square(center: tuple[int, int], shape: tuple[int, ...], most: int) -> tuple[slice, slice]:
    half = min(*(min(at, size - 1 - at) for at, size in zip(center, shape, strict=True)), most)
    if half < SMALLEST:
        raise QMapError(
            "the beam centre is too near to the border for its symmetry to be seen",
            got=f"column {center[1]}, row {center[0]} on {shape[0]} x {shape[1]}",
            hint="Give the centre with set_geometry.",
        )
    return slice(center[0] - half, center[0] + half + 1), slice(center[1] - half, center[1] + half + 1)


def _shift(roots: Floats, mask: Mask) -> tuple[int, int]:
    """Return by how many pixels the turned picture has to be moved to lie on the picture."""
    from skimage.registration import phase_cross_correlation

    if not mask.any():
        raise QMapError("no beam centre can be found", got="no used pixel near it")
    shift, *_ = phase_cross_correlation(
        roots, roots[::-1, ::-1], reference_mask=mask, moving_mask=mask[::-1, ::-1], overlap_ratio=OVERLAP
    )
    return round(float(shift[0])), round(float(shift[1]))


def _refined(roots: Floats, mask: Mask, row: float, column: float, most: int) -> tuple[float, float]:
    """Return (x, y) to a part of a pixel: the top of a paraboloid through the likeness at shifts around the best.

    The shifts are as near to each other as the noise allows: the paraboloid has to stand out from it.
    """
    for scale in SCALES:
        for _ in range(MOST_STEPS):
            at = (round(row), round(column))
            part = _square(at, roots.shape, most)
            shift = round(2 * (row - at[0])), round(2 * (column - at[1]))
            top = _top(roots[part], mask[part], shift, scale)
            if top is None:
                break
            row, column = at[0] + (shift[0] + top[0]) / 2, at[1] + (shift[1] + top[1]) / 2
            if max(map(abs, top)) <= max(scale, 1):
                return float(column), float(row)
    raise QMapError(
        "no beam centre is found",
        got="an image that is hardly more like itself about one point than about others",
        hint="Set the centre near to it first, with set_geometry.",
    )


def _top(picture: Floats, good: Mask, shift: tuple[int, int], scale: int) -> tuple[float, float] | None:
    """Return where the likeness is greatest, from `shift`, within the shifts tried; None where noise decides."""
    steps = np.array([(i, j) for i in STENCIL for j in STENCIL], dtype=float)
    likeness = np.array(
        [_likeness(picture, good, (shift[0] + scale * int(i), shift[1] + scale * int(j))) for i, j in steps]
    )
    i, j = steps.T
    terms = np.column_stack([np.ones(len(steps)), i, j, i * i, i * j, j * j])
    fitted = np.linalg.lstsq(terms, likeness)[0]
    _, a, b, c, d, e = fitted
    curvature = np.array([[2 * c, d], [d, 2 * e]])
    noise = float(np.std(likeness - terms @ fitted))
    if not np.linalg.eigvalsh(curvature).max() * STENCIL[-1] ** 2 / 2 < -STANDS_OUT * noise:
        return None
    top = scale * np.clip(np.linalg.solve(curvature, [-a, -b]), STENCIL[0], STENCIL[-1])
    return float(top[0]), float(top[1])


def _likeness(picture: Floats, good: Mask, shift: tuple[int, int]) -> float:
    """Return minus the mean square difference of a picture and itself turned and moved, where both have pixels."""
    own, other = [], []
    for by, size in zip(shift, picture.shape, strict=True):
        own.append(slice(max(by, 0), size + min(by, 0)))
        other.append(slice(max(-by, 0), size + min(-by, 0)))
    turned, turned_good = picture[::-1, ::-1][tuple(other)], good[::-1, ::-1][tuple(other)]
    both = good[tuple(own)] & turned_good
    count = np.count_nonzero(both)
    if count == 0:
        raise QMapError("no beam centre can be found", got="used pixels on one side of it only")
    # not their correlation: that depends on which pixels are seen, and so on the shift
    difference = (picture[tuple(own)] - turned) * both
    return -float(np.vdot(difference, difference)) / count
