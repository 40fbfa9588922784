"""Three hundred claims as authors write them, with what is true of each: no verdict may contradict it."""

import tomllib
from pathlib import Path

import pytest

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
    assert decided >= 180
