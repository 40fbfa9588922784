"""A verdict is never wider than its proof: traps for each way of proving, written-out moments against the loop."""

import itertools
import random
from fractions import Fraction as F

import pytest

from exactdropout.claims import Verdict, check, parse_claim
from exactdropout.claims.language.syntax import Call, walk
from exactdropout.claims.proofs.known_moments import facts, uniform_moments, written_out
from exactdropout.claims.refutation.moments import Naive
from exactdropout.claims.refutation.search import search
from exactdropout.claims.setting.named_sizes import free_keys, scope_of
from exactdropout.claims.setting.setting import build_setting
from exactdropout.errors import CostLimitExceeded, InvalidInput
from exactdropout.model import Architecture, Examples, Network

from .mutations import CORPUS

TRUE = [c for c in CORPUS if c["verdict"] == "proved"]


@pytest.mark.parametrize("entry", TRUE, ids=lambda c: c["id"])
def test_what_is_proved_is_not_refuted(entry):
    claim = parse_claim(entry["claim"])
    problem = build_setting(entry["architecture"], entry["data"], entry["q"], entry.get("assume"), ())
    assert search(claim, problem, limit=60) is None


DEEP = "K-n^(d-1)-1"
TRAPS = {  # each is false, or true only beyond what the method at hand can show
    "a square is not positive": ("(q - 1/3)^2 > 0", "2-1", {}),
    "a square of sums is not positive": ("(E[D] - W(x) + y - 1)^2 > 0", "K-1", {}),
    "one weight leaves its group": ("E[D] >= W(x)", "2-2-1 relu, no biases", {"assume": "weights = 1, w[1] = -2"}),
    "a size is no 1": ("criterion is invariant under W[1] -> K*W[1]", "K-n-1 relu, no biases", {}),
    "the sign of a factor": ("J_D is invariant under W[1] -> c*W[1], w -> w/c", "K-n-1 relu, no biases", {}),
    "a map that is no multiple": ("J_D is invariant under W[1] -> W[1]^2", "K-n-1 relu, no biases", {}),
    "a map that is affine": ("J_D is invariant under w -> w + 1", "K-1, no biases", {}),
    "later weights are free": ("E[D] >= W(x)", "1-2-1-1 relu, no biases", {"assume": "w >= 0, W[1] >= 0"}),
    "inputs are free": ("E[D] = W(x)", "2-1-1 relu, no biases", {"assume": "weights >= 0"}),
    "hidden biases are free": ("E[D] = W(x)", "1-1-1 relu, biases", {"assume": "weights >= 0, x >= 0"}),
    "one bias has a sign": (
        "E[D] = W(x)", "1-2-1 relu, biases", {"assume": "weights >= 0, x >= 0, b[1][1] >= 0"}),
    "a slope above 1 is concave": ("E[D] >= W(x)", "2-1-1 leaky_relu(3/2), no biases", {"assume": "weights >= 0"}),
    "the input masks too": ("E[D] = W(x)", "2-1-1 relu, no biases", {"q": "q, 0"}),
    "a pole between two points": ("1/c is nonincreasing in c", "1-1", {}),
    "the label through its definition": ("J_D is constant in c", "1-1", {"assume": "y = c"}),
    "half mass of the mean": ("E[D] = W(x)", "1-1, no biases", {"data": "half(x, y)"}),
    "half mass with a bias": ("J_D = 1/2*(E[D] - y)^2 + 1/2*Var[D]", "1-1", {"data": "half(x, y)"}),
    "different widths": ("Var[D] = q/p*Sum(x[i]^2*w[i]^2, i=1..K)", "2-2-1 linear, no biases", {}),
    "an odd sum": ("Sum(w[i]*x[i], i=1..K) >= 0", "K-1", {}),
    "depth 1": ("Var[D] >= y^2/K + y^2/n", DEEP + " relu, no biases",
                {"data": "point(1, y)", "assume": "weights = c, c >= 0, y = K*n^(d-1)*c^d", "q": "1/2"}),
    "a negative weight": ("Var[D] = 0", "1-1-1 relu, no biases", {"data": "point(1, y)", "assume": "weights = c"}),
    "no minimum": ("w[1] = 0 is a minimiser of criterion", "1-1, no biases", {}),
    "a maximum": ("J_D <= 1", "1-1, no biases", {}),
    "relu has a kink": ("relu(x[1]) = x[1]/2", "1-1", {}),
    "strictly growing at zero weights": ("penalty is increasing in q", "1-1, no biases", {}),
    "leaky is not relu": (
        "Var[D] = q/p*w[1]^2*relu(W[1][1,1]*x[1])^2", "1-1-1 leaky_relu(1/3), no biases", {"q": "0, q"}),
    "leaky sums are not relu sums": (
        "Var[D] = q/p*Sum(w[j]^2*relu(Sum(W[1][j,i]*x[i], i=1..K))^2, j=1..n)", "K-n-1 leaky_relu(1/3), no biases",
        {"q": "0, q"}),
    "a bound variable shadows": ("Sum(Sum(w[i], i=1..K)*x[i], i=1..K) = Sum(w[i]*x[i], i=1..K)", "K-1", {}),
}  # fmt: skip


