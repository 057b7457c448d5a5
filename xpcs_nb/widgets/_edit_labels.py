"""Edits in a few words, for the list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xpcs_nb.qmap import Edit

__all__ = ["label_of"]

#: Content that is no use to read.
BULK = frozenset({"found", "good", "sha256", "mode", "kind"})


def label_of(edit: Edit) -> str:
    """Return what an edit is, and its numbers."""
    values = edit.model_dump(mode="json", exclude_none=True, exclude=set(BULK))
    kind = str(getattr(edit, "kind", "edit")).replace("_", " ")
    rule = _RULES.get(kind)
    detail = _listed(values) if rule is None else rule(values)
    return f"{kind} {detail}".strip()


def _listed(values: dict[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {_short(value)}" for name, value in values.items() if value != "")


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _range(values: dict[str, Any]) -> str:
    parts = [f"{item['map']} {item['low']:g}..{item['high']:g}" for item in values["conditions"]]
    logic = [item["logic"] for item in values["conditions"][1:]] + [""]
    return " ".join(f"{part} {word}".strip() for part, word in zip(parts, logic, strict=True))


def _partition(values: dict[str, Any]) -> str:
    def bins(axis: dict[str, Any]) -> str:
        coarse, fine = axis["bins"]
        number = f"{coarse}/{fine}" if isinstance(coarse, int) else f"{len(coarse) - 1}/{len(fine) - 1} edges"
        return f"{axis['map']} {number}{' log' if axis.get('scale') == 'log' else ''}"

    return ", ".join(bins(axis) for axis in values["request"]["axes"])


_RULES: dict[str, Callable[[dict[str, Any]], str]] = {
    "circle": lambda v: f"at {v['x']:g}, {v['y']:g}, radius {v['radius']:g}",
    "rectangle": lambda v: f"at {v['x']:g}, {v['y']:g}, {v['width']:g} × {v['height']:g}",
    "ellipse": lambda v: f"at {v['x']:g}, {v['y']:g}, {v['a']:g}, {v['b']:g}",
    "polygon": lambda v: f"of {len(v['points'])} corners",
    "line": lambda v: f"from {v['x0']:g}, {v['y0']:g} to {v['x1']:g}, {v['y1']:g}",
    "brush": lambda v: f"of width {2 * v['radius']:g}, {len(v['points'])} points",
    "pixels": lambda v: f"({len(v['points'])})",
    "range": _range,
    "partition": _partition,
    "file": lambda v: str(v["source"]).rsplit("/", maxsplit=1)[-1],
    "merge bins": lambda v: f"({len(v['cells'])})",
    "split bin": lambda v: f"into {v['number']}",
}
