"""Derivatives and limits: read as written, evaluated at points in exact series, proved by formal rules."""

from fractions import Fraction as F

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from exactdropout.claims import check, parse_claim
from exactdropout.claims.language.parser import read_claim
from exactdropout.claims.setting.series import Series
from exactdropout.claims.setting.setting import surroundings
from exactdropout.claims.verifier.algebra import ONE, NotReplayed, Ratio, gen, plus, scaled, times, to_power
from exactdropout.claims.verifier.calculus import limit_of, put_back, slope_of
from exactdropout.claims.verifier.rules import Signs
from exactdropout.errors import InvalidInput

LINEAR = "K-1, no biases"
SLOPE = r"\frac{\partial J_D}{\partial w_i} = -2 x_i \left( y - \sum_j w_j x_j \right) + 2 \frac{q}{p} w_i x_i^2"
RATE = r"\frac{1}{p^2} \sum_{i=1}^K w_i^2 x_i^2"


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        (rf"\frac{{\partial J_D}}{{\partial q}} = {RATE}", "diff(J_D, q) = 1/p^2*Sum(w[i]^2*x[i]^2, i=1..K)"),
        (rf"\frac{{d}}{{dq}} J_D = {RATE}", "diff(J_D, q) = 1/p^2*Sum(w[i]^2*x[i]^2, i=1..K)"),
        (rf"\frac{{\mathrm{{d}} J_D}}{{\mathrm{{d}} q}} = {RATE}", "diff(J_D, q) = 1/p^2*Sum(w[i]^2*x[i]^2, i=1..K)"),
        (rf"\partial_q J_D = {RATE}", "diff(J_D, q) = 1/p^2*Sum(w[i]^2*x[i]^2, i=1..K)"),
        (rf"dJ_D/dq = {RATE}", "diff(J_D, q) = 1/p^2*Sum(w[i]^2*x[i]^2, i=1..K)"),
        ("dVar[D]/dq = 1", "diff(Var[D], q) = 1"),
        ("dpenalty/dw[1] = 2", "diff(penalty, w[1]) = 2"),
        (r"\frac{\partial^2 J_D}{\partial w_1 \partial w_2} = 2", "diff(diff(J_D, w[1]), w[2]) = 2"),
        (r"\frac{\partial^{2} J_D}{\partial w_1^2} = 2", "diff(diff(J_D, w[1]), w[1]) = 2"),
        (r"\nabla_w J_D = 2 y x", "diff(J_D, w[i]) = 2*y*x[i]"),
        (r"\lim_{q \to 0} J_D = R", "lim(J_D, q -> 0) = R"),
        (r"\lim_{q \to 0^+} p J_D = R", "lim(p*J_D, q -> 0^+) = R"),
        (r"\lim\limits_{q \rightarrow 1} J_D + 1 = R", "lim(J_D, q -> 1) + 1 = R"),
        (r"J_D \to R \text{ as } q \to 0", "lim(J_D, q -> 0) = R"),
        ("J_D -> R as q -> 0", "lim(J_D, q -> 0) = R"),
        (r"\lim_{K\to\infty} J_D = R", "lim(J_D, K -> infty) = R"),
    ],
)
def test_what_authors_write_is_read(written, plain):
    claim = read_claim(written, None, surroundings(LINEAR, None, None))
    assert str(claim) == plain
    assert parse_claim(plain) == claim
    assert parse_claim(claim.latex()) == claim
    assert "<math" in claim.mathml()


