"""SymPy functions for the hinge: relu(z) = max(z, 0) and its derivative step(z), with step(0) = 0.

SymPy's own ``Max`` and ``Heaviside`` rewrite and order their arguments at every construction and leave the
derivative at 0 open; these two stay what they are, and become SymPy's by ``rewrite(sympy.Max)`` or
``rewrite(sympy.Piecewise)``. ``lambdify`` knows them.
"""

from __future__ import annotations

from typing import Any

import sympy

__all__ = ["Leaky", "Relu", "Step", "relu", "step"]

_ONE_ARGUMENT = sympy.FiniteSet(1)


class _Hinge(sympy.Function):  # type: ignore[misc]  # SymPy has no types
    """What both share: an object that is known to stay as it is can be made without asking for signs."""

    nargs = 1

    @classmethod
    def unresolved(cls, z: Any) -> Any:
        """Return what the constructor returns for an expression whose sign is open, at a tenth of the cost."""
        made = sympy.Expr.__new__(cls, z)
        made.nargs = _ONE_ARGUMENT
        return made


class Relu(_Hinge):
    """relu(z) = z for z > 0 and 0 otherwise.

    >>> z = sympy.Symbol("z")
    >>> relu(-3), relu(sympy.Rational(1, 2)), relu(z).diff(z)
    (0, 1/2, step(z))
    """

    is_extended_nonnegative = True

    @classmethod
    def eval(cls, z: Any) -> Any:
        """Return a value where the sign of the argument is known."""
        if z.is_extended_nonnegative:
            return z
        return sympy.S.Zero if z.is_extended_nonpositive else None

    def fdiff(self, argindex: int = 1) -> Any:
        """Return step(z)."""
        return Step(self.args[0])

    def _eval_is_real(self) -> Any:
        return self.args[0].is_real

    def _eval_rewrite(self, rule: Any, args: Any, **hints: Any) -> Any:
        if rule is sympy.Max:
            return sympy.Max(args[0], 0)
        return sympy.Piecewise((args[0], args[0] > 0), (0, True)) if rule is sympy.Piecewise else None

    def _pythoncode(self, printer: Any) -> str:
        return f"max({printer._print(self.args[0])}, 0)"

    _lambdacode = _mpmathcode = _pythoncode

    def _numpycode(self, printer: Any) -> str:
        return f"{printer._module_format('numpy.maximum')}({printer._print(self.args[0])}, 0)"

    _scipycode = _numpycode

    def _sympystr(self, printer: Any) -> str:
        return f"relu({printer._print(self.args[0])})"

    def _latex(self, printer: Any, exp: Any = None) -> str:
        text = rf"\operatorname{{relu}}\left({printer._print(self.args[0])}\right)"
        return text if exp is None else rf"{text}^{{{exp}}}"


class Step(_Hinge):
    """step(z) = 1 for z > 0 and 0 otherwise: the derivative of relu, with relu′(0) = 0.

    >>> step(0), step(2)
    (0, 1)
    """

    is_extended_nonnegative = True
    is_integer = True

    @classmethod
    def eval(cls, z: Any) -> Any:
        """Return a value where the sign of the argument is known."""
        if z.is_extended_positive:
            return sympy.S.One
        return sympy.S.Zero if z.is_extended_nonpositive else None

    def fdiff(self, argindex: int = 1) -> Any:
        """Return 0: the derivative wherever it exists."""
        return sympy.S.Zero

    def _eval_rewrite(self, rule: Any, args: Any, **hints: Any) -> Any:
        return sympy.Piecewise((1, args[0] > 0), (0, True)) if rule is sympy.Piecewise else None

    def _pythoncode(self, printer: Any) -> str:
        return f"int({printer._print(self.args[0])} > 0)"

    _lambdacode = _mpmathcode = _pythoncode

    def _numpycode(self, printer: Any) -> str:
        return f"{printer._module_format('numpy.where')}({printer._print(self.args[0])} > 0, 1, 0)"

    _scipycode = _numpycode

    def _sympystr(self, printer: Any) -> str:
        return f"step({printer._print(self.args[0])})"

    def _latex(self, printer: Any, exp: Any = None) -> str:
        return rf"\operatorname{{step}}\left({printer._print(self.args[0])}\right)"


class Leaky(_Hinge):
    """leaky(z) = z for z ≥ 0 and s z otherwise, the unit of a leaky relu network, whose slope s is that of the network.

    >>> Leaky(sympy.Symbol("z"))
    leaky(z)
    """

    @classmethod
    def eval(cls, z: Any) -> Any:
        """Leave it as it is: the slope is not known here."""
        return None

    def _sympystr(self, printer: Any) -> str:
        return f"leaky({printer._print(self.args[0])})"


relu = Relu
step = Step
