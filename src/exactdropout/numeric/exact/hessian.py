"""Exact Hessian-vector products: the exact gradient, computed with numbers that carry their tangent.

With W + εV in place of W and ε² = 0, ∂J_D/∂W (W + εV) = ∂J_D/∂W + ε H·V. Signs are decided by the real parts, so that
a pre-activation that is exactly 0 stays on the branch of slope φ′(0), tangent included; states are merged only where
real parts and tangents agree, and a unit has no mask only where both are 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from exactdropout.model import Examples, Network
from exactdropout.numeric.direction import Direction
from exactdropout.numeric.exact.gradient import adjoint_sums, fractions, rational
from exactdropout.numeric.result import EntryBounds, HessianProduct

__all__ = ["Dual", "exact_hessian_product"]


class Dual:
    """a + ε·b with ε² = 0; a and b are flint's rationals. Ordered by the real part."""

    __slots__ = ("real", "tangent")

    def __init__(self, real: Any, tangent: Any) -> None:
        """Take both parts as they are."""
        self.real = real
        self.tangent = tangent

    def __add__(self, other: Any) -> Dual:
        """Return the sum with a Dual or a rational."""
        if isinstance(other, Dual):
            return Dual(self.real + other.real, self.tangent + other.tangent)
        return Dual(self.real + other, self.tangent)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Dual:
        """Return the difference with a Dual or a rational."""
        if isinstance(other, Dual):
            return Dual(self.real - other.real, self.tangent - other.tangent)
        return Dual(self.real - other, self.tangent)

    def __mul__(self, other: Any) -> Dual:
        """Return the product with a Dual or a rational."""
        if isinstance(other, Dual):
            return Dual(self.real * other.real, self.real * other.tangent + self.tangent * other.real)
        return Dual(self.real * other, self.tangent * other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Dual:
        """Return the quotient by a rational."""
        return Dual(self.real / other, self.tangent / other)

    def __gt__(self, other: Any) -> bool:
        """Return whether the real part is larger than a rational."""
        return bool(self.real > other)

    def __eq__(self, other: object) -> bool:
        """Return whether both parts are equal; a rational has tangent 0."""
        if isinstance(other, Dual):
            return bool(self.real == other.real and self.tangent == other.tangent)
        return bool(self.real == other and self.tangent == 0)

    def __hash__(self) -> int:
        """Return a hash of both parts."""
        return hash((self.real, self.tangent))


def exact_hessian_product(
    network: Network, data: Examples, rates: Sequence[Fraction], direction: Direction
) -> HessianProduct:
    """Return H·V as Fractions; H is that of the piece that φ′(0) selects, see :class:`.result.HessianProduct`.

    Cost: about four times that of the exact gradient, for each pair (values, tangents) that differs.
    """

    def entry(value: Fraction, part: str, place: tuple[int, ...]) -> Dual:
        layer, *rest = place
        return Dual(rational(value), rational(getattr(direction, part)[layer][tuple(rest)]))

    def tangents(rows: Any) -> list[list[Any]]:
        return [[v.tangent if isinstance(v, Dual) else v - v for v in row] for row in rows]

    weight_sums, bias_sums = adjoint_sums(network, data, rates, entry)
    weights = tuple(fractions(tangents(s), w.shape) for s, w in zip(weight_sums, network.weights, strict=True))
    biases = tuple(
        None if b is None else fractions(tangents([s]), b.shape) for s, b in zip(bias_sums, network.biases, strict=True)
    )
    return HessianProduct(weights=weights, biases=biases, error_bounds=EntryBounds.zeros(weights, biases))
