"""``derive``: criterion, risk, penalty and all that belongs to them, with symbols for whatever is left free."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
import sympy

from exactdropout.errors import CostLimitExceeded, InvalidInput, MixedNumbers
from exactdropout.model import Architecture, Examples, Network, drop_rates, exact_rates
from exactdropout.model.numbers import Array, show
from exactdropout.progress import Progress, reporting
from exactdropout.symbolic.backward import Adjoint, adjoint
from exactdropout.symbolic.formula import Formula, Piece, formula
from exactdropout.symbolic.free import free_examples, free_network
from exactdropout.symbolic.masks import Layers, Moments, expected_cost, moments, states
from exactdropout.symbolic.ring import ReluPolynomial, ReluRing, RunningSum

__all__ = ["Derivation", "SymbolicGradient", "derive"]

MAX_COST = 1e6
"""About half a minute of work and three gigabytes."""
_PARTS = 1000  # progress of one example is told in so many parts


@dataclass(frozen=True, kw_only=True)
class SymbolicGradient:
    """∂J_D/∂W: arrays of formulas in the shapes of ``Network.weights`` and ``Network.biases``."""

    weights: tuple[Array, ...]
    biases: tuple[Array | None, ...]


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Derivation:
    """The criterion of Helmbold and Long (2017, Section 2) and its parts, as exact formulas.

    - criterion J_D = E_P E_R ‖D − y‖², risk R = E_P ‖W(x) − y‖²;
    - penalty = J_D − R = variance + bias, variance = E_P Var_R D, bias = E_P (E_R D − W(x))·(E_R D + W(x) − 2y);
    - mean = E_P E_R D, one formula per output.

    Each is a :class:`Formula`; ``gradient()`` derives ∂J_D/∂W when asked.
    """

    network: Network
    data: Examples
    rates: tuple[Any, ...]
    cost: float
    _problem: _Problem = field(repr=False)

    @cached_property
    def criterion(self) -> Formula:
        """J_D = E_P E_R ‖D − y‖²."""
        return formula(self._problem.ring, [(self._problem.loss,)], self._problem.loss_denominator)

    @cached_property
    def risk(self) -> Formula:
        """E_P ‖W(x) − y‖²."""
        return formula(self._problem.ring, [(self._problem.risk,)], self._problem.ring.one)

    @cached_property
    def penalty(self) -> Formula:
        """J_D − risk."""
        over = self._problem.loss_denominator
        return formula(self._problem.ring, [(self._problem.loss - self._problem.risk * over,)], over)

    @cached_property
    def mean(self) -> tuple[Formula, ...]:
        """E_P E_R D, one formula per output."""
        problem = self._problem
        means = [problem.ring.zero] * self.network.architecture.outputs
        for (_, _, share), moments_ in zip(problem.examples, problem.with_dropout, strict=True):
            means = [total + mean * share for total, mean in zip(means, moments_.means, strict=True)]
        return tuple(formula(problem.ring, [(mean,)], problem.mean_denominator) for mean in means)

    @cached_property
    def variance(self) -> Formula:
        """E_P Var_R D, summed over outputs: E D² = E (D − y)² + 2 y E D − y², less (E D)²."""
        problem = self._problem
        keep, over = problem.dropped.keep[-1], problem.mean_denominator
        second = problem.loss
        squares: list[Piece] = []
        for (_, y, share), moments_ in zip(problem.examples, problem.with_dropout, strict=True):
            for mean, label in zip(moments_.means, y, strict=True):
                second = second + (mean * 2 - label * over) * (label * over * keep) * share
                squares.append((-(share * keep), mean, mean))
        return formula(problem.ring, [(second,), *squares], problem.loss_denominator)

    @cached_property
    def bias(self) -> Formula:
        """E_P (E_R D − W(x))·(E_R D + W(x) − 2y)."""
        problem = self._problem
        keep, over = problem.dropped.keep[-1], problem.mean_denominator
        shifts: list[Piece] = []
        both = zip(problem.examples, problem.with_dropout, problem.without, strict=True)
        for (_, y, share), dropped, kept in both:
            for mean, output, label in zip(dropped.means, kept.means, y, strict=True):
                plain = output * over
                shifts.append((share * keep, mean - plain, mean + plain - label * over * 2))
        return formula(problem.ring, shifts, problem.loss_denominator)

    @property
    def symbols(self) -> tuple[sympy.Symbol, ...]:
        """All free symbols, by name."""
        found = {s for f in (self.criterion, self.risk, *self.mean) for s in f.symbols}
        return tuple(sorted(found, key=str))

    def gradient(self) -> SymbolicGradient:
        """Return ∂J_D/∂W for every weight and bias, by reverse mode over the distinct hidden values.

        At a kink the derivative is the left one, relu′(0) = 0, as in :class:`exactdropout.numeric.result.Gradient`.
        Cost: about five times that of the criterion.
        """
        problem = self._problem
        total = Adjoint.zero(problem.dropped)
        for x, y, share in problem.examples:
            adjoint(problem.dropped, x, y, share, total)
        over = problem.loss_denominator
        biases = tuple(
            None if mine is None else _formulas(np.array(b, dtype=object), over)
            for mine, b in zip(self.network.biases, total.biases, strict=True)
        )
        weights = tuple(_formulas(np.array(w, dtype=object), over) for w in total.weights)
        return SymbolicGradient(weights=weights, biases=biases)

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle J_D = {self.criterion.latex()}$"

    def __repr__(self) -> str:
        """Return the criterion, if short."""
        return f"Derivation(criterion={self.criterion!r}, penalty={self.penalty!r})"


@dataclass(frozen=True, eq=False)
class _Problem:
    ring: ReluRing
    dropped: Layers
    kept: Layers
    examples: tuple[tuple[tuple[ReluPolynomial, ...], tuple[ReluPolynomial, ...], ReluPolynomial], ...]
    with_dropout: tuple[Moments, ...] = ()

    @cached_property
    def mean_denominator(self) -> ReluPolynomial:
        return self.dropped.scale(self.dropped.depth - 1)

    @cached_property
    def loss_denominator(self) -> ReluPolynomial:
        scale = self.mean_denominator
        return scale * scale * self.dropped.keep[-1]

    @cached_property
    def without(self) -> tuple[Moments, ...]:
        return tuple(_moments(self.kept, x, y) for x, y, _ in self.examples)

    @cached_property
    def loss(self) -> ReluPolynomial:
        return self._expected(self.with_dropout)

    @cached_property
    def risk(self) -> ReluPolynomial:
        return self._expected(self.without)

    def _expected(self, found: tuple[Moments, ...]) -> ReluPolynomial:
        total = RunningSum(self.ring)
        for (_, _, share), one in zip(self.examples, found, strict=True):
            total.add(one.loss if share == 1 else one.loss * share)
        return total.total


def derive(
    network: Architecture | Network,
    data: Examples | None = None,
    q: object = None,
    *,
    max_cost: float = MAX_COST,
    progress: Progress | bool | None = None,
) -> Derivation:
    """Derive the dropout criterion and everything that belongs to it, exactly, with symbols where entries are free.

    Args:
        network: a network with exact or SymPy entries, or an architecture: then every weight and bias is a symbol.
        data: examples with exact or SymPy entries; None is one example with symbols x_1, …, x_K and y.
        q: drop probability, one or one per droppable layer (inputs first), exact or symbolic; None is the symbol q.
            A symbolic q is taken to satisfy 0 ≤ q < 1.
        max_cost: refuse above so many steps (some 30 000 a second, 3 kB of memory each).
        progress: True for a bar on standard error, or a callable ``progress(done, total)``.

    Symbols count as real; ``positive`` and ``nonnegative`` ones are used to resolve relu. Exact. Cost: the masks of
    all droppable layers but the last, 2^(K + Σ_{l<d−1} n_l), equal hidden vectors merged.

    Raises:
        MixedNumbers: floats in the network, the data or q.
        CostLimitExceeded: the estimate exceeds ``max_cost``.

    Source: the sum over masks is the definition; the last layer's masks have a closed form that is derived in
    :mod:`exactdropout.symbolic.masks`.

    >>> linear = derive(Architecture(inputs=2, hidden=(), biases=False))
    >>> linear.penalty.expr
    q*(v_1**2*x_1**2 + v_2**2*x_2**2)/(1 - q)
    >>> figure_1 = Network([[[1, 1], [1, 1]], [1, 1]])
    >>> derive(figure_1, Examples.point((1, -1), 8), Fraction(1, 2)).penalty.expr
    -10
    """
    if isinstance(network, Architecture):
        if data is None:  # every input is then a symbol; known before a symbol is made
            _announce(expected_cost(network, [network.inputs], [True] * (network.depth - 1)), max_cost)
        network = free_network(network)
    if not isinstance(network, Network):
        raise InvalidInput(f"Argument 'network' must be a Network or an Architecture, not {show(network)}.")
    architecture = network.architecture
    if data is None:
        data = free_examples(architecture.inputs, architecture.outputs)
    if not isinstance(data, Examples):
        raise InvalidInput(f"Argument 'data' must be Examples, not {show(data)}.")
    if data.inputs.shape[1] != architecture.inputs or data.labels.shape[1] != architecture.outputs:
        raise InvalidInput(
            f"Argument 'data' must have {architecture.inputs} inputs and {architecture.outputs} labels, "
            f"not {data.inputs.shape[1]} and {data.labels.shape[1]}."
        )
    for argument, kind in (("network", network.kind), ("data", data.kind)):
        if kind == "float64":
            raise MixedNumbers(f"Argument {argument!r} holds floats; call its exact() for the rationals that they are.")
    rates, rate_kind = drop_rates(sympy.Symbol("q", real=True) if q is None else q, architecture)
    if rate_kind != "symbolic":
        rates = exact_rates(rates, rate_kind)
    nonzero = [sum(1 for v in row if v != 0) for row in data.inputs.tolist()]
    cost = expected_cost(architecture, nonzero, [_signs_are_free(w) for w in network.weights[:-1]])
    _announce(cost, max_cost)
    problem = _problem(network, data, rates)
    with reporting(progress, "derive") as tell:
        found = tuple(
            _moments(problem.dropped, x, y, _part_of(tell, number, len(problem.examples)))
            for number, (x, y, _) in enumerate(problem.examples)
        )
    problem = replace(problem, with_dropout=found)
    return Derivation(network=network, data=data, rates=rates, cost=cost, _problem=problem)


def _announce(cost: float, max_cost: float) -> None:
    if cost > max_cost:
        raise CostLimitExceeded(
            f"Argument 'max_cost' allows {max_cost:.3g} steps, but this derivation would take about {cost:.3g}."
        )


def _signs_are_free(weights: Array) -> bool:
    """Return whether some entry has no known sign: then its units are taken to be hinges in the estimate."""
    return any(
        getattr(v, "is_nonnegative", v >= 0 if isinstance(v, Fraction) else None) is not True for v in weights.flat
    )


def _problem(network: Network, data: Examples, rates: Sequence[Any]) -> _Problem:
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
    ring = ReluRing([*generators, *opaque], positive=opaque)
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
    return _Problem(ring, layers(keeps), layers([Fraction(1)] * len(keeps)), examples)


def _rational(value: Any) -> Any:
    return Fraction(int(value.p), int(value.q)) if isinstance(value, sympy.Rational) else value


def _moments(
    layers: Layers, x: tuple[ReluPolynomial, ...], y: tuple[ReluPolynomial, ...], tell: Progress | None = None
) -> Moments:
    return moments(layers, states(layers, x)[-1], y, tell)


def _part_of(tell: Progress | None, number: int, examples: int) -> Progress | None:
    """Return what reports one example's progress as a part of all examples'."""
    if tell is None:
        return None
    return lambda done, total: tell(number * _PARTS + _PARTS * done // total, examples * _PARTS)


def _formulas(sums: Array, denominator: ReluPolynomial) -> Array:
    result = np.empty(sums.shape, dtype=object)
    for index, entry in np.ndenumerate(sums):
        result[index] = formula(denominator.ring, [(entry.total,)], denominator)
    return result
