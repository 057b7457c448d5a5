"""What a list of edits comes to: one edit applied after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property, singledispatch
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import Geometry
from xpcs_nb.errors import QMapError
from xpcs_nb.qmap._center import symmetry_center
from xpcs_nb.qmap._edits import (
    Center,
    Detector,
    Edit,
    FileMask,
    GeometryChange,
    ImageEdit,
    MergeBins,
    Mode,
    Morphology,
    Outliers,
    Partition,
    Range,
    ShapeEdit,
    Similar,
    SplitBin,
    Threshold,
)
from xpcs_nb.qmap._maps import find_map
from xpcs_nb.qmap._outliers import OutlierCurve, find_outliers, find_similar, outlier_curve
from xpcs_nb.qmap._pixels import PixelSet
from xpcs_nb.qmap._raster import Box, rasterize
from xpcs_nb.qmap._request import PartitionRequest

__all__ = ["State", "apply_edit", "is_local", "reach_of", "show_outliers"]

type Mask = NDArray[np.bool_]
type Image = NDArray[Any]
#: Degrees by which rounding may put a pixel outside of a range of phi that it lies on the end of.
ROUNDING = 1e-9
#: The edit as it enters the list (with what was found on the image), and the state after it.
type Applied = tuple[Edit, State]


@dataclass(frozen=True)
class State:
    """A mask with what belongs to it, between two edits.

    Attributes
    ----------
    mask
        As drawn; blemishes are kept apart, so that they stay whatever is drawn.
    before
        The mask before the shapes with mode ``only`` that end the list; None where there are none.
    blemish
        Good pixels of the detector.
    geometry
        None where it is not known.
    request
        The partition asked for; None leaves that of the start.
    bins
        Changes of single bins since then.
    moved
        Whether the geometry was changed since the start.
    reach
        Rows and columns beyond which the last edit has changed no pixel; None where that may be any.
    """

    mask: Mask
    blemish: Mask
    geometry: Geometry | None
    before: Mask | None = None
    request: PartitionRequest | None = None
    bins: tuple[MergeBins | SplitBin, ...] = ()
    moved: bool = False
    reach: Box | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.mask.shape[0], self.mask.shape[1]

    @cached_property
    def used(self) -> Mask:
        """Pixels that are drawn as used and good; not to be written to."""
        used = self.mask & self.blemish
        used.flags.writeable = False
        return used


def apply_edit(edit: Edit, state: State, image: Image | None) -> Applied:
    """Return an edit as it enters the list, and the state after it.

    Raises
    ------
    QMapError
        If it can't be applied: it needs an image or a geometry that is not there, or is for another shape.
    """
    edit, after = _apply(edit, replace(state, before=None, reach=None), state, image)
    return edit, after


@singledispatch
def _apply(edit: Edit, state: State, previous: State, image: Image | None) -> Applied:
    raise TypeError(f"no rule for {type(edit).__name__}")


@_apply.register
def _shape(edit: ShapeEdit, state: State, previous: State, image: Image | None) -> Applied:
    raster = rasterize(edit, state.shape)
    if edit.mode == "only":
        before = previous.mask if previous.before is None else previous.before
        mask = np.zeros_like(before) if previous.before is None else previous.mask.copy()
        mask[raster.box] |= raster.inside & before[raster.box]
        return edit, replace(state, mask=mask, before=before)
    mask = state.mask.copy()
    if edit.mode == "exclude":
        mask[raster.box] &= ~raster.inside
    else:
        mask[raster.box] |= raster.inside
    return edit, replace(state, mask=mask, reach=raster.box)


def is_local(edit: Edit) -> bool:
    """Return whether what an edit does to a pixel depends on that pixel alone, and only to those of its shape."""
    return isinstance(edit, ShapeEdit) and edit.mode != "only"


def reach_of(edits: Iterable[Edit], shape: tuple[int, int]) -> Box:
    """Return the rows and columns beyond which edits that are local change no pixel."""
    boxes = [rasterize(edit, shape).box for edit in edits if isinstance(edit, ShapeEdit)] or [
        (slice(0, 0), slice(0, 0))
    ]
    rows, columns = (
        slice(min(each.start for each in side), max(each.stop for each in side)) for side in zip(*boxes, strict=True)
    )
    return rows, columns


@_apply.register
def _range(edit: Range, state: State, previous: State, image: Image | None) -> Applied:
    inside: Mask | None = None
    for condition in edit.conditions:
        values = find_map(condition.map, state.geometry, state.shape)
        if condition.map == "phi":
            span = condition.high - condition.low
            span = span if span >= 0 else span % 360.0
            holds = np.mod(values - condition.low + ROUNDING, 360.0) <= span + 2 * ROUNDING
        else:
            holds = (values >= condition.low) & (values <= condition.high)
        inside = holds if inside is None else (inside & holds if condition.logic == "and" else inside | holds)
    return edit, replace(state, mask=_with(state.mask, np.asarray(inside), edit.mode))


def _with(mask: Mask, inside: Mask, mode: Mode) -> Mask:
    return mask & ~inside if mode == "exclude" else mask | inside if mode == "include" else mask & inside


def _need(image: Image | None, what: str) -> Image:
    if image is None:
        raise QMapError(
            f"{what} needs an image, and there is none",
            hint="Start from from_frames or from_result, or give one with with_image.",
        )
    return image


def _fitting(pixels: PixelSet, shape: tuple[int, int], what: str) -> Mask:
    if pixels.shape != shape:
        raise QMapError(f"{what} is for another shape", got=pixels.shape, expected=shape)
    return pixels.mask()


@_apply.register
def _found(edit: ImageEdit, state: State, previous: State, image: Image | None) -> Applied:
    what = f"the edit {type(edit).__name__.lower()}"
    if edit.found is not None:
        return edit, replace(state, mask=state.mask & ~_fitting(edit.found, state.shape, what))
    gone = _look(edit, state, _need(image, what))
    return edit.model_copy(update={"found": PixelSet.of(gone)}), replace(state, mask=state.mask & ~gone)


def show_outliers(edit: Outliers, state: State, image: Image | None) -> OutlierCurve:
    """Return what an edit of outliers would compare with, and find.

    Raises
    ------
    QMapError
        If it can't be applied.
    """
    return outlier_curve(edit, _need(image, "the edit outliers"), state.used, _q_of_rings(edit, state))


def _q_of_rings(edit: Outliers, state: State) -> NDArray[np.float64] | None:
    return find_map("q", state.geometry, state.shape) if edit.region == "ring" else None


def _look(edit: ImageEdit, state: State, image: Image) -> Mask:
    if isinstance(edit, Outliers):
        return find_outliers(edit, image, state.used, _q_of_rings(edit, state))
    if isinstance(edit, Similar):
        return find_similar(edit, image)
    if not isinstance(edit, Threshold):
        raise TypeError(f"no rule for {type(edit).__name__}")
    gone = np.isnan(image)
    if edit.low is not None:
        gone |= image < edit.low
    if edit.high is not None:
        gone |= image >= edit.high
    return gone


@_apply.register
def _file(edit: FileMask, state: State, previous: State, image: Image | None) -> Applied:
    good = _fitting(edit.good, state.shape, f"the mask of {edit.source}")
    if edit.blemish:
        return edit, replace(state, blemish=state.blemish & good)
    return edit, replace(state, mask=state.mask & good)


@_apply.register
def _detector(edit: Detector, state: State, previous: State, image: Image | None) -> Applied:
    good = _fitting(edit.good, state.shape, f"the detector {edit.name}")
    return edit, replace(state, blemish=state.blemish & good)


@_apply.register
def _morphology(edit: Morphology, state: State, previous: State, image: Image | None) -> Applied:
    from scipy import ndimage  # takes as long to load as the rest of this package

    def shrink(mask: Mask) -> Mask:
        return ndimage.binary_erosion(mask, iterations=edit.steps, border_value=1)

    def grow(mask: Mask) -> Mask:
        return ndimage.binary_dilation(mask, iterations=edit.steps)

    rules: dict[str, Callable[[Mask], Mask]] = {
        "erode": shrink,
        "dilate": grow,
        "open": lambda mask: grow(shrink(mask)),
        "close": lambda mask: shrink(grow(mask)),
    }
    return edit, replace(state, mask=rules[edit.operation](state.used))


@_apply.register
def _geometry(edit: GeometryChange, state: State, previous: State, image: Image | None) -> Applied:
    changes = edit.model_dump(exclude={"kind"}, exclude_none=True)
    if state.geometry is not None:
        return edit, replace(state, geometry=replace(state.geometry, **changes), moved=True)
    needed = ("energy", "detector_distance", "pixel_size", "beam_center_x", "beam_center_y")
    missing = [name for name in needed if name not in changes]
    if missing:
        raise QMapError("the geometry is not complete", got=f"no {', '.join(missing)}", expected=", ".join(needed))
    return edit, replace(state, geometry=Geometry(**changes), moved=True)


@_apply.register
def _center(edit: Center, state: State, previous: State, image: Image | None) -> Applied:
    if state.geometry is None:
        raise QMapError("a beam centre needs the rest of the geometry", hint="Give it with set_geometry.")
    if edit.found is None:
        geometry = state.geometry
        guess = (geometry.beam_center_x, geometry.beam_center_y)
        found = symmetry_center(_need(image, "find_center"), state.used, guess, edit.max_radius)
        edit = edit.model_copy(update={"found": found})
    x, y = edit.found if edit.found is not None else (float("nan"),) * 2
    return edit, replace(state, geometry=replace(state.geometry, beam_center_x=x, beam_center_y=y), moved=True)


@_apply.register
def _partition(edit: Partition, state: State, previous: State, image: Image | None) -> Applied:
    return edit, replace(state, request=edit.request, bins=())


@_apply.register(MergeBins)
@_apply.register(SplitBin)
def _bins(edit: MergeBins | SplitBin, state: State, previous: State, image: Image | None) -> Applied:
    return edit, replace(state, bins=(*state.bins, edit))
