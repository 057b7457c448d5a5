from ._image_view import ImageView
from ._qmap_editor import QMapEditor

__all__ = ["ImageView", "QMapEditor"]
