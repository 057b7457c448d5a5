from __future__ import annotations

import platform
from collections.abc import Callable

import pytest

from xpcs_nb.errors import FacilityError
from xpcs_nb.facility.globus import GlobusServices
from xpcs_nb.testing import Sandbox


def test_an_endpoint_tells_its_versions_before_work_is_sent(
    services: GlobusServices, count: Callable[[str, str], int]
) -> None:
    report = services.compute_ready(packages=["numpy", "no-such-package"])
    assert report.python == platform.python_version()
    assert report.packages["numpy"] is not None
    assert report.differences == ("no-such-package is not installed there",)
    assert "no-such-package" in str(report)
    services.compute_ready(packages=[])
    assert count("compute", "POST /v3/functions") + count("compute", "POST /v2/functions") == 1


def test_an_endpoint_that_is_offline_is_an_error_with_a_hint(services: GlobusServices, sandbox: Sandbox) -> None:
    sandbox.set_endpoint(online=False)
    with pytest.raises(FacilityError, match="globus-compute-endpoint start"):
        services.compute_ready()


def test_a_worker_that_fails_is_reported_before_work_is_sent(services: GlobusServices, sandbox: Sandbox) -> None:
    sandbox.fail_task("compute", "ModuleNotFoundError: dill")
    with pytest.raises(FacilityError, match="ModuleNotFoundError"):
        services.compute_ready()
