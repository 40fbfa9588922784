"""The derivations of a document with a verdict at each step, as one HTML page: no script, no outside address."""

from __future__ import annotations

import html
from typing import Any

from exactdropout._version import __version__
from exactdropout.claims.documents.document import DocumentVerdict, Step
from exactdropout.claims.language.syntax import Comparison
from exactdropout.errors import InvalidInput
from exactdropout.notation.mathml import expression_mathml, flowing_mathml

__all__ = ["derivation_page"]

SHORT = 3
"""Pieces of a formula that stands on one line."""

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --good: #1a7f37; --bad: #b3261e; --open: #9a6700; }
@media (prefers-color-scheme: dark) { :root { --good: #57c271; --bad: #ff8a80; --open: #e0b050; } }
body { font: 16px/1.5 "STIX Two Text", "Latin Modern Roman", Georgia, serif; max-width: 58rem; margin: 2rem auto;
  padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: .3rem; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .4rem; }
.summary { font-size: 1.05rem; } .setting { opacity: .75; font-size: .92rem; margin: .2rem 0 .8rem; }
.step { display: grid; grid-template-columns: 3.2rem 6.4rem minmax(0, 1fr); gap: .2rem .8rem;
  padding: .5rem 0 .5rem .7rem;
  border-top: 1px solid var(--line); border-left: 4px solid transparent; }
.step.refuted { border-left-color: var(--bad); background: #b3261e14; }
.line { opacity: .65; font-variant-numeric: tabular-nums; }
.verdict { font-weight: 600; } .proved .verdict { color: var(--good); } .refuted .verdict { color: var(--bad); }
.undecided .verdict, .unread .verdict { color: var(--open); }
.formula { overflow-x: auto; overflow-y: hidden; padding-bottom: .15rem; }
.note { margin: .35rem 0 0; font-size: .95rem; }
.label { font-weight: 600; } details { margin-top: .3rem; font-size: .9rem; } summary { cursor: pointer; opacity: .8; }
.flow math { margin: .1rem .12em .1rem 0; }
code { font-size: .85em; overflow-wrap: anywhere; } math { font-size: 1.05em; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
td, th { text-align: left; vertical-align: top; padding: .35rem .8rem .35rem 0; border-bottom: 1px solid var(--line); }
footer { margin-top: 3rem; opacity: .7; font-size: .85rem; }
@media (max-width: 40rem) { .step { grid-template-columns: 3rem 1fr; } .step > div { grid-column: 1 / -1; } }
"""


def derivation_page(result: DocumentVerdict) -> str:
    """Return the page: a summary, then each derivation step by step with its verdict, then what was passed over.

    A step shows the claim as it was read, its counterexample and near miss, and on demand its proof and source.
    """
    title = html.escape(f"Derivations in {result.name}")
    body = [f"<h1>{title}</h1>", _summary(result)]
    chain = setting = None
    for number, step in enumerate(result.steps):
        if step.chain != chain:
            if chain is not None:
                body.append("</section>")
            body.append(f"<section><h2>Derivation {step.chain}</h2>")
            if step.setting != setting:
                body.append(f'<p class="setting">{html.escape(step.setting)}</p>')
        chain, setting = step.chain, step.setting
        body.append(_step(step, number))
    body += ["</section>" if result.steps else "", _passed(result)]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(part for part in body if part)
        + f"\n<footer>exactdropout {html.escape(__version__)}. A proof covers its scope and setting and nothing wider; "
        "undecided does not mean false.</footer>\n</body></html>\n"
    )


def _summary(result: DocumentVerdict) -> str:
    counts = [
        f"{sum(s.status == status for s in result.steps)} {status}"
        for status in ("proved", "refuted", "undecided", "not read", "not reached")
        if any(s.status == status for s in result.steps)
    ]
    wrong = result.first_refuted
    first = (
        ""
        if wrong is None
        else f' The first wrong step is in <a href="#{_anchor(result.steps.index(wrong))}">line {wrong.line}</a>.'
    )
    broken = "" if result.complete else " The check was interrupted."
    return f'<p class="summary">{len(result.steps)} steps: {", ".join(counts)}.{first}{broken}</p>'


def _anchor(number: int) -> str:
    return f"step-{number + 1}"


def _step(step: Step, number: int) -> str:
    kind = {"not read": "unread", "not reached": "unread"}.get(step.status, step.status)
    parts = [_formula(step)]
    if step.reason:
        parts.append(f'<p class="note">{html.escape(step.reason)}</p>')
    verdict = step.verdict
    if verdict is not None:
        if verdict.counterexample is not None:
            parts.append(_note("Counterexample", str(verdict.counterexample)))
        if verdict.near_miss is not None:
            parts.append(_note("Near miss", str(verdict.near_miss)))
        items = "".join(f"<li>{html.escape(text)}</li>" for text in verdict.steps)
        about = html.escape("; ".join(verdict.assumptions))
        parts.append(
            f"<details><summary>scope, setting{', steps' if items else ''}</summary><p>{html.escape(verdict.scope)}. "
            f"Setting: {about}.</p>{f'<ol>{items}</ol>' if items else ''}"
            f"<p><code>{html.escape(step.text)}</code></p></details>"
        )
    return (
        f'<div class="step {kind}" id="{_anchor(number)}"><span class="line">{step.line}</span>'
        f'<span class="verdict">{html.escape(step.status)}</span><div>{"".join(parts)}</div></div>'
    )


def _note(label: str, text: str) -> str:
    return f'<p class="note"><span class="label">{label}.</span> {html.escape(text)}</p>'


def _formula(step: Step) -> str:
    if step.claim is None:
        return f'<div class="formula"><code>{html.escape(step.text)}</code></div>'
    statement: Any = step.claim.statement
    if isinstance(statement, Comparison) and not step.claim.assumptions:
        pieces = flowing_mathml(statement.sides, statement.relations)
        if len(pieces) > SHORT:  # a long formula wraps between its terms, on any screen
            return f'<div class="formula flow">{" ".join(pieces)}</div>'
    try:
        shown: Any = step.claim.mathml()
    except InvalidInput:  # other statements than comparisons
        words = html.escape(str(step.claim))
        shown = words
        if hasattr(statement, "direction"):
            shown = (
                f"<math>{expression_mathml(statement.expression)}</math> is {statement.direction} in "
                f"<math>{expression_mathml(statement.variable)}</math>"
            )
    return f'<div class="formula">{shown}</div>'


def _passed(result: DocumentVerdict) -> str:
    if not result.passed:
        return ""
    rows = "".join(
        f'<tr><td class="line">{item.line}</td><td><code>{html.escape(item.text)}</code></td>'
        f"<td>{html.escape(item.reason)}</td></tr>"
        for item in result.passed
    )
    return (
        f"<h2>Passed over</h2><table><thead><tr><th>Line</th><th>Formula</th><th>Why</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )
