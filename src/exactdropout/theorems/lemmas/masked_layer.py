"""Dropout before linear outputs: the squared error gains λ times a sum of squares, for any features and labels.

For numbers a_i (output weight times feature), masks r_i and S = Σ a_i r_i/p: E (S + b − y)² = (Σ a_i + b − y)² +
λ Σ a_i², and so for sums over examples and outputs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from exactdropout.model import Network
from exactdropout.numeric.definition import masks
from exactdropout.theorems.definitions import KEEP, RATE, SPREAD, integer, lam, q, quantity, real
from exactdropout.theorems.lemmas.noise_moments import (
    FIRST_SUM,
    MEAN_S,
    MEAN_ST,
    PRODUCTS,
    SECOND_SUM,
    SUM_MOMENTS,
    sums_under_masks,
)
from exactdropout.theorems.statements.derivation import ByLemma, Conclusion, Derivation
from exactdropout.theorems.statements.lines import ByInduction, From, InWords, Line, part, say
from exactdropout.theorems.statements.terms import Term, equal, number, symbol, symbols

__all__ = ["CRITERION", "MASKED_LAYER", "RISK", "SQUARES", "pairs"]

y, b, E, A, Q, pairs = symbols("y b E A Q m")
CRITERION, RISK, SQUARES = symbol("J", "sum"), symbol("R", "sum"), symbol("Q", "sum")
MEAN, SQUARE = symbol("M", 1), symbol("M", 2)


def _sums() -> Iterator[Mapping[Term, Any]]:
    """Yield the mean squared error of a masked sum with bias and label, by listing all masks."""
    f = Fraction
    for terms, bias, label in (((f(2),), f(1), f(3)), ((f(1), f(-3)), f(0), f(2)), ((f(1), f(2), f(5)), f(-1), f(0))):
        for rate in (f(1, 2), f(1, 3)):
            mean, _, square = sums_under_masks(terms, terms, rate)
            error = f(0)
            for mask, chance in masks(Network([[1] * len(terms)]), (rate,)):
                kept = sum((t * bit for t, bit in zip(terms, mask[0], strict=True)), f(0)) / (1 - rate)
                error += chance * (kept + bias - label) ** 2
            yield {
                q: rate,
                y: label,
                b: bias,
                E: error,
                MEAN: mean,
                SQUARE: square,
                A: sum(terms, f(0)),
                Q: sum((t * t for t in terms), f(0)),
            }


_TRIED = "all masks of one, two and three features; q = 1/2, 1/3"
_ONE = equal(E, (A + b - y) ** 2 + lam * Q)
_CLAIM = equal(CRITERION, RISK + lam * SQUARES)

MASKED_LAYER = Derivation(
    name="masked-layer",
    number=11,
    title="Dropout before linear outputs",
    setting=say(
        "Any features with masks before outputs that are linear in them, {0} pairs of example and output", pairs
    ),
    quantified=(RATE, integer(pairs, 0, "the number of pairs of an example and an output")),
    definitions=(KEEP, SPREAD),
    quantities=(
        quantity(CRITERION, "the sum over these pairs of the mean squared error under masks"),
        quantity(RISK, "the sum of the squared errors without masks"),
        quantity(SQUARES, "the sum of the squares of output weight times feature"),
        quantity(E, "the mean squared error of one more pair"),
        quantity(A, "its sum of output weights times features"),
        quantity(Q, "the sum of the squares of these products"),
        quantity(MEAN, "the mean of this sum under masks"),
        quantity(SQUARE, "the mean of its square"),
    ),
    auxiliary=(real(y, "the label of one more pair"), real(b, "its output bias")),
    lines=(
        Line(
            label="mean",
            sentence=say("The features carry no mask of this layer; for one pair {claim}"),
            claim=equal(MEAN, A),
            reason=ByLemma(SUM_MOMENTS, renamed=((MEAN_S, MEAN), (FIRST_SUM, A)), tried=_sums, described=_TRIED),
        ),
        Line(
            label="square",
            sentence=say("and {claim}."),
            claim=equal(SQUARE, A**2 + lam * Q),
            reason=ByLemma(
                SUM_MOMENTS,
                renamed=((MEAN_ST, SQUARE), (FIRST_SUM, A), (SECOND_SUM, A), (PRODUCTS, Q)),
                tried=_sums,
                described=_TRIED,
            ),
        ),
        Line(
            label="error",
            sentence=say("With label {0} and bias {1} the mean is linear: {claim}.", y, b),
            claim=equal(E, SQUARE + 2 * (b - y) * MEAN + (b - y) ** 2),
            reason=InWords(_sums, _TRIED),
        ),
        Line(
            label="one",
            sentence=say("Together {claim}."),
            claim=_ONE,
            reason=From((part("error"), part("square"), part("mean", 2 * (b - y)))),
        ),
        Line(
            label="sum",
            sentence=say("One more pair adds this: {claim}."),
            claim=_CLAIM,
            reason=ByInduction(
                pairs,
                ((CRITERION, number(0)), (RISK, number(0)), (SQUARES, number(0))),
                ((CRITERION, CRITERION + E), (RISK, RISK + (A + b - y) ** 2), (SQUARES, SQUARES + Q)),
                parts=(part("one"),),
            ),
        ),
    ),
    conclusions=(Conclusion(_CLAIM, From((part("sum"),))),),
)
"""J = R + λ Q, each a sum over examples and outputs."""
