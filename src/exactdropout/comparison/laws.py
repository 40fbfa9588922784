"""The exact law of an output beside what an approximation makes of it: Kolmogorov's distance sup_t |F(t) − G(t)|."""

from __future__ import annotations

from itertools import accumulate

import numpy as np
from scipy.special import ndtr

from exactdropout.model.numbers import Array
from exactdropout.numeric.exact.law import OutputLaw

__all__ = ["Steps", "distance_to_normal", "distance_to_sample", "steps_of"]

Steps = tuple[Array, Array]
"""A distribution function that jumps: its sorted points, and its value at and after each."""


def steps_of(law: OutputLaw, output: int) -> Steps:
    """Return the distribution function of one output; points that are one float are one point."""
    one = law.marginal(output)
    values = np.array([float(v[0]) for v in one.values])
    total = np.array([float(p) for p in accumulate(one.probabilities)])
    last = np.append(values[1:] != values[:-1], True)
    return values[last], total[last]


def distance_to_normal(steps: Steps, mean: float, variance: float) -> float:
    """Return the distance to N(mean, variance), a point mass where the variance is 0.

    >>> distance_to_normal((np.array([-1.0, 1.0]), np.array([0.5, 1.0])), 0.0, 0.0)
    0.5
    """
    if variance <= 0:
        return distance_to_sample(steps, np.array([mean]))
    points, after = steps
    normal = ndtr((points - mean) / variance**0.5)
    before = np.concatenate([[0.0], after[:-1]])
    return float(np.maximum(np.abs(after - normal), np.abs(before - normal)).max())


def distance_to_sample(steps: Steps, sample: Array) -> float:
    """Return the distance to the empirical distribution of a sample, or to a point mass."""
    points, after = steps
    ordered = np.sort(sample)
    grid = np.union1d(points, ordered)
    known = np.concatenate([[0.0], after])[np.searchsorted(points, grid, side="right")]
    seen = np.searchsorted(ordered, grid, side="right") / len(ordered)
    return float(np.abs(known - seen).max())  # both are constant between points of the grid
