"""Hypothesis strategies for architectures, networks, example distributions, drop rates and masks.

They are made to reach what breaks evaluators: zero weights, dead units, pre-activations exactly 0, repeated
examples, drop probability 0, several outputs. Small integers and halves make such coincidences common.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Literal

from hypothesis import strategies as st

from exactdropout.model import Activation, Architecture, Examples, Network

__all__ = [
    "architectures",
    "example_distributions",
    "kinked_networks",
    "mask_patterns",
    "modules",
    "networks",
    "problems",
    "rates",
    "rescalings",
]

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

_ACTIVATIONS = st.one_of(
    st.just(Activation.relu()),
    st.sampled_from([Activation.linear(), Activation.leaky_relu("1/10"), Activation.relu()]),
)


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
    return Architecture(
        inputs=widths[0],
        hidden=tuple(widths[1:]),
        outputs=draw(st.integers(1, max_outputs)),
        hidden_biases=draw(st.booleans()),
        output_bias=draw(st.booleans()),
        activation=[draw(_ACTIVATIONS) for _ in widths[1:]],
    )


@st.composite
def networks(
    draw: st.DrawFn, /, architecture: Architecture | None = None, *, kind: NumberKind = "exact", **limits: int
) -> Network:
    """Draw networks of a given or drawn architecture; zero weights, dead units, ties and exact kinks are common.

    Without an architecture they shrink to small ones: a unit or a layer that a failure does not need goes. ``limits``
    are those of :func:`architectures`. ``kind`` is ``"exact"`` (small rationals) or ``"float64"``.

    >>> from hypothesis import given
    >>> @given(networks(max_mask_bits=4))
    ... def check(network):
    ...     assert sum(network.architecture.widths[:-1]) <= 4
    >>> check()
    """
    if architecture is None:
        return draw(_networks_that_shrink(kind, **limits))
    entry = _entries(kind)
    widths = architecture.widths
    weights, biases = [], []
    for layer in range(len(widths) - 1):
        rows, columns = widths[layer + 1], widths[layer]
        weights.append([[draw(entry) for _ in range(columns)] for _ in range(rows)])
        has_bias = architecture.output_bias if layer == len(widths) - 2 else architecture.hidden_biases
        biases.append([draw(entry) for _ in range(rows)] if has_bias else None)
    network = Network(weights, biases, activation=architecture.activations)
    return network.float64() if kind == "float64" else network


@st.composite
def _networks_that_shrink(
    draw: st.DrawFn,
    kind: NumberKind,
    *,
    max_mask_bits: int = 9,
    max_width: int = 4,
    max_hidden: int = 3,
    max_outputs: int = 2,
) -> Network:
    """Draw networks whose inputs, units and layers can go one by one.

    A layer is ``max_width`` places, some of them taken; a unit has a weight for every place before it. So nothing else
    moves among the choices where a place is freed, which is what the shrinker tries first.
    """
    entry = _entries(kind)
    places = min(max_width, max_mask_bits)
    taken = st.lists(st.booleans(), min_size=places, max_size=places)
    rows = st.lists(st.lists(entry, min_size=places, max_size=places), min_size=places, max_size=places)
    constants = st.lists(entry, min_size=places, max_size=places)
    layer = st.tuples(taken, _ACTIVATIONS, rows, constants)
    room = max_mask_bits
    before = _places(draw(taken), room)
    room -= len(before)
    weights, biases, kinds = [], [], []
    biased, output_bias = draw(st.booleans()), draw(st.booleans())
    for flags, activation, matrix, constant in draw(st.lists(layer, max_size=max_hidden)):
        if room:
            units = _places(flags, room)
            room -= len(units)
            weights.append([[matrix[unit][place] for place in before] for unit in units])
            biases.append([constant[unit] for unit in units] if biased else None)
            kinds.append(activation)
            before = units
    last = draw(st.lists(st.tuples(constants, entry), min_size=1, max_size=max_outputs))
    weights.append([[row[place] for place in before] for row, _ in last])
    biases.append([bias for _, bias in last] if output_bias else None)
    network = Network(weights, biases, activation=kinds)
    return network.float64() if kind == "float64" else network


def _places(taken: list[bool], room: int) -> list[int]:
    """Return the places that are taken, at least one and at most ``room``."""
    return [place for place, flag in enumerate(taken) if flag][:room] or [0]


@st.composite
def kinked_networks(draw: st.DrawFn, /, *, kind: NumberKind = "exact", **limits: int) -> tuple[Network, Examples]:
    """Draw a network and examples on which it is special: every example has a unit at exactly 0, dead, or tied.

    The bias of one hidden unit is moved so that its pre-activation is 0 on the first example (a kink); another unit may
    repeat it (a tie); a third may have no weights and a bias that is not positive (a dead unit).

    >>> from hypothesis import given
    >>> @given(kinked_networks())
    ... def check(pair):
    ...     network, data = pair
    ...     assert 0 in (network.weights[0] @ data.inputs[0] + network.biases[0]).tolist()
    >>> check()
    """
    small = {"max_mask_bits": 6, "max_width": 3, "max_hidden": 2} | limits
    network = draw(networks(None, kind=kind, **small).filter(lambda n: n.architecture.depth > 1))
    data = draw(
        example_distributions(inputs=network.architecture.inputs, outputs=network.architecture.outputs, kind=kind)
    )
    weights = [[list(row) for row in w.tolist()] for w in network.weights]
    zero = weights[0][0][0] * 0
    biases = [[zero] * len(w) if b is None else b.tolist() for w, b in zip(weights, network.biases, strict=True)]
    x, first = data.inputs[0].tolist(), weights[0]
    if draw(st.booleans()) and len(first) > 1:
        first[-1], biases[0][-1] = list(first[0]), biases[0][0]
    for unit in {0, len(first) - 1}:
        biases[0][unit] = -sum((w * v for w, v in zip(first[unit], x, strict=True)), zero)
    if draw(st.booleans()) and len(first) > 2:
        first[1], biases[0][1] = [zero] * len(x), -abs(biases[0][1])
    return Network(weights, biases, activation=_relus(network)), data


def _relus(network: Network) -> list[Activation]:
    return [Activation.relu(), *network.architecture.activations[1:]]


@st.composite
def rescalings(draw: st.DrawFn, network: Network) -> Network:
    """Draw a network with the same outputs, and the same outputs under every mask: hidden units rescaled by c > 0.

    φ(cz) = cφ(z): incoming weights and the bias of a unit are multiplied by c, outgoing weights divided by it.
    The c are powers of two, which are exact in floats too (up to overflow).

    >>> from hypothesis import given
    >>> @given(rescalings(Network([[[1]], [[3]]])))
    ... def check(network):
    ...     assert network.weights[0][0, 0] * network.weights[1][0, 0] == 3
    >>> check()
    """
    powers = st.integers(-3, 3).map(lambda k: Fraction(2) ** k)
    weights = [w.tolist() for w in network.weights]
    biases = [None if b is None else b.tolist() for b in network.biases]
    exact = network.kind != "float64"
    for layer, width in enumerate(network.architecture.hidden):
        for unit in range(width):
            c = draw(powers)
            up, down = (c, 1 / c) if exact else (float(c), float(1 / c))
            weights[layer][unit] = [w * up for w in weights[layer][unit]]
            if (bias := biases[layer]) is not None:
                bias[unit] *= up
            for row in weights[layer + 1]:
                row[unit] *= down
    return Network(weights, biases, activation=network.architecture.activations)


@st.composite
def modules(
    draw: st.DrawFn, /, framework: Literal["torch", "keras", "flax", "equinox"] = "torch", **limits: int
) -> Any:
    """Draw a module of a framework: dropout at drawn rates before every linear map, float32, of float64 networks.

    For PyTorch a ``torch.nn.Sequential``, for Keras a ``keras.Sequential``, for Flax an ``nnx.Sequential``, for Equinox
    an ``equinox.nn.Sequential``.

    Returns:
        The module, the network that it is (its weights rounded to float32), and its rates, inputs first.

    Raises:
        MissingExtra: the framework is not installed.
    """
    from exactdropout.testing.framework_modules import module_of

    drawn = draw(networks(None, kind="float64", **limits))
    single = Network(
        [w.astype("float32").astype("float64") for w in drawn.weights],
        [None if b is None else b.astype("float32").astype("float64") for b in drawn.biases],
        activation=drawn.architecture.activations,
    )
    q = draw(rates(drawn.architecture))
    return module_of(single, q, framework), single, q


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
    """Draw a network, a distribution that fits it, and drop probabilities.

    They shrink as far as :func:`networks` does, then to one example and to rates 0. ``limits`` are those of
    :func:`architectures`.
    """
    # drawn first and cut to the network afterwards: nothing moves among the choices where a unit or a layer goes
    room = {"max_mask_bits": 9, "max_width": 4, "max_hidden": 3, "max_outputs": 2} | limits
    inputs, outputs = min(room["max_width"], room["max_mask_bits"]), room["max_outputs"]
    layers = room["max_hidden"] + 1
    found = draw(st.lists(st.sampled_from(_PROBABILITIES), min_size=layers, max_size=layers))
    alike = draw(st.booleans())
    places = draw(example_distributions(inputs=inputs, outputs=outputs, max_examples=max_examples, kind=kind))
    network = draw(networks(None, kind=kind, **limits))
    arch = network.architecture
    rows = zip(places.inputs.tolist(), places.labels.tolist(), places.probabilities, strict=True)
    data = Examples([(x[: arch.inputs], y[: arch.outputs], share) for x, y, share in rows])
    return network, data, tuple(found[:1] * arch.depth if alike else found[: arch.depth])
