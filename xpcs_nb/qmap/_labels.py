"""From a qmap to the labels of the used pixels, with jackknife blocks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import PixelLabels, QMapArrays
from xpcs_nb.errors import OptionError, QMapError
from xpcs_nb.qmap._blocks import Bins, cut_into_blocks

__all__ = ["N_BLOCKS", "pixel_labels"]

#: Most jackknife blocks of a dynamic bin.
N_BLOCKS = 24


def pixel_labels(
    arrays: QMapArrays,
    *,
    blemish: NDArray[np.bool_] | None = None,
    n_blocks: int = N_BLOCKS,
    block_width: float = 20.0,
) -> PixelLabels:
    """Return the used pixels with their bins and jackknife blocks.

    A pixel is used if the mask, the blemish of the qmap and that of the frames say so, and both maps label it.

    A block is a patch of neighbouring pixels that cuts across all static bins of its dynamic bin, with about as many
    pixels as the others: a sector about the beam centre (where static bins also cut phi: the same part of each
    of these cuts, as long as that leaves 8 blocks), or, if the qmap is not one of q and phi or does not know its
    centre, a stripe along the direction in which the static bins change least. So neither the change of g2
    between the static bins nor a speckle that covers several pixels is taken for noise or for independent pixels.

    A dynamic bin gets as many blocks as are `block_width` pixels wide, at most `n_blocks`. Rather than fewer than 8,
    it gets narrower ones, down to 0.4 `block_width`; and always 2, if it has 2 pixels. ``labels.block`` counts from 0
    without gaps in each dynamic bin.

    Parameters
    ----------
    arrays
        A qmap.
    blemish
        Good pixels as the frames themselves say, shape (rows, columns); None means all.
    n_blocks
        Most blocks of a dynamic bin.
    block_width
        Width that a block should have, pixels; several speckles.

    Raises
    ------
    QMapError
        If no pixel is used, or arrays have different shapes.
    OptionError
        If `n_blocks` or `block_width` can't be used.
    """
    if n_blocks < 1 or not block_width >= 1:
        raise OptionError(
            "jackknife blocks can't be made",
            got=f"n_blocks={n_blocks}, block_width={block_width}",
            expected="1 or more",
        )
    pixel = np.flatnonzero(_used(arrays, blemish))
    if len(pixel) == 0:
        raise QMapError(
            "no pixel is used",
            got=f"{np.count_nonzero(arrays.mask)} pixels in the mask, {np.count_nonzero(arrays.static_roi_map > 0)} in"
            f" static bins, none of them in both and good",
            hint="Check that the mask has True for used pixels and that the qmap belongs to this detector.",
        )
    static = arrays.static_roi_map.ravel()[pixel].astype(np.int64)
    dynamic = arrays.dynamic_roi_map.ravel()[pixel].astype(np.int64)
    static -= 1
    dynamic -= 1
    n_static = max(int(static.max()) + 1, len(arrays.static_index_mapping))
    n_dynamic = max(int(dynamic.max()) + 1, len(arrays.dynamic_index_mapping))
    owner = np.full(n_static, -1, dtype=np.int64)
    owner[static] = dynamic
    bins = Bins(pixel=pixel, static=static, dynamic=dynamic, owner=owner, n_dynamic=n_dynamic)
    block = cut_into_blocks(arrays, bins, n_blocks, block_width)
    return PixelLabels(
        pixel=pixel,
        static=static,
        dynamic=dynamic,
        block=block,
        static_to_dynamic=owner,
        n_static=n_static,
        n_dynamic=n_dynamic,
        n_blocks=int(block.max()) + 1,
        shape=(arrays.mask.shape[0], arrays.mask.shape[1]),
    )


def _used(arrays: QMapArrays, blemish: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    shape = arrays.mask.shape
    images = {name: getattr(arrays, name) for name in ("mask", "blemish", "static_roi_map", "dynamic_roi_map")}
    if blemish is not None:
        images["blemish of the frames"] = np.asarray(blemish)
    for name, image in images.items():
        if image.shape != shape:
            raise QMapError(f"the {name} has another shape than the mask", got=image.shape, expected=shape)
    used = np.ones(shape, dtype=bool)
    for image in images.values():
        used &= image > 0
    return used
