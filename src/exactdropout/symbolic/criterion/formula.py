"""A derived quantity: a sum of products of ring elements over a product of keep probabilities."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import Any, Unpack

import sympy

from exactdropout.errors import InvalidInput, MixedNumbers
from exactdropout.model.numbers import scalar, show
from exactdropout.notation.document import display, document
from exactdropout.notation.latex import QUANTITY_LATEX, breakable, equation_latex
from exactdropout.notation.mathml import equation_mathml, expression_mathml
from exactdropout.notation.names import check_apart, name_order, respelled, symbol_name
from exactdropout.notation.page import MOST_LETTERS, Markup, formula_html
from exactdropout.notation.style import Style, StyleOptions, styled
from exactdropout.notation.text import expression_text
from exactdropout.notation.tree import Expression
from exactdropout.symbolic.criterion.arithmetic import (
    Piece,
    Ratio,
    added,
    differs,
    generic_point,
    inverted,
    multiplied,
    one,
    oriented,
    reduced,
    unit_denominator,
)
from exactdropout.symbolic.criterion.code import Language, formula_code
from exactdropout.symbolic.criterion.tidied import tidied
from exactdropout.symbolic.ring.from_sympy import tree
from exactdropout.symbolic.ring.ring import ReluPolynomial, ReluRing
from exactdropout.symbolic.ring.to_sympy import to_sympy

__all__ = ["MAX_TERMS", "Formula", "Piece", "formula"]

EXPAND = 400
"""Products of at most so many terms are multiplied out; (E D)² of a large network stays a square."""
MAX_POWER = 64
SHORT_TERMS, SHORT_TEXT = 40, 240
"""Formulas with more terms or letters are only counted by ``repr``; ``print`` writes them."""
MOST_TYPESET = 2_000
"""Terms of a formula that a notebook typesets."""
MAX_TERMS = 20_000
"""Longer formulas are no longer read by anybody; their code is what one wants."""
EXPAND_POLYNOMIAL = 1_000_000
"""The same where no relu occurs: there FLINT multiplies, and cancellation is the point."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Formula:
    """Σ_i ∏_j f_ij / denominator, exact, in symbols and relu atoms.

    ``expr`` is the SymPy expression; ``evaluate``, or a call, puts rational numbers in; ``subs`` substitutes anything.
    Formulas and exact numbers combine by ``+ - * /`` and integer powers into formulas; with SymPy expressions they
    become SymPy expressions. ``==`` holds where equality as functions is proved (:meth:`equals`).
    """

    ring: ReluRing
    pieces: tuple[Piece, ...]
    denominator: ReluPolynomial
    name: str = field(default="", compare=False, repr=False)
    """What it is a formula of, for the axis of a picture."""

    @cached_property
    def expr(self) -> sympy.Expr:
        """The SymPy expression, with the package's own ``relu`` and ``step``."""
        divisor = None if self.denominator == 1 else self.denominator
        if divisor is not None and not divisor.is_monomial():
            return replace(self, denominator=self.ring.one).expr / to_sympy(divisor)
        parts = []
        for piece in self.pieces:
            if len(piece) == 1:
                parts.append(to_sympy(piece[0], divisor))
            else:
                over = sympy.S.One if divisor is None else 1 / to_sympy(divisor)
                parts.append(sympy.Mul(over, *(to_sympy(factor) for factor in piece)))
        return sympy.Add(*parts)

    @cached_property
    def numerator(self) -> ReluPolynomial:
        """The numerator, multiplied out."""
        total = self.ring.zero
        for piece in self.pieces:
            product = piece[0]
            for factor in piece[1:]:
                product = product * factor
            total = total + product
        return total

    @cached_property
    def _parts(self) -> tuple[list[int], set[int]]:
        """Return the atoms, arguments before what holds them, and the generators that occur."""
        elements = [self.denominator, *(factor for piece in self.pieces for factor in piece)]
        atoms = sorted(set().union(*(e.atom_numbers() for e in elements)))
        elements += [self.ring.atoms[n].argument for n in atoms]
        used = {i for e in elements for c in e.terms.values() for i, d in enumerate(c.degrees()) if d}
        return atoms, used

    @property
    def used_generators(self) -> set[int]:
        """The numbers of the ring's generators that occur."""
        return self._parts[1]

    @property
    def symbols(self) -> tuple[sympy.Symbol, ...]:
        """The free symbols, by letter and index."""
        found = {s for i in self._parts[1] for s in self.ring.generators[i].free_symbols}
        return tuple(sorted(found, key=name_order))

    @property
    def size(self) -> int:
        """The number of terms, products not multiplied out."""
        return sum(f.size() for piece in self.pieces for f in piece)

    def is_identically_zero(self) -> bool:
        """Return whether the numerator vanishes term by term: then the quantity is 0 for all real values.

        False means only that some term is left: relu(z) − relu(−z) − z is 0 and is not recognised.
        """
        return not self.numerator

    def evaluate(self, values: Mapping[Any, Any]) -> Fraction:
        """Return the exact value at rational numbers, keyed by symbol or by name.

        Raises:
            InvalidInput: a symbol without a value, a value against the symbol's assumptions, q outside [0, 1).
        """
        point = self._point(values)
        numbers: dict[int, Fraction] = {}
        for number in self._parts[0]:
            atom = self.ring.atoms[number]
            z = atom.argument.evaluate(point, numbers)
            numbers[number] = max(z, Fraction(0)) if atom.kind == "relu" else Fraction(z > 0)
        total = Fraction(0)
        for piece in self.pieces:
            total += math.prod((f.evaluate(point, numbers) for f in piece), start=Fraction(1))
        below = self.denominator.evaluate(point, numbers)
        if not below:
            raise InvalidInput("Argument 'values' must keep the denominator of this formula apart from 0.")
        return total / below

    def __call__(self, values: Mapping[Any, Any] | None = None, /, **named: Any) -> Fraction:
        """Return the exact value at rational numbers, by symbol, by name, or by the name in code as a keyword.

        Raises:
            InvalidInput: as :meth:`evaluate`, which it is.

        >>> from exactdropout import derive
        >>> risk = derive("1-1 linear, no biases").risk
        >>> risk({"w[1]": 3, "x[1]": "1/2"}, y=1), risk(w_1=3, x_1=2, y=1)
        (Fraction(1, 4), Fraction(25, 1))
        """
        _check_mapping({} if values is None else values)
        return self.evaluate({**(values or {}), **named})

    def _sympy_(self) -> sympy.Expr:
        """Return the SymPy expression: what ``sympy.sympify`` and SymPy's operators take."""
        return self.expr

    def _ratio(self) -> Ratio:
        return Ratio(self.ring, self.pieces, self.denominator)

    def _operand(self, other: object) -> Ratio | None:
        """Return the other operand; None for what is left to the other one, as SymPy expressions are."""
        if isinstance(other, Formula):
            return other._ratio()
        if isinstance(other, (sympy.Basic, str)) and not isinstance(other, sympy.Rational):
            return None
        number, kind = scalar(other, "other")
        if kind not in ("integer", "exact"):
            raise MixedNumbers(f"Argument 'other' must be exact, such as a Fraction, not the float {other!r}.")
        return one(self.ring, number)

    def _with(self, other: object, operation: Callable[[Ratio, Ratio], Ratio]) -> Formula:
        operand = self._operand(other)
        return NotImplemented if operand is None else _formula_of(operation(self._ratio(), operand))

    def __add__(self, other: object) -> Formula:
        """Return the sum with a formula or an exact number; with a SymPy expression, a SymPy expression."""
        return self._with(other, added)

    __radd__ = __add__

    def __neg__(self) -> Formula:
        """Return the negative."""
        return self * -1

    def __pos__(self) -> Formula:
        """Return the formula."""
        return self

    def __sub__(self, other: object) -> Formula:
        """Return the difference."""
        return self._with(other, lambda a, b: added(a, multiplied(b, one(b.ring, Fraction(-1)))))

    def __rsub__(self, other: object) -> Formula:
        """Return other − self."""
        return (-self)._with(other, added)

    def __mul__(self, other: object) -> Formula:
        """Return the product."""
        return self._with(other, multiplied)

    __rmul__ = __mul__

    def __truediv__(self, other: object) -> Formula:
        """Return the quotient."""
        operand = self._operand(other)
        return NotImplemented if operand is None else self * _formula_of(operand)._inverse()

    def __rtruediv__(self, other: object) -> Formula:
        """Return other/self."""
        return self._inverse()._with(other, multiplied)

    def __pow__(self, exponent: object) -> Formula:
        """Return a power with an integer exponent."""
        if isinstance(exponent, bool) or not isinstance(exponent, (int, sympy.Integer)):
            return NotImplemented
        base, count = self if exponent >= 0 else self._inverse(), abs(int(exponent))
        if count > MAX_POWER:
            raise InvalidInput(f"Argument 'exponent' must be at most {MAX_POWER} in size, not {exponent}.")
        result = _formula_of(one(self.ring, Fraction(1)))
        for _ in range(count):
            result = result * base
        return result

    def _inverse(self) -> Formula:
        return _formula_of(inverted(self._ratio(), self.numerator))

    def equals(self, other: object) -> bool | None:
        """Return whether two formulas are one function where both are defined: True, False, or None if it is open.

        True is proved: the numerator of the difference is 0 by relu(−z) = relu(z) − z and relu(z)² = z relu(z). False
        is proved by a rational point at which the values differ. Assumptions on signs of both hold.

        >>> from exactdropout import derive
        >>> d = derive("2-1-1 relu, no biases")
        >>> d.penalty.equals(d.variance + d.bias), d.penalty.equals(d.variance)
        (True, False)
        """
        operand = self._operand(other)
        if operand is None:
            raise InvalidInput(f"Argument 'other' must be a formula or an exact number, not {show(other)}.")
        gap = self - _formula_of(operand)
        if not oriented(gap.numerator):
            return True
        return False if differs(gap.evaluate, gap.ring) else None

    def __eq__(self, other: object) -> bool:
        """Return whether the other formula or exact number is proved to be the same function, as by :meth:`equals`."""
        if not isinstance(other, (Formula, int, Fraction)) or isinstance(other, bool):
            return NotImplemented
        return self is other or self.equals(other) is True

    def __hash__(self) -> int:
        """Hash the value at a point that depends on the symbols' names: equal functions have equal values."""
        try:
            return hash(self.evaluate(generic_point(self.symbols)))
        except InvalidInput:  # irrational entries
            return 0

    def _point(self, values: Mapping[Any, Any]) -> list[Fraction]:
        _check_mapping(values)
        given: dict[str, Fraction] = {}
        names = set(map(str, self.symbols))
        for key, value in values.items():
            number, kind = scalar(value, str(key))
            if kind not in ("integer", "exact"):
                raise InvalidInput(f"Argument 'values' must hold rational numbers, not {show(value)} for {key}.")
            name = respelled(str(key), names)
            if given.setdefault(name, number) != number:
                raise InvalidInput(f"Argument 'values' gives two numbers for {name}, {given[name]} and {number}.")
        point = []
        for index, generator in enumerate(self.ring.generators):
            if index not in self._parts[1]:
                point.append(Fraction(0))
                continue
            missing = [s for s in sorted(generator.free_symbols, key=name_order) if str(s) not in given]
            if missing:
                raise InvalidInput(f"Argument 'values' must give a number for {missing[0]}; it has none.")
            exact = generator.subs(
                {s: sympy.Rational(given[str(s)].numerator, given[str(s)].denominator) for s in generator.free_symbols}
            )
            if exact.is_finite is False or exact is sympy.nan:
                raise InvalidInput(f"Argument 'values' must keep {show(generator)} finite.")
            if not exact.is_Rational:
                raise InvalidInput(
                    f"Argument 'values' must make {show(generator)} rational; use subs for {show(exact)}."
                )
            number = Fraction(int(exact.p), int(exact.q))
            if not self.ring.admits(index, number):
                raise InvalidInput(
                    f"Argument 'values' must respect the assumptions on {show(generator)}, which would be {number}."
                )
            point.append(number)
        return point

    def subs(self, values: Mapping[Any, Any]) -> sympy.Expr:
        """Return the SymPy expression with symbols (or names) replaced by SymPy expressions or exact numbers."""
        _check_mapping(values)
        by_name = {str(s): s for s in self.symbols}
        replaced = {}
        for key, value in values.items():
            name = respelled(str(key), by_name)
            if name not in by_name:
                raise InvalidInput(f"Argument 'values' names {show(str(key))}, which is no symbol of this formula.")
            number, kind = scalar(value, str(key))
            if kind == "float64":
                raise InvalidInput(f"Argument 'values' must be exact, not the float {value!r} for {key}.")
            replaced[by_name[name]] = (
                sympy.Rational(number.numerator, number.denominator) if isinstance(number, Fraction) else number
            )
        return self.expr.subs(replaced, simultaneous=True)

    def latex(self, style: Style | None = None, *, left: str | None = None, **options: Unpack[StyleOptions]) -> str:
        """Return LaTeX (amsmath), which :func:`exactdropout.claims.read_formula` reads back.

        Args:
            style: names, indices, width, environment: a :class:`exactdropout.notation.Style`; by default one line
                without delimiters.
            left: a quantity such as ``"penalty"``, or LaTeX, to stand before ``=``.
            options: fields of the style, such as ``names={"w": "a"}, index="superscript-layer", width=80,
                environment="align*", standalone=True``.

        Raises:
            InvalidInput: two symbols under one name, a symbol without a printable name, more than 20,000 terms.
        """
        chosen = styled(style, options)
        named = None if left is None else QUANTITY_LATEX.get(left, left)
        shown = equation_latex(named, self.tree(chosen), display(chosen))
        return document(shown) if chosen.standalone else shown

    def mathml(self, style: Style | None = None, *, left: str | None = None, **options: Unpack[StyleOptions]) -> str:
        """Return a MathML ``math`` element in display style."""
        chosen = styled(style, options)
        return equation_mathml(left, self.tree(chosen), chosen)

    def text(self, style: Style | None = None, **options: Unpack[StyleOptions]) -> str:
        """Return plain text in the grammar of claims: indices in brackets, powers with ^."""
        chosen = styled(style, options)
        return expression_text(self.tree(chosen), chosen)

    def tree(self, style: Style) -> Expression:
        """Return the tree that is printed: the SymPy expression term by term, long numerators taken out of fractions.

        Raises:
            InvalidInput: a symbol that has no printable name, two symbols under one name, too many terms.
        """
        if self.size > MAX_TERMS:
            raise InvalidInput(
                f"Argument 'formula' must have at most {MAX_TERMS} terms to be printed, not {self.size}; use its code, "
                f"or compact() of the derivation."
            )
        check_apart((str(s) for s in self.symbols), style)
        return breakable(tree(tidied(self.expr), symbol_name, argument="formula"), style)

    def code(self, language: Language, name: str = "formula") -> str:
        """Return source text of a function of the formula's symbols, in their order.

        Args:
            language: ``"python"`` (exact, for int and Fraction arguments), ``"numpy"`` (arrays that broadcast),
                ``"sympy"`` or ``"c"`` (doubles).
            name: of the function.

        relu atoms and repeated factors are computed once. W[1][2,3] is called W_1_2_3 there, and a symbol whose name
        is a word of the language gets an underscore. Constants: exact in Python and SymPy; in NumPy and C one rounding
        each.

        Raises:
            InvalidInput: irrational entries, a constant beyond the range of doubles, a name that is no identifier.

        >>> from exactdropout import Architecture, derive
        >>> print(derive(Architecture(1, (1,), biases=False), q=Fraction(1, 3)).risk.code("c", "risk"))
        /* A formula derived by exactdropout (float64 arithmetic). */
        double risk(double W_1_1, double w_1, double x_1, double y)
        {
            const double k0 = W_1_1*x_1;
            const double r0 = k0 < 0.0 ? 0.0 : k0;
            return w_1*w_1*r0*r0 - 2.0*y*w_1*r0 + y*y;
        }
        <BLANKLINE>
        """
        return formula_code(self, language, name)

    def _repr_latex_(self) -> str | None:
        if self.size > MOST_TYPESET:
            return None
        try:
            shown = self.latex()
        except InvalidInput:  # Jupyter falls back on the text
            return None
        return rf"$\displaystyle {shown}$" if len(shown) <= MOST_LETTERS else None

    def short_html(self) -> Markup:
        """Return the formula as MathML for a table in a notebook, or how long it is."""
        many = f"a formula of {self.size:,} terms; print writes it"
        if self.size > MOST_TYPESET:
            return Markup(f"<em>{many}</em>")
        inline = expression_mathml(self.tree(Style()))
        return formula_html(inline.replace("<math>", '<math displaystyle="true">', 1), many)

    def plot(self, axes: Any = None) -> Any:
        """Draw a formula of one symbol alone over q in (0, 1), or of another over [-3, 3], and return the axes.

        Values are floats of the exact function at 400 points; where it has none there is a gap.

        Raises:
            InvalidInput: no symbol is free, or more than one.
            MissingExtra: Matplotlib is not installed.
        """
        from exactdropout.symbolic.criterion.curve import curve

        return curve(self, axes, self.name or "value")

    def __str__(self) -> str:
        """Return the SymPy expression as text."""
        return str(self.expr)

    def __repr__(self) -> str:
        """Return the expression, if short."""
        if self.size <= SHORT_TERMS:
            text = str(self.expr)
            if len(text) <= SHORT_TEXT:
                return f"Formula({text})"
        return f"<Formula of {self.size} terms>"


