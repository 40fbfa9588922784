"""Lemma 12 of Helmbold and Long (2017): non-negative weights and convex activations make a supermodular network.

Supermodular (Definition 11): φ(x) + φ(x + δ₁ + δ₂) ≥ φ(x + δ₁) + φ(x + δ₂) for δ₁, δ₂ ≥ 0. Differentiability is not
needed, nor is continuity beyond what convexity gives.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction

from exactdropout.model import Network
from exactdropout.numeric.definition import dropout_output
from exactdropout.theorems.generic_symbols import generic, identity
from exactdropout.theorems.proof import Proof, Step, argument, conclude, enumerated, induction, step
from exactdropout.theorems.registry import register

__all__ = ["activation_step", "prove"]

SCOPE = "all sizes and depths, any biases; leaky relu with slope in [0, 1] by cases, convex activations in words"


def activation_step(slope: str = "~") -> Step:
    """φ(z₁₂) + φ(z₀) ≥ φ(z₁) + φ(z₂) if z₀ ≤ z₁, z₂ ≤ z₁₂ and z₁₂ + z₀ ≥ z₁ + z₂, for φ with slope s = 1 − c ∈ [0, 1].

    φ(z) = s z + c relu(z), c ≥ 0. The linear part is the hypothesis itself, so relu decides; its sign cases are
    written with non-negative letters.
    """
    ring, (u, v, t, g, c, _) = generic(f"u~ v~ t~ g~ c{slope} b")
    cases = {  # (z0, z1, z2, z12); g is the slack of the hypothesis
        "all >= 0": (t, t + u, t + v, t + u + v + g),
        "z0 < 0, the others >= 0": (-t, u, v, u + v + t + g),
        "z0, z1 <= 0 <= z2": (-t - u, -u, v, v + t + g),  # z1 = z0 + t
        "z0, z2 <= 0 <= z1": (-t - u, v, -u, v + t + g),
    }
    holds = all(
        z12 + z0 - z1 - z2 == g
        and ring.is_nonnegative(c * (ring.relu(z12) + ring.relu(z0) - ring.relu(z1) - ring.relu(z2)))
        for z0, z1, z2, z12 in cases.values()
    )
    detail = "; ".join(cases) + "; z1, z2 <= 0, where the difference is relu(z12) >= 0"
    return step(
        r"Activation: $\mathrm{relu}(z_{12}) + \mathrm{relu}(z_0) - \mathrm{relu}(z_1) - \mathrm{relu}(z_2) \ge 0$ "
        r"if $z_0 "
        r"\le z_1, z_2 \le z_{12}$ and $z_{12} + z_0 \ge z_1 + z_2$; times $c = 1 - s \ge 0$ for slope $s$.",
        "cases",
        holds,
        detail,
    )


def prove(weight: str = "~") -> Proof:
    """Prove the lemma; ``weight="~"`` makes weights non-negative, and nothing less will do."""
    ring, (w, slack, a) = generic(f"w{weight} e~ a~")
    _, (w2, s, h0, h1, h2, h12) = generic("w S p q r t")
    steps = [
        identity(
            r"Pre-activation, induction on the units below: the excess $z_{12} + z_0 - z_1 - z_2$ of a sum is the "
            r"sum of "
            r"the excesses times their weights; biases cancel.",
            (s + w2 * h12) + (s + w2 * h0) - (s + w2 * h1) - (s + w2 * h2),
            w2 * (h12 + h0 - h1 - h2),
        ),
        step(
            r"With weights $w \ge 0$ an excess $e \ge 0$ and an increase $a \ge 0$ below stay non-negative.",
            "cases",
            ring.is_nonnegative(w * slack) and ring.is_nonnegative(w * a),
            "manifest signs",
        ),
        activation_step(),
        induction(
            r"By induction on the layers every unit is non-decreasing and supermodular in $x$: an input is, $(x + "
            r"\delta_1 + \delta_2) + x = (x + \delta_1) + (x + \delta_2)$; units below that are make the "
            r"pre-activation "
            r"and so the unit.",
            start=(h0 + s + w2) + h0 == (h0 + s) + (h0 + w2),
            step=ring.is_nonnegative(w * slack) and ring.is_nonnegative(w * a) and activation_step().holds is True,
            detail="start: inputs; step: the pre-activation and the activation, as above",
        ),
        argument(
            r"For any convex non-decreasing $\varphi$: $\varphi(z_{12}) - \varphi(z_2) \ge \varphi(z_2 + (z_1 - "
            r"z_0)) - "
            r"\varphi(z_2) \ge \varphi(z_1) - \varphi(z_0)$, by monotonicity and by increasing differences. The "
            r"linear output "
            r"is the pre-activation step alone."
        ),
        enumerated(
            "Networks 2-2-1 with hidden weights 0 or 1, biases -1 or 0, output weights 1: all pairs of steps on a "
            "grid.",
            _grid(),
            "64 networks, 36 pairs of steps at 4 points",
        ),
        enumerated(
            "A negative weight breaks it: relu(x1 - x2) at 0, steps (1, 0) and (0, 1), has excess -1.", [_broken()]
        ),
    ]
    return conclude("holds", SCOPE, steps)


def _grid() -> Iterator[tuple[object, object]]:
    shifts = list(itertools.product((0, 1, 2), repeat=2))[1:]
    for entries in itertools.product((0, 1), repeat=4):
        for biases in itertools.product((-1, 0), repeat=2):
            network = Network([[entries[:2], entries[2:]], [1, 1]], [biases, None])
            value = {
                x: dropout_output(network, x, None, ())[0] for x in itertools.product(range(6), repeat=2) if max(x) < 6
            }
            for x in itertools.product((0, 1), repeat=2):
                for one, two in itertools.combinations_with_replacement(shifts, 2):
                    both, first, second = (_sum(x, one, two), _sum(x, one), _sum(x, two))
                    yield value[both] + value[x] >= value[first] + value[second], True


def _sum(*vectors: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(map(sum, zip(*vectors, strict=True)))


def _broken() -> tuple[object, object]:
    network = Network([[[1, -1]], [1]])
    at = {x: Fraction(dropout_output(network, x, None, ())[0]) for x in ((0, 0), (1, 0), (0, 1), (1, 1))}
    return at[1, 1] + at[0, 0] - at[1, 0] - at[0, 1], Fraction(-1)


@register(
    id="helmbold-2017-lemma-12",
    title="Non-negative weights make a supermodular network",
    source="helmbold2017",
    number="Lemma 12",
    printed=r"Weights $\ge 0$ and activations convex, continuous, non-decreasing and differentiable except on a finite "
    r"set: $W(x) + W(x + \delta_1 + \delta_2) \ge W(x + \delta_1) + W(x + \delta_2)$ for $\delta_1, \delta_2 \ge 0$.",
    statement="weights >= 0 and convex non-decreasing activations: W is supermodular in its input, for any biases",
    verdict="holds",
    scope=SCOPE,
)
def lemma_12() -> Proof:
    """Prove the entry as declared."""
    return prove()
