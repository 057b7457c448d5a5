"""Results whose scattering is a formula."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from xpcs_nb.core import Geometry

SHAPE = (120, 160)
GEOMETRY = Geometry(energy=10.0, detector_distance=3.0, pixel_size=6e-4, beam_center_x=40.3, beam_center_y=55.8)


def result_of(image, *, n_frames=400, geometry=GEOMETRY, mask=None, metadata=None):
    """A result with the mean frame `image`; the mask has a beam stop and a gap."""
    image = np.asarray(image, dtype=float)
    if mask is None:
        y, x = np.indices(image.shape)
        mask = np.hypot(x - geometry.beam_center_x, y - geometry.beam_center_y) > 4
        mask[:, 90:94] = False
    attrs = {
        name: getattr(geometry, name)
        for name in (
            "energy", "detector_distance", "pixel_size", "beam_center_x", "beam_center_y", "swing_horizontal",
            "swing_vertical",
        )
    }  # fmt: skip
    return xr.DataTree.from_dict(
        {
            "/": xr.Dataset(attrs={"name": "made"}),
            "/saxs": xr.Dataset(
                {"scattering_2d": (("y", "x"), np.where(mask, image, 0), {"units": "counts/pixel/frame"})},
                coords={"time": ("time", np.arange(n_frames) * 0.1)},
            ),
            "/qmap": xr.Dataset({"mask": (("y", "x"), mask), "blemish": (("y", "x"), mask | True)}, attrs=attrs),
            "/metadata": xr.Dataset(attrs=metadata or {}),
            "/provenance": xr.Dataset(attrs={"options": {"avg_frame": 1}}),
        }
    )  # fmt: skip


@pytest.fixture
def make_result():
    return result_of


@pytest.fixture
def maps():
    """q and phi of every pixel."""
    return GEOMETRY.q_phi(SHAPE)


@pytest.fixture
def measured_curve(maps):
    """A curve of a power law with counting noise."""
    import xpcs_nb as xnb

    def make(level=1.0, *, seed=0, n_frames=400, **options):
        image = np.random.default_rng(seed).poisson(level * 0.02 * maps[0] ** -2.0 * n_frames) / n_frames
        return xnb.integrate_wedge(result_of(image, n_frames=n_frames), **{"n_bins": 40} | options)

    return make
