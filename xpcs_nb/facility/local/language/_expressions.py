"""Expressions of ``.=`` parameters: arithmetic, comparisons, conditionals and three functions, on the state.

https://docs.globus.org/api/flows/authoring-flows/expressions/

`simpleeval` evaluates; what reaches it is let through node by node here, so that neither Python's objects (attributes,
methods, formatting) nor loops nor repetition are at hand, and each number and text that comes out is bounded.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

import simpleeval

from xpcs_nb.errors import FlowDefinitionError
from xpcs_nb.facility.local.language import _paths
from xpcs_nb.facility.local.language._values import MAX_BITS, SIZE_LIMIT, StateError, check_json, is_number

__all__ = ["check_expression", "evaluate"]

MAX_LENGTH = 4096
MAX_SHOWN = 200

_FUNCTIONS = ("getattr", "is_present", "pathsplit")
# A path in backquotes, beside the quoted texts that may hold a backquote of their own
_QUOTED = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`(?P<path>[^`]*)`""")
_NODES = (
    ast.Expression, ast.Load, ast.Name, ast.Constant, ast.Attribute, ast.Subscript, ast.Slice, ast.List, ast.Dict,
    ast.Call, ast.IfExp, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.UAdd, ast.BinOp, ast.Add,
    ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.Compare, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt,
    ast.GtE, ast.In, ast.NotIn, ast.Is, ast.IsNot,
)  # fmt: skip


def check_expression(expression: object) -> None:
    """Refuse what is not an expression of the language.

    Raises
    ------
    FlowDefinitionError
        Says which part.
    """
    _parse(expression)


def _parse(expression: object) -> tuple[ast.expr, dict[str, _paths.Path]]:
    if not isinstance(expression, str) or not expression.strip():
        raise FlowDefinitionError("not an expression", got=repr(expression), expected="text like input.name + '.h5'")
    if len(expression) > MAX_LENGTH:
        raise FlowDefinitionError("expression too long", got=len(expression), expected=f"<= {MAX_LENGTH} characters")
    source, paths = _without_backquotes(expression)
    try:
        tree = ast.parse(source.strip(), mode="eval")
        for node in ast.walk(tree):
            _check_node(node, expression)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        if isinstance(error, FlowDefinitionError):
            raise
        raise FlowDefinitionError("not an expression", got=f"{_shown(expression)} ({error})") from error
    return tree.body, paths


def _without_backquotes(expression: str) -> tuple[str, dict[str, _paths.Path]]:
    paths = dict[str, _paths.Path]()

    def named(match: re.Match[str]) -> str:
        if match["path"] is None:
            return match[0]
        name = f"path_{len(paths)}"
        while name in expression:
            name += "_"
        paths[name] = _paths.parse(match["path"])
        return f" {name} "

    return _QUOTED.sub(named, expression), paths


def _check_node(node: ast.AST, expression: str) -> None:
    problem = None
    if not isinstance(node, _NODES):
        problem = f"{type(node).__name__} is not part of the expression language"
    elif isinstance(node, ast.Constant) and not isinstance(node.value, str | int | float | bool | None):
        problem = f"{type(node.value).__name__} is no JSON"
    elif isinstance(node, ast.Dict) and None in node.keys:
        problem = "** is not part of the expression language"
    elif isinstance(node, ast.Call):
        if not isinstance(node.func, ast.Name) or node.func.id not in _FUNCTIONS:
            problem = f"unknown function {ast.unparse(node.func)!r}, known: {', '.join(_FUNCTIONS)}"
        elif node.keywords:
            problem = "functions take no arguments by name"
    if problem:
        raise FlowDefinitionError(problem, got=_shown(expression))


def _shown(expression: str) -> str:
    return repr(expression if len(expression) <= MAX_SHOWN else f"{expression[:MAX_SHOWN]}...")


def evaluate(expression: str, scope: Mapping[str, Any]) -> Any:
    """Return the value of an expression; the names in it are the entries of the state.

    Raises
    ------
    FlowDefinitionError
        It is no expression of the language.
    StateError
        ``States.Runtime``: it has no value on this state.
    """
    tree, paths = _parse(expression)
    try:
        names = {name: _paths.get(scope, path) for name, path in paths.items()}
        value = _Evaluator(scope, names).eval(expression, previously_parsed=tree)
    except (simpleeval.InvalidExpression, ArithmeticError, LookupError, TypeError, ValueError, RecursionError) as error:
        if isinstance(error, FlowDefinitionError):
            raise
        raise StateError("the expression has no value", got=f"{_shown(expression)} ({_reason(error)})") from error
    check_json(value, f"the value of {_shown(expression)}")
    return value


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if isinstance(error, LookupError | ArithmeticError) else str(error)


