"""What an evaluation returns, whatever engine made it.

Definitions (Helmbold and Long 2017, Section 2), with R the dropout pattern, (x, y) an example of P, outputs
summed where there are several:

- criterion J_D(W) = E_P E_R ‖D(W, x, R) − y‖², risk R_P(W) = E_P ‖W(x) − y‖²;
- penalty = J_D − R_P = variance + bias, where variance = E_P Var_R D and
  bias = E_P (E_R D − W(x))·(E_R D + W(x) − 2y).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias, TypeVar, Unpack

import numpy as np

from exactdropout.errors import InvalidInput
from exactdropout.model.numbers import Array, Number, approximate, dyadic, format_rational, freeze, rounded_up, show

if TYPE_CHECKING:  # printing is loaded by the first formula, not by the first number
    from exactdropout.notation.style import Style, StyleOptions

__all__ = [
    "EntryBounds",
    "Evaluation",
    "Exactness",
    "Gradient",
    "HessianProduct",
    "PerExample",
    "Plan",
    "ReadOnly",
    "RunnerUp",
    "dyadic",
    "filled",
]

T = TypeVar("T")
V = TypeVar("V")

Exactness: TypeAlias = Literal["exact", "float64", "interval"]


@dataclass(frozen=True, kw_only=True)
class RunnerUp:
    """A strategy that was considered and not chosen."""

    strategy: str
    cost: float
    reason: str


_SIZES = ((2**20, "KiB"), (2**30, "MiB"))


@dataclass(frozen=True, kw_only=True, repr=False)
class Plan:
    """How an evaluation is carried out, known before it starts; made from shapes and values, deterministic.

    ``masks`` is the number of dropout patterns 2^N of the definition, per example; ``visited`` how many leaves or
    states the strategy visits over all examples; ``cost`` the elementary steps (one multiply-add of one number);
    ``memory`` in bytes; ``seconds`` an estimate on one core of a common machine.
    """

    strategy: str
    exactness: Exactness
    mask_bits: int
    visited: int
    cost: float
    memory: int
    seconds: float
    reason: str
    runners_up: tuple[RunnerUp, ...] = ()

    @property
    def masks(self) -> int:
        """2^N, the number of dropout patterns of one example."""
        return 1 << self.mask_bits

    def __str__(self) -> str:
        """Return the plan as a few lines of text."""
        size = next(
            (f"{self.memory / below * 1024:.3g} {unit}" for below, unit in _SIZES if self.memory < below),
            f"{self.memory / 2**30:.3g} GiB",
        )
        lines = [
            f"strategy   {self.strategy} ({self.exactness})",
            f"masks      2^{self.mask_bits} per example",
            f"visits     {self.visited:,} leaves or states over all examples",
            f"cost       {self.cost:.3g} steps, about {self.seconds:.2g} s on one core",
            f"memory     {size}",
            f"reason     {self.reason}",
        ]
        for r in self.runners_up:
            cost = f" ({r.cost:.3g} steps)" if math.isfinite(r.cost) else ""
            lines.append(f"not chosen {r.strategy}{cost}: {r.reason}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        """Return the strategy, the masks and the time that is expected."""
        return f"Plan({self.strategy}, {self.exactness}, 2^{self.mask_bits} masks, about {self.seconds:.2g} s)"

    def _repr_html_(self) -> str:
        from exactdropout.numeric.printed import plan_html

        return plan_html(self)


class ReadOnly(Mapping[str, V]):
    """A mapping that nobody changes: what is proved must not be overwritten by accident."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, V]) -> None:
        """Keep the values themselves, not a copy."""
        self._values = values

    def __getitem__(self, name: str) -> V:
        """Return the value of this name."""
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        """Return the names."""
        return iter(self._values)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._values)

    def __repr__(self) -> str:
        """Return what a dictionary shows."""
        return repr(dict(self._values))


