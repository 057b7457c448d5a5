"""A facility: where flows are started and found again."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from xpcs_nb.errors import FlowError, ResultExistsError, SiteError
from xpcs_nb.facility import RunDocument, RunStatus, Services
from xpcs_nb.flows._check import Dataset, check_dataset, datasets_of, find_dataset, reduction_options, unseen_dataset
from xpcs_nb.flows._found import CatalogView
from xpcs_nb.flows._places import Request
from xpcs_nb.flows._plan import online_input, reprocess_input
from xpcs_nb.flows._plan_batch import batch_input
from xpcs_nb.flows._run import Pace, Run
from xpcs_nb.flows._sites import Site

if TYPE_CHECKING:
    import xarray as xr

    from xpcs_nb.catalog import Record
    from xpcs_nb.flows._inputs import BatchInput, OnlineInput, ReprocessInput
    from xpcs_nb.qmap import QMap

__all__ = ["PUBLISH_VARIABLE", "QUEUE", "TAG", "Facility"]

#: Every run of ours has it.
TAG = "xpcs_nb"
#: Names of the arguments that say how the nodes are asked for.
QUEUE = ("queue", "account", "walltime", "nodes_per_block", "max_blocks")
#: Where this is 0, runs publish nothing, whatever they are asked for: to try what others have written.
PUBLISH_VARIABLE = "XPCS_NB_PUBLISH"
#: Seconds between two looks: this machine, another.
LOCAL_PACE: Pace = (0.02, 0.03)
REMOTE_PACE: Pace = (1.0, 30.0)


class Facility:
    """Where flows run; made by `connect`.

    Parameters
    ----------
    services
        Flow runs, catalogue and files.
    site
        Where everything goes there.
    folder
        For files of this machine: qmaps that were edited here, results fetched from elsewhere.

    Examples
    --------
    >>> fac = connect()
    >>> run = fac.process("A001/A001.h5", "qmap.hdf").wait()
    >>> run.result()["multitau"]["g2"]
    """

    def __init__(self, services: Services, site: Site, folder: Path) -> None:
        self.services = services
        self.site = site
        self._folder = folder
        self._pace = LOCAL_PACE if site.kind == "local" else REMOTE_PACE
        self._deployed: dict[str, tuple[str, dict[str, str]]] = {}

    @property
    def catalog(self) -> CatalogView:
        """The published records: ``search``, ``get``; they can `load` their results."""
        return CatalogView(self.services, self._folder / "cache")

    def process(
        self,
        raw: str | Path,
        qmap: str | Path | QMap,
        *,
        metadata: str | Path | None = None,
        title: str | None = None,
        output: str | Path | None = None,
        experiment: str | None = None,
        cycle: str | None = None,
        group: str | None = None,
        publish: bool = True,
        skip_transfer_back: bool = False,
        active_runs_limit: int | None = None,
        tags: Sequence[str] = (),
        **options: Any,
    ) -> Run:
        """Start the online flow for one dataset and return at once.

        Transfer, extraction of metadata, a first record, correlation, plots, publication, and the transfer of the
        results to `output` where one is given.

        Parameters
        ----------
        raw
            Raw data file, of any format that `open_frames` reads.
        qmap
            Mask and partition: a file, or a `QMap` (which is saved first).
        metadata
            Metadata file; by default the one beside `raw`.
        title
            Of the record; by default the dataset's name.
        output
            Folder where the results are to go, as ``output/<name>/``; they are published in any case.
        experiment, cycle
            For the record, and the folder it is published in; by default from the metadata, or from the path of `raw`.
        group
            UUID of a Globus group that may see the record and read the files; nobody else then may.
        publish
            False: only process; so in any case where the environment has ``XPCS_NB_PUBLISH=0``.
        skip_transfer_back
            Leave the results where they are processed, even with `output`.
        active_runs_limit
            Wait until fewer runs than this are active; by default that of the site.
        tags
            Of the run, to find it again by `runs`.
        **options
            ``queue``, ``account``, ``walltime`` (hh:mm:ss), ``nodes_per_block`` and ``max_blocks``; and the fields of
            `xpcs_nb.ReductionOptions`.

        Raises
        ------
        XpcsError
            Whatever can be known before anything is submitted: missing files, a qmap that does not fit the frames,
            options.
        """
        request = self._request(
            options,
            qmap=qmap,
            title=title,
            output=output,
            experiment=experiment,
            cycle=cycle,
            group=group,
            publish=publish,
            skip_transfer_back=skip_transfer_back,
        )
        dataset = self._dataset(Path(raw).absolute(), request, _path(metadata))
        made = online_input(self.site, dataset, request)
        return self._start("online", made, active_runs_limit, tags)

    def process_batch(
        self,
        datasets: str | Path | Iterable[str | Path],
        qmap: str | Path | QMap,
        *,
        output: str | Path | None = None,
        experiment: str | None = None,
        cycle: str | None = None,
        group: str | None = None,
        publish: bool = True,
        skip_transfer_back: bool = False,
        active_runs_limit: int | None = None,
        **options: Any,
    ) -> Run:
        """Start one run that processes many datasets with one qmap, and return at once.

        A dataset that fails does so alone; `Run.failures` tells why. One run takes about a thousand datasets.

        Parameters
        ----------
        datasets
            Raw files: a list, a glob pattern, or a manifest file with one path a line.
        qmap, output, experiment, cycle, group, publish, skip_transfer_back, active_runs_limit, **options
            As in `process`.

        Raises
        ------
        MissingFileError
            A raw file, the manifest or the qmap is not there.
        OptionError
            An option can't be used, a name occurs twice, or there are too many datasets for one run.
        """
        from xpcs_nb.qmap import QMap

        paths = datasets_of(datasets)
        if self.site.kind == "local":
            # Datasets go on in parallel; threads beyond the cores would be in each other's way.
            options = {"threads": max(1, (os.cpu_count() or 1) // len(paths)), **options}
        request = self._request(
            options,
            qmap=qmap,
            output=output,
            experiment=experiment,
            cycle=cycle,
            group=group,
            publish=publish,
            skip_transfer_back=skip_transfer_back,
        )
        QMap.from_file(request.qmap)
        look = find_dataset if self.site.sees_source else unseen_dataset
        found = [look(path) for path in paths]
        made = batch_input(self.site, found, request)
        return self._start("batch", made, active_runs_limit)

    def reprocess(
        self,
        what: str | Path | Record | Run | xr.DataTree,
        qmap: str | Path | QMap,
        suffix: str = "reprocessed",
        *,
        title: str | None = None,
        output: str | Path | None = None,
        group: str | None = None,
        publish: bool = True,
        skip_transfer_back: bool = False,
        active_runs_limit: int | None = None,
        **options: Any,
    ) -> Run:
        """Process a dataset again with another qmap, and publish it beside the old one under its name with `suffix`.

        Parameters
        ----------
        what
            What was processed before: a record or its subject, a result file, an opened result, or a `Run`.
        qmap
            Mask and partition: a file, or a `QMap`.
        suffix
            Of the new dataset; it is in its record as ``suffix``, and what it came from as ``origin``.
        title, output, group, publish, skip_transfer_back, active_runs_limit
            As in `process`.
        **options
            As in `process`; fields of `ReductionOptions` that are not given are as they were.

        Raises
        ------
        XpcsError
            As in `process`; also if it is not known where the raw data of `what` are.
        """
        from xpcs_nb.flows._origin import origin_of

        origin = origin_of(what, self.site, self.services)
        request = self._request(
            {**origin.options, **options},
            qmap=qmap,
            title=title,
            output=output,
            experiment=origin.values.get("experiment"),
            cycle=origin.values.get("cycle"),
            group=group,
            publish=publish,
            skip_transfer_back=skip_transfer_back,
            origin=origin.noted,
            again=suffix.lstrip("_"),
        )
        dataset = self._dataset(origin.raw, request, origin.metadata, origin.files)
        made = reprocess_input(self.site, dataset, request, suffix)
        return self._start("reprocess", made, active_runs_limit)

    def runs(
        self, *, status: RunStatus | None = None, tag: str | None = None, limit: int = 50, offset: int = 0
    ) -> list[Run]:
        """Return runs, newest first, also those of other sessions; all of this package, or those with a tag."""
        listed = self.services.flows.list(limit=limit, offset=offset, status=status, tag=tag or TAG)
        return [self._run(each["run_id"], each) for each in listed]

    def run(self, run_id: str) -> Run:
        """Return a run by its id.

        Raises
        ------
        FlowError
            When used, if there is none.
        """
        return self._run(run_id)

    def _run(self, run_id: str, listed: RunDocument | None = None) -> Run:
        return Run(self.services, run_id, folder=self._folder, pace=self._pace, listed=listed)

    def close(self) -> None:
        """Let go of connections; runs go on."""
        self.services.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Facility({self.site.name!r})"

    def _request(
        self,
        options: Mapping[str, Any],
        *,
        qmap: str | Path | QMap,
        output: str | Path | None,
        skip_transfer_back: bool,
        publish: bool,
        **given: Any,
    ) -> Request:
        queue = {name: options[name] for name in QUEUE if options.get(name) is not None}
        chosen = reduction_options({name: value for name, value in options.items() if name not in QUEUE})
        return Request(
            qmap=self._qmap_file(qmap),
            options=chosen,
            output=_path(output),
            transfer_back=output is not None and not skip_transfer_back,
            publish=publish and os.environ.get(PUBLISH_VARIABLE) != "0",
            queue=queue,
            **given,
        )

    def _dataset(self, raw: Path, request: Request, metadata: Path | None, files: tuple[Path, ...] = ()) -> Dataset:
        if self.site.sees_source:
            return check_dataset(raw, request.qmap, metadata, request.options)
        from xpcs_nb.qmap import QMap

        QMap.from_file(request.qmap)
        return unseen_dataset(raw, metadata, files)

    def _qmap_file(self, qmap: str | Path | QMap) -> Path:
        """Return the file of a qmap where the site can take it from: one that it can't see is copied there."""
        if isinstance(qmap, str | Path):
            file = Path(qmap).absolute()
            if self.site.staging is None or self.site.shows(file):
                return file
            from xpcs_nb.qmap import QMap

            qmap = QMap.from_file(file)
        if self.site.staging is None:
            raise SiteError(
                "the site has no folder for qmaps that are made here",
                where="staging.folder",
                hint="Save the qmap inside the source collection and give its path, or add [staging] to the site file.",
            )
        path = Path(self.site.staging.folder) / f"qmap_{qmap.hash[:16]}.hdf"
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file():
            # Another job may write the same in the meantime.
            with contextlib.suppress(ResultExistsError):
                qmap.save(path)
        return path

    def _start(
        self, flow: str, made: OnlineInput | ReprocessInput | BatchInput, limit: int | None, tags: Sequence[str] = ()
    ) -> Run:
        from xpcs_nb.flows.definitions import FLOWS, functions_of, load

        self._wait_for_room(limit if limit is not None else self.site.limits.active_runs)
        if flow not in self._deployed:
            self._deployed[flow] = self.services.flows.deploy(FLOWS[flow], load(flow), functions_of(flow))
        flow_id, functions = self._deployed[flow]
        # Globus Flows takes labels of at most 64 characters.
        document = self.services.flows.start(
            flow_id, made.body(functions), label=made.label[:64], tags=[TAG, flow, *tags]
        )
        return self.run(document["run_id"])

    def _wait_for_room(self, limit: int | None) -> None:
        if limit is None:
            return
        if limit < 1:
            raise FlowError("no run could ever be started", got=f"active_runs_limit={limit}", expected="at least 1")
        pause, longest = self._pace
        while len(self.services.flows.list(limit=limit, status="ACTIVE", tag=TAG)) >= limit:
            time.sleep(pause)
            pause = min(pause * 1.3, longest)


def _path(path: str | Path | None) -> Path | None:
    return None if path is None else Path(path).absolute()
