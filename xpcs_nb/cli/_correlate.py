"""``xpcs-nb correlate``: option names as in boost_corr."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from xpcs_nb.core import ReductionOptions

__all__ = ["correlate"]


class _Engine(StrEnum):
    auto = "auto"
    builtin = "builtin"
    boost_corr = "boost_corr"


class _Smooth(StrEnum):
    sqmap = "sqmap"
    dqmap = "dqmap"


def correlate(
    raw: Annotated[Path, typer.Argument(help="Raw data: HDF5, Eiger master, IMM, Rigaku .bin or .bin.000")],
    qmap: Annotated[Path, typer.Option("--qmap", "-q", help="Mask and partition (APS layout)")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the result file")] = Path("cluster_results"),
    type_: Annotated[str, typer.Option("--type", "-t", help="multitau, twotime, both or twotime-log")] = "multitau",
    engine: Annotated[_Engine, typer.Option(help="auto: boost_corr on a GPU, builtin on a CPU")] = _Engine.auto,
    begin_frame: Annotated[int, typer.Option("--begin-frame", "-b", help="First frame, from 0")] = 0,
    end_frame: Annotated[int, typer.Option("--end-frame", "-e", help="One past the last frame; -1 for all")] = -1,
    stride_frame: Annotated[int, typer.Option("--stride-frame", "-f", help="Take every n-th frame")] = 1,
    avg_frame: Annotated[int, typer.Option("--avg-frame", "-a", help="Average n frames before correlating")] = 1,
    smooth: Annotated[
        _Smooth, typer.Option("--smooth", "-s", help="Two-time: smooth by static (sqmap) or dynamic (dqmap) bin")
    ] = _Smooth.sqmap,
    dq_selection: Annotated[
        str, typer.Option("--dq-selection", "-d", help="Two-time: dynamic bins, as in 1,3,5-7")
    ] = "all",
    normalize_frame: Annotated[
        int, typer.Option("--normalize-frame", "-nf", min=0, max=1, help="1: divide each frame by its mean")
    ] = 1,
    save_g2: Annotated[bool, typer.Option("--save-g2", "--save-G2", "-G", help="Keep G, IP, IF of each pixel")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", "-w", help="Replace an existing result")] = False,
    gpu_id: Annotated[int, typer.Option("--gpu-id", "-i", help="Device of boost_corr; -1 for the CPU")] = -1,
    num_partial_g2: Annotated[
        int, typer.Option("--num-partial-g2", "-np", help="Also g2 of the first 1/n, 2/n, ... of the series")
    ] = 0,
    prefix: Annotated[str | None, typer.Option("--prefix", "-p", help="Put before the result's name")] = None,
    suffix: Annotated[str | None, typer.Option("--suffix", "-u", help="Put after the result's name")] = None,
    metadata: Annotated[
        Path | None, typer.Option("--meta-fname", "--metadata", help="Metadata file, if not beside the raw file")
    ] = None,
    threads: Annotated[int, typer.Option(help="Threads of the builtin engine; 0 for one a core")] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar")] = False,
) -> None:
    """Correlate RAW with a qmap and write <dataset>_results.hdf; prints the path of the result."""
    options = ReductionOptions(
        type=type_,  # type: ignore[arg-type]  # any case; checked there
        engine=engine.value,
        begin_frame=begin_frame,
        end_frame=end_frame,
        stride_frame=stride_frame,
        avg_frame=avg_frame,
        smooth=smooth.value,
        dq_selection=dq_selection,  # type: ignore[arg-type]  # text or labels; parsed there
        normalize_frame=bool(normalize_frame),
        save_g2=save_g2,
        overwrite=overwrite,
        gpu_id=gpu_id,
        num_partial_g2=num_partial_g2,
        prefix=prefix,
        suffix=suffix,
        threads=threads,
    )
    # Imported late: --help and a bad option must not wait for the numerical packages.
    from xpcs_nb.cli._progress import ProgressBar
    from xpcs_nb.reduction import correlate_to_file

    with ProgressBar(hidden=quiet or not sys.stderr.isatty()) as progress:
        path = correlate_to_file(raw, qmap, output=output, metadata=metadata, options=options, progress=progress)
    typer.echo(path)
