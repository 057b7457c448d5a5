"""``browse``: the portal as a widget."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import anywidget
import ipywidgets

from xpcs_nb.errors import OptionError, XpcsError
from xpcs_nb.widgets._browse_calls import Answer, Caller, Later, Said
from xpcs_nb.widgets._browse_figures import averaged, compared
from xpcs_nb.widgets._bundle import bundle, style
from xpcs_nb.widgets._portal import Portal
from xpcs_nb.widgets._portal_page import file_row, matching
from xpcs_nb.widgets._portal_work import PortalWork, option_fields

if TYPE_CHECKING:
    from xpcs_nb.flows import Facility
    from xpcs_nb.qmap import QMap

__all__ = ["Browser", "browse"]

#: Calls that take a few milliseconds where the catalogue is on this machine.
QUICK = {"page", "facet", "select", "remember"}
TALKING = {"reprocess", "average"}


class _View(anywidget.AnyWidget):
    """The part that the ES module draws."""

    _esm = bundle("portal_main.js")
    _css = style("portal.css")


class Browser(ipywidgets.VBox):
    """The portal as a widget; made by `browse`.

    Attributes
    ----------
    portal
        Search, pages, details and the selection, without a screen.
    work
        What is done with records, and runs.
    editor
        The qmap editor, while one is open; None otherwise.
    """

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        self.work = PortalWork(portal)
        self.editor: Any = None
        self._closed = Event()
        self.view = _View()
        self._stage = ipywidgets.VBox([])
        super().__init__([self.view, self._stage])
        local = portal.facility.site.kind == "local"
        self._caller = Caller(self._calls(), self._tell, at_once=QUICK if local else {"select"}, talking=TALKING)
        self.view.on_msg(lambda _, message, __: self._caller(message))

    def read_ahead(self) -> None:
        """Read, beside all else, what searches will look at."""
        Thread(target=self._read_ahead, name="xpcs_nb read ahead", daemon=True).start()

    @property
    def selected(self) -> list[str]:
        """Subjects of the records that are selected."""
        return list(self.portal.selected)

    def results(self) -> dict[str, Any]:
        """Return the results of the selected records, opened, by the names of their datasets."""
        return self.work.open(self.portal.selected)

    @property
    def qmap(self) -> QMap:
        """The qmap as it is drawn in the editor.

        Raises
        ------
        OptionError
            No editor is open.
        """
        if self.editor is None:
            raise OptionError("no qmap is being drawn", hint="Open the editor first.")
        qmap: QMap = self.editor.qmap
        return qmap

    def close(self) -> None:
        """Let go of other facilities and of what has not begun; the facility itself stays open."""
        self._closed.set()
        self._caller.close()
        self.work.close()
        super().close()

    def _read_ahead(self) -> None:
        # A catalogue that can't be read is an error where somebody searches.
        with suppress(XpcsError):
            self.portal.read_ahead(lambda: not self._closed.is_set())

    def _tell(self, message: dict[str, Any], buffers: list[bytes]) -> None:
        self.view.send(message, buffers)

    def _calls(self) -> dict[str, Callable[..., Answer | Later]]:
        portal, work = self.portal, self.work
        plain: dict[str, Callable[..., Any]] = {
            "page": portal.page,
            "facet": portal.facet,
            "detail": portal.detail,
            "history": portal.history,
            "text": portal.text,
            "save": portal.save,
            "select": portal.select,
            "remember": lambda choices: portal.choices.keep(choices),
            "runs": work.runs,
            "run": work.run,
            "cancel": work.cancel,
            "retry": work.retry,
            "start": self._do_start,
            "named": self._do_named,
        }
        return {name: _plain(call) for name, call in plain.items()} | {
            "thumbnails": self._do_thumbnails,
            "picture": self._do_picture,
            "piece": self._do_piece,
            "reprocess": self._do_reprocess,
            "compare": self._do_compare,
            "average": self._do_average,
            "explore": self._do_explore,
            "draw": self._do_draw,
            "unstage": lambda: Later(self._unstage),
        }

    def _do_start(self) -> dict[str, Any]:
        query = self.portal.query
        return {
            **self.portal.start(),
            "page": self.portal.page(),
            "query": {"text": query.text, "sort": query.sort, "size": query.size, "page": query.page},
            "sites": self.work.sites(),
            "options": option_fields(),
        }

    def _do_named(self, subjects: Sequence[str], names: Sequence[str]) -> list[dict[str, Any]]:
        return [
            {"subject": record.subject, "file": file_row(file)}
            for record in self.portal.records(subjects)
            for file in record.files
            if matching(file.name, names)
        ]

    def _do_thumbnails(self, subjects: Sequence[str]) -> Answer:
        found = self.portal.thumbnails(subjects)
        buffers = [each for each in found if each is not None]
        places = iter(range(len(buffers)))
        return Answer([None if each is None else next(places) for each in found], tuple(buffers))

    def _do_picture(self, subject: str, url: str) -> Answer:
        kind, content = self.portal.picture(subject, url)
        return Answer({"kind": kind}, (content,))

    def _do_piece(self, subject: str, url: str, offset: int) -> Answer:
        content, size = self.portal.piece(subject, url, offset)
        return Answer({"size": size}, (content,))

    def _do_reprocess(
        self,
        subjects: Sequence[str],
        qmap: Mapping[str, Any],
        suffix: str,
        site: str | None = None,
        options: Mapping[str, Any] | None = None,
        *,
        say: Said,
    ) -> Answer:
        chosen = self.qmap if qmap.get("of") == "drawn" else qmap
        return Answer(self.work.reprocess(subjects, chosen, suffix, site=site, options=options, say=say))

    def _do_compare(self, subjects: Sequence[str]) -> Later:
        opened = self.work.open(subjects)
        return Later(lambda: compared(opened))

    def _do_average(self, subjects: Sequence[str], options: Mapping[str, Any] | None = None, *, say: Said) -> Later:
        text, path = self.work.average(subjects, say, options=options)
        return Later(lambda: averaged(text, path))

    def _do_explore(self, subjects: Sequence[str]) -> Later:
        opened = self.work.open(subjects)
        # Loaded when it is needed: it brings all plots.
        explore = import_module("xpcs_nb").explore
        return Later(lambda: self._show(explore(*opened.values(), labels=list(opened))))

    def _do_draw(self, subjects: Sequence[str]) -> Later:
        from xpcs_nb.widgets import QMapEditor

        (result,) = self.work.open(subjects[:1]).values()

        def show() -> Answer:
            self.editor = QMapEditor(result)
            return self._show(self.editor)

        return Later(show)

    def _show(self, widget: ipywidgets.Widget) -> Answer:
        self._stage.children = (widget,)
        return Answer()

    def _unstage(self) -> Answer:
        self._stage.children = ()
        self.editor = None
        return Answer()


def browse(
    facility: Facility | None = None,
    *,
    settings: str | Path | Mapping[str, Any] | None = None,
    as_seen_by: Collection[str] | None = None,
) -> Browser:
    """Show the catalogue of a facility: search, look, download, compare, average, reprocess, watch the runs.

    Parameters
    ----------
    facility
        As `xpcs_nb.connect` returns it; None for this machine. At a Globus site it shows what the login may see.
    settings
        A TOML file, or a mapping, that changes what is shown: facets, ranges, columns, groups of pictures and metadata.
    as_seen_by
        On this machine: principals; only what one of them, or the public, may see is shown. None shows all.

    Returns
    -------
    Browser
        A widget; ``selected`` and ``results()`` give what is selected to the notebook.

    Raises
    ------
    XpcsError
        The catalogue can't be asked, or the settings can't be used.

    Examples
    --------
    >>> portal = browse(connect())
    >>> portal  # shows it
    >>> portal.results()  # of what was selected
    """
    from xpcs_nb.flows import connect

    portal = Portal(connect() if facility is None else facility, settings, as_seen_by=as_seen_by)
    # Here, where there is somebody to ask for a login, and where an error is seen.
    portal.page()
    browser = Browser(portal)
    browser.read_ahead()
    return browser


def _plain(call: Callable[..., Any]) -> Callable[..., Answer]:
    def answer(**arguments: Any) -> Answer:
        return Answer(call(**arguments))

    return answer
