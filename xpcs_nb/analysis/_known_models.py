"""Models by name: the built-in ones, and the functions that were fitted in this session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal, get_args

from xpcs_nb.analysis._models import MODELS, Model
from xpcs_nb.errors import OptionError

__all__ = ["ModelName", "model_of", "remember"]

ModelName = Literal["single", "stretched", "double", "double_stretched", "cumulant"]

#: Results name their model; a function can't be stored in a file, so it is found here again.
_remembered: dict[str, Model] = {}


def model_of(model: str | Model | Callable[..., Any]) -> Model:
    """Return a model by its name, or made of a function.

    Raises
    ------
    OptionError
        If there is none of this name.
    """
    if isinstance(model, Model):
        return model
    if callable(model):
        return Model.from_function(model)
    found = MODELS.get(model) or _remembered.get(model)
    if found is None:
        expected = " or ".join([*get_args(ModelName), *_remembered, "a function"])
        raise OptionError("no such model", where="model", got=repr(model), expected=expected)
    return found


def remember(model: Model) -> Model:
    """Keep a model under its name, or under that name and a number where another one has it; return it renamed."""
    if model.name in MODELS:
        return model
    name, number = model.name, 1
    while name in _remembered and _remembered[name] != replace(model, name=name):
        number += 1
        name = f"{model.name}_{number}"
    _remembered[name] = replace(model, name=name)
    return _remembered[name]
