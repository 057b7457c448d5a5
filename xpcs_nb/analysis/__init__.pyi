from ._ageing import AgeConvention, g2_at_ages, g2_of_twotime
from ._agreement import Agreement, Rejection, Repeats, agreement
from ._average import average_g2, bin_places, grid_difference, mean_dataset, warn_of_scatter
from ._combine import Combined, MeanErrors, MeanWeights, combine
from ._compare import Match, compare_table
from ._compare_models import compare_models
from ._contrast import ContrastEstimate, contrast_from_counts
from ._diffusion import DiffusionLimit, extrapolate_diffusion
from ._dispersion import Dispersion, LeftOut, fit_dispersion
from ._few_samples import error_dof, student
from ._fit import Weights, fit_g2, fitted_curve
from ._global import fit_global
from ._global_dataset import global_dispersion
from ._heterogeneity import chi4, trc
from ._jackknife import G2Estimate, blocks_dof, g2_from_sums
from ._known_models import ModelName
from ._models import MODELS, Model
from ._parameters import Parameter
from ._points import MIN_PAIRS, Uncertainty, multitau_dataset, usable_delays
from ._saxs_absolute import ScaleFactor, absolute_scale, to_absolute
from ._saxs_curve import subtract_background
from ._saxs_image import saxs_region
from ._saxs_integrate import integrate_ring, integrate_wedge
from ._saxs_laws import SaxsLaw, fit_saxs_law
from ._saxs_master import master_curve
from ._saxs_normalize import normalize_saxs
from ._size import Diffusion, Size, size
from ._trust import judge, preview_trust, trust_report
from ._trust_evidence import Curves, Evidence, Parts, PixelMeans, StaticBins
from ._trust_report import Check, TrustReport, Verdict
from ._twotime_cells import log_cells
from ._twotime_cuts import TwotimeCut, cut_at_age, cut_from_start
from ._twotime_overview import TwotimeCutSpec, TwotimeOverview, twotime_overview
from ._visibility import Estimator, fit_visibility, visibility

__all__ = [
    "MIN_PAIRS",
    "MODELS",
    "AgeConvention",
    "Agreement",
    "Check",
    "Combined",
    "ContrastEstimate",
    "Curves",
    "Diffusion",
    "DiffusionLimit",
    "Dispersion",
    "Estimator",
    "Evidence",
    "G2Estimate",
    "LeftOut",
    "Match",
    "MeanErrors",
    "MeanWeights",
    "Model",
    "ModelName",
    "Parameter",
    "Parts",
    "PixelMeans",
    "Rejection",
    "Repeats",
    "SaxsLaw",
    "ScaleFactor",
    "Size",
    "StaticBins",
    "TrustReport",
    "TwotimeCut",
    "TwotimeCutSpec",
    "TwotimeOverview",
    "Uncertainty",
    "Verdict",
    "Weights",
    "absolute_scale",
    "agreement",
    "average_g2",
    "bin_places",
    "blocks_dof",
    "chi4",
    "combine",
    "compare_models",
    "compare_table",
    "contrast_from_counts",
    "cut_at_age",
    "cut_from_start",
    "error_dof",
    "extrapolate_diffusion",
    "fit_dispersion",
    "fit_g2",
    "fit_global",
    "fit_saxs_law",
    "fit_visibility",
    "fitted_curve",
    "g2_at_ages",
    "g2_from_sums",
    "g2_of_twotime",
    "global_dispersion",
    "grid_difference",
    "integrate_ring",
    "integrate_wedge",
    "judge",
    "log_cells",
    "master_curve",
    "mean_dataset",
    "multitau_dataset",
    "normalize_saxs",
    "preview_trust",
    "saxs_region",
    "size",
    "student",
    "subtract_background",
    "to_absolute",
    "trc",
    "trust_report",
    "twotime_overview",
    "usable_delays",
    "visibility",
    "warn_of_scatter",
]
