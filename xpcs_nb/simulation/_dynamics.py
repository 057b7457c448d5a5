"""Photons and intensities whose correlation functions are known exactly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xpcs_nb.errors import OptionError

__all__ = ["Events", "add_events", "ar1_frames", "dim_events", "renewal_events"]

#: Photons that are handled at a time; bounds memory at some 100 bytes a photon.
CHUNK_PHOTONS = 3_000_000
#: Cells (pixel, frame) a photon below which counting in an array beats sorting.
DENSE_CELLS = 16
#: Decay times are held between these (frames): below, nothing is left after a frame; above, nothing decays.
TAU_RANGE = (1e-3, 1e12)

Events = tuple[NDArray[np.uint32], NDArray[np.uint32], NDArray[np.uint16]]


def renewal_events(mean: ArrayLike, tau: ArrayLike, beta: ArrayLike, n_frames: int, rng: np.random.Generator) -> Events:
    r"""Return the photons of independent pixels with :math:`g_2(k) = 1 + \beta e^{-k/\tau}`, exactly.

    The intensity of a pixel is a sum of contributions that are born in some frame, stay constant and die in each
    later frame with probability :math:`p = 1 - e^{-1/\tau}`. Births are a Gamma process of shape
    :math:`M = 1/\beta` a lifetime, so in every frame the intensity is Gamma distributed with mean `mean` and `M`
    modes (counts are negative binomial), and two frames share :math:`e^{-k/\tau}` of it: the marginal distribution
    and the g2 of a renewal process, whose whole intensity is redrawn at once. Unlike there, the contributions are
    independent of each other (Neyman-Scott clusters), so that those without a photon need not be drawn: a life of
    `L` frames yields a cluster at rate :math:`M \log(1 + x)`, :math:`x = mL/M`, with a log-series number of photons,
    :math:`\theta = x/(1+x)`. Time and memory go with the number of photons, whatever the frames and pixels.
    No approximation is made at any count rate.

    Parameters
    ----------
    mean
        Mean counts a frame of each pixel, shape (P,); 0 for pixels without photons.
    tau
        Decay time of g2 - 1, frames, shape (P,) or a number; inf for static speckle.
    beta
        Contrast, shape (P,) or a number; 0 for plain Poisson noise.
    n_frames
        Length of the series.
    rng
        Source of randomness.

    Returns
    -------
    tuple
        Index of the pixel in `mean`, frame and count, each of shape (E,): uint32, uint32, uint16; sorted by pixel,
        then by frame, one entry for each pixel and frame with photons.

    Raises
    ------
    OptionError
        If `mean` or `beta` is negative or not finite, `tau` is not positive, or there is no frame.
    """
    means, decays, contrasts = _checked(mean, tau, beta, n_frames)
    parts = [_chunk(part, means, decays, contrasts, n_frames, rng) for part in _parts(means, n_frames)]
    pixel, frame, count = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return pixel, frame, count


def _checked(
    mean: ArrayLike, tau: ArrayLike, beta: ArrayLike, n_frames: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    means = np.asarray(mean, dtype=np.float64)
    if means.ndim != 1 or n_frames < 1:
        raise OptionError("no such series", got=f"means {means.shape}, {n_frames} frames", expected="(P,) and a frame")
    decays = np.broadcast_to(np.asarray(tau, dtype=np.float64), means.shape)
    contrasts = np.broadcast_to(np.asarray(beta, dtype=np.float64), means.shape)
    for name, values in (("mean", means), ("beta", contrasts)):
        if not (np.isfinite(values) & (values >= 0)).all():
            raise OptionError(
                f"{name} can't be used", got=f"{values.min()}..{values.max()}", expected="finite and >= 0"
            )
    if not (decays > 0).all():
        raise OptionError("tau can't be used", got=decays.min(), expected="positive frames, or inf")
    return means, np.clip(decays, *TAU_RANGE), contrasts


def _parts(mean: NDArray[np.float64], n_frames: int) -> Iterator[slice]:
    """Yield runs of pixels with at most about `CHUNK_PHOTONS` photons."""
    photons = np.concatenate([[0.0], np.cumsum(mean)]) * n_frames
    start = 0
    while start < len(mean) or start == 0:
        stop = int(np.searchsorted(photons, photons[start] + CHUNK_PHOTONS, side="right")) - 1
        stop = min(max(stop, start + 1), len(mean))
        yield slice(start, stop)
        start = max(stop, 1)


def _chunk(
    part: slice, mean: NDArray[Any], tau: NDArray[Any], beta: NDArray[Any], n_frames: int, rng: np.random.Generator
) -> Events:
    """Return the photons of the pixels `part`."""
    pixel, start, length = _lives(mean[part], tau[part], n_frames, rng)
    pixel += part.start
    x = mean[pixel] * length * beta[pixel]
    # lives were drawn as if each photon had its own; log(1+x)/x of them are clusters
    kept = rng.random(len(x)) * x <= np.log1p(x)
    pixel, start, length, x = pixel[kept], start[kept], length[kept], x[kept]
    photons = rng.logseries(x / (1 + x))
    pixel, start, length = (np.repeat(values, photons) for values in (pixel, start, length))
    frame = start + (rng.random(len(start)) * length).astype(np.int64)
    inside = frame < n_frames
    return _counted(pixel[inside], frame[inside], part, n_frames)


def _lives(
    mean: NDArray[Any], tau: NDArray[Any], n_frames: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return pixel, first frame and length of the life around each would-be photon.

    Lives begin in frame 0 (those that were going on) and with probability p in each later frame; they are cut at
    `n_frames`. A photon meets a life with probability proportional to its length: the frames passed since its birth
    are geometric, cut at `n_frames`, and those to come are geometric again.
    """
    end = np.expm1(-n_frames / tau)
    renewed = -np.expm1(-1 / tau)
    births = 1 + renewed * (n_frames - 1)
    pixel = np.repeat(np.arange(len(mean)), rng.poisson(mean * births * end / -renewed))
    decay = tau[pixel]
    passed = (-decay * np.log1p(rng.random(len(pixel)) * end[pixel])).astype(np.int64)
    to_come = (decay * rng.standard_exponential(len(pixel))).astype(np.int64) + 1
    start = (rng.random(len(pixel)) * (n_frames - 1)).astype(np.int64) + 1
    start[rng.random(len(pixel)) * births[pixel] < 1] = 0
    return pixel, start, np.minimum(np.minimum(passed, n_frames - 1) + to_come, n_frames)


