"""Tools of the batch flow: Globus Flows has no state that maps over a list.

What can go on together is one compute action of many tasks; what passes through the state of the run (transfers and
records) goes in a loop, with as much at a time as the state can hold. Where a loop stands is in the state too, so a
step that is repeated does the same.
"""

from __future__ import annotations

from typing import Any, ClassVar

from gladier import GladierBaseTool, generate_flow_definition

from xpcs_nb.flows import functions
from xpcs_nb.flows.tools._states import COMPUTE, DAY, HOUR, INGEST, TRANSFER, compute, is_true, on_login

__all__ = ["CorrelateAll", "PrepareBatch", "PublishAll", "TransferAll"]

MANIFEST = {"manifest.$": "$.input.manifest"}


@generate_flow_definition(modifiers={"prepare_batch": on_login("prepare_batch", wait=HOUR)})
class PrepareBatch(GladierBaseTool):  # type: ignore[misc]
    """Write the manifest on the processing machine."""

    action_url = COMPUTE
    required_input = ("prepare_batch", "login_endpoint")
    compute_functions = (functions.prepare_batch,)


class TransferAll(GladierBaseTool):  # type: ignore[misc]
    """Transfer the files of all datasets, as many at a time as the state of the run can hold."""

    required_input = ("manifest",)
    compute_functions = (functions.next_transfer,)
    flow_transition_states = ("TransfersDone",)
    flow_definition: ClassVar = {
        "StartAt": "BeginTransfers",
        "States": {
            "BeginTransfers": {
                "Type": "Pass",
                "Parameters": {"index": 0},
                "ResultPath": "$.transfers",
                "Next": "NextTransfer",
            },
            "NextTransfer": compute(
                "next_transfer",
                comment="Say which files to transfer next",
                wait=HOUR,
                kwargs=MANIFEST | {"index.$": "$.transfers.index"},
                ResultPath="$.NextTransfer",
                Next="SourceTransfer",
            ),
            "SourceTransfer": {
                "Comment": "Transfer to the processing machine",
                "Type": "Action",
                "ActionUrl": TRANSFER,
                "InputPath": "$.NextTransfer.details.result[0].transfer",
                "ResultPath": "$.SourceTransfer",
                "WaitTime": DAY,
                "Next": "CountTransfers",
            },
            "CountTransfers": {
                "Type": "ExpressionEval",
                "Parameters": {"index.=": "NextTransfer.details.result[0].next"},
                "ResultPath": "$.transfers",
                "Next": "ChoiceMoreTransfers",
            },
            "ChoiceMoreTransfers": {
                "Type": "Choice",
                "Choices": [is_true("$.NextTransfer.details.result[0].more", "NextTransfer")],
                "Default": "TransfersDone",
            },
            "TransfersDone": {"Type": "Pass", "End": True},
        },
    }


class CorrelateAll(GladierBaseTool):  # type: ignore[misc]
    """Correlate, then plot: one action of many tasks each (`$.input.correlate_tasks`, `$.input.plot_tasks`)."""

    required_input = ("correlate_tasks", "plot_tasks", "login_endpoint", "compute_endpoint", "user_endpoint_config")
    compute_functions = (functions.correlate_batch, functions.plot_batch)

    @property
    def flow_definition(self) -> dict[str, Any]:
        """The states."""
        queue = {"user_endpoint_config.$": "$.input.user_endpoint_config"}
        states: dict[str, tuple[str, str, str, int, dict[str, Any], dict[str, Any]]] = {
            "CorrelateBatch": ("compute", "correlate", "Correlate all datasets", DAY, queue, {"Next": "PlotBatch"}),
            "PlotBatch": ("login", "plot", "Make plots and record of every result", DAY, {}, {"End": True}),
        }
        return {
            "StartAt": "CorrelateBatch",
            "States": {
                name: {
                    "Comment": comment,
                    "Type": "Action",
                    "ActionUrl": COMPUTE,
                    "Parameters": {
                        "endpoint_id.$": f"$.input.{endpoint}_endpoint",
                        "tasks.$": f"$.input.{tasks}_tasks",
                        **more,
                    },
                    "ResultPath": f"$.{name}",
                    "WaitTime": wait,
                    **transition,
                }
                for name, (endpoint, tasks, comment, wait, more, transition) in states.items()
            },
        }


class PublishAll(GladierBaseTool):  # type: ignore[misc]
    """Publish the results, and transfer them back, a few at a time; then say what failed."""

    required_input = ("manifest", "publish", "transfer_back")
    compute_functions = (functions.publish_batch, functions.summarise_batch)
    flow_transition_states = ("SummariseBatch",)
    output = "$.PublishBatch.details.result[0]"

    @property
    def flow_definition(self) -> dict[str, Any]:
        """The states."""
        return {"StartAt": "BeginPublication", "States": self._loop() | self._actions() | self._end()}

    def _loop(self) -> dict[str, Any]:
        return {
            "BeginPublication": {
                "Type": "Pass",
                "Parameters": {"index": 0},
                "ResultPath": "$.publication",
                "Next": "PublishBatch",
            },
            "PublishBatch": compute(
                "publish_batch",
                comment="Say which results to publish next",
                wait=HOUR,
                kwargs=MANIFEST | {"index.$": "$.publication.index"},
                ResultPath="$.PublishBatch",
                Next="ChoiceAnyResult",
            ),
            "ChoiceAnyResult": {
                "Comment": "None, where the last datasets failed",
                "Type": "Choice",
                "Choices": [is_true(f"{self.output}.any", "ChoicePublish")],
                "Default": "CountPublication",
            },
            "ChoicePublish": {
                "Type": "Choice",
                "Choices": [is_true("$.input.publish", "PublishTransfer")],
                "Default": "ChoiceTransferBack",
            },
            "ChoiceTransferBack": {
                "Type": "Choice",
                "Choices": [is_true("$.input.transfer_back", "TransferResult")],
                "Default": "CountPublication",
            },
            "CountPublication": {
                "Type": "ExpressionEval",
                "Parameters": {"index.=": "PublishBatch.details.result[0].next"},
                "ResultPath": "$.publication",
                "Next": "ChoiceMoreResults",
            },
            "ChoiceMoreResults": {
                "Type": "Choice",
                "Choices": [is_true(f"{self.output}.more", "PublishBatch")],
                "Default": "SummariseBatch",
            },
        }

    def _actions(self) -> dict[str, Any]:
        actions = (
            ("PublishTransfer", TRANSFER, "transfer", DAY, "PublishIngest"),
            ("PublishIngest", INGEST, "search", HOUR, "ChoiceTransferBack"),
            ("TransferResult", TRANSFER, "back", DAY, "CountPublication"),
        )
        return {
            name: {
                "Type": "Action",
                "ActionUrl": url,
                "InputPath": f"{self.output}.{document}",
                "ResultPath": f"$.{name}",
                "WaitTime": wait,
                "Next": then,
            }
            for name, url, document, wait, then in actions
        }

    def _end(self) -> dict[str, Any]:
        return {
            "SummariseBatch": compute(
                "summarise_batch",
                comment="Say how many datasets were processed, and which failed why",
                wait=HOUR,
                kwargs=MANIFEST,
                ResultPath="$.SummariseBatch",
                End=True,
            )
        }
