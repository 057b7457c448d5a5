from ._agreement import Agreement, Rejection, Repeats, agreement
from ._average import average_g2, bin_places, grid_difference, mean_dataset, warn_of_scatter
from ._combine import Combined, MeanErrors, MeanWeights, combine
from ._compare import compare_models
from ._diffusion import DiffusionLimit, extrapolate_diffusion
from ._dispersion import Dispersion, LeftOut, fit_dispersion
from ._fit import Weights, fit_g2, fitted_curve
from ._global import fit_global
from ._global_dataset import global_dispersion
from ._jackknife import G2Estimate, g2_from_sums
from ._known_models import ModelName
from ._models import MODELS, Model
from ._parameters import Parameter
from ._points import MIN_PAIRS, Uncertainty, multitau_dataset, usable_delays
from ._size import Diffusion, Size, size
from ._twotime_cuts import TwotimeCut, cut_at_age, cut_from_start

__all__ = [
    "MIN_PAIRS",
    "MODELS",
    "Agreement",
    "Combined",
    "Diffusion",
    "DiffusionLimit",
    "Dispersion",
    "G2Estimate",
    "LeftOut",
    "MeanErrors",
    "MeanWeights",
    "Model",
    "ModelName",
    "Parameter",
    "Rejection",
    "Repeats",
    "Size",
    "TwotimeCut",
    "Uncertainty",
    "Weights",
    "agreement",
    "average_g2",
    "bin_places",
    "combine",
    "compare_models",
    "cut_at_age",
    "cut_from_start",
    "extrapolate_diffusion",
    "fit_dispersion",
    "fit_g2",
    "fit_global",
    "fitted_curve",
    "g2_from_sums",
    "global_dispersion",
    "grid_difference",
    "mean_dataset",
    "multitau_dataset",
    "size",
    "usable_delays",
    "warn_of_scatter",
]
