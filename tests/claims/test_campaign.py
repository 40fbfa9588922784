"""Random claims, most of them false: what is proved is attacked at many points of exact fractions; nothing falls."""

import itertools
import random
import sys

import pytest

from exactdropout.claims import check
from exactdropout.claims.refutation.attack import edge_points
from exactdropout.claims.refutation.search import admissible, failure
from exactdropout.claims.setting.entries import with_layers
from exactdropout.claims.setting.named_sizes import Undefined, Unsupported
from exactdropout.claims.setting.setting import build_setting
from exactdropout.errors import CostLimitExceeded, InvalidInput

SHAPES = ("K-1, no biases", "K-1", "2-1, no biases", "1-1", "K-n-1 linear, no biases", "K-n-1 relu, no biases",
          "K-n-1 relu", "K-n^(d-1)-1 linear, no biases", "2-2^(d-1)-1 relu", "1-1-1 relu, no biases",
          "2-1-1 relu, no biases",
          "1-2-1 relu, output bias", "K-n-n-1 relu, no biases", "1-1-1 leaky_relu(1/3), no biases")  # fmt: skip
QUANTITIES = ("J_D", "R", "penalty", "E[D]", "Var[D]", "E[D^2]", "W(x)")
ATOMS = ("y", "y^2", "q", "p", "q/p", "1", "2", "c", "c^2", "K", "Sum(x[i]^2, i=1..K)", "Sum(x[i], i=1..K)^2",
         "Sum(Sum(x[i]^2*x[k]^2, k=1..K), i=1..K)", "Sum(x[i]^4, i=1..K)", "x[1]", "x[1]*y", "w[1]^2")  # fmt: skip
FRIENDS = (
    "(K-1)*q/p",
    "q/(p*K)",
    "(1 - q)/q",
    "1/p",
    "q/(p*n)",
    "Sum(w[i]^2*x[i]^2, i=1..K)",
    "Sum(w[i], i=1..K)^2",
    "q^2",
    "q^K",
    "(b - y)^2",
    "W(x)^2/p",
    "W(x)^2",
    "max(y, 0)",
    "min(W(x), y)",
    "relu(W(x))",
    "|E[D]|",
)
DEEP = ("p^(d-1)", "p^(1-d)", "(1 + q/p)^(d-1)", "d", "n", "K^d", "q^d")
ASSUME = (None, None, "w >= 0", "w >= 0, W >= 0, x >= 0", "y <= 0", "c > 0", "q > 0", "x = 1", "w = 0", "y = c",
          "w <= 0", "q <= 1/2", "x[1] >= 0", "w[1] = 1", "R = 0", "y = 2*E[D]", "K >= 2", "w_i >= 0, y <= 0",
          "c > 0, c < 0", "w[1]*y <= 0", "w <= 0, y >= 0", "weights = c", "weights = c, c >= 0", "x <= 0",
          "w != 0, x != 0",
          "E[D] = W(x)", "q <= 1/3", "y = 0", "n >= 2", "w > 0, x > 0, W > 0", "biases >= 0, weights >= 0, x >= 0",
          "x[3] >= 0", "b >= 0", "q = 0", "W[1,1] >= 0", "c >= 1, c <= 1")  # fmt: skip


def expression(rng, shape, depth=2):
    """Return a random expression: quantities, sums, powers with symbolic exponents, relu and max of them."""
    if depth == 0 or rng.random() < 0.3:
        return rng.choice(QUANTITIES + ATOMS + FRIENDS + (DEEP if "d-1" in shape else ()))
    kind = rng.randrange(8)
    a, b = expression(rng, shape, depth - 1), expression(rng, shape, depth - 1)
    return (f"{a} + {b}", f"({a}) - ({b})", f"({a})*({b})", f"({a})^2", f"relu({a})", f"max({a}, {b})", f"abs({a})",
            f"2*({a})")[kind]  # fmt: skip


