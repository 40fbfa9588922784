"""A LaTeX document on theorems and their proofs; compiles as it stands with a basic TeX Live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from exactdropout.notation.markup import latex_text
from exactdropout.theorems.proof import METHODS, Proof, Step
from exactdropout.theorems.registry import Theorem

__all__ = ["latex_document"]

PREAMBLE = r"""\documentclass[11pt]{article}
\usepackage[utf8]{inputenc}
\usepackage{amsmath,amssymb,amsthm,booktabs,longtable,array}
\usepackage[a4paper,margin=25mm]{geometry}
\usepackage{graphicx,microtype}
\usepackage[hidelinks,pdfusetitle]{hyperref}
\theoremstyle{plain}
\newtheorem*{result}{Statement}
\newtheorem*{correction}{Corrected statement}
\theoremstyle{definition}
\newtheorem*{printed}{As printed}
\setlength{\emergencystretch}{4em}
\raggedbottom
\newcommand{\checked}[1]{\textsf{\small[#1, checked]}}
\newcommand{\inwords}{\textsf{\small[in words]}}
\newcommand{\failedcheck}[1]{\textbf{[#1, failed]}}
\newcolumntype{L}[1]{>{\raggedright\arraybackslash}p{#1}}
"""


def latex_document(
    entries: Sequence[tuple[Theorem, Proof]],
    *,
    version: str,
    title: str = "Verified results",
    pictures: Mapping[str, str] | None = None,
) -> str:
    """Return a document with a table of verdicts, then each result: printed form, statement, verdict, scope, proof.

    ``pictures`` maps ids to names of PDF files beside the document. Text is escaped, formulas between dollars are
    taken as they are. Needs texlive-latex-base and -recommended.
    """
    lines = [
        PREAMBLE,
        rf"\title{{{latex_text(title)}}}",
        rf"\author{{exactdropout {latex_text(version)}}}",
        r"\date{}",
        r"\begin{document}",
        r"\maketitle",
        *_table(entries),
        *_legend(entries),
    ]
    for theorem, proof in entries:
        lines += _entry(theorem, proof, (pictures or {}).get(theorem.id))
    lines += [r"\end{document}", ""]
    return "\n".join(lines)


def _breakable(identifier: str) -> str:
    return latex_text(identifier).replace("-", r"-\allowbreak{}")


def _table(entries: Sequence[tuple[Theorem, Proof]]) -> list[str]:
    head = r"Result & Statement & Verdict & Scope \\"
    lines = [
        r"\begin{small}\begin{longtable}{@{}L{27mm}L{54mm}L{24mm}L{41mm}@{}}",
        rf"\toprule {head} \midrule \endfirsthead",
        rf"\toprule {head} \midrule \endhead",
        r"\bottomrule \endfoot",
    ]
    for theorem, proof in entries:
        cells = (_breakable(theorem.id), *map(latex_text, (theorem.statement, proof.verdict, proof.scope)))
        lines.append(" & ".join(cells) + r" \\ \addlinespace")
    return [*lines, r"\end{longtable}\end{small}"]


def _legend(entries: Sequence[tuple[Theorem, Proof]]) -> list[str]:
    used = {step.method for _, proof in entries for step in proof.steps}
    lines = [r"\paragraph{Evidence.} Every check below was run when this report was written.", r"\begin{description}"]
    lines += [rf"\item[{method}] {latex_text(METHODS[method])}." for method in METHODS if method in used]
    return [*lines, r"\end{description}"]


def _entry(theorem: Theorem, proof: Proof, picture: str | None) -> list[str]:
    lines = [
        rf"\section*{{{latex_text(theorem.title)}}}",
        rf"\noindent {latex_text(theorem.number)} of \texttt{{{latex_text(theorem.source)}}}; "
        rf"\texttt{{{_breakable(theorem.id)}}}.",
        rf"\begin{{printed}}{latex_text(theorem.printed)}\end{{printed}}",
        rf"\begin{{result}}{latex_text(theorem.statement)}\end{{result}}",
        rf"\noindent\textbf{{Verdict:}} {latex_text(proof.verdict)}. "
        rf"\textbf{{Scope:}} {latex_text(proof.scope)}.",
    ]
    if theorem.correction:
        lines.append(rf"\begin{{correction}}{latex_text(theorem.correction)}\end{{correction}}")
    if proof.counterexample:
        lines.append(rf"\par\noindent\textbf{{Counterexample:}} {latex_text(proof.counterexample)}")
    if picture is not None:
        lines.append(rf"\par\medskip\noindent\includegraphics[width=\linewidth]{{{picture}}}\par")
    if proof.steps:
        steps = [rf"\item {_step(step)}" for step in proof.steps]
        lines += [r"\begin{proof}\leavevmode\begin{enumerate}", *steps, r"\end{enumerate}\end{proof}"]
    return lines


def _step(step: Step) -> str:
    detail = f" ({latex_text(step.detail)})" if step.detail else ""
    if step.holds is None:
        mark = r"\inwords"
    else:
        mark = rf"\checked{{{step.method}}}" if step.holds else rf"\failedcheck{{{step.method}}}"
    return f"{latex_text(step.claim)}{detail} {mark}"
