"""A claim at named sizes: its expressions over any domain of values, fractions or elements of a polynomial ring."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, Protocol

from exactdropout.claims.language.syntax import (
    Add,
    Call,
    Claim,
    Comparison,
    Divide,
    Expression,
    Invariance,
    Minimiser,
    Monotonicity,
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
from exactdropout.errors import InvalidInput
from exactdropout.model import Architecture, Network

__all__ = [
    "Domain", "Fractions", "Key", "Scope", "Undefined", "Unsupported", "design_keys", "entries", "free_keys",
    "given_entry", "key_name", "key_text", "mapped", "parameters", "parts", "resolved", "scope_of", "targets",
]  # fmt: skip

Key = tuple[str, tuple[int, ...]]
MAX_STEPS = 20_000
MAX_POWER = 200


class Undefined(Exception):
    """The expression has no rational value here: a division by 0, an irrational root."""


class Unsupported(Exception):
    """An engine cannot treat the expression; the message says why."""


class Domain(Protocol):
    """Values with +, −, *, / and integer powers, and what the operators do not say."""

    def number(self, value: Fraction) -> Any:
        """Return a rational number in the domain."""

    def relu(self, value: Any) -> Any:
        """Return relu of a value."""

    def root(self, value: Any) -> Any:
        """Return the non-negative square root."""

    def divide(self, top: Any, bottom: Any) -> Any:
        """Return a quotient."""

    def quantity(self, name: str, scope: Scope) -> Any:
        """Return a quantity such as the penalty."""

    def calculus(self, node: Any, scope: Scope, bound: Mapping[str, int]) -> Any:
        """Return a derivative or a limit."""


def entries(architecture: Architecture, group: str = "all") -> Iterator[Key]:
    """Yield the keys of all weights and biases: W[l][j,i], w[i], b[l][j], b."""
    widths = architecture.widths
    for layer, (before, after) in enumerate(itertools.pairwise(widths), start=1):
        last = layer == len(widths) - 1
        for j in range(1, after + 1):
            if group in ("all", "weights"):
                yield from (("w", (i,)) if last else ("W", (layer, j, i)) for i in range(1, before + 1))
            if group in ("all", "biases") and (architecture.output_bias if last else architecture.hidden_biases):
                yield ("b", ()) if last else ("b", (layer, j))


def canonical(name: str, indices: tuple[int, ...], architecture: Architecture, rows: int = 0) -> Key:
    """Return the key of an entry; with one hidden layer its index may be left out. ``rows`` are those of a design.

    Raises:
        InvalidInput: there is no such entry.
    """
    if len(architecture.hidden) == 1 and ((name == "W" and len(indices) == 2) or (name == "b" and len(indices) == 1)):
        indices = (1, *indices)
    key = (name, indices)
    if name == "x":
        good = len(indices) == 1 and 1 <= indices[0] <= architecture.inputs
    elif name == "X":
        good = len(indices) == 2 and 1 <= indices[1] <= architecture.inputs and 1 <= indices[0] <= rows
    elif name == "y" and rows:
        good = len(indices) == 1 and 1 <= indices[0] <= rows
    elif name in ("w", "W", "b"):
        good = _exists(key, architecture)
    else:
        good = not indices
    if not good:
        if not indices and name in ("w", "x", "W", "X"):
            entry = f"{name}[j,i]" if name in ("W", "X") else f"{name}[i]"
            raise InvalidInput(
                f"Argument 'claim' compares {name} as a whole; an entry such as {entry}, meant for each index, "
                "or a norm is expected; signs of all entries go into 'assume'."
            )
        shown = f"{name}[{','.join(map(str, indices))}]" if name == "X" else name + "".join(f"[{i}]" for i in indices)
        where = f" with {rows} examples" if name in ("X", "y") else ""
        raise InvalidInput(f"Argument 'claim' names {shown}, which does not exist in {architecture}{where}.")
    return key


def _exists(key: Key, architecture: Architecture) -> bool:
    name, indices = key
    widths = architecture.widths
    if name == "w":
        return len(indices) == 1 and 1 <= indices[0] <= widths[-2]
    if name == "b" and not indices:
        return architecture.output_bias
    if not indices or not 1 <= indices[0] <= len(architecture.hidden):
        return False
    layer = indices[0]
    if name == "b":
        return architecture.hidden_biases and len(indices) == 2 and 1 <= indices[1] <= widths[layer]
    return len(indices) == 3 and 1 <= indices[1] <= widths[layer] and 1 <= indices[2] <= widths[layer - 1]


def key_text(key: Key) -> str:
    """Return a variable as the grammar writes it."""
    name, indices = key
    if not indices:
        return name
    if name == "X":
        return f"X[{indices[0]},{indices[1]}]"
    return f"{name}[{indices[0]}]" + (f"[{','.join(map(str, indices[1:]))}]" if len(indices) > 1 else "")


def key_name(key: Key) -> Name:
    """Return a variable as a name of the grammar: ``W[1][1,2]`` has three indices."""
    name, indices = key
    return Name(name, tuple(Number(Fraction(i)) for i in indices))


@dataclass
class Scope:
    """Values of all variables of a claim at named sizes."""

    setting: Setting
    architecture: Architecture
    sizes: Mapping[str, int]
    domain: Domain
    values: dict[Key, Any]
    half: bool
    quantities: dict[str, Any] = field(default_factory=dict)
    steps: int = 0
    others: tuple[Any, ...] = ()  # further values of the variable of a claim of growth
    moved: frozenset[Key] = frozenset()  # by a map

    @property
    def rows(self) -> int:
        """Return the number of examples of a design, 0 where there is none."""
        return self.sizes["m"] if self.setting.design is not None else 0

    def examples(self) -> list[tuple[list[Any], Any, Fraction]]:
        """Return inputs, label and mass of each example."""
        width = range(1, self.architecture.inputs + 1)
        design, values = self.setting.design, self.values
        if design is not None:
            return [
                ([values["X", (s, i)] for i in width], values["y", (s,)], design.probability(s, self.rows))
                for s in range(1, self.rows + 1)
            ]
        zero, share = self.domain.number(Fraction(0)), Fraction(1, 2 if self.half else 1)
        one = ([values["x", (i,)] for i in width], values["y", ()], share)
        return [one, ([zero for _ in width], zero, share)] if self.half else [one]

    def rate(self, layer: int | None) -> Any:
        """Return the drop rate of a droppable layer (0 is the inputs), or the common one."""
        rates = self.setting.rates
        if layer is None:
            if len(rates) == 1:
                return self.evaluate(rates[0], rates=True)
            if (q := Name("q")) in rates:
                return self.evaluate(q, rates=True)
            raise InvalidInput("Argument 'claim' names q, but the layers have different rates; write q[1], q[2], ….")
        if not 0 <= layer <= len(self.architecture.hidden):
            raise InvalidInput(f"Argument 'claim' names q[{layer + 1}], but there are {self.architecture.depth} rates.")
        return self.evaluate(rates[layer if len(rates) > 1 else 0], rates=True)

    def evaluate(
        self, node: Expression, bound: Mapping[str, int] | None = None, *, own: tuple[Name, Any] | None = None,
        rates: bool = False,
    ) -> Any:  # fmt: skip
        """Return the value of an expression; ``own`` gives a value to one name (the target of a map)."""
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise Unsupported(f"more than {MAX_STEPS} steps at these sizes")
        bound = bound or {}
        domain = self.domain
        if isinstance(node, Name):  # most nodes are names or numbers
            if own is not None and node == own[0]:
                return own[1]
            return self.variable(node.name, tuple(self.integer(i, bound) for i in node.indices), bound, rates)
        if isinstance(node, Number):
            return domain.number(node.value)

        def value(item: Expression) -> Any:
            return self.evaluate(item, bound, own=own, rates=rates)

        match node:
            case Quantity(name):
                if name not in self.quantities:
                    self.quantities[name] = domain.quantity(name, self)
                return self.quantities[name]
            case Add(terms):
                total = value(terms[0])
                for term in terms[1:]:
                    total = total + value(term)
                return total
            case Negate(operand):
                return -value(operand)
            case Multiply(factors):
                return math.prod(map(value, factors[1:]), start=value(factors[0]))
            case Divide(top, bottom):
                return domain.divide(value(top), value(bottom))
            case Power(base, exponent):
                return self.power(value(base), self.rational(exponent, bound))
            case Call(function, arguments):
                return self.call(function, [value(a) for a in arguments])
            case Repeated(kind, index, first, last, body):
                low, high = self.integer(first, bound), self.integer(last, bound)
                result = domain.number(Fraction(kind == "product"))
                for i in range(low, high + 1):
                    item = self.evaluate(body, {**bound, index: i}, own=own)
                    result = result + item if kind == "sum" else result * item
                return result
        return domain.calculus(node, self, bound)  # a derivative, or a limit

    def variable(self, name: str, indices: tuple[int, ...], bound: Mapping[str, int], rates: bool) -> Any:
        """Return the value of a symbol."""
        if name in bound and not indices:
            return self.domain.number(Fraction(bound[name]))
        if name in self.sizes and not indices:
            return self.domain.number(Fraction(self.sizes[name]))
        if name == "n" and len(indices) == 1 and 1 <= indices[0] <= len(self.architecture.hidden):
            return self.domain.number(Fraction(self.architecture.hidden[indices[0] - 1]))
        if name in self.setting.shape.reserved:
            raise InvalidInput(f"Argument 'claim' names {name}, which has no single value in {self.architecture}.")
        if name in ("p", "q") and not (rates and name == "q"):
            if len(indices) > 1:
                raise InvalidInput(f"Argument 'claim' gives {name} more than one index.")
            rate = self.rate(indices[0] - 1 if indices else None)
            return rate if name == "q" else self.domain.number(Fraction(1)) - rate
        own = {"w", "x", "W", "b", *(("X", "y") if self.rows else ())}
        key = canonical(name, indices, self.architecture, self.rows) if name in own else (name, indices)
        if key not in self.values:
            raise InvalidInput(f"Argument 'claim' uses {name} where a number is expected.")
        return self.values[key]

    def rational(self, node: Expression, bound: Mapping[str, int]) -> Fraction:
        """Return the value of an expression in sizes and indices alone."""
        if isinstance(node, Number):
            return node.value
        plain = Scope(self.setting, self.architecture, self.sizes, Fractions(), {}, self.half)
        try:
            return Fraction(plain.evaluate(node, bound))
        except InvalidInput as error:
            raise InvalidInput(
                "Argument 'claim' needs numbers, sizes and indices alone in ranges, subscripts and exponents."
            ) from error

    def integer(self, node: Expression, bound: Mapping[str, int]) -> int:
        """Return an index or the end of a range."""
        if isinstance(node, Name) and not node.indices and (node.name in bound or node.name in self.sizes):
            return bound[node.name] if node.name in bound else self.sizes[node.name]
        number = node.value if isinstance(node, Number) else self.rational(node, bound)
        if number.denominator != 1:
            raise InvalidInput(f"Argument 'claim' needs a whole number as an index, not {number}.")
        if abs(number) > MAX_STEPS:
            raise InvalidInput(f"Argument 'claim' needs an index or end of at most {MAX_STEPS}, not {number}.")
        return int(number)

    def power(self, base: Any, exponent: Fraction) -> Any:
        """Return a power with a small whole exponent, or half of one."""
        if exponent.denominator == 2:
            base, exponent = self.domain.root(base), exponent * 2
        if exponent.denominator != 1 or abs(exponent) > MAX_POWER:
            raise Unsupported(f"the exponent {exponent}")
        result = base ** abs(int(exponent))
        return result if exponent >= 0 else self.domain.divide(self.domain.number(Fraction(1)), result)

    def call(self, function: str, values: list[Any]) -> Any:
        """Return relu, abs, sqrt, max or min."""
        domain = self.domain
        if function == "relu":
            return domain.relu(values[0])
        if function == "abs":
            return domain.relu(values[0]) + domain.relu(-values[0])
        if function == "sqrt":
            return domain.root(values[0])
        if function == "leaky":
            slope = self.setting.shape.activation.slope
            return domain.number(slope) * values[0] + domain.number(1 - slope) * domain.relu(values[0])
        if function not in ("max", "min"):
            raise Unsupported(f"{function} here")
        result = values[0]
        for value in values[1:]:
            excess = domain.relu(value - result) if function == "max" else -domain.relu(result - value)
            result = result + excess
        return result


class Fractions:
    """Fractions without quantities: for exponents, indices and ranges."""

    def number(self, value: Fraction) -> Fraction:
        """Return the number itself."""
        return value

    def relu(self, value: Fraction) -> Fraction:
        """Return max(value, 0)."""
        return max(value, Fraction(0))

    def root(self, value: Fraction) -> Fraction:
        """Return a rational square root."""
        if value < 0:
            raise Undefined
        top, bottom = math.isqrt(value.numerator), math.isqrt(value.denominator)
        if top * top != value.numerator or bottom * bottom != value.denominator:
            raise Undefined
        return Fraction(top, bottom)

    def divide(self, top: Fraction, bottom: Fraction) -> Fraction:
        """Return a quotient."""
        if not bottom:
            raise Undefined
        return top / bottom

    def quantity(self, name: str, scope: Scope) -> Fraction:
        """Refuse."""
        raise InvalidInput(f"Argument 'claim' uses {name} where a number is expected.")

    def calculus(self, node: Any, scope: Scope, bound: Mapping[str, int]) -> Fraction:
        """Refuse."""
        raise InvalidInput("Argument 'claim' uses a derivative or a limit where a number is expected.")


def parts(claim: Claim) -> list[Expression]:
    """Return the expressions of a statement and its assumptions."""
    statement = claim.statement
    found: list[Expression] = [side for c in claim.assumptions for side in c.sides]
    match statement:
        case Comparison(sides, _):
            found += sides
        case Monotonicity(expression, _, variable):
            found += [expression, variable]
        case Invariance(expression, pairs) | Minimiser(pairs, expression):
            found += [expression, *(side for pair in pairs for side in pair)]
    return found


def parameters(claim: Claim, setting: Setting) -> list[Key]:
    """Return the free scalar symbols of a claim and of what surrounds it."""
    trees: list[Any] = [*parts(claim), *setting.definitions.values(), *setting.filters]
    trees += [*(setting.inputs if isinstance(setting.inputs, tuple) else ()), *filter(None, [setting.label])]
    bound = {node.index for tree in trees for node in walk(tree) if isinstance(node, Repeated)}
    known = {"w", "W", "b", "x", "y", "q", "p", "weights", "biases", *setting.shape.reserved, *bound}
    known |= {"X", "m"} if setting.design is not None else set()
    names = {n.name for tree in trees for n in walk(tree) if isinstance(n, Name)} | {k[0] for k in setting.signs}
    return [(name, ()) for name in sorted(names - known)]


def free_keys(
    claim: Claim, setting: Setting, architecture: Architecture, sizes: Mapping[str, int], scalars: Any = None
) -> list[Key]:
    """Return the variables that no assumption, network or example fixes; ``scalars`` as in :func:`scope_of`."""
    keys: list[Key] = [*(parameters(claim, setting) if scalars is None else scalars)]
    if Name("q") in setting.rates:
        keys.append(("q", ()))
    keys += [("q", (layer,)) for layer, rate in enumerate(setting.rates, start=1) if getattr(rate, "indices", ())]
    if setting.design is not None:
        keys += [] if setting.design.table else design_keys(architecture, sizes["m"])
    elif setting.inputs is None:
        keys += [("x", (i,)) for i in range(1, architecture.inputs + 1)]
    if setting.label is None and setting.design is None:
        keys.append(("y", ()))
    if setting.network is None:
        keys += entries(architecture)
    return [k for k in keys if setting.definition(k) is None]


def design_keys(architecture: Architecture, rows: int) -> list[Key]:
    """Return the keys of a design: inputs, then labels."""
    inputs = [("X", (s, i)) for s in range(1, rows + 1) for i in range(1, architecture.inputs + 1)]
    return [*inputs, *(("y", (s,)) for s in range(1, rows + 1))]


def scope_of(
    claim: Claim, setting: Setting, architecture: Architecture, sizes: Mapping[str, int], domain: Domain,
    free: Mapping[Key, Any], scalars: list[Key] | None = None,
) -> Scope:  # fmt: skip
    """Return a scope in which every entry has a value: free ones as given, all others from what defines them.

    ``scalars`` are the :func:`parameters`, for who makes many.
    """
    scope = Scope(setting, architecture, sizes, domain, dict(free), setting.half)
    wanted = [*(parameters(claim, setting) if scalars is None else scalars)]
    if setting.design is not None:
        wanted += [*design_keys(architecture, sizes["m"]), *entries(architecture)]
    else:
        wanted += [("x", (i,)) for i in range(1, architecture.inputs + 1)]
        wanted += [("y", ()), *entries(architecture)]
    late: dict[Key, Any] = {}
    for key in wanted:
        if key not in scope.values:
            late[key] = _defined(key, scope)
    scope.values |= late
    return scope


def _defined(key: Key, scope: Scope) -> Any:
    setting = scope.setting
    name, indices = key
    definition = setting.definition(key)
    if definition is not None:
        return scope.evaluate(definition)
    if setting.design is not None and name in ("X", "y"):
        inputs, label, _ = setting.design.table[indices[0] - 1]
        return scope.domain.number(inputs[indices[1] - 1] if name == "X" else label)
    if name == "x":
        if setting.inputs == "ones":
            return scope.domain.number(Fraction(1))
        assert isinstance(setting.inputs, tuple)
        return scope.evaluate(setting.inputs[indices[0] - 1])
    if name == "y":
        assert setting.label is not None
        return scope.evaluate(setting.label)
    assert setting.network is not None
    return scope.domain.number(given_entry(key, setting.network))


def given_entry(key: Key, network: Network) -> Fraction:
    """Return a weight or bias of a given network."""
    name, indices = key
    layer = len(network.weights) - 1 if name == "w" or not indices else indices[0] - 1
    if name == "b":
        return Fraction(network.bias(layer)[indices[1] - 1 if indices else 0])
    row = 0 if name == "w" else indices[1] - 1
    return Fraction(network.weights[layer][row, indices[-1] - 1])


def targets(target: Name, scope: Scope) -> Iterable[Key]:
    """Return the entries that the left side of a map or an assignment names: one entry or a whole group."""
    architecture = scope.architecture
    name = target.name
    if name == "y" and not target.indices and not scope.rows:
        return [("y", ())]
    if name in ("weights", "biases"):
        return list(entries(architecture, name))
    indices = tuple(scope.integer(i, {}) for i in target.indices)
    everything = [*entries(architecture), *(("x", (i,)) for i in range(1, architecture.inputs + 1))]
    if name == "b" and not indices:
        return [canonical("b", (), architecture)]
    if scope.rows:
        everything = [k for k in everything if k[0] != "x"] + design_keys(architecture, scope.rows)
    if name in ("w", "x", "W", "b") or (name in ("X", "y") and scope.rows):
        found = [k for k in everything if k[0] == name and k[1][: len(indices)] == indices and k[1]]
        if found:
            return found
        if name == "W" and len(indices) < 2 and scope.setting.shape.symbolic_depth:
            return []  # at depth 1, or below the layer that is named, there is nothing to map
        return [canonical(name, indices, architecture, scope.rows)]
    raise InvalidInput(
        f"Argument 'claim' can map, minimise or vary weights, biases, inputs and the label (and vary q and other "
        f"scalars), not {key_text((name, indices))}."
    )


def mapped(pairs: Iterable[tuple[Name, Expression]], scope: Scope) -> Scope:
    """Return the scope after a simultaneous map; in a group every entry is mapped by itself."""
    moved = {
        key: scope.evaluate(expression, own=(target, scope.values[key]))
        for target, expression in pairs
        for key in targets(target, scope)
    }
    return replace(resolved(scope, moved), moved=frozenset(moved))


def resolved(scope: Scope, changes: Mapping[Key, Any]) -> Scope:
    """Return the scope with some values replaced."""
    return Scope(scope.setting, scope.architecture, scope.sizes, scope.domain, scope.values | dict(changes), scope.half)