class _Evaluator(simpleeval.SimpleEval):  # type: ignore[misc]
    """`simpleeval` without attributes of Python objects, and without functions as values."""

    def __init__(self, scope: Mapping[str, Any], names: Mapping[str, Any]) -> None:

        def value_or_default(name: object, default: Any = None) -> Any:
            return _value_or(scope, name, default)

        def is_present(name: object) -> bool:
            return _value_or(scope, name, _MISSING) is not _MISSING

        functions = {"getattr": value_or_default, "is_present": is_present, "pathsplit": _pathsplit}
        super().__init__(operators=_OPERATORS, functions=functions, names={**scope, **names})
        self.nodes[ast.List] = lambda node: [self._eval(item) for item in node.elts]
        self.nodes[ast.Dict] = lambda node: {
            self._eval(key): self._eval(value) for key, value in zip(node.keys, node.values, strict=True)
        }

    def _check_disallowed_items(self, item: Any) -> None:
        """Let values pass: they are JSON here, and looking through all of it at each node takes quadratic time."""

    def _eval_name(self, node: ast.Name) -> Any:
        if node.id not in self.names:
            raise simpleeval.NameNotDefined(node.id, self.expr)
        return self.names[node.id]

    def _eval_attribute(self, node: ast.Attribute) -> Any:
        parent = self._eval(node.value)
        if not isinstance(parent, dict) or node.attr not in parent:
            raise simpleeval.AttributeDoesNotExist(node.attr, self.expr)
        return parent[node.attr]

    def _eval_call(self, node: ast.Call) -> Any:
        if not isinstance(node.func, ast.Name) or node.keywords:
            raise simpleeval.FeatureNotAvailable("only functions of the language can be called")
        return super()._eval_call(node)


_MISSING = object()


def _value_or(scope: Mapping[str, Any], name: object, default: Any) -> Any:
    """Return what stands at a dotted name, or `default`."""
    if not isinstance(name, str):
        raise TypeError(f"a name in quotes is expected, got {name!r}")
    path = _paths.parse(name if name.startswith("$") else f"$.{name}")
    try:
        return _paths.get(scope, path)
    except StateError:
        return default


def _pathsplit(path: object) -> list[str]:
    """Split a path before its last element; Transfer's own root ``/~/`` is never split."""
    if not isinstance(path, str):
        raise TypeError(f"pathsplit needs text, got {path!r}")
    if path in {"/~", "/~/"}:
        return ["/~/", ""]
    head, slash, last = path.rpartition("/")
    if head == "/~":
        return ["/~/", last]
    return [head or slash, last]


def _numbers(function: Callable[..., Any]) -> Callable[..., Any]:
    def checked(*values: Any) -> Any:
        if not all(is_number(value) for value in values):
            raise TypeError(f"numbers are expected, got {', '.join(type(value).__name__ for value in values)}")
        return _bounded(function(*values))

    return checked


def _bounded(value: Any) -> Any:
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise OverflowError(f"integer of more than {MAX_BITS} bits")
    return value


def _add(left: Any, right: Any) -> Any:
    if type(left) is not type(right) or not isinstance(left, str | list):
        return _numbers(operator.add)(left, right)
    if len(left) + len(right) > SIZE_LIMIT:
        raise OverflowError("longer than the state of a run may be")
    return left + right


def _power(base: Any, exponent: Any) -> Any:
    # The true value needs that many bits; computing it first could take all memory.
    if isinstance(base, int) and isinstance(exponent, int) and base.bit_length() * exponent > 2 * MAX_BITS:
        raise OverflowError(f"integer of more than {MAX_BITS} bits")
    return base**exponent


_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: _add,
    ast.Sub: _numbers(operator.sub),
    ast.Mult: _numbers(operator.mul),
    ast.Div: _numbers(operator.truediv),
    ast.FloorDiv: _numbers(operator.floordiv),
    ast.Mod: _numbers(operator.mod),
    ast.Pow: _numbers(_power),
    ast.USub: _numbers(operator.neg),
    ast.UAdd: _numbers(operator.pos),
    ast.Not: operator.not_,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda item, container: item in container,
    ast.NotIn: lambda item, container: item not in container,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}
