"""Searches against a plain loop over all records, with chunks so small that every path is taken."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from xpcs_nb.catalog import Catalog, Not, Record, _index, _order, _write

WORDS = ["gel", "rest", "shear", "latex", "été"]
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True, params=["all texts in order", "no more texts than needed"])
def small_chunks(monkeypatch, request):
    for module in (_write, _index):
        monkeypatch.setattr(module, "CHUNK", 16)
    monkeypatch.setattr(_order, "MANY", 5)
    if request.param == "no more texts than needed":
        monkeypatch.setattr(_order, "FEW_TEXTS", 2)


def made(draw: random.Random, i: int) -> Record:
    metadata = {"always": draw.randrange(4), "sample": draw.choice("abc"), "name": f"n{draw.randrange(60):02}"}
    if draw.random() < 0.5:
        metadata["sometimes"] = draw.choice([1.5, 2.5, "text"])
    metadata["tags"] = draw.sample(["x", "y", "z"], draw.randrange(3))
    created = BEGIN + timedelta(hours=draw.randrange(50))
    title = " ".join(draw.choices(WORDS, k=3))
    return Record(subject=f"s{i}", title=title, dataset="d", created=created, metadata=metadata)


def items(record: Record, key: str) -> list[float | str]:
    value = record.created.timestamp() if key == "created" else record.metadata.get(key)
    return value if isinstance(value, list) else [] if value is None else [value]


def passes(record: Record, key: str, wanted: object) -> bool:
    have = items(record, key)
    match wanted:
        case Not():
            return not passes(record, key, wanted.wanted)
        case None:
            return not have
        case list():
            return any(value in have for value in wanted)
        case (None, None):
            return bool(have)
        case (low, high):
            return any(not isinstance(value, str) and low <= value <= high for value in have)
        case _:
            return wanted in have


def place(record: Record, key: str) -> tuple[object, ...]:
    """Numbers before texts before nothing, in the order wanted."""
    down, have = key.startswith("-"), items(record, key.removeprefix("-"))
    numbers = [value for value in have if not isinstance(value, str)]
    texts = [value for value in have if isinstance(value, str)]
    pick = max if down else min
    number = (1, 0.0) if not numbers else (0, -pick(numbers) if down else pick(numbers))
    order = sorted({"text", *"abcxyz", *(f"n{i:02}" for i in range(60))}, reverse=down)
    return (*number, order.index(pick(texts)) if texts else len(order))


FILTERS = [
    {},
    {"always": 2},
    {"always": (1, 2), "sample": ["a", "b"]},
    {"sometimes": Not(None)},
    {"sometimes": None, "tags": "x"},
    {"sometimes": [1.5, "text"]},
    {"sometimes": Not((2, 3))},
    {"tags": Not(["x", "y"])},
    {"tags": (None, None)},
]
SORTS = [["created"], ["-created"], ["always", "-created"], ["-sometimes", "always"], ["tags"], ["sample", "-tags"]]
SORTS += [["name"], ["-name", "tags"], ["sample", "-name"], ["-tags", "name"]]


@pytest.mark.parametrize("seed", range(4))
def test_searches_give_what_a_plain_loop_gives(tmp_path, seed):
    draw, kept, count = random.Random(seed), {}, 0  # noqa: S311  # no secret
    with Catalog(tmp_path / "c.db") as catalog, Catalog(tmp_path / "c.db") as other:
        for _ in range(12):
            new = [made(draw, draw.randrange(count + 20)) for _ in range(draw.choice([1, 7, 40]))]
            count += len(new)
            for record, done in zip(new, catalog.ingest_many(new), strict=True):
                if done != "unchanged":
                    kept.pop(record.subject, None)
                kept.setdefault(record.subject, record)
            gone = draw.choice(list(kept))
            catalog.delete(gone)
            del kept[gone]
            assert len(catalog) == len(kept)
            for looking in (catalog, other):
                compare(looking, kept, draw)


def compare(catalog: Catalog, kept: dict[str, Record], draw: random.Random) -> None:
    known = {name: wanted for name, wanted in draw.choice(FILTERS).items() if name in catalog.keys()}
    sort = [name for name in draw.choice(SORTS) if name.removeprefix("-") in catalog.keys()]
    phrase = draw.choice(["", "gel", "ete rest", '"gel rest"', '"rest gel latex"', "sh*", '"gel la"*', "nothing"])
    size = draw.choice([3, 20, 10_000])
    facets = ["always", "sometimes", "tags"] if {"sometimes", "tags"} <= set(catalog.keys()) else []
    found = catalog.search(phrase, where=known, sort=sort or ["created"], limit=size, facets=facets)
    right = [each for each in kept.values() if all(passes(each, *one) for one in known.items()) and says(each, phrase)]
    assert found.total == len(right)
    right.sort(key=lambda each: tuple(place(each, key) for key in sort or ["created"]))
    assert [each.subject for each in found] == [each.subject for each in right[:size]]
    for name in facets:
        counts = Counter(value for each in right for value in set(items(each, name)))
        assert dict(found.facets[name]) == counts


def says(record: Record, text: str) -> bool:
    title = " " + record.title.replace("é", "e") + " "
    parts = [text.replace('"', "")] if text.startswith('"') else text.split()
    return all(f" {part[:-1]}" in title if part.endswith("*") else f" {part} " in title for part in parts)
