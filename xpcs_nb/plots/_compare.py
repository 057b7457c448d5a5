"""Two results side by side: g2 with the difference in units of its error, and the scattering."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpecFromSubplotSpec

from xpcs_nb.analysis import Match, compare_table
from xpcs_nb.errors import OptionError
from xpcs_nb.plots._figures import GREY, INK, PAGE, ResultFigure, dress, log_scale, node
from xpcs_nb.results import open_result

__all__ = ["compare"]

type Result = xr.DataTree | xr.Dataset | str | PathLike[str]

OLD_COLOUR, NEW_COLOUR = GREY, "#1f5fa8"
COLUMNS = 3
#: Least half range of the axis of z.
SPAN = 4.0
#: Bins without a partner that are listed; more are counted.
LISTED = 6
NOISE = {
    "shared": "same frames: the noise is shared, |z| is a lower bound",
    "independent": "other frames: errors are independent",
    "unknown": "not known whether the frames are the same; if so, |z| is a lower bound",
}


def compare(
    old: Result,
    new: Result,
    *,
    bins: Iterable[int] | None = None,
    match: Match = "position",
    tolerance: float = 0.25,
    page: int = 1,
    per_page: int = 9,
) -> Figure:
    r"""Draw two results side by side: g2 of the bins that belong together, and the scattering against q.

    Below each panel of g2 is the difference of the two in units of the combined error,
    :math:`z = (g_2^{new} - g_2^{old}) / \sqrt{\sigma_{new}^2 + \sigma_{old}^2}`, with bands at 1 and 2.
    **Results of the same frames share their noise**, so that :math:`|z|` is then a lower bound of what independent
    results would show (see `xpcs_nb.analysis.compare_table`, which returns the numbers); the figure says so. Bins
    without a partner are listed with the reason.

    Parameters
    ----------
    old, new
        Results: opened, or their files. Multi-tau datasets do too, without the scattering.
    bins
        Labels of bins of `old` to draw; all that have a partner where None.
    match, tolerance
        How bins are paired, as in `compare_table`.
    page, per_page
        Which part of the bins, from 1, and how many of them.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    OptionError
        If there is no g2 with errors in both, no bin or no delay is common to both, or a bin or page does not exist.
    XpcsError
        If a file can't be read.
    """
    sides = [_opened(each) for each in (old, new)]
    try:
        table = compare_table(sides[0], sides[1], match=match, tolerance=tolerance)
        shown = _shown(table, bins, page, per_page)
        rows = -(-len(shown) // COLUMNS)
        figure = ResultFigure(figsize=(PAGE, 2.1 * rows + 3.0), layout="constrained")
        grid = figure.add_gridspec(rows + 1, COLUMNS, height_ratios=[2.1] * rows + [2.6])
        titles = _titles(table)
        for place, pair in enumerate(shown):
            first = place % COLUMNS == 0
            _panel(
                figure, grid[place // COLUMNS, place % COLUMNS], table.isel(pair=pair), title=titles[pair], first=first
            )
        words = figure.add_subplot(grid[rows, COLUMNS - 1])
        if all(isinstance(side, xr.DataTree) and "saxs" in side.root.children for side in sides):
            _scattering(figure.add_subplot(grid[rows, : COLUMNS - 1]), sides, table)
        _say(words, table, len(shown))
    finally:
        for given, side in zip((old, new), sides, strict=True):
            if isinstance(given, str | PathLike) and isinstance(side, xr.DataTree):
                side.close()
    return figure


def _opened(result: Result) -> xr.DataTree | xr.Dataset:
    return open_result(Path(result)) if isinstance(result, str | PathLike) else result


def _shown(table: xr.Dataset, bins: Iterable[int] | None, page: int, per_page: int) -> list[int]:
    labels = table["old_bin"].to_numpy().tolist()
    wanted = labels if bins is None else list(bins)
    missing = [label for label in wanted if label not in labels]
    if missing or not wanted:
        raise OptionError(
            "no such bins, or none that have a partner",
            where="bins",
            got=missing or "none",
            expected=f"labels of the old result among {', '.join(map(str, labels))}",
        )
    pages = -(-len(wanted) // per_page) if per_page > 0 else 0
    if not 1 <= page <= pages:
        raise OptionError("no such page", where="page", got=page, expected=f"1..{pages}, {per_page} bins each")
    return [labels.index(label) for label in wanted[(page - 1) * per_page : page * per_page]]


def _panel(figure: Figure, place: Any, pair: xr.Dataset, *, title: str, first: bool) -> None:
    """Draw one pair of bins: g2 above, z below."""
    inner = GridSpecFromSubplotSpec(2, 1, place, height_ratios=[3, 1.2], hspace=0.0)
    above = figure.add_subplot(inner[0])
    below = figure.add_subplot(inner[1], sharex=above)
    delay = pair["delay"].to_numpy()
    for side, colour, marker in (("old", OLD_COLOUR, "o"), ("new", NEW_COLOUR, "s")):
        above.errorbar(
            delay, pair[f"g2_{side}"], pair[f"err_{side}"], fmt=marker, ms=2.6, mew=0, elinewidth=0.6, color=colour
        )
    z = pair["z"].to_numpy()
    for limit in (2, 1):
        below.axhspan(-limit, limit, color=NEW_COLOUR, alpha=0.09, lw=0)
    below.axhline(0, color=INK, lw=0.5)
    below.plot(delay, z, "s", ms=2.2, color=NEW_COLOUR)
    largest = float(np.nanmax(np.abs(z))) if np.isfinite(z).any() else 0.0
    below.set_ylim(-max(SPAN, 1.15 * largest), max(SPAN, 1.15 * largest))
    above.set_xscale("log")
    above.tick_params(labelbottom=False)
    dress(above, "", "$g_2$" if first else "")
    dress(below, "delay τ (s)", "z (σ)" if first else "")
    above.tick_params(labelbottom=False, labelsize=6.5)
    below.tick_params(labelsize=6.5)
    above.set_title(title, fontsize=7.5)


def _titles(table: xr.Dataset) -> list[str]:
    """Name each pair by its q, and by its phi where pairs differ in it."""
    titles = [f"bin {label}" for label in table["old_bin"].to_numpy()]
    if "q" in table.coords:
        titles = [f"q = {value:#.3g} Å⁻¹" for value in table["q"].to_numpy()]
    if "phi" in table.coords and len(np.unique(table["phi"].to_numpy().round(3))) > 1:
        titles = [f"{title}, φ = {value:.3g}°" for title, value in zip(titles, table["phi"].to_numpy(), strict=True)]
    sizes = zip(titles, table["rms_z"].to_numpy(), table["max_z"].to_numpy(), strict=True)
    return [f"{title}\nrms z = {rms:.2g}, max |z| = {largest:.2g}" for title, rms, largest in sizes]


def _scattering(ax: Axes, sides: list[Any], table: xr.Dataset) -> None:
    """Draw the scattering of both against q, averaged over phi."""
    for side, name, colour, style in zip(sides, ("old", "new"), (OLD_COLOUR, NEW_COLOUR), ("-", "--"), strict=True):
        saxs = node(side, "saxs", ["scattering_1d", "q"])
        q, intensity = (saxs[each].to_numpy().astype(float) for each in ("q", "scattering_1d"))
        good = (q > 0) & (intensity > 0)
        levels, which = np.unique(q[good], return_inverse=True)
        mean = np.bincount(which, intensity[good]) / np.bincount(which)
        ax.plot(levels, mean, style, color=colour, lw=1.2, label=f"{name}: {table.attrs[name]}")
    log_scale(ax, "xy")
    dress(ax, "q (Å⁻¹)", "intensity (counts/pixel/frame)")
    ax.legend(fontsize=7, frameon=False)


def _say(ax: Axes, table: xr.Dataset, shown: int) -> None:
    """Write what was compared and what could not be."""
    lines = [
        f"old (grey): {table.attrs['old']}",
        f"new (blue): {table.attrs['new']}",
        NOISE[table.attrs["noise"]],
        f"{shown} of {table.sizes['pair']} pairs of bins shown",
    ]
    for side in ("old", "new"):
        if table.attrs[f"delays_only_{side}"]:
            lines.append(f"{table.attrs[f'delays_only_{side}']} delays only in {side}")
        labels, why = table[f"unmatched_{side}"].to_numpy(), table[f"why_{side}"].to_numpy()
        lines += [f"{side} bin {label}: {reason}" for label, reason in list(zip(labels, why, strict=True))[:LISTED]]
        if len(labels) > LISTED:
            lines.append(f"and {len(labels) - LISTED} more bins of {side} without a partner")
    ax.axis("off")
    text = "\n".join(part for line in lines for part in textwrap.wrap(line, 44))
    ax.text(0, 1, text, transform=ax.transAxes, va="top", fontsize=6.5, color=INK)
