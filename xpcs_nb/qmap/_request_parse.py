"""Partition requests as people write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from xpcs_nb.errors import QMapError

__all__ = ["request_of"]


def request_of(axes: Mapping[str, Any], ellipse: bool | Mapping[str, float] | None) -> dict[str, Any]:
    """Return the entries of a `PartitionRequest` from maps with their bins.

    Raises
    ------
    QMapError
        If there are not two maps.
    """
    axes = dict(axes)
    if list(axes) == ["q"]:
        axes["phi"] = (1, 1)
    if ellipse and "q" in axes:
        raise QMapError("an ellipse goes with the maps rho and phi", got=", ".join(axes))
    if len(axes) != 2:
        raise QMapError("a partition goes along two maps", got=", ".join(axes) or "none")
    return {"axes": [_axis(name, value) for name, value in axes.items()], "ellipse": _ellipse(ellipse)}


def _ellipse(ellipse: bool | Mapping[str, float] | None) -> Any:
    if isinstance(ellipse, Mapping):
        return dict(ellipse)
    return "mask" if ellipse else None


def _axis(name: str, value: Mapping[str, Any] | Sequence[Any]) -> dict[str, Any]:
    entry = dict(value) if isinstance(value, Mapping) else {"bins": value}
    bins = entry.get("bins")
    if isinstance(bins, Sequence | np.ndarray) and not isinstance(bins, str):
        entry["bins"] = [np.asarray(part).tolist() for part in bins]
    return {"map": name} | entry
