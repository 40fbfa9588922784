"""The network W_neg of Helmbold and Long (2017), Section 4.1: copies of the first-one gadget below layers of ones."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from exactdropout.model import Network

__all__ = [
    "best_biased_criterion",
    "biased_criterion",
    "first_one_gadget",
    "gadget_network",
    "growth",
    "kept_input_probability",
]


def first_one_gadget(inputs: int) -> list[list[int]]:
    """Return the K × K weights: unit i has +1 from input i and −1 from every earlier input.

    >>> first_one_gadget(3)
    [[1, 0, 0], [-1, 1, 0], [-1, -1, 1]]
    """
    return [[1 if k == i else (-1 if k < i else 0) for k in range(inputs)] for i in range(inputs)]


def gadget_network(inputs: int, copies: int, depth: int, output: Fraction, bias: Fraction = Fraction(0)) -> Network:
    """Return W_neg: n = copies·K units per hidden layer, further hidden weights 1, output weights and bias as given."""
    width = inputs * copies
    hidden = [[[1] * width] * width] * (depth - 2)
    return Network([first_one_gadget(inputs) * copies, *hidden, [output] * width], [*[[0] * width] * (depth - 1), bias])


def growth(inputs: int, width: int, depth: int, rate: Fraction = Fraction(1, 2)) -> Fraction:
    """Return A = (1 + λ K/n)(1 + λ/n)^{d−2}, λ = q/(1 − q)."""
    spread = rate / (1 - rate)
    return (1 + spread * inputs / width) * (1 + spread / width) ** (depth - 2)


def kept_input_probability(inputs: int, rate: Fraction = Fraction(1, 2)) -> Fraction:
    """Return 1 − q^K, the probability that some input is kept."""
    return 1 - rate**inputs


def biased_criterion(survival: Any, growth_factor: Any, bias: Any, share: Any) -> Any:
    """Return J_D of W_neg on P_(1,1) with output bias β and output weight κ c, c the best one without bias.

    ½ β² + ½ [(1 − s)(1 − β)² + s ((1 − β)² − 2 (1 − β) κ/A + κ²/A)], s = 1 − q^K; the best κ is 1 − β.
    """
    rest = 1 - bias
    kept = rest**2 - 2 * rest * share / growth_factor + share**2 / growth_factor
    return (bias**2 + (1 - survival) * rest**2 + survival * kept) / 2


def best_biased_criterion(survival: Any, growth_factor: Any) -> Any:
    """Return J_D of W_neg with the best output bias and weight: t/(1 + 2t), t = ½ [1 − s/A]."""
    t = (1 - survival / growth_factor) / 2
    return t / (1 + 2 * t)
