"""What ``merge`` packs into int64, and the proof in Python's integers that nothing there can overflow.

Three things must fit, and each is checked before a kernel starts:

- keys: unit i of a layer takes the field of (high_i − low_i)/step_i values, rounded up to whole bits; all fields of a
  layer together have at most 63 bits. Partial sums stay between low and high because dropping a unit leaves 0, which
  the bounds include;
- counts: the weights of all states sum to W = Π total^units. If W < 2^63 they are counts. Otherwise they are residues
  by moduli M with M·total < 2^63, one pass each; the final sums are put together by the Chinese remainder theorem, with
  Π M > 2·|sum| proved from W and the largest value;
- sums: a count is cut into limbs of B bits with 2^B·max(v², u) ≤ 2^62 for all v and u that are folded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from exactdropout.model.numbers import Array
from exactdropout.numeric.exact.reduction import ReducedExample, ReducedLayer, ReducedOutput

__all__ = ["Fields", "Forms", "Layout", "layout", "moduli", "recombined"]

INT64 = 1 << 63
"""Signed 64-bit integers are below this."""

KEY_BITS = 63
FORM_BITS = 28
"""Values of the linear forms are below 2^28 in size, so that limbs have at least 62 − 56 = 6 bits."""


@dataclass(frozen=True, kw_only=True)
class Fields:
    """One field for each unit: ``rows`` (shift, mask, step, low), as an array for the kernels in ``table``."""

    rows: tuple[tuple[int, int, int, int], ...]

    @cached_property
    def table(self) -> Array:
        """The rows."""
        return np.array(self.rows, dtype=np.int64).reshape(-1, 4)

    def key(self, values: tuple[int, ...] | list[int]) -> int:
        """Return the key of a vector, wrapped to 64 bits where it lies outside (before all units are added)."""
        total: int = sum(
            ((v - low) // step) << shift for v, (shift, _, step, low) in zip(values, self.rows, strict=True)
        )
        return (total + INT64) % (2 * INT64) - INT64

    def step(self, column: tuple[int, ...]) -> int:
        """Return what adding a column adds to a key."""
        return sum((c // step) << shift for c, (shift, _, step, _) in zip(column, self.rows, strict=True))


@dataclass(frozen=True, kw_only=True)
class Forms:
    """What is folded: linear forms v (``rows``: constant, coefficients of the values), sums of squares u (``squares``).

    One row for each output, v = w·h + b and u = Σ w_i² h_i². Where the outputs' integers are too large for that
    (``pairs``): the values h_i, then the sums h_i + h_j for i < j, from which E h_i h_j follows. ``largest`` bounds all
    |v| and √u.
    """

    rows: tuple[tuple[int, ...], ...]
    squares: tuple[tuple[int, ...], ...]
    pairs: bool
    limb: int
    limbs: int
    largest: int

    @cached_property
    def tables(self) -> tuple[Array, Array]:
        """The rows and the squares."""
        return np.array(self.rows, dtype=np.int64), np.array(self.squares, dtype=np.int64)


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Fields before and after the activation of each layer, the folded forms, total weight W, and the moduli."""

    before: tuple[Fields, ...]
    after: tuple[Fields, ...]
    forms: Forms
    weight: int
    moduli: tuple[int, ...]


def layout(example: ReducedExample) -> Layout | str:
    """Return the layout of a reduced example, or why it does not fit, in words."""
    if not example.layers:
        return "there is no hidden layer"
    before, after = [], []
    for number, layer in enumerate(example.layers, 1):
        if not layer.bias:
            return "no hidden unit has an effect"
        if layer.total >= 1 << 31:
            return "a drop probability has a denominator beyond 2^31"
        entering, leaving = _fields(layer), _activated_fields(layer)
        if entering is None or leaving is None:
            return f"the values of hidden layer {number} need more than {KEY_BITS} bits"
        before.append(entering)
        after.append(leaving)
    weight = math.prod(layer.total ** sum(count for *_, count in layer.sources) for layer in example.layers)
    forms = _forms(example.output, after[-1], weight)
    if isinstance(forms, str):
        return forms
    return Layout(
        before=tuple(before),
        after=tuple(after),
        forms=forms,
        weight=weight,
        moduli=moduli(weight, forms.largest**2, max(layer.total for layer in example.layers)),
    )


