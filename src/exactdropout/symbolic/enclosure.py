"""A rigorous interval around a real number that SymPy writes down: algebraic, or made from elementary functions.

The expression is evaluated in FLINT's ball arithmetic (Johansson 2017), where every operation encloses its exact
result, at a precision that is raised until the interval is as narrow as the caller's precision, and the ball is
rounded outwards to an mpmath interval. No step trusts a rounded value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flint
import sympy
from mpmath.libmp import from_man_exp, round_ceiling, round_floor

from exactdropout.errors import InvalidInput
from exactdropout.model.numbers import show
from exactdropout.symbolic.ring.relu import relu, step

__all__ = ["enclose"]

GUARD_BITS = 32
DOUBLINGS = 6

_CONSTANTS: dict[sympy.Expr, Callable[[], Any]] = {
    sympy.S.ImaginaryUnit: lambda: flint.acb(0, 1),
    sympy.S.Pi: lambda: flint.acb(flint.arb.pi()),
    sympy.S.Exp1: lambda: flint.acb(flint.arb.const_e()),
    sympy.S.EulerGamma: lambda: flint.acb(flint.arb.const_euler()),
    sympy.S.Catalan: lambda: flint.acb(flint.arb.const_catalan()),
    sympy.S.GoldenRatio: lambda: (1 + flint.acb(5).sqrt()) / 2,
}

_FUNCTIONS: dict[type, Callable[[Any], Any]] = {
    sympy.exp: lambda z: z.exp(),
    sympy.log: lambda z: z.log(),
    sympy.sin: lambda z: z.sin(),
    sympy.cos: lambda z: z.cos(),
    sympy.tan: lambda z: z.tan(),
    sympy.cot: lambda z: z.cot(),
    sympy.sec: lambda z: z.sec(),
    sympy.csc: lambda z: z.csc(),
    sympy.sinh: lambda z: z.sinh(),
    sympy.cosh: lambda z: z.cosh(),
    sympy.tanh: lambda z: z.tanh(),
    sympy.asin: lambda z: z.asin(),
    sympy.acos: lambda z: z.acos(),
    sympy.atan: lambda z: z.atan(),
    sympy.asinh: lambda z: z.asinh(),
    sympy.acosh: lambda z: z.acosh(),
    sympy.atanh: lambda z: z.atanh(),
    sympy.erf: lambda z: z.erf(),
    sympy.gamma: lambda z: z.gamma(),
}


def enclose(expr: Any, context: Any, name: str = "expr") -> Any:
    """Return an interval of ``context`` that contains the exact value of a real SymPy number.

    Args:
        expr: a SymPy expression without free symbols (or an int or Fraction): rationals, roots, ``RootOf``, π, e,
            exp, log, trigonometric and hyperbolic functions and their inverses, erf, gamma, Abs, Max, Min, relu.
        context: an ``mpmath.ctx_iv.MPIntervalContext`` with its precision set.
        name: what an error message calls the expression.

    The width is at most a few units in the last place of the context, unless cancellation exceeds 64 times its
    precision (an expression that is exactly 0 in disguise), where the interval is wide but still contains the value.

    Raises:
        InvalidInput: free symbols, an unknown function, a value that is not real or not finite.

    >>> from mpmath.ctx_iv import MPIntervalContext
    >>> iv = MPIntervalContext()
    >>> iv.prec = 100
    >>> interval = enclose(sympy.sqrt(2), iv)
    >>> 2 in interval**2, bool(interval.delta < 1e-29)
    (True, True)
    """
    expression = sympy.sympify(expr, strict=True)
    wanted = context.prec
    ball: Any = None
    precision = wanted + GUARD_BITS
    for _ in range(DOUBLINGS + 1):
        with flint.ctx.workprec(precision):
            ball = _ball(expression, name, precision)
            if ball.is_finite() and (ball.real.is_exact() or ball.real.rel_accuracy_bits() >= wanted + 2):
                break
        precision *= 2
    if not ball.is_finite():
        raise InvalidInput(f"Argument {name!r} must have a finite value; none of {show(expression)} could be enclosed.")
    imaginary = ball.imag
    if not (imaginary.is_exact() and imaginary == 0) and not (expression.is_real and imaginary.contains(0)):
        raise InvalidInput(f"Argument {name!r} must be real, not {show(expression)}.")
    return _outward(ball.real, context)


def _outward(ball: Any, context: Any) -> Any:
    """Return the interval of the context that contains the ball mid ± rad, both dyadic."""
    middle, middle_exponent = (int(v) for v in ball.mid().man_exp())
    radius, radius_exponent = (int(v) for v in ball.rad().man_exp())
    exponent = min(middle_exponent, radius_exponent)
    middle <<= middle_exponent - exponent
    radius <<= radius_exponent - exponent
    low = from_man_exp(middle - radius, exponent, context.prec, round_floor)
    high = from_man_exp(middle + radius, exponent, context.prec, round_ceiling)
    return context.make_mpf((low, high))


def _ball(expression: Any, name: str, precision: int) -> Any:
    """Evaluate bottom-up with a stack of our own: deep nesting must not reach Python's recursion limit."""
    known: dict[Any, Any] = {}
    stack = [expression]
    while stack:
        node = stack[-1]
        if node in known:
            stack.pop()
            continue
        leaf = node.is_Atom or isinstance(node, sympy.polys.rootoftools.ComplexRootOf)
        waiting = [] if leaf else [a for a in node.args if a not in known]
        if waiting:
            stack.extend(waiting)
            continue
        known[node] = _leaf(node, name, precision) if leaf else _apply(node, [known[a] for a in node.args], name)
        stack.pop()
    return known[expression]


