"""What a batch does without is hidden while it is imported, and no longer."""

import importlib
import sys

import pytest

from xpcs_nb.recipes._imports import hidden


def test_a_hidden_package_is_there_again_afterwards(tmp_path, monkeypatch):
    (tmp_path / "optional_part.py").write_text("there = True")
    monkeypatch.syspath_prepend(tmp_path)
    with hidden("optional_part"), pytest.raises(ImportError):
        importlib.import_module("optional_part")
    assert importlib.import_module("optional_part").there
    with hidden("optional_part"):
        assert importlib.import_module("optional_part").there
    assert sys.modules.pop("optional_part").there
