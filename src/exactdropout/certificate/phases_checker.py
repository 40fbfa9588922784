"""Checker of certificates for phases: the minimal dropout criterion as a function of the drop rate q.

Run it beside checker.py:  python phases_checker.py phases.json [more.json ...]
Exit status: 0 VERIFIED, 1 REJECTED, 2 MALFORMED (or refused as too large); the worst one of several files.

It uses the standard library and ``checker.py`` (for reading, cones, types and symmetries) only, and trusts nothing in
the file but the statement. FORMAT.md (folder proofs) has the grammar and the mathematics; the numbers in brackets refer
to its sections. In short: on each cell of q a network whose weights are quotients of polynomials attains the value, and
every leaf of a tree is bounded by a dual function; what this needs are polynomials that are not negative on the cell,
which Descartes' rule of signs with bisection proves. All arithmetic is in integers and fractions.
"""

from __future__ import annotations

import os
import sys

if __name__ == "__main__" and not sys.flags.isolated:  # before any import that a file beside this one could answer
    if os.name != "posix" or not sys.executable:
        sys.exit("Run the checker isolated from other files: python -I phases_checker.py phases.json")
    os.execv(sys.executable, [sys.executable, "-I", os.path.abspath(__file__), *sys.argv[1:]])

import hashlib
import importlib.util
import math
from fractions import Fraction
from itertools import combinations_with_replacement, pairwise, product
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from exactdropout.certificate import checker
    from exactdropout.certificate import polynomial_signs as signs
    from exactdropout.certificate.polynomial_signs import Interval, Poly
elif __name__ == "__main__":
    for _name in ("checker", "polynomial_signs"):  # by their paths: no other module beside this file is looked at
        _path = os.path.join(os.path.dirname(os.path.abspath(__file__)), f"{_name}.py")
        _spec = importlib.util.spec_from_file_location(_name, _path)
        sys.modules[_name] = importlib.util.module_from_spec(_spec)
        _spec.loader.exec_module(sys.modules[_name])
    checker, signs = sys.modules["checker"], sys.modules["polynomial_signs"]
else:
    from exactdropout.certificate import checker
    from exactdropout.certificate import polynomial_signs as signs

MAX_ENDS = 2000
MAX_MULTISETS = 20_000
MAX_SHOWN = 700
Q, KEPT = signs.Q, signs.KEPT

MalformedError = checker.MalformedError
RejectedError = checker.RejectedError


# ---- the statement: masses and moments as polynomials in q [8] -------------------------------------------------------


