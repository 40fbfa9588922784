"""``xd.estimate``: what it promises, how it stops, what it says."""

from __future__ import annotations

import itertools
import json
import pickle
import signal
from dataclasses import fields
from fractions import Fraction as F

import numpy as np
import pytest

import exactdropout as xd
from exactdropout.errors import InvalidInput, MixedNumbers, NumericalRange
from exactdropout.estimation import Interval
from exactdropout.estimation.result import chance_text
from exactdropout.numeric.sampled import passes
from exactdropout.numeric.sampled.passes import Sampler

QUANTITIES = ("criterion", "risk", "penalty", "variance", "bias")


def problem(seed: int, widths: tuple[int, ...], examples: int = 4) -> tuple[xd.Network, xd.Examples]:
    random = np.random.default_rng(seed)
    weights = [random.normal(size=(b, a)) / a**0.5 for a, b in itertools.pairwise(widths)]
    biases = [random.normal(size=b) / 3 for b in widths[1:]]
    inputs, labels = random.normal(size=(examples, widths[0])), random.normal(size=(examples, widths[-1]))
    return xd.Network(weights, biases), xd.Examples((inputs, labels))


def misses(found: xd.Estimate, truth: xd.Evaluation) -> list[str]:
    """Return the quantities whose interval does not contain the exact value, up to what is known of that."""
    wrong = []
    for name in QUANTITIES:
        low, high = truth.enclosure(name)
        if high < F(getattr(found, name).low) or low > F(getattr(found, name).high):
            wrong.append(name)
    for value, interval in zip(truth.mean, found.mean, strict=True):
        if not interval.low - truth.error_bounds["mean"] <= value <= interval.high + truth.error_bounds["mean"]:
            wrong.append("mean")
    return wrong


@pytest.mark.parametrize(
    ("seed", "widths", "q"),
    [
        (0, (6, 5, 1), "1/2"),
        (1, (4, 5, 4, 2), "1/3"),
        (2, (5, 6, 3), (0.25, 0.5)),
        (3, (4, 4, 4, 2), (0, "1/2", "1/4")),
    ],
)
def test_intervals_contain_the_exact_values(seed, widths, q):
    """At confidence 0.9, where failures could be seen, with ten seeds each: far fewer misses than one in ten."""
    network, data = problem(seed, widths)
    truth = xd.evaluate(network, data, q)
    bad = [
        misses(xd.estimate(network, data, q, width=0.3, confidence="0.9", max_cost=0, seed=s), truth) for s in range(10)
    ]
    assert sum(map(bool, bad)) <= 1


@pytest.mark.thorough
def test_coverage_on_two_hundred_networks():
    """The joint promise at confidence 0.9 on networks that the exact engine knows, at two times of stopping."""
    random = np.random.default_rng(17)
    bad = 0
    for seed in range(200):
        depth = int(random.integers(2, 4))
        widths = (*(int(n) for n in random.integers(2, 7, size=depth)), int(random.integers(1, 3)))
        network, data = problem(seed, widths, examples=int(random.integers(1, 5)))
        q = F(int(random.integers(1, 10)), 10) if seed % 2 else F(1, 2)
        truth = xd.evaluate(network, data, q)
        told: list[xd.Estimate] = []
        told.append(xd.estimate(network, data, q, width=0.5, confidence="0.9", max_cost=0, seed=seed))
        told.append(xd.estimate(network, data, q, width=0.15, confidence="0.9", max_cost=0, seed=seed))
        bad += any(misses(found, truth) for found in told)
    assert bad <= 20


def test_a_width_is_reached_and_the_interval_shrinks_as_the_root_of_the_time():
    network, data = problem(4, (10, 20, 1))
    wide, narrow = (xd.estimate(network, data, 0.5, width=w, max_cost=0) for w in (0.2, 0.05))
    assert wide.criterion.relative_width <= 0.2
    assert narrow.criterion.relative_width <= 0.05
    assert narrow.samples <= 40 * wide.samples


def test_the_same_seed_gives_the_same_bits_for_any_threads():
    network, data = problem(5, (12, 9, 2))
    one, two, other = (
        xd.estimate(network, data, 0.5, width=0.1, max_cost=0, threads=n, seed=s) for n, s in ((1, 7), (2, 7), (1, 8))
    )
    assert one == two
    assert one.criterion != other.criterion
    assert abs(one.criterion.middle - other.criterion.middle) < one.criterion.width


@pytest.mark.parametrize("q", ["1/2", "1/3"])
def test_a_pilot_of_some_rows(monkeypatch, q):
    """It is an eighth of a pass at most; every interval contains the exact value, and threads give the same bits."""
    monkeypatch.setattr(passes, "PILOT", 1 << 9)
    random = np.random.default_rng(3)
    network = xd.Network([random.normal(size=(3, 4)), random.normal(size=(2, 3))])
    data = xd.Examples((random.normal(size=(300, 4)), random.normal(size=(300, 2))))
    found = [xd.estimate(network, data, q, width=0.03, max_cost=0, threads=threads) for threads in (1, 3)]
    assert found[0] == found[1]
    masks = 4 if q == "1/2" else 2
    visits = (found[0].samples / masks) / (found[0].passes + 1 / 9)
    assert 4096 <= visits < 4600  # of a pass, if the pilot was a ninth of one or so
    assert not misses(found[0], xd.evaluate(network, data, q))


