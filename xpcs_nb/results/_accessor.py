"""The ``.xpcs`` accessor: bins by q and phi, and the views that other layers register."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from importlib.metadata import entry_points
from typing import Any

import numpy as np
import xarray as xr

from xpcs_nb.errors import OptionError

__all__ = ["XpcsAccessor"]

#: Entry-point group of functions that take a dataset or tree first (docs/decisions/0002).
VIEWS = "xpcs_nb.views"


@cache
def _views() -> dict[str, Any]:
    return {point.name: point for point in entry_points(group=VIEWS)}


@xr.register_datatree_accessor("xpcs")  # type: ignore[no-untyped-call]
@xr.register_dataset_accessor("xpcs")  # type: ignore[no-untyped-call]
class XpcsAccessor:
    """What XPCS users ask of a result or of one of its nodes.

    Names that are not methods here are views of other layers, such as ``plot_g2`` and ``fit``.
    """

    def __init__(self, data: xr.Dataset | xr.DataTree) -> None:
        self._data = data

    def sel(self, *, q: float | None = None, phi: float | None = None, bin: int | None = None) -> xr.Dataset:
        """Return the dynamic bin nearest to `q` (1/angstrom) and `phi` (degree), or the one with label `bin`.

        With q and phi, the nearest q comes first, then among its bins the nearest phi (angles wrap).

        Raises
        ------
        OptionError
            Nothing or too much is asked for, or no such bin exists.
        """
        data = self._dataset()
        if (bin is None) == (q is None and phi is None):
            raise OptionError("a bin is selected by label, or by q and phi", expected="bin=, or q= and/or phi=")
        if bin is not None:
            labels = data["bin"].to_numpy()
            if bin not in labels:
                raise OptionError("no such bin", got=bin, expected=f"one of {', '.join(map(str, labels))}")
            return data.isel(bin=int(np.flatnonzero(labels == bin)[0]))
        candidates = np.arange(data.sizes["bin"])
        if q is not None:
            distance = np.abs(self._known(data, "q", candidates) - q)
            candidates = np.flatnonzero(np.isclose(distance, np.nanmin(distance), rtol=1e-9, atol=0))
        if phi is not None:
            turn = np.abs((self._known(data, "phi", candidates) - phi + 180) % 360 - 180)
            candidates = candidates[[int(np.nanargmin(turn))]]
        if len(candidates) > 1:
            phis = ", ".join(f"{value:g}" for value in self._coordinate(data, "phi")[candidates])
            raise OptionError("several bins have this q", got=f"q={q}", expected=f"phi= as well, one of {phis}")
        return data.isel(bin=int(candidates[0]))

    def bins(self) -> list[tuple[int, float, float]]:
        """Return label, q (1/angstrom) and phi (degree) of every dynamic bin."""
        data = self._dataset()
        columns = (data["bin"].to_numpy(), self._coordinate(data, "q"), self._coordinate(data, "phi"))
        return [(int(label), float(q), float(phi)) for label, q, phi in zip(*columns, strict=True)]

    @property
    def n_bins(self) -> int:
        """Number of dynamic bins."""
        return int(self._dataset().sizes["bin"])

    def __getattr__(self, name: str) -> Callable[..., Any]:
        point = None if name.startswith("_") else _views().get(name)
        if point is None:
            raise AttributeError(f"no such method or view: {name}; views: {', '.join(sorted(_views()))}")
        return partial(point.load(), self._data)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *_views()]

    def _dataset(self) -> xr.Dataset:
        data = self._data
        if isinstance(data, xr.DataTree):
            children = [data.children[name] for name in ("multitau", "twotime") if name in data.children]
            dataset = (children[0] if children else data).to_dataset()
        else:
            dataset = data
        if "bin" not in dataset.dims:
            raise OptionError("there are no dynamic bins here", got=", ".join(map(str, dataset.dims)), expected="bin")
        return dataset

    @staticmethod
    def _coordinate(data: xr.Dataset, name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
        if name not in data.coords:
            raise OptionError(f"the bins have no {name}", expected=", ".join(map(str, data.coords)))
        return data[name].to_numpy().astype(float)

    @classmethod
    def _known(
        cls, data: xr.Dataset, name: str, candidates: np.ndarray[Any, np.dtype[np.int64]]
    ) -> np.ndarray[Any, np.dtype[np.float64]]:
        values: np.ndarray[Any, np.dtype[np.float64]] = cls._coordinate(data, name)[candidates]
        if np.isnan(values).all():
            raise OptionError(
                f"the file does not say the {name} of its bins", expected="another way to select, as bin="
            )
        return values
