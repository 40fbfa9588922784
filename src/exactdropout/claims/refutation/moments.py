"""Quantities at an exact point, twice: from the definition, and by the masks of all layers but the last.

The search for counterexamples tries thousands of points, so it asks :class:`Quick`; what it finds is computed again by
:class:`Naive`, the double loop over examples and all masks, which has the last word. Tests compare the two.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from flint import fmpq

from exactdropout.claims.setting.named_sizes import Fractions, Scope
from exactdropout.claims.setting.series import at_point
from exactdropout.model import Architecture, Examples, Network
from exactdropout.numeric.definition import naive_evaluation

__all__ = ["Naive", "Quick", "Variant", "concrete", "work_at"]

F = Fraction
Variant = Literal["dropout", "classic", "classic full", "last kept", "other mass"]


def work_at(architecture: Architecture) -> int:
    """Return the products at one point: parameters times the masks of all layers but the last."""
    return architecture.parameters << sum(architecture.widths[:-2])


class _AtPoint(Fractions):
    """Fractions, with derivatives and limits by the definition in series."""

    def calculus(self, node: Any, scope: Scope, bound: Mapping[str, int]) -> Fraction:
        """Return a derivative or a limit at the scope's point."""
        return at_point(node, scope, bound)


class Naive(_AtPoint):
    """Fractions, with quantities from the definition: the double loop over examples and all masks.

    A variant computes what an author would get who made a known slip; only near misses use one.
    """

    def __init__(self, variant: Variant = "dropout") -> None:
        """Choose the variant; ``"dropout"`` is the definition."""
        self.variant = variant

    def quantity(self, name: str, scope: Scope) -> Fraction:
        """Return a quantity at the scope's point."""
        network, data, rates = concrete(scope, self.variant)
        found = naive_evaluation(network, data, rates)
        shares = found.probabilities
        columns = found.per_example
        plain = found
        if self.variant == "classic full":  # W(x) keeps its weights
            plain = naive_evaluation(*concrete(scope, "last kept"))
        output = plain.per_example.output[0][0]
        variances = [sum(row) for row in columns.variance.tolist()]
        means = columns.mean[:, 0].tolist()
        scope.quantities |= {
            "criterion": found.criterion,
            "risk": plain.risk,
            "penalty": found.criterion - plain.risk,
            "mean": found.mean[0],
            "variance": found.variance,
            "second_moment": sum((s * (v + m * m) for s, v, m in zip(shares, variances, means, strict=True)), F(0)),
            "output": output,
        }
        return Fraction(scope.quantities[name])


def concrete(scope: Scope, variant: Variant = "dropout") -> tuple[Network, Examples, tuple[Fraction, ...]]:
    """Return the network, the examples and the rates of a point."""
    architecture, values = scope.architecture, scope.values
    widths = architecture.widths
    rates = tuple(scope.rate(layer) for layer in range(architecture.depth))
    keep = [1 - q if variant in ("classic", "classic full") else F(1) for q in rates]
    weights: list[Any] = []
    biases: list[Any] = []
    for layer in range(1, len(widths)):
        last = layer == len(widths) - 1
        matrix = np.empty((widths[layer], widths[layer - 1]), dtype=object)
        for j, i in np.ndindex(matrix.shape):
            matrix[j, i] = values[("w", (i + 1,)) if last else ("W", (layer, j + 1, i + 1))] * keep[layer - 1]
        weights.append(matrix)
        if architecture.output_bias if last else architecture.hidden_biases:
            biases.append([values[("b", ()) if last else ("b", (layer, j + 1))] for j in range(widths[layer])])
        else:
            biases.append(None)
    network = Network(weights, biases, activation=architecture.activations)
    if variant == "last kept":
        rates = (*rates[:-1], F(0))
    if scope.rows:
        examples = scope.examples()
        mass = [share for _, _, share in examples]
        return network, Examples.from_arrays([x for x, _, _ in examples], [y for _, y, _ in examples], mass), rates
    x, y = [values["x", (i + 1,)] for i in range(architecture.inputs)], values["y", ()]
    half = scope.half != (variant == "other mass")
    return network, Examples.half(x, y) if half else Examples.point(x, y), rates


