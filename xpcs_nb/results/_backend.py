"""Result files as xarray objects."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, override

import xarray as xr
from xarray.backends import BackendEntrypoint

from xpcs_nb.errors import MissingKeyError, OptionError
from xpcs_nb.hdf5 import ResultContent, is_result, read_node, read_result

# Registers `.xpcs` on whatever is opened here.
from xpcs_nb.results import _accessor as _accessor
from xpcs_nb.results._names import dataset_name
from xpcs_nb.results._variables import dataset_of

__all__ = ["XpcsBackendEntrypoint", "open_result"]


def open_result(path: str | Path) -> xr.DataTree:
    """Open a result file of any known layout, lazily: maps and images are read when they are used.

    Parameters
    ----------
    path
        File of this package, of boost_corr, of the older APS layout, or of the BES pilot.

    Returns
    -------
    xarray.DataTree
        Nodes (each array has ``units`` and ``long_name``):

        - ``multitau``: g2, g2_err, g2_err_pixels (delay, bin), g2_cov (bin, delay, delay2), g2_dof (bin: degrees of
          freedom of g2_err), G2IPIF (delay, sum, y, x) where kept; coordinates delay (s), delay_frames, n_pairs, bin
          (label), q (1/angstrom), phi (degree);
        - ``twotime``: c2 (bin, t1, t2), g2, g2_segments; t1, t2, delay in s;
        - ``twotime_log``: c2 (bin, cell) of the log two-time correlation; lag, age in s (`xpcs_nb.core.LogGrid`);
        - ``saxs``: scattering_2d (y, x), scattering_1d (static_bin), scattering_1d_segments, intensity (time);
        - ``qmap``: mask, blemish, dynamic_roi_map, static_roi_map (y, x);
        - ``metadata``, ``provenance``: attributes;
        - ``trust``: the attribute ``report``, JSON, where the file holds it; ``result.xpcs.trust()`` reads it.

        Attributes of the root: ``name``, ``path``, ``layout``, ``analysis_type``, ``frame_time``.

    Raises
    ------
    MissingFileError, FileFormatError, MissingKeyError, CorruptDataError
        As `xpcs_nb.hdf5.read_result`.
    """
    return xr.open_datatree(Path(path), engine=XpcsBackendEntrypoint, create_default_indexes=True)


class XpcsBackendEntrypoint(BackendEntrypoint):
    """``xarray.open_dataset(path, engine="xpcs", group="multitau")`` and ``open_datatree``."""

    description = "XPCS result files (APS 8-ID, older APS layout, BES pilot)"
    open_dataset_parameters = ("filename_or_obj", "drop_variables", "group")
    supports_groups = True

    @override
    def open_dataset(
        self,
        filename_or_obj: Any,
        *,
        drop_variables: str | Iterable[str] | None = None,
        group: str = "multitau",
    ) -> xr.Dataset:
        """Open one node of a result."""
        path = _path(filename_or_obj)
        name = group.strip("/")
        node = read_node(path, name)
        if node is None:
            groups = " or ".join(read_result(path).nodes)
            raise MissingKeyError("the result has no such group", path=path, got=group, expected=groups)
        return _without(dataset_of(path, node), _names(drop_variables))

    @override
    def open_datatree(
        self, filename_or_obj: Any, *, drop_variables: str | Iterable[str] | None = None, **options: Any
    ) -> xr.DataTree:
        """Open a whole result."""
        return xr.DataTree.from_dict(
            self.open_groups_as_dict(filename_or_obj, drop_variables=drop_variables, **options)
        )

    @override
    def open_groups_as_dict(
        self, filename_or_obj: Any, *, drop_variables: str | Iterable[str] | None = None, **options: Any
    ) -> dict[str, xr.Dataset]:
        """Open every node of a result by its path."""
        if options:
            raise OptionError("no such option of engine xpcs", got=", ".join(options), expected="drop_variables")
        path = _path(filename_or_obj)
        content = read_result(path)
        dropped = _names(drop_variables)
        groups = {"/": xr.Dataset(attrs=_root_attrs(path, content))}
        for name, node in content.nodes.items():
            groups[f"/{name}"] = _without(dataset_of(path, node), dropped)
        return groups

    @override
    def guess_can_open(self, filename_or_obj: Any) -> bool:
        """Recognise result files by their content."""
        if not isinstance(filename_or_obj, str | Path):
            return False
        path = Path(filename_or_obj)
        return path.suffix in (".hdf", ".h5", ".hdf5", ".nxs") and path.is_file() and is_result(path)


def _path(filename_or_obj: Any) -> Path:
    if not isinstance(filename_or_obj, str | Path):
        raise OptionError("engine xpcs opens files by name", got=type(filename_or_obj).__name__, expected="a path")
    return Path(filename_or_obj)


def _names(drop_variables: str | Iterable[str] | None) -> list[str]:
    return [drop_variables] if isinstance(drop_variables, str) else list(drop_variables or ())


def _without(dataset: xr.Dataset, names: list[str]) -> xr.Dataset:
    # Dropping nothing takes as long as building the dataset.
    return dataset.drop_vars(names, errors="ignore") if names else dataset


def _root_attrs(path: Path, content: ResultContent) -> dict[str, Any]:
    name = dataset_name(path).removesuffix("_results")
    return {"name": name, "path": str(path.absolute()), "layout": content.layout} | content.attrs
