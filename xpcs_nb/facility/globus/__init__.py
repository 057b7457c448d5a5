"""The Globus facility: flows, transfer, compute and search of a site, over one login."""

from xpcs_nb.facility.globus._catalogue import GlobusCatalogue
from xpcs_nb.facility.globus._compute import EndpointReport
from xpcs_nb.facility.globus._flows import GlobusFlows
from xpcs_nb.facility.globus._gladier import AppLoginManager
from xpcs_nb.facility.globus._globus_services import GlobusServices
from xpcs_nb.facility.globus._login import globus_folder, login, logout

__all__ = [
    "AppLoginManager",
    "EndpointReport",
    "GlobusCatalogue",
    "GlobusFlows",
    "GlobusServices",
    "globus_folder",
    "login",
    "logout",
]
