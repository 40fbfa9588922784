"""A network, examples and rates as elements of one ring, and what the sum over masks gives of each example."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

import sympy

from exactdropout.model import Examples, Network
from exactdropout.progress import Progress
from exactdropout.symbolic.criterion.masks import Layers, Moments, dropout_output, moments, states
from exactdropout.symbolic.ring.ring import ReluPolynomial, ReluRing, RunningSum

__all__ = ["Problem", "build_problem", "final_moments"]

_PARTS = 1000  # progress of one example is told in so many parts


@dataclass(frozen=True, eq=False)
class Problem:
    """The network with its rates and with rate 0, and (inputs, labels, probability) of each example, in ``ring``."""

    ring: ReluRing
    dropped: Layers
    kept: Layers
    examples: tuple[tuple[tuple[ReluPolynomial, ...], tuple[ReluPolynomial, ...], ReluPolynomial], ...]
    nonnegative: frozenset[sympy.Symbol] = frozenset()
    """Symbols that are assumed to be ≥ 0, beside what SymPy knows of their signs."""
    with_dropout: tuple[Moments, ...] = ()

    def solved(self, tell: Progress | None = None) -> Problem:
        """Return the problem with the moments under dropout of every example."""
        count = len(self.examples)
        found = tuple(
            final_moments(self.dropped, x, y, _part_of(tell, number, count))
            for number, (x, y, _) in enumerate(self.examples)
        )
        return replace(self, with_dropout=found)

    @cached_property
    def mean_denominator(self) -> ReluPolynomial:
        """P_{d−1} = p_0 ⋯ p_{d−2}, over which means are given."""
        return self.dropped.scale(self.dropped.depth - 1)

    @cached_property
    def loss_denominator(self) -> ReluPolynomial:
        """P_{d−1}² p_{d−1}, over which losses are given."""
        scale = self.mean_denominator
        return scale * scale * self.dropped.keep[-1]

    @cached_property
    def without(self) -> tuple[Moments, ...]:
        """The moments without dropout of every example."""
        return tuple(final_moments(self.kept, x, y) for x, y, _ in self.examples)

    def without_dropout(self, x: tuple[ReluPolynomial, ...]) -> tuple[ReluPolynomial, ...]:
        """Return W(x), one element for each output."""
        everything = [[1] * len(rows[0]) for rows in self.kept.weights]
        return dropout_output(self.kept, x, everything)

    @cached_property
    def loss(self) -> ReluPolynomial:
        """J_D times the denominator of losses."""
        return self._expected(self.with_dropout)

    @cached_property
    def risk(self) -> ReluPolynomial:
        """The risk."""
        return self._expected(self.without)

    def _expected(self, found: tuple[Moments, ...]) -> ReluPolynomial:
        total = RunningSum(self.ring)
        for (_, _, share), one in zip(self.examples, found, strict=True):
            total.add(one.loss if share == 1 else one.loss * share)
        return total.total


def build_problem(
    network: Network, data: Examples, rates: Sequence[Any], nonnegative: frozenset[sympy.Symbol] = frozenset()
) -> Problem:
    """Return the problem in the ring over all symbols that occur; 1 − q counts as a symbol, and as positive."""
    keeps = [1 - rate for rate in rates]
    opaque = [keep for keep in keeps if isinstance(keep, sympy.Expr) and not keep.is_Rational]
    entries = [
        *(v for w in network.weights for v in w.flat),
        *(v for b in network.biases if b is not None for v in b),
        *data.inputs.flat,
        *data.labels.flat,
        *data.probabilities,
    ]
    expressions = list(dict.fromkeys(v for v in entries if isinstance(v, sympy.Expr)))
    generators: tuple[sympy.Expr, ...] = ()
    if expressions:
        generators = sympy.polys.polyutils.parallel_dict_from_expr(tuple(expressions))[1]
    ring = ReluRing([*generators, *opaque], positive=opaque, nonnegative=nonnegative)
    known: dict[Any, ReluPolynomial] = {}

    def element(value: Any) -> ReluPolynomial:
        if value not in known:
            known[value] = ring.element(value)
        return known[value]

    def layers(keep: Sequence[Any]) -> Layers:
        return Layers(
            ring=ring,
            weights=tuple(tuple(tuple(map(element, row)) for row in w.tolist()) for w in network.weights),
            biases=tuple(tuple(map(element, network.bias(i).tolist())) for i in range(len(network.weights))),
            slopes=tuple(a.slope for a in network.architecture.activations),
            keep=tuple(ring.element(_rational(k)) for k in keep),
        )

    examples = tuple(
        (tuple(map(element, x)), tuple(map(element, y)), element(share))
        for x, y, share in zip(data.inputs.tolist(), data.labels.tolist(), data.probabilities, strict=True)
    )
    return Problem(ring, layers(keeps), layers([Fraction(1)] * len(keeps)), examples, nonnegative)


def _rational(value: Any) -> Any:
    return Fraction(int(value.p), int(value.q)) if isinstance(value, sympy.Rational) else value


def final_moments(
    layers: Layers, x: tuple[ReluPolynomial, ...], y: tuple[ReluPolynomial, ...], tell: Progress | None = None
) -> Moments:
    """Return the moments of one example."""
    return moments(layers, states(layers, x)[-1], y, tell)


def _part_of(tell: Progress | None, number: int, examples: int) -> Progress | None:
    """Return what reports one example's progress as a part of all examples'."""
    if tell is None:
        return None
    return lambda done, total: tell(number * _PARTS + _PARTS * done // total, examples * _PARTS)
