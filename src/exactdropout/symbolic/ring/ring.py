"""Polynomials in symbols and in relu(z), step(z) of such polynomials: the ring in which derivations are built.

An element is Σ_M c_M · M, where every coefficient c_M is a FLINT polynomial over the rationals in the *generators*
(weights, inputs, labels, keep probabilities) and every M is a product of *atoms*. An atom is relu(z) or step(z) of
an element z, made once and numbered. All generators are real. What is known of their signs is used at once:

- relu(z) = z where every coefficient of z is non-negative and every factor in it is known to be ≥ 0; relu(z) = 0
  where −z is such;
- relu(c z) = c relu(z) for a product c ≥ 0 of rationals, generators and atoms, so every z is kept primitive;
- step(z) step(z) = step(z) and step(z) relu(z) = relu(z).

Nothing is expanded as an expression tree; SymPy expressions are made only when they are asked for.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, TypeAlias

import flint
import sympy

from exactdropout.errors import InvalidInput
from exactdropout.model.numbers import show

__all__ = ["Atom", "ReluPolynomial", "ReluRing", "RunningSum"]

Monomial: TypeAlias = tuple[int, ...]
"""Atom numbers in ascending order, repeated for powers."""

Terms: TypeAlias = dict[Monomial, Any]


@dataclass(frozen=True)
class Atom:
    """relu(z) or step(z) of an element z of the ring."""

    kind: Literal["relu", "step"]
    argument: ReluPolynomial


class ReluRing:
    """The ring over given generators: SymPy symbols, or opaque real expressions such as √2 or 1 − q.

    >>> x, w = sympy.symbols("x w")
    >>> ring = ReluRing([x, w])
    >>> z = ring.generator(x) * ring.generator(w)
    >>> from exactdropout.symbolic.ring.to_sympy import to_sympy
    >>> str(to_sympy(ring.relu(z * 2)))
    '2*relu(w*x)'
    """

    def __init__(
        self,
        generators: Iterable[sympy.Expr],
        *,
        positive: Iterable[sympy.Expr] = (),
        nonnegative: Iterable[sympy.Expr] = (),
    ) -> None:
        """Fix the generators; their SymPy assumptions are read here, and the signs that are decreed beside them."""
        decreed = set(positive)
        at_least_zero = decreed | set(nonnegative)
        self.generators: tuple[sympy.Expr, ...] = tuple(dict.fromkeys(generators))
        self.context = flint.fmpq_mpoly_ctx.get([f"g{i}" for i in range(len(self.generators))], "degrevlex")
        self.atoms: list[Atom] = []
        self.written: Any = None  # SymPy forms made so far, kept by to_sympy.py
        self._elements: list[ReluPolynomial] = []
        self._numbers: dict[Any, int] = {}
        self._position = {g: i for i, g in enumerate(self.generators)}
        self._nonnegative = [i for i, g in enumerate(self.generators) if g.is_nonnegative or g in at_least_zero]
        self._positive = {i for i, g in enumerate(self.generators) if g.is_positive or g in decreed}
        self._signed = sorted(set(range(len(self.generators))) - set(self._nonnegative))
        self._steps: set[int] = set()
        self.zero = ReluPolynomial(self, {})
        self.one = self.constant(1)

    def constant(self, value: int | Fraction) -> ReluPolynomial:
        """Return a rational constant."""
        rational = flint.fmpq(value.numerator, value.denominator)
        return ReluPolynomial(self, {(): self.context.constant(rational)} if value else {})

    def generator(self, expression: sympy.Expr) -> ReluPolynomial:
        """Return a generator as an element."""
        return ReluPolynomial(self, {(): self.context.gen(self._position[expression])})

    def element(self, value: Any) -> ReluPolynomial:
        """Return a Fraction, or a SymPy expression that is polynomial in the generators, as an element."""
        if isinstance(value, (int, Fraction)):
            return self.constant(value)
        if value in self._position:
            return self.generator(value)
        exponents, generators = sympy.polys.polyutils.parallel_dict_from_expr((value,))
        total = self.zero
        for powers, coefficient in exponents[0].items():
            if not coefficient.is_Rational:
                raise InvalidInput(f"A coefficient must be a rational number, not {show(coefficient)}.")
            term = self.constant(Fraction(int(coefficient.p), int(coefficient.q)))
            for generator, power in zip(generators, powers, strict=True):
                for _ in range(power):
                    term = term * self.generator(generator)
            total = total + term
        return total

    def relu(self, z: ReluPolynomial) -> ReluPolynomial:
        """Return relu(z) = max(z, 0), simplified by what is known of signs."""
        if not z.terms or self.is_nonnegative(z):
            return z
        if self.is_nonpositive(z):
            return self.zero
        factor, primitive = self._split(z)
        atom = self._atom("relu", primitive)
        return atom if factor is self.one else factor * atom

    def step(self, z: ReluPolynomial) -> ReluPolynomial:
        """Return step(z) = 1 for z > 0, else 0; step(c z) = step(c) step(z) for c ≥ 0."""
        if not z.terms or self.is_nonpositive(z):
            return self.zero
        if self.is_positive(z):
            return self.one
        factor, primitive = self._split(z)
        result = self.one if self.is_positive(primitive) else self._atom("step", primitive)
        ((monomial, coefficient),) = factor.terms.items()
        for number in dict.fromkeys(monomial):
            result = result * self._atom("step", self.atoms[number].argument)  # step(relu(u)) = step(u)
        for i, power in enumerate(coefficient.degrees()):
            if power and i not in self._positive:
                result = result * self._atom("step", self.generator(self.generators[i]))
        return result

    def is_nonnegative(self, z: ReluPolynomial) -> bool:
        """Return whether z ≥ 0 is manifest: each term is a product of factors known to be ≥ 0 (or squares)."""
        return self._has_sign(z, 1)

    def is_nonpositive(self, z: ReluPolynomial) -> bool:
        """Return whether z ≤ 0 is manifest."""
        return self._has_sign(z, -1)

    def _has_sign(self, z: ReluPolynomial, sign: int) -> bool:
        for coefficient in z.terms.values():
            for index in range(len(coefficient)):  # most elements fail at their first monomial
                if (coefficient.coefficient(index) > 0) != (sign > 0):
                    return False
                if self._signed:
                    monomial = coefficient.monomial(index)
                    if any(monomial[i] & 1 for i in self._signed):
                        return False
        return True

    def is_positive(self, z: ReluPolynomial) -> bool:
        """Return whether z > 0 is manifest: it is manifestly ≥ 0 and one term is a product of positive factors."""
        constant = z.terms.get(())
        return (
            constant is not None
            and any(all(i in self._positive for i, e in enumerate(m) if e) for m in constant.monoms())
            and self.is_nonnegative(z)
        )

    def known_nonnegative(self, generator: int) -> bool:
        """Return whether a generator is known to be ≥ 0."""
        return generator in self._nonnegative

    def positive_generators(self) -> list[sympy.Expr]:
        """Return the generators that are known to be > 0."""
        return [g for i, g in enumerate(self.generators) if i in self._positive]

    def nonnegative_generators(self) -> list[sympy.Expr]:
        """Return the generators that are known to be ≥ 0."""
        return [self.generators[i] for i in self._nonnegative]

    def admits(self, generator: int, value: Fraction) -> bool:
        """Return whether a value of a generator agrees with the sign that is assumed of it."""
        return value > 0 if generator in self._positive else value >= 0 or generator not in self._nonnegative

    def _split(self, z: ReluPolynomial) -> tuple[ReluPolynomial, ReluPolynomial]:
        """Return (c, z/c) for the largest rational, generators ≥ 0 and atoms that divide every term."""
        common = _common_atoms(z.terms)
        powers = [0] * len(self.generators)
        if self._nonnegative:
            contents = [p.term_content().degrees() for p in z.terms.values()]
            for i in self._nonnegative:
                powers[i] = min(c[i] for c in contents)
        size = _content([c for p in z.terms.values() for c in p.coeffs()])
        if size == 1 and not common and not any(powers):
            return self.one, z
        content = self.context.from_dict({tuple(powers): size})
        terms = {_without(m, common): p / content for m, p in z.terms.items()}
        return ReluPolynomial(self, {common: content}), ReluPolynomial(self, terms)

    def _atom(self, kind: Literal["relu", "step"], z: ReluPolynomial) -> ReluPolynomial:
        key = (kind, z.key())
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self.atoms)
            self.atoms.append(Atom(kind, z))
            self._elements.append(ReluPolynomial(self, {(number,): self.context.constant(1)}))
            if kind == "step":
                self._steps.add(number)
        return self._elements[number]

    def product(self, a: Monomial, b: Monomial) -> Monomial:
        """Return the product of two monomials of atoms, with step² = step and step·relu = relu of one argument."""
        if not a or not b:
            return a or b
        joined = tuple(sorted(a + b))
        if not self._steps.isdisjoint(joined):
            present = {(self.atoms[n].kind, self.atoms[n].argument.key()) for n in joined}
            kept: list[int] = []
            for n in joined:
                if n in self._steps and (n in kept or ("relu", self.atoms[n].argument.key()) in present):
                    continue
                kept.append(n)
            joined = tuple(kept)
        return joined


class ReluPolynomial:
    """An element of a :class:`ReluRing`; immutable. Elements of different rings do not mix."""

    __slots__ = ("_key", "ring", "terms")

    def __init__(self, ring: ReluRing, terms: Terms) -> None:
        """Take a dictionary from monomials of atoms to non-zero coefficients; it must not change later."""
        self.ring = ring
        self.terms = terms
        self._key: tuple[tuple[Monomial, str], ...] | None = None

    def key(self) -> tuple[tuple[Monomial, str], ...]:
        """Return a hashable form, equal exactly for equal elements."""
        if self._key is None:
            entries = [(m, repr(c)) for m, c in self.terms.items()]
            self._key = tuple(sorted(entries) if len(entries) > 1 else entries)
        return self._key

    def is_monomial(self) -> bool:
        """Return whether the element is a rational number times a product of generators."""
        return list(self.terms) == [()] and len(self.terms[()]) == 1

    def lone_atom(self) -> int | None:
        """Return the number of the atom that the element is, or None if it is something else."""
        if len(self.terms) != 1:
            return None
        ((monomial, coefficient),) = self.terms.items()
        return monomial[0] if len(monomial) == 1 and coefficient.is_one() else None

    def __bool__(self) -> bool:
        """Return whether the element is not 0."""
        return bool(self.terms)

    def __eq__(self, other: object) -> bool:
        """Return whether all coefficients agree (equal elements; unequal ones may still be equal functions)."""
        if isinstance(other, (int, Fraction)):
            other = self.ring.constant(other)
        return isinstance(other, ReluPolynomial) and self.ring is other.ring and self.terms == other.terms

    def __hash__(self) -> int:
        """Hash the key."""
        return hash(self.key())

    def __neg__(self) -> ReluPolynomial:
        """Return −self."""
        return ReluPolynomial(self.ring, {m: -c for m, c in self.terms.items()})

    def __add__(self, other: ReluPolynomial | int | Fraction) -> ReluPolynomial:
        """Return the sum."""
        other = self._lift(other)
        terms = dict(self.terms)
        for m, c in other.terms.items():
            _add_term(terms, m, c)
        return ReluPolynomial(self.ring, terms)

    __radd__ = __add__

    def __sub__(self, other: ReluPolynomial | int | Fraction) -> ReluPolynomial:
        """Return the difference."""
        return self + (-self._lift(other))

    def __rsub__(self, other: int | Fraction) -> ReluPolynomial:
        """Return other − self."""
        return self._lift(other) - self

    def __mul__(self, other: ReluPolynomial | int | Fraction) -> ReluPolynomial:
        """Return the product."""
        other = self._lift(other)
        if len(other.terms) == 1 and () in other.terms:
            return self._scaled(other.terms[()])
        terms: Terms = {}
        product = self.ring.product
        for m, c in self.terms.items():
            for n, e in other.terms.items():
                _add_term(terms, product(m, n), c * e)
        return ReluPolynomial(self.ring, terms)

    __rmul__ = __mul__

    def __pow__(self, exponent: int) -> ReluPolynomial:
        """Return a power with a small non-negative exponent."""
        if exponent < 0:
            raise InvalidInput(f"Argument 'exponent' must be at least 0, not {exponent}.")
        result = self.ring.one
        for _ in range(exponent):
            result = result * self
        return result

    def _scaled(self, factor: Any) -> ReluPolynomial:
        """Return the product with a coefficient, not 0; coefficients that are one object stay one."""
        if factor.is_one():
            return self
        known: dict[int, Any] = {}
        for c in self.terms.values():
            if id(c) not in known:
                known[id(c)] = c * factor
        return ReluPolynomial(self.ring, {m: known[id(c)] for m, c in self.terms.items()})

    def _lift(self, other: ReluPolynomial | int | Fraction) -> ReluPolynomial:
        return other if isinstance(other, ReluPolynomial) else self.ring.constant(other)

    def size(self) -> int:
        """Return the number of terms c·M, every monomial in generators counted."""
        return sum(len(c) for c in self.terms.values())

    def evaluate(self, point: Sequence[Fraction], atoms: Mapping[int, Fraction]) -> Fraction:
        """Return the value at a point: one Fraction per generator, and the values of the atoms that occur."""
        arguments = [flint.fmpq(v.numerator, v.denominator) for v in point]
        total = Fraction(0)
        for monomial, coefficient in self.terms.items():
            weight = coefficient(*arguments)
            term = Fraction(int(weight.p), int(weight.q))
            for number in monomial:
                term *= atoms[number]
            total += term
        return total

    def atom_numbers(self) -> set[int]:
        """Return the atoms that occur in it, or in the argument of one that does."""
        found: set[int] = set()
        waiting = [self]
        while waiting:
            for number in {n for m in waiting.pop().terms for n in m} - found:
                found.add(number)
                waiting.append(self.ring.atoms[number].argument)
        return found

    def __repr__(self) -> str:
        """Return how many terms it has; :func:`~exactdropout.symbolic.ring.to_sympy.to_sympy` writes it out."""
        return f"<ReluPolynomial of {self.size()} terms>"


class RunningSum:
    """A sum that grows in place: adding term by term to an immutable element would copy it every time."""

    def __init__(self, ring: ReluRing) -> None:
        """Start at 0."""
        self.ring = ring
        self._terms: Terms = {}

    def add(self, element: ReluPolynomial) -> None:
        """Add an element."""
        for monomial, coefficient in element.terms.items():
            _add_term(self._terms, monomial, coefficient)

    def add_term(self, monomial: Monomial, coefficient: Any) -> None:
        """Add coefficient · monomial; the coefficient is not 0."""
        _add_term(self._terms, monomial, coefficient)

    @property
    def total(self) -> ReluPolynomial:
        """The sum so far."""
        return ReluPolynomial(self.ring, dict(self._terms))


def _add_term(terms: Terms, monomial: Monomial, coefficient: Any) -> None:
    """Add one term in place; a coefficient that becomes 0 is taken out."""
    known = terms.get(monomial)
    if known is not None:
        coefficient = known + coefficient
        if coefficient == 0:
            del terms[monomial]
            return
    elif coefficient == 0:
        return
    terms[monomial] = coefficient


def _content(coefficients: Sequence[Any]) -> Any:
    """Return the largest rational by which all coefficients are integers."""
    if any(c in (1, -1) for c in coefficients) and all(c.q == 1 for c in coefficients):
        return flint.fmpq(1)
    top = math.gcd(*(int(c.p) for c in coefficients))
    return flint.fmpq(top, math.lcm(*(int(c.q) for c in coefficients)))


def _common_atoms(terms: Terms) -> Monomial:
    """Return the atoms, with powers, that divide every monomial."""
    monomials = iter(terms)
    common = list(next(monomials))
    for monomial in monomials:
        if not common:
            break
        left = list(monomial)
        kept = []
        for number in common:
            if number in left:
                left.remove(number)
                kept.append(number)
        common = kept
    return tuple(common)


def _without(monomial: Monomial, divisor: Monomial) -> Monomial:
    left = list(monomial)
    for number in divisor:
        left.remove(number)
    return tuple(left)
