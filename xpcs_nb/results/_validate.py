"""Look a result file through, and list what is wrong instead of stopping at the first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from xpcs_nb.errors import XpcsError
from xpcs_nb.results._backend import open_result

__all__ = ["ResultFinding", "validate_result"]


@dataclass(frozen=True)
class ResultFinding:
    """Something wrong with a result: where, and what."""

    where: str
    problem: str

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}"


def validate_result(path: str | Path) -> list[ResultFinding]:
    """Return everything that is wrong with a result file; an empty list for a sound one.

    A file that can't be opened is one finding with the reason. Every array is read once, a two-time map at a time.
    """
    try:
        tree = open_result(path)
    except XpcsError as error:
        return [ResultFinding(str(path), str(error))]
    findings = [*_multitau(tree), *_images(tree), *_unreadable(tree)]
    tree.close()
    return findings


def _multitau(tree: xr.DataTree) -> list[ResultFinding]:
    if "multitau" not in tree.children:
        return []
    data = tree["multitau"].to_dataset()
    delay, g2 = data["delay"].to_numpy(), data["g2"].to_numpy()
    checks = {
        "delays do not rise": bool((np.diff(delay) <= 0).any()),
        "a delay is not positive": bool((delay <= 0).any()),
        f"bins without any g2: {_labels(data, np.isnan(g2).all(axis=0))}": bool(np.isnan(g2).all(axis=0).any()),
        f"bins whose g2 is 0 at every delay: {_labels(data, (g2 == 0).all(axis=0))}": bool((g2 == 0).all(axis=0).any()),
        "g2 is infinite": bool(np.isinf(g2).any()),
        "there is no error of g2": "g2_err" not in data,
    }
    if "G2IPIF_missing" in data.attrs:
        checks[f"G, IP and IF are missing: {data.attrs['G2IPIF_missing']}"] = True
    if "g2_err" in data:
        checks["an error of g2 is negative"] = bool((data["g2_err"].to_numpy() < 0).any())
    return [ResultFinding("multitau", problem) for problem, found in checks.items() if found]


def _labels(data: xr.Dataset, which: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> str:
    return ", ".join(map(str, data["bin"].to_numpy()[which]))


def _images(tree: xr.DataTree) -> list[ResultFinding]:
    shapes = {
        f"{node}/{name}": tree[node][name].shape
        for node, name in (("saxs", "scattering_2d"), ("qmap", "mask"), ("qmap", "dynamic_roi_map"))
        if node in tree.children and name in tree[node].data_vars
    }
    if len(set(shapes.values())) <= 1:
        return []
    return [ResultFinding(", ".join(shapes), f"shapes differ: {', '.join(map(str, shapes.values()))}")]


def _unreadable(tree: xr.DataTree) -> Iterator[ResultFinding]:
    for node in tree.children.values():
        for name, array in node.to_dataset().data_vars.items():
            # Maps and sums can be larger than memory: one at a time.
            parts = [array[number] for number in range(len(array))] if array.ndim > 2 else [array]
            for number, part in enumerate(parts):
                try:
                    part.copy().load()
                except XpcsError as error:
                    yield ResultFinding(f"{node.name}/{name}" + f"[{number}]" * (array.ndim > 2), str(error))
