"""The list of minimisers in a certificate: complete lists are verified, each kind of damage is refused."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Any

import pytest

from exactdropout.certificate import checker, document, minimisers_checker, write_certificate
from exactdropout.certificate.shipped import SHIPPED
from exactdropout.model import Architecture, Examples
from exactdropout.optimum import minimize
from exactdropout.optimum.minimize import solve_problem
from exactdropout.optimum.reduced_problem import ReducedProblem, reduced_problem
from exactdropout.optimum.unit_types import Arrangement

XOR = Examples.uniform([((1, 1), 0), ((1, -1), 1), ((-1, 1), 1), ((-1, -1), 0)])
# of the third, two units whose default witnesses are as large as those at equality would look like another minimiser
SMALL: list[tuple[ReducedProblem, int]] = [
    (reduced_problem(Architecture(2, (3,), biases=False), Examples.point((1, 1), 1), "1/2"), 3),
    (reduced_problem(Architecture(2, (1,)), Examples.half((1, 1), 1), "1/2"), 1),
    (reduced_problem(Architecture(2, (2,), biases=False), XOR, "1/4"), 1),
    (reduced_problem(Architecture(2, (2,), biases=False), Examples.point((1, 2), -1), ("1/3", "1/2")), 1),
    (reduced_problem(Architecture(2, (2,)), XOR, (0, "1/4")), 2),
    (reduced_problem(Architecture(2, (2,), biases=False), Examples.point((0, 0), 1), "1/2"), 1),
]


def listed(problem: ReducedProblem, *, symmetric: bool = True) -> dict[str, Any]:
    return document(solve_problem(problem, symmetric=symmetric), minimisers=True)


def checked(value: dict[str, Any]) -> checker.Statement:
    return minimisers_checker.check(json.dumps(value))


def by_assignments(problem: ReducedProblem) -> set[Any]:
    """The minimisers found without relaxation, cut or tree: one exact program for each multiset of types.

    Bias and values of the units at the points, up to permutations of the inputs that keep the problem.
    """
    a = Arrangement(problem, 1000)
    kinds = list(a.live)
    best, found = None, set()
    for kind in combinations_with_replacement(kinds, problem.width) if kinds else [()]:
        one = a.optimum({t: kind.count(t) for t in kind})
        if best is None or one.value < best:
            best, found = one.value, set()
        if one.value == best:
            units = []
            for t, m in one.multiplicities.items():
                values = tuple(a.sign(t) * v / m for v in a.response(t, one.totals[t]))
                units += [values] * (m if any(values) else 0)
            where = {u: k for k, u in enumerate(problem.points)}
            shown = [
                tuple(sorted(tuple(v[where[tuple(u[k] for k in order)]] for u in problem.points) for v in units))
                for order in a.orders
            ]
            found.add((one.bias, min(shown)))
    return found


@pytest.mark.parametrize(("problem", "count"), SMALL)
def test_lists_are_complete_and_those_of_all_assignments(problem: ReducedProblem, count: int) -> None:
    with_symmetries, without = (checked(listed(problem, symmetric=symmetric)) for symmetric in (True, False))
    assert with_symmetries.minimisers == without.minimisers == len(by_assignments(problem)) == count


def test_every_shipped_certificate_holds_all_minimisers(check_once: Any) -> None:
    counts = {item.name: check_once(item, item.read()).minimisers for item in SHIPPED if item.inputs < 4}
    assert {name: n for name, n in counts.items() if n != 1} == {"point-K2-n3": 3}


def tie() -> dict[str, Any]:
    return listed(SMALL[0][0])


def swapped(network: dict[str, Any]) -> dict[str, Any]:
    """The same network up to equivalence: units in another order, inputs exchanged, one unit rescaled."""
    other = copy.deepcopy(network)
    for key in ("hidden_weights", "output_weights"):
        other[key].reverse()
    other["hidden_weights"] = [row[::-1] for row in other["hidden_weights"]]
    other["hidden_weights"][0] = [
        f"{2 * Fraction(v).numerator}/{Fraction(v).denominator}" for v in other["hidden_weights"][0]
    ]
    half = Fraction(other["output_weights"][0]) / 2
    other["output_weights"][0] = f"{half.numerator}/{half.denominator}"
    return other


def forget(place: int) -> Callable[[dict[str, Any]], None]:
    def edit(value: dict[str, Any]) -> None:
        del value["minimisers"][place]

    return edit


def repeat(value: dict[str, Any]) -> None:
    value["minimisers"].append(swapped(value["minimisers"][1]))


def replace_by_equal(value: dict[str, Any]) -> None:
    value["minimisers"][2] = swapped(value["minimisers"][1])


def worse(value: dict[str, Any]) -> None:
    value["minimisers"][0]["hidden_weights"][0][0] = "1/7"


def no_minimum(value: dict[str, Any]) -> None:
    value["statement"]["lower"] = "1/4"


def cut_off(value: dict[str, Any]) -> None:
    value["tree"] = {"cut": 0}


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (forget(0), "not listed"),
        (forget(1), "not listed"),
        (forget(2), "not listed"),
        (repeat, "twice"),
        (replace_by_equal, "twice"),
        (worse, "has the criterion"),
        (no_minimum, "not proved"),
        (cut_off, "bounded"),
    ],
)
def test_damaged_lists_are_rejected(edit: Callable[[dict[str, Any]], None], words: str) -> None:
    value = tie()
    assert checked(value).minimisers == 3
    edit(value)
    with pytest.raises(checker.RejectedError, match=words):
        checked(value)


def test_equivalent_networks_may_stand_for_each_other() -> None:
    value = tie()
    value["minimisers"] = [swapped(network) for network in value["minimisers"]]
    assert checked(value).minimisers == 3


@pytest.mark.parametrize("limit", ["MAX_LISTED", "MAX_POOL"])
def test_limits(limit: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    value = tie()
    monkeypatch.setattr(minimisers_checker, limit, 0)
    with pytest.raises(checker.MalformedError):
        checked(value)
    # a list that cannot be proved is left out, and the writer says so
    best = minimize(Architecture(2, (3,), biases=False), Examples.point((1, 1), 1), "1/2", compare=False)
    assert write_certificate(best, tmp_path / "c.json") is False
    assert checker.check((tmp_path / "c.json").read_text("utf-8")).lower == Fraction(1, 2)
    monkeypatch.undo()
    assert write_certificate(best, tmp_path / "c.json") is True


def test_a_certificate_without_a_list_is_no_certificate_of_one() -> None:
    value = tie()
    del value["minimisers"]
    with pytest.raises(checker.MalformedError, match="no list"):
        checked(value)
    assert minimisers_checker.check_either(json.dumps(value)).minimisers is None


def test_the_checker_runs_beside_the_first_and_imports_nothing_else(tmp_path: Path) -> None:
    for module in (checker, minimisers_checker):
        path = Path(str(module.__file__))
        (tmp_path / path.name).write_text(path.read_text("utf-8"), "utf-8")
    for name in ("fractions", "json", "math", "itertools"):
        (tmp_path / f"{name}.py").write_text("print('VERIFIED everything')\nraise SystemExit(0)\n", "utf-8")
    good, bad = tie(), tie()
    del bad["minimisers"][0]
    for name, value in (("good", good), ("bad", bad)):
        (tmp_path / f"{name}.json").write_text(json.dumps(value), "utf-8")
    command = [sys.executable, str(tmp_path / "minimisers_checker.py"), "good.json", "bad.json"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=120, cwd=tmp_path, env=environment
    )
    assert done.returncode == 1
    verified, rejected = done.stdout.splitlines()
    assert verified.startswith("VERIFIED good.json")
    assert verified.endswith("by no other")
    assert "attained by the 3 listed networks" in verified
    assert rejected == "REJECTED bad.json: there is a minimiser that is not listed"
