"""Options of a reduction: names as in boost_corr, checked before any work starts."""

from __future__ import annotations

import warnings
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from xpcs_nb.errors import OptionError

__all__ = ["FIGURE_KINDS", "AnalysisType", "Engine", "FrameRange", "ReductionOptions", "Smooth"]

AnalysisType = Literal["multitau", "twotime", "both", "twotime-log"]
Engine = Literal["auto", "builtin", "boost_corr"]
Smooth = Literal["sqmap", "dqmap"]
#: Kinds of figures of a result; several processes may draw them, a kind each.
FIGURE_KINDS = ("g2", "saxs", "twotime")


@dataclass(frozen=True)
class FrameRange:
    """Which raw frames are correlated.

    Correlated frame `i` is the mean of the raw frames ``begin + stride * (avg * i + j)`` for ``j = 0..avg-1``.

    Attributes
    ----------
    begin, end
        Raw frames ``begin..end-1`` are looked at; `end` is already cut to a multiple of ``stride * avg``.
    stride, avg
        Take every `stride`-th frame; average `avg` of those.
    """

    begin: int
    end: int
    stride: int = 1
    avg: int = 1

    @property
    def n_frames(self) -> int:
        """Number of correlated frames."""
        return (self.end - self.begin) // (self.stride * self.avg)


@dataclass(frozen=True, kw_only=True)
class ReductionOptions:
    """How frames become a result.

    Parameters
    ----------
    type
        ``multitau``, ``twotime``, ``both``, or ``twotime-log``: multi-tau and the log two-time correlation (any case).
    engine
        ``builtin``, ``boost_corr``, or ``auto``: boost_corr on a GPU, builtin on a CPU.
    begin_frame, end_frame
        First frame, and one past the last; ``end_frame=-1`` means all.
    stride_frame, avg_frame
        Take every n-th frame; average n frames before correlating.
    smooth
        Two-time: divide by the mean of the static (``sqmap``) or dynamic (``dqmap``) bin in each frame.
    dq_selection
        Two-time: dynamic bins to process, as labels 1..n or text like ``1,3,5-7``; None or ``all`` for all.
    normalize_frame
        Divide each frame by its mean over the used pixels before correlating (multi-tau).
    save_g2
        Keep G, IP and IF of every used pixel in the result.
    overwrite
        Replace an existing result instead of writing ``..._1``.
    gpu_id
        Device of boost_corr; -1 for the CPU.
    num_partial_g2
        Also report g2 of the first 1/n, 2/n, ... of the series.
    prefix, suffix
        Added to the name of the result.
    threads
        Threads of the builtin engine; 0 for one a core.

    Raises
    ------
    OptionError
        Names the option, its value and what is allowed.
    """

    type: AnalysisType = "multitau"
    engine: Engine = "auto"
    begin_frame: int = 0
    end_frame: int = -1
    stride_frame: int = 1
    avg_frame: int = 1
    smooth: Smooth = "sqmap"
    dq_selection: tuple[int, ...] | None = None
    normalize_frame: bool = True
    save_g2: bool = False
    overwrite: bool = False
    gpu_id: int = -1
    num_partial_g2: int = 0
    prefix: str | None = None
    suffix: str | None = None
    threads: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "type", str(self.type).lower())
        object.__setattr__(self, "dq_selection", _selection(self.dq_selection))
        object.__setattr__(self, "normalize_frame", bool(self.normalize_frame))
        _one_of("type", self.type, get_args(AnalysisType))
        _one_of("engine", self.engine, get_args(Engine))
        _one_of("smooth", self.smooth, get_args(Smooth))
        for name, least in (
            ("begin_frame", 0),
            ("end_frame", -1),
            ("stride_frame", 1),
            ("avg_frame", 1),
            ("gpu_id", -1),
            ("num_partial_g2", 0),
            ("threads", 0),
        ):
            _at_least(name, getattr(self, name), least)
        if self.end_frame != -1 and self.end_frame <= self.begin_frame:
            raise OptionError(
                "end_frame is not after begin_frame",
                got=f"begin_frame={self.begin_frame}, end_frame={self.end_frame}",
                expected="end_frame > begin_frame, or -1 for all frames",
            )

    @property
    def wants_multitau(self) -> bool:
        """Whether a multi-tau g2 is asked for."""
        return self.type in ("multitau", "both", "twotime-log")

    @property
    def wants_twotime(self) -> bool:
        """Whether two-time maps are asked for."""
        return self.type in ("twotime", "both")

    @property
    def wants_log(self) -> bool:
        """Whether log two-time correlations are asked for."""
        return self.type == "twotime-log"

    def frame_range(self, n_frames: int) -> FrameRange:
        """Fit the frame options to a series of `n_frames`; warn where frames at its end are left out."""
        end = n_frames if self.end_frame == -1 else self.end_frame
        if end > n_frames or self.begin_frame >= n_frames:
            raise OptionError(
                "frames outside the series are asked for",
                got=f"begin_frame={self.begin_frame}, end_frame={self.end_frame}",
                expected=f"0 <= begin_frame < end_frame <= {n_frames}",
            )
        step = self.stride_frame * self.avg_frame
        used = (end - self.begin_frame) // step * step
        if used < 2 * step:
            raise OptionError(
                "too few frames to correlate",
                got=f"{end - self.begin_frame} frames, stride_frame * avg_frame = {step}",
                expected="at least 2 frames after stride and averaging",
            )
        left = end - self.begin_frame - used
        if left:
            warnings.warn(
                f"the last {left} of {end - self.begin_frame} frames are left out: stride_frame * avg_frame = {step}",
                stacklevel=2,
            )
        return FrameRange(self.begin_frame, self.begin_frame + used, self.stride_frame, self.avg_frame)

    def as_config(self) -> dict[str, Any]:
        """Return the options as plain values, for the file's ``config`` group and the provenance."""
        return asdict(self)


def _selection(value: Any) -> tuple[int, ...] | None:
    if value is None or value == "all":
        return None
    try:
        parts = value.split(",") if isinstance(value, str) else [str(int(bin_)) for bin_ in value]
        bins: set[int] = set()
        for part in filter(None, parts):
            low, _, high = part.partition("-")
            bins.update(range(int(low), int(high or low) + 1))
    except (TypeError, ValueError):
        bins = set()
    if not bins or min(bins) < 1:
        raise OptionError("dq_selection is not understood", got=repr(value), expected="'all' or labels as in '1,3,5-7'")
    return tuple(sorted(bins))


def _one_of(name: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise OptionError(f"{name} has no such value", got=repr(value), expected=" or ".join(allowed))


def _at_least(name: str, value: object, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise OptionError(f"{name} is out of range", got=repr(value), expected=f"an integer >= {least}")
