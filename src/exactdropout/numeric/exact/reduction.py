"""The reductions that come before every exact strategy: what is zero, dead, constant in sign or equal, in integers.

For one input vector x the network is rewritten, without changing the law of its output:

- an input that is 0, a unit whose pre-activation is ≤ 0 for all masks (relu), and a unit from which no path of nonzero
  weights leads to the output have no effect: they and their mask bits go;
- every pre-activation is scaled to a primitive integer vector (activations are positively homogeneous,
  φ(cz) = cφ(z) for c > 0), the scale moves into the next layer's weights;
- units whose scaled weights and bias are then equal have proportional values for every mask: one value is kept for the
  whole group, only the masks of its units differ;
- units of one group (or inputs) whose scaled columns into the next layer are equal are one *source* with a count:
  how many of them are kept is binomial, so g equal columns cost g + 1 values and not 2^g;
- a unit whose pre-activation keeps its sign over all masks (exact interval bounds) is linear from here on;
- in a layer of rate 0 the sources of a group are added up: nothing is left to branch on.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

__all__ = [
    "IntegerRows",
    "ReducedExample",
    "ReducedLayer",
    "ReducedOutput",
    "Source",
    "bounds_of",
    "integer_rows",
    "reduced",
    "reduction_reason",
]

Source: TypeAlias = tuple[int, tuple[int, ...], int]
"""(group, column, count): ``count`` units of the same value h_group, each adding column·h_group when it is kept."""

Unit: TypeAlias = tuple[int, int, int] | None
"""(group, numerator, denominator): the unit's value is h_group·numerator/denominator; None where it has no effect."""


@dataclass(frozen=True, kw_only=True, slots=True)
class IntegerRows:
    """One layer of the network with equal rows once: row i is ``rows[i] / denominators[i]``, its bias likewise."""

    rows: tuple[tuple[int, ...], ...]
    biases: tuple[int, ...]
    denominators: tuple[int, ...]
    row_of: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ReducedLayer:
    """z_i = bias_i + Σ_s r_s·column_si·h_{group(s)}, each of a source's ``count`` masks kept with ``keep/total``.

    Every z_i is a scaled integer; its value goes on as bottom_i·z_i where z_i > 0 and top_i·z_i elsewhere. A unit that
    never changes its sign has tops = bottoms = 1. ``low`` and ``high`` bound z_i over all masks.
    """

    sources: tuple[Source, ...]
    bias: tuple[int, ...]
    keep: int
    total: int
    tops: tuple[int, ...]
    bottoms: tuple[int, ...]
    low: tuple[int, ...]
    high: tuple[int, ...]

    @property
    def linear(self) -> bool:
        """Whether no unit of the layer changes its sign."""
        return self.tops == self.bottoms


@dataclass(frozen=True, kw_only=True, slots=True)
class ReducedOutput:
    """The output layer in integers over ``scale``, 1/p left out: W(h) = (bias + Σ_s count·column_s·h_group)/scale."""

    sources: tuple[Source, ...]
    bias: tuple[int, ...]
    scale: int
    rate: Fraction


@dataclass(frozen=True, kw_only=True, slots=True)
class ReducedExample:
    """The network as it acts on the masks of one input vector; the value that enters layer 0 is the constant 1.

    ``zeros``, ``dead`` count the inputs and hidden units without effect, ``merged`` the units whose value is that of
    another one, ``steady`` the values (groups) that never change their sign.
    """

    layers: tuple[ReducedLayer, ...]
    output: ReducedOutput
    zeros: int
    dead: int
    merged: int
    steady: int


