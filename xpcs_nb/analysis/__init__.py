"""From sums and curves to numbers with errors: g2, fits, two-time cuts, trust."""

from xpcs_nb.analysis._jackknife import G2Estimate, g2_from_sums
from xpcs_nb.analysis._twotime_cuts import TwotimeCut, cut_at_age, cut_from_start

__all__ = ["G2Estimate", "TwotimeCut", "cut_at_age", "cut_from_start", "g2_from_sums"]
