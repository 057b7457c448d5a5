"""Normalisation, background, absolute scale and master curves."""

import numpy as np
import pytest

import xpcs_nb as xnb
from xpcs_nb.analysis import fit_saxs_law
from xpcs_nb.errors import FitError, MissingKeyError, OptionError

BEAM = "/entry/instrument/incident_beam"
METADATA = {
    f"{BEAM}/incident_beam_intensity": 2e9,
    f"{BEAM}/transmitted_beam_intensity": 1e9,
    "/entry/instrument/detector_1/count_time": 0.02,
}


def test_metadata_and_given_values_divide(measured_curve):
    curve = measured_curve()
    done = xnb.normalize_saxs(curve, METADATA, thickness=(1.0, 0.03), flux=(4e9, 0.16e9))
    factor = 0.5 * 4e9 * 0.1 * 0.02
    np.testing.assert_allclose(done.intensity * factor, curve.intensity)
    np.testing.assert_allclose(done.intensity_err * factor, curve.intensity_err)
    assert float(done.scale_err) == pytest.approx(0.05)
    assert done.intensity.attrs["units"] == "counts/pixel/s/flux/cm"
    assert len(done.attrs["steps"]) == 5
    assert "metadata" in done.attrs["steps"][1]


def test_what_is_not_known_is_named_and_never_one(measured_curve):
    curve = measured_curve()
    with pytest.raises(MissingKeyError, match="thickness is not known"):
        xnb.normalize_saxs(curve, METADATA)
    with pytest.raises(MissingKeyError, match="flux"):
        xnb.normalize_saxs(curve, by=("flux",))
    dummy = METADATA | {f"{BEAM}/transmitted_beam_intensity": 1e-4}
    with pytest.raises(MissingKeyError, match="no transmission"):
        xnb.normalize_saxs(curve, dummy, by=("transmission",))


@pytest.mark.parametrize(
    "options",
    [
        {"transmission": 1.2}, {"thickness": 0.0}, {"flux": float("nan")}, {"exposure": (1.0, -1.0)},
        {"by": ("flux",), "transmission": 0.5}, {"by": ("colour",)},
    ],
)  # fmt: skip
def test_values_that_can_not_be_are_refused(measured_curve, options):
    with pytest.raises(OptionError):
        xnb.normalize_saxs(measured_curve(), METADATA, **{"thickness": 1.0} | options)


def test_nothing_is_divided_by_twice(measured_curve):
    once = xnb.normalize_saxs(measured_curve(), by=("flux",), flux=2.0)
    with pytest.raises(OptionError, match="before"):
        xnb.normalize_saxs(once, by=("flux",), flux=2.0)


def test_background_leaves_the_sample_with_honest_errors(make_result, maps):
    rng = np.random.default_rng(5)
    shape = maps[0].shape
    pulls = []
    for _ in range(15):
        both, empty = (
            xnb.integrate_wedge(make_result(rng.poisson(level * 100, shape) / 100, n_frames=100), n_bins=40)
            for level in (0.05, 0.04)
        )
        left = xnb.subtract_background(both, empty, 0.5)
        pulls.append(((left.intensity - 0.03) / left.intensity_err)[left.n_pixels > 20])
    assert np.mean(np.abs(np.concatenate(pulls)) < 1) == pytest.approx(0.683, abs=0.06)


def test_the_error_of_the_weight_counts(measured_curve):
    curve, empty = measured_curve(2.0), measured_curve(1.0, seed=1)
    exact, rough = (xnb.subtract_background(curve, empty, weight) for weight in (1.0, (1.0, 0.1)))
    np.testing.assert_allclose(rough.intensity_err**2 - exact.intensity_err**2, (0.1 * empty.intensity) ** 2, rtol=1e-6)


def test_a_background_in_other_bins_is_interpolated(measured_curve):
    curve = measured_curve(n_bins=30, q_range=(0.03, 0.1))
    finer = measured_curve(n_bins=100, seed=6)
    left = xnb.subtract_background(curve, finer)
    assert np.median(np.abs(left.intensity / curve.intensity)) < 0.05
    with pytest.raises(OptionError, match="reach"):
        xnb.subtract_background(finer, curve)


def test_a_background_in_other_units_is_refused(measured_curve):
    curve = measured_curve()
    with pytest.raises(OptionError, match="another units"):
        xnb.subtract_background(curve, xnb.normalize_saxs(curve, by=("exposure",), exposure=1.0))


def test_the_scale_of_a_standard_is_found(make_result, maps):
    """The scale is right, and within its error in two of three cases."""
    rng = np.random.default_rng(7)
    q = maps[0]
    own = (np.geomspace(0.005, 1, 300), 20 * np.exp(-np.geomspace(0.005, 1, 300) / 0.1))
    found = []
    for _ in range(30):
        image = rng.poisson(20 * np.exp(-q / 0.1) * 0.004 * 100) / 100
        curve = xnb.integrate_wedge(make_result(image, n_frames=100), n_bins=40, q_range=(0.02, 0.12))
        scale = xnb.absolute_scale(curve, own)
        found.append(((scale.value - 250) / scale.error, scale.chi2 / scale.dof))
    pulls, chi2 = np.array(found).T
    assert abs(pulls.mean()) < 0.6
    assert 0.45 < np.mean(np.abs(pulls) < 1) < 0.9
    assert chi2.mean() == pytest.approx(1, abs=0.15)
    absolute = xnb.to_absolute(curve, scale)
    assert absolute.intensity.attrs["units"] == "1/cm"
    assert float(absolute.scale_err) == pytest.approx(scale.error / scale.value)


