"""The objects of which theorems are made: what is printed is what is checked, and no false check passes."""

from dataclasses import replace
from fractions import Fraction

import pytest

from exactdropout import theorems
from exactdropout.errors import InvalidInput
from exactdropout.notation.prose import latex_sentence
from exactdropout.notation.style import GREEK_LETTERS
from exactdropout.theorems.definitions import KEEP, OPEN_RATE, K, count, integer, p, q, quantity, real
from exactdropout.theorems.lemmas.numbered import NUMBERED
from exactdropout.theorems.lemmas.powers import BERNOULLI
from exactdropout.theorems.statements.derivation import ByLemma, Conclusion, Derivation, Exists, Hypothesis
from exactdropout.theorems.statements.lines import (
    ByAlgebra,
    ByCases,
    ByDivision,
    ByInduction,
    ByInstances,
    Definition,
    From,
    InWords,
    Line,
    part,
    say,
)
from exactdropout.theorems.statements.ranges import Variable
from exactdropout.theorems.statements.terms import apply, equal, number, symbol, symbols

x, y, z, k, c = symbols("x y z k c")
REAL = (real(x, "a number"), real(y, "a number"))
ABOVE = (real(x, "a number that is not negative", low=0, low_in=True),)

NOT_OBJECTS = 0
"""Entries whose statements and steps are typed: none, and no new one."""


def derivation(claim, reason, lines=(), quantified=REAL, **more):
    return Derivation(
        name="test", title="Test", setting=say("Numbers"), quantified=quantified,
        conclusions=(Conclusion(claim, reason),), lines=lines, **more,
    )  # fmt: skip


def line(claim, reason=None, label="line"):
    return Line(label=label, sentence=say("So {claim}."), claim=claim, reason=reason or ByAlgebra())


def test_every_entry_is_made_of_objects():
    typed = [t.id for t in theorems.catalogue() if not t.derivations]
    assert len(typed) == NOT_OBJECTS


def test_formulas_keep_their_layout():
    term = q / (2 * (K * p + 2 * q))
    assert str(term) == "q/(2 (K p + 2 q))"
    assert term.latex() == r"\frac{q}{2 (K p + 2 q)}"
    assert term.mathml().startswith("<math><mfrac><mi>q</mi>")
    assert str(-((x - 1) ** 2) + Fraction(1, 2) >= y) == "-(x - 1)^2 + 1/2 >= y"


def test_greek_names_are_letters_in_every_printer():
    for name, letter in GREEK_LETTERS.items():
        for term in (symbol(name), apply(name, x), symbol("x", symbol(name))):
            assert rf"\{name}" in term.latex()
            assert rf"\operatorname{{{name}}}" not in term.latex()
            assert letter in term.mathml()
            assert f">{name}<" not in term.mathml()
        assert latex_sentence(f"the number {name} < 1") == rf"the number $\{name} <1$"


def test_typed_formulas_are_refused():
    for typed in ("$x$", "x = 1", "x^2", "x_1", r"\frac", "x < 1", "{x}"):
        with pytest.raises(InvalidInput, match="'words'"):
            say(typed)


def test_chained_comparisons_are_refused():
    with pytest.raises(InvalidInput, match="two relations"):
        assert 0 < x < 1


def test_statement_text_and_latex_come_from_the_conclusion():
    found = derivation(equal((x + y) ** 2, x**2 + 2 * x * y + y**2), ByAlgebra())
    assert found.holds()
    assert found.text() == "Numbers: (x + y)^2 = x^2 + 2 x y + y^2"
    assert r"$(x + y)^{2} = x^{2} + 2 x y + y^{2}$" in found.statement()
    assert found.statement().split(": ")[1] in found.prove()[-1].claim


@pytest.mark.parametrize(
    "claim",
    [
        equal((x + y) ** 2, x**2 + x * y + y**2),
        equal(x, x),  # says nothing
        x**2 > 0,  # not at 0
        x**2 + x >= 0,
        equal(x / x, 1),  # not at 0
        equal((x**2 - y**2) / (x - y), x + y),
        x**3 >= 0,
        equal(c, c + 0),  # a symbol without a range
    ],
)
def test_false_or_empty_claims_fail(claim):
    assert not derivation(claim, ByAlgebra()).holds()


def test_signs_are_manifest_on_ranges_only():
    assert derivation(x**2 + x >= 0, ByAlgebra(), quantified=ABOVE).holds()
    assert not derivation(x**2 + x > 0, ByAlgebra(), quantified=ABOVE).holds()
    open_ = Variable(term=x, meaning="", low=Fraction(0), high=Fraction(1))
    closed = replace(open_, high_in=True)
    assert derivation(1 / (1 - x) > 1, ByAlgebra(), quantified=(open_,)).holds()
    assert not derivation(1 / (1 - x) > 1, ByAlgebra(), quantified=(closed,)).holds()
    assert derivation(1 - q**K > 0, ByAlgebra(), quantified=(count(K, 1, ""), OPEN_RATE)).holds()
    assert not derivation(1 - q**K > 0, ByAlgebra(), quantified=(integer(K, 0, ""), OPEN_RATE)).holds()


def test_a_divisor_that_is_zero_has_no_sign():
    nothing = Definition(c, number(0), "nothing")
    claim = x + 1 / c > 0
    assert not derivation(claim, ByAlgebra(), quantified=ABOVE, definitions=(nothing,)).holds()
    assert not derivation(1 / c > 0, ByAlgebra(), quantified=ABOVE, definitions=(nothing,)).holds()


def test_powers_need_a_positive_base_or_a_counting_exponent():
    power, counted = equal((x - 1) ** k * (x - 1), (x - 1) ** (k + 1)), integer(k, 0, "")
    assert derivation(power, ByAlgebra(), quantified=(REAL[0], counted)).holds()
    assert not derivation(power, ByAlgebra(), quantified=(REAL[0], integer(k, -1, ""))).holds()
    assert not derivation(power, ByAlgebra(), quantified=(REAL[0], real(k, "", low=0))).holds()


def test_counts_and_rates_cannot_leave_what_they_mean():
    for wrong in (
        replace(OPEN_RATE, low=Fraction(-1)),
        replace(OPEN_RATE, high_in=True),
        replace(OPEN_RATE, high=None),
    ):
        assert not derivation(q**2 >= 0, ByAlgebra(), quantified=(wrong,)).holds()
    assert not derivation(K >= 0, ByAlgebra(), quantified=(integer(K, 0, ""), count(k, 0, ""))).holds()


def test_consequences_need_signs_and_strictness():
    square = line(x**2 - 2 * x * y + y**2 >= 0, From((), plus=((x - y) ** 2,)))
    claim = x**2 + y**2 >= 2 * x * y
    assert derivation(claim, From((part("line"),)), (square,)).holds()
    assert not derivation(claim, From((part("missing"),)), (square,)).holds()
    assert not derivation(x**2 + y**2 > 2 * x * y, From((part("line"),)), (square,)).holds()
    assert not derivation(x**2 + y**2 >= 3 * x * y, From((part("line"),)), (square,)).holds()
    # a negative factor turns an inequality round
    assert not derivation(2 * x * y >= x**2 + y**2, From((part("line", -1),)), (square,)).holds()
    # an equation does not follow from an inequality
    assert not derivation(equal(x**2 + y**2, 2 * x * y), From((part("line"),)), (square,)).holds()


def test_only_auxiliary_variables_are_chosen_and_within_their_range():
    free = line((z - 1) * c >= 0, label="free")
    above = (real(z, "", low=1, low_in=True), real(c, "", low=0, low_in=True))
    claim, more = (x**2 + 1 - 1) * 1 >= 0, {"auxiliary": above}
    assert derivation(claim, From((part("free", z=x**2 + 1, c=1),)), (free,), **more).holds()
    assert not derivation(x - 1 >= 0, From((part("free", z=x, c=1),)), (free,), **more).holds()
    stated = derivation(x >= 1, From((part("line", y=x),)), (line(y >= 1, InWords()),))
    assert not stated.holds()  # y is a variable of the statement, which a line must not change


def test_division_needs_a_positive_divisor():
    lines = (line(x * y > 0, InWords(), "product"), line(y > 0, InWords(), "positive"), line(y >= 0, InWords(), "weak"))
    assert derivation(x > 0, ByDivision("positive", "product"), lines).holds()
    assert not derivation(x > 0, ByDivision("weak", "product"), lines).holds()
    assert not derivation(x < 0, ByDivision("positive", "product"), lines).holds()


