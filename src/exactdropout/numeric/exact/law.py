"""The output law: the full exact distribution of D(W, x, R) over dropout patterns R."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Unpack

from exactdropout.errors import InvalidInput, MixedNumbers
from exactdropout.model import Examples, Network, drop_rates, exact_rates
from exactdropout.model.arguments import network_of
from exactdropout.model.numbers import format_rational, scalar, show
from exactdropout.numeric.exact.plan import choose
from exactdropout.numeric.exact.strategies.states import last_law
from exactdropout.numeric.exact.strategy import exact_problem

if TYPE_CHECKING:  # printing is loaded by the first table
    from exactdropout.notation.style import Style, StyleOptions

__all__ = ["OutputLaw", "output_law"]

MOST_PRINTED = 60
"""Atoms of a law that is printed as a table in LaTeX: what fits on a page."""


@dataclass(frozen=True, kw_only=True, repr=False)
class OutputLaw:
    """The distribution of D: ``values`` (one tuple per atom, sorted) with exact ``probabilities`` that sum to 1."""

    values: tuple[tuple[Fraction, ...], ...]
    probabilities: tuple[Fraction, ...]

    @property
    def outputs(self) -> int:
        """Number of outputs."""
        return len(self.values[0])

    def mean(self) -> tuple[Fraction, ...]:
        """Return E D, one entry per output."""
        return tuple(
            sum((p * v[o] for v, p in zip(self.values, self.probabilities, strict=True)), Fraction(0))
            for o in range(self.outputs)
        )

    def variance(self) -> tuple[Fraction, ...]:
        """Return Var D, one entry per output."""
        means = self.mean()
        return tuple(
            sum((p * (v[o] - a) ** 2 for v, p in zip(self.values, self.probabilities, strict=True)), Fraction(0))
            for o, a in enumerate(means)
        )

    def marginal(self, output: int = 0) -> OutputLaw:
        """Return the law of one output."""
        if not 0 <= output < self.outputs:
            raise InvalidInput(f"Argument 'output' must satisfy 0 <= output < {self.outputs}, not {output}.")
        merged: dict[tuple[Fraction, ...], Fraction] = {}
        for value, p in zip(self.values, self.probabilities, strict=True):
            merged[(value[output],)] = merged.get((value[output],), Fraction(0)) + p
        return _sorted_law(merged)

    def cdf(self, t: Any, output: int = 0) -> Fraction:
        """Return P(D ≤ t)."""
        limit, kind = scalar(t, "t")
        if kind == "symbolic":
            raise MixedNumbers(f"Argument 't' must be a number, not {show(t)}.")
        law = self.marginal(output)
        return sum((p for v, p in zip(law.values, law.probabilities, strict=True) if v[0] <= limit), Fraction(0))

    def quantile(self, level: Any, output: int = 0) -> Fraction:
        """Return the smallest value v with P(D ≤ v) ≥ level, for 0 < level ≤ 1."""
        wanted, kind = scalar(level, "level")
        if kind == "float64":
            raise MixedNumbers(f"Argument 'level' is the float {level!r}; write a Fraction or text such as '19/20'.")
        if kind == "symbolic" or not 0 < wanted <= 1:
            raise InvalidInput(f"Argument 'level' must satisfy 0 < level <= 1, not {show(level)}.")
        law = self.marginal(output)
        return law.values[bisect_left(list(accumulate(law.probabilities)), wanted)][0]

    def latex(self, style: Style | None = None, **options: Unpack[StyleOptions]) -> str:
        """Return a booktabs table of values and probabilities; at most 60 atoms.

        Raises:
            InvalidInput: more atoms.
        """
        if len(self) > MOST_PRINTED:
            raise InvalidInput(
                f"Argument 'law' must have at most {MOST_PRINTED} atoms to be printed as a table, not {len(self)}."
            )
        from exactdropout.notation.document import document, table
        from exactdropout.notation.numbers import number_latex, vector_latex
        from exactdropout.notation.style import styled

        rows = [
            [f"${number_latex(v[0]) if len(v) == 1 else vector_latex(v)}$", f"${number_latex(p)}$"]
            for v, p in zip(self.values, self.probabilities, strict=True)
        ]
        shown = table(["$D$", "probability"], rows, "rr")
        return document(shown) if styled(style, options).standalone else shown

    def _repr_html_(self) -> str:
        from exactdropout.notation.numbers import value_text
        from exactdropout.notation.page import table_html

        rows = (
            [", ".join(value_text(u) for u in v), value_text(p)]
            for v, p in zip(self.values, self.probabilities, strict=True)
        )
        return table_html(["D", "probability"], rows, title="Law of the output D", numeric=[0, 1], count=len(self))

    def __len__(self) -> int:
        """Return the number of atoms."""
        return len(self.values)

    def __repr__(self) -> str:
        """Return a short description."""
        low, high = self.values[0], self.values[-1]
        ends = ", ".join("(" + ", ".join(format_rational(u) for u in v) + ")" for v in (low, high))
        return f"<OutputLaw of {len(self)} atoms from {show(ends, 80)}>"


def output_law(network: Network, x: Sequence[Any], q: object = None, *, max_cost: float | None = None) -> OutputLaw:
    """Return the exact law of D(W, x, R) for one input vector x.

    All N mask bits count, the last layer's too; equal states are merged on the way. Cost: at most 2^N states.

    Raises:
        MixedNumbers: the network, x or q is not rational (``network.exact()`` converts a float64 one).
        CostLimitExceeded: the states may take more than ``max_cost`` seconds of one core (60).

    >>> from exactdropout.model import Network
    >>> law = output_law(Network([[[1, 1], [1, 1]], [1, 1]]), (1, -1), "1/2")
    >>> [(int(v[0]), str(p)) for v, p in zip(law.values, law.probabilities)]
    [(0, '13/16'), (4, '1/8'), (8, '1/16')]
    """
    if network_of(network).kind != "exact":
        raise MixedNumbers(f"Argument 'network' must be exact for a law, not {network.kind}; see network.exact().")
    data = Examples.point(x, [0] * network.architecture.outputs)
    if data.kind != "exact":
        raise MixedNumbers(f"Argument 'x' must be exact for a law, not {data.kind}; write fractions.")
    if data.inputs.shape[1] != network.architecture.inputs:
        raise InvalidInput(
            f"Argument 'x' must have {network.architecture.inputs} entries, one per input, not {data.inputs.shape[1]}."
        )
    rates = exact_rates(*drop_rates(q, network.architecture))
    # Walking the last layer's masks too is what a network with one more (linear) layer would do.
    width = network.architecture.outputs
    identity = [[Fraction(int(i == j)) for j in range(width)] for i in range(width)]
    deeper = Network(
        [*network.weights, identity],
        [*(network.bias(layer) for layer in range(len(network.weights))), None],
        activation=[*network.architecture.activations, "linear"],
    )
    problem = exact_problem(deeper, data, (*rates, Fraction(0)))
    choose(problem, deeper, 1, strategy="states", max_cost=max_cost)
    example = problem.examples[0]
    states, output = last_law(example, _ignore), example.output
    total = int(sum(states.values()))
    law: dict[tuple[Fraction, ...], Fraction] = {}
    for h, weight in states.items():
        sums = [
            sum((count * column[o] * h[group] for group, column, count in output.sources), bias)
            for o, bias in enumerate(output.bias)
        ]
        value = tuple([Fraction(int(u), output.scale) for u in sums])
        law[value] = law.get(value, Fraction(0)) + Fraction(int(weight), total)
    return _sorted_law(law)


def _ignore(share: float) -> None:
    """Tell nobody how far the law is."""


def _sorted_law(law: dict[tuple[Fraction, ...], Fraction]) -> OutputLaw:
    atoms = sorted(law.items())
    return OutputLaw(values=tuple(v for v, _ in atoms), probabilities=tuple(p for _, p in atoms))
