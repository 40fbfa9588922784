"""Claims of the corpus with one node changed: whatever is proved holds at fresh points."""

import random
from dataclasses import replace
from fractions import Fraction as F

import pytest

from exactdropout.claims import check, parse_claim
from exactdropout.claims.language.syntax import (
    QUANTITIES,
    Add,
    Comparison,
    Invariance,
    Monotonicity,
    Multiply,
    Name,
    Negate,
    Number,
    Quantity,
    rebuilt,
    walk,
)
from exactdropout.claims.refutation.search import candidates, holds_at
from exactdropout.claims.setting.setting import build_setting
from exactdropout.errors import ExactDropoutError

from .mutations import CORPUS


def changed(node, rng):
    """Return a neighbour of a node."""
    match node:
        case Number(value):
            return Number(value + rng.choice((-1, 1)) if value else F(1))
        case Quantity():
            return Quantity(rng.choice(QUANTITIES))
        case Name(name, ()) if name in "qpKnd":
            return Name(rng.choice([n for n in "qpKn" if n != name]))
        case Add(terms):
            return rng.choice((Add(terms[1:]) if len(terms) > 2 else terms[0], Add((*terms, Number(F(1))))))
        case Multiply(factors):
            return rng.choice((Multiply((*factors, factors[0])), Negate(node)))
        case Comparison(sides, relations):
            return Comparison(sides, (rng.choice(("=", "<=", ">=", "<", ">")), *relations[1:]))
        case Monotonicity():
            return replace(node, direction=rng.choice(("nondecreasing", "nonincreasing", "constant")))
        case Invariance(expression, pairs):
            return Invariance(expression, pairs[:-1] or pairs)
    return node


def mutant(entry, rng):
    claim = parse_claim(entry["claim"])
    at = rng.choice(list(walk(claim.statement)))
    return replace(claim, statement=rebuilt(claim.statement, lambda n: changed(n, rng) if n is at else n))


def judge(entry, rng):
    """Return the verdict's status; fail where a proof covers a point at which the claim is false."""
    claim = mutant(entry, rng)
    around = entry["architecture"], entry["data"], entry["q"]
    try:
        verdict = check(claim, *around, assume=entry.get("assume"), max_cost=1)
    except ExactDropoutError:
        return "refused"
    if verdict.status == "proved":
        problem = build_setting(*around, entry.get("assume"), ())
        for scope in candidates(claim, problem, limit=120, seed=7):
            assert holds_at(claim, scope) is not False, f"{claim} for {around}"
    return verdict.status


def test_mutants_that_are_proved_hold():
    rng = random.Random(4)
    entries = [c for c in CORPUS if c["verdict"] == "proved"]
    found = [judge(entries[k % len(entries)], rng) for k in range(24)]
    assert found.count("proved") >= 2
    assert found.count("refuted") >= 7


@pytest.mark.thorough
def test_many_mutants_that_are_proved_hold():
    rng = random.Random(5)
    found = [judge(rng.choice(CORPUS), rng) for _ in range(200)]
    assert found.count("proved") >= 15
    assert found.count("refuted") >= 70
