"""The lines of a proof: a claim as an object, the words around it, and the reason that is checked from the claim.

A reason decides from the claim alone (with the definitions and ranges of the entry) whether the line holds; no outcome
is handed over. What is only argued in words is a line with the reason :class:`InWords`, and is marked so.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from typing import Any, ClassVar, Protocol, TypeAlias

import sympy

from exactdropout.theorems.statements.ranges import (
    Variable,
    abstracted,
    counts,
    differs,
    divisors,
    exact_value,
    expanded,
    inside,
    is_zero,
    manifest_sign,
    point,
    value_at,
    with_defined,
    without_relu,
)
from exactdropout.theorems.statements.sentences import Sentence, say
from exactdropout.theorems.statements.terms import Operand, Relation, Term, number, symbol

__all__ = [
    "ByAlgebra",
    "ByCases",
    "ByDivision",
    "ByInduction",
    "ByInstances",
    "Context",
    "Definition",
    "From",
    "InWords",
    "Instances",
    "Line",
    "Part",
    "Reason",
    "Sentence",
    "at_instances",
    "part",
    "say",
]

ONE = number(1)
Instances: TypeAlias = Callable[[], Iterable[Mapping[Term, Any]]]


@dataclass(frozen=True)
class Definition:
    """A name and what it stands for; the meaning says in words what that is, ``fact`` in a second formula.

    The fact is an equation that must follow from the value, such as p + q = 1 for p = 1 - q: one that is wrong in
    either is refused.
    """

    name: Term
    value: Term
    meaning: str
    fact: Relation | None = None

    def relation(self) -> Relation:
        """Return name = value."""
        return Relation(self.name, "=", self.value)


@dataclass(frozen=True, kw_only=True)
class Context:
    """What a line may use: variables with ranges, definitions, what exists by a rule, what is established."""

    variables: tuple[Variable, ...]
    definitions: Mapping[Any, Any]
    auxiliary: frozenset[Term]
    attained: frozenset[Term] = frozenset()
    established: dict[str, tuple[str, Relation]] = field(default_factory=dict)

    @property
    def ranges(self) -> tuple[Variable, ...]:
        """The variables, and each definition with the range that is manifest of its value."""
        return with_defined(self.variables, tuple(self.definitions.items()))

    @property
    def _point(self) -> dict[Any, Any]:
        return point([v for v in self.variables if v.term.expression() not in self.definitions])

    def stages(self, expression: Any) -> Iterator[Any]:
        """Yield an expression with no definition written out, then the shortest ones, and so on to all."""
        yield expression
        order = sorted(self.definitions, key=lambda name: int(sympy.count_ops(self.definitions[name])))
        for end in range(1, len(order) + 1):
            allowed = set(order[:end])
            written = expanded(expression, {k: v for k, v in self.definitions.items() if k in allowed})
            if written != expression:
                expression = written
                yield expression

    def zero(self, expression: Any) -> bool:
        """Return whether an expression is 0 on all ranges, definitions written out as far as it takes."""
        value = value_at(expanded(expression, self.definitions), self._point)
        if value.is_Rational and value != 0:  # one point decides most of what is not 0
            return False
        return any(not differs(written) and is_zero(written) for written in self.stages(expression))

    def sign(self, expression: Any) -> str:
        """Return the manifest sign, definitions written out as far as it takes."""
        key = (expression, self.variables, tuple(self.definitions.items()))
        if key not in _signs:
            _signs[key] = self._sign(expression)
        return _signs[key]

    def _sign(self, expression: Any) -> str:
        value = value_at(expanded(expression, self.definitions), self._point)
        if value.is_Rational and value < 0:
            return "unknown"
        if value == 0 and self.zero(expression):
            return "nonnegative"
        signs = (
            manifest_sign(*abstracted(written, self.ranges, whole=whole))
            for written in self.stages(expression)
            for whole in (True, False)
        )
        return next((sign for sign in signs if sign != "unknown"), "unknown")

    def within(self, value: Any, variable: Variable) -> bool:
        """Return whether a value manifestly lies in the range of a variable."""
        return any(inside(written, variable, self.ranges) for written in self.stages(value))

    def defined(self, relation: Relation) -> bool:
        """Return whether every divisor of a claim is manifestly not 0, and every base of a free exponent positive."""
        for side in (relation.left, relation.right):
            for divisor, exponent in divisors(side):
                if exponent is not None and any(counts(e, self.ranges) for e in self.stages(exponent)):
                    continue
                free = exponent is not None and not exponent.is_Integer
                signs = [self.sign(divisor), "unknown" if free else self.sign(-divisor)]
                if "positive" not in signs and not self._established(divisor):
                    return False
        return True

    def _established(self, divisor: Any) -> bool:
        """Return whether a divisor is manifestly a positive multiple of what an earlier line says to be positive."""
        return any(
            relation.strict and self.sign(sympy.cancel(divisor / relation.gap())) == "positive"
            for _, relation in self.established.values()
        )


_signs: dict[Any, str] = {}


@dataclass(frozen=True)
class ByAlgebra:
    """The two sides are equal as rational functions, or the claim's difference has a manifest sign."""

    method: ClassVar[str] = "identity"

    def check(self, claim: Relation, context: Context) -> bool:
        """Return whether the claim holds."""
        if claim.left == claim.right:
            return False  # says nothing
        if claim.sign == "=":
            return context.zero(claim.gap())
        sign = context.sign(claim.gap())
        return sign == "positive" or (sign == "nonnegative" and not claim.strict)

    def detail(self, claim: Relation, context: Context) -> str:
        """Return what was checked, in words."""
        return "" if claim.sign == "=" else "manifest sign of the difference"


