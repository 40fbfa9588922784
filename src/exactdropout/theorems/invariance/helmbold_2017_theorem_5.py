"""Theorem 5 of Helmbold and Long (2017): rescaling the layers rescales the output, for every dropout pattern.

With c₁, …, c_d > 0, weights of layer j × c_j and biases of layer j × C_j, C_j = c₁ ⋯ c_j:
D(W′, x, R) = C_d D(W, x, R). If C_d = 1, criterion, penalty and risk do not change; and for d ≥ 2 no network is
isolated among those with the same D, so no minimiser of the criterion is isolated.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any

import sympy

from exactdropout.model import Architecture, Examples, Network
from exactdropout.numeric.definition import dropout_output as numeric_output
from exactdropout.numeric.definition import masks, naive_evaluation
from exactdropout.symbolic.criterion.masks import Layers, dropout_output
from exactdropout.symbolic.free_networks import free_examples, free_network
from exactdropout.symbolic.ring.ring import ReluPolynomial, ReluRing
from exactdropout.theorems.definitions import integer, quantity, real
from exactdropout.theorems.generic_symbols import generic, identity
from exactdropout.theorems.proof import Proof, Step, argument, enumerated, step
from exactdropout.theorems.registry import register
from exactdropout.theorems.statements.derivation import Conclusion, Derivation, proved
from exactdropout.theorems.statements.lines import ByCases, ByInduction, From, InWords, Line, part, say
from exactdropout.theorems.statements.terms import Term, apply, equal, number, symbol, symbols

__all__ = ["cumulative", "prove", "rescaled"]

Factor = Callable[[list[Any], int], Any]

SIZES = (
    Architecture(2, (2,)),
    Architecture(2, (2, 2)),
    Architecture(1, (2, 1, 2)),
    Architecture(2, (2,), activation="leaky_relu(1/10)"),
)


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


C, c, w, h, mu, S, b, z, slope, H, D, y, k, j = symbols("C c w h mu S b z s H D y k j")
Sp, Hp, Dp = (symbol(name, "new") for name in "SHD")


def _leaky(at: Term) -> Term:
    """Return φ(z) = z above 0 and s z below, as relu(z) − s relu(−z)."""
    return apply("relu", at) - slope * apply("relu", -at)


def _layer_values() -> Iterator[Mapping[Term, Any]]:
    """Yield the outputs of a network and of the rescaled one under every mask, with C_d."""
    network, scales = _given()[0], [Fraction(2), Fraction(3, 4), Fraction(5, 3)]
    after = rescaled(network, scales)
    product = cumulative(scales, len(scales) - 1)
    for mask, _ in masks(network, _RATES):
        for label in (Fraction(2), Fraction(-1, 3)):
            outputs = [Fraction(numeric_output(net, (2, -1), mask, _RATES)[0]) for net in (network, after)]
            yield {C: product, D: outputs[0], Dp: outputs[1], y: label}


_OUTPUT, _UNIT = equal(Dp, C * D), equal(Hp, C * H)

RESCALING = Derivation(
    name="rescaling",
    title="Rescaling layers rescales the output",
    setting=say(
        "Weights of each layer times positive factors, biases times their products so far, every dropout pattern"
    ),
    quantified=(
        real(C, "the product of the factors of all layers", low=0),
        real(y, "a label"),
        real(slope, "the slope of the activation below 0: 0 for relu, 1 for linear units"),
    ),
    quantities=(
        quantity(D, "the output of the network under a dropout pattern"),
        quantity(Dp, "that of the rescaled network under the same pattern"),
    ),
    auxiliary=(
        integer(k, 0, "a number of units below, taken into the sum one after the other"),
        integer(j, 0, "a number of layers"),
        real(c, "the factor of the next layer", low=0),
        real(w, "a weight of that layer"),
        real(h, "the value of the unit below it"),
        real(mu, "the mask of that unit, divided by the probability to be kept"),
        real(b, "the bias"),
        real(S, "a pre-activation, as far as it is summed"),
        real(Sp, "the same of the rescaled network"),
        real(z, "a pre-activation"),
        real(H, "the value of a unit"),
        real(Hp, "that of the rescaled network"),
    ),
    lines=(
        Line(
            label="pre-activation",
            sentence=say(
                "If the values below are multiplied by {0}, the sum is multiplied by {1}: it starts at the bias, and "
                "each unit below adds {2} and {3}, its mask included. So {claim}.",
                C,
                c * C,
                w * (h * mu),
                (c * w) * ((C * h) * mu),
            ),
            claim=equal(Sp, c * C * S),
            reason=ByInduction(
                k,
                ((S, b), (Sp, (c * C) * b)),
                ((S, S + w * (h * mu)), (Sp, Sp + (c * w) * ((C * h) * mu))),
            ),
        ),
        Line(
            label="activation",
            sentence=say("The activation, written with relu, keeps positive factors: {claim}."),
            claim=equal(_leaky(C * z), C * _leaky(z)),
            reason=ByCases((z,)),
        ),
        Line(
            label="units",
            sentence=say(
                "By induction on the layers every unit is multiplied by the product of the factors so far: {claim}. "
                "The inputs are the same."
            ),
            claim=_UNIT,
            reason=ByInduction(
                j,
                ((H, h), (Hp, h), (C, number(1))),
                ((H, _leaky(S)), (Hp, _leaky(c * C * S)), (C, c * C)),
                factor=number(0),
                signs=(S,),
            ),
        ),
        Line(
            label="output",
            sentence=say("The output layer is the same step without activation: {claim}."),
            claim=_OUTPUT,
            reason=InWords(_layer_values, "a network with two hidden layers, 64 masks"),
        ),
        Line(
            label="loss",
            sentence=say("The squared errors differ by a multiple of {0}: {claim}.", C - 1),
            claim=equal((Dp - y) ** 2 - (D - y) ** 2, (Dp + D - 2 * y) * ((C - 1) * D)),
            reason=From((part("output", Dp + D - 2 * y),)),
        ),
    ),
    conclusions=(
        Conclusion(_OUTPUT, From((part("output"),))),
        Conclusion(equal((Dp - y) ** 2 - (D - y) ** 2, (Dp + D - 2 * y) * ((C - 1) * D)), From((part("loss"),))),
    ),
)
"""D(W′, x, R) = C_d D(W, x, R); for C_d = 1 criterion, penalty and risk are the same."""

t, v = symbols("t v")

CURVE = Derivation(
    name="curve",
    title="No network is isolated among those with its output",
    setting=say(
        "Factor {0} for a hidden layer and its inverse for the next",
        t,
    ),
    quantified=(real(t, "a positive factor", low=0), real(v, "a weight or bias of a hidden layer")),
    lines=(
        Line(label="product", sentence=say("The product is {claim}."), claim=equal(t * (1 / t), 1)),
        Line(label="moves", sentence=say("It moves by {claim}."), claim=equal(t * v - v, (t - 1) * v)),
    ),
    conclusions=(
        Conclusion(equal(t * (1 / t), 1), From((part("product"),))),
        Conclusion(equal(t * v - v, (t - 1) * v), From((part("moves"),))),
    ),
)
DERIVATIONS = (RESCALING, CURVE)


def prove(bias_factor: Factor = cumulative) -> Proof:
    """Prove the theorem; the factor of the biases enters the networks that are compared, and only C_j works."""
    further = [
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
        *(_at_size(arch, bias_factor) for arch in SIZES),
        enumerated(
            "A network with given numbers: every pattern, and criterion and risk at $C_d = 1$.",
            _numbers(bias_factor),
            "64 masks, q = 1/3",
        ),
        enumerated(
            r"The last lines of the printed proof exchange $W$ and $W'$: with $K = d = 1$, weight 1, $c_1 = 2$, $x = "
            r"1$, $q = \frac12$ and the input kept, $\mathcal D(W') = 4 = 2\, \mathcal D(W)$, and $\mathcal D(W) = 2 "
            r"\ne 2\, \mathcal D(W')$.",
            [_exchanged()],
            "one mask",
        ),
        *_one_layer(),
    ]
    return proved("holds", DERIVATIONS, further)


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


_RATES = (Fraction(1, 3),) * 3


def _given() -> tuple[Network, list[Fraction]]:
    """Return a network with two hidden layers and the factors of its layers; their product is 1."""
    F = Fraction
    network = Network([[[1, -2], [F(1, 2), 3]], [[1, -1], [2, F(-1, 3)]], [3, -2]], [[F(1, 3), -1], [0, 1], F(1, 2)])
    return network, [F(2), F(3, 4), F(2, 3)]


def _numbers(bias_factor: Factor) -> list[tuple[object, object]]:
    network, scales = _given()
    data = Examples.half((Fraction(3, 2), -1), 2)
    after = rescaled(network, scales, bias_factor)
    pairs: list[tuple[object, object]] = [
        (numeric_output(after, (2, -1), mask, _RATES), numeric_output(network, (2, -1), mask, _RATES))
        for mask, _ in masks(network, _RATES)
    ]
    one, two = (naive_evaluation(n, data, _RATES) for n in (network, after))
    return [*pairs, (one.criterion, two.criterion), (one.risk, two.risk), (one.penalty, two.penalty)]


@register(
    id="helmbold-2017-theorem-5",
    title="Rescaling layers rescales the output; no isolated minimisers",
    source="helmbold2017",
    number="Theorem 5",
    printed=say(
        "Multiply the weights of each layer by a positive factor, and its biases by the product of the factors up to "
        "it: then {0} with {1} the product of all factors; where it is 1, criterion, penalty and risk are unchanged, "
        "so no minimiser is isolated.",
        _OUTPUT,
        C,
    ),
    derivations=DERIVATIONS,
    verdict="holds",
    correction=r"In the last lines of the printed proof $W$ and $W'$ are exchanged; that no minimiser is isolated "
    r"needs $d \ge 2$. The introduction states the rescaling without the rule for biases, which it needs.",
)
def theorem_5() -> Proof:
    """Prove the entry as declared."""
    return prove()
