"""n*(2, q) for widths from 8 on: against the optimiser, against least squares over kinds of units, and with errors."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import sympy

from exactdropout.model import Architecture, Examples
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.optimum import minimize
from exactdropout.theorems.definitions import p
from exactdropout.theorems.negative_weights import two_inputs
from exactdropout.theorems.negative_weights.two_inputs import needs_negative, network_below, two_inputs_steps
from exactdropout.theorems.negative_weights.two_inputs_bounds import BELOW, CASES
from exactdropout.theorems.nonnegative.exactdropout_2026_nonnegative_minimum import point_minimum

F = Fraction


def test_every_step_is_found():
    steps = two_inputs_steps()
    assert len(steps) == 8
    assert all(s.holds is not False for s in steps)
    assert sum(s.holds is None for s in steps) == 2


@pytest.mark.parametrize(("rate", "needed"), [(F(74, 100), True), (F(75, 100), False)])
def test_the_optimiser_agrees_on_both_sides_of_the_threshold(rate, needed):
    found = minimize(Architecture(2, (8,), biases=False), Examples.point((1, 1), 1), rate, compare=False)
    own = point_minimum(2, 8, rate / (1 - rate))
    assert (found.value < own) is needed is needs_negative(8, rate)
    assert found.value == own or needed


@pytest.mark.parametrize(("width", "rate"), [(8, F(18, 25)), (9, F(3, 4)), (10, F(77, 100))])
def test_the_network_is_below_by_the_double_loop(width, rate):
    assert needs_negative(width, rate)
    found = naive_evaluation(network_below(width, rate), Examples.point((1, 1), 1), (rate, rate)).criterion
    assert found < point_minimum(2, width, rate / (1 - rate))


def _least(width: int, mixed: tuple[int, int], q: float) -> float:
    """J_D of common units and two kinds of mixed ones with positive output weights, by non-negative least squares."""
    from scipy import optimize

    p = 1 - q
    chance, spread = np.array([p * q, p * q, p * p]), q / p
    kinds = [([[1, 0, 1], [0, 1, 1]], width - sum(mixed)), ([[1, 0, 0], [1, 0, 1]], mixed[0])]
    kinds.append(([[0, 1, 0], [0, 1, 1]], mixed[1]))
    kinds = [(np.array(rows, float), count) for rows, count in kinds if count]
    matrix = np.zeros((3 + 3 * len(kinds), 2 * len(kinds)))
    for i, (rows, count) in enumerate(kinds):
        matrix[:3, 2 * i : 2 * i + 2] = (rows * np.sqrt(chance)).T
        matrix[3 + 3 * i : 6 + 3 * i, 2 * i : 2 * i + 2] = np.sqrt(spread / count) * (rows * np.sqrt(chance)).T
    goal = np.zeros(len(matrix))
    goal[:3] = np.sqrt(chance)
    return q * q + optimize.nnls(matrix, goal)[1] ** 2


@pytest.mark.parametrize("width", [8, 9, 11, 14, 20])
def test_least_squares_over_kinds_of_units_agree(width):
    rates = [F(i, 200) for i in range(145, 186)]
    assert {needs_negative(width, rate) for rate in rates} == {True, False}
    for rate in rates:
        own = float(point_minimum(2, width, rate / (1 - rate)))
        counts = [(k, j) for k in range(1, 4) for j in range(min(k, 2) + 1)]
        gain = own - min(_least(width, mixed, float(rate)) for mixed in counts)
        assert bool(gain > 1e-9) is needs_negative(width, rate) or abs(gain) < 1e-8


@pytest.mark.parametrize("name", ["SINGLE", "PAIR"])
def test_a_wrong_coefficient_fails(monkeypatch, name):
    monkeypatch.setattr(two_inputs, name, sympy.expand(getattr(two_inputs, name) + two_inputs.p**3))
    assert any(s.holds is False for s in two_inputs_steps())


@pytest.mark.parametrize("case", [*CASES, BELOW], ids=lambda c: c.name)
def test_a_wrong_coefficient_in_a_statement_fails(case):
    names = {"S", "S_f", "P", "P_f"}
    wrong = [replace(d, value=d.value + p**3) if str(d.name) in names else d for d in case.definitions]
    assert tuple(wrong) != case.definitions
    assert not replace(case, definitions=tuple(wrong)).holds()


def test_the_theorem_does_not_reach_below_its_rate(monkeypatch):
    monkeypatch.setattr(two_inputs, "END", F(2, 5))
    monkeypatch.setattr(two_inputs, "RATE", F(3, 5))
    assert any(s.holds is False for s in two_inputs_steps())
