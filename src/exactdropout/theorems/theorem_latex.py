"""An entry of the catalogue as a theorem of amsthm, with its proof where one was run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exactdropout.notation.document import document, theorem
from exactdropout.notation.prose import latex_sentence
from exactdropout.notation.style import Style
from exactdropout.theorems.proof import Proof

if TYPE_CHECKING:
    from exactdropout.theorems.registry import Theorem

__all__ = ["theorem_latex"]


def theorem_latex(entry: Theorem, proof: Proof | None, style: Style) -> str:
    """Return the statement, the correction, and the numbered steps of a proof with how each was checked."""
    title = latex_sentence(f"{entry.title}; {entry.number}")
    title = f"{{{title}}}" if "]" in title else title
    statement = f"{latex_sentence(entry.statement)}."
    if entry.correction:
        verb = _VERBS.get(entry.verdict, entry.verdict)
        statement += " Remark: " if entry.verdict == "holds" else f" As printed it {verb}; corrected: "
        statement += f"{latex_sentence(entry.correction).rstrip('.')}."
    steps = []
    for step in proof.steps if proof is not None else ():
        detail = f" ({latex_sentence(step.detail)})" if step.detail else ""
        outcome = {True: f"{step.method}, checked", False: f"{step.method}, failed", None: "in words"}[step.holds]
        steps.append(rf"{latex_sentence(step.claim)}{detail} \emph{{[{outcome}]}}")
    shown = theorem(statement, title=title, proof=steps)
    if proof is not None:
        shown += f"\n\\noindent Verdict: {latex_sentence(proof.verdict)}. Scope: {latex_sentence(proof.scope)}."
    return document(shown) if style.standalone else shown


_VERBS = {"holds with a correction": "holds with a correction", "fails as printed": "fails"}
