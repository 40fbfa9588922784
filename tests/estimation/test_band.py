"""``xd.law_band``: the inequality, rounding, quantiles and coverage against exact laws."""

from __future__ import annotations

import itertools
import math
import signal
from fractions import Fraction as F

import numpy as np
import pytest

import exactdropout as xd
from exactdropout.errors import InvalidInput, MixedNumbers, NumericalRange
from exactdropout.estimation import band as bands
from exactdropout.estimation.band import LawBand, half_width
from exactdropout.numeric.definition import dropout_output
from exactdropout.numeric.sampled import outputs as sampled


def drawn(seed: int, widths: tuple[int, ...]) -> tuple[xd.Network, list[float]]:
    random = np.random.default_rng(seed)
    weights = [random.normal(size=(b, a)) for a, b in itertools.pairwise(widths)]
    return xd.Network(weights, [random.normal(size=b) for b in widths[1:]]), random.normal(size=widths[0]).tolist()


def outside(band: LawBand, law: xd.OutputLaw) -> bool:
    """Return whether the exact distribution function leaves the band anywhere: it jumps at its own values only."""
    for o in range(law.outputs):
        one, before = law.marginal(o), F(0)
        for (value,), p in zip(one.values, one.probabilities, strict=True):
            after = before + p
            least, most = band.cdf(value, o), band.cdf(value - F(1, 10**9), o)
            if after not in least or before not in most:
                return True
            before = after
        for level in (F(1, 100), F(1, 4), F(1, 2), F(9, 10), F(1)):
            if one.quantile(level) not in band.quantile(level, o):
                return True
    return False


@pytest.mark.parametrize(("widths", "q"), [((3, 4, 1), "1/2"), ((4, 3, 2), "1/3"), ((2, 3, 2, 1), ("1/4", 0, "1/2"))])
def test_the_band_contains_the_exact_law(widths, q):
    network, x = drawn(3, widths)
    law = xd.output_law(network.exact(), [F(v) for v in x], q)
    for seed in range(5):
        band = xd.law_band(network, x, q, width=0.05, seed=seed)
        assert not outside(band, law)
        assert 2 * band.half_width <= 0.05


def test_coverage_at_a_confidence_where_it_can_be_seen():
    """300 bands of one round at confidence 1/2: each misses with probability at most 1/4, its share."""
    network, x = drawn(4, (3, 3, 1))
    law = xd.output_law(network.exact(), [F(v) for v in x], "1/2")
    missed = sum(
        outside(xd.law_band(network, x, "1/2", seconds=1e-9, confidence="1/2", seed=s), law) for s in range(300)
    )
    assert 0 < missed <= 75  # none at all would be a band that is too wide to be tested


def test_massarts_bound_by_counting_all_outcomes():
    """A fair coin n times: P(|F_n(0) − 1/2| > ε) ≤ 2 exp(−2nε²) = α, in fractions."""
    for n, chance in ((10, F(1, 10)), (50, F(1, 100)), (200, F(1, 3))):
        wide = half_width(n, chance)
        wrong = sum(math.comb(n, k) for k in range(n + 1) if abs(F(k, n) - F(1, 2)) > F(wide))
        assert F(wrong, 2**n) <= chance
        assert 2 * math.exp(-2 * n * wide**2) <= float(chance) * (1 + 1e-9)


def test_computed_outputs_are_within_their_rounding(monkeypatch):
    """Each sampled output against the output of its mask in fractions, and within the certain range."""
    network, x = drawn(5, (4, 5, 3, 2))
    rates = (F(1, 3), F(1, 2), F(1, 4))
    masks: list[np.ndarray] = []
    real = sampled.kept
    monkeypatch.setattr(sampled, "kept", lambda *a: masks.append(real(*a)) or masks[-1])
    monkeypatch.setattr(bands, "FIRST", 40)
    monkeypatch.setattr(np, "sort", lambda values, axis: values)
    band = xd.law_band(network, x, rates, seconds=1e-9)
    exact, point = network.exact(), [F(v) for v in x]
    parts = [m.reshape(40, -1) for m in masks]
    for k in range(40):
        mask = tuple(tuple(int(v) for v in part[k]) for part in parts)
        true = dropout_output(exact, point, mask, rates)
        for o, value in enumerate(true):
            assert abs(F(band.samples[k, o]) - value) <= F(band.rounding[o])
            assert F(band.low[o]) <= value <= F(band.high[o])
    assert band.rounding.max() < 1e-12


