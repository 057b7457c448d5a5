"""Whatever a checked definition meets, a run ends in a document, and nothing given is changed."""

import contextlib
import copy
import json

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from xpcs_nb.errors import FlowDefinitionError, FlowError
from xpcs_nb.facility.local.language import (
    Call,
    Failed,
    Pause,
    Position,
    Succeeded,
    begin,
    check,
    execute,
    raised,
    resumed,
    returned,
)

# Machines that run tests are busy; how long an example takes says nothing here.
UNHURRIED = settings(deadline=None, suppress_health_check=list(HealthCheck))

NAMES = ["A", "B", "C"]
ERRORS = ["ActionFailedException", "ActionTimeout", "States.ALL", "States.ResultPathMatchFailure"]

words = st.sampled_from(["a", "b", "c", "it's", "two words", "_context"])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=4)
    | st.just("2026-05-01T12:00:00Z"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
contexts = st.dictionaries(st.sampled_from(["a", "b", "c"]), values, max_size=3)
segments = st.sampled_from([".a", ".b", ".c", "[0]", "[1]", "['two words']"])
paths = st.lists(segments, max_size=3).map(lambda parts: "$" + "".join(parts))
atoms = st.sampled_from(
    ["a", "b.c", "a[0]", "`$.c`", "1", "0", "2.5", "'x'", "None", "True", "getattr('a.b', 1)", "[a]"]
)
operators = st.sampled_from(["+", "-", "*", "/", "//", "%", "**", "==", "<", "in", "and", "or"])
expressions = st.recursive(
    atoms,
    lambda inner: (
        st.builds("({} {} {})".format, inner, operators, inner)
        | st.builds("pathsplit({})".format, inner)
        | st.builds("({} if {} else {})".format, inner, inner, inner)
    ),
    max_leaves=6,
)


filled = st.lists(
    st.tuples(words, values)
    | st.tuples(words.map(lambda word: f"{word}.$"), paths)
    | st.tuples(words.map(lambda word: f"{word}.="), expressions),
    max_size=3,
).map(dict)
constants = st.lists(st.tuples(words, values) | st.tuples(words.map(lambda word: f"{word}.$"), paths), max_size=3).map(
    dict
)
leaving = st.sampled_from(NAMES).map(lambda name: {"Next": name}) | st.just({"End": True})
results = st.just({}) | paths.map(lambda path: {"ResultPath": path})


def state(kind, *parts):
    return st.tuples(st.just({"Type": kind}), *parts).map(
        lambda dicts: {k: v for part in dicts for k, v in part.items()}
    )


def field(name, strategy):
    return strategy.map(lambda value: {name: value})


comparisons = st.one_of(
    field("StringMatches", st.text("ab*\\", max_size=5)),
    field("NumericLessThan", st.integers()),
    field("StringEqualsPath", paths),
    field("TimestampGreaterThanPath", paths),
    field("BooleanEquals", st.booleans()),
    field("IsPresent", st.booleans()),
    field("IsTimestamp", st.booleans()),
)
compared = st.tuples(field("Variable", paths), comparisons).map(lambda parts: {**parts[0], **parts[1]})
rules = st.recursive(
    compared,
    lambda inner: (
        field("And", st.lists(inner, min_size=1, max_size=2))
        | field("Or", st.lists(inner, min_size=1, max_size=2))
        | field("Not", inner)
    ),
    max_leaves=4,
)
choices = st.lists(
    st.tuples(rules, field("Next", st.sampled_from(NAMES))).map(lambda parts: {**parts[0], **parts[1]}),
    min_size=1,
    max_size=2,
)
catchers = st.lists(
    st.tuples(
        field("ErrorEquals", st.lists(st.sampled_from(ERRORS), min_size=1, max_size=2)),
        field("Next", st.sampled_from(NAMES)),
        results,
    ).map(lambda parts: {k: v for part in parts for k, v in part.items()}),
    max_size=2,
)
states = st.one_of(
    state("Pass", leaving, results, st.just({}) | field("Parameters", constants) | field("InputPath", paths)),
    state("ExpressionEval", leaving, results, field("Parameters", filled)),
    state("Choice", field("Choices", choices), st.just({}) | field("Default", st.sampled_from(NAMES))),
    state("Wait", leaving, field("Seconds", st.integers(0, 9)) | field("SecondsPath", paths)),
    state("Wait", leaving, field("TimestampPath", paths)),
    state("Fail", st.just({}) | field("ErrorPath", paths), st.just({}) | field("Cause", st.text(max_size=3))),
    state("Action", st.just({"ActionUrl": "https://a.b/c"}), leaving, results, field("Catch", catchers),
          field("Parameters", filled) | field("InputPath", paths), field("ExceptionOnActionFailure", st.booleans())),
)  # fmt: skip
definitions = st.fixed_dictionaries(
    {"StartAt": st.sampled_from(NAMES), "States": st.fixed_dictionaries(dict.fromkeys(NAMES, states))}
)
keywords = st.sampled_from(["StartAt", "States", "A", "Type", "Next", "Choices", "Catch", "Parameters"])
documents = st.builds(
    lambda status, details: {"status": status, "details": details}, st.sampled_from(["SUCCEEDED", "FAILED"]), values
)


def step(definition, place, document):
    """Carry out one state, and whatever it asks for."""
    after = execute(definition, place, {"run_id": "r"})
    if isinstance(after, Pause):
        return resumed(definition, place)
    if isinstance(after, Call):
        json.dumps(after.body, allow_nan=False)
        if document is None:
            return raised(definition, place, "ActionTimeout", "too late")
        return returned(definition, place, document)
    return after


def is_sound(definition):
    """Tell whether each state by itself is accepted, also one that nothing leads to."""
    try:
        check(definition)
    except FlowDefinitionError as error:
        return all("nothing leads to" in finding for finding in str(error).split("\n- ")[1:])
    return True


@settings(UNHURRIED, max_examples=300)
@given(definition=definitions, context=contexts, document=st.none() | documents)
def test_a_state_never_breaks_and_never_changes_what_it_got(definition, context, document):
    assume(is_sound(definition))
    before = copy.deepcopy((definition, context))
    place = begin(definition, context)
    for _ in range(8):
        after = step(definition, place, document)
        assert isinstance(after, Position | Succeeded | Failed)
        assert (definition, context) == before
        if not isinstance(after, Position):
            if isinstance(after, Failed):
                assert after.error
                assert after.cause
            return
        assert after.entered == place.entered + 1
        json.dumps(after.context, allow_nan=False)
        place = after


@settings(UNHURRIED, max_examples=200)
@given(
    definition=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keywords, inner),
        max_leaves=20,
    )
)
def test_checking_anything_gives_findings(definition):
    with contextlib.suppress(FlowDefinitionError):
        check(definition)


@settings(UNHURRIED)
@given(definition=definitions, context=values)
def test_a_run_starts_with_an_object_only(definition, context):
    assume(is_sound(definition))
    if isinstance(context, dict) and "_context" not in context:
        assert begin(definition, context).context == context
    else:
        with pytest.raises(FlowError):
            begin(definition, context)
