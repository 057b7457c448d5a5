from ._check import datasets_of, reduction_options
from ._connect import GPUS_VARIABLE, connect
from ._facility import PUBLISH_VARIABLE, QUEUE, Facility
from ._found import CatalogView, Found, FoundRecord
from ._run import Run
from ._sites import Queue, Site, load_site, site_files, sites_folder
from ._step import Step
from ._watch import Watcher

__all__ = [
    "GPUS_VARIABLE",
    "PUBLISH_VARIABLE",
    "QUEUE",
    "CatalogView",
    "Facility",
    "Found",
    "FoundRecord",
    "Queue",
    "Run",
    "Site",
    "Step",
    "Watcher",
    "connect",
    "datasets_of",
    "load_site",
    "reduction_options",
    "site_files",
    "sites_folder",
]
