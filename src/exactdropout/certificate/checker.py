"""Checker of certificates for the minimal dropout criterion of networks with one hidden layer.

Run it alone:  python checker.py certificate.json [more.json ...]
Exit status:   0 VERIFIED, 1 REJECTED, 2 MALFORMED (or refused as too large); the worst one of several files.
It runs itself again with -I where Python was started without it, so that no module beside it is imported.

It uses the standard library only and trusts nothing in the file but the statement. FORMAT.md (folder proofs) has the
grammar and the mathematics; the numbers in brackets below refer to its sections. In short: from the statement the
masked inputs, the cones and the symmetries are computed anew; the network must attain the upper bound; every cut must
be valid; the tree must cover all ways to distribute n units over the types; every leaf must be bounded by its cut.
All arithmetic is exact.
"""

from __future__ import annotations

import os
import sys

if __name__ == "__main__" and not sys.flags.isolated:  # before any import that a file beside this one could answer
    if os.name != "posix" or not sys.executable:
        sys.exit("Run the checker isolated from other files: python -I checker.py certificate.json")
    os.execv(sys.executable, [sys.executable, "-I", os.path.abspath(__file__), *sys.argv[1:]])

import hashlib
import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import pairwise, permutations, product
from operator import mul, sub
from typing import Any

MAX_BYTES = 1 << 24
MAX_DIGITS = 2000
MAX_INPUTS = 6
MAX_POINTS = 512
MAX_CONES = 100_000
MAX_WIDTH = 10**6
MAX_STACK = 4000
MAX_NODES = 10**6
MAX_KAPPAS = 2 * 10**6
MAX_RESPONSES = 2 * 10**7
MAX_WORK = 3 * 10**8

Ray = tuple[int, ...]
Groups = list[tuple[tuple[int, ...], int]]


class MalformedError(Exception):
    """The file is not a certificate of this format, or exceeds a limit."""


class RejectedError(Exception):
    """The file is a certificate and does not prove its statement."""


# ---- reading: text to a value of a fixed shape, everything else is malformed [1] ------------------------------------
def _refuse_float(text: str) -> Any:
    raise MalformedError(f"the number {text[:20]} is not an integer")


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise MalformedError(f"an integer has more than {MAX_DIGITS} digits")
    return int(text)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise MalformedError("an object repeats a key")
    return found


MINIMUM = "exactdropout-minimum"
PARTS = ("statement", "network", "cuts", "tree")


def read(text: str, kind: str = MINIMUM, parts: tuple[str, ...] = PARTS) -> dict[str, Any]:
    """Return the top-level object of a certificate text."""
    if len(text) > MAX_BYTES:
        raise MalformedError(f"the file is larger than {MAX_BYTES} bytes")
    try:
        value = json.loads(
            text,
            parse_float=_refuse_float,
            parse_constant=_refuse_float,
            parse_int=_integer,
            object_pairs_hook=_unique,
        )
    except json.JSONDecodeError as error:
        raise MalformedError(f"not JSON: {error.msg} at line {error.lineno}") from None
    except RecursionError:
        raise MalformedError("the file is nested too deeply") from None
    if isinstance(value, dict) and not isinstance(value.pop("comment", ""), str):
        raise MalformedError("comment must be text")
    listed = [k for k in ("minimisers", "ordered") if kind == MINIMUM and isinstance(value, dict) and k in value]
    keys(value, "the file", "format", "version", *parts, *listed)
    if value["format"] != kind or not is_integer(value["version"]) or value["version"] != 1:
        raise MalformedError(f"format and version must be '{kind}' and 1")
    return dict(value)


def is_integer(value: Any) -> bool:
    """Return whether a value is an integer and not a Boolean."""
    return isinstance(value, int) and not isinstance(value, bool)


def keys(value: Any, where: str, *names: str) -> None:
    """Require an object with exactly these keys."""
    if not isinstance(value, dict) or set(value) != set(names):
        raise MalformedError(f"{where} must be an object with the keys {', '.join(names)}")


