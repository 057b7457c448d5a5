"""Limits that fits and checks share; without xarray."""

__all__ = ["MIN_PAIRS"]

#: A delay that averages over fewer pairs of frames is not fitted: one pair alone has g2 = 1 and an error of 0.
MIN_PAIRS = 4
