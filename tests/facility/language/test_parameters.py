"""Parameters are constants, paths and expressions, which can't reach beyond the state."""

import time

import pytest

from xpcs_nb.errors import FlowDefinitionError, XpcsError
from xpcs_nb.facility.local.language import StateError, _parameters, check_json
from xpcs_nb.facility.local.language._expressions import MAX_LENGTH, check_expression, evaluate

STATE = {
    "input": {"folder": "/data/A001/", "n": 7, "names": ["a", "b"], "keys": "not the method", "some thing": 3},
    "foo": "bar",
    "_context": {"run_id": "1234"},
}


def fill(parameters):
    assert list(_parameters.findings(parameters, "P", expressions=True)) == []
    return _parameters.fill(parameters, STATE, "P")


def test_constants_paths_and_expressions_nest_and_lose_their_suffix():
    parameters = {
        "label": "$.input.n",
        "n.$": "$.input.n",
        "file.=": "input.folder + foo + '.h5'",
        "tasks": [{"endpoint.$": "$.input.names[1]", "args": [1, [{"deep.=": "1 + 1"}]]}, "$.text"],
        "secret": 1,
        "__Private_Parameters": ["secret", "n"],
    }
    assert fill(parameters) == {
        "label": "$.input.n",
        "n": 7,
        "file": "/data/A001/bar.h5",
        "tasks": [{"endpoint": "b", "args": [1, [{"deep": 2}]]}, "$.text"],
        "secret": 1,
    }


def test_a_missing_path_names_parameter_and_path():
    with pytest.raises(StateError, match=r"P\.tasks\[0\]\.x\.\$: \$\.input\.m is not in the state"):
        fill({"tasks": [{"x.$": "$.input.m"}]})


@pytest.mark.parametrize(
    ("parameters", "finding"),
    [
        ({"a.$": "input.n"}, r"P\.a\.\$: not a path"),
        ({"a.$": 3}, r"P\.a\.\$: not a path"),
        ({"a": {"b.=": "1 +"}}, r"P\.a\.b\.=: not an expression"),
        ({"a": 1, "a.$": "$.b"}, r"P\.a: given more than once"),
        ({".$": "$.b"}, r"needs a name"),
        ({"__Private_Parameters": ["b"]}, r"'b' is no parameter"),
        ({"__Private_Parameters": "b"}, r"a list of names"),
    ],
)
def test_findings_have_their_place(parameters, finding):
    (found,) = _parameters.findings(parameters, "P", expressions=True)
    with pytest.raises(AssertionError, match=finding):
        raise AssertionError(found)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("foo + ' ' + input.names[0]", "bar a"),
        ("input.names + ['c']", ["a", "b", "c"]),
        ("(input.n - 1) * 2 / 4 // 1 % 2 ** 2", 3.0),
        ("-input.n < 0 and not foo == 'x'", True),
        ("'big' if input.n >= 5 else 'small'", "big"),
        ("{'n': input.n, 'list': [1, 2.5, None, True]}", {"n": 7, "list": [1, 2.5, None, True]}),
        ("input['some thing'] + `$.input['some thing']`", 6),
        ("'a `quoted` text' + `$.foo`", "a `quoted` textbar"),
        ("input.keys", "not the method"),
        ("input.names[-1] + foo[0:2]", "bba"),
        ("'a' in input.names", True),
        ("_context.run_id", "1234"),
        # https://docs.globus.org/api/flows/authoring-flows/expressions/
        ("pathsplit('/foo/bar/blech')", ["/foo/bar", "blech"]),
        ("pathsplit('/~/path')", ["/~/", "path"]),
        ("pathsplit('/~/')", ["/~/", ""]),
        ("pathsplit('/path')", ["/", "path"]),
        ("pathsplit(input.folder)[0]", "/data/A001"),
        ("x if is_present('x') else 10", 10),
        ("is_present('input.names[1]')", True),
        ("getattr('x', 10)", 10),
        ("getattr('input.n', 10)", 7),
        ("getattr('missing_property')", None),
    ],
)
def test_expressions(expression, value):
    check_expression(expression)
    assert evaluate(expression, STATE) == value


@pytest.mark.parametrize(
    "expression",
    [
        "", "1 +", "import os", "a = 1", "1; 2", "lambda: 1", "[x for x in input.names]", "f'{foo}'", "open('x')",
        "foo.upper()", "getattr(foo, name='x')", "eval('1')", "pathsplit(*[1])", "(1, 2)", "{1, 2}", "{**input}",
        "b'x'", "1j", "...", "1 << 5", "1 | 2", "`input`", "x := 1", "print", "().__class__()", "a" * (MAX_LENGTH + 1),
        None, 3,
    ],
)  # fmt: skip
def test_what_is_no_expression_of_the_language_is_refused(expression):
    with pytest.raises((FlowDefinitionError, StateError)):
        evaluate(expression, STATE)
    if expression != "print":  # may be an entry of another state
        with pytest.raises(FlowDefinitionError):
            check_expression(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "foo.__class__", "input.__class__", "foo.upper", "input.values", "pathsplit", "[getattr]",
        "getattr.__globals__", "foo['x']", "input.names[9]", "input.names['a']", "foo + 1", "foo * 3",
        "[0] * 1000000000", "'a' * 10 ** 9", "'%1000000000d' % 5", "9 ** 9 ** 9 ** 9", "2 ** 100000",
        "(2 ** 1000) ** 2",
        "1 / 0", "10.0 ** 400", "1e308 * 10", "(-1) ** 0.5", "0 ** -1", "{1: 2}", "{[]: 2}", "True + 1", "foo < 1",
        "pathsplit(1)", "pathsplit()", "is_present(1)", "getattr('a b')", "missing", "`$.missing`", "-" * 4000 + "1",
        "foo[::0]", "+".join(["input.folder"] * 300) + "*2", "x" + ".x" * 2000,
    ],
)  # fmt: skip
def test_no_expression_reaches_python_runs_away_or_gives_what_is_no_json(expression):
    start = time.monotonic()
    with pytest.raises((StateError, FlowDefinitionError)):
        evaluate(expression, STATE)
    assert time.monotonic() - start < 5


def test_text_grows_no_larger_than_a_state():
    state = {"t": "x" * 150_000}
    with pytest.raises(StateError, match="longer than the state"):
        evaluate("t + t", state)
    with pytest.raises(StateError, match="too large"):
        evaluate("[t, t, t, t, t, t, t, t, t]", state)


def test_a_large_state_is_not_looked_through_at_each_step_of_an_expression():
    state = {"i": [[1]] * 30_000, "j": [[1]] * 29_999 + [[2]]}
    start = time.monotonic()
    assert evaluate(" or ".join(["i == j"] * 300) + " or 1", state) == 1
    assert time.monotonic() - start < 3


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (float("nan"), "no nan"),
        ([float("inf")], "no inf"),
        ({"a": {1: 2}}, r"\$\.a: key is no string"),
        ((1, 2), "tuple is no JSON"),
        ({"a": [b""]}, r"\$\.a\[0\]: bytes is no JSON"),
        (10**400, "bits"),
        ("\ud800", "no Unicode"),
        ({"\udfff": 1}, "no Unicode"),
    ],
)
def test_the_state_stays_json(value, problem):
    with pytest.raises(XpcsError, match=problem):
        check_json(value, "$")


def test_a_value_that_holds_itself_is_refused():
    value = []
    value.append(value)
    with pytest.raises(StateError, match="nested deeper"):
        check_json(value, "$")
