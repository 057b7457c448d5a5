"""Labelled arrays in, matplotlib figures out: no global state, no display needed."""

from xpcs_nb.plots._dispersion import plot_dispersion
from xpcs_nb.plots._g2 import plot_g2
from xpcs_nb.plots._intensity import plot_intensity
from xpcs_nb.plots._planning import plot_plan, plot_recovery
from xpcs_nb.plots._qmap import qmap_report
from xpcs_nb.plots._save import save_all
from xpcs_nb.plots._saxs import plot_saxs_1d, plot_saxs_2d, plot_stability
from xpcs_nb.plots._saxs_curves import plot_curves, plot_regions
from xpcs_nb.plots._twotime import colour_limits, plot_twotime
from xpcs_nb.plots._xsvs import plot_photons, plot_xsvs

__all__ = [
    "colour_limits",
    "plot_curves",
    "plot_dispersion",
    "plot_g2",
    "plot_intensity",
    "plot_photons",
    "plot_plan",
    "plot_recovery",
    "plot_regions",
    "plot_saxs_1d",
    "plot_saxs_2d",
    "plot_stability",
    "plot_twotime",
    "plot_xsvs",
    "qmap_report",
    "save_all",
]
