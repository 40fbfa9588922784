"""Masking schemes: what is dropped together, and what is done with what is kept.

Every scheme draws independent bits m ∈ {0, 1} with P(m = 1) = p = 1 − q, one for each entry of an array whose size is 1
along the dimensions that share a bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from math import prod
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from exactdropout.errors import InvalidInput
from exactdropout.model.numbers import show
from exactdropout.testing.number_formats import NumberFormat, exact, interval, rounded_rates, within

__all__ = ["Scaling", "Scheme", "channel", "dropconnect", "scheme", "shared"]

Floats = npt.NDArray[np.float64]
Truths = npt.NDArray[np.bool_]
Scaling = Literal["inverted", "classic", "none"]
SELU_ALPHA = Fraction(-175809934084737653, 10**17)
"""α′ = −λα of the self-normalising networks (Klambauer et al. 2017): what alpha dropout puts in place of a value."""
SOFTMAX_UNITS = 16


@dataclass(frozen=True, kw_only=True)
class Scheme:
    """A masking scheme; :func:`scheme` makes one from its name.

    ``sharing`` names the dimensions that share a bit: ``"none"``, ``"channel"`` (all from the third on),
    ``"channel, unbatched"`` (all from the second on), ``"row"`` (all but the first), ``"batch"`` (all) or ``"dims"``
    (those of ``dims``). ``transform`` says what is done: ``"multiply"`` y = x m/p, ``"alpha"``
    y = a(x m + α′(1 − m)) + b, ``"softmax"`` y = softmax(x) m/p, ``"gaussian"`` y = x(1 + ε) with Var ε = q/p.
    """

    name: str
    sharing: str = "none"
    dims: tuple[int, ...] = ()
    transform: Literal["multiply", "alpha", "softmax", "gaussian"] = "multiply"
    scaling: Scaling = "inverted"
    weight: Any = None
    per: Literal["call", "row"] = "call"

    def bit_axes(self, ndim: int) -> tuple[int, ...]:
        """Return the dimensions that share a bit, in an input of ``ndim`` dimensions."""
        if self.sharing == "dims":
            if any(not -ndim <= d < ndim for d in self.dims):
                raise InvalidInput(f"Argument 'model' shares dimensions {self.dims}, but the input has {ndim}.")
            return tuple(sorted({d % ndim for d in self.dims}))
        first = {"none": ndim, "channel": 2, "channel, unbatched": 1, "row": 1, "batch": 0}[self.sharing]
        return tuple(range(first, ndim))

    def bit_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Return the shape of the mask for an input of that shape."""
        axes = self.bit_axes(len(shape))
        return tuple(1 if axis in axes else n for axis, n in enumerate(shape))

    def base(self, x: Floats) -> Floats:
        """Return what the mask multiplies."""
        if self.transform != "softmax":
            return x
        powers = np.exp(x - x.max(axis=-1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=-1, keepdims=True))

    def factor(self, q: Fraction) -> Fraction:
        """Return what a kept value is multiplied by."""
        return 1 / (1 - q) if self.scaling == "inverted" else Fraction(1)

    def evaluation_factor(self, q: Fraction) -> Fraction:
        """Return what evaluation multiplies by: p with classic scaling, else 1."""
        return 1 - q if self.scaling == "classic" else Fraction(1)

    def read(self, x: Floats, y: Floats, q: Fraction, form: NumberFormat) -> Reading:
        """Return which entries were kept, which dropped, and which are neither."""
        base = self.base(x)
        rates = rounded_rates(q, form)
        if self.transform == "alpha":
            return self._read_alpha(base, y, rates, form)
        if self.transform == "softmax":
            factor = float(self.factor(q))
            room = softmax_room(x, base * factor, form)
            kept, tiny = np.abs(y - base * factor) <= room, base * factor <= room
            return Reading(kept=kept & ~tiny, dropped=(y == 0) & ~tiny, unseen=tiny & (kept | (y == 0)))
        return read_product(base, y, [self.factor(r) for r in rates], form)

    def read_gradient(self, cotangent: Floats, gradient: Floats, q: Fraction, form: NumberFormat) -> Reading:
        """Return which entries the backward pass kept, where dy/dx is a number times the mask."""
        rates = rounded_rates(q, form)
        factors = [alpha_constants(r)[0] if self.transform == "alpha" else self.factor(r) for r in rates]
        return read_product(cotangent, gradient, factors, form)

    def _read_alpha(self, x: Floats, y: Floats, rates: tuple[Fraction, ...], form: NumberFormat) -> Reading:
        low, high = _alpha_interval(float(SELU_ALPHA), rates, form)
        kept, dropped = within(y, x, lambda value: _alpha_interval(value, rates, form)), (y >= low) & (y <= high)
        both = kept & dropped
        return Reading(kept=kept & ~both, dropped=dropped & ~both, unseen=both)

    def describe(self) -> str:
        """Return the scheme in words."""
        return f"{self.name}, {self.scaling} scaling" if self.transform == "multiply" else self.name


