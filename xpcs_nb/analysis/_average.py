"""The average of repeats that are in memory."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xpcs_nb.analysis._agreement import Agreement, Rejection, agreement
from xpcs_nb.analysis._combine import Combined, MeanErrors, MeanWeights, combine
from xpcs_nb.analysis._few_samples import error_dof
from xpcs_nb.analysis._points import MIN_PAIRS, multitau_dataset, usable_delays
from xpcs_nb.errors import OptionError

__all__ = ["average_g2", "bin_places", "grid_difference", "mean_dataset", "warn_of_scatter"]

type Floats = NDArray[np.float64]

#: Ratio of the scatter between repeats to their errors (as variances) beyond which something changed between them.
UNQUIET = 2.0


def average_g2(
    repeats: Sequence[xr.Dataset | xr.DataTree],
    *,
    names: Sequence[str] | None = None,
    weights: MeanWeights = "equal",
    errors: MeanErrors = "auto",
    outliers: bool = True,
    max_chi2: float | None = None,
    baseline: tuple[float, float] | None = None,
    baseline_window: int = 3,
    baseline_bins: Sequence[int] | None = None,
    min_pairs: int = MIN_PAIRS,
) -> xr.Dataset:
    r"""Average g2 of repeats of one measurement, leaving out those that do not agree with the others.

    Parameters
    ----------
    repeats
        Multi-tau datasets (g2, g2_err, perhaps g2_cov) of the same delays and bins, their nodes, or results.
    names
        What to call them; by default 1, 2, ...
    weights
        ``equal``, or ``errors``: by the inverse square of their errors, one number a repeat and bin.
    errors
        ``scatter`` of the repeats about their mean; ``scaled``: the repeats' own errors with one factor a bin that
        makes them agree with the scatter; ``auto``: the first from 100 repeats on.
    outliers, max_chi2
        Whether to leave out repeats whose chi2 against the mean of the others (a point) is exceptional, or above a
        limit of your own.
    baseline, baseline_window, baseline_bins
        Leave out repeats whose mean g2 over the last `baseline_window` delays of the bins `baseline_bins` (values of
        the coordinate ``bin``; all by default) is outside this range.
    min_pairs
        Delays with fewer pairs of frames have no say in whether repeats agree.

    Returns
    -------
    xarray.Dataset
        g2, g2_err (a standard error; its ``estimator`` says which), g2_cov where known, ``g2_dof(bin)``, the degrees
        of freedom of g2_err; ``scale(bin)``, the variance between the repeats over that expected from their errors;
        ``repeat_chi2``, ``repeat_baseline``, ``repeat_kept``, ``repeat_reason`` by ``repeat``.

    Raises
    ------
    OptionError
        If there is nothing to average, or delays or bins differ: the message names the repeat and the difference.

    Warns
    -----
    UserWarning
        If the repeats differ by much more than their errors.
    """
    datasets = [multitau_dataset(repeat) for repeat in repeats]
    if not datasets:
        raise OptionError("there is nothing to average", where="repeats", got="none", expected="at least one")
    labels = [str(number) for number in range(1, len(datasets) + 1)] if names is None else list(names)
    if len(labels) != len(datasets):
        raise OptionError("a name each", where="names", got=len(labels), expected=len(datasets))
    for label, dataset in zip(labels, datasets, strict=True):
        difference = grid_difference(datasets[0], dataset)
        if difference:
            raise OptionError(f"repeat {label} can't be averaged with {labels[0]}", where="repeats", got=difference)
    rejection = Rejection(
        outliers=outliers,
        max_chi2=max_chi2,
        baseline=baseline,
        window=baseline_window,
        bins=bin_places(datasets[0], baseline_bins),
    )
    stack = _InMemory(datasets)
    usable = usable_delays(datasets[0], min_pairs=min_pairs).to_numpy()
    found = agreement(stack, usable, rejection)
    mean = combine(stack, found.kept, usable, weights=weights, errors=errors, dof=error_dof(datasets[0]))
    warn_of_scatter(mean, len(found.kept))
    return mean_dataset(datasets[0], mean, found, labels)


def grid_difference(first: xr.Dataset, other: xr.Dataset) -> str | None:
    """Say in what the delays or bins of `other` differ from those of `first`; None where they don't."""
    for name, unit in (("delay", " s"), ("bin", ""), ("q", "/angstrom"), ("phi", " degree"), ("n_pairs", "")):
        if (name in first.coords) != (name in other.coords):
            return f"{name} is known of one of them only"
        if name not in first.coords:
            continue
        mine, its = (np.asarray(each[name].to_numpy(), dtype=float) for each in (first, other))
        if mine.shape != its.shape:
            return f"{len(its)} values of {name} instead of {len(mine)}"
        apart = ~np.isclose(its, mine, rtol=1e-6, atol=0, equal_nan=True)
        if apart.any():
            place = int(np.argmax(apart))
            return f"{name}[{place}] = {its[place]:.6g}{unit} instead of {mine[place]:.6g}{unit}"
    return None


