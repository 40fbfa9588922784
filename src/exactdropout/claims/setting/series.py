"""Derivatives and limits at a point, exactly: the definition, the double loop over masks, in truncated Laurent series.

A variable v becomes v + e or v - e, e > 0 small. The coefficient of e in a value is its derivative, the constant
coefficient its limit; relu has the sign of the first coefficient, so a kink shows as two different answers.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from exactdropout.claims.language.syntax import (
    Claim,
    Comparison,
    Derivative,
    Expression,
    Limit,
    Name,
    Number,
)
from exactdropout.claims.setting.named_sizes import Key, Scope, Undefined, Unsupported, scope_of, targets

__all__ = ["Series", "at_point"]

F = Fraction
ORDER = 8
"""Coefficients that are kept, from the first that is not 0."""
MAX_LOOP = 2_000
"""Masks times examples times parameters of one evaluation in series."""
_DEAR = 4
"""A product of series, in steps."""
_ENOUGH = 3
"""Coefficients of a derivative's variable."""
_NOTHING = Claim(Comparison((Number(F(0)), Number(F(0))), ("=",)))


@dataclass(frozen=True)
class Series:
    """sum of ``coefficients[k] e^(low + k)``, right below the power ``end`` of e; None where it is exact."""

    low: int
    coefficients: tuple[Fraction, ...]
    end: int | None = None

    @staticmethod
    def of(value: Fraction | int) -> Series:
        """Return a number."""
        return Series(0, (F(value),)) if value else Series(0, ())

    @staticmethod
    def made(low: int, coefficients: list[Fraction], end: int | None) -> Series:
        """Return a series without zeros in front, cut after ``ORDER`` coefficients."""
        if end is not None:
            coefficients = coefficients[: max(0, end - low)]
        while coefficients and not coefficients[-1]:
            coefficients.pop()
        start = next((k for k, c in enumerate(coefficients) if c), len(coefficients))
        low, coefficients = low + start, coefficients[start:]
        if len(coefficients) > ORDER:
            end = low + ORDER if end is None else min(end, low + ORDER)
            coefficients = coefficients[:ORDER]
        return Series(low if coefficients else 0, tuple(coefficients), end)

    @property
    def sign(self) -> int:
        """Return the sign for small e > 0; 0 where all known coefficients are."""
        return 0 if not self.coefficients else 1 if self.coefficients[0] > 0 else -1

    def coefficient(self, power: int) -> Fraction:
        """Return the coefficient of a power of e.

        Raises:
            Undefined: it is not known.
        """
        if self.end is not None and power >= self.end:
            raise Undefined
        k = power - self.low
        return self.coefficients[k] if 0 <= k < len(self.coefficients) else F(0)

    def __add__(self, other: Series) -> Series:
        """Return the sum."""
        ends = [end for end in (self.end, other.end) if end is not None]
        low = min((s.low for s in (self, other) if s.coefficients), default=0)
        high = max((s.low + len(s.coefficients) for s in (self, other) if s.coefficients), default=0)
        total = [F(0)] * (high - low)
        for s in (self, other):
            for k, c in enumerate(s.coefficients):
                total[s.low - low + k] += c
        return Series.made(low, total, min(ends, default=None))

    def __neg__(self) -> Series:
        """Return the negative."""
        return Series(self.low, tuple(-c for c in self.coefficients), self.end)

    def __sub__(self, other: Series) -> Series:
        """Return the difference."""
        return self + -other

    def __mul__(self, other: Series) -> Series:
        """Return the product."""
        ends = self._ends(other)
        if not self.coefficients or not other.coefficients:
            return Series.made(0, [], min(ends, default=None))
        total = [F(0)] * (len(self.coefficients) + len(other.coefficients) - 1)
        for j, a in enumerate(self.coefficients):
            for k, b in enumerate(other.coefficients):
                total[j + k] += a * b
        return Series.made(self.low + other.low, total, min(ends, default=None))

    def _ends(self, other: Series) -> list[int]:
        """Return the powers from which on a product is not known."""
        return [
            a.end + b.lowest for a, b in ((self, other), (other, self)) if a.end is not None and b.lowest is not None
        ]

    @property
    def lowest(self) -> int | None:
        """Return the least power that may occur; None for the exact 0."""
        return self.low if self.coefficients else self.end

    def __pow__(self, exponent: int) -> Series:
        """Return a power with a whole exponent >= 0."""
        result = Series.of(1)
        for _ in range(exponent):
            result = result * self
        return result

    def inverse(self) -> Series:
        """Return 1 / self.

        Raises:
            Undefined: no coefficient is known that is not 0.
        """
        if not self.coefficients:
            raise Undefined
        first, rest = self.coefficients[0], self.coefficients[1:]
        known = ORDER if self.end is None else min(ORDER, self.end - self.low)
        found = [1 / first]
        for k in range(1, known):
            total = sum((rest[j] * found[k - 1 - j] for j in range(min(len(rest), k))), F(0))
            found.append(-total / first)
        exact = not rest and self.end is None
        return Series.made(-self.low, found[:1] if exact else found, None if exact else known - self.low)


