"""Derived here: large width is a convex regulariser, with the exact rate, for one hidden layer and finite data.

Let h run over the responses of one unit on the masked inputs, ‖h‖² = E h², and for a function f on them
γ(f) = inf {Σ |a_j| ‖h_j‖ : Σ a_j h_j = f}, over any number of units. J_n is the least criterion of width n, J_∞ the
infimum over all widths, g* the best response with its output bias, γ* the least γ among the f with f + β = g*. Then

    J_n ≥ inf E (f + β − y)² + (λ/n) γ(f)²  and  λ γ*²/(n + λ L²) ≤ J_n − J_∞ ≤ λ γ*²/(n − m)  for n > m,

so n (J_n − J_∞) → λ γ*². L is what γ falls by at most per distance, m how many units γ* takes. With linear units and
inputs with E x xᵀ = I, γ is the nuclear norm (``mianjy-2018-two-layer``). ``xd.minimize`` computes such bounds with
rational constants for every width (:mod:`exactdropout.optimum.every_width`).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import sympy

from exactdropout.certificate.shipped import SHIPPED
from exactdropout.model import Architecture, Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.optimum.every_width import every_width
from exactdropout.theorems.definitions import KEEP, SPREAD, count, integer, lam, m, n, q, quantity
from exactdropout.theorems.lemmas.certified_minima import certified_step, shipped_minimum
from exactdropout.theorems.lemmas.equal_shares import EQUAL_SHARES, SQUARES, SUM
from exactdropout.theorems.proof import Proof, Step, step
from exactdropout.theorems.registry import register
from exactdropout.theorems.statements.derivation import ByLemma, Conclusion, Derivation, proved
from exactdropout.theorems.statements.lines import ByInduction, Definition, From, InWords, Line, part, say
from exactdropout.theorems.statements.ranges import Variable
from exactdropout.theorems.statements.terms import Term, equal, number, symbol, symbols

__all__ = ["CONVEX_BOUND", "RATE_ABOVE", "RATE_BELOW", "prove"]

HALF, THIRD, QUARTER = Fraction(1, 2), Fraction(1, 3), Fraction(1, 4)
J, F, gamma, L, N, P, theta, w, k = symbols("J F gamma L N P theta w k")
LIMIT, LEAST, distance = symbol("J", "inf"), symbol("G"), symbol("epsilon")


def _size(term: Term, meaning: str, *, positive: bool = False) -> Variable:
    return Variable(term=term, meaning=meaning, kind="network", low=Fraction(0), low_in=not positive)


OUTPUT_WEIGHTS: tuple[tuple[Fraction, ...], ...] = (
    (Fraction(1),),
    (HALF, HALF),
    (Fraction(1), -HALF),
    (HALF, QUARTER, Fraction(0)),
)


def _one_input() -> Iterator[Mapping[Term, Any]]:
    """Yield all quantities for one input x = 1 kept with probability 1/4, label y, no biases: all norms are rational.

    The masked inputs are 0 and 4, so f is one number f(4) = s; ‖f‖ = |s|/2, γ(f) = |s|/2, and g* has s = y.
    """
    for label, weights in itertools.product((1, -2), OUTPUT_WEIGHTS):
        for rate in (HALF, THIRD):
            size = len(weights)
            network = Network([[[QUARTER]] * size, list(weights)])  # each unit responds with 1 to the kept input
            found = naive_evaluation(network, Examples.point((1,), label), (1 - QUARTER, rate)).criterion
            value = sum(weights, Fraction(0))
            yield {
                n: Fraction(size), q: rate, J: Fraction(found),
                F: QUARTER * (value - label) ** 2 + (1 - QUARTER) * label**2,
                SQUARES: sum((a**2 / 4 for a in weights), Fraction(0)),
                SUM: sum((abs(a) / 2 for a in weights), Fraction(0)),
                gamma: abs(value) / 2, LIMIT: (1 - QUARTER) * Fraction(label) ** 2,
                distance: abs(value - label) / 2, LEAST: Fraction(abs(label), 2), L: Fraction(1),
            }  # fmt: skip


_CASES = "double loop: one input, 1 to 3 units, two labels, hidden rates 1/2 and 1/3"
WIDTH = count(n, 1, "the number of hidden units")
HIDDEN = Variable(
    kind="rate",
    term=q,
    meaning="the drop probability of the hidden units",
    low=Fraction(0),
    high=Fraction(1),
    low_in=True,
)
CRITERION = quantity(J, "the criterion of a network with one hidden layer on a finite distribution, any input rate")
FIT = quantity(F, "the mean square of its output without hidden masks, less the label")
GAUGE = _size(
    gamma,
    "the least sum of sizes of units, any number of them, that give the same function of the masked inputs up to the "
    "output bias; the size of a unit is its output weight without sign times its root mean square",
)
_CONVEX = J >= F + lam / n * gamma**2

CONVEX_BOUND = Derivation(
    name="convex-bound",
    title="Width is a convex regulariser",
    setting=say(
        "One hidden layer of {0} units, finite data, {1} the least sum of sizes for the fit {2}",
        n,
        gamma,
        F,
    ),
    quantified=(WIDTH, HIDDEN),
    definitions=(KEEP, SPREAD),
    quantities=(
        CRITERION,
        FIT,
        _size(SUM, "the sum of the sizes of its units"),
        quantity(SQUARES, "the sum of the squares of these sizes"),
        GAUGE,
    ),
    lines=(
        Line(
            label="masks",
            sentence=say("The hidden masks are independent and feed the output only: {claim}."),
            claim=equal(J, F + lam * SQUARES),
            reason=InWords(_one_input, _CASES),
        ),
        Line(
            label="shares",
            sentence=say("Equal shares have the least squares: {claim}."),
            claim=n * SQUARES >= SUM**2,
            reason=ByLemma(EQUAL_SHARES),
        ),
        Line(
            label="gauge",
            sentence=say("The units of the network give their own function: {claim}."),
            claim=SUM >= gamma,
            reason=InWords(_one_input, _CASES),
        ),
    ),
    conclusions=(
        Conclusion(
            _CONVEX,
            From((part("masks"), part("shares", lam / n), part("gauge", lam / n * (SUM + gamma)))),
        ),
    ),
)

BEST_LIMIT = quantity(LIMIT, "the infimum of the criterion over all widths")

RATE_BELOW = Derivation(
    name="rate-below",
    title="How far every width stays above",
    setting=say("{0} for the best fit being {1}", gamma, LEAST),
    quantified=(WIDTH, HIDDEN),
    definitions=(KEEP, SPREAD),
    quantities=(
        CRITERION,
        FIT,
        GAUGE,
        BEST_LIMIT,
        _size(LEAST, "the least sum of sizes for the function of the best fit"),
        _size(distance, "the root mean square distance of its output without hidden masks from the best fit"),
        _size(L, "the most by which the least sum of sizes falls for one unit of distance"),
    ),
    lines=(
        Line(
            label="convex",
            sentence=say("By the first part {claim}."),
            claim=_CONVEX,
            reason=ByLemma(CONVEX_BOUND),
        ),
        Line(
            label="projection",
            sentence=say(
                "Splitting every unit into equal ones divides the penalty and keeps the fit, so the infimum is that of "
                "the fit over a linear space, and the best fit is a projection: {claim}."
            ),
            claim=equal(F, LIMIT + distance**2),
            reason=InWords(_one_input, _CASES),
        ),
        Line(
            label="falls",
            sentence=say(
                "The least sum of sizes is a seminorm on a space of finite dimension, so it falls by a bounded "
                "multiple of the distance: {claim}."
            ),
            claim=gamma + L * distance >= LEAST,
            reason=InWords(_one_input, _CASES),
        ),
    ),
    conclusions=(
        Conclusion(
            J - LIMIT >= lam * LEAST**2 / (n + lam * L**2),
            From(
                (
                    part("convex"),
                    part("projection"),
                    part("falls", lam / (n + lam * L**2) * (gamma + L * distance + LEAST)),
                ),
                plus=((n * distance - lam * L * gamma) ** 2 / (n * (n + lam * L**2)),),
            ),
        ),
    ),
)


def _split() -> Iterator[Mapping[Term, Any]]:
    """Yield criteria of the best fit on the point mass at (1, 1) without biases, its three units split."""
    # at the masked inputs (2, 0), (0, 2), (2, 2) the units below respond with (1, 0, 0), (0, 1, 0), (1, 1, 2), halved
    rows, norms = ([HALF, -HALF], [-HALF, HALF], [HALF, HALF]), (QUARTER, QUARTER, Fraction(6, 4))
    for copies, rate in itertools.product(((1, 1, 1), (2, 1, 3), (1, 1, 4)), (HALF, THIRD)):
        weights = [HALF / c for c in copies for _ in range(c)]
        hidden = [row for row, c in zip(rows, copies, strict=True) for _ in range(c)]
        found = naive_evaluation(Network([hidden, weights]), Examples.point((1, 1), 1), (HALF, rate)).criterion
        squares = sum((HALF**2 * norm / c for norm, c in zip(norms, copies, strict=True)), Fraction(0))
        yield {m: Fraction(3), k: Fraction(sum(copies)), q: rate, J: Fraction(found), LIMIT: QUARTER, P: squares}


_ENOUGH = LEAST * N <= k * SUM + m * LEAST
_COST = k * P <= LEAST * SUM

RATE_ABOVE = Derivation(
    name="rate-above",
    title="How near every width comes",
    setting=say("The best fit with the least sum of sizes, its {0} units split into {1} at most", m, n),
    quantified=(
        integer(m, 0, "the number of units, of sizes above 0, that give the best fit with the least sum of sizes"),
        count(k, 1, "how many units there are beyond"),
        HIDDEN,
    ),
    definitions=(KEEP, SPREAD, Definition(n, m + k, "the width", equal(n - m, k))),
    quantities=(
        quantity(J, "the criterion of this network"),
        BEST_LIMIT,
        _size(LEAST, "the least sum of sizes for the function of the best fit", positive=True),
        quantity(SUM, "the sum of the sizes of these units"),
        quantity(N, "the number of units into which they are split"),
        quantity(P, "the sum of the squares of the sizes after the split"),
    ),
    auxiliary=(
        Variable(term=theta, meaning="the size of one more unit", low=Fraction(0)),
        Variable(
            term=w, meaning="what is added to round up to an integer", low=Fraction(0), high=Fraction(1), low_in=True
        ),
    ),
    lines=(
        Line(
            label="copies",
            sentence=say("One more unit is split into {0} equal ones, an integer, so {claim}.", k * theta / LEAST + w),
            claim=LEAST * N <= k * SUM + m * LEAST,
            reason=ByInduction(
                m,
                ((SUM, number(0)), (N, number(0))),
                ((SUM, SUM + theta), (N, N + (k * theta / LEAST + w))),
                plus=((1 - w) * LEAST,),
            ),
        ),
        Line(
            label="squares",
            sentence=say("The squares of the sizes of its parts add up to its own by their number: {claim}."),
            claim=k * P <= LEAST * SUM,
            reason=ByInduction(
                m,
                ((SUM, number(0)), (P, number(0))),
                ((SUM, SUM + theta), (P, P + theta**2 / (k * theta / LEAST + w))),
                plus=(theta * w * LEAST / (k * theta / LEAST + w),),
            ),
        ),
        Line(
            label="all",
            sentence=say("All units together have the least sum of sizes: {claim}."),
            claim=equal(SUM, LEAST),
            reason=InWords(),
        ),
        Line(
            label="criterion",
            sentence=say("The split keeps the fit, and equal units share their size: {claim}."),
            claim=equal(J, LIMIT + lam * P),
            reason=InWords(_split, "double loop: two inputs without biases, three units split into 3 to 6"),
        ),
    ),
    conclusions=(
        Conclusion(N <= n, From((part("copies", 1 / LEAST), part("all", -k / LEAST)))),
        Conclusion(
            J - LIMIT <= lam * LEAST**2 / (n - m),
            From((part("criterion", -1), part("squares", lam / k), part("all", -lam * LEAST / k))),
        ),
    ),
)
DERIVATIONS = (CONVEX_BOUND, RATE_BELOW, RATE_ABOVE)


def _limit() -> Step:
    """Return that both bounds, times n, have the same limit."""
    width, units, spread, size, falls = sympy.symbols("n m lambda G L", positive=True)
    below, above = spread * size**2 / (width + spread * falls**2), spread * size**2 / (width - units)
    return step(
        r"So $n (J_n - J_\infty) \to \lambda \gamma_*^2$: both bounds times $n$ tend to it.",
        "identity",
        all(sympy.limit(width * bound, width, sympy.oo) == spread * size**2 for bound in (below, above)),
    )


def _against_minima() -> Step:
    """Return that certified minima lie between bounds with rational constants, K = 2, q = 1/2, biases."""
    items = [item for item in SHIPPED if (item.inputs, item.biases, item.nonnegative) == (2, True, False)]
    wide = every_width(Architecture(2, (8,)), Examples.half((1, 1), 1), HALF)
    found = {item.width: shipped_minimum(item) for item in items}
    holds = bool(found) and all(
        v is not None and wide.lower(width) <= v and (width <= wide.units or v <= wide.upper(width))
        for width, v in found.items()
    )
    return certified_step(
        r"$P_{(1, 1)}$, $K = 2$, $q = \frac12$: the certified minima lie between both bounds, computed with rational "
        r"constants; at $n = 8$ the lower one is $0.1352454\dots$ and the minimum $\frac{33}{244}$.",
        holds
        and found.get(8, Fraction(33, 244)) == Fraction(33, 244)
        and Fraction(1352454, 10**7) < wide.lower(8) < Fraction(33, 244),
        items,
    )


def prove() -> Proof:
    """Prove both bounds, and compare them with certified minima."""
    return proved("holds", DERIVATIONS, [_limit(), _against_minima()])


@register(
    id="exactdropout-2026-width-rate",
    title="Large width is a convex regulariser, with the exact rate",
    source="exactdropout2026",
    number="width rate",
    derivations=DERIVATIONS,
    verdict="holds",
)
def width_rate() -> Proof:
    """Prove the entry as declared."""
    return prove()
