"""Hypothesis strategies for architectures, networks, example distributions, drop rates and masks.

They are made to reach what breaks evaluators: zero weights, dead units, pre-activations exactly 0, repeated
examples, drop probability 0, several outputs. Small integers and halves make such coincidences common.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Literal

from hypothesis import strategies as st

from exactdropout.model import Activation, Architecture, Examples, Network

__all__ = ["architectures", "example_distributions", "mask_patterns", "networks", "problems", "rates"]

NumberKind = Literal["exact", "float64"]

_SMALL = st.integers(-2, 2).map(Fraction)
_RATIONALS = st.one_of(
    _SMALL,
    st.sampled_from([Fraction(1, 2), Fraction(-1, 2), Fraction(3, 2), Fraction(1, 3), Fraction(-2, 3)]),
    st.fractions(min_value=-3, max_value=3, max_denominator=12),
)
_FLOATS = st.one_of(
    st.integers(-2, 2).map(float),
    st.floats(min_value=-4, max_value=4, allow_nan=False, allow_subnormal=False).map(lambda v: round(v, 6)),
    st.floats(min_value=-1e6, max_value=1e6, allow_nan=False, allow_subnormal=False),
)
_PROBABILITIES = [Fraction(0), Fraction(1, 2), Fraction(1, 3), Fraction(3, 4), Fraction(1, 10), Fraction(9, 10)]


def _entries(kind: NumberKind) -> st.SearchStrategy[Any]:
    return _RATIONALS if kind == "exact" else _FLOATS


@st.composite
def architectures(
    draw: st.DrawFn,
    *,
    max_mask_bits: int = 9,
    max_width: int = 4,
    max_hidden: int = 3,
    max_outputs: int = 2,
) -> Architecture:
    """Draw architectures of at most ``max_mask_bits`` droppable units: all widths, biases and activations."""
    widths = [draw(st.integers(1, min(max_width, max_mask_bits)))]
    for _ in range(draw(st.integers(0, max_hidden))):
        room = max_mask_bits - sum(widths)
        if room < 1:
            break
        widths.append(draw(st.integers(1, min(max_width, room))))
    activation = st.one_of(
        st.just(Activation.relu()),
        st.sampled_from([Activation.linear(), Activation.leaky_relu("1/10"), Activation.relu()]),
    )
    return Architecture(
        inputs=widths[0],
        hidden=tuple(widths[1:]),
        outputs=draw(st.integers(1, max_outputs)),
        hidden_biases=draw(st.booleans()),
        output_bias=draw(st.booleans()),
        activation=[draw(activation) for _ in widths[1:]],
    )


@st.composite
def networks(
    draw: st.DrawFn, /, architecture: Architecture | None = None, *, kind: NumberKind = "exact", **limits: int
) -> Network:
    """Draw networks of a given or drawn architecture; zero weights and exact kinks are common."""
    arch = draw(architectures(**limits)) if architecture is None else architecture
    entry = _entries(kind)
    widths = arch.widths
    weights, biases = [], []
    for layer in range(len(widths) - 1):
        rows, columns = widths[layer + 1], widths[layer]
        weights.append([[draw(entry) for _ in range(columns)] for _ in range(rows)])
        has_bias = arch.output_bias if layer == len(widths) - 2 else arch.hidden_biases
        biases.append([draw(entry) for _ in range(rows)] if has_bias else None)
    network = Network(weights, biases, activation=arch.activations)
    return network.float64() if kind == "float64" else network


@st.composite
def example_distributions(
    draw: st.DrawFn,
    *,
    inputs: int,
    outputs: int = 1,
    max_examples: int = 3,
    kind: NumberKind = "exact",
) -> Examples:
    """Draw finite distributions with repeated examples and unequal exact probabilities."""
    entry = _entries(kind)
    row = st.tuples(
        st.lists(entry, min_size=inputs, max_size=inputs), st.lists(entry, min_size=outputs, max_size=outputs)
    )
    pairs = draw(st.lists(row, min_size=1, max_size=max_examples))
    if draw(st.booleans()) and len(pairs) < max_examples:
        pairs.append(pairs[0])
    parts = [draw(st.integers(1, 4)) for _ in pairs]
    return Examples([(x, y, Fraction(part, sum(parts))) for (x, y), part in zip(pairs, parts, strict=True)])


@st.composite
def rates(draw: st.DrawFn, architecture: Architecture) -> tuple[Fraction, ...]:
    """Draw one drop probability for all layers or one per layer, 0 included."""
    one = st.sampled_from(_PROBABILITIES)
    if draw(st.booleans()):
        return (draw(one),) * architecture.depth
    return tuple(draw(one) for _ in range(architecture.depth))


@st.composite
def mask_patterns(draw: st.DrawFn, architecture: Architecture) -> tuple[tuple[int, ...], ...]:
    """Draw a dropout pattern R: one 0/1 tuple per droppable layer, inputs first."""
    bit = st.integers(0, 1)
    return tuple(tuple(draw(bit) for _ in range(width)) for width in architecture.widths[:-1])


@st.composite
def problems(
    draw: st.DrawFn, /, *, kind: NumberKind = "exact", max_examples: int = 3, **limits: int
) -> tuple[Network, Examples, tuple[Fraction, ...]]:
    """Draw a network, a distribution that fits it, and drop probabilities."""
    arch = draw(architectures(**limits))
    network = draw(networks(arch, kind=kind))
    data = draw(example_distributions(inputs=arch.inputs, outputs=arch.outputs, max_examples=max_examples, kind=kind))
    return network, data, draw(rates(arch))
