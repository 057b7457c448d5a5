"""The image view without a browser: what it sends, what it refuses, what it keeps out of a notebook."""

from __future__ import annotations

import json
import zlib
from typing import Any

import hypothesis
import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
import traitlets as t

from xpcs_nb.errors import OptionError, XpcsError
from xpcs_nb.widgets import ImageView
from xpcs_nb.widgets._codec import encode

SHAPE = (30, 40)
IMAGE = np.arange(1200.0).reshape(SHAPE)


def opened(view: ImageView) -> list[tuple[dict[str, Any], list[bytes]]]:
    """Let a page say that it is ready, and return the list of all that it is sent from then on."""
    sent: list[tuple[dict[str, Any], list[bytes]]] = []
    view.send = lambda content, buffers=None: sent.append((content, list(buffers or [])))
    view._handle_custom_msg({"type": "ready"}, [])
    return sent


def decoded(code: dict[str, Any], codes: np.ndarray) -> np.ndarray:
    """Return values as js/codec.js has them."""
    steps = codes.astype(np.int64)
    if code["kind"] == "linear":
        return np.where(codes == 0, np.nan, code["first"] + (steps - 1) * code["step"])
    bits = (code["base"] + (steps - 2).clip(0) * code["step"]).astype(np.uint32)
    return np.where(codes == 0, np.nan, np.where(codes == 1, 0.0, bits.view(np.float32)))


@hypothesis.settings(deadline=None)
@hypothesis.given(hnp.arrays(np.float32, (3, 5), elements=st.floats(0, float(np.float32(1e6)), width=32)))
def test_counts_are_read_out_within_three_parts_in_a_thousand(values: np.ndarray) -> None:
    code, codes = encode(values)
    positive = values > 1e-6
    np.testing.assert_allclose(decoded(code, codes)[positive], values[positive], rtol=3e-3)
    assert (decoded(code, codes)[values == 0] == 0).all()


@pytest.mark.parametrize("kind", ["u1", "u2", "i4", "i8", "bool"])
def test_whole_numbers_are_read_out_exactly(kind: str) -> None:
    values = np.array([[0, 1, 1, 0]]).astype(kind) if kind == "bool" else np.array([[3, 250, 7, 3]]).astype(kind)
    np.testing.assert_array_equal(decoded(*encode(values)), values)


def test_negative_values_and_missing_ones_are_told_apart() -> None:
    values = np.array([[-2.0, 0.0, np.nan, 5.0, np.inf]])
    np.testing.assert_allclose(decoded(*encode(values)), [[-2, 0, np.nan, 5, np.nan]], atol=1e-4)
    assert np.isnan(decoded(*encode(np.full((2, 2), np.nan)))).all()


def test_codes_rise_with_the_values() -> None:
    values = np.geomspace(1e-7, 1e9, 4000)[None]
    codes = encode(values)[1].astype(int)
    assert (np.diff(codes) >= 0).all()
    assert codes.max() > 30000


