"""The relaxation rate from the decay of the contrast."""

import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import xpcs_nb as xnb
from xpcs_nb.analysis import visibility
from xpcs_nb.core import EventList, Geometry
from xpcs_nb.errors import OptionError
from xpcs_nb.plots import plot_photons, plot_xsvs
from xpcs_nb.qmap import partition
from xpcs_nb.testing import ar1_frames, renewal_events, simulate_measurement

mpl.use("Agg")


def test_visibility_is_the_mean_over_all_pairs_of_times():
    rate, step, exposed, m = 3.0, 0.1, 0.06, 7
    n = 400
    time = (np.arange(m)[:, None] * step + (np.arange(n) + 0.5) / n * exposed).ravel()
    lag = np.abs(time[:, None] - time)
    assert visibility(m, rate, frame_time=step, count_time=exposed) == pytest.approx(
        np.exp(-2 * rate * lag).mean(), rel=1e-5
    )
    x = rate * m * step
    closed = (np.exp(-2 * x) - 1 + 2 * x) / (2 * x**2)
    assert visibility(m, rate, frame_time=step) == pytest.approx(closed, rel=1e-12)
    a = 0.9
    frames = np.abs(np.subtract.outer(np.arange(m), np.arange(m)))
    discrete = visibility(m, -np.log(a) / step, frame_time=step, count_time=0)
    assert discrete == pytest.approx((a ** (2 * frames)).mean(), rel=1e-12)


def test_visibility_has_no_seams_and_right_ends():
    rate = np.geomspace(1e-9, 1e4, 4000)
    for m in (1, 2, 1024):
        curve = visibility(m, rate, frame_time=1e-2)
        assert curve[0] == pytest.approx(1)
        assert curve[-1] < 0.02
        assert (np.diff(curve) <= 1e-9).all()
        assert np.abs(np.diff(np.log(curve))).max() < 0.02
    with pytest.raises(OptionError):
        visibility(1, 1.0, frame_time=1.0, count_time=2.0)


@pytest.fixture(scope="module")
def few_blocks():
    """Contrasts of 70 series in two bins of 7 and 8 blocks; rate 1/0.24 s, contrast 0.25."""
    geometry = Geometry(energy=10, detector_distance=5, pixel_size=75e-6, beam_center_x=-20, beam_center_y=20)
    shape = (40, 40)
    qmap = partition(geometry, shape, np.ones(shape, dtype=bool), q=(2, 6))
    rng, found = np.random.default_rng(21), []
    for _ in range(70):
        events = EventList(*renewal_events(np.full(1600, 0.2), 12.0, 0.25, 512, rng), 512, shape)
        found.append(xnb.xsvs(events, qmap, frame_time=0.01, count_time=0.0))
    return found


def pulls_of(series, **options):
    fits = [xnb.fit_visibility(data, **options) for data in series]
    assert all((fit.status == "ok").all() for fit in fits)
    return np.array([[(fit.rate - 1 / 0.24) / fit.rate_err, (fit.contrast - 0.25) / fit.contrast_err] for fit in fits])


def test_errors_of_rate_and_contrast_hold_the_truth_as_often_as_they_say(few_blocks):
    assert float(few_blocks[0].contrast_dof.max()) < 9
    pulls = pulls_of(few_blocks)
    inside = np.mean(np.abs(pulls) < 1, axis=(0, 2))
    assert (inside > 0.59).all(), inside
    assert (inside < 0.77).all(), inside
    assert 0.62 < inside.mean() < 0.74
    assert np.abs(pulls.mean(axis=(0, 2))).max() < 0.3
    told_of_many = pulls_of([data.drop_vars("contrast_dof") for data in few_blocks])
    assert np.mean(np.abs(told_of_many) < 1) < inside.mean() - 0.03


def test_maximum_likelihood_finds_too_high_a_rate(few_blocks):
    assert 0.4 < pulls_of(few_blocks, use="contrast")[:, 0].mean() < 1.2


@pytest.mark.parametrize("use", ["contrast", "contrast_moment"])
def test_a_field_that_forgets_has_the_known_visibility(qmap, use):
    """Not negative binomial while it decays: maximum likelihood is off by little, the second moment not at all."""
    frames = ar1_frames((48, 48), 256, 0.9, 2, 0.5, np.random.default_rng(5))
    data = xnb.xsvs(frames, qmap, frame_time=1.0, count_time=0.0)
    truth = 0.5 * visibility(data.exposure_frames.to_numpy(), -np.log(0.9), frame_time=1.0, count_time=0.0)
    np.testing.assert_allclose(data[use].mean("bin"), truth, rtol=0.06)
    assert float(xnb.fit_visibility(data, use=use).rate.mean()) == pytest.approx(-np.log(0.9), rel=0.08)


def test_no_decay_and_no_contrast_are_no_rate(photons, qmap):
    still = xnb.fit_visibility(xnb.xsvs(photons(0.3, 0.3, np.inf, 64), qmap, frame_time=1.0))
    assert not still.success.any()
    assert "no decay" in str(still.status[0].item())
    assert still.rate.isnull().all()
    assert still.fitted.isnull().all()
    nothing = xnb.fit_visibility(xnb.xsvs(photons(0.3, 0.0, 5.0, 256), qmap, frame_time=1.0))
    assert not nothing.success.any()
    with pytest.raises(OptionError, match="no speckle visibility"):
        xnb.fit_visibility(xr.Dataset())


def test_figures_show_contrast_and_counts(photons, qmap):
    data = xnb.xsvs(photons(0.3, 0.3, 10.0, 256), qmap, frame_time=0.01)
    figure = plot_xsvs(data, fit=xnb.fit_visibility(data))
    assert "exposure" in figure.axes[0].get_xlabel()
    assert len(figure.axes[0].lines) >= 4
    figure = plot_photons(data, bin=2, exposure=0.04)
    assert "photons" in figure.axes[0].get_xlabel()
    with pytest.raises(OptionError, match="no such bin"):
        plot_photons(data, bin=7)


def test_the_command_prints_and_writes(tmp_path):
    made = simulate_measurement(
        tmp_path, shape=(64, 64), n_frames=128, n_dynamic=3, n_static=6, mean_counts=0.5, seed=3
    )
    done = subprocess.run(
        [sys.executable, "-m", "xpcs_nb", "xsvs", made.raw, "-q", made.qmap, "-o", tmp_path / "x.csv",
         "--plot", tmp_path / "x.png"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(tmp_path / "x.csv", comment="#")
    mine = xnb.xsvs(made.raw, made.qmap)
    np.testing.assert_allclose(table.contrast, mine.contrast.to_numpy().T.ravel(), rtol=1e-6)
    assert mine.attrs["frame_time"] == 0.1
    assert (tmp_path / "x.png").stat().st_size > 1000
    assert "contrast" in done.stdout
