"""A verdict survives no failed step, and rests on at least one computation."""

import pytest

from exactdropout.errors import InvalidInput
from exactdropout.theorems import Step, argument, by_rule, conclude, enumerated, induction, step


def test_a_failed_step_is_not_proved():
    good, bad = step("1 = 1", "identity", True), step("1 = 2", "identity", False)
    proof = conclude("holds", "all sizes", [good, bad])
    assert (proof.verdict, proof.scope, proof.failed) == ("not proved", "none", (bad,))
    assert "FAILED" in str(proof)
    assert conclude("holds", "all sizes", [good]).verdict == "holds"


def test_words_alone_prove_nothing():
    assert conclude("holds", "all sizes", [argument("It is clear.")]).verdict == "not proved"
    assert conclude("holds", "all sizes", []).verdict == "not proved"


def test_an_argument_cannot_pose_as_checked():
    with pytest.raises(InvalidInput, match="holds"):
        Step(claim="clear", method="argument", holds=True)
    with pytest.raises(InvalidInput, match="holds"):
        Step(claim="checked", method="identity", holds=None)
    with pytest.raises(InvalidInput, match="method"):
        Step(claim="checked", method="divination", holds=True)


def test_enumeration_of_nothing_shows_nothing():
    assert enumerated("all", []).holds is False
    assert enumerated("all", [(1, 1), (2, 3)]).holds is False
    assert enumerated("all", [(1, 1)]).holds is True


def test_inductions_need_start_and_step():
    assert induction("a", start=True, step=True).holds is True
    assert induction("a", start=False, step=True).holds is False
    assert induction("a", start=True, step=False).holds is False


def test_rules_are_known_and_their_hypotheses_hold():
    assert by_rule("a", "Weierstrass", {"x": True, "y": True}).holds is True
    assert by_rule("a", "Weierstrass", {"x": True, "y": False}).holds is False
    with pytest.raises(InvalidInput, match="'rule' must be one of"):
        by_rule("a", "it is well known", {"x": True})
    with pytest.raises(InvalidInput, match="'hypotheses'"):
        by_rule("a", "Weierstrass", {})


def test_evidence_counts_words():
    proof = conclude("holds", "all", [step("a", "identity", True), argument("b"), step("c", "cases", True)])
    assert proof.evidence == "identity, cases (+1 in words)"
    assert proof.timed(2.5).seconds == 2.5
