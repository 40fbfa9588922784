"""Every broken layer of the kit is flagged by the check that is meant for it; no correct layer is."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from exactdropout import testing as xt
from exactdropout.errors import DropoutFault
from exactdropout.testing.mutants import CORRECT, MUTANTS, Mutant, as_plain, as_torch
from exactdropout.testing.mutants.elsewhere import ELSEWHERE
from exactdropout.testing.mutants.styles import STYLES

QUICK_OF_TORCH = {
    "backward with another mask", "overwrites its input", "weaker after evaluation", "groups of 4 share a mask",
    "rows share a mask when transposed in memory",
}  # fmt: skip
QUICK_CORRECT = {
    "x / p in the input's format", "own generator, Philox", "mask recomputed in the backward pass",
    "in place, and returned", "drop path", "attention weights", "alpha dropout",
}  # fmt: skip
SLOW = {"backward mask from y = 0", "correlation 0.1 along memory", "every second mask permutes the one before"}


def names(mutants: tuple[Mutant, ...], quick: set[str]) -> list[Any]:
    return [pytest.param(m, id=m.name, marks=() if m.name in quick else pytest.mark.thorough) for m in mutants]


def flagged(mutant: Mutant, make: Any, rate: str) -> str:
    layer = make if mutant.check == "rates 0 and 1" else make(float(Fraction(rate)))
    with pytest.raises(DropoutFault) as caught:
        xt.assert_dropout(layer, rate, model=mutant.model, scaling=mutant.scaling, budget=mutant.budget)
    assert f"q = {'' if mutant.check == 'rates 0 and 1' else rate}" in str(caught.value)
    return str(caught.value.check)


@pytest.mark.parametrize("mutant", names(MUTANTS, {m.name for m in MUTANTS if m.budget <= 60_000} - SLOW))
def test_broken_plain_layers_are_flagged(mutant: Mutant) -> None:
    for rate in mutant.rates if mutant not in ELSEWHERE else mutant.rates[:1]:
        found = flagged(mutant, as_plain(mutant), rate)
        assert found == mutant.check or (mutant.name.startswith("drop path: one bit") and found == "modes")


@pytest.mark.parametrize("mutant", names(tuple(m for m in MUTANTS if m.budget <= 2**20), QUICK_OF_TORCH))
def test_broken_layers_of_torch_are_flagged(torch: Any, mutant: Mutant) -> None:
    flagged(mutant, as_torch(mutant), mutant.rates[-1])


@pytest.mark.parametrize("mutant", names(CORRECT, QUICK_CORRECT))
def test_correct_plain_layers_are_not_flagged(mutant: Mutant) -> None:
    rate = mutant.rates[-1]
    left_out = [xt.skip("layers", "one generator for all layers of a factory")]
    report = xt.assert_dropout(
        as_plain(mutant), rate, model=mutant.model, scaling=mutant.scaling, budget=4_000, checks=left_out
    )
    assert "laws" in dict(report.checked)


def test_there_are_many_of_both() -> None:
    assert len(MUTANTS) >= 60
    assert len(CORRECT) >= 20
    assert len({m.name for m in (*MUTANTS, *CORRECT)}) == len(MUTANTS) + len(CORRECT)


def test_the_styles_of_frameworks_pass_a_correct_layer() -> None:
    correct = as_plain(CORRECT[0], seed=4)
    assert [name for name, style in STYLES.items() if not style(correct)] == []
