"""g2 of all bins as an image: bin against delay."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from xpcs_nb.plots._figures import MASKED, PAGE, axes_for, colour_bar, dress, node
from xpcs_nb.plots._panels import Data, Floats, floats

__all__ = ["g2_image", "plot_g2_map"]


def plot_g2_map(
    data: Data,
    *,
    normalise: bool = False,
    percentiles: tuple[float, float] = (1.0, 99.0),
    ax: Axes | None = None,
) -> Figure:
    """Draw g2 as a map of bin and delay: a bin that behaves otherwise than its neighbours is a row apart.

    Parameters
    ----------
    data
        Result, its multi-tau node, or the dataset.
    normalise
        Whether to divide g2 - 1 of each bin by its value at the shortest delay.
    percentiles
        Of the values, at which the colours end.
    ax
        Axes to draw in.

    Raises
    ------
    OptionError
        If there is no g2 in `data`.
    """
    labels, delay, values = g2_image(data, normalise=normalise)
    finite = values[np.isfinite(values)]
    low, high = (float(v) for v in np.percentile(finite, percentiles)) if len(finite) else (0.0, 1.0)
    figure, ax = axes_for(ax, (PAGE * 0.7, 3.4))
    edges = _edges(delay)
    look: dict[str, Any] = {"vmin": low, "vmax": high if high > low else low + 1e-6}
    cmap = mpl.colormaps["viridis"].with_extremes(bad=MASKED)
    drawn = ax.pcolormesh(edges, np.arange(len(labels) + 1), values, cmap=cmap, rasterized=True, **look)
    ax.set_xscale("log")
    step = max(1, len(labels) // 12)
    ax.set_yticks(np.arange(len(labels))[::step] + 0.5, [str(label) for label in labels[::step]])
    dress(ax, "delay τ (s)", "dynamic bin")
    colour_bar(figure, drawn, ax, "(g₂ − 1) / (g₂(τ₁) − 1)" if normalise else "g₂")
    return figure


def g2_image(data: Data, *, normalise: bool = False) -> tuple[list[int], Floats, Floats]:
    """Return labels, delays (s, positive), and g2 as (bin, delay), NaN where there is none.

    With `normalise`, g2 - 1 over its value at the shortest delay; NaN for a bin where that is not positive.
    """
    dataset = node(data, "multitau", ["g2", "delay"])
    delay = floats(dataset["delay"].to_numpy())
    values = floats(dataset["g2"].transpose("bin", "delay").to_numpy())[:, delay > 0]
    values = np.where(np.isfinite(values), values, np.nan)
    if normalise:
        first = values[:, :1] - 1
        values = np.divide(values - 1, first, out=np.full_like(values, np.nan), where=first > 0)
    return [int(label) for label in dataset["bin"].to_numpy()], delay[delay > 0], values


def _edges(delay: Floats) -> Floats:
    """Return edges halfway between delays on a logarithmic axis."""
    if len(delay) < 2:
        return np.array([delay[0] / 1.5, delay[0] * 1.5]) if len(delay) else np.array([1.0, 2.0])
    middle = np.sqrt(delay[:-1] * delay[1:])
    return np.concatenate([[delay[0] ** 2 / middle[0]], middle, [delay[-1] ** 2 / middle[-1]]])
