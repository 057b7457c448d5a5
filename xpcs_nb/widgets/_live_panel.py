"""The live panel: what the qmap that is being edited does to g2, I(q), and the trust report."""

from __future__ import annotations

import time
from collections.abc import Callable
from html import escape
from os import PathLike
from typing import Any, get_args

import ipywidgets

from xpcs_nb.analysis import ModelName
from xpcs_nb.errors import QMapError, XpcsError
from xpcs_nb.qmap import QMap
from xpcs_nb.reduction import G2Preview
from xpcs_nb.widgets._curves_view import CurvesView
from xpcs_nb.widgets._latest import Latest, in_this_loop
from xpcs_nb.widgets._live_drawing import LEGEND, bin_names, panels_of, trust_text
from xpcs_nb.widgets._live_g2 import LiveG2, LiveState
from xpcs_nb.widgets._live_source import LiveSource

__all__ = ["LivePanel"]

type Drawing = tuple[LiveState, list[dict[str, Any]], dict[int, str]]
#: Least seconds between two looks at the progress.
PACE = 0.1
NO_SUMS = "Live g<sub>2</sub> needs G, IP and IF of each pixel. "


class LivePanel(ipywidgets.VBox):
    """g2 of a qmap while it is edited: old curves beside the new ones, with errors and fit.

    All is computed in a thread. When the qmap changes meanwhile, only the newest counts; what was overtaken is dropped.

    Parameters
    ----------
    source
        A result that was made with ``save_g2``; a result or raw frames to correlate at the press of a button; or a
        `G2Preview`. None: there is nothing to compute from.
    metadata
        Of raw frames; None takes the file beside them.

    Examples
    --------
    >>> panel = LivePanel("A001_results.hdf")
    >>> panel.update(qmap)
    """

    def __init__(
        self, source: str | PathLike[str] | G2Preview | None, *, metadata: str | PathLike[str] | None = None
    ) -> None:
        self._call = in_this_loop()
        self._qmap: QMap | None = None
        self._asked_at = 0.0
        self.live: LiveG2 | None = None
        self.state: LiveState | None = None
        self._preparing = Latest(self._prepare, self._post(self._prepared), self._post(self._not_prepared))
        self._computing = Latest(self._compute, self._post(self._computed), self._post(self._not_computed))
        self._make_controls()
        super().__init__([self._status, self._source_row, self._choice, self.curves, self.trust])
        self.add_class("xnb-live")
        self._source = LiveSource()
        if isinstance(source, G2Preview):
            self._take(LiveG2(source))
        elif source is None:
            self._say("There is no result and no raw file to compute g2 from.")
        else:
            self._begin(source, metadata)

    def _make_controls(self) -> None:
        self._status = ipywidgets.HTML(layout={"min_height": "22px"})
        self.correlate_button = ipywidgets.Button(
            description="Correlate each pixel", tooltip="Correlate the raw frames pixel by pixel, in the background"
        )
        self.correlate_button.on_click(lambda _: self.correlate())
        self.cancel_button = ipywidgets.Button(description="Cancel", tooltip="Stop correlating")
        self.cancel_button.on_click(lambda _: self.cancel())
        self.progress = ipywidgets.IntProgress(min=0, max=1, description="frames")
        self._source_row = ipywidgets.HBox([], layout={"flex_flow": "row wrap"})
        self.bins = ipywidgets.SelectMultiple(description="bins", rows=5, tooltip="bins whose g2 is drawn and fitted")
        self.model = ipywidgets.Dropdown(options=get_args(ModelName), description="fit")
        for control in (self.bins, self.model):
            control.observe(self._chosen, "value")
        self._choice = ipywidgets.HBox([self.bins, self.model], layout={"flex_flow": "row wrap", "display": "none"})
        self.curves = CurvesView()
        self.trust = ipywidgets.HTML()

    @property
    def message(self) -> str:
        """What the panel says at present, as HTML."""
        return str(self._status.value)

    def update(self, qmap: QMap) -> None:
        """Show what a qmap does; returns at once."""
        self._qmap = qmap
        self._asked_at = time.perf_counter()
        if self.live is not None:
            self._computing.ask(qmap)

    def wait(self, timeout: float | None = None) -> bool:
        """Return True when everything is computed, False after `timeout` seconds."""
        return self._preparing.wait(timeout) and self._computing.wait(timeout)

    def correlate(self) -> None:
        """Correlate the raw frames pixel by pixel in the background; `cancel` ends it."""
        self.progress.value = 0
        self._source_row.children = (self.progress, self.cancel_button)
        self._say("Correlating each pixel …")
        self._preparing.ask("correlate")

    def cancel(self) -> None:
        """End correlating in the background."""
        self._preparing.drop()
        self._offer("Cancelled.")

    def close(self) -> None:
        """End the threads, and take the panel from the page."""
        self._preparing.close()
        self._computing.close()
        super().close()

    def _begin(self, source: str | PathLike[str], metadata: str | PathLike[str] | None) -> None:
        try:
            self._source = LiveSource.of(source, metadata)
        except XpcsError as error:
            # An editor is of use without live g2.
            self._say(_words(error))
            return
        if self._source.has_sums:
            self._say("Reading the sums of each pixel …")
            self._preparing.ask("read")
        else:
            self._offer(NO_SUMS)

    def _offer(self, text: str) -> None:
        if self._source.can_correlate:
            self._say(f"{text} The raw frames can be correlated now: {escape(str(self._source.raw))}")
            self._source_row.children = (self.correlate_button,)
        else:
            raw = "the raw frames are not known" if self._source.raw is None else f"{self._source.raw} is not there"
            self._say(f"{text} The result has not kept them (save_g2), and {escape(raw)}.")
            self._source_row.children = ()

    def _prepare(self, what: str, wanted: Callable[[], bool]) -> LiveG2:
        if what == "read":
            return self._source.read(wanted)
        last = 0.0

        def told(done: int, total: int) -> None:
            nonlocal last
            if time.monotonic() - last > PACE or done == total:
                last = time.monotonic()
                self._call(self._show_progress, done, total)

        return self._source.correlate(wanted, told)

    def _show_progress(self, done: int, total: int) -> None:
        self.progress.max, self.progress.value = total, done

    def _prepared(self, live: LiveG2) -> None:
        self._source_row.children = ()
        self._take(live)

    def _not_prepared(self, error: Exception) -> None:
        self._offer(_words(error))

    def _take(self, live: LiveG2) -> None:
        self.live = live
        self._say("")
        if self._qmap is not None:
            self.update(self._qmap)

    def _compute(self, qmap: QMap, wanted: Callable[[], bool]) -> Drawing:
        assert self.live is not None  # noqa: S101 - asked for with it only
        self.live.model = self.model.value
        # Labels of another partition say nothing about this one.
        same = len(qmap.arrays.dynamic_index_mapping) == len(self.bins.options)
        self.live.bins = tuple(self.bins.value) or None if same else None
        state = self.live.update(qmap, wanted=wanted)
        return state, panels_of(state), bin_names(state)

    def _computed(self, drawing: Drawing) -> None:
        state, panels, names = drawing
        self.state = state
        self.curves.draw(panels, LEGEND)
        self.trust.value = trust_text(state.trust)
        self._show_choice(names, state.shown)
        self._say(f"g<sub>2</sub> of {len(names)} bins, {time.perf_counter() - self._asked_at:.2f} s after the edit.")

    def _not_computed(self, error: Exception) -> None:
        self._say(f"{'No g<sub>2</sub>: ' if isinstance(error, QMapError) else ''}{_words(error)}")

    def _show_choice(self, names: dict[int, str], shown: tuple[int, ...]) -> None:
        self._choice.layout.display = None
        options = tuple((text, label) for label, text in names.items())
        if options != self.bins.options:
            with self._quietly():
                self.bins.options = options
        self._choose(shown)

    def _choose(self, labels: tuple[int, ...]) -> None:
        with self._quietly():
            self.bins.value = labels

    def _quietly(self) -> Any:
        return _Unobserved(self.bins, self._chosen)

    def _chosen(self, _: Any) -> None:
        if self._qmap is not None:
            self.update(self._qmap)

    def _say(self, text: str) -> None:
        self._status.value = f'<span role="status" aria-live="polite">{text}</span>'

    def _post(self, function: Callable[[Any], None]) -> Callable[[Any], None]:
        """Return a function that calls another in the loop in which widgets are changed."""
        return lambda outcome: self._call(function, outcome)


class _Unobserved:
    """For a while a control is changed without its observer."""

    def __init__(self, control: ipywidgets.Widget, observer: Callable[[Any], None]) -> None:
        self._control, self._observer = control, observer

    def __enter__(self) -> None:
        self._control.unobserve(self._observer, "value")

    def __exit__(self, *_: object) -> None:
        self._control.observe(self._observer, "value")


def _words(error: Exception) -> str:
    if isinstance(error, XpcsError):
        return escape(str(error))
    return escape(f"A fault of the program, {type(error).__name__}: {error}")
