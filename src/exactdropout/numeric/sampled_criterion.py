"""J_D on masks that were drawn once: a smooth stand-in for the exact criterion, thousands of times cheaper.

A descent from afar needs a direction more than a value. With the masks fixed the sampled criterion is a function like
any other, so L-BFGS descends it; the masks of the last hidden layer are not drawn but taken in closed form, as in the
exact criterion. With a linear term added it has the exact gradient at a point, and near there its minimum is nearly
that of the exact criterion.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np

from exactdropout.errors import MissingExtra
from exactdropout.model.numbers import Array
from exactdropout.numeric.coordinates import Coordinates

__all__ = ["SampledCriterion", "balanced", "descended", "drawn_start", "one_blas_thread", "optimizers"]

CORRECTIONS = 20
"""Pairs that L-BFGS keeps on the sampled criterion, where they cost nothing beside an evaluation."""

LEAST = 0.5
"""Least norm of the weights of a unit where a descent begins, in the coordinates of the descent."""

FIXED_NANOSECONDS, ROW_NANOSECONDS = 6e4, 0.5


class SampledCriterion:
    """J_D(θ)/spread² = Σ c_n (‖W(x_n∘r_n) − y_n‖² + κ₂ Σ_oj w_oj² h_nj²) over ``rows`` examples with a mask each.

    Every example is taken equally often where there are at most ``rows`` of them, with masks in pairs u, 1 − u of
    uniform numbers; else ``rows`` examples are drawn with their probabilities. κ₂ = q/p of the last layer.
    """

    def __init__(self, coordinates: Coordinates, rates: tuple[Fraction, ...], rows: int, rng: np.random.Generator):
        """Draw the masks."""
        at, shape = coordinates, coordinates.shape
        self.coordinates = at
        self.slopes = [float(a.slope) for a in shape.architecture.activations]
        count = len(at.inputs)
        if count <= rows:
            times = rows // count
            chosen = np.tile(np.arange(count), times)
            self.chances = np.tile(at.chances / times, times)
        else:
            chosen = rng.choice(count, size=rows, p=at.chances)
            self.chances = np.full(rows, 1.0 / rows)
        self.kappa = float(rates[-1] / (1 - rates[-1]))
        self.masks = [
            None if q == 0 else _masks(float(1 - q), w.shape[1], len(chosen), count, rng)
            for q, w in zip(rates[:-1], shape.weights[:-1], strict=True)
        ]
        inputs = at.inputs[chosen].T
        self.inputs = np.array(inputs if not self.masks or self.masks[0] is None else inputs * self.masks[0], order="C")
        self.labels = np.array(at.labels[chosen].T, order="C")

    @property
    def nanoseconds(self) -> float:
        """What a value with its gradient costs, roughly."""
        return FIXED_NANOSECONDS + ROW_NANOSECONDS * len(self.chances) * len(self.coordinates.units)

    def __call__(self, theta: Array) -> tuple[float, Array]:
        """Return the value and the gradient at θ."""
        weights, biases = self.coordinates.parts(theta)
        slopes = np.empty_like(theta)
        into, onto = self.coordinates.parts(slopes)
        last = len(weights) - 1
        entering, passed = [self.inputs], []
        for l in range(last):
            z = weights[l] @ entering[l]
            if (bias := biases[l]) is not None:
                z += bias[:, None]
            passed.append(z > 0)
            h = np.maximum(z, 0.0) if self.slopes[l] == 0 else np.where(passed[l], z, self.slopes[l] * z)
            if l + 1 < last and (mask := self.masks[l + 1]) is not None:
                h *= mask
            entering.append(h)
        w, h = weights[last], entering[last]
        r = w @ h - self.labels
        if (bias := biases[last]) is not None:
            r += bias[:, None]
        own = r * self.chances
        delta = h * self.chances
        squares = np.einsum("jn,jn->j", delta, h)
        noise = self.kappa * w
        into[last][...] = 2 * (own @ h.T + noise * squares)
        if (place := onto[last]) is not None:
            place[...] = 2 * own.sum(axis=1)
        delta *= (2 * (noise * w).sum(axis=0))[:, None]
        delta += (2 * w).T @ own
        for l in range(last - 1, -1, -1):
            if l + 1 < last and (mask := self.masks[l + 1]) is not None:
                delta *= mask
            delta = delta * passed[l] if self.slopes[l] == 0 else np.where(passed[l], delta, self.slopes[l] * delta)
            into[l][...] = delta @ entering[l].T
            if (place := onto[l]) is not None:
                place[...] = delta.sum(axis=1)
            if l:
                delta = weights[l].T @ delta
        return float(np.einsum("on,on->", own, r) + ((noise * w) @ squares).sum()), slopes

    def tilted(self, theta: Array, slopes: Array) -> Callable[[Array], tuple[float, Array]]:
        """Return this function plus the linear one with which its gradient at θ is ``slopes``."""
        tilt = slopes - self(theta)[1]

        def function(other: Array) -> tuple[float, Array]:
            value, own = self(other)
            return value + float(tilt @ (other - theta)), own + tilt

        return function


def _masks(keep: float, units: int, rows: int, count: int, rng: np.random.Generator) -> Array:
    """Return masks over p, a column a row; those of every second round over the examples are the others' opposites."""
    uniform = rng.random((units, rows), dtype=np.float32)
    rounds = rows // count
    for k in range(1, rounds, 2):
        uniform[:, k * count : (k + 1) * count] = 1 - uniform[:, (k - 1) * count : k * count]
    return (uniform < keep) / keep


