"""The flow definitions: JSON that gladier generated (``python -m xpcs_nb.flows.definitions``) and that is committed.

They are deployed as they are on Globus, and interpreted as they are on one machine. Running a flow imports no gladier.

Where a run begins
------------------
Each definition begins with a Choice, ``Start``, over ``$.input.start_at``: the name of an Action state, at which the
run is to begin; without it the run begins at the first step. A service that can't resume a failed run retries it so:
start a run whose body is the state (context) in which the failed one stood, ``{"input": {...}, "CheckEndpoint": {...},
...}``, with ``input.start_at`` set to the name of the state that failed. Every step takes what it needs from
``$.input``, or from the result of an earlier step at ``$.<name of that state>``, so no finished step is repeated.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

from xpcs_nb.flows import functions

__all__ = ["FLOWS", "START", "functions_of", "load"]

#: Title of each flow, by the name of its file.
FLOWS = {
    "online": "XPCS online processing",
    "reprocess": "XPCS reprocessing",
    "batch": "XPCS batch processing",
}
START = "Start"
#: Functions that come in tasks of the input, so that the definition does not name them.
IN_TASKS = {"batch": ("correlate_batch", "plot_batch")}


@cache
def _text(name: str) -> str:
    return (files(__package__) / f"{name}.json").read_text()


def load(name: str) -> dict[str, Any]:
    """Return the definition of the flow `name`."""
    return dict(json.loads(_text(name)))


def functions_of(name: str) -> list[Callable[..., Any]]:
    """Return the compute functions that the flow `name` calls."""
    text, in_tasks = _text(name), IN_TASKS.get(name, ())
    return [
        getattr(functions, each)
        for each in functions.__all__
        if each in in_tasks or f"$.input.{each}_function_id" in text
    ]
