"""Sizes, widths and rates in an author's letters, and several statements at once."""

import pytest

from exactdropout.claims import check
from exactdropout.claims.documents import document
from exactdropout.claims.setting.setting import build_setting, parse_shape
from exactdropout.claims.setting.shape import author_sizes
from exactdropout.errors import InvalidInput

VARIANCE = "Var[D] = W(x)^2*((1 + q/(p*K))*(1 + q/(p*n))*(1 + q/(p*m)) - 1)"
RATES = "Var[D] = W(x)^2*((1 + q[1]/p[1])*(1 + q[2]/p[{}]) - 1)"


@pytest.mark.parametrize(
    ("text", "shape", "own"),
    [
        ("d-m-1 linear", "K-n-1 linear, biases", {"K": "d", "n": "m"}),
        ("n-m-1 relu no biases", "K-n-1 relu, no biases", {"K": "n", "n": "m"}),
        ("K-n-m-1 linear, no biases", "K-n-m-1 linear, no biases", {}),
        ("m-n^(d-1)-1 relu hidden biases", "K-n^(d-1)-1 relu, hidden biases", {"K": "m"}),
    ],
)
def test_letters_of_sizes(text, shape, own):
    assert (str(parse_shape(text)), author_sizes(text)) == (shape, own)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("w-n-1", "w means something else"), ("n-n-1", "assume K = n"), ("K-d-1", "d is the depth"),
        ("d-n^(d-1)-1", "K is the letter for inputs"), ("K-i-1", "indices"),
    ],
)  # fmt: skip
def test_letters_that_are_taken(text, told):
    with pytest.raises(InvalidInput, match=told):
        parse_shape(text)


@pytest.mark.parametrize(
    ("claim", "arch", "options", "status"),
    [
        ("E[D] = W(x)", "K-n-m-1 linear, biases", {}, "proved"),
        ("E[D] = W(x)", "d-m-1 linear, biases", {}, "proved"),
        ("Var[D] = q/p*Sum(w[i]^2*x[i]^2, i=1..d)", "d-1, no biases", {}, "proved"),
        ("Var[D] = q*Sum(w[i]^2*x[i]^2, i=1..d)", "d-1, no biases", {}, "refuted"),
        (VARIANCE, "K-n-m-1 linear, no biases", {"data": "point(1, y)", "assume": "weights = c"}, "proved"),
        (VARIANCE.replace("K", "n"), "K-n-m-1 linear, no biases", {"data": "point(1, y)", "assume": "weights = c"},
         "refuted"),
        ("Var[D]/W(x)^2 is nonincreasing in m", "K-n-m-1 linear, no biases",
         {"data": "point(1, y)", "assume": "weights = c"}, "proved"),
        ("J_D >= Var[D]", "K-n-1 relu no biases", {}, "proved"),
        (RATES.format(2), "1-1-1 relu, no biases", {"q": "q[1], q[2]"}, "proved"),
        (RATES.format(1), "1-1-1 relu, no biases", {"q": "q_1, q_2"}, "refuted"),
        ("J_D >= R", "K-n-m-1 linear, no biases", {"q": "q[1], q[2], q[3]"}, "proved"),
        (r"\mathbb{E}[D]=W(x),\ \operatorname{Var}[D] = \frac qp \sum_{i=1}^K w_i^2x_i^2", "K-1, no biases", {},
         "proved"),
        ("E[D] = W(x) and Var[D] = q*Sum(w[i]^2*x[i]^2, i=1..K)", "K-1, no biases", {}, "refuted"),
        ("E[D] = W(x), J_D <= R if q = 0", "K-1, no biases", {}, "proved"),
    ],
)  # fmt: skip
def test_claims_in_these_letters(claim, arch, options, status):
    verdict = check(claim, arch, **options)
    assert verdict.status == status
    if verdict.parts:
        assert all(part.proof is not None for part in verdict.parts if part.status == "proved")
        assert (status == "refuted") == (f"(for {verdict.parts[-1].claim})" in str(verdict))


@pytest.mark.parametrize("text", ["J_D = R, q = 0", "J_D = Var[D], R = 0", "J_D = R, w[1] = 0"])
def test_what_may_be_a_condition_is_no_second_statement(text):
    with pytest.raises(InvalidInput, match="a condition stands behind 'if'"):
        check(text, "K-1, no biases")


def test_a_rate_of_another_layer_or_a_design_beside_a_width_m_is_refused():
    with pytest.raises(InvalidInput, match=r"q\[1\] for the rate of layer 1; it holds q\[2\]"):
        build_setting("1-1-1", None, "q[2], q[1]", None, ())
    with pytest.raises(InvalidInput, match="must not call a width m"):
        build_setting("K-n-m-1 linear", "design(X, y)", None, None, ())


def test_sizes_of_two_widths_are_small_and_all_combinations():
    setting = build_setting("K-n-m-1 linear", None, None, "m >= 2", ())
    sizes = list(setting.sizes())
    assert {"K": 1, "n": 1, "m": 2, "d": 3} in sizes
    assert all(s["m"] >= 2 for s in sizes)


def test_a_document_speaks_in_the_letters_of_its_architecture():
    text = r"\[ \operatorname{Var}[D] = \frac{q}{p} \sum_{i=1}^{d} w_i^2 x_i^2 \]"
    assert document.check_document(text, "d-1, no biases").status == "proved"
