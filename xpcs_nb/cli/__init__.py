"""The command line: ``xpcs-nb``."""

from xpcs_nb.cli._app import main, make_app

__all__ = ["main", "make_app"]
