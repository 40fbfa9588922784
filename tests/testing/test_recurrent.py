"""Recurrent masks of Keras' cells, gate by gate and together; and cells that break them."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from exactdropout import testing as xt
from exactdropout.errors import DropoutFault, InvalidInput

External = Callable[[str], str]
THOROUGH = pytest.mark.thorough
EXACT = ["value", "gradient", "evaluation"]
X = np.linspace(-2, 2, 24).reshape(4, 3, 2)
ALL = np.linspace(-2, 2, 8 * 3 * 4 * 3).reshape(8, 3, 4, 3)
CELLS = [
    ("SimpleRNNCell", "h"), ("GRUCell", "z"), ("GRUCell", "r"), ("GRUCell", "h"), ("LSTMCell", "i"), ("LSTMCell", "f"),
    ("LSTMCell", "c"), ("LSTMCell", "o"),
]  # fmt: skip


@pytest.fixture
def keras(external: External) -> Any:
    external("keras")
    os.environ.setdefault("KERAS_BACKEND", "jax")
    import keras

    return keras


@pytest.mark.parametrize("of", ["recurrent", "inputs"])
@pytest.mark.parametrize(
    ("cell", "gate"), [pytest.param(*c, marks=() if c == ("LSTMCell", "f") else THOROUGH) for c in CELLS]
)
def test_a_gate_reads_what_it_should(keras: Any, cell: str, gate: str, of: Any) -> None:
    layer = xt.recurrent_gates(getattr(keras.layers, cell), gate, of=of, unroll=gate != "c")(0.3)
    y = np.asarray(keras.ops.convert_to_numpy(layer(X.astype(np.float32), training=True)))
    kept = y != 0
    assert np.allclose(y, np.where(kept, X / 0.7, 0), rtol=1e-6)  # by the definition, and not by the assertion
    assert (kept == kept[:, :1]).all()
    assert np.array_equal(keras.ops.convert_to_numpy(layer(X.astype(np.float32))), X.astype(np.float32))
    report = xt.assert_dropout_exact(layer, "3/10", model=xt.shared(1), x=X, checks=EXACT)
    assert [name for name, _ in report.checked] == EXACT


@THOROUGH
def test_gates_of_keras_have_masks_of_their_own_for_the_state(keras: Any) -> None:
    layer = xt.recurrent_gates(keras.layers.LSTMCell, unroll=True)(0.3)
    report = xt.assert_dropout(layer, "3/10", model=xt.shared(1), x=ALL, budget=3_000, checks=["value", "laws"])
    assert "laws" in dict(report.checked)


def test_gates_of_keras_share_the_mask_of_the_input(keras: Any) -> None:
    layer = xt.recurrent_gates(keras.layers.LSTMCell, of="inputs", unroll=True)(0.3)
    xt.assert_dropout_exact(layer, "3/10", model=xt.shared(1, 2), x=ALL, checks=["value"])
    with pytest.raises(DropoutFault, match=r"of 4 are kept in the indices along dimension 1 of one sample"):
        xt.assert_dropout_distribution(layer, "3/10", model=xt.shared(1), x=ALL, budget=3_000)


@pytest.mark.parametrize(
    "fault",
    [
        "redrawn",
        "a gate is left out",
        *(pytest.param(f, marks=THOROUGH) for f in ("shared by the gates", "kept between calls")),
    ],
)  # fmt: skip
def test_broken_cells_are_flagged(keras: Any, fault: str) -> None:
    class Cell(keras.layers.LSTMCell):  # type: ignore[misc, name-defined]
        def get_recurrent_dropout_mask(self, step_input: Any) -> Any:
            if fault == "redrawn":
                return self._create_dropout_mask(step_input, self.recurrent_dropout)
            masks = super().get_recurrent_dropout_mask(step_input)
            if fault == "shared by the gates":
                return masks[:1] * 4
            return [keras.ops.ones_like(step_input), *masks[1:]] if fault == "a gate is left out" else masks

        def reset_recurrent_dropout_mask(self) -> None:
            if fault != "kept between calls":
                super().reset_recurrent_dropout_mask()

    words = {"redrawn": "partly kept", "a gate is left out": "neither the kept nor the dropped"}.get(fault, "laws")
    layer = xt.recurrent_gates(Cell, unroll=True)(0.3)
    with pytest.raises(DropoutFault, match=words):
        xt.assert_dropout(layer, "3/10", model=xt.shared(1), x=ALL, budget=3_000, checks=["value", "laws"])


def test_other_cells_and_gates_are_refused(keras: Any) -> None:
    with pytest.raises(InvalidInput, match="Argument 'cell' must be one of SimpleRNNCell, GRUCell, LSTMCell"):
        xt.recurrent_gates(keras.layers.Dense)
    with pytest.raises(InvalidInput, match="Argument 'gate' must be one of 'z', 'r', 'h' for GRUCell, not 'f'"):
        xt.recurrent_gates(keras.layers.GRUCell, "f")
    with pytest.raises(InvalidInput, match="Argument 'of' must be 'recurrent' or 'inputs', not 'state'"):
        xt.recurrent_gates(of="state")  # type: ignore[arg-type]
