"""Laws of integer vectors packed in one int64 key: pushed by linear merges, folded into exact sums.

A state z is the key Σ_i ((z_i − low_i)/step_i)·2^(shift_i), so adding a column to every state adds one constant to
every key, and merging the states that drop a unit with those that keep it is a merge of two sorted lists. The caller
proves in Python's integers that fields, counts and products fit
(:mod:`exactdropout.numeric.exact.strategies.merge_keys`); nothing here can then overflow. Counts are exact, or
residues where ``modulus`` > 0.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from exactdropout.model.numbers import Array
from exactdropout.numeric.kernels.simd.compiled import compiled, subroutine

__all__ = [
    "Expansion",
    "Forms",
    "Leaving",
    "absorb",
    "cut",
    "expand_absorb",
    "expand_fold",
    "fold",
    "push",
    "push_halves",
    "push_reference",
]

MULTIPLIER = -7046029254386353131  # 2^64/φ as a signed number: spreads keys over the upper bits of a product
LOW_WORD = 0xFFFFFFFF


class Leaving(NamedTuple):
    """How states leave a layer: fields, rows (shift, mask, step, low); slopes, rows (top, bottom); and the fields of
    the activated values."""

    fields: Array
    slopes: Array
    after: Array


class Expansion(NamedTuple):
    """How a state is expanded over a layer.

    ``before`` are the fields of the entering values, ``sources`` rows (group, key step, count), ``start`` the key of
    the biases; a unit is dropped in ``drop`` ways and kept in ``keep``; ``keys`` and ``counts``, two rows each, are
    workspace.
    """

    before: Array
    sources: Array
    start: int
    drop: int
    keep: int
    modulus: int
    keys: Array
    counts: Array


class Forms(NamedTuple):
    """What is folded: v = forms[f, 0] + Σ_i forms[f, i+1]·h_i, the factors of h_i², and the bits of a limb."""

    forms: Array
    squares: Array
    limb: int


def push_reference(law: dict[int, int], delta: int, drop: int, keep: int) -> dict[int, int]:
    """Return the law after one unit of the given key step, as a table."""
    result: dict[int, int] = {}
    for key, count in law.items():
        result[key] = result.get(key, 0) + count * drop
        result[key + delta] = result.get(key + delta, 0) + count * keep
    return result


@compiled
def push(
    keys: Array,
    counts: Array,
    ends: Array,
    delta: Any,
    drop: Any,
    keep: Any,
    modulus: Any,
    new_keys: Array,
    new_counts: Array,
    at: Array,
    most: Any,
) -> bool:
    """Merge the ascending list with its copy shifted by ``delta``; write at most ``most`` states and say if all are.

    ``at`` holds the places in the list, in its copy and in the result, to go on from, ``ends`` where the first two
    stop. No branch depends on the data. Places are unsigned, which spares the test for negative ones.
    """
    i, j, k = np.uint64(at[0]), np.uint64(at[1]), np.uint64(at[2])
    last, end, stop, one = np.uint64(ends[0]), np.uint64(ends[1]), np.uint64(at[2] + most), np.uint64(1)
    while i < last and j < end and k < stop:
        x = keys[i]
        y = keys[j] + delta
        left = np.uint64(x <= y)
        right = np.uint64(y <= x)
        count = counts[i] * (np.int64(left) * drop) + counts[j] * (np.int64(right) * keep)
        if modulus > 0:
            count = count % modulus
        new_keys[k] = min(x, y)
        new_counts[k] = count
        i += left
        j += right
        k += one
    if i == last or j == end:
        while i < last and k < stop:
            new_keys[k] = keys[i]
            count = counts[i] * drop
            new_counts[k] = count % modulus if modulus > 0 else count
            i += one
            k += one
        while j < end and k < stop:
            new_keys[k] = keys[j] + delta
            count = counts[j] * keep
            new_counts[k] = count % modulus if modulus > 0 else count
            j += one
            k += one
    at[0] = np.int64(i)
    at[1] = np.int64(j)
    at[2] = np.int64(k)
    return bool(i == last and j == end)


@compiled
def push_halves(
    keys: Array,
    counts: Array,
    ends: Array,
    delta: Any,
    drop: Any,
    keep: Any,
    new_keys: Array,
    new_counts: Array,
    at: Array,
    most: Any,
) -> bool:
    """Do the same for counts, in two lanes that do not wait for each other: what is below a pivot, and the rest.

    ``at`` and ``ends`` have a row for each lane, see :func:`cut`. The upper lane writes behind the room that the lower
    one may need; the gap is closed at the end.
    """
    i, j, k = np.uint64(at[0, 0]), np.uint64(at[0, 1]), np.uint64(at[0, 2])
    i2, j2, k2 = np.uint64(at[1, 0]), np.uint64(at[1, 1]), np.uint64(at[1, 2])
    last, end = np.uint64(ends[0, 0]), np.uint64(ends[0, 1])
    last2, end2 = np.uint64(ends[1, 0]), np.uint64(ends[1, 1])
    stop, one = np.uint64(at[0, 2] + most), np.uint64(1)
    while i < last and j < end and i2 < last2 and j2 < end2 and k < stop:
        x = keys[i]
        y = keys[j] + delta
        left = np.uint64(x <= y)
        right = np.uint64(y <= x)
        new_keys[k] = min(x, y)
        new_counts[k] = counts[i] * (np.int64(left) * drop) + counts[j] * (np.int64(right) * keep)
        i += left
        j += right
        k += one
        x = keys[i2]
        y = keys[j2] + delta
        left = np.uint64(x <= y)
        right = np.uint64(y <= x)
        new_keys[k2] = min(x, y)
        new_counts[k2] = counts[i2] * (np.int64(left) * drop) + counts[j2] * (np.int64(right) * keep)
        i2 += left
        j2 += right
        k2 += one
    at[0, 0], at[0, 1], at[0, 2] = np.int64(i), np.int64(j), np.int64(k)
    at[1, 0], at[1, 1], at[1, 2] = np.int64(i2), np.int64(j2), np.int64(k2)
    if k == stop:
        return False
    first = push(keys, counts, ends[0], delta, drop, keep, 0, new_keys, new_counts, at[0], most)
    second = push(keys, counts, ends[1], delta, drop, keep, 0, new_keys, new_counts, at[1], most)
    if not (first and second):
        return False
    k = np.uint64(at[0, 2])
    for source in range(ends[0, 0] + ends[0, 1], at[1, 2]):
        new_keys[k] = new_keys[source]
        new_counts[k] = new_counts[source]
        k += one
    at[0, 2] = np.int64(k)
    return True


@compiled
def cut(keys: Array, size: Any, delta: Any, at: Array, ends: Array) -> None:
    """Write where the two lanes start and end: states of the list and of its copy below the list's middle key."""
    middle = size // 2
    pivot = keys[middle] - delta
    low = 0
    high = size
    while low < high:
        probe = (low + high) // 2
        if keys[probe] < pivot:
            low = probe + 1
        else:
            high = probe
    at[0, :] = 0
    at[1, 0] = middle
    at[1, 1] = low
    at[1, 2] = middle + low
    ends[0, 0] = middle
    ends[0, 1] = low
    ends[1, :] = size


