"""Checker of the list of minimisers in a certificate for the minimal dropout criterion.

Run it beside checker.py:  python minimisers_checker.py certificate.json [more.json ...]
Exit status: 0 VERIFIED, 1 REJECTED, 2 MALFORMED (or refused as too large); the worst one of several files.

It uses the standard library and ``checker.py`` only, which verifies the certificate first. Then it proves that every
minimiser is one of the networks under ``"minimisers"``, up to what the verdict names; FORMAT.md (folder proofs),
section 9, has the mathematics. In short: each listed network attains the minimum; a minimiser in a leaf has equality in
every step of the bound of the leaf, so its residual is that of the cut and its units respond in one of finitely many
ways; all ways to choose them are gone through.
"""

from __future__ import annotations

import os
import sys

if __name__ == "__main__" and not sys.flags.isolated:  # before any import that a file beside this one could answer
    if os.name != "posix" or not sys.executable:
        sys.exit("Run the checker isolated from other files: python -I minimisers_checker.py certificate.json")
    os.execv(sys.executable, [sys.executable, "-I", os.path.abspath(__file__), *sys.argv[1:]])

import importlib.util
import math
from collections.abc import Iterator
from fractions import Fraction
from itertools import permutations, product
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from exactdropout.certificate import checker
elif __name__ == "__main__":  # by its path: no other module beside this file is looked at
    _path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "checker.py")
    _spec = importlib.util.spec_from_file_location("checker", _path)
    sys.modules["checker"] = checker = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(checker)
else:
    from exactdropout.certificate import checker

MAX_LISTED = 1000
MAX_POOL = 500

Values = tuple[Fraction, ...]
Parts = dict[Values, int]  # what units add to the output at the points, with multiplicities; zeros left out
Known = tuple[Fraction, tuple[tuple[Values, int], ...]]  # the output bias, and parts in order


def equivalent_orders(s: checker.Statement) -> Iterator[tuple[int, ...]]:
    """Yield the permutations of the coordinates of points that keep points, weights and labels; the bias is fixed."""
    data = dict(zip(s.points, zip(s.weights, s.labels, strict=True), strict=True))
    free = len(s.coordinates)
    for order in permutations(range(free)):
        full = (*order, *range(free, s.dimension))
        s.work.add(len(data) * (8 + s.dimension))
        if all(data.get(tuple(u[k] for k in full)) == value for u, value in data.items()):
            yield full


def reorderings(s: checker.Statement) -> list[list[int]]:
    """Return, for each permutation of the inputs that keeps points, weights and labels, the place of each point."""
    where = {u: k for k, u in enumerate(s.points)}
    return [[where[tuple(u[k] for k in order)] for u in s.points] for order in equivalent_orders(s)]


def canonical(s: checker.Statement, orders: list[list[int]], bias: Fraction, parts: Parts) -> Known:
    """Return one and the same value for all networks that permutations of units and of equivalent inputs make."""
    for values in parts:
        s.work.number(max(values, key=lambda v: v.denominator), 4 * len(orders) * len(values))
    return bias, min(tuple(sorted((tuple(v[k] for k in at), m) for v, m in parts.items())) for at in orders)


def parts_of(s: checker.Statement, network: Any) -> tuple[Fraction, Parts]:
    """Return the output bias and what the units of a network add to the output at the points (checked before)."""
    masked = {s.point(r): r for x, _, _ in s.examples for r, _ in s.masked(x)}
    found: Parts = {}
    biases = network["hidden_bias"] or [0] * s.width
    for row, b, a in zip(network["hidden_weights"], biases, network["output_weights"], strict=True):
        w, shift, scale = [checker.rational(v, "weight") for v in row], *(checker.rational(v, "weight") for v in (b, a))
        values = []
        for u in s.points:
            inner = shift + sum((v * x for v, x in zip(w, masked[u], strict=True)), Fraction(0)) / (1 - s.q[0])
            s.work.number(inner, 8 + s.inputs)
            values.append(scale * max(inner, Fraction(0)))
        if any(values):
            found[tuple(values)] = found.get(tuple(values), 0) + 1
    return checker.rational(network["output_bias"] or 0, "output_bias"), found


