from .analysis import (
    absolute_scale,
    fit_dispersion,
    fit_g2,
    fit_saxs_law,
    fit_visibility,
    integrate_ring,
    integrate_wedge,
    master_curve,
    normalize_saxs,
    subtract_background,
    to_absolute,
)
from .catalog import Catalog
from .core import Geometry, ReductionOptions
from .errors import XpcsError
from .flows import Facility, Run, connect
from .frames import open_frames
from .qmap import QMap
from .reduction import G2Preview, correlate, xsvs
from .results import export_curve, open_result, read_curve
from .simulation import Relaxation, plan, recover, simulate

__all__ = [
    "Catalog",
    "Facility",
    "G2Preview",
    "Geometry",
    "QMap",
    "ReductionOptions",
    "Relaxation",
    "Run",
    "XpcsError",
    "absolute_scale",
    "connect",
    "correlate",
    "export_curve",
    "fit_dispersion",
    "fit_g2",
    "fit_saxs_law",
    "fit_visibility",
    "integrate_ring",
    "integrate_wedge",
    "master_curve",
    "normalize_saxs",
    "open_frames",
    "open_result",
    "plan",
    "read_curve",
    "recover",
    "simulate",
    "subtract_background",
    "to_absolute",
    "xsvs",
]
