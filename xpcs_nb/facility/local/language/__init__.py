"""The language of flow definitions: the Amazon States Language as Globus Flows speaks it, as pure functions.

`check` says whether a definition can be run; `begin`, `execute`, `returned`, `raised` and `resumed` say how a run goes
on. Nothing here reads a clock, a file or the network: who drives a run does what a `Call` or a `Pause` asks for.
"""

from xpcs_nb.facility.local.language._check import check
from xpcs_nb.facility.local.language._machine import (
    Call,
    Failed,
    Pause,
    Position,
    Succeeded,
    begin,
    execute,
    raised,
    resumed,
    returned,
)
from xpcs_nb.facility.local.language._values import SIZE_LIMIT, StateError, check_json, check_size, visible

__all__ = [
    "SIZE_LIMIT",
    "Call",
    "Failed",
    "Pause",
    "Position",
    "StateError",
    "Succeeded",
    "begin",
    "check",
    "check_json",
    "check_size",
    "execute",
    "raised",
    "resumed",
    "returned",
    "visible",
]
