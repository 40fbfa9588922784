"""The architecture of a claim, whose sizes may be symbols, and its examples where there are several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

from exactdropout.claims.language.syntax import Expression, Name, Number
from exactdropout.errors import InvalidInput
from exactdropout.model import Activation, Architecture
from exactdropout.model.architecture_text import bias_words, read_architecture
from exactdropout.model.numbers import show

__all__ = ["Design", "Shape", "author_sizes", "parse_shape"]

MAX_LAYERS = 1000


@dataclass(frozen=True)
class Shape:
    """An architecture whose inputs, widths and depth are numbers or symbols, K, n, d where there is one; one output."""

    inputs: int | str
    hidden: tuple[int | str, ...]
    symbolic_depth: bool
    activation: Activation
    hidden_biases: bool
    output_bias: bool

    @cached_property
    def named(self) -> bool:
        """Whether all sizes are numbers."""
        return not self.symbolic_depth and all(isinstance(n, int) for n in (self.inputs, *self.hidden))

    @cached_property
    def widths(self) -> tuple[str, ...]:
        """Return the letters of the widths of hidden layers, each once."""
        return tuple(dict.fromkeys(n for n in self.hidden if isinstance(n, str)))

    @cached_property
    def symbols(self) -> tuple[str, ...]:
        """Return the letters of all sizes that are no numbers: inputs, widths, depth."""
        inputs = (self.inputs,) if isinstance(self.inputs, str) else ()
        return (*inputs, *self.widths, *(("d",) if self.symbolic_depth else ()))

    @cached_property
    def reserved(self) -> tuple[str, ...]:
        """Return the letters that mean a size here: K, n and d always."""
        return ("K", "n", "d", *(letter for letter in self.widths if letter != "n"))

    def instance(self, sizes: dict[str, int]) -> Architecture:
        """Return the architecture at given K, n, d."""

        def number(width: int | str) -> int:
            return width if isinstance(width, int) else sizes[width]

        hidden = [number(n) for n in self.hidden]
        if self.symbolic_depth:
            hidden = hidden * (sizes["d"] - 1)
        return Architecture(
            number(self.inputs),
            tuple(hidden),
            hidden_biases=self.hidden_biases,
            output_bias=self.output_bias,
            activation=self.activation,
        )

    def __str__(self) -> str:
        """Return the text that :func:`parse_shape` reads."""
        hidden = [f"{n}^(d-1)" if self.symbolic_depth else str(n) for n in self.hidden]
        bias = bias_words(self.hidden_biases, self.output_bias)
        return f"{'-'.join([str(self.inputs), *hidden, '1'])} {self.activation}, {bias}"


def parse_shape(text: str) -> Shape:
    """Parse ``2-3-1 relu, biases``, ``K-n-1 linear, no biases``, ``K-n^(d-1)-1 relu, hidden biases``.

    An author's own letters become K and, for a single width, n (:func:`author_sizes`); several widths keep theirs.

    Raises:
        InvalidInput: one sentence that names the form expected.

    >>> print(parse_shape("d-m-1 linear"), "|", parse_shape("K-n-m-1 linear"))
    K-n-1 linear, biases | K-n-m-1 linear, biases
    """
    shape = _shape(text)
    own = {letter: size for size, letter in author_sizes(shape).items()}
    inputs = own.get(shape.inputs, shape.inputs) if isinstance(shape.inputs, str) else shape.inputs
    hidden = tuple(own.get(n, n) if isinstance(n, str) and n != shape.inputs else n for n in shape.hidden)
    return replace(shape, inputs=inputs, hidden=hidden)


def author_sizes(architecture: object) -> Mapping[str, str]:
    """Return what an author's architecture calls K and n: ``{"K": "d", "n": "m"}`` for d-m-1.

    >>> author_sizes("d-m-1"), author_sizes("K-n-m-1")
    ({'K': 'd', 'n': 'm'}, {})
    """
    shape = _shape(architecture) if isinstance(architecture, str) else architecture
    if not isinstance(shape, Shape):
        return {}
    found = {"K": shape.inputs} if isinstance(shape.inputs, str) else {}
    if len(shape.widths) == 1:
        found["n"] = shape.widths[0]
    return {size: letter for size, letter in found.items() if size != letter}


def _shape(text: str) -> Shape:
    found = read_architecture(text, symbolic=True)
    if found.outputs != 1:
        raise InvalidInput(
            f"Argument 'architecture' must have one output and end in -1 in a claim, not {show(text)}; networks with "
            "more outputs are derived in Python by xd.derive."
        )
    kinds = set(found.activations)
    if len(kinds) > 1:
        raise InvalidInput("Argument 'architecture' must have one activation for all hidden layers in a claim.")
    hidden = [width for width, times in found.hidden for _ in range(times if isinstance(times, int) else 1)]
    if len(hidden) > MAX_LAYERS:
        raise InvalidInput(f"Argument 'architecture' must have at most {MAX_LAYERS} layers, not {len(hidden)}.")
    symbolic = any(isinstance(times, str) for _, times in found.hidden)
    kind = kinds.pop() if kinds else Activation.relu() if hidden else Activation.linear()
    return Shape(found.inputs, tuple(hidden), symbolic, kind, found.hidden_biases, found.output_bias)


@dataclass(frozen=True)
class Design:
    """Several examples: row s is (X[s,1], ..., X[s,K]) with label y[s]; ``table`` gives them as numbers.

    ``rows`` is their number or the symbol m. Each has the mass 1/m where no table says otherwise.
    """

    rows: int | str
    table: tuple[tuple[tuple[Fraction, ...], Fraction, Fraction], ...] = ()  # inputs, label, probability

    @property
    def symbol(self) -> Expression:
        """Return the number of rows as an expression."""
        return Number(Fraction(self.rows)) if isinstance(self.rows, int) else Name(self.rows)

    def probability(self, row: int, rows: int) -> Fraction:
        """Return the mass of a row."""
        return self.table[row - 1][2] if self.table else Fraction(1, rows)
