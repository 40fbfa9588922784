"""Deep linear networks (Mianjy and Arora 2019): the penalty's convex envelope is ν ‖W‖_*², ν = ∏_l (1 + λ_l/d_l) − 1.

Hidden layers of widths d_l with drop rates q_l, λ_l = q_l/p_l, no biases, inputs with E x xᵀ = I. Let Θ(W) be the
infimum of the penalty over weights with product W (∞ where the widths allow none). Then Θ(W) ≥ ν ‖W‖_*², with
equality where W has rank 1, and ν ‖·‖_*² is the convex envelope of Θ. For one output and one x, dropped inputs
included, E D² ≥ ∏_l (1 + λ_l/d_l) W(x)² over inputs and hidden layers, with equality at Theorem 18's equal weights.
The statement is written down and derived here; the source was not read.
"""

from __future__ import annotations

import itertools
import math
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
from exactdropout.theorems.lemmas.equal_shares import EQUAL_SHARES
from exactdropout.theorems.lemmas.noise_moments import sum_moments
from exactdropout.theorems.neighbours.mianjy_2018_two_layer import ISOTROPIC
from exactdropout.theorems.proof import Proof, Step, argument, conclude, enumerated, step
from exactdropout.theorems.registry import register
from exactdropout.theorems.statements.derivation import lemma_step

__all__ = ["path_sum", "prove"]

SCOPE = "all depths, widths, inputs and outputs, one rate per layer, any distribution with E x x' = I"


def path_sum(weights: Sequence[Array], spreads: Sequence[Any], first: Array, noise: int = 1) -> Any:
    """Return Σ over non-empty sets S of dropped layers of ∏_S λ_l times the sum of all squared path products.

    ``spreads[l]`` is λ of the values that enter ``weights[l]``; ``first`` is a matrix F with F Fᵀ the second moment of
    the inputs (the identity for isotropic ones, a column x for one example). With l_1 < … < l_k in S the path
    products are ‖W_{>l_k}(:, i_k)‖ · … · W_{l_1→l_2}(i_2, i_1) · ‖(W_{≤l_1} F)(i_1, :)‖.
    """
    total: Any = 0
    for size in range(1, len(weights) + 1):
        for chosen in itertools.combinations(range(len(weights)), size):
            lowest = _product(weights[: chosen[0]], first)
            squares = (lowest**2).sum(axis=1)
            for lower, upper in itertools.pairwise((*chosen, len(weights))):
                step_matrix = _product(weights[lower:upper])
                squares = (step_matrix**2) @ squares
            total = total + math.prod((noise * spreads[layer] for layer in chosen), start=squares.sum())
    return total


def _product(weights: Sequence[Array], first: Array | None = None) -> Array:
    """Return the product of the layers, later ones on the left."""
    result = first
    for weight in weights:
        result = weight if result is None else weight @ result
    assert result is not None
    return result


