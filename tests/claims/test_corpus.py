"""Sixty claims that were written before the engine: no wrong verdict, at most one in ten undecided."""

import pytest

from exactdropout.claims import check
from exactdropout.claims.language.parser import parse_assumptions, parse_claim
from exactdropout.numeric.definition import naive_evaluation

from .mutations import CORPUS


def verdict_of(entry):
    return check(
        entry["claim"], entry["architecture"], entry["data"], entry["q"], assume=entry.get("assume"), max_cost=120
    )


def test_the_file_is_what_it_says():
    assert len(CORPUS) == 60
    assert sum(c["verdict"] == "proved" for c in CORPUS) == 30
    assert sum(c.get("all_sizes", False) for c in CORPUS) >= 10
    assert sum("\\" in c["claim"] for c in CORPUS) >= 10
    assert len({c["id"] for c in CORPUS}) == 60


# all sixty are decided at present, so an undecided one is a loss that must be looked at
@pytest.mark.parametrize("entry", CORPUS, ids=lambda c: c["id"])
def test_verdict(entry):
    verdict = verdict_of(entry)
    assert verdict.status == entry["verdict"], str(verdict)
    if entry["verdict"] == "proved" and entry.get("all_sizes"):
        assert verdict.scope.startswith("all sizes")
    if verdict.counterexample is not None:
        point = verdict.counterexample
        naive_evaluation(point.network, point.data, point.rates)  # the point is a network that everyone can run


@pytest.mark.parametrize("entry", CORPUS, ids=lambda c: c["id"])
def test_text_and_latex_are_read_back(entry):
    claim = parse_claim(entry["claim"])
    assert parse_claim(str(claim)) == claim
    assert parse_claim(claim.latex()) == claim
    assert parse_assumptions(entry.get("assume", "")) == () or entry["assume"]


NEAR_MISSES = {
    "f-swapped": "p and q are swapped",
    "f-second-moment": "second moment 1/p of a mask",
    "f-depth-off-by-one": "d is counted without the output layer",
    "f-half-for-point": "point mass for half mass",
    "f-classic-scaling": "classic scaling",
}


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_near_misses_of_the_file_are_named(name):
    entry = next(c for c in CORPUS if c["id"] == name)
    assert NEAR_MISSES[name] in str(verdict_of(entry).near_miss)
