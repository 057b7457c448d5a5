"""The compute functions: they travel by source, say what is wrong, and can be repeated."""

import inspect
import json
from importlib.metadata import version

import pytest

from xpcs_nb.flows import _work, functions
from xpcs_nb.results import open_result


def travelled(function):
    names = {}
    exec(compile(inspect.getsource(function), "<endpoint>", "exec"), names)  # noqa: S102 - as an endpoint does
    return names[function.__name__]


@pytest.mark.parametrize("name", functions.__all__)
def test_every_function_can_be_made_from_its_source(name):
    assert callable(travelled(getattr(functions, name)))


def test_an_endpoint_with_other_packages_is_refused_before_work_starts():
    check = travelled(functions.check_endpoint)
    assert check(packages={"numpy": __import__("numpy").__version__}, python="3.12")["packages"]
    with pytest.raises(RuntimeError, match=r"numpy .*needed: the same release.*no-such-package is not installed"):
        check(packages={"numpy": "0.1", "no-such-package": "1"}, python="3.12")
    with pytest.raises(RuntimeError, match=r"needed: 4\.0 or newer"):
        check(packages={}, python="4.0")


def test_nodes_tell_what_they_have():
    acquire = travelled(functions.acquire_nodes)
    found = acquire(gpu_id=-1, release=version("xpcs-nb"), python="3.12")
    assert found["device"] == "cpu"
    assert "xpcs_nb" in found["engines"]
    with pytest.raises(RuntimeError, match=r"the same release as at the sender, 77\.0"):
        acquire(gpu_id=-1, release="77.0", python="3.12")
    with pytest.raises(RuntimeError, match=r"needed: 4\.0"):
        acquire(gpu_id=-1, release="77.0", python="4.0")


def correlate(measured, folder, **options):
    return travelled(functions.correlate)(
        raw=str(measured.raw),
        qmap=str(measured.qmap),
        output=str(folder),
        options=options,
        metadata=str(measured.metadata),
    )


def test_a_complete_result_of_the_same_inputs_is_taken_over(measured, tmp_path):
    first = correlate(measured, tmp_path / "o")
    assert (first["engine"], first["device"], first["taken_over"]) == ("builtin", "cpu", False)
    assert correlate(measured, tmp_path / "o")["taken_over"]
    assert not correlate(measured, tmp_path / "o", avg_frame=2)["taken_over"]
    measured.raw.touch()
    assert not correlate(measured, tmp_path / "o", avg_frame=2)["taken_over"]


def test_a_result_that_was_changed_since_is_not_taken_over(measured, tmp_path):
    done = correlate(measured, tmp_path / "o")
    with open(done["result"], "ab") as stream:
        stream.write(b"x")
    assert not correlate(measured, tmp_path / "o")["taken_over"]


@pytest.mark.boost
def test_an_endpoint_with_boost_corr_only_correlates(measured, tmp_path, monkeypatch):
    pytest.importorskip("boost_corr")
    find = __import__("importlib.util").util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "xpcs_nb" else find(name))
    done = correlate(measured, tmp_path / "o", type="multitau", gpu_id=-1)
    assert (done["engine"], done["device"], done["exit_code"]) == ("boost_corr", "cpu", 0)
    with open_result(done["result"]) as tree:
        assert "multitau" in tree.children


@pytest.mark.boost
def test_boost_corr_failing_is_a_failure_with_its_last_words(measured, tmp_path, monkeypatch):
    pytest.importorskip("boost_corr")
    find = __import__("importlib.util").util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "xpcs_nb" else find(name))
    measured.qmap.write_bytes(b"no qmap")
    with pytest.raises(RuntimeError, match=r"exit code \d+ and wrote 0 results:\n"):
        correlate(measured, tmp_path / "o", gpu_id=-1)


def test_renaming_can_be_interrupted_anywhere_and_repeated(tmp_path):
    old, new = tmp_path / "dataset" / "a", tmp_path / "renamed" / "b"
    old.mkdir(parents=True)
    (old / "a_results.hdf").write_text("result")
    arguments = (str(old), "a", str(new), "b")
    new.parent.mkdir()
    old.rename(new)  # as far as an interrupted one came
    for _ in range(2):
        assert _work.rename_dataset(*arguments) == str(new / "b_results.hdf")
    assert [path.name for path in new.iterdir()] == ["b_results.hdf"]


def test_the_metadata_of_a_record_is_of_limited_size():
    from xpcs_nb.flows._describe import limited

    values = {"first": 1, "bad": float("nan"), "long": "x" * 5000} | {f"k{i}": "y" * 100 for i in range(1000)}
    kept = limited(values)
    assert kept["first"] == 1
    assert not {"bad", "long"} & set(kept)
    assert 10_000 < len(json.dumps(kept)) < 17_000
