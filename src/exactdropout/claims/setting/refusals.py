"""Assumptions that are refused: that nothing satisfies, on entries that do not exist, or that read two ways.

Under what nothing satisfies every claim would hold; on what does not exist an assumption says nothing, or too much.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from operator import eq, ge, gt, le, lt, ne

from exactdropout.claims.language.syntax import (
    Claim,
    Comparison,
    Expression,
    Invariance,
    Minimiser,
    Name,
    Quantity,
    expression_text,
    walk,
)
from exactdropout.claims.setting.named_sizes import entries, given_entry, parameters
from exactdropout.claims.setting.setting import Setting, Shape, constant
from exactdropout.errors import InvalidInput

__all__ = [
    "refuse_contradictions",
    "refuse_examples",
    "refuse_free_rows",
    "refuse_missing",
    "refuse_overrides",
    "refuse_two_readings",
    "unused",
]

Key = tuple[str, tuple[int, ...]]
_TESTS: dict[str, Callable[[Fraction, Fraction], bool]] = {
    "=": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge,
}  # fmt: skip
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}


def refuse_contradictions(setting: Setting) -> None:
    """Refuse assumptions on one variable that no number satisfies: bounds and signs, of its groups too.

    What ties several variables together is not judged here; a check says when it found no point that satisfies it.

    Raises:
        InvalidInput: the variable, and what is assumed of it.
    """
    bounds: dict[Key, list[tuple[str, Fraction]]] = {}
    for comparison in setting.filters:
        for key, relation, bound in _single(comparison):
            bounds.setdefault(key, []).append((relation, bound))
    for key in (*setting.signs, *(k for k in setting.definitions if constant(setting.definitions[k]) is not None)):
        bounds.setdefault(key, [])
    for key, found in bounds.items():
        assumed = [*found, *((sign, Fraction(0)) for sign in sorted(setting.sign(key)))]
        definition = setting.definition(key)
        value = None if definition is None else constant(definition)
        if value is not None:
            assumed.append(("=", value))
        known = _known(key, setting)
        if not _satisfiable([*assumed, *known], whole=any(key[0] == size for size in _counted(setting))):
            name = key[0] + (f"[{','.join(map(str, key[1]))}]" if key[1] else "")
            texts = dict.fromkeys(f"{name} {relation} {number}" for relation, number in (*assumed, *known))
            raise InvalidInput(f"Argument 'assume' contradicts itself: no number has {', '.join(texts)}.")


def _counted(setting: Setting) -> Mapping[str, int | str | None]:
    """Return the sizes that a claim may name, with their numbers or symbols; None where they have no single value."""
    shape, design = setting.shape, setting.design
    found: dict[str, int | str | None] = dict.fromkeys(shape.reserved) | {name: name for name in shape.widths}
    found["K"] = len(setting.inputs) if isinstance(setting.inputs, tuple) else shape.inputs
    if len(set(shape.hidden)) == 1:
        found["n"] = shape.hidden[0]
    if not shape.symbolic_depth:
        found["d"] = len(shape.hidden) + 1
    return found if design is None else found | {"m": design.rows}


def _known(key: Key, setting: Setting) -> list[tuple[str, Fraction]]:
    name = key[0]
    if name == "q":
        return [(">=", Fraction(0)), ("<", Fraction(1))]
    if name == "p":
        return [(">", Fraction(0)), ("<=", Fraction(1))]
    sizes = _counted(setting)
    number = sizes.get(name)
    if key[1] or name not in sizes:
        return []
    return [("=", Fraction(number))] if isinstance(number, int) else [(">=", Fraction(1))]


def _single(comparison: Comparison) -> Iterator[tuple[Key, str, Fraction]]:
    """Yield what a comparison says of single variables: pairs of neighbours, one a variable, one a number."""
    for left, relation, right in zip(comparison.sides, comparison.relations, comparison.sides[1:], strict=False):
        for side, other, turned in ((left, right, relation), (right, left, _TURNED[relation])):
            key, bound = _variable(side), constant(other)
            if key is not None and bound is not None:
                yield key, turned, bound


def _variable(side: Expression) -> Key | None:
    if not isinstance(side, Name):
        return None
    indices = [constant(index) for index in side.indices]
    if any(i is None or i.denominator != 1 for i in indices):
        return None
    return side.name, tuple(int(i) for i in indices if i is not None)


def _satisfiable(relations: list[tuple[str, Fraction]], *, whole: bool = False) -> bool:
    """Return whether a real number, or a whole one, satisfies all relations: near a bound, between two, or beyond."""
    bounds = sorted({bound for _, bound in relations})
    if whole:
        bounds = sorted({Fraction(math.floor(bound) + k) for bound in bounds for k in (-1, 0, 1, 2)})
    if not bounds:
        return True
    between = [] if whole else [(a + b) / 2 for a, b in itertools.pairwise(bounds)]
    return any(
        all(_TESTS[relation](candidate, bound) for relation, bound in relations)
        for candidate in (*bounds, *between, bounds[0] - 1, bounds[-1] + 1)
    )


def refuse_overrides(setting: Setting) -> None:
    """Refuse an assumption on what data or a given network have fixed, where it sets it anew or is false there.

    Raises:
        InvalidInput: the symbol, and what gave it a value.
    """
    weights = ("w", "W", "b", "weights", "biases")
    by_argument = {
        "data": [
            *(["y"] if setting.label is not None else []),
            *(["x"] if setting.inputs is not None else []),
            *(["X", "y"] if setting.design is not None and setting.design.table else []),
        ],
        "architecture": weights if setting.network is not None else (),
    }
    for key, value in setting.definitions.items():
        argument = next((a for a, names in by_argument.items() if key[0] in names), None)
        if argument is not None:
            shown = key[0] + "".join(f"[{i}]" for i in key[1])
            raise InvalidInput(
                f"Argument 'assume' sets {shown} to {expression_text(value)}, but argument {argument!r} has given it."
            )
    for key, number in _given(setting):
        for sign in sorted(setting.sign(key)):
            if not _TESTS[sign](number, Fraction(0)):
                shown = key[0] + "".join(f"[{i}]" for i in key[1])
                raise InvalidInput(f"Argument 'assume' says {shown} {sign} 0, but {shown} is given as {number}.")
    for comparison in setting.filters:
        values = [constant(side) for side in comparison.sides]
        for left, relation, right in zip(values, comparison.relations, values[1:], strict=False):
            if left is not None and right is not None and not _TESTS[relation](left, right):
                raise InvalidInput(f"Argument 'assume' contradicts itself: {left} {relation} {right} is false.")


def _given(setting: Setting) -> Iterator[tuple[Key, Fraction]]:
    """Yield the entries that data or a network give as numbers."""
    label = None if setting.label is None else constant(setting.label)
    if label is not None:
        yield ("y", ()), label
    if setting.inputs == "ones":
        yield ("x", (1,)), Fraction(1)
    elif setting.inputs is not None:
        numbers = ((i, constant(value)) for i, value in enumerate(setting.inputs, start=1))
        yield from ((("x", (i,)), number) for i, number in numbers if number is not None)
    for s, (inputs, number, _) in enumerate(setting.design.table if setting.design is not None else (), start=1):
        yield ("y", (s,)), number
        yield from ((("X", (s, i)), value) for i, value in enumerate(inputs, start=1))
    if setting.network is not None:
        for key in entries(setting.network.architecture):
            yield key, given_entry(key, setting.network)


def refuse_examples(claim: Claim, setting: Setting) -> None:
    """Refuse the names of one example where there are several, and those of several where there is one.

    Raises:
        InvalidInput: the name, and what is written in its place.
    """
    nodes = [*walk((claim.statement, claim.assumptions, setting.filters, tuple(setting.definitions.values())))]
    names = {(node.name, len(node.indices)) for node in nodes if isinstance(node, Name)}
    names |= {(name, len(indices)) for name, indices in (*setting.signs, *setting.definitions)}
    if setting.design is None:
        if ("X", 2) in names or ("y", 1) in names:
            raise InvalidInput(
                "Argument 'claim' names entries of several examples, but argument 'data' gives one: give data "
                "'design(X, y)' for X[s,i] and y[s], or write x[i] and y."
            )
        return
    rows = setting.design.rows
    for name, indices in (*setting.signs, *setting.definitions):
        ends = {"X": (rows, setting.shape.inputs), "y": (rows,)}.get(name)
        if (
            ends is not None
            and indices
            and not (len(indices) == len(ends) and min(indices) >= 1 and all(map(_fits, indices, ends)))
        ):
            raise InvalidInput(
                f"Argument 'assume' names {name}[{','.join(map(str, indices))}], which does not exist in "
                f"{setting.shape} with {rows} examples."
            )
    if any(name == "x" for name, _ in names) or Quantity("output") in nodes:
        raise InvalidInput(
            "Argument 'claim' names the inputs x or the output W(x) of one example, but argument 'data' gives several: "
            "write X[s,i], and Sum(w[i]*X[s,i], i=1..K) for the output of a linear model."
        )


def refuse_free_rows(claim: Claim, setting: Setting) -> None:
    """Refuse m where there is one example: it is the number of examples, and no free number.

    Raises:
        InvalidInput: how several examples are given.
    """
    if setting.design is None and ("m", ()) in parameters(claim, setting):
        raise InvalidInput(
            "Argument 'claim' names m, the number of examples, but argument 'data' is one example: give 'design(X, y)' "
            "for m examples, or write another letter for another number."
        )


def unused(claim: Claim, setting: Setting) -> dict[str, str]:
    """Return what is assumed of free numbers that occur nowhere else, each with what to say of it."""
    seen = {n.name for n in walk(claim.statement) if isinstance(n, Name)}
    around = [
        *setting.rates,
        *setting.definitions.values(),
        *(setting.inputs if isinstance(setting.inputs, tuple) else ()),
    ]
    around += [side for c in setting.filters for side in c.sides] + ([] if setting.label is None else [setting.label])
    seen |= {n.name for tree in around for n in walk(tree) if isinstance(n, Name)}
    grammar = {"w", "W", "b", "x", "y", "X", "q", "p", "weights", "biases", *setting.shape.reserved}
    found = {}
    for name, indices in setting.signs:
        if name not in seen | grammar and not indices:
            found.update({text: f"{text} (not used: {name} occurs nowhere else)" for text in setting.assumptions
                          if re.match(rf"{re.escape(name)}\b", text)})  # fmt: skip
    return found


def refuse_missing(shape: Shape, keys: Iterable[Key]) -> None:
    """Refuse an assumption on an entry or a layer that no size has.

    Raises:
        InvalidInput: the entry, and the shape.
    """
    for name, indices in keys:
        present = {
            "b": shape.output_bias or bool(indices), "W": bool(shape.hidden) or bool(indices),
            "biases": shape.output_bias or (shape.hidden_biases and bool(shape.hidden)),
        }  # fmt: skip
        if not present.get(name, True) or (name == "b" and indices and not shape.hidden_biases):
            shown = name + "".join(f"[{i}]" for i in indices)
            raise InvalidInput(
                f"Argument 'assume' names {shown}, but {shape} has none; leave it out, or give an architecture with "
                f"{'hidden layers' if name == 'W' else 'biases'}."
            )
        if name in ("w", "W", "b", "x") and indices and not _may_exist(shape, name, indices):
            entry = name + "".join(f"[{i}]" for i in indices)
            layers = f"; b[l] is hidden layer l, one of its units b[l][j], and {shape} has {len(shape.hidden)}"
            told = layers if name == "b" and not shape.symbolic_depth else f" in {shape}"
            raise InvalidInput(f"Argument 'assume' names {entry}, which does not exist{told}.")


def _may_exist(shape: Shape, name: str, indices: tuple[int, ...]) -> bool:
    """Return whether a size has the entry: indices start at 1 and end at widths that are numbers."""
    widths: list[int | str] = [shape.inputs, *shape.hidden]
    if shape.symbolic_depth:
        widths = [shape.inputs, *([shape.hidden[0]] * max(indices[0], 1))]
    if min(indices) < 1:
        return False
    if name in ("x", "w"):
        return len(indices) == 1 and _fits(indices[0], widths[0] if name == "x" else widths[-1])
    if len(indices) > (3 if name == "W" else 2) or (name == "W" and len(indices) == 2) or indices[0] >= len(widths):
        return False
    layer = indices[0]
    ends = (widths[layer], widths[layer - 1])
    return all(_fits(i, width) for i, width in zip(indices[1:], ends, strict=False))


def _fits(index: int, width: int | str) -> bool:
    return isinstance(width, str) or index <= width


def refuse_two_readings(claim: Claim, setting: Setting) -> None:
    """Refuse b[1] for the layer in an assumption beside b[j] for a unit in the claim, with one hidden layer.

    Raises:
        InvalidInput: how to write both apart.
    """
    shape = setting.shape
    keys = {*setting.signs, *setting.definitions}
    if len(shape.hidden) != 1 or shape.symbolic_depth or shape.hidden == (1,) or ("b", (1,)) not in keys:
        return
    statement = claim.statement
    groups = set()
    if isinstance(statement, Invariance):
        groups = {id(node) for pair in statement.map for node in walk(pair)}
    elif isinstance(statement, Minimiser):
        groups = {id(node) for pair in statement.assignments for node in walk(pair)}
    for node in walk(statement):
        if isinstance(node, Name) and node.name == "b" and len(node.indices) == 1 and id(node) not in groups:
            raise InvalidInput(
                "Argument 'assume' names b[1], which reads two ways beside a unit's b[j] in the claim: write b[1][j] "
                "for a unit, so that b[1] is the hidden layer."
            )
