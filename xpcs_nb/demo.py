"""``xpcs-nb demo``: a measurement with a known answer, through the whole path."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import xarray as xr

from xpcs_nb.analysis import fit_dispersion, fit_g2
from xpcs_nb.core import ReductionOptions
from xpcs_nb.flows import OnlineRun, Step, process_online
from xpcs_nb.recipes import run_recipe
from xpcs_nb.results import open_result
from xpcs_nb.testing import Measurement, compare_twin, simulate_measurement, twin

__all__ = ["DemoReport", "run_demo", "run_twin_demo"]


@dataclass(frozen=True)
class DemoReport:
    """Where the demo left its files, and a table of known against recovered."""

    run: OnlineRun
    notebook: Path | None
    table: str


def run_demo(
    folder: Path,
    *,
    seed: int = 0,
    notebook: bool = True,
    say: Callable[[str], None],
    progress: Callable[[str, int, int], None] | None = None,
) -> DemoReport:
    """Simulate Brownian particles, process them as a beamline would, fit, and compare D with the one put in.

    Parameters
    ----------
    folder
        Everything goes below it: ``beamline/`` (raw, metadata, qmap), ``run/``, ``catalogue.sqlite``.
    seed
        Of the simulation.
    notebook
        Also execute the recipe ``quickstart`` on the result.
    say
        Called with a line for the user at each stage.
    progress
        Called with (stage, frames done, frames in all).
    """
    say("simulating Brownian particles: raw frames, metadata and qmap as a beamline writes them")
    measurement = simulate_measurement(folder / "beamline", seed=seed)
    run = _process(measurement, folder, say, progress)
    with open_result(run.result) as tree:
        table = _known_and_recovered(tree, measurement)
    executed = None
    if notebook:
        say("executing the notebook")
        executed = run_recipe("quickstart", folder / "quickstart.ipynb", {"result": str(run.result.absolute())})
    return DemoReport(run, executed, table)


def run_twin_demo(
    like: Path,
    folder: Path,
    *,
    n_frames: int | None = None,
    seed: int = 0,
    say: Callable[[str], None],
    progress: Callable[[str, int, int], None] | None = None,
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
    run = _process(measurement, folder, say, progress, normalize_frame=False)
    with open_result(run.result) as tree:
        report = compare_twin(measurement, tree, like)
    return DemoReport(run, None, str(report))


def _process(
    measurement: Measurement,
    folder: Path,
    say: Callable[[str], None],
    progress: Callable[[str, int, int], None] | None,
    *,
    normalize_frame: bool = True,
) -> OnlineRun:
    def on_step(step: Step) -> None:
        if step.state != "running":
            say(f"  {step.name:<17} {step.state}  {step.seconds:6.2f} s")

    say("processing: the steps of the online flow")
    return process_online(
        measurement.raw,
        measurement.qmap,
        metadata=measurement.metadata,
        folder=folder / "run",
        catalogue=folder / "catalogue.sqlite",
        options=ReductionOptions(overwrite=True, normalize_frame=normalize_frame),
        progress=progress,
        on_step=on_step,
    )


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
