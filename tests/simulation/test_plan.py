"""Predicted errors are those of simulated repeats; plans keep their limits."""

import matplotlib as mpl
import numpy as np
import pytest

import xpcs_nb as xnb
from xpcs_nb.analysis import g2_from_sums
from xpcs_nb.core import EventList, FrameRange, PixelLabels
from xpcs_nb.errors import OptionError
from xpcs_nb.frames import open_frames
from xpcs_nb.plots import plot_plan, plot_recovery
from xpcs_nb.reduction import reduce_multitau
from xpcs_nb.simulation import g2_covariance, rate_error, renewal_events

mpl.use("Agg")
FRAMES, SIDE = 256, 24


def g2_of_repeats(mean, beta, tau, repeats):
    rng = np.random.default_rng(8)
    pixels = SIDE * SIDE
    zero = np.zeros(pixels, dtype=np.int64)
    labels = PixelLabels(
        np.arange(pixels), zero, zero, np.arange(pixels) % 8, np.zeros(1, np.int64), 1, 1, 8, (SIDE, SIDE)
    )
    found = []
    for _ in range(repeats):
        events = EventList(*renewal_events(np.full(pixels, mean), tau, beta, FRAMES, rng), FRAMES, (SIDE, SIDE))
        with open_frames(events) as source:
            sums, _, _ = reduce_multitau(
                source, labels, FrameRange(0, FRAMES), blemish=np.ones((SIDE, SIDE), dtype=bool), normalize_frame=False
            )
        found.append(g2_from_sums(sums, labels.static_to_dynamic, 1).g2[:, 0])
    return np.array(found)


@pytest.mark.parametrize(("mean", "beta", "tau"), [(0.05, 0.25, 6.0), (0.5, 0.25, 6.0), (2.0, 0.5, 6.0)])
def test_the_noise_of_g2_is_as_predicted(mean, beta, tau):
    """Shot noise alone, both, and speckle noise alone; and how the delays go together."""
    found = g2_of_repeats(mean, beta, tau, 120 if mean < 1 else 60)
    predicted = g2_covariance(FRAMES, tau, beta, mean, SIDE * SIDE)
    ratio = np.sqrt(np.diagonal(predicted)) / found.std(axis=0, ddof=1)
    assert ratio[:16] == pytest.approx(1, abs=0.35)
    assert np.sqrt(np.mean(ratio[:16] ** 2)) == pytest.approx(1, abs=0.15)
    here = np.corrcoef(found.T)[0, 3]
    there = predicted[0, 3] / np.sqrt(predicted[0, 0] * predicted[3, 3])
    assert here == pytest.approx(there, abs=0.2)


def test_few_counts_make_the_known_signal_to_noise():
    """(g2 - 1) / sigma = beta kbar sqrt(N P / g2) where counts are few."""
    sigma = np.sqrt(g2_covariance(10000, 1e3, 0.2, 1e-4, 1e5)[0, 0])
    assert 0.2 * np.exp(-1e-3) / sigma == pytest.approx(0.2 * 1e-4 * np.sqrt(9999e5 / 1.2), rel=1e-2)
    assert rate_error(10000, 10.0, 0.2, 1e-3, 1e4) == pytest.approx(
        2 * rate_error(10000, 10.0, 0.2, 2e-3, 1e4), rel=0.05
    )
    assert rate_error(100, 50.0, 0.2, 1.0, 1e4) == np.inf
    assert rate_error(100, 0.1, 0.2, 1.0, 1e4) == np.inf
    assert rate_error(1000, 10.0, 0.2, 100.0, 1e4, speckle_area=4) == pytest.approx(
        2 * rate_error(1000, 10.0, 0.2, 100.0, 1e4), rel=0.1
    )


