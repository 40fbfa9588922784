"""The cones of weight space on which a unit's response is linear.

The hyperplanes c·u = 0 of the masked inputs u cut the space of c into polyhedral cones; on one of them every
relu(c·u) is linear (:mod:`exactdropout.algebra.cones`).
"""

from __future__ import annotations

from exactdropout.algebra.cones import Cone, Ray, cells, cone_bound, independent_first, primitive
from exactdropout.errors import CostLimitExceeded
from exactdropout.optimum.problem import Problem

__all__ = ["separators", "unit_cones"]


def separators(problem: Problem) -> tuple[tuple[Ray, ...], int]:
    """Return the hyperplanes that cut c-space, and how many of the first ones are held at sign +.

    A restriction to non-negative input weights comes first (those unit vectors, sign + only). Then the directions of
    the masked inputs, each once up to a factor, and unit vectors as far as they are needed for rank dim, so that
    every cone is pointed. The first dim separators are independent.
    """
    dimension = problem.dimension
    units = [tuple(int(i == k) for i in range(dimension)) for k in range(dimension)]
    held = units[: len(problem.coordinates)] if problem.nonnegative else []
    found: dict[Ray, None] = dict.fromkeys(held)
    for point in problem.points:
        if any(point):
            ray = primitive(point)
            if next(v for v in ray if v) < 0:
                ray = tuple(-v for v in ray)
            found.setdefault(ray)
    return independent_first(found, dimension), len(held)


def unit_cones(problem: Problem, max_cones: int) -> tuple[Cone, ...]:
    """Return the cones of one unit's reduced weights, refusing beforehand when there may be more than ``max_cones``.

    A problem without a live input and without hidden biases has no cone.
    """
    if problem.dimension == 0:
        return ()
    normals, held = separators(problem)
    bound = cone_bound(len(normals), problem.dimension)
    if bound > max_cones:
        raise CostLimitExceeded(
            f"Minimisation was not started: {len(normals)} hyperplanes in dimension {problem.dimension} may cut up to "
            f"{bound} cones per unit, more than max_cost={max_cones}."
        )
    return cells(normals, held)
