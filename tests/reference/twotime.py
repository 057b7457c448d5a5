"""The two-time estimator in float64 numpy, to be read."""

from __future__ import annotations

import numpy as np


def twotime(series, static, n_segments=5):
    """C2, g2 and g2 of the stretches of one dynamic bin.

    `series` are the counts of its pixels, (N, P); `static` is the smoothing bin of each pixel, (P,).
    """
    a = np.array(series, dtype=np.float64)
    for group in np.unique(static):
        mean = a[:, static == group].mean(axis=1)
        a[:, static == group] /= np.where(mean > 0, mean, 1)[:, None]
    total = a.sum(axis=1)
    total[total <= 0] = 1
    c2 = (a @ a.T) * a.shape[1] / np.outer(total, total)
    part = len(c2) // n_segments
    segments = [diagonal_means(c2[s * part : (s + 1) * part, s * part : (s + 1) * part]) for s in range(n_segments)]
    return np.triu(c2), diagonal_means(c2), np.array(segments).reshape(n_segments, part).T


def diagonal_means(c2):
    return np.array([np.diagonal(c2, lag).mean() for lag in range(len(c2))])
