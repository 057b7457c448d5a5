from ._compare import Match, compare_table
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
from ._trust import judge, preview_trust, trust_report
from ._trust_evidence import Curves, Evidence, Parts, PixelMeans, StaticBins
from ._trust_report import Check, TrustReport, Verdict
from ._twotime_cuts import TwotimeCut, cut_at_age, cut_from_start
from ._twotime_overview import TwotimeCutSpec, TwotimeOverview, twotime_overview
from ._visibility import Estimator, fit_visibility, visibility

__all__ = [
    "MIN_PAIRS",
    "MODELS",
    "Check",
    "ContrastEstimate",
    "Curves",
    "Dispersion",
    "Estimator",
    "Evidence",
    "G2Estimate",
    "LeftOut",
    "Match",
    "Model",
    "ModelName",
    "Parameter",
    "Parts",
    "PixelMeans",
    "SaxsLaw",
    "ScaleFactor",
    "StaticBins",
    "TrustReport",
    "TwotimeCut",
    "TwotimeCutSpec",
    "TwotimeOverview",
    "Uncertainty",
    "Verdict",
    "absolute_scale",
    "compare_table",
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
    "judge",
    "master_curve",
    "multitau_dataset",
    "normalize_saxs",
    "preview_trust",
    "saxs_region",
    "subtract_background",
    "to_absolute",
    "trust_report",
    "twotime_overview",
    "usable_delays",
    "visibility",
]
