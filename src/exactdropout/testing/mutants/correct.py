"""Correct layers in other spellings: none may be flagged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from exactdropout.testing.mutants.layer import Array, Mutant, Parts, bits
from exactdropout.testing.schemes import channel, shared

__all__ = ["CORRECT"]

Shape = tuple[int, ...]


def own_generator(make: Callable[[], Any]) -> Callable[[Parts, Shape], Array]:
    """Return a mask from a generator that the layer owns."""
    generator = np.random.Generator(make())
    return lambda parts, shape: generator.random(shape) >= parts.q


def steps(count: int) -> Callable[[Parts, Shape], Array]:
    """Return a mask from integers of so many values, compared with a rounded threshold."""
    return lambda parts, shape: np.floor(parts.draw(shape) * count) >= round(parts.q * count)


def multiplying(parts: Parts, x: Array) -> tuple[Array, Any]:
    """Multiply by a mask of 0 and 1/p."""
    mask = bits(parts, x.shape).astype(x.dtype) * x.dtype.type(1 / (1 - parts.q) if parts.q < 1 else 0)
    return x * mask, lambda g: g * mask


def dividing(parts: Parts, x: Array) -> tuple[Array, Any]:
    """Divide by p, computed in the number format of the input."""
    mask, p = bits(parts, x.shape), x.dtype.type(1) - x.dtype.type(parts.q)
    if p == 0:
        return np.zeros_like(x), np.zeros_like
    return np.where(mask, x / p, x.dtype.type(0)), lambda g: np.where(mask, g / p, g.dtype.type(0))


def recomputing(parts: Parts, x: Array) -> tuple[Array, Any]:
    """Keep the seed, not the mask, and draw it again in the backward pass."""
    seed = int(parts.draw((1,))[0] * 2**53)
    scale = x.dtype.type(1 / (1 - parts.q) if parts.q < 1 else 0)

    def masked(v: Array) -> Array:
        kept = np.random.default_rng(seed).random(v.shape) >= parts.q
        return np.asarray(np.where(kept, v * scale, v.dtype.type(0)))

    return masked(x), masked


def packed(parts: Parts, x: Array) -> tuple[Array, Any]:
    """Keep the mask as packed bytes."""
    store = np.packbits(bits(parts, x.shape).ravel())
    scale = x.dtype.type(1 / (1 - parts.q) if parts.q < 1 else 0)

    def masked(v: Array) -> Array:
        kept = np.unpackbits(store, count=v.size).astype(bool).reshape(v.shape)
        return np.asarray(np.where(kept, v * scale, v.dtype.type(0)))

    return masked(x), masked


def in_place(parts: Parts, x: Array) -> tuple[Array, Any]:
    """Overwrite the input and return it."""
    mask, scale = bits(parts, x.shape), x.dtype.type(1 / (1 - parts.q) if parts.q < 1 else 0)
    np.multiply(x, mask * scale, out=x)
    return x, lambda g: g * mask * scale


def attention(parts: Parts, x: Array) -> tuple[Array, Any]:
    """Softmax first, then the mask."""
    w = np.exp(x - x.max(axis=-1, keepdims=True))
    w = w / w.sum(axis=-1, keepdims=True)
    kept = bits(parts, x.shape) * x.dtype.type(1 / (1 - parts.q) if parts.q < 1 else 0)

    def vjp(g: Array) -> Array:
        u = g * kept
        return np.asarray(w * (u - (w * u).sum(axis=-1, keepdims=True)))

    return w * kept, vjp


def softmax(parts: Parts, x: Array) -> Array:
    """Attention weights, as evaluation has them."""
    w = np.exp(x - x.max(axis=-1, keepdims=True))
    return np.asarray(w / w.sum(axis=-1, keepdims=True))


def alpha(parts: Parts, x: Array) -> tuple[Array, Any]:
    """Alpha dropout."""
    mask, drop = bits(parts, x.shape), -1.7580993408473766
    a = 1 / np.sqrt((1 - parts.q) * (1 + parts.q * drop**2)) if parts.q < 1 else 0.0
    wide = a * np.where(mask, x.astype(np.float64), drop) - a * parts.q * drop
    return wide.astype(x.dtype), lambda g: (g.astype(np.float64) * a * mask).astype(g.dtype)


def broadcast(*axes: int) -> Callable[[Parts, Shape], Array]:
    """Return a mask that is shared along dimensions."""

    def mask(parts: Parts, shape: Shape) -> Array:
        small = tuple(1 if i in axes else n for i, n in enumerate(shape))
        return np.broadcast_to(bits(parts, small), shape)

    return mask


def rows(parts: Parts, shape: Shape) -> Array:
    """One bit a row."""
    return np.broadcast_to(bits(parts, (shape[0],) + (1,) * (len(shape) - 1)), shape)


def path_used_twice(parts: Parts, shape: Shape) -> Array:
    """A drop-path module that is used twice in a block draws twice; the first mask is used elsewhere."""
    rows(parts, shape)
    return rows(parts, shape)


CORRECT: tuple[Mutant, ...] = (
    Mutant(name="where(u >= q, x/p, 0)"),
    Mutant(name="x times (mask/p)", forward=multiplying),
    Mutant(name="x / p in the input's format", forward=dividing),
    Mutant(name="u < p", mask=lambda p, s: p.draw(s) < 1 - p.q),
    Mutant(name="1 - u > q", mask=lambda p, s: 1 - p.draw(s) > p.q),
    Mutant(name="uniform in float32", mask=lambda p, s: p.draw(s).astype(np.float32) >= np.float32(p.q)),
    Mutant(name="2^32 thresholds", mask=steps(2**32)),
    Mutant(name="2^24 thresholds", mask=steps(2**24)),
    Mutant(name="byte thresholds at 1/2", rates=("1/2",), mask=steps(256)),
    Mutant(name="own generator, Philox", mask=own_generator(lambda: np.random.Philox(5))),
    Mutant(name="own generator, MT19937", mask=own_generator(lambda: np.random.MT19937(5))),
    Mutant(name="own generator, SFC64", mask=own_generator(lambda: np.random.SFC64(5))),
    Mutant(name="mask drawn in column order", mask=lambda p, s: bits(p, s[::-1]).T),
    Mutant(name="more bits drawn than used", mask=lambda p, s: bits(p, (*s, 2))[..., 1]),
    Mutant(name="mask recomputed in the backward pass", forward=recomputing),
    Mutant(name="mask kept as packed bytes", forward=packed),
    Mutant(name="in place, and returned", forward=in_place),
    Mutant(name="drop path", model="row", mask=rows),
    Mutant(name="drop path used twice", model="row", mask=path_used_twice),
    Mutant(
        name="drop path without scale, as such",
        model="row",
        mask=rows,
        scale=lambda q: 1.0 if q < 1 else 0.0,
        scaling="none",
    ),
    Mutant(name="shared along time", model=shared(1), mask=broadcast(1)),
    Mutant(name="channels", model=channel(), mask=broadcast(2, 3)),
    Mutant(
        name="classic scaling", scaling="classic", scale=lambda q: 1.0, evaluate=lambda p, x: x * x.dtype.type(1 - p.q)
    ),
    Mutant(name="attention weights", model="attention", forward=attention, evaluate=softmax),
    Mutant(name="alpha dropout", model="alpha", forward=alpha),
)
"""Every correct layer of the kit."""
