"""That J_D has minimisers beyond one relu layer: where no unit can cancel what it gets. Steps of Definition 2.

Let z = b + Σ w_i h_i r_i/p be a pre-activation and |φ(z)| ≥ α |z| for its activation, α > 0. Then

    E φ(z)² ≥ α² E z² = α² (E (b + Σ w_i h_i)² + λ Σ w_i² E h_i²) ≥ α² λ Σ w_i² E h_i²:

units of mean square 1 have bounded weights, layer by layer. So it is for leaky relu with slope α in (0, 1], for linear
units (α = 1), and for relu with weights and biases ≥ 0 above the first layer, where z ≥ 0. It is not so for relu with
negative weights: relu(h_1 − k h_2) may stay small as k grows.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.theorems.generic_symbols import generic, identity
from exactdropout.theorems.proof import Step, argument, by_rule, enumerated, step

__all__ = ["minimisers_at_depth"]

HALF = Fraction(1, 2)
SLOPE = Fraction(1, 10)
LEAKY = "leaky_relu(1/10)"


def minimisers_at_depth(leak: int = 1) -> list[Step]:
    """Return the steps, with leak·α in place of α; only ``leak=1`` works."""
    _, (bias, mean, squares, lam) = generic("b A Q L")
    _, (b, s) = generic("b S")
    return [
        _activation(leak),
        identity(
            r"A unit above the first layer, $z = b + \sum_i w_i h_i r_i/p$: given the $h_i$, with $A = \sum w_i h_i$, "
            r"$E z^2 = b^2 + 2 b A + A^2 + \lambda \sum w_i^2 h_i^2 = (b + A)^2 + \lambda \sum_i w_i^2 h_i^2$. So "
            r"$E \varphi(z)^2 \ge \alpha^2 \lambda \sum_i w_i^2 E h_i^2$.",
            bias**2 + 2 * bias * mean + mean**2 + lam * squares,
            (bias + mean) ** 2 + lam * squares,
        ),
        identity(
            r"If $E \varphi(z)^2 = 1$ and $E h_i^2 = 1$, then $\sum_i w_i^2 \le 1/(\alpha^2 \lambda)$, and with $S = z "
            r"- b$: $2 E z^2 + 2 E S^2 - b^2 = E (z + S)^2 \ge 0$, so $b^2 \le 2/\alpha^2 + 2 E S^2$ is bounded too.",
            2 * (b + s) ** 2 + 2 * s**2 - b**2,
            (b + 2 * s) ** 2,
        ),
        _dead_units(),
        _first_layer(),
        by_rule(
            r"So, after scaling unit by unit (Theorem 5), a network with $J_D \le J_D(0) = E \|y\|^2$ has each hidden "
            r"unit 0 or of mean square 1, and all its numbers (for relu, the values of its first layer and the numbers "
            r"above) are in a compact set; output weights and biases as for $d = 2$. There every "
            r"$\mathcal D(W, x, R)$ is continuous and at most a constant times $1 + \|x\|$, so $J_D$ and the risk are "
            r"continuous (dominated convergence): minimisers exist, they form a compact set up to scaling, and the "
            r"largest risk among them is attained.",
            "Weierstrass",
            {"the network 0 belongs to the set, as its criterion is the bound": _zero_is_allowed()},
        ),
        argument(
            r"Closed conditions that scaling keeps may be added: some weights or biases $\ge 0$. For relu those of the "
            r"layers 2 to $d - 1$ must be among them, and the minimum is one over such networks; for leaky relu "
            r"and linear units no condition is needed."
        ),
        enumerated(
            r"$E \varphi(z)^2 \ge \alpha^2 \lambda \sum_i w_i^2 E h_i^2$ by the double loop, networks 2-2-1 with leaky "
            r"relu of slope $\frac1{10}$.",
            ((_unit(w, b, q) >= leak**2 * SLOPE**2 * _incoming(w, q), True) for w, b, q in _units()),
            "weights -2, 1; bias 0 at q = 1/2, -1/2 at q = 2/3",
        ),
        enumerated(
            r"For relu with a negative weight it fails: $x = (1, 1)$, $h_1 = h_2 = \mathrm{relu}(\tilde x_1)$, "
            r"$z = h_1 - 10 h_2$.",
            [_relu_counterexample()],
            "32 masks",
        ),
        enumerated(
            r"$K = n_1 = n_2 = 1$, $d = 3$, no biases, point mass $(1, 1)$, $q = \frac12$: the criterion is $8 v^2 - 2 "
            r"v + 1$ in the product $v$ of the weights, where $v > 0$; its minimum $\frac78$ is attained, and no "
            r"network of a grid is below.",
            _smallest_deep(),
            "linear and leaky relu; 8 masks, 64 networks each",
        ),
    ]


def _activation(leak: int) -> Step:
    ring, (slope, gap, size) = generic("a+ c~ s~")
    bound = (leak * slope * size) ** 2
    one = slope + gap  # 1, as 0 < a <= 1
    sides = {"z = s >= 0, 1 = a + c": one * size, "z = -s <= 0": slope * size}
    return step(
        r"Leaky relu of slope $\alpha \in (0, 1]$ has $\varphi(z)^2 \ge \alpha^2 z^2$; linear units are $\alpha = 1$. "
        r"For relu with $w, b \ge 0$ on values $h \ge 0$, $\varphi(z) = z$, so $\alpha = 1$.",
        "cases",
        all(ring.is_nonnegative(value**2 - bound) for value in sides.values())
        and (ring.relu(slope * gap + size) == slope * gap + size),
        "; ".join(sides) + "; w h + b >= 0",
    )


def _dead_units() -> Step:
    return argument(
        r"A unit with $E h^2 = 0$ has $z = 0$ at all masked inputs and at all inputs, and may be cut off; by induction "
        r"on layers. First layer: $c \cdot x$ is the mean of $c \cdot \tilde x = 0$ over the masks (for relu: $\eta = "
        r"0$ as for $d = 2$). Next: $0 = E z^2 \ge \lambda \sum w_i^2 E h_i^2$ leaves $w_i \ne 0$ only where $h_i = 0$ "
        r"everywhere, so $z = b$, and $E z^2 = b^2 = 0$."
    )


def _first_layer() -> Step:
    _, (c, k, x, y) = generic("c k x y")
    return by_rule(
        r"First layer, finite support: the cones above, with leaky relu too (linear on each side). Linear units and "
        r"leaky relu, any distribution with $E \|x\|^2 < \infty$: let $M = E \tilde x \tilde x^T$ (with 1 for the "
        r"bias) and $c = c_0 + c_1$, $M c_0 = 0$, $c_1 \perp c_0$. Then $c_0 \cdot \tilde x = 0$ and $c_0 \cdot x = 0$ "
        r"with probability 1, so $c_0$ may be dropped, and $c_1 \cdot M c_1 = E (c_1 \cdot \tilde x)^2$ has a least "
        r"value $\mu > 0$ where $\|c_1\| = 1$ (if $M \ne 0$): a unit of mean square 1 has $\|c\|^2 \le 1/(\alpha^2 "
        r"\mu)$.",
        "Weierstrass",
        {
            "c.Mc, continuous in c, is E (c.x~)^2, entry by entry": c * (x * x * c + x * y * k)
            + k * (x * y * c + y * y * k)
            == (c * x + k * y) ** 2
        },
    )


def _zero_is_allowed() -> bool:
    data = Examples([((1, 2), (3, -1)), ((0, 1), (1, 1))])
    zero = Network([[[0, 0]], [[0]], [[0], [0]]], [[0], [0], [0, 0]], activation=LEAKY)
    return bool(naive_evaluation(zero, data, (HALF,) * 3).criterion == Fraction(3**2 + 1 + 1 + 1, 2))


FIRST = [[1, 2], [-1, 1]]
DATA = Examples([((1, -1), 0), ((2, 1), 0)])


def _mean_square(weights: list[Any], biases: list[Any], data: Examples, rate: Fraction, activation: str) -> Fraction:
    """E h² of the one unit on top: with output weight 1 and label 0 the criterion is E h²/p."""
    network = Network([*weights, [1]], [*biases, 0], activation=activation)
    found = naive_evaluation(network, data, (rate,) * (len(weights) + 1)).criterion
    return (1 - rate) * Fraction(found)


def _units() -> Iterator[tuple[tuple[int, int], Fraction, Fraction]]:
    for w in ((-2, -2), (-2, 1), (1, -2), (1, 1)):
        yield w, Fraction(0), HALF
        yield w, Fraction(-1, 2), Fraction(2, 3)


def _unit(w: tuple[int, int], b: Fraction, rate: Fraction) -> Fraction:
    return _mean_square([FIRST, [list(w)]], [[0, 1], [b]], DATA, rate, LEAKY)


def _incoming(w: tuple[int, int], rate: Fraction) -> Fraction:
    squares = [_mean_square([[row]], [[b]], DATA, rate, LEAKY) for row, b in zip(FIRST, (0, 1), strict=True)]
    return rate / (1 - rate) * sum((v * v * s for v, s in zip(w, squares, strict=True)), Fraction(0))


def _relu_counterexample() -> tuple[object, object]:
    data = Examples.point((1, 1), 0)
    rows = [[1, 0], [1, 0]]
    found = _mean_square([rows, [[1, -10]]], [[0, 0], [0]], data, HALF, "relu")
    below = _mean_square([[[1, 0]]], [[0]], data, HALF, "relu")
    # kept: x_1 and h_1 but not h_2, with probability 1/8, and then z = 4; h = 2 with probability 1/2
    return (found, below, found < (1 + 100) * below), (Fraction(16, 8), Fraction(2), True)


def _smallest_deep() -> Iterator[tuple[object, object]]:
    data = Examples.point((1,), 1)
    values = [Fraction(v, 4) for v in (-4, 1, 2, 4)]
    for activation in ("linear", LEAKY):
        found = {
            ws: Fraction(
                naive_evaluation(Network([[[w]] for w in ws], activation=activation), data, (HALF,) * 3).criterion
            )
            for ws in itertools.product(values, repeat=3)
        }
        best = (HALF, Fraction(1, 4), Fraction(1))
        yield (found[best], min(found.values())), (Fraction(7, 8), Fraction(7, 8))
        yield {found[ws] == _cubed(ws) for ws in found if min(ws) >= 0}, {True}


def _cubed(ws: tuple[Fraction, ...]) -> Fraction:
    v = ws[0] * ws[1] * ws[2]
    return 8 * v * v - 2 * v + 1
