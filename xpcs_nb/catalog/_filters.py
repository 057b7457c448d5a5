"""What can be asked for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

__all__ = ["Asked", "Filter", "Not", "Range", "Scalar"]

type Scalar = str | float | bool | datetime
type Range = tuple[Scalar | None, Scalar | None]
type Filter = Scalar | Range | Collection[Scalar] | Not | None


@dataclass(frozen=True)
class Not:
    """A filter that the records must not pass.

    Attributes
    ----------
    wanted
        A value, a set or list of values, a range, or None (so that ``Not(None)`` finds what has the key).
    """

    wanted: Scalar | Range | Collection[Scalar] | None


@dataclass(frozen=True)
class Asked:
    """The arguments of a search, as `Catalog.search` has them."""

    text: str
    filters: Mapping[str, Filter]
    as_seen_by: Collection[str] | None
    sort: str | Sequence[str] | None
    facets: Collection[str]
    facet_size: int
