"""Controls of the explorer: small, labelled, and with what they mean as a tooltip."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import ipywidgets as w

from xpcs_nb.analysis import TrustReport
from xpcs_nb.errors import OptionError

__all__ = ["badge_html", "choice", "metadata_html", "number", "numbers", "parse_pairs", "parse_range", "text", "toggle"]

#: Rows of metadata that are shown at a time.
ROWS = 400
COLOURS = {"ok": "#2e7d32", "note": "#546e7a", "warning": "#b26a00", "bad": "#c62828", "unknown": "#8a8a8a"}


def _narrow(width: str) -> dict[str, Any]:
    return {"style": {"description_width": "initial"}, "layout": w.Layout(width=width)}


def choice(name: str, options: Sequence[Any], value: Any, tip: str, width: str = "150px") -> w.Dropdown:
    """Return a list to choose from."""
    return w.Dropdown(description=name, options=options, value=value, tooltip=tip, **_narrow(width))


def toggle(name: str, value: bool, tip: str) -> w.ToggleButton:
    """Return a button that is on or off."""
    return w.ToggleButton(description=name, value=value, tooltip=tip, layout=w.Layout(width="auto"))


def number(name: str, value: float, tip: str, *, step: float = 0.01, width: str = "130px") -> w.FloatText:
    """Return a field for a number; it takes effect when it is left, or with Enter."""
    return w.FloatText(description=name, value=value, step=step, tooltip=tip, continuous_update=False, **_narrow(width))


def text(name: str, placeholder: str, tip: str, width: str = "180px") -> w.Text:
    """Return a field for text; it takes effect when it is left, or with Enter."""
    return w.Text(description=name, placeholder=placeholder, tooltip=tip, continuous_update=False, **_narrow(width))


def numbers(words: str) -> tuple[float, ...] | None:
    """Read numbers apart by commas or blanks; None for nothing.

    Raises
    ------
    OptionError
        If one is none.
    """
    parts = words.replace(",", " ").split()
    try:
        return tuple(float(part) for part in parts) or None
    except ValueError as error:
        raise OptionError("these are no numbers", got=repr(words), expected="numbers as 0.1, 2.5") from error


def parse_range(words: str) -> tuple[float, float] | None:
    """Read a range as ``0.1, 20``; None for nothing.

    Raises
    ------
    OptionError
        If it is none.
    """
    found = numbers(words)
    if found is None:
        return None
    if len(found) != 2 or not found[0] < found[1]:
        raise OptionError("this is no range", got=repr(words), expected="two rising numbers as 0.1, 20")
    return found[0], found[1]


def parse_pairs(words: str) -> dict[str, tuple[float, ...]]:
    """Read ``baseline=1, exponent=0.5..2`` as numbers by name: one to hold, two as bounds.

    Raises
    ------
    OptionError
        If it can't be read.
    """
    found = {}
    for part in words.replace(";", ",").split(","):
        if not part.strip():
            continue
        name, sign, value = part.partition("=")
        try:
            found[name.strip()] = tuple(float(each) for each in value.split(".."))
        except ValueError:
            sign = ""
        if not sign or not 1 <= len(found[name.strip()]) <= 2:
            raise OptionError(
                "this says nothing of a parameter", got=repr(part.strip()), expected="baseline=1 or exponent=0.5..2"
            )
    return found


def badge_html(report: TrustReport) -> str:
    """Return the trust badge: verdict and number of warnings, with what was found as a tooltip."""
    found = [check for check in report if check.verdict in ("warning", "bad", "note")]
    tip = "\n".join(f"{check.title}: {check.message}" for check in found) or "nothing to complain of"
    colour = COLOURS[report.verdict]
    return (
        f'<span class="xnb-badge" title="{escape(tip, quote=True)}" style="padding:2px 8px;border-radius:9px;'
        f'color:#fff;background:{colour};white-space:nowrap">{escape(report.badge)}</span>'
    )


def metadata_html(pairs: Sequence[tuple[str, str]]) -> str:
    """Return names and values as a table, grouped by what is above the last name."""
    rows = []
    above = None
    for name, value in sorted(pairs)[:ROWS]:
        group, _, last = name.rpartition("/")
        if group != above:
            above = group
            rows.append(f'<tr><th colspan="2" style="text-align:left;padding-top:6px">{escape(group or "/")}</th></tr>')
        shown = value if len(value) <= 300 else value[:300] + " …"
        rows.append(f'<tr><td style="padding:0 12px">{escape(last)}</td><td>{escape(shown)}</td></tr>')
    more = f"<p>{len(pairs) - ROWS} more: filter to see them.</p>" if len(pairs) > ROWS else ""
    empty = "" if pairs else "<p>Nothing of this name or value.</p>"
    table = f'<table style="line-height:1.25">{"".join(rows)}</table>'
    return f'<div style="max-height:420px;overflow:auto">{table}{more}{empty}</div>'


def watch(control: Any, call: Callable[[Any], object]) -> None:
    """Have `call` called with the new value of a control."""
    control.observe(lambda change: call(change["new"]), names="value")
