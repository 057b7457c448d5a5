"""``python -m tests.benchmarks.portal``: a page of the portal on a catalogue of a million records, against its goal."""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from tests.benchmarks.catalogue import fill
from xpcs_nb.catalog import Catalog, File, Record
from xpcs_nb.flows import Facility, connect
from xpcs_nb.widgets import Browser, browse

GOAL = 0.200
PICTURES = 24
#: The first question for which somebody types, and how long that takes after the page is there (seconds).
FIRST_TYPED, TYPING = "30 % text", 3.0
#: What the default facets of the portal find in these records, and more.
SETTINGS = {
    "facets": [
        {"key": key, "label": key}
        for key in ("cycle", "experiment", "user", "detector", "analysis_type", "sample.name", "tags", "start_time:day")
    ]
}


def questions() -> dict[str, Callable[[int], dict[str, object]]]:
    """Return kinds of pages; the number varies them."""
    values = {"values": ["Eiger4M", "Eiger500k"]}
    return {
        "all, newest first": lambda i: {"page": i},
        "all, by measurement": lambda i: {"sort": "-start_time", "page": i},
        "30 % text": lambda i: {"text": "aerogel", "page": i},
        "text, range": lambda i: {"text": "aerogel", "conditions": {"temperature": {"low": 250 + i, "high": 350 + i}}},
        "two values of a facet": lambda i: {"conditions": {"detector": values}, "page": i},
        "two facets chosen, text": lambda i: {
            "text": "latex shear",
            "conditions": {"detector": values, "cycle": {"values": ["2020-1", f"2019-{1 + i % 3}"]}},
        },
        "one day": lambda i: {"conditions": {"start_time": {"low": f"2018-03-{1 + i % 28:02d}", "high": "2018-03-28"}}},
        "deep in the list": lambda i: {"page": 400 - i, "sort": "dataset"},
    }


def asked(widget: Browser, name: str, **arguments: object) -> tuple[float, float, int]:
    """Ask as the browser does; return wall and processor seconds, and the bytes that go to it."""
    sent: list[tuple[dict[str, object], list[bytes]]] = []
    widget.view.send = lambda message, buffers=None: sent.append((message, buffers or []))
    begin, used = time.perf_counter(), time.process_time()
    widget.view._handle_custom_msg({"id": "1", "call": name, "args": arguments}, [])
    message, buffers = sent[-1]
    text = json.dumps(message)
    times = time.perf_counter() - begin, time.process_time() - used
    if not message["ok"]:
        raise RuntimeError(message["error"])
    return *times, len(text) + sum(map(len, buffers))


def with_pictures(facility: Facility, folder: Path) -> list[str]:
    """Publish records with pictures as large as ours, and return their subjects."""
    records = []
    for number in range(PICTURES):
        path = folder / f"saxs_2d_{number}.png"
        Image.effect_noise((1150, 900), 60 + number).save(path)
        file = File(url=str(path), size=path.stat().st_size, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
        records.append(Record(subject=f"file:///benchmark/{number}", title="picture", dataset="picture", files=(file,)))
    facility.services.catalogue.ingest_many(records)
    return [record.subject for record in records]


def row(name: str, times: list[tuple[float, float, int]], goal: float | None = None) -> None:
    """Print one line of the table."""
    wall, processor, size = zip(*times, strict=True)
    p95 = [statistics.quantiles(each, n=20)[-1] if len(each) > 1 else each[0] for each in (wall, processor)]
    cells = [1000 * each for each in (wall[0], statistics.median(wall), *p95)]
    mark = " (over the goal)" if goal is not None and p95[1] > goal else ""
    print(f"| {name} | {' | '.join(f'{cell:.1f}' for cell in cells)}{mark} | {max(size) / 1000:.1f} |")


def main() -> None:
    """Fill the catalogue if it is not there, and turn pages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=50_000)
    parser.add_argument("--data", type=Path, default=Path(".benchmarks"), help="kept for further runs")
    parser.add_argument("--repeats", type=int, default=10)
    arguments = parser.parse_args()
    home = arguments.data / f"portal-{arguments.records}"
    source, path = arguments.data / f"catalogue-{arguments.records}.sqlite", home / "catalogue.sqlite"
    home.mkdir(parents=True, exist_ok=True)
    if not source.exists():
        fill(source, arguments.records)
    if not path.exists():
        with Catalog(source):
            path.symlink_to(source.resolve())
    print("| page of 24 | first (ms) | p50 (ms) | p95 (ms) | p95 of processor time (ms) | to the browser (kB) |")
    print("|---|---|---|---|---|---|")
    with connect(home=home, workers=1, detached=False) as facility:
        widget = browse(facility, settings=SETTINGS)
        row("start: settings, keys, first page", [asked(widget, "start") for _ in range(arguments.repeats)], GOAL)
        for name, query in questions().items():
            if name == FIRST_TYPED:
                time.sleep(TYPING)
            row(name, [asked(widget, "page", query=query(i)) for i in range(arguments.repeats)], GOAL)
        widget.close()
    with tempfile.TemporaryDirectory() as folder, connect(home=folder, workers=1, detached=False) as facility:
        subjects = with_pictures(facility, Path(folder))
        widget = browse(facility)
        fours = [subjects[n : n + 4] for n in range(0, PICTURES, 4)]
        row("4 small pictures, made", [asked(widget, "thumbnails", subjects=four) for four in fours])
        row("4 small pictures, kept", [asked(widget, "thumbnails", subjects=four) for four in fours], GOAL)
        widget.close()


if __name__ == "__main__":
    main()
