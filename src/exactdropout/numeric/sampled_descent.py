"""Adam on sampled masks, in plain NumPy: a cheap way from a distant start to where the exact criterion takes over."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from exactdropout.model import Examples, Network
from exactdropout.model.numbers import Array

__all__ = ["sampled_descent"]

BATCH = 64
RATE = 0.03
FIRST, SECOND, SMALLEST = 0.9, 0.999, 1e-8
LEAST = 0.5
"""Least norm of the weights of a unit where a descent begins, in units of the labels' spread."""

DRAWN = 256
"""Steps whose masks and examples are drawn at once."""


def sampled_descent(
    network: Network, data: Examples, rates: tuple[Fraction, ...], steps: int, seed: int
) -> Iterator[Network]:
    """Yield the network after every quarter of so many steps of Adam (Kingma and Ba 2015) on masks drawn at random.

    Each step takes a batch of 64 examples, drawn with their probabilities, and one mask for each. The learning rate
    falls from 0.03 to 0 along a cosine; labels are measured in units of their spread around their mean where the output
    has a bias, else of their size, so that the rate suits them. The same seed gives the same bits on the same machine.
    """
    x, y = data.inputs.astype(np.float64), data.labels.astype(np.float64)
    chances = np.array([float(p) for p in data.probabilities])
    chances /= chances.sum()
    last = len(network.weights) - 1
    own_bias = network.biases[last] is not None
    middle = chances @ y if own_bias else np.zeros(y.shape[1])
    spread = np.sqrt(chances @ (y - middle) ** 2)
    spread[~(spread > 0)] = 1.0
    labels = (y - middle) / spread
    weights = [w.astype(np.float64) for w in network.weights]
    biases = [network.bias(l).astype(np.float64) for l in range(last + 1)]
    weights[last], biases[last] = weights[last] / spread[:, None], (biases[last] - middle) / spread
    for l in range(last):
        _balance(weights[l], biases[l], weights[l + 1])
    trained = [*weights, *(b for b, mine in zip(biases, network.biases, strict=True) if mine is not None)]
    slopes = [float(a.slope) for a in network.architecture.activations]
    keep = [1 - float(q) for q in rates]
    flat = np.concatenate([a.ravel() for a in trained])
    places = np.cumsum([0, *(a.size for a in trained)])
    views = [flat[b:e].reshape(a.shape) for b, e, a in zip(places, places[1:], trained, strict=False)]
    weights = views[: last + 1]
    rest = iter(views[last + 1 :])
    biases = [np.zeros_like(b) if m is None else next(rest) for b, m in zip(biases, network.biases, strict=True)]
    slope_of, mean, square = np.zeros_like(flat), np.zeros_like(flat), np.zeros_like(flat)
    found = [slope_of[b:e].reshape(a.shape) for b, e, a in zip(places, places[1:], trained, strict=False)]
    with_bias = [l for l in range(last + 1) if network.biases[l] is not None]
    rng = np.random.default_rng(seed)
    for step in range(steps):
        if step % DRAWN == 0:
            rows = rng.choice(len(x), size=(DRAWN, BATCH), p=chances)
            masks = [
                (rng.random((DRAWN, BATCH, w.shape[1]), dtype=np.float32) < p) / p if p < 1 else None
                for w, p in zip(weights, keep, strict=True)
            ]
        batch = rows[step % DRAWN]
        entering, passed = [], []
        h = x[batch]
        for l in range(last + 1):
            mask = masks[l]
            entering.append(h if mask is None else h * mask[step % DRAWN])
            h = entering[l] @ weights[l].T + biases[l]
            if l < last:
                passed.append(h > 0)
                h = np.where(passed[l], h, slopes[l] * h)
        delta = (2.0 / BATCH) * (h - labels[batch])
        for l in range(last, -1, -1):
            np.dot(delta.T, entering[l], out=found[l])
            if l in with_bias:
                found[last + 1 + with_bias.index(l)][...] = delta.sum(axis=0)
            if l > 0:
                delta = delta @ weights[l]
                mask = masks[l]
                if mask is not None:
                    delta *= mask[step % DRAWN]
                delta = np.where(passed[l - 1], delta, slopes[l - 1] * delta)
        mean += (1 - FIRST) * (slope_of - mean)
        square += (1 - SECOND) * (slope_of * slope_of - square)
        rate = RATE * 0.5 * (1 + np.cos(np.pi * step / steps))
        rate *= np.sqrt(1 - SECOND ** (step + 1)) / (1 - FIRST ** (step + 1))
        flat -= rate * mean / (np.sqrt(square) + SMALLEST)
        if (step + 1) % max(1, steps // 4) == 0:
            if not np.isfinite(flat).all():
                return
            ends = [*weights[:last], weights[last] * spread[:, None]]
            vectors = [*biases[:last], biases[last] * spread + middle]
            kept = [None if m is None else v for v, m in zip(vectors, network.biases, strict=True)]
            none = all(v is None for v in kept)
            yield Network(ends, None if none else kept, activation=network.architecture.activations)


def _balance(weights: Array, bias: Array, above: Array) -> None:
    """Give each unit's ingoing and outgoing weights one norm, at least LEAST.

    Balancing changes no function of relu or leaky units (Helmbold and Long 2017, Theorem 6). From weights that are much
    smaller all units would learn the same.
    """
    for j in range(len(weights)):
        ingoing = float(np.sqrt((weights[j] ** 2).sum() + bias[j] ** 2))
        outgoing = float(np.sqrt((above[:, j] ** 2).sum()))
        if ingoing > 0 and outgoing > 0:
            norm = max(LEAST, np.sqrt(ingoing) * np.sqrt(outgoing))
            weights[j] *= norm / ingoing
            bias[j] *= norm / ingoing
            above[:, j] *= norm / outgoing
