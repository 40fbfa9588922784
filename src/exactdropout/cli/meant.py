"""What was probably meant by a command line that cannot be read: half a sentence to add, or nothing."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

__all__ = ["meant", "near"]

_SAME = {
    "p": "q", "rate": "q", "drop": "q", "dropout": "q", "drop-rate": "q", "arch": "architecture", "v": "version",
    "h": "help", "labels": "label", "examples": "data", "probabilities": "probability", "names": "name", "tex": "latex",
    "cores": "threads",
}  # fmt: skip
"""Options by other names."""
_COMMANDS = {
    "help": "--help", "version": "--version", "prove": "verify", "simplify": "derive", "train": "minimize",
    "optimize": "minimize", "sample": "estimate", "distribution": "law", "demo": "example",
}  # fmt: skip
_WIDTHS = re.compile(r"[\dK]+(-[\dn^()]+)+\b.*\Z")
_RATE = re.compile(r"[\d./]+\Z")


def near(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that was probably meant.

    >>> near("penalties", ["criterion", "risk", "penalty"])
    'penalty'
    """
    words = {name.lower(): name for name in known}
    plain = word.lower().replace("_", "-")
    begun = [name for name in words if len(plain) > 1 and name.startswith(plain)]
    found = [plain] if plain in words else begun if len(begun) == 1 else get_close_matches(plain, words, 1, 0.6)
    return words[found[0]] if found else None


def meant(parser: argparse.ArgumentParser, message: str, given: Sequence[str]) -> str:
    """Return what to add to argparse's message about the words of a command line."""
    command = _command(parser, given)
    if message.startswith("unrecognized arguments: "):
        return _of_unknown(command, message.removeprefix("unrecognized arguments: "), given)
    if message.startswith("the following arguments are required: "):
        return _of_missing(command, message.removeprefix("the following arguments are required: "), given)
    if match := re.search(r"invalid choice: '?(.*?)'? \(choose from (.*)\)", message):
        choices = [choice.strip(" '") for choice in match[2].split(",")]
        found = _COMMANDS.get(match[1].lower()) if "COMMAND" in message else None
        found = found or near(match[1], choices)
        return "" if found is None else f"; did you mean {found}?"
    return ""


def _command(parser: argparse.ArgumentParser, given: Sequence[str]) -> argparse.ArgumentParser:
    """Return the parser of the command that is named, or the whole one."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction) and given and given[0] in action.choices:
            found: argparse.ArgumentParser = action.choices[given[0]]
            return found
    return parser


def _options(command: argparse.ArgumentParser) -> list[str]:
    return [
        text.removeprefix("--") for action in command._actions for text in action.option_strings if text[:2] == "--"
    ]


def _option(command: argparse.ArgumentParser, word: str) -> str | None:
    """Return the option of a command that a word with dashes was probably meant to be."""
    options = _options(command)
    plain = word.partition("=")[0].lstrip("-").lower().replace("_", "-")
    found = _SAME.get(plain)
    found = found if found in options else near(plain, options)
    return None if found is None else f"--{found}"


def _of_unknown(command: argparse.ArgumentParser, words: str, given: Sequence[str]) -> str:
    first = next(iter(words.split()), "")
    if first.startswith("-"):
        found = _option(command, first)
        return f"; did you mean {found}?" if found else f"; {command.prog} --help lists its options"
    place = next((i for i, word in enumerate(given) if word == first), 0)
    if place >= 2 and given[place - 2].startswith("--"):
        option, value = given[place - 2], given[place - 1]
        if option == "--q" and all(_RATE.match(word) for word in words.split()):
            return f"; rates of several layers are written {option} {','.join([value, *words.split()])}"
        return f"; a text with spaces stands in quotes: {option} '{value} {words}'"
    return f"; {command.prog} --help says what it takes"


def _of_missing(command: argparse.ArgumentParser, names: str, given: Sequence[str]) -> str:
    missing = names.split(", ")
    if missing == ["COMMAND"]:
        found = _option(command, given[0]) if given else None
        return f"; did you mean {found}?" if found else "; exactdropout --help lists them"
    for word in given:
        if word.startswith("-") and (found := _option(command, word)) in missing and found != word:
            return f"; did you mean {found} for {word}?"
    found_words = []
    for word in given[1:]:
        if _WIDTHS.match(word) or word.endswith((".json", ".npz")):
            found_words.append(("--architecture", word))
        elif word.endswith((".csv", ".tsv", ".gz")) or word.startswith(("half(", "point(")):
            found_words.append(("--data", word))
    told = " ".join(f"{option} '{word}'" for option, word in found_words if option in missing)
    return f"; did you mean {told}?" if told else ""
