"""A qmap on one page."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, LogNorm
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from xpcs_nb.core import QMapArrays
from xpcs_nb.errors import OptionError, QMapError
from xpcs_nb.plots._figures import LABEL, MASKED, TICK, dress, pretty, sequential
from xpcs_nb.plots._save import write_figure
from xpcs_nb.qmap import QMap, describe

__all__ = ["qmap_report"]

#: DIN A4, upright, inches.
A4 = (8.27, 11.69)
#: Colours that neighbouring labels get in turn.
TURNS = 7
KINDS = {".pdf": "pdf", ".png": "png"}
#: Longest line of the text, characters.
LINE = 108


def qmap_report(qmap: QMap, image: ArrayLike | None, path: str | PathLike[str]) -> Path:
    """Draw a qmap on one page: the scattering under its mask, its bins, pixels in each bin, and what it is.

    Parameters
    ----------
    qmap
        The qmap.
    image
        Mean counts of each pixel; None takes the qmap's own, and draws the mask alone where it has none.
    path
        The file to write, ``.pdf`` or ``.png``; an older one is replaced.

    Returns
    -------
    Path
        Of the file.

    Raises
    ------
    OptionError
        If the file would be of another kind.
    QMapError
        If the image has another shape.
    WriteError
        If the file can't be written.
    """
    path = Path(path)
    if path.suffix.lower() not in KINDS:
        raise OptionError("a report can't be of this kind", got=path.suffix or "no ending", expected=".pdf or .png")
    counts = qmap.image if image is None else np.asarray(image)
    if counts is not None and counts.shape != qmap.shape:
        raise QMapError("the image has another shape than the qmap", got=counts.shape, expected=qmap.shape)
    figure = Figure(figsize=A4, layout="constrained")
    grid = figure.add_gridspec(4, 2, height_ratios=(3, 3, 2, 2))
    arrays = qmap.arrays
    _draw_image(figure.add_subplot(grid[0, 0]), counts, qmap.mask)
    _draw_mask(figure.add_subplot(grid[0, 1]), qmap)
    for column, kind in enumerate(("dynamic", "static")):
        _draw_labels(figure.add_subplot(grid[1, column]), arrays, kind)
        _draw_sizes(figure.add_subplot(grid[2, column]), arrays, kind)
    _write_text(figure.add_subplot(grid[3, :]), qmap)
    return write_figure(figure, path, KINDS[path.suffix.lower()])


def _picture(ax: Axes, title: str) -> None:
    dress(ax, "column", "row")
    ax.set_title(title, fontsize=LABEL)


def _draw_image(ax: Axes, counts: NDArray[Any] | None, mask: NDArray[np.bool_]) -> None:
    colours = sequential().with_extremes(bad=MASKED)
    positive = np.zeros(0) if counts is None else counts[mask & (counts > 0)]
    if counts is None or positive.size == 0:
        _picture(ax, "no scattering")
        ax.set_axis_off()
        return
    low, high = np.percentile(positive, (1, 99.9))
    norm = LogNorm(low, max(high, 1.001 * low))
    ax.imshow(np.where(mask, np.maximum(counts, low), np.nan), cmap=colours, norm=norm, interpolation="nearest")
    _picture(ax, f"mean scattering, {low:.3g} to {high:.3g}")


def _draw_mask(ax: Axes, qmap: QMap) -> None:
    arrays = qmap.arrays
    layers = np.zeros(qmap.shape, dtype=np.uint8)
    layers[qmap.mask] = 1
    layers[arrays.mask & (arrays.static_roi_map > 0)] = 2
    layers[~arrays.blemish] = 3
    colours = ListedColormap(["0.2", "0.75", "tab:blue", "tab:red"])
    ax.imshow(layers, cmap=colours, vmin=-0.5, vmax=3.5, interpolation="nearest")
    center = (arrays.beam_center_x, arrays.beam_center_y)
    if np.isfinite(center).all() and 0 <= center[0] < qmap.shape[1] and 0 <= center[1] < qmap.shape[0]:
        ax.plot(*center, "+", color="black", markersize=8)
    _picture(ax, "blue: in bins, light: in no bin, dark: masked, red: blemish")


def _draw_labels(ax: Axes, arrays: QMapArrays, kind: str) -> None:
    labels = getattr(arrays, f"{kind}_roi_map")
    count = len(getattr(arrays, f"{kind}_index_mapping"))
    shown = np.where(labels > 0, labels * 3 % TURNS, np.nan)  # neighbours differ along both axes
    colours = ListedColormap([f"C{number}" for number in range(TURNS)]).with_extremes(bad=MASKED)
    ax.imshow(shown, cmap=colours, vmin=-0.5, vmax=TURNS - 0.5, interpolation="nearest")
    _picture(ax, f"{count} {kind} bins")


def _draw_sizes(ax: Axes, arrays: QMapArrays, kind: str) -> None:
    labels = getattr(arrays, f"{kind}_roi_map")
    sizes = np.bincount(labels.ravel())[1:]
    centers = arrays.bin_centers(kind)[0][: len(sizes)]
    ax.plot(centers, sizes[: len(centers)], ".", markersize=3)
    if sizes.any():
        ax.set_yscale("log")
    dress(ax, f"{arrays.map_names[0]} ({pretty(arrays.map_units[0])})", f"pixels in {kind} bin")


def _write_text(ax: Axes, qmap: QMap) -> None:
    ax.set_axis_off()
    lines = [
        *describe(qmap).splitlines(),
        f"source       {qmap.arrays.attrs.get('source_file', '') or 'not said'}",
    ]
    text = "\n".join(line if len(line) <= LINE else f"{line[: LINE - 3]}..." for line in lines)
    ax.text(0, 1, text, va="top", family="monospace", fontsize=TICK - 1.5, transform=ax.transAxes)
