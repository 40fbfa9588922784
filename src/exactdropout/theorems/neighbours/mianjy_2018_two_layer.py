"""Two-layer linear networks with dropout between the layers (Mianjy, Arora and Vidal 2018).

Inputs with E x xᵀ = I, U of r columns u_i, V of r columns v_i, prediction U Vᵀ x:

    J_D = E ‖y − U Vᵀ x‖² + λ Σ_i ‖u_i‖² ‖v_i‖²,    Σ_i ‖u_i‖² ‖v_i‖² ≥ ‖U Vᵀ‖_*² / r,

the bound is attained for every product of rank at most r, and every global minimum (q in (0, 1)) has equal
‖u_i‖ ‖v_i‖. The statement is written down and derived here; the source was not read.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import sympy

from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.symbolic.derivation import derive
from exactdropout.theorems.generic_symbols import generic, identity
from exactdropout.theorems.lemmas.noise_moments import sum_moments
from exactdropout.theorems.neighbours.cavazza_2018_matrix_factorisation import Matrix, column_products
from exactdropout.theorems.proof import Proof, Step, argument, conclude, enumerated, step
from exactdropout.theorems.registry import register

__all__ = ["prove", "quadratic_mean_steps"]

SCOPE = "all widths r, inputs and outputs, q in (0, 1), any distribution with E x x' = I"
ISOTROPIC = ((1, 1), (1, -1))
"""E x xᵀ = I for the uniform distribution on these two."""


def quadratic_mean_steps(factor: int = 1) -> list[Step]:
    """Return the proof of factor·(Σ a_i)² ≤ r Σ a_i², with equality only for equal a_i; only ``factor=1`` works."""
    ring, (r, total, squares, a, t) = generic("r S Q a t")
    return [
        identity(
            r"$r \sum a_i^2 - (\sum a_i)^2 = \sum_{i<j} (a_i - a_j)^2$, by induction on $r$: one more term $a$ adds "
            r"$r a^2 - "
            r"2 a \sum a_i + \sum a_i^2 = \sum_i (a_i - a)^2$.",
            (r + 1) * (squares + a**2) - factor * (total + a) ** 2,
            (r * squares - factor * total**2) + (r * a**2 - 2 * a * total + squares),
        ),
        step(
            r"A square is non-negative, so $\sum a_i^2 \ge (\sum a_i)^2 / r$, with equality only if all $a_i$ are "
            r"equal.",
            "cases",
            ring.is_nonnegative(t**2),
            "manifest sign",
        ),
    ]


def prove(noise: int = 1, factor: int = 1) -> Proof:
    """Prove all three statements; only the penalty ``noise=1`` and the bound ``factor=1`` work."""
    steps = [
        *sum_moments(),
        argument(
            r"Output $o$ at $x$ is $\sum_i u_{oi} (v_i \cdot x) r_i/p$: its penalty is $\lambda \sum_i u_{oi}^2 (v_i "
            r"\cdot "
            r"x)^2$. Over outputs and inputs, $E (v_i \cdot x)^2 = v_i^\top E[x x^\top] v_i = \|v_i\|^2$: the first "
            r"formula."
        ),
        *(_penalty_at_size(outputs, width, noise) for outputs, width in ((1, 1), (2, 2), (1, 3))),
        *quadratic_mean_steps(factor),
        argument(
            r"With $a_i = \|u_i\| \|v_i\|$: for $Z$ of spectral norm at most 1, $\langle Z, U V^\top \rangle = \sum_i "
            r"u_i^\top Z "
            r"v_i \le \sum_i a_i$, and the largest left side is $\|U V^\top\|_*$. So $\sum a_i^2 \ge (\sum a_i)^2 / r "
            r"\ge \|U "
            r"V^\top\|_*^2 / r$."
        ),
        *_two_by_two(factor),
        *_attained(),
        argument(
            r"At a global minimum of $J_D$ the factors minimise $\sum a_i^2$ among all factorisations of their own "
            r"product, so "
            r"$\sum a_i^2 = \|U V^\top\|_*^2 / r$ (it is attained, and $\lambda > 0$). Then $\sum a_i^2 = (\sum "
            r"a_i)^2 / r$: all "
            r"$a_i = \|u_i\| \|v_i\|$ are equal. So a minimum in $U$, $V$ is one of $R(W) + \frac\lambda r \|W\|_*^2$ "
            r"over $W$ "
            r"of rank at most $r$."
        ),
        enumerated(
            r"$W = \mathrm{diag}(4, 1)$, $r = 2$: penalty $17 \lambda$ for the diagonal factors, $\frac{25}2 \lambda = "
            r"\frac\lambda 2 \|W\|_*^2$ for equalised ones, same risk, mask by mask.",
            _numbers(noise, factor),
            "4 masks, 2 inputs, q = 1/3, 1/2",
        ),
    ]
    return conclude("holds", SCOPE, steps)


def _network(u: Matrix, v: Matrix) -> Network:
    return Network([[list(column) for column in zip(*v, strict=True)], list(u)], activation="linear")


def _penalty_at_size(outputs: int, width: int, noise: int) -> Step:
    p = sympy.Symbol("p", positive=True)
    u = sympy.Matrix(outputs, width, sympy.symbols(f"u1:{outputs * width + 1}", real=True)).tolist()
    v = sympy.Matrix(2, width, sympy.symbols(f"v1:{2 * width + 1}", real=True)).tolist()
    y = sympy.symbols(f"y1:{2 * outputs + 1}", real=True)
    labels = [y[outputs * i : outputs * (i + 1)] for i in range(2)]
    derived = derive(_network(u, v), Examples(zip(ISOTROPIC, labels, strict=True)), [0, 1 - p])
    claimed = noise * (1 - p) / p * column_products(u, v)
    return step(
        rf"Penalty $= \lambda \sum_i \|u_i\|^2 \|v_i\|^2$ with $U$, $V$, $y$ free: 2 inputs, uniform on $(1, \pm 1)$, "
        rf"width "
        f"{width}, {outputs} output{'s' * (outputs > 1)}.",
        "derivation",
        sympy.expand(derived.penalty.expr - claimed) == 0,
    )


def _two_by_two(factor: int) -> list[Step]:
    """2 × 2 and r = 2, where ‖W‖_*² = ‖W‖_F² + 2 |det W|: the whole bound as two polynomial identities."""
    ring, (a, b, c, d, e, f, g, h) = generic("a b c d e f g h")  # u1 = (a, b), v1 = (c, d), u2 = (e, f), v2 = (g, h)
    product = [[a * c + e * g, a * d + e * h], [b * c + f * g, b * d + f * h]]
    frobenius = sum((v**2 for row in product for v in row), ring.zero)
    determinant = product[0][0] * product[1][1] - product[0][1] * product[1][0]
    twice = 2 * ((a**2 + b**2) * (c**2 + d**2) + (e**2 + f**2) * (g**2 + h**2))
    steps = []
    for sign in (1, -1):
        # the complex numbers u_i times v_i (or its conjugate) have squared distance equal to the gap
        real = (a * c + sign * b * d) - (e * g + sign * f * h)
        imaginary = (b * c - sign * a * d) - (f * g - sign * e * h)
        steps.append(
            identity(
                rf"$2 \times 2$, $r = 2$: $2 \sum a_i^2 - \|W\|_F^2 {'-' if sign > 0 else '+'} 2 \det W$ is a sum of "
                rf"two "
                r"squares; and $\|W\|_*^2 = \|W\|_F^2 + 2 |\det W|$.",
                twice - factor * (frobenius + 2 * sign * determinant),
                real**2 + imaginary**2,
            )
        )
    return steps


def _attained() -> list[Step]:
    _, (a, b, off, c, s) = generic("a b o c s")
    first, second = c**2 * a + 2 * c * s * off + s**2 * b, s**2 * a - 2 * c * s * off + c**2 * b
    return [
        identity(
            r"A plane rotation by $c = \cos\theta$, $s = \sin\theta$ of a symmetric matrix keeps the sum of the two "
            r"diagonal "
            r"entries $a$, $b$: it becomes $(c^2 + s^2)(a + b)$.",
            first + second,
            (c**2 + s**2) * (a + b),
        ),
        argument(
            r"The first entry moves continuously from $a$ at $\theta = 0$ to $b$ at $\theta = \pi/2$. If $a$ is below "
            r"and $b$ "
            r"above the mean of the diagonal, some $\theta$ makes it the mean; at most $r - 1$ rotations make all "
            r"entries the "
            r"mean. So for the singular values $\Sigma$ ($r \times r$, zeros appended) an orthogonal $Q$ has $(Q^\top "
            r"\Sigma "
            r"Q)_{ii} = \mathrm{tr}\, \Sigma / r$ for all $i$."
        ),
        argument(
            r"For $W = A \Sigma B^\top$ of rank at most $r$ take $U = A \Sigma^{1/2} Q$, $V = B \Sigma^{1/2} Q$: $U "
            r"V^\top = W$ "
            r"and $\|u_i\|^2 = \|v_i\|^2 = (Q^\top \Sigma Q)_{ii} = \|W\|_* / r$, so $\sum_i \|u_i\|^2 \|v_i\|^2 = "
            r"\|W\|_*^2 / "
            r"r$: the bound is attained."
        ),
    ]


def _numbers(noise: int, factor: int) -> Iterator[tuple[Any, Any]]:
    half = Fraction(1, 2)
    plain = _network([[4, 0], [0, 1]], [[1, 0], [0, 1]])
    equal = _network([[2, 2], [1, -1]], [[1, 1], [half, -half]])  # Σ^{1/2} H and Σ^{1/2} H/2, H = (1 1; 1 −1)
    data = Examples(zip(ISOTROPIC, ((1, 2), (0, -1)), strict=True))
    for q in (Fraction(1, 3), half):
        first, second = (naive_evaluation(n, data, (Fraction(0), q)) for n in (plain, equal))
        spread = q / (1 - q)
        yield first.risk, second.risk
        yield first.penalty, noise * 17 * spread
        yield second.penalty, noise * factor * spread * Fraction(5**2, 2)


@register(
    id="mianjy-2018-two-layer",
    title="Two-layer linear networks: dropout equalises, and is a squared nuclear norm",
    source="mianjy2018",
    number="two-layer linear networks (our derivation; source not read)",
    printed=r"$E x x^\top = I$: $J_D = E \|y - U V^\top x\|^2 + \lambda \sum_i \|u_i\|^2 \|v_i\|^2$; every global "
    r"minimum has "
    r"equal $\|u_i\| \|v_i\|$; the penalty is at least $\frac\lambda r \|U V^\top\|_*^2$.",
    statement="penalty = lambda sum |u_i|^2 |v_i|^2 >= (lambda/r) |UV'|_*^2, attained; "
    "equal |u_i||v_i| at every global minimum",
    verdict="holds",
    scope=SCOPE,
    source_read=False,
)
def two_layer() -> Proof:
    """Prove the entry as declared."""
    return prove()