def items(value: Any, where: str, length: int | None = None, limit: int = 10**6) -> list[Any]:
    """Require a list, of a given length if one is given."""
    if not isinstance(value, list) or len(value) > limit or (length is not None and len(value) != length):
        raise MalformedError(f"{where} must be a list" + (f" of length {length}" if length is not None else ""))
    return value


def natural(value: Any, where: str, low: int, high: int) -> int:
    """Require an integer in a range."""
    if not is_integer(value) or not low <= value <= high:
        raise MalformedError(f"{where} must be an integer from {low} to {high}")
    return int(value)


def boolean(value: Any, where: str) -> bool:
    """Require true or false."""
    if not isinstance(value, bool):
        raise MalformedError(f"{where} must be true or false")
    return value


def rational(value: Any, where: str) -> Fraction:
    """Require an integer, or text "a/b" in decimal digits with b > 0."""
    if is_integer(value):
        return Fraction(value)
    if isinstance(value, str) and len(value) <= 2 * MAX_DIGITS:
        top, bar, bottom = value.partition("/")
        digits = top[1:] if top.startswith("-") else top
        if bar and all(d.isascii() and d.isdigit() and len(d) <= MAX_DIGITS for d in (digits, bottom)) and int(bottom):
            return Fraction(int(top), int(bottom))
    raise MalformedError(f"{where} must be an integer or a fraction such as '3/7'")


def rationals(value: Any, where: str, length: int) -> list[Fraction]:
    """Require a list of rationals."""
    return [rational(v, where) for v in items(value, where, length)]


def over(value: Any, where: str, length: int) -> tuple[list[int], int]:
    """Require [denominator, [integers]]: a vector of rationals with one denominator."""
    bottom, tops = items(value, where, 2)
    if not is_integer(bottom) or bottom < 1:
        raise MalformedError(f"{where} must start with a positive denominator")
    if not all(is_integer(v) for v in items(tops, where, length)):
        raise MalformedError(f"{where} must hold integers")
    return tops, bottom


class Work:
    """A count of elementary steps, about 0.15 µs each, so that a hostile file is refused within about a minute."""

    def __init__(self) -> None:
        """Start at 0."""
        self.done = 0

    def add(self, steps: int) -> None:
        """Count steps."""
        self.done += steps
        if self.done > MAX_WORK:
            raise MalformedError("the certificate needs more work than the limit")

    def number(self, value: Fraction, steps: int = 1) -> None:
        """Count exact operations on a number of this size (a gcd is quadratic in its length)."""
        words = (value.numerator.bit_length() + value.denominator.bit_length()) // 64 + 1
        self.add(steps * (words * words + 100))


def shown(value: Fraction) -> str:
    """Return a number as short text."""
    if value.numerator.bit_length() + value.denominator.bit_length() > 1000:
        return "a number of many digits"
    return str(value)


