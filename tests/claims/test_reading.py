"""Every formula that is printed, in every style, is read back to the same tree and the same SymPy expression."""

import re
import subprocess
import xml.etree.ElementTree as ET
from fractions import Fraction as F

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from exactdropout import Architecture, Examples, Network, derive
from exactdropout.claims import check, parse_claim, read_formula
from exactdropout.claims.language.read_formula import read_tree
from exactdropout.claims.language.tokens import WORDS
from exactdropout.errors import InvalidInput
from exactdropout.notation import Style, document, expression_latex, expression_mathml, expression_text
from exactdropout.notation.latex import breakable, equation_latex
from exactdropout.notation.names import symbol_name
from exactdropout.notation.style import RESERVED
from exactdropout.notation.tree import (
    Add,
    Call,
    Divide,
    Multiply,
    Name,
    Negate,
    Number,
    Power,
    Repeated,
    nested_exponents,
    rebuilt,
    walk,
)  # fmt: skip
from exactdropout.symbolic.ring.relu import step

from .mutations import CORPUS

SYMBOLS = [
    sympy.Symbol(name)
    for name in (
        "q",
        "y",
        "b",
        "w[1]",
        "w[2]",
        "W[1][1,2]",
        "W[2][11,2]",
        "b[1][1]",
        "x[1]",
        "x[12]",
        "lambda",
        "u",
        "a[2,3]",
        "k_1",
        "z3_4",
    )
]
PRINTED = ("a", "B", "theta", "Omega", "weight", "z", "phi", "s", "W", "m", "K", "n")
BASES = ("q", "y", "w", "W", "b", "x", "lambda", "u", "a", "k", "z")

styles = st.builds(
    lambda printed, index, width, environment: Style(
        names=dict(zip(BASES, printed, strict=False)), index=index, width=width, environment=environment
    ),
    st.one_of(st.just(()), st.permutations(PRINTED)),
    st.sampled_from(["subscript", "bracket", "superscript-layer"]),
    st.sampled_from([None, 30, 45, 90]),
    st.sampled_from(["none", "equation", "align", "align*", "equation*"]),
)


numbers = st.integers(0, 10**12).map(lambda n: Number(F(n)))
names = st.sampled_from(SYMBOLS).map(lambda s: symbol_name(str(s)))


def no_sum(node):
    return not isinstance(node, (Add, Negate))


def extended(inner):
    simple = inner.filter(no_sum)
    factor = simple.filter(lambda n: not isinstance(n, Multiply))
    return st.one_of(
        st.builds(
            lambda first, rest: Add((first, *rest)),
            simple | st.builds(Negate, simple),
            st.lists(simple | st.builds(Negate, simple), min_size=1, max_size=4),
        ),
        st.lists(factor | inner.filter(lambda n: isinstance(n, Add)), min_size=2, max_size=4).map(
            lambda items: Multiply(tuple(items))
        ),
        st.builds(Divide, inner, inner),
        st.builds(
            Power, inner.filter(lambda n: not isinstance(n, (Power, Number))), st.integers(2, 3).map(F).map(Number)
        ),
        st.builds(lambda f, a: Call(f, (a,)), st.sampled_from(["relu", "step", "sqrt", "abs"]), inner),
        st.builds(
            lambda f, a: Call(f, tuple(a)), st.sampled_from(["max", "min"]), st.lists(inner, min_size=2, max_size=3)
        ),
    )


trees = st.recursive(numbers | names, extended, max_leaves=14)


def under(tree, style):
    """Return a tree with the names that a style prints."""
    return rebuilt(tree, lambda n: Name(style.printed(n.name), n.indices) if isinstance(n, Name) else n)


def latex_depth(tree):
    return nested_exponents(tree) <= 64


