"""Signs that an assumption gives to symbols, in the words of claims: ``weights >= 0``, ``W[1][2,3] > 0``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import sympy

from exactdropout.errors import InvalidInput
from exactdropout.model import Examples, Network
from exactdropout.model.numbers import show

__all__ = ["assumed_signs"]

_FORM = re.compile(r"\s*(?P<name>[A-Za-z]\w*)\s*(?P<index>[\[\d,\s\]]*?)\s*>=?\s*0\s*\Z")
_BETWEEN = re.compile(r",(?![^\[]*\])")


def assumed_signs(assume: str | Sequence[str] | None, network: Network, examples: Examples) -> frozenset[sympy.Symbol]:
    """Return the symbols of a network and examples that are assumed to be ≥ 0.

    Each assumption is ``NAME >= 0`` or ``NAME > 0``; a NAME is a symbol, or a group: weights (all), w (of the output),
    W (of hidden units), biases, x (inputs), y (labels). Several stand in a list, or with commas between them.

    Raises:
        InvalidInput: another form, or a symbol that is not there.

    >>> from exactdropout.symbolic.free_networks import free_examples, free_network
    >>> sorted(map(str, assumed_signs("w >= 0, x[1] >= 0", free_network("2-2-1"), free_examples(2))))
    ['w[1]', 'w[2]', 'x[1]']
    """
    if assume is None:
        return frozenset()
    texts = [assume] if isinstance(assume, str) else assume
    if not isinstance(texts, Sequence) or not all(isinstance(text, str) for text in texts):
        raise InvalidInput(
            f"Argument 'assume' must be text such as 'weights >= 0', or a list of texts, not {show(assume)}."
        )
    groups: dict[str, list[Any]] = {
        "w": list(network.weights[-1].flat),
        "W": [v for weights in network.weights[:-1] for v in weights.flat],
        "biases": [v for bias in network.biases if bias is not None for v in bias.flat],
        "x": list(examples.inputs.flat),
        "y": list(examples.labels.flat),
    }
    groups["weights"] = groups["w"] + groups["W"]
    symbols = {str(v): v for v in _symbols([v for group in groups.values() for v in group])}
    found: set[sympy.Symbol] = set()
    for text in (part for whole in texts for part in _BETWEEN.split(whole) if part.strip()):
        match = _FORM.match(text)
        if match is None:
            raise InvalidInput(
                f"Argument 'assume' must be such as 'weights >= 0' or 'x[1] > 0' in a derivation, not "
                f"{show(text.strip())}; xd.check takes other assumptions."
            )
        name = match["name"] + re.sub(r"\s", "", match["index"])
        if len(network.weights) == 2:
            name = name.replace("W[1][", "W[")  # one hidden layer: both are read in claims
        if name in symbols:
            found.add(symbols[name])
        elif not match["index"] and name in groups:
            found.update(_symbols(groups[name]))
        else:
            raise InvalidInput(
                f"Argument 'assume' must speak of symbols that are there, {show(', '.join(symbols), 80)}, not {name}."
            )
    return frozenset(found)


def _symbols(entries: Sequence[Any]) -> Iterator[sympy.Symbol]:
    """Yield the entries that are one symbol."""
    return (v for v in entries if isinstance(v, sympy.Symbol))
