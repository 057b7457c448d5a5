"""From sums and curves to numbers with errors: g2, fits, two-time cuts, trust."""

from xpcs_nb.analysis._jackknife import G2Estimate, g2_from_sums

__all__ = ["G2Estimate", "g2_from_sums"]
