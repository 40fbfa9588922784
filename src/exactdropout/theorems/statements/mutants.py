"""Wrong statements made from right ones: each constant, sign, exponent, letter, range, hypothesis and relation changed.

A mutant is a derivation with one object changed: in the statement, a definition or the claim of a line; the reasons
stay. It is killed if it no longer holds. A survivor must be true, and :func:`why_true` says why, or None where nothing
is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, TypeAlias

import sympy

from exactdropout.notation.tree import Add, Call, Divide, Expression, Multiply, Name, Negate, Number, Power
from exactdropout.theorems.statements.derivation import Derivation, Exists
from exactdropout.theorems.statements.lines import ByInduction, ByInstances, Context, InWords, Line
from exactdropout.theorems.statements.ranges import Variable
from exactdropout.theorems.statements.terms import Relation, Sign, Term

__all__ = ["KINDS", "Mutant", "mutants", "why_true"]

KINDS = {
    "constant": "a number changed by one or doubled",
    "sign": "a sign flipped",
    "exponent": "an exponent changed by one or doubled",
    "part": "a term, factor or divisor left out, a quotient turned over, relu left out",
    "letter": "a letter replaced by the next one",
    "relation": "a relation turned round, made strict or not, an equation weakened",
    "hypothesis": "a hypothesis left out",
    "scope": "an end of a range moved, left out, opened or closed",
    "quantifier": "a variable without its quantifier, or some in place of all",
}
Change: TypeAlias = tuple[str, Expression]


@dataclass(frozen=True)
class Mutant:
    """A derivation with one object changed; ``place`` and ``change`` say in words which and how."""

    kind: str
    place: str
    change: str
    original: Derivation
    derivation: Derivation
    before: Relation | Variable | None = None
    after: Relation | Variable | None = None

    @property
    def killed(self) -> bool:
        """Whether the derivation no longer holds."""
        return not self.derivation.holds()

    def __str__(self) -> str:
        """Return one line."""
        return f"{self.original.name}, {self.place}: {self.kind}, {self.change}"


def mutants(derivation: Derivation) -> Iterator[Mutant]:
    """Yield every mutant of a derivation, in a fixed order."""
    letters: list[Expression] = [v.term.node for v in _variables(derivation) if isinstance(v.term.node, Name)]
    letters += [d.name.node for d in derivation.definitions]

    def made(kind: str, place: str, before: Any, after: Any, **changed: Any) -> Mutant:
        shown = f"{before} to {after}" if after is not None else f"{before} left out"
        return Mutant(kind, place, shown, derivation, replace(derivation, **changed), before, after)

    for i, hypothesis in enumerate(derivation.hypotheses):
        rest = derivation.hypotheses[:i] + derivation.hypotheses[i + 1 :]
        yield made("hypothesis", "hypothesis", hypothesis.claim, None, hypotheses=rest)
    for field in ("hypotheses", "conclusions"):
        items = getattr(derivation, field)
        for i, item in enumerate(items):
            for kind, claim in _relations(item.claim, letters):
                place = field if len(items) == 1 else f"{field} {i + 1}"
                yield made(kind, place, item.claim, claim, **{field: _set(items, i, replace(item, claim=claim))})
    for i, definition in enumerate(derivation.definitions):
        for kind, node in _terms(definition.value.node, letters):
            new = replace(definition, value=Term(node))
            yield made(
                kind, "definition", definition.relation(), new.relation(),
                definitions=_set(derivation.definitions, i, new),
            )  # fmt: skip
    for i, line in enumerate(derivation.lines):
        for kind, new_line, after in _lines(line, letters):
            yield made(kind, f"line {line.label!r}", line.claim, after, lines=_set(derivation.lines, i, new_line))
    for field in ("quantified", "auxiliary"):
        items = getattr(derivation, field)
        for i, item in enumerate(items):
            if isinstance(item, Exists):
                continue
            for kind, variable in _ranges(item):
                yield made(kind, field, item, variable, **{field: _set(items, i, variable)})
            yield made("quantifier", field, item, None, **{field: items[:i] + items[i + 1 :]})


def _variables(derivation: Derivation) -> list[Variable]:
    stated = [i.variable if isinstance(i, Exists) else i for i in derivation.quantified]
    return [*stated, *derivation.auxiliary]


def _set(items: tuple[Any, ...], place: int, item: Any) -> tuple[Any, ...]:
    return (*items[:place], item, *items[place + 1 :])


def _lines(line: Line, letters: list[Any]) -> Iterator[tuple[str, Line, Relation]]:
    if line.claim is not None:
        for kind, claim in _relations(line.claim, letters):
            yield kind, replace(line, claim=claim), claim
    if isinstance(line.reason, ByInduction) and line.claim is not None:
        for field in ("start", "following"):
            pairs = getattr(line.reason, field)
            changed: dict[str, Any]
            for i, (name, value) in enumerate(pairs):
                for kind, node in _terms(value.node, letters):
                    changed = {field: _set(pairs, i, (name, Term(node)))}
                    reason = replace(line.reason, **changed)
                    yield kind, replace(line, reason=reason), Relation(name, "=", Term(node))


def _ranges(variable: Variable) -> Iterator[tuple[str, Variable]]:
    for end in ("low", "high"):
        value = getattr(variable, end)
        if value is None:
            continue
        for moved in (value - 1, value + 1, value - Fraction(1, 2), None):
            if moved is not None and variable.integral and moved.denominator != 1:
                continue
            changed: dict[str, Any] = {end: moved}
            yield "scope", replace(variable, **changed)
        opened: dict[str, Any] = {f"{end}_in": not getattr(variable, f"{end}_in")}
        yield "scope", replace(variable, **opened)


def _relations(claim: Relation, letters: list[Any]) -> Iterator[tuple[str, Relation]]:
    other: dict[Sign, tuple[Sign, ...]] = {
        "=": (">=", "<"), ">=": ("<=", ">", "="), "<=": (">=", "<", "="), ">": ("<", ">="), "<": (">", "<="),
    }  # fmt: skip
    for sign in other[claim.sign]:
        yield "relation", Relation(claim.left, sign, claim.right)
    for kind, node in _terms(claim.left.node, letters):
        yield kind, Relation(Term(node), claim.sign, claim.right)
    for kind, node in _terms(claim.right.node, letters):
        yield kind, Relation(claim.left, claim.sign, Term(node))


def _terms(node: Any, letters: list[Any]) -> Iterator[Change]:
    """Yield the trees that differ from a tree in one place."""

    def inside(children: tuple[Any, ...], build: Callable[[tuple[Any, ...]], Expression]) -> Iterator[Change]:
        for i, child in enumerate(children):
            for kind, new in _terms(child, letters):
                yield kind, build(_set(children, i, new))

    match node:
        case Number(value):
            for new in dict.fromkeys((value + 1, value - 1, 2 * value)):
                if new != value:
                    yield "constant", Number(new) if new >= 0 else Negate(Number(-new))
        case Name():
            if node in letters and len(letters) > 1:
                yield "letter", letters[(letters.index(node) + 1) % len(letters)]
        case Add(terms):
            for i, term in enumerate(terms):
                flipped = term.operand if isinstance(term, Negate) else Negate(term)
                yield "sign", Add(_set(terms, i, flipped))
                rest = terms[:i] + terms[i + 1 :]
                yield "part", Add(rest) if len(rest) > 1 else rest[0]
            yield from inside(terms, Add)
        case Multiply(factors):
            for i in range(len(factors)):
                rest = factors[:i] + factors[i + 1 :]
                yield "part", Multiply(rest) if len(rest) > 1 else rest[0]
            yield from inside(factors, Multiply)
        case Divide(top, bottom):
            yield "part", Divide(bottom, top)
            yield "part", top
            yield from inside((top, bottom), lambda x: Divide(*x))
        case Negate(operand):
            yield "sign", operand
            yield from inside((operand,), lambda x: Negate(*x))
        case Power(base, exponent):
            for _, other in _terms(exponent, letters):
                yield "exponent", Power(base, other)
            yield from inside((base,), lambda x: Power(x[0], exponent))
        case Call("relu", (argument,)):
            yield "part", argument
            yield from inside((argument,), lambda x: Call("relu", x))
        case Call(function, arguments):
            yield from inside(arguments, lambda x: Call(function, x))


def why_true(mutant: Mutant) -> str | None:
    """Return why a survivor states nothing false; None where that is not known.

    A changed claim of a line that a computation checks was checked as it stands; so was a wider range. What is left is
    decided from the two objects.
    """
    before, after = mutant.before, mutant.after
    if isinstance(before, Variable) and isinstance(after, Variable):
        return (
            "narrower range: a part of the original"
            if _within(after, before)
            else ("wider range: every line was checked on it" if not _has_words(mutant) else None)
        )
    if before is not None and after is None and isinstance(before, Variable):
        return "the variable occurs in no claim"
    if isinstance(before, Relation) and isinstance(after, Relation):
        if before.sign == after.sign and mutant.original.context().zero(before.gap() - after.gap()):
            return "the same claim, written otherwise"
        if mutant.place.startswith("hypothes"):
            return "a stronger hypothesis" if _weaker(after, before) else _checked_again(mutant)
        if mutant.place.startswith("conclusions") or mutant.place == "definition":
            return "weaker: follows from the original" if _weaker(before, after) else _checked_again(mutant)
        line = next(x for x in mutant.derivation.lines if f"line {x.label!r}" == mutant.place)
        if after != line.claim:
            return None  # a start or a passage, which say how a quantity changes
        if isinstance(line.reason, InWords) or (isinstance(line.reason, ByInstances) and not line.reason.whole):
            follows = _weaker(before, after) or _implied(before, after, mutant.original)
            return "weaker: follows from the original" if follows else None
        return "true: the line was checked as it stands"
    return _checked_again(mutant)


def _weaker(strong: Relation, weak: Relation) -> bool:
    """Return whether a claim with the same sides says less: > for ≥, or an equation for ≥ and ≤."""
    same = (strong.left, strong.right) == (weak.left, weak.right)
    allowed = {"=": (">=", "<="), ">": (">=",), "<": ("<=",)}
    return same and weak.sign in allowed.get(strong.sign, ())


def _implied(strong: Relation, weak: Relation, derivation: Derivation) -> bool:
    """Return whether what an inequality says to be positive is manifestly no more than what another says to be."""
    if "=" in (strong.sign, weak.sign):
        return False
    sign = _sign_of_product(sympy.factor(weak.gap() - strong.gap()), derivation.context())
    return sign == "positive" or (sign == "nonnegative" and (strong.strict or not weak.strict))


def _sign_of_product(product: Any, context: Context) -> str:
    """Return the manifest sign where a factor such as alpha - 1 is manifestly not positive, too."""
    negative, found = False, "positive"
    for factor in sympy.Mul.make_args(product):
        signs = context.sign(factor), context.sign(-factor)
        if signs == ("unknown", "unknown"):
            return context.sign(product)
        negative ^= signs[0] == "unknown"
        if "positive" not in signs:
            found = "nonnegative"
    return "unknown" if negative else found


def _within(small: Variable, large: Variable) -> bool:
    def above(a: Variable, b: Variable) -> bool:
        if b.low is None:
            return True
        return a.low is not None and (a.low > b.low or (a.low == b.low and (b.low_in or not a.low_in)))

    def below(a: Variable, b: Variable) -> bool:
        if b.high is None:
            return True
        return a.high is not None and (a.high < b.high or (a.high == b.high and (b.high_in or not a.high_in)))

    return above(small, large) and below(small, large)


def _has_words(mutant: Mutant) -> bool:
    """Return whether a line rests on words: an argument, or how a quantity begins and changes."""
    return any(
        isinstance(line.reason, InWords) or (isinstance(line.reason, ByInduction) and bool(line.reason.start))
        for line in mutant.original.lines
    )


def _checked_again(mutant: Mutant) -> str | None:
    return None if _has_words(mutant) else "true: every line was checked as it stands"
