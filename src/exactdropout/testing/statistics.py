"""What is watched in the masks of a layer: families of bets, each a non-negative martingale of mean 1.

Bits are revealed call by call, inside a call in the order of memory. Every statistic predicts a bit from bits that came
before it (its *context*) and bets on the prediction; its evidence is that of
:func:`~exactdropout.testing.evidence.log_bit_evidence`, multiplied over contexts. A family is a mean over its members
with weights fixed in advance; what is not looked at counts as no evidence, never as some. The order of
families is that of their simplicity: the first that alarms is reported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import comb, log
from typing import Any

import numpy as np
import numpy.typing as npt

from exactdropout.testing.evidence import (
    binomial_log_probabilities,
    log_mean,
    log_total_evidence,
    relation,
)
from exactdropout.testing.masks import Finding, Masks, bits_log, pair_log, share, strongest

__all__ = ["FAMILIES", "always_together", "families_on", "findings"]

Floats = npt.NDArray[np.float64]
Truths = npt.NDArray[np.bool_]
MAX_PAIR_POSITIONS = 512
MAX_AXIS = 1024
MAX_LAG = 1 << 18
MAX_TRIPLE_POSITIONS = 48
MAX_VALUES = 256
RESIDUES = (*range(2, 17), 32, 64, 128, 256)
WORD = 32
CHANCE = 0.05  # how often a sentence may name units that agree by chance; verdicts rest on evidence alone
SHIFTS = range(-4, 5)


def rate(m: Masks) -> Finding:
    """All bits."""
    k, n = int(m.kept.sum()), m.kept.size
    return Finding("marginal rate", float(bits_log(k, n, m.p)), "all bits", share(k, n, "kept", m.p))


def rate_by_input(m: Masks) -> Finding:
    """Bits by the input behind them: its sign, its size beside the median, each of its values."""
    if m.values is None:
        return Finding("rate by input", -np.inf, "", "")
    size = np.abs(m.values)
    middle = float(np.median(size))
    sides = [
        (m.values > 0, "positive"),
        (m.values < 0, "negative"),
        (size > middle, f"larger than {middle:.4g} in size"),
        (size <= middle, f"at most {middle:.4g} in size"),
    ]
    kept = [float(m.by_position[chosen].sum()) for chosen, _ in sides]
    total = [int(chosen.sum()) * m.calls for chosen, _ in sides]
    names = [name for _, name in sides]
    means = [log_mean(bits_log(kept, total, m.p))]
    keys, index = np.unique(m.values, return_inverse=True)
    if keys.size <= MAX_VALUES:
        by_value = np.bincount(index, weights=m.by_position)
        means.append(log_mean(bits_log(by_value, np.bincount(index) * m.calls, m.p)))
        kept += by_value.tolist()
        total += (np.bincount(index) * m.calls).tolist()
        names += [f"{key:.6g}" for key in keys]
    best = strongest(bits_log(kept, total, m.p))
    words = f"where the input is {names[best]}"
    return Finding("rate by input", log_mean(means), words, share(kept[best], total[best], "kept", m.p))


def rate_by_position(m: Masks) -> Finding:
    """Each position; first, last and dyadic runs of positions; positions along an axis; residues of the position."""
    groups: list[Callable[[], tuple[Any, Any, Callable[[int], str]]]] = [
        lambda: _positions(m),
        lambda: _tails(m),
        lambda: _blocks(m),
        lambda: _axes(m),
        lambda: _residues(m),
    ]
    means, best = [], None
    for group in groups:
        kept, total, words = group()
        if kept.size == 0:
            means.append(-np.inf)
            continue
        logs = bits_log(kept, total, m.p)
        means.append(log_mean(logs))
        top = strongest(logs)
        if best is None or means[-1] > best[0]:
            best = (means[-1], words(top), share(kept[top], total[top], "kept", m.p))
    _, where, observed = best or (0.0, "", "")
    return Finding("rate by position", log_mean(means), where, observed)


def _positions(m: Masks) -> tuple[Any, Any, Callable[[int], str]]:
    if m.calls == 1:
        return np.zeros(0), np.zeros(0), lambda _: ""

    def words(index: int) -> str:
        place = tuple(int(i) for i in np.unravel_index(index, m.shape))
        return f"position {place}" + (", the last" if index == m.bits - 1 else "")

    return m.by_position, np.full(m.bits, m.calls), words


def _tails(m: Masks) -> tuple[Any, Any, Callable[[int], str]]:
    lengths = np.arange(2, min(64, m.bits) + 1)
    kept = np.cumsum(m.by_position[::-1])[lengths - 1] if lengths.size else np.zeros(0)
    return kept, lengths * m.calls, lambda i: f"the last {lengths[i]} positions"


def _blocks(m: Masks) -> tuple[Any, Any, Callable[[int], str]]:
    sums = np.concatenate([[0.0], np.cumsum(m.by_position)])
    starts, stops = [], []
    size = 2
    while size <= m.bits // 2:
        first = np.arange(0, m.bits - size + 1, size)
        starts.append(first)
        stops.append(first + size)
        size *= 2
    if not starts:
        return np.zeros(0), np.zeros(0), lambda _: ""
    a, b = np.concatenate(starts), np.concatenate(stops)
    return sums[b] - sums[a], (b - a) * m.calls, lambda i: f"positions {a[i]} to {b[i] - 1} in memory"


def _axes(m: Masks) -> tuple[Any, Any, Callable[[int], str]]:
    kept, total, names = [], [], []
    cube = m.by_position.reshape(m.shape)
    for axis, length in enumerate(m.shape):
        others = tuple(a for a in range(len(m.shape)) if a != axis)
        kept.append(cube.sum(axis=others))
        total.append(np.full(length, m.kept.size // length))
        names += [m.named(axis, i) for i in range(length)]
    return np.concatenate(kept), np.concatenate(total), lambda i: names[i]


def ordinal(k: int) -> str:
    """Return a number of at most 20 as its place in a row.

    >>> [ordinal(k) for k in (2, 3, 4)]
    ['2nd', '3rd', '4th']
    """
    return f"{k}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(k, 'th') }".replace(" ", "")


def _residues(m: Masks) -> tuple[Any, Any, Callable[[int], str]]:
    kept, total, names = [], [], []
    for k in RESIDUES:
        if k * 2 <= m.bits:
            whole = m.bits // k * k
            counts = m.by_position[:whole].reshape(-1, k).sum(axis=0)
            counts[: m.bits - whole] += m.by_position[whole:]
            kept.append(counts)
            total.append((m.bits // k + (np.arange(k) < m.bits - whole)) * m.calls)
            names += [f"every {ordinal(k)} position, from {r} on" for r in range(k)]
    if not kept:
        return np.zeros(0), np.zeros(0), lambda _: ""
    return np.concatenate(kept), np.concatenate(total), lambda i: names[i]


def rate_by_call(m: Masks) -> Finding:
    """Each call by itself, and calls by the remainder of their number."""
    if m.calls < 2:
        return Finding("rate by call", -np.inf, "", "")
    kept = m.kept.sum(axis=1)
    t = np.arange(1, m.calls + 1)
    logs = bits_log(kept, np.full(m.calls, m.bits), m.p)
    weights = 1.0 / (t * (t + 1.0))
    parts = [log_mean(logs, weights)]
    top = strongest(logs, weights)
    best = (parts[0], f"call {top}", share(int(kept[top]), m.bits, "kept", m.p))
    for k in (2, 3, 4):
        k_kept = np.bincount(np.arange(m.calls) % k, weights=kept, minlength=k)
        k_total = np.bincount(np.arange(m.calls) % k, minlength=k) * m.bits
        k_logs = bits_log(k_kept, k_total, m.p)
        parts.append(log_mean(k_logs))
        i = strongest(k_logs)
        if parts[-1] > best[0]:
            best = (parts[-1], f"every {ordinal(k)} call, from {i} on", share(k_kept[i], k_total[i], "kept", m.p))
    return Finding("rate by call", log_mean(parts), best[1], best[2])


def pairs_along_memory(m: Masks) -> Finding:
    """All pairs of bits that are k apart in the stream of all calls, for every k, with weight 1/(k(k + 1))."""
    stream = m.kept.ravel()
    n = stream.size
    size = 1 << (2 * n - 1).bit_length()
    spectrum = np.fft.rfft(stream.astype(np.float64), size)
    lags = np.arange(1, min(n, MAX_LAG))
    both = np.fft.irfft(np.abs(spectrum) ** 2, size)[1 : len(lags) + 1]
    sums = np.concatenate([[0], np.cumsum(stream)])
    first, second = sums[n - lags], sums[n] - sums[lags]
    logs = pair_log(both, first, second, n - lags, m.p)
    weights = 1.0 / (lags * (lags + 1.0))
    top = strongest(logs, weights)
    lag = int(lags[top])
    calls, rest = divmod(lag, m.bits)
    if calls == 0:
        where = f"bits {lag} apart along memory" + _row_words(m, lag)
    elif rest == 0:
        where = f"the same positions {calls} call{'s' if calls > 1 else ''} apart"
    else:
        where = f"positions shifted by {rest} between calls {calls} apart"
    observed = share(float(np.rint(both[top])), float(n - lag), "both kept", m.p**2)
    return Finding("pairs along memory and calls", log_mean(logs, weights), where, observed)


def _row_words(m: Masks, lag: int) -> str:
    length = m.shape[-1] if len(m.shape) > 1 else 0
    return f" (the same unit, {lag // length} row(s) apart)" if length > 1 and lag % length == 0 else ""


def pairs_of_units(m: Masks) -> Finding:
    """All pairs of indices along each axis, pooled over the other axes and the calls."""
    means, best = [], (0.0, "", "")
    for axis, length in enumerate(m.shape):
        if not 2 <= length <= MAX_AXIS or m.kept.size == length:
            continue
        mean, where, observed = _all_pairs(m.along(axis), m.p)
        means.append(mean)
        if mean > best[0]:
            best = (mean, m.named(axis, *where) if where else "", observed)
    return Finding("pairs of units", log_mean(means), best[1], best[2])


def _all_pairs(samples: Truths, p: float) -> tuple[float, tuple[int, int] | None, str]:
    values = samples.astype(np.float32)
    both = values.T @ values
    single = samples.sum(axis=0)
    i, j = np.triu_indices(samples.shape[1], 1)
    logs = pair_log(both[i, j], single[i], single[j], np.full(i.size, len(samples)), p)
    top = strongest(logs)
    return log_mean(logs), (int(i[top]), int(j[top])), share(both[i[top], j[top]], len(samples), "both kept", p * p)


def pairs_of_positions(m: Masks) -> Finding:
    """All pairs of positions in one call, and of a position with one of the call before."""
    n = min(m.bits, MAX_PAIR_POSITIONS)
    if m.calls < 2 or n < 2:
        return Finding("pairs of positions", -np.inf, "", "")
    cut = m.kept[:, :n]
    mean, where, observed = _all_pairs(cut, m.p)
    before, after = cut[:-1].astype(np.float32), cut[1:].astype(np.float32)
    both = before.T @ after
    first, second = np.broadcast_arrays(before.sum(0)[:, None], after.sum(0)[None, :])
    logs = pair_log(both, first, second, m.calls - 1, m.p)
    across = log_mean(logs)
    best = (mean, f"positions {where[0]} and {where[1]} in memory" if where else "", observed)
    if across > mean:
        i, j = divmod(strongest(logs.ravel()), n)
        observed = share(float(both[i, j]), m.calls - 1, "both kept", m.p**2)
        best = (across, f"position {j} with position {i} of the call before", observed)
    return Finding("pairs of positions", log_mean([mean, across]), best[1], best[2])


def pairs_of_calls(m: Masks) -> Finding:
    """Each call against each earlier one, and against the two before with every shift."""
    if m.calls < 2 or m.bits < 2:
        return Finding("pairs of calls", -np.inf, "", "")
    values = m.kept.astype(np.float64)
    single = m.kept.sum(axis=1)
    both = values @ values.T
    t, s = np.tril_indices(m.calls, -1)  # t > s
    logs = pair_log(both[t, s], single[s], single[t], np.full(t.size, m.bits), m.p)
    weights = 1.0 / (t * (t + 1.0)) / np.maximum(t, 1)
    plain = log_mean(logs, weights)
    top = strongest(logs, weights)
    observed = share(both[t[top], s[top]], m.bits, "both kept", m.p**2)
    best = (plain, f"call {t[top]} repeats call {s[top]} (or depends on it)", observed)
    size = 1 << (2 * m.bits).bit_length()
    spectra = np.fft.rfft(values, size)
    shifted = [plain]
    for gap in (1, 2):
        if m.calls <= gap:
            continue
        both = np.fft.irfft(np.conj(spectra[:-gap]) * spectra[gap:], size)  # Σ_i earlier[i] later[i + shift]
        shifts = np.arange(-m.bits + 1, m.bits)
        both = both[:, shifts % size]
        sums = np.concatenate([np.zeros((m.calls, 1)), np.cumsum(values, axis=1)], axis=1)
        up = np.maximum(shifts, 0)
        down = np.maximum(-shifts, 0)
        first = sums[:-gap, m.bits - up] - sums[:-gap, down]
        second = sums[gap:, m.bits - down] - sums[gap:, up]
        logs = pair_log(both, first, second, np.broadcast_to(m.bits - np.abs(shifts), both.shape), m.p)
        later = np.arange(gap, m.calls)
        weights = (1.0 / (later * (later + 1.0)))[:, None] / shifts.size * np.ones(shifts.size)
        shifted.append(log_mean(logs, weights))
        if shifted[-1] > best[0]:
            i, j = divmod(strongest(logs.ravel(), weights.ravel()), shifts.size)
            total = m.bits - abs(int(shifts[j]))
            words = f"call {i + gap} is call {i} shifted by {int(shifts[j])} (or depends on it)"
            best = (shifted[-1], words, share(float(np.rint(both[i, j])), total, "both kept", m.p**2))
    return Finding("pairs of calls", log_mean(shifted), best[1], best[2])


def totals(m: Masks) -> Finding:
    """Kept bits of a call, and along each axis, against the binomial law: the value, its distance from the mean."""
    groups = [("a call", m.kept.sum(axis=1), m.bits)] if m.calls > 1 else []
    for axis, length in enumerate(m.shape):
        if len(m.shape) > 1 and 1 < length < m.bits:
            groups.append((f"the {m.axis_words(axis)} of one sample", m.along(axis).sum(axis=1), length))
    means, best = [], (0.0, "", "")
    for what, sums, n in groups:
        logs = binomial_log_probabilities(n, m.p)
        exact = log_total_evidence(np.bincount(sums, minlength=n + 1), logs)
        parts = [exact]
        distance = np.abs(np.arange(n + 1) - n * m.p)
        spread = (n * m.p * (1 - m.p)) ** 0.5
        note = (
            f"its mean is {sums.mean():.4g}, expected {n * m.p:.4g}; its spread {sums.std():.3g}, expected {spread:.3g}"
        )
        for limit in (0.3, 0.7, 1.5, 2.5):
            chosen = distance > limit * spread
            probability = float(np.exp(logs[chosen]).sum())
            if 0 < probability < 1:
                far = int(chosen[sums].sum())
                parts.append(float(bits_log(far, sums.size, probability)))
        means.append(log_mean(parts))
        if means[-1] > best[0]:
            best = (means[-1], f"how many of {n} are kept in {what}", note)
    return Finding("totals", log_mean(means), best[1], best[2])


def triples_along_memory(m: Masks) -> Finding:
    """A bit predicted from two that are a and b before it along memory, a < b; also of two calls before, shifted."""
    stream = m.kept.ravel()
    near = range(1, 9 if stream.size > 200_000 else 17)
    lags = sorted({*near, m.bits, 2 * m.bits, m.shape[-1], 2 * m.shape[-1]})
    pairs = {(a, b) for i, a in enumerate(lags) for b in lags[i + 1 :]}
    if m.calls > 2:  # the two calls before, or this one and the one before, each shifted
        shifts = [s for s in SHIFTS if m.bits + s > 0]
        pairs |= {(m.bits + s, 2 * m.bits + t) for s in shifts for t in shifts}
        pairs |= {(k, m.bits + s) for k in SHIFTS if k > 0 for s in shifts}
    logs, names, seen = [], [], []
    codes = stream.astype(np.int8)
    for a, b in sorted(pairs):
        if not 0 < a < b < stream.size // 2:
            continue
        context = 2 * codes[b - a : stream.size - a] + codes[: stream.size - b]
        table = np.bincount(2 * context + codes[b:], minlength=8).reshape(4, 2)
        logs.append(float(bits_log(table[:, 1], table.sum(axis=1), m.p).sum()))
        names.append((a, b))
        seen.append(table)
    if not logs:
        return Finding("joint laws of three along memory", -np.inf, "", "")
    top = int(np.argmax(logs))
    a, b = names[top]
    return Finding(
        "joint laws of three along memory",
        log_mean(logs),
        f"a bit with those {a} and {b} before it",
        _contexts(seen[top]),
    )


def _contexts(table: Any) -> str:
    shares = [f"{k[1] / max(k.sum(), 1):.3g}" for k in table]
    return f"kept after (dropped, dropped), (dropped, kept), (kept, dropped), (kept, kept): {', '.join(shares)}"


def triples_of_units(m: Masks) -> Finding:
    """All triples of indices along each axis (pooled), and of the first positions of a call."""
    means, best = [], (0.0, "", "")
    groups: list[tuple[int | None, Truths]] = [
        (a, m.along(a)) for a, n in enumerate(m.shape) if n > 2 and m.kept.size > n
    ]
    if len(m.shape) > 1 and m.calls > 1:
        groups.append((None, m.kept))
    for axis, samples in groups:
        values = samples[:, :MAX_TRIPLE_POSITIONS].astype(np.float32)
        n = values.shape[1]
        if n < 3:
            continue
        first, second = np.triu_indices(n, 1)
        one, two = values.sum(0), values.T @ values
        products = (values[:, first] * values[:, second]).T @ values  # (pairs, units): all three kept
        pair, third = np.nonzero(np.arange(n)[None, :] > second[:, None])
        i, j, k = first[pair], second[pair], third
        counts = _eight(len(values), one, two, products[pair, k], i, j, k)
        logs = np.sum([bits_log(kept, total, m.p) for kept, total in counts], axis=0)
        means.append(log_mean(logs))
        if means[-1] > best[0]:
            top = int(np.argmax(logs))
            a, b, c = int(i[top]), int(j[top]), int(k[top])
            odd = float((samples[:, a] ^ samples[:, b] ^ samples[:, c]).mean())
            best = (
                means[-1],
                f"positions {a}, {b} and {c}" if axis is None else m.named(axis, a, b, c),
                f"an odd number of the three is kept in {odd:.3g} of {len(values):,}",
            )
    return Finding("joint laws of three units", log_mean(means), best[1], best[2])


def _eight(total: int, one: Any, two: Any, ijk: Any, i: Any, j: Any, k: Any) -> list[tuple[Any, Any]]:
    """Return (kept k, trials) in the four contexts of bits i and j, from counts of kept singles, pairs and triples."""
    ij, ik, jk = two[i, j], two[i, k], two[j, k]
    counts = [
        (ijk, ij),
        (ik - ijk, one[i] - ij),
        (jk - ijk, one[j] - ij),
        (one[k] - ik - jk + ijk, total - one[i] - one[j] + ij),
    ]
    return [(np.rint(kept), np.rint(trials)) for kept, trials in counts]


def relations(m: Masks) -> Finding:
    """Linear relations over {0, 1} among the units of a sample, the bits of a word, the positions of a call."""
    groups = [(m.axis_words(a), m.along(a)) for a, n in enumerate(m.shape) if 1 < n <= MAX_PAIR_POSITIONS]
    words = m.kept[:, : m.bits // WORD * WORD].reshape(-1, WORD)
    groups += [(f"bits of each {WORD} along memory", words)]
    if len(m.shape) > 1 and m.bits <= MAX_PAIR_POSITIONS:
        groups += [("positions", m.kept)]
    logs, best = [], (0.0, "", "")
    for what, samples in groups:
        if len(samples) <= samples.shape[1]:
            continue
        found = relation(samples, m.p)
        logs.append(found.log_evidence if found else -np.inf)
        if found and found.log_evidence > best[0]:
            listed = ", ".join(map(str, found.columns[:8])) + (", …" if len(found.columns) > 8 else "")
            parity = "odd" if found.parity else "even"
            best = (
                found.log_evidence,
                f"{what}{':' if 'along' in what else ''} {listed}",
                f"their number of kept bits is {parity} in all {len(samples):,}",
            )
    return Finding("linear relations", log_mean(logs), best[1], best[2])


FAMILIES: tuple[tuple[Callable[[Masks], Finding], bool], ...] = (
    (rate, False),
    (rate_by_position, False),
    (rate_by_input, False),
    (rate_by_call, False),
    (pairs_along_memory, False),
    (pairs_of_units, False),
    (pairs_of_calls, False),
    (totals, False),
    (pairs_of_positions, False),
    (triples_along_memory, True),
    (triples_of_units, True),
    (relations, True),
)
"""Each family, and whether it is looked at only when all calls are made."""


def families_on(masks: Masks, last: bool) -> Iterator[Finding]:
    """Yield the evidence of each family on the masks so far."""
    for family, late in FAMILIES:
        if last or not late:
            yield family(masks)


def findings(masks: Masks, last: bool, log_threshold: float) -> tuple[float, list[Finding]]:
    """Return the logarithm of the mean of all families, and those that reach the threshold by themselves."""
    found = list(families_on(masks, last))
    total = log_mean([f.log_evidence for f in found] + [-np.inf] * (len(FAMILIES) - len(found)))
    alone = [f for f in found if f.log_evidence - log(len(FAMILIES)) >= log_threshold]
    return total, alone or sorted(found, key=lambda f: -f.log_evidence)[:1]


def always_together(masks: Masks, *, rate_too: bool = False) -> str | None:
    """Return in words which units of every sample always share one bit, if any do.

    With ``rate_too`` only where the rate of one bit per group is nothing strange: all dropped is shared by nobody.
    """
    best: tuple[float, str] | None = None
    for axis in reversed(range(len(masks.shape))):
        samples = masks.along(axis)
        width = samples.shape[1]
        if width < 2 or len(samples) < 12 or width > MAX_AXIS:
            continue
        _, group = np.unique(samples, axis=1, return_inverse=True)
        members = [np.flatnonzero(group == g).tolist() for g in np.unique(group)]
        by_chance = comb(width, 2) * (masks.p**2 + (1 - masks.p) ** 2) ** len(samples)
        if len(members) > 1 and (len(np.unique(samples, axis=0)) < 6 or by_chance > CHANCE):
            continue  # samples that are alike, or few, show nothing about units
        own = samples[:, [g[0] for g in members]].sum(axis=0)
        sizes = len(samples) * np.array([own.size, *[1] * own.size])
        if rate_too and bits_log([own.sum(), *own], sizes, masks.p).max() > log(1e3):
            continue
        together = sorted((g for g in members if len(g) > 1), key=lambda g: (g[0], len(g)))
        share = sum(map(len, together)) / width
        if together and (best is None or share > best[0]):
            others = f" (and {len(together) - 1} more such groups)" if len(together) > 1 else ""
            of = " of every row" if len(masks.shape) == 2 and axis == 1 else ""
            best = share, f"{masks.named(axis, _listed(together[0]))}{of} always share one mask{others}"
    return None if best is None else best[1]


def _listed(group: list[int]) -> str:
    if group == list(range(group[0], group[-1] + 1)):
        return f"{group[0]}–{group[-1]}"
    return ", ".join(map(str, group[:6])) + (", …" if len(group) > 6 else "")