@given(trees.filter(latex_depth), styles)
@settings(max_examples=200)
def test_any_tree_is_read_back(tree, style):
    plain = Style(names=style.names, index=style.index)
    expected = under(tree, style)
    assert read_tree(expression_latex(tree, plain), SYMBOLS, style) == expected
    assert read_tree(expression_text(tree, plain), SYMBOLS, style) == expected
    printed = breakable(tree, style)
    assert read_tree(equation_latex("J_D", printed, style), SYMBOLS, style) == under(printed, style)
    assert read_tree(equation_latex(None, printed, style), SYMBOLS, style) == under(printed, style)
    ET.fromstring(expression_mathml(tree, style))


def formulas():
    relu = derive(Architecture(2, (2,)))
    mixed = derive(Architecture(2, (1, 1), activation=["relu", "leaky_relu(1/10)"]), q=[F(1, 3), sympy.Symbol("q"), 0])
    numeric = derive(Network([[[1, F(-1, 3)], [2, 5]], [1, -7]]), Examples.point((3, -4), 8))
    two = derive(Architecture(2, (1,), outputs=2, biases=False))
    small = derive(Architecture(1, (1,)))
    gradient = small.gradient()
    found = (relu, mixed, numeric, two)
    return [
        *(f for d in found for f in (d.criterion, d.risk, d.penalty, d.variance, d.bias, *d.mean)),
        *gradient.weights[0].flat, *gradient.weights[1].flat, *gradient.biases[0],
    ]  # fmt: skip


FORMULAS = formulas()


@pytest.mark.quick_cases(10)
@given(st.sampled_from(range(len(FORMULAS))), styles)
def test_derived_formulas_are_read_back(index, style):
    formula = FORMULAS[index]
    for printed in (formula.latex(style), formula.latex(style, left="penalty"), formula.text(style)):
        found = read_formula(printed, formula.symbols, style)
        assert found == formula.expr or sympy.cancel(found - formula.expr) == 0
    assert read_tree(formula.latex(style), formula.symbols, style) == under(formula.tree(style), style)
    assert ET.fromstring(formula.mathml(style, left="variance")).tag == "math"


def test_gradients_hold_steps():
    formula = derive(Architecture(1, (1,), biases=False)).gradient().weights[0][0, 0]
    assert r"\operatorname{step}" in formula.latex()
    assert read_formula(formula.latex(), formula.symbols) == formula.expr
    assert formula.expr.has(step)
    with pytest.raises(InvalidInput, match="position"):
        parse_claim("step(x[1]) = 1")  # no part of the grammar of claims


def test_wide_formulas_are_broken_everywhere():
    formula = FORMULAS[0]
    lines = formula.latex(width=60, left="criterion").splitlines()
    assert lines[0] == r"\begin{split}"
    assert lines[1].startswith(r"J_D &= ")
    assert all(line.startswith(r"&\quad ") for line in lines[2:-1])
    assert "\n" not in formula.latex()


def test_style_options_are_checked():
    formula = derive(Architecture(1, (1,))).penalty
    for options, message in [
        ({"names": {"w": "x"}}, "keep symbols apart, but w\\[1\\] and x\\[1\\] both become x"),
        ({"names": {"w": "J"}}, "J is the criterion"),
        ({"names": {"w": "sum"}}, "a word of the grammar"),
        ({"names": {"w": "a_1"}}, "Latin letters"),
        ({"index": "top"}, "must be one of subscript"),
        ({"width": 3}, "from 30"),
        ({"environment": "gather"}, "must be one of none"),
        ({"standalone": 1}, "True or False"),
        ({"colour": "red"}, "is not one of"),
    ]:
        with pytest.raises(InvalidInput, match=message):
            formula.latex(**options)
    with pytest.raises(InvalidInput, match="must be a Style"):
        formula.latex({"w": "a"})
    assert {w.lower() for w in WORDS if len(w) > 1} <= RESERVED


def test_symbols_without_a_name_are_refused_and_displayed_as_text():
    odd = derive(Network([[sympy.Symbol("α²")]]), Examples.point((1,), 0)).criterion
    with pytest.raises(InvalidInput, match=r"W\[1\]\[2,3\]"):
        odd.latex()
    assert odd._repr_latex_() is None


