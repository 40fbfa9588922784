"""``exactdropout derive``: criterion, risk, penalty and their parts as exact formulas, in text, LaTeX or JSON."""

from __future__ import annotations

import argparse
from typing import Any

from exactdropout.cli.arguments import add_claim_problem, add_cost, add_json, claim_problem, cost_limit
from exactdropout.cli.output import print_json
from exactdropout.errors import InvalidInput

__all__ = ["add"]

_QUANTITIES = ("criterion", "risk", "penalty", "mean", "variance")


def add(commands: Any) -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "derive",
        help="criterion, penalty and their parts as exact formulas",
        description="Derive the dropout criterion, risk, penalty, mean and variance of an architecture with free "
        "weights, inputs, label and q. The formulas are written in the grammar of claims, so that check reads them.",
        allow_abbrev=False,
    )
    add_claim_problem(command)
    command.add_argument(
        "--quantity", action="append", choices=_QUANTITIES, help="what to derive (repeat); all by default"
    )
    command.add_argument(
        "--closed-form", action="store_true", help="sums and products over layers, for sizes that may be K, n, d: "
        "linear units, non-negative weights and inputs, or only the last layer dropped",
    )  # fmt: skip
    command.add_argument(
        "--assume", action="append", metavar="TEXT", help="assumption of a closed form, such as 'weights = c, c >= 0'"
    )
    command.add_argument("--latex", action="store_true", help="print LaTeX, long sums broken into aligned lines")
    command.add_argument("--width", type=int, default=90, help="characters of a line of LaTeX (90)")
    add_cost(command)
    add_json(command)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Derive and print."""
    from exactdropout.claims.formulas import closed_forms, derived_claims
    from exactdropout.claims.printing import aligned_latex

    if options.width < 20:
        raise InvalidInput(f"Argument '--width' must be at least 20, not {options.width}.")
    problem, quantities = claim_problem(options), options.quantity or _QUANTITIES
    if options.closed_form or options.assume:
        claims = closed_forms(**problem, assume=options.assume, quantities=quantities)
    else:
        claims = derived_claims(**problem, quantities=quantities, max_cost=cost_limit(options.max_cost))
    if options.json:
        print_json("derive", {name: {"text": str(c), "latex": c.latex()} for name, c in claims.items()})
    else:
        for claim in claims.values():
            print(aligned_latex(claim, options.width) if options.latex else claim)
    return 0
