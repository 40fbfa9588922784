"""Theorem 20 of Helmbold and Long (2017): the dropout penalty of a deep network depends on the labels.

With δ = D-output minus W(x) before the last mask, δ = w·(H − h): penalty = E δ² + 2 (w·h + b − y) E δ. Witness:
x = (1, −2), two hidden relu units, all weights 1. There E δ = 2q, which is not 0 on (0, 1). The sizes at which there is
such a network, with hidden biases and without, are found in label_dependence.
"""

from __future__ import annotations

from fractions import Fraction

import sympy

from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.symbolic.derivation import derive
from exactdropout.theorems.generic_symbols import generic, identity
from exactdropout.theorems.penalty.theorem_20_all_sizes import label_dependence
from exactdropout.theorems.proof import Proof, argument, conclude, enumerated, step
from exactdropout.theorems.registry import register

__all__ = ["prove", "roots_in_open_interval"]

NETWORK = Network([[[1, 1], [1, 1]], [1, 1]])
SCOPE = (
    "all q in (0, 1) at once, relu: with hidden biases every K, all widths and d >= 2; without, exactly where d >= 2 "
    "and K or one of the hidden widths up to layer d - 2 is at least 2"
)


def roots_in_open_interval(polynomial: sympy.Poly) -> int:
    """Return the number of distinct real roots in (0, 1), counted exactly."""
    if polynomial.is_zero:
        raise ValueError("the zero polynomial vanishes everywhere")
    ends = sum(1 for end in (0, 1) if polynomial.eval(end) == 0)
    return int(polynomial.count_roots(0, 1)) - ends


def prove(x: tuple[int, int] = (1, -2), threshold: int = 1, second: int = -1) -> Proof:
    """Prove that at this input the penalty depends on the label for every q in (0, 1), and at which sizes it can.

    ``threshold`` and ``second`` change the witnesses of other sizes.
    """
    _, (out, delta, y) = generic("a d y")
    q, label = sympy.Symbol("q"), sympy.Symbol("y")
    derived = derive(NETWORK, Examples.point(x, label), q)
    penalty = sympy.Poly(sympy.cancel(derived.penalty.expr), label)
    mean_shift = sympy.cancel(derived.mean[0].expr - _output(x))
    slope = sympy.cancel(penalty.coeff_monomial(label))
    top = sympy.Poly(sympy.numer(sympy.together(slope)), q)
    constant = top.is_zero
    roots = None if constant else roots_in_open_interval(top)
    steps = [
        identity(
            r"With $a = w \cdot h + b = W(x)$ and $\mathcal D = a + \delta$: "
            r"$(a + \delta - y)^2 - (a - y)^2 = \delta^2 + 2 (a - y) \delta$, so by linearity of the mean the penalty "
            r"is $E \delta^2 + 2 (w \cdot h + b - y) E \delta$.",
            (out + delta - y) ** 2 - (out - y) ** 2,
            delta**2 + 2 * (out - y) * delta,
        ),
        step(
            rf"At $x = {x}$ the penalty is affine in $y$ with slope $-2 E\delta$, where "
            rf"$E \delta = {sympy.latex(mean_shift)}$ for symbolic $q$.",
            "derivation",
            penalty.degree() <= 1 and sympy.cancel(slope + 2 * mean_shift) == 0,
        ),
        step(
            r"$E \delta$ has no zero in $0 < q < 1$.",
            "root count",
            roots == 0,
            "the numerator is the zero polynomial" if constant else f"{roots} roots of {top.as_expr()}",
        ),
        argument(
            r"Let $P$ and $Q$ put all mass on $(x, y)$ and $(x, y')$ with $y \ne y'$: equal marginals on the inputs, "
            r"and penalties that differ by $2 (y' - y) E \delta \ne 0$, for this one $W$ and every $q \in (0, 1)$."
        ),
        enumerated(
            "The difference of the penalties for labels 0 and 1 is $2 E \\delta$, mask by mask.",
            _numbers(x, mean_shift, q),
            "16 masks; q = 1/10, 1/2, 6/7",
        ),
        *label_dependence(threshold, second),
    ]
    return conclude("holds", SCOPE, steps)


def _output(x: tuple[int, int]) -> int:
    return 2 * max(sum(x), 0)


def _numbers(x: tuple[int, int], shift: sympy.Expr, q: sympy.Symbol) -> list[tuple[Fraction, Fraction]]:
    pairs = []
    for rate in (Fraction(1, 10), Fraction(1, 2), Fraction(6, 7)):
        zero, one = (naive_evaluation(NETWORK, Examples.point(x, y), (rate, rate)).penalty for y in (0, 1))
        value = shift.subs(q, sympy.Rational(rate.numerator, rate.denominator))
        pairs.append((zero - one, 2 * Fraction(int(value.p), int(value.q))))
    return pairs


@register(
    id="helmbold-2017-theorem-20",
    title="The penalty depends on the labels",
    source="helmbold2017",
    number="Theorem 20",
    printed=r"There are $P$, $Q$ with equal marginals on the inputs and one $W$ such that for all $q \in (0, 1)$ the "
    r"penalties differ; penalty $= E\delta^2 + 2 (w \cdot h + b - y) E\delta$, $\delta = w \cdot (H - h)$; witness "
    r"$x = (1, -2)$, all weights 1.",
    statement="penalty = E d^2 + 2 (w.h + b - y) E d; E d = 2q at x = (1,-2), all weights 1; E d is not 0 for some W "
    "and all q at every K, n, d >= 2 with biases",
    verdict="holds",
    scope=SCOPE,
)
def theorem_20() -> Proof:
    """Prove the entry as declared."""
    return prove()
