"""``xpcs-nb xsvs``: speckle visibility of raw data."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["xsvs"]


def xsvs(
    raw: Annotated[Path, typer.Argument(help="Raw data: HDF5, Eiger master, IMM, Rigaku .bin or .bin.000")],
    qmap: Annotated[Path, typer.Option("--qmap", "-q", help="Mask and partition (APS layout)")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Table to write, .csv or .txt")] = None,
    plot: Annotated[Path | None, typer.Option("--plot", help="Picture to write, .png or .pdf")] = None,
    begin_frame: Annotated[int, typer.Option("--begin-frame", "-b", help="First frame, from 0")] = 0,
    end_frame: Annotated[int, typer.Option("--end-frame", "-e", help="One past the last frame; -1 for all")] = -1,
    metadata: Annotated[
        Path | None, typer.Option("--meta-fname", "--metadata", help="Metadata file, if not beside the raw file")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", "-w", help="Replace an existing table")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar")] = False,
) -> None:
    """Measure the speckle contrast of RAW against exposure, and fit its decay; prints a line for each bin."""
    # Imported late: --help must not wait for the numerical packages.
    from xpcs_nb.analysis import fit_visibility
    from xpcs_nb.cli._progress import ProgressBar
    from xpcs_nb.reduction import xsvs as measure
    from xpcs_nb.results import export_xsvs

    with ProgressBar(hidden=quiet or not sys.stderr.isatty()) as progress:
        data = measure(raw, qmap, begin_frame=begin_frame, end_frame=end_frame, metadata=metadata, progress=progress)
    fit = fit_visibility(data)
    typer.echo(f"{'bin':>4} {'contrast':>10} {'error':>9} {'rate (1/s)':>12} {'error':>10}")
    for number in range(fit.sizes["bin"]):
        one = fit.isel(bin=number)
        values = [float(one[name]) for name in ("contrast", "contrast_err", "rate", "rate_err")]
        shown = (
            "{:10.4f} {:9.4f} {:12.5g} {:10.2g}".format(*values) if bool(one["success"]) else str(one["status"].item())
        )
        typer.echo(f"{int(one['bin']):4d} {shown}")
    if output is not None:
        typer.echo(export_xsvs(data, output, overwrite=overwrite))
    if plot is not None:
        from xpcs_nb.plots import plot_xsvs

        plot_xsvs(data, fit=fit).savefig(plot, dpi=160)
        typer.echo(plot)
