"""``exactdropout law``: the exact distribution of the output under dropout, for one input."""

from __future__ import annotations

import argparse
from fractions import Fraction
from typing import Any

from exactdropout.cli.arguments import (
    add_cost,
    add_json,
    add_network,
    add_rate,
    cost_limit,
    drop_probability,
    numbers,
    read_network,
)
from exactdropout.cli.output import print_json, print_table, value_text
from exactdropout.errors import InvalidInput
from exactdropout.model.numbers import format_rational

__all__ = ["add"]

QUANTILES = [Fraction(1, 20), Fraction(1, 4), Fraction(1, 2), Fraction(3, 4), Fraction(19, 20)]
SHOWN_ATOMS = 40


def add(commands: Any) -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "law",
        help="the exact distribution of the output for one input",
        description="Print the exact law of D(W, x, R) for one input x: atoms, probabilities, quantiles.",
        allow_abbrev=False,
    )
    add_network(command, "network file: .json, .npz, .onnx, .keras, .safetensors or .nnet; floats are taken exactly")
    command.add_argument("--x", required=True, help="input vector such as 1,-1/2 (write --x=-1,2 for a leading minus)")
    add_rate(command, required=False)
    command.add_argument("--output", type=int, default=0, help="which output, from 0")
    add_cost(command)
    add_json(command)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Compute and print the law."""
    import exactdropout as xd

    network = read_network(options).exact()
    if options.q is None:
        raise InvalidInput(
            "Argument '--q' must be given: a drop probability such as 1/2, or one per layer such as 0,1/2."
        )
    if not 0 <= options.output < network.architecture.outputs:
        raise InvalidInput(
            f"Argument '--output' must satisfy 0 <= output < {network.architecture.outputs}, not {options.output}."
        )
    law = xd.output_law(
        network, numbers(options.x, "--x"), drop_probability(options.q), max_cost=cost_limit(options.max_cost)
    ).marginal(options.output)
    quantiles = [(level, law.quantile(level)) for level in QUANTILES]
    if options.json:
        print_json(
            "law",
            {
                "q": options.q,
                "atoms": [
                    {"value": format_rational(v[0]), "probability": format_rational(p)}
                    for v, p in zip(law.values, law.probabilities, strict=True)
                ],
                "mean": format_rational(law.mean()[0]),
                "variance": format_rational(law.variance()[0]),
                "quantiles": {format_rational(level): format_rational(v) for level, v in quantiles},
            },
        )
        return 0
    atoms = list(zip(law.values, law.probabilities, strict=True))
    if len(atoms) > SHOWN_ATOMS:
        atoms = sorted(sorted(atoms, key=lambda atom: -atom[1])[:SHOWN_ATOMS])
    shown = f"the {SHOWN_ATOMS} most likely of {len(law)}" if len(law) > SHOWN_ATOMS else f"all {len(law)}"
    print_table(
        f"Law of the output under dropout, q = {options.q}: {shown} values, exact",
        ("value", "probability"),
        [(value_text(v[0]), value_text(p)) for v, p in atoms],
    )
    summary = [("mean", law.mean()[0]), ("variance", law.variance()[0])]
    summary += [(f"quantile {format_rational(level)}", v) for level, v in quantiles]
    print_table("Summary", ("quantity", "value"), [(name, value_text(v)) for name, v in summary])
    return 0