def _leaf(node: Any, name: str, precision: int) -> Any:
    if node.is_Rational:
        return flint.acb(flint.fmpq(int(node.p), int(node.q)))
    if node in _CONSTANTS:
        return _CONSTANTS[node]()
    if isinstance(node, sympy.polys.rootoftools.ComplexRootOf):
        return _root(node, name, precision)
    if node.is_Symbol:
        raise InvalidInput(f"Argument {name!r} must be a number, but {show(node)} is free in it.")
    raise InvalidInput(f"Argument {name!r} must be built from known numbers and functions; it holds {show(node)}.")


def _root(root: Any, name: str, precision: int) -> Any:
    """Return the ball of FLINT's certified root isolation that meets SymPy's isolating interval."""
    if not root.is_real:
        raise InvalidInput(f"Argument {name!r} must hold real roots only, not {show(root)}.")
    coefficients = sympy.Poly(root.expr, root.poly.gen, domain="QQ").all_coeffs()
    numerator = flint.fmpq_poly([flint.fmpq(int(c.p), int(c.q)) for c in reversed(coefficients)]).numer()
    center = root.eval_rational(sympy.Rational(1, 2**20))
    for shift in range(20, precision, 20):
        near = flint.arb(flint.fmpq(int(center.p), int(center.q)), flint.arb(2) ** -shift)
        roots: Any = numerator.complex_roots()  # FLINT's stub has the wrong type here
        balls = [r for r, _ in roots if r.imag == 0 and r.imag.is_exact() and r.real.overlaps(near)]
        if len(balls) == 1:
            return flint.acb(balls[0].real)
        center = root.eval_rational(sympy.Rational(1, 2 ** (shift + 20)))
    raise InvalidInput(f"Argument {name!r} holds {show(root)}, which could not be isolated at {precision} bits.")


def _apply(node: Any, values: list[Any], name: str) -> Any:
    if node.is_Add:
        return sum(values[1:], values[0])
    if node.is_Mul:
        product = values[0]
        for value in values[1:]:
            product *= value
        return product
    if node.is_Pow:
        return _power(node, values)
    function = _FUNCTIONS.get(node.func)
    if function is not None and len(values) == 1:
        return function(values[0])
    if all(v.imag == 0 and v.imag.is_exact() for v in values):
        reals = [v.real for v in values]
        if node.func is relu:
            return flint.acb(reals[0].max(0))
        if node.func is step:
            zero = flint.arb(0)
            return flint.acb(1 if reals[0] > zero else (0 if reals[0] <= zero else flint.arb(0.5, 0.5)))
        if node.func is sympy.Abs:
            return flint.acb(abs(reals[0]))
        if node.func in (sympy.Max, sympy.Min):
            best = reals[0]
            for other in reals[1:]:
                best = best.max(other) if node.func is sympy.Max else best.min(other)
            return flint.acb(best)
    raise InvalidInput(f"Argument {name!r} must be built from known numbers and functions; it holds {show(node)}.")


def _power(node: Any, values: list[Any]) -> Any:
    base, exponent = values
    power = node.args[1]
    if power.is_Integer:
        return base ** int(power)
    if base == 0 and power.is_positive:
        return flint.acb(0)
    if power.is_Rational and int(power.q) == 2:
        return base.sqrt() ** int(power.p)
    if node.args[0] is sympy.S.Exp1:
        return exponent.exp()
    return base**exponent
