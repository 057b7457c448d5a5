"""One facility of this machine for all tests of flows: its workers stay warm."""

import pytest

from xpcs_nb.flows import connect
from xpcs_nb.testing import simulate_measurement


@pytest.fixture(scope="session")
def facility(tmp_path_factory):
    with connect(home=tmp_path_factory.mktemp("home"), workers=2, detached=False) as facility:
        yield facility


@pytest.fixture
def measured(tmp_path):
    return simulate(tmp_path / "m", "A001_brownian")


@pytest.fixture
def make_measurement(tmp_path):
    return lambda name, seed=3: simulate(tmp_path / name, name, seed)


def simulate(folder, name, seed=3):
    return simulate_measurement(folder, shape=(64, 64), n_frames=100, n_dynamic=3, n_static=6, seed=seed, name=name)
