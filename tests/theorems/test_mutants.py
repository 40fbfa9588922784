"""Wrong statements made from right ones are refused; ``python tests/theorems/test_mutants.py`` runs all of them.

The command writes the table of ``docs/theorems.md``: for each kind of change how many mutants there are, how many are
killed, and the survivors with the reason why they are true.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path

import pytest

from exactdropout import theorems
from exactdropout.theorems.lemmas.numbered import NUMBERED
from exactdropout.theorems.statements.derivation import Derivation, lemmas_of
from exactdropout.theorems.statements.mutants import KINDS, Mutant, mutants, why_true

START, END = "<!-- mutants -->\n", "<!-- end of the mutants -->\n"
EVERY = 1 if os.environ.get("EXACTDROPOUT_PROFILE") == "thorough" else 40


def derivations() -> list[Derivation]:
    """Return every derivation of the catalogue and every lemma, once."""
    found = {d.name: d for t in theorems.catalogue() for d in t.derivations}
    found |= {d.name: d for d in NUMBERED}
    for derivation in list(found.values()):
        found |= lemmas_of(derivation)
    return list(found.values())


ALL = derivations()


@pytest.mark.parametrize("derivation", ALL, ids=lambda d: d.name)
def test_survivors_are_true(derivation: Derivation) -> None:
    assert derivation.holds()
    for mutant in list(mutants(derivation))[::EVERY]:
        assert mutant.killed or why_true(mutant) is not None, str(mutant)


def test_there_are_a_thousand_mutants_of_every_kind() -> None:
    kinds = Counter(m.kind for d in ALL for m in mutants(d))
    assert set(kinds) == set(KINDS)
    assert sum(kinds.values()) >= 1000


def table() -> str:
    """Return the table, after running every mutant."""
    made, killed = Counter[str](), Counter[str]()
    survivors: Counter[tuple[str, str]] = Counter()
    for derivation in ALL:
        began, left = time.perf_counter(), 0
        for mutant in mutants(derivation):
            made[mutant.kind] += 1
            if mutant.killed:
                killed[mutant.kind] += 1
                continue
            left += 1
            reason = why_true(mutant)
            survivors[mutant.kind, reason or f"NOT KNOWN: {shown(mutant)}"] += 1
        print(derivation.name, left, f"survive, {time.perf_counter() - began:.0f} s", flush=True)
    lines = [f"{sum(made.values())} mutants of {len(ALL)} derivations, {sum(killed.values())} killed.\n\n"]
    lines += ["| change | mutants | killed | survivors, and why they are true |\n|---|---|---|---|\n"]
    for kind, meaning in KINDS.items():
        reasons = "; ".join(f"{number}: {why}" for (k, why), number in sorted(survivors.items()) if k == kind)
        lines.append(f"| {meaning} | {made[kind]} | {killed[kind]} | {reasons or 'none'} |\n")
    return "".join(lines)


def shown(mutant: Mutant) -> str:
    return str(mutant).replace("|", "/")


if __name__ == "__main__":
    path = Path(__file__).resolve().parents[2] / "docs" / "theorems.md"
    written = table()
    text = path.read_text("utf-8")
    path.write_text(text[: text.index(START) + len(START)] + written + text[text.index(END) :], "utf-8")
    print(written)