def softmax_room(x: Floats, values: Floats, form: NumberFormat) -> Floats:
    """Return how far a weight of size ``values`` may be off: exp(s) loses |s| units where the score s is rounded."""
    distance = x.max(axis=-1, keepdims=True) - x
    return np.asarray((SOFTMAX_UNITS + 4 * distance) * form.epsilon * np.abs(values) + 2.0**form.lowest)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What an output says of the mask: entries kept, dropped, unseen (their value is the same either way), or wrong."""

    kept: Truths
    dropped: Truths
    unseen: Truths

    @property
    def wrong(self) -> Truths:
        """Entries that are neither the kept value nor the dropped one."""
        result: Truths = ~(self.kept | self.dropped | self.unseen)
        return result


def read_product(base: Floats, y: Floats, factors: Sequence[Fraction], form: NumberFormat) -> Reading:
    """Return where y is base times one of the factors (which differ by the rounding of q alone), and where it is 0."""
    kept = within(y, base, _intervals(tuple(factors), form).__getitem__)
    zero, dropped = base == 0, y == 0
    tiny = kept & dropped & ~zero  # so small that both are 0
    return Reading(kept=kept & ~dropped, dropped=dropped & ~zero & ~tiny, unseen=(zero & dropped) | tiny)


@lru_cache(maxsize=100_000)
def _alpha_interval(value: float, rates: tuple[Fraction, ...], form: NumberFormat) -> tuple[float, float]:
    """Return where a·value + b may lie; terms cancel, so that the unit is that of the largest."""
    ends = [alpha_constants(r) for r in rates]
    size = max(max(abs(a * exact(value)), abs(b), abs(a * SELU_ALPHA)) for a, b in ends)
    return interval([a * exact(value) + b for a, b in ends], form, 2 * size)


class _Intervals(dict[float, tuple[float, float]]):
    """Where value · factor may lie, for each value that was asked for."""

    def __init__(self, factors: tuple[Fraction, ...], form: NumberFormat) -> None:
        self.factors, self.form = factors, form

    def __missing__(self, value: float) -> tuple[float, float]:
        found = self[value] = interval((exact(value) * f for f in self.factors), self.form)
        return found


@lru_cache(maxsize=256)
def _intervals(factors: tuple[Fraction, ...], form: NumberFormat) -> _Intervals:
    return _Intervals(factors, form)


def alpha_constants(q: Fraction) -> tuple[Fraction, Fraction]:
    """Return a = (p + α′² p q)^(−1/2) and b = −a q α′, to thirty digits.

    >>> a, b = alpha_constants(Fraction(1, 2))
    >>> round(float(a), 6), round(float(b), 6)
    (0.886405, 0.779194)
    """
    from decimal import Decimal, localcontext

    p = 1 - q
    square = p + SELU_ALPHA**2 * p * q
    with localcontext(prec=40):
        a = Fraction(1 / (Decimal(square.numerator) / Decimal(square.denominator)).sqrt())
    return a, -a * q * SELU_ALPHA


def bits_of(reading: Reading, axes: tuple[int, ...]) -> tuple[Truths, Truths, Truths]:
    """Return the mask with shared dimensions reduced: bit, whether it was seen, whether its entries disagree."""
    kept: Truths = np.asarray(reading.kept.any(axis=axes, keepdims=True))
    dropped: Truths = np.asarray(reading.dropped.any(axis=axes, keepdims=True))
    return kept, np.asarray(kept | dropped), np.asarray(kept & dropped)


def shared(*dims: int, scaling: Scaling = "inverted") -> Scheme:
    """Return the scheme whose mask has size 1 along ``dims`` (``noise_shape`` of Keras, ``broadcast_dims`` of Flax).

    >>> shared(1).bit_shape((8, 5, 3))
    (8, 1, 3)
    """
    if not dims or any(isinstance(d, bool) or not isinstance(d, int) for d in dims):
        raise InvalidInput(f"Argument 'dims' must name dimensions such as 1, or 0 and 2, not {show(dims)}.")
    return Scheme(name=f"shared along {', '.join(map(str, dims))}", sharing="dims", dims=dims, scaling=scaling)


def channel(*, batched: bool = True, scaling: Scaling = "inverted") -> Scheme:
    """Return spatial dropout: one bit for a channel (of a row where ``batched``)."""
    sharing = "channel" if batched else "channel, unbatched"
    return Scheme(name=sharing, sharing=sharing, scaling=scaling)


def dropconnect(weight: Any, *, per: Literal["call", "row"] = "call") -> Scheme:
    """Return DropConnect y = (W∘M/p) x + b (Wan et al. 2013) for a layer with this weight, of shape (out, in).

    ``per`` says whether all rows of a batch see one mask or each its own. Entries of the weight that are 0 show
    nothing. The layer is called on multiples of unit vectors, so its bias must be 0.
    """
    array = np.array(_plain(weight), dtype=np.float64)
    if array.ndim != 2:
        raise InvalidInput(f"Argument 'weight' must have shape (out, in), not {array.shape}.")
    if per not in ("call", "row"):
        raise InvalidInput(f"Argument 'per' must be 'call' or 'row', not {show(per)}.")
    sharing = {"sharing": "dims", "dims": (0,)} if per == "call" else {}
    return Scheme(name=f"dropconnect, a mask per {per}", weight=array, per=per, **sharing)  # type: ignore[arg-type]


def _plain(weight: Any) -> Any:
    return weight.detach().cpu().numpy() if hasattr(weight, "detach") else weight


NAMED = {
    "element": Scheme(name="element"),
    "channel": channel(),
    "row": Scheme(name="row", sharing="row"),
    "batch": Scheme(name="batch", sharing="batch"),
    "attention": Scheme(name="attention", transform="softmax"),
    "alpha": Scheme(name="alpha", transform="alpha"),
    "feature_alpha": Scheme(name="feature alpha", transform="alpha", sharing="channel"),
    "gaussian": Scheme(name="gaussian", transform="gaussian"),
}
OTHER_SCHEMES = {
    "dropblock": "it drops overlapping blocks, whose bits depend on each other",
    "concrete": "its relaxed bits lie strictly between 0 and 1",
    "gumbel": "its relaxed bits lie strictly between 0 and 1",
    "zoneout": "it keeps the state of the step before in place of a dropped value",
    "shakedrop": "its factors are drawn from an interval",
    "uniform": "its noise is continuous",
    "targeted": "which values are dropped depends on their size",
    "cutout": "it drops one connected region",
    "dropkey": "it masks before the softmax, which changes the other weights",
    "standout": "its probability depends on the input",
    "curriculum": "its rate changes from call to call; test one rate after the other",
}


def scheme(model: str | Scheme, scaling: Scaling = "inverted") -> Scheme:
    """Return the scheme of that name; what draws no independent bits is refused by name.

    >>> scheme("row").bit_shape((8, 5, 3))
    (8, 1, 1)
    """
    if scaling not in ("inverted", "classic", "none"):
        raise InvalidInput(f"Argument 'scaling' must be 'inverted', 'classic' or 'none', not {show(scaling)}.")
    if isinstance(model, Scheme):
        return model if scaling == "inverted" else replace(model, scaling=scaling)
    if isinstance(model, str) and model in NAMED:
        found = NAMED[model]
        if scaling != "inverted" and found.transform in ("alpha", "gaussian"):
            raise InvalidInput(f"Argument 'scaling' must be 'inverted' for the model {model!r}, not {scaling!r}.")
        return replace(found, scaling=scaling)
    if isinstance(model, str) and model in ("recurrent", "variational", "shared", "dropconnect"):
        written = "dropconnect(weight)" if model == "dropconnect" else "shared(d)"
        raise InvalidInput(
            f"Argument 'model' {model!r} needs more than a name: write exactdropout.testing.{written}"
            + ("." if model == "dropconnect" else ", where d is the dimension (time) along which a mask is fixed.")
        )
    if isinstance(model, str) and model in OTHER_SCHEMES:
        raise InvalidInput(
            f"Argument 'model' {model!r} is no scheme of independent Bernoulli masks: {OTHER_SCHEMES[model]}."
        )
    names = ", ".join(repr(name) for name in NAMED)
    raise InvalidInput(
        f"Argument 'model' must be {names}, shared(...), channel(...) or dropconnect(...), not {show(model)}."
    )


def bits_in(shape: Sequence[int], found: Scheme) -> int:
    """Return how many bits one call on an input of that shape draws."""
    return prod(found.bit_shape(shape))
