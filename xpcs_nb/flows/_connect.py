"""``connect``: the services of a site."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from xpcs_nb.facility import Services
from xpcs_nb.flows._facility import Facility
from xpcs_nb.flows._sites import Site, load_site

__all__ = ["GPUS_VARIABLE", "connect"]

#: GPUs of this machine that flows may use.
GPUS_VARIABLE = "XPCS_NB_GPUS"


def connect(
    site: str | Path | Site | None = None,
    *,
    home: str | Path | None = None,
    workers: int | None = None,
    gpus: Sequence[str | int] | None = None,
    detached: bool = True,
) -> Facility:
    """Return a facility: this machine, which needs no configuration, or a Globus site.

    Parameters
    ----------
    site
        Name of a site, or path of its TOML file; None for this machine.
    home
        Folder of runs, results and catalogue of this machine; by default the user's data folder (``XPCS_NB_HOME``).
    workers
        On this machine: tasks at a time; by default one for each core.
    gpus
        On this machine: ids of GPUs; with them there is one task at a time for each, which sees only its own, as
        device 0. By default those that ``XPCS_NB_GPUS`` lists, with commas between; the jobs of a batch have it.
    detached
        On this machine: whether runs go on when this process ends.

    Raises
    ------
    MissingFileError
        There is no such site.
    SiteError
        The site can't be used; lists everything that is wrong.
    LoginError
        When used, if a login is needed and not there.
    """
    chosen = site if isinstance(site, Site) else load_site("local" if site is None else site)
    from xpcs_nb.facility.local import LOCAL_COLLECTION, LOCAL_ENDPOINT, LOCAL_INDEX, data_folder

    folder = Path(home).absolute() if home is not None else data_folder()
    if chosen.kind == "globus":
        return Facility(_globus(chosen), chosen, folder)
    from xpcs_nb.facility.local import LocalServices

    placed = chosen.at(folder, {"collection": LOCAL_COLLECTION, "endpoint": LOCAL_ENDPOINT, "index": LOCAL_INDEX})
    ends = [each for _, each in placed.ends]
    listed = os.environ.get(GPUS_VARIABLE, "").split(",") if gpus is None else map(str, gpus)
    services = LocalServices(
        folder,
        collections={each.id: Path(each.root) for each in ends if each.id != LOCAL_COLLECTION},
        endpoints={each for _, each in placed.endpoints if each != LOCAL_ENDPOINT},
        index=placed.publish.index,
        workers=workers,
        gpus=[*filter(None, listed)],
        detached=detached,
    )
    return Facility(services, placed, folder)


def _globus(site: Site) -> Services:
    # Imported late: it takes time, and this machine needs none of it.
    from xpcs_nb.facility.globus import GlobusServices

    ends = {each.id: each for _, each in site.ends}
    return GlobusServices(
        # Files are brought to those that this machine has.
        {name: Path(each.base) for name, each in ends.items() if Path(each.root).is_dir()},
        site.endpoints.compute,
        site.endpoints.login,
        site.publish.index,
        mapped=[name for name, each in ends.items() if each.mapped],
        group=site.group,
        subscription=site.subscription,
    )
