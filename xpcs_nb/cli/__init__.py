"""The command line: ``xpcs-nb``."""

from xpcs_nb.cli._app import app, main

__all__ = ["app", "main"]
