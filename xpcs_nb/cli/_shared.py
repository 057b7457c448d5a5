"""Options that several commands have: of the reduction, of the queue, of the site."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

if TYPE_CHECKING:
    from xpcs_nb.flows import Facility, Run

__all__ = ["SiteOption", "facility", "publication", "queue", "reduction", "shown", "with_options"]

SiteOption = Annotated[
    str | None, typer.Option("--site", "--deployment", "-d", help="Name or TOML file of a site; default: this machine")
]


class _Engine(StrEnum):
    auto = "auto"
    builtin = "builtin"
    boost_corr = "boost_corr"


class _Smooth(StrEnum):
    sqmap = "sqmap"
    dqmap = "dqmap"


def reduction(
    type: Annotated[str | None, typer.Option("--type", "--atype", "-t", help="multitau, twotime or both")] = None,
    engine: Annotated[_Engine | None, typer.Option(help="auto: boost_corr on a GPU, builtin on a CPU")] = None,
    begin_frame: Annotated[int | None, typer.Option("--begin-frame", "-b", help="First frame, from 0")] = None,
    end_frame: Annotated[int | None, typer.Option("--end-frame", "-e", help="One past the last; -1 for all")] = None,
    stride_frame: Annotated[int | None, typer.Option("--stride-frame", "-f", help="Take every n-th frame")] = None,
    avg_frame: Annotated[int | None, typer.Option("--avg-frame", "-a", help="Average n frames")] = None,
    smooth: Annotated[_Smooth | None, typer.Option("--smooth", "-s", help="Two-time: smooth by bin")] = None,
    dq_selection: Annotated[str | None, typer.Option(help="Two-time: dynamic bins, as in 1,3,5-7")] = None,
    normalize_frame: Annotated[bool | None, typer.Option(help="Divide each frame by its mean")] = None,
    save_g2: Annotated[bool | None, typer.Option("--save-g2", "--save-G2", "-G", help="Keep G, IP, IF")] = None,
    gpu_id: Annotated[int | None, typer.Option("--gpu-id", "-i", help="Device of boost_corr; -1 for the CPU")] = None,
    num_partial_g2: Annotated[int | None, typer.Option("--num-partial-g2", "-np", help="g2 of parts")] = None,
) -> None:
    """Options of the reduction; what is not given is as by default, or as it was."""


def queue(
    queue: Annotated[str | None, typer.Option(help="Queue of the scheduler")] = None,
    account: Annotated[str | None, typer.Option(help="Allocation to charge")] = None,
    walltime: Annotated[str | None, typer.Option(help="hh:mm:ss")] = None,
    nodes_per_block: Annotated[int | None, typer.Option(min=1, help="Nodes of a job")] = None,
    max_blocks: Annotated[int | None, typer.Option(min=1, help="Jobs at a time")] = None,
) -> None:
    """Options of the queue; what is not given is as the site has it."""


def publication(
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Transfer the results back, to here")] = None,
    group: Annotated[str | None, typer.Option(help="UUID of the Globus group that may see the results")] = None,
    publish: Annotated[bool, typer.Option(help="Publish the results")] = True,
    skip_transfer_back: Annotated[
        bool, typer.Option("--skip-transfer-back", help="Leave the results where they are processed")
    ] = False,
    active_runs_limit: Annotated[int | None, typer.Option(min=1, help="Wait until fewer runs are active")] = None,
) -> None:
    """Options of what happens to the results."""


def with_options(*sources: Callable[..., None]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command, in place of its ``**options``, the parameters of `sources`, without those that are None."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = [each for each in inspect.signature(command).parameters.values() if each.kind is not each.VAR_KEYWORD]
        more = [each for source in sources for each in inspect.signature(source).parameters.values()]
        hints = {
            name: hint for one in (command, *sources) for name, hint in get_type_hints(one, include_extras=True).items()
        }
        names = {each.name for each in own}

        def run(**given: Any) -> None:
            command(**{name: value for name, value in given.items() if name in names or value is not None})

        parameters = [each.replace(kind=each.KEYWORD_ONLY, annotation=hints[each.name]) for each in (*own, *more)]
        # typer reads these.
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {each.name: each.annotation for each in parameters}
        run.__doc__, run.__name__ = command.__doc__, command.__name__
        return run

    return decorate


def facility(site: str | None) -> Facility:
    """Return the facility of a command; imported late, because it takes time."""
    from xpcs_nb.flows import connect

    return connect(site)


def shown(run: Run) -> str:
    """Return the steps of a run as a table, and why it failed."""
    lines = [f"{run.id}  {run.label}  {run.status}"]
    for step in run.steps:
        seconds = "" if step.seconds is None else f"{step.seconds:9.2f} s"
        lines.append(f"  {step.name:<24} {step.state:<11}{seconds}")
        if step.error:
            lines += [f"    {line}" for line in step.error.splitlines()]
    lines += [f"  {name}: {reason}" for name, reason in run.failures.items() if run.status == "SUCCEEDED"]
    return "\n".join(lines)
