"""One unit on inputs that the examples do not tell apart: its weights may be taken in order, which leaves few cones."""

from __future__ import annotations

import json
from fractions import Fraction
from importlib import import_module
from typing import Any

import pytest

from exactdropout.certificate import checker, document, minimisers_checker
from exactdropout.certificate.coq import coq_certificate
from exactdropout.certificate.writer import every_width_document
from exactdropout.errors import CostLimitExceeded
from exactdropout.model import Architecture, Examples
from exactdropout.optimum.minimize import solve_problem
from exactdropout.optimum.reduced_problem import reduced_problem
from exactdropout.optimum.unit_types import exchangeable, most_cones, unit_cones

HALF = Fraction(1, 2)
MODULE = import_module("exactdropout.optimum.minimize")  # by its name, not the function of that name
PROBLEMS = [
    (Architecture(2, (1,)), Examples.half((1, 1), 1), "1/2"),
    (Architecture(3, (1,)), Examples.half((1, 1, 1), 1), "1/3"),
    (Architecture(3, (1,), biases=False), Examples.point((-2, -2, -2), "3/2"), ("1/4", "1/2")),
    (Architecture(4, (1,), hidden_biases=False), Examples.half((1, 1, 1, 1), 1), "1/2"),
    (
        Architecture(3, (1,)),
        Examples.uniform([((1, 2, 2), 1), ((2, 1, 2), 1), ((2, 2, 1), 1), ((0, 0, 0), -1)]),
        (0, "1/2"),
    ),
    (Architecture(2, (1,)), Examples.uniform([((1, -1), 1), ((-1, 1), 1), ((1, 1), 0)]), "2/5"),
]


@pytest.fixture
def always_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MODULE, "ORDERED_FROM", 0)


@pytest.mark.parametrize("nonnegative", [False, True])
@pytest.mark.parametrize(("arch", "data", "rates"), PROBLEMS)
def test_in_order_the_minimum_and_the_minimisers_are_the_same(
    monkeypatch: pytest.MonkeyPatch, arch: Architecture, data: Examples, rates: Any, nonnegative: bool
) -> None:
    problem = reduced_problem(arch, data, rates, nonnegative=nonnegative)
    assert exchangeable(problem)
    plain = solve_problem(problem)
    assert not plain.proof.ordered
    monkeypatch.setattr(MODULE, "ORDERED_FROM", 0)
    best = solve_problem(problem)
    assert best.proof.ordered
    assert best.infinite_width is None
    with pytest.raises(CostLimitExceeded, match="weights in order"):
        best.every_width  # noqa: B018
    with pytest.raises(CostLimitExceeded, match="weights in order"):
        every_width_document(best)
    assert best.value == plain.value
    assert [m.units for m in best.minimisers] == [m.units for m in plain.minimisers]
    text = json.dumps(document(best, minimisers=True))
    assert minimisers_checker.check(text).lower == plain.value
    assert len(unit_cones(problem, 10**6, ordered=True)) <= most_cones(problem, ordered=True)


@pytest.mark.thorough
def test_the_half_mass_on_five_inputs_is_certified() -> None:
    """94,572 cones, of which 1,720 have their weights in order; the file is read by both checkers."""
    problem = reduced_problem(Architecture(5, (1,)), Examples.half((1, 1, 1, 1, 1), 1), HALF)
    best = solve_problem(problem)
    assert best.value is not None
    assert len(unit_cones(problem, 10**6, ordered=True)) == 1720
    value = document(best, minimisers=True)
    assert value["ordered"] is True
    assert minimisers_checker.check(json.dumps(value)).upper == best.value
    with pytest.raises(checker.MalformedError, match="hyperplanes in dimension 6"):
        checker.check(json.dumps({k: v for k, v in value.items() if k != "ordered"}))
    value["statement"]["lower"] = str(best.value + Fraction(1, 10**6))
    with pytest.raises(checker.RejectedError, match="a leaf is bounded by"):
        checker.check(json.dumps(value))


def ordered_certificate() -> dict[str, Any]:
    best = solve_problem(reduced_problem(Architecture(2, (1,)), Examples.half((1, 1), 1), HALF))
    return document(best, minimisers=True)


@pytest.mark.usefixtures("always_in_order")
def test_inputs_in_order_need_one_unit_and_exchangeable_inputs() -> None:
    value = ordered_certificate()
    assert value["ordered"] is True
    checker.check(json.dumps(value))
    other = document(
        solve_problem(reduced_problem(Architecture(2, (1,)), Examples.uniform([((1, 0), 1), ((0, 1), 2)]), HALF))
    )
    assert "ordered" not in other
    with pytest.raises(checker.RejectedError, match="may take them in order"):
        checker.check(json.dumps(other | {"ordered": True}))
    two = document(solve_problem(reduced_problem(Architecture(2, (2,)), Examples.half((1, 1), 1), HALF)))
    assert "ordered" not in two
    every = value | {"statement": value["statement"] | {"width": "any"}}
    for wrong in (two | {"ordered": True}, every):
        with pytest.raises(checker.RejectedError, match="may take them in order"):
            checker.check(json.dumps(wrong))
    for wrong in (value | {"ordered": 1}, value | {"ordered": None}):
        with pytest.raises(checker.MalformedError, match="ordered must be true or false"):
            checker.check(json.dumps(wrong))
    assert "Certificate\n [(1%nat, 1%positive); (2%nat, 1%positive)]" in coq_certificate(json.dumps(value), "c")