def bin_places(dataset: xr.Dataset, bins: Sequence[int] | None) -> list[int] | None:
    """Return the places of labels of bins, from 0; None for None.

    Raises
    ------
    OptionError
        If there are no such bins.
    """
    if bins is None:
        return None
    known = dataset["bin"].to_numpy().tolist()
    unknown = [label for label in bins if label not in known]
    if unknown or not len(bins):
        raise OptionError(
            "no such bins", where="baseline_bins", got=unknown or "none", expected=f"labels among {known}"
        )
    return [known.index(label) for label in bins]


def warn_of_scatter(mean: Combined, kept: int) -> None:
    """Warn where repeats differ by much more than their errors: their mean may be of different things."""
    scale = float(np.nanmedian(mean.scale)) if np.isfinite(mean.scale).any() else float("nan")
    if scale > UNQUIET:
        warnings.warn(
            f"{kept} repeats differ by more than their errors: the variance between them is {scale:.3g} times what"
            " the errors make expect. Look whether sample or beam changed (plot_repeats).",
            stacklevel=3,
        )


def mean_dataset(first: xr.Dataset, mean: Combined, found: Agreement, names: Sequence[str]) -> xr.Dataset:
    """Return the mean as a dataset with the coordinates of `first`; see `average_g2`."""
    keep = {name: coord for name, coord in first.coords.items() if set(coord.dims) <= {"delay", "bin"}}
    grid = ("delay", "bin")
    about: dict[str, Any] = {"units": "1", "long_name": "standard error of g2", "estimator": mean.estimator}
    data = xr.Dataset(
        {
            "g2": (grid, mean.g2, {"units": "1", "long_name": "mean g2 of the repeats"}),
            "g2_err": (grid, mean.err, about),
        },
        coords=keep | {"repeat": ("repeat", np.array(names, dtype=str))},
    )
    if mean.cov is not None:
        text: dict[str, Any] = {"units": "1", "long_name": "covariance of g2 between delays"}
        samples = mean.samples or (first["g2_cov"].attrs.get("samples") if "g2_cov" in first else None)
        text |= {} if samples is None else {"samples": int(samples)}
        data["g2_cov"] = (("bin", "delay", "delay2"), mean.cov, text)
    data["g2_dof"] = ("bin", mean.dof, {"units": "1", "long_name": "degrees of freedom of the standard error of g2"})
    data["scale"] = (
        "bin",
        mean.scale,
        {"units": "1", "long_name": "variance between repeats over that expected from their errors"},
    )
    kept = set(found.kept)
    columns: dict[str, tuple[list[Any] | Floats, str]] = {
        "chi2": (found.chi2, "chi squared of a point against the other repeats"),
        "baseline": (found.baseline, "mean g2 at the last delays"),
        "kept": ([number in kept for number in range(len(names))], "the repeat is in the mean"),
        "reason": ([found.left_out.get(number, "") for number in range(len(names))], "why it is left out"),
    }
    for name, (values, text_) in columns.items():
        data[f"repeat_{name}"] = ("repeat", np.asarray(values), {"units": "1", "long_name": text_})
    return data


@dataclass(frozen=True)
class _InMemory:
    """Repeats that are datasets."""

    datasets: list[xr.Dataset]

    def __len__(self) -> int:
        return len(self.datasets)

    def g2(self, repeat: int) -> Floats:
        return self._grid(repeat, "g2")

    def err(self, repeat: int) -> Floats:
        if "g2_err" not in self.datasets[repeat]:
            raise OptionError("a repeat has no errors", where=f"repeat {repeat + 1}", expected="g2_err")
        return self._grid(repeat, "g2_err")

    def cov(self, repeat: int) -> Floats | None:
        dataset = self.datasets[repeat]
        if "g2_cov" not in dataset:
            return None
        return np.asarray(dataset["g2_cov"].transpose("bin", "delay", ...).to_numpy(), dtype=np.float64)

    def _grid(self, repeat: int, name: str) -> Floats:
        return np.asarray(self.datasets[repeat][name].transpose("delay", "bin").to_numpy(), dtype=np.float64)
