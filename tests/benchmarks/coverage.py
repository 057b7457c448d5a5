"""``python -m tests.benchmarks.coverage``: how often the stated errors of rates and of D hold the truth."""

from __future__ import annotations

import argparse

import numpy as np

import xpcs_nb as xnb
from xpcs_nb.core import Geometry
from xpcs_nb.qmap import QMap, partition, pixel_labels

FRAMES, FRAME_TIME, TAU = 300, 0.1, 0.8


def narrow(rows: int, columns: int) -> QMap:
    """A detector whose bins have as few jackknife blocks as its height allows."""
    geometry = Geometry(energy=10, detector_distance=5, pixel_size=75e-6, beam_center_x=-300, beam_center_y=rows / 2)
    shape = (rows, columns)
    return partition(geometry, shape, np.ones(shape, dtype=bool), q=(6, 12))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--repeats", type=int, default=200)
    options = arguments.parse_args()
    print("| blocks a bin | counts a pixel and frame | rates | D |\n|---|---|---|---|")
    for rows, columns, counts in ((120, 60, 0.1), (200, 48, 0.2), (300, 32, 0.2)):
        qmap = narrow(rows, columns)
        labels = pixel_labels(qmap.arrays)
        blocks = np.array([len(np.unique(labels.block[labels.dynamic == d])) for d in range(labels.n_dynamic)])
        q = qmap.arrays.bin_centers("dynamic")[0]
        D = float(1 / (2 * np.median(q) ** 2 * TAU))
        found = xnb.recover(
            None, qmap, counts / FRAME_TIME, xnb.Relaxation(D=D, beta=0.25), n_frames=FRAMES, frame_time=FRAME_TIME,
            repeats=options.repeats, seed=1,
        )  # fmt: skip
        rate, error = found["rate"][0].to_numpy(), found["rate_err"][0].to_numpy()
        seen = np.isfinite(rate)
        inside = np.mean((np.abs(rate - D * q**2) < error)[seen])
        print(f"| {blocks.min()} to {blocks.max()} | {counts} | {inside:.0%} | {float(found['coverage'][0]):.0%} |")


if __name__ == "__main__":
    main()
