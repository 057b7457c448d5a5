from ._actions import ACTION_URLS
from ._collections import LOCAL_COLLECTION, LOCAL_ENDPOINT, LOCAL_INDEX
from ._flows import LocalFlows
from ._paths import catalogue_path, data_folder
from ._services import LocalServices
from ._transfer import TransferredFile, transfer
from ._work import ActionRefusedError, Around, Done, Work

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
