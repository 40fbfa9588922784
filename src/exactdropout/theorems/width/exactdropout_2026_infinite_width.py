"""Derived here: the infimum of J_D over all widths is E Var(y | masked input), and what replaces it without biases.

Any finite distribution, d ≥ 2 with biases, any input rate, hidden rates in [0, 1). No network is below: its hidden
masks are independent of input and label. Wide networks approach it: finitely many masked inputs are told apart by a
relu network with biases, and k copies of each hidden unit, with outgoing weights divided by k, remove the hidden noise.

Without biases the output is positively homogeneous in the masked input u, whatever the hidden masks. With u = t e on
the ray of e, a = E t², b = E t y and c = E y² there, no network is below Σ (c − b²/a) over the rays (and E y² at
u = 0). With d ≥ 3 this is the infimum, and with d = 2 where no two masked inputs are opposite; else d = 2 has a further
condition: f(u) − f(−u) is linear on the lines of which both rays occur.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from exactdropout.model import Architecture, Examples, Network
from exactdropout.numeric.definition import dropout_output, masks, naive_evaluation
from exactdropout.optimum.infinite_width import infinite_width
from exactdropout.optimum.reduced_problem import reduced_problem
from exactdropout.optimum.unit_types import Arrangement
from exactdropout.theorems.definitions import count, integer, lam, quantity, real
from exactdropout.theorems.proof import Proof, Step, argument, enumerated
from exactdropout.theorems.registry import register
from exactdropout.theorems.statements.derivation import Conclusion, Derivation, proved
from exactdropout.theorems.statements.lines import ByInduction, From, InWords, Line, part, say
from exactdropout.theorems.statements.ranges import Variable
from exactdropout.theorems.statements.terms import Term, equal, number, symbol, symbols

__all__ = ["BY_RAYS", "NOT_BELOW", "WIDE_ENOUGH", "conditional_variance", "homogeneous_limit", "prove"]

HALF, THIRD = Fraction(1, 2), Fraction(1, 3)
J, V, Delta, E, C, k, w, b, r, d = symbols("J V Delta E C k w b r d")
t2, ty, y2, s = symbol("a"), symbol("b"), symbol("c"), symbol("s")
Point = tuple[Fraction, ...]

DATA: tuple[tuple[tuple[tuple[int, ...], int], ...], ...] = (
    (((1, 1), 1), ((0, 0), 0)),
    (((1, -1), 8),),
    (((1, 2), 1), ((1, 0), -1), ((2, 2), 3)),
    (((1,), 0), ((1,), 2), ((-1,), 1)),
)
"""Examples of equal probability."""


def masked_inputs(data: Sequence[tuple[Sequence[Any], Any]], rate: Fraction) -> Iterator[tuple[Point, Any, Fraction]]:
    """Yield each example under each input mask: the masked input times 1 − q, the label, the probability."""
    for (x, y), kept in itertools.product(data, itertools.product((0, 1), repeat=len(data[0][0]))):
        chance = (1 - rate) ** sum(kept) * rate ** (len(kept) - sum(kept)) / len(data)
        if chance:
            yield tuple(Fraction(v * m) for v, m in zip(x, kept, strict=True)), Fraction(y), chance


def conditional_variance(data: Sequence[tuple[Sequence[Any], Any]], rate: Fraction) -> Fraction:
    """Return E Var(y | masked input) for examples of equal probability, by listing all masks.

    >>> conditional_variance([((1, 1), 1), ((0, 0), 0)], Fraction(1, 2))
    Fraction(1, 10)
    """
    moments: dict[Point, list[Fraction]] = defaultdict(lambda: [Fraction(0)] * 3)
    for u, y, chance in masked_inputs(data, rate):
        moments[u] = [m + chance * y**power for power, m in enumerate(moments[u])]
    return sum((square - mean**2 / whole for whole, mean, square in moments.values()), Fraction(0))


def homogeneous_limit(data: Sequence[tuple[Sequence[Any], Any]], rate: Fraction) -> Fraction:
    """Return Σ over rays of c − b²/a, and E y² where the masked input is 0.

    >>> homogeneous_limit([((1, 1), 1)], Fraction(1, 2))
    Fraction(1, 4)
    """
    rays: dict[Point, list[Fraction]] = defaultdict(lambda: [Fraction(0)] * 3)
    for u, y, chance in masked_inputs(data, rate):
        size = max(map(abs, u))
        ray = tuple(v / size for v in u) if size else u
        moments = (size * size, size * y, y * y)
        rays[ray] = [m + chance * new for m, new in zip(rays[ray], moments, strict=True)]
    return sum((c - b * b / a if a else c for a, b, c in rays.values()), Fraction(0))


def _networks() -> Iterator[tuple[Network, tuple[Fraction, ...], Any]]:
    """Yield networks with rates and data of the same number of inputs."""
    two = (
        Network([[[1, -1], [2, 1]], [1, -HALF]], [[0, 1], HALF]),
        Network([[[1, 1]], [[-1], [1]], [1, 1]], [[1], [0, HALF], 0]),
    )
    for network, data in itertools.product(two, DATA[:3]):
        yield network, (HALF, THIRD, HALF)[: len(network.weights)], data
    yield Network([[[2]], [3]], [[-1], 1]), (THIRD, HALF), DATA[3]


def _split() -> Iterator[Mapping[Term, Any]]:
    """Yield criterion, E Var(y | masked input), and mean square distance from the mean label, by listing all masks."""
    for network, rates, data in _networks():
        labels: dict[Point, list[Fraction]] = defaultdict(lambda: [Fraction(0)] * 2)
        for u, y, chance in masked_inputs(data, rates[0]):
            labels[u] = [labels[u][0] + chance, labels[u][1] + chance * y]
        distance = Fraction(0)
        for x, _ in data:
            for mask, chance in masks(network, rates):
                u = tuple(Fraction(v * m) for v, m in zip(x, mask[0], strict=True))
                output = Fraction(dropout_output(network, x, mask, rates)[0])
                distance += chance / len(data) * (output - labels[u][1] / labels[u][0]) ** 2
        found = naive_evaluation(network, Examples(list(data)), rates).criterion
        yield {J: Fraction(found), V: conditional_variance(data, rates[0]), Delta: distance}


_CASES = "double loop: 7 pairs of networks and data, one and two hidden layers"
_LAYERS = count(d, 1, "the number of hidden layers, with biases")
_CRITERION = quantity(J, "the dropout criterion of a network on a finite distribution, any rates below 1")
_VARIANCE = quantity(V, "the mean variance of the label given the masked input")
_DISTANCE = Variable(
    term=Delta,
    meaning="the mean square distance of the output from the mean label given the masked input",
    kind="network",
    low=Fraction(0),
    low_in=True,
)
_PARTS = Line(
    label="parts",
    sentence=say("Given the masked input, hidden masks and label are independent: {claim}."),
    claim=equal(J, V + Delta),
    reason=InWords(_split, _CASES),
)

NOT_BELOW = Derivation(
    name="not-below",
    title="No network is below the variance of the label",
    setting=say("Any network, any finite data, {0} the mean variance of the label given the masked input", V),
    quantified=(_LAYERS,),
    quantities=(_CRITERION, _VARIANCE, _DISTANCE),
    lines=(_PARTS,),
    conclusions=(Conclusion(J >= V, From((part("parts"),), plus=(Delta,))),),
)


def interpolating(data: Sequence[tuple[Sequence[Any], Any]], rate: Fraction, copies: int) -> Network:
    """Return a network with one hidden layer whose hidden units, each in copies, give the mean labels exactly.

    A direction in which all masked inputs differ makes the problem one of a single variable; each unit changes the
    slope at one point.
    """
    labels: dict[Point, list[Fraction]] = defaultdict(lambda: [Fraction(0)] * 2)
    for u, y, chance in masked_inputs(data, rate):
        labels[u] = [labels[u][0] + chance, labels[u][1] + chance * y]
    size = len(data[0][0])
    direction = next(
        v for v in itertools.product(*[range(1, 30)] * size) if len({_along(v, u) for u in labels}) == len(labels)
    )
    knots = sorted((_along(direction, u), total / whole) for u, (whole, total) in labels.items())
    rows: list[list[Any]] = []
    biases: list[Any] = []
    outputs: list[Any] = []
    slope = Fraction(0)
    for (here, value), (there, following) in itertools.pairwise(knots):
        wanted = (following - value) / (there - here)
        rows += [[(1 - rate) * v for v in direction]] * copies
        biases += [-here] * copies
        outputs += [(wanted - slope) / copies] * copies
        slope = wanted
    if not rows:  # one masked input
        rows, biases, outputs = [[0] * size], [0], [0]
    return Network([rows, outputs], [biases, knots[0][1]])


def _along(direction: Sequence[int], u: Point) -> Fraction:
    return sum((a * b for a, b in zip(direction, u, strict=True)), Fraction(0))


def _copied() -> Iterator[Mapping[Term, Any]]:
    """Yield the criterion of interpolating networks, k times it less the variance being the same for every k."""
    for data, rate in (((((1,), 1), ((0,), 0)), HALF), ((((1,), 1), ((2,), -1)), THIRD)):
        variance = conditional_variance(data, rate)
        first = naive_evaluation(interpolating(data, rate, 1), Examples(list(data)), (rate, HALF)).criterion
        for copies in (1, 2, 3):
            network = interpolating(data, rate, copies)
            found = Fraction(naive_evaluation(network, Examples(list(data)), (rate, HALF)).criterion)
            distance = found - variance
            yield {
                k: Fraction(copies), d: Fraction(1), J: found, V: variance, Delta: distance, E: distance,
                C: Fraction(first) - variance,
            }  # fmt: skip


_TRIED = "double loop: interpolating networks for two sets of data, each unit in 1, 2 and 3 copies"

WIDE_ENOUGH = Derivation(
    name="wide-enough",
    title="Copies of units remove the hidden noise",
    setting=say("Some network with biases and {0} copies of each hidden unit, {1} free of {0}", k, C),
    quantified=(count(k, 1, "the number of copies"), integer(d, 0, "the number of hidden layers, with biases")),
    quantities=(
        _CRITERION,
        _VARIANCE,
        _DISTANCE,
        quantity(E, "the most mean square by which a unit differs from its value without hidden masks"),
        quantity(C, "a number that does not depend on the copies"),
    ),
    auxiliary=(
        real(lam, "the spread of the masks of a layer"),
        real(w, "how much a layer can stretch mean squares", low=0, low_in=True),
        real(b, "the most sum of mean squares of what goes into a unit of the next layer"),
        real(r, "what the estimate leaves", low=0, low_in=True),
    ),
    lines=(
        Line(
            label="given",
            sentence=say(
                "Biases tell finitely many masked inputs apart in some direction, along which a piecewise linear "
                "function, a sum of units, takes the mean label at each; further layers pass it on, shifted above 0 by "
                "a bias."
            ),
            reason=InWords(),
        ),
        Line(
            label="layers",
            sentence=say(
                "Copies of a unit have equal values, so the next layer sees their masks only through their mean, whose "
                "spread is {0}, and relu does not stretch differences: {claim}.",
                lam / k,
            ),
            claim=k * E <= C,
            reason=ByInduction(
                d,
                ((E, number(0)), (C, number(0))),
                ((E, w * E + lam * b / k - r), (C, w * C + lam * b)),
                factor=w,
                plus=(k * r,),
            ),
        ),
        _PARTS,
        Line(
            label="output",
            sentence=say("Without hidden masks the output is the mean label: {claim}."),
            claim=Delta <= E,
            reason=InWords(_copied, _TRIED),
        ),
        Line(
            label="tried",
            sentence=say("For one hidden layer: {claim}."),
            claim=equal(k * Delta, C),
            reason=InWords(_copied, _TRIED),
        ),
    ),
    conclusions=(Conclusion(J <= V + C / k, From((part("parts", -1), part("output"), part("layers", 1 / k)))),),
)


def _on_a_ray() -> Iterator[Mapping[Term, Any]]:
    """Yield moments on one ray, and the mean square there of s t − y."""
    for cases in (((1, 1), (2, 0)), ((1, -1), (3, 2), (3, 5))):
        for value in (0, 1, Fraction(-1, 2)):
            yield {
                t2: Fraction(sum(t * t for t, _ in cases)), ty: Fraction(sum(t * y for t, y in cases)),
                y2: Fraction(sum(y * y for _, y in cases)), s: Fraction(value),
                J: sum((value * t - Fraction(y)) ** 2 for t, y in cases),
            }  # fmt: skip


BY_RAYS = Derivation(
    name="by-rays",
    title="Without biases: ray by ray",
    setting=say(
        "No biases, any depth, the masked inputs of one ray, mean squares {0}, mean product {1} with the label",
        t2,
        ty,
    ),
    quantified=(_LAYERS,),
    quantities=(
        quantity(J, "what the masked inputs of the ray contribute to the criterion, given the hidden masks"),
        Variable(term=t2, meaning="the mean there of the squared multiple of the ray", kind="network", low=Fraction(0)),
        quantity(ty, "the mean there of the multiple times the label"),
        quantity(y2, "the mean there of the squared label"),
        quantity(s, "the output on the ray for multiple 1, given the hidden masks"),
    ),
    lines=(
        Line(
            label="ray",
            sentence=say("The output is the multiple times its value for multiple 1: {claim}."),
            claim=equal(J, y2 - 2 * s * ty + s**2 * t2),
            reason=InWords(_on_a_ray, "two rays with two and three labels, three outputs"),
        ),
    ),
    conclusions=(Conclusion(J >= y2 - ty**2 / t2, From((part("ray"),), plus=(t2 * (s - ty / t2) ** 2,))),),
)
DERIVATIONS = (NOT_BELOW, WIDE_ENOUGH, BY_RAYS)
ODD = tuple(((sign * a, sign * b), sign * y) for a, b, y in ((1, 0, 0), (0, 1, 0), (1, 1, 1)) for sign in (1, -1))
"""Odd labels on three lines that no linear function takes."""


def _limit(data: Sequence[tuple[Sequence[Any], Any]], rate: Fraction, *, biases: bool) -> Fraction:
    """Return the infimum over all widths with one hidden layer, by the engine of the optimum room."""
    shape = Architecture(len(data[0][0]), (1,), biases=biases)
    return infinite_width(Arrangement(reduced_problem(shape, Examples(list(data)), (rate, HALF)), math.inf))


def _against_the_engine() -> list[Step]:
    return [
        enumerated(
            "With biases and one hidden layer the exact infimum over all widths is the mean variance of the label "
            "given the masked input, by listing all masks.",
            [(_limit(data, rate, biases=True), conditional_variance(data, rate)) for data in DATA for rate in RATES],
            "4 sets of data, input rates 0, 1/3, 1/2",
        ),
        enumerated(
            "Without biases it is the sum over the rays, where no two masked inputs are opposite.",
            [
                (_limit(data, rate, biases=False), homogeneous_limit(data, rate))
                for data in DATA[:3]
                for rate in RATES
                if not _opposite(data, rate)
            ],
            "up to 3 sets of data, input rates 0, 1/3, 1/2",
        ),
        enumerated(
            "With opposite masked inputs one hidden layer is worse than the sum over the rays: odd labels on three "
            "lines that no linear function takes; two hidden layers fit them.",
            [
                (homogeneous_limit(ODD, Fraction(0)), 0),
                (_limit(ODD, Fraction(0), biases=False) > 0, True),
                (naive_evaluation(_two_layers(), Examples(list(ODD)), (Fraction(0),) * 3).risk, 0),
            ],
            "6 masked inputs, input rate 0; network 2-4-2-1",
        ),
    ]


RATES = (Fraction(0), THIRD, HALF)


def _opposite(data: Sequence[tuple[Sequence[Any], Any]], rate: Fraction) -> bool:
    rays = set()
    for u, _, _ in masked_inputs(data, rate):
        if any(u):
            size = max(map(abs, u))
            rays.add(tuple(v / size for v in u))
    return any(tuple(-v for v in ray) in rays for ray in rays)


def _two_layers() -> Network:
    """Return the network without biases whose second layer responds on the rays of (1, 1) and of (−1, −1) only.

    u₁ + u₂ − 2 |u₁ − u₂| is 2 at (1, 1), −2 at its opposite, and below 0 on the other lines; units of the first layer:
    ±(u₁ + u₂), ±(u₁ − u₂).
    """
    first = [[1, 1], [-1, -1], [1, -1], [-1, 1]]
    second = [[1, -1, -2, -2], [-1, 1, -2, -2]]
    return Network([first, second, [HALF, -HALF]])


def prove() -> Proof:
    """Prove both bounds with biases and the one without, and compare them with the exact infimum of one layer."""
    return proved(
        "holds",
        DERIVATIONS,
        [
            argument(
                r"So with biases the infimum over all widths is $E\,\mathrm{Var}(y \mid \tilde x)$: it is at least "
                r"this by the first part, and at most this plus $C/k$ for every $k$."
            ),
            argument(
                r"Without biases, $d \ge 3$: a second layer has a unit that responds on one given ray only. On "
                r"the lines through the masked inputs sums of first units are $v \cdot u$ plus any multiple of "
                r"$|t|$ on each line, since the functions $|c \cdot f|$ of $c$, $f$ on different lines, have "
                r"different kinks and are independent. Take $v = e$, the multiple 0 on the line of $e$ and $-|v "
                r"\cdot f|$ on the line of $f$: positive at $e$ only. So every positively homogeneous function is"
                r" a network, and copies remove the noise."
            ),
            argument(
                r"$d = 2$: $\mathrm{relu}(z) = \frac12 (z + |z|)$, so $f(u) - f(-u)$ is linear, and by the same "
                r"independence nothing else restricts $f$ on finitely many rays."
            ),
            *_against_the_engine(),
        ],
    )


@register(
    id="exactdropout-2026-infinite-width",
    title="The infimum over all widths is the variance of the label given the masked input",
    source="exactdropout2026",
    number="infinite width",
    derivations=DERIVATIONS,
    verdict="holds",
)
def infinite() -> Proof:
    """Prove the entry as declared."""
    return prove()
