"""I(q) of a wedge and I(phi) of a ring, against sums by hand, pyFAI and counting statistics."""

import numpy as np
import pytest
import xarray as xr

import xpcs_nb as xnb
from xpcs_nb.analysis import saxs_region
from xpcs_nb.core import Geometry
from xpcs_nb.errors import MissingKeyError, OptionError

SHAPE = (120, 160)


def test_a_wedge_is_the_mean_of_its_used_pixels(make_result, maps):
    q, phi = maps
    image = np.random.default_rng(1).random(SHAPE)
    tree = make_result(image)
    mask = tree["qmap"]["mask"].to_numpy()
    edges = [0.005, 0.02, 0.03]
    curve = xnb.integrate_wedge(tree, phi_range=(150, -160), edges=edges)
    for number in range(2):
        inside = mask & ((phi >= 150) | (phi <= -160)) & (q >= edges[number]) & (q < edges[number + 1])
        assert int(curve.n_pixels[number]) == inside.sum()
        assert float(curve.intensity[number]) == pytest.approx(image[inside].mean())
        assert float(curve.q[number]) == pytest.approx(q[inside].mean())
    np.testing.assert_array_equal(curve.q_low, edges[:2])


def test_both_sides_of_the_beam_hold_both_wedges(make_result):
    tree = make_result(np.ones(SHAPE))
    total = xnb.integrate_wedge(tree, phi_range=(-10, 10), opposite=True, n_bins=5).n_pixels.sum()
    sides = [xnb.integrate_wedge(tree, phi_range=ends, n_bins=5).n_pixels.sum() for ends in ((-10, 10), (170, -170))]
    assert int(total) == int(sum(sides))


def test_a_ring_shows_how_scattering_depends_on_phi(make_result, maps):
    phi = np.radians(maps[1])
    curve = xnb.integrate_ring(make_result(2 + np.cos(2 * phi)), q_range=(0.04, 0.06), n_bins=60)
    there = curve.n_pixels > 3
    np.testing.assert_allclose(curve.intensity[there], 2 + np.cos(2 * np.radians(curve.phi[there])), atol=0.02)
    across = xnb.integrate_ring(make_result(2 + np.cos(phi)), q_range=(0.04, 0.06), phi_range=(170, -170), n_bins=4)
    assert np.all((across.phi > 170) & (across.phi < 190))


def test_poisson_errors_hold_the_truth_in_68_percent(make_result):
    rng = np.random.default_rng(2)
    pulls = []
    for _ in range(20):
        curve = xnb.integrate_wedge(make_result(rng.poisson(0.02 * 50, SHAPE) / 50, n_frames=50), n_bins=50)
        good = curve.n_pixels > 20
        pulls.append(((curve.intensity - 0.02) / curve.intensity_err)[good])
        np.testing.assert_allclose(curve.intensity_err[good].mean(), curve.intensity_err_pixels[good].mean(), rtol=0.1)
    assert np.mean(np.abs(np.concatenate(pulls)) < 1) == pytest.approx(0.683, abs=0.05)


def test_standing_speckle_shows_in_the_scatter_of_pixels_only(make_result):
    rng = np.random.default_rng(3)
    speckle = rng.gamma(1.0, 1.0, SHAPE)
    curve = xnb.integrate_wedge(make_result(rng.poisson(speckle * 400) / 400), n_bins=10)
    assert np.all(curve.intensity_err_pixels > 5 * curve.intensity_err)


def test_no_photon_is_not_no_error(make_result):
    curve = xnb.integrate_wedge(make_result(np.zeros(SHAPE), n_frames=10), n_bins=4)
    np.testing.assert_array_equal(curve.intensity, 0)
    np.testing.assert_allclose(curve.intensity_err, 1 / (10 * curve.n_pixels))


def test_a_bin_without_pixels_says_so(make_result):
    curve = xnb.integrate_wedge(make_result(np.ones(SHAPE)), edges=[0.02, 0.05, 5.0, 6.0])
    assert int(curve.n_pixels[-1]) == 0
    assert np.isnan(curve.intensity[-1])


