"""Engine boost_corr: torch on a GPU or CPU, always called with the settings that avoid its known faults."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import (
    DelayGrid,
    FrameRange,
    MultitauSums,
    PixelLabels,
    QMapArrays,
    ReductionOptions,
    TwotimeMap,
    require,
)
from xpcs_nb.errors import EngineError, OptionError
from xpcs_nb.hdf5 import write_qmap
from xpcs_nb.kernels import g2_from_twotime
from xpcs_nb.reduction._kept_sums import KeptSums
from xpcs_nb.reduction._twotime_plan import available_memory

__all__ = ["BoostOutput", "choose_engine", "run_boost_corr"]

#: Above 1 its reader always crops to the mask, and so copies each frame: without the copy frames overwrite each other.
CROP_ALWAYS = 1.1
LOADERS = 2
#: Frames in its smallest queue: a batch of its Rigaku readers (256 for 3M, 1024 for 500k) must fit.
QUEUE = 1024
SPARE_MEMORY_GB = 1.0


@dataclass(frozen=True)
class BoostOutput:
    """What boost_corr found, in our arrays; None for what was not asked for.

    Attributes
    ----------
    sums
        Multi-tau sums in (static bin, block) cells.
    twotime
        Two-time maps, made one at a time.
    device
        Where it ran: ``cpu`` or ``cuda:<n> (<name>)``.
    """

    sums: MultitauSums | None
    twotime: Iterator[TwotimeMap] | None
    device: str


def choose_engine(options: ReductionOptions) -> Literal["builtin", "boost_corr"]:
    """Return the engine to use: ``auto`` is boost_corr when a GPU is asked for, else builtin.

    Raises
    ------
    OptionError
        For an option that boost_corr has no right answer for.
    MissingExtraError
        boost_corr is to be used and not installed.
    EngineError
        A GPU is asked for that is not there.
    """
    if options.engine == "builtin" or (options.engine == "auto" and options.gpu_id < 0):
        return "builtin"
    require("boost_corr", extra="boost")
    if options.num_partial_g2:
        raise OptionError(
            "boost_corr's partial g2 is not normalised symmetrically",
            got=f"num_partial_g2={options.num_partial_g2}, engine={options.engine}",
            hint="Use engine='builtin'.",
        )
    _device(options.gpu_id)
    return "boost_corr"


def run_boost_corr(
    raw: Path,
    qmap: QMapArrays,
    labels: PixelLabels,
    frames: FrameRange,
    options: ReductionOptions,
    *,
    progress: Callable[[int], None] | None = None,
) -> BoostOutput:
    """Correlate with boost_corr: the same estimator, pixels, bins and frames as the builtin engine.

    Parameters
    ----------
    raw
        Raw file, of a format that it reads.
    qmap, labels
        Partition, and the pixels to use.
    frames, options
        As for the builtin engine.
    progress
        Told when all frames are done (it reports nothing in between).

    Raises
    ------
    EngineError
        It failed, or gave numbers that can't be right.
    """
    device = _device(options.gpu_id)
    with TemporaryDirectory(prefix="xpcs_nb_") as folder:
        common = _settings(raw, write_qmap(Path(folder) / "qmap.hdf", _only(qmap, labels)), labels, frames, options)
        sums = _multitau(common, labels, frames, options) if options.wants_multitau else None
        maps = _twotime(common, options) if options.wants_twotime else None
    if progress is not None:
        progress(frames.n_frames)
    return BoostOutput(sums, maps, device)


def _only(qmap: QMapArrays, labels: PixelLabels) -> QMapArrays:
    """Return the qmap with exactly the used pixels, so that both engines see the same."""
    flat = np.zeros(qmap.mask.size, dtype=bool)
    flat[labels.pixel] = True
    used: NDArray[np.bool_] = flat.reshape(qmap.mask.shape)
    return replace(
        qmap,
        mask=used,
        blemish=used,
        dynamic_roi_map=np.where(used, qmap.dynamic_roi_map, 0).astype(np.int32),
        static_roi_map=np.where(used, qmap.static_roi_map, 0).astype(np.int32),
        attrs={},
    )


def _settings(
    raw: Path, qmap: Path, labels: PixelLabels, frames: FrameRange, options: ReductionOptions
) -> dict[str, Any]:
    return {
        "raw": str(raw),
        "qmap": str(qmap),
        "gpu_id": options.gpu_id,
        "crop_ratio_threshold": CROP_ALWAYS,
        "num_loaders": LOADERS,
        "begin_frame": frames.begin,
        "end_frame": frames.end,
        "stride_frame": frames.stride,
        "avg_frame": frames.avg,
        "save_results": False,
        "verbose": False,
        "max_memory": _memory(labels, frames, options.gpu_id),
    }


def _memory(labels: PixelLabels, frames: FrameRange, gpu_id: int) -> float:
    """Budget in GB: its queues fill what they are given, so give what the smallest right queue needs."""
    pixels, delays = len(labels.pixel), len(DelayGrid(frames.n_frames)) if frames.n_frames > 1 else 1
    queue = _batch(frames)
    need = 1.5 * 4 * pixels * (3 * delays + 3 * queue) / 2**30 + SPARE_MEMORY_GB
    if gpu_id < 0:
        free = available_memory()
        if free is not None and need > free / 2**30:
            raise EngineError(
                "boost_corr needs more memory than there is",
                got=f"{free / 2**30:.1f} GB free",
                expected=f"{need:.1f} GB for {pixels} pixels and {delays} delays",
                hint="Use engine='builtin', or a smaller mask.",
            )
    return need


def _multitau(
    common: dict[str, Any], labels: PixelLabels, frames: FrameRange, options: ReductionOptions
) -> MultitauSums:
    solver = require("boost_corr.xpcs_aps_8idi.gpu_corr_multitau", extra="boost")
    with _engine_errors():
        _, (_, found) = solver.solve_multitau_base(
            **common, save_G2=True, normalize_frame=options.normalize_frame, batch_size=_batch(frames)
        )
    # Its second row leaves out the first frames and its third the last: what we call IF and IP.
    pixels = found["G2IPIF"].reshape(len(found["G2IPIF"]), 3, -1)[:, [0, 2, 1]][:, :, labels.pixel]
    if not np.isfinite(pixels).all():
        raise EngineError(
            "boost_corr gave numbers that are not finite",
            got="NaN or infinity in G, IP or IF",
            hint="Frames without counts can't be normalised by it: use engine='builtin', or normalize_frame=0.",
        )
    sums = KeptSums.of(np.ascontiguousarray(pixels.transpose(2, 1, 0)), labels).sums()
    return replace(sums, per_pixel=np.ascontiguousarray(pixels)) if options.save_g2 else sums


def _batch(frames: FrameRange) -> int:
    """Smallest queue, a power of two; one that holds the whole series is flushed once, and no level is empty then."""
    return min(QUEUE, 1 << max(frames.n_frames, 8).bit_length())


def _twotime(common: dict[str, Any], options: ReductionOptions) -> Iterator[TwotimeMap]:
    solver = require("boost_corr.xpcs_aps_8idi.gpu_corr_twotime", extra="boost")
    selection = None if options.dq_selection is None else np.array(options.dq_selection)
    with _engine_errors():
        _, (_, maps) = solver.solve_twotime_base(**common, smooth=options.smooth, dq_selection=selection)
    return _maps(maps)


def _maps(generator: Iterator[dict[str, Any]]) -> Iterator[TwotimeMap]:
    """Turn its generator, which gives the maps first and their g2 and bins last, into ours."""
    with _engine_errors():
        documents = list(generator)
    bins = np.asarray(documents[-1]["processed_bins"]).astype(int)
    for label, document in zip(bins, documents, strict=False):
        c2: NDArray[np.float32] = np.ascontiguousarray(next(iter(document.values())), dtype=np.float32)
        g2, segments = g2_from_twotime(c2)
        yield TwotimeMap(bin=int(label), c2=c2, g2=g2, g2_segments=segments)


@contextmanager
def _engine_errors() -> Iterator[None]:
    """Keep boost_corr and torch from printing, and turn whatever they raise into `EngineError`."""
    logger = logging.getLogger("boost_corr")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            # Its own style (tensor copies, fork with threads) is not the user's to mend.
            warnings.simplefilter("ignore")
            yield
    except Exception as error:
        cause = error.__cause__ or error
        raise EngineError(
            "boost_corr failed",
            got=f"{type(cause).__name__}: {cause}",
            hint="engine='builtin' needs neither torch nor a GPU.",
        ) from error
    finally:
        logger.setLevel(before)


def _device(gpu_id: int) -> str:
    if gpu_id < 0:
        return "cpu"
    cuda = require("torch", extra="boost").cuda
    number = cuda.device_count() if cuda.is_available() else 0
    if gpu_id >= number:
        raise EngineError(
            "there is no such GPU",
            got=f"gpu_id={gpu_id}",
            expected=f"less than {number}" if number else "a GPU that torch can use; it finds none",
            hint="gpu_id=-1 runs on the CPU.",
        )
    return f"cuda:{gpu_id} ({cuda.get_device_name(gpu_id)})"