@pytest.mark.parametrize("name", TRAPS)
def test_traps_are_not_proved(name):
    claim, arch, options = TRAPS[name]
    assert check(claim, arch, **options).status != "proved"


TRUE_NEIGHBOURS = {
    "K as a factor and its inverse": ("J_D is invariant under W[1] -> 2*W[1], w -> w/2", "K-n-1 relu, no biases", {}),
    "per-layer rates": ("Var[D] = q[2]/p[2]*w[1]^2*W[1][1,1]^2*x[1]^2", "1-1-1 linear, no biases", {"q": "0, 1/3"}),
    "three layers": ("penalty >= 0", "K-n-n-1 linear, biases", {}),
    "half mass": ("penalty = Var[D]", "K-n-1 linear, biases", {"data": "half(x, y)"}),
    "shadowing with other names": (
        "Sum(Sum(w[i], i=1..K)*x[i], i=1..K) = Sum(w[j], j=1..K)*Sum(x[i], i=1..K)", "K-1", {}),
    "linear variance grows": ("Var[D] is nondecreasing in q", "K-1, no biases", {}),
    "the max of two": ("max(x[1], x[2]) + min(x[1], x[2]) = x[1] + x[2]", "2-1", {}),
    "a sum of squares": ("x[1]^2 + x[2]^2 >= 2*x[1]*x[2]", "2-1", {}),
    "AM-GM": ("x[1]^2 + x[2]^2 + x[3]^2 >= x[1]*x[2] + x[2]*x[3] + x[1]*x[3]", "3-1", {}),
    "Sturm": ("q*(1 - q) <= 1/4", "1-1", {}),
    "theorem 18 is at least y^2/K": (
        "J_D >= y^2/K", DEEP + " relu, no biases",
        {"data": "point(1, y)", "assume": "weights = c, c >= 0, y = K*n^(d-1)*c^d", "q": "1/2"}),
    "assumed in the claim": ("E[D] <= W(x) if w <= 0", "2-1-1 relu, biases", {}),
    "swapped inputs": ("J_D is invariant under w[1] -> w[2], w[2] -> w[1]", "2-1, no biases", {"data": "point(1, y)"}),
}  # fmt: skip


@pytest.mark.parametrize("name", TRUE_NEIGHBOURS)
def test_true_neighbours_are_proved(name):
    claim, arch, options = TRUE_NEIGHBOURS[name]
    verdict = check(claim, arch, **options)
    assert verdict.status == "proved", str(verdict)


def random_scope(problem, rng, sizes):
    architecture = problem.architecture(sizes)
    claim = parse_claim("penalty = 0")
    free = {
        k: F(rng.choice((1, 2, 3)), rng.choice((4, 5))) if k[0] == "q" else F(rng.randrange(-3, 4), rng.choice((1, 2)))
        for k in free_keys(claim, problem, architecture, sizes)
    }
    return scope_of(claim, problem, architecture, sizes, Naive(), free)


