"""Theorem 18 of Helmbold and Long (2017): the dropout penalty can grow exponentially in the depth.

Point mass on x = (1, …, 1) with label y, all weights c = (y/(K n^{d−1}))^{1/d}, no biases: risk 0 and
J_D = Var D = y² [(1 + λ/K)(1 + λ/n)^{d−1} − 1]; with widths n_l and rates q_l, y² [∏_l (1 + λ_l/n_l) − 1].
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import sympy

from exactdropout.model import Architecture, Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.symbolic.derivation import derive
from exactdropout.theorems.definitions import (
    INPUTS,
    KEEP,
    RATE,
    SPREAD,
    K,
    count,
    d,
    integer,
    lam,
    n,
    q,
    quantity,
    real,
)
from exactdropout.theorems.generic_symbols import generic
from exactdropout.theorems.lemmas.kept_counts import KEPT_COUNTS, MEAN, SQUARE
from exactdropout.theorems.lemmas.kept_counts import k as units
from exactdropout.theorems.proof import Proof, Step, argument, enumerated, step
from exactdropout.theorems.registry import register
from exactdropout.theorems.statements.derivation import (
    ByLemma,
    Conclusion,
    Derivation,
    Hypothesis,
    proved,
)
from exactdropout.theorems.statements.lines import (
    ByInduction,
    Definition,
    From,
    InWords,
    Line,
    part,
    say,
)
from exactdropout.theorems.statements.terms import Term, equal, symbol, symbols

__all__ = ["EQUAL_WEIGHTS_RISE", "FIRST", "SECOND", "C", "constant_network", "prove", "variance_factor"]

SIZES = ((2, (2,)), (2, (3,)), (1, (2, 2)), (2, (2, 2)), (2, (1, 2, 1)))
HALF = Fraction(1, 2)
M, J, R, c, t, y, Y, C, J_TWO = (*symbols("M J R c t y Y C"), symbol("J", 2))
FIRST, SECOND = symbol("N", "prod"), symbol("S", "prod")


def variance_factor(widths: tuple[int, ...], rates: tuple[Fraction, ...]) -> Fraction:
    """Return ∏_l (1 + λ_l/n_l) − 1 over the droppable layers."""
    return (
        math.prod(
            (1 + r / ((1 - r) * m) for m, r in zip(widths, rates, strict=True)),
            start=Fraction(1),
        )
        - 1
    )


def constant_network(inputs: int, hidden: tuple[int, ...], weight: object) -> Network:
    """Return the network whose weights are all the same, without biases."""
    widths = (inputs, *hidden, 1)
    return Network([[[weight] * widths[j]] * widths[j + 1] for j in range(len(widths) - 1)])


def _found() -> Iterator[Mapping[Term, Any]]:
    """Yield criterion and risk by the double loop, for equal weights, and the moments of products by their formula."""
    for (inputs, width, depth), rate, weight in itertools.product(
        ((2, 2, 2), (2, 3, 2), (1, 2, 3)), (HALF, Fraction(1, 3)), (HALF, Fraction(2))
    ):
        spread, widths = rate / (1 - rate), (inputs, *[width] * (depth - 1))
        mean = Fraction(math.prod(widths))
        for label in (weight**depth * mean, Fraction(1)):
            found = naive_evaluation(
                constant_network(inputs, widths[1:], weight),
                Examples.point((1,) * inputs, label),
                (rate,) * depth,
            )
            yield {
                K: Fraction(inputs), n: Fraction(width), d: Fraction(depth), q: rate, C: weight**depth, y: label,
                FIRST: mean, SECOND: math.prod((w**2 + spread * w for w in widths), start=Fraction(1)),
                J: Fraction(found.criterion), R: Fraction(found.risk),
            }  # fmt: skip


_DEPTH = count(d, 1, "the number of layers of weights, the output layer included")
_WIDTH = count(n, 1, "the number of units in each hidden layer")
_PATHS = Definition(M, K * n ** (d - 1), "the number of paths from the inputs to the output")
_GROWTH = (1 + lam / K) * (1 + lam / n) ** (d - 1)
_CASES = "double loop: K, n, d = 2, 2, 2; 2, 3, 2; 1, 2, 3, two rates, weights and labels"

EQUAL_WEIGHTS_RISE = Derivation(
    name="theorem-18",
    title="Exponential dropout penalty",
    setting=say(
        "Point mass on the input of ones with label {0}, all weights equal, their power {1} being {2}",
        y,
        d,
        C,
    ),
    quantified=(
        INPUTS,
        _WIDTH,
        _DEPTH,
        RATE,
        real(y, "the label"),
        real(C, "a weight to the power of the depth"),
    ),
    definitions=(KEEP, SPREAD, _PATHS),
    quantities=(
        quantity(J, "the criterion"),
        quantity(R, "the risk"),
        quantity(
            FIRST,
            "the mean of the product of the scaled numbers of kept inputs and units",
        ),
        quantity(SECOND, "the mean of its square"),
        quantity(MEAN, "the mean of the scaled number of kept units of one layer"),
        quantity(SQUARE, "the mean of its square"),
    ),
    hypotheses=(Hypothesis("label", equal(C * M, y)),),
    auxiliary=(integer(units, 0, "a number of units"),),
    lines=(
        Line(
            label="one mean",
            sentence=say("In one layer, with {0} units, {claim}.", units),
            claim=equal(MEAN, units),
            reason=ByLemma(KEPT_COUNTS),
        ),
        Line(
            label="one square",
            sentence=say("And {claim}."),
            claim=equal(SQUARE, units**2 + lam * units),
            reason=ByLemma(KEPT_COUNTS),
        ),
        Line(
            label="mean",
            sentence=say(
                "All units of a layer are equal, relu is idle, and each layer multiplies by its number of kept units "
                "below, with masks of its own: {claim}."
            ),
            claim=equal(FIRST, M),
            reason=ByInduction(
                d,
                ((FIRST, MEAN),),
                ((FIRST, MEAN * FIRST),),
                factor=n,
                first=(part("one mean", k=K),),
                parts=(part("one mean", FIRST, k=n),),
            ),
        ),
        Line(
            label="square",
            sentence=say("So for the squares: {claim}."),
            claim=equal(SECOND, M**2 * _GROWTH),
            reason=ByInduction(
                d,
                ((SECOND, SQUARE),),
                ((SECOND, SQUARE * SECOND),),
                factor=n**2 + lam * n,
                first=(part("one square", k=K),),
                parts=(part("one square", SECOND, k=n),),
            ),
        ),
        Line(
            label="criterion",
            sentence=say("The output is {0} times this product: {claim}.", C),
            claim=equal(J, C**2 * SECOND - 2 * y * C * FIRST + y**2),
            reason=InWords(_found, _CASES),
        ),
        Line(
            label="risk",
            sentence=say("Without dropout every mask is 1: {claim}."),
            claim=equal(R, (C * M - y) ** 2),
            reason=InWords(_found, _CASES),
        ),
        Line(
            label="value",
            sentence=say("Together {claim}."),
            claim=equal(J, y**2 * (_GROWTH - 1)),
            reason=From(
                (
                    part("criterion"),
                    part("square", C**2),
                    part("mean", -2 * y * C),
                    part("label", (C * M + y) * _GROWTH - 2 * y),
                )
            ),
        ),
    ),
    conclusions=(
        Conclusion(equal(R, 0), From((part("risk"), part("label", C * M - y)))),
        Conclusion(equal(J, y**2 * (_GROWTH - 1)), From((part("value"),))),
        Conclusion(
            J >= y**2 * (lam / K),
            From((part("value"),), plus=(y**2 * (_GROWTH - 1 - lam / K),)),
        ),
    ),
)
"""J_D = y² [(1 + λ/K)(1 + λ/n)^{d−1} − 1] ≥ y² λ/K, which is y²/K at q = ½."""

ROOTS = Derivation(
    name="roots-rise",
    supporting=True,
    title="Larger numbers have larger powers",
    setting=say("Positive numbers {0} and {1}", Y, Y + t),
    quantified=(
        real(Y, "a number", low=0),
        real(t, "how much larger another is", low=0),
        count(d, 1, "a power"),
    ),
    lines=(
        Line(
            label="powers",
            sentence=say(
                "By induction on {0}: {claim}. So a number whose power is no larger is no larger.",
                d,
            ),
            claim=(Y + t) ** d - Y**d > 0,
            reason=ByInduction(d, (), (), factor=Y + t, plus=(t * Y**d,)),
        ),
    ),
    conclusions=(Conclusion((Y + t) ** d > Y**d, From((part("powers"),))),),
)


def _counted() -> Iterator[Mapping[Term, Any]]:
    for inputs, width, depth in itertools.product((1, 2, 5), (1, 3, 4), (2, 3, 6)):
        shape = Architecture(inputs, (width,) * (depth - 1), biases=False)
        yield {
            K: Fraction(inputs), n: Fraction(width), d: Fraction(depth), lam: Fraction(3), c: HALF,
            J_TWO: Fraction(3, 2) * HALF**2 * shape.parameters,
        }  # fmt: skip


WEIGHT_DECAY = Derivation(
    name="theorem-18-weights",
    title="Weights at most one, polynomial weight decay",
    setting=say(
        "With weights at most the root {0} of the label, {1} the power of that root",
        Y,
        d,
    ),
    quantified=(
        count(K, 1, "the number of inputs"),
        _WIDTH,
        count(d, 2, "the number of layers of weights, the output layer included"),
        real(lam, "the strength of weight decay", low=0, low_in=True),
        real(c, "the weight", low=0, low_in=True),
        real(t, "how far the weight is below the root of the label", low=0, low_in=True),
    ),
    definitions=(Definition(Y, c + t, "the root of the label of the order of the depth", equal(Y - c, t)),),
    quantities=(quantity(J_TWO, "the weight-decay criterion"),),
    lines=(
        Line(
            label="count",
            sentence=say(
                "There are {0} weights and the risk is 0: {claim}.",
                K * n + n**2 * (d - 2) + n,
            ),
            claim=equal(J_TWO, lam / 2 * c**2 * (K * n + n**2 * (d - 2) + n)),
            reason=InWords(_counted, "27 architectures"),
        ),
    ),
    conclusions=(
        Conclusion(
            J_TWO <= lam / 2 * Y**2 * (K * n + n**2 * (d - 2) + n),
            From(
                (part("count", -1),),
                plus=(lam / 2 * (K * n + n**2 * (d - 2) + n) * (2 * c * t + t**2),),
            ),
        ),
    ),
)


DERIVATIONS = (EQUAL_WEIGHTS_RISE, ROOTS, WEIGHT_DECAY)


def prove(exponent: int = 1) -> Proof:
    """Prove the theorem, and with free symbols for (1 + λ_l/n_l)^exponent per layer; only the exponent 1 works."""
    further = [
        argument(
            r"(a) $c^d = y/(K n^{d-1}) \le 1 = 1^d$, so $c \le 1$. (c) $c^d \le y$ as $K n^{d-1} \ge 1$, so $c$ is at "
            r"most the root of $y$; it needs $d \ge 2$."
        ),
        *(_at_size(inputs, hidden, exponent) for inputs, hidden in SIZES),
        enumerated(
            r"$c = \frac12$ and given sizes: risk 0, variance and criterion by the formula, (b) and (c).",
            [pair for inputs, hidden in SIZES[:4] for pair in _numbers(inputs, hidden, exponent)],
            "16 to 64 masks, q = 1/2",
        ),
        step(
            r"A caution: with Definition 1's $P_{(x,y)}$ instead of the point mass this network would violate (b): "
            r"$K = 2$, $n = 10$, $d = 2$, $y = 20$ gives $J_D = 130$ against $y^2/(K+1) = \frac{400}3$.",
            "derivation",
            derive(constant_network(2, (10,), 1), Examples.half((1, 1), 20), HALF).criterion.expr == 130,
        ),
        *_with_a_shift(),
        *_growing_labels(),
    ]
    return proved("holds", DERIVATIONS, further)


def _growing_labels() -> list[Step]:
    """The remark after the theorem, for y = e^{ad}: J_D ≥ e^{2ad}/K, and J₂ at most a line in d."""
    a, d, k, n, strength = sympy.symbols("a d K n lambda", positive=True)
    label = sympy.exp(a * d)
    penalty = strength * sympy.exp(2 * a) / 2 * (k * n + n**2 * (d - 2) + n)
    return [
        step(
            r"The remark after the theorem: for $y = e^{ad}$, $a > 0$, the penalty is at least $y^2/K = e^{2ad}/K$, "
            r"and "
            r"$y^{2/d} = e^{2a}$ makes the bound (c) on $J_2$ linear in $d$, $\frac\lambda2 e^{2a} (Kn + n^2 (d-2) + "
            r"n)$. "
            r"(Such labels need $e^{ad} \le K n^{d-1}$.)",
            "identity",
            sympy.simplify(label ** (2 / d) - sympy.exp(2 * a)) == 0
            and sympy.simplify(label**2 - sympy.exp(2 * a * d)) == 0
            and sympy.Poly(penalty, d).degree() == 1,
        ),
        step(
            r"(c) needs $d \ge 2$: at $d = 1$ there are $K$ weights, and $Kn + n^2 (d-2) + n = Kn - n^2 + n$ is "
            r"another "
            "number unless $n$ is 1 or $K$.",
            "identity",
            sympy.expand(k * n - n**2 + n - k - (n - 1) * (k - n)) == 0,
        ),
    ]


def _with_a_shift() -> list[Step]:
    """On P_(x,y) the statement survives, by biases s of the last hidden layer that the output bias takes back."""
    ring, (h, s) = generic("h~ s~")
    c, shift = sympy.Symbol("c", positive=True), sympy.Symbol("s", nonnegative=True)
    network = Network([[[c, c]] * 2, [c, c]], [[shift] * 2, -2 * c * shift])
    found = derive(network, Examples.half((1, 1), 4 * c**2), HALF)
    least = sympy.expand(found.criterion.expr - 2 * c**2 * shift**2)
    return [
        step(
            r"As a statement of existence it survives there: biases $s \ge 0$ in the last hidden layer and output bias "
            r"$- n c s$ keep $W$ at both inputs, the weights and $J_2$; hidden values $h + s$ with $h \ge 0$ have "
            r"$(h + "
            r"s)^2 \ge s^2$,",
            "cases",
            ring.is_nonnegative((h + s) ** 2 - s * s),
            "manifest signs",
        ),
        argument(
            r"so by the last-layer identity $J_D \ge \lambda c^2 \sum_i E (h_i + s)^2 \ge \lambda n c^2 s^2$, as "
            r"large as one "
            r"likes if $y > 0$."
        ),
        step(
            r"$K = n = d = 2$, $q = \frac12$, $c$ and $s$ free: risk 0, and $J_D - 2 c^2 s^2$ has no negative term.",
            "derivation",
            found.risk.is_identically_zero() and all(v >= 0 for v in sympy.Poly(least, c, shift).coeffs()),
        ),
    ]


def _at_size(inputs: int, hidden: tuple[int, ...], exponent: int) -> Step:
    c = sympy.Symbol("c", positive=True)
    rates = sympy.symbols(f"q0:{len(hidden) + 1}", nonnegative=True)
    widths = (inputs, *hidden)
    y = c ** len(widths) * math.prod(widths)
    derived = derive(constant_network(inputs, hidden, c), Examples.point((1,) * inputs, y), rates)
    product = math.prod((1 + q / ((1 - q) * n)) ** exponent for n, q in zip(widths, rates, strict=True))
    holds = sympy.cancel(sympy.together(derived.criterion.expr - y**2 * (product - 1))) == 0
    return step(
        r"$J_D = \mathrm{Var}\, \mathcal D = y^2 (\prod_l (1 + \lambda_l/n_l) - 1)$, $R = 0$, with $c$ and a rate per "
        f"layer free: widths {', '.join(map(str, widths))}.",
        "derivation",
        holds and derived.risk.is_identically_zero() and derived.bias.is_identically_zero(),
    )


def _numbers(inputs: int, hidden: tuple[int, ...], exponent: int) -> list[tuple[object, object]]:
    widths = (inputs, *hidden)
    d = len(widths)
    y = Fraction(math.prod(widths), 2**d)
    rates = (HALF,) * d
    result = naive_evaluation(constant_network(inputs, hidden, HALF), Examples.point((1,) * inputs, y), rates)
    factor = math.prod((1 + Fraction(1, n)) ** exponent for n in widths) - 1
    return [
        (result.risk, 0),
        (result.variance, y * y * factor),
        (result.criterion, y * y * factor),
        (result.criterion >= y * y / (inputs + 1), True),
    ]


@register(
    id="helmbold-2017-theorem-18",
    title="Exponential dropout penalty, polynomial weight decay",
    source="helmbold2017",
    number="Theorem 18",
    printed=r"Point mass $P_{x,y}$, $x = (1, \dots, 1)$, $0 \le y \le K n^{d-1}$, $q = \frac12$: some $W$ has $R(W) "
    r"= 0$, "
    r"(a) all weights at most 1 in magnitude, (b) $J_D \ge \frac{y^2}{K+1}$, (c) $J_2 \le \frac{\lambda y^{2/d}}2 "
    r"(Kn + "
    r"n^2(d-2) + n)$.",
    derivations=DERIVATIONS,
    verdict="holds",
    correction=r"(b) holds with $\frac{y^2}K$. $P_{x,y}$ is the point mass of Appendix A; with Definition 1's "
    r"$P_{(x,y)}$ the "
    r"printed network violates (b) for large $n$, and biases repair it. (c) is meant for $d \ge 2$.",
)
def theorem_18() -> Proof:
    """Prove the entry as declared."""
    return prove()
