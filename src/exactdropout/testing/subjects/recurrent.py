"""The gates of recurrent cells of Keras as layers: what a gate reads of the state (or of the input), and nothing else.

A cell is given weights 0 and 1, linear activations, and two steps for each step of time. In the first step the values
are written into the state; in the second each gate reads them, masked, and writes them to units of its own, while the
other gates are constants. So the output is x m/p exactly, each gate with its own m.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from exactdropout.errors import InvalidInput, MissingExtra
from exactdropout.model.numbers import show

__all__ = ["recurrent_gates"]

Floats = npt.NDArray[np.float32]
GATES = {"SimpleRNNCell": ("h",), "GRUCell": ("z", "r", "h"), "LSTMCell": ("i", "f", "c", "o")}
"""The gates of a cell in the order of its kernel."""


def recurrent_gates(
    cell: type | None = None,
    gate: str | None = None,
    *,
    of: Literal["recurrent", "inputs"] = "recurrent",
    unroll: bool = False,
) -> Callable[[float], Any]:
    """Return a factory of q: the gates of a recurrent cell of Keras in ``keras.layers.RNN``, as a layer.

    A recurrent mask is drawn once for a call and kept over all steps of time (Gal & Ghahramani 2016):
    ``model=shared(1)``.

    Args:
        cell: ``keras.layers.LSTMCell`` (the default), ``GRUCell`` or ``SimpleRNNCell``, or a subclass of one.
        gate: ``"i"``, ``"f"``, ``"c"`` or ``"o"``; ``"z"``, ``"r"`` or ``"h"``; ``"h"``. The layer maps x of shape
            (rows, time, units) to x m/p. Without a gate it takes x of shape (rows, time, gates, units), in the order of
            the kernel, and shows the masks of all gates together: ``shared(1)`` where each gate has a mask of its own,
            ``shared(1, 2)`` where the gates share one.
        of: ``"recurrent"`` is ``recurrent_dropout``, the masks of the state; ``"inputs"`` is ``dropout``.
        unroll: run the steps one by one; on JAX that is quicker for few calls, which compile otherwise.

    Raises:
        InvalidInput: another cell, or a gate that it does not have.
        MissingExtra: Keras is not installed.

    >>> from exactdropout import testing as xt
    >>> report = xt.assert_dropout_exact(xt.recurrent_gates(gate="f"), "3/10", model=xt.shared(1))    # doctest: +SKIP
    """
    try:
        import keras
    except ImportError:
        raise MissingExtra("This needs Keras; install it with: pip install 'exactdropout[keras]'") from None
    found = keras.layers.LSTMCell if cell is None else cell
    kinds = [n for n in GATES if isinstance(found, type) and issubclass(found, getattr(keras.layers, n))]
    if not kinds:
        raise InvalidInput(
            f"Argument 'cell' must be one of {', '.join(GATES)} of Keras, or a subclass, not {show(found)}."
        )
    kind = kinds[0]
    if gate is not None and gate not in GATES[kind]:
        raise InvalidInput(
            f"Argument 'gate' must be one of {', '.join(map(repr, GATES[kind]))} for {kind}, not {show(gate)}."
        )
    if of not in ("recurrent", "inputs"):
        raise InvalidInput(f"Argument 'of' must be 'recurrent' or 'inputs', not {show(of)}.")
    return lambda q: _layer(keras, found, kind, gate, of == "recurrent", unroll, q)


def _layer(keras: Any, cell: type, kind: str, gate: str | None, recurrent: bool, unroll: bool, q: float) -> Any:
    count = len(GATES[kind])

    class Gates(keras.layers.Layer):  # type: ignore[misc]
        """The gates of the cell, read as said above."""

        def build(self, shape: Any) -> None:
            """Make the cell for the number of units of the input."""
            self.width = int(shape[-1])
            units = (
                1 + count
            ) * self.width + 1  # what is stored, what each gate shows, and a unit that says which step
            linear = {} if kind == "SimpleRNNCell" else {"recurrent_activation": "linear"}
            rates = {"recurrent_dropout": q} if recurrent else {"dropout": q}
            self.rnn = keras.layers.RNN(
                cell(units, activation="linear", **linear, **rates), return_sequences=True, unroll=unroll
            )
            self.rnn.build((None, None, self.width + 1))
            self.rnn.set_weights([*_weights(kind, self.width, recurrent), *self.rnn.get_weights()[3:]])
            self.built = True

        def call(self, x: Any, training: bool = False) -> Any:
            """Return what the gates read."""
            ops = keras.ops
            shape = ops.shape(x)
            rows, time = shape[0], shape[1]
            written = x if gate is not None else ops.ones((rows, time, self.width), dtype=x.dtype)
            empty = ops.zeros_like(written)
            first, second = (written, empty) if recurrent else (empty, written)
            mark = ops.ones((rows, time, 1), dtype=x.dtype)
            steps = [ops.concatenate([first, mark], axis=-1), ops.concatenate([second, 0 * mark], axis=-1)]
            pairs = ops.reshape(ops.stack(steps, axis=2), (rows, 2 * time, self.width + 1))
            shown = self.rnn(pairs, training=training)[:, 1::2, self.width : (1 + count) * self.width]
            gates = ops.reshape(shown, (rows, time, count, self.width))
            return x * gates if gate is None else gates[:, :, GATES[kind].index(gate)]

    return Gates()


def _weights(kind: str, width: int, recurrent: bool) -> tuple[Floats, Floats, Floats]:
    """Return kernel, recurrent kernel and bias of a cell in which each gate shows what it reads."""
    names = GATES[kind]
    units, count = (1 + len(names)) * width + 1, len(names)
    kernel = np.zeros((width + 1, count, units), dtype=np.float32)
    state = np.zeros((units, count, units), dtype=np.float32)
    bias = np.zeros((2, count, units), dtype=np.float32)  # of the input; of the state (GRU)
    stored, last = slice(0, width), units - 1
    one = np.eye(width, dtype=np.float32)
    blocks = {name: slice((1 + i) * width, (2 + i) * width) for i, name in enumerate(names)}
    place = {name: i for i, name in enumerate(names)}

    def first_step_only(gate: str, block: slice) -> None:
        """Let a gate be 1 in the first of two steps and 0 in the second, by whichever way is not masked."""
        if recurrent:
            kernel[width, place[gate], block] = 1
        else:
            bias[0, place[gate], block], state[last, place[gate], block] = 1, -1

    content = "c" if kind == "LSTMCell" else "h"  # what is written into the state, where the other gates let it
    kernel[stored, place[content], stored] = one
    for name, block in blocks.items():
        read = (state[stored], kernel[stored])[not recurrent]
        read[:, place[name], block] = one
    everywhere = slice(0, units)
    if kind == "LSTMCell":
        for name in ("i", "o"):
            bias[0, place[name], everywhere] = 1
            bias[0, place[name], blocks[name]] = 0
        for name in ("i", "f", "o"):
            bias[0, place["c"], blocks[name]] = 1
        bias[0, place["i"], blocks["f"]] = 0
        first_step_only("i", blocks["f"])
    elif kind == "GRUCell":
        bias[0, place["r"], everywhere] = 1
        bias[0, place["r"], blocks["r"]] = 0
        bias[1, place["h"], blocks["r"]] = 1
        first_step_only("h", blocks["z"])
    first_step_only(content, slice(last, units))
    flat = bias.reshape(2, -1) if kind == "GRUCell" else bias[0].ravel()
    return kernel.reshape(width + 1, -1), state.reshape(units, -1), flat
