"""The bets of the oracle: mean 1 under the hypothesis, in fractions; floats against them; the rate of false alarms."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from fractions import Fraction
from math import comb, exp, isclose, log, prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exactdropout.testing.evidence import (
    binomial_log_probabilities,
    binomial_reference,
    bit_evidence_reference,
    log_bit_evidence,
    log_relation_probability,
    log_total_evidence,
    relation,
    relation_reference,
    total_evidence_reference,
)
from exactdropout.testing.false_alarms import ALPHA, LAYERS, share_of_alarms
from exactdropout.testing.masks import Masks, bits_log, pair_log
from exactdropout.testing.statistics import FAMILIES, findings

RATES = [Fraction(1, 2), Fraction(7, 10), Fraction(1, 10), Fraction(2**32 - 3, 2**32)]


@pytest.mark.parametrize("p", RATES)
def test_bets_on_bits_have_mean_one(p: Fraction) -> None:
    for n in range(51):
        mean = sum(
            comb(n, k) * p**k * (1 - p) ** (n - k) * bit_evidence_reference(k, n, p) for k in range(n + 1)
        )  # fmt: skip
        assert mean == 1


@pytest.mark.parametrize("p", RATES)
def test_bets_on_totals_have_mean_one(p: Fraction) -> None:
    law = binomial_reference(3, p)
    for observations in range(5):
        mean = Fraction(0)
        for outcome in itertools.product(range(4), repeat=observations):
            counts = [outcome.count(j) for j in range(4)]
            mean += prod((law[j] for j in outcome), start=Fraction(1)) * total_evidence_reference(counts, law)
        assert mean == 1


@given(st.integers(0, 60), st.integers(0, 60), st.fractions(Fraction(1, 50), Fraction(49, 50), max_denominator=50))
def test_floats_agree_with_the_fractions(kept: int, dropped: int, p: Fraction) -> None:
    expected = log(bit_evidence_reference(kept, kept + dropped, p))
    assert isclose(float(log_bit_evidence(kept, kept + dropped, float(p))), expected, abs_tol=1e-9)
    assert isclose(float(bits_log(kept, kept + dropped, float(p))), expected, abs_tol=1e-9)


@given(st.lists(st.integers(0, 6), min_size=5, max_size=5), st.sampled_from(RATES[:3]))
def test_floats_of_totals_agree_with_the_fractions(counts: list[int], p: Fraction) -> None:
    expected = log(total_evidence_reference(counts, binomial_reference(4, p)))
    assert isclose(log_total_evidence(counts, binomial_log_probabilities(4, float(p))), expected, abs_tol=1e-9)


@given(st.lists(st.booleans(), min_size=2, max_size=40), st.integers(1, 3), st.sampled_from(RATES[:3]))
def test_pairs_are_two_bets_one_for_each_context(bits: list[bool], lag: int, p: Fraction) -> None:
    pairs = list(zip(bits, bits[lag:], strict=False))
    expected = Fraction(1)
    for context in (True, False):
        seconds = [second for first, second in pairs if first is context]
        expected *= bit_evidence_reference(sum(seconds), len(seconds), p)
    both = sum(a and b for a, b in pairs)
    got = pair_log(both, sum(a for a, _ in pairs), sum(b for _, b in pairs), len(pairs), float(p))
    assert isclose(float(got), log(expected), abs_tol=1e-9)


@given(st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=60, max_size=60), st.integers(0, 14))
def test_relations_are_those_of_trying_every_set(rows: list[list[bool]], subset: int) -> None:
    samples = np.array(rows)
    if subset:  # plant one: the last column of the set becomes the sum of the others
        chosen = [i for i in range(4) if (subset + 1) >> i & 1]
        samples[:, chosen[-1]] = samples[:, chosen[:-1]].sum(axis=1) % 2
    found = relation(samples, 0.5)
    assert (found is not None) == relation_reference(samples)
    if found is not None:
        assert set((samples[:, list(found.columns)].sum(axis=1) % 2).tolist()) == {found.parity}


@pytest.mark.parametrize("p", RATES[:3])
def test_the_probability_of_a_relation_is_bounded(p: Fraction) -> None:
    width, count = 2, 6
    total = Fraction(0)
    for bits in itertools.product((0, 1), repeat=width * count):
        samples = np.array(bits, dtype=bool).reshape(count, width)
        if relation_reference(samples):
            kept = sum(bits)
            total += p**kept * (1 - p) ** (len(bits) - kept)
    assert float(total) <= exp(log_relation_probability(width, count, float(p)))


@pytest.mark.parametrize(("shape", "calls"), [((2, 2), 2), ((2, 4), 1), ((3,), 2), ((2,), 4)])
@pytest.mark.parametrize("p", [0.7])
def test_everything_that_is_watched_together_has_mean_at_most_one(shape: tuple[int, ...], calls: int, p: float) -> None:
    bits = int(np.prod(shape)) * calls
    totals: dict[str, float] = {}
    values = np.array([-1.0, 2.0, 3.0, -1.0, 0.5, 2.0, -3.0, 1.0])[: bits // calls]
    for number in range(1 << bits):
        row = np.array([number >> i & 1 for i in range(bits)], dtype=bool)
        masks = Masks(kept=row.reshape(calls, -1), shape=shape, p=p, values=values)
        weight = p ** int(row.sum()) * (1 - p) ** (bits - int(row.sum()))
        for family, _ in FAMILIES:
            found = family(masks)
            totals[found.family] = totals.get(found.family, 0.0) + weight * exp(found.log_evidence)
        totals["all"] = totals.get("all", 0.0) + weight * exp(findings(masks, True, 1e9)[0])
    assert all(value <= 1 + 1e-9 for value in totals.values()), totals
    assert totals["marginal rate"] == pytest.approx(1)


def test_the_rate_of_false_alarms_of_one_statistic_is_seen_and_below_its_bound() -> None:
    alpha, runs, n = 0.05, 10_000, 400
    rng = np.random.default_rng(20261129)
    kept = np.cumsum(rng.random((runs, n)) < 0.7, axis=1)
    ever = bits_log(kept, np.broadcast_to(np.arange(1, n + 1), kept.shape), 0.7).max(axis=1) >= log(1 / alpha)
    assert 0.005 < ever.mean() <= alpha + 4 * (alpha * (1 - alpha) / runs) ** 0.5


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name == "numpy" else pytest.mark.thorough) for name in LAYERS]
)
def test_false_alarms_on_the_dropout_of_frameworks(name: str, external: Callable[[str], str]) -> None:
    if name != "numpy":
        external(name)
    runs = 2000
    assert 0.005 < share_of_alarms(LAYERS[name], runs) <= ALPHA + 4 * (ALPHA * (1 - ALPHA) / runs) ** 0.5