def moduli(weight: int, largest: int, total: int) -> tuple[int, ...]:
    """Return (0,) where counts up to ``weight`` are int64, else pairwise coprime M with M·total < 2^63.

    Π M exceeds 2·weight·largest, twice the size of any sum of counts times values of at most ``largest``.
    """
    if weight < INT64:
        return (0,)
    found: list[int] = []
    product, candidate = 1, (INT64 - 1) // total
    while product <= 2 * weight * max(largest, 1):
        if all(math.gcd(candidate, m) == 1 for m in found):
            found.append(candidate)
            product *= candidate
        candidate -= 1
    return tuple(found)


def recombined(residues: list[int], by: tuple[int, ...]) -> int:
    """Return the integer of least size with these residues (the sum itself for the modulus 0)."""
    if by == (0,):
        return residues[0]
    value, product = 0, 1
    for residue, modulus in zip(residues, by, strict=True):
        value += product * ((residue - value) * pow(product, -1, modulus) % modulus)
        product *= modulus
    return value - product if 2 * value > product else value


def _fields(layer: ReducedLayer) -> Fields | None:
    """Return the fields of the pre-activations; the bounds and steps are those of every partial sum."""
    steps = [max(1, math.gcd(*[column[i] for _, column, _ in layer.sources])) for i in range(len(layer.bias))]
    return _packed([(low, high, step) for low, high, step in zip(layer.low, layer.high, steps, strict=True)])


def _activated_fields(layer: ReducedLayer) -> Fields | None:
    """Return the fields of the values: multiples of gcd(low, step) where the unit has a kink."""
    ranges = []
    for i, (low, high, top, bottom) in enumerate(zip(layer.low, layer.high, layer.tops, layer.bottoms, strict=True)):
        step = math.gcd(*[column[i] for _, column, _ in layer.sources])
        if top == bottom:
            ranges.append((low, high, max(1, step)))
            continue
        ends = (0, bottom * high, top * low)
        ranges.append((min(ends), max(ends), math.gcd(step, low)))
    return _packed(ranges)


def _packed(ranges: list[tuple[int, int, int]]) -> Fields | None:
    rows, shift = [], 0
    for low, high, step in ranges:
        bits = ((high - low) // step).bit_length()
        rows.append((shift, (1 << bits) - 1, step, low))
        shift += bits
        if shift > KEY_BITS or max(abs(low), abs(high), step) >= INT64 // 2:
            return None
    return Fields(rows=tuple(rows))


def _forms(output: ReducedOutput, fields: Fields, weight: int) -> Forms | str:
    groups = len(fields.rows)
    reach = [max(abs(low), abs(low + mask * step)) for _, mask, step, low in fields.rows]
    outputs, squares = [], []
    for o, bias in enumerate(output.bias):
        row, square = [bias, *([0] * groups)], [0] * groups
        for group, column, count in output.sources:
            row[group + 1] += count * column[o]
            square[group] += count * column[o] ** 2
        outputs.append(tuple(row))
        squares.append(tuple(square))
    found = _fitting(outputs, squares, False, reach, weight)
    if found is None:
        sums = [(i, i) for i in range(groups)] + [(i, j) for i in range(groups) for j in range(i + 1, groups)]
        rows = [(0, *(int(k in pair) for k in range(groups))) for pair in sums]
        found = _fitting(rows, [(0,) * groups] * len(rows), True, reach, weight)
    return found or f"the values of the last hidden layer reach beyond 2^{FORM_BITS}"


def _fitting(
    rows: list[tuple[int, ...]], squares: list[tuple[int, ...]], pairs: bool, reach: list[int], weight: int
) -> Forms | None:
    """Return the forms if they and all their partial sums are below 2^FORM_BITS, and the squares below its square."""
    largest = max(abs(row[0]) + sum(abs(c) * r for c, r in zip(row[1:], reach, strict=True)) for row in rows)
    most = max(sum(c * r * r for c, r in zip(row, reach, strict=True)) for row in squares)
    largest = max(largest, math.isqrt(most) + 1)
    if largest >= 1 << FORM_BITS:
        return None
    limb = 62 - 2 * largest.bit_length()
    counts = min(weight, INT64 - 1).bit_length()
    return Forms(
        rows=tuple(rows), squares=tuple(squares), pairs=pairs, limb=limb, limbs=-(-counts // limb), largest=largest
    )
