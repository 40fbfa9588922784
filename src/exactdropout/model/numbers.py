"""The kinds of numbers, and the door through which every number enters.

Three kinds never mix silently:

- ``"exact"``: :class:`fractions.Fraction`, from int, Fraction, Decimal, rational SymPy and flint numbers,
  or text such as ``"3/7"`` and ``"0.25"`` (a decimal text is an exact rational);
- ``"float64"``: finite doubles, from float and NumPy floats of at most 64 bits;
- ``"symbolic"``: SymPy expressions, free symbols and irrational numbers included.

Integers join whatever kind stands beside them. Text is parsed by a regular expression, never evaluated.
"""

from __future__ import annotations

import math
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from exactdropout.errors import InvalidInput, MixedNumbers

__all__ = [
    "MAX_DIGITS",
    "Array",
    "Kind",
    "Number",
    "approximate",
    "as_array",
    "common_kind",
    "dyadic",
    "exact_fraction",
    "format_rational",
    "freeze",
    "joined",
    "number_array",
    "parse_rational",
    "rounded_up",
    "same_entries",
    "scalar",
    "show",
]

Kind: TypeAlias = Literal["integer", "exact", "float64", "symbolic"]
Number: TypeAlias = Any  # Fraction, float, or a SymPy expression; the kind beside it says which
Array: TypeAlias = npt.NDArray[Any]

MAX_DIGITS = 100_000
"""Longest accepted numerator, denominator or decimal exponent range, in decimal digits."""

_INTEGER = re.compile(r"[+-]?[0-9]+\Z")
_RATIONAL = re.compile(r"([+-]?[0-9]+)\s*/\s*([0-9]+)\Z")
_DECIMAL = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]+))?\Z")
_PYTHON_INT_DIGITS = 4_000  # below CPython's default limit of 4,300 for int(text) and str(int)


def show(value: object, limit: int = 60) -> str:
    """Return a short printable form of any value, for error messages; never fails."""
    try:
        if isinstance(value, (int, Fraction)) and not isinstance(value, bool):
            text = format_rational(value)
        else:
            text = repr(value)
            if "\n" in text:  # such as a module or a data frame
                text = f"an object of type {type(value).__name__}"
    except Exception:  # a hostile __repr__ must not hide the real message
        text = f"an object of type {type(value).__name__}"
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return text if len(text) <= limit else f"{text[: limit - 1]}\N{HORIZONTAL ELLIPSIS}"


def _integer(digits: str) -> int:
    if len(digits) <= _PYTHON_INT_DIGITS:
        return int(digits)
    from flint import fmpz

    return int(fmpz(digits.lstrip("+")))


def _integer_text(value: int) -> str:
    if value.bit_length() < 3 * _PYTHON_INT_DIGITS:
        return str(value)
    from flint import fmpz

    return str(fmpz(value))


