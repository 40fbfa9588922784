"""LaTeX that TeX accepts without an overfull line, and that our own parser reads back to the same claim."""

import re
import subprocess

import pytest

from exactdropout.claims import check, parse_claim
from exactdropout.claims.derived_claims import derived_claims
from exactdropout.claims.language.syntax import aligned_latex
from exactdropout.notation import Style

from .mutations import CORPUS

SHAPES = [
    ("3-1, biases", None, None),
    ("2-1-1 relu, no biases", None, None),
    ("2-2-1 linear, no biases", None, "1/2"),
    ("1-2-1 leaky_relu(1/10), biases", None, "1/3"),
    ("2-1-1 relu, biases", "half(x, y)", "1/3, 1/2"),
    ("1-1-1-1 relu, no biases", "point((2), 1)", "q"),
]
QUANTITIES = ("criterion", "risk", "penalty", "mean", "variance")
STYLE = Style(width=60)


def derived():
    for arch, data, q in SHAPES:
        yield from derived_claims(arch, data, q, quantities=QUANTITIES).values()


def test_derived_formulas_are_read_back():
    for claim in derived():
        for text in (str(claim), claim.latex(), aligned_latex(claim, STYLE)):
            assert parse_claim(text) == claim, text


def test_long_sums_are_broken():
    claim = derived_claims("2-2-1 linear, no biases", None, None, quantities=["criterion"])["criterion"]
    lines = aligned_latex(claim, STYLE).splitlines()
    assert lines[0] == r"\begin{split}"
    assert lines[1].startswith("J_D &= ")
    assert all(line.startswith(r"&\quad") for line in lines[2:-1])
    assert len(lines) > 6
    assert "\n" not in aligned_latex(parse_claim("penalty = q"), STYLE)


@pytest.mark.parametrize(("arch", "data", "q"), SHAPES[:3])
def test_derived_formulas_are_proved(arch, data, q):
    for claim in derived_claims(arch, data, q, quantities=("penalty", "mean")).values():
        assert check(str(claim), arch, data, q).status == "proved"


def test_pasted_environments_are_read():
    pasted = r"\begin{align*} J_D - R &= \frac{q}{1-q} \\ &\quad \sum_{i=1}^{K} w_i^2 x_i^2 \end{align*}"
    assert parse_claim(pasted) == parse_claim("J_D - R = q/(1-q) * Sum(w[i]^2*x[i]^2, i=1..K)")


def test_tex_accepts_everything_that_is_printed(external, tmp_path):
    program = external("pdflatex")
    formulas = [aligned_latex(claim, STYLE) for claim in derived()]
    formulas += [aligned_latex(parse_claim(c["claim"]), STYLE) for c in CORPUS]
    body = "\n".join(f"\\begin{{equation}}\n{formula}\n\\end{{equation}}" for formula in formulas)
    source = (
        "\\documentclass{article}\n\\usepackage{amsmath,amssymb}\n\\usepackage[margin=2cm]{geometry}\n"
        f"\\begin{{document}}\n{body}\n\\end{{document}}\n"
    )
    (tmp_path / "claims.tex").write_text(source, "utf-8")
    done = subprocess.run(
        [program, "-interaction=nonstopmode", "-halt-on-error", "claims.tex"],
        cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False, timeout=120,
    )  # fmt: skip
    log = (tmp_path / "claims.log").read_text("utf-8", errors="replace")
    assert done.returncode == 0, log[-3000:]
    assert "Missing character" not in log
    too_wide = re.findall(r"Overfull \\hbox \(([0-9.]+)pt too wide\)[^\n]*", log)
    assert too_wide == []


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (r"J_D \ge \frac12 R - \frac12 R + R", r"J_D \ge \frac{1}{2} R - \frac{1}{2} R + R"),
        (r"\frac1{2} = \frac12 \qedhere", r"\frac{1}{2} = \frac{1}{2}"),
        (r"\tfrac34 = \frac{3}{4}. \qedhere", r"\frac{3}{4} = \frac{3}{4}"),
        (r"R \ge \frac12^2 R. \qed", r"R \ge (\frac{1}{2})^2 R"),
    ],
)
def test_what_every_draft_has(written, meant):
    assert parse_claim(written) == parse_claim(meant)
