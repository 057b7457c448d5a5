"""The real SearchClient ingests and finds entries, whoever made them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import globus_sdk
import pytest

from xpcs_nb.testing import Sandbox


def entry(subject: str, visible_to: str = "public", **content: Any) -> dict[str, Any]:
    return {"subject": subject, "visible_to": [visible_to], "content": content}


@pytest.fixture
def ingest(clients, sandbox: Sandbox, until: Callable) -> Callable[..., None]:
    """Something that ingests entries and waits until they can be found."""

    def ingest(*entries: dict[str, Any]) -> None:
        document = {"ingest_type": "GMetaList", "ingest_data": {"gmeta": list(entries)}}
        task = clients.search.ingest(sandbox.index_id, document)["task_id"]
        until(lambda: clients.search.get_task(task)["state"] == "SUCCESS")

    return ingest


@pytest.fixture
def samples(ingest: Callable) -> None:
    """Five measurements."""
    ingest(*(
        entry(
            f"globus://x/A{number:03}",
            title=f"A{number:03} {sample}",
            sample={"name": sample, "temperature": 290.0 + 5 * number},
            tags=["night" if number % 2 else "day", "xpcs"],
            final=number == 4,
        )
        for number, sample in enumerate(["aerogel", "aerogel wet", "latex", "silica", "latex"])
    ))  # fmt: skip


def found(answer: Any) -> list[str]:
    return [one["subject"][-4:] for one in answer["gmeta"]]


def test_words_and_phrases_find_entries(clients, sandbox: Sandbox, samples: None) -> None:
    search = clients.search.search
    assert found(search(sandbox.index_id, "aerogel")) == ["A000", "A001"]
    assert found(search(sandbox.index_id, '"aerogel wet"')) == ["A001"]
    assert found(search(sandbox.index_id, "LATEX night")) == []
    assert found(search(sandbox.index_id, "silic*")) == ["A003"]
    assert search(sandbox.index_id, "*", advanced=True)["total"] == 5
    with pytest.raises(globus_sdk.SearchAPIError) as caught:
        search(sandbox.index_id, "sample.name:latex", advanced=True)
    assert caught.value.http_status == 501


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        ({"type": "match_any", "field_name": "sample.name", "values": ["latex", "silica"]}, ["A002", "A003", "A004"]),
        ({"type": "match_all", "field_name": "tags", "values": ["night", "xpcs"]}, ["A001", "A003"]),
        ({"type": "range", "field_name": "sample.temperature", "values": [{"from": 295, "to": 300}]}, ["A001", "A002"]),
        ({"type": "range", "field_name": "sample.temperature", "values": [{"from": "*", "to": 290}]}, ["A000"]),
        ({"type": "match_any", "field_name": "final", "values": [True]}, ["A004"]),
        ({"type": "exists", "field_name": "sample.pressure"}, []),
        ({"type": "like", "field_name": "sample.name", "value": "aero*"}, ["A000", "A001"]),
        ({"type": "not", "filter": {"type": "match_any", "field_name": "tags", "values": ["day"]}}, ["A001", "A003"]),
        (
            {
                "type": "or",
                "filters": [
                    {"type": "match_any", "field_name": "sample.name", "values": ["silica"]},
                    {
                        "type": "and",
                        "filters": [
                            {"type": "match_any", "field_name": "tags", "values": ["day"]},
                            {"type": "match_any", "field_name": "sample.name", "values": ["aerogel"]},
                        ],
                    },
                ],
            },
            ["A000", "A003"],
        ),
    ],
)
def test_filters_choose_entries(
    clients, sandbox: Sandbox, samples: None, condition: dict[str, Any], wanted: list[str]
) -> None:
    assert found(clients.search.post_search(sandbox.index_id, {"filters": [condition]})) == wanted


def test_facets_count_and_pages_follow_the_order(clients, sandbox: Sandbox, samples: None) -> None:
    query = globus_sdk.SearchQueryV1(
        q="*",
        facets=[
            {"name": "Sample", "type": "terms", "field_name": "sample.name", "size": 2},
            {
                "name": "Temperature",
                "type": "numeric_histogram",
                "field_name": "sample.temperature",
                "size": 2,
                "histogram_range": {"low": 290, "high": 310},
            },
            {"name": "Mean", "type": "avg", "field_name": "sample.temperature"},
        ],
        post_facet_filters=[{"type": "match_any", "field_name": "tags", "values": ["day"]}],
        sort=[{"field_name": "sample.temperature", "order": "desc"}],
        boosts=[{"field_name": "title", "factor": 2}],
        limit=2,
    )
    answer = clients.search.post_search(sandbox.index_id, query)
    samples_facet, temperature, mean = answer["facet_results"]
    assert [(one["value"], one["count"]) for one in samples_facet["buckets"]] == [("latex", 2), ("aerogel", 1)]
    assert [(one["value"], one["count"]) for one in temperature["buckets"]] == [
        ({"from": 290.0, "to": 300.0}, 2),
        ({"from": 300.0, "to": 310.0}, 3),
    ]
    assert mean["value"] == 300.0
    assert found(answer) == ["A004", "A002"]
    assert (answer["total"], answer["count"], answer["has_next_page"]) == (3, 2, True)
    query["offset"] = 2
    assert found(clients.search.post_search(sandbox.index_id, query)) == ["A000"]
    query["offset"] = 9_999
    with pytest.raises(globus_sdk.SearchAPIError, match="at most 10000"):
        clients.search.post_search(sandbox.index_id, query)


def test_entries_are_kept_as_they_were(clients, sandbox: Sandbox, ingest: Callable) -> None:
    content = {"dc": {"titles": [{"title": "ünïcode"}]}, "files": [{"url": "globus://x/y", "length": 3}], "empty": []}
    ingest({**entry("s"), "content": content, "id": "metadata"}, entry("s", other=1))
    result = clients.search.get_subject(sandbox.index_id, "s")
    assert {one["entry_id"]: one["content"] for one in result["entries"]} == {"metadata": content, None: {"other": 1}}
    assert clients.search.get_entry(sandbox.index_id, "s", entry_id="metadata")["entries"][0]["content"] == content
    ingest({**entry("s", new=True), "id": "metadata"})
    assert len(clients.search.get_subject(sandbox.index_id, "s")["entries"]) == 2


def test_entries_are_shown_to_those_they_are_for(clients, sandbox: Sandbox, ingest: Callable) -> None:
    me = f"urn:globus:auth:identity:{sandbox.client_id}"
    mine = [
        entry("public", x=1),
        entry("mine", me, x=1),
        entry("group", f"urn:globus:groups:id:{sandbox.group_id}", x=1),
    ]
    ingest(*mine, entry("other", "urn:globus:auth:identity:somebody-else", x=1))
    query = {"filters": [{"type": "exists", "field_name": "x"}]}
    assert clients.search.post_search(sandbox.index_id, query)["total"] == 3
    with closing(globus_sdk.SearchClient()) as anonymous:
        answer = anonymous.post_search(sandbox.index_id, query)
        assert [one["subject"] for one in answer["gmeta"]] == ["public"]


def test_entries_are_deleted_by_subject_and_query(clients, sandbox: Sandbox, samples: None, until: Callable) -> None:
    def total() -> int:
        return clients.search.search(sandbox.index_id, "*", advanced=True)["total"]

    clients.search.delete_subject(sandbox.index_id, "globus://x/A000")
    until(lambda: total() == 4)
    with pytest.raises(globus_sdk.SearchAPIError) as caught:
        clients.search.get_subject(sandbox.index_id, "globus://x/A000")
    assert caught.value.http_status == 404
    latex = {"filters": [{"type": "match_any", "field_name": "sample.name", "values": ["latex"]}]}
    clients.search.delete_by_query(sandbox.index_id, latex)
    until(lambda: total() == 2)
    clients.search.batch_delete_by_subject(sandbox.index_id, ["globus://x/A001", "globus://x/A003"])
    until(lambda: total() == 0)


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"subject": "s" * 501}, "subject"),
        ({"visible_to": []}, "visible_to"),
        ({"content": None}, "content"),
        ({"content": {"x": "y" * 10_000_000}}, "the limit is"),
    ],
)
def test_entries_that_the_service_would_not_take_are_refused(
    clients, sandbox: Sandbox, wrong: dict[str, Any], problem: str
) -> None:
    document = {"ingest_type": "GMetaEntry", "ingest_data": {**entry("s", x=1), **wrong}}
    with pytest.raises(globus_sdk.SearchAPIError, match=problem) as caught:
        clients.search.ingest(sandbox.index_id, document)
    assert caught.value.code == "BadRequest.ValidationError"


def test_indices_are_made_and_removed(clients, sandbox: Sandbox) -> None:
    index = clients.search.create_index("mine", "for a test")
    assert {one["display_name"] for one in clients.search.index_list()} == {"sandbox", "mine"}
    assert clients.search.get_index(index["id"])["num_entries"] == 0
    clients.search.delete_index(index["id"])
    with pytest.raises(globus_sdk.SearchAPIError) as caught:
        clients.search.get_index(index["id"])
    assert caught.value.http_status == 404


def test_the_index_is_there_after_a_restart(
    tmp_path: Path, folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch, until: Callable
) -> None:
    for restarted in (False, True):
        with Sandbox(tmp_path / "kept", folders) as sandbox:
            monkeypatch.setenv("GLOBUS_SDK_SERVICE_URL_AUTH", f"{sandbox.url}/auth/")
            monkeypatch.setenv("GLOBUS_SDK_SERVICE_URL_SEARCH", f"{sandbox.url}/search/")
            config = globus_sdk.GlobusAppConfig(token_storage="memory")  # noqa: S106
            app = globus_sdk.ClientApp(
                "t", client_id=sandbox.client_id, client_secret=sandbox.client_secret, config=config
            )
            scopes = [globus_sdk.scopes.SearchScopes.all]
            with closing(app), closing(globus_sdk.SearchClient(app=app, app_scopes=scopes)) as search:
                if not restarted:
                    search.ingest(sandbox.index_id, {"ingest_type": "GMetaEntry", "ingest_data": entry("s", x=1)})
                until(lambda: search.get_index(sandbox.index_id)["num_entries"] == 1)
