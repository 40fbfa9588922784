"""Criterion, penalty and variance as an author would write them: sums of squares, not multiplied out.

*Linear networks*, and relu networks in which no unit can be off: D is a sum over paths, one unit in each layer, of the
product of weights and of factors r/p with mean 1 and variance t_l = q_l/p_l. Expand each factor as 1 + (r/p − 1): terms
with different sets of centred factors are uncorrelated, and a path meets each layer once. Hence

    Var D = Σ_L ∏_{l∈L} t_l Σ (sum of the paths through u)²,

over the non-empty sets L of dropped layers and one unit u_l in each of them; a path sum is h(u_1) M(u_1→u_2) ⋯ a(u_k),
h without dropout, M and a products of weight matrices.

*Otherwise*, grouped by the distinct values of the last hidden layer, for one hidden layer the distinct masked inputs:
Σ_s Pr(s) ((v·h_s + b − y)² + (q/p) Σ_i v_i² h_si²).
"""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

from exactdropout.errors import CostLimitExceeded, InvalidInput
from exactdropout.model.numbers import show
from exactdropout.symbolic.criterion.formula import Formula, Piece
from exactdropout.symbolic.criterion.masks import Layers, State, Vector, states, transitions
from exactdropout.symbolic.criterion.problem import Problem
from exactdropout.symbolic.ring.ring import ReluPolynomial, RunningSum

__all__ = ["compact"]

QUANTITIES = ("criterion", "penalty", "variance")
MAX_PIECES = 20_000


def compact(problem: Problem, quantity: str) -> Formula:
    """Return a quantity as a sum of squares over a product of keep probabilities."""
    if quantity not in QUANTITIES:
        raise InvalidInput(f"Argument 'quantity' must be one of {', '.join(QUANTITIES)}, not {show(quantity)}.")
    layers, ring = problem.dropped, problem.ring
    pieces: list[Piece] = []
    walked = [states(layers, x) for x, _, _ in problem.examples]
    linear = all(_is_linear(layers, found) for found in walked)
    over = _product(layers.keep, ring.one) if linear else problem.loss_denominator
    for (x, y, share), found, moments in zip(problem.examples, walked, problem.with_dropout, strict=True):
        plain = problem.without_dropout(x)
        for o, (row, label) in enumerate(zip(layers.weights[-1], y, strict=True)):
            residual = plain[o] - label
            if linear:
                pieces += _path_squares(layers, x, row, share)
                if quantity == "criterion":
                    pieces.append((over * share, residual, residual))
                continue
            if quantity == "variance":
                centre = moments.means[o]  # over P, as the scaled residual is
                pieces += _state_squares(layers, o, found[-1], layers.biases[-1][o], share)
                pieces.append((-share, layers.keep[-1], centre, centre))
                continue
            pieces += _state_squares(layers, o, found[-1], layers.biases[-1][o] - label, share)
            if quantity == "penalty":
                pieces.append((-share, over, residual, residual))
    if len(pieces) > MAX_PIECES:
        raise CostLimitExceeded(f"Argument 'quantity' has a compact form of more than {MAX_PIECES} squares.")
    kept = tuple(piece for piece in pieces if all(piece))
    return Formula(ring=ring, pieces=kept, denominator=over)


def _product(factors: Any, one: ReluPolynomial) -> ReluPolynomial:
    total = one
    for factor in factors:
        total = total * factor
    return total


def _is_linear(layers: Layers, found: list[dict[Any, State]]) -> bool:
    """Return whether every unit is the identity on every mask."""
    for layer in range(layers.depth - 1):
        if layers.slopes[layer] == 1:
            continue
        for state in found[layer].values():
            for _, _, z in transitions(layers, layer, state.values):
                if any(layers.activation(layer, u) != u for u in z):
                    return False
    return True


def _path_squares(layers: Layers, x: Vector, row: Vector, share: ReluPolynomial) -> list[Piece]:
    ring, depth = layers.ring, layers.depth
    values = [x]
    for layer in range(depth - 1):
        values.append(_apply(layers.weights[layer], values[-1], layers.biases[layer]))
    if sum(1 for _ in _choices(values)) > MAX_PIECES:
        raise CostLimitExceeded(f"Argument 'quantity' has a compact form of more than {MAX_PIECES} squares.")
    matrices: dict[tuple[int, int], Any] = {}  # the weights of all paths from one layer to another
    for k in range(depth):
        current: Any = None
        for level in range(k + 1, depth):
            step = layers.weights[level - 1]
            current = step if current is None else _matrix_product(step, current, ring)
            matrices[k, level] = current
    reach = [_matrix_product((row,), matrices[k, depth - 1], ring)[0] for k in range(depth - 1)] + [row]
    pieces: list[Piece] = []
    for chosen in _choices(values):
        layers_used = [k for k, _ in chosen]
        first_layer, first_unit = chosen[0]
        total = values[first_layer][first_unit]
        for (k, i), (level, j) in itertools.pairwise(chosen):
            total = total * matrices[k, level][j][i]
        last_layer, last_unit = chosen[-1]
        total = total * reach[last_layer][last_unit]
        if total:
            size = share
            for k, keep in enumerate(layers.keep):
                size = size * (ring.one - keep if k in layers_used else keep)
            pieces.append((size, total, total))
    return pieces


def _choices(values: list[Vector]) -> Any:
    """Yield one unit in each layer of each non-empty set of layers, small sets first."""
    for count in range(1, len(values) + 1):
        for used in itertools.combinations(range(len(values)), count):
            yield from (
                tuple(zip(used, units, strict=True))
                for units in itertools.product(*(range(len(values[k])) for k in used))
            )


def _apply(matrix: Any, values: Vector, biases: Vector) -> Vector:
    ring = values[0].ring
    rows = []
    for row, bias in zip(matrix, biases, strict=True):
        total = RunningSum(ring)
        total.add(bias)
        for w, v in zip(row, values, strict=True):
            total.add(w * v)
        rows.append(total.total)
    return tuple(rows)


def _matrix_product(left: Any, right: Any, ring: Any) -> Any:
    return tuple(tuple(_dot(row, [r[k] for r in right], ring) for k in range(len(right[0]))) for row in left)


def _dot(a: Any, b: Any, ring: Any) -> ReluPolynomial:
    total = RunningSum(ring)
    for x, y in zip(a, b, strict=True):
        total.add(x * y)
    return total.total


def _state_squares(
    layers: Layers, output: int, final: dict[Any, State], offset: ReluPolynomial, share: ReluPolynomial
) -> list[Piece]:
    """Return Pr(s) (p (v·h̃ + P offset)² + q Σ v_i² h̃_i²) for every state s, the squares kept."""
    ring, last = layers.ring, layers.depth - 1
    scale, keep, row = layers.scale(last), layers.keep[last], layers.weights[last][output]
    factor = ring.one
    number = scale.terms[()]
    if number.is_constant():  # then the residual can be written over it: v·h/P − y, not v·h − P y
        value = number.leading_coefficient()
        factor = ring.constant(Fraction(int(value.q), int(value.p)))
    shift = scale * factor * offset
    square = _product((scale, scale), ring.one) if factor != 1 else ring.one
    pieces: list[Piece] = []
    for state in final.values():
        residual, spread = RunningSum(ring), RunningSum(ring)
        residual.add(shift)
        for w, h in zip(row, state.values, strict=True):
            if w and h:
                residual.add(w * h * factor)
                spread.add(w * w * (h * h))
        total = residual.total
        pieces += [
            (state.weight * keep * share * square, total, total),
            (state.weight * (ring.one - keep) * share, spread.total),
        ]
    return pieces
