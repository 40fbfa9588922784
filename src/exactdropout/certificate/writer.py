"""Writes certificates: the JSON document of proofs/FORMAT.md from a minimisation."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from exactdropout.certificate import checker, minimisers_checker
from exactdropout.errors import CostLimitExceeded
from exactdropout.model import Architecture, Examples, Network
from exactdropout.model.files import write_atomically
from exactdropout.optimum.infinite_width import infinite_width_residual
from exactdropout.optimum.result import Leaf, Optimum, Tree
from exactdropout.optimum.unit_types import Arrangement

__all__ = [
    "document",
    "every_width_document",
    "rational",
    "shape",
    "write_certificate",
    "write_every_width_certificate",
]


def rational(value: Fraction) -> int | str:
    """Return a rational as the JSON of a certificate."""
    small = value.denominator == 1 and abs(value) < 2**53
    return value.numerator if small else f"{value.numerator}/{value.denominator}"


def _over(vector: Sequence[Fraction]) -> list[Any]:
    """Return [denominator, integers]."""
    bottom = math.lcm(*(v.denominator for v in vector))
    return [bottom, [int(v * bottom) for v in vector]]


def _node(tree: Tree) -> dict[str, Any]:
    """Return a tree as nested objects; a loop, because a tree may be deeper than Python's stack."""
    root: dict[str, Any] = {}
    waiting = [(tree, root)]
    while waiting:
        here, node = waiting.pop()
        if isinstance(here, Leaf):
            node["cut"] = here.cut
            continue
        below: list[dict[str, Any]] = [{} for _ in here.children]
        children = [[*child[:3], lower] for child, lower in zip(here.children, below, strict=True)]
        node.update({"group": here.group, "part": list(here.part), "children": children})
        waiting += [(child[3], lower) for child, lower in zip(here.children, below, strict=True)]
    return root


def shape(arch: Architecture, data: Examples, *, nonnegative: bool) -> dict[str, Any]:
    """Return the part of a statement that says of which networks and examples it speaks."""
    return {
        "inputs": arch.inputs,
        "width": arch.hidden[0],
        "hidden_biases": arch.hidden_biases,
        "output_bias": arch.output_bias,
        "nonnegative": nonnegative,
        "examples": [
            [[rational(v) for v in x], rational(y), rational(p)]
            for x, y, p in zip(data.inputs.tolist(), data.labels[:, 0].tolist(), data.probabilities, strict=True)
        ],
    }


def _network(network: Network) -> dict[str, Any]:
    """Return a network with one hidden layer and one output as the JSON of a certificate."""
    first, output = network.weights
    hidden, bias = network.biases
    return {
        "hidden_weights": [[rational(v) for v in row] for row in first.tolist()],
        "hidden_bias": None if hidden is None else [rational(v) for v in hidden.tolist()],
        "output_weights": [rational(v) for v in output[0].tolist()],
        "output_bias": None if bias is None else rational(bias[0]),
    }


def document(optimum: Optimum, *, minimisers: bool = False) -> dict[str, Any]:
    """Return the certificate of a minimisation as the JSON document of proofs/FORMAT.md.

    It proves lower ≤ min J_D ≤ upper to ``checker.py``, and equality where the status is ``"certified"``. With
    ``minimisers`` it holds those that are listed, and ``minimisers_checker.py`` proves that there are no others.
    """
    proof = optimum.proof
    problem = proof.problem
    arch = problem.architecture
    found = {
        "format": "exactdropout-minimum",
        "version": 1,
        "statement": {
            **shape(arch, problem.data, nonnegative=problem.nonnegative),
            "q": [rational(r) for r in problem.rates],
            "lower": rational(proof.lower),
            "upper": rational(proof.upper),
        },
        "network": _network(problem.network(proof.units, proof.output_bias)),
        "cuts": [
            {"z": _over(cut.residual), "witnesses": [[t, _over(h)] for t, h in cut.witnesses]} for cut in proof.cuts
        ],
        "tree": _node(proof.tree),
    }
    if proof.ordered:
        found["ordered"] = True
    return found | {"minimisers": [_network(m.network) for m in optimum.minimisers]} if minimisers else found


def every_width_document(optimum: Optimum) -> dict[str, Any]:
    """Return a certificate of inf over n of the minimum, a lower bound at every width, for a minimised problem.

    Its cut is the residual of the infinite width (:mod:`exactdropout.optimum.infinite_width`), whose kappa vanish; its
    network is that of ``optimum``, so that ``upper`` holds from its width on. Cost: the cones of one unit once more.

    Raises:
        CostLimitExceeded: ``optimum`` took one unit with its weights in order, because there are too many cones.
    """
    if optimum.proof.ordered:
        raise CostLimitExceeded(
            "No certificate was written: it needs all cones of a unit, and those with weights in order alone were "
            "listed."
        )
    arrangement = Arrangement(optimum.proof.problem, math.inf)
    z = infinite_width_residual(arrangement)
    found = document(optimum)
    bound = rational(arrangement.problem.noise + arrangement.norm(z))
    none = [1, [0] * arrangement.problem.dimension]
    return found | {
        "statement": found["statement"] | {"width": "any", "lower": bound},
        "cuts": [{"z": _over(z), "witnesses": [[t, none] for t in arrangement.live]}],
        "tree": {"cut": 0},
    }


def write_every_width_certificate(optimum: Optimum, path: str | Path) -> None:
    """Write :func:`every_width_document`, atomically, after the checker has read it.

    Raises:
        CostLimitExceeded: the certificate is beyond a limit of the checker, or needs too many cones.
    """
    text = json.dumps(every_width_document(optimum)) + "\n"
    try:
        checker.check(text)
    except checker.MalformedError as error:
        raise CostLimitExceeded(f"No certificate was written: the checker would refuse it ({error}).") from None
    write_atomically(path, text.encode())


def write_certificate(optimum: Optimum, path: str | Path) -> bool:
    """Write the certificate of a minimisation, atomically; one cut per line, so that files can be compared.

    The checkers read the text before it is written, so a file that they would refuse is never left behind. Return
    whether it also proves that no minimisers but the listed ones exist; where that is not proved, or too much work for
    ``minimisers_checker.py``, the file proves the value only.

    Raises:
        CostLimitExceeded: the certificate is beyond a limit of the checker.
    """
    try:
        with checker.deep_trees():
            text = certificate_text(optimum)
            listed = certificate_text(optimum, minimisers=True) if optimum.leaves_exhausted else ""
        complete = False
        if listed:
            try:
                minimisers_checker.check(listed)
                text, complete = listed, True
            except (checker.MalformedError, checker.RejectedError):
                listed = ""
        if not complete:
            checker.check(text)
    except (checker.MalformedError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise CostLimitExceeded(f"No certificate was written: the checker would refuse it ({reason}).") from None
    write_atomically(path, text.encode())
    return complete


def certificate_text(optimum: Optimum, *, minimisers: bool = False) -> str:
    """Return the text of a certificate."""
    value = document(optimum, minimisers=minimisers)
    parts = [f"{json.dumps(key)}: {json.dumps(value[key])}" for key in value if key != "cuts"]
    cuts = ",\n  ".join(json.dumps(cut) for cut in value["cuts"])
    parts.insert(4, f'"cuts": [\n  {cuts}\n]')
    return "{" + ",\n".join(parts) + "}\n"
