"""Wrong statements made from right ones are refused: a sample here; the command runs all of them.

``python tests/theorems/test_mutants.py`` takes half an hour of processor time. It writes the table of
``docs/theorems.md``: for each kind of change how many mutants there are, how many are killed, and the survivors
with the reason why they are true. It ends with status 1 if one survives for no known reason.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from exactdropout import theorems
from exactdropout.theorems.lemmas.numbered import NUMBERED
from exactdropout.theorems.statements.derivation import Derivation, lemmas_of
from exactdropout.theorems.statements.mutants import KINDS, Mutant, mutants, why_true

START, END = "<!-- mutants -->\n", "<!-- end of the mutants -->\n"
EVERY = 7 if os.environ.get("EXACTDROPOUT_PROFILE") == "thorough" else 120


NEIGHBOURS = {
    **dict.fromkeys(
        (f"ridge-minimiser, quantified: scope, g >= 0 to g{end}" for end in (" >= -1", " >= -1/2", "")),
        "the bound begins with g e^2, whatever g is",
    ),
    "ridge-minimiser, auxiliary: scope, k >= 0 to k >= -1": "no model has less than 0 inputs",
    "ridge-minimiser, auxiliary: scope, j >= 0 to j >= -1": "no model has less than 0 further inputs",
    **dict.fromkeys(
        (
            f"matrix-factorisation, {place} >= 0 to {place[-1]} >= -1"
            for place in ("quantified: scope, r", "auxiliary: scope, k", "auxiliary: scope, l")
        ),
        "no factor has less than 0 columns or entries",
    ),
    "linear-mean, quantified: scope, j >= 0 to j >= -1": "no network has less than 0 layers",
    "linear-mean, auxiliary: scope, k >= 0 to k >= -1": "no unit has less than 0 units below",
    "second-moments, auxiliary: scope, k >= 0 to k >= -1": "no mean has less than 0 terms",
    "convex-loss, quantified: scope, k >= 0 to k >= -1": "no mean has less than 0 terms",
    **dict.fromkeys(
        (f"two-layer-penalty, quantified: scope, e >= 0 to e{end}" for end in (" >= -1", "")),
        "e is the sum of the squares of an input, by hypothesis",
    ),
    **dict.fromkeys(
        (
            f"two-layer-penalty, {place} >= 0 to {place[-1]} >= -1"
            for place in ("quantified: scope, r", "auxiliary: scope, k", "auxiliary: scope, l")
        ),
        "no network has less than 0 units, inputs or outputs",
    ),
    "deep-bound, line 'bound': constant, Y >= V N^2 to Y = 1": "from a start that says less",
    "deep-bound, line 'bound': constant, Y >= V N^2 to V = -1": "from a start that says less",
    "deep-bound, quantified: scope, l >= 0 to l >= -1": "no network has less than 0 layers",
    "deep-bound, quantified: scope, c >= 0 to c >= -1": "no network has less than 0 sets of layers",
    "deep-rank-one, quantified: scope, l >= 0 to l >= -1": "no network has less than 0 layers",
    "deep-envelope, line 'mixture': constant, G <= T nu s^2 to G = -1": "from a start that says less",
    "deep-envelope, quantified: scope, n >= 0 to n >= -1": "no matrix has less than 0 singular values",
    "second-order-equal-weights, line 'product': constant, P >= 1 + T to P = 2": "from a start that is larger",
    "second-order-equal-weights, quantified: scope, l >= 0 to l >= -1": "no network has less than 0 layers",
    "column-copies, quantified: scope, r >= 0 to r >= -1": "no factor has less than 0 columns",
    "masked-layer, quantified: scope, m >= 0 to m >= -1": "no sum has less than 0 terms",
}
"""Survivors in results of other papers whose reason no rule decides."""

BY_HAND = {
    **NEIGHBOURS,
    **dict.fromkeys(
        (f"penalty-of-ones, quantified: scope, j >= 0 to j{end}" for end in (" >= -1", "")),
        "no network has less than 0 further inputs",
    ),
    **dict.fromkeys(
        (f"penalty-{name}, quantified: scope, k >= 0 to k >= -1" for name in ("of-ones", "convex", "rises")),
        "no network has less than 0 layers",
    ),
    **dict.fromkeys(
        (f"penalty-one-side, quantified: scope, b > 0 to b{end}" for end in (" > -1", " > -1/2", "", " >= 0")),
        "only positive spreads can meet the second hypothesis",
    ),
    "rescaling, auxiliary: scope, c > 0 to c >= 0": "a factor 0 makes all later values 0, as stated",
    "rescaling, quantified: scope, C > 0 to C >= 0": "a factor 0 makes all later values 0, as stated",
    "rescaling, auxiliary: scope, j >= 0 to j >= -1": "no network has less than 0 layers",
    "rescaling, auxiliary: scope, k >= 0 to k >= -1": "no unit has less than 0 units below",
    "exponential-loss, auxiliary: scope, k >= 0 to k >= -1": "no model has less than 0 inputs",
    "sum-moments, auxiliary: scope, k >= 0 to k >= -1": "no sum has less than 0 terms",
    "largest-risk, conclusions: relation, R(W_max) >= R(W) to R(W_max) <= R(W)": "the same bounds give a least risk",
    "no-minimiser, quantified: scope, k >= 1 to k >= 0": "the bound at k = 0 holds too: all masked inputs count",
    "no-minimiser, line 'lower': relation, J(W) >= Y - (rho + rho_0 c^2) - (kappa^2 rho + c^2 rho_0) "
    "+ 2 (kappa rho + c^2 rho_0) + U to J(W) > Y - (rho + rho_0 c^2) - (kappa^2 rho + c^2 rho_0) "
    "+ 2 (kappa rho + c^2 rho_0) + U": "equality needs the output of the limit, which is that of no network",
    "no-minimiser, line 'near': relation, J_k <= J_inf + p/4 (1 - kappa)/2^k to J_k < J_inf + p/4 (1 - kappa)/2^k": (
        "the units are less than 1 where the bound takes 1"
    ),
    "growth-of-squares, quantified: scope, d >= 0 to d >= -1": "no network has less than 0 layers",
    "wide-enough, quantified: scope, d >= 0 to d >= -1": "no network has less than 0 layers",
    "growth-of-squares, auxiliary: scope, c >= 0 to c >= -1": "wider range: the passage was checked on it",
    "growth-of-squares, auxiliary: scope, c >= 0 to c >= -1/2": "wider range: the passage was checked on it",
    "growth-of-squares, line 'layers': constant, M_2 >= rho M_1^2 to rho = 0": "from a start that says less",
    "rate-above, line 'copies': constant, G N <= k S + m G to N = -1": "from a start that says less",
    "rate-above, line 'squares': constant, k P <= G S to P = -1": "from a start that says less",
    "wide-enough, line 'layers': constant, k E <= C to E = -1": "from a start that says less",
    "wide-enough, line 'layers': constant, k E <= C to C = 1": "from a start that says less",
    "first-one, quantified: scope, c > 0 to c >= 0": "at 0 there is no such input, and the sums are 0",
    "first-one, auxiliary: scope, k >= 0 to k >= -1": "no input has less than 0 entries after its first that is not 0",
    "supermodular-sum, quantified: scope, k >= 0 to k >= -1": "no sum has less than 0 terms",
    "lemma-12, quantified: scope, j >= 0 to j >= -1": "no network has less than 0 layers",
    **dict.fromkeys(
        (
            "lemma-12, line 'listed': part, W(x + delta + epsilon) + W(x) >= W(x + delta) + W(x + epsilon) to "
            f"W(x + delta + epsilon) + W(x) >= {right}"
            for right in ("W(x) + W(x + epsilon)", "W(x + delta) + W(x)")
        ),
        "such a network does not decrease, either",
    ),
    **{
        f"theorem-{place}, auxiliary: scope, {end}": why
        for place in (4, 6)
        for end, why in (
            ("k >= 0 to k >= -1", "no unit has less than 0 units below"),
            ("j >= 0 to j >= -1", "no mean has less than 0 terms"),
        )
    },
    "theorem-7-attained, quantified: scope, lambda > 0 to lambda": "the value is an equation, for every strength",
    "theorem-7-attained, quantified: scope, lambda > 0 to lambda >= 0": "the value is an equation, for every strength",
    "theorem-7-attained, quantified: scope, lambda > 0 to lambda > -1": "the value is an equation for every strength",
    "theorem-7-attained, quantified: scope, lambda > 0 to lambda > -1/2": "the value is an equation for every strength",
    "theorem-7-below, quantified: scope, lambda > 0 to lambda >= 0": "without weight decay minimisers have risk 0",
    "one-layer, quantified: scope, lambda > 0 to lambda >= 0": "without weight decay a minimiser fits",
    "mixture-bound, line 'sum': constant, J_mix >= q/(2 (k p + 2 q)) S to S = -1": "from a start that says less",
    "mixture-bound, line 'sum': constant, J_mix >= q/(2 (k p + 2 q)) S to J_mix = 1": "from a start that says less",
    "mixture-bound, auxiliary: scope, j >= 0 to j >= -1": "no mixture has less than 0 inputs",
    "section-4-3, quantified: scope, d >= 2 to d >= 1": "no gadget network has one layer only",
    "theorem-20, quantified: scope, k >= 0 to k >= -1": "no network has less than 0 patterns",
    "independent-product, quantified: scope, k >= 0 to k >= -1": "no number has less than 0 values",
    "theorem-19, line 'sign': letter, S >= 0 to S = a": "from another start that is not negative",
    "theorem-19, quantified: scope, j >= 0 to j >= -1": "no network has less than 0 layers",
    "theorem-19, auxiliary: scope, k >= 0 to k >= -1": "no unit has less than 0 units below",
    "mean-of-squares, line 'distances': constant, M_2 - 2 c M_1 + c^2 M_0 >= 0 to M_0 = 1": "a start that says less",
    "mean-of-squares, line 'distances': constant, M_2 - 2 c M_1 + c^2 M_0 >= 0 to M_2 = 1": "a start that says less",
    "mean-of-squares, quantified: scope, k >= 0 to k >= -1": "no sum has less than 0 terms",
    "weight-norm, quantified: scope, k >= 0 to k >= -1": "no layer has less than 0 units",
    "cauchy-schwarz, quantified: scope, k >= 0 to k >= -1": "no sum has less than 0 terms",
    "rising-sums, quantified: scope, k >= 0 to k >= -1": "no sum has less than 0 terms",
    **{
        "units-at-most-linear, line 'all': constant, lambda P - 2 (c G_1 - b G_N) >= "
        f"-n (K^2 + lambda K)/lambda kappa^2 to {start}": "from a start that says less"
        for start in ("P = 1", "G_1 = -1")
    },
    "lemma-15-large, line 'central': constant, (3 m + 1) a^2 <= 1 to a = 0": "from a start that says less",
    **{
        f"lemma-15-large, line 'listed': exponent, (3 m + 1) a^2 <= 1 to (3 m + 1) a^{power} <= 1": "a is at most 1"
        for power in (3, 4)
    },
    "lemma-15-large, line 'middle': relation, C <= (r/2 + 1) M to C < (r/2 + 1) M": (
        "as many values as that are not all equally probable"
    ),
    "lemma-15-large, quantified: scope, r > 0 to r >= 0": "a root of 76 or more is not 0",
    "lemma-15-large, quantified: scope, r > 0 to r > -1/2": "a root of 76 or more above -1/2 is positive",
    "lemma-15-small, line 'others': relation, T_least >= 1/4 to T_least = 1/4": "for 2 coins it is 1/4",
    "equal-paths, quantified: scope, d >= 0 to d >= -1": "no network has less than 0 layers",
    "distance-in-a-layer, quantified: scope, n >= 0 to n >= -1": "no layer has less than 0 units",
    "distance-in-a-layer, line 'layer': constant, D <= F X to D = -1": "from a start that says less",
    "least-norm, hypotheses: relation, y^2 = K s^d to y^2 >= K s^d": "a larger difference needs as large a norm",
    **{
        f"least-norm, line 'layers': {kind}, X <= K P to X = {start}": "from a start that says less"
        for kind, start in (
            ("sign", "-a K - e"),
            ("part", "-e"),
            ("part", "a K"),
            ("part", "a - e"),
            ("letter", "a K - N"),
        )
    },
    "least-norm, auxiliary: scope, a > 0 to a >= 0": "a layer of norm 0 makes the product 0, and both bounds hold",
    "least-norm-attained, quantified: scope, v > 0 to v >= 0": "with weights 0 the output and the norm are 0",
}
"""Survivors whose reason no rule decides."""


def reason(mutant: Mutant) -> str | None:
    """Return why a survivor is true, by rule or by hand."""
    return why_true(mutant) or BY_HAND.get(str(mutant))


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
        assert mutant.killed or reason(mutant) is not None, str(mutant)


def test_there_are_a_thousand_mutants_of_every_kind() -> None:
    kinds = Counter(m.kind for d in ALL for m in mutants(d))
    assert set(kinds) == set(KINDS)
    assert sum(kinds.values()) >= 1000


FALSE = (
    "no-minimiser, quantified: scope, k >= 1 to k",  # with k = -1 the bound is below J_k for q near 1
    "sum-moments, line 'product': constant, E_ST = A B + lambda Q to A = 1",  # an empty sum is 0
    "equal-shares, line 'shares': constant, n Q >= S^2 to Q = 1",
)


def mutants_of(name: str) -> dict[str, Mutant]:
    return {str(m): m for d in ALL if d.name == name for m in mutants(d)}


@pytest.mark.parametrize("change", FALSE)
def test_what_once_survived_and_is_false_is_killed(change: str) -> None:
    assert mutants_of(change.split(",", maxsplit=1)[0])[change].killed


def test_a_higher_power_of_what_is_at_most_1_says_less() -> None:
    found, change = mutants_of("deep-minimisers"), "deep-minimisers, line 'first': exponent, alpha^2 mu c^2 <= 1 to "
    assert why_true(found[f"{change}alpha^3 mu c^2 <= 1"]) == "weaker: follows from the original"
    assert why_true(found[f"{change}alpha^1 mu c^2 <= 1"]) is None


def campaign(place: int) -> tuple[str, Counter[str], Counter[str], Counter[tuple[str, str]], float]:
    """Run every mutant of one derivation; return counts by kind, made and killed, and the survivors' reasons."""
    derivation, began = ALL[place], time.perf_counter()
    made, killed, survivors = Counter[str](), Counter[str](), Counter[tuple[str, str]]()
    for mutant in mutants(derivation):
        made[mutant.kind] += 1
        if mutant.killed:
            killed[mutant.kind] += 1
        else:
            survivors[mutant.kind, reason(mutant) or f"NOT KNOWN: {shown(mutant)}"] += 1
    return derivation.name, made, killed, survivors, time.perf_counter() - began


def table() -> str:
    """Return the table, after running every mutant."""
    made, killed, survivors = Counter[str](), Counter[str](), Counter[tuple[str, str]]()
    with ProcessPoolExecutor() as pool:
        for name, more, gone, left, seconds in pool.map(campaign, range(len(ALL))):
            made, killed, survivors = made + more, killed + gone, survivors + left
            print(name, more.total(), f"mutants, {left.total()} survive, {seconds:.0f} s", flush=True)
    lines = [f"{made.total()} mutants of {len(ALL)} derivations and lemmas, {killed.total()} killed.\n\n"]
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
    sys.exit("NOT KNOWN" in written)
