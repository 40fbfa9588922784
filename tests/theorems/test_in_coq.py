"""Entries of the catalogue and their statements in Coq: names, texts and assumptions are those of proofs/theory.

``python tests/theorems/test_in_coq.py`` writes the shipped texts anew.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from exactdropout.theorems import catalogue, get
from exactdropout.theorems.in_coq import IN_COQ, coq_statements

SHIPPED = Path("src/exactdropout/theorems/coq_statements.json")
REALS = {"ClassicalDedekindReals.sig_forall_dec", "FunctionalExtensionality.functional_extensionality_dep"}


def without_comments(text: str) -> str:
    while (found := re.sub(r"\(\*(?:(?!\(\*|\*\)).)*\*\)", " ", text, flags=re.S)) != text:
        text = found
    return text


def in_theory(repository: Path) -> dict[str, dict[str, Any]]:
    """Return text and assumptions of each statement from what Coq compiles and prints."""
    theory = repository / "proofs" / "theory"
    text = " ".join(without_comments((theory / "Statements.v").read_text("utf-8")).split())
    rests_on = dict(line.split(": ") for line in (theory / "assumptions.txt").read_text("utf-8").splitlines())
    return {
        name: {"text": body, "axioms": rests_on[name].split(", ")}
        for name, body in re.findall(r"Definition (\w+) : Prop := (.*?)\.(?= Definition|$)", text)
    }


def test_shipped_statements_are_those_of_the_theory(repository: Path) -> None:
    found = in_theory(repository)
    assert len(found) >= 35
    shipped = {name: {"text": s.text, "axioms": list(s.axioms)} for name, s in coq_statements().items()}
    assert shipped == found


def test_entries_name_statements_that_exist_and_rest_on_the_reals() -> None:
    ids = {t.id for t in catalogue()}
    for id, entry in IN_COQ.items():
        assert id in ids
        assert entry.statements
        for name in entry.statements:
            roots = {"ClassicalDedekindReals.sig_not_dec"} if name == "theorem_7" else set()
            assert set(coq_statements()[name].axioms) <= REALS | roots


def test_all_sizes_is_said_where_nothing_is_left_out() -> None:
    whole = {id for id, entry in IN_COQ.items() if not entry.part}
    assert whole == {
        "helmbold-2017-theorem-8",
        *(f"helmbold-2017-lemma-{n}" for n in (9, 10, 12, 14, 16)),
        "exactdropout-2026-nonnegative-bound",
        "exactdropout-2026-universal-bound",
    }
    for id, entry in IN_COQ.items():
        assert ("all sizes" in entry.evidence) is (id in whole)
    assert get("helmbold-2017-lemma-15").in_coq is None


def test_the_texts_say_what_the_entries_say() -> None:
    """The shape of each statement that is said to cover an entry: its quantifiers and its conclusion."""
    text = {name: s.text for name, s in coq_statements().items()}
    assert text["theorem_4"].endswith("dropout_aversion q K ns P a <-> dropout_aversion q K ns (scale_inputs d P) a")
    assert "0 < q < 1 -> (2 <= K)%nat -> (2 <= d)%nat -> exists n0, forall n, (n0 <= n)%nat" in text["theorem_8"]
    assert text["theorem_8_minimisers"].endswith("-> ~ nonnegative_weights K W")
    assert text["lemma_9"].endswith("sum n (gadget K n x) = INR n / INR K")
    assert "= (b ^ 2 + (1 - b) ^ 2 * (1 - (1 - q O ^ K) / A_neg q K n ns)) / 2" in text["lemma_10"]
    assert "q O / (2 * (INR K * (1 - q O) + 2 * q O)) <= criterion q K W" in text["nonnegative_bound"]
    assert "q O ^ K / (2 * (1 + q O ^ K)) <= criterion q K W" in text["every_network"]
    assert text["lemma_12_convex"].startswith("forall phi K W x y, convex_nondecreasing phi -> nonnegative_weights K W")
    assert "criterion (constant q) K V P < criterion (constant q) K W P" in text["section_4_3"]
    assert "1/8 <= criterion (constant (1/2)) K W P" in text["section_4_3_pairs"]
    assert text["section_4_3_pairs"].endswith("(1/5)) P <= 1/10 + eps")
    assert "psi (S l) - psi l <= psi (S (S l)) - psi (S l)" in text["lemma_14"]


if __name__ == "__main__":
    root = Path(__file__).resolve().parents[2]
    (root / SHIPPED).write_text(json.dumps(in_theory(root), indent=1) + "\n", encoding="utf-8")
