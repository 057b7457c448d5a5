"""TeX in pages as MathML, which browsers show by themselves; MathJax would be fetched from elsewhere."""

from __future__ import annotations

import re
from html import escape
from typing import Any

from jinja2 import pass_context
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

__all__ = ["PageExporter", "formula", "formulas"]

#: ``$$...$$``, ``\[...\]``, an environment; ``$...$``, ``\(...\)``.
MATH = re.compile(
    r"\$\$(?P<a>.+?)\$\$|\\\[(?P<b>.+?)\\\]|(?P<c>\\begin\{(?P<name>\w+\*?)\}.+?\\end\{(?P=name)\})"
    r"|\$(?P<d>[^$]+?)\$|\\\((?P<e>.+?)\\\)",
    re.DOTALL,
)


def formula(tex: str, *, block: bool = False) -> str:
    """Return TeX as MathML; as code where it is more than the converter knows."""
    from latex2mathml.converter import convert

    try:
        return convert(tex.strip(), display="block" if block else "inline")
    # It has an error class for each thing that can be wrong, and lookups that end in errors of Python.
    except Exception:  # noqa: BLE001
        return f"<code>{escape(tex.strip())}</code>"


def formulas(text: str) -> str:
    """Return a text with formulas, as ``text/latex`` has it, as HTML."""
    parts, end = [], 0
    for found in MATH.finditer(text):
        parts.append(escape(text[end : found.start()]))
        tex = next(filter(None, found.group("a", "b", "c", "d", "e")))
        parts.append(formula(tex, block=not (found["d"] or found["e"])))
        end = found.end()
    return "".join([*parts, escape(text[end:])])


class _Renderer(IPythonRenderer):
    def block_math(self, body: str) -> str:
        return formula(body, block=True)

    def inline_math(self, body: str) -> str:
        return formula(body)

    def latex_environment(self, name: str, body: str) -> str:
        return formula(f"\\begin{{{name}}}{body}\\end{{{name}}}", block=True)


class PageExporter(HTMLExporter):
    """nbconvert's exporter, with formulas that need no script."""

    @pass_context
    def markdown2html(self, context: Any, source: str) -> str:
        """Return Markdown as HTML."""
        renderer = _Renderer(
            escape=False,
            attachments=context.get("cell", {}).get("attachments", {}),
            embed_images=self.embed_images,
            path=context.get("resources", {}).get("metadata", {}).get("path", ""),
            exclude_anchor_links=self.exclude_anchor_links,
        )
        return str(MarkdownWithMath(renderer=renderer).render(source))

    def default_filters(self) -> Any:
        """Give the filters of the template."""
        yield from super().default_filters()  # type: ignore[no-untyped-call]
        yield "formulas", formulas
