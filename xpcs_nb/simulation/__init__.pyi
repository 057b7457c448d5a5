from ._dynamics import add_events, ar1_frames, dim_events, renewal_events
from ._measurement import Measurement, Truth, simulate_measurement
from ._metadata import write_metadata
from ._raw_hdf5 import write_eiger, write_hdf5
from ._raw_imm import write_imm
from ._raw_rigaku import write_rigaku3m, write_rigaku500k
from ._twin import twin

__all__ = [
    "Measurement",
    "Truth",
    "add_events",
    "ar1_frames",
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
