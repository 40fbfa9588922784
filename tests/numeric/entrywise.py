"""Derivatives entry by entry beside exact ones."""

from __future__ import annotations

from fractions import Fraction as F


def entries(derivative):
    """Return all entries of a gradient, a product or bounds, layer by layer, weights first."""
    return [v for a in (*derivative.weights, *derivative.biases) if a is not None for v in a.ravel().tolist()]


def outside(found, exact):
    """Return the entries whose error exceeds their own bound."""
    assert [b is None for b in found.biases] == [b is None for b in exact.biases]
    for name in ("weights", "biases"):
        for a, b, c in zip(getattr(found, name), getattr(exact, name), getattr(found.error_bounds, name), strict=True):
            assert a is None or a.shape == b.shape == c.shape
    return [
        (v, float(t), bound)
        for v, t, bound in zip(entries(found), entries(exact), entries(found.error_bounds), strict=True)
        if not abs(F(v) - t) <= F(bound)
    ]
