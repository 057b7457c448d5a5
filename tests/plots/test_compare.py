"""Two results in one figure."""

from __future__ import annotations

import numpy as np
import pytest

import xpcs_nb as xnb
from tests.plots.conftest import make_result
from xpcs_nb.errors import OptionError
from xpcs_nb.qmap import QMap
from xpcs_nb.testing import simulate_measurement


def words(figure):
    axes = list(figure.axes)
    return "\n".join([text.get_text() for ax in axes for text in ax.texts] + [ax.get_title() for ax in axes])


def test_g2_and_its_difference_of_each_pair_are_drawn():
    figure = xnb.compare(make_result(4, seed=1), make_result(4, seed=2))
    labels = [ax.get_ylabel() for ax in figure.axes]
    assert labels.count("z (σ)") == 2  # the first of each row
    assert len(figure.axes) == 2 * 4 + 2
    drawn = [line.get_ydata() for ax in figure.axes for line in ax.lines if len(line.get_xdata()) > 5]
    assert any(len(values) > 5 and np.nanstd(values) > 0.3 for values in drawn)


def test_it_says_what_has_no_partner_and_whose_noise_it_is():
    old, new = make_result(9), make_result(4)
    old.attrs["raw"] = new.attrs["raw"] = "A001.h5"
    said = words(xnb.compare(old, new))
    assert "noise is shared" in said.replace("\n", " ")
    assert "too far" in said.replace("\n", " ")


def test_bins_are_chosen_and_paged():
    old, new = make_result(9, seed=1), make_result(9, seed=2)
    assert len(xnb.compare(old, new, bins=[2, 5]).axes) == 2 * 2 + 2
    assert len(xnb.compare(old, new, page=2, per_page=7).axes) == 2 * 2 + 2
    with pytest.raises(OptionError, match="no such bins"):
        xnb.compare(old, new, bins=[77])
    with pytest.raises(OptionError, match="no such page"):
        xnb.compare(old, new, page=3)


def test_datasets_and_the_accessor_do_as_well():
    old, new = make_result(4, seed=1), make_result(4, seed=2)
    figure = old["multitau"].to_dataset().xpcs.compare(new["multitau"].to_dataset())
    assert len(figure.axes) == 2 * 4 + 1  # no scattering


def test_files_are_compared(tmp_path):
    measured = simulate_measurement(tmp_path, shape=(64, 64), n_frames=100, n_dynamic=3, n_static=9)
    xnb.correlate(measured.raw, measured.qmap, output=tmp_path / "old")
    changed = QMap.from_file(measured.qmap).mask_circle(40, 40, 9).save(tmp_path / "new.hdf")
    xnb.correlate(measured.raw, changed, output=tmp_path / "new")
    files = [next((tmp_path / name).glob("*_results.hdf")) for name in ("old", "new")]
    figure = xnb.compare(*files)
    assert "same frames" in words(figure)
    assert figure._repr_png_().startswith(b"\x89PNG")
