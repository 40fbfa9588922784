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
from exactdropout.theorems.definitions import KEEP, RATE, SPREAD, count, integer, lam, quantity, real, s
from exactdropout.theorems.lemmas.masked_layer import CRITERION, MASKED_LAYER, RISK, SQUARES, pairs
from exactdropout.theorems.proof import Proof, enumerated, step
from exactdropout.theorems.registry import register
from exactdropout.theorems.statements.derivation import ByLemma, Conclusion, Derivation, Hypothesis, proved
from exactdropout.theorems.statements.lines import ByInduction, From, Line, part, say
from exactdropout.theorems.statements.terms import equal, number, symbol, symbols

__all__ = [
    "COLUMNS",
    "FACTORISATION",
    "IN_COLUMN",
    "NORM_U",
    "NORM_V",
    "column_products",
    "factorisation",
    "prove",
]

SIZES = ((1, 1, 2), (2, 2, 2), (3, 2, 1), (2, 3, 3))
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


u, v, r, k, l, epsilon = symbols("u v r k l epsilon")
COLUMNS, IN_ROW, IN_COLUMN = symbol("T"), symbol("P"), symbol("Z")
NORM_U, NORM_V = symbol("N", "u"), symbol("N", "v")
ENTRY, COPIED_ENTRY, COPIED_COLUMNS = symbol("W"), symbol("W", "s"), symbol("T", "s")
COLUMN = (
    quantity(IN_ROW, "the sum of the squares of an entry of a column of the first factor times all of the second"),
    quantity(IN_COLUMN, "that of all products of their entries"),
    quantity(NORM_U, "the sum of the squares of a column of the first factor"),
    quantity(NORM_V, "that of the same column of the second"),
)
_CLAIM = equal(CRITERION, RISK + lam * COLUMNS)

FACTORISATION = Derivation(
    name="matrix-factorisation",
    title="Dropout of columns in a matrix factorisation",
    setting=say("Two factors whose columns are dropped together, the entries of a matrix as labels"),
    quantified=(RATE, integer(pairs, 0, "the number of entries"), integer(r, 0, "the number of columns")),
    definitions=(KEEP, SPREAD),
    quantities=(
        quantity(CRITERION, "the mean squared distance of the matrix to the product of the kept columns over the rate"),
        quantity(RISK, "its squared distance to the whole product"),
        quantity(COLUMNS, "the sum over columns of the products of the squared norms of both"),
        quantity(SQUARES, "the sum over entries and columns of the squares of their terms"),
        *COLUMN,
    ),
    auxiliary=(
        integer(k, 0, "a number of rows"),
        integer(l, 0, "a number of entries of a row"),
        real(u, "an entry of a column of the first factor"),
        real(v, "one of the second"),
    ),
    lines=(
        Line(
            label="entries",
            sentence=say("An entry is a masked sum over columns: {claim}."),
            claim=equal(CRITERION, RISK + lam * SQUARES),
            reason=ByLemma(MASKED_LAYER),
        ),
        Line(
            label="row",
            sentence=say("In one column, one entry {0} with all of the second factor: {claim}.", u),
            claim=equal(IN_ROW, u**2 * NORM_V),
            reason=ByInduction(
                l,
                ((IN_ROW, number(0)), (NORM_V, number(0))),
                ((IN_ROW, IN_ROW + (u * v) ** 2), (NORM_V, NORM_V + v**2)),
            ),
        ),
        Line(
            label="column",
            sentence=say("Over the rows {claim}."),
            claim=equal(IN_COLUMN, NORM_U * NORM_V),
            reason=ByInduction(
                k,
                ((IN_COLUMN, number(0)), (NORM_U, number(0))),
                ((IN_COLUMN, IN_COLUMN + IN_ROW), (NORM_U, NORM_U + u**2)),
                parts=(part("row"),),
            ),
        ),
        Line(
            label="columns",
            sentence=say("The terms, summed by columns, are {claim}."),
            claim=equal(SQUARES, COLUMNS),
            reason=ByInduction(
                r,
                ((SQUARES, number(0)), (COLUMNS, number(0))),
                ((SQUARES, SQUARES + IN_COLUMN), (COLUMNS, COLUMNS + NORM_U * NORM_V)),
                parts=(part("column"),),
            ),
        ),
    ),
    conclusions=(Conclusion(_CLAIM, From((part("entries"), part("columns", lam)))),),
)
"""E ‖X − U diag(r) Vᵀ/p‖² = ‖X − U Vᵀ‖² + λ Σ_k ‖u_k‖² ‖v_k‖²."""

