from ._browse import Browser, browse
from ._image_view import ImageView
from ._portal_server import portal_page, serve_portal
from ._qmap_editor import QMapEditor

__all__ = ["Browser", "ImageView", "QMapEditor", "browse", "portal_page", "serve_portal"]
