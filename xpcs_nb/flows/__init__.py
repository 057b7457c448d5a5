"""The steps around a reduction: transfer, extract metadata, correlate, plot, gather, publish."""

from xpcs_nb.flows._online import OnlineRun, process_online
from xpcs_nb.flows._step import Step, StepLog

__all__ = ["OnlineRun", "Step", "StepLog", "process_online"]