# ---- the statement and the reduced problem [2] ----------------------------------------------------------------------
class Statement:
    """The claim lower ≤ min J_D ≤ upper, and the reduced problem that follows from it."""

    def __init__(self, value: Any, work: Work) -> None:
        """Read the statement and compute points, weights, mean labels and noise."""
        names = ("inputs", "width", "hidden_biases", "output_bias", "nonnegative", "q", "examples", "lower", "upper")
        keys(value, "statement", *names)
        self.inputs = natural(value["inputs"], "inputs", 1, MAX_INPUTS)
        self.every_width = value["width"] == "any"  # then ``width`` is that of the network
        self.width = natural(1 if self.every_width else value["width"], "width", 1, MAX_WIDTH)
        self.hidden_biases = boolean(value["hidden_biases"], "hidden_biases")
        self.output_bias = boolean(value["output_bias"], "output_bias")
        self.nonnegative = boolean(value["nonnegative"], "nonnegative")
        self.lower = rational(value["lower"], "lower")
        self.upper = rational(value["upper"], "upper")
        self.q = rationals(value["q"], "q", 2)
        if not (0 <= self.q[0] < 1 and 0 < self.q[1] < 1):
            raise MalformedError("q must hold rates with 0 <= q[0] < 1 and 0 < q[1] < 1")
        self.penalty = self.q[1] / (1 - self.q[1])
        self.examples: list[tuple[list[Fraction], Fraction, Fraction]] = []
        for row in items(value["examples"], "examples", limit=MAX_POINTS):
            x, y, mass = items(row, "an example", 3)
            example = (rationals(x, "inputs", self.inputs), rational(y, "label"), rational(mass, "probability"))
            self.examples.append(example)
        if any(mass <= 0 for _, _, mass in self.examples) or sum(mass for _, _, mass in self.examples) != 1:
            raise MalformedError("probabilities must be positive and sum to 1")
        self.work = work
        self.ordered = False
        self.minimisers: int | None = None  # how many were proved to be all: minimisers_checker.py
        self._reduce()

    def masked(self, x: list[Fraction]) -> list[tuple[tuple[Fraction, ...], Fraction]]:
        """Return every r∘x with its probability (masks of zero inputs summed out)."""
        live = [i for i, v in enumerate(x) if v]
        choices = [(True, False) if i in live and self.q[0] else (True,) for i in range(self.inputs)]
        found = []
        for mask in product(*choices):
            mass = Fraction(1)
            for i, choice in enumerate(choices):
                if len(choice) == 2:
                    mass *= 1 - self.q[0] if mask[i] else self.q[0]
            found.append((tuple(v if keep else Fraction(0) for v, keep in zip(x, mask, strict=True)), mass))
        return found

    def point(self, r: tuple[Fraction, ...]) -> Ray:
        """Return a masked input r∘x as an integer vector, followed by 1 where there are hidden biases."""
        u = tuple(int(r[i] * s) for i, s in zip(self.coordinates, self.scales, strict=True))
        return (*u, 1) if self.hidden_biases else u

    def order(self) -> None:
        """Require one unit and data that all permutations of inputs keep: then c_1 >= ... >= c_k may be assumed [3]."""
        data = dict(zip(self.points, zip(self.weights, self.labels, strict=True), strict=True))
        self.work.add(len(data) * self.dimension * (8 + self.dimension))
        pairs = [(u, (*u[:k], u[k + 1], u[k], *u[k + 2 :])) for k in range(len(self.coordinates) - 1) for u in data]
        if self.width != 1 or self.every_width or any(data[u] != data.get(v) for u, v in pairs):
            raise RejectedError("only one unit, on inputs that the examples do not tell apart, may take them in order")
        self.ordered = True

    def _reduce(self) -> None:
        work = self.work
        rows = [x for x, _, _ in self.examples]
        self.coordinates = [i for i in range(self.inputs) if any(x[i] for x in rows)]
        self.scales = [
            Fraction(math.lcm(*(x[i].denominator for x in rows)), math.gcd(*(x[i].numerator for x in rows)))
            for i in self.coordinates
        ]
        for scale in self.scales:
            work.number(scale, 4 * len(rows))
        moments: dict[Ray, list[Fraction]] = {}
        for x, y, mass in self.examples:
            for r, chance in self.masked(x):
                entry = moments.setdefault(self.point(r), [Fraction(0)] * 3)
                for power in range(3):
                    entry[power] += mass * chance * y**power
                work.number(entry[2], 6)
            if len(moments) > MAX_POINTS:
                raise MalformedError(f"there are more than {MAX_POINTS} masked inputs")
        self.points = sorted(moments)
        self.weights = [moments[u][0] for u in self.points]
        self.labels = [moments[u][1] / moments[u][0] for u in self.points]
        self.common = math.lcm(*(w.denominator for w in self.weights))
        self.integer_weights = [int(w * self.common) for w in self.weights]
        self.label_scale = math.lcm(*(y.denominator for y in self.labels))
        work.number(Fraction(self.common * self.label_scale), 8 * len(self.points))
        self.noise = sum((moments[u][2] for u in self.points), Fraction(0)) - sum(
            (w * y * y for w, y in zip(self.weights, self.labels, strict=True)), Fraction(0)
        )
        self.dimension = len(self.coordinates) + self.hidden_biases


