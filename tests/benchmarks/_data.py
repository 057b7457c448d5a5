"""Data of the benchmarks: made once, kept in the folder given by ``--data``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xpcs_nb.core import EventList, Geometry
from xpcs_nb.qmap import partition
from xpcs_nb.testing import twin, write_hdf5, write_metadata

COUNTS = 0.05
MEASURED = "aps-8idi-results/E0173_H06-c6c5-4_a0009_f100000_r00001_results.hdf"


@dataclass(frozen=True)
class Series:
    """Raw file and qmap of one benchmark, and what it is."""

    raw: Path
    qmap: Path
    about: str


def poisson(folder: Path, name: str, side: int, n_frames: int) -> Series:
    """Poisson frames of `side`^2 pixels with 0.05 counts: uint16, one frame a chunk, bitshuffle-LZ4."""
    here = folder / name
    raw, qmap = here / f"{name}.h5", here / "qmap.hdf"
    if not qmap.exists():
        here.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(0)
        write_hdf5(raw, photons(rng, side, n_frames))
        write_metadata(here / f"{name}_metadata.hdf", frame_time=1e-3)
        geometry = Geometry(energy=10, detector_distance=5, pixel_size=75e-6, beam_center_x=-10, beam_center_y=side / 2)
        partition(geometry, (side, side), np.ones((side, side), dtype=bool), q=(36, 360)).save(qmap)
    return Series(raw, qmap, f"{side}^2 x {n_frames}, {COUNTS} counts")


def photons(rng: np.random.Generator, side: int, n_frames: int) -> EventList:
    """Independent Poisson counts as events; two photons on one pixel and frame are one event of two."""
    per_frame = rng.poisson(COUNTS * side**2, n_frames)
    pixels, frames, counts = [], [], []
    for frame, number in enumerate(per_frame):
        pixel, count = np.unique(rng.integers(0, side**2, number, dtype=np.uint32), return_counts=True)
        pixels.append(pixel)
        frames.append(np.full(len(pixel), frame, dtype=np.uint32))
        counts.append(count.astype(np.uint16))
    return EventList(np.concatenate(pixels), np.concatenate(frames), np.concatenate(counts), n_frames, (side, side))


def production(folder: Path, measured: Path) -> Series:
    """The twin of the measured Rigaku 3M series: 100,000 frames, 5.6 million photons."""
    here = folder / "production"
    found = sorted(here.glob("*.bin.000"))
    if not found:
        found = [twin(measured / MEASURED, here).raw]
    (qmap,) = here.glob("*_qmap.hdf")
    return Series(found[0], qmap, "twin of E0173: Rigaku 3M, 100,000 frames, 5.6 M photons")
