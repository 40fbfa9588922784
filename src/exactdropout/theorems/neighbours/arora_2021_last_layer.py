"""Dropout on the last layer only (Arora, Bartlett, Mianjy and Srebro 2021): an explicit, label-free regulariser.

For any features a(x), with dropout only between a(x) and the output U: J_D = R + λ Σ_j ‖U(:, j)‖² â_j²,
â_j² = E a_j(x)². The statement is written down and derived here; the source was not read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import sympy

from exactdropout.model import Architecture, Examples, Network
from exactdropout.numeric.definition import masks, naive_evaluation
from exactdropout.symbolic.derivation import derive
from exactdropout.symbolic.free_networks import free_network
from exactdropout.symbolic.ring.ring import ReluPolynomial
from exactdropout.symbolic.ring.to_sympy import to_sympy
from exactdropout.theorems.definitions import KEEP, RATE, SPREAD, lam, q, quantity, real
from exactdropout.theorems.lemmas.noise_moments import (
    FIRST_SUM,
    MEAN_S,
    MEAN_ST,
    PRODUCTS,
    SECOND_SUM,
    SUM_MOMENTS,
    sums_under_masks,
)
from exactdropout.theorems.proof import Proof, Step, argument, enumerated, step
from exactdropout.theorems.registry import register
from exactdropout.theorems.statements.derivation import ByLemma, Conclusion, Derivation, proved
from exactdropout.theorems.statements.lines import From, InWords, Line, part, say
from exactdropout.theorems.statements.terms import Term, equal, symbol, symbols

__all__ = ["penalty_at_size", "prove"]

SIZES = (Architecture(2, (2,)), Architecture(2, (3,), outputs=2), Architecture(2, (2, 2)))


y, b, J, A, Q = symbols("y b J A Q")
MEAN, SQUARE = symbol("M", 1), symbol("M", 2)


def _sums() -> Iterator[Mapping[Term, Any]]:
    """Yield the mean squared error of a masked sum with bias and label, by listing all masks."""
    f = Fraction
    for terms, bias, label in (((f(2),), f(1), f(3)), ((f(1), f(-3)), f(0), f(2)), ((f(1), f(2), f(5)), f(-1), f(0))):
        for rate in (f(1, 2), f(1, 3)):
            mean, _, square = sums_under_masks(terms, terms, rate)
            error = f(0)
            for mask, chance in masks(Network([[1] * len(terms)]), (rate,)):
                kept = sum((t * bit for t, bit in zip(terms, mask[0], strict=True)), f(0)) / (1 - rate)
                error += chance * (kept + bias - label) ** 2
            yield {
                q: rate,
                y: label,
                b: bias,
                J: error,
                MEAN: mean,
                SQUARE: square,
                A: sum(terms, f(0)),
                Q: sum((t * t for t in terms), f(0)),
            }


_TRIED = "all masks of one, two and three features; q = 1/2, 1/3"
_PENALTY = equal(J, (A + b - y) ** 2 + lam * Q)

LAST_LAYER_PENALTY = Derivation(
    name="last-layer-penalty",
    title="Dropout on the last layer is an explicit regulariser",
    setting=say("Any features of an input, dropout on the output layer only, one output"),
    quantified=(RATE, real(y, "the label"), real(b, "the output bias")),
    definitions=(KEEP, SPREAD),
    quantities=(
        quantity(J, "the mean squared error over the masks of the features"),
        quantity(MEAN, "the mean of the masked sum of output weights times features"),
        quantity(SQUARE, "the mean of its square"),
        quantity(A, "this sum without masks"),
        quantity(Q, "the sum of the squares of output weights times features"),
    ),
    lines=(
        Line(
            label="mean",
            sentence=say("The features carry no mask of this layer; by Lemma 5 {claim}"),
            claim=equal(MEAN, A),
            reason=ByLemma(SUM_MOMENTS, renamed=((MEAN_S, MEAN), (FIRST_SUM, A)), tried=_sums, described=_TRIED),
        ),
        Line(
            label="square",
            sentence=say("and {claim}."),
            claim=equal(SQUARE, A**2 + lam * Q),
            reason=ByLemma(
                SUM_MOMENTS,
                renamed=((MEAN_ST, SQUARE), (FIRST_SUM, A), (SECOND_SUM, A), (PRODUCTS, Q)),
                tried=_sums,
                described=_TRIED,
            ),
        ),
        Line(
            label="error",
            sentence=say("The mean is linear: {claim}."),
            claim=equal(J, SQUARE + 2 * (b - y) * MEAN + (b - y) ** 2),
            reason=InWords(_sums, _TRIED),
        ),
        Line(
            label="penalty",
            sentence=say("Together {claim}."),
            claim=_PENALTY,
            reason=From((part("error"), part("square"), part("mean", 2 * (b - y)))),
        ),
    ),
    conclusions=(Conclusion(_PENALTY, From((part("penalty"),))),),
)
"""E (S + b − y)² = (A + b − y)² + λ Q."""
DERIVATIONS = (LAST_LAYER_PENALTY,)


def prove(noise: int = 1) -> Proof:
    """Prove the regulariser; the networks are compared with noise·λ Σ_j ‖U(:, j)‖² â_j², and only 1 works."""
    further = [
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
    return proved("holds", DERIVATIONS, further)


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
    printed=r"Features $a(x)$, dropout before the output layer $U$ only: $J_D = R + \frac qp \sum_j \|U(:,j)\|^2 \hat "
    r"a_j^2$, "
    r"$\hat a_j^2 = E a_j(x)^2$.",
    derivations=DERIVATIONS,
    verdict="holds",
    source_read=False,
)
def last_layer() -> Proof:
    """Prove the entry as declared."""
    return prove()
