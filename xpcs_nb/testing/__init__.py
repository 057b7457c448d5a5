"""Simulated data with known answers, and makers of files; never imported at run time."""

from xpcs_nb.testing._dynamics import add_events, ar1_frames, dim_events, renewal_events
from xpcs_nb.testing._measurement import Measurement, Truth, simulate_measurement
from xpcs_nb.testing._metadata import write_metadata
from xpcs_nb.testing._raw_hdf5 import write_eiger, write_hdf5
from xpcs_nb.testing._raw_imm import write_imm
from xpcs_nb.testing._raw_rigaku import write_rigaku3m, write_rigaku500k
from xpcs_nb.testing._twin import twin
from xpcs_nb.testing._twin_report import TwinReport, compare_twin

__all__ = [
    "Measurement",
    "Truth",
    "TwinReport",
    "add_events",
    "ar1_frames",
    "compare_twin",
    "dim_events",
    "renewal_events",
    "simulate_measurement",
    "twin",
    "write_eiger",
    "write_hdf5",
    "write_imm",
    "write_metadata",
    "write_rigaku3m",
    "write_rigaku500k",
]