def test_flat_scattering_per_solid_angle_is_flat_with_either_distance(make_result):
    for swing, distance in ((0.0, 0.05), (20.0, 0.05), (0.0, 0.1)):
        geometry = Geometry(
            energy=10, detector_distance=distance, pixel_size=6e-4, beam_center_x=40, beam_center_y=55,
            swing_horizontal=swing,
        )  # fmt: skip
        row, column = np.indices(SHAPE)
        length = np.sqrt(distance**2 + 6e-4**2 * ((row - 55.0) ** 2 + (column - 40.0) ** 2))
        solid = 6e-4**2 / length**2 * (distance / length)
        curve = xnb.integrate_wedge(make_result(7 * solid, geometry=geometry), n_bins=20, solid_angle=True)
        np.testing.assert_allclose(curve.intensity[curve.n_pixels > 0], 7, rtol=1e-12)
        assert curve.intensity.attrs["units"] == "counts/sr/frame"


@pytest.mark.parametrize("correct", [False, True])
def test_pyfai_integrates_the_same(make_result, correct):
    azimuthal = pytest.importorskip("pyFAI.integrator.azimuthal")
    geometry = Geometry(energy=10, detector_distance=0.1, pixel_size=6e-4, beam_center_x=40.3, beam_center_y=55.8)
    image = np.random.default_rng(4).poisson(5, SHAPE) / 1.0
    tree = make_result(image, geometry=geometry, n_frames=1)
    ends = (0.05, 0.4)
    curve = xnb.integrate_wedge(
        tree, q_range=ends, n_bins=30, solid_angle=correct, polarization=0.95 if correct else None
    )
    integrator = azimuthal.AzimuthalIntegrator(
        # pyFAI counts pixel centres at +0.5
        dist=0.1, poni1=56.3 * 6e-4, poni2=40.8 * 6e-4, pixel1=6e-4, pixel2=6e-4, wavelength=geometry.wavelength * 1e-10
    )  # fmt: skip
    theirs = integrator.integrate1d_ng(
        # its own Poisson model takes a pixel without counts for one with a variance of 1
        image, 30, unit="q_A^-1", radial_range=ends, mask=~tree["qmap"]["mask"].to_numpy(), variance=image,
        method=("no", "histogram", "python"), correctSolidAngle=correct, polarization_factor=0.95 if correct else None,
    )  # fmt: skip
    scale = (6e-4 / 0.1) ** 2 if correct else 1.0
    # a bin without pixels is 0 there, and has no intensity here
    full = curve.n_pixels.to_numpy() > 0
    np.testing.assert_array_equal(full, theirs.count > 0)
    np.testing.assert_allclose(curve.intensity[full] * scale, theirs.intensity[full], rtol=2e-5)
    np.testing.assert_allclose(curve.intensity_err[full] * scale, theirs.sigma[full], rtol=2e-5)


def test_region_is_what_is_integrated(make_result):
    tree = make_result(np.ones(SHAPE))
    region = saxs_region(tree, q_range=(0.03, 0.06), phi_range=(-30, 40)).to_numpy()
    curve = xnb.integrate_wedge(tree, q_range=(0.03, 0.06), phi_range=(-30, 40), n_bins=7)
    assert int(curve.n_pixels.sum()) == (region & tree["qmap"]["mask"].to_numpy()).sum()


@pytest.mark.parametrize(
    "options",
    [
        {"phi_range": (20, 20)}, {"q_range": (0.06, 0.03)}, {"n_bins": 0}, {"edges": [0.1, 0.05]},
        {"polarization": 2.0}, {"q_range": (7.0, 8.0)}, {"scale": "cubic"}, {"scale": "log", "q_range": (0.0, 0.1)},
        {"n_frames": 0},
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(make_result, options):
    with pytest.raises(OptionError):
        xnb.integrate_wedge(make_result(np.ones(SHAPE)), **options)


def test_what_the_result_does_not_say_is_named(make_result):
    tree = make_result(np.ones(SHAPE))
    del tree["qmap"].attrs["beam_center_x"]
    with pytest.raises(MissingKeyError, match="beam_center_x"):
        xnb.integrate_wedge(tree)
    tree = make_result(np.ones(SHAPE))
    tree["saxs"] = xr.DataTree(tree["saxs"].to_dataset().drop_dims("time"))
    with pytest.raises(MissingKeyError, match="number of frames"):
        xnb.integrate_wedge(tree)
    with pytest.raises(OptionError, match="whole result"):
        xnb.integrate_wedge(tree["saxs"].to_dataset())
