"""Random claims: what is proved is attacked at many points of exact fractions by the definition; nothing falls."""

import itertools
import random
import sys

import pytest

from exactdropout.claims import check
from exactdropout.claims.refutation.attack import edge_points
from exactdropout.claims.refutation.search import admissible, confirmed, failure
from exactdropout.claims.setting.entries import with_layers
from exactdropout.claims.setting.named_sizes import Undefined, Unsupported
from exactdropout.claims.setting.setting import build_setting
from exactdropout.errors import CostLimitExceeded, InvalidInput

from .random_claims import cases

KINDS = ("wild", "true", "near")


def campaign(count, seed, points=200, max_cost=1.0, report=None):
    """Return how many claims of each kind got each answer, and the proved ones that a point refutes."""
    rng, wrong = random.Random(seed), []
    tally = {kind: dict.fromkeys(("proved", "refuted", "undecided", "refused"), 0) for kind in KINDS}
    for case in itertools.islice(cases(seed), count):
        try:
            verdict = check(case.text, case.shape, case.data, case.q, assume=case.assume, max_cost=max_cost)
        except (InvalidInput, CostLimitExceeded):
            tally[case.kind]["refused"] += 1
            continue
        tally[case.kind][verdict.status] += 1
        if report is not None:
            report(case, verdict)
        if verdict.status == "proved":
            assert verdict.evidence == "replayed"
            setting = build_setting(case.shape, case.data, case.q, case.assume, verdict.claim.assumptions)
            if falls(with_layers(verdict.claim, setting), setting, points, rng.randrange(10**6)):
                wrong.append(case)
    return tally, wrong


def falls(claim, setting, points, seed):
    """Return whether one of many points refutes a claim; the double loop over all masks has the last word."""
    for scope in itertools.islice(edge_points(claim, setting, seed=seed), points):
        try:
            if (
                scope is not None
                and admissible(scope)
                and failure(claim, scope) is not None
                and confirmed(claim, scope)
            ):
                return True
        except (Undefined, Unsupported):
            continue
    return False


def decided(tally, status):
    return sum(of_kind[status] for of_kind in tally.values())


def test_a_few_random_claims():
    tally, wrong = campaign(24, 1, points=40)
    assert wrong == []
    assert decided(tally, "refuted") > 0
    assert decided(tally, "proved") > 2


@pytest.mark.thorough
def test_many_random_claims():
    tally, wrong = campaign(120, 2, points=40)
    assert wrong == []
    assert decided(tally, "proved") > 20
    assert decided(tally, "refuted") > 20


if __name__ == "__main__":  # python -m tests.claims.test_campaign COUNT SEED
    print(*campaign(int(sys.argv[1]), int(sys.argv[2])), sep="\n")
