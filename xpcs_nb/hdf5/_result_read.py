"""Find out which layout a result file has, and describe it."""

from __future__ import annotations

from pathlib import Path

from xpcs_nb.errors import FileFormatError, XpcsError
from xpcs_nb.hdf5._content import Node, ResultContent
from xpcs_nb.hdf5._layout_aps import is_aps, read_aps, read_aps_node
from xpcs_nb.hdf5._layout_bes import is_bes, read_bes
from xpcs_nb.hdf5._layout_exchange import is_exchange, read_exchange
from xpcs_nb.hdf5._scalars import open_file

__all__ = ["is_result", "read_node", "read_result"]

LAYOUTS = ((is_aps, read_aps), (is_exchange, read_exchange), (is_bes, read_bes))


def read_result(path: Path) -> ResultContent:
    """Describe a result file of any known layout; large arrays stay in the file.

    Raises
    ------
    MissingFileError, FileFormatError
        There is no such file, it is not HDF5, or it holds no result.
    MissingKeyError, CorruptDataError
        It is a result, but lacks an entry, or contradicts itself.
    """
    with open_file(path) as file:
        for recognises, describe in LAYOUTS:
            if recognises(file):
                try:
                    return describe(file)
                except XpcsError as error:
                    error.with_place(path=path)
                    raise
        raise FileFormatError(
            "this HDF5 file holds no XPCS result",
            path=path,
            got="groups " + (", ".join(f"/{name}" for name in file) or "none"),
            expected="/xpcs/multitau or /xpcs/twotime, /exchange with /xpcs, or /entry/XPCS",
        )


def read_node(path: Path, name: str) -> Node | None:
    """Describe one node; ``multitau`` and ``saxs`` quickly, without the others. None for a result without it.

    Raises
    ------
    MissingFileError, FileFormatError, MissingKeyError, CorruptDataError
        As `read_result`.
    """
    with open_file(path) as file:
        try:
            node = read_aps_node(file, name)
        except XpcsError as error:
            error.with_place(path=path)
            raise
    return node or read_result(path).nodes.get(name)


def is_result(path: Path) -> bool:
    """Return True for an HDF5 file that holds a result of a known layout."""
    try:
        with open_file(path) as file:
            return any(recognises(file) for recognises, _ in LAYOUTS)
    except (XpcsError, OSError):
        return False