@pytest.mark.parametrize(
    ("arch", "q", "sizes"),
    [
        ("K-1", "q", {"K": 3, "n": 1, "d": 1}),
        ("K-n-1 linear, biases", "q", {"K": 2, "n": 2, "d": 2}),
        ("K-n-1 linear, biases", "1/3, 2/5", {"K": 2, "n": 2, "d": 2}),
        ("K-n-n-1 linear, biases", "q", {"K": 2, "n": 2, "d": 3}),
        ("K-n-n-1 linear, hidden biases", "1/4, 0, 1/2", {"K": 1, "n": 2, "d": 3}),
        ("K-n-1 relu, biases", "0, q", {"K": 2, "n": 3, "d": 2}),
        ("K-n-n-1 leaky_relu(1/3), biases", "0, 0, q", {"K": 2, "n": 2, "d": 3}),
    ],
)
def test_written_out_moments_are_those_of_the_double_loop(arch, q, sizes):
    problem = build_setting(arch, None, q, None, ())
    moments = written_out(problem, facts(problem))
    assert any(n.function == "leaky" for n in walk(moments.variance) if isinstance(n, Call)) == ("leaky" in arch)
    rng = random.Random(3)
    for _ in range(3):
        scope = random_scope(problem, rng, sizes)
        for name in ("output", "mean", "variance"):
            expected = scope.domain.quantity(name, scope)
            assert scope.evaluate(getattr(moments, name)) == expected, name


@pytest.mark.parametrize(("k", "n", "d"), list(itertools.product((1, 2), (1, 2), (1, 2, 3))))
def test_uniform_moments_are_those_of_the_double_loop(k, n, d):
    problem = build_setting(DEEP + " relu, no biases", "point(1, y)", "q", "weights = 3/2", ())
    moments = uniform_moments(problem, facts(problem))
    scope = random_scope(problem, random.Random(k + n + d), {"K": k, "n": n, "d": d})
    for name in ("output", "mean", "variance"):
        assert scope.evaluate(getattr(moments, name)) == scope.domain.quantity(name, scope)


def test_verdicts_have_three_values():
    verdict = check("penalty >= 0", Architecture(2, ()))
    assert isinstance(verdict, Verdict)
    with pytest.raises(TypeError, match="three values"):
        bool(verdict)
    assert "proved" in str(verdict)
    assert verdict._repr_latex_() == r"$\displaystyle \text{penalty} \ge 0 \quad\text{(proved)}$"


def test_objects_in_place_of_text():
    figure_1 = Network([[[1, 1], [1, 1]], [1, 1]])
    assert check("penalty = -10", figure_1, Examples.point((1, -1), 8), F(1, 2)).status == "proved"
    assert check("J_D = 27", figure_1, Examples.half((1, -1), 8), F(1, 2)).status == "proved"
    refuted = check("R = 54", figure_1, Examples.point((1, -1), 8), F(1, 2)).counterexample
    assert (refuted.left, refuted.right, refuted.network) == (64, 54, figure_1)
    stages = []
    check("penalty >= 0", Architecture(2, ()), progress=lambda done, total: stages.append((done, total)))
    assert stages[-1] == (5, 5)


def test_refusals():
    with pytest.raises(CostLimitExceeded, match="mask bits"):
        check("penalty >= 0", "8-8-1 relu, biases")
    for arguments, message in [
        ((3, "2-1"), "text or a SymPy relation"),
        (("penalty = 0", 7), "Argument 'architecture'"),
        (("penalty = 0", "2-1", None, 0.5), "exact"),
        (("penalty = 0", "2-1", None, "1/2, 1/3"), "one rate"),
        (("W[1][1,1] = 0", "2-1"), "does not exist"),
        (("Sum(x[i], i=1..3) = 0", "2-1"), "does not exist"),
        (("q[3] = 0", "2-1"), "rates"),
        (("weights = 0", "2-1"), "where a number is expected"),
        (("penalty = 0", "2-1", "point((1, penalty), y)"), "quantity"),
        (("penalty = 0", "2-1", "point(1, E[D])"), "quantity"),
    ]:
        with pytest.raises(InvalidInput, match=message):
            check(*arguments)
    with pytest.raises(InvalidInput, match="assume"):
        check("penalty = 0", "2-1", assume="y = c, c = 2")
    with pytest.raises(InvalidInput, match="max_cost"):
        check("penalty = 0", "2-1", max_cost=0)


