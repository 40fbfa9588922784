"""Ring elements with relu atoms as FLINT polynomials, where identities and signs are decided."""

from __future__ import annotations

from typing import Any

import flint
import sympy

from exactdropout.claims.proofs.inequality import nonnegative, positive
from exactdropout.claims.setting.named_sizes import Unsupported
from exactdropout.symbolic.ring.ring import ReluPolynomial, ReluRing

__all__ = ["MAX_ELEMENT", "Flat"]

MAX_ELEMENT = 20_000


class Flat:
    """Ring elements as FLINT polynomials in generators, atoms and t = q/p."""

    def __init__(self, ring: ReluRing, keep: sympy.Symbol, *, dropping: bool) -> None:
        """Fix the variables: generators, then atoms, then t; ``dropping`` says that a symbolic q is not 0."""
        self.ring = ring
        self.generators, self.atoms = len(ring.generators), len(ring.atoms)
        self.size = self.generators + self.atoms + 1
        self.context = flint.fmpq_mpoly_ctx.get([f"v{i}" for i in range(self.size)], "degrevlex")
        self.signed = {i for i, g in enumerate(ring.generators) if not g.is_nonnegative}
        self.strict = {i for i, g in enumerate(ring.generators) if g.is_nonzero}
        if dropping:
            self.strict.add(self.size - 1)
        self.keep = ring.generators.index(keep) if keep in ring.generators else None
        if any(atom.kind == "step" for atom in ring.atoms):
            raise Unsupported("a derivative of relu")

    def lift(self, element: ReluPolynomial) -> Any:
        """Return an element, atoms as variables."""
        terms: dict[tuple[int, ...], Any] = {}
        for monomial, coefficient in element.terms.items():
            atoms = [0] * self.atoms
            for number in monomial:
                atoms[number] += 1
            for exponents, value in coefficient.terms():
                terms[(*exponents, *atoms, 0)] = value
        return self.context.from_dict(terms)

    def reduced(self, element: ReluPolynomial) -> Any:
        """Return the normal form modulo relu(−z) = relu(z) − z and relu(z)² = z relu(z)."""
        polynomial = self.lift(element)
        arguments = [self.lift(atom.argument) for atom in self.ring.atoms]
        for number in reversed(range(self.atoms)):
            index = self.generators + number
            opposite = next((i for i in range(number) if arguments[i] == -arguments[number]), None)
            powers = {m[index] for m in polynomial.monoms()}
            if powers <= {0} or (opposite is None and powers <= {0, 1}):
                continue
            z, a = arguments[number], self.context.gen(index)
            base = a if opposite is None else self.context.gen(self.generators + opposite) + arguments[number]
            total = self.context.from_dict({})
            for power in powers:
                part = _coefficient_of(polynomial, index, power)
                total += part * (z ** (power - 1) * base if power else 1)
                if len(total) > MAX_ELEMENT:
                    raise Unsupported("the normal form grows beyond the limit")
            polynomial = total
        return polynomial

    def homogeneous(self, polynomial: Any) -> Any:
        """Return the polynomial times (1 + t)^m with p = 1/(1 + t): the sign is kept, t = q/p ≥ 0 is a variable."""
        if self.keep is None:
            return polynomial
        return self.over(polynomial)[0]

    def over(self, polynomial: Any) -> tuple[Any, int]:
        """Return (A, m) with polynomial = A(t)/(1 + t)^m."""
        if self.keep is None:
            return polynomial, 0
        top = int(polynomial.degrees()[self.keep])
        one_plus_t = 1 + self.context.gen(self.size - 1)
        total = self.context.from_dict({})
        for power in range(top + 1):
            part = _coefficient_of(polynomial, self.keep, power)
            if part != 0:
                total += part * one_plus_t ** (top - power)
        return total, top

    def nonnegative(self, element: ReluPolynomial) -> str | None:
        """Return how an element is shown to be ≥ 0."""
        for polynomial in (self.lift(element), self.reduced(element)):
            found = nonnegative(self.homogeneous(polynomial), self.signed)
            if found is not None:
                return found
        return None

    def positive(self, element: ReluPolynomial) -> str | None:
        """Return how an element is shown to be > 0."""
        for polynomial in (self.lift(element), self.reduced(element)):
            found = positive(self.homogeneous(polynomial), self.signed, self.strict)
            if found is not None:
                return found
        return None

    def depends(self, index: int) -> bool:
        """Return whether an atom's argument holds a variable: derivatives are not taken through atoms."""
        return any(index < self.generators and self.lift(a.argument).degrees()[index] for a in self.ring.atoms)


def _coefficient_of(polynomial: Any, index: int, power: int) -> Any:
    terms = {}
    for monomial, value in polynomial.terms():
        if monomial[index] == power:
            exponents = list(monomial)
            exponents[index] = 0
            terms[tuple(exponents)] = value
    return polynomial.context().from_dict(terms)
