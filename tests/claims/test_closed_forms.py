"""Closed forms for symbolic sizes: Theorem 18 as an author writes it, and every form against the double loop."""

import pytest

from exactdropout.claims import check, parse_claim
from exactdropout.claims.derived_claims import closed_forms
from exactdropout.claims.refutation.search import candidates, failure
from exactdropout.claims.setting.setting import build_setting
from exactdropout.errors import InvalidInput

DEEP = "K-n^(d-1)-1 relu, no biases"
QUANTITIES = ("mean", "variance", "penalty", "risk", "criterion")


def test_theorem_18_comes_out_as_it_is_printed():
    found = closed_forms(
        DEEP, "point(1, y)", "1/2", assume="weights = c, c >= 0, y = K*n^(d-1)*c^d", quantities=QUANTITIES
    )
    right = {name: str(claim).partition(" = ")[2].partition(" if ")[0] for name, claim in found.items()}
    assert right["mean"] == "y"
    assert right["variance"] == right["criterion"] == "y^2*((1 + 1/K)*(1 + 1/n)^(d - 1) - 1)"
    assert right["risk"] == "0"


def test_product_over_layers_with_their_own_rates():
    found = closed_forms(
        "K-2-n-1 relu, no biases", "point(1, y)", "1/2, q, 1/3", assume="weights = c, c >= 0", quantities=["variance"]
    )
    assert str(found["variance"]).partition(" if ")[0] == (
        "Var[D] = (K*2*n*c^3)^2*((1 + 1/K)*(1 + q/(p*2))*(1 + 1/(2*n)) - 1)"
    )


CASES = [
    ("K-1, biases", None, None, None),
    ("K-n-1 linear, biases", None, None, None),
    ("K-n-n-1 linear, no biases", None, "q", None),
    ("K-n-1 relu, biases", None, "0, q", None),
    ("K-n-1 relu, no biases", "half(x, y)", "1/3", "weights >= 0, x >= 0"),
    (DEEP, "point(1, y)", None, "weights = c, c >= 0"),
    ("K-n-1 linear, no biases", "point(1, y)", "1/3, q", "weights = k"),
    ("K-1-1 linear, biases", None, None, None),
    ("K-n-1 leaky_relu(1/10), biases", None, "0, q", None),
    ("K-1-1 relu, no biases", None, "0, q", None),
    ("1-n-1 linear, no biases", None, "q", None),
    ("K-n-n-1 relu, no biases", "point(1, y)", "1/2, q, 1/3", "weights = c, c >= 0"),
]


@pytest.mark.parametrize(("arch", "data", "q", "assume"), CASES)
def test_closed_forms_are_what_the_double_loop_computes(arch, data, q, assume):
    problem = build_setting(arch, data, q, assume, ())
    for claim in closed_forms(arch, data, q, assume=assume, quantities=QUANTITIES).values():
        points = list(candidates(claim, problem, limit=60))
        assert len(points) >= 6
        assert [scope.values for scope in points if failure(claim, scope) is not None] == []
        assert parse_claim(str(claim)) == claim
        assert parse_claim(claim.latex()) == claim
        assert check(str(claim), arch, data, q).scope.startswith("all sizes")


@pytest.mark.parametrize(
    ("arch", "data", "assume"),
    [
        ("K-n-1 relu, no biases", None, None),
        (DEEP, None, "weights >= 0, x >= 0"),
        ("K-n-1 relu, biases", None, "weights >= 0, x >= 0"),
        ("K-n-1 linear, biases", "half(x, y)", None),
        ("K-n-1 leaky_relu(1/2), no biases", "point(1, y)", "weights = c"),
    ],
)
def test_no_closed_form_is_claimed_where_none_is_known(arch, data, assume):
    with pytest.raises(InvalidInput, match="closed form"):
        closed_forms(arch, data, None, assume=assume, quantities=QUANTITIES)
