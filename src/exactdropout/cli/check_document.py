"""``exactdropout check paper.tex``: each step of the derivations in a document, judged for itself."""

from __future__ import annotations

import argparse
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from exactdropout.cli.arguments import claim_problem, cost_limit, own_names, wants_progress
from exactdropout.cli.output import output_width, print_json, print_words
from exactdropout.cli.verdict_json import verdict_content
from exactdropout.errors import InvalidInput
from exactdropout.model.files import beside
from exactdropout.model.numbers import show
from exactdropout.progress import reporting

__all__ = ["check_a_document", "looks_like_a_file", "names_a_document", "refuse_file"]

_EXIT = {"proved": 0, "refuted": 1, "not read": 2, "not reached": 130, "undecided": 3}
_SUFFIXES = (".tex", ".md", ".markdown", ".txt", ".ltx")
_FILE = re.compile(r"(?:[\w.~-]*/)*[\w.~-]*[A-Za-z_][\w.~-]*\.[A-Za-z]\w{0,9}")
_MAX_BYTES = 4_000_000
_INTERRUPTED = 130


def names_a_document(text: str) -> bool:
    """Return whether an argument is a file with formulas, or standard input, and no claim."""
    return text == "-" or ("\n" not in text and len(text) < 4096 and text.lower().endswith(_SUFFIXES))


def looks_like_a_file(text: str) -> bool:
    """Return whether a claim is one word with an ending, and no document's: a claim has a relation.

    >>> [looks_like_a_file(text) for text in ("draft2.tx", "notes/draft.docx", "x=0.5", "draft.tex")]
    [True, True, False, False]
    """
    return bool(_FILE.fullmatch(text)) and not names_a_document(text)


def refuse_file(name: str) -> NoReturn:
    """Refuse a file that is not there, or that is no document."""
    if not Path(name).exists():
        raise InvalidInput(
            f"Argument 'claim' is no claim, and there is no such file as {show(name, 200)}{beside(name)}"
        )
    raise InvalidInput(f"Argument 'claim' must be a document ending in {', '.join(_SUFFIXES)}, not {show(name, 200)}.")


def check_a_document(options: argparse.Namespace) -> int:
    """Judge the steps, and print what is known, also after Ctrl-C."""
    from exactdropout.claims.documents.settings import DocumentSetting

    text = _read(options.claim)
    problem = claim_problem(options)
    given = DocumentSetting(
        problem["architecture"], problem["data"], problem["q"], tuple(options.assume or ()), own_names(options) or {}
    )
    job = _job(
        text,
        given,
        markdown=options.claim.lower().endswith((".md", ".markdown")),
        name="standard input" if options.claim == "-" else Path(options.claim).name,
        max_cost=cost_limit(options.max_cost),
    )
    complete = True
    try:
        with reporting(wants_progress(options), "checking steps") as report:
            job.run(report)
    except KeyboardInterrupt:
        complete = False
    result = job.result(complete=complete)
    if options.html is not None:
        from exactdropout.report.derivation_page import derivation_page

        _write(options.html, derivation_page(result))
    if options.json:
        print_json("check-document", _content(result))
    else:
        print_words("\n".join(_lines(result)))
    return _EXIT[result.status] if complete else _INTERRUPTED


def _job(text: str, given: Any, **options: Any) -> Any:
    """Return the job; a setting that is not read is one of the document's, not of an argument."""
    from exactdropout.claims.documents.document import DocumentCheck

    try:
        return DocumentCheck(text, given, **options)
    except InvalidInput as error:
        raise InvalidInput(str(error).replace("Argument 'text'", f"Document {show(options['name'], 200)}")) from None


def _read(name: str) -> str:
    if name == "-":
        data = sys.stdin.buffer.read(_MAX_BYTES + 1)
    else:
        try:
            with Path(name).open("rb") as file:
                data = file.read(_MAX_BYTES + 1)
        except FileNotFoundError:
            raise InvalidInput(
                f"Argument 'claim' names the file {show(name, 200)}, which does not exist{beside(name)}"
            ) from None
        except OSError as error:
            raise InvalidInput(
                f"Argument 'claim' names the file {show(name, 200)}, which cannot be read: {error.strerror}."
            ) from None
    if len(data) > _MAX_BYTES:
        raise InvalidInput(f"Argument 'claim' must be a document of at most {_MAX_BYTES} bytes.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"Argument 'claim' must be a document in UTF-8; byte {error.start + 1} of {show(name)} is not."
        ) from None


def _write(name: str, page: str) -> None:
    try:
        Path(name).write_text(page, "utf-8")
    except OSError as error:
        raise InvalidInput(
            f"Argument '--html' names {show(name)}, which cannot be written: {error.strerror}."
        ) from None


def _lines(result: Any) -> Iterator[str]:
    width = max(40, output_width())
    counts = [
        f"{sum(s.status == status for s in result.steps)} {status}"
        for status in ("proved", "refuted", "undecided", "not read", "not reached")
        if any(s.status == status for s in result.steps)
    ]
    passed = f"; {_many(len(result.passed), 'formula')} passed over" if result.passed else ""
    yield from textwrap.wrap(f"{result.name}: {_many(len(result.steps), 'step')}, {', '.join(counts)}{passed}", width)
    setting = chain = None
    for step in result.steps:
        if step.setting != setting:
            yield ""
            yield from textwrap.wrap(step.setting, width)
            yield f"{'line':>5}  {'verdict':<11}  step as it was read"
        elif step.chain != chain:
            yield ""
        setting, chain = step.setting, step.chain
        yield from _row(step, width)
    yield ""
    wrong = result.first_refuted
    if wrong is not None:
        yield from textwrap.wrap(f"first wrong step: line {wrong.line}, {wrong.claim}", width)
    elif result.status == "proved":
        yield "every step is proved"
    if not result.complete:
        yield "interrupted: what is known stands above"
    if result.passed:
        yield "passed over:"
        for item in result.passed:
            text = item.text if len(item.text) <= 60 else f"{item.text[:57]}..."
            yield from textwrap.wrap(
                f"{text} ({item.reason})", width, initial_indent=f"{item.line:>5}  ", subsequent_indent=" " * 7
            )


def _many(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def _row(step: Any, width: int) -> Iterator[str]:
    indent = " " * 20
    status = step.status.upper() if step.status == "refuted" else step.status
    shown = str(step.claim) if step.claim is not None else step.text
    yield from textwrap.wrap(
        shown, width, initial_indent=f"{step.line:>5}  {status:<11}  ", subsequent_indent=indent, break_on_hyphens=False
    )
    notes = [step.reason] if step.reason else []
    if step.verdict is not None and step.verdict.counterexample is not None:
        notes.append(f"counterexample: {step.verdict.counterexample}")
        if step.verdict.near_miss is not None:
            notes.append(f"near miss: {step.verdict.near_miss}")
    for note in notes:
        yield from textwrap.wrap(
            note, width, initial_indent=indent, subsequent_indent=f"{indent}  ", break_on_hyphens=False
        )


def _content(result: Any) -> dict[str, Any]:
    wrong = result.first_refuted
    return {
        "name": result.name,
        "status": result.status,
        "complete": result.complete,
        "first_refuted_line": None if wrong is None else wrong.line,
        "steps": [
            {
                "line": step.line,
                "chain": step.chain,
                "text": step.text,
                "setting": step.setting,
                "status": step.status,
                "reason": step.reason,
                "verdict": None if step.verdict is None else verdict_content(step.verdict),
            }
            for step in result.steps
        ],
        "passed_over": [{"line": item.line, "text": item.text, "reason": item.reason} for item in result.passed],
    }
