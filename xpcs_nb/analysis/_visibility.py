"""How the contrast falls with the exposure: the relaxation rate from speckle visibility."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar

from xpcs_nb.analysis._few_samples import smooth_errors, student
from xpcs_nb.errors import OptionError

__all__ = ["Estimator", "fit_visibility", "visibility"]

type Floats = NDArray[np.float64]

Estimator = Literal["contrast", "contrast_moment"]

#: Rates that are looked at: from the first over the longest exposure to the second over the shortest.
RATES = (0.03, 3.0)
GRID = 61


def visibility(
    frames: ArrayLike, rate: ArrayLike, *, frame_time: float, count_time: float | None = None
) -> NDArray[np.float64]:
    r"""Return the contrast of sums of `m` frames over that of an infinitely short exposure.

    For :math:`g_2 = 1 + \beta e^{-2\Gamma\tau}`, frames of length :math:`t_c` every :math:`t_f`, with
    :math:`x = \Gamma t_c`:

    .. math::
        \frac{\beta_m}{\beta} = \frac{1}{m^2} \left[ m\, \frac{e^{-2x} - 1 + 2x}{2x^2}
        + 2 \left(\frac{\sinh x}{x}\right)^2 \sum_{k=1}^{m-1} (m-k)\, e^{-2\Gamma k t_f} \right] ,

    the mean of :math:`e^{-2\Gamma\tau}` over all pairs of times in the exposure. Without gaps (:math:`t_c = t_f`) it is
    :math:`(e^{-2x} - 1 + 2x)/2x^2` with :math:`x = \Gamma m t_f`.

    Parameters
    ----------
    frames
        m.
    rate
        :math:`\Gamma`, 1/s.
    frame_time, count_time
        :math:`t_f` and :math:`t_c`, s; None for no gaps. 0 for frames in which nothing moves.

    Returns
    -------
    ndarray
        Of the shape that `frames` and `rate` have together.

    Raises
    ------
    OptionError
        If a time or rate is negative, or `count_time` is longer than `frame_time`.
    """
    exposed = frame_time if count_time is None else count_time
    m, gamma = np.broadcast_arrays(np.asarray(frames, dtype=np.float64), np.asarray(rate, dtype=np.float64))
    if not (frame_time > 0 and 0 <= exposed <= frame_time * (1 + 1e-6) and (gamma >= 0).all() and (m >= 1).all()):
        raise OptionError(
            "no such exposure",
            got=f"frame_time={frame_time}, count_time={exposed}, rate={rate!r}, frames={frames!r}",
            expected="0 <= count_time <= frame_time, rate >= 0, frames >= 1",
        )
    x, step = gamma * exposed, 2 * gamma * frame_time
    renewed = -np.expm1(-step)
    with np.errstate(divide="ignore", invalid="ignore"):
        within = np.where(x > 1e-4, (np.expm1(-2 * x) + 2 * x) / (2 * x**2), 1 - 2 * x / 3)
        # sinh^2 times the decay over one frame, so that nothing overflows
        lift = np.where(x > 1e-4, (np.exp(x - step / 2) - np.exp(-x - step / 2)) / (2 * x), np.exp(-step / 2)) ** 2
        pairs = np.where(
            m * step > 1e-5,
            (m * renewed + np.expm1(-step * m)) / renewed**2,
            m * (m - 1) / 2 * (1 - (m - 2) / 3 * step),
        )
    return np.asarray((m * within + 2 * lift * pairs) / m**2, dtype=np.float64)


def fit_visibility(
    data: xr.Dataset,
    *,
    use: Estimator = "contrast_moment",
    count_time: float | None = None,
    significance: float = 3.0,
) -> xr.Dataset:
    r"""Fit contrast and relaxation rate to the contrast of each bin against exposure.

    Least squares of `visibility` with weights :math:`1/\sigma^2`; the contrasts of one bin at different exposures come
    from the same photons, so the errors of the parameters are carried over from the covariance between exposures
    (:math:`A C A^T`), as in `fit_g2`. The errors rest on the few blocks of a bin: weights are made of a power law of
    :math:`\sigma` against exposure, which has little of their noise, and the errors of the parameters have Student's
    factor.

    Parameters
    ----------
    data
        What `xpcs_nb.xsvs` returned.
    use
        ``contrast_moment`` (second moment), or ``contrast`` (maximum likelihood). The photons of a speckle that decays
        within the exposure are not negative binomial: maximum likelihood then finds too little contrast, and the fit
        too high a rate, by many of its errors where photons are many. Only where nothing decays is it more precise.
    count_time
        Exposure of a frame, s, in place of the dataset's; 0 for simulated frames in which nothing moves.
    significance
        Least contrast and rate, in units of their errors.

    Returns
    -------
    xarray.Dataset
        ``contrast``, ``rate`` (1/s) with errors by bin, ``chi2``, ``dof``, ``success``, ``status`` (``ok`` or the
        reason, then there are no values), and ``fitted`` (exposure, bin).

    Raises
    ------
    OptionError
        If this is no dataset of contrasts.
    """
    if use not in get_args(Estimator):
        raise OptionError("no such estimator", got=repr(use), expected=" or ".join(get_args(Estimator)))
    if not {use, f"{use}_err", f"{use}_cov"} <= set(data) or "frame_time" not in data.attrs:
        raise OptionError("this is no speckle visibility", got=", ".join(map(str, data)), expected="what xsvs returns")
    exposed = float(data.attrs["count_time"]) if count_time is None else count_time
    dof = np.asarray(data["contrast_dof"]) if "contrast_dof" in data else np.full(data.sizes["bin"], np.inf)
    frames = data["exposure_frames"].to_numpy().astype(np.float64)
    step = float(data.attrs["frame_time"])
    fits = []
    for number in range(data.sizes["bin"]):
        value, error, covariance = (data[f"{use}{part}"].isel(bin=number).to_numpy() for part in ("", "_err", "_cov"))
        covariance = covariance * student(dof[number]) ** 2
        fits.append(_fit((value, error, covariance), float(dof[number]), frames, (step, exposed), significance))
    coords = {name: data.coords[name] for name in data.coords if name != "exposure2"}
    attrs = {"formula": "contrast of sums of frames, g2 = 1 + beta exp(-2 rate t)", "use": use}
    result = xr.Dataset(coords=coords, attrs=attrs)
    for column, (name, units, text) in enumerate(
        [("contrast", "1", "speckle contrast"), ("rate", "1/s", "relaxation rate")]
    ):
        result[name] = ("bin", [fit[0][column] for fit in fits], {"units": units, "long_name": text})
        about = {"units": units, "long_name": f"standard error of the {text}"}
        result[f"{name}_err"] = ("bin", [fit[1][column] for fit in fits], about)
    result["chi2"] = ("bin", [fit[2] for fit in fits], {"units": "1", "long_name": "chi squared"})
    result["dof"] = ("bin", [fit[3] for fit in fits], {"units": "1", "long_name": "degrees of freedom"})
    result["success"] = ("bin", [fit[4] == "ok" for fit in fits], {"units": "1", "long_name": "the fit can be used"})
    result["status"] = ("bin", [fit[4] for fit in fits], {"units": "1", "long_name": "ok, or why there is no fit"})
    fitted = [
        fit[0][0] * visibility(frames, fit[0][1], frame_time=step, count_time=exposed)
        if fit[4] == "ok"
        else np.full(len(frames), np.nan)
        for fit in fits
    ]
    result["fitted"] = (("exposure", "bin"), np.transpose(fitted), {"units": "1", "long_name": "fitted contrast"})
    return result


type _Fit = tuple[tuple[float, float], tuple[float, float], float, int, str]


def _fit(
    curve_of_bin: tuple[Floats, Floats, Floats],
    dof: float,
    frames: Floats,
    times: tuple[float, float],
    significance: float,
) -> _Fit:
    value, error, known = curve_of_bin
    frame_time, exposed = times
    good = np.isfinite(value) & np.isfinite(error) & (error > 0)
    nothing = (np.nan, np.nan)
    if good.sum() < 3:
        return nothing, nothing, np.nan, 0, f"too few exposures with a contrast ({good.sum()})"
    m, y = frames[good], value[good]
    smooth = smooth_errors(error[None, good], np.log(m), np.ones((1, len(m)), dtype=bool), np.array([dof]), degree=1)
    weight = smooth[0] ** -2.0

    def curve(log_rate: float) -> Floats:
        return visibility(m, np.exp(log_rate), frame_time=frame_time, count_time=exposed)

    def chi2(log_rate: float) -> float:
        shape = curve(log_rate)
        return float((weight * (y - shape * (weight * shape * y).sum() / (weight * shape**2).sum()) ** 2).sum())

    grid = np.linspace(np.log(RATES[0] / (m[-1] * frame_time)), np.log(RATES[1] / (m[0] * frame_time)), GRID)
    best = int(np.argmin([chi2(at) for at in grid]))
    if best in {0, GRID - 1}:
        reason = "gone before the shortest exposure" if best else "no decay by the longest exposure"
        return nothing, nothing, np.nan, 0, reason
    at = float(minimize_scalar(chi2, bounds=(grid[best - 1], grid[best + 1]), method="bounded").x)
    shape = curve(at)
    contrast = float((weight * shape * y).sum() / (weight * shape**2).sum())
    step = 1e-4
    jacobian = np.column_stack([shape, contrast * (curve(at + step) - curve(at - step)) / (2 * step)])
    influence = np.linalg.solve((jacobian.T * weight) @ jacobian, jacobian.T * weight)
    covariance = influence @ known[np.ix_(good, good)] @ influence.T
    spread = np.sqrt(np.diagonal(covariance))
    if not contrast > significance * spread[0]:
        return nothing, nothing, np.nan, 0, f"contrast {contrast:.3g} ± {spread[0]:.2g} is not significant"
    rate = float(np.exp(at))
    if not spread[1] * significance < 1:
        return nothing, nothing, np.nan, 0, f"no decay to see: rate {rate:.3g} ± {rate * spread[1]:.2g} 1/s"
    return (contrast, rate), (float(spread[0]), rate * float(spread[1])), chi2(at), int(good.sum()) - 2, "ok"
