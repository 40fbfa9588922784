"""The second-order regulariser of dropout (Wei, Kakade and Ma 2020) and its exact error.

R₂ = ½ Σ_l λ_l ⟨J_lᵀ H J_l, diag(h_l²)⟩ with J_l = ∂W(x)/∂h_l, H the Hessian of the loss in the output (2 for the
squared error) and λ_l = q_l/p_l: the Taylor expansion in the noise h ∘ (r/p − 1), whose covariance is λ diag(h²). One
circulating text prints q/(q − 1) for λ, which is negative. R₂ is exact for dropout on the last layer; for linear
networks it is the first-order part in the λ_l; for relu networks it misses whatever a dropped unit switches, however
small q is. The statement is written down and derived here; the source was not read.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import sympy

from exactdropout.data import diabetes
from exactdropout.model import Architecture, Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.numeric.float64.engine import evaluate_float64
from exactdropout.symbolic.derivation import derive
from exactdropout.symbolic.free_networks import free_network
from exactdropout.theorems.definitions import KEEP, RATE, SPREAD, integer, lam, quantity, real
from exactdropout.theorems.definitions import p as keep
from exactdropout.theorems.definitions import q as rate
from exactdropout.theorems.lemmas.masked_layer import CRITERION, MASKED_LAYER, RISK, SQUARES, pairs
from exactdropout.theorems.neighbours.arora_2021_last_layer import penalties_at_sizes
from exactdropout.theorems.neighbours.mianjy_2019_deep_linear import path_sum
from exactdropout.theorems.penalty.helmbold_2017_figure_1 import NETWORK
from exactdropout.theorems.proof import Proof, Step, argument, enumerated, step
from exactdropout.theorems.registry import register
from exactdropout.theorems.statements.derivation import ByLemma, Conclusion, Derivation, proved
from exactdropout.theorems.statements.lines import ByInduction, ByInstances, From, InWords, Line, part, say
from exactdropout.theorems.statements.ranges import Variable
from exactdropout.theorems.statements.terms import Term, equal, number, symbol, symbols

__all__ = ["prove", "second_order"]

label, j, t = symbols("y l t")

LINEAR = tuple(Architecture(2, hidden, biases=False, activation="linear") for hidden in ((2,), (2, 2)))

_OFF = 2 * rate * (2 - rate) / keep**2 - 4 * rate * label
RELU_CASES: dict[tuple[int, int], tuple[Term, Term]] = {
    (1, 1): (16 * lam, 16 * lam + 4 * lam**2),
    (2, -1): (22 * lam, (18 - 4 * label) * rate + rate**2 * (26 - 18 * rate) / keep**2),
    (1, -2): (number(0), _OFF),
    (1, -1): (number(0), _OFF),
}
"""Input of Figure 1's network: R₂ and the penalty. At the last input both units are at their kink, relu'(0) = 0."""


def second_order(network: Network, x: Sequence[Any], spreads: Sequence[Any], noise: int = 1) -> Any:
    """Return R₂ = Σ_l noise·λ_l Σ_i ‖∂W(x)/∂h_{l,i}‖² h_{l,i}² for the squared error; only ``noise=1`` is right.

    The derivative of a unit at its kink is the left one.
    """
    values, slopes = [np.array(list(x), dtype=object)], []
    for layer, weight in enumerate(network.weights[:-1]):
        z = weight @ values[-1] + network.bias(layer)
        activation = network.architecture.activations[layer]
        linear = activation.slope == 1  # symbols have no sign to ask for
        values.append(np.array([u if linear else activation(u) for u in z], dtype=object))
        slopes.append(np.array([1 if linear else activation.derivative(u) for u in z], dtype=object))
    jacobian = network.weights[-1]
    total: Any = 0
    for layer in reversed(range(len(network.weights))):
        total = total + noise * spreads[layer] * ((jacobian**2) @ values[layer] ** 2).sum()
        if layer:
            jacobian = (jacobian * slopes[layer - 1]) @ network.weights[layer - 1]
    return total


NOISE_MEAN, NOISE_SQUARE = symbol("N", 1), symbol("N", 2)
GROWTH, LINEAR_PART = symbols("P T")
CASES = {x: (symbol("X", place), symbol("S", place)) for place, x in enumerate(((1, 1), (2, -1), (1, -2)), 1)}


def _noise() -> Iterator[Mapping[Term, Any]]:
    """Yield mean and mean square of the scaled mask less 1, q free."""
    q = sympy.Symbol("q")
    masked = ((1 - q, 1 / (1 - q) - 1), (q, sympy.Integer(-1)))
    yield {NOISE_MEAN: sum(c * v for c, v in masked), NOISE_SQUARE: sum(c * v**2 for c, v in masked)}


LAST_LAYER = Derivation(
    name="second-order-last-layer",
    title="The regulariser on the last layer",
    setting=say("Dropout on the last layer only, the derivative there being the output weight"),
    quantified=(RATE, integer(pairs, 0, "the number of pairs of example and output")),
    definitions=(KEEP, SPREAD),
    quantities=(
        quantity(NOISE_MEAN, "the mean of the scaled mask less 1"),
        quantity(NOISE_SQUARE, "the mean of its square"),
        quantity(CRITERION, "the sum of mean squared errors under masks"),
        quantity(RISK, "that of squared errors without masks"),
        quantity(SQUARES, "that of squares of output weight times value"),
    ),
    lines=(
        Line(
            label="noise",
            sentence=say("A mask is {0} with probability {1} and else 0: {claim}", 1 / keep, keep),
            claim=equal(NOISE_MEAN, keep * (1 / keep - 1) - rate),
            reason=InWords(_noise, "q free"),
        ),
        Line(
            label="square",
            sentence=say("and {claim}."),
            claim=equal(NOISE_SQUARE, keep * (1 / keep - 1) ** 2 + rate),
            reason=InWords(_noise, "q free"),
        ),
        Line(
            label="penalty",
            sentence=say("By the lemma {claim}."),
            claim=equal(CRITERION, RISK + lam * SQUARES),
            reason=ByLemma(MASKED_LAYER),
        ),
    ),
    conclusions=(
        Conclusion(equal(NOISE_MEAN, 0), From((part("noise"),))),
        Conclusion(equal(NOISE_SQUARE, lam), From((part("square"),))),
        Conclusion(equal(CRITERION - RISK, NOISE_SQUARE * SQUARES), From((part("penalty"), part("square", -SQUARES)))),
    ),
)
"""The noise has mean 0 and variance λ = q/(1 − q), and the penalty is R₂."""


def _equal_weights() -> Iterator[Mapping[Term, Any]]:
    """Yield the penalty and R2 of equal weights by their definitions, label, product and sum over layers."""
    f = Fraction
    for widths, drops in (((2, 2), (f(1, 2), f(1, 3))), ((1, 2, 2), (f(1, 4), f(1, 2), f(1, 3)))):
        spreads = [drop / (1 - drop) for drop in drops]
        layers = [[[1] * lower] * upper for lower, upper in zip(widths, (*widths[1:], 1), strict=True)]
        network, x = Network(layers, activation="linear"), (1,) * widths[0]
        output = f(math.prod(widths))
        yield {
            label: output,
            PENALTY: f(naive_evaluation(network, Examples.point(x, output), drops).penalty),
            SECOND: second_order(network, x, spreads),
            GROWTH: math.prod((1 + v / w for v, w in zip(spreads, widths, strict=True)), start=f(1)),
            LINEAR_PART: sum(v / w for v, w in zip(spreads, widths, strict=True)),
        }


PENALTY, SECOND = symbol("X"), symbol("R", 2)
_EXCESS = equal(PENALTY - SECOND, label**2 * (GROWTH - 1 - LINEAR_PART))

EQUAL_WEIGHTS = Derivation(
    name="second-order-equal-weights",
    title="The regulariser of equal weights",
    setting=say("A linear network with equal weights, inputs 1 and risk 0, as in Theorem 18"),
    quantified=(real(label, "the label"), integer(j, 0, "the number of dropped layers")),
    quantities=(
        quantity(PENALTY, "the penalty"),
        quantity(SECOND, "the regulariser of second order"),
        quantity(GROWTH, "the product over layers of 1 plus relative variance over width"),
        quantity(LINEAR_PART, "the sum of these quotients"),
    ),
    auxiliary=(real(t, "the quotient of one more layer", low=0, low_in=True),),
    lines=(
        Line(
            label="penalty",
            sentence=say("As there {claim}."),
            claim=equal(PENALTY, label**2 * (GROWTH - 1)),
            reason=InWords(_equal_weights, "2-2-1 and 1-2-2-1"),
        ),
        Line(
            label="second",
            sentence=say("The terms of one dropped layer are {claim}."),
            claim=equal(SECOND, label**2 * LINEAR_PART),
            reason=InWords(_equal_weights, "2-2-1 and 1-2-2-1"),
        ),
        Line(
            label="sum",
            sentence=say("Both are not negative: {claim}"),
            claim=LINEAR_PART >= 0,
            reason=ByInduction(j, ((LINEAR_PART, number(0)),), ((LINEAR_PART, LINEAR_PART + t),), plus=(t,)),
        ),
        Line(
            label="product",
            sentence=say("and {claim}."),
            claim=GROWTH >= 1 + LINEAR_PART,
            reason=ByInduction(
                j,
                ((GROWTH, number(1)), (LINEAR_PART, number(0))),
                ((GROWTH, GROWTH * (1 + t)), (LINEAR_PART, LINEAR_PART + t)),
                factor=1 + t,
                parts=(part("sum", t),),
            ),
        ),
    ),
    conclusions=(
        Conclusion(_EXCESS, From((part("penalty"), part("second", -1)))),
        Conclusion(PENALTY >= SECOND, From((part("penalty"), part("second", -1), part("product", label**2)))),
    ),
)
"""Penalty − R₂ = y² (∏ (1 + λ_l/n_l) − 1 − Σ λ_l/n_l) ≥ 0."""


def _relu_case(x: tuple[int, int]) -> Iterator[Mapping[Term, Any]]:
    """Yield the penalty of Figure 1's network as the engine finds it, and R2, with q and y free."""
    penalty, second = CASES[x]
    q, y = sympy.symbols("q y")
    yield {
        penalty: derive(NETWORK, Examples.point(x, y), q).penalty.expr,
        second: second_order(NETWORK, x, (q / (1 - q),) * 2),
    }


