"""The strategy ``merge``: states as int64 keys, merged linearly; the law of a layer as a sorted list.

The first layer's law is pushed column by column with :func:`.kernels.merging.push`; later layers expand each distinct
state in the same way and collect the activated states in a table; the last layer is folded into exact sums, never
stored. :mod:`.exact_layout` proves beforehand that int64 holds it all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from exactdropout.model.numbers import Array
from exactdropout.numeric.choice import Estimate
from exactdropout.numeric.exact.reduction import ReducedExample, ReducedLayer
from exactdropout.numeric.exact.strategies.merge_keys import Layout, layout, recombined
from exactdropout.numeric.exact.strategies.state_counts import LayerCounts, bounded_counts, lattice_points, layer_counts
from exactdropout.numeric.exact.strategies.states import NS_PER_FOLD, NS_PER_FOLDED_TERM, States, output_moments
from exactdropout.numeric.exact.strategies.steady_units import walked, with_noise
from exactdropout.numeric.exact.strategy import (
    ExactProblem,
    OutputMoments,
    StateLimitReached,
    Tick,
    power,
)

if TYPE_CHECKING:
    from exactdropout.numeric.kernels.merge.merge import Expansion, Leaving

__all__ = ["estimate", "merged_law", "refusal", "run"]

START = 2e6
"""Steps that loading and calling compiled kernels counts as: below it Python's tables are as good."""

NS_PER_PUSH, NS_PER_RESIDUE, NS_PER_EXPANSION, NS_PER_INSERT, NS_PER_FORM = 4.5, 8.0, 100.0, 20.0, 3.2
BYTES_PER_STATE = 40.0
CHUNK = 1 << 22
"""States that one call of a kernel writes: well below 0.2 s."""

LANES = 256
"""Shorter lists are not worth cutting in two."""

ABSORBED = 1 << 15
"""States that are put into a table between two looks at its room."""

TABLE_BITS = 22
"""Fourth moments go through Python's tables: at most so many bits of states."""


def layout_of(problem: ExactProblem, example: ReducedExample) -> Layout | str:
    """Return the layout, made once."""
    layouts: dict[int, Layout | str] = problem.memo.setdefault("layouts", {})
    if id(example) not in layouts:
        layouts[id(example)] = layout(example)
    return layouts[id(example)]


def refusal(problem: ExactProblem) -> str | None:
    """Keys and values must fit into int64, and one state's expansion into a chunk."""
    for reduced in problem.examples:
        example, _ = walked(problem, reduced)
        found = layout_of(problem, example)
        if isinstance(found, str):
            return found
        counts = counts_of(problem, example)
        if any(count.expanded > math.log2(CHUNK) for count in counts[1:]):
            return "one state of a hidden layer has too many successors"
        if problem.moments == 4 and (found.moduli != (0,) or counts[-1].alive > TABLE_BITS):
            return "fourth moments need counts below 2^63 and few states"
    return None


def counts_of(problem: ExactProblem, example: ReducedExample) -> list[LayerCounts]:
    """Return the counts of the layers, the first layer's estimated by the points of its zonotope where it is large."""
    known: dict[int, list[LayerCounts]] = problem.memo.setdefault("counts", {})
    if id(example) not in known:
        counts = bounded_counts(problem, example)
        if counts and counts[0].expanded > 14:
            counts = layer_counts(example, first=lattice_points(example.layers[0]))
        known[id(example)] = counts
    return known[id(example)]


def estimate(problem: ExactProblem) -> Estimate:
    """Return expected states and steps; no bound where the number of states was estimated."""
    visited = cost = memory = 0.0
    bound = True
    for reduced in problem.examples:
        example, _ = walked(problem, reduced)
        counts, plan = counts_of(problem, example), layout_of(problem, example)
        if isinstance(plan, str):
            raise ValueError(plan)
        per_push = NS_PER_PUSH if plan.moduli == (0,) else NS_PER_RESIDUE
        own = 0.0
        for number, count in enumerate(counts):
            entering, pushes, leaves = power(count.entering), power(count.pushes), power(count.expanded)
            if number == 0:
                own += per_push * pushes
                memory = max(memory, BYTES_PER_STATE * leaves)
            else:
                own += entering * (NS_PER_EXPANSION + per_push * pushes)
            if number < len(counts) - 1 or problem.moments == 4:
                own += NS_PER_INSERT * entering * leaves
                memory = max(memory, BYTES_PER_STATE * power(count.alive))
            else:
                forms = 2 * len(plan.forms.rows) * plan.forms.limbs
                own += NS_PER_FORM * entering * leaves * (forms + len(example.layers[-1].bias))
            visited += entering * leaves
        cost += own * len(plan.moduli) + 3e5
        bound = bound and counts[0].expanded <= 14
        if problem.moments == 4:
            terms = len(example.output.sources) * len(example.output.bias)
            cost += power(counts[-1].alive) * (NS_PER_FOLD + 8 * NS_PER_FOLDED_TERM * terms)
    return Estimate(visited=visited, cost=START + cost, memory=memory + 1e6, bound=bound)


