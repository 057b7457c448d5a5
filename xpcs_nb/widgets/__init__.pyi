from ._curve_view import CurveView
from ._explore import Explorer, explore
from ._image_view import ImageView
from ._qmap_editor import QMapEditor

__all__ = ["CurveView", "Explorer", "ImageView", "QMapEditor", "explore"]
