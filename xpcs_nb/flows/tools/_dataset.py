"""Tools for one dataset: each has one compute function, and `PrePublish` what publishes its result."""

from __future__ import annotations

from typing import Any

from gladier import GladierBaseTool, generate_flow_definition

from xpcs_nb.core import FIGURE_KINDS
from xpcs_nb.flows import functions
from xpcs_nb.flows.tools._states import COMPUTE, DAY, HOUR, INGEST, TRANSFER, is_true, on_compute, on_login

__all__ = [
    "AcquireNodes",
    "ApplyQmap",
    "CheckEndpoint",
    "Correlate",
    "GatherMetadata",
    "MakePlots",
    "PrePublish",
    "RenameDataset",
]


@generate_flow_definition(modifiers={"check_endpoint": on_login("check_endpoint", wait=HOUR)})
class CheckEndpoint(GladierBaseTool):  # type: ignore[misc]
    """Before anything is moved: Python and packages at the endpoint."""

    action_url = COMPUTE
    required_input = ("check_endpoint", "login_endpoint")
    compute_functions = (functions.check_endpoint,)


@generate_flow_definition(modifiers={"apply_qmap": on_login("apply_qmap", wait=HOUR)})
class ApplyQmap(GladierBaseTool):  # type: ignore[misc]
    """Check the new qmap against the frames, and make it the one that is used."""

    action_url = COMPUTE
    required_input = ("apply_qmap", "login_endpoint")
    compute_functions = (functions.apply_qmap,)


# A day in the queue
@generate_flow_definition(modifiers={"acquire_nodes": on_compute("acquire_nodes", wait=DAY)})
class AcquireNodes(GladierBaseTool):  # type: ignore[misc]
    """Wait for nodes, so that the time of the correlation is its own."""

    action_url = COMPUTE
    required_input = ("acquire_nodes", "compute_endpoint", "user_endpoint_config")
    compute_functions = (functions.acquire_nodes,)


@generate_flow_definition(modifiers={"correlate": on_compute("correlate", wait=DAY)})
class Correlate(GladierBaseTool):  # type: ignore[misc]
    """Correlate the frames."""

    action_url = COMPUTE
    required_input = ("correlate", "compute_endpoint", "user_endpoint_config")
    compute_functions = (functions.correlate,)


# Three tasks: they are drawn at the same time where there are several workers.
PLOTS = [
    {"result.$": "$.input.make_plots.result", "output.$": "$.input.make_plots.output", "kinds": [kind]}
    for kind in FIGURE_KINDS
]


@generate_flow_definition(modifiers={"make_plots": on_login("make_plots", wait=2 * HOUR, tasks=PLOTS)})
class MakePlots(GladierBaseTool):  # type: ignore[misc]
    """Fit g2 and draw the result."""

    action_url = COMPUTE
    required_input = ("make_plots", "login_endpoint")
    compute_functions = (functions.make_plots,)


@generate_flow_definition(modifiers={"rename_dataset": on_login("rename_dataset", wait=HOUR)})
class RenameDataset(GladierBaseTool):  # type: ignore[misc]
    """Give a reprocessed dataset its own name."""

    action_url = COMPUTE
    required_input = ("rename_dataset", "login_endpoint")
    compute_functions = (functions.rename_dataset,)


@generate_flow_definition(modifiers={"gather_metadata": on_login("gather_metadata", wait=HOUR)})
class GatherMetadata(GladierBaseTool):  # type: ignore[misc]
    """Gather the complete record; the result is the input of the publication."""

    action_url = COMPUTE
    required_input = ("gather_metadata", "login_endpoint")
    compute_functions = (functions.gather_metadata,)


@generate_flow_definition(modifiers={"extract_metadata": on_login("extract_metadata", wait=HOUR)})
class _ExtractMetadata(GladierBaseTool):  # type: ignore[misc]
    action_url = COMPUTE
    compute_functions = (functions.extract_metadata,)


class PrePublish(GladierBaseTool):  # type: ignore[misc]
    """Extract the metadata and publish it, so that the dataset is found while it is processed."""

    required_input = ("extract_metadata", "login_endpoint", "publishv2")
    compute_functions = (functions.extract_metadata,)
    output = "$.ExtractMetadata.details.result[0]"
    flow_transition_states = ("PrePublishDone",)

    @property
    def flow_definition(self) -> dict[str, Any]:
        """The states."""
        extract = _ExtractMetadata().flow_definition["States"]["ExtractMetadata"]
        extract.pop("End")
        return {
            "StartAt": "ExtractMetadata",
            "States": {
                "ExtractMetadata": extract | {"Next": "ChoicePrePublish"},
                "ChoicePrePublish": {
                    "Comment": "Whether to publish at all",
                    "Type": "Choice",
                    "Choices": [is_true("$.input.publishv2.enable_publish", "PrePublishTransfer")],
                    "Default": "PrePublishDone",
                },
                "PrePublishTransfer": {
                    "Comment": "Transfer the metadata file to where the dataset will be published",
                    "Type": "Action",
                    "ActionUrl": TRANSFER,
                    "InputPath": f"{self.output}.transfer",
                    "ResultPath": "$.PrePublishTransfer",
                    "WaitTime": HOUR,
                    "Next": "PrePublishIngest",
                },
                "PrePublishIngest": {
                    "Comment": "Make the dataset findable while it is processed",
                    "Type": "Action",
                    "ActionUrl": INGEST,
                    "InputPath": f"{self.output}.search",
                    "ResultPath": "$.PrePublishIngest",
                    "WaitTime": HOUR,
                    "Next": "PrePublishDone",
                },
                "PrePublishDone": {"Type": "Pass", "End": True},
            },
        }