def _counted(pixel: NDArray[np.int64], frame: NDArray[np.int64], part: slice, n_frames: int) -> Events:
    """Return the events of photons, sorted by pixel and frame."""
    cell = (pixel - part.start) * n_frames + frame
    if (part.stop - part.start) * n_frames <= DENSE_CELLS * len(cell):
        counts = np.bincount(cell)
        cells = np.flatnonzero(counts)
        counts = counts[cells]
    else:
        cell.sort()
        first = np.flatnonzero(np.diff(cell, prepend=-1))
        cells, counts = cell[first], np.diff(first, append=len(cell))
    return _narrow(cells + part.start * n_frames, counts, n_frames)


def _narrow(cells: NDArray[np.int64], counts: NDArray[np.int64], n_frames: int) -> Events:
    """Return events of cells ``pixel * n_frames + frame`` in the types of events."""
    if counts.max(initial=0) > np.iinfo(np.uint16).max:
        raise OptionError("the counts do not fit 16 bits", got=counts.max(), hint="Lower the mean or the contrast.")
    pixel, frame = np.divmod(cells, n_frames)
    return pixel.astype(np.uint32), frame.astype(np.uint32), counts.astype(np.uint16)


def add_events(series: Sequence[Events], n_frames: int) -> Events:
    """Return the photons of several series of the same pixels and frames together, as `renewal_events` does.

    Independent intensities add: the sum over `j` of ``renewal_events(w_j mean, tau_j, beta / w_j)`` with weights that
    sum to 1 has Gamma distributed intensities of contrast `beta`, and g2 = 1 + beta sum_j w_j exp(-k/tau_j).
    """
    pixel, frame, count = (np.concatenate(arrays) for arrays in zip(*series, strict=True))
    cell = pixel.astype(np.int64) * n_frames + frame
    order = np.argsort(cell, kind="stable")
    cell = cell[order]
    first = np.flatnonzero(np.diff(cell, prepend=-1))
    total = np.add.reduceat(count[order].astype(np.int64), first) if len(first) else np.empty(0, np.int64)
    return _narrow(cell[first], total, n_frames)


