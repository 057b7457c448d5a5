"""A progress bar a stage: frames done, frames/s, time left."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from tqdm import tqdm

__all__ = ["ProgressBar"]


class ProgressBar:
    """Callable for `xpcs_nb.correlate(progress=...)`; a context manager, so that a failure leaves the terminal clean.

    Parameters
    ----------
    hidden
        Show nothing (output that is no terminal).
    unit
        What is counted.
    """

    def __init__(self, *, hidden: bool = False, unit: str = "frames") -> None:
        self._hidden = hidden
        self._unit = unit
        self._bar: tqdm[Any] | None = None
        self._stage = ""

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Show that `done` of `total` frames (or other units) are through `stage`."""
        if self._hidden:
            return
        bar = self._bar
        if bar is None or stage != self._stage:
            from tqdm.auto import tqdm

            self._close()
            self._stage = stage
            bar = tqdm(total=total, desc=stage, unit=f" {self._unit}", unit_scale=True)
            self._bar = bar
        bar.update(min(done, total) - bar.n)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
