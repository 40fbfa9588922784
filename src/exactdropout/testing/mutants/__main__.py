"""``python -m exactdropout.testing.mutants``: the table of the documentation, in Markdown."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from exactdropout.errors import DropoutFault
from exactdropout.testing.assertions import assert_dropout
from exactdropout.testing.mutants import CORRECT, MUTANTS, Mutant, as_plain
from exactdropout.testing.mutants.styles import STYLES

RUNS = 10
ENOUGH = 9


def verdict(mutant: Mutant, rate: str, make: Callable[[float], Any], seed: int = 20261129) -> str:
    """Return ``check (calls)`` where the assertion flags the layer at a fixed rate, else ``passes``."""
    layer = make(_number(rate))
    try:
        assert_dropout(
            layer if mutant.check != "rates 0 and 1" else make,
            rate, model=mutant.model, scaling=mutant.scaling, budget=mutant.budget, seed=seed,
        )  # fmt: skip
    except DropoutFault as error:
        return f"{error.check} ({error.calls})"
    return "passes"


def passes_style(style: Callable[[Any], bool], mutant: Mutant, run: int) -> bool:
    """Return whether a style of test lets the mutant pass; an exception counts as caught."""
    try:
        return style(as_plain(mutant, seed=run + 1))
    except Exception:
        return False


def _number(rate: str) -> float:
    top, _, bottom = rate.partition("/")
    return int(top) / int(bottom)


def main() -> int:
    """Print the table."""
    print("| mutant | reported | at 1/2 | at 3/10 | " + " | ".join(STYLES) + " |")
    print("|---|---|---|---|" + "---|" * len(STYLES))
    caught = dict.fromkeys(STYLES, 0)
    element = 0
    for mutant in MUTANTS:
        cells = [verdict(mutant, r, as_plain(mutant)) if r in mutant.rates else "right there" for r in ("1/2", "3/10")]
        marks = []
        for name, style in STYLES.items():
            if mutant.model != "element":
                marks.append("")
                continue
            found = sum(not passes_style(style, mutant, run) for run in range(RUNS))
            caught[name] += found >= ENOUGH
            marks.append("caught" if found >= ENOUGH else "")
        element += mutant.model == "element"
        print(f"| {mutant.name} | {mutant.source} | {cells[0]} | {cells[1]} | " + " | ".join(marks) + " |", flush=True)
    print(f"| **caught of {element}** | | | | " + " | ".join(str(n) for n in caught.values()) + " |")
    print("\n| correct layer | verdict |\n|---|---|")
    for layer in CORRECT:
        print(f"| {layer.name} | {', '.join(verdict(layer, r, as_plain(layer)) for r in layer.rates)} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
