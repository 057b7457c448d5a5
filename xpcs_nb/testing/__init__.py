"""Simulated data with known answers, makers of files, and a look-alike of Globus; never imported at run time."""

from typing import TYPE_CHECKING, Any

from xpcs_nb.simulation import (
    Measurement,
    Truth,
    add_events,
    ar1_frames,
    dim_events,
    renewal_events,
    simulate_measurement,
    twin,
    write_eiger,
    write_hdf5,
    write_imm,
    write_metadata,
    write_rigaku3m,
    write_rigaku500k,
)
from xpcs_nb.testing._twin_report import TwinReport, compare_twin

if TYPE_CHECKING:
    from xpcs_nb.testing.sandbox import Sandbox

__all__ = [
    "Measurement",
    "Sandbox",
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


def __getattr__(name: str) -> Any:
    # The sandbox takes the clients of Globus along, which makers of files have no use for.
    if name == "Sandbox":
        from xpcs_nb.testing.sandbox import Sandbox

        return Sandbox
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
