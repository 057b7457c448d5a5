"""An executed notebook as one page that needs nothing else: no server, no network."""

from __future__ import annotations

import copy
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xpcs_nb.hdf5 import atomic_file

if TYPE_CHECKING:
    from nbconvert import HTMLExporter

__all__ = ["write_html"]

#: The page of JupyterLab without what it would fetch (MathJax, mermaid, require.js, widgets); a browser that reads it
#: refuses whatever an output may want to fetch all the same.
TEMPLATE = """{%- extends 'lab/index.html.j2' -%}
{%- block html_head_js -%}
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; \
style-src 'unsafe-inline'; img-src 'self' data:; font-src data:; media-src data:">
{%- endblock html_head_js -%}
{%- block jupyter_widgets -%}{%- endblock jupyter_widgets -%}
{%- block html_head_js_mathjax -%}{%- endblock html_head_js_mathjax -%}
{%- block html_head_js_mermaidjs -%}{%- endblock html_head_js_mermaidjs -%}
"""
WIDGET = "application/vnd.jupyter.widget-view+json"
#: What a page without JupyterLab can show by scripts from elsewhere only.
NOT_SHOWN = (WIDGET, "application/javascript", "application/vnd.plotly.v1+json")


def write_html(notebook: Path, path: Path, *, title: str | None = None) -> Path:
    """Write an executed notebook as a page with static pictures, and return its path.

    Parameters
    ----------
    notebook
        The executed notebook.
    path
        Where the page goes; what was there is replaced.
    title
        Of the page; by default the name of the notebook.

    Raises
    ------
    WriteError
        The page can't be written.
    """
    import nbformat

    document = _static(nbformat.read(notebook, as_version=4))
    text, _ = _exporter().from_notebook_node(document, {"metadata": {"name": title or notebook.stem}})
    with atomic_file(path, overwrite=True) as part:
        part.write_text(text, encoding="utf-8")
    return path


@cache
def _exporter() -> HTMLExporter:
    # Kept for the next page: most of the time of one goes into compiling the template.
    from nbconvert import HTMLExporter

    return HTMLExporter(raw_template=TEMPLATE, embed_images=True)


def _static(notebook: Any) -> Any:
    """Return a copy whose outputs show what they show without scripts."""
    document = copy.deepcopy(notebook)
    document.metadata.pop("widgets", None)
    for cell in document.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            for kind in NOT_SHOWN:
                data.pop(kind, None)
            if "<script" in data.get("text/html", "") and len(data) > 1:
                del data["text/html"]
    return document