def _relu_lines() -> Iterator[tuple[str, Line]]:
    for place, (x, terms) in enumerate(CASES.items(), 1):
        for name, term, claimed in zip("XS", terms, reversed(RELU_CASES[x]), strict=True):
            yield (
                f"{name}{place}",
                Line(
                    label=f"{name}{place}",
                    sentence=say("Input {0}, {1}: {claim}.", *map(number, x)),
                    claim=equal(term, claimed),
                    reason=ByInstances(partial(_relu_case, x), "q and y free", method="derivation", whole=True),
                ),
            )


_LINES = dict(_relu_lines())

RELU = Derivation(
    name="second-order-relu",
    supporting=True,
    title="The regulariser of a relu network",
    setting=say("The network of Figure 1 at three inputs"),
    quantified=(),
    definitions=(KEEP, SPREAD),
    quantities=(
        Variable(
            term=rate,
            meaning="the drop probability, free",
            kind="network",
            low=Fraction(0),
            high=Fraction(1),
            low_in=True,
        ),
        quantity(label, "the label, free"),
        *(
            quantity(term, f"the {what} at the input {x[0]}, {x[1]}")
            for x, pair in CASES.items()
            for term, what in zip(pair, ("penalty", "regulariser"), strict=True)
        ),
    ),
    lines=tuple(_LINES.values()),
    conclusions=tuple(
        Conclusion(line.claim, From((part(name),))) for name, line in _LINES.items() if line.claim is not None
    ),
)
"""R₂ and the penalty for all q and y: they differ in first order in q where a dropped unit switches another."""
DERIVATIONS = (LAST_LAYER, EQUAL_WEIGHTS, RELU)


