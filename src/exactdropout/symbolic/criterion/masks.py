"""The sum over masks, layer by layer, with equal hidden vectors merged and the last dropout layer in closed form.

Everything is kept polynomial by homogeneity. With p_l the keep probability of droppable layer l (inputs: l = 0) and
P_l = p_0 ⋯ p_{l−1}, the scaled values h̃_l = P_l h_l satisfy

    z̃_{l+1} = W_{l+1} (r_l ∘ h̃_l) + P_{l+1} b_{l+1},   h̃_{l+1} = φ(z̃_{l+1}),

because φ(c z) = c φ(z) for c > 0; so no division by p_l occurs before the end. Given the last hidden values h,

    E_r (Σ w_i h_i r_i/p + b − y)² = (w·h + b − y)² + (q/p) Σ w_i² h_i².
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

from exactdropout.model import Architecture
from exactdropout.progress import Progress
from exactdropout.symbolic.ring.ring import ReluPolynomial, ReluRing, RunningSum

__all__ = ["Layers", "Moments", "State", "dropout_output", "expected_cost", "moments", "states", "transitions"]

Vector: TypeAlias = tuple[ReluPolynomial, ...]


@dataclass(frozen=True)
class Layers:
    """A network and its keep probabilities, as ring elements: ``weights[l][j][i]``, ``biases[l][j]``, ``keep[l]``."""

    ring: ReluRing
    weights: tuple[tuple[Vector, ...], ...]
    biases: tuple[Vector, ...]
    slopes: tuple[Fraction, ...]
    keep: Vector

    @property
    def depth(self) -> int:
        """Number of layers, the output counted."""
        return len(self.weights)

    def scale(self, layer: int) -> ReluPolynomial:
        """Return P_l = p_0 ⋯ p_{l−1}."""
        product = self.ring.one
        for p in self.keep[:layer]:
            product = product * p
        return product

    def activation(self, layer: int, z: ReluPolynomial) -> ReluPolynomial:
        """Return φ(z) = s z + (1 − s) relu(z) of the units of hidden layer ``layer`` (0-based)."""
        slope = self.slopes[layer]
        if slope == 1:
            return z
        hinge = self.ring.relu(z)
        return hinge if slope == 0 else z * slope + hinge * (1 - slope)

    def derivative(self, layer: int, z: ReluPolynomial) -> ReluPolynomial:
        """Return φ′(z) = s + (1 − s) step(z)."""
        slope = self.slopes[layer]
        if slope == 1:
            return self.ring.one
        return self.ring.step(z) * (1 - slope) + slope


@dataclass
class State:
    """A value of h̃_l and the probability of the masks that lead to it."""

    values: Vector
    weight: ReluPolynomial


def transitions(layers: Layers, layer: int, values: Vector) -> Iterator[tuple[int, ReluPolynomial, Vector]]:
    """Yield (kept units as bits, probability, z̃) for every mask of droppable layer ``layer`` on the non-zero values."""
    ring, keep = layers.ring, layers.keep[layer]
    active = [i for i, v in enumerate(values) if v]
    scale = layers.scale(layer + 1)
    row: list[tuple[int, int, Vector]] = [(0, 0, tuple(b * scale for b in layers.biases[layer]))]
    certain = keep == 1
    for i in active:
        column = [weights[i] * values[i] for weights in layers.weights[layer]]
        kept = [(bits | 1 << i, count + 1, tuple(map(_sum, z, column))) for bits, count, z in row]
        row = kept if certain else row + kept
    drop = ring.one - keep
    chances = [keep**k * drop ** (len(active) - k) for k in range(len(active) + 1)]
    for bits, count, z in row:
        yield bits, chances[count], z


def _sum(a: ReluPolynomial, b: ReluPolynomial) -> ReluPolynomial:
    return a + b if b else a


def dropout_output(layers: Layers, inputs: Vector, mask: Sequence[Sequence[int]]) -> Vector:
    """Return P_d D(W, x, R), one element per output, for one pattern R; ``mask[l][i]`` is 1 where a unit is kept."""
    values = inputs
    for layer, rows in enumerate(layers.weights):
        scale = layers.scale(layer + 1)
        kept = [i for i, bit in enumerate(mask[layer]) if bit]
        sums = []
        for row, bias in zip(rows, layers.biases[layer], strict=True):
            z = bias * scale
            for i in kept:
                z = z + row[i] * values[i]
            sums.append(z)
        last = layer == layers.depth - 1
        values = tuple(sums) if last else tuple(layers.activation(layer, z) for z in sums)
    return values


def states(layers: Layers, inputs: Vector) -> list[dict[Any, State]]:
    """Return, for each droppable layer, the distinct values of h̃_l with their probabilities."""
    current: dict[Any, State] = {_key(inputs): State(inputs, layers.ring.one)}
    result = [current]
    for layer in range(layers.depth - 1):
        following: dict[Any, State] = {}
        for state in current.values():
            for _, chance, z in transitions(layers, layer, state.values):
                hidden = tuple(layers.activation(layer, u) for u in z)
                known = following.setdefault(_key(hidden), State(hidden, layers.ring.zero))
                known.weight = known.weight + state.weight * chance
        result.append(following)
        current = following
    return result


def _key(values: Vector) -> tuple[Any, ...]:
    return tuple(v.key() for v in values)


@dataclass(frozen=True)
class Moments:
    """Of one example: E D per output over P_d, and E ‖D − y‖² over P_{d−1}² p_{d−1}."""

    means: Vector
    loss: ReluPolynomial


def moments(layers: Layers, final: dict[Any, State], labels: Vector, tell: Progress | None = None) -> Moments:
    """Return the moments from the states of the last droppable layer (closed form over its masks)."""
    ring, last = layers.ring, layers.depth - 1
    scale = layers.scale(last)
    means = []
    total = RunningSum(ring)
    for output, label in enumerate(labels):
        row, bias = layers.weights[last][output], layers.biases[last][output]
        offset, shifted = scale * bias, scale * (bias - label)
        hinges = _Hinges(layers, row, shifted)
        mean = RunningSum(ring)
        for number, state in enumerate(final.values(), 1):
            if tell is not None and number % 64 == 0:
                tell(output * len(final) + number, len(labels) * len(final))
            used = [(i, h) for i, h in enumerate(state.values) if h and row[i]]
            atoms = [h.lone_atom() for _, h in used]
            if None in atoms:
                _add_state(layers, row, state, used, shifted, mean, total)
            else:
                hinges.add([(i, n) for (i, _), n in zip(used, atoms, strict=True) if n is not None], state.weight)
            if offset:
                mean.add(offset * state.weight)
        hinges.finish(mean, total)
        means.append(mean.total)
    return Moments(tuple(means), total.total)


def _add_state(
    layers: Layers,
    row: Vector,
    state: State,
    used: Sequence[tuple[int, ReluPolynomial]],
    shifted: ReluPolynomial,
    mean: RunningSum,
    total: RunningSum,
) -> None:
    """Add Pr(s) (p (w·h̃ + P(b − y))² + q Σ w_i² h̃_i²) and Pr(s) w·h̃ for any values h̃ of the last hidden layer."""
    keep = layers.keep[layers.depth - 1]
    drop = layers.ring.one - keep
    residual = shifted
    for i, h in used:
        part = row[i] * h
        mean.add(part * state.weight)
        residual = residual + part
        spread = row[i] * row[i] * drop
        if spread:
            total.add(spread * (h * h) * state.weight)
    total.add(residual * residual * keep * state.weight)


class _Hinges:
    """The same sum where every h̃_i is one atom: a quadratic form in atoms, whose coefficients few states tell apart.

    p (w·h̃ + s)² + q Σ w_i² h̃_i² = Σ_i w_i² h̃_i² + 2p Σ_{i<j} w_i w_j h̃_i h̃_j + 2ps Σ w_i h̃_i + p s². The states'
    probabilities are few different polynomials, so each coefficient is multiplied out once.
    """

    def __init__(self, layers: Layers, row: Vector, shifted: ReluPolynomial) -> None:
        ring = layers.ring
        keep = layers.keep[layers.depth - 1]
        self.ring, self.row, self.keep, self.shifted = ring, row, keep, shifted
        self.constant = ring.zero
        self.mean, self.loss = RunningSum(ring), RunningSum(ring)
        self._coefficients: dict[Any, dict[Any, Any]] = {}

    def add(self, used: Sequence[tuple[int, int]], weight: ReluPolynomial) -> None:
        """Add a state: pairs (unit, atom) of its non-zero values, and its probability."""
        known = self._coefficients.setdefault(weight.key(), {})
        self.constant = self.constant + weight
        loss, mean = self.loss, self.mean
        for position, (i, a) in enumerate(used):
            if (i, None) not in known:
                self._multiply(i, weight, known)
            mean.add_term((a,), known[i, None])
            loss.add_term((a, a), known[i, i])
            linear = known[i, "label"]
            if linear is not None:
                loss.add_term((a,), linear)
            for j, b in used[:position]:
                coefficient = known.get((i, j))
                if coefficient is None:
                    product = self.row[i] * self.row[j] * self.keep * weight * 2
                    coefficient = known[i, j] = product.terms[()]
                loss.add_term((a, b) if a <= b else (b, a), coefficient)

    def _multiply(self, i: int, weight: ReluPolynomial, known: dict[Any, Any]) -> None:
        w = self.row[i]
        known[i, None] = (w * weight).terms[()]
        known[i, i] = (w * w * weight).terms[()]
        known[i, "label"] = (w * self.shifted * self.keep * weight * 2).terms.get(())

    def finish(self, mean: RunningSum, total: RunningSum) -> None:
        """Hand the sums over."""
        mean.add(self.mean.total)
        total.add(self.loss.total)
        total.add(self.shifted * self.shifted * self.keep * self.constant)


def expected_cost(architecture: Architecture, nonzero_inputs: Sequence[int], free: Sequence[bool]) -> float:
    """Return an upper estimate of the terms that a derivation handles, from shapes alone.

    Masks of all droppable layers but the last, times the units they feed, times the terms of a unit. A relu unit is
    one atom; a linear or leaky one, or one whose sign the assumptions may fix (``free[l]`` False), carries all its
    terms along.
    """
    total = 0.0
    for count in nonzero_inputs:
        masks, terms, width = 1.0, 1.0, count
        for layer, units in enumerate(architecture.hidden):
            masks *= 2.0 ** min(width, 1000)  # far beyond any limit, short of overflow
            sums = width * terms + 1
            total += masks * units * sums
            slope = architecture.activations[layer].slope
            terms = 1.0 if slope == 0 and free[layer] else sums + (slope != 1)
            width = units
        final = width * terms + 2
        total += masks * architecture.outputs * (final * (final + 1) / 2 + final)
    return total
