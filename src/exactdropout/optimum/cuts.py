"""Dual cuts: rational lower bounds on the criterion that hold for every multiplicity vector.

Let z be numbers z_u with Σ_u w_u z_u = 0 when the output bias is free. From r² ≥ 2 z r − z²,

    J ≥ L(z) + Σ_j [2 s_j ⟨z, g_j⟩ + λ‖g_j‖²],   L(z) = V₀ − Σ_u w_u (2 z_u y_u + z_u²),   ⟨z, g⟩ = Σ_u w_u z_u g(u).

For a unit of type t let h be any vector with ⟨h + s z, ρ⟩ ≥ 0 for the response of every extreme ray ρ of its cone,
where h stands for the linear form h·u on the points where the cone is active. Then −s⟨z, g⟩ ≤ ⟨h, g⟩ ≤ √κ ‖g‖ with
κ = ‖h‖² for every g of the cone, so the bracket is at least −κ/λ, and

    J ≥ L(z) − (1/λ) Σ_t κ_t m_t    for all m.

The best h is the projection of −s z onto the responses of the cone. Two witnesses need no vector: κ = Σ w_u z_u² over
the active points with s z_u < 0 (the positive part of −s z), which is always valid, and h from another type.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from fractions import Fraction
from itertools import compress

import numpy as np

from exactdropout.optimum.qp import guesses
from exactdropout.optimum.unit_types import Arrangement, Floats, Vector

__all__ = ["Cut", "kappas", "round_residual"]


def kappas(arrangement: Arrangement, z: Floats) -> tuple[Floats, Floats]:
    """Return κ_t of every type in float64 and the coefficients of the projections on the (scaled) rays."""
    a = arrangement
    if not a.cones:
        return np.zeros(0), np.zeros((0, 0))
    plus = -(a.table @ (a.weights * z))
    x = guesses(a.grams, plus, a.counts)
    kappa = np.maximum((x * plus).sum(axis=1), 0.0)
    if a.signs_per_cone == 1:
        return kappa, x
    other = guesses(a.grams, -plus, a.counts)
    both = np.stack([x, other], axis=1).reshape(-1, x.shape[1])
    return np.stack([kappa, np.maximum(-(other * plus).sum(axis=1), 0.0)], axis=1).ravel(), both


def round_residual(arrangement: Arrangement, z: Floats, denominator: int) -> Vector:
    """Return z on the grid 1/denominator; with a free output bias one entry is moved so that Σ w_u z_u = 0."""
    rounded = [Fraction(round(float(v) * denominator), denominator) for v in z]
    if arrangement.problem.architecture.output_bias:
        weights = arrangement.problem.weights
        at = max(range(len(weights)), key=lambda u: weights[u])
        rounded[at] -= sum((w * v for w, v in zip(weights, rounded, strict=True)), Fraction(0)) / weights[at]
    return tuple(rounded)


class Cut:
    """One z with what is proved of κ_t: J ≥ ``base`` − (1/λ) Σ κ_t m_t. Witnesses are added when they are needed."""

    def __init__(self, arrangement: Arrangement, z: Vector) -> None:
        """Take an exact z; κ_t starts as the norm of the positive part of −s z on the active points."""
        self.arrangement = arrangement
        self.z = z
        problem = arrangement.problem
        self.base = problem.noise - sum(
            (w * (2 * v * y + v * v) for w, v, y in zip(problem.weights, z, problem.labels, strict=True)), Fraction(0)
        )
        self.witnesses: dict[int, Vector] = {}
        self._common = math.lcm(*(w.denominator for w in problem.weights))
        self._weights = [int(w * self._common) for w in problem.weights]
        self._scale = math.lcm(*(v.denominator for v in z))
        self._integers = [int(v * self._scale) for v in z]
        squares = [w * v * v for w, v in zip(self._weights, self._integers, strict=True)]
        signed = {s: [q if s * v < 0 else 0 for q, v in zip(squares, self._integers, strict=True)] for s in (1, -1)}
        whole = self._common * self._scale**2
        self._kappa: dict[int, Fraction] = {
            t: Fraction(sum(compress(signed[arrangement.sign(t)], arrangement.active(t))), whole)
            for t in arrangement.live
        }
        self._float = np.array([float(v) for v in z])
        self._rough: tuple[Floats, Floats] | None = None

    @property
    def rough(self) -> tuple[Floats, Floats]:
        """Float κ and projections."""
        if self._rough is None:
            self._rough = kappas(self.arrangement, self._float)
        return self._rough

    def kappa(self, kind: int) -> Fraction:
        """Return what is proved of κ_t so far."""
        return self._kappa[kind]

    def limit(self, kinds: Sequence[int], denominator: int | None, deadline: float = math.inf) -> Fraction:
        """Return a proved bound on max κ_t over some types, close to the float maximum, and add the witnesses for it.

        With a ``denominator`` witnesses are rounded with slack; with None they are exact projections.
        After ``deadline`` no witness is sought: the bound stays valid and is weaker.
        """
        if not kinds:
            return Fraction(0)
        rough = self.rough[0]
        order = sorted(kinds, key=lambda t: -rough[t])
        level = Fraction(0)
        top = rough[order[0]]
        for t in order:
            if self._kappa[t] <= level:
                continue
            if time.monotonic() > deadline:
                return max(level, *(self._kappa[s] for s in kinds))
            if denominator is None and rough[t] >= top * (1 - 1e-6):
                self._exact(t)
            else:
                self._rounded(t, level, denominator or 1 << 30)
                if denominator is None and self._kappa[t] > level:
                    self._exact(t)
            level = max(level, self._kappa[t])
        return level

    def _offer(self, kind: int, h: Vector) -> bool:
        """Accept a witness after checking it exactly; return whether it is valid."""
        a = self.arrangement
        sign = a.sign(kind)
        scale = math.lcm(*(v.denominator for v in h))
        form = [int(v * scale) for v in h]
        values = [
            sum(c * x for c, x in zip(form, u, strict=True) if x) if on else 0
            for on, u in zip(a.active(kind), a.problem.points, strict=True)
        ]
        gap = [
            w * (v * self._scale + sign * scale * z)
            for w, v, z in zip(self._weights, values, self._integers, strict=True)
        ]
        if any(sum(d * g for d, g in zip(gap, row, strict=True) if g) < 0 for row in a.responses[a.cone(kind)]):
            return False
        kappa = Fraction(sum(w * v * v for w, v in zip(self._weights, values, strict=True)), self._common * scale**2)
        if kappa < self._kappa[kind]:
            self._kappa[kind] = kappa
            self.witnesses[kind] = h
        return True

    def _exact(self, kind: int) -> None:
        if kind not in self.witnesses or self._kappa[kind] > 0:
            self._offer(kind, self.arrangement.projection(kind, self.z)[0])

    def sharpen(self, kind: int, h: Vector) -> None:
        """Take the exact projection of −s z, from :meth:`Arrangement.projection`, as the witness of a type."""
        if not self._offer(kind, h):
            raise ArithmeticError("An exact projection is no witness.")

    def _rounded(self, kind: int, level: Fraction, denominator: int) -> None:
        a = self.arrangement
        index = a.cone(kind)
        count = a.counts[index]
        h = self.rough[1][kind, :count] @ a.directions[index, :count]
        # A vector inside the cone has a positive inner product with every response that is not 0.
        inside = np.array(a.combination(kind, [Fraction(1)] * int(count)), dtype=float)
        inside /= np.abs(inside).max()
        for slack in (1, 8, 64, 512, 1 << 14):
            moved = h + inside * (slack / denominator)
            if self._offer(kind, tuple(Fraction(round(float(v) * denominator), denominator) for v in moved)):
                return
        self._exact(kind)

    def bound(
        self, groups: Sequence[tuple[Sequence[int], int]], denominator: int | None, deadline: float = math.inf
    ) -> Fraction:
        """Return the proved lower bound over all assignments with ``capacity`` units in each group of types."""
        total = self.base
        for kinds, capacity in groups:
            if capacity:
                total -= capacity * self.limit(kinds, denominator, deadline) / self.arrangement.problem.penalty
        return total
