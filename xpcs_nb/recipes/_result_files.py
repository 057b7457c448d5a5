"""The files of results, wherever they are."""

from __future__ import annotations

import glob
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from xpcs_nb.recipes._listing import SEARCH, list_found
from xpcs_nb.recipes._values import is_address

__all__ = ["result_files"]


def result_files(results: Iterable[str], site: str = "") -> list[Path]:
    """Return the files of results, each once, sorted; those of records are brought to this machine.

    Parameters
    ----------
    results
        Files, glob patterns, subjects of records, and searches (``search:TEXT``).
    site
        Whose catalogue has the records; empty for that of this machine.

    Raises
    ------
    BatchError
        A search finds nothing.
    MissingKeyError
        There is no such record.
    FlowError
        A record has no result file, or it can't be brought here.
    """
    found: set[Path] = set()
    with ExitStack() as opened:
        catalogue = None
        for each in results:
            if not (is_address(each) or each.startswith(SEARCH)):
                found.update(map(Path, glob.glob(each) or [each]))
                continue
            if catalogue is None:
                from xpcs_nb.flows import connect

                catalogue = opened.enter_context(connect(site or None)).catalog
            rows = [{"subject": each}]
            if each.startswith(SEARCH):
                rows = list_found(each.removeprefix(SEARCH).strip(), {}, catalogue, "subject").rows
            for row in rows:
                record = catalogue.get(row["subject"])
                found.update(record.fetch(files=[record.result_file]))
    return sorted(found)
