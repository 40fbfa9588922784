"""Gradient descent with dropout in the linear model (Clara, Langer and Schmidt-Hieber 2023).

Masks D = diag(r) without rescaling, b ← b + α D Xᵀ(y − X D b), a fresh mask per step. With G = XᵀX the mean of the
iterates tends to b* = (p G + q Diag(G))⁻¹ Xᵀy for small α, the minimiser of E ‖y − X D b‖²; their covariance does not
tend to 0 in general. The statement is written down and derived here; of the source only the abstract was read.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import sympy

from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import naive_gradient
from exactdropout.theorems.definitions import KEEP, OPEN_RATE, RATE, integer, p, q, quantity, real
from exactdropout.theorems.proof import Proof, Step, argument, enumerated, step
from exactdropout.theorems.registry import register
from exactdropout.theorems.statements.derivation import Conclusion, Derivation, Hypothesis, proved
from exactdropout.theorems.statements.lines import ByInduction, Definition, From, InWords, Line, part, say
from exactdropout.theorems.statements.terms import Term, equal, symbol, symbols

__all__ = ["limit", "mean_after_step", "prove"]

ROWS, LABELS = ((1, 2), (0, 1), (1, -1)), (1, 3, -2)
WITNESS_ROWS, WITNESS_LABELS = ((1, 1),), (1,)


def limit(gram: sympy.Matrix, target: sympy.Matrix, q: Any, weight: int = 1) -> sympy.Matrix:
    """Return (p G + weight·q Diag(G))⁻¹ Xᵀy."""
    return ((1 - q) * gram + weight * q * sympy.diag(*gram.diagonal())).solve(target)


def _steps(
    rows: sympy.Matrix, labels: sympy.Matrix, b: sympy.Matrix, q: Any, rate: Any
) -> Iterator[tuple[Any, sympy.Matrix]]:
    """Yield every mask's probability and the iterate that it leads to."""
    for bits in itertools.product((0, 1), repeat=rows.cols):
        kept = sympy.diag(*bits)
        yield (
            (1 - q) ** sum(bits) * q ** (rows.cols - sum(bits)),
            b + rate * kept * rows.T * (labels - rows * kept * b),
        )


def mean_after_step(rows: sympy.Matrix, labels: sympy.Matrix, b: sympy.Matrix, q: Any, rate: Any) -> sympy.Matrix:
    """Return E of the next iterate from b, by the sum over all masks."""
    total = sympy.zeros(rows.cols, 1)
    for chance, following in _steps(rows, labels, b, q, rate):
        total += chance * following
    return total


alpha, g, r, k = symbols("alpha g r k")
START, ERROR, NEXT, AT = symbol("e", 0), symbol("e"), symbol("e", "next"), symbol("a")
M_DIAGONAL, M_OFF, A_DIAGONAL, A_OFF = symbol("M", "ii"), symbol("M", "ij"), symbol("A", "ii"), symbol("A", "ij")
SPREAD_AFTER = symbol("V")


def _masked_products() -> Iterator[Mapping[Term, Any]]:
    """Yield entries of E[D G D] on and off the diagonal by the sum over both masks, q free."""
    rate, diagonal, off = sympy.Symbol("q"), sympy.Symbol("g"), sympy.Symbol("r")
    total = sympy.zeros(2, 2)
    for bits in itertools.product((0, 1), repeat=2):
        kept = sympy.diag(*bits)
        chance = (1 - rate) ** sum(bits) * rate ** (2 - sum(bits))
        total += chance * kept * sympy.Matrix([[diagonal, off], [off, diagonal]]) * kept
    yield {M_DIAGONAL: sympy.expand(total[0, 0]), M_OFF: sympy.expand(total[0, 1])}


def _variance_after_step() -> Iterator[Mapping[Term, Any]]:
    """Yield the variance after one step from the limit for X = (1, 1), y = 1, by the sum over masks, q and α free."""
    rate, step_size = sympy.Symbol("q"), sympy.Symbol("alpha")
    rows, labels = sympy.Matrix(WITNESS_ROWS), sympy.Matrix(WITNESS_LABELS)
    best = limit(rows.T * rows, rows.T * labels, rate)
    found = _steps(rows, labels, best, rate, step_size)
    yield {SPREAD_AFTER: sum(chance * sum(x**2 for x in following - best) for chance, following in found)}


