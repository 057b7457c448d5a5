"""From diffusion to size."""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot, isfinite, pi, sqrt
from typing import Protocol

from scipy.constants import Boltzmann

from xpcs_nb.errors import OptionError

__all__ = ["Diffusion", "Size", "size"]


class Diffusion(Protocol):
    """What knows a diffusion coefficient: a `Dispersion` with the exponent held at 2, or a `DiffusionLimit`."""

    @property
    def D_m2_per_s(self) -> float:
        """Diffusion coefficient, m**2 / s."""

    @property
    def D_err_m2_per_s(self) -> float:
        """Its error."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """Hydrodynamic radius.

    Attributes
    ----------
    radius, radius_err
        m.
    width, width_err
        Standard deviation of the distribution of radii, m, weighted by scattered intensity; None where the
        polydispersity is not known.
    """

    radius: float
    radius_err: float
    width: float | None = None
    width_err: float | None = None

    def __str__(self) -> str:
        text = f"hydrodynamic radius {1e9 * self.radius:.4g} ± {1e9 * self.radius_err:.2g} nm"
        if self.width is None or self.width_err is None:
            return text
        return f"{text}, width of the distribution {1e9 * self.width:.3g} ± {1e9 * self.width_err:.2g} nm"


def size(
    diffusion: Diffusion | tuple[float, float],
    *,
    temperature: float,
    viscosity: float,
    temperature_err: float = 0.0,
    viscosity_err: float = 0.0,
    polydispersity: tuple[float, float] | None = None,
) -> Size:
    r"""Return the hydrodynamic radius by Stokes and Einstein, :math:`R = k_B T / (6 \pi \eta D)`.

    Relative errors add in squares. Viscosity is a function of temperature: where it was taken from a table at the
    measured temperature, its error should contain that of the temperature (2 to 3 % a kelvin for water at room
    temperature).

    Parameters
    ----------
    diffusion
        `Dispersion` (exponent held at 2) or `DiffusionLimit`; or a value with its error, m**2 / s.
    temperature, temperature_err
        K.
    viscosity, viscosity_err
        Of the solvent, Pa s (1 cP = 1e-3 Pa s).
    polydispersity
        Value and error of the variance of the rates over their squared mean (model ``cumulant``). In a narrow
        distribution the radii have the same relative width as the rates, its root.

    Returns
    -------
    Size

    Raises
    ------
    OptionError
        If a value is not positive, or an error is negative.
    FitError
        If `diffusion` is a power law whose exponent was not held at 2.
    """
    D, D_err = diffusion if isinstance(diffusion, tuple) else (diffusion.D_m2_per_s, diffusion.D_err_m2_per_s)
    for name, value, unit in (
        ("diffusion", D, "m**2/s"),
        ("temperature", temperature, "K"),
        ("viscosity", viscosity, "Pa s"),
    ):
        if not (isfinite(value) and value > 0):
            raise OptionError(f"no such {name}", where=name, got=value, expected=f"a positive number, {unit}")
    for name, value in (("D_err", D_err), ("temperature_err", temperature_err), ("viscosity_err", viscosity_err)):
        if not (isfinite(value) and value >= 0):
            raise OptionError("no such error", where=name, got=value, expected="0 or a positive number")
    radius = Boltzmann * temperature / (6 * pi * viscosity * D)
    relative = hypot(D_err / D, temperature_err / temperature, viscosity_err / viscosity)
    if polydispersity is None:
        return Size(radius=radius, radius_err=radius * relative)
    index, index_err = polydispersity
    if not (isfinite(index) and isfinite(index_err) and index > 0 and index_err >= 0):
        raise OptionError(
            "no width follows from this polydispersity",
            where="polydispersity",
            got=f"{index:.3g} ± {index_err:.2g}",
            expected="a positive value with its error; one of 0 within errors is of one size",
        )
    width = radius * sqrt(index)
    return Size(
        radius=radius,
        radius_err=radius * relative,
        width=width,
        width_err=width * hypot(relative, index_err / index / 2),
    )
