"""Values of parameters: from a table, a command line or Python, checked by the types of the recipe."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from xpcs_nb.errors import XpcsError
from xpcs_nb.recipes._recipe import REQUIRED, Parameter, Recipe

__all__ = ["check_values", "is_address"]

#: What a flow takes beside the options of the reduction and of the queue.
OF_THE_FLOW = ("active_runs_limit", "group", "output", "publish", "skip_transfer_back", "title")


def is_address(text: str) -> bool:
    """Return whether a dataset is the subject of a record, not a file."""
    return "://" in text


def check_values(
    recipe: Recipe, given: Mapping[str, Any], base: Path, *, whole: bool = True
) -> tuple[dict[str, Any], list[str]]:
    """Return the values of all parameters of `recipe`, and everything that is wrong with those given.

    Parameters
    ----------
    recipe
        Says names, types and defaults.
    given
        Values by name; texts as in a table are converted. ``options.avg_frame`` is one entry of the parameter
        ``options``. Missing values of a table (None, NaN, and empty texts of what is no text) take the default.
    base
        Folder of relative paths.
    whole
        Whether all parameters without a default have to be there.
    """
    values, problems = dict[str, Any](), list[str]()
    joined, unknown = _joined(recipe, given)
    problems += [f"no such parameter: {name}; {recipe.name} takes {', '.join(recipe.parameters)}" for name in unknown]
    for name, parameter in recipe.parameters.items():
        value = joined.get(name)
        if _missing(value, parameter):
            if whole and parameter.default is REQUIRED:
                problems.append(f"{name} is missing ({parameter.said})")
            values[name] = parameter.default
            continue
        try:
            values[name] = _placed(parameter, _converted(parameter, value), base)
        except (ValueError, OSError) as error:
            problems.append(f"{name}: {error}")
    return values, problems


def _joined(recipe: Recipe, given: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return values by parameter, with the entries of dicts joined, and the names that the recipe does not know."""
    whole: dict[str, Any] = {}
    unknown = []
    entries = []
    for name, value in given.items():
        head, dot, entry = name.partition(".")
        if head not in recipe.parameters:
            unknown.append(name)
        elif dot:
            entries.append((head, entry, value))
        else:
            whole[name] = value
    for head, entry, value in entries:
        if not _missing(value):
            before = whole.get(head)
            whole[head] = {**(before if isinstance(before, Mapping) else {}), entry: _plain_text(value)}
    return whole, unknown


def _missing(value: Any, parameter: Parameter | None = None) -> bool:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return True
    is_text = parameter is not None and (parameter.type is str or parameter.meaning in ("dataset", "file"))
    return value == "" and isinstance(value, str) and not is_text


def _converted(parameter: Parameter, value: Any) -> Any:
    """Return `value` as the type of `parameter`; a text may be JSON, or a list with commas."""
    from pydantic import ValidationError

    plain = str(value) if isinstance(value, Path) else value
    plain = plain.tolist() if hasattr(plain, "tolist") else plain
    for candidate in _meanings_of(plain):
        try:
            return parameter.adapter.validate_python(candidate)
        except ValidationError:
            continue
    raise ValueError(f"got {value!r}, expected {parameter.said}")


def _meanings_of(value: Any) -> Iterator[Any]:
    yield value
    if isinstance(value, str):
        if value.lower() in ("none", "null"):
            yield None
        yield _plain_text(value)
        yield [_plain_text(part.strip()) for part in value.split(",")]


def _plain_text(value: Any) -> Any:
    """Return what a text means as JSON; itself where it means nothing there."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _placed(parameter: Parameter, value: Any, base: Path) -> Any:
    """Return the value with absolute paths of files that exist.

    Raises
    ------
    ValueError
        There is no such file, or no such option.
    """
    if parameter.meaning == "options":
        _check_options(value)
    elif parameter.meaning in ("dataset", "file") and isinstance(value, str | list):
        names = [value] if isinstance(value, str) else value
        placed = [_file(name, base, address=parameter.meaning == "dataset") for name in names]
        return placed[0] if isinstance(value, str) else placed
    return value


def _file(name: str, base: Path, *, address: bool) -> str:
    if not name or (address and is_address(name)):
        return name
    path = base / Path(name).expanduser()
    if not path.is_file():
        raise ValueError(f"there is no file {path}")
    return str(path.absolute())


def _check_options(options: Mapping[str, Any]) -> None:
    from xpcs_nb.flows import QUEUE, reduction_options

    try:
        reduction_options({name: value for name, value in options.items() if name not in (*QUEUE, *OF_THE_FLOW)})
    except (XpcsError, TypeError) as error:
        raise ValueError(str(error)) from None
