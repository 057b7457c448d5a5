"""Process the data again with the qmap that was edited, and see old and new side by side."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from html import escape
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets

from xpcs_nb.errors import FlowError, OptionError, XpcsError
from xpcs_nb.hdf5 import is_result
from xpcs_nb.qmap import QMap
from xpcs_nb.results import open_result
from xpcs_nb.widgets._latest import in_this_loop

if TYPE_CHECKING:
    import xarray as xr

    from xpcs_nb.flows import Facility, Run

__all__ = ["Resubmit"]

#: Seconds between two looks at a run: on this machine, elsewhere.
PACES = {"local": 0.25, "globus": 3.0}
#: Of the figure on the page.
DPI = 90
#: Bins on a page.
PER_PAGE = 9
WORDS = {"SUCCEEDED": "is done", "FAILED": "failed", "INACTIVE": "was interrupted", "ENDED": "was cancelled"}


class Resubmit(ipywidgets.VBox):
    """Starts the flow that processes the data again with a qmap, follows it, and compares its result with the old one.

    Parameters
    ----------
    source
        What was processed before: a result, opened or its file; or a raw file, which is then processed the first time.
        None: there is nothing to process.
    qmap
        Gives the qmap to process with, when it is started.
    facility
        Where; by default this machine.
    metadata
        Of a raw file; None takes the file beside it.
    """

    def __init__(
        self,
        source: str | Path | xr.DataTree | None,
        qmap: Callable[[], QMap],
        *,
        facility: Facility | None = None,
        metadata: str | Path | None = None,
    ) -> None:
        self._call = in_this_loop()
        self._source, self._qmap, self._metadata = source, qmap, metadata
        self._facility = facility
        self._watcher: threading.Thread | None = None
        self._closed = threading.Event()
        self.run: Run | None = None
        self.result_path: Path | None = None
        self._path = _path_of(source)
        self._again = self._path is not None and is_result(self._path)
        self.suffix = ipywidgets.Text(
            "_reprocessed", description="suffix", tooltip="of the new dataset, after the name of the old one"
        )
        self.start_button = self._button("Reprocess" if self._again else "Process", self._pressed, "primary")
        self.retry_button = self._button("Retry", lambda: self.retry(), "")
        self.cancel_button = self._button("Cancel", lambda: self.cancel(), "")
        self.progress = ipywidgets.IntProgress(min=0, max=1, layout={"width": "160px", "visibility": "hidden"})
        self._status = ipywidgets.HTML(layout={"min_height": "22px"})
        self.steps = ipywidgets.HTML()
        self.page = ipywidgets.BoundedIntText(1, min=1, max=1, description="page", layout={"display": "none"})
        self.page.observe(lambda _: self._turn(), "value")
        self.figure = ipywidgets.Image(format="png", layout={"display": "none", "max_width": "100%"})
        row = [self.suffix, self.start_button, self.retry_button, self.cancel_button, self.progress]
        super().__init__(
            [
                ipywidgets.HBox(row if self._again else row[1:], layout={"flex_flow": "row wrap"}),
                self._status,
                self.page,
                self.figure,
                self.steps,
            ]
        )
        self.add_class("xnb-resubmit")
        self._allow(start=self._path is not None)
        if self._path is None:
            self._say("There is no result and no raw file to process.")

    @property
    def message(self) -> str:
        """What the panel says at present, as HTML."""
        return str(self._status.value)

    def start(self, facility: Facility | None = None, *, suffix: str | None = None, **options: Any) -> Run:
        """Start the flow and follow it; returns at once.

        Parameters
        ----------
        facility
            Where; by default the one given before, or this machine.
        suffix
            Of the new dataset; by default what is typed in.
        **options
            As in `Facility.reprocess`, or in `Facility.process` for raw frames.

        Raises
        ------
        OptionError
            There is nothing to process.
        XpcsError
            As these raise before anything is submitted.
        """
        if self._path is None:
            raise OptionError(
                "there is nothing to process", got="a qmap or an array", expected="a result or a raw file"
            )
        if facility is not None or self._facility is None:
            self._facility = facility if facility is not None else _here()
        qmap = self._qmap()
        if self._again:
            what = self._path if self._source is None else self._source
            run = self._facility.reprocess(what, qmap, suffix or self.suffix.value, **options)
        else:
            run = self._facility.process(self._path, qmap, metadata=self._metadata, **options)
        self.run = run
        self._follow()
        return run

    def retry(self) -> None:
        """Go on from the step that failed or was interrupted."""
        if self.run is None:
            raise FlowError("nothing was started yet", where="retry")
        self.run.retry()
        self._follow()

    def cancel(self) -> None:
        """End the run as soon as possible."""
        if self.run is None:
            raise FlowError("nothing was started yet", where="cancel")
        self.run.cancel()

    def wait(self, timeout: float | None = None) -> bool:
        """Return True when the run has ended and its result is shown, False after `timeout` seconds."""
        if self._watcher is None:
            return True
        self._watcher.join(timeout)
        return not self._watcher.is_alive()

    def close(self) -> None:
        """Stop following the run, which goes on, and take the panel from the page."""
        self._closed.set()
        super().close()

    def _button(self, text: str, action: Callable[[], object], style: str) -> ipywidgets.Button:
        button = ipywidgets.Button(description=text, button_style=style, layout={"width": "110px"})
        button.on_click(lambda _: self._safely(action))
        return button

    def _pressed(self) -> None:
        self._say("Starting …")
        self.start()

    def _safely(self, action: Callable[[], object]) -> None:
        """Do what a button asks for, and say what is wrong."""
        try:
            action()
        except XpcsError as error:
            self._say(escape(str(error)), wrong=True)

    def _follow(self) -> None:
        assert self.run is not None  # noqa: S101 - just started
        self._allow(cancel=True)
        self.progress.layout.visibility = "visible"
        self.figure.layout.display = "none"
        self._watcher = threading.Thread(target=self._watch, args=(self.run,), name="xpcs_nb run", daemon=True)
        self._watcher.start()

    def _watch(self, run: Run) -> None:
        """Look at the run until it ends; in a thread."""
        pace = PACES.get(self._facility.site.kind if self._facility is not None else "local", 1.0)
        try:
            while not self._closed.is_set():
                status, steps, table = run.status, run.steps, run._repr_html_()
                done = sum(step.state == "succeeded" for step in steps)
                name = steps[-1].name if steps else "queued"
                # A run leaves out what was not asked for: publication, the transfer back.
                total = done if status == "SUCCEEDED" else max(run.n_steps, done)
                self._call(self._show_steps, status, name, done, total, table)
                if status != "ACTIVE":
                    break
                self._closed.wait(pace)
            if not self._closed.is_set() and run.status == "SUCCEEDED":
                self.result_path = run.result_path
                self._call(self._show, *self._drawn(1))
        except Exception as error:  # noqa: BLE001 - said in the panel, whatever it is
            self._call(self._failed, error)

    def _show_steps(self, status: str, name: str, done: int, total: int, table: str) -> None:
        self.progress.max, self.progress.value = max(total, 1), done
        self.steps.value = table
        if status == "ACTIVE":
            self._say(f"{escape(name)} …")
            return
        self.progress.bar_style = "success" if status == "SUCCEEDED" else "danger"
        self._allow(start=True, retry=status in {"FAILED", "INACTIVE"})
        done = status == "SUCCEEDED"
        self._say(f"The run {WORDS[status]}" + (". Drawing …" if done else f", at {escape(name)}."), wrong=not done)

    def _drawn(self, page: int) -> tuple[bytes, int]:
        """Draw old and new side by side, or the new one where there is no old one; return the picture and the pages."""
        from xpcs_nb.plots import compare, plot_g2

        assert self.result_path is not None  # noqa: S101 - drawn when it is there
        with open_result(self.result_path) as new:
            n_bins = new["multitau"].sizes["bin"]
            if self._again and self._path is not None:
                figure = compare(self._path, new, page=page, per_page=PER_PAGE)
            else:
                figure = plot_g2(new, page=page, per_page=PER_PAGE)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=DPI)
        return buffer.getvalue(), -(-n_bins // PER_PAGE)

    def _turn(self) -> None:
        if self.result_path is not None:
            self._safely(lambda: self._show(*self._drawn(self.page.value)))

    def _show(self, picture: bytes, pages: int) -> None:
        self.figure.value = picture
        self.figure.layout.display = None
        self.page.max = max(pages, 1)
        self.page.layout.display = None if pages > 1 else "none"
        kind = "Old and new side by side" if self._again else "g<sub>2</sub>"
        self._say(f"{kind}. The result: <code>{escape(str(self.result_path))}</code>")

    def _failed(self, error: Exception) -> None:
        self._allow(start=True, retry=True)
        known = isinstance(error, XpcsError)
        self._say(escape(str(error) if known else f"{type(error).__name__}: {error}"), wrong=True)

    def _allow(self, *, start: bool = False, retry: bool = False, cancel: bool = False) -> None:
        for button, allowed in ((self.start_button, start), (self.retry_button, retry), (self.cancel_button, cancel)):
            button.disabled = not allowed

    def _say(self, text: str, *, wrong: bool = False) -> None:
        colour = ' style="color:var(--jp-error-color1, #b71c1c)"' if wrong else ""
        self._status.value = f'<span role="status" aria-live="polite"{colour}>{text}</span>'


def _path_of(source: Any) -> Path | None:
    """Return the file of what was processed before."""
    if isinstance(source, str | PathLike):
        return Path(source)
    path = getattr(source, "attrs", {}).get("path") or getattr(source, "path", None)
    return None if path is None else Path(path)


def _here() -> Facility:
    from xpcs_nb.flows import connect

    return connect()
