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
_ELSEWHERE = {
    "report": "a report is written by exactdropout verify --report FOLDER",
    "test": "a dropout layer is tested in Python, by exactdropout.testing.assert_dropout",
    "plot": "pictures are drawn by --plot FILE of evaluate, compare, phases and law",
    "plan": "a plan is printed by exactdropout evaluate --plan",
    "latex": "LaTeX is printed by --latex of derive and check",
    "gradient": "gradients are derived by exactdropout derive --gradient",
}
"""Commands that there are not, and what does the same."""
_EXAMPLES = {
    "--q": "--q 1/2", "--x": "--x 1,-1", "--architecture": "--architecture '2-3-1 relu, no biases'",
    "--data": "--data 'point(1, 1)'", "network": "network.json", "data": "diabetes.csv", "claim": "'penalty >= 0'",
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
        return _of_unknown(parser, command, message.removeprefix("unrecognized arguments: "), given)
    if message.startswith("the following arguments are required: "):
        return _of_missing(command, message.removeprefix("the following arguments are required: "), given)
    if match := re.search(r"invalid choice: '?(.*?)'? \(choose from (.*)\)", message):
        choices = [choice.strip(" '") for choice in match[2].split(",")]
        if "COMMAND" in message and match[1].lower() in _ELSEWHERE:
            return f"; {_ELSEWHERE[match[1].lower()]}"
        found = _COMMANDS.get(match[1].lower()) if "COMMAND" in message else None
        found = found or near(match[1], choices)
        return "" if found is None else f"; did you mean {found}?"
    if match := re.match(r"argument (--[\w-]+).*: expected one argument", message):
        value = next((str(a.metavar or a.dest.upper()) for a in command._actions if match[1] in a.option_strings), "")
        return f", as in {match[1]} {value}"
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


def _of_unknown(
    parser: argparse.ArgumentParser, command: argparse.ArgumentParser, words: str, given: Sequence[str]
) -> str:
    first = next(iter(words.split()), "")
    if first.startswith("-"):
        if first == "--q" and command.prog.endswith(" phases"):
            return "; phases answers for every q, exactdropout minimize for one"
        found, others = _option(command, first), _commands_with(parser, first.partition("=")[0])
        if others and (found is None or found.lstrip("-") not in _SAME.values()):
            return f"; {first} is an option of {others}" + (f", here there is {found}" if found else "")
        return f"; did you mean {found}?" if found else f"; {command.prog} --help lists its options"
    if command.prog.endswith(" check") and len(given) > 2 and given[2] == first and not given[1].startswith("-"):
        return f"; a claim with spaces stands in quotes: check '{given[1]} {words}'"
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
    if told:
        return f"; did you mean {told}?"
    examples = " ".join(_EXAMPLES[name] for name in missing if name in _EXAMPLES)
    files = "; exactdropout example . writes both" if {"network", "data"} <= {*missing} else ""
    return f", such as {examples}{files}" if examples else ""


def _commands_with(parser: argparse.ArgumentParser, option: str) -> str:
    """Return the commands that have an option."""
    found = [
        name
        for action in parser._actions
        if isinstance(action, argparse._SubParsersAction)
        for name, command in action.choices.items()
        if option.removeprefix("--") in _options(command)
    ]
    return " and ".join([", ".join(found[:-1]), found[-1]] if len(found) > 1 else found)
