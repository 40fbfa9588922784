"""Kinds of false proofs that were found once: each with the case that showed it, its relatives, and true neighbours."""

import importlib

import pytest

from exactdropout.claims import check, parse_claim
from exactdropout.claims.refutation.attack import attack, edge_points
from exactdropout.claims.refutation.moments import Naive, Quick
from exactdropout.claims.setting.setting import build_setting
from exactdropout.errors import InvalidInput
from exactdropout.model import Network

check_module = importlib.import_module("exactdropout.claims.check")
DEEP = "K-n^(d-1)-1 linear, no biases"
FALSE = [
    # a remainder of one Cauchy-Schwarz step is not the sum that the next one speaks of
    ("K*Sum(w[i]^4, i=1..K) >= (K*Sum(w[i]^2, i=1..K) - Sum(w[i], i=1..K)^2)^2", "K-1, no biases"),
    ("K*Sum(x[i]^4, i=1..K) >= (K*Sum(x[i]^2, i=1..K) - Sum(x[i], i=1..K)^2)^2", "K-n-1 relu"),
    # sizes are what they are in the expressions of a map
    ("J_D is invariant under w[1] -> K*w[1]", "2-1, no biases"),
    ("J_D is invariant under w[1] -> w[1]/K", "2-1, no biases"),
    ("criterion is invariant under W[1][1,1] -> n*W[1][1,1], w[1] -> w[1]", "1-2-1 linear, no biases"),
    # powers with the exponent d - 1 move with q
    ("E[D]*p^(d-1) is constant in q", DEEP),
    ("(1 + q/p)^(d-1)*E[D] is constant in q", DEEP),
    ("p^(d-1)*(J_D - R) is nondecreasing in q", DEEP),
    ("E[D^2] - (1 + q/p)^(d-1) is nondecreasing in q", "K-n^(d-1)-1 linear, biases"),
    ("J_D - p^(1-d) is nondecreasing in q", "K-n^(d-1)-1 linear, biases"),
    ("(1 + Var[D])^(d-1) is constant in q", DEEP),
    # relu of something that grows with q
    ("max(penalty, 0) is constant in q", "K-1, no biases"),
    ("relu(Var[D] - 1) is constant in q", "K-1, no biases"),
    ("max(J_D - R, 0) is constant in q", "K-1, biases"),
    ("relu(penalty) + relu(y) is nonincreasing in q", "K-n-1 linear"),
    # with d = 1 the inputs are the last layer
    ("J_D >= q^2*y^2", "3-2^(d-1)-1 relu, no biases"),
    ("E[D^2] >= q^2*b^2", "3-2^(d-1)-1 relu, biases"),
    # W[1,1] is one weight
    ("J_D is invariant under W[1,1] -> 2*W[1,1], w[1] -> w[1]/2", "2-1-1 relu, no biases"),
    (r"J_D \text{ is invariant under } W_{1,1} \to 2 W_{1,1}, w_1 \to w_1/2", "2-1-1 relu, no biases"),
    ("W[1,1] = 0 is a minimiser of Var[D]", "2-1-1 relu, no biases"),
    ("E[D] is constant in W[1,1]", "2-1-1 relu, no biases"),
    # with d as a symbol W <= 0 is said of deeper layers too, and with d = 1 there is none
    ("W(x) >= 0 if x <= 0, W <= 0, w >= 0", "K-n^(d-1)-1 relu, no biases"),
    ("E[D] = W(x) if x <= 0, W <= 0, biases >= 0", "K-n^(d-1)-1 relu, biases"),
    ("W(x) >= b if x <= 0, W <= 0, w >= 0, biases >= 0", "K-n^(d-1)-1 linear, biases"),
    # how far the variance may go where all terms of D have one sign
    ("E[D^2] <= W(x)^2/p^2 if w >= 0, W >= 0, x >= 0", "K-n-1 relu, biases"),
    ("E[D^2] <= W(x)^2/p if weights >= 0, x >= 0", "K-n-1 relu, no biases"),
    ("penalty <= ((1 + q/p)^(d-1) - 1)*W(x)^2 if weights >= 0, x >= 0", "K-n^(d-1)-1 relu, no biases"),
    ("Var[D] <= (1/p^2 - 1)*W(x)^2 if w >= 0", "K-n-1 relu, no biases"),
    # cases of the sign inside a relu
    ("relu(x[1]) - relu(x[2]) <= relu(x[1] - x[2])/2", "2-1"),
    ("x[1]^2 - x[2]^2 <= max(x[1], x[2])^2", "2-1"),
    ("2*max(x[1], x[2]) > x[1] + x[2]", "2-1"),
]
TRUE = [
    ("E[D] = W(x) if x <= 0, W <= 0", "K-n-1 relu, no biases"),
    ("E[D^2] <= W(x)^2/p^2 if weights >= 0, x >= 0", "K-n-1 relu, no biases"),
    ("penalty <= ((1 + q/p)^d - 1)*(W(x) - b)^2 if weights >= 0, x >= 0, biases >= 0", "K-n^(d-1)-1 relu, biases"),
    ("E[D^2] <= W(x)^2/p if weights >= 0, x >= 0", "K-1, no biases"),
    ("abs(x[1]) - abs(x[2]) <= abs(x[1] - x[2])", "2-1"),
    ("relu(x[1]) - relu(x[2]) <= relu(x[1] - x[2])", "2-1"),
    ("min(x[1], x[2], y) <= (x[1] + x[2] + y)/3", "2-1"),
    ("Var[D] <= q/p*max(x[1]^2, x[2]^2)*(w[1]^2 + w[2]^2)", "2-1, no biases"),
    ("Var[D] >= q/p*max(w[1]^2*x[1]^2, w[2]^2*x[2]^2)", "2-1, no biases"),
    ("K*Sum(w[i]^4, i=1..K) >= Sum(w[i]^2, i=1..K)^2", "K-1, no biases"),
    ("J_D is invariant under x[1] -> K*x[1], w[1] -> w[1]/K", "2-1, no biases"),
    ("J_D >= q^3*y^2", "3-2^(d-1)-1 relu, no biases"),
    ("J_D >= q^2*(b - y)^2", "2-2^(d-1)-1 relu, biases"),
    ("J_D is invariant under W[1,1] -> 2*W[1,1], W[1,2] -> 2*W[1,2], w[1] -> w[1]/2", "2-1-1 relu, no biases"),
    ("J_D + (1 + q/p)^(d-1) is nondecreasing in q", "K-n^(d-1)-1 linear, biases"),
]


