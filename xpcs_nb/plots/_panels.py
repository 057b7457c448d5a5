"""Curves in panels: what a view shows, before it is drawn as a figure or by the browser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from xpcs_nb.errors import OptionError
from xpcs_nb.plots._figures import GREY, PAGE, ResultFigure, dress, log_scale

__all__ = ["Curve", "Panel", "Results", "colours_of", "draw_panels", "named_results"]

type Floats = NDArray[np.float64]
type Data = xr.Dataset | xr.DataTree
#: One result, several, or several by label.
type Results = Data | Sequence[Data] | Mapping[str, Data]

#: Entries of a legend beyond which it hides the curves.
LEGEND = 12


@dataclass(frozen=True)
class Curve:
    """Points that belong together.

    Attributes
    ----------
    x, y
        Shape (N,). Points that are not finite are left out, and break the line.
    err
        One standard deviation of `y`, or None.
    label
        For the legend; empty: none.
    colour
        ``#rrggbb``.
    style
        ``points``, ``line``, ``both``, or ``open``: grey, open points that have no say in the range of the axes.
    """

    x: Floats
    y: Floats
    err: Floats | None = None
    label: str = ""
    colour: str = "#3b528b"
    style: str = "line"

    def shifted(self, offset: float) -> Curve:
        """Return the curve moved up."""
        return replace(self, y=self.y + offset) if offset else self


@dataclass(frozen=True)
class Panel:
    """Axes with curves.

    Attributes
    ----------
    curves
        In the order of drawing.
    xlabel, ylabel
        With units.
    title, note
        Above the axes, and what has to be known of them.
    log
        Axes that are logarithmic: any of ``x`` and ``y``.
    xlim, ylim
        Ranges; None fits the curves.
    key
        What the panel is of, as the label of a bin.
    """

    curves: tuple[Curve, ...] = ()
    xlabel: str = ""
    ylabel: str = ""
    title: str = ""
    note: str = ""
    log: str = ""
    xlim: tuple[float, float] | None = None
    ylim: tuple[float, float] | None = None
    key: int = field(default=0)


def named_results(results: Results, labels: Sequence[str] | None = None) -> dict[str, Data]:
    """Return results by label: as given, else by their names, with a number where names are equal.

    Raises
    ------
    OptionError
        If there is no result, or another number of labels.
    """
    if isinstance(results, Mapping) and not isinstance(results, xr.Dataset | xr.DataTree):
        found = [results[name] for name in results]
        names = [str(name) for name in results]
    else:
        found = [results] if isinstance(results, xr.Dataset | xr.DataTree) else list(results)
        names = [str(_name(one) or f"result {number}") for number, one in enumerate(found, 1)]
    if labels is not None:
        names = list(labels)
    if not found or len(names) != len(found):
        raise OptionError("results and labels do not fit", got=f"{len(names)} labels", expected=len(found) or "results")
    return dict(zip(_distinct(names), found, strict=True))


def _name(data: Data) -> Any:
    return (data.root if isinstance(data, xr.DataTree) else data).attrs.get("name")


def _distinct(names: Sequence[str]) -> list[str]:
    counts = {name: names.count(name) for name in names}
    seen: dict[str, int] = {}
    unique = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        unique.append(name if counts[name] == 1 else f"{name} ({seen[name]})")
    return unique


def colours_of(number: int) -> list[str]:
    """Return colours for results: ten that are easy to tell apart, a scale where there are more."""
    if number <= 10:
        return [to_hex(mpl.colormaps["tab10"](index)) for index in range(number)]
    return [to_hex(mpl.colormaps["viridis"](0.92 * index / (number - 1))) for index in range(number)]


def draw_panels(panels: Sequence[Panel], *, columns: int | None = None, ax: Axes | None = None) -> Figure:
    """Draw panels as a figure.

    Parameters
    ----------
    panels
        At least one.
    columns
        Panels beside each other; a square where None.
    ax
        Axes for the only panel.

    Raises
    ------
    OptionError
        If there is no panel, or axes for several.
    """
    if not panels or (ax is not None and len(panels) != 1):
        raise OptionError("there is nothing to draw", got=f"{len(panels)} panels", expected="one for given axes")
    if ax is not None:
        _draw(ax, panels[0])
        owner = ax.get_figure(root=True)
        if owner is None:
            raise OptionError("the axes belong to no figure", where="ax")
        return owner
    columns = columns or min(int(np.ceil(np.sqrt(len(panels)))), 6)
    rows = -(-len(panels) // columns)
    one = len(panels) == 1
    size = (5.0, 3.6) if one else (max(PAGE, 1.85 * columns), 1.7 * rows + 0.4)
    figure = ResultFigure(figsize=size, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for each, panel in zip(axes, panels, strict=False):
        _draw(each, panel, small=not one)
    for spare in axes[len(panels) :]:
        spare.set_visible(False)
    return figure


def _draw(ax: Axes, panel: Panel, *, small: bool = False) -> None:
    for curve in panel.curves:
        _draw_curve(ax, curve, 2.2 if small else 3.0)
    dress(ax, panel.xlabel, panel.ylabel)
    positive = [name for name in panel.log if any(np.any(getattr(curve, name) > 0) for curve in panel.curves)]
    log_scale(ax, "".join(positive))
    if "y" not in panel.log:
        ax.ticklabel_format(axis="y", useOffset=False)
    ax.set_xlim(*(panel.xlim or (None, None)))
    ax.set_ylim(*(panel.ylim or _limits(panel) or (None, None)))
    title = panel.title if not panel.note else f"{panel.title}\n{panel.note}".strip()
    ax.set_title(title, fontsize=7 if small else 8, pad=3)
    named = [curve for curve in panel.curves if curve.label]
    if 1 < len(named) <= LEGEND:
        # The best place of many legends takes seconds to find.
        legend = ax.legend(fontsize=5 if small else 7, frameon=False, handletextpad=0.3)
        if small:
            legend.set_loc("upper right")


def _limits(panel: Panel) -> tuple[float, float] | None:
    """Return the range that the trusted points need; None leaves it to the axes."""
    if "y" in panel.log or not any(curve.style == "open" for curve in panel.curves):
        return None
    values = [curve.y[np.isfinite(curve.y)] for curve in panel.curves if curve.style != "open"]
    values = [each for each in values if len(each)]
    if not values:
        return None
    low, high = min(each.min() for each in values), max(each.max() for each in values)
    margin = 0.08 * (high - low) or 0.01
    return float(low - margin), float(high + margin)


def _draw_curve(ax: Axes, curve: Curve, size: float) -> None:
    label = curve.label or "_curve"
    good = np.isfinite(curve.x) & np.isfinite(curve.y)
    if curve.style == "open":
        ax.plot(curve.x[good], curve.y[good], "o", mfc="none", mec=GREY, ms=size, mew=0.5, zorder=1, label="_open")
        return
    if curve.style in ("line", "both"):
        ax.plot(curve.x, curve.y, "-", lw=1.0, color=curve.colour, label=label if curve.style == "line" else "_line")
    if curve.style in ("points", "both"):
        err = None if curve.err is None else np.where(np.isfinite(curve.err), curve.err, 0.0)[good]
        look: dict[str, Any] = {"color": curve.colour, "ms": size, "mew": 0, "elinewidth": 0.6, "label": label}
        ax.errorbar(curve.x[good], curve.y[good], err, fmt="o", **look)


def floats(values: ArrayLike) -> Floats:
    """Return values as float64."""
    return np.asarray(values, dtype=np.float64)
