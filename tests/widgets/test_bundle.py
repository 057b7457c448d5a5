"""The modules of the widgets, joined."""

from __future__ import annotations

import re

import pytest

from xpcs_nb.widgets._bundle import FOLDER, _collect, bundle

TOP = re.compile(r"^(?:export )?(?:async )?(?:function|class|const|let) (\w+)", re.MULTILINE)


@pytest.mark.parametrize("name", ["image_view.js", "draw_view.js", "edit_list.js"])
def test_a_bundle_is_one_module_with_one_export(name: str) -> None:
    text = bundle(name)
    assert not re.search(r"^import |^export (?!default)", text, re.MULTILINE)
    assert text.count("export default") == 1


def test_the_modules_of_a_bundle_share_one_scope_without_a_clash() -> None:
    entries = [path.name for path in FOLDER.glob("*.js") if "export default" in path.read_text(encoding="utf-8")]
    assert len(entries) >= 3
    for entry in entries:
        files: dict[str, str] = {}
        _collect(entry, files)
        names = [name for file in files for name in TOP.findall((FOLDER / file).read_text(encoding="utf-8"))]
        assert sorted(names) == sorted(set(names)), entry


def test_every_import_names_what_its_file_exports() -> None:
    for path in FOLDER.glob("*.js"):
        for names, file in re.findall(r'^import \{ ([^}]*) \} from "\./([\w.]+)";$', path.read_text(), re.MULTILINE):
            exported = re.findall(
                r"^export (?:async )?(?:function|class|const) (\w+)", (FOLDER / file).read_text(), re.MULTILINE
            )
            assert set(names.split(", ")) <= set(exported), path.name


def test_nothing_is_fetched_from_outside() -> None:
    for path in FOLDER.iterdir():
        addresses = re.findall(r"https?://[^\s\"')]+", path.read_text(encoding="utf-8"))
        assert set(addresses) <= {"http://www.w3.org/2000/svg"}
