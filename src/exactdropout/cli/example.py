"""``exactdropout example``: write the shipped real network and data to a folder, to try the other commands on."""

from __future__ import annotations

import argparse
import shlex
from typing import Any

__all__ = ["add"]


def add(commands: Any) -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "example",
        help="write the shipped diabetes network and data to a folder",
        description="Write network.json and diabetes.csv (442 rows, a 10-8-1 network trained with dropout) to a "
        "folder. Existing files are never overwritten.",
        allow_abbrev=False,
    )
    command.add_argument("directory", nargs="?", default=".", help="a folder, made where there is none (this one)")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Copy the files and say what to type next."""
    from exactdropout.data import copy_diabetes

    network, data = (shlex.quote(str(path)) for path in copy_diabetes(options.directory))
    print(f"wrote {network} and {data}; now try:\n  exactdropout evaluate {network} {data} --q 1/2")
    return 0