@dataclass(frozen=True)
class Part:
    """A line or hypothesis that is used, the factor it is multiplied by, and values for its auxiliary variables."""

    label: str
    factor: Term
    values: tuple[tuple[Term, Term], ...] = ()


def part(label: str, factor: Operand = 1, **values: Operand) -> Part:
    """Return a part; keywords give values to auxiliary variables of the line, by name."""

    return Part(label, number(factor), tuple((symbol(name), number(value)) for name, value in values.items()))


@dataclass(frozen=True)
class From:
    """The claim's difference is a sum of factors times the differences of earlier lines, and of ``plus``.

    Factors of inequalities and every term of ``plus`` must have a manifest sign; factors of equations are free.
    """

    parts: tuple[Part, ...]
    plus: tuple[Term, ...] = ()
    method: ClassVar[str] = "consequence"

    def check(self, claim: Relation, context: Context) -> bool:
        """Return whether the claim follows."""
        used = _used(self.parts, claim, context)
        if used is None:
            return False
        rest = claim.gap() - used
        strict = any(
            context.established[p.label][1].strict and context.sign(p.factor.expression()) == "positive"
            for p in self.parts
        )
        for term in self.plus:
            sign = context.sign(term.expression())
            if sign == "unknown" or claim.sign == "=":
                return False
            rest = rest - term.expression()
            strict = strict or sign == "positive"
        return (strict or not claim.strict) and context.zero(rest)

    def detail(self, claim: Relation, context: Context) -> str:
        """Return the numbers of the lines used, with their factors."""
        times = ["" if p.factor == ONE else f" times ${p.factor.latex()}$" for p in self.parts]
        shown = [f"({context.established[p.label][0]}){t}" for p, t in zip(self.parts, times, strict=True)]
        shown += [f"${t.latex()} \\ge 0$" for t in self.plus]
        return "from " + ", ".join(shown)


def _used(parts: Sequence[Part], claim: Relation, context: Context) -> Any:
    """Return the sum of factors times differences of earlier lines, or None where one may not be used so."""
    ranges = {v.term: v for v in context.variables}
    total: Any = sympy.Integer(0)
    for used in parts:
        if used.label not in context.established:
            return None
        relation = context.established[used.label][1]
        for name, value in used.values:
            free = name in context.auxiliary and name in ranges
            if not free or not context.within(value.expression(), ranges[name]):
                return None
        relation = relation.at(dict(used.values)) if used.values else relation
        if relation.sign != "=" and (claim.sign == "=" or context.sign(used.factor.expression()) == "unknown"):
            return None
        total += used.factor.expression() * relation.gap()
    return total


