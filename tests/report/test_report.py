"""Reports: escaped text, LaTeX that a real TeX compiles without overfull lines, a page that a browser opens."""

from __future__ import annotations

import re
import subprocess
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

import exactdropout
from exactdropout import theorems
from exactdropout.certificate import shipped
from exactdropout.cli.main import main
from exactdropout.notation.markup import html_text, latex_text, split_formulas
from exactdropout.notation.prose import latex_sentence
from exactdropout.report import html_page, latex_document, write_report
from exactdropout.report.bibliography import SOURCES
from exactdropout.report.evidence import Printed, printed_once, shipped_certificates
from exactdropout.theorems import argument, by_rule, conclude, step


@pytest.fixture(scope="module")
def entries(prove_once):
    wanted = ("lemma-1", "theorem-1", "theorem-2", "theorem-4", "theorem-5", "theorem-6", "theorem-7", "figure-1")
    chosen = [t for t in theorems.catalogue() if any(name in t.id for name in wanted)]
    return [(t, prove_once(t)) for t in chosen]


@pytest.fixture(scope="module")
def hostile_entry():
    """An entry whose every text field holds what TeX and HTML treat specially, and letters no font has."""
    nasty = r"50% & <b>\input{x}</b> #_^~{} 'q' \"a\" " + "日本 é ∀ λ₁² → ½"
    found = {}
    theorems.registry._collecting.append(found)
    try:

        @theorems.register(
            id="test-2026-hostile",
            title=nasty,
            source="test_2026",
            number="1 & 2",
            printed=nasty,
            statement=nasty,
            verdict="holds",
            scope=nasty,
            correction=nasty,
        )
        def proof():
            steps = [step(nasty + " and $x^2 \\le \\tfrac12$", "identity", True, nasty), argument(nasty)]
            return conclude("holds", nasty, steps, nasty)
    finally:
        theorems.registry._collecting.pop()
    (theorem,) = found.values()
    return theorem, theorem.prove()


@given(st.text())
def test_every_text_becomes_ascii_or_accented_latex_without_stray_specials(text):
    plain = "".join(part for part, formula in split_formulas(text) if not formula)
    result = latex_text(plain.replace("$", ""))
    assert not re.search(r"(?<!\\)[&%#](?!\w*\{)", re.sub(r"\\[&%#]", "", result))
    assert all(c.isascii() or c.isalpha() for c in result)


@given(st.text())
def test_no_markup_of_the_text_survives_in_html(text):
    rendered = html_text(text, lambda formula: "F")
    assert "<" not in rendered
    assert ">" not in rendered


def test_formulas_are_between_dollars():
    assert split_formulas("a $b$ c $d$") == [("a ", False), ("b", True), (" c ", False), ("d", True)]
    assert split_formulas("costs 5$ only") == [("costs 5$ only", False)]


