"""The gladier tools that the flows are made of; importing this imports gladier, which running a flow does not."""

from xpcs_nb.flows.tools._batch import CorrelateAll, PrepareBatch, PublishAll, TransferAll
from xpcs_nb.flows.tools._dataset import (
    AcquireNodes,
    ApplyQmap,
    CheckEndpoint,
    Correlate,
    GatherMetadata,
    MakePlots,
    PrePublish,
    RenameDataset,
)
from xpcs_nb.flows.tools._globus import Publish, ResultTransfer, SetPermission, SourceTransfer

__all__ = [
    "AcquireNodes",
    "ApplyQmap",
    "CheckEndpoint",
    "Correlate",
    "CorrelateAll",
    "GatherMetadata",
    "MakePlots",
    "PrePublish",
    "PrepareBatch",
    "Publish",
    "PublishAll",
    "RenameDataset",
    "ResultTransfer",
    "SetPermission",
    "SourceTransfer",
    "TransferAll",
]
