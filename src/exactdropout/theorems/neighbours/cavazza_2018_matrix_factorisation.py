"""Dropout in matrix factorisation (Cavazza et al. 2018): columns of the factors are dropped together.

E ‖X − θ⁻¹ U diag(r) Vᵀ‖² = ‖X − U Vᵀ‖² + ((1 − θ)/θ) Σ_k ‖u_k‖² ‖v_k‖², θ the probability to keep a column. Splitting
each column into s equal ones divides the second term by s and leaves U Vᵀ alone: with unbounded width the penalty has
no force. The statement is written down and derived here; of the source only the abstract was read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import sympy

from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.symbolic.derivation import derive
from exactdropout.theorems.generic_symbols import generic, identity
from exactdropout.theorems.lemmas.noise_moments import sum_moments
from exactdropout.theorems.proof import Proof, Step, argument, conclude, enumerated, step
from exactdropout.theorems.registry import register

__all__ = ["column_products", "factorisation", "prove"]

SCOPE = "all sizes of X, U, V, any number of columns, any theta in (0, 1]"
Matrix = Sequence[Sequence[Any]]


def factorisation(u: Matrix, v: Matrix, x: Matrix) -> tuple[Network, Examples]:
    """Return the linear network V then U with dropout between them, on the inputs e_b with labels X(:, b).

    Its output at e_b is column b of U Vᵀ, so the number of columns of X times its risk is ‖X − U Vᵀ‖².
    Each column of X has its own mask here and shares one there; the mean of the sum of squares is the same.
    """
    columns = len(v)
    hidden = [[v[b][k] for b in range(columns)] for k in range(len(v[0]))]
    units = [[int(a == b) for a in range(columns)] for b in range(columns)]
    labels = [[row[b] for row in x] for b in range(columns)]
    return Network([hidden, list(u)], activation="linear"), Examples(zip(units, labels, strict=True))


def column_products(u: Matrix, v: Matrix) -> Any:
    """Return Σ_k ‖u_k‖² ‖v_k‖² over the columns."""
    return sum(sum(row[k] ** 2 for row in u) * sum(row[k] ** 2 for row in v) for k in range(len(u[0])))


def prove(noise: int = 1, copies_power: int = 1) -> Proof:
    """Prove both statements; only ``noise=1`` and division by s^1 for s copies work."""
    _, (s, u, v, lam) = generic("s+ u v L")
    steps = [
        *sum_moments(),
        argument(
            r"Entry $(a, b)$ of $\theta^{-1} U \mathrm{diag}(r) V^\top$ is $\sum_k u_{ak} v_{bk} r_k / \theta$: mean "
            r"$(U V^\top"
            r")_{ab}$, and the mean of its squared distance to $X_{ab}$ is $(X - U V^\top)_{ab}^2 + \lambda \sum_k "
            r"u_{ak}^2 "
            r"v_{bk}^2$, $\lambda = (1 - \theta)/\theta$. Over all $a$, $b$: $\sum_{a,b} u_{ak}^2 v_{bk}^2 = \|u_k\|^2 "
            r"\|v_k\|^2$."
        ),
        *(_at_size(m, n, d, noise) for m, n, d in ((1, 1, 2), (2, 2, 2), (3, 2, 1), (2, 3, 3))),
        identity(
            r"A column pair $(u, v)$ replaced by $s$ copies of $(u, v')$ with $s v' = v$, one entry: the product is "
            r"kept, $s "
            r"\cdot u v' = u v$.",
            s * (u * v),
            u * (s * v),
        ),
        identity(
            r"The second term: $s \cdot \lambda u^2 v'^2$, times $s$, is $\lambda u^2 (s v')^2$: it is divided by "
            r"$s$; two "
            "copies halve it.",
            s**copies_power * (s * (lam * u**2 * v**2)),
            lam * u**2 * (s * v) ** 2,
        ),
        argument(
            r"So $\inf \lambda \sum_k \|u_k\|^2 \|v_k\|^2 = 0$ over factorisations of a fixed matrix when their width "
            r"is free: "
            r"only a bound on the width, or a $\theta$ that falls with it, makes dropout a regulariser here."
        ),
        enumerated(
            "Factors with given numbers, two and four columns, mask by mask: both terms, the product, and the halves.",
            _numbers(noise, copies_power),
            "4 and 16 masks of the columns; theta = 1/2, 2/3",
        ),
    ]
    return conclude("holds", SCOPE, steps)


def _at_size(rows: int, columns: int, width: int, noise: int) -> Step:
    p = sympy.Symbol("p", positive=True)
    u, v, x = (
        sympy.Matrix(*shape, sympy.symbols(f"{name}1:{shape[0] * shape[1] + 1}", real=True))
        for name, shape in (("u", (rows, width)), ("v", (columns, width)), ("x", (rows, columns)))
    )
    derived = derive(*factorisation(u.tolist(), v.tolist(), x.tolist()), [0, 1 - p])
    fit = sum(e**2 for e in x - u * v.T)
    claimed = fit + noise * (1 - p) / p * column_products(u.tolist(), v.tolist())
    return step(
        rf"The identity with all symbols free: $X$ of size ${rows} \times {columns}$, {width} columns.",
        "derivation",
        sympy.expand(columns * derived.criterion.expr - claimed) == 0,
    )


def _numbers(noise: int, copies_power: int) -> Iterator[tuple[Any, Any]]:
    f = Fraction
    u: Matrix = [[1, 2], [f(-1, 2), 3]]
    v: Matrix = [[2, 1], [0, -1]]
    x: Matrix = [[1, 0], [f(1, 3), -2]]
    doubled_u, doubled_v = [[*row, *row] for row in u], [[f(e) / 2 for e in (*row, *row)] for row in v]
    for keep in (f(1, 2), f(2, 3)):
        spread = (1 - keep) / keep
        network, data = factorisation(u, v, x)
        one = naive_evaluation(network, data, (f(0), 1 - keep))
        yield len(v) * one.penalty, noise * spread * column_products(u, v)
        two = naive_evaluation(*factorisation(doubled_u, doubled_v, x), (f(0), 1 - keep))
        yield two.risk, one.risk
        yield two.penalty * 2**copies_power, one.penalty


@register(
    id="cavazza-2018-matrix-factorisation",
    title="Dropout in matrix factorisation",
    source="cavazza2018",
    number="the identity (our derivation; abstract read)",
    printed=r"$E \|X - \theta^{-1} U \mathrm{diag}(r) V^\top\|^2 = \|X - U V^\top\|^2 + \frac{1-\theta}\theta \sum_k "
    r"\|u_k\|^2 "
    r"\|v_k\|^2$; duplicating columns halves the second term.",
    statement="E|X - U diag(r) V'/t|^2 = |X - UV'|^2 + (1-t)/t sum |u_k|^2 |v_k|^2; s equal copies divide the sum by s",
    verdict="holds",
    scope=SCOPE,
    source_read=False,
)
def matrix_factorisation() -> Proof:
    """Prove the entry as declared."""
    return prove()
