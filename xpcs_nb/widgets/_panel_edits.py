"""The panel of edits: the list, and the numbers of the chosen one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import ipywidgets as w

from xpcs_nb.errors import OptionError
from xpcs_nb.widgets import _forms as form
from xpcs_nb.widgets._edit_list import EditList

if TYPE_CHECKING:
    from xpcs_nb.widgets._qmap_editor import QMapEditor

__all__ = ["EditPanel"]

#: Content that nobody types; what was found is found anew.
HIDDEN = ("found", "good", "sha256")


class EditPanel:
    """All edits; the numbers of the chosen one can be typed."""

    title = "Edits"

    def __init__(self, editor: QMapEditor) -> None:
        self.editor = editor
        self.list = EditList(self._asked)
        self.numbers = w.Textarea(layout={"width": "auto", "height": "130px"}, disabled=True)
        self.numbers.tooltip = "numbers of the chosen edit"
        self.change = form.action("Change", self.apply, title="apply these numbers to the chosen edit")
        self.root = form.rows([self.list, form.heading("Numbers of the chosen edit"), self.numbers, self.change])
        editor.view.observe(lambda _: self.refresh_numbers(), "selected")

    def _asked(self, request: Mapping[str, Any]) -> None:
        with self.editor.telling():
            index = int(request["index"])
            if request["type"] == "select":
                self.editor.view.selected = index
            elif request["type"] == "switch":
                self.editor.switch_edit(index, on=bool(request["on"]))
            else:
                self.editor.change_edit(index, None)

    def refresh(self) -> None:
        """Show the edits as they are."""
        self.list.show(self.editor.layers)
        if self.editor.view.selected >= len(self.editor.layers):
            self.editor.view.selected = -1
        self.refresh_numbers()

    def refresh_numbers(self) -> None:
        """Show the numbers of the chosen edit."""
        index = self.list.selected = self.editor.view.selected
        chosen = 0 <= index < len(self.editor.layers)
        content = self.editor.layers[index].edit.model_dump(mode="json", exclude_none=True) if chosen else {}
        typed = not {"good"} & content.keys()
        shown = {name: value for name, value in content.items() if name not in HIDDEN}
        self.numbers.value = json.dumps(shown, indent=1) if chosen else ""
        self.numbers.disabled = self.change.disabled = not (chosen and typed)

    def apply(self) -> None:
        """Change the chosen edit to what was typed."""
        with self.editor.telling():
            try:
                entry = json.loads(self.numbers.value)
            except json.JSONDecodeError as error:
                raise OptionError("the numbers can't be understood", got=str(error), expected="JSON") from error
            if not isinstance(entry, dict):
                raise OptionError(
                    "the numbers can't be understood", got=entry, expected="JSON with the names of the edit"
                )
            self.editor.change_edit(self.editor.view.selected, entry)
