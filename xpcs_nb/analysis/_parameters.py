"""Parameters of models of g2: names, units, and where a fit may look."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = [
    "BASELINE",
    "CONTRAST",
    "EXPONENT",
    "EXPONENT_SLOW",
    "FRACTION",
    "POLYDISPERSITY",
    "RATE",
    "RATE_SLOW",
    "Parameter",
]


@dataclass(frozen=True)
class Parameter:
    """One parameter of a model.

    Attributes
    ----------
    name, unit, long_name
        As they appear in datasets.
    bounds
        Where a fit may look unless told otherwise; None for rates, whose bounds follow from the delays.
    is_rate
        Rates are fitted as logarithms: they are positive and span decades.
    start
        Where a fit starts; None where that follows from the points.
    """

    name: str
    unit: str
    long_name: str
    bounds: tuple[float, float] | None
    is_rate: bool = False
    start: float | None = None


BASELINE = Parameter("baseline", "1", "baseline of g2", (-np.inf, np.inf))
CONTRAST = Parameter("contrast", "1", "speckle contrast", (0.0, np.inf))
RATE = Parameter("rate", "1/s", "relaxation rate", None, is_rate=True)
EXPONENT = Parameter("exponent", "1", "stretching exponent", (0.1, 3.0))
RATE_SLOW = Parameter("rate_slow", "1/s", "relaxation rate of the slow mode", None, is_rate=True)
EXPONENT_SLOW = Parameter("exponent_slow", "1", "stretching exponent of the slow mode", (0.1, 3.0))
FRACTION = Parameter("fraction", "1", "share of the fast mode", (0.0, 1.0))
POLYDISPERSITY = Parameter("polydispersity", "1", "variance of the rates over their squared mean", (-0.5, 1.0))