def dim_events(events: Events, flux: ArrayLike, rng: np.random.Generator) -> Events:
    r"""Return the photons that are left when frame `t` gets ``flux[t] / max(flux)`` of the beam.

    Each photon is kept with that probability, which is exact: Poisson photons stay Poisson photons. g2 without frame
    normalisation is multiplied by :math:`\langle f(t) f(t+k) \rangle / (\langle f(t) \rangle \langle f(t+k) \rangle)`.

    Parameters
    ----------
    events
        As `renewal_events` returns them.
    flux
        Relative flux of each frame, shape (n_frames,).
    rng
        Source of randomness.

    Raises
    ------
    OptionError
        If a flux is negative or not finite, all are 0, or there are fewer than frames.
    """
    relative = np.asarray(flux, dtype=np.float64)
    pixel, frame, count = events
    if relative.ndim != 1 or len(relative) <= frame.max(initial=0):
        raise OptionError("flux has another length", got=relative.shape, expected="a value for each frame")
    if not (np.isfinite(relative).all() and (relative >= 0).all() and relative.max() > 0):
        raise OptionError("flux can't be used", got=f"{relative.min()}..{relative.max()}", expected="finite, >= 0")
    left = rng.binomial(count, (relative / relative.max())[frame])
    kept = left > 0
    return pixel[kept], frame[kept], left[kept].astype(np.uint16)


def ar1_frames(
    shape: tuple[int, int],
    n_frames: int,
    a: float,
    modes: int,
    mean: float,
    rng: np.random.Generator,
    *,
    speckle: float = 0.0,
) -> NDArray[np.uint16]:
    r"""Return Poisson counts, (frames, rows, columns), of Gaussian fields that forget a factor `a` each frame.

    :math:`g_2(k) = 1 + a^{2k}/M` with `M` independent modes a pixel; `mean` counts a pixel and frame. Intensities of
    pixels at a distance `d` have the correlation :math:`e^{-d^2/2s^2}` with `s` = `speckle` pixels (opposite edges of
    the frame are neighbours); 0 makes all pixels independent.
    """
    if not (0 <= a <= 1 and modes >= 1 and mean >= 0 and speckle >= 0):
        raise OptionError(
            "no such field",
            got=f"a={a}, modes={modes}, mean={mean}, speckle={speckle}",
            expected="0..1, >= 1, >= 0, >= 0",
        )
    # |field correlation|^2 is that of the intensities; its Fourier transform is the power at each spatial frequency
    square = sum(np.ix_(*(np.minimum(np.arange(n), n - np.arange(n)) ** 2 for n in shape)))
    amplitude = np.sqrt(np.maximum(np.fft.fft2(np.exp(-square / (4 * speckle**2))).real, 0)) if speckle else None

    def fresh() -> NDArray[np.complex128]:
        real, imaginary = rng.standard_normal((2, modes, *shape))
        noise = np.asarray((real + 1j * imaginary) / np.sqrt(2), dtype=np.complex128)
        return noise if amplitude is None else np.asarray(np.fft.ifft2(np.fft.fft2(noise) * amplitude))

    field, frames = fresh(), np.empty((n_frames, *shape), np.uint16)
    for number in range(n_frames):
        frames[number] = rng.poisson(mean * (np.abs(field) ** 2).mean(axis=0))
        field = a * field + np.sqrt(1 - a * a) * fresh()
    return frames
