"""Layers that are right where tests usually look: in one shape, one number format, one order in memory, one mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from exactdropout.testing.mutants.layer import Array, Mutant, Parts, bits

__all__ = ["ELSEWHERE"]

Shape = tuple[int, ...]
Forward = Callable[[Parts, Array], tuple[Array, Any]]


def seeing(mask: Callable[[Parts, Array], Array]) -> Forward:
    """Return the training pass of a layer whose mask depends on the input."""

    def forward(parts: Parts, x: Array) -> tuple[Array, Any]:
        kept, scale = mask(parts, x), x.dtype.type(1 / (1 - parts.q) if parts.q < 1 else 0)
        zero = x.dtype.type(0)
        return np.where(kept, x * scale, zero), lambda g: np.where(kept, g * scale, zero)

    return forward


def by_size(parts: Parts, x: Array) -> Array:
    """Large values are dropped at another rate than small ones."""
    shift = 0.2 * parts.q * (1 - parts.q) * np.where(np.abs(x) > np.median(np.abs(x)), 1, -1)
    return np.asarray(parts.draw(x.shape) >= parts.q + shift)


def largest_kept(parts: Parts, x: Array) -> Array:
    """The largest value is never dropped."""
    kept = bits(parts, x.shape).copy()
    kept[np.unravel_index(np.argmax(np.abs(x)), x.shape)] = True
    return kept


def float32_rate(parts: Parts, x: Array) -> Array:
    """In float32 the rate is halved."""
    return np.asarray(parts.draw(x.shape) >= (parts.q / 2 if x.dtype == np.float32 and parts.q < 1 else parts.q))


def transposed_rows(parts: Parts, x: Array) -> Array:
    """An input that is not contiguous is masked row by row."""
    if x.flags["C_CONTIGUOUS"]:
        return bits(parts, x.shape)
    return np.broadcast_to(bits(parts, (x.shape[0],) + (1,) * (x.ndim - 1)), x.shape)


def odd_last(parts: Parts, shape: Shape) -> Array:
    """The last element of an odd number is never dropped."""
    size = int(np.prod(shape))
    kept = bits(parts, (size,)).copy()
    if size % 2:
        kept[-1] = True
    return kept.reshape(shape)


def tail_copies(parts: Parts, shape: Shape) -> Array:
    """The last element of an odd number has the bit of its neighbour."""
    size = int(np.prod(shape))
    kept = bits(parts, (size,)).copy()
    if size % 2:
        kept[-1] = kept[-2]
    return kept.reshape(shape)


def three_dimensions(parts: Parts, shape: Shape) -> Array:
    """With three dimensions all of a sample shares a bit."""
    small = (shape[0],) + (1,) * (len(shape) - 1) if len(shape) > 2 else shape
    return np.broadcast_to(bits(parts, small), shape)


def one_dimension(parts: Parts, shape: Shape) -> Array:
    """A vector gets one mask for ever."""
    return np.asarray(np.random.default_rng(5).random(shape) >= parts.q) if len(shape) == 1 else bits(parts, shape)


def counter(advance: Callable[[int], int]) -> Callable[[Parts, Shape], Array]:
    """Return a mask from a counter that advances by less than what a call has drawn."""

    def mask(parts: Parts, shape: Shape) -> Array:
        size, start = int(np.prod(shape)), parts.memory.get("counter", 0)
        parts.memory["counter"] = start + advance(size)
        stream = np.random.Generator(np.random.Philox(17)).random(start + size)
        return np.asarray(stream[start:].reshape(shape) >= parts.q)

    return mask


def off_after(evaluations: int) -> Callable[[Parts, Shape], Array]:
    """Return a mask that keeps everything after so many evaluations."""

    def mask(parts: Parts, shape: Shape) -> Array:
        off = parts.memory.get("evaluated", 0) >= evaluations
        return np.ones(shape, dtype=bool) if off else bits(parts, shape)

    return mask


def few_seeds(parts: Parts, shape: Shape) -> Array:
    """Each call seeds a generator with one of 64 numbers."""
    return np.asarray(np.random.default_rng(int(parts.draw((1,))[0] * 64)).random(shape) >= parts.q)


def another_rate_each_call(parts: Parts, shape: Shape) -> Array:
    """The rate of a call is off by 0.08, up or down: right on average."""
    up = bool(parts.draw((1,))[0] < 0.5)
    return np.asarray(parts.draw(shape) >= parts.q + (0.08 if up else -0.08) * (0 < parts.q < 1))


def calls_reversed(parts: Parts, shape: Shape) -> Array:
    """Every second mask is the one before, read backwards."""
    before = parts.memory.pop(shape, None)
    if before is not None:
        return np.asarray(before.ravel()[::-1].reshape(shape))
    parts.memory[shape] = bits(parts, shape)
    return np.asarray(parts.memory[shape])


def sums_of_three(parts: Parts, shape: Shape) -> Array:
    """Unit 4i + 3 is the sum of the three before it: any three are independent at 1/2."""
    kept = bits(parts, shape).copy()
    n = shape[-1] // 4 * 4
    kept[..., 3:n:4] = kept[..., 0:n:4] ^ kept[..., 1:n:4] ^ kept[..., 2:n:4]
    return kept


def every_19th(parts: Parts, shape: Shape) -> Array:
    """Positions 3, 22, 41, … are dropped less often."""
    place = np.arange(int(np.prod(shape))).reshape(shape)
    return np.asarray(parts.draw(shape) >= np.where(place % 19 == 3, 0.6 * parts.q, parts.q))


def three_calls(parts: Parts, shape: Shape) -> Array:
    """Every third mask is the sum of the one before and the one before that, shifted by one."""
    before = parts.memory.setdefault(("masks", shape), [])
    kept = bits(parts, shape)
    if len(before) % 3 == 2:
        kept = before[-1] ^ np.roll(before[-2].ravel(), 1).reshape(shape)
    before.append(kept)
    return kept


def no_empty_row(parts: Parts, shape: Shape) -> Array:
    """A row of which all is dropped keeps its first unit."""
    kept = bits(parts, shape).copy()
    if len(shape) > 1 and parts.q < 1:
        flat = kept.reshape(shape[0], -1)
        flat[:, 0] |= ~flat.any(axis=1)
    return kept


def half_batch(parts: Parts, shape: Shape) -> Array:
    """The second half of a batch has the masks of the first."""
    if len(shape) < 2:
        return bits(parts, shape)
    half = bits(parts, (-(-shape[0] // 2), *shape[1:]))
    return np.concatenate([half, half])[: shape[0]]


def symmetric(parts: Parts, shape: Shape) -> Array:
    """Entries (i, j) and (j, i) share a bit, as where a hash adds or multiplies the indices."""
    if len(shape) != 2 or max(shape) > 3000:
        return bits(parts, shape)
    u = parts.draw((max(shape), max(shape)))
    return np.asarray((np.triu(u) + np.triu(u, 1).T)[: shape[0], : shape[1]] >= parts.q)


def short_index(parts: Parts, shape: Shape) -> Array:
    """Positions are counted in sixteen bits."""
    size = int(np.prod(shape))
    return np.resize(bits(parts, (min(size, 2**16),)), size).reshape(shape)


def by_neighbours(parts: Parts, x: Array) -> Array:
    """The rate depends on whether a value and the one before it have one sign: right for either sign."""
    flat = x.ravel()
    same = np.sign(flat * np.roll(flat, 1)).reshape(x.shape)
    return np.asarray(parts.draw(x.shape) >= parts.q + 0.1 * (0 < parts.q < 1) * same)


def reseeded(parts: Parts, shape: Shape) -> Array:
    """An evaluation seeds the generator anew."""
    seen = parts.memory.get("evaluated", 0)
    if seen != parts.memory.get("seen", 0):
        parts.memory["seen"], parts.memory["generator"] = seen, np.random.default_rng(9)
    generator = parts.memory.get("generator")
    return np.asarray((parts.draw if generator is None else generator.random)(shape) >= parts.q)


def rounded_backward(parts: Parts, x: Array) -> tuple[Array, Any]:
    """In float32 the backward pass rounds the uniform numbers to twelve bits and compares again."""
    u = parts.draw(x.shape)
    again = np.round(u * 4096) / 4096 if x.dtype == np.float32 else u
    scale, zero = x.dtype.type(1 / (1 - parts.q) if parts.q < 1 else 0), x.dtype.type(0)
    return np.where(u >= parts.q, x * scale, zero), lambda g: np.where(again >= parts.q, g * scale, zero)


ELSEWHERE: tuple[Mutant, ...] = (
    Mutant(name="joint law of three calls, shifted", rates=("1/2",), mask=three_calls),
    Mutant(name="a row is never dropped whole", mask=no_empty_row, budget=2**17),
    Mutant(name="the second half of a batch has the masks of the first", mask=half_batch),
    Mutant(name="entries (i, j) and (j, i) share a bit", mask=symmetric),
    Mutant(name="positions counted in sixteen bits", check="one batch", mask=short_index, budget=2**18),
    Mutant(name="rate depends on the signs of neighbours", forward=seeing(by_neighbours)),
    Mutant(name="an evaluation seeds the generator anew", mask=reseeded),
    Mutant(name="backward compares again in float32", check="gradient", forward=rounded_backward, budget=2**18),
    Mutant(name="rate depends on the size of the input", forward=seeing(by_size)),
    Mutant(name="the largest value is kept", forward=seeing(largest_kept)),
    Mutant(name="another rate in float32", forward=seeing(float32_rate)),
    Mutant(name="rows share a mask when transposed in memory", forward=seeing(transposed_rows)),
    Mutant(name="last of an odd number never dropped", mask=odd_last),
    Mutant(name="last of an odd number copies its neighbour", mask=tail_copies),
    Mutant(name="samples of three dimensions share a bit", mask=three_dimensions),
    Mutant(name="one mask for all vectors", mask=one_dimension),
    Mutant(name="counter advances by half", mask=counter(lambda n: n // 2)),
    Mutant(name="counter advances by one too few", mask=counter(lambda n: n - 1)),
    Mutant(name="off after three evaluations", check="modes", mask=off_after(3)),
    Mutant(name="one of 64 seeds at each call", mask=few_seeds),
    Mutant(name="another rate at each call", mask=another_rate_each_call),
    Mutant(name="every second mask is reversed", mask=calls_reversed),
    Mutant(name="joint law of four", rates=("1/2",), mask=sums_of_three),
    Mutant(name="every 19th position dropped less", check="one batch", mask=every_19th, budget=2**19),
)
"""Each is caught because the laws are watched everywhere that the exact checks look."""
