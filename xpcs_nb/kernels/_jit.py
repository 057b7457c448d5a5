"""Compiling, and where compiled code is kept: a folder of the user's, one for each state of the kernels' source."""

from __future__ import annotations

import functools
import hashlib
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from platformdirs import user_cache_dir

__all__ = ["cache_folder", "entry", "inner"]

log = logging.getLogger(__name__)

#: Reassociation makes sums vectorisable; NaN and infinity keep their meaning.
SUMS = {"reassoc", "contract", "nsz"}


#: numba's settings are module attributes that it makes at run time.
config: Any = numba.config
compile_lazily: Any = functools.partial(numba.njit, nogil=True, fastmath=SUMS, error_model="numpy")


@functools.cache
def cache_folder() -> Path:
    """Return the folder of compiled kernels: ``NUMBA_CACHE_DIR`` if that is set, else below the user's cache.

    numba does not notice when a function that a cached one calls has changed in another file, so the name of the
    folder has a hash of all kernel sources.
    """
    if chosen := os.environ.get("NUMBA_CACHE_DIR"):
        return Path(chosen)
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    return Path(user_cache_dir("xpcs_nb", appauthor=False)) / "kernels" / digest.hexdigest()[:12]


def inner[F: Callable[..., Any]](function: F) -> F:
    """Compile a function that only other kernels call."""
    return compile_lazily(function)  # type: ignore[no-any-return]


def entry[F: Callable[..., Any]](function: F) -> F:
    """Compile a function that Python calls, keep the machine code on disk, and log the first compilation."""
    before = config.CACHE_DIR
    # numba looks at this setting while decorating; other users of numba in the process keep theirs.
    config.CACHE_DIR = str(cache_folder())
    try:
        compiled = compile_lazily(function, cache=True)
    finally:
        config.CACHE_DIR = before

    @functools.wraps(function)
    def call(*arguments: Any) -> Any:
        if compiled.signatures:
            return compiled(*arguments)
        name = function.__name__
        start = time.perf_counter()
        fresh = not any(cache_folder().rglob(f"*.{name}-*.nbi"))
        if fresh:
            log.info("compiling %s for this processor; this happens once", name)
        answer = compiled(*arguments)
        if fresh:
            log.info("compiled and ran %s in %.1f s; kept in %s", name, time.perf_counter() - start, cache_folder())
        return answer

    return call  # type: ignore[return-value]
