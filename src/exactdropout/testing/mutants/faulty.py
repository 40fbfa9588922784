"""Broken layers: what public reports found in frameworks and models, and other members of the same kinds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from exactdropout.testing.mutants.elsewhere import ELSEWHERE
from exactdropout.testing.mutants.layer import Array, Mutant, Parts, bits
from exactdropout.testing.schemes import shared

__all__ = ["MUTANTS"]

Shape = tuple[int, ...]


def groups(parts: Parts, shape: Shape) -> Array:
    """Runs of four along the last dimension share a bit."""
    short = (*shape[:-1], -(-shape[-1] // 4))
    return np.repeat(bits(parts, short), 4, axis=-1)[..., : shape[-1]]


def fixed_seed(parts: Parts, shape: Shape) -> Array:
    """The same numbers at each call."""
    return np.asarray(np.random.default_rng(7).random(shape) >= parts.q)


def repeats(period: int) -> Callable[[Parts, Shape], Array]:
    """Return a mask that comes again after so many calls."""

    def mask(parts: Parts, shape: Shape) -> Array:
        call = parts.memory["calls"] = parts.memory.get("calls", -1) + 1
        key = (shape, call % period)
        if key not in parts.memory:
            parts.memory[key] = bits(parts, shape)
        return np.asarray(parts.memory[key])

    return mask


def shifted(parts: Parts, shape: Shape) -> Array:
    """The mask of the call before, shifted by five, with five new bits."""
    size = int(np.prod(shape))
    before = parts.memory.get(shape)
    new = bits(parts, (size,))
    if before is not None and size > 5:
        new[5:] = before[:-5]
    parts.memory[shape] = new
    return new.reshape(shape)


def permuted(parts: Parts, shape: Shape) -> Array:
    """Every second mask is a permutation of the one before."""
    before = parts.memory.pop(shape, None)
    if before is not None:
        order = np.random.default_rng(3).permutation(before.size)
        return np.asarray(before.ravel()[order].reshape(shape))
    parts.memory[shape] = bits(parts, shape)
    return np.asarray(parts.memory[shape])


def antithetic(parts: Parts, shape: Shape) -> Array:
    """Every second call uses 1 − u in place of u."""
    before = parts.memory.pop(shape, None)
    if before is not None:
        return np.asarray(1 - before > parts.q)
    parts.memory[shape] = parts.draw(shape)
    return np.asarray(parts.memory[shape] >= parts.q)


def along(axis: int) -> Callable[[Parts, Shape], Array]:
    """Return a mask that is shared along one dimension."""

    def mask(parts: Parts, shape: Shape) -> Array:
        small = tuple(1 if i == axis % len(shape) else n for i, n in enumerate(shape))
        return np.broadcast_to(bits(parts, small), shape)

    return mask


def for_ever(parts: Parts, shape: Shape) -> Array:
    """What was dropped once stays dropped."""
    parts.memory[shape] = bits(parts, shape) & parts.memory.get(shape, np.True_)
    return np.asarray(parts.memory[shape])


def threshold(steps: int) -> Callable[[Parts, Shape], Array]:
    """Return a mask from integers of so many values."""
    return lambda parts, shape: np.floor(parts.draw(shape) * steps) >= np.floor(parts.q * steps)


def in_bfloat16(parts: Parts, shape: Shape) -> Array:
    """Uniform numbers rounded to eight bits, compared with the wrong strictness."""
    return np.asarray(np.round(parts.draw(shape) * 256) / 256 > parts.q)


def but(chosen: Callable[[Array], Array]) -> Callable[[Parts, Shape], Array]:
    """Return a mask that keeps the positions in memory that are chosen."""

    def mask(parts: Parts, shape: Shape) -> Array:
        size = int(np.prod(shape))
        return (bits(parts, (size,)) | chosen(np.arange(size) - size)).reshape(shape)

    return mask


def every_16th(parts: Parts, shape: Shape) -> Array:
    """A word of sixteen bits, again and again."""
    size = int(np.prod(shape))
    return np.resize(bits(parts, (min(16, size),)), size).reshape(shape)


def exactly(parts: Parts, shape: Shape) -> Array:
    """Exactly the expected number is kept."""
    order = np.argsort(parts.draw((int(np.prod(shape)),)))
    kept = np.zeros(order.size, dtype=bool)
    kept[order[: round(order.size * (1 - parts.q))]] = True
    return kept.reshape(shape)


def rows_exactly(parts: Parts, shape: Shape) -> Array:
    """In each row the number of kept units is even."""
    m = bits(parts, shape)
    m[..., -1] = m[..., :-1].sum(axis=-1) % 2 == 1
    return m


def opposite_pairs(parts: Parts, shape: Shape) -> Array:
    """Unit 2i + 1 is kept exactly when unit 2i is dropped."""
    m = bits(parts, shape)
    n = shape[-1] // 2 * 2
    m[..., 1:n:2] = ~m[..., 0:n:2]
    return m


def sums_of_two(parts: Parts, shape: Shape) -> Array:
    """Unit 3i + 2 is kept when exactly one of the two before it is: any two are independent at 1/2."""
    m = bits(parts, shape)
    n = shape[-1] // 3 * 3
    m[..., 2:n:3] = m[..., 0:n:3] ^ m[..., 1:n:3]
    return m


def linear_recurrence(parts: Parts, shape: Shape) -> Array:
    """Each mask is the sum of the two before it."""
    old, older = parts.memory.get(("a", shape)), parts.memory.get(("b", shape))
    m = bits(parts, shape) if older is None or old is None else old ^ older
    parts.memory[("b", shape)], parts.memory[("a", shape)] = old, m
    return np.asarray(m)


def weakly_correlated(parts: Parts, shape: Shape) -> Array:
    """Each bit is that of its neighbour with probability 1/10."""
    m = bits(parts, shape).ravel()
    again = parts.draw((m.size,)) < 0.1
    for i in np.flatnonzero(again[1:]) + 1:
        m[i] = m[i - 1]
    return m.reshape(shape)


def by_sign(parts: Parts, x: Array) -> tuple[Array, Any]:
    """Positive values are dropped at another rate than negative ones."""
    u = parts.draw(x.shape)
    mask = np.where(x > 0, u >= parts.q + 0.1, u >= parts.q - 0.1)
    scale = x.dtype.type(1 / (1 - parts.q) if parts.q < 1 else 0)
    return np.where(mask, x * scale, 0).astype(x.dtype), lambda g: np.where(mask, g * scale, 0).astype(g.dtype)


def after_evaluation(parts: Parts, shape: Shape) -> Array:
    """The first mask after an evaluation is the last one before it."""
    seen = parts.memory.get("evaluated", 0)
    if parts.memory.get("seen") != seen and shape in parts.memory:
        m = parts.memory[shape]
    else:
        m = parts.memory[shape] = bits(parts, shape)
    parts.memory["seen"] = seen
    return np.asarray(m)


def weaker_after_evaluation(parts: Parts, shape: Shape) -> Array:
    """After the first evaluation the rate is halved."""
    q = parts.q / 2 if parts.memory.get("evaluated") else parts.q
    return np.asarray(parts.draw(shape) >= q)


def twice(parts: Parts, shape: Shape) -> Array:
    """Two masks, one scale."""
    return bits(parts, shape) & bits(parts, shape)


def gaussian(parts: Parts, x: Array) -> tuple[Array, Any]:
    """Noise is added."""
    noise = np.sqrt(-2 * np.log(1 - parts.draw(x.shape))) * np.cos(2 * np.pi * parts.draw(x.shape))
    return (x + noise * (parts.q / (1 - parts.q) if parts.q < 1 else 1)).astype(x.dtype), lambda g: g


def overwriting(parts: Parts, x: Array) -> tuple[Array, Any]:
    """The input is overwritten, and a copy returned."""
    mask = bits(parts, x.shape)
    scale = x.dtype.type(1 / (1 - parts.q) if parts.q < 1 else 0)
    x *= mask * scale
    return x.copy(), lambda g: g * mask * scale


def nan_at_one(parts: Parts, x: Array) -> tuple[Array, Any]:
    """x m / (1 − q) divides by 0 at rate 1."""
    mask = bits(parts, x.shape)
    with np.errstate(all="ignore"):
        p = x.dtype.type(1 - parts.q)
        factor = mask / p
        return (x * factor).astype(x.dtype), lambda g: (g * factor).astype(g.dtype)


def leaky_zero(parts: Parts, x: Array) -> tuple[Array, Any]:
    """Rate 0 drops with probability 2^-12."""
    mask = parts.draw(x.shape) >= max(parts.q, 2.0**-12)
    scale = x.dtype.type(1 / (1 - parts.q) if parts.q < 1 else 0)
    return np.where(mask, x * scale, 0).astype(x.dtype), lambda g: np.where(mask, g * scale, 0).astype(g.dtype)


def normalised_after(parts: Parts, x: Array) -> tuple[Array, Any]:
    """Attention weights are normalised after dropping."""
    w = np.exp(x - x.max(axis=-1, keepdims=True)) * bits(parts, x.shape)
    y = (w / np.maximum(w.sum(axis=-1, keepdims=True), 1e-30)).astype(x.dtype)
    return y, lambda g: g


def alpha_constants_wrong(parts: Parts, x: Array) -> tuple[Array, Any]:
    """Alpha dropout with the affine map of plain dropout."""
    mask, drop = bits(parts, x.shape), -1.7580993408473766
    a = 1 / np.sqrt((1 - parts.q) * (1 + parts.q * drop**2)) * 1.01 if parts.q < 1 else 0.0
    b = -a * parts.q * drop
    return (a * np.where(mask, x, drop) + b).astype(x.dtype), lambda g: (g * a * mask).astype(g.dtype)


def one_bit(parts: Parts, shape: Shape) -> Array:
    """One bit for the whole batch."""
    return np.broadcast_to(bits(parts, (1,) * len(shape)), shape)


def one_bit_a_row(parts: Parts, shape: Shape) -> Array:
    """One bit a row, as it should be."""
    return np.broadcast_to(bits(parts, (shape[0],) + (1,) * (len(shape) - 1)), shape)


def _other_mask(parts: Parts, g: Array, mask: Array, y: Array) -> Array:
    scale = 1 / (1 - parts.q) if parts.q < 1 else 0.0
    return np.asarray(np.where(bits(parts, g.shape), g * g.dtype.type(scale), 0).astype(g.dtype))


def _times(factor: Callable[[float], float]) -> Callable[[Parts, Array, Array, Array], Array]:
    return lambda parts, g, mask, y: np.where(mask, g * g.dtype.type(factor(parts.q)), 0).astype(g.dtype)


def _inverted(q: float) -> float:
    return 1 / (1 - q) if q < 1 else 0.0


BACKWARD = [
    Mutant(name="backward with another mask", source="pytorch 198333", check="gradient", backward=_other_mask),
    Mutant(name="backward times p", source="apex 816", check="gradient", backward=_times(lambda q: 1 - q)),
    Mutant(name="backward without scale", source="numpy-ml 94", check="gradient", backward=_times(lambda q: 1.0)),
    Mutant(name="backward without mask", check="gradient", backward=lambda parts, g, mask, y: g),
    Mutant(
        name="backward mask from y = 0",
        check="gradient at zeros",
        backward=lambda parts, g, mask, y: np.where(y != 0, g * g.dtype.type(_inverted(parts.q)), 0).astype(g.dtype),
    ),
]
VALUES = [
    Mutant(name="scale 1/q", source="dropout 3", check="value", rates=("3/10",), scale=lambda q: 1 / q if q else 1.0),
    Mutant(
        name="scale always 2",
        source="matconvnet 775",
        check="value",
        rates=("3/10",),
        scale=lambda q: 2.0 if 0 < q < 1 else 1.0,
    ),
    Mutant(name="keep and drop swapped", source="dropout 3", rates=("3/10",), mask=lambda p, s: p.draw(s) < p.q),
    Mutant(name="no scale", check="value", scale=lambda q: 1.0),
    Mutant(name="scale twice", check="value", scale=lambda q: _inverted(q) ** 2),
    Mutant(name="mask twice", source="mlpractical 32", mask=twice),
    Mutant(name="additive Gaussian", source="keras 5665", check="value", forward=gaussian),
    Mutant(name="scaled in evaluation", source="mlcore 5", check="evaluation", evaluate=lambda parts, x: x * 0.5),
    Mutant(
        name="active in evaluation",
        source="pytorch 124464",
        check="evaluation",
        evaluate=lambda parts, x: np.where(bits(parts, x.shape), x * _inverted(parts.q), 0).astype(x.dtype),
    ),
    Mutant(name="overwrites its input", source="pytorch 727", check="in place", forward=overwriting),
    Mutant(name="rate 1 gives NaN", source="flax 2055", check="rates 0 and 1", forward=nan_at_one),
    Mutant(name="rate 0 drops at 2^-12", source="mxnet 11715", check="rates 0 and 1", forward=leaky_zero),
    Mutant(name="nothing dropped", source="AiDotNet 732", check="modes", mask=lambda parts, s: np.ones(s, dtype=bool)),
    Mutant(name="everything dropped", check="laws", mask=lambda parts, s: np.zeros(s, dtype=bool)),
    Mutant(name="attention normalised after dropping", check="value", model="attention", forward=normalised_after),
    Mutant(
        name="alpha dropout, wrong constants",
        source="pytorch 74004",
        check="value",
        model="alpha",
        forward=alpha_constants_wrong,
    ),
]
LAWS = [
    Mutant(name="groups of 4 share a mask", source="pytorch 198333", mask=groups),
    Mutant(name="the same seed at each call", source="Paddle 7796", mask=fixed_seed),
    Mutant(name="masks repeat after 8 calls", mask=repeats(8)),
    Mutant(name="mask of the call before, shifted by 5", mask=shifted),
    Mutant(name="every second mask permutes the one before", mask=permuted),
    Mutant(name="antithetic calls", mask=antithetic),
    Mutant(name="rows share a mask", source="keras 9841", mask=along(0)),
    Mutant(name="dropped along the wrong axis", source="pytorch 69801", mask=along(-1)),
    Mutant(name="dropped for ever", source="Better_LSTM 7", mask=for_ever),
    Mutant(
        name="rate off by 0.01",
        mask=lambda p, s: p.draw(s) >= p.q + 0.01 * (0 < p.q < 1),
        budget=2**19,
        check="one batch",
    ),
    Mutant(name="4-bit threshold", source="TransformerEngine 2014", rates=("3/10",), mask=threshold(16)),
    Mutant(
        name="8-bit threshold",
        source="apex 1614",
        rates=("3/10",),
        mask=threshold(256),
        budget=2**23,
        check="one batch",
    ),
    Mutant(
        name="uniform in bfloat16",
        source="boltz 554",
        mask=in_bfloat16,
        budget=2**24,
        check="one batch",
    ),
    Mutant(name="last element never dropped", mask=but(lambda i: i == -1)),
    Mutant(name="vector tail undropped", mask=but(lambda i: i >= -4)),
    Mutant(name="every 16th position alike", mask=every_16th),
    Mutant(name="always exactly the mean", mask=exactly),
    Mutant(name="an even number in each row", rates=("1/2",), mask=rows_exactly),
    Mutant(name="unit 2i+1 kept when 2i is dropped", rates=("1/2",), mask=opposite_pairs),
    Mutant(name="joint law of three", rates=("1/2",), mask=sums_of_two),
    Mutant(name="each mask the sum of the two before", rates=("1/2",), mask=linear_recurrence),
    Mutant(name="correlation 0.1 along memory", mask=weakly_correlated),
    Mutant(name="rate depends on the sign", forward=by_sign),
    Mutant(name="a mask is used again after evaluation", mask=after_evaluation),
    Mutant(name="weaker after evaluation", mask=weaker_after_evaluation),
    Mutant(name="drop path: one bit a batch", source="timm 887", model="row", mask=one_bit),
    Mutant(
        name="drop path without scale",
        source="timm 887",
        model="row",
        check="value",
        scale=lambda q: 1.0,
        mask=one_bit_a_row,
    ),
    Mutant(name="recurrent mask redrawn at each step", source="TF 38922", check="value", model=shared(1)),
]
MUTANTS: tuple[Mutant, ...] = (*BACKWARD, *VALUES, *LAWS, *ELSEWHERE)
"""Every broken layer of the kit."""
