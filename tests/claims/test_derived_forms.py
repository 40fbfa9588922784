"""What ``derive`` prints, in any form, ``check`` reads and proves: one alphabet in SymPy, text, LaTeX and JSON."""

import json
from fractions import Fraction as F

import pytest
import sympy

from exactdropout import Architecture, derive, free_network
from exactdropout.claims import check, parse_claim
from exactdropout.cli.main import main
from exactdropout.errors import InvalidInput

SHAPES = [
    "2-1 linear, biases", "2-1-1 relu, no biases", "1-2-1 relu, biases", "2-1-1 leaky_relu(1/10), no biases",
    "1-1-1-1 relu, biases", "2-2-1 linear, no biases",
]  # fmt: skip
QUANTITIES = ["criterion", "risk", "penalty", "variance", "mean"]
ARCHITECTURES = dict(zip(SHAPES, [
    Architecture(2, (), activation="linear"), Architecture(2, (1,), biases=False), Architecture(1, (2,)),
    Architecture(2, (1,), biases=False, activation="leaky_relu(1/10)"), Architecture(1, (1, 1)),
    Architecture(2, (2,), biases=False, activation="linear"),
], strict=True))  # fmt: skip


def printed_forms(name, formula):
    """Return a claim in every form in which a formula is printed."""
    left = {"mean": "E[D]", "variance": "Var[D]", "criterion": "J_D", "risk": "R"}.get(name, name)
    yield f"{left} = {formula.text()}"
    yield f"{left} = {formula.text(relu='plus')}"
    yield from (formula.latex(left=name, relu="plus", width=width) for width in (None, 40))
    for style in ({}, {"index": "bracket"}, {"index": "superscript-layer"}, {"width": 50, "environment": "align"}):
        yield formula.latex(left=name, **style)
    yield sympy.Eq(sympy.Symbol(name), formula.expr, evaluate=False)


@pytest.mark.parametrize(("shape", "q"), [
    *((shape, None) for shape in SHAPES),
    (SHAPES[0], F(1, 3)),
    *(pytest.param(shape, F(1, 3), marks=pytest.mark.thorough) for shape in SHAPES[1:]),
])  # fmt: skip
def test_every_printed_form_is_proved(shape, q):
    derivation = derive(ARCHITECTURES[shape], q=q)
    for name in QUANTITIES:
        formula = derivation.mean[0] if name == "mean" else getattr(derivation, name)
        first, *others = printed_forms(name, formula)
        assert check(first, shape, q=q).status == "proved", first
        for claim in others:
            same = isinstance(claim, str) and parse_claim(claim) == parse_claim(first)
            assert same or check(claim, shape, q=q).status == "proved", claim


