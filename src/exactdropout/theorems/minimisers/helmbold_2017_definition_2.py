"""Definition 2 of Helmbold and Long (2017) takes a maximum over minimisers of J_D: where both exist, and where not.

One hidden relu layer, any number of outputs, any finite distribution and a hidden drop rate in (0, 1): proved here. The
values of a unit at the masked inputs and at the inputs themselves form a finite union of closed cones. Scaled to mean
square 1 over the masked inputs they form a compact set, because relu is convex and an input is a mean of masked ones;
and λ Σ ‖a_j‖² ≤ J_D bounds the output weights. So J_D and the risk are continuous functions on a compact set. For
hidden rate 0 and one output, a quadratic bounded below on a polyhedron attains its minimum (Frank and Wolfe 1956).

Every depth, for leaky relu and linear units, and for relu with weights ≥ 0 above the first layer: minimisers_at_depth.
An infinite support without minimiser: no_minimiser. Open here: relu with negative weights above the first layer.
"""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

from exactdropout.model import Architecture, Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.optimum import minimize
from exactdropout.theorems.generic_symbols import generic, identity
from exactdropout.theorems.lemmas.noise_moments import sum_moments
from exactdropout.theorems.minimisers.minimisers_exist import minimisers_at_depth
from exactdropout.theorems.minimisers.no_minimiser_exists import no_minimiser
from exactdropout.theorems.proof import Proof, Step, argument, by_rule, conclude, enumerated, step
from exactdropout.theorems.registry import register

__all__ = ["prove"]

SCOPE = (
    "hidden rates in (0, 1), input rate in [0, 1), all K, widths, outputs, biases: relu, d = 2, finite distribution; "
    "leaky relu with slope in (0, 1] and linear units, every d, finite second moments; relu, every d, finite "
    "distribution, among networks with weights and biases >= 0 in layers 2 to d - 1. None exists: relu with biases, "
    "d = 2, "
    "every K, n and q in (0, 1), an infinite support"
)
HALF = Fraction(1, 2)


def prove(scaled: int = 1, leak: int = 1, origin: Fraction = HALF) -> Proof:
    """Prove existence, with units scaled by |t|^scaled; only 1 keeps the unit's contribution.

    ``leak`` and ``origin`` change the statements of the two other files; see there.
    """
    steps = [
        _scaling(scaled),
        argument(
            r"The finitely many hyperplanes $c \cdot \tilde x = 0$ ($\tilde x$ the masked inputs, and the inputs $x$ "
            r"of "
            r"the examples, with 1 for the hidden bias) cut the space of a unit's weights $c$ into finitely many "
            r"polyhedral cones. On each the values $g = (\mathrm{relu}(c \cdot \tilde x))$ at masked inputs and "
            r"$\eta = "
            r"(\mathrm{relu}(c \cdot x))$ are linear in $c$."
        ),
        by_rule(
            r"So all pairs $(g, \eta)$ form a closed set, a finite union of closed cones.",
            "closed cones",
            {"relu is linear on each side of 0": _linear_on_sides()},
        ),
        *_bounded(),
        *sum_moments(),
        *_coercive(),
        by_rule(
            r"The triples of output weights, output biases and normalised units with $J_D \le J_D(0)$ form a compact "
            r"set that is not empty, and $J_D$ is a polynomial in them: minimisers exist. (A unit with $g = 0$ has "
            r"$\eta = 0$ and is left out.)",
            "Weierstrass",
            {"the network 0 belongs to it": _zero_network()},
        ),
        by_rule(
            r"The minimisers are a closed part of it, and the risk $E \|b + \sum_j a_j \eta_j - y\|^2$ is a "
            r"polynomial in "
            r"$a$, $b$, $\eta$: the largest risk among minimisers is attained.",
            "Weierstrass",
            {"minimisers exist, as found above, for a network": _zero_network()},
        ),
        *minimisers_at_depth(leak),
        *no_minimiser(origin),
        argument(
            r"Known beyond. $d = 1$, and $d = 2$ with one output at hidden rate 0: for fixed signs of the output "
            r"weights "
            r"and cones the criterion is a convex quadratic, which attains its minimum on a polyhedron (Frank and "
            r"Wolfe "
            r"1956); several outputs at hidden rate 0 are open here. Relu, $d = 2$, no hidden biases, infinite support "
            r"with second moments: the proof above works if $E\, \mathrm{relu}(c \cdot \tilde x)^2 > 0$ for every $c "
            r"\ne 0$, since then normalised units have bounded weights. Relu at $d \ge 3$ with negative weights above "
            r"the first layer: open here; such weights of a normalised unit need not be bounded."
        ),
        *_small(),
    ]
    return conclude(
        "holds with a correction",
        SCOPE,
        steps,
        "K = n = 1, d = 2: x = 1, label 1, probability 1/4; x = 0, label -q (1 + p)/2, 1/2; x = 1 - 2^-m, label 0, "
        "2^-m/4, m >= 1: no minimiser for any q in (0, 1).",
    )


