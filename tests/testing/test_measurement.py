"""Simulated measurements are read and analysed as measured ones are."""

import numpy as np
import pytest

from xpcs_nb.analysis import fit_dispersion, fit_g2
from xpcs_nb.core import Geometry
from xpcs_nb.errors import OptionError
from xpcs_nb.frames import open_frames
from xpcs_nb.hdf5 import read_metadata
from xpcs_nb.qmap import QMap
from xpcs_nb.reduction import correlate
from xpcs_nb.testing import simulate_measurement

SMALL = {"shape": (64, 64), "n_frames": 100, "n_dynamic": 3, "n_static": 6, "seed": 3}


@pytest.mark.parametrize("options", [SMALL, {"shape": (48, 64), "n_frames": 20, "n_dynamic": 2, "n_static": 4}])
def test_files_fit_together_and_every_bin_has_pixels(tmp_path, options):
    measurement = simulate_measurement(tmp_path / "new", **options)
    qmap, metadata = QMap.from_file(measurement.qmap), read_metadata(measurement.metadata)
    qmap.validate(options["shape"])
    for kind in ("dynamic", "static"):
        labels = getattr(qmap.arrays, f"{kind}_roi_map")
        assert labels.max() == options[f"n_{kind}"]
        assert np.bincount(labels.ravel()).min() > 100
    assert metadata.frame_time == 0.1
    assert Geometry.from_metadata(metadata) == qmap.geometry
    names = [measurement.raw.name, measurement.metadata.name, measurement.qmap.name]
    assert names == ["A001_brownian.h5", "A001_brownian_metadata.hdf", "A001_brownian_qmap.hdf"]
    with open_frames(measurement.raw) as source:
        assert (source.n_frames, source.shape) == (options["n_frames"], options["shape"])
        counts = source.frames(0, source.n_frames).mean(axis=0)
    assert counts[qmap.arrays.mask].mean() == pytest.approx(0.5, rel=0.03)
    assert not counts[measurement.truth.scattering_2d == 0].any()


@pytest.mark.parametrize("raw_format", ["imm", "rigaku500k", "rigaku3m"])
def test_every_raw_format_holds_the_same_truth(tmp_path, raw_format):
    shape = {"imm": (64, 64), "rigaku500k": (512, 1024), "rigaku3m": (1676, 2100)}[raw_format]
    photons = 20_000
    options = SMALL | {"shape": shape, "mean_counts": photons / 100 / (shape[0] * shape[1])}
    measurement = simulate_measurement(tmp_path, **options, raw_format=raw_format)
    with open_frames(measurement.raw) as source:
        assert (source.format, source.shape) == (raw_format, shape)
        events = source.events(0, source.n_frames)
    expected = measurement.truth.scattering_2d.sum() * 100
    assert events.count.sum() == pytest.approx(expected, abs=5 * np.sqrt(2 * expected))


def test_diffusion_coefficient_and_exponent_come_back(tmp_path):
    measurement = simulate_measurement(tmp_path)
    truth = measurement.truth
    tree = correlate(measurement.raw, measurement.qmap, metadata=measurement.metadata, output=tmp_path / "out")
    with tree:
        fit = fit_g2(tree["multitau"].to_dataset())
    diffusion, free = fit_dispersion(fit, exponent=2), fit_dispersion(fit)
    assert diffusion.D == pytest.approx(truth.D, rel=0.01)
    assert free.exponent == pytest.approx(2, abs=0.02)
    np.testing.assert_allclose(fit["contrast"], truth.beta, rtol=0.05)
    np.testing.assert_allclose(1 / (2 * fit["rate"]), truth.tau, rtol=0.05)


def test_a_fluctuating_beam_is_in_the_frames_and_keeps_the_mean(tmp_path):
    flux = np.tile([1.0, 1.0, 0.25, 0.25], 25)
    measurement = simulate_measurement(tmp_path, **SMALL, flux=flux)
    mask = QMap.from_file(measurement.qmap).arrays.mask
    with open_frames(measurement.raw) as source:
        counts = source.frames(0, source.n_frames)[:, mask].mean(axis=1)
    assert counts.mean() == pytest.approx(0.5, rel=0.03)
    assert counts[flux == 1].mean() / counts[flux < 1].mean() == pytest.approx(4, rel=0.05)


@pytest.mark.parametrize(
    "bad",
    [
        {"flux": np.ones(3)},
        {"flux": np.zeros(100)},
        {"n_frames": 1},
        {"D": 0.0},
        {"mean_counts": -1.0},
        {"raw_format": "tiff"},
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path, bad):
    with pytest.raises(OptionError):
        simulate_measurement(tmp_path, **(SMALL | bad))
