"""Dropout in generalised linear models and its quadratic approximation (Wager, Wang and Liang 2013).

Loss A(θ) − y θ with A convex, θ = w·x. The penalty E A(w·x̃) − A(w·x) is non-negative and free of labels; its quadratic
approximation is ½ A″(w·x) λ Σ x_i² w_i². The exact ratio of the two: 1 for A = θ²/2; for the Poisson model A = e^θ a
product formula; for the logistic model, K = 1, below and above 1, and unbounded. The statement is written down and
derived here; the source was not read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from mpmath import MPIntervalContext

from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import dropout_output, masks, naive_evaluation
from exactdropout.theorems.definitions import KEEP, RATE, SPREAD, integer, lam, p, q, quantity, real
from exactdropout.theorems.lemmas.masked_layer import CRITERION, MASKED_LAYER, RISK, SQUARES, pairs
from exactdropout.theorems.lemmas.mean_of_squares import TOTAL, totals
from exactdropout.theorems.lemmas.noise_moments import FIRST_SUM, MEAN_S, SUM_MOMENTS, sums_under_masks
from exactdropout.theorems.neighbours.vandermaaten_2013_exponential import EXPONENTIAL, E, P
from exactdropout.theorems.proof import Proof, argument, enumerated
from exactdropout.theorems.registry import register
from exactdropout.theorems.statements.derivation import ByLemma, Conclusion, Derivation, Hypothesis, proved
from exactdropout.theorems.statements.lines import ByAlgebra, ByInduction, ByInstances, From, InWords, Line, part, say
from exactdropout.theorems.statements.terms import Term, apply, equal, number, symbol, symbols

__all__ = ["CONVEX_LOSS", "L", "X", "c", "exact_end", "f", "k", "logistic_ratio", "prove", "s", "y", "z"]


def logistic_ratio(theta: Fraction) -> Any:
    """Return an interval with the ratio of penalty to quadratic approximation: A = log(1 + e^θ), K = 1, q = ½."""
    iv = MPIntervalContext()
    iv.dps = 40

    def softplus(z: Any) -> Any:
        return iv.log(1 + iv.exp(z))

    network = Network([[theta]])
    point = iv.mpf(theta.numerator) / theta.denominator
    penalty = -softplus(point)
    for mask, chance in masks(network, (Fraction(1, 2),)):
        z = dropout_output(network, (1,), mask, (Fraction(1, 2),))[0]
        penalty += iv.mpf(chance.numerator) / chance.denominator * softplus(iv.mpf(z.numerator) / z.denominator)
    curvature = iv.exp(point) / (1 + iv.exp(point)) ** 2
    return penalty / (curvature * point**2 / 2)


def exact_end(interval: Any, *, upper: bool) -> Fraction:
    """Return an end of an interval of mpmath as the binary fraction that it is."""
    sign, mantissa, exponent, _ = (interval.b if upper else interval.a)._mpi_[upper]
    found = Fraction(int(mantissa)) * Fraction(2) ** int(exponent)
    return -found if sign else found


y, k, v, z, c, s, t, L, X, Z = symbols("y k v z c s theta L X Z")
COEFFICIENTS = tuple(symbol("a", power) for power in range(4))
RATIO_ONE, RATIO_TWO = symbol("rho", 1), symbol("rho", 2)


def f(at: Term) -> Term:
    """Return the convex function of the model at a term."""
    return apply("f", at)


def _predictors() -> Iterator[Mapping[Term, Any]]:
    """Yield the mean of w·x under masks by listing them, and w·x."""
    for terms in ((Fraction(2),), (Fraction(1), Fraction(-3), Fraction(1, 2))):
        for rate in (Fraction(1, 2), Fraction(1, 3)):
            yield {q: rate, Z: sums_under_masks(terms, terms, rate)[0], c: sum(terms, Fraction(0))}


def _ratios() -> Iterator[Mapping[Term, Any]]:
    """Yield an upper end of the logistic ratio at 1, and a lower end at 2."""
    yield {
        RATIO_ONE: exact_end(logistic_ratio(Fraction(1)), upper=True),
        RATIO_TWO: exact_end(logistic_ratio(Fraction(2)), upper=False),
    }


_FREE = equal(X - (f(c) - y * c), L - f(c))

CONVEX_LOSS = Derivation(
    name="convex-loss",
    title="The penalty of a generalised linear model",
    setting=say("Loss {0} at the value {1} of the linear predictor, {2} convex", f(z) - y * z, z, symbol("f")),
    quantified=(RATE, real(y, "the label"), integer(k, 0, "the number of values")),
    quantities=(
        quantity(f(z), "a convex function at a value under masks"),
        quantity(c, "the value without masks"),
        quantity(s, "the slope of a tangent there"),
        quantity(X, "the mean loss"),
        quantity(L, "the mean of the function"),
        quantity(Z, "the mean value"),
        quantity(TOTAL, "the sum of the probabilities"),
    ),
    hypotheses=(Hypothesis("tangent", f(z) >= f(c) + s * (z - c)),),
    auxiliary=(real(v, "the probability of one more value", low=0, low_in=True),),
    lines=(
        Line(
            label="mean",
            sentence=say("The predictor is a masked sum: {claim}."),
            claim=equal(Z, c),
            reason=ByLemma(
                SUM_MOMENTS,
                renamed=((MEAN_S, Z), (FIRST_SUM, c)),
                tried=_predictors,
                described="all masks of one and three inputs, q = 1/2, 1/3",
            ),
        ),
        Line(
            label="total",
            sentence=say("Probabilities add up to one: {claim}."),
            claim=equal(TOTAL, 1),
            reason=InWords(totals, "masks of up to three units"),
        ),
        Line(
            label="label",
            sentence=say("The label enters linearly: {claim}."),
            claim=equal(X, L - y * Z),
            reason=ByInduction(
                k,
                ((X, number(0)), (L, number(0)), (Z, number(0))),
                ((X, X + v * (f(z) - y * z)), (L, L + v * f(z)), (Z, Z + v * z)),
            ),
        ),
        Line(
            label="tangents",
            sentence=say("One more value lies above the tangent: {claim}."),
            claim=L - f(c) * TOTAL - s * (Z - c * TOTAL) >= 0,
            reason=ByInduction(
                k,
                ((L, number(0)), (TOTAL, number(0)), (Z, number(0))),
                ((L, L + v * f(z)), (TOTAL, TOTAL + v), (Z, Z + v * z)),
                parts=(part("tangent", v),),
            ),
        ),
    ),
    conclusions=(
        Conclusion(_FREE, From((part("label"), part("mean", -y)))),
        Conclusion(L >= f(c), From((part("tangents"), part("total", f(c) - s * c), part("mean", s)))),
    ),
)
"""E f(w·x̃) − y E w·x̃ − (f(w·x) − y w·x) = E f(w·x̃) − f(w·x) ≥ 0."""


def _polynomial(at: Term) -> Term:
    zeroth, first, second, third = COEFFICIENTS
    return zeroth + first * at + second * at**2 + third * at**3


_POISSON = equal(E, P)
_GAUSS = equal(CRITERION / 2 - RISK / 2, lam / 2 * SQUARES)
_CUBIC = equal(
    q * COEFFICIENTS[0] + p * _polynomial(t / p) - _polynomial(t),
    COEFFICIENTS[2] * lam * t**2 + COEFFICIENTS[3] * (1 / p**2 - 1) * t**3,
)

MODELS = Derivation(
    name="quadratic-approximation",
    title="Penalties of two models",
    setting=say("For half the square and for the exponential function"),
    quantified=(
        RATE,
        integer(pairs, 0, "the number of examples"),
    ),
    definitions=(KEEP, SPREAD),
    quantities=(
        quantity(CRITERION, "the sum of mean squared errors under masks"),
        quantity(RISK, "that of squared errors without masks"),
        quantity(SQUARES, "that of squares of weight times input"),
        quantity(E, "the mean of the exponential of the predictor"),
        quantity(P, "the product over inputs of the mean of the exponential of the masked term"),
    ),
    lines=(
        Line(
            label="linear",
            sentence=say("Half the square is half the criterion of the linear model: {claim}."),
            claim=equal(CRITERION, RISK + lam * SQUARES),
            reason=ByLemma(MASKED_LAYER),
        ),
    ),
    conclusions=(
        Conclusion(_GAUSS, From((part("linear", Fraction(1, 2)),))),
        Conclusion(_POISSON, ByLemma(EXPONENTIAL)),
    ),
)
"""½ λ Q for θ²/2, and a product for e^θ."""

SMALL_WEIGHTS = Derivation(
    name="small-weights",
    supporting=True,
    title="Small weights",
    setting=say("One input and a cubic function of {0}, such as a Taylor polynomial", t),
    quantified=(
        RATE,
        real(t, "the value of the predictor"),
        *(real(term, "a coefficient") for term in COEFFICIENTS),
    ),
    definitions=(KEEP, SPREAD),
    conclusions=(Conclusion(_CUBIC, ByAlgebra()),),
)
"""The penalty is a₂ λ θ² + O(θ³)."""

LOGISTIC = Derivation(
    name="logistic-ratio",
    title="The logistic ratio",
    setting=say("The logistic model, one input, drop probability {0}", number(Fraction(1, 2))),
    quantified=(),
    quantities=(
        quantity(RATIO_ONE, "an upper bound of the ratio of penalty to approximation at 1"),
        quantity(RATIO_TWO, "a lower bound of it at 2"),
    ),
    lines=tuple(
        Line(
            label=label,
            sentence=say("In interval arithmetic {claim}."),
            claim=claim,
            reason=ByInstances(_ratios, "2 masks, 40 digits", whole=True),
        )
        for label, claim in (("one", RATIO_ONE < 1), ("two", RATIO_TWO > 1))
    ),
    conclusions=(
        Conclusion(RATIO_ONE < 1, From((part("one"),))),
        Conclusion(RATIO_TWO > 1, From((part("two"),))),
    ),
)
"""The ratio lies below 1 at θ = 1 and above 1 at θ = 2."""
DERIVATIONS = (CONVEX_LOSS, MODELS, SMALL_WEIGHTS, LOGISTIC)


def prove(half: Fraction = Fraction(1, 2)) -> Proof:
    """Prove the statements; a network is compared with half·A″ λ Σ x_i² w_i², and only ``half=1/2`` works."""
    further = [
        argument(
            r"The approximation is $\frac12 f''(w \cdot x) \lambda \sum x_i^2 w_i^2$: exact for half the square, and "
            r"$a_2 \lambda \theta^2$ where $\theta \to 0$, $f''(0) = 2 a_2$. The logistic ratio is unbounded: as "
            r"$\theta \to \infty$ the penalty tends to $\frac12 \log 2$ and the approximation $\frac12 \theta^2 "
            r"e^\theta / (1 + e^\theta)^2$ to 0."
        ),
        enumerated(
            "Given numbers: the Gaussian model at two labels.",
            _numbers(half),
            "8 masks; q = 1/3, 4/5",
        ),
    ]
    return proved("holds", DERIVATIONS, further)


def _numbers(half: Fraction) -> Iterator[tuple[Any, Any]]:
    weights, x = (Fraction(2), Fraction(-1, 3), Fraction(1)), (1, 3, -2)
    square = sum((w * v) ** 2 for w, v in zip(weights, x, strict=True))
    for rate in (Fraction(1, 3), Fraction(4, 5)):
        for label in (0, 5):
            found = naive_evaluation(Network([list(weights)]), Examples.point(x, label), (rate,))
            yield found.penalty / 2, half * rate / (1 - rate) * square


@register(
    id="wager-2013-quadratic",
    title="Generalised linear models: the penalty of dropout and its quadratic approximation",
    source="wager2013",
    number="quadratic approximation (our derivation; source not read)",
    derivations=DERIVATIONS,
    verdict="holds",
    source_read=False,
)
def quadratic_approximation() -> Proof:
    """Prove the entry as declared."""
    return prove()
