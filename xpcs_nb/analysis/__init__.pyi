from ._dispersion import Dispersion, LeftOut, fit_dispersion
from ._fit import Weights, fit_g2, fitted_curve
from ._jackknife import G2Estimate, g2_from_sums
from ._known_models import ModelName
from ._models import MODELS, Model
from ._parameters import Parameter
from ._points import MIN_PAIRS, Uncertainty, multitau_dataset, usable_delays
from ._twotime_cuts import TwotimeCut, cut_at_age, cut_from_start

__all__ = [
    "MIN_PAIRS",
    "MODELS",
    "Dispersion",
    "G2Estimate",
    "LeftOut",
    "Model",
    "ModelName",
    "Parameter",
    "TwotimeCut",
    "Uncertainty",
    "Weights",
    "cut_at_age",
    "cut_from_start",
    "fit_dispersion",
    "fit_g2",
    "fitted_curve",
    "g2_from_sums",
    "multitau_dataset",
    "usable_delays",
]