def prove(noise: int = 1, factor: int = 1) -> Proof:
    """Prove the statements with noise·λ_l in the path sum and factor·ν in the bound; only 1 and 1 work."""
    steps = [
        *sum_moments(),
        argument(
            r"One layer maps the second moment $M$ of its inputs to $W (M + \lambda_l \mathrm{Diag}(M)) W^\top$ "
            r"(Baldi and "
            r"Sadowski's recursion). Choose in every layer the first or the second term: $E \|\mathcal D\|^2$ is a "
            r"sum over "
            r"sets $S$ of layers, the empty set gives $E \|W x\|^2$, and $\mathrm{Diag}$ squares path products: the "
            r"penalty is "
            r"$\sum_{S \ne \emptyset} \prod_{l \in S} \lambda_l \sum_i (\text{path products through units } i_l, l "
            r"\in S)^2$."
        ),
        *(
            _paths_at_size(arch, noise)
            for arch in (
                Architecture(2, (2,), biases=False, activation="linear"),
                Architecture(2, (2, 2), biases=False, activation="linear"),
            )
        ),
        lemma_step(EQUAL_SHARES),
        argument(
            r"For one $S$ there are $\prod_{l \in S} d_l$ paths with path products $\pi_i$, so $\sum_i \pi_i^2 \ge "
            r"(\sum_i "
            r"|\pi_i|)^2 / \prod_S d_l$. And $W$ is the sum over these paths of matrices of rank 1 whose nuclear "
            r"norms are the "
            r"$|\pi_i|$, so by the triangle inequality $\sum_i |\pi_i| \ge \|W\|_*$. For one output and one $x$ "
            r"likewise with "
            r"$|W(x)|$, as $W(x)$ is the sum of its path products."
        ),
        _subsets(factor),
        argument(
            r"So the penalty is at least $\nu \|W\|_*^2$, $\nu = \prod_l (1 + \lambda_l/d_l) - 1$, and for one output "
            r"$E "
            r"\mathcal D^2 \ge \prod_l (1 + \lambda_l/d_l)\, W(x)^2$, inputs among the layers $l$ if they are dropped."
        ),
        *(_rank_one(widths, noise, factor) for widths in ((2,), (1, 2), (2, 2))),
        argument(
            r"Rank 1 at any size: $W_1 = 1 v^\top$, inner weights 1, $W_d = u 1^\top$ give $\mathcal D = u N_1 \cdots "
            r"N_{d-1} "
            r"(v \cdot x)$ with $N_l$ the scaled count of kept units, $E N_l^2 = d_l^2 (1 + \lambda_l/d_l)$ (the sums "
            r"above "
            r"with all terms 1). So the penalty is $\nu \|u\|^2 \|v\|^2 \prod d_l^2 = \nu \|W\|_*^2$: equality."
        ),
        argument(
            r"Convex envelope: $\nu \|W\|_*^2$ is convex and at most $\Theta$. Conversely $W = \sum_i \sigma_i a_i "
            r"b_i^\top$ "
            r"with $s = \sum_i \sigma_i$ is the mean, with weights $\sigma_i / s$, of $s\, a_i b_i^\top$, where "
            r"$\Theta = \nu "
            r"s^2$; so every convex function below $\Theta$ is at most $\nu s^2 = \nu \|W\|_*^2$ at $W$."
        ),
        enumerated(
            "Mixed signs, 2-2-2-2: penalty by the path sum and at least the bound; equal weights: equality; one "
            "output with "
            "dropped inputs: the product over inputs and hidden layers, mask by mask.",
            _numbers(noise, factor),
            "16 to 64 masks, one rate per layer",
        ),
    ]
    return conclude("holds", SCOPE, steps)


def _keeps(depth: int) -> tuple[list[Any], list[Any]]:
    """Return drop rates and λ_l of a network with symbolic keep probabilities and undropped inputs."""
    keeps = sympy.symbols(f"p1:{depth}", positive=True)
    return [0, *(1 - p for p in keeps)], [0, *((1 - p) / p for p in keeps)]


def _isotropic(outputs: int) -> Examples:
    return Examples([(x, (0,) * outputs) for x in ISOTROPIC])


def _paths_at_size(arch: Architecture, noise: int) -> Step:
    network = free_network(arch)
    rates, spreads = _keeps(arch.depth)
    derived = derive(network, Examples([(x, 0) for x in ISOTROPIC]), rates)
    claimed = path_sum(network.weights, spreads, np.eye(2, dtype=int).astype(object), noise)
    return step(
        f"The path sum, with all weights and rates free, isotropic inputs: {arch}.",
        "derivation",
        sympy.expand(derived.penalty.expr - claimed) == 0,
    )


