"""Confidence sequences for means of non-negative, bounded variables: the whole of the probability theory.

docs/estimates.md, section 3, derives them. Fan's inequality: for ξ ≥ −1 and 0 ≤ s < 1,

    exp(sξ − ψ(s)ξ²) ≤ 1 + sξ,    ψ(s) = −log(1 − s) − s.

Let X_1, X_2, … be independent given the past, 0 ≤ X_t ≤ B_t, with weights a_t and centres C_t that depend on the past
only. With ξ_t = a_t(X_t − C_t)/c ≥ −1 the product of exp(s a_t(X_t − μ_t)/c − ψ(s)ξ_t²) is a non-negative
supermartingale that starts at 1, and by Ville's inequality, with probability at least 1 − α, at all times at once,

    Σ a_t X_t − Σ a_t μ_t ≤ c (log(1/α) + ψ(s) Σ ξ_t²) / s.

That needs c ≥ a_t C_t and no upper range. The other side is the same for −X_t and needs c ≥ a_t (B_t − C_t). Each of
the levels s of a fixed grid gets its share of α.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import flint
import numpy as np

from exactdropout.model.numbers import Array
from exactdropout.numeric.float64.bounds import up

__all__ = ["LEVELS", "Mean", "Means", "deviation", "deviations", "psi"]

LEVELS = tuple(Fraction(1, 1 + Fraction(2) ** (k - 3)) for k in range(24))
"""The grid of s: 8/9, 4/5, 2/3, 1/2, 1/3, …, about 2⁻²⁰."""

LEAST = 2.0**-900

PILOT = 4
"""The centres of the lower side may be so many times as large as the pilot's largest."""

LEAST_SHARE = 1 / 64
"""The c of the lower side of one row's mean is at least this share of the other side's: its pilot may be one visit."""

SLACK = 2.0**-28
"""Relative; covers fewer than 2²² roundings of non-negative sums, and those of the weights a."""


def psi(s: Fraction) -> Fraction:
    """Return a rational upper bound of −log(1 − s) − s = Σ_{j≥2} s^j/j: 40 terms, and a geometric series."""
    head = sum((s**j / j for j in range(2, 42)), Fraction(0))
    return head + s**42 / (42 * (1 - s))


@cache
def _grid(chance: Fraction) -> tuple[Array, Array]:
    """Return floats (log(1/α_k)/s_k, ψ(s_k)/s_k), rounded up, with α_k = chance/((k + 1)(k + 2)); they sum to less."""
    logs, slopes = [], []
    for k, s in enumerate(LEVELS):
        ratio = (k + 1) * (k + 2) / chance
        log = (flint.arb(ratio.numerator) / flint.arb(ratio.denominator)).log().upper()  # a ball that contains it
        logs.append(float(log) * (1 + 2.0**-40) / float(s) * (1 + 2.0**-40))
        slopes.append(float(psi(s) / s) * (1 + 2.0**-40))
    return np.array(logs), np.array(slopes)


def deviation(chance: Fraction, squares: float, reach: float) -> float:
    """Return how far Σ a_t X_t may be from its mean on one side, but with probability ``chance``, at all times at once.

    ``squares`` is at least Σ a_t²(X_t − C_t)²/c², ``reach`` is c.
    """
    return float(deviations(chance, np.array([squares]), np.array([reach]))[0])


def deviations(chance: Fraction, squares: Array, reach: Array) -> Array:
    """Return the same for many sums at once, each with its own ``chance``."""
    logs, slopes = _grid(chance)
    least = np.full(squares.shape, np.inf)
    for log, slope in zip(logs.tolist(), slopes.tolist(), strict=True):
        np.minimum(least, log + slope * squares, out=least)
    found: Array = up(reach * least) * (1 + SLACK)
    return found


