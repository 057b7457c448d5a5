"""What a batch runs over: tables, patterns, searches, lists."""

from types import SimpleNamespace

import pandas as pd
import pytest

from xpcs_nb.errors import BatchError, FileFormatError, MissingFileError
from xpcs_nb.recipes._listing import list_datasets, list_found

ROWS = [{"dataset": "a.h5", "q": "0.1"}, {"dataset": "b, c.h5", "q": "0.2"}]


def write_toml(path):
    path.write_text("\n".join(f'[[jobs]]\ndataset = "{row["dataset"]}"\nq = "{row["q"]}"' for row in ROWS))


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("list.csv", lambda path: pd.DataFrame(ROWS).to_csv(path, index=False)),
        ("list.tsv", lambda path: pd.DataFrame(ROWS).to_csv(path, index=False, sep="\t")),
        ("list.parquet", lambda path: pd.DataFrame(ROWS).to_parquet(path)),
        ("list.toml", write_toml),
    ],
)
def test_tables_give_a_row_each_and_their_own_folder(tmp_path, name, write):
    write(tmp_path / name)
    listed = list_datasets(tmp_path / name, "dataset")
    assert listed.rows == ROWS
    assert listed.base == tmp_path


def test_other_lists(tmp_path, monkeypatch):
    (tmp_path / "list.txt").write_text("# two\na.h5\n\nb.h5\n")
    assert [row["raw"] for row in list_datasets(tmp_path / "list.txt", "raw").rows] == ["a.h5", "b.h5"]
    for name in ("x1.h5", "x2.h5", "x1_metadata.hdf"):
        (tmp_path / name).touch()
    found = list_datasets(str(tmp_path / "x*"), "raw").rows
    assert [row["raw"] for row in found] == [str(tmp_path / "x1.h5"), str(tmp_path / "x2.h5")]
    assert list_datasets(pd.DataFrame(ROWS), "dataset").rows == ROWS
    record = SimpleNamespace(subject="globus://c/1")
    assert list_datasets([record, "b.h5", {"dataset": "c"}], "dataset").rows == [
        {"dataset": "globus://c/1"},
        {"dataset": "b.h5"},
        {"dataset": "c"},
    ]
    assert list_datasets("one.h5", "dataset").rows == [{"dataset": "one.h5"}]


def test_a_search_takes_all_pages():
    records = [SimpleNamespace(subject=f"globus://c/{n}") for n in range(450)]
    asked = []

    def search(text, *, where, limit, offset):
        asked.append((text, where))
        return SimpleNamespace(total=len(records), records=records[offset : offset + limit])

    listed = list_found("aerogel", {"cycle": "2026-2"}, SimpleNamespace(search=search), "dataset")
    assert [row["dataset"] for row in listed.rows] == [record.subject for record in records]
    assert set(map(str, asked)) == {"('aerogel', {'cycle': '2026-2'})"}
    with pytest.raises(BatchError, match="no record"):
        list_found("x", {}, SimpleNamespace(search=lambda *a, **k: SimpleNamespace(total=0, records=[])), "dataset")


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.csv", "dataset,q\nx\n"), ("a.toml", "x = 1"), ("a.toml", "[["), ("a.parquet", "no"), ("a.csv", "\xff")],
)
def test_unreadable_tables(tmp_path, name, content):
    (tmp_path / name).write_text(content, encoding="latin-1")
    with pytest.raises((FileFormatError, BatchError)):
        list_datasets(tmp_path / name, "dataset")


def test_missing_or_empty_lists(tmp_path):
    with pytest.raises(MissingFileError, match="no such list"):
        list_datasets(tmp_path / "a.csv", "dataset")
    with pytest.raises(MissingFileError, match="matches"):
        list_datasets(str(tmp_path / "*.h5"), "dataset")
    with pytest.raises(BatchError, match="no dataset"):
        list_datasets([], "dataset")