def parse_rational(text: str, name: str = "number") -> Fraction:
    """Parse ``"3"``, ``"-3/7"``, ``"0.25"`` or ``"1e-3"`` into the exact rational that it denotes.

    Exact: a decimal is the rational its digits say. At most :data:`MAX_DIGITS` digits on either side of the
    fraction bar; nothing is evaluated.

    Raises:
        InvalidInput: the text is no such number, or is longer than the limit.

    >>> parse_rational("0.1") + parse_rational("1/5")
    Fraction(3, 10)
    """
    stripped = text.strip()
    if len(stripped) > 2 * MAX_DIGITS + 3:
        raise InvalidInput(
            f"Argument {name!r} must have at most {MAX_DIGITS} digits, not a text of {len(stripped)} characters."
        )
    if _INTEGER.match(stripped) and len(stripped) <= MAX_DIGITS + 1:
        return Fraction(_integer(stripped))
    if match := _RATIONAL.match(stripped):
        top, bottom = match.groups()
        if max(len(top) - 1, len(bottom)) <= MAX_DIGITS:
            denominator = _integer(bottom)
            if denominator == 0:
                raise InvalidInput(f"Argument {name!r} must not have denominator 0, as {show(text)} has.")
            return Fraction(_integer(top), denominator)
    elif (match := _DECIMAL.match(stripped)) and (match[2] or match[3]):
        sign, whole, part, power = match[1], match[2] or "", match[3] or "", match[4] or "0"
        exponent = int(power) if len(power) <= 8 else MAX_DIGITS + 1  # far too many digits, however it is signed
        if len(whole) + len(part) + abs(exponent) <= MAX_DIGITS:
            number, scale = _integer(sign + whole + part), exponent - len(part)
            return Fraction(number * 10**scale) if scale >= 0 else Fraction(number, 10**-scale)
    else:
        raise InvalidInput(
            f"Argument {name!r} must be an integer, a fraction such as 3/7 or a decimal such as 0.25, not {show(text)}"
            f"{_instead(stripped)}."
        )
    raise InvalidInput(f"Argument {name!r} must have at most {MAX_DIGITS} digits; {show(text, 24)} has more.")


def _instead(text: str) -> str:
    """Return what to write in place of a number in another notation, if it is one."""
    if match := re.fullmatch(r"([+-]?\d{1,20})(?:[.,](\d{1,20}))?\s?%", text):
        whole, part = match[1], match[2] or ""
        return f"; a percentage is written {int(whole + part)}/100{'0' * len(part)}"
    if re.fullmatch(r"[+-]?\d{1,20},\d{1,20}", text):
        return f"; a decimal has a point: {text.replace(',', '.')}"
    words = {"half": "1/2", "quarter": "1/4", "third": "1/3", "zero": "0", "none": "0"}
    return f"; write {words[text.lower()]}" if text.lower() in words else ""


def format_rational(value: int | Fraction) -> str:
    """Return ``"3"`` or ``"3/7"``; the inverse of :func:`parse_rational`, at any number of digits.

    >>> format_rational(Fraction(-6, 14))
    '-3/7'
    """
    top = _integer_text(value.numerator)
    return top if value.denominator == 1 else f"{top}/{_integer_text(value.denominator)}"


def approximate(value: Fraction, digits: int = 12) -> str:
    """Return the decimal nearest to the rational, to so many significant digits, at any size; for display only.

    >>> approximate(Fraction(2, 3), 5), approximate(Fraction(10**400, 3), 5)
    ('0.66667', '3.3333E+399')
    """
    mantissa, exponent = _significant(value, digits, ROUND_HALF_EVEN)
    with localcontext(prec=digits, Emin=-(10**9), Emax=10**9):
        return str(Decimal(mantissa).scaleb(exponent).normalize())


def rounded_up(value: Fraction) -> str:
    """Return a two-digit decimal that is not below the non-negative rational: how bounds are shown.

    >>> rounded_up(Fraction(1, 3)), rounded_up(Fraction(1, 2))
    ('3.4e-1', '5.0e-1')
    """
    if value == 0:
        return "0"
    mantissa, exponent = _significant(value, 2, ROUND_CEILING)
    with localcontext(prec=2, Emin=-(10**9), Emax=10**9):
        return f"{Decimal(mantissa).scaleb(exponent):.1e}"


def _significant(value: Fraction, digits: int, rounding: str) -> tuple[int, int]:
    """Return integers (m, e) with m·10^e the value rounded to so many digits, |m| < 10^digits.

    In integers with a short quotient: a Decimal of a numerator of 100,000 digits takes seconds.
    """
    if value == 0:
        return 0, 0
    top, bottom = abs(value.numerator), value.denominator
    exponent = int((top.bit_length() - bottom.bit_length() - 1) * math.log10(2)) - digits - 1  # two or three too many
    top, bottom = (top, bottom * 10**exponent) if exponent >= 0 else (top * 10**-exponent, bottom)
    quotient, rest = divmod(top, bottom)
    with localcontext(prec=digits, rounding=rounding):
        # a last digit 1 stands for what was cut off: it breaks ties as the whole tail would
        found = +Decimal(-(10 * quotient + (rest > 0)) if value < 0 else 10 * quotient + (rest > 0))
    sign, figures, scale = found.as_tuple()
    mantissa = int("".join(map(str, figures)))
    return -mantissa if sign else mantissa, exponent - 1 + int(scale)


