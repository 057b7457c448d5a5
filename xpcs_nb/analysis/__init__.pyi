from ._contrast import ContrastEstimate, contrast_from_counts
from ._dispersion import Dispersion, LeftOut, fit_dispersion
from ._fit import ModelName, fit_g2, fitted_curve
from ._jackknife import G2Estimate, g2_from_sums
from ._models import MODELS, Model, Parameter
from ._points import MIN_PAIRS, Uncertainty, multitau_dataset, usable_delays
from ._saxs_absolute import ScaleFactor, absolute_scale, to_absolute
from ._saxs_curve import subtract_background
from ._saxs_image import saxs_region
from ._saxs_integrate import integrate_ring, integrate_wedge
from ._saxs_laws import SaxsLaw, fit_saxs_law
from ._saxs_master import master_curve
from ._saxs_normalize import normalize_saxs
from ._twotime_cuts import TwotimeCut, cut_at_age, cut_from_start
from ._visibility import Estimator, fit_visibility, visibility

__all__ = [
    "MIN_PAIRS",
    "MODELS",
    "ContrastEstimate",
    "Dispersion",
    "Estimator",
    "G2Estimate",
    "LeftOut",
    "Model",
    "ModelName",
    "Parameter",
    "SaxsLaw",
    "ScaleFactor",
    "TwotimeCut",
    "Uncertainty",
    "absolute_scale",
    "contrast_from_counts",
    "cut_at_age",
    "cut_from_start",
    "fit_dispersion",
    "fit_g2",
    "fit_saxs_law",
    "fit_visibility",
    "fitted_curve",
    "g2_from_sums",
    "integrate_ring",
    "integrate_wedge",
    "master_curve",
    "multitau_dataset",
    "normalize_saxs",
    "saxs_region",
    "subtract_background",
    "to_absolute",
    "usable_delays",
    "visibility",
]
