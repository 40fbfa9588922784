"""Workspace that begins at a cache line: a vector of 64 bytes is then never split over two."""

from __future__ import annotations

from typing import Any

import numpy as np

from exactdropout.model.numbers import Array
from exactdropout.numeric.kernels.compiled import compiled

__all__ = ["aligned"]


@compiled
def aligned(size: Any) -> Array:
    """Return zeros that begin at a cache line."""
    raw = np.zeros(size + 7)
    shift = (-raw.ctypes.data % 64) // 8
    return raw[shift : shift + size]
