"""The derivative in the drop probability, and where a quantity rises and falls in q.

With numbers in all other places a formula is N(p)/p^k, N a polynomial in p = 1 − q and in relu and step of such. The
arguments' real roots in (0, 1) cut it into pieces on which every relu and step is resolved; on a piece it is a
rational function of q. The quantity is continuous in q, so stretches of one direction join across the cuts, and a
zero of the derivative without a change of its sign does not end a stretch.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, TypeAlias

import flint

from exactdropout.algebra.algebraic import Algebraic, RationalFunction, odd_roots, sign_at, simplest_between
from exactdropout.errors import InvalidInput
from exactdropout.notation.chart import axes_of, cut_poles
from exactdropout.notation.latex import QUANTITY_LATEX
from exactdropout.notation.page import block_html, latex_html, table_html
from exactdropout.symbolic.criterion.formula import Formula, formula
from exactdropout.symbolic.criterion.symbols_for_entries import free_rates
from exactdropout.symbolic.ring.calculus import Differentiation
from exactdropout.symbolic.ring.ring import ReluPolynomial

__all__ = ["MonotoneStretches", "PieceInQ", "Stretch", "derivative_in_rates", "monotone_stretches", "slope"]

LINES = {"increasing": "-", "decreasing": "--", "constant": ":"}
POINTS = 200
"""Parts into which a stretch is cut for its picture."""

Direction: TypeAlias = Literal["increasing", "decreasing", "constant"]


def slope(of: Formula, values: Mapping[int, ReluPolynomial]) -> Formula:
    """Return D(N/∏p_i^k_i) = (D(N) ∏p_i − N Σ k_i D(p_i) ∏_{j≠i} p_j)/∏p_i^{k_i+1} for a derivation D of the ring."""
    ring = of.ring
    apply = Differentiation(ring, values)
    ((exponents, _size),) = of.denominator.terms[()].terms()
    moving = [i for i, e in enumerate(exponents) if e and i in values]
    product = ring.one
    for i in moving:
        product = product * ring.generator(ring.generators[i])
    numerator = apply(of.numerator) * product
    for i in moving:
        rest = ring.one
        for j in moving:
            rest = rest * ring.generator(ring.generators[j]) if j != i else rest
        numerator = numerator - of.numerator * (values[i] * int(exponents[i])) * rest
    return formula(ring, [(numerator,)] if numerator else [], of.denominator * product)


def derivative_in_rates(derivation: Any, quantity: str, layers: Sequence[int]) -> Formula:
    """Return Σ ∂/∂q_l over the given layers."""
    target = derivation._problem
    problem, keeps, back, rates = free_rates(derivation.network, derivation.data, target)
    copy = type(derivation)(
        network=derivation.network, data=derivation.data, rates=rates, cost=derivation.cost, _problem=problem
    )
    minus = -problem.ring.one
    found = slope(getattr(copy, quantity), {keeps[layer]: minus for layer in layers})
    return formula(target.ring, [tuple(map(back, piece)) for piece in found.pieces], back(found.denominator))


@dataclass(frozen=True, kw_only=True)
class PieceInQ:
    """The rational function that a quantity is for q between two numbers."""

    low: Algebraic
    high: Algebraic
    function: RationalFunction


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """A maximal open interval of q on which a quantity is strictly monotone, or constant."""

    low: Algebraic
    high: Algebraic
    direction: Direction

    def __str__(self) -> str:
        """Return the direction and the ends; irrational ends by thirteen decimals."""
        return f"{self.direction} on ({self.low}, {self.high})"


@dataclass(frozen=True, kw_only=True, repr=False)
class MonotoneStretches:
    """Where a quantity rises and falls for q in (0, 1): exact ends, neighbours of different directions."""

    quantity: str
    pieces: tuple[PieceInQ, ...]
    stretches: tuple[Stretch, ...]

    def __repr__(self) -> str:
        """Return the stretches."""
        return f"MonotoneStretches({', '.join(map(str, self.stretches))})"

    def latex(self) -> str:
        """Return the quantity as a function of q, by cases."""
        rows = [
            rf"{piece.function.latex()}, & {piece.low.latex()} \le q \le {piece.high.latex()}" for piece in self.pieces
        ]
        if len(rows) == 1:
            return self.pieces[0].function.latex()
        return r"\begin{cases}" + r" \\ ".join(rows) + r"\end{cases}"

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle {self.latex()}$"

    def _repr_html_(self) -> str:
        rows = [[latex_html(s.low.latex()), latex_html(s.high.latex()), s.direction] for s in self.stretches]
        shown = latex_html(rf"{QUANTITY_LATEX[self.quantity]} = {self.latex()}")
        return block_html(shown) + table_html(["q from", "to", f"the {self.quantity} is"], rows)

    def plot(self, axes: Any = None) -> Any:
        """Draw the quantity over q on Matplotlib axes, new ones or those given, and return them.

        Increasing stretches are solid, decreasing dashed, constant dotted. Values are floats of the exact function; at
        ends where it is infinite the curve is cut.

        Raises:
            MissingExtra: Matplotlib is not installed.
        """
        drawn = axes_of(axes)
        heights: list[float] = []
        for stretch in self.stretches:
            low, high = float(stretch.low), float(stretch.high)
            at = [low + (high - low) * k / POINTS for k in range(1, POINTS)]
            line = [self._value(q) for q in at]
            heights += line
            drawn.plot(at, line, LINES[stretch.direction], color="C0", label=f"{stretch.direction}")
        cut_poles(drawn, heights)
        drawn.axhline(0, color="0.8", linewidth=0.8, zorder=0)
        drawn.set_xlim(0, 1)
        drawn.set_xlabel("drop probability q")
        drawn.set_ylabel(self.quantity)
        drawn.legend(frameon=False)
        return drawn

    def _value(self, q: float) -> float:
        exact = Fraction(q)
        piece = next(p for p in self.pieces if not p.high < exact)
        return float(piece.function(exact))


def monotone_stretches(of: Formula, quantity: str) -> MonotoneStretches:
    """Return the stretches of a formula in which one symbol is free, as 1 − q or not at all."""
    if len(of.symbols) > 1:
        others = [str(symbol) for symbol in of.symbols if str(symbol) != "q"]
        shown = ", ".join(others[:6]) + (", ..." if len(others) > 6 else "")
        raise InvalidInput(
            f"Argument 'quantity' must depend on q alone, but the {quantity} depends on {shown} too; give numbers for "
            "weights and data."
        )
    indices = sorted(of._parts[1])
    for i in indices:
        g = of.ring.generators[i]
        if not (g.is_Add and (1 - g).is_Symbol):
            raise InvalidInput(
                f"Argument 'q' must be a symbol for monotone stretches, and occur as a rate, not in {g}."
            )
    reader = _Reader(of, indices[0] if indices else None)
    zero, one = Algebraic.rational(Fraction(0)), Algebraic.rational(Fraction(1))
    pieces = []
    for low, high, known in reader.split(zero, one):
        top, bottom = reader.polynomial(of.numerator, known), reader.polynomial(of.denominator, known)
        scale = top.denom() * bottom.denom()
        pieces.append(
            PieceInQ(low=low, high=high, function=RationalFunction(_whole(top, scale), _whole(bottom, scale)))
        )
    return MonotoneStretches(quantity=quantity, pieces=_joined(pieces), stretches=_stretches(pieces))


def _whole(polynomial: Any, scale: Any) -> Any:
    return (polynomial * scale).numer()


def _joined(pieces: Sequence[PieceInQ]) -> tuple[PieceInQ, ...]:
    joined: list[PieceInQ] = []
    for piece in pieces:
        if joined and joined[-1].function == piece.function:
            joined[-1] = PieceInQ(low=joined[-1].low, high=piece.high, function=piece.function)
        else:
            joined.append(piece)
    return tuple(joined)


def _stretches(pieces: Sequence[PieceInQ]) -> tuple[Stretch, ...]:
    found: list[Stretch] = []
    for piece in pieces:
        top, bottom = (flint.fmpz_poly(list(c)) for c in (piece.function.numerator, piece.function.denominator))
        change = top.derivative() * bottom - top * bottom.derivative()
        inner = [r for r in odd_roots(change) if piece.low < r < piece.high] if change else []
        ends = [piece.low, *inner, piece.high]
        for low, high in itertools.pairwise(ends):
            sign = sign_at(change, between(low, high)) if change else 0
            direction: Direction = "increasing" if sign > 0 else "decreasing" if sign < 0 else "constant"
            if found and found[-1].direction == direction:
                found[-1] = Stretch(low=found[-1].low, high=high, direction=direction)
            else:
                found.append(Stretch(low=low, high=high, direction=direction))
    return tuple(found)


def between(low: Algebraic, high: Algebraic) -> Fraction:
    """Return a rational number strictly between two algebraic ones."""
    while low.high >= high.low:
        low, high = (a.refined((a.high - a.low) / 64) for a in (low, high))
    return simplest_between(low.high, high.low)


class _Reader:
    """Reads ring elements in p = 1 − q as polynomials in q, the atoms resolved."""

    def __init__(self, of: Formula, index: int | None) -> None:
        self.ring, self.atoms, self.index = of.ring, of._parts[0], index
        self._keep = flint.fmpq_poly([1, -1])

    def coefficient(self, coefficient: Any) -> Any:
        """Return a polynomial in the generator p as one in q."""
        powers = {0 if self.index is None else int(m[self.index]): c for m, c in coefficient.terms()}
        in_p = flint.fmpq_poly([powers.get(k, 0) for k in range(max(powers) + 1)])
        return in_p(self._keep)

    def polynomial(self, element: ReluPolynomial, known: Mapping[int, Any]) -> Any:
        """Return an element as a polynomial in q where the atoms are the given polynomials."""
        total = flint.fmpq_poly([0])
        for monomial, coefficient in element.terms.items():
            term = self.coefficient(coefficient)
            for number in monomial:
                term = term * known[number]
            total = total + term
        return total

    def split(self, low: Algebraic, high: Algebraic) -> list[tuple[Algebraic, Algebraic, dict[int, Any]]]:
        """Return the intervals on which no argument of an atom changes its sign, with the atoms resolved on each."""
        intervals: list[tuple[Algebraic, Algebraic, dict[int, Any]]] = [(low, high, {})]
        for number in self.atoms:  # arguments come before what holds them
            atom = self.ring.atoms[number]
            following = []
            for start, end, known in intervals:
                z = self.polynomial(atom.argument, known)
                inner = [r for r in odd_roots(z.numer()) if start < r < end] if z else []
                ends = [start, *inner, end]
                for a, b in itertools.pairwise(ends):
                    on = bool(z) and sign_at(z.numer(), between(a, b)) > 0
                    value = (z if atom.kind == "relu" else flint.fmpq_poly([1])) if on else flint.fmpq_poly([0])
                    following.append((a, b, {**known, number: value}))
            intervals = following
        return intervals
