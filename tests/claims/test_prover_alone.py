"""The prover alone, with the falsifier off: false claims that the rules once proved, and random ones."""

from fractions import Fraction as F

import pytest

from exactdropout.claims import check
from exactdropout.claims.verifier.algebra import ONE, gen, plus, scaled, times
from exactdropout.claims.verifier.rules import Certificate, Signs, holds
from exactdropout.claims.verifier.verify import NotReplayed
from exactdropout.errors import InvalidInput

from .campaign import answer, campaign
from .many_points import falls
from .near_truths import case_of
from .random_claims import Case

ONE_LAYER, SINGLE, LINEAR = "K-n-1 relu, no biases", "1-1, no biases", "2-1, no biases"
UNITS = "Sum(w[j]*relu(Sum(W[j,i]*x[i], i=1..K)), j=1..n)"
UNITS_BIASED = "Sum(w[j]*relu(Sum(W[j,i]*x[i], i=1..K) + b[j]), j=1..n)"
FALSE = [
    # hidden units that are given by what varies are no constants
    ("W(x)/c is constant in c", ONE_LAYER, None, "0, q", "weights = c, c > 0"),
    ("W(x) is constant in c", ONE_LAYER, None, "0, q", "W = c, c > 0"),
    ("W(x)*c is convex in c", ONE_LAYER, None, "0, q", "x = c, c > 0"),
    ("W(x) is constant in q", ONE_LAYER, None, "0, q", "x = q"),
    ("diff(W(x), c) = 0", ONE_LAYER, None, "0, q", "W = c"),
    ("diff(Var[D], c) = 0", ONE_LAYER, None, "0, q", "W = c"),
    ("diff(W(x), c) = 0", ONE_LAYER, None, "0, q", "x = c"),
    ("diff(W(x), q) = 0", ONE_LAYER, None, "0, q", "W = q"),
    ("lim(W(x), c -> 0) = W(x)", ONE_LAYER, None, "0, q", "W = c, c > 0"),
    # nor are they where what varies is an input, or a weight before them
    (f"diff({UNITS} + x[1], x[1]) = 1", ONE_LAYER, None, None, None),
    (f"diff({UNITS}*x[1], x[1]) = {UNITS}", ONE_LAYER, None, None, None),
    (f"diff({UNITS} + W[1,1], W[1,1]) = 1", ONE_LAYER, None, None, None),
    (f"diff({UNITS} + x[1], x[1]) = 1", "K-n-1 relu, no biases", None, "0, q", None),
    (f"diff({UNITS_BIASED} + b[1], b[1]) = 1", "K-n-1 relu, hidden biases", None, None, None),
    # a map moves what it names and nothing else, also where an assumption gives something by that
    ("J_D is invariant under y -> -y", SINGLE, "point(1, y)", None, "w = y"),
    ("J_D is invariant under y -> -y", SINGLE, None, None, "w[1] = y^3"),
    ("J_D is invariant under b -> -b, y -> -y", "1-1", None, None, "w[1] = b"),
    ("W(x)/w[1]^2 is invariant under w[1] -> 2*w[1]", SINGLE, None, None, "x[1] = w[1]"),
    ("c*W(x) is invariant under w[1] -> 2*w[1]", SINGLE, None, None, "c = 1/w[1]"),
    # a derivative or a limit is taken before a map moves its variable, or something by it
    (
        "diff(w[1]*w[2] + w[3]^2/2 - w[2]*w[3], w[1]) is invariant under w[1] -> w[2], w[3] -> w[2], w[2] -> w[4]",
        "4-1, no biases",
        None,
        None,
        None,
    ),
    ("diff(w[1]*y + w[2]*c, y) is invariant under w[1] -> w[1] - c, w[2] -> w[2] + y", LINEAR, None, None, None),
    ("diff(w[1]*q + w[2]*c, q) is invariant under w[1] -> w[1] - c, w[2] -> w[2] + q", LINEAR, None, None, None),
    ("diff(w[1]*c + w[2]*y, c) is invariant under w[1] -> w[1] - y, w[2] -> w[2] + c", LINEAR, None, None, None),
    ("lim(w[1]*c + w[2], c -> 0) is invariant under w[1] -> w[1] - y, w[2] -> w[2] + c", LINEAR, None, None, None),
    ("lim(w[2], c -> 0) is invariant under w[2] -> w[2] + c", LINEAR, None, None, None),
    ("lim(w[2], q -> 0) is invariant under w[2] -> w[2] + q", LINEAR, None, None, None),
    ("diff(w[1], w[1]) is invariant under w[1] -> w[1] + 1", LINEAR, None, None, None),  # true, and no error
    ("diff(J_D, y)/y is invariant under y -> (1 + c)*y, w -> (1 + c)*w", "K-1, no biases", None, None, "c > 0"),
]
TRUE = [
    ("diff(W(x), c) = 2*W(x)/c", "K-n-1 linear, no biases", None, "0, q", "weights = c, c > 0"),
    (f"diff({UNITS}, w[1]) = relu(Sum(W[1,i]*x[i], i=1..K))", ONE_LAYER, None, None, None),
    ("diff(W(x), w[1]) = W(x)/w[1]", "1-1-1 relu, no biases", None, "0, q", None),
    ("W(x) - b is invariant under b -> -b", "1-1", None, None, "w[1] = b"),
    ("W(x)^2 is invariant under w[1] -> -w[1]", SINGLE, None, None, "x[1] = w[1]"),
    ("diff(J_D, q) is invariant under w -> 2*w, x -> x/2", LINEAR, None, None, None),
    ("diff(J_D, w[2]) is invariant under w[1] -> 2*w[1], x[1] -> x[1]/2", LINEAR, None, None, None),
    ("diff(J_D, y)*(E[D] - y) is invariant under b -> -b, w -> -w, y -> -y", "K-n-1 relu", None, None, None),
]