@dataclass(frozen=True)
class ByDivision:
    """The claim's difference times that of a positive line is that of another line."""

    positive: str
    product: str
    method: ClassVar[str] = "consequence"

    def check(self, claim: Relation, context: Context) -> bool:
        """Return whether the claim follows."""
        if self.positive not in context.established or self.product not in context.established:
            return False
        (_, divisor), (_, found) = context.established[self.positive], context.established[self.product]
        if divisor.sign not in ("<", ">") or (claim.strict and not found.strict):
            return False
        if (claim.sign == "=") != (found.sign == "="):
            return False
        return context.zero(claim.gap() * divisor.gap() - found.gap())

    def detail(self, claim: Relation, context: Context) -> str:
        """Return the numbers of the lines used."""
        first, second = (context.established[label][0] for label in (self.product, self.positive))
        return f"from ({first}), divided by what is positive by ({second})"


@dataclass(frozen=True)
class ByInduction:
    """Induction on an integer: the claim with ``start`` put in, and its passage with ``following`` put in.

    ``start`` and ``following`` give the value of each changing quantity at the first number and at the next. The
    claim's difference at the next number is ``factor`` times that before, plus terms that are not negative, plus
    ``parts``, earlier lines times factors; the start may use ``first`` in the same way. With ``signs`` the passage is
    checked in each case of the signs of these variables.
    """

    variable: Term
    start: tuple[tuple[Term, Term], ...]
    following: tuple[tuple[Term, Term], ...]
    factor: Term = ONE
    plus: tuple[Term, ...] = ()
    parts: tuple[Part, ...] = ()
    first: tuple[Part, ...] = ()
    signs: tuple[Term, ...] = ()
    method: ClassVar[str] = "induction"

    def check(self, claim: Relation, context: Context) -> bool:
        """Return whether start and passage hold."""
        ranges = {v.term: v for v in context.variables}
        if self.variable not in ranges:
            return False
        over = ranges[self.variable]
        if not over.integral or over.low is None or not over.low_in or over.high is not None:
            return False
        if {name for name, _ in self.start} != {name for name, _ in self.following}:
            return False
        if claim.sign == "=" and context.zero(claim.gap()):
            return False  # says nothing: 0 = 0 at every number
        gap = expanded(claim.gap(), context.definitions)  # what depends on the variable is written out first
        number_ = self.variable.expression()
        begun = gap.xreplace({number_: exact_value(over.low), **_values(self.start, context)})
        grown = gap.xreplace({number_: number_ + 1, **_values(self.following, context)})
        passage = grown - self.factor.expression() * gap - sum(t.expression() for t in self.plus)
        for parts in (self.first, self.parts):
            used = _used(parts, claim, context)
            if used is None:
                return False
            begun, passage = (begun - used, passage) if parts is self.first else (begun, passage - used)
        cases = [p for p, _ in _cases(passage, self.signs, context)] if self.signs else [passage]
        if any(found is None or not context.zero(found) for found in cases):
            return False
        if claim.sign == "=":
            return not self.plus and context.zero(begun)
        signs = [context.sign(self.factor.expression()), *(context.sign(t.expression()) for t in self.plus)]
        if "unknown" in signs:
            return False
        if claim.strict:
            return context.sign(begun) == "positive" and (signs[0] == "positive" or "positive" in signs[1:])
        return context.zero(begun) or context.sign(begun) != "unknown"

    def detail(self, claim: Relation, context: Context) -> str:
        """Return start and passage."""
        low = next(v.low for v in context.variables if v.term == self.variable)
        together = {str(low): [self.variable.latex()]}  # names that begin with the same value
        for name, value in self.start:
            together.setdefault(value.latex(), []).append(name.latex())
        begun = [f"${' = '.join([*names, value])}$" for value, names in together.items()]
        passage = [f"${name.latex()}$ becomes ${value.latex()}$" for name, value in self.following]
        return "start " + ", ".join(begun) + "; next: " + ", ".join(passage or [f"${(self.variable + 1).latex()}$"])


def _values(pairs: Iterable[tuple[Term, Term]], context: Context) -> dict[Any, Any]:
    return {name.expression(): expanded(value.expression(), context.definitions) for name, value in pairs}


