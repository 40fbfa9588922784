"""``exactdropout check``: is a claim about dropout true? Proved, refuted by an exact point, or undecided."""

from __future__ import annotations

import argparse
from typing import Any

from exactdropout.cli.arguments import (
    add_claim_problem,
    add_cost,
    add_json,
    add_names,
    claim_problem,
    cost_limit,
    own_names,
    wants_progress,
)  # fmt: skip
from exactdropout.cli.output import print_json
from exactdropout.model.numbers import format_rational

__all__ = ["add"]

_EXIT = {"proved": 0, "refuted": 1, "undecided": 3}


def add(commands: Any) -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "check",
        help="prove or refute a claim, in text or LaTeX",
        description="Prove or refute a claim about the dropout criterion, such as "
        "'penalty = q/(1-q) * Sum(x[i]^2 * w[i]^2, i=1..K)' or the same in LaTeX. Exit code 0 proved, 1 refuted, "
        "2 bad input, 3 undecided.",
        allow_abbrev=False,
    )
    command.add_argument("claim", help="the claim; its grammar is in the documentation")
    add_claim_problem(command)
    command.add_argument(
        "--assume", action="append", metavar="TEXT", help="assumption such as 'w >= 0' or 'y = 2*c' (repeat, or commas)"
    )
    add_names(command, "what the claim calls a symbol of the grammar")
    add_cost(command)
    add_json(command)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Check and print."""
    from exactdropout.claims import check

    verdict = check(
        options.claim,
        **claim_problem(options),
        assume=options.assume,
        names=own_names(options),
        max_cost=cost_limit(options.max_cost),
        progress=wants_progress(options),
    )
    if options.json:
        print_json("check", _json(verdict))
    else:
        print(verdict)
    return _EXIT[verdict.status]


def _json(verdict: Any) -> dict[str, Any]:
    content: dict[str, Any] = {
        "status": verdict.status,
        "claim": str(verdict.claim),
        "latex": verdict.claim.latex(),
        "scope": verdict.scope,
        "steps": list(verdict.steps),
        "assumptions": list(verdict.assumptions),
        "near_miss": None if verdict.near_miss is None else str(verdict.near_miss),
        "evidence": verdict.evidence,
        "counterexample": None,
    }
    point = verdict.counterexample
    if point is not None:
        content["counterexample"] = {
            "left": format_rational(point.left),
            "relation": point.relation,
            "right": format_rational(point.right),
            "note": point.note.strip(),
            "values": {name: format_rational(value) for name, value in point.values.items()},
            "rates": [format_rational(rate) for rate in point.rates],
        }
    return content
