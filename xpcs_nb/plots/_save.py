"""All figures of a result, as files."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from functools import partial
from itertools import chain
from pathlib import Path

import xarray as xr
from matplotlib.figure import Figure

from xpcs_nb.core import FIGURE_KINDS
from xpcs_nb.errors import OptionError, WriteError
from xpcs_nb.plots._dispersion import plot_dispersion
from xpcs_nb.plots._figures import DPI
from xpcs_nb.plots._g2 import page_count, plot_g2
from xpcs_nb.plots._g2_sheet import g2_sheet
from xpcs_nb.plots._intensity import plot_intensity
from xpcs_nb.plots._render import render_png
from xpcs_nb.plots._saxs import plot_saxs_1d, plot_saxs_2d, plot_stability
from xpcs_nb.plots._twotime import plot_twotime
from xpcs_nb.plots._twotime_log import plot_twotime_log

__all__ = ["save_all", "write_figure"]

type Figures = Iterator[tuple[str, Callable[[], Figure]]]

#: A sheet of panels is large as it is.
SHEET_DPI = 120


def save_all(
    result: xr.DataTree, folder: str | Path, *, fit: xr.Dataset | None = None, kinds: Collection[str] = FIGURE_KINDS
) -> dict[str, Path]:
    """Draw everything that a result holds and write it as PNG files, replacing older ones.

    Parameters
    ----------
    result
        The whole result.
    folder
        Where to write; it is made where it is not there.
    fit
        What `xpcs_nb.analysis.fit_g2` returned, to draw its curves and rates.
    kinds
        Which figures: ``g2`` with its fits, ``saxs``, ``twotime``.

    Returns
    -------
    dict
        Path by name: ``g2`` (``g2_page1`` ... where there are several), ``g2_overlay``, ``rates``, ``saxs_2d``,
        ``saxs_1d``, ``stability``, ``intensity``, ``twotime_bin00001`` ..., ``twotime_log_bin00001`` ...;
        without those that the result lacks.

    Raises
    ------
    OptionError
        If a kind is unknown.
    WriteError
        If a file can't be written; figures written before it stay.
    """
    unknown = sorted(set(kinds) - set(FIGURE_KINDS))
    if unknown:
        raise OptionError("no such kind of figure", got=", ".join(unknown), expected=", ".join(FIGURE_KINDS))
    folder = Path(folder)
    listed = {"g2": _g2_figures(result, fit), "saxs": _saxs_figures(result), "twotime": _twotime_figures(result)}
    written = {}
    for name, draw in chain.from_iterable(listed[kind] for kind in FIGURE_KINDS if kind in kinds):
        dpi = SHEET_DPI if name.startswith("g2_page") or name == "g2" else DPI
        written[name] = write_figure(draw(), folder / f"{name}.png", dpi=dpi)
    return written


def _g2_figures(result: xr.DataTree, fit: xr.Dataset | None) -> Figures:
    if "multitau" in result.children:
        pages = page_count(result)
        for page in range(1, pages + 1):
            name = "g2" if pages == 1 else f"g2_page{page}"
            yield name, partial(g2_sheet, result, fit=fit, page=page)
        yield "g2_overlay", partial(plot_g2, result, layout="overlay", fit=fit)
    if fit is not None and bool(fit["success"].any()) and "q" in fit:
        yield "rates", partial(plot_dispersion, fit)


def _saxs_figures(result: xr.DataTree) -> Figures:
    saxs = result["saxs"].to_dataset() if "saxs" in result.children else xr.Dataset()
    for name, variable, draw in (
        ("saxs_2d", "scattering_2d", plot_saxs_2d),
        ("saxs_1d", "scattering_1d", plot_saxs_1d),
        ("stability", "scattering_1d_segments", plot_stability),
        ("intensity", "intensity", plot_intensity),
    ):
        if variable in saxs:
            yield name, partial(draw, result)


def _twotime_figures(result: xr.DataTree) -> Figures:
    if "twotime" in result.children:
        for label in result["twotime"]["bin"].to_numpy().tolist():
            yield f"twotime_bin{label:05d}", partial(plot_twotime, result, label)
    if "twotime_log" in result.children:
        for label in result["twotime_log"]["bin"].to_numpy().tolist():
            yield f"twotime_log_bin{label:05d}", partial(plot_twotime_log, result, label)


def write_figure(figure: Figure, path: Path, kind: str = "png", *, dpi: float = DPI) -> Path:
    """Write beside the target, then rename: nobody ever sees half a file."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            if kind == "png":
                temporary.write_bytes(render_png(figure, dpi))
            else:
                figure.savefig(temporary, dpi=dpi, format=kind)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise WriteError("a figure can't be written", path=path, got=error.strerror or str(error)) from error
    return path
