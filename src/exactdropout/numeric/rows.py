"""A row of numbers as an evaluation, and many of them as arrays: what one call returns for a stack of networks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from exactdropout.model.numbers import Array, freeze
from exactdropout.numeric.result import Evaluation, Exactness, Gradient, Plan, ReadOnly, filled

__all__ = ["SMALLEST", "Evaluations", "evaluation_of_row", "stacked", "stacked_rows"]

SMALLEST = 2.0**-1000
"""A criterion that is surely below this but not surely 0 has underflowed."""

SCALARS = ("criterion", "risk", "penalty", "bias", "variance")
"""The sums at the beginning of a row, before the means; their bounds follow in the same order."""


def evaluation_of_row(row: Array, outputs: int, probabilities: tuple[Fraction, ...], plan: Plan) -> Evaluation | None:
    """Return what the kernel :func:`~exactdropout.numeric.kernels.walk.finish.finish` wrote as an evaluation.

    None where a number left the range of float64, or where the criterion vanishes and may have underflowed.
    """
    count = 5 + outputs
    found = row[: 2 * count].tolist()
    bounds = found[count:]
    if row[-1] == 0.0 or found[0] + bounds[0] < SMALLEST:
        return None
    return filled(
        Evaluation,
        {
            "criterion": found[0],
            "risk": found[1],
            "penalty": found[2],
            "mean": tuple(found[5:count]),
            "variance": found[4],
            "bias": found[3],
            "error_bounds": ReadOnly(
                {
                    "criterion": bounds[0],
                    "risk": bounds[1],
                    "penalty": bounds[2],
                    "bias": bounds[3],
                    "variance": bounds[4],
                    "mean": max(bounds[5:]),
                }
            ),
            "exactness": "float64",
            "probabilities": probabilities,
            "plan": plan,
            "gradient": None,
            "hessian_product": None,
            "_rows": row[2 * count : -1],
        },
    )


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Evaluations:
    """The evaluations of a stack of n networks; ``criterion[k]`` is that of network k.

    ``criterion``, ``risk``, ``penalty``, ``variance`` and ``bias`` have shape (n,), ``mean`` has (n, outputs), and so
    have their ``error_bounds``, (n,) each: floats, or exact numbers as objects. ``gradient``, on request, holds arrays
    with the same leading axis. ``evaluations[k]`` is the :class:`~exactdropout.numeric.result.Evaluation` of network k,
    bit for bit what evaluating it alone returns.
    """

    criterion: Array
    risk: Array
    penalty: Array
    variance: Array
    bias: Array
    mean: Array
    error_bounds: Mapping[str, Array]
    exactness: Exactness
    gradient: Gradient | None
    parts: tuple[Evaluation, ...] | tuple[Array, tuple[Fraction, ...], Plan]

    def __len__(self) -> int:
        """Return the number of networks."""
        return len(self.criterion)

    def __getitem__(self, place: int) -> Evaluation:
        """Return the evaluation of one network."""
        if isinstance(place, bool) or not isinstance(place, (int, np.integer)):
            raise TypeError(f"Evaluations are indexed by one integer, not {place!r}.")
        place = range(len(self))[place]
        if not isinstance(self.parts[0], np.ndarray):
            return self.parts[place]
        rows, probabilities, plan = self.parts
        found = evaluation_of_row(rows[place], self.mean.shape[1], probabilities, plan)
        assert found is not None  # or the stack had been evaluated one by one
        return found

    def __iter__(self) -> Iterator[Evaluation]:
        """Return the evaluations one by one."""
        return (self[place] for place in range(len(self)))

    def __repr__(self) -> str:
        """Return a short description."""
        least = int(np.argmin(self.criterion))
        many = f"{len(self)} network{'s' if len(self) != 1 else ''}"
        return f"<Evaluations of {many}, {self.exactness}; the least criterion is that of {least}>"

    def _repr_html_(self) -> str:
        from exactdropout.numeric.printed import stack_html

        return stack_html("network", map(str, range(len(self))), self, len(self))


def stacked_rows(rows: Array, outputs: int, probabilities: tuple[Fraction, ...], plan: Plan) -> Evaluations:
    """Return rows of the kernel as one result."""
    rows.setflags(write=False)
    count = 5 + outputs
    bounds = {name: rows[:, count + place] for place, name in enumerate(SCALARS)}
    bounds["mean"] = freeze(rows[:, count + 5 : 2 * count].max(axis=1))
    return Evaluations(
        **{name: rows[:, place] for place, name in enumerate(SCALARS)},
        mean=rows[:, 5:count],
        error_bounds=ReadOnly(bounds),
        exactness="float64",
        gradient=None,
        parts=(rows, probabilities, plan),
    )


def stacked(parts: tuple[Evaluation, ...]) -> Evaluations:
    """Return evaluations that were made one by one as one result."""
    kind: Any = np.float64 if parts[0].exactness == "float64" else object

    def column(values: list[Any]) -> Array:
        array = np.empty((len(values), *np.shape(values[0])), dtype=kind)
        array[:] = values
        return freeze(array)

    return Evaluations(
        **{name: column([getattr(part, name) for part in parts]) for name in SCALARS},
        mean=column([part.mean for part in parts]),
        error_bounds=ReadOnly({name: column([p.error_bounds[name] for p in parts]) for name in (*SCALARS, "mean")}),
        exactness=parts[0].exactness,
        gradient=_stacked_slopes([part.gradient for part in parts]),
        parts=parts,
    )


def _stacked_slopes(slopes: list[Gradient | None]) -> Gradient | None:
    if slopes[0] is None:
        return None
    fields: dict[str, Any] = {}
    for name in slopes[0].__dataclass_fields__:
        columns = [getattr(slope, name) for slope in slopes]
        fields[name] = _stacked_field(columns)
    return filled(Gradient, fields)


def _stacked_field(columns: list[Any]) -> Any:
    first = columns[0]
    if first is None:
        return None
    if isinstance(first, tuple):
        return tuple(_stacked_field([column[k] for column in columns]) for k in range(len(first)))
    if isinstance(first, np.ndarray):
        return freeze(np.stack(columns))
    return freeze(np.array(columns, dtype=np.float64 if isinstance(first, float) else object))
