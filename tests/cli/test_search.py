"""``xpcs-nb search`` as a user types it."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from xpcs_nb.catalog import Catalog, Not, Record
from xpcs_nb.cli import make_app
from xpcs_nb.cli._search import filters_of
from xpcs_nb.errors import OptionError


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The catalogue of this machine: ten records."""
    monkeypatch.setenv("XPCS_NB_HOME", str(tmp_path))
    with Catalog(tmp_path / "catalogue.sqlite") as catalog:
        catalog.ingest_many(
            Record(
                subject=f"s{i}",
                title=f"aerogel {i}",
                dataset=f"A{i:03d}",
                metadata={"temperature": 290 + i, "cycle": "2026-1" if i < 4 else "2026-2", "exp": "77"},
            )
            for i in range(10)
        )
    return tmp_path


def search(*words):
    done = CliRunner().invoke(make_app(), ["search", *words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output.splitlines()


def test_text_conditions_order_and_facets(home):
    words = (
        "aerogel",
        "-w",
        "temperature=292..297",
        "-w",
        "cycle=2026-2",
        "--sort",
        "-temperature",
        "--facet",
        "cycle",
    )
    lines = search(*words, "--limit", "2")
    assert [line.split()[-1] for line in lines[:2]] == ["s7", "s6"]
    assert lines[2:] == ["4 records, 1 to 2 shown", "cycle:", "         4  2026-2"]
    assert search(*words, "--limit", "2", "--offset", "2")[0].split()[-1] == "s5"


def test_json_holds_whole_records(home):
    found = json.loads(
        "\n".join(search("-w", "exp=77", "--facet", "cycle", "--sort", "dataset", "--limit", "1", "--json"))
    )
    assert found["total"] == 10
    assert found["facets"]["cycle"] == [{"value": "2026-2", "count": 6}, {"value": "2026-1", "count": 4}]
    assert Record.model_validate(found["records"][0]).subject == "s0"


def test_a_catalogue_file_may_be_given(home, tmp_path):
    assert search("--catalogue", str(home / "catalogue.sqlite"), "-w", "cycle!=2026-1")[-1] == "6 records"


def test_a_misspelt_key_names_close_ones(home):
    with pytest.raises(OptionError, match="Did you mean 'temperature'"):
        search("-w", "temprature=300")


@pytest.mark.parametrize(
    ("words", "filters"),
    [
        (["t=290..310"], {"t": (290.0, 310.0)}),
        (["t=290.."], {"t": (290.0, None)}),
        (["start_time=..2026-03-01"], {"start_time": (None, "2026-03-01")}),
        (["cycle=2026-2"], {"cycle": ["2026-2"]}),
        (["a=1", "a=x"], {"a": [1.0, "1", "x"]}),
        (["good=true"], {"good": [1.0, "true"]}),
        (["sample.name!=gel"], {"sample.name": Not(["gel"])}),
        (["t!=1..2"], {"t": Not((1.0, 2.0))}),
        (["t"], {"t": (None, None)}),
        (["!t"], {"t": None}),
        (["comment=a=b"], {"comment": ["a=b"]}),
    ],
)
def test_conditions(words, filters):
    assert filters_of(words) == filters


@pytest.mark.parametrize("words", [["=1"], [""], ["!a=1"], ["a=1..2", "a=3"]])
def test_what_is_no_condition_is_refused(words):
    with pytest.raises(OptionError):
        filters_of(words)
