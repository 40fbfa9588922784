"""Proofs at named sizes: the claim as an identity or inequality in the ring of polynomials with relu atoms."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sympy

from exactdropout.claims.flattened import MAX_ELEMENT, Flat
from exactdropout.claims.language.syntax import (
    Claim,
    Comparison,
    Expression,
    Invariance,
    Minimiser,
    Monotonicity,
    Name,
    Quantity,
    walk,
)
from exactdropout.claims.proofs.inequality import nonnegative, positive
from exactdropout.claims.refutation.search import key_text
from exactdropout.claims.setting.named_sizes import (
    Key,
    Scope,
    Unsupported,
    entries,
    free_keys,
    mapped,
    parts,
    resolved,
    scope_of,
    targets,
)
from exactdropout.claims.setting.setting import Problem
from exactdropout.model import Architecture
from exactdropout.symbolic.criterion.masks import Layers, expected_cost, moments, states
from exactdropout.symbolic.ring.ring import ReluPolynomial, ReluRing

__all__ = ["Quotient", "RingDomain", "expected_terms", "prove_at"]


@dataclass(frozen=True)
class Quotient:
    """top/bottom of two ring elements; the bottom is taken to be different from 0."""

    top: ReluPolynomial
    bottom: ReluPolynomial

    def __add__(self, other: Quotient) -> Quotient:
        """Return the sum."""
        if self.bottom == other.bottom:
            return Quotient(self.top + other.top, self.bottom)
        return Quotient(
            _product(self.top, other.bottom) + _product(other.top, self.bottom), _product(self.bottom, other.bottom)
        )

    def __neg__(self) -> Quotient:
        """Return the negative."""
        return Quotient(-self.top, self.bottom)

    def __sub__(self, other: Quotient) -> Quotient:
        """Return the difference."""
        return self + (-other)

    def __mul__(self, other: Quotient) -> Quotient:
        """Return the product."""
        return Quotient(_product(self.top, other.top), _product(self.bottom, other.bottom))

    def __pow__(self, exponent: int) -> Quotient:
        """Return a power."""
        result = Quotient(self.top.ring.one, self.top.ring.one)
        for _ in range(exponent):
            result = result * self
        return result


def _product(a: ReluPolynomial, b: ReluPolynomial) -> ReluPolynomial:
    if a.size() * b.size() > MAX_ELEMENT * 50:
        raise Unsupported("the polynomials grow beyond the limit")
    result = a * b
    if result.size() > MAX_ELEMENT:
        raise Unsupported("the polynomials grow beyond the limit")
    return result


class RingDomain:
    """Quotients in the ring over all free variables; a symbolic q enters by p = 1 − q > 0."""

    def __init__(self, claim: Claim, problem: Problem, architecture: Architecture) -> None:
        """Make the ring; sign assumptions become assumptions on its generators."""
        self.keys = free_keys(claim, problem, architecture)
        self.keep = sympy.Symbol("p", positive=True)
        symbols: dict[Key, sympy.Symbol] = {}
        flipped = set()
        for key in self.keys:
            if key == ("q", ()):
                symbols[key] = self.keep
                continue
            signs = problem.sign(key)
            known: dict[str, bool] = {"nonzero": True} if "!=" in signs else {}
            if signs & {">", "<"}:
                known = {"positive": True}
            elif signs & {">=", "<="}:
                known["nonnegative"] = True
            if signs & {"<", "<="}:
                flipped.add(key)
            symbols[key] = sympy.Symbol(key_text(key), real=True, **known)
        self.ring = ReluRing(symbols.values())
        self.free: dict[Key, Quotient] = {}
        for key, symbol in symbols.items():
            element = self.ring.generator(symbol)
            if key in flipped:
                element = -element
            self.free[key] = self.whole(self.ring.one - element if key == ("q", ()) else element)
        self.symbols = symbols
        self.dropping = bool(problem.sign(("q", ())) & {">", "!="})
        """Whether a symbolic q is assumed not to be 0."""

    def whole(self, element: ReluPolynomial) -> Quotient:
        """Return an element over 1."""
        return Quotient(element, self.ring.one)

    def number(self, value: Fraction) -> Quotient:
        """Return a constant."""
        return self.whole(self.ring.constant(value))

    def relu(self, value: Quotient) -> Quotient:
        """Return relu(a/b) = relu(a b)/b², or relu(a)/b where b > 0 is manifest."""
        if self.ring.is_positive(value.bottom):
            return Quotient(self.ring.relu(value.top), value.bottom)
        return Quotient(self.ring.relu(_product(value.top, value.bottom)), _product(value.bottom, value.bottom))

    def root(self, value: Quotient) -> Quotient:
        """Return the root of a square of a rational number."""
        numbers = []
        for part in (value.top, value.bottom):
            constant = _constant(part)
            if constant is None or constant < 0:
                raise Unsupported("a root of something that is no rational number")
            number = Fraction(math.isqrt(constant.numerator), math.isqrt(constant.denominator))
            if number**2 != constant:
                raise Unsupported("an irrational root")
            numbers.append(number)
        return self.number(numbers[0] / numbers[1])

    def divide(self, top: Quotient, bottom: Quotient) -> Quotient:
        """Return a quotient.

        Raises:
            Unsupported: the divisor is identically 0.
        """
        if not bottom.top:
            raise Unsupported("a division by 0")
        return Quotient(_product(top.top, bottom.bottom), _product(top.bottom, bottom.top))

    def quantity(self, name: str, scope: Scope) -> Quotient:
        """Return a quantity, from the sum over masks with equal hidden vectors merged."""
        architecture, ring = scope.architecture, self.ring
        rates = [scope.rate(layer) for layer in range(architecture.depth)]
        keep = tuple(self.polynomial(self.number(Fraction(1)) - q) for q in rates)
        x = tuple(self.polynomial(scope.values["x", (i + 1,)]) for i in range(architecture.inputs))
        y = self.polynomial(scope.values["y", ()])
        dropped = self.layers(scope, keep)
        kept = self.layers(scope, (ring.one,) * len(keep))
        share = self.number(Fraction(1, 2) if scope.half else Fraction(1))
        totals = dict.fromkeys(("criterion", "risk", "mean", "variance", "second_moment"), self.number(Fraction(0)))
        examples = [(x, y)] + ([((ring.zero,) * len(x), ring.zero)] if scope.half else [])
        output = self.number(Fraction(0))
        for index, (inputs, label) in enumerate(examples):
            found = moments(dropped, states(dropped, inputs)[-1], (label,))
            plain = moments(kept, states(kept, inputs)[-1], (label,))
            scale, last = dropped.scale(dropped.depth - 1), dropped.keep[-1]
            mean = Quotient(found.means[0], scale)
            loss = Quotient(found.loss, scale * scale * last)
            target = self.whole(label)
            second = loss + target * (mean + mean) - target * target
            totals["criterion"] += share * loss
            totals["risk"] += share * self.whole(plain.loss)
            totals["mean"] += share * mean
            totals["second_moment"] += share * second
            totals["variance"] += share * (second - mean * mean)
            if index == 0:
                output = self.whole(plain.means[0])
        scope.quantities |= {**totals, "penalty": totals["criterion"] - totals["risk"], "output": output}
        return scope.quantities[name]  # type: ignore[no-any-return]

    def polynomial(self, value: Quotient) -> ReluPolynomial:
        """Return a quotient whose bottom is a number as an element."""
        bottom = _constant(value.bottom)
        if bottom is None:
            raise Unsupported("a weight, input or label that is no polynomial in the symbols")
        return value.top * (1 / bottom)

    def layers(self, scope: Scope, keep: tuple[ReluPolynomial, ...]) -> Layers:
        """Return the network as ring elements."""
        architecture, widths = scope.architecture, scope.architecture.widths
        weights, biases = [], []
        for layer in range(1, len(widths)):
            last = layer == len(widths) - 1
            weights.append(
                tuple(
                    tuple(
                        self.polynomial(scope.values[("w", (i,)) if last else ("W", (layer, j, i))])
                        for i in range(1, widths[layer - 1] + 1)
                    )
                    for j in range(1, widths[layer] + 1)
                )
            )
            has = architecture.output_bias if last else architecture.hidden_biases
            biases.append(
                tuple(
                    self.polynomial(scope.values[("b", ()) if last else ("b", (layer, j))]) if has else self.ring.zero
                    for j in range(1, widths[layer] + 1)
                )
            )
        slopes = tuple(a.slope for a in architecture.activations)
        return Layers(ring=self.ring, weights=tuple(weights), biases=tuple(biases), slopes=slopes, keep=keep)


def _constant(element: ReluPolynomial) -> Fraction | None:
    if not element.terms:
        return Fraction(0)
    if set(element.terms) != {()} or not element.terms[()].is_constant():
        return None
    value = element.terms[()].leading_coefficient()
    return Fraction(int(value.p), int(value.q))


def expected_terms(problem: Problem, architecture: Architecture) -> float:
    """Return the estimate of the terms that a derivation handles."""
    free = [problem.sign(("W", (layer, 1, 1))).isdisjoint({">=", ">"}) for layer in range(1, architecture.depth)]
    return expected_cost(architecture, [architecture.inputs], free)


def prove_at(claim: Claim, problem: Problem, sizes: Mapping[str, int]) -> list[str] | None:
    """Return the steps of a proof at named sizes, or None.

    Raises:
        Unsupported: the ring cannot express the claim.
    """
    architecture = problem.architecture(dict(sizes))
    domain = RingDomain(claim, problem, architecture)
    scope = scope_of(claim, problem, architecture, sizes, domain, domain.free)
    statement = claim.statement
    match statement:
        case Comparison(sides, relations):
            steps: list[str] = []
            for left, relation, right in zip(sides, relations, sides[1:], strict=False):
                found = _relation(scope.evaluate(left), relation, scope.evaluate(right), domain)
                if found is None:
                    return None
                steps += found
            return [_derived(claim, architecture), *steps]
        case Invariance(expression, pairs):
            before, after = scope.evaluate(expression), mapped(pairs, scope).evaluate(expression)
            found = _relation(after, "=", before, domain)
            return None if found is None else [_derived(claim, architecture), "The map is applied.", *found]
        case Monotonicity():
            return _monotone(statement, scope, domain)
        case Minimiser(pairs, expression):
            return _minimiser(pairs, expression, scope, domain)
    raise TypeError(type(statement).__name__)


def _derived(claim: Claim, architecture: Architecture) -> str:
    if any(isinstance(node, Quantity) for part in parts(claim) for node in walk(part)):
        return f"Every quantity of {architecture} is derived by summing over all masks in a ring of polynomials."
    return "Both sides are written in a ring of polynomials with relu atoms."


def _relation(left: Quotient, relation: str, right: Quotient, domain: RingDomain) -> list[str] | None:
    difference = left - right
    flat = Flat(domain.ring, domain.keep, dropping=domain.dropping)
    if relation == "=":
        if difference.top and flat.reduced(difference.top) != 0:
            return None
        where = "" if domain.ring.is_positive(difference.bottom) else " (wherever no divisor is 0)"
        return [
            f"The difference of both sides has numerator 0 by relu(-z) = relu(z) - z, relu(z)^2 = z relu(z){where}."
        ]
    if relation in ("<=", "<"):
        difference = -difference
    signed = difference.top
    if not domain.ring.is_positive(difference.bottom):
        signed = _product(difference.top, difference.bottom)
    if relation in (">=", "<="):
        found = flat.nonnegative(signed)
        return (
            None if found is None else [f"The difference has the sign of a polynomial that is not negative: {found}."]
        )
    if domain.ring.is_positive(signed):
        return ["The difference is a sum of non-negative terms, one of them positive."]
    for sign, element in ((">", signed), ("<", -signed)) if relation == "!=" else ((">", signed),):
        found = flat.positive(element)
        if found is not None:
            word = "positive" if sign == ">" else "negative"
            return [f"The difference has the sign of a polynomial that is {word}: {found}."]
    return None


def _monotone(statement: Monotonicity, scope: Scope, domain: RingDomain) -> list[str] | None:
    variable, direction = statement.variable, statement.direction
    key = ("q", ()) if variable.name == "q" and not variable.indices else _one_key(variable, scope)
    if key not in domain.symbols:
        raise Unsupported(f"{key_text(key)} is not free here")
    index = domain.ring.generators.index(domain.symbols[key])
    value = scope.evaluate(statement.expression)
    flat = Flat(domain.ring, domain.keep, dropping=domain.dropping)
    top, bottom = flat.reduced(value.top), flat.lift(value.bottom)
    if flat.depends(index):
        if direction == "constant" and top == 0:
            return ["The expression is identically 0."]
        raise Unsupported(f"{key_text(key)} stands inside relu")
    along = index
    if key == ("q", ()):  # q grows with t = q/p, and 0 <= q < 1 is t >= 0
        (top, m), (bottom, k) = flat.over(top), flat.over(bottom)
        one_plus_t = 1 + flat.context.gen(flat.size - 1)
        top, bottom = top * one_plus_t ** max(k - m, 0), bottom * one_plus_t ** max(m - k, 0)
        along = flat.size - 1
    if not domain.ring.is_positive(value.bottom):
        raise Unsupported("a divisor that may be 0 between two points")
    slope = top.derivative(along) * bottom - top * bottom.derivative(along)
    if direction == "constant":
        return ["The derivative is identically 0."] if slope == 0 else None
    if problem_flips(domain, key) != (direction in ("nonincreasing", "decreasing")):
        slope = -slope
    if direction in ("nondecreasing", "nonincreasing"):
        found = nonnegative(slope, flat.signed)
    else:  # a derivative that is positive for 0 < q < 1 is enough: the value at q = 0 is the limit
        found = positive(slope, flat.signed, flat.strict | ({along} if key == ("q", ()) else set()))
    return None if found is None else [f"The derivative in {key_text(key)} has the right sign: {found}."]


def problem_flips(domain: RingDomain, key: Key) -> bool:
    """Return whether the generator stands for minus the variable (a variable that is assumed to be ≤ 0)."""
    return key != ("q", ()) and domain.free[key].top == -domain.ring.generator(domain.symbols[key])


def _one_key(variable: Any, scope: Scope) -> Key:
    if not variable.indices and (variable.name, ()) in scope.values:
        return variable.name, ()
    found = list(targets(variable, scope))
    if len(found) != 1:
        raise Unsupported(f"{variable.name} is a group; name one entry")
    return found[0]


def _minimiser(pairs: Any, expression: Expression, scope: Scope, domain: RingDomain) -> list[str] | None:
    """Compare with the value at the named point; a linear model's criterion is a convex quadratic: compare slopes."""
    convex = not scope.architecture.hidden and expression == Quantity("criterion")
    assigned: dict[Key, Quotient] = {}
    for target, value in pairs:
        for key in targets(target, scope):
            if key not in set(entries(scope.architecture)):
                raise Unsupported("a minimum over something that is no weight or bias")
            assigned[key] = scope.evaluate(value)
            if not _allowed(key, assigned[key], scope.problem, domain):
                raise Unsupported(f"an assumption on {key_text(key)} that the named value is not seen to satisfy")
    if not convex:
        through = {n.name for _, value in pairs for n in walk(value) if isinstance(n, Name)}
        if through & {"w", "W", "b", "weights", "biases"}:
            raise Unsupported("a minimiser that is given by what it minimises over")
        least = resolved(scope, assigned).evaluate(expression)
        found = _relation(scope.evaluate(expression), ">=", least, domain)
        return None if found is None else ["The value at any weights is compared with that at the named ones.", *found]
    one = domain.number(Fraction(1))
    for key, value in assigned.items():
        slope = _linear_criterion(resolved(scope, assigned | {key: value + one}), domain)
        slope -= _linear_criterion(resolved(scope, assigned | {key: value - one}), domain)
        if slope.top and Flat(domain.ring, domain.keep, dropping=domain.dropping).reduced(slope.top) != 0:
            return None
    return [
        "Without hidden layers J_D = (w.x + b - y)^2 + (q/p) sum w_i^2 x_i^2 per example: a convex quadratic.",
        f"Its derivative in {', '.join(map(key_text, assigned))} is identically 0 at the named values.",
    ]