def test_other_symbols_are_refused_on_reading():
    with pytest.raises(InvalidInput, match="none of the symbols"):
        read_formula("x[1] + 1", sympy.symbols("y z"))
    with pytest.raises(InvalidInput, match="at position"):
        read_formula("__import__('os')", sympy.symbols("y z"))


def test_tex_compiles_formulas_in_every_style(external, tmp_path):
    pdflatex = external("pdflatex")
    parts = []
    for number, formula in enumerate(FORMULAS):
        for index in ("subscript", "bracket", "superscript-layer"):
            environment = ("equation", "align", "align*", "equation*")[number % 4]
            names = {"w": "a", "W": "omega"} if number % 2 else {}
            parts.append(formula.latex(names=names, index=index, width=75, environment=environment, left="criterion"))
    log = compiled(pdflatex, tmp_path, document(*parts))
    assert re.findall(r"Overfull[^\n]*\n[^\n]*", log) == []
    compiled(pdflatex, tmp_path, FORMULAS[0].latex(width=75, standalone=True))


def compiled(pdflatex, folder, text):
    (folder / "f.tex").write_text(text, "utf-8")
    done = subprocess.run(
        [pdflatex, "-interaction=nonstopmode", "-halt-on-error", "f.tex"], cwd=folder, capture_output=True, check=False
    )
    log = (folder / "f.log").read_text("utf-8", errors="replace")
    assert done.returncode == 0, log[-3000:]
    assert "Missing character" not in log
    return log


OWN = {"x": "z", "y": "t", "w": "a", "W": "theta", "b": "beta", "q": "r", "p": "s"}


@pytest.mark.parametrize("index", ["subscript", "bracket", "superscript-layer"])
def test_claims_in_the_authors_letters(index):
    read = 0
    for entry in CORPUS:
        claim = parse_claim(entry["claim"])
        letters = {n.name for n in walk((claim.statement, claim.assumptions)) if isinstance(n, Name)}
        letters |= {n.index for n in walk((claim.statement, claim.assumptions)) if isinstance(n, Repeated)}
        if letters & set(OWN.values()):
            continue
        printed = claim.latex(names=OWN, index=index)
        assert parse_claim(printed, OWN) == claim
        read += 1
    assert read > 40


def test_own_letters_are_checked():
    linear = "K-1, no biases"
    claim = r"J_D - R = \frac{r}{1-r} \sum_{i=1}^{K} a_i^2 z_i^2"
    names = {"w": "a", "x": "z", "q": "r"}
    assert check(claim, linear, names=names).status == "proved"
    assert (
        check(claim.replace(r"\frac{r}{1-r}", r"\frac{1-r}{r}"), linear, names=names, assume="r > 0").status
        == "refuted"
    )
    assert check("penalty = q/p*Sum(a[i]^2*x[i]^2, i=1..K)", linear, names={"w": "a"}).status == "proved"
    swapped = {"w": "v", "b": "w"}
    assert parse_claim("v[1] = w", swapped) == parse_claim("w[1] = b")
    for text, own, message in [
        ("w[1] = 1", {"w": "a"}, "the name that was given to w"),
        ("a[1] = 1", {"w": "x"}, "a symbol of the grammar"),
        ("a[1] = 1", {"w": "W"}, "the output"),
        ("a[1] = 1", {"u": "a"}, "must rename"),
        ("R = 1", {"penalty": "R"}, "'penalty'; a claim writes that quantity 'penalty' or"),
        ("J = 1", {"criterion": "J"}, "'criterion'; a claim writes that quantity J_D."),
        ("a[1] = 1", {"K": "a"}, "has no indices"),
        ("a[1] = 1", {"w": "a", "x": "a"}, "a name of its own"),
        ("a[1] = 1", {"w": "J"}, "the criterion"),
        ("Sum(a[j], a=1..2) = 1", {"w": "a"}, "an index such as"),
    ]:
        with pytest.raises(InvalidInput, match=message):
            parse_claim(text, own)
    with pytest.raises(InvalidInput, match="the name that was given to w"):
        check("penalty >= 0", linear, names={"w": "a"}, assume="w >= 0")
