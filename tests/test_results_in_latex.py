"""``latex`` of every result: what stands in it, and that TeX compiles it without overfull lines or missing glyphs."""

import dataclasses
import re
import subprocess
from fractions import Fraction as F

import pytest
from flint import fmpz_poly

import exactdropout as xd
from exactdropout.algebra.algebraic import odd_roots
from exactdropout.errors import InvalidInput
from exactdropout.notation import document
from exactdropout.notation.numbers import number_latex

FIGURE_1 = xd.Network([[[1, 1], [1, 1]], [1, 1]])
POINT = xd.Examples.point((1, -1), 8)
NETWORK = xd.Network([[[1, "-3/7"]], [2]], [["1/2"], F(1, 3**9)])


@pytest.fixture(scope="module")
def results():
    derivation = xd.derive(xd.Architecture(2, (2,)))
    small = xd.derive(xd.Architecture(1, (1,)))
    exact = xd.evaluate(FIGURE_1, POINT, q="1/2", gradient=True)
    rounded = xd.evaluate(FIGURE_1.float64(), xd.Examples([((1.5, -1.0), 8.25, 1.0)]), q=0.3, gradient=True)
    theorem = xd.theorems.get("helmbold-2017-theorem-18")
    proved = theorem.prove()
    return {
        "derivation": derivation.latex(names={"w": "a"}, index="superscript-layer"),
        "examples": xd.derive(FIGURE_1, xd.Examples([((1, -1), 8, "1/3"), ((2, 1), 0, "2/3")]), [0, F(1, 3)]).latex(),
        "regions": xd.derive(xd.Architecture(2, (1,), biases=False), xd.Examples.point((1, 1), 1), F(1, 2))
        .regions()
        .latex(environment="equation", names={"w": "a"}),
        "linear": xd.derive(xd.Architecture(2, (), outputs=2)).latex(),
        "gradient": small.gradient().latex(),
        "hessian": small.hessian().latex(names={"W": "theta"}),
        "evaluation": exact.latex(),
        "rounded": rounded.latex(),
        "interval": xd.evaluate(FIGURE_1, POINT, q="1/2", precision=50).latex(),
        "gradients": exact.gradient.latex(environment="align"),
        "rounded gradients": rounded.gradient.latex(environment="equation*"),
        "proved": xd.check("penalty = q/p * Sum(w[i]^2*x[i]^2, i=1..K)", "K-1, no biases").latex(),
        "refuted": xd.check("E[D^2] <= 4*W(x)^2 if w >= 0", "2-2-1 relu, no biases").latex(),
        "optimum": xd.minimize(xd.Architecture(2, (2,)), xd.Examples.half((1, 1), 1), q=F(1, 2)).latex(),
        "phases": xd.phases(xd.Architecture(2, (2,), biases=False), xd.Examples.point((1, 1), 1)).latex(
            environment="equation"
        ),
        "theorem": theorem.latex(proof=proved),
        "corrected": xd.theorems.get("helmbold-2017-lemma-15").latex(),
        "drawing": xd.tikz_drawing(FIGURE_1),
        "network": xd.latex(NETWORK, environment="align*"),
        "wide": xd.latex(xd.Network([[[0.125 * i for i in range(12)]] * 3, [1e-9, 2.0, 1 / 3]]), environment="align*"),
        "free": xd.latex(xd.free_network("3-2-2-1"), names={"W": "theta"}, environment="align"),
        "weighted": xd.latex(xd.Examples([((1, "-1/2"), 8, "1/3"), ((2, 1), F(1, 7**20), "2/3")])),
    }


