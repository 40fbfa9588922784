"""Variables with their ranges, and signs that are manifest on them.

A sign is manifest if, with every variable written in quantities that are not negative (K ≥ 2 as 2 + u, q in (0, 1) as
1/(1 + s)), numerator and denominator are polynomials without negative coefficients, or if the expression is a sum, a
product or an even power of such.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any, Literal, TypeAlias

import sympy

from exactdropout.notation.tree import Divide, Power, walk
from exactdropout.theorems.statements.terms import Relation, Term, number, symbol

__all__ = [
    "Kind",
    "Variable",
    "abstracted",
    "counts",
    "differs",
    "divisors",
    "exact_value",
    "expanded",
    "in_range",
    "inside",
    "is_zero",
    "manifest_sign",
    "point",
    "value_at",
    "with_defined",
    "without_relu",
]

Kind: TypeAlias = Literal["integer", "count", "rate", "real", "network", "weights"]
Manifest: TypeAlias = Literal["positive", "nonnegative", "unknown"]
Range: TypeAlias = tuple[Any, Fraction | None, Fraction | None, bool, bool]
"""What varies, as an expression of SymPy, the ends of its range, and whether they belong to it."""


@dataclass(frozen=True, kw_only=True)
class Variable:
    """A variable of a statement with its range; ``low_in`` and ``high_in`` say whether the ends belong to it.

    Args:
        term: the symbol, or an application of a function, that varies.
        meaning: what it is, in words.
        kind: integers or real numbers; a ``count`` is an integer from 1 on and a ``rate`` lies in [0, 1), and ranges
            beyond that are refused; ``network`` is a number that a network and data determine, such as J_D;
            ``weights`` stands for all weights and biases of a network.
        low, high: ends of the range, None where there is none.
    """

    term: Term
    meaning: str
    kind: Kind = "real"
    low: Fraction | None = None
    high: Fraction | None = None
    low_in: bool = False
    high_in: bool = False

    def relations(self) -> tuple[Relation, ...]:
        """Return the range as inequalities."""
        found = []
        if self.low is not None:
            found.append(self.term >= self.low if self.low_in else self.term > self.low)
        if self.high is not None:
            found.append(self.term <= self.high if self.high_in else self.term < self.high)
        return tuple(found)

    def latex(self) -> str:
        """Return the range as LaTeX, such as ``K \\ge 2``; the symbol alone where there is no end."""
        below, above = (None if end is None else number(end).latex() for end in (self.low, self.high))
        name = self.term.latex()
        if below is not None and above is not None:
            signs = r"\le" if self.low_in else "<", r"\le" if self.high_in else "<"
            return f"{below} {signs[0]} {name} {signs[1]} {above}"
        found = self.relations()
        return found[0].latex() if found else name

    def __str__(self) -> str:
        """Return the range as text, such as ``0 < q < 1``."""
        below, above = (None if end is None else str(end) for end in (self.low, self.high))
        if below is not None and above is not None:
            signs = "<=" if self.low_in else "<", "<=" if self.high_in else "<"
            return f"{below} {signs[0]} {self.term} {signs[1]} {above}"
        found = self.relations()
        return str(found[0]) if found else str(self.term)

    @property
    def integral(self) -> bool:
        """Whether only integers are meant."""
        return self.kind in ("integer", "count")

    def sensible(self) -> bool:
        """Return whether the range has an element and stays within what its kind allows."""
        if self.kind == "count" and (self.low is None or self.low < 1 or not self.low_in):
            return False
        if self.kind == "rate" and (self.low is None or self.high is None or self.low < 0 or self.high > 1):
            return False
        if self.kind == "rate" and self.high == 1 and self.high_in:
            return False  # a kept unit is divided by 1 - q
        if self.low is None or self.high is None:
            return True
        return self.low < self.high or (self.low == self.high and self.low_in and self.high_in)


def is_zero(expression: Any) -> bool:
    """Return whether an expression is 0 as a rational function of its symbols."""
    if expression == 0:
        return True
    split = _split(expression)
    stand_ins: dict[Any, Any] = {}
    powers: dict[Any, Any] = {}
    for power in (e for e in split.atoms(sympy.Pow) if e.exp.free_symbols):
        times, exponent = power.exp.as_coeff_Mul()  # q^(2K) is the square of q^K, 2^(-K) the inverse of 2^K
        if not times.is_Integer:
            times, exponent = sympy.Integer(1), power.exp
        powers[power] = stand_ins.setdefault((power.base, exponent), sympy.Dummy()) ** times
    top, _ = sympy.fraction(sympy.together(split.xreplace(powers)))
    return bool(sympy.expand(top) == 0)


def _split(expression: Any) -> Any:
    """Return an expression with q^(K + 1) as q^K times q."""

    def split(power: Any) -> Any:
        base, exponent = power.args
        return sympy.Mul(*(base**term for term in sympy.Add.make_args(sympy.expand(exponent))))

    return expression.replace(lambda e: e.is_Pow and bool(e.exp.free_symbols), split)


def abstracted(
    expression: Any, variables: Sequence[Variable], *, whole: bool = True
) -> tuple[Any, tuple[Variable, ...]]:
    """Return an expression with powers such as q^K as new variables, and the variables with them.

    A base in (0, 1) with a positive exponent lies in (0, 1), a base of at least 1 with an exponent that is not
    negative is at least 1, any positive base has a positive power. ``whole`` leaves q^(K + 1) as one power; without it
    is q^K times q.
    """
    split = expression if whole else _split(expression)
    found: list[Variable] = list(variables)
    new: dict[Any, Any] = {}
    powers = [e for e in sympy.preorder_traversal(split) if e.is_Pow and e.exp.free_symbols]
    for place, power in enumerate(dict.fromkeys(powers), 1):
        base, exponent = power.args
        if manifest_sign(base, variables) != "positive":
            continue
        low, high, closed = Fraction(0), None, False
        if manifest_sign(1 - base, variables) == "positive" and manifest_sign(exponent, variables) == "positive":
            high = Fraction(1)
        elif manifest_sign(base - 1, variables) != "unknown" and manifest_sign(exponent, variables) != "unknown":
            low, closed = Fraction(1), True
        stand_in = Variable(term=symbol("power", place), meaning=str(power), low=low, high=high, low_in=closed)
        new[power] = stand_in.term.expression()
        found.append(stand_in)
    return split.xreplace(new), tuple(found)


def manifest_sign(expression: Any, variables: Sequence[Variable]) -> Manifest:
    """Return whether an expression is manifestly positive or not negative on the ranges; else ``unknown``."""
    expression = sympy.sympify(expression)
    if expression.is_Rational:
        return "positive" if expression > 0 else "nonnegative" if expression == 0 else "unknown"
    found = _by_parts(expression, variables)
    return found if found != "unknown" else _by_coefficients(expression, variables)


def _by_parts(expression: Any, variables: Sequence[Variable]) -> Manifest:
    if expression.is_Mul:
        signs = [manifest_sign(factor, variables) for factor in expression.args]
        if "unknown" in signs:
            return "unknown"
        return "nonnegative" if "nonnegative" in signs else "positive"
    if expression.is_Pow and expression.exp.is_Integer:
        sign = manifest_sign(expression.base, variables)
        if expression.exp > 0:
            if sign != "unknown":
                return sign
            return "nonnegative" if expression.exp % 2 == 0 else "unknown"
        return "positive" if sign == "positive" else "unknown"
    if expression.is_Add:
        signs = [_by_parts(term, variables) if not term.is_Rational else "unknown" for term in expression.args]
        if "unknown" not in signs:
            return "positive" if "positive" in signs else "nonnegative"
    return "unknown"


def _by_coefficients(expression: Any, variables: Sequence[Variable]) -> Manifest:
    ends = ((v.term.expression(), v.low, v.high, v.low_in, v.high_in) for v in variables)
    return _sign_on(expression, tuple(end for end in ends if expression.has(end[0])))


@lru_cache(maxsize=1 << 12)
def _sign_on(expression: Any, ranges: tuple[Range, ...]) -> Manifest:
    """Return the sign by coefficients; a proof and its neighbours ask for many signs again and again."""
    parameters: dict[Any, bool] = {}
    moved: dict[Any, Any] = {}
    for atom, below, above, low_in, high_in in ranges:
        for name, written, positive in _written(below, above, low_in, high_in):
            moved[atom] = written
            parameters[name] = positive
    written = expression.xreplace(moved)
    if not written.free_symbols <= set(parameters) or written.atoms(sympy.Function):
        return "unknown"
    top, bottom = sympy.fraction(sympy.cancel(sympy.together(written)))
    signs = [_coefficients(part, parameters) for part in (top, bottom)]
    if "negative" in signs:  # both may have changed their sign
        signs = [_coefficients(-part, parameters) for part in (top, bottom)]
    if signs[1] != "positive" or signs[0] in ("unknown", "negative"):
        return "unknown"
    return "positive" if signs[0] == "positive" else "nonnegative"


def _written(
    below: Fraction | None, above: Fraction | None, low_in: bool, high_in: bool
) -> Iterator[tuple[Any, Any, bool]]:
    """Yield the parameter, the variable in it, and whether the parameter is positive (else not negative)."""
    name = sympy.Dummy("u")
    low, high = (None if end is None else sympy.Rational(end.numerator, end.denominator) for end in (below, above))
    if low is not None and high is not None:
        if low_in and high_in:
            return  # no parameter of one sign covers a closed interval
        if high_in:
            yield name, (low * name + high) / (1 + name), not high_in
        else:
            yield name, (low + high * name) / (1 + name), not low_in
    elif low is not None:
        yield name, low + name, not low_in
    elif high is not None:
        yield name, high - name, not high_in


def _coefficients(part: Any, parameters: Mapping[Any, bool]) -> str:
    names = list(parameters)
    if not names:
        if not part.is_Rational:  # such as a quotient by 0
            return "unknown"
        return "positive" if part > 0 else "nonnegative" if part == 0 else "negative"
    try:
        terms = sympy.Poly(part, *names).terms()
    except sympy.PolynomialError:
        return "unknown"
    if any(not c.is_Rational for _, c in terms):
        return "unknown"
    if all(c >= 0 for _, c in terms):
        sure = any(
            c > 0 and all(not e or parameters[n] for e, n in zip(exponents, names, strict=True))
            for exponents, c in terms
        )
        return "positive" if sure else "nonnegative"
    return "negative" if all(c <= 0 for _, c in terms) else "unknown"


def in_range(value: Any, variable: Variable, variables: Sequence[Variable]) -> bool:
    """Return whether an expression manifestly lies in the range of a variable, for all values of ``variables``."""
    if variable.integral and not _is_integral(value, variables):
        return False
    for end, sign, inside in ((variable.low, 1, variable.low_in), (variable.high, -1, variable.high_in)):
        if end is not None:
            room = manifest_sign(sign * (value - sympy.Rational(end.numerator, end.denominator)), variables)
            if room == "unknown" or (room == "nonnegative" and not inside):
                return False
    return True


def _is_integral(value: Any, variables: Sequence[Variable]) -> bool:
    integers = {v.term.expression() for v in variables if v.integral}
    if not value.free_symbols <= integers:
        return False
    if not integers or value.is_Rational:
        return bool(value.is_Integer)
    try:
        return all(c.is_Integer for c in sympy.Poly(value, *sorted(integers, key=str)).coeffs())
    except sympy.PolynomialError:
        return False


def expanded(expression: Any, definitions: Mapping[Any, Any]) -> Any:
    """Return an expression with definitions written out, the last first, since each may use those before it."""
    for name, value in reversed(list(definitions.items())):
        expression = expression.xreplace({name: value})
    return expression


def divisors(term: Term) -> list[tuple[Any, Any]]:
    """Return what a formula divides by, each with None, and the bases of its powers, each with the exponent."""
    found: list[tuple[Any, Any]] = []
    for node in walk(term.node):
        if isinstance(node, Divide):
            found.append((Term(node.bottom).expression(), None))
        elif isinstance(node, Power):
            found.append((Term(node.base).expression(), Term(node.exponent).expression()))
    return found


def counts(exponent: Any, variables: Sequence[Variable]) -> bool:
    """Return whether an exponent is an integer that is not negative."""
    return _is_integral(exponent, variables) and manifest_sign(exponent, variables) != "unknown"


def point(variables: Sequence[Variable]) -> dict[Any, Any]:
    """Return one value in its range for each variable."""
    found = {}
    for place, variable in enumerate(variables, 2):
        low, high = variable.low, variable.high
        if low is not None and high is not None:
            value = low + (high - low) * Fraction(place, 2 * place + 3)
        elif variable.integral:
            value = Fraction(place) + (low or 0)
        else:
            step = Fraction(3 * place + 1, 7)
            value = low + step if low is not None else high - step if high is not None else step
        found[variable.term.expression()] = sympy.Rational(value.numerator, value.denominator)
    return found


def value_at(expression: Any, values: Mapping[Any, Any]) -> Any:
    """Return the value at a point; a function without a definition stands for one arbitrary polynomial."""
    from sympy.core.function import AppliedUndef

    found = expression.xreplace(dict(values))
    while calls := [f for f in found.atoms(AppliedUndef) if not f.free_symbols]:
        inner = min(calls, key=sympy.count_ops)
        if str(inner.func) == "relu":
            worth = sympy.Max(0, inner.args[0])
        else:
            worth = 3 + sum((i + 2) * argument**i for i, argument in enumerate(inner.args, 1))
        found = found.xreplace({inner: worth})
    return found


def differs(expression: Any) -> bool:
    """Return whether an expression has another value than 0 at one point, each of its symbols a number of its own."""
    names = sorted(expression.free_symbols, key=str)
    value = value_at(
        expression, {name: sympy.Integer(prime) for name, prime in zip(names, sympy.primerange(5, 999), strict=False)}
    )
    return bool(value.is_Rational and value != 0)


@lru_cache(maxsize=256)
def with_defined(variables: tuple[Variable, ...], definitions: tuple[tuple[Any, Any], ...]) -> tuple[Variable, ...]:
    """Return the variables, and the names that are defined with the ranges that their values have."""
    found = list(variables)
    given = dict(definitions)
    named = point([v for v in variables if v.term.expression() not in given])
    for name, value in definitions:
        signs = dict.fromkeys(itertools.product((0, 1), (1, -1)), "unknown")
        somewhere = value_at(expanded(value, given), named)
        for end, direction in signs:
            if not somewhere.is_Rational or direction * (somewhere - end) >= 0:  # else it has no such sign
                signs[end, direction] = manifest_sign(*abstracted(direction * (value - end), found))
        low = next((end for end in (1, 0) if signs[end, 1] != "unknown"), None)
        high = next((end for end in (0, 1) if signs[end, -1] != "unknown"), None)
        found.append(
            Variable(
                term=symbol(str(name)),
                meaning="",
                kind="integer" if counts(value, found) else "real",
                low=None if low is None else Fraction(low),
                high=None if high is None else Fraction(high),
                low_in=low is not None and signs[low, 1] == "nonnegative",
                high_in=high is not None and signs[high, -1] == "nonnegative",
            )
        )
    return tuple(found)


def inside(value: Any, variable: Variable, ranges: tuple[Variable, ...]) -> bool:
    """Return whether a value lies in the range of a variable."""
    shown, wider = abstracted(value, ranges)
    return in_range(shown, variable, wider)


def without_relu(expression: Any, ranges: Sequence[Variable]) -> Any:
    """Return the expression with each relu resolved by the manifest sign of its argument; None where none is."""
    relu = sympy.Function("relu")
    for found in sorted(expression.atoms(relu), key=sympy.count_ops):
        argument = found.args[0]
        if manifest_sign(*abstracted(argument, ranges)) != "unknown":
            expression = expression.xreplace({found: argument})
        elif manifest_sign(*abstracted(-argument, ranges)) != "unknown":
            expression = expression.xreplace({found: sympy.Integer(0)})
        else:
            return None
    return expression


def exact_value(value: Any) -> Any:
    """Return a number or an expression as SymPy has it, fractions as rationals."""
    if isinstance(value, Fraction):
        return sympy.Rational(value.numerator, value.denominator)
    return sympy.sympify(value)
