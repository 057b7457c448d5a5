from ._curve_view import CurveView
from ._image_view import ImageView

__all__ = ["CurveView", "ImageView"]
