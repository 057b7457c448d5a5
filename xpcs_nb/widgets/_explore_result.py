"""A result that is opened as far as it is looked at."""

from __future__ import annotations

from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xpcs_nb.errors import MissingKeyError
from xpcs_nb.results import XpcsBackendEntrypoint, open_result

__all__ = ["OpenResult", "Source"]

type Source = xr.DataTree | xr.Dataset | str | PathLike[str]


class OpenResult:
    """A result that is opened as far as it is looked at: g2 alone, or all of it.

    Parameters
    ----------
    source
        Result file, opened result, or dataset.
    """

    def __init__(self, source: Source) -> None:
        self.source = source

    @property
    def name(self) -> str:
        """What the result is called where it has no other label."""
        if isinstance(self.source, xr.DataTree | xr.Dataset):
            return str(self.source.attrs.get("name") or "result")
        return Path(self.source).name.removesuffix(".hdf").removesuffix("_results")

    @cached_property
    def tree(self) -> xr.DataTree:
        """The whole result; large arrays stay in the file."""
        if isinstance(self.source, xr.DataTree):
            return self.source.root
        if isinstance(self.source, xr.Dataset):
            node = "multitau" if "g2" in self.source else "twotime" if "c2" in self.source else "saxs"
            return xr.DataTree.from_dict({f"/{node}": self.source})
        return open_result(Path(self.source))

    @cached_property
    def multitau(self) -> xr.Dataset | None:
        """g2 with its errors; None where the result has no multi-tau part."""
        return self._alone("multitau", "g2")

    @cached_property
    def saxs(self) -> xr.Dataset:
        """Scattering and intensity; empty where there is none."""
        found = self._alone("saxs")
        return xr.Dataset() if found is None else found

    @property
    def twotime(self) -> xr.Dataset | None:
        """Two-time maps, not read yet."""
        return self._node("twotime", "c2")

    @cached_property
    def qmap(self) -> xr.Dataset:
        """Mask and bins; empty where there are none. They are read once."""
        found = self._node("qmap")
        return xr.Dataset() if found is None else found

    @cached_property
    def dynamic(self) -> NDArray[np.integer[Any]] | None:
        """Labels of the dynamic bins, (rows, columns); None where the result has none."""
        if "dynamic_roi_map" not in self.qmap:
            return None
        return np.asarray(self.qmap["dynamic_roi_map"].transpose("y", "x").to_numpy())

    def _alone(self, name: str, variable: str | None = None) -> xr.Dataset | None:
        """Return a node of a file without reading the others, as is quick for very many files."""
        if "tree" in vars(self) or isinstance(self.source, xr.DataTree | xr.Dataset):
            return self._node(name, variable)
        try:
            return XpcsBackendEntrypoint().open_dataset(str(self.source), group=name)
        except MissingKeyError:
            return self._node(name, variable)

    def _node(self, name: str, variable: str | None = None) -> xr.Dataset | None:
        if name not in self.tree.children:
            return None
        dataset = self.tree[name].to_dataset()
        return dataset if variable is None or variable in dataset else None
