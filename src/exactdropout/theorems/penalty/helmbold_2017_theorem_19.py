"""Theorem 19 of Helmbold and Long (2017): the penalty can be negative, and where signs forbid it.

Printed: for a negative penalty a weight, an input or a bias must be negative. Proved, a little sharper: if all hidden
weights, hidden biases and inputs are ≥ 0, the penalty is Var_R D ≥ 0, whatever the output weights and output bias.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction

import sympy

from exactdropout.model import Architecture, Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.symbolic.derivation import derive
from exactdropout.symbolic.free_networks import free_examples, free_network
from exactdropout.theorems.generic_symbols import generic, identity
from exactdropout.theorems.lemmas.sum_inequalities import mean_of_squares
from exactdropout.theorems.penalty.helmbold_2017_figure_1 import NETWORK, POINT
from exactdropout.theorems.proof import Proof, Step, argument, conclude, enumerated, induction, step
from exactdropout.theorems.registry import register

__all__ = ["prove"]

SIZES = (Architecture(2, (2,)), Architecture(2, (2, 2)), Architecture(1, (1, 1, 1)), Architecture(2, (2,), outputs=2))
SCOPE = "all sizes and depths, any q, any distribution"
HALF = Fraction(1, 2)

WITNESSES = {
    "only an input is negative": (NETWORK, POINT),
    "only weights are negative": (Network([[[1, -1], [1, -1]], [1, 1]]), Examples.point((1, 1), 8)),
    "only a hidden bias is negative": (Network([[[1]], [1]], [[-1], None]), Examples.point((1,), 2)),
}


def prove(*, hidden_sign: str = "~") -> Proof:
    """Prove both halves; ``hidden_sign="~"`` assumes non-negative hidden weights, and nothing less will do."""
    steps = [
        enumerated(
            "The penalty can be negative: Figure 1 has penalty -10, and witnesses where only an input, only weights or "
            "only a hidden bias are negative.",
            _witnesses(),
            "16, 16 and 4 masks, q = 1/2",
        ),
        *_units_are_linear(hidden_sign),
        *_mean_is_undropped(),
        *_penalty_is_variance(),
    ]
    for arch in SIZES:
        steps.append(
            step(
                "With free non-negative hidden weights, hidden biases and inputs, and free output weights, output "
                f"bias, label and q: penalty = variance, E D = W(x): {arch}.",
                "derivation",
                _bias_vanishes(arch, hidden_sign == "~"),
            )
        )
    steps.append(
        enumerated(
            "Every network 2-2-1 with hidden weights and inputs in {0, 1}, hidden biases in {0, 1/2} and a negative "
            "output bias: penalty = variance, at least 0.",
            _small_networks(),
            "128 networks, 16 masks each, q = 1/3",
        )
    )
    return conclude("holds", SCOPE, steps)


def _witnesses() -> Iterator[tuple[object, object]]:
    for network, data in WITNESSES.values():
        yield naive_evaluation(network, data, (HALF, HALF)).penalty < 0, True
    yield naive_evaluation(NETWORK, POINT, (HALF, HALF)).penalty, Fraction(-10)


def _units_are_linear(sign: str) -> list[Step]:
    ring, (total, w, u, b, p) = generic(f"S~ w{sign} u~ b~ p+")
    return [
        step(
            "A kept value is a non-negative one times $1/p$, a dropped one is 0: both are non-negative.",
            "cases",
            all(ring.is_nonnegative(v) for v in (p * u, ring.zero)),
            "r = 1, with p for 1/p; r = 0",
        ),
        step(
            r"Pre-activations are non-negative, by induction on the units below: it starts at $b \ge 0$, and $S \ge 0$ "
            r"gives $S + w u \ge 0$.",
            "cases",
            ring.is_nonnegative(b) and ring.is_nonnegative(total + w * u),
            "manifest signs",
        ),
        step(
            r"There $\mathrm{relu}(z) = z$, and the unit's value is again non-negative.",
            "cases",
            ring.relu(total + w * u) == total + w * u,
            "manifest signs",
        ),
        induction(
            "By induction on the layers every hidden unit is linear on every masked input, for every pattern and at "
            "all sizes.",
            start=ring.is_nonnegative(u) and ring.is_nonnegative(p * u),
            step=ring.is_nonnegative(total + w * (p * u) + b) and ring.relu(total + w * (p * u)) == total + w * (p * u),
            detail="start: inputs are non-negative; step: non-negative values below give one, by the steps above",
        ),
    ]


def _mean_is_undropped() -> list[Step]:
    p = sympy.Symbol("p", positive=True)
    return [
        step(
            r"$E[r/p] = (1-p) \cdot 0 + p \cdot 1/p = 1$.",
            "identity",
            sympy.cancel((1 - p) * (0 / p) + p * (1 / p)) == 1,
        ),
        argument(
            "A unit's value depends on masks of lower layers only, so it is independent of its own mask and "
            r"$E[h'\, r/p] = E h' \cdot E[r/p] = E h'$. With linear units and linearity of the mean, induction on the "
            r"layers gives $E_R \mathcal D = W(x)$ (Baldi and Sadowski's argument for linear networks)."
        ),
    ]


def _penalty_is_variance() -> list[Step]:
    _, (m1, m2, out, y) = generic("m1 m2 W y")
    loss, risk = m2 - 2 * y * m1 + y * y, (out - y) ** 2
    return [
        identity(
            r"With $m_1 = E\mathcal D$, $m_2 = E\mathcal D^2$: $(m_2 - 2 y m_1 + y^2) - (W - y)^2 = (m_2 - m_1^2) + "
            r"(m_1 - W)(m_1 + W - 2y)$.",
            loss - risk,
            (m2 - m1 * m1) + (m1 - out) * (m1 + out - 2 * y),
        ),
        mean_of_squares(
            r"With $m_1 = W(x)$ the penalty of an example is $\mathrm{Var}_R \mathcal D \ge 0$; averaging over "
            "examples and adding over outputs keeps that."
        ),
    ]


def _bias_vanishes(arch: Architecture, nonnegative: bool) -> bool:
    free = free_network(arch, nonnegative=nonnegative)
    biases = [
        [sympy.Symbol(f"{s}p", nonnegative=nonnegative or None) for s in b] for b in free.biases[:-1] if b is not None
    ]
    signed = free_network(arch)
    network = Network([*free.weights[:-1], signed.weights[-1]], [*biases, free.biases[-1]])
    data = free_examples(arch.inputs, arch.outputs, nonnegative=nonnegative)
    derived = derive(network, data)
    difference = sympy.expand(derived.penalty.expr - derived.variance.expr) if arch.depth == 2 else sympy.S.Zero
    return derived.bias.is_identically_zero() and sympy.cancel(difference) == 0


def _small_networks() -> Iterator[tuple[object, object]]:
    for entries in itertools.product((0, 1), repeat=7):
        w, x, half_bias = entries[:4], entries[4:6], Fraction(entries[6], 2)
        network = Network([[w[:2], w[2:]], [2, -1]], [[half_bias, half_bias], -3])
        result = naive_evaluation(network, Examples.point(x, 5), (Fraction(1, 3),) * 2)
        yield (result.penalty, result.penalty >= 0), (result.variance, True)


@register(
    id="helmbold-2017-theorem-19",
    title="The penalty can be negative, but not without a negative number",
    source="helmbold2017",
    number="Theorem 19",
    printed=r"$J_D - R < 0$ is possible; it needs a negative weight, input or bias.",
    statement="the penalty can be negative; with hidden weights, hidden biases and inputs >= 0 it is Var D >= 0",
    verdict="holds",
    scope=SCOPE,
    correction=r"In the printed display the first term is $(E_R \mathcal D - y)^2$; its parenthesis is closed nowhere.",
)
def theorem_19() -> Proof:
    """Prove the entry as declared."""
    return prove()