def test_nothing_is_sent_before_a_page_is_ready_and_everything_then() -> None:
    view = ImageView(IMAGE)
    view.set_mask(IMAGE > 100)
    view.set_labels("dynamic", (IMAGE // 300).astype(int))
    view.set_map("q", IMAGE, unit="1/angstrom")
    kinds = [content["type"] for content, _ in opened(view)]
    assert kinds == ["colours", "image", "flags", "labels", "map"]


def test_only_the_changed_part_of_a_mask_is_sent() -> None:
    view = ImageView(IMAGE)
    used = np.ones(SHAPE, dtype=bool)
    view.set_mask(used)
    sent = opened(view)
    sent.clear()
    used[3:7, 10:12] = False
    view.set_mask(used)
    content, buffers = sent[0]
    assert content["box"] == [3, 10, 4, 2]
    assert np.unpackbits(np.frombuffer(buffers[0], np.uint8), count=8).all()
    sent.clear()
    view.set_mask(used.copy())
    assert sent == []


def test_a_part_of_a_mask_is_set_and_the_caller_keeps_its_own() -> None:
    view = ImageView(IMAGE)
    used = np.ones(SHAPE, dtype=bool)
    used.flags.writeable = False
    view.set_mask(used)
    sent = opened(view)
    sent.clear()
    part = (slice(3, 9), slice(10, 14))
    drawn = np.ones((6, 4), dtype=bool)
    drawn[1:3, 2] = False
    view.set_mask(drawn, part=part)
    assert sent[0][0]["box"] == [4, 12, 2, 1]
    view.set_mask(None, part=part)
    assert sent[1][0]["box"] == [4, 12, 2, 1]
    view.set_mask(None, part=(slice(0, 0), slice(0, 0)))
    assert len(sent) == 2
    view.set_mask(drawn, part=part)
    expected = used.copy()
    expected[part] = drawn
    sent.clear()
    view.set_mask(expected)
    assert sent == []
    with pytest.raises(OptionError, match="another shape"):
        view.set_mask(np.ones((5, 5), dtype=bool), part=part)


def test_what_is_told_together_is_one_message() -> None:
    view = ImageView(IMAGE)
    sent = opened(view)
    sent.clear()
    with view.together():
        view.set_mask(IMAGE > 100)
        view.set_labels("dynamic", (IMAGE // 300).astype(int))
        view.set_markers([(1, 2)])
    ((content, buffers),) = sent
    assert [(part["type"], part["buffers"]) for part in content["parts"]] == [
        ("flags", 1),
        ("labels", 1),
        ("markers", 0),
    ]
    assert len(buffers) == 2
    with view.together():
        view.set_markers([])
    assert sent[1][0]["type"] == "markers"


def test_labels_travel_as_differences() -> None:
    view = ImageView(IMAGE)
    labels = np.random.default_rng(0).integers(0, 70000, SHAPE)
    view.set_labels("static", labels)
    content, buffers = opened(view)[-1]
    assert content["wide"]
    differences = np.frombuffer(zlib.decompress(buffers[0]), np.uint32).reshape(SHAPE)
    np.testing.assert_array_equal(np.cumsum(differences, axis=1, dtype=np.uint32), labels)


def test_an_image_of_another_shape_takes_marks_and_labels_along() -> None:
    view = ImageView(IMAGE)
    view.set_mask(IMAGE > 100)
    view.set_labels("dynamic", (IMAGE // 300).astype(int))
    view.set_image(np.ones((4, 4)))
    assert [content["type"] for content, _ in opened(view)] == ["colours", "image"]


def test_a_saved_notebook_does_not_hold_the_image() -> None:
    view = ImageView(np.random.default_rng(0).random((1000, 1000)))
    view.set_labels("static", np.arange(10**6).reshape(1000, 1000))
    assert len(json.dumps(view.get_state(), default=str)) < 60_000


def test_a_pick_is_told_to_those_who_asked() -> None:
    view, told = ImageView(IMAGE), []

    def tell(x: float, y: float) -> None:
        told.append((x, y))

    view.on_pick(tell)
    view._handle_custom_msg({"type": "pick", "x": 3.25, "y": 4}, [])
    view.on_pick(tell, remove=True)
    view._handle_custom_msg({"type": "pick", "x": 1, "y": 1}, [])
    assert told == [(3.25, 4.0)]


@pytest.mark.parametrize(
    "image", [np.ones(3), np.ones((2, 2, 2)), np.ones((0, 4)), np.array([["a"]]), np.ones((2, 2), complex)]
)
def test_what_is_no_image_is_refused(image: np.ndarray) -> None:
    with pytest.raises(OptionError):
        ImageView(image)


def test_layers_of_another_shape_are_refused() -> None:
    view = ImageView(IMAGE)
    for wrong in (
        lambda: view.set_mask(np.ones((3, 3), bool)),
        lambda: view.set_labels("bins", np.ones((3, 3), int)),
        lambda: view.set_labels("bins", -np.ones(SHAPE, int)),
        lambda: view.set_map("q", np.ones((3, 3))),
        lambda: view.set_mask(np.ones(SHAPE, bool), name="other"),
        lambda: ImageView().set_mask(None),
    ):
        with pytest.raises(XpcsError):
            wrong()


@pytest.mark.parametrize("limits", [[2, 1], [1, 1], [0, float("nan")], [1]])
def test_limits_that_do_not_rise_are_refused(limits: list[float]) -> None:
    with pytest.raises(t.TraitError):
        ImageView(IMAGE, limits=limits)


def test_a_message_that_means_nothing_is_refused() -> None:
    with pytest.raises(OptionError, match="can't be understood"):
        ImageView(IMAGE)._hear(None, {"type": "nonsense"}, [])
