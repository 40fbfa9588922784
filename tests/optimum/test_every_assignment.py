"""Shipped minima again by a second route: all assignments of sign and cone, and descent on the true criterion."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import numpy as np
import pytest

import exactdropout as xd
from exactdropout.certificate.shipped import SHIPPED, Shipped
from exactdropout.optimum.reduced_problem import ReducedProblem, reduced_problem

from .brute_force import assignments, brute_force, sweep, unit_types

FAMILIES = [(inputs, biases) for inputs in (2, 3, 4) for biases in (True, False)]
EXACT = {(2, True): 15, (2, False): 12, (3, True): 6, (3, False): 8, (4, True): 3, (4, False): 5}
SWEPT = {(2, True): 2, (3, True): 2, (3, False): 1, (4, False): 1}


def question(shipped: Shipped) -> tuple[xd.Architecture, xd.Examples]:
    ones = (1,) * shipped.inputs
    data = xd.Examples.half(ones, 1) if shipped.biases else xd.Examples.point(ones, 1)
    return xd.Architecture(shipped.inputs, (shipped.width,), biases=shipped.biases), data


def instances(family: tuple[int, bool], low: int, high: int) -> list[tuple[Shipped, ReducedProblem]]:
    """Return the shipped problems of a family with low < number of assignments ≤ high."""
    found = []
    for shipped in SHIPPED:
        if (shipped.inputs, shipped.biases) == family:
            problem = reduced_problem(*question(shipped), Fraction(1, 2), nonnegative=shipped.nonnegative)
            if low < comb(len(unit_types(problem)) + shipped.width - 1, shipped.width) <= high:
                found.append((shipped, problem))
    return found


def test_assignments_are_multisets_of_types():
    ((_, problem), *_) = instances((2, False), 1_000, 2_000)  # four units, 6 cones with 2 signs
    assert sum(1 for _ in assignments(problem)) == comb(12 + 4 - 1, 4)


@pytest.mark.thorough
@pytest.mark.parametrize("family", EXACT)
def test_all_assignments_of_instances_up_to_25_000_exactly(family):
    chosen = instances(family, 0, 25_000)
    assert len(chosen) == EXACT[family]
    for shipped, problem in chosen:
        assert brute_force(problem) == shipped.solve().value, shipped.name


@pytest.mark.thorough
@pytest.mark.parametrize("family", SWEPT)
def test_all_assignments_of_instances_up_to_300_000_in_floats(family):
    chosen = instances(family, 25_000, 300_000)
    assert len(chosen) == SWEPT[family]
    for shipped, problem in chosen:
        assert sweep(problem) == pytest.approx(float(shipped.solve().value), abs=1e-9), shipped.name


@pytest.mark.parametrize(("inputs", "biases", "width"), [
    (2, False, 4),
    *(pytest.param(*size, marks=pytest.mark.thorough) for size in ((2, True, 3), (3, True, 2), (4, True, 2))),
])  # fmt: skip
def test_descent_on_the_true_criterion_finds_nothing_below(inputs, biases, width):
    """Many starts of L-BFGS on the criterion over all masks; its bound makes "below" rigorous."""
    shipped = Shipped(inputs=inputs, width=width, biases=biases, nonnegative=False)
    arch, data = question(shipped)
    best = shipped.solve()
    rng = np.random.default_rng(2017)

    def end(start: xd.Network) -> float:
        result = xd.evaluate(xd.train(start, data, "1/2", iterations=120).network, data, "1/2")
        assert result.enclosure()[1] >= best.value
        return result.criterion

    for _ in range(8):
        weights = [rng.normal(size=(width, inputs)), rng.normal(size=(1, width))]
        end(xd.Network(weights, [rng.normal(size=width), rng.normal(size=1)] if biases else None))
    near = best.network.float64()  # descent from beside the certified network comes back to its value

    def moved(values):
        return values + 0.01 * rng.normal(size=values.shape)

    start = xd.Network([moved(w) for w in near.weights], [moved(b) for b in near.biases] if biases else None)
    assert end(start) <= float(best.value) * (1 + 1e-3) < xd.evaluate(start, data, "1/2").criterion
    assert arch == start.architecture
