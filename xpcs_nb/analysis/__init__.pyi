from ._compare import Match, compare_table
from ._dispersion import Dispersion, LeftOut, fit_dispersion
from ._fit import ModelName, fit_g2, fitted_curve
from ._jackknife import G2Estimate, g2_from_sums
from ._models import MODELS, Model, Parameter
from ._points import MIN_PAIRS, Uncertainty, multitau_dataset, usable_delays
from ._trust import judge, preview_trust, trust_report
from ._trust_evidence import Curves, Evidence, Parts, PixelMeans, StaticBins
from ._trust_report import Check, TrustReport, Verdict
from ._twotime_cuts import TwotimeCut, cut_at_age, cut_from_start
from ._twotime_overview import TwotimeCutSpec, TwotimeOverview, twotime_overview

__all__ = [
    "MIN_PAIRS",
    "MODELS",
    "Check",
    "Curves",
    "Dispersion",
    "Evidence",
    "G2Estimate",
    "LeftOut",
    "Match",
    "Model",
    "ModelName",
    "Parameter",
    "Parts",
    "PixelMeans",
    "StaticBins",
    "TrustReport",
    "TwotimeCut",
    "TwotimeCutSpec",
    "TwotimeOverview",
    "Uncertainty",
    "Verdict",
    "compare_table",
    "cut_at_age",
    "cut_from_start",
    "fit_dispersion",
    "fit_g2",
    "fitted_curve",
    "g2_from_sums",
    "judge",
    "multitau_dataset",
    "preview_trust",
    "trust_report",
    "twotime_overview",
    "usable_delays",
]
