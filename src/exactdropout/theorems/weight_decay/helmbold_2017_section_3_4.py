"""Section 3.4 of Helmbold and Long (2017): weight decay with one layer and with two, and its two flexibilities.

On P_(x,1), with A = W(x) − W(0) and r² = x·x, the best output bias leaves ¼ (1 − A)² + (λ/2) ‖W‖². One layer has
‖w‖² ≥ A²/r², and the minimiser has A = r²/(r² + 2λ) > 0 for every λ. Two layers have ‖W‖² ≥ 2 |A|/r (Theorem 7), and
A = 0 from 2λ = r on.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction

import sympy

from exactdropout.model import Network
from exactdropout.numeric.definition import dropout_output
from exactdropout.theorems.generic_symbols import generic, identity
from exactdropout.theorems.lemmas.sum_inequalities import cauchy_schwarz
from exactdropout.theorems.proof import Proof, argument, conclude, enumerated, step
from exactdropout.theorems.registry import register
from exactdropout.theorems.weight_decay.helmbold_2017_theorem_7 import weight_decay_criterion

__all__ = ["prove"]

SCOPE = "every K, x not 0 and lambda > 0; one layer and two, any n; scaling: every network with weights in two layers"
F = Fraction


def prove(share: int = 1, decay: int = 2) -> Proof:
    """Prove the section with t^share moved for the part t, and A = r²/(r² + decay λ); only 1 and 2 work."""
    ring, (a, norm, strength, c) = generic("A~ r+ L+ c+")
    half = ring.constant(F(1, 2))
    square, total = norm * norm, norm * norm + decay * strength
    # ¼ (1 − A)² + (λ/2) A²/r², times 4 r² (r² + 2λ), less its least value λ/(2 (r² + 2λ))
    one_layer = (square * (1 - a) ** 2 + 2 * strength * a * a) * total - 2 * strength * square
    _, (big, small, factor) = generic("S T f")
    t, s, r = sympy.symbols("t s r", positive=True)
    steps = [
        cauchy_schwarz(
            r"One layer: $|A| = |w \cdot x| \le \|w\| r$ (Cauchy and Schwarz), with equality for $w = A x/r^2$."
        ),
        identity(
            r"So $J_2 \ge g_1(A) = \frac14 (1 - A)^2 + \frac\lambda2 A^2/r^2$, and $4 r^2 (r^2 + 2\lambda)\, (g_1(A) - "
            r"\frac{\lambda}{2 (r^2 + 2 \lambda)}) = (A (r^2 + 2\lambda) - r^2)^2$: the minimiser has $A = "
            r"\frac{r^2}{r^2 + "
            r"2\lambda}$.",
            one_layer,
            (a * total - square) ** 2,
        ),
        step(
            r"That is positive for every $\lambda$: one layer never gives the signal up.",
            "cases",
            ring.is_positive(square) and ring.is_positive(total),
            "manifest signs",
        ),
        argument(
            r"Two layers do: by Theorem 7 the minimiser has $A = \max(0, 1 - 2\lambda/r)$, which is 0 as soon as $2 "
            r"\lambda \ge r$."
        ),
        step(
            r"No vertical flexibility: with one layer times $c$ and another divided by $c$ the squared norms $S$ and "
            r"$T$ of "
            r"the two become $c^2 S + T/c^2 \ge c^2 S$, which grows beyond every bound where $S > 0$.",
            "cases",
            ring.is_nonnegative((c * c * square + half * half * a * a) - c * c * square),
            "S > 0, T/c^2 >= 0",
        ),
        step(
            r"Horizontal flexibility: a unit $v = \alpha x$ with $w = \alpha r = \sqrt{t/2}$ has squared norm $t$ "
            r"and adds "
            r"$w \alpha r^2 = \frac r2 t$ to $A$. Both are linear in $t$, so any part of $t$ may be moved from unit "
            r"to unit.",
            "identity",
            sympy.simplify(sympy.sqrt(t / 2) ** 2 + (sympy.sqrt(t / 2) / r) ** 2 * r**2 - t) == 0
            and sympy.simplify(sympy.sqrt(t / 2) * (sympy.sqrt(t / 2) / r) * r**2 - r * t / 2) == 0
            and sympy.expand((s + t) ** share - s**share - t**share) == 0,
        ),
        identity(
            r"It is no symmetry of dropout: the penalty of the last layer is $\frac qp \sum_j w_j^2 h_j^2$ with $w_j "
            r"h_j = "
            r"\frac r2 t_j$, and $(S + T)^2 - S^2 - T^2 = 2 S T > 0$.",
            factor * ((big + small) ** 2 - big**2 - small**2),
            2 * factor * big * small,
        ),
        enumerated(
            r"$x = (3, 4)$, $\lambda = 5$: one layer with $A = \frac57$ has $J_2 = \frac1{14}$, and two layers with "
            r"all "
            r"weights 0 and output bias $\frac12$ have $J_2 = \frac14$; no network of a grid is below.",
            _grids(),
            "625 networks 2-1, 1,125 networks 2-1-1",
        ),
        enumerated(
            r"$K = 1$, $x = 1$: two units with $(t_1, t_2) = (2, 0), (0, 2), (\frac{18}{25}, \frac{32}{25}), "
            r"(\frac{50}{169}, \frac{288}{169})$ have the outputs 0 and 1 and $J_2 = \lambda$.",
            _shifted(),
            "t_1 + t_2 = 2, lambda = 1",
        ),
    ]
    return conclude("holds", SCOPE, steps)


def _grids() -> Iterator[tuple[object, object]]:
    x, strength = (3, 4), F(5)
    best = Network([[[F(15, 175), F(20, 175)]]], [F(1, 7)])
    least = F(5, 2 * 35)
    yield weight_decay_criterion(best, x, strength), least
    values = [F(k, 20) for k in (-4, -2, 0, 2, 4)]
    biases = [F(k, 4) for k in range(-2, 3)]
    one = [
        weight_decay_criterion(Network([[[v1, v2]]], [b + c]), x, strength)
        for v1, v2 in itertools.product(values, repeat=2)
        for b, c in itertools.product(biases, values)
    ]
    yield min(one) >= least, True
    zero = Network([[[0, 0]], [0]], [[0], F(1, 2)])
    yield weight_decay_criterion(zero, x, strength), F(1, 4)
    two = [
        weight_decay_criterion(Network([[[v1, v2]], [w]], [[b], c]), x, strength)
        for v1, v2, w in itertools.product((F(-1, 5), F(0), F(1, 10), F(3, 10), F(1, 2)), repeat=3)
        for b in (F(-1, 5), F(0), F(1, 5))
        for c in (F(0), F(1, 4), F(1, 2))
    ]
    yield (min(two) >= F(1, 4), len(one), len(two)), (True, 625, 1125)


def _shifted() -> Iterator[tuple[object, object]]:
    """Units w = α = √(t/2) with t₁ + t₂ = 2 at K = 1, x = 1: outputs at 0 and 1, and J₂."""
    found = []
    for w1, w2 in ((F(1), F(0)), (F(0), F(1)), (F(3, 5), F(4, 5)), (F(5, 13), F(12, 13))):
        network = Network([[[w1], [w2]], [w1, w2]])
        found.append(
            (
                [dropout_output(network, (v,), None, ())[0] for v in (0, 1)],
                weight_decay_criterion(network, (1,), F(1)),
            )
        )
    yield from ((pair, ([0, 1], F(1))) for pair in found)


@register(
    id="helmbold-2017-section-3-4",
    title="Weight decay with one layer and with two, and its flexibilities",
    source="helmbold2017",
    number="Section 3.4",
    printed=r"On $P_{(x,1)}$ weight decay regularises the signal away entirely for $d = 2$ and large $\lambda$, and "
    r"never for "
    r"$d = 1$. Scaling one layer up and another down can drive its penalty to infinity; any part of a hidden unit's "
    r"contribution may be shifted to another unit.",
    statement="one layer keeps A = r^2/(r^2 + 2 lambda) > 0, two layers have A = 0 from 2 lambda = r on; "
    "contributions shift "
    "between units, scales do not shift between layers",
    verdict="holds",
    scope=SCOPE,
)
def section_3_4() -> Proof:
    """Prove the entry as declared."""
    return prove()