def test_what_can_be_enumerated_is():
    network, data = problem(6, (4, 3, 1))
    found, truth = xd.estimate(network, data, "1/2"), xd.evaluate(network, data, "1/2")
    assert found.certain
    assert found.evaluation == truth
    assert found.samples == 0
    assert "probability" not in repr(found)
    assert "certain" in repr(found)
    low, high = truth.enclosure()
    assert F(found.criterion.low) <= low <= high <= F(found.criterion.high)
    exact = xd.estimate(xd.Network([[[1, 2], [3, 4]], [1, F(1, 3)]]), [((1, 1), 1)], "1/2")
    assert exact.criterion.width <= 2e-14
    assert F(exact.criterion.low) <= exact.evaluation.criterion <= F(exact.criterion.high)


def test_nothing_below_the_last_layer_is_dropped():
    """Then nothing is left to sample, whatever max_cost says."""
    network, data = problem(6, (8, 40, 1))
    assert xd.estimate(network, data, (0, "1/2"), max_cost=0).certain


def test_a_deep_layer_alone_is_dropped():
    network, data = problem(7, (3, 6, 5, 2))
    truth = xd.evaluate(network, data, (0, "1/3", 0))
    found = xd.estimate(network, data, (0, "1/3", 0), width=0.1, max_cost=0, confidence="0.99")
    assert misses(found, truth) == []


def test_an_exact_network_of_floats_is_sampled_and_another_refused():
    network, data = problem(8, (4, 3, 1))
    same = xd.estimate(network.exact(), data.exact(), "1/2", width=0.2, max_cost=0)
    assert same == xd.estimate(network, data, "1/2", width=0.2, max_cost=0)
    with pytest.raises(InvalidInput, match=r"network\.float64\(\)"):
        xd.estimate(xd.Network([[[F(1, 3), 1]], [1]]), [((1, 1), 1)], "1/2", width=0.2, max_cost=0)
    with pytest.raises(MixedNumbers):
        xd.estimate(xd.free_network("2-2-1"), [((1, 1), 1)], "1/2", width=0.2, max_cost=0)


def test_rational_data_are_rounded_within_the_interval():
    network, _ = problem(9, (3, 4, 1))
    data = xd.Examples([((F(1, 3), F(1, 7), 1), F(1, 3)), ((1, F(2, 3), 0), 1)])
    found = xd.estimate(network, data, "1/2", width=0.1, max_cost=0)
    assert misses(found, xd.evaluate(network, data, "1/2")) == []


@pytest.mark.parametrize("scale", [1e152, 1e200, 1e305])
def test_squares_beyond_float64_are_refused(scale):
    with pytest.raises(NumericalRange, match=r"network\.exact\(\)"):
        xd.estimate(xd.Network([[[scale]], [scale]]), [((1.0,), 1.0)], "1/2", width=0.5, max_cost=0)


