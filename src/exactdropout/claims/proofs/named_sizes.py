"""Proofs at named sizes: the claim as an identity or inequality in the ring of polynomials with relu atoms."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import flint
import sympy

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
from exactdropout.claims.proofs.ring_domain import MAX_ELEMENT, Quotient, RingDomain, product
from exactdropout.claims.setting.named_sizes import (
    Key,
    Scope,
    Unsupported,
    entries,
    key_text,
    mapped,
    parts,
    resolved,
    scope_of,
    targets,
)
from exactdropout.claims.setting.setting import Setting
from exactdropout.model import Architecture
from exactdropout.symbolic.criterion.masks import expected_cost
from exactdropout.symbolic.ring.ring import ReluPolynomial, ReluRing

__all__ = ["Flat", "expected_terms", "prove_at"]


class Flat:
    """Ring elements as FLINT polynomials in generators, atoms and t = q/p."""

    def __init__(self, ring: ReluRing, keep: sympy.Symbol, *, dropping: bool) -> None:
        """Fix the variables: generators, then atoms, then t; ``dropping`` says that a symbolic q is not 0."""
        self.ring = ring
        self.generators, self.atoms = len(ring.generators), len(ring.atoms)
        self.size = self.generators + self.atoms + 1
        self.context = flint.fmpq_mpoly_ctx.get([f"v{i}" for i in range(self.size)], "degrevlex")
        self.signed = {i for i, g in enumerate(ring.generators) if not g.is_nonnegative}
        self.strict = {i for i, g in enumerate(ring.generators) if g.is_nonzero}
        if dropping:
            self.strict.add(self.size - 1)
        self.keep = ring.generators.index(keep) if keep in ring.generators else None
        if any(atom.kind == "step" for atom in ring.atoms):
            raise Unsupported("a derivative of relu")

    def lift(self, element: ReluPolynomial) -> Any:
        """Return an element, atoms as variables."""
        terms: dict[tuple[int, ...], Any] = {}
        for monomial, coefficient in element.terms.items():
            atoms = [0] * self.atoms
            for number in monomial:
                atoms[number] += 1
            for exponents, value in coefficient.terms():
                terms[(*exponents, *atoms, 0)] = value
        return self.context.from_dict(terms)

    def reduced(self, element: ReluPolynomial) -> Any:
        """Return the normal form modulo relu(−z) = relu(z) − z and relu(z)² = z relu(z)."""
        polynomial = self.lift(element)
        arguments = [self.lift(atom.argument) for atom in self.ring.atoms]
        for number in reversed(range(self.atoms)):
            index = self.generators + number
            opposite = next((i for i in range(number) if arguments[i] == -arguments[number]), None)
            powers = {m[index] for m in polynomial.monoms()}
            if powers <= {0} or (opposite is None and powers <= {0, 1}):
                continue
            z, a = arguments[number], self.context.gen(index)
            base = a if opposite is None else self.context.gen(self.generators + opposite) + arguments[number]
            total = self.context.from_dict({})
            for power in powers:
                part = _coefficient_of(polynomial, index, power)
                total += part * (z ** (power - 1) * base if power else 1)
                if len(total) > MAX_ELEMENT:
                    raise Unsupported("the normal form grows beyond the limit")
            polynomial = total
        return polynomial

    def homogeneous(self, polynomial: Any) -> Any:
        """Return the polynomial times (1 + t)^m with p = 1/(1 + t): the sign is kept, t = q/p ≥ 0 is a variable."""
        if self.keep is None:
            return polynomial
        return self.over(polynomial)[0]

    def over(self, polynomial: Any) -> tuple[Any, int]:
        """Return (A, m) with polynomial = A(t)/(1 + t)^m."""
        if self.keep is None:
            return polynomial, 0
        top = int(polynomial.degrees()[self.keep])
        one_plus_t = 1 + self.context.gen(self.size - 1)
        total = self.context.from_dict({})
        for power in range(top + 1):
            part = _coefficient_of(polynomial, self.keep, power)
            if part != 0:
                total += part * one_plus_t ** (top - power)
        return total, top

    def nonnegative(self, element: ReluPolynomial) -> str | None:
        """Return how an element is shown to be ≥ 0."""
        for polynomial in (self.lift(element), self.reduced(element)):
            found = nonnegative(self.homogeneous(polynomial), self.signed)
            if found is not None:
                return found
        return None

    def positive(self, element: ReluPolynomial) -> str | None:
        """Return how an element is shown to be > 0."""
        for polynomial in (self.lift(element), self.reduced(element)):
            found = positive(self.homogeneous(polynomial), self.signed, self.strict)
            if found is not None:
                return found
        return None

    def depends(self, index: int) -> bool:
        """Return whether an atom's argument holds a variable: derivatives are not taken through atoms."""
        return any(index < self.generators and self.lift(a.argument).degrees()[index] for a in self.ring.atoms)


def _coefficient_of(polynomial: Any, index: int, power: int) -> Any:
    terms = {}
    for monomial, value in polynomial.terms():
        if monomial[index] == power:
            exponents = list(monomial)
            exponents[index] = 0
            terms[tuple(exponents)] = value
    return polynomial.context().from_dict(terms)


def expected_terms(setting: Setting, architecture: Architecture) -> float:
    """Return the estimate of the terms that a derivation handles."""
    free = [setting.sign(("W", (layer, 1, 1))).isdisjoint({">=", ">"}) for layer in range(1, architecture.depth)]
    return expected_cost(architecture, [architecture.inputs], free)


def prove_at(claim: Claim, setting: Setting, sizes: Mapping[str, int]) -> list[str] | None:
    """Return the steps of a proof at named sizes, or None.

    Raises:
        Unsupported: the ring cannot express the claim.
    """
    architecture = setting.architecture(dict(sizes))
    domain = RingDomain(claim, setting, architecture)
    scope = scope_of(claim, setting, architecture, sizes, domain, domain.free)
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
        signed = product(difference.top, difference.bottom)
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
    if stands_for_minus(domain, key) != (direction in ("nonincreasing", "decreasing")):
        slope = -slope
    if direction in ("nondecreasing", "nonincreasing"):
        found = nonnegative(slope, flat.signed)
    else:  # a derivative that is positive for 0 < q < 1 is enough: the value at q = 0 is the limit
        found = positive(slope, flat.signed, flat.strict | ({along} if key == ("q", ()) else set()))
    return None if found is None else [f"The derivative in {key_text(key)} has the right sign: {found}."]


def stands_for_minus(domain: RingDomain, key: Key) -> bool:
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
            if not _allowed(key, assigned[key], scope.setting, domain):
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


def _allowed(key: Key, value: Quotient, setting: Setting, domain: RingDomain) -> bool:
    """Return whether a weight's assumptions are seen to hold for its value: signs alone, by the form of the value."""
    named = {n.name for c in setting.filters for side in c.sides for n in walk(side) if isinstance(n, Name)}
    if named & {"w", "W", "b", "weights", "biases"}:
        return False
    sign = value.top * value.bottom
    tests = {
        ">": domain.ring.is_positive(sign), ">=": domain.ring.is_nonnegative(sign),
        "<": domain.ring.is_positive(-sign), "<=": domain.ring.is_nonnegative(-sign),
    }  # fmt: skip
    return all(tests.get(relation, False) for relation in setting.sign(key))


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
