"""``xpcs-nb average``: repeats of one measurement into one result."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["average"]


class _Weights(StrEnum):
    equal = "equal"
    errors = "errors"


class _Errors(StrEnum):
    auto = "auto"
    scatter = "scatter"
    scaled = "scaled"


def average(
    results: Annotated[list[Path], typer.Argument(help="Result files of the same qmap, delays and frames")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File (.hdf) or folder; there it is Average_<first>_results.hdf")
    ] = Path("cluster_results"),
    weights: Annotated[_Weights, typer.Option(help="Repeats count the same, or by 1/error^2")] = _Weights.equal,
    errors: Annotated[
        _Errors,
        typer.Option(help="Scatter of the repeats, or their own errors scaled to it; auto: the first from 100 on"),
    ] = _Errors.auto,
    outliers: Annotated[bool, typer.Option(help="Leave out repeats that do not agree with the others")] = True,
    max_chi2: Annotated[
        float | None, typer.Option(help="Largest chi2 a point against the mean of the others; default: by comparison")
    ] = None,
    baseline_min: Annotated[float | None, typer.Option(help="Least baseline of g2 of a repeat")] = None,
    baseline_max: Annotated[float | None, typer.Option(help="Largest baseline of g2 of a repeat")] = None,
    baseline_window: Annotated[int, typer.Option(min=1, help="Delays at the end that make the baseline")] = 3,
    baseline_bins: Annotated[
        str | None, typer.Option(help="Dynamic bins that make the baseline, as in 1,3,5; default: all")
    ] = None,
    sums: Annotated[bool, typer.Option(help="Average G, IP, IF of each pixel where all results have them")] = True,
    twotime: Annotated[bool, typer.Option(help="Average two-time maps where all results have them")] = True,
    overwrite: Annotated[bool, typer.Option("--overwrite", "-w", help="Replace an existing file")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar")] = False,
) -> None:
    """Average RESULTS; says which are left out and why, and prints the path of the average."""
    # Imported late: --help must not wait for the numerical packages.
    from xpcs_nb.cli._progress import ProgressBar
    from xpcs_nb.reduction import average_to_file

    limits = None
    if baseline_min is not None or baseline_max is not None:
        low = float("-inf") if baseline_min is None else baseline_min
        limits = (low, float("inf") if baseline_max is None else baseline_max)
    with ProgressBar(hidden=quiet or not sys.stderr.isatty(), unit="steps") as progress:
        done = average_to_file(
            results,
            output=output,
            weights=weights.value,
            errors=errors.value,
            outliers=outliers,
            max_chi2=max_chi2,
            baseline=limits,
            baseline_window=baseline_window,
            baseline_bins=_labels(baseline_bins),
            sums=sums,
            twotime=twotime,
            overwrite=overwrite,
            progress=progress,
        )
    typer.echo(done.path)


def _labels(text: str | None) -> list[int] | None:
    if text is None:
        return None
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise typer.BadParameter(f"labels of bins are expected, as in 1,3,5; got {text}") from None
