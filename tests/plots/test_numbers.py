"""Values with errors, as they are written in figures."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpcs_nb.plots._figures import value_with_error


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (12.3456, 0.05, "12.35(5)"),
        (12.3456, 0.012, "12.346(12)"),
        (12.3456, 0.0196, "12.35(2)"),
        (1234.5, 30.0, "1230(30)"),
        (3.4567e-12, 2e-14, "3.46(2)e-12"),
        (0.5, 0.0, "0.5"),
        (0.5, float("nan"), "0.5"),
        (0.0, 0.3, "0.0(3)"),
    ],
)
def test_error_stands_in_the_last_digits(value, error, text):
    assert value_with_error(value, error) == text


@given(st.floats(1e-9, 1e9), st.floats(0.001, 0.9))
def test_what_is_written_is_within_its_error(value, relative):
    error = value * relative
    number, digits, power = re.fullmatch(r"(-?[\d.]+)\((\d+)\)(e[+-]\d+)?", value_with_error(value, error)).groups()
    scale = float(f"1{power or ''}")
    step = 10.0 ** -len(number.partition(".")[2]) if "." in number else 1.0
    assert abs(float(number) * scale - value) <= 0.51 * error
    assert float(digits) * step * scale == pytest.approx(error, rel=0.34)
