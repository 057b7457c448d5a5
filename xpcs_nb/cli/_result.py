"""``xpcs-nb result``: look at a result file."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["app"]

app = typer.Typer(help="Show, check, plot and export result files.", no_args_is_help=True)

_ResultFile = Annotated[Path, typer.Argument(help="A result file, of this package or of a neighbour")]


@app.command()
def show(result: _ResultFile) -> None:
    """Print what a result holds and how it was made."""
    from xpcs_nb.results import open_result

    with open_result(result) as tree:
        typer.echo(str(tree))


@app.command()
def validate(result: _ResultFile) -> None:
    """List everything that is wrong with a result file; exit code 1 if there is anything."""
    from xpcs_nb.results import validate_result

    findings = validate_result(result)
    for finding in findings:
        typer.echo(str(finding))
    if findings:
        raise typer.Exit(1)
    typer.echo("nothing wrong found")


@app.command()
def trust(result: _ResultFile) -> None:
    """Tell what in a result can be trusted: each check with its number, and what helps."""
    from xpcs_nb.analysis import trust_report
    from xpcs_nb.results import open_result

    with open_result(result) as tree:
        report = trust_report(tree)
    typer.echo(str(report))
    for name in report.warnings:
        typer.echo(f"{report[name].title}: {report[name].remedy}")


@app.command()
def plot(
    result: _ResultFile,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the pictures")] = Path("plots"),
) -> None:
    """Fit g2 and write every plot of a result as PNG."""
    from xpcs_nb.analysis import fit_g2
    from xpcs_nb.plots import save_all
    from xpcs_nb.results import open_result

    with open_result(result) as tree:
        fit = fit_g2(tree["multitau"].to_dataset()) if "multitau" in tree else None
        for path in save_all(tree, output, fit=fit).values():
            typer.echo(path)


class _Format(StrEnum):
    txt = "txt"
    csv = "csv"
    nxs = "nxs"


class _What(StrEnum):
    saxs = "saxs"
    g2 = "g2"
    intensity = "intensity"


@app.command()
def export(
    result: _ResultFile,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the files")] = Path("export"),
    format_: Annotated[
        _Format, typer.Option("--format", "-f", help="Of I(q); nxs is NXcanSAS. Tables are CSV with nxs")
    ] = _Format.csv,
    what: Annotated[list[_What] | None, typer.Option("--what", help="May be repeated; default: all there is")] = None,
    q_range: Annotated[tuple[float, float] | None, typer.Option(help="Least and largest q, 1/angstrom")] = None,
    phi_range: Annotated[tuple[float, float] | None, typer.Option(help="First and last phi of a wedge, degree")] = None,
    opposite: Annotated[bool, typer.Option("--opposite", help="The wedge on the other side of the beam too")] = False,
    ring: Annotated[bool, typer.Option("--ring", help="I(phi) of the range of q, in place of I(q)")] = False,
    bins: Annotated[int, typer.Option(min=1, help="Bins of the curve")] = 200,
    log: Annotated[bool, typer.Option("--log", help="Bins of equal width in log q")] = False,
    solid_angle: Annotated[bool, typer.Option("--solid-angle", help="Divide by the pixels' solid angle")] = False,
    polarization: Annotated[float | None, typer.Option(help="1 horizontal, 0 none, -1 vertical")] = None,
    transmission: Annotated[float | None, typer.Option(help="Divide by it")] = None,
    flux: Annotated[float | None, typer.Option(help="Divide by it, photons/s or monitor")] = None,
    thickness: Annotated[float | None, typer.Option(help="Divide by it, mm")] = None,
    exposure: Annotated[float | None, typer.Option(help="Divide by it, s a frame")] = None,
    frames: Annotated[int | None, typer.Option(min=1, help="Frames averaged, if the file does not say")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", "-w", help="Replace files of these names")] = False,
) -> None:
    """Write I(q) of a wedge (or I(phi) of a ring), g2 and the intensity as files; prints their paths."""
    from xpcs_nb.analysis import normalize_saxs
    from xpcs_nb.results import export_curve, export_g2, export_intensity, open_result

    divided = {"transmission": transmission, "flux": flux, "thickness": thickness, "exposure": exposure}
    given = {name: value for name, value in divided.items() if value is not None}
    table = "csv" if format_ is _Format.nxs else format_.value
    with open_result(result) as tree:
        name = tree.attrs["name"]
        there = {"saxs": "saxs", "g2": "multitau", "intensity": "saxs"}
        for part in what or [each for each in _What if there[each] in tree.children]:
            if part is _What.g2:
                path = export_g2(tree, output / f"{name}_g2.{table}", overwrite=overwrite)
            elif part is _What.intensity:
                path = export_intensity(tree, output / f"{name}_intensity.{table}", overwrite=overwrite)
            else:
                shared = {"n_bins": bins, "solid_angle": solid_angle, "polarization": polarization, "n_frames": frames}
                scale = "log" if log else "linear"
                wedge = None if ring else {"opposite": opposite, "scale": scale}
                curve = _curve(tree, q_range, phi_range, wedge, shared)
                curve = normalize_saxs(curve, by=tuple(given), **given)  # type: ignore[arg-type]
                ending = f"iphi.{table}" if ring else f"iq.{format_.value}"
                path = export_curve(curve, output / f"{name}_{ending}", overwrite=overwrite, title=name)
            typer.echo(path)


def _curve(
    tree: xr.DataTree,
    q_range: tuple[float, float] | None,
    phi_range: tuple[float, float] | None,
    wedge: dict[str, Any] | None,
    shared: dict[str, Any],
) -> xr.Dataset:
    """Integrate over a wedge, or over a ring where there is none."""
    from xpcs_nb.analysis import integrate_ring, integrate_wedge
    from xpcs_nb.errors import OptionError

    if wedge is not None:
        return integrate_wedge(tree, q_range=q_range, phi_range=phi_range, **wedge, **shared)
    if q_range is None:
        raise OptionError("a ring needs its range of q", expected="--q-range LOW HIGH")
    return integrate_ring(tree, q_range=q_range, phi_range=phi_range, **shared)