class _SeriesValues:
    """The domain of series: quantities by the double loop over examples and all masks."""

    def number(self, value: Fraction) -> Series:
        return Series.of(value)

    def relu(self, value: Series) -> Series:
        return value if value.sign > 0 else Series.made(0, [], value.end) if value.sign == 0 else Series.of(0)

    def root(self, value: Series) -> Series:
        raise Unsupported("a root in a derivative or a limit")

    def divide(self, top: Series, bottom: Series) -> Series:
        return top * bottom.inverse()

    def calculus(self, node: Any, scope: Scope, bound: Mapping[str, int]) -> Series:
        raise Unsupported("a derivative inside another, or inside a limit")

    def quantity(self, name: str, scope: Scope) -> Series:
        scope.quantities |= _quantities(scope)
        found: Series = scope.quantities[name]
        return found


def _quantities(scope: Scope) -> dict[str, Series]:
    architecture, values = scope.architecture, scope.values
    loop = (architecture.parameters << architecture.mask_bits) * max(scope.rows, 1)
    if loop > MAX_LOOP:
        raise Unsupported("a derivative or a limit at these sizes")
    scope.steps += _DEAR * loop
    if scope.rows:
        examples = scope.examples()
    else:
        one, half = [values["x", (i,)] for i in range(1, architecture.inputs + 1)], F(1, 2 if scope.half else 1)
        examples = [(one, values["y", ()], half)]
        if scope.half:
            examples.append(([Series.of(0) for _ in one], Series.of(0), half))
    names = ("criterion", "risk", "mean", "variance", "second_moment")
    totals = dict.fromkeys(names, Series.of(0))
    for number, (x, y, mass) in enumerate(examples):
        share = Series.of(mass)
        output = _output(scope, list(x), None)
        if number == 0:
            totals["output"] = output
        mean = second = criterion = Series.of(0)
        for chance, d in _draws(scope, list(x)):
            mean, second = mean + chance * d, second + chance * d * d
            criterion = criterion + chance * (d - y) * (d - y)
        totals["criterion"] += share * criterion
        totals["risk"] += share * (output - y) * (output - y)
        totals["mean"] += share * mean
        totals["second_moment"] += share * second
        totals["variance"] += share * (second - mean * mean)
    return totals | {"penalty": totals["criterion"] - totals["risk"]}


def _draws(scope: Scope, x: list[Series]) -> Any:
    """Yield each mask's probability and the output D under it."""
    widths = scope.architecture.widths[:-1]
    rates = [scope.rate(layer) for layer in range(scope.architecture.depth)]
    random = [layer for layer, rate in enumerate(rates) if rate.coefficients]
    for bits in itertools.product(*(itertools.product((0, 1), repeat=widths[layer]) for layer in random)):
        chance = Series.of(1)
        masks = {}
        for layer, mask in zip(random, bits, strict=True):
            keep = Series.of(1) - rates[layer]
            masks[layer] = (mask, keep.inverse())
            for bit in mask:
                chance = chance * (keep if bit else rates[layer])
        yield chance, _output(scope, x, masks)


def _output(scope: Scope, x: list[Series], masks: Mapping[int, Any] | None) -> Series:
    architecture, values = scope.architecture, scope.values
    now = x
    for layer, width in enumerate(architecture.widths[1:]):
        last = layer == architecture.depth - 1
        if masks is not None and layer in masks:
            mask, scale = masks[layer]
            now = [v * scale if bit else Series.of(0) for v, bit in zip(now, mask, strict=True)]
        biased = architecture.output_bias if last else architecture.hidden_biases
        after = []
        for j in range(1, width + 1):
            z = values["b", () if last else (layer + 1, j)] if biased else Series.of(0)
            for i, v in enumerate(now, start=1):
                z = z + values["w" if last else "W", (i,) if last else (layer + 1, j, i)] * v
            if not last and z.sign < 0:
                z = Series.of(architecture.activations[layer].slope) * z
            after.append(z)
        now = after
    return now[0]


