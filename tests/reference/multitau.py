"""The estimators of multi-tau and of the mean scattering, in float64 numpy, to be read."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np


@dataclass
class Sums:
    G: np.ndarray  # (S, B, T)
    IP: np.ndarray
    IF: np.ndarray
    n_pixels: np.ndarray  # (S, B)
    pixel_g2_sum: np.ndarray  # (D, T)
    pixel_g2_square: np.ndarray
    per_pixel: np.ndarray  # (T, 3, P)


def delays(n):
    """Rows of (channel, level)."""
    rows = [(channel, 0) for channel in range(1, 5) if channel < n]
    level = 0
    while True:
        for channel in range(5, 9):
            if channel * 2**level >= n // 2**level * 2**level:
                return rows
            rows.append((channel, level))
        level += 1


def correlated_frames(frames, labels, begin=0, end=None, stride=1, avg=1):
    """Used pixels of the frames that are correlated, (N, P): every stride-th frame, means of avg of them."""
    series = np.asarray(frames, dtype=np.float64)[begin:end:stride]
    series = series.reshape(len(series), -1)[:, labels.pixel]
    n = len(series) // avg
    return series[: n * avg].reshape(n, avg, -1).mean(axis=1)


def normalized(series):
    """Each frame divided by its mean over the used pixels; empty frames stay empty."""
    mean = series.mean(axis=1, keepdims=True)
    return np.divide(series, mean, out=np.zeros_like(series), where=mean > 0)


def multitau_pixels(series, grid):
    """G, IP and IF of each pixel, (T, 3, P), on the delays `grid`; NaN where the series is too short for a delay."""
    result = np.full((len(grid), 3, series.shape[1]), np.nan)
    for index, (channel, level) in enumerate(grid):
        width = 2**level
        n = len(series) // width
        if n <= channel:
            continue
        x = series[: n * width].reshape(n, width, -1).mean(axis=1)
        past, future = x[: n - channel], x[channel:]
        result[index] = (past * future).mean(axis=0), past.mean(axis=0), future.mean(axis=0)
    return result


def multitau(series, labels, n_total=None):
    """Sums of the cells, from (N, P) correlated frames; `n_total` gives the grid when the series is a prefix."""
    grid = delays(n_total or len(series))
    pixels = multitau_pixels(series, grid)
    shape = (labels.n_static, labels.n_blocks, len(grid))
    cells = [np.zeros(shape) for _ in range(3)]
    for p in range(len(labels.pixel)):
        for row in range(3):
            cells[row][labels.static[p], labels.block[p]] += pixels[:, row, p]
    n_pixels = np.zeros(shape[:2], dtype=int)
    np.add.at(n_pixels, (labels.static, labels.block), 1)
    below = pixels[:, 1] * pixels[:, 2]
    g2 = np.divide(pixels[:, 0], below, out=np.zeros_like(below), where=below != 0)
    total, square = np.zeros((2, labels.n_dynamic, len(grid)))
    np.add.at(total, labels.dynamic, g2.T)
    np.add.at(square, labels.dynamic, g2.T**2)
    too_short = np.isnan(pixels[:, 0]).all(axis=1)
    for cell in cells:
        cell[:, :, too_short] = np.nan
    total[:, too_short] = square[:, too_short] = np.nan
    return Sums(*cells, n_pixels, total, square, pixels)


def scattering(frames, labels, blemish, begin=0, end=None, stride=1, avg=1, n_segments=10):
    """Mean frame, static means, their segments in time, and the intensity of each correlated frame."""
    series = np.asarray(frames, dtype=np.float64)[begin:end:stride]
    n = len(series) // avg
    series = series[: n * avg]
    image = np.where(blemish, series.mean(axis=0), 0)
    used = correlated_frames(frames, labels, begin, end, stride, avg)
    k = min(n_segments, n)
    edges = [n * i // k for i in range(k + 1)]

    def static_mean(block):
        mean = block.mean(axis=0)
        return np.array([mean[labels.static == s].mean() if (labels.static == s).any() else np.nan
                         for s in range(labels.n_static)])  # fmt: skip

    segments = np.array([static_mean(used[a:b]) for a, b in itertools.pairwise(edges)])
    return image, static_mean(used), segments, used.mean(axis=1)
