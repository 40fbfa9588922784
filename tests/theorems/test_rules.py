"""Rules beside algebra: either value of a relu, least values on compact sets, lemmas about other quantities."""

from dataclasses import replace

import pytest

from exactdropout.theorems.definitions import KEEP, OPEN_RATE, SPREAD, lam, q, quantity, real
from exactdropout.theorems.lemmas.noise_moments import FIRST_SUM, MEAN_S, PRODUCTS, SECOND_SUM, SUM_MOMENTS
from exactdropout.theorems.statements.derivation import ByLemma, Conclusion, Derivation, Exists
from exactdropout.theorems.statements.lines import From, InWords, Line, part, say
from exactdropout.theorems.statements.ranges import Variable
from exactdropout.theorems.statements.rules import ByBijection, ByCompactness, ByEitherValue, ByVanishingSquare
from exactdropout.theorems.statements.terms import Relation, apply, equal, symbol, symbols

x, z, a, c, C, W, V, M, S = symbols("x z a c C W V M S")
relu = apply("relu", z)


def line(label, claim, reason=None):
    return Line(label=label, sentence=say("So {claim}."), claim=claim, reason=reason or InWords())


def derivation(claim, reason, lines, quantified, **more):
    return Derivation(
        name="test", title="Test", setting=say("Numbers"), quantified=quantified,
        conclusions=(Conclusion(claim, reason),), lines=lines, **more,
    )  # fmt: skip


def test_either_value_of_relu_needs_both_lines():
    both = (line("itself", x >= z), line("zero", x >= 0))
    over = (real(x, ""), real(z, ""))
    assert derivation(x >= relu, ByEitherValue(z, "itself", "zero"), both, over).holds()
    assert not derivation(x >= relu, ByEitherValue(z, "itself", "zero"), both[:1], over).holds()
    assert not derivation(x > relu, ByEitherValue(z, "itself", "zero"), both, over).holds()
    assert not derivation(x >= 2 * relu, ByEitherValue(z, "itself", "zero"), both, over).holds()
    assert not derivation(equal(x, relu), ByEitherValue(z, "itself", "zero"), both, over).holds()
    assert not derivation(x >= z, ByEitherValue(z, "itself", "zero"), both, over).holds()  # no relu in it


NETWORKS = (
    Variable(term=W, meaning="any network", kind="weights"),
    Exists(variable=Variable(term=V, meaning="some network", kind="weights")),
)
J, BEST = apply("J", W), apply("J", V)
QUANTITIES = (quantity(J, ""), quantity(a, "a coordinate"), real(C, "data", low=0, low_in=True))
TERM = line("term", equal((a - c) ** 2, a**2 - 2 * a * c + c**2))
BOUND = line("bound", a**2 <= 2 * J + C)


def least(claim=BEST <= J, term=TERM, bound=BOUND, coordinates=((a, "bound"),), quantities=QUANTITIES):
    return derivation(
        claim, ByCompactness("term", coordinates), (term, bound), NETWORKS,
        quantities=quantities, auxiliary=(real(c, "a label"),),
    )  # fmt: skip


def test_a_least_value_is_attained_where_all_coordinates_are_bounded():
    assert least().holds()
    assert "some V" in least().scope()
    proof = least().prove()
    assert proof[-1].method == "rule"
    assert "Weierstrass" in proof[-1].detail


@pytest.mark.parametrize(
    "claim",
    [
        J <= BEST,
        BEST < J,
        BEST <= 2 * J,
        equal(BEST, J),
        BEST >= J,
        Relation(BEST, "<=", apply("R", W)),
        Relation(BEST, "<=", BEST),
    ],
)
def test_the_rule_claims_no_more_than_a_least_value(claim):
    assert not least(claim).holds()


@pytest.mark.parametrize(
    "bound",
    [
        a**2 >= 2 * J + C,
        -(a**2) <= J,
        a**3 <= J,
        a**2 <= J**2 - J,
        a * c <= J,
        a**2 <= 2 * J + M,  # M is a number of the network
        (C - 1) * a**2 <= J,
        equal(a**2, J),
    ],
)
def test_each_coordinate_needs_a_bound(bound):
    more = (*QUANTITIES, quantity(M, "a number of the network"))
    assert not least(bound=replace(BOUND, claim=bound), quantities=more).holds()


def test_continuity_is_needed():
    for wrong in (equal(a**2, 1 / (1 + a**2)), equal(a**2, apply("sign", a)), equal(a**2, M * a)):
        more = (*QUANTITIES, quantity(M, "another number of the network"))
        assert not least(term=replace(TERM, claim=wrong), quantities=more).holds()
    assert least(term=replace(TERM, claim=equal(a**2, a * apply("relu", a - c) + C))).holds()
    assert not least(coordinates=()).holds()


