"""The masks of consecutive calls, and the evidence of counts of their bits."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import log
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

__all__ = ["Finding", "Masks", "bits_log", "pair_log", "share", "strongest"]

Floats = npt.NDArray[np.float64]
Truths = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Finding:
    """The evidence of a family (natural logarithm of its mean) and its strongest member in words."""

    family: str
    log_evidence: float
    where: str
    observed: str


@dataclass(frozen=True)
class Masks:
    """The masks of consecutive calls: ``kept`` of shape (calls, bits), in the order of memory."""

    kept: Truths
    shape: tuple[int, ...]  # of the bits of one call; their product is the number of bits
    p: float
    values: Floats | None = None  # the input behind each bit

    @property
    def calls(self) -> int:
        """Number of calls T."""
        return len(self.kept)

    @property
    def bits(self) -> int:
        """Bits of one call n."""
        return int(self.kept.shape[1])

    @cached_property
    def by_position(self) -> Floats:
        """How often each position was kept."""
        return np.asarray(self.kept.sum(axis=0), dtype=np.float64)

    def along(self, axis: int) -> Truths:
        """Return samples (rows) of the bits along one axis (columns)."""
        cube = self.kept.reshape(self.calls, *self.shape)
        return np.moveaxis(cube, axis + 1, -1).reshape(-1, self.shape[axis])

    def axis_words(self, axis: int) -> str:
        """Return what the entries along an axis are called."""
        if len(self.shape) <= 2:
            return ("rows", "units")[axis] if len(self.shape) == 2 else "units"
        return f"indices along dimension {axis}"

    def named(self, axis: int, *indices: Any) -> str:
        """Return some entries along an axis by name: ``units 0 and 3``, ``index 2 along dimension 1``."""
        one = {"rows": "row", "units": "unit"}.get(self.axis_words(axis), "index")
        many = {"index": "indices"}.get(one, f"{one}s")
        listed = " and ".join(filter(None, [", ".join(map(str, indices[:-1])), str(indices[-1])]))
        along = f" along dimension {axis}" if one == "index" else ""
        return f"{many if len(indices) > 1 or '–' in listed or ',' in listed else one} {listed}{along}"


_TABLES: dict[str, Floats] = {}


def _table(name: str, size: int, offset: float) -> Floats:
    found = _TABLES.get(name)
    if found is None or len(found) < size:
        found = _TABLES[name] = np.asarray(gammaln(np.arange(max(size, 1024)) + offset))
    return found


def bits_log(kept: Any, total: Any, p: float) -> Floats:
    """Return :func:`~exactdropout.testing.evidence.log_bit_evidence` of integer counts, by tables of log Γ."""
    k, n = np.asarray(kept, dtype=np.int64), np.asarray(total, dtype=np.int64)
    size = int(n.max(initial=0)) + 2
    halves, whole = _table("half", size, 0.5), _table("whole", size, 1.0)
    result: Floats = halves[k] + halves[n - k] - whole[n] - log(np.pi) - k * log(p) - (n - k) * np.log1p(-p)
    return result


def pair_log(both: Any, first: Any, second: Any, total: Any, p: float) -> Floats:
    """Return the evidence of predicting the second bit of pairs from the first, from counts of kept ones."""
    b, f, s, n = (np.asarray(np.rint(v), dtype=np.int64) for v in (both, first, second, total))
    return bits_log(b, f, p) + bits_log(s - b, n - f, p)


def strongest(logs: Floats, weights: Floats | None = None) -> int:
    """Return the index of the member with the largest weighted evidence."""
    return int(np.argmax(logs if weights is None else logs + np.log(weights)))


def share(kept: float, total: float, what: str, expected: float) -> str:
    """Return an observed share beside the expected one, in words."""
    share = kept / total if total else 0.0
    return f"{what}: observed {share:.4g} of {int(total):,}, expected {_probability(expected)}"


def _probability(value: float) -> str:
    near = Fraction(value).limit_denominator(400)
    return str(near) if abs(float(near) - value) < 1e-12 else f"{value:.4g}"
