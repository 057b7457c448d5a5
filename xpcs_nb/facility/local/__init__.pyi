from ._actions import ACTION_URLS
from ._collections import LOCAL_COLLECTION, LOCAL_ENDPOINT, LOCAL_INDEX
from ._flows import LocalFlows
from ._parsl import ParslPool
from ._paths import catalogue_path, data_folder
from ._services import LocalServices
from ._transfer import TransferredFile, transfer
from ._work import ActionRefusedError, Around, Done, Work
from ._workers import Job, Task, WorkerPool, python_environment

__all__ = [
    "ACTION_URLS",
    "LOCAL_COLLECTION",
    "LOCAL_ENDPOINT",
    "LOCAL_INDEX",
    "ActionRefusedError",
    "Around",
    "Done",
    "Job",
    "LocalFlows",
    "LocalServices",
    "ParslPool",
    "Task",
    "TransferredFile",
    "Work",
    "WorkerPool",
    "catalogue_path",
    "data_folder",
    "python_environment",
    "transfer",
]
