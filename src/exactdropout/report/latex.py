"""A LaTeX document on theorems and their proofs; compiles as it stands with a basic TeX Live."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from exactdropout.notation.document import PREAMBLE as DOCUMENT
from exactdropout.notation.markup import latex_text
from exactdropout.notation.prose import latex_sentence, sentence
from exactdropout.report.bibliography import SOURCES
from exactdropout.report.evidence import (
    RECHECKED,
    Certificate,
    Groups,
    Printed,
    introduction,
    legend,
    mark,
    printed_once,
    sources,
)
from exactdropout.theorems.lemmas.numbered import cited_lemmas
from exactdropout.theorems.proof import Proof, Step
from exactdropout.theorems.registry import Theorem
from exactdropout.theorems.statements.derivation import TRIED, Derivation

__all__ = ["latex_document"]

_CONCLUSION = re.compile(r"So \$[^$]*\$\.")
"""The last steps of a proof, one for each conclusion."""
PREAMBLE = (
    DOCUMENT.replace("[11pt]", "[10pt]").replace("margin=25mm", "margin=13mm,top=11mm,bottom=11mm,includefoot")
    + r"""\usepackage{longtable,xcolor,graphicx,microtype,mathtools}
\usepackage[colorlinks,linkcolor=blue!50!black,citecolor=blue!50!black,urlcolor=blue!50!black,pdfusetitle]{hyperref}
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
\setlength{\parskip}{0pt}
\makeatletter
\renewcommand{\section}{\@startsection{section}{1}{0pt}{2.2ex plus .6ex}{.8ex}{\normalfont\large\bfseries}}
\renewcommand{\subsection}{\@startsection{subsection}{2}{0pt}{1.8ex plus .5ex}{.3ex}{\normalfont\normalsize\bfseries}}
\renewcommand{\@dotsep}{10000}
\makeatother
\newenvironment{steps}{\begin{list}{\arabic{enumi}.}{\usecounter{enumi}\setlength{\itemsep}{0pt}\setlength{\parsep}{0pt}%
  \setlength{\topsep}{1pt}\setlength{\partopsep}{0pt}\setlength{\leftmargin}{1.9em}\setlength{\labelwidth}{1.5em}%
  \setlength{\labelsep}{.4em}\setlength{\itemindent}{0pt}}}{\end{list}}
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
    date: str = "",
    title: str = "Verified results on dropout",
    pictures: Mapping[str, str] | None = None,
    certificates: Sequence[Certificate] = (),
) -> str:
    """Return a document: a table of verdicts, then each result with its printed form, statement, verdict, scope, proof.

    Steps that an earlier proof holds too are cited by number. The sources close the document.

    ``pictures`` maps ids to names of PDF files beside the document; ``certificates`` are listed in a table.
    Text is escaped, formulas in it are set. Needs texlive-latex-base and -recommended.
    """
    groups = sources(entries)
    lines = [
        PREAMBLE,
        rf"\title{{{latex_text(title)}}}",
        rf"\author{{exactdropout {latex_text(version)}}}",
        rf"\date{{{latex_text(date)}}}",
        r"\begin{document}",
        r"\maketitle",
        *_summary(entries),
        r"\tableofcontents",
        *_table(groups),
        *_legend(entries, certificates),
    ]
    lines += _lemmas(cited_lemmas(proof for _, proof in entries))
    order = [pair for _, group in groups for pair in group]
    shown = {theorem.id: steps for (theorem, _), steps in zip(order, printed_once(order), strict=True)}
    for name, group in groups:
        lines.append(rf"\section{{{latex_text(name)}}}")
        for theorem, proof in group:
            lines += _entry(theorem, proof, shown[theorem.id], (pictures or {}).get(theorem.id))
    lines += [*_certificates(certificates), *_bibliography(entries), r"\end{document}", ""]
    return "\n".join(lines)


