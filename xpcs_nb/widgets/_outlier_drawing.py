"""The curve of the outlier mask: counts by ring or box, the limits, and what lies beyond them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from xpcs_nb.widgets._curves_view import axis, series

if TYPE_CHECKING:
    from xpcs_nb.qmap import OutlierCurve

__all__ = ["LEGEND", "outlier_panel"]

REFERENCE, LIMITS, RANGE, GONE = "#1565c0", "#2e7d32", "#9e9e9e", "#c62828"
LEGEND = [("compared with", REFERENCE), ("limits", LIMITS), ("least and most", RANGE), ("left out", GONE)]
#: Most pixels left out that are drawn: those farthest beyond their limits.
DRAWN = 400


def outlier_panel(curve: OutlierCurve, *, rings: bool) -> dict[str, Any]:
    """Return the panel of a curve."""
    order = np.argsort(curve.position)
    x = curve.position[order]
    lines = [
        series(x, getattr(curve, name)[order], colour=colour, line=True)
        for name, colour in (
            ("least", RANGE),
            ("most", RANGE),
            ("low", LIMITS),
            ("high", LIMITS),
            ("reference", REFERENCE),
        )
    ]
    group = order[np.searchsorted(x, curve.out_position)]
    far = np.abs(curve.out_counts - curve.reference[group]) / (curve.high - curve.reference)[group]
    farthest = np.argsort(far)[::-1][:DRAWN]
    points = series(curve.out_position[farthest], curve.out_counts[farthest], colour=GONE, open=True, radius=1.5)
    hidden = f" ({DRAWN} drawn)" if len(far) > DRAWN else ""
    return {
        "title": "counts by ring of q" if rings else "counts by box",
        "note": f"{len(curve.out_counts)} pixels leave{hidden}",
        "x": axis("q (1/angstrom)" if rings else "box"),
        "y": axis("counts / pixel / frame", log=bool(len(x) and curve.reference.min() > 0)),
        "series": [*lines, points],
    }
