"""One hidden layer of any width behind few inputs: the mean over all masks of the inputs, unit by unit.

relu of what unit j gets on a mask is an entry ≥ 0 with the index j of its own; equal arguments, up to a positive
factor, have one. relu(−z) = relu(z) − z.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from exactdropout.claims.language.syntax import (
    Claim,
    Comparison,
    Derivative,
    Expression,
    Limit,
    Repeated,
    walk,
)
from exactdropout.claims.setting.setting import Setting
from exactdropout.claims.verifier.algebra import NotReplayed, Ratio, ratio, scaled
from exactdropout.claims.verifier.evaluator import number_of
from exactdropout.claims.verifier.quantities import Quantities, SizesView
from exactdropout.claims.verifier.sums import Factor, Term, Terms

__all__ = ["MaskedInputs"]

F = Fraction
MAX_INPUTS = 4
Argument = dict[tuple[Factor, ...], Ratio]
_UNIT = "*"


class MaskedInputs(Quantities):
    """Quantities by the masks of the inputs, and relu of what a unit gets."""

    def __init__(self, claim: Claim, setting: Setting, view: SizesView) -> None:
        """Check the side conditions of the view.

        Raises:
            NotReplayed: more layers or inputs, several examples, or a claim in which something moves.
        """
        super().__init__(claim, setting, view)
        self.arguments: list[tuple[str, Argument]] = []
        if view != "masked":
            return
        shape = setting.shape
        few = isinstance(shape.inputs, int) and shape.inputs <= MAX_INPUTS
        moving = any(isinstance(node, (Derivative, Limit)) for node in walk(claim))
        if not few or len(shape.hidden) != 1 or shape.symbolic_depth or setting.design is not None or setting.half:
            raise NotReplayed("masks of other inputs than few, before one hidden layer, of one example")
        if moving or not isinstance(claim.statement, Comparison):
            raise NotReplayed("relu that may move")

    def moments(self) -> tuple[Terms, Terms, Terms]:
        """Return W(x), E D and Var D."""
        if self.view != "masked":
            return super().moments()
        shape, inputs = self.setting.shape, self.setting.shape.inputs
        assert isinstance(inputs, int)
        q = self.rate(0)
        keep = ratio(1) + -q
        bias = self.entry(("b", ()), ()) if shape.output_bias else ()
        mean: Terms = ()
        second: Terms = ()
        for mask in itertools.product((0, 1), repeat=inputs):
            chance = ratio(1)
            for kept in mask:
                chance = chance * (keep if kept else q)
            if not chance.top:
                continue
            output = bias + self.sum_over(1, lambda j, mask=mask: self.weighted(j, mask, keep.inverse()))
            noise = self.sum_over(1, lambda j, mask=mask: self.squared(j, mask, keep.inverse()))
            share = self.number(chance)
            mean += self.product(share, output)
            dropped = self.product(self.number(self.spread(1)), noise)
            second += self.product(share, self.product(output, output) + dropped)
        plain = bias + self.sum_over(1, lambda j: self.weighted(j, (1,) * inputs, ratio(1)))
        return plain, mean, second + self.negative(self.product(mean, mean))

    def value(self, node: Expression, bound: Mapping[str, str]) -> Terms:
        """Return the value of an expression; a sum over few inputs is written out."""
        if self.view == "masked" and isinstance(node, Repeated) and node.kind == "sum" and number_of(node.first) == 1:
            label = self.label(node.last)
            if label.isdecimal() and int(label) <= MAX_INPUTS and label != str(self.setting.shape.hidden[0]):
                places = (f"@{i}" for i in range(1, int(label) + 1))
                return tuple(t for at in places for t in self.value(node.body, {**bound, node.index: at}))
        return super().value(node, bound)

    def weighted(self, j: str, mask: tuple[int, ...], scale: Ratio) -> Terms:
        """Return w_j h_j on a mask."""
        return self.product(self.entry(("w", ()), (j,)), self.unit(j, mask, scale))

    def squared(self, j: str, mask: tuple[int, ...], scale: Ratio) -> Terms:
        """Return w_j² h_j² on a mask."""
        weighted = self.weighted(j, mask, scale)
        return self.product(weighted, weighted)

    def unit(self, j: str, mask: tuple[int, ...], scale: Ratio) -> Terms:
        """Return h_j on a mask whose kept inputs are multiplied by ``scale``."""
        z: Terms = self.entry(("b", (1,)), (j,)) if self.setting.shape.hidden_biases else ()
        for i, kept in enumerate(mask, start=1):
            if kept:
                weighted = self.product(self.entry(("W", (1,)), (j, f"@{i}")), self.entry(("x", ()), (f"@{i}",)))
                z += self.product(self.number(scale), weighted)
        slope = self.setting.shape.activation.slope
        if slope == 1:
            return z
        bent = self.product(self.number(ratio(1 - slope)), self.called("relu", [z]))
        return bent + self.product(self.number(ratio(slope)), z)

    def called(self, function: str, values: list[Terms]) -> Terms:
        """Return relu, abs, max or min; relu of what one unit gets is an entry."""
        if self.view == "masked" and function == "max" and len(values) == 2 and () in values:
            function, values = "relu", [values[0] if values[1] == () else values[1]]
        if self.view == "masked" and function == "relu":
            found = self.argument(values[0])
            if found is not None:
                return self.relu_of(*found)
        return super().called(function, values)

    def argument(self, z: Terms) -> tuple[str, Argument] | None:
        """Return the unit, and the polynomial in its weights, its bias and inputs; None where no unit is named.

        Raises:
            NotReplayed: weights of two units, or an index that is neither that of the unit nor a number.
        """
        found: Argument = {}
        units: set[str] = set()
        for term in z:
            ranges = []
            for _, label in term.summed:
                if not label.isdecimal() or int(label) > MAX_INPUTS:
                    raise NotReplayed("relu of a sum over many")
                ranges.append([f"@{i}" for i in range(1, int(label) + 1)])
            for places in itertools.product(*ranges):
                at = dict(zip((index for index, _ in term.summed), places, strict=True))
                factors = [(name, tuple(at.get(i, i) for i in ix)) for name, ix in term.factors]
                units |= {ix[0] for name, ix in factors if name in ("W1", "b1", "w")}
                key = tuple(sorted(factors))
                found[key] = found.get(key, ratio(0)) + term.coefficient
        if not units:
            return None
        unit = units.pop()
        named = [factor for key in found for factor in key]
        others = {i for name, ix in named for i in (ix[1:] if name in ("W1", "b1", "w") else ix)}
        if units or any(i[0] != "@" for i in others) or any(name not in ("W1", "b1", "w", "x") for name, _ in named):
            raise NotReplayed("relu of something that is not of one unit")
        own = {tuple((n, (_UNIT, *ix[1:]) if n in ("W1", "b1", "w") else ix) for n, ix in key): value
               for key, value in found.items() if value.top}  # fmt: skip
        return unit, own

    def relu_of(self, unit: str, z: Argument) -> Terms:
        """Return relu(z) of a unit: relu(c z) = c relu(z) for c > 0, and relu(−z) = relu(z) − z."""
        if not z:
            return ()
        lead = z[min(z)]
        polynomial = self.sign_kept(lead)
        sign = 1 if self.signs.positive(polynomial) else -1 if self.signs.positive(scaled(polynomial, F(-1))) else 0
        if not sign:
            raise NotReplayed("relu of something whose leading factor may have any sign")
        size = lead if sign > 0 else -lead
        under = lead.inverse()
        plain = {key: value * under for key, value in z.items()}
        name = next((n for n, known in self.arguments if _equal(known, plain)), None)
        if name is None:
            name = f"a{len(self.arguments)}'"
            self.arguments.append((name, plain))
            self.letters[name] = frozenset({">="})
        result: Terms = (Term(ratio(1), ((name, (unit,)),)),)
        if sign < 0:
            whole = tuple(
                Term(value, tuple((n, (unit, *ix[1:]) if ix[:1] == (_UNIT,) else ix) for n, ix in key))
                for key, value in plain.items()
            )
            result += self.negative(whole)
        return self.product(self.number(size), result)


def _equal(one: Any, other: Any) -> bool:
    return one.keys() == other.keys() and not any((one[key] + -other[key]).top for key in one)
