"""Hundreds of claims that try to mislead the prover, their truth decided by hand: none is proved or refuted wrongly."""

import collections
import tomllib
from pathlib import Path

import pytest

from exactdropout.claims import check
from exactdropout.errors import ExactDropoutError

HERE = Path(__file__).parent
GROUPS = [
    group for name in ("adversarial.toml", "adversarial_second.toml")
    for group in tomllib.loads((HERE / name).read_text("utf-8"))["group"]
]  # fmt: skip
TRUTHS = ("true", "false", "unclear", "vacuous")
CASES = [(group, truth, claim) for group in GROUPS for truth in TRUTHS for claim in group.get(truth, ())]
WRONG = {
    "true": {"refuted", "refused"},
    "false": {"proved", "refused"},
    "unclear": {"proved", "refuted", "undecided"},
    "vacuous": {"refuted", "refused"},
}


def answer(group, claim):
    """Return the status, and whether the verdict says that no point satisfies what is assumed."""
    try:
        verdict = check(claim, group["arch"], group.get("data"), group.get("q"))
    except ExactDropoutError:
        return "refused", False
    assert verdict.status != "proved" or verdict.evidence == "replayed"
    return verdict.status, any("no point" in text for text in verdict.assumptions)


def judged(case):
    """Return the status, and the claim with it if that is wrong."""
    group, truth, claim = case
    status, empty = answer(group, claim)
    bad = status in WRONG[truth] or (truth == "vacuous" and not empty)
    return status, (status, claim, group["arch"]) if bad else None


def test_there_are_hundreds_of_them_and_no_two_are_the_same():
    count = collections.Counter(truth for _, truth, _ in CASES)
    assert count["true"] >= 760
    assert count["false"] >= 850
    assert count["unclear"] >= 130
    assert count["vacuous"] >= 8
    settings = [(claim, g["arch"], g.get("data"), g.get("q")) for g, _, claim in CASES]
    assert len(set(settings)) == len(settings)


each = pytest.mark.parametrize("group", GROUPS, ids=lambda group: group["kind"])


@each
def test_two_of_each_kind(group):
    own = [case for case in CASES if case[0] is group]
    assert [wrong for _, wrong in map(judged, own[:: -(-len(own) // 2)]) if wrong] == []


@pytest.mark.thorough
@each
def test_no_verdict_is_wrong_and_at_most_two_false_claims_of_a_kind_stay_open(group):
    found = [(truth, *judged((group, truth, claim))) for own, truth, claim in CASES if own is group]
    assert [wrong for _, _, wrong in found if wrong] == []
    assert sum(truth == "false" and status not in ("proved", "refuted") for truth, status, _ in found) <= 2
