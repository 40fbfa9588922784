"""Definition 2 of Helmbold and Long (2017) takes a maximum over minimisers of J_D: where both exist, and where not.

One hidden relu layer, any number of outputs, any finite distribution and a hidden drop rate in (0, 1): proved here. The
values of a unit at the masked inputs and at the inputs themselves form a finite union of closed cones. Scaled to mean
square 1 over the masked inputs they form a compact set, because relu is convex and an input is a mean of masked ones;
and λ Σ ‖a_j‖² ≤ J_D bounds the output weights. So J_D and the risk are continuous functions on a compact set. For
hidden rate 0 and one output, a quadratic bounded below on a polyhedron attains its minimum (Frank and Wolfe 1956).

Every depth, for leaky relu and linear units, and for relu with weights ≥ 0 above the first layer: minimisers_exist.
An infinite support without minimiser: no_minimiser_exists. Open here: relu with negative weights above the first layer.
"""

from __future__ import annotations

import itertools
from fractions import Fraction

from exactdropout.model import Architecture, Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.optimum import minimize
from exactdropout.theorems.minimisers.minimisers_exist import DEEP_MINIMISERS, DEEP_UNIT, minimisers_at_depth
from exactdropout.theorems.minimisers.no_minimiser_exists import NO_MINIMISER
from exactdropout.theorems.minimisers.one_hidden_layer import LARGEST_RISK, LAST_LAYER, MINIMISERS
from exactdropout.theorems.proof import Proof, Step, argument, enumerated
from exactdropout.theorems.registry import register
from exactdropout.theorems.statements.derivation import proved

__all__ = ["prove"]

HALF = Fraction(1, 2)
DERIVATIONS = (LAST_LAYER, MINIMISERS, LARGEST_RISK, DEEP_UNIT, DEEP_MINIMISERS, NO_MINIMISER)


def prove() -> Proof:
    """Prove where minimisers, and one of largest risk, exist, and that for an infinite support none may exist."""
    further = [
        *minimisers_at_depth(),
        argument(
            r"Known beyond. $d = 1$, and $d = 2$ with one output at hidden rate 0: for fixed signs of the output "
            r"weights and cones the criterion is a convex quadratic, which attains its minimum on a polyhedron (Frank "
            r"and Wolfe 1956); several outputs at hidden rate 0 are open here. Relu, $d = 2$, no hidden biases, "
            r"infinite support with second moments: the proof above works if $E\, \mathrm{relu}(c \cdot \tilde x)^2 "
            r"> 0$ for every $c \ne 0$, since then normalised units have bounded weights. Relu at $d \ge 3$ with "
            r"negative weights above the first layer: open here; such weights of a normalised unit need not be bounded."
        ),
        *_small(),
    ]
    return proved(
        "holds with a correction",
        DERIVATIONS,
        further,
        "K = n = 1, d = 2: x = 1, label 1, probability 1/4; x = 0, label -q (1 + p)/2, 1/2; x = 1 - 2^-m, label 0, "
        "2^-m/4, m >= 1: no minimiser for any q in (0, 1).",
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
            r"network, and no network of a grid is below.",
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
    r"the maximum exist is taken for granted.",
    derivations=DERIVATIONS,
    verdict="holds with a correction",
    correction=r"For hidden rates in $(0, 1)$ both exist for relu at $d = 2$ and finite support, minimisers at every "
    r"depth for leaky relu and linear units; for infinite support relu may have no minimiser, at $d = 2$ and any $n$.",
)
def definition_2() -> Proof:
    """Prove the entry as declared."""
    return prove()
