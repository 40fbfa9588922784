"""A distribution of bounded, infinite support for which J_D has no minimiser: d = 2, every n and q. For Definition 2.

With κ = λ/(n + λ): x = 1 with label 1 and probability ¼; x = 0 with label −(q + κp)/2 and probability ½; x = 1 − 2^{−i}
with label 0 and probability ¼ 2^{−i}, i = 1, 2, … . The unit relu(1 + k (p x̃ − 1)) tends to the indicator of x̃ = 1/p,
n copies of which would be best and which is no unit.

Proof. Let e be the residual of that limit. Squares lie above their tangents at e, and E e = 0, so a unit g with output
weight a enters with 2 a E e g + λ a² E g², at least −κ² ρ/λ, and more for every unit that is not the indicator.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.theorems.definitions import KEEP, OPEN_RATE, SPREAD, count, integer, lam, n, p, q, quantity, real
from exactdropout.theorems.minimisers.one_hidden_layer import W, weights
from exactdropout.theorems.statements.derivation import Conclusion, Derivation
from exactdropout.theorems.statements.lines import ByCases, Definition, From, InWords, Line, part, say
from exactdropout.theorems.statements.terms import Term, apply, equal, number, symbol, symbols

__all__ = ["NO_MINIMISER"]

HALF, QUARTER = Fraction(1, 2), Fraction(1, 4)
kappa, rho, c, label, u, e, t, k, Y, U = symbols("kappa rho c y u e t k Y U")
RHO_0 = symbol("rho", 0)
J, INFIMUM, NEAR = apply("J", W), symbol("J", "inf"), symbol("J", k)


def _distribution(cut: int, rate: Fraction, width: int) -> Examples:
    """Return the distribution, the rest of the mass at i = ``cut``."""
    spread = rate / (1 - rate)
    share = spread / (width + spread)
    rows = [((Fraction(1),), Fraction(1), QUARTER), ((Fraction(0),), -(rate + share * (1 - rate)) / 2, HALF)]
    for i in range(1, cut + 1):
        rows.append(((1 - Fraction(1, 2**i),), Fraction(0), QUARTER * Fraction(1, 2 ** min(i, cut - 1))))
    return Examples(rows)


def _criterion(network: Network, data: Examples, rate: Fraction) -> Fraction:
    return Fraction(naive_evaluation(network, data, (rate, rate)).criterion)


def _given() -> Iterator[tuple[int, int, Fraction, Examples]]:
    for rate in (Fraction(1, 3), HALF, Fraction(4, 5)):
        for width, cut in ((1, 2), (1, 3), (2, 2)):
            yield width, cut, rate, _distribution(cut, rate, width)


def _squares(data: Examples) -> Fraction:
    return sum((w * y[0] ** 2 for y, w in zip(data.labels, data.probabilities, strict=True)), Fraction(0))


def _near() -> Iterator[Mapping[Term, Any]]:
    """Yield the criterion of n units relu(1 + 2^k (p x̃ − 1)) with the best output weights of the limit."""
    for width, cut, rate, data in _given():
        share = 1 - rate / (1 - rate) / (width + rate / (1 - rate))
        for power in (cut - 1, cut):
            steep = 2**power
            network = Network([[[steep * (1 - rate)]] * width, [share / width] * width], [[1 - steep] * width, 0])
            if power < cut:  # what is beyond stands at i = cut
                yield {
                    n: Fraction(width),
                    q: rate,
                    k: Fraction(power),
                    Y: _squares(data),
                    NEAR: _criterion(network, data, rate),
                }


def _others() -> Iterator[Mapping[Term, Any]]:
    """Yield the criterion of networks on the distribution, and the sum of what their units enter with."""
    for width, _, rate, data in _given():
        kept = 1 - rate
        spread = rate / kept
        share = spread / (width + spread)
        mass, zero = kept / 4, (1 + rate) / 2
        below = share * mass / zero
        for weight, low, output, bias in ((1, 0, HALF, Fraction(0)), (-1, 1, -HALF, HALF), (3, -2, HALF, Fraction(1))):
            network = Network([[[weight * kept]] * width, [output] * width], [[low] * width, bias])
            enters = Fraction(0)
            for (x,), chance in zip(data.inputs.tolist(), data.probabilities, strict=True):
                for value, part_ in ((Fraction(0), rate), (Fraction(x) / kept, kept)):
                    unit = max(Fraction(0), weight * kept * value + low)
                    tangent = -share if value == 1 / kept else below if value == 0 else Fraction(0)
                    enters += width * chance * part_ * (2 * output * tangent * unit + spread * output**2 * unit**2)
            yield {
                n: Fraction(width),
                q: rate,
                Y: _squares(data),
                U: enters,
                J: _criterion(network, data, rate),
            }


_OTHERS = "double loop: 27 networks with one and two units, q = 1/3, 1/2, 4/5, the distribution cut at i = 2, 3"
_NEAR = "double loop: n = 1, 2; q = 1/3, 1/2, 4/5; the distribution cut after i = k"
_CONSTANT = Y - (rho + RHO_0 * c**2) - (kappa**2 * rho + c**2 * RHO_0) + 2 * (kappa * rho + c**2 * RHO_0)

NO_MINIMISER = Derivation(
    name="no-minimiser",
    title="No minimiser for an infinite support",
    setting=say("One input, one hidden relu layer, the distribution above"),
    quantified=(
        count(n, 1, "the number of hidden units"),
        OPEN_RATE,
        integer(k, 1, "an exponent"),
        weights(W, "the weights and biases of any network"),
    ),
    definitions=(
        KEEP,
        SPREAD,
        Definition(kappa, lam / (n + lam), "the residual of the limit where the input 1 is kept"),
        Definition(rho, p / 4, "the probability of the masked input that is the input 1, kept"),
        Definition(RHO_0, (1 + q) / 2, "the probability of the masked input 0", equal(2 * RHO_0, 1 + q)),
        Definition(
            label,
            -(q + kappa * p) / 2,
            "the label of the input 0, probability one half; the input 1 has label 1, probability one quarter, and "
            "inputs that differ from 1 by the powers of one half, the first, the second and so on, have label 0 and "
            "one quarter of this power for their probability",
        ),
        Definition(c, kappa * rho / RHO_0, "minus the mean label at the masked input 0"),
        Definition(
            INFIMUM,
            Y - rho + rho * kappa,
            "the infimum of the criterion",
            equal(INFIMUM, Y - (rho + RHO_0 * c**2) + rho * kappa + RHO_0 * c**2),
        ),
    ),
    quantities=(
        quantity(Y, "the mean square of the labels"),
        quantity(J, "the dropout criterion of a network"),
        quantity(NEAR, "that of the units that are 1 at the input 1, kept, and 0 up to the exponent"),
        quantity(U, "the sum over the units of twice their mean product with the residual, and of their penalty"),
    ),
    auxiliary=(
        real(u, "the error of a mean output"),
        real(e, "the residual of the limit"),
        real(t, "an output weight times the value of a unit"),
    ),
    lines=(
        Line(
            label="label",
            sentence=say("At the masked input 0 the mean label is minus {0}: {claim}.", c),
            claim=equal(Fraction(1, 2) * label + Fraction(1, 4) * q, -(c * RHO_0)),
        ),
        Line(
            label="balance",
            sentence=say("The residual, {0} at the input 1 kept and {1} at 0, has mean {claim}.", -kappa, c),
            claim=equal(c * RHO_0 - kappa * rho, 0),
        ),
        Line(
            label="tangent",
            sentence=say("Squares lie above their tangents: {claim}."),
            claim=u**2 >= 2 * e * u - e**2,
            reason=From((), plus=((u - e) ** 2,)),
        ),
        Line(
            label="lower",
            sentence=say(
                "Over masked inputs the squared error is that of the mean labels, {0}, and the distance to them, and "
                "as the residual has mean 0, output biases drop out: {claim}.",
                Y - (rho + RHO_0 * c**2),
            ),
            claim=J >= _CONSTANT + U,
            reason=InWords(_others, _OTHERS),
        ),
        Line(
            label="positive",
            sentence=say(
                "A unit with positive output weight enters with at least {0} times the following, {1} its value at "
                "the input 1, kept: {claim}.",
                rho,
                t,
            ),
            claim=lam * t**2 - 2 * kappa * t >= -(kappa**2 / lam),
            reason=From((), plus=((lam * t - kappa) ** 2 / lam,)),
        ),
        Line(
            label="negative",
            sentence=say("One with negative output weight with at least {0} times {claim}, by its value at 0.", RHO_0),
            claim=lam * t**2 - 2 * c * t >= -(c**2 / lam),
            reason=From((), plus=((lam * t - c) ** 2 / lam,)),
        ),
        Line(label="smaller", sentence=say("As {claim},"), claim=rho < RHO_0),
        Line(
            label="less",
            sentence=say("this is more: {claim}."),
            claim=-(RHO_0 * (c**2 / lam)) > -(rho * (kappa**2 / lam)),
            reason=From((part("smaller", kappa**2 * rho / (lam * RHO_0)),)),
        ),
        Line(
            label="units",
            sentence=say(
                "Equality for a positive output weight needs a unit that is 0 at all masked inputs but one, and not "
                "there; but units are continuous, and the masked inputs tend to this one. So {claim}."
            ),
            claim=U > -(n * (kappa**2 * rho / lam)),
            reason=InWords(_others, _OTHERS),
        ),
        Line(
            label="value",
            sentence=say("Together this is the infimum: {claim}."),
            claim=equal(_CONSTANT - n * (kappa**2 * rho / lam), INFIMUM),
        ),
        Line(
            label="at zero",
            sentence=say(
                "Units relu of {0} are 1 at the input 1, kept, and 0 at the masked input 0: {claim}.",
                1 + number(2) ** k * (p * symbol("x") - 1),
            ),
            claim=equal(apply("relu", 1 - number(2) ** k), 0),
            reason=ByCases(()),
        ),
        Line(
            label="near",
            sentence=say(
                "With output weights {0} they are positive elsewhere only where the difference of the input to 1 is "
                "less than {1}: {claim}.",
                (1 - kappa) / n,
                1 / number(2) ** k,
            ),
            claim=NEAR <= INFIMUM + p / 4 * (1 - kappa) / number(2) ** k,
            reason=InWords(_near, _NEAR),
        ),
    ),
    conclusions=(
        Conclusion(J > INFIMUM, From((part("lower"), part("units"), part("value")))),
        Conclusion(NEAR <= INFIMUM + p / 4 * (1 - kappa) / number(2) ** k, From((part("near"),))),
    ),
)
"""J(W) > J_inf for every W, and J_k ≤ J_inf + c 2^−k."""
