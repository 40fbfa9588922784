"""Certificates of phases: what is written is verified, what is damaged is refused, what survives an edit is true."""

from __future__ import annotations

import copy
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from exactdropout.certificate import checker, phases_checker, phases_document, write_phases_certificate
from exactdropout.errors import InvalidInput
from exactdropout.model import Architecture, Examples
from exactdropout.optimum import minimize
from exactdropout.optimum.phases.phases import phases

from .test_mutations import mutated

EDITS = 2_000 if os.environ.get("EXACTDROPOUT_PROFILE") == "thorough" else 100
HALF, POINT = Examples.half((1, 1), 1), Examples.point((1, 1), 1)
PROBLEMS: dict[str, tuple[Architecture, Examples, bool]] = {
    "one-input": (Architecture(1, (1,), biases=False), Examples.point((2,), Fraction(1, 3)), False),
    "one-input-biases": (Architecture(1, (2,)), Examples.uniform([((1,), 1), ((-1,), 0)]), False),
    "half": (Architecture(2, (1,)), HALF, False),
    "half-nonnegative": (Architecture(2, (2,)), HALF, True),
    "golden": (Architecture(2, (2,), biases=False), POINT, False),
    "multisets": (Architecture(2, (3,), biases=False), POINT, False),
    "asymmetric": (Architecture(2, (1,), biases=False), Examples.uniform([((1, 2), 1), ((1, -1), -1)]), False),
    "output-bias": (
        Architecture(1, (1,), hidden_biases=False, output_bias=True),
        Examples([((1,), 1, Fraction(1, 3)), ((3,), Fraction(-1, 2), Fraction(2, 3))]),
        False,
    ),
}


@cache
def text_of(name: str) -> str:
    arch, data, nonnegative = PROBLEMS[name]
    return json.dumps(phases_document(phases(arch, data, nonnegative=nonnegative, compare=False, keep_proof=True)))


def edited(name: str, edit: Callable[[dict[str, Any]], Any]) -> str:
    value = json.loads(text_of(name))
    edit(value)
    return json.dumps(value)


def value_at(quotient: tuple[Any, Any], q: Fraction) -> Fraction:
    top, below = (sum((c * q**k for k, c in enumerate(f)), Fraction(0)) for f in quotient)
    return top / below


def inside(s: phases_checker.Family, low: int, high: int) -> list[Fraction]:
    a, b = s.ends[low].high, s.ends[high].low
    return [a + (b - a) * share for share in (Fraction(1, 9), Fraction(2, 3))]


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_written_certificate_is_verified_and_says_the_minimum(name: str) -> None:
    arch, data, nonnegative = PROBLEMS[name]
    s = phases_checker.check(text_of(name))
    assert s.ends[s.intervals[0][0]].low == 0
    assert s.ends[s.intervals[-1][1]].high == 1
    assert all(a[1] == b[0] for a, b in zip(s.intervals, s.intervals[1:], strict=False))
    for low, high, top, below in s.intervals:
        for q in inside(s, low, high):
            assert value_at((top, below), q) == minimize(arch, data, q, nonnegative=nonnegative, compare=False).value


def test_the_statement_in_words() -> None:
    assert phases_checker.describe(phases_checker.check(text_of("golden"))) == (
        "2 inputs, 2 relu units, without biases, 1 on ((1, 1), 1), q at inputs and units: min J_D over all weights = "
        "(q + 4*q^2 - 6*q^3 + 2*q^4)/(2 - q) for q in (0, 0.381966011250...]; "
        "(4*q - 3*q^2)/(4 - 4*q + q^2) for q in [0.381966011250..., 1)"
    )


def test_all_multisets_and_trees_with_orbits_occur() -> None:
    cells = [cell for name in PROBLEMS for cell in json.loads(text_of(name))["cells"]]
    assert any(cell["tree"] is None for cell in cells)
    assert any('"orbit": true' in json.dumps(cell["tree"]) for cell in cells)
    assert any(leaf[1] != 0 for cell in cells for side in cell["sides"] for leaf in side["leaves"])


