"""The evaluations of one network over several drop probabilities: a table, and a picture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Unpack

from exactdropout.errors import InvalidInput
from exactdropout.model.numbers import Number, format_rational, parse_rational, scalar, show
from exactdropout.numeric.result import Evaluation

if TYPE_CHECKING:  # printing is loaded by the first table
    from exactdropout.notation.style import Style, StyleOptions

__all__ = ["OverQ", "rate_grid"]


MOST_RATES = 1000


def rate_grid(q: object, name: str = "q") -> tuple[Fraction, ...]:
    """Return drop probabilities from a sequence of numbers, from text such as ``"0,1/4,1/2"``, or START:STOP:COUNT.

    Raises:
        InvalidInput: none of these, a number outside [0, 1), or more than 1000.

    >>> list(map(str, rate_grid("0:3/4:4")))
    ['0', '1/4', '1/2', '3/4']
    """
    if isinstance(q, str) and ":" in q:
        parts = q.split(":")
        if len(parts) != 3:
            raise InvalidInput(f"Argument {name!r} must be a list or START:STOP:COUNT, not {show(q)}.")
        start, stop, count = (parse_rational(part, name) for part in parts)
        if count.denominator != 1 or not 2 <= count <= MOST_RATES:
            raise InvalidInput(f"Argument {name!r} must have a COUNT from 2 to {MOST_RATES}, not {show(parts[2])}.")
        rates = [start + (stop - start) * k / (count - 1) for k in range(int(count))]
    else:
        given: Any = q.split(",") if isinstance(q, str) else q
        if not isinstance(given, Iterable) or isinstance(given, (bytes, Mapping)):
            raise InvalidInput(f"Argument {name!r} must be a sequence of numbers or START:STOP:COUNT, not {show(q)}.")
        rates = []
        for one in given:
            if isinstance(one, str) and ".." in one:
                raise InvalidInput(
                    f"Argument {name!r} must be a list or START:STOP:COUNT, such as 0:9/10:10, not {show(q)}."
                )
            value, kind = scalar(one, name)
            if kind == "symbolic":
                raise InvalidInput(f"Argument {name!r} must hold numbers, not {show(one)}; xd.derive leaves q free.")
            rates.append(Fraction(value))
            if len(rates) > MOST_RATES:
                raise InvalidInput(f"Argument {name!r} must hold at most {MOST_RATES} numbers.")
    wrong = next((rate for rate in rates if not 0 <= rate < 1), None)
    if wrong is not None or not rates:
        came = "none" if wrong is None else show(format_rational(wrong))
        raise InvalidInput(f"Argument {name!r} must hold numbers with 0 <= q < 1, such as 0:9/10:10, not {came}.")
    return tuple(rates)


@dataclass(frozen=True, kw_only=True, repr=False)
class OverQ:
    """Evaluations of one network on one distribution, one for each drop probability of ``rates``, in their order.

    ``criterion``, ``risk``, ``penalty``, ``variance`` and ``bias`` are tuples of numbers, each with the exactness and
    the bound that its evaluation has.
    """

    rates: tuple[Fraction, ...]
    evaluations: tuple[Evaluation, ...]

    @property
    def criterion(self) -> tuple[Number, ...]:
        """J_D at each q."""
        return tuple(one.criterion for one in self.evaluations)

    @property
    def risk(self) -> tuple[Number, ...]:
        """The risk, which does not depend on q."""
        return tuple(one.risk for one in self.evaluations)

    @property
    def penalty(self) -> tuple[Number, ...]:
        """J_D − risk at each q."""
        return tuple(one.penalty for one in self.evaluations)

    @property
    def variance(self) -> tuple[Number, ...]:
        """E_P Var_R D at each q."""
        return tuple(one.variance for one in self.evaluations)

    @property
    def bias(self) -> tuple[Number, ...]:
        """Penalty − variance at each q."""
        return tuple(one.bias for one in self.evaluations)

    def __len__(self) -> int:
        """Return the number of drop probabilities."""
        return len(self.rates)

    def __getitem__(self, place: int) -> Evaluation:
        """Return the evaluation at one of them."""
        return self.evaluations[place]

    def __iter__(self) -> Iterator[Evaluation]:
        """Return the evaluations one by one."""
        return iter(self.evaluations)

    def plot(self, axes: Any = None) -> Any:
        """Draw criterion, risk and penalty over q on Matplotlib axes, new ones or those given, and return them.

        Raises:
            MissingExtra: Matplotlib is not installed.
            NumericalRange: a number is beyond float64.
        """
        from exactdropout.notation.chart import axes_of, drawn

        on = axes_of(axes)
        places = [float(rate) for rate in self.rates]
        for name, line in (("criterion", "-"), ("risk", "--"), ("penalty", ":")):
            heights = [drawn(value) for value in getattr(self, name)]
            on.plot(places, heights, line, marker="." if len(places) < 40 else "", label=name)
        on.axhline(0, color="0.8", linewidth=0.8, zorder=0)
        on.set_xlabel("drop probability q")
        on.set_ylabel("squared error")
        on.legend(frameon=False)
        return on

    def latex(self, style: Style | None = None, **options: Unpack[StyleOptions]) -> str:
        """Return a booktabs table, one row for each q."""
        from exactdropout.notation.numbers import number_latex
        from exactdropout.notation.style import styled
        from exactdropout.numeric.printed import stack_latex

        names = (f"${number_latex(rate)}$" for rate in self.rates)
        return stack_latex("$q$", names, self.evaluations, styled(style, options))

    def _repr_html_(self) -> str:
        from exactdropout.numeric.printed import stack_html

        return stack_html("q", map(format_rational, self.rates), self.evaluations, len(self))

    def __repr__(self) -> str:
        """Return the range of q, and where the criterion is least."""
        least = min(range(len(self)), key=lambda k: self.criterion[k])
        ends = f"q = {format_rational(self.rates[0])} to {format_rational(self.rates[-1])}"
        many = f"{len(self)} evaluation{'s' if len(self) != 1 else ''}"
        return f"<OverQ: {many}, {ends}, the least criterion at q = {format_rational(self.rates[least])}>"
