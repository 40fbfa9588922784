"""``exactdropout derive``: criterion, risk, penalty and their parts as exact formulas: text, LaTeX, MathML, code."""

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
from exactdropout.cli.derivatives import add_derivatives, print_derivatives, wanted
from exactdropout.cli.output import print_formula, print_json
from exactdropout.errors import InvalidInput
from exactdropout.model.numbers import show
from exactdropout.notation.style import MAX_WIDTH, MIN_WIDTH

__all__ = ["add"]

_COMPACT = ("criterion", "penalty", "variance")
_SYMBOLS = {"x", "y", "w", "W", "b", "q", "p", "K", "n", "d"}
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
        "--compact", action="store_true", help="criterion, penalty and variance as sums of squares, one for each "
        "distinct masked input",
    )  # fmt: skip
    command.add_argument(
        "--assume", action="append", metavar="TEXT", help="assumption of a closed form, such as 'weights = c, c >= 0'"
    )
    add_derivatives(command)
    form = command.add_mutually_exclusive_group()
    form.add_argument("--text", action="store_true", help="print text in the grammar of claims (the default)")
    form.add_argument(
        "--latex",
        action="store_true",
        help="print LaTeX to stand inside \\[ \\] or equation "
        "(--environment puts it there; amsmath), long sums broken into aligned lines",
    )
    form.add_argument("--mathml", action="store_true", help="print MathML")
    form.add_argument(
        "--code", choices=("python", "numpy", "sympy", "c"), help="print source text of a function for each quantity"
    )
    command.add_argument(
        "--width",
        type=int,
        help="letters of a line of LaTeX: 76 (66 with derivatives), the page of --standalone; a plain article has 64",
    )
    add_names(command, "print a symbol under another name")
    add_relu(command)
    command.add_argument(
        "--index", choices=("subscript", "bracket", "superscript-layer"), default="subscript", help="style of indices"
    )
    command.add_argument(
        "--environment", choices=("none", "equation", "equation*", "align", "align*"), default="none",
        help="LaTeX environment around each formula",
    )  # fmt: skip
    command.add_argument("--standalone", action="store_true", help="print a LaTeX document that compiles as it stands")
    add_cost(command)
    add_json(command)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Derive and print."""
    from exactdropout.claims.derived_claims import closed_forms, derived_claims, derived_formulas
    from exactdropout.claims.language.syntax import aligned_latex, broken, claim_latex, claim_text
    from exactdropout.notation.document import display, document

    style = _style(options)
    problem, quantities = claim_problem(options), options.quantity or (_COMPACT if options.compact else _QUANTITIES)
    if options.stationary and not options.regions:
        raise InvalidInput("Argument '--stationary' must stand beside '--regions'.")
    if options.compact and (options.closed_form or options.assume):
        raise InvalidInput("Argument '--compact' must stand without '--closed-form' and '--assume': it needs numbers.")
    if options.compact and not set(quantities) <= set(_COMPACT):
        raise InvalidInput(f"Argument '--quantity' must be one of {', '.join(_COMPACT)} beside '--compact'.")
    if wanted(options):
        _check_names(style, {})
        return print_derivatives(problem, options, style)
    closed = options.closed_form or options.assume
    if options.code:
        if closed:
            raise InvalidInput("Argument '--code' must stand without '--closed-form' and '--assume': it needs numbers.")
        limit = cost_limit(options.max_cost)
        formulas = derived_formulas(
            **problem, quantities=quantities, max_cost=limit, compact=options.compact, progress=wants_progress(options)
        )
        code = {name: formula.code(options.code, name) for name, formula in formulas.items()}
        if options.json:
            print_json("derive", {name: {"code": source} for name, source in code.items()})
        else:
            print("\n\n".join(code.values()), end="")
        return 0
    if closed:
        claims = closed_forms(**problem, assume=options.assume, quantities=quantities)
    else:
        claims = derived_claims(
            **problem,
            quantities=quantities,
            max_cost=cost_limit(options.max_cost),
            compact=options.compact,
            progress=wants_progress(options),
        )
    _check_names(style, claims)
    if options.json:
        forms = {
            name: {
                "text": claim_text(c, style),
                "latex": claim_latex(c, style),
                **({"mathml": c.mathml(style)} if options.mathml else {}),
            }
            for name, c in claims.items()
        }
        print_json("derive", forms)
    elif options.latex or options.standalone:
        shown = [aligned_latex(claim if closed else broken(claim, style), display(style)) for claim in claims.values()]
        print(document(*shown) if style.standalone else "\n".join(shown))
    else:
        for claim in claims.values():
            print_formula(claim.mathml(style) if options.mathml else claim_text(claim, style))
    return 0


def _check_names(style: Any, claims: dict[str, Any]) -> None:
    """Refuse ``--name`` for a symbol that is not there, or that makes two symbols one."""
    from exactdropout.claims.language.syntax import Name, check_names_apart, walk

    there = {node.name for claim in claims.values() for node in walk(claim) if isinstance(node, Name)}
    for name in style.names:
        if name not in there | _SYMBOLS:
            raise InvalidInput(f"Argument '--name' must rename a symbol of the formulas, not {show(name)}.")
    for claim in claims.values():
        check_names_apart(claim, style)


def _style(options: argparse.Namespace) -> Any:
    from exactdropout.notation import Style

    width = (66 if wanted(options) else 76) if options.width is None else options.width
    if not MIN_WIDTH <= width <= MAX_WIDTH:
        raise InvalidInput(f"Argument '--width' must be from {MIN_WIDTH} to {MAX_WIDTH}, not {width}.")
    return Style(
        names=own_names(options), index=options.index, relu=options.relu, width=width,
        environment=options.environment, standalone=options.standalone,
    )  # fmt: skip
