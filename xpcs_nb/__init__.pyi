from .analysis import (
    Model,
    average_g2,
    compare_models,
    extrapolate_diffusion,
    fit_dispersion,
    fit_g2,
    fit_global,
    size,
)
from .catalog import Catalog
from .core import Geometry, ReductionOptions
from .errors import XpcsError
from .flows import Facility, Run, connect
from .frames import open_frames
from .qmap import QMap
from .reduction import G2Preview, average, correlate
from .results import open_result

__all__ = [
    "Catalog",
    "Facility",
    "G2Preview",
    "Geometry",
    "Model",
    "QMap",
    "ReductionOptions",
    "Run",
    "XpcsError",
    "average",
    "average_g2",
    "compare_models",
    "connect",
    "correlate",
    "extrapolate_diffusion",
    "fit_dispersion",
    "fit_g2",
    "fit_global",
    "open_frames",
    "open_result",
    "size",
]
