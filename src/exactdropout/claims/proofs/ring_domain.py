"""Quotients in a ring of polynomials with relu atoms, and the domain that evaluates a claim there."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import sympy

from exactdropout.claims.language.syntax import Claim
from exactdropout.claims.setting.named_sizes import Key, Scope, Unsupported, free_keys, key_text
from exactdropout.claims.setting.setting import Setting
from exactdropout.model import Architecture
from exactdropout.symbolic.criterion.masks import Layers, moments, states
from exactdropout.symbolic.ring.ring import ReluPolynomial, ReluRing

__all__ = ["MAX_ELEMENT", "Quotient", "RingDomain", "product"]

MAX_ELEMENT = 20_000


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
            product(self.top, other.bottom) + product(other.top, self.bottom), product(self.bottom, other.bottom)
        )

    def __neg__(self) -> Quotient:
        """Return the negative."""
        return Quotient(-self.top, self.bottom)

    def __sub__(self, other: Quotient) -> Quotient:
        """Return the difference."""
        return self + (-other)

    def __mul__(self, other: Quotient) -> Quotient:
        """Return the product."""
        return Quotient(product(self.top, other.top), product(self.bottom, other.bottom))

    def __pow__(self, exponent: int) -> Quotient:
        """Return a power."""
        result = Quotient(self.top.ring.one, self.top.ring.one)
        for _ in range(exponent):
            result = result * self
        return result


def product(a: ReluPolynomial, b: ReluPolynomial) -> ReluPolynomial:
    """Return a b.

    Raises:
        Unsupported: the product has too many terms.
    """
    if a.size() * b.size() > MAX_ELEMENT * 50:
        raise Unsupported("the polynomials grow beyond the limit")
    result = a * b
    if result.size() > MAX_ELEMENT:
        raise Unsupported("the polynomials grow beyond the limit")
    return result


class RingDomain:
    """Quotients in the ring over all free variables; a symbolic q enters by p = 1 − q > 0."""

    def __init__(self, claim: Claim, setting: Setting, architecture: Architecture) -> None:
        """Make the ring; sign assumptions become assumptions on its generators."""
        self.keys = free_keys(claim, setting, architecture, {})
        self.keep = sympy.Symbol("p", positive=True)
        symbols: dict[Key, sympy.Symbol] = {}
        flipped = set()
        for key in self.keys:
            if key == ("q", ()):
                symbols[key] = self.keep
                continue
            signs = setting.sign(key)
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
        self.dropping = bool(setting.sign(("q", ())) & {">", "!="})
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
        return Quotient(self.ring.relu(product(value.top, value.bottom)), product(value.bottom, value.bottom))

    def root(self, value: Quotient) -> Quotient:
        """Return the root of a square of a rational number."""
        numbers = []
        for part in (value.top, value.bottom):
            constant = constant_of(part)
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
        return Quotient(product(top.top, bottom.bottom), product(top.bottom, bottom.top))

    def calculus(self, node: object, scope: Scope, bound: Mapping[str, int]) -> Quotient:
        """Refuse."""
        raise Unsupported("derivatives and limits")

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
        bottom = constant_of(value.bottom)
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


def constant_of(element: ReluPolynomial) -> Fraction | None:
    if not element.terms:
        return Fraction(0)
    if set(element.terms) != {()} or not element.terms[()].is_constant():
        return None
    value = element.terms[()].leading_coefficient()
    return Fraction(int(value.p), int(value.q))
