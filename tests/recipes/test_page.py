"""A page of a notebook shows what the notebook does, formulas too, and fetches nothing."""

import re
from html.parser import HTMLParser

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from xpcs_nb.recipes import recipe_path
from xpcs_nb.recipes._html import write_html

PICTURE = "https://example.org/a.png"
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


class Tags(HTMLParser):
    """Collects tags with their attributes."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    @property
    def fetched(self):
        names = ("src", "srcset", "data", "poster", "xlink:href", "href")
        named = [attributes.get(name) for tag, attributes in self.found if tag != "a" for name in names]
        return [each for each in named if each and not each.startswith("data:")]

    def of(self, kind):
        return [attributes for tag, attributes in self.found if tag == kind]


@pytest.fixture
def page(tmp_path):
    def page(*cells, **options):
        nbformat.write(new_notebook(cells=list(cells)), tmp_path / "n.ipynb")
        return write_html(tmp_path / "n.ipynb", tmp_path / "n.html", **options).read_text()

    return page


def shown(**data):
    kinds = {name.replace("__", "/"): value for name, value in data.items()}
    return new_code_cell("x", outputs=[new_output("display_data", data=kinds)])


def test_formulas_are_shown_without_a_script(page):
    text = page(
        new_markdown_cell("rate $\\Gamma = D q^2$ and\n\n$$g_2 = 1 + \\beta e^{-2\\Gamma\\tau}$$\n\ncosts \\$5"),
        shown(text__latex="$\\frac{a}{b}$ of <x>", text__plain="a/b"),
    )
    tags = Tags(text)
    assert [attributes["display"] for attributes in tags.of("math")] == ["inline", "block", "inline"]
    assert "<mfrac>" in text
    assert "of &lt;x&gt;" in text
    assert "\\Gamma" not in text
    assert "costs $5" in text
    assert tags.fetched == []


def test_a_formula_that_is_too_much_stays_tex(page):
    assert "<code>\\frac{</code>" in page(new_markdown_cell("a $\\frac{$ b"))


def test_what_would_be_fetched_is_a_link(page):
    text = page(
        new_markdown_cell(f"![a plan]({PICTURE}) [our site](https://example.org)"),
        shown(text__html=f'<script src="https://cdn.example.org/x.js"></script><img src={PICTURE}><b>bold</b>'),
        shown(text__html='<svg><image xlink:href="//example.org/b.png"/></svg>'),
        shown(image__png=PIXEL),
    )
    tags = Tags(text)
    assert tags.fetched == []
    links = [attributes["href"] for attributes in tags.of("a")]
    assert [links.count(each) for each in (PICTURE, "https://example.org", "//example.org/b.png")] == [2, 1, 1]
    assert "a plan" in text
    assert "<b>bold</b>" in text
    assert [attributes["src"][:10] for attributes in tags.of("img")] == ["data:image"]
    assert not tags.of("script") or all("src" not in attributes for attributes in tags.of("script"))


def test_pages_of_our_recipes_fetch_nothing(tmp_path):
    for recipe in recipe_path("process").parent.glob("*.ipynb"):
        text = write_html(recipe, tmp_path / f"{recipe.stem}.html").read_text()
        assert Tags(text).fetched == [], recipe
        assert f"<title>{recipe.stem}</title>" in text
        assert not re.search(r"@import|url\(\s*['\"]?(https?:)?//", text)
