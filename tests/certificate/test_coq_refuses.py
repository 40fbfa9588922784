"""What the checker in Coq refuses by itself: damaged certificates, orders of inputs that the data tells apart.

The texts are made without the Python checkers, which refuse all of them before.
"""

from __future__ import annotations

import json
import math
import random
import re
from collections.abc import Callable
from fractions import Fraction
from importlib import import_module
from itertools import permutations
from pathlib import Path

import pytest

from exactdropout.certificate import checker, document
from exactdropout.certificate.coq import coq_certificate, in_coq
from exactdropout.model import Architecture, Examples
from exactdropout.optimum.minimize import solve_problem
from exactdropout.optimum.reduced_problem import reduced_problem

from .coq_text import many, q, without_a_side

MINIMIZE = import_module("exactdropout.optimum.minimize")  # by its name, not the function of that name
HERE = Path(__file__).parent
HALF = Fraction(1, 2)
HARMLESS = {"child-beyond-capacity", "foreign-part", "orbit-where-not-empty", "witness-of-dead-type"}
"""What Coq does not read: children beyond the capacity, types of a part that are not in its group, witnesses of types
that respond nowhere; and images where the part is not empty are never left out. What it proves then is true."""
NO_DATA = {"negative-weight", "nonnegative-as-global", "witness-of-other-sign", "witness-shrunk", "witness-zero"}
"""What has no text for Coq: a type or multipliers that would be needed do not exist."""


@pytest.mark.thorough
def test_coq_refuses_the_damaged_certificates_itself(
    external: Callable[[str], str], theory: Callable[[str, str], str]
) -> None:
    external("coqc")
    proved = set()
    for path in sorted((HERE / "correct").glob("*.json")):
        s = checker.check(path.read_text("utf-8"))
        proved.add((checker.describe(s).partition(": min")[0], s.nonnegative, s.lower, s.upper))
    found: dict[str, list[str]] = {"refused": [], "accepted": [], "no data": []}
    for path in sorted((HERE / "incorrect").glob("*.json")):
        text = path.read_text("utf-8")
        s, name = checker.Statement(checker.read(text)["statement"], checker.Work()), path.stem.replace("-", "_")
        try:
            data = in_coq(s, checker.read(text), name)
        except (ArithmeticError, IndexError):
            found["no data"].append(path.stem)
            continue
        accepted = theory(name, data) == ""
        found["accepted" if accepted else "refused"].append(path.stem)
        if accepted:
            assert (checker.describe(s).partition(": min")[0], s.nonnegative, s.lower, s.upper) in proved
    assert set(found["accepted"]) == HARMLESS
    assert set(found["no data"]) == NO_DATA
    assert len(found["refused"]) >= 15


@pytest.mark.thorough
def test_coq_asks_whether_a_network_is_allowed(
    external: Callable[[str], str], theory: Callable[[str, str], str]
) -> None:
    """A shape, biases and signs: the value 1 of these networks on the point mass (0, 1) is right every time."""
    external("coqc")
    lines = [
        "From Dropout Require Import Definitions Rationals Certificate Certificate_minimisers.",
        "Require Import QArith.",
    ]

    def number(text: str) -> str:
        return re.sub(r"-?\d+", lambda found: q(found.group()), text)

    for units, output, biases, nonnegative, width, allowed in (
        ("([1; 2], 0)", "QOutput [1] 0", False, True, 1, True),
        ("([1; 2], 0)", "QOutput [1] 0", False, True, 2, False),
        ("([-1; 2], 0)", "QOutput [1] 0", False, True, 1, False),
        ("([-1; 2], 0)", "QOutput [1] 0", False, False, 1, True),
        ("([1; 2], 0)", "QOutput [-1] 0", False, True, 1, False),
        ("([1; 2], 0)", "QOutput [-1] 0", True, False, 1, True),
        ("([1; 2], -3)", "QOutput [1] 0", True, True, 1, True),
        ("([1; 2], -3)", "QOutput [1] 0", False, True, 1, False),
        ("([1; 2], -3)", "QOutput [1] 0", False, False, 1, False),
        ("([1; 2], 0)", "QOutput [1] 2", False, False, 1, False),
    ):
        flags = f"{str(biases).lower()} {str(nonnegative).lower()}"
        output_bias = output.rpartition(" ")[2]
        label = f"({output_bias} + 1)"
        problem = f"(Problem 2 (1#2) (1#2) {flags} [(1, [0; 0], {label})])%Q"
        network_ = f"(QHidden [{number(units)}] ({number(output)}))"
        claim = f"attains {problem} {width} 1 {network_} = {str(allowed).lower()}"
        lines.append(f"Goal {claim}. Proof. vm_compute; reflexivity. Qed.")
    assert theory("allowed", "\n".join(lines)) == ""


