"""What a notebook shows of every result: short ``repr``, bounded well-formed HTML, pictures of the exact values."""

import re
import subprocess
from fractions import Fraction as F
from xml.etree import ElementTree

import numpy as np
import pytest

import exactdropout as xd
from exactdropout.data import diabetes
from exactdropout.errors import InvalidInput, MixedNumbers

FIGURE_1 = xd.Network([[[1, 1], [1, 1]], [1, 1]])
POINT = xd.Examples.point((1, -1), 8)


@pytest.fixture(scope="module")
def results():
    network, data = diabetes()
    rounded = xd.evaluate(network, data, "1/2", gradient=True)
    free = xd.derive("2-2-1 relu, no biases")
    stack = xd.evaluator("2-2-1 relu, no biases", POINT, "1/2").stack([[[[1, 1], [1, 1]]], [[[1, 1]]]])
    return {
        "exact": xd.evaluate(FIGURE_1, POINT, "1/2"),
        "rounded": rounded,
        "interval": xd.evaluate(FIGURE_1, POINT, "1/2", precision=40),
        "gradient": rounded.gradient,
        "product": xd.evaluate(FIGURE_1, POINT, "1/2", hessian_product=FIGURE_1).hessian_product,
        "rows": rounded.per_example,
        "plan": rounded.plan,
        "stack": stack,
        "curve": xd.over_q(FIGURE_1, POINT),
        "law": xd.output_law(FIGURE_1, (1, -1), "1/2"),
        "trained": xd.train(xd.Network([[[0.5]]]), xd.Examples.point([1.0], 1.0), "1/2"),
        "estimate": xd.estimate(FIGURE_1, POINT, "1/2"),
        "derivation": xd.derive(FIGURE_1, POINT),
        "free": free,
        "slopes": free.gradient(),
        "curvature": xd.derive("2-1 linear, no biases").hessian(),
        "document": xd.claims.check_document(r"\[ J_D \ge R \le 0 \] \[ a = c \]", "K-1 linear, no biases"),
        "monotone": xd.derive(FIGURE_1, POINT).monotone("penalty"),
        "regions": xd.derive("2-1-1 relu, no biases", [((1, 2), 1)], "1/2").regions(),
        "proved": xd.check("penalty = q/p * w[1]^2 * x[1]^2", "1-1 linear, no biases"),
        "refuted": xd.check("penalty >= 0", "2-2-1 relu, no biases"),
        "optimum": xd.minimize("2-4-1 relu, no biases", "point(1, 1)", "1/2"),
        "phases": xd.phases("2-2-1 relu, no biases", "point(1, 1)"),
    }


def text(result):
    return "".join(ElementTree.fromstring(f"<div>{result._repr_html_()}</div>").itertext())


def test_every_one_is_well_formed_bounded_and_asks_nothing_of_the_network(results):
    for name, result in results.items():
        shown = result._repr_html_()
        ElementTree.fromstring(f"<div>{shown}</div>")
        assert len(shown) < 60_000, name
        assert "<script" not in shown, name
        assert "http" not in shown.replace("http://www.w3.org/1998/Math/MathML", ""), name
        assert "color" not in shown, name  # a page's own light or dark look
        assert len(repr(result)) <= 300, name


def test_what_stands_in_them(results):
    assert "54exact" in text(results["exact"])
    assert "4195.1138272125" in text(results["rounded"])
    assert "2^18 masks for each of 442 examples" in text(results["rounded"])
    assert "… and 422 more rows" in text(results["rows"])
    assert "W[2,2]" in text(results["product"])
    refuted = text(results["refuted"])
    assert refuted.startswith("refuted")
    assert "counterexample: -10 >= 0 is false at q = 1/2" in refuted
    proved = text(results["proved"])
    assert "scope:" in proved
    assert "replayed by the independent verifier" in proved
    assert "29/64 = 0.453125" in text(results["optimum"])
    assert "every minimiser has a negative weightyes" in text(results["optimum"])
    assert "decreasing" in text(results["monotone"])
    assert "certain: all masks were evaluated" in text(results["estimate"])
    assert "13/16 = 0.8125" in text(results["law"])
    assert "Second derivatives of the criterion that are not 0" in text(results["curvature"])
    document = text(results["document"])
    assert "text: refuted" in document
    assert "1proved" in document
    assert "1 <= 0 is false at" in document
    assert "line 1: a = c (says what a is)" in document


