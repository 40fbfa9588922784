"""A second mind: replays a proof of a claim by a small set of rules, with algebra of its own (``verifier_algebra``).

Nothing here is shared with the search for proofs but fractions, the syntax tree, and what the setting says (data,
signs, definitions: look-ups, no algebra). A :class:`Proof` names a view and, for each relation, a certificate; the
verifier writes the difference of both sides as a polynomial itself, and checks the certificate on that.

Views, each with its side condition:

- ``named``: sizes that are numbers. Quantities are the mean over all masks, the last layer's by mean 1 and variance t.
- ``opaque``: every size. J_D = V + (m − y)², R = (w − y)², E D² = V + m² with V ≥ 0 for each example (any network).
  Where all rates are 0, V = 0 and m = w. m = w where the activation is linear, or there is no hidden layer, or only the
  last layer is dropped, or inputs, weights and hidden biases are assumed ≥ 0. m = w + e, e ≥ 0 (Jensen) where the slope
  is in [0, 1] and all weights behind the first layer are assumed ≥ 0.
- ``written``: every size, units linear on all masks, a depth that is a number: Var D by Cov(h_a, h_b) = Σ W_ai W_bk
  Cov(i, k) + t Σ W_ai W_bi (Cov(i, i) + (E h_i)²).

Rules of algebra: t = q/p ≥ 0; relu(c z) = c relu(z) for c > 0, relu(−z) = relu(z) − z, relu(z)² = z relu(z); a sum over
an index that occurs nowhere is its range; sums that differ by the names of their indices are equal.

Certificates that a polynomial is ≥ 0: ``terms`` (every term is), ``product`` (of even powers and of factors that are),
``quadratic`` (a v² + b v + c with a, c, 4 a c − b² ≥ 0), ``line`` (c s r², s without a root inside, by Sturm), and
``shift`` (in K − 1 and n − 1). That it is > 0: ``strict`` (one term is positive, the rest is ≥ 0).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal

from exactdropout.claims.language.syntax import (
    Add,
    Call,
    Claim,
    Comparison,
    Divide,
    Expression,
    Invariance,
    Multiply,
    Name,
    Negate,
    Number,
    Power,
    Quantity,
    Repeated,
    rebuilt,
)  # fmt: skip
from exactdropout.claims.setting.setting import Setting
from exactdropout.claims.verifier_algebra import (
    MAX_POWER,
    MAX_TERMS,
    ONE,
    NotReplayed,
    Polynomial,
    Ratio,
    T,
    by_power,
    constant,
    gen,
    plus,
    polynomial_text,
    ratio,
    roots,
    scaled,
    substitute,
    times,
    to_power,
)  # fmt: skip

__all__ = ["Certificate", "NotReplayed", "Obligation", "Proof", "Signs", "View", "holds", "obligations", "verify"]

F = Fraction
View = Literal["named", "opaque", "written"]
MAX_MASKS, MAX_INDICES = 64, 5


@dataclass(frozen=True)
class Certificate:
    """How a polynomial is shown to be ≥ 0 or > 0: a rule, its polynomials, and certificates for its parts."""

    rule: Literal["terms", "product", "quadratic", "line", "shift", "strict"]
    polynomials: tuple[tuple[Polynomial, int], ...] = ()
    variable: str = ""
    parts: tuple[Certificate, ...] = ()


@dataclass(frozen=True)
class Proof:
    """A view, the sizes of a named one, and one certificate per relation; None for an equation."""

    view: View
    sizes: tuple[tuple[str, int], ...] = ()
    certificates: tuple[Certificate | None, ...] = ()


@dataclass
class Signs:
    """Which variables are ≥ 0, and which are not 0."""

    nonnegative: set[str] = field(default_factory=set)
    nonzero: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Obligation:
    """What a relation needs of the polynomial of left − right: that it is zero, not negative, or positive."""

    polynomial: Polynomial
    need: Literal["zero", "nonnegative", "positive"]
    signs: Signs


# ---- what a setting says --------------------------------------------------------------------------------------------


def _number(node: Any) -> Fraction | None:
    match node:
        case Number(value):
            return value
        case Negate(operand):
            inner = _number(operand)
            return None if inner is None else -inner
        case Divide(top, bottom):
            a, b = _number(top), _number(bottom)
            return None if a is None or not b else a / b
    return None


class _Evaluator:
    """What named sizes and all sizes have in common: symbols with signs, rates, relu."""

    def __init__(self, claim: Claim, setting: Setting) -> None:
        self.claim, self.setting = claim, setting
        self.signs = Signs({"t'"})
        if setting.sign(("q", ())) & {">", "!="}:
            self.signs.nonzero.add("t'")
        self.atoms: dict[str, Polynomial] = {}

    def symbol(self, key: tuple[str, tuple[int, ...]], name: str) -> Ratio:
        signs = self.setting.sign(key)
        below = bool(signs & {"<", "<="})
        name = f"-{name}" if below else name
        if signs & {">", ">=", "<", "<="}:
            self.signs.nonnegative.add(name)
        if signs & {">", "<", "!="}:
            self.signs.nonzero.add(name)
        return -Ratio(gen(name)) if below else Ratio(gen(name))

    def rate(self, layer: int | None) -> Ratio:
        rates = self.setting.rates
        if layer is None and len(rates) > 1:
            if Name("q") not in rates:
                raise NotReplayed("q beside rates by layers")
            return Ratio(T, 1)
        if layer is not None and not 0 <= layer < max(len(rates), 1 + len(self.setting.shape.hidden)):
            raise NotReplayed("a rate of no layer")
        rate = rates[layer or 0] if len(rates) > 1 else rates[0]
        value = _number(rate)
        if value is not None:
            return ratio(value)
        if rate != Name("q"):
            raise NotReplayed("a rate that is no number and not q")
        return Ratio(T, 1)

    def spread(self, layer: int) -> Ratio:
        q = self.rate(layer)
        return Ratio(T) if q == Ratio(T, 1) else q * (ratio(1) + -q).inverse()

    def relu(self, value: Ratio) -> Ratio:
        if not self.positive(value.bottom):
            raise NotReplayed("relu over a divisor that may be negative")
        z = value.top
        if self.manifest(z):
            return value
        if self.manifest(scaled(z, F(-1))):
            return ratio(0)
        lead = z[min(z)]
        z = scaled(z, 1 / abs(lead))
        turned = scaled(z, F(-1)) if lead < 0 else z
        name = f"relu({polynomial_text(turned)})"
        self.atoms.setdefault(name, turned)
        self.signs.nonnegative.add(name)
        top = gen(name) if lead > 0 else plus(gen(name), scaled(turned, F(-1)))
        return Ratio(scaled(top, abs(lead)), value.keep, value.bottom)

    def manifest(self, a: Polynomial) -> bool:
        return all(v > 0 and all(p % 2 == 0 or name in self.signs.nonnegative for name, p in m) for m, v in a.items())

    def positive(self, a: Polynomial) -> bool:
        return self.manifest(a) and any(all(name in self.signs.nonzero for name, _ in m) for m in a)

    def reduced(self, a: Polynomial) -> Polynomial:
        for name in reversed(list(self.atoms)):
            total: Polynomial = {}
            for power, rest in by_power(a, name).items():
                z = to_power(self.atoms[name], power - 1) if power else ONE
                total = plus(total, times(rest, times(z, gen(name)) if power else z))
            a = total
        return a

    def obligation(self, left: Ratio, relation: str, right: Ratio) -> Obligation:
        difference = left + -right
        if relation in ("<=", "<"):
            difference = -difference
        top = difference.top
        if not self.positive(difference.bottom):
            top = times(top, difference.bottom)
        need: Any = {"=": "zero", ">=": "nonnegative", "<=": "nonnegative", ">": "positive", "<": "positive"}.get(
            relation
        )
        if need is None:
            raise NotReplayed(f"the relation {relation}")
        return Obligation(self.reduced(top), need, self.signs)


# ---- named sizes --------------------------------------------------------------------------------------------------


class _Named(_Evaluator):
    def __init__(self, claim: Claim, setting: Setting, sizes: Mapping[str, int]) -> None:
        super().__init__(claim, setting)
        self.sizes = dict(sizes)
        self.architecture = setting.architecture(dict(sizes))
        hidden = sum(self.architecture.widths[:-2])
        if 2**hidden > MAX_MASKS:
            raise NotReplayed("too many masks")
        self.changed: dict[tuple[str, tuple[int, ...]], Ratio] = {}
        self.quantities: dict[str, Ratio] | None = None

    def entry(self, name: str, indices: tuple[int, ...]) -> Ratio:
        widths, setting = self.architecture.widths, self.setting
        if len(self.architecture.hidden) == 1 and (name, len(indices)) in (("W", 2), ("b", 1)):
            indices = (1, *indices)
        layer = indices[0] if name == "W" or (name == "b" and indices) else len(widths) - 1
        inside = 1 <= layer <= len(widths) - 1
        good = {
            "x": len(indices) == 1 and 1 <= indices[0] <= widths[0],
            "y": not indices,
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
            return self.value(definition, {})
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
        match node:
            case Number(number):
                return ratio(number)
            case Quantity(name):
                if self.quantities is None:
                    self.quantities = self.moments()
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
        raise NotReplayed(type(node).__name__)

    def call(self, function: str, values: list[Ratio]) -> Ratio:
        if function == "relu":
            return self.relu(values[0])
        if function == "abs":
            return self.relu(values[0]) + self.relu(-values[0])
        if function not in ("max", "min"):
            raise NotReplayed(function)
        result = values[0]
        for other in values[1:]:
            result += self.relu(other + -result) if function == "max" else -self.relu(result + -other)
        return result

    def name(self, name: str, indices: tuple[int, ...], bound: Mapping[str, int]) -> Ratio:
        if name in bound and not indices:
            return ratio(bound[name])
        if name in ("K", "n", "d"):
            if indices or name not in self.sizes:
                raise NotReplayed(f"{name} here")
            return ratio(self.sizes[name])
        if name in ("p", "q"):
            if len(indices) > 1:
                raise NotReplayed("a rate with two indices")
            rate = self.rate(indices[0] - 1 if indices else None)
            return rate if name == "q" else ratio(1) + -rate
        if name in ("x", "y", "w", "W", "b"):
            return self.entry(name, indices)
        if indices or name in ("weights", "biases"):
            raise NotReplayed(f"{name} as a number")
        definition = self.setting.definition((name, ()))
        return self.symbol((name, ()), name) if definition is None else self.value(definition, {})

    def whole(self, node: Expression, bound: Mapping[str, int]) -> int:
        value = self.value(node, bound)
        number = value.top.get((), F(0)) / value.bottom.get((), F(1))
        if set(value.top) - {()} or set(value.bottom) - {()} or value.keep or number.denominator != 1:
            raise NotReplayed("an index or exponent that is no whole number")
        return int(number)

    def moments(self) -> dict[str, Ratio]:
        architecture, setting = self.architecture, self.setting
        x = [self.entry("x", (i,)) for i in range(1, architecture.inputs + 1)]
        examples = [(x, self.entry("y", ()))] + ([([ratio(0)] * len(x), ratio(0))] if setting.half else [])
        share = ratio(F(1, len(examples)))
        totals = dict.fromkeys(("criterion", "risk", "mean", "variance", "second_moment"), ratio(0))
        for number, (inputs, label) in enumerate(examples):
            mean, second = self.forward(inputs, dropped=True)
            output = self.forward(inputs, dropped=False)[0]
            if number == 0:
                totals["output"] = output
            totals["criterion"] += share * (second + ratio(-2) * label * mean + label * label)
            totals["risk"] += share * (output + -label) * (output + -label)
            totals["mean"] += share * mean
            totals["second_moment"] += share * second
            totals["variance"] += share * (second + -(mean * mean))
        return totals | {"penalty": totals["criterion"] + -totals["risk"]}

    def forward(self, inputs: list[Ratio], *, dropped: bool) -> tuple[Ratio, Ratio]:
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

    def mapped(self, claim: Invariance) -> _Named:
        after = _Named(self.claim, self.setting, self.sizes)
        after.signs, after.atoms = self.signs, self.atoms
        for target, expression in claim.map:
            for key in self.keys(target):
                after.changed[key] = self.with_target(expression, target, self.entry(*key))
        return after

    def with_target(self, node: Any, target: Name, value: Ratio) -> Ratio:
        marker = "\N{BULLET}"
        marked = rebuilt(node, lambda item: Name(marker) if item == target else item)
        return _Marked(self, marker, value).value(marked, {})

    def keys(self, target: Name) -> Iterator[tuple[str, tuple[int, ...]]]:
        widths, a = self.architecture.widths, self.architecture
        every: list[tuple[str, tuple[int, ...]]] = [("x", (i,)) for i in range(1, widths[0] + 1)]
        every += [("w", (i,)) for i in range(1, widths[-2] + 1)]
        for layer in range(1, len(widths) - 1):
            for j in range(1, widths[layer] + 1):
                every += [("W", (layer, j, i)) for i in range(1, widths[layer - 1] + 1)]
                every += [("b", (layer, j))] if a.hidden_biases else []
        indices = tuple(self.whole(i, {}) for i in target.indices)
        if target.name in ("y", "b") and not indices:
            yield target.name, ()
            return
        if target.name == "W" and len(indices) == 2:
            raise NotReplayed("a target with two indices")
        chosen = [key for key in every if key[0] == target.name and key[1][: len(indices)] == indices]
        if not chosen:
            raise NotReplayed(f"the target {target.name}")
        yield from chosen


class _Marked(_Named):
    """The evaluator of another one, in which one marked name has a value."""

    def __init__(self, other: _Named, marker: str, value: Ratio) -> None:
        self.__dict__.update(other.__dict__)
        self.marker, self.marked = marker, value

    def name(self, name: str, indices: tuple[int, ...], bound: Mapping[str, int]) -> Ratio:
        return self.marked if name == self.marker else super().name(name, indices, bound)


# ---- every size: sums over indices ----------------------------------------------------------------------------------

Factor = tuple[str, tuple[str, ...]]


@dataclass(frozen=True)
class Term:
    """coefficient · Σ over indices of a product of entries."""

    coefficient: Ratio
    factors: tuple[Factor, ...] = ()
    summed: tuple[tuple[str, str], ...] = ()  # (index, range)


Terms = tuple[Term, ...]


class _AllSizes(_Evaluator):
    def __init__(self, claim: Claim, setting: Setting, *, written: bool) -> None:
        super().__init__(claim, setting)
        shape = setting.shape
        if setting.network is not None or setting.single_entries or (shape.symbolic_depth and written):
            raise NotReplayed("a given network, single entries, or a symbolic depth")
        self.written = written
        self.fresh = (f"#{k}" for k in itertools.count())
        self.ranges = {"K": shape.inputs, "n": shape.hidden[0] if len(set(shape.hidden)) == 1 else None}
        self.signs.nonnegative |= {"K", "n"}
        self.signs.nonzero |= {"K", "n"}
        self.same, self.above, self.kept = self.facts()
        if written and not self.linear():
            raise NotReplayed("units that are not linear on all masks")

    # side conditions
    def assumed(self, *keys: tuple[str, tuple[int, ...]]) -> bool:
        setting = self.setting
        for key in keys:
            definition = setting.definition(key)
            if definition is not None:
                value = _number(definition)
                symbol = isinstance(definition, Name) and not definition.indices
                good = value is not None and value >= 0
                if symbol and isinstance(definition, Name):
                    good = bool(setting.sign((definition.name, ())) & {">", ">="})
            else:
                good = bool(setting.sign(key) & {">", ">="})
            if not good:
                return False
        return True

    def weights(self, first: int) -> list[tuple[str, tuple[int, ...]]]:
        if self.setting.shape.symbolic_depth:
            return [("W", ()), ("w", ())]
        return [*(("W", (layer,)) for layer in range(first, len(self.setting.shape.hidden) + 1)), ("w", ())]

    def nonnegative(self) -> bool:
        setting, shape = self.setting, self.setting.shape
        if isinstance(setting.inputs, tuple):
            inputs = all((_number(x) or F(0)) >= 0 and _number(x) is not None for x in setting.inputs)
        else:
            inputs = setting.inputs == "ones" or self.assumed(("x", ()))
        biases = not shape.hidden_biases or not (shape.hidden or shape.symbolic_depth)
        return inputs and (biases or self.assumed(("biases", ()))) and self.assumed(*self.weights(1))

    def linear(self) -> bool:
        shape = self.setting.shape
        deep = bool(shape.hidden) or shape.symbolic_depth
        return not deep or shape.activation.slope == 1 or self.nonnegative()

    def facts(self) -> tuple[bool, bool, bool]:
        setting, slope = self.setting, self.setting.shape.activation.slope
        values = [_number(rate) for rate in setting.rates]
        kept = all(value == 0 for value in values)
        last = len(values) > 1 and all(value == 0 for value in values[:-1])
        return kept or last or self.linear(), 0 <= slope <= 1 and self.assumed(*self.weights(2)), kept

    # values
    def number(self, value: Ratio) -> Terms:
        return (Term(value),) if value.top else ()

    def negative(self, a: Terms) -> Terms:
        return tuple(Term(-t.coefficient, t.factors, t.summed) for t in a)

    def product(self, a: Terms, b: Terms) -> Terms:
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
        total = ratio(0)
        for coefficient, parts in self.normal(a):
            if parts:
                raise NotReplayed("a division by, or power of, a sum over indices")
            total += coefficient
        return total

    def normal(self, a: Terms) -> Iterator[tuple[Ratio, tuple[str, ...]]]:
        for term in a:
            extents = dict(term.summed)
            if len(extents) < len(term.summed):
                raise NotReplayed("an index bound twice")
            coefficient, groups = term.coefficient, list[tuple[set[str], list[Factor]]]()
            for factor in term.factors:
                indices, joined = set(factor[1]), [factor]
                if not indices <= set(extents) or not self.fits(factor, extents):
                    raise NotReplayed("an index without its sum, or beyond what there is")
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
        shape, (name, indices) = self.setting.shape, factor
        widths = [shape.inputs, *shape.hidden]
        letter, layers = self.group(name)
        layer = layers[0] if layers else 0
        ends = {
            "x": widths[:1],
            "w": widths[-1:],
            "b": widths[layer : layer + 1],
            "W": [*reversed(widths[layer - 1 : layer + 1])],
        }
        if shape.symbolic_depth and letter == "w" and shape.inputs != shape.hidden[-1]:
            return False
        return all(
            extents[i] == str(width) or (extents[i].isdecimal() and isinstance(width, int) and int(extents[i]) <= width)
            for i, width in zip(indices, ends[letter], strict=True)
        )

    def extent(self, label: str) -> Ratio:
        return ratio(int(label)) if label.isdecimal() else Ratio(gen(label))

    def part(self, indices: set[str], factors: list[Factor], extents: Mapping[str, str]) -> str:
        if len(indices) > MAX_INDICES:
            raise NotReplayed("too many indices under one sum")
        best = min(
            (
                tuple(extents[i] for i in order),
                tuple(sorted((n, tuple(order.index(i) for i in ix)) for n, ix in factors)),
            )
            for order in itertools.permutations(sorted(indices))
        )
        name = f"sum{best}"
        counts: dict[Any, int] = {}
        for factor in best[1]:
            counts[factor] = counts.get(factor, 0) + 1
        if all(self.even(n, count) for (n, _), count in counts.items()):
            self.signs.nonnegative.add(name)
            if best[0] and all(self.setting.sign(self.group(n)) & {">", "<", "!="} for n, _ in counts):
                self.signs.nonzero.add(name)
        return name

    def group(self, factor: str) -> tuple[str, tuple[int, ...]]:
        name = factor.rstrip("0123456789")
        return name, (int(factor[len(name) :]),) if factor != name else ()

    def even(self, factor: str, count: int) -> bool:
        return count % 2 == 0 or bool(self.setting.sign(self.group(factor)) & {">", ">="})

    def value(self, node: Expression, bound: Mapping[str, str]) -> Terms:
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
                count = _number(exponent)
                if count is None or count.denominator != 1 or abs(count) > MAX_POWER:
                    raise NotReplayed("an exponent that is no number")
                value, result = self.value(base, bound), self.number(ratio(1))
                if count < 0:
                    value = self.number(self.scalar(value).inverse())
                for _ in range(abs(int(count))):
                    result = self.product(result, value)
                return result
            case Repeated("sum", index, first, last, body):
                if _number(first) != 1:
                    raise NotReplayed("a sum that does not start at 1")
                name = next(self.fresh)
                inner = self.value(body, {**bound, index: name})
                label = self.label(last)
                return tuple(Term(t.coefficient, t.factors, (*t.summed, (name, label))) for t in inner)
        raise NotReplayed(f"{type(node).__name__} for every size")

    def label(self, last: Expression) -> str:
        width: Any = _number(last)
        if isinstance(last, Name) and not last.indices and last.name in self.ranges:
            width = self.ranges[last.name]
        if width is None or (isinstance(width, Fraction) and (width.denominator != 1 or width < 1)):
            raise NotReplayed("the range of a sum")
        return str(width)

    def name(self, name: str, indices: tuple[Expression, ...], bound: Mapping[str, str]) -> Terms:
        setting, shape = self.setting, self.setting.shape
        if name in bound:
            raise NotReplayed("an index as a number")
        if name in ("q", "p") and not indices:
            rate = self.rate(None)
            return self.number(rate if name == "q" else ratio(1) + -rate)
        if name in ("K", "n") and not indices and self.ranges[name] is not None:
            return self.number(self.extent(str(self.ranges[name])))
        if name in ("x", "w", "W", "b"):
            if name in "Wb" and indices and len(indices) == (2 if name == "W" else 1) and len(shape.hidden) == 1:
                indices = (Number(F(1)), *indices)
            layered = name == "W" or (name == "b" and bool(indices))
            layer = _number(indices[0]) if layered and indices else None
            units = indices[1:] if layered else indices
            if layered and (layer is None or layer.denominator != 1 or not 1 <= layer <= len(shape.hidden)):
                raise NotReplayed("a layer that is no number")
            if len(units) != {"x": 1, "w": 1, "W": 2, "b": int(layered)}[name]:
                raise NotReplayed("a wrong number of indices")
            if not all(isinstance(u, Name) and u.name in bound for u in units):
                raise NotReplayed("an entry that is not named by indices of sums")
            key = (name, (int(layer),) if layer is not None else ())
            return self.entry(key, tuple(bound[u.name] for u in units if isinstance(u, Name)))
        if name in ("K", "n", "d", "q", "p", "weights", "biases") or indices:
            raise NotReplayed(f"{name} here")
        definition = setting.definition((name, ()))
        if definition is None and name == "y":
            definition = setting.label
        return self.number(self.symbol((name, ()), name)) if definition is None else self.value(definition, {})

    def entry(self, key: tuple[str, tuple[int, ...]], units: tuple[str, ...]) -> Terms:
        definition = self.setting.definition(key)
        if definition is not None:
            return self.value(definition, {})
        if key[0] == "x" and self.setting.inputs is not None:
            if self.setting.inputs != "ones":
                raise NotReplayed("inputs that are numbers")
            return self.number(ratio(1))
        if not units:
            return self.number(self.symbol(key, "b"))
        return (Term(ratio(1), ((key[0] + "".join(map(str, key[1])), units),)),)

    def quantity(self, name: str) -> Terms:
        shape = self.setting.shape
        if self.setting.half and (shape.hidden_biases or shape.output_bias):
            raise NotReplayed("biases at the origin of Definition 1")
        y = self.name("y", (), {})
        if self.written:
            depth = len(shape.hidden) + 1
            w = m = self.mean(depth, None)
            v = self.covariance(depth, None, None)
        else:
            self.signs.nonnegative |= {"V'", "e'"}
            w = self.number(Ratio(gen("w'")))
            v = () if self.kept else self.number(Ratio(gen("V'")))
            m = w if self.same else w + self.number(Ratio(gen("e'"))) if self.above else self.number(Ratio(gen("m'")))
        error, plain = m + self.negative(y), w + self.negative(y)
        criterion, risk = v + self.product(error, error), self.product(plain, plain)
        found = {
            "criterion": criterion, "risk": risk, "penalty": criterion + self.negative(risk), "mean": m, "variance": v,
            "second_moment": v + self.product(m, m), "output": w,
        }[name]  # fmt: skip
        half = self.setting.half and name != "output"  # at the origin D = W = y = 0
        return self.product(self.number(ratio(F(1, 2))), found) if half else found

    def sum_over(self, layer: int, make: Any) -> Terms:
        index = next(self.fresh)
        label = str([self.setting.shape.inputs, *self.setting.shape.hidden][layer])
        return tuple(Term(t.coefficient, t.factors, (*t.summed, (index, label))) for t in make(index))

    def weight(self, layer: int, unit: str | None, before: str) -> Terms:
        return self.entry(("w", ()), (before,)) if unit is None else self.entry(("W", (layer,)), (unit, before))

    def mean(self, layer: int, unit: str | None) -> Terms:
        shape = self.setting.shape
        if layer == 0:
            assert unit is not None
            return self.entry(("x", ()), (unit,))
        total = self.sum_over(layer - 1, lambda i: self.product(self.weight(layer, unit, i), self.mean(layer - 1, i)))
        if unit is None:
            return total + self.entry(("b", ()), ()) if shape.output_bias else total
        return total + self.entry(("b", (layer,)), (unit,)) if shape.hidden_biases else total

    def covariance(self, layer: int, a: str | None, b: str | None) -> Terms:
        if layer == 0:
            return ()

        def noise(i: str) -> Terms:
            mean = self.mean(layer - 1, i)
            inner = self.covariance(layer - 1, i, i) + self.product(mean, mean)
            return self.product(self.product(self.weight(layer, a, i), self.weight(layer, b, i)), inner)

        def cross(i: str, k: str) -> Terms:
            both = self.product(self.weight(layer, a, i), self.weight(layer, b, k))
            return self.product(both, self.covariance(layer - 1, i, k))

        dropped = self.product(self.number(self.spread(layer - 1)), self.sum_over(layer - 1, noise))
        if layer == 1:
            return dropped
        return self.sum_over(layer - 1, lambda i: self.sum_over(layer - 1, lambda k: cross(i, k))) + dropped

    def closed(self, a: Terms) -> Ratio:
        total = ratio(0)
        for coefficient, parts in self.normal(a):
            product = coefficient
            for part in parts:
                product = product * Ratio(gen(part))
            total += product
        return total


# ---- certificates ---------------------------------------------------------------------------------------------------


def holds(a: Polynomial, certificate: Certificate | None, signs: Signs) -> None:
    """Check that a certificate shows a ≥ 0, or > 0 for the rule ``strict``."""
    if certificate is None:
        raise NotReplayed("no certificate")
    match certificate.rule:
        case "terms":
            for m, v in a.items():
                if v <= 0 or any(p % 2 and name not in signs.nonnegative for name, p in m):
                    raise NotReplayed("a term that may be negative")
        case "product":
            result = constant(1)
            odd = [f for f, power in certificate.polynomials if power % 2]
            for factor, power in certificate.polynomials:
                result = times(result, to_power(factor, power))
            if result != a:
                raise NotReplayed("factors whose product is another polynomial")
            for factor, part in zip(odd, certificate.parts, strict=True):
                holds(factor, _weak(part), signs)
        case "quadratic":
            powers = by_power(a, certificate.variable)
            if set(powers) - {0, 1, 2}:
                raise NotReplayed("a degree above 2")
            c, b, top = (powers.get(k, {}) for k in range(3))
            last = plus(scaled(times(top, c), F(4)), scaled(times(b, b), F(-1)))
            for polynomial, part in zip((top, c, last), certificate.parts, strict=True):
                holds(polynomial, _weak(part), signs)
        case "line":
            _on_a_line(a, certificate, signs)
        case "shift":
            for size in ("K", "n"):
                a = substitute(a, size, plus(gen(size), ONE))
            holds(a, _weak(certificate.parts[0]), Signs(signs.nonnegative, signs.nonzero - {"K", "n"}))
        case "strict":
            ((term, _),) = certificate.polynomials
            for m, v in term.items():
                if v <= 0 or any(
                    name not in signs.nonzero or (p % 2 and name not in signs.nonnegative) for name, p in m
                ):
                    raise NotReplayed("a term that may be 0 or negative")
            if len(term) != 1:
                raise NotReplayed("no single positive term")
            holds(plus(a, scaled(term, F(-1))), _weak(certificate.parts[0]), signs)


def _weak(certificate: Certificate) -> Certificate:
    if certificate.rule == "strict":
        raise NotReplayed("a strict certificate inside another one")
    return certificate


def _on_a_line(a: Polynomial, certificate: Certificate, signs: Signs) -> None:
    """a = s r² in one variable; s has no root inside its domain and is positive at 1."""
    (s, _), (r, _) = certificate.polynomials
    names = {name for m in a for name, _ in m}
    if len(names) > 1 or times(s, times(r, r)) != a:
        raise NotReplayed("another polynomial, or more than one variable")
    name = next(iter(names), "")
    powers = by_power(s, name)
    coefficients = [powers.get(k, {}).get((), F(0)) for k in range(max(powers, default=0) + 1)]
    half = name in signs.nonnegative
    if half and coefficients[0] == 0:
        coefficients = coefficients[1:]  # a root at the edge changes no sign inside
    if not coefficients or (half and coefficients[0] == 0):
        raise NotReplayed("a repeated root at the edge")
    if roots(coefficients, half=half) or sum(coefficients) <= 0:
        raise NotReplayed("a change of sign")


# ---- proofs ----------------------------------------------------------------------------------------------------------


def obligations(claim: Claim, setting: Setting, view: View, sizes: Mapping[str, int]) -> list[Obligation]:
    """Return what is to be shown, relation by relation.

    Raises:
        NotReplayed: the view's side conditions do not hold, or the claim is outside what it covers.
    """
    statement = claim.statement
    found = []
    if isinstance(statement, Invariance) and view == "named":
        named = _Named(claim, setting, sizes)
        left, right = named.value(statement.expression, {}), named.mapped(statement).value(statement.expression, {})
        return [named.obligation(left, "=", right)]
    if not isinstance(statement, Comparison):
        raise NotReplayed(f"a statement of the kind {type(statement).__name__}")
    if view == "named":
        evaluator: Any = _Named(claim, setting, sizes)
        values = [evaluator.value(side, {}) for side in statement.sides]
    else:
        evaluator = _AllSizes(claim, setting, written=view == "written")
        terms = [evaluator.value(side, {}) for side in statement.sides]
        values = [evaluator.closed(side) for side in terms]
    for left, relation, right in zip(values, statement.relations, values[1:], strict=False):
        found.append(evaluator.obligation(left, relation, right))
    return found


def verify(claim: Claim, setting: Setting, proof: Proof) -> None:
    """Replay a proof.

    A ``named`` proof covers a setting whose sizes are numbers; the other views cover every size.

    Raises:
        NotReplayed: it is no proof by these rules.
    """
    if proof.view == "named" and (not setting.shape.named or dict(proof.sizes) != next(setting.sizes())):
        raise NotReplayed("the sizes are not those of the setting")
    needed = obligations(claim, setting, proof.view, dict(proof.sizes))
    if len(needed) != len(proof.certificates):
        raise NotReplayed("one certificate per relation")
    for obligation, certificate in zip(needed, proof.certificates, strict=True):
        if obligation.need == "zero":
            if obligation.polynomial:
                raise NotReplayed("a difference that is not 0")
            continue
        if obligation.need == "positive" and (certificate is None or certificate.rule != "strict"):
            raise NotReplayed("a strict relation needs the rule 'strict'")
        if obligation.need == "nonnegative" and certificate is not None and certificate.rule == "strict":
            raise NotReplayed("the rule 'strict' beside a weak relation")
        holds(obligation.polynomial, certificate, obligation.signs)