def test_glassy_carbon_of_nist(measured_curve):
    curve = measured_curve(q_range=(0.02, 0.12))
    table = np.interp(curve.q, [0.0226422, 0.0518858, 0.10965500], [30.084982, 26.676952, 22.472101])
    curve["intensity"] = ("q", table / 50, curve.intensity.attrs)
    curve["intensity_err"] = ("q", table / 5000, curve.intensity_err.attrs)
    scale = xnb.absolute_scale(curve, "SRM 3600", q_range=(0.0226, 0.11))
    assert scale.value == pytest.approx(50, rel=0.03)
    assert scale.error / scale.value == pytest.approx(0.0258, rel=0.02)
    assert "SRM 3600" in str(scale)


def test_a_curve_normalised_otherwise_is_not_made_absolute(measured_curve):
    curve = measured_curve()
    scale = xnb.absolute_scale(curve, (curve.q.to_numpy(), 3 * curve.intensity.to_numpy()))
    assert scale.value == pytest.approx(3)
    with pytest.raises(OptionError, match="not normalised as the standard"):
        xnb.to_absolute(xnb.normalize_saxs(curve, by=("flux",), flux=1e9), scale)


@pytest.mark.parametrize("standard", ["SRM 1", ([0.2, 0.1], [1, 1]), ([0.1, 0.2], [1, np.nan]), ([0.1],)])
def test_a_standard_that_is_none_is_refused(measured_curve, standard):
    with pytest.raises(OptionError):
        xnb.absolute_scale(measured_curve(), standard)


def test_a_standard_elsewhere_is_no_standard(measured_curve):
    with pytest.raises(FitError, match="in common"):
        xnb.absolute_scale(measured_curve(), ([5.0, 6.0], [1.0, 1.0]))


def test_master_curve_finds_the_factors_with_calibrated_errors(measured_curve):
    pulls, chi = [], []
    for seed in range(25):
        parts = [
            measured_curve(level, seed=3 * seed + number, q_range=ends, n_bins=bins, n_frames=40)
            for number, (level, ends, bins) in enumerate(
                [(1.0, (0.015, 0.06), 30), (0.3, (0.04, 0.09), 40), (2.0, (0.07, 0.13), 25)]
            )
        ]
        merged = xnb.master_curve(parts)
        pulls.append(
            ((merged.scale - [1, 1 / 0.3, 0.5]) / merged.scale_uncertainty.where(merged.scale_uncertainty > 0))[1:]
        )
        chi.append(float((((merged.intensity - 0.02 * merged.q**-2.0) / merged.intensity_err) ** 2).mean()))
    pulls = np.array(pulls)
    assert 0.5 < np.mean(np.abs(pulls) < 1) < 0.85
    assert np.median(chi) < 2
    assert merged.source.to_numpy().tolist() != sorted(merged.source.to_numpy())
    binned = xnb.master_curve(parts, edges=np.geomspace(0.015, 0.13, 20), names=["far", "middle", "near"])
    assert binned.sizes["q"] == 19
    assert list(binned.curve.to_numpy()) == ["far", "middle", "near"]


def test_curves_that_do_not_meet_are_named(measured_curve):
    near, far = measured_curve(q_range=(0.02, 0.05)), measured_curve(q_range=(0.06, 0.1))
    with pytest.raises(FitError, match="far"):
        xnb.master_curve([near, far], names=["near", "far"])
    with pytest.raises(OptionError):
        xnb.master_curve([near])


def test_laws_give_their_parameters_back(measured_curve):
    curve = measured_curve(q_range=(0.02, 0.1), n_bins=200)
    power = fit_saxs_law(curve, "power", q_range=(0.03, 0.1))
    assert power.values["exponent"] == pytest.approx(-2, abs=4 * power.errors["exponent"])
    q = curve.q
    for law, made, truth in (
        ("guinier", 5 * np.exp(-((q * 30.0) ** 2) / 3), {"I0": 5, "Rg": 30}),
        ("porod", 1e-7 * q**-4 + 0.01, {"K": 1e-7, "background": 0.01}),
    ):
        exact = curve.assign(intensity=("q", made.data), intensity_err=("q", 0.01 * made.data))
        found = fit_saxs_law(exact, law, q_range=(0.02, 0.06))
        assert found.values == pytest.approx(truth, rel=1e-4)
        assert found.chi2 < 1e-3
    with pytest.raises(OptionError, match="no such law"):
        fit_saxs_law(curve, "zimm", q_range=(0.02, 0.1))
    with pytest.raises(FitError, match="too few"):
        fit_saxs_law(curve, "power", q_range=(0.02, 0.0201))
