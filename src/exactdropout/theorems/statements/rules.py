"""Reasons for claims that no algebra decides alone: a value of relu, least values, bijections, squares that vanish."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import sympy
from sympy.core.function import AppliedUndef

from exactdropout.notation.tree import Call, Multiply
from exactdropout.theorems.statements.lines import Context
from exactdropout.theorems.statements.ranges import expanded, is_zero
from exactdropout.theorems.statements.terms import Relation, Term, apply, symbol

__all__ = ["ByBijection", "ByCompactness", "ByEitherValue", "ByVanishingSquare"]


@dataclass(frozen=True)
class ByEitherValue:
    """relu(z) is z or 0: with either in its place the claim is an earlier line.

    Args:
        argument: z.
        itself, zero: the labels of the lines with z and with 0 in place of relu(z).
    """

    argument: Term
    itself: str
    zero: str
    method: ClassVar[str] = "cases"

    def check(self, claim: Relation, context: Context) -> bool:
        """Return whether both lines say what the claim needs."""
        found = apply("relu", self.argument).expression()
        gap = claim.gap()
        if not gap.has(found):
            return False
        for label, value in ((self.itself, self.argument.expression()), (self.zero, sympy.Integer(0))):
            if label not in context.established:
                return False
            relation = context.established[label][1]
            if (claim.sign == "=") != (relation.sign == "=") or (claim.strict and not relation.strict):
                return False
            if not context.zero(gap.xreplace({found: value}) - relation.gap()):
                return False
        return True

    def detail(self, claim: Relation, context: Context) -> str:
        """Return the numbers of the two lines."""
        one, two = (context.established[label][0] for label in (self.itself, self.zero))
        shown = apply("relu", self.argument).latex()
        return f"${shown}$ is ${self.argument.latex()}$ or $0$, where this is ({one}) or ({two})"


@dataclass(frozen=True)
class ByCompactness:
    """f(x*) <= f(x) for some x* and all x: a continuous function on a compact set that is not empty (Weierstrass).

    The claim compares one function at a variable that exists and at one for all its range; ``>=`` asks for a largest
    value. What is checked: that f is made of polynomials, and relu of polynomials, in its coordinates, and that each
    coordinate is bounded. That the coordinates form a closed set is what the words before this line say.

    Args:
        formula: the label of a line whose right side is a term of f in the coordinates.
        bounds: for each coordinate x the label of a line k x^2 <= a f + b with k > 0; a, b and k are free of networks,
            and a is 0 where a largest value is asked.
    """

    formula: str
    bounds: tuple[tuple[Term, str], ...]
    method: ClassVar[str] = "rule"

    def check(self, claim: Relation, context: Context) -> bool:
        """Return whether continuity and all bounds were found, and the claim says no more than the rule."""
        f = _compared(claim, context)
        if f is None or self.formula not in context.established or not self.bounds:
            return False
        networks = {v.term.expression() for v in context.variables if v.kind == "network"}
        names = [name.expression() for name, _ in self.bounds]
        found = context.established[self.formula][1]
        if found.sign != "=" or not _continuous(
            expanded(found.right.expression(), context.definitions), names, networks
        ):
            return False
        labels = [label for _, label in self.bounds]
        return all(_bounded(x, label, f, claim.sign, context) for x, label in zip(names, labels, strict=True))

    def detail(self, claim: Relation, context: Context) -> str:
        """Return the numbers of the lines that give continuity and bounds."""
        bounded = ", ".join(f"${name.latex()}$ by ({context.established[label][0]})" for name, label in self.bounds)
        return (
            f"Weierstrass: continuous, made of terms as in ({context.established[self.formula][0]}); bounded: {bounded}"
        )


def _compared(claim: Relation, context: Context) -> Any:
    """Return f(x) if the claim is f(x*) <= f(x) or f(x*) >= f(x), x* what exists and x not; else None."""
    match claim.left.node, claim.right.node:
        case Call(function, (one,)), Call(other, (two,)) if function == other and claim.sign in ("<=", ">="):
            free = {v.term for v in context.variables if v.kind == "weights"} - context.attained
            if Term(one) in context.attained and Term(two) in free:
                return claim.right.expression()
    return None


def _continuous(expression: Any, names: list[Any], networks: set[Any]) -> bool:
    """Return whether an expression is made of polynomials in the names, and relu of such, and has no other network."""
    relu = sympy.Function("relu")
    calls = expression.atoms(AppliedUndef)
    if any(call.func != relu for call in calls):
        return False
    if not all(_continuous(call.args[0], names, networks) for call in calls):
        return False
    flat = expression
    while found := flat.atoms(AppliedUndef):
        inner = min(found, key=sympy.count_ops)
        flat = flat.xreplace({inner: sympy.Dummy()})
    if flat.free_symbols & (networks - set(names)) or is_zero(flat):
        return False
    return bool(flat.is_polynomial(*names))


def _bounded(name: Any, label: str, f: Any, sign: str, context: Context) -> bool:
    """Return whether a line bounds the square of a coordinate, for a least value where f is bounded above."""
    if label not in context.established:
        return False
    relation = context.established[label][1]
    if relation.sign == "=":
        return False
    level = sympy.Dummy()
    gap = sympy.expand(expanded(relation.gap(), context.definitions).xreplace({f: level}))
    if gap.atoms(AppliedUndef):
        return False
    try:
        terms = dict(sympy.Poly(gap, name, level).terms())
    except sympy.PolynomialError:
        return False
    if not set(terms) <= {(2, 0), (0, 1), (0, 0)} or (sign == ">=" and (0, 1) in terms):
        return False
    networks = {v.term.expression() for v in context.variables if v.kind == "network"}
    if any(c.free_symbols & networks for c in terms.values()):
        return False
    return context.sign(-terms.get((2, 0), sympy.Integer(0))) == "positive"


@dataclass(frozen=True)
class ByBijection:
    """aversion(Q) = f aversion(P) where a bijection of networks multiplies criterion and risk by the same f > 0.

    The aversion is the largest risk among minimisers of the criterion, less the least risk of all networks. What is
    checked: the two functions at the image and Q are f times those at any network and P, and the map and its inverse,
    a factor for each weight, undo each other.

    Args:
        criterion, risk: the labels of the lines J(U, Q) = f J(W, P) and R(U, Q) = f R(W, P).
        there, back: the labels of two lines (w c) b = w and (w b) c = w, for a weight w.
    """

    criterion: str
    risk: str
    there: str
    back: str
    method: ClassVar[str] = "rule"

    def check(self, claim: Relation, context: Context) -> bool:
        """Return whether criterion, risk and both directions of the map were found, with the factor of the claim."""
        labels = (self.criterion, self.risk, self.there, self.back)
        if any(label not in context.established for label in labels) or self.criterion == self.risk:
            return False
        found = _factor(claim, context)
        if found is None or context.sign(found[0]) != "positive":
            return False
        factor, images, preimages = found
        free = {v.term for v in context.variables if v.kind == "weights"} - context.attained
        networks = set()
        for label in (self.criterion, self.risk):
            more = _factor(context.established[label][1], context)
            if more is None or not context.zero(more[0] - factor):
                return False
            if more[1][1:] != images or more[2][1:] != preimages or more[2][0] not in free or more[1][0] in free:
                return False
            networks.add((more[1][0], more[2][0]))
        return len(networks) == 1 and self._inverse(context)

    def _inverse(self, context: Context) -> bool:
        """Return whether a weight times the same two factors, in either order, is this weight."""
        found = []
        for label in (self.there, self.back):
            relation = context.established[label][1]
            match relation.left.node:
                case Multiply((weight, *factors)) if Term(weight) == relation.right and len(factors) > 1:
                    found.append((relation.sign, weight, sorted(map(repr, factors))))
        return len(found) == 2 and found[0] == found[1] and found[0][0] == "="

    def detail(self, claim: Relation, context: Context) -> str:
        """Return the numbers of the lines."""
        one, two, three, four = (
            context.established[label][0] for label in (self.criterion, self.risk, self.there, self.back)
        )
        return f"bijection: criterion by ({one}), risk by ({two}), the map and its inverse by ({three}) and ({four})"


def _factor(claim: Relation, context: Context) -> Any:
    """Return f and the arguments of g, for a claim g(u, …) = f g(v, …) with f free of networks; else None."""
    match claim.left.node:
        case Call(function, images) if claim.sign == "=":
            right = claim.right.expression()
            found = [call for call in right.atoms(AppliedUndef) if str(call.func) == function]
            if len(found) != 1:
                return None
            factor = sympy.cancel(right / found[0])
            networks = {v.term.expression() for v in context.variables if v.kind == "network"}
            if factor.atoms(AppliedUndef) or factor.free_symbols & networks:
                return None
            arguments = tuple(symbol(str(argument)) for argument in found[0].args)
            return factor, tuple(map(Term, images)), arguments
    return None


@dataclass(frozen=True)
class ByVanishingSquare:
    """x = y where an earlier line says k (x - y)^2 <= 0 with k > 0."""

    line: str
    method: ClassVar[str] = "consequence"

    def check(self, claim: Relation, context: Context) -> bool:
        """Return whether the line says that a positive multiple of the square is not positive."""
        if claim.sign != "=" or self.line not in context.established:
            return False
        relation = context.established[self.line][1]
        gap = claim.gap()
        if relation.sign not in ("<=", ">=") or context.zero(gap):
            return False
        factor = sympy.cancel(-relation.gap() / gap**2)
        return context.sign(factor) == "positive" and context.zero(relation.gap() + factor * gap**2)

    def detail(self, claim: Relation, context: Context) -> str:
        """Return the number of the line."""
        return f"the square in ({context.established[self.line][0]}) is 0"
