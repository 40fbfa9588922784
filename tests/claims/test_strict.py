"""Strict inequalities, `!=`, strict monotonicity, minimisers of a penalty, and assumptions that nothing satisfies."""

from __future__ import annotations

from fractions import Fraction as F

import flint
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exactdropout.claims import check, parse_claim
from exactdropout.claims.proofs.inequality import nonnegative, positive
from exactdropout.claims.refutation.search import search
from exactdropout.claims.setting.setting import build_setting
from exactdropout.errors import InvalidInput

POSITIVE = "w > 0, x > 0, q > 0"
ALL_POSITIVE = "weights > 0, x > 0, q > 0"
DEEP = "K-n^(d-1)-1 relu, biases"
TRUE = [
    ("K >= 1", "K-n-1 relu", None, "all sizes"),
    ("K*n >= K", "K-n-1 relu", None, "all sizes"),
    ("K^2 + 1 > K", "K-1", None, "all sizes"),
    ("p != 0", "1-1", None, "the sizes"),
    ("J_D != -1", "K-n-1 relu", None, "all sizes"),
    ("J_D + 1 != 0", "2-2-1 relu, no biases", None, "the sizes"),
    ("penalty > 0", "2-1, no biases", POSITIVE, "the sizes"),
    ("penalty > 0", "K-1, no biases", POSITIVE, "all sizes"),
    ("penalty != 0", "K-1, no biases", "w != 0, x < 0, q != 0", "all sizes"),
    ("-penalty != 0", "2-1, no biases", "w < 0, x != 0, q > 0", "the sizes"),
    ("penalty > 0", "K-n-1 relu, no biases", ALL_POSITIVE, "all sizes"),
    ("E[D] > 0", "K-n-1 relu, no biases", ALL_POSITIVE, "all sizes"),
    ("Var[D] > 0", "2-2-1 relu, no biases", ALL_POSITIVE, "the sizes"),
    ("x[1]^2 + x[1]*x[2] + x[2]^2 > 0", "2-1", "x[1] != 0", "the sizes"),
    ("Var[D] is increasing in q", "K-1, no biases", "w != 0, x != 0", "all sizes"),
    ("J_D is increasing in q", "2-1, no biases", "w < 0, x > 0", "the sizes"),
    ("-Var[D] is decreasing in q", "K-n-1 relu, no biases", "weights > 0, x > 0", "all sizes"),
    ("w = 0 is a minimiser of penalty", "K-1", None, "all sizes"),
    ("w = 0 is a minimiser of Var[D]", DEEP, None, "all sizes"),
    ("w = 0 is a minimiser of penalty", "K-n-1 relu, no biases", "x >= 0, weights >= 0", "all sizes"),
    ("w = 0 is a minimiser of penalty", "2-1, biases", None, "the sizes"),
    ("w[1] = 0 is a minimiser of Var[D]", "2-1, no biases", None, "the sizes"),
]


@pytest.mark.parametrize(("claim", "arch", "assume", "scope"), TRUE)
def test_true_claims_are_proved(claim, arch, assume, scope):
    verdict = check(claim, arch, assume=assume)
    assert verdict.status == "proved", str(verdict)
    assert verdict.scope.startswith(scope)
    assert search(parse_claim(claim), build_setting(arch, None, None, assume, ()), limit=300) is None


NOT_PROVED = [  # (claim, arch, assumption, refuted?): one assumption too few, or an edge
    ("K >= 2", "K-1", None, True),
    ("K > 1", "K-1", None, True),
    ("K*n > K", "K-n-1 relu", None, True),
    ("penalty > 0", "2-1, no biases", "w > 0, x > 0", True),  # q = 0
    ("penalty > 0", "K-1, no biases", "w >= 0, x > 0, q > 0", True),
    ("penalty != 0", "K-1, no biases", "w[1] != 0, x != 0, q > 0", False),  # true, but of one entry
    ("penalty > 0", "K-1, no biases", "w[1] > 0, q > 0", True),
    ("penalty > 0", "K-n-1 relu, no biases", "weights > 0, q > 0", True),
    ("penalty > 0", "K-n-1 relu, no biases", "w > 0, x > 0, q > 0", True),
    ("W(x) != 0", "K-1, no biases", "w != 0, x != 0", True),
    ("x[1]^2 - x[1]*x[2] + 1/4*x[2]^2 > 0", "2-1", "x != 0", True),
    ("(y - 1)^2 > 0", "1-1", "y != 0", True),
    ("J_D is increasing in q", "K-1, no biases", None, True),
    ("Var[D] is increasing in q", "K-n-1 relu, no biases", "w > 0, x > 0", True),
    ("w = 0 is a minimiser of penalty", "K-n-1 relu, no biases", None, True),
    ("w = 0 is a minimiser of R", "K-1, no biases", None, True),
    ("w = 0 is a minimiser of penalty", "K-1", "w > 0", False),
    ("w = 0 is a minimiser of penalty", "K-1", "w[1] >= 1", False),
    ("w = 1 is a minimiser of penalty", "K-1, no biases", None, True),
    ("w[1] = w[1] + w[2] is a minimiser of (w[1] - w[2])^2", "2-1", None, True),  # it is given by itself
    ("w[1] = w[2], w[2] = w[1] is a minimiser of (w[1] - w[2])^2", "2-1", None, False),
]


