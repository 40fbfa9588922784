"""One alphabet for symbols, that of the paper and claims: ``w[j]``, ``W[l][j,i]``, ``b[l][j]``, ``b``, ``x[i]``, ``y``.

A SymPy symbol carries exactly this text as its name, so that what is printed in any form is what ``check`` reads. With
one hidden layer and one output the layer is left out: ``W[j,i]`` and ``b[j]``. Networks with several outputs have
``w[o,j]``, ``b[o]`` and ``y[o]``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from fractions import Fraction

from exactdropout.errors import InvalidInput
from exactdropout.model.numbers import show
from exactdropout.notation.style import Style, check_free
from exactdropout.notation.text import expression_text
from exactdropout.notation.tree import Expression, Name, Number, Power

__all__ = [
    "author_order",
    "check_apart",
    "entry",
    "identifier",
    "name_order",
    "parameter_name",
    "respelled",
    "symbol_name",
]

_WRITTEN = "qpyvwWbx"
_NUMBER = "[1-9][0-9]{0,8}"
_ENTRY = re.compile(rf"([A-Za-z]{{1,20}})(?:\[({_NUMBER})\])?(?:\[({_NUMBER}(?:,{_NUMBER}){{0,2}})\])?\Z")
_NUMBERED = re.compile(r"([A-Za-z]{1,20}?)([0-9]{0,9})((?:_[0-9]{1,9})*)\Z")


def entry(base: str, *indices: int, layer: int | None = None) -> Name:
    """Return the name of an entry, all numbers from 1.

    >>> expression_text(entry("W", 2, 3, layer=1)), expression_text(entry("W", 2, 3)), expression_text(entry("b"))
    ('W[1][2,3]', 'W[2,3]', 'b')
    """
    places = indices if layer is None else (layer, *indices)
    return Name(base, tuple(Number(Fraction(i)) for i in places), layered=layer is not None)


def parameter_name(layer: int, unit: int, source: int | None, depth: int, outputs: int) -> Name:
    """Return the name of a weight, or with ``source`` None of a bias, of a network (all numbers from 0).

    >>> expression_text(parameter_name(0, 1, 2, depth=2, outputs=1))
    'W[2,3]'
    """
    indices = [unit + 1] if source is None else [unit + 1, source + 1]
    if layer == depth - 1:
        return entry("b" if source is None else "w", *(indices[1:] if outputs == 1 else indices))
    alone = depth == 2 and (source is not None or outputs == 1)
    return entry("b" if source is None else "W", *indices, layer=None if alone else layer + 1)


def symbol_name(symbol: str) -> Name:
    """Return the name of a symbol as a tree.

    Symbols of one's own may also be numbered as SymPy does it: ``a_1`` and ``a1`` are printed as a with the index 1.

    Raises:
        InvalidInput: the name is not letters and indices.

    >>> symbol_name("W[1][2,3]") == entry("W", 2, 3, layer=1)
    True
    """
    match = _ENTRY.match(symbol)
    if match is not None:
        base, first, second = match.groups()
        if second is None:
            return entry(base, *([] if first is None else [int(first)]))
        return entry(base, *map(int, second.split(",")), layer=None if first is None else int(first))
    match = _NUMBERED.match(symbol)
    if match is None:
        raise InvalidInput(
            f"Argument 'names' must name symbols of letters and indices, such as W[1][2,3], w[1], a_1 or lambda, "
            f"not {show(symbol)}."
        )
    base, layer, rest = match.groups()
    return entry(base, *map(int, rest.split("_")[1:]), layer=int(layer) if layer else None)


def identifier(symbol: str) -> str:
    """Return the name of a symbol in source text: ``W[1][2,3]`` is called ``W_1_2_3``; other names stay.

    >>> identifier("W[1][2,3]"), identifier("q")
    ('W_1_2_3', 'q')
    """
    return re.sub(r"[\[\],]+", "_", symbol.removesuffix("]")) if _ENTRY.match(symbol) else symbol


def name_order(symbol: object) -> tuple[str, tuple[int, ...], str]:
    """Return a key that sorts symbols by letter and then by indices as numbers: x[2] before x[10].

    >>> sorted(["x[10]", "x[2]", "b", "W[1,1]"], key=name_order)
    ['W[1,1]', 'b', 'x[2]', 'x[10]']
    """
    text = str(symbol)
    letters = re.match(r"[^\W\d_]*", text)
    base = letters[0] if letters else ""
    return base, tuple(map(int, re.findall(r"[0-9]{1,9}", text))), text


def author_order(factor: Expression) -> tuple[int, int, tuple[Fraction, ...]]:
    """Return a key that sorts the factors of a product as one writes them: q, then y, w, W, b, x, then the rest.

    >>> factors = [entry("x", 1), entry("W", 1, 1), Power(entry("w", 1), Number(Fraction(2)))]
    >>> [expression_text(factor) for factor in sorted(factors, key=author_order)]
    ['w[1]^2', 'W[1,1]', 'x[1]']
    """
    base = factor.base if isinstance(factor, Power) else factor
    if not isinstance(base, Name):
        return 2, 0, ()
    place = _WRITTEN.find(base.name) if len(base.name) == 1 else -1
    return int(place < 0), place, tuple(i.value for i in base.indices if isinstance(i, Number))


def respelled(name: str, known: Collection[str]) -> str:
    """Return the known name that is meant: W[1][2,3] is W[2,3] with one hidden layer, and W_2_3 its name in code.

    >>> respelled("W[1][2, 3]", ["W[2,3]", "q"]), respelled("W_2_3", ["W[2,3]", "q"]), respelled("r", ["q"])
    ('W[2,3]', 'W[2,3]', 'r')
    """
    if name in known:
        return name
    plain = name.replace(" ", "")
    layer = re.match(r"W\[1\](\[.*\])\Z", plain)  # no network has both names; b[1][2] and b[2] it may
    meant = [other for other in (plain, f"W{layer[1]}" if layer else plain) if other in known]
    meant += [other for other in known if identifier(other) == plain]
    return meant[0] if meant else name


def check_apart(symbols: Iterable[str], style: Style) -> None:
    """Refuse a style under which two symbols would look the same.

    Raises:
        InvalidInput: two symbols with one printed form.
    """
    seen: dict[tuple[str, tuple[object, ...]], str] = {}
    for symbol in symbols:
        name = symbol_name(symbol)
        check_free(name.name, style.printed(name.name))
        printed = (style.printed(name.name), name.indices)
        other = seen.setdefault(printed, symbol)
        if other != symbol:
            both = expression_text(name, style)
            raise InvalidInput(
                f"Argument 'names' must keep symbols apart, but {other} and {symbol} both become {both}."
            )
