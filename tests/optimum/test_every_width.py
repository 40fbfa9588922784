"""Bounds for every width at once: against certified minima, plain networks, and a plain least-squares program."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls

import exactdropout as xd
from exactdropout.certificate import checker, write_certificate
from exactdropout.errors import InvalidInput
from exactdropout.model import Architecture, Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.optimum.every_width import bounds_for_every_width, every_width
from exactdropout.optimum.reduced_problem import reduced_problem
from exactdropout.optimum.unit_types import Arrangement

HALF = Fraction(1, 2)
ROWS = st.lists(
    st.tuples(st.tuples(st.integers(-2, 2), st.integers(-2, 2)), st.integers(-2, 2)), min_size=1, max_size=2
)


def convex_bound(width, keep=0.5, steps=8):
    """inf E (f + β − y)² + (λ/n) γ(f)² on P_(1,1) with K = 2, biases, by non-negative least squares over many units.

    Masked inputs (0, 0), (1, 0), (0, 1), (1, 1); a row √(λ/n) (1, …, 1) on the sizes is the regulariser.
    """
    points = np.array([[0, 0, 1], [1, 0, 1], [0, 1, 1], [1, 1, 1]], float)
    drop = 1 - keep
    chances = np.array([drop * drop, keep * drop, drop * keep, keep * keep]) / 2
    rows, weights, labels = np.vstack([points, points[:1]]), np.append(chances, HALF), np.array([1.0] * 4 + [0.0])
    grid = np.arange(-steps, steps + 1) / steps * 2
    directions = np.array([(a, b, c) for a, b in itertools.product(grid, grid) for c in (-2, -1, -0.5, 0, 0.5, 1, 2)])
    values = np.maximum(directions @ rows.T, 0)
    norms = np.sqrt(values**2 @ weights.astype(float))
    atoms = values[norms > 0] / norms[norms > 0][:, None]
    atoms = np.unique(atoms.round(12), axis=0)
    atoms = np.vstack([atoms, -atoms])
    root = np.sqrt(weights.astype(float))
    centred = (atoms - (atoms @ weights.astype(float))[:, None]) * root
    target = (labels - labels @ weights.astype(float)) * root
    spread = math.sqrt(drop / keep / width)
    matrix = np.vstack([centred.T, np.full((1, len(atoms)), spread)])
    return nnls(matrix, np.append(target, 0.0))[1] ** 2


def test_the_bound_at_width_8_is_that_of_a_plain_program():
    wide = every_width(Architecture(2, (1,)), Examples.half((1, 1), 1), "1/2")
    assert wide.infinite == Fraction(1, 10)
    plain = convex_bound(8)
    assert float(wide.lower(8)) <= plain + 1e-12
    assert plain == pytest.approx(0.1352455, abs=5e-6)
    assert float(wide.lower(8)) == pytest.approx(plain, abs=5e-6)  # 2e-6 with steps=24
    assert wide.lower(8) < Fraction(33, 244)


def test_both_rates_agree():
    for inputs, biases in ((2, True), (2, False), (3, True), (3, False)):
        data = Examples.half((1,) * inputs, 1) if biases else Examples.point((1,) * inputs, 1)
        wide = every_width(Architecture(inputs, (1,), biases=biases), data, "1/2")
        assert wide.rate_below <= wide.rate_above <= wide.rate_below * (1 + Fraction(1, 10**5))


@pytest.mark.quick_cases(2)
@settings(max_examples=8)
@given(ROWS, st.booleans(), st.sampled_from(["1/2", "1/5"]))
@example([((1, 1), 1), ((0, 0), 0)], True, "1/2")
@example([((0, 0), 1)], False, "1/2")  # nothing can be fitted
@example([((1, -1), 2), ((-1, 1), -2)], False, "1/2")
@example([((1, 1), 1)], True, "1/2")  # the output bias is enough
def test_certified_minima_lie_between(rows, biases, q):
    data = Examples(rows)
    wide = every_width(Architecture(2, (1,), biases=biases), data, q)
    for width in (1, wide.units + 1, 600):
        best = xd.minimize(Architecture(2, (width,), biases=biases), data, q, compare=False, time_limit=20)
        assert wide.lower(width) <= best.upper
        assert best.infinite_width == wide.infinite
        if width > wide.units:
            assert best.lower <= wide.upper(width)


@settings(max_examples=12)
@given(ROWS, st.data())
def test_no_network_is_below(rows, data):
    width = data.draw(st.integers(1, 3))
    weight = st.fractions(-2, 2, max_denominator=4)
    network = Network(
        [[[data.draw(weight) for _ in range(2)] for _ in range(width)], [data.draw(weight) for _ in range(width)]],
        [[data.draw(weight) for _ in range(width)], data.draw(weight)],
    )
    found = naive_evaluation(network, Examples(rows), (HALF, HALF)).criterion
    assert every_width(network.architecture, Examples(rows), "1/2").lower(width) <= found


def test_a_wide_layer_gets_its_interval_without_branching():
    best = xd.minimize("2-3000-1 relu", Examples.half((1, 1), 1), "1/2", compare=False)
    assert best.status == "interval"
    assert best.nodes == 1
    assert 0 < best.upper - best.lower < Fraction(1, 10**8)
    wide = best.every_width
    assert wide.lower(3000) <= best.upper
    assert best.lower <= wide.upper(3000)
    assert wide.lower(3000) > best.lower - Fraction(1, 10**8)


def test_the_certificate_of_a_wide_layer_is_checked(tmp_path):
    best = xd.minimize("2-600-1 relu, no biases", Examples.point((1, 1), 1), "1/2", compare=False)
    write_certificate(best, tmp_path / "wide.json")
    proved = checker.check((tmp_path / "wide.json").read_text("utf-8"))
    assert (proved.lower, proved.upper, proved.width) == (best.lower, best.upper, 600)


def test_misuse():
    wide = every_width(Architecture(1, (1,)), Examples.point((1,), 1), "1/2")
    with pytest.raises(InvalidInput, match="'width'"):
        wide.lower(0)
    with pytest.raises(InvalidInput, match="'width'"):
        wide.upper(wide.units)
    problem = reduced_problem(Architecture(1, (1,)), Examples.point((1,), 1), "1/2", nonnegative=True)
    with pytest.raises(InvalidInput, match="all weights free"):
        bounds_for_every_width(Arrangement(problem, math.inf))
