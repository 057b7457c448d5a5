from ._browse import Browser, browse
from ._curve_view import CurveView
from ._curves_view import CurvesView
from ._explore import Explorer, explore
from ._image_view import ImageView
from ._live_g2 import LiveG2, LiveState
from ._live_panel import LivePanel
from ._portal_server import portal_page, serve_portal
from ._qmap_editor import QMapEditor
from ._resubmit import Resubmit

__all__ = [
    "Browser",
    "CurveView",
    "CurvesView",
    "Explorer",
    "ImageView",
    "LiveG2",
    "LivePanel",
    "LiveState",
    "QMapEditor",
    "Resubmit",
    "browse",
    "explore",
    "portal_page",
    "serve_portal",
]
