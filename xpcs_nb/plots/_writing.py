"""Many short texts of a figure, written without laying out each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from matplotlib.artist import Artist
from matplotlib.backend_bases import RendererBase
from matplotlib.colors import to_rgba
from matplotlib.font_manager import FontProperties

__all__ = ["Words", "Writing"]


@dataclass(frozen=True)
class Words:
    """A line of text: its middle (``center``) or end (``right``) at `x`, its baseline at `y`, inches; size in pt."""

    x: float
    y: float
    text: str
    size: float
    colour: str
    ha: str = "center"


class Writing(Artist):
    """Texts at places in inches of the figure.

    Parameters
    ----------
    texts
        In the order of drawing.
    """

    def __init__(self, texts: Sequence[Words]) -> None:
        super().__init__()
        self.texts = list(texts)

    def draw(self, renderer: RendererBase) -> None:
        """Write all texts."""
        figure = self.get_figure()
        if figure is None:
            return
        _, height = renderer.get_canvas_width_height()
        gc = renderer.new_gc()
        for each in self.texts:
            font = _font(each.size)
            width, _, _ = renderer.get_text_width_height_descent(each.text, font, False)
            x = each.x * figure.dpi - width * (0.5 if each.ha == "center" else 1.0)
            y = each.y * figure.dpi
            gc.set_foreground(to_rgba(each.colour), isRGBA=True)
            renderer.draw_text(gc, x, height - y if renderer.flipy() else y, each.text, font, 0.0)
        gc.restore()
        self.stale = False


@cache
def _font(size: float) -> FontProperties:
    return FontProperties(size=size)