def _subsets(factor: int) -> Step:
    _, (partial, t) = generic("P t")
    return identity(
        r"$\sum_{S \ne \emptyset} \prod_{l \in S} t_l = \prod_l (1 + t_l) - 1$ with $t_l = \lambda_l/d_l$, by "
        r"induction: one "
        r"more layer turns the sum $\nu$ over the sets without it into $\nu + t + t \nu = (1 + \nu)(1 + t) - 1$.",
        partial + t + t * partial,
        (1 + factor * partial) * (1 + t) - 1,
    )


def _growth(widths: Sequence[int], spreads: Sequence[Any]) -> Any:
    """Return ∏ (1 + λ_l/d_l)."""
    product: Any = Fraction(1)
    for width, spread in zip(widths, spreads, strict=True):
        product = product * (width + spread) / width
    return product


def _rank_one(widths: tuple[int, ...], noise: int, factor: int) -> Step:
    a, b, c, d = sympy.symbols("u1 u2 v1 v2", real=True)
    rates, spreads = _keeps(len(widths) + 1)
    inner = [[[1] * lower for _ in range(upper)] for lower, upper in itertools.pairwise(widths)]
    network = Network([[[c, d]] * widths[0], *inner, [[a] * widths[-1], [b] * widths[-1]]], activation="linear")
    derived = derive(network, _isotropic(2), rates)
    nuclear = (a**2 + b**2) * (c**2 + d**2) * math.prod(widths) ** 2
    nu = sympy.nsimplify(_growth(widths, [noise * s for s in spreads[1:]])) - 1
    return step(
        rf"Rank 1, equal weights: penalty $= \nu \|W\|_*^2$ with $u$, $v$ and the rates free, hidden widths {widths}.",
        "derivation",
        sympy.expand(derived.penalty.expr - factor * nu * nuclear) == 0,
    )


def _numbers(noise: int, factor: int) -> Iterator[tuple[Any, Any]]:
    f = Fraction
    network = Network([[[1, -2], [3, 1]], [[2, 1], [-1, f(1, 2)]], [[1, 1], [f(1, 3), -1]]], activation="linear")
    rates = (f(0), f(1, 2), f(1, 3))
    spreads = [q / (1 - q) for q in rates]
    penalty = naive_evaluation(network, _isotropic(2), rates).penalty
    yield penalty, path_sum(network.weights, spreads, np.eye(2, dtype=int).astype(object), noise)
    product = _product(network.weights)
    nuclear = (product**2).sum() + 2 * abs(product[0, 0] * product[1, 1] - product[0, 1] * product[1, 0])
    yield penalty >= (_growth((2, 2), spreads[1:]) - 1) * nuclear, True
    equal = Network([[[1, 2]] * 2, [[1, 1]] * 2, [[3, 3], [1, 1]]], activation="linear")
    bound = (_growth((2, 2), spreads[1:]) - 1) * 10 * 5 * 16
    yield naive_evaluation(equal, _isotropic(2), rates).penalty, factor * bound
    one = Network([[[1, 1, 1]] * 2, [1, 1]], activation="linear")
    found = naive_evaluation(one, Examples.point((1, 1, 1), 0), (f(1, 3), f(1, 2)))
    yield found.criterion, 36 * _growth((3, 2), (f(noise, 2), noise))


@register(
    id="mianjy-2019-deep-linear",
    title="Deep linear networks: the convex envelope of the dropout penalty",
    source="mianjy2019",
    number="convex envelope (our derivation; source not read)",
    printed=r"$E x x^\top = I$, hidden widths $d_l$: the convex envelope of the least penalty over factorisations of "
    r"$W$ is "
    r"$\nu \|W\|_*^2$, $\nu = \prod_l (1 + \lambda_l/d_l) - 1$.",
    statement="convex envelope of the penalty over factorisations of W is (prod(1 + lambda/d_l) - 1) |W|_*^2; exact at "
    "rank 1",
    verdict="holds",
    scope=SCOPE,
    source_read=False,
)
def deep_linear() -> Proof:
    """Prove the entry as declared."""
    return prove()
