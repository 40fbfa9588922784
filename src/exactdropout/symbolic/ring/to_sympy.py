"""From ring elements to SymPy: coefficients in factored form, atoms as relu(…) and step(…).

Where all generators are symbols, or 1 − q with q none of them, the products that occur have different bases and the
sums different terms, so that they are put together directly (:mod:`exactdropout.symbolic.ring.sympy_order`).
Otherwise, as for √2 or 1/x, SymPy's own constructors collect what is equal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sympy

from exactdropout.symbolic.ring.relu import relu, step
from exactdropout.symbolic.ring.ring import ReluPolynomial, ReluRing
from exactdropout.symbolic.ring.sympy_order import Order

__all__ = ["to_sympy"]

FACTOR_TERMS = 64
"""Longer coefficients are written as sums; factoring them would cost more than it tells."""


def to_sympy(element: ReluPolynomial, divisor: ReluPolynomial | None = None) -> sympy.Expr:
    """Return an element, divided by a product of generators if one is given, as a SymPy expression."""
    ring = element.ring
    if ring.written is None:
        ring.written = Writer(ring) if _is_plain(ring) else PlainWriter(ring)
    writer: PlainWriter = ring.written
    atoms = sorted(element.atom_numbers() - writer.atoms.keys())
    for number in atoms:  # an atom's argument holds lower numbers only
        writer.atoms[number] = writer.atom(number)
    return writer.sum(element, divisor)


def _is_plain(ring: ReluRing) -> bool:
    """Return whether products of powers of generators and of polynomials in them need no collecting."""
    inner = [s for g in ring.generators for s in ([g] if g.is_Symbol else g.free_symbols)]
    simple = all(g.is_Symbol or (g.is_Add and (1 - g).is_Symbol) for g in ring.generators)
    return simple and len(inner) == len(set(inner)) and all(s.is_commutative for s in inner)


class PlainWriter:
    """Expressions by SymPy's constructors; atoms are made once for all elements of a ring."""

    def __init__(self, ring: ReluRing) -> None:
        """Start without atoms."""
        self.ring = ring
        self.atoms: dict[int, sympy.Expr] = {}

    def atom(self, number: int) -> sympy.Expr:
        """Return relu(z) or step(z), the atoms in z being known."""
        atom = self.ring.atoms[number]
        return (relu if atom.kind == "relu" else step)(self.sum(atom.argument, None))

    def sum(self, element: ReluPolynomial, divisor: ReluPolynomial | None) -> sympy.Expr:
        """Return the element over the divisor."""
        factor = sympy.S.One if divisor is None else 1 / self.sum(divisor, None)
        terms = []
        for monomial, coefficient in element.terms.items():
            if not monomial and len(coefficient) > FACTOR_TERMS:
                terms += [factor * self.term(m, c) for m, c in coefficient.terms()]
            else:
                terms.append(sympy.Mul(factor, self.coefficient(coefficient), *(self.atoms[n] for n in monomial)))
        return sympy.Add(*terms)

    def coefficient(self, coefficient: Any) -> sympy.Expr:
        """Return a polynomial in the generators, in factors if it is short."""
        if len(coefficient) == 1:
            ((exponents, value),) = coefficient.terms()
            return self.term(exponents, value)
        if len(coefficient) > FACTOR_TERMS:
            return sympy.Add(*(self.term(m, c) for m, c in coefficient.terms()))
        content, factors = coefficient.factor()
        return sympy.Mul(_rational(content), *(self.base(f) ** exponent for f, exponent in factors))

    def base(self, factor: Any) -> sympy.Expr:
        """Return an irreducible factor; a polynomial in 1 − q alone reads better as one in q."""
        total = sympy.Add(*(self.term(m, c) for m, c in factor.terms()))
        only = [i for i, degree in enumerate(factor.degrees()) if degree]
        opaque = len(only) == 1 and not self.ring.generators[only[0]].is_Symbol and len(factor) > 1
        return sympy.expand(total) if opaque else total

    def term(self, exponents: Sequence[int], value: Any) -> sympy.Expr:
        """Return one monomial."""
        powers = [self.ring.generators[i] ** e for i, e in enumerate(exponents) if e]
        return sympy.Mul(_rational(value), *powers)


