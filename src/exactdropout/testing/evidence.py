"""Evidence with a proved false-alarm rate: bets on bits of a known probability.

Under the hypothesis every bit is kept with probability p, whatever came before. A bet that pays E with mean 1 under the
hypothesis, made again and again with what was won, is a non-negative martingale that starts at 1; by Ville's inequality
it *ever* reaches 1/α with probability at most α. So one may stop at any time. A mean of such bets, with weights fixed
in advance, is one again: many statistics are watched at once at one false-alarm rate.

- :func:`log_bit_evidence`: n bits of which k are kept, against all other probabilities at once (the mixture of
  Krichevsky and Trofimov 1981);
- :func:`log_total_evidence`: counts of outcomes with known probabilities (a Dirichlet mixture around them);
- :func:`relation`: bits that satisfy a linear equation over {0, 1} in every sample, and the probability of one.

Each has its plain twin in fractions beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb, log
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import betaln, gammaln

__all__ = [
    "Relation",
    "bit_evidence_reference",
    "log_bit_evidence",
    "log_mean",
    "log_total_evidence",
    "relation",
    "relation_reference",
    "total_evidence_reference",
]

Floats = npt.NDArray[np.float64]
CONCENTRATION = 1  # of the Dirichlet mixture: its mean is the hypothesis, its mass that of one observation


def bit_evidence_reference(kept: int, total: int, p: Fraction) -> Fraction:
    """Return E = ∏ (k_i + ½)/(i + 1) over the bits, against p^k q^(n−k): what the bets have won, in fractions.

    Before each bit, ``kept`` is predicted with probability (k + ½)/(n + 1), k of n bits having been kept so far. The
    order of the bits does not matter.

    >>> sum(comb(3, k) * Fraction(1, 3)**k * Fraction(2, 3)**(3 - k) * bit_evidence_reference(k, 3, Fraction(1, 3))
    ...     for k in range(4))
    Fraction(1, 1)
    """
    won = Fraction(1)
    for i in range(total):
        predicted = Fraction(2 * i + 1, 2) if i < kept else Fraction(2 * (i - kept) + 1, 2)
        won *= predicted / (i + 1) / (p if i < kept else 1 - p)
    return won


def log_bit_evidence(kept: Any, total: Any, p: float) -> Floats:
    """Return the logarithm of :func:`bit_evidence_reference`, for arrays of counts.

    log E = log B(k + ½, n − k + ½) − log π − k log p − (n − k) log q.
    """
    k = np.asarray(kept, dtype=np.float64)
    n = np.asarray(total, dtype=np.float64)
    result: Floats = betaln(k + 0.5, n - k + 0.5) - log(np.pi) - k * log(p) - (n - k) * np.log1p(-p)
    return result


def total_evidence_reference(counts: Sequence[int], probabilities: Sequence[Fraction]) -> Fraction:
    """Return E = ∏ (P_j + n_j)/(1 + n) / P_j over the observations, in fractions.

    Before each observation, outcome j is predicted with probability (P_j + n_j)/(1 + n), where it came n_j times among
    the n so far.
    """
    won, seen = Fraction(1), 0
    for count, probability in zip(counts, probabilities, strict=True):
        for n_j in range(count):
            won *= (CONCENTRATION * probability + n_j) / (CONCENTRATION + seen) / probability
            seen += 1
    return won


def log_total_evidence(counts: Any, log_probabilities: Floats) -> float:
    """Return the logarithm of :func:`total_evidence_reference`; outcomes that never came cost nothing."""
    n = np.asarray(counts, dtype=np.float64)
    seen = n > 0
    n, logs = n[seen], log_probabilities[seen]
    prior = CONCENTRATION * np.exp(logs)
    # Γ(a + n)/Γ(a) = a · Γ(a + n)/Γ(a + 1), which stays finite for the smallest probabilities
    rising = logs + log(CONCENTRATION) + gammaln(prior + n) - gammaln(prior + 1)
    total = float(n.sum())
    return float((rising - n * logs).sum() - gammaln(CONCENTRATION + total) + gammaln(CONCENTRATION))


def log_mean(logs: Any, weights: Any = None) -> float:
    """Return log Σ w_i exp(l_i); equal weights 1/n by default; of nothing, no evidence (−∞)."""
    values = np.asarray(logs, dtype=np.float64).ravel()
    if values.size == 0:
        return -np.inf
    shift = max(float(values.max()), 0.0)
    scaled = np.exp(values - shift)
    mean = float(scaled.mean()) if weights is None else float((scaled * np.asarray(weights).ravel()).sum())
    return shift + log(mean) if mean > 0 else -np.inf


@dataclass(frozen=True, kw_only=True)
class Relation:
    """Columns whose number of kept bits is even (``parity`` 0) or odd (1) in every sample."""

    columns: tuple[int, ...]
    parity: int
    log_evidence: float


def relation(samples: npt.NDArray[np.bool_], p: float) -> Relation | None:
    """Return a linear relation over {0, 1} that all samples (rows) satisfy, or None.

    The number of kept bits among w independent ones is even with probability (1 ± |1 − 2q|^w)/2 at most, so that a
    relation exists in T samples of n bits with probability at most

        π = Σ_w C(n, w) · 2 · ((1 + |1 − 2q|^w)/2)^T.

    The evidence is 1/π where one exists and 0 where none does, whose mean is at most 1. It is a bet on a number of
    samples that is fixed in advance.
    """
    count, width = samples.shape
    bound = log_relation_probability(width, count, p)
    if bound >= 0:
        return None
    packed = np.packbits(samples, axis=0).T
    rows = [int.from_bytes(column.tobytes(), "big") for column in packed]
    all_ones = int.from_bytes(np.packbits(np.ones(count, dtype=bool)).tobytes(), "big")
    pivots: dict[int, tuple[int, int]] = {}
    for index, row in enumerate([all_ones, *rows]):
        value, combination = row, 1 << index
        while value:
            top = value.bit_length()
            if top not in pivots:
                pivots[top] = (value, combination)
                break
            value ^= pivots[top][0]
            combination ^= pivots[top][1]
        else:
            columns = tuple(i for i in range(width) if combination >> (i + 1) & 1)
            return Relation(columns=columns, parity=combination & 1, log_evidence=-bound)
    return None


def relation_reference(samples: npt.NDArray[np.bool_]) -> bool:
    """Return whether any non-empty set of columns has a sum of one parity in all samples: tries every set."""
    width = samples.shape[1]
    for subset in range(1, 1 << width):
        chosen = [i for i in range(width) if subset >> i & 1]
        if len(set((samples[:, chosen].sum(axis=1) % 2).tolist())) <= 1:
            return True
    return False


def log_relation_probability(width: int, count: int, p: float) -> float:
    """Return the logarithm of the bound π of :func:`relation`."""
    w = np.arange(1, width + 1, dtype=np.float64)
    choose = gammaln(width + 1) - gammaln(w + 1) - gammaln(width - w + 1)
    terms = choose + log(2) + count * (np.log1p(abs(2 * p - 1) ** w) - log(2))
    shift = float(terms.max())
    return shift + float(np.log(np.exp(terms - shift).sum()))


def binomial_log_probabilities(n: int, p: float) -> Floats:
    """Return log P(k of n kept) for k = 0 … n."""
    k = np.arange(n + 1, dtype=np.float64)
    result: Floats = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1) + k * log(p) + (n - k) * np.log1p(-p)
    return result


def binomial_reference(n: int, p: Fraction) -> list[Fraction]:
    """Return P(k of n kept) for k = 0 … n, in fractions."""
    return [comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]
