"""One certificate for every width: a cut whose kappa vanish. The bounds are closed forms of the paper."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from exactdropout.certificate import checker, minimisers_checker, phases_checker, write_every_width_certificate
from exactdropout.certificate.writer import every_width_document
from exactdropout.model import Architecture, Examples
from exactdropout.optimum.minimize import solve_problem
from exactdropout.optimum.reduced_problem import reduced_problem


def problem(inputs: int, q: str, *, nonnegative: bool = False, width: int = 2) -> dict[str, Any]:
    reduced = reduced_problem(
        Architecture(inputs, (width,)), Examples.half((1,) * inputs, 1), q, nonnegative=nonnegative
    )
    return every_width_document(solve_problem(reduced))


@pytest.mark.parametrize(("inputs", "q"), [(1, "1/2"), (2, "1/2"), (2, "1/3"), (3, "1/2")])
def test_the_bounds_are_those_of_the_paper_at_every_width(inputs: int, q: str) -> None:
    rate, kept = Fraction(q), 1 - Fraction(q)
    every = checker.check(json.dumps(problem(inputs, q)))
    assert every.lower == rate**inputs / (1 + rate**inputs) / 2
    assert every.lower < every.upper
    least = checker.check(json.dumps(problem(inputs, q, nonnegative=True)))
    assert least.lower == rate / (2 * (inputs * kept + 2 * rate))
    assert checker.describe(every).endswith(
        f"min J_D over all weights >= {every.lower} at every width, <= {every.upper} from 2 units on"
    )


def test_it_holds_at_each_width() -> None:
    bound = checker.check(json.dumps(problem(2, "1/2"))).lower
    for width in (1, 2, 3, 5):
        best = solve_problem(reduced_problem(Architecture(2, (width,)), Examples.half((1, 1), 1), "1/2"))
        assert best.lower > bound


def raised(value: dict[str, Any]) -> None:
    assert value["statement"]["lower"] == "1/8"
    value["statement"]["lower"] = "1000001/8000000"


def without_a_witness(value: dict[str, Any]) -> None:
    z = value["cuts"][0]["z"][1]
    assert any(z)
    value["cuts"][0]["witnesses"] = []


def another_cut(value: dict[str, Any]) -> None:
    value["cuts"][0]["z"][1][0] += 1


def split(value: dict[str, Any]) -> None:
    kind = value["cuts"][0]["witnesses"][0][0]
    children = [[0, 2, False, {"cut": 0}]]
    value["tree"] = {"group": 0, "part": [kind], "children": children}


@pytest.mark.parametrize("edit", [raised, without_a_witness, another_cut, split])
def test_damaged_certificates_are_rejected(edit: Callable[[dict[str, Any]], None]) -> None:
    value = problem(2, "1/2", nonnegative=True)
    edit(value)
    with pytest.raises(checker.RejectedError):
        checker.check(json.dumps(value))


@pytest.mark.parametrize("width", ["any ", "all", None, [1], 0, True])
def test_no_other_word_is_a_width(width: Any) -> None:
    value = problem(1, "1/2")
    value["statement"]["width"] = width
    with pytest.raises(checker.MalformedError, match="width must be"):
        checker.check(json.dumps(value))


def test_minimisers_and_phases_are_of_one_width() -> None:
    value = problem(1, "1/2")
    with pytest.raises(checker.RejectedError, match="not proved"):
        minimisers_checker.check(json.dumps(value | {"minimisers": [value["network"]]}))
    statement = {k: v for k, v in value["statement"].items() if k not in ("q", "lower", "upper")}
    phases = {
        "format": "exactdropout-phases",
        "version": 1,
        "statement": statement | {"ends": [], "intervals": []},
        "cells": [],
    }
    with pytest.raises(checker.MalformedError, match="width must be an integer"):
        phases_checker.check(json.dumps(phases))


def test_what_is_written_is_what_was_checked(tmp_path: Path) -> None:
    best = solve_problem(reduced_problem(Architecture(2, (2,)), Examples.half((1, 1), 1), "1/2"))
    write_every_width_certificate(best, tmp_path / "c.json")
    assert json.loads((tmp_path / "c.json").read_text("utf-8")) == every_width_document(best)
    assert re.search(r'"width": "any"', (tmp_path / "c.json").read_text("utf-8"))
