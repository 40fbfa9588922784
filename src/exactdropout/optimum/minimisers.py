"""Minimisers, read off the leaves of a closed tree that touch the optimum.

Let a leaf be bounded by a cut with equality, V = L(z) − (1/λ) Σ_S k_S K_S with K_S = max_{t∈S} κ_t. A network of the
leaf with J = V has equality in every step of the bound: its residual is z, each unit of group S has a type with
κ_t = K_S, and its response is the projection of −s z onto the type's responses, divided by λ. So the units are drawn
from finitely many responses, and the minimisers of the leaf are the ways to draw k_S of them for each group S whose
signed sum is z + y − b. Unequal units of one type do not occur, because the responses are determined. What a response
does not determine is the weight vector behind it, where the active points do not span the space.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations, combinations_with_replacement, islice, product
from operator import itemgetter

from flint import fmpq, fmpq_mat

from exactdropout.algebra.cones import primitive, rank
from exactdropout.optimum.result import Minimiser, Unit, joined_pattern
from exactdropout.optimum.search import Node, Search
from exactdropout.optimum.unit_types import Arrangement, Assignment, Vector

__all__ = ["listed_minimisers"]

MAX_DRAWS = 200_000
MAX_FACES = 5000
Choice = tuple[int, Vector, Vector]  # sign, response, c


def _choices(search: Search, kinds: Sequence[int], z: Vector) -> list[Choice]:
    """Return the distinct responses that a unit of a group can have at equality."""
    a = search.arrangement
    cut = next(c for c in search.cuts if c.z == z)
    rough = cut.rough[0]
    top = max(rough[t] for t in kinds)
    likely = [t for t in kinds if rough[t] >= top * (1 - 1e-6) - 1e-12]
    near = [(t, *a.projection(t, z)) for t in likely]
    level = max(kappa for _, _, kappa in near)
    # floats propose only: a type is left out where what is proved of its κ lies below
    near += [(t, *a.projection(t, z)) for t in set(kinds).difference(likely) if cut.kappa(t) >= level]
    near.sort(key=itemgetter(0))
    exact = max(kappa for _, _, kappa in near)
    for t, c, kappa in near:
        if kappa < exact <= cut.kappa(t):  # without its witness a checker would take this type for one at equality
            cut.sharpen(t, c)
    penalty = a.problem.penalty
    found: dict[tuple[int, Vector], Choice] = {}
    for t, c, kappa in near:
        if kappa == exact:
            scaled = tuple(v / penalty for v in c)
            response = a.problem.response(scaled)
            found.setdefault((a.sign(t) if exact else 1, response), (a.sign(t), response, scaled))
    return list(found.values())


def _leaves(node: Node) -> Iterator[Node]:
    waiting = [node]
    while waiting:
        here = waiting.pop()
        waiting += [child.node for child in reversed(here.children)]
        if not here.children:
            yield here


def _draws(
    search: Search, tie: Assignment, pools: Sequence[tuple[list[Choice], int]]
) -> Iterator[tuple[list[Choice], Fraction]]:
    """Yield the units of each minimiser of a leaf that touches the optimum, and the output bias."""
    z, bias = tie.residual, tie.bias
    problem = search.arrangement.problem
    wanted = tuple(v + y - bias for v, y in zip(z, problem.labels, strict=True))
    drawn = product(*(combinations_with_replacement(pool, k) for pool, k in pools))
    for parts in islice(drawn, MAX_DRAWS):
        if search.late:
            return
        units = [unit for part in parts for unit in part]
        sums = tuple(sum((s * g[u] for s, g, _ in units), Fraction(0)) for u in range(len(wanted)))
        # with a free output bias, equal sums up to a constant are the same fit with another bias
        shift = wanted[0] - sums[0] if problem.architecture.output_bias and wanted else Fraction(0)
        if all(w == v + shift for w, v in zip(wanted, sums, strict=True)):
            yield units, bias + shift


def listed_minimisers(search: Search, root: Node) -> tuple[tuple[Minimiser, ...], bool]:
    """Return the minimisers that the leaves of a closed tree hold, and whether each of those leaves was exhausted.

    Up to rescaling, permuting units, and permuting equivalent inputs. A leaf is not exhausted where it has more than
    ``MAX_DRAWS`` ways to draw its units, or the search's deadline passes.
    """
    a = search.arrangement
    found: dict[tuple[object, ...], Minimiser] = {}
    exhausted = True
    for leaf in _leaves(root):
        if leaf.tie is None or leaf.tie.value != search.incumbent.value:
            continue
        pools = [(_choices(search, kinds, leaf.tie.residual), k) for kinds, k in leaf.groups if k and kinds]
        exhausted &= math.prod(math.comb(len(pool) + k - 1, k) for pool, k in pools) <= MAX_DRAWS
        for units, bias in _draws(search, leaf.tie, pools):
            key = _canonical(a, units, bias)
            if key not in found:
                found[key] = _minimiser(a, units, bias)
    exhausted &= not search.late
    if not found:
        # Beyond the limit the draws may miss even the incumbent.
        return (_incumbent(a, search.incumbent),), False
    return tuple(found[key] for key in sorted(found, key=repr)), exhausted


def _incumbent(a: Arrangement, best: Assignment) -> Minimiser:
    units: list[Choice] = []
    for t, m in best.multiplicities.items():
        c = tuple(v / m for v in best.totals[t])
        units += [(a.sign(t), a.problem.response(c), c)] * m
    return _minimiser(a, units, best.bias)


def _canonical(a: Arrangement, units: Sequence[Choice], bias: Fraction) -> tuple[object, ...]:
    index = {u: i for i, u in enumerate(a.problem.points)}
    forms = []
    for order in a.orders:
        moved = [index[tuple(u[k] for k in order)] for u in a.problem.points]
        forms.append(tuple(sorted((s, tuple(g[i] for i in moved)) for s, g, _ in units if any(g))))
    return (bias, min(forms))


def _minimiser(a: Arrangement, units: Sequence[Choice], bias: Fraction) -> Minimiser:
    problem = a.problem
    arch = problem.architecture
    kept = 1 - problem.rates[0]
    used = [_least_norm(a, unit) for unit in units if any(unit[1])]
    shown: list[list[Unit]] = []
    chosen: list[list[tuple[int, Vector]]] = []
    for order in a.orders:
        # what the permuted network responds to u is c·(u_order[0], u_order[1], …)
        moved = [(s, tuple(c[order.index(k)] for k in range(problem.dimension)), full) for s, c, full in used]
        chosen.append([(s, c) for s, c, _ in moved])
        rows = []
        for (s, c, full), m in Counter(moved).items():
            weights = [Fraction(0)] * arch.inputs
            for value, i, scale in zip(c, problem.coordinates, problem.scales, strict=False):
                weights[i] = kept * scale * value
            hidden = c[-1] if arch.hidden_biases else None
            unique = full and problem.dimension == arch.inputs + arch.hidden_biases
            rows.append(Unit(sign=s, weights=tuple(weights), bias=hidden, multiplicity=m, unique=unique))
        shown.append(sorted(rows, key=lambda u: (u.pattern, u.weights, u.bias or 0)))

    def first(place: int) -> tuple[object, ...]:
        units = shown[place]
        return joined_pattern((u.pattern, u.multiplicity) for u in units), [(u.weights, u.bias or 0) for u in units]

    best = min(range(len(shown)), key=first)
    return Minimiser(units=tuple(shown[best]), output_bias=bias, network=problem.network(chosen[best], bias))


def _least_norm(a: Arrangement, unit: Choice) -> tuple[int, Vector, bool]:
    """Return the sign, the c of least norm with the response of a unit, and whether no other c has that response.

    The admissible c are c·u = g(u) where g is positive and c·u ≤ 0 elsewhere, with non-negative weights −c_i ≤ 0 for
    each input too. The nearest of them to 0 is the nearest
    solution of the equations and of some of the inequalities held with equality; all such sets are tried. Beyond
    ``MAX_FACES`` sets the c that was found stays.
    """
    sign, g, c = unit
    size = a.problem.dimension
    equations: list[list[int]] = []
    values: list[Fraction] = []
    for u, v in zip(a.problem.points, g, strict=True):
        if v and rank([*equations, u]) > len(equations):
            equations.append(list(u))
            values.append(v)
    if len(equations) == size:
        return sign, c, True
    rest = list(dict.fromkeys(primitive(u) for u, v in zip(a.problem.points, g, strict=True) if any(u) and not v))
    if a.problem.nonnegative:
        rest += [tuple(-int(i == k) for i in range(size)) for k in range(len(a.problem.coordinates))]
    free = size - len(equations)
    if sum(math.comb(len(rest), k) for k in range(free + 1)) > MAX_FACES:
        return sign, c, False
    best: Vector | None = None
    for face in (face for k in range(free + 1) for face in combinations(rest, k)):
        rows = fmpq_mat([*equations, *(list(u) for u in face)])
        right = fmpq_mat([[fmpq(v.numerator, v.denominator)] for v in [*values, *(Fraction(0) for _ in face)]])
        try:
            found = (rows.transpose() * (rows * rows.transpose()).solve(right)).entries()
        except ZeroDivisionError:
            continue
        near = tuple(Fraction(int(v.p), int(v.q)) for v in found)
        if all(sum(x * y for x, y in zip(near, u, strict=True)) <= 0 for u in rest) and (
            best is None or sum(v * v for v in near) < sum(v * v for v in best)
        ):
            best = near
            if not face:
                break
    return sign, c if best is None else best, False
