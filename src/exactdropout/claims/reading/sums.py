"""Sums whose range is left to the reader, binomial coefficients, and what is said of all entries with an index."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any, NoReturn

from exactdropout.claims.language.forms import IndexRange, Unranged
from exactdropout.claims.language.syntax import (
    Add,
    Comparison,
    Divide,
    Multiply,
    Name,
    Negate,
    Number,
    Repeated,
    expression_text,
    rebuilt,
    walk,
)
from exactdropout.claims.language.tokens import fail
from exactdropout.claims.reading.surroundings import ONE, Surroundings
from exactdropout.claims.reading.trees import added, letters, negated, put, renamed_apart

__all__ = ["SumReader"]

SIZES = ("K", "n", "d")
_TWO = Number(Fraction(2))


class SumReader(ABC):
    """What reading has to know at any place of a claim: the text, the architecture, and the sums around."""

    def __init__(self, text: str, around: Surroundings | None) -> None:
        """Begin outside of all sums."""
        self.text, self.around = text, around
        self.bound: dict[str, Any] = {}  # indices of the sums around, and where they start

    @abstractmethod
    def scalar(self, node: Any) -> Any:
        """Return an expression whose value is a number."""

    def refuse(self, node: Any, message: str) -> NoReturn:
        """Fail at the place of a node."""
        fail(self.text, min(getattr(node, "position", 0), len(self.text)), message)

    def known(self, node: Any) -> Surroundings:
        """Return the architecture, which a form needs."""
        if self.around is None:
            self.refuse(node, "this form is written out for an architecture, which is needed here.")
        return self.around

    def under(self, indices: dict[str, Any], act: Callable[[], Any]) -> Any:
        """Return what is read in the body of a sum."""
        before, self.bound = self.bound, {**self.bound, **indices}
        found = act()
        self.bound = before
        return found

    def binomial(self, node: Any, top: Any, bottom: Any) -> Any:
        """Return binom(n, k) as the product of (n - k + i)/i over i to k, which holds for whole n, k >= 0."""

        def whole(part: Any) -> bool:
            if isinstance(part, Number):
                return part.value.denominator == 1
            return part in map(Name, (*SIZES, *self.bound)) or (
                isinstance(part, (Add, Negate))
                and all(map(whole, part.terms if isinstance(part, Add) else (part.operand,)))
            )

        start = self.bound.get(bottom.name) if isinstance(bottom, Name) else bottom
        from_zero = bottom in map(Name, SIZES) or (isinstance(start, Number) and start.value >= 0)
        if not from_zero or not whole(bottom) or not whole(top) or not isinstance(bottom, (Number, Name)):
            self.refuse(
                node, "binom(n, k) is read of sizes, whole numbers and indices, k one of them; these are expected."
            )
        index = Name("\0")
        share = Divide(added((top, negated(bottom), index)), index)
        letter = next(letter for letter in "stuvzijkl" if letter not in letters(share))
        return Repeated("product", letter, ONE, bottom, put(share, {"\0": Name(letter)}))

    def ranged(self, node: Unranged) -> Any:
        """Return a sum with its range: that of the entries with its indices."""
        around = self.known(node)
        outside = {*node.indices} & {*self.bound}
        if outside and not (node.relation == "!=" and outside == {node.indices[1]}):
            self.refuse(
                node,
                f"{' and '.join(sorted(outside))} is an index of a sum around this one; another letter is expected.",
            )
        body = self.under(dict.fromkeys(node.indices, ONE), lambda: self.scalar(node.body))
        lasts = {}
        for index in node.indices[:1] if outside else node.indices:
            found = set()
            for entry in walk(body):
                if isinstance(entry, Name) and entry.indices:
                    for at, end in zip(entry.indices, around.ranges_of(entry), strict=True):
                        if at == Name(index):
                            found.add(end)
            ends = {expression_text(end) for end in found if end is not None}
            if node.last is not None:
                given = self.scalar(node.last)
                if ends and ends != {expression_text(given)}:
                    self.refuse(
                        node,
                        f"{index} ends at {expression_text(given)} here, at {' or '.join(sorted(ends))} as an index.",
                    )
                found, ends = {given}, {expression_text(given)}
            if len(ends) != 1:
                why = f"it may end at {' or '.join(sorted(ends))}" if ends else "no entry has this index"
                self.refuse(node, f"the range of {index} is needed, as in \\sum_{{{index}=1}}^{{K}}: {why}.")
            lasts[index] = next(end for end in found if end is not None)

        def over(indices: Iterable[str], inner: Any, kind: Any = node.kind) -> Any:
            for index in reversed(tuple(indices)):
                inner = Repeated(kind, index, ONE, lasts[index], inner, position=node.position)
            return inner

        if not node.relation:
            return over(node.indices, body)
        first, second = node.indices
        if lasts[first] != lasts.get(second, lasts[first]) or node.kind != "sum":
            self.refuse(node, f"{first} and {second} have different ranges; a sum over each is expected.")
        if outside:  # the sum over the first index alone
            return Add((over([first], body), Negate(put(renamed_apart(body, {second}), {first: Name(second)}))))
        same = over([first], put(renamed_apart(body, {first}), {second: Name(first)}))
        everything = over(node.indices, body)
        if node.relation == "!=":
            return Add((everything, Negate(same)))
        swapped = put(put(body, {first: Name("\0"), second: Name(first)}), {"\0": Name(second)})
        if _ordered(swapped) == _ordered(body):
            return Divide(Add((everything, Negate(same))), _TWO)
        ahead = Repeated("sum", second, Add((Name(first), ONE)), lasts[second], body)
        return over([first], ahead)

    def check_ranges(self, ranges: tuple[IndexRange, ...], comparisons: tuple[Comparison, ...]) -> None:
        """Refuse j = 1, ..., m behind w_j >= 0 unless these are all entries."""
        for item in ranges:
            ends = set()
            for node in walk(comparisons):
                if isinstance(node, Name) and node.indices:
                    around = self.known(item)
                    ends |= {
                        end
                        for at, end in zip(node.indices, around.ranges_of(node), strict=True)
                        if at == Name(item.index)
                    }
            if ends != {item.last} or item.first != ONE:
                self.refuse(
                    item,
                    f"an assumption is on all entries: {item.index} goes from 1 to their number, or single ones are "
                    "named, as in w[1] >= 0.",
                )


def _ordered(node: Any) -> Any:
    """Return a tree with factors and terms in one order, for a comparison."""

    def change(part: Any) -> Any:
        if isinstance(part, Multiply):
            return Multiply(tuple(sorted(part.factors, key=repr)))
        if isinstance(part, Add):
            return Add(tuple(sorted(part.terms, key=repr)))
        return part

    return rebuilt(node, change)
