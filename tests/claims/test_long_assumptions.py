"""Closed forms with assumptions are broken into lines, and read back."""

import pytest

from exactdropout.claims import parse_claim
from exactdropout.claims.derived_claims import closed_forms
from exactdropout.claims.language.syntax import aligned_latex, claim_latex
from exactdropout.notation import Style

ASSUMED = ["x >= 0", "weights >= 0", "biases >= 0"]


@pytest.mark.parametrize("environment", ["none", "equation*", "align"])
@pytest.mark.parametrize("width", [40, 76])
def test_lines_hold_the_assumptions_too(environment, width):
    found = closed_forms("K-n-1 relu, biases", None, None, assume=ASSUMED, quantities=["criterion", "mean"])
    for name, claim in found.items():
        printed = aligned_latex(claim, Style(width=width, environment=environment))
        assert (len(printed.splitlines()) > 2) >= (name == "criterion")
        assert parse_claim(printed) == claim
        assert aligned_latex(claim) == claim_latex(claim)


def test_short_ones_stay_in_one_line():
    (claim,) = closed_forms("K-1, no biases", None, None, assume="w >= 0", quantities=["variance"]).values()
    assert aligned_latex(claim, Style(width=76)) == claim_latex(claim)
