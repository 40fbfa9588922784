"""What of the catalogue is also proved in Coq, for all sizes, by ``proofs/theory`` of the source distribution.

``coq_statements.json`` ships each statement's Coq text, without comments and with single spaces, and the axioms that
its proof rests on, as ``proofs/check`` compares them. So a user without Coq sees what was proved; a test compares the
file with ``proofs/theory``. All statements are about finite distributions, and about
relu networks where they do not name another activation.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

__all__ = ["IN_COQ", "CoqStatement", "InCoq", "coq_statements"]


@dataclass(frozen=True, kw_only=True)
class CoqStatement:
    """A statement of ``proofs/theory/Statements.v``: its name, its Coq text, and the axioms that its proof rests on."""

    name: str
    text: str
    axioms: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class InCoq:
    """The Coq statements of an entry; ``part`` is the part of it that they cover, empty where they cover it all."""

    statements: tuple[str, ...]
    part: str = ""

    @property
    def evidence(self) -> str:
        """Evidence in a few words: whether the statements cover the entry."""
        return "Coq, in part" if self.part else "Coq, all sizes"

    @property
    def words(self) -> str:
        """Evidence with the part that is covered and the names of the statements.

        >>> InCoq(statements=("lemma_9",)).words
        'Coq, all sizes (shipped: lemma_9)'
        """
        part = f": {self.part}" if self.part else ""
        return f"{self.evidence}{part} (shipped: {', '.join(self.statements)})"


@lru_cache(maxsize=1)
def coq_statements() -> Mapping[str, CoqStatement]:
    """Return the shipped statements by name.

    >>> coq_statements()["lemma_9"].text.startswith("forall K n x, (0 < K)%nat -> (n mod K = 0)%nat ->")
    True
    """
    text = resources.files(__package__).joinpath("coq_statements.json").read_text(encoding="utf-8")
    found: dict[str, dict[str, Any]] = json.loads(text)
    return {
        name: CoqStatement(name=name, text=entry["text"], axioms=tuple(entry["axioms"]))
        for name, entry in found.items()
    }


IN_COQ: Mapping[str, InCoq] = {
    "helmbold-2017-figure-1": InCoq(statements=("figure_1",), part="the penalty"),
    "helmbold-2017-theorem-4": InCoq(statements=("theorem_4",), part="finite distributions"),
    "helmbold-2017-theorem-5": InCoq(
        statements=("theorem_5_output", "theorem_5", "theorem_5_not_isolated"), part="relu"
    ),
    "helmbold-2017-theorem-6": InCoq(statements=("theorem_6",), part="the aversion, for c > 0 as printed"),
    "helmbold-2017-theorem-7": InCoq(
        statements=("theorem_7",), part="the aversion; not that all weights are 0 beyond the threshold"
    ),
    "helmbold-2017-lemma-9": InCoq(statements=("lemma_9",)),
    "helmbold-2017-lemma-10": InCoq(statements=("lemma_10",)),
    "helmbold-2017-lemma-12": InCoq(statements=("lemma_12", "lemma_12_convex")),
    "helmbold-2017-lemma-14": InCoq(statements=("lemma_14",)),
    "helmbold-2017-lemma-16": InCoq(statements=("lemma_16", "nonnegative_bound")),
    "helmbold-2017-theorem-8": InCoq(statements=("theorem_8", "theorem_8_minimisers")),
    "helmbold-2017-theorem-17": InCoq(
        statements=("theorem_17", "theorem_17_limit", "theorem_17_nonnegative", "theorem_8_minimisers"),
        part="all but the limit 23/200 of the printed output weight",
    ),
    "helmbold-2017-section-4-3": InCoq(
        statements=("section_4_3", "section_4_3_nonnegative", "section_4_3_limit", "section_4_3_pairs"),
        part="all but further features that are not 0",
    ),
    "helmbold-2017-theorem-18": InCoq(
        statements=("theorem_18", "theorem_18_a", "theorem_18_b", "theorem_18_c"),
        part="hidden layers of equal widths at one rate, (b) as printed",
    ),
    "helmbold-2017-theorem-19": InCoq(
        statements=("theorem_19", "figure_1"), part="the printed statement, all weights, biases and inputs >= 0"
    ),
    "helmbold-2017-theorem-20": InCoq(
        statements=("theorem_20", "theorem_20_formula"), part="the formula, and the printed witness at every q"
    ),
    "exactdropout-2026-nonnegative-bound": InCoq(statements=("nonnegative_bound",)),
    "exactdropout-2026-nonnegative-minimum": InCoq(
        statements=("nonnegative_minimum",), part="the point mass, there at every depth and all widths"
    ),
    "exactdropout-2026-universal-bound": InCoq(statements=("every_network", "every_network_limit")),
    "exactdropout-2026-depth-growth": InCoq(
        statements=("growth_with_depth",), part="the inequality, with W(x) in the place of E D, which it equals here"
    ),
    "srivastava-2014-linear": InCoq(
        statements=("least_squares_penalty", "least_squares_minimiser"),
        part="one output; the equation suffices for a minimiser without bias",
    ),
    "baldi-2013-mean": InCoq(statements=("linear_networks",), part="the mean"),
    "cavazza-2018-matrix-factorisation": InCoq(
        statements=("matrix_factorisation",), part="the identity, not the copies of columns"
    ),
    "arora-2021-last-layer": InCoq(statements=("last_layer",), part="one example; the mean over examples is linear"),
}
"""Entries of the catalogue by id, with their statements in Coq."""
