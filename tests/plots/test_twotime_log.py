"""Figures of log two-time correlations, ageing and bursts."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from xpcs_nb.analysis import fit_g2, g2_at_ages, log_cells
from xpcs_nb.core import LogGrid
from xpcs_nb.errors import OptionError
from xpcs_nb.plots import plot_ageing, plot_trc, plot_twotime_log

N, STEP = 300, 0.01


@pytest.fixture(scope="module")
def log():
    t1, t2 = np.mgrid[:N, :N]
    age = (t1 + t2) / 2
    noise = np.random.default_rng(0).normal(0, 0.01, (N, N))
    full = np.triu(1 + 0.3 * np.exp(-np.abs(t2 - t1) / (4 + age / 20)) + noise)
    grid = LogGrid(N)
    coords = {
        "bin": ("bin", [4]),
        "q": ("bin", [0.012]),
        "lag": ("cell", grid.lag * STEP),
        "age": ("cell", grid.age * STEP),
    }
    return xr.Dataset({"c2": (("bin", "cell"), log_cells(full)[None])}, coords, {"n_frames": N, "step": STEP})


def test_the_map_shows_every_cell_at_its_age_and_lag(log):
    (ax,) = plot_twotime_log(log).axes
    (drawn,) = ax.collections
    assert len(drawn.get_paths()) == len(LogGrid(N))
    assert ax.get_yscale() == "log"
    assert ax.get_xlim() == (0, N * STEP)
    assert ax.get_title() == "bin 4, q = 0.0120 Å⁻¹"
    assert ax.get_xlabel() == "age (s)"
    first = drawn.get_paths()[0].vertices
    assert first[:, 1].min() < STEP < first[:, 1].max()


def test_many_cells_are_averaged_to_what_a_figure_can_show():
    grid = LogGrid(20_000)
    data = xr.Dataset(
        {"c2": (("bin", "cell"), np.ones((1, len(grid))))}, {"bin": [1]}, {"n_frames": 20_000, "step": 1e-3}
    )
    (drawn,) = plot_twotime_log(data).axes[0].collections
    assert len(drawn.get_paths()) < 900 * len(grid.delays)


def test_ageing_shows_curves_and_decay_times(log):
    curves = g2_at_ages(log, 4, 3)
    fit = fit_g2(curves)
    figure = plot_ageing(curves, fit)
    g2, times = figure.axes
    assert len(g2.containers) == 3
    shown = [float(container.lines[0].get_ydata()[0]) for container in times.containers]
    assert shown == pytest.approx(1 / (2 * fit["rate"].to_numpy()))
    assert shown == sorted(shown)
    assert times.get_ylabel().endswith("(s)")
    assert len(plot_ageing(curves).axes) == 1


def test_correlation_through_time_is_labelled_by_lag(log):
    (ax,) = plot_trc(log, 4, [0.01, 0.1]).axes
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [r"$\tau$ = 0.01 s", r"$\tau$ = 0.1 s"]


def test_what_is_not_there_is_said(log):
    with pytest.raises(OptionError, match="of this bin"):
        plot_twotime_log(log, 9)
    with pytest.raises(OptionError, match="no ages"):
        plot_ageing(xr.Dataset())
    with pytest.raises(OptionError, match="to draw"):
        plot_twotime_log(xr.Dataset())