@pytest.mark.parametrize(
    ("claim", "arch"),
    [
        ("(K - 1)/(K - 1) = 1", "K-1"),
        ("Var[D]/Var[D] = 1", "2-1"),
        ("E[D]^(-1)*E[D] = 1", "2-1"),
        ("y*y^(1 - K) = y*y^(1 - K)", "K-1"),
        ("y/(p - q) = y/(1 - 2*q)", "2-1"),
    ],
)
def test_a_divisor_that_may_be_0_is_an_assumption(claim, arch):
    assert "wherever no divisor is 0" in check(claim, arch).assumptions


@pytest.mark.parametrize(
    "claim", ["sqrt(y)^2 = y", "sqrt(penalty) >= 0", "sqrt(-y^2) >= 0", "sqrt(y^3)^2 = y^3", "y^(1/2) >= 0"]
)
def test_what_may_be_negative_under_a_root_is_an_assumption(claim):
    for part in (claim, f"J_D = J_D if {claim}"):
        assert "wherever nothing under a root is negative" in check(part, "2-2-1 relu").assumptions


@pytest.mark.parametrize("claim", ["sqrt(J_D) >= abs(E[D] - y)", "sqrt(q*Sum(x[i]^2, i=1..2) + abs(y)) >= 0"])
def test_what_is_never_negative_under_a_root_is_none(claim):
    assert check("R^(1/2) = abs(W(x) - y)", "2-1").status == "proved"
    assert "wherever nothing under a root is negative" not in check(claim, "2-2-1 relu").assumptions


@pytest.mark.parametrize("claim", ["q/p = q/(1 - q)", "Var[D] = q/(p*K)*K*x[1]^2*w[1]^2/2^(K - 1)"])
def test_a_divisor_that_is_positive_by_its_form_is_none(claim):
    assert "wherever no divisor is 0" not in check(claim, "K-1", q="q").assumptions


@pytest.mark.parametrize(
    ("claim", "arch", "assume"),
    [
        ("relu(c) is constant in c", "2-1", None),
        ("relu(-c) is nondecreasing in c", "K-1", None),
        ("relu(R - 2)^2 is constant in y", "1-1-1-1 relu, no biases", None),
        ("relu(q - 1/2) is constant in q", "2-1", None),
        ("Sum(relu(c*x[i]), i=1..K) is constant in c", "K-1", None),
        ("Var[D] is constant in y", "K-n-1 relu", "w = y"),
        ("W(x) is constant in y", "2-2-1 relu", "W[1][1,1] = y"),
        ("E[D] is nonincreasing in y", "K-n-1 relu", "weights = y"),
        ("c - y is nondecreasing in c", "2-1", "y = 2*c"),
    ],
)
def test_a_derivative_sees_what_relu_and_assumptions_hold(claim, arch, assume):
    assert check(claim, arch, assume=assume).status == "refuted"


def test_a_variable_moves_with_what_is_given_by_it():
    # with y held at the old c the right side would be refuted
    assert check("c - y is constant in c", "2-1", assume="y = c").status == "proved"


@pytest.mark.parametrize("assume", ["w <= 0", "w >= 0", "w[1] >= 1", "w[1] < w[2]"])
def test_a_minimiser_must_satisfy_the_assumptions(assume):
    claim, around = "w = y/3 is a minimiser of criterion", {"data": "point(1, y)", "q": F(1, 2)}
    assert check(claim, "2-1, no biases", **around).status == "proved"
    assert check(claim, "2-1, no biases", assume=assume, **around).status != "proved"
    assert check(claim, "2-1, no biases", assume="w >= 0, y >= 0", **around).status == "proved"


@pytest.mark.parametrize("assume", ["w = c", "w[1] = 0", "weights = 1", "y = w[1]"])
def test_what_is_minimised_over_is_free(assume):
    with pytest.raises(InvalidInput, match="must leave free what the claim minimises over"):
        check("w = y/3 is a minimiser of criterion", "2-1, no biases", "point(1, y)", F(1, 2), assume=assume)
    assert (
        check("w[1] = y/2 is a minimiser of J_D", "2-1, no biases", "point(1, y)", F(1, 2), assume="w[2] = 0").status
        == "proved"
    )


def test_relu_in_relu_takes_no_longer_at_every_level():
    claim = "relu(" * 40 + "c" + ")" * 40 + " = relu(c)"
    assert check(claim, "2-1").status == "proved"  # names quoted within names once took 2^40 steps
