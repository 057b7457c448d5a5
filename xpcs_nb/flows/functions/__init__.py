"""The compute functions of the flows.

They travel by source: what they need they import in their bodies, what goes in and out is JSON, and annotations are
builtins. Where `xpcs_nb` is installed they call it; `correlate` does with boost_corr alone. A failure is raised. A
function that is repeated after an interruption completes what was begun.
"""

from xpcs_nb.flows.functions._acquire_nodes import acquire_nodes
from xpcs_nb.flows.functions._apply_qmap import apply_qmap
from xpcs_nb.flows.functions._batch import (
    correlate_batch,
    next_transfer,
    plot_batch,
    prepare_batch,
    publish_batch,
    summarise_batch,
)
from xpcs_nb.flows.functions._check_endpoint import check_endpoint
from xpcs_nb.flows.functions._correlate import correlate
from xpcs_nb.flows.functions._extract_metadata import extract_metadata
from xpcs_nb.flows.functions._gather_metadata import gather_metadata
from xpcs_nb.flows.functions._make_plots import make_plots
from xpcs_nb.flows.functions._publishv2 import publishv2_gather_metadata
from xpcs_nb.flows.functions._rename_dataset import rename_dataset

__all__ = [
    "acquire_nodes",
    "apply_qmap",
    "check_endpoint",
    "correlate",
    "correlate_batch",
    "extract_metadata",
    "gather_metadata",
    "make_plots",
    "next_transfer",
    "plot_batch",
    "prepare_batch",
    "publish_batch",
    "publishv2_gather_metadata",
    "rename_dataset",
    "summarise_batch",
]