def run(problem: ExactProblem, example: ReducedExample, label: Sequence[Fraction], tick: Tick) -> OutputMoments:
    """Push, expand and fold; one pass for each modulus."""
    example, lacking = walked(problem, example)
    plan = layout_of(problem, example)
    if isinstance(plan, str):
        raise ValueError(plan)
    limit = int(problem.memo.get("memory", 1 << 33) / BYTES_PER_STATE)
    if problem.moments == 4:
        law = merged_law(example, plan, limit, tick)
        return output_moments(example, law, 4, label)
    passes = []
    for number, modulus in enumerate(plan.moduli):
        merging = _Merging(
            example,
            plan,
            modulus,
            limit,
            lambda share, n=number: tick((n + share) / len(plan.moduli)),  # type: ignore[misc]
        )
        passes.append(merging.folded())
    folded = [
        [recombined([p[f][power] for p in passes], plan.moduli) for power in range(3)]
        for f in range(len(plan.forms.rows))
    ]
    return with_noise(_output_moments(example, plan, folded), lacking)


def merged_law(example: ReducedExample, plan: Layout, limit: int, tick: Tick) -> States:
    """Return the law of the last hidden layer's values as a table; the counts must be below 2^63."""
    keys, counts = _Merging(example, plan, 0, limit, tick).law(len(example.layers))
    fields = plan.after[-1].table
    columns = [(((keys >> shift) & mask) * step + low).tolist() for shift, mask, step, low in fields.tolist()]
    return dict(zip(zip(*columns, strict=True), counts.tolist(), strict=True))


def _output_moments(example: ReducedExample, plan: Layout, folded: list[list[int]]) -> OutputMoments:
    """Return the output's moments from Σ count·v, Σ count·v² and Σ count·u of the forms."""
    output, weight = example.output, plan.weight
    groups = len(plan.after[-1].rows)
    ratio = output.rate / (1 - output.rate)
    first, second, noise = [], [], []
    for o, bias in enumerate(output.bias):
        if plan.forms.pairs:
            linear, own = [0] * groups, 0
            for group, column, count in output.sources:
                linear[group] += count * column[o]
                own += count * column[o] ** 2 * folded[group][1]
            average = sum(c * folded[g][0] for g, c in enumerate(linear))
            square = sum(c * c * folded[g][1] for g, c in enumerate(linear))
            position = groups
            for i in range(groups):
                for j in range(i + 1, groups):  # 2 E h_i h_j = E (h_i + h_j)² − E h_i² − E h_j²
                    square += linear[i] * linear[j] * (folded[position][1] - folded[i][1] - folded[j][1])
                    position += 1
            square += 2 * bias * average + bias * bias * weight
            average += bias * weight
        else:
            average, square, own = folded[o]
        first.append(Fraction(average, weight * output.scale))
        second.append(Fraction(square, weight * output.scale**2))
        noise.append(ratio * Fraction(own, weight * output.scale**2))
    return OutputMoments(first=tuple(first), second=tuple(second), noise=tuple(noise))