def pool(types: checker.Types, cut: dict[str, Any], kappa: dict[int, Fraction], kinds: tuple[int, ...]) -> list[Values]:
    """Return what a unit of a group can add to the output at equality: s h/lambda for its types with the largest κ."""
    s = types.statement
    z, scale = checker.over(cut["z"], "z", len(s.points))
    top = max(kappa[t] for t in kinds)
    forms: dict[int, list[Values]] = {}
    for t, vector in cut["witnesses"]:
        h, bottom = checker.over(vector, "witness", s.dimension)
        active = types.active[t // types.per]
        values = (Fraction(checker.dot(h, u), bottom) if on else 0 for u, on in zip(s.points, active, strict=True))
        forms.setdefault(t, []).append(tuple(map(Fraction, values)))
    found: dict[Values, None] = {}
    for t in kinds:
        if kappa[t] == top:
            sign, active = types.sign(t), types.active[t // types.per]
            default = tuple(
                Fraction(max(-sign * v, 0), scale) if on else Fraction(0) for v, on in zip(z, active, strict=True)
            )
            for h in (default, *forms.get(t, ())):
                s.work.number(max(h, key=lambda v: v.denominator), 4 * len(h))
                if sum((w * v * v for w, v in zip(s.weights, h, strict=True)), Fraction(0)) == top:
                    found.setdefault(tuple(sign * v / s.penalty for v in h))
                    break
    if len(found) > MAX_POOL:
        raise checker.MalformedError(f"the units of a group may respond in more than {MAX_POOL} ways")
    return list(found)


def shares(size: int, count: int) -> Iterator[tuple[int, ...]]:
    """Yield all ways to write ``count`` as an ordered sum of ``size`` numbers."""
    if size == 1:
        yield (count,)
    elif size:
        for first in range(count + 1):
            for rest in shares(size - 1, count - first):
                yield first, *rest
    elif not count:
        yield ()


def check_leaf(
    s: checker.Statement, z: Values, pools: list[tuple[list[Values], int]], orders: list[list[int]], known: set[Known]
) -> None:
    """Require every choice of units from the pools whose residual is z to be known."""
    draws = math.prod(math.comb(len(values) + k - 1, k) if values else int(k == 0) for values, k in pools)
    s.work.add(draws)
    wanted = [v + y for v, y in zip(z, s.labels, strict=True)]
    for chosen in product(*(shares(len(values), k) for values, k in pools)):
        parts: Parts = {}
        for (values, _), share in zip(pools, chosen, strict=True):
            for v, m in zip(values, share, strict=True):
                if m and any(v):
                    parts[v] = parts.get(v, 0) + m
        s.work.number(wanted[0], 2 * len(wanted) * (1 + len(parts)))
        rest = [v - sum((m * part[k] for part, m in parts.items()), Fraction(0)) for k, v in enumerate(wanted)]
        fits = all(v == rest[0] for v in rest) and (s.output_bias or not rest[0])
        if fits and canonical(s, orders, rest[0], parts) not in known:
            raise checker.RejectedError("there is a minimiser that is not listed")


@checker.deep_trees()
def check(text: str) -> checker.Statement:
    """Return the statement of a certificate and in it the number of its minimisers: these and no others.

    Raises:
        MalformedError: not a certificate, without a list of minimisers, or too large.
        RejectedError: a certificate that does not prove its statement, or a list that is not proved to be complete.
    """
    value = checker.read(text)
    if "minimisers" not in value:
        raise checker.MalformedError("the certificate holds no list of minimisers")
    tree = checker.check_tree(value)
    types, s = tree.types, tree.types.statement
    listed = checker.items(value["minimisers"], "minimisers", limit=MAX_LISTED)
    if s.lower != s.upper or s.every_width:
        raise checker.RejectedError("minimisers are listed, and the minimum is not proved")
    orders = reorderings(s)
    known: set[Known] = set()
    for network in listed:
        checker.check_network(s, network)
        known.add(canonical(s, orders, *parts_of(s, network)))
    if len(known) != len(listed):
        raise checker.RejectedError("a minimiser is listed twice")
    for number, ends in tree.tight:
        cut = value["cuts"][number]
        kappa = tree.cuts[number][1]
        z = tuple(Fraction(v, cut["z"][0]) for v in cut["z"][1])
        kinds = [kinds for kinds, _ in ends[0]]
        at = [[k for _, k in groups] for groups in ends]
        used = [any(counts) for counts in zip(*at, strict=True)]
        pools = [
            pool(types, cut, kappa, group) if group and any_ else [] for group, any_ in zip(kinds, used, strict=True)
        ]
        if not types.live:
            pools = [[(Fraction(0),) * len(s.points)]]  # units respond nowhere
        steps = max(abs(a - b) for a, b in zip(at[0], at[-1], strict=True))
        for step in range(steps + 1):  # of a range whose ends are both tight all numbers are
            capacity = [a + (b > a) * step - (b < a) * step for a, b in zip(at[0], at[-1], strict=True)]
            check_leaf(s, z, list(zip(pools, capacity, strict=True)), orders, known)
    s.minimisers = len(listed)
    return s


def describe(s: checker.Statement) -> str:
    """Return the proved statement in one line; without a list of minimisers that of ``checker.py``."""
    if s.minimisers is None:
        return checker.describe(s)
    networks = f"{s.minimisers} listed network{'s' * (s.minimisers != 1)}"
    return (
        f"{checker.describe(s)}, attained by the {networks} and, up to equal responses of the units at all masked "
        "inputs, the order of the units and of inputs that the examples do not tell apart, by no other"
    )


@checker.deep_trees()
def check_either(text: str) -> checker.Statement:
    """Return what a certificate proves, where it holds a list of minimisers and where it holds none."""
    return check(text) if "minimisers" in checker.read(text) else checker.check(text)


def main(arguments: list[str]) -> int:
    """Check files; print one line each; return the exit status."""
    usage = "minimisers_checker.py certificate.json ..."
    return checker.report(usage, arguments, lambda text: describe(check(text)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
