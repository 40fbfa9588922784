"""Every proof fails on a wrong statement: the proofs of the catalogue are fed mutants of what they prove."""

from fractions import Fraction
from math import comb

import pytest
import sympy

from exactdropout.certificate import shipped
from exactdropout.certificate.shipped import Shipped, certificates_folder
from exactdropout.errors import InvalidInput
from exactdropout.theorems.invariance import (
    helmbold_2017_theorem_4,
    helmbold_2017_theorem_5,
    helmbold_2017_theorem_6,
)
from exactdropout.theorems.lemmas import certified_minima
from exactdropout.theorems.negative_weights import (
    exactdropout_2026_smallest_width,
    exactdropout_2026_width_limits,
    helmbold_2017_section_4_3,
    helmbold_2017_theorem_8,
    helmbold_2017_theorem_17,
)
from exactdropout.theorems.nonnegative import (
    helmbold_2017_lemma_15,
    helmbold_2017_lemma_16,
)
from exactdropout.theorems.penalty import (
    helmbold_2017_figure_1,
    helmbold_2017_introduction,
    helmbold_2017_theorem_18,
    helmbold_2017_theorem_19,
    helmbold_2017_theorem_20,
)


def failed_methods(proof):
    assert proof.verdict == "not proved"
    return {s.method for s in proof.failed}


@pytest.mark.parametrize("wrong", [{"criterion": 55}, {"risk": 63}, {"penalty": 10}])
def test_figure_1(wrong):
    assert failed_methods(helmbold_2017_figure_1.prove(**wrong)) == {"derivation"}


@pytest.mark.parametrize("power", [0, -2])
def test_theorem_4(power):
    found = failed_methods(helmbold_2017_theorem_4.prove(power=power))
    assert found == {"derivation"}


def only_own_scale(scales, layer):
    return scales[layer]


def only_lower_scales(scales, layer):
    product = scales[0] / scales[0] if not hasattr(scales[0], "ring") else scales[0].ring.one
    for c in scales[:layer]:
        product = product * c
    return product


@pytest.mark.parametrize("factor", [only_own_scale, only_lower_scales])
def test_theorem_5_with_wrong_biases(factor):
    found = failed_methods(helmbold_2017_theorem_5.prove(factor))
    assert found == {"derivation", "enumeration"}


@pytest.mark.parametrize("power", [1, 3])
def test_theorem_6(power):
    found = failed_methods(helmbold_2017_theorem_6.prove(power=power))
    assert found == {"derivation"}


def test_theorem_19_needs_its_signs():
    assert failed_methods(helmbold_2017_theorem_19.prove(hidden_sign="")) == {"derivation"}


@pytest.mark.parametrize("x", [(1, 2), (-1, -2)])
def test_theorem_20_needs_its_witness(x):
    assert failed_methods(helmbold_2017_theorem_20.prove(x=x)) == {"derivation"}


@pytest.mark.parametrize("wrong", [{"threshold": 0}, {"second": 1}, {"second": 0}])
def test_theorem_20_needs_units_that_change_sign(wrong):
    assert failed_methods(helmbold_2017_theorem_20.prove(**wrong)) == {"enumeration"}


def test_roots_are_counted_in_the_open_interval():
    q = sympy.Symbol("q")
    count = helmbold_2017_theorem_20.roots_in_open_interval
    assert count(sympy.Poly(q * (1 - q), q)) == 0
    assert count(sympy.Poly(q * (1 - 2 * q) ** 2 * (1 - 3 * q) * (q - 2), q)) == 2
    with pytest.raises(ValueError, match="zero"):
        count(sympy.Poly(0, q))


F = Fraction


@pytest.mark.parametrize(
    ("prove", "wrong", "methods"),
    [
        (helmbold_2017_introduction.prove, {"count": (24, 96)}, {"root count"}),
        (helmbold_2017_introduction.prove, {"label": -8}, {"root count", "enumeration"}),
        (helmbold_2017_section_4_3.prove, {"label": 0}, {"enumeration"}),
        (helmbold_2017_figure_1.prove, {"variance": -5}, {"derivation"}),
        (helmbold_2017_lemma_16.prove, {"constant": 2}, {"enumeration"}),
        (helmbold_2017_theorem_17.prove, {"share": F(1)}, {"identity", "enumeration"}),
        (helmbold_2017_theorem_18.prove, {"exponent": 2}, {"derivation", "enumeration"}),
        (helmbold_2017_theorem_18.prove, {"exponent": 0}, {"derivation", "enumeration"}),
        (exactdropout_2026_width_limits.prove, {"share": 1}, {"identity"}),
        (exactdropout_2026_width_limits.prove, {"share": 3}, {"identity"}),
        (exactdropout_2026_smallest_width.prove, {"at_half": {(2, False): 3}, "thresholds": ()}, {"certificate"}),
        pytest.param(
            exactdropout_2026_smallest_width.prove,
            {"at_half": {(3, False): 5}, "thresholds": ()},
            {"certificate"},
            marks=pytest.mark.thorough,
        ),
        pytest.param(
            exactdropout_2026_smallest_width.prove,
            {"at_half": {(2, True): 4}, "thresholds": ()},
            {"certificate"},
            marks=pytest.mark.thorough,
        ),
    ],
)
def test_a_wrong_constant_is_not_proved(prove, wrong, methods):
    assert methods <= failed_methods(prove(**wrong))


def test_sufficient_width_by_hand():
    width = helmbold_2017_theorem_8.sufficient_width
    assert width(2, 2) == 18  # (1 + 2/n) < 9/8 needs n > 16
    assert width(3, 2) == 21  # (1 + 3/n) < 7/6 needs n > 18
    with pytest.raises(InvalidInput, match="inputs"):
        width(1, 2)


def test_shipped_minima_are_those_of_their_names():
    item = Shipped(inputs=2, width=2, biases=False, nonnegative=False)
    assert certified_minima.shipped_minimum(item) == F(5, 9)
    assert certified_minima.certified(2, 1, biases=True) == F(1, 5)


def test_a_certificate_under_another_name_proves_nothing(monkeypatch, tmp_path):
    item = Shipped(inputs=2, width=3, biases=False, nonnegative=False)
    wrong = certificates_folder().joinpath("point-K2-n2.json").read_text("utf-8")
    (tmp_path / f"{item.name}.json").write_text(wrong, "utf-8")
    monkeypatch.setattr(shipped, "certificates_folder", lambda: tmp_path)
    assert certified_minima.shipped_minimum.__wrapped__(item) is None
    (tmp_path / f"{item.name}.json").write_text("{}", "utf-8")
    assert certified_minima.shipped_minimum.__wrapped__(item) is None


def test_central_part_by_hand():
    central = helmbold_2017_lemma_15.central_part
    assert central(5) == F(10 + 10, 32)  # |X - 5/2| < 0.559: X = 2, 3
    assert central(16) == F(comb(16, 8), 2**16)  # |X - 8| < 1


def test_binomial_tail_by_hand():
    tail = helmbold_2017_lemma_15.lower_tail
    assert [tail(n) for n in (1, 2, 4, 5)] == [F(1, 2), F(1, 4), F(5, 16), F(6, 32)]
    assert tail(16) == F(sum(comb(16, x) for x in range(7)), 2**16)  # 7 itself is not below 8 - 1
