"""What a result file holds, in words that do not depend on its layout."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "MapStack", "Node", "ResultContent", "Stored"]


@dataclass(frozen=True)
class Stored:
    """An array that stays in the file until it is used.

    Attributes
    ----------
    dataset
        Path inside the file.
    shape, dtype
        As seen by the user.
    lead
        Index of the leading axis to take, when the file has one axis more than the user sees.
    as_bool
        Values become True where they are not 0.
    """

    dataset: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    lead: int | None = None
    as_bool: bool = False


@dataclass(frozen=True)
class MapStack:
    """Two-time maps, one dataset a bin, of which the file holds the upper triangle.

    Attributes
    ----------
    datasets
        Path inside the file of each map.
    shape
        (bins, N, N).
    dtype
        Of the values.
    chunks
        Rows and columns that the file stores as one piece, which is read whole; None where any part can be read.
    """

    datasets: tuple[str, ...]
    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    chunks: tuple[int, int] | None = None


@dataclass(frozen=True)
class Array:
    """A named array: dimensions, values (or where they lie), unit and meaning."""

    dims: tuple[str, ...]
    data: NDArray[Any] | Stored | MapStack
    units: str
    long_name: str
    attrs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Node:
    """A group of arrays that share coordinates."""

    variables: dict[str, Array] = field(default_factory=dict)
    coords: dict[str, Array] = field(default_factory=dict)
    attrs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ResultContent:
    """A result file: its layout, what is true of the whole, and its nodes by name."""

    layout: str
    attrs: dict[str, Any]
    nodes: dict[str, Node]
