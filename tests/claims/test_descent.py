"""Descent to counterexamples: what floats find is a point of fractions where the claim fails by the definition."""

import random
from fractions import Fraction as F
from operator import ge, le

import numpy as np
import pytest

from exactdropout.claims import check, parse_claim
from exactdropout.claims.refutation import search
from exactdropout.claims.refutation.arrays import Arrays
from exactdropout.claims.refutation.descent import descend, lowered
from exactdropout.claims.refutation.moments import Naive, Quick
from exactdropout.claims.setting.named_sizes import free_keys, scope_of
from exactdropout.claims.setting.setting import build_setting
from exactdropout.numeric.definition import naive_evaluation

ALL = "criterion + 2*risk + 3*penalty + 5*E[D] + 7*Var[D] + 11*E[D^2] + max(W(x), y)*y + abs(y) = 0"
BEYOND_THE_GRID = [  # refuted at points that no grid of small numbers holds
    ("E[D^2] >= W(x)^2 if w >= 0", "K-n-1 leaky_relu(1/4), no biases"),
    ("J_D >= q*y^2", "2-2-1 relu, no biases"),
    ("J_D >= q^2*(b-y)^2", "2-3-1 relu, biases"),
    pytest.param(
        "p^(d-1)*(J_D - R) is nondecreasing in q", "K-n^(d-1)-1 linear, no biases", marks=pytest.mark.thorough
    ),
]


@pytest.mark.parametrize(
    ("shape", "data", "q"),
    [
        ("2-3-1 relu, biases", None, None),
        ("2-1, no biases", "half(x, y)", None),
        ("2-2-2-1 leaky_relu(1/3), hidden biases", None, "0, q, 1/3"),
        ("1-2-1 linear, output bias", "design(X, y, 3)", "q[1], q[2]"),
        ("3-1-1 relu, biases", "point((1, -2, 0), y)", "0"),
    ],
)
def test_arrays_say_what_the_double_loop_says(shape, data, q):
    text = ALL.replace("max(W(x), y)*y + abs(y)", "1") if data and "design" in data else ALL
    claim, setting = parse_claim(text), build_setting(shape, data, q, None, ())
    sizes = next(setting.sizes())
    architecture = setting.architecture(sizes)
    keys, rng = free_keys(claim, setting, architecture, sizes), random.Random(0)
    points = [
        {k: F(rng.randrange(1, 8), 9) if k[0] == "q" else F(rng.randrange(-9, 9), 4) for k in keys} for _ in "abcde"
    ]
    columns = {k: np.array([float(point[k]) for point in points]) for k in keys}
    side = claim.statement.sides[0]
    found = scope_of(claim, setting, architecture, sizes, Arrays(), columns).evaluate(side)
    exact = [scope_of(claim, setting, architecture, sizes, Naive(), point).evaluate(side) for point in points]
    assert found == pytest.approx([float(value) for value in exact], rel=1e-10)


@pytest.mark.parametrize(("text", "shape"), BEYOND_THE_GRID)
def test_what_no_grid_refutes(text, shape):
    verdict = check(text, shape)
    assert verdict.status == "refuted"
    point = verdict.counterexample
    assert not {">=": ge, "<=": le}[point.relation](point.left, point.right)
    if text.startswith("J_D"):
        found = naive_evaluation(point.network, point.data, point.rates)
        q, y, b = point.rates[0], point.values["y"], point.values.get("b", 0)
        assert (
            found.criterion == point.left < (q * y**2 if text.endswith("y^2") else q**2 * (b - y) ** 2) == point.right
        )


def test_a_true_claim_is_not_refuted():
    claim, setting = parse_claim("J_D >= q^2*(b-y)^2"), build_setting("1-2-1 relu, biases", None, None, None, ())
    assert descend(claim, setting, work=20_000_000) is None


def test_assumptions_that_tie_variables_are_kept():
    claim = parse_claim("w[1]*x[1] <= 100 if w[1]^2 + x[1]^2 <= 401/2")
    setting = build_setting("1-1, no biases", None, None, None, claim.assumptions)
    scope = descend(claim, setting)
    w, x = scope.values["w", (1,)], scope.values["x", (1,)]
    assert w * x > 100
    assert w * w + x * x <= F(401, 2)


def test_a_minimiser_is_attacked():
    claim = parse_claim("w = p*y/x[1] is a minimiser of J_D")  # p/(x (1 + t/K)) would be right at K = 1 alone
    setting = build_setting("2-1, no biases", None, None, None, ())
    assert descend(claim, setting) is not None


def test_lbfgs_finds_the_least_value_of_a_narrow_valley():
    def valley(points):
        return ((1 - points[:, 0]) ** 2 + 100 * (points[:, 1] - points[:, 0] ** 2) ** 2) / 1000

    points, values, _ = lowered(valley, np.array([[-1.2, 1.0], [2.0, -1.0], [0.0, 0.0]]))
    assert values.max() < 1e-3
    assert np.isfinite(points).all()


def test_a_simpler_point_is_shown_only_where_the_double_loop_agrees(monkeypatch):
    """With an evaluation that calls everything false, simpler numbers would be shown at which the claim holds."""

    class Wrong(Quick):
        def quantity(self, name, scope):
            return F(-1)

    setting, claim = build_setting("1-1, no biases", None, None, None, ()), parse_claim("J_D >= y")
    values = {("w", (1,)): F(0), ("x", (1,)): F(3), ("y", ()): F(1, 3), ("q", ()): F(1, 3)}
    architecture = setting.architecture({})
    scope = scope_of(claim, setting, architecture, {}, Quick(), values)
    assert search.confirmed(claim, scope)
    true = search.counterexample_at(claim, scope)
    assert (true.left, true.relation, true.right) == (F(1, 4), ">=", F(1, 2))
    monkeypatch.setattr(search, "Quick", Wrong)
    kept = search.counterexample_at(claim, scope)
    assert (kept.left, kept.relation, kept.right) == (F(1, 9), ">=", F(1, 3))
