"""Signs of W(x) and D, the mask that drops the last layer, powers in q, and an author's letters beside our own."""

from __future__ import annotations

import pytest

from exactdropout.claims import check, parse_claim
from exactdropout.claims.derived_claims import closed_forms
from exactdropout.claims.refutation.search import search
from exactdropout.claims.setting.setting import build_setting
from exactdropout.errors import InvalidInput

RELU, DEEP = "K-n-1 relu, no biases", "K-n^(d-1)-1 relu, no biases"
UNIFORM = {"data": "point(1, y)", "assume": "weights = c, c > 0, y = K*n^(d-1)*c^d"}
TRUE = [
    ("W(x) >= 0 if w >= 0", RELU, {}),
    ("W(x) <= 0 if w < 0", "K-n-n-1 relu, hidden biases", {}),
    ("E[D] >= b if w >= 0", "K-n-1 relu, biases", {}),
    ("E[D] >= 0 if w >= 0, b >= 0", "K-n-1 relu, biases", {"data": "half(x, y)"}),
    ("W(x) >= 0 if x >= 0, w >= 0", DEEP, {}),
    ("E[D^2] >= W(x)^2 if w >= 0", RELU, {}),
    ("penalty >= 0 if w >= 0, y <= 0", RELU, {}),
    ("penalty >= 0 if w <= 0, y > 0", RELU, {}),
    ("J_D > 0 if y != 0, q > 0", RELU, {}),
    ("J_D > 0 if y < 0", "K-n-1 leaky_relu(1/3), no biases", {"q": "0, 1/2"}),
    ("J_D > 0 if y != 0, q > 0", "K-n-1 relu, biases", {"data": "half(x, y)"}),
    ("J_D > 0 if y != 0, q > 0", "K-1, no biases", {}),
    ("E[D^2] > 0 if b != 0, q > 0", "K-n-1 relu, biases", {}),
    ("E[D] = 0 if w = 0", RELU, {}),
    ("J_D = (b - y)^2 if w = 0", "K-n-1 relu, biases", {}),
    ("c*y >= 0 if c < 0, y <= 0", "K-1", {}),
    ("c*y is nonincreasing in c if c < 0, y <= 0", "K-1", {}),
    ("Var[D] is increasing in q", DEEP, UNIFORM),
    ("J_D is nondecreasing in q", DEEP, {"data": "point(1, y)", "assume": "weights = c, c >= 0"}),
    ("(1 + q/p)^d is increasing in q", DEEP, {}),
]
TRAPS = [  # false each
    ("W(x) >= 0 if w >= 0", "K-1, no biases", {}),
    ("W(x) >= 0 if w >= 0", DEEP, {}),  # d = 1
    ("W(x) >= 0 if w >= 0", "K-n-1 leaky_relu(1/3), no biases", {}),
    ("W(x) >= 0 if w >= 0", "K-n-1 relu, biases", {}),
    ("W(x) > 0 if w > 0", RELU, {}),
    ("J_D > 0 if y != 0", RELU, {}),
    ("J_D > 0 if y != 0, q > 0", "K-n-1 relu, biases", {"q": "q, 0"}),
    ("J_D > 0 if y != 0, q > 0", "K-1, biases", {}),
    ("J_D is nondecreasing in y if y >= 0, q > 0", RELU, {}),
    ("c*y is nondecreasing in c if c < 0, y <= 0, y != 0", "K-1", {}),
    ("Var[D] = 0 if W = 0", "K-n-1 relu, biases", {}),
    ("(1 + q/p)^(1 - d) is increasing in q", DEEP, {}),
    ("relu((1 + q/p)^d - 2) is constant in q", DEEP, {}),
    ("Var[D] is increasing in q", DEEP, {"data": "point(1, y)", "assume": "weights = c, c >= 0"}),
    ("W(x) = c^2", "1-1-1 relu, no biases", {"data": "point(1, y)", "q": "0, q", "assume": "weights = c"}),
    ("penalty = t*Sum(w[i]^2*x[i]^2, i=1..K)", "K-1, no biases", {}),  # t is any number, not q/p
    ("p = 1/(1 + t)", "K-1", {}),
]


@pytest.mark.parametrize(("claim", "arch", "options"), TRUE)
def test_true_claims_are_proved_for_all_sizes(claim, arch, options):
    verdict = check(claim, arch, **options)
    assert verdict.status == "proved", str(verdict)
    assert verdict.scope.startswith("all sizes")
    parsed = parse_claim(claim)
    surroundings = [options.get(k) for k in ("data", "q", "assume")]
    assert search(parsed, build_setting(arch, *surroundings, parsed.assumptions), limit=150) is None


@pytest.mark.parametrize(("claim", "arch", "options"), TRAPS)
def test_false_neighbours_are_refuted(claim, arch, options):
    assert check(claim, arch, **options).status == "refuted"


def test_m_is_the_number_of_examples_and_no_free_number():
    with pytest.raises(InvalidInput, match="m, the number of examples"):  # the verifier's own m is d - 1
        check("d = m + 1", DEEP)


def test_no_closed_form_of_equal_weights_whose_sign_is_open():
    with pytest.raises(InvalidInput, match="closed form"):
        closed_forms(DEEP, "point(1, y)", None, assume="weights = c", quantities=["mean"])
    closed = closed_forms("1-1-1 relu, no biases", "point(1, y)", "0, q", assume="weights = c", quantities=["mean"])
    assert "relu" in str(closed["mean"])
