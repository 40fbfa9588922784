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
from exactdropout.theorems.definitions import KEEP, OPEN_RATE, m, p, q, real
from exactdropout.theorems.proof import Step, argument, enumerated
from exactdropout.theorems.statements.derivation import Conclusion, Derivation
from exactdropout.theorems.statements.lines import ByCases, say
from exactdropout.theorems.statements.terms import Operand, Term, apply, equal, number, symbols

__all__ = ["SIZES", "label_dependence"]

v, r, z, M = symbols("v r z M")


def _relu(at: Operand) -> Term:
    return apply("relu", at)


_BIASED = p * _relu(1 / p - 1) + q * _relu(number(-1)) - _relu(number(0))
_PAIR = p**2 * _relu(m / p - m / p) + p * q * _relu(m / p) + q * p * _relu(-(m / p)) - _relu(m - m)
_VALUE = real(m, "the value of both units below", low=0, low_in=True)

BIASED_UNIT = Derivation(
    name="biased-unit",
    supporting=True,
    title="A unit with a bias shifts the mean",
    setting=say("The unit with weight 1 and bias {0} at input 1, its mean less its value without dropout", number(-1)),
    quantified=(OPEN_RATE,),
    definitions=(KEEP,),
    conclusions=(Conclusion(equal(_BIASED, q), ByCases(())),),
)
PAIR = Derivation(
    name="difference-of-two",
    supporting=True,
    title="A difference of two equal values shifts the mean",
    setting=say("The unit with weights 1 and {0} at two values {1}", number(-1), m),
    quantified=(OPEN_RATE, _VALUE),
    definitions=(KEEP,),
    conclusions=(Conclusion(equal(_PAIR, q * m), ByCases(())),),
)
PATH = Derivation(
    name="path",
    supporting=True,
    title="Weights 1 pass a value on",
    setting=say("A value {0} with its mask {1} over the probability to be kept", v, r),
    quantified=(real(v, "a value", low=0, low_in=True), real(r, "its mask over p", low=0, low_in=True)),
    conclusions=(Conclusion(equal(_relu(v * r), v * r), ByCases(())),),
)
FAN_IN_ONE = Derivation(
    name="fan-in-one",
    supporting=True,
    title="One value below and no bias",
    setting=say("A pre-activation {0} without dropout, {1} a product of masks over p and {2} one more", z, M, r),
    quantified=(
        real(M, "a product of masks over p", low=0, low_in=True),
        real(r, "one more mask over p", low=0, low_in=True),
        real(z, "a pre-activation without dropout"),
    ),
    conclusions=(Conclusion(equal(_relu(M * r * z), M * r * _relu(z)), ByCases((z,))),),
)
SIZES = (BIASED_UNIT, PAIR, PATH, FAN_IN_ONE)


def label_dependence(threshold: int = 1, second: int = -1) -> list[Step]:
    """Return the further steps, with the units relu(x̃ − threshold) and relu(x̃_1 + second·x̃_2); only 1, −1 work."""
    return [
        argument(
            r"Hidden biases, any $K$ and widths, $d \ge 2$: $x = (1, 0, \dots)$, the first unit of the first layer is "
            r"$\mathrm{relu}(\tilde x_1 - 1)$, the first unit of each later layer has weight 1 from the first unit "
            r"below, all else is 0. No biases, $d \ge 2$ and some layer of width $n_l \ge 2$, $0 \le l \le d - 2$ "
            r"($n_0 = K$): two units of it are equal to the first below (two inputs to 1), the first unit above is "
            r"their difference as above, then weights 1. In both $W(x) = 0$ and $E \delta = q$ for all $q$."
        ),
        argument(
            r"With $d = 1$, or no hidden biases and $K = n_1 = \dots = n_{d-2} = 1$, masks leave relu as products of "
            r"mean 1, so $E \mathcal D = W(x)$ and the penalty $E \mathcal D^2 - W(x)^2$ is free of the label, for "
            r"every $W$, $x$ and $q$ ($n_{d-1}$ and an output bias are arbitrary)."
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
