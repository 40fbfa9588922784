"""DropConnect on unit vectors: each output of a linear layer then shows one entry of the masked weight."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from exactdropout.testing.subjects.subject import Call, Floats, Subject, Untestable

__all__ = ["OnUnitVectors", "unit_vector_input"]


def unit_vector_input(weight: npt.NDArray[np.float64], copies: int) -> Floats:
    """Return what a layer without dropout answers to ``copies`` batches of unit vectors: Wᵀ, (copies, in, out)."""
    return np.tile(weight.T, (copies, 1, 1)).astype(np.float64)


class OnUnitVectors:
    """A layer y = (W∘M/p) x as a layer that drops the entries of W: input and output of shape (copies, in, out)."""

    differentiates = True

    def __init__(self, inner: Subject, weight: Floats) -> None:
        """Take over what the layer can do."""
        self.inner, self.weight = inner, weight
        self.formats, self.seeded, self.keyed, self.evaluates = (
            inner.formats,
            inner.seeded,
            inner.keyed,
            inner.evaluates,
        )

    def _rows(self, x: Floats) -> Floats:
        copies, inputs, _ = x.shape
        return np.tile(np.eye(inputs), (copies, 1))

    def _reshaped(self, call: Call, x: Floats) -> Call:
        y = call.y.reshape(x.shape) if call.y.size == x.size else call.y
        weight_gradient = call.weight_gradient

        def gradient(cotangent: Floats) -> Floats:
            raise Untestable("the input of DropConnect is not what is dropped; see weight gradient")

        def of_weight(cotangent: Floats) -> Floats:
            assert weight_gradient is not None
            found = weight_gradient(cotangent.reshape(-1, cotangent.shape[-1]))
            return found if found.shape == self.weight.shape else found.T

        return Call(
            y=y,
            dtype=call.dtype,
            x_after=x,
            gradient=gradient,
            weight_gradient=of_weight if weight_gradient is not None else None,
        )

    def train(self, x: Floats, dtype: str, key: int | None = None, *, gradient: bool = False) -> Call:
        """Call in training mode."""
        return self._reshaped(self.inner.train(self._rows(x), dtype, key, gradient=gradient), x)

    def evaluate(self, x: Floats, dtype: str) -> Call:
        """Call in evaluation mode."""
        return self._reshaped(self.inner.evaluate(self._rows(x), dtype), x)
