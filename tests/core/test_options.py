"""Options are checked before any work starts, and say what is allowed."""

import pickle

import pytest

from xpcs_nb.core import ReductionOptions
from xpcs_nb.errors import OptionError


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"type": "g2"}, "multitau or twotime or both"),
        ({"engine": "cuda"}, "auto or builtin or boost_corr"),
        ({"begin_frame": -3}, "begin_frame"),
        ({"end_frame": -2}, "end_frame"),
        ({"begin_frame": 5, "end_frame": 5}, "end_frame > begin_frame"),
        ({"stride_frame": 0}, "an integer >= 1"),
        ({"avg_frame": 1.5}, "an integer >= 1"),
        ({"dq_selection": "1,x"}, "1,3,5-7"),
        ({"dq_selection": "0-3"}, "1,3,5-7"),
    ],
)
def test_a_bad_option_is_refused_with_what_is_allowed(options, words):
    with pytest.raises(OptionError, match=words):
        ReductionOptions(**options)


def test_type_is_read_in_any_case():
    assert ReductionOptions(type="Both").wants_twotime


def test_selection_of_bins_from_text():
    assert ReductionOptions(dq_selection="1,2,5-7").dq_selection == (1, 2, 5, 6, 7)
    assert ReductionOptions(dq_selection="all").dq_selection is None


def test_frames_that_do_not_fill_a_step_are_named_in_a_warning():
    options = ReductionOptions(stride_frame=2, avg_frame=3)
    with pytest.warns(UserWarning, match="the last 4 of 100 frames"):
        frames = options.frame_range(100)
    assert frames.n_frames == 16


def test_frames_outside_the_series_are_refused():
    with pytest.raises(OptionError, match="<= 10"):
        ReductionOptions(end_frame=11).frame_range(10)


def test_errors_survive_the_way_from_a_worker_process():
    error = OptionError("no such bin", path="a.h5", where="qmap", got=3, expected="1..2", hint="Choose another.")
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert str(copy) == "a.h5, qmap: no such bin: got 3, expected 1..2. Choose another."
    assert isinstance(copy, ValueError)
