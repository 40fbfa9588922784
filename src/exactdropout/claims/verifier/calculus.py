"""Derivatives and limits in the verifier: formal, where nothing but the named variable moves.

A quotient of polynomials is derived by the rules of sums, products and quotients; q = t/(1 + t), so dF/dq is (1 + t)^2
dF/dt. The derivative of a sum over k by the entry w_i is that of its term k = i. A limit is the quotient of the lowest
coefficients, or of the leading ones where the variable grows; the one below must have one sign.

Side conditions: no relu, no power with a symbolic exponent, and no unknown quantity may hold the variable.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Set
from dataclasses import replace
from fractions import Fraction
from typing import Any

from exactdropout.claims.language.syntax import (
    Derivative,
    Divide,
    Expression,
    Limit,
    Name,
    Number,
    Power,
    Quantity,
    walk,
)
from exactdropout.claims.verifier.algebra import (
    ONE,
    ONE_PLUS_T,
    NotReplayed,
    Polynomial,
    Ratio,
    by_power,
    constant,
    gen,
    plus,
    scaled,
    substitute,
    times,
    to_power,
)
from exactdropout.claims.verifier.evaluator import ENTRIES, Key, number_of
from exactdropout.claims.verifier.rules import Signs
from exactdropout.claims.verifier.sums import Factor, Sums, Term, Terms

__all__ = ["Calculus", "is_rate", "limit_of", "put_back", "rate_target", "slope_of"]

F = Fraction
_ENTRY = {"x": 1, "w": 1, "W": 2, "b": 1, "X": 2}
"""How many units name an entry."""


def slope_of(value: Ratio, name: str, signs: Signs) -> Ratio:
    """Return the derivative by one variable of the algebra; by t_l it is that by q_l = t_l/(1 + t_l).

    Raises:
        NotReplayed: a relu holds the variable.
    """
    refuse_hidden(value, name, signs)
    top, bottom = (_derived(part, name) for part in (value.top, value.bottom))
    change = plus(times(top, value.bottom), scaled(times(value.top, bottom), F(-1)))
    found = Ratio(change, value.keep, times(value.bottom, value.bottom))
    if name == "t'":
        found += Ratio(scaled(value.top, F(-value.keep)), value.keep + 1, value.bottom)
        return found * Ratio(ONE, -2)
    if is_rate(name):
        return found * Ratio(to_power(plus(ONE, gen(name)), 2))
    return found


def limit_of(value: Ratio, name: str, to: Fraction | None, signs: Signs) -> Ratio:
    """Return the limit as a variable of the algebra goes to a number, or grows (None).

    Raises:
        NotReplayed: a relu holds the variable, or the limit is not seen to be finite.
    """
    refuse_hidden(value, name, signs)
    one_plus_t = {"t'": ONE_PLUS_T}.get(name, ONE)
    keep = 0 if name == "t'" else value.keep
    over = times(value.top, to_power(one_plus_t, max(-value.keep, 0)))
    under = times(value.bottom, to_power(one_plus_t, max(value.keep, 0)))
    if to is not None and to:  # around the number
        over, under = (substitute(part, name, plus(constant(to), gen(name))) for part in (over, under))
    tops, bottoms = by_power(over, name), by_power(under, name)
    pick = max if to is None else min
    at = pick(bottoms)
    bottom = bottoms[at]
    if not signs.positive(bottom) and not signs.positive(scaled(bottom, F(-1))):
        raise NotReplayed("a limit with a divisor that may vanish")
    if any(k > at if to is None else k < at for k in tops):
        raise NotReplayed("a limit that is not finite")
    return Ratio(tops.get(at, {}), keep, bottom)


def put_back(value: Ratio, name: str, given: Ratio) -> Ratio:
    """Return a value with a quotient for one of its variables."""

    def part(a: Polynomial) -> Ratio:
        total = Ratio({})
        for power, rest in by_power(a, name).items():
            term = Ratio(rest)
            for _ in range(power):
                term = term * given
            total += term
        return total

    return part(value.top) * part(value.bottom).inverse() * Ratio(ONE, value.keep)


def is_rate(name: str) -> bool:
    """Return whether a variable is t = q/p, of all layers or of one."""
    return name == "t'" or (name[0] == "t" and name[1:-1].isdigit() and name[-1] == "'")


def refuse_hidden(value: Ratio, name: str, signs: Signs) -> None:
    """Refuse a value with a relu that holds a variable."""
    for part in (value.top, value.bottom):
        for atom in {g for monomial in part for g, _ in monomial if g in signs.atoms}:
            if name in signs.names(signs.atoms[atom]):
                raise NotReplayed("a relu that moves with the variable")


def _derived(a: Polynomial, name: str) -> Polynomial:
    total: Polynomial = {}
    for power, rest in by_power(a, name).items():
        if power:
            factor = scaled(to_power(gen(name), power - 1), F(power))
            total = plus(total, times(rest, factor))
    return total


def rate_target(target: Expression) -> Fraction | None:
    """Return to what t goes as q goes to a number; None as q goes to 1.

    Raises:
        NotReplayed: a target that is no number from 0 to 1.
    """
    q = number_of(target)
    if q is None or not 0 <= q <= 1:
        raise NotReplayed("a limit of q that is no number from 0 to 1")
    return None if q == 1 else q / (1 - q)


def _whole(exponent: Expression) -> bool:
    number = number_of(exponent)
    return number is not None and number.denominator == 1 and number >= 0


def _counts(index: Number) -> bool:
    return index.value.denominator == 1 and index.value >= 1


class Calculus(Sums):
    """Derivatives and limits at every size, and entries that are named by numbers."""

    view: Any
    kept: bool
    same: bool
    sign: int

    def value(self, node: Expression, bound: Mapping[str, str]) -> Terms:
        """Return the value of an expression."""
        if isinstance(node, Derivative):
            return self.derivative(node, bound)
        if isinstance(node, Limit):
            return self.limit(node, bound)
        return super().value(node, bound)

    def name(self, name: str, indices: tuple[Expression, ...], bound: Mapping[str, str]) -> Terms:
        """Return the value of a symbol; a unit that is a number is an index that no sum moves."""
        first = len(indices) - _ENTRY.get(name, 9)
        if first >= 0:
            numbers = {f"@{i.value}" for i in indices[first:] if isinstance(i, Number) and _counts(i)}
            fixed = (Name(f"@{i.value}") if isinstance(i, Number) and _counts(i) else i for i in indices[first:])
            return super().name(name, (*indices[:first], *fixed), {**bound, **{n: n for n in numbers}})
        return super().name(name, indices, bound)

    def fits(self, factor: Factor, extents: Mapping[str, str]) -> bool:
        """Return whether the ranges of the indices are those of the entry; unit 1 exists at every size."""
        numbers = list(dict.fromkeys(i for i in factor[1] if i[0] == "@"))
        sizes = [[i[1:], *(s for s, least in self.signs.least.items() if int(i[1:]) <= least)] for i in numbers]
        choices = itertools.product(*sizes)
        return any(
            super(Calculus, self).fits(factor, {**extents, **dict(zip(numbers, choice, strict=True))})
            for choice in choices
        )

    def gives_entries(self, names: Set[str]) -> bool:
        """Return whether assumptions or data give weights, biases, inputs, or labels of a design, by a symbol."""
        setting = self.setting
        entries = ENTRIES | ({"X", "y"} if setting.design is not None else {"x"})
        around = [value for key, value in setting.definitions.items() if key[0] in entries]
        around += [*setting.inputs] if isinstance(setting.inputs, tuple) else []
        return any(isinstance(node, Name) and node.name in names for value in around for node in walk(value))

    def known_view(self, operand: Expression, variable: Name) -> None:
        """Refuse quantities, and units, of which a view does not say how they move."""
        if self.view not in ("written", "last", "uniform") and any(isinstance(n, Quantity) for n in walk(operand)):
            raise NotReplayed("a quantity that moves in an unknown way")
        if self.view in ("last", "output") and self.gives_entries({variable.name, *("p" * (variable.name == "q"))}):
            raise NotReplayed("hidden units that move with the variable")

    def derivative(self, node: Derivative, bound: Mapping[str, str]) -> Terms:
        """Return the derivative of a value, term by term."""
        variable = node.variable
        if self.view == "opaque" and variable in (Name("b"), Name("y")) and self.untied(variable.name):
            return self.by_shift(self.value(node.operand, bound), variable)
        self.known_view(node.operand, variable)
        if (variable.name, ()) in self.setting.definitions and variable.indices and variable.name in ("w", "x"):
            return self.at_given(node, bound)
        terms = self.value(node.operand, bound)
        if variable.indices and variable.name != "q":
            return self.by_entry(terms, variable, bound)
        name, sign = self.mover(variable)
        for term in terms:
            self.refuse_powers(term.coefficient, name)
        return tuple(
            Term(
                Ratio(ONE if sign > 0 else scaled(ONE, F(-1))) * slope_of(t.coefficient, name, self.signs),
                t.factors,
                t.summed,
            )
            for t in terms
        )

    def untied(self, name: str) -> bool:
        """Return whether nothing around the claim is given by a symbol, and no comparison is assumed."""
        setting = self.setting
        around = (*setting.definitions.values(), setting.inputs, setting.label)
        named = any(isinstance(n, Name) and n.name == name for value in around for n in walk(value))
        return not named and not setting.filters and setting.design is None and (name, ()) not in setting.definitions

    def by_shift(self, terms: Terms, variable: Name) -> Terms:
        """Return the derivative by the label, or by the output bias, with which W(x) and E D move; Var D does not."""
        name, sign = self.mover(variable)
        moved = {name: F(sign)}
        if variable.name == "b" and not self.sign:  # else they are less the bias
            moved |= {f"{letter}{end}": F(1) for letter in "wM" for end in ("'", "0'")}
        found: list[Term] = []
        for term in terms:
            for one, slope in moved.items():
                self.refuse_powers(term.coefficient, one)
                change = slope_of(term.coefficient, one, self.signs) * Ratio(constant(slope))
                found += [Term(change, term.factors, term.summed)] if change.top else []
        return tuple(found)

    def without_dropout(self, node: Limit, bound: Mapping[str, str]) -> Terms:
        """Return a limit as q goes to 0: the value there, since what is read is continuous in the rates at 0.

        For fixed weights D is a continuous function of masks and rates, and all masks are kept at rate 0.

        Raises:
            NotReplayed: another rate is a number, something is given by q, or a divisor may be 0 at q = 0.
        """
        setting = self.setting
        tied = (*setting.definitions.values(), setting.inputs, setting.label, setting.filters)
        through = any(isinstance(n, Name) and n.name in ("q", "p") for value in tied for n in walk(value))
        plain = not any(isinstance(n, (Derivative, Limit)) for n in walk(node.operand))
        if through or not plain or node.side == "-" or any(r not in (Number(F(0)), Name("q")) for r in setting.rates):
            raise NotReplayed("a limit without dropout of what rates or data may hold in another way")
        here = self.kept, self.same
        self.setting = replace(setting, rates=tuple(Number(F(0)) for _ in setting.rates))
        self.kept = self.same = True
        try:
            for inner in walk(node.operand):
                divisor = inner.bottom if isinstance(inner, Divide) else None
                if isinstance(inner, Power) and not _whole(inner.exponent):
                    raise NotReplayed("a limit of a power whose exponent is no number >= 0")
                if divisor is not None:
                    value = self.scalar(self.value(divisor, bound))
                    if not self.signs.positive(value.top) or not self.signs.positive(value.bottom):
                        raise NotReplayed("a limit with a divisor that may vanish")
            return self.value(node.operand, bound)
        finally:
            self.setting = setting
            self.kept, self.same = here

    def limit(self, node: Limit, bound: Mapping[str, str]) -> Terms:
        """Return a limit; one in a size is that of a real number, of what holds no free entry and no sum."""
        if self.view == "opaque" and node.variable == Name("q") and number_of(node.target) == 0:
            return self.without_dropout(node, bound)
        self.known_view(node.operand, node.variable)
        value, variable = self.closed(self.value(node.operand, bound)), node.variable
        to = None if node.target == Name("infty") else number_of(node.target)
        if variable.name in self.setting.shape.reserved and not variable.indices:
            name = self.growing(variable.name, value)
            if to is not None or node.target != Name("infty"):
                raise NotReplayed("a size that does not grow")
        else:
            name, sign = self.mover(variable)
            if is_rate(name):
                to = rate_target(node.target)
            elif sign < 0 or (to is None and node.target != Name("infty")):
                raise NotReplayed("a limit at something that is no number")
            elif to is None and name not in self.signs.nonnegative:
                raise NotReplayed("a limit of what may have any sign")
        self.refuse_powers(value, name)
        return self.number(limit_of(value.cancelled(), name, to, self.signs))

    def mover(self, variable: Name) -> tuple[str, int]:
        """Return the variable of the algebra that a free symbol is, and its sign."""
        setting = self.setting
        if variable.name == "q":
            rate = self.rate(int(number_of(variable.indices[0]) or 0) - 1 if variable.indices else None)
            names = self.signs.names(rate.top) | self.signs.names(rate.bottom)
            if len(names) != 1 or variable not in setting.rates:
                raise NotReplayed("a rate that is a number")
            return names.pop(), 1
        if variable.name == "y" and (setting.label is not None or setting.design is not None):
            raise NotReplayed("a label that is given")
        if variable.indices or setting.definition((variable.name, ())) is not None:
            raise NotReplayed("a variable that is not free")
        if variable.name == "b":
            if not setting.shape.output_bias:
                raise NotReplayed("no output bias")
            value = self.scalar(self.entry(("b", ()), ()))
        elif variable.name in (*setting.shape.reserved, "p", "x", "w", "W", "X", "weights", "biases"):
            raise NotReplayed(f"a derivative by {variable.name}")
        else:
            value = self.scalar(self.name(variable.name, (), {}))
        if len(value.top) != 1:
            raise NotReplayed("a variable that is given")
        ((monomial, sign),) = value.top.items()
        if len(monomial) != 1 or value.keep or value.bottom != ONE or abs(sign) != 1:
            raise NotReplayed("a variable that is not free")
        return monomial[0][0], int(sign)

    def growing(self, name: str, value: Ratio) -> str:
        """Return the variable of a size that grows, where no sum and no quantity depends on it in an unknown way."""
        tied = any(isinstance(n, Name) and n.name == name for c in self.setting.filters for n in walk(c))
        names = self.signs.names(value.top) | self.signs.names(value.bottom)
        unknown = {f"{letter}{end}" for letter in "wMeVSUQPs" for end in ("'", "0'")} | set(self.parts)
        if tied or name == "d" or self.ranges.get(name) != name or names & unknown:
            raise NotReplayed(f"a limit in {name}")
        return name

    def refuse_powers(self, value: Ratio, name: str) -> None:
        """Refuse powers with a symbolic exponent whose base or exponent holds the variable."""
        names = self.signs.names(value.top) | self.signs.names(value.bottom)
        for power in self.powers:
            if power.name in names and name in {
                power.size,
                *self.signs.names(power.over),
                *self.signs.names(power.under),
            }:
                raise NotReplayed("a power that moves with the variable")

    def by_entry(self, terms: Terms, variable: Name, bound: Mapping[str, str]) -> Terms:
        """Return the derivative by one entry: each factor of its kind in turn, its sums at that entry."""
        setting = self.setting
        if self.view in ("last", "output") and variable.name != "w":  # units h_j hold all else
            raise NotReplayed("a derivative of hidden units")
        own = self.name(variable.name, variable.indices, bound)
        if len(own) != 1 or len(own[0].factors) != 1 or own[0].summed or own[0].coefficient != Ratio(ONE):
            raise NotReplayed("an entry that is not free")
        (letter, units) = own[0].factors[0]
        key: Key = self.group(letter)
        around: Iterable[Any] = (*setting.definitions.values(), setting.inputs, setting.label)
        if any(isinstance(n, Name) and n.name == variable.name for value in around for n in walk(value)):
            raise NotReplayed(f"something that is given by {key[0]}")
        found: list[Term] = []
        for term in terms:
            names = self.signs.names(term.coefficient.top) | self.signs.names(term.coefficient.bottom)
            if names & set(self.parts):
                raise NotReplayed("a relu, a root or a divisor that moves with the variable")
            for place, factor in enumerate(term.factors):
                if factor[0] == letter and (one := self.at_entry(term, place, factor, units)) is not None:
                    found.append(one)
        return tuple(found)

    def at_given(self, node: Derivative, bound: Mapping[str, str]) -> Terms:
        """Return a derivative by an entry of a group that an assumption gives: it is moved first and then put back."""
        setting, key = self.setting, (node.variable.name, ())
        bent = (setting.shape.hidden or setting.shape.symbolic_depth) and setting.shape.activation.slope != 1
        if bent or self.view != "written":
            raise NotReplayed("a derivative at values that units may depend on")
        given = self.scalar(self.value(setting.definitions[key], {}))
        others = {k: v for k, v in setting.definitions.items() if k != key}
        self.setting = replace(setting, definitions=others)
        terms = self.by_entry(self.value(node.operand, bound), node.variable, bound)
        self.setting = setting
        found = []
        for term in terms:
            coefficient = term.coefficient
            for factor, _ in term.factors:
                coefficient = coefficient * (given if factor == node.variable.name else Ratio(ONE))
            rest = tuple(f for f in term.factors if f[0] != node.variable.name)
            found.append(Term(coefficient, rest, term.summed))
        return tuple(found)

    def at_entry(self, term: Term, place: int, factor: Factor, units: tuple[str, ...]) -> Term | None:
        """Return a term with one factor derived: its summed indices become those of the entry; None for 0."""
        extents = dict(term.summed)
        if not self.fits(factor, extents):
            raise NotReplayed("an index beyond what there is")
        moved: dict[str, str] = {}
        for named, unit in zip(factor[1], units, strict=True):
            index = moved.get(named, named)
            if index in extents:
                label = extents[index]
                if unit[0] != "@" and label.isdecimal():
                    raise NotReplayed("an index that may be beyond the sum")
                if label.isdecimal() and int(unit[1:]) > int(label):
                    return None
                moved[index] = unit
            elif index != unit:
                if index[0] != "@" or unit[0] != "@":
                    raise NotReplayed("two indices that may be equal")
                return None
        rest = [f for k, f in enumerate(term.factors) if k != place]
        factors = tuple((n, tuple(moved.get(i, i) for i in ix)) for n, ix in rest)
        return Term(term.coefficient, factors, tuple((i, r) for i, r in term.summed if i not in moved))
