"""The strategy ``moments``: where no unit changes its sign, mean and covariance go through the layers exactly.

With μ and C the mean and covariance of the values h that enter a layer, p = keep/total, S_g = E h_g² = C_gg + μ_g² and
a_ig = Σ_{s of g} count_s column_si, the pre-activations z_i = b_i + Σ_s r_s column_si h_{g(s)} of linear units have

    E z = b + p·a μ,   Cov z = p²·a C aᵀ + p(1 − p) Σ_s count_s S_{g(s)} column_s column_sᵀ,

because masks are independent of the values and of each other. All in integers over one denominator per layer: the
mean over D and the covariance over D², with D multiplied by ``total`` from layer to layer. Polynomial in every width.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from exactdropout.numeric.choice import Estimate
from exactdropout.numeric.exact.reduction import ReducedExample, ReducedLayer, Source
from exactdropout.numeric.exact.strategy import ExactProblem, OutputMoments, Tick

__all__ = ["estimate", "moments_reference", "refusal", "run"]

NS_PER_PRODUCT = 40.0
BITS_PER_WORD = 64


def moments_reference(example: ReducedExample) -> tuple[list[Fraction], list[list[Fraction]]]:
    """Return mean and covariance of the last hidden layer's values by plain sums over sources, in fractions."""
    mean, covariance = [Fraction(1)], [[Fraction(0)]]
    for layer in example.layers:
        p, sources = Fraction(layer.keep, layer.total), layer.sources
        squares = [covariance[g][g] + mean[g] ** 2 for g in range(len(mean))]
        spread = [[Fraction(0)] * len(layer.bias) for _ in layer.bias]
        for i in range(len(layer.bias)):
            for j in range(len(layer.bias)):
                for g, c, n in sources:
                    spread[i][j] += p * (1 - p) * n * c[i] * c[j] * squares[g]
                    for h, e, m in sources:
                        spread[i][j] += p * p * n * m * c[i] * e[j] * covariance[g][h]
        mean = [b + sum((p * n * c[i] * mean[g] for g, c, n in sources), Fraction(0)) for i, b in enumerate(layer.bias)]
        covariance = spread
    return mean, covariance


def refusal(problem: ExactProblem) -> str | None:
    """All units must keep their sign over all masks, and only second moments are propagated."""
    if problem.moments == 4:
        return "it computes second moments only"
    changing = sum(t != b for e in problem.examples for l in e.layers for t, b in zip(l.tops, l.bottoms, strict=True))
    if changing:
        return f"{changing} {'value changes its' if changing == 1 else 'values change their'} sign over the masks"
    return None


def estimate(problem: ExactProblem) -> Estimate:
    """Return the cost of three matrix products for each layer, with numbers that grow from layer to layer."""
    cost, memory = 0.0, 1e5
    for example in problem.examples:
        words, below = 1.0, 1.0
        for layer in example.layers:
            width, sources = float(len(layer.bias)), float(len(layer.sources))
            largest = max((abs(v).bit_length() for _, column, _ in layer.sources for v in column), default=1)
            words += 2 * (largest + layer.total.bit_length()) / BITS_PER_WORD
            products = width * below * below + width * width * (below + sources)
            cost += NS_PER_PRODUCT * words * products + 2e3 * (1 + width + sources)
            memory = max(memory, (width * width + below * below + width * sources) * (32 + 8 * words))
            below = max(width, 1.0)
        cost += 1e4 + NS_PER_PRODUCT * words * len(example.output.bias) * below * below
    return Estimate(visited=float(len(problem.examples)), cost=cost, memory=memory)


def run(problem: ExactProblem, example: ReducedExample, label: Sequence[Fraction], tick: Tick) -> OutputMoments:
    """Propagate both moments and finish with the output layer in closed form."""
    del problem, label
    from flint import fmpz_mat

    mean: Any = fmpz_mat(1, 1, [1])
    covariance: Any = fmpz_mat(1, 1, [0])
    denominator = 1
    for index, layer in enumerate(example.layers):
        mean, covariance = _layer(layer, mean, covariance, denominator)
        denominator *= layer.total
        tick(index / len(example.layers))
    output = example.output
    groups = mean.nrows()
    squares = [int(covariance[g, g]) + int(mean[g, 0]) ** 2 for g in range(groups)]
    weights = _gathered(output.sources, len(output.bias), groups)
    first_sums, spreads = weights * mean, weights * covariance * weights.transpose()
    ratio = output.rate / (1 - output.rate)
    first, second, noise = [], [], []
    for o, bias in enumerate(output.bias):
        average = Fraction(bias * denominator + int(first_sums[o, 0]), denominator * output.scale)
        square = (denominator * output.scale) ** 2
        own = sum(count * column[o] ** 2 * squares[g] for g, column, count in output.sources)
        first.append(average)
        second.append(average**2 + Fraction(int(spreads[o, o]), square))
        noise.append(ratio * Fraction(own, square))
    return OutputMoments(first=tuple(first), second=tuple(second), noise=tuple(noise))


def _gathered(sources: Sequence[Source], rows: int, groups: int) -> Any:
    """Return a_ig = Σ_{s of g} count_s column_si as a flint matrix."""
    from flint import fmpz_mat

    sums = [[0] * groups for _ in range(rows)]
    for group, column, count in sources:
        for i, c in enumerate(column):
            if c:
                sums[i][group] += count * c
    return fmpz_mat(rows, groups, [v for row in sums for v in row])


def _layer(layer: ReducedLayer, mean: Any, covariance: Any, denominator: int) -> tuple[Any, Any]:
    """Return the numerators of both moments after the layer, over denominator·total and its square."""
    from flint import fmpz_mat

    rows, groups = len(layer.bias), mean.nrows()
    gathered = _gathered(layer.sources, rows, groups)
    shift = layer.total * denominator
    new_mean = layer.keep * (gathered * mean) + fmpz_mat(rows, 1, [b * shift for b in layer.bias])
    new_covariance = layer.keep**2 * (gathered * covariance * gathered.transpose())
    drop = layer.total - layer.keep
    if drop and layer.sources:
        squares = [int(covariance[g, g]) + int(mean[g, 0]) ** 2 for g in range(groups)]
        columns = fmpz_mat(len(layer.sources), rows, [c for _, column, _ in layer.sources for c in column])
        scaled = fmpz_mat(
            len(layer.sources),
            rows,
            [count * squares[g] * c for g, column, count in layer.sources for c in column],
        )
        new_covariance += layer.keep * drop * (columns.transpose() * scaled)
    return new_mean, new_covariance
