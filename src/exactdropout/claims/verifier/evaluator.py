"""What named sizes and all sizes have in common: symbols with signs, rates, relations, growth and convexity."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from exactdropout.claims.language.syntax import (
    Claim,
    Comparison,
    Derivative,
    Divide,
    Expression,
    Limit,
    Name,
    Negate,
    Number,
    walk,
)
from exactdropout.claims.setting.setting import Setting
from exactdropout.claims.verifier.algebra import (
    ONE,
    ONE_PLUS_T,
    NotReplayed,
    Polynomial,
    Ratio,
    T,
    by_power,
    gen,
    plus,
    polynomial_text,
    ratio,
    scaled,
    square_root,
    times,
    to_power,
)
from exactdropout.claims.verifier.rules import Need, Signs

__all__ = ["ENTRIES", "NODE", "Evaluator", "Key", "Obligation", "number_of", "numbered", "renamed"]

F = Fraction
Key = tuple[str, tuple[int, ...]]
NODE = 20
"""A node of an expression, in products of terms."""
ENTRIES = frozenset({"w", "W", "b", "weights", "biases"})


@dataclass(frozen=True)
class Obligation:
    """What a relation needs of the polynomial of left − right: that it is zero, not negative, or positive."""

    polynomial: Polynomial
    need: Need
    signs: Signs


def number_of(node: Any) -> Fraction | None:
    """Return the value of a number, its negative, or a quotient of numbers."""
    match node:
        case Number(value):
            return value
        case Negate(operand):
            inner = number_of(operand)
            return None if inner is None else -inner
        case Divide(top, bottom):
            a, b = number_of(top), number_of(bottom)
            return None if a is None or not b else a / b
    return None


def numbered(indices: Sequence[str], order: Sequence[str]) -> tuple[int, ...]:
    """Return indices as their places in an order; "@k", unit k itself, is −k."""
    return tuple(order.index(i) if i in order else -int(i[1:]) for i in indices)


def renamed(places: Sequence[int], names: Sequence[str]) -> tuple[str, ...]:
    """Return the indices at given places, as :func:`numbered` has them."""
    return tuple(names[i] if i >= 0 else f"@{-i}" for i in places)


class Evaluator:
    """What named sizes and all sizes have in common: symbols with signs, rates, relations, growth."""

    def __init__(self, claim: Claim, setting: Setting) -> None:
        """Start with t = q/p ≥ 0, which is not 0 where q > 0 is assumed."""
        self.claim, self.setting = claim, setting
        self.signs = Signs({"t'"})
        self.before: dict[str, Polynomial] = {}  # other forms of variables, from which they are moved
        if setting.sign(("q", ())) & {">", "!="}:
            self.signs.nonzero.add("t'")

    def symbol(self, key: Key, name: str) -> Ratio:
        """Return a free variable; what is assumed to be ≤ 0 is minus a variable that is ≥ 0."""
        signs = self.setting.sign(key)
        below = bool(signs & {"<", "<="})
        name = f"-{name}" if below else name
        if signs & {">", ">=", "<", "<="}:
            self.signs.nonnegative.add(name)
        if signs & {">", "<", "!="}:
            self.signs.nonzero.add(name)
        return -Ratio(gen(name)) if below else Ratio(gen(name))

    def rate(self, layer: int | None) -> Ratio:
        """Return the drop rate of a layer, or the common one: q = t/(1 + t)."""
        rates = self.setting.rates
        if layer is None and len(rates) > 1:
            if Name("q") not in rates:
                raise NotReplayed("q beside rates by layers")
            return Ratio(T, 1)
        if layer is not None and not 0 <= layer < max(len(rates), 1 + len(self.setting.shape.hidden)):
            raise NotReplayed("a rate of no layer")
        rate = rates[layer or 0] if len(rates) > 1 else rates[0]
        value = number_of(rate)
        if value is not None:
            return ratio(value)
        if rate == Name("q", (Number(F((layer or 0) + 1)),)):  # q_l = t_l/(1 + t_l)
            own = f"t{(layer or 0) + 1}'"
            self.signs.nonnegative.add(own)
            return Ratio(gen(own), 0, plus(ONE, gen(own)))
        if rate != Name("q"):
            raise NotReplayed("a rate that is no number and not q")
        return Ratio(T, 1)

    def spread(self, layer: int) -> Ratio:
        """Return q/p of a layer, the variance of its masks."""
        q = self.rate(layer)
        return Ratio(T) if q == Ratio(T, 1) else q * (ratio(1) + -q).inverse()

    def relu(self, value: Ratio) -> Ratio:
        """Return relu of a value over a divisor that is positive."""
        if not self.signs.positive(value.bottom):
            raise NotReplayed("relu over a divisor that may be negative")
        return Ratio(self.signs.relu(value.top), value.keep, value.bottom)

    def call(self, function: str, values: list[Ratio]) -> Ratio:
        """Return relu, abs, max or min."""
        if function == "relu":
            return self.relu(values[0])
        if function == "abs":
            return self.relu(values[0]) + self.relu(-values[0])
        if function == "sqrt":
            return self.root(values[0])
        if function not in ("max", "min"):
            raise NotReplayed(function)
        result = values[0]
        for other in values[1:]:
            result += self.relu(other + -result) if function == "max" else -self.relu(result + -other)
        return result

    def root(self, value: Ratio) -> Ratio:
        """Return √a: |s| where a = s² is seen, else r ≥ 0 with r² = a; where a < 0 the claim says nothing.

        Raises:
            NotReplayed: the claim is no comparison, so that r may move; a divisor that may be negative.
        """
        moving = any(isinstance(node, (Derivative, Limit)) for node in walk(self.claim))
        if moving or not isinstance(self.claim.statement, Comparison) or not self.signs.positive(value.bottom):
            raise NotReplayed("a root of something that moves, or over a divisor that may be negative")
        inside, odd = self.signs.reduced(times(value.top, value.bottom)), value.keep % 2
        under = Ratio(ONE, (value.keep + odd) // 2, value.bottom)  # a/(b (1 + t)^k) = a b (1 + t)^odd/(...)^2
        if odd and square_root(times(inside, ONE_PLUS_T)) is None:
            return self.root_of(inside) * self.root_of(ONE_PLUS_T) * under
        return self.root_of(times(inside, ONE_PLUS_T) if odd else inside) * under

    def root_of(self, inside: Polynomial) -> Ratio:
        """Return the root of a polynomial, factor by factor where it is a product of what is ≥ 0."""
        whole = square_root(inside)
        if whole is not None:
            return self.relu(Ratio(whole)) + self.relu(-Ratio(whole))
        shared = {name: min(dict(m).get(name, 0) for m in inside) for name, _ in min(inside)}
        shared = {name: power for name, power in shared.items() if power and name in self.signs.nonnegative}
        rest = {tuple((n, p - shared.get(n, 0)) for n, p in m if p > shared.get(n, 0)): v for m, v in inside.items()}
        if shared and inside != gen(min(shared)) and self.signs.manifest(rest):
            result = self.root_of(rest)
            for name, power in shared.items():
                result = result * Ratio(to_power(gen(name), power // 2))
                result = result * self.root_of(gen(name)) if power % 2 else result
            return result
        name = f"sqrt({polynomial_text(inside)})"
        if name not in self.signs.roots:
            self.signs.nonnegative.add(name)
            self.signs.roots[name] = inside
            self.signs.known.append((plus(to_power(gen(name), 2), scaled(inside, F(-1))), True))
        return Ratio(gen(name))

    def sign_kept(self, value: Ratio) -> Polynomial:
        """Return a polynomial with the sign of a value."""
        return value.top if self.signs.positive(value.bottom) else times(value.top, value.bottom)

    def obligation(self, left: Ratio, relation: str, right: Ratio) -> Obligation:
        """Return what a relation needs of the difference of both sides."""
        difference = left + -right
        if relation in ("<=", "<"):
            difference = -difference
        need: Need = "positive"
        if relation in ("=", "!="):
            need = "zero" if relation == "=" else "nonzero"
        elif relation in (">=", "<="):
            need = "nonnegative"
        return Obligation(self.signs.reduced(self.sign_kept(difference)), need, self.signs)

    def assume(self, evaluate: Callable[[Expression], Ratio]) -> None:
        """Add what comparisons in the assumptions say, as far as it is written in polynomials: f ≥ 0, or f = 0."""
        for comparison in self.setting.filters:
            for left, relation, right in zip(
                comparison.sides, comparison.relations, comparison.sides[1:], strict=False
            ):
                try:
                    difference = evaluate(left) + -evaluate(right)
                    found = self.signs.reduced(self.sign_kept(difference if relation in (">", ">=") else -difference))
                except NotReplayed:
                    continue
                if found and relation != "!=":
                    self.signs.known.append((found, relation == "="))

    def growth(self, value: Ratio, direction: str, moves: Mapping[str, Polynomial], *, back: bool) -> Obligation:
        """Return what growth needs: the value where the variable is larger by h > 0, minus the value here.

        ``moves`` says what becomes of each variable; ``back`` that it leads to the smaller one.
        """
        value = value.cancelled()
        unknown = [name for name, to in moves.items() if not to]
        tops = (value.top, value.bottom)
        if any(name in self.signs.names(part) for part in tops for name in unknown):
            raise NotReplayed("a quantity that depends on the variable in an unknown way")
        top, bottom = (self.signs.moved(part, moves) for part in tops)
        one_plus_t = plus(ONE, moves.get("t'", T))
        if "t'" in moves:
            bottom = times(bottom, to_power(one_plus_t, max(value.keep, 0)))
            top = times(top, to_power(one_plus_t, max(-value.keep, 0)))
        there = Ratio(top, 0 if "t'" in moves else value.keep, bottom)
        value = Ratio(self.signs.moved(value.top, self.before), value.keep, self.signs.moved(value.bottom, self.before))
        if not self.signs.positive(value.bottom) or not self.signs.positive(there.bottom):
            raise NotReplayed("a divisor that may be 0 between two points")
        here, there = (there, value) if back else (value, there)
        for polynomial, equal in [*self.signs.known]:  # what is assumed holds at the larger value too
            if not any(name in self.signs.names(polynomial) for name in (*unknown, *self.before)):
                self.signs.known.append((self.signs.moved(polynomial, moves), equal))
        relation = {"constant": "=", "nondecreasing": ">=", "nonincreasing": "<=", "increasing": ">"}.get(
            direction, "<"
        )
        return self.obligation(there, relation, here)

    def bend(self, value: Ratio, direction: str, moves: Mapping[str, Polynomial]) -> Obligation:
        """Return what convexity needs in v: f(v) + f(v + 2 h) − 2 f(v + h) ≥ 0 for every h > 0; concavity, ≤ 0.

        In q it is that in p, at p, p + h and p + 2 h ≤ 1.

        Raises:
            NotReplayed: a variable that moves by something else than h.
        """
        values = self.at_three_rates(value, moves) if "t'" in moves else [value]
        for _ in range(3 - len(values)):
            here = values[-1]
            names = self.signs.names(here.top) | self.signs.names(here.bottom)
            if any(name in names and (not to or self.signs.names(to) - {name, "h'"}) for name, to in moves.items()):
                raise NotReplayed("a quantity that depends on the variable in an unknown way")
            there = Ratio(self.signs.moved(here.top, moves), here.keep, self.signs.moved(here.bottom, moves))
            if not self.signs.positive(here.bottom) or not self.signs.positive(there.bottom):
                raise NotReplayed("a divisor that may be 0 between two points")
            values.append(there)
        ends, middle = values[0] + values[2], values[1] + values[1]
        return self.obligation(ends, ">=" if direction == "convex" else "<=", middle)

    def at_three_rates(self, value: Ratio, moves: Mapping[str, Polynomial]) -> list[Ratio]:
        """Return a value at p, p + h and p + 2 h, with t = (1 − p)/p."""
        parts = (value.top, value.bottom)
        unknown = {name for name, to in moves.items() if name != "t'" and to != gen(name)}
        atoms = {name for part in parts for name in self.signs.names(part) if name in self.signs.atoms}
        bent = any("t'" in self.signs.names(self.signs.atoms[name]) for name in atoms)
        if bent or unknown & {name for part in parts for name in self.signs.names(part)}:
            raise NotReplayed("a quantity that depends on the rate in an unknown way")
        step, found = self.step(), []
        self.signs.nonnegative.add("p'")
        self.signs.nonzero.add("p'")
        for times_h in range(3):
            p = plus(gen("p'"), scaled(step, F(times_h)))
            rest, ends, degrees = plus(ONE, scaled(p, F(-1))), [], []
            for part in parts:
                powers = by_power(part, "t'")
                degrees.append(max(powers, default=0))
                total: Polynomial = {}
                for k, coefficient in powers.items():
                    factor = times(to_power(rest, k), to_power(p, degrees[-1] - k))
                    total = plus(total, times(coefficient, factor))
                ends.append(total)
            power = degrees[1] + value.keep - degrees[0]
            ends[power < 0] = times(ends[power < 0], to_power(p, abs(power)))
            found.append(Ratio(ends[0], 0, ends[1]))
        largest = plus(ONE, scaled(plus(gen("p'"), scaled(step, F(2))), F(-1)))
        self.signs.known = [(largest, False)]
        if not all(self.signs.positive(each.bottom) for each in found):
            raise NotReplayed("a divisor that may be 0 between two points")
        return found

    def step(self) -> Polynomial:
        """Return h > 0."""
        self.signs.nonnegative.add("h'")
        self.signs.nonzero.add("h'")
        return gen("h'")

    def shifted(self, value: Ratio) -> tuple[dict[str, Polynomial], bool]:
        """Return the move of a free variable v, v + h or, where it is −u with u ≥ 0, back to −(u + h)."""
        if len(value.top) != 1:
            raise NotReplayed("growth in something that is given")
        ((monomial, sign),) = value.top.items()
        if len(monomial) != 1 or value.keep or value.bottom != ONE or abs(sign) != 1:
            raise NotReplayed("growth in something that is not free")
        ((name, _),) = monomial
        return {name: plus(gen(name), self.step())}, sign < 0
