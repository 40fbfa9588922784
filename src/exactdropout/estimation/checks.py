"""The arguments that all estimates share, checked."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from exactdropout.errors import InvalidInput, MixedNumbers
from exactdropout.model import Examples, Network, drop_rates
from exactdropout.model.numbers import scalar, show
from exactdropout.numeric.float64.problem import Problem, prepare

__all__ = ["chance_of", "floats_of", "positive", "seed_of"]


def floats_of(network: Network, examples: Examples, q: object) -> Problem:
    """Return the float64 problem; a rational network must consist of floats."""
    rates, kind = drop_rates(q, network.architecture)
    if kind == "symbolic" or network.kind == "symbolic":
        raise MixedNumbers("Argument 'network' and 'q' must hold numbers to be sampled, not symbols.")
    if network.kind != "float64":
        rounded = network.float64()
        if rounded.exact() != network:
            raise InvalidInput(
                "Argument 'network' holds fractions that are no floats; pass network.float64() to estimate the network "
                "of the nearest floats."
            )
        network = rounded
    return prepare(network, examples, tuple(Fraction(rate) for rate in rates))


def chance_of(value: object) -> Fraction:
    """Return 1 − confidence, the probability of being wrong."""
    number, kind = scalar(value, "confidence")
    if kind == "symbolic" or not 0 < number < 1:
        raise InvalidInput(f"Argument 'confidence' must satisfy 0 < confidence < 1, not {show(value)}.")
    return 1 - Fraction(number)


def positive(value: object, name: str, what: str) -> float | None:
    """Return a positive number, or None for None."""
    if value is None:
        return None
    numbers = (int, float, Fraction, np.integer, np.floating)
    if not isinstance(value, numbers) or isinstance(value, bool) or not 0 < value < math.inf:
        raise InvalidInput(f"Argument {name!r} must be a positive number {what}, or None, not {show(value)}.")
    return float(value)


def seed_of(value: object) -> int:
    """Return a seed, 0 to 2⁶⁴ − 1."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not 0 <= value < 2**64:
        raise InvalidInput(f"Argument 'seed' must be an integer from 0 to 2^64 - 1, not {show(value)}.")
    return int(value)