def compile_latex(folder, text, pdflatex, runs):
    (folder / "r.tex").write_text(text, encoding="utf-8")
    for _ in range(runs):
        done = subprocess.run(
            [pdflatex, "-interaction=nonstopmode", "-halt-on-error", "r.tex"],
            cwd=folder,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout.decode("latin-1")[-2000:]
    return (folder / "r.log").read_text(encoding="latin-1")


def test_hostile_text_compiles_and_stays_text(tmp_path, hostile_entry, external):
    log = compile_latex(tmp_path, latex_document([hostile_entry], version="1 & 2"), external("pdflatex"), 1)
    assert "Missing character" not in log
    assert "<b>" not in html_page([hostile_entry], version="1")


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.links, self.seen = [], [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        if tag not in ("meta", "br"):
            self.open.append(tag)
        self.links += [value for name, value in attrs if name in ("href", "src") and value]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_self_contained_and_well_formed(entries):
    page = html_page(entries, version="1")
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    assert all(link.startswith("#") for link in tags.links)
    parts = {link[1:] for link in tags.links} - {t.id for t, _ in entries}
    assert parts == {"part-1", "sources"}
    assert '<h2 id="part-1">' in page
    assert {t.id for t, _ in entries} <= {link[1:] for link in tags.links}
    assert "script" not in tags.seen
    assert "https:" not in page
    assert tags.seen.count("math") > 50
    assert "<code>\\" not in page  # every formula was converted


def test_a_browser_opens_the_page(tmp_path, entries, external):
    page = tmp_path / "report.html"
    page.write_text(html_page(entries, version="1"), encoding="utf-8")
    command = [external("chromium"), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
               "--disable-dev-shm-usage", "--disable-background-networking", f"--user-data-dir={tmp_path / 'profile'}",
               "--window-size=1000,1400"]  # fmt: skip
    picture = tmp_path / "page.png"
    subprocess.run([*command, f"--screenshot={picture}", page.as_uri()], capture_output=True, check=True, timeout=120)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 30_000  # an empty page is far smaller


def test_the_command_writes_the_report(tmp_path, capsys):
    folder = tmp_path / "deep" / "out"
    assert main(["verify", "--only", "figure-1", "--report", str(folder)]) == 0
    assert "wrote" in capsys.readouterr().out
    assert {"report.tex", "report.html"} <= {p.name for p in folder.iterdir()}
    assert exactdropout.__version__ in (folder / "report.html").read_text(encoding="utf-8")
    (tmp_path / "file").write_text("")
    assert main(["verify", "--only", "figure-1", "--report", str(tmp_path / "file")]) == 2


def test_a_picture_is_embedded_and_printed(tmp_path, external):
    theorem = theorems.get("helmbold-2017-figure-2")
    proof = conclude("holds", "these runs", [step("checked elsewhere", "enumeration", True)])
    external("pdflatex")
    report = write_report([(theorem, proof)], tmp_path, version="1")
    assert report.pdf is not None
    assert (tmp_path / "helmbold-2017-figure-2.pdf").read_bytes().startswith(b"%PDF")
    assert 'src="data:image/svg+xml;base64,' in report.html.read_text(encoding="utf-8")
    images = subprocess.run([external("pdftotext"), report.pdf, "-"], capture_output=True, check=True).stdout.decode()
    assert "weight decay" in images  # the labels inside the figure


def test_evidence_is_marked(tmp_path, external, monkeypatch):
    symmetric = [item for item in shipped.SHIPPED if item.symmetric]
    monkeypatch.setattr(shipped, "FILES", (*shipped.SHIPPED[:2], *symmetric))
    certificates = shipped_certificates()
    assert [c.verified for c in certificates] == [True] * 3
    assert [c.coq for c in certificates] == ["half_K2_n1", "half_K2_n1_nonnegative", "point_K4_n4"]
    steps = [step("x = x", "identity", True), step("the figures", "data", True), argument("clearly"),
             by_rule("a minimum exists", "Weierstrass", {"it is compact": True})]  # fmt: skip
    entries = [(theorems.get("helmbold-2017-figure-1"), conclude("holds", "all sizes", steps))]
    page = html_page(entries, version="1", certificates=certificates)
    latex = latex_document(entries, version="1", certificates=certificates)
    assert "Coq, in part: the penalty (shipped: figure_1)" in page
    assert r"Coq, in part: the penalty (figure\_\allowbreak{}1)" in latex
    for text in (
        "identity, rechecked now",
        "rule, hypotheses checked",
        "data, shipped data",
        "in words",
        "needs coqc",
        "shipped certificate",
    ):
        assert text in page
    for text in (
        r"\checked{identity}",
        r"\checked{data, shipped data}",
        r"\checked{rule, hypotheses checked}",
        r"\inwords",
        "needs coqc",
        "half-\\allowbreak{}K2",
    ):
        assert text in latex
    assert "Overfull" not in compile_latex(tmp_path, latex, external("pdflatex"), 2)  # with references


def test_a_rejected_certificate_is_told(monkeypatch, tmp_path):
    text = (shipped.certificates_folder() / "half-K2-n1.json").read_text()
    (tmp_path / "half-K2-n1.json").write_text(text.replace('"lower": "', '"lower": "1'))
    assert (tmp_path / "half-K2-n1.json").read_text() != text
    monkeypatch.setattr(shipped, "certificates_folder", lambda: tmp_path)
    monkeypatch.setattr(shipped, "FILES", shipped.SHIPPED[:1])
    (certificate,) = shipped_certificates()
    assert not certificate.verified
    assert "REJECTED" in html_page([], version="1", certificates=[certificate])
    assert "REJECTED" in latex_document([], version="1", certificates=[certificate])


def test_a_failed_proof_shows_as_failed():
    theorem = theorems.get("helmbold-2017-figure-1")
    failed = conclude("holds", "all sizes", [step("1 = 2", "identity", False)])
    page, latex = html_page([(theorem, failed)], version="1"), latex_document([(theorem, failed)], version="1")
    assert "not proved" in page
    assert "FAILED" in page
    assert r"\failedcheck" in latex.split(r"\begin{document}")[1]


def test_the_sources_are_those_of_the_documentation(repository):
    page = (
        " ".join((repository / "docs" / "bibliography.md").read_text("utf-8").split()).replace("*", "").replace("`", "")
    )
    for key, text in SOURCES.items():
        assert f"{key}. {text}" in page
    assert {t.source for t in theorems.catalogue()} <= SOURCES.keys()


def test_steps_are_printed_once(hostile_entry):
    """Of a second proof with the same steps only their numbers are printed, and its own steps keep their numbers."""
    theorem, _ = hostile_entry
    common = [step(f"{k} = {k}", "identity", True) for k in range(4)]
    own, other = (step(f"{k} = {k}", "identity", True) for k in (5, 6))
    first = theorems.get("helmbold-2017-figure-1")
    entries = [
        (first, conclude("holds", "all sizes", common)),
        (theorem, conclude("holds", "all sizes", [own, *common[1:3], other, common[0]])),
    ]
    found = printed_once(entries)
    assert found[0] == common
    assert found[1] == [
        own,
        Printed(first=2, last=3, id=first.id, there=2),
        other,
        Printed(first=5, last=5, id=first.id, there=1),
    ]
    text = latex_document(entries, version="1", date="2001-02-03")
    assert rf"\item[2--3.]\addtocounter{{enumi}}{{2}} Steps 2 to 3 of the proof of Result~\ref{{{first.id}}}." in text
    assert rf"\item Step 1 of the proof of Result~\ref{{{first.id}}}." in text
    assert "2001-02-03" in text
    assert r"\bibitem[helmbold2017]{helmbold2017}" in text


def test_a_word_with_a_hyphen_is_no_network():
    """The title lost its first word: it was set as the shape of a linear network."""
    assert latex_sentence("Two-layer linear networks") == "Two-layer linear networks"
    assert latex_sentence("the network K-2n-1 relu") != "the network K-2n-1 relu"


def test_a_lemma_has_its_number_where_others_are_not_printed():
    entry = theorems.get("arora-2021-last-layer")
    text = latex_document([(entry, entry.prove())], version="1")
    cited = [int(n) for n in re.findall(r"\(Lemma (\d+),", text)]
    assert 11 in cited
    numbers = re.findall(r"\\setcounter\{lemma\}\{(\d+)\}\n\\begin\{lemma\}", text)
    assert sorted(int(n) + 1 for n in numbers) == sorted({*cited})


@pytest.mark.parametrize("failed", [False, True])
def test_conclusions_that_repeat_earlier_steps_are_one_line(hostile_entry, failed):
    """Three in a row are told as one; one that failed stands alone, and no number is lost."""
    facts = [step(f"${letter} = 1$.", "identity", True) for letter in "abc"]
    so = [step(f"So ${x} = 1$.", "consequence", not failed or x != "c", f"from ({k})") for k, x in enumerate("abc", 1)]
    last = step("$d = 1$.", "identity", True)
    theorem, _ = hostile_entry
    proof = conclude("holds", "as given", [*facts, *so, last], "")
    text = latex_document([(theorem, proof)], version="0")
    if failed:
        assert r"\addtocounter{enumi}{2}(4)--(5) So $(1)$, $(2)$, as stated." in text
        assert r"\stepcounter{enumi}(\arabic{enumi}) $c = 1$. (from $(3)$) \failedcheck{consequence}" in text
    else:
        assert r"\ \addtocounter{enumi}{3}(4)--(6) So $(1)$ to $(3)$, as stated. \checked{consequence}" in text
    assert text.count(r"\item ") == 4  # the facts and the last step


def test_the_introduction_speaks_of_other_entries_where_there_are_some(entries, hostile_entry):
    text = latex_document(entries, version="0")
    assert "In all of them the statement" in text
    assert "In the others" not in text
    text = latex_document([*entries, hostile_entry], version="0")
    assert f"In {len(entries)} of them the statement" in text
    assert "In the others" in text
