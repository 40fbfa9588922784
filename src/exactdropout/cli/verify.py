"""``exactdropout verify``: run the catalogue of theorems and report every verdict with its scope and evidence."""

from __future__ import annotations

import argparse
import re
import textwrap
from collections import Counter
from dataclasses import asdict
from difflib import get_close_matches
from typing import Any

from exactdropout.cli.arguments import add_json
from exactdropout.cli.output import output_width, print_json, print_table, print_words
from exactdropout.cli.recheck import recheck_certificates, start_coq
from exactdropout.errors import InvalidInput
from exactdropout.model.numbers import show
from exactdropout.progress import display

__all__ = ["add"]

_NARROW = 112  # characters below which the six columns would be too narrow to be read


def add(commands: Any) -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "verify",
        help="prove the catalogue of theorems, or those of your own file",
        description="Prove every theorem of the catalogue, or of Python files that register theorems, and print the "
        "verdicts. Exit code 0 when every entry reproduces the verdict it declares, 1 when one does not. With --full "
        "also what takes longer: further steps of the entries (the training runs of Figure 2, thresholds for three "
        "inputs), all shipped certificates, and Coq where coqc is installed.",
        allow_abbrev=False,
    )
    command.add_argument("files", nargs="*", metavar="FILE.py", help="Python files with theorems; they are run")
    command.add_argument("--only", action="append", metavar="TEXT", help="only entries whose id contains this text")
    command.add_argument("--steps", action="store_true", help="also print each proof, step by step")
    command.add_argument(
        "--full", action="store_true", help="also the long computations, all certificates, and Coq if coqc is there"
    )
    command.add_argument("--report", metavar="FOLDER", help="also write report.tex, report.html and, with TeX, a PDF")
    add_json(command)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Prove, print the table, and say whether every verdict is as declared."""
    from exactdropout import theorems

    if wrong := next((file for file in options.files if "-" in file and "." not in file and "/" not in file), None):
        raise InvalidInput(
            f"Argument 'FILE.py' must be a Python file, not {show(wrong)}; an entry is chosen by --only."
        )
    entries = [t for file in options.files for t in theorems.load_file(file)] if options.files else theorems.catalogue()
    for text in options.only or ():
        if not any(text in t.id for t in entries):
            near = _near(text, [t.id for t in entries])
            raise InvalidInput(f"Argument '--only' must be part of an id; {show(text)} is of none{near}")
    if options.only:
        entries = [t for t in entries if any(text in t.id for text in options.only)]
    coq = start_coq() if options.full else None
    try:
        proofs = _prove(entries, quiet=options.json, full=options.full)
        rechecks = [recheck_certificates(), coq.result()] if coq is not None else []
    finally:
        if coq is not None:
            coq.stop()
    everything = not (options.files or options.only)
    report = _report(options.report, list(zip(entries, proofs, strict=True)), everything) if options.report else None
    refused = [r for r in rechecks if not r.holds]
    changed = [t.id for t, proof in zip(entries, proofs, strict=True) if proof.verdict != t.verdict]
    if options.json:
        rows = [_row(t, proof) for t, proof in zip(entries, proofs, strict=True)]
        content: dict[str, Any] = {"theorems": rows, "changed": changed}
        if options.full:
            content["rechecked"] = [{**asdict(r), "seconds": round(r.seconds, 3)} for r in rechecks]
        print_json("verify", content)
        return 1 if changed or refused else 0
    _print_rows(entries, proofs)
    if options.steps:
        from exactdropout.theorems.in_coq import coq_statements

        for t, proof in zip(entries, proofs, strict=True):
            print_words(f"{t.id}: {t.title}\n{proof}")
            if t.correction:
                print_words(f"  {t.correction_label}: {t.correction}")
            if t.in_coq is not None:
                print_words(f"  {t.in_coq.words}")
                for name in t.in_coq.statements:
                    print_words(f"    {name}: {coq_statements()[name].text}")
            print()
    if report is not None:
        files = [str(f) for f in (report.latex, report.html, report.pdf) if f is not None]
        print(f"wrote {', '.join(files)}" + (f" ({report.note})" if report.note else ""))
    for r in rechecks:
        counted = f"{r.accepted} of {r.total} accepted, in {r.seconds:.1f} s" if r.total else ""
        print_words(f"{r.kind}: " + "; ".join(part for part in (counted, r.note) if part))
    seconds = sum(proof.seconds for proof in proofs)
    if changed:
        which = "1 entry does" if len(changed) == 1 else f"{len(changed)} entries do"
        print_words(f"{which} not reproduce the declared verdict: {', '.join(changed)}")
        return 1
    if refused:
        print_words(f"not everything was accepted: {', '.join(r.kind for r in refused)}")
        return 1
    print_words(_summary(proofs, seconds))
    return 0


def _summary(proofs: list[Any], seconds: float) -> str:
    """Return what was found, counted by verdict."""
    counts = Counter(str(proof.verdict) for proof in proofs)
    shown = [
        f"{counts[verdict]} {one if counts[verdict] == 1 else many}"
        for verdict, one, many in (
            ("holds", "holds", "hold"),
            ("holds with a correction", "holds with a correction", "hold with a correction"),
            ("fails as printed", "fails as printed", "fail as printed"),
        )
        if counts[verdict]
    ]
    entries = (
        "the entry reproduces the verdict it declares"
        if len(proofs) == 1
        else (f"all {len(proofs)} entries reproduce the verdicts they declare")
    )
    return f"{', '.join(shown)}; {entries}, in {seconds:.1f} s"


def _print_rows(entries: list[Any], proofs: list[Any]) -> None:
    """Print a table, or paragraphs where the columns would be too narrow to be read."""
    rows = [
        (t.id, t.statement, _verdict(t, proof), proof.scope, t.evidence(proof), f"{proof.seconds:.2f}")
        for t, proof in zip(entries, proofs, strict=True)
    ]
    header = ("id", "statement", "verdict", "scope", "evidence", "seconds")
    width = output_width()
    if width >= _NARROW:
        print_table("Theorems", header, rows, numeric=(5,), whole=(0,))
        return
    for name, statement, verdict, scope, evidence, seconds in rows:
        print_words(f"{name}: {verdict} ({seconds} s)")
        for label, text in (("", statement), ("scope: ", scope), ("evidence: ", evidence)):
            print(textwrap.fill(label + text, width, initial_indent="    ", subsequent_indent="      "))
    print()


def _near(text: str, ids: list[str]) -> str:
    """Return the ids that were probably meant: those with the same letters and digits, or almost so in their last part.

    >>> _near("Theorem5", ["helmbold-2017-theorem-5", "helmbold-2017-lemma-9"])
    "; did you mean 'helmbold-2017-theorem-5'?"
    """

    def bare(name: str) -> str:
        return re.sub(r"[^a-z0-9]", "", name.lower())

    found = [name for name in ids if bare(text) and bare(text) in bare(name)]
    if not found:
        short = {bare(name.split("-", 2)[-1]): name for name in ids}
        found = [short[near] for near in get_close_matches(bare(text), short, 3)]
    shown = " or ".join(show(name) for name in found[:4])
    return f"; did you mean {shown}?" if shown else f", which are such as {show(ids[0])}." if ids else "."


def _prove(entries: list[Any], *, quiet: bool, full: bool) -> list[Any]:
    """Prove one after the other, and say on standard error which, how many are left and how long it takes."""
    if quiet:
        return [t.prove(full=full) for t in entries]
    proofs = []
    with display("theorems") as tell:
        for done, t in enumerate(entries):
            tell(done, len(entries), t.id)
            proofs.append(t.prove(full=full))
    return proofs


def _report(folder: str, results: list[tuple[Any, Any]], certificates: bool) -> Any:
    from exactdropout._version import __version__
    from exactdropout.report import write_report

    return write_report(results, folder, version=__version__, certificates=certificates)


def _verdict(theorem: Any, proof: Any) -> str:
    """Return the verdict, and the declared one where they differ."""
    return str(proof.verdict) if proof.verdict == theorem.verdict else f"{proof.verdict} (declared: {theorem.verdict})"


def _row(theorem: Any, proof: Any) -> dict[str, Any]:
    return {
        "id": theorem.id,
        "title": theorem.title,
        "source": theorem.source,
        "number": theorem.number,
        "printed": theorem.printed,
        "source_read": theorem.source_read,
        "statement": theorem.statement,
        "correction": "" if theorem.verdict == "holds" else theorem.correction,
        "remark": theorem.correction if theorem.verdict == "holds" else "",
        "verdict": proof.verdict,
        "declared": theorem.verdict,
        "scope": proof.scope,
        "evidence": theorem.evidence(proof),
        "coq": None if theorem.in_coq is None else asdict(theorem.in_coq),
        "steps": [{"claim": s.claim, "method": s.method, "holds": s.holds, "detail": s.detail} for s in proof.steps],
        "counterexample": proof.counterexample,
        "seconds": round(proof.seconds, 3),
    }