def test_weights_without_a_formula_must_be_given_by_the_rule():
    assert not derivation(J >= C, InWords(), (), NETWORKS, quantities=QUANTITIES).holds()
    assert not derivation(J >= C, From((part("c"),)), (line("c", J >= C),), NETWORKS, quantities=QUANTITIES).holds()


def test_lemmas_of_other_quantities_are_tried():
    def right():
        yield {M: 7, S: 3, q: 0}

    def wrong():
        yield {M: 8, S: 3, q: 0}

    total = symbol("T")
    names = ((MEAN_S, M), (FIRST_SUM, S))
    more = {"quantities": tuple(quantity(v, "") for v in (M, S, total)), "definitions": (KEEP, SPREAD)}
    over = (OPEN_RATE,)

    def cited(claim, names, tried):
        return derivation(claim, ByLemma(SUM_MOMENTS, renamed=names, tried=tried, described="one"), (), over, **more)

    def three():
        yield {M: 3, S: 3}

    assert cited(equal(M, S), names, three).holds()
    assert not cited(equal(M, S), names, right).holds()
    assert not cited(equal(M, S), names, None).holds()
    assert not cited(equal(M, S), ((MEAN_S, M), (FIRST_SUM, q)), three).holds()  # q is no quantity
    assert not cited(equal(M, S**2 + lam * PRODUCTS), ((SECOND_SUM, S),), wrong).holds()


P, Q = symbols("P Q")
JW, JV, RW, RV = (apply(f, *at) for f in "JR" for at in ((W, P), (V, Q)))
MOVED = (quantity(JW, ""), quantity(JV, ""), quantity(RW, ""), quantity(RV, ""))


RIGHT = {
    "claim": equal(apply("aversion", Q), c * apply("aversion", P)),
    "criterion": equal(JV, c * JW),
    "risk": equal(RV, c * RW),
    "there": equal(x * a * (1 / a), x),
    "back": equal(x * (1 / a) * a, x),
}


def moved(**wrong):
    claim, *claims = {**RIGHT, **wrong}.values()
    lines = tuple(line(label, found) for label, found in zip("JRtb", claims, strict=True))
    over = (NETWORKS[0], real(c, "", low=0), real(a, "", low=0))
    more = (quantity(apply("aversion", P), ""), quantity(apply("aversion", Q), ""), quantity(S, ""))
    return derivation(
        claim, ByBijection(*"JRtb"), lines, over, quantities=(*MOVED, *more), auxiliary=(real(x, ""),)
    )  # fmt: skip


def test_a_bijection_moves_the_aversion():
    assert moved().holds()
    assert moved().prove()[-1].method == "rule"


@pytest.mark.parametrize(
    "wrong",
    [
        {"claim": equal(apply("aversion", P), c * apply("aversion", Q))},  # the other way round
        {"claim": equal(apply("aversion", Q), c**2 * apply("aversion", P))},
        {"claim": apply("aversion", Q) <= c * apply("aversion", P)},
        {"claim": equal(apply("aversion", Q), S * apply("aversion", P))},  # a factor that depends on the network
        {"criterion": equal(JV, 2 * c * JW)},
        {"criterion": c * JW >= JV},
        {"risk": equal(RV, RW)},
        {"risk": equal(RW, c * RV)},
        {"there": equal(x * a * a, x)},
        {"back": equal(x * (2 / a) * a, x)},
        {"back": equal(a * x, x)},
        {"there": x * a * (1 / a) <= x, "back": x * (1 / a) * a <= x},
    ],
)
def test_a_bijection_needs_one_factor_and_an_inverse(wrong):
    assert not moved(**wrong).holds()


def test_a_bijection_needs_a_positive_factor():
    criterion, risk = (equal(new, -c * old) for new, old in ((JV, JW), (RV, RW)))
    claim = equal(apply("aversion", Q), -c * apply("aversion", P))
    assert not moved(claim=claim, criterion=criterion, risk=risk).holds()


def test_a_square_that_is_not_positive_vanishes():
    over = (real(x, ""), real(z, ""), real(c, "", low=0))

    def vanishing(claim, found):
        return derivation(claim, ByVanishingSquare("square"), (line("square", found),), over).holds()

    assert vanishing(equal(x, z), c * (x - z) ** 2 <= 0)
    assert vanishing(equal(x, 0), x**2 <= 0)
    assert not vanishing(equal(x, z), -c * (x - z) ** 2 <= 0)
    assert not vanishing(equal(x, z), z * (x - z) ** 2 <= 0)
    assert not vanishing(equal(x, z), (x - z) ** 2 <= 1)
    assert not vanishing(equal(x, z), (x - z) ** 3 <= 0)
    assert not vanishing(equal(x, z), equal((x - z) ** 2, 0))
    assert not vanishing(x >= z, (x - z) ** 2 <= 0)
    assert not vanishing(equal(x, 2 * z), (x - z) ** 2 <= 0)
