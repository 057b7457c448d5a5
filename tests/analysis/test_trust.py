"""The trust report: defects that were put in are found, sound data pass, and what can't be known is said to be so."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest
import xarray as xr

from xpcs_nb.analysis import Curves, Evidence, Parts, PixelMeans, StaticBins, TrustReport, judge, trust_report
from xpcs_nb.errors import CorruptDataError, FileFormatError, OptionError
from xpcs_nb.testing import renewal_events

N, D, PER_BIN, PIXELS = 2000, 6, 10, 400
BETA, TAU, COUNTS = 0.2, 20.0, 0.5
RNG = np.random.default_rng


def delays():
    """Return delays and pairs of the APS grid."""
    from xpcs_nb.core import DelayGrid

    grid = DelayGrid(N)
    return grid.frames.astype(float), grid.n_pairs


def curves(*, beta=BETA, tau=TAU, error=2e-3, seed=1, **changed):
    k, pairs = delays()
    g2 = 1 + beta * np.exp(-k[:, None] / tau) + RNG(seed).normal(0, error, (len(k), D))
    err = np.full_like(g2, error)
    fields = {"frames": k, "g2": g2, "err": err, "n_pairs": pairs, "estimator": "block jackknife"} | changed
    return Curves(**fields)


def pixel_means(*, seed=2, spoil=lambda counts, static: counts):
    """Return mean counts of all pixels with speckle that has mostly averaged out, and their static bins."""
    rng = RNG(seed)
    static = np.repeat(np.arange(D * PER_BIN), PIXELS)
    left = BETA * 2 * TAU / N
    mean = rng.gamma(1 / left, left * COUNTS, len(static))
    return spoil(rng.poisson(mean * N) / N, static), static


def evidence(*, spoil=lambda counts, static: counts, **changed):
    """Return what a sound result shows, with changes."""
    counts, static = pixel_means(spoil=spoil)
    pixels = np.full(D * PER_BIN, PIXELS)
    owner = np.repeat(np.arange(D), PER_BIN)
    q = 0.01 * (1 + owner) + 2e-4 * (np.arange(len(owner)) % PER_BIN)
    mean = np.bincount(static, counts) / PIXELS
    bins = StaticBins(pixels=pixels, owner=owner, q=q, mean=mean)
    rng = RNG(3)
    total = len(static)
    noise = np.sqrt(COUNTS / (PIXELS * N / 10))
    fields = {
        "bins": np.arange(1, D + 1),
        "curves": curves(),
        "static": bins,
        "pixels": PixelMeans.of(counts, static, bins, N),
        "faults": (),
        "intensity": rng.poisson(COUNTS * total, N) / total,
        "segments": COUNTS + rng.normal(0, noise, (10, len(pixels))),
        "parts": parts(),
        "normalized": True,
    } | changed
    return Evidence(**fields)


def parts(*, change=lambda stretch: 1.0, noise=3e-3):
    k = np.arange(1.0, N // 5)
    g2 = np.stack([1 + change(s) * BETA * np.exp(-k[:, None] / TAU) * np.ones(4) for s in range(5)], axis=1)
    return Parts(source="two-time map", frames=k, g2=g2 + RNG(4).normal(0, noise, g2.shape), place=np.arange(4))


def test_sound_data_pass_every_check():
    report = judge(evidence())
    assert {check.name: check.verdict for check in report} == {check.name: "ok" for check in report}
    assert report.verdict == "ok"
    assert report.badge == "trust: ok"
    assert len(report) == 21


def spoiled_dead(counts, static):
    counts = counts.copy()
    counts[static < PER_BIN] *= RNG(5).random(np.count_nonzero(static < PER_BIN)) > 0.05
    return counts


def spoiled_hot(counts, static):
    counts = counts.copy()
    counts[::4000] = 60.0
    return counts


def spoiled_gradient(counts, static):
    return counts * np.where(np.arange(len(static)) % 2, 1.2, 0.8)


DRIFT = np.linspace(1.3, 0.7, N)
FLICKER = 1 + 0.3 * np.repeat(RNG(6).standard_normal(N // 4), 4)


@pytest.mark.parametrize(
    ("name", "verdict", "changed"),
    [
        ("partition", "bad", {"faults": ("3 pixels lie in another dynamic bin than the rest of their static bin",)}),
        ("dead_pixels", "bad", {"spoil": spoiled_dead}),
        ("hot_pixels", "bad", {"spoil": spoiled_hot}),
        ("gradient", "bad", {"spoil": spoiled_gradient}),
        ("frame_normalisation", "bad", {"intensity": RNG(7).poisson(0.4, N) / (D * PER_BIN * PIXELS)}),
        ("beam", "bad", {"intensity": COUNTS * np.maximum(FLICKER, 0.1), "normalized": False}),
        ("intensity_drift", "bad", {"intensity": COUNTS * DRIFT}),
        ("dose", "warning", {"segments": COUNTS * (1 + np.linspace(0, 0.1, 10)[:, None] * (np.arange(60) < 10))}),
        ("stationarity", "bad", {"parts": parts(change=lambda s: 1 - 0.15 * s)}),
        ("stationarity", "bad", {"parts": parts(change=lambda s: 0.3 if s == 2 else 1.0)}),
        ("time_window", "warning", {"curves": curves(tau=N)}),
        ("time_window", "warning", {"curves": curves(tau=0.7)}),
        ("contrast", "bad", {"curves": curves(beta=1.4)}),
        ("signal", "warning", {"curves": curves(error=0.05)}),
        ("counts", "warning", {"curves": curves(beta=0.004, error=1e-5)}),
        ("errors", "warning", {"curves": curves(err=np.full_like(curves().g2, 0.8e-3))}),
    ],
)
def test_a_defect_is_found(name, verdict, changed):
    check = judge(evidence(**changed))[name]
    assert check.verdict == verdict, str(check)
    assert check.value is not None
    assert check.meaning
    assert check.remedy


def test_empty_bins_are_counted_and_named():
    known = curves()
    g2 = known.g2.copy()
    g2[:, 2], g2[:, 4] = np.nan, 0.0
    check = judge(evidence(curves=curves(g2=g2)))["empty_bins"]
    assert check.value == pytest.approx(2 / 6, rel=1e-3)
    assert "bins 3, 5" in check.message


@pytest.mark.parametrize(("n", "beta"), [(5, 1.0), (20, 1.0), (100, 0.25)])
def test_lost_contrast_of_static_speckle_is_the_formula(n, beta):
    k, pairs = delays()
    seen = (1 + beta) / (1 + beta / n)
    known = Curves(frames=k, g2=np.full((len(k), D), seen), err=np.full((len(k), D), 1e-4), n_pairs=pairs)
    bins = StaticBins(pixels=np.full(D * PER_BIN, n), owner=np.repeat(np.arange(D), PER_BIN))
    check = judge(Evidence(bins=np.arange(1, D + 1), curves=known, static=bins, intensity=np.ones(N)))["few_pixels"]
    assert check.value == pytest.approx(1 - (seen - 1) / beta, rel=2e-3)


@pytest.mark.parametrize(("tau", "beta"), [(20.0, 0.5), (np.inf, 1.0)])
def test_lost_contrast_is_that_of_simulated_photons(tau, beta):
    n, bins, frames = 5, 2500, 200
    pixel, frame, count = renewal_events(np.full(n * bins, 0.5), tau, beta, frames, RNG(8))
    counts = np.zeros((n * bins, frames))
    counts[pixel, frame] = count
    lag = np.arange(1, 5)
    g2 = np.empty(len(lag))
    for row, k in enumerate(lag):
        pairs = counts[:, :-k], counts[:, k:]
        G, IP, IF = (v.reshape(bins, n, -1).mean(axis=(1, 2)) for v in (pairs[0] * pairs[1], *pairs))
        g2[row] = (G / (IP * IF)).mean()
    # the decay behind these delays, as it would be measured
    k, pairs = delays()
    k, pairs = k[k < 100], pairs[k < 100]
    truth = 1 + beta * np.exp(-k / tau)
    curve = np.where(k <= 4, np.interp(k, lag, g2), truth - (truth[0] - g2[0]))
    known = Curves(frames=k, g2=curve[:, None], err=np.full((len(k), 1), 1e-3), n_pairs=pairs)
    static = StaticBins(pixels=np.full(bins, n), owner=np.zeros(bins, np.int64), mean=np.full(bins, 0.5))
    check = judge(Evidence(bins=np.array([1]), curves=known, static=static, intensity=np.full(frames, 0.5)))[
        "few_pixels"
    ]
    lost = 1 - (g2[:3] - 1).mean() / (truth[:3] - 1).mean()
    assert check.value == pytest.approx(lost, rel=0.1, abs=0.015)


def test_few_pixels_matter_less_where_speckle_averages_out():
    few = StaticBins(pixels=np.full(D * PER_BIN, 5), owner=np.repeat(np.arange(D), PER_BIN))
    fast, slow = (
        judge(Evidence(bins=np.arange(1, D + 1), curves=curves(tau=tau), static=few, intensity=np.ones(N)))[
            "few_pixels"
        ]
        for tau in (20.0, 2000.0)
    )
    assert fast.value < 0.02 < 0.1 < slow.value


def test_common_fluctuations_are_harmless_where_frames_are_normalised():
    flickering = COUNTS * np.maximum(FLICKER, 0.1)
    assert judge(evidence(intensity=flickering))["beam"].verdict == "ok"
    assert judge(evidence(intensity=flickering, normalized=None))["beam"].verdict == "unknown"


def test_the_lift_by_the_beam_is_its_autocorrelation():
    relative = 1 + 0.1 * np.cos(2 * np.pi * np.arange(N) / 50)
    found = evidence(intensity=COUNTS * relative, normalized=False)
    lift = judge(found)["beam"].value * np.median(found.contrast)
    assert lift == pytest.approx(0.1**2 / 2 * np.cos(2 * np.pi / 50), rel=1e-2)


def test_lost_frames_are_named():
    intensity = evidence().intensity.copy()
    intensity[[7, 1200]] = 0
    check = judge(evidence(intensity=intensity))["lost_frames"]
    assert check.verdict == "note"
    assert "7, 1200" in check.message


def test_a_lifted_baseline_is_measured():
    known = curves()
    check = judge(evidence(curves=curves(g2=known.g2 + 0.05)))["baseline"]
    assert check.verdict == "warning"
    assert check.value == pytest.approx(0.05 / 0.25, rel=0.15)


def test_a_curve_that_has_not_ended_has_no_baseline():
    check = judge(evidence(curves=curves(tau=N)))["baseline"]
    assert check.verdict == "unknown"
    assert "levelled off" in check.message


def test_one_bin_in_many_makes_a_note_and_is_found_by_its_label():
    pixels = np.full(360 // 6 * D, PIXELS)
    owner = np.repeat(np.arange(D), 60)
    q = np.full(len(pixels), 0.01)
    q[owner == 3] = np.linspace(0.001, 0.02, 60)
    found = Evidence(bins=np.arange(1, D + 1), curves=curves(), static=StaticBins(pixels=pixels, owner=owner, q=q))
    report = judge(found)
    assert report["q_spread"].values[3] == report["q_spread"].value
    assert report.of_bin(4)["q_spread"][1] == "warning"
    assert report.of_bin(1)["q_spread"][1] == "ok"
    with pytest.raises(OptionError, match="no such bin"):
        report.of_bin(99)


def test_nothing_is_ok_where_nothing_is_known():
    report = judge(Evidence(bins=np.arange(1, 4)))
    assert set(report.unknown) == {check.name for check in report}
    assert report.verdict == "unknown"
    assert all(check.message and "failed" not in check.message for check in report)


@pytest.mark.parametrize("value", [np.nan, 0.0, 1.0, np.inf])
def test_odd_numbers_make_no_check_stumble(value):
    shape = curves().g2.shape
    odd = evidence(
        curves=curves(g2=np.full(shape, value), err=np.full(shape, value)),
        intensity=np.full(N, value),
        segments=np.full((10, D * PER_BIN), value),
        parts=Parts(source="two-time map", frames=np.arange(1.0, 9), g2=np.full((8, 5, 2), value), place=np.arange(2)),
    )
    report = judge(odd)
    assert not [str(check) for check in report if "failed" in check.message]
    assert json.loads(json.dumps(report.as_dict(), allow_nan=False))


@pytest.mark.parametrize("n_delays", [1, 2, 3, 5])
def test_short_series_make_no_check_stumble(n_delays):
    k, pairs = delays()
    known = curves()
    short = curves(frames=k[:n_delays], g2=known.g2[:n_delays], err=known.err[:n_delays], n_pairs=pairs[:n_delays])
    report = judge(evidence(curves=short, intensity=np.full(n_delays + 1, COUNTS), parts=None))
    assert not [str(check) for check in report if "failed" in check.message]


def test_a_report_survives_json():
    report = judge(evidence(normalized=None, parts=None))
    again = TrustReport.from_dict(json.loads(json.dumps(report.as_dict())))
    assert again == report
    with pytest.raises(FileFormatError, match="no trust report"):
        TrustReport.from_dict({"checks": [{"nonsense": 1}]})


def test_a_report_that_is_damaged_is_told_and_can_be_made_anew():
    known = curves()
    multitau = xr.Dataset(
        {"g2": (("delay", "bin"), known.g2), "g2_err": (("delay", "bin"), known.err)},
        {"delay": known.frames * 0.1, "delay_frames": ("delay", known.frames), "bin": np.arange(1, D + 1)},
    )
    tree = xr.DataTree.from_dict({"multitau": multitau, "trust": xr.Dataset(attrs={"report": "{"})})
    with pytest.raises(CorruptDataError, match="can't be read"):
        trust_report(tree)
    assert trust_report(tree, anew=True)["contrast"].verdict == "ok"


def test_people_see_what_is_wrong_first():
    report = judge(evidence(intensity=COUNTS * DRIFT, normalized=None, parts=None))
    text, page = str(report), report._repr_html_()
    assert text.splitlines()[0] == report.badge == "trust: bad (1 bad, 2 unknown)"
    assert text.splitlines()[1].startswith("  ✗ Intensity drift")
    assert "the intensity falls by 60 %" in page
    assert "Cut the series" in page
    assert page.count("<tr") == 1 + len(report)


def test_a_record_says_it_in_few_words():
    short = judge(evidence(intensity=COUNTS * DRIFT)).short()
    assert short == {"trust": "bad", "trust_warnings": 1, "trust_warning_names": ["intensity_drift"]}


def test_a_dataset_without_g2_is_refused():
    with pytest.raises(OptionError, match="nothing to judge"):
        trust_report(xr.Dataset({"a": ("x", [1.0])}))


@pytest.mark.parametrize(
    ("labels", "words"),
    [(None, "4 values of I.q. and 0 labels"), ([0, 1, 2, 3], "among them 0"), ([1, 2, 2, 3], "4 values")],
)
def test_scattering_that_does_not_fit_the_map_is_told(labels, words):
    known = curves()
    multitau = xr.Dataset(
        {"g2": (("delay", "bin"), known.g2), "g2_err": (("delay", "bin"), known.err)},
        {"delay": known.frames * 0.1, "delay_frames": ("delay", known.frames), "bin": np.arange(1, D + 1)},
    )
    image = np.repeat(np.arange(1, 5), 4).reshape(4, 4)
    qmap = xr.Dataset({"static_roi_map": (("y", "x"), image), "dynamic_roi_map": (("y", "x"), np.ones((4, 4), int))})
    coords = {} if labels is None else {"static_bin": labels}
    saxs = xr.Dataset({"scattering_1d": ("static_bin", np.ones(4))}, coords)
    with pytest.raises(OptionError, match=f"does not fit the map of static bins.*{words}"):
        trust_report(xr.DataTree.from_dict({"multitau": multitau, "qmap": qmap, "saxs": saxs}))


def test_it_is_quick():
    known = evidence()
    judge(known)
    begin = time.process_time()
    judge(evidence())
    assert time.process_time() - begin < 1.0
