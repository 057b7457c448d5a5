"""Tools around Globus Transfer and the publication, from `gladier_tools` where it has them."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, ClassVar

from gladier import GladierBaseTool
from gladier.utils.tool_alias import StateSuffixVariablePrefix
from gladier_tools.globus import Transfer
from gladier_tools.publish import Publishv2

from xpcs_nb.flows import functions
from xpcs_nb.flows.tools._states import COMPUTE, DAY, HOUR, TRANSFER, is_true

__all__ = ["Publish", "ResultTransfer", "SetPermission", "SourceTransfer"]


class SourceTransfer(GladierBaseTool):  # type: ignore[misc]
    """Transfer the files of a dataset; `Transfer` of gladier_tools takes one file only.

    Parameters
    ----------
    name
        Of the state, and with ``_`` of its input: ``SourceTransfer`` reads ``$.input.source_transfer``.
    """

    def __init__(self, name: str = "SourceTransfer", variable: str = "source_transfer") -> None:
        super().__init__()
        self.required_input = (variable,)
        self.flow_definition = {
            "StartAt": name,
            "States": {
                name: {
                    "Comment": "Transfer to the processing machine",
                    "Type": "Action",
                    "ActionUrl": TRANSFER,
                    "Parameters": {
                        "source_endpoint.$": f"$.input.{variable}.source_endpoint",
                        "destination_endpoint.$": f"$.input.{variable}.destination_endpoint",
                        "DATA.$": f"$.input.{variable}.items",
                        "sync_level": "checksum",
                        "verify_checksum": True,
                    },
                    "ResultPath": f"$.{name}",
                    "WaitTime": DAY,
                    "End": True,
                }
            },
        }


class Publish(Publishv2):  # type: ignore[misc]
    """`Publishv2`, with version 3 of the compute action and the input that `GatherMetadata` gives."""

    compute_functions = (functions.publishv2_gather_metadata,)

    @property
    def flow_definition(self) -> dict[str, Any]:
        """The states of `Publishv2`, its compute state translated."""
        definition: dict[str, Any] = deepcopy(Publishv2.flow_definition)
        gather = definition["States"]["Publishv2GatherMetadata"]
        gather["ActionUrl"] = COMPUTE
        gather["Parameters"] = {
            "endpoint_id.$": "$.input.login_endpoint",
            "tasks": [
                {
                    "function_id.$": "$.input.publishv2_gather_metadata_function_id",
                    "kwargs.$": "$.GatherMetadata.details.result[0]",
                }
            ],
        }
        for name, wait in (("GatherMetadata", 2 * HOUR), ("Transfer", DAY), ("Ingest", HOUR)):
            definition["States"][f"Publishv2{name}"]["WaitTime"] = wait
        return definition


class SetPermission(GladierBaseTool):  # type: ignore[misc]
    """Let a group read what was published, where one is given."""

    required_input = ("set_permission",)
    flow_transition_states = ("PermissionDone",)
    flow_definition: ClassVar = {
        "StartAt": "ChoicePermission",
        "States": {
            "ChoicePermission": {
                "Comment": "Whether a group is to be given access",
                "Type": "Choice",
                "Choices": [is_true("$.input.set_permission.enable", "SetPermission")],
                "Default": "PermissionDone",
            },
            "SetPermission": {
                "Comment": "Let the group read the published folder",
                "Type": "Action",
                "ActionUrl": "https://transfer.actions.globus.org/set_permission",
                "Parameters": {
                    "operation": "CREATE",
                    "permissions": "r",
                    "endpoint_id.$": "$.input.set_permission.endpoint_id",
                    "path.$": "$.input.set_permission.path",
                    "principal.$": "$.input.set_permission.principal",
                    "principal_type": "group",
                },
                "ResultPath": "$.SetPermission",
                "WaitTime": HOUR,
                "Next": "PermissionDone",
            },
            "PermissionDone": {"Type": "Pass", "End": True},
        },
    }


class ResultTransfer(GladierBaseTool):  # type: ignore[misc]
    """`Transfer` the results back, unless they stay (``$.input.transfer_back`` false)."""

    flow_transition_states = ("Done",)

    def __init__(self) -> None:
        super().__init__()
        transfer = Transfer(alias="Result", alias_class=StateSuffixVariablePrefix)
        self.required_input = ("transfer_back", *transfer.get_required_input())
        state = transfer.get_flow_definition()["States"]["TransferResult"]
        state.pop("End")
        state |= {"WaitTime": DAY, "ResultPath": "$.TransferResult", "Next": "Done"}
        self.flow_definition = {
            "StartAt": "ChoiceTransferBack",
            "States": {
                "ChoiceTransferBack": {
                    "Comment": "Whether the results are to be transferred back",
                    "Type": "Choice",
                    "Choices": [is_true("$.input.transfer_back", "TransferResult")],
                    "Default": "Done",
                },
                "TransferResult": state,
                "Done": {"Type": "Pass", "End": True},
            },
        }