def descended(function: Callable[[Array], tuple[float, Array]], theta: Array, steps: int) -> Array:
    """Return where so many steps of L-BFGS lead."""
    options = {"maxiter": steps, "maxcor": CORRECTIONS}
    found = optimizers().minimize(function, theta, jac=True, method="L-BFGS-B", options=options)
    return np.asarray(found.x)


def drawn_start(coordinates: Coordinates, rng: np.random.Generator) -> Array:
    """Return a θ with Gaussian weights of variance 1/n for n entering units, biases 0."""
    theta = np.zeros_like(coordinates.units)
    for weights in coordinates.parts(theta)[0]:
        weights[...] = rng.normal(size=weights.shape) / weights.shape[1] ** 0.5
    return theta


def balanced(coordinates: Coordinates, theta: Array) -> Array:
    """Return θ with the ingoing and outgoing weights of each unit at one norm, and that at least LEAST.

    Balancing changes no function of relu or leaky units (Helmbold and Long 2017, Theorem 6). From weights that are much
    smaller all units would learn the same.
    """
    theta = theta.copy()
    weights, biases = coordinates.parts(theta)
    for l in range(len(weights) - 1):
        bias, above = biases[l], weights[l + 1]
        for j in range(len(weights[l])):
            ingoing = float(np.sqrt((weights[l][j] ** 2).sum() + (0.0 if bias is None else bias[j] ** 2)))
            outgoing = float(np.sqrt((above[:, j] ** 2).sum()))
            if ingoing > 0 and outgoing > 0:
                norm = max(LEAST, np.sqrt(ingoing) * np.sqrt(outgoing))
                weights[l][j] *= norm / ingoing
                above[:, j] *= norm / outgoing
                if bias is not None:
                    bias[j] *= norm / ingoing
    return theta


@contextlib.contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keep NumPy's and SciPy's linear algebra to one thread: for vectors so short more only wait for one another.

    L-BFGS of SciPy 1.17 on a hundred numbers takes 250 times as long with two threads on a busy machine of two cores.
    """
    with _pools().limit(limits=1, user_api="blas"):
        yield


@cache
def _pools() -> Any:
    """Return the controller of the thread pools; it looks for them once, when SciPy has brought its own."""
    optimizers()
    return importlib.import_module("threadpoolctl").ThreadpoolController()


def optimizers() -> Any:
    """Return ``scipy.optimize``.

    Raises:
        MissingExtra: SciPy is not installed.
    """
    try:
        return importlib.import_module("scipy.optimize")
    except ImportError:
        raise MissingExtra("Training needs SciPy; install it with 'pip install scipy'.") from None
