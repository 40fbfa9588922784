"""Documents, tables, theorems and drawings: refused where they cannot work, compiled by TeX where they can."""

import re
import subprocess
from fractions import Fraction as F

import pytest

from exactdropout import Architecture, Network, free_network
from exactdropout.errors import InvalidInput
from exactdropout.notation import Style, document, table, theorem, tikz_drawing

NETWORKS = [
    Network([[[1, F(-1, 3)], [2, 0]], [1, -7]], [[1, F(-5, 2)], F(1, 3)]),
    Network([[[0.5, -2.25e-7, 3.0]]]),
    free_network(Architecture(3, (2, 2), outputs=2)),
    free_network(Architecture(2, (3,)), positive=True),
    Network([[[1] * 9] * 9, [1] * 9], activation="leaky_relu(1/10)"),
    Network([[[1, 2]], [[3]], [4]], activation="linear"),
]


def test_signs_are_drawn():
    drawing = tikz_drawing(NETWORKS[0])
    assert len(re.findall(r"\\draw\[positive\]", drawing)) == 3
    assert len(re.findall(r"\\draw\[negative\]", drawing)) == 2  # and the weight 0 is left out
    assert r"-\tfrac{1}{3}" in drawing
    assert r"-\tfrac{5}{2}" in drawing
    assert r"\draw[unsigned]" in tikz_drawing(NETWORKS[2])
    assert r"\draw[positive]" in tikz_drawing(NETWORKS[3])
    assert "a_{1}" in tikz_drawing(NETWORKS[3], style=Style(names={"w": "a"}))
    assert r"node[weight" not in tikz_drawing(NETWORKS[4])
    assert r"node[weight" not in tikz_drawing(NETWORKS[0], labels=False)


def test_what_cannot_be_printed_is_refused():
    with pytest.raises(InvalidInput, match="at most 400 weights"):
        tikz_drawing(free_network(Architecture(21, (20,))))
    with pytest.raises(InvalidInput, match="'labels'"):
        tikz_drawing(NETWORKS[0], labels=2)
    with pytest.raises(InvalidInput, match="2 cells"):
        table(["a", "b"], [["1"]])
    with pytest.raises(InvalidInput, match="'kind'"):
        theorem("x", kind="axiom")


def test_everything_compiles(external, tmp_path):
    pdflatex = external("pdflatex")
    parts = [tikz_drawing(network) for network in NETWORKS]
    parts.append(table(["quantity", "value"], [["$R$", "$64$"]], "lr"))
    parts.append(theorem("$q < 1$.", kind="lemma", title="Small", proof=["By definition.", "$0 < 1$."]))
    (tmp_path / "d.tex").write_text(document(*parts), "utf-8")
    done = subprocess.run(
        [pdflatex, "-interaction=nonstopmode", "-halt-on-error", "d.tex"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    log = (tmp_path / "d.log").read_text("utf-8", errors="replace")
    assert done.returncode == 0, log[-2000:]
    assert "Overfull" not in log
    assert "Missing character" not in log
