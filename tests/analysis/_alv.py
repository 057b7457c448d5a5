"""Light scattering as the ALV-7004 correlator writes it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import xarray as xr


def read_alv(path: Path) -> xr.Dataset:
    """Return g2 (delay, bin) of one run, a bin an angle; temperature (K) and viscosity (Pa s) as attributes."""
    text = path.read_text(encoding="latin-1")
    values = {
        name: float(re.search(rf"{name}[^\t]*:\s+([\d.]+)", text)[1])
        for name in ("Refractive Index", "Wavelength", "Temperature", "Viscosity")
    }
    angles = np.radians([float(value) for value in re.findall(r"Angle\(\d\)[^\t]*\t\s*([\d.]+)", text)])
    block = text.split('"Correlation"')[1].split('"')[0]
    table = np.array([line.split() for line in block.splitlines() if line.strip()], dtype=float)
    q = 4 * np.pi * values["Refractive Index"] / (values["Wavelength"] * 10) * np.sin(angles / 2)
    return xr.Dataset(
        {"g2": (("delay", "bin"), 1 + table[:, 1 : 1 + len(angles)])},
        coords={"delay": table[:, 0] * 1e-3, "bin": np.arange(1, len(angles) + 1), "q": ("bin", q)},
        attrs={"temperature": values["Temperature"], "viscosity": values["Viscosity"] * 1e-3},
    )