@subroutine
def _leave(key: Any, fields: Array, slopes: Array, values: Array) -> None:
    """Write the activated values of a state; fields are rows (shift, mask, step, low), slopes rows (top, bottom)."""
    for i in range(fields.shape[0]):
        z = ((key >> fields[i, 0]) & fields[i, 1]) * fields[i, 2] + fields[i, 3]
        values[i] = z * slopes[i, 1] if z > 0 else z * slopes[i, 0]


@compiled
def absorb(
    keys: Array, counts: Array, begin: Any, end: Any, leaving: Leaving, modulus: Any, table_keys: Array,
    table_counts: Array,
) -> int:  # fmt: skip
    """Add the activated states begin..end to an open table (a power of two; −1 is empty); return how many are new.

    The caller leaves room for every state to be new.
    """
    fields, slopes, after = leaving.fields, leaving.slopes, leaving.after
    values = np.empty(fields.shape[0], dtype=np.int64)
    last = table_keys.shape[0] - 1
    new = 0
    for s in range(begin, end):
        _leave(keys[s], fields, slopes, values)
        key = np.int64(0)
        for i in range(after.shape[0]):
            above = values[i] - after[i, 3]
            if after[i, 2] > 1:
                above //= after[i, 2]
            key += above << after[i, 0]
        place = ((key * MULTIPLIER) >> 20) & last
        while table_keys[place] != key and table_keys[place] != -1:
            place = (place + 1) & last
        if table_keys[place] == -1:
            table_keys[place] = key
            table_counts[place] = counts[s]
            new += 1
        else:
            count = table_counts[place] + counts[s]
            if modulus > 0 and count >= modulus:
                count -= modulus
            table_counts[place] = count
    return new


