"""States that several tools have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["COMPUTE", "DAY", "HOUR", "INGEST", "TRANSFER", "compute", "is_true", "on_compute", "on_login"]

COMPUTE = "https://compute.actions.globus.org/v3"
TRANSFER = "https://transfer.actions.globus.org/transfer"
INGEST = "https://actions.globus.org/search/ingest"

HOUR = 3600
DAY = 24 * HOUR


def on_login(name: str, *, wait: int, tasks: Sequence[Mapping[str, Any]] | None = None) -> dict[str, Any]:
    """Return the modifiers of a function that runs on the login endpoint.

    Its arguments are `$.input.NAME`; with `tasks` it is called at the same time with the arguments of each.
    """
    return _modifiers(name, "$.input.login_endpoint", wait, tasks)


def on_compute(name: str, *, wait: int) -> dict[str, Any]:
    """Return the modifiers of a function that runs on nodes, with queue and walltime of `user_endpoint_config`."""
    modifiers = _modifiers(name, "$.input.compute_endpoint", wait, None)
    return modifiers | {"user_endpoint_config": "$.input.user_endpoint_config"}


def _modifiers(name: str, endpoint: str, wait: int, tasks: Sequence[Mapping[str, Any]] | None) -> dict[str, Any]:
    arguments = [{"kwargs.$": f"$.input.{name}"}] if tasks is None else [{"kwargs": dict(task)} for task in tasks]
    function = {"function_id.$": f"$.input.{name}_function_id"}
    return {"endpoint_id": endpoint, "tasks": [function | each for each in arguments], "WaitTime": wait}


def compute(name: str, *, comment: str, wait: int, kwargs: Mapping[str, Any], **transition: Any) -> dict[str, Any]:
    """Return a state that calls a function on the login endpoint, for tools that lay out their states themselves."""
    return {
        "Comment": comment,
        "Type": "Action",
        "ActionUrl": COMPUTE,
        "ExceptionOnActionFailure": True,
        "Parameters": {
            "endpoint_id.$": "$.input.login_endpoint",
            "tasks": [{"function_id.$": f"$.input.{name}_function_id", "kwargs": dict(kwargs)}],
        },
        "WaitTime": wait,
        **transition,
    }


def is_true(variable: str, then: str) -> dict[str, Any]:
    """Return the rule of a Choice that holds where a variable is there and true."""
    both = [{"Variable": variable, "IsPresent": True}, {"Variable": variable, "BooleanEquals": True}]
    return {"And": both, "Next": then}
