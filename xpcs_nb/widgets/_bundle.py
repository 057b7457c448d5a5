"""ES modules beside the Python, joined to the one module that a widget may have."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

__all__ = ["bundle", "style"]

FOLDER = Path(__file__).parent / "js"
IMPORT = re.compile(r'^import \{[^}]*\} from "\./([\w.]+)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?!default)", re.MULTILINE)
DEFAULT = re.compile(r"^export default [^;]*?;\n\Z", re.MULTILINE | re.DOTALL)
#: What a browser does not need, and a saved notebook should not hold: comments and indentation.
COMMENT = re.compile(r"^\s*//.*\n", re.MULTILINE)
INDENT = re.compile(r"^\s+", re.MULTILINE)


@cache
def bundle(name: str) -> str:
    """Return the module `name` after all that it imports, as one module.

    The files are modules of their own (editors and checkers read them so), with names that differ between files.
    Only the default export of `name` itself stays.
    """
    found: dict[str, str] = {}
    _collect(name, found)
    parts = [text if part == name else DEFAULT.sub("", text) for part, text in found.items()]
    return "\n".join(parts)


def _collect(name: str, found: dict[str, str]) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8")
    for needed in IMPORT.findall(text):
        if needed not in found:
            _collect(needed, found)
    found[name] = INDENT.sub("", COMMENT.sub("", EXPORT.sub("", IMPORT.sub("", text))))


@cache
def style(*names: str) -> str:
    """Return style sheets as one."""
    return "\n".join(INDENT.sub("", (FOLDER / name).read_text(encoding="utf-8")) for name in names)
