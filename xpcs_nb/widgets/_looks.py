"""Layouts and styles that many widgets of a panel share."""

from __future__ import annotations

import json

import ipywidgets

__all__ = ["share_looks"]


def share_looks(*roots: ipywidgets.Widget) -> None:
    """Let the widgets below `roots` share layouts and styles that are the same; each would be saved on its own."""
    known: dict[str, ipywidgets.Widget] = {}
    seen: set[str] = set()
    for root in roots:
        _share(root, known, seen)


def _share(widget: ipywidgets.Widget, known: dict[str, ipywidgets.Widget], seen: set[str]) -> None:
    if widget.model_id in seen:
        return
    seen.add(widget.model_id)
    for trait in ("layout", "style"):
        own = getattr(widget, trait, None)
        if own is None:
            continue
        shared = known.setdefault(json.dumps([type(own).__name__, own.get_state(drop_defaults=True)]), own)
        if shared is not own:
            setattr(widget, trait, shared)
            own.close()
    for child in getattr(widget, "children", ()):
        _share(child, known, seen)