def test_neither_words_nor_examples_end_a_proof_and_examples_are_not_cited():
    def cases():
        yield {x: 1, y: 1}

    words, examples = line(x >= y, InWords(), "words"), line(x >= y, ByInstances(cases, "one"), "examples")
    assert not derivation(x >= y, InWords()).holds()
    assert not derivation(x >= y, ByInstances(cases, "one")).holds()
    assert not derivation(x >= y, From((part("examples"),)), (examples,)).holds()
    found = derivation(x >= y, From((part("words"),)), (words,))
    assert found.holds()
    assert [s.method for s in found.prove()] == ["argument", "consequence"]


def test_a_case_that_is_all_that_is_claimed_is_cited():
    def one():
        yield {c: 3, k: 4}

    def two():
        yield from ({c: 3}, {c: 3})

    over = {"quantified": (), "quantities": (quantity(c, "of one network"), quantity(k, "of the same"))}
    end = From((part("line"),))
    whole = ByInstances(one, "one network", whole=True)
    assert derivation(equal(c, 3), end, (line(equal(c, 3), whole),), **over).holds()
    assert not derivation(equal(c, 4), end, (line(equal(c, 4), whole),), **over).holds()
    assert not derivation(equal(c, 3), end, (line(equal(c, 3), ByInstances(one, "one")),), **over).holds()
    assert not derivation(equal(c, 3), end, (line(equal(c, 3), replace(whole, instances=two)),), **over).holds()
    # something varies, so one case is not all
    assert not derivation(c * x > 0, end, (line(c * x > 0, whole),), **{**over, "quantified": REAL}).holds()
    assert not derivation(equal(c, 3), whole, **over).holds()  # a line may cite it, a statement does not end in it


def test_words_are_tried_on_instances_and_none_shows_nothing():
    def cases():
        yield {x: 2, y: 1}

    def none():
        yield from ()

    assert derivation(x >= y, From((part("line"),)), (line(x >= y, InWords(cases, "one")),)).holds()
    assert not derivation(x >= 3 * y, From((part("line"),)), (line(x >= 3 * y, InWords(cases, "one")),)).holds()
    assert not derivation(x >= y, From((part("line"),)), (line(x >= y, InWords(none, "none")),)).holds()


def test_inductions_check_start_and_passage():
    total, over = symbol("S"), (integer(k, 0, ""),)
    more = {"quantities": (quantity(total, ""),)}

    def by(start, following):
        return ByInduction(k, ((total, number(start)),), ((total, following),))

    good = line(equal(total, k * (k + 1) / 2), by(0, total + k + 1))
    claim, end = good.claim, From((part("line"),))
    assert derivation(claim, end, (good,), quantified=over, **more).holds()
    for wrong in (by(1, total + k + 1), by(0, total + k), by(0, total + k + 2)):
        assert not derivation(claim, end, (replace(good, reason=wrong),), quantified=over, **more).holds()
    assert not derivation(claim, end, (good,), quantified=(real(k, "", low=0, low_in=True),), **more).holds()
    assert not derivation(claim, end, (good,), quantified=(integer(k, 1, ""),), **more).holds()


@pytest.mark.parametrize(("start", "step", "holds"), [(0, 1, True), (1, 1, False), (0, 2, False)])
def test_inductions_agree_on_how_a_quantity_begins_and_goes_on(start, step, holds):
    total, zero = symbols("S Z")
    more = {"quantities": (quantity(total, ""), quantity(zero, "")), "quantified": (integer(k, 0, ""),)}
    lines = (
        line(equal(total, k), ByInduction(k, ((total, number(0)),), ((total, total + 1),)), "total"),
        line(equal(zero, 0), ByInduction(k, ((zero, number(0)),), ((zero, zero),)), "zero"),
    )
    begun, grown = ((total, number(start)), (zero, number(0))), ((total, total + step), (zero, zero))
    claim = equal(total * zero, 0)
    product = line(claim, ByInduction(k, begun, grown, parts=(part("zero", step),)))
    end = From((part("line"),))
    assert derivation(claim, end, (lines[1], product), **more).holds()  # alone, each start and passage is right
    assert derivation(claim, end, (*lines, product), **more).holds() is holds


