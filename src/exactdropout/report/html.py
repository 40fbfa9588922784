"""One self-contained HTML page: MathML formulas, no script, no outside address."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Mapping, Sequence

from exactdropout.notation.prose import html_sentence
from exactdropout.report.bibliography import SOURCES
from exactdropout.report.evidence import (
    Certificate,
    Groups,
    Printed,
    introduction,
    legend,
    mark,
    printed_once,
    sources,
)
from exactdropout.theorems.in_coq import coq_statements
from exactdropout.theorems.lemmas.numbered import cited_lemmas
from exactdropout.theorems.proof import Proof, Step
from exactdropout.theorems.registry import Theorem
from exactdropout.theorems.statements.derivation import Derivation

__all__ = ["html_page"]

STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.55 "STIX Two Text", "Latin Modern Roman", Georgia, serif; max-width: 62rem; margin: 2rem auto;
  padding: 0 1rem; }
h1 { font-size: 1.7rem; } h2 { font-size: 1.35rem; margin: 2.6rem 0 .3rem; }
h3 { font-size: 1.12rem; margin: 2.2rem 0 .2rem; } h3 + p { margin-top: 0; }
.statement { border-left: 3px solid #8886; padding-left: .8rem; } .group td { font-style: italic; padding-top: 1rem; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th, td { text-align: left; vertical-align: top; padding: .4rem .7rem .4rem 0; border-bottom: 1px solid #8886; }
td.holds, td.corrected, td.not { min-width: 6rem; } .results td:nth-child(4) { min-width: 14rem; }
.results td:nth-child(5) { min-width: 9rem; } .together { white-space: nowrap; }
th { border-bottom: 2px solid #8889; }
code { font-size: .85em; overflow-wrap: anywhere; }
.holds { color: #1a7f37; font-weight: 600; } .not { color: #b3261e; font-weight: 600; }
.corrected { color: #9a6700; font-weight: 600; }
@media (prefers-color-scheme: dark) {
  .holds { color: #57c271; } .not { color: #ff8a80; } .corrected { color: #e0b050; }
}
.mark { font: .78rem system-ui, sans-serif; padding: .05rem .4rem; border-radius: .6rem; background: #8882;
  white-space: nowrap; }
.failed { background: #b3261e; color: white; }
ol li { margin: .35rem 0; } .label { font-weight: 600; } .meta { opacity: .75; font-size: .9rem; }
img { max-width: 100%; background: white; }
section { overflow-x: auto; overflow-y: hidden; }  /* a long formula scrolls, the page does not */
@media (max-width: 46rem) {
  table, tbody, tr, td { display: block; } thead { display: none; }
  tr { border-bottom: 1px solid #8886; padding: .5rem 0; }
  td, .results td:nth-child(4), .results td:nth-child(5) { border: 0; padding: .1rem 0; min-width: 0; }
}
math { font-size: 1.05em; } footer { margin-top: 3rem; opacity: .7; font-size: .85rem; }
"""


_BEFORE_A_STOP = re.compile(r"(<math\b(?:(?!</math>).)*</math>)([,.;:)]+)", re.DOTALL)
_TIGHT = re.compile(r"<mo(?: stretchy=\"false\")?>(&#x0007C;|&#x0002F;|\||/)</mo>")


def html_page(
    entries: Sequence[tuple[Theorem, Proof]],
    *,
    version: str,
    date: str = "",
    title: str = "Verified results on dropout",
    pictures: Mapping[str, bytes] | None = None,
    certificates: Sequence[Certificate] = (),
) -> str:
    """Return the page: a table of verdicts with links, then each result with its printed form, verdict and proof.

    Steps that an earlier proof holds too are links to it.

    ``pictures`` maps ids to SVG files, which are embedded; ``certificates`` are listed in a table of their own.
    """
    drawn = pictures or {}
    groups = sources(entries)
    body = [f"<h1>{html.escape(title)}</h1>", _introduction(entries), _navigation(groups), _table(groups)]
    body += [_legend(entries, certificates), *_lemmas(cited_lemmas(proof for _, proof in entries))]
    order = [pair for _, group in groups for pair in group]
    shown = {theorem.id: steps for (theorem, _), steps in zip(order, printed_once(order), strict=True)}
    titles = {theorem.id: theorem.title for theorem, _ in order}
    for place, (name, group) in enumerate(groups, 1):
        body.append(f'<h2 id="part-{place}">{html.escape(name)}</h2>')
        body += [
            _entry(theorem, proof, _proof(shown[theorem.id], titles), drawn.get(theorem.id)) for theorem, proof in group
        ]
    body += [*_certificates(certificates), *_bibliography(entries)]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{STYLE}</style></head>\n<body>\n"
        + "\n".join(body)
        + f"\n<footer>exactdropout {html.escape(version)}{', ' * bool(date)}{html.escape(date)}; every check marked so "
        "was run when this page was written."
        "</footer>\n</body></html>\n"
    )


