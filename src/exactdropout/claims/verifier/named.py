"""The verifier at sizes that are numbers: a claim's expressions as polynomials, quantities as the mean over all masks.

What is shared with the search are fractions, the syntax tree, and what the setting says (data, signs, definitions).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from exactdropout.claims.language.syntax import (
    Add,
    Call,
    Claim,
    Derivative,
    Divide,
    Expression,
    Invariance,
    Limit,
    Minimiser,
    Multiply,
    Name,
    Negate,
    Number,
    Power,
    Quantity,
    Repeated,
    rebuilt,
    walk,
)
from exactdropout.claims.setting.setting import Setting
from exactdropout.claims.verifier.algebra import (
    MAX_POWER,
    NotReplayed,
    Polynomial,
    Ratio,
    T,
    gen,
    plus,
    ratio,
    spend,
)
from exactdropout.claims.verifier.calculus import is_rate, limit_of, put_back, rate_target, slope_of
from exactdropout.claims.verifier.evaluator import ENTRIES, NODE, Evaluator, Key, number_of

__all__ = ["Named"]

F = Fraction
MAX_MASKS = 64


class Named(Evaluator):
    """Expressions and quantities at sizes that are numbers."""

    def __init__(self, claim: Claim, setting: Setting, sizes: Mapping[str, int]) -> None:
        """Take the sizes.

        Raises:
            NotReplayed: the layers before the last have too many masks.
        """
        super().__init__(claim, setting)
        self.sizes = dict(sizes)
        self.architecture = setting.architecture(dict(sizes))
        hidden = sum(self.architecture.widths[:-2])
        if 2**hidden > MAX_MASKS:
            raise NotReplayed("too many masks")
        self.rows = self.sizes["m"] if setting.design is not None else 0
        self.changed: dict[Key, Ratio] = {}
        self.moved: dict[Key, Ratio] = {}  # by a map
        self.given = self  # what assumptions give by a mapped entry keeps its value
        self.quantities: dict[str, Ratio] | None = None

    def entry(self, name: str, indices: tuple[int, ...]) -> Ratio:
        """Return an entry, which must exist."""
        widths, setting, rows = self.architecture.widths, self.setting, self.rows
        if len(self.architecture.hidden) == 1 and (name, len(indices)) in (("W", 2), ("b", 1)):
            indices = (1, *indices)
        layer = indices[0] if name == "W" or (name == "b" and indices) else len(widths) - 1
        inside = 1 <= layer <= len(widths) - 1
        good = {
            "x": len(indices) == 1 and 1 <= indices[0] <= widths[0] and not rows,
            "X": len(indices) == 2 and 1 <= indices[0] <= rows and 1 <= indices[1] <= widths[0],
            "y": len(indices) == 1 and 1 <= indices[0] <= rows if rows else not indices,
            "w": len(indices) == 1 and 1 <= indices[0] <= widths[-2],
            "W": len(indices) == 3 and inside and layer < len(widths) - 1
            and 1 <= indices[1] <= widths[layer] and 1 <= indices[2] <= widths[layer - 1],
            "b": self.architecture.output_bias if not indices else (
                len(indices) == 2 and self.architecture.hidden_biases and inside and layer < len(widths) - 1
                and 1 <= indices[1] <= widths[layer]),
        }[name]  # fmt: skip
        if not good:
            raise NotReplayed(f"{name}{list(indices)} does not exist")
        key = (name, indices)
        if key in self.changed:
            return self.changed[key]
        definition = setting.definition(key)
        if definition is not None:
            return self.given.value(definition, {})
        if rows and name in ("X", "y") and setting.design is not None and setting.design.table:
            inputs, label, _ = setting.design.table[indices[0] - 1]
            return ratio(inputs[indices[1] - 1] if name == "X" else label)
        if name == "x" and setting.inputs == "ones":
            return ratio(1)
        if name == "x" and isinstance(setting.inputs, tuple):
            return self.value(setting.inputs[indices[0] - 1], {})
        if name == "y" and setting.label is not None:
            return self.value(setting.label, {})
        if setting.network is not None and name in "wWb":
            weights = setting.network.weights
            if name == "b":
                return ratio(F(setting.network.bias(layer - 1)[indices[1] - 1 if indices else 0]))
            return ratio(F(weights[layer - 1][0 if name == "w" else indices[1] - 1, indices[-1] - 1]))
        return self.symbol(key, f"{name}{list(indices)}" if indices else name)

    def value(self, node: Expression, bound: Mapping[str, int]) -> Ratio:
        """Return the value of an expression."""
        spend(NODE)
        match node:
            case Number(number):
                return ratio(number)
            case Quantity(name):
                if self.quantities is None:
                    self.quantities = self.moments()
                if name not in self.quantities:
                    raise NotReplayed("the output of several examples")
                return self.quantities[name]
            case Name(name, indices):
                return self.name(name, tuple(self.whole(i, bound) for i in indices), bound)
            case Add(terms):
                total = ratio(0)
                for term in terms:
                    total += self.value(term, bound)
                return total
            case Negate(operand):
                return -self.value(operand, bound)
            case Multiply(factors):
                product = ratio(1)
                for each in factors:
                    product = product * self.value(each, bound)
                return product
            case Divide(top, bottom):
                return self.value(top, bound) * self.value(bottom, bound).inverse()
            case Power(base, exponent):
                count, result = self.whole(exponent, bound), ratio(1)
                item = self.value(base, bound) if count >= 0 else self.value(base, bound).inverse()
                if abs(count) > MAX_POWER:
                    raise NotReplayed("a large exponent")
                for _ in range(abs(count)):
                    result = result * item
                return result
            case Call(function, arguments):
                values = [self.value(argument, bound) for argument in arguments]
                return self.call(function, values)
            case Repeated(kind, index, first, last, body):
                result = ratio(kind == "product")
                for i in range(self.whole(first, bound), self.whole(last, bound) + 1):
                    item = self.value(body, {**bound, index: i})
                    result = result + item if kind == "sum" else result * item
                return result
            case Derivative(operand, variable):
                return self.derivative(operand, variable, bound)
            case Limit(operand, variable, target, _):
                return self.limit(operand, variable, target, bound)
        raise NotReplayed(type(node).__name__)

    def derivative(self, operand: Expression, variable: Name, bound: Mapping[str, int]) -> Ratio:
        """Return a derivative; a variable that an assumption gives is moved first and then put back."""
        key = (variable.name, tuple(self.whole(i, bound) for i in variable.indices))
        if key in self.moved:
            raise NotReplayed("a derivative by what a map moves")
        given = self.entry(*key) if key[0] in ("w", "W", "b", "x", "y") and not self.rows else None
        if given is not None and self.setting.definition(key) is not None:
            before, self.changed, self.quantities = self.changed, {**self.changed, key: Ratio(gen("v'"))}, None
            slope = slope_of(self.value(operand, bound), "v'", self.signs)
            self.changed, self.quantities = before, None
            return put_back(slope, "v'", given)
        name, sign = self.mover(variable, bound)
        slope = slope_of(self.value(operand, bound), name, self.signs)
        return slope if sign > 0 else -slope

    def limit(self, operand: Expression, variable: Name, target: Expression, bound: Mapping[str, int]) -> Ratio:
        """Return a limit."""
        name, sign = self.mover(variable, bound)
        to = None if target == Name("infty") else number_of(target)
        if is_rate(name):
            to = rate_target(target)
        elif sign < 0 or (to is None and (target != Name("infty") or name not in self.signs.nonnegative)):
            raise NotReplayed("a limit at something that is no number, or of what may have any sign")
        return limit_of(self.value(operand, bound).cancelled(), name, to, self.signs)

    def mover(self, variable: Name, bound: Mapping[str, int]) -> tuple[str, int]:
        """Return the variable of the algebra that a free symbol is, and its sign.

        Raises:
            NotReplayed: a map moves it, or something by it: a derivative, or a limit, is taken before the map.
        """
        name, sign = self.free(variable, bound)
        key = (variable.name, tuple(self.whole(i, bound) for i in variable.indices))
        holds = [
            self.signs.names(v.top) | self.signs.names(v.bottom) | ({"t'"} if v.keep else set())
            for v in self.moved.values()
        ]
        if key in self.moved or any(name in names for names in holds):
            raise NotReplayed("a derivative or a limit by what a map moves, or moves something by")
        return name, sign

    def free(self, variable: Name, bound: Mapping[str, int]) -> tuple[str, int]:
        """Return the variable of the algebra that a free symbol is, and its sign."""
        if variable.name == "q":
            rate = self.rate(self.whole(variable.indices[0], bound) - 1 if variable.indices else None)
            names = self.signs.names(rate.top) | self.signs.names(rate.bottom)
            if len(names) != 1 or not all(is_rate(name) for name in names):
                raise NotReplayed("a rate that is a number")
            return names.pop(), 1
        plain = Name(variable.name, tuple(Number(F(self.whole(i, bound))) for i in variable.indices))
        moves, back = self.variable(plain)
        return next(iter(moves)), -1 if back else 1

    def name(self, name: str, indices: tuple[int, ...], bound: Mapping[str, int]) -> Ratio:
        """Return the value of a symbol."""
        if name in bound and not indices:
            return ratio(bound[name])
        if name in self.setting.shape.reserved or (name == "m" and self.rows):
            if indices or name not in self.sizes:
                raise NotReplayed(f"{name} here")
            return ratio(self.sizes[name])
        if name in ("p", "q"):
            if len(indices) > 1:
                raise NotReplayed("a rate with two indices")
            rate = self.rate(indices[0] - 1 if indices else None)
            return rate if name == "q" else ratio(1) + -rate
        if name in ("x", "y", "w", "W", "b") or (name == "X" and self.rows):
            return self.entry(name, indices)
        if indices or name in ("weights", "biases"):
            raise NotReplayed(f"{name} as a number")
        definition = self.setting.definition((name, ()))
        return self.symbol((name, ()), name) if definition is None else self.given.value(definition, {})

    def whole(self, node: Expression, bound: Mapping[str, int]) -> int:
        """Return an index or exponent."""
        value = self.value(node, bound)
        number = value.top.get((), F(0)) / value.bottom.get((), F(1))
        if set(value.top) - {()} or set(value.bottom) - {()} or value.keep or number.denominator != 1:
            raise NotReplayed("an index or exponent that is no whole number")
        return int(number)

    def moments(self) -> dict[str, Ratio]:
        """Return all quantities."""
        architecture, setting = self.architecture, self.setting
        width = range(1, architecture.inputs + 1)
        if setting.design is not None:
            examples = [
                ([self.entry("X", (s, i)) for i in width], self.entry("y", (s,)),
                 ratio(setting.design.probability(s, self.rows)))
                for s in range(1, self.rows + 1)
            ]  # fmt: skip
        else:
            share = ratio(F(1, 2 if setting.half else 1))
            examples = [([self.entry("x", (i,)) for i in width], self.entry("y", ()), share)]
            examples += [([ratio(0) for _ in width], ratio(0), share)] if setting.half else []
        totals = dict.fromkeys(("criterion", "risk", "mean", "variance", "second_moment"), ratio(0))
        for number, (inputs, label, share) in enumerate(examples):
            mean, second = self.forward(inputs, dropped=True)
            output = self.forward(inputs, dropped=False)[0]
            if number == 0 and not self.rows:
                totals["output"] = output
            totals["criterion"] += share * (second + ratio(-2) * label * mean + label * label)
            totals["risk"] += share * (output + -label) * (output + -label)
            totals["mean"] += share * mean
            totals["second_moment"] += share * second
            totals["variance"] += share * (second + -(mean * mean))
        return totals | {"penalty": totals["criterion"] + -totals["risk"]}

    def forward(self, inputs: list[Ratio], *, dropped: bool) -> tuple[Ratio, Ratio]:
        """Return E D and E D², by all masks of the layers before the last one."""
        architecture = self.architecture
        law: list[tuple[list[Ratio], Ratio]] = [(inputs, ratio(1))]
        for layer, width in enumerate(architecture.hidden, start=1):
            slope = architecture.activations[layer - 1].slope
            q = self.rate(layer - 1) if dropped else ratio(0)
            after = []
            for entering, chance in law:
                for bits in itertools.product((0, 1), repeat=len(entering) if q.top else 0):
                    p = ratio(1) + -q
                    values, probability = entering, chance
                    if bits:
                        values = [v * p.inverse() if bit else ratio(0) for v, bit in zip(entering, bits, strict=True)]
                        for bit in bits:
                            probability = probability * (p if bit else q)
                    hidden = []
                    for j in range(1, width + 1):
                        z = self.entry("b", (layer, j)) if architecture.hidden_biases else ratio(0)
                        for i, v in enumerate(values, start=1):
                            z += self.entry("W", (layer, j, i)) * v
                        bent = self.relu(z) if slope != 1 else z
                        hidden.append(ratio(slope) * z + ratio(1 - slope) * bent if slope != 1 else z)
                    after.append((hidden, probability))
            law = after
        mean = second = ratio(0)
        spread = self.spread(architecture.depth - 1) if dropped else ratio(0)
        for entering, chance in law:
            m = self.entry("b", ()) if architecture.output_bias else ratio(0)
            square = ratio(0)
            for i, v in enumerate(entering, start=1):
                term = self.entry("w", (i,)) * v
                m, square = m + term, square + term * term
            mean, second = mean + chance * m, second + chance * (m * m + spread * square)
        return mean, second

    def mapped(self, claim: Invariance) -> Named:
        """Return the evaluator after a map."""
        after = Named(self.claim, self.setting, self.sizes)
        after.signs, after.given = self.signs, self
        for target, expression in claim.map:
            for key in self.keys(target):
                after.changed[key] = self.with_target(expression, target, self.entry(*key))
        after.moved = {**after.changed}
        return after

    def with_target(self, node: Any, target: Name, value: Ratio) -> Ratio:
        """Return an expression in which the target of a map has a value."""
        marker = "\N{BULLET}"
        marked = rebuilt(node, lambda item: Name(marker) if item == target else item)
        return _Marked(self, marker, value).value(marked, {})

    def keys(self, target: Name) -> Iterator[Key]:
        """Yield the entries that a target names."""
        widths, a = self.architecture.widths, self.architecture
        every: list[Key] = [("x", (i,)) for i in range(1, widths[0] + 1)]
        every += [("w", (i,)) for i in range(1, widths[-2] + 1)]
        for layer in range(1, len(widths) - 1):
            for j in range(1, widths[layer] + 1):
                every += [("W", (layer, j, i)) for i in range(1, widths[layer - 1] + 1)]
                every += [("b", (layer, j))] if a.hidden_biases else []
        if self.rows:
            every = [key for key in every if key[0] != "x"] + [("y", (s,)) for s in range(1, self.rows + 1)]
            every += [("X", (s, i)) for s in range(1, self.rows + 1) for i in range(1, widths[0] + 1)]
        indices = tuple(self.whole(i, {}) for i in target.indices)
        if target.name == "b" and not indices and not a.output_bias:
            raise NotReplayed("no output bias")
        if target.name in ("y", "b") and not indices and not (self.rows and target.name == "y"):
            yield target.name, ()
            return
        if target.name == "W" and len(indices) == 2:
            raise NotReplayed("a target with two indices")
        chosen = [key for key in every if key[0] == target.name and key[1][: len(indices)] == indices]
        if not chosen:
            raise NotReplayed(f"the target {target.name}")
        yield from chosen

    def at_minimiser(self, claim: Minimiser) -> Named:
        """Return the evaluator at the values that a claim names for weights and biases.

        Raises:
            NotReplayed: a value depends on what is minimised over, or assumptions may forbid it.
        """
        tied = any(_weights_in(value) for value in self.setting.definitions.values())
        seen = any(isinstance(node, Quantity) for node in walk(self.setting.filters))
        if tied or seen or _weights_in(self.setting.filters) or self.setting.network is not None:
            raise NotReplayed("weights that are tied together by assumptions")
        after = Named(self.claim, self.setting, self.sizes)
        after.signs = self.signs
        own: set[str] = set()
        for target, expression in claim.assignments:
            value = self.value(expression, {})
            for key in self.keys(target):
                if key[0] not in ("w", "W", "b") or self.setting.definition(key) is not None:
                    raise NotReplayed("a minimum over something that is not a free weight or bias")
                own |= self.signs.names(self.entry(*key).top)
                for sign in self.setting.sign(key):
                    turned = value if sign in (">", ">=", "!=") else -value
                    polynomial = self.sign_kept(turned)
                    good = self.signs.manifest(polynomial) if sign in (">=", "<=") else self.signs.positive(polynomial)
                    if not good:
                        raise NotReplayed("a value that assumptions may forbid")
                after.changed[key] = value
        for value in after.changed.values():
            if own & (self.signs.names(value.top) | self.signs.names(value.bottom)):
                raise NotReplayed("a value that is given by what is minimised over")
        after.moved = {**after.changed}
        return after

    def variable(self, variable: Name) -> tuple[dict[str, Polynomial], bool]:
        """Return the move of the variable of a claim on growth, which must be free."""
        if variable == Name("q"):
            if Name("q") not in self.setting.rates:
                raise NotReplayed("a rate that is a number")
            return {"t'": plus(T, self.step())}, False
        if variable.name in ("x", "w", "W", "b", "y") or (variable.name == "X" and self.rows):
            (key, *others) = self.keys(variable)
            given: Any = {"x": self.setting.inputs, "y": self.setting.label}.get(key[0], self.setting.network)
            if key[0] in ("X", "y") and self.setting.design is not None:
                given = self.setting.design.table or None
            if others or given is not None or self.setting.definition(key) is not None:
                raise NotReplayed("growth in a group, or in something that is not free")
            return self.shifted(self.entry(*key))
        if (
            variable.name in ("p", "q", *self.setting.shape.reserved, *(("m",) if self.rows else ()))
            or self.setting.definition((variable.name, ())) is not None
        ):
            raise NotReplayed(f"growth in {variable.name}")
        return self.shifted(self.value(variable, {}))


def _weights_in(tree: Any) -> bool:
    return any(isinstance(node, Name) and node.name in ENTRIES for node in walk(tree))


class _Marked(Named):
    """The evaluator of another one, in which one marked name has a value."""

    def __init__(self, other: Named, marker: str, value: Ratio) -> None:
        self.__dict__.update(other.__dict__)
        self.marker, self.marked = marker, value

    def name(self, name: str, indices: tuple[int, ...], bound: Mapping[str, int]) -> Ratio:
        """Return the value of a symbol."""
        return self.marked if name == self.marker else super().name(name, indices, bound)
