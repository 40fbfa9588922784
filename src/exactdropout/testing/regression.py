"""Regression of derivations: a stored formula and a new one are compared by proof, not by text."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from exactdropout.errors import ExactDropoutError, InvalidInput, UnreadableFile
from exactdropout.model.numbers import format_rational, show

__all__ = ["DerivationChanged", "DerivationRegression", "compare_formulas", "stored_text"]

VALUES = (Fraction(1), Fraction(0), Fraction(-1), Fraction(2), Fraction(1, 2), Fraction(-3), Fraction(5))
RATES = (Fraction(1, 2), Fraction(1, 3), Fraction(3, 4), Fraction(0))
MAX_POINTS = 3000
MAX_BYTES = 1_000_000
HEAD = "# a derived formula; the test passes while a new one is provably equal (pytest --regen replaces it)"


class DerivationChanged(ExactDropoutError, AssertionError):
    """A derived formula is not provably equal to the stored one."""


def formula_of(result: Any) -> tuple[Any, str]:
    """Return the SymPy expression of a result and its text: of a Formula, a Derivation or an expression."""
    import sympy

    if hasattr(result, "criterion") and hasattr(result, "penalty"):
        result = result.criterion
    if hasattr(result, "expr") and hasattr(result, "text"):
        return result.expr, str(result.text())
    if isinstance(result, sympy.Expr):
        return result, str(result).replace("**", "^")
    raise InvalidInput(f"Argument 'result' must be a Formula, a Derivation or a SymPy expression, not {show(result)}.")


def stored_text(result: Any) -> str:
    """Return what is stored: a comment, the symbols, and the formula, a term a line."""
    expression, text = formula_of(result)
    names = " ".join(sorted((str(s) for s in expression.free_symbols), key=lambda n: (len(n), n)))
    lines = re.sub(r" ([+-]) (?![^()]*\))", r"\n  \1 ", text)
    return f"{HEAD}\nsymbols: {names}\n{lines}\n"


def read_stored(text: str, name: str) -> Any:
    """Return the SymPy expression of a stored formula; it is parsed, never evaluated."""
    import sympy

    from exactdropout.claims.language.read_formula import read_formula

    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not lines or not lines[0].startswith("symbols:"):
        raise UnreadableFile(f"File {name!r} is no stored formula: its first line must begin with 'symbols:'.")
    symbols = [sympy.Symbol(symbol) for symbol in lines[0].removeprefix("symbols:").split()]
    return read_formula(" ".join(line.strip() for line in lines[1:]), symbols)


def compare_formulas(new: Any, old: Any) -> tuple[str, str]:
    """Return ``("equal", "")``, ``("different", the simplest point)`` or ``("undecided", why)``.

    Equal is proved: the difference, with every relu of an expanded argument as a generator, cancels to 0 as a rational
    function. Different is proved by a rational point.

    >>> import sympy
    >>> w, q = sympy.symbols("w q")
    >>> compare_formulas(w**2 / (1 - q), w**2 + w**2 * q / (1 - q))
    ('equal', '')
    >>> compare_formulas(w**2, w**2 + w)
    ('different', 'w = 1: 1 was 2')
    """
    import sympy

    plain = {s: sympy.Symbol(str(s)) for s in new.free_symbols | old.free_symbols}
    new, old = new.xreplace(plain), old.xreplace(plain)
    difference = _expanded(new) - _expanded(old)
    if sympy.expand(sympy.numer(sympy.together(difference))) == 0:
        return "equal", ""
    names = sorted(plain.values(), key=str)
    for point in _points(names):
        values = {s: sympy.Rational(v.numerator, v.denominator) for s, v in point.items()}
        a, b = new.xreplace(values), old.xreplace(values)
        a, b = sympy.nsimplify(a.doit()), sympy.nsimplify(b.doit())
        if a.is_Rational and b.is_Rational and a != b:
            where = ", ".join(f"{s} = {format_rational(v)}" for s, v in point.items())
            return "different", f"{where}: {a} was {b}"
    return "undecided", "no proof of equality was found, and no point where they differ"


def _expanded(expression: Any) -> Any:
    import sympy

    return expression.replace(
        lambda e: isinstance(e, sympy.Function), lambda e: e.func(*(sympy.expand(a) for a in e.args))
    )


def _points(names: Sequence[Any]) -> Iterator[dict[Any, Fraction]]:
    choices = [RATES if str(n) in ("q", "p") or str(n).startswith("q[") else VALUES for n in names]
    if not names:
        yield {}
        return
    count = 0
    for total in range(sum(len(c) - 1 for c in choices) + 1):
        for index in itertools.product(*(range(min(len(c), total + 1)) for c in choices)):
            if sum(index) == total:
                yield {n: c[i] for n, c, i in zip(names, choices, index, strict=True)}
                count += 1
                if count >= MAX_POINTS:
                    return


class DerivationRegression:
    """The fixture ``derivation_regression``: :meth:`check` compares with what is stored beside the test file."""

    def __init__(self, folder: Path, name: str, regen: bool) -> None:
        """Remember where formulas of this test are stored."""
        self.folder, self.name, self.regen, self.count = folder, name, regen, 0

    def check(self, result: Any, name: str | None = None) -> None:
        """Pass when the result is provably equal to the stored formula; store it where there is none, or to regenerate.

        Raises:
            DerivationChanged: with the simplest point where they differ; or stored for the first time (run again).
        """
        self.count += 1
        number = "" if self.count == 1 else f"_{self.count}"
        path = self.folder / f"{name or self.name + number}.txt"
        text = stored_text(result)
        if self.regen or not path.exists():
            existed = path.exists()
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            if not existed and not self.regen:
                raise DerivationChanged(
                    f"{path.name} did not exist and was written; look at it and run the test again."
                )
            return
        if path.stat().st_size > MAX_BYTES:
            raise UnreadableFile(f"File {path.name!r} has more than {MAX_BYTES} bytes.")
        old = read_stored(path.read_text("utf-8"), path.name)
        verdict, why = compare_formulas(formula_of(result)[0], old)
        if verdict != "equal":
            raise DerivationChanged(
                f"the derived formula is {'not the stored one' if verdict == 'different' else 'undecided'}: {why}\n"
                f"  stored in {path.name}; pytest --regen replaces it\n  new: {show(formula_of(result)[1], 400)}"
            )