class _Merging:
    """One pass over an example with counts (modulus 0) or residues."""

    def __init__(self, example: ReducedExample, plan: Layout, modulus: int, limit: int, tick: Tick) -> None:
        self.example, self.plan, self.modulus, self.limit, self.tick = example, plan, modulus, limit, tick
        self.depth = len(example.layers)

    def _check(self, states: int) -> None:
        if states > self.limit:
            raise StateLimitReached(f"merging met {states:,} states")

    def _told(self, layer: int, share: float) -> None:
        self.tick((layer + share) / (self.depth + 0.5))

    def first_list(self) -> tuple[Array, Array]:
        """Return the law of the first layer's pre-activations, ascending."""
        layer, fields = self.example.layers[0], self.plan.before[0]
        if layer.keep == layer.total:
            z = list(layer.bias)
            for _, column, _ in layer.sources:
                z = [a + c for a, c in zip(z, column, strict=True)]
            return np.array([fields.key(z)], dtype=np.int64), np.ones(1, dtype=np.int64)
        sources = sorted(layer.sources, key=lambda s: -s[2])
        copies = [fields.step(column) for _, column, count in sources for _ in range(count)]
        keys = counts = spare_keys = spare_counts = np.empty(0, dtype=np.int64)
        keys, counts = np.array([fields.key(layer.bias)], dtype=np.int64), np.ones(1, dtype=np.int64)
        size = 1
        for number, delta in enumerate(copies):
            if len(spare_keys) < 2 * size:
                room = max(64, min(4 * size, size + self.limit))
                spare_keys, spare_counts = np.empty(room, dtype=np.int64), np.empty(room, dtype=np.int64)
            size = self._push(keys, counts, size, delta, spare_keys, spare_counts, number / len(copies))
            self._check(size)
            keys, counts, spare_keys, spare_counts = spare_keys, spare_counts, keys, counts
        return keys[:size], counts[:size]

    def _push(
        self, keys: Array, counts: Array, size: int, delta: int, new_keys: Array, new_counts: Array, share: float
    ) -> int:
        """Push one column and return the number of states; in two lanes where they have room."""
        from exactdropout.numeric.kernels.merge.merge import cut, push, push_halves

        layer = self.example.layers[0]
        drop, keep, room = layer.total - layer.keep, layer.keep, len(new_keys)
        at, ends = np.zeros((2, 3), dtype=np.int64), np.zeros((2, 2), dtype=np.int64)
        if self.modulus == 0 and size >= LANES and room >= 2 * size:
            cut(keys, size, delta, at, ends)
            while not push_halves(keys, counts, ends, delta, drop, keep, new_keys, new_counts, at, CHUNK // 2):
                self._told(0, share)
            return int(at[0, 2])
        ends[0] = size
        while not push(
            keys, counts, ends[0], delta, drop, keep, self.modulus, new_keys, new_counts, at[0],
            min(CHUNK, room - int(at[0, 2])),
        ):  # fmt: skip
            self._check(int(at[0, 2]))
            self._told(0, share)
        return int(at[0, 2])

    def law(self, depth: int) -> tuple[Array, Array]:
        """Return the law of the values that leave the given number of layers, in no particular order."""
        from exactdropout.numeric.kernels.merge.merge import absorb, expand_absorb

        keys, counts = self.first_list()
        table = _Table(self)
        for begin in range(0, len(keys), ABSORBED):
            end = min(len(keys), begin + ABSORBED)
            table.reserve(end - begin)
            table.used += absorb(keys, counts, begin, end, self._leaving(0), self.modulus, table.keys, table.counts)
        for number in range(1, depth):
            keys, counts = table.entries()
            table = _Table(self)
            expansion, states = self._expansion(number)
            for begin in range(0, len(keys), states):
                end = min(len(keys), begin + states)
                table.reserve((end - begin) * expansion.keys.shape[1] // 2)
                new, _ = expand_absorb(
                    keys, counts, begin, end, expansion, self._leaving(number), table.keys, table.counts
                )
                table.used += new
                self._told(number, begin / len(keys))
        return table.entries()

    def folded(self) -> list[list[int]]:
        """Return Σ count·v, Σ count·v² and Σ count·u for every form."""
        from exactdropout.numeric.kernels.merge.merge import Forms, expand_fold, fold

        forms = self.plan.forms
        total = np.zeros((len(forms.rows), forms.limbs, 6), dtype=object)
        layer, fields = self.example.layers[-1], self.plan.before[-1].table
        slopes, sought = _slopes(layer), Forms(*forms.tables, forms.limb)
        if self.depth == 1:
            keys, counts = self.first_list()
            chunk = max(1, CHUNK // (total.shape[0] * total.shape[1]))
            for begin in range(0, len(keys), chunk):
                sums, end = np.zeros(total.shape, dtype=np.int64), min(len(keys), begin + chunk)
                fold(keys, counts, begin, end, fields, slopes, sought, sums)
                total += sums
                self._told(1, 0.5 * begin / len(keys))
        else:
            keys, counts = self.law(self.depth - 1)
            expansion, states = self._expansion(self.depth - 1)
            for begin in range(0, len(keys), states):
                sums = np.zeros(total.shape, dtype=np.int64)
                end = min(len(keys), begin + states)
                expand_fold(keys, counts, begin, end, expansion, fields, slopes, sought, sums)
                total += sums
                self._told(self.depth - 1, begin / len(keys))
        result = []
        for row in total.tolist():
            values = [
                sum((limb[k] + (limb[k + 1] << 32)) << (number * forms.limb) for number, limb in enumerate(row))
                for k in (0, 2, 4)
            ]
            result.append([v % self.modulus for v in values] if self.modulus else values)
        return result

    def _leaving(self, number: int) -> Leaving:
        from exactdropout.numeric.kernels.merge.merge import Leaving

        return Leaving(
            fields=self.plan.before[number].table,
            slopes=_slopes(self.example.layers[number]),
            after=self.plan.after[number].table,
        )

    def _expansion(self, number: int) -> tuple[Expansion, int]:
        """Return how states are expanded over a layer, with room for one, and states for one call."""
        from exactdropout.numeric.kernels.merge.merge import Expansion

        layer, fields = self.example.layers[number], self.plan.before[number]
        ways = math.prod(count + 1 for *_, count in layer.sources) if layer.keep != layer.total else 1
        steps = fields.table[:, 2].tolist()
        box = math.prod((high - low) // s + 1 for low, high, s in zip(layer.low, layer.high, steps, strict=True))
        size = min(ways, box)
        sources = np.array(
            [(group, wrapped(fields.step(column)), count) for group, column, count in layer.sources], dtype=np.int64
        ).reshape(-1, 3)
        scratch = np.empty((2, 2, 2 * size), dtype=np.int64)
        expansion = Expansion(
            before=self.plan.after[number - 1].table,
            sources=sources,
            start=fields.key(layer.bias),
            drop=layer.total - layer.keep,
            keep=layer.keep,
            modulus=self.modulus,
            keys=scratch[0],
            counts=scratch[1],
        )
        return expansion, max(1, ABSORBED * 4 // (size * (1 + len(layer.sources))))


class _Table:
    """An open table of states that grows by doubling."""

    def __init__(self, merging: _Merging) -> None:
        self.merging, self.used = merging, 0
        self.keys, self.counts = np.full(1 << 10, -1, dtype=np.int64), np.zeros(1 << 10, dtype=np.int64)

    def reserve(self, more: int) -> None:
        """Make room for so many new states at a load of at most one half; the states themselves are few."""
        wanted = 2 * (self.used + more)
        if wanted <= len(self.keys):
            return
        self.merging._check(self.used)
        keys, counts = self.entries()
        size = 1 << wanted.bit_length()
        self.keys, self.counts = np.full(size, -1, dtype=np.int64), np.zeros(size, dtype=np.int64)
        _reinsert(keys, counts, self.keys, self.counts)

    def entries(self) -> tuple[Array, Array]:
        """Return the states."""
        present = self.keys != -1
        return self.keys[present], self.counts[present]


def _reinsert(keys: Array, counts: Array, table_keys: Array, table_counts: Array) -> None:
    """Put distinct keys into an empty table: an absorption whose activation changes nothing."""
    from exactdropout.numeric.kernels.merge.merge import Leaving, absorb

    whole = np.array([[0, (1 << 63) - 1, 1, 0]], dtype=np.int64)
    leaving = Leaving(fields=whole, slopes=np.ones((1, 2), dtype=np.int64), after=whole)
    absorb(keys, counts, 0, len(keys), leaving, 0, table_keys, table_counts)


def _slopes(layer: ReducedLayer) -> Array:
    return np.array(list(zip(layer.tops, layer.bottoms, strict=True)), dtype=np.int64).reshape(-1, 2)


def wrapped(value: int) -> int:
    """Return the value modulo 2^64 as a signed number: keys are added in that arithmetic."""
    return (value + (1 << 63)) % (1 << 64) - (1 << 63)
