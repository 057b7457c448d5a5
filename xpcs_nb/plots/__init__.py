"""Labelled arrays in, matplotlib figures out: no global state, no display needed."""

from xpcs_nb.plots._compare import compare
from xpcs_nb.plots._compare_g2 import compare_g2, g2_panels, match_bin, partial_panels, plot_g2_partial
from xpcs_nb.plots._compare_saxs import compare_saxs_1d, compare_stability, saxs_1d_panels, stability_panels
from xpcs_nb.plots._compare_time import compare_intensity, intensity_panels, plot_spectrum, spectrum, spectrum_panels
from xpcs_nb.plots._comparison import plot_models
from xpcs_nb.plots._dispersion import plot_diffusion, plot_dispersion
from xpcs_nb.plots._g2 import plot_g2
from xpcs_nb.plots._g2_map import g2_image, plot_g2_map
from xpcs_nb.plots._intensity import plot_intensity
from xpcs_nb.plots._panels import Curve, Panel, colours_of, draw_panels, named_results
from xpcs_nb.plots._planning import plot_plan, plot_recovery
from xpcs_nb.plots._qmap import qmap_report
from xpcs_nb.plots._repeats import plot_repeats
from xpcs_nb.plots._residuals import plot_residuals
from xpcs_nb.plots._save import save_all, write_figure
from xpcs_nb.plots._saxs import plot_saxs_1d, plot_saxs_2d, plot_stability
from xpcs_nb.plots._saxs_curves import plot_curves, plot_regions
from xpcs_nb.plots._twotime import colour_limits, plot_twotime
from xpcs_nb.plots._twotime_cuts import TwotimeView, cut_lines, plot_twotime_cuts, twotime_view
from xpcs_nb.plots._twotime_log import plot_ageing, plot_trc, plot_twotime_log
from xpcs_nb.plots._xsvs import plot_photons, plot_xsvs

__all__ = [
    "Curve",
    "Panel",
    "TwotimeView",
    "colour_limits",
    "colours_of",
    "compare",
    "compare_g2",
    "compare_intensity",
    "compare_saxs_1d",
    "compare_stability",
    "cut_lines",
    "draw_panels",
    "g2_image",
    "g2_panels",
    "intensity_panels",
    "match_bin",
    "named_results",
    "partial_panels",
    "plot_ageing",
    "plot_curves",
    "plot_diffusion",
    "plot_dispersion",
    "plot_g2",
    "plot_g2_map",
    "plot_g2_partial",
    "plot_intensity",
    "plot_models",
    "plot_photons",
    "plot_plan",
    "plot_recovery",
    "plot_regions",
    "plot_repeats",
    "plot_residuals",
    "plot_saxs_1d",
    "plot_saxs_2d",
    "plot_spectrum",
    "plot_stability",
    "plot_trc",
    "plot_twotime",
    "plot_twotime_cuts",
    "plot_twotime_log",
    "plot_xsvs",
    "qmap_report",
    "save_all",
    "saxs_1d_panels",
    "spectrum",
    "spectrum_panels",
    "stability_panels",
    "twotime_view",
    "write_figure",
]
