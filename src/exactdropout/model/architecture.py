"""The shape of a network: the paper's standard architecture and its close relatives."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from exactdropout.errors import InvalidInput
from exactdropout.model.activation import Activation, activations
from exactdropout.model.architecture_text import bias_words, read_architecture
from exactdropout.model.calls import told_what_is_missing
from exactdropout.model.numbers import show

__all__ = ["MAX_LAYERS", "MAX_WIDTH", "Architecture"]

MAX_WIDTH = 1_000_000
MAX_LAYERS = 10_000
MAX_SHOWN = 100


@dataclass(frozen=True, init=False, repr=False)
class Architecture:
    """K inputs, hidden layers of the given widths, a linear output layer (Helmbold and Long 2017, Section 2).

    ``hidden=(n,)*(d-1)`` with ``biases=True`` is the paper's standard architecture of depth d. Every input and
    every hidden unit can be dropped; outputs and biases cannot.

    Args:
        inputs: K ≥ 1; or the whole as text, ``Architecture("2-3-1 relu, no biases")``, in the grammar of
            :mod:`exactdropout.model.architecture_text`, with nothing beside it. ``str`` writes this text.
        hidden: widths of the hidden layers, each ≥ 1; ``()`` is the linear model.
        outputs: number of linear outputs (squared error is summed over them); 1 by default.
        biases: biases at hidden units and at the output; ``hidden_biases`` and ``output_bias`` override it.
        activation: one for all hidden layers, or one per hidden layer; ``"relu"``, ``"linear"``,
            ``"leaky_relu(1/100)"`` or an :class:`Activation`.

    >>> arch = Architecture(inputs=2, hidden=(3,), biases=True)
    >>> arch.depth, arch.mask_bits, arch.parameters
    (2, 5, 13)
    >>> Architecture("2-3-1 relu, biases") == arch, str(arch)
    (True, '2-3-1 relu, biases')
    """

    inputs: int
    hidden: tuple[int, ...]
    outputs: int
    hidden_biases: bool
    output_bias: bool
    activations: tuple[Activation, ...]

    @told_what_is_missing
    def __init__(
        self,
        inputs: int | str,
        hidden: Sequence[int] = (),
        outputs: int = 1,
        *,
        biases: bool = True,
        hidden_biases: bool | None = None,
        output_bias: bool | None = None,
        activation: str | Activation | Sequence[str | Activation] = "relu",
    ) -> None:
        """Validate once; the object is frozen."""
        if isinstance(inputs, str):
            given = (hidden, outputs, biases, hidden_biases, output_bias, activation)
            if given != ((), 1, True, None, None, "relu"):
                raise InvalidInput(
                    f"Argument 'inputs' is the text {show(inputs)}, which says everything; write no other argument "
                    "beside it."
                )
            text = read_architecture(inputs)
            inputs, outputs = int(text.inputs), text.outputs
            hidden = tuple(int(width) for width, times in text.hidden for _ in range(int(times)))
            hidden_biases, output_bias = text.hidden_biases, text.output_bias
            if text.activations:
                activation = text.activations[0] if len(text.activations) == 1 else text.activations
                activation = () if not hidden else activation
        if isinstance(hidden, (str, bytes)) or not isinstance(hidden, Sequence):
            instead = f"; write ({hidden},)" if isinstance(hidden, int) and not isinstance(hidden, bool) else ""
            raise InvalidInput(
                f"Argument 'hidden' must be a sequence of widths such as (3,), not {show(hidden)}{instead}."
            )
        if len(hidden) > MAX_LAYERS:
            raise InvalidInput(f"Argument 'hidden' must have at most {MAX_LAYERS} layers, not {len(hidden)}.")
        widths = tuple(_count(n, f"hidden[{i}]") for i, n in enumerate(hidden))
        for flag, name in ((biases, "biases"), (hidden_biases, "hidden_biases"), (output_bias, "output_bias")):
            if flag is not None and not isinstance(flag, bool):
                raise InvalidInput(f"Argument {name!r} must be True or False, not {show(flag)}.")
        put = object.__setattr__
        put(self, "inputs", _count(inputs, "inputs"))
        put(self, "hidden", widths)
        put(self, "outputs", _count(outputs, "outputs"))
        put(self, "hidden_biases", biases if hidden_biases is None else hidden_biases)
        put(self, "output_bias", biases if output_bias is None else output_bias)
        put(self, "activations", activations(activation, len(widths)))

    @property
    def depth(self) -> int:
        """Number of layers d, the output counted and the inputs not (the paper's count)."""
        return len(self.hidden) + 1

    @property
    def widths(self) -> tuple[int, ...]:
        """Widths of all layers: inputs, hidden layers, outputs."""
        return (self.inputs, *self.hidden, self.outputs)

    @property
    def mask_bits(self) -> int:
        """N = K + Σ n_l: the number of units that dropout can drop; there are 2^N masks."""
        return self.inputs + sum(self.hidden)

    @property
    def parameters(self) -> int:
        """Number of weights and biases."""
        widths = self.widths
        weights = sum(a * b for a, b in itertools.pairwise(widths))
        return weights + sum(self.hidden) * self.hidden_biases + self.outputs * self.output_bias

    def __repr__(self) -> str:
        """Return the call that makes it."""
        return f'Architecture("{self}")'

    def __str__(self) -> str:
        """Return the text that ``Architecture(text)`` reads, such as ``2-3-1 relu, biases``."""
        names = [str(a) for a in self.activations]
        if len(set(names)) < 2:
            names = names[:1] or ["linear"]
        layers = "-".join(map(str, self.widths))
        if len(layers) > MAX_SHOWN:  # many layers: equal neighbours together
            runs = [(width, len(list(run))) for width, run in itertools.groupby(self.hidden)]
            layers = "-".join(
                [str(self.inputs), *(f"{w}^{n}" if n > 1 else str(w) for w, n in runs), str(self.outputs)]
            )
        return f"{layers} {'/'.join(names)}, {bias_words(self.hidden_biases, self.output_bias)}"


def _count(value: object, name: str) -> int:
    if isinstance(value, (bool, np.bool_)) or not hasattr(value, "__index__") or getattr(value, "ndim", None):
        instead = f"; write {int(value)}" if isinstance(value, str) and value.strip().isdecimal() else ""
        if isinstance(value, float) and value.is_integer():
            instead = f"; write {int(value)}"
        raise InvalidInput(f"Argument {name!r} must be a positive integer, not {show(value)}{instead}.")
    number = value.__index__()
    if not 1 <= number <= MAX_WIDTH:
        raise InvalidInput(f"Argument {name!r} must satisfy 1 <= {name} <= {MAX_WIDTH}, not {show(number)}.")
    return int(number)