@pytest.mark.parametrize("around", FALSE)
def test_no_rule_proves_what_is_false(around):
    assert answer(Case("by hand", *around), points=10)[0] == "open"


@pytest.mark.parametrize("around", TRUE)
def test_true_neighbours(around):
    status, _, point = answer(Case("by hand", *around))
    assert (status, point) == ("proved", None)


def test_bernoulli_speaks_of_the_base_that_it_was_found_for():
    m, y = gen("m'"), gen("y")
    z, shifted = gen("z0'"), plus(y, ONE)
    signs = Signs({"m'", "z0'"}, powers={"z0'": (times(m, times(y, y)), ONE)})  # (1 + y^2)^m = 1 + z
    holds(plus(z, scaled(times(m, times(y, y)), F(-1))), Certificate("bernoulli", parts=(Certificate("terms"),)), signs)
    inner = Certificate("bernoulli", parts=(Certificate("terms"),))
    split = Certificate("cases", ((shifted, 1),), "y", (inner, inner))
    with pytest.raises(NotReplayed):  # at y = 1, m = 1 it is 1 - 4
        holds(plus(z, scaled(times(m, times(shifted, shifted)), F(-1))), split, signs)


@pytest.mark.parametrize("text", ["Sum(x[i], i=1..p) = 1", "x[p] = 1", "y^q = 1", "Prod(2, i=1..q) = 1"])
def test_a_rate_in_a_range_is_refused_where_layers_differ(text):
    with pytest.raises(InvalidInput, match="numbers, sizes and indices alone"):
        check(text, ONE_LAYER, q="0, q")


@pytest.mark.parametrize(("text", "shape"), [
    ("J_D is nonincreasing in q", "K-1, no biases"), ("Var[D] >= q/p*W(x)^2", "2-1, no biases"),
    ("diff(J_D, q) = 0", "1-1, no biases"), ("lim(J_D, q -> 0) = Var[D]", "1-1, no biases"),
    ("w = 0 is a minimiser of J_D", "1-1, no biases"), ("J_D is invariant under y -> -y", "1-1, no biases"),
    ("E[D] = W(x)", "2-1-1 relu, no biases"), ("Var[D] > 0 if w > 0", "1-1, no biases"),
])  # fmt: skip
def test_what_is_false_falls(text, shape):
    from .campaign import check_module

    parsed = check_module._parsed(text, None, shape, None, None)
    written, setting, _ = check_module._written(parsed, shape, None, None, None, None)
    assert falls(written, setting, 200, 1) is not None


def test_a_case_is_drawn_by_its_number():
    assert [case_of("a", k) for k in (3, 4)] == [case_of("a", k) for k in (3, 4)]
    assert case_of("a", 3) != case_of("b", 3)


def test_a_few_claims_of_the_campaign():
    tally, wrong = campaign(0, 60, "quick")
    assert wrong == []
    assert sum(count for (_, status), count in tally.items() if status == "proved") >= 15


@pytest.mark.thorough
def test_many_claims_of_the_campaign():
    tally, wrong = campaign(0, 3_000, "thorough")
    assert wrong == []
    assert sum(count for (_, status), count in tally.items() if status == "proved") >= 1_000


@pytest.mark.parametrize(("shape", "assume", "told"), [
    ("K-1-1 relu, no biases", "n >= 2", "n >= 2, n = 1"), ("2-1, no biases", "K >= 3", "K >= 3, K = 2"),
    ("K-1, no biases", "K > 2, K < 3", "K > 2, K < 3"), ("K-2-2-1 linear, no biases", "d != 3", "d != 3, d = 3"),
    ("K-n-m-1 relu, no biases", "m <= 1/2", "m <= 1/2, m >= 1"),
])  # fmt: skip
def test_sizes_that_no_whole_number_or_not_the_given_one_satisfies_are_refused(shape, assume, told):
    for text in ("J_D >= 0", "q + K is nondecreasing in K"):
        with pytest.raises(InvalidInput, match=f"contradicts itself: no number has {told}"):
            check(text, shape, assume=assume)


def test_growth_at_sizes_beyond_those_that_are_tried():
    assert check("1/K is nonincreasing in K", "K-1, no biases", assume="K >= 20").status == "proved"
    assert check("1/K is nondecreasing in K", "K-1, no biases", assume="K >= 20").status != "proved"
