"""Each common slip is named when it explains a refuted claim, and no slip is named when none does."""

import pytest

from exactdropout.claims import check

SUM = "Sum(w[i]^2*x[i]^2, i=1..K)"
LINEAR = "K-1, no biases"
DEEP = "K-n^(d-1)-1 relu, no biases"
T18 = {"data": "point(1, y)", "assume": "weights = c, c >= 0, y = K*n^(d-1)*c^d"}
SLIPS = {
    "p and q are swapped": (f"penalty = p/q*{SUM}", LINEAR, {"assume": "q > 0"}),
    "in a denominator": (f"penalty = q/(1 - p)*{SUM}", LINEAR, {"assume": "q > 0"}),
    "second moment 1/p of a mask": (f"Var[D] = 1/p*{SUM}", LINEAR, {}),
    "the variance is taken for the second moment": (f"E[D^2] = q/p*{SUM}", LINEAR, {}),
    "R is the risk, the error without dropout; the penalty is meant": (f"R = q/p*{SUM}", LINEAR, {}),
    "J_D is the whole criterion; the penalty is meant": (f"J_D = q/p*{SUM}", LINEAR, {}),
    "the whole criterion J_D is meant": (f"penalty = R + q/p*{SUM}", LINEAR, {}),
    "a factor 1/2 is missing": (f"Var[D] = 2*q/p*{SUM}", LINEAR, {}),
    "a factor 1/2 is too much": (f"Var[D] = q/(4*p)*{SUM}", LINEAR, {"data": "half(x, y)"}),
    "classic scaling": (f"Var[D] = p*q*{SUM}", LINEAR, {}),
    "d is counted without the output layer": ("Var[D] = y^2*((1 + q/(p*K))*(1 + q/(p*n))^d - 1)", DEEP, T18),
    "d is counted once too often": ("Var[D] = y^2*((1 + q/(p*K))*(1 + q/(p*n))^(d - 2) - 1)", DEEP, T18),
    "the last layer's masks are forgotten": (
        "penalty = q/p*Sum(x[i]^2*Sum(w[j]*W[1][j,i], j=1..n)^2, i=1..K)", "K-n-1 linear, no biases", {}),
    "point mass for half mass": (f"penalty = q/p*{SUM}", LINEAR, {"data": "half(x, y)"}),
}  # fmt: skip


@pytest.mark.parametrize("slip", SLIPS)
def test_the_slip_is_named(slip):
    claim, arch, options = SLIPS[slip]
    verdict = check(claim, arch, **options)
    assert verdict.status == "refuted"
    assert slip in str(verdict.near_miss)
    assert "exact points" in str(verdict.near_miss)  # a hint says how far it was checked


@pytest.mark.parametrize("claim", [f"penalty = q^3*{SUM}", f"penalty <= p*q*{SUM}", "penalty is constant in q"])
def test_no_slip_is_named_without_one(claim):
    verdict = check(claim, LINEAR)
    assert (verdict.status, verdict.near_miss) == ("refuted", None)


@pytest.mark.parametrize("arch", ["1-1-1 relu, hidden biases", "K-n-1 relu"])
def test_no_slip_is_named_for_points_where_the_units_happen_to_be_linear(arch):
    # with classic scaling E D = W(x) holds at most simple points, and fails at w x = 2, b = -1
    assert check("E[D] = W(x)", arch).near_miss is None


@pytest.mark.parametrize(
    ("claim", "slip"),
    [
        (f"E[D^2] = W(x)^2 + 1/q*{SUM} - {SUM}", "in a denominator"),  # the swap of p and q would explain it too
        (r"\operatorname{Var}[D] = \frac{p}{q} \sum_{i=1}^K w_i^2 x_i^2", "p and q are swapped"),
        ("E[D] = (1 - q)*W(x)", "classic scaling"),  # W(x) has the weights as they are
    ],
)
def test_the_slip_that_is_named_is_the_plainest(claim, slip):
    assert slip in str(check(claim, LINEAR).near_miss)


@pytest.mark.parametrize(
    ("claim", "arch", "q"),
    [("Var[D] = 0", "1-1, no biases", None), ("penalty = 0", LINEAR, "1/2"), ("J_D = risk", "1-1-1 relu", "0, q")],
)
def test_no_masks_at_all_is_not_the_last_layer_forgotten(claim, arch, q):
    verdict = check(claim, arch, q=q)
    assert (verdict.status, verdict.near_miss) == ("refuted", None)


@pytest.mark.parametrize(
    ("factor", "data", "slip"),
    [("", "half(x, y)", "a factor 1/2 is missing"), ("1/2*", None, "a factor 1/2 is too much")],
)
def test_a_factor_and_the_mass_of_the_example_are_both_named(factor, data, slip):
    """Half the mass on the origin halves the penalty of a model without biases."""
    found = str(check(f"penalty = {factor}q/p*{SUM}", "K-1, no biases", data).near_miss)
    assert "point mass for half mass" in found
    assert f"Or {slip}" in found
