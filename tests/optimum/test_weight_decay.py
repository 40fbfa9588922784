"""The closed forms of the L2 minimum: against descent, and against the value at the network that attains it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy

from exactdropout.errors import InvalidInput
from exactdropout.model import Architecture, Examples
from exactdropout.optimum.weight_decay import weight_decay_minimum


def descend(x: tuple[float, ...], label: float, decay: float, *, half: bool, seed: int) -> float:
    """Return the L2 criterion after descent from a random start: two units, output bias where the data is half."""
    rng = np.random.default_rng(seed)
    w, a, b = rng.normal(size=(2, len(x))) + 0.5, rng.normal(size=2) + 0.5, 0.0
    inputs = np.array(x)
    weight = 0.5 if half else 1.0

    def criterion() -> float:
        output = a @ np.maximum(w @ inputs, 0) + b
        risk = weight * (output - label) ** 2 + (0.5 * b * b if half else 0.0)
        return float(risk + decay / 2 * ((w**2).sum() + (a**2).sum()))

    for _ in range(8_000):
        h = np.maximum(w @ inputs, 0)
        z = a @ h + b - label
        active = (w @ inputs > 0).astype(float)
        step = 0.1 / (2.0 + float(inputs @ inputs))
        grad_a = 2 * weight * z * h + decay * a
        grad_w = 2 * weight * z * (a * active)[:, None] * inputs + decay * w
        grad_b = (2 * weight * z + b) if half else 0.0
        a, w, b = a - step * grad_a, w - step * grad_w, b - step * grad_b
    return criterion()


@pytest.mark.parametrize("half", [True, False])
@pytest.mark.parametrize(("x", "label", "decay"), [((1, 1), 1, "1/2"), ((2, -1), 2, "1/3"), ((1, 1), 1, 3)])
def test_descent_reaches_the_closed_form_and_nothing_below(x: Any, label: int, decay: Any, half: bool) -> None:
    arch = Architecture(2, (2,), hidden_biases=False, output_bias=half)
    data = Examples.half(x, label) if half else Examples.point(x, label)
    best = float(weight_decay_minimum(arch, data, decay))
    rate = 1 / 3 if decay == "1/3" else 1 / 2 if decay == "1/2" else float(decay)
    found = [descend(x, label, rate, half=half, seed=seed) for seed in range(2)]
    assert min(found) == pytest.approx(best, abs=1e-5)
    assert min(found) >= best - 1e-9


def test_theorem_7() -> None:
    # aversion: for 2λ > √(x·x) the optimum has all weights zero and J₂ = ¼
    arch = Architecture(1, (4,))
    assert weight_decay_minimum(arch, Examples.half((1,), 1), "3/4") == sympy.Rational(1, 4)
    assert weight_decay_minimum(arch, Examples.half((1,), 1), "1/4") < sympy.Rational(1, 4)


def test_output_bias_fits_a_point_mass() -> None:
    assert weight_decay_minimum(Architecture(2, (1,)), Examples.point((1, 1), 5), 1) == 0


@pytest.mark.parametrize(
    ("arch", "data", "decay", "text"),
    [
        (Architecture(1, (1,)), Examples.uniform([((1,), 1), ((2,), 1)]), 1, "'data'"),
        (Architecture(1, (1,), biases=False), Examples.half((1,), 1), 1, "'data'"),
        (Architecture(1, (1, 1)), Examples.half((1,), 1), 1, "'architecture'"),
        (Architecture(1, (1,)), Examples.half((1,), 1), 0, "'decay'"),
    ],
)
def test_other_cases_are_refused(arch: Architecture, data: Examples, decay: Any, text: str) -> None:
    with pytest.raises(InvalidInput, match=text):
        weight_decay_minimum(arch, data, decay)
