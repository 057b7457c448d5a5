"""The results of a batch are one tree, and what does not fit is refused or filled in as asked."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from xpcs_nb.analysis import fit_dispersion, fit_g2
from xpcs_nb.errors import BatchError, OptionError
from xpcs_nb.recipes import open_batch, save
from xpcs_nb.recipes._folder import kept_recipe
from xpcs_nb.recipes._recipe import Recipe
from xpcs_nb.recipes._state import JobState
from xpcs_nb.reduction import correlate
from xpcs_nb.results import open_result
from xpcs_nb.testing import simulate_measurement

SMALL = {"shape": (64, 64), "n_dynamic": 3, "n_static": 6}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Results by name: two alike, one with more delays, one with other bins."""
    folder = tmp_path_factory.mktemp("results")
    made = {}
    for name, options in {
        "a": {"n_frames": 100},
        "b": {"n_frames": 100},
        "long": {"n_frames": 200},
        "bins": {"n_frames": 100, "n_dynamic": 2},
    }.items():
        found = simulate_measurement(folder / name, name=name, **(SMALL | {"seed": 3} | options))
        with correlate(found.raw, found.qmap, metadata=found.metadata, output=folder / "out", threads=1) as tree:
            made[name] = Path(tree.attrs["path"])
    return made


@pytest.fixture
def batch_of(results, tmp_path, quick):
    """Return a function that makes the folder of a batch whose jobs saved results."""

    def make(*names, failed=()):
        recipe = Recipe.load(quick)
        jobs = []
        for name in (*names, *failed):
            job = JobState(folder=f"{name}-0", label=name, key=name, parts={})
            place = tmp_path / "jobs" / job.folder
            place.mkdir(parents=True)
            if name in failed:
                job = job.with_(state="failed", reason="no photons")
            else:
                with open_result(results[name]) as tree:
                    fit = fit_g2(tree["multitau"].to_dataset())
                    outputs = save(tree, fit=fit, dispersion=fit_dispersion(fit, exponent=2), folder=place, trust="ok")
                job = job.with_(state="succeeded", values=outputs.values, result=outputs.result)
            job.write(place)
            jobs.append(asdict(job))
        copy = kept_recipe(tmp_path, recipe.name, recipe.checksum)
        copy.parent.mkdir()
        copy.write_text(recipe.source)
        document = {"recipe": recipe.name, "checksum": recipe.checksum, "jobs": jobs}
        (tmp_path / "batch.json").write_text(json.dumps(document))
        return tmp_path

    return make


def test_results_are_joined_by_dataset(batch_of, results):
    tree = open_batch(batch_of("a", "b", failed=["c"]))
    assert list(tree["dataset"].to_numpy()) == ["a", "b"]
    g2 = tree["multitau"]["g2"]
    with open_result(results["b"]) as one:
        expected = one["multitau"]["g2"].load()
    assert g2.dims == ("dataset", *expected.dims)
    np.testing.assert_array_equal(g2.sel(dataset="b"), expected)
    assert g2.attrs["units"] == expected.attrs["units"]
    assert tree["multitau"]["q"].dims == ("bin",)
    assert tree["fit"]["contrast"].sizes == {"dataset": 2, "bin": 3}
    assert (tree["D"] > 0).all()
    assert list(tree["trust"].to_numpy()) == ["ok", "ok"]
    assert tree.attrs["left_out"] == {"c": "no photons"}


def test_other_delays_are_filled_in_left_out_or_refused(batch_of):
    folder = batch_of("a", "long")
    outer, inner = open_batch(folder)["multitau"], open_batch(folder, join="inner")["multitau"]
    assert outer.sizes["delay"] > inner.sizes["delay"]
    assert np.isnan(outer["g2"].sel(dataset="a").isel(delay=-1)).all()
    assert np.isfinite(outer["g2"].sel(dataset="long")).all()
    assert np.isfinite(inner["g2"]).all()
    with pytest.raises(OptionError, match="can't be joined"):
        open_batch(folder, join="exact")


def test_other_bins_are_refused(batch_of):
    with pytest.raises(OptionError, match=r"bins, against a: .*other bins"):
        open_batch(batch_of("a", "bins"))


def test_a_batch_without_success_can_not_be_opened(batch_of):
    with pytest.raises(BatchError, match="no job"):
        open_batch(batch_of(failed=["c"]))


def test_nothing_is_written_by_hand(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert save(D=1.5, name="x").values == {"D": 1.5, "name": "x"}
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OptionError, match="JSON"):
        save(odd=object())
