"""One self-contained HTML page: MathML formulas, no script, no outside address."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping, Sequence

from exactdropout.notation.markup import html_text
from exactdropout.theorems.proof import METHODS, Proof, Step
from exactdropout.theorems.registry import Theorem

__all__ = ["html_page"]

STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.55 "STIX Two Text", "Latin Modern Roman", Georgia, serif; max-width: 62rem; margin: 2rem auto;
  padding: 0 1rem; }
h1 { font-size: 1.7rem; } h2 { font-size: 1.2rem; margin: 2.4rem 0 .3rem; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th, td { text-align: left; vertical-align: top; padding: .4rem .7rem .4rem 0; border-bottom: 1px solid #8886; }
th { border-bottom: 2px solid #8889; }
code { font-size: .85em; overflow-wrap: anywhere; }
.holds { color: #1a7f37; font-weight: 600; } .not { color: #b3261e; font-weight: 600; }
.corrected { color: #9a6700; font-weight: 600; }
.mark { font: .78rem system-ui, sans-serif; padding: .05rem .4rem; border-radius: .6rem; background: #8882;
  white-space: nowrap; }
ol li { margin: .35rem 0; } .label { font-weight: 600; } .meta { opacity: .75; font-size: .9rem; }
img { max-width: 100%; background: white; }
math { font-size: 1.05em; } footer { margin-top: 3rem; opacity: .7; font-size: .85rem; }
"""


def html_page(
    entries: Sequence[tuple[Theorem, Proof]],
    *,
    version: str,
    title: str = "Verified results",
    pictures: Mapping[str, bytes] | None = None,
) -> str:
    """Return the page: a table of verdicts with links, then each result with its printed form, verdict and proof.

    ``pictures`` maps ids to SVG files, which are embedded.
    """
    drawn = pictures or {}
    body = [f"<h1>{html.escape(title)}</h1>", _table(entries), _legend(entries)]
    body += [_entry(theorem, proof, drawn.get(theorem.id)) for theorem, proof in entries]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{STYLE}</style></head>\n<body>\n"
        + "\n".join(body)
        + f"\n<footer>exactdropout {html.escape(version)}; every check was run when this page was written.</footer>"
        "\n</body></html>\n"
    )


def _formula(source: str) -> str:
    """Return MathML, or the source itself where it cannot be converted."""
    from latex2mathml.converter import convert

    try:
        return str(convert(source))
    except Exception:  # the converter raises many kinds of errors on LaTeX that it does not know
        return f"<code>{html.escape(source)}</code>"


def _text(text: str) -> str:
    return html_text(text, _formula)


def _class(verdict: str) -> str:
    return {"holds": "holds", "holds with a correction": "corrected"}.get(verdict, "not")


def _table(entries: Sequence[tuple[Theorem, Proof]]) -> str:
    rows = [
        f'<tr><td><a href="#{html.escape(t.id)}"><code>{html.escape(t.id)}</code></a></td><td>{_text(t.statement)}</td>'
        f'<td class="{_class(p.verdict)}">{html.escape(p.verdict)}</td><td>{_text(p.scope)}</td>'
        f"<td>{html.escape(p.evidence)}</td><td>{p.seconds:.2f}</td></tr>"
        for t, p in entries
    ]
    head = "".join(f"<th>{name}</th>" for name in ("Result", "Statement", "Verdict", "Scope", "Evidence", "Seconds"))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _legend(entries: Sequence[tuple[Theorem, Proof]]) -> str:
    used = {step.method for _, proof in entries for step in proof.steps}
    items = [
        f'<li><span class="mark">{m}</span> {html.escape(METHODS[m])}</li>' for m in METHODS if m in used
    ]  # fmt: skip
    return f"<h2>Evidence</h2><ul>{''.join(items)}</ul>"


def _entry(theorem: Theorem, proof: Proof, picture: bytes | None) -> str:
    parts = [
        f'<section id="{html.escape(theorem.id)}"><h2>{html.escape(theorem.title)}</h2>',
        f'<p class="meta">{html.escape(theorem.number)} of <code>{html.escape(theorem.source)}</code>, '
        f"<code>{html.escape(theorem.id)}</code></p>",
        f'<p><span class="label">As printed.</span> {_text(theorem.printed)}</p>',
        f'<p><span class="label">Statement.</span> <em>{_text(theorem.statement)}</em></p>',
        f'<p><span class="label">Verdict:</span> <span class="{_class(proof.verdict)}">{html.escape(proof.verdict)}'
        f'</span>. <span class="label">Scope:</span> {_text(proof.scope)}.</p>',
    ]
    if theorem.correction:
        parts.append(f'<p><span class="label">Corrected statement.</span> {_text(theorem.correction)}</p>')
    if proof.counterexample:
        parts.append(f'<p><span class="label">Counterexample.</span> {_text(proof.counterexample)}</p>')
    if picture is not None:
        source = base64.b64encode(picture).decode("ascii")
        parts.append(f'<img alt="{html.escape(theorem.number)}" src="data:image/svg+xml;base64,{source}">')
    parts.append(f"<ol>{''.join(f'<li>{_step(step)}</li>' for step in proof.steps)}</ol></section>")
    return "\n".join(parts)


def _step(step: Step) -> str:
    outcome = {True: f"{step.method}, checked", False: f"{step.method}, FAILED", None: "in words"}[step.holds]
    detail = f" ({_text(step.detail)})" if step.detail else ""
    return f'{_text(step.claim)}{detail} <span class="mark">{html.escape(outcome)}</span>'
