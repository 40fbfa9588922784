"""Theorem 4 of Helmbold and Long (2017): dropout does not feel a rescaling of the inputs.

For a diagonal invertible A let A∘P be the law of (Ax, y). The map W₁ ↦ W₁ A⁻¹ is a bijection of networks (its inverse
is W₁ ↦ W₁ A) that keeps the output for every dropout pattern, hence the criterion, the risk and the aversion.
"""

from __future__ import annotations

from fractions import Fraction

import sympy

from exactdropout.model import Architecture, Examples, Network
from exactdropout.numeric.definition import naive_evaluation, naive_gradient
from exactdropout.symbolic.derivation import derive
from exactdropout.symbolic.free_networks import free_examples, free_network
from exactdropout.theorems.generic_symbols import generic, identity
from exactdropout.theorems.proof import Proof, by_rule, conclude, enumerated, induction, step
from exactdropout.theorems.registry import register

__all__ = ["prove"]

SIZES = (Architecture(2, (2,)), Architecture(2, (2, 2)), Architecture(3, (1, 2), biases=False))
HALF = Fraction(1, 2)
SCOPE = "all sizes and depths, any q, any distribution"


def prove(power: int = -1) -> Proof:
    """Prove the theorem for the map W₁ ↦ W₁ A^power; only the power −1 works.

    With V = W₁ A⁻¹ the claim reads: the network with first layer V A on x is the network with V on A x. That form is
    polynomial in V and A; ``power`` enters as V A^{−power} on x.
    """
    ring, (v, a, u, total) = generic("v a u S")
    on_x = v * a**-power * u
    on_ax = v * (a * u)
    steps = [
        identity(
            r"One input: with $u = r x_k / p$, $(v a)\, u = v\, (a u)$; dropping and rescaling commute with a "
            "diagonal $A$.",
            on_x,
            on_ax,
        ),
        identity(
            r"Induction on the number of inputs: if the partial pre-activations agree, $S' = S$, they agree after one "
            "more input; they start equal, at the bias.",
            total + on_x,
            total + on_ax,
        ),
        induction(
            r"So the first hidden layer has the same pre-activations for $(W, x, R)$ and $(W', Ax, R)$, and all later "
            r"layers, biases and masks are the same: $\mathcal D(W, x, R) = \mathcal D(W', Ax, R)$ for every $R$ "
            r"(induction "
            r"on the layers).",
            start=on_x == on_ax,
            step=ring.relu(total + on_x) == ring.relu(total + on_ax),
            detail="start: the sums above; step: equal sums below give equal values, with the same weights, biases "
            "and masks",
        ),
        by_rule(
            r"$W_1 \mapsto W_1 A^{-1}$ is a bijection with inverse $W_1 \mapsto W_1 A$, so $J_D$ and $R$ take the same "
            "values at corresponding networks, minimisers correspond, and so do the infimum of the risk and the "
            "largest risk among minimisers: the aversions are equal (and one is defined exactly when the other is).",
            "bijection",
            {"(v a) a^-1 = v = (v a^-1) a": _inverse()},
        ),
    ]
    for arch in SIZES:
        steps.append(
            step(
                f"With every weight, input and entry of A free, criterion and risk agree: {arch}.",
                "derivation",
                _same_criterion(arch, power),
            )
        )
    steps.append(
        enumerated(
            "A network with given numbers, before and after, mask by mask.", _numbers(power), "32 masks, q = 1/3"
        )
    )
    steps.append(
        enumerated(
            r"Centring is no such map: in the linear model with $x \in \{1, 3\}$, $y = x$, $q = \frac12$ the "
            r"aversion is "
            r"$\frac{25}{36}$, and after $x \mapsto x - 2$ it is $\frac14$ (gradient 0 of a convex criterion; the "
            r"least risk is 0).",
            [
                _linear_minimiser((1, 3), Fraction(1, 6), Fraction(5, 3)),
                _linear_minimiser((-1, 1), Fraction(1, 2), Fraction(2)),
            ],
            "2 masks, 2 examples each",
        )
    )
    return conclude("holds", SCOPE, steps)


def _inverse() -> bool:
    v, a = sympy.symbols("v a", nonzero=True)
    return bool(sympy.cancel((v * a) / a - v) == 0 and sympy.cancel((v / a) * a - v) == 0)


def _linear_minimiser(inputs: tuple[int, int], w: Fraction, b: Fraction) -> tuple[object, object]:
    """Gradient and risk of the network w x + b on the two inputs with labels 1 and 3."""
    data = Examples.uniform([((x,), y) for x, y in zip(inputs, (1, 3), strict=True)])
    network = Network([[w]], [b])
    gradient = naive_gradient(network, data, (HALF,))
    bias = gradient.biases[0]
    slopes = (gradient.weights[0][0, 0], None if bias is None else bias[0])
    return (slopes, naive_evaluation(network, data, (HALF,)).risk), ((0, 0), (1 - w) ** 2)


def _same_criterion(arch: Architecture, power: int) -> bool:
    scales = sympy.symbols(f"a1:{arch.inputs + 1}", real=True)
    network, data = free_network(arch), free_examples(arch.inputs)
    first = [[v * a**-power for v, a in zip(row, scales, strict=True)] for row in network.weights[0].tolist()]
    scaled = Network([first, *network.weights[1:]], _biases(network))
    moved = Examples.point([a * x for a, x in zip(scales, data.inputs[0], strict=True)], data.labels[0, 0])
    q = Fraction(1, 3)
    before, after = derive(scaled, data, q), derive(network, moved, q)
    return all(
        sympy.expand(f.expr - g.expr) == 0
        for f, g in ((before.criterion, after.criterion), (before.risk, after.risk), (before.mean[0], after.mean[0]))
    )


def _biases(network: Network) -> list[object] | None:
    return list(network.biases) if any(b is not None for b in network.biases) else None


def _numbers(power: int) -> list[tuple[Fraction, Fraction]]:
    scales = (Fraction(2), Fraction(-3))
    weights = [[Fraction(1), Fraction(-2)], [Fraction(1, 2), Fraction(3)], [Fraction(2), Fraction(1)]]
    biases = [Fraction(1, 3), -1, 0]
    moved: list[list[Fraction]] = [[w * a**power for w, a in zip(row, scales, strict=True)] for row in weights]
    rates = (Fraction(1, 3),) * 2
    x, y = (Fraction(3, 2), Fraction(-1)), 2
    before = naive_evaluation(Network([weights, [1, -1, 2]], [biases, 1]), Examples.point(x, y), rates)
    data = Examples.point([a * v for a, v in zip(scales, x, strict=True)], y)
    after = naive_evaluation(Network([moved, [1, -1, 2]], [biases, 1]), data, rates)
    return [(before.criterion, after.criterion), (before.risk, after.risk), (before.variance, after.variance)]


@register(
    id="helmbold-2017-theorem-4",
    title="Rescaling the inputs leaves the dropout aversion alone",
    source="helmbold2017",
    number="Theorem 4",
    printed=r"$A$ diagonal, of full rank: $\mathrm{aversion}(P) = \mathrm{aversion}(A \circ P)$.",
    statement="A diagonal, invertible: aversion(P) = aversion(A∘P), by W1 -> W1 A^-1, which keeps D for every mask",
    verdict="holds",
    scope=SCOPE,
)
def theorem_4() -> Proof:
    """Prove the entry as declared."""
    return prove()