def scalar(value: object, name: str) -> tuple[Number, Kind]:
    """Return the value in its canonical form (Fraction, float or SymPy expression) and its kind.

    Raises:
        InvalidInput: NaN, infinity, a Boolean, or something that is no real number.
        MixedNumbers: a SymPy ``Float``, which is neither exact nor a double.
    """
    if type(value) is Fraction:
        return value, ("integer" if value.denominator == 1 else "exact")
    if type(value) is float:
        return _finite(value, name), "float64"
    if isinstance(value, (bool, np.bool_)):
        raise InvalidInput(f"Argument {name!r} must hold numbers, not the Boolean {value}.")
    if isinstance(value, (int, np.integer)):
        return Fraction(int(value)), "integer"
    if isinstance(value, Fraction):
        return Fraction(value.numerator, value.denominator), "exact"
    if isinstance(value, (float, np.float16, np.float32)):
        return _finite(float(value), name), "float64"
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise InvalidInput(f"Argument {name!r} must be finite, not {value}.")
        return parse_rational(str(value), name), "exact"  # Fraction(Decimal("1e999999999")) would never end
    if isinstance(value, str):
        return parse_rational(value, name), "exact"
    module = type(value).__module__.partition(".")[0]
    if module == "flint" and hasattr(value, "p") and hasattr(value, "q"):
        return Fraction(int(value.p), int(value.q)), "exact"
    if module == "flint" and type(value).__name__ == "fmpz":
        return Fraction(int(value)), "integer"  # type: ignore[call-overload]  # fmpz has __int__
    if (sympy := sys.modules.get("sympy")) is not None and isinstance(value, sympy.Basic):
        return _sympy_scalar(value, name, sympy)
    array = None if isinstance(value, np.generic) else as_array(value, nested=True)
    if isinstance(array, np.ndarray) and array.shape == () and array.dtype != object:
        return scalar(array[()], name)  # a tensor or an array of one number
    instead = ""
    if isinstance(value, (complex, np.complexfloating)):
        instead = "; write its real part"
    elif isinstance(value, np.floating):
        instead = "; write float(value), which rounds it to float64"
    raise InvalidInput(
        f"Argument {name!r} must hold real numbers (int, Fraction, float or SymPy), "
        f"not {show(value)} of type {type(value).__name__}{instead}."
    )


def as_array(value: Any, *, nested: bool = False) -> Any:
    """Return a NumPy array for whatever converts to one; with ``nested`` other sequences stay what they are.

    A tensor of a framework that records gradients is taken for its values; bfloat16, which NumPy has not, becomes
    float32, which holds it exactly.
    """
    if isinstance(value, np.ndarray) or (nested and isinstance(value, (list, tuple))):
        return value
    if callable(getattr(value, "detach", None)) and callable(getattr(value, "cpu", None)):
        value = value.detach().cpu()  # a tensor that requires a gradient, or that lies on a device
        if str(getattr(value, "dtype", "")).endswith("bfloat16"):
            value = value.float()
        return np.asarray(value)
    if hasattr(value, "__array__") and not isinstance(value, type):
        array = np.asarray(value)
        return array.astype(np.float32) if array.dtype.name == "bfloat16" else array
    return value if nested else np.asarray(value, dtype=object)


def _finite(value: float, name: str) -> float:
    if not math.isfinite(value):
        raise InvalidInput(f"Argument {name!r} must be finite, not {value}.")
    return value


