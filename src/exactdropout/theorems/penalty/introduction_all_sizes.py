"""Where the penalty is not monotone in q: a family at all sizes, and a half-line of labels for every relu network.

All weights 1, no biases, x = (1, −1, 0, …): with P = n_1 ⋯ n_{d−1} and λ = q/p the penalty is
P (P λ ∏(1 + λ/n_l) − 2 y q); it falls and then rises if y > P/2, and rises otherwise.

Any network and x: the penalty is E D² − W(x)² − 2 y (E D − W(x)). Let A and B be the slopes of E D² and E D at q = 0.
If B ≠ 0, every label with y > A/(2B) (B > 0; y < A/(2B) for B < 0) makes it fall at first; and it tends to ∞ as q → 1.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction

import sympy

from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.symbolic.derivation import derive
from exactdropout.theorems.generic_symbols import generic, identity
from exactdropout.theorems.lemmas.kept_counts import kept_count_moments
from exactdropout.theorems.proof import Step, argument, enumerated, induction, step

__all__ = ["penalty_turns"]

HALF = Fraction(1, 2)
SIZES = ((2, (1,)), (3, (2,)), (2, (2, 1)))  # (K, hidden widths)
NETWORKS = (
    (Network([[[1, -2], [3, 1]], [2, -1]], [[0, 1], 0]), (1, 1)),
    (Network([[[1], [1]], [[1, -1]], [1]]), (1,)),
)


def penalty_turns(share: Fraction = HALF) -> list[Step]:
    """Return the steps, with the threshold share·P of the label in the family; only ½ works."""
    return [
        *kept_count_moments(),
        *_family(share),
        enumerated(
            r"The penalty of the family by the double loop, at labels 0 and 2.",
            _numbers(),
            "K-widths 2-1, 3-2, 2-2-1 with one output; q = 1/3, 2/3",
        ),
        *_every_network(),
    ]


def _family(share: Fraction) -> list[Step]:
    ring, (lam, scale, constant, first, rest, y) = generic("L+ P+ c~ f~ g~ y+")
    q = sympy.Symbol("q")
    spread = sympy.Symbol("s", positive=True)
    at_zero = ring.one * 1  # (λ G)' at 0, as G(0) = 1
    grown = (constant + first * lam) * (1 + rest * lam)
    return [
        step(
            r"All weights 1, no biases, $x = (1, -1, 0, \dots)$, $K \ge 2$, any widths $n_1, \dots, n_{d-1}$, $d \ge "
            r"2$: "
            r"each unit of the first layer is $1/p$ if only the first of the two inputs is kept, with probability "
            r"$pq$, "
            r"and else 0; so $E \mathcal D = q P$, $P = \prod n_l$, $E \mathcal D^2 = \frac qp P^2 \prod_l (1 + "
            r"\lambda/n_l)$, $W(x) = 0$, and the penalty over $P$ is $P \lambda G - 2 y q$, $G = \prod_l (1 + "
            r"\lambda/n_l)$.",
            "identity",
            sympy.cancel((1 - q) * q * (1 / (1 - q)) - q) == 0
            and sympy.cancel((1 - q) * q / (1 - q) ** 2 - q / (1 - q)) == 0,
        ),
        induction(
            r"$\lambda G$ is a polynomial in $\lambda$ with coefficients $\ge 0$ and slope 1 at 0: one more factor "
            r"$1 + \lambda/n_l$ keeps both.",
            start=ring.is_nonnegative(lam),
            step=ring.is_nonnegative(grown)
            and grown - constant == lam * (first + constant * rest + first * rest * lam),
        ),
        step(
            r"With $q = \frac\lambda{1 + \lambda}$ the slope in $\lambda$ of the penalty over $P$ is $P (\lambda G)' - "
            r"\frac{2y}{(1 + \lambda)^2}$. For $y \ge 0$ it does not fall, and strictly rises for $y > 0$; it is $P - "
            r"2y$ at 0 and positive for large $\lambda$, as $(\lambda G)' \ge 1$. So for $y > \frac P2$ the penalty "
            r"falls and then rises, with one turning point, and for $y \le \frac P2$ it rises on all of $(0, 1)$ (for "
            r"$y < 0$ both terms are positive).",
            "identity",
            sympy.cancel(sympy.diff(spread / (1 + spread), spread) - 1 / (1 + spread) ** 2) == 0
            and scale * at_zero - 2 * (share * scale) == ring.zero
            and ring.is_positive(y),
        ),
    ]


def _numbers() -> Iterator[tuple[object, object]]:
    for inputs, widths in SIZES:
        sizes = (inputs, *widths, 1)
        network = Network([[[1] * a] * b for a, b in itertools.pairwise(sizes)])
        x = (1, -1, 0)[:inputs]
        for rate in (Fraction(1, 3), Fraction(2, 3)):
            lam = rate / (1 - rate)
            product, growth = 1, Fraction(1)
            for n in widths:
                product, growth = product * n, growth * (1 + lam / n)
            for y in (0, 2):
                found = naive_evaluation(network, Examples.point(x, y), (rate,) * (len(widths) + 1)).penalty
                yield found, product * (product * lam * growth - 2 * y * rate)


def _every_network() -> list[Step]:
    _, (mean, square, out, y) = generic("m s a y")
    ring, (weight, below, bias) = generic("w+ h+ b~")
    return [
        identity(
            r"Any relu network, any biases, any $x$: $E (\mathcal D - y)^2 - (W - y)^2 = E \mathcal D^2 - W^2 - 2 y (E "
            r"\mathcal D - W)$. Near $q = 0$ both means are rational in $q$, with slopes $A$ and $B$ at 0; the slope "
            r"of "
            r"the penalty is $A - 2 y B$. If $B \ne 0$, it is negative for all $y$ on one side of $\frac A{2B}$.",
            (square - 2 * y * mean + y**2) - (out - y) ** 2,
            square - out**2 - 2 * y * (mean - out),
        ),
        step(
            r"A unit that is not 0 at some mask has a bias $> 0$, or a positive term $w h/p$ of a unit (or input) "
            r"below "
            r"that is not 0 at this mask.",
            "cases",
            ring.relu(-(weight * below) - bias) == 0,
            "no term positive: the unit is 0",
        ),
        argument(
            r"$B \ne 0$ needs an output weight $v_j \ne 0$ whose unit is not 0 at some mask. Follow positive terms "
            r"down to an input or a positive bias, through $m$ dropped-out layers, and keep these $m$ units alone: "
            r"probability $p^m$ times a power of $q$, and as $p \to 0$ each value on the way is at least a constant "
            r"times $1/p$ times the one below, whatever the bias: $E h_j^2 \ge C p^m p^{-2m} \ge C$ with $C > 0$. So "
            r"$J_D \ge \lambda v_j^2 E h_j^2 \to \infty$ as $q \to 1$ (last layer), while the penalty is 0 at $q = 0$ "
            r"and falls at first: not monotone. This is a half-line of labels for each such $W$ and $x$."
        ),
        enumerated(
            r"Two networks with $B \ne 0$ (one with biases, one with $d = 3$), label $\frac A{2B} \pm 1$ on that "
            r"side: the penalty is negative at $q = \frac1{1000}$ and positive at $\frac{99}{100}$.",
            _slopes(),
            "the double loop over 16 or 8 masks",
        ),
    ]


def _slopes() -> Iterator[tuple[object, object]]:
    q, label = sympy.Symbol("q"), sympy.Symbol("y")
    for network, x in NETWORKS:
        penalty = sympy.Poly(sympy.cancel(derive(network, Examples.point(x, label), q).penalty.expr), label)
        slope = [sympy.diff(penalty.coeff_monomial(label**k), q).subs(q, 0) for k in (0, 1)]
        y = _fraction(-slope[0] / slope[1]) + (1 if slope[1] < 0 else -1)
        rates = [(rate,) * len(network.weights) for rate in (Fraction(1, 1000), Fraction(99, 100))]
        low, high = (Fraction(naive_evaluation(network, Examples.point(x, y), r).penalty) for r in rates)
        yield (low < 0, high > 0), (True, True)


def _fraction(value: sympy.Expr) -> Fraction:
    rational = sympy.Rational(value)
    return Fraction(int(rational.p), int(rational.q))
