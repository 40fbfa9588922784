"""Lower bounds of the variance by the squared output: proved for all sizes by Cauchy-Schwarz, and no stronger ones."""

import pytest

from exactdropout.claims import check

HINGE = "K-n-1 relu, no biases"


@pytest.mark.parametrize(
    ("claim", "arch", "q"),
    [
        ("Var[D] >= q/p*W(x)^2/n", HINGE, "0, q"),
        ("Var[D] >= q/p*W(x)^2/K", "K-1, no biases", None),
        (r"\text{penalty} \ge \frac{q}{K p} W(x)^2", "K-1, no biases", None),
        ("K*penalty >= W(x)^2", "K-1, no biases", "1/2"),
        ("3*Var[D] >= q/p*W(x)^2", "3-1, no biases", None),
        ("Sum(w[i]*x[i], i=1..K)^2 <= K*Sum(w[i]^2*x[i]^2, i=1..K)", "K-1, biases", None),
        ("J_D >= (W(x) - y)^2 + q/(n*p)*W(x)^2", HINGE, "0, q"),
    ],
)
def test_proved(claim, arch, q):
    assert check(claim, arch, q=q).status == "proved"


@pytest.mark.parametrize(
    ("claim", "arch", "q"),
    [
        ("Var[D] >= q/p*W(x)^2", HINGE, "0, q"),
        ("Var[D] >= 2*q/p*W(x)^2/n", HINGE, "0, q"),
        ("Var[D] >= q/p*W(x)^2/K", "K-1, output bias", None),  # W(x) holds the bias
        ("Var[D] > q/p*W(x)^2/K if w > 0, x > 0, q > 0", "K-1, no biases", None),  # equal at K = 1
        ("Var[D] <= q/p*W(x)^2/K", "K-1, no biases", None),
        ("2*Var[D] >= q/p*W(x)^2", "3-1, no biases", None),
    ],
)
def test_refuted(claim, arch, q):
    assert check(claim, arch, q=q).status == "refuted"
