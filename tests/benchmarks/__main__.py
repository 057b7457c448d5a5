"""``python -m tests.benchmarks``: ours and the peers in turn on the same files, against the goals."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks._data import Series, poisson, production
from tests.benchmarks._measure import Run, measure

type Row = tuple[str, str, str, str]
PEER_FRAMES = 2048


class Bench:
    """One run of the benchmarks."""

    def __init__(self, data: Path, measured: Path, repeats: int) -> None:
        self.data, self.measured, self.repeats = data, measured, repeats
        self.output = data / "results"
        (data / "loaders.json").write_text('{"num_loaders": 2}')

    def series(self, name: str) -> Series:
        """Return the data of a name, made if they are not there."""
        sizes = {"S": (512, 1000), "M": (1024, 2000), "L": (512, 20000)}
        return production(self.data, self.measured) if name == "production" else poisson(self.data, name, *sizes[name])

    def ours(self, series: Series, *options: str) -> Run:
        """Run our command line, file to result file."""
        name = series.raw.name.removesuffix(".000").removesuffix(".bin").removesuffix(".h5")
        command = [sys.executable, "-m", "xpcs_nb", "correlate", series.raw, "-q", series.qmap, "-o", self.output]
        command += ["--engine", "builtin", "--overwrite", "--quiet", *options]
        measure(command, 1)  # compiled code is cached
        return measure(command, self.repeats, self.output / f"{name}_results.hdf")

    def boost_corr(self, series: Series, *options: str) -> Run:
        """Run boost_corr on the CPU with its fastest correct settings."""
        command = [Path(sys.executable).with_name("boost_corr"), "-r", series.raw, "-q", series.qmap]
        command += ["-o", self.output / "peer", "-i", "-1", "-w", "--crop-ratio-threshold", "1.1"]
        command += ["-c", self.data / "loaders.json", *options]
        return measure(command, self.repeats)

    def versus(self, name: str, goal: str, *, ours: tuple[str, ...] = (), theirs: tuple[str, ...]) -> Row:
        """One row: ours against boost_corr on the same file."""
        series = self.series(name)
        mine, peer = self.ours(series, *ours), self.boost_corr(series, *theirs)
        found = f"{mine.seconds:.2f} s, {mine.peak:.2f} GB; boost_corr {peer.seconds:.1f} s, {peer.peak:.1f} GB"
        if peer.code:
            found += f" (exit {peer.code})"
        return (
            name,
            series.about,
            f"{found}; {peer.seconds / mine.seconds:.1f}x, memory 1/{peer.peak / mine.peak:.1f}",
            goal,
        )


def row_production(bench: Bench) -> Row:
    """Rigaku 3M: boost_corr on its first frames, in frames/s."""
    series = bench.series("production")
    mine = bench.ours(series, "--normalize-frame", "0")
    options = ("-t", "Multitau", "-nf", "0", "--max-memory", "12")
    part, start = (bench.boost_corr(series, "-e", str(n), *options) for n in (PEER_FRAMES, PEER_FRAMES // 4))
    rate = 0.75 * PEER_FRAMES / (part.seconds - start.seconds)
    found = (
        f"{mine.seconds:.2f} s, {mine.peak:.2f} GB; boost_corr {rate:.0f} frames/s, {part.peak:.1f} GB, so"
        f" {100_000 / rate:.0f} s for the series; {100_000 / rate / mine.seconds:.0f}x"
    )
    return ("production", series.about, found, "<= 5 s, <= 1.5 GB, >= 1000x")


def row_m(bench: Bench) -> Row:
    """Multi-tau of M."""
    options = ("-t", "Multitau", "--max-memory", "5")
    return bench.versus("M", ">= 12x, memory <= 1/4", theirs=options)


def row_s(bench: Bench) -> Row:
    """Multi-tau of S."""
    return bench.versus("S", ">= 8x", theirs=("-t", "Multitau", "--max-memory", "2"))


def row_twotime(bench: Bench) -> Row:
    """Two-time maps of S, all bins."""
    return bench.versus("S", "two-time >= 8x", ours=("-t", "twotime"), theirs=("-t", "Twotime"))


def row_skbeam(bench: Bench) -> Row:
    """scikit-beam on S, in a process of its own with the frames in memory; its own seconds, without the reading."""
    series = bench.series("S")
    code = (
        "import sys, time, h5py, hdf5plugin, numpy as np;"
        "from skbeam.core.correlation import multi_tau_auto_corr;"
        "f = h5py.File(sys.argv[1])['/entry/data/data'][()];"
        "m = h5py.File(sys.argv[2])['/qmap/dynamic_roi_map'][()].astype(int);"
        "multi_tau_auto_corr(7, 8, m, f)"
    )
    mine, peer = bench.ours(series), measure([sys.executable, "-c", code, series.raw, series.qmap], 1)
    found = f"{mine.seconds:.2f} s; scikit-beam {peer.seconds:.1f} s; {peer.seconds / mine.seconds:.1f}x"
    return ("skbeam", series.about, found, ">= 20x")


def row_long(bench: Bench) -> Row:
    """20 times the frames: time and memory against the short series."""
    short, long = bench.ours(bench.series("S")), bench.ours(bench.series("L"))
    growth, memory = long.inside / short.inside / 20, long.peak / short.peak
    found = f"{short.inside:.2f} s -> {long.inside:.2f} s: {growth:.2f} of linear; memory x {memory:.2f}"
    return ("long", bench.series("L").about, found, "<= 1.2 of linear, memory <= x 1.3")


def row_threads(bench: Bench) -> Row:
    """Correlation of M on one thread and on two."""
    one, two = (bench.ours(bench.series("M"), "--threads", n) for n in ("1", "2"))
    found = f"{one.inside:.2f} s -> {two.inside:.2f} s: {one.inside / two.inside:.2f}x"
    return ("threads", bench.series("M").about, found, ">= 1.7x")


ROWS: dict[str, Callable[[Bench], Row]] = {
    "production": row_production,
    "S": row_s,
    "twotime": row_twotime,
    "skbeam": row_skbeam,
    "threads": row_threads,
    "M": row_m,
    "long": row_long,
}


def main() -> None:
    """Make the data, run the rows that are asked for, print the table, and keep it as JSON."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default=",".join(ROWS), help="rows, as in S,M")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--data", type=Path, default=Path(tempfile.gettempdir()) / "xpcs_nb_benchmarks")
    parser.add_argument("--measured", type=Path, default=Path(os.environ.get("XPCS_NB_DATA", beside)))
    given = parser.parse_args()
    given.data.mkdir(parents=True, exist_ok=True)
    bench = Bench(given.data, given.measured, given.repeats)
    table = []
    print("| what | data | measured | goal |\n|---|---|---|---|")
    for name in given.only.split(","):
        table.append(ROWS[name](bench))
        print(f"| {' | '.join((name, *table[-1][1:]))} |", flush=True)
    (given.data / "table.json").write_text(json.dumps(table, indent=2))


if __name__ == "__main__":
    main()
