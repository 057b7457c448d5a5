"""g2 of one or several results, laid over each other bin by bin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from numpy.typing import NDArray

from xpcs_nb.analysis import fitted_curve, usable_delays
from xpcs_nb.errors import OptionError
from xpcs_nb.plots._figures import colour_of, node, q_colours, value_with_error
from xpcs_nb.plots._panels import Curve, Data, Floats, Panel, Results, colours_of, draw_panels, floats, named_results

__all__ = ["BinMatch", "compare_g2", "g2_panels", "match_bin", "partial_panels", "plot_g2_partial"]

type Layout = Literal["grid", "overlay", "one"]

#: Relative difference of q up to which bins of different results count as the same.
SAME_Q = 1e-3
#: And beyond which there is nothing to compare.
FAR_Q = 0.2
DELAY, G2 = "delay τ (s)", "g₂"


@dataclass(frozen=True)
class BinMatch:
    """The bin of another result that a bin is compared with.

    Attributes
    ----------
    bin
        Its label; None where there is none near enough.
    note
        What differs; empty for the same bin.
    """

    bin: int | None
    note: str = ""


def match_bin(first: xr.Dataset, label: int, other: xr.Dataset) -> BinMatch:
    """Find the bin of `other` that lies where bin `label` of `first` does: by q, then by phi.

    Without q (or where it is unknown) the bin of the same label is taken. The nearest q counts if it is within 20 %,
    and is noted if it is not the same.
    """
    q, phi = (_coordinate(first, name, label) for name in ("q", "phi"))
    labels = other.variables["bin"].to_numpy()
    if not np.isfinite(q) or "q" not in other.coords or not np.isfinite(other.variables["q"].to_numpy()).any():
        return BinMatch(label, "by label") if label in labels else BinMatch(None, f"no bin {label}")
    theirs = other.variables["q"].to_numpy().astype(float)
    distance = np.abs(theirs / q - 1) if q else np.abs(theirs - q)
    distance = np.where(np.isfinite(distance), distance, np.inf)
    if distance.min() > FAR_Q:
        return BinMatch(None, f"no bin near q = {q:.3g} Å⁻¹")
    candidates = np.flatnonzero(np.isclose(distance, distance.min(), rtol=1e-6, atol=1e-9))
    if len(candidates) > 1 and np.isfinite(phi) and "phi" in other.coords:
        turn = np.abs((other.variables["phi"].to_numpy()[candidates].astype(float) - phi + 180) % 360 - 180)
        candidates = candidates[[int(np.nanargmin(turn))]] if np.isfinite(turn).any() else candidates
    found = int(candidates[0])
    note = "" if distance[found] <= SAME_Q else f"q = {theirs[found]:.3g} Å⁻¹"
    return BinMatch(int(labels[found]), note)


def _coordinate(data: xr.Dataset, name: str, label: int) -> float:
    if name not in data.coords or data.variables[name].dims != ("bin",):
        return float("nan")
    return float(data.variables[name].to_numpy()[data.variables["bin"].to_numpy() == label][0])


def compare_g2(
    results: Results,
    *,
    labels: Sequence[str] | None = None,
    bins: Iterable[int] | None = None,
    layout: Layout = "grid",
    fits: Mapping[str, xr.Dataset] | None = None,
    offset: float = 0.0,
    baseline: bool = False,
    errorbars: bool = True,
    ax: Axes | None = None,
) -> Figure:
    """Draw g2 of several results over each other.

    Bins are those of the first result; of the others the bin at the same q (and phi) is drawn, and where it is not at
    the same q the panel says so. Delays may differ.

    Parameters
    ----------
    results
        One result, several, or several by label.
    labels
        For the legend; names of the results where None.
    bins
        Labels of bins of the first result; all where None.
    layout
        ``grid``: a panel a bin. ``overlay``: all in one. ``one``: the first of `bins` alone.
    fits
        What `xpcs_nb.analysis.fit_g2` returned, by label of the result.
    offset
        Added once more for each curve of a panel.
    baseline
        Whether to subtract the mean of the last usable delays (a fifth of them, three at least), so that
        curves end at 0.
    errorbars
        Whether to draw errors (one standard deviation).
    ax
        For layouts with one panel: axes to draw in.

    Raises
    ------
    OptionError
        If there is no g2, no such bin or layout.
    """
    found = named_results(results, labels)
    panels = g2_panels(
        found, bins=bins, layout=layout, fits=fits, offset=offset, baseline=baseline, errorbars=errorbars
    )
    return draw_panels(panels, ax=ax)


def g2_panels(
    results: Mapping[str, Data],
    *,
    bins: Iterable[int] | None = None,
    layout: Layout = "grid",
    fits: Mapping[str, xr.Dataset] | None = None,
    offset: float = 0.0,
    baseline: bool = False,
    errorbars: bool = True,
) -> list[Panel]:
    """Return the panels of `compare_g2`."""
    if layout not in ("grid", "overlay", "one"):
        raise OptionError("no such layout", got=repr(layout), expected="'grid', 'overlay' or 'one'")
    curves = {name: _Curves(data, (fits or {}).get(name), baseline, errorbars) for name, data in results.items()}
    first = next(iter(curves.values()))
    shown = _known(first, bins)[: 1 if layout == "one" else None]
    colours = dict(zip(curves, colours_of(len(curves)), strict=True))
    panels = []
    for label in shown:
        drawn: list[Curve] = []
        notes: list[str] = []
        for name, one in curves.items():
            match = match_bin(first.data, label, one.data)
            if match.note:
                notes.append(f"{name}: {match.note}")
            if match.bin is not None:
                drawn += one.of(match.bin, name if len(curves) > 1 else "", colours[name], offset * _points(drawn))
        note = first.fit_note(label) if len(curves) == 1 else _short(notes)
        panels.append(Panel(tuple(drawn), DELAY, G2, first.title(label), note, "x", key=label))
    return [_one_panel(panels, first, several=len(curves) > 1)] if layout == "overlay" else panels


def _points(drawn: Sequence[Curve]) -> int:
    """Count the curves with points: one for each bin that is drawn."""
    return sum(curve.style == "points" for curve in drawn)


def _short(notes: Sequence[str]) -> str:
    return "; ".join(notes[:2]) + (f"; and {len(notes) - 2} more" if len(notes) > 2 else "")


def _known(first: _Curves, bins: Iterable[int] | None) -> list[int]:
    known = [int(label) for label in first.data["bin"].to_numpy()]
    wanted = known if bins is None else [int(label) for label in bins]
    unknown = [label for label in wanted if label not in known]
    if unknown or not wanted:
        expected = f"labels among {known[0]}..{known[-1]}" if known else "a result with bins"
        raise OptionError("no such bins", where="bins", got=unknown or "no bins", expected=expected)
    return wanted


def _one_panel(panels: Sequence[Panel], first: _Curves, *, several: bool) -> Panel:
    """Lay the panels over each other: coloured by result, or by q where there is one result."""
    drawn: list[Curve] = []
    for number, panel in enumerate(panels):
        for curve in panel.curves:
            if several:
                drawn.append(_relabelled(curve, curve.label if number == 0 else "", curve.colour))
            else:
                drawn.append(_relabelled(curve, first.title(panel.key), first.colour(panel.key)))
    notes = [panel.note for panel in panels if panel.note] if several else []
    title = panels[0].title if len(panels) == 1 else f"{len(panels)} bins"
    return Panel(tuple(drawn), DELAY, G2, title, _short(notes), "x", key=panels[0].key)


def _relabelled(curve: Curve, label: str, colour: str) -> Curve:
    return Curve(curve.x, curve.y, curve.err, label if curve.style == "points" else "", colour, curve.style)


class _Curves:
    """The g2 of one result as plain arrays."""

    def __init__(self, data: Data, fit: xr.Dataset | None, baseline: bool, errorbars: bool) -> None:
        self.data = node(data, "multitau", ["g2", "delay"])
        self.fit, self.baseline = fit, baseline
        # Variables without their coordinates: of a hundred results that is a second.
        variables = self.data.variables
        self.delay = floats(variables["delay"].to_numpy())
        self.g2 = floats(variables["g2"].transpose("delay", "bin").to_numpy())
        self.index = {int(label): number for number, label in enumerate(variables["bin"].to_numpy())}
        self.err: Floats | None = None
        self.used: NDArray[np.bool_] = np.isfinite(self.g2) & (self.delay > 0)[:, None]
        if "g2_err" in self.data:
            self.used = usable_delays(self.data).to_numpy()
            self.err = floats(variables["g2_err"].transpose("delay", "bin").to_numpy()) if errorbars else None
        if fit is not None:
            positive = self.delay[self.delay > 0]
            self.fine = np.geomspace(positive.min(), positive.max(), 200)
            self.fitted = fitted_curve(fit, self.fine)
        q = variables["q"].to_numpy() if "q" in self.data.coords else np.arange(len(self.index))
        self.q = floats(q)

    def of(self, label: int, name: str, colour: str, offset: float) -> list[Curve]:
        """Return points, open points and the fit of one bin."""
        column = self.index[label]
        g2, used = self.g2[:, column], self.used[:, column]
        shift = offset - (self._floor(g2, used) if self.baseline else 0.0)
        err = None if self.err is None else self.err[used, column]
        curves = [Curve(self.delay[used], g2[used] + shift, err, name, colour, "points")]
        out = ~used & np.isfinite(g2) & (self.delay > 0)
        if out.any():
            curves.append(Curve(self.delay[out], g2[out] + shift, style="open"))
        if self.fit is not None and bool(self.fit["success"].sel(bin=label)):
            fitted = floats(self.fitted.sel(bin=label).to_numpy())
            curves.append(Curve(self.fine, fitted + shift, colour=colour if name else "#c1272d"))
        return curves

    @staticmethod
    def _floor(g2: Floats, used: NDArray[np.bool_]) -> float:
        usable = g2[used]
        return float(usable[-max(3, len(usable) // 5) :].mean()) if len(usable) else 0.0

    def title(self, label: int) -> str:
        """Name a bin by its label, its q, and its phi where bins differ in it."""
        q, phi = (_coordinate(self.data, name, label) for name in ("q", "phi"))
        parts = [f"bin {label}"] + ([f"q = {q:#.3g} Å⁻¹"] if np.isfinite(q) else [])
        if np.isfinite(phi) and len(np.unique(self.data["phi"].to_numpy())) > 1:
            parts.append(f"φ = {phi:.3g}°")
        return ", ".join(parts)

    def colour(self, label: int) -> str:
        """Return the colour of a bin by its q."""
        q = self.q if np.isfinite(self.q).any() else np.arange(len(self.q), dtype=float)
        return to_hex(colour_of(q_colours(q), q[self.index[label]]))

    def fit_note(self, label: int) -> str:
        """Say what the fit found, or why it failed."""
        if self.fit is None:
            return ""
        one = self.fit.sel(bin=label)
        if not bool(one["success"]):
            return "no fit: " + str(one["status"].item()).split(":")[0]
        rate = f"Γ = {value_with_error(float(one['rate']), float(one['rate_err']))} s⁻¹"
        return f"{rate}, χ²/ν = {float(one['chi2'] / one['dof']):.2g}"


def plot_g2_partial(data: Data, bin: int | None = None, *, ax: Axes | None = None) -> Figure:
    """Draw g2 of the first frames of a series, of ever more of them: a stable sample gives the same curve.

    Parameters
    ----------
    data
        Result with partial g2 (option ``num_partial_g2`` of the reduction), its multi-tau node, or the dataset.
    bin
        Label of the bin; the first where None.
    ax
        Axes to draw in.

    Raises
    ------
    OptionError
        If the result has no partial g2, or no such bin.
    """
    return draw_panels(partial_panels(data, bin), ax=ax)


def partial_panels(data: Data, bin: int | None = None) -> list[Panel]:
    """Return the panel of `plot_g2_partial`."""
    dataset = node(data, "multitau", ["g2_partial", "delay"])
    shown = _Curves(dataset, None, False, False)
    (label,) = _known(shown, None if bin is None else [bin])[:1]
    parts = dataset["g2_partial"].sel(bin=label).transpose("partial", "delay")
    frames: list[Any] = dataset["partial_frames"].to_numpy().tolist() if "partial_frames" in dataset else []
    colours = q_colours(np.arange(parts.sizes["partial"], dtype=float))
    positive = shown.delay > 0
    curves = []
    for number, values in enumerate(floats(parts.to_numpy())):
        name = f"first {frames[number]} frames" if frames else f"part {number + 1}"
        # A delay that the part is too short for is written as 0.
        values = np.where(values == 0, np.nan, values)[positive]
        curves.append(
            Curve(shown.delay[positive], values, None, name, to_hex(colour_of(colours, float(number))), "both")
        )
    return [Panel(tuple(curves), DELAY, G2, shown.title(label), "", "x", key=label)]