def prove(noise: int = 1) -> Proof:
    """Prove the statements; networks are compared with noise·λ, and ``noise=-1`` is the wrong q/(q − 1)."""
    further = [
        argument(
            r"Squared error has Hessian 2, and noises of different units are uncorrelated: $R_2 = \sum_l \lambda_l "
            r"\sum_i \|J_{l,i}\|^2 h_{l,i}^2$, $J$ the derivative of the output. In a linear network the path sum "
            r"(Mianjy and Arora's entry) over sets of one layer is $R_2$, so the penalty less $R_2$ is that over sets "
            r"of two or more, not negative and of second order in the $\lambda_l$. For relu the second input shows an "
            r"error of first order in $q$, with the label: at $y = 2$ the ratio tends to $10/22$; for $y > 9/2$ the "
            r"penalty is negative for small $q$ while $R_2$ never is."
        ),
        penalties_at_sizes((Architecture(2, (2,)), Architecture(1, (2, 2))), noise),
        step(
            "Linear: penalty $= R_2$ plus the path sum over two dropped layers or more, weights, inputs and rates "
            f"free: {'; '.join(map(str, LINEAR))}.",
            "derivation",
            all(_linear(arch, noise) for arch in LINEAR),
        ),
        _trained_network(noise),
        enumerated(
            "The four relu cases, a linear and a last-layer case with given numbers.",
            _numbers(noise),
            "16 masks; q = 1/100, 1/2, 3/4; y = 8, 2",
        ),
    ]
    return proved("holds", DERIVATIONS, further)


