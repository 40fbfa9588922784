"""Hostile and mistaken inputs for the parser: random text, formulas with edits, programs in disguise."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CORPUS: list[dict[str, Any]] = tomllib.loads((Path(__file__).parent / "corpus.toml").read_text("utf-8"))["claim"]

PAYLOADS = [
    "__import__('os').system('touch pwned')",
    "penalty = ().__class__.__bases__[0].__subclasses__()",
    "eval(compile('open(\"pwned\",\"w\")','','exec')) = 1",
    "penalty = exec('import os')",
    "lambda: 0 = 1",
    "penalty = 9**9**9**9**9",
    "penalty = " + "(" * 5000 + "1" + ")" * 5000,
    "penalty = " + "-" * 5000 + "1",
    "penalty = " + "1/" * 4000 + "1",
    "penalty = " + "x[" * 2000 + "1" + "]" * 2000,
    "penalty = " + "9" * 9000,
    "penalty = " + "{" * 3000,
    "penalty = " + "|" * 3000,
    "penalty = " + "\\frac{" * 1000,
    "penalty = " + "Sum(" * 1000 + "1",
    "penalty = " + "2^" * 1000 + "2",
    "\\input{/etc/passwd} = 1",
    "\\write18{touch pwned}",
    "{penalty.__class__} = {0}",
    "%s%n%x = 1",
    "penalty = 1; import os",
    "penalty\x00 = 1",
    "\u202epenalty = 1",
    "\ud800 = 1",
    "penalty = \N{MATHEMATICAL BOLD DIGIT ONE}",
    "penalty = ٣",
    "",
    " " * 9000,
    "a" * 20000,
]
_ALPHABET = "()[]{}<>=!+-*/^_|,.\\0123456789 KndqpxywWbcijDEJR\t\n" + "λ≥≤→Σ×·∑é\x00"
_WORDS = [
    "penalty", "Var[D]", "E[D]", "J_D", "W(x)", "Sum(", "i=1..K", "\\frac{", "\\sum_{i=1}^{K}", "is", "invariant under",
    "constant in", "->", ">=", "relu(", "max(", "\\left(", "\\right)", "minimiser of", "if", "sqrt(", "x[1]", "w_i^2",
]  # fmt: skip


def hostile(seed: int) -> Iterator[str]:
    """Yield inputs without end, the same ones for a seed."""
    rng = random.Random(seed)
    yield from PAYLOADS
    while True:
        kind = rng.randrange(4)
        if kind == 0:
            yield bytes(rng.randrange(256) for _ in range(rng.randrange(80))).decode("latin-1")
        elif kind == 1:
            yield "".join(rng.choice(_ALPHABET) for _ in range(rng.randrange(1, 60)))
        elif kind == 2:
            yield " ".join(rng.choice(_WORDS) for _ in range(rng.randrange(1, 14)))
        else:
            yield mutated(rng.choice(CORPUS)["claim"], rng)


def mutated(text: str, rng: random.Random) -> str:
    """Return a formula with a few characters deleted, doubled, exchanged or put in."""
    letters = list(text)
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(letters) + 1)
        edit = rng.randrange(4)
        if edit == 0 and letters:
            del letters[at : at + rng.randrange(1, 4)]
        elif edit == 1:
            letters.insert(at, rng.choice(_ALPHABET))
        elif edit == 2:
            letters[at:at] = letters[max(0, at - 5) : at]
        else:
            letters.insert(at, rng.choice(PAYLOADS)[:40])
    return "".join(letters)
