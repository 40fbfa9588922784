"""Gradient descent with dropout in the linear model (Clara, Langer and Schmidt-Hieber 2023).

Masks D = diag(r) without rescaling, b ← b + α D Xᵀ(y − X D b), a fresh mask per step. With G = XᵀX the mean of the
iterates tends to b* = (p G + q Diag(G))⁻¹ Xᵀy for small α, the minimiser of E ‖y − X D b‖²; their covariance does not
tend to 0 in general. The statement is written down and derived here; of the source only the abstract was read.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import sympy

from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import naive_gradient
from exactdropout.theorems.generic_symbols import generic, identity
from exactdropout.theorems.proof import Proof, Step, argument, conclude, enumerated, step
from exactdropout.theorems.registry import register

__all__ = ["limit", "mean_after_step", "prove"]

SCOPE = "mean: all X, y, q in [0, 1), positive definite p G + q Diag(G), small steps; covariance: a witness"
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


def prove(weight: int = 1) -> Proof:
    """Prove the limit with weight·q Diag(G); only ``weight=1`` works."""
    _, (p, g, b) = generic("p g b")
    q = 1 - p
    steps = [
        identity(
            r"$E[D G D]$ has entries $p^2 G_{ij}$ off the diagonal and $p G_{ii}$ on it (a mask bit is its own "
            r"square), and $p "
            r"G_{ii} = p (p G_{ii} + q G_{ii})$: so $E[D G D] = p\, (p G + q \mathrm{Diag}(G))$; here one diagonal "
            r"entry.",
            p * g * b,
            p * (p * g + weight * q * g) * b,
        ),
        argument(
            r"So with $A = p G + q \mathrm{Diag}(G)$ a step from $b$ has mean $b + \alpha p (X^\top y - A b)$, and "
            r"$b^* = A^{-1} "
            r"X^\top y$ is its fixed point. Masks are fresh, so $E b_{k+1} - b^* = (I - \alpha p A)(E b_k - b^*)$; if "
            r"$A$ is "
            r"positive definite and $0 < \alpha p \|A\| < 2$ every eigenvalue of $I - \alpha p A$ is in $(-1, 1)$ and "
            r"$E b_k "
            r"\to b^*$."
        ),
        *(_at_size(rows, columns, weight) for rows, columns in ((1, 1), (2, 2), (1, 3))),
        argument(
            r"In inverted scaling $w = p b$ this is $(G + \frac qp \mathrm{Diag}(G))^{-1} X^\top y$: the minimiser of "
            r"the "
            "criterion (srivastava-2014-linear), reached in the mean although no iterate need be near it."
        ),
        *_covariance(),
        enumerated(
            "Given numbers: the mean step keeps the limit, and the dropout criterion has gradient 0 there, mask by "
            "mask.",
            _numbers(weight),
            "4 masks; q = 1/3, 1/2, 4/5",
        ),
    ]
    return conclude("holds", SCOPE, steps)


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


def _covariance() -> list[Step]:
    """X = (1, 1), y = 1: at b* every step with exactly one kept input moves, so a constant iterate is impossible."""
    q, rate = sympy.Symbol("q"), sympy.Symbol("alpha", real=True)
    rows, labels = sympy.Matrix(WITNESS_ROWS), sympy.Matrix(WITNESS_LABELS)
    best = limit(rows.T * rows, rows.T * labels, q)
    spread = sum(
        chance * sum(v**2 for v in following - best) for chance, following in _steps(rows, labels, best, q, rate)
    )
    kept_mean = (mean_after_step(rows, labels, best, q, rate) - best).applyfunc(sympy.cancel).is_zero_matrix is True
    wanted = 2 * rate**2 * q * (1 - q) ** 2 / (2 - q) ** 2
    return [
        step(
            rf"Witness $X = (1, 1)$, $y = 1$: from $b^* = (1, 1)/(2 - q)$ one step has mean $b^*$ and variance "
            rf"${sympy.latex(wanted)} > 0$ for $0 < q < 1$.",
            "derivation",
            kept_mean and sympy.cancel(spread - wanted) == 0,
        ),
        argument(
            r"If the covariance tended to 0, the iterates would tend to $b^*$ in mean square; a step from near $b^*$, "
            r"with a "
            "fresh mask, has variance near that number (it is continuous in the starting point, and the conditional "
            "variance "
            "is part of the variance): a contradiction."
        ),
    ]


def _numbers(weight: int) -> Iterator[tuple[Any, Any]]:
    rows, labels = sympy.Matrix(ROWS), sympy.Matrix(LABELS)
    for q in (Fraction(1, 3), Fraction(1, 2), Fraction(4, 5)):
        rate = sympy.Rational(q.numerator, q.denominator)
        best = limit(rows.T * rows, rows.T * labels, rate, weight)
        yield mean_after_step(rows, labels, best, rate, sympy.Rational(1, 7)), best
        weights: Sequence[Any] = [(1 - rate) * v for v in best]
        slope = naive_gradient(Network([weights]).exact(), Examples(zip(ROWS, LABELS, strict=True)), (q,))
        yield slope.weights[0].tolist(), [[0, 0]]


@register(
    id="clara-2023-iterates",
    title="Gradient descent with dropout in the linear model: the mean converges, the covariance does not vanish",
    source="clara2023",
    number="linear model (our derivation; abstract read)",
    printed=r"Masks without rescaling: $E b_k \to (p X^\top X + (1-p) \mathrm{Diag}(X^\top X))^{-1} X^\top y$; the "
    r"covariance of the "
    r"iterates does not vanish.",
    statement="E b_k -> (p X'X + q Diag(X'X))^-1 X'y for small steps; the covariance of the iterates stays positive",
    verdict="holds",
    scope=SCOPE,
    source_read=False,
)
def iterates() -> Proof:
    """Prove the entry as declared."""
    return prove()
