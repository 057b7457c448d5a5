"""An executed notebook as one page that needs nothing else: no server, no network."""

from __future__ import annotations

import copy
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xpcs_nb.hdf5 import atomic_file

if TYPE_CHECKING:
    from xpcs_nb.recipes._tex import PageExporter

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
{%- block data_latex -%}
<div class="jp-RenderedLatex jp-OutputArea-output">{{ output.data["text/latex"] | formulas }}</div>
{%- endblock data_latex -%}
"""
#: Attributes by which a tag has a browser fetch something.
FETCHES = ("src", "srcset", "data", "poster", "href", "xlink:href")
#: A tag, other than that of a link, with an address elsewhere.
ELSEWHERE = re.compile(rf"<(?!a\b)\w[^<>]*\s(?:{'|'.join(FETCHES)})\s*=\s*[\"']?(?:https?:)?//", re.IGNORECASE)
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
    made, _ = _exporter().from_notebook_node(document, {"metadata": {"name": title or notebook.stem}})
    text = _without_fetching(made)
    with atomic_file(path, overwrite=True) as part:
        part.write_text(text, encoding="utf-8")
    return path


@cache
def _exporter() -> PageExporter:
    # Kept for the next page: most of the time of one goes into compiling the template.
    from xpcs_nb.recipes._tex import PageExporter

    return PageExporter(raw_template=TEMPLATE, embed_images=True)  # type: ignore[no-untyped-call]


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


def _without_fetching(page: str) -> str:
    """Return a page in which what would be fetched from elsewhere, as a picture of a text cell, is a link."""
    if not ELSEWHERE.search(page):
        return page
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(page, "html.parser")
    for tag in soup.find_all(lambda tag: tag.name != "a" and bool(_address(tag))):
        link = soup.new_tag("a", href=_address(tag))
        link.string = str(tag.get("alt") or _address(tag))
        tag.replace_with(link)
    return str(soup)


def _address(tag: Any) -> str:
    """Return the address elsewhere that a tag names; empty if it names none."""
    named = (str(tag.get(name) or "").strip() for name in FETCHES)
    return next((each for each in named if re.match(r"(https?:)?//", each, re.IGNORECASE)), "")
