"""The local facility, this machine: flow runs, worker processes, verified copies, and the embedded catalogue."""

from xpcs_nb.facility.local._actions import ACTION_URLS
from xpcs_nb.facility.local._collections import LOCAL_COLLECTION, LOCAL_ENDPOINT, LOCAL_INDEX
from xpcs_nb.facility.local._flows import LocalFlows
from xpcs_nb.facility.local._paths import catalogue_path, data_folder
from xpcs_nb.facility.local._services import LocalServices
from xpcs_nb.facility.local._transfer import TransferredFile, transfer
from xpcs_nb.facility.local._work import ActionRefusedError, Around, Done, Work

__all__ = [
    "ACTION_URLS",
    "LOCAL_COLLECTION",
    "LOCAL_ENDPOINT",
    "LOCAL_INDEX",
    "ActionRefusedError",
    "Around",
    "Done",
    "LocalFlows",
    "LocalServices",
    "TransferredFile",
    "Work",
    "catalogue_path",
    "data_folder",
    "transfer",
]
