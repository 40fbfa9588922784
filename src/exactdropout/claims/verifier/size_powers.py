"""Powers with a symbolic exponent e = d − 1, K − 1 or n − 1: (a/b)^e = 1 + z, z ≥ 0, for a ≥ b > 0."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from exactdropout.claims.language.syntax import (
    Add,
    Claim,
    Expression,
    Monotonicity,
    Multiply,
    Name,
    Negate,
    Number,
)
from exactdropout.claims.setting.setting import Setting
from exactdropout.claims.verifier.algebra import (
    ONE,
    NotReplayed,
    Polynomial,
    Ratio,
    T,
    constant,
    gen,
    plus,
    ratio,
    scaled,
    times,
    to_power,
)
from exactdropout.claims.verifier.evaluator import Evaluator, number_of

__all__ = ["SizePower", "SizePowers"]

F = Fraction


@dataclass(frozen=True)
class SizePower:
    """The name of (over/under)^e for a size e = d − 1, K − 1 or n − 1, or of that less 1 (``excess``)."""

    name: str
    size: str
    over: Polynomial
    under: Polynomial
    excess: bool


class SizePowers(Evaluator):
    """Symbols with signs, and powers whose exponent is a size."""

    def __init__(self, claim: Claim, setting: Setting) -> None:
        """Start without powers; what each size is called."""
        super().__init__(claim, setting)
        shape = setting.shape
        common = shape.hidden[0] if len(set(shape.hidden)) == 1 else None
        self.ranges = {"K": shape.inputs, "n": common, **{letter: letter for letter in shape.widths}}
        self.powers: list[SizePower] = []

    def in_sizes(self, exponent: Expression) -> tuple[dict[str, int], int]:
        """Return a and b with exponent = Σ a_e e + b, for the sizes e: m = d − 1, K − 1 and n − 1."""
        match exponent:
            case Name("d", ()):
                return ({"m'": 1}, 1) if self.setting.shape.symbolic_depth else ({}, len(self.setting.shape.hidden) + 1)
            case Name("K" | "n" as name, ()) if self.ranges[name] is not None:
                width = self.ranges[name]
                return ({}, width) if isinstance(width, int) else ({str(width): 1}, 1)
            case Add(terms):
                total: dict[str, int] = {}
                found = [self.in_sizes(term) for term in terms]
                for size, slope in (item for slopes, _ in found for item in slopes.items()):
                    total[size] = total.get(size, 0) + slope
                return total, sum(offset for _, offset in found)
            case Negate(operand):
                slopes, offset = self.in_sizes(operand)
                return {size: -slope for size, slope in slopes.items()}, -offset
            case Multiply((Number(value), other)) if value.denominator == 1:
                slopes, offset = self.in_sizes(other)
                return {size: int(value) * slope for size, slope in slopes.items()}, int(value) * offset
        number = number_of(exponent)
        if number is None or number.denominator != 1:
            raise NotReplayed("an exponent that is no whole number")
        return {}, int(number)

    def size_power(self, size: str) -> Polynomial:
        """Return the exponent that the name of a size stands for: m, K − 1 or n − 1, all ≥ 0."""
        return gen(size) if size == "m'" else plus(gen(size), scaled(ONE, F(-1)))

    def to_size(self, base: Ratio, size: str) -> Ratio:
        """Return base^e, e ≥ 0: of one term by factors; of a base a/b ≥ 1 it is 1 + z, z ≥ 0, of b/a 1/(1 + z)."""
        top, bottom, result = base.top, base.bottom, ratio(1)
        if len(top) == len(bottom) == 1:
            drops = min(max(base.keep, 0), dict(min(top)).get("t'", 0))
            ((monomial, coefficient),) = top.items()
            rest = tuple((n, p - drops * (n == "t'")) for n, p in monomial if n != "t'" or p > drops)
            for _ in range(drops):  # q = t/(1 + t) grows with t, which its parts do not show
                result = result * Ratio(gen(self.plain("q", size, T, plus(ONE, T))))
            result = result * self.kept_power(base.keep - drops, size)
            result = result * self.monomial_power({rest: coefficient}, size)
            return result * self.monomial_power(bottom, size).inverse()
        grown = times(bottom, to_power(plus(ONE, T), max(base.keep, 0)))
        whole = times(top, to_power(plus(ONE, T), max(-base.keep, 0)))
        whole_known = self.at_least(whole, grown) or self.at_least(grown, whole)
        if isinstance(self.claim.statement, Monotonicity) and whole_known:  # as one base: its parts may move apart
            top, bottom = whole, grown
        else:
            result = self.kept_power(base.keep, size)
        if self.at_least(top, bottom):
            return result * self.excess(top, bottom, size)
        if self.at_least(bottom, top):
            return result * self.excess(bottom, top, size).inverse()
        raise NotReplayed("a power of a base that is not known to be above or below 1")

    def at_least(self, a: Polynomial, b: Polynomial) -> bool:
        """Return whether a ≥ b > 0 is seen term by term."""
        return self.signs.positive(b) and self.signs.manifest(plus(a, scaled(b, F(-1))))

    def kept_power(self, keep: int, size: str) -> Ratio:
        """Return (1 + t)^(−keep e)."""
        result = ratio(1)
        for _ in range(abs(keep)):
            power = self.excess(plus(ONE, T), ONE, size)
            result = result * (power.inverse() if keep > 0 else power)
        return result

    def monomial_power(self, a: Polynomial, size: str) -> Ratio:
        """Return a^e for one term, factor by factor."""
        ((monomial, coefficient),) = a.items()
        result = ratio(1)
        if coefficient <= 0:
            raise NotReplayed("a power of a negative number")
        for part in (coefficient.numerator, coefficient.denominator):
            if part > 1:
                whole = self.excess(constant(part), ONE, size)
                result = result * (whole if part == coefficient.numerator else whole.inverse())
        for name, power in monomial:
            one = self.excess(gen(name), ONE, size) if name in ("K", "n") else None
            for _ in range(power):
                result = result * (one or Ratio(gen(self.plain(name, size, gen(name), ONE))))
        return result

    def plain(self, base: str, size: str, over: Polynomial, under: Polynomial) -> str:
        """Return the name of a power whose base may be below 1."""
        name = f"({base})^{size}"
        if base == "q" or base in self.signs.nonnegative:
            self.signs.nonnegative.add(name)
        if (base == "q" and "t'" in self.signs.nonzero) or base in self.signs.nonzero:
            self.signs.nonzero.add(name)
        if all(known.name != name for known in self.powers):
            self.powers.append(SizePower(name, size, over, under, excess=False))
        return name

    def excess(self, over: Polynomial, under: Polynomial, size: str) -> Ratio:
        """Return 1 + z for (over/under)^e, over ≥ under > 0; equal bases have one z."""
        for known in self.powers:
            if known.excess and known.size == size and times(known.over, under) == times(over, known.under):
                return ratio(1) + Ratio(gen(known.name))
        name = f"z{len(self.powers)}'"
        self.powers.append(SizePower(name, size, over, under, excess=True))
        self.signs.nonnegative.add(name)
        more = plus(over, scaled(under, F(-1)))
        least = times(self.size_power(size), more)
        self.signs.powers[name] = (least, under)
        below = times(plus(ONE, gen(name)), plus(over, scaled(least, F(-1))))  # (b/a)^e ≥ 1 − e (1 − b/a)
        self.signs.known.append((plus(over, scaled(below, F(-1))), False))
        return ratio(1) + Ratio(gen(name))
