"""``exactdropout phases``: the certified optimum as a function of the drop probability, and its diagram."""

from __future__ import annotations

import argparse
from typing import Any

from exactdropout.cli.arguments import add_cost, add_json, add_problem, cost_limit, load_problem, wants_progress
from exactdropout.cli.messages import complain
from exactdropout.cli.output import print_json, print_table, print_words
from exactdropout.errors import InvalidInput
from exactdropout.model import Architecture
from exactdropout.model.numbers import format_rational, parse_rational, show
from exactdropout.notation.chart import check_suffix, without_display, write_picture

__all__ = ["add"]

EXIT_OPEN_INTERVAL = 3
SHORT, LONG = 26, 400
"""Letters of a formula inside the table, and of one below it."""


def add(commands: Any) -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "phases",
        help="the exact global minimum as a function of the drop probability, with proof",
        description="Find the numbers q at which the minimiser of the dropout criterion of one hidden relu layer "
        "changes: exact breakpoints, and the minimum and a minimiser as rational functions of q in between. Exit code "
        "3 when part of (0, 1) was not certified.",
        allow_abbrev=False,
    )
    add_problem(command)
    command.add_argument("--nonnegative", action="store_true", help="over non-negative weights only (biases free)")
    command.add_argument("--time-limit", metavar="SECONDS", help="per width; what is open then is listed as such")
    command.add_argument(
        "--plot", metavar="FILE", help="draw the pieces over q for all widths 1 ... N (.svg, .png or .pdf)"
    )
    command.add_argument(
        "--certificate", metavar="FILE.json", help="write the proof (of the width N) for the independent checker"
    )
    add_cost(command)
    add_json(command)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Find the phases, draw and print."""
    from exactdropout.optimum.phases.phases import phases

    if options.plot:
        check_suffix(options.plot, "--plot")
        without_display()
    if options.certificate and not options.certificate.endswith(".json"):
        raise InvalidInput(f"Argument '--certificate' must end in .json, not {show(options.certificate)}.")
    architecture, data = load_problem(options)
    limit = None
    if options.time_limit is not None:
        limit = float(parse_rational(options.time_limit, "--time-limit"))
    shapes = [architecture]
    if options.plot and len(architecture.hidden) == 1:  # all widths up to this one
        shapes = [
            Architecture(
                architecture.inputs, (width,), architecture.outputs, hidden_biases=architecture.hidden_biases,
                output_bias=architecture.output_bias, activation=architecture.activations,
            )
            for width in range(1, architecture.hidden[0] + 1)
        ]  # fmt: skip
    found = [
        phases(
            shape,
            data,
            nonnegative=options.nonnegative,
            keep_proof=options.certificate is not None and shape is shapes[-1],
            max_cost=cost_limit(options.max_cost),
            progress=wants_progress(options),
            time_limit=limit,
        )
        for shape in shapes
    ]
    if options.plot:
        from exactdropout.optimum.phases.picture import draw

        write_picture(draw(found), options.plot, "--plot")
        complain(f"wrote {options.plot}")
    if options.json:
        print_json("phases", {"nonnegative": options.nonnegative, "widths": [_json(p) for p in found]})
    else:
        for one in found:
            _print(one)
    if options.certificate:  # after the result, which a certificate beyond the checker's limits must not lose
        from exactdropout.certificate import write_phases_certificate

        write_phases_certificate(found[-1], options.certificate)
    return 0 if all(p.complete for p in found) else EXIT_OPEN_INTERVAL


def _print(found: Any) -> None:
    words = {True: "yes", False: "no", None: "-"}
    kind = ", non-negative weights" if found.restricted else ""
    long = [(p, str(p.value)) for p in found.pieces if len(str(p.value)) > SHORT]
    numbers = {id(p): f"formula {k}" for k, (p, _) in enumerate(long, 1)}
    print_table(
        f"{found.architecture}{kind}: the global minimum, proved for every q of each interval",
        ("q from", "to", "signs", "negative", "minimum of J_D"),
        [
            (
                _end(p.lower),
                _end(p.upper),
                p.pattern,
                words[p.needs_negative_weight],
                numbers.get(id(p), str(p.value)),
            )
            for p in found.pieces
        ],
        whole=(0, 1, 3),
    )
    for (piece, text), name in zip(long, numbers.values(), strict=True):
        print_words(f"{name}: {text if len(text) <= LONG else _degrees(piece.value)}")
    unit = "+(+-|0)" if found.architecture.hidden_biases else "+(+-)"
    print_words(
        f"signs: units as output weight (input weights{'|bias' if '|' in unit else ''}); 2x{unit} are two units. "
        "negative: whether every minimiser has a negative weight."
    )
    if found.breakpoints:
        print()
        print_table(
            "Breakpoints, exact",
            ("q", "root of the polynomial with coefficients (constant first)"),
            [
                (str(b), text if len(text := str(list(b.minimal_polynomial))) <= 70 else f"degree {b.degree}")
                for b in found.breakpoints
            ],
            whole=(0,),
        )
    if found.uncertified:
        print_table(
            "Not certified", ("q from", "to"), [(f"{float(a):.12g}", f"{float(b):.12g}") for a, b in found.uncertified]
        )


def _end(value: Any) -> str:
    """Return an end of a piece: a rational number as it is, a root by seven digits; the breakpoints have all."""
    return str(value) if value.degree == 1 else f"{float(value):.7f}"


def _degrees(value: Any) -> str:
    top, bottom = len(value.numerator) - 1, len(value.denominator) - 1
    return f"a quotient of polynomials in q of the degrees {top} and {bottom}; --json prints it"


def _json(found: Any) -> dict[str, Any]:
    return {
        "width": found.architecture.hidden[0],
        "complete": found.complete,
        "pieces": [
            {
                "lower": _number(p.lower),
                "upper": _number(p.upper),
                "pattern": p.pattern,
                "needs_negative_weight": p.needs_negative_weight,
                "value": _quotient(p.value),
                "units": [
                    {
                        "sign": u.sign,
                        "multiplicity": u.multiplicity,
                        "weights": [_quotient(w) for w in u.weights],
                        "bias": None if u.bias is None else _quotient(u.bias),
                    }
                    for u in p.units
                ],
                "output_bias": _quotient(p.output_bias),
                "sample": format_rational(p.sample),
                "patterns_at_sample": [m.pattern for m in p.minimisers],
                "leaves_exhausted": p.leaves_exhausted,
                "cells": len(p.cells),
            }
            for p in found.pieces
        ],
        "breakpoints": [_number(b) for b in found.breakpoints],
        "uncertified": [[_number(a), _number(b)] for a, b in found.uncertified],
        "seconds": round(found.seconds, 3),
    }


def _number(value: Any) -> dict[str, Any]:
    return {
        "decimal": f"{float(value):.15g}",
        "minimal_polynomial": [str(c) for c in value.minimal_polynomial],
        "interval": [format_rational(value.low), format_rational(value.high)],
    }


def _quotient(value: Any) -> dict[str, list[str]]:
    return {"numerator": [str(c) for c in value.numerator], "denominator": [str(c) for c in value.denominator]}
