"""Linear networks under dropout (Baldi and Sadowski 2013): the mean is W(x), and second moments obey a recursion.

With m_l = E h_l, M_l = E h_l h_lᵀ and λ_l = q_l/p_l, for units h_{l+1} = W (r ∘ h_l/p) + b:

    m_{l+1} = W m_l + b,    M_{l+1} = W (M_l + λ_l Diag(M_l)) Wᵀ + b (W m_l)ᵀ + (W m_l) bᵀ + b bᵀ.

The statement is written down and derived here, for inverted dropout; the source was not read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import sympy

from exactdropout.model import Architecture, Examples, Network
from exactdropout.model.numbers import Array
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.symbolic.derivation import derive
from exactdropout.symbolic.free_networks import free_network
from exactdropout.theorems.generic_symbols import generic, identity
from exactdropout.theorems.lemmas.noise_moments import sum_moments
from exactdropout.theorems.penalty.helmbold_2017_figure_1 import NETWORK, POINT
from exactdropout.theorems.proof import Proof, Step, argument, conclude, enumerated, step
from exactdropout.theorems.registry import register

__all__ = ["linear_moments", "prove"]

SCOPE = "all widths and depths, any rates and biases; linear units"
SIZES = (
    Architecture(3, ()),
    Architecture(2, (2,), activation="linear"),
    Architecture(2, (2, 2), biases=False, activation="linear"),
    Architecture(2, (2,), outputs=2, activation="linear"),
)


def linear_moments(network: Network, x: Sequence[Any], spreads: Sequence[Any], noise: int = 1) -> tuple[Array, Array]:
    """Return E D and E D Dᵀ of a linear network by the recursion; ``spreads`` are the λ_l; only ``noise=1`` is right.

    Cost: two matrix products per layer, whatever the number of masks.
    """
    mean = np.array(list(x), dtype=object)
    second = np.outer(mean, mean)
    for layer, weight in enumerate(network.weights):
        bias = network.bias(layer)
        linear = weight @ mean
        second = weight @ (second + noise * spreads[layer] * np.diag(np.diag(second))) @ weight.T
        second = second + np.outer(bias, linear) + np.outer(linear, bias) + np.outer(bias, bias)
        mean = linear + bias
    return mean, second


def prove(noise: int = 1) -> Proof:
    """Prove mean and recursion with noise·λ_l Diag(M_l); only ``noise=1`` works."""
    _, (u, v, a, b) = generic("u v a b")
    steps = [
        *sum_moments(),
        argument(
            r"Given $h_l$, unit $i$ of the next layer is $b_i + \sum_k w_{ik} h_k r_k/p$, and the masks of layer $l$ "
            r"are "
            r"independent of $h_l$. So $E[h_{l+1} \mid h_l] = W h_l + b$, and for the sums of units $i$, $j$: $E[S_i "
            r"S_j \mid "
            r"h_l] = (W h_l)_i (W h_l)_j + \lambda_l \sum_k w_{ik} w_{jk} h_k^2$."
        ),
        identity(
            r"With biases, for every mask: $(S_i + b_i)(S_j + b_j) = S_i S_j + b_i S_j + b_j S_i + b_i b_j$; then take "
            r"means, $E S_i = (W h_l)_i$.",
            (u + a) * (v + b),
            u * v + a * v + b * u + a * b,
        ),
        argument(
            r"Means over $h_l$ turn $h_l h_l^\top$ into $M_l$ and $h_k^2$ into $(M_l)_{kk}$: the recursion. By "
            r"induction on "
            r"the layers from $h_0 = x$: $E \mathcal D = W(x)$, so in penalty = variance + bias (see Theorem 19) the "
            r"bias is 0: the penalty is $\mathrm{Var}\, "
            r"\mathcal D = \mathrm{tr}(M_d - m_d m_d^\top)$ and does not see the labels."
        ),
        *(_at_size(arch, noise) for arch in SIZES),
        enumerated(
            "Linear networks with given numbers: mean, variance and penalty by the recursion, mask by mask.",
            _numbers(noise),
            "16 and 64 masks, one rate per layer",
        ),
        enumerated(
            r"Linearity is needed: the relu network of Figure 1 has $E \mathcal D = 1$ and $W(x) = 0$.",
            _relu(),
            "16 masks, q = 1/2",
        ),
    ]
    return conclude("holds", SCOPE, steps)


def _at_size(arch: Architecture, noise: int) -> Step:
    keeps = sympy.symbols(f"p0:{arch.depth}", positive=True)
    derived = derive(free_network(arch), None, [1 - p for p in keeps])
    spreads = [(1 - p) / p for p in keeps]
    mean, second = linear_moments(derived.network, derived.data.inputs[0], spreads, noise)
    variance = sum(second[o, o] - mean[o] ** 2 for o in range(arch.outputs))
    holds = all(sympy.expand(f.expr - m) == 0 for f, m in zip(derived.mean, mean, strict=True))
    return step(
        f"Mean $= W(x)$, variance $=$ penalty by the recursion, with all symbols and one rate per layer free: {arch}.",
        "derivation",
        holds and derived.bias.is_identically_zero() and sympy.expand(derived.variance.expr - variance) == 0,
    )


def _numbers(noise: int) -> Iterator[tuple[Any, Any]]:
    f = Fraction
    networks = (
        Network([[[1, -2], [f(1, 2), 3]], [2, -1]], [[1, f(-1, 3)], 1], activation="linear"),
        Network([[[1, -1], [2, f(1, 3)]], [[1, 2], [-1, 1]], [[3, -2], [1, f(1, 2)]]], activation="linear"),
    )
    for network, rates in zip(networks, ((f(1, 2), f(1, 3)), (f(1, 5), f(0), f(2, 3))), strict=True):
        outputs = network.architecture.outputs
        found = naive_evaluation(network, Examples.point((3, -1), 5 if outputs == 1 else (5, 1)), rates)
        mean, second = linear_moments(network, (3, -1), [q / (1 - q) for q in rates], noise)
        variance = sum(second[o, o] - mean[o] ** 2 for o in range(outputs))
        yield found.mean, tuple(mean)
        yield found.variance, variance
        yield found.penalty, variance


def _relu() -> Iterator[tuple[Any, Any]]:
    found = naive_evaluation(NETWORK, POINT, (Fraction(1, 2),) * 2)
    assert found.per_example is not None
    yield (found.mean[0], found.per_example.output[0][0]), (1, 0)


@register(
    id="baldi-2013-mean",
    title="Linear networks: the mean under dropout, and the recursion of second moments",
    source="baldi2013",
    number="linear networks (our derivation; source not read)",
    printed=r"Linear units: $E \mathcal D = W(x)$; $M_{l+1} = W (M_l + \lambda_l \mathrm{Diag}(M_l)) W^\top + b (W "
    r"m_l)^\top "
    r"+ (W m_l) b^\top + b b^\top$.",
    statement="linear networks: E D = W(x), second moments M -> W (M + lambda Diag M) W' + bias terms, "
    "penalty = variance",
    verdict="holds",
    scope=SCOPE,
    source_read=False,
)
def linear_mean() -> Proof:
    """Prove the entry as declared."""
    return prove()
