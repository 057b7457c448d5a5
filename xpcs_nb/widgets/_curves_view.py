"""Curves with errors in the browser: a few kB for each drawing, and nothing to render in the kernel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import anywidget
import numpy as np
import traitlets as t
from numpy.typing import ArrayLike

from xpcs_nb.widgets._bundle import bundle, style

__all__ = ["CurvesView", "axis", "series"]


class CurvesView(anywidget.AnyWidget):
    """Panels of curves, drawn as SVG.

    Attributes
    ----------
    drawing
        ``number`` of the drawing, ``panels``, and ``legend`` (pairs of text and colour). A panel has ``title``,
        ``note`` (with ``tone`` ``good``, ``poor`` or ``plain``), ``x`` and ``y`` (see `axis`), and ``series`` (see
        `series`).
    drawn
        Number of the drawing that a browser has drawn last.
    """

    _esm = bundle("curves.js")
    _css = style("view.css", "curves.css")

    drawing = t.Dict(default_value={"number": 0, "panels": [], "legend": []}).tag(sync=True)
    drawn = t.Int(0).tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        self._number = 0
        super().__init__(**traits)

    def draw(self, panels: Sequence[Mapping[str, Any]], legend: Sequence[tuple[str, str]] = ()) -> int:
        """Show these panels, and return the number of the drawing."""
        self._number += 1
        self.drawing = {"number": self._number, "panels": list(panels), "legend": [list(each) for each in legend]}
        return self._number


def axis(label: str, *, log: bool = False, limits: tuple[float, float] | None = None) -> dict[str, Any]:
    """Return the settings of an axis; limits are those of the points where None."""
    return {"label": label, "log": log, "limits": None if limits is None else list(limits)}


def series(
    x: ArrayLike,
    y: ArrayLike,
    error: ArrayLike | None = None,
    *,
    colour: str,
    line: bool = False,
    open: bool = False,
    radius: float = 2.4,
) -> dict[str, Any]:
    """Return points with errors, or a line; what is not finite has no place in it."""
    return {
        "x": _plain(x),
        "y": _plain(y),
        "e": None if error is None else _plain(error),
        "colour": colour,
        "line": line,
        "open": open,
        "radius": radius,
    }


def _plain(values: ArrayLike) -> list[float | None]:
    """Return numbers as JSON has them, with as many digits as a screen shows; None for what is not finite."""
    return [float(f"{value:.6g}") if np.isfinite(value) else None for value in np.asarray(values, dtype=float).tolist()]
