from ._curve_view import CurveView
from ._explore import Explorer, explore
from ._image_view import ImageView

__all__ = ["CurveView", "Explorer", "ImageView", "explore"]
