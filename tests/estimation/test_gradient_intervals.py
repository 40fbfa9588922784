"""Intervals of gradients: coverage where the exact engine knows them, shares of the probability, stops, displays."""

from __future__ import annotations

import itertools
import json
import pickle
from fractions import Fraction as F

import numpy as np
import pytest

import exactdropout as xd
from exactdropout.cli.main import main
from exactdropout.errors import InvalidInput


def problem(seed: int, widths: tuple[int, ...], biases: bool = True) -> tuple[xd.Network, xd.Examples]:
    random = np.random.default_rng(seed)
    weights = [random.normal(size=(b, a)) / a**0.5 for a, b in itertools.pairwise(widths)]
    network = xd.Network(weights, [random.normal(size=b) / 3 for b in widths[1:]] if biases else None)
    return network, xd.Examples((random.normal(size=(4, widths[0])), random.normal(size=(4, widths[-1]))))


def outside(found: xd.Estimate, truth: xd.Evaluation) -> int:
    """Return how many exact entries are outside of their interval, and whether the criterion is."""
    low, high = truth.enclosure()
    count = int(high < F(found.criterion.low) or low > F(found.criterion.high))
    told, exact = found.gradient, truth.gradient
    layers = [*zip(told.weights_low, told.weights_high, exact.weights, strict=True),
              *zip(told.biases_low, told.biases_high, exact.biases, strict=True)]  # fmt: skip
    for least, most, value in layers:
        if value is not None:
            count += int(((least > value + exact.error_bound) | (most < value - exact.error_bound)).sum())
    return count


@pytest.mark.parametrize(
    ("widths", "q"), [((6, 5, 2), "1/2"), ((4, 5, 4, 2), "1/3"), ((3, 4, 4, 2), (0, "1/2", "1/4"))]
)
def test_intervals_contain_the_exact_gradient(widths, q):
    """All entries at once at confidence 0.9, ten seeds: far fewer misses than one in ten."""
    network, data = problem(1, widths)
    truth = xd.evaluate(network, data, q, gradient=True)
    told = [
        xd.estimate(network, data, q, width=0.1, confidence="0.9", max_cost=0, seed=s, gradient=True) for s in range(10)
    ]
    assert sum(outside(found, truth) > 0 for found in told) <= 1
    assert told[0].gradient.widest < 2 * max(np.abs(w).max() for w in truth.gradient.weights)


@pytest.mark.thorough
def test_coverage_of_gradients_on_a_hundred_networks():
    random = np.random.default_rng(19)
    bad = 0
    for seed in range(100):
        widths = (*(int(n) for n in random.integers(2, 7, size=int(random.integers(2, 4)))), int(random.integers(1, 3)))
        network, data = problem(seed, widths)
        q = F(int(random.integers(1, 10)), 10)
        found = xd.estimate(network, data, q, width=0.3, confidence="0.9", max_cost=0, seed=seed, gradient=True)
        bad += outside(found, xd.evaluate(network, data, q, gradient=True)) > 0
    assert bad <= 10


def test_an_interval_shrinks_to_its_entry():
    """More passes, narrower intervals, which still contain the entry; without biases there are none of biases."""
    network, data = problem(2, (5, 6, 1), biases=False)
    truth = xd.evaluate(network, data, "1/2", gradient=True)
    wide, narrow = (xd.estimate(network, data, "1/2", width=w, max_cost=0, gradient=True) for w in (0.3, 0.01))
    assert narrow.passes > wide.passes
    assert narrow.gradient.widest < 0.7 * wide.gradient.widest
    assert outside(narrow, truth) == 0
    assert narrow.gradient.biases_low == (None, None)
    with pytest.raises(InvalidInput, match="has none"):
        narrow.gradient.bias(0, 1)
    name, interval = narrow.gradient.largest(1)[0]
    letter, layer, unit, below = name[0], *(int(k) for k in name[1:].rstrip("]").replace("[", ",").split(","))
    assert letter == "W"
    assert interval == narrow.gradient.weight(layer - 1, unit - 1, below - 1)


@pytest.mark.parametrize("rows", [False, True])
def test_groups_share_the_probability(rows):
    """With gradients at 0.7 the others are those at 0.85 (0.9 where rows take a third too), bit for bit."""
    network, data = problem(5, (12, 9, 2))
    options = {"seconds": 1e-9, "max_cost": 0}
    both = xd.estimate(network, data, 0.5, confidence="7/10", gradient=True, rows=rows, **options)
    alone = xd.estimate(network, data, 0.5, confidence="9/10" if rows else "17/20", **options)
    assert both.passes == alone.passes
    assert (both.criterion, both.variance, both.mean) == (alone.criterion, alone.variance, alone.mean)


def test_a_journal_and_threads_keep_the_bits(tmp_path):
    path = tmp_path / "run.journal"
    options = {"max_cost": 0, "gradient": True, "seed": 3}
    xd.estimate(*problem(3, (10, 8, 2)), "1/2", width=0.1, checkpoint=path, **options)
    narrow = xd.estimate(*problem(3, (10, 8, 2)), "1/2", width=0.03, checkpoint=path, threads=3, **options)
    assert narrow == xd.estimate(*problem(3, (10, 8, 2)), "1/2", width=0.03, threads=1, **options)
    assert pickle.loads(pickle.dumps(narrow)) == narrow


def test_what_can_be_enumerated_is_certain():
    network, data = problem(6, (4, 3, 1))
    found = xd.estimate(network, data, "1/2", gradient=True)
    truth = xd.evaluate(network.exact(), data.exact(), "1/2", gradient=True)
    for low, high, exact in zip(
        found.gradient.weights_low, found.gradient.weights_high, truth.gradient.weights, strict=True
    ):
        for a, b, value in zip(low.ravel().tolist(), high.ravel().tolist(), exact.ravel().tolist(), strict=True):
            assert F(a) <= value <= F(b)
            assert b - a < 1e-10
    assert found.certain


def test_the_command_prints_the_largest_entries_and_json_all(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    network, data = problem(4, (7, 6, 1))
    network.save("net.json")
    lines = [",".join(map(repr, [*x, *y])) for x, y in zip(data.inputs.tolist(), data.labels.tolist(), strict=True)]
    (tmp_path / "data.csv").write_text("\n".join(lines) + "\n")
    asked = ["estimate", "net.json", "data.csv", "--q", "1/2", "--max-cost", "0", "--width", "5%", "--gradient"]
    assert main(asked) == 0
    out = capsys.readouterr().out
    assert "the 20 of 55 entries" in " ".join(out.split())
    assert "W1[" in out
    assert main([*asked, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["gradient"]
    truth = xd.evaluate(network, data, "1/2", gradient=True).gradient
    for l in (0, 1):
        for kind, exact in (("weights", truth.weights[l]), ("biases", truth.biases[l])):
            assert (np.array(told[kind]["at_least"][l]) <= exact).all()
            assert (np.array(told[kind]["at_most"][l]) >= exact).all()
    found = xd.estimate(network, data, "1/2", width=0.05, max_cost=0, gradient=True)
    assert "entries" in repr(found.gradient)
    assert "furthest from 0" in found.gradient._repr_html_()
    assert r"\partial J_D/\partial" in found.latex()