# ---- the cones, computed anew [3] -----------------------------------------------------------------------------------
def dot(a: Any, b: Any) -> int:
    """Return the inner product of integer vectors."""
    if len(a) != len(b):
        raise ValueError("vectors of different lengths")
    return int(sum(map(mul, a, b)))


def primitive(vector: list[int]) -> Ray:
    """Return an integer vector divided by the gcd of its entries."""
    divisor = math.gcd(*vector)
    return tuple(v // divisor for v in vector)


def rank(rows: list[Ray]) -> int:
    """Return the rank of integer rows."""
    work = [list(r) for r in rows]
    found = 0
    for column in range(len(work[0]) if work else 0):
        pivot = next((i for i in range(found, len(work)) if work[i][column]), None)
        if pivot is not None:
            work[found], work[pivot] = work[pivot], work[found]
            head = work[found]
            for i in range(found + 1, len(work)):
                factor = work[i][column]
                if factor:
                    work[i] = [head[column] * a - factor * b for a, b in zip(work[i], head, strict=True)]
            found += 1
    return found


def hyperplanes(s: Statement) -> tuple[list[Ray], int]:
    """Return the separators in the order of [3], and how many are held at sign +."""
    units = [tuple(int(i == k) for i in range(s.dimension)) for k in range(s.dimension)]
    held = units[: len(s.coordinates)] if s.nonnegative else []
    if s.ordered:
        held = [*(tuple(map(sub, u, v)) for u, v in pairwise(units[: len(s.coordinates)])), *held[-1:]]
    found: list[Ray] = list(held)
    for u in s.points:
        if any(u):
            ray = primitive(list(u))
            if next(v for v in ray if v) < 0:
                ray = tuple(-v for v in ray)
            if ray not in found:
                found.append(ray)
    basis: list[Ray] = []
    for ray in found + units:
        if len(basis) < s.dimension and rank([*basis, ray]) > len(basis):
            basis.append(ray)
    return basis + [ray for ray in found if ray not in basis], len(held)


def dual_basis(rows: list[Ray]) -> list[list[int]]:
    """Return for each row the vector, up to a positive factor, on which it is positive and all others vanish."""
    size = len(rows)
    work = [[Fraction(v) for v in row] + [Fraction(int(i == j)) for j in range(size)] for i, row in enumerate(rows)]
    for column in range(size):
        pivot = next(i for i in range(column, size) if work[i][column])
        work[column], work[pivot] = work[pivot], work[column]
        work[column] = [v / work[column][column] for v in work[column]]
        for i in range(size):
            if i != column:
                work[i] = [a - work[i][column] * b for a, b in zip(work[i], work[column], strict=True)]
    columns = [[work[i][size + j] for i in range(size)] for j in range(size)]
    return [[int(v * math.lcm(*(w.denominator for w in c))) for v in c] for c in columns]


def cones(s: Statement) -> list[tuple[Ray, list[Ray]]]:
    """Return all cones as (signs, extreme rays), sorted by signs: the proof that the list is complete is [3]."""
    if s.dimension == 0:
        return []
    normals, held = hyperplanes(s)
    k = max(len(s.coordinates), 1) if s.ordered else 1  # each of the k! orders has as many cones of a finer list
    bound = 2 * sum(math.comb(len(normals) + k * (k - 3) // 2, i) for i in range(s.dimension)) // math.factorial(k)
    if bound > MAX_CONES:
        raise MalformedError(f"{len(normals)} hyperplanes in dimension {s.dimension} may cut over {MAX_CONES} cones")
    axes = dual_basis(normals[: s.dimension])
    choices = product(*((1,) if k < held else (-1, 1) for k in range(s.dimension)))
    found: list[tuple[Ray, list[Ray]]] = [
        (signs, [primitive([e * v for v in axis]) for e, axis in zip(signs, axes, strict=True)]) for signs in choices
    ]
    ranks: dict[tuple[int, ...], bool] = {}
    step = 4 + s.dimension * (1 + max(v.bit_length() for row in normals for v in row) // 64)
    for index in range(s.dimension, len(normals)):
        normal = normals[index]
        split: list[tuple[Ray, list[Ray]]] = []
        for signs, rays in found:
            s.work.add(20 + 2 * len(rays) * step + index)
            plus = [r for r in rays if dot(normal, r) > 0]
            minus = [r for r in rays if dot(normal, r) < 0]
            if not plus or not minus:
                split.append(((*signs, 1 if plus else -1), rays))
                continue
            wall = [r for r in rays if dot(normal, r) == 0]
            for a, b in product(plus, minus):
                s.work.add((index + 8) * step + s.dimension * index * (sum(v.bit_length() for v in (*a, *b)) // 64))
                ray = primitive([dot(normal, a) * y - dot(normal, b) * x for x, y in zip(a, b, strict=True)])
                tight = tuple(k for k in range(index + 1) if dot(normals[k], ray) == 0)
                if tight not in ranks:
                    s.work.add(len(tight) * s.dimension * step)
                    ranks[tight] = rank([normals[k] for k in tight]) == s.dimension - 1
                if ranks[tight] and ray not in wall:
                    wall.append(ray)
            split.append(((*signs, 1), plus + wall))
            split.append(((*signs, -1), minus + wall))
        found = split
    entries = len(s.points) * sum(len(rays) for _, rays in found)
    s.work.add(entries * step)
    if entries > MAX_RESPONSES:
        raise MalformedError(f"the rays of all cones have more than {MAX_RESPONSES} responses")
    return sorted(found)


class Types:
    """The types (sign, cone), the responses of their extreme rays, and the symmetries [4, 6]."""

    def __init__(self, s: Statement) -> None:
        """Compute cones, responses, live types."""
        self.statement = s
        self.cones = cones(s)
        self.per = 1 if s.nonnegative else 2
        self.responses = [[[max(0, dot(ray, u)) for u in s.points] for ray in rays] for _, rays in self.cones]
        self.active = [[any(r[k] for r in rows) for k in range(len(s.points))] for rows in self.responses]
        self.live = tuple(t for t in range(self.per * len(self.cones)) if any(self.active[t // self.per]))
        self._symmetries: list[list[int]] | None = None

    def sign(self, kind: int) -> int:
        """Return the sign of the output weight of a type."""
        return -1 if kind % self.per else 1

    def symmetries(self) -> list[list[int]]:
        """Return the permutations of types induced by those permutations of inputs that keep the reduced problem."""
        if self._symmetries is None:
            s = self.statement
            free = len(s.coordinates)
            data = dict(zip(s.points, zip(s.weights, s.labels, strict=True), strict=True))
            where = {frozenset(rays): i for i, (_, rays) in enumerate(self.cones)}
            size = sum(8 + len(rays) * (8 + s.dimension) for _, rays in self.cones)
            self._symmetries = []
            for order in permutations(range(free)):
                full = (*order, *range(free, s.dimension))
                s.work.add(len(data) * (8 + s.dimension))
                if all(data.get(tuple(u[k] for k in full)) == value for u, value in data.items()):
                    s.work.add(size)
                    moved = [where.get(frozenset(tuple(r[k] for k in full) for r in rays)) for _, rays in self.cones]
                    if None not in moved:
                        self._symmetries.append([self.per * (i or 0) + e for i in moved for e in range(self.per)])
        return self._symmetries


# ---- the upper bound: the network attains it [2] --------------------------------------------------------------------
def check_network(s: Statement, value: Any) -> None:
    """Require a network of the stated shape whose criterion, computed over all input masks, is ``upper``."""
    keys(value, "network", "hidden_weights", "hidden_bias", "output_weights", "output_bias")
    first = [
        rationals(row, "hidden_weights", s.inputs) for row in items(value["hidden_weights"], "hidden_weights", s.width)
    ]
    output = rationals(value["output_weights"], "output_weights", s.width)
    if (value["hidden_bias"] is None) == s.hidden_biases or (value["output_bias"] is None) == s.output_bias:
        raise MalformedError("biases must be given exactly where the statement has them")
    hidden = rationals(value["hidden_bias"], "hidden_bias", s.width) if s.hidden_biases else [Fraction(0)] * s.width
    bias = rational(value["output_bias"], "output_bias") if s.output_bias else Fraction(0)
    if s.nonnegative and (any(v < 0 for row in first for v in row) or any(v < 0 for v in output)):
        raise RejectedError("the network has a negative weight")
    units: dict[tuple[Fraction, ...], int] = {}
    for row, b, a in zip(first, hidden, output, strict=True):
        units[(*row, b, a)] = units.get((*row, b, a), 0) + 1
    total = Fraction(0)
    for x, y, mass in s.examples:
        for r, chance in s.masked(x):
            mean, variance = bias, Fraction(0)
            for (*row, b, a), count in units.items():
                s.work.number(mean, 8 + s.inputs)
                s.work.number(a, 8 + s.inputs)
                h = max(b + sum(v * w for v, w in zip(r, row, strict=True)) / (1 - s.q[0]), Fraction(0))
                mean += count * a * h
                variance += count * s.penalty * a * a * h * h
            total += mass * chance * ((mean - y) ** 2 + variance)
    if total != s.upper:
        raise RejectedError(f"the network has the criterion {shown(total)}, not {shown(s.upper)}")


# ---- cuts [5] -------------------------------------------------------------------------------------------------------
def check_cut(types: Types, value: Any, work: Work) -> tuple[Fraction, dict[int, Fraction]]:
    """Return L(z) and the proved κ_t of every live type of a cut."""
    s = types.statement
    keys(value, "a cut", "z", "witnesses")
    z, scale = over(value["z"], "z", len(s.points))
    weights = s.integer_weights
    if s.output_bias and dot(weights, z):
        raise RejectedError("the residual of a cut has a mean, and the output bias is free")
    size = (sum(v.bit_length() for v in z) // len(z) + scale.bit_length() + s.common.bit_length()) // 64 + 1
    work.add(len(types.live) * (len(z) * size + 40 * size**2))
    work.add(4 * len(z) * (size + s.label_scale.bit_length() // 64) ** 2)
    base = s.noise - sum(
        (
            w * (2 * Fraction(v, scale) * y + Fraction(v, scale) ** 2)
            for w, v, y in zip(s.weights, z, s.labels, strict=True)
        ),
        Fraction(0),
    )
    kappa: dict[int, Fraction] = {}
    squares = {e: [w * v * v if e * v < 0 else 0 for w, v in zip(weights, z, strict=True)] for e in (1, -1)}
    for t in types.live:
        positive = sum(q for q, on in zip(squares[types.sign(t)], types.active[t // types.per], strict=True) if on)
        kappa[t] = Fraction(positive, s.common * scale * scale)
    for entry in items(value["witnesses"], "witnesses", limit=len(types.live)):
        kind, vector = items(entry, "a witness", 2)
        t = natural(kind, "type", 0, types.per * len(types.cones) - 1)
        h, bottom = over(vector, "witness", s.dimension)
        index, sign = t // types.per, types.sign(t)
        if t not in kappa:
            raise RejectedError(f"type {t} responds nowhere and has no witness")
        work.add(len(types.responses[index]) * len(z) * (size + sum(v.bit_length() for v in h) // 64 + 1))
        form = [dot(h, u) if on else 0 for u, on in zip(s.points, types.active[index], strict=True)]
        gap = [w * (f * scale + sign * v * bottom) for w, f, v in zip(weights, form, z, strict=True)]
        if any(dot(gap, row) < 0 for row in types.responses[index]):
            raise RejectedError(f"the witness of type {t} fails on an extreme ray")
        norm = Fraction(sum(w * f * f for w, f in zip(weights, form, strict=True)), s.common * bottom * bottom)
        kappa[t] = min(kappa[t], norm)
    return base, kappa


# ---- the tree [6] ---------------------------------------------------------------------------------------------------
class Tree:
    """A walk over the tree that requires every leaf to be bounded and every split to cover all cases."""

    def __init__(self, types: Types, cuts: list[tuple[Fraction, dict[int, Fraction]]], work: Work) -> None:
        """Prepare the walk."""
        self.types = types
        self.cuts = cuts
        self.work = work
        self.nodes = 0
        self.tight: list[tuple[int, list[Groups]]] = []  # leaves whose bound is ``lower`` itself: cut and ends

    def bound(self, cut: int, groups: Groups) -> Fraction:
        """Return L(z) − (1/λ) Σ_S k_S max_{t∈S} κ_t."""
        base, kappa = self.cuts[cut]
        spent = Fraction(0)
        for kinds, capacity in groups:
            if capacity and kinds:
                spent += capacity * max(kappa[t] for t in kinds)
        return base - spent / self.types.statement.penalty

    def walk(self, node: Any, ends: list[Groups]) -> None:
        """Check a node; ``ends`` are its groups, at both ends of a range where the node is a range."""
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise MalformedError(f"the tree has more than {MAX_NODES} nodes")
        if isinstance(node, dict) and set(node) == {"cut"}:
            cut = natural(node["cut"], "cut", 0, len(self.cuts) - 1)
            tight = []
            for groups in ends:
                self.work.add(sum(1 + len(kinds) for kinds, _ in groups))
                bound = self.bound(cut, groups)
                if bound < self.types.statement.lower:
                    raise RejectedError(f"a leaf is bounded by {shown(bound)} only")
                tight += [groups] * (bound == self.types.statement.lower)
            self.tight += [(cut, tight)] * bool(tight)
            return
        keys(node, "a node", "group", "part", "children")
        groups = ends[0]
        index = natural(node["group"], "group", 0, len(groups) - 1)
        kinds, capacity = groups[index]
        part = items(node["part"], "part", limit=len(kinds))
        if not all(is_integer(t) for t in part) or len(set(part)) != len(part):
            raise MalformedError("part must hold distinct integers")
        if not part or not set(part) <= set(kinds):
            raise RejectedError("a part is not in its group")
        if len(ends) > 1:
            raise RejectedError("a range is split further")
        expected = 0
        for child in items(node["children"], "children"):
            low, high, orbit, below = items(child, "a child", 4)
            natural(low, "low", 0, MAX_WIDTH)
            natural(high, "high", 0, MAX_WIDTH)
            if low != expected or not low <= high <= capacity:
                raise RejectedError("the children of a node do not cover 0 to its capacity")
            expected = high + 1
            taken = set(part)
            if boolean(orbit, "orbit"):
                if high:
                    raise RejectedError("images of a part are forbidden where the part is not empty")
                taken = self.images(part, groups)
            self.work.add(len(kinds))
            rest = tuple(t for t in kinds if t not in taken)
            here = tuple(sorted(taken))
            self.walk(
                below,
                [
                    [*groups[:index], (rest, capacity - amount), *groups[index + 1 :], (here, amount)]
                    for amount in sorted({low, high})
                ],
            )
        if expected != capacity + 1:
            raise RejectedError("the children of a node do not cover 0 to its capacity")

    def images(self, part: list[int], groups: Groups) -> set[int]:
        """Return the union of the images of a part under the symmetries that keep every group."""
        found: set[int] = set()
        for move in self.types.symmetries():
            self.work.add(sum(len(kinds) for kinds, _ in groups))
            if all({move[t] for t in kinds} == set(kinds) for kinds, _ in groups):
                found |= {move[t] for t in part}
        return found


@contextmanager
def deep_trees() -> Iterator[None]:
    """Allow trees about 1000 nodes deep: a node takes four levels of nesting in JSON."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, MAX_STACK))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


# ---- the whole ------------------------------------------------------------------------------------------------------
@deep_trees()
def check(text: str) -> Statement:
    """Return the statement of a certificate that proves it.

    Raises:
        MalformedError: not a certificate, or too large.
        RejectedError: a certificate that does not prove its statement.
    """
    return check_tree(read(text)).types.statement


@deep_trees()
def check_tree(value: dict[str, Any]) -> Tree:
    """Return the tree that was walked, from the top-level object; ``minimisers`` are not read here."""
    work = Work()
    statement = Statement(value["statement"], work)
    if statement.every_width:
        keys(value["network"], "network", "hidden_weights", "hidden_bias", "output_weights", "output_bias")
        units = items(value["network"]["output_weights"], "output_weights", limit=MAX_WIDTH)
        statement.width = natural(len(units), "units of the network", 1, MAX_WIDTH)
    if boolean(value.get("ordered", False), "ordered"):
        statement.order()
    check_network(statement, value["network"])
    types = Types(statement)
    given = items(value["cuts"], "cuts", limit=10**5)
    if len(given) * len(types.live) > MAX_KAPPAS:
        raise MalformedError(f"there are more than {MAX_KAPPAS} pairs of a cut and a type")
    cuts = [check_cut(types, cut, work) for cut in given]
    tree = Tree(types, cuts, work)
    try:
        tree.walk(value["tree"], [[(types.live, statement.width)]])
    except RecursionError:
        raise MalformedError("the tree is nested too deeply") from None
    if statement.every_width and ("cut" not in value["tree"] or any(cuts[value["tree"]["cut"]][1].values())):
        raise RejectedError("a bound for every width needs one leaf whose cut has kappa 0 for all types")
    if statement.lower > statement.upper:
        raise RejectedError("lower is above upper")
    return tree


def distribution(s: Statement) -> str:
    """Return the examples as text; beyond three, or with long numbers, the SHA-256 digest of it without spaces."""
    rows = [f"{mass} on (({', '.join(map(str, x))}), {y})" for x, y, mass in sorted(s.examples)]
    text = ", ".join(rows)
    if len(rows) <= 3 and len(text) <= 200:
        return text
    digest = hashlib.sha256(text.replace(" ", "").encode()).hexdigest()
    return f"{len(rows)} example{'s' * (len(rows) > 1)} with digest {digest}"


def shape_in_words(s: Statement) -> str:
    """Return inputs, units and biases in words."""
    biases = {(True, True): "with biases", (False, False): "without biases"}.get(
        (s.hidden_biases, s.output_bias), "with hidden biases" if s.hidden_biases else "with an output bias"
    )
    inputs, units = (f"{k} {word}{'s' * (k != 1)}" for k, word in ((s.inputs, "input"), (s.width, "relu unit")))
    return f"{inputs}, {'relu units' if s.every_width else units}, {biases}"


def describe(s: Statement) -> str:
    """Return the proved statement in one line: shape, rates, data, value."""
    kind = "over non-negative weights" if s.nonnegative else "over all weights"
    value = f"= {s.upper}" if s.lower == s.upper else f"in [{s.lower}, {s.upper}]"
    if s.every_width:
        value = f">= {s.lower} at every width, <= {s.upper} from {s.width} units on"
    rates = str(s.q[0]) if s.q[0] == s.q[1] else f"({s.q[0]}, {s.q[1]})"
    return f"{shape_in_words(s)}, q = {rates}, {distribution(s)}: min J_D {kind} {value}"


def line(text: str) -> str:
    """Return text on one line of printable ASCII, so that no file name can print a verdict of its own."""
    return "".join(c if " " <= c <= "~" else ascii(c)[1:-1] for c in text)


def report(usage: str, arguments: list[str], verdict: Callable[[str], str]) -> int:
    """Check files; print one line each, with what ``verdict`` proved; return the exit status."""
    if not arguments:
        print(f"usage: {usage}", file=sys.stderr)
        return 2
    worst = 0
    for name in arguments:
        try:
            with open(name, "rb") as file:
                content = file.read(MAX_BYTES + 1)
            print(line(f"VERIFIED {name}: {verdict(content.decode('utf-8'))}"))
        except RejectedError as error:
            worst = max(worst, 1)
            print(line(f"REJECTED {name}: {error}"))
        except (MalformedError, UnicodeDecodeError, OSError, MemoryError) as error:
            worst = 2
            print(line(f"MALFORMED {name}: {error}"))
    return worst


def main(arguments: list[str]) -> int:
    """Check files; print one line each; return the exit status."""
    return report("checker.py certificate.json ...", arguments, lambda text: describe(check(text)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
