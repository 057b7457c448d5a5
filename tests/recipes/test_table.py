"""What people see of a batch while it runs."""

import pytest

from xpcs_nb.recipes import JobState
from xpcs_nb.recipes import _table as table


def job(label, state, **given):
    return JobState(folder=f"{label}-0", label=label, key=label, parts={}, state=state, **given)


JOBS = [
    job("a", "succeeded", values={"D": 2.5e3, "D_err": 12.0, "trust": "ok", "exponent": 2.0}),
    job("b", "failed", cell=2, reason="ValueError: <wrong>\nmore"),
    job("c", "running"),
    job("d", "waiting"),
]


def test_text_has_a_line_a_job_and_the_counts():
    lines = table.text_table(JOBS).splitlines()
    assert lines[0].split() == ["a", "succeeded", "2500", "±", "12", "ok"]
    assert lines[1].endswith("cell 2: ValueError: <wrong>")
    assert lines[-1] == "4 jobs, 1 running, 1 failed, 1 waiting, 1 succeeded"


def test_html_shows_first_what_needs_attention_and_escapes():
    page = table.html_table(JOBS)
    assert page.index(">c<") < page.index(">b<") < page.index(">d<") < page.index(">a<")
    assert "&lt;wrong&gt;" in page
    assert "D (Å²/s)" in page
    many = table.html_table([job(str(number), "waiting") for number in range(100)])
    assert "and 40 more" in many


def test_a_unit_is_named_only_where_it_is_known():
    assert table.titled("D", JOBS) == "D (Å²/s)"
    assert table.titled("D", [job("a", "succeeded", values={"D": 1.0, "exponent": 1.7})]) == "D"


@pytest.mark.parametrize(
    ("seconds", "said"), [(None, ""), (3.21, "3.2 s"), (75, "1:15 min"), (3600 * 2 + 60 * 5, "2:05 h")]
)
def test_durations(seconds, said):
    assert table.duration(seconds) == said


def test_the_table_of_a_notebook_changes_in_place(monkeypatch):
    shown = []

    class Handle:
        def update(self, page):
            shown.append(page.data)

    def display(page, *, display_id):
        assert display_id
        shown.append(page.data)
        return Handle()

    monkeypatch.setattr(table, "_in_notebook", lambda: True)
    monkeypatch.setattr("IPython.display.display", display)
    monkeypatch.setattr(table, "PACE", 0)
    live = table.Live()
    live(JOBS)
    live([*JOBS[:2], job("c", "succeeded"), JOBS[3]])
    live.close()
    assert "1 running" in shown[0]
    assert "2 succeeded" in shown[1]
    table.Live(hidden=True)(JOBS)
    assert len(shown) == 2
