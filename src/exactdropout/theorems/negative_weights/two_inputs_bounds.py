r"""Two inputs, one hidden layer without biases, large q, as statements: a width gains exactly if S(n, p) > 0.

With h_i the product of a unit and its output weight, on the masks (1, 0), (0, 1), (1, 1) with probabilities pq, pq, p²,
and any vector ρ on these masks,

    J_D ≥ q² + 2⟨ρ, 1⟩ − ‖ρ‖² − Σ_i max_h (2⟨ρ, h⟩ − λ ‖h‖²),    λ = q/p,

the maximum over the units of the kind of unit i. Four vectors ρ, one for each kind of units beside common ones, give
T_n less a positive multiple of a polynomial; :mod:`.two_inputs` says where each is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cache
from typing import Any

from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.theorems.definitions import KEEP, OPEN_RATE, SPREAD, count, lam, n, p, q, quantity, real
from exactdropout.theorems.statements.derivation import ByLemma, Conclusion, Derivation, Hypothesis
from exactdropout.theorems.statements.lines import Definition, From, Instances, InWords, Line, part, say
from exactdropout.theorems.statements.ranges import Variable
from exactdropout.theorems.statements.terms import Relation, Term, apply, equal, symbol, symbols

__all__ = [
    "BOUNDS",
    "CASES",
    "FIRST",
    "LARGE_RATE",
    "LEAST_VALUE",
    "PAIR",
    "PAIR_FREE",
    "RATE",
    "SINGLE",
    "SINGLE_FREE",
    "SWITCH",
    "WIDE",
    "T",
    "norm",
]

F = Fraction
FIRST = 8
RATE = F(7195, 10**4)
"""The theorem is for n ≥ FIRST and q ≥ RATE; below, :mod:`.width_thresholds` has the answer."""

SINGLE = (
    n**3 * p**5
    + n**2 * p**3 * (2 + p - 5 * p**2)
    - n * p * (1 - 2 * p + 6 * p**2 + 4 * p**3 - 8 * p**4)
    - (1 - p + 2 * p**2 - 4 * p**3 - 4 * p**4 + 4 * p**5)
)
"""S > 0: one unit (f, 0, 0) and n − 1 common ones are below T_n."""
SINGLE_FREE = n * (n - 1) * p**3 - (1 - p**2)
"""The same for one mixed unit with free t, where the best t is not negative."""
PAIR = n**2 * p**4 + 2 * n * p**2 * (1 - 2 * p**2) - (1 + 4 * p**2 + 2 * p**3 - 3 * p**4)
"""Two mixed units (f, 0, 0), (0, f, 0)."""
PAIR_FREE = n * (n - q) * p**3 - (1 - p**2) * (1 + p * q)
SWITCH = n**2 * p**2 * (1 - p) - n * p**2 * (4 - 3 * p) - (1 - 4 * p**2 + 2 * p**3)
"""Not negative exactly where the best t of a single mixed unit is 0."""

a, b, f, g, t, x, y, T, S, P = symbols("a b f g t x y T S P")
S_FREE, P_FREE = (symbol(name, "f") for name in "SP")
R = tuple(symbol("rho", place) for place in (1, 2, 3))
J, GAINS, BASE = symbols("J G B")
D_COMMON, D_MIXED = (symbol("D", kind) for kind in ("c", "m"))
WIDE = count(n, FIRST, "the number of hidden units")
LARGE_RATE = Variable(kind="rate", term=q, meaning="the drop probability", low=RATE, high=F(1), low_in=True)
LEAST_VALUE = Definition(
    T, 1 - 2 * p / ((1 + p) * (1 + lam / n)), "the minimum over weights that are not negative",
    equal(1 - T, 2 * p / ((1 + p) * (1 + lam / n))),
)  # fmt: skip


def norm(one: tuple[Term, ...]) -> Term:
    """Return ‖x‖²."""
    return p * q * (one[0] ** 2 + one[1] ** 2) + p**2 * one[2] ** 2


def _without_units(rho: tuple[Term, ...]) -> Term:
    """Return q² + 2⟨ρ, 1⟩ − ‖ρ‖²."""
    return q**2 + 2 * (p * q * (rho[0] + rho[1]) + p**2 * rho[2]) - norm(rho)


def _common(one: Term, two: Term) -> Term:
    """Return the largest gain of a common unit, for the products of ρ with (1, 0, 1) and (0, 1, 1)."""
    return (one**2 - 2 * p * one * two + two**2) / (lam * p * (1 - p**2))


_PRODUCTS = (
    Definition(x, p * q * R[0] + p**2 * R[2], "the product of the vector with (1, 0, 1)"),
    Definition(y, p * q * R[1] + p**2 * R[2], "that with (0, 1, 1)"),
)
_VECTOR = tuple(real(entry, "an entry of a vector on the masks that keep an input") for entry in R)
_A, _B = (a - (x - p * y) / (lam * p * (1 - p**2)), b - (y - p * x) / (lam * p * (1 - p**2)))

COMMON = Derivation(
    name="common-gain",
    title="What a common unit gains",
    supporting=True,
    setting=say("A unit with weights that are not negative, on the masks of the first, the second and both inputs"),
    quantified=(OPEN_RATE, *_VECTOR, real(a, "its value where one input is kept"), real(b, "where the other is")),
    definitions=(KEEP, SPREAD, *_PRODUCTS),
    conclusions=(
        Conclusion(
            2 * (p * q * (R[0] * a + R[1] * b) + p**2 * R[2] * (a + b))
            - lam * (p * q * (a**2 + b**2) + p**2 * (a + b) ** 2)
            <= _common(x, y),
            From((), plus=(lam * p * (_A + p * _B) ** 2, lam * p * (1 - p**2) * _B**2)),
        ),
    ),
)  # fmt: skip
MIXED = Derivation(
    name="mixed-gain",
    title="What a mixed unit gains at most",
    supporting=True,
    setting=say("A unit that is {0}, 0 and {1} on these masks", f, g),
    quantified=(OPEN_RATE, *_VECTOR, real(f, "its value where the first input is kept"), real(g, "where both are")),
    definitions=(KEEP, SPREAD),
    conclusions=(
        Conclusion(
            2 * (p * q * R[0] * f + p**2 * R[2] * g) - lam * (p * q * f**2 + p**2 * g**2)
            <= (p * q * R[0] ** 2 + p**2 * R[2] ** 2) / lam,
            From((), plus=(p * q / lam * (lam * f - R[0]) ** 2, p**2 / lam * (lam * g - R[2]) ** 2)),
        ),
    ),
)
_VALUE = real(f, "the size of its value where one input is kept", low=0, low_in=True)
_SHARE = real(t, "its value where both are kept, over this", low=0, low_in=True)
_FIRST = real(R[0], "the first entry", low=0, low_in=True)


def _edge(sign: int) -> Relation:
    """Return that a unit (f, 0, t f) times a sign gains at most p q ρ₁²/λ."""
    product = 2 * f * (p * q * R[0] + p**2 * R[2] * t)
    square = lam * (p * q * f**2 + p**2 * (t * f) ** 2)
    return (product if sign > 0 else -product) - square <= p * q * R[0] ** 2 / lam


EDGE = Derivation(
    name="edge-gain",
    title="Less, where the last entry is not positive",
    supporting=True,
    setting=say("A mixed unit with positive output weight"),
    quantified=(OPEN_RATE, _FIRST, real(R[2], "the last entry"), _VALUE, _SHARE),
    definitions=(KEEP, SPREAD),
    hypotheses=(Hypothesis("last", R[2] <= 0),),
    conclusions=(
        Conclusion(
            _edge(1),
            From(
                (part("last", 2 * p**2 * t * f),),
                plus=(p * q / lam * (lam * f - R[0]) ** 2, lam * p**2 * t**2 * f**2),
            ),
        ),
    ),
)
EDGE_BELOW = Derivation(
    name="edge-gain-below",
    title="The same with a negative output weight",
    supporting=True,
    setting=say("A mixed unit with negative output weight"),
    quantified=(OPEN_RATE, _FIRST, real(R[2], "the last entry"), _VALUE, _SHARE),
    definitions=(KEEP, SPREAD),
    hypotheses=(Hypothesis("share", t <= 1), Hypothesis("sum", q * R[0] + p * R[2] >= 0)),
    conclusions=(
        Conclusion(
            _edge(-1),
            From(
                (part("share", 2 * f * p * q * R[0]), part("sum", 2 * f * p * t)),
                plus=(p * q * R[0] ** 2 / lam, lam * (p * q * f**2 + p**2 * (t * f) ** 2)),
            ),
        ),
    ),
)


def _residual_network(rho: tuple[Term, ...], several: int) -> tuple[dict[Term, F], Network, Sequence[tuple[F, ...]]]:
    """Return 8 units at q = 3/4 with residual ρ, one or two of them mixed, and the values of the units on the masks."""
    rate = F(3, 4)
    given = {n: F(FIRST), q: rate, p: 1 - rate}
    first, second, last = (1 - entry.value(given) for entry in rho)
    two = second if several == 1 else last / 2
    one = last - two
    others, kept = FIRST - several, 1 - rate
    shared, single = (one / others, two / others, last / others), first - one
    mixed = [(single, F(0), F(0)), (F(0), single, F(0))][:several]
    rows = [[kept * w for w in shared[:2]]] * others + [
        [kept * single * s for s in signs] for signs in _SIGNS[:several]
    ]
    return given, Network([rows, [1] * FIRST]), [shared] * others + mixed


_SIGNS = ((1, -1), (-1, 1))


@cache
def _criterion(several: int) -> F:
    rho = RHO["single" if several == 1 else "pair"]
    network = _residual_network(rho, several)[1]
    return F(naive_evaluation(network, Examples.point((1, 1), 1), (F(3, 4), F(3, 4))).criterion)


def _tried(name: str, several: int) -> Instances:
    """Return the criterion of one network by the double loop, and what its units gain with the vector of a name."""

    def found() -> Iterator[Mapping[Term, Any]]:
        given, _, units = _residual_network(RHO["single" if several == 1 else "pair"], several)
        entries = [entry.value(given) for entry in RHO[name]]
        kept, rate = given[p], given[q]
        chances = (kept * rate, kept * rate, kept**2)
        gains = sum(
            (
                c * (2 * r * h - rate / kept * h**2)
                for unit in units
                for c, r, h in zip(chances, entries, unit, strict=True)
            ),
            F(0),
        )
        yield {n: FIRST, q: rate, J: _criterion(several), GAINS: gains}

    return found


_DONE = "double loop over 1,024 masks: 8 units, q = 3/4"


def _case(
    name: str, title: str, words: str, found: tuple[Term, Term], *, edge: bool, several: int, factor: Term
) -> Derivation:
    """Return the statement that with this many mixed units J_D ≥ T_n where a polynomial is not positive.

    Args:
        name, title, words: the name of the vector, how the statement is called, and the kind of its mixed units.
        found: the polynomial, and its name.
        edge: whether mixed units gain p q ρ₁²/λ at most.
        several: the number of mixed units.
        factor: T_n less the bound is this times the polynomial.
    """
    mixed = p * q * R[0] ** 2 / lam if edge else (p * q * R[0] ** 2 + p**2 * R[2] ** 2) / lam
    bound = (n - several) * D_COMMON + (D_MIXED if several == 1 else several * D_MIXED)
    tried = InWords(_tried(name, several), _DONE)
    polynomial, named = found
    at_the_edge = Line(
        label="edge",
        sentence=say("As the last entry is not positive, a mixed unit gains no more than this: {claim}."),
        claim=_edge(1),
        reason=ByLemma(EDGE, (), ("last",)),
    )
    return Derivation(
        name=f"two-inputs-{name}",
        title=title,
        supporting=name != "single",
        setting=say(words),
        quantified=(WIDE, LARGE_RATE),
        definitions=(
            KEEP, SPREAD, LEAST_VALUE,
            *(Definition(entry, value, "an entry of the vector") for entry, value in zip(R, RHO[name], strict=True)),
            *_PRODUCTS,
            Definition(BASE, _without_units(R), "the bound without units"),
            Definition(D_COMMON, _common(x, y), "the most that a common unit gains"),
            Definition(D_MIXED, mixed, "the most that a mixed unit gains"),
            Definition(named, polynomial, "the polynomial that decides"),
        ),
        hypotheses=(
            Hypothesis("polynomial", named <= 0),
            *((Hypothesis("last", R[2] <= 0),) if edge else ()),
        ),
        quantities=(
            quantity(J, "the criterion of any such network"),
            quantity(GAINS, "the sum of what its units gain with the vector"),
        ),
        auxiliary=(_VALUE, _SHARE) if edge else (),
        lines=(
            Line(
                label="dual",
                sentence=say("Squares lie above their tangents: {claim}."),
                claim=J >= BASE - GAINS,
                reason=tried,
            ),
            *((at_the_edge,) if edge else ()),
            Line(
                label="gains",
                sentence=say("By the gains of common and mixed units {claim}."),
                claim=GAINS <= bound,
                reason=tried,
            ),
            Line(
                label="value",
                sentence=say("The vector is such that {claim}."),
                claim=equal(BASE - bound, T - factor * named),
            ),
        ),
        conclusions=(
            Conclusion(J >= T, From((part("dual"), part("gains"), part("value"), part("polynomial", factor)))),
        ),
    )  # fmt: skip


_BIG, _EDGE = n * p + 1 - 2 * p, n * p + 1 - p - p**2
_UNIT = n * p + q
_FREE = n * p * (1 + p * q) + 1 - p - 2 * p**2 + p**3
_BOTH = n * p * (1 + p**2) + 1 - 2 * p - p**2 - 2 * p**3
_BOTH_FREE = n * p * (1 + 2 * p - p**2) + 1 - 3 * p**2 + 2 * p**3
_TOP = q * p**2 / ((1 + p) * _UNIT)
_LOWER = q * (1 + 3 * p - 2 * p**2 - n * p * q)
_SCALE, _SCALE_FREE = q * (n * p**2 + 1 - 2 * p**2) / _EDGE, q * (n * p**2 + 1 + p * q) / _FREE
RHO: dict[str, tuple[Term, Term, Term]] = {
    "single": (_SCALE, _SCALE * _UNIT / _BIG, -q * SWITCH / (_BIG * _EDGE)),
    "single-free": (_SCALE_FREE * _BIG / _UNIT, _SCALE_FREE, -q * SWITCH / (_UNIT * _FREE)),
    "pair": (*(q * (n * p**2 + 1 - 3 * p**2) / _BOTH,) * 2, _LOWER / _BOTH),
    "pair-free": (*(q * (n * p**2 + 1 + 2 * p - p**2) / _BOTH_FREE,) * 2, _LOWER / _BOTH_FREE),
}
"""The vectors, by the kinds of mixed units; ``free`` where the last entry is positive."""
CASES = (
    _case(
        "single", "One mixed unit", "One mixed unit", (SINGLE, S), edge=True, several=1,
        factor=_TOP / (_BIG * _EDGE),
    ),
    _case(
        "single-free", "One mixed unit, the last entry positive", "The same, the second vector",
        (SINGLE_FREE, S_FREE), edge=False, several=1, factor=_TOP / _FREE,
    ),
    _case(
        "pair", "Two mixed units", "Two mixed units, one for each input", (PAIR, P), edge=True, several=2,
        factor=2 * _TOP / _BOTH,
    ),
    _case(
        "pair-free", "Two mixed units, the last entry positive", "The same, the second vector",
        (PAIR_FREE, P_FREE), edge=False, several=2, factor=2 * _TOP / _BOTH_FREE,
    ),
)  # fmt: skip
_POLYNOMIAL = Definition(S, SINGLE, "the polynomial of one mixed unit")
FEWER = Derivation(
    name="two-inputs-fewer",
    title="Where one mixed unit gains nothing, two gain nothing",
    supporting=True,
    setting=say("The polynomials of one and of two mixed units"),
    quantified=(WIDE, LARGE_RATE),
    definitions=(KEEP, _POLYNOMIAL, Definition(P, PAIR, "that of two mixed units")),
    hypotheses=(Hypothesis("single", S <= 0),),
    conclusions=(
        Conclusion(
            P <= 0,
            From(
                (part("single", 1 / _UNIT),),
                plus=(p**2 * (2 * n * p**2 + 2 + n * p**3 + 2 * p - p**2 - p**3) / _UNIT,),
            ),
        ),
    ),
)

A_BEST, B_BEST, F_BEST = symbols("A B F")
J_OF, J_BEST = apply("J", a, b, f), apply("J", A_BEST, B_BEST, F_BEST)


def _sums() -> Iterator[Mapping[Term, Any]]:
    """Yield J_D by the double loop of common units with given sums and one mixed unit."""
    for width, rate in ((2, F(1, 2)), (3, F(3, 4))):
        kept, others = 1 - rate, width - 1
        for one, two, last in ((F(1), F(1, 2), F(1, 3)), (F(1, 2), F(2), F(1)), (F(0), F(1), F(1, 2))):
            rows = [[kept * one / others, kept * two / others]] * others + [[kept * last, -kept * last]]
            found = naive_evaluation(Network([rows, [1] * width]), Examples.point((1, 1), 1), (rate, rate)).criterion
            yield {n: width, q: rate, a: one, b: two, f: last, J_OF: F(found)}


_MISS = norm((1 - a - f, 1 - b, 1 - a - b))
_SQUARES = (p * q * (a**2 + b**2) + p**2 * (a + b) ** 2) / (n - 1) + p * q * f**2
_THERE = {a: A_BEST, b: B_BEST, f: F_BEST}
BELOW = Derivation(
    name="two-inputs-below",
    title="One mixed unit is enough",
    setting=say("One such, sums {0}, {1}, {2}", a, b, f),
    quantified=(WIDE, LARGE_RATE),
    definitions=(
        KEEP, SPREAD, LEAST_VALUE,
        Definition(A_BEST, q * (n - 1) * p / _EDGE, "the sum of the common units where the first input is kept"),
        Definition(
            B_BEST,
            (n - 1) * p * (n * p * (1 - p * q) + 2 * q**3 - 4 * q**2 + 4 * q - 1) / (_BIG * _EDGE),
            "the same for the second input",
        ),
        _POLYNOMIAL,
        Definition(F_BEST, p * (n * p**2 + 1 - 2 * p**2) / _EDGE, "the mixed unit where only the first is kept"),
    ),
    hypotheses=(Hypothesis("single", S > 0),),
    quantities=(quantity(J_OF, "the criterion of such units"),),
    auxiliary=(
        real(a, "a sum of the common units where the first input is kept"),
        real(b, "the same for the second"),
        real(f, "a value of the mixed unit"),
    ),
    lines=(
        Line(
            label="value",
            sentence=say("With {0} equal common units {claim}.", n - 1),
            claim=equal(J_OF, q**2 + _MISS + lam * _SQUARES),
            reason=InWords(_sums, "double loop, 2 and 3 units, q = 1/2, 3/4, three triples"),
        ),
        Line(
            label="best",
            sentence=say("At the values above {claim}."),
            claim=equal(J_BEST, (q**2 + _MISS + lam * _SQUARES).at(_THERE)),
            reason=From((part("value", a=A_BEST, b=B_BEST, f=F_BEST),)),
        ),
        Line(
            label="less",
            sentence=say("This is {claim}."),
            claim=equal((q**2 + _MISS + lam * _SQUARES).at(_THERE), T - _TOP / (_BIG * _EDGE) * S),
        ),
        Line(label="first", sentence=say("The weights are as they should be: {claim},"), claim=A_BEST > 0),
        Line(label="second", sentence=say("{claim}"), claim=B_BEST > 0),
        Line(label="third", sentence=say("and {claim}."), claim=F_BEST > 0),
    ),
    conclusions=(
        Conclusion(J_BEST < T, From((part("best", -1), part("less", -1), part("single", _TOP / (_BIG * _EDGE))))),
    ),
)  # fmt: skip
BOUNDS = (COMMON, MIXED, EDGE, EDGE_BELOW, *CASES, FEWER, BELOW)
