"""How two runs of the same differ: numbers, versions, files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from xpcs_nb.results import open_result

__all__ = ["TOLERANCE", "Difference", "compare_results", "compare_values", "compare_versions"]

#: Relative; of arrays, to their largest value.
TOLERANCE = 1e-6
#: Nodes of a result whose arrays are compared.
NODES = ("multitau", "twotime", "saxs", "qmap")


@dataclass(frozen=True)
class Difference:
    """What was, and what is.

    Attributes
    ----------
    kind
        ``number``, ``version`` or ``file``.
    name
        Of what differs.
    old, new
        As text.
    """

    kind: Literal["number", "version", "file"]
    name: str
    old: str
    new: str

    def __str__(self) -> str:
        return (
            f"{self.kind}  {self.name}: {self.old} -> {self.new}"
            if self.old
            else f"{self.kind}  {self.name} {self.new}"
        )


def compare_versions(old: Mapping[str, str], new: Mapping[str, str]) -> list[Difference]:
    """Return packages whose versions differ; those that only one of both tells of are left out, unless old had them."""
    names = sorted(name for name in old if old[name] != new.get(name))
    return [Difference("version", name, old[name], new.get(name, "none")) for name in names]


def compare_values(old: Mapping[str, Any], new: Mapping[str, Any], where: str) -> tuple[int, list[Difference]]:
    """Return how many values were compared, and those that differ."""
    found = [
        Difference("number", f"{where}: {name}", str(value), str(new.get(name, "missing")))
        for name, value in old.items()
        if not _same(value, new.get(name))
    ]
    return len(old), found


def _same(old: Any, new: Any) -> bool:
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(_same, old, new))
    if isinstance(old, int | float) and isinstance(new, int | float) and not isinstance(old, bool):
        return bool(np.isclose(old, new, rtol=TOLERANCE, atol=0, equal_nan=True))
    return bool(old == new)


def compare_results(old: Path, new: Path, where: str) -> tuple[int, list[Difference]]:
    """Return how many numbers of two result files were compared, and the arrays that differ."""
    compared = 0
    found = []
    with open_result(old) as first, open_result(new) as second:
        for name, mine, its in _arrays(first, second):
            compared += mine.size
            if its is None or its.shape != mine.shape:
                shape = "missing" if its is None else f"shape {its.shape}"
                found.append(Difference("number", f"{where}: {name}", f"shape {mine.shape}", shape))
            elif (worst := _distance(mine, its)) > TOLERANCE:
                found.append(
                    Difference("number", f"{where}: {name}", "", f"differs by {worst:.2g} of its largest value")
                )
    return compared, found


def _arrays(first: Any, second: Any) -> Iterator[tuple[str, Any, Any]]:
    for node in NODES:
        if node not in first.children:
            continue
        its = second[node].to_dataset() if node in second.children else {}
        for name, array in first[node].to_dataset().variables.items():
            if np.issubdtype(array.dtype, np.number) or array.dtype == bool:
                other = its[name].to_numpy() if name in its else None
                yield f"{node}/{name}", array.to_numpy(), other


def _distance(old: np.ndarray[Any, Any], new: np.ndarray[Any, Any]) -> float:
    """Return the largest difference, relative to the largest value; infinite where only one has a number."""
    mine, its = old.astype(float), new.astype(float)
    known = np.isfinite(mine)
    if not np.array_equal(known, np.isfinite(its)):
        return float("inf")
    if not known.any():
        return 0.0
    scale = np.abs(mine[known]).max() or 1.0
    return float(np.abs(mine[known] - its[known]).max() / scale)