def _linear(arch: Architecture, noise: int) -> bool:
    keeps = sympy.symbols(f"p0:{arch.depth}", positive=True)
    spreads = [(1 - p) / p for p in keeps]
    derived = derive(free_network(arch), None, [1 - p for p in keeps])
    x = derived.data.inputs[0]
    first = second_order(derived.network, x, spreads, noise)
    scale = sympy.Symbol("e")
    paths = sympy.expand(path_sum(derived.network.weights, [scale * s for s in spreads], x.reshape(-1, 1)))
    higher = sum(paths.coeff(scale, size) for size in range(2, arch.depth + 1))
    exact = sympy.expand(derived.penalty.expr - first - higher) == 0
    return bool(exact and sympy.expand(paths.coeff(scale, 1) - first) == 0)


def _trained_network(noise: int) -> Step:
    """The shipped 10-8-1 network on its 442 rows: R₂ in fractions, the penalty in float64 with its bound."""
    trained, data = diabetes()
    exact = trained.exact()
    unit: Any = sum(second_order(exact, x, (1, 1), noise) for x in data.inputs.tolist()) / len(data)
    ratios, holds = [], True
    for drop in (Fraction(1, 100), Fraction(1, 10), Fraction(1, 2), Fraction(9, 10)):
        found = evaluate_float64(trained, data, (drop, drop))
        second = unit * drop / (1 - drop)
        penalty, bound = (Fraction(float(v)) for v in (found.penalty, found.error_bounds["penalty"]))
        holds = holds and Fraction(111, 100) * second < penalty - bound and penalty + bound < Fraction(22, 10) * second
        ratios.append(float(penalty / second) if second else math.inf)
    return step(
        "The shipped relu network 10-8-1 trained on the diabetes data, all rows: the penalty exceeds $R_2$ by 11 to "
        "120 percent at $q = 1/100, 1/10, 1/2, 9/10$.",
        "bound",
        holds,
        "$2^{18}$ masks, penalty over $R_2$: " + ", ".join(f"{r:.4f}" for r in ratios),
    )


def _numbers(noise: int) -> Iterator[tuple[Any, Any]]:
    f = Fraction
    for drop in (f(1, 100), f(1, 2), f(3, 4)):
        spread = drop / (1 - drop)
        for x, (second, penalty) in RELU_CASES.items():
            for answer in (8, 2):
                values = {rate: drop, keep: 1 - drop, lam: spread, label: f(answer)}
                found = naive_evaluation(NETWORK, Examples.point(x, answer), (drop, drop)).penalty
                yield found, penalty.value(values)
                yield second_order(NETWORK, x, (spread, spread), noise), second.value(values)
        mixed = Network([[[1, -2], [3, 1]], [2, -1]], activation="linear")
        found = naive_evaluation(mixed, Examples.point((1, 2), 3), (drop, drop)).penalty
        paths = spread**2 * sum(
            (u * w * v) ** 2
            for u, row in zip((2, -1), mixed.weights[0].tolist(), strict=True)
            for w, v in zip(row, (1, 2), strict=True)
        )
        yield found, second_order(mixed, (1, 2), (spread, spread), noise) + paths
        last = naive_evaluation(NETWORK, Examples.point((2, -1), 3), (f(0), drop)).penalty
        yield last, second_order(NETWORK, (2, -1), (f(0), spread), noise)


@register(
    id="wei-2020-second-order",
    title="The second-order regulariser of dropout and its exact error",
    source="wei2020",
    number="explicit regulariser (our derivation; source not read)",
    derivations=DERIVATIONS,
    verdict="holds",
    source_read=False,
)
def second_order_regulariser() -> Proof:
    """Prove the entry as declared."""
    return prove()
