"""Inputs that hide nothing: signed values of full length in the number format, zeros among them, odd sizes."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from exactdropout.testing.number_formats import NumberFormat
from exactdropout.testing.schemes import Scheme

__all__ = ["large_shape", "own_generator", "shapes_for", "signed_input"]

Floats = npt.NDArray[np.float64]
PLAIN = (1.0, 1.5, 0.75, 2.5, 3.0, 0.125, 17.0, 0.6875)


def own_generator(seed: int, purpose: int = 0) -> np.random.Generator:
    """Return a generator that no layer gets by seeding its own with the same number."""
    return np.random.default_rng((0x0DDC0DE, purpose, seed))


def signed_input(shape: tuple[int, ...], form: NumberFormat, seed: int, *, zeros: bool) -> Floats:
    """Return values of both signs that the format holds, one in eight of them 0 where ``zeros``."""
    rng = own_generator(seed)
    magnitudes = _magnitudes(form, seed % 4)
    x = rng.choice(magnitudes, size=shape) * rng.choice([-1.0, 1.0], size=shape)
    if zeros:
        x[rng.random(shape) < 0.125] = 0.0
    return np.asarray(x)


@cache
def _magnitudes(form: NumberFormat, family: int) -> Floats:
    """Return plain numbers and numbers of full length."""
    rng = own_generator(family, 2)
    whole = rng.integers(2 ** (form.digits - 1), 2**form.digits, 24)
    return np.concatenate([PLAIN, np.ldexp(whole.astype(np.float64), rng.integers(-3, 3, 24) - form.digits + 1)])


def shapes_for(scheme: Scheme) -> tuple[tuple[int, ...], ...]:
    """Return the shapes that a scheme is tried on: the first with many bits, others of odd sizes and dimensions."""
    if scheme.weight is not None:
        outputs, inputs = scheme.weight.shape
        return ((2, inputs, outputs),)
    if scheme.sharing == "dims":
        ndim = max(3, *(d + 1 if d >= 0 else -d for d in scheme.dims))
        return ((16, 12, 3, 2, 2)[:ndim], (7, 5, 3, 2, 2)[:ndim])
    return {
        "none": ((16, 12), (7, 13), (5, 3, 4), (37,), (11, 2)),
        "channel": ((16, 12, 3, 2), (7, 5, 3, 3)),
        "channel, unbatched": ((24, 3, 2), (7, 3, 3)),
        "row": ((64, 3), (17, 2, 3)),
        "batch": ((4, 3), (3, 2, 3)),
    }[scheme.sharing]


def large_shape(scheme: Scheme, shape: tuple[int, ...], bits: int) -> tuple[int, ...] | None:
    """Return a shape with about so many bits in one call, of the same sizes but the first, or None where none is."""
    if scheme.sharing == "none" and scheme.weight is None and len(shape) == 2 and shape == (16, 12):
        side = max(2, int(bits**0.5))
        return (side, side + 1 - side % 2)
    first = scheme.bit_shape(shape)[0] if shape else 1
    if first <= 1:
        return None
    per_row = max(1, int(np.prod(scheme.bit_shape(shape))) // first)
    return (max(first, min(bits // per_row, 2 * 10**6)), *shape[1:])