@pytest.mark.thorough
def test_coq_knows_symmetries_up_to_the_scales_of_inputs(
    external: Callable[[str], str], theory: Callable[[str, str], str]
) -> None:
    """Scaled inputs, rows without weight that are stretched, inputs that are not dropped, no input at all."""
    external("coqc")
    plane = Examples.uniform([((-1, -1, 4), 1), ((-1, 2, -2), 1), ((2, -1, -2), 1)])
    problems = (
        ("scaled", Architecture(2, (3,)), Examples.half(("1/3", 2), 1), HALF, False),
        ("stretched", Architecture(3, (2,), biases=False), plane, (0, HALF), True),
        ("opposite", Architecture(2, (3,), biases=False), Examples.uniform([((2, -1), 1), ((-2, 1), 1)]), "1/3", False),
    )
    for name, arch, data, rates, nonnegative in problems:
        best = solve_problem(reduced_problem(arch, data, rates, nonnegative=nonnegative))
        good = coq_certificate(json.dumps(document(best, minimisers=True)), name)
        assert "Orbit" in good
        assert theory(name, good) == ""
        factor = re.search(r"(Move \[[\d; ]+\]%nat \[\(1#1\); \()(\d+)#", good)
        assert factor
        for kind, bad in (
            ("wrong", good.replace(factor[0], f"{factor[1]}1{factor[2]}#", 1)),
            ("negative", good.replace(factor[0], f"{factor[1]}(-{factor[2]})#", 1)),
            ("none", re.sub(r"(Move \[[\d; ]+\]%nat )\[.*?\]", r"\1[]", good)),
        ):
            assert bad != good
            assert theory(f"{name}_{kind}", bad) != ""
    for nonnegative in (False, True):
        best = solve_problem(
            reduced_problem(
                Architecture(2, (2,), biases=False), Examples.point((0, 0), 1), HALF, nonnegative=nonnegative
            )
        )
        assert theory("nothing", coq_certificate(json.dumps(document(best, minimisers=True)), "nothing")) == ""


