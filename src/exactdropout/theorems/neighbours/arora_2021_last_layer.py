"""Dropout on the last layer only (Arora, Bartlett, Mianjy and Srebro 2021): an explicit, label-free regulariser.

For any features a(x), with dropout only between a(x) and the output U: J_D = R + λ Σ_j ‖U(:, j)‖² â_j²,
â_j² = E a_j(x)². The statement is written down and derived here; the source was not read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import sympy

from exactdropout.model import Architecture, Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.symbolic.derivation import derive
from exactdropout.symbolic.free_networks import free_network
from exactdropout.symbolic.ring.ring import ReluPolynomial
from exactdropout.symbolic.ring.to_sympy import to_sympy
from exactdropout.theorems.definitions import KEEP, RATE, SPREAD, integer, lam, quantity
from exactdropout.theorems.lemmas.masked_layer import CRITERION, MASKED_LAYER, RISK, SQUARES, pairs
from exactdropout.theorems.proof import Proof, Step, enumerated, step
from exactdropout.theorems.registry import register
from exactdropout.theorems.statements.derivation import ByLemma, Conclusion, Derivation, proved
from exactdropout.theorems.statements.lines import say
from exactdropout.theorems.statements.terms import equal

__all__ = ["penalties_at_sizes", "prove"]

SIZES = (Architecture(2, (2,)), Architecture(2, (3,), outputs=2), Architecture(2, (2, 2)))


LAST_LAYER_PENALTY = Derivation(
    name="last-layer-penalty",
    title="Dropout on the last layer is an explicit regulariser",
    setting=say("Any features of an input, dropout on the output layer only, {0} pairs of example and output", pairs),
    quantified=(RATE, integer(pairs, 0, "the number of pairs")),
    definitions=(KEEP, SPREAD),
    quantities=(
        quantity(CRITERION, "the sum of mean squared errors under masks"),
        quantity(RISK, "that of squared errors without masks"),
        quantity(SQUARES, "that of squares of output weight times feature"),
    ),
    conclusions=(Conclusion(equal(CRITERION, RISK + lam * SQUARES), ByLemma(MASKED_LAYER)),),
)
"""J = R + λ Σ u_oj² a_j², without a label in the penalty."""
DERIVATIONS = (LAST_LAYER_PENALTY,)


def prove(noise: int = 1) -> Proof:
    """Prove the regulariser; the networks are compared with noise·λ Σ_j ‖U(:, j)‖² â_j², and only 1 works."""
    further = [
        penalties_at_sizes(SIZES, noise),
        enumerated(
            "A network 2-2-2-2 with relu and biases on three examples, dropout at the last hidden layer.",
            _numbers(noise),
            "64 masks, q = (0, 0, 1/3) and (0, 0, 3/4)",
        ),
    ]
    return proved("holds", DERIVATIONS, further)


def penalties_at_sizes(sizes: Sequence[Architecture], noise: int = 1) -> Step:
    """Check the regulariser for some architectures with every weight, bias, input and label free."""
    return step(
        rf"Penalty $= \lambda \sum_j \|U(:,j)\|^2 a_j^2$ with all symbols free: {'; '.join(map(str, sizes))}.",
        "derivation",
        all(_penalty_at_size(arch, noise) for arch in sizes),
    )


def _penalty_at_size(arch: Architecture, noise: int) -> bool:
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
    return bool(sympy.expand(found - noise * (1 - p) / p * to_sympy(total)) == 0)


def _numbers(noise: int) -> Iterator[tuple[Any, Any]]:
    f = Fraction
    network = Network(
        [[[1, -1], [2, f(1, 2)]], [[1, -2], [f(1, 3), 1]], [[3, 1], [-1, 2]]], [[f(1, 2), -1], [1, 0], [0, 1]]
    )
    data = Examples([((1, 2), (3, 1)), ((-1, 1), (0, 2)), ((2, -1), (1, 1))])
    for rate in (f(1, 3), f(3, 4)):
        found = naive_evaluation(network, data, (f(0), f(0), rate))
        total = f(0)
        for x in data.inputs.tolist():
            values = x
            for weight, bias in zip(network.weights[:-1], network.biases[:-1], strict=True):
                assert bias is not None
                values = [max(z, f(0)) for z in weight @ values + bias]
            total += sum(
                u * u * a * a for row in network.weights[-1].tolist() for u, a in zip(row, values, strict=True)
            )
        yield found.penalty, noise * rate / (1 - rate) * total / len(data)


@register(
    id="arora-2021-last-layer",
    title="Dropout on the last layer is an explicit regulariser",
    source="arora2021",
    number="last layer (our derivation; source not read)",
    derivations=DERIVATIONS,
    verdict="holds",
    source_read=False,
)
def last_layer() -> Proof:
    """Prove the entry as declared."""
    return prove()
