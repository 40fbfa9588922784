"""Source text of a derived formula: a function with named arguments in Python, NumPy, SymPy or C.

Every relu atom, every step atom and every sum that occurs as a factor is computed once and has a name. Rational
constants are exact in Python and SymPy. In NumPy and C a constant p/q is one rounded division of two exact doubles, or
the nearest double where p or q has more than 53 bits; one that no normal double comes near is refused.
"""

from __future__ import annotations

import keyword
import re
import sys
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Literal, Protocol, TypeAlias, get_args

import flint
import sympy

from exactdropout.errors import InvalidInput
from exactdropout.model.numbers import show
from exactdropout.notation.names import identifier, name_order
from exactdropout.symbolic.ring.ring import ReluPolynomial, ReluRing

__all__ = ["Language", "formula_code"]

Language: TypeAlias = Literal["python", "numpy", "sympy", "c"]

FACTOR_TERMS = 64
"""Longer coefficients are written as sums; factoring them would cost more than it saves."""
LONG_TERMS = 10_000
"""In a longer formula no coefficient is factored: nobody reads it, and factoring takes most of the time."""
EXACT_BITS = 53
_LINE = 90
_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}\Z")
_TEMPORARY = re.compile(r"[rsfk][0-9]+\Z")
_C_WORDS = frozenset({
    "auto", "break", "case", "char", "const", "continue", "default", "do", "double", "else", "enum", "extern", "float",
    "for", "goto", "if", "inline", "int", "long", "register", "restrict", "return", "short", "signed", "sizeof",
    "static", "struct", "switch", "typedef", "union", "unsigned", "void", "volatile", "while", "fmax", "pow", "main",
    "bool", "true", "false", "nullptr", "constexpr", "alignas", "alignof", "typeof", "asm", "y0", "y1", "yn", "j0",
    "j1", "jn", "gamma", "signgam",
})  # fmt: skip
_OWN_WORDS = frozenset(("Fraction", "np", "sympy", "max", "relu", "step", "power"))
_HEADS = {
    "python": "from fractions import Fraction\n\n\n",
    "numpy": "import numpy as np\n\n\n",
    "sympy": "import sympy\n\n\n",
    "c": "",
}


class Coded(Protocol):
    """What source text is made of: Σ_i ∏_j ``pieces[i][j]`` / ``denominator`` in generators and atoms of a ring."""

    @property
    def ring(self) -> ReluRing:
        """The ring."""

    @property
    def pieces(self) -> tuple[tuple[ReluPolynomial, ...], ...]:
        """The products of the numerator."""

    @property
    def denominator(self) -> ReluPolynomial:
        """The denominator."""

    @property
    def symbols(self) -> tuple[sympy.Symbol, ...]:
        """The arguments of the function, in order."""

    @property
    def size(self) -> int:
        """The number of terms."""

    @property
    def used_generators(self) -> set[int]:
        """The generators that occur."""


def formula_code(formula: Coded, language: Language, name: str) -> str:
    """Return the source of a function ``name`` whose arguments are the formula's symbols in order.

    Raises:
        InvalidInput: an unknown language, a name that is no identifier, symbols that clash, an irrational constant, or
            one outside the range of doubles.
    """
    if language not in get_args(Language):
        raise InvalidInput(f"Argument 'language' must be one of {', '.join(get_args(Language))}, not {show(language)}.")
    if not isinstance(name, str) or not _IDENTIFIER.match(name) or _reserved(name) or _TEMPORARY.match(name):
        raise InvalidInput(f"Argument 'name' must be an identifier of letters, digits and _, not {show(name)}.")
    return _Writer(formula, language, name).source()


def _reserved(name: str) -> bool:
    return keyword.iskeyword(name) or keyword.issoftkeyword(name) or name in _C_WORDS or name in _OWN_WORDS


