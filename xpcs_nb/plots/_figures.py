"""Figures that touch no global state, and the look they share."""

from __future__ import annotations

import io
from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, ListedColormap, LogNorm, Normalize
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter
from numpy.typing import NDArray

from xpcs_nb.errors import OptionError

__all__ = [
    "COLUMN",
    "DPI",
    "GREY",
    "INK",
    "MASKED",
    "PAGE",
    "ResultFigure",
    "axes_for",
    "colour_bar",
    "colour_of",
    "dress",
    "log_scale",
    "node",
    "power_of_ten",
    "pretty",
    "q_colours",
    "value_with_error",
]

#: Widths of one and of two columns of a journal, inches.
COLUMN, PAGE = 3.5, 7.2
DPI = 160
LABEL, TICK = 9, 8
INK, GREY, MASKED = "0.15", "0.6", "0.72"

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
UNITS = {"1/angstrom": "Å⁻¹", "1/s": "s⁻¹", "degree": "°", "1": "", "": ""}


class ResultFigure(Figure):
    """A figure that shows itself in a notebook without pyplot, and so is never kept alive by it."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=DPI)
        return buffer.getvalue()


def axes_for(ax: Axes | None, size: tuple[float, float]) -> tuple[Figure, Axes]:
    """Return `ax` with its figure, or axes in a new figure of `size` inches."""
    if ax is None:
        figure: Figure = ResultFigure(figsize=size, layout="constrained")
        return figure, figure.add_subplot()
    owner = ax.figure
    return (owner.figure if isinstance(owner, SubFigure) else owner), ax


def dress(ax: Axes, xlabel: str = "", ylabel: str = "") -> None:
    """Give axes the fonts, ticks and labels that all figures share."""
    ax.tick_params(which="both", labelsize=TICK, direction="in", top=True, right=True, color=INK, width=0.6)
    ax.tick_params(which="minor", length=1.5)
    ax.tick_params(which="major", length=3)
    for spine in ax.spines.values():
        spine.set_linewidth(0.6)
    ax.set_xlabel(xlabel, fontsize=LABEL)
    ax.set_ylabel(ylabel, fontsize=LABEL)


def log_scale(ax: Axes, which: str) -> None:
    """Make an axis (``x``, ``y`` or ``xy``) logarithmic, with labels that stay apart; call it after drawing.

    Many decades get powers of ten, a few get plain numbers at 1, 2 and 5.
    """
    for name in which:
        axis = ax.xaxis if name == "x" else ax.yaxis
        (ax.set_xscale if name == "x" else ax.set_yscale)("log")
        low, high = axis.get_view_interval()
        axis.set_minor_formatter(NullFormatter())
        axis.set_major_formatter(FuncFormatter(power_of_ten))
        if 0 < low < high < 1e3 * low and low > 1e-4 and high < 1e5:
            axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 60 * low else (1.0,)))
            axis.set_major_formatter(FuncFormatter(_plain))


def power_of_ten(value: float, _: int | None = None) -> str:
    """Write 1000 as 10³; in plain letters, as setting mathematics takes longer than all the rest of a figure."""
    power = round(float(np.log10(value))) if value > 0 else 0
    if not np.isclose(value, 10.0**power, rtol=1e-6):
        return f"{value:g}"
    return f"10{str(power).translate(SUPERSCRIPTS)}"


def _plain(value: float, _: int | None = None) -> str:
    return f"{value:g}"


def pretty(unit: str) -> str:
    """Write a unit as it is set in print."""
    return UNITS.get(unit, unit)


def node(data: xr.Dataset | xr.DataTree, name: str, variables: Sequence[str]) -> xr.Dataset:
    """Return the dataset `name` of a result: from the whole tree, from any of its nodes, or as given.

    Raises
    ------
    OptionError
        If a variable of `variables` is not in it; the message says where it would be.
    """
    if isinstance(data, xr.DataTree):
        holder = next((tree[name] for tree in (data, data.root) if name in tree.children), data)
        data = holder.to_dataset()
    _require(data, name, variables)
    return data


def _require(dataset: xr.Dataset, name: str, variables: Sequence[str]) -> None:
    missing = [variable for variable in variables if variable not in dataset]
    if missing:
        raise OptionError(
            f"there is no {', '.join(missing)} to draw",
            got=f"variables {', '.join(map(str, dataset.data_vars)) or 'none'}",
            expected=", ".join(variables),
            hint=f'Pass the result, or result["{name}"] where the result has one.',
        )


def sequential() -> Colormap:
    """Viridis without its palest end, which is lost on white paper."""
    return ListedColormap(mpl.colormaps["viridis"](np.linspace(0, 0.92, 256)), name="viridis_on_white")


def q_colours(values: NDArray[np.float64]) -> ScalarMappable:
    """Return colours that rise with `values`: the same perceived step for the same step in value."""
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    return ScalarMappable(Normalize(low, high if high > low else low + 1.0), sequential())


def colour_of(colours: ScalarMappable, value: float) -> tuple[float, float, float, float]:
    """Return the colour of one value."""
    red, green, blue, alpha = colours.to_rgba(np.array([value]))[0]
    return float(red), float(green), float(blue), float(alpha)


def colour_bar(figure: Figure, mappable: ScalarMappable, ax: Axes, label: str, *, counts: bool = False) -> None:
    """Add a colour bar as high as the axes, whatever their aspect; with `counts` its ticks are integers."""
    bar = figure.colorbar(mappable, cax=ax.inset_axes((1.025, 0.0, 0.035, 1.0)))
    bar.set_label(label, fontsize=LABEL)
    if isinstance(mappable.norm, LogNorm):
        low, high = bar.ax.get_ylim()
        bar.formatter = FuncFormatter(power_of_ten)
        bar.minorformatter = NullFormatter()
        if high < 100 * low:
            # There may be no power of ten in it.
            bar.locator = LogLocator(subs=(1.0, 2.0, 5.0)) if high > 10 * low else MaxNLocator(6, steps=[1, 2, 5, 10])
            bar.formatter = FuncFormatter(_plain)
        bar.update_ticks()
    if counts:
        bar.locator = MaxNLocator(8, integer=True)
        bar.update_ticks()
    bar.ax.tick_params(which="both", labelsize=TICK, width=0.6)
    bar.outline.set_linewidth(0.6)


def value_with_error(value: float, error: float) -> str:
    """Write a value with the error of its last digits: 12.34(5), 1.2(3)e-05; an error that starts with 1 has two."""
    if not (np.isfinite(value) and np.isfinite(error) and error > 0):
        return f"{value:.3g}"
    power = int(np.floor(np.log10(abs(value)))) if value else 0
    if -3 <= power <= 4:
        power = 0
    value, error = value / 10.0**power, error / 10.0**power
    last = int(np.floor(np.log10(error)))
    last -= round(error / 10.0**last, 6) < 1.95
    if last >= 0:
        step = 10.0**last
        text = f"{round(value / step) * step:.0f}({round(error / step) * step:.0f})"
    else:
        text = f"{value:.{-last}f}({error / 10.0**last:.0f})"
    return text if power == 0 else f"{text}e{power:+03d}"
