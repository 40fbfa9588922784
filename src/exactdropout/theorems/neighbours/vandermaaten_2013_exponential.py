"""Marginalised corruption (van der Maaten, Chen, Tyree and Weinberger 2013): the exponential loss in closed form.

In the linear model with dropout at the inputs, E exp(−y Σ_i w_i x_i r_i/(1 − q)) = ∏_i (q + (1 − q) exp(−y w_i x_i/(1 −
q))): 2^K masks in K factors. (The quadratic loss is the linear model of srivastava-2014-linear.) With z_i for the i-th
exponential it is a polynomial identity. The statement is written down and derived here; the source was not read.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import sympy

from exactdropout.model import Network
from exactdropout.numeric.definition import masks
from exactdropout.theorems.generic_symbols import generic, identity
from exactdropout.theorems.proof import Proof, Step, argument, conclude, enumerated, step
from exactdropout.theorems.registry import register

__all__ = ["prove"]

SCOPE = "all K, any q in [0, 1), any weights, inputs and labels"


def prove(power: int = 1) -> Proof:
    """Prove the product with factors q + (1 − q) z_i^power; only ``power=1`` works."""
    _, (q, z, partial) = generic("q z P")
    steps = [
        argument(
            r"With $z_i = \exp(-y w_i x_i / (1-q))$ the loss under a mask is $\prod_i z_i^{r_i}$: a dropped input "
            r"contributes "
            r"$z_i^0 = 1$."
        ),
        identity(
            r"Induction on the number of inputs: with mean $P$ so far (1 for none), one more independent mask gives "
            r"$q \cdot P "
            r"\cdot 1 + (1-q) \cdot P \cdot z = P\, (q + (1-q) z)$.",
            q * partial + (1 - q) * partial * z,
            partial * (q + (1 - q) * z**power),
        ),
        *(_at_size(inputs, power) for inputs in (1, 2, 5)),
        enumerated(
            r"Rational values of the $z_i$, mask by mask.",
            _numbers(power),
            "16 masks; q = 0, 1/3, 3/4",
        ),
    ]
    return conclude("holds", SCOPE, steps)


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
    for q in (Fraction(0), Fraction(1, 3), Fraction(3, 4)):
        total = Fraction(0)
        for mask, chance in masks(_network(len(z)), (q,)):
            total += chance * math.prod((v for v, bit in zip(z, mask[0], strict=True) if bit), start=Fraction(1))
        yield total, math.prod(q + (1 - q) * v**power for v in z)


@register(
    id="vandermaaten-2013-exponential",
    title="The exponential loss under dropout is a product",
    source="vandermaaten2013",
    number="exponential loss (our derivation; source not read)",
    printed=r"$E \exp(-y \sum_i w_i x_i r_i/(1-q)) = \prod_i \left(q + (1-q) \exp(-y w_i x_i/(1-q))\right)$.",
    statement="E exp(-y w.x~) = prod_i (q + (1-q) exp(-y w_i x_i/(1-q))): 2^K masks in K factors",
    verdict="holds",
    scope=SCOPE,
    source_read=False,
)
def exponential_loss() -> Proof:
    """Prove the entry as declared."""
    return prove()
