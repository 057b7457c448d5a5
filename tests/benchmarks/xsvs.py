"""``python -m tests.benchmarks.xsvs``: photon statistics of a sparse series: work goes with photons, not frames."""

from __future__ import annotations

import time

import numpy as np

import xpcs_nb as xnb
from xpcs_nb.core import EventList, Geometry
from xpcs_nb.qmap import partition

SHAPE = (1024, 1024)
PHOTONS = 2_000_000


def series(n_frames: int) -> EventList:
    """Photons that fall anywhere, frame after frame."""
    rng = np.random.default_rng(0)
    n_pixels = SHAPE[0] * SHAPE[1]
    cell = np.unique(rng.integers(0, n_frames * n_pixels, PHOTONS))
    frame, pixel = np.divmod(cell, n_pixels)
    return EventList(pixel.astype(np.uint32), frame.astype(np.uint32), np.ones(len(cell), np.uint16), n_frames, SHAPE)


def main() -> None:
    """Print the CPU time of series with the same photons in more and more frames."""
    geometry = Geometry(energy=10, detector_distance=5, pixel_size=75e-6, beam_center_x=20, beam_center_y=20)
    qmap = partition(geometry, SHAPE, np.ones(SHAPE, dtype=bool), q=(36, 360))
    xnb.xsvs(series(64), qmap, frame_time=1e-3)  # kernels and maps are loaded
    for n_frames in (1_000, 10_000, 100_000):
        events = series(n_frames)
        begin = time.process_time()
        data = xnb.xsvs(events, qmap, frame_time=1e-3)
        taken = time.process_time() - begin
        print(
            f"{n_frames:8d} frames, {len(events.pixel)} photons, {data.sizes['exposure']} exposures: {taken:6.2f} s CPU"
        )


if __name__ == "__main__":
    main()