def raise_value(value: dict[str, Any]) -> None:
    interval = value["statement"]["intervals"][0]
    interval[2] = [1000 * c for c in interval[2]]
    interval[2][1] += 1
    interval[3] = [1000 * c for c in interval[3]]


def reach_further(value: dict[str, Any]) -> None:
    # the first formula is claimed up to 1
    first, last = value["statement"]["intervals"][0], value["statement"]["intervals"].pop()
    first[1] = last[1]
    for cell in value["cells"]:
        cell["interval"] = 0


def move_end(value: dict[str, Any]) -> None:
    end = next(k for k, v in enumerate(value["statement"]["ends"]) if isinstance(v, dict))
    value["statement"]["ends"][end] = "39/100"


def drop_cell(value: dict[str, Any]) -> None:
    index = next(k for k, c in enumerate(value["cells"][1:]) if c["interval"] == value["cells"][k]["interval"])
    del value["cells"][index]


def drop_side(value: dict[str, Any]) -> None:
    del value["cells"][0]["sides"][0]


def no_cells(value: dict[str, Any]) -> None:
    value["cells"] = []


def first_tree(value: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = next(c["tree"] for c in value["cells"] if c["tree"] and "part" in c["tree"])
    return found


def drop_child(value: dict[str, Any]) -> None:
    first_tree(value)["children"].pop()


def forbid_images(value: dict[str, Any]) -> None:
    tree = first_tree(value)
    tree["orbit"] = True
    tree["children"] = tree["children"][:1] * len(tree["children"])


def one_leaf(value: dict[str, Any]) -> None:
    tree = first_tree(value)
    tree.clear()
    tree["leaf"] = 0


def forget_type(value: dict[str, Any]) -> None:
    group = next(w for leaf in value["cells"][0]["sides"][0]["leaves"] for w in leaf[2] if len(w) > 1)
    group.pop()


def small_first(value: dict[str, Any]) -> None:
    # the first witness of a group is to have the largest kappa
    for side in value["cells"][0]["sides"]:
        for leaf in side["leaves"]:
            for group in leaf[2]:
                group.reverse()


def shrink_witness(value: dict[str, Any]) -> None:
    for side in value["cells"][0]["sides"]:
        for witness in side["witnesses"]:
            witness[3] = [7 * c for c in witness[3]]


def negative_denominator(value: dict[str, Any]) -> None:
    for side in value["cells"][0]["sides"]:
        for cut in side["cuts"]:
            cut[:] = [[[-c for c in f] for f in cut[0]], [-c for c in cut[1]]]


def negative_slack(value: dict[str, Any]) -> None:
    for side in value["cells"][0]["sides"]:
        for leaf in side["leaves"]:
            leaf[1] = "-1/2"


def shift_cut(value: dict[str, Any]) -> None:
    for side in value["cells"][0]["sides"]:
        for cut in side["cuts"]:
            cut[0] = [[*f, 0, 0, 1][: len(f) + 3] for f in cut[0]]


def other_network(value: dict[str, Any]) -> None:
    value["cells"][0]["network"]["units"][0][2][0].append(1)


def too_many_units(value: dict[str, Any]) -> None:
    value["cells"][0]["network"]["units"][0][1] += 1


def other_labels(value: dict[str, Any]) -> None:
    value["statement"]["examples"][0][1] = "9/10"


def version_two(value: dict[str, Any]) -> None:
    value["version"] = 2


def minimum_format(value: dict[str, Any]) -> None:
    value["format"] = "exactdropout-minimum"


DAMAGED = {
    checker.RejectedError: [
        raise_value, reach_further, move_end, drop_side, no_cells, forbid_images, one_leaf, forget_type, small_first,
        shrink_witness, negative_denominator, shift_cut, other_network, too_many_units, other_labels, drop_child,
    ],
    checker.MalformedError: [negative_slack, version_two, minimum_format],
}  # fmt: skip


@pytest.mark.parametrize(("error", "edit"), [(error, edit) for error, edits in DAMAGED.items() for edit in edits])
@pytest.mark.parametrize("name", ["golden", "half"])
def test_what_is_damaged_is_refused(name: str, error: type[Exception], edit: Callable[[dict[str, Any]], None]) -> None:
    text = edited(name, edit)
    assert json.loads(text) != json.loads(text_of(name))
    with pytest.raises(error):
        phases_checker.check(text)


def test_a_cell_left_out_leaves_a_gap() -> None:
    with pytest.raises(checker.RejectedError, match=r"leave a gap|do not reach"):
        phases_checker.check(edited("multisets", drop_cell))


def test_a_negative_weight_is_no_minimum_over_non_negative_ones() -> None:
    def restrict(value: dict[str, Any]) -> None:
        value["statement"]["nonnegative"] = True

    with pytest.raises(checker.RejectedError):
        phases_checker.check(edited("golden", restrict))


@cache
def solved_at(statement: str, q: Fraction) -> Fraction:
    s = json.loads(statement)
    arch = Architecture(s["inputs"], (s["width"],), hidden_biases=s["hidden_biases"], output_bias=s["output_bias"])
    data = Examples([(x, y, p) for x, y, p in s["examples"]])
    return minimize(arch, data, q, nonnegative=s["nonnegative"], compare=False, time_limit=60).value


def test_what_survives_an_edit_is_true() -> None:
    rng = random.Random(20_261_130)
    documents = [json.loads(text_of(name)) for name in ("one-input", "one-input-biases", "golden", "output-bias")]
    outcomes = {"verified": 0, "rejected": 0, "malformed": 0}
    for _ in range(EDITS):
        text = mutated(copy.deepcopy(rng.choice(documents)), rng)
        try:
            s = phases_checker.check(text)
        except checker.MalformedError:
            outcomes["malformed"] += 1
            continue
        except checker.RejectedError:
            outcomes["rejected"] += 1
            continue
        outcomes["verified"] += 1
        claim = json.loads(text)["statement"]
        problem = json.dumps({k: v for k, v in claim.items() if k not in ("ends", "intervals")})
        for low, high, top, below in s.intervals:
            for q in inside(s, low, high):
                assert value_at((top, below), q) == solved_at(problem, q)
    # The test says something only if edits that change the proof do survive, and most results are well-formed.
    assert outcomes["verified"] >= EDITS // 100, outcomes
    assert outcomes["verified"] + outcomes["rejected"] >= EDITS // 3, outcomes


def test_files_and_verdicts_of_the_copied_checker(tmp_path: Path) -> None:
    arch, data, _ = PROBLEMS["half"]
    found = phases(arch, data, keep_proof=True)
    good, bad, broken = (tmp_path / f"{name}.json" for name in ("good", "bad", "broken"))
    write_phases_certificate(found, good)
    assert found.nonnegative is not None
    write_phases_certificate(found.nonnegative, tmp_path / "nonnegative.json")
    bad.write_text(edited("half", raise_value), "utf-8")
    broken.write_text("{", "utf-8")
    folder = Path(checker.__file__).parent
    for name in ("checker.py", "polynomial_signs.py", "phases_checker.py"):
        shutil.copy(folder / name, tmp_path)
    for name in ("fractions.py", "checker_of_another.py"):
        (tmp_path / name).write_text("raise SystemExit('imported')", "utf-8")
    for files, status in (([good, tmp_path / "nonnegative.json"], 0), ([good, bad], 1), ([good, bad, broken], 2)):
        command = [sys.executable, str(tmp_path / "phases_checker.py"), *map(str, files)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stdout + done.stderr
        words = [line.split()[0] for line in done.stdout.splitlines()]
        assert words == ["VERIFIED", "VERIFIED" if status == 0 else "REJECTED", "MALFORMED"][: len(files)]


def test_phases_without_their_proofs_are_refused() -> None:
    arch, data, _ = PROBLEMS["golden"]
    with pytest.raises(InvalidInput, match="keep_proof"):
        phases_document(phases(arch, data, compare=False))


def test_a_part_of_the_rates_is_certified_alone() -> None:
    arch, data, _ = PROBLEMS["golden"]
    found = phases(arch, data, compare=False, keep_proof=True, between=("1/4", "1/2"))
    s = phases_checker.check(json.dumps(phases_document(found)))
    assert [s.ends[s.intervals[0][0]].low, s.ends[s.intervals[-1][1]].low] == [Fraction(1, 4), Fraction(1, 2)]