def _formula(source: str) -> str:
    """Return MathML, or the source itself where it cannot be converted."""
    from latex2mathml.converter import convert

    try:
        markup = str(convert(source))
    except Exception:  # the converter raises many kinds of errors on LaTeX that it does not know
        return f"<code>{html.escape(source)}</code>"
    # bars and slashes are set tight: browsers give an operator between operands the space of a relation
    return _TIGHT.sub(r'<mo stretchy="false" lspace="0" rspace="0">\1</mo>', markup)


def _bibliography(entries: Sequence[tuple[Theorem, Proof]]) -> list[str]:
    """Return the sources of the entries, in the order of the catalogue."""
    keys = [key for key in dict.fromkeys(theorem.source for theorem, _ in entries) if key in SOURCES]
    items = "".join(
        f'<dt id="source-{key}"><code>{key}</code></dt><dd>{html.escape(SOURCES[key])}</dd>' for key in keys
    )
    return [f'<h2 id="sources">Sources</h2><dl>{items}</dl>'] if keys else []


def _text(text: str) -> str:
    """Return a sentence as HTML; a full stop or comma behind a formula begins no line."""
    return _BEFORE_A_STOP.sub(r'<span class="together">\1\2</span>', html_sentence(text, _formula))


def _class(verdict: str) -> str:
    return {"holds": "holds", "holds with a correction": "corrected"}.get(verdict, "not")


def _table(groups: Groups) -> str:
    rows = []
    for name, group in groups:
        if len(groups) > 1:
            rows.append(f'<tr class="group"><td colspan="5">{html.escape(name)}</td></tr>')
        rows += [
            f'<tr><td><a href="#{html.escape(t.id)}">{_text(t.number)}</a></td><td>{_text(t.sentence)}</td>'
            f'<td class="{_class(p.verdict)}">{html.escape(p.verdict)}</td><td>{_text(p.scope)}</td>'
            f"<td>{html.escape(t.evidence(p))}</td></tr>"
            for t, p in group
        ]
    head = "".join(f"<th>{name}</th>" for name in ("Result", "Statement", "Verdict", "Scope", "Evidence"))
    return f'<table class="results"><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'


def _legend(entries: Sequence[tuple[Theorem, Proof]], certificates: Sequence[Certificate]) -> str:
    items = [
        f'<li><span class="mark">{html.escape(name)}</span> {html.escape(meaning)}</li>'
        for name, meaning in legend(entries, certificates)
    ]
    return f"<h2>Evidence</h2><ul>{''.join(items)}</ul>"


def _introduction(entries: Sequence[tuple[Theorem, Proof]]) -> str:
    """Return the introduction of the LaTeX report, with its counts of verdicts."""
    return "".join(f"<p>{_text(text)}</p>" for text in introduction(entries))


def _navigation(groups: Groups) -> str:
    items = [f'<li><a href="#part-{place}">{html.escape(name)}</a></li>' for place, (name, _) in enumerate(groups, 1)]
    if any(theorem.source in SOURCES for _, group in groups for theorem, _ in group):
        items.append('<li><a href="#sources">Sources</a></li>')
    return f"<nav><ul>{''.join(items)}</ul></nav>"


def _lemmas(found: Sequence[Derivation]) -> list[str]:
    """Return the lemmas that several proofs cite, each with its proof."""
    parts = ["<h2>Lemmas</h2>"] if found else []
    for lemma in found:
        steps = "".join(f"<li>{_step(step)}</li>" for step in lemma.prove())
        parts.append(
            f'<section id="lemma-{lemma.number}"><h3>{html.escape(lemma.cited)}</h3>'
            f'<p class="statement">{_text(lemma.statement())}</p>{_letters(lemma.opening())}<ol>{steps}</ol></section>'
        )
    return parts


