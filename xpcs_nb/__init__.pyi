from .analysis import fit_dispersion, fit_g2
from .catalog import Catalog
from .core import Geometry, ReductionOptions
from .errors import XpcsError
from .flows import process_online
from .frames import open_frames
from .qmap import QMap
from .reduction import G2Preview, correlate
from .results import open_result

__all__ = [
    "Catalog",
    "G2Preview",
    "Geometry",
    "QMap",
    "ReductionOptions",
    "XpcsError",
    "correlate",
    "fit_dispersion",
    "fit_g2",
    "open_frames",
    "open_result",
    "process_online",
]
