"""Imports without the parts of other packages that a batch has no use for, and that each worker would wait for."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["hidden"]


@contextmanager
def hidden(name: str) -> Iterator[None]:
    """Let a package that is optional to others seem not to be installed; what has imported it already keeps it."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]
