"""The average of many results: repeats of one measurement in, one result out."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from xpcs_nb.analysis import (
    MIN_PAIRS,
    Agreement,
    Combined,
    MeanErrors,
    MeanWeights,
    Rejection,
    agreement,
    bin_places,
    combine,
    error_dof,
    usable_delays,
    warn_of_scatter,
)
from xpcs_nb.core import MultitauArrays, ResultArrays
from xpcs_nb.errors import OptionError, ResultExistsError
from xpcs_nb.hdf5 import hash_qmap, read_qmap
from xpcs_nb.reduction._average_arrays import Stages, mean_arrays
from xpcs_nb.reduction._average_members import Members, open_members
from xpcs_nb.reduction._provenance import fingerprint, versions
from xpcs_nb.results import dataset_name, open_result, write_result

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Averaged", "Member", "average", "average_to_file"]

#: Called with the name of the stage, what is done and how much there is.
type Progress = Callable[[str, int, int], None]

#: Results beyond this are identified by size, time and the hash of their ends.
FULL_HASH_BYTES = 64 << 20
SUFFIXES = (".hdf", ".h5", ".hdf5")


@dataclass(frozen=True)
class Member:
    """A result that was to be averaged.

    Attributes
    ----------
    path
        The file.
    kept
        Whether it is in the average.
    reason
        Why it is not; empty where it is.
    chi2
        Mean squared difference to the mean of the others, in units of its variance; NaN where it can't be read.
    baseline
        Mean g2 over the last delays; NaN where it can't be read.
    """

    path: Path
    kept: bool
    reason: str
    chi2: float
    baseline: float

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it, with null for what is not known."""
        numbers = {name: value if np.isfinite(value) else None for name, value in self._numbers().items()}
        return {"path": str(self.path.absolute()), "kept": self.kept, "reason": self.reason} | numbers

    def _numbers(self) -> dict[str, float]:
        return {"chi2": self.chi2, "baseline": self.baseline}


@dataclass(frozen=True)
class Averaged:
    """An average that was written: the file, and what became of each result."""

    path: Path
    members: tuple[Member, ...]

    @property
    def left_out(self) -> tuple[Member, ...]:
        """Results that are not in the average."""
        return tuple(member for member in self.members if not member.kept)

    def __str__(self) -> str:
        lines = [f"{self.path}: average of {len(self.members) - len(self.left_out)} of {len(self.members)} results"]
        return "\n".join(lines + [f"  left out: {member.path.name}: {member.reason}" for member in self.left_out])


def average(results: Iterable[str | Path | xr.DataTree], **options: Any) -> xr.DataTree:
    """Average repeats of one measurement and return the average, which is also written to a file.

    Parameters
    ----------
    results
        Result files in the current APS layout, or results opened from them.
    **options
        Of `average_to_file`: ``output``, ``weights``, ``errors``, ``outliers``, ``max_chi2``, ``baseline``,
        ``baseline_window``, ``baseline_bins``, ``sums``, ``twotime``, ``overwrite``, ``progress``.

    Returns
    -------
    xarray.DataTree
        As `open_result` gives it. ``tree["provenance"].attrs["members"]`` lists every result with its chi2, its
        baseline, and why it was left out.
    """
    return open_result(average_to_file(results, **options).path)


