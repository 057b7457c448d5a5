"""Fits of measured light scattering: another instrument, the same physics, and a published answer."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from xpcs_nb.analysis import fit_dispersion, fit_g2

#: Published by the authors of the data: diffusion coefficient extrapolated to q = 0, m**2 / s.
PUBLISHED = 3.463e-12


def read_run(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return delay (s), g2 (delay, angle) and q (1/angstrom) of an ALV-7004 file."""
    text = path.read_text(encoding="latin-1")
    index, wavelength = (
        float(re.search(rf"{name}[^\t]*:\s+([\d.]+)", text)[1]) for name in ("Refractive Index", "Wavelength")
    )
    angles = np.radians([float(value) for value in re.findall(r"Angle\(\d\)[^\t]*\t\s*([\d.]+)", text)])
    block = text.split('"Correlation"')[1].split('"')[0]
    table = np.array([line.split() for line in block.splitlines() if line.strip()], dtype=float)
    q = 4 * np.pi * index / (wavelength * 10) * np.sin(angles / 2)
    return table[:, 0] * 1e-3, 1 + table[:, 1:9], q


@pytest.mark.realdata
def test_diffusion_of_measured_spheres_is_the_published_one(measured):
    runs = [read_run(path) for path in sorted((measured / "dls-bam" / "mw002-03").glob("*_000?.ASC"))]
    assert len(runs) == 6
    delay, _, q = runs[0]
    repeats = np.stack([g2 for _, g2, _ in runs])
    ds = xr.Dataset(
        {
            "g2": (("delay", "bin"), repeats.mean(axis=0)),
            "g2_err": (("delay", "bin"), repeats.std(axis=0, ddof=1) / np.sqrt(len(repeats))),
        },
        coords={"delay": delay, "bin": np.arange(1, 9), "q": ("bin", q)},
    )
    fit = fit_g2(ds, delay_range=(2e-6, 0.05))
    assert fit.success.all(), fit.status.values
    # The sample is undiluted and the apparent D falls with angle, so that the exponent is not exactly 2 here.
    assert fit_dispersion(fit, exponent=2).D_m2_per_s / PUBLISHED == pytest.approx(1, rel=0.05)
