"""Writes certificates of phases: the JSON document of proofs/FORMAT.md, section 7, from the phases of an optimum."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from exactdropout.algebra.algebraic import Algebraic, RationalFunction
from exactdropout.certificate import checker, phases_checker
from exactdropout.certificate.writer import rational, shape
from exactdropout.errors import CostLimitExceeded, InvalidInput
from exactdropout.model.files import write_atomically
from exactdropout.optimum.phases.cell_proof import Branch, CellProof, Half, Tip
from exactdropout.optimum.phases.result import Cell, Phases

__all__ = ["phases_document", "write_phases_certificate"]

WIDTH = Fraction(1, 1 << 40)


class _Ends:
    """The ends of all cells in order, each listed once."""

    def __init__(self, values: Sequence[Algebraic]) -> None:
        self.values: list[Algebraic] = []
        for value in sorted(values):
            if not self.values or self.values[-1] != value:
                self.values.append(value)

    def number(self, value: Algebraic) -> int:
        return next(k for k, v in enumerate(self.values) if v == value)

    def document(self) -> list[Any]:
        return [_end(value) for value in self.values]


def _end(value: Algebraic) -> Any:
    if value.is_rational:
        return rational(Fraction(-value.minimal_polynomial[0], value.minimal_polynomial[1]))
    near = value.refined(WIDTH)
    return {"polynomial": list(near.minimal_polynomial), "low": rational(near.low), "high": rational(near.high)}


def _tree(tree: Branch | Tip) -> dict[str, Any]:
    if isinstance(tree, Tip):
        return {"leaf": tree.leaf}
    children = [_tree(child) for child in tree.children]
    return {"group": tree.group, "part": list(tree.part), "orbit": tree.orbit, "children": children}


def _side(half: Half, ends: _Ends) -> dict[str, Any]:
    return {
        "from": ends.number(half.lower),
        "to": ends.number(half.upper),
        "cuts": [[[list(f) for f in top], list(below)] for top, below in half.cuts],
        "witnesses": [[cut, kind, [list(f) for f in h], list(below)] for cut, kind, h, below in half.witnesses],
        "leaves": [[leaf.cut, rational(leaf.slack), [list(w) for w in leaf.witnesses]] for leaf in half.leaves],
    }


def phases_document(phases: Phases) -> dict[str, Any]:
    """Return the certificate of phases as the JSON document of proofs/FORMAT.md, section 7.

    It proves to ``phases_checker.py`` the value of each piece for every q of it; of uncertified q it says nothing.

    Raises:
        InvalidInput: phases found without ``keep_proof=True``.
    """
    found: dict[tuple[Algebraic, Algebraic], tuple[Cell, CellProof, RationalFunction]] = {}
    for piece in phases.pieces:
        for cell in piece.cells:
            if cell.proof is None:
                raise InvalidInput("Argument 'phases' must hold its proofs: find it by phases(..., keep_proof=True).")
            found.setdefault((cell.lower, cell.upper), (cell, cell.proof, piece.value))
    cells = sorted(found.values(), key=lambda c: c[0].lower)
    ends = _Ends([end for _, proof, _ in cells for half in proof.halves for end in (half.lower, half.upper)])
    intervals: list[tuple[int, int, RationalFunction, Fraction]] = []
    entries = []
    for cell, proof, value in cells:
        low, high = ends.number(cell.lower), ends.number(cell.upper)
        if intervals and intervals[-1][1] == low and intervals[-1][2] == value:
            intervals[-1] = (intervals[-1][0], high, *intervals[-1][2:])
        else:
            intervals.append((low, high, value, cell.sample))
        entries.append(
            {
                "interval": len(intervals) - 1,
                "network": {
                    "units": [[sign, count, [list(f) for f in c]] for sign, count, c in proof.units],
                    "output_bias": list(proof.bias),
                    "denominator": list(proof.denominator),
                },
                "tree": None if proof.tree is None else _tree(proof.tree),
                "sides": [_side(half, ends) for half in proof.halves],
            }
        )
    return {
        "format": "exactdropout-phases",
        "version": 1,
        "statement": {
            **shape(phases.architecture, phases.data, nonnegative=phases.restricted),
            "ends": ends.document(),
            "intervals": [[low, high, *_quotient(value, q)] for low, high, value, q in intervals],
        },
        "cells": entries,
    }


def _quotient(value: RationalFunction, q: Fraction) -> tuple[list[int], list[int]]:
    """Return numerator and denominator, the latter positive at q."""
    below = sum((c * q**k for k, c in enumerate(value.denominator)), Fraction(0))
    side = 1 if below > 0 else -1
    return [side * c for c in value.numerator], [side * c for c in value.denominator]


def write_phases_certificate(phases: Phases, path: str | Path) -> None:
    """Write the certificate of phases, atomically; one cell per line.

    The checker reads the text before it is written, so a file that it would refuse is never left behind.

    Raises:
        InvalidInput: phases found without ``keep_proof=True``.
        CostLimitExceeded: the certificate is beyond a limit of the checker.
    """
    value = phases_document(phases)
    parts = [f"{json.dumps(key)}: {json.dumps(value[key])}" for key in value if key != "cells"]
    cells = ",\n  ".join(json.dumps(cell, separators=(",", ":")) for cell in value["cells"])
    text = "{" + ",\n".join([*parts, f'"cells": [\n  {cells}\n]']) + "}\n"
    try:
        phases_checker.check(text)
    except checker.MalformedError as error:
        raise CostLimitExceeded(f"No certificate was written: the checker would refuse it ({error}).") from None
    write_atomically(path, text.encode())
