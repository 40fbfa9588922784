"""Write a report to a folder: ``report.tex``, ``report.html``, and ``report.pdf`` where TeX is present."""

from __future__ import annotations

import datetime
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from exactdropout.errors import MissingExtra, UnreadableFile
from exactdropout.model.files import write_atomically
from exactdropout.report.evidence import shipped_certificates
from exactdropout.report.html import html_page
from exactdropout.report.latex import latex_document
from exactdropout.theorems.proof import Proof
from exactdropout.theorems.registry import Theorem

__all__ = ["Report", "write_report"]

_TEX_SECONDS = 120


@dataclass(frozen=True, kw_only=True)
class Report:
    """The files that were written; ``pdf`` is None where TeX is missing or failed, and ``note`` says which."""

    latex: Path
    html: Path
    pdf: Path | None
    note: str


def write_report(
    entries: Sequence[tuple[Theorem, Proof]], folder: str | Path, *, version: str, certificates: bool = False
) -> Report:
    """Write the report on theorems and their proofs; the folder is made if it is missing.

    Existing files of these names are replaced, each only when the new one is complete. Figures of the results are
    drawn where matplotlib is present, and left out where it is not. ``certificates=True`` checks the shipped
    certificates (some seconds) and lists them.

    Raises:
        UnreadableFile: the folder cannot be made or written.
    """
    target = Path(folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnreadableFile(f"Folder {str(folder)!r} cannot be made: {error.strerror}.") from None
    latex, page, pdf = target / "report.tex", target / "report.html", target / "report.pdf"
    drawings = _pictures(entries)
    for name, (_, drawing) in drawings.items():
        write_atomically(target / f"{name}.pdf", drawing)
    checked = shipped_certificates() if certificates else []
    today = datetime.date.today().isoformat()
    names = {name: f"{name}.pdf" for name in drawings}
    write_atomically(
        latex, latex_document(entries, version=version, date=today, pictures=names, certificates=checked).encode()
    )
    vectors = {name: vector for name, (vector, _) in drawings.items()}
    write_atomically(
        page, html_page(entries, version=version, date=today, pictures=vectors, certificates=checked).encode()
    )
    compiler = shutil.which("pdflatex")
    if compiler is None:
        return Report(latex=latex, html=page, pdf=None, note="no PDF: pdflatex is not installed (TeX Live)")
    with tempfile.TemporaryDirectory() as scratch:
        for file in (latex, *(target / name for name in names.values())):
            shutil.copy(file, scratch)
        command = [compiler, "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "report.tex"]
        for _ in range(3):  # references, and the columns of the long tables
            try:
                done = subprocess.run(command, cwd=scratch, capture_output=True, check=False, timeout=_TEX_SECONDS)
            except subprocess.TimeoutExpired:
                return Report(latex=latex, html=page, pdf=None, note="no PDF: pdflatex took too long")
            if done.returncode:
                log = (Path(scratch) / "report.log").read_text(encoding="latin-1", errors="replace")
                reason = next((line for line in log.splitlines() if line.startswith("!")), "see its log")
                return Report(latex=latex, html=page, pdf=None, note=f"no PDF: pdflatex failed, {reason}")
        write_atomically(pdf, (Path(scratch) / "report.pdf").read_bytes())
    return Report(latex=latex, html=page, pdf=pdf, note="")


def _pictures(entries: Sequence[tuple[Theorem, Proof]]) -> dict[str, tuple[bytes, bytes]]:
    """Return the figures as SVG and PDF, by the id of their result."""
    try:
        return {t.id: (t.picture("svg"), t.picture("pdf")) for t, _ in entries if t.picture is not None}
    except MissingExtra:
        return {}
