"""The second-order regulariser of dropout (Wei, Kakade and Ma 2020) and its exact error.

R₂ = ½ Σ_l λ_l ⟨J_lᵀ H J_l, diag(h_l²)⟩ with J_l = ∂W(x)/∂h_l, H the Hessian of the loss in the output (2 for the
squared error) and λ_l = q_l/p_l: the Taylor expansion in the noise h ∘ (r/p − 1), whose covariance is λ diag(h²). One
circulating text prints q/(q − 1) for λ, which is negative. R₂ is exact for dropout on the last layer; for linear
networks it is the first-order part in the λ_l; for relu networks it misses whatever a dropped unit switches, however
small q is. The statement is written down and derived here; the source was not read.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import sympy

from exactdropout.data import diabetes
from exactdropout.model import Architecture, Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.numeric.float64.engine import evaluate_float64
from exactdropout.symbolic.derivation import derive
from exactdropout.symbolic.free_networks import free_network
from exactdropout.theorems.generic_symbols import generic, identity
from exactdropout.theorems.lemmas.noise_moments import sum_moments
from exactdropout.theorems.neighbours.arora_2021_last_layer import penalties_at_sizes
from exactdropout.theorems.neighbours.mianjy_2019_deep_linear import path_sum
from exactdropout.theorems.penalty.helmbold_2017_figure_1 import NETWORK
from exactdropout.theorems.proof import Proof, Step, argument, conclude, enumerated, step
from exactdropout.theorems.registry import register

__all__ = ["prove", "second_order"]

SCOPE = (
    "last layer: all networks; linear without biases: all sizes; relu: Figure 1's network, all q and y; a trained one"
)
q, y = sympy.Symbol("q"), sympy.Symbol("y")
SPREAD = q / (1 - q)

LINEAR = tuple(Architecture(2, hidden, biases=False, activation="linear") for hidden in ((2,), (2, 2)))

RELU_CASES: dict[tuple[int, int], tuple[Any, Any, str]] = {
    (1, 1): (16 * SPREAD, 4 * SPREAD**2, "no unit ever switches: the error is the term of two dropped layers"),
    (2, -1): (22 * SPREAD, 2 * q * (9 - 5 * q) / (1 - q) ** 2 - 4 * q * y - 22 * SPREAD, "no kink at x itself"),
    (1, -2): (sympy.S.Zero, 2 * q * (2 - q) / (1 - q) ** 2 - 4 * q * y, "all units are off at x: R2 = 0"),
    (1, -1): (sympy.S.Zero, 2 * q * (2 - q) / (1 - q) ** 2 - 4 * q * y, "the kink of Figure 1, relu'(0) = 0: R2 = 0"),
}
"""Input of Figure 1's network: R₂, exact penalty minus R₂, and a remark."""


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


def prove(noise: int = 1) -> Proof:
    """Prove the statements with noise·λ for λ; ``noise=-1`` is the wrong q/(q − 1) and is not proved."""
    p = sympy.Symbol("p", positive=True)
    _, (j, h, eta) = generic("J h e")
    steps = [
        step(
            r"The noise $h (r/p - 1)$ has mean 0 and variance $\lambda h^2$: $q \cdot 1 + p (1/p - 1)^2 = q/p = "
            r"q/(1-q)$, "
            r"which is positive.",
            "identity",
            sympy.cancel((1 - p) + p * (1 / p - 1) ** 2 - noise * (1 - p) / p) == 0,
        ),
        identity(
            r"Squared error, $H = 2$: $\frac12 H (J h \eta)^2 = J^2 h^2 \eta^2$ per unit; noises of different units "
            r"are "
            r"uncorrelated, so $R_2 = \sum_l \lambda_l \sum_i \|J_{l,i}\|^2 h_{l,i}^2$.",
            (j * h * eta) ** 2,
            j**2 * h**2 * eta**2,
        ),
        *sum_moments(),
        argument(
            r"Dropout on the last layer only: $J$ is the output weight, and the penalty is $\lambda \sum_i u_i^2 "
            r"h_i^2 = R_2$ "
            "for every network and every label."
        ),
        penalties_at_sizes((Architecture(2, (2,)), Architecture(1, (2, 2))), noise),
        argument(
            r"Linear networks: in the path sum (Mianjy and Arora's entry) the sets $S$ of one layer give $R_2$, so "
            r"penalty $- "
            r"R_2$ is the sum over $S$ of two layers or more. It is non-negative and of second order in the "
            r"$\lambda_l$; at "
            r"Theorem 18's equal weights it is $y^2 (\prod_l (1 + \lambda_l/n_l) - 1 - \sum_l \lambda_l/n_l)$."
        ),
        *(_linear(arch, noise) for arch in LINEAR),
        *(_relu(x, noise) for x in RELU_CASES),
        _first_order(),
        argument(
            r"So for relu networks the error is of first order in $q$ and has the label in it: there, at $y = W(x) = "
            r"2$, the "
            r"penalty over $R_2$ tends to $10/22$, and for $y > 9/2$ the penalty is negative for small $q$ while "
            r"$R_2$ never is."
        ),
        _trained_network(noise),
        enumerated(
            "The four relu cases, and a linear and a last-layer case with given numbers, mask by mask.",
            _numbers(noise),
            "16 masks; q = 1/100, 1/2, 3/4; y = 8, 2",
        ),
    ]
    return conclude("holds", SCOPE, steps)


