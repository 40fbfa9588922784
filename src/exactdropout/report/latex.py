"""A LaTeX document on theorems and their proofs; compiles as it stands with a basic TeX Live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from exactdropout.notation.document import PREAMBLE as DOCUMENT
from exactdropout.notation.markup import latex_text
from exactdropout.notation.prose import latex_sentence, sentence
from exactdropout.report.evidence import RECHECKED, Certificate, Groups, introduction, legend, mark, sources
from exactdropout.theorems.lemmas.numbered import cited_lemmas
from exactdropout.theorems.proof import Proof, Step
from exactdropout.theorems.registry import Theorem
from exactdropout.theorems.statements.derivation import Derivation

__all__ = ["latex_document"]

PREAMBLE = (
    DOCUMENT
    + r"""\usepackage{longtable,xcolor,graphicx,microtype,mathtools}
\usepackage[colorlinks,linkcolor=blue!50!black,urlcolor=blue!50!black,pdfusetitle]{hyperref}
\newtheorem{result}{Result}
\newtheorem*{correction}{Corrected statement}
\theoremstyle{definition}
\newtheorem*{printed}{As printed}
\newtheorem*{ours}{Our statement}
\theoremstyle{remark}
\newtheorem*{counterexample}{Counterexample}
\newtheorem*{remark}{Remark}
\setcounter{secnumdepth}{0}
\raggedbottom
\makeatletter\@beginparpenalty=10000\makeatother % the first step stays with the word Proof
\definecolor{evidence}{gray}{0.42}
\newcommand{\evidence}[1]{{\footnotesize\sffamily\color{evidence}#1}}
\newcommand{\checked}[1]{\unskip\hspace{0.6em plus 0.3em}\evidence{\mbox{[$\checkmark$\,#1]}}}
\newcommand{\inwords}{\unskip\hspace{0.6em plus 0.3em}\evidence{\mbox{[in words]}}}
\newcommand{\failedcheck}[1]{\unskip\hspace{0.6em}\textbf{[#1, failed]}}
\newcommand{\verdict}[1]{\textbf{#1}}
\newcolumntype{L}[1]{>{\raggedright\arraybackslash}p{#1}}
"""
)


def latex_document(
    entries: Sequence[tuple[Theorem, Proof]],
    *,
    version: str,
    title: str = "Verified results on dropout",
    pictures: Mapping[str, str] | None = None,
    certificates: Sequence[Certificate] = (),
) -> str:
    """Return a document: a table of verdicts, then each result with its printed form, statement, verdict, scope, proof.

    ``pictures`` maps ids to names of PDF files beside the document; ``certificates`` are listed in a table.
    Text is escaped, formulas in it are set. Needs texlive-latex-base and -recommended.
    """
    groups = sources(entries)
    lines = [
        PREAMBLE,
        rf"\title{{{latex_text(title)}}}",
        rf"\author{{exactdropout {latex_text(version)}}}",
        r"\date{}",
        r"\begin{document}",
        r"\maketitle",
        *_summary(entries),
        r"\tableofcontents",
        *_table(groups),
        *_legend(entries, certificates),
    ]
    lines += _lemmas(cited_lemmas(proof for _, proof in entries))
    for name, group in groups:
        lines.append(rf"\section{{{latex_text(name)}}}")
        for theorem, proof in group:
            lines += _entry(theorem, proof, (pictures or {}).get(theorem.id))
    lines += [*_certificates(certificates), r"\end{document}", ""]
    return "\n".join(lines)


def _breakable(identifier: str) -> str:
    return latex_text(identifier).replace("-", r"-\allowbreak{}")


def _sentence(text: str) -> str:
    """Return a statement as a sentence of its own: a word at its start gets a capital letter, its end a full stop."""
    opening = next(iter(sentence(text)), None)
    if opening is not None and opening.latex is None and text[:2].isalpha() and text[:2].islower():
        text = text[0].upper() + text[1:]
    shown = latex_sentence(text)
    return shown if shown.rstrip().endswith((".", "!", "?")) else f"{shown}."


def _summary(entries: Sequence[tuple[Theorem, Proof]]) -> list[str]:
    return [rf"\noindent {latex_sentence(text)}\par" for text in introduction(entries)]


def _table(groups: Groups) -> list[str]:
    head = r"& Result & Statement & Verdict & Scope \\"
    lines = [
        r"\begin{small}\begin{longtable}{@{}r@{\hspace{2mm}}L{27mm}L{53mm}L{20mm}L{41mm}@{}}",
        rf"\toprule {head} \midrule \endfirsthead",
        rf"\toprule {head} \midrule \endhead",
        r"\bottomrule \endfoot",
    ]
    for name, group in groups:
        if len(groups) > 1:
            lines.append(rf"\multicolumn{{5}}{{@{{}}l}}{{\itshape {latex_text(name)}}} \\ \addlinespace")
        for theorem, proof in group:
            cells = (
                latex_sentence(theorem.number),
                *map(latex_sentence, (theorem.sentence, proof.verdict, proof.scope)),
            )
            lines.append(rf"\ref{{{theorem.id}}} & " + " & ".join(cells) + r" \\ \addlinespace")
    return [*lines, r"\end{longtable}\end{small}"]


def _legend(entries: Sequence[tuple[Theorem, Proof]], certificates: Sequence[Certificate]) -> list[str]:
    lines = [
        r"\paragraph{Evidence.} Each step of a proof says how it was checked.",
        r"\begin{description}\setlength{\itemsep}{0pt}",
    ]
    lines += [
        rf"\item[{latex_text(name)}] {latex_sentence(meaning)}." for name, meaning in legend(entries, certificates)
    ]
    return [*lines, r"\end{description}"]


def _lemmas(found: Sequence[Derivation]) -> list[str]:
    """Return the lemmas that several proofs cite, each with its proof."""
    lines = [r"\section{Lemmas}"] if found else []
    for lemma in found:
        lines += [
            rf"\begin{{lemma}}[{latex_sentence(lemma.title)}]{_sentence(lemma.statement())}\end{{lemma}}",
            rf"\noindent\textbf{{Letters:}} {_letters(lemma.opening())}",
            *_proof(lemma.prove()),
        ]
    return lines


def _letters(definitions: Sequence[str]) -> str:
    return "; ".join(map(latex_sentence, definitions)) + "."


def _proof(found: Sequence[Step]) -> list[str]:
    steps = [rf"\item {_step(step)}" for step in found]
    return [r"\begin{proof}\leavevmode\begin{enumerate}", *steps, r"\qedhere\end{enumerate}\end{proof}"]


def _entry(theorem: Theorem, proof: Proof, picture: str | None) -> list[str]:
    printed = "printed" if theorem.source_read else "ours"
    lines = [
        rf"\subsection{{{latex_sentence(theorem.title)}}}",
        rf"\noindent\evidence{{{latex_sentence(theorem.number)} of {latex_text(theorem.source)} \quad "
        rf"{_breakable(theorem.id)}}}",
        rf"\begin{{{printed}}}{latex_sentence(theorem.printed)}\end{{{printed}}}",
        rf"\begin{{result}}\label{{{theorem.id}}}{_sentence(theorem.sentence)}\end{{result}}",
        rf"\noindent\textbf{{Verdict:}} \verdict{{{latex_text(proof.verdict)}}}. "
        rf"\textbf{{Scope:}} {latex_sentence(proof.scope)}.",
    ]
    if theorem.definitions:
        lines.append(rf"\par\noindent\textbf{{Letters:}} {_letters(theorem.definitions)}")
    if theorem.correction:
        name = "remark" if theorem.verdict == "holds" else "correction"
        lines.append(rf"\begin{{{name}}}{latex_sentence(theorem.correction)}\end{{{name}}}")
    if theorem.in_coq is not None:
        covered = f": {latex_sentence(theorem.in_coq.part)}" if theorem.in_coq.part else ""
        names = ", ".join(latex_text(name).replace(r"\_", r"\_\allowbreak{}") for name in theorem.in_coq.statements)
        lines.append(rf"\par\noindent\textbf{{Shipped proof:}} {theorem.in_coq.evidence}{covered} ({names}).")
    if proof.counterexample:
        lines.append(rf"\begin{{counterexample}}{latex_sentence(proof.counterexample)}\end{{counterexample}}")
    if picture is not None:
        lines.append(rf"\par\medskip\noindent\includegraphics[width=\linewidth]{{{picture}}}\par")
    if proof.steps:
        lines += _proof(proof.steps)
    return lines


def _step(step: Step) -> str:
    detail = f" ({latex_sentence(step.detail)})" if step.detail else ""
    found = mark(step)
    if step.holds is None:
        shown = r"\inwords"
    elif found.failed:
        shown = rf"\failedcheck{{{found.method}}}"
    else:
        shown = (
            rf"\checked{{{found.method}, {found.kind}}}" if found.kind != RECHECKED else rf"\checked{{{found.method}}}"
        )
    return f"{latex_sentence(step.claim)}{detail} {shown}"


def _certificates(certificates: Sequence[Certificate]) -> list[str]:
    if not certificates:
        return []
    head = r"Certificate & Statement & Checker now & Coq, needs coqc \\"
    lines = [
        r"\section{Certificates}",
        r"\noindent Shipped with the package: certified global minima at $q = \frac12$, each read again by the "
        r"independent checker while this report was written, and the theorem that Coq proves from the same file.",
        r"\begin{footnotesize}\begin{longtable}{@{}L{34mm}L{60mm}L{16mm}L{36mm}@{}}",
        rf"\toprule {head} \midrule \endfirsthead",
        rf"\toprule {head} \midrule \endhead",
        r"\bottomrule \endfoot",
    ]
    for c in certificates:
        coq = latex_text(c.coq).replace(r"\_", r"\_\allowbreak{}") if c.coq else "---"
        cells = (_breakable(c.name), latex_sentence(c.statement), "verified" if c.verified else "REJECTED", coq)
        lines.append(" & ".join(cells) + r" \\")
    return [*lines, r"\end{longtable}\end{footnotesize}"]
