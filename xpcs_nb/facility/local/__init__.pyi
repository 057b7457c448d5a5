from ._actions import ACTION_URLS
from ._collections import LOCAL_COLLECTION, LOCAL_ENDPOINT, LOCAL_INDEX
from ._flows import LocalFlows
from ._paths import catalogue_path, data_folder
from ._services import LocalServices
from ._transfer import TransferredFile, transfer

__all__ = [
    "ACTION_URLS",
    "LOCAL_COLLECTION",
    "LOCAL_ENDPOINT",
    "LOCAL_INDEX",
    "LocalFlows",
    "LocalServices",
    "TransferredFile",
    "catalogue_path",
    "data_folder",
    "transfer",
]
