"""Definition 2 of Helmbold and Long (2017) takes a maximum over minimisers of J_D: that both exist, for d = 2.

Proved for one hidden layer, one output, relu, any finite distribution and q in [0, 1) per layer. A unit a relu(w·x̃)
is s relu(c·x̃) with s = sign a, c = |a| w; on each of finitely many cones of c the criterion is a convex quadratic
that is bounded below, and a quadratic that is bounded below on a polyhedron attains its minimum there (Frank and
Wolfe 1956). For deeper networks and for infinite support existence is not proved here.
"""

from __future__ import annotations

import itertools
from fractions import Fraction

from exactdropout.model import Architecture, Examples, Network
from exactdropout.numeric.reference import naive_evaluation
from exactdropout.optimum import minimize
from exactdropout.theorems.generic import generic, identity
from exactdropout.theorems.proof import Proof, Step, argument, conclude, enumerated, step
from exactdropout.theorems.registry import register

__all__ = ["prove"]

SCOPE = "d = 2, one output, every K, n, biases, finite distribution and q in (0, 1) per layer"
HALF = Fraction(1, 2)


def prove(scaled: int = 1) -> Proof:
    """Prove existence, with c = |a|^scaled w; only 1 keeps the unit's contribution."""
    ring, (a, t, p, u, v, x) = generic("a+ t~ p+ u v x")
    signs = {"a > 0, z >= 0": (a, t), "a > 0, z <= 0": (a, -t), "a < 0, z >= 0": (-a, t), "a < 0, z <= 0": (-a, -t)}
    contribution = all(
        factor * ring.relu(z) == (ring.one if factor == a else -ring.one) * ring.relu(a**scaled * z)
        for factor, z in signs.values()
    )
    middle = (u - v) * (u - v)
    steps = [
        step(
            r"A unit: $a\, \mathrm{relu}(z) = s\, \mathrm{relu}(|a| z)$ with $s = \mathrm{sign}\, a$, so $D$ and "
            r"$J_D$ depend on "
            r"$s_j$, $c_j = |a_j| w_j$ (hidden bias included) and the output bias only; any $c$ is reached, with $a "
            r"= s$, $w = c$.",
            "cases",
            contribution,
            "; ".join(signs),
        ),
        identity(
            r"Last layer, one more unit: with $E[r/p] = 1$, $E[(r/p)^2] = 1 + \lambda$, a term $u$ adds $2 x u + (1 "
            r"+ \lambda) "
            r"u^2$ to $x^2 = $ (mean residual)$^2$: $(x + u)^2 + \lambda u^2$, written $\lambda = p$.",
            x * x + 2 * x * u + (1 + p) * u * u,
            (x + u) ** 2 + p * u * u,
        ),
        identity(
            r"Squares of affine functions are convex: $\frac{u^2 + v^2}2 - (\frac{u+v}2)^2 = \frac14 (u - v)^2 \ge 0$.",
            2 * (u * u + v * v) - (u + v) * (u + v),
            middle,
        ),
        argument(
            r"The finitely many hyperplanes $c \cdot \tilde x = 0$ (masked inputs $\tilde x$) cut $c$-space into "
            r"finitely many "
            r"polyhedral cones. For fixed signs $s_j$ and cones, every $\mathrm{relu}(c_j \cdot \tilde x)$ is "
            r"linear, so $J_D = "
            r"E (\beta + \sum_j s_j h_j - y)^2 + \lambda \sum_j E h_j^2$ is a convex quadratic, at least 0."
        ),
        argument(
            "A quadratic that is bounded below on a polyhedron attains its minimum there (Frank and Wolfe 1956; not "
            "checked "
            "by computation). The least of finitely many minima is the minimum of $J_D$: minimisers exist."
        ),
        argument(
            r"The largest risk among them is attained too. In each cell the minimisers form a polyhedron, on which, "
            r"for $q \in "
            r"(0,1)$, every $h_j(\tilde x)$ at a masked input is constant ($\lambda \sum E h_j^2$ is strictly convex "
            r"in these "
            r"values), and so is the output bias. As $x = q \cdot 0 + p \cdot (x/p)$ and relu is convex, $h_j(x) \le "
            r"q\, h_j(0) + "
            r"p\, h_j(x/p)$ is bounded; the risk is then a bounded convex piecewise quadratic on finitely many "
            r"polyhedra, hence "
            r"not increasing along their unbounded directions, and its maximum is attained."
        ),
        argument(
            r"Known beyond: for $d = 1$ the criterion is a convex quadratic on the whole space, so the same theorem "
            r"applies. For "
            r"$d \ge 3$, several outputs with $d = 2$, and infinite support nothing is proved here."
        ),
        *_small(),
    ]
    return conclude(
        "holds with a correction",
        SCOPE,
        steps,
        "none is known; what is missing is the proof that minimisers and the maximum exist.",
    )


def _small() -> list[Step]:
    data = Examples.half((1, 1), 1)
    found = minimize(Architecture(2, (1,)), data, HALF)
    network = found.network
    attained = naive_evaluation(network, data, (HALF, HALF)).criterion
    values = (Fraction(-1), Fraction(0), HALF, Fraction(1))
    lowest = min(
        naive_evaluation(Network([[[u, v]], [w]], [[b], c]), data, (HALF, HALF)).criterion
        for u, v, w in itertools.product(values, repeat=3)
        for b in (-HALF, Fraction(0))
        for c in (Fraction(0), Fraction(1, 5))
    )
    return [
        enumerated(
            r"$P_{((1,1),1)}$, $n = 1$, biases, $q = \frac12$: the certified minimum $\frac15$ is attained by a "
            r"network, and no "
            "network of a grid is below.",
            [(found.value, Fraction(1, 5)), (attained, Fraction(1, 5)), (lowest >= Fraction(1, 5), True)],
            "8 masks; 256 networks",
        )
    ]


@register(
    id="helmbold-2017-definition-2",
    title="The dropout aversion is well defined",
    source="helmbold2017",
    number="Definition 2",
    printed=r"$\mathrm{aversion}(P) = \max \{R_P(W) : W \text{ minimises } J_D\} - \inf R_P$; that minimisers and "
    r"the maximum "
    "exist is taken for granted.",
    statement="d = 2, finite distribution, q in (0,1): J_D has minimisers, and their largest risk is attained",
    verdict="holds with a correction",
    scope=SCOPE,
    correction=r"For $d = 2$, one output, finite support and $q \in (0, 1)$ both exist; elsewhere the definition "
    r"needs a supremum or "
    "a proof.",
)
def definition_2() -> Proof:
    """Prove the entry as declared."""
    return prove()
