"""``python -m tests.benchmarks.catalogue``: a catalogue of a million records, against its goal."""

from __future__ import annotations

import argparse
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import psutil

from xpcs_nb.catalog import Catalog, File, Record

SAMPLES = ["aerogel", "latex", "protein", "silica", "glass", "ludox", "hematite", "micelle", "clay", "polymer"]
#: Of the samples: the first is in 30 % of the records.
SHARES = [30, 20, 15, 10, 8, 6, 5, 3, 2, 1]
DETECTORS = ["Rigaku3M", "Eiger4M", "Lambda750k", "Rigaku500k", "Eiger500k"]
BATCH = 50_000
GOAL = 0.050

FIRST = """
import sys, time
begin = time.perf_counter()
from xpcs_nb.catalog import Catalog
Catalog(sys.argv[1]).search("aerogel", temperature=(250, 300), facets=["cycle", "detector", "user"])
print(time.perf_counter() - begin)
"""


def records(count: int) -> Iterator[Record]:
    """Make records as a beamline's flows do: five per measurement of an experiment's sample."""
    draw = random.Random(8)  # noqa: S311  # no secret
    begin = datetime(2016, 1, 1, tzinfo=UTC)
    for i in range(count):
        sample = draw.choices(SAMPLES, SHARES)[0]
        cycle = f"{2016 + i * 10 // count}-{1 + i * 30 // count % 3}"
        experiment, user = f"{cycle}-exp{draw.randrange(150):03d}", f"user{draw.randrange(400):03d}"
        dataset = f"A{i:06d}_{sample}_{draw.choice('abcdef')}{draw.randrange(100):02d}"
        start = begin + timedelta(seconds=300 * i + draw.random())
        folder = f"globus://74defd5b-5f61-42fc-bcc4-834c9f376a4f/8idi/{cycle}/{experiment}/{dataset}"
        names = (f"{dataset}_results.hdf", "g2.png", "saxs_2d.png", "intensity.png")
        yield Record(
            subject=folder,
            title=f"{sample} {draw.choice(['at rest', 'under shear', 'heating', 'cooling'])} {i}",
            dataset=dataset,
            created=start + timedelta(minutes=4),
            start_time=start,
            files=tuple(File(url=f"{folder}/{name}", size=1000 + i, sha256=f"{i:064x}") for name in names),
            metadata={
                "cycle": cycle,
                "experiment": experiment,
                "user": user,
                "detector": draw.choice(DETECTORS),
                "analysis_type": draw.choice(["Multitau", "Twotime", "Both"]),
                "temperature": round(draw.uniform(200, 400), 2),
                "sample": {"name": sample, "thickness": draw.choice([0.5, 1.0, 2.0])},
                "exposure": {"period": draw.choice([2e-5, 1e-3, 0.1]), "frames": draw.choice([1000, 10000, 100000])},
                "energy": round(draw.gauss(10.9, 0.1), 4),
                "distance": draw.choice([3.9, 7.8, 11.4]),
                "transmission": draw.random(),
                "tags": draw.sample(["good", "radiation damage", "static", "repeat", "night"], 2),
                "comment": f"shot {i} {draw.choice(['beam dump', 'ok', 'new capillary'])}",
                "bins": 270,
                "bins_fitted": draw.randrange(270),
            },
            visible_to=(f"urn:globus:groups:id:{experiment}",) if i % 3 else ("public",),
        )


THREE = ("cycle", "detector", "user")


