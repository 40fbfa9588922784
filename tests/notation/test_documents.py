"""Documents, tables, theorems and drawings: refused where they cannot work, compiled by TeX where they can."""

import itertools
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
    assert r"\draw[positive,line width=1.2pt]" in tikz_drawing(NETWORKS[4])
    assert drawing.count("node[weight,minus]") == 2
    assert r"\node[weight] " in drawing
    assert r"node[weight" not in tikz_drawing(NETWORKS[0], labels=False)


@pytest.mark.parametrize("widths", [(2, 2, 1), (3, 3, 3, 2), (6, 6, 1), (10, 8, 1)])
def test_labels_of_a_drawing_hide_neither_each_other_nor_units(external, tmp_path, widths):
    """Judged by the letters' boxes in the PDF: what the drawing assumes about their sizes is not believed."""
    numbers = itertools.cycle([F(-7, 3), 4, F(11, 13), F(-1, 2), 0.0719, -2.25, 6])
    weights = [[[next(numbers) for _ in range(a)] for _ in range(b)] for a, b in itertools.pairwise(widths)]
    biases = [[next(numbers) for _ in range(b)] for b in widths[1:]]
    floats = [[[float(w) for w in row] for row in matrix] for matrix in weights]
    network = Network(
        floats if widths == (10, 8, 1) else exact(weights),
        exact(biases) if widths != (10, 8, 1) else [[float(b) for b in layer] for layer in biases],
    )
    (tmp_path / "d.tex").write_text(tikz_drawing(network, labels=True, standalone=True), "utf-8")
    subprocess.run(
        [external("pdflatex"), "-interaction=batchmode", "d.tex"], cwd=tmp_path, capture_output=True, check=True
    )
    assert "Overfull" not in (tmp_path / "d.log").read_text("utf-8", errors="replace")
    page = subprocess.run(
        [external("pdftotext"), "-bbox", "d.pdf", "-"], cwd=tmp_path, capture_output=True, check=True, text=True
    ).stdout
    words = re.findall(r'xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)">([^<]*)<', page)
    assert len(words) >= sum(a * b for a, b in itertools.pairwise(widths))
    boxes = [(*map(float, word[:4]), word[4]) for word in words]
    hidden = [
        (one[4], other[4])
        for one, other in itertools.combinations(boxes, 2)
        if min(one[2], other[2]) - max(one[0], other[0]) > 0.5 and min(one[3], other[3]) - max(one[1], other[1]) > 2.5
    ]
    assert hidden == []


def exact(nested):
    return [exact(part) if isinstance(part, list) else F(part) for part in nested]


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
