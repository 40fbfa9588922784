"""Three hundred claims as authors write them, with what is true of each: no verdict may contradict it."""

import tomllib
from fractions import Fraction as F
from pathlib import Path

import pytest

import exactdropout as xd
from exactdropout.claims import check
from exactdropout.errors import ExactDropoutError

CLAIMS = tomllib.loads(Path(__file__).with_name("claims.toml").read_text("utf-8"))["claim"]


def answer(entry):
    """Return the status, or "refused"."""
    try:
        return check(
            entry["text"], entry["arch"], entry.get("data"), entry.get("q"), assume=entry.get("assume"),
            names=entry.get("names"),
        ).status  # fmt: skip
    except ExactDropoutError:
        return "refused"


def contradicts(entry, status):
    return (status, entry["holds"]) in {("proved", False), ("refuted", True)}


@pytest.mark.parametrize("entry", CLAIMS[::23], ids=lambda entry: entry["id"])
def test_every_twenty_third_claim(entry):
    assert not contradicts(entry, answer(entry))


@pytest.mark.thorough
def test_no_claim_gets_a_wrong_verdict():
    answers = {entry["id"]: answer(entry) for entry in CLAIMS}
    assert [entry["id"] for entry in CLAIMS if contradicts(entry, answers[entry["id"]])] == []
    decided = sum(status in ("proved", "refuted") for status in answers.values())
    assert decided >= 305


def test_what_holds_at_all_small_sizes_may_be_false():
    """H11, which had been taken for true: twelve units that are 0 without dropout, and two that nearly cancel them."""
    apart = [[(k == a) - (k == b) for k in range(4)] for a in range(4) for b in range(4) if a != b]
    network = xd.Network([[*apart, [1] * 4, [1] * 4], [*[1] * 12, *[F(-2, 5)] * 2]])
    found = xd.evaluate(network, [([1, 1, 1, 1], 0)], q=F(1, 2))
    (mean,), output, second = found.mean, F(-16, 5), found.criterion
    assert found.risk == output**2
    assert (mean - output) ** 2 == 36 > second == F(174, 5)