@dataclass(frozen=True)
class ByCases:
    """The claim in every combination of signs of the variables named: each is t > 0, 0 and -t; none where ranges do."""

    signs: tuple[Term, ...]
    method: ClassVar[str] = "cases"

    def check(self, claim: Relation, context: Context) -> bool:
        """Return whether the claim holds in each case."""
        for gap, ranges in _cases(expanded(claim.gap(), context.definitions), self.signs, context):
            if gap is None:
                return False
            if claim.sign == "=" and not is_zero(gap):
                return False
            sign = "nonnegative" if is_zero(gap) else manifest_sign(*abstracted(gap, ranges))
            if claim.sign != "=" and (sign == "unknown" or (claim.strict and sign != "positive")):
                return False
        return bool(self.signs) or "relu" in str(claim)

    def detail(self, claim: Relation, context: Context) -> str:
        """Return the cases."""
        if not self.signs:
            return "the ranges decide the sign under each relu"
        return "; ".join(f"${name.latex()} > 0$, $= 0$, $< 0$" for name in self.signs)


def _cases(expression: Any, signs: Sequence[Term], context: Context) -> Iterator[tuple[Any, tuple[Variable, ...]]]:
    """Yield an expression without relu, or None, for each choice of signs of real variables, with their ranges."""
    ranges = {v.term: v for v in context.variables}
    if any(name not in ranges or ranges[name].low is not None or ranges[name].high is not None for name in signs):
        yield None, context.variables
        return
    others = tuple(v for v in context.variables if v.term not in signs)
    for choice in itertools.product((1, 0, -1), repeat=len(signs)):
        chosen = [(name.expression(), name, s) for name, s in zip(signs, choice, strict=True)]
        positive = tuple(Variable(term=name, meaning="", low=Fraction(0)) for _, name, s in chosen if s)
        moved = expression.xreplace({found: s * found for found, _, s in chosen if s != 1})
        yield without_relu(moved, (*others, *positive)), (*others, *positive)


@cache
def _listed(instances: Instances) -> tuple[Mapping[Any, Any], ...]:
    return tuple({name.expression(): exact_value(value) for name, value in found.items()} for found in instances())


def at_instances(claim: Relation, instances: Instances, context: Context) -> bool:
    """Return whether the claim holds in every instance; there must be one, and each must decide the claim."""
    cases = _listed(instances)
    gap = expanded(claim.gap(), context.definitions)
    relu = sympy.Function("relu")
    for case in cases:
        value = gap.xreplace(dict(case)).replace(relu, lambda x: sympy.Max(0, x))
        if claim.sign == "=":
            if not is_zero(value):
                return False
        elif not value.is_Rational or value < 0 or (claim.strict and value == 0):
            return False
    return bool(cases)


@dataclass(frozen=True)
class ByInstances:
    """The claim in listed cases: numbers found by the definition, or polynomials that the symbolic engine returned.

    With ``whole`` there is one case, which is all that the claim speaks of, such as one network that is given: then
    nothing in the proof may vary, every symbol of the claim is a number of this network, and later lines may cite it.
    """

    instances: Instances
    described: str
    method: str = "enumeration"
    whole: bool = False

    def check(self, claim: Relation, context: Context) -> bool:
        """Return whether the claim holds in all cases."""
        if self.whole and (len(_listed(self.instances)) != 1 or any(v.kind != "network" for v in context.variables)):
            return False
        return at_instances(claim, self.instances, context)

    def detail(self, claim: Relation, context: Context) -> str:
        """Return what the cases are."""
        return self.described


@dataclass(frozen=True)
class InWords:
    """An argument in words. With ``instances`` its claim must also hold in listed cases, or the line fails."""

    instances: Instances | None = None
    described: str = ""
    method: ClassVar[str] = "argument"

    def check(self, claim: Relation, context: Context) -> bool:
        """Return whether the claim holds in the listed cases."""
        return self.instances is None or at_instances(claim, self.instances, context)

    def detail(self, claim: Relation, context: Context) -> str:
        """Return what the cases are."""
        return self.described


class Reason(Protocol):
    """Why a claim holds, decided from the claim and the context alone."""

    @property
    def method(self) -> str:
        """The kind of evidence, one of :data:`exactdropout.theorems.proof.METHODS`."""

    def check(self, claim: Relation, context: Context) -> bool:
        """Return whether the claim holds."""

    def detail(self, claim: Relation, context: Context) -> str:
        """Return what was checked, in words with formulas in LaTeX."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of a proof; ``label`` is how later lines cite it."""

    label: str
    sentence: Sentence
    claim: Relation | None = None
    reason: Reason = ByAlgebra()
