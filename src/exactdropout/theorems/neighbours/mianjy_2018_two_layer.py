"""Two-layer linear networks with dropout between the layers (Mianjy, Arora and Vidal 2018).

Inputs with E x xᵀ = I, U of r columns u_i, V of r columns v_i, prediction U Vᵀ x:

    J_D = E ‖y − U Vᵀ x‖² + λ Σ_i ‖u_i‖² ‖v_i‖²,    Σ_i ‖u_i‖² ‖v_i‖² ≥ ‖U Vᵀ‖_*² / r,

the bound is attained for every product of rank at most r, and every global minimum (q in (0, 1)) has equal
‖u_i‖ ‖v_i‖. The statement is written down and derived here; the source was not read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import sympy

from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.symbolic.derivation import derive
from exactdropout.theorems.definitions import KEEP, RATE, SPREAD, integer, lam, n, quantity, real
from exactdropout.theorems.lemmas.equal_shares import EQUAL_SHARES, SQUARES, SUM
from exactdropout.theorems.lemmas.masked_layer import CRITERION, MASKED_LAYER, RISK, pairs
from exactdropout.theorems.lemmas.masked_layer import SQUARES as ALL_SQUARES
from exactdropout.theorems.neighbours.cavazza_2018_matrix_factorisation import (
    COLUMNS,
    IN_COLUMN,
    NORM_U,
    NORM_V,
    Matrix,
    column_products,
)
from exactdropout.theorems.proof import Proof, argument, enumerated, step
from exactdropout.theorems.registry import register
from exactdropout.theorems.statements.derivation import ByLemma, Conclusion, Derivation, Hypothesis, proved
from exactdropout.theorems.statements.lines import ByInduction, Definition, From, InWords, Line, part, say
from exactdropout.theorems.statements.ranges import Variable
from exactdropout.theorems.statements.rules import ByVanishingSquare
from exactdropout.theorems.statements.terms import Term, equal, number, symbol, symbols

__all__ = ["EQUAL_PRODUCTS", "ISOTROPIC", "NUCLEAR", "NUCLEAR_BOUND", "prove"]

ISOTROPIC = ((1, 1), (1, -1))
"""E x xᵀ = I for the uniform distribution on these two."""


SIZES = ((1, 1), (2, 2), (1, 3))
u, v, k, l, e, r, a, b, c, x = symbols("u v k l e r a b c x")
ON_INPUTS, CROSS, INPUT_SQUARE, INPUT_PRODUCT = symbol("F"), symbol("C"), symbol("X", "kk"), symbol("X", "ik")
NUCLEAR = symbol("N")
_CLAIM = equal(CRITERION, RISK + lam * (e * COLUMNS))

TWO_LAYERS = Derivation(
    name="two-layer-penalty",
    title="Dropout between two linear layers",
    setting=say("Prediction by two factors, their columns dropped, second moments of the inputs as in the unit matrix"),
    quantified=(
        RATE,
        integer(pairs, 0, "the number of pairs of an example and an output"),
        integer(e, 0, "the number of examples"),
        integer(r, 0, "the number of columns"),
    ),
    definitions=(KEEP, SPREAD),
    quantities=(
        quantity(CRITERION, "the sum over pairs of mean squared errors under masks"),
        quantity(RISK, "that of squared errors without masks"),
        quantity(COLUMNS, "the sum over columns of the products of the squared norms of both"),
        quantity(ALL_SQUARES, "the sum of the squares of output weight times hidden value"),
        quantity(IN_COLUMN, "its part of one column"),
        quantity(NORM_U, "the squared norm of a column of the output factor"),
        quantity(NORM_V, "that of the same column of the input factor"),
        quantity(ON_INPUTS, "the sum over examples of the squares of its hidden value"),
        quantity(CROSS, "the sum of hidden value times one more input"),
        quantity(INPUT_SQUARE, "the sum of the squares of an input"),
        quantity(INPUT_PRODUCT, "the sum of products of two inputs"),
    ),
    hypotheses=(Hypothesis("unit", equal(INPUT_SQUARE, e)), Hypothesis("orthogonal", equal(INPUT_PRODUCT, 0))),
    auxiliary=(
        integer(k, 0, "a number of inputs"),
        integer(l, 0, "a number of outputs"),
        real(u, "an entry of a column of the output factor"),
        real(v, "one of the input factor"),
    ),
    lines=(
        Line(
            label="pairs",
            sentence=say("An output is a masked sum over columns: {claim}."),
            claim=equal(CRITERION, RISK + lam * ALL_SQUARES),
            reason=ByLemma(MASKED_LAYER),
        ),
        Line(
            label="cross",
            sentence=say("For one column {claim}"),
            claim=equal(CROSS, 0),
            reason=ByInduction(
                k, ((CROSS, number(0)),), ((CROSS, CROSS + v * INPUT_PRODUCT),), parts=(part("orthogonal", v),)
            ),
        ),
        Line(
            label="norm",
            sentence=say("and {claim}."),
            claim=equal(ON_INPUTS, e * NORM_V),
            reason=ByInduction(
                k,
                ((ON_INPUTS, number(0)), (NORM_V, number(0))),
                ((ON_INPUTS, ON_INPUTS + 2 * v * CROSS + v**2 * INPUT_SQUARE), (NORM_V, NORM_V + v**2)),
                parts=(part("cross", 2 * v), part("unit", v**2)),
            ),
        ),
        Line(
            label="column",
            sentence=say("Over outputs {claim},"),
            claim=equal(IN_COLUMN, NORM_U * ON_INPUTS),
            reason=ByInduction(
                l,
                ((IN_COLUMN, number(0)), (NORM_U, number(0))),
                ((IN_COLUMN, IN_COLUMN + u**2 * ON_INPUTS), (NORM_U, NORM_U + u**2)),
            ),
        ),
        Line(
            label="columns",
            sentence=say("over columns {claim}."),
            claim=equal(ALL_SQUARES, e * COLUMNS),
            reason=ByInduction(
                r,
                ((ALL_SQUARES, number(0)), (COLUMNS, number(0))),
                ((ALL_SQUARES, ALL_SQUARES + IN_COLUMN), (COLUMNS, COLUMNS + NORM_U * NORM_V)),
                parts=(part("column"), part("norm", NORM_U)),
            ),
        ),
    ),
    conclusions=(Conclusion(_CLAIM, From((part("pairs"), part("columns", lam)))),),
)
"""J_D = E ‖y − U Vᵀ x‖² + λ Σ_i ‖u_i‖² ‖v_i‖², each times the number of examples."""


def _factors() -> Iterator[Mapping[Term, Any]]:
    """Yield Σ a_i and the nuclear norm for diag(4, 1) as two columns and for the row (3, 4) as two columns."""
    yield {SUM: 4 + 1, NUCLEAR: 5}
    yield {SUM: 3 + 4, NUCLEAR: 5}


_NOT_NEGATIVE: Any = {"kind": "network", "low": Fraction(0), "low_in": True}
_SUM = Variable(term=SUM, meaning="the sum over columns of the products of both norms", **_NOT_NEGATIVE)
_NUCLEAR = Variable(term=NUCLEAR, meaning="the nuclear norm of the product of the factors", **_NOT_NEGATIVE)
_SQUARES = quantity(SQUARES, "the sum of their squares")
_DUAL = Line(
    label="dual",
    sentence=say(
        "The nuclear norm is the largest inner product with a matrix of spectral norm at most 1, and such a matrix "
        "between two vectors gives at most the product of their norms: {claim}."
    ),
    claim=SUM >= NUCLEAR,
    reason=InWords(_factors, "two matrices of two columns"),
)

NUCLEAR_BOUND = Derivation(
    name="nuclear-bound",
    title="The bound by the nuclear norm",
    setting=say("Factors of {0} columns", n),
    quantified=(integer(n, 0, "the number of columns"),),
    quantities=(_SUM, _SQUARES, _NUCLEAR),
    lines=(
        Line(
            label="shares",
            sentence=say("By equal shares {claim}."),
            claim=n * SQUARES >= SUM**2,
            reason=ByLemma(EQUAL_SHARES),
        ),
        _DUAL,
    ),
    conclusions=(Conclusion(n * SQUARES >= NUCLEAR**2, From((part("shares"), part("dual", SUM + NUCLEAR)))),),
)
"""r Σ ‖u_i‖² ‖v_i‖² ≥ ‖U Vᵀ‖_*²."""

_START = ((SUM, a + b), (SQUARES, a**2 + b**2))
_NEXT = ((SUM, SUM + c), (SQUARES, SQUARES + c**2))

EQUAL_PRODUCTS = Derivation(
    name="equal-products",
    title="Equal columns where the bound is attained",
    setting=say("Factors that attain the bound"),
    quantified=(
        integer(n, 2, "the number of columns"),
        real(a, "the product of the norms of a column"),
        real(b, "that of another"),
    ),
    quantities=(_SUM, _SQUARES, _NUCLEAR),
    hypotheses=(Hypothesis("attained", equal(n * SQUARES, NUCLEAR**2)),),
    auxiliary=(real(x, "any number"), real(c, "the product of one more column")),
    lines=(
        Line(
            label="two",
            sentence=say("For both {claim}."),
            claim=a**2 + b**2 - 2 * (a + b) * x + 2 * x**2 >= 0,
            reason=From((), plus=((a - x) ** 2, (b - x) ** 2)),
        ),
        Line(
            label="distances",
            sentence=say("One column more adds a square: {claim}."),
            claim=SQUARES - 2 * SUM * x + n * x**2 >= 0,
            reason=ByInduction(n, _START, _NEXT, plus=((c - x) ** 2,), first=(part("two"),)),
        ),
        Line(
            label="gap",
            sentence=say("So it does here: {claim}."),
            claim=n * SQUARES - SUM**2 >= (a - b) ** 2,
            reason=ByInduction(n, _START, _NEXT, parts=(part("distances", x=c),)),
        ),
        replace(_DUAL, sentence=say("As before {claim}.")),
        Line(
            label="square",
            sentence=say("Together {claim}."),
            claim=(a - b) ** 2 <= 0,
            reason=From((part("gap"), part("attained", -1), part("dual", SUM + NUCLEAR))),
        ),
    ),
    conclusions=(Conclusion(equal(a, b), ByVanishingSquare("square")),),
)
"""Σ a_i² = ‖U Vᵀ‖_*²/r only for equal a_i = ‖u_i‖ ‖v_i‖."""

FACTORS = tuple(symbol(name, int(row + column)) for column in "12" for name in "uv" for row in "12")
ENTRIES = tuple(symbol("w", index) for index in (11, 12, 21, 22))


def _two_by_two() -> Derivation:
    """Return the bound for 2 × 2 and two columns, where ‖W‖_*² = ‖W‖_F² + 2 |det W|, without words."""
    a, b, c, d, e, f, g, h = FACTORS  # u1 = (a, b), v1 = (c, d), u2 = (e, f), v2 = (g, h)
    w, x, y, z = ENTRIES
    twice = 2 * ((a**2 + b**2) * (c**2 + d**2) + (e**2 + f**2) * (g**2 + h**2))
    frobenius = w**2 + x**2 + y**2 + z**2

    # the complex numbers u_i times v_i (or its conjugate) have squared distance equal to the gap
    plus = ((a * c + b * d - e * g - f * h) ** 2, (b * c - a * d - f * g + e * h) ** 2)
    minus = ((a * c - b * d - e * g + f * h) ** 2, (b * c + a * d - f * g - e * h) ** 2)
    return Derivation(
        name="two-by-two",
        supporting=True,
        title="The bound for two rows, columns and factors",
        setting=say("Two rows, columns and factors; the squared nuclear norm is the larger right side"),
        quantified=tuple(real(term, "an entry of a factor") for term in FACTORS),
        definitions=(
            Definition(w, a * c + e * g, "an entry of the product"),
            Definition(x, a * d + e * h, "an entry of the product"),
            Definition(y, b * c + f * g, "an entry of the product"),
            Definition(z, b * d + f * h, "an entry of the product"),
        ),
        conclusions=(
            Conclusion(twice >= frobenius + 2 * (w * z - x * y), From((), plus=plus)),
            Conclusion(twice >= frobenius - 2 * (w * z - x * y), From((), plus=minus)),
        ),
    )


TWO_BY_TWO = _two_by_two()
DERIVATIONS = (TWO_LAYERS, NUCLEAR_BOUND, EQUAL_PRODUCTS, TWO_BY_TWO)


def prove(noise: int = 1, factor: int = 1) -> Proof:
    """Prove the statements; networks are compared with noise·λ and factor times the bound, and only 1 and 1 work."""
    further = [
        step(
            r"Penalty $= \lambda \sum_i \|u_i\|^2 \|v_i\|^2$ with $U$, $V$, $y$ free, inputs uniform on $(1, \pm 1)$; "
            f"outputs and width: {'; '.join(f'{outputs}, {width}' for outputs, width in SIZES)}.",
            "derivation",
            all(_penalty_at_size(outputs, width, noise) for outputs, width in SIZES),
        ),
        argument(
            r"The bound is attained. Rotating a plane keeps the sum of two diagonal entries of a symmetric matrix and "
            r"moves one continuously to the other, so some angle makes it the mean of the diagonal; repeated, all "
            r"become equal: for the singular values $\Sigma$, with zeros, an orthogonal $Q$ has all $(Q^\top \Sigma "
            r"Q)_{ii} = \mathrm{tr}\, \Sigma / n$. For $W = A \Sigma B^\top$ take $U = A \Sigma^{1/2} Q$, $V = B "
            r"\Sigma^{1/2} Q$: $U V^\top = W$, $\|u_i\|^2 = \|v_i\|^2 = \|W\|_* / n$."
        ),
        argument(
            r"A global minimum of $J_D$ with $\lambda > 0$ has the least penalty among factors with its product, so it "
            r"attains the bound: all $\|u_i\| \|v_i\|$ are equal, and it is a minimum of $R(W) + \frac\lambda n "
            r"\|W\|_*^2$ over $W$ of rank at most $n$."
        ),
        enumerated(
            r"$W = \mathrm{diag}(4, 1)$, $r = 2$: penalty $17 \lambda$ for the diagonal factors, $\frac{25}2 \lambda = "
            r"\frac\lambda 2 \|W\|_*^2$ for equalised ones, same risk.",
            _numbers(noise, factor),
            "4 masks, 2 inputs, q = 1/3, 1/2",
        ),
    ]
    return proved("holds", DERIVATIONS, further)


def _network(u: Matrix, v: Matrix) -> Network:
    return Network([[list(column) for column in zip(*v, strict=True)], list(u)], activation="linear")


def _penalty_at_size(outputs: int, width: int, noise: int) -> bool:
    p = sympy.Symbol("p", positive=True)
    u = sympy.Matrix(outputs, width, sympy.symbols(f"u1:{outputs * width + 1}", real=True)).tolist()
    v = sympy.Matrix(2, width, sympy.symbols(f"v1:{2 * width + 1}", real=True)).tolist()
    y = sympy.symbols(f"y1:{2 * outputs + 1}", real=True)
    labels = [y[outputs * i : outputs * (i + 1)] for i in range(2)]
    derived = derive(_network(u, v), Examples(zip(ISOTROPIC, labels, strict=True)), [0, 1 - p])
    claimed = noise * (1 - p) / p * column_products(u, v)
    return bool(sympy.expand(derived.penalty.expr - claimed) == 0)


def _numbers(noise: int, factor: int) -> Iterator[tuple[Any, Any]]:
    half = Fraction(1, 2)
    plain = _network([[4, 0], [0, 1]], [[1, 0], [0, 1]])
    shared = _network([[2, 2], [1, -1]], [[1, 1], [half, -half]])  # Σ^{1/2} H and Σ^{1/2} H/2, H = (1 1; 1 −1)
    data = Examples(zip(ISOTROPIC, ((1, 2), (0, -1)), strict=True))
    for rate in (Fraction(1, 3), half):
        first, second = (naive_evaluation(network, data, (Fraction(0), rate)) for network in (plain, shared))
        spread = rate / (1 - rate)
        yield first.risk, second.risk
        yield first.penalty, noise * 17 * spread
        yield second.penalty, noise * factor * spread * Fraction(5**2, 2)


@register(
    id="mianjy-2018-two-layer",
    title="Two-layer linear networks: dropout equalises, and is a squared nuclear norm",
    source="mianjy2018",
    number="two-layer linear networks (our derivation; source not read)",
    derivations=DERIVATIONS,
    verdict="holds",
    source_read=False,
)
def two_layer() -> Proof:
    """Prove the entry as declared."""
    return prove()