def questions(count: int, subjects: list[str]) -> dict[str, Callable[[Catalog, int], object]]:
    """Return the kinds of questions, broad and narrow; the number varies them."""
    middle = f"A{count // 2:06d}_*"
    return {
        "30 % text, half range, 3 facets": lambda c, i: c.search(
            "aerogel", temperature=(250 + i, 350 + i), facets=THREE
        ),
        "  sorted by -start_time": lambda c, i: c.search(
            "aerogel", temperature=(250 + i, 350 + i), facets=THREE, sort="-start_time", limit=50
        ),
        "  facets of 4,500 and 20,001 values": lambda c, i: c.search(
            "aerogel", temperature=(250 + i, 350 + i), facets=("experiment", "temperature", "tags")
        ),
        "two words, 2 filters, range, 3 facets": lambda c, i: c.search(
            "latex shear", temperature=(300, 310 + i), detector="Eiger4M", where={"sample.thickness": 1.0}, facets=THREE
        ),
        "all of them, 3 facets": lambda c, i: c.search(facets=THREE, limit=20 + i),
        "95 % in range, 3 facets": lambda c, i: c.search(temperature=(200, 390 + i), facets=THREE),
        "1 % text, narrow range, 3 facets": lambda c, i: c.search("polymer", temperature=(300, 301 + i), facets=THREE),
        "broad phrase, range, 3 facets": lambda c, i: c.search('"aerogel at rest"', energy=(10.8, 11), facets=THREE),
        "dataset by name": lambda c, i: c.search(f"A{i * 997 % count:06d}"),
        "beginning of a name": lambda c, i: c.search(middle, facets=THREE),
        "any of two, 3 facets": lambda c, i: c.search(cycle=[f"20{16 + i % 9}-1", "2020-2"], facets=THREE),
        "as seen by a group": lambda c, i: c.search(
            "aerogel", as_seen_by=[f"urn:globus:groups:id:2020-1-exp{i:03d}"], facets=THREE
        ),
        "listing by -start_time": lambda c, i: c.search(sort="-start_time", limit=50, offset=50 * i),
        "listing by two keys": lambda c, i: c.search(sort=["cycle", "-temperature"], limit=50, offset=50 * i),
        "listing by dataset": lambda c, i: c.search(sort="-dataset", limit=50, offset=50 * i),
        "one record": lambda c, i: c.get(subjects[i]),
    }


def ask(
    catalog: Catalog, question: Callable[[Catalog, int], object], repeats: int
) -> tuple[float, list[float], list[float]]:
    """Return the seconds of the first time, and wall and processor seconds of the others."""
    wall, processor = [], []
    for i in range(repeats + 1):
        begin, used = time.perf_counter(), time.process_time()
        question(catalog, i)
        wall.append(time.perf_counter() - begin)
        processor.append(time.process_time() - used)
    return wall[0], wall[1:], processor[1:]


def fill(path: Path, count: int) -> None:
    """Ingest in batches, and say how fast."""
    begin, used, done, source = time.perf_counter(), time.process_time(), 0, records(count)
    with Catalog(path) as catalog:
        while done < count:
            done += len(catalog.ingest_many(islice(source, BATCH)))
    seconds = time.perf_counter() - begin
    used = time.process_time() - used
    print(f"ingest: {count} records in {seconds:.0f} s ({used:.0f} s of the processor, making them included)")
    print(f"file: {path.stat().st_size / 1e9:.2f} GB")


def main() -> None:
    """Fill the catalogue if it is not there, and ask."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--data", type=Path, default=Path(".benchmarks"), help="kept for further runs")
    parser.add_argument("--repeats", type=int, default=30)
    arguments = parser.parse_args()
    path = arguments.data / f"catalogue-{arguments.records}.sqlite"
    if not path.exists():
        fill(path, arguments.records)
    first = subprocess.run([sys.executable, "-c", FIRST, path], check=True, capture_output=True, text=True).stdout
    print(f"first search of a new process, imports included: {float(first):.2f} s")
    print("| what | first (ms) | p50 (ms) | p95 (ms) | p95 of processor time (ms) |\n|---|---|---|---|---|")
    with Catalog(path) as catalog:
        subjects = [one.subject for one in catalog.search("silica", limit=1000)]
        for name, question in questions(arguments.records, subjects).items():
            begin, wall, processor = ask(catalog, question, arguments.repeats)
            cells = [begin, statistics.median(wall), *(statistics.quantiles(x, n=20)[-1] for x in (wall, processor))]
            mark = "" if cells[-1] <= GOAL else " (over the goal)"
            print(f"| {name} | {' | '.join(f'{1000 * cell:.1f}' for cell in cells)}{mark} |")
    print(f"memory: {psutil.Process().memory_info().rss / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
