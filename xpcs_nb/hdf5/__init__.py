"""The only layer that knows paths inside files; a table for each version of a layout."""

from xpcs_nb.hdf5._atomic import atomic_file
from xpcs_nb.hdf5._content import Array, MapStack, Node, ResultContent, Stored
from xpcs_nb.hdf5._image import read_image, read_result_image
from xpcs_nb.hdf5._metadata import find_metadata, is_metadata, read_metadata
from xpcs_nb.hdf5._nxcansas import CurveContent, read_nxcansas, write_nxcansas
from xpcs_nb.hdf5._qmap import hash_qmap, read_qmap, write_qmap, write_qmap_group
from xpcs_nb.hdf5._qmap_maps import mask_of
from xpcs_nb.hdf5._result_read import is_result, read_node, read_result
from xpcs_nb.hdf5._result_write import write_result_file
from xpcs_nb.hdf5._scalars import entry, open_file
from xpcs_nb.hdf5._tiles import read_tiles
from xpcs_nb.hdf5._writing import atomic_hdf5

__all__ = [
    "Array",
    "CurveContent",
    "MapStack",
    "Node",
    "ResultContent",
    "Stored",
    "atomic_file",
    "atomic_hdf5",
    "entry",
    "find_metadata",
    "hash_qmap",
    "is_metadata",
    "is_result",
    "mask_of",
    "open_file",
    "read_image",
    "read_metadata",
    "read_node",
    "read_nxcansas",
    "read_qmap",
    "read_result",
    "read_result_image",
    "read_tiles",
    "write_nxcansas",
    "write_qmap",
    "write_qmap_group",
    "write_result_file",
]