class Quick(_AtPoint):
    """Fractions, with quantities by the masks of all layers but the last, whose moments are known: faster by far."""

    def __init__(self, variant: Variant = "dropout") -> None:
        """Choose the variant, as in :class:`Naive`."""
        self.variant = variant

    def quantity(self, name: str, scope: Scope) -> Fraction:
        """Return a quantity at the scope's point."""
        depth, variant = scope.architecture.depth, self.variant
        rates = [scope.rate(layer) for layer in range(depth)]
        none = [F(0)] * depth
        shrink = [1 - q for q in rates] if variant in ("classic", "classic full") else [F(1)] * depth
        if variant == "last kept":
            rates[-1] = F(0)
        if scope.rows:
            examples = [(tuple(x), y, share) for x, y, share in scope.examples()]
        else:
            half = scope.half != (variant == "other mass")
            examples = [(*_entering(scope, k), F(1, 1 + half)) for k in ((1, 0) if half else (1,))]
        parameters = {key: _quick(value) for key, value in scope.values.items() if key[0] in ("W", "w", "b")}
        totals = dict.fromkeys(("criterion", "risk", "mean", "variance", "second_moment"), F(0))
        for number, (x, y, share) in enumerate(examples):
            mean, second = _moments(scope.architecture, parameters, x, rates, shrink)
            factors = [F(1)] * depth if variant == "classic full" else shrink
            output = _moments(scope.architecture, parameters, x, none, factors)[0]
            if number == 0:
                totals["output"] = output
            totals["criterion"] += share * (second - 2 * y * mean + y * y)
            totals["risk"] += share * (output - y) ** 2
            totals["mean"] += share * mean
            totals["second_moment"] += share * second
            totals["variance"] += share * (second - mean * mean)
        scope.quantities |= totals | {"penalty": totals["criterion"] - totals["risk"]}
        return Fraction(scope.quantities[name])


def _entering(scope: Scope, factor: int) -> tuple[tuple[Fraction, ...], Fraction]:
    """Return the example times 1, or times 0: the origin of Definition 1."""
    inputs = scope.architecture.inputs
    return tuple(factor * scope.values["x", (i,)] for i in range(1, inputs + 1)), factor * scope.values["y", ()]


def _moments(
    architecture: Architecture, values: Mapping[Any, Any], x: tuple[Fraction, ...], rates: list[Fraction],
    shrink: list[Fraction],
) -> tuple[Fraction, Fraction]:  # fmt: skip
    """Return E D and E D²: D is affine in the last layer's masks, of mean 1 and variance q/p; weights times shrink."""
    kept, shrunk = [1 - _quick(rate) for rate in rates], [_quick(factor) for factor in shrink]
    law = {tuple(map(_quick, x)): fmpq(1)}
    for layer, (activation, width) in enumerate(zip(architecture.activations, architecture.hidden, strict=True), 1):
        after: dict[tuple[Any, ...], Any] = {}
        slope = _quick(activation.slope)
        for entering, probability in law.items():
            for masked, chance in _masked(entering, kept[layer - 1], shrunk[layer - 1]):
                hidden = []
                for j in range(1, width + 1):
                    z = values["b", (layer, j)] if architecture.hidden_biases else fmpq(0)
                    z += sum((values["W", (layer, j, i)] * v for i, v in enumerate(masked, 1) if v), fmpq(0))
                    hidden.append(z if z >= 0 else slope * z)
                key = tuple(hidden)
                after[key] = after.get(key, fmpq(0)) + probability * chance
        law = after
    spread = 1 / kept[-1] - 1
    bias = values["b", ()] if architecture.output_bias else fmpq(0)
    mean, second = fmpq(0), fmpq(0)
    for entering, probability in law.items():
        terms = [shrunk[-1] * values["w", (i,)] * v for i, v in enumerate(entering, 1) if v]
        m = sum(terms, bias)
        mean += probability * m
        second += probability * (m * m + spread * sum((t * t for t in terms), fmpq(0)))
    return F(int(mean.p), int(mean.q)), F(int(second.p), int(second.q))


def _quick(value: Fraction) -> Any:
    """Return a rational number of FLINT, whose arithmetic is several times as fast."""
    return fmpq(value.numerator, value.denominator)


def _masked(values: tuple[Any, ...], keep: Any, shrink: Any) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield the masked and rescaled values with their probabilities; what is 0 needs no mask."""
    places = [i for i, v in enumerate(values) if v] if keep != 1 else []
    if not places:
        yield tuple(v * shrink for v in values), fmpq(1)
        return
    scaled = [v * shrink / keep for v in values]
    for bits in itertools.product((False, True), repeat=len(places)):
        masked = [fmpq(0)] * len(values)
        for place, bit in zip(places, bits, strict=True):
            if bit:
                masked[place] = scaled[place]
        number = sum(bits)
        yield tuple(masked), keep**number * (1 - keep) ** (len(places) - number)
