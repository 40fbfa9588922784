"""More of what authors write: conditions in front, values at a point, rows of W, accents, sums over sets, stars."""

import pytest

from exactdropout.claims import check
from exactdropout.errors import InvalidInput

LINEAR, RELU = "K-1, no biases", "K-n-1 relu, no biases"
PENALTY = "penalty = q/p*Sum(w[i]^2*x[i]^2, i=1..K)"
UNITS = "Sum(w[j]*relu(Sum(W[j,i]*x[i], i=1..K)), j=1..n)"
READ = [  # the claim, the architecture, and how it is read
    (r"J_D = R \text{ when } q = 0", LINEAR, "J_D = R if q = 0"),
    (r"J_D = R \text{ whenever } q = 0", LINEAR, "J_D = R if q = 0"),
    (r"J_D = R \text{ provided that } q = 0", LINEAR, "J_D = R if q = 0"),
    (r"J_D = R \text{ at } q = 0", LINEAR, "J_D = R if q = 0"),
    (r"q = 0 \implies J_D = R", LINEAR, "J_D = R if q = 0"),
    (r"q = 0, y = 0 \Rightarrow J_D = W(x)^2", LINEAR, "J_D = W(x)^2 if q = 0, y = 0"),
    (r"\text{If } q = 0 \text{ then } J_D = R", LINEAR, "J_D = R if q = 0"),
    (r"J_D|_{q=0} = R", LINEAR, "J_D = R if q = 0"),
    (r"R = \left. J_D \right|_{q=0}", LINEAR, "R = J_D if q = 0"),
    (r"J_D \big|_{q=1/2} = R + \sum_i w_i^2 x_i^2", LINEAR, "J_D = R + Sum(w[i]^2*x[i]^2, i=1..K) if q = 1/2"),
    (r"\forall w \in \mathbb{R}^K, \; J_D(w) \ge R(w)", LINEAR, "J_D >= R"),
    (r"\text{penalty} = \frac{q}{p} \sum_{i \in [K]} w_i^2 x_i^2", LINEAR, PENALTY),
    (r"\text{penalty} = \frac{q}{p} \sum_{1 \le i \le K} w_i^2 x_i^2", LINEAR, PENALTY),
    (r"\text{penalty} = \frac{q}{p} \sum_{i \in \{1, \dots, K\}} w_i^2 x_i^2", LINEAR, PENALTY),
    ("penalty = q/p*sum(w[i]**2*x[i]**2 for i in range(K))", LINEAR, PENALTY),
    ("penalty = q/p*sum(w[i]**2*x[i]**2 for i in range(1, K+1))", LINEAR, PENALTY),
    (r"\text{penalty} = \frac{q}{p} \sum_{i=1}^K |w_i x_i|^2", LINEAR, "penalty = q/p*Sum((w[i]*x[i])^2, i=1..K)"),
    (r"\|x\|^4 = (\sum_i x_i^2)^2", LINEAR, "Sum(x[i]^2, i=1..K)^2 = Sum(x[i]^2, i=1..K)^2"),
    (r"J_D = R + \frac{q}{p} w^\top \mathrm{diag}(x^2) w", LINEAR, "J_D = R + q/p*Sum(x[i]^2*w[i]^2, i=1..K)"),
    (r"W(x) = \sum_j w_j (W_j^\top x)_+", RELU, f"W(x) = {UNITS}"),
    (r"W(x) = \sum_j w_j \max(0, \langle W_j, x\rangle)", RELU, f"W(x) = {UNITS.replace('relu(', 'max(0, ')}"),
    (r"W(x) = w^\top \max(W x, 0)", RELU, f"W(x) = {UNITS}"),
    (r"\mathrm{var}(D) = \frac{q}{p} \sum_i w_i^2 x_i^2", LINEAR, "Var[D] = q/p*Sum(w[i]^2*x[i]^2, i=1..K)"),
    (r"\mathbb{E}[r_i r_j] = p^2 \text{ for } i \ne j", LINEAR, "p^2 = p^2 if i != j"),
    (r"\lim_{q \downarrow 0} J_D = R", LINEAR, "lim(J_D, q -> 0^+) = R"),
    (r"J_D \text{ is a nondecreasing function of } q", LINEAR, "J_D is nondecreasing in q"),
    (r"J_D \text{ is weakly increasing in } q", LINEAR, "J_D is nondecreasing in q"),
    (r"J_D \text{ does not decrease in } q", LINEAR, "J_D is nondecreasing in q"),
    (r"\mathbb{E}[(y - \sum_i w_i \tilde x_i)^2] = J_D \text{ where } \tilde x_i = r_i x_i / p", LINEAR, None),
    (r"\mathbb{E}[(y - w^\top \tilde x)^2] = J_D \text{ where } \tilde x_i = r_i x_i / p", LINEAR, None),
    (r"\mathbb{E}[w^\top \tilde{x}] = w^\top x \text{ where } \tilde{x} = r \odot x / p", LINEAR, None),
]  # fmt: skip
MINIMA = [  # at inputs that are all 1, and whether that is the minimiser
    (r"w_i = \frac{p y}{q + p K} \text{ minimises } J_D", True),
    (r"w_i = \frac{p y}{q + p K} \text{ for all } i \text{ minimises } J_D", True),
    (r"w^* = \frac{p y}{q + p K} \text{ minimises } J_D", True),
    (r"w_i^\star = \frac{p y}{q + p K} \text{ is a minimiser of } J_D(w)", True),
    (r"w_i = \frac{y}{q + p K} \text{ minimises } J_D", False),
]
FALSE = [
    (r"\mathbb{E}[(y - \sum_i w_i \tilde x_i)^2] = J_D \text{ where } \tilde x_i = r_i x_i", LINEAR),  # not rescaled
    (r"\mathbb{E}[r_i r_j] = p \text{ for } i \ne j", LINEAR),
    (r"W(x) = w^\top \max(W x, 0) + 1", RELU),
    (r"J_D = R \implies q = 0", LINEAR),
    (r"J_D \text{ is increasing with } q", LINEAR),
    (r"|W(x)|^3 = W(x)^3", RELU),
]
REFUSED = [  # with the words of the message that help
    (r"J_D|_{q=0} = J_D", LINEAR, "moves with it too"),
    (r"J_D|_{q=1/2} = R + \frac{q}{p} \sum_i w_i^2 x_i^2", LINEAR, "moves with it too"),
    (r"J_D = R \iff q = 0", LINEAR, "an equivalence is two claims"),
    (r"\text{If } q = 0, J_D = R", LINEAR, "ends with 'then'"),
    (r"\mathbb{E}[w^\top \tilde x] = w^\top x", LINEAR, "or defined behind the claim"),
    (r"J_D \ge 0 \text{ where } \hat w = 2", LINEAR, "nothing says what"),
    (r"J_D \text{ is constant in } \hat w \text{ where } z_i = x_i", LINEAR, "nothing says what"),
    ("penalty = q/p*sum(i*w[i]**2*x[i]**2 for i in range(K))", LINEAR, "more than the index of an entry"),
    ("penalty = q/p*sum(w[i+1]**2*x[i]**2 for i in range(K))", LINEAR, "more than the index of an entry"),
    ("penalty = q/p*sum(w[i]**2*x[i]**2 for i in range(n))", LINEAR, "at K as an index"),
    ("W(x) >= sum(w[1]*x[i] for i in range(K))", LINEAR, "may count from 0"),
    ("penalty = q/p*sum(w[i]**2*x[i]**2 for i in range(1, K))", LINEAR, "counts from 1 and holds its end"),
    (r"\mathbb{E}[r_i \sum_j r_j] = K p^2 \text{ for } i \ne j", LINEAR, "the same range"),
    (r"\mathbb{E}[\sum_i \sum_j r_i r_j] = K^2 p^2 \text{ for } i \ne j", LINEAR, "for i = j"),
    (r"J_D \ge R |_{y=0}", LINEAR, "moves with it too"),
    (r"\sum_i x_i^2 \|W_i\|^2 \ge 0", RELU, "may end at K or n"),
    (r"w_i = \frac{p y x_i}{q + p K} \text{ minimises } J_D", LINEAR, "by their numbers"),
    (r"w_1^* = \frac{p y}{q + p K}", LINEAR, "read as a minimiser"),
    (r"J_D \le e^{q} R", LINEAR, "the exponential function"),
    (r"J_D \ge e^{2} R", LINEAR, "the exponential function"),
    (r"\mathbf{1}^\top w = \sum_i w_i", LINEAR, "the vector of 1s"),
    (r"\|\mathbf{1}\|^2 = 1", LINEAR, "the vector of 1s"),
    (r"W_j \ge 0", RELU, "free index j"),
]


@pytest.mark.parametrize(("claim", "arch", "read"), READ)
def test_what_authors_write_is_read_and_proved(claim, arch, read):
    verdict = check(claim, arch)
    assert verdict.status == "proved"
    assert read is None or str(verdict.claim) == read


@pytest.mark.parametrize(("claim", "holds"), MINIMA)
def test_a_minimiser_by_an_index_names_every_weight(claim, holds):
    assert check(claim, LINEAR, "point(1, y)").status == ("proved" if holds else "refuted")


@pytest.mark.parametrize(("claim", "arch"), FALSE)
def test_false_neighbours_are_refuted(claim, arch):
    assert check(claim, arch).status == "refuted"


@pytest.mark.parametrize(("claim", "arch", "message"), REFUSED)
def test_what_reads_two_ways_is_refused_with_what_to_write(claim, arch, message):
    with pytest.raises(InvalidInput, match=message):
        check(claim, arch)
