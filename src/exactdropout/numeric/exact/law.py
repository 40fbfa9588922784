"""The output law: the full exact distribution of D(W, x, R) over dropout patterns R."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, Unpack

from exactdropout.errors import InvalidInput, MixedNumbers
from exactdropout.model import Examples, Network, drop_rates, exact_rates
from exactdropout.model.arguments import network_of, told_what_is_missing
from exactdropout.model.numbers import format_rational, scalar, show
from exactdropout.numeric.exact.plan import choose
from exactdropout.numeric.exact.strategies.states import last_law
from exactdropout.numeric.exact.strategy import exact_problem
from exactdropout.progress import Progress, reporting

if TYPE_CHECKING:  # printing is loaded by the first table
    from exactdropout.notation.style import Style, StyleOptions

__all__ = ["OutputLaw", "output_law"]

SHORT_END = 40  # letters
BAND = "xd.law_band samples a confidence band with a proved probability"
"""What answers where an exact law is refused."""

MOST_BINS = 10_000
"""Of a histogram."""

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
        return self._quantiles([wanted], output)[0]

    def quantiles(self, levels: Sequence[Any], output: int = 0) -> tuple[Fraction, ...]:
        """Return the quantiles at several levels at once, of one output: its law is summed up once.

        >>> law = OutputLaw(values=((Fraction(0),), (Fraction(4),)), probabilities=(Fraction(3, 4), Fraction(1, 4)))
        >>> law.quantiles(["1/2", "3/4", "4/5"]) == (0, 0, 4)
        True
        """
        wanted = []
        for number, level in enumerate(levels):
            value, kind = scalar(level, f"levels[{number}]")
            if kind not in ("exact", "integer") or not 0 < value <= 1:
                raise InvalidInput(
                    f"Argument 'levels[{number}]' must be a rational with 0 < level <= 1, such as '19/20', not "
                    f"{show(level)}."
                )
            wanted.append(value)
        return self._quantiles(wanted, output)

    def _quantiles(self, levels: Sequence[Fraction], output: int) -> tuple[Fraction, ...]:
        law = self.marginal(output)
        total = list(accumulate(law.probabilities))
        return tuple(law.values[bisect_left(total, level)][0] for level in levels)

    def histogram(self, bins: int = 40, output: int = 0) -> tuple[tuple[Fraction, ...], tuple[Fraction, ...]]:
        """Return bins + 1 edges and the exact probability of each bin, closed on the left, the last on both sides.

        The bins are equally wide, from the smallest value to the largest; one value alone has a bin of width 0. The
        density of a bin is its probability over its width.

        >>> law = OutputLaw(values=((Fraction(0),), (Fraction(4),)), probabilities=(Fraction(3, 4), Fraction(1, 4)))
        >>> edges, chances = law.histogram(bins=4)
        >>> [str(e) for e in edges], [str(p) for p in chances]
        (['0', '1', '2', '3', '4'], ['3/4', '0', '0', '1/4'])
        """
        if isinstance(bins, bool) or not isinstance(bins, int) or not 1 <= bins <= MOST_BINS:
            raise InvalidInput(f"Argument 'bins' must be an integer from 1 to {MOST_BINS}, not {show(bins)}.")
        law = self.marginal(output)
        low, high = law.values[0][0], law.values[-1][0]
        if low == high:
            return (low, high), (Fraction(1),)
        edges = tuple(low + (high - low) * k / bins for k in range(bins + 1))
        starts = [bisect_left(law.values, (edge,)) for edge in edges[:-1]] + [len(law)]
        chances = tuple(sum(law.probabilities[a:b], Fraction(0)) for a, b in pairwise(starts))
        return edges, chances

    def plot(self, axes: Any = None, output: int = 0, bins: int = 40) -> Any:
        """Draw the probabilities of up to 60 values, or the density of a histogram, on Matplotlib axes; return them."""
        from exactdropout.notation.chart import axes_of, drawn

        on, law = axes_of(axes), self.marginal(output)
        if len(law) <= MOST_PRINTED:
            on.vlines([drawn(v[0]) for v in law.values], 0, [float(p) for p in law.probabilities], linewidth=2)
            on.set_ylabel("probability")
        else:
            edges, chances = law.histogram(bins)
            places = [drawn(edge) for edge in edges]
            heights = [float(p / (b - a)) for p, a, b in zip(chances, edges[:-1], edges[1:], strict=True)]
            on.stairs(heights, places, fill=True)
            on.set_ylabel("density")
        on.set_ylim(bottom=0)
        on.set_xlabel("output D" if self.outputs == 1 else f"output {output} of D")
        return on

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

        def shown(v: Sequence[Fraction]) -> str:
            text = ", ".join(format_rational(u) for u in v)
            text = text if len(v) == 1 else f"({text})"
            return text if len(text) <= SHORT_END else ", ".join(f"{float(u):.6g}" for u in v)[:SHORT_END]

        several = "s" if len(self) > 1 else ""
        return f"<OutputLaw of {len(self)} atom{several}, from {shown(low)} to {shown(high)}>"


@told_what_is_missing
def output_law(
    network: Network,
    x: Sequence[Any],
    q: object = None,
    *,
    max_cost: float | None = None,
    progress: Progress | bool | None = None,
) -> OutputLaw:
    """Return the exact law of D(W, x, R) for one input vector x.

    All N mask bits count, the last layer's too; equal states are merged on the way. Cost: at most 2^N states.
    ``progress``: True for a bar on standard error, or ``progress(done, total)`` in thousandths of the states.

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
    if isinstance(x, Examples):
        raise InvalidInput(
            "Argument 'x' must be the inputs of one example, such as (1, -1), not Examples; write data.inputs[0]."
        )
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
    choose(problem, deeper, 1, strategy="states", max_cost=max_cost, instead=BAND)
    example = problem.examples[0]
    with reporting(progress, "thousandths of the states") as report:
        told = 0

        def tick(share: float) -> None:
            nonlocal told
            if report is not None and int(1000 * share) > told:
                told = int(1000 * share)
                report(told, 1000)

        states, output = last_law(example, tick), example.output
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


def _sorted_law(law: dict[tuple[Fraction, ...], Fraction]) -> OutputLaw:
    atoms = sorted(law.items())
    return OutputLaw(values=tuple(v for v, _ in atoms), probabilities=tuple(p for _, p in atoms))