def _mean_step() -> Iterator[Mapping[Term, Any]]:
    """Yield the error of the mean iterate after one step along an eigenvector, by the sum over masks, q and α free."""
    rate, step_size, error = sympy.Symbol("q"), sympy.Symbol("alpha"), sympy.Symbol("e")
    for rows, vector, eigenvalue in (
        (((1, 1),), (1, 1), 2 - rate),
        (((1, 1),), (1, -1), rate),
        (((2,),), (1,), sympy.Integer(4)),
    ):
        matrix, labels = sympy.Matrix(rows), sympy.Matrix([3])
        best = limit(matrix.T * matrix, matrix.T * labels, rate)
        found = mean_after_step(matrix, labels, best + error * sympy.Matrix(vector), rate, step_size) - best
        yield {AT: eigenvalue, NEXT: sympy.cancel(found[0])}


_STEP = equal(ERROR, (1 - alpha * p * AT) ** k * START)
_SHRINKS = (1 - alpha * p * AT) ** 2 < 1
_VARIANCE = equal(SPREAD_AFTER, 2 * alpha**2 * q * (1 - q) ** 2 / (2 - q) ** 2)

MASKED_PRODUCT = Derivation(
    name="masked-product",
    title="The mean of a product between masks",
    setting=say("Entries on and off the diagonal"),
    quantified=(RATE, real(g, "an entry of the Gram matrix on the diagonal"), real(r, "one off the diagonal")),
    definitions=(
        KEEP,
        Definition(A_DIAGONAL, p * g + q * g, "the entry on the diagonal of the matrix that regularises"),
        Definition(A_OFF, p * r, "the entry off the diagonal"),
    ),
    quantities=(
        quantity(M_DIAGONAL, "the mean of the Gram matrix between two copies of the mask, on the diagonal"),
        quantity(M_OFF, "the same off the diagonal"),
    ),
    lines=(
        Line(
            label="diagonal",
            sentence=say("On the diagonal a mask bit is its own square: {claim}."),
            claim=equal(M_DIAGONAL, p * g),
            reason=InWords(_masked_products, "all masks of two inputs, q free"),
        ),
        Line(
            label="off",
            sentence=say("Off it two masks are independent: {claim}."),
            claim=equal(M_OFF, p**2 * r),
            reason=InWords(_masked_products, "all masks of two inputs, q free"),
        ),
    ),
    conclusions=(
        Conclusion(equal(M_DIAGONAL, p * A_DIAGONAL), From((part("diagonal"),))),
        Conclusion(equal(M_OFF, p * A_OFF), From((part("off"),))),
    ),
)
"""E[D G D] = p A with A = p G + q Diag(G)."""

MEAN_CONVERGES = Derivation(
    name="mean-converges",
    title="The mean of the iterates converges",
    setting=say("Along an eigenvector of the regularised Gram matrix with eigenvalue {0}", AT),
    quantified=(
        RATE,
        real(alpha, "the step size", low=0),
        real(AT, "the eigenvalue, positive", low=0),
        real(START, "the error of the starting point"),
        integer(k, 0, "the number of steps"),
    ),
    definitions=(KEEP,),
    quantities=(
        quantity(ERROR, "the error of the mean iterate"),
        quantity(NEXT, "the same after one more step"),
    ),
    hypotheses=(Hypothesis("small", alpha * p * AT < 2),),
    lines=(
        Line(
            label="one step",
            sentence=say("A step with a fresh mask multiplies the error by one factor: {claim}."),
            claim=equal(NEXT, (1 - alpha * p * AT) * ERROR),
            reason=InWords(_mean_step, "one or two inputs, all masks, q and the step size free"),
        ),
        Line(
            label="step",
            sentence=say("So after {0} steps {claim}.", k),
            claim=_STEP,
            reason=ByInduction(
                k, ((ERROR, START),), ((ERROR, (1 - alpha * p * AT) * ERROR),), factor=1 - alpha * p * AT
            ),
        ),
        Line(
            label="factor",
            sentence=say("The factor is less than 1 in absolute value: {claim}."),
            claim=_SHRINKS,
            reason=From((part("small", alpha * p * AT),)),
        ),
    ),
    conclusions=(Conclusion(_STEP, From((part("step"),))), Conclusion(_SHRINKS, From((part("factor"),)))),
)
"""e_k = (1 − α p a)^k e_0, and |1 − α p a| < 1 for small steps."""

