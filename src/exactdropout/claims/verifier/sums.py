"""The verifier's algebra at every size: scalars and sums over indices, and powers with the exponent m = d − 1.

A sum over connected indices is a variable; its name is the least of all numberings of its indices. An index that occurs
nowhere is its range, and one whose range is 1 is unit 1.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from exactdropout.claims.language.syntax import (
    Add,
    Call,
    Claim,
    Comparison,
    Divide,
    Expression,
    Multiply,
    Name,
    Negate,
    Number,
    Power,
    Quantity,
    Repeated,
    walk,
)
from exactdropout.claims.setting.setting import Setting
from exactdropout.claims.verifier.algebra import (
    MAX_POWER,
    MAX_TERMS,
    ONE,
    NotReplayed,
    Ratio,
    gen,
    plus,
    ratio,
    scaled,
    spend,
    times,
    to_power,
)
from exactdropout.claims.verifier.evaluator import NODE, Key, number_of, numbered, renamed
from exactdropout.claims.verifier.size_powers import SizePowers

__all__ = ["Sums", "Term", "Terms"]

F = Fraction
MAX_INDICES = 6
MAX_PAIRED = 12
"""Sums among which products are compared."""
Factor = tuple[str, tuple[str, ...]]


@dataclass(frozen=True)
class Term:
    """coefficient · Σ over indices of a product of entries."""

    coefficient: Ratio
    factors: tuple[Factor, ...] = ()
    summed: tuple[tuple[str, str], ...] = ()  # (index, range)


Terms = tuple[Term, ...]


class Sums(SizePowers):
    """Expressions for every size; what a quantity is, a subclass says."""

    def __init__(self, claim: Claim, setting: Setting) -> None:
        """Start with sizes ≥ 1 and no sums.

        Raises:
            NotReplayed: weights, inputs or biases that are given one by one.
        """
        super().__init__(claim, setting)
        shape = setting.shape
        if setting.network is not None or setting.single_entries:
            raise NotReplayed("a given network, or single entries")
        self.fresh = (f"#{k}" for k in itertools.count())
        if setting.design is not None:
            self.ranges["m"] = setting.design.rows
        self.signs.nonzero |= {"K", "n", *shape.widths, *(("m",) if setting.design is not None else ())}
        self.signs.nonnegative |= {*self.signs.nonzero - {"t'"}, "m'"}
        self.signs.least = self.least()
        self.parts: dict[str, tuple[tuple[str, ...], tuple[tuple[str, tuple[int, ...]], ...]]] = {}
        self.changed: dict[Key, Terms] = {}
        self.letters: dict[str, frozenset[str]] = {}  # entries of the verifier's own, with their signs

    def number(self, value: Ratio) -> Terms:
        """Return a scalar."""
        return (Term(value),) if value.top else ()

    def negative(self, a: Terms) -> Terms:
        """Return −a."""
        return tuple(Term(-t.coefficient, t.factors, t.summed) for t in a)

    def product(self, a: Terms, b: Terms) -> Terms:
        """Return a b, summed indices renamed."""
        spend(NODE * len(a) * len(b))
        if len(a) * len(b) > MAX_TERMS:
            raise NotReplayed("too many terms")
        found = []
        for s in a:
            for t in b:
                new = {index: next(self.fresh) for index, _ in t.summed}
                factors = tuple((n, tuple(new.get(i, i) for i in ix)) for n, ix in t.factors)
                summed = tuple((new[i], r) for i, r in t.summed)
                found.append(Term(s.coefficient * t.coefficient, s.factors + factors, s.summed + summed))
        return tuple(found)

    def scalar(self, a: Terms) -> Ratio:
        """Return a value without sums."""
        total = ratio(0)
        for coefficient, parts in self.normal(a):
            if parts:
                raise NotReplayed("a division by, or power of, a sum over indices")
            total += coefficient
        return total

    def normal(self, a: Terms) -> Iterator[tuple[Ratio, tuple[str, ...]]]:
        """Yield the terms as coefficients and connected sums; an index that is 1 alone is unit 1."""
        for term in a:
            extents = dict(term.summed)
            if len(extents) < len(term.summed):
                raise NotReplayed("an index bound twice")
            coefficient, groups = term.coefficient, list[tuple[set[str], list[Factor]]]()
            for name, units in term.factors:
                if not {i for i in units if i[0] != "@"} <= set(extents) or not self.fits((name, units), extents):
                    raise NotReplayed("an index without its sum, or beyond what there is")
                factor = (name, tuple("@1" if extents.get(i) == "1" else i for i in units))
                indices, joined = {i for i in factor[1] if i[0] != "@"}, [factor]
                apart = []
                for group in groups:
                    if group[0] & indices:
                        indices, joined = indices | group[0], joined + group[1]
                    else:
                        apart.append(group)
                groups = [*apart, (indices, joined)]
            for index, extent in term.summed:
                if not any(index in group[0] for group in groups):
                    coefficient = coefficient * self.extent(extent)
            yield coefficient, tuple(sorted(self.part(i, f, extents) for i, f in groups))

    def fits(self, factor: Factor, extents: Mapping[str, str]) -> bool:
        """Return whether the ranges of the indices are those of the entry."""
        shape, design, (name, indices) = self.setting.shape, self.setting.design, factor
        widths = [shape.inputs, *shape.hidden]
        letter, layers = self.group(name)
        layer = layers[0] if layers else 0
        ends = {
            "x": widths[:1],
            "w": widths[-1:],
            "b": widths[layer : layer + 1],
            "W": [*reversed(widths[layer - 1 : layer + 1])],
            "X": [design.rows, shape.inputs] if design is not None else [],
            "y": [design.rows] if design is not None else [],
            "h'": widths[-1:],
            "g'": widths[-1:],
        }
        if shape.symbolic_depth and letter == "w" and shape.inputs != shape.hidden[-1]:
            return False
        return all(
            extents[i] == str(width) or (extents[i].isdecimal() and isinstance(width, int) and int(extents[i]) <= width)
            for i, width in zip(indices, ends.get(letter, widths[-1:]), strict=True)
        )

    def extent(self, label: str) -> Ratio:
        """Return a size."""
        return ratio(int(label)) if label.isdecimal() else Ratio(gen(label))

    def part(self, indices: set[str], factors: list[Factor], extents: Mapping[str, str]) -> str:
        """Return the name of a connected sum: the least of all numberings of its indices."""
        if len(indices) > MAX_INDICES:
            raise NotReplayed("too many indices under one sum")
        spend(NODE * math.factorial(len(indices)))
        best = min(
            (
                tuple(extents[i] for i in order),
                tuple(sorted((n, numbered(ix, order)) for n, ix in factors)),
            )
            for order in itertools.permutations(sorted(indices))
        )
        name = f"sum{best}"
        self.parts[name] = best
        counts: dict[Any, int] = {}
        for factor in best[1]:
            counts[factor] = counts.get(factor, 0) + 1
        even = all(self.even(n, count) for (n, _), count in counts.items())
        if even:
            self.signs.nonnegative.add(name)
        one_entry = len(best[1]) == 1 and not best[0]  # what cannot cancel: one number, or a sum of what is >= 0
        if (even or one_entry) and all(self.sign_of(n) & {">", "<", "!="} for n, _ in counts):
            self.signs.nonzero.add(name)
        return name

    def group(self, factor: str) -> Key:
        """Return the group whose entries a factor stands for."""
        name = factor.rstrip("0123456789")
        return name, (int(factor[len(name) :]),) if factor != name else ()

    def even(self, factor: str, count: int) -> bool:
        """Return whether a power of a factor is seen to be ≥ 0."""
        return count % 2 == 0 or bool(self.sign_of(factor) & {">", ">="})

    def sign_of(self, factor: str) -> frozenset[str]:
        """Return what is known of the sign of an entry."""
        own = self.letters.get(factor)
        return frozenset[str](self.setting.sign(self.group(factor))) if own is None else own

    def value(self, node: Expression, bound: Mapping[str, str]) -> Terms:
        """Return the value of an expression."""
        spend(NODE)
        match node:
            case Number(number):
                return self.number(ratio(number))
            case Quantity(name):
                return self.quantity(name)
            case Name(name, indices):
                return self.name(name, indices, bound)
            case Add(terms):
                return tuple(t for term in terms for t in self.value(term, bound))
            case Negate(operand):
                return self.negative(self.value(operand, bound))
            case Multiply(factors):
                product = self.number(ratio(1))
                for factor in factors:
                    product = self.product(product, self.value(factor, bound))
                return product
            case Divide(top, bottom):
                return self.product(
                    self.value(top, bound), self.number(self.scalar(self.value(bottom, bound)).inverse())
                )
            case Power(base, exponent):
                return self.power(self.value(base, bound), exponent)
            case Call(function, arguments):
                return self.called(function, [self.value(argument, bound) for argument in arguments])
            case Repeated("sum", index, first, last, body):
                if number_of(first) != 1:
                    raise NotReplayed("a sum that does not start at 1")
                name = next(self.fresh)
                inner = self.value(body, {**bound, index: name})
                label = self.label(last)
                return tuple(Term(t.coefficient, t.factors, (*t.summed, (name, label))) for t in inner)
            case Repeated("product", index, first, last, body):
                return self.equal_factors(index, Add((last, Negate(first), Number(F(1)))), body, bound)
        raise NotReplayed(f"{type(node).__name__} for every size")

    def equal_factors(self, index: str, count: Expression, body: Expression, bound: Mapping[str, str]) -> Terms:
        """Return a product of equal factors as a power, whose exponent is >= 0 at every size.

        Raises:
            NotReplayed: factors that differ, or a number of them that may be negative.
        """
        slopes, offset = self.in_sizes(count)
        if any(isinstance(n, Name) and n.name == index for n in walk(body)):
            raise NotReplayed("a product of factors that differ")
        if offset < 0 or any(slope < 0 for slope in slopes.values()):
            raise NotReplayed("a product whose factors may be fewer than none")
        return self.power(self.value(body, bound), count)

    def called(self, function: str, values: list[Terms]) -> Terms:
        """Return relu, abs, max or min of values without free indices."""
        return self.number(self.call(function, [self.closed(value) for value in values]))

    def power(self, value: Terms, exponent: Expression) -> Terms:
        """Return a power; the exponent is a whole number, or one in d = m + 1, K and n."""
        slopes, offset = self.in_sizes(exponent)
        if any(abs(slope) > 4 for slope in slopes.values()) or abs(offset) > MAX_POWER:
            raise NotReplayed("a large exponent")
        result = self.number(ratio(1))
        base = value if offset >= 0 else self.number(self.scalar(value).inverse())
        for _ in range(abs(offset)):
            result = self.product(result, base)
        for size, slope in slopes.items():
            for _ in range(abs(slope)):
                power = self.to_size(self.scalar(value), size)
                result = self.product(result, self.number(power if slope > 0 else power.inverse()))
        return result

    def label(self, last: Expression) -> str:
        """Return the range of a sum."""
        width: Any = number_of(last)
        if isinstance(last, Name) and not last.indices and last.name in self.ranges:
            width = self.ranges[last.name]
        if width is None or (isinstance(width, Fraction) and (width.denominator != 1 or width < 1)):
            raise NotReplayed("the range of a sum")
        return str(width)

    def name(self, name: str, indices: tuple[Expression, ...], bound: Mapping[str, str]) -> Terms:
        """Return the value of a symbol."""
        setting, shape = self.setting, self.setting.shape
        if name in bound:
            raise NotReplayed("an index as a number")
        layers = [number_of(i) for i in indices]
        known = not layers or (len(layers) == 1 and layers[0] in range(1, len(shape.hidden) + 2))
        if name in ("q", "p") and known and not (layers and shape.symbolic_depth):
            rate = self.rate(int(layers[0] or 0) - 1 if layers else None)
            return self.number(rate if name == "q" else ratio(1) + -rate)
        if name in self.ranges and not indices and self.ranges[name] is not None:
            return self.number(self.extent(str(self.ranges[name])))
        if name == "d" and not indices:
            slopes, offset = self.in_sizes(Name("d"))
            return self.number(ratio(offset) + (Ratio(gen("m'")) if slopes else ratio(0)))
        several = setting.design is not None
        if several and (name == "x" or (name in ("X", "y") and setting.design is not None and setting.design.table)):
            raise NotReplayed("the inputs of one example, or those that are numbers")
        if name in ("x", "w", "W", "b") or (several and name in ("X", "y")):
            if name in "Wb" and indices and len(indices) == (2 if name == "W" else 1) and len(shape.hidden) == 1:
                indices = (Number(F(1)), *indices)
            layered = name == "W" or (name == "b" and bool(indices))
            layer = number_of(indices[0]) if layered and indices else None
            units = indices[1:] if layered else indices
            if layered and (layer is None or layer.denominator != 1 or not 1 <= layer <= len(shape.hidden)):
                raise NotReplayed("a layer that is no number")
            if len(units) != {"x": 1, "w": 1, "W": 2, "b": int(layered), "X": 2, "y": 1}[name]:
                raise NotReplayed("a wrong number of indices")
            if not all(isinstance(u, Name) and u.name in bound for u in units):
                raise NotReplayed("an entry that is not named by indices of sums")
            key = (name, (int(layer),) if layer is not None else ())
            return self.entry(key, tuple(bound[u.name] for u in units if isinstance(u, Name)))
        if name in ("K", "n", "d", "q", "p", "weights", "biases") or indices:
            raise NotReplayed(f"{name} here")
        if (name, ()) in self.changed:
            return self.changed[name, ()]
        definition = setting.definition((name, ()))
        if definition is None and name == "y":
            definition = setting.label
        return self.number(self.symbol((name, ()), name)) if definition is None else self.value(definition, {})

    def entry(self, key: Key, units: tuple[str, ...]) -> Terms:
        """Return an entry at bound indices."""
        if key in self.changed:
            return self.changed[key]
        definition = self.setting.definition(key)
        if definition is not None:
            return self.value(definition, {})
        if key[0] == "x" and self.setting.inputs is not None:
            if self.setting.inputs != "ones":
                raise NotReplayed("inputs that are numbers")
            return self.number(ratio(1))
        if not units:
            return self.number(self.symbol(key, key[0]))
        return (Term(ratio(1), ((key[0] + "".join(map(str, key[1])), units),)),)

    def closed(self, a: Terms) -> Ratio:
        """Return a value with a variable for each connected sum."""
        total = ratio(0)
        for coefficient, parts in self.normal(a):
            product = coefficient
            for part in parts:
                product = product * Ratio(gen(part))
            total += product
        self.pair_squares()
        self.single_terms()
        self.pair_products()
        return total

    def pair_products(self) -> None:
        """Know Σ f Σ g ≥ Σ f g for f, g ≥ 0, and Σ u² Σ v² ≥ (Σ u v)², of sums over one range that occur."""
        if not isinstance(self.claim.statement, Comparison) or len(self.parts) > MAX_PAIRED:
            return
        once = [(name, ends, factors) for name, (ends, factors) in [*self.parts.items()] if len(ends) == 1]
        even = [item for item in once if all(self.even(n, item[2].count((n, ix))) for n, ix in item[2])]
        for (one, ends, f), (two, others, g) in itertools.combinations_with_replacement(even, 2):
            if ends != others:
                continue
            product = times(gen(one), gen(two))
            halves = [factors[::2] for factors in (f, g) if all(factors.count(each) % 2 == 0 for each in factors)]
            for factors, power in ((f + g, 1), *(((halves[0] + halves[1], 2),) if len(halves) == 2 else ())):
                listed = [(n, renamed(ix, ["k"])) for n, ix in factors]
                known = set(self.parts)
                name = self.part({"k"}, listed, {"k": ends[0]})
                if name not in known:
                    del self.parts[name]
                    continue
                fact = plus(product, scaled(to_power(gen(name), power), F(-1)))
                if fact and (fact, False) not in self.signs.known:
                    self.signs.known.append((fact, False))

    def single_terms(self) -> None:
        """Find the sums Σ_k f_k of terms ≥ 0 of which one occurs, a product of entries of unit 1, or of another one.

        Unit k is one of the summed ones where all its entries exist, unless the sum ends at a smaller number.
        """
        units = {i for extents, factors in self.parts.values() if not extents for _, ix in factors for i in ix if i < 0}
        for name, (extents, factors) in [*self.parts.items()]:
            counts = {factor: factors.count(factor) for factor in factors}
            if len(extents) != 1 or not all(self.even(n, count) for (n, _), count in counts.items()):
                continue
            for unit in sorted(units, reverse=True):
                if extents[0].isdecimal() and -unit > int(extents[0]):
                    continue
                term = [(n, tuple(f"@{-(unit if i >= 0 else i)}" for i in ix)) for n, ix in factors]
                names = [f"sum{((), ((n, tuple(-int(i[1:]) for i in ix)),))}" for n, ix in term]
                if all(one in self.parts for one in names) and all(self.fits(one, {}) for one in term):
                    whole = ONE
                    for one in names:
                        whole = times(whole, gen(one))
                    self.signs.ones[name] = whole
                    break

    def pair_squares(self) -> None:
        """Find (Σ_k f_k)² ≤ N Σ_k f_k² among the sums that occur, f_k itself a product or a sum over other indices."""
        found = {}
        for root, (extents, factors) in [*self.parts.items()]:
            for k, extent in enumerate(extents):
                names = [f"a{i}" for i in range(len(extents))]
                twin = [names[k] if i == k else f"b{i}" for i in range(len(extents))]
                both = [(f, renamed(ix, copy)) for copy in (names, twin) for f, ix in factors]
                spread = dict(zip(names, extents, strict=True)) | dict(zip(twin, extents, strict=True))
                if len(spread) > MAX_INDICES:
                    continue
                known = set(self.parts)
                square = self.part(set(spread), both, spread)
                if square in known and square != root:
                    found[square] = (len(both), root, self.extent(extent).top)
                    self.signs.nonnegative.add(square)
                elif square not in known:
                    del self.parts[square]
        order = sorted(found.items(), key=lambda item: -item[1][0])
        self.signs.squares = {square: (root, size) for square, (_, root, size) in order}

    def least(self) -> dict[str, int]:
        """Return the least K and n: 1, or what is assumed."""
        found = {size: 1 for size, width in self.ranges.items() if isinstance(width, str)}
        for comparison in self.setting.filters:
            if len(comparison.relations) == 1:
                (left, right), relation = comparison.sides, comparison.relations[0]
                if relation in ("<=", "<"):
                    left, right, relation = right, left, ">=" if relation == "<=" else ">"
                bound = number_of(right)
                if relation not in (">", ">=") or bound is None or bound.denominator != 1:
                    continue
                if isinstance(left, Name) and left.name in found and not left.indices:
                    found[left.name] = max(found[left.name], int(bound) + (relation == ">"))
        return found

    def quantity(self, name: str) -> Terms:
        """Return a quantity."""
        raise NotReplayed(name)