@pytest.fixture
def keyboard():
    """Ctrl-C interrupts here, also where the tests were started in the background and it is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("keyboard")
def test_ctrl_c_returns_what_is_known():
    network, data = problem(10, (10, 12, 1))
    calls: list[xd.Estimate] = []

    def press(found: xd.Estimate) -> None:
        calls.append(found)
        signal.raise_signal(signal.SIGINT)

    found = xd.estimate(network, data, 0.5, seconds=60, max_cost=0, progress=press)
    assert len(calls) == 1
    assert found.interrupted
    assert found.criterion == calls[0].criterion


def test_ctrl_c_before_anything_is_known_is_an_interrupt(monkeypatch):
    def press(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Sampler, "passes", press)
    network, data = problem(10, (10, 12, 1))
    with pytest.raises(KeyboardInterrupt):
        xd.estimate(network, data, 0.5, seconds=60, max_cost=0)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"width": 0}, "'width' must be a positive number"), ({"seconds": "1"}, "'seconds' must be a positive number"),
        ({"seconds": float("inf")}, "'seconds'"), ({"confidence": 1}, "0 < confidence < 1"),
        ({"confidence": "certain"}, "'confidence'"), ({"seed": -1}, "'seed' must be an integer"),
        ({"seed": 2**64}, "'seed'"), ({"gradient": 1}, "'gradient' must be True or False"),
        ({"max_cost": -1}, "'max_cost'"),
        ({"threads": 0}, "'threads'"), ({"rows": 1}, "'rows' must be True or False"),
        ({"progress": 3, "width": 0.5, "max_cost": 0}, "'progress'"),
        ({"q": None}, "'q'"),
    ],
)  # fmt: skip
def test_bad_arguments_are_named(options, words):
    network, data = problem(0, (2, 2, 1))
    with pytest.raises(InvalidInput, match=words):
        xd.estimate(network, data, options.pop("q", "1/2"), **options)


def test_an_estimate_never_looks_exact():
    network, data = problem(11, (8, 6, 2))
    found = xd.estimate(network, data, 0.5, width=0.2, max_cost=0)
    assert not found.certain
    assert "with probability at least 1 - 1e-9" in repr(found)
    assert r"with probability at least $1 - 10^{-9}$" in found.latex()
    assert r"\text{with probability at least } 1 - 10^{-9}" in found._repr_latex_()
    assert pickle.loads(pickle.dumps(found)) == found
    assert not {f.name for f in fields(found)} & {"error_bound", "error_bounds", "exactness"}


def test_chances_are_never_overstated():
    assert chance_text(F(9, 10)) == "0.9"
    assert chance_text(1 - F(1, 3 * 10**12)) == "1 - 3.4e-13"
    assert F(chance_text(1 - F(1, 3))) <= 1 - F(1, 3)


def test_shown_ends_contain_the_interval():
    for low, high in ((1.23456789, 1.23456999), (-2.0000004, 3.1e-9), (0.0, 1e-300), (99999.9, 99999.95)):
        shown = json.loads(repr(Interval(low, high)))
        assert shown[0] <= low
        assert shown[1] >= high
    assert 2 in Interval(1.0, 3.0)
    assert F(10**20 + 1, 10**20) not in Interval(0.0, 1.0)


def row_misses(found: xd.Estimate, truth: xd.Evaluation) -> int:
    """Return how many ends are on the wrong side of what is exact, up to what is known of that."""
    table, rows = truth.per_example, found.rows
    off, away = table.error_bounds["mean"], table.error_bounds["variance"]
    wrong = (rows.mean_low > table.mean + off) | (rows.mean_high < table.mean - off)
    wide = (rows.deviation_low**2 > table.variance + away) | (rows.deviation_high**2 < table.variance - away)
    return int(wrong.sum() + wide.sum())


@pytest.mark.parametrize(("widths", "q"), [((6, 5, 2), "1/2"), ((4, 5, 4, 2), "1/3"), ((5, 6, 3), (0.25, 0))])
def test_rows_contain_exact_means_and_deviations(widths, q):
    """All at once with everything else; at confidence 0.9 far fewer misses than one in ten."""
    network, data = problem(21, widths)
    truth = xd.evaluate(network, data, q)
    told = [xd.estimate(network, data, q, width=0.1, confidence="0.9", max_cost=0, seed=s, rows=True) for s in range(8)]
    assert sum(bool(row_misses(found, truth) or misses(found, truth)) for found in told) <= 1
    assert len(told[0].rows) == 4
    widths_of = told[0].rows.mean_high - told[0].rows.mean_low
    assert widths_of.max() < 2 * np.sqrt(truth.per_example.variance.max())
    assert (told[0].rows.deviation_low > 0).all()
    plain = xd.estimate(network, data, q, width=0.1, confidence="0.95", max_cost=0, seed=0)
    assert plain.rows is None


@pytest.mark.thorough
def test_coverage_of_rows_on_a_hundred_networks():
    random = np.random.default_rng(18)
    bad = 0
    for seed in range(100):
        widths = (*(int(n) for n in random.integers(2, 7, size=int(random.integers(2, 4)))), int(random.integers(1, 3)))
        network, data = problem(seed, widths, examples=int(random.integers(1, 5)))
        q = F(int(random.integers(1, 10)), 10)
        found = xd.estimate(network, data, q, width=0.2, confidence="0.9", max_cost=0, seed=seed, rows=True)
        truth = xd.evaluate(network, data, q)
        bad += bool(row_misses(found, truth) or misses(found, truth))
    assert bad <= 10


def test_rows_cost_the_others_half_of_the_chance():
    """With rows at 0.9 the other intervals are those at 0.95, bit for bit: the masks are the same."""
    network, data = problem(5, (12, 9, 2))
    with_rows = xd.estimate(network, data, 0.5, seconds=1e-9, max_cost=0, confidence="9/10", rows=True)
    alone = xd.estimate(network, data, 0.5, seconds=1e-9, max_cost=0, confidence="19/20")
    assert (with_rows.passes, with_rows.confidence) == (alone.passes, F(9, 10))
    for name in QUANTITIES:
        assert getattr(with_rows, name) == getattr(alone, name)


def test_rows_of_what_can_be_enumerated_are_certain():
    network, data = problem(6, (4, 3, 2))
    found, truth = xd.estimate(network, data, "1/2", rows=True), xd.evaluate(network.exact(), data.exact(), "1/2")
    for i, o in itertools.product(range(4), range(2)):
        assert truth.per_example.mean[i, o] in found.rows.mean(i, o)
        low, high = found.rows.deviation(i, o)
        assert F(low) ** 2 <= truth.per_example.variance[i, o] <= F(high) ** 2
        assert high - low < 1e-6
    exact = xd.estimate(xd.Network([[[1, 2], [3, 4]], [1, F(1, 3)]]), [((1, 1), 1)], "1/2", rows=True)
    assert exact.rows.mean(0).width < 1e-14
