"""What the symbolic engine derives, written as claims: formulas that the parser reads and ``check`` proves."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import sympy

from exactdropout.claims.from_sympy import claim_from_sympy
from exactdropout.claims.problem import Problem, build_problem, constant
from exactdropout.claims.syntax import Claim, Expression, Name
from exactdropout.errors import InvalidInput
from exactdropout.model import Examples
from exactdropout.symbolic.derivation import MAX_COST, derive
from exactdropout.symbolic.free import free_examples

__all__ = ["derived_claims"]

LONG_SUM = 4


def derived_claims(
    arch: Any, data: Any, q: Any, *, quantities: Sequence[str], max_cost: float | None = None
) -> dict[str, Claim]:
    """Return ``quantity = formula`` for each quantity, in the arguments of :func:`exactdropout.claims.check`.

    Raises:
        InvalidInput: a size that is a symbol, or an argument that does not fit.
        CostLimitExceeded: the derivation would take more than ``max_cost`` terms.

    >>> print(*derived_claims("2-1, no biases", None, None, quantities=["penalty"]).values())
    penalty = q*(w[1]^2*x[1]^2 + w[2]^2*x[2]^2)/(1 - q)
    """
    problem = build_problem(arch, data, q, None, ())
    if not problem.shape.named:
        raise InvalidInput(f"Argument 'arch' must have numbers as sizes in a derivation, not {problem.shape}.")
    found = derive(
        problem.network if problem.network is not None else problem.architecture({}),
        _examples(problem),
        [_rate(rate) for rate in problem.rates] if len(problem.rates) > 1 else _rate(problem.rates[0]),
        max_cost=MAX_COST if max_cost is None else max_cost,
    )
    claims = {}
    for name in quantities:
        formula = found.mean[0] if name == "mean" else getattr(found, name)
        claims[name] = claim_from_sympy(sympy.Eq(sympy.Symbol(name), _breakable(formula.expr), evaluate=False))
    return claims


def _breakable(expression: sympy.Expr) -> sympy.Expr:
    """Return a sum of fractions for a fraction of a long sum: lines can be broken between terms only."""
    terms = []
    for term in sympy.Add.make_args(expression):
        sums = [f for f in sympy.Mul.make_args(term) if f.is_Add and len(f.args) > LONG_SUM]
        if sums:
            rest = sympy.Mul(*(f for f in sympy.Mul.make_args(term) if f is not sums[0]))
            terms += [part * rest for part in sums[0].args]
        else:
            terms.append(term)
    return sympy.Add(*terms)


def _rate(rate: Expression) -> Any:
    return sympy.Symbol("q", real=True) if rate == Name("q") else constant(rate)


def _examples(problem: Problem) -> Examples:
    free = free_examples(int(problem.shape.inputs))
    x, y = free.inputs[0].tolist(), free.labels[0, 0]
    if problem.inputs == "ones":
        x = [Fraction(1)] * len(x)
    elif problem.inputs is not None:
        x = [_number(value) for value in problem.inputs]
    if problem.label is not None:
        y = _number(problem.label)
    return Examples.half(x, y) if problem.half else Examples.point(x, y)


def _number(value: Expression) -> Fraction:
    number = constant(value)
    if number is None:
        raise InvalidInput("Argument 'data' must hold numbers, or the free x and y, in a derivation.")
    return number
