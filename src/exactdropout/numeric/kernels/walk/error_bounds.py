"""Upper bounds in compiled code, number by number; docs/error-bounds.md derives what is built of them.

In place of η = 2⁻¹⁰⁷⁴ stands 2⁻¹⁰²², the smallest normal float: arithmetic with subnormal numbers is slow, and a bound
may be larger. The array versions in :mod:`exactdropout.numeric.float64.bounds` are the plain references.
"""

from __future__ import annotations

import math
from typing import Any

from exactdropout.numeric.kernels.simd.compiled import subroutine

__all__ = ["LARGEST", "NO_GRID", "SLACK", "TINY", "UNIT", "gamma", "root", "tree_error", "up"]

UNIT = 2.0**-53
TINY = 2.0**-1022
SLACK = 1 + 2.0**-30
LARGEST = 2.0**1000
NO_GRID = -(1 << 20)
"""In place of a grid: the numbers are not known to be multiples of one power of 2 that float64 holds."""


@subroutine
def up(value: Any, terms: Any) -> Any:
    """Return an upper bound of what ``value``, a float expression of non-negative terms, would be without rounding."""
    return value * SLACK + (terms + 2.0) * TINY


@subroutine
def gamma(operations: Any) -> Any:
    """Return an upper bound of γ_k for k ≤ 2²²."""
    return operations * UNIT * SLACK


@subroutine
def root(value: float) -> float:
    """Return an upper bound of √value."""
    return math.sqrt(value) * SLACK


@subroutine
def tree_error(size: Any, largest: Any, levels: Any) -> Any:
    """Return the error of folding an expectation: 4·levels + 1 roundings."""
    return up(gamma(4 * levels + 1) * size + (32.0 * levels + 512.0) * TINY * (1.0 + largest), 4)