def _check_mapping(values: Any) -> None:
    if not isinstance(values, Mapping):
        raise InvalidInput(f"Argument 'values' must map symbols or names to numbers, not {show(values)}.")


def formula(ring: ReluRing, pieces: Iterable[Piece], denominator: ReluPolynomial) -> Formula:
    """Return a formula; short products are multiplied out and collected, constants divided away."""
    total = ring.zero
    products: list[Piece] = []
    for piece in pieces:
        if not all(piece):
            continue
        terms = math.prod(f.size() for f in piece)
        atomic = any(monomial for factor in piece for monomial in factor.terms)
        if len(piece) == 1 or terms <= (EXPAND if atomic else EXPAND_POLYNOMIAL):
            product = piece[0]
            for factor in piece[1:]:
                product = product * factor
            total = total + product
        else:
            products.append(piece)
    collected = ([(total,)] if total else []) + products
    scale = unit_denominator(denominator)
    if scale is not None:
        inverse = ring.constant(1 / Fraction(int(scale.p), int(scale.q)))
        collected = [(piece[0] * inverse, *piece[1:]) for piece in collected] if inverse != 1 else collected
        denominator = ring.one
    return Formula(ring=ring, pieces=tuple(collected), denominator=denominator)


def _formula_of(ratio: Ratio) -> Formula:
    """Return the formula with small products multiplied out and common factors cancelled."""
    made = formula(ratio.ring, ratio.pieces, ratio.denominator)
    pieces, denominator = reduced(made.pieces, made.denominator)
    return made if denominator is made.denominator else formula(made.ring, pieces, denominator)
