from ._curves_view import CurvesView
from ._image_view import ImageView
from ._live_g2 import LiveG2, LiveState
from ._live_panel import LivePanel
from ._qmap_editor import QMapEditor
from ._resubmit import Resubmit

__all__ = ["CurvesView", "ImageView", "LiveG2", "LivePanel", "LiveState", "QMapEditor", "Resubmit"]
