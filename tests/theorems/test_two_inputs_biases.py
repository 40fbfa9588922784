"""n*(2, q) with biases for widths from 8 on: against the optimiser, exact evaluation, other bounds, and with errors."""

from fractions import Fraction

import pytest
import sympy

from exactdropout import evaluate
from exactdropout.model import Architecture, Examples
from exactdropout.optimum import minimize
from exactdropout.theorems.negative_weights import two_inputs_with_biases as two_inputs_biases
from exactdropout.theorems.negative_weights.exactdropout_2026_width_limits import enough, needed
from exactdropout.theorems.negative_weights.two_inputs import needs_negative
from exactdropout.theorems.negative_weights.two_inputs_with_biases import (
    needs_negative_with_biases,
    network_with_both,
    two_inputs_with_biases_steps,
)
from exactdropout.theorems.nonnegative.exactdropout_2026_nonnegative_minimum import half_minimum

F = Fraction


def test_every_step_is_found():
    steps = two_inputs_with_biases_steps()
    assert len(steps) == 10
    assert all(s.holds is not False for s in steps)
    assert sum(s.holds is None for s in steps) == 2


@pytest.mark.parametrize("width", [8, 20, 60, 128, 160, 300])
def test_the_optimiser_agrees_on_both_sides_of_the_threshold(width):
    low, high = F(7195, 10**4), F(999, 1000)
    for _ in range(9):
        middle = (low + high) / 2
        low, high = (middle, high) if needs_negative_with_biases(width, middle) else (low, middle)
    for rate, expected in ((low, True), (high, False)):
        found = minimize(Architecture(2, (width,)), Examples.half((1, 1), 1), rate, compare=False)
        own = half_minimum(2, width, rate / (1 - rate))
        assert (found.value < own) is expected
        assert found.value == own or expected


def test_the_network_is_below_by_exact_evaluation():
    width, rate = 30, F(37, 50)
    assert needs_negative_with_biases(width, rate)
    found = evaluate(network_with_both(width, rate), Examples.half((1, 1), 1), rate).criterion
    assert found < half_minimum(2, width, rate / (1 - rate))


def test_the_bounds_for_every_number_of_inputs_agree():
    seen = set()
    for i in range(290, 399):
        for width in (8, 12, 20, 50, 100, 130, 200, 400, 900):
            rate = F(i, 400)
            exact = needs_negative_with_biases(width, rate)
            assert not (exact and enough(2, width, rate, biases=True))
            assert exact or not needed(2, width, rate, biases=True)
            assert exact or not needs_negative(width, rate)
            seen.add((exact, needs_negative(width, rate)))
    assert seen == {(True, True), (True, False), (False, False)}


@pytest.mark.parametrize(
    "name",
    ["BOTH", *(pytest.param(name, marks=pytest.mark.thorough) for name in ("MIXED_AGAINST_BOTH", "SCALE", "SINGLE"))],
)
def test_a_wrong_coefficient_fails(monkeypatch, name):
    wrong = sympy.expand(getattr(two_inputs_biases, name) + two_inputs_biases.p**3)
    if name == "SINGLE":
        wrong = sympy.expand(two_inputs_biases.SINGLE * 0 - 1)
    monkeypatch.setattr(two_inputs_biases, name, wrong)
    assert any(s.holds is False for s in two_inputs_with_biases_steps())


def test_the_vector_of_the_other_unit_is_needed(monkeypatch):
    first, second, last = two_inputs_biases.RHO
    monkeypatch.setattr(two_inputs_biases, "RHO", (first, second, -last))
    assert any(s.holds is False for s in two_inputs_with_biases_steps())
