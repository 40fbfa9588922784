"""The interface of a layer under test."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

__all__ = ["Call", "NoGradient", "Subject", "Untestable", "seeded"]

Floats = npt.NDArray[np.float64]


class Untestable(Exception):
    """A check cannot be made with this layer; the message is the reason."""


class NoGradient(Exception):
    """The output does not depend on the input, as far as the framework knows."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call: the output, its number format, the input afterwards, the gradient for a cotangent (or None).

    ``is_input`` says that the output is the input's memory: the layer works in place and returns what it was given.
    """

    y: Floats
    dtype: str
    x_after: Floats
    is_input: bool = False
    gradient: Callable[[Floats], Floats] | None = None
    weight_gradient: Callable[[Floats], Floats] | None = None


@runtime_checkable
class Subject(Protocol):
    """A layer with a drop rate.

    ``formats`` are the number formats to try; ``seeded`` says whether a key fixes the mask; ``evaluates`` whether there
    is an evaluation mode; ``differentiates`` whether gradients are expected. ``keyed`` layers draw from the key of each
    call alone; others keep a state between calls.
    """

    formats: tuple[str, ...]
    seeded: bool
    keyed: bool
    evaluates: bool
    differentiates: bool

    def train(self, x: Floats, dtype: str, key: int | None = None, *, gradient: bool = False) -> Call:
        """Call in training mode; with a key, from that seed, else from the state that the last call left."""
        ...

    def evaluate(self, x: Floats, dtype: str) -> Call:
        """Call in evaluation mode."""
        ...


def plain(values: Any) -> Floats:
    """Return any array as float64, which holds every number of the smaller formats exactly."""
    return np.array(values, dtype=np.float64)


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed the generators of Python and NumPy, and put their states back afterwards."""
    python, legacy = random.getstate(), np.random.get_state()
    random.seed(seed)
    np.random.seed(seed % 2**32)
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(legacy)