def test_what_stands_in_them(results):
    assert results["derivation"].count(r"\item ") >= 8
    assert r"w_" not in results["derivation"].split("The mean")[1]
    assert r"W_{1,2}" in results["derivation"]
    assert r"with probability $\frac{2}{3}$" in results["examples"]
    assert r"\frac{\partial J_D}{\partial W_{1,1}}" in results["gradient"]
    assert r"\frac{\partial^{2} J_D}{\partial w_{1}^{2}}" in results["hessian"]
    assert r"\frac{\partial^{2} J_D}{\partial \theta_{1,1} \, \partial w_{1}}" in results["hessian"]
    assert r"criterion $J_D$ & $54$ & exact" in results["evaluation"]
    assert re.search(r"10\^\{-1\d\}", results["rounded"])
    assert r"\begin{theorem}" in results["proved"]
    assert r"\begin{claim}" in results["refuted"]
    assert "is false at" in results["refuted"]
    assert r"\min_W J_D = \frac{5}{28}" in results["optimum"]
    assert len(re.findall(r"[<>] 0", results["regions"])) == 12
    assert r"a_{1} W_{1,2} \left( 2 a_{1} W_{1,2} - 1 \right), & W_{1,2} > 0" in results["regions"]
    assert "otherwise" not in results["regions"]
    assert r"\begin{cases}" in results["phases"]
    assert r"\frac{3 - \sqrt{5}}{2}" in results["phases"]
    assert r"\begin{proof}" in results["theorem"]
    assert "corrected:" in results["corrected"]


def test_networks_and_examples(results):
    assert results["network"].splitlines() == [
        r"\begin{align*}",
        r"W_{1} &= \left( \begin{array}{rr} 1 & -\frac{3}{7} \end{array} \right) \\",
        r"b_{1} &= \left( \begin{array}{r} \frac{1}{2} \end{array} \right) \\",
        r"w &= \left( \begin{array}{r} 2 \end{array} \right) \\",
        r"b &= \left( \begin{array}{r} \frac{1}{19683} \end{array} \right)",
        r"\end{align*}",
    ]
    wide = results["wide"].splitlines()
    assert wide[1].startswith(r"W_{1}^{\mathsf T} &= ")
    assert wide[1].count(r"\\") == 11 + 1  # twelve rows, and the end of the line
    assert wide[2].startswith(r"w &\approx ")  # 1/3 is rounded
    assert r"\theta_{2} &= " in results["free"]
    assert r"b_{1,2}" in results["free"]
    assert results["weighted"].splitlines()[2:6] == [
        r"$x_{1}$ & $x_{2}$ & $y$ & $P$ \\",
        r"\midrule",
        r"$1$ & $-\frac{1}{2}$ & $8$ & $\frac{1}{3}$ \\[0.8ex]",
        r"$2$ & $1$ & $\approx 1.25325 \cdot 10^{-17}$ & $\frac{2}{3}$ \\[0.8ex]",
    ]
    assert xd.latex(xd.evaluate(FIGURE_1, POINT, "1/2")) == xd.evaluate(FIGURE_1, POINT, "1/2").latex()
    with pytest.raises(InvalidInput, match="at most 8 rows or columns in each layer"):
        xd.latex(xd.Network([[[1.0] * 9] * 9, [1.0] * 9]))
    with pytest.raises(InvalidInput, match="at most 60 examples"):
        xd.latex(xd.Examples([((1,), 1)] * 61))
    with pytest.raises(InvalidInput, match="Argument 'value' must be a Network, Examples or a result"):
        xd.latex(xd.Network)


def test_all_of_them_compile(results, external, tmp_path):
    pdflatex = external("pdflatex")
    log = compiled(pdflatex, tmp_path, document(*results.values()))
    assert re.findall(r"Overfull[^\n]*\n[^\n]*", log) == []
    fonts = subprocess.run([external("pdffonts"), "r.pdf"], cwd=tmp_path, capture_output=True, check=True).stdout
    assert b"Type 3" not in fonts


def standalone_documents():
    small = xd.derive(xd.Architecture(1, (1,)))
    evaluation = xd.evaluate(FIGURE_1, POINT, q="1/2", gradient=True)
    verdict = xd.check("penalty = 1", "1-1, no biases")
    return {
        "derivation": small.latex(standalone=True),
        "formula": small.criterion.latex(standalone=True),
        "gradient": small.gradient().latex(standalone=True),
        "evaluation": evaluation.latex(standalone=True),
        "gradient of numbers": evaluation.gradient.latex(standalone=True),
        "verdict": verdict.latex(standalone=True),
        "claim": verdict.claim.latex(standalone=True),
        "drawing": xd.tikz_drawing(FIGURE_1, standalone=True),
        "theorem": xd.theorems.get("helmbold-2017-figure-1").latex(standalone=True),
    }


