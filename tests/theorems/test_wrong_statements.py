"""Every proof fails on a wrong statement: the proofs of the catalogue are fed mutants of what they prove."""

import pytest
import sympy

from exactdropout.theorems import (
    helmbold_2017_figure_1,
    helmbold_2017_theorem_4,
    helmbold_2017_theorem_5,
    helmbold_2017_theorem_6,
    helmbold_2017_theorem_19,
    helmbold_2017_theorem_20,
)


def failed_methods(proof):
    assert proof.verdict == "not proved"
    return {s.method for s in proof.failed}


@pytest.mark.parametrize("wrong", [{"criterion": 55}, {"risk": 63}, {"penalty": 10}])
def test_figure_1(wrong):
    assert failed_methods(helmbold_2017_figure_1.prove(**wrong)) == {"derivation", "enumeration"}


@pytest.mark.parametrize("power", [0, -2])
def test_theorem_4(power):
    assert failed_methods(helmbold_2017_theorem_4.prove(power=power)) == {"identity", "derivation", "enumeration"}


def only_own_scale(scales, layer):
    return scales[layer]


def only_lower_scales(scales, layer):
    product = scales[0] / scales[0] if not hasattr(scales[0], "ring") else scales[0].ring.one
    for c in scales[:layer]:
        product = product * c
    return product


@pytest.mark.parametrize("factor", [only_own_scale, only_lower_scales])
def test_theorem_5_with_wrong_biases(factor):
    assert failed_methods(helmbold_2017_theorem_5.prove(factor)) == {"identity", "derivation", "enumeration"}


@pytest.mark.parametrize("power", [1, 3])
def test_theorem_6(power):
    assert failed_methods(helmbold_2017_theorem_6.prove(power=power)) == {"identity", "derivation", "enumeration"}


def test_theorem_19_needs_its_signs():
    assert failed_methods(helmbold_2017_theorem_19.prove(hidden_sign="")) == {"cases", "derivation"}


@pytest.mark.parametrize("x", [(1, 2), (-1, -2)])
def test_theorem_20_needs_its_witness(x):
    assert "root count" in failed_methods(helmbold_2017_theorem_20.prove(x=x))


def test_roots_are_counted_in_the_open_interval():
    q = sympy.Symbol("q")
    count = helmbold_2017_theorem_20.roots_in_open_interval
    assert count(sympy.Poly(q * (1 - q), q)) == 0
    assert count(sympy.Poly(q * (1 - 2 * q) ** 2 * (1 - 3 * q) * (q - 2), q)) == 2
    with pytest.raises(ValueError, match="zero"):
        count(sympy.Poly(0, q))
