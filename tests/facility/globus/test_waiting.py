from __future__ import annotations

import itertools

import pytest
import tenacity.nap

from xpcs_nb.errors import FacilityError
from xpcs_nb.facility.globus._waiting import LONGEST, poll


def test_looks_become_rarer(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(tenacity.nap.time, "sleep", pauses.append)
    looks = itertools.count(1)
    assert poll(lambda: "there" if next(looks) == 20 else None, 3600, "late", first=0.5) == "there"
    assert len(pauses) == 19
    assert pauses[0] <= 0.75
    assert all(later > 1.2 * earlier for earlier, later in zip(pauses[2:6:2], pauses[4:8:2], strict=False))
    assert LONGEST <= pauses[-1] <= LONGEST + 0.25


def test_waiting_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FacilityError, match="the thing is late"):
        poll(lambda: None, 0.05, "the thing is late", first=0.01)
