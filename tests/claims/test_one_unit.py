"""Penalty >= 0 for one hidden unit with w y <= 0: proved, refuted where the sign is wrong, and the double loop."""

import random
from fractions import Fraction as F

import pytest

from exactdropout.claims import check
from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import naive_evaluation

LEAKY = "K-1-1 leaky_relu(1/10), no biases"


@pytest.mark.parametrize(
    ("claim", "arch", "data"),
    [
        ("penalty >= 0 if y <= 0, w >= 0", LEAKY, None),
        ("penalty >= 0 if y = 0", LEAKY, None),
        ("J_D >= R if y > 0, w[1] <= 0", "2-1-1 leaky_relu(1/3), hidden biases", None),
        ("penalty >= 0 if w < 0", "K-1-1 relu, hidden biases", "half(x, 2)"),
        (r"0 \le J_D - R \text{ if } y \le 0, w \ge 0", "2-1-1 relu, hidden biases", "half(x, y)"),
        ("R <= J_D if y = 0", "K-1-1 relu, hidden biases", None),
    ],
)
def test_proved(claim, arch, data):
    assert check(claim, arch, data).status == "proved"


@pytest.mark.parametrize(
    ("claim", "arch", "status"),
    [
        ("penalty >= 0 if y >= 0, w >= 0", LEAKY, "refuted"),
        ("penalty >= 0 if y <= 0", LEAKY, "refuted"),
        ("penalty >= 0 if y <= 0, w >= 0", "K-1-1 leaky_relu(1/10), output bias", "refuted"),
        ("penalty > 0 if y = 0", LEAKY, "refuted"),
    ],
)
def test_no_wider_than_the_proof(claim, arch, status):
    assert check(claim, arch).status == status


@pytest.mark.parametrize("seed", range(6))
def test_the_double_loop_agrees(seed):
    draw = random.Random(seed)
    slope = draw.choice(["relu", "leaky_relu(1/10)", "leaky_relu(1/2)"])
    first = [[F(draw.randint(-6, 6), draw.randint(1, 3)) for _ in range(3)]]
    weight = F(draw.choice([-2, -1, 1, 2]), 2)
    label = -abs(F(draw.randint(0, 4), 3)) * (1 if weight > 0 else -1)
    network = Network([first, [weight]], [[F(draw.randint(-3, 3), 2)], 0], activation=slope)
    for q in (F(1, 10), F(2, 3)):
        found = naive_evaluation(network, Examples.half([1, -1, F(1, 2)], label), [q, F(1, 4)])
        assert found.criterion >= found.risk
