"""Rows of the table, as text and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

HEAD = "| what | data | ours | peer | ratio | peak memory | goal |\n|---|---|---|---|---|---|---|"


@dataclass(frozen=True)
class Row:
    """One measurement against its goal; what a row does not have is None."""

    name: str
    about: str
    goal: str
    ours: float
    ours_peak: float | None = None
    peer_name: str | None = None
    peer: float | None = None
    peer_peak: float | None = None
    ratio: float | None = None
    note: str = ""

    def line(self) -> str:
        """Return the row as a line of the table."""
        peer = "-" if self.peer is None else f"{self.peer_name} {self.peer:.3g} s"
        if self.peer_name is not None and self.peer is None:
            peer = f"{self.peer_name}: failed"
        cells = [self.name, self.about, f"{self.ours:.3g} s", peer, _number(self.ratio, "x"), self._memory(), self.goal]
        text = f"| {' | '.join(cells)} |"
        return f"{text}\n  ({self.name}: {self.note})" if self.note else text

    def _memory(self) -> str:
        if self.ours_peak is None:
            return "-"
        if self.peer_peak is None:
            return f"{self.ours_peak:.3g} GB"
        share = self.peer_peak / self.ours_peak
        return f"{self.ours_peak:.3g} GB, {self.peer_name} {self.peer_peak:.3g} GB (1/{share:.1f})"


def save(rows: list[Row], path: Path) -> None:
    """Keep the rows as JSON."""
    path.write_text(json.dumps([asdict(row) for row in rows], indent=2))


def _number(value: float | None, unit: str) -> str:
    return "-" if value is None else f"{value:.3g}{unit}"