def _sympy_scalar(value: Any, name: str, sympy: Any) -> tuple[Number, Kind]:
    if value.is_Rational:
        fraction = Fraction(int(value.p), int(value.q))
        return fraction, ("integer" if fraction.denominator == 1 else "exact")
    if value.has(sympy.Float):
        raise MixedNumbers(
            f"Argument {name!r} must be exact, not {show(value)}, which holds a SymPy Float; write a Rational."
        )
    infinite = value.has(sympy.oo, -sympy.oo, sympy.zoo, sympy.nan)
    if not isinstance(value, sympy.Expr) or infinite or value.is_extended_real is False:
        raise InvalidInput(f"Argument {name!r} must be a finite real SymPy expression, not {show(value)}.")
    return value, "symbolic"


def common_kind(kinds: Iterable[Kind], name: str) -> Kind:
    """Return the kind that holds all of them; integers join any.

    Raises:
        MixedNumbers: floats stand beside fractions or symbols.
    """
    found = set(kinds) - {"integer"}
    if "float64" in found and len(found) > 1:
        other = "fractions" if "exact" in found else "SymPy expressions"
        raise MixedNumbers(
            f"Argument {name!r} mixes floats with {other}; use Fraction(value) for the exact value of each float, "
            "or float(value) for floats throughout."
        )
    if "symbolic" in found:
        return "symbolic"
    return found.pop() if found else "integer"


def freeze(array: Array) -> Array:
    """Return a view of the array, made read-only; NumPy lets nobody make the view writable again.

    What shares memory with a writable array is copied.
    """
    if array.base is not None and not (isinstance(array.base, np.ndarray) and not array.base.flags.writeable):
        array = array.copy()
    array.setflags(write=False)
    return array.view()


def same_entries(a: Array | None, b: Array | None) -> bool:
    """Return whether two arrays have the same shape and entries, floats bit for bit."""
    if a is None or b is None:
        return a is b
    if a.dtype == np.float64 and b.dtype == np.float64:
        return bool(np.array_equal(a.view(np.uint64), b.view(np.uint64)))
    return bool(np.array_equal(a, b))


def dyadic(value: Number) -> Fraction:
    """Return a Fraction, float or mpmath number as the rational that it is."""
    if isinstance(value, (Fraction, float, int)):
        return Fraction(value)
    sign, mantissa, exponent, _ = value._mpf_
    magnitude = Fraction(int(mantissa)) * Fraction(2) ** int(exponent)
    return -magnitude if sign else magnitude


def exact_fraction(value: Number) -> Fraction:
    """Return a Fraction or a float (a dyadic rational) as the Fraction that it is."""
    return value if type(value) is Fraction else Fraction(value)


def _leaves(value: object, name: str, ndim: int, where: str = "") -> Iterator[tuple[object, tuple[int, ...]]]:
    """Yield leaves with their shape below; ragged nesting is found by the caller from the shapes."""
    if ndim == 0:
        yield value, ()
        return
    if isinstance(value, (AbstractSet, Mapping)):
        raise InvalidInput(
            f"Argument {name!r} must hold numbers in an order, which {show(value)} has not; write a list."
        )
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise InvalidInput(
            f"Argument {name!r} must be nested {ndim} level(s) deeper at {where or 'the top'}, not {show(value)}."
        )
    for index, item in enumerate(value):
        for leaf, path in _leaves(item, name, ndim - 1, f"{where}[{index}]"):
            yield leaf, (index, *path)