@pytest.mark.parametrize(("claim", "arch"), FALSE)
def test_false_claims_of_each_kind_are_not_proved(claim, arch):
    assert check(claim, arch).status != "proved"


def test_a_proof_by_a_wrong_rule_falls_to_the_attack(monkeypatch):
    proof = check("E[D] = W(x)", "K-1").proof
    monkeypatch.setattr(check_module, "replayable_proof", lambda *_, **__: proof)
    assert check("E[D] = W(x)", "K-1-1 relu, no biases").status == "refuted"
    assert check("Var[D] = 0 if w >= 0", "2-1-1 relu, no biases").status == "refuted"


@pytest.mark.parametrize(("claim", "arch"), TRUE)
def test_true_neighbours_are_proved(claim, arch):
    assert check(claim, arch).status == "proved"


MISSING = [
    ("w[3] = w[3]", "2-1", {}, "w[3]"),
    ("Sum(w[i]^2, i=1..5) >= 0", "2-1", {}, "w[3]"),
    ("Sum(x[i]^2, i=1..n) >= 0", "K-n-1", {}, "x[2]"),
    ("w[2]^2 >= 0", "K-1", {}, "K >= 2"),
    ("b = b", "2-1, no biases", {}, "names b"),
    ("J_D >= 0", "2-1, no biases", {"assume": "b >= 0"}, "names b"),
    ("J_D >= 0", "2-1", {"assume": "W >= 0"}, "names W"),
    ("J_D >= 0", "2-1-1 relu, output bias", {"assume": "b[1] >= 0"}, "b[1]"),
    ("penalty <= n*R", "3-1, no biases", {}, "width of hidden layers"),
    ("J_D >= y^2/n", "K-1, no biases", {}, "width of hidden layers"),
    ("Sum(w[i], i=1..d) = 0", "3-1, no biases", {}, "write K for the number of inputs"),
    ("J_D is invariant under W[1,1] -> W[1,1]", "2-2-2-1 relu", {}, "not one hidden layer"),
    ("J_D is invariant under b[1] -> b[1]", "2-2-1 relu", {}, "two ways"),
]


@pytest.mark.parametrize(("claim", "arch", "options", "words"), MISSING)
def test_entries_that_do_not_exist_are_refused(claim, arch, options, words):
    with pytest.raises(InvalidInput, match=r".") as caught:
        check(claim, arch, **options)
    assert words in str(caught.value)


def test_an_assumption_does_not_override_what_is_given():
    network = Network([[1, -1]])
    for arch, data, assume, words in [
        ("2-1", "point(x, 2)", "y = 3", "argument 'data' has given"),
        ("2-1", "point((1, 2), y)", "x = 5", "argument 'data' has given"),
        ("2-1", "point(1, y)", "x[1] = 2", "argument 'data' has given"),
        (network, "point((1, 2), y)", "w = 3", "argument 'architecture' has given"),
        (network, "point((1, 2), y)", "w >= 0", "w[2] is given as -1"),
        ("2-1", "point((1, -2), y)", "x >= 0", "x[2] is given as -2"),
        ("2-1", "point(x, -2)", "y > 0", "y is given as -2"),
        ("2-1", None, "1 > 2", "is false"),
    ]:
        with pytest.raises(InvalidInput, match=r".") as caught:
            check("J_D >= 0", arch, data, assume=assume)
        assert words in str(caught.value)


def test_a_number_for_a_symbol_is_an_assumption():
    assert check("J_D >= R", "K-1", assume="q = 1/2").status == "proved"
    assert check("Var[D] = w[1]^2*x[1]^2", "K-1, no biases", assume="K = 1, q = 1/2").status == "proved"
    with pytest.raises(InvalidInput, match="must not set"):
        check("J_D >= R", "2-1", assume="K = 3")


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("arch", ["K-1", "K-n-1 relu, biases", "2-1-1-1 leaky_relu(1/3), output bias"])
def test_the_quick_moments_of_the_falsifier_are_those_of_the_definition(arch, half):
    setting = build_setting(arch, "half(x, y)" if half else None, None, None, ())
    points = (scope for scope in edge_points(parse_claim("J_D >= 0"), setting) if scope is not None)
    for _, scope in zip(range(12), points, strict=False):
        for name in ("criterion", "risk", "penalty", "mean", "variance", "second_moment", "output"):
            assert Quick().quantity(name, scope) == Naive().quantity(name, scope)


QUICKLY = [case for case in FALSE if "d-1" not in case[1] and "Sum" not in case[0] and "W" not in case[0]]


@pytest.mark.parametrize(("claim", "arch"), QUICKLY)
def test_the_falsifier_alone_finds_them(claim, arch):
    assert attack(parse_claim(claim), build_setting(arch, None, None, None, ()), points=400, work=10**7) is not None
