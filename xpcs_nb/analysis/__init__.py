"""What results say: fits, errors, cuts."""

from xpcs_nb.analysis._twotime_cuts import TwotimeCut, cut_at_age, cut_from_start

__all__ = ["TwotimeCut", "cut_at_age", "cut_from_start"]
