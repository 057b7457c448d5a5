"""Cuts through two-time maps, in both conventions of age."""

from __future__ import annotations

import numpy as np
import pytest

from xpcs_nb.analysis import cut_at_age, cut_from_start
from xpcs_nb.errors import OptionError

N = 41


def map_of(function):
    """Upper triangle of function(t1, t2), rest 0, as a result file holds it."""
    t1, t2 = np.mgrid[:N, :N]
    return np.triu(function(t1, t2)).astype(np.float32)


def test_in_equilibrium_both_cuts_are_the_same_function_of_lag():
    def decay(lag):
        return 1 + 0.2 * np.exp(-lag / 7)

    c2 = map_of(lambda t1, t2: decay(abs(t2 - t1)))
    for cut in (
        cut_at_age(c2, 20),
        cut_at_age(c2, 13.5, width=4),
        cut_from_start(c2, 3),
        cut_from_start(c2, 0, width=9),
    ):
        np.testing.assert_allclose(cut.g2, decay(cut.lag), rtol=1e-6)


def test_a_cut_at_an_age_holds_the_mean_of_the_two_times():
    cut = cut_at_age(map_of(lambda t1, t2: (t1 + t2) / 2), 15)
    np.testing.assert_allclose(cut.g2, 15)
    np.testing.assert_array_equal(cut.lag, np.arange(31))  # 2 * min(15, 40 - 15)
    np.testing.assert_array_equal(cut.n_values, [1 + lag % 2 for lag in range(30)] + [1])


def test_a_cut_from_a_start_holds_the_earlier_time_and_reaches_the_end():
    cut = cut_from_start(map_of(lambda t1, t2: t1), 15)
    np.testing.assert_allclose(cut.g2, 15)
    np.testing.assert_array_equal(cut.lag, np.arange(N - 15))


def test_in_an_ageing_system_the_two_conventions_differ_as_they_must():
    # The rate falls as 1 / t, so that C2 depends on the ratio of the two times.
    c2 = map_of(lambda t1, t2: 1 + (np.minimum(t1, t2) + 1) / (np.maximum(t1, t2) + 1))
    start = cut_from_start(c2, 10)
    np.testing.assert_allclose(start.g2, 1 + 11 / (11 + start.lag), rtol=1e-6)
    age = cut_at_age(c2, 20, width=0)
    np.testing.assert_allclose(age.g2, 1 + (21 - age.lag / 2) / (21 + age.lag / 2), rtol=1e-6)


@pytest.mark.parametrize(("age", "parity"), [(20, 0), (20.5, 1)])
def test_without_a_width_an_age_has_every_other_lag(age, parity):
    cut = cut_at_age(map_of(lambda t1, t2: t1 * 0 + 1.0), age, width=0)
    assert set(cut.lag % 2) == {parity}
    assert set(cut.n_values) == {1}


def test_a_width_averages_over_ages_or_starts():
    c2 = map_of(lambda t1, t2: t1 * 100.0 + t2)
    cut = cut_from_start(c2, 4, width=3)
    assert cut.g2[5] == pytest.approx(np.mean([c2[t, t + 5] for t in (4, 5, 6)]))
    cut = cut_at_age(c2, 20, width=2)
    assert cut.g2[4] == pytest.approx(np.mean([c2[t - 2, t + 2] for t in (19, 20, 21)]))
    assert cut.n_values[4] == 3


def test_averages_end_where_one_of_their_cells_would_lie_outside_the_map():
    np.testing.assert_array_equal(cut_from_start(map_of(lambda t1, t2: t1), N - 5, width=3).lag, [0, 1, 2])
    np.testing.assert_array_equal(cut_at_age(map_of(lambda t1, t2: t1), N - 3, width=2).lag, [0, 1, 2, 3])
    np.testing.assert_array_equal(cut_at_age(map_of(lambda t1, t2: t1), 0).lag, [0])


def test_the_lower_triangle_is_not_looked_at():
    c2 = map_of(lambda t1, t2: t1 + t2 * 1.0)
    full = c2 + 99 * np.tril(np.ones_like(c2), -1)
    np.testing.assert_array_equal(cut_at_age(c2, 11, width=5).g2, cut_at_age(full, 11, width=5).g2)


@pytest.mark.parametrize(
    "call",
    [
        lambda c2: cut_at_age(c2, -1),
        lambda c2: cut_at_age(c2, N),
        lambda c2: cut_at_age(c2, 3, width=-1),
        lambda c2: cut_at_age(c2, float("nan")),
        lambda c2: cut_from_start(c2, N),
        lambda c2: cut_from_start(c2, N - 2, width=3),
        lambda c2: cut_from_start(c2, 3, width=0),
        lambda c2: cut_from_start(c2[:-1], 3),
        lambda c2: cut_at_age(c2[:0, :0], 0),
    ],
)
def test_cuts_outside_the_map_are_refused(call):
    with pytest.raises(OptionError):
        call(map_of(lambda t1, t2: t1))
