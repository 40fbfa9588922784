"""A certificate as data for the verified checker of ``proofs/theory``: Coq then checks the certificate itself.

Nothing is solved anew. What Coq's checker needs beside the certificate is found here and checked by Coq: for each cell
of weight space the walls are known from its extreme rays, and multipliers of the walls show which sign the other rows
have there and that a witness is valid. What the generated file proves is ``Certificate_tree.certificate_sound`` applied
to the statement of the certificate: every network of the shape has a criterion of at least ``lower``; and that the
network attains ``upper``. Where the certificate lists minimisers, ``Certificate_minimisers.check_minimisers_sound``
too: they attain it, and they are all.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import cached_property
from itertools import compress, pairwise, permutations, product
from operator import mul
from typing import Any, NamedTuple

from exactdropout.certificate import checker, minimisers_checker
from exactdropout.certificate.coq_cover import Cell, Cover, in_list, in_sparse_row, over_one
from exactdropout.errors import InvalidInput

__all__ = ["coq_certificate", "coq_pair"]

ZERO = Fraction(0)


class Move(NamedTuple):
    """A permutation of the coordinates with factors, one of the rows, and the type to which each type moves."""

    coordinates: list[int]
    factors: list[Fraction]
    places: list[int]
    moved: list[int]

    @property
    def text(self) -> str:
        """The move as Coq text."""
        factors = [] if set(self.factors) == {1} else map(_q, self.factors)
        moved = in_list(t + 1 for t in self.moved)
        return f"Move {in_list(self.coordinates)}%nat {in_list(factors)} {in_list(self.places)}%nat {moved}%positive"


class CoqProblem:
    """The problem as Coq's checker makes it: rows, their cover by patterns, and the types of the certificate."""

    def __init__(self, statement: checker.Statement) -> None:
        """Compute the rows in Coq's order, the cover, and for each of Coq's types the type of the certificate."""
        if statement.hidden_biases != statement.output_bias:
            raise InvalidInput("A certificate for Coq must be about networks with all biases or with none.")
        self.statement = statement
        self.types = checker.Types(statement)
        self.rows: list[tuple[Fraction, tuple[Fraction, ...], Fraction]] = []  # weight, (bias, masked input), label
        self.points: list[int | None] = []
        self._rows()
        self.weight_scale = math.lcm(*(w.denominator for w, _, _ in self.rows))
        self.row_scale = math.lcm(*(v.denominator for _, u, _ in self.rows for v in u))
        self.weights = [int(w * self.weight_scale) for w, _, _ in self.rows]
        self.vectors = [tuple(int(v * self.row_scale) for v in u) for _, u, _ in self.rows]
        self.cover = Cover(self.vectors, self.points.count(None))
        self.patterns = [cell.path for cell in self.cover.cells]
        signs = (True,) if statement.nonnegative else (True, False)
        self.kinds = [(sign, pattern) for pattern in self.patterns for sign in signs]
        self.normals = checker.hyperplanes(statement)[0] if statement.dimension else []
        self.by_signs = {signs: index for index, (signs, _) in enumerate(self.types.cones)}
        self.separators: dict[int, tuple[checker.Ray, int]] = {}
        for place, u in enumerate(statement.points):
            if any(u):
                ray = checker.primitive(list(u))
                e = 1 if next(v for v in ray if v) > 0 else -1
                self.separators[place] = (tuple(e * v for v in ray), e)
        live = set(self.types.live)
        homes = {cell.path: self._home(cell) if live else 0 for cell in self.cover.cells}
        self.home: list[int | None] = []
        for sign, pattern in self.kinds:
            kind = self.types.per * homes[pattern] + (not sign)
            self.home.append(kind if kind in live else None)

    def _rows(self) -> None:
        s = self.statement
        bias = Fraction(int(s.hidden_biases))
        merged: dict[tuple[Fraction, ...], list[int]] = {}
        places: dict[tuple[Fraction, ...], int] = {}
        listed = []
        scale = {i: f / (1 - s.q[0]) for i, f in zip(s.coordinates, self.factors, strict=True)}
        where = {u: k for k, u in enumerate(s.points)}
        for x, y, mass in s.examples:
            for mask in product((True, False), repeat=s.inputs):
                chance = math.prod((1 - s.q[0] if keep else s.q[0] for keep in mask), start=mass)
                r = [v if keep else ZERO for v, keep in zip(x, mask, strict=True)]
                u = (bias, *(v / (1 - s.q[0]) for v in r))
                point = tuple(int(r[i] * scale[i]) for i in s.coordinates)
                places[u] = where.get((*point, 1) if s.hidden_biases else point, -1)
                listed.append((u, y, chance))
        rows: list[tuple[Fraction, tuple[Fraction, ...], Fraction]] = []
        for u, y, chance in reversed(listed):  # fold_right insert
            here = merged.setdefault(u, [])
            k = next((k for k in here if rows[k][0] + chance), None)
            if k is None:
                here.append(len(rows))
                rows.append((chance, u, y))
            else:
                weight = rows[k][0] + chance
                rows[k] = weight, u, (rows[k][0] * rows[k][2] + chance * y) / weight
        size = range(s.inputs + 1)
        held = [
            tuple(Fraction(a if j == i else -b if j == k else 0) for j in size)
            for (i, a), (k, b) in pairwise(self.in_order)
        ]
        if s.nonnegative:
            held += [tuple(Fraction(int(j == k)) for j in size) for k in size[1:]]
        self.rows += [(ZERO, u, ZERO) for u in held]
        self.points += [None] * len(held)
        rows = [row for row in rows if row[0]]  # without dropout of the inputs most masks have no weight
        self.rows += rows
        self.points += [places[u] for _, u, _ in rows]

    def _home(self, cell: Cell) -> int:
        """Return a cone of the checker whose closure holds every vector of a cell."""
        signs: dict[checker.Ray, int] = {}
        for yes, place in zip(cell.path, self.points, strict=True):
            if place is not None and place >= 0 and any(self.statement.points[place]):
                normal, e = self.separators[place]
                signs[normal] = e if yes else -e
        # a normal that is no row cuts cones with equal responses: either side will do
        found = self.by_signs.get(tuple(signs.get(normal, 1) for normal in self.normals))
        if found is not None:
            return found
        for index, (cone, _) in enumerate(self.types.cones):
            if all(e == signs.get(normal, e) for e, normal in zip(cone, self.normals, strict=True)):
                return index
        raise ArithmeticError("A cell lies in no cone of the checker.")

    @cached_property
    def in_order(self) -> list[tuple[int, int]]:
        """Coordinates of Coq's c with factors: only those c are looked at whose products with them descend."""
        if not self.statement.ordered:
            return []
        bottom = math.lcm(*(f.numerator for f in self.factors))
        whole = [int(bottom / f) for f in self.factors]
        common = math.gcd(*whole) or 1
        return [(i + 1, v // common) for i, v in zip(self.statement.coordinates, whole, strict=True)]

    @cached_property
    def factors(self) -> list[Fraction]:
        """For each live input: what a point of the checker is of a row of Coq in this coordinate."""
        s = self.statement
        rows = [x for x, _, _ in s.examples]
        return [
            Fraction(math.lcm(*(x[i].denominator for x in rows)), math.gcd(*(x[i].numerator for x in rows)))
            * (1 - s.q[0])
            for i in s.coordinates
        ]

    def _form(self, c: Sequence[Fraction]) -> list[Fraction]:
        """Return c of the checker in Coq's coordinates: the same linear form."""
        return self._placed([v * f for v, f in zip(c, self.factors, strict=False)], c)

    def _placed(self, values: Sequence[Fraction], whole: Sequence[int | Fraction]) -> list[Fraction]:
        s = self.statement
        found = [ZERO] * (s.inputs + 1)
        for i, v in zip(s.coordinates, values, strict=True):
            found[i + 1] = v
        if s.hidden_biases:
            found[0] = Fraction(whole[-1])
        return found

    @cached_property
    def sums(self) -> list[list[list[int]]]:
        """Σ w u uᵀ over the active rows of each cell, with the scales of rows and weights."""
        size = range(self.statement.inputs + 1)
        squares = [
            [w * u[i] * u[j] for i in size for j in size] for w, u in zip(self.weights, self.vectors, strict=True)
        ]
        found = []
        for path in self.patterns:
            flat = [sum(column) for column in zip(*compress(squares, path), strict=True)] or [0] * len(size) ** 2
            found.append([flat[i * len(size) : (i + 1) * len(size)] for i in size])
        return found

    def cut(self, value: dict[str, Any]) -> str:
        """Return a cut as Coq text: z on the rows, and the witnesses that beat the default, with multipliers."""
        scale, tops = value["z"]
        z = [0 if place is None or place < 0 else tops[place] for place in self.points]
        forms = {t: [Fraction(v, vector[0]) for v in vector[1]] for t, vector in value["witnesses"]}
        moments = [[w * a * v for v in u] for w, u, a in zip(self.weights, self.vectors, z, strict=True)]
        squares = {
            e: [w * a * a if e * a < 0 and any(u) else 0 for w, u, a in zip(self.weights, self.vectors, z, strict=True)]
            for e in (1, -1)
        }
        shown, gap = [], 0
        for number, (home, (sign, pattern)) in enumerate(zip(self.home, self.kinds, strict=True)):
            witness = None
            if home in forms:
                index, e = number // self.types.per, 1 if sign else -1
                bottom, form = over_one(self._form(forms[home]))
                image = [sum(map(mul, row, form)) for row in self.sums[index]]
                default = sum(compress(squares[e], pattern)) * (self.row_scale * bottom) ** 2
                if sum(map(mul, image, form)) * scale**2 < default:
                    moment = [sum(column) for column in zip(*compress(moments, pattern), strict=True)]
                    shift = e * self.row_scale * bottom
                    target = [scale * a + shift * b for a, b in zip(image, moment, strict=True)]
                    whole = self.weight_scale * self.row_scale * scale * bottom
                    mult = self.cover.multipliers(self.cover.cells[index], target)
                    shown_mult = in_sparse_row({k: v / whole for k, v in mult.items()})
                    witness = f"Form (over {bottom} {in_list(form)}) {shown_mult}"
            if witness is None:
                gap += 1
            else:
                shown.append(f"({gap}%nat, {witness})")
                gap = 0
        return f"Cut (over {scale} {in_list(z)}) (spread {in_list(shown)})"

    @cached_property
    def moves(self) -> list[Move]:
        """The symmetries but the identity, where they map the types to types."""
        s = self.statement
        size = range(s.inputs + 1)
        scale = [Fraction(1)] * len(size)
        for i, factor in zip(s.coordinates, self.factors, strict=True):
            scale[i + 1] = factor

        def key(w: Fraction, u: Sequence[Fraction], y: Fraction) -> tuple[Any, ...]:
            return (w, tuple(u), y) if w else (w, tuple(v / sum(map(abs, u)) if any(u) else v for v in u), y)

        rows = {key(*row): k for k, row in enumerate(self.rows)}
        kinds = {kind: t for t, kind in enumerate(self.kinds)}
        found = []
        for order in permutations(s.coordinates):
            to = list(size)
            for i, j in zip(s.coordinates, order, strict=True):
                to[i + 1] = j + 1
            back = [to.index(j) for j in size]
            factors = [scale[i] / scale[j] for i, j in enumerate(to)]
            places = [rows.get(key(w, [factors[k] * u[k] for k in back], y)) for w, u, y in self.rows]
            if to != sorted(to) and None not in places:
                at = [k for k in places if k is not None]
                moved = [kinds.get((sign, tuple(pattern[k] for k in at))) for sign, pattern in self.kinds]
                if None not in moved:
                    found.append(Move(to, factors, at, [t for t in moved if t is not None]))
        return found

    def _orbit(self, groups: Sequence[frozenset[int]], part: frozenset[int], images: frozenset[int]) -> list[int]:
        """Return symmetries that keep all groups and under which the images of a part are those of the certificate."""
        found, chosen = part, []
        for place, move in enumerate(self.moves):
            pulled = frozenset(t for t, u in enumerate(move.moved) if u in part)
            if not pulled <= found and all(
                (u in kinds) == (t in kinds) for kinds in groups for t, u in enumerate(move.moved)
            ):
                found |= pulled
                chosen.append(place)
        if found != images:
            raise InvalidInput("A certificate for Coq must use symmetries that Coq's own types have.")
        return chosen

    def tree(self, root: dict[str, Any]) -> tuple[str, int]:
        """Return the tree as Coq text, and enough fuel for it.

        Coq splits the first group of its list and puts (rest, part) in its place; ``Turn`` moves the first to the end.
        """
        depth = 0
        check = checker.Tree(self.types, [], checker.Work())
        at: dict[int, list[int]] = {}
        for t, home in enumerate(self.home):
            if home is not None:
                at.setdefault(home, []).append(t)

        def here(kinds: Iterable[int]) -> frozenset[int]:
            return frozenset(t for kind in kinds for t in at.get(kind, ()))

        def shown(
            node: dict[str, Any], theirs: checker.Groups, groups: list[frozenset[int]], order: list[int], level: int
        ) -> str:
            """``theirs`` and ``groups`` are the groups as the checker numbers them, ``order`` their order in Coq."""
            nonlocal depth
            depth = max(depth, level)
            if "cut" in node:
                return f"Leaf {node['cut']}"
            which = node["group"]
            turns = order.index(which)
            order = [*order[turns:], *order[:turns]]
            part = here(node["part"])
            children, orbit = [], None
            for low, high, symmetric, below in node["children"]:
                taken, gone = set(node["part"]), part
                if symmetric:
                    taken = check.images(node["part"], theirs)
                    gone = here(taken)
                    orbit = self._orbit(groups, part, gone)
                kinds, capacity = theirs[which]
                left: checker.Groups = [
                    *theirs[:which],
                    (tuple(t for t in kinds if t not in taken), capacity - low),
                    *theirs[which + 1 :],
                    (tuple(sorted(taken)), low),
                ]
                split = [*groups[:which], groups[which] - gone, *groups[which + 1 :], groups[which] & gone]
                child = shown(below, left, split, [order[0], len(groups), *order[1:]], level + turns + 1)
                children += [child] * (high - low + 1)
            gaps = [b - a - 1 for a, b in pairwise([-1, *sorted(part)])]
            text = f"Node (types_at {in_list(gaps)}) [{'; '.join(children)}]"
            if orbit is not None:
                text = f"Orbit (types_at {in_list(gaps)}) {in_list(orbit)} ({children[0]}) [{'; '.join(children[1:])}]"
            return "Turn (" * turns + text + ")" * turns

        start = [frozenset(range(len(self.kinds)))]
        text = shown(root, [(self.types.live, self.statement.width)], start, [0], 1)
        return text, depth + 1


def _q(value: Fraction) -> str:
    if not value:
        return "o"
    top = f"({value.numerator})" if value < 0 else str(value.numerator)
    return f"({top}#{value.denominator})"


def coq_certificate(text: str, name: str) -> str:
    """Return a Coq file that checks a certificate: ``name_lower`` and ``name_attained``.

    Raises:
        MalformedError, RejectedError: as the checker.
        InvalidInput: the certificate has only one kind of biases, or uses symmetries that Coq's types do not have.
    """
    return in_coq(checker.check(text), checker.read(text), name)


def in_coq(s: checker.Statement, value: dict[str, Any], name: str) -> str:
    """Return the file of :func:`coq_certificate` for a statement and a certificate that need not prove it."""
    problem = CoqProblem(s)
    examples = in_list(f"({_q(mass)}, {in_list(map(_q, x))}, {_q(y)})" for x, y, mass in s.examples)
    biases, nonnegative = (str(flag).lower() for flag in (s.hidden_biases, s.nonnegative))
    cuts = ";\n ".join(problem.cut(cut) for cut in value["cuts"])
    tree, fuel = problem.tree(value["tree"])
    moves = ";\n ".join(move.text for move in problem.moves) if "Orbit" in tree else ""
    order = "; ".join(f"({i}%nat, {factor}%positive)" for i, factor in problem.in_order)
    networks = [value["network"]]
    if "minimisers" in value:
        networks += images(s, value["minimisers"])
    first, *others = (_network(s, network) for network in networks)
    lists = LISTS if "minimisers" in value else ""
    accepted = f"{name}_problem {s.width} {_q(s.lower)} {name}_certificate"
    shape = "widths W = [n]" if s.every_width else f"widths W = [{s.width}%nat]"
    proof = (
        f"""refine (every_width_sound {name}_problem {_q(s.lower)} (cover_tree {name}_certificate)
  (nth {value["tree"].get("cut", 0)} (cuts {name}_certificate) (Cut [] [])) _ n W HW HA).
  vm_cast_no_check (eq_refl true)."""
        if s.every_width
        else f"exact (proj1 (check_minimisers_sound {accepted} {name}_networks {name}_checked W HW HA))."
        if lists
        else f"apply (certificate_sound {accepted}); [vm_cast_no_check (eq_refl true) | exact HW | exact HA]."
    )
    return f"""(* {checker.describe(s)} *)
From Dropout Require Import Definitions Expectations Theorem_18 Rationals.
From Dropout Require Import Certificate Certificate_walk Certificate_cover Certificate_order Certificate_tree.
From Dropout Require Import Certificate_choices Certificate_minimisers.
Require Import QArith Qreals.
Open Scope R_scope.

Definition {name}_problem : problem := Problem {s.inputs} {_q(s.q[0])} {_q(s.q[1])} {biases} {nonnegative} {examples}.

Open Scope Z_scope.
Definition {name}_certificate : certificate := Certificate
 [{order}]
 {problem.cover.text}
 [{moves}]
 [{cuts}]
 {fuel}%nat
 ({tree})%nat.

Open Scope R_scope.

Definition {name}_network : qnetwork := {first}.
{lists.format(name=name, accepted=accepted, networks="; ".join(others), shape=shape, lower=_q(s.lower), width=s.width)}
Theorem {name}_lower {"n " * s.every_width}W : {shape} -> admissible {name}_problem W ->
  Q2R {_q(s.lower)} <= problem_criterion {name}_problem W.
Proof. intros HW HA. {proof} Qed.

Theorem {name}_attained : widths (real {name}_network) = [{s.width}%nat] /\\
  admissible {name}_problem (real {name}_network) /\\
  problem_criterion {name}_problem (real {name}_network) = Q2R {_q(s.upper)}.
Proof.
  apply (networks_attain {name}_problem {s.width} {_q(s.upper)} [{name}_network]); [|left; reflexivity].
  vm_cast_no_check (eq_refl true).
Qed.
"""


LISTS = """
Definition {name}_networks : list qnetwork := [{networks}].

Lemma {name}_checked : check_minimisers {accepted} {name}_networks = true.
Proof. vm_cast_no_check (eq_refl true). Qed.

Theorem {name}_minimisers_attain V : In V {name}_networks ->
  widths (real V) = [{width}%nat] /\\ admissible {name}_problem (real V) /\\
  problem_criterion {name}_problem (real V) = Q2R {lower}.
Proof.
  apply (networks_attain {name}_problem {width} {lower}). vm_cast_no_check (eq_refl true).
Qed.

Theorem {name}_minimisers W : {shape} -> admissible {name}_problem W ->
  problem_criterion {name}_problem W = Q2R {lower} ->
  exists V, In V {name}_networks /\\ same_minimiser {name}_problem (real V) W.
Proof. intros HW HA. exact (proj2 (check_minimisers_sound {accepted} {name}_networks {name}_checked W HW HA)). Qed.
"""


def _network(s: checker.Statement, network: dict[str, Any]) -> str:
    """Return a network as Coq text."""
    hidden = network["hidden_bias"] or [0] * s.width

    def number(v: Any) -> str:
        return _q(checker.rational(v, "number"))

    units = in_list(
        f"({in_list(map(number, row))}, {number(b)})" for row, b in zip(network["hidden_weights"], hidden, strict=True)
    )
    output = in_list(map(number, network["output_weights"]))
    return f"QHidden {units} (QOutput {output} {number(network['output_bias'] or 0)})"


def images(s: checker.Statement, networks: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the networks and their images under the permutations of inputs that keep the problem, each once.

    Coq lists minimisers up to equal responses and the order of the units only.
    """
    found: dict[Any, dict[str, Any]] = {}
    for network in networks:
        for order in minimisers_checker.equivalent_orders(s):
            rows = []
            for row in network["hidden_weights"]:
                moved = [checker.rational(v, "weight") for v in row]
                for i, k in zip(range(len(s.coordinates)), order, strict=False):
                    value = checker.rational(row[s.coordinates[i]], "weight")
                    moved[s.coordinates[k]] = value * s.scales[k] / s.scales[i]
                rows.append([f"{v.numerator}/{v.denominator}" for v in moved])
            image = network | {"hidden_weights": rows}
            bias, parts = minimisers_checker.parts_of(s, image)
            found.setdefault((bias, frozenset(parts.items())), image)
    return list(found.values())


def coq_pair(every: str, nonnegative: str) -> str:
    """Return a Coq file, on top of two files of :func:`coq_certificate`: every minimiser has a negative weight.

    ``every`` and ``nonnegative`` are their names; the second minimum must be above the first, which Coq checks.
    """
    return f"""From Dropout Require Import Definitions Expectations Theorem_18 Rationals Certificate Certificate_walk.
From Dropout Require Import Certificate_cover Certificate_tree {every} {nonnegative}.
Require Import QArith Qreals.
Open Scope R_scope.

Theorem {every}_needs_a_negative_weight W : widths W = widths (real {every}_network) -> admissible {every}_problem W ->
  (forall V, widths V = widths W -> admissible {every}_problem V ->
     problem_criterion {every}_problem W <= problem_criterion {every}_problem V) ->
  ~ nonnegative_weights (inputs {every}_problem) W.
Proof.
  intros HW [AB _] M N. destruct {every}_attained as (VW & VA & VJ).
  specialize (M (real {every}_network) (eq_sym HW) VA).
  rewrite VJ in M. rewrite VW in HW.
  assert (B := {nonnegative}_lower W HW ltac:(split; [exact AB | intros _; exact N])).
  change (problem_criterion {nonnegative}_problem W) with (problem_criterion {every}_problem W) in B.
  match type of B with Q2R ?low <= _ => match type of M with _ <= Q2R ?high =>
    assert (G : Q2R high < Q2R low) by (apply Qlt_Rlt; reflexivity) end end.
  lra.
Qed.
"""
