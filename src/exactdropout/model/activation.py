"""Activations: every one is φ(z) = z for z > 0 and slope·z otherwise.

All of them are positively homogeneous, φ(cz) = cφ(z) for c > 0, which is what Theorem 5 of Helmbold and
Long (2017) needs, and piecewise linear, which is what exact evaluation needs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fractions import Fraction
from typing import Any

from exactdropout.errors import InvalidInput, MixedNumbers
from exactdropout.model.numbers import format_rational, parse_rational, scalar, show

__all__ = ["Activation", "activations"]

_NEAR = {"relu": "relu", "linear": "linear", "identity": "linear", "leaky_relu": "leaky_relu(1/100)"}
_LEAKY = re.compile(r"leaky_relu\(([^()]{1,200})\)\Z")


@dataclass(frozen=True)
class Activation:
    """φ(z) = z for z > 0, ``slope``·z for z ≤ 0; slope 0 is relu, slope 1 is linear.

    The slope is an exact rational. At the kink z = 0 the value is 0 and the derivative is taken as the slope
    (relu′(0) = 0, as in the frameworks).

    >>> Activation.leaky_relu("1/10")(Fraction(-5))
    Fraction(-1, 2)
    """

    slope: Fraction

    def __post_init__(self) -> None:
        """Make the slope a Fraction; refuse floats."""
        value, kind = scalar(self.slope, "slope")
        if kind not in ("integer", "exact"):
            raise MixedNumbers(f"Argument 'slope' must be an exact rational such as '1/100', not {show(self.slope)}.")
        object.__setattr__(self, "slope", value)

    @classmethod
    def relu(cls) -> Activation:
        """φ(z) = max(z, 0)."""
        return cls(Fraction(0))

    @classmethod
    def linear(cls) -> Activation:
        """φ(z) = z."""
        return cls(Fraction(1))

    @classmethod
    def leaky_relu(cls, slope: int | Fraction | str) -> Activation:
        """φ(z) = z for z > 0, slope·z otherwise, with a rational slope (text is an exact decimal)."""
        return cls(scalar(slope, "slope")[0])

    @classmethod
    def parse(cls, text: str, name: str = "activation") -> Activation:
        """Parse ``"relu"``, ``"linear"`` or ``"leaky_relu(1/100)"``; the inverse of ``str``."""
        if text == "relu":
            return cls.relu()
        if text == "linear":
            return cls.linear()
        if match := _LEAKY.match(text):
            return cls(parse_rational(match[1], name))
        near = get_close_matches(text.strip().lower().replace(" ", "_"), _NEAR, 1, 0.7)
        meant = f"; did you mean {_NEAR[near[0]]!r}?" if near else "; others are not piecewise linear through 0."
        raise InvalidInput(
            f"Argument {name!r} must be 'relu', 'linear' or 'leaky_relu(1/100)' with a rational slope, "
            f"not {show(text)}{meant}"
        )

    def __call__(self, z: Any) -> Any:
        """Return φ(z) of a number with an order (Fraction, float, mpf)."""
        return z if z > 0 else self.slope * z

    def derivative(self, z: Any) -> Fraction:
        """Return φ′(z), with φ′(0) = slope."""
        return Fraction(1) if z > 0 else self.slope

    def __str__(self) -> str:
        """Return the text that :meth:`parse` reads."""
        if self.slope == 0:
            return "relu"
        return "linear" if self.slope == 1 else f"leaky_relu({format_rational(self.slope)})"


def activations(value: object, count: int) -> tuple[Activation, ...]:
    """Return one activation per hidden layer from one for all, or from a sequence of ``count``."""
    if isinstance(value, (str, Activation)):
        one = Activation.parse(value) if isinstance(value, str) else value
        return (one,) * count
    if not isinstance(value, Sequence):
        raise InvalidInput(f"Argument 'activation' must be a name or one per hidden layer, not {show(value)}.")
    if len(value) != count:
        raise InvalidInput(f"Argument 'activation' must have one entry per hidden layer ({count}), not {len(value)}.")
    result: list[Activation] = []
    for item in value:
        if not isinstance(item, (str, Activation)):
            raise InvalidInput(f"Argument 'activation' must hold activations or their names, not {show(item)}.")
        result.append(Activation.parse(item) if isinstance(item, str) else item)
    return tuple(result)