def test_rounding_moves_the_place_and_not_the_probability():
    """All D are 1 exactly; computed as 1 + tiny they still count at t = 1."""
    band = LawBand(
        samples=np.full((1000, 1), 1 + 1e-13), half_width=0.01, rounding=np.array([2e-13]), low=np.array([0.0]),
        high=np.array([5.0]), confidence=F(9, 10), seed=0,
    )  # fmt: skip
    assert 1 in band.cdf(1)
    assert band.cdf(1 + F(1, 10**12)).low == pytest.approx(0.99)
    assert band.cdf(1 - F(1, 10**12)).high == pytest.approx(0.01)
    assert list(band.cdf(-1)) == [0, 0]
    assert list(band.cdf(5)) == [1, 1]
    low, high = band.quantile("1/2")
    assert low < 1 < high
    assert list(band.quantile("1/200")) == pytest.approx([0, 1])
    assert list(band.quantile(1)) == pytest.approx([1, 5])


def test_the_same_seed_and_rounds_give_the_same_bits():
    network, x = drawn(6, (60, 40, 1))
    one, two, other = (xd.law_band(network, x, 0.5, width=0.03, seed=s) for s in (7, 7, 8))
    assert np.array_equal(one.samples, two.samples)
    assert not np.array_equal(one.samples, other.samples)
    assert len(np.unique(one.samples)) > 0.999 * len(one.samples)  # blocks and rounds do not repeat each other
    assert len(one.samples) % 4096 == 0


def test_ctrl_c_returns_the_rounds_before():
    network, x = drawn(7, (10, 12, 1))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    calls = []

    def press(done: int, total: int) -> None:
        calls.append(total)
        if total > 4096:
            signal.raise_signal(signal.SIGINT)

    try:
        band = xd.law_band(network, x, 0.5, width=1e-3, progress=press)
    finally:
        signal.signal(signal.SIGINT, before)
    assert band.interrupted
    assert len(band.samples) == 8192  # rounds 0 and 1; the third was not finished


def test_a_band_says_what_it_is(tmp_path):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("Agg")
    network, x = drawn(8, (6, 5, 2))
    band = xd.law_band(network, x, 0.5, width=0.05)
    assert "with probability at least 1 - 1e-9" in repr(band)
    assert r"with probability at least $1 - 10^{-9}$" in band.latex()
    assert "with probability at least" in band._repr_html_()
    assert "exact" not in repr(band) + band.latex() + band._repr_html_()
    axes = band.plot(output=1)
    assert axes.get_xlabel() == "output 1 of D"
    pyplot.close(axes.get_figure())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"x": [1.0]}, "'x' must have 6 entries"), ({"width": 0}, "'width'"), ({"seconds": -1}, "'seconds'"),
        ({"confidence": 1}, "'confidence'"), ({"seed": -1}, "'seed'"), ({"q": None}, "'q'"),
    ],
)  # fmt: skip
def test_bad_arguments_are_named(options, words):
    network, x = drawn(8, (6, 5, 2))
    with pytest.raises(InvalidInput, match=words):
        xd.law_band(network, options.pop("x", x), options.pop("q", 0.5), **options)


def test_what_has_no_band_is_refused():
    with pytest.raises(MixedNumbers):
        xd.law_band(xd.free_network("2-2-1"), [1, 1], "1/2")
    with pytest.raises(InvalidInput, match="no floats"):
        xd.law_band(xd.Network([[[F(1, 3), 1]], [1]]), [1, 1], "1/2")
    with pytest.raises(NumericalRange):
        xd.law_band(xd.Network([[[1e200]], [1e200]]), [1.0], "1/2")
    band = xd.law_band(*drawn(8, (6, 5, 2)), 0.5, width=0.1)
    for ask in (lambda: band.cdf(0, 2), lambda: band.quantile(0), lambda: band.quantile("1/2", -1)):
        with pytest.raises(InvalidInput):
            ask()
