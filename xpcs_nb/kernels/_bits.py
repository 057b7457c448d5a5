"""Machine instructions that numba has no name for, for use in kernels."""

from __future__ import annotations

from xpcs_nb.kernels._jit import instruction

__all__ = ["clear_bytes_64", "copy_bytes_16", "count_ones", "lowest_one"]

count_ones = instruction("count_ones")
lowest_one = instruction("lowest_one")
copy_bytes_16 = instruction("copy_bytes_16")
clear_bytes_64 = instruction("clear_bytes_64")
