"""Error sentences as the user of a command line can read them: on one line, with options as he typed them."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from exactdropout.cli.meant import meant

__all__ = ["Parser", "as_typed", "complain", "one_line", "unexpected"]

_ALIASES = {"decay": "weight-decay", "names": "name", "labels": "label", "executor": "workers"}
_LONGEST = 2000
_PHRASES = (
    (
        r"\bmust be Examples, a list of \(x, y\), arrays \(X, y\), a data frame or text such as ",
        "must be a file or text such as ",
    ),
    (r"\bmust be None or ", "must be "),
    (r"\bmust be None\b", "must be left out"),
    (r"header=True or header=False \((--header yes or --header no)\)", r"\1"),
    (r" \((--closed-form) on the command line, xd\.uniform_moments\)", r" (\1)"),
    (r"\bnetwork\.float64\(\) is evaluated faster", "with --float64 it is evaluated faster"),
    (r"\bxd\.estimate gives of network\.float64\(\)", "exactdropout estimate --float64 gives"),
    (r"\b(?:use|pass|see) network\.float64\(\)", "write --float64"),
    (r"\b(?:use|pass|see) (?:network\.exact\(\) and data\.exact\(\)|(?:network|data)\.exact\(\))", "write --exact"),
    (r"\bnetwork\.exact\(\) and data\.exact\(\)", "--exact"),
    (r"\bxd\.law_band\b", "exactdropout law --band"),
    (r"(?<!Python by )\bxd\.(estimate|evaluate|derive|check|compare|minimize|phases)\b", r"exactdropout \1"),
)
"""What is said of Python, and what a command line says instead."""


class Parser(argparse.ArgumentParser):
    """The parser of a command; what it says of a wrong command line is printable, and says what was probably meant."""

    given: Sequence[str] = ()

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """Parse, and remember the words for what is said of them."""
        self.given = list(sys.argv[1:] if args is None else args)
        for word in self.given[: self.given.index("--") if "--" in self.given else None]:
            if word.startswith("--") and word.endswith("=--"):  # argparse would make an empty list of it
                self.error(f"argument {word[:-3]}: a value is expected, not '--'")
        result: tuple[Any, list[str]] = super().parse_known_args(args, namespace)
        return result

    def error(self, message: str) -> NoReturn:
        """Print one line, and leave with exit code 2; the usage is long, and ``--help`` has it."""
        given = self.given if " " not in self.prog else [self.prog.rpartition(" ")[2], *self.given]
        self.exit(2, f"{self.prog}: error: {one_line(message)}{one_line(meant(self, message, given))}\n")


def one_line(text: str) -> str:
    """Return the text on one line: what is not printable, such as a line break in a file's name, is replaced."""
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}"


def as_typed(message: str, help_text: str) -> str:
    """Return the message with the names of arguments as the options that the command's help lists.

    >>> as_typed("Argument 'max_cost' is 3, not 9; raise max_cost, or say moments=2.", "--max-cost --moments")
    "Argument '--max-cost' is 3, not 9; raise --max-cost, or say --moments 2."
    >>> as_typed("Argument 'executor' must be None or 1; pass network.float64(), or use executor= here.", "--workers")
    "Argument '--workers' must be 1; write --float64, or use --workers here."
    >>> as_typed("Argument 'data' must not be 'max_cost.csv'.", "data --max-cost")
    "Argument 'data' must not be 'max_cost.csv'."
    """
    options = set(re.findall(r"(?<![\w-])--([a-z][a-z-]*)", help_text))
    names = {option.replace("-", "_"): f"--{option}" for option in options}
    names |= {name: f"--{option}" for name, option in _ALIASES.items() if option in options}

    def option(match: re.Match[str]) -> str:
        name = names.get(match["name"])
        return match[0] if name is None else match[0].replace(match["name"], name, 1)

    def assigned(match: re.Match[str]) -> str:
        name = names.get(match["name"])
        return match[0] if name is None else f"{name} {match['value']}"

    for python, typed in _PHRASES:
        message = re.sub(python, typed, message)
    message = re.sub(r"\bArguments? '(?P<name>[a-z_]+)'", option, message)
    message = re.sub(r"(?<=' and )'(?P<name>[a-z_]+)'", option, message)
    message = re.sub(r"(?<![\w.'-])(?P<name>[a-z_]+)=(?=[\s,;.)]|$)", lambda m: names.get(m["name"], m[0]), message)
    message = re.sub(r"(?<![\w.'-])(?P<name>[a-z_]+)=(?P<value>\w+(?:/\w+)?)(?![\w(])", assigned, message)
    plain = r"(?<![\w.=/-])(?P<name>[a-z]+(?:_[a-z]+)+)(?=[\s,;:)']|\.(?:\s|$)|$)"
    return re.sub(plain, option, message)


def complain(message: str) -> None:
    """Print a sentence to standard error; where that cannot be written, nobody can be told.

    Lines below it are our own: the place in a claim where reading stopped.
    """
    try:
        print("exactdropout:", "\n".join(map(one_line, message.split("\n"))), file=sys.stderr, flush=True)
    except (OSError, ValueError):
        return


def unexpected(error: BaseException) -> str:
    """Return one sentence about an exception that no code expects."""
    said: Any = str(error).strip().partition("\n")[0]
    what = type(error).__name__ + (f": {said}" if said else "")
    return (
        f"error: {what[:300]} (a fault of exactdropout that should be reported; EXACTDROPOUT_TRACEBACK=1 shows where "
        "it happened)."
    )