@pytest.mark.parametrize("shape", SHAPES)
def test_every_form_of_the_command_line_is_read_as_one_claim(shape, capsys):
    assert main(["derive", "--architecture", shape, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    for name in QUANTITIES:
        claim = parse_claim(found[name]["text"])
        assert parse_claim(found[name]["latex"]) == claim
        assert parse_claim(claim.latex()) == claim
    assert main(["derive", "--architecture", shape, "--latex", "--quantity", "penalty"]) == 0
    assert main(["check", capsys.readouterr().out, "--architecture", shape]) == 0


def test_a_slip_in_what_was_printed_is_refuted():
    formula = derive(ARCHITECTURES[SHAPES[1]]).penalty
    assert check(f"penalty = {formula.text()} + w[1]", SHAPES[1]).status == "refuted"
    wrong = formula.text().replace("W[1,2]", "W[1,1]")
    assert check(f"penalty = {wrong}", SHAPES[1]).status == "refuted"


def test_symbols_are_plain_and_named_as_claims_name_them():
    deep = free_network(Architecture(2, (2, 1)))
    assert deep.weights[0][1, 0] == sympy.Symbol("W[1][2,1]")
    assert deep.biases[1][0] == sympy.Symbol("b[2][1]")
    assert deep.weights[2][0, 0] == sympy.Symbol("w[1]")
    assert deep.biases[2][0] == sympy.Symbol("b")
    several = free_network(Architecture(1, (2,), outputs=2))
    names = [str(s) for w in (*several.weights, *several.biases) for s in w.flat]
    assert len(set(names)) == len(names) == 2 + 4 + 2 + 2
    penalty = derive(Architecture(2, (), biases=False)).penalty.expr
    q, w = sympy.Symbol("q"), sympy.Symbol("w[1]")
    assert sympy.limit(penalty, q, 0) == 0
    assert penalty.subs(w, 0).diff(w) == 0 != penalty.diff(w)
    assert sympy.Symbol("W[1,2]") in derive(Architecture(2, (1,)), assume="weights >= 0, x >= 0").criterion.symbols
    hinge = derive(Architecture(1, (1,), biases=False)).criterion.expr
    call = sympy.lambdify([q, w, *map(sympy.Symbol, ("W[1,1]", "x[1]", "y"))], hinge)
    # (w·relu(W x) − y)² + (1/p² − 1) (w·relu(W x))² at p = ½, w = 2, W x = 3, y = 1
    assert call(0.5, 2, 1, 3, 1) == (6 - 1) ** 2 + 3 * 6**2
    assert hinge.rewrite(sympy.Max).has(sympy.Max)


def test_relu_is_printed_as_a_positive_part_on_request(capsys):
    line = ["derive", "--architecture", "1-1-1 relu", "--quantity", "mean", "--relu", "plus"]
    right = {"": r"b + q*w[1]*(b[1])_+ + w[1]*(W[1,1]*x[1] + b[1]*(1 - q))_+",
             "--latex": r"b + q w_{1} \left( b_{1} \right)_{+} "
             r"+ w_{1} \left( W_{1,1} x_{1} + b_{1} \left( 1 - q \right) \right)_{+}"}  # fmt: skip
    for form, expected in right.items():
        assert main([*line, *([form] if form else [])]) == 0
        assert capsys.readouterr().out.strip().endswith(f"= {expected}")
    assert main([*line, "--mathml"]) == 0
    assert "<mo>)</mo></mrow><mo>+</mo></msub>" in capsys.readouterr().out


def test_a_symbol_that_reads_as_a_function_is_set_apart_from_a_positive_part():
    claim = parse_claim("J_D = x[1]*relu(y)")
    assert claim.latex(relu="plus") == r"J_D = x_{1} \cdot \left( y \right)_{+}"
    assert parse_claim(claim.latex(relu="plus")) == claim


def test_a_proof_writes_relu_as_its_theorem_does():
    verdict = check("2*relu(x[1])^2 + x[2]^2 >= 2*relu(x[1])*x[2]", "2-1")
    assert verdict.status == "proved"
    printed = verdict.latex(relu="plus")
    assert r"\operatorname{relu}" not in printed
    assert r"\bigl(x_{1}\bigr)_+" in printed
    assert r"\operatorname{relu}\bigl(x_{1}\bigr)" in verdict.latex()


LEAKY = {
    "2-1-1 leaky_relu(1/10), no biases": (
        "q*w[1]^2*leaky(W[1,1]*x[1] + W[1,2]*x[2])^2/(1 - q) + q*w[1]^2*leaky(W[1,1]*x[1])^2/(1 - q)^2 "
        "+ q*w[1]^2*leaky(W[1,2]*x[2])^2/(1 - q)^2 - 2*q*y*w[1]*leaky(W[1,1]*x[1]) - 2*q*y*w[1]*leaky(W[1,2]*x[2]) "
        "+ 2*q*y*w[1]*leaky(W[1,1]*x[1] + W[1,2]*x[2])"
    ),
    "1-1-1-1 leaky_relu(1/3), no biases": (
        "q*w[1]^2*leaky(W[2][1,1]*leaky(W[1][1,1]*x[1]))^2*(q^2 - 3*q + 3)/(1 - q)^3"
    ),
}  # by hand: as with relu, whose unit they replace


@pytest.mark.parametrize("shape", LEAKY)
def test_leaky_units_are_one_function_in_every_form_and_proved(shape, capsys):
    line = ["derive", "--architecture", shape, "--quantity", "penalty"]
    assert main(line) == 0
    text = capsys.readouterr().out.strip()
    assert text == f"penalty = {LEAKY[shape]}"
    assert main([*line, "--latex"]) == 0
    latex = capsys.readouterr().out
    assert "relu" not in latex
    assert parse_claim(latex) == parse_claim(text)
    for claim in (text, latex, parse_claim(text)):
        assert check(claim, shape).status == "proved"


def test_compact_squares_of_leaky_units_stay_squares(capsys):
    shape = "1-1-1 leaky_relu(1/10), no biases"
    assert main(["derive", "--architecture", shape, "--compact", "--quantity", "criterion"]) == 0
    text = capsys.readouterr().out.strip()
    h = "w[1]*leaky(W[1,1]*x[1])"
    assert text == f"J_D = q*w[1]^2*leaky(W[1,1]*x[1])^2/(1 - q)^2 + q*y^2 + ({h} - y*(1 - q))^2/(1 - q)"
    assert check(text, shape).status == "proved"


def test_leaky_is_refused_where_units_are_not():
    for claim in ("W(x) = leaky(x[1])", parse_claim("W(x) = leaky(x[1])")):
        with pytest.raises(InvalidInput, match="leaky_relu"):
            check(claim, "1-1-1 relu, no biases")
