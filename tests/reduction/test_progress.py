"""Progress: every stage counts up to all frames."""

from __future__ import annotations

import pytest

import xpcs_nb as xnb
from xpcs_nb.testing import simulate_measurement


@pytest.fixture(scope="module", params=["hdf5", "imm"])
def measured(request, tmp_path_factory):
    return simulate_measurement(
        tmp_path_factory.mktemp("measured"),
        shape=(64, 64),
        n_frames=100,
        n_dynamic=3,
        n_static=6,
        raw_format=request.param,
    )


@pytest.mark.parametrize("analysis", ["multitau", "twotime", "both"])
def test_every_stage_counts_frames_up_to_all_of_them(measured, tmp_path, analysis):
    told: dict[str, list[tuple[int, int]]] = {}
    xnb.correlate(
        measured.raw,
        measured.qmap,
        output=tmp_path,
        type=analysis,
        progress=lambda stage, done, total: told.setdefault(stage, []).append((done, total)),
    )
    # Bright two-time series are read twice, first for their scattering.
    assert set(told) - {"scattering"} == ({"multitau", "twotime"} if analysis == "both" else {analysis})
    for stage in told.values():
        assert [done for done, _ in stage] == sorted(done for done, _ in stage)
        assert stage[-1] == (100, 100)
