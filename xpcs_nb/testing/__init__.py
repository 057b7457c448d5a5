"""Simulated data with known answers, and makers of files; never imported at run time."""

from xpcs_nb.testing._metadata import write_metadata

__all__ = ["write_metadata"]
