from ._connect import connect
from ._facility import Facility
from ._found import CatalogView, Found, FoundRecord
from ._run import Run
from ._sites import Queue, Site, load_site, site_files, sites_folder
from ._step import Step
from ._watch import Watcher

__all__ = [
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
    "load_site",
    "site_files",
    "sites_folder",
]
