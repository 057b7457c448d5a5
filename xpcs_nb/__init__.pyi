from .analysis import fit_dispersion, fit_g2, trust_report
from .catalog import Catalog
from .core import Geometry, ReductionOptions
from .errors import XpcsError
from .flows import Facility, Run, connect
from .frames import open_frames
from .qmap import QMap
from .reduction import G2Preview, correlate
from .results import open_result
from .widgets import QMapEditor, explore

__all__ = [
    "Catalog",
    "Facility",
    "G2Preview",
    "Geometry",
    "QMap",
    "QMapEditor",
    "ReductionOptions",
    "Run",
    "XpcsError",
    "connect",
    "correlate",
    "explore",
    "fit_dispersion",
    "fit_g2",
    "open_frames",
    "open_result",
    "trust_report",
]
