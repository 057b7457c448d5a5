from ._browse import Browser, browse
from ._curves_view import CurvesView
from ._image_view import ImageView
from ._live_g2 import LiveG2, LiveState
from ._live_panel import LivePanel
from ._portal_server import portal_page, serve_portal
from ._qmap_editor import QMapEditor
from ._resubmit import Resubmit

__all__ = [
    "Browser",
    "CurvesView",
    "ImageView",
    "LiveG2",
    "LivePanel",
    "LiveState",
    "QMapEditor",
    "Resubmit",
    "browse",
    "portal_page",
    "serve_portal",
]
