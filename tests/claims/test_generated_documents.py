"""Hundreds of derived formulas as TeX sets them: no line is too long for the page."""

import itertools
import re
import subprocess

import pytest

from exactdropout.claims.derived_claims import derived_claims
from exactdropout.claims.language.syntax import aligned_latex
from exactdropout.notation import Style
from exactdropout.notation.document import document

SHAPES = [
    "1-1, no biases", "2-1, biases", "3-1, no biases", "4-1", "1-1-1 relu, no biases", "2-1-1 relu, no biases",
    "2-1-1 relu, biases", "1-2-1 leaky_relu(1/10), biases", "2-2-1 linear, no biases", "2-2-1 relu, no biases",
    "1-1-1-1 relu, no biases", "1-2-1 relu, hidden biases", "3-1-1 linear, no biases",
    "1-1-1 leaky_relu(1/3), output bias",
]  # fmt: skip
SETTINGS = list(itertools.product(SHAPES, (None, "half(x, y)", "point(1, y)"), (None, "1/2")))
QUANTITIES = ("criterion", "penalty", "mean")


@pytest.mark.thorough
def test_no_line_of_200_derived_formulas_is_too_long(external, tmp_path):
    program = external("pdflatex")
    style = Style(environment="equation*", width=75)
    claims = [c for setting in SETTINGS for c in derived_claims(*setting, quantities=QUANTITIES).values()]
    assert len(claims) >= 200
    (tmp_path / "d.tex").write_text(document(*(aligned_latex(claim, style) for claim in claims)), "utf-8")
    done = subprocess.run([program, "-interaction=nonstopmode", "-halt-on-error", "d.tex"], cwd=tmp_path, check=False,
                          capture_output=True, timeout=600)  # fmt: skip
    log = (tmp_path / "d.log").read_text("utf-8", errors="replace")
    assert done.returncode == 0, log[-2000:]
    assert re.findall(r"Overfull[^\n]*", log) == []
