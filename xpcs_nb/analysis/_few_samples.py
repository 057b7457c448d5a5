"""Errors that rest on few samples: Student's factor, and weights that do not follow their noise."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy.special import digamma, stdtrit

__all__ = ["error_dof", "smooth_errors", "student"]

type Floats = NDArray[np.float64]

#: Chance that a normal deviate lies below one standard deviation.
ONE_SIGMA = 0.8413447460685429
#: Points beyond its coefficients that a polynomial is fitted to, at least.
SPARE = 2


def student(dof: ArrayLike) -> Floats:
    """Return by how much a standard error is to be multiplied so that 68.27 % of intervals hold the truth.

    Parameters
    ----------
    dof
        Degrees of freedom of the error, any shape: one less than the blocks or repeats that it was estimated from;
        inf where it is known. NaN or less than 1 counts as 1.
    """
    dof = np.asarray(dof, dtype=np.float64)
    few = np.where(dof >= 1, dof, 1.0)
    known = np.isinf(few)
    factor: Floats = np.where(known, 1.0, stdtrit(np.where(known, 1.0, few), ONE_SIGMA))
    return factor


def error_dof(data: xr.Dataset) -> Floats:
    """Return the degrees of freedom of the errors of g2 of each bin, shape (D,); inf where nothing is said of them.

    ``g2_dof(bin)`` says it, or in files without it the attribute ``samples`` of ``g2_cov``.
    """
    n_bins = data.sizes["bin"]
    if "g2_dof" in data:
        dof = np.asarray(data["g2_dof"], dtype=np.float64)
        return np.where(dof >= 1, dof, 1.0)
    samples = data["g2_cov"].attrs.get("samples") if "g2_cov" in data else None
    return np.full(n_bins, np.inf if samples is None else max(float(samples) - 1.0, 1.0))


def smooth_errors(sigma: Floats, at: Floats, used: NDArray[np.bool_], dof: Floats, *, degree: int = 2) -> Floats:
    r"""Return errors to weight points with: a polynomial through :math:`\ln \sigma^2` against `at`.

    A variance of :math:`\nu` degrees of freedom scatters: its logarithm by :math:`\sqrt{\psi_1(\nu/2)}`, 0.57 for 8
    blocks. Weights made of it prefer the points whose error came out too small, so that the fit scatters more than it
    has to, and reports less than it scatters. The variances of neighbouring points are alike: a smooth curve through
    all of them has little of that noise. Where they are not, such weights cost precision, but no honesty.

    Parameters
    ----------
    sigma
        Errors, positive where used, shape (D, T).
    at
        Where the points lie (the logarithm of the delay), shape (T,).
    used
        Shape (D, T).
    dof
        Degrees of freedom of `sigma`, shape (D,); errors with inf are returned as they are, as are those of too few
        points.
    degree
        Of the polynomial.
    """
    n_used = used.sum(axis=1)
    noisy = np.flatnonzero(np.isfinite(dof) & (n_used > degree + SPARE))
    if not len(noisy):
        return sigma
    points, half = used[noisy], dof[noisy, None] / 2
    # The mean of the logarithm of chi2/dof is not 0.
    logs = np.where(points, 2 * np.log(np.where(points, sigma[noisy], 1.0)) - (digamma(half) - np.log(half)), 0.0)
    middle, width = (at.max() + at.min()) / 2, float(np.ptp(at)) / 2
    powers = np.vander((at - middle) / width, degree + 1)
    weighted = (powers * points[:, :, None]).transpose(0, 2, 1)
    curve = powers @ np.linalg.solve(weighted @ powers, weighted @ logs[:, :, None])
    smooth = sigma.copy()
    smooth[noisy] = np.where(points, np.exp(curve[:, :, 0] / 2), sigma[noisy])
    return smooth
