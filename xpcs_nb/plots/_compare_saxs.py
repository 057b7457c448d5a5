"""I(q) and its stretches of time, of one or several results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from xpcs_nb.errors import OptionError
from xpcs_nb.plots._figures import colour_of, node, pretty, q_colours
from xpcs_nb.plots._panels import Curve, Data, Floats, Panel, Results, colours_of, draw_panels, floats, named_results
from xpcs_nb.plots._saxs import _sectors

__all__ = ["Normalisation", "compare_saxs_1d", "compare_stability", "saxs_1d_panels", "stability_panels"]

Normalisation = Literal["none", "q2", "q4", "I0"]
Q = "q (Å⁻¹)"


def compare_saxs_1d(
    results: Results,
    *,
    labels: Sequence[str] | None = None,
    normalise: Normalisation = "none",
    background: Data | None = None,
    weight: float = 1.0,
    offset: float = 0.0,
    segments: bool = False,
    log: str = "xy",
    ax: Axes | None = None,
) -> Figure:
    """Draw I(q) of several results over each other.

    Parameters
    ----------
    results
        One result, several, or several by label.
    labels
        For the legend; names of the results where None.
    normalise
        ``none``; ``q2`` and ``q4``: I q^2 and I q^4 (q in 1/angstrom); ``I0``: I over its value at the lowest q.
    background, weight
        Result whose I(q), interpolated in q and times `weight`, is subtracted first.
    offset
        Each further curve is multiplied by 10^offset where the intensity is logarithmic; else offset is added.
    segments
        Whether to draw the stretches of time of each result instead of the mean.
    log
        Axes that are logarithmic.
    ax
        Axes to draw in.

    Raises
    ------
    OptionError
        If there is no I(q), or no such normalisation.
    """
    found = named_results(results, labels)
    panels = saxs_1d_panels(
        found, normalise=normalise, background=background, weight=weight, offset=offset, segments=segments, log=log
    )
    return draw_panels(panels, ax=ax)


def saxs_1d_panels(
    results: Mapping[str, Data],
    *,
    normalise: Normalisation = "none",
    background: Data | None = None,
    weight: float = 1.0,
    offset: float = 0.0,
    segments: bool = False,
    log: str = "xy",
) -> list[Panel]:
    """Return the panel of `compare_saxs_1d`."""
    if normalise not in get_args(Normalisation):
        raise OptionError("no such normalisation", got=repr(normalise), expected=", ".join(get_args(Normalisation)))
    if not np.isfinite(weight):
        raise OptionError("the weight of a background is a number", got=weight)
    curves: list[Curve] = []
    behind = None if background is None else _mean_curve(background)
    for (name, data), colour in zip(results.items(), colours_of(len(results)), strict=True):
        for label, one_colour, q, intensity in _lines(data, name, colour, segments, alone=len(results) == 1):
            if behind is not None:
                intensity = intensity - weight * np.interp(q, *behind, left=np.nan, right=np.nan)
            intensity = _normalised(q, intensity, normalise)
            number = len(curves)
            moved = intensity * 10.0 ** (offset * number) if "y" in log else intensity + offset * number
            curves.append(Curve(q, moved, None, label, one_colour))
    wanted = node(next(iter(results.values())), "saxs", [])[_wanted(segments)]
    unit = pretty(str(wanted.attrs.get("units", "")))
    note = "" if behind is None else f"background subtracted, weight {weight:g}"
    return [Panel(tuple(curves), Q, _ylabel(unit, normalise), "", note, log)]


def _lines(data: Data, name: str, colour: str, segments: bool, *, alone: bool) -> list[tuple[str, str, Floats, Floats]]:
    """Return label, colour, q and intensity of each line of one result: sectors of phi, or segments."""
    wanted = _wanted(segments)
    dataset = node(data, "saxs", [wanted, "q"])
    values = np.atleast_2d(floats(dataset.variables[wanted].transpose(..., "static_bin").to_numpy()))
    sectors = _sectors(dataset)
    several = q_colours(np.arange(1.0, 1 + max(len(sectors), len(values)))) if alone else None
    lines = []
    for number, (sector, members) in enumerate(sectors):
        q = floats(dataset.variables["q"].to_numpy())[members]
        for part, row in enumerate(values):
            words = [] if alone else [name]
            words += [] if sector == "_all" else [sector]
            words += [f"segment {part + 1}"] if segments else []
            shade = to_hex(colour_of(several, 1.0 + (part if segments else number))) if several else colour
            lines.append((", ".join(words) or name, shade, q, row[members]))
    return lines


def _wanted(segments: bool) -> str:
    return "scattering_1d_segments" if segments else "scattering_1d"


def _mean_curve(data: Data) -> tuple[Floats, Floats]:
    """Return q and the mean over phi of the scattering of a background."""
    dataset = node(data, "saxs", ["scattering_1d", "q"])
    q, values = floats(dataset["q"].to_numpy()), floats(dataset["scattering_1d"].to_numpy())
    good = np.isfinite(q) & np.isfinite(values)
    levels = np.unique(q[good])
    if not len(levels):
        raise OptionError("the background has no I(q)", expected="finite values")
    return levels, np.array([values[good & (q == level)].mean() for level in levels])


def _normalised(q: Floats, intensity: Floats, normalise: Normalisation) -> Floats:
    if normalise in ("q2", "q4"):
        return floats(intensity * q ** int(normalise[1]))
    if normalise == "I0":
        good = np.flatnonzero(np.isfinite(intensity) & (intensity > 0))
        return intensity / intensity[good[0]] if len(good) else np.full_like(intensity, np.nan)
    return intensity


def _ylabel(unit: str, normalise: Normalisation) -> str:
    if normalise == "I0":
        return "I / I(lowest q)"
    if normalise == "none":
        return f"intensity ({unit})" if unit else "intensity"
    power = {"q2": "²", "q4": "⁴"}[normalise]
    return f"I q{power} ({unit} Å⁻{power})" if unit else f"I q{power} (Å⁻{power})"


def compare_stability(results: Results, *, labels: Sequence[str] | None = None, ax: Axes | None = None) -> Figure:
    """Draw I(q) of each stretch of time over their mean, of several results: 1 where nothing changed.

    Parameters
    ----------
    results, labels, ax
        As `compare_saxs_1d`.

    Raises
    ------
    OptionError
        If a result has no segments.
    """
    return draw_panels(stability_panels(named_results(results, labels)), ax=ax)


def stability_panels(results: Mapping[str, Data]) -> list[Panel]:
    """Return the panel of `compare_stability`."""
    curves = []
    for (name, data), colour in zip(results.items(), colours_of(len(results)), strict=True):
        dataset = node(data, "saxs", ["scattering_1d_segments", "q"])
        values = floats(dataset["scattering_1d_segments"].transpose("segment", "static_bin").to_numpy())
        q, ratio = _over_mean(floats(dataset["q"].to_numpy()), values)
        shades = q_colours(np.arange(len(values), dtype=float))
        for number, row in enumerate(ratio):
            shade = to_hex(colour_of(shades, float(number))) if len(results) == 1 else colour
            words = f"segment {number + 1}" if len(results) == 1 else name if number == 0 else ""
            curves.append(Curve(q, row, None, words, shade))
    return [Panel(tuple(curves), Q, "segment / mean of segments", "", "", "x")]


def _over_mean(q: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Return the levels of q, and the sum of each segment over its mean; NaN where nothing scattered."""
    levels = np.unique(q[np.isfinite(q) & (q > 0)])
    good = np.isfinite(values).all(axis=0)
    totals = np.array([values[:, good & (q == level)].sum(axis=1) for level in levels]).T.reshape(len(values), -1)
    mean = totals.mean(axis=0)
    return levels, np.divide(totals, mean, out=np.full_like(totals, np.nan), where=mean > 0)
