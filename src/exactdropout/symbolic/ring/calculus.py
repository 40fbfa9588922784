"""Derivatives of ring elements, and maps from one ring to another.

A derivation D of the ring is fixed by its values on the generators: D(relu(z)) = step(z) D(z), D(step(z)) = 0, with
relu′(0) = 0 as everywhere. A homomorphism is fixed by the images of the generators: relu(z) goes to relu(image of z).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import flint

from exactdropout.symbolic.ring.ring import Monomial, ReluPolynomial, ReluRing, RunningSum

__all__ = ["Differentiation", "Substitution"]


class Differentiation:
    """The derivation that takes the given generators (by number) to the given elements and all others to 0.

    >>> import sympy
    >>> w, x = sympy.symbols("w x", real=True)
    >>> ring = ReluRing([w, x])
    >>> square = ring.relu(ring.generator(w) * ring.generator(x)) ** 2
    >>> from exactdropout.symbolic.ring.to_sympy import to_sympy
    >>> str(to_sympy(Differentiation(ring, {0: ring.one})(square)))
    '2*x*relu(w*x)'
    """

    def __init__(self, ring: ReluRing, values: Mapping[int, ReluPolynomial]) -> None:
        """Fix the values on the generators."""
        self.ring = ring
        self.values = dict(values)
        self._hinges: dict[int, ReluPolynomial] = {}

    def __call__(self, element: ReluPolynomial) -> ReluPolynomial:
        """Return the derivative of an element."""
        total = RunningSum(self.ring)
        rests: dict[Monomial, list[ReluPolynomial]] = {}
        for monomial, coefficient in element.terms.items():
            for index, value in self.values.items():
                slope = coefficient.derivative(index)
                if slope != 0 and value:
                    total.add(ReluPolynomial(self.ring, {monomial: slope}) * value)
            if monomial:
                term = ReluPolynomial(self.ring, {(): coefficient})
                if monomial not in rests:
                    rests[monomial] = self._product_rule(monomial)
                for rest in rests[monomial]:
                    total.add(rest * term)
        return total.total

    def _product_rule(self, monomial: Monomial) -> list[ReluPolynomial]:
        """Return the terms k M/a D(a) of a product of atoms."""
        terms = []
        for number in dict.fromkeys(monomial):
            slope = self._hinge(number)
            if slope:
                left = list(monomial)
                left.remove(number)
                rest = ReluPolynomial(self.ring, {tuple(left): self.ring.context.constant(flint.fmpq(1))})
                terms.append(rest * slope * monomial.count(number))
        return terms

    def _hinge(self, number: int) -> ReluPolynomial:
        atom = self.ring.atoms[number]
        if atom.kind == "step":
            return self.ring.zero
        found = self._hinges.get(number)
        if found is None:
            inner = self(atom.argument)
            found = self._hinges[number] = self.ring.step(atom.argument) * inner if inner else inner
        return found


class Substitution:
    """The homomorphism that takes generator i of one ring to ``images[i]``, free of atoms, in another.

    >>> import sympy
    >>> w, x = sympy.symbols("w x", real=True)
    >>> free, fixed = ReluRing([w, x]), ReluRing([x])
    >>> z = free.relu(free.generator(w) * free.generator(x))
    >>> from exactdropout.symbolic.ring.to_sympy import to_sympy
    >>> str(to_sympy(Substitution(free, fixed, [fixed.constant(2), fixed.generator(x)])(z)))
    '2*relu(x)'
    """

    def __init__(self, source: ReluRing, target: ReluRing, images: Sequence[ReluPolynomial]) -> None:
        """Fix the images of the generators."""
        self.source, self.target = source, target
        nothing = target.context.constant(0)
        self._images = [image.terms.get((), nothing) for image in images]
        self._atoms: dict[int, ReluPolynomial] = {}
        self._coefficients: dict[str, Any] = {}

    def __call__(self, element: ReluPolynomial) -> ReluPolynomial:
        """Return the image of an element."""
        total = RunningSum(self.target)
        for monomial, coefficient in element.terms.items():
            image = self._coefficient(coefficient)
            if image == 0:
                continue
            term = ReluPolynomial(self.target, {(): image})
            for number in monomial:
                term = term * self._atom(number)
            total.add(term)
        return total.total

    def _coefficient(self, coefficient: Any) -> Any:
        key = repr(coefficient)
        if key not in self._coefficients:
            self._coefficients[key] = coefficient.compose(*self._images, ctx=self.target.context)
        return self._coefficients[key]

    def _atom(self, number: int) -> ReluPolynomial:
        found = self._atoms.get(number)
        if found is None:
            atom = self.source.atoms[number]
            function = self.target.relu if atom.kind == "relu" else self.target.step
            found = self._atoms[number] = function(self(atom.argument))
        return found
