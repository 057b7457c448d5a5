"""Linear least squares whose weights are themselves estimates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.analysis._few_samples import student

__all__ = ["Linear", "fit_linear"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Linear:
    """Coefficients of a linear fit.

    Attributes
    ----------
    values, covariance
        Shapes (P,), (P, P).
    chi2
        Sum of squared residuals over errors.
    """

    values: Floats
    covariance: Floats
    chi2: float
    _plain: Floats
    _weighted: Floats
    _dof: Floats

    def error(self, direction: Floats) -> float:
        r"""Return half of the 68.27 % interval of :math:`\sum_p c_p \theta_p` for a `direction` c, shape (P,).

        The degrees of freedom of its variance are Satterthwaite's: each point counts by the share of the variance
        that is its own.
        """
        own = (self._weighted @ (self._plain @ direction)) ** 2
        dof = own.sum() ** 2 / max(float((own**2 / self._dof).sum()), 1e-300)
        return float(np.sqrt(direction @ self.covariance @ direction) * student(dof))


def fit_linear(design: Floats, values: Floats, error: Floats, dof: Floats) -> Linear:
    r"""Fit independent points, of which each has an error estimated from few samples.

    With weights :math:`w_i = 1/s_i^2` the covariance is :math:`\Phi = (\sum_i w_i x_i x_i^T)^{-1}` only where the
    :math:`s_i` are known. Estimated from :math:`\nu_i` degrees of freedom, they give too much weight to points whose
    error came out too small: the coefficients scatter more than they need, and :math:`\Phi` says less than is true. To
    first order in :math:`1/\nu` both together make

    .. math:: \Phi + \Phi \left[ \sum_i \frac{4}{\nu_i} w_i (1 - h_i)\, x_i x_i^T \right] \Phi , \qquad
        h_i = w_i x_i^T \Phi x_i ,

    of which the variance of a weighted mean is P. Meier's (Biometrics 9, 59 (1953)) and the general case that of M. G.
    Kenward and J. H. Roger (Biometrics 53, 983 (1997)). Here :math:`\nu - 2` stands for :math:`\nu`, since
    :math:`1/s^2` is too large by :math:`\nu/(\nu - 2)` on average; down to 5 degrees of freedom intervals then hold
    the truth as often as they should.

    Parameters
    ----------
    design
        :math:`x_i`, shape (N, P).
    values, error
        Of the points, shape (N,).
    dof
        Degrees of freedom of the errors, shape (N,); inf where they are known.
    """
    weighted = design / error[:, None]
    plain = np.linalg.inv(weighted.T @ weighted)
    found = plain @ weighted.T @ (values / error)
    leverage = np.einsum("np,pq,nq->n", weighted, plain, weighted)
    dof = np.maximum(dof - 2, 1.0)
    more = (weighted * (4 / dof * (1 - leverage))[:, None]).T @ weighted
    chi2 = float(np.sum((weighted @ found - values / error) ** 2))
    return Linear(found, plain + plain @ more @ plain, chi2, plain, weighted, dof)
