"""Parts that the panels are made of."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import ipywidgets as w

from xpcs_nb.errors import OptionError

__all__ = [
    "action",
    "check",
    "choice",
    "heading",
    "numbers",
    "offer",
    "optional_number",
    "real",
    "rows",
    "text",
    "whole",
]

WIDTH = {"description_width": "112px"}
LAYOUT = {"width": "auto", "max_width": "360px"}


def real(label: str, value: float = 0.0, **traits: Any) -> w.FloatText:
    """Return a field for a number."""
    return w.FloatText(value=value, description=label, style=WIDTH, layout=LAYOUT, **traits)


def whole(label: str, value: int = 1, *, least: int = 1, most: int = 10**6) -> w.BoundedIntText:
    """Return a field for a whole number."""
    return w.BoundedIntText(value=value, min=least, max=most, description=label, style=WIDTH, layout=LAYOUT)


def text(label: str, value: str = "", *, hint: str = "") -> w.Text:
    """Return a field for a line of text."""
    return w.Text(value=value, description=label, placeholder=hint, style=WIDTH, layout=LAYOUT)


def choice(label: str, options: Iterable[Any], value: Any = None) -> w.Dropdown:
    """Return a list to choose from."""
    listed = list(options)
    given = {} if value is None else {"value": value}
    return w.Dropdown(options=listed, description=label, style=WIDTH, layout=LAYOUT, **given)


def offer(field: w.Dropdown, options: Iterable[Any], otherwise: Any) -> None:
    """Change what a list offers; the choice stays where it is still offered, and is `otherwise` where it is not."""
    listed, chosen = tuple(options), field.value
    if tuple(field.options) != listed:
        field.options = listed
        field.value = chosen if chosen in listed else otherwise


def check(label: str, value: bool = False) -> w.Checkbox:
    """Return a switch."""
    return w.Checkbox(value=value, description=label, indent=False)


def action(label: str, call: Callable[[], object], *, title: str = "", main: bool = False) -> w.Button:
    """Return a button."""
    made = w.Button(description=label, tooltip=title or label, button_style="primary" if main else "", layout=_BUTTON)
    made.on_click(lambda _: call())
    return made


_BUTTON = {"width": "auto"}


def heading(words: str) -> w.HTML:
    """Return a line that says what follows."""
    return w.HTML(f"<b>{words}</b>")


def rows(parts: Sequence[w.Widget | Sequence[w.Widget]]) -> w.VBox:
    """Return widgets one below the other; those of a sequence side by side."""
    made = [part if isinstance(part, w.Widget) else w.HBox(part, layout={"flex_flow": "row wrap"}) for part in parts]
    return w.VBox(made)


def optional_number(label: str, said: str) -> float | None:
    """Return the number that was typed, None for nothing.

    Raises
    ------
    OptionError
        If it is no number.
    """
    found = numbers(label, said)
    if len(found) > 1:
        raise OptionError(f"{label} is one number", got=said)
    return found[0] if found else None


def numbers(label: str, said: str) -> list[float]:
    """Return the numbers that were typed, with commas, semicolons or blanks between them.

    Raises
    ------
    OptionError
        If one is no number.
    """
    parts = [part for part in re.split(r"[\s,;]+", said.strip()) if part]
    try:
        return [float(part) for part in parts]
    except ValueError as error:
        raise OptionError(f"{label} can't be understood", got=said, expected="numbers") from error