def _place(factor: tuple[Any, Any]) -> tuple[Any, ...]:
    """Return a place for a factor that depends on nothing but the factor: short ones come first."""
    base, exponent = factor
    terms = sorted((tuple(-int(e) for e in m), Fraction(int(c.p), int(c.q))) for m, c in base.terms())
    return len(terms), terms, int(exponent)


def _cancelled(formula: Coded) -> tuple[Sequence[tuple[ReluPolynomial, ...]], ReluPolynomial]:
    """Return numerator and denominator without the keep probabilities that divide both."""
    ring, below = formula.ring, formula.denominator
    if below == 1 or any(len(piece) > 1 for piece in formula.pieces) or not below.is_monomial():
        return formula.pieces, below
    coefficients = [c for piece in formula.pieces for c in piece[0].terms.values()]
    common = list(below.terms[()].degrees())
    for coefficient in coefficients:
        common = [min(have, there) for have, there in zip(common, coefficient.term_content().degrees(), strict=True)]
    factor = ring.context.from_dict({tuple(common): flint.fmpq(1)})

    def divided(element: ReluPolynomial) -> ReluPolynomial:
        return ReluPolynomial(ring, {m: c / factor for m, c in element.terms.items()})

    return [(divided(piece[0]),) for piece in formula.pieces], divided(below)