def statement(rng, shape):
    """Return a random claim."""
    kind = rng.random()
    a = expression(rng, shape)
    if kind < 0.55:
        return f"{a} {rng.choice(('=', '<=', '>=', '>=', '<=', '<', '!='))} {expression(rng, shape)}"
    if kind < 0.8:
        direction = rng.choice(("nondecreasing", "nonincreasing", "constant", "increasing", "convex", "concave"))
        return f"{a} is {direction} in {rng.choice(('q', 'q', 'p', 'y', 'c', 'x[1]', 'w[1]', 'b', 'K', 'n', 'd'))}"
    weight = rng.choice(("w[1]", "w", "x[1]", "x", "y", "W[1]", "W[1,1]", "b"))
    factor = rng.choice(("-1", "2", "c", "1/2", "K", "n", "d", "c^2"))
    if kind < 0.83:
        group = rng.choice(
            (
                "W[1] -> {f}*W[1], w -> w/{f}",
                "x -> {f}*x, W[1] -> W[1]/{f}",
                "w -> {f}*w, y -> {f}*y",
                "W[1] -> {f}*W[1], b[1] -> {f}*b[1], w -> w/{f}",
                "w -> {f}*w",
                "W[1] -> {f}*W[1]",
            )
        )
        return f"{a} is invariant under {group.format(f=rng.choice(('2', '-1', 'c', '(-2)', 'c^2', 'K', 'n')))}"
    if kind < 0.93:
        other = rng.choice(("w[1] -> w[1]/2", "w -> w/2", "w -> w/c", "x -> -x", "y -> -y", "y -> 2*y", "w -> -w"))
        extra = "" if other.startswith(weight) else f", {other}"
        return f"{rng.choice(QUANTITIES)} is invariant under {weight} -> {factor}*{weight}{extra}"
    if rng.random() < 0.3:
        weight = rng.choice(("w = 0, W[1]", "w = 0, b", "w[1] = 0, w[2]"))
    value = rng.choice(("0", "y", "p*y", "1", "y/K", "p*y/(1 + (K-1)*p)"))
    return f"{weight} = {value} is a minimiser of {rng.choice(QUANTITIES)}"


def campaign(count, seed, points=200, max_cost=1.0):
    """Return how many claims got each answer, and the proved ones that a point refutes."""
    rng = random.Random(seed)
    tally = dict.fromkeys(("proved", "replayed", "refuted", "undecided", "refused"), 0)
    wrong = []
    for _ in range(count):
        shape = rng.choice(SHAPES)
        text, assume = statement(rng, shape), rng.choice(ASSUME)
        data = rng.choice((None, None, None, "point(1, y)", "half(x, y)", "point((1, -2), 3)", "design(X, y)",
                           "design(X, y, 2)"))  # fmt: skip
        if data is not None and "X" in data:
            text = text.replace("x[i]", "X[1,i]").replace("x[k]", "X[1,k]").replace("y^2", "y[1]^2")
        data = None if data is not None and "-2" in data and not shape.startswith(("2", "K")) else data
        q = rng.choice((None, None, None, "1/2", "0", "0, q", "q, 0", "q, 1/2", "1/3, q, 0"))
        try:
            verdict = check(text, shape, data, q, assume=assume, max_cost=max_cost)
        except (InvalidInput, CostLimitExceeded):
            tally["refused"] += 1
            continue
        tally[verdict.status] += 1
        if verdict.status == "proved":
            tally["replayed"] += verdict.evidence == "replayed"
            setting = build_setting(shape, data, q, assume, ())
            if falls(with_layers(verdict.claim, setting), setting, points, rng.randrange(10**6)):
                wrong.append((text, shape, data, q, assume))
    return tally, wrong


def falls(claim, setting, points, seed):
    """Return whether one of many points refutes a claim."""
    for scope in itertools.islice(edge_points(claim, setting, seed=seed), points):
        try:
            if scope is not None and admissible(scope) and failure(claim, scope) is not None:
                return True
        except (Undefined, Unsupported):
            continue
    return False


def test_a_few_random_claims():
    tally, wrong = campaign(15, 1, points=40)
    assert wrong == []
    assert tally["refuted"] > 0


@pytest.mark.thorough
def test_many_random_claims():
    tally, wrong = campaign(60, 1, points=40)
    assert wrong == []
    assert tally["proved"] > 2


if __name__ == "__main__":  # python tests/claims/test_campaign.py COUNT SEED
    print(*campaign(int(sys.argv[1]), int(sys.argv[2])), sep="\n")
