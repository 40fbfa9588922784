"""The exact active-set method against the enumeration of all supports, and the float guess against both."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exactdropout.optimum.qp import guess, guesses, solve, solve_by_enumeration


@st.composite
def programs(draw: st.DrawFn) -> tuple[list[list[Fraction]], list[Fraction]]:
    """Least squares min ½‖Ax − y‖², so the linear form is in the range; often singular."""
    size, rows = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    entry = st.integers(-3, 3).map(Fraction)
    a = [[draw(entry) for _ in range(size)] for _ in range(rows)]
    y = [draw(entry) for _ in range(rows)]
    gram = [[sum((r[i] * r[j] for r in a), Fraction(0)) for j in range(size)] for i in range(size)]
    return gram, [sum((r[i] * v for r, v in zip(a, y, strict=True)), Fraction(0)) for i in range(size)]


def value(program: Any, x: Any) -> Any:
    gram, linear = program
    size = range(len(linear))
    return sum(x[i] * gram[i][j] * x[j] for i in size for j in size) / 2 - sum(
        a * b for a, b in zip(linear, x, strict=True)
    )


@given(programs(), st.data())
def test_solution_is_optimal_from_any_start(program: Any, data: st.DataObject) -> None:
    gram, linear = program
    start = data.draw(st.sets(st.integers(0, len(linear) - 1)))
    x = solve(gram, linear, sorted(start))
    gradient = [
        sum((g * v for g, v in zip(row, x, strict=True)), Fraction(0)) - b for row, b in zip(gram, linear, strict=True)
    ]
    assert all(v >= 0 for v in x)
    assert all(g >= 0 for g in gradient)
    assert all(v * g == 0 for v, g in zip(x, gradient, strict=True))
    assert value(program, x) == value(program, solve_by_enumeration(gram, linear))


@given(programs())
def test_compiled_guess_is_its_plain_function_and_near_the_optimum(program: Any) -> None:
    gram, linear = np.array(program[0], dtype=float), np.array(program[1], dtype=float)
    rough = guess(gram, linear, len(linear))
    assert np.allclose(rough, guess.py_func(gram, linear, len(linear)), atol=1e-9)  # type: ignore[attr-defined]
    exact = value(program, solve_by_enumeration(*program))
    assert value((gram, linear), rough) == pytest.approx(float(exact), abs=1e-8)
    assert np.array_equal(guesses(gram[None], linear[None], np.array([len(linear)]))[0], rough)


def test_linear_form_outside_the_range_is_an_error() -> None:
    with pytest.raises(ArithmeticError):
        solve([[Fraction(0)]], [Fraction(1)])
