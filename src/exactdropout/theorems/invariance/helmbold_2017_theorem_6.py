"""Theorem 6 of Helmbold and Long (2017): labels × c multiply the dropout aversion by c².

Scaling the output weights and the output bias by c is a bijection of networks for c ≠ 0 (its inverse scales by 1/c)
and multiplies D and W(x) by c, so criterion and risk on the scaled labels are c² times those on the old ones.
"""

from __future__ import annotations

from fractions import Fraction

import sympy

from exactdropout.model import Architecture, Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.symbolic.derivation import derive
from exactdropout.symbolic.free_networks import free_examples, free_network
from exactdropout.theorems.generic_symbols import generic, identity
from exactdropout.theorems.proof import Proof, by_rule, conclude, enumerated, step
from exactdropout.theorems.registry import register

__all__ = ["prove"]

SIZES = (Architecture(2, (2,)), Architecture(2, (2, 2)), Architecture(1, (2,), outputs=2))
SCOPE = "all sizes and depths, any q, any distribution, any c not 0"
SCALE, WEIGHT = sympy.symbols("c w", nonzero=True)


def prove(power: int = 2) -> Proof:
    """Prove that criterion and risk are multiplied by c^power; only the power 2 works."""
    _, (c, w, m, total, d, y) = generic("c w m S D y")
    same = (c * d - c * y) ** 2 == c**power * (d - y) ** 2
    steps = [
        identity(
            r"Output layer, induction on its inputs: it starts at the bias, $b' = c b$, and $S' = c S$ gives "
            r"$S' + (c w)\, h r/p = c\, (S + w h r/p)$ with $m = h r/p$ of any value.",
            c * total + (c * w) * m,
            c * (total + w * m),
        ),
        identity(
            rf"$(\mathcal D' - c y)^2 = c^{{{power}}} (\mathcal D - y)^2$ with $\mathcal D' = c \mathcal D$; the same "
            "identity with $W(x)$ for $\\mathcal D$.",
            (c * d - c * y) ** 2,
            c**power * (d - y) ** 2,
        ),
        by_rule(
            rf"Averaging over masks and examples, $J' = c^{power} J$ and $R' = c^{power} R$ at corresponding networks. "
            r"For $c \ne 0$ the map is a bijection with inverse $1/c$, so minimisers correspond, "
            rf"$\inf R' = c^{power} \inf R$, and the aversion, a largest difference of risks, is multiplied by "
            rf"$c^{power}$.",
            "bijection",
            {"(w c)/c = w": sympy.cancel(SCALE * WEIGHT / SCALE - WEIGHT) == 0, "the mean is linear, see above": same},
        ),
    ]
    for arch in SIZES:
        steps.append(
            step(
                rf"With all weights, inputs, labels and $c$ free: $J' = c^{power} J$, $R' = c^{power} R$: {arch}.",
                "derivation",
                _scaled_by(arch, power),
            )
        )
    steps.append(
        enumerated(
            "A network and labels with given numbers, c = 3/2 and c = -2.",
            [pair for c in (Fraction(3, 2), Fraction(-2)) for pair in _numbers(c, power)],
            "16 masks each, q = 1/3",
        )
    )
    return conclude("holds", SCOPE, steps)


def _scaled_by(arch: Architecture, power: int) -> bool:
    c = sympy.Symbol("c_0", real=True)
    network, data = free_network(arch), free_examples(arch.inputs, arch.outputs)
    last = network.biases[-1]
    assert last is not None
    scaled = Network([*network.weights[:-1], network.weights[-1] * c], [*network.biases[:-1], last * c])
    moved = Examples.from_arrays(data.inputs, data.labels * c)
    q = Fraction(1, 2)
    before, after = derive(network, data, q), derive(scaled, moved, q)
    return all(
        sympy.expand(g.expr - c**power * f.expr) == 0
        for f, g in ((before.criterion, after.criterion), (before.risk, after.risk))
    )


def _numbers(c: Fraction, power: int) -> list[tuple[Fraction, Fraction]]:
    weights, biases = [[1, -2], [Fraction(1, 2), 3]], [Fraction(1, 3), -1]
    rates = (Fraction(1, 3),) * 2
    before = naive_evaluation(
        Network([weights, [3, -2]], [biases, Fraction(1, 2)]), Examples.half((Fraction(3, 2), -1), 2), rates
    )
    after = naive_evaluation(
        Network([weights, [3 * c, -2 * c]], [biases, c / 2]), Examples.half((Fraction(3, 2), -1), 2 * c), rates
    )
    return [(c**power * before.criterion, after.criterion), (c**power * before.risk, after.risk)]


@register(
    id="helmbold-2017-theorem-6",
    title="Scaling the labels scales the dropout aversion by the square",
    source="helmbold2017",
    number="Theorem 6",
    printed=r"Labels times $c > 0$: $\mathrm{aversion}(P') = c^2\, \mathrm{aversion}(P)$.",
    statement="multiplying the labels by c multiplies criterion, risk and aversion by c^2, for every c not 0",
    verdict="holds",
    scope=SCOPE,
)
def theorem_6() -> Proof:
    """Prove the entry as declared."""
    return prove()
