"""A recursive-descent parser for claims: text or pasted LaTeX to a syntax tree. Nothing is evaluated.

Written by hand because a wrong claim deserves a caret under the exact place, and because the grammar is small:
docs/claims.md publishes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from exactdropout.claims.language import words
from exactdropout.claims.language.expressions import MAX_EXPONENT, MAX_NESTING, ExpressionParser, Names
from exactdropout.claims.language.forms import FORMS, Definition, IndexRange, Mean, RawClaim
from exactdropout.claims.language.syntax import (
    Assignment,
    Call,
    Claim,
    Comparison,
    Conjunction,
    Expression,
    Invariance,
    Minimiser,
    Monotonicity,
    Name,
    Number,
    Quantity,
    Repeated,
    Statement,
    walk,
)
from exactdropout.claims.language.tokens import Token
from exactdropout.claims.reading.surroundings import Surroundings
from exactdropout.claims.reading.written_out import assumptions_written_out, written_out
from exactdropout.errors import InvalidInput
from exactdropout.model.numbers import show

__all__ = [
    "MAX_EXPONENT",
    "MAX_NESTING",
    "parse_assumptions",
    "parse_claim",
    "parse_expression",
    "read_claim",
    "read_definition",
]


def parse_claim(text: str, names: Names = None) -> Claim:
    """Parse a claim in text or LaTeX; at most 10,000 characters, 50 levels deep, exponents up to 64.

    ``names`` says what the author calls the symbols of the grammar: ``{"w": "a", "W": "theta"}``. Sums without a range,
    norms and matrices need an architecture and are read by :func:`exactdropout.claims.check`.

    Raises:
        InvalidInput: one sentence with the position, and a caret under it.

    >>> parse_claim(r"J_D - R = \\frac{q}{p} \\sum_{i=1}^{K} w_i^2 x_i^2")  == parse_claim(
    ...     "criterion - risk = q/p * Sum(w[i]^2 * x[i]^2, i=1..K)")
    True
    """
    return read_claim(text, names, None)


def read_claim(text: str, names: Names, around: Surroundings | None, known: tuple[Definition, ...] = ()) -> Claim:
    """Parse a claim and write sums without a range, norms and matrices out for the architecture ``around`` it.

    ``known`` are named intermediates that were defined before.

    Raises:
        InvalidInput: as :func:`parse_claim`; a form that the architecture gives no meaning.
    """
    parser = _Parser(_text(text), names=names, defined={d.name for d in known}, **_about(around))
    raw = parser.claim()
    return written_out(replace(raw, definitions=(*known, *raw.definitions)), around)


def read_definition(
    text: str, names: Names, around: Surroundings | None, known: tuple[Definition, ...] = ()
) -> Definition | None:
    """Parse z_j = ..., where z is a letter that means nothing yet; None where it is a claim.

    Raises:
        InvalidInput: it does not parse.
    """
    parser = _Parser(_text(text), names=names, defined={d.name for d in known}, **_about(around))
    parser.may_define = True
    comparison = parser.comparison()
    parser.end()
    target, *_, value = comparison.sides
    if not isinstance(target, Name) or target.name in words.OWN or target.name in parser.defined:
        return None
    indices = tuple(i.name for i in target.indices if isinstance(i, Name) and not i.indices)
    if comparison.relations != ("=",) or len(set(indices)) < len(target.indices):
        return None
    if any(isinstance(node, Name) and node.name == target.name for node in walk(value)):
        return None
    return Definition(target.name, indices, value)


def parse_assumptions(text: str, names: Names = None, around: Surroundings | None = None) -> tuple[Comparison, ...]:
    """Parse assumptions separated by commas, such as ``w >= 0, y = 2*c``; the empty text holds none."""
    parser = _Parser(_text(text), names=names, **_about(around))
    found = () if parser.next.kind == "end" else parser.comparisons()
    parser.end()
    return assumptions_written_out(found, tuple(parser.ranges), around, text)


def parse_expression(text: str, vocabulary: Mapping[str, bool] | None = None) -> Expression:
    """Parse one expression.

    ``vocabulary`` names the symbols that a formula was printed with, and whether an upper index in parentheses, as in
    W^{(1)}_{2,3}, is a layer of theirs: these take precedence over the names of the grammar, ``step`` is a function,
    and a formula may be long.
    """
    parser = _Parser(_text(text), vocabulary)
    found = parser.expression()
    if any(isinstance(node, FORMS) for node in walk(found)):
        parser.error("a number or a symbol is expected here", parser.tokens[0])
    if parser.formula and parser.takes("="):  # a formula may stand behind its name, as in J_D = ...
        found = parser.expression()
    parser.end()
    return found


def _about(around: Surroundings | None) -> dict[str, bool]:
    if around is None:
        return {}
    return {"one_hidden_layer": around.one_hidden_layer, "several_examples": around.rows is not None}


def _text(text: object) -> str:
    if not isinstance(text, str):
        raise InvalidInput(f"Argument 'claim' must be text or a SymPy relation, not {show(text)}.")
    return text


class _Parser(ExpressionParser):
    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self.definitions: list[Definition] = []
        self.ranges: list[IndexRange] = []
        self.points: tuple[Comparison, ...] = ()  # at which values are taken

    def claim(self) -> RawClaim:
        assumptions: tuple[Comparison, ...] = ()
        while self.sees("forall") or (self.sees("for") and self.texts(1, 1)[0] in ("all", "every", "any")):
            self.advance()
            self.takes("all", "every", "any")
            assumptions += self.quantified()
            self.takes(":", ",")
        assumptions += self.premises()
        statement = self.statement()
        while self.takes(",") or self.next.text in words.ASSUMING:
            if not self.sees(*words.ASSUMING):
                self.error("one relation is expected, or several values followed by 'is a minimiser of'; check each "
                           "statement for itself", self.tokens[self.at])  # fmt: skip
            word = self.advance().text
            self.takes("that")
            if self.sees("some"):
                self.error(
                    "existence is not part of the grammar: check the claim that it never holds, whose counterexample "
                    "is such a point; 'all' is expected"
                )
            if word == "forall" or (word == "for" and self.takes("all", "every", "any")):
                assumptions += self.quantified()
            else:
                assumptions += self.comparisons(defining=word in ("where", "with"))
        self.end()
        assumptions += self.points
        return RawClaim(statement, assumptions, tuple(self.definitions), tuple(self.ranges), self.text)

    def premises(self) -> tuple[Comparison, ...]:
        """Parse what stands before \\implies, or between "if" and "then"."""
        conditional = self.sees("if", "If")
        word = "then" if conditional else "⇒"
        if not any(t.text == word for t in self.tokens[self.at :]):
            if conditional:
                self.error("a condition in front ends with 'then', or stands behind the claim; a statement is expected")
            return ()
        if conditional:
            self.advance()
        found = self.comparisons()
        self.takes(",")
        if not self.takes("then", "⇒"):
            self.error(f"'{'then' if conditional else chr(92) + 'implies'}' is expected behind comparisons")
        return found

    def quantified(self) -> tuple[Comparison, ...]:
        """Parse "for all w, b" or "for all q in (0, 1)": everything that is free is meant for all its values."""
        found: tuple[Comparison, ...] = ()
        while True:
            if self.index_range():
                pass
            else:
                target = self.variable()
                if self.takes("in"):
                    found += self.membership(target)
                elif self.sees(*words.RELATIONS):
                    found += (self.chain(target),)
            at = self.at
            if not self.takes(",", "and"):
                return found
            if self.starts_statement():
                self.at = at
                return found

    def starts_statement(self) -> bool:
        """Return whether a quantity follows, which no "for all" is about."""
        word, behind = self.texts(2)
        return word in ("J", "E", "Var", "penalty", "criterion", "risk", "variance", "mean") or (
            word == "R" and behind not in ("in", "_")) or (word == "W" and behind == "(")  # fmt: skip

    def membership(self, target: Name) -> tuple[Comparison, ...]:
        """Parse the set behind "in": an interval, or all reals."""
        token = self.next
        if self.sees("ℕ") and not self.counts(target):
            self.error(
                f"{target.name} stands for a real number; 'in R', an interval, or a claim without it is expected"
            )
        if self.takes("ℝ", "ℕ"):
            above: tuple[Comparison, ...] = ()
            if self.texts(2) == ["_", "+"] or self.texts(4) == ["_", "{", "+", "}"]:
                self.at += 2 if self.texts(1, 1) == ["+"] else 4
                above = (Comparison((target, Number(words.ONE * 0)), (">=",)),)
            if self.takes("^"):
                self.script()
            return above
        braced = token.text == "(" and self.text[token.position] != "("
        if braced or not self.takes("(", "["):
            self.error("an interval such as (0, 1) is expected behind 'in', or one claim for each number of a set")
        low = self.expression()
        self.expect(",", "in an interval such as (0, 1)")
        high = self.expression()
        if not self.takes(")", "]"):
            self.error("')' or ']' is expected at the end of an interval")
        closed = self.tokens[self.at - 1].text == "]"
        return (
            Comparison((target, low), (">" if token.text == "(" else ">=",)),
            Comparison((target, high), ("<=" if closed else "<",)),
        )

    def counts(self, target: Name) -> bool:
        """Return whether a name is a size, or an index such as i: whole numbers anyway."""
        return not target.indices and target.name in "KndmijklrstN"

    def index_range(self) -> bool:
        """Parse j = 1, ..., n or j = 1..n, and say whether it was there."""
        letter, relation, number, *dots = [t.text for t in self.tokens[self.at : self.at + 5]] + [""] * 5
        start = self.next
        if len(letter) != 1 or relation != "=" or not number.isdigit() or ".." not in dots[: 1 + (dots[0] == ",")]:
            return False
        index = self.index_name()
        self.advance()
        first = self.primary()
        self.takes(",")
        self.advance()
        self.takes(",")
        self.ranges.append(IndexRange(index, first, self.primary(), start.position))
        return True

    def direction(self) -> str:
        """Parse "increasing", "strictly increasing" or "non-decreasing"."""
        self.takes("monotonically", "monotone")
        strictly = self.takes("strictly")
        self.takes("monotonically", "monotone")
        if self.takes("weakly") and self.sees("increasing", "decreasing"):
            word = "nondecreasing" if self.sees("increasing") else "nonincreasing"
        elif self.takes("non"):
            self.takes("-")
            word = "non" + self.next.text
        else:
            word = self.next.text
        if word == "not":
            self.error(
                "a denied claim is checked as the claim itself, refuted by a counterexample; a direction is expected"
            )
        if word not in words.DIRECTIONS or (strictly and word not in ("increasing", "decreasing")):
            self.error(f"'invariant under' or one of {', '.join(sorted(words.DIRECTIONS))} is expected")
        self.advance()
        return word

    def statement(self) -> Statement:
        first = self.next
        if self.sees("argmin") or self.texts(2) == ["arg", "min"]:
            return self.named_minimiser()
        left = self.expression()
        if self.takes("->"):
            return self.arrow(left)
        if self.takes("does", "do"):
            self.expect("not", "in 'does not depend on'")
            if self.takes("increase", "decrease"):
                change = self.tokens[self.at - 1].text
                if not self.takes("in", "with"):
                    self.error(f"'in' and what varies are expected after 'does not {change}'")
                return Monotonicity(left, "nonincreasing" if change == "increase" else "nondecreasing", self.variable())
            for word in ("depend", "on"):
                self.expect(word, "in 'does not depend on'")
            return Monotonicity(left, "constant", self.variable())
        if self.sees("increases", "decreases"):
            kind = self.next.text.removesuffix("s").removesuffix("e") + "ing"
            self.error(
                f"'is {kind} in' (strictly) or 'is non{'de' if kind[0] == 'i' else 'in'}creasing in' is expected"
            )
        if self.takes("is"):
            if self.takes("invariant"):
                self.expect("under", "after 'invariant'")
                if self.sees("permutation", "permuting", "the"):
                    self.error(
                        "a permutation is written as a map, such as x[1] -> x[2], x[2] -> x[1]; a map is expected"
                    )
                return Invariance(left, self.maps())
            if self.takes("independent"):
                self.expect("of", "after 'independent'")
                return Monotonicity(left, "constant", self.variable())
            self.takes("a", "an")
            direction = self.direction()
            of = self.takes("function") and self.sees("of")
            if not of and not self.sees("in", "with"):
                self.error(f"'in' and what varies are expected after '{direction}', as in 'J_D is {direction} in q'")
            self.advance()
            return Monotonicity(left, direction, self.variable())  # type: ignore[arg-type]
        comparisons = [self.chain(left)]
        at = self.at
        while self.takes(",", "and"):
            if self.sees(*words.ASSUMING) or not comparisons[-1].relations:
                break
            comparisons.append(self.comparison())
        behind = self.texts(4)
        if (
            len(behind) == 4
            and behind[0] == "for"
            and behind[1] in ("all", "every")
            and behind[3] in ("minimises", "minimizes", "is")
        ):
            self.at += 2
            every = self.index_name()
            if any(Name(every) not in getattr(c.sides[0], "indices", ()) for c in comparisons):
                self.error(f"{every} is expected as the index of what is minimised over")
        minimises = self.takes("minimises", "minimizes")
        if not minimises and self.takes("is"):
            self.takes("a", "the")
            if not self.takes("minimiser", "minimizer"):
                self.error("'minimiser of' is expected")
            self.expect("of", "after 'minimiser'")
            minimises = True
        if minimises:
            return Minimiser(tuple(self.assignment(c, first) for c in comparisons), self.expression())
        if len(comparisons) > 1:
            if not all(map(speaks_of_dropout, comparisons)):
                self.error(
                    "one relation is expected, or several values followed by 'is a minimiser of' (several statements "
                    "at once each name a quantity; a condition stands behind 'if')"
                )
            return Conjunction(tuple(comparisons))
        if self.at > at and self.tokens[self.at - 1].text == ",":
            self.at -= 1
        return comparisons[0]

    def arrow(self, left: Expression) -> Statement:
        """Parse J_D -> R as q -> 0."""
        right = self.expression()
        opened = self.takes("(")
        self.takes(",")
        if not self.takes("as"):
            self.error("'as q -> 0' is expected, which says what goes where")
        limit = self.approach(self.next)
        if opened:
            self.expect(")", "after the approach of a limit")
        return Comparison((replace(limit, operand=left), right), ("=",))

    def named_minimiser(self) -> Statement:
        """Parse argmin_w J_D = c, where one entry or group is minimised over."""
        if self.advance().text == "arg":
            self.advance()
        self.expect("_", "in \\arg\\min_{w}")
        braced = self.takes("{")
        target = self.variable()
        if braced:
            self.expect("}", "after what is minimised over")
        expression = self.expression()
        self.expect("=", "in \\arg\\min_w J_D = ...")
        return Minimiser(((target, self.expression()),), expression)

    def assignment(self, comparison: Comparison, token: Token) -> Assignment:
        target = comparison.sides[0]
        if comparison.relations != ("=",) or not isinstance(target, Name):
            self.error("a minimiser is named by values of weights such as w[1] = 2", token)
        value = comparison.sides[1]
        letters = [i for i in target.indices if isinstance(i, Name)]
        if not letters or target.name not in ("w", "W"):
            return target, value
        whole = len(target.indices) == len({*letters}) == (1 if target.name == "w" else 2)  # w_i = c for every i
        if not whole or any(node in letters for node in walk(value)):
            self.error(
                "a minimiser with an index that nothing binds is read where one number is given to every entry; the "
                "entries are expected by their numbers, as w[1] = ...", token
            )  # fmt: skip
        return replace(target, indices=()), value

    def maps(self) -> tuple[Assignment, ...]:
        found = []
        while True:
            target = self.variable()
            self.expect("->", "in a map such as w -> c*w")
            found.append((target, self.expression()))
            if not self.takes(",", "and"):
                return tuple(found)

    def comparisons(self, *, defining: bool = False) -> tuple[Comparison, ...]:
        found: tuple[Comparison, ...] = ()
        while True:
            if not self.index_range():
                found += self.assumption(defining=defining)
            if not self.takes(",", "and"):
                return found
            if self.sees(*words.ASSUMING):
                return found

    def assumption(self, *, defining: bool) -> tuple[Comparison, ...]:
        """Parse a comparison, "q in (0, 1)", or with ``defining`` the definition of a named intermediate."""
        token = self.next
        left = self.expression()
        if isinstance(left, Name) and self.takes("in"):
            return self.membership(left)
        comparison = self.chain(left)
        if isinstance(left, Name) and comparison.relations == ("=",) and left.name not in words.OWN:
            definition = definition_of(comparison, token.position)
            if definition is not None and (defining or left.indices):
                self.definitions.append(definition)
                return ()
        return (comparison,)

    def comparison(self) -> Comparison:
        return self.chain(self.expression())

    def chain(self, left: Expression) -> Comparison:
        sides, relations = [left], []
        token, points = self.next, [self.evaluated()]
        while self.next.kind == "operator" and self.next.text in words.RELATIONS:
            relations.append(self.advance().text)
            sides.append(self.expression())
            points.append(self.evaluated())
        if not relations:
            self.error("a relation such as = or >= is expected, or 'is'")
        point = next((p for p in points if p is not None), None)
        for side, own in zip(sides, points, strict=True):
            if point is not None and own != point and moves_with(side, point.sides[0]):
                self.error(
                    "a value at a point is compared with what moves with it too; '... if q = 0', the condition of the "
                    "whole claim, is expected", token
                )  # fmt: skip
        self.points += () if point is None else (point,)
        return Comparison(tuple(sides), tuple(relations))  # type: ignore[arg-type]

    def evaluated(self) -> Comparison | None:
        """Parse |_{q=0} behind a side, the point at which it is taken."""
        if self.texts(3) != ["|", "_", "{"]:
            return None
        self.at += 3
        target = self.variable()
        self.expect("=", "in a value at a point such as J_D |_{q=0}")
        value = self.expression()
        self.expect("}", "in a value at a point such as J_D |_{q=0}")
        return Comparison((target, value), ("=",))


def moves_with(side: Any, variable: Any) -> bool:
    """Return whether a side may change with a variable; of the quantities R and W(x) alone are free of q."""
    rate = variable in (Name("q"), Name("p"))
    for node in walk(side):
        if isinstance(node, Mean) or (isinstance(node, Quantity) and not (rate and node.name in ("risk", "output"))):
            return True
        if isinstance(node, Name) and (node.name == variable.name or (rate and node.name in ("q", "p"))):
            return True
    return False


def speaks_of_dropout(comparison: Comparison) -> bool:
    """Return whether a comparison names a quantity and is no condition such as R = 0."""
    quantities = [isinstance(side, (Quantity, Mean)) for side in comparison.sides]
    condition = any(quantities) and all(
        quantity or isinstance(side, Number) for quantity, side in zip(quantities, comparison.sides, strict=True)
    )
    numbers = any(isinstance(side, Number) for side in comparison.sides)
    named = any(isinstance(node, (Quantity, Mean)) for node in walk(comparison.sides))
    return named and not (condition and numbers)


def definition_of(comparison: Comparison, position: int) -> Definition | None:
    """Return the definition z_j = … of a named intermediate; None for an assumption that gives a symbol a value."""
    target, value = comparison.sides[0], comparison.sides[-1]
    if not isinstance(target, Name):
        return None
    indices = [i.name for i in target.indices if isinstance(i, Name) and not i.indices]
    larger = any(isinstance(n, (Quantity, Repeated, Call, *FORMS)) or getattr(n, "indices", ()) for n in walk(value))
    if len(indices) < len(target.indices) or len(set(indices)) < len(indices) or not (indices or larger):
        return None
    return Definition(target.name, tuple(indices), value, position)