@pytest.mark.parametrize(
    ("claim", "arch", "options", "status"),
    [
        (SLOPE, LINEAR, {}, "proved"),
        (SLOPE.replace(r"2 \frac{q}", r"\frac{q}"), LINEAR, {}, "refuted"),
        (SLOPE.replace("-2", "2"), LINEAR, {}, "refuted"),
        (r"\nabla_w J_D = 2 (w^\top x - y) x + 2\frac{q}{p} \mathrm{diag}(x \odot x) w", LINEAR, {}, "proved"),
        (r"\nabla_w J_D = 0", LINEAR, {"data": "point(1, y)", "assume": "w = p*y/(1 + (K-1)*p)"}, "proved"),
        (r"\nabla_w J_D = 0", LINEAR, {"data": "point(1, y)", "assume": "w = y/(1 + (K-1)*p)"}, "refuted"),
        (r"\frac{\partial J_D}{\partial w_1} = 0 \text{ if } w_1 = p y/x_1", "1-1, no biases", {}, "proved"),
        (r"\frac{\partial J_D}{\partial w_1} = 0 \text{ if } w_1 = y/x_1", "1-1, no biases", {}, "refuted"),
        (rf"dJ_D/dq = {RATE}", LINEAR, {}, "proved"),
        (rf"dJ_D/dq = {RATE}".replace("p^2", "p"), LINEAR, {}, "refuted"),
        ("diff(Var[D], p) = -1/p^2*Sum(w[i]^2*x[i]^2, i=1..K)", LINEAR, {}, "proved"),
        ("dJ_D/dq > 0", LINEAR, {}, "refuted"),
        (r"\frac{\partial^2 J_D}{\partial w_i^2} = \frac{2}{p} x_i^2", LINEAR, {}, "proved"),
        (r"\frac{\partial^2 J_D}{\partial w_1^2} = \frac{1}{p} x_1^2", LINEAR, {}, "refuted"),
        (r"\frac{\partial^2 J_D}{\partial w_1 \partial w_2} = 2 x_1 x_2", LINEAR, {"assume": "K >= 2"}, "proved"),
        (r"\frac{\partial J_D}{\partial q} = \frac{1}{p^2} \sum_j w_j^2 \mathrm{relu}(\sum_i W_{ji} x_i)^2",
         "K-n-1 relu, no biases", {"q": "0, q"}, "proved"),
        (r"m \frac{\partial J_D}{\partial w_i} = 2\sum_{s} X_{si}(\sum_j X_{sj}w_j - y_s)"
         r" + 2\frac{q}{p} w_i \sum_s X_{si}^2",
         LINEAR, {"data": "design(X, y)"}, "proved"),
        (r"\lim_{q \to 0} J_D = R", "2-1-1 relu, no biases", {}, "proved"),
        (r"\lim_{q \to 0} \frac{\text{penalty}}{q} = \sum_i w_i^2 x_i^2", LINEAR, {}, "proved"),
        (r"\lim_{q \to 1} p J_D = \sum_i w_i^2 x_i^2", LINEAR, {}, "proved"),
        (r"\lim_{q \to 1} p J_D = 0", LINEAR, {}, "refuted"),
        (r"\lim_{q \to 1/2} Var[D] = \sum_i w_i^2 x_i^2", LINEAR, {}, "proved"),
        (r"\lim_{n\to\infty} \frac{\mathrm{Var}[D]}{W(x)^2} = \frac{q}{pK}", "K-n-1 linear, no biases",
         {"data": "point(1,y)", "assume": "weights = c"}, "proved"),
        ("dJ_D/dw[1] = 2*x[1]", "2-1-1 relu, no biases", {}, "refuted"),
    ],
)  # fmt: skip
def test_claims(claim, arch, options, status):
    verdict = check(claim, arch, **options)
    assert verdict.status == status
    assert (verdict.proof is not None) == (status == "proved")


@pytest.mark.parametrize(
    ("claim", "options", "told"),
    [
        ("diff(J_D, w[i]) = w[1]", {}, r"w\[1\] is one unit"),
        ("diff(J_D, w[i]) = 2*x[i]*i", {}, "an index stands as a number"),
        ("diff(J_D, w[i]) = x[i]", {"data": "point((1, 2), y)"}, "given one by one"),
        ("diff(J_D, w[i]) = x[i]", {"assume": "w[1] > 0"}, r"an assumption names w\[1\]"),
        ("diff(diff(J_D, w[i]), w[j]) = 2*x[i]*x[j]", {}, "over the same units"),
        (r"\frac{\partial^3 J_D}{\partial w_1^3} = 0", {}, "higher order"),
        (r"\lim_{q \to -\infty} J_D = 0", {}, "to a number or to infinity"),
        (r"\infty > J_D", {}, "a quantity or a symbol is expected"),
        (r"\nabla J_D = 0", {}, "names what is varied"),
        ("J_D -> R", {}, "as q -> 0"),
    ],
)
def test_what_is_not_read_says_why(claim, options, told):
    with pytest.raises(InvalidInput, match=told):
        check(claim, LINEAR, **options)


def test_a_derivative_at_a_kink_is_no_counterexample_and_no_proof():
    verdict = check("diff(relu(c), c) = 1 + 0*J_D if c = 0", "1-1, no biases")
    assert verdict.status == "undecided"


series = st.builds(
    lambda low, coefficients: Series.made(low, [F(c) for c in coefficients], 6),
    st.integers(-2, 2), st.lists(st.integers(-3, 3), max_size=4),
)  # fmt: skip


def polynomial(item, e):
    return sum(sympy.Rational(c) * e ** (item.low + k) for k, c in enumerate(item.coefficients))


@settings(max_examples=40, deadline=None)
@given(series, series)
def test_series_are_what_sympy_says(a, b):
    e = sympy.Symbol("e")
    for found, value in ((a + b, polynomial(a, e) + polynomial(b, e)), (a * b, polynomial(a, e) * polynomial(b, e))):
        expanded = sympy.expand(value)
        for power in range(-4, min(found.end, 6)):
            assert found.coefficient(power) == F(str(expanded.coeff(e, power)))
    if b.coefficients:
        one = b * b.inverse()
        assert [one.coefficient(k) for k in range(2)] == [1, 0]


