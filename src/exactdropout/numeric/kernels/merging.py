"""Laws of integer vectors packed in one int64 key: pushed by linear merges, folded into exact sums.

A state z is the key Σ_i ((z_i − low_i)/step_i)·2^(shift_i), so adding a column to every state adds one constant to
every key, and merging the states that drop a unit with those that keep it is a merge of two sorted lists. The caller
proves in Python's integers that fields, counts and products fit (:mod:`exactdropout.numeric.exact_layout`); nothing
here can then overflow. Counts are exact, or residues where ``modulus`` > 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from exactdropout.model.numbers import Array
from exactdropout.numeric.kernels.compiled import compiled

__all__ = ["absorb", "expand_absorb", "expand_fold", "fold", "push", "push_reference"]

MULTIPLIER = -7046029254386353131  # 2^64/φ as a signed number: spreads keys over the upper bits of a product
LOW_WORD = 0xFFFFFFFF


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
    size: Any,
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

    ``at`` holds the places in the list, in its copy and in the result, to go on from. No branch depends on the data.
    """
    i = at[0]
    j = at[1]
    k = at[2]
    stop = k + most
    while i < size and j < size and k < stop:
        x = keys[i]
        y = keys[j] + delta
        left = np.int64(x <= y)
        right = np.int64(y <= x)
        count = counts[i] * (left * drop) + counts[j] * (right * keep)
        if modulus > 0:
            count = count % modulus
        new_keys[k] = min(x, y)
        new_counts[k] = count
        i += left
        j += right
        k += 1
    if max(i, j) == size:
        while i < size and k < stop:
            new_keys[k] = keys[i]
            count = counts[i] * drop
            new_counts[k] = count % modulus if modulus > 0 else count
            i += 1
            k += 1
        while j < size and k < stop:
            new_keys[k] = keys[j] + delta
            count = counts[j] * keep
            new_counts[k] = count % modulus if modulus > 0 else count
            j += 1
            k += 1
    at[0] = i
    at[1] = j
    at[2] = k
    return bool(i == size and j == size)


@compiled
def _leave(key: Any, fields: Array, slopes: Array, values: Array) -> None:
    """Write the activated values of a state; fields are rows (shift, mask, step, low), slopes rows (top, bottom)."""
    for i in range(fields.shape[0]):
        z = ((key >> fields[i, 0]) & fields[i, 1]) * fields[i, 2] + fields[i, 3]
        values[i] = z * slopes[i, 1] if z > 0 else z * slopes[i, 0]


@compiled
def absorb(
    keys: Array,
    counts: Array,
    begin: Any,
    end: Any,
    fields: Array,
    slopes: Array,
    after: Array,
    modulus: Any,
    table_keys: Array,
    table_counts: Array,
) -> int:
    """Add the activated states begin..end to an open table (a power of two; −1 is empty); return how many are new.

    ``after`` are the fields of the activated values. The caller leaves room for every state to be new.
    """
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
    keys: Array,
    counts: Array,
    begin: Any,
    end: Any,
    fields: Array,
    slopes: Array,
    forms: Array,
    limb: Any,
    sums: Array,
) -> None:
    """Add Σ count·v and Σ count·v² for every linear form v = forms[f, 0] + Σ_i forms[f, i + 1]·h_i.

    ``sums[f, l]`` takes limb l of the counts (``limb`` bits each): low and high 32-bit parts of both products, so that
    2^30 states can be added without a carry.
    """
    values = np.empty(fields.shape[0], dtype=np.int64)
    limbs = sums.shape[1]
    mask = (np.int64(1) << limb) - 1
    for s in range(begin, end):
        _leave(keys[s], fields, slopes, values)
        count = counts[s]
        for f in range(forms.shape[0]):
            if f < values.shape[0]:  # the first forms are the values themselves
                v = values[f]
            else:
                v = forms[f, 0]
                for i in range(values.shape[0]):
                    v += forms[f, i + 1] * values[i]
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


@compiled
def _expand(
    key: Any,
    count: Any,
    before: Array,
    sources: Array,
    start: Any,
    drop: Any,
    keep: Any,
    modulus: Any,
    keys: Array,
    counts: Array,
) -> Any:
    """Write the law of one state's pre-activations to row 0 or 1 of ``keys``; return (size, row).

    ``before`` are the fields of the entering values, ``sources`` rows (group, key step, count).
    """
    here = 0
    size = 1
    base = start
    total = drop + keep
    at = np.zeros(3, dtype=np.int64)
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
                    push(
                        keys[here],
                        counts[here],
                        size,
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
    state_keys: Array,
    state_counts: Array,
    begin: Any,
    end: Any,
    before: Array,
    sources: Array,
    start: Any,
    drop: Any,
    keep: Any,
    modulus: Any,
    keys: Array,
    counts: Array,
    fields: Array,
    slopes: Array,
    after: Array,
    table_keys: Array,
    table_counts: Array,
) -> Any:
    """Expand the states begin..end over one hidden layer into an open table; return (new states, partial states)."""
    new = 0
    work = 0
    for s in range(begin, end):
        size, row = _expand(state_keys[s], state_counts[s], before, sources, start, drop, keep, modulus, keys, counts)
        new += absorb(keys[row], counts[row], 0, size, fields, slopes, after, modulus, table_keys, table_counts)
        work += size
    return new, work


@compiled
def expand_fold(
    state_keys: Array,
    state_counts: Array,
    begin: Any,
    end: Any,
    before: Array,
    sources: Array,
    start: Any,
    drop: Any,
    keep: Any,
    modulus: Any,
    keys: Array,
    counts: Array,
    fields: Array,
    slopes: Array,
    forms: Array,
    limb: Any,
    sums: Array,
) -> int:
    """Expand the states begin..end over the last hidden layer and fold them; return the states folded."""
    work = 0
    for s in range(begin, end):
        size, row = _expand(state_keys[s], state_counts[s], before, sources, start, drop, keep, modulus, keys, counts)
        fold(keys[row], counts[row], 0, size, fields, slopes, forms, limb, sums)
        work += size
    return work