def test_a_start_that_says_nothing_proves_nothing():
    """0 = 0 at the first number is a start, and the passage must carry the claim; the claim itself must say more."""
    total, over = symbol("S"), (integer(k, 0, ""),)
    more = {"quantities": (quantity(total, ""),)}

    def found(claim, start, following, **parts):
        by = ByInduction(k, ((total, number(start)),), ((total, following),), **parts)
        return derivation(claim, From((part("line"),)), (line(claim, by),), quantified=over, **more).holds()

    assert found(equal(total, 2 * k), 0, total + 2)
    assert not found(equal(total, 2 * k), 0, total + 3)  # 0 = 0 at the start
    assert not found(equal(total, total), 0, total + 3)
    assert not found(equal(k * total, k * total), 0, total + 3)
    assert not found(equal(0 * total, 0 * k), 0, total + 3)
    assert not found(total >= 2 * k, 0, total + 1)
    assert not found(equal(total, 2 * k), 1, total + 2)  # a start that is not 0 = 0


def test_definitions_that_depend_on_the_variable_take_part_in_the_induction():
    square = Definition(c, k**2, "")
    wrong = line(c <= 0, ByInduction(k, (), ()))  # true at k = 0; c is k^2 and grows
    assert not derivation(
        wrong.claim, From((part("line"),)), (wrong,), quantified=(integer(k, 0, ""),), definitions=(square,)
    ).holds()


def test_cases_cover_all_signs():
    scaled = equal(apply("relu", c * z), c * apply("relu", z))
    positive = (real(c, "", low=0), real(z, ""))
    assert derivation(scaled, ByCases((z,)), quantified=positive).holds()
    assert not derivation(scaled, ByCases((z,)), quantified=(real(c, ""), real(z, ""))).holds()
    assert not derivation(equal(apply("relu", z), z), ByCases((z,)), quantified=positive).holds()
    assert not derivation(scaled, ByCases((c,)), quantified=positive).holds()  # c has a range of its own


def test_lemmas_are_used_within_their_ranges_and_with_their_hypotheses():
    k_, x_ = symbols("k x")
    claim = (1 + y) ** k_ * (1 - k_ * y) <= 1
    above = (real(y, "", low=0, low_in=True), integer(k_, 0, ""))
    assert derivation(claim, ByLemma(BERNOULLI, ((x_, y),)), quantified=above).holds()
    assert not derivation(claim, ByLemma(BERNOULLI, ((x_, y),)), quantified=(real(y, "", low=-1), above[1])).holds()
    assert not derivation(claim, ByLemma(BERNOULLI, ((x_, 2 * y),)), quantified=above).holds()
    assumed = derivation(
        x**2 >= 4, From((part("two", x + 2),)), quantified=ABOVE, hypotheses=(Hypothesis("two", x >= 2),)
    )
    assert assumed.holds()
    assert not derivation(x**2 >= 4, ByLemma(assumed), quantified=ABOVE).holds()
    again = Hypothesis("again", x >= 2)
    cited = derivation(x**2 >= 4, ByLemma(assumed, (), ("again",)), quantified=ABOVE, hypotheses=(again,))
    assert cited.holds()
    assert not replace(cited, hypotheses=(Hypothesis("again", x >= 1),)).holds()


def test_a_lemma_is_about_its_own_definitions():
    right = derivation(equal(p + q, 1), ByAlgebra(), quantified=(OPEN_RATE,), definitions=(KEEP,))
    assert right.holds()
    other = replace(KEEP, value=1 + q)
    assert not derivation(equal(p + q, 1), ByLemma(right), quantified=(OPEN_RATE,), definitions=(other,)).holds()


def test_witnesses_use_only_what_stands_before_them():
    width = Variable(term=c, meaning="", low=Fraction(0), low_in=True)
    claim = c >= x
    good = derivation(claim, ByAlgebra(), quantified=(*ABOVE, Exists(variable=width, witness=x + 1)))
    assert good.holds()
    assert not replace(good, quantified=(Exists(variable=width, witness=x + 1), *ABOVE)).holds()
    assert not replace(good, quantified=(*ABOVE, Exists(variable=width, witness=x - 1))).holds()


def test_lemmas_are_numbered_in_their_order():
    assert [lemma.number for lemma in NUMBERED] == list(range(1, len(NUMBERED) + 1))
    assert len({lemma.name for lemma in NUMBERED}) == len(NUMBERED)


def test_statement_and_scope_are_given_or_made():
    with pytest.raises(InvalidInput, match="'derivations'"):
        theorems.register(id="me-1", title="t", source="s", number="1", verdict="holds", statement="x")
    with pytest.raises(InvalidInput, match="made from 'derivations'"):
        theorems.register(
            id="me-1", title="t", source="s", number="1", verdict="holds", statement="x", derivations=(BERNOULLI,)
        )
