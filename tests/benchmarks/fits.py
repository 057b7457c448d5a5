"""``python -m tests.benchmarks.fits``: many fits at once against one `curve_fit` of scipy each, in one run."""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.optimize import curve_fit

from xpcs_nb.analysis import fit_g2
from xpcs_nb.core import DelayGrid

NAMES = ("baseline", "contrast", "rate", "exponent")
#: Times that ours and `curve_fit` take turns.
ROUNDS = 7
#: The bounds of `fit_g2`, or wider where it has none.
LOW, HIGH = (0.0, 0.0, 1e-3, 0.1), (3.0, 3.0, 5e3, 3.0)


def simulated(n_bins: int, sigma: float = 1e-3, n_frames: int = 2000) -> xr.Dataset:
    """Stretched and compressed decays, from a tenth to ten times the middle of the delays."""
    rng = np.random.default_rng(0)
    grid = DelayGrid(n_frames)
    delay = grid.frames * 1e-3
    rate, exponent = 8 * 10 ** rng.uniform(-0.5, 0.8, n_bins), rng.uniform(0.6, 1.7, n_bins)
    err = np.broadcast_to(sigma * np.sqrt(1 + 20 / grid.n_pairs)[:, None], (len(grid), n_bins))
    truth = 1 + 0.2 * np.exp(-2 * (delay[:, None] * rate) ** exponent)
    return xr.Dataset(
        {"g2": (("delay", "bin"), truth + err * rng.normal(size=truth.shape)), "g2_err": (("delay", "bin"), err)},
        coords={"delay": delay, "n_pairs": ("delay", grid.n_pairs), "bin": np.arange(1, n_bins + 1)},
    )


def stretched(
    delay: NDArray[np.float64], baseline: float, contrast: float, rate: float, exponent: float
) -> NDArray[np.float64]:
    return baseline + contrast * np.exp(-2 * (rate * delay) ** exponent)


def one_by_one(data: xr.Dataset, used: NDArray[np.bool_], *, bounded: bool) -> tuple[float, NDArray[np.float64]]:
    """Return processor seconds and parameters (bin, 4); NaN where it gave up."""
    delay, g2, err = (data[name].to_numpy() for name in ("delay", "g2", "g2_err"))
    found = np.full((g2.shape[1], len(NAMES)), np.nan)
    options = {"bounds": (LOW, HIGH)} if bounded else {}
    begin = time.process_time()
    for column in range(g2.shape[1]):
        points = used[:, column]
        x, y, sigma = delay[points], g2[points, column], err[points, column]
        # A start as good as any program's: ends of the curve, and the delay at which half is lost.
        level, top = y[-5:].mean(), y[:3].mean()
        half = x[np.argmax(y < (level + top) / 2)]
        guess = (level, top - level, 0.35 / half, 1.0)
        try:
            found[column], _ = curve_fit(stretched, x, y, p0=guess, sigma=sigma, absolute_sigma=True, **options)
        except RuntimeError:
            continue
    return time.process_time() - begin, found


def in_turn(
    data: xr.Dataset, peer_fits: int
) -> tuple[xr.Dataset, float, dict[bool, float], dict[bool, NDArray[np.float64]]]:
    """Fit all, and some by `curve_fit`, in turn, so that what else the machine does slows both.

    Returns our fit, its processor seconds, and with and without bounds those of one `curve_fit` and its parameters;
    times are medians over the rounds.
    """
    ours = fit_g2(data, model="stretched")
    used = ours["used"].to_numpy()
    mine: list[float] = []
    theirs: dict[bool, list[tuple[float, NDArray[np.float64]]]] = {True: [], False: []}
    for part in np.array_split(np.arange(peer_fits), ROUNDS):
        begin = time.process_time()
        fit_g2(data, model="stretched")
        mine.append(time.process_time() - begin)
        for bounded, found in theirs.items():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                seconds, values = one_by_one(data.isel(bin=part), used[:, part], bounded=bounded)
            found.append((seconds / len(part), values))
    return (
        ours,
        float(np.median(mine)),
        {bounded: float(np.median([one[0] for one in found])) for bounded, found in theirs.items()},
        {bounded: np.concatenate([one[1] for one in found]) for bounded, found in theirs.items()},
    )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--fits", type=int, default=10_000)
    arguments.add_argument("--peer-fits", type=int, default=1000, help="fits that curve_fit does; its time is scaled")
    options = arguments.parse_args()
    data = simulated(options.fits)
    fit_g2(data.isel(bin=slice(300)), model="stretched")
    ours, seconds, taken, theirs = in_turn(data, options.peer_fits)
    print(
        f"{options.fits} stretched exponentials, {int(ours.n_used[0])} points each: ours {seconds:.2f} s of processor"
    )
    begin = time.process_time()
    fit_g2(data.isel(bin=slice(360)), model="stretched")
    print(f"360 bins: {time.process_time() - begin:.3f} s, goal 1 s")
    begin = time.process_time()
    fit_g2(data.isel(bin=slice(360)), model="single")
    print(f"360 bins, single exponentials: {time.process_time() - begin:.3f} s, goal 1 s")
    few = data.isel(bin=slice(options.peer_fits))
    mine = ours.isel(bin=slice(options.peer_fits))
    values, errors = (
        np.stack([mine[f"{name}{ending}"].to_numpy() for name in NAMES], axis=1) for ending in ("", "_err")
    )
    for bounded in (True, False):
        ratio = taken[bounded] * options.fits / seconds
        both = np.isfinite(theirs[bounded]).all(axis=1) & np.isfinite(values).all(axis=1)
        apart = np.abs(theirs[bounded] - values)[both] / errors[both]
        chi2 = np.array([_chi2(few, mine, theirs[bounded], column) for column in np.flatnonzero(both)])
        worse = int((mine["chi2"].to_numpy()[both] > chi2 * (1 + 1e-6)).sum())
        fitted = [int(np.isfinite(one).all(axis=1).sum()) for one in (values, theirs[bounded])]
        print(
            f"curve_fit, {'same bounds' if bounded else 'no bounds'}: ratio {ratio:.1f} (goal 20); same optimum within"
            f" 1e-3 errors: {int((apart.max(axis=1) < 1e-3).sum())} of {int(both.sum())} that both fitted"
            f" (median {np.median(apart.max(axis=1)):.1e}); our chi2 is larger in {worse};"
            f" fitted: ours {fitted[0]}, theirs {fitted[1]}"
        )


def _chi2(data: xr.Dataset, fit: xr.Dataset, values: NDArray[np.float64], column: int) -> float:
    used = fit["used"].to_numpy()[:, column]
    one = data.isel(bin=column, delay=used)
    misfit = (stretched(one["delay"].to_numpy(), *values[column]) - one["g2"].to_numpy()) / one["g2_err"].to_numpy()
    return float((misfit**2).sum())


if __name__ == "__main__":
    main()
