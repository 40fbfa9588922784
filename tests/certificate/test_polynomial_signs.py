"""Signs of polynomials between algebraic ends, against roots that FLINT isolates."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from flint import fmpz_poly
from hypothesis import given
from hypothesis import strategies as st

from exactdropout.algebra.algebraic import Algebraic, all_roots, simplest_between
from exactdropout.certificate import checker
from exactdropout.certificate.polynomial_signs import End, Interval, odd_part, quotient, times

F = Fraction
SMALL = st.lists(st.integers(-4, 4), min_size=2, max_size=4).filter(lambda c: c[-1] != 0)


def product(factors: list[list[int]]) -> tuple[int, ...]:
    found: tuple[int, ...] = (1,)
    for factor in factors:
        found = times(found, tuple(factor))
    return found


def end(value: Algebraic) -> End:
    if value.is_rational:
        return End(f"{value.low.numerator}/{value.low.denominator}")
    near: Any = value.refined(F(1, 1 << 20))
    ends = {
        "low": f"{near.low.numerator}/{near.low.denominator}",
        "high": f"{near.high.numerator}/{near.high.denominator}",
    }
    return End({"polynomial": list(near.minimal_polynomial), **ends})


def is_nonnegative(f: tuple[int, ...], low: Algebraic, high: Algebraic) -> bool:
    """Return the truth, from one value between each two neighbouring roots."""
    places = sorted({low, high, *(r for r in all_roots(fmpz_poly(list(f))) if low < r < high)})
    for a, b in pairwise(places):
        width = F(1, 1 << 10)
        while not a.refined(width).high < b.refined(width).low:
            width /= 4
        q = simplest_between(a.refined(width).high, b.refined(width).low)
        if sum(c * q**k for k, c in enumerate(f)) < 0:
            return False
    return True


@given(st.lists(SMALL, min_size=1, max_size=3), st.lists(st.integers(0, 2), min_size=3, max_size=3), SMALL, st.data())
def test_what_is_proved_is_true(
    factors: list[list[int]], powers: list[int], other: list[int], data: st.DataObject
) -> None:
    f = product([factor for factor, power in zip(factors, powers, strict=False) for _ in range(power)] or [[1, 1]])
    places = {Algebraic.rational(v) for v in (F(0), F(1, 3), F(1))}
    for poly in (*factors, other):
        places |= set(all_roots(fmpz_poly(poly)))
    chosen = sorted(data.draw(st.lists(st.sampled_from(sorted(places)), min_size=2, max_size=2, unique=True)))
    low, high = chosen
    for g in (f, tuple(-c for c in f)):
        proved = Interval(end(low), end(high), checker.Work()).nonnegative(g)
        assert not proved or is_nonnegative(g, low, high)
        strictly = Interval(end(low), end(high), checker.Work()).positive(g)
        inside = [r for r in all_roots(fmpz_poly(list(g))) if low <= r <= high and F(0) < r < F(1)]
        assert not strictly or (is_nonnegative(g, low, high) and not inside)


@pytest.mark.parametrize(
    ("f", "low", "high", "verdict"),
    [
        ((-1, 2), "1/2", 1, True),  # a root at a rational end
        ((-1, 2), "1/3", 1, False),
        ((1, -4, 4), 0, 1, True),  # a double root inside
        ((-1, 6, -12, 8), 0, 1, False),  # a triple one
        ((0, 0, 1), 0, "1/2", True),
        ((1, -3, 3, -1), 0, 1, True),  # (1 - q)^3
        ((1, -3, 1), 0, "golden", True),  # a root at an irrational end
        ((-1, 3, -1), "golden", 1, True),
        ((1, -3, 1), "golden", 1, False),
        ((-1, 5, -7, 3, -1), 0, 1, False),
        ((), 0, 1, True),
    ],
)
def test_roots_at_the_ends_and_inside(f: tuple[int, ...], low: Any, high: Any, verdict: bool) -> None:
    golden = {"polynomial": [1, -3, 1], "low": "1/4", "high": "1/2"}
    ends = [End(golden if v == "golden" else v) for v in (low, high)]
    assert Interval(*ends, checker.Work()).nonnegative(f) is verdict


def test_both_ends_are_roots_of_one_polynomial() -> None:
    # 8 q^2 - 8 q + 1 has the roots (2 -+ sqrt 2)/4 and is negative between them
    polynomial = [1, -8, 8]
    ends = [End({"polynomial": polynomial, "low": a, "high": b}) for a, b in ((0, "1/2"), ("1/2", 1))]
    between = Interval(*ends, checker.Work())
    assert between.nonnegative((-1, 8, -8))
    assert not between.nonnegative((1, -8, 8))
    assert not between.positive((-1, 8, -8))


def test_a_square_is_left_out_with_its_sign() -> None:
    f = product([[-2, 3], [-2, 3], [1, -5], [1, -5], [1, -5], [7, 1], [-3]])
    assert odd_part(f) in (times((1, -5), (-7, -1)), times((-1, 5), (7, 1)))
    assert quotient((1, 2, 1), (1, 1)) == (1, 1)
    assert quotient((1, 2, 2), (1, 1)) is None


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"polynomial": [1, -8, 8], "low": 0, "high": 1}, "change its sign"),
        ({"polynomial": [-3, 22, -48, 32], "low": 0, "high": 1}, "several roots"),
        (2, "must lie in"),
        ({"polynomial": [1, 1], "low": "3/4", "high": "1/4"}, "must lie between"),
    ],
)
def test_ends_that_are_none(value: Any, words: str) -> None:
    with pytest.raises((checker.RejectedError, checker.MalformedError), match=words):
        End(value)