@pytest.mark.slow
def test_a_plan_holds_in_simulation(tall_qmap):
    """The predicted error is the scatter over repeats, and what each repeat reports of itself; D is unbiased."""
    q = tall_qmap.arrays.bin_centers("dynamic")[0][1]
    dynamics = xnb.Relaxation(D=float(1 / (2 * q**2 * 0.6)), beta=0.25)
    planned = xnb.plan(None, tall_qmap, 1.0, dynamics, error=0.02, frame_time=0.1, n_frames=300)
    data = xnb.recover(None, tall_qmap, 1.0, dynamics, n_frames=300, frame_time=0.1, repeats=60, seed=4)
    assert float(data.seen[0]) > 0.95
    assert float(data.scatter[0]) == pytest.approx(planned.error_one, rel=0.2)
    assert float(data.reported[0]) == pytest.approx(planned.error_one, rel=0.25)
    assert abs(float(data.bias[0])) < 4 * float(data.bias_err[0]) + 0.01
    assert 0.5 < float(data.coverage[0]) < 0.85
    assert planned.repeats == int(np.ceil((planned.error_one / 0.02) ** 2))


def test_recovery_says_what_can_not_be_seen(qmap, D_middle):
    dynamics = xnb.Relaxation(D=1.0, beta=0.25)
    told = []
    data = xnb.recover(
        None, qmap, 5.0, dynamics, D=[D_middle, 1e5 * D_middle], n_frames=200, frame_time=0.1, repeats=3,
        progress=lambda done, total: told.append((done, total)),
    )  # fmt: skip
    assert told[-1] == (6, 6)
    assert data.D_fit.sizes == {"D": 2, "repeat": 3}
    assert float(data.seen[0]) == 1
    assert float(data.seen[1]) < 0.7
    lost = data.D_fit[1].isnull().to_numpy()
    assert lost.any()
    assert (data.status[1].to_numpy()[lost] != "ok").all()
    figure = plot_recovery(data)
    assert "seen" in figure.axes[0].texts[0].get_text()
    with pytest.raises(OptionError):
        xnb.recover(None, qmap, 5.0, dynamics, D=[-1.0], frame_time=0.1)
    with pytest.raises(OptionError):
        xnb.recover(None, qmap, 5.0, dynamics, repeats=0, frame_time=0.1)


def test_plans_keep_their_limits_and_take_the_least_time(qmap, D_middle):
    dynamics = xnb.Relaxation(D=D_middle, beta=0.2)
    free = xnb.plan(None, qmap, 1.0, dynamics, error=0.03)
    allowed = free.table.total_time.where(free.table.allowed)
    assert free.total_time == pytest.approx(float(allowed.min()))
    assert free.error <= 0.03
    limit = 0.3 * free.exposure
    tight = xnb.plan(None, qmap, 1.0, dynamics, error=0.03, dose_rate=2.0, dose_limit=2.0 * limit, min_frame_time=0.05)
    assert tight.exposure <= limit
    assert tight.dose == pytest.approx(2 * tight.exposure)
    assert tight.frame_time >= 0.05
    assert tight.repeats > free.repeats
    assert "frames of" in str(tight)
    half = xnb.plan(None, qmap, 0.5, dynamics, error=0.03)
    assert half.total_time > 1.5 * free.total_time
    figure = plot_plan(tight.table)
    assert "frame time" in figure.axes[0].get_xlabel()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"error": 0.0}, "no such plan"), ({"dose_limit": 1.0}, "dose rate"), ({"dose_rate": -1.0}, "dose_rate"),
        ({"dose_rate": 1.0, "dose_limit": 1e-9}, "shortest series"), ({"flux": 1e-9}, "at best"),
        ({"frame_time": [0.0]}, "frame_time"), ({"n_frames": 4}, "n_frames"), ({"frame_time": 1e5}, "no bin"),
        ({"dynamics": xnb.Relaxation(rate=lambda q: 0 * q)}, "nothing moves"),
    ],
)  # fmt: skip
def test_what_can_not_be_planned_is_said(qmap, D_middle, options, message):
    given = {"geometry": None, "qmap": qmap, "flux": 1.0, "dynamics": xnb.Relaxation(D=D_middle)}
    with pytest.raises(OptionError, match=message):
        xnb.plan(**given | options)
