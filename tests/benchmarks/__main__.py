"""``python -m tests.benchmarks``: ours and the peers in turn on the same files, against the goals."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import h5py

from tests.benchmarks._data import MEASURED, PRODUCTION_FRAMES, SIZES, Series, measured_twin, production, square
from tests.benchmarks._run import FailedError, Run, measure
from tests.benchmarks._table import HEAD, Row, save

PEER_FRAMES = 2048
TWOTIME_BYTES = 2e9

SKBEAM = """
import sys, time, h5py, hdf5plugin
from skbeam.core.correlation import multi_tau_auto_corr
with h5py.File(sys.argv[1]) as raw, h5py.File(sys.argv[2]) as qmap:
    frames, labels = raw["/entry/data/data"][()], qmap["/qmap/dynamic_roi_map"][()].astype(int)
begin = time.perf_counter()
multi_tau_auto_corr(7, 8, labels, frames)
print(time.perf_counter() - begin)
"""

OPEN = """
import json, sys, time, psutil, xpcs_nb
open_result, memory = xpcs_nb.open_result, psutil.Process().memory_info
before, begin = memory().rss, time.perf_counter()
tree = open_result(sys.argv[1])
seconds, growth = time.perf_counter() - begin, memory().rss - before
begin = time.perf_counter()
open_result(sys.argv[1])
again = time.perf_counter() - begin
nbytes = max(each.nbytes for each in tree["twotime"].data_vars.values())
print(json.dumps([seconds, growth, nbytes, again]))
"""


class Bench:
    """One run of the benchmarks."""

    def __init__(self, data: Path, repeats: int, measured: Path | None) -> None:
        self.data, self.repeats, self.measured = data, repeats, measured
        data.mkdir(parents=True, exist_ok=True)
        (data / "loaders.json").write_text('{"num_loaders": 2}')

    def ours(self, series: Series, *options: str) -> Run:
        """Run our command line, file to result file; it reports the seconds of the correlation alone."""
        command: list[str | Path] = [sys.executable, "-m", "xpcs_nb", "correlate", series.raw, "-q", series.qmap]
        command += ["-o", self.data / "ours", "--engine", "builtin", "--overwrite", "--quiet", *options]
        command += [] if series.normalize else ["--normalize-frame", "0"]
        measure(command, 1)  # the run that compiles doesn't count
        return measure(command, self.repeats, correlate_seconds)

    def boost_corr(self, series: Series, *options: str) -> Run:
        """Run boost_corr on the CPU with its fastest correct settings."""
        command: list[str | Path] = [Path(sys.executable).with_name("boost_corr"), "-r", series.raw, "-q", series.qmap]
        command += ["-o", self.data / "boost_corr", "-i", "-1", "-w", "--crop-ratio-threshold", "1.1"]
        command += ["-c", self.data / "loaders.json", *options]
        command += [] if series.normalize else ["-nf", "0"]
        return measure(command, self.repeats)

    def versus(self, name: str, series: Series, kind: str, goal: str, memory: str) -> Row:
        """One row: ours against boost_corr on the same file."""
        mine = self.ours(series, "-t", kind.lower())
        try:
            peer = self.boost_corr(series, "-t", kind, "--max-memory", memory)
        except FailedError as error:
            return Row(name, series.about, goal, mine.seconds, mine.peak, "boost_corr", note=str(error))
        ratio = peer.seconds / mine.seconds
        return Row(name, series.about, goal, mine.seconds, mine.peak, "boost_corr", peer.seconds, peer.peak, ratio)


def result_path(printed: str) -> Path:
    """Return the path of the result, which our command prints last."""
    return Path(printed.strip().splitlines()[-1])


def correlate_seconds(printed: str) -> float:
    """Return the seconds of the correlation that the result of our command records."""
    with h5py.File(result_path(printed)) as file:
        return float(json.loads(file["/xpcs/xpcs_nb/provenance"][()])["seconds"]["correlate"])


def last_number(printed: str) -> float:
    """Return the number that a program printed last."""
    return float(printed.split()[-1])


def reported(run: Run) -> float:
    """Return what a program reported about itself."""
    if run.reported is None:
        raise FailedError("the program reported no seconds")
    return run.reported


def row_production(bench: Bench) -> Row:
    """Rigaku 3M: boost_corr on its first frames, scaled to all of them by frames/s."""
    series = production(bench.data) if bench.measured is None else measured_twin(bench.data, bench.measured)
    goal = "<= 5 s, <= 1.5 GB, >= 1000x"
    mine = bench.ours(series)
    # Its queue must hold a batch of 256 frames of the 3M, in float32.
    options = ("-t", "Multitau", "--max-memory", "12")
    try:
        part, start = (bench.boost_corr(series, "-e", str(n), *options) for n in (PEER_FRAMES, PEER_FRAMES // 4))
    except FailedError as error:
        return Row("production", series.about, goal, mine.seconds, mine.peak, "boost_corr", note=str(error))
    # The difference of two runs, so that its start-up is not scaled too.
    if part.seconds <= start.seconds:
        raise FailedError(f"no frames/s: {PEER_FRAMES} frames took {part.seconds} s, a quarter {start.seconds} s")
    rate = (PEER_FRAMES - PEER_FRAMES // 4) / (part.seconds - start.seconds)
    peer = PRODUCTION_FRAMES / rate
    note = f"boost_corr ran {PEER_FRAMES} frames at {rate:.1f} frames/s, scaled to {PRODUCTION_FRAMES}"
    ratio = peer / mine.seconds
    return Row("production", series.about, goal, mine.seconds, mine.peak, "boost_corr", peer, part.peak, ratio, note)


def row_m(bench: Bench) -> Row:
    """Multi-tau of M."""
    return bench.versus("M", square(bench.data, "M"), "Multitau", ">= 12x, memory <= 1/4", "5")


def row_s(bench: Bench) -> Row:
    """Multi-tau of S."""
    # With 4 GB boost_corr takes longer and twice the memory.
    return bench.versus("S", square(bench.data, "S"), "Multitau", ">= 8x", "2")


def row_twotime(bench: Bench) -> Row:
    """Two-time maps of S, all bins written."""
    return bench.versus("twotime", square(bench.data, "S"), "Twotime", ">= 8x", "4")


def row_skbeam(bench: Bench) -> Row:
    """Multi-tau of S by scikit-beam, from file to g2, against our whole process, from file to result file."""
    series = square(bench.data, "S")
    mine = bench.ours(series)
    peer = measure([sys.executable, "-c", SKBEAM, series.raw, series.qmap], bench.repeats, last_number)
    note = f"whole processes; the correlation alone: {reported(peer):.3g} s against {reported(mine):.3g} s"
    ratio = peer.seconds / mine.seconds
    return Row(
        "skbeam", series.about, ">= 20x", mine.seconds, mine.peak, "scikit-beam", peer.seconds, peer.peak, ratio, note
    )


def row_long(bench: Bench) -> Row:
    """20 times the frames: seconds of the correlation and memory against the short series."""
    series = square(bench.data, "L")
    short, long = bench.ours(square(bench.data, "S")), bench.ours(series)
    growth = reported(long) / reported(short) / 20
    note = f"correlation {reported(short):.3g} s for S: ratio / 20; memory x {long.peak / short.peak:.2f}"
    goal = "<= 1.2 of linear, memory <= x 1.3"
    return Row("long", series.about, goal, reported(long), long.peak, ratio=growth, note=note)


def row_threads(bench: Bench) -> Row:
    """Correlation of M on one thread and on two."""
    series = square(bench.data, "M")
    one, two = (bench.ours(series, "--threads", n) for n in ("1", "2"))
    ratio = reported(one) / reported(two)
    note = f"correlation alone: {reported(one):.3g} s on one thread"
    return Row("threads", series.about, ">= 1.7x", reported(two), two.peak, ratio=ratio, note=note)


def row_open(bench: Bench) -> Row:
    """A result with 2 GB of two-time maps, none of them written, opened in a new process."""
    series, folder = square(bench.data, "open"), bench.data / "open"
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "xpcs_nb",
        "correlate",
        series.raw,
        "-q",
        series.qmap,
        "-o",
        folder,
    ]
    command += ["--engine", "builtin", "--overwrite", "--quiet", "-t", "twotime"]
    measure(command, 1)
    path = folder / "open_results.hdf"
    _enlarge(path)
    found: list[list[float]] = []
    opened = measure([sys.executable, "-c", OPEN, path], bench.repeats, lambda text: keep(found, text))
    growth, nbytes = max(each[1] for each in found), found[0][2]
    if nbytes < TWOTIME_BYTES:
        raise FailedError(f"the maps of {path} are too small: {nbytes} bytes")
    again = statistics.median(each[3] for each in found)
    about = f"{nbytes / 1e9:.2f} GB of two-time maps"
    note = (
        f"first opening in a process, with what it imports then; it grows by {growth / 1e6:.1f} MB;"
        f" opened again: {again:.3g} s; peak memory is the whole process"
    )
    return Row("open", about, "< 0.1 s, < 50 MB", reported(opened), opened.peak, note=note)


def _enlarge(path: Path) -> None:
    # Every dataset along time is replaced by an unwritten one of the long series, so that sizes agree.
    with h5py.File(path, "r+") as file:
        twotime, n_frames = file["/xpcs/twotime"], SIZES["open"][1]
        side = int((TWOTIME_BYTES / len(twotime["correlation_map"]) / 4) ** 0.5) + 1
        shapes: dict[str, tuple[int, ...]] = {}
        twotime.visititems(lambda name, item: shapes.update({name: item.shape} if hasattr(item, "shape") else {}))
        for name, shape in shapes.items():
            if n_frames in shape:
                del twotime[name]
                new = tuple(side if n == n_frames else n for n in shape)
                twotime.create_dataset(name, shape=new, dtype="f4", chunks=tuple(min(n, 256) for n in new))


def keep(found: list[list[float]], printed: str) -> float:
    """Keep the numbers that the opening process printed, and return its seconds."""
    found.append(json.loads(printed))
    return found[-1][0]


ROWS: dict[str, Callable[[Bench], Row]] = {
    "production": row_production,
    "M": row_m,
    "S": row_s,
    "twotime": row_twotime,
    "skbeam": row_skbeam,
    "long": row_long,
    "threads": row_threads,
    "open": row_open,
}


def measured_files() -> Path | None:
    """Return the folder of measured files, with which production is the twin of one; None where it is not at hand."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    folder = Path(os.environ.get("XPCS_NB_DATA", beside))
    return folder if (folder / MEASURED).is_file() else None


def main() -> None:
    """Make the data, run the rows that are asked for, print the table, and keep it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default=",".join(ROWS), help="rows, as in S,M")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--data", type=Path, default=Path(tempfile.gettempdir()) / "xpcs_nb_benchmarks")
    parser.add_argument("--measured", type=Path, default=measured_files(), help="folder of measured files")
    given = parser.parse_args()
    names = given.only.split(",")
    if not set(names) <= set(ROWS) or given.repeats < 1:
        parser.error(f"--only takes {','.join(ROWS)}; --repeats at least 1")
    bench, rows = Bench(given.data, given.repeats, given.measured), []
    print(HEAD, flush=True)
    for name in names:
        rows.append(ROWS[name](bench))
        print(rows[-1].line(), flush=True)
        save(rows, given.data / "table.json")


if __name__ == "__main__":
    main()