class _ByValue:
    """Equality of results field by field, arrays by their entries; not hashable, as arrays are not."""

    __hash__ = None  # type: ignore[assignment]  # as Python has it for lists

    def __eq__(self, other: object) -> bool:
        """Return whether all fields are equal, bit for bit."""
        return type(self) is type(other) and _same(self.__getstate__(), other.__getstate__())

    def __getstate__(self) -> dict[str, Any]:
        """Return all fields, those included that are made when they are asked for."""
        kind: Any = type(self)
        return {f.name: getattr(self, f.name) for f in fields(kind)}


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return np.array_equal(a, b)
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(_same(a[name], b[name]) for name in a)
    return bool(a == b)


@dataclass(frozen=True, kw_only=True, eq=False)
class EntryBounds(_ByValue):
    """A bound of the absolute error of each entry: arrays of the shapes of the gradient's, 0 where it is exact."""

    weights: tuple[Array, ...]
    biases: tuple[Array | None, ...]

    @property
    def largest(self) -> Number:
        """The largest of them."""
        return max(a.max() for a in (*self.weights, *(b for b in self.biases if b is not None)))

    @classmethod
    def zeros(cls, weights: Iterable[Array], biases: Iterable[Array | None]) -> EntryBounds:
        """Return bounds for exact entries of these shapes."""

        def exact(array: Array) -> Array:
            return freeze(np.full(array.shape, Fraction(0)))

        return cls(weights=tuple(map(exact, weights)), biases=tuple(None if b is None else exact(b) for b in biases))


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class _Derivative(_ByValue):
    weights: tuple[Array, ...]
    biases: tuple[Array | None, ...]
    error_bounds: EntryBounds
    _title: ClassVar[str]

    @property
    def error_bound(self) -> Number:
        """The largest bound of an entry."""
        return self.error_bounds.largest

    def __repr__(self) -> str:
        """Return the number of entries, the largest of them and the largest bound."""
        arrays = [*self.weights, *(b for b in self.biases if b is not None)]
        largest, bound = Fraction(max(abs(a).max() for a in arrays)), Fraction(self.error_bound)
        known = "exact" if bound == 0 else f"±{rounded_up(bound)}"
        size = f"{float(largest):.6g}" if largest < 2**1000 else approximate(largest, 6)
        shown = f"{sum(a.size for a in arrays)} entries, largest {size}, {known}"
        return f"{type(self).__name__}({shown})"

    def _repr_html_(self) -> str:
        from exactdropout.numeric.printed import derivative_html

        return derivative_html(self, self._title)


class Gradient(_Derivative):
    """∂J_D/∂W: arrays of the shapes of ``Network.weights`` and ``Network.biases`` (None where there is no bias).

    At a kink (a pre-activation exactly 0) the derivative of the activation is taken as its slope on the
    negative side; relu′(0) = 0. ``error_bounds`` bounds the absolute error of each entry, in arrays of the same shapes;
    ``error_bound`` is the largest of these bounds.
    """

    _title = "Gradient of the criterion"

    def latex(self, style: Style | None = None, **options: Unpack[StyleOptions]) -> str:
        """Return one matrix per layer in aligned lines; at most 400 entries."""
        from exactdropout.notation.style import styled
        from exactdropout.numeric.printed import gradient_latex

        return gradient_latex(self, styled(style, options))


