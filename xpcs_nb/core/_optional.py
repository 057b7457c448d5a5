"""Packages that are not always installed."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from xpcs_nb.errors import MissingExtraError

__all__ = ["require"]


def require(module: str, *, extra: str) -> ModuleType:
    """Import `module`, or say which extra of xpcs_nb brings it.

    Raises
    ------
    MissingExtraError
        If the module is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"{module} is not installed", hint=f"Install it with: pip install 'xpcs-nb[{extra}]'"
        ) from error