class _Writer:
    """One pass over a formula; ``lines`` are the assignments so far."""

    def __init__(self, formula: Coded, language: Language, name: str) -> None:
        self.formula, self.language, self.name = formula, language, name
        self.ring = formula.ring
        self.lines: list[str] = []
        self.atoms: dict[int, str] = {}
        self.factors: dict[str, str] = {}
        self.counts: dict[str, int] = {}
        self.opaque: dict[int, Any] = {}
        self.arguments = self._arguments()
        self.places = {name: i for i, name in enumerate(self.arguments.values())}
        self.long = formula.size > LONG_TERMS
        self.bases: dict[str, tuple[Fraction, list[tuple[str, int]]]] = {}
        self.generators = {i: self._generator(i) for i in sorted(formula.used_generators)}

    def _arguments(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for symbol in map(str, self.formula.symbols):
            name = identifier(symbol)
            if not _IDENTIFIER.match(name):
                raise InvalidInput(f"Argument 'formula' must have symbols that are identifiers, not {show(symbol)}.")
            taken = _reserved(name) or _TEMPORARY.match(name) or name == self.name
            found[symbol] = name + "_" if taken else name  # lambda becomes lambda_
        if len(set(found.values())) < len(found):
            raise InvalidInput("Argument 'formula' has two symbols that differ only in brackets or underscores.")
        return found

    def source(self) -> str:
        """Return the whole source."""
        terms: list[str] = []
        pieces, denominator = _cancelled(self.formula)
        for piece in pieces:
            if len(piece) == 1:
                terms += self._terms(piece[0])
            else:
                terms.append("*".join(f"({self._sum(self._terms(f))})" for f in piece))
        below = None if denominator == 1 else self._sum(self._terms(denominator))
        total = self._total(terms, below)
        given = list(self.arguments.values())
        if self.language == "c":
            head = f"double {self.name}({', '.join(f'double {a}' for a in given) or 'void'})\n{{\n"
            body = "".join(f"    const double {line};\n" for line in self.lines)
            return f"/* {self._comment()} */\n{head}{body}    return {total};\n}}\n"
        lines = [f"def {self.name}({', '.join(given)}):", f'    """{self._comment()}"""']
        if self.language == "python":
            lines += [f"    {a} = Fraction({a})" for a in given]
        lines += [f"    {line}" for line in self.lines]
        return _HEADS[self.language] + "\n".join([*lines, f"    return {total}"]) + "\n"

    def _total(self, terms: list[str], below: str | None) -> str:
        """Return the value of the function, one term a line where one line would be long."""
        opening = "Fraction" * (self.language == "python")
        closing = "" if below is None else f" / ({below})"
        whole = self._sum(terms)
        if len(whole) > _LINE:
            first, *rest = terms
            signed = [f"- {t[1:]}" if t.startswith("-") else f"+ {t}" for t in rest]
            whole = "\n        ".join(["", first, *signed]) + "\n    "
        elif not opening and not closing:
            return whole
        inner = f"({whole}){closing}"
        return f"Fraction({inner})" if opening and closing else opening + inner

    def _comment(self) -> str:
        kind = {"python": "exact: int or Fraction arguments", "sympy": "a SymPy expression"}
        return f"A formula derived by exactdropout ({kind.get(self.language, 'float64 arithmetic')})."

    def _generator(self, index: int) -> str:
        """Return a generator: a symbol, or an opaque expression such as 1 - q in symbols."""
        expression = self.ring.generators[index]
        if expression.is_Symbol:
            return self.arguments[str(expression)]
        try:
            polynomial = sympy.Poly(expression, *sorted(expression.free_symbols, key=name_order), domain="QQ")
        except (sympy.PolynomialError, sympy.CoercionFailed, sympy.GeneratorsNeeded):
            polynomial = None
        if polynomial is None or not expression.free_symbols:
            raise InvalidInput(f"Argument 'formula' holds {show(expression)}, which no exact code stands for.")
        self.opaque[index] = polynomial
        return self._named("k", self._in_symbols(polynomial))

    def _in_symbols(self, polynomial: Any) -> str:
        names = [self.arguments[str(s)] for s in polynomial.gens]
        terms = []
        for powers, coefficient in polynomial.terms():
            factors = [self._power(n, e) for n, e in zip(names, powers, strict=True) if e]
            terms.append(self._term(Fraction(int(coefficient.p), int(coefficient.q)), factors))
        return self._sum(sorted(terms, key=lambda term: term.startswith("-")))

    def _named(self, kind: str, value: str) -> str:
        """Return a name for a value, the same for the same value; what has one keeps it."""
        if _IDENTIFIER.match(value):
            return value
        if value not in self.factors:
            name = f"{kind}{self.counts.setdefault(kind, 0)}"
            self.counts[kind] += 1
            self.places[name] = len(self.places)
            self.lines.append(f"{name} = {value}")
            self.factors[value] = name
        return self.factors[value]

    def _atom(self, number: int) -> str:
        if number not in self.atoms:
            atom = self.ring.atoms[number]
            z = self._sum(self._terms(atom.argument))
            if atom.kind == "relu":
                value = {
                    "python": f"max({z}, 0)", "numpy": f"np.maximum({z}, 0.0)", "sympy": f"sympy.Max({z}, 0)",
                    "c": "",
                }[self.language]  # fmt: skip
            else:
                value = {
                    "python": f"int({z} > 0)", "numpy": f"np.where({z} > 0, 1.0, 0.0)",
                    "sympy": f"sympy.Piecewise((1, {z} > 0), (0, True))", "c": "",
                }[self.language]  # fmt: skip
            if self.language == "c":  # the argument gets a name: it is used twice
                argument = self._named("k", z)
                # a NaN passes through relu, as in NumPy
                relu = f"{argument} < 0.0 ? 0.0 : {argument}"
                value = relu if atom.kind == "relu" else f"{argument} > 0.0 ? 1.0 : 0.0"
            self.atoms[number] = self._named("r" if atom.kind == "relu" else "s", value)
        return self.atoms[number]

    def _terms(self, element: ReluPolynomial) -> list[str]:
        terms = []
        for monomial, coefficient in element.terms.items():
            atoms = [self._power(self._atom(n), monomial.count(n)) for n in dict.fromkeys(monomial)]
            terms.append(self._coefficient(coefficient, atoms))
        return terms

    def _coefficient(self, coefficient: Any, atoms: list[str]) -> str:
        if len(coefficient) == 1:
            return self._monomial(coefficient, atoms)
        if len(coefficient) > FACTOR_TERMS or self.long:
            return self._term(Fraction(1), [self._named("f", self._polynomial(coefficient)), *atoms])
        content, factors = coefficient.factor()
        scale = Fraction(int(content.p), int(content.q))
        bases = []
        for base, exponent in sorted(factors, key=_place):  # FLINT's own order is another in every version
            key = repr(base)
            if key not in self.bases:
                self.bases[key] = self._base(base)
            number, powers = self.bases[key]
            scale *= number ** int(exponent)
            bases += [(name, int(exponent) * power) for name, power in powers]
        bases.sort(key=lambda base: self.places[base[0]])
        return self._term(scale, [*(self._power(*base) for base in bases), *atoms])

    def _base(self, base: Any) -> tuple[Fraction, list[tuple[str, int]]]:
        """Return a factor as a number times powers of names; a polynomial in 1 - q alone is written in q again."""
        used = [i for i, degree in enumerate(base.degrees()) if degree]
        if len(base) == 1:
            ((exponents, value),) = base.terms()
            return Fraction(int(value.p), int(value.q)), [(self.generators[i], int(exponents[i])) for i in used]
        if len(used) == 1 and used[0] in self.opaque:
            polynomial = self.opaque[used[0]]
            total = polynomial * 0
            for exponents, value in base.terms():
                total += polynomial ** int(exponents[used[0]]) * sympy.Rational(int(value.p), int(value.q))
            if len(total.terms()) == 1:
                ((powers, number),) = total.terms()
                names = [self.arguments[str(s)] for s in total.gens]
                found = [(n, e) for n, e in zip(names, powers, strict=True) if e]
                return Fraction(int(number.p), int(number.q)), found
            return Fraction(1), [(self._named("f", self._in_symbols(total)), 1)]
        return Fraction(1), [(self._named("f", self._polynomial(base)), 1)]

    def _polynomial(self, polynomial: Any) -> str:
        return self._sum([self._of_term(m, c, []) for m, c in polynomial.terms()])

    def _monomial(self, polynomial: Any, more: list[str]) -> str:
        ((exponents, value),) = polynomial.terms()
        return self._of_term(exponents, value, more)

    def _of_term(self, exponents: Any, value: Any, more: list[str]) -> str:
        factors = [self._power(self.generators[i], int(e)) for i, e in enumerate(exponents) if e]
        return self._term(Fraction(int(value.p), int(value.q)), [*factors, *more])

    def _power(self, base: str, exponent: int) -> str:
        if exponent == 1:
            return base
        return "*".join([base] * exponent) if self.language == "c" else f"{base}**{exponent}"

    def _term(self, coefficient: Fraction, factors: list[str]) -> str:
        if not factors:
            return self._number(coefficient)
        sign = "-" if coefficient < 0 else ""
        size = [] if abs(coefficient) == 1 else [self._number(abs(coefficient))]
        return sign + "*".join([*size, *factors])

    def _number(self, value: Fraction) -> str:
        p, q = value.numerator, value.denominator
        if self.language == "python":
            return str(p) if q == 1 else f"Fraction({p}, {q})"
        if self.language == "sympy":
            return str(p) if q == 1 else f"sympy.Rational({p}, {q})"
        if max(abs(p), q).bit_length() <= EXACT_BITS:
            return f"{p}.0" if q == 1 else f"({p}.0/{q}.0)"
        try:
            nearest = p / q
        except OverflowError:
            nearest = 0.0
        if abs(nearest) < sys.float_info.min:
            raise InvalidInput(f"Argument 'formula' holds {show(value)}, which is out of the range of doubles.")
        return repr(nearest)

    def _sum(self, terms: list[str]) -> str:
        if not terms:
            return "0.0" if self.language in ("numpy", "c") else "0"
        text = terms[0]
        for term in terms[1:]:
            text += f" - {term[1:]}" if term.startswith("-") else f" + {term}"
        return text