COPIES = Derivation(
    name="column-copies",
    title="Copies of columns",
    setting=say("Each column {0} times, divided by this in the second factor", s),
    quantified=(
        RATE,
        count(s, 1, "how often each column is taken"),
        integer(r, 0, "the number of columns"),
        real(epsilon, "any number"),
    ),
    definitions=(KEEP, SPREAD),
    quantities=(
        quantity(COLUMNS, "the sum over columns of the products of the squared norms of both"),
        quantity(COPIED_COLUMNS, "the same of the copies"),
        quantity(ENTRY, "an entry of the product"),
        quantity(COPIED_ENTRY, "the same of the copies"),
        *COLUMN[2:],
    ),
    auxiliary=(real(u, "an entry of a column of the first factor"), real(v, "one of the second")),
    hypotheses=(Hypothesis("many", s * epsilon > lam * COLUMNS),),
    lines=(
        Line(
            label="entry",
            sentence=say("The product is kept: {claim}."),
            claim=equal(COPIED_ENTRY, ENTRY),
            reason=ByInduction(
                r,
                ((ENTRY, number(0)), (COPIED_ENTRY, number(0))),
                ((ENTRY, ENTRY + u * v), (COPIED_ENTRY, COPIED_ENTRY + s * (u * (v / s)))),
            ),
        ),
        Line(
            label="sum",
            sentence=say("The sum is divided: {claim}."),
            claim=equal(COPIED_COLUMNS, COLUMNS / s),
            reason=ByInduction(
                r,
                ((COLUMNS, number(0)), (COPIED_COLUMNS, number(0))),
                (
                    (COLUMNS, COLUMNS + NORM_U * NORM_V),
                    (COPIED_COLUMNS, COPIED_COLUMNS + s * (NORM_U * (NORM_V / s**2))),
                ),
            ),
        ),
    ),
    conclusions=(
        Conclusion(equal(COPIED_ENTRY, ENTRY), From((part("entry"),))),
        Conclusion(equal(COPIED_COLUMNS, COLUMNS / s), From((part("sum"),))),
        Conclusion(lam * COPIED_COLUMNS < epsilon, From((part("many", 1 / s), part("sum", -lam)))),
    ),
)
"""s copies of (u, v/s) keep U Vᵀ and divide Σ_k ‖u_k‖² ‖v_k‖² by s: with free width the penalty has no force."""
DERIVATIONS = (FACTORISATION, COPIES)


def prove(noise: int = 1, copies_power: int = 1) -> Proof:
    """Prove both statements; examples are compared with noise·λ and division by s^copies_power: only 1 and 1 work."""
    further = [
        step(
            "The identity with all symbols free, rows and columns of $X$ and width: "
            f"{'; '.join(', '.join(map(str, size)) for size in SIZES)}.",
            "derivation",
            all(_at_size(m, n, d, noise) for m, n, d in SIZES),
        ),
        enumerated(
            "Given numbers, two columns and two copies of each: both terms and the halves.",
            _numbers(noise, copies_power),
            "4 and 16 masks of the columns; p = 1/2, 2/3",
        ),
    ]
    return proved("holds", DERIVATIONS, further)


def _at_size(rows: int, columns: int, width: int, noise: int) -> bool:
    p = sympy.Symbol("p", positive=True)
    u, v, x = (
        sympy.Matrix(*shape, sympy.symbols(f"{name}1:{shape[0] * shape[1] + 1}", real=True))
        for name, shape in (("u", (rows, width)), ("v", (columns, width)), ("x", (rows, columns)))
    )
    derived = derive(*factorisation(u.tolist(), v.tolist(), x.tolist()), [0, 1 - p])
    fit = sum(e**2 for e in x - u * v.T)
    claimed = fit + noise * (1 - p) / p * column_products(u.tolist(), v.tolist())
    return bool(sympy.expand(columns * derived.criterion.expr - claimed) == 0)


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
    derivations=DERIVATIONS,
    verdict="holds",
    source_read=False,
)
def matrix_factorisation() -> Proof:
    """Prove the entry as declared."""
    return prove()
