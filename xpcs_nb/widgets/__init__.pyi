from ._image_view import ImageView

__all__ = ["ImageView"]
