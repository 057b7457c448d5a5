"""Whether a fit can be used, and if not, why: the reasons in the order in which they explain each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri

from xpcs_nb.analysis._freedom import Freedom
from xpcs_nb.analysis._models import Model

__all__ = ["Verdicts"]

type Floats = NDArray[np.float64]

#: Chance that pure noise passes for a decay (3 sigma).
FALSE_ALARM = 0.0027


@dataclass(frozen=True)
class Verdicts:
    """Fits of D curves: free parameters (D, F), their covariance (D, F, F; NaN where singular), chi2 and dof (D,)."""

    model: Model
    freedom: Freedom
    values: Floats
    spread: Floats
    chi2: Floats
    dof: NDArray[np.int64]

    def status(self, converged: NDArray[np.bool_], g2: Floats, weight: Floats) -> list[str | None]:
        """Return the reason why each fit can't be used, None for those that can."""
        reasons: list[str | None] = [None] * len(self.values)
        # Without a decay the iteration may well wander off: then that is the reason to give.
        for found in (
            self._no_decay(g2, weight),
            {int(row): "not converged" for row in np.flatnonzero(~converged)},
            self._at_bound(),
            self._undetermined(),
            self._same_rates(),
        ):
            for row, reason in found.items():
                reasons[row] = reasons[row] or reason
        return reasons

    def _free_column(self, name: str) -> int | None:
        """Return the place of a parameter among the free ones; None where it is held or the model has none."""
        column = self.model.column(name)
        if column is None or not self.freedom.free[column]:
            return None
        return int(self.freedom.free[:column].sum())

    def _no_decay(self, g2: Floats, weight: Floats) -> dict[int, str]:
        """Say so where a constant describes the points about as well as the model does."""
        if self._free_column("contrast") is None:
            return {}
        square = weight**2
        free_baseline = self._free_column("baseline") is not None
        column = self.model.column("baseline")
        if free_baseline or column is None:
            level = (square * g2).sum(axis=1) / square.sum(axis=1)
        else:
            level = self.freedom.fixed[:, column]
        flat = (square * (g2 - level[:, None]) ** 2).sum(axis=1)
        more = int(self.freedom.free.sum()) - free_baseline
        needed = chdtri(more, FALSE_ALARM) * np.maximum(1.0, self.chi2 / self.dof)
        return {
            int(row): "contrast not significant: a constant fits as well "
            f"(chi2 {flat[row]:.4g}, model {self.chi2[row]:.4g})"
            for row in np.flatnonzero(~(flat - self.chi2 >= needed))
        }

    def _at_bound(self) -> dict[int, str]:
        free = self.freedom.free
        low, high = self.freedom.low[:, free], self.freedom.high[:, free]
        with np.errstate(invalid="ignore"):
            width = np.where(np.isfinite(high - low), high - low, np.maximum(np.abs(self.values), 1.0))
        reasons: dict[int, str] = {}
        for name, bound in (("lower", low), ("upper", high)):
            at = np.abs(self.values - bound) <= 1e-4 * width
            for row, column in np.argwhere(at):
                parameter = self.model.parameters[np.flatnonzero(free)[column]]
                shown = np.exp(bound[row, column]) if parameter.is_rate else bound[row, column]
                unit = "" if parameter.unit == "1" else f" {parameter.unit}"
                reasons.setdefault(int(row), f"{parameter.name} at its {name} bound {shown:.4g}{unit}")
        return reasons

    def _undetermined(self) -> dict[int, str]:
        """Name what the points do not determine."""
        variance = np.diagonal(self.spread, axis1=1, axis2=2)
        lost = ~np.isfinite(variance).all(axis=1) | (variance < 0).any(axis=1)
        reasons = {int(row): "parameters can't be told apart by these points" for row in np.flatnonzero(lost)}
        column = self._free_column("contrast")
        if column is None:
            return reasons
        value, error = self.values[:, column], np.sqrt(np.where(lost, np.nan, variance[:, column]))
        for row in np.flatnonzero(~lost & ~(value >= self.freedom.significance * error)):
            reasons[int(row)] = f"contrast not determined: {value[row]:.3g} ± {error[row]:.2g}"
        return reasons

    def _same_rates(self) -> dict[int, str]:
        """Say so where two modes are not two: the logarithm of the ratio of their rates is 0 within errors."""
        fast, slow = self.model.column("rate"), self.model.column("rate_slow")
        if fast is None or slow is None:
            return {}
        free = self.freedom.free
        values = self.freedom.fixed.copy()
        values[:, free] = self.values
        direction = np.zeros(len(free))
        direction[[fast, slow]] = 1.0, -1.0
        variance = np.einsum("f,dfg,g->d", direction[free], self.spread, direction[free])
        with np.errstate(invalid="ignore"):
            apart = values[:, fast] - values[:, slow] > self.freedom.significance * np.sqrt(variance)
        return {
            int(row): "the two rates can't be told apart: "
            f"{np.exp(values[row, fast]):.3g} and {np.exp(values[row, slow]):.3g} 1/s"
            for row in np.flatnonzero(~apart)
        }
