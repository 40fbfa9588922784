"""Lemma 14 of Helmbold and Long (2017): with non-negative weights, ψ has non-decreasing differences.

ψ(ℓ) is the mean of D(W, 1, R) given that ℓ inputs are kept. For ℓ = 1, …, K − 1: ψ(ℓ+1) − ψ(ℓ) ≥ ψ(ℓ) − ψ(ℓ−1).
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction

import sympy

from exactdropout.model import Network
from exactdropout.numeric.definition import dropout_output, masks
from exactdropout.theorems.gadget.first_one_gadget import first_one_gadget
from exactdropout.theorems.nonnegative.helmbold_2017_lemma_12 import activation_step
from exactdropout.theorems.proof import Proof, Step, argument, conclude, enumerated, step
from exactdropout.theorems.registry import register

__all__ = ["mean_given_kept", "prove", "uniform_exchange"]

SCOPE = "all sizes and depths, any biases, any q (hidden rates too)"


def mean_given_kept(network: Network, rates: tuple[Fraction, ...]) -> list[Fraction]:
    """Return ψ(0), …, ψ(K) by the double loop over all masks."""
    inputs = network.architecture.inputs
    total = [Fraction(0)] * (inputs + 1)
    weight = [Fraction(0)] * (inputs + 1)
    for mask, p in masks(network, rates):
        kept = sum(mask[0])
        total[kept] += p * dropout_output(network, (1,) * inputs, mask, rates)[0]
        weight[kept] += p
    return [t / w for t, w in zip(total, weight, strict=True)]


def uniform_exchange() -> list[Step]:
    """The exchange behind the lemma: a random ℓ-set u, i outside, j inside; u + i, u − j, u − j + i are uniform."""
    k, ell = sympy.symbols("K l", positive=True, integer=True)
    pairs = ell * (k - ell)
    counts = {ell + 1: (ell + 1) * ell, ell - 1: (k - ell + 1) * (k - ell), ell: pairs}
    factorial = sympy.factorial
    balanced = all(
        sympy.combsimp(
            factorial(k) / (factorial(size) * factorial(k - size)) * ways
            - factorial(k) / (factorial(ell) * factorial(k - ell)) * pairs
        )
        == 0
        for size, ways in counts.items()
    )
    return [
        argument(
            r"Draw a set $u$ of $\ell$ kept inputs, $i \notin u$ and $j \in u$, all uniformly. A given "
            r"$(\ell+1)$-set is "
            r"$u + i$ in $(\ell+1)\ell$ ways, a given $(\ell-1)$-set is $u - j$ in $(K-\ell+1)(K-\ell)$ ways, a given "
            r"$\ell$-set is $u - j + i$ in $\ell (K-\ell)$ ways: numbers that do not depend on the set, so each is "
            r"uniform."
        ),
        step(
            r"The counts add up for symbolic $K$, $\ell$: each number of ways times the number of such sets is "
            r"$\binom K\ell \ell (K - \ell)$.",
            "identity",
            balanced,
        ),
        enumerated("The same by listing all triples.", _listed(), "K = 2, ..., 6, all l"),
    ]


def _listed() -> Iterator[tuple[object, object]]:
    for k in range(2, 7):
        for ell in range(1, k):
            counts: list[Counter[frozenset[int]]] = [Counter(), Counter(), Counter()]
            for chosen in itertools.combinations(range(k), ell):
                u = frozenset(chosen)
                for i, j in itertools.product(set(range(k)) - u, u):
                    for counter, found in zip(counts, (u | {i}, u - {j}, (u - {j}) | {i}), strict=True):
                        counter[found] += 1
            for counter, size in zip(counts, (ell + 1, ell - 1, ell), strict=True):
                yield (len(counter), len(set(counter.values()))), (math.comb(k, size), 1)


def prove(sign: int = 1) -> Proof:
    """Prove ψ's differences times ``sign`` non-decreasing; only +1 works."""
    steps = [
        activation_step(),
        argument(
            r"For each pattern of the hidden units the network is one with non-negative weights, so it is "
            r"supermodular in "
            r"its masked input (Lemma 12): with $\delta_1 = e_i/p$, $\delta_2 = e_j/p$ at $u - j$, $\mathcal D(u + "
            r"i) - "
            r"\mathcal D(u) \ge \mathcal D(u - j + i) - \mathcal D(u - j)$."
        ),
        *uniform_exchange(),
        argument(
            r"Averaging over $u, i, j$ and the hidden patterns: $\psi(\ell+1) - \psi(\ell) \ge \psi(\ell) - "
            r"\psi(\ell-1)$."
        ),
        enumerated(
            r"Networks with given non-negative weights and biases of both signs: all second differences of $\psi$.",
            ((sign * d >= 0, True) for network, rates in _networks() for d in _second_differences(network, rates)),
            "3-2-1, 4-2-1 and 3-1-2-1; q = 1/2, 1/3",
        ),
        enumerated(
            "The gadget 3-3-1, which has negative weights, violates it.",
            [(any(d < 0 for d in _second_differences(_gadget(), (Fraction(1, 2),) * 2)), True)],
            "64 masks",
        ),
    ]
    return conclude("holds", SCOPE, steps)


def _second_differences(network: Network, rates: tuple[Fraction, ...]) -> list[Fraction]:
    psi = mean_given_kept(network, rates)
    return [psi[k + 1] - 2 * psi[k] + psi[k - 1] for k in range(1, len(psi) - 1)]


def _networks() -> Iterator[tuple[Network, tuple[Fraction, ...]]]:
    half, third = Fraction(1, 2), Fraction(1, 3)
    for rate in (half, third):
        yield Network([[[1, 2, 0], [3, 1, 1]], [2, 1]], [[-3, -2], -1]), (rate, rate)
        yield Network([[[1, 1, 1, 1], [2, 0, 1, 0]], [1, 3]], [[-4, 1], 0]), (rate, rate)
        yield Network([[[1, 2, 1]], [[1], [2]], [1, 1]], [[-2], [-1, -3], 2]), (rate, half, third)


def _gadget() -> Network:
    return Network([first_one_gadget(3), [1, 1, 1]])


@register(
    id="helmbold-2017-lemma-14",
    title="The mean output is convex in the number of kept inputs",
    source="helmbold2017",
    number="Lemma 14",
    printed=r"Weights $\ge 0$: $\psi_W(\ell+1) - \psi_W(\ell) \ge \psi_W(\ell) - \psi_W(\ell-1)$ for $1 \le \ell \le "
    r"K-1$.",
    statement="weights >= 0: the mean output given l kept inputs has non-decreasing differences in l",
    verdict="holds",
    scope=SCOPE,
)
def lemma_14() -> Proof:
    """Prove the entry as declared."""
    return prove()
