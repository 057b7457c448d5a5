"""A qmap on one page."""

from __future__ import annotations

from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from xpcs_nb.core import Geometry
from xpcs_nb.errors import OptionError, QMapError, WriteError
from xpcs_nb.plots import qmap_report
from xpcs_nb.qmap import QMap

SHAPE = (60, 70)
GEOMETRY = Geometry(energy=10.0, detector_distance=4.0, pixel_size=75e-6, beam_center_x=31.3, beam_center_y=22.8)
QMAP = QMap.from_geometry(GEOMETRY, SHAPE).mask_circle(10, 10, 6).partition(q=(3, 9), phi=(2, 4))
IMAGE = np.random.default_rng(1).poisson(5, SHAPE)


@pytest.mark.parametrize("image", [IMAGE, np.zeros(SHAPE), None])
def test_a_page_is_written(tmp_path: Path, image: np.ndarray | None) -> None:
    png = qmap_report(QMAP, image, tmp_path / "a.png")
    pixels = matplotlib.image.imread(png)
    assert pixels.shape[0] > pixels.shape[1] > 1000
    assert pixels[..., :3].std() > 0.05
    assert qmap_report(QMAP, image, tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.pdf", "a.png"]


def test_a_qmap_without_bins_is_drawn_too(tmp_path: Path) -> None:
    assert qmap_report(QMap.from_geometry(GEOMETRY, SHAPE), IMAGE, tmp_path / "a.png").stat().st_size > 10_000


def test_a_page_that_cannot_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"expected \.pdf or \.png"):
        qmap_report(QMAP, None, tmp_path / "a.jpg")
    with pytest.raises(QMapError, match="another shape"):
        qmap_report(QMAP, IMAGE.T, tmp_path / "a.pdf")
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError):
        qmap_report(QMAP, None, tmp_path / "file" / "a.pdf")
