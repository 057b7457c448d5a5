"""Binder builds its image from `binder/` alone, with the Python and the packages that are asked for there."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

with warnings.catch_warnings():
    # repo2docker imports a package by its old name.
    warnings.simplefilter("ignore", DeprecationWarning)
    from repo2docker import buildpacks
    from repo2docker.app import Repo2Docker

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def build(monkeypatch):
    monkeypatch.chdir(ROOT)
    # In repo2docker's own order: the first that recognises the repository builds it.
    app = Repo2Docker()
    return next(pack for pack in (kind(base_image=app.base_image) for kind in app.buildpacks) if pack.detect())


def test_repo2docker_takes_the_folder_for_a_plain_python_environment(build):
    assert type(build) is buildpacks.PythonBuildPack
    assert build.binder_dir == "binder"
    assert build.python_version.startswith("3.12")


def test_the_package_is_installed_from_the_checkout(build):
    scripts = "\n".join(script for _, script in build.get_assemble_scripts())
    assert 'pip install --no-cache-dir -r "binder/requirements.txt"' in scripts
    wanted = [line for line in (ROOT / "binder/requirements.txt").read_text().splitlines() if line[:1] not in ("#", "")]
    assert wanted == [".[lab,detectors]"]
    # Files are there before the packages are installed, since one of these is the checkout itself.
    assert not build._should_preassemble_pip


def test_a_dockerfile_is_made(build):
    build.platform = "linux/amd64"
    text = build.render(build_args={})
    assert "USER ${NB_USER}" in text
    assert "binder/requirements.txt" in text
