from ._connect import connect
from ._facility import Facility
from ._run import Run
from ._sites import Site, load_site, site_files, sites_folder
from ._step import Step

__all__ = ["Facility", "Run", "Site", "Step", "connect", "load_site", "site_files", "sites_folder"]
