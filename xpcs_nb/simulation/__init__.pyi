from ._dynamics import add_events, ar1_frames, dim_events, renewal_events
from ._measurement import Measurement, Truth, simulate_measurement
from ._metadata import write_metadata
from ._noise import g2_covariance, rate_error
from ._plan import Plan, plan
from ._raw_hdf5 import write_eiger, write_hdf5
from ._raw_imm import write_imm
from ._raw_rigaku import write_rigaku3m, write_rigaku500k
from ._recover import recover
from ._setup import Relaxation
from ._simulate import simulate
from ._twin import twin

__all__ = [
    "Measurement",
    "Plan",
    "Relaxation",
    "Truth",
    "add_events",
    "ar1_frames",
    "dim_events",
    "g2_covariance",
    "plan",
    "rate_error",
    "recover",
    "renewal_events",
    "simulate",
    "simulate_measurement",
    "twin",
    "write_eiger",
    "write_hdf5",
    "write_imm",
    "write_metadata",
    "write_rigaku3m",
    "write_rigaku500k",
]