def test_printed_digits_contain_the_exact_value():
    network, data = diabetes()
    exact = xd.evaluate(network.exact(), data, "1/2")
    rows = ElementTree.fromstring(f"<div>{xd.evaluate(network.float64(), data, '1/2')._repr_html_()}</div>").iter("tr")
    shown = {cells[0]: (F(cells[1]), F(cells[2])) for row in list(rows)[1:] if (cells := [c.text for c in row])}
    for name in ("criterion", "risk", "penalty", "variance", "bias"):
        value, bound = shown[name]
        assert abs(value - getattr(exact, name)) <= bound < abs(value) / 10**9


def test_hostile_words_are_escaped():
    from exactdropout.notation.page import table_html

    assert "<script>" not in table_html(["<script>"], [["<script>"]], title="<script>", notes=["<script>"])


def test_many_rows_are_counted_and_not_walked():
    from exactdropout.notation.page import MOST_ROWS, table_html

    def rows():
        for number in range(10**9):
            assert number <= MOST_ROWS
            yield [str(number)]

    assert f"and {10**9 - MOST_ROWS:,} more rows" in table_html(["n"], rows(), count=10**9)


def test_long_formulas_are_not_sent_to_a_browser():
    long = xd.derive("3-4-1 relu", [((1, 2, 3), 1)] * 1).variance
    assert long._repr_latex_() is None or len(long._repr_latex_()) <= 20_100
    assert len(xd.derive("3-4-1 relu", [((1, 2, 3), 1)])._repr_html_()) < 120_000


@pytest.fixture
def axes():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, made = pyplot.subplots()
    yield made
    pyplot.close(figure)


def test_the_curve_of_a_formula_and_of_evaluations_are_the_same(axes):
    curve = xd.over_q(FIGURE_1, POINT, "1/10:9/10:9")
    assert curve.plot(axes) is axes
    places, heights = (list(part) for part in axes.lines[2].get_data())
    penalty = xd.derive(FIGURE_1, POINT).penalty
    for k in range(9):
        assert heights[k] == float(penalty(q=F(k + 1, 10)))
        assert places[k] == pytest.approx((k + 1) / 10)
    penalty.plot(axes)
    drawn = dict(zip(*axes.lines[-2].get_data(), strict=True))
    assert drawn[0.5] == -10


def test_a_pole_does_not_flatten_the_curve(axes):
    xd.derive(FIGURE_1, POINT).penalty.plot(axes)
    low, high = axes.get_ylim()
    assert -30 < low < -10
    assert high < 200


def test_stretches_are_drawn_with_their_directions(axes, results):
    results["monotone"].plot(axes)
    falling, rising = axes.lines[:2]
    assert list(falling.get_ydata()) == sorted(falling.get_ydata(), reverse=True)
    assert list(rising.get_ydata()) == sorted(rising.get_ydata())
    assert max(falling.get_xdata()) < 0.5 < min(rising.get_xdata())


def test_phases_are_bars_between_their_exact_ends(axes, results):
    phases = results["phases"]
    phases.plot(axes)
    assert [bar.get_x() for bar in axes.patches] == [float(piece.lower) for piece in phases.pieces]


def test_regions_of_two_weights_are_numbered_inside(axes, results):
    regions = results["regions"]
    regions.plot(axes)
    for label in axes.texts:
        x, y = label.get_position()
        found = regions.at({"W[1,1]": F(x), "W[1,2]": F(y)})
        assert found.signs == regions[int(label.get_text())].signs
    assert len(axes.texts) == len(regions)


def test_the_course_of_a_training_falls_to_its_criterion(axes):
    data = [((1.0, 0.5), 1.0), ((-1.0, 2.0), 0.5), ((0.3, 0.2), -1.0)]
    found = xd.train(xd.Network([[[0.3, -0.2], [0.1, 0.4]], [0.5, 0.5]]), data, 0.25)
    found.plot(axes)
    course = list(axes.lines[0].get_ydata())
    assert course == sorted(course, reverse=True)
    assert len(course) == found.iterations + 1
    assert (course[0], course[-1]) == (found.start, found.criterion)  # no warm-up for three examples
    assert set(axes.lines[1].get_ydata()) == {found.start}


def test_what_cannot_be_drawn_says_why(results):
    with pytest.raises(InvalidInput, match="must have one free symbol"):
        results["free"].penalty.plot()
    with pytest.raises(InvalidInput, match="Matplotlib axes"):
        results["curve"].plot(axes=3)
    four = xd.derive("2-2-1 relu, no biases", [((1, 2), 1)], "1/2").regions()
    with pytest.raises(InvalidInput, match="exactly two free weights"):
        four.plot()


