"""Several examples: a design matrix X with labels y, free or given as numbers; masks of each row."""

import random
from fractions import Fraction as F

import numpy as np
import pytest

from exactdropout.claims import check, parse_claim
from exactdropout.claims.derived_claims import closed_forms, derivation
from exactdropout.claims.refutation.attack import edge_points
from exactdropout.claims.refutation.moments import Naive, Quick
from exactdropout.claims.setting.setting import build_setting
from exactdropout.claims.verifier.named import Named
from exactdropout.errors import InvalidInput
from exactdropout.model import Examples

RIDGE = r"m J_D = \|y - X w\|^2 + \frac{q}{p} w^\top \mathrm{diag}(X^\top X) w"
MASKED = r"\mathbb{E}_R \|y - (R \odot X) w\|^2 = \|y - p X w\|^2 + p(1-p)\, w^\top \mathrm{diag}(X^\top X)\, w"


@pytest.mark.parametrize("claim", [RIDGE, MASKED])
def test_the_ridge_identity_holds_for_every_design(claim):
    verdict = check(claim, "K-1, no biases", "design(X, y)")
    assert verdict.status == "proved"
    assert verdict.scope == "all sizes: K >= 1, m >= 1 (K-1 linear, no biases)"
    assert "data design(X, y) of m examples, each with mass 1/m" in verdict.assumptions


@pytest.mark.parametrize(
    ("claim", "wrong"),
    [
        (RIDGE, RIDGE.replace(r"\mathrm{diag}(X^\top X)", r"X^\top X")),
        (RIDGE, RIDGE.replace("m J_D", "J_D")),
        (RIDGE, RIDGE.replace(r"\frac{q}{p}", r"\frac{p}{q}")),
        (MASKED, MASKED.replace("p X w", "X w")),
        (MASKED, MASKED.replace("p(1-p)", "p^2")),
    ],
)
def test_slips_in_it_are_refuted(claim, wrong):
    assert wrong != claim
    assert check(wrong, "K-1, no biases", "design(X, y)").status == "refuted"


def test_it_is_what_the_masks_give():
    """The masked identity by all masks of a small design, in plain fractions."""
    rng = random.Random(2)
    x, y, w = [[F(rng.randint(-3, 3)) for _ in range(2)] for _ in range(2)], [F(1), F(-2)], [F(3), F(1, 2)]
    p = F(1, 3)
    mean = F(0)
    for bits in np.ndindex(2, 2, 2, 2):
        chance = np.prod([p if bit else 1 - p for bit in bits])
        rows = [sum(bits[2 * s + i] * x[s][i] * w[i] for i in range(2)) for s in range(2)]
        mean += chance * sum((y[s] - rows[s]) ** 2 for s in range(2))
    plain = sum((y[s] - p * sum(x[s][i] * w[i] for i in range(2))) ** 2 for s in range(2))
    ridge = p * (1 - p) * sum(w[i] ** 2 * sum(x[s][i] ** 2 for s in range(2)) for i in range(2))
    assert mean == plain + ridge
    data = [(tuple(x[s]), y[s]) for s in range(2)]
    text = (
        f"m*J_D = {2 * F(0) + sum((y[s] - sum(x[s][i] * w[i] for i in range(2))) ** 2 for s in range(2))} + q/p*"
        + str(sum(w[i] ** 2 * sum(x[s][i] ** 2 for s in range(2)) for i in range(2)))
    )
    assert check(text, "2-1, no biases", data, assume="w[1] = 3, w[2] = 1/2").status == "proved"


def test_examples_that_are_numbers():
    data = Examples([((1, 2), 3, F(1, 4)), ((0, 1), -1, F(3, 4))])
    claim = "J_D = ((w[1] + 2*w[2] - 3)^2 + 3*(w[2] + 1)^2)/4 + q/(4*p)*(w[1]^2 + 7*w[2]^2)"
    verdict = check(claim, "K-1, no biases", data)
    assert verdict.status == "proved"
    assert verdict.scope == "the sizes of 2-1 linear, no biases"
    assert "data of 2 examples ((1, 2), 3) with mass 1/4, ((0, 1), -1) with mass 3/4" in verdict.assumptions
    found = check(claim.replace("7*w", "6*w"), "2-1, no biases", data)
    assert found.status == "refuted"
    assert found.counterexample.data == data
    assert check("y[2] = -1", "2-1", data).status == "proved"