def _allowed(key: Key, value: Quotient, problem: Problem, domain: RingDomain) -> bool:
    """Return whether a weight's assumptions are seen to hold for its value: signs alone, by the form of the value."""
    named = {n.name for c in problem.filters for side in c.sides for n in walk(side) if isinstance(n, Name)}
    if named & {"w", "W", "b", "weights", "biases"}:
        return False
    sign = value.top * value.bottom
    tests = {
        ">": domain.ring.is_positive(sign), ">=": domain.ring.is_nonnegative(sign),
        "<": domain.ring.is_positive(-sign), "<=": domain.ring.is_nonnegative(-sign),
    }  # fmt: skip
    return all(tests.get(relation, False) for relation in problem.sign(key))


def _linear_criterion(scope: Scope, domain: RingDomain) -> Quotient:
    q = scope.rate(0)
    noise, output = domain.number(Fraction(0)), domain.number(Fraction(0))
    for i in range(1, scope.architecture.inputs + 1):
        term = scope.values["w", (i,)] * scope.values["x", (i,)]
        output, noise = output + term, noise + term * term
    bias = scope.values.get(("b", ()), domain.number(Fraction(0)))
    residual = output + bias - scope.values["y", ()]
    loss: Quotient = residual * residual + domain.divide(q, domain.number(Fraction(1)) - q) * noise
    if scope.half:
        loss = domain.number(Fraction(1, 2)) * (loss + bias * bias)
    return loss
