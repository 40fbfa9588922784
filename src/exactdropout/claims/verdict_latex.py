"""Verdicts in LaTeX: a theorem with its proof, a refuted claim with its counterexample, or an open claim."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from exactdropout.claims.language.syntax import Claim
from exactdropout.claims.printing import aligned_latex
from exactdropout.notation.document import document, theorem
from exactdropout.notation.numbers import number_latex
from exactdropout.notation.prose import latex_sentence
from exactdropout.notation.style import Style

if TYPE_CHECKING:
    from exactdropout.claims.verdict import Verdict

__all__ = ["verdict_latex"]

_RELATIONS = {"=": "=", "!=": r"\ne", "<=": r"\le", "<": "<", ">=": r"\ge", ">": ">"}
WIDTH = 75


def verdict_latex(verdict: Verdict, style: Style) -> str:
    """Return a theorem, or a claim and what is known of it; steps and assumptions with the claim."""
    environment = "equation*" if style.environment == "none" else style.environment
    inside = replace(style, environment=environment, width=style.width or WIDTH, standalone=False)
    # the assumptions of the claim are listed with the others
    claim = aligned_latex(Claim(verdict.claim.statement), inside)
    setting = "; ".join(map(latex_sentence, verdict.assumptions))
    statement = f"Setting: {setting}. Then\n{claim}"
    scope = rf"\noindent Scope: {latex_sentence(verdict.scope)}."
    steps = [latex_sentence(step) for step in verdict.steps]
    if verdict.status == "proved":
        parts = [theorem(statement, proof=steps), scope]
    elif verdict.counterexample is not None:
        point = verdict.counterexample
        shown = f"{number_latex(point.left)} {_RELATIONS[point.relation]} {number_latex(point.right)}"
        where = ", ".join(f"${_symbol(name)} = {number_latex(value)}$" for name, value in point.values.items())
        note = f" ({latex_sentence(point.note.strip())})" if point.note.strip() else ""
        text = f"The claim is refuted: ${shown}$ is false{note}" + (f" at {where}." if where else ".")
        if verdict.near_miss:
            text += f" Near miss: {_near_miss(verdict.near_miss)}."
        parts = [theorem(statement, kind="claim"), rf"\noindent {text}", scope]
    else:
        tried = "\n".join([r"\begin{enumerate}", *(rf"\item {step}" for step in steps), r"\end{enumerate}"])
        parts = [theorem(statement, kind="claim"), r"\noindent The claim is undecided. What was tried:", tried, scope]
    body = "\n".join(parts)
    return document(body) if style.standalone else body


def _near_miss(text: str) -> str:
    """Return the slip in words, with the claim that holds without it, where there is one, as a formula."""
    from exactdropout.claims.language.parser import parse_claim
    from exactdropout.claims.printing import claim_latex
    from exactdropout.errors import InvalidInput

    first, either, second = text.partition(". Or ")
    if either:
        return f"{_near_miss(first)}. Or {_near_miss(second)}"
    slip, _, rest = text.partition("; ")
    changed, holds, points = rest.rpartition(" holds at ")
    try:
        return f"{latex_sentence(slip)}; ${claim_latex(parse_claim(changed))}${holds}{points}"
    except InvalidInput:  # words alone
        return latex_sentence(text)


def _symbol(name: str) -> str:
    from exactdropout.claims.language.parser import parse_expression
    from exactdropout.errors import InvalidInput
    from exactdropout.notation.latex import expression_latex

    try:
        return expression_latex(parse_expression(name))
    except InvalidInput:
        return rf"\text{{{latex_sentence(name)}}}"
