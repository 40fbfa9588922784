"""Theorem 5 of Helmbold and Long (2017): rescaling the layers rescales the output, for every dropout pattern.

With c₁, …, c_d > 0, weights of layer j × c_j and biases of layer j × C_j, C_j = c₁ ⋯ c_j:
D(W′, x, R) = C_d D(W, x, R). If C_d = 1, criterion, penalty and risk do not change; and for d ≥ 2 no network is
isolated among those with the same D, so no minimiser of the criterion is isolated.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import sympy

from exactdropout.model import Architecture, Examples, Network
from exactdropout.numeric.definition import dropout_output as numeric_output
from exactdropout.numeric.definition import masks, naive_evaluation
from exactdropout.symbolic.criterion.masks import Layers, dropout_output
from exactdropout.symbolic.free_networks import free_examples, free_network
from exactdropout.symbolic.ring.ring import ReluPolynomial, ReluRing
from exactdropout.theorems.generic_symbols import generic, identity
from exactdropout.theorems.proof import Proof, Step, argument, conclude, enumerated, induction, step
from exactdropout.theorems.registry import register

__all__ = ["cumulative", "prove", "rescaled"]

Factor = Callable[[list[Any], int], Any]

SIZES = (
    Architecture(2, (2,)),
    Architecture(2, (2, 2)),
    Architecture(1, (2, 1, 2)),
    Architecture(2, (2,), activation="leaky_relu(1/10)"),
)
SCOPE = "all widths and depths, any q, every mask; relu, leaky relu, linear"


def cumulative(scales: list[Any], layer: int) -> Any:
    """Return C_j = c₁ ⋯ c_j for the biases of layer j (``layer`` is 0-based)."""
    product = scales[0]
    for c in scales[1 : layer + 1]:
        product = product * c
    return product


def rescaled(network: Network, scales: list[Any], bias_factor: Factor = cumulative) -> Network:
    """Return W′: weights of layer j × c_j, biases of layer j × ``bias_factor(scales, j)``."""
    weights = [w * c for w, c in zip(network.weights, scales, strict=True)]
    biases = [None if b is None else b * bias_factor(scales, j) for j, b in enumerate(network.biases)]
    return Network(
        weights, biases if any(b is not None for b in biases) else None, activation=network.architecture.activations
    )


def prove(bias_factor: Factor = cumulative) -> Proof:
    """Prove the theorem with the given factor of the biases; only C_j works."""
    steps = [
        *_induction_step(bias_factor),
        *_homogeneity(),
        induction(
            r"Induction on the layers: $h'_0 = x = h_0$, and $h'_{j-1} = C_{j-1} h_{j-1}$ gives $h'_j = C_j h_j$, for "
            r"the same pattern $R$ and whatever the widths; the output layer is the same step without $\varphi$. So "
            r"$\mathcal D(W', x, R) = C_d\, \mathcal D(W, x, R)$; with no unit dropped and $p = 1$, "
            r"$W'(x) = C_d\, W(x)$.",
            start=_layers(bias_factor)[0],
            step=_layers(bias_factor)[1],
            detail="start C_0 = 1; step: the bias, one more unit below and the activation, as above",
        ),
        identity(
            r"If $C_d = 1$, then $\mathcal D$ and $W(x)$ are the same for all $x$ and $R$, so criterion, risk and "
            r"penalty are the same for every distribution: $(C_d \mathcal D - y)^2 = (\mathcal D - y)^2$ at $C_d = 1$.",
            *_same_loss(),
        ),
        *_not_isolated(),
        *(_at_size(arch, bias_factor) for arch in SIZES),
        enumerated(
            "A network with given numbers: every pattern, and criterion and risk at $C_d = 1$.",
            _numbers(bias_factor),
            "64 masks, q = 1/3",
        ),
        enumerated(
            r"The last lines of the printed proof exchange $W$ and $W'$: with $K = d = 1$, weight 1, $c_1 = 2$, $x = "
            r"1$, "
            r"$q = \frac12$ and the input kept, $\mathcal D(W') = 4 = 2\, \mathcal D(W)$, and $\mathcal D(W) = 2 \ne "
            r"2\, "
            r"\mathcal D(W')$.",
            [_exchanged()],
            "one mask",
        ),
        *_one_layer(),
    ]
    return conclude("holds", SCOPE, steps)


def _exchanged() -> tuple[object, object]:
    one, two = (numeric_output(Network([[w]]), (1,), ((1,),), (Fraction(1, 2),))[0] for w in (1, 2))
    return (two, one, two == 2 * one, one == 2 * two), (4, 2, True, False)


def _one_layer() -> list[Step]:
    """d ≥ 2 is needed for "no isolated minimisers": K = d = 1, point mass on (1, 1), q = ½."""
    _, (w, b) = generic("w b")
    data, half = Examples.point((1,), 1), (Fraction(1, 2),)
    points = [(Fraction(u, 2), Fraction(v, 2)) for u in range(-2, 3) for v in range(0, 5)]
    return [
        identity(
            r"For $d = 1$ a minimiser can be isolated: $K = 1$, $x = y = 1$, $q = \frac12$ has $J_D = (w + b - 1)^2 + "
            r"w^2$, twice it $= (2 w + b - 1)^2 + (b - 1)^2$, 0 only at $w = 0$, $b = 1$.",
            2 * ((w + b - 1) ** 2 + w**2),
            (2 * w + b - 1) ** 2 + (b - 1) ** 2,
        ),
        enumerated(
            "The double loop on a grid of (w, b).",
            [(naive_evaluation(Network([[u]], [v]), data, half).criterion, (u + v - 1) ** 2 + u**2) for u, v in points],
            "25 networks, 2 masks",
        ),
    ]


def _layers(bias_factor: Factor) -> tuple[bool, bool]:
    """The start and the step of the induction on the layers, for the activation in its sign cases."""
    ring, (big, c, w, h, m, total, b, t, s) = generic("C+ c+ w h m S b t+ s")
    grown = c * big
    linear = bias_factor([big, c], 1) * b == grown * b and (
        grown * total + (c * w) * (big * h * m) == grown * (total + w * h * m)
    )
    # slope 1 above 0, s below: relu (s = 0), leaky relu, linear (s = 1)
    activation = grown * ring.relu(t) == ring.relu(grown * t) and ring.relu(-grown * t) == ring.zero
    return ring.one * h == h, linear and activation and grown * (s * -t) == s * (grown * -t)


def _same_loss() -> tuple[ReluPolynomial, ReluPolynomial]:
    ring, (d, y) = generic("D y")
    return (ring.one * d - y) ** 2, (d - y) ** 2


def _induction_step(bias_factor: Factor) -> list[Step]:
    """From layer j − 1 to layer j at any width: generic C = C_{j−1} > 0, c = c_j > 0, h, r/p, w, b."""
    _, (big, c, w, h, m, total, b) = generic("C+ c+ w h m S b")
    factor = bias_factor([big, c], 1)
    return [
        identity(
            r"Masks commute with the scaling: $(C h)\, r/p = C\, (h\, r/p)$, with $m = r/p$ of any value.",
            (big * h) * m,
            big * (h * m),
        ),
        identity(
            r"Pre-activation, induction on the number of units below: it starts at the bias, $b' = c\, C\, b$.",
            factor * b,
            (c * big) * b,
        ),
        identity(
            r"One more unit below: $S' = c\,C\,S$ gives $S' + (c w)(C h\, r/p) = c\,C\,(S + w h\, r/p)$.",
            (c * big) * total + (c * w) * (big * h * m),
            (c * big) * (total + w * h * m),
        ),
    ]


def _homogeneity() -> list[Step]:
    """φ(C z) = C φ(z) for φ(z) = z (z > 0), s z (z ≤ 0) with any slope s, in the three cases of the sign of z."""
    ring, (c, t, s) = generic("C+ t+ s")

    def phi(z: ReluPolynomial) -> ReluPolynomial:
        if ring.is_positive(z):
            return z
        if ring.is_nonnegative(-z):
            return s * z
        raise AssertionError("the three cases have a manifest sign")

    cases = {"z = t > 0": t, "z = 0": ring.zero, "z = -t < 0": -t}
    return [
        step(
            r"$\varphi(C z) = C \varphi(z)$ for $C > 0$ and every slope $s$ of $\varphi$ below 0.",
            "cases",
            all(phi(c * z) == c * phi(z) for z in cases.values()),
            "; ".join(cases),
        )
    ]


def _not_isolated() -> list[Step]:
    """For d ≥ 2: c_j = t, c_{j+1} = 1/t moves W along a curve of equal D; zero layers leave others free."""
    _, (t, s, c, w, b) = generic("t+ s+ C w b")
    return [
        identity(
            r"With $c_j = t$, $c_{j+1} = s$ the product $C_d$ and all biases above layer $j$ change by $t s$ only, "
            r"which is 1 for $s = 1/t$.",
            (c * t) * s * b,
            (t * s) * (c * b),
        ),
        identity(
            r"The curve moves: $t w - w = (t - 1) w$ for each weight and bias of layer $j$: not 0 for $t \ne 1$ unless "
            "all of them are.",
            t * w - w,
            (t - 1) * w,
        ),
        argument(
            "If some hidden layer has a weight or bias that is not 0, this curve through W consists of other networks "
            "with the same output for every pattern, as near to W as one likes. If all hidden layers are 0, hidden "
            "values are 0 and the output weights may be moved freely. So for d at least 2 no network is isolated in "
            "its level set, minimisers included."
        ),
        step(
            "All hidden layers 0: the output is the output bias, whatever the output weights.",
            "derivation",
            _zero_layers_leave_output_weights_free(),
            "2-2-1 and 2-2-2-1",
        ),
    ]


def _zero_layers_leave_output_weights_free() -> bool:
    found = []
    for arch in (Architecture(2, (2,)), Architecture(2, (2, 2))):
        free = free_network(arch)
        zero = [w * 0 for w in free.weights[:-1]]
        none = [b * 0 for b in free.biases[:-1] if b is not None]
        network = Network([*zero, free.weights[-1]], [*none, free.biases[-1]])
        ring, layers, x = _in_ring(network, free_examples(2))
        bias = free.biases[-1]
        assert bias is not None
        wanted = ring.generator(bias[0]) * layers.scale(layers.depth)
        found += [dropout_output(layers, x, mask)[0] == wanted for mask in _patterns(arch)]
    return all(found)


def _patterns(arch: Architecture) -> list[list[tuple[int, ...]]]:
    return [list(m) for m in itertools.product(*(itertools.product((0, 1), repeat=n) for n in arch.widths[:-1]))]


def _in_ring(
    network: Network, data: Examples, extra: tuple[sympy.Symbol, ...] = ()
) -> tuple[ReluRing, Layers, tuple[ReluPolynomial, ...]]:
    """Return the network in a ring over its symbols and one generic keep probability per droppable layer."""
    keeps = sympy.symbols(f"p0:{len(network.weights)}", positive=True)
    arrays = [*network.weights, *(b for b in network.biases if b is not None), data.inputs]
    symbols = {s for a in arrays for v in a.flat if isinstance(v, sympy.Expr) for s in v.free_symbols} | set(extra)
    ring = ReluRing([*sorted(symbols, key=str), *keeps])
    layers = Layers(
        ring=ring,
        weights=tuple(tuple(tuple(map(ring.element, row)) for row in w.tolist()) for w in network.weights),
        biases=tuple(tuple(map(ring.element, network.bias(j))) for j in range(len(network.weights))),
        slopes=tuple(a.slope for a in network.architecture.activations),
        keep=tuple(map(ring.generator, keeps)),
    )
    return ring, layers, tuple(map(ring.element, data.inputs[0]))


def _at_size(arch: Architecture, bias_factor: Factor) -> Step:
    """Check the identity for every pattern with all weights, inputs, scales and keep probabilities free."""
    network, data = free_network(arch), free_examples(arch.inputs)
    scales = list(sympy.symbols(f"c1:{arch.depth + 1}", positive=True))
    _, after, x = _in_ring(rescaled(network, scales, bias_factor), data, tuple(scales))
    ring = after.ring
    weights = tuple(tuple(tuple(map(ring.element, row)) for row in w.tolist()) for w in network.weights)
    biases = tuple(tuple(map(ring.element, network.bias(j))) for j in range(arch.depth))
    before = Layers(ring=ring, weights=weights, biases=biases, slopes=after.slopes, keep=after.keep)
    product = ring.one
    for c in scales:
        product = product * ring.generator(c)
    holds = all(
        dropout_output(after, x, mask)[0] == product * dropout_output(before, x, mask)[0] for mask in _patterns(arch)
    )
    claim = (
        r"$\mathcal D(W', x, R) = c_1 \cdots c_d\, \mathcal D(W, x, R)$ with all symbols free, every $R$: " f"{arch}."
    )
    return step(claim, "derivation", holds, f"{1 << arch.mask_bits} patterns")


def _numbers(bias_factor: Factor) -> list[tuple[object, object]]:
    F = Fraction
    network = Network([[[1, -2], [F(1, 2), 3]], [[1, -1], [2, F(-1, 3)]], [3, -2]], [[F(1, 3), -1], [0, 1], F(1, 2)])
    scales = [F(2), F(3, 4), F(2, 3)]
    data, rates = Examples.half((F(3, 2), -1), 2), (F(1, 3),) * 3
    after = rescaled(network, scales, bias_factor)
    pairs: list[tuple[object, object]] = [
        (numeric_output(after, (2, -1), mask, rates), numeric_output(network, (2, -1), mask, rates))
        for mask, _ in masks(network, rates)
    ]
    one, two = (naive_evaluation(n, data, rates) for n in (network, after))
    return [*pairs, (one.criterion, two.criterion), (one.risk, two.risk), (one.penalty, two.penalty)]


@register(
    id="helmbold-2017-theorem-5",
    title="Rescaling layers rescales the output; no isolated minimisers",
    source="helmbold2017",
    number="Theorem 5",
    printed=r"$c_1, \dots, c_d > 0$, $W'_j = c_j W_j$, $b'_j = \bigl(\prod_{l \le j} c_l\bigr) b_j$: "
    r"$\mathcal D(W', x, R) = \bigl(\prod_j c_j\bigr) \mathcal D(W, x, R)$; with $\prod_j c_j = 1$ criterion, penalty "
    "and risk are unchanged.",
    statement="D(W',x,R) = (c1...cd) D(W,x,R) for all x, R; for d >= 2 no minimiser is isolated",
    verdict="holds",
    scope=SCOPE,
    correction=r"In the last lines of the printed proof $W$ and $W'$ are exchanged; that no minimiser is isolated "
    r"needs $d \ge 2$. The introduction states the rescaling without the rule for biases, which it needs.",
)
def theorem_5() -> Proof:
    """Prove the entry as declared."""
    return prove()
