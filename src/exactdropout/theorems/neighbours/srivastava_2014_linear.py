"""Dropout in the linear model (Srivastava et al. 2014; Wager et al. 2013; Wang and Manning 2013).

D = Σ w_i x_i r_i/p. Per example E (D − y)² = (w·x − y)² + λ Σ x_i² w_i² with λ = q/p: the penalty does not see the
label. Over examples the minimiser is (XᵀX + λ Diag(XᵀX))⁻¹ Xᵀy. The statement is written down and derived here; the
sources were not read.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import sympy

from exactdropout.model import Architecture, Examples, Network
from exactdropout.numeric.definition import naive_evaluation, naive_gradient
from exactdropout.symbolic.derivation import derive
from exactdropout.theorems.generic_symbols import generic, identity
from exactdropout.theorems.lemmas.noise_moments import sum_moments
from exactdropout.theorems.proof import Proof, Step, argument, conclude, enumerated, step
from exactdropout.theorems.registry import register

__all__ = ["minimiser", "prove"]

SCOPE = "all K, any number of outputs and examples, any q in [0, 1), no output bias for the minimiser"
ROWS = ((1, 2, 3), (2, -1, 1), (0, 1, -2))
LABELS = (1, 4, -2)


def minimiser(rows: sympy.Matrix, labels: sympy.Matrix, spread: Any, noise: int = 1) -> sympy.Matrix:
    """Return (XᵀX + noise·λ Diag(XᵀX))⁻¹ Xᵀy."""
    gram = rows.T * rows
    return (gram + noise * spread * sympy.diag(*gram.diagonal())).solve(rows.T * labels)


def prove(noise: int = 1) -> Proof:
    """Prove both halves with the penalty noise·λ Σ x_i² w_i²; only ``noise=1`` works."""
    steps = [
        *sum_moments(),
        argument(
            r"With $a_i = b_i = w_i x_i$: $E \mathcal D = w \cdot x$ and $E \mathcal D^2 = (w \cdot x)^2 + \lambda "
            r"\sum_i "
            r"w_i^2 x_i^2$, so $E (\mathcal D + b - y)^2 = (w \cdot x + b - y)^2 + \lambda \sum_i x_i^2 w_i^2$ for "
            r"every "
            r"label $y$ and bias $b$. Several outputs: sum over outputs."
        ),
        *(_penalty_at_size(Architecture(k, (), outputs=o), noise) for k, o in ((1, 1), (3, 1), (6, 1), (3, 2))),
        *_completed_square(),
        _gradient_at_size(noise),
        enumerated(
            r"Three examples, $K = 3$: the penalty by the formula, the same for other labels, and the gradient of "
            r"$J_D$ "
            "vanishes at the minimiser, mask by mask.",
            _numbers(noise),
            "8 masks; q = 1/3, 1/2, 4/5",
        ),
    ]
    return conclude("holds", SCOPE, steps)


def _penalty_at_size(arch: Architecture, noise: int) -> Step:
    derived = derive(arch)
    q = sympy.Symbol("q")
    weights, inputs = derived.network.weights[0], derived.data.inputs[0]
    claimed = sum((w * x) ** 2 for row in weights.tolist() for w, x in zip(row, inputs, strict=True))
    return step(
        rf"Penalty $= \lambda \sum_{{o,i}} x_i^2 w_{{o,i}}^2$ with all symbols free: {arch}.",
        "derivation",
        sympy.cancel(derived.penalty.expr - noise * q / (1 - q) * claimed) == 0,
    )


def _completed_square() -> list[Step]:
    ring, (r, u, d, w, e, lam) = generic("r u d~ w e L~")
    return [
        identity(
            r"One row at $\hat w + e$, with residual $r = x \cdot \hat w - y$ and $u = x \cdot e$: $(r + u)^2 = r^2 "
            r"+ 2 r u "
            r"+ u^2$.",
            (r + u) ** 2,
            r**2 + 2 * r * u + u**2,
        ),
        identity(
            r"One weight, $d = (X^\top X)_{kk}$: $\lambda d (\hat w + e)^2 = \lambda d \hat w^2 + 2 \lambda d \hat w "
            r"e + "
            r"\lambda d e^2$.",
            lam * d * (w + e) ** 2,
            lam * d * w**2 + 2 * lam * d * w * e + lam * d * e**2,
        ),
        step(
            r"What is left is non-negative: $u^2 \ge 0$ and $\lambda d e^2 \ge 0$.",
            "cases",
            ring.is_nonnegative(u**2) and ring.is_nonnegative(lam * d * e**2),
            "manifest signs",
        ),
        argument(
            r"Summed over rows and weights the terms linear in $e$ are $2 e \cdot (X^\top (X \hat w - y) + \lambda "
            r"\mathrm{Diag}(X^\top X) \hat w)$, which is 0 exactly when $(X^\top X + \lambda \mathrm{Diag}(X^\top "
            r"X)) \hat w "
            r"= X^\top y$. So such a $\hat w$ is a minimiser, and the only one if $q > 0$ and no column of $X$ is 0 "
            r"(then "
            r"$\lambda d e^2 > 0$ for some weight). A weight of a zero column is free."
        ),
    ]


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
    for q in (Fraction(1, 3), Fraction(1, 2), Fraction(4, 5)):
        spread = q / (1 - q)
        squares = sum((w * x) ** 2 for row in ROWS for w, x in zip(weights, row, strict=True))
        for labels in (LABELS, (7, 7, 7)):
            found = naive_evaluation(Network([list(weights)]), Examples(zip(ROWS, labels, strict=True)), (q,))
            yield found.penalty, noise * spread * squares / len(ROWS)
        rate = sympy.Rational(spread.numerator, spread.denominator)
        best = minimiser(sympy.Matrix(ROWS), sympy.Matrix(LABELS), rate, noise)
        slope = naive_gradient(Network([list(best)]).exact(), Examples(zip(ROWS, LABELS, strict=True)), (q,))
        yield slope.weights[0].tolist(), [[0, 0, 0]]


@register(
    id="srivastava-2014-linear",
    title="Dropout in the linear model is a weighted ridge penalty",
    source="srivastava2014",
    number="linear regression (our derivation; source not read)",
    printed=r"$E (\sum_i w_i x_i r_i/p - y)^2 = (w \cdot x - y)^2 + \frac qp \sum_i x_i^2 w_i^2$; minimiser "
    r"$(X^\top X + \frac qp \mathrm{Diag}(X^\top X))^{-1} X^\top y$.",
    statement="penalty = q/(1-q) sum x_i^2 w_i^2, free of labels; argmin (X'X + q/(1-q) Diag(X'X))^-1 X'y",
    verdict="holds",
    scope=SCOPE,
    source_read=False,
)
def linear_model() -> Proof:
    """Prove the entry as declared."""
    return prove()
