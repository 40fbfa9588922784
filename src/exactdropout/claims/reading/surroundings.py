"""What reading has to know of the architecture and the data: the ranges of indices, and what is random."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from exactdropout.claims.language.syntax import Add, Expression, Name, Negate, Number

__all__ = ["ONE", "Surroundings"]

ONE = Number(Fraction(1))


@dataclass(frozen=True)
class Surroundings:
    """Sizes as expressions; whether the data are one example, and the rates one symbol or number."""

    inputs: Expression
    hidden: tuple[Expression, ...]
    symbolic_depth: bool
    output_bias: bool
    one_example: bool
    one_rate: bool
    rows: Expression | None = None  # the number of examples of a design matrix
    slope: Fraction | None = None  # of the units below 0

    @property
    def one_hidden_layer(self) -> bool:
        """Whether W[j,i] and b[j] are enough."""
        return len(self.hidden) == 1 and not self.symbolic_depth

    @property
    def before_output(self) -> Expression:
        """Return the number of output weights."""
        return self.hidden[-1] if self.hidden else self.inputs

    def width(self, layer: Expression) -> Expression | None:
        """Return the width of a layer, 0 being the inputs; None where it is not known."""
        if self.symbolic_depth:
            if isinstance(layer, Number):
                return self.inputs if not layer.value else self.hidden[0] if layer.value > 0 else None
            less_one = isinstance(layer, Add) and layer.terms[1:] == (Negate(ONE),)
            return None if less_one else self.hidden[0]
        widths = (self.inputs, *self.hidden)
        whole = isinstance(layer, Number) and layer.value.denominator == 1
        if whole and isinstance(layer, Number) and 0 <= layer.value < len(widths):
            return widths[int(layer.value)]
        return None

    def ranges_of(self, entry: Name) -> tuple[Expression | None, ...]:
        """Return up to where each index of an entry goes; None where that is not known."""
        name, indices = entry.name, entry.indices
        if name == "x" and len(indices) == 1:
            return (self.inputs,)
        if name == "w" and len(indices) == 1:
            return (self.before_output,)
        if self.rows is not None and (name, len(indices)) in (("X", 2), ("R", 2), ("y", 1)):
            return (self.rows, self.inputs)[: len(indices)]
        if name == "W" and len(indices) == 2 and self.one_hidden_layer:
            return self.hidden[0], self.inputs
        if name == "W" and len(indices) == 3:
            return None, self.width(indices[0]), self.width(_before(indices[0]))
        if name == "b" and len(indices) == 1 and self.one_hidden_layer:
            return self.hidden
        if name == "b" and len(indices) == 2:
            return None, self.width(indices[0])
        if name == "r" and len(indices) == 1:
            return (self.inputs,)
        return (None,) * len(indices)


def _before(layer: Expression) -> Expression:
    return Number(layer.value - 1) if isinstance(layer, Number) else Add((layer, Negate(ONE)))