def _scaling(scaled: int) -> Step:
    ring, (a, t, z) = generic("a t+ z~")
    both = {"z >= 0": z, "z <= 0": -z}
    return step(
        r"A unit may be scaled: $a\, \mathrm{relu}(z) = (a/t)\, \mathrm{relu}(t z)$ for $t > 0$ and every vector $a$ "
        r"of "
        r"output weights, here one entry, times $t$. So each unit that is not 0 on all masked inputs may be taken with "
        r"$E h^2 = 1$.",
        "cases",
        all(t**scaled * a * ring.relu(v) == a * ring.relu(t * v) for v in both.values()),
        "; ".join(both),
    )


def _linear_on_sides() -> bool:
    ring, (z,) = generic("z~")
    return ring.relu(z) == z and ring.relu(-z) == 0


def _bounded() -> list[Step]:
    ring, (q, p, s, t) = generic("q~ p~ s~ t~")
    cases = {  # pre-activations u at 0 and v at x/p, their signs
        "u, v >= 0": (s, t),
        "u >= 0 >= v": (s, -t),
        "u <= 0 <= v": (-s, t),
    }
    good = all(_relu_sum_is_larger(ring, q, p, u, v) for u, v in cases.values())
    return [
        step(
            r"$x = q \cdot 0 + p \cdot (x/p)$ is a mean of masked inputs (all dropped, all kept; $q$ the rate of the "
            r"inputs), so $0 \le \eta = \mathrm{relu}(q u + p v) \le q\, \mathrm{relu}(u) + p\, \mathrm{relu}(v)$, a "
            r"mean of "
            r"entries of $g$: where $E g^2 = 1$ all of $(g, \eta)$ is bounded, and where $g = 0$, $\eta = 0$.",
            "cases",
            good,
            "; ".join(cases) + "; u, v <= 0, where all is 0",
        )
    ]


def _relu_sum_is_larger(ring: Any, q: Any, p: Any, u: Any, v: Any) -> bool:
    """q relu(u) + p relu(v) ≥ max(0, q u + p v): at least both."""
    mean = q * ring.relu(u) + p * ring.relu(v)
    return bool(ring.is_nonnegative(mean) and ring.is_nonnegative(mean - (q * u + p * v)))


def _coercive() -> list[Step]:
    _, (b, s, y) = generic("b s y")
    return [
        argument(
            r"Last layer, output by output: $J_D = \sum_o \bigl(E (b_o + \sum_j a_{oj} g_j - y_o)^2 + \lambda \sum_j "
            r"a_{oj}^2 E g_j^2\bigr)$, so $J_D \le C$ gives $\lambda \sum_j \|a_j\|^2 \le C$ for normalised units: "
            r"the output "
            r"weights are bounded, as $\lambda > 0$."
        ),
        identity(
            r"and so are the output biases: with $s$ for the sum of the units, $2 (b + s - y)^2 + 2 (s - y)^2 - b^2 "
            r"= (b + "
            r"2 s - 2 y)^2 \ge 0$.",
            2 * (b + s - y) ** 2 + 2 * (s - y) ** 2 - b * b,
            (b + 2 * (s - y)) ** 2,
        ),
    ]


def _zero_network() -> bool:
    """The network of zeros has the criterion E ‖y‖²; here two outputs."""
    data = Examples([((1, 2), (3, -1)), ((0, 1), (1, 1))])
    zero = Network([[[0, 0]], [[0], [0]]], [[0], [0, 0]])
    return bool(naive_evaluation(zero, data, (HALF, HALF)).criterion == Fraction(3**2 + 1 + 1 + 1, 2))


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
    statement="J_D has minimisers, and one of largest risk: relu, d = 2, finite support; leaky relu and linear, every "
    "d; for infinite support there may be none",
    verdict="holds with a correction",
    scope=SCOPE,
    correction=r"For $q \in (0, 1)$ both exist for relu at $d = 2$ and finite support, and at every depth for leaky "
    r"relu and linear units; for infinite support relu may have no minimiser, at $d = 2$ and any $n$.",
)
def definition_2() -> Proof:
    """Prove the entry as declared."""
    return prove()
