"""A refused evaluation names what would answer, and what it names does."""

from __future__ import annotations

import itertools
import math
import re
import time
from fractions import Fraction as F

import numpy as np
import pytest

import exactdropout as xd
from exactdropout.errors import CostLimitExceeded
from exactdropout.model.arguments import enough
from exactdropout.numeric import instead
from exactdropout.numeric.float64 import engine, plan
from exactdropout.numeric.float64.problem import prepare
from exactdropout.numeric.sampled import expected


def drawn(widths: tuple[int, ...], rows: int) -> tuple[xd.Network, xd.Examples]:
    random = np.random.default_rng(0)
    weights = [random.normal(size=(b, a)) * (2 / a) ** 0.5 for a, b in itertools.pairwise(widths)]
    return xd.Network(weights), xd.Examples((random.random((rows, widths[0])), random.normal(size=(rows, widths[-1]))))


def refused(network: xd.Network, data: xd.Examples, q: object, **options: object) -> str:
    with pytest.raises(CostLimitExceeded) as caught:
        xd.evaluate(network, data, q, **options)  # type: ignore[arg-type]
    return str(caught.value)


def test_a_limit_that_is_named_allows_it():
    network, data = drawn((14, 20, 1), 60)
    said = refused(network, data, "1/2", max_cost=1e-5)
    limit = float(re.search(r"raise max_cost to (\S+) to allow it", said)[1])
    assert limit < 5
    assert xd.plan(network, data, "1/2").seconds <= limit <= 2 * xd.plan(network, data, "1/2").seconds
    xd.evaluate(network, data, "1/2", max_cost=limit)


@pytest.mark.parametrize("seconds", [0.0, 1e-7, 0.0123, 1.0, 9.99, 59.2, 7234.5, 9.999e8])
def test_limits_are_rounded_up(seconds):
    limit = float(re.search(r"to (\S+) to", enough(seconds))[1])
    assert seconds <= limit <= 1.11 * seconds + 1e-9


def test_the_layers_that_stay_dropped_are_the_most_units_that_the_limit_allows():
    """Kept inputs leave 16 hidden units to walk, which takes 2^16 leaves; kept hidden units leave 40 inputs."""
    network, data = drawn((40, 16, 60, 1), 3)
    said = refused(network, data, ("1/2", "1/3", "1/4"), max_cost=2)
    assert "with drop probabilities 0, 1/3, 1/4 it would take about" in said
    xd.evaluate(network, data, ("0", "1/3", "1/4"), max_cost=2)
    deep = refused(*drawn((40, 40, 40, 1), 3), "1/2", max_cost=1e-2)
    assert "with drop probabilities 0, 0, 1/2 it would take about" in deep


def test_nothing_is_offered_that_would_not_answer():
    network, data = drawn((40, 50, 1), 3)
    said = refused(network, data, ("1/2", 0))
    assert "drop probabilities" not in said  # without the inputs nothing would be dropped
    assert "xd.estimate gives in 10 s" in said
    said = refused(network, data, "1/2", gradient=True)
    assert "xd.estimate" not in said  # it has no gradients
    assert "with drop probabilities 0, 1/2" in said


def test_a_lifetime_is_not_a_limit():
    network, data = drawn((64, 50, 1), 3)
    said = refused(network, data, "1/2")
    assert "raise max_cost" not in said
    assert "executor" not in said


def test_an_exact_network_is_told_which_network_an_estimate_takes():
    thirds = xd.Network([[[F((-3) ** k, 3 * k + 1) for k in range(60)]], [1]])
    said = refused(thirds, xd.Examples([([F(1, k + 1) for k in range(60)], 1)]), "1/2")
    assert "xd.estimate gives of network.float64()" in said
    dyadic = xd.Network([[[F((-1) ** k * (2 * k + 1), 2**k) for k in range(60)]], [1]])
    said = refused(dyadic, xd.Examples([([F(1, k + 1) for k in range(60)], 1)]), "1/2", max_cost=1)
    assert "xd.estimate gives in 10 s" in said


def test_numbers_beyond_float64_have_no_estimate():
    huge = xd.Network([[[F(10) ** 400 * (-3) ** k + k for k in range(60)]], [1]])
    assert "xd.estimate" not in refused(huge, xd.Examples([([F(1, k + 1) for k in range(60)], 1)]), "1/2", max_cost=1)


@pytest.mark.parametrize(("widths", "q"), [((30, 40, 1), F(1, 2)), ((20, 30, 2), F(1, 5)), ((12, 20, 20, 1), F(1, 2))])
def test_the_expected_width_is_met(widths, q):
    """After as many passes as a run needed for 4 %: within a factor of two."""
    network, data = drawn(widths, 50)
    found = xd.estimate(network, data, q, width=0.04, max_cost=0)
    pilot = expected._Pilot(prepare(network, data, (q,) * (len(widths) - 1)), 50, 4096)
    assert 0.02 < pilot.width_after(found.passes) < 0.08
    assert pilot.width_after(0) == math.inf


@pytest.mark.parametrize(
    ("widths", "rows", "q"),
    [((30, 40, 1), 300, F(1, 2)), ((300, 60, 10), 2000, F(1, 2)), ((20, 40, 40, 2), 100, F(1, 3))],
)
def test_the_promise_is_kept_by_processor_time(widths, rows, q):
    """In order of magnitude, whatever else the machine does: a run of which the processor time is measured."""
    network, data = drawn(widths, rows)
    xd.estimate(network, data, q, seconds=0.01, max_cost=0)  # imports
    begun = time.process_time()
    found = xd.estimate(network, data, q, seconds=0.8, max_cost=0)
    taken = time.process_time() - begun
    few = instead._thinned(data, instead.PILOT)
    promised = expected.expected_width(prepare(network, few, (q,) * (len(widths) - 1)), rows, taken, instead.VISITS)
    assert 0.25 < promised / found.criterion.relative_width < 4


def test_a_second_that_ends_before_the_first_interval_has_no_width():
    network, data = drawn((30, 40, 1), 50)
    assert expected.expected_width(prepare(network, data, (F(1, 2),) * 2), 10**7, 1.0, 4096) == math.inf


def test_a_large_problem_is_refused_by_a_few_of_its_rows(monkeypatch):
    """No forward pass of all rows comes first; what is affordable is computed, with the same bits."""
    network, data = drawn((40, 30, 1), 200)
    whole = refused(network, data, "1/2")
    small, few = drawn((6, 5, 1), 200)
    value = xd.evaluate(small, few, "1/2")
    monkeypatch.setattr(plan, "MOST_PLANNED", 100)
    assert xd.evaluate(small, few, "1/2") == value
    assert xd.evaluate(small, few, "1/2", moments=4).criterion == value.criterion
    monkeypatch.setattr(engine, "reference_outputs", None)
    part = refused(network, data, "1/2")
    assert "xd.estimate gives in 10 s" in part
    exponents = [int(re.search(r"about 2\^(\d+) leaves", said)[1]) for said in (part, whole)]
    assert abs(exponents[0] - exponents[1]) <= 1
    with pytest.raises(CostLimitExceeded):
        xd.plan(network, data, "1/2", max_cost=60)
