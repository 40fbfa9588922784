"""Writes certificates: the JSON document of proofs/FORMAT.md from a minimisation."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from exactdropout.model.files import write_atomically
from exactdropout.optimum.result import Leaf, Optimum, Tree

__all__ = ["document", "write_certificate"]


def _rational(value: Fraction) -> int | str:
    small = value.denominator == 1 and abs(value) < 2**53
    return value.numerator if small else f"{value.numerator}/{value.denominator}"


def _over(vector: Sequence[Fraction]) -> list[Any]:
    """Return [denominator, integers]."""
    bottom = math.lcm(*(v.denominator for v in vector))
    return [bottom, [int(v * bottom) for v in vector]]


def _node(tree: Tree) -> dict[str, Any]:
    if isinstance(tree, Leaf):
        return {"cut": tree.cut}
    children = [[low, high, orbit, _node(below)] for low, high, orbit, below in tree.children]
    return {"group": tree.group, "part": list(tree.part), "children": children}


def document(optimum: Optimum) -> dict[str, Any]:
    """Return the certificate of a minimisation as the JSON document of proofs/FORMAT.md.

    It proves lower ≤ min J_D ≤ upper to ``checker.py``, and equality where the status is ``"certified"``.
    """
    proof = optimum.proof
    problem = proof.problem
    arch, data = problem.architecture, problem.data
    network = problem.network(proof.units, proof.output_bias)
    first, output = network.weights
    hidden, bias = network.biases
    return {
        "format": "exactdropout-minimum",
        "version": 1,
        "statement": {
            "inputs": arch.inputs,
            "width": problem.width,
            "hidden_biases": arch.hidden_biases,
            "output_bias": arch.output_bias,
            "nonnegative": problem.nonnegative,
            "q": [_rational(r) for r in problem.rates],
            "examples": [
                [[_rational(v) for v in x], _rational(y), _rational(p)]
                for x, y, p in zip(data.inputs.tolist(), data.labels[:, 0].tolist(), data.probabilities, strict=True)
            ],
            "lower": _rational(proof.lower),
            "upper": _rational(proof.upper),
        },
        "network": {
            "hidden_weights": [[_rational(v) for v in row] for row in first.tolist()],
            "hidden_bias": None if hidden is None else [_rational(v) for v in hidden.tolist()],
            "output_weights": [_rational(v) for v in output[0].tolist()],
            "output_bias": None if bias is None else _rational(bias[0]),
        },
        "cuts": [
            {"z": _over(cut.residual), "witnesses": [[t, _over(h)] for t, h in cut.witnesses]} for cut in proof.cuts
        ],
        "tree": _node(proof.tree),
    }


def write_certificate(optimum: Optimum, path: str | Path) -> None:
    """Write the certificate of a minimisation, atomically; one cut per line, so that files can be compared."""
    value = document(optimum)
    parts = [f"{json.dumps(key)}: {json.dumps(value[key])}" for key in value if key != "cuts"]
    cuts = ",\n  ".join(json.dumps(cut) for cut in value["cuts"])
    parts.insert(4, f'"cuts": [\n  {cuts}\n]')
    write_atomically(path, ("{" + ",\n".join(parts) + "}\n").encode())
