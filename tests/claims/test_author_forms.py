"""What authors write of units and of masks, read as they mean it; near misses with the spelling that works."""

import pytest

from exactdropout.claims import check
from exactdropout.errors import InvalidInput

RELU, BIASED = "K-n-1 relu, no biases", "K-n-1 relu, biases"
LINEAR = "K-1, no biases"
UNITS = "Sum(w[j]*relu(Sum(W[j,i]*x[i], i=1..K)), j=1..n)"
WITH_BIASES = "Sum(w[j]*relu(Sum(W[j,i]*x[i], i=1..K) + b[j]), j=1..n) + b"
READ = [  # the claim, the architecture, and how it is read
    (r"W(x) = w^\top (Wx)_+", RELU, f"W(x) = {UNITS}"),
    (r"R = (y - w^\top (Wx)_+)^2", RELU, f"R = (y - {UNITS})^2"),
    (r"R = (y - \sum_{j=1}^n w_j (\sum_{i=1}^K W_{ji} x_i)_+)^2", RELU, f"R = (y - {UNITS})^2"),
    (r"W(x) = w^\top (Wx+b^{(1)})_+ + b", BIASED, f"W(x) = {WITH_BIASES}"),
    (r"W(x) = w^\top [W x + b^{(1)}]_+ + b", BIASED, f"W(x) = {WITH_BIASES}"),
    (r"W(x) = \sum_{j=1}^n w_j [\sum_{i=1}^K W_{ji} x_i + b_j]_+ + b", BIASED, f"W(x) = {WITH_BIASES}"),
    (r"W(x) = \sum_{j=1}^n w_j [(Wx)_j]_+", RELU, f"W(x) = {UNITS}"),
    (r"W(x) = \sum_{j=1}^n w_j [Wx]_{+,j}", RELU, f"W(x) = {UNITS}"),
    (r"W(x) = \sum_{j=1}^n w_j (Wx + b^{(1)})_j + b", "K-n-1 linear",
     "W(x) = Sum(w[j]*(Sum(W[j,i]*x[i], i=1..K) + b[j]), j=1..n) + b"),
    (r"\mathbb{E}_r[w^\top (r \odot x)] = p w^\top x", LINEAR,
     "p*Sum(x[i]*w[i], i=1..K) = p*Sum(w[i]*x[i], i=1..K)"),
    (r"\mathbb{E}_r[w^\top \mathrm{diag}(r) x] = p w^\top x", LINEAR,
     "p*Sum(x[i]*w[i], i=1..K) = p*Sum(w[i]*x[i], i=1..K)"),
    (r"\mathbb{E}_\xi[D] = W(x)", LINEAR, "E[D] = W(x)"),
    (r"\mathbb{E}_{\epsilon}[D] = W(x)", LINEAR, "E[D] = W(x)"),
    (r"\mathbb{E}_\xi [\xi_i] = p", LINEAR, "p = p"),
    (r"\operatorname{Var}_\xi[D] = \frac{q}{p} \|w\odot x\|^2", LINEAR,
     "Var[D] = q/p*Sum((w[i]*x[i])^2, i=1..K)"),
    (r"J_D(w,q) \ge R(w)", LINEAR, "J_D >= R"),
    (r"J_D(w; q) \ge R(w)", LINEAR, "J_D >= R"),
]  # fmt: skip
FALSE = [  # neighbours that are not true
    (r"W(x) = w^\top W x", RELU),
    (r"W(x) = w^\top (Wx)_+ + b", BIASED),
    (r"E[D] = w^\top (Wx)_+", RELU),
    (r"J_D = (y - w^\top (Wx)_+)^2", RELU),
    (r"\mathbb{E}_r[(w^\top (r \odot x) - y)^2] = J_D", LINEAR),  # these masks are not rescaled
    (r"\mathbb{E}_r[(y - w^\top \mathrm{diag}(r) x)^2] = (y - w^\top x)^2 + p(1-p)\|w \odot x\|^2", LINEAR),
    (r"\mathbb{E}_\xi[\xi_i \xi_i] = p^2", LINEAR),
    (r"W(x) = \sum_j w_j [(Wx)_1]_+", "K-2-1 relu, no biases"),
    ("W(x) = Sum(w[j]*relu(Sum(W[j,i]*x[i], i=1..K)), j=1..n)", "K-n-1 leaky_relu(1/2), no biases"),
    ("J_D >= Sum(w[j]*relu(Sum(W[j,i]*x[i], i=1..K)), j=1..n)^2", RELU),
]
REFUSED = [  # with the words of the message that help
    (r"\text{penalty} = \frac{q}{p} \sum_j a_j^2 x_j^2", LINEAR, {}, r"--name w=a"),
    ("Var[D] = q/p*Sum(a[j]^2*x[j]^2, j=1..K)", LINEAR, {}, r"names=\{'w': 'a'\}"),
    ("J_D >= R", LINEAR, {"q": "0,5"}, r"a decimal is written 0\.5"),
    ("J_D >= R", "K-n-1 relu", {"q": "0,5"}, r"a decimal is written 0\.5"),
    ("J_D = R + 1/m*Sum(w[i]^2, i=1..K)", LINEAR, {}, r"design\(X, y\)"),
    ("J_D is nondecreasing", LINEAR, {}, "as in 'J_D is nondecreasing in q'"),
    ("J_D nondecreasing in q", LINEAR, {}, "'is' is expected before 'nondecreasing'"),
    ("J_D is increasing for q", LINEAR, {}, "as in 'J_D is increasing in q'"),
    ("E[D] >= W(x) if biases >= 0", RELU, {}, "has none; leave it out, or give an architecture with biases"),
    ("Sum(w[i]^2, i=0..K-1) >= 0", LINEAR, {}, r"indices count from 1, so a sum over all entries is written i=1\.\.K"),
    (r"W(x) = w^\top (Wx + b)_+", BIASED, {}, r"b is the output bias, a number, and b\^\{\(1\)\} the vector"),
    (r"\mathbb{E}_\xi[D] = W(x) + \xi", LINEAR, {}, "the name of masks in a mean here, and something else outside"),
    (r"\xi + \mathbb{E}_\xi[D] = W(x)", LINEAR, {}, "means something else in this claim"),
    (r"b^{(1)} = 0", BIASED, {}, "vector"),
    (r"\mathbb{E}_r[r] = p", LINEAR, {}, "the mean of a number is expected"),
    (r"\mathbb{E}_r[w^\top (r \odot W x)] = 0", RELU, {}, "two vectors or matrices of one form"),
    (r"(w^\top x)_1 \ge 0", LINEAR, {}, "a vector is expected"),
]


