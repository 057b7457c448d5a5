"""A Choice takes the first rule that matches."""

import pytest

from xpcs_nb.facility.local.language import Failed, Position, begin, check, execute

STATE = {
    "text": "beta",
    "number": 2.5,
    "flag": True,
    "nothing": None,
    "time": "2026-05-01T12:00:00Z",
    "same": {"text": "beta", "number": 2.5, "flag": True, "time": "2026-05-01T14:00:00+02:00"},
}


def branch(*rules, default="no", state=STATE):
    """Return where a Choice of the rules leads."""
    ends = {name: {"Type": "Pass", "End": True} for name in ("yes", "no")}
    choice = {"Type": "Choice", "Choices": [{**rule, "Next": "yes"} for rule in rules]}
    if default:
        choice["Default"] = default
    else:
        del ends["no"]
    definition = {"StartAt": "Choose", "States": {"Choose": choice, **ends}}
    check(definition)
    return execute(definition, begin(definition, state))


def holds(variable, **operator):
    after = branch({"Variable": variable, **operator})
    assert isinstance(after, Position)
    assert after.entered == 1
    return after.state == "yes"


@pytest.mark.parametrize(
    ("kind", "variable", "less", "equal", "greater"),
    [
        ("String", "$.text", "alpha", "beta", "gamma"),
        ("Numeric", "$.number", 2, 2.5, 3),
        ("Timestamp", "$.time", "2026-05-01T11:59:59.5Z", "2026-05-01T14:00:00+02:00", "2026-05-01T12:00:00-01:00"),
    ],
)
def test_comparisons_by_order(kind, variable, less, equal, greater):
    expected = {
        "Equals": (False, True, False),
        "LessThan": (False, False, True),
        "GreaterThan": (True, False, False),
        "LessThanEquals": (False, True, True),
        "GreaterThanEquals": (True, True, False),
    }
    for order, outcome in expected.items():
        assert tuple(holds(variable, **{kind + order: value}) for value in (less, equal, greater)) == outcome
        path = f"$.same.{variable[2:]}"
        assert holds(variable, **{f"{kind}{order}Path": path}) == outcome[1]


def test_booleans_and_kinds():
    assert holds("$.flag", BooleanEquals=True)
    assert not holds("$.flag", BooleanEquals=False)
    assert holds("$.flag", BooleanEqualsPath="$.same.flag")
    kinds = {"IsString": "text", "IsNumeric": "number", "IsBoolean": "flag", "IsNull": "nothing"}
    for operator, own in kinds.items():
        for name in kinds.values():
            assert holds(f"$.{name}", **{operator: True}) == (name == own)
            assert holds(f"$.{name}", **{operator: False}) == (name != own)
    assert holds("$.time", IsTimestamp=True)
    assert holds("$.text", IsTimestamp=False)


def test_a_value_of_another_kind_does_not_match():
    assert not holds("$.number", StringEquals="2.5")
    assert not holds("$.flag", NumericEquals=1)
    assert not holds("$.text", TimestampLessThan="2026-05-01T12:00:00Z")
    assert not holds("$.text", StringEqualsPath="$.number")


@pytest.mark.parametrize(
    ("pattern", "match"),
    [("beta", True), ("b*a", True), ("*", True), ("b*t*a*", True), ("b*b", False), ("*x*", False), (r"b\*a", False),
     ("bet", False), ("b.*", False), ("beta*beta", False)],
)  # fmt: skip
def test_patterns(pattern, match):
    assert holds("$.text", StringMatches=pattern) == match


def test_a_star_and_a_backslash_can_be_meant():
    assert branch({"Variable": "$.t", "StringMatches": r"a\*\\*"}, state={"t": r"a*\b"}).state == "yes"


def test_presence():
    assert holds("$.text", IsPresent=True)
    assert holds("$.nothing", IsPresent=True)
    assert holds("$.missing.deeper", IsPresent=False)
    assert not holds("$.missing", IsPresent=True)


def test_and_or_not_stop_where_the_outcome_is_known():
    missing = {"Variable": "$.missing", "BooleanEquals": True}
    guard = {"Variable": "$.missing", "IsPresent": True}
    here = {"Variable": "$.text", "IsPresent": True}
    assert branch({"And": [guard, missing]}).state == "no"
    assert branch({"Or": [here, missing]}).state == "yes"
    assert branch({"Not": {"And": [here, {"Not": here}]}}).state == "yes"


def test_comparing_what_is_not_there_fails_and_says_where():
    failed = branch({"Variable": "$.text", "StringEquals": "x"}, {"Variable": "$.missing", "StringEquals": "x"})
    assert isinstance(failed, Failed)
    assert failed.error == "States.Runtime"
    assert failed.cause.startswith("States.Choose.Choices[1]: $.missing is not in the state")


def test_no_match_and_no_default_fails():
    failed = branch({"Variable": "$.text", "StringEquals": "x"}, default=None)
    assert (failed.state, failed.error) == ("Choose", "States.NoChoiceMatched")
