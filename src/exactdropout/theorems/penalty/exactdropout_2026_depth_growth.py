"""Derived here: with non-negative weights and inputs and no biases, growth in depth is a lower bound, not an example.

If E D > 0: E D²/(E D)² ≥ ∏_l (1 + λ_l/n_l) over the droppable layers (widths n_l, inputs first; λ_l = q_l/p_l), with
equality where all paths weigh the same, such as Theorem 18's network. Beside it: the least ‖W‖² for W(1) − W(0) = y is
d (y/√K)^{2/d}, linear in d, whatever widths and biases.

Proof. All units are linear, so D = Σ_π w(π) ∏_l r_{π_l}/p_l over paths π, w ≥ 0. With P = w/Σw and two independent
paths π, π′ ~ P: E D²/(E D)² = E ∏_l (1 + λ_l [π_l = π′_l]) =
Σ_S (∏_{l∈S} λ_l) Pr(π_S = π′_S), and a collision of the pair on
the layers S has probability Σ P_S² ≥ 1/∏_{l∈S} n_l.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction

import sympy

from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.theorems.generic_symbols import generic, identity
from exactdropout.theorems.penalty.helmbold_2017_theorem_18 import constant_network, variance_factor
from exactdropout.theorems.proof import Proof, Step, argument, conclude, enumerated, induction, step
from exactdropout.theorems.registry import register

__all__ = ["prove", "prove_norm"]

SCOPE = "all widths and depths, a rate per layer, weights and inputs >= 0, no biases"
HALF = Fraction(1, 2)


def prove(power: int = 1) -> Proof:
    """Prove the bound ∏ (1 + λ_l/n_l)^power; only the power 1 (or less) works."""
    p = sympy.Symbol("p", positive=True)
    _, (last, product, spread) = generic("u P L")
    steps = [
        argument(
            r"With weights and inputs $\ge 0$ and no biases every unit is linear on every mask (Theorem 19), so "
            r"$\mathcal D = "
            r"\sum_\pi w(\pi) \prod_l r_{\pi_l}/p_l$ over paths $\pi$ with weights $w(\pi) \ge 0$."
        ),
        step(
            r"Two paths: $E[\frac{r_i}p \frac{r_j}p] = 1$ for $i \ne j$ and $1 + \lambda$ for $i = j$.",
            "cases",
            sympy.cancel(p * p * (1 / p) ** 2 - 1) == 0 and sympy.cancel(p * (1 / p) ** 2 - 1 - (1 - p) / p) == 0,
            "i = j; i != j",
        ),
        identity(
            r"$\prod_l (1 + \lambda_l c_l) = \sum_S \prod_{l \in S} \lambda_l c_l$ by induction on the layers: a sum "
            r"$P$ over "
            r"sets of lower layers becomes $P + P \lambda c$, the sets without and with the new layer.",
            product * (1 + spread * last),
            product + product * spread * last,
        ),
        _collisions(),
        argument(
            r"With $P = w/\sum w$, $E\mathcal D^2/(E\mathcal D)^2 = \sum_S \prod_{l \in S} \lambda_l \Pr(\pi_S = "
            r"\pi'_S) \ge "
            r"\sum_S \prod_{l \in S} \lambda_l/n_l = \prod_l (1 + \lambda_l/n_l)$, as a pair of paths collides on "
            r"$S$ with the "
            r"probability $\sum P_S^2$ and $P_S$ lives on $\prod_{l \in S} n_l$ tuples. Equality where every $P_S$ "
            r"is uniform."
        ),
        enumerated(
            "Networks of a grid, and equality for equal weights.",
            _grid(power),
            "2-2-1: weights 0 to 3; 2-1-2-1; q = 1/2, 1/3",
        ),
        enumerated(
            "With biases it is false: an output bias alone gives E D = 1 and no variance.",
            [_bias_only()],
        ),
    ]
    return conclude("holds", SCOPE, steps)


def _collisions() -> Step:
    """N Σ x² − (Σ x)² = Σ_{i<j} (x_i − x_j)², by induction on N."""
    _, (n, square, total, x) = generic("N Q T x")
    # adding x: Σ_{i} (x_i − x)² = Q − 2 x T + N x²
    added = square - 2 * x * total + n * x * x
    left = (n + 1) * (square + x * x) - (total + x) ** 2
    return identity(
        r"$N \sum x_i^2 - (\sum x_i)^2 = \sum_{i<j} (x_i - x_j)^2 \ge 0$, by induction on $N$: one more $x$ adds "
        r"$\sum_i (x_i - "
        r"x)^2 = Q - 2 x T + N x^2$. So $\sum P^2 \ge \frac1N$ for $N$ probabilities.",
        left,
        (n * square - total * total) + added,
    )


def _grid(power: int) -> Iterator[tuple[object, object]]:
    for rate in (HALF, Fraction(1, 3)):
        both = (rate, rate)
        floor = (1 + variance_factor((2, 2), both)) ** power
        for w in itertools.product((0, 2), (0, 1), (0, 1), (1, 3)):
            network = Network([[w[:2], w[2:]], [1, 2]])
            for x in ((1, 1), (1, 2)):
                result = naive_evaluation(network, Examples.point(x, 0), both)
                if result.mean[0] > 0:
                    yield result.criterion >= floor * result.mean[0] ** 2, True
    for inputs, hidden in ((2, (2,)), (2, (1, 2))):
        rates = (HALF, Fraction(1, 3), Fraction(1, 4))[: len(hidden) + 1]
        result = naive_evaluation(constant_network(inputs, hidden, 1), Examples.point((1,) * inputs, 0), rates)
        yield result.criterion, (1 + variance_factor((inputs, *hidden), rates)) ** power * result.mean[0] ** 2


def _bias_only() -> tuple[object, object]:
    result = naive_evaluation(Network([[[0, 0]], [0]], [[0], 1]), Examples.point((1, 1), 0), (HALF, HALF))
    return (result.mean[0], result.variance), (1, 0)


def prove_norm(power: int = 2) -> Proof:
    """Prove that the least ‖W‖² is d (y/√K)^{power/d}; only the power 2 works."""
    ring, (s, t, x, power_x, d) = generic("s~ t~ x X d")
    steps = [
        step(
            r"A relu layer is 1-Lipschitz: $|\mathrm{relu}(u) - \mathrm{relu}(v)| \le |u - v|$.",
            "cases",
            ring.relu(s) - ring.relu(-t) == s
            and ring.is_nonnegative((s + t) - s)
            and ring.relu(s + t) - ring.relu(s) == t
            and ring.relu(-s) - ring.relu(-t) == 0,
            "both signs of u and v",
        ),
        argument(
            r"So $y = W(\mathbf 1) - W(0) \le \sqrt K \prod_l \|W_l\|_F$ (biases cancel, a matrix stretches by at "
            r"most its "
            r"Frobenius norm), and $\|W\|^2 = \sum_l \|W_l\|_F^2 \ge d (\prod_l \|W_l\|_F^2)^{1/d} \ge d (y/\sqrt "
            r"K)^{2/d}$ by the "
            "inequality of the means."
        ),
        identity(
            r"The inequality of the means rests on $x^d \ge 1 + d (x - 1)$ for $x > 0$ (Bernoulli), by induction "
            r"with $X = x^d$: "
            r"$x X - 1 - (d+1)(x-1) = x \bigl(X - 1 - d (x-1)\bigr) + d (x-1)^2$.",
            x * power_x - 1 - (d + 1) * (x - 1),
            x * (power_x - 1 - d * (x - 1)) + d * (x - 1) ** 2,
        ),
        induction(
            r"For means $A_d$ of $a_1, \dots, a_d > 0$, Bernoulli at $x = A_{d+1}/A_d$ gives $A_{d+1}^{d+1} \ge "
            r"A_d^d\, a_{d+1}$, "
            r"so $A_d^d \ge a_1 \cdots a_d$ by induction.",
            start=_next_mean()[0],
            step=_next_mean()[1],
            detail=r"$A_1 = a_1$; $1 + (d+1)(A_{d+1}/A_d - 1) = a_{d+1}/A_d$ as $(d+1) A_{d+1} = d A_d + a_{d+1}$",
        ),
        argument(
            r"Attained by one path: $W_1 = \frac{\alpha}{\sqrt K} \mathbf 1^T$ into one unit, $\alpha$ on one weight "
            r"in each later "
            r"layer, $\alpha = (y/\sqrt K)^{1/d}$: $W(\mathbf 1) = \alpha^d \sqrt K = y$ and $\|W\|^2 = d \alpha^2$."
        ),
        enumerated(
            r"The attaining network at $K = 4$, $y = 16$, $d = 3$ ($\alpha = 2$), and no 1-unit network of a grid is "
            r"below.",
            _norms(power),
            "4-1-1-1; 4-1-1 with weights 0, 1/2, ..., 3",
        ),
    ]
    return conclude("holds", "all widths, depths, K, y >= 0 and biases", steps)


def _next_mean() -> tuple[bool, bool]:
    d, mean, last = sympy.symbols("d A a", positive=True)
    following = (d * mean + last) / (d + 1)
    growth = sympy.cancel(1 + (d + 1) * (following / mean - 1) - last / mean)
    return bool(following.subs(d, 0) == last), bool(growth == 0)


def _norms(power: int) -> Iterator[tuple[object, object]]:
    network = Network([[[1, 1, 1, 1]], [[2]], [2]])
    norm = sum(w * w for m in network.weights for w in m.flat)
    result = naive_evaluation(network, Examples.point((1,) * 4, 16), (Fraction(0),) * 3)
    yield (result.risk, norm), (0, 3 * 2**power)
    values = [Fraction(j, 2) for j in range(7)]
    # two layers, K = 4, equal input weights v, output weight w: output 4 v w, norm 4 v² + w², floor 2 (y/2) = y
    yield all(4 * v * v + w * w >= 4 * v * w for v in values for w in values), True


@register(
    id="exactdropout-2026-depth-growth",
    title="Non-negative networks: the second moment grows with depth",
    source="exactdropout2026",
    number="growth in depth",
    printed=r"Weights and inputs $\ge 0$, no biases, $E\mathcal D > 0$: $\frac{E\mathcal D^2}{(E\mathcal D)^2} \ge "
    r"\prod_l (1 + "
    r"\lambda_l/n_l)$, with equality at equal weights and inputs.",
    statement="weights, inputs >= 0, no biases: E D^2/(E D)^2 >= prod_l (1 + lambda_l/n_l), equality at equal weights",
    verdict="holds",
    scope=SCOPE,
)
def depth_growth() -> Proof:
    """Prove the entry as declared."""
    return prove()


@register(
    id="exactdropout-2026-least-norm",
    title="The least weight norm is linear in depth",
    source="exactdropout2026",
    number="least norm",
    printed=r"$\min \{\|W\|^2 : W(\mathbf 1_K) - W(0) = y\} = d\, (y/\sqrt K)^{2/d}$ for $y \ge 0$, any widths and "
    r"biases.",
    statement="the least |W|^2 with W(1) - W(0) = y >= 0 is d (y/sqrt(K))^(2/d), for any widths and biases",
    verdict="holds",
    scope="all widths, depths, K, y >= 0 and biases",
)
def least_norm() -> Proof:
    """Prove the entry as declared."""
    return prove_norm()
