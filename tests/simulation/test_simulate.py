"""A twin of the user's set-up has the light, the bins and the dynamics that were asked for."""

import numpy as np
import pytest
import xarray as xr

import xpcs_nb as xnb
from xpcs_nb.errors import OptionError
from xpcs_nb.frames import open_frames


def test_a_simulated_series_is_processed_to_its_truth(qmap, D_middle, tmp_path):
    intensity = np.broadcast_to(np.linspace(2, 1, 40), (40, 40))
    made = xnb.simulate(
        None, qmap, 10.0, xnb.Relaxation(D=D_middle, beta=0.3), folder=tmp_path, n_frames=400, frame_time=0.1,
        intensity=intensity, raw_format="imm",
    )  # fmt: skip
    tree = xnb.correlate(made.raw, made.qmap, output=tmp_path)
    assert tree.attrs["frame_time"] == 0.1
    image = tree["saxs"]["scattering_2d"].to_numpy()
    np.testing.assert_allclose(image.mean(axis=0)[[3, 30]], image.mean() * intensity[0, [3, 30]] / 1.5, rtol=0.2)
    assert image.mean() == pytest.approx(1.0, rel=0.05)
    data = tree["multitau"].to_dataset()
    fit = xnb.fit_g2(data)
    pulls = (fit.rate - 1 / (2 * made.truth.tau)) / fit.rate_err
    assert np.abs(pulls).max() < 4
    np.testing.assert_allclose(made.truth.tau[1], 0.6)

    again = xnb.simulate(
        None, tree, None, xnb.Relaxation(rate=lambda q: 0 * q, beta=0.3), folder=tmp_path / "b", n_frames=200
    )
    assert not list((tmp_path / "b").glob("*.imm"))
    with open_frames(again.raw) as source:
        frames = source.frames(0, 200)
    assert frames.mean() == pytest.approx(image.mean(), rel=0.1)
    assert np.corrcoef(frames[:100].mean(axis=0).ravel(), frames[100:].mean(axis=0).ravel())[0, 1] > 0.8


@pytest.mark.parametrize(
    "options",
    [
        {"D": None}, {"D": -1.0}, {"beta": 0.0}, {"rate": lambda q: q}, {"D": None, "rate": lambda q: -q},
    ],
)  # fmt: skip
def test_dynamics_that_are_none_are_refused(options):
    with pytest.raises(OptionError):
        xnb.Relaxation(**{"D": 1.0} | options).at([0.1])


@pytest.mark.parametrize(
    "options",
    [
        {"flux": 0.0}, {"flux": None}, {"n_frames": 1}, {"frame_time": None}, {"frame_time": -1.0},
        {"intensity": np.ones((3, 3))}, {"intensity": np.zeros((40, 40))}, {"raw_format": "tiff"},
        {"qmap": xr.DataTree()},
    ],
)  # fmt: skip
def test_setups_that_are_none_are_refused(qmap, tmp_path, options):
    given = {"geometry": None, "qmap": qmap, "flux": 1.0, "dynamics": xnb.Relaxation(D=1.0), "frame_time": 0.1}
    with pytest.raises(OptionError):
        xnb.simulate(**given | {"n_frames": 10} | options, folder=tmp_path)