NAMES = ("t'", "a", "b")
polynomials = st.dictionaries(
    st.tuples(*(st.integers(0, 2) for _ in NAMES)).map(
        lambda powers: tuple((n, p) for n, p in sorted(zip(NAMES, powers, strict=True)) if p)
    ),
    st.integers(-3, 3).filter(bool).map(F),
    min_size=1, max_size=3,
)  # fmt: skip


def expression(value):
    symbols = {name: sympy.Symbol(name.strip("'")) for name in NAMES}

    def part(a):
        terms = (sympy.Rational(v) * sympy.prod(symbols[n] ** p for n, p in m) for m, v in a.items())
        return sum(terms, sympy.Integer(0))

    return part(value.top) / ((1 + symbols["t'"]) ** value.keep * part(value.bottom))


@settings(max_examples=40, deadline=None)
@given(polynomials, st.integers(-1, 2), polynomials, st.sampled_from(NAMES))
def test_slopes_are_what_sympy_says(top, keep, bottom, name):
    value = Ratio(top, keep, bottom)
    symbol = sympy.Symbol(name.strip("'"))
    factor = (1 + symbol) ** 2 if name == "t'" else 1
    expected = sympy.diff(expression(value), symbol) * factor
    assert sympy.cancel(sympy.together(expression(slope_of(value, name, Signs())) - expected)) == 0


@settings(max_examples=40, deadline=None)
@given(polynomials, st.integers(-1, 2), polynomials, st.sampled_from((F(0), F(1), None)))
def test_limits_are_what_sympy_says(top, keep, bottom, to):
    value, t = Ratio(top, keep, bottom), sympy.Symbol("t")
    signs = Signs(set(NAMES), set(NAMES))
    try:
        found = limit_of(value, "t'", to, signs)
    except NotReplayed:
        return
    plain = {sympy.Symbol(name): sympy.Rational(5, 7 - k) for k, name in enumerate("ab")}
    expected = sympy.limit(expression(value).subs(plain), t, sympy.oo if to is None else sympy.Rational(to), "+")
    assert sympy.nsimplify(expression(found).subs(plain) - expected) == 0


def test_side_conditions_of_the_rules():
    signs = Signs({"t'", "a"}, {"a"})
    bent = signs.relu(plus(gen("b"), scaled(gen("c"), F(-1))))
    with pytest.raises(NotReplayed, match="a relu that moves"):
        slope_of(Ratio(bent), "b", signs)
    assert slope_of(Ratio(times(bent, gen("a"))), "a", signs).top == bent
    with pytest.raises(NotReplayed, match="finite"):
        limit_of(Ratio(gen("a"), 0, gen("t'")), "t'", F(0), signs)
    with pytest.raises(NotReplayed, match="divisor that may vanish"):
        limit_of(Ratio(gen("a"), 0, plus(gen("b"), gen("t'"))), "t'", F(0), signs)
    with pytest.raises(NotReplayed, match="a relu that moves"):
        limit_of(Ratio(bent), "b", F(0), signs)


def test_a_variable_is_put_back():
    value = Ratio(plus(to_power(gen("v'"), 2), ONE), 1, plus(gen("v'"), ONE))
    found = put_back(value, "v'", Ratio(gen("a"), 0, gen("b")))
    a, b, t = sympy.symbols("a b t")
    assert sympy.cancel(expression(found) - ((a / b) ** 2 + 1) / ((1 + t) * (a / b + 1))) == 0


@pytest.mark.parametrize("at", ["q -> 0^-", "q -> 2", "q -> 1^+", "p -> 0^-", "p -> 1^+", r"q \to \infty", "q -> -1"])
def test_limits_where_no_drop_probability_is_are_refused(at):
    with pytest.raises(InvalidInput, match="where no drop probability is"):
        check(rf"\lim_{{{at}}} penalty = 0", "K-1, no biases")


@pytest.mark.parametrize("claim", ["diff(J_D, q)", "lim(J_D, q -> 0)", "diff(J_D, y)"])
def test_a_map_of_given_inputs_moves_them_under_a_derivative_too(claim):
    """The inputs of the data were put back before the derivative: true claims were refuted."""
    around = f"{claim} is invariant under w -> 2*w, x -> x/2", "3-1, no biases"
    assert check(*around, data="point(1, y)").status == "proved"
    assert (
        check(f"{claim} is invariant under w -> 2*w, x -> x/3", "3-1, no biases", data="point(1, y)").status != "proved"
    )
