"""Maps of every coordinate, in transmission and in reflection, against pySimpleMask and pyFAI."""

from __future__ import annotations

import numpy as np
import pytest

from xpcs_nb.core import Geometry
from xpcs_nb.errors import OptionError

SHAPE = (90, 110)
BASE = {
    "energy": 12.3,
    "detector_distance": 1.5,
    "pixel_size": 172e-6,
    "beam_center_x": 31.7,
    "beam_center_y": 64.2,
}
THEIR_NAMES = {"two_theta": "TTH", "theta_f": "tth"}
#: Row and column of the surface normal on the detector, for pySimpleMask, which asks for the specular spot.
UP = {0: (-20, 0), 90: (0, -20), 180: (20, 0), 270: (0, 20)}


def agree(ours: np.ndarray, theirs: np.ndarray, rtol: float) -> None:
    """Relative to the largest value: single components go through zero."""
    assert np.abs(ours - theirs).max() <= rtol * np.abs(theirs).max()


@pytest.mark.judge
@pytest.mark.parametrize("swing", [(0.0, 0.0), (4.0, 0.0), (0.0, -3.0), (5.0, 2.0)])
def test_transmission_maps_are_those_of_pysimplemask(swing: tuple[float, float]) -> None:
    theirs = pytest.importorskip("pysimplemask.core.qmap")
    geometry = Geometry(**BASE, swing_horizontal=swing[0], swing_vertical=swing[1])
    maps, _ = theirs.compute_transmission_qmap(12.3, (64.2, 31.7), SHAPE, 172e-6, 1.5, *swing)
    for name in ("q", "phi", "two_theta", "qx", "qy", "x", "y"):
        single = name in {"qx", "qy"}  # theirs are float32
        agree(geometry.map(name, SHAPE), maps[THEIR_NAMES.get(name, name)], 1e-7 if single else 1e-9)


@pytest.mark.judge
@pytest.mark.parametrize("orientation", [0, 90, 180, 270])
def test_reflection_maps_are_those_of_pysimplemask(orientation: int) -> None:
    theirs = pytest.importorskip("pysimplemask.core.qmap")
    geometry = Geometry(**BASE, incident_angle=0.23, orientation=orientation)
    up = UP[orientation]
    specular = (64.2 + up[0], 31.7 + up[1])
    maps, _ = theirs.compute_reflection_qmap(12.3, (64.2, 31.7), specular, SHAPE, 172e-6, 1.5, alpha_i_deg=0.23)
    assert {THEIR_NAMES.get(name, name) for name in geometry.map_units} == set(maps)
    for name in geometry.map_units:
        agree(geometry.map(name, SHAPE), maps[THEIR_NAMES.get(name, name)], 1e-9)
    # a pixel further along the normal leaves the surface under a larger angle
    row, column = 64 + up[0], 32 + up[1]
    alpha_f = geometry.map("alpha_f", SHAPE)
    assert alpha_f[row, column] > alpha_f[64, 32]


def test_components_make_up_q() -> None:
    for geometry in (Geometry(**BASE, swing_horizontal=3.0), Geometry(**BASE, incident_angle=0.2, orientation=90)):
        q, qx, qy, qz, qr = (geometry.map(name, SHAPE) for name in ("q", "qx", "qy", "qz", "qr"))
        np.testing.assert_allclose(np.hypot(qx, qy), qr, rtol=1e-12)
        np.testing.assert_allclose(np.hypot(qr, qz), q, rtol=1e-9)


def test_the_specular_spot_of_a_surface_has_q_along_its_normal() -> None:
    angle = np.radians(0.4)
    row = 60 - np.tan(2 * angle) * 1.5 / 172e-6
    up = Geometry(**(BASE | {"beam_center_y": 60.0 - row, "beam_center_x": 40.0}), incident_angle=0.4)
    spot = up.map("alpha_f", (1, 80))[0, 40]
    assert spot == pytest.approx(0.4, abs=1e-9)
    assert up.map("qr", (1, 80))[0, 40] == pytest.approx(0, abs=1e-9)


@pytest.mark.judge
@pytest.mark.filterwarnings("ignore")
def test_q_phi_and_angles_are_those_of_pyfai() -> None:
    integrator = pytest.importorskip("pyFAI.integrator.azimuthal")
    geometry = Geometry(**BASE)
    # pyFAI counts pixel centres at 0.5
    theirs = integrator.AzimuthalIntegrator(
        dist=1.5,
        poni1=(64.2 + 0.5) * 172e-6,
        poni2=(31.7 + 0.5) * 172e-6,
        pixel1=172e-6,
        pixel2=172e-6,
        wavelength=geometry.wavelength * 1e-10,
    )
    # theirs in float64: `qArray` has float32 positions of the pixels
    row, column = np.indices(SHAPE).astype(float)
    np.testing.assert_allclose(geometry.map("q", SHAPE), theirs.qFunction(row, column) / 10, rtol=2e-8)
    np.testing.assert_allclose(geometry.map("two_theta", SHAPE), np.degrees(theirs.tth(row, column)), rtol=2e-8)
    chi = np.degrees(theirs.chi(row, column))
    np.testing.assert_allclose((geometry.map("phi", SHAPE) + chi + 180) % 360 - 180, 0, atol=1e-9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"incident_angle": 0.1, "orientation": 45}, "no such orientation: got 45"),
        ({"orientation": 90}, "goes with an incident angle"),
        ({"incident_angle": 0.1, "swing_horizontal": 1.0}, "swing does not go"),
        ({"incident_angle": float("nan")}, "incident_angle"),
    ],
)
def test_a_geometry_that_cannot_be_is_refused(options: dict[str, float], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        Geometry(**BASE, **options)


def test_a_map_that_is_not_there_is_refused_with_those_there_are() -> None:
    with pytest.raises(OptionError, match=r"no such map: got 'alpha_f', expected q, phi"):
        Geometry(**BASE).map("alpha_f", SHAPE)
