"""Re-statements of how frameworks test their own dropout: the sizes, rates and tolerances of their test files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["STYLES"]

Make = Callable[[float], Any]


def _run(make: Make, q: float, x: Any) -> tuple[Any, Any]:
    y, vjp = make(q)(x.copy())
    return y, vjp(np.ones_like(y))


def pytorch(make: Make) -> bool:
    """1,000 values 0.8 at p = 0.2: mean of output and gradient within 0.05."""
    y, g = _run(make, 0.2, np.full(1000, 0.8))
    return bool(abs(y.mean() - 0.8) < 0.05 and abs(g.mean() - 1) < 0.05)


def keras(make: Make) -> bool:
    """ones(20, 500) at 0.5: mean within 0.02, largest value 2; the output in evaluation is not looked at."""
    y, _ = _run(make, 0.5, np.ones((20, 500)))
    return bool(abs(y.mean() - 1) < 0.02 and np.isclose(y.max(), 2) and y.min() == 0)


def tensorflow(make: Make) -> bool:
    """Ten calls on ones(40, 30), keep 0.1, 0.5, 0.8: values, and the count within 15 %."""
    for keep in (0.1, 0.5, 0.8):
        count = 0
        layer = make(1 - keep)
        for _ in range(10):
            y, _ = layer(np.ones((40, 30)))
            count += int(np.count_nonzero(y))
            if not np.allclose(y[y != 0], 1 / keep):
                return False
        if abs(count / (12_000 * keep) - 1) > 0.15:
            return False
    return True


def flax(make: Make) -> bool:
    """Rates 0.1 to 0.9 on ones(100, 100): the kept fraction within four standard deviations; rates 0 and 1."""
    for rate in (0.1, 0.3, 0.5, 0.7, 0.9):
        y, _ = _run(make, rate, np.ones((100, 100)))
        if abs(np.count_nonzero(y) / y.size - (1 - rate)) > 4 * (rate * (1 - rate) / y.size) ** 0.5:
            return False
    return bool(
        (_run(make, 1.0, np.ones((20, 20)))[0] == 0).all() and (_run(make, 0.0, np.ones((20, 20)))[0] == 1).all()
    )


def equinox(make: Make) -> bool:
    """normal(3, 4, 5) at 0.5: each value is 0 or 2x."""
    x = np.random.default_rng(1).normal(size=(3, 4, 5))
    y, _ = _run(make, 0.5, x)
    return bool(((y == 0) | np.isclose(y, 2 * x)).all())


def onnxruntime(make: Make) -> bool:
    """iota(1,000) at 0.3: the kept fraction within 0.1, kept values scaled."""
    x = np.arange(1, 1001, dtype=np.float64)
    y, _ = _run(make, 0.3, x)
    return bool(abs(np.count_nonzero(y) / 1000 - 0.7) < 0.1 and np.allclose(y[y != 0], (x / 0.7)[y != 0]))


def transformer_engine(make: Make) -> bool:
    """Mask from y ≠ 0, the gradient with the same mask, and a test of the count at 1 %, p = 1/16, 1/2, 3/4."""
    for rate in (0.0625, 0.5, 0.75):
        y, g = _run(make, rate, np.ones((64, 128)))
        z = (np.count_nonzero(y) - y.size * (1 - rate)) / (y.size * rate * (1 - rate)) ** 0.5
        if abs(z) > 2.576 or not np.array_equal(y != 0, g != 0) or not np.allclose(y[y != 0], 1 / (1 - rate)):
            return False
    return True


STYLES: dict[str, Callable[[Make], bool]] = {
    "PyTorch": pytorch,
    "Keras": keras,
    "TensorFlow": tensorflow,
    "Flax": flax,
    "Equinox": equinox,
    "ONNX Runtime": onnxruntime,
    "TransformerEngine": transformer_engine,
}
"""Each style returns whether the layer passes."""
