"""Data of the benchmarks: made once, each series in a folder of its own below the one given by ``--data``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import EventList, Geometry
from xpcs_nb.qmap import partition
from xpcs_nb.testing import twin, write_hdf5, write_metadata, write_rigaku3m

COUNTS = 0.05
#: Rows and columns, and frames, of the square series.
SIZES = {"S": (512, 1000), "M": (1024, 2000), "L": (512, 20000), "open": (64, 53)}
SHAPE_3M, MODULE, GAP = (1676, 2100), (512, 1024), (70, 52)
PRODUCTION_FRAMES, PRODUCTION_PHOTONS = 100_000, 5_600_000
MEASURED = "aps-8idi-results/E0173_H06-c6c5-4_a0009_f100000_r00001_results.hdf"


@dataclass(frozen=True)
class Series:
    """Raw file and qmap of one benchmark, what it is, and the options that both programs need for it."""

    raw: Path
    qmap: Path
    about: str
    normalize: bool = True


def square(folder: Path, name: str) -> Series:
    """Poisson frames of `side`^2 pixels with 0.05 counts: uint16, one frame a chunk, bitshuffle-LZ4."""
    side, n_frames = SIZES[name]
    # The size is in the name, so that data of another size are not taken for these.
    here = folder / f"{name}_{side}x{n_frames}"
    series = Series(here / f"{name}.h5", here / f"{name}_qmap.hdf", f"{side}^2 x {n_frames}, {COUNTS} counts, Poisson")
    if not series.qmap.exists():
        here.mkdir(parents=True, exist_ok=True)
        every = np.arange(side**2, dtype=np.uint32)
        write_hdf5(series.raw, photons(every, (side, side), n_frames, COUNTS * side**2), dtype=np.uint16)
        write_metadata(here / f"{name}_metadata.hdf")
        _rings(series.qmap, np.ones((side, side), dtype=bool))
    return series


def production(folder: Path) -> Series:
    """Poisson photons on a Rigaku 3M, as many frames and photons as the measured series has."""
    here = folder / "production"
    about = f"Rigaku 3M x {PRODUCTION_FRAMES}, {PRODUCTION_PHOTONS / 1e6:.1f} M photons, Poisson"
    series = Series(here / "production.bin.000", here / "production_qmap.hdf", about)
    if not series.qmap.exists():
        here.mkdir(parents=True, exist_ok=True)
        row, column = np.indices(SHAPE_3M)
        used = (row % (MODULE[0] + GAP[0]) < MODULE[0]) & (column % (MODULE[1] + GAP[1]) < MODULE[1])
        pixels = np.flatnonzero(used).astype(np.uint32)
        write_rigaku3m(series.raw, photons(pixels, SHAPE_3M, PRODUCTION_FRAMES, PRODUCTION_PHOTONS / PRODUCTION_FRAMES))
        write_metadata(here / "production_metadata.hdf")
        _rings(series.qmap, used)
    return series


def measured_twin(folder: Path, measured: Path) -> Series:
    """The twin of the measured Rigaku 3M series, which has frames without photons."""
    here = folder / "production_twin"
    found = sorted(here.glob("*.bin.000"))
    if not found:
        found = [twin(measured / MEASURED, here).raw]
    (qmap,) = here.glob("*_qmap.hdf")
    return Series(found[0], qmap, "twin of E0173: Rigaku 3M, 100,000 frames, 5.6 M photons", normalize=False)


def photons(pixels: NDArray[np.uint32], shape: tuple[int, int], n_frames: int, per_frame: float) -> EventList:
    """Independent Poisson counts, uniform over `pixels`; photons on one pixel and frame are one event."""
    rng = np.random.default_rng(0)
    numbers = rng.poisson(per_frame, n_frames)
    pixel = np.empty(numbers.sum(), dtype=np.uint32)
    frame, count = np.empty_like(pixel), np.empty(len(pixel), dtype=np.uint16)
    end = 0
    for number, photons_here in enumerate(numbers):
        hit, times = np.unique(rng.integers(0, len(pixels), photons_here), return_counts=True)
        place = slice(end, end + len(hit))
        pixel[place], frame[place], count[place] = pixels[hit], number, times
        end = place.stop
    return EventList(pixel[:end], frame[:end], count[:end], n_frames, shape)


def _rings(path: Path, mask: NDArray[np.bool_]) -> None:
    # Written last: a folder with a qmap is complete.
    rows, columns = mask.shape
    geometry = Geometry(
        energy=10, detector_distance=5, pixel_size=75e-6, beam_center_x=columns / 2, beam_center_y=rows / 2
    )
    partition(geometry, (rows, columns), mask, q=(36, 360)).save(path)