def at_point(node: Derivative | Limit, scope: Scope, bound: Mapping[str, int]) -> Fraction:
    """Return the value of a derivative or a limit at a point of fractions.

    What data and assumptions give by the variable moves with it; a variable that they give itself moves alone.

    Raises:
        Undefined: a kink, or a limit that is not finite.
        Unsupported: a limit in a size, a root, or too many masks.
    """
    variable = Name(node.variable.name, tuple(Number(F(scope.integer(i, bound))) for i in node.variable.indices))
    if variable.name in scope.setting.shape.reserved:
        raise Unsupported("a limit in a size")
    if variable == Name("p"):
        raise Unsupported("a derivative or a limit in p")
    key = _key(variable, scope)
    here = scope.values[key]
    if isinstance(node, Derivative):
        operand, order = node.operand, 1
        while isinstance(operand, Derivative) and operand.variable == node.variable:
            operand, order = operand.operand, order + 1
        found = []
        for side in [F(1)] if key[0] == "q" and here == 0 else [F(1), F(-1)]:
            to = Series(0, (here, side), _ENOUGH) if here else Series(1, (side,), _ENOUGH)
            moved = _moved(operand, key, to, scope, bound)
            if moved.low < 0:
                raise Undefined
            found.append((moved.coefficient(0), side**order * math.factorial(order) * moved.coefficient(order)))
    else:
        found = []
        for side in _sides(node, key):
            to = Series(-1, (side,)) if node.target == Name("infty") else _near(scope, node, bound, side)
            moved = _moved(node.operand, key, to, scope, bound)
            if moved.low < 0:
                raise Undefined
            found.append((moved.coefficient(0), moved.coefficient(0)))
    if len(set(found)) > 1:
        raise Undefined
    return found[0][1]


def _sides(node: Limit, key: Key) -> list[Fraction]:
    if node.target == Name("infty"):
        return [F(1)]
    if node.side:
        return [F(1 if node.side == "+" else -1)]
    if key[0] == "q" and node.target in (Number(F(0)), Number(F(1))):
        return [F(1 if node.target == Number(F(0)) else -1)]
    return [F(1), F(-1)]


def _near(scope: Scope, node: Limit, bound: Mapping[str, int], side: Fraction) -> Series:
    target = Fraction(scope.evaluate(node.target, bound))
    if node.variable.name == "q" and not (0 <= target <= 1):
        raise Undefined
    pole = node.variable.name == "q" and target == 1
    end = None if pole else ORDER
    return Series(0, (target, side), end) if target else Series(1, (side,), end)


def _key(variable: Name, scope: Scope) -> Key:
    indices = tuple(int(i.value) for i in variable.indices if isinstance(i, Number))
    if (variable.name, indices) in scope.values and variable.name not in ("b", "W"):
        return variable.name, indices
    if variable.name in ("q",) or not (variable.indices or variable.name == "b"):
        raise Undefined
    found = list(targets(variable, scope))
    if len(found) != 1 or found[0] not in scope.values:
        raise Unsupported(f"{variable.name} is a group; name one entry")
    return found[0]


def _moved(operand: Expression, key: Key, to: Series, scope: Scope, bound: Mapping[str, int]) -> Series:
    """Return the operand where the variable moves, and with it what is given by it.

    Raises:
        Unsupported: a map has moved something that is given, which would be put back.
    """
    if any(_given(moved, scope) for moved in scope.moved):
        raise Unsupported("a derivative or a limit after a map of what is given")
    setting, values = scope.setting, {k: Series.of(F(v)) for k, v in scope.values.items()}
    domain: Any = _SeriesValues()
    if _given(key, scope):
        moved = Scope(setting, scope.architecture, scope.sizes, domain, values | {key: to}, scope.half)
    else:
        free = {k: v for k, v in values.items() if not _given(k, scope)} | {key: to}
        scalars = [k for k in scope.values if not k[1] and k[0] not in ("b", "y", "q")]
        moved = scope_of(_NOTHING, setting, scope.architecture, scope.sizes, domain, free, scalars)
    found: Series = moved.evaluate(operand, bound)
    scope.steps += moved.steps
    return found


def _given(key: Key, scope: Scope) -> bool:
    setting, name = scope.setting, key[0]
    by_data = {"x": setting.inputs is not None, "y": setting.label is not None}
    table = setting.design is not None and bool(setting.design.table) and name in ("X", "y")
    network = setting.network is not None and name in ("w", "W", "b")
    return setting.definition(key) is not None or by_data.get(name, False) or table or network