def _linear(arch: Architecture, noise: int) -> Step:
    keeps = sympy.symbols(f"p0:{arch.depth}", positive=True)
    spreads = [(1 - p) / p for p in keeps]
    derived = derive(free_network(arch), None, [1 - p for p in keeps])
    x = derived.data.inputs[0]
    first = second_order(derived.network, x, spreads, noise)
    scale = sympy.Symbol("e")
    paths = sympy.expand(path_sum(derived.network.weights, [scale * s for s in spreads], x.reshape(-1, 1)))
    higher = sum(paths.coeff(scale, size) for size in range(2, arch.depth + 1))
    return step(
        "Linear: penalty $= R_2$ plus the path sum over two dropped layers or more, with all weights, inputs and "
        "rates free: "
        f"{arch}.",
        "derivation",
        sympy.expand(derived.penalty.expr - first - higher) == 0 and sympy.expand(paths.coeff(scale, 1) - first) == 0,
    )


def _relu(x: tuple[int, int], noise: int) -> Step:
    claimed, error, remark = RELU_CASES[x]
    penalty = derive(NETWORK, Examples.point(x, y), q).penalty.expr
    found = second_order(NETWORK, x, (SPREAD, SPREAD), noise)
    return step(
        rf"Figure 1's network at $x = {x}$: $R_2 = {sympy.latex(claimed)}$, penalty $- R_2 = "
        rf"{sympy.latex(sympy.factor(error))}$ for all $q$ and $y$.",
        "derivation",
        sympy.cancel(found - claimed) == 0 and sympy.cancel(penalty - claimed - error) == 0,
        remark,
    )


def _first_order() -> Step:
    claimed, error, _ = RELU_CASES[2, -1]
    slopes = [sympy.expand(sympy.diff(f, q).subs(q, 0)) for f in (claimed + error, claimed)]
    return step(
        r"At $x = (2, -1)$ the penalty is $(18 - 4y) q + O(q^2)$ and $R_2 = 22 q + O(q^2)$.",
        "derivation",
        slopes == [18 - 4 * y, 22],
    )


def _trained_network(noise: int) -> Step:
    """The shipped 10-8-1 network on its 442 rows: R₂ in fractions, the penalty in float64 with its bound."""
    trained, data = diabetes()
    exact = trained.exact()
    unit: Any = sum(second_order(exact, x, (1, 1), noise) for x in data.inputs.tolist()) / len(data)
    ratios, holds = [], True
    for rate in (Fraction(1, 100), Fraction(1, 10), Fraction(1, 2), Fraction(9, 10)):
        found = evaluate_float64(trained, data, (rate, rate))
        second = unit * rate / (1 - rate)
        penalty, bound = (Fraction(float(v)) for v in (found.penalty, found.error_bounds["penalty"]))
        holds = holds and Fraction(111, 100) * second < penalty - bound and penalty + bound < Fraction(22, 10) * second
        ratios.append(float(penalty / second) if second else math.inf)
    return step(
        "The shipped relu network 10-8-1 trained on the diabetes data, all rows: the penalty exceeds $R_2$ by 11 to "
        "120 percent "
        "at $q = 1/100, 1/10, 1/2, 9/10$; the error does not fade with $q$.",
        "bound",
        holds,
        "$2^{18}$ masks, penalty over $R_2$: " + ", ".join(f"{r:.4f}" for r in ratios),
    )


def _numbers(noise: int) -> Iterator[tuple[Any, Any]]:
    f = Fraction
    for rate in (f(1, 100), f(1, 2), f(3, 4)):
        spread = rate / (1 - rate)
        for x, (_, error, _) in RELU_CASES.items():
            for label in (8, 2):
                left = error.subs({q: sympy.Rational(rate.numerator, rate.denominator), y: label})
                found = naive_evaluation(NETWORK, Examples.point(x, label), (rate, rate)).penalty
                yield found, second_order(NETWORK, x, (spread, spread), noise) + f(int(left.p), int(left.q))
        mixed = Network([[[1, -2], [3, 1]], [2, -1]], activation="linear")
        found = naive_evaluation(mixed, Examples.point((1, 2), 3), (rate, rate)).penalty
        paths = spread**2 * sum(
            (u * w * v) ** 2
            for u, row in zip((2, -1), mixed.weights[0].tolist(), strict=True)
            for w, v in zip(row, (1, 2), strict=True)
        )
        yield found, second_order(mixed, (1, 2), (spread, spread), noise) + paths
        last = naive_evaluation(NETWORK, Examples.point((2, -1), 3), (f(0), rate)).penalty
        yield last, second_order(NETWORK, (2, -1), (f(0), spread), noise)


@register(
    id="wei-2020-second-order",
    title="The second-order regulariser of dropout and its exact error",
    source="wei2020",
    number="explicit regulariser (our derivation; source not read)",
    printed=r"Penalty $\approx R_2 = \frac12 \sum_l \lambda_l \langle J_l^\top H J_l, \mathrm{diag}(h_l^2) \rangle$, "
    r"noise "
    r"covariance $\frac q{1-q} \mathrm{diag}(h^2)$.",
    statement="R2 is exact on the last layer, first order in lambda for linear networks; its exact error on 2-2-1 "
    "relu, all q, y",
    verdict="holds",
    scope=SCOPE,
    source_read=False,
)
def second_order_regulariser() -> Proof:
    """Prove the entry as declared."""
    return prove()
