"""The actions that a definition can call on this machine, by their addresses on Globus."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xpcs_nb.facility.local._compute_action import Pool, carry_out_compute
from xpcs_nb.facility.local._file_actions import (
    carry_out_delete,
    carry_out_ls,
    carry_out_mkdir,
    carry_out_set_permission,
)
from xpcs_nb.facility.local._runs import RunStore
from xpcs_nb.facility.local._search_action import carry_out_ingest, carry_out_search_delete
from xpcs_nb.facility.local._transfer_action import carry_out_transfer
from xpcs_nb.facility.local._work import Around, Done, Settings, Work
from xpcs_nb.facility.local._workers import WorkerPool

if TYPE_CHECKING:
    from xpcs_nb.catalog import Catalog

__all__ = ["ACTION_URLS", "Actions"]

_FILES: dict[str, Callable[[Work], Done]] = {
    "transfer": carry_out_transfer,
    "mkdir": carry_out_mkdir,
    "delete": carry_out_delete,
    "ls": carry_out_ls,
    "set_permission": carry_out_set_permission,
}
_SEARCH = {"ingest": carry_out_ingest, "delete": carry_out_search_delete}
_COMPUTE = {"https://compute.actions.globus.org": 2, "https://compute.actions.globus.org/v3": 3}


def _both_hosts(service: str, operation: str) -> tuple[str, str]:
    return f"https://{service}.actions.globus.org/{operation}", f"https://actions.globus.org/{service}/{operation}"


_FILES_BY_URL = {url: action for name, action in _FILES.items() for url in _both_hosts("transfer", name)}
_SEARCH_BY_URL = {url: action for name, action in _SEARCH.items() for url in _both_hosts("search", name)}

#: All addresses that a definition can name, without slash at the end.
ACTION_URLS = frozenset({*_FILES_BY_URL, *_SEARCH_BY_URL, *_COMPUTE})


class Actions:
    """Carries out actions; holds the worker processes and the catalogue that they use.

    Parameters
    ----------
    home
        Folder of the catalogue.
    store
        For the sources of functions.
    around
        Carries the actions out in its own way.
    """

    def __init__(self, home: Path, store: RunStore, around: Around | None = None) -> None:
        self._home = home
        self._store = store
        self._around = around
        self._turn = threading.Lock()
        self._pools: dict[tuple[Any, ...], Pool] = {}
        self._catalogue: Catalog | None = None

    def carry_out(self, url: str, work: Work) -> Done:
        """Do what `url` stands for, and return when it is done.

        Raises
        ------
        ActionRefusedError
            It can't be started.
        StoppedError, OutOfTimeError
            It had to stop.
        """
        url = url.rstrip("/")
        if self._around is not None:
            return self._around(url, work, lambda: self._carry_out(url, work))
        return self._carry_out(url, work)

    def _carry_out(self, url: str, work: Work) -> Done:
        if url in _COMPUTE:
            return carry_out_compute(work, self._store, self._pool(work.settings), version=_COMPUTE[url])
        if url in _SEARCH_BY_URL:
            return _SEARCH_BY_URL[url](work, self._open_catalogue)
        return _FILES_BY_URL[url](work)

    def close(self) -> None:
        """Stop all workers."""
        with self._turn:
            pools, self._pools = list(self._pools.values()), {}
            catalogue, self._catalogue = self._catalogue, None
        for pool in pools:
            pool.close()
        if catalogue is not None:
            catalogue.close()

    def _pool(self, settings: Settings) -> Pool:
        key = (settings.executor, settings.workers, settings.gpus)
        with self._turn:
            if key not in self._pools:
                self._pools[key] = _make_pool(settings)
            return self._pools[key]

    def _open_catalogue(self) -> Catalog:
        from xpcs_nb.catalog import Catalog

        with self._turn:
            if self._catalogue is None:
                self._catalogue = Catalog(self._home / "catalogue.sqlite")
            return self._catalogue


def _make_pool(settings: Settings) -> Pool:
    if settings.executor == "processes":
        return WorkerPool(settings.workers, settings.gpus)
    from xpcs_nb.facility.local._parsl import ParslPool

    return ParslPool(Path(settings.executor))
