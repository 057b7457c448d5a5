"""Text as outlines of letters that are made once a process: matplotlib lays out and rasters every letter anew."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from matplotlib.backend_bases import GraphicsContextBase
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.textpath import TextToPath
from matplotlib.transforms import Affine2D
from numpy.typing import NDArray

__all__ = ["OutlineRenderer"]

#: Family, style, variant, weight and stretch: a font but for its size.
type Font = tuple[tuple[str, Any], ...]
type Mathematics = bool | Literal["TeX"]

_texts = TextToPath()
#: Points; outlines are kept at this size.
SCALE = _texts.FONT_SCALE


class OutlineRenderer(RendererAgg):
    """Agg, with plain text filled as outlines; mathematics is set as always.

    Letters follow each other by their advance, without kerning and hinting, which a figure of 100 dots per inch and
    more doesn't need.
    """

    def draw_text(
        self,
        gc: GraphicsContextBase,
        x: float,
        y: float,
        s: str,
        prop: FontProperties,
        angle: float,
        ismath: Mathematics = False,
        mtext: Text | None = None,
    ) -> None:
        """Fill the outlines of a text; `x` and `y` are pixels from the upper left corner, `angle` is in degrees."""
        if ismath:
            RendererAgg.draw_text(self, gc, x, y, s, prop, angle, ismath, mtext)
            return
        size = RendererAgg.points_to_pixels(self, prop.get_size_in_points())
        place = Affine2D().scale(size / SCALE).rotate_deg(angle).translate(x, self.height - y)
        gc.set_linewidth(0.0)
        RendererAgg.draw_path(self, gc, _word(s, _font(prop)).path, place, gc.get_rgb())

    def get_text_width_height_descent(
        self, s: str, prop: FontProperties, ismath: Mathematics
    ) -> tuple[float, float, float]:
        """Return how wide and high a text is, and how far it reaches below its line, in pixels."""
        if ismath:
            size: tuple[float, float, float] = RendererAgg.get_text_width_height_descent(self, s, prop, ismath)
            return size
        word, scale = _word(s, _font(prop)), RendererAgg.points_to_pixels(self, prop.get_size_in_points()) / SCALE
        return word.width * scale, word.height * scale, word.descent * scale


@dataclass(frozen=True)
class _Word:
    path: Path
    width: float
    height: float
    descent: float


@dataclass(frozen=True)
class _Letter:
    vertices: NDArray[np.float64]
    codes: NDArray[np.uint8]
    advance: float


def _font(prop: FontProperties) -> Font:
    names = ("style", "variant", "weight", "stretch")
    return ("family", tuple(prop.get_family())), *((name, getattr(prop, f"get_{name}")()) for name in names)


@lru_cache(4096)
def _word(text: str, font: Font) -> _Word:
    letters = [_letter(each, font) for each in text]
    ends = np.cumsum([letter.advance for letter in letters])
    vertices = np.concatenate([np.empty((0, 2)), *(letter.vertices for letter in letters)])
    vertices[:, 0] += np.repeat(ends - [each.advance for each in letters], [len(each.vertices) for each in letters])
    codes = np.concatenate([np.empty(0, np.uint8), *(letter.codes for letter in letters)])
    low, high = (float(vertices[:, 1].min()), float(vertices[:, 1].max())) if len(vertices) else (0.0, 0.0)
    descent = max(0.0, -low)
    return _Word(Path(vertices, codes), float(ends[-1]) if letters else 0.0, high + descent, descent)


@lru_cache(1024)
def _letter(letter: str, font: Font) -> _Letter:
    prop = FontProperties(**dict(font), size=SCALE)
    vertices, codes = _texts.get_text_path(prop, letter)
    # Of a letter by itself the width of its ink would be told, by older versions.
    wide, narrow = (_texts.get_text_width_height_descent(text, prop, ismath=False)[0] for text in (f"|{letter}|", "||"))
    outline = np.asarray(vertices, np.float64).reshape(-1, 2)
    return _Letter(outline, np.asarray(codes, np.uint8).reshape(-1), wide - narrow)
