"""A path names one place in the state of a run."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xpcs_nb.errors import FlowDefinitionError
from xpcs_nb.facility.local.language import StateError, _paths

STATE = {"input": {"files": [{"name": "a.h5"}, {"name": "b.h5"}], "two words": 1, "beam-line": 8, "it's": 2}}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$", STATE),
        ("$.input.files[1].name", "b.h5"),
        ("$['input']['two words']", 1),
        ('$.input["two words"]', 1),
        ("$.input.beam-line", 8),
        (r"$.input['it\'s']", 2),
    ],
)
def test_a_path_gives_what_stands_there(path, value):
    assert _paths.get(STATE, _paths.parse(path)) == value


@pytest.mark.parametrize(
    "path",
    ["", "input.name", "$input", "$.", "$..name", "$.files[*]", "$.files[-1]", "$.files[0:2]", "$.a b", "$.a[?(@.b)]",
     "$$.Execution", "$.a.", "$.a[", "$['a]", "$.a[99999999999]", None, 3, ["$"]],
)  # fmt: skip
def test_what_names_no_single_place_is_refused(path):
    with pytest.raises(FlowDefinitionError, match="not a path"):
        _paths.parse(path)


def test_a_missing_place_is_named_with_what_is_there():
    with pytest.raises(StateError, match=r"\$\.input\.file is not in the state: got .*files.* at \$\.input"):
        _paths.get(STATE, _paths.parse("$.input.file"))
    with pytest.raises(StateError, match=r"2 items at \$\.input\.files"):
        _paths.get(STATE, _paths.parse("$.input.files[2]"))


def test_a_result_makes_its_parents_and_replaces_what_is_there():
    state = {"a": {"b": 1}, "l": [{"x": 1}]}
    assert _paths.put(state, _paths.parse("$.a.c.d"), 2) == {"a": {"b": 1, "c": {"d": 2}}, "l": [{"x": 1}]}
    assert _paths.put(state, _paths.parse("$.a"), 2)["a"] == 2
    assert _paths.put(state, _paths.parse("$.l[0].x"), 2)["l"] == [{"x": 2}]
    assert _paths.put(state, _paths.parse("$"), {"new": 1}) == {"new": 1}
    assert state == {"a": {"b": 1}, "l": [{"x": 1}]}


@pytest.mark.parametrize("path", ["$.a.b.c", "$.l[1]", "$.l.x", "$.new[0]"])
def test_a_parent_that_cannot_hold_a_result_is_an_error(path):
    with pytest.raises(StateError) as caught:
        _paths.put({"a": {"b": "text"}, "l": [0]}, _paths.parse(path), 1)
    assert caught.value.error == "States.ResultPathMatchFailure"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
names = st.lists(st.text(max_size=5), min_size=1, max_size=4).map(tuple)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(path=st.lists(st.text(max_size=5) | st.integers(0, 999), max_size=4).map(tuple))
def test_a_written_path_is_read_back(path):
    assert _paths.parse(_paths.text(path)) == path


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(state=st.dictionaries(st.text(max_size=5), json_values, max_size=3), path=names, value=json_values)
def test_what_was_put_is_there_and_the_given_state_is_as_it_was(state, path, value):
    before = json.dumps(state)
    parents = [state]
    for name in path[:-1]:
        parents.append(parents[-1].get(name, {}) if isinstance(parents[-1], dict) else None)
    if all(isinstance(parent, dict) for parent in parents):
        after = _paths.put(state, path, value)
        assert _paths.get(after, path) == value
        assert {**after, path[0]: None} == {**state, path[0]: None}
    else:
        with pytest.raises(StateError):
            _paths.put(state, path, value)
    assert json.dumps(state) == before