@pytest.mark.parametrize("arch", ["2-1", "1-2-1 relu, biases", "2-1-1 leaky_relu(1/3), output bias"])
def test_the_quantities_of_the_engines_agree(arch):
    """By the masks of all layers but the last, by the double loop, and as the verifier's polynomials."""
    setting = build_setting(arch, "design(X, y, 2)", None, None, ())
    claim = parse_claim("J_D >= 0")
    points = (scope for scope in edge_points(claim, setting, seed=3) if scope is not None)
    for _, scope in zip(range(6), points, strict=False):
        here = Named(claim, setting, next(setting.sizes()))
        value = {key[0] + (str(list(key[1])) if key[1] else ""): v for key, v in scope.values.items()}
        t = value["t'"] = scope.rate(0) / (1 - scope.rate(0))
        for name, found in here.moments().items():
            expected = Naive().quantity(name, scope)
            assert Quick().quantity(name, scope) == expected
            bottom = (1 + t) ** found.keep * at(found.bottom, value, here)
            assert at(found.top, value, here) / bottom == expected
        assert "output" not in here.moments()


def at(polynomial, value, here):
    """Return a polynomial of the verifier at a point; atoms are relu of polynomials."""
    total = F(0)
    for monomial, coefficient in polynomial.items():
        term = coefficient
        for name, power in monomial:
            inner = here.signs.atoms.get(name)
            term *= (value[name] if inner is None else max(at(inner, value, here), F(0))) ** power
        total += term
    return total


@pytest.mark.parametrize(
    ("claim", "data", "words"),
    [
        ("W(x) = 0", "design(X, y)", "gives several"),
        ("x[1] = 0", "design(X, y)", "gives several"),
        ("J_D = 1 if x >= 0", "design(X, y)", "gives several"),
        ("X[3,1] = 0", "design(X, y, 2)", "does not exist in 2-1 linear, biases with 2 examples"),
        ("y[3] = 0", "design(X, y, 2)", "y[3], which does not exist"),
        ("J_D = 0 if y[3] > 0", "design(X, y, 2)", "does not exist"),
        ("J_D = 0 if m = 3", "design(X, y, 2)", "must not set m"),
        ("J_D = 0", "design(Z, y)", "'design(X, y)'"),
        ("J_D = 0", "design(X, y, 0)", "'design(X, y)'"),
        ("y[1] = 0", None, "no indices"),
        (r"\mathbb{E}_R[R_{1,1} R_{2,1}] = p^2", "design(X, y)", "sum over rows"),
        (r"\mathbb{E}_R[(\sum_s R_{s,1})^2] = m p", "design(X, y)", "sum over rows"),
    ],
)
def test_what_a_design_refuses(claim, data, words):
    with pytest.raises(InvalidInput, match=r".") as caught:
        check(claim, "2-1", data)
    assert words in str(caught.value)


def test_an_assumption_does_not_override_given_examples():
    data = [((1, 2), 3), ((0, 1), -1)]
    for assume in ("y[1] = 4", "X[1,1] = 0", "y >= 0"):
        with pytest.raises(InvalidInput, match=r"data|given"):
            check("J_D >= 0", "2-1", data, assume=assume)


def test_a_closed_form_is_of_one_example():
    with pytest.raises(InvalidInput, match="must be one example"):
        closed_forms("K-1, no biases", "design(X, y)", quantities=["criterion"])
    with pytest.raises(InvalidInput, match="must be one example"):
        derivation("2-1, no biases", "design(X, y, 2)")


@pytest.mark.parametrize("claim", ["y[1] = y[m]", "X[1,1] = X[m,1]"])
def test_m_is_the_number_of_examples_and_no_free_index(claim):
    assert check(claim, "K-1, no biases", "design(X, y)").status == "refuted"
