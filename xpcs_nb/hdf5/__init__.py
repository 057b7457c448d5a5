"""The only layer that knows paths inside files; a table for each version of a layout."""

from xpcs_nb.hdf5._metadata import find_metadata, is_metadata, read_metadata
from xpcs_nb.hdf5._qmap import hash_qmap, read_qmap, write_qmap, write_qmap_group
from xpcs_nb.hdf5._qmap_maps import mask_of

__all__ = [
    "find_metadata",
    "hash_qmap",
    "is_metadata",
    "mask_of",
    "read_metadata",
    "read_qmap",
    "write_qmap",
    "write_qmap_group",
]
