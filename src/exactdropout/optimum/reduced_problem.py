"""The criterion of one hidden layer as a problem about the responses of units on the masked inputs.

Derivation, for one hidden layer of n relu units, input rate q₀, hidden rate q₁ and λ = q₁/(1 − q₁). A hidden mask
multiplies unit j by r_j/(1 − q₁), independently with mean 1 and variance λ, so for every input mask

    E_r (b + Σ_j a_j h_j r_j/(1−q₁) − y)² = (b + Σ_j a_j h_j − y)² + λ Σ_j a_j² h_j².

With s_j = sign a_j and c_j = |a_j| w_j, positive homogeneity gives a_j relu(w_j·x̃) = s_j relu(c_j·x̃), so J_D depends
on (s, c, b) only. The masked input is x̃ = (r∘x)/(1 − q₀), with a constant 1 added for a hidden bias; the factor
1/(1 − q₀) goes into c, so the points u = r∘x are free of q. Examples that share a point are merged:
E(f − y)² = (f − ȳ)² + Var y. Hence, with weights w_u, mean labels y_u, and g_j(u) = relu(c_j·u),

    J_D = V₀ + Σ_u w_u (b + Σ_j s_j g_j(u) − y_u)² + λ Σ_j Σ_u w_u g_j(u)²,    V₀ = Σ_u w_u Var(y | u).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from exactdropout.errors import CostLimitExceeded, InvalidInput, MixedNumbers
from exactdropout.model import Architecture, Examples, Network, drop_rates, exact_rates

__all__ = ["MAX_POINTS", "ReducedProblem", "reduced_problem"]

MAX_POINTS = 1 << 16
"""Most masked inputs, counted with repetition, that a reduced problem is made from."""

FLOAT_RANGE = (Fraction(1, 10**200), Fraction(10**200))


@dataclass(frozen=True, kw_only=True)
class ReducedProblem:
    """J_D = ``noise`` + Σ_u w_u (b + Σ_j s_j g_j(u) − y_u)² + λ Σ_j Σ_u w_u g_j(u)², with g_j(u) = relu(c_j·u).

    ``points`` are the distinct masked inputs u as integer vectors: coordinate i is ``scales[i]`` times the input's
    value (coprime over the examples), inputs that are 0 in every example are left out (``coordinates`` says which
    remain), and the last coordinate is the constant 1 when there are hidden biases. ``weights`` (positive, sum 1) and
    ``labels`` (mean labels) are exact. ``nonnegative`` restricts c to be non-negative in the input coordinates and
    every sign to +1.
    """

    architecture: Architecture
    data: Examples
    rates: tuple[Fraction, Fraction]
    nonnegative: bool
    points: tuple[tuple[int, ...], ...]
    weights: tuple[Fraction, ...]
    labels: tuple[Fraction, ...]
    noise: Fraction
    coordinates: tuple[int, ...]
    scales: tuple[Fraction, ...]

    @property
    def width(self) -> int:
        """The number n of hidden units."""
        return self.architecture.hidden[0]

    @property
    def dimension(self) -> int:
        """Length of the reduced weight vector c of one unit, its bias included."""
        return len(self.coordinates) + self.architecture.hidden_biases

    @property
    def penalty(self) -> Fraction:
        """λ = q₁/(1 − q₁), the variance of the rescaled mask of a hidden unit."""
        return self.rates[1] / (1 - self.rates[1])

    def response(self, c: Sequence[Fraction]) -> tuple[Fraction, ...]:
        """Return g(u) = relu(c·u) at every point."""
        return tuple(
            max(Fraction(0), sum((a * b for a, b in zip(c, u, strict=True)), Fraction(0))) for u in self.points
        )

    def criterion(self, units: Sequence[tuple[int, Sequence[Fraction]]], bias: Fraction) -> Fraction:
        """Return J_D of units (s_j, c_j) and an output bias, straight from the formula above.

        >>> problem = reduced_problem(Architecture(2, (1,), biases=False), Examples.point((1, 1), 1), "1/2")
        >>> problem.criterion([(1, (Fraction(1, 2), Fraction(1, 2)))], Fraction(0))
        Fraction(3, 4)
        """
        signed = [(sign, self.response(c)) for sign, c in units]
        total = self.noise
        for index, (w, y) in enumerate(zip(self.weights, self.labels, strict=True)):
            fit = bias + sum((sign * g[index] for sign, g in signed), Fraction(0)) - y
            total += w * (fit**2 + self.penalty * sum((g[index] ** 2 for _, g in signed), Fraction(0)))
        return total

    def network(self, units: Sequence[tuple[int, Sequence[Fraction]]], bias: Fraction) -> Network:
        """Return a network with output weights ±1 whose reduced variables are the given ones; missing units are 0.

        The first-layer weight of input i is (1 − q₀)·``scales[i]``·c_i.
        """
        arch = self.architecture
        kept = 1 - self.rates[0]
        first = np.full((self.width, arch.inputs), Fraction(0), dtype=object)
        hidden = np.full(self.width, Fraction(0), dtype=object)
        output = np.full(self.width, Fraction(0), dtype=object)
        for j, (sign, c) in enumerate(units):
            output[j] = Fraction(sign)
            for value, i, scale in zip(c, self.coordinates, self.scales, strict=False):
                first[j, i] = kept * scale * value
            if arch.hidden_biases:
                hidden[j] = Fraction(c[-1])
        if not (arch.hidden_biases or arch.output_bias):
            return Network([first, output])
        return Network([first, output], [hidden if arch.hidden_biases else None, bias if arch.output_bias else None])


def reduced_problem(
    architecture: Architecture, data: Examples, q: object, *, nonnegative: bool = False
) -> ReducedProblem:
    """Return the reduced problem of a one-hidden-layer relu architecture with one output.

    Exact; cost 2^K per example.

    Args:
        architecture: one hidden layer, relu, one output; hidden and output bias independently on or off.
        data: an exact distribution.
        q: rational drop rates, 0 ≤ q₀ < 1 at the inputs and 0 < q₁ < 1 at the hidden units.
        nonnegative: restrict all weights, output weights included, to be non-negative (biases stay free).

    Raises:
        InvalidInput: another architecture, or a hidden rate of 0 (then J_D has no penalty on single units and its
            infimum over one cone need not be attained at one unit).
        MixedNumbers: float or symbolic data or rates.
        CostLimitExceeded: more than ``MAX_POINTS`` masked inputs.
    """
    if not isinstance(architecture, Architecture):
        raise InvalidInput(f"Argument 'architecture' must be an Architecture, not {type(architecture).__name__}.")
    if not isinstance(data, Examples):
        raise InvalidInput(f"Argument 'data' must be Examples, not {type(data).__name__}.")
    if len(architecture.hidden) != 1 or architecture.outputs != 1 or str(architecture.activations[0]) != "relu":
        raise InvalidInput(
            f"Argument 'architecture' must have one hidden layer of relu units and one output, not be {architecture}."
        )
    if data.inputs.shape[1] != architecture.inputs or data.labels.shape[1] != 1:
        raise InvalidInput(
            f"Argument 'data' must have {architecture.inputs} inputs and one label per example, "
            f"not {data.inputs.shape[1]} and {data.labels.shape[1]}."
        )
    if data.kind != "exact":
        raise MixedNumbers(f"Argument 'data' must be exact here, not {data.kind}; data.exact() converts floats.")
    if not isinstance(nonnegative, bool):
        raise InvalidInput(f"Argument 'nonnegative' must be True or False, not {type(nonnegative).__name__}.")
    rates = exact_rates(*drop_rates(q, architecture))
    if rates[1] == 0:
        raise InvalidInput("Argument 'q' must be positive at the hidden layer here, not 0.")
    rows = [tuple(row) for row in data.inputs.tolist()]
    coordinates = tuple(i for i in range(architecture.inputs) if any(row[i] for row in rows))
    scales = tuple(
        Fraction(math.lcm(*(row[i].denominator for row in rows)), math.gcd(*(row[i].numerator for row in rows)))
        for i in coordinates
    )
    count = sum(1 << sum(1 for v in row if v) for row in rows) if rates[0] else len(rows)
    if count > MAX_POINTS:
        raise CostLimitExceeded(f"Minimisation over {count} masked inputs was not started; the limit is {MAX_POINTS}.")
    moments: dict[tuple[int, ...], list[Fraction]] = {}
    for row, label, probability in zip(rows, data.labels[:, 0].tolist(), data.probabilities, strict=True):
        x = [int(row[i] * scale) for i, scale in zip(coordinates, scales, strict=True)]
        for u, mass in _masked(x, rates[0]):
            point = (*u, 1) if architecture.hidden_biases else u
            entry = moments.setdefault(point, [Fraction(0)] * 3)
            for power in range(3):
                entry[power] += probability * mass * label**power
    points = tuple(sorted(moments))
    weights = tuple(moments[u][0] for u in points)
    labels = tuple(moments[u][1] / moments[u][0] for u in points)
    second = sum((moments[u][2] for u in points), Fraction(0))
    noise = second - sum((w * y * y for w, y in zip(weights, labels, strict=True)), Fraction(0))
    if second and not FLOAT_RANGE[0] < second < FLOAT_RANGE[1]:
        raise InvalidInput(
            "Argument 'data' must have a mean squared label between 1e-200 and 1e200 here, where the search runs in "
            "floats; J_D at labels c·y is c² times J_D at labels y, so scale them."
        )
    if min(*weights, rates[1] / (1 - rates[1]), (1 - rates[1]) / rates[1]) < FLOAT_RANGE[0]:
        raise InvalidInput(
            "Argument 'q' must leave every masked input a probability above 1e-200 here, and q/(1 - q) between 1e-200 "
            "and 1e200, where the search runs in floats."
        )
    return ReducedProblem(
        architecture=architecture,
        data=data,
        rates=(rates[0], rates[1]),
        nonnegative=nonnegative,
        points=points,
        weights=weights,
        labels=labels,
        noise=noise,
        coordinates=coordinates,
        scales=scales,
    )


def _masked(x: Sequence[int], rate: Fraction) -> Iterator[tuple[tuple[int, ...], Fraction]]:
    """Yield r∘x with its probability; masks of inputs that are 0 make no difference and are summed out."""
    live = [i for i, v in enumerate(x) if v]
    if rate == 0:
        yield tuple(x), Fraction(1)
        return
    for mask in range(1 << len(live)):
        kept = {i for bit, i in enumerate(live) if mask >> bit & 1}
        mass = (1 - rate) ** len(kept) * rate ** (len(live) - len(kept))
        yield tuple(v if i in kept else 0 for i, v in enumerate(x)), mass
