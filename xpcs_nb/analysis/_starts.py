"""Where fits start: the best point of a grid, for all curves at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.analysis._freedom import Freedom
from xpcs_nb.analysis._shapes import Candidates, Shape

__all__ = ["RATES", "best_of_grid"]

type Floats = NDArray[np.float64]

#: Rates of the grid.
RATES = 40
#: Curves that are compared with the grid at a time: so few that their arrays stay in the cache, and that BLAS wakes no
#: threads, which takes longer than the products.
ROWS = 64


def best_of_grid(
    shape: Shape, candidates: Candidates, delay: Floats, g2: Floats, weight: Floats, freedom: Freedom
) -> Floats:
    """Return the best point of a grid over the shape parameters, with baseline and contrast solved exactly.

    Parameters
    ----------
    shape, candidates
        Of the model; the grid is evaluated for all curves at once.
    delay
        Shape (T,).
    g2, weight
        Shape (D, T); weight (1/sigma**2) 0 leaves a point out (its g2 must be finite all the same).
    freedom
        Held parameters keep their values.

    Returns
    -------
    numpy.ndarray
        Shape (D, P).
    """
    some = (weight > 0).any(axis=0)
    delay, g2, weight = delay[some], g2[:, some], weight[:, some]
    held = freedom.fixed[:, 2:]
    same = bool(np.all((held == held[:1]) | np.isnan(held[:1])))
    begin = np.empty(freedom.fixed.shape)
    for rows in [slice(None)] if same else [slice(row, row + 1) for row in range(len(g2))]:
        begin[rows] = _grid(shape, candidates, delay, g2[rows], weight[rows], freedom.take(rows))
    return begin


def _grid(
    shape_of: Shape, candidates: Candidates, delay: Floats, g2: Floats, weight: Floats, freedom: Freedom
) -> Floats:
    low, high = freedom.low[:, 2:].min(axis=0), freedom.high[:, 2:].max(axis=0)
    rates = np.linspace(np.log(0.1 / delay.max()), np.log(2.0 / delay.min()), RATES)
    theta = np.clip(candidates(rates), low, high)
    theta = np.where(np.isnan(freedom.fixed[0, 2:]), theta, freedom.fixed[0, 2:])
    shape, _ = shape_of(delay, theta)
    parts = [slice(row, row + ROWS) for row in range(0, len(g2), ROWS)]
    powers = np.ascontiguousarray(np.stack([shape.T, shape.T**2]))
    return np.concatenate([_best(powers, theta, g2[part], weight[part], freedom.take(part)) for part in parts])


def _best(powers: Floats, theta: Floats, g2: Floats, weight: Floats, freedom: Freedom) -> Floats:
    """Return the best of the candidates `theta` for each of a few curves.

    `powers` are the candidates' curves and their squares, (2, T, C).
    """
    w, weighted = weight.sum(1)[:, None], weight * g2
    wg = weighted.sum(1)[:, None]
    ws, wss, wgs = weight @ powers[0], weight @ powers[1], weighted @ powers[0]
    held_baseline, held_contrast = freedom.fixed[:, :1], freedom.fixed[:, 1:2]
    free_baseline = bool(np.isnan(held_baseline[0]))
    # About the mean where the baseline is free to follow it, which takes the baseline out of the problem.
    product = wgs - ws * (wg / w if free_baseline else held_baseline)
    square = wss - ws**2 / w if free_baseline else wss
    if np.isnan(held_contrast[0]):
        # A candidate without any decay among the points says nothing about the contrast.
        contrast = np.divide(product, square, out=np.zeros_like(ws), where=square > 1e-12 * wss)
        contrast = np.minimum(np.maximum(contrast, freedom.low[:, 1:2]), freedom.high[:, 1:2])
    else:
        contrast = np.broadcast_to(held_contrast, ws.shape)
    best = np.argmax(contrast * (2 * product - contrast * square), axis=1)
    row = np.arange(len(g2))
    chosen = contrast[row, best]
    baseline = (wg[:, 0] - chosen * ws[row, best]) / w[:, 0] if free_baseline else held_baseline[:, 0]
    return np.column_stack([baseline, chosen, theta[best]])
