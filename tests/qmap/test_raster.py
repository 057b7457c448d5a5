"""Which pixels a shape covers."""

from __future__ import annotations

from itertools import pairwise

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.draw import polygon2mask

from xpcs_nb.errors import QMapError
from xpcs_nb.qmap import Edit, parse_edit
from xpcs_nb.qmap._raster import rasterize

SHAPE = (40, 50)
Y, X = np.indices(SHAPE).astype(float)


def covered(kind: str, **values: object) -> NDArray[np.bool_]:
    mask = np.zeros(SHAPE, dtype=bool)
    raster = rasterize(shape(kind, **values), SHAPE)  # type: ignore[arg-type]
    mask[raster.box] = raster.inside
    return mask


def shape(kind: str, **values: object) -> Edit:
    return parse_edit({"kind": kind} | values)


def test_a_pixel_is_in_a_shape_if_its_centre_is_or_lies_on_the_border() -> None:
    assert np.argwhere(covered("circle", x=10, y=5, radius=1)).tolist() == [[4, 10], [5, 9], [5, 10], [5, 11], [6, 10]]
    assert covered("circle", x=10.5, y=5, radius=0.4).sum() == 0
    np.testing.assert_array_equal(
        covered("rectangle", x=10, y=5, width=4, height=2), (np.abs(X - 10) <= 2) & (np.abs(Y - 5) <= 1)
    )
    np.testing.assert_array_equal(
        covered("polygon", points=[(8, 4), (12, 4), (12, 6), (8, 6)]), (np.abs(X - 10) <= 2) & (np.abs(Y - 5) <= 1)
    )
    np.testing.assert_array_equal(
        covered("line", x0=3, y0=7, x1=9, y1=7, width=2), (X >= 3) & (X <= 9) & (abs(Y - 7) <= 1)
    )
    np.testing.assert_array_equal(covered("brush", points=[(3, 7)], radius=0), (X == 3) & (Y == 7))


@pytest.mark.parametrize("angle", [0.0, 17.0, 90.0, 145.0, -30.0])
def test_shapes_turn_from_x_towards_y(angle: float) -> None:
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    along, across = (X - 22.3) * cosine + (Y - 18.1) * sine, (Y - 18.1) * cosine - (X - 22.3) * sine
    np.testing.assert_array_equal(
        covered("rectangle", x=22.3, y=18.1, width=20, height=7, angle=angle), (abs(along) <= 10) & (abs(across) <= 3.5)
    )
    np.testing.assert_array_equal(
        covered("ellipse", x=22.3, y=18.1, a=14, b=5, angle=angle), (along / 14) ** 2 + (across / 5) ** 2 <= 1
    )


def test_a_brush_covers_all_that_is_near_its_stroke() -> None:
    points = [(5.0, 5.0), (30.0, 9.5), (31.0, 30.0)]
    near = np.zeros(SHAPE, dtype=bool)
    for (ax, ay), (bx, by) in pairwise(points):
        t = np.clip(((X - ax) * (bx - ax) + (Y - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2), 0, 1)
        near |= np.hypot(X - ax - t * (bx - ax), Y - ay - t * (by - ay)) <= 3.3
    np.testing.assert_array_equal(covered("brush", points=points, radius=3.3), near)


corner = st.tuples(st.integers(-8, 58), st.integers(-8, 48))
anywhere = st.tuples(st.floats(-8, 58), st.floats(-8, 48))


@hypothesis.settings(max_examples=300, deadline=None)
@hypothesis.given(
    points=st.one_of(st.lists(corner, min_size=3, max_size=9), st.lists(anywhere, min_size=3, max_size=9))
)
def test_polygons_follow_the_even_odd_rule_as_those_of_scikit_image(points: list[tuple[float, float]]) -> None:
    ours = covered("polygon", points=points)
    theirs = polygon2mask(SHAPE, [(y, x) for x, y in points])
    for row, column in np.argwhere(ours != theirs):  # both are right where rounding decides: on the border itself
        ends = np.array(points, dtype=float)
        begin, step = ends, np.roll(ends, -1, axis=0) - ends
        away = np.array([column, row]) - begin
        length2 = (step**2).sum(axis=1)
        t = np.clip((away * step).sum(axis=1) / np.where(length2 > 0, length2, 1), 0, 1)
        assert np.hypot(*(away - t[:, None] * step).T).min() < 1e-6


def test_a_polygon_that_crosses_itself_is_empty_where_it_is_enclosed_twice() -> None:
    t = np.arange(5) * 4 * np.pi / 5
    star = covered("polygon", points=[(25 + 18 * np.sin(a), 20 - 18 * np.cos(a)) for a in t])
    assert not star[20, 25]
    assert star[8, 25]


@pytest.mark.parametrize(
    "values",
    [
        {"kind": "circle", "x": -100, "y": 5, "radius": 20},
        {"kind": "rectangle", "x": 500, "y": 5, "width": 20, "height": 3, "angle": 20},
        {"kind": "polygon", "points": [(-5, -5), (-1, -9), (-1, -2)]},
        {"kind": "brush", "points": [(60, 60), (70, 90)], "radius": 2},
        {"kind": "line", "x0": 0, "y0": -9, "x1": 9, "y1": -5, "width": 2},
        {"kind": "pixels", "points": [(-1, 3), (50, 3), (3, 40)]},
        {"kind": "pixels", "points": []},
        {"kind": "circle", "x": 1e7, "y": 5, "radius": 20},
    ],
)
def test_a_shape_off_the_frame_covers_nothing(values: dict[str, object]) -> None:
    assert not covered(**values).any()  # type: ignore[arg-type]


def test_a_shape_partly_off_the_frame_is_cut() -> None:
    np.testing.assert_array_equal(covered("circle", x=49, y=0, radius=6), np.hypot(X - 49, Y) <= 6)
    assert covered("circle", x=20, y=20, radius=1000).all()
    assert covered("polygon", points=[(-1000, -1000), (1000, -1000), (1000, 1000), (-1000, 1000)]).all()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"kind": "circle", "x": float("nan"), "y": 3, "radius": 3}, "circle.x: Input should be a finite number"),
        ({"kind": "circle", "x": 1, "y": 3, "radius": 0}, "radius: Input should be greater than"),
        ({"kind": "rectangle", "x": 1, "y": 3, "width": -1, "height": 2}, "width"),
        ({"kind": "polygon", "points": [(1, 2), (3, 4)]}, "at least 3"),
        ({"kind": "polygon", "points": [(1, 2), (3, 4), (float("inf"), 2)]}, "finite"),
        ({"kind": "line", "x0": 1, "y0": 2, "x1": 1, "y1": 2, "width": 3}, "same point"),
        ({"kind": "brush", "points": [], "radius": 3}, "at least 1"),
        ({"kind": "pixels", "points": [(1.5, 2)]}, "integer"),
        ({"kind": "circle", "x": 1e300, "y": 3, "radius": 3}, "less than"),
        ({"kind": "heart", "x": 1}, "heart"),
        ({"x": 1}, "an edit can't be used"),
        (
            {"kind": "circle", "x": "a", "radius": -1, "colour": 3},
            "x: .*; circle.y: .*; circle.radius: .*; circle.colour:",
        ),
    ],
)
def test_a_shape_that_cannot_be_is_refused_with_all_that_is_wrong(values: dict[str, object], message: str) -> None:
    with pytest.raises(QMapError, match=message):
        parse_edit(values)