def body(text):
    return text[text.index(r"\begin{document}") :]


def test_standalone_documents_compile(external, tmp_path):
    """One TeX for each preamble, with the bodies of all documents that have it."""
    pdflatex, bodies = external("pdflatex"), {}
    for text in standalone_documents().values():
        bodies.setdefault(text.removesuffix(body(text)), []).append(body(text))
    for number, (preamble, texts) in enumerate(bodies.items()):
        inside = [t.replace(r"\begin{document}", "").replace(r"\end{document}", r"\par\clearpage") for t in texts]
        folder = tmp_path / str(number)
        folder.mkdir()
        compiled(pdflatex, folder, rf"{preamble}\begin{{document}}{''.join(inside)}\end{{document}}")


def compiled(pdflatex, folder, text):
    (folder / "r.tex").write_text(text, "utf-8")
    done = subprocess.run(
        [pdflatex, "-interaction=nonstopmode", "-halt-on-error", "r.tex"], cwd=folder, capture_output=True, check=False
    )
    log = (folder / "r.log").read_text("utf-8", errors="replace")
    assert done.returncode == 0, log[-3000:]
    assert "Missing character" not in log
    return log


def test_jupyter_shows_formulas():
    small = xd.derive(xd.Architecture(1, (1,), biases=False), q=F(1, 2))
    evaluation = xd.evaluate(FIGURE_1, POINT, q="1/2")
    for shown in (small, small.penalty, evaluation, xd.check("penalty = 1", "1-1, no biases")):
        text = shown._repr_latex_()
        assert text.startswith(r"$\displaystyle ")
        assert text.endswith("$")
        assert "$" not in text[1:-1]


def test_long_numbers_become_decimals():
    assert number_latex(F(10**60 + 1, 3)).startswith(r"\approx 3.33333")
    assert number_latex(-F(1, 3)) == r"-\frac{1}{3}"
    evaluation = xd.evaluate(
        xd.Network([["1/7919", "1/7907"]]), xd.Examples.point(("1/6101", "1/6089"), "1/9973"), "1/97"
    )
    assert r"\approx" in evaluation.latex()


@pytest.mark.parametrize(
    ("polynomial", "index", "latex"),
    [
        ([1, -3, 1], 0, r"\frac{3 - \sqrt{5}}{2}"),
        ([-1, 0, 2], 0, r"\frac{\sqrt{2}}{2}"),
        ([-1, 1, 1], 0, r"\frac{\sqrt{5} - 1}{2}"),
        ([-2, 2, 1], 0, r"\sqrt{3} - 1"),
        ([1, -4, 2], 0, r"\frac{2 - \sqrt{2}}{2}"),
        ([-1, 0, 0, 2], 0, r"0.793701\ldots"),
        ([-1, 3], 0, r"\frac{1}{3}"),
    ],
)
def test_algebraic_numbers(polynomial, index, latex):
    assert odd_roots(fmpz_poly(polynomial))[index].latex() == latex


def test_a_list_of_regions_that_is_not_complete_says_so():
    deep = xd.derive(xd.Architecture(1, (1, 1), biases=False), xd.Examples.point((1,), 1), F(1, 2)).regions()
    shown = dataclasses.replace(deep, undecided=((1, -1),)).latex()
    assert r"\text{not decided}, & \text{otherwise}" in shown
    assert "otherwise" not in deep.latex()
    with pytest.raises(InvalidInput, match="'quantity'"):
        deep.latex(quantity="mean")
    with pytest.raises(InvalidInput, match="at most 64 regions"):
        xd.derive(xd.Architecture(2, (3,), biases=False), xd.Examples.point((1, 1), 1), F(1, 2)).regions().latex()


def test_limits_are_told():
    wide = xd.Network([[[1] * 21] * 20, [1] * 20])
    evaluation = xd.evaluate(wide.float64(), xd.Examples.point((1.0,) * 21, 1.0), q=0.0, gradient=True)
    with pytest.raises(InvalidInput, match="at most 400"):
        evaluation.gradient.latex()