@pytest.mark.parametrize(("claim", "arch", "assume", "refuted"), NOT_PROVED)
def test_a_missing_assumption_is_missed(claim, arch, assume, refuted):
    status = check(claim, arch, assume=assume).status
    assert status == "refuted" if refuted else status != "proved"


@pytest.mark.parametrize(
    ("claim", "arch", "data", "q", "status"),
    [
        ("w = y*p/(q + K*p) is a minimiser of J_D", "K-1, no biases", "point(1, y)", None, "proved"),
        ("w = y*p/(q + K*p) is a minimiser of J_D", "K-1, no biases", "half(1, y)", "1/3", "proved"),
        ("w = (y - b)*p/(q + K*p) is a minimiser of J_D", "K-1", "point(1, y)", None, "proved"),
        ("w = y/(K + 1) is a minimiser of J_D", "K-1, no biases", "point(1, y)", "1/2", "proved"),
        ("w = y/(K + 1) is a minimiser of J_D", "K-1, no biases", "point(1, y)", "1/3", "refuted"),
        ("w = y*q/(p + K*q) is a minimiser of J_D", "K-1, no biases", "point(1, y)", None, "refuted"),
        ("w = y*p/(q + K*p) is a minimiser of J_D", "K-1", "point(1, y)", None, "refuted"),
    ],
)
def test_minimisers_of_linear_models_of_any_width(claim, arch, data, q, status):
    verdict = check(claim, arch, data, q)
    assert verdict.status == status
    if status == "proved":
        assert verdict.scope.startswith("all sizes: K >= 1")


@pytest.mark.parametrize(
    ("assume", "message"),
    [
        ("q > 2", "no number has q > 2, q >= 0, q < 1"),
        ("q < 0", "q < 0"),
        ("p > 1", "p > 1"),
        ("w[1] > 0, w[1] < 0", r"no number has w\[1\] < 0, w\[1\] > 0"),
        ("w > 0, w[2] <= 0", r"w\[2\] <= 0, w\[2\] > 0"),
        ("weights > 0, w < 0", "w < 0, w > 0"),
        ("w = 0, w > 0", "w > 0, w = 0"),
        ("c >= 0, c <= 0, c != 0", "c != 0, c <= 0, c >= 0"),
        ("y > 2, 1 > y", "y > 2, y < 1"),
        ("1 < y < 1", "y > 1, y < 1"),
        ("K < 1", "K < 1, K >= 1"),
    ],
)
def test_assumptions_that_nothing_satisfies_are_refused(assume, message):
    with pytest.raises(InvalidInput, match=f"^Argument 'assume' contradicts itself: .*{message}"):
        check("penalty = 7", "K-1, no biases", assume=assume)


@pytest.mark.parametrize(
    "assume", ["c >= 0, c <= 0", "0 < q < 1, K > 2", "y != 0", "w[1] > 0, w[2] < 0", "1 <= y <= 1"]
)
def test_assumptions_that_something_satisfies_are_not(assume):
    verdict = check("penalty >= 0", "K-1, no biases", assume=assume)
    assert verdict.status == "proved"


def test_a_proof_about_nothing_says_so():
    for assume in ("c^2 < 0", "y = c, y^2 < 0"):
        assert any("no point that satisfies" in a for a in check("penalty >= 0", "K-1", assume=assume).assumptions)
    assert not any("no point" in a for a in check("penalty >= 0", "K-1", assume="c^2 >= 1").assumptions)


terms = st.dictionaries(
    st.tuples(*(st.integers(0, 3) for _ in range(3))), st.integers(-3, 5).filter(bool), min_size=1, max_size=5
)


@given(
    terms=terms,
    signed=st.sets(st.integers(0, 2)),
    strict=st.sets(st.integers(0, 2)),
    values=st.lists(st.tuples(*(st.sampled_from([-3, -1, F(-1, 2), 0, F(1, 3), 1, 2]) for _ in range(3))), min_size=1),
)
@example(terms={(2, 0, 0): 1, (1, 1, 0): -2, (0, 2, 0): 1}, signed={0, 1}, strict={0, 1}, values=[(1, 1, 0)])
@example(terms={(1, 0, 0): 1}, signed={0}, strict={0}, values=[(-1, 0, 0)])
def test_a_polynomial_called_positive_is_positive_wherever_it_may_be_evaluated(terms, signed, strict, values):
    context = flint.fmpq_mpoly_ctx.get(["a", "b", "c"], "degrevlex")
    polynomial = context.from_dict({m: flint.fmpq(c) for m, c in terms.items()})
    above, zero = positive(polynomial, signed, strict), nonnegative(polynomial, signed)
    for point in values:
        if any((v < 0 and i not in signed) or (v == 0 and i in strict) for i, v in enumerate(point)):
            continue
        value = sum(F(c) * point[0] ** m[0] * point[1] ** m[1] * point[2] ** m[2] for m, c in terms.items())
        assert above is None or value > 0
        assert zero is None or value >= 0
