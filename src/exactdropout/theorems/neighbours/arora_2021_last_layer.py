"""Dropout on the last layer only (Arora, Bartlett, Mianjy and Srebro 2021): an explicit, label-free regulariser.

For any features a(x), with dropout only between a(x) and the output U: J_D = R + λ Σ_j ‖U(:, j)‖² â_j²,
â_j² = E a_j(x)². The statement is written down and derived here; the source was not read.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import sympy

from exactdropout.model import Architecture, Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.symbolic.derivation import derive
from exactdropout.symbolic.free_networks import free_network
from exactdropout.symbolic.ring.ring import ReluPolynomial
from exactdropout.symbolic.ring.to_sympy import to_sympy
from exactdropout.theorems.generic_symbols import generic, identity
from exactdropout.theorems.lemmas.noise_moments import sum_moments
from exactdropout.theorems.proof import Proof, Step, argument, conclude, enumerated, step
from exactdropout.theorems.registry import register

__all__ = ["penalty_at_size", "prove"]

SCOPE = "all widths, depths and numbers of outputs, any features, any q, any distribution with finite moments"
SIZES = (Architecture(2, (2,)), Architecture(2, (3,), outputs=2), Architecture(2, (2, 2)))


def prove(noise: int = 1) -> Proof:
    """Prove the regulariser noise·λ Σ_j ‖U(:, j)‖² â_j²; only ``noise=1`` works."""
    _, (mean, square, y, b, lam) = generic("A Q y b L")
    second = mean**2 + noise * lam * square
    steps = [
        *sum_moments(),
        argument(
            r"The features $a = a(x)$ carry no mask. For one output take $a_j u_j$ as the terms: $E S = u \cdot a$ "
            r"and $E S^2 "
            r"= (u \cdot a)^2 + \lambda \sum_j u_j^2 a_j^2$."
        ),
        identity(
            r"One output with bias and label, $A = u \cdot a$, $Q = \sum_j u_j^2 a_j^2$: $E (S + b - y)^2 = E S^2 + 2 "
            r"(b - y) "
            r"E S + (b - y)^2 = (A + b - y)^2 + \lambda Q$.",
            second + 2 * (b - y) * mean + (b - y) ** 2,
            (mean + b - y) ** 2 + noise * lam * square,
        ),
        argument(
            r"Sum over outputs: $\sum_o u_{oj}^2 = \|U(:,j)\|^2$. Mean over examples: $E a_j(x)^2 = \hat a_j^2$. The "
            r"regulariser has no label in it, for relu features as for any others."
        ),
        *(penalty_at_size(arch, noise) for arch in SIZES),
        enumerated(
            "A network 2-2-2-2 with relu and biases on three examples, dropout at the last hidden layer: by the "
            "formula, mask "
            "by mask.",
            _numbers(noise),
            "64 masks, q = (0, 0, 1/3) and (0, 0, 3/4)",
        ),
    ]
    return conclude("holds", SCOPE, steps)


def penalty_at_size(arch: Architecture, noise: int = 1) -> Step:
    """Check the regulariser for one architecture with every weight, bias, input and label free."""
    p = sympy.Symbol("p", positive=True)
    derived = derive(free_network(arch), None, [*[0] * (arch.depth - 1), 1 - p])
    ring = derived.criterion.ring
    values: list[ReluPolynomial] = [ring.element(x) for x in derived.data.inputs[0]]
    for layer, weight in enumerate(derived.network.weights[:-1]):
        bias = derived.network.bias(layer)
        values = [
            ring.relu(sum((ring.element(w) * v for w, v in zip(row, values, strict=True)), ring.element(b)))
            for row, b in zip(weight.tolist(), bias, strict=True)
        ]
    total = ring.zero
    for row in derived.network.weights[-1].tolist():
        for u, a in zip(row, values, strict=True):
            total = total + ring.element(u) ** 2 * a**2
    found = derived.penalty.expr
    return step(
        rf"Penalty $= \lambda \sum_j \|U(:,j)\|^2 a_j^2$ with all symbols free: {arch}.",
        "derivation",
        sympy.expand(found - noise * (1 - p) / p * to_sympy(total)) == 0,
    )


def _numbers(noise: int) -> Iterator[tuple[Any, Any]]:
    f = Fraction
    network = Network(
        [[[1, -1], [2, f(1, 2)]], [[1, -2], [f(1, 3), 1]], [[3, 1], [-1, 2]]], [[f(1, 2), -1], [1, 0], [0, 1]]
    )
    data = Examples([((1, 2), (3, 1)), ((-1, 1), (0, 2)), ((2, -1), (1, 1))])
    for q in (f(1, 3), f(3, 4)):
        found = naive_evaluation(network, data, (f(0), f(0), q))
        total = f(0)
        for x in data.inputs.tolist():
            values = x
            for weight, bias in zip(network.weights[:-1], network.biases[:-1], strict=True):
                assert bias is not None
                values = [max(z, f(0)) for z in weight @ values + bias]
            total += sum(
                u * u * a * a for row in network.weights[-1].tolist() for u, a in zip(row, values, strict=True)
            )
        yield found.penalty, noise * q / (1 - q) * total / len(data)


@register(
    id="arora-2021-last-layer",
    title="Dropout on the last layer is an explicit regulariser",
    source="arora2021",
    number="last layer (our derivation; source not read)",
    printed=r"Features $a(x)$, dropout before the output layer $U$ only: $J_D = R + \frac qp \sum_j \|U(:,j)\|^2 \hat "
    r"a_j^2$, "
    r"$\hat a_j^2 = E a_j(x)^2$.",
    statement="dropout on the last layer only: J_D = R + q/(1-q) sum_j |U(:,j)|^2 E a_j^2, for any features",
    verdict="holds",
    scope=SCOPE,
    source_read=False,
)
def last_layer() -> Proof:
    """Prove the entry as declared."""
    return prove()
