"""An average with the repeats behind it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from xpcs_nb.errors import OptionError
from xpcs_nb.plots._figures import GREY, PAGE, ResultFigure, dress, log_scale, node

__all__ = ["plot_repeats"]

OUT = "#c1272d"
#: Repeats that are drawn at most, spread over the series: more hide each other.
MOST = 200


def plot_repeats(
    mean: xr.Dataset | xr.DataTree,
    repeats: Sequence[xr.Dataset | xr.DataTree],
    *,
    bin: int | None = None,
    fig: Figure | None = None,
) -> Figure:
    """Draw the mean g2 of a bin with the repeats behind it, and how each agrees with the others.

    Parameters
    ----------
    mean
        What `xpcs_nb.average` or `xpcs_nb.average_g2` returned.
    repeats
        What was averaged, in the same order: datasets or results, also those that were left out. At most 200 are drawn.
    bin
        Value of the coordinate ``bin``; the middle one where None.
    fig
        Empty figure to draw in.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    OptionError
        If `mean` does not say what became of these repeats, or there is no such bin.
    """
    chi2, kept = _fates(mean)
    if len(repeats) != len(chi2):
        raise OptionError("these are other repeats", where="repeats", got=len(repeats), expected=len(chi2))
    data = node(mean, "multitau", ["g2", "g2_err", "delay"])
    labels = data["bin"].to_numpy().tolist()
    label = labels[len(labels) // 2] if bin is None else bin
    if label not in labels:
        raise OptionError("no such bin", where="bin", got=label, expected=f"labels among {labels}")
    figure = fig or ResultFigure(figsize=(PAGE, 3.0), layout="constrained")
    left, right = figure.subplots(1, 2, gridspec_kw={"width_ratios": [3, 2]})
    shown = np.unique(np.linspace(0, len(repeats) - 1, min(len(repeats), MOST)).astype(int))
    for number in [*shown[kept[shown]], *shown[~kept[shown]]]:
        one = node(repeats[number], "multitau", ["g2", "delay"]).sel(bin=label)
        style = {"color": GREY, "lw": 0.5, "zorder": 1} if kept[number] else {"color": OUT, "lw": 0.8, "zorder": 2}
        left.plot(one["delay"], one["g2"], "-", **style)
    one = data.sel(bin=label)
    left.errorbar(one["delay"], one["g2"], one["g2_err"], fmt="o", ms=3, elinewidth=0.8, color="C0", zorder=3)
    left.plot([], [], "-", color=GREY, label=f"{int(kept.sum())} repeats")
    if not kept.all():
        left.plot([], [], "-", color=OUT, label=f"{int((~kept).sum())} left out")
    left.plot([], [], "o", color="C0", ms=3, label="mean")
    left.legend(fontsize=7, frameon=False)
    dress(left, "delay τ (s)", "$g_2$")
    log_scale(left, "x")
    q = float(one["q"]) if "q" in one.coords else float("nan")
    left.set_title(f"q = {q:#.3g} Å⁻¹" if np.isfinite(q) else f"bin {label}", fontsize=8)
    places = np.arange(1, len(chi2) + 1)
    right.plot(places[kept], chi2[kept], "o", ms=3, color="C0")
    right.plot(places[~kept], chi2[~kept], "x", ms=5, color=OUT)
    right.axhline(1, color=GREY, lw=0.8, zorder=0)
    dress(right, "repeat", "χ² a point against the others")
    right.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    log_scale(right, "y")
    return figure


def _fates(mean: xr.Dataset | xr.DataTree) -> tuple[np.ndarray, np.ndarray]:
    """Return chi2 and whether it was kept, of each repeat."""
    if isinstance(mean, xr.DataTree) and "provenance" in mean.root.children:
        members = mean.root["provenance"].attrs.get("members", [])
        chi2 = [float("nan") if member["chi2"] is None else float(member["chi2"]) for member in members]
        kept = [bool(member["kept"]) for member in members]
    else:
        dataset = node(mean, "multitau", ["repeat_chi2", "repeat_kept"])
        chi2, kept = dataset["repeat_chi2"].to_numpy().tolist(), dataset["repeat_kept"].to_numpy().tolist()
    if not chi2:
        raise OptionError("this is no average", where="mean", expected="what xpcs_nb.average returned")
    return np.array(chi2, dtype=float), np.array(kept, dtype=bool)
