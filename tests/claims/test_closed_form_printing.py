"""Closed forms are printed with squares for double sums and without a layer where there is one; check proves them."""

import pytest

from exactdropout.claims import check, closed_forms


@pytest.mark.parametrize(
    ("arch", "q", "assume", "printed"),
    [
        (
            "K-n-1 linear, no biases", None, None,
            "penalty = q/p*Sum(x[i]^2*Sum(w[j]*W[j,i], j=1..n)^2, i=1..K) + "
            "q/p*Sum(w[i]^2*(q/p*Sum(W[i,j]^2*x[j]^2, j=1..K) + Sum(W[i,j]*x[j], j=1..K)^2), i=1..n)",
        ),
        (
            "2-n-1 relu, hidden biases", "1/2", "weights >= 0, x >= 0, b[1] >= 0",
            "penalty = Sum(x[i]^2*Sum(w[j]*W[j,i], j=1..n)^2, i=1..2) + "
            "Sum(w[i]^2*(Sum(W[i,j]^2*x[j]^2, j=1..2) + (Sum(W[i,j]*x[j], j=1..2) + b[i])^2), i=1..n) "
            "if weights >= 0, x >= 0, b[1] >= 0",
        ),
        (  # a layer of one unit, or one input, is no sum
            "2-1-1 linear, no biases", None, None,
            "penalty = q/p*Sum(x[i]^2*(w[1]*W[1,i])^2, i=1..2) + "
            "q/p*w[1]^2*(q/p*Sum(W[1,i]^2*x[i]^2, i=1..2) + Sum(W[1,i]*x[i], i=1..2)^2)",
        ),
        (
            "1-3-1 linear, no biases", None, None,
            "penalty = q/p*x[1]^2*Sum(w[i]*W[i,1], i=1..3)^2 + "
            "q/p*Sum(w[i]^2*(q/p*W[i,1]^2*x[1]^2 + (W[i,1]*x[1])^2), i=1..3)",
        ),
        ("K-n-1 linear, no biases", "0, q", None, "penalty = q/p*Sum((w[i]*Sum(W[i,j]*x[j], j=1..K))^2, i=1..n)"),
    ],
)  # fmt: skip
def test_printed_and_proved(arch, q, assume, printed):
    claim = closed_forms(arch, None, q, assume=assume, quantities=["penalty"])["penalty"]
    assert str(claim) == printed
    if assume is None:
        assert check(str(claim), arch, None, q).status == "proved"
        assert check(claim.latex(), arch, None, q).status == "proved"