def average_to_file(
    results: Iterable[str | Path | xr.DataTree],
    *,
    output: str | Path = "cluster_results",
    weights: MeanWeights = "equal",
    errors: MeanErrors = "auto",
    outliers: bool = True,
    max_chi2: float | None = None,
    baseline: tuple[float, float] | None = None,
    baseline_window: int = 3,
    baseline_bins: Sequence[int] | None = None,
    sums: bool = True,
    twotime: bool = True,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Averaged:
    """Average repeats of one measurement into a result file, leaving out those that do not agree with the others.

    g2 is averaged with errors from the repeats (see `xpcs_nb.analysis.combine`), scattering and the intensity of
    each frame plainly, the sums G, IP and IF of each pixel and two-time maps where all results have them. Results are
    read one at a time: memory does not grow with their number.

    Parameters
    ----------
    results
        Result files in the current APS layout, or results opened from them; of the same qmap, delays and frames.
    output
        File to write (``.hdf``), or folder, in which it is ``Average_<first>_results.hdf``.
    weights, errors, outliers, max_chi2, baseline, baseline_window, baseline_bins
        See `xpcs_nb.analysis.average_g2`.
    sums, twotime
        Whether to average the sums of each pixel and the two-time maps.
    overwrite
        Replace an existing file.
    progress
        Called with (stage, done, total).

    Returns
    -------
    Averaged
        The file and the fate of each result. A file that can't be read is left out and listed.

    Raises
    ------
    MissingFileError, OptionError, QMapError
        If a file is not there, or differs in qmap, delays or frames: the message names it and the difference.
    ResultExistsError, WriteError
        As `write_result`.

    Warns
    -----
    UserWarning
        For each result that is left out, and where the repeats differ by much more than their errors.
    """
    begin = perf_counter()
    paths = _paths(results)
    target = _target(Path(output), paths[0], overwrite)
    stage = _stages(progress)
    with open_members(paths, stage("read", len(paths))) as members:
        rejection = Rejection(
            outliers=outliers,
            max_chi2=max_chi2,
            baseline=baseline,
            window=baseline_window,
            bins=bin_places(members.first, baseline_bins),
        )
        usable = usable_delays(members.first, min_pairs=MIN_PAIRS).to_numpy()
        found = agreement(members, usable, rejection)
        freedom = error_dof(members.first)
        mean = combine(members, found.kept, usable, weights=weights, errors=errors, dof=freedom)
        fates = _fates(paths, members, found)
        _warn(fates, mean)
        content = _content(members, [members.paths[repeat] for repeat in found.kept], mean, stage, sums, twotime)
        choices = {"weights": weights, "errors": errors} | asdict(rejection) | {"baseline_bins": baseline_bins}
        content.provenance = _provenance(choices, content.multitau_config, members, mean, fates, begin)
        first = members.paths[found.kept[0]]
        write_result(target, content, metadata=first, qmap=read_qmap(first), overwrite=overwrite)
    return Averaged(target, tuple(fates))


def _content(
    members: Members, kept: list[Path], mean: Combined, stage: Stages, sums: bool, twotime: bool
) -> ResultArrays:
    options = open_result(kept[0])["provenance"].attrs.get("options", {})
    means = mean_arrays(kept, members.qmap, stage, sums=sums, twotime=twotime)
    first = members.first
    covariance = first.get("g2_cov")
    multitau = MultitauArrays(
        delay_frames=first["delay_frames"].to_numpy(),
        n_pairs=first["n_pairs"].to_numpy() if "n_pairs" in first.coords else None,
        g2=mean.g2,
        g2_err=mean.err,
        g2_cov=mean.cov,
        g2_cov_samples=mean.samples or (None if covariance is None else covariance.attrs.get("samples")),
        g2_dof=mean.dof,
        estimator=mean.estimator,
        unnormalized=means.sums,
    )
    return ResultArrays(
        raw_path=kept[0].absolute(),
        scattering=means.scattering,
        multitau=multitau,
        twotime=means.twotime,
        multitau_config=options | {"analysis_type": "multitau"},
        twotime_config={} if means.twotime is None else options | {"analysis_type": "twotime"},
        averaged=tuple(path.name for path in kept),
    )


def _warn(fates: list[Member], mean: Combined) -> None:
    for member in fates:
        if not member.kept:
            warnings.warn(f"left out: {member.path.name}: {member.reason}", stacklevel=3)
    warn_of_scatter(mean, sum(member.kept for member in fates))


def _paths(results: Iterable[str | Path | xr.DataTree]) -> list[Path]:
    paths = []
    for result in results:
        if isinstance(result, str | Path):
            paths.append(Path(result))
        elif isinstance(getattr(result, "attrs", None), dict) and "path" in result.attrs:
            paths.append(Path(result.attrs["path"]))
        else:
            raise OptionError("this is no result", where="results", got=type(result).__name__, expected="a file")
    twice = sorted({str(path) for path in paths if paths.count(path) > 1})
    if twice:
        raise OptionError("a result would count twice", where="results", got=", ".join(twice), expected="each once")
    if not paths:
        raise OptionError("there is nothing to average", where="results", got="none", expected="result files")
    return paths


def _target(output: Path, first: Path, overwrite: bool) -> Path:
    """Return the file to write; one that is there is refused before the long work."""
    target = output
    if output.suffix not in SUFFIXES:
        target = output / f"Average_{dataset_name(first).removesuffix('_results')}_results.hdf"
    if target.exists() and not overwrite:
        raise ResultExistsError(
            "a file of this name exists", path=target, hint="Choose another name, or overwrite=True."
        )
    return target


def _stages(progress: Progress | None) -> Stages:
    """Return what makes a counter of a stage: called with what is done since, it tells `progress` the sum."""

    def stage(name: str, total: int) -> Callable[[int], None]:
        done = 0

        def told(more: int) -> None:
            nonlocal done
            done += more
            if progress is not None:
                progress(name, done, total)

        return told

    return stage


def _fates(paths: list[Path], members: Members, found: Agreement) -> list[Member]:
    place = {path: number for number, path in enumerate(members.paths)}
    fates = []
    for path in paths:
        if path in members.unreadable:
            fates.append(Member(path, False, members.unreadable[path], float("nan"), float("nan")))
            continue
        number = place[path]
        reason = found.left_out.get(number, "")
        fates.append(Member(path, not reason, reason, float(found.chi2[number]), float(found.baseline[number])))
    return fates


def _provenance(
    choices: dict[str, Any],
    options: dict[str, Any],
    members: Members,
    mean: Combined,
    fates: list[Member],
    begin: float,
) -> dict[str, Any]:
    scale = [round(float(value), 4) if np.isfinite(value) else None for value in mean.scale]
    return {
        "options": options,
        "average": choices,
        "engine": "average",
        "members": [member.as_dict() for member in fates],
        "scatter_over_errors": scale,
        "qmap_hash": hash_qmap(members.qmap),
        "inputs": [fingerprint(member.path, FULL_HASH_BYTES) for member in fates if member.kept],
        "versions": versions(),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": {"average": round(perf_counter() - begin, 4)},
        "notes": [f"left out: {member.path.name}: {member.reason}" for member in fates if not member.kept],
    }