def integer_rows(weight: Sequence[Sequence[Any]], bias: Sequence[Any]) -> IntegerRows:
    """Return a layer's distinct rows (weights and bias) as integers; entries have ``as_integer_ratio``."""
    seen_objects: dict[tuple[int, ...], int] = {}
    seen: dict[tuple[Any, ...], int] = {}
    rows: list[tuple[int, ...]] = []
    biases, denominators, row_of = [], [], []
    ratios: dict[int, tuple[int, int]] = {}  # numbers that are one object are taken apart once
    for row, shift in zip(weight, bias, strict=True):
        objects = (*map(id, row), id(shift))
        found = seen_objects.get(objects)
        if found is None:
            for number, entry in zip(objects, (*row, shift), strict=True):
                if number not in ratios:
                    ratios[number] = entry.as_integer_ratio()
            pairs = tuple([ratios[number] for number in objects])
            found = seen.get(pairs)
            if found is None:
                found = seen[pairs] = len(rows)
                common = math.lcm(*{d for _, d in pairs})
                scaled = tuple([n * (common // d) for n, d in pairs])
                rows.append(scaled[:-1])
                biases.append(scaled[-1])
                denominators.append(common)
            seen_objects[objects] = found
        row_of.append(found)
    return IntegerRows(rows=tuple(rows), biases=tuple(biases), denominators=tuple(denominators), row_of=tuple(row_of))


def reduced(
    layers: Sequence[IntegerRows], slopes: Sequence[Fraction], rates: Sequence[Fraction], x: Sequence[Any]
) -> ReducedExample:
    """Return the reduced network for the input vector x.

    Units without effect are found from the output backwards, which can make columns equal that were not: the forward
    pass is repeated until nothing more goes. A dead unit stays out: in a layer of rate 0 it can be dead only because of
    units that then have no effect themselves, and without those it would seem to live.
    """
    idle: list[set[int]] = [set() for _ in layers]  # rows from which nothing reaches the output
    while True:
        example, unused, silent = _forward(layers, slopes, rates, x, idle)
        if not any(unused):
            return example
        idle = [known | more | gone for known, more, gone in zip(idle, unused, silent, strict=True)]


def _forward(
    layers: Sequence[IntegerRows],
    slopes: Sequence[Fraction],
    rates: Sequence[Fraction],
    x: Sequence[Any],
    idle: list[set[int]],
) -> tuple[ReducedExample, list[set[int]], list[set[int]]]:
    """Return the reduction that leaves the idle rows out, the rows of each layer that are idle too, and its dead rows.

    Idle are those that nothing takes; dead (idle ones included) those whose value is 0 for all masks.
    """
    units: list[Unit] = []
    for value in x:
        top, bottom = value.as_integer_ratio()
        units.append((0, top, bottom) if top else None)
    zeros = units.count(None)
    low, high = [1], [1]
    rows_of_group: list[list[int]] = []
    unused: list[set[int]] = [set() for _ in layers]
    silent: list[set[int]] = [set() for _ in layers]
    found: list[ReducedLayer] = []
    dead = merged = steady = 0
    for index, (layer, slope) in enumerate(zip(layers, slopes, strict=False)):
        result, low, high, rows, scales = _hidden(layer, units, rates[index], slope, low, high, idle[index])
        if index:
            unused[index - 1] = _unused(result.sources, rows_of_group)
        rows_of_group = rows
        silent[index] = {row for row, unit in enumerate(scales) if unit is None}
        units = [scales[row] for row in layer.row_of]
        without = units.count(None)
        dead += without
        merged += len(units) - without - len(result.bias)
        steady += sum(t == b for t, b in zip(result.tops, result.bottoms, strict=True))
        found.append(result)
    output = _output(layers[-1], units, rates[-1])
    if found:
        unused[len(found) - 1] = _unused(output.sources, rows_of_group)
    return (
        ReducedExample(
            layers=tuple(found),
            output=output,
            zeros=zeros,
            dead=dead,
            merged=merged,
            steady=steady,
        ),
        unused,
        silent,
    )


def _unused(sources: Iterable[Source], rows_of_group: list[list[int]]) -> set[int]:
    """Return the rows of the layer before whose group no source takes."""
    used = {group for group, _, _ in sources}
    return {row for group, rows in enumerate(rows_of_group) if group not in used for row in rows}


def _hidden(
    layer: IntegerRows,
    units: list[Unit],
    rate: Fraction,
    slope: Fraction,
    low: list[int],
    high: list[int],
    idle: set[int],
) -> tuple[ReducedLayer, list[int], list[int], list[list[int]], list[Unit]]:
    """Return a layer, the bounds of its groups' values, the rows of each group, and the unit that each row makes."""
    total = rate.denominator
    keep = total - rate.numerator
    live = [(k, *unit) for k, unit in enumerate(units) if unit is not None]
    common = math.lcm(1, *{d for _, _, _, d in live})
    factors = [(k, n * (common // d) * total) for k, _, n, d in live]
    groups: dict[tuple[int, ...], list[int]] = {}
    scale_of: dict[int, tuple[int, int]] = {}
    for i, (row, shift, denominator) in enumerate(zip(layer.rows, layer.biases, layer.denominators, strict=True)):
        if i in idle:
            continue
        steps = [row[k] * factor for k, factor in factors]
        steps.append(shift * common * keep)
        divisor = math.gcd(*steps)
        if divisor:  # otherwise z = 0 for all masks, and φ(0) = 0
            groups.setdefault(tuple([s // divisor for s in steps]), []).append(i)
            scale_of[i] = (divisor, denominator * common * keep)
    vectors = list(groups)
    sources = _sources(vectors, [g for _, g, _, _ in live], rate == 0)
    bias = [v[-1] for v in vectors]
    z_low, z_high = bounds_of(sources, bias, low, high, rate != 0)
    if slope == 0 and any(top <= 0 for top in z_high):
        kept = [j for j, top in enumerate(z_high) if top > 0]
        vectors = [vectors[j] for j in kept]
        sources = _sources(vectors, [g for _, g, _, _ in live], rate == 0)
        bias, z_low, z_high = [bias[j] for j in kept], [z_low[j] for j in kept], [z_high[j] for j in kept]
    tops, bottoms, h_low, h_high = [], [], [], []
    rows_of_group: list[list[int]] = []
    made: list[Unit] = [None] * len(layer.rows)
    for group, (vector, below, above) in enumerate(zip(vectors, z_low, z_high, strict=True)):
        top, bottom = slope.numerator, slope.denominator
        outside, under = 1, 1  # what the value h is multiplied by on its way out
        if below >= 0 or top == bottom:
            top = bottom = 1
        elif above <= 0:
            outside, under, top, bottom = top, bottom, 1, 1
        else:
            under = bottom
        tops.append(top)
        bottoms.append(bottom)
        ends = [bottom * above if above > 0 else top * above, bottom * below if below > 0 else top * below]
        if below < 0 < above:
            ends.append(0)
        h_low.append(min(ends))
        h_high.append(max(ends))
        rows_of_group.append(groups[vector])
        for i in groups[vector]:
            n, d = scale_of[i]
            n, d = n * outside, d * under
            divisor = math.gcd(n, d)
            made[i] = (group, n // divisor, d // divisor)
    result = ReducedLayer(
        sources=sources,
        bias=tuple(bias),
        keep=keep,
        total=total,
        tops=tuple(tops),
        bottoms=tuple(bottoms),
        low=tuple(z_low),
        high=tuple(z_high),
    )
    return result, h_low, h_high, rows_of_group, made


def _sources(vectors: Sequence[tuple[int, ...]], group_of: Sequence[int], always: bool) -> tuple[Source, ...]:
    """Return the sources from the columns of the vectors; with ``always`` (rate 0) one for each group."""
    if not vectors:
        return ()
    columns = list(zip(*vectors, strict=True))[:-1]
    if always:
        sums: dict[int, tuple[int, ...]] = {}
        for group, column in zip(group_of, columns, strict=True):
            known = sums.get(group)
            sums[group] = column if known is None else tuple([a + b for a, b in zip(known, column, strict=True)])
        return tuple([(g, column, 1) for g, column in sums.items() if any(column)])
    counts: dict[tuple[int, tuple[int, ...]], int] = {}
    for key in zip(group_of, columns, strict=True):
        if any(key[1]):
            counts[key] = counts.get(key, 0) + 1
    return tuple([(group, column, count) for (group, column), count in counts.items()])


def bounds_of(
    sources: Iterable[Source], bias: Sequence[int], low: Sequence[int], high: Sequence[int], masked: bool
) -> tuple[list[int], list[int]]:
    """Return exact bounds of every z over the masks (the interval hull, source by source)."""
    below, above = list(bias), list(bias)
    for group, column, count in sources:
        small, large = count * low[group], count * high[group]
        if masked:  # dropping a unit leaves 0
            small, large = min(small, 0), max(large, 0)
        for j, c in enumerate(column):
            if c > 0:
                below[j] += c * small
                above[j] += c * large
            elif c:
                below[j] += c * large
                above[j] += c * small
    return below, above


def _output(layer: IntegerRows, units: list[Unit], rate: Fraction) -> ReducedOutput:
    live = [(k, *unit) for k, unit in enumerate(units) if unit is not None]
    common = math.lcm(1, *{d for _, _, _, d in live})
    outer = math.lcm(*layer.denominators)
    vectors = []
    for row in layer.row_of:
        factor = outer // layer.denominators[row]
        entries = layer.rows[row]
        vectors.append(
            (
                *[entries[k] * n * (common // d) * factor for k, _, n, d in live],
                layer.biases[row] * common * factor,
            )
        )
    divisor = math.gcd(common * outer, *[v for vector in vectors for v in vector])
    vectors = [tuple([v // divisor for v in vector]) for vector in vectors]
    return ReducedOutput(
        sources=_sources(vectors, [g for _, g, _, _ in live], False),
        bias=tuple([vector[-1] for vector in vectors]),
        scale=common * outer // divisor,
        rate=rate,
    )


def reduction_reason(examples: Sequence[ReducedExample]) -> str:
    """Return in words what was removed and collapsed, over all examples; empty where nothing was."""
    binomial = sum(
        count for e in examples for layer in e.layers if layer.keep != layer.total for *_, count in layer.sources
        if count > 1
    )  # fmt: skip
    merged_sources = sum(
        1 for e in examples for layer in e.layers if layer.keep != layer.total for *_, count in layer.sources
        if count > 1
    )  # fmt: skip
    parts = []
    for number, singular, plural in (
        (sum(e.zeros for e in examples), "zero input removed", "zero inputs removed"),
        (sum(e.dead for e in examples), "unit without effect removed", "units without effect removed"),
        (sum(e.merged for e in examples), "unit proportional to another", "units proportional to others"),
        (sum(e.steady for e in examples), "value never changes its sign", "values never change their sign"),
    ):  # fmt: skip
        if number:
            parts.append(f"{number} {singular if number == 1 else plural}")
    if binomial:
        parts.append(f"{binomial} equal columns as {merged_sources} binomial count{'s' * (merged_sources > 1)}")
    return ", ".join(parts)
