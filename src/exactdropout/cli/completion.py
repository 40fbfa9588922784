"""``exactdropout completion``: a script that completes commands, options, choices and files in bash, zsh or fish.

The script is made of the parser, so it knows every option that there is; it starts no Python when a key is pressed.
"""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["add"]

SHELLS = ("bash", "zsh", "fish")
INSTALL = {
    "bash": 'eval "$(exactdropout completion bash)"    # in ~/.bashrc',
    "zsh": 'eval "$(exactdropout completion zsh)"    # in ~/.zshrc, after compinit',
    "fish": "exactdropout completion fish | source    # in ~/.config/fish/config.fish",
}


def add(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command, last, since it completes those that are there."""
    command = commands.add_parser(
        "completion",
        help="print a script that completes commands and options",
        description="Print a script that completes commands, options, choices and files. "
        + "; ".join(f"{shell}: {line.partition('    #')[0]}" for shell, line in INSTALL.items()) + ".",
        allow_abbrev=False,
    )  # fmt: skip
    command.add_argument("shell", choices=SHELLS, help="the shell")
    command.set_defaults(run=run, commands=commands)


def run(options: argparse.Namespace) -> int:
    """Print the script."""
    print({"bash": _bash, "zsh": _zsh, "fish": _fish}[options.shell](list(_described(options.commands))), end="")
    return 0


@dataclass(frozen=True)
class _Option:
    """An option: its names, what it takes (nothing, one of some words, or anything), and one line about it."""

    names: tuple[str, ...]
    takes: bool
    choices: tuple[str, ...]
    about: str


@dataclass(frozen=True)
class _Command:
    """A command: its options, and the words that its first argument may be (files where none are named)."""

    name: str
    about: str
    options: tuple[_Option, ...]
    words: tuple[str, ...]


def _described(commands: argparse._SubParsersAction[Any]) -> Iterator[_Command]:
    about = {action.dest: action.help or "" for action in commands._choices_actions}
    for name, parser in commands.choices.items():
        options, words = [], list[str]()
        for action in parser._actions:
            choices = tuple(map(str, action.choices or ()))
            if action.option_strings:
                takes = action.nargs != 0
                options.append(_Option(tuple(action.option_strings), takes, choices, _one_line(action.help or "")))
            else:
                words += choices
        yield _Command(name, _one_line(about.get(name, "")), tuple(options), tuple(words))


def _one_line(text: str) -> str:
    """Return the first part of a help text in letters that no shell reads as anything else."""
    plain = re.sub(r"[^\w\s.,()/+-]", "", text.replace("%%", "%").split(";")[0].split(" (")[0])
    return " ".join(plain.split())[:80]


def _bash(commands: list[_Command]) -> str:
    lines = [
        f"# {INSTALL['bash']}",
        "_exactdropout_files() {",
        "  local IFS=$'\\n'",  # names may have spaces
        '  COMPREPLY=($(compgen -f -- "$1"))',
        "}",
        "_exactdropout() {",
        '  local current="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}" words=""',
        '  if [ "$COMP_CWORD" -eq 1 ]; then',
        f'    COMPREPLY=($(compgen -W "{" ".join(c.name for c in commands)} --help --version" -- "$current"))',
        "    return",
        "  fi",
        '  case "${COMP_WORDS[1]} $before" in',
    ]
    for command in commands:
        for option in command.options:
            patterns = "|".join(f'"{command.name} {name}"' for name in option.names)
            if option.choices:
                lines.append(f'    {patterns}) words="{" ".join(option.choices)}" ;;')
            elif option.takes:
                lines.append(f'    {patterns}) _exactdropout_files "$current"; return ;;')
    lines += ["  esac", '  if [ -z "$words" ]; then', '    case "${COMP_WORDS[1]} $current" in']
    for command in commands:
        names = " ".join(name for option in command.options for name in option.names)
        lines.append(f'      "{command.name} -"*) words="{names}" ;;')
    for command in commands:
        if command.words:
            lines.append(f'      "{command.name} "*) words="{" ".join(command.words)}" ;;')
    lines += [
        '      *) _exactdropout_files "$current"; return ;;',
        "    esac",
        "  fi",
        '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
        "}",
        "complete -o filenames -F _exactdropout exactdropout",
    ]
    return "\n".join(lines) + "\n"


def _zsh(commands: list[_Command]) -> str:
    lines = [
        "#compdef exactdropout",
        f"# {INSTALL['zsh']}",
        "_exactdropout() {",
        "  local -a commands",
        "  commands=(",
        *(f"    {shlex.quote(f'{c.name}:{c.about}')}" for c in commands),
        "  )",
        "  if (( CURRENT == 2 )); then",
        "    _describe command commands",
        "    return",
        "  fi",
        "  local command=$words[2]",
        "  shift words",
        "  (( CURRENT-- ))",
        "  case $command in",
    ]
    for command in commands:
        lines.append(f"    {command.name}) _arguments \\")
        for option in command.options:
            value = ":value:_files" if option.takes else ""
            value = f":value:({' '.join(option.choices)})" if option.choices else value
            lines += [f"      {shlex.quote(f'*{name}[{option.about}]{value}')} \\" for name in option.names]
        words = f"*:word:({' '.join(command.words)})" if command.words else "*:file:_files"
        lines.append(f"      {shlex.quote(words)} ;;")
    lines += [
        "  esac",
        "}",
        'if [[ "$funcstack[1]" = _exactdropout ]]; then _exactdropout "$@"',
        "else compdef _exactdropout exactdropout; fi",
    ]
    return "\n".join(lines) + "\n"


def _fish(commands: list[_Command]) -> str:
    lines = [
        f"# {INSTALL['fish']}",
        "complete -c exactdropout -f",
        "complete -c exactdropout -n __fish_use_subcommand -l help",
    ]
    lines.append("complete -c exactdropout -n __fish_use_subcommand -l version")
    for command in commands:
        about = shlex.quote(command.about)
        lines.append(f"complete -c exactdropout -n __fish_use_subcommand -a {command.name} -d {about}")
        seen = f"complete -c exactdropout -n '__fish_seen_subcommand_from {command.name}'"
        for option in command.options:
            names = " ".join(f"-l {n[2:]}" if n.startswith("--") else f"-s {n[1:]}" for n in option.names)
            value = (
                f" -x -a {shlex.quote(' '.join(option.choices))}"
                if option.choices
                else " -r -F"
                if option.takes
                else ""
            )
            lines.append(f"{seen} {names}{value} -d {shlex.quote(option.about)}")
        lines.append(f"{seen} -a {shlex.quote(' '.join(command.words))}" if command.words else f"{seen} -F")
    return "\n".join(lines) + "\n"