def test_floats_beside_fractions_are_refused_over_q_as_everywhere():
    with pytest.raises(MixedNumbers):
        xd.over_q(FIGURE_1, POINT, [0, 0.25])
    floats = xd.over_q(FIGURE_1.float64(), xd.Examples.point((1.0, -1.0), 8.0), (q for q in (0, 0.25, "1/2")))
    assert floats.rates == (0, F(1, 4), F(1, 2))


def test_a_table_in_the_place_of_the_network_is_told_so(tmp_path):
    (tmp_path / "table.tsv").write_text("x\ty\n1\t2\n")
    with pytest.raises(InvalidInput, match="the network comes first, then the data"):
        xd.Network.load(tmp_path / "table.tsv")


@pytest.mark.parametrize("q", ["0:1:3", "0:1/2", "0:1/2:1", [], "1/2,3/2", 3, [float("nan")], "a:b:c", ["q"], {"q": 1}])
def test_grids_that_are_none(q):
    with pytest.raises(InvalidInput, match="Argument 'q'"):
        xd.over_q(FIGURE_1, POINT, q)


def test_architecture_is_shown_as_the_call_that_makes_it():
    for words in ("2-3-1 relu, no biases", "2-1 linear, biases", "3-2-2-2 leaky_relu(1/10)/relu, output bias"):
        made = xd.Architecture(words)
        assert eval(repr(made), {"Architecture": xd.Architecture}) == made


def test_networks_and_examples_are_tables():
    network = xd.Network([[["1/3", -2], [1, 2]], [1, 1]], [[1, 2], "1/7"])
    shown = text(network)
    assert "2-2-1 relu, biases, exact: layer 1 of 2" in shown
    assert re.search(r"unit 1\s*1/3\s*-2\s*1", shown)
    data = xd.Examples([((1, 2), 1, "1/3"), ((1, 3), 2, "2/3")])
    assert re.search(r"x1\s*x2\s*y\s*probability", text(data))
    many = xd.Examples.from_arrays(np.ones((50, 30)), np.ones(50))
    shown = text(many)
    assert "… and 30 more rows" in shown
    assert "… and 19 more columns" in shown
    assert many._repr_html_().count("<tr>") == 21


def test_a_law_names_its_ends():
    network = xd.Network([[[1, 1], [1, 1]], [1, 1]])
    assert repr(xd.output_law(network, (1, -1), "1/2")) == "<OutputLaw of 3 atoms, from 0 to 8>"
    two = xd.Network([[[1, 1], [1, 2]]])
    assert repr(xd.output_law(two, (1, 1), "1/2")) == "<OutputLaw of 4 atoms, from (0, 0) to (4, 6)>"


def test_pictures_name_their_axes_and_can_be_read():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("Agg")
    derivation = xd.derive(xd.Network([[[1, 1], [1, 1]], [1, 1]]), "point((1, -1), 8)")
    assert derivation.penalty.plot().get_ylabel() == "penalty"
    assert derivation.criterion.plot().get_ylabel() == "criterion J_D"
    assert (derivation.criterion - derivation.risk).plot().get_ylabel() == "value"
    phases = xd.phases("2-1-1 relu", "half(1, 1)").plot()
    assert [t.get_text() for t in phases.texts] == ["1x-(--|+)", "1x+(++|0)"]
    assert min(t.get_fontsize() for t in phases.texts) >= 8
    best = xd.minimize("2-2-1 relu, no biases", "point(1, 1)", "1/2")
    drawn = best.plot()
    assert r"\min" in drawn.get_title()
    assert len(drawn.lines) == sum(w.size for w in best.minimisers[0].network.weights)
    pyplot.close("all")


def test_minimisers_fit_a_column(external, tmp_path):
    best = xd.minimize("3-4-1 relu", "half(1, 1)", "1/3")
    page = "\\documentclass[twocolumn]{article}\\usepackage{amsmath,booktabs}\\begin{document}\n"
    (tmp_path / "d.tex").write_text(page + best.latex(width=45) + "\\end{document}", "utf-8")
    subprocess.run(
        [external("pdflatex"), "-interaction=batchmode", "d.tex"], cwd=tmp_path, check=True, capture_output=True
    )
    assert "Overfull" not in (tmp_path / "d.log").read_text("utf-8", errors="replace")
    assert r"\toprule" in best.latex()
