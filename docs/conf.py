"""Sphinx settings."""

from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

import typer

from xpcs_nb.cli import make_app

project = "xpcs_nb"
author = copyright = "the xpcs_nb developers"
release = version = installed("xpcs-nb")
extensions = ["myst_parser", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.mathjax"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build"]
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False
html_theme = "furo"
html_title = "xpcs_nb"
nitpicky = False


def _help(command: Any, name: str) -> str:
    """Return the help of a command and of those below it as Markdown."""
    context = command.make_context(name, [], resilient_parsing=True)
    if hasattr(command, "commands"):
        inner = [_help(each, f"{name} {key}") for key, each in command.commands.items()]
        return "\n".join(inner)
    rows = [f"## `{name}`", "", (command.help or "").strip(), ""]
    for parameter in command.params:
        record = parameter.get_help_record(context)
        if record:
            rows.append(f"- `{record[0]}`: {' '.join(record[1].split())}")
        elif parameter.param_type_name == "argument":
            rows.append(f"- `{parameter.human_readable_name}`: {getattr(parameter, 'help', '')}")
    return "\n".join([*rows, ""])


_page = Path(__file__).parent / "reference" / "command-line.md"
_page.write_text("# Command line\n\n" + _help(typer.main.get_command(make_app()), "xpcs-nb"))