class Writer(PlainWriter):
    """The same expressions, put together directly; what occurs often is made once."""

    def __init__(self, ring: ReluRing) -> None:
        """Read what is known of the generators' signs."""
        super().__init__(ring)
        self.order = Order()
        generators = list(enumerate(ring.generators))
        self.unsigned = {i for i, g in generators if g.is_nonnegative is None and g.is_nonpositive is None}
        self.known_to_the_ring = {i for i, g in generators if not (g.is_integer or g.is_nonpositive or g.is_negative)}
        self._factored: dict[str, tuple[Any, dict[Any, int]]] = {}
        self._complements: dict[tuple[int, int], Any] = {}
        self._powers: dict[tuple[Any, int], Any] = {}

    def atom(self, number: int) -> sympy.Expr:
        """Return relu(z) or step(z); SymPy is asked for the sign of z only where it may know more than the ring."""
        atom = self.ring.atoms[number]
        function = relu if atom.kind == "relu" else step
        z = self.sum(atom.argument, None)
        used = {i for c in atom.argument.terms.values() for i, degree in enumerate(c.degrees()) if degree}
        open_sign = used <= self.unsigned or (len(used) > 1 and used <= self.known_to_the_ring)
        return function.unresolved(z) if open_sign else function(z)

    def sum(self, element: ReluPolynomial, divisor: ReluPolynomial | None) -> sympy.Expr:
        """Return the element over the divisor, a product of generators."""
        over: dict[Any, int] = {}
        number = sympy.S.One
        if divisor is not None:
            ((exponents, value),) = divisor.terms[()].terms()
            over = {self.ring.generators[i]: -e for i, e in enumerate(exponents) if e}
            number = 1 / _rational(value)
        known: dict[int, tuple[Any, list[Any]]] = {}  # the element keeps its coefficients alive
        terms = []
        for monomial, coefficient in element.terms.items():
            if not monomial:
                parts = [coefficient] if len(coefficient) <= FACTOR_TERMS else _monomials(coefficient)
                terms += [self.order.product(n, f) for n, f in (self._quotient(c, number, over) for c in parts)]
                continue
            if len(coefficient) > FACTOR_TERMS:
                powers = [self.power(b, e) for b, e in over.items()]
                long = ReluPolynomial(self.ring, {(): coefficient})
                size, factors = number, [self.sum(long, None), *powers]
            else:
                if id(coefficient) not in known:
                    known[id(coefficient)] = self._quotient(coefficient, number, over)
                size, factors = known[id(coefficient)]
            terms.append(self.order.product(size, factors + self._atom_powers(monomial)))
        return self.order.sum(terms)

    def _atom_powers(self, monomial: tuple[int, ...]) -> list[Any]:
        counts: dict[int, int] = {}
        for n in monomial:
            counts[n] = counts.get(n, 0) + 1
        return [self.power(self.atoms[n], e) for n, e in counts.items()]

    def power(self, base: Any, exponent: int) -> Any:
        """Return base ** exponent, made once."""
        if exponent == 1:
            return base
        found = self._powers.get((base, exponent))
        if found is None:
            found = self._powers[base, exponent] = base**exponent
        return found

    def _quotient(self, coefficient: Any, number: Any, over: Mapping[Any, int]) -> tuple[Any, list[Any]]:
        """Return (rational, powers) of a short coefficient times ``number`` and the powers in ``over``."""
        size, bases = self._factors(coefficient)
        if over:
            bases = dict(bases)
            for base, exponent in over.items():
                bases[base] = bases.get(base, 0) + exponent
        return size * number, [self.power(b, e) for b, e in bases.items() if e]

    def _factors(self, coefficient: Any) -> tuple[Any, dict[Any, int]]:
        """Return a rational number and the powers of different bases whose product the coefficient is."""
        key = repr(coefficient)
        found = self._factored.get(key)
        if found is not None:
            return found
        bases: dict[Any, int] = {}
        if len(coefficient) == 1:
            ((exponents, value),) = coefficient.terms()
            number = _rational(value)
            bases = {self.ring.generators[i]: e for i, e in enumerate(exponents) if e}
        else:
            base = self._irreducible(coefficient)
            number = sympy.S.One
            known = None if base is not None else self._complement(coefficient)
            if base is not None:
                bases[base] = 1
            elif known is not None:
                number, bases = known
            else:
                content, factors = coefficient.factor()
                number = _rational(content)
                for factor, exponent in factors:
                    scale, base = self.base(factor).as_coeff_Mul()
                    number *= scale**exponent
                    bases[base] = exponent
        self._factored[key] = (number, bases)
        return number, bases

    def _complement(self, coefficient: Any) -> tuple[Any, dict[Any, int]] | None:
        """Return the factors of c m (1 − g)^a with a monomial m and a generator g = 1 − q, compared whole; or None.

        The masks' probabilities are of this form: it is seen sooner than it is factored.
        """
        content = coefficient.term_content()
        rest = coefficient / content
        used = [(i, int(degree)) for i, degree in enumerate(rest.degrees()) if degree]
        if len(used) != 1 or len(rest) != used[0][1] + 1:
            return None
        ((i, degree),) = used
        generator = self.ring.generators[i]
        if generator.is_Symbol:
            return None
        if (i, degree) not in self._complements:
            self._complements[i, degree] = (1 - coefficient.context().gen(i)) ** degree
        constant = next((c for m, c in rest.terms() if not any(m)), None)
        if constant is None or rest != constant * self._complements[i, degree]:
            return None
        ((exponents, value),) = content.terms()
        bases = {self.ring.generators[k]: int(e) for k, e in enumerate(exponents) if e}
        bases[1 - generator] = degree
        return _rational(value * constant), bases

    def _irreducible(self, coefficient: Any) -> Any:
        """Return a sum of monomials without a common generator, one of them linear in something; None for others.

        Such a sum is f = m g + r with a generator g that neither m nor r holds, and m and r have no common factor: it
        is irreducible (up to its rational content, taken to be 1 where a coefficient is ±1).
        """
        monomials, sizes = coefficient.monoms(), coefficient.coeffs()
        used = [[i for i, e in enumerate(m) if e] for m in monomials]
        if len({i for one in used for i in one}) < sum(map(len, used)) or not any(abs(c) == 1 for c in sizes):
            return None
        if not any(m[i] == 1 for m, one in zip(monomials, used, strict=True) for i in one):
            return None
        generators = self.ring.generators
        if any(not generators[i].is_Symbol for one in used for i in one):
            return None
        parts = []
        for monomial, size, one in zip(monomials, sizes, used, strict=True):
            powers = [self.power(generators[i], int(monomial[i])) for i in one]
            parts.append(self.order.product(_rational(size), powers))
        return self.order.sum(parts)


def _monomials(coefficient: Any) -> list[Any]:
    context = coefficient.context()
    return [context.from_dict({m: c}) for m, c in coefficient.terms()]


def _rational(value: Any) -> sympy.Rational:
    return sympy.Rational(int(value.p), int(value.q))
