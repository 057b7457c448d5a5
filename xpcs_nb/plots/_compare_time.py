"""Intensity against time, and its spectrum, of one or several results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from xpcs_nb.errors import OptionError
from xpcs_nb.plots._figures import node, pretty
from xpcs_nb.plots._panels import Curve, Data, Floats, Panel, Results, colours_of, draw_panels, floats, named_results

__all__ = ["compare_intensity", "intensity_panels", "plot_spectrum", "spectrum", "spectrum_panels"]

#: Points of a curve beyond which neighbours are averaged: a screen has no more columns.
DRAWN = 1500


def compare_intensity(
    results: Results,
    *,
    labels: Sequence[str] | None = None,
    average: int = 1,
    axis: Literal["time", "frame"] = "time",
    relative: bool = False,
    ax: Axes | None = None,
) -> Figure:
    """Draw the mean of each frame against time, of several results.

    Parameters
    ----------
    results
        One result, several, or several by label.
    labels
        For the legend; names of the results where None.
    average
        Frames that are averaged to a point; longer series are averaged until a screen can show them.
    axis
        ``time`` (s) or ``frame`` (number of the correlated frame).
    relative
        Whether to divide each series by its mean.
    ax
        Axes to draw in.

    Raises
    ------
    OptionError
        If there is no intensity, or an option can't be used.
    """
    found = named_results(results, labels)
    return draw_panels(intensity_panels(found, average=average, axis=axis, relative=relative), ax=ax)


def intensity_panels(
    results: Mapping[str, Data],
    *,
    average: int = 1,
    axis: Literal["time", "frame"] = "time",
    relative: bool = False,
) -> list[Panel]:
    """Return the panel of `compare_intensity`."""
    if average < 1 or axis not in ("time", "frame"):
        raise OptionError("this can't be drawn", got=f"average={average}, axis={axis!r}", expected="1.., time or frame")
    curves, notes, unit = [], [], ""
    for (name, data), colour in zip(results.items(), colours_of(len(results)), strict=True):
        intensity = node(data, "saxs", ["intensity"])["intensity"]
        values = floats(intensity.to_numpy())
        unit = pretty(str(intensity.attrs.get("units", "")))
        place = floats(intensity["time"].to_numpy()) if axis == "time" else np.arange(len(values), dtype=float)
        block = max(average, -(-len(values) // DRAWN))
        if relative:
            values = _relative(values)
        x, y = _averaged(place, block), _averaged(values, block)
        curves.append(Curve(x, y, None, name if len(results) > 1 else "", colour))
        if block > 1:
            notes.append(f"mean of {block} frames")
    ylabel = "intensity / mean" if relative else f"mean intensity ({unit})" if unit else "mean intensity"
    xlabel = "time (s)" if axis == "time" else "frame"
    return [Panel(tuple(curves), xlabel, ylabel, "", "; ".join(dict.fromkeys(notes)))]


def _relative(values: Floats) -> Floats:
    finite = values[np.isfinite(values)]
    mean = finite.mean() if len(finite) else np.nan
    return values / mean if mean > 0 else np.full_like(values, np.nan)


def _averaged(values: Floats, block: int) -> Floats:
    whole = len(values) // block * block
    return floats(values[:whole].reshape(-1, block).mean(axis=1)) if whole else values[:0]


def spectrum(data: Data) -> tuple[Floats, Floats]:
    r"""Return the power spectrum of the relative fluctuations of the intensity.

    .. math:: S(f) = \frac{2\,\Delta t}{N} \Big|\sum_n (I_n / \bar I - 1)\, e^{-2\pi i f n \Delta t}\Big|^2

    One-sided: its integral over f is the variance of the relative intensity.

    Returns
    -------
    frequency, power
        Hz and 1/Hz, shape (N // 2,); without frequency 0. Empty for a series without intensity or with gaps.

    Raises
    ------
    OptionError
        If there is no intensity in `data`.
    """
    intensity = node(data, "saxs", ["intensity"])["intensity"]
    values, time = floats(intensity.to_numpy()), floats(intensity["time"].to_numpy())
    if len(values) < 2 or not np.isfinite(values).all() or not values.mean() > 0 or not time[1] > time[0]:
        return np.empty(0), np.empty(0)
    step = (time[-1] - time[0]) / (len(time) - 1)
    power = 2 * step / len(values) * np.abs(np.fft.rfft(values / values.mean() - 1)) ** 2
    if len(values) % 2 == 0:
        # The highest frequency has no partner of the other sign.
        power[-1] /= 2
    return np.fft.rfftfreq(len(values), step)[1:], power[1:]


def plot_spectrum(results: Results, *, labels: Sequence[str] | None = None, ax: Axes | None = None) -> Figure:
    """Draw the power spectrum of the intensity: a line in it is a vibration or the mains, not the sample.

    Parameters
    ----------
    results, labels, ax
        As `compare_intensity`.

    Raises
    ------
    OptionError
        If there is no intensity.
    """
    return draw_panels(spectrum_panels(named_results(results, labels)), ax=ax)


def spectrum_panels(results: Mapping[str, Data]) -> list[Panel]:
    """Return the panel of `plot_spectrum`."""
    curves, notes = [], []
    for (name, data), colour in zip(results.items(), colours_of(len(results)), strict=True):
        frequency, power = spectrum(data)
        if not len(frequency):
            notes.append(f"{name}: no spectrum of a series without intensity or with gaps")
        curves.append(Curve(*_peaks(frequency, power), None, name if len(results) > 1 else "", colour))
    return [Panel(tuple(curves), "frequency (Hz)", "power of I/⟨I⟩ (Hz⁻¹)", "", "; ".join(notes), "xy")]


def _peaks(frequency: Floats, power: Floats) -> tuple[Floats, Floats]:
    """Keep the largest of neighbours where there are more than a screen has columns: lines stay."""
    block = -(-len(power) // (2 * DRAWN)) if len(power) else 1
    whole = len(power) // block * block
    at = power[:whole].reshape(-1, block).argmax(axis=1) + np.arange(whole // block) * block
    return frequency[at], power[at]