VARIANCE_STAYS = Derivation(
    name="variance-stays",
    title="The covariance does not vanish",
    setting=say("Two inputs that are 1, label 1, one step from the limit"),
    quantified=(OPEN_RATE, real(alpha, "the step size", low=0)),
    quantities=(quantity(SPREAD_AFTER, "the variance of the iterate after the step, summed over both weights"),),
    lines=(
        Line(
            label="variance",
            sentence=say("By the sum over the four masks, {claim}."),
            claim=_VARIANCE,
            reason=InWords(_variance_after_step, "all masks, q and the step size free"),
        ),
    ),
    conclusions=(
        Conclusion(_VARIANCE, From((part("variance"),))),
        Conclusion(SPREAD_AFTER > 0, From((part("variance"),), plus=(2 * alpha**2 * q * (1 - q) ** 2 / (2 - q) ** 2,))),
    ),
)
"""V = 2 α² q (1 − q)²/(2 − q)² > 0."""
DERIVATIONS = (MASKED_PRODUCT, MEAN_CONVERGES, VARIANCE_STAYS)


def prove(weight: int = 1) -> Proof:
    """Prove the limit; the networks are compared with weight·q Diag(G), and only ``weight=1`` works."""
    further = [
        argument(
            r"So with $A = p G + q \mathrm{Diag}(G)$ a step from $b$ has mean $b + \alpha p (X^\top y - A b)$, and "
            r"$b^* = A^{-1} X^\top y$ is its fixed point; every eigenvector of $A$ gives an error as above, so $E b_k "
            r"\to b^*$."
        ),
        *(_at_size(rows, columns, weight) for rows, columns in ((1, 1), (2, 2), (1, 3))),
        argument(
            r"In inverted scaling $w = p b$ this is $(G + \frac qp \mathrm{Diag}(G))^{-1} X^\top y$: the minimiser of "
            r"the criterion (srivastava-2014-linear), reached in the mean although no iterate need be near it."
        ),
        argument(
            r"If the covariance tended to 0, the iterates would tend to $b^*$ in mean square; a step from near $b^*$, "
            r"with a fresh mask, has variance near that number (it is continuous in the starting point, and the "
            r"conditional variance is part of the variance): a contradiction."
        ),
        enumerated(
            "Given numbers: the mean step keeps the limit, and the dropout criterion has gradient 0 there, mask by "
            "mask.",
            _numbers(weight),
            "4 masks; q = 1/3, 1/2, 4/5",
        ),
    ]
    return proved("holds", DERIVATIONS, further)


def _at_size(rows: int, columns: int, weight: int) -> Step:
    q, rate = sympy.symbols("q alpha", real=True)
    x = sympy.Matrix(rows, columns, sympy.symbols(f"x1:{rows * columns + 1}", real=True))
    y = sympy.Matrix(sympy.symbols(f"y1:{rows + 1}", real=True))
    b = sympy.Matrix(sympy.symbols(f"b1:{columns + 1}", real=True))
    gram = x.T * x
    regular = (1 - q) * gram + weight * q * sympy.diag(*gram.diagonal())
    wanted = b + rate * (1 - q) * (x.T * y - regular * b)
    return step(
        rf"The mean step with $X$ (${rows} \times {columns}$), $y$, $b$, $q$, $\alpha$ free, by the sum over masks.",
        "derivation",
        (mean_after_step(x, y, b, q, rate) - wanted).expand().is_zero_matrix is True,
    )


def _numbers(weight: int) -> Iterator[tuple[Any, Any]]:
    rows, labels = sympy.Matrix(ROWS), sympy.Matrix(LABELS)
    for drop in (Fraction(1, 3), Fraction(1, 2), Fraction(4, 5)):
        rate = sympy.Rational(drop.numerator, drop.denominator)
        best = limit(rows.T * rows, rows.T * labels, rate, weight)
        yield mean_after_step(rows, labels, best, rate, sympy.Rational(1, 7)), best
        weights: Sequence[Any] = [(1 - rate) * v for v in best]
        slope = naive_gradient(Network([weights]).exact(), Examples(zip(ROWS, LABELS, strict=True)), (drop,))
        yield slope.weights[0].tolist(), [[0, 0]]


@register(
    id="clara-2023-iterates",
    title="Gradient descent with dropout in the linear model: the mean converges, the covariance does not vanish",
    source="clara2023",
    number="linear model (our derivation; abstract read)",
    derivations=DERIVATIONS,
    verdict="holds",
    source_read=False,
)
def iterates() -> Proof:
    """Prove the entry as declared."""
    return prove()
