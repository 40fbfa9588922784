"""Growth in q without writing the moments out, powers of q, the mask that drops a last layer of a known width."""

import random
from fractions import Fraction as F

import pytest

from exactdropout.claims import check
from exactdropout.errors import InvalidInput
from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import naive_evaluation

DEEP = "K-n^(d-1)-1 relu, no biases"
LINEAR = "K-n-1 linear, biases"


@pytest.mark.parametrize(
    ("claim", "arch", "rest"),
    [
        ("penalty is nondecreasing in q", LINEAR, {}),
        ("J_D is nondecreasing in q", "K-n^(d-1)-1 linear, biases", {}),
        ("J_D is nondecreasing in q", LINEAR, {"data": "half(x, y)"}),
        ("J_D is nondecreasing in q", LINEAR, {"q": "1/3, q"}),
        ("Var[D] is nondecreasing in q", "K-n-1 relu, biases", {"q": "0, q"}),
        ("J_D is nondecreasing in q", "K-n-1 relu, biases", {"assume": "x >= 0, weights >= 0, biases >= 0"}),
        ("q^d is increasing in q", DEEP, {}),
        ("(q/p)^d is increasing in q", DEEP, {}),
        ("1 - q^d is decreasing in q", DEEP, {}),
        ("q^(d-1) is nondecreasing in q", DEEP, {}),
        ("J_D >= q^n*y^2", "2-2-1 relu, no biases", {}),
        ("J_D >= q^n*(b - y)^2", "2-2-1 relu, biases", {}),
        ("J_D >= q^K*y^2", "3-1, no biases", {}),
        (r"J_D \ge \frac{y^2}{4}", "2-2-1 relu, no biases", {"q": "1/3, 1/2"}),
        ("E[D] = b if x = 0", "K-n^(d-1)-1 relu, output bias", {}),
        ("Var[D] = 0 if x = 0", "K-n-1 relu, no biases", {}),
        (r"J_D - R = \frac{q}{p} \sum_{j=1}^{n} w_j^2 \max(0, \sum_{i=1}^{K} W_{j,i} x_i)^2", "K-n-1 relu, no biases",
         {"q": "0, q"}),
    ],
)  # fmt: skip
def test_proved(claim, arch, rest):
    assert check(claim, arch, **rest).status == "proved"


@pytest.mark.parametrize(
    ("claim", "arch", "rest"),
    [
        ("J_D is increasing in q", LINEAR, {}),  # not where w = 0
        ("J_D is nonincreasing in q", LINEAR, {}),
        ("J_D is nondecreasing in q", "2-1-1 relu, no biases", {}),
        ("penalty is nondecreasing in q", "1-1, no biases", {"assume": "w = (1 - q)^2"}),
        ("J_D is nondecreasing in q", LINEAR, {"data": "point(x, q)"}),
        ("penalty is nondecreasing in q", "2-1, no biases", {"data": "point((p, p), y)"}),
        ("(1 - q)^2*penalty is nondecreasing in q", "1-1, no biases", {}),
        ("q^d is decreasing in q", DEEP, {}),
        ("q^(d-1) is increasing in q", DEEP, {}),  # d = 1
        ("q^d*p is nondecreasing in q", DEEP, {}),
        ("J_D > q^n*y^2", "2-2-1 relu, no biases", {}),  # q = 0
        ("J_D >= q*y^2 + 1/100", "2-2-1 relu, no biases", {}),
        ("J_D >= q*y^2", "2-2-1 linear, no biases", {"q": "0, q", "data": "point(1, y)", "assume": "W = 1, w = c"}),
        ("Var[D] = 0 if x = 0", "K-n-1 relu, biases", {}),
    ],
)
def test_never_proved(claim, arch, rest):
    assert check(claim, arch, **rest).status != "proved"


@pytest.mark.parametrize("seed", range(4))
def test_the_criterion_of_a_linear_network_grows_by_the_double_loop(seed):
    draw = random.Random(seed)
    numbers = [[F(draw.randint(-4, 4), draw.randint(1, 3)) for _ in range(2)] for _ in range(4)]
    network = Network([numbers[:2], numbers[2]], [numbers[3], 1], activation="linear")
    data = Examples.half([1, -2], 3)
    values = [naive_evaluation(network, data, [F(k, 6)] * 2).criterion for k in range(6)]
    assert values == sorted(values)


SIZED = {"data": "point(1, y)", "assume": "weights = c, c > 0"}


@pytest.mark.parametrize("size", ["K", "n"])
def test_the_relative_variance_shrinks_with_width(size):
    """Against Corollary 19's exact form at named sizes, in plain fractions."""
    assert check(f"Var[D]/W(x)^2 is nonincreasing in {size}", DEEP, **SIZED).status == "proved"
    assert check(f"Var[D]/W(x)^2 is nondecreasing in {size}", DEEP, **SIZED).status == "refuted"

    def relative(k, n, d):
        t = F(1, 2)
        return (1 + t / k) * (1 + t / n) ** (d - 1) - 1

    for k, n, d in [(1, 1, 1), (2, 3, 2), (3, 1, 4)]:
        larger = (k + 1, n, d) if size == "K" else (k, n + 1, d)
        assert relative(*larger) <= relative(k, n, d)


def test_growth_in_a_size_names_both_sizes():
    verdict = check("W(x) is increasing in n", DEEP, **SIZED)
    assert verdict.status == "refuted"
    assert verdict.counterexample.note == " (at n = 1 and at n = 2)"


@pytest.mark.parametrize(
    ("claim", "arch", "rest", "words"),
    [
        ("J_D is nondecreasing in K", "K-1", {}, "b and w and x may be others at each size"),
        ("W(x) is nondecreasing in n", DEEP, {"assume": "W = 1", "data": "point(1, y)"}, "but w may be others"),
        ("J_D is nondecreasing in K", "2-1", {}, "no K"),
        ("J_D is nondecreasing in n", "K-2-1", {}, "no n"),
        (
            "W(x) is nondecreasing in K",
            "K-1",
            {"data": "point((1, -2), 3)", "assume": "w = c, b = 0"},
            "gives 2 inputs",
        ),
    ],
)
def test_growth_in_a_size_needs_what_it_compares(claim, arch, rest, words):
    with pytest.raises(InvalidInput, match=r".") as caught:
        check(claim, arch, **rest)
    assert words in str(caught.value)
