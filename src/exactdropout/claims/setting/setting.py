"""What a claim is about: sizes (numbers or symbols), example, drop rates and assumptions, each validated once."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from operator import eq, ge, gt, le, lt, ne
from typing import Any, Literal

from exactdropout.claims.language.parser import parse_assumptions, parse_expression
from exactdropout.claims.language.syntax import (
    Comparison,
    Expression,
    Name,
    Number,
    Quantity,
    expression_text,
    rebuilt,
    walk,
)
from exactdropout.claims.reading.surroundings import Surroundings
from exactdropout.claims.setting.shape import Design, Shape, parse_shape
from exactdropout.errors import InvalidInput
from exactdropout.model import Activation, Architecture, Examples, Network
from exactdropout.model.arguments import architecture_of
from exactdropout.model.numbers import as_array, scalar, show

__all__ = ["SIZES", "Design", "Setting", "Shape", "Sign", "build_setting", "parse_shape", "surroundings"]

SIZES = ("K", "n", "d")
_FEW, _MANY = (1, 2, 3), tuple(range(1, 13))
_UNITS = (7, 12)
"""How many inputs and hidden units the tried sizes have; more where an assumption asks for large ones."""
Sign = Literal[">=", ">", "<=", "<", "!="]
_NOT_NEGATIVE: frozenset[Sign] = frozenset({">="})
_ENTRIES = frozenset({"weights", "biases", "w", "W", "b", "x", "y", "X"})
_LETTERS = frozenset("ijklmrst")
_GROUPS = frozenset({"weights", "biases", "w", "W", "b", "x", "X"})
MAX_ROWS = 1000


@dataclass(frozen=True)
class Setting:
    """The validated surroundings of a claim.

    ``inputs`` and ``label`` of the example are None where they are free symbols; ``half`` is Definition 1, and
    ``design`` stands for several examples.
    """

    shape: Shape
    network: Network | None
    inputs: tuple[Expression, ...] | Literal["ones"] | None
    label: Expression | None
    half: bool
    rates: tuple[Expression, ...]  # one for all layers, or one per droppable layer
    signs: dict[tuple[str, tuple[int, ...]], frozenset[Sign]]
    definitions: dict[tuple[str, tuple[int, ...]], Expression]
    filters: tuple[Comparison, ...]
    assumptions: tuple[str, ...]
    design: Design | None = None

    @property
    def named(self) -> bool:
        """Whether all sizes are numbers."""
        return self.shape.named and (self.design is None or isinstance(self.design.rows, int))

    def sign(self, key: tuple[str, tuple[int, ...]]) -> frozenset[Sign]:
        """Return what is assumed of the sign of a variable, its groups included."""
        found: frozenset[Sign] = _NOT_NEGATIVE if key[0] == "q" else frozenset()
        if not self.signs:  # the search asks for every value of every point
            return found
        return found.union(*(self.signs.get(group, ()) for group in (key, *_groups(key))))

    def definition(self, key: tuple[str, tuple[int, ...]]) -> Expression | None:
        """Return the expression that an assumption gives to a variable."""
        for candidate in (key, *_groups(key)):
            if candidate in self.definitions:
                return self.definitions[candidate]
        return None

    def data_text(self) -> str:
        """Return the data as an argument: ``point((1, -1), 8)``, ``half(x, y)``."""
        if self.design is not None:
            if not self.design.table:
                return f"design(X, y) of {self.design.rows} examples, each with mass 1/{self.design.rows}"
            rows = [
                f"(({', '.join(map(str, x))}), {label}) with mass {mass}" for x, label, mass in self.design.table[:12]
            ]
            return f"of {len(self.design.table)} examples {', '.join(rows)}" + ", ..." * (len(self.design.table) > 12)
        if self.inputs is None:
            inputs = "x"
        elif self.inputs == "ones":
            inputs = "1"
        else:
            inputs = f"({', '.join(map(expression_text, self.inputs))})"
        label = "y" if self.label is None else expression_text(self.label)
        return f"{'half' if self.half else 'point'}({inputs}, {label})"

    @property
    def single_entries(self) -> bool:
        """Whether an assumption gives a value to one weight, bias or input, not to a whole group."""
        names = ("w", "W", "b", "x", "X", "y")
        return any(k[0] in names and len(k[1]) > (k[0] in ("W", "b")) for k in self.definitions)

    def sizes(self) -> Iterator[dict[str, int]]:
        """Yield sizes to try, small ones first; one choice where the shape is all numbers."""
        for sizes in self._widths():
            if self.design is None:
                yield sizes
                continue
            rows = (self.design.rows,) if isinstance(self.design.rows, int) else _FEW
            yield from ({**sizes, "m": m} for m in rows if sizes["K"] == 1 or m * sizes["K"] <= _UNITS[0])

    def _widths(self) -> Iterator[dict[str, int]]:
        shape = self.shape
        if shape.named:
            widths = set(shape.hidden)
            n = {"n": int(next(iter(widths)))} if len(widths) == 1 else {}
            yield {"K": int(shape.inputs), "d": len(shape.hidden) + 1, **n}
            return
        some = _FEW if self.bounded(None) is None else _MANY
        ks = some if isinstance(shape.inputs, str) else (int(shape.inputs),)
        if isinstance(self.inputs, tuple):
            ks = (len(self.inputs),)
        if shape.widths not in ((), ("n",)):
            letters = ("K", *shape.widths)
            ends: list[tuple[int, ...]] = [ks, *(some for _ in shape.widths)]
            several = [dict(zip(letters, each, strict=True)) for each in itertools.product(*ends)]
            several = [s | {"d": len(shape.hidden) + 1} for s in several if sum(s.values()) <= _UNITS[0] + 2]
            yield from sorted(filter(self.bounded, several), key=lambda s: sum(s.values()))
            return
        free_width = any(isinstance(n, str) for n in shape.hidden)
        ns = some if free_width else (int(shape.hidden[0]),) if shape.hidden else (1,)
        ds = some if shape.symbolic_depth else (len(shape.hidden) + 1,)
        common = free_width or len(set(shape.hidden)) == 1
        choices = [
            {"K": k, "d": d} | ({"n": n} if common else {}) for k, n, d in itertools.product(ks, ns, ds)
            if k + n * (d - 1) <= _UNITS[len(some) > len(_FEW)] or len(ks) == len(ns) == len(ds) == 1
        ]  # fmt: skip
        yield from sorted(filter(self.bounded, choices), key=lambda s: (sum(s.values()), s["d"]))

    def edge_sizes(self, few: tuple[int, ...] = _FEW) -> list[dict[str, int]]:
        """Return sizes 1, 2 and 3 in all combinations, as far as they satisfy what is assumed of sizes."""
        if self.named or self.bounded(None) or isinstance(self.inputs, tuple):
            return list(self.sizes())
        one = next(self.sizes())
        free = {name: name in self.shape.symbols for name in one}
        if self.design is not None:
            free["m"] = self.design.rows == "m"
        choices = [few if free[name] else (size,) for name, size in one.items()]
        return [dict(zip(one, sizes, strict=True)) for sizes in itertools.product(*choices)]

    def bounded(self, sizes: Mapping[str, int] | None) -> bool | None:
        """Return whether sizes satisfy what is assumed of sizes alone; None for ``sizes=None`` where nothing is."""
        alone = [c for c in self.filters if all(_size_alone(side, self.shape) for side in c.sides)]
        if sizes is None:
            return None if not alone else True
        return all(_compare(c, sizes) for c in alone)

    def architecture(self, sizes: dict[str, int]) -> Architecture:
        """Return the architecture at given sizes."""
        return self.network.architecture if self.network is not None else self.shape.instance(sizes)


def _groups(key: tuple[str, tuple[int, ...]]) -> list[tuple[str, tuple[int, ...]]]:
    name, indices = key
    groups: list[tuple[str, tuple[int, ...]]] = []
    if name in ("w", "W", "b", "x", "X", "y") and indices:
        if len(indices) > 1 and name != "X":
            groups.append((name, indices[:1]))
        groups.append((name, ()))
    if name == "b" and not indices:
        groups.append(("biases", ()))
    elif name == "b" and indices:
        groups[-1:] = [("biases", ())]  # b alone is the output bias
    if name in ("w", "W"):
        groups.append(("weights", ()))
    return groups


def build_setting(
    architecture: Any,
    data: Any,
    q: Any,
    assume: Any,
    extra: tuple[Comparison, ...],
    names: Mapping[str, str] | None = None,
) -> Setting:
    """Validate what stands around a claim.

    Raises:
        InvalidInput: anything that does not fit.
    """
    network = architecture if isinstance(architecture, Network) else None
    shape = _shape(architecture)
    half, inputs, label, design = _data(data, shape)
    if design is not None and design.table:
        shape = replace(shape, inputs=len(design.table[0][0]))
    if design is not None and "m" in shape.widths:
        raise InvalidInput("Argument 'architecture' must not call a width m beside a design, whose examples m counts.")
    rates = _rates(q, shape)
    around = _around(shape, one=not half and design is None, rates=rates, design=design)
    comparisons = [*_assumptions(assume, names, around), *extra]
    signs: dict[tuple[str, tuple[int, ...]], frozenset[Sign]] = {}
    definitions: dict[tuple[str, tuple[int, ...]], Expression] = {}
    filters = []
    for comparison in comparisons:
        left, relation, right = comparison.sides[0], comparison.relations[0], comparison.sides[-1]
        key = _key(left, shape) if isinstance(left, Name) else None
        simple = len(comparison.relations) == 1 and key is not None
        if simple and key == ("m", ()) and design is not None and relation == "=":
            design = _with_rows(design, constant(right))
            continue
        if simple and key is not None and relation == "=":
            size = key[0] in shape.reserved and not key[1]
            if (size and constant(right) is not None) or key[0] in ("p", "q"):
                shape, rates = _with_number(key, constant(right), shape, rates)
                continue
            if size and _size_alone(right, shape):  # K = n: the proof is for all sizes, points are of these
                filters.append(comparison)
                continue
            if key in definitions or size:
                raise InvalidInput(f"Argument 'assume' must define {key[0]} once, and sizes by sizes and numbers.")
            definitions[key] = right
        elif simple and key is not None and relation != "=" and right == Number(Fraction(0)):
            signs[key] = signs.get(key, frozenset()) | {relation}
        elif key is not None and key[0] in _GROUPS and not key[1] and key[0] != "b":
            raise InvalidInput(f"Argument 'assume' must compare {key[0]} with 0 or set it equal to an expression.")
        else:
            filters.append(comparison)
    from exactdropout.claims.language.syntax import Claim

    setting = Setting(
        shape, network, inputs, label, half, rates, signs, definitions, tuple(filters),
        tuple(str(Claim(c)) for c in comparisons), design,
    )  # fmt: skip
    _refuse_circles(setting)
    beside = (*(inputs if isinstance(inputs, tuple) else ()), *((label,) if label is not None else ()))
    if any(isinstance(n, Name) and (n.indices or n.name in _ENTRIES) for value in beside for n in walk(value)):
        raise InvalidInput("Argument 'data' must hold numbers and free symbols, not entries of the network.")
    if any(isinstance(n, Quantity) for value in (*beside, *definitions.values()) for n in walk(value)):
        raise InvalidInput("Arguments 'data' and 'assume' must not give a variable the value of a quantity.")
    return setting


def surroundings(architecture: Any, data: Any, q: Any) -> Surroundings:
    """Return what reading a claim has to know of what stands around it.

    Raises:
        InvalidInput: an argument that does not fit.
    """
    shape = _shape(architecture)
    half, _, _, design = _data(data, shape)
    if design is not None and design.table:
        shape = replace(shape, inputs=len(design.table[0][0]))
    return _around(shape, one=not half and design is None, rates=_rates(q, shape), design=design)


def _with_rows(design: Design, value: Fraction | None) -> Design:
    """Return a design with the number of examples that an assumption gives.

    Raises:
        InvalidInput: it has another number, or there is no such number.
    """
    whole = value is not None and value.denominator == 1 and 1 <= value <= MAX_ROWS
    if design.rows != "m" or value is None or not whole:
        raise InvalidInput("Argument 'assume' must not set m; name the number of examples as data 'design(X, y, 3)'.")
    return replace(design, rows=int(value))


def _around(shape: Shape, *, one: bool, rates: tuple[Expression, ...], design: Design | None) -> Surroundings:
    def size(width: int | str) -> Expression:
        return Number(Fraction(width)) if isinstance(width, int) else Name(width)

    return Surroundings(
        size(shape.inputs), tuple(map(size, shape.hidden)), shape.symbolic_depth, shape.output_bias, one,
        len(rates) == 1, None if design is None else design.symbol, shape.activation.slope,
    )  # fmt: skip


def _with_number(
    key: tuple[str, tuple[int, ...]], value: Fraction | None, shape: Shape, rates: tuple[Expression, ...]
) -> tuple[Shape, tuple[Expression, ...]]:
    """Return shape and rates where an assumption gives the symbol q, K, n or d a number.

    Raises:
        InvalidInput: it is no such symbol here, or no number that it can be.
    """
    name, indices = key
    if not indices and value is not None and name == "q" and rates == (Name("q"),) and 0 <= value < 1:
        return shape, (Number(value),)
    whole = value is not None and value.denominator == 1 and value >= 1
    if not indices and value is not None and whole:
        width = int(value)
        if name == "K" and shape.inputs == "K":
            return replace(shape, inputs=width), rates
        if name in shape.widths:
            return replace(shape, hidden=tuple(width if n == name else n for n in shape.hidden)), rates
        if name == "d" and shape.symbolic_depth and width <= 1000:
            return replace(shape, hidden=shape.hidden * (width - 1), symbolic_depth=False), rates
    raise InvalidInput(f"Argument 'assume' must not set {name}; name it by the arguments architecture and q.")


def _refuse_circles(setting: Setting) -> None:
    for key, value in setting.definitions.items():
        for node in walk(value):
            if (
                isinstance(node, Name)
                and node.name not in setting.shape.reserved
                and any(node.name == k[0] for k in setting.definitions)
            ):
                raise InvalidInput(f"Argument 'assume' must define {key[0]} by symbols that are free, not {node.name}.")


def _shape(value: Any) -> Shape:
    if isinstance(value, Shape):
        return value
    if isinstance(value, str):
        return parse_shape(value)
    if isinstance(value, Network) and value.kind != "exact":
        raise InvalidInput(f"Argument 'architecture' must be a network of exact numbers, not of kind {value.kind}.")
    architecture = architecture_of(value, "'K-n-1 relu'")
    if architecture.outputs != 1:
        raise InvalidInput(
            f"Argument 'architecture' must have one output, not {architecture.outputs}; networks with more outputs are "
            "derived in Python by xd.derive."
        )
    kinds = set(architecture.activations) or {Activation.linear()}
    if len(kinds) > 1:
        raise InvalidInput("Argument 'architecture' must have one activation for all hidden layers in a claim.")
    return Shape(
        architecture.inputs,
        architecture.hidden,
        False,
        kinds.pop(),
        architecture.hidden_biases,
        architecture.output_bias,
    )


def _data(data: Any, shape: Shape) -> tuple[bool, Any, Expression | None, Design | None]:
    if data is None:
        return False, None, None, None
    if not isinstance(data, str):
        return _from_examples(data if isinstance(data, Examples) else Examples(data), shape)
    free = re.match(r"\s*design\s*\(\s*X\s*,\s*y\s*(?:,\s*(m|[1-9]\d{0,3})\s*)?\)\s*\Z", data)
    if free is not None and (free[1] in (None, "m") or int(free[1]) <= MAX_ROWS):
        return False, None, None, Design("m" if free[1] in (None, "m") else int(free[1]))
    match = re.match(r"\s*(point|half)\s*\(\s*(.*?)\s*,\s*([^,()]+)\)\s*\Z", data)
    if match is None or len(data) > 10_000:
        raise InvalidInput(
            f"Argument 'data' must be Examples or text such as 'point(x, y)', 'half(1, 1)', 'point((1, -2), y)' or "
            f"'design(X, y)', not {show(data)}."
        )
    with _about("data"):
        half, x, y = match[1] == "half", match[2], parse_expression(match[3])
    label = None if y == Name("y") else y
    if x == "x":
        return half, None, label, None
    if x == "1":
        return half, "ones", label, None
    if not (x.startswith("(") and x.endswith(")")):
        raise InvalidInput(f"Argument 'data' must give the inputs as x, 1 or (1, -2), not {show(x)}.")
    with _about("data"):
        inputs = tuple(parse_expression(part) for part in x[1:-1].split(","))
    if isinstance(shape.inputs, int) and len(inputs) != shape.inputs:
        raise InvalidInput(f"Argument 'data' must have {shape.inputs} inputs, not {len(inputs)}.")
    return half, inputs, label, None


def _from_examples(data: Examples, shape: Shape) -> tuple[bool, Any, Expression | None, Design | None]:
    if data.kind != "exact" or data.labels.shape[1] != 1:
        raise InvalidInput("Argument 'data' must hold exact numbers and one label per example in a claim.")
    if isinstance(shape.inputs, int) and data.inputs.shape[1] != shape.inputs:
        raise InvalidInput(f"Argument 'data' must have {shape.inputs} inputs, not {data.inputs.shape[1]}.")
    rows = list(zip(data.inputs.tolist(), data.labels[:, 0].tolist(), data.probabilities, strict=True))
    origin = [r for r in rows if not any(r[0]) and not r[1]]
    if len(rows) == 2 and len(origin) == 1 and rows[0][2] == Fraction(1, 2):
        rows.remove(origin[0])
    elif len(rows) != 1:
        if len(rows) > MAX_ROWS:
            raise InvalidInput(f"Argument 'data' must hold at most {MAX_ROWS} examples in a claim, not {len(rows)}.")
        table = tuple((tuple(map(Fraction, x)), Fraction(y), Fraction(mass)) for x, y, mass in rows)
        return False, None, None, Design(len(rows), table)
    x, y, _ = rows[0]
    return bool(len(data) == 2), tuple(Number(v) for v in x), Number(y), None


def _rates(q: Any, shape: Shape) -> tuple[Expression, ...]:
    if q is None:
        return (Name("q"),)
    q = as_array(q, nested=True)
    if isinstance(q, str):
        decimal = re.fullmatch(r"\s*0,(\d+)\s*", q)
        if decimal and (int(decimal[1]) > 1 or len(shape.hidden) != 1):
            raise InvalidInput(f"Argument 'q' reads {q.strip()} as two rates; a decimal is written 0.{decimal[1]}.")
        with _about("q"):
            found = tuple(parse_expression(part) for part in q.split(","))
    else:
        values = list(q) if isinstance(q, Sequence) or getattr(q, "ndim", None) else [q]
        found = ()
        for value in values:
            number, kind = scalar(value, "q")
            if kind not in ("integer", "exact"):
                raise InvalidInput(f"Argument 'q' must be exact, text or None in a claim, not {show(value)}.")
            found += (Number(number),)
    if len(found) > 1 and (shape.symbolic_depth or len(found) != len(shape.hidden) + 1):
        raise InvalidInput(f"Argument 'q' must be one rate or one per droppable layer, not {len(found)}.")
    for layer, rate in enumerate(found, start=1):
        value = constant(rate)
        own = () if len(found) == 1 and shape.hidden else (Name("q", (Number(Fraction(layer)),)),)
        if value is None and rate not in (Name("q"), *own):
            raise InvalidInput(
                f"Argument 'q' must hold numbers, the symbol q, or q[{layer}] for the rate of layer {layer}; it holds "
                f"{expression_text(rate)} there."
            )
        if value is not None and not 0 <= value < 1:
            raise InvalidInput(f"Argument 'q' must satisfy 0 <= q < 1, not {value}.")
    return found


def constant(node: Any) -> Fraction | None:
    """Return the value of a number or a quotient of numbers."""
    from exactdropout.claims.language.syntax import Divide, Negate

    if isinstance(node, Number):
        return node.value
    if isinstance(node, Negate):
        inner = constant(node.operand)
        return None if inner is None else -inner
    if isinstance(node, Divide):
        top, bottom = constant(node.top), constant(node.bottom)
        return None if top is None or not bottom else top / bottom
    return None


def _size_alone(node: Expression, shape: Shape) -> bool:
    names = [n for n in walk(node) if isinstance(n, Name)]
    return all(n.name in shape.reserved and not n.indices for n in names) and not any(
        isinstance(n, Quantity) for n in walk(node)
    )


def _compare(comparison: Comparison, sizes: Mapping[str, int]) -> bool:
    """Return whether a comparison of sizes holds, or is no linear one."""
    put = [rebuilt(side, lambda n: Number(Fraction(sizes.get(n.name, 1))) if isinstance(n, Name) else n)
           for side in comparison.sides]  # fmt: skip
    values = [constant(side) for side in put]
    tests = {"=": eq, "!=": ne, "<=": le, "<": lt, ">=": ge, ">": gt}
    return all(
        a is None or b is None or tests[relation](a, b)
        for a, relation, b in zip(values, comparison.relations, values[1:], strict=False)
    )


def _assumptions(assume: Any, names: Mapping[str, str] | None, around: Surroundings) -> list[Comparison]:
    if assume is None:
        return []
    texts = [assume] if isinstance(assume, str) else assume
    if not isinstance(texts, Sequence):
        raise InvalidInput(f"Argument 'assume' must be text or a sequence of texts, not {show(assume)}.")
    with _about("assume"):
        return [c for text in texts for c in parse_assumptions(text, names, around)]


@contextmanager
def _about(argument: str) -> Iterator[None]:
    """Let the parser's errors name the argument whose text it read."""
    try:
        yield
    except InvalidInput as error:
        head = "Argument 'claim'"
        if not str(error).startswith(head):
            raise
        raise InvalidInput(f"Argument {argument!r}{str(error)[len(head) :]}") from error


def _key(name: Name, shape: Shape) -> tuple[str, tuple[int, ...]] | None:
    """Return the key of an entry or group; with one hidden layer W[j,i] is W[1][j,i], and w_i is every w[i]."""
    indices = [constant(i) for i in name.indices]
    letters = [i.name if isinstance(i, Name) and not i.indices else "" for i in name.indices]
    single = len(shape.hidden) == 1 and not shape.symbolic_depth
    everything = len(set(letters)) == len(letters) and all(i in _LETTERS for i in letters)
    if (
        letters
        and everything
        and (name.name in ("w", "x", "X", "y") or (single and (name.name, len(letters)) == ("W", 2)))
    ):
        return name.name, ()
    if any(i is None or i.denominator != 1 for i in indices):
        return None
    found = tuple(int(i) for i in indices if i is not None)
    if name.name == "W" and len(found) == 2 and len(shape.hidden) == 1 and not shape.symbolic_depth:
        found = (1, *found)
    return name.name, found
