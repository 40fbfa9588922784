"""``exactdropout check``: is a claim about dropout true? Proved, refuted by an exact point, or undecided."""

from __future__ import annotations

import argparse
from typing import Any

from exactdropout.cli.arguments import (
    add_claim_problem,
    add_cost,
    add_json,
    add_names,
    add_relu,
    claim_problem,
    cost_limit,
    own_names,
    wants_progress,
)  # fmt: skip
from exactdropout.cli.check_document import check_a_document, looks_like_a_file, names_a_document, refuse_file
from exactdropout.cli.output import print_json, print_words
from exactdropout.cli.verdict_json import verdict_content
from exactdropout.errors import InvalidInput

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
    command.add_argument(
        "claim",
        help="the claim; its grammar is in the documentation. Or a document, .tex, .md or .txt, or - for standard "
        "input: each step of its derivations is judged",
    )
    add_claim_problem(command, required=False)
    command.add_argument("--html", metavar="FILE", help="of a document: write an annotated page")
    command.add_argument(
        "--latex", action="store_true",
        help="print a theorem with its proof, or the claim with its counterexample, for a document with amsmath, "
        "amssymb, amsthm, \\newtheorem{theorem}{Theorem} and \\newtheorem{claim}{Claim}",
    )  # fmt: skip
    command.add_argument(
        "--standalone", action="store_true", help="with --latex: print a document that compiles as it stands"
    )
    command.add_argument(
        "--assume", action="append", metavar="TEXT", help="assumption such as 'w >= 0' or 'y = 2*c' (repeat, or commas)"
    )
    add_names(command, "what the claim calls a symbol of the grammar")
    add_relu(command)
    add_cost(command)
    add_json(command)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Check and print."""
    if options.standalone and not options.latex:
        raise InvalidInput("Argument '--standalone' goes with '--latex'.")
    if options.latex and options.json:
        raise InvalidInput("Argument '--latex' and '--json' exclude each other.")
    if looks_like_a_file(options.claim):
        refuse_file(options.claim)
    if names_a_document(options.claim):
        if options.latex:
            raise InvalidInput("Argument '--latex' goes with one claim; for a document there is '--html'.")
        return check_a_document(options)
    if options.architecture is None:
        raise InvalidInput("Argument '--architecture' must be given, such as --architecture 'K-1, no biases'.")
    if options.html is not None:
        raise InvalidInput("Argument '--html' goes with a document, such as paper.tex.")
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
        print_json("check", verdict_content(verdict))
    elif options.latex:
        print(verdict.latex(standalone=options.standalone, relu=options.relu, names=own_names(options) or {}))
    else:
        print_words(str(verdict))
    return _EXIT[verdict.status]
