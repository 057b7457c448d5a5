"""Text as outlines stands where matplotlib would have put it."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from xpcs_nb.plots._render import _Canvas

DPI = 150


def ink(text: str, *, outlines: bool, **style: object) -> np.ndarray:
    """Return which pixels a text blackens."""
    figure = Figure((3, 1.2), dpi=DPI)
    figure.text(0.5, 0.5, text, ha="center", va="center", **style)
    canvas = (_Canvas if outlines else FigureCanvasAgg)(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., 0] < 128


@pytest.mark.parametrize("text", ["q = 0.0123 Å⁻¹, φ = −30°", "Γ = 12.3(4) s⁻¹\nχ²/dof = 1.02", "$10^{-3}$ and g₂"])
@pytest.mark.parametrize("style", [{}, {"rotation": 90, "fontsize": 6}, {"weight": "bold", "family": "serif"}])
def test_a_text_covers_the_same_place(text, style):
    own, theirs = (ink(text, outlines=outlines, **style) for outlines in (True, False))
    assert own.sum() == pytest.approx(theirs.sum(), rel=0.25)
    for mine, other in zip(np.nonzero(own), np.nonzero(theirs), strict=True):
        assert mine.min() == pytest.approx(other.min(), abs=4)
        assert mine.max() == pytest.approx(other.max(), abs=4)


def test_nothing_to_write_draws_nothing():
    assert not ink("", outlines=True).any()
    assert not ink("   ", outlines=True).any()
