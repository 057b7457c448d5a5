"""Where this machine keeps runs and its catalogue."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

__all__ = ["catalogue_path", "data_folder"]


def data_folder() -> Path:
    """Return the folder of this user's runs and catalogue: ``XPCS_NB_HOME``, else the platform's place for data."""
    return Path(os.environ.get("XPCS_NB_HOME") or platformdirs.user_data_dir("xpcs_nb", appauthor=False))


def catalogue_path() -> Path:
    """Return the file of the embedded catalogue."""
    return data_folder() / "catalogue.sqlite"