class Mean:
    """A confidence sequence for μ = Σ_i P_i μ_i from passes; in each, example i is visited ``counts[i]`` times.

    A visit gives ``copies`` independent variables in [0, ``ceilings[i]``], so a = P_i/(copies · counts_i). The first
    pass is the pilot: it chooses the centres and is not counted. After it, the centre of an example is its mean so far.
    """

    def __init__(
        self, chances: Array, counts: Array, ceilings: Array, copies: int, pilot: Array, rows: Array | None = None
    ) -> None:
        """Choose weights and the constants c of both sides, from what is known before the first counted pass.

        ``rows`` are those that the pilot visits, by default all as often as a pass does. Where there are others, the
        first centres are in proportion to the ceilings.
        """
        self._counts, self._ceilings, self._copies = counts, ceilings, copies
        self._starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        self._rows = np.repeat(np.arange(len(counts)), counts)
        self._weights = chances / (copies * counts)
        self._above = max(float(up(np.max(self._weights * ceilings))), LEAST)  # a larger c is always allowed
        centres = self._averages(pilot) if rows is None else self._guessed(pilot, rows)
        self._below = min(self._above, max(float(up(PILOT * np.max(self._weights * centres))), self._above * 2.0**-40))
        self._most = self._below * (1 - SLACK) / self._weights  # a C ≤ c on the lower side
        self._centres = np.minimum(centres, self._most)
        self._sums = np.zeros(len(counts))
        self._squares = 0.0
        self.passes = 0

    def _guessed(self, values: Array, rows: Array) -> Array:
        most = float(self._ceilings[rows].mean())
        centres: Array = self._ceilings * (float(values.mean()) / most if most > 0 else 0.0)
        return centres

    def _averages(self, values: Array) -> Array:
        averages: Array = self._added(values) / (self._copies * self._counts)
        return averages

    def _added(self, values: Array) -> Array:
        sums: Array = np.add.reduceat(values.reshape(len(self._rows), -1).sum(axis=1), self._starts)
        return sums

    def add(self, values: Array) -> None:
        """Take one pass, of shape (visits,) or (visits, copies), visits of an example side by side."""
        values = values.reshape(len(self._rows), -1)
        if not ((values >= 0) & (values <= self._ceilings[self._rows, None])).all():
            raise AssertionError("a sampled value left its proved range; please report this")
        away = (values - self._centres[self._rows, None]) * (self._weights / self._above)[self._rows, None]
        self._squares += float((away * away).sum())
        self._sums += self._added(values)
        self.passes += 1
        seen = self._sums / (self.passes * self._copies * self._counts)
        self._centres = np.minimum(seen, self._most)

    def state(self) -> Array:
        """Return what passes have changed: a run that begins with it goes on with the same bits."""
        return np.concatenate([[float(self.passes), self._squares], self._sums, self._centres])

    def restore(self, state: Array) -> None:
        """Go on from a state of the same problem and pilot."""
        self.passes, self._squares = int(state[0]), float(state[1])
        self._sums, self._centres = (part.copy() for part in np.split(state[2:], 2))

    def bounds(self, below: Fraction, above: Fraction) -> tuple[float, float]:
        """Return [lower, upper]: each side is wrong, at any time, with at most the probability given for it."""
        total = float((self._weights * self._sums).sum())
        squares = self._squares * (1 + SLACK)
        low = total * (1 - SLACK) - deviation(below, squares * (self._above / self._below) ** 2, self._below)
        high = total * (1 + SLACK) + deviation(above, squares, self._above)
        return max(0.0, low / self.passes * (1 - SLACK if low > 0 else 1 + SLACK)), high / self.passes * (1 + SLACK)


class Means:
    """The same for every row on its own: μ_{i,o} for each example i and column o, from the visits of the example.

    A visit gives one variable in [0, ``ceilings[i, o]``]; c is chosen for each mean by itself.
    """

    def __init__(self, counts: Array, ceilings: Array, pilot: Array) -> None:
        """Choose the constants c of both sides, from what is known before the first counted pass."""
        self._starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        self._rows = np.repeat(np.arange(len(counts)), counts)
        self._ceilings = ceilings
        self._weights = 1 / counts[:, None]
        self._above = np.maximum(up(self._weights * ceilings), LEAST)
        centres = self._weights * self._added(pilot)
        wanted = np.maximum(up(PILOT * self._weights * centres), self._above * LEAST_SHARE)
        self._below = np.minimum(self._above, wanted)
        self._most = self._below * (1 - SLACK) / self._weights
        self._centres = np.minimum(centres, self._most)
        self._sums, self._squares = np.zeros(ceilings.shape), np.zeros(ceilings.shape)
        self.passes = 0

    def _added(self, values: Array) -> Array:
        sums: Array = np.add.reduceat(values, self._starts, axis=0)
        return sums

    def add(self, values: Array) -> None:
        """Take one pass, of shape (visits, columns), visits of an example side by side."""
        if not ((values >= 0) & (values <= self._ceilings[self._rows])).all():
            raise AssertionError("a sampled value left its proved range; please report this")
        away = (values - self._centres[self._rows]) * (self._weights / self._above)[self._rows]
        self._squares += self._added(away * away)
        self._sums += self._added(values)
        self.passes += 1
        self._centres = np.minimum(self._weights * self._sums / self.passes, self._most)

    def state(self) -> Array:
        """Return what passes have changed: a run that begins with it goes on with the same bits."""
        parts = (self._squares, self._sums, self._centres)
        return np.concatenate([[float(self.passes)], *(part.ravel() for part in parts)])

    def restore(self, state: Array) -> None:
        """Go on from a state of the same problem and pilot."""
        self.passes = int(state[0])
        parts = (part.reshape(self._ceilings.shape).copy() for part in np.split(state[1:], 3))
        self._squares, self._sums, self._centres = parts

    def bounds(self, below: Fraction, above: Fraction) -> tuple[Array, Array]:
        """Return lower and upper ends: each end is wrong, at any time, with at most the probability given for it."""
        total = self._weights * self._sums
        squares = self._squares * (1 + SLACK)
        low = total * (1 - SLACK) - deviations(below, squares * (self._above / self._below) ** 2, self._below)
        high = total * (1 + SLACK) + deviations(above, squares, self._above)
        low = np.maximum(0.0, low / self.passes * np.where(low > 0, 1 - SLACK, 1 + SLACK))
        return low, high / self.passes * (1 + SLACK)
