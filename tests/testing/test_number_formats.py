"""Number formats against NumPy's own rounding, and the intervals that values must lie in."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exactdropout.testing.number_formats import FORMATS, interval

NUMPY = {"float64": np.float64, "float32": np.float32, "float16": np.float16}


@given(st.floats(-60000, 60000), st.sampled_from(sorted(NUMPY)))
def test_rounding_is_that_of_numpy(value: float, name: str) -> None:
    assert FORMATS[name].rounded(Fraction(value)) == Fraction(float(NUMPY[name](value)))


@given(st.floats(2.0**-10, 1000), st.sampled_from(sorted(NUMPY)))
def test_a_unit_is_the_distance_to_the_next_number(value: float, name: str) -> None:
    kind = NUMPY[name]
    rounded = kind(value)
    assert FORMATS[name].unit(Fraction(float(rounded))) == Fraction(float(np.spacing(rounded)))


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_intervals_hold_two_units_and_not_three(name: str) -> None:
    form = FORMATS[name]
    value = Fraction(10, 7) if name != "float64" else Fraction(3, 2)
    low, high = interval([value], form)
    unit = form.unit(value)
    assert value - 2 * unit <= Fraction(low) <= Fraction(high) <= value + 2 * unit
    assert Fraction(high) > value + unit
