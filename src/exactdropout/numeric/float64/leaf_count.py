"""How many leaves a walk will visit: counted where that is cheap, otherwise a bounded deterministic probe."""

from __future__ import annotations

import numpy as np

from exactdropout.model.numbers import Array
from exactdropout.numeric.float64.problem import Problem, affine

__all__ = ["leaves_per_example"]

PROBED_EXAMPLES = 128
PROBED_PATHS = 256
EXACT_BITS = 8
PROBE_WORK = 10**7


def leaves_per_example(problem: Problem) -> Array:
    """Return the number of leaves for each example, as floats (2^k overflows no float that matters; inf may stand).

    One walked layer: exactly 2^k with k active units. More: the mean over paths of Π 2^{k_l}, where a path keeps or
    drops each active unit with probability ½ (Knuth 1975, Estimating the efficiency of backtrack programs, whose
    estimate is unbiased); all masks of the first layer are taken where they are few. For many examples only some are
    probed and the mean ratio to 2^k stands for the others. The bits come from a fixed generator.
    """
    known: Array | None = problem.memo.get("leaves")
    if known is None:
        known = problem.memo["leaves"] = _leaves(problem)
    return known


def _leaves(problem: Problem) -> Array:
    first, last = problem.first, len(problem.weights) - 1
    starts = problem.hidden(first)
    active = np.count_nonzero(starts, axis=1) if first < last else np.zeros(len(starts), dtype=np.int64)
    with np.errstate(over="ignore"):
        top = np.exp2(active.astype(np.float64))
    if not any(problem.rates[l] > 0 for l in range(first + 1, last)):
        return top
    m = len(starts)
    chosen = np.unique(np.linspace(0, m - 1, min(m, PROBED_EXAMPLES)).round().astype(np.int64))
    bits = _Bits()
    means = np.array([_mean_below(problem, starts[e], int(active[e]), bits) for e in chosen])
    ratio = np.full(m, means.mean())
    ratio[chosen] = means
    with np.errstate(over="ignore"):
        result: Array = top * ratio
    return result


class _Bits:
    """Bits from PCG64 with a fixed seed; its raw stream is part of NumPy's compatibility promise."""

    def __init__(self) -> None:
        self._raw = np.random.PCG64(20171)

    def take(self, rows: int, columns: int) -> Array:
        words = self._raw.random_raw(rows * ((columns + 63) // 64)).astype(np.uint64)
        octets = words.view(np.uint8).reshape(rows, -1)
        bits: Array = np.unpackbits(octets, axis=1)[:, :columns].astype(np.float64)
        return bits


def _mean_below(problem: Problem, start: Array, active: int, bits: _Bits) -> float:
    """Return the mean over the masks of the first walked layer of the leaves below them."""
    first, last = problem.first, len(problem.weights) - 1
    support = np.flatnonzero(start)
    work = sum(w.size for w in problem.weights[first : last - 1])
    paths = max(4, min(PROBED_PATHS, PROBE_WORK // max(1, work)))
    if active <= EXACT_BITS and 1 << active <= paths:
        masks = (np.arange(1 << active)[:, None] >> np.arange(active) & 1).astype(np.float64)
    else:
        masks = bits.take(paths, active)
    hidden = np.zeros((len(masks), len(start)))
    hidden[:, support] = masks * start[support] * problem.inverse_keep[first]
    logarithms = np.zeros(len(masks))
    with np.errstate(over="ignore", invalid="ignore"):
        for l in range(first, last - 1):
            z = affine(hidden, problem.weights[l], problem.biases[l])
            hidden = np.where(z > 0, z, problem.slopes[l] * z)
            if problem.rates[l + 1] > 0:
                logarithms += np.count_nonzero(hidden, axis=1)
                hidden = hidden * bits.take(*hidden.shape) * problem.inverse_keep[l + 1]
        return float(np.mean(np.exp2(logarithms)))
