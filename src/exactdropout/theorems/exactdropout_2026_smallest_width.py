"""Derived here: the smallest width at which dropout needs negative weights, and that every larger width needs them.

One hidden relu layer, q = ½, all-ones input with label 1: with biases on P_(1,1), without biases on the point mass.
n* = 3 and 1 for K = 2 and 3 with biases, 4 and 4 without.

Below n* the certified global minimum is attained by a non-negative network. From n* on, some network lies below every
non-negative one: below their certified minimum at the same width, or below a bound that holds for them at all widths,
B = 1/(2 (K + 2)) with biases, 1 − 1/(1 + 1/K) without. The best value does not grow with the width (add a unit that is
0), so one network below B settles all larger widths.
"""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import sympy

from exactdropout.certificate import checker
from exactdropout.certificate.writer import document
from exactdropout.model import Architecture, Examples, Network
from exactdropout.numeric.reference import naive_evaluation
from exactdropout.optimum import Optimum, minimize
from exactdropout.symbolic.derivation import derive
from exactdropout.theorems.exactdropout_2026_nonnegative_bound import bound, nonnegative_bound_steps
from exactdropout.theorems.proof import Proof, Step, argument, conclude, enumerated, step
from exactdropout.theorems.registry import register

__all__ = ["CASES", "prove"]

HALF = Fraction(1, 2)
CASES = {(2, True): 3, (3, True): 1, (2, False): 4, (3, False): 4}
"""(K, biases) ↦ n*."""
SCOPE = "one hidden layer, q = 1/2, K = 2 and 3, every width n"


def prove(cases: dict[tuple[int, bool], int] = CASES) -> Proof:
    """Prove the claimed smallest widths."""
    steps = [*nonnegative_bound_steps(), *_bound_without_biases()]
    numbers = []
    for (inputs, biases), width in cases.items():
        found, pairs = _case(inputs, biases, width)
        steps += found
        numbers += pairs
    steps.append(
        enumerated("The networks of width at most 3, by the double loop.", numbers, "16 to 64 masks for each example")
    )
    return conclude("holds", SCOPE, steps)


def _bound_without_biases() -> list[Step]:
    m, rho, k = sympy.symbols("m rho K", positive=True)
    value = (m - 1) ** 2 + (rho - 1) * m**2
    return [
        argument(
            r"Without biases and with weights $\ge 0$, $E \mathcal D^2 \ge \rho\, (E \mathcal D)^2$ with $\rho = (1 "
            r"+ \frac1K)(1 + "
            r"\frac1n) > 1 + \frac1K$ (growth in depth), so $J_D \ge (m-1)^2 + (\rho - 1) m^2$ at $m = E\mathcal D$."
        ),
        step(
            r"$(m-1)^2 + (\rho-1) m^2 = \rho\, (m - \frac1\rho)^2 + 1 - \frac1\rho$, so $J_D \ge 1 - \frac1\rho > 1 - "
            r"\frac1{1 + 1/K} = \frac1{K+1}$.",
            "identity",
            sympy.cancel(value - rho * (m - 1 / rho) ** 2 - 1 + 1 / rho) == 0
            and sympy.cancel(1 - 1 / (1 + 1 / k) - 1 / (k + 1)) == 0,
        ),
    ]


def _case(inputs: int, biases: bool, smallest: int) -> tuple[list[Step], list[tuple[Any, Any]]]:
    data = Examples.half((1,) * inputs, 1) if biases else Examples.point((1,) * inputs, 1)
    floor = bound(inputs, HALF) if biases else Fraction(1, inputs + 1)
    holds, pairs, n = True, [], 0
    attained = Fraction(1)  # the best value so far; a wider network is no worse
    while attained >= floor:
        n += 1
        own = floor if biases else 1 - 1 / ((1 + Fraction(1, inputs)) * (1 + Fraction(1, n)))
        if not biases and n >= smallest and attained < own and n % 4:
            continue  # a network of smaller width, with units added that are 0, is below
        best = minimize(Architecture(inputs, (n,), biases=biases), data, HALF, compare=False)
        attained = _criterion(best.network, data)
        if n <= 3:
            pairs.append((naive_evaluation(best.network, data, (HALF, HALF)).criterion, attained))
        if n >= smallest and attained < own:
            continue
        rival = minimize(Architecture(inputs, (n,), biases=biases), data, HALF, nonnegative=True, compare=False)
        if n < smallest:  # the global minimum is attained without negative weights
            holds &= _is_nonnegative(rival.network)
            holds &= _criterion(rival.network, data) == _verified_lower(best)
        else:
            holds &= attained < _verified_lower(rival)
    holds &= n >= smallest
    where = "with biases on $P_{(\\mathbf 1, 1)}$" if biases else "without biases on the point mass"
    claim = (
        f"$K = {inputs}$, {where}: a non-negative network attains the certified minimum exactly for $n < "
        f"{smallest}$; from "
        f"$n = {smallest}$ on the best value is below all non-negative ones, and at $n = {n}$ it is below the bound "
        rf"$\frac1{{{floor.denominator}}}$ for every width, hence for all larger ones."
    )
    return [step(claim, "certificate", holds, f"n = 1, ..., {n}")], pairs


def _criterion(network: Network, data: Examples) -> Fraction:
    """Return J_D of a network exactly, by the symbolic engine without symbols."""
    return derive(network, data, HALF).criterion.evaluate({})


def _verified_lower(optimum: Optimum) -> Fraction:
    """Return the lower bound that the independent checker verifies; it reads the certificate's text only."""
    return Fraction(checker.check(json.dumps(document(optimum))).lower)


def _is_nonnegative(network: Network) -> bool:
    return all(w >= 0 for matrix in network.weights for w in matrix.flat)


@register(
    id="exactdropout-2026-smallest-width",
    title="The smallest width at which dropout needs negative weights",
    source="exactdropout2026",
    number="smallest width",
    printed=r"One hidden layer, $q = \frac12$, input $\mathbf 1_K$ with label 1: minimisers need negative weights "
    r"exactly for $n \ge "
    r"n^*$; with biases on $P_{(\mathbf 1, 1)}$ $n^*(2) = 3$, $n^*(3) = 1$; without biases on the point mass $n^*(2) "
    r"= n^*(3) = 4$.",
    statement="q = 1/2, d = 2: negative weights are needed exactly for n >= 3, 1 (K = 2, 3, biases), 4, 4 (no biases)",
    verdict="holds",
    scope=SCOPE,
)
def smallest_width() -> Proof:
    """Prove the entry as declared."""
    return prove()
