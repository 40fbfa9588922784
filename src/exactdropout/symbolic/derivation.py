"""``derive``: criterion, risk, penalty and all that belongs to them, with symbols for whatever is left free."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import sympy

from exactdropout.errors import CostLimitExceeded, InvalidInput, MixedNumbers
from exactdropout.model import Architecture, Examples, Network, drop_rates, exact_rates
from exactdropout.model.arguments import architecture_of, beyond, cost_limit, examples_of, told_what_is_missing
from exactdropout.model.numbers import Array, show
from exactdropout.notation.names import name_order
from exactdropout.notation.style import Style, StyleOptions, styled
from exactdropout.progress import Progress, reporting, write_line
from exactdropout.symbolic.assumed_signs import assumed_signs
from exactdropout.symbolic.criterion.adjoint import Adjoint, adjoint
from exactdropout.symbolic.criterion.formula import Formula, Piece, formula
from exactdropout.symbolic.criterion.gradient import SymbolicGradient
from exactdropout.symbolic.criterion.masks import expected_cost
from exactdropout.symbolic.criterion.problem import Problem, build_problem
from exactdropout.symbolic.free_networks import free_examples, free_network
from exactdropout.symbolic.ring.ring import ReluPolynomial

if TYPE_CHECKING:
    from exactdropout.symbolic.criterion.hessian import SymbolicHessian
    from exactdropout.symbolic.criterion.monotone_in_q import MonotoneStretches
    from exactdropout.symbolic.regions.regions import Regions

__all__ = ["Derivation", "SymbolicGradient", "check_cost", "derive"]

QUANTITIES = ("criterion", "risk", "penalty", "variance", "bias")

SECONDS_PER_STEP = 1 / 30_000
"""Seconds of one core for a step of :func:`expected_cost`, with some 3 kB of memory in the worst case."""
SECONDS_PER_REGION = 2.5e-4


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Derivation:
    """The criterion of Helmbold and Long (2017, Section 2) and its parts, as exact formulas.

    - criterion J_D = E_P E_R ‖D − y‖², risk R = E_P ‖W(x) − y‖²;
    - penalty = J_D − R = variance + bias, variance = E_P Var_R D, bias = E_P (E_R D − W(x))·(E_R D + W(x) − 2y);
    - mean = E_P E_R D, one formula per output.

    Each is a :class:`Formula`, made when it is asked for; so are ``gradient()``, ``hessian()``, ``derivative_q()``,
    ``monotone()`` and ``regions()``.
    """

    network: Network
    data: Examples
    rates: tuple[Any, ...]
    cost: float
    """Estimated seconds of one core."""
    _problem: Problem = field(repr=False)

    @cached_property
    def criterion(self) -> Formula:
        """J_D = E_P E_R ‖D − y‖²."""
        found = formula(self._problem.ring, [(self._problem.loss,)], self._problem.loss_denominator)
        return replace(found, name="criterion J_D")

    @cached_property
    def risk(self) -> Formula:
        """E_P ‖W(x) − y‖²."""
        return replace(formula(self._problem.ring, [(self._problem.risk,)], self._problem.ring.one), name="risk R_P")

    @cached_property
    def penalty(self) -> Formula:
        """J_D − risk."""
        over = self._problem.loss_denominator
        found = formula(self._problem.ring, [(self._problem.loss - self._problem.risk * over,)], over)
        return replace(found, name="penalty")

    @cached_property
    def mean(self) -> tuple[Formula, ...]:
        """E_P E_R D, one formula per output."""
        problem = self._problem
        means = [problem.ring.zero] * self.network.architecture.outputs
        for (_, _, share), moments_ in zip(problem.examples, problem.with_dropout, strict=True):
            means = [total + mean * share for total, mean in zip(means, moments_.means, strict=True)]
        found = (formula(problem.ring, [(mean,)], problem.mean_denominator) for mean in means)
        return tuple(replace(one, name="mean of the output") for one in found)

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
        return replace(formula(problem.ring, [(second,), *squares], problem.loss_denominator), name="variance")

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
        return replace(formula(problem.ring, shifts, problem.loss_denominator), name="bias")

    @property
    def symbols(self) -> tuple[sympy.Symbol, ...]:
        """All free symbols, by letter and index."""
        found = {s for f in (self.criterion, self.risk, *self.mean) for s in f.symbols}
        return tuple(sorted(found, key=name_order))

    def gradient(self, quantity: str = "criterion", *, max_cost: float | None = None) -> SymbolicGradient:
        """Return ∂/∂W of the criterion, or of another quantity, for every weight and bias.

        ``quantity`` is "criterion", "risk", "penalty", "variance", "bias", or for one output "mean". At a kink the
        derivative is the left one, relu′(0) = 0, as in :class:`exactdropout.numeric.result.Gradient`. Exact. Cost: for
        the criterion about five times that of the derivation, by reverse mode over the distinct hidden values; for
        the others that of the derivation times the number of parameters.

        Raises:
            CostLimitExceeded: the estimate exceeds ``max_cost``.

        >>> linear = derive(Architecture(inputs=2, hidden=(), biases=False))
        >>> linear.gradient("penalty").weights[0][0, 0].expr
        2*q*w[1]*x[1]**2/(1 - q)
        """
        of = self._differentiable(quantity)
        if quantity != "criterion":
            from exactdropout.symbolic.criterion.hessian import slopes_in_weights

            _announce(self.cost * self.network.architecture.parameters, max_cost)
            slopes = slopes_in_weights(self.network, self.data, self.rates, self._problem, of)
            return _gradient(self.network, slopes, quantity)
        _announce(5 * self.cost, max_cost)
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

    def hessian(self, quantity: str = "criterion", *, max_cost: float | None = None) -> SymbolicHessian:
        """Return ∂²/∂W∂W of a quantity over all weights and biases, relu′(0) = step(0) = 0 as in the gradient.

        The quantities are those of :meth:`gradient`. The second derivative of relu is taken as 0, as it is away from
        the kinks; on a kink the entry is that of the side on which the unit is off. Exact. Cost: that of the
        derivation times the number of parameters.

        Raises:
            CostLimitExceeded: the estimate exceeds ``max_cost``.

        >>> linear = derive(Architecture(inputs=2, hidden=(), biases=False))
        >>> linear.hessian().matrix[0, 1].expr
        2*x[1]*x[2]
        """
        from exactdropout.symbolic.criterion.hessian import hessian

        of = self._differentiable(quantity)
        _announce(self.cost * self.network.architecture.parameters, max_cost)
        return hessian(self.network, self.data, self.rates, self._problem, quantity, of)

    def _differentiable(self, quantity: str) -> Callable[[Problem], Formula]:
        """Return the quantity as a function of a problem with other weights."""
        if quantity != "mean":
            self._quantity(quantity)
        elif self.network.architecture.outputs > 1:
            raise InvalidInput("Argument 'quantity' must be another than 'mean' for several outputs.")

        def of(problem: Problem) -> Formula:
            copy = Derivation(network=self.network, data=self.data, rates=self.rates, cost=self.cost, _problem=problem)
            return copy.mean[0] if quantity == "mean" else getattr(copy, quantity)

        return of

    def derivative_q(self, quantity: str = "criterion", layer: int | Sequence[int] | None = None) -> Formula:
        """Return the derivative of a quantity in the drop probability: of one layer (inputs first), some, or all.

        It is Σ_l ∂/∂q_l over the given layers, all with ``layer=None``, which for one common q is d/dq. Rates
        that are numbers are put in afterwards. ``quantity`` is "criterion", "risk", "penalty",
        "variance" or "bias". Exact; relu′(0) = 0.

        >>> derive(Architecture(inputs=1, hidden=(), biases=False)).derivative_q("penalty").expr
        w[1]**2*x[1]**2/(1 - q)**2
        """
        from exactdropout.symbolic.criterion.monotone_in_q import derivative_in_rates

        moving = self._layers(layer)
        return derivative_in_rates(self, self._quantity(quantity), moving)

    def monotone(self, quantity: str = "criterion") -> MonotoneStretches:
        """Return the maximal intervals of q in (0, 1) on which a quantity is strictly monotone, for given numbers.

        Everything but one symbol q must be a number. The quantity is continuous and piecewise rational in q; the ends
        of pieces and stretches are real algebraic numbers, isolated exactly.

        Raises:
            InvalidInput: more than q is free, or a rate is neither q nor a number.

        >>> w = Network([[[1, 1], [1, 1]], [1, 1]])
        >>> derive(w, Examples.point((1, -1), 8)).monotone("criterion")
        MonotoneStretches(decreasing on (0, 1/2), increasing on (1/2, 1))
        """
        from exactdropout.symbolic.criterion.monotone_in_q import monotone_stretches

        return monotone_stretches(getattr(self, self._quantity(quantity)), quantity)

    def regions(
        self, quantity: str = "penalty", *, max_cost: float | None = None, progress: Progress | bool | None = None
    ) -> Regions:
        """Return the activation regions in the space of hidden weights, for inputs that are numbers.

        One hidden layer: the hyperplanes of the distinct masked inputs cut the space of each unit into cones; the
        regions are their products, all of them, each with an exact interior point and its polynomials. Deeper: see
        :class:`~exactdropout.symbolic.regions.regions.Regions`. With ``quantity="criterion"`` the hinges are those of
        the criterion; those of the risk are other ones where there are hidden biases. Exact. Cost: the cones of a
        unit are listed at once, bounded beforehand by Schläfli's count; regions are made when asked for. With
        ``progress`` deeper searches tell how many of the regions of the lower layers are done; ``progress=True``
        first writes a line on standard error: how many hinges there are, and at most how many sign patterns.

        Raises:
            InvalidInput: a hinge depends on something else than weights.
            CostLimitExceeded: there may be more regions than ``max_cost`` seconds list, some 4 000 each.

        >>> derive(Architecture(2, (1,), biases=False), Examples.point((1, 1), 1), Fraction(1, 2)).regions()
        <Regions: 6, complete>
        """
        from exactdropout.symbolic.regions.regions import regions

        most = cost_limit(max_cost) / SECONDS_PER_REGION
        announce = (lambda text: write_line(f"regions: {text}")) if progress is True else None
        with reporting(progress, "regions of lower layers") as report:
            return regions(self._problem, quantity, most, report, announce)

    def compact(self, quantity: str = "criterion") -> Formula:
        """Return the criterion, penalty or variance as a sum of squares that is not multiplied out.

        Linear networks, and relu networks whose units are never off: Var D = Σ_L ∏_{l∈L} q_l/p_l Σ (path sums)², over
        sets L of layers and one unit in each. Others: the residual squared and the last layer's spread for each
        distinct value of the last hidden layer. The formula is the same function as the plain one, exactly;
        derivations in :mod:`exactdropout.symbolic.criterion.sums_of_squares`.

        Raises:
            CostLimitExceeded: the form has too many squares.

        >>> chain = derive(Architecture(2, (1,), biases=False, activation="linear"), q=Fraction(1, 2))
        >>> chain.compact("variance").expr
        2*W[1,1]**2*w[1]**2*x[1]**2 + 2*W[1,2]**2*w[1]**2*x[2]**2 + w[1]**2*(W[1,1]*x[1] + W[1,2]*x[2])**2
        """
        from exactdropout.symbolic.criterion.sums_of_squares import compact

        return compact(self._problem, quantity)

    def _quantity(self, name: str) -> str:
        if name not in QUANTITIES:
            raise InvalidInput(f"Argument 'quantity' must be one of {', '.join(QUANTITIES)}, not {show(name)}.")
        return name

    def _layers(self, layer: int | Sequence[int] | None) -> tuple[int, ...]:
        if layer is None:
            return tuple(range(len(self.rates)))
        if isinstance(layer, (tuple, list)) and layer:
            return tuple(dict.fromkeys(one for given in layer for one in self._layers(given)))
        if isinstance(layer, bool) or not isinstance(layer, int) or not 0 <= layer < len(self.rates):
            raise InvalidInput(f"Argument 'layer' must be None or from 0 to {len(self.rates) - 1}, not {show(layer)}.")
        return (layer,)

    def latex(self, style: Style | None = None, **options: Unpack[StyleOptions]) -> str:
        """Return the derivation written out: numbered steps from the setting to each quantity.

        Long formulas are broken at 70 letters where ``width`` is not given; ``standalone=True`` gives a document.
        """
        from exactdropout.symbolic.criterion.written_out import derivation_latex

        return derivation_latex(self, styled(style, options))

    def _repr_latex_(self) -> str | None:
        shown = self.criterion._repr_latex_()
        return None if shown is None else shown.replace(r"\displaystyle ", r"\displaystyle J_D = ", 1)

    def _repr_html_(self) -> str:
        from exactdropout.notation.page import table_html

        shown = [(name, getattr(self, name)) for name in QUANTITIES]
        many = len(self.mean) > 1
        shown += [(f"mean of output {k}" if many else "mean", f) for k, f in enumerate(self.mean, 1)]
        free = ", ".join(map(str, self.symbols[:12])) + (", …" if len(self.symbols) > 12 else "")
        return table_html(
            ["quantity", "formula"], ((name, found.short_html()) for name, found in shown), count=len(shown),
            title=f"{self.network.architecture}, exact", notes=[f"free: {free}"] if free else [],
        )  # fmt: skip

    def __repr__(self) -> str:
        """Return the criterion and the penalty, if short."""
        return f"Derivation(criterion={self.criterion!r}, penalty={self.penalty!r})"


def _gradient(network: Network, slopes: Mapping[Any, Formula], quantity: str) -> SymbolicGradient:
    """Return slopes by parameter in the shapes of the network."""
    weights = [np.empty(w.shape, dtype=object) for w in network.weights]
    biases = [None if b is None else np.empty(b.shape, dtype=object) for b in network.biases]
    for at, found in slopes.items():
        bias = biases[at.layer]
        if at.source is not None:
            weights[at.layer][at.unit, at.source] = found
        elif bias is not None:
            bias[at.unit] = found
    for array in (*weights, *biases):
        if array is not None:
            array.setflags(write=False)
    return SymbolicGradient(weights=tuple(weights), biases=tuple(biases), quantity=quantity)


@told_what_is_missing
def derive(
    architecture: Architecture | Network | str,
    data: Examples | Iterable[Any] | str | None = None,
    q: object = None,
    *,
    label: str | Sequence[str] | None = None,
    assume: str | Sequence[str] | None = None,
    max_cost: float | None = None,
    progress: Progress | bool | None = None,
) -> Derivation:
    """Derive the dropout criterion and everything that belongs to it, exactly, with symbols where entries are free.

    Args:
        architecture: an architecture, or its text such as ``"2-3-1 relu, no biases"``: every weight and bias is a
            symbol; or a network with exact or SymPy entries.
        data: examples with exact or SymPy entries in one of the forms of :func:`exactdropout.evaluate`; None is one
            example with symbols x[1], …, x[K] and y.
        q: drop probability, one or one per droppable layer (inputs first), exact or symbolic; None is the symbol q.
            A symbolic q is taken to satisfy 0 ≤ q < 1.
        label: for a data frame, its label column, or a list of several.
        assume: signs of symbols, as :func:`exactdropout.check` reads them: text such as ``"weights >= 0, x >= 0"``, or
            several texts; with these two and without hidden biases no relu is left. Groups are weights, w, W, biases,
            x and y. Other assumptions than signs are for ``check``.
        max_cost: refuse beforehand what is estimated to take more seconds of one core (a second also stands for some
            100 MB); 60 where it is left out.
        progress: True for a bar on standard error, or a callable ``progress(done, total)``.

    Symbols are plain, ``sympy.Symbol("q")``, ``sympy.Symbol("W[1][2,3]")``, and count as real; what SymPy knows of
    the signs of symbols that you give, ``positive`` or ``nonnegative``, is used to resolve relu. Exact. Cost: the
    masks of all droppable layers but the last, 2^(K + Σ_{l<d−1} n_l), equal hidden vectors merged.

    Raises:
        MixedNumbers: floats in the network, the data or q.
        CostLimitExceeded: the estimate exceeds ``max_cost``.

    Source: the sum over masks is the definition; the last layer's masks have a closed form that is derived in
    :mod:`exactdropout.symbolic.criterion.masks`.

    >>> linear = derive("2-1 linear, no biases")
    >>> linear.penalty.expr
    q*(w[1]**2*x[1]**2 + w[2]**2*x[2]**2)/(1 - q)
    >>> figure_1 = Network([[[1, 1], [1, 1]], [1, 1]])
    >>> derive(figure_1, Examples.point((1, -1), 8), Fraction(1, 2)).penalty.expr
    -10
    """
    shape = architecture_of(architecture)
    if isinstance(architecture, Network):
        network = architecture
    else:
        if data is None:  # every input is then a symbol; known before a symbol is made
            check_cost(shape, shape.inputs, max_cost)
        network = free_network(shape)
    if data is None and label is None:
        examples = free_examples(shape.inputs, shape.outputs)
    else:
        examples = examples_of(data, shape, label)
    for argument, kind in (("architecture", network.kind), ("data", examples.kind)):
        if kind == "float64":
            raise MixedNumbers(f"Argument {argument!r} holds floats; call its exact() for the rationals that they are.")
    if isinstance(q, str) and "q" in q:  # as check reads it: "q", or "0, q" by layers
        q = [sympy.Symbol("q") if part.strip() == "q" else part for part in q.split(",")]
        q = q[0] if len(q) == 1 else q
    rates, rate_kind = drop_rates(sympy.Symbol("q") if q is None else q, shape)
    if rate_kind != "symbolic":
        rates = exact_rates(rates, rate_kind)
    nonnegative = assumed_signs(assume, network, examples)
    nonzero = [sum(1 for v in row if v != 0) for row in examples.inputs.tolist()]
    free = [_signs_are_free(w, nonnegative) for w in network.weights[:-1]]
    cost = expected_cost(shape, nonzero, free) * SECONDS_PER_STEP
    _announce(cost, max_cost)
    with reporting(progress, "derive") as tell:
        problem = build_problem(network, examples, rates, nonnegative).solved(tell)
    return Derivation(network=network, data=examples, rates=rates, cost=cost, _problem=problem)


def check_cost(architecture: Architecture, inputs: int, max_cost: float | None) -> None:
    """Refuse a derivation with free weights and so many inputs that are not 0, from shapes alone.

    Raises:
        CostLimitExceeded: the estimate exceeds ``max_cost``.
    """
    _announce(expected_cost(architecture, [inputs], [True] * (architecture.depth - 1)) * SECONDS_PER_STEP, max_cost)


def _announce(seconds: float, max_cost: float | None) -> None:
    limit = cost_limit(max_cost)
    if seconds > limit:
        instead = (
            "raise max_cost, use xd.evaluate for numbers, or closed forms for all sizes (--closed-form on the command "
            "line, xd.uniform_moments)"
        )
        raise CostLimitExceeded(beyond(seconds, limit, "this derivation", instead))


def _signs_are_free(weights: Array, nonnegative: Set[sympy.Symbol]) -> bool:
    """Return whether some entry has no known sign: then its units are taken to be hinges in the estimate."""
    return any(
        v not in nonnegative and getattr(v, "is_nonnegative", v >= 0 if isinstance(v, Fraction) else None) is not True
        for v in weights.flat
    )


def _formulas(sums: Array, denominator: ReluPolynomial) -> Array:
    result = np.empty(sums.shape, dtype=object)
    for index, entry in np.ndenumerate(sums):
        result[index] = formula(denominator.ring, [(entry.total,)], denominator)
    return result