@pytest.mark.parametrize(("claim", "arch", "read"), READ)
def test_it_is_read_as_it_is_meant_and_proved(claim, arch, read):
    verdict = check(claim, arch)
    assert (str(verdict.claim), verdict.status) == (read, "proved")


@pytest.mark.parametrize(("claim", "arch"), FALSE)
def test_false_neighbours_are_refuted(claim, arch):
    assert check(claim, arch).status == "refuted"


@pytest.mark.parametrize(("claim", "arch", "given", "message"), REFUSED)
def test_near_misses_are_refused_with_what_to_write(claim, arch, given, message):
    with pytest.raises(InvalidInput, match=message):
        check(claim, arch, **given)


def test_the_bias_vector_of_a_layer_is_a_group_in_maps_and_assumptions():
    text = r"J_D \text{ is invariant under } W^{(1)} \to 2 W^{(1)}, b^{(1)} \to 2 b^{(1)}, w \to w/2"
    assert check(text, "K-n-1 relu, hidden biases").status == "proved"
    verdict = check(r"\mathbb{E}[D] \ge b \text{ if } w \ge 0, b^{(1)} \ge 0", BIASED)
    assert verdict.status == "proved"
    assert "b[1] >= 0" in verdict.assumptions


def test_an_author_s_letters_for_matrix_and_weights():
    assert check(r"W(x) = a^\top (V x)_+", RELU, names={"W": "V", "w": "a"}).status == "proved"


def test_what_is_assumed_of_nothing_is_said_to_be_unused():
    assert "a >= 0 (not used: a occurs nowhere else)" in check("J_D >= R", LINEAR, assume="a >= 0").assumptions
    assert "a >= 0" in check("J_D + a >= R", LINEAR, assume="a >= 0").assumptions
    assert "w >= 0" in check("J_D >= R", LINEAR, assume="w >= 0").assumptions


def test_what_holds_at_small_sizes_is_no_contradiction_to_an_open_verdict():
    verdict = check("Prod(1 + q, i=1..K) >= 1", LINEAR)
    if verdict.status == "undecided":
        assert verdict.scope.startswith("open for K-1")
        assert "nothing is proved" not in str(verdict)
