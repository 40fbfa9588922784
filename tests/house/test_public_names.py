"""Public names and signatures are a promise: each change of one shows up as a changed line in public_names.txt.

Regenerate after a change that is meant: ``python tests/house/test_public_names.py``.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

import exactdropout

SNAPSHOT = Path(__file__).resolve().parents[1] / "public_names.txt"

FACE = (
    "evaluate", "evaluator", "estimate", "plan", "train", "derive", "check", "minimize", "phases", "output_law",
    "free_network",
)  # fmt: skip
"""The functions that a user calls; the same argument is the same in all of them."""

DIFFERENT = {
    ("data", "derive"): "left out it is one example of symbols, as formulas allow",
    ("data", "check"): "left out it is one example of symbols, as claims allow",
    ("progress", "estimate"): "what it tells is an interval that shrinks, not how much of a known total is done",
    ("architecture", "free_network"): "weights are what it makes, so a network is no use to it",
}
"""Arguments that differ from the same argument elsewhere, with the reason."""

ORDER = ("claim", "network", "architecture", "data", "x", "q")
"""The order in which arguments stand that may be given by place."""


def public_names() -> list[str]:
    """Return ``module.name`` for the package itself and each of its rooms (one level deep)."""
    rooms = [m.name for m in pkgutil.iter_modules(exactdropout.__path__) if not m.name.startswith("_")]
    modules = [exactdropout, *(importlib.import_module(f"exactdropout.{room}") for room in sorted(rooms))]
    return [f"{module.__name__}.{name}" for module in modules for name in sorted(getattr(module, "__all__", ()))]


def value(name: str) -> Any:
    """Return what a public name stands for."""
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


def signature(call: Any) -> str:
    """Return a signature as text; annotations as they are written, objects by their type and not their address."""
    found = inspect.signature(call)
    parameters = []
    for parameter in found.parameters.values():
        default = parameter.default
        plain = default is parameter.empty or isinstance(default, (bool, int, float, str, tuple, type(None)))
        parameters.append(parameter if plain else parameter.replace(default=type(default)))
    return str(found.replace(parameters=parameters))


def public_lines() -> list[str]:
    """Return one line for each public name: functions with signature, classes with constructor and methods."""
    lines, told = [], set()
    for name in public_names():
        found = value(name)
        if inspect.isfunction(found):
            lines.append(f"{name}{signature(found)}")
        elif inspect.isclass(found) and found.__module__.startswith("exactdropout"):
            lines.append(f"{name}{signature(found)}" if "__init__" in vars(found) else name)
            for attribute, member in sorted(vars(found).items()):
                function = member.__func__ if isinstance(member, (classmethod, staticmethod)) else member
                if not attribute.startswith("_") and inspect.isfunction(function) and found not in told:
                    lines.append(f"{name}.{attribute}{signature(function)}")
            told.add(found)
        else:
            lines.append(name)
    return lines


def test_public_names_and_signatures_are_as_recorded() -> None:
    assert public_lines() == SNAPSHOT.read_text(encoding="utf-8").splitlines()


def test_every_public_name_exists() -> None:
    for name in public_names():
        module, _, attribute = name.rpartition(".")
        assert hasattr(importlib.import_module(module), attribute), name


def face() -> dict[str, inspect.Signature]:
    return {name: inspect.signature(getattr(exactdropout, name)) for name in FACE}


def test_the_same_argument_is_the_same_everywhere() -> None:
    """Kind, default and annotation of an argument are those of the same argument in every function of the face."""
    seen: dict[str, dict[tuple[str, str, str], list[str]]] = defaultdict(lambda: defaultdict(list))
    for name, found in face().items():
        for parameter in found.parameters.values():
            if (parameter.name, name) not in DIFFERENT:
                what = (str(parameter.kind), repr(parameter.default), str(parameter.annotation))
                seen[parameter.name][what].append(name)
    different = {argument: dict(ways) for argument, ways in seen.items() if len(ways) > 1}
    assert different == {}


@pytest.mark.parametrize("name", FACE)
def test_arguments_stand_in_one_order(name: str) -> None:
    placed = [p.name for p in face()[name].parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert placed == [argument for argument in ORDER if argument in placed]


@pytest.mark.parametrize(("argument", "name"), DIFFERENT)
def test_exceptions_are_still_needed(argument: str, name: str) -> None:
    others = [
        found.parameters[argument]
        for other, found in face().items()
        if argument in found.parameters and (argument, other) not in DIFFERENT
    ]
    assert face()[name].parameters[argument] not in others


if __name__ == "__main__":
    SNAPSHOT.write_text("\n".join(public_lines()) + "\n", encoding="utf-8")