@compiled
def fold(
    keys: Array, counts: Array, begin: Any, end: Any, fields: Array, slopes: Array, sought: Forms, sums: Array
) -> None:
    """Add Σ count·v, Σ count·v² and Σ count·u for every row v = forms[f, 0] + Σ_i forms[f, i+1]·h_i, u = Σ_i s_fi·h_i².

    ``sums[f, l]`` takes limb l of the counts (``limb`` bits each): low and high 32-bit parts of the three products, so
    that 2^30 states can be added without a carry.
    """
    forms, squares, limb = sought.forms, sought.squares, sought.limb
    values = np.empty(fields.shape[0], dtype=np.int64)
    limbs = sums.shape[1]
    mask = (np.int64(1) << limb) - 1
    for s in range(begin, end):
        _leave(keys[s], fields, slopes, values)
        count = counts[s]
        for f in range(forms.shape[0]):
            v = forms[f, 0]
            u = np.int64(0)
            for i in range(values.shape[0]):
                h = values[i]
                v += forms[f, i + 1] * h
                u += squares[f, i] * (h * h)
            square = v * v
            rest = count
            for l in range(limbs):
                part = rest & mask
                rest >>= limb
                product = part * v
                sums[f, l, 0] += product & LOW_WORD
                sums[f, l, 1] += product >> 32
                product = part * square
                sums[f, l, 2] += product & LOW_WORD
                sums[f, l, 3] += product >> 32
                product = part * u
                sums[f, l, 4] += product & LOW_WORD
                sums[f, l, 5] += product >> 32


@subroutine
def _expand(key: Any, count: Any, by: Expansion) -> Any:
    """Write the law of one state's pre-activations to row 0 or 1 of ``keys``; return (size, row)."""
    before, sources, drop, keep, modulus = by.before, by.sources, by.drop, by.keep, by.modulus
    keys, counts = by.keys, by.counts
    here = 0
    size = 1
    base = by.start
    total = drop + keep
    at = np.zeros(3, dtype=np.int64)
    ends = np.zeros(2, dtype=np.int64)
    for s in range(sources.shape[0]):
        g = sources[s, 0]
        value = ((key >> before[g, 0]) & before[g, 1]) * before[g, 2] + before[g, 3]
        if value == 0 or drop == 0:  # nothing to branch on
            base += value * sources[s, 1]
            for _ in range(sources[s, 2]):
                count = count * total
                if modulus > 0:
                    count = count % modulus
    keys[0, 0] = base
    counts[0, 0] = count
    if drop > 0:
        for s in range(sources.shape[0]):
            g = sources[s, 0]
            value = ((key >> before[g, 0]) & before[g, 1]) * before[g, 2] + before[g, 3]
            if value != 0:
                for _ in range(sources[s, 2]):
                    at[:] = 0
                    ends[:] = size
                    push(
                        keys[here],
                        counts[here],
                        ends,
                        value * sources[s, 1],
                        drop,
                        keep,
                        modulus,
                        keys[1 - here],
                        counts[1 - here],
                        at,
                        2 * size,
                    )
                    size = at[2]
                    here = 1 - here
    return size, here


@compiled
def expand_absorb(
    state_keys: Array, state_counts: Array, begin: Any, end: Any, by: Expansion, leaving: Leaving, table_keys: Array,
    table_counts: Array,
) -> Any:  # fmt: skip
    """Expand the states begin..end over one hidden layer into an open table; return (new states, partial states)."""
    new = 0
    work = 0
    for s in range(begin, end):
        size, row = _expand(state_keys[s], state_counts[s], by)
        new += absorb(by.keys[row], by.counts[row], 0, size, leaving, by.modulus, table_keys, table_counts)
        work += size
    return new, work


@compiled
def expand_fold(
    state_keys: Array, state_counts: Array, begin: Any, end: Any, by: Expansion, fields: Array, slopes: Array,
    sought: Forms, sums: Array,
) -> int:  # fmt: skip
    """Expand the states begin..end over the last hidden layer and fold them; return the states folded."""
    work = 0
    for s in range(begin, end):
        size, row = _expand(state_keys[s], state_counts[s], by)
        fold(by.keys[row], by.counts[row], 0, size, fields, slopes, sought, sums)
        work += size
    return work
