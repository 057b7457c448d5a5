from .analysis import (
    Model,
    absolute_scale,
    average_g2,
    compare_models,
    extrapolate_diffusion,
    fit_dispersion,
    fit_g2,
    fit_global,
    fit_saxs_law,
    fit_visibility,
    integrate_ring,
    integrate_wedge,
    master_curve,
    normalize_saxs,
    size,
    subtract_background,
    to_absolute,
    trust_report,
)
from .catalog import Catalog
from .core import Geometry, ReductionOptions
from .errors import XpcsError
from .flows import Facility, Run, connect
from .frames import open_frames
from .plots import compare
from .qmap import QMap
from .recipes import open_batch, rerun
from .reduction import G2Preview, average, correlate, xsvs
from .results import export_curve, open_result, read_curve
from .simulation import Relaxation, plan, recover, simulate
from .widgets import QMapEditor, browse, explore

__all__ = [
    "Catalog",
    "Facility",
    "G2Preview",
    "Geometry",
    "Model",
    "QMap",
    "QMapEditor",
    "ReductionOptions",
    "Relaxation",
    "Run",
    "XpcsError",
    "absolute_scale",
    "average",
    "average_g2",
    "browse",
    "compare",
    "compare_models",
    "connect",
    "correlate",
    "explore",
    "export_curve",
    "extrapolate_diffusion",
    "fit_dispersion",
    "fit_g2",
    "fit_global",
    "fit_saxs_law",
    "fit_visibility",
    "integrate_ring",
    "integrate_wedge",
    "master_curve",
    "normalize_saxs",
    "open_batch",
    "open_frames",
    "open_result",
    "plan",
    "read_curve",
    "recover",
    "rerun",
    "simulate",
    "size",
    "subtract_background",
    "to_absolute",
    "trust_report",
    "xsvs",
]
