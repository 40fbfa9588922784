"""The face of the room: minimise the dropout criterion, exactly and with proof."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from exactdropout.errors import InvalidInput
from exactdropout.model import Architecture, Examples, Network
from exactdropout.model.arguments import MAX_SECONDS, architecture_of, cost_limit, examples_of, told_what_is_missing
from exactdropout.model.numbers import show
from exactdropout.optimum.infinite_width import infinite_width
from exactdropout.optimum.minimisers import listed_minimisers
from exactdropout.optimum.qp import guesses
from exactdropout.optimum.reduced_problem import ReducedProblem, reduced_problem
from exactdropout.optimum.result import Leaf, Optimum, Proof, ProofCut, Split, Tree
from exactdropout.optimum.search import Node, Search
from exactdropout.optimum.unit_types import Arrangement, exchangeable, most_cones
from exactdropout.progress import Progress, reporting

__all__ = ["MAX_CONES", "minimize", "solve_problem"]

SECONDS_PER_CONE = 6e-4
"""Measured from K = 2 to 5: seconds a cone of one unit, by Schläfli's bound on their number."""
MAX_CONES = int(MAX_SECONDS / SECONDS_PER_CONE)
ORDERED_FROM = 100_000
"""Cones, by that bound, beyond which one unit on exchangeable inputs is taken with its weights in order: what the
checker of certificates lists."""
FIRST_SHARE = 0.75
"""Of a time limit, what the problem over all weights may take where the one over non-negative weights follows."""


@told_what_is_missing
def minimize(
    architecture: Architecture | Network | str,
    data: Examples | Iterable[Any] | str,
    q: object = None,
    *,
    label: str | Sequence[str] | None = None,
    nonnegative: bool = False,
    compare: bool = True,
    max_cost: float | None = None,
    progress: Progress | bool | None = None,
    time_limit: float | None = None,
) -> Optimum:
    """Return the global minimum of J_D over all weights and biases of a network with one hidden relu layer.

    J_D(W) = E_P E_R (D(W, x, R) − y)². Exact: the value is a rational number, proved by dual cuts over a tree of
    multiplicities (see :mod:`exactdropout.optimum.search`); the minimum is attained because it is the least of
    finitely many convex quadratic programs that are bounded below.

    Args:
        architecture: one hidden layer, relu, one output; hidden biases and output bias independently on or off. Text
            such as ``"2-3-1 relu, no biases"`` will do, or a network, whose weights do not count.
        data: an exact finite distribution, in one of the forms of :func:`exactdropout.evaluate`.
        q: rational drop rate 0 < q < 1, or one for the inputs (0 allowed) and one for the hidden units.
        label: for a data frame, its label column.
        nonnegative: minimise over non-negative weights only, output weights included; biases stay free.
        compare: also solve the non-negative problem, which decides ``needs_negative_weight``.
        max_cost: refuse beforehand what is estimated to take more seconds of one core, 60 where it is left out. The
            estimate is 0.6 ms a cone, of which one unit has at most 2 Σ_{i<dim} C(H−1, i) for H hyperplanes; it does
            not know how many relaxations are solved, which ``time_limit`` stops.
        progress: True for a bar, or a callable ``progress(done, total)`` in thousandths of the closed gap.
        time_limit: seconds after which the interval proved so far is returned. Where the two problems of ``compare``
            share it, the second has at least a quarter. It is overrun by one step at most: an exact program, a pricing
            of all cones. The first call after an installation also compiles, which is not counted.

    Cost. H is at most the number of distinct masked inputs (2^K per example), dim = K or K + 1 with biases. The number
    of cones grows like H^(dim−1)/(dim−1)!: 14, 104, 1 882 and 94 572 with biases for all-ones inputs, K = 2, …, 5; one
    relaxation costs about ten float programs per cone, one exact cut up to one rational program per type. The number
    of relaxations depends on how many multiplicity vectors come near the optimum, not directly on n: 1 to 20 for most
    problems with K ≤ 3, about 150 for K = 4, n = 4 without biases. Measured on one core: K = 2, n = 12 with biases
    0.2 s; K = 3, n = 6 with biases 0.1 s and without 0.7 s; K = 4, n = 4 with biases 0.8 s and without 2 s; K = 5,
    n = 1 without biases half a minute and with biases 5 s; 20 rows of data with two features, n = 4 with biases 10 s
    (32 relaxations).

    One unit on inputs that the data does not tell apart may be taken with its weights in order: a permutation of the
    inputs gives that. Where there may be more than 100,000 cones, only those are listed (K = 5 with biases: 1 720);
    ``infinite_width`` is None then.

    Beyond width 512 nothing is branched on: the result is the interval of the first relaxation, with its proof (at
    n = 1,000 and K = 2 it is 10⁻⁹ long), and ``every_width`` of the result bounds every width at once.

    Raises:
        InvalidInput: another architecture, a hidden rate 0, a time limit that is not positive.
        MixedNumbers: floats.
        CostLimitExceeded: more masked inputs or cones than the limits.

    >>> best = minimize("2-3-1 relu, no biases", Examples.point((1, 1), 1), "1/2")
    >>> best.value, len(best.minimisers), best.needs_negative_weight
    (Fraction(1, 2), 3, False)
    """
    limit = cost_limit(max_cost) / SECONDS_PER_CONE
    if time_limit is not None and (
        isinstance(time_limit, bool)
        or not isinstance(time_limit, (int, float, Fraction))
        or not (math.isfinite(time_limit) and time_limit > 0)
    ):
        raise InvalidInput(f"Argument 'time_limit' must be a positive number of seconds, not {show(time_limit)}.")
    shape = architecture_of(architecture)
    examples = examples_of(data, shape, label)
    problem = reduced_problem(shape, examples, q, nonnegative=nonnegative)
    deadline = first = None
    if time_limit is not None:
        guesses(np.zeros((0, 1, 1)), np.zeros((0, 1)), np.zeros(0, dtype=np.int64))  # compiled before the clock starts
        now = time.monotonic()
        deadline = now + float(time_limit)
        first = deadline if nonnegative or not compare else now + FIRST_SHARE * float(time_limit)
    with reporting(progress, "minimising") as report:
        best = solve_problem(problem, limit, report, first)
        if nonnegative or not compare:
            return best
        restricted = reduced_problem(shape, examples, q, nonnegative=True)
        other = solve_problem(restricted, limit, report, deadline)
        return replace(best, nonnegative=other)


