from ._ageing import AgeConvention, g2_at_ages, g2_of_twotime
from ._dispersion import Dispersion, LeftOut, fit_dispersion
from ._fit import ModelName, fit_g2, fitted_curve
from ._heterogeneity import chi4, trc
from ._jackknife import G2Estimate, g2_from_sums
from ._models import MODELS, Model, Parameter
from ._points import MIN_PAIRS, Uncertainty, multitau_dataset, usable_delays
from ._trust import judge, preview_trust, trust_report
from ._trust_evidence import Curves, Evidence, Parts, PixelMeans, StaticBins
from ._trust_report import Check, TrustReport, Verdict
from ._twotime_cells import log_cells
from ._twotime_cuts import TwotimeCut, cut_at_age, cut_from_start

__all__ = [
    "MIN_PAIRS",
    "MODELS",
    "AgeConvention",
    "Check",
    "Curves",
    "Dispersion",
    "Evidence",
    "G2Estimate",
    "LeftOut",
    "Model",
    "ModelName",
    "Parameter",
    "Parts",
    "PixelMeans",
    "StaticBins",
    "TrustReport",
    "TwotimeCut",
    "Uncertainty",
    "Verdict",
    "chi4",
    "cut_at_age",
    "cut_from_start",
    "fit_dispersion",
    "fit_g2",
    "fitted_curve",
    "g2_at_ages",
    "g2_from_sums",
    "g2_of_twotime",
    "judge",
    "log_cells",
    "multitau_dataset",
    "preview_trust",
    "trc",
    "trust_report",
    "usable_delays",
]
