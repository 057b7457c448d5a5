"""Pictures of what several results have in common, for the portal."""

from __future__ import annotations

import io
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xpcs_nb.errors import OptionError
from xpcs_nb.widgets._browse_calls import Answer

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

__all__ = ["averaged", "compared"]

#: Results that are compared with the first one, at most.
MOST = 12
DPI = 110


def compared(results: Mapping[str, xr.DataTree]) -> Answer:
    """Return a figure for each result beside the first.

    Raises
    ------
    OptionError
        There is one only, or there are very many.
    """
    from xpcs_nb.plots import compare

    if not 2 <= len(results) <= MOST:
        raise OptionError("so many results can't be compared", got=len(results), expected=f"2 to {MOST}")
    (first, old), *others = results.items()
    drawn = {f"{first} and {name}": compare(old, new) for name, new in others}
    return _answer("", drawn)


def averaged(text: str, path: Path) -> Answer:
    """Return what was averaged, and its figures."""
    from xpcs_nb.plots import plot_g2, plot_saxs_1d
    from xpcs_nb.results import open_result

    with open_result(path) as mean:
        figures = {"g2": plot_g2(mean)}
        if "saxs" in mean.children and "scattering_1d" in mean["saxs"]:
            figures["I(q)"] = plot_saxs_1d(mean)
        return _answer(text, figures)


def _answer(text: str, figures: Mapping[str, Figure]) -> Answer:
    rows: list[dict[str, Any]] = []
    buffers: list[bytes] = []
    for number, (title, figure) in enumerate(islice(figures.items(), MOST), start=1):
        stream = io.BytesIO()
        figure.savefig(stream, format="png", dpi=DPI)
        rows.append({"title": title, "name": f"figure_{number}"})
        buffers.append(stream.getvalue())
    return Answer({"text": text, "figures": rows}, tuple(buffers))
