"""The door through which every number enters."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction as F

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exactdropout.errors import InvalidInput, MixedNumbers
from exactdropout.model.numbers import (
    MAX_DIGITS,
    format_rational,
    number_array,
    parse_rational,
    rounded_up,
    scalar,
    show,
)


@given(st.fractions())
def test_text_of_a_rational_reads_back(value):
    assert parse_rational(format_rational(value)) == value


@given(st.decimals(allow_nan=False, allow_infinity=False, places=8))
def test_a_decimal_is_the_rational_that_its_digits_say(value):
    assert parse_rational(str(value)) == F(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [("0.1", F(1, 10)), (" 3 / 7 ", F(3, 7)), ("-.5", F(-1, 2)), ("5.", F(5)), ("+1e-3", F(1, 1000)), ("-0", F(0))],
)
def test_accepted_forms(text, value):
    assert parse_rational(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "nan",
        "inf",
        "1/0",
        "1/-2",
        "0x10",
        "1_000",
        "1e",
        "2**3",
        "__import__('os')",
        "1;2",
        "١",
        "1/2/3",
        "1.2/3",
    ],
)
def test_everything_else_is_refused_in_one_sentence(text):
    with pytest.raises(InvalidInput, match="Argument 'number' must") as caught:
        parse_rational(text)
    assert str(caught.value).count("\n") == 0


@pytest.mark.parametrize("digits", [4299, 4300, 4301, 20_000])
def test_integers_past_pythons_text_limit_work_in_both_directions(digits):
    value = F(10**digits - 3, 7**digits)
    assert parse_rational(format_rational(value)) == value
    assert parse_rational("-" + "9" * digits) == -(10**digits - 1)


def test_integers_past_our_limit_are_refused_clearly():
    with pytest.raises(InvalidInput, match=f"at most {MAX_DIGITS} digits"):
        parse_rational("9" * (MAX_DIGITS + 2))
    with pytest.raises(InvalidInput, match=f"at most {MAX_DIGITS} digits"):
        parse_rational("1e999999")
    with pytest.raises(InvalidInput, match=f"at most {MAX_DIGITS} digits"):
        parse_rational("9" * (3 * MAX_DIGITS))


def test_what_is_shown_of_a_boolean_and_of_no_error():
    assert show(True) == "True"
    assert rounded_up(F(0)) == "0"


def test_kinds_of_scalars():
    import flint
    import sympy

    assert scalar(3, "a") == (F(3), "integer")
    assert scalar(np.int8(3), "a") == (F(3), "integer")
    assert scalar(Decimal("0.5"), "a") == (F(1, 2), "exact")
    assert scalar(flint.fmpq(3, 7), "a") == (F(3, 7), "exact")
    assert scalar(flint.fmpz(3), "a") == (F(3), "integer")
    assert scalar(sympy.Rational(3, 7), "a") == (F(3, 7), "exact")
    assert scalar(np.float32(0.1), "a") == (float(np.float32(0.1)), "float64")
    assert scalar(sympy.sqrt(2), "a") == (sympy.sqrt(2), "symbolic")


class HostileRepr:
    def __repr__(self):
        raise RuntimeError("no")


@pytest.mark.parametrize(
    "value", [True, np.True_, None, 1j, float("nan"), float("-inf"), Decimal("NaN"), b"1", [1], HostileRepr()]
)
def test_no_number(value):
    with pytest.raises(InvalidInput, match="Argument 'a'"):
        scalar(value, "a")


def test_sympy_that_is_no_finite_real_number():
    import sympy

    for value in (sympy.oo, sympy.nan, sympy.I, sympy.zoo, sympy.true):
        with pytest.raises(InvalidInput, match="finite real SymPy expression"):
            scalar(value, "a")
    with pytest.raises(MixedNumbers, match="write a Rational"):
        scalar(sympy.Float("0.1"), "a")


def test_integers_join_what_stands_beside_them():
    assert number_array([[1, 0.5]], "a", 2)[1] == "float64"
    assert number_array([[1, F(1, 2)]], "a", 2)[1] == "exact"
    assert number_array([[1, 2]], "a", 2)[1] == "integer"
    with pytest.raises(MixedNumbers, match="no float64 represents"):
        number_array([[2**53 + 1, 0.5]], "a", 2)
    with pytest.raises(MixedNumbers, match="mixes floats with fractions"):
        number_array([[F(1, 2), 0.5]], "a", 2)


@pytest.mark.parametrize(
    "value", [[[1, 2], [3]], [[1], []], [[], []], [], [1, 2], 5, "12", np.zeros((2, 2, 2)), [[1], 2]]
)
def test_arrays_that_are_not_full_matrices(value):
    with pytest.raises(InvalidInput, match="Argument 'a'"):
        number_array(value, "a", 2)


def test_arrays_are_read_only_copies():
    source = np.ones((2, 2))
    array, _ = number_array(source, "a", 2)
    source[0, 0] = 5
    assert array[0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        array[0, 0] = 2
    with pytest.raises(InvalidInput, match=r"not nan at index \[0, 1\]"):
        number_array(np.array([[0.0, np.nan]]), "a", 2)