def _source(key: str) -> str:
    return rf"\cite{{{key}}}" if key in SOURCES else latex_text(key)


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
    head = r"& Result & Statement & Verdict \\"
    lines = [
        r"\begin{footnotesize}\setlength{\LTpre}{4pt}\begin{longtable}{@{}r@{\hspace{2mm}}L{36mm}L{104mm}L{22mm}@{}}",
        rf"\toprule {head} \midrule \endfirsthead",
        rf"\toprule {head} \midrule \endhead",
        r"\bottomrule \endfoot",
    ]
    for name, group in groups:
        if len(groups) > 1:
            lines.append(rf"\multicolumn{{4}}{{@{{}}l}}{{\itshape {latex_text(name)}}} \\ \addlinespace")
        for theorem, proof in group:
            cells = (
                latex_sentence(theorem.number),
                *map(latex_sentence, (theorem.sentence, proof.verdict)),
            )
            lines.append(rf"\ref{{{theorem.id}}} & " + " & ".join(cells) + r" \\ \addlinespace[2pt]")
    return [*lines, r"\end{longtable}\end{footnotesize}"]


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
            rf"\setcounter{{lemma}}{{{lemma.number - 1}}}",
            rf"\begin{{lemma}}[{latex_sentence(lemma.title)}]{_sentence(lemma.statement())}\end{{lemma}}",
            rf"{{\footnotesize\noindent\textbf{{Letters:}} {_letters(lemma.opening())}\par}}",
            *_proof(lemma.prove()),
        ]
    return lines


def _letters(definitions: Sequence[str]) -> str:
    return "; ".join(map(latex_sentence, definitions)) + "."


def _proof(found: Sequence[Step | Printed]) -> list[str]:
    lines: list[str] = []
    numbered: dict[int, Step] = {}
    cases: dict[str, int] = {}
    restated: list[tuple[int, int]] = []
    number = alone = 0
    for place, step in enumerate(found):
        before = found[place - 1] if place else None
        if isinstance(step, Printed):
            number = step.last
            lines.append(_cited(step))
            continue
        number += 1
        numbered[number] = step
        detail = None
        if step.method == "enumeration" and len(step.detail) > 20 and cases.setdefault(step.detail, number) < number:
            detail = f"cases as in $({cases[step.detail]})$"
        line = _restated(step, numbered) if isinstance(before, Step) else 0
        if isinstance(before, Step) and line and (number - 1) in dict(restated) and mark(step) == mark(before):
            restated.append((number, line))
            lines[-1] = lines[-1][:alone] + _restating(step, restated)
        elif line:
            restated, alone = [(number, line)], len(lines[-1])
            lines[-1] += _restating(step, restated)
        elif isinstance(before, Step) and (shown := _continues(step, before)) is not None:
            lines[-1] += rf"\ \stepcounter{{enumi}}(\arabic{{enumi}}) {_step(step, shown, detail)}"
        else:
            lines.append(rf"\item {_step(step, detail=detail)}")
    return [r"{\footnotesize\begin{proof}\leavevmode\begin{steps}", *lines, r"\qedhere\end{steps}\end{proof}}"]


def _continues(step: Step, before: Step) -> str | None:
    """Return what to print of a step that stands in the item of the step before it, or None for one of its own.

    Such are the trial of an argument in words, and each conclusion of a statement after the first.
    """
    if before.holds is None and step.claim.startswith(TRIED):
        return TRIED.strip()
    if _CONCLUSION.fullmatch(step.claim) and _CONCLUSION.fullmatch(before.claim):
        return latex_sentence(step.claim.removeprefix("So "))
    return None


def _restating(step: Step, restated: Sequence[tuple[int, int]]) -> str:
    """Return steps that repeat earlier ones as conclusions, one after the other, as one."""
    numbers, lines = zip(*restated, strict=True)
    shown = f"({numbers[0]})" if len(numbers) == 1 else f"({numbers[0]})--({numbers[-1]})"
    apart = len(lines) < 3 or lines != tuple(range(lines[0], lines[0] + len(lines)))
    sources = ", ".join(f"$({line})$" for line in lines) if apart else f"$({lines[0]})$ to $({lines[-1]})$"
    return rf"\ \addtocounter{{enumi}}{{{len(lines)}}}{shown} {_step(step, f'So {sources}, as stated.', '')}"


def _restated(step: Step, numbered: Mapping[int, Step]) -> int:
    """Return the number of the step of this proof whose claim a conclusion repeats, or 0."""
    claim, source = (
        re.fullmatch(pattern, text)
        for pattern, text in ((r"So (\$[^$]+\$)\.", step.claim), (r"from \((\d+)\)", step.detail))
    )
    if step.holds is not True or claim is None or source is None:
        return 0
    found = numbered.get(int(source[1]))
    return int(source[1]) if found is not None and claim[1] in found.claim else 0


def _cited(part: Printed) -> str:
    count = part.last - part.first
    where = rf"of the proof of Result~\ref{{{part.id}}}"
    if not count:
        return rf"\item Step {part.there} {where}."
    steps = rf"Steps {part.there} to {part.there + count} {where}."
    return rf"\item[{part.first}--{part.last}.]\addtocounter{{enumi}}{{{count + 1}}} {steps}"


