"""The error tree: every error that the package raises on purpose derives from one root.

A message is one sentence that names the argument, what was expected and what came. *Undecided* is a
verdict, not an error.
"""

from __future__ import annotations

__all__ = [
    "CostLimitExceeded",
    "DropoutFault",
    "ExactDropoutError",
    "ExecutorFailed",
    "InvalidInput",
    "MissingExtra",
    "MixedNumbers",
    "NumericalRange",
    "UnreadableFile",
    "WrongCall",
]


class ExactDropoutError(Exception):
    """Root of all errors that this package raises on purpose."""


class InvalidInput(ExactDropoutError, ValueError):
    """An argument has the wrong shape, range or content."""


class WrongCall(InvalidInput, TypeError):
    """A call lacks an argument, names one that there is not, or has too many; a TypeError, as Python's own are."""


class MixedNumbers(InvalidInput, TypeError):
    """Floats met exact numbers, or a kind of number came that the computation cannot hold."""


class UnreadableFile(ExactDropoutError, ValueError):
    """A file is missing, damaged, too large, or not what its format says."""


class CostLimitExceeded(ExactDropoutError, RuntimeError):
    """A computation would cost more than ``max_cost`` or the memory allows; nothing was started."""


class NumericalRange(ExactDropoutError, ArithmeticError):
    """A float64 computation left the range of float64; exact evaluation remains possible."""


class ExecutorFailed(ExactDropoutError, RuntimeError):
    """An executor could not do its work: a worker died, a pool is shut down, a worker lacks the package."""


class MissingExtra(ExactDropoutError, ImportError):
    """An optional library is needed; the message says how to install it."""


class DropoutFault(ExactDropoutError, AssertionError):
    """A layer under test does not follow its masking scheme; ``check`` names the check, ``calls`` counts calls."""

    check: str = ""
    calls: int = 0
