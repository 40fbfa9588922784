"""From the names of SymPy symbols to names with indices: ``w1_2_3`` is w with layer 1 and indices 2, 3."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction

from exactdropout.errors import InvalidInput
from exactdropout.model.numbers import show
from exactdropout.notation.style import Style, check_free
from exactdropout.notation.text import expression_text
from exactdropout.notation.tree import Name, Number

__all__ = ["check_apart", "symbol_name"]

_SYMBOL = re.compile(r"([A-Za-z]{1,20}?)([0-9]{0,9})((?:_[0-9]{1,9})*)\Z")


def symbol_name(symbol: str) -> Name:
    """Return the name of a symbol as a tree.

    Raises:
        InvalidInput: the name is not letters, then perhaps a layer, then indices after ``_``.

    >>> symbol_name("w1_2_3").indices == tuple(Number(Fraction(i)) for i in (1, 2, 3))
    True
    """
    match = _SYMBOL.match(symbol)
    if match is None:
        raise InvalidInput(
            f"Argument 'names' must name symbols of letters, a layer and indices, such as w1_2_3, v_1 or lambda, "
            f"not {show(symbol)}."
        )
    base, layer, rest = match.groups()
    indices = [layer] * bool(layer) + rest.split("_")[1:]
    return Name(base, tuple(Number(Fraction(int(i))) for i in indices), layered=bool(layer))


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