def number_array(value: object, name: str, ndim: int) -> tuple[Array, Kind]:
    """Return a read-only array of ``ndim`` axes, float64 or object (Fractions, expressions), and its kind.

    Takes nested sequences, NumPy arrays and whatever converts to one by ``__array__``. An array of the kind
    ``"integer"`` holds Fractions.

    Raises:
        InvalidInput: ragged nesting, a wrong number of axes, NaN or infinity.
        MixedNumbers: floats beside fractions.
    """
    if isinstance(value, _sympy_matrix_types()):
        value = value.tolist()  # type: ignore[attr-defined]
    value = as_array(value, nested=True)
    if isinstance(value, np.ndarray):
        if value.ndim != ndim:
            raise InvalidInput(f"Argument {name!r} must have {ndim} axes, not shape {value.shape}.")
        if not value.size:
            raise InvalidInput(f"Argument {name!r} must not be empty, as an array of shape {value.shape} is.")
        if value.dtype.kind == "f" and value.dtype.itemsize <= 8:
            floats = np.array(value, dtype=np.float64)
            if not np.isfinite(floats).all():
                index = tuple(int(i) for i in np.argwhere(~np.isfinite(floats))[0])
                raise InvalidInput(f"Argument {name!r} must be finite, not {floats[index]} at index {list(index)}.")
            return freeze(floats), "float64"
        if value.dtype == object and value.size and set(map(type, value.ravel().tolist())) == {Fraction}:
            whole = all(v.denominator == 1 for v in value.flat)
            return freeze(value.copy()), "integer" if whole else "exact"  # large and already canonical
    items = list(_leaves(value, name, ndim))
    paths = [path for _, path in items]
    shape = tuple(max((p[axis] for p in paths), default=-1) + 1 for axis in range(ndim))
    if not items or len(items) != math.prod(shape):
        what = "is empty" if not items else f"is ragged: {_ragged(paths, ndim)}"
        raise InvalidInput(f"Argument {name!r} must be a full array of {ndim} axes; it {what}.")
    if isinstance(value, Sequence) and len(value) != shape[0]:
        raise InvalidInput(f"Argument {name!r} must be a full array of {ndim} axes; a row is empty.")
    canonical: dict[int, tuple[Number, Kind]] = {}  # equal objects (a shared Fraction) are examined once
    kinds: set[Kind] = set()
    entries: list[Number] = []
    for item, path in items:
        known = canonical.get(id(item))
        if known is None:
            label = f"{name}{''.join(f'[{i}]' for i in path)}"
            known = canonical[id(item)] = scalar(item, label)
        entries.append(known[0])
        kinds.add(known[1])
    kind = common_kind(kinds, name)
    if kind == "float64":
        entries = [_as_float(v, name) for v in entries]
    array = np.empty(len(entries), dtype=np.float64 if kind == "float64" else object)
    array[:] = entries
    return freeze(array.reshape(shape)), kind


def _ragged(paths: Sequence[tuple[int, ...]], ndim: int) -> str:
    """Return which of the rows has another length than the first."""
    lengths = Counter(path[:-1] for path in paths)
    first, *others = ((row, length) for row, length in lengths.items())
    odd = next(((row, length) for row, length in others if length != first[1]), None)
    if odd is None:
        return "its rows have different lengths"
    return f"row {list(odd[0]) if ndim > 2 else odd[0][0]} has {odd[1]} entries and row {first[0][0]} has {first[1]}"


def _as_float(value: Number, name: str) -> float:
    """Return a float, or an integer that joined floats if it is representable."""
    if type(value) is float:
        return value
    result = float(value) if abs(value) < 2**1023 else math.inf
    if result != value:
        raise MixedNumbers(f"Argument {name!r} holds the integer {show(value)}, which no float64 represents.")
    return result


def joined(array: Array, kind: Kind, name: str) -> Array:
    """Return the array in the kind it joins: integers among floats become floats, all others stay.

    Raises:
        MixedNumbers: an integer that no float64 represents.
    """
    if kind != "float64" or array.dtype != object:
        return array
    flat = [_as_float(v, name) for v in array.ravel().tolist()]
    return freeze(np.array(flat, dtype=np.float64).reshape(array.shape))


def _sympy_matrix_types() -> tuple[type, ...]:
    sympy = sys.modules.get("sympy")
    return (sympy.MatrixBase,) if sympy is not None else ()