class HessianProduct(_Derivative):
    """H·V, the derivative of ∂J_D/∂W along a direction V: arrays of the shapes of the gradient's.

    J_D is a polynomial in the weights between kinks. At a kink it is the second derivative of the polynomial of the
    piece that the gradient's convention selects (each activation replaced by its linear branch, the negative one at
    exactly 0). ``error_bounds`` bounds the absolute error of each entry, ``error_bound`` is the largest of them.
    """

    _title = "Hessian product of the criterion"


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class PerExample(_ByValue):
    """The same quantities for each example on its own, without its probability: m rows, in the data's order.

    ``output`` is W(x), ``mean`` is E_R D and ``variance`` is Var_R D, each of shape (m, outputs); ``criterion``,
    ``risk`` and ``penalty`` have shape (m,). ``squared_error_variance`` is Var_R ‖D − y‖², on request.
    ``error_bounds`` maps the name of each of these to an array of bounds of its shape.
    """

    output: Array
    mean: Array
    variance: Array
    criterion: Array
    risk: Array
    penalty: Array
    squared_error_variance: Array | None = None
    error_bounds: Mapping[str, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the bounds read-only."""
        object.__setattr__(self, "error_bounds", ReadOnly(self.error_bounds))

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.criterion)

    def __repr__(self) -> str:
        """Return the number of rows and the largest criterion among them."""
        worst = int(np.argmax(self.criterion))
        return f"<PerExample: {len(self)} row{'s' if len(self) != 1 else ''}, the largest criterion in row {worst}>"

    def _repr_html_(self) -> str:
        from exactdropout.numeric.printed import per_example_html

        return per_example_html(self)


def _table(rows: Array, outputs: int) -> PerExample:
    """Return the table of a small problem: 2 × 3 × m × outputs numbers, 2 × 4 × m (bias last); bounds are in [1]."""
    m = len(rows) // (6 * outputs + 8)
    rows.setflags(write=False)
    shares = rows[: 6 * m * outputs].reshape(2, 3, m, outputs)
    scalars = rows[6 * m * outputs :].reshape(2, 4, m)
    columns, bounds = (
        dict(zip(("output", "mean", "variance", "criterion", "risk", "penalty"), (*s, *c[:3]), strict=True))
        for s, c in zip(shares, scalars, strict=True)
    )
    return PerExample(**columns, error_bounds=bounds)


def filled(kind: type[T], fields: dict[str, Any]) -> T:
    """Return a frozen dataclass with the given fields, all of them, filled at once.

    Its own constructor sets field after field through ``object.__setattr__``, a quarter of a microsecond each, which
    counts where a whole evaluation takes fifty.
    """
    made = object.__new__(kind)
    made.__dict__.update(fields)
    return made


def _root(value: Fraction, *, up: bool) -> float:
    """Return a float on the named side of √value: an integer square root of 2^(2k)·value, rounded outwards."""
    if value == 0:
        return 0.0
    shift = max(0, 70 - (value.numerator.bit_length() - value.denominator.bit_length()) // 2)
    floor = math.isqrt((value.numerator << 2 * shift) // value.denominator)
    try:
        result = float(Fraction(floor + up, 1 << shift))
    except OverflowError:  # beyond float64: the largest number below, infinity above
        return math.inf if up else math.nextafter(math.inf, 0.0)
    return math.nextafter(result, math.inf if up else 0.0)


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Evaluation(_ByValue):
    """Criterion, risk and penalty of a network on a distribution, with a bound that contains the exact value.

    Every quantity v satisfies |v − exact value| ≤ ``error_bounds[name]``; all bounds are 0 when ``exactness`` is
    ``"exact"``. ``mean`` is E_P E_R D, one entry per output; ``variance`` and ``bias`` split the penalty.
    """

    criterion: Number
    risk: Number
    penalty: Number
    mean: tuple[Number, ...]
    variance: Number
    bias: Number
    error_bounds: Mapping[str, Number]
    exactness: Exactness
    probabilities: tuple[Fraction, ...]
    per_example: PerExample
    plan: Plan
    gradient: Gradient | None = None
    hessian_product: HessianProduct | None = None

    def __post_init__(self) -> None:
        """Make the bounds read-only."""
        object.__setattr__(self, "error_bounds", ReadOnly(self.error_bounds))

    if not TYPE_CHECKING:  # any other name is an error, which a type checker would not see

        def __getattr__(self, name):
            """Return ``per_example`` of a small problem, made when it is first asked for: it takes 3 µs."""
            if name == "per_example" and "_rows" in self.__dict__:
                return self.__dict__.setdefault(name, _table(self.__dict__["_rows"], len(self.mean)))
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)

    @property
    def error_bound(self) -> Number:
        """The bound of the criterion."""
        return self.error_bounds["criterion"]

    def enclosure(self, name: str = "criterion") -> tuple[Fraction, Fraction]:
        """Return rationals [lower, upper] that contain the exact value of a scalar quantity such as ``"penalty"``.

        The two are equal when the evaluation is exact. Nothing is rounded here: floats and mpmath numbers are the
        dyadic rationals that they are.
        """
        if name not in ("criterion", "risk", "penalty", "variance", "bias"):
            raise InvalidInput(f"Argument 'name' must be criterion, risk, penalty, variance or bias, not {show(name)}.")
        value, bound = dyadic(getattr(self, name)), dyadic(self.error_bounds[name])
        return value - bound, value + bound

    def sampling_variance(self, masks: int) -> tuple[Fraction, Fraction]:
        """Return rationals [lower, upper] with the variance of the Monte-Carlo estimate of J_D.

        The estimate takes ``masks`` independent masks for each example: Var = Σ_i P_i² Var_R ‖D(W, x_i, R) − y_i‖² /
        masks. Needs ``moments=4`` in the call of evaluate. Both ends are equal when the evaluation is exact.
        """
        if not isinstance(masks, int) or isinstance(masks, bool) or masks < 1:
            raise InvalidInput(f"Argument 'masks' must be a positive integer, not {show(masks)}.")
        table = self.per_example
        if table.squared_error_variance is None:
            raise InvalidInput("Argument 'moments' of evaluate must be 4 for a sampling variance; it was 2.")
        variances = table.squared_error_variance.tolist()
        bounds = table.error_bounds["squared_error_variance"].tolist() if table.error_bounds else [0] * len(variances)
        value = error = Fraction(0)
        for p, v, b in zip(self.probabilities, variances, bounds, strict=True):
            value += p * p * dyadic(v)
            error += p * p * dyadic(b)
        return max((value - error) / masks, Fraction(0)), (value + error) / masks

    def standard_error(self, masks: int) -> tuple[float, float]:
        """Return floats [lower, upper] that contain the standard error √Var of that Monte-Carlo estimate.

        >>> from exactdropout.evaluation import evaluate
        >>> from exactdropout.model import Network
        >>> low, high = evaluate(Network([[2]]), [((1,), 3)], "1/2", moments=4).standard_error(100)
        >>> low <= 0.4 <= high <= low * (1 + 1e-15)     # (D − 3)² is 9 or 1, so one draw has deviation 4
        True
        """
        low, high = self.sampling_variance(masks)
        return _root(low, up=False), _root(high, up=True)

    def latex(self, style: Style | None = None, **options: Unpack[StyleOptions]) -> str:
        """Return a booktabs table of the quantities, each with a bound of its error; long fractions as decimals."""
        from exactdropout.notation.style import styled
        from exactdropout.numeric.printed import evaluation_latex

        return evaluation_latex(self, styled(style, options))

    def _repr_latex_(self) -> str:
        from exactdropout.numeric.printed import evaluation_lines

        return rf"$\displaystyle {evaluation_lines(self)}$"

    def _repr_html_(self) -> str:
        from exactdropout.numeric.printed import evaluation_html

        return evaluation_html(self)

    def __repr__(self) -> str:
        """Return a short description."""

        def text(value: Number) -> str:
            if isinstance(value, float):
                return f"{value:.17g}"
            if not isinstance(value, Fraction):
                return show(value, 40)
            exact = format_rational(value)
            return exact if len(exact) <= 40 else f"\N{ALMOST EQUAL TO}{approximate(value, 17)}"

        bound = "exact" if self.exactness == "exact" else f"error_bound={rounded_up(dyadic(self.error_bound))}"
        return (
            f"Evaluation(criterion={text(self.criterion)}, risk={text(self.risk)}, "
            f"penalty={text(self.penalty)}, {bound})"
        )
