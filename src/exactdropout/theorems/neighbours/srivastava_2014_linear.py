"""Dropout in the linear model (Srivastava et al. 2014; Wager et al. 2013; Wang and Manning 2013).

D = Σ w_i x_i r_i/p. Per example E (D − y)² = (w·x − y)² + λ Σ x_i² w_i² with λ = q/p: the penalty does not see the
label. Over examples the minimiser is (XᵀX + λ Diag(XᵀX))⁻¹ Xᵀy. The statement is written down and derived here; the
sources were not read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import sympy

from exactdropout.model import Architecture, Examples, Network
from exactdropout.numeric.definition import naive_evaluation, naive_gradient
from exactdropout.symbolic.derivation import derive
from exactdropout.theorems.definitions import KEEP, RATE, SPREAD, integer, lam, q, quantity, real
from exactdropout.theorems.lemmas.masked_layer import CRITERION, MASKED_LAYER, RISK, SQUARES, pairs
from exactdropout.theorems.proof import Proof, Step, enumerated, step
from exactdropout.theorems.registry import register
from exactdropout.theorems.statements.derivation import ByLemma, Conclusion, Derivation, Hypothesis, proved
from exactdropout.theorems.statements.lines import ByInduction, From, InWords, Line, part, say
from exactdropout.theorems.statements.ranges import Variable
from exactdropout.theorems.statements.terms import Term, equal, number, symbol, symbols

__all__ = ["LINEAR_PENALTY", "minimiser", "prove"]

SIZES = tuple(Architecture(k, (), outputs=o) for k, o in ((1, 1), (3, 1), (6, 1), (3, 2)))
ROWS = ((1, 2, 3), (2, -1, 1), (0, 1, -2))
LABELS = (1, 4, -2)
F = Fraction


def minimiser(rows: sympy.Matrix, labels: sympy.Matrix, spread: Any, noise: int = 1) -> sympy.Matrix:
    """Return (XᵀX + noise·λ Diag(XᵀX))⁻¹ Xᵀy."""
    gram = rows.T * rows
    return (gram + noise * spread * sympy.diag(*gram.diagonal())).solve(rows.T * labels)


j, k, r, u, e, g = symbols("j k r u e g")
SOLVED, RISK_THERE, SQUARES_THERE = symbol("J", "min"), symbol("R", "min"), symbol("Q", "min")
MOVED, MIXED, MOVED_WEIGHTS, MIXED_WEIGHTS, LINEAR = symbols("U C V B L")
GRAM, WEIGHT, CHANGE, SLOPE = symbol("g", "k"), symbol("w", "k"), symbol("e", "k"), symbol("c", "k")


def _moved() -> Iterator[Mapping[Term, Any]]:
    """Yield the sums at weights w and at w + e, and those of terms that are linear in e, at two drop rates."""
    weights, changes = (F(1, 2), F(-1), F(2)), (F(1), F(3), F(-1, 3))
    moved = [w + c for w, c in zip(weights, changes, strict=True)]
    for rate in (F(1, 3), F(1, 2)):
        spread = rate / (1 - rate)
        found = []
        for at in (weights, moved):
            run = naive_evaluation(Network([list(at)]), Examples(zip(ROWS, LABELS, strict=True)), (rate,))
            squares = sum((w * x) ** 2 for row in ROWS for w, x in zip(at, row, strict=True))
            found.append((run.criterion * len(ROWS), run.risk * len(ROWS), squares))
        residuals = [
            sum(w * x for w, x in zip(weights, row, strict=True)) - y for row, y in zip(ROWS, LABELS, strict=True)
        ]
        slopes = [sum(s * row[i] for s, row in zip(residuals, ROWS, strict=True)) for i in range(3)]
        grams = [sum(F(row[i]) ** 2 for row in ROWS) for i in range(3)]
        yield {
            q: rate,
            **dict(zip((SOLVED, RISK_THERE, SQUARES_THERE), found[0], strict=True)),
            **dict(zip((CRITERION, RISK, SQUARES), found[1], strict=True)),
            MIXED: sum(
                s * sum(c * x for c, x in zip(changes, row, strict=True))
                for s, row in zip(residuals, ROWS, strict=True)
            ),
            MIXED_WEIGHTS: sum(h * w * c for h, w, c in zip(grams, weights, changes, strict=True)),
            LINEAR: sum(c * (s + spread * h * w) for c, s, h, w in zip(changes, slopes, grams, weights, strict=True)),
        }


_CASES = "three examples and inputs, q = 1/3, 1/2, mask by mask"
_PENALTY = equal(CRITERION, RISK + lam * SQUARES)
_GROWS = CRITERION >= SOLVED + lam * (g * e**2)

SUMS = (
    quantity(CRITERION, "the sum of mean squared errors under masks"),
    quantity(RISK, "that of squared errors without masks"),
    quantity(SQUARES, "that of squares of weight times input"),
)

LINEAR_PENALTY = Derivation(
    name="linear-penalty",
    title="Dropout in the linear model",
    setting=say("A linear model, its inputs dropped, any number {0} of pairs of example and output", pairs),
    quantified=(RATE, integer(pairs, 0, "the number of pairs")),
    definitions=(KEEP, SPREAD),
    quantities=SUMS,
    conclusions=(Conclusion(_PENALTY, ByLemma(MASKED_LAYER)),),
)
"""J = R + λ Σ x_i² w_i², without a label in the penalty."""


RIDGE = Derivation(
    name="ridge-minimiser",
    title="The weighted ridge minimiser",
    setting=say("Weights without output bias that differ by any changes from weights that solve these equations"),
    quantified=(
        RATE,
        integer(pairs, 0, "the number of pairs"),
        Variable(term=g, meaning="the sum of the squares of one input over the examples", low=F(0), low_in=True),
        real(e, "the change of the weight of this input"),
    ),
    definitions=(KEEP, SPREAD),
    quantities=(
        *SUMS,
        quantity(SOLVED, "the first sum at the weights that solve"),
        quantity(RISK_THERE, "the second there"),
        quantity(SQUARES_THERE, "the third there"),
        quantity(SLOPE, "the sum of residual times input there, for any input"),
        Variable(term=GRAM, meaning="that of squares of the input", kind="network", low=F(0), low_in=True),
        quantity(WEIGHT, "the weight that solves"),
        quantity(CHANGE, "its change"),
        quantity(MIXED, "the sum of residual times change of output"),
        quantity(MOVED, "that of squared changes of output"),
        quantity(MIXED_WEIGHTS, "the sum of the products of these three"),
        quantity(MOVED_WEIGHTS, "the same with squared changes"),
        quantity(LINEAR, "that of change times left side of the equation"),
    ),
    hypotheses=(Hypothesis("normal", equal(SLOPE + lam * (GRAM * WEIGHT), 0)),),
    auxiliary=(
        integer(k, 0, "a number of inputs"),
        integer(j, 0, "a number of further inputs"),
        real(r, "the residual of one more example"),
        real(u, "its change of output"),
    ),
    lines=(
        Line(
            label="changed",
            sentence=say("At both weights {claim}"),
            claim=_PENALTY,
            reason=ByLemma(MASKED_LAYER),
        ),
        Line(
            label="solved",
            sentence=say("and {claim}."),
            claim=equal(SOLVED, RISK_THERE + lam * SQUARES_THERE),
            reason=ByLemma(
                MASKED_LAYER,
                renamed=((CRITERION, SOLVED), (RISK, RISK_THERE), (SQUARES, SQUARES_THERE)),
                tried=_moved,
                described=_CASES,
            ),
        ),
        Line(
            label="rows",
            sentence=say("Over examples {claim}."),
            claim=equal(RISK, RISK_THERE + 2 * MIXED + MOVED),
            reason=ByInduction(
                pairs,
                ((RISK, number(0)), (RISK_THERE, number(0)), (MIXED, number(0)), (MOVED, number(0))),
                (
                    (RISK, RISK + (r + u) ** 2),
                    (RISK_THERE, RISK_THERE + r**2),
                    (MIXED, MIXED + r * u),
                    (MOVED, MOVED + u**2),
                ),
            ),
        ),
        Line(
            label="outputs",
            sentence=say("Squares are not negative: {claim}."),
            claim=MOVED >= 0,
            reason=ByInduction(pairs, ((MOVED, number(0)),), ((MOVED, MOVED + u**2),), plus=(u**2,)),
        ),
        Line(
            label="inputs",
            sentence=say("Over inputs {claim}."),
            claim=equal(SQUARES, SQUARES_THERE + 2 * MIXED_WEIGHTS + MOVED_WEIGHTS),
            reason=ByInduction(
                k,
                (
                    (SQUARES, number(0)),
                    (SQUARES_THERE, number(0)),
                    (MIXED_WEIGHTS, number(0)),
                    (MOVED_WEIGHTS, number(0)),
                ),
                (
                    (SQUARES, SQUARES + GRAM * (WEIGHT + CHANGE) ** 2),
                    (SQUARES_THERE, SQUARES_THERE + GRAM * WEIGHT**2),
                    (MIXED_WEIGHTS, MIXED_WEIGHTS + GRAM * WEIGHT * CHANGE),
                    (MOVED_WEIGHTS, MOVED_WEIGHTS + GRAM * CHANGE**2),
                ),
            ),
        ),
        Line(
            label="one",
            sentence=say("Begun with the given input, {claim}."),
            claim=MOVED_WEIGHTS >= g * e**2,
            reason=ByInduction(
                j,
                ((MOVED_WEIGHTS, g * e**2),),
                ((MOVED_WEIGHTS, MOVED_WEIGHTS + GRAM * CHANGE**2),),
                plus=(GRAM * CHANGE**2,),
            ),
        ),
        Line(
            label="exchange",
            sentence=say("Summed in the other order {claim}."),
            claim=equal(MIXED + lam * MIXED_WEIGHTS, LINEAR),
            reason=InWords(_moved, _CASES),
        ),
        Line(
            label="solves",
            sentence=say("The equations are solved: {claim}."),
            claim=equal(LINEAR, 0),
            reason=ByInduction(
                k,
                ((LINEAR, number(0)),),
                ((LINEAR, LINEAR + CHANGE * (SLOPE + lam * (GRAM * WEIGHT))),),
                parts=(part("normal", CHANGE),),
            ),
        ),
    ),
    conclusions=(
        Conclusion(
            _GROWS,
            From(
                (
                    part("changed"),
                    part("solved", -1),
                    part("rows"),
                    part("inputs", lam),
                    part("exchange", 2),
                    part("solves", 2),
                    part("outputs"),
                    part("one", lam),
                )
            ),
        ),
    ),
)
"""J(ŵ + e) ≥ J(ŵ) + λ (XᵀX)_kk e_k² for each k, where (XᵀX + λ Diag(XᵀX)) ŵ = Xᵀy."""
DERIVATIONS = (LINEAR_PENALTY, RIDGE)


def prove(noise: int = 1) -> Proof:
    """Prove both halves; the networks are compared with the penalty noise·λ Σ x_i² w_i², and only 1 works."""
    further = [
        step(
            r"Penalty $= \lambda \sum_{o,i} x_i^2 w_{o,i}^2$ with all symbols free: "
            f"{'; '.join(map(str, SIZES))}.",
            "derivation",
            all(_penalty_at_size(arch, noise) for arch in SIZES),
        ),
        _gradient_at_size(noise),
        enumerated(
            "The penalty by the formula, the same for other labels, and the gradient of $J_D$ is 0 at the minimiser.",
            _numbers(noise),
            "three examples, 8 masks; q = 1/3, 1/2, 4/5",
        ),
    ]
    return proved("holds", DERIVATIONS, further)


def _penalty_at_size(arch: Architecture, noise: int) -> bool:
    derived = derive(arch)
    rate = sympy.Symbol("q")
    weights, inputs = derived.network.weights[0], derived.data.inputs[0]
    claimed = sum((w * x) ** 2 for row in weights.tolist() for w, x in zip(row, inputs, strict=True))
    return bool(sympy.cancel(derived.penalty.expr - noise * rate / (1 - rate) * claimed) == 0)


def _gradient_at_size(noise: int) -> Step:
    rows, columns = 2, 3
    x, y = sympy.symbols(f"x1:{rows * columns + 1}", real=True), sympy.symbols(f"y1:{rows + 1}", real=True)
    p, w = sympy.Symbol("p", positive=True), sympy.symbols(f"w1:{columns + 1}", real=True)
    matrix = sympy.Matrix(rows, columns, x)
    derived = derive(Network([list(w)]), Examples(zip(matrix.tolist(), y, strict=True)), 1 - p).criterion.expr
    gram = matrix.T * matrix
    normal = (gram + noise * (1 - p) / p * sympy.diag(*gram.diagonal())) * sympy.Matrix(w) - matrix.T * sympy.Matrix(y)
    return step(
        r"$\frac m2 \partial J_D / \partial w = (X^\top X + \lambda \mathrm{Diag}(X^\top X)) w - X^\top y$, with $X$ "
        r"($m "
        r"\times K = 2 \times 3$), $y$, $w$ and $q$ free.",
        "derivation",
        all(sympy.expand(rows * derived.diff(v) / 2 - wanted) == 0 for v, wanted in zip(w, normal, strict=True)),
    )


def _numbers(noise: int) -> Iterator[tuple[Any, Any]]:
    weights = (Fraction(2), Fraction(-1, 3), Fraction(5))
    for drop in (Fraction(1, 3), Fraction(1, 2), Fraction(4, 5)):
        spread = drop / (1 - drop)
        squares = sum((w * x) ** 2 for row in ROWS for w, x in zip(weights, row, strict=True))
        for labels in (LABELS, (7, 7, 7)):
            found = naive_evaluation(Network([list(weights)]), Examples(zip(ROWS, labels, strict=True)), (drop,))
            yield found.penalty, noise * spread * squares / len(ROWS)
        rate = sympy.Rational(spread.numerator, spread.denominator)
        best = minimiser(sympy.Matrix(ROWS), sympy.Matrix(LABELS), rate, noise)
        slope = naive_gradient(Network([list(best)]).exact(), Examples(zip(ROWS, LABELS, strict=True)), (drop,))
        yield slope.weights[0].tolist(), [[0, 0, 0]]


@register(
    id="srivastava-2014-linear",
    title="Dropout in the linear model is a weighted ridge penalty",
    source="srivastava2014",
    number="linear regression (our derivation; source not read)",
    derivations=DERIVATIONS,
    verdict="holds",
    source_read=False,
)
def linear_model() -> Proof:
    """Prove the entry as declared."""
    return prove()