def solve_problem(
    problem: ReducedProblem,
    limit: float = MAX_CONES,
    progress: Progress | None = None,
    deadline: float | None = None,
    *,
    symmetric: bool = True,
) -> Optimum:
    """Return the optimum of a reduced problem; without ``symmetric`` its proof uses no symmetry of the inputs."""
    started = time.monotonic()
    try:
        ordered = problem.width == 1 and most_cones(problem) > ORDERED_FROM and exchangeable(problem)
        arrangement = Arrangement(problem, limit, math.inf if deadline is None else deadline, ordered=ordered)
    except TimeoutError:
        return _unsearched(problem, started)
    whole = not ordered and (deadline is None or time.monotonic() < deadline)
    widest = infinite_width(arrangement) if whole else None
    search = Search(arrangement, progress, deadline, symmetric=symmetric)
    root = search.run()
    lower = min(_bound(search, root), search.incumbent.value)
    # before the proof is taken down: the list adds witnesses that its checker needs
    minimisers, exhausted = listed_minimisers(search, root) if lower == search.incumbent.value else ((), False)
    tree = _tree(root)
    units = tuple(
        (arrangement.sign(t), tuple(v / m for v in search.incumbent.totals[t]))
        for t, m in sorted(search.incumbent.multiplicities.items())
        for _ in range(m)
    )
    proof = Proof(
        problem=problem,
        lower=lower,
        upper=search.incumbent.value,
        units=units,
        output_bias=search.incumbent.bias,
        cuts=tuple(ProofCut(residual=c.z, witnesses=tuple(sorted(c.witnesses.items()))) for c in search.cuts),
        tree=tree,
        ordered=ordered,
    )
    return Optimum(
        lower=lower,
        upper=search.incumbent.value,
        minimisers=minimisers,
        leaves_exhausted=exhausted,
        network=problem.network(units, search.incumbent.bias),
        infinite_width=widest,
        nonnegative=None,
        proof=proof,
        nodes=search.solved,
        seconds=time.monotonic() - started,
    )


def _unsearched(problem: ReducedProblem, started: float) -> Optimum:
    """Return the interval that is known before any cone: the noise of the labels, and the best output bias alone."""
    constant = problem.architecture.output_bias
    points = list(zip(problem.weights, problem.labels, strict=True))
    bias = sum((w * y for w, y in points), Fraction(0)) if constant else Fraction(0)
    upper = problem.noise + sum((w * (bias - y) ** 2 for w, y in points), Fraction(0))
    proof = Proof(
        problem=problem,
        lower=min(problem.noise, upper),
        upper=upper,
        units=(),
        output_bias=bias,
        cuts=(ProofCut(residual=(Fraction(0),) * len(points), witnesses=()),),
        tree=Leaf(cut=0),
    )
    return Optimum(
        lower=proof.lower,
        upper=upper,
        minimisers=(),
        leaves_exhausted=False,
        network=problem.network((), bias),
        infinite_width=None,
        nonnegative=None,
        proof=proof,
        nodes=0,
        seconds=time.monotonic() - started,
    )


def _bound(search: Search, root: Node) -> Fraction:
    """Return the least bound over the leaves; the other end of a range is at least the incumbent by construction."""
    return min(_leaf_bound(search, node) for node in _below(root) if not node.children)


def _below(root: Node) -> list[Node]:
    """Return all nodes, each before its children: a loop, because a tree may be deeper than Python's stack."""
    found = [root]
    for node in found:
        found += [child.node for child in node.children]
    return found


def _leaf_bound(search: Search, node: Node) -> Fraction:
    if node.cut is None:
        raise ArithmeticError("A leaf has no cut.")
    cut = search.cuts[node.cut]
    total = cut.base
    for kinds, capacity in node.groups:
        if capacity:
            total -= capacity * max(cut.kappa(t) for t in kinds) / search.arrangement.problem.penalty if kinds else 0
    return total


def _tree(root: Node) -> Tree:
    done: dict[int, Tree] = {}
    for node in reversed(_below(root)):
        if node.split is None or not node.children:
            done[id(node)] = Leaf(cut=node.cut if node.cut is not None else 0)
        else:
            group, part = node.split
            children = tuple((c.low, c.high, c.orbit, done[id(c.node)]) for c in node.children)
            done[id(node)] = Split(group=group, part=part, children=children)
    return done[id(root)]
