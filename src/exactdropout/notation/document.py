"""LaTeX around formulas: a document that compiles as it stands, a theorem with its proof, a booktabs table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from exactdropout.errors import InvalidInput
from exactdropout.model.numbers import show
from exactdropout.notation.style import Style

__all__ = ["PREAMBLE", "display", "document", "table", "theorem"]

PREAMBLE = r"""\documentclass[11pt]{article}
\usepackage[utf8]{inputenc}
\usepackage{amsmath,amssymb,amsthm,booktabs,array}
\usepackage{tikz}
\usepackage[a4paper,margin=25mm]{geometry}
\newtheorem{theorem}{Theorem}
\newtheorem{proposition}{Proposition}
\newtheorem{lemma}{Lemma}
\newtheorem{claim}{Claim}
\setlength{\emergencystretch}{4em}
\allowdisplaybreaks
"""
KINDS = ("theorem", "proposition", "lemma", "claim")


def document(*parts: str) -> str:
    """Return a document that compiles as it stands with a basic TeX Live, around LaTeX that results print.

    Needs texlive-latex-base, -recommended and -pictures. Formulas without an environment are put on lines of
    their own by ``\\[`` and ``\\]`` before.

    >>> document("$1 + 1 = 2$").splitlines()[-2]
    '$1 + 1 = 2$'
    """
    return "\n".join([PREAMBLE + r"\begin{document}", "\n\n".join(parts), r"\end{document}", ""])


def display(style: Style) -> Style:
    """Return the style with an environment around formulas, which a document needs."""
    return replace(style, environment="equation*") if style.standalone and style.environment == "none" else style


def theorem(statement: str, *, kind: str = "theorem", title: str = "", proof: Sequence[str] = ()) -> str:
    """Return a theorem environment of amsthm and, where steps are given, its proof with numbered steps; all LaTeX.

    >>> print(theorem("$q < 1$.", kind="claim"))
    \\begin{claim}
    $q < 1$.
    \\end{claim}
    """
    if kind not in KINDS:
        raise InvalidInput(f"Argument 'kind' must be one of {', '.join(KINDS)}, not {show(kind)}.")
    lines = [rf"\begin{{{kind}}}" + (f"[{{{title}}}]" if title else ""), statement, rf"\end{{{kind}}}"]
    if proof:
        *before, last = proof
        shown = "\n\\end{equation*}"  # the end of the proof stands on the last line, in a formula too
        if last.endswith(f"\\end{{aligned}}{shown}"):  # and beside the last line of several
            last = "\\begin{aligned}[b]".join(last.rsplit("\\begin{aligned}", 1))
        last = f"{last.removesuffix(shown)} \\qedhere{shown if last.endswith(shown) else ''}"
        steps = (rf"\item {step}" for step in (*before, last))
        lines += [r"\begin{proof}\leavevmode", r"\begin{enumerate}", *steps]
        lines += [r"\end{enumerate}", r"\end{proof}"]
    return "\n".join(lines)


def table(header: Sequence[str], rows: Sequence[Sequence[str]], columns: str = "") -> str:
    """Return a booktabs table; every cell is LaTeX, ``columns`` the preamble of ``tabular`` (left-aligned by default).

    Rows that hold fractions stand further apart.

    >>> print(table(["quantity", "value"], [["$R$", "$64$"]]))
    \\begin{tabular}{@{}ll@{}}
    \\toprule
    quantity & value \\\\
    \\midrule
    $R$ & $64$ \\\\
    \\bottomrule
    \\end{tabular}
    """
    if any(len(row) != len(header) for row in rows):
        raise InvalidInput(f"Argument 'rows' must have {len(header)} cells in each row, one per column.")
    body = [" & ".join(row) + (r" \\[0.8ex]" if r"\frac" in "".join(row) else r" \\") for row in rows]
    return "\n".join([
        rf"\begin{{tabular}}{{@{{}}{columns or 'l' * len(header)}@{{}}}}", r"\toprule", " & ".join(header) + r" \\",
        r"\midrule", *body, r"\bottomrule", r"\end{tabular}",
    ])  # fmt: skip
