"""Sums, products and quotients of formulas: numerators that are sums of products, over one denominator.

A fraction is (ring, pieces, denominator) and stands for Σ_i ∏_j f_ij / denominator. Fractions of two derivations meet
in the ring over the generators of both, under the assumptions on signs of both.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any, NamedTuple

import flint

from exactdropout.errors import InvalidInput
from exactdropout.symbolic.ring.calculus import Substitution
from exactdropout.symbolic.ring.ring import ReluPolynomial, ReluRing, RunningSum

__all__ = [
    "Piece",
    "Ratio",
    "added",
    "differs",
    "generic_point",
    "inverted",
    "multiplied",
    "one",
    "oriented",
    "reduced",
    "sample_points",
    "unit_denominator",
]

Piece = tuple[ReluPolynomial, ...]


class Ratio(NamedTuple):
    """Σ_i ∏_j ``pieces[i][j]`` / ``denominator``."""

    ring: ReluRing
    pieces: tuple[Piece, ...]
    denominator: ReluPolynomial


def joined(left: Ratio, right: Ratio) -> tuple[Ratio, Ratio]:
    """Return both in one ring."""
    if left.ring is right.ring:
        return left, right
    positive, nonnegative = (
        [*getattr(left.ring, name)(), *getattr(right.ring, name)()]
        for name in ("positive_generators", "nonnegative_generators")
    )
    ring = ReluRing((*left.ring.generators, *right.ring.generators), positive=positive, nonnegative=nonnegative)

    def moved(ratio: Ratio) -> Ratio:
        apply = Substitution(ratio.ring, ring, [ring.generator(g) for g in ratio.ring.generators])
        pieces = tuple(tuple(map(apply, piece)) for piece in ratio.pieces)
        return Ratio(ring, pieces, apply(ratio.denominator))

    return moved(left), moved(right)


def added(left: Ratio, right: Ratio) -> Ratio:
    """Return the sum over the least common denominator that is seen: products of generators are."""
    left, right = joined(left, right)
    if left.denominator == right.denominator:
        return Ratio(left.ring, left.pieces + right.pieces, left.denominator)
    up, down = left.denominator, right.denominator
    if _is_plain(up) and _is_plain(down):  # divide what both have away
        common = ReluPolynomial(left.ring, {(): up.terms[()].gcd(down.terms[()])})
        up, down = _quotient(up, common), _quotient(down, common)
    pieces = [(down, *piece) for piece in left.pieces] + [(up, *piece) for piece in right.pieces]
    return Ratio(left.ring, tuple(pieces), left.denominator * down)


def multiplied(left: Ratio, right: Ratio) -> Ratio:
    """Return the product."""
    left, right = joined(left, right)
    pieces = tuple(a + b for a in left.pieces for b in right.pieces)
    return Ratio(left.ring, pieces, left.denominator * right.denominator)


def inverted(ratio: Ratio, numerator: ReluPolynomial) -> Ratio:
    """Return denominator/numerator.

    Raises:
        InvalidInput: the numerator is 0.
    """
    if not numerator:
        raise InvalidInput("Argument 'other' must not be 0 in a division.")
    return Ratio(ratio.ring, ((ratio.denominator,),), numerator)


def _is_plain(element: ReluPolynomial) -> bool:
    return list(element.terms) == [()]


def _quotient(element: ReluPolynomial, divisor: ReluPolynomial) -> ReluPolynomial:
    below = divisor.terms[()]
    return ReluPolynomial(element.ring, {m: c / below for m, c in element.terms.items()})


def reduced(pieces: tuple[Piece, ...], denominator: ReluPolynomial) -> tuple[tuple[Piece, ...], ReluPolynomial]:
    """Return a numerator of one piece and its denominator without the polynomial factor that they share."""
    if len(pieces) != 1 or len(pieces[0]) != 1 or not _is_plain(denominator):
        return pieces, denominator
    common = denominator.terms[()]
    for coefficient in pieces[0][0].terms.values():
        common = common.gcd(coefficient)
        if common.is_constant():
            return pieces, denominator
    divisor = ReluPolynomial(denominator.ring, {(): common})
    return ((_quotient(pieces[0][0], divisor),),), _quotient(denominator, divisor)


def oriented(element: ReluPolynomial) -> ReluPolynomial:
    """Return the same function with one form for relu(z) and relu(−z), and without powers of relu.

    relu(−z) = relu(z) − z and relu(z)² = z relu(z). Of z and −z that one stays whose leading coefficient is positive.
    An element that becomes 0 is the function 0.
    """
    ring = element.ring
    images: dict[int, ReluPolynomial] = {}

    def image(number: int) -> ReluPolynomial:
        if number not in images:
            atom = ring.atoms[number]
            z = oriented(atom.argument)
            if atom.kind == "step":
                images[number] = ring.step(z)
            else:
                images[number] = ring.relu(-z) + z if _leads_negative(z) else ring.relu(z)
        return images[number]

    turned = RunningSum(ring)
    for monomial, coefficient in element.terms.items():
        term = ReluPolynomial(ring, {(): coefficient})
        for number in monomial:
            term = term * image(number)
        turned.add(term)
    flat = RunningSum(ring)
    for monomial, coefficient in turned.total.terms.items():
        once = tuple(dict.fromkeys(monomial))
        term = ReluPolynomial(ring, {once: coefficient})
        for number in once:
            for _ in range(monomial.count(number) - 1):
                term = term * ring.atoms[number].argument
        flat.add(term)
    return flat.total


def _leads_negative(z: ReluPolynomial) -> bool:
    if not z.terms:
        return False
    first = z.terms[min(z.terms)]
    return bool(first.leading_coefficient() < 0)


def sample_points(ring: ReluRing, count: int = 40) -> list[dict[str, Fraction]]:
    """Return rational points that respect the known signs, the same for the same names: small numbers of both signs."""
    symbols = {s: i for i, g in enumerate(ring.generators) for s in g.free_symbols}
    points = []
    for number in range(count):
        point = {}
        for symbol, index in symbols.items():
            source = random.Random(f"{symbol} {number}")
            if not ring.generators[index].is_Symbol:  # 1 − q
                point[str(symbol)] = Fraction(source.randint(1, 9), 10)
            elif ring.known_nonnegative(index):
                point[str(symbol)] = Fraction(source.randint(1, 12), 4)
            else:
                point[str(symbol)] = Fraction(source.randint(-12, 12), 4)
        points.append(point)
    return points


def generic_point(symbols: Iterable[object]) -> dict[str, Fraction]:
    """Return numbers in (0, 1) for symbols, the same for the same names, at which no denominator of ours is 0."""
    return {str(s): Fraction(1 + random.Random(str(s)).randrange(2**40), 2**40 + 2) for s in symbols}


def differs(evaluate: Callable[[Mapping[Any, Any]], Fraction], ring: ReluRing) -> bool:
    """Return whether a function is not 0 at one of the sample points."""
    for point in sample_points(ring):
        try:
            if evaluate(point):
                return True
        except InvalidInput:  # a denominator is 0 there, or an entry is irrational
            continue
    return False


def one(ring: ReluRing, value: Fraction) -> Ratio:
    """Return a rational number in a ring."""
    return Ratio(ring, ((ring.constant(value),),) if value else (), ring.one)


def unit_denominator(denominator: ReluPolynomial) -> flint.fmpq | None:
    """Return the rational number that a denominator is, None for another one."""
    scale = denominator.terms.get(()) if len(denominator.terms) == 1 else None
    return scale.leading_coefficient() if scale is not None and scale.is_constant() else None
