"""Names of result files."""

from __future__ import annotations

from pathlib import Path

__all__ = ["dataset_name", "result_path"]

#: Endings that belong to the format, not to the dataset: ``A001.bin.000`` and ``A001_metadata.hdf`` are A001.
_FORMATS = (".tpx", ".hdf", ".h5", ".bin", ".imm")


def dataset_name(raw: Path) -> str:
    """Return the name of a dataset: that of its raw file without what belongs to the format."""
    name = raw.stem
    for ending in _FORMATS:
        name = name.removesuffix(ending)
    return name.removesuffix("_metadata")


def result_path(
    output: Path, raw: Path, *, prefix: str | None = None, suffix: str | None = None, overwrite: bool = False
) -> Path:
    """Return ``<output>/<prefix>_<dataset>_<suffix>_results.hdf``, with ``_1``, ``_2``, ... where that is taken.

    Parameters
    ----------
    output
        Folder of the result.
    raw
        Raw file that names the dataset.
    prefix, suffix
        Added to the name, joined by one underscore.
    overwrite
        Return the first name even if it is taken.
    """
    name = dataset_name(raw)
    if prefix:
        name = f"{prefix.rstrip('_')}_{name}"
    if suffix:
        name = f"{name}_{suffix.lstrip('_')}"
    path = output / f"{name}_results.hdf"
    number = 0
    while path.exists() and not overwrite:
        number += 1
        path = output / f"{name}_results_{number}.hdf"
    return path
