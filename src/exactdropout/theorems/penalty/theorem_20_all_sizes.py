"""At which sizes the penalty can depend on the labels: steps of Theorem 20 for every width and depth.

A relu unit shifts the mean if its pre-activation can change sign over the masks. With hidden biases relu(x̃ − 1) does at
x = 1: E = q, and relu(0) = 0. Without, relu(x̃_1 − x̃_2) does at x = (1, 1). What is left has d = 1, or no hidden biases
and fan-in 1 at every hidden unit: there relu(w h r/p) = relu(w h) r/p, so E D = W(x) and the penalty is Var D.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.theorems.generic_symbols import generic
from exactdropout.theorems.lemmas.sum_inequalities import independent_product
from exactdropout.theorems.proof import Step, argument, enumerated, induction, step

__all__ = ["label_dependence"]


def label_dependence(threshold: int = 1, second: int = -1) -> list[Step]:
    """Return the steps, with the units relu(x̃ − threshold) and relu(x̃_1 + second·x̃_2); only 1 and −1 work."""
    return [
        _biased_unit(threshold),
        _pair_unit(second),
        *_path(),
        argument(
            r"Hidden biases, any $K$ and widths, $d \ge 2$: $x = (1, 0, \dots)$, the first unit of the first layer is "
            r"$\mathrm{relu}(\tilde x_1 - 1)$, the first unit of each later layer has weight 1 from the first unit "
            r"below, "
            r"all else is 0. No biases, $d \ge 2$ and some layer of width $n_l \ge 2$, $0 \le l \le d - 2$ ($n_0 = "
            r"K$): "
            r"two units of it are equal to the first below (two inputs to 1), the first unit above is their "
            r"difference as above, then weights 1. In both $W(x) = 0$ and $E \mathcal D = q$, so $E \delta = q$ for "
            r"all $q$."
        ),
        _fan_in_one(),
        argument(
            r"So with $d = 1$, or no hidden biases and $K = n_1 = \dots = n_{d-2} = 1$, $E \mathcal D = W(x)$ and the "
            r"penalty $E \mathcal D^2 - W(x)^2$ is free of the label, for every $W$, $x$ and $q$ ($n_{d-1}$ and an "
            r"output bias are arbitrary)."
        ),
        enumerated(
            r"The penalties for labels 0 and 1 differ by $2 q$ with both witnesses, by the double loop.",
            _witnesses(threshold, second),
            "biases: K-n-...-1 = 1-1-1, 2-2-1, 1-1-1-1; none: 2-1-1, 1-2-1-1, 2-2-1-1; q = 1/3, 1/2, 6/7",
        ),
        enumerated(
            r"Without biases, 1-3-1 and 1-1-3-1: $E \mathcal D = W(x)$, and the penalty is the variance, at label 5.",
            _free(),
            "16 and 32 masks; x = 1, -2; q = 1/3",
        ),
    ]


def _biased_unit(threshold: int) -> Step:
    ring, (p, q) = generic("p+ q+")
    one = p + q
    # p relu(1/p - t) = relu(1 - p t)
    mean = ring.relu(one - threshold * p) + q * ring.relu(-threshold * ring.one)
    kept = ring.relu((1 - threshold) * ring.one)
    return step(
        r"At $x = 1$ the unit $\mathrm{relu}(\tilde x - 1)$ has mean $p\, \mathrm{relu}(\frac1p - 1) + q\, "
        r"\mathrm{relu}(-1) = q$, and without dropout it is 0.",
        "cases",
        mean == q and kept == 0,
        "kept; dropped",
    )


def _pair_unit(second: int) -> Step:
    ring, (p, q, size) = generic("p+ q+ m~")
    # times p: m (r_1 - r_2) at the four masks
    mean = (
        p * p * ring.relu(size + second * size)
        + p * q * ring.relu(size)
        + q * p * ring.relu(second * size)
        + q * q * ring.relu(ring.zero)
    )
    kept = ring.relu(size + second * size)
    return step(
        r"Two values that are both $m \ge 0$: $\mathrm{relu}(m r_1/p - m r_2/p)$ has mean $pq\, m/p = q m$ over $r_1$, "
        r"$r_2$, and without dropout it is 0.",
        "cases",
        mean == p * q * size and kept == 0,
        "both kept; one kept; the other kept; none",
    )


def _path() -> list[Step]:
    ring, (value, bit) = generic("v~ r~")
    return [
        step(
            r"A value $v \ge 0$ passes a layer by weight 1 as $\mathrm{relu}(v r/p) = v r/p$.",
            "cases",
            ring.relu(value * bit) == value * bit,
            "v, r >= 0",
        ),
        independent_product(
            r"$r$ is independent of $v$ and $E[r/p] = p \cdot \frac1p = 1$, so the mean stays the same in every layer "
            r"above, and $E m = 1$ for a value that came from 1 in this way."
        ),
    ]


def _fan_in_one() -> Step:
    ring, (weight, value, factor, bit) = generic("w h M~ r~")
    return induction(
        r"No hidden biases, each hidden unit with one value below: if that is $M h$ under dropout and $h$ without, $M "
        r"\ge 0$ a product of masks over $p$ that is free of weights, $E M = 1$ ($M = 1$ for the input), then "
        r"$\mathrm{relu}(w M h\, r/p) = (M r/p)\, \mathrm{relu}(w h)$, again of this form.",
        start=ring.relu(weight * value * bit) == bit * ring.relu(weight * value),
        step=ring.relu(weight * value * factor * bit) == factor * bit * ring.relu(weight * value),
    )


def _witnesses(threshold: int, second: int) -> Iterator[tuple[object, object]]:
    t, s = -threshold, second
    biased = (
        Network([[[1]], [1]], [[t], 0]),
        Network([[[1, 0], [0, 0]], [1, 0]], [[t, 0], 0]),
        Network([[[1]], [[1]], [1]], [[t], [0], 0]),
    )
    plain = (
        Network([[[1, s]], [1]]),
        Network([[[1], [1]], [[1, s]], [1]]),
        Network([[[1, s], [0, 0]], [[1, 0]], [1]]),
    )
    for rate in (Fraction(1, 3), Fraction(1, 2), Fraction(6, 7)):
        for networks, x in ((biased, (1, 0)), (plain, (1, 1))):
            for network in networks:
                inputs = x[: network.architecture.inputs]
                rates = (rate,) * len(network.weights)
                zero, one = (naive_evaluation(network, Examples.point(inputs, y), rates).penalty for y in (0, 1))
                yield zero - one, 2 * rate


def _free() -> Iterator[tuple[object, object]]:
    rate = Fraction(1, 3)
    for network in (
        Network([[[1], [-2], [3]], [2, -1, 1]]),
        Network([[[-1]], [[2], [-1], [1]], [1, 3, -2]]),
    ):
        for x in (1, -2):
            found = naive_evaluation(network, Examples.point((x,), 5), (rate,) * len(network.weights))
            yield (found.mean[0], found.penalty), (found.per_example.output[0, 0], found.variance)