def _letters(definitions: Sequence[str]) -> str:
    return f'<p><span class="label">Letters.</span> {"; ".join(map(_text, definitions))}.</p>' if definitions else ""


def _proof(found: Sequence[Step | Printed], titles: Mapping[str, str]) -> str:
    """Return the steps as a list; those that an earlier proof holds are links to it."""
    items, number = [], 1
    for part in found:
        if isinstance(part, Printed):
            more = part.last - part.first
            own = f"{part.first} to {part.last}: steps" if more else "Step"
            there = f"{part.there} to {part.there + more}" if more else str(part.there)
            link = f'<a href="#{html.escape(part.id)}">{_text(titles[part.id])}</a>'
            items.append(f'<li value="{part.first}">{own} {there} of the proof of {link}.</li>')
            number = part.last + 1
        else:
            items.append(f'<li value="{number}">{_step(part)}</li>')
            number += 1
    return f"<ol>{''.join(items)}</ol>"


def _entry(theorem: Theorem, proof: Proof, steps: str, picture: bytes | None) -> str:
    parts = [
        f'<section id="{html.escape(theorem.id)}"><h3>{_text(theorem.title)}</h3>',
        f'<p class="meta">{_text(theorem.number)} of <code>{html.escape(theorem.source)}</code>, '
        f"<code>{html.escape(theorem.id)}</code>, {proof.seconds:.2f} s</p>",
        f'<p><span class="label">{theorem.printed_label}.</span> {_text(theorem.printed)}</p>',
        f'<p class="statement"><span class="label">Statement.</span> {_text(theorem.sentence)}</p>',
        f'<p><span class="label">Verdict:</span> <span class="{_class(proof.verdict)}">{html.escape(proof.verdict)}'
        f'</span>. <span class="label">Scope:</span> {_text(proof.scope)}.</p>',
        _letters(theorem.definitions),
    ]
    if theorem.correction:
        parts.append(f'<p><span class="label">{theorem.correction_label}.</span> {_text(theorem.correction)}</p>')
    if theorem.in_coq is not None:
        texts = "\n".join(f"{name}: {coq_statements()[name].text}" for name in theorem.in_coq.statements)
        parts.append(
            f"<details><summary>{html.escape(theorem.in_coq.words)}</summary><pre>{html.escape(texts)}</pre></details>"
        )
    if proof.counterexample:
        parts.append(f'<p><span class="label">Counterexample.</span> {_text(proof.counterexample)}</p>')
    if picture is not None:
        source = base64.b64encode(picture).decode("ascii")
        parts.append(f'<img alt="{html.escape(theorem.number)}" src="data:image/svg+xml;base64,{source}">')
    parts.append(f"{steps}</section>")
    return "\n".join(parts)


def _step(step: Step) -> str:
    found = mark(step)
    if step.holds is None:
        outcome = found.kind
    elif found.failed:
        outcome = f"{found.method}, FAILED"
    else:
        outcome = f"{found.method}, {found.kind}"
    detail = f" ({_text(step.detail)})" if step.detail else ""
    kind = "mark failed" if found.failed else "mark"
    return f'{_text(step.claim)}{detail} <span class="{kind}">{html.escape(outcome)}</span>'


def _certificates(certificates: Sequence[Certificate]) -> list[str]:
    if not certificates:
        return []
    rows = [
        f"<tr><td><code>{html.escape(c.name)}</code></td><td>{_text(c.statement)}</td>"
        f'<td class="{"holds" if c.verified else "not"}">{"verified" if c.verified else "REJECTED"}</td>'
        f"<td>{f'<code>{html.escape(c.coq)}</code>' if c.coq else '–'}</td></tr>"
        for c in certificates
    ]
    head = "".join(f"<th>{n}</th>" for n in ("Certificate", "Statement", "Checker, now", "Theorem in Coq, needs coqc"))
    return [
        "<h2>Certificates</h2>",
        f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>",
    ]
