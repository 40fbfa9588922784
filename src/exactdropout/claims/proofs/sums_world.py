"""The expressions of a claim over scalars and sums that hold for every size: what :mod:`all_sizes` judges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sympy

from exactdropout.claims.language.syntax import (
    Add,
    Call,
    Claim,
    Divide,
    Expression,
    Multiply,
    Name,
    Negate,
    Number,
    Power,
    Quantity,
    Repeated,
    expression_text,
    rebuilt,
)
from exactdropout.claims.proofs.index_sums import Element, Sums
from exactdropout.claims.proofs.known_moments import Facts, Moments
from exactdropout.claims.proofs.ring_domain import Quotient
from exactdropout.claims.setting.named_sizes import Unsupported, parameters
from exactdropout.claims.setting.setting import Setting, constant
from exactdropout.symbolic.ring.ring import ReluPolynomial, ReluRing
from exactdropout.symbolic.ring.to_sympy import to_sympy

__all__ = ["World", "plain"]

_POWERS = 12
_LONG_NAME = 400
_MOST_DROPPED = 12
_OPAQUE = ("V", "W", "M", "E", "S", "T")
"""Var D, W(x), E D, what they differ by, and what stays of J_D and E D² without the mask that drops the last layer."""


@dataclass(frozen=True)
class ToDepth:
    """A symbol for (over/under)^m, m = d − 1, or with ``excess`` for that power minus 1."""

    index: int
    over: Any
    under: Any
    excess: bool


class World:
    """Symbols for everything that is free, quantities opaque or written out, and values of expressions."""

    def __init__(
        self, claim: Claim, setting: Setting, known: Facts, moments: Moments | None, *, floor: bool = False
    ) -> None:
        """Make the symbols; ``moments=None`` keeps the quantities opaque.

        ``floor`` splits J_D and E D² at the mask that drops the whole last layer, and knows nothing else of them. The
        symbols that no claim names have a prime: an author's t or m is another one.
        """
        self.setting, self.known, self.moments, self.floor = setting, known, moments, floor
        self.used: set[str] = set()
        self.long_names: dict[str, int] = {}
        self.inside_relu: set[int] = set()
        """Generators that a relu holds: it counts as one opaque factor, so no derivative in them is known."""
        dropping = setting.sign(("q", ())) & {">", "!="}
        symbols: dict[str, sympy.Symbol] = {
            "t'": sympy.Symbol("t'", nonnegative=True, **({"positive": True} if dropping else {})),
            "K": sympy.Symbol("K", positive=True),
            "n": sympy.Symbol("n", positive=True),
            "m'": sympy.Symbol("m'", nonnegative=True),
        }
        self.names = [name for name, _ in (*parameters(claim, setting), ("y", ()))]
        for name in self.names:
            symbols[name] = sympy.Symbol(name, real=True, **_assumed(setting, name))
        self.flipped = {name for name in self.names if setting.sign((name, ())) & {"<", "<="}}
        """Symbols whose generator stands for minus their value, which is not negative."""
        symbols["s'"] = sympy.Symbol("s'", positive=True)
        signed = "VEST" + ("WM" if known.output_sign else "")
        for example in ("", "0"):
            for letter in _OPAQUE:
                symbols[f"{letter}{example}'"] = sympy.Symbol(
                    f"{letter}{example}'", real=True, **({"nonnegative": True} if letter in signed else {})
                )
        for k in range(_POWERS):
            symbols[f"z{k}'"] = sympy.Symbol(f"z{k}'", nonnegative=True)
            symbols[f"u{k}'"] = sympy.Symbol(f"u{k}'", positive=True)
        self.ring = ReluRing(symbols.values())
        self.symbols = symbols
        self.powers: dict[str, ToDepth] = {}
        shape = setting.shape
        sizes = {"K": shape.inputs, "n": shape.hidden[0] if len(set(shape.hidden)) == 1 else None}
        self.extents = {k: k if isinstance(v, str) else None if v is None else str(v) for k, v in sizes.items()}
        extents = {"K": self._generator("K"), "n": self._generator("n")}
        self.sums = Sums(self._rational(Fraction(0)), self._rational(Fraction(1)), extents)

    def _generator(self, name: str) -> Quotient:
        return Quotient(self.ring.generator(self.symbols[name]), self.ring.one)

    def _rational(self, value: Fraction) -> Quotient:
        return Quotient(self.ring.constant(value), self.ring.one)

    def _number(self, value: Fraction) -> Element:
        return self.sums.scalar(self._rational(value))

    def reasons(self) -> Iterator[str]:
        """Yield what was used of the quantities that were evaluated."""
        opaque = self.moments is None
        if self.used & {"criterion", "penalty", "risk"} and not self.floor:
            yield "For each example J_D = Var D + (E D - y)^2, R = (W(x) - y)^2, penalty = J_D - R, and Var D >= 0."
        if self.floor and self.used:
            known = last_layer_share(self.setting)
            equal = ">=" if self.setting.shape.symbolic_depth else "="
            share = "> 0" if known is None else f"{equal} {expression_text(known)}"
            yield (
                f"With a probability s {share} all masks of the last layer are 0 and D is the output bias: "
                "J_D >= s (b - y)^2 and E D^2 >= s b^2, b = 0 where there is none."
            )
        elif self.known.output_is_bias and self.used:
            yield f"D = W(x) = b on every mask, b = 0 where there is none: {self.known.output_is_bias}."
        elif self.moments is not None and self.used:
            yield f"E D = W(x): {self.moments.reason}; the moments are written out as sums over units."
        elif opaque and self.used - {"risk", "output", "variance"}:
            if self.known.mean_is_output:
                yield f"E D = W(x): {self.known.mean_is_output}."
            elif self.known.mean_above_output:
                yield f"E D >= W(x): {self.known.mean_above_output}."
            elif self.known.mean_below_output:
                yield f"E D <= W(x): {self.known.mean_below_output}."
        if opaque and self.known.output_sign and not self.floor and self.used - {"risk", "variance"}:
            yield f"{self.known.output_sign}."

    def evaluate(self, node: Expression, bound: Mapping[str, str]) -> Element:
        """Return the value of an expression; ``bound`` names the index of each enclosing sum."""

        def value(item: Expression) -> Element:
            return self.evaluate(item, bound)

        match node:
            case Number(number):
                return self._number(number)
            case Quantity(name):
                self.used.add(name)
                return self._quantity(name)
            case Name(name, indices):
                return self._variable(name, indices, bound)
            case Add(terms):
                total = value(terms[0])
                for term in terms[1:]:
                    total = total + value(term)
                return total
            case Negate(operand):
                return -value(operand)
            case Multiply(factors):
                product = value(factors[0])
                for factor in factors[1:]:
                    product = product * value(factor)
                return product
            case Divide(top, bottom):
                return value(top) * self.sums.scalar(self._inverse(self._scalar(value(bottom))))
            case Power(base, exponent):
                return self._power(value(base), exponent)
            case Call("relu", (argument,)):
                return self._relu(value(argument))
            case Call("max", (argument, Number(0)) | (Number(0), argument)):
                return self._relu(value(argument))
            case Repeated("sum", index, first, last, body):
                if constant(first) != 1:
                    raise Unsupported("a sum that does not start at 1")
                fresh = self.sums.fresh()
                return self.evaluate(body, {**bound, index: fresh}).summed(fresh, self._extent(last))
        raise Unsupported(f"{type(node).__name__} for all sizes")

    def _extent(self, last: Expression) -> str:
        label = None
        value = constant(last)
        if isinstance(last, Name) and last.name in ("K", "n") and not last.indices:
            label = self.extents[last.name]
        elif value is not None and value.denominator == 1 and value > 0:
            label = str(value)
        if label is None:
            raise Unsupported("a sum over something else than all inputs or all units")
        if label not in self.sums.extents:
            self.sums.extents[label] = self._rational(Fraction(label))
        return label

    def _scalar(self, element: Element) -> Quotient:
        found = element.scalar()
        if found is None:
            raise Unsupported("a division by a sum over indices")
        return found

    def _inverse(self, value: Quotient) -> Quotient:
        if not value.top:
            raise Unsupported("a division by 0")
        return Quotient(value.bottom, value.top)

    def _variable(self, name: str, indices: tuple[Expression, ...], bound: Mapping[str, str]) -> Element:
        shape = self.setting.shape
        if name in bound:
            raise Unsupported("an index as a number")
        if name in ("K", "n") and not indices:
            extent = self.extents[name]
            if extent is None:
                raise Unsupported(f"{name} has no single value")
            return self.sums.scalar(self._generator(name)) if extent == name else self._number(Fraction(extent))
        if name == "d":
            if shape.symbolic_depth:
                return self.sums.scalar(self._generator("m'") + self._rational(Fraction(1)))
            return self._number(Fraction(len(shape.hidden) + 1))
        if name in ("q", "p"):
            return self._rate(name, indices)
        if name in ("x", "w", "W", "b"):
            return self._entry(name, indices, bound)
        if indices or name in ("weights", "biases"):
            raise Unsupported(f"{name} as one number")
        definition = self.setting.definition((name, ()))
        if definition is not None:
            return self.evaluate(definition, {})
        if name == "y" and self.setting.label is not None:
            return self.evaluate(self.setting.label, {})
        value = self.sums.scalar(self._generator(name))
        return -value if name in self.flipped else value

    def _rate(self, name: str, indices: tuple[Expression, ...]) -> Element:
        rates = self.setting.rates
        if indices or (len(rates) > 1 and Name("q") not in rates):
            raise Unsupported("rates of single layers")
        rate = rates[0] if len(rates) == 1 else Name("q")
        value = constant(rate)
        if value is not None:
            return self._number(value if name == "q" else 1 - value)
        t, one = self.ring.generator(self.symbols["t'"]), self.ring.one
        return self.sums.scalar(Quotient(t if name == "q" else one, one + t))

    def _entry(self, name: str, indices: tuple[Expression, ...], bound: Mapping[str, str]) -> Element:
        setting, shape = self.setting, self.setting.shape
        if name == "W" and len(indices) == 2 and len(shape.hidden) == 1:
            indices = (Number(Fraction(1)), *indices)
        if name == "b" and len(indices) == 1 and len(shape.hidden) == 1:
            indices = (Number(Fraction(1)), *indices)
        layered = name == "W" or (name == "b" and bool(indices))
        label, units = name, indices
        if layered:
            layer = constant(indices[0]) if indices else None
            if layer is None or layer.denominator != 1 or not 1 <= layer <= len(shape.hidden):
                raise Unsupported("a layer that is no number")
            label, units = f"{name}{layer}", indices[1:]
        wanted = {"x": 1, "w": 1, "W": 2, "b": 1 if layered else 0}[name]
        if len(units) != wanted or not all(isinstance(u, Name) and u.name in bound for u in units):
            raise Unsupported("an entry that is not named by indices of sums")
        keys = [(name, (int(constant(indices[0]) or 0),))] if layered else [(name, ())]
        definition = next((d for k in keys if (d := setting.definition(k)) is not None), None)
        if setting.single_entries:
            raise Unsupported("single entries with values of their own")
        if definition is not None:
            return self.evaluate(definition, {})
        if name == "x" and setting.inputs is not None:
            if setting.inputs == "ones":
                return self._number(Fraction(1))
            raise Unsupported("inputs that are numbers")
        if setting.network is not None:
            raise Unsupported("weights that are numbers")
        return self.sums.factor(label, tuple(bound[u.name] for u in units if isinstance(u, Name)))

    def _relu(self, argument: Element) -> Element:
        """Return relu of an element with at most one free index, as one opaque factor."""
        free = {i for term in argument.terms for _, bound in term.factors for i in bound if i not in dict(term.summed)}
        if len(free) > 1:
            raise Unsupported("relu in two indices at once")
        place = dict.fromkeys(free, "@")
        parts = []
        for inner, coefficient in argument.normal().items():
            shown = [(r, tuple(sorted((f, tuple(place.get(i, i) for i in b)) for f, b in fs))) for r, fs in inner]
            for scalar in (coefficient.top, coefficient.bottom):
                self.inside_relu |= {i for i, degree in enumerate(plain(scalar).degrees()) if degree}
            parts.append(f"{sorted(shown)}*{coefficient.top.key()}/{coefficient.bottom.key()}")
        text = "+".join(sorted(parts))
        if len(text) > _LONG_NAME:  # a name inside a name is quoted once more at every level
            text = f"#{self.long_names.setdefault(text, len(self.long_names))}"
        return self.sums.factor(f"relu<{text}>", tuple(free))

    def _power(self, base: Element, exponent: Expression) -> Element:
        slope, offset = _linear_in_depth(rebuilt(exponent, self._size))
        if not self.setting.shape.symbolic_depth:
            slope, offset = 0, offset + slope * (len(self.setting.shape.hidden) + 1)
        if abs(slope) > 20 or abs(offset) > 100:
            raise Unsupported("a large exponent")
        offset += slope  # d = m + 1
        if not slope and offset >= 0:
            return base**offset
        value = self._scalar(base)
        result = self._rational(Fraction(1))
        for factor, count in ((value, offset), (self._to_depth(value) if slope else value, slope)):
            for _ in range(abs(count)):
                result = result * (factor if count > 0 else self._inverse(factor))
        return self.sums.scalar(result)

    def _size(self, node: Any) -> Any:
        """Return the number that K or n is, where it is one."""
        extent = self.extents.get(node.name) if isinstance(node, Name) and not node.indices else None
        return Number(Fraction(extent)) if extent is not None and extent.isdecimal() else node

    def _to_depth(self, base: Quotient) -> Quotient:
        """Return base^m, m = d − 1."""
        top, bottom = (plain(part) for part in (base.top, base.bottom))
        common = top.gcd(bottom)
        top, bottom = top / common, bottom / common
        lead = bottom.leading_coefficient()
        top, bottom = top / lead, bottom / lead
        if len(top) == len(bottom) == 1:
            return self._monomial_to_depth(top, 1) * self._monomial_to_depth(bottom, -1)
        over, under = (ReluPolynomial(self.ring, {(): part}) for part in (top, bottom))
        if self.ring.is_positive(under) and self.ring.is_nonnegative(over - under):
            excess = self._fresh_power(f"({to_sympy(over)})/({to_sympy(under)})", over, under, excess=True)
            return Quotient(self.ring.one + excess, self.ring.one)
        if self.ring.is_positive(over) and self.ring.is_nonnegative(under - over):
            excess = self._fresh_power(f"({to_sympy(under)})/({to_sympy(over)})", under, over, excess=True)
            return Quotient(self.ring.one, self.ring.one + excess)
        if len(top) == 1 and self.ring.is_positive(under) and self.ring.is_nonnegative(under - self.ring.one):
            excess = self._fresh_power(str(to_sympy(under)), under, self.ring.one, excess=True)
            return self._monomial_to_depth(top, 1) * Quotient(self.ring.one, self.ring.one + excess)
        raise Unsupported("a power of a base that is not known to be above or below 1")

    def _monomial_to_depth(self, monomial: Any, sign: int) -> Quotient:
        ((exponents, coefficient),) = monomial.terms()
        value = Fraction(int(coefficient.p), int(coefficient.q))
        result = self._rational(Fraction(1))
        if value != 1:
            if value <= 0:
                raise Unsupported("a power of a negative number")
            power = self._fresh_power(str(value), self.ring.constant(value), self.ring.one, excess=False)
            result = result * Quotient(power, self.ring.one)
        for index, exponent in enumerate(exponents):
            if exponent:
                generator = self.ring.generators[index]
                if not generator.is_nonnegative:
                    raise Unsupported("a power of something that may be negative")
                over = self.ring.generator(generator)
                symbol = Quotient(self._fresh_power(str(generator), over, self.ring.one, excess=False), self.ring.one)
                for _ in range(exponent):
                    result = result * symbol
        return result if sign > 0 else self._inverse(result)

    def _fresh_power(self, text: str, over: ReluPolynomial, under: ReluPolynomial, *, excess: bool) -> ReluPolynomial:
        """Return the symbol of (over/under)^m, or of what it has above 1."""
        if text not in self.powers:
            if len(self.powers) == _POWERS:
                raise Unsupported("too many powers with the exponent d")
            letter = "u" if not excess and self.ring.is_positive(over) else "z"
            symbol = self.symbols[f"{letter}{len(self.powers)}'"]
            self.powers[text] = ToDepth(self.ring.generators.index(symbol), plain(over), plain(under), excess)
        return self.ring.generator(self.ring.generators[self.powers[text].index])

    def _quantity(self, name: str) -> Element:
        """Return a quantity: the sum over examples of share times its value on the example."""
        shape = self.setting.shape
        y = self._variable("y", (), {})
        main = self._example("", y)
        if name not in main:
            raise Unsupported(f"{name} beside the mask that drops the last layer")
        if name == "output":
            return main["output"]
        if not self.setting.half:
            return main[name]
        half = self._number(Fraction(1, 2))
        zero = self._number(Fraction(0))
        if not shape.hidden_biases and not shape.output_bias:
            return half * main[name]  # D = W = y = 0 at the origin
        if self.moments is not None:
            raise Unsupported("biases at the origin")
        return half * (main[name] + self._example("0", zero)[name])

    def _example(self, suffix: str, y: Element) -> dict[str, Element]:
        if self.floor:
            return self._floor(suffix, y)
        if self.moments is None:
            v, w, m, e, _, _ = (self.sums.scalar(self._generator(f"{letter}{suffix}'")) for letter in _OPAQUE)
            if self.known.output_is_bias:
                v, w, m = self._number(Fraction(0)), self._output_bias(), self._output_bias()
            elif self.known.output_sign:
                if self.known.output_below:
                    w, m = -w, -m
                w, m = w + self._output_bias(), m + self._output_bias()
            if self.known.output_is_bias:
                pass
            elif self.known.mean_is_output:
                m = w
                v = self._number(Fraction(0)) if self.known.kept else v
            elif self.known.mean_above_output:
                m = w + e
            elif self.known.mean_below_output:
                m = w - e
        else:
            w = self.evaluate(self.moments.output, {})
            m = self.evaluate(self.moments.mean, {})
            v = self.evaluate(self.moments.variance, {})
        criterion, risk = v + (m - y) ** 2, (w - y) ** 2
        return {
            "criterion": criterion,
            "risk": risk,
            "penalty": criterion - risk,
            "mean": m,
            "variance": v,
            "second_moment": v + m * m,
            "output": w,
        }

    def _output_bias(self) -> Element:
        if not self.setting.shape.output_bias:
            return self._number(Fraction(0))
        return self._entry("b", (), {})

    def _floor(self, suffix: str, y: Element) -> dict[str, Element]:
        """Return J_D = s (b − y)² + S and E D² = s b² + T; s is the probability of that mask."""
        share, rest, moment = (self.sums.scalar(self._generator(f"{n}'")) for n in ("s", f"S{suffix}", f"T{suffix}"))
        known = last_layer_share(self.setting)
        if known is not None:
            share = self.evaluate(known, {})
        b = self._output_bias()
        return {"criterion": share * (b - y) ** 2 + rest, "second_moment": share * b * b + moment}


def last_layer_share(setting: Setting) -> Expression | None:
    """Return q^n, the probability of the mask that drops a last layer of n units; None where n is a symbol or large.

    Where the depth is a symbol, the last layer is the inputs for d = 1: the larger width gives a lower bound for both.
    """
    shape, rate = setting.shape, setting.rates[-1]
    widths = [*shape.hidden[-1:]] if shape.hidden else []
    if shape.symbolic_depth or not widths:
        widths.append(shape.inputs)
    numbers = [width for width in widths if isinstance(width, int)]
    width = max(numbers, default=0)
    if len(numbers) < len(widths) or width > _MOST_DROPPED:
        return None
    return rate if width == 1 else Power(rate, Number(Fraction(width)))


def _assumed(setting: Setting, name: str) -> dict[str, bool]:
    signs = setting.sign((name, ()))
    if signs & {">", "<"}:
        return {"positive": True}
    nonzero = {"nonzero": True} if "!=" in signs else {}
    return nonzero | ({"nonnegative": True} if signs & {">=", "<="} else {})


def plain(element: ReluPolynomial) -> Any:
    """Return an element without atoms as a FLINT polynomial."""
    if set(element.terms) - {()}:
        raise Unsupported("relu in a scalar")
    return element.terms.get((), element.ring.context.constant(0))


def _linear_in_depth(exponent: Expression) -> tuple[int, int]:
    """Return (a, b) with exponent = a d + b."""
    match exponent:
        case Name("d", ()):
            return 1, 0
        case Add(terms):
            found = [_linear_in_depth(term) for term in terms]
            return sum(a for a, _ in found), sum(b for _, b in found)
        case Negate(operand):
            a, b = _linear_in_depth(operand)
            return -a, -b
        case Multiply((Number() as factor, other)) if factor.value.denominator == 1:
            a, b = _linear_in_depth(other)
            return int(factor.value) * a, int(factor.value) * b
    value = constant(exponent)
    if value is None or value.denominator != 1:
        raise Unsupported("an exponent that is no whole number")
    return 0, int(value)
