"""Marginalised corruption (van der Maaten, Chen, Tyree and Weinberger 2013): the exponential loss in closed form.

In the linear model with dropout at the inputs, E exp(−y Σ_i w_i x_i r_i/(1 − q)) = ∏_i (q + (1 − q) exp(−y w_i x_i/(1 −
q))): 2^K masks in K factors. (The quadratic loss is the linear model of srivastava-2014-linear.) With z_i for the i-th
exponential it is a polynomial identity. The statement is written down and derived here; the source was not read.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import sympy

from exactdropout.model import Network
from exactdropout.numeric.definition import masks
from exactdropout.theorems.definitions import RATE, integer, q, quantity, real
from exactdropout.theorems.proof import Proof, Step, argument, enumerated, step
from exactdropout.theorems.registry import register
from exactdropout.theorems.statements.derivation import Conclusion, Derivation, proved
from exactdropout.theorems.statements.lines import ByInduction, ByInstances, From, Line, part, say
from exactdropout.theorems.statements.terms import Term, equal, number, symbols

__all__ = ["EXPONENTIAL", "E", "P", "prove"]

E, P, k, z = symbols("E P k z")
_CLAIM = equal(E, P)


def _listed() -> Iterator[Mapping[Term, Any]]:
    """Yield the mean loss by the sum over all masks, and the product of the factors."""
    factors = (Fraction(2), Fraction(1, 3), Fraction(5, 7))
    for inputs, rate in ((1, Fraction(1, 3)), (3, Fraction(0)), (3, Fraction(3, 4))):
        chosen = factors[:inputs]
        yield {
            E: sum(
                chance * math.prod((v for v, bit in zip(chosen, mask[0], strict=True) if bit), start=Fraction(1))
                for mask, chance in masks(_network(inputs), (rate,))
            ),
            P: math.prod((rate + (1 - rate) * v for v in chosen), start=Fraction(1)),
        }


EXPONENTIAL = Derivation(
    name="exponential-loss",
    title="The exponential loss under dropout is a product",
    setting=say("The mean exponential loss of a linear model under dropout is a product with one factor per input"),
    quantified=(RATE,),
    quantities=(
        quantity(E, "the mean over all masks of the exponential of minus label times output"),
        quantity(
            P, "the product over the inputs of the drop probability plus the rest times the exponential of one input"
        ),
    ),
    auxiliary=(
        integer(k, 0, "a number of inputs, taken in one after the other"),
        real(
            z,
            "the exponential of minus label times weight times input over the probability to be kept, of one input",
        ),
    ),
    lines=(
        Line(
            label="product",
            sentence=say(
                "A dropped input contributes the factor 1, a kept one {0}, and its mask is independent of those "
                "before: {claim}.",
                z,
            ),
            claim=_CLAIM,
            reason=ByInduction(
                k,
                ((E, number(1)), (P, number(1))),
                ((E, q * E + (1 - q) * E * z), (P, P * (q + (1 - q) * z))),
                factor=q + (1 - q) * z,
            ),
        ),
        Line(
            label="listed",
            sentence=say("By listing all masks the mean is right: {claim}."),
            claim=_CLAIM,
            reason=ByInstances(_listed, "all masks of one and three inputs, rational exponentials, q = 0, 1/3, 3/4"),
        ),
    ),
    conclusions=(Conclusion(_CLAIM, From((part("product"),))),),
)
"""E ∏ z_i^{r_i} = ∏ (q + (1 − q) z_i)."""
DERIVATIONS = (EXPONENTIAL,)


def prove(power: int = 1) -> Proof:
    """Prove the product; sums over masks are compared with factors q + (1 − q) z_i^power, and only 1 works."""
    further = [
        argument(
            r"With $z_i = \exp(-y w_i x_i / (1-q))$ the loss under a mask is $\prod_i z_i^{r_i}$: a dropped input "
            r"contributes $z_i^0 = 1$."
        ),
        *(_at_size(inputs, power) for inputs in (1, 2, 5)),
        enumerated(
            r"Rational values of the $z_i$, mask by mask.",
            _numbers(power),
            "16 masks; q = 0, 1/3, 3/4",
        ),
    ]
    return proved("holds", DERIVATIONS, further)


def _network(inputs: int) -> Network:
    return Network([[1] * inputs])


def _at_size(inputs: int, power: int) -> Step:
    q = sympy.Symbol("q")
    z = sympy.symbols(f"z1:{inputs + 1}", real=True)
    total = sum(
        chance * math.prod(v for v, bit in zip(z, mask[0], strict=True) if bit)
        for mask, chance in masks(_network(inputs), (q,))
    )
    return step(
        rf"The sum over all masks with $q$ and $z$ free: $K = {inputs}$.",
        "derivation",
        sympy.expand(total - math.prod(q + (1 - q) * v**power for v in z)) == 0,
    )


def _numbers(power: int) -> Iterator[tuple[Any, Any]]:
    z = (Fraction(2), Fraction(1, 3), Fraction(5, 7), Fraction(1))
    for rate in (Fraction(0), Fraction(1, 3), Fraction(3, 4)):
        total = Fraction(0)
        for mask, chance in masks(_network(len(z)), (rate,)):
            total += chance * math.prod((v for v, bit in zip(z, mask[0], strict=True) if bit), start=Fraction(1))
        yield total, math.prod(rate + (1 - rate) * v**power for v in z)


@register(
    id="vandermaaten-2013-exponential",
    title="The exponential loss under dropout is a product",
    source="vandermaaten2013",
    number="exponential loss (our derivation; source not read)",
    printed=r"$E \exp(-y \sum_i w_i x_i r_i/(1-q)) = \prod_i \left(q + (1-q) \exp(-y w_i x_i/(1-q))\right)$.",
    derivations=DERIVATIONS,
    verdict="holds",
    source_read=False,
)
def exponential_loss() -> Proof:
    """Prove the entry as declared."""
    return prove()