def _bibliography(entries: Sequence[tuple[Theorem, Proof]]) -> list[str]:
    """Return the sources of the entries, in the order of the catalogue."""
    keys = dict.fromkeys(theorem.source for theorem, _ in entries)
    items = [rf"\bibitem[{key}]{{{key}}} {latex_text(SOURCES[key])}" for key in keys if key in SOURCES]
    if not items:
        return []
    widest = max((key for key in keys if key in SOURCES), key=len)
    return [r"{\footnotesize", rf"\begin{{thebibliography}}{{{widest}}}\setlength{{\itemsep}}{{0pt}}", *items,
            r"\end{thebibliography}}"]  # fmt: skip


def _entry(theorem: Theorem, proof: Proof, steps: Sequence[Step | Printed], picture: str | None) -> list[str]:
    printed = "printed" if theorem.source_read else "ours"
    own = theorem.printed == theorem.sentence  # nothing is printed elsewhere
    lines = [
        rf"\subsection{{{latex_sentence(theorem.title)}}}",
        *([] if own else [rf"\begin{{{printed}}}{latex_sentence(theorem.printed)}\end{{{printed}}}"]),
        rf"\begin{{result}}[{{{latex_sentence(theorem.number)} of {_source(theorem.source)}, "
        rf"\evidence{{{_breakable(theorem.id)}}}}}]\label{{{theorem.id}}}"
        rf"{_sentence(theorem.sentence)}\end{{result}}",
        rf"{{\footnotesize\noindent\textbf{{Verdict:}} \verdict{{{latex_text(proof.verdict)}}}. "
        rf"\textbf{{Scope:}} {latex_sentence(proof.scope)}.",
    ]
    if theorem.definitions:
        lines.append(rf"\textbf{{Letters:}} {_letters(theorem.definitions)}")
    if theorem.in_coq is not None:
        covered = f": {latex_sentence(theorem.in_coq.part)}" if theorem.in_coq.part else ""
        names = ", ".join(latex_text(name).replace(r"\_", r"\_\allowbreak{}") for name in theorem.in_coq.statements)
        lines.append(rf"\textbf{{Shipped proof:}} {theorem.in_coq.evidence}{covered} ({names}).")
    lines.append(r"\par}")
    if theorem.correction:
        name = "remark" if theorem.verdict == "holds" else "correction"
        lines.append(rf"\begin{{{name}}}{latex_sentence(theorem.correction)}\end{{{name}}}")
    if proof.counterexample:
        lines.append(rf"\begin{{counterexample}}{latex_sentence(proof.counterexample)}\end{{counterexample}}")
    if picture is not None:
        lines.append(rf"\par\medskip\noindent\includegraphics[width=\linewidth]{{{picture}}}\par")
    if steps:
        lines += _proof(steps)
    return lines


def _step(step: Step, claim: str | None = None, detail: str | None = None) -> str:
    """Return a step; ``claim`` and ``detail`` replace its own where they stand in the same proof already."""
    shown_detail = step.detail if detail is None else detail
    detail = f" ({latex_sentence(shown_detail)})" if shown_detail else ""
    found = mark(step)
    if step.holds is None:
        shown = r"\inwords"
    elif found.failed:
        shown = rf"\failedcheck{{{found.method}}}"
    else:
        shown = (
            rf"\checked{{{found.method}, {found.kind}}}" if found.kind != RECHECKED else rf"\checked{{{found.method}}}"
        )
    return f"{latex_sentence(step.claim) if claim is None else claim}{detail} {shown}"


def _certificates(certificates: Sequence[Certificate]) -> list[str]:
    if not certificates:
        return []
    head = r"Certificate & Statement & Coq, needs coqc \\"
    lines = [
        r"\section{Certificates}",
        r"\noindent Shipped with the package: certified global minima at $q = \frac12$, each read again by the "
        r"independent checker while this report was written, and verified where it is not marked as rejected; and the "
        r"theorem that Coq proves from the same file.",
        r"\begin{scriptsize}\setlength{\tabcolsep}{2pt}\begin{longtable}{@{}L{31mm}L{118mm}L{28mm}@{}}",
        rf"\toprule {head} \midrule \endfirsthead",
        rf"\toprule {head} \midrule \endhead",
        r"\bottomrule \endfoot",
    ]
    for c in certificates:
        coq = latex_text(c.coq).replace(r"\_", r"\_\allowbreak{}") if c.coq else "---"
        shown = latex_sentence(c.statement) if c.verified else rf"REJECTED: {latex_sentence(c.statement)}"
        cells = (_breakable(c.name), shown, coq)
        lines.append(" & ".join(cells) + r" \\")
    return [*lines, r"\end{longtable}\end{scriptsize}"]
