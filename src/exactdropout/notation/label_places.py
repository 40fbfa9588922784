"""Where labels stand on the edges of a drawing, so that they hide as little as possible."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["label_places", "label_size"]

Point: TypeAlias = tuple[float, float]
Array: TypeAlias = npt.NDArray[np.float64]

_LETTER, _FRACTION, _AROUND = 0.065, 0.055, 0.07
"""Half the width in cm of a letter in ``scriptsize``, of one in a fraction, and of the frame and some air."""
_CANDIDATES = 61
_SWEEPS = 4
_HIDES_LABEL, _HIDES_EDGE, _OFF_CENTRE = 1000.0, 1.0, 0.3


def label_size(latex: str) -> Point:
    r"""Return half the width and height of a label in cm, about, with its frame.

    >>> label_size("-7"), label_size(r"-\tfrac{11}{3}")
    ((0.2, 0.19), (0.245, 0.25))
    """
    wide, high = _AROUND, 0.19
    for top, bottom in re.findall(r"\\tfrac\{(\d+)\}\{(\d+)\}", latex):
        wide, high = wide + _FRACTION * max(len(top), len(bottom)), 0.25
    rest = re.sub(r"\\tfrac\{\d+\}\{\d+\}", "", latex)
    letters = len(re.sub(r"\\[A-Za-z]+|[{}_]", "", rest))
    return round(wide + _LETTER * letters, 3), high


def label_places(
    edges: Sequence[tuple[Point, Point]], sizes: Mapping[int, Point], boxes: Sequence[tuple[Point, Point]]
) -> dict[int, Point]:
    """Return the centre of each label on its edge.

    Labels avoid each other and ``boxes`` (centre, half width and height) first, then other edges. Each edge has
    61 candidates; labels are placed one after the other, those with the fewest free candidates first, and then moved
    one at a time while that helps.

    >>> label_places([((0, 0), (4, 0))], {0: (0.2, 0.2)}, [])
    {0: (2.0, 0.0)}
    """
    shares = np.linspace(0.08, 0.92, _CANDIDATES)
    starts, ends = (np.array([e[k] for e in edges], dtype=np.float64).reshape(-1, 2) for k in (0, 1))
    fixed = np.array([[*centre, *half] for centre, half in boxes], dtype=np.float64).reshape(-1, 4)
    spots: dict[int, Array] = {}
    base: dict[int, Array] = {}
    for i, half in sizes.items():
        spots[i] = starts[i] + shares[:, None] * (ends[i] - starts[i])
        others = np.arange(len(edges)) != i
        base[i] = (
            _HIDES_LABEL * _overlaps(spots[i], half, fixed).sum(axis=1)
            + _HIDES_EDGE * _crossed(spots[i], half, starts[others], ends[others]).sum(axis=1)
            + _OFF_CENTRE * np.abs(shares - 0.5)
        )
    chosen: dict[int, Array] = {}

    def best(i: int) -> Array:
        placed = np.array([[*chosen[j], *sizes[j]] for j in chosen if j != i], dtype=np.float64).reshape(-1, 4)
        cost = base[i] + _HIDES_LABEL * _overlaps(spots[i], sizes[i], placed).sum(axis=1)
        found: Array = spots[i][int(np.argmin(cost))]
        return found

    order = sorted(sizes, key=lambda i: (int((base[i] < _HIDES_LABEL).sum()), i))
    for _ in range(_SWEEPS):
        before = {i: tuple(p) for i, p in chosen.items()}
        for i in order:
            chosen[i] = best(i)
        if before == {i: tuple(p) for i, p in chosen.items()}:
            break
    return {i: (round(float(chosen[i][0]), 3), round(float(chosen[i][1]), 3)) for i in sizes}


def _overlaps(spots: Array, half: Point, boxes: Array) -> npt.NDArray[np.bool_]:
    """Return for each spot and box whether a label there meets it."""
    apart = np.abs(spots[:, None, :] - boxes[None, :, :2])
    return np.asarray((apart < np.array(half) + boxes[None, :, 2:]).all(axis=2))


def _crossed(spots: Array, half: Point, starts: Array, ends: Array) -> npt.NDArray[np.bool_]:
    """Return for each spot and edge whether the edge passes through a label there; edges go from left to right."""
    slope = (ends[:, 1] - starts[:, 1]) / (ends[:, 0] - starts[:, 0])
    middle = starts[:, 1] + slope * (spots[:, None, 0] - starts[:, 0])
    found: npt.NDArray[np.bool_] = np.abs(middle - spots[:, None, 1]) < half[1] + np.abs(slope) * half[0]
    return found
