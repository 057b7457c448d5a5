"""A figure that is written quickly is the one that matplotlib would have drawn."""

from __future__ import annotations

import io
from contextlib import nullcontext

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from xpcs_nb.plots import plot_g2, plot_intensity, plot_saxs_1d, plot_saxs_2d, plot_stability
from xpcs_nb.plots._lean_axis import lean_axes
from xpcs_nb.plots._png import png_bytes
from xpcs_nb.plots._render import _Around, render_png


def drawn(figure: Figure, *, lean: bool) -> np.ndarray:
    figure.set_layout_engine(_Around())
    canvas = FigureCanvasAgg(figure)
    with lean_axes(figure.axes[0]) if lean else nullcontext():
        canvas.draw()
        return np.asarray(canvas.buffer_rgba()).copy()


def grid(result) -> Figure:
    figure = plot_intensity(result)
    figure.axes[0].grid()
    return figure


def factor(result) -> Figure:
    figure = plot_intensity(result)
    figure.axes[0].lines[0].set_ydata(1e7 + np.arange(len(figure.axes[0].lines[0].get_ydata())))
    figure.axes[0].relim()
    figure.axes[0].autoscale_view()
    return figure


def turned(result) -> Figure:
    figure = plot_saxs_1d(result)
    figure.axes[0].tick_params(which="both", direction="out", labelrotation=30, labeltop=True)
    figure.axes[0].yaxis.set_label_position("right")
    return figure


def empty(_) -> Figure:
    figure = Figure()
    figure.add_subplot().set(xticks=[], yticks=[0.5], ylabel="nothing")
    return figure


def unlabelled(result) -> Figure:
    figure = plot_intensity(result)
    figure.axes[0].xaxis.label.set_visible(False)
    figure.axes[0].tick_params(which="both", labelbottom=False)
    return figure


def placed(result) -> Figure:
    figure = plot_intensity(result)
    figure.axes[0].xaxis.set_label_coords(0.3, -0.3)
    return figure


def overlay(result) -> Figure:
    return plot_g2(result, layout="overlay")


FIGURES = [overlay, plot_saxs_1d, plot_stability, plot_intensity, grid, factor, turned, empty, unlabelled, placed]


@pytest.mark.parametrize("make", FIGURES)
def test_it_is_the_same_to_a_pixel(make, result):
    np.testing.assert_array_equal(drawn(make(result), lean=True), drawn(make(result), lean=False))


@pytest.mark.parametrize("make", [plot_saxs_1d, plot_saxs_2d])
def test_the_figure_draws_itself_as_before_afterwards(make, result):
    figure = make(result)
    before = drawn(figure, lean=False)
    children = figure.axes[0].get_children()
    render_png(figure, 60)
    assert figure.axes[0].get_children() == children
    np.testing.assert_array_equal(drawn(figure, lean=False), before)


def test_axes_that_are_off_stay_off(result):
    figure = plot_intensity(result)
    figure.axes[0].set_axis_off()
    np.testing.assert_array_equal(drawn(figure, lean=True), drawn(figure, lean=False))


def test_a_picture_is_packed_without_loss():
    pixels = np.random.default_rng(0).integers(0, 256, (7, 5, 3), dtype=np.uint8)
    picture = Image.open(io.BytesIO(png_bytes(pixels, 200)))
    np.testing.assert_array_equal(np.asarray(picture), pixels)
    assert picture.mode == "RGB"
    assert picture.info["dpi"] == pytest.approx((200, 200), abs=0.02)
    assert mpl.image.imread(io.BytesIO(png_bytes(pixels, 200))).shape == (7, 5, 3)


@pytest.mark.parametrize("most", [1.5, 30.0, 5000.0])
def test_a_logarithmic_colour_bar_has_numbers(most, result):
    saxs = result["saxs"].to_dataset().copy(deep=True)
    saxs["scattering_2d"][:] = np.linspace(0.4, 0.4 * most, saxs["scattering_2d"].size).reshape(
        saxs["scattering_2d"].shape
    )
    figure = plot_saxs_2d(saxs)
    bar = figure.axes[0].child_axes[0]
    low, high = bar.get_ylim()
    inside = [low <= place <= high for place in bar.get_yticks()]
    assert sum(inside) >= 2
    assert all(text.get_text() for text, here in zip(bar.get_yticklabels(), inside, strict=True) if here)
