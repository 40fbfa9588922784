"""Certificates in Coq: its checker accepts them and refuses false variants; its criterion is the package's.

What needs the compiled theory is thorough: compiling it alone takes Coq a quarter of a minute.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import exactdropout as xd
from exactdropout.certificate import checker, document
from exactdropout.certificate.coq import CoqProblem, coq_certificate, coq_pair
from exactdropout.certificate.coq_cover import Cover, conic
from exactdropout.certificate.shipped import SHIPPED
from exactdropout.certificate.writer import every_width_document
from exactdropout.errors import InvalidInput
from exactdropout.model import Architecture, Examples
from exactdropout.optimum.minimize import solve_problem
from exactdropout.optimum.reduced_problem import reduced_problem

from .coq_text import many, q, without_a_side

SMALL = st.integers(-3, 3).map(Fraction)
HERE = Path(__file__).parent


@given(st.integers(1, 4).flatmap(lambda n: st.lists(st.lists(SMALL, min_size=n, max_size=n), min_size=2, max_size=8)))
def test_a_conic_combination_or_a_separating_vector(rows: list[list[Fraction]]) -> None:
    *columns, target = rows
    found, y = conic(columns, target)

    def product(a: list[Fraction], b: list[Fraction]) -> Fraction:
        return sum((v * w for v, w in zip(a, b, strict=True)), Fraction(0))

    if found is not None:
        assert all(v >= 0 for v in found)
        assert [
            sum((v * c[i] for v, c in zip(found, columns, strict=True)), Fraction(0)) for i in range(len(target))
        ] == target
    else:
        assert all(product(y, c) <= 0 for c in columns)
        assert product(y, target) > 0


def test_one_shipped_certificate_uses_symmetries_and_one_pair_an_order() -> None:
    assert [item.name for item in SHIPPED if item.symmetric] == ["point-K4-n4"]
    for item in SHIPPED:
        assert ("[0, 0, true, " in item.read()) is item.symmetric
    assert [item.name for item in SHIPPED if '"ordered": true' in item.read()] == [
        "half-K5-n1",
        "half-K5-n1-nonnegative",
    ]


def solved(
    arch: Architecture, data: Examples, rates: Any, *, nonnegative: bool = False, symmetric: bool = False
) -> str:
    return json.dumps(
        document(solve_problem(reduced_problem(arch, data, rates, nonnegative=nonnegative), symmetric=symmetric))
    )


@given(
    st.integers(1, 3).flatmap(
        lambda n: st.lists(st.lists(st.integers(-2, 2), min_size=n, max_size=n).map(tuple), min_size=1, max_size=7)
    ),
    st.randoms(use_true_random=False),
)
def test_every_weight_vector_has_the_pattern_of_a_cell_and_multipliers_are_right(
    rows: list[tuple[int, ...]], rng: random.Random
) -> None:
    if not any(map(any, rows)):
        rows = [*rows, (1,) * len(rows[0])]
    cover = Cover(rows, 0)
    found = {cell.path for cell in cover.cells}
    assert len(found) == len(cover.cells)
    for _ in range(20):
        c = [rng.randint(-9, 9) for _ in rows[0]]
        values = [sum(a * b for a, b in zip(c, u, strict=True)) for u in rows]
        assert any(all(v >= 0 if on else v <= 0 for v, on in zip(values, path, strict=True)) for path in found)
    for cell in cover.cells:
        for yes, u in zip(cell.path, rows, strict=True):
            target = [v if yes else -v for v in u]
            mult = cover.multipliers(cell, target)
            assert all(v >= 0 for v in mult.values())
            assert target == [
                sum((v * (rows[k][i] if cell.path[k] else -rows[k][i]) for k, v in mult.items()), Fraction(0))
                for i in range(len(u))
            ]


def test_the_symmetries_of_coq_are_those_of_the_checker() -> None:
    text = solved(Architecture(3, (3,), biases=False), Examples.point((1, 1, 1), 1), "1/2", symmetric=True)
    assert ", 0, true, " in text
    problem = CoqProblem(checker.check(text))
    assert len(problem.moves) == len({tuple(move.places) for move in problem.moves}) == 5  # but the identity all of S_3
    theirs = {tuple(move) for move in problem.types.symmetries()}
    for to, factors, at, moved in problem.moves:
        assert set(factors) == {1}
        assert sorted(at) == list(range(len(problem.rows)))
        assert all(
            problem.rows[j][1][to[i]] == u[i] for j, (_, u, _) in zip(at, problem.rows, strict=True) for i in range(4)
        )
        for (sign, pattern), t in zip(problem.kinds, moved, strict=True):
            assert problem.kinds[t] == (sign, tuple(pattern[k] for k in at))
        # each type of Coq is in a cone of the checker, and moves with it or against it
        pairs = {(a, problem.home[t]) for a, t in zip(problem.home, moved, strict=True) if a is not None}
        assert any(all(move[a] == b for a, b in pairs) for move in theirs)


def test_what_coq_does_not_check_is_refused() -> None:
    with pytest.raises(InvalidInput, match="biases"):
        coq_certificate(solved(Architecture(2, (1,), output_bias=False), Examples.half((1, 1), 1), "1/2"), "c")
    with pytest.raises(checker.RejectedError):
        coq_certificate((HERE / "incorrect" / "lower-too-high.json").read_text("utf-8"), "c")


@pytest.mark.thorough
def test_coq_accepts_true_certificates_and_refuses_false_ones(
    external: Callable[[str], str], theory: Callable[[str, str], str]
) -> None:
    external("coqc")
    two = Examples.uniform([((1, 2), 3), ((2, "-1/2"), 1)])
    many = Examples.uniform([((1, 0), 1), ((1, 0), 3), ((-2, 1), "2/3")])
    problems = (
        ("bias", solved(Architecture(2, (3,)), Examples.half((1, 1), 1), "1/2", symmetric=True)),
        ("tie", solved(Architecture(2, (3,), biases=False), Examples.point((1, 1), 1), ("1/3", "1/2"))),
        ("data", solved(Architecture(2, (2,), biases=False), two, ("1/3", "2/5"))),
        ("labels", solved(Architecture(2, (1,)), many, ("1/4", "1/2"))),
        ("undropped", solved(Architecture(2, (1,), biases=False), two, (0, "1/2"))),
        ("nonnegative", solved(Architecture(2, (2,)), two, "1/2", nonnegative=True)),
        ("half_nonnegative", solved(Architecture(2, (3,)), Examples.half((1, 1), 1), "1/2", nonnegative=True)),
    )
    without: list[tuple[str, str]] = []
    for name, text in problems:
        good = coq_certificate(text, name)
        assert theory(name, good) == ""
        lower = Fraction(json.loads(text)["statement"]["lower"])
        shown = f"({lower.numerator}#{lower.denominator})"
        higher = lower + Fraction(1, 10**6)
        raised = good.replace(f"Q2R {shown} <=", f"Q2R ({higher.numerator}#{higher.denominator}) <=").replace(
            f"{shown} {name}_certificate)", f"({higher.numerator}#{higher.denominator}) {name}_certificate)"
        )
        wrong = {
            "raised": raised,
            "half": without_a_side(good),
            "multiplier": re.sub(r"(CKnown \w+ \(sparse \d+ \[\(\d+%nat, )", r"\g<1>9", good, count=1),
            "unfinished": good.replace("CLeaf", "(CSplit CLeaf CLeaf)", 1),
            "cut": re.sub(r"Cut \(over (\d+) \[", r"Cut (over \1 [7; ", good, count=1),
            "above": good.replace(f"real {name}_network) = Q2R {shown}", f"real {name}_network) = Q2R (8#1)").replace(
                f" {shown} [{name}_network]", f" (8#1) [{name}_network]"
            ),
        }
        if name == "bias":
            assert "Orbit" in good
            wrong["moved"] = re.sub(r"\[(\d+); (\d+); ([\d; ]+)\]%positive", r"[\2; \1; \3]%positive", good)
            wrong["coordinates"] = good.replace("Move [0; 2; 1]", "Move [0; 1; 2]")
        for kind, bad in wrong.items():
            if bad == good:
                without.append((name, kind))
            else:
                assert theory(f"{name}_{kind}", bad) != ""
    assert without == [("undropped", "multiplier")]  # nothing is dropped before its unit: no cone needs a multiplier
    assert theory("pair", coq_pair("bias", "half_nonnegative")) == ""
    assert theory("riap", coq_pair("half_nonnegative", "bias")) != ""


@pytest.mark.thorough
def test_coq_accepts_complete_lists_of_minimisers_and_refuses_others(
    external: Callable[[str], str], theory: Callable[[str, str], str]
) -> None:
    external("coqc")
    xor = Examples.uniform([((1, 1), 0), ((1, -1), 1), ((-1, 1), 1), ((-1, -1), 0)])
    problems = (
        ("tie", Architecture(2, (3,), biases=False), Examples.point((1, 1), 1), "1/2", False),
        ("symmetric", Architecture(2, (3,), biases=False), Examples.point((1, 1), 1), "1/2", True),
        ("undropped", Architecture(2, (2,)), xor, (0, "1/4"), False),
    )
    for name, arch, data, rates, symmetric in problems:
        best = solve_problem(reduced_problem(arch, data, rates), symmetric=symmetric)
        good = coq_certificate(json.dumps(document(best, minimisers=True)), name)
        assert ("Orbit" in good) is symmetric
        assert theory(name, good) == ""
        head, listed, tail = re.split(r"(?<=_networks : list qnetwork := \[)(.*)(?=\]\.)", good, maxsplit=1)
        networks = listed.split("; QHidden ")
        shorter = "; QHidden ".join([f"QHidden {networks[1]}", *networks[2:]])
        assert theory(f"{name}_shorter", f"{head}{shorter}{tail}") != ""
        assert len(networks) == {"tie": 4, "symmetric": 4, "undropped": 2}[name]
        worse = listed.replace("(QOutput [(1#1)", "(QOutput [(9#8)", 1)
        assert worse != listed
        assert theory(f"{name}_worse", f"{head}{listed}; {worse}{tail}") != ""


@pytest.mark.thorough
def test_coq_accepts_a_bound_for_every_width_and_refuses_a_raised_one(
    external: Callable[[str], str], theory: Callable[[str, str], str]
) -> None:
    external("coqc")
    data = Examples.half((1, 1), 1)
    best = solve_problem(reduced_problem(Architecture(2, (2,)), data, "1/2", nonnegative=True))
    good = coq_certificate(json.dumps(every_width_document(best)), "every")
    assert "Theorem every_lower n W : widths W = [n]" in good
    assert theory("every", good) == ""
    bad = good.replace("Q2R (1#8) <=", "Q2R (126#1000) <=").replace("every_problem (1#8)", "every_problem (126#1000)")
    assert bad.count("(126#1000)") == 2
    assert theory("raised_every", bad) != ""


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("count", "features", "arch"),
    [(10, (2, 3, 8), Architecture(3, (2,), biases=False)), (20, (2, 8), Architecture(2, (4,)))],
)
def test_coq_accepts_the_minimum_on_rows_of_real_data(
    external: Callable[[str], str],
    theory: Callable[[str, str], str],
    count: int,
    features: tuple[int, ...],
    arch: Architecture,
) -> None:
    """The first rows of the diabetes table, features and labels shifted, scaled and rounded to tenths."""
    external("coqc")
    _, table = xd.data.diabetes()
    units = {2: (Fraction(26), Fraction(1, 5)), 3: (Fraction(95), Fraction(1, 14)), 8: (Fraction(46, 10), Fraction(2))}

    def tenths(value: Fraction) -> Fraction:
        return Fraction(round(10 * value), 10)

    rows = [
        (tuple(tenths((x[k] - units[k][0]) * units[k][1]) for k in features), tenths((y - 150) / 75))
        for x, (y,) in zip(table.inputs[:count].tolist(), table.labels[:count].tolist(), strict=True)
    ]
    best = solve_problem(reduced_problem(arch, Examples.uniform(rows), "1/2"))
    assert best.leaves_exhausted
    text = json.dumps(document(best, minimisers=True))
    assert checker.check(text).lower == best.value == checker.check(text).upper
    assert theory("rows", coq_certificate(text, "rows")) == ""


def network(rng: random.Random, widths: list[int]) -> xd.Network:
    def number() -> Fraction:
        return Fraction(rng.randint(-4, 4), rng.randint(1, 3))

    shapes = list(zip(widths, [*widths[1:], 1], strict=True))
    weights = [[[number() for _ in range(n)] for _ in range(m)] for n, m in shapes]
    return xd.Network(weights, [[number() for _ in range(m)] for _, m in shapes])


@pytest.mark.thorough
def test_the_criterion_of_coq_is_the_criterion_of_the_package(
    external: Callable[[str], str], theory: Callable[[str, str], str]
) -> None:
    """60 networks of depths 1 to 4 with rates per layer and several examples; then one false value is refused."""
    external("coqc")
    rng = random.Random(14)
    lines = [
        "From Dropout Require Import Definitions Expectations Rationals.",
        "Require Import QArith Qreals.",
        "Open Scope R_scope.",
        "Ltac evaluate lemma := rewrite lemma by reflexivity; apply Qeq_eqR, Qeq_bool_eq; vm_compute; reflexivity.",
    ]
    for number in range(60):
        depth = 1 + number % 4
        widths = [rng.randint(1, 3) for _ in range(depth)]
        net = network(rng, widths)
        rates = [Fraction(rng.randint(0, 4), 5) for _ in range(depth)]
        rows = [
            (tuple(Fraction(rng.randint(-3, 3), 2) for _ in range(widths[0])), Fraction(rng.randint(-3, 3), 2))
            for _ in range(rng.randint(1, 3))
        ]
        found = xd.evaluate(net, Examples.uniform(rows), rates)
        text = ""
        for weight, bias in zip(net.weights[:-1], net.biases[:-1], strict=True):
            units = (f"({many(map(q, row))}, {q(b)})" for row, b in zip(weight.tolist(), bias.tolist(), strict=True))
            text += f"QHidden {many(units)} ("
        text += f"QOutput {many(map(q, net.weights[-1].tolist()[0]))} {q(net.biases[-1][0])}" + ")" * (depth - 1)
        data = many(f"({q(Fraction(1, len(rows)))}, {many(map(q, x))}, {q(y)})" for x, y in rows)
        lines.append(
            f"Goal criterion (qrates {many(map(q, rates))}) {widths[0]} (real ({text})) (real_distribution {data}) "
            f"= Q2R {q(found.criterion)}. Proof. evaluate criterion_real. Qed.\n"
            f"Goal risk {widths[0]} (real ({text})) (real_distribution {data}) = Q2R {q(found.risk)}. "
            "Proof. evaluate risk_real. Qed."
        )
    assert theory("bridge", "\n".join(lines)) == ""
    last = lines[-1].replace(f"= Q2R {q(found.criterion)}", f"= Q2R {q(found.criterion + Fraction(1, 10**9))}")
    assert theory("no_bridge", "\n".join([*lines[:4], last])) != ""
