"""Results of other papers: each proof fails on a wrong statement, in every kind of evidence that it has."""

import itertools
import math
from dataclasses import replace
from fractions import Fraction

import pytest

from exactdropout.theorems import catalogue, proved
from exactdropout.theorems.neighbours import (
    arora_2021_last_layer,
    baldi_2013_mean,
    clara_2023_iterates,
    helmbold_2015_logistic,
    mianjy_2018_two_layer,
    mianjy_2019_deep_linear,
    srivastava_2014_linear,
    vandermaaten_2013_exponential,
    wager_2013_quadratic,
    wang_2013_fast_dropout,
    wei_2020_second_order,
)
from exactdropout.theorems.neighbours import cavazza_2018_matrix_factorisation as cavazza


def failed_methods(proof):
    assert proof.verdict == "not proved"
    return {s.method for s in proof.failed}


@pytest.mark.parametrize("noise", [0, 2])
def test_linear_penalty(noise):
    assert failed_methods(srivastava_2014_linear.prove(noise)) >= {"derivation", "enumeration"}


@pytest.mark.parametrize("noise", [0, 2])
def test_linear_moments(noise):
    assert failed_methods(baldi_2013_mean.prove(noise)) >= {"derivation", "enumeration"}


@pytest.mark.parametrize("noise", [0, 2])
def test_last_layer(noise):
    assert failed_methods(arora_2021_last_layer.prove(noise)) >= {"derivation", "enumeration"}


@pytest.mark.parametrize("noise", [0, 2])
def test_matrix_factorisation(noise):
    assert failed_methods(cavazza.prove(noise)) >= {"derivation", "enumeration"}


@pytest.mark.parametrize("power", [0, 2])
def test_copies_of_a_column_divide_by_their_number(power):
    assert failed_methods(cavazza.prove(copies_power=power)) == {"enumeration"}


@pytest.mark.parametrize("noise", [0, 2])
def test_two_layer_penalty(noise):
    assert failed_methods(mianjy_2018_two_layer.prove(noise)) >= {"derivation", "enumeration"}


@pytest.mark.parametrize("factor", [0, 2])
def test_two_layer_bound(factor):
    assert failed_methods(mianjy_2018_two_layer.prove(factor=factor)) == {"enumeration"}


@pytest.mark.parametrize("noise", [0, 2])
def test_deep_linear_path_sum(noise):
    assert failed_methods(mianjy_2019_deep_linear.prove(noise)) >= {"derivation", "enumeration"}


@pytest.mark.parametrize("factor", [0, 2])
def test_deep_linear_bound(factor):
    assert failed_methods(mianjy_2019_deep_linear.prove(factor=factor)) == {"derivation", "enumeration"}


@pytest.mark.parametrize("noise", [-1, 0, 2])
def test_second_order_regulariser_and_its_misprint(noise):
    assert failed_methods(wei_2020_second_order.prove(noise)) >= {"derivation", "enumeration", "bound"}


def test_second_order_errors_are_exact(monkeypatch):
    second, penalty = wei_2020_second_order.RELU_CASES[2, -1]
    monkeypatch.setitem(wei_2020_second_order.RELU_CASES, (2, -1), (second, 2 * penalty))
    assert failed_methods(wei_2020_second_order.prove()) == {"enumeration"}


@pytest.mark.parametrize("power", [0, 2])
def test_exponential_loss(power):
    assert failed_methods(vandermaaten_2013_exponential.prove(power)) >= {"derivation", "enumeration"}


@pytest.mark.parametrize("weight", [0, 2])
def test_mean_of_iterates(weight):
    assert failed_methods(clara_2023_iterates.prove(weight)) == {"derivation", "enumeration"}


def test_covariance_of_iterates_needs_its_witness(monkeypatch):
    def without_label():
        monkeypatch.setattr(clara_2023_iterates, "WITNESS_LABELS", (0,))
        yield from clara_2023_iterates.VARIANCE_STAYS.lines[0].reason.instances()

    (line,) = clara_2023_iterates.VARIANCE_STAYS.lines
    wrong = replace(line, reason=replace(line.reason, instances=without_label))
    proof = proved("holds", (replace(clara_2023_iterates.VARIANCE_STAYS, lines=(wrong,)),))
    assert failed_methods(proof) == {"enumeration"}


def test_the_printed_variance_of_an_iterate_is_that_of_its_four_masks():
    """The sentence once said q (1 − q)/(2 − q)², while the right formula was checked beside it."""
    printed = [s.claim for s in clara_2023_iterates.prove().steps if s.claim.startswith("So $V = ")]
    for q in (Fraction(1, 3), Fraction(4, 5)):
        b = 1 / (2 - q)  # X = (1, 1), y = 1: both weights of the limit
        variance = Fraction(0)
        for r1, r2 in itertools.product((0, 1), repeat=2):
            residual = 1 - (r1 + r2) * b
            chance = (1 - q if r1 else q) * (1 - q if r2 else q)
            variance += chance * (r1 + r2) * residual**2  # of the step divided by α
        assert printed == [r"So $V = \frac{2 \alpha^{2} q (1 - q)^{2}}{(2 - q)^{2}}$."]
        assert variance == 2 * q * (1 - q) ** 2 / (2 - q) ** 2


def test_statements_of_unread_sources_are_called_ours():
    ours = [t for t in catalogue() if not t.source_read]
    assert {t.source for t in ours} == {t.source for t in catalogue()} - {"helmbold2017", "exactdropout2026"}
    assert {t.printed_label for t in ours} == {"Our statement"}


@pytest.mark.parametrize("wrong", [{"middle": 4}, {"turn": 0}])
def test_logistic_penalty_needs_its_witnesses(wrong):
    assert failed_methods(helmbold_2015_logistic.prove(**wrong)) == {"enumeration"}


def test_logistic_penalty_by_hand():
    """x = (1, 1), w = (2, 0), q = 1/2: D is 0 or 4 with probability 1/2."""
    found = helmbold_2015_logistic.penalty_interval((2, 0), (1, 1), Fraction(1, 2))
    by_hand = (math.log(2) + math.log1p(math.exp(-4))) / 2 - math.log1p(math.exp(-2))
    assert abs(float(found.mid) - by_hand) < 1e-14


def test_fast_dropout_needs_the_exact_mean(monkeypatch):
    right = wang_2013_fast_dropout.exact_mean
    monkeypatch.setattr(wang_2013_fast_dropout, "exact_mean", lambda inputs: 2 * right(inputs))
    assert failed_methods(wang_2013_fast_dropout.prove()) == {"derivation", "enumeration"}


@pytest.mark.parametrize("half", [Fraction(1), Fraction(1, 4)])
def test_quadratic_approximation(half):
    assert failed_methods(wager_2013_quadratic.prove(half)) == {"enumeration"}


def test_logistic_ratio_by_hand():
    ratio = float(wager_2013_quadratic.logistic_ratio(Fraction(1)).mid)
    penalty = (math.log(2) + math.log1p(math.exp(2))) / 2 - math.log1p(math.e)
    assert ratio == pytest.approx(penalty / (math.e / (1 + math.e) ** 2 / 2), rel=1e-12)
