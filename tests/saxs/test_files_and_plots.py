"""What users take away: files, figures, and the command."""

import subprocess
import sys

import h5py
import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

import xpcs_nb as xnb
from xpcs_nb.errors import FileFormatError, MissingFileError, OptionError, ResultExistsError
from xpcs_nb.plots import plot_curves, plot_regions
from xpcs_nb.results import export_g2
from xpcs_nb.testing import simulate_measurement

mpl.use("Agg")


@pytest.mark.parametrize("ending", [".txt", ".dat", ".csv", ".nxs", ".h5"])
def test_a_curve_comes_back_from_its_file(measured_curve, tmp_path, ending):
    curve = xnb.normalize_saxs(measured_curve(), by=("exposure",), exposure=(0.5, 0.01))
    path = xnb.export_curve(curve, tmp_path / f"a{ending}", title="sample A")
    back = xnb.read_curve(path)
    there = curve.n_pixels > 0
    for name in ("q", "intensity", "intensity_err"):
        np.testing.assert_allclose(back[name], curve[name][there], rtol=1e-9)
    assert back.intensity.attrs["units"] == curve.intensity.attrs["units"] == "counts/pixel/s"
    assert float(back.scale_err) == pytest.approx(0.02)
    assert back.attrs["steps"] == curve.attrs["steps"]
    assert back.attrs["normalized_by"] == ("exposure",)
    xnb.subtract_background(back, back)
    with pytest.raises(ResultExistsError):
        xnb.export_curve(curve, path)
    xnb.export_curve(curve, path, overwrite=True)


def test_nexus_files_are_in_the_canonical_layout(measured_curve, tmp_path):
    curve = measured_curve()
    scale = xnb.absolute_scale(curve, (curve.q.to_numpy(), 3 * curve.intensity.to_numpy()))
    path = xnb.export_curve(xnb.to_absolute(curve, scale), tmp_path / "a.nxs")
    with h5py.File(path) as file:
        node = file[file.attrs["default"]]
        assert (node.attrs["canSAS_class"], node.attrs["version"]) == ("SASentry", "1.1")
        assert node["definition"][()] == b"NXcanSAS"
        data = node[node.attrs["default"]]
        assert data.attrs["canSAS_class"] == "SASdata"
        assert (data.attrs["signal"], data.attrs["I_axes"], list(data.attrs["Q_indices"])) == ("I", "Q", [0])
        assert data["Q"].attrs["units"] == "1/angstrom"
        assert data["I"].attrs["units"] == "1/cm"
        assert data[data["I"].attrs["uncertainties"]].shape == data["I"].shape
        assert node["process02"].attrs["canSAS_class"] == "SASprocess"


def test_plain_tables_are_read(tmp_path):
    plain = tmp_path / "standard.csv"
    plain.write_text("Q,I,dI\n0.01,3,0.1\n0.02,2,0.1\n")
    curve = xnb.read_curve(plain)
    assert curve.intensity.to_numpy().tolist() == [3, 2]
    assert curve.intensity.attrs["units"] == "1/cm"


def test_files_that_are_no_curves_are_refused(measured_curve, make_result, tmp_path):
    (tmp_path / "two.txt").write_text("1 2\n3 4\n")
    (tmp_path / "words.txt").write_text("1 2 3\nfour five six\n")
    (tmp_path / "no.h5").write_bytes(b"nothing")
    for name, error in (("two.txt", FileFormatError), ("words.txt", FileFormatError), ("no.h5", FileFormatError),
                        ("none.txt", MissingFileError)):  # fmt: skip
        with pytest.raises(error, match=name):
            xnb.read_curve(tmp_path / name)
    with pytest.raises(OptionError, match="format"):
        xnb.export_curve(measured_curve(), tmp_path / "a.xlsx")
    ring = xnb.integrate_ring(make_result(np.ones((120, 160))), q_range=(0.02, 0.03))
    with pytest.raises(OptionError, match="q only"):
        xnb.export_curve(ring, tmp_path / "a.nxs")
    back = xnb.read_curve(xnb.export_curve(ring, tmp_path / "ring.csv"))
    assert back.intensity.dims == ("phi",)


def test_figures_show_curves_and_where_they_come_from(make_result, maps, measured_curve):
    tree = make_result(0.02 * maps[0] ** -2.0)
    wedge = xnb.integrate_wedge(tree, phi_range=(160, -160))
    ring = xnb.integrate_ring(tree, q_range=(0.04, 0.06))
    figure = plot_regions(tree, {"wedge": wedge, "ring": ring})
    outlines = [one for one in figure.axes[0].collections if len(one.get_paths()[0].vertices) > 4]
    assert len(outlines) == 2
    figure = plot_curves({"a": measured_curve(1.0), "b": measured_curve(2.0)}, power=2)
    assert figure.axes[0].get_xscale() == "log"
    assert "counts/pixel/frame" in figure.axes[0].get_ylabel()
    assert plot_curves(ring).axes[0].get_xlabel() == "φ (°)"
    with pytest.raises(OptionError, match="differ"):
        plot_curves([wedge, ring])
    with pytest.raises(OptionError, match="region"):
        plot_regions(tree, xnb.master_curve([measured_curve(), measured_curve(seed=1)]))


def test_the_command_writes_what_the_functions_do(tmp_path):
    made = simulate_measurement(tmp_path, shape=(64, 64), n_frames=60, n_dynamic=3, n_static=6, seed=3)
    tree = xnb.correlate(made.raw, made.qmap, output=tmp_path)

    def run(*words):
        return subprocess.run(
            [sys.executable, "-m", "xpcs_nb", "result", "export", tree.attrs["path"], "-o", tmp_path / "out", *words],
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    done = run("--format", "nxs", "--phi-range", "-60", "-20", "--bins", "20", "--exposure", "0.1")
    assert done.returncode == 0, done.stderr
    curve, g2, intensity = done.stdout.split()
    mine = xnb.normalize_saxs(
        xnb.integrate_wedge(tree, phi_range=(-60, -20), n_bins=20), by=("exposure",), exposure=0.1
    )
    np.testing.assert_allclose(xnb.read_curve(curve).intensity, mine.intensity[mine.n_pixels > 0], rtol=1e-9)
    table = pd.read_csv(g2, comment="#")
    np.testing.assert_allclose(table["g2_2"], tree["multitau"].g2[:, 1], rtol=1e-6)
    assert len(pd.read_csv(intensity, comment="#")) == 60
    again = run("--format", "nxs")
    assert again.returncode == 1
    assert "exists" in again.stderr
    assert "range of q" in run("--ring", "--what", "saxs").stderr


def test_g2_of_a_result_without_g2_is_refused(make_result, tmp_path):
    with pytest.raises(OptionError, match="no g2"):
        export_g2(make_result(np.ones((120, 160))), tmp_path / "g2.csv")
