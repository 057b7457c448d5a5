"""The curve of the outlier mask: counts by ring or box, the limits, and what lies beyond them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xpcs_nb.plots import Curve, Panel

if TYPE_CHECKING:
    from xpcs_nb.qmap import OutlierCurve

__all__ = ["outlier_panel"]

LINES = {
    "least": ("", "#9e9e9e"),
    "most": ("least, most", "#9e9e9e"),
    "low": ("", "#2e7d32"),
    "high": ("limits", "#2e7d32"),
    "reference": ("compared with", "#1565c0"),
}
GONE = "#c62828"
#: Most pixels left out that are drawn: those farthest beyond their limits.
DRAWN = 2000


def outlier_panel(curve: OutlierCurve, *, rings: bool) -> Panel:
    """Return the panel of a curve."""
    order = np.argsort(curve.position)
    x = curve.position[order]
    group = order[np.searchsorted(x, curve.out_position)]
    far = np.abs(curve.out_counts - curve.reference[group]) / (curve.high - curve.reference)[group]
    farthest = np.argsort(far)[::-1][:DRAWN]
    gone = Curve(curve.out_position[farthest], curve.out_counts[farthest], None, "left out", GONE, "points")
    lines = [Curve(x, getattr(curve, name)[order], None, label, colour) for name, (label, colour) in LINES.items()]
    return Panel(
        curves=(gone, *lines),
        xlabel="q (1/angstrom)" if rings else "box",
        ylabel="counts / pixel / frame",
        note=f"{len(far)} pixels leave" + (f", {DRAWN} drawn" if len(far) > DRAWN else ""),
        log="y" if len(x) and curve.reference.min() > 0 else "",
    )
