"""``xpcs-nb demo``: a measurement with a known answer, through the whole path."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import xarray as xr

from xpcs_nb.analysis import fit_dispersion, fit_g2
from xpcs_nb.flows import Run, connect
from xpcs_nb.recipes import run_recipe
from xpcs_nb.results import open_result
from xpcs_nb.testing import Measurement, compare_twin, simulate_measurement, twin

__all__ = ["DemoReport", "run_demo", "run_twin_demo"]


@dataclass(frozen=True)
class DemoReport:
    """Where the demo left its files and its record, and a table of known against recovered."""

    result: Path
    subject: str
    notebook: Path | None
    table: str


def run_demo(
    folder: Path,
    *,
    seed: int = 0,
    notebook: bool = True,
    say: Callable[[str], None],
    progress: bool = False,
) -> DemoReport:
    """Simulate Brownian particles, process them as a beamline would, fit, and compare D with the one put in.

    Parameters
    ----------
    folder
        Everything goes below it: ``beamline/`` (raw, metadata, qmap), ``processing/``, ``published/``,
        ``catalogue.sqlite``.
    seed
        Of the simulation.
    notebook
        Also execute the recipe ``01_quickstart`` on the result.
    say
        Called with a line for the user at each stage.
    progress
        Show a bar while the flow runs.
    """
    say("simulating Brownian particles: raw frames, metadata and qmap as a beamline writes them")
    measurement = simulate_measurement(folder / "beamline", seed=seed)
    result, subject = _process(measurement, folder, say, progress=progress)
    with open_result(result) as tree:
        table = _known_and_recovered(tree, measurement)
    executed = None
    if notebook:
        say("executing the notebook")
        executed = run_recipe("01_quickstart", folder / "quickstart.ipynb", {"result": str(result.absolute())})
    return DemoReport(result, subject, executed, table)


def run_twin_demo(
    like: Path,
    folder: Path,
    *,
    n_frames: int | None = None,
    seed: int = 0,
    say: Callable[[str], None],
    progress: bool = False,
) -> DemoReport:
    """Simulate a measured result's twin in its detector's raw format, process it, and compare with the measurement.

    Parameters
    ----------
    like
        Result file of the measurement.
    folder, seed, say, progress
        As in `run_demo`.
    n_frames
        Length of the twin; by default that of the measurement.
    """
    say(f"simulating the twin of {like.name}")
    measurement = twin(like, folder / "beamline", n_frames=n_frames, seed=seed)
    result, subject = _process(measurement, folder, say, progress=progress, normalize_frame=False)
    with open_result(result) as tree:
        report = compare_twin(measurement, tree, like)
    return DemoReport(result, subject, None, str(report))


def _process(
    measurement: Measurement,
    folder: Path,
    say: Callable[[str], None],
    *,
    progress: bool,
    normalize_frame: bool = True,
) -> tuple[Path, str]:
    """Run the online flow on this machine; return the result file and the subject of its record."""
    say("processing: the steps of the online flow")
    # In this process: nothing goes on when the demo has ended.
    with connect(home=folder, detached=False) as facility:
        run = facility.process(
            measurement.raw, measurement.qmap, metadata=measurement.metadata, normalize_frame=normalize_frame
        )
        _tell(run.wait(progress=progress), say)
        return run.result_path, run.record.subject


def _tell(run: Run, say: Callable[[str], None]) -> None:
    for step in run.steps:
        say(f"  {step.name:<24} {step.state}  {step.seconds or 0:6.2f} s")


def _known_and_recovered(tree: xr.DataTree, measurement: Measurement) -> str:
    truth = measurement.truth
    fit = fit_g2(tree["multitau"].to_dataset())
    diffusion, free = fit_dispersion(fit, exponent=2), fit_dispersion(fit)
    rows = [
        ("D (angstrom^2/s)", truth.D, diffusion.D, diffusion.D_err),
        ("n of rate = D q^n", truth.exponent, free.exponent, free.exponent_err),
    ]
    lines = [f"{'':<20}{'known':>12}{'recovered':>14}{'+-':>10}{'difference':>13}"]
    lines += [
        f"{name:<20}{known:>12.5g}{found:>14.5g}{error:>10.2g}{found / known - 1:>12.2%}"
        for name, known, found, error in rows
    ]
    return "\n".join(lines)
