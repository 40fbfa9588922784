"""One example for each command, at the end of its help; all of them run in the folder that ``example .`` filled."""

from __future__ import annotations

import argparse

from exactdropout.cli.messages import Parser

__all__ = ["EXAMPLES", "add_examples"]

EXAMPLES = {
    "verify": "exactdropout verify --only figure-1 --steps",
    "evaluate": "exactdropout evaluate network.json diabetes.csv --q 1/2",
    "estimate": "exactdropout estimate network.json diabetes.csv --q 1/2",
    "compare": "exactdropout compare network.json diabetes.csv --q 1/2",
    "derive": "exactdropout derive --architecture 'K-1 linear' --closed-form",
    "check": "exactdropout check 'penalty >= 0' --architecture 'K-n-1 linear'",
    "minimize": "exactdropout minimize --architecture '2-2-1 relu' --data 'point(1, 1)' --q 1/2",
    "phases": "exactdropout phases --architecture '2-1-1 relu' --data 'half(1, 1)'",
    "law": "exactdropout law network.json --x 1,1,1,1,1,1,1,1,1,1 --q 1/2 --band",
}


def add_examples(commands: argparse._SubParsersAction[Parser]) -> None:
    """Put the examples behind what a help says at its end."""
    for name, example in EXAMPLES.items():
        command = commands.choices[name]
        command.epilog = f"{command.epilog or ''} Example: {example}".strip()
