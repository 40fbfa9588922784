"""A second opinion: the lower bound of a minimisation as a file for the Coq proof assistant.

The generated file holds the reduced problem, the cuts and the tree as integers, and applies the theorem
``Minimum.lower_bound`` of proofs/coq/Minimum.v, whose Boolean check is evaluated by Coq's virtual machine. Trees that
use symmetries are not accepted there, so the problem is solved anew without them.

``python -m exactdropout.certificate.coq FOLDER`` writes the files of the shipped certificates into ``FOLDER/coq``.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

from exactdropout.certificate.shipped import SHIPPED, Shipped
from exactdropout.errors import InvalidInput
from exactdropout.model.files import write_atomically
from exactdropout.optimum.minimize import MAX_CONES, solve_problem
from exactdropout.optimum.result import Leaf, Optimum, ProofCut, Tree
from exactdropout.optimum.unit_types import Arrangement

__all__ = ["COQ_SHIPPED", "coq_file", "coq_name", "write_coq"]

# Without symmetries the tree of point-K4-n4 has thousands of leaves.
COQ_SHIPPED: tuple[Shipped, ...] = tuple(s for s in SHIPPED if s.name != "point-K4-n4")


def coq_name(item: Shipped) -> str:
    """Return the name of the Coq file of a shipped certificate, without its suffix."""
    return item.name.replace("-", "_")


def _list(values: Iterable[object]) -> str:
    return "[" + "; ".join(map(str, values)) + "]"


def _integers(values: Iterable[int]) -> str:
    return _list(f"({v})" if v < 0 else v for v in values)


def _cut(arrangement: Arrangement, cut: ProofCut) -> str:
    """Return one cut: z, and the witnesses on the points of those live types that need one, over one denominator."""
    rows = {t: arrangement.response(t, h) for t, h in cut.witnesses}
    bottom = math.lcm(*(v.denominator for row in (cut.residual, *rows.values()) for v in row))

    def scaled(row: Sequence[Fraction]) -> str:
        return _integers(int(v * bottom) for v in row)

    witnesses = "; ".join(scaled(rows[t]) if t in rows else "[]" for t in arrangement.live)
    return f"{{| den := {bottom}; res := {scaled(cut.residual)}; wits := [\n  {witnesses}] |}}"


def _cones(arrangement: Arrangement) -> tuple[str, str]:
    """Return the definitions of rays and cones, each once, and the list of live types."""
    a = arrangement
    rays = {row: f"r{i}" for i, row in enumerate(dict.fromkeys(r for rows in a.responses for r in rows))}
    lines = [f"Definition {name} := {_integers(row)}." for row, name in rays.items()]
    lines += [f"Definition k{i} := {_list(rays[r] for r in rows)}." for i, rows in enumerate(a.responses)]
    kinds = "; ".join(f"{{| sign := {a.sign(t)}; rays := k{a.cone(t)} |}}" for t in a.live)
    return "\n".join(lines), kinds


def _tree(tree: Tree, groups: list[int], names: dict[int, int]) -> str:
    """Return a tree in Coq's form; ``groups`` names the groups in the order in which Coq has them.

    Coq splits the first group of its list, so ``Turn`` moves the first to the end until the wanted one leads. The
    groups of a proof node are numbered by position; a split replaces one in place and appends the part.
    """
    if isinstance(tree, Leaf):
        return f"Leaf {tree.cut}"
    turns = groups.index(tree.group)
    order = [*groups[turns:], *groups[:turns]]
    appended = len(groups)
    children: list[str] = []
    for low, high, orbit, below in tree.children:
        if orbit:
            raise InvalidInput("Argument 'optimum' must be solved without symmetries for Coq.")
        child = _tree(below, [order[0], appended, *order[1:]], names)
        children += [child] * (high - low + 1)
    part = _list(names[t] for t in tree.part)
    below_all = ";\n ".join(children)
    body = f"Node {part} [{below_all}]"
    for _ in range(turns):
        body = f"Turn ({body})"
    return body


def _depth(tree: Tree) -> int:
    """Return enough fuel for a tree: a node needs one unit, and one for each turn before it."""
    if isinstance(tree, Leaf):
        return 1
    return 2 + max(_depth(below) for *_, below in tree.children)


def coq_file(optimum: Optimum) -> str:
    """Return the text of a Coq file that proves ``optimum.lower`` as a lower bound of the reduced criterion.

    Raises:
        InvalidInput: the proof uses symmetries.
    """
    proof = optimum.proof
    problem = proof.problem
    a = Arrangement(problem, MAX_CONES)
    names = {t: i for i, t in enumerate(a.live)}
    common = math.lcm(*(w.denominator for w in problem.weights))
    noise, lower = problem.noise * common, proof.lower * common
    scale = math.lcm(noise.denominator, lower.denominator, *(y.denominator for y in problem.labels))
    cones, kinds = _cones(a)
    cuts = ";\n ".join(_cut(a, c) for c in proof.cuts)
    restriction = ", weights non-negative" if problem.nonnegative else ""
    rates = ", ".join(map(str, problem.rates))
    fuel = _depth(proof.tree) * (problem.width + 2) * 4
    bias = "true" if problem.architecture.output_bias else "false"
    return f"""(* Generated by exactdropout.certificate.coq; do not edit.
   {problem.architecture}, q = {rates}{restriction}. *)
Require Import Reals List ZArith Minimum.
Import ListNotations.
Open Scope Z_scope.

{cones}

Definition problem : data := {{|
  size := {len(problem.points)}%nat; weights := {_integers(int(w * common) for w in problem.weights)};
  labels := {_integers(int(y * scale) for y in problem.labels)}; noise := {int(noise * scale)}; scale := {scale};
  lam_num := {problem.penalty.numerator}; lam_den := {problem.penalty.denominator}; free_bias := {bias};
  types := [
  {kinds}] |}}.

Definition cuts : list cut := [
 {cuts}].

Definition proof_tree : tree := (
 {_tree(proof.tree, [0], names)})%nat.

(* The criterion, times the common denominator {common} of the weights, is at least {lower}. *)
Theorem minimum : forall us b, length us = {problem.width}%nat -> List.Forall (valid_unit problem) us ->
  (free_bias problem = true \\/ b = 0%R) -> (IZR ({int(lower * scale)}) / IZR {scale} <= criterion problem us b)%R.
Proof.
  apply (lower_bound problem cuts ({int(lower * scale)}) {fuel}%nat {problem.width}%nat proof_tree).
  vm_cast_no_check (eq_refl true).
Qed.
"""


def write_coq(folder: Path, items: Sequence[Shipped] = COQ_SHIPPED) -> None:
    """Solve shipped problems without symmetries and write their Coq files."""
    target = folder / "coq"
    target.mkdir(parents=True, exist_ok=True)
    for item in items:
        best = solve_problem(item.problem(), symmetric=False)
        write_atomically(target / f"{coq_name(item)}.v", coq_file(best).encode())


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m exactdropout.certificate.coq FOLDER")
    write_coq(Path(sys.argv[1]))
