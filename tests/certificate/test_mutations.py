"""Random edits of small valid certificates: what the checker still accepts is solved again, and its claim is true."""

from __future__ import annotations

import copy
import json
import os
import random
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

from exactdropout.certificate import checker
from exactdropout.model import Architecture, Examples, Network, drop_rates
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.optimum import minimize

HERE = Path(__file__).parent
EDITS = 4_000 if os.environ.get("EXACTDROPOUT_PROFILE") == "thorough" else 400
NAMES = ("one-input", "point-width-2", "point-width-3-tie", "half-width-1", "half-width-3", "two-examples", "interval")


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of everything below a value."""
    found = [path] if path else []
    if isinstance(value, dict):
        for key in value:
            found += places(value[key], (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            found += places(item, (*path, index))
    return found


def changed(value: Any, rng: random.Random) -> Any:
    """Return a value of the same shape that differs a little."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return rng.choice(
            [value + 1, value - 1, -value, 0, 2 * value, value + rng.randint(-1000, 1000), value * 3 // 2]
        )
    if isinstance(value, str) and "/" in value:
        old = Fraction(value)
        new = rng.choice(
            [old + Fraction(1, 1000), old * Fraction(99, 100), -old, 1 / old if old else old, old / 2, old + 1]
        )
        return f"{new.numerator}/{new.denominator}"
    if isinstance(value, list) and value:
        new = list(value)
        action = rng.randrange(4)
        index, other = rng.randrange(len(new)), rng.randrange(len(new))
        if action == 0:
            del new[index]
        elif action == 1:
            new.insert(index, copy.deepcopy(new[other]))
        elif action == 2:
            new[index], new[other] = new[other], new[index]
        else:
            new[index] = copy.deepcopy(new[other])
        return new
    return rng.choice([None, 0, 1, [], {}, "1/2", value])


def mutated(document: dict[str, Any], rng: random.Random) -> str:
    """Return the text of a certificate after one to three edits; one in twenty is an edit of the text itself."""
    if rng.random() < 0.05:
        text = json.dumps(document)
        at = rng.randrange(len(text))
        return text[:at] + rng.choice(["", "0", "-", "}", '"', "1e9", ","]) + text[at + rng.randint(0, 3) :]
    value = copy.deepcopy(document)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        # Numbers are edited more often than lists and objects, so that most results are well-formed.
        spots = places(value)
        leaves = [p for p in spots if isinstance(_at(value, p), (int, str))]
        path = rng.choice(leaves if rng.random() < 0.8 else spots)
        parent = _at(value, path[:-1])
        parent[path[-1]] = changed(parent[path[-1]], rng)
    return json.dumps(value)


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


@cache
def solved_again(statement: str) -> tuple[Fraction, Fraction]:
    """Return the interval that the solver proves for a statement."""
    s = json.loads(statement)
    arch = Architecture(s["inputs"], (s["width"],), hidden_biases=s["hidden_biases"], output_bias=s["output_bias"])
    data = Examples([(x, y, p) for x, y, p in s["examples"]])
    best = minimize(arch, data, s["q"], nonnegative=s["nonnegative"], compare=False, time_limit=60)
    return best.lower, best.upper


def criterion(document: dict[str, Any]) -> Fraction:
    """Return the criterion of the network in a certificate by the double loop over masks."""
    s, n = document["statement"], document["network"]
    biases = None if n["hidden_bias"] is None and n["output_bias"] is None else [n["hidden_bias"], n["output_bias"]]
    network = Network([n["hidden_weights"], n["output_weights"]], biases)
    data = Examples([(x, y, p) for x, y, p in s["examples"]])
    value = naive_evaluation(network, data, drop_rates(s["q"], network.architecture)[0]).criterion
    return Fraction(value)


def test_what_survives_an_edit_is_true() -> None:
    rng = random.Random(20_261_123)
    documents = [json.loads((HERE / "correct" / f"{name}.json").read_text("utf-8")) for name in NAMES]
    outcomes = {"verified": 0, "rejected": 0, "malformed": 0}
    changed_claims = 0
    for _ in range(EDITS):
        text = mutated(rng.choice(documents), rng)
        try:
            statement = checker.check(text)
        except checker.MalformedError:
            outcomes["malformed"] += 1
            continue
        except checker.RejectedError:
            outcomes["rejected"] += 1
            continue
        outcomes["verified"] += 1
        document = json.loads(text)
        claim = document["statement"]
        assert criterion(document) == statement.upper
        problem = {k: v for k, v in claim.items() if k not in ("lower", "upper")}
        lower, upper = solved_again(json.dumps(problem))
        assert lower == upper, "not solved in time"
        assert statement.lower <= upper <= statement.upper
        changed_claims += statement.lower != lower or statement.upper != upper
    well_formed = outcomes["verified"] + outcomes["rejected"]
    assert well_formed * 2 >= EDITS, outcomes
    # The test says something only if edits that change the claim or the proof do survive.
    assert outcomes["verified"] >= EDITS // 100, outcomes
    assert changed_claims > 0
