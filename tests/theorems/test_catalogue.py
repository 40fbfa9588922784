"""Every entry reproduces what it declares, and is written so that a table and a report can use it."""

import itertools
import re
import subprocess

import pytest

from exactdropout import theorems
from exactdropout.errors import InvalidInput
from exactdropout.notation.prose import latex_sentence
from exactdropout.report import latex_document
from exactdropout.report.evidence import shipped_certificates
from exactdropout.theorems import registry
from exactdropout.theorems.proof import METHODS

ENTRIES = theorems.catalogue()
LONG = {
    *("exactdropout-2026-smallest-width", "exactdropout-2026-narrow-layers"),
    *("helmbold-2017-definition-2", "helmbold-2017-figure-2", "helmbold-2017-theorem-8"),
}
"""Entries whose proofs take two thirds of the time of all."""

each = pytest.mark.parametrize(
    "entry", [pytest.param(t, id=t.id, marks=[pytest.mark.thorough] if t.id in LONG else []) for t in ENTRIES]
)
"""Every entry; the long ones in the thorough profile."""


def test_the_long_entries_are_entries():
    assert {t.id for t in ENTRIES} > LONG


def test_the_catalogue_is_in_the_order_of_its_list():
    places = [registry.CATALOGUE.index(t.proof.__module__.removeprefix("exactdropout.theorems.")) for t in ENTRIES]
    assert places == sorted(places)
    assert ENTRIES[1].id == "helmbold-2017-figure-1"


def test_the_first_theorems_are_there():
    wanted = {"figure-1", "theorem-4", "theorem-5", "theorem-6", "theorem-19", "theorem-20"}
    assert {f"helmbold-2017-{w}" for w in wanted} <= {t.id for t in ENTRIES}


@each
def test_declared_verdict_and_scope_are_found(entry, prove_once):
    proof = prove_once(entry)
    assert proof.failed == ()
    assert proof.verdict == entry.verdict
    assert proof.scope == entry.scope


@each
def test_every_entry_is_complete(entry, prove_once):
    proof = prove_once(entry)
    assert entry.printed
    assert entry.statement
    assert entry.title
    assert entry.number
    assert "\n" not in entry.statement
    assert len(entry.statement) <= (320 if entry.derivations else 160)
    methods = {s.method for s in proof.steps}
    assert methods <= set(METHODS)
    assert "enumeration" in methods, "an exact confirmation by enumeration belongs to every entry"
    if entry.verdict != "holds":
        assert entry.correction
        assert proof.counterexample
    assert entry.id in repr(entry)
    assert str(proof).count("\n") >= len(proof.steps)


@each
def test_words_are_never_marked_checked(entry, prove_once):
    for step in prove_once(entry).steps:
        assert (step.holds is None) == (step.method == "argument")


@each
def test_dollars_and_braces_balance(entry, prove_once):
    texts = [entry.printed, entry.correction, *itertools.chain(s.claim for s in prove_once(entry).steps)]
    for text in texts:
        assert text.count("$") % 2 == 0, text
        assert text.count("{") == text.count("}"), text
        assert not re.search(r"[\x00-\x1f]", text), text


@pytest.mark.parametrize("left_out", [LONG, pytest.param(set(), marks=pytest.mark.thorough)], ids=["long", "none"])
def test_every_proof_is_set_without_overfull_lines_or_missing_glyphs(tmp_path, prove_once, external, left_out):
    proofs = [(t, prove_once(t)) for t in ENTRIES if t.id not in left_out]
    certificates = () if left_out else shipped_certificates()
    text = latex_document(proofs, version="1", certificates=certificates)
    (tmp_path / "report.tex").write_text(text, encoding="utf-8")
    command = [external("pdflatex"), "-interaction=nonstopmode", "-halt-on-error", "report.tex"]
    for draft in (["-draftmode"], []):  # references are known from the second run on
        subprocess.run([*command[:1], *draft, *command[1:]], cwd=tmp_path, capture_output=True, check=True)
    log = (tmp_path / "report.log").read_text("latin-1")
    assert re.findall(r"Overfull[^\n]*\n[^\n]*", log) == []
    assert "Missing character" not in log
    read = [external("pdftotext"), "-layout", "report.pdf", "-"]
    shown = subprocess.run(read, cwd=tmp_path, capture_output=True, check=True).stdout.decode()
    for _, proof in proofs:
        assert proof.verdict in " ".join(shown.split())
    for left in ("U+", "??", ">=", "^"):  # unknown letters, unresolved references, formulas that stayed plain text
        assert left not in shown
    fonts = subprocess.run([external("pdffonts"), "report.pdf"], cwd=tmp_path, capture_output=True, check=True).stdout
    assert b"Type 3" not in fonts  # no bitmap fonts
    pages = subprocess.run([external("pdfinfo"), "report.pdf"], cwd=tmp_path, capture_output=True, check=True).stdout
    assert int(re.search(rb"Pages: +(\d+)", pages)[1]) <= 40


def test_sources_are_in_the_bibliography(repository):
    keys = set(re.findall(r"^\(([a-z0-9]+)\)=", (repository / "docs" / "bibliography.md").read_text("utf-8"), re.M))
    assert {t.source for t in ENTRIES} <= keys


def test_get_finds_and_names_the_nearest():
    assert theorems.get("helmbold-2017-theorem-5").number == "Theorem 5"
    with pytest.raises(InvalidInput, match="helmbold-2017-theorem-5"):
        theorems.get("helmbold-2017-theorm-5")


@each
def test_no_formula_is_made_from_python_text(entry, prove_once):
    """`**` became a product of products in the report, `1e-9` and the network 2-n-1 became subtractions."""
    proof = prove_once(entry)
    sentences = [entry.statement, entry.printed, entry.correction, entry.scope, proof.counterexample]
    sentences += [text for s in proof.steps for text in (s.claim, s.detail)]
    shown = " ".join(map(latex_sentence, sentences))
    assert "**" not in shown
    assert not re.search(r"\\cdot\s*\\cdot|[0-9]e\s*-|(?<![\w}])[0-9]+-[a-z]-[0-9]", shown)