class Family(checker.Statement):
    """The reduced problems for all q in (0, 1): points and cones are those of q = 1/2, weights are polynomials."""

    def __init__(self, value: Any, work: checker.Work) -> None:
        """Read the statement and compute the polynomials M w_u and M w_u y_u, with M a common denominator."""
        shape = ("inputs", "width", "hidden_biases", "output_bias", "nonnegative", "examples")
        checker.keys(value, "statement", *shape, "ends", "intervals")
        super().__init__({key: value[key] for key in shape} | {"q": ["1/2", "1/2"], "lower": 0, "upper": 0}, work)
        if self.every_width:
            raise MalformedError("width must be an integer here")
        chances = [(mass, mass * y, mass * y * y) for _, y, mass in self.examples]
        second = sum((v for *_, v in chances), Fraction(0))
        self.scale = math.lcm(second.denominator, *(v.denominator for row in chances for v in row[:2]))
        work.number(Fraction(self.scale), 4 * len(chances))
        self.second = int(second * self.scale)
        stretch = [
            Fraction(math.lcm(*(x[i].denominator for x, _, _ in self.examples)),
                     math.gcd(*(x[i].numerator for x, _, _ in self.examples)))
            for i in self.coordinates
        ]  # fmt: skip
        masses: dict[Any, Poly] = dict.fromkeys(self.points, ())
        moments: dict[Any, Poly] = dict.fromkeys(self.points, ())
        for (row, _, _), (mass, moment, _) in zip(self.examples, chances, strict=True):
            x = [int(row[i] * s) for i, s in zip(self.coordinates, stretch, strict=True)]
            for mask in product(*((True, False) if v else (True,) for v in x)):
                u = (*(v if keep else 0 for v, keep in zip(x, mask, strict=True)), *([1] if self.hidden_biases else []))
                chance: Poly = (1,)
                for v, keep in zip(x, mask, strict=True):
                    if v:
                        chance = signs.times(chance, KEPT if keep else Q)
                work.number(Fraction(self.scale), 2 * len(chance))
                masses[u] = signs.plus(masses[u], signs.scaled(chance, int(mass * self.scale)))
                moments[u] = signs.plus(moments[u], signs.scaled(chance, int(moment * self.scale)))
        self.masses = [masses[u] for u in self.points]
        self.moments = [moments[u] for u in self.points]
        self.weights, self.labels = cast(Any, self.masses), cast(Any, self.moments)  # what symmetries keep
        self.ends = [signs.End(v) for v in checker.items(value["ends"], "ends", limit=MAX_ENDS)]
        self.intervals: list[tuple[int, int, Poly, Poly]] = []
        for entry in checker.items(value["intervals"], "intervals", limit=MAX_ENDS):
            low, high, top, below = checker.items(entry, "an interval", 4)
            checker.natural(low, "an end's number", 0, len(self.ends) - 1)
            checker.natural(high, "an end's number", 0, len(self.ends) - 1)
            self.intervals.append(
                (low, high, signs.polynomial(top, "a value", zero=True), signs.polynomial(below, "a value"))
            )
        for (_, before, *_), (after, *_) in pairwise(self.intervals):
            if before != after:
                signs.Interval(self.ends[before], self.ends[after], work)

    def sum_of(self, values: Any) -> Poly:
        """Return a sum of products, counted."""
        found: list[Poly] = []
        for f, g in values:
            if f and g:
                self.count(f, g)
                found.append(signs.times(f, g))
        return signs.plus(*found)

    def count(self, f: Poly, g: Poly) -> None:
        """Count a product."""
        size = (max(v.bit_length() for v in f) // 64 + 1) * (max(v.bit_length() for v in g) // 64 + 1)
        self.work.add(4 + len(f) * len(g) * (1 + size // 4))

    def times(self, f: Poly, g: Poly) -> Poly:
        """Return a product, counted."""
        return self.sum_of([(f, g)])


# ---- one side of a cell [8] -----------------------------------------------------------------------------------------


def check_network(s: Family, span: Interval, value: Any, goal: tuple[Poly, Poly]) -> None:
    """Require a network for every q of the span whose criterion is the value."""
    checker.keys(value, "network", "units", "output_bias", "denominator")
    below = signs.polynomial(value["denominator"], "denominator")
    bias = signs.polynomial(value["output_bias"], "output_bias", zero=True)
    if bias and not s.output_bias:
        raise MalformedError("there is no output bias in the statement")
    if not span.positive(below) or not span.positive(goal[1]):
        raise RejectedError("a denominator of the network or of the value is not positive")
    fits = [bias for _ in s.points]
    penalty: list[tuple[int, Poly]] = []  # multiplicity, sum of squares
    units = checker.items(value["units"], "units", limit=s.width)
    for entry in units:
        side, count, vector = checker.items(entry, "a unit", 3)
        if side not in (1, -1) or not checker.is_integer(side):
            raise MalformedError("the sign of a unit must be 1 or -1")
        checker.natural(count, "a multiplicity", 1, checker.MAX_WIDTH)
        c = signs.polynomials(vector, "a unit", s.dimension)
        if s.nonnegative and (side < 0 or not all(span.nonnegative(v) for v in c[: len(s.coordinates)])):
            raise RejectedError("the network has a negative weight")
        response = []
        for k, u in enumerate(s.points):
            f = signs.plus(*(signs.scaled(v, x) for v, x in zip(c, u, strict=True)))
            here = signs.at(f, span.sample())
            if f and not span.nonnegative(f if here > 0 else signs.scaled(f, -1)):
                raise RejectedError("a unit of the network changes between on and off inside a cell")
            f = f if here > 0 else ()
            fits[k] = signs.plus(fits[k], signs.scaled(f, side))
            response.append((s.masses[k], s.times(f, f)))
        penalty.append((count, s.sum_of(response)))
    if sum(count for count, _ in penalty) > s.width:
        raise RejectedError("the network has more units than the statement")
    shares = math.lcm(*(count for count, _ in penalty))
    fit = signs.plus(
        s.times((s.second,) if s.second else (), s.times(below, below)),
        s.sum_of((w, s.times(f, f)) for w, f in zip(s.masses, fits, strict=True)),
        signs.scaled(s.times(below, s.sum_of(zip(s.moments, fits, strict=True))), -2),
    )
    noise = signs.plus(*(signs.scaled(square, shares // count) for count, square in penalty))
    whole = signs.plus(
        signs.scaled(s.times(KEPT, fit), shares), s.times(Q, noise)
    )  # times 1/(M (1 - q) shares below^2)
    expected = s.times(s.times(goal[0], KEPT), s.times(below, below))
    if s.times(whole, goal[1]) != signs.scaled(expected, s.scale * shares):
        raise RejectedError("the network does not have the value of its interval")


class Side:
    """The cuts, witnesses and leaves on one side of a cell; witnesses are checked when a leaf first needs them."""

    def __init__(self, s: Family, types: checker.Types, span: Interval, value: Any, goal: tuple[Poly, Poly]) -> None:
        """Read and check the cuts."""
        self.family, self.types, self.span, self.goal = s, types, span, goal
        self.cuts: list[tuple[list[Poly], Poly, Poly]] = []  # omega, D^2, second D^2 - sum W F^2
        for entry in checker.items(value["cuts"], "cuts", limit=10**5):
            top, below = checker.items(entry, "a cut", 2)
            f, d = signs.polynomials(top, "a cut", len(s.points)), signs.polynomial(below, "the denominator of a cut")
            if not span.nonnegative(d):
                raise RejectedError("the denominator of a cut is negative")
            omega = [
                signs.plus(s.times(w, v), signs.scaled(s.times(label, d), -1))
                for w, v, label in zip(s.masses, f, s.moments, strict=True)
            ]
            if s.output_bias and signs.plus(*omega):
                raise RejectedError("the residual of a cut has a mean, and the output bias is free")
            square = s.times(d, d)
            spent = s.sum_of((w, s.times(v, v)) for w, v in zip(s.masses, f, strict=True))
            self.cuts.append((omega, square, signs.plus(signs.scaled(square, s.second), signs.scaled(spent, -1))))
        self.given = checker.items(value["witnesses"], "witnesses")
        self.leaves = checker.items(value["leaves"], "leaves")
        self.proved: dict[int, tuple[int, int, Poly, Poly]] = {}
        self.compared: set[tuple[int, int, Fraction]] = set()

    def witness(self, number: Any) -> tuple[int, int, Poly, Poly]:
        """Return cut, type, and N, B with kappa = N/(M B D^2) of a witness, after checking it."""
        checker.natural(number, "a witness's number", 0, len(self.given) - 1)
        if number not in self.proved:
            s, types = self.family, self.types
            index, kind, vector, below = checker.items(self.given[number], "a witness", 4)
            checker.natural(index, "a cut's number", 0, len(self.cuts) - 1)
            checker.natural(kind, "type", 0, types.per * len(types.cones) - 1)
            h = signs.polynomials(vector, "a witness", s.dimension)
            b = signs.polynomial(below, "the denominator of a witness")
            if not self.span.nonnegative(b):
                raise RejectedError("the denominator of a witness is negative")
            rows = types.responses[kind // types.per]
            active = types.active[kind // types.per]
            omega = self.cuts[index][0]
            form = [
                signs.plus(*(signs.scaled(v, x) for v, x in zip(h, u, strict=True))) if on else ()
                for u, on in zip(s.points, active, strict=True)
            ]
            gap = [
                signs.plus(s.times(w, f), signs.scaled(s.times(o, b), types.sign(kind)))
                for w, f, o in zip(s.masses, form, omega, strict=True)
            ]
            for row in {tuple(row) for row in rows}:
                s.work.add(4 * len(row) + sum(len(g) for g in gap))
                if not self.span.nonnegative(signs.plus(*(signs.scaled(g, v) for g, v in zip(gap, row, strict=True)))):
                    raise RejectedError(f"a witness of type {kind} fails on an extreme ray")
            norm = s.sum_of((w, s.times(f, f)) for w, f in zip(s.masses, form, strict=True))
            shorter = signs.quotient(norm, b)
            self.proved[number] = (index, kind, *((norm, s.times(b, b)) if shorter is None else (shorter, b)))
        return self.proved[number]

    def close(self, number: Any, groups: checker.Groups) -> None:
        """Require that a leaf bounds every network of its groups by the value."""
        s = self.family
        checker.natural(number, "a leaf's number", 0, len(self.leaves) - 1)
        cut, slack, chosen = checker.items(self.leaves[number], "a leaf", 3)
        checker.natural(cut, "a cut's number", 0, len(self.cuts) - 1)
        more = checker.rational(slack, "slack") + 1
        if more < 1:
            raise MalformedError("slack must not be negative")
        used = [(kinds, capacity) for kinds, capacity in groups if kinds and capacity]
        if len(checker.items(chosen, "witnesses")) != len(used):
            raise RejectedError("a leaf does not speak of the groups of its node")
        spent: Poly = ()
        over: Poly = (1,)
        for (kinds, capacity), numbers in zip(used, chosen, strict=True):
            found = [self.witness(k) for k in checker.items(numbers, "witnesses")]
            if not found or any(f[0] != cut for f in found) or {f[1] for f in found} != set(kinds):
                raise RejectedError("a leaf has no witness of its cut for a type")
            for k, (_, kind, top, below) in zip(numbers[1:], found[1:], strict=True):
                key = (k, numbers[0], more)
                if key not in self.compared:
                    gap = signs.plus(
                        signs.scaled(s.times(found[0][2], below), more.numerator),
                        signs.scaled(s.times(top, found[0][3]), -more.denominator),
                    )
                    if not self.span.nonnegative(gap):
                        raise RejectedError(f"type {kind} of a leaf is not bounded by the first of its group")
                    self.compared.add(key)
            spent = signs.plus(s.times(spent, found[0][3]), signs.scaled(s.times(over, found[0][2]), capacity))
            over = s.times(over, found[0][3])
        spent = signs.scaled(s.times(spent, KEPT), more.numerator)
        over = signs.scaled(s.times(over, Q), more.denominator)
        _, square, base = self.cuts[cut]
        bound = signs.plus(s.times(base, over), signs.scaled(spent, -1))  # times 1/(M over D^2)
        value = signs.scaled(s.times(s.times(self.goal[0], square), over), -s.scale)
        if not self.span.nonnegative(signs.plus(s.times(bound, self.goal[1]), value)):
            raise RejectedError("the bound of a leaf falls below the value")


# ---- the tree [6], or all multisets of types -------------------------------------------------------------------------


def walk(types: checker.Types, sides: list[Side], node: Any, groups: checker.Groups) -> None:
    """Require a tree to cover every way to distribute the units, and every leaf to be closed on both sides."""
    types.statement.work.add(1)
    if isinstance(node, dict) and set(node) == {"leaf"}:
        for side in sides:
            side.close(node["leaf"], groups)
        return
    checker.keys(node, "a node", "group", "part", "orbit", "children")
    index = checker.natural(node["group"], "group", 0, len(groups) - 1)
    kinds, capacity = groups[index]
    part = checker.items(node["part"], "part", limit=len(kinds))
    if not all(checker.is_integer(t) for t in part) or len(set(part)) != len(part):
        raise MalformedError("part must hold distinct integers")
    if not part or not set(part) <= set(kinds):
        raise RejectedError("a part is not in its group")
    orbit = checker.boolean(node["orbit"], "orbit")
    children = checker.items(node["children"], "children")
    if len(children) != capacity + 1:
        raise RejectedError("the children of a node do not cover 0 to its capacity")
    for amount, child in enumerate(children):
        taken = (
            checker.Tree(types, [], types.statement.work).images(part, groups) if orbit and not amount else set(part)
        )
        types.statement.work.add(len(kinds))
        rest = tuple(t for t in kinds if t not in taken)
        split = [(rest, capacity - amount), *groups[index + 1 :], (tuple(sorted(taken)), amount)]
        walk(types, sides, child, [*groups[:index], *split])


def check_all(types: checker.Types, sides: list[Side]) -> None:
    """Require a leaf for every multiset of live types, or for its first image under the symmetries, in their order."""
    s = types.statement
    if math.comb(len(types.live) + s.width - 1, s.width) > MAX_MULTISETS:
        raise MalformedError(f"there are more than {MAX_MULTISETS} multisets of types")
    number = 0
    for kinds in combinations_with_replacement(types.live, s.width):
        s.work.add(4 * s.width * len(types.symmetries()))
        if any(tuple(sorted(move[t] for t in kinds)) < kinds for move in types.symmetries()):
            continue
        for side in sides:
            side.close(number, [((t,), kinds.count(t)) for t in sorted(set(kinds))])
        number += 1


# ---- the whole ------------------------------------------------------------------------------------------------------


def check(text: str) -> Family:
    """Return the statement of a certificate that proves it.

    Raises:
        MalformedError: not a certificate, or too large.
        RejectedError: a certificate that does not prove its statement.
    """
    value = checker.read(text, "exactdropout-phases", ("statement", "cells"))
    s = Family(value["statement"], checker.Work())
    types = checker.Types(s)
    steps: list[list[tuple[int, int]]] = [[] for _ in s.intervals]
    for cell in checker.items(value["cells"], "cells", limit=MAX_ENDS):
        checker.keys(cell, "a cell", "interval", "network", "tree", "sides")
        index = checker.natural(cell["interval"], "an interval's number", 0, len(s.intervals) - 1)
        sides = []
        for side in checker.items(cell["sides"], "sides", limit=2):
            checker.keys(side, "a side", "from", "to", "cuts", "witnesses", "leaves")
            low = checker.natural(side["from"], "an end's number", 0, len(s.ends) - 1)
            high = checker.natural(side["to"], "an end's number", 0, len(s.ends) - 1)
            steps[index].append((low, high))
            span = signs.Interval(s.ends[low], s.ends[high], s.work)
            check_network(s, span, cell["network"], s.intervals[index][2:])
            sides.append(Side(s, types, span, side, s.intervals[index][2:]))
        if cell["tree"] is None:
            check_all(types, sides)
            continue
        try:
            with checker.deep_trees():
                walk(types, sides, cell["tree"], [(types.live, s.width)])
        except RecursionError:
            raise MalformedError("the tree is nested too deeply") from None
    for (low, high, *_), taken in zip(s.intervals, steps, strict=True):
        if any(b != c for (_, b), (c, _) in pairwise(taken)):
            raise RejectedError("the cells of an interval leave a gap")
        if not taken or (taken[0][0], taken[-1][1]) != (low, high):
            raise RejectedError("the cells of an interval do not reach its ends")
    return s


def describe(s: Family) -> str:
    """Return the proved statement in one line: shape, data, intervals, values."""
    head = checker.shape_in_words(s)
    kind = "over non-negative weights" if s.nonnegative else "over all weights"
    spans = [
        f"{'[('[s.ends[a].high == 0]}{s.ends[a]}, {s.ends[b]}{'])'[s.ends[b].low == 1]}" for a, b, *_ in s.intervals
    ]
    values = [f"({_shown(top)})/({_shown(below)})" for *_, top, below in s.intervals]
    text = "; ".join(f"{value} for q in {span}" for value, span in zip(values, spans, strict=True))
    if len(text) > MAX_SHOWN:
        whole = str([(s.ends[a].polynomial, s.ends[b].polynomial, top, below) for a, b, top, below in s.intervals])
        digest = hashlib.sha256(whole.replace(" ", "").encode()).hexdigest()
        text = f"one quotient of polynomials for q in each of {', '.join(spans)}, digest {digest}"
    return f"{head}, {checker.distribution(s)}, q at inputs and units: min J_D {kind} = {text}"


def _shown(f: Poly) -> str:
    """Return a polynomial as text."""
    powers = ["", "q", *(f"q^{k}" for k in range(2, len(f)))]
    terms = [
        str(v) if not name else f"{'-' * (v < 0)}{name}" if abs(v) == 1 else f"{v}*{name}"
        for v, name in zip(f, powers, strict=False)
        if v
    ]
    return " + ".join(terms).replace("+ -", "- ") or "0"


def main(arguments: list[str]) -> int:
    """Check files; print one line each; return the exit status."""
    return int(checker.report("phases_checker.py phases.json ...", arguments, lambda text: describe(check(text))))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
