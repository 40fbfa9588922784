"""Moments for symbolic widths and depth: networks whose layers have equal units, by one step from layer to layer.

Let all weights into a layer be one number c ≥ 0, all inputs 1, no biases (Helmbold and Long 2017, Theorem 18, where
c is the same for every layer). Then every pre-activation is ≥ 0, relu is the identity, and all units of a layer have
one value h′ = c Σ_i r_i h_i/p, so that, with n units before it, E r = E r² = p and independent masks,

    E h′ = c n E h,   E h′² = c²/p² · (n p E h² + n (n − 1) p² E h_i h_k).

For inputs E h² = E h_i h_k = 1, for a layer of equal units E h_i h_k = E h². The code expands this step; the ratio
E h′²/((E h′)² E h²/(E h)²) does not depend on E h and E h², which is the induction: E D²/(E D)² is the product of the
ratios.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Unpack

import sympy

from exactdropout.errors import InvalidInput, MixedNumbers
from exactdropout.model.numbers import scalar, show
from exactdropout.notation.document import document
from exactdropout.notation.style import Style, StyleOptions, styled

__all__ = ["UniformMoments", "uniform_moments"]


@dataclass(frozen=True, kw_only=True)
class UniformMoments:
    """E D, Var D and E D²/(E D)² of a network with equal units, as SymPy expressions.

    ``variance`` is written in ``mean`` = y: y² (growth − 1). ``output`` is the mean in weights and widths: with masks
    of mean 1 and no unit ever off it is W(x) too, so that the bias of Var + bias is 0 and the penalty is the variance.
    ``factors`` holds E h′²/(E h′)² over E h²/(E h)² for each dropped layer, the inputs first; with a symbolic depth
    one for the inputs and one for layer l.
    """

    output: sympy.Expr
    mean: sympy.Expr
    growth: sympy.Expr
    variance: sympy.Expr
    factors: tuple[sympy.Expr, ...]

    def latex(self, style: Style | None = None, **options: Unpack[StyleOptions]) -> str:
        """Return E[D], Var[D] and E[D²]/E[D]² as aligned equations."""
        chosen = styled(style, options)
        lines = [
            rf"\mathbb{{E}}[D] &= {sympy.latex(self.output)}",
            rf"\operatorname{{Var}}[D] &= {sympy.latex(self.variance)}, \quad "
            rf"{sympy.latex(self.mean)} = \mathbb{{E}}[D]",
            rf"\mathbb{{E}}[D^2] / \mathbb{{E}}[D]^2 &= {sympy.latex(self.growth)}",
        ]
        environment = "align*" if chosen.standalone or chosen.environment != "none" else "aligned"
        body = " \\\\\n".join(lines)
        shown = f"\\begin{{{environment}}}\n{body}\n\\end{{{environment}}}"
        return document(shown) if chosen.standalone else shown

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle {self.latex()}$"

    def criterion(self, label: Any) -> sympy.Expr:
        """Return E (D − label)² = Var D + (E D − label)²."""
        return self.variance + (self.mean - _exact(label, "label")) ** 2


def uniform_moments(
    inputs: Any,
    hidden: Any = (),
    q: Any = None,
    *,
    depth: Any = None,
    weights: Any = None,
    mean: Any = None,
) -> UniformMoments:
    """Derive mean and variance of D for inputs all 1, no biases and equal weights ≥ 0 in each layer, for all sizes.

    Args:
        inputs: K, an integer or a symbol.
        hidden: the widths of the hidden layers; with ``depth`` one width for all d − 1 of them, or a SymPy
            ``IndexedBase`` n with the widths n[1], …, n[d − 1].
        q: one rate, or one for each dropped layer (inputs first); with an ``IndexedBase`` depth also an
            ``IndexedBase`` q with q[0], …, q[d − 1]. None is the symbol q.
        depth: the symbol d, or None where ``hidden`` lists the layers.
        weights: the weight c of all layers, or one for each layer; None is the symbol c.
        mean: the name under which the mean appears in ``variance``; None is the symbol y.

    Exact, for every K, n, d ≥ 1 and 0 ≤ q < 1. Cost: none to speak of.

    Raises:
        InvalidInput: arguments that do not fit together.

    >>> K, n, d = sympy.symbols("K n d", integer=True, positive=True)
    >>> uniform_moments(K, n, Fraction(1, 2), depth=d).variance       # Theorem 18
    y**2*((1 + 1/K)*(1 + 1/n)**(d - 1) - 1)
    """
    y = sympy.Symbol("y") if mean is None else _exact(mean, "mean")
    width = _exact(inputs, "inputs")
    if depth is None:
        if isinstance(hidden, (str, sympy.IndexedBase)) or not isinstance(hidden, Sequence):
            raise InvalidInput(f"Argument 'hidden' must be a list of widths where 'depth' is None, not {show(hidden)}.")
        widths = [width, *(_exact(n, "hidden") for n in hidden)]
        rates = _listed(sympy.Symbol("q") if q is None else q, len(widths), "q")
        sizes = _listed(sympy.Symbol("c") if weights is None else weights, len(widths), "weights")
        factors = tuple(_step(n, rate, first=k == 0) for k, (n, rate) in enumerate(zip(widths, rates, strict=True)))
        growth = sympy.Mul(*factors, evaluate=True)
        output = sympy.Mul(*widths, *sizes)
    else:
        growth, output, factors = _any_depth(width, hidden, q, _exact(depth, "depth"), weights)
    return UniformMoments(output=output, mean=y, growth=growth, variance=y**2 * (growth - 1), factors=factors)


def _step(width: sympy.Expr, rate: sympy.Expr, *, first: bool) -> sympy.Expr:
    """Return the ratio of E h²/(E h)² after and before a layer of ``width`` units with drop probability ``rate``."""
    keep, one, square, pair = sympy.symbols("p m s t", positive=True)
    c = sympy.Symbol("c", positive=True)
    before = {square: 1, pair: 1, one: 1} if first else {pair: square}
    after_mean = c * width * one
    after_square = c**2 / keep**2 * (width * keep * square + width * (width - 1) * keep**2 * pair)
    ratio = sympy.expand(((after_square / after_mean**2) / (square / one**2)).subs(before))
    if ratio.has(square, pair, one, c):
        raise RuntimeError("a step of the induction depends on the moments before it")
    odds = sympy.Symbol("t", positive=True)  # q/p; the ratio is 1/(p m) + (m − 1)/m
    rest = sympy.expand(sympy.expand(ratio.subs(keep, 1 / (1 + odds)) - 1))
    return 1 + rest.subs(odds, rate / (1 - rate))


def _any_depth(
    width: sympy.Expr, hidden: Any, q: Any, depth: sympy.Expr, weights: Any
) -> tuple[sympy.Expr, sympy.Expr, tuple[sympy.Expr, ...]]:
    layer = sympy.Symbol("l", integer=True, positive=True)
    rate = sympy.Symbol("q") if q is None else q
    size = sympy.Symbol("c") if weights is None else weights
    indexed = [v for v in (hidden, rate, size) if isinstance(v, sympy.IndexedBase)]
    n = hidden[layer] if isinstance(hidden, sympy.IndexedBase) else _exact(hidden, "hidden")
    inner = rate[layer] if isinstance(rate, sympy.IndexedBase) else _exact(rate, "q")
    outer = rate[0] if isinstance(rate, sympy.IndexedBase) else inner
    first, later = _step(width, outer, first=True), _step(n, inner, first=False)
    if not indexed:
        c = _exact(size, "weights")
        return first * later ** (depth - 1), width * n ** (depth - 1) * c**depth, (first, later)
    c = size[layer] if isinstance(size, sympy.IndexedBase) else _exact(size, "weights")
    grown = _product(later, layer, depth - 1)
    output = width * _product(n, layer, depth - 1) * _product(c, layer, depth)
    return first * grown, output, (first, later)


def _product(factor: sympy.Expr, layer: sympy.Symbol, last: sympy.Expr) -> sympy.Expr:
    return sympy.Product(factor, (layer, 1, last)) if factor.has(layer) else factor**last


def _listed(value: Any, count: int, name: str) -> list[sympy.Expr]:
    if isinstance(value, Sequence) and not isinstance(value, str):
        if len(value) != count:
            raise InvalidInput(f"Argument {name!r} must have {count} entries, one per layer, not {len(value)}.")
        return [_exact(v, name) for v in value]
    return [_exact(value, name)] * count


def _exact(value: Any, name: str) -> sympy.Expr:
    if isinstance(value, sympy.Expr) and not value.is_number:
        if value.has(sympy.Float):
            raise MixedNumbers(f"Argument {name!r} must be exact, not {show(value)}, which holds a SymPy Float.")
        return value
    number, kind = scalar(value, name)
    if kind == "float64":
        raise MixedNumbers(f"Argument {name!r} must be exact, not the float {value!r}; write a Fraction.")
    exact = sympy.Rational(number.numerator, number.denominator) if isinstance(number, Fraction) else number
    low = 0 if name in ("q", "weights", "label", "mean") else 1
    if name not in ("label", "mean") and (exact < low or (name == "q" and exact >= 1)):
        bounds = "0 <= q < 1" if name == "q" else f"be at least {low}"
        raise InvalidInput(f"Argument {name!r} must {'satisfy ' if name == 'q' else ''}{bounds}, not {show(value)}.")
    return exact
