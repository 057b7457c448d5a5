"""What the correlation functions say: fits with errors and a verdict, and how rates depend on q."""

from xpcs_nb.analysis._dispersion import Dispersion, LeftOut, fit_dispersion
from xpcs_nb.analysis._fit import ModelName, fit_g2, fitted_curve
from xpcs_nb.analysis._models import MODELS, Model, Parameter
from xpcs_nb.analysis._points import MIN_PAIRS, Uncertainty, multitau_dataset, usable_delays

__all__ = [
    "MIN_PAIRS",
    "MODELS",
    "Dispersion",
    "LeftOut",
    "Model",
    "ModelName",
    "Parameter",
    "Uncertainty",
    "fit_dispersion",
    "fit_g2",
    "fitted_curve",
    "multitau_dataset",
    "usable_delays",
]