@pytest.mark.thorough
def test_coq_accepts_one_unit_with_its_weights_in_order(
    external: Callable[[str], str], theory: Callable[[str, str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    external("coqc")
    monkeypatch.setattr(MINIMIZE, "ORDERED_FROM", 0)
    ring = Examples.uniform([((1, 2, 2), 1), ((2, 1, 2), 1), ((2, 2, 1), 1), ((0, 0, 0), -1)])
    problems = (
        ("three", Architecture(3, (1,)), Examples.half((1, 1, 1), 1), "1/3", False),
        ("factors", Architecture(3, (1,)), Examples.half(("1/2", 3, 2), 1), ("1/2", "1/4"), False),
        ("gap", Architecture(3, (1,), biases=False), Examples.point((-2, 0, -1), "3/2"), ("1/4", "1/2"), False),
        ("nonnegative", Architecture(3, (1,)), Examples.half((2, 1, 3), 1), "1/2", True),
        ("undropped", Architecture(3, (1,)), ring, (0, "1/2"), False),
    )
    for name, arch, data, rates, nonnegative in problems:
        best = solve_problem(reduced_problem(arch, data, rates, nonnegative=nonnegative))
        good = coq_certificate(json.dumps(document(best, minimisers=True)), name)
        assert theory(name, good) == ""
        (order,) = re.findall(r"Certificate\n \[((?:\(\d+%nat, \d+%positive\)(?:; )?)+)\]\n", good)
        entries = order.split("; ")
        assert len(entries) == (2 if name == "gap" else 3)
        assert len(set(re.findall(r"(\d+)%positive", order))) > 1 or name in ("three", "undropped")
        lower = best.value
        assert lower is not None
        higher = lower + Fraction(1, 10**6)
        shown = [f"({v.numerator}#{v.denominator})" for v in (lower, higher)]
        wrong = {
            "raised": good.replace(f"Q2R {shown[0]} <=", f"Q2R {shown[1]} <=").replace(
                f"_problem 1 {shown[0]} ", f"_problem 1 {shown[1]} "
            ),
            "unordered": good.replace(f"[{order}]", "[]", 1),
            "shorter": good.replace(order, "; ".join(entries[1:]), 1),
            "backwards": good.replace(order, "; ".join(entries[::-1]), 1),
            "factor": re.sub(r"(\d+)%positive", r"1\1%positive", good, count=1),
            "half": without_a_side(good),
            "unfinished": good.replace("CLeaf", "(CSplit CLeaf CLeaf)", 1),
            "two": good.replace(f"{name}_problem 1 ", f"{name}_problem 2 ").replace("[1%nat]", "[2%nat]"),
        }
        for kind, bad in wrong.items():
            assert bad != good
            assert theory(f"{name}_{kind}", bad) != "", (name, kind)


def goal(problem: str, chain: list[tuple[int, int]], width: int, allowed: bool) -> str:
    """The text for Coq that an order is allowed, or that it is not."""
    shown = many(f"({i}%nat, {factor}%positive)" for i, factor in chain)
    claim = f"order_ok (Arranged {problem} {shown}) {width} = {str(allowed).lower()}"
    return f"Goal {claim}. Proof. vm_compute; reflexivity. Qed."


@pytest.mark.thorough
def test_coq_allows_an_order_where_all_permutations_keep_the_data(
    external: Callable[[str], str], theory: Callable[[str, str], str]
) -> None:
    """150 problems on up to three inputs, among them scaled, lopsided and dead ones; then orders that are none."""
    external("coqc")
    rng = random.Random(5)
    lines = [
        "From Dropout Require Import Definitions Rationals Certificate Certificate_order.",
        "Require Import QArith.",
    ]
    counts = {True: 0, False: 0}
    for _ in range(150):
        size = rng.randint(1, 3)
        scale = [rng.choice((Fraction(1), Fraction(1), Fraction(2), Fraction(1, 3))) for _ in range(size)]
        base = [rng.randint(-1, 2) for _ in range(size)]
        rows = {tuple(base[k] for k in order): rng.choice((1, 1, 1, 2)) for order in permutations(range(size))}
        if rng.random() < 0.3:
            rows[(0,) * size] = -1
        biases = rng.random() < 0.5
        value = {
            "inputs": size,
            "width": 1,
            "hidden_biases": biases,
            "output_bias": biases,
            "nonnegative": rng.random() < 0.3,
            "q": [rng.choice((0, "1/2", "1/3")), "1/2"],
            "examples": [
                [[f"{v * f.numerator}/{f.denominator}" for v, f in zip(x, scale, strict=True)], y, f"1/{len(rows)}"]
                for x, y in rows.items()
            ],
            "lower": 0,
            "upper": 0,
        }
        s = checker.Statement(value, checker.Work())
        known = dict(zip(s.points, zip(s.weights, s.labels, strict=True), strict=True))
        live = len(s.coordinates)
        expected = all(
            known.get((*(u[k] for k in order), *u[live:])) == entry
            for order in permutations(range(live))
            for u, entry in known.items()
        )
        counts[expected] += 1
        bottom = math.lcm(*(f.numerator for f in s.scales))
        chain = [(i + 1, int(bottom / f)) for i, f in zip(s.coordinates, s.scales, strict=True)]
        data = many(f"({q(m)}, {many(map(q, x))}, {q(y)})" for x, y, m in s.examples)
        flags = " ".join(str(v).lower() for v in (biases, s.nonnegative))
        lines.append(goal(f"(Problem {size} {q(s.q[0])} {q(s.q[1])} {flags} {data})", chain, 1, expected))
    assert min(counts.values()) > 30
    half = f"(Problem 2 {q('1/2')} {q('1/2')} true false [({q(1)}, [{q(1)}; {q(1)}], {q(1)})])"
    for chain, width, allowed in (
        ([(1, 1), (2, 1)], 1, True),
        ([(2, 3), (1, 3)], 1, True),
        ([], 2, True),
        ([(1, 1), (2, 1)], 2, False),
        ([(1, 1), (2, 1)], 0, False),
        ([(1, 1)], 2, False),
        ([(1, 1), (2, 2)], 1, False),
        ([(0, 1), (1, 1)], 1, False),
        ([(1, 1), (3, 1)], 1, False),
        ([(1, 1), (2, 1), (1, 1)], 1, False),
        ([(1, 1), (1, 1)], 1, False),
    ):
        lines.append(goal(half, chain, width, allowed))
    assert theory("orders", "\n".join(lines)) == ""
    assert theory("no_orders", "\n".join([*lines[:2], lines[-1].replace("= false", "= true")])) != ""
