"""What every importer makes of a framework's layers: a chain of linear maps, activations and drop rates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, Literal

import numpy as np

from exactdropout.errors import ExactDropoutError, InvalidInput, MissingExtra
from exactdropout.model import Activation, Network, drop_rates
from exactdropout.model.numbers import Array, show

__all__ = ["Chain", "Imported", "RatesAs", "dropout_classes", "forward", "missing", "rate_of"]

RatesAs = Literal["dyadic", "decimal"]
AGREEMENT = 1e-4
RATE_NAMES = ("p", "rate", "q", "drop_prob", "drop_rate")


@dataclass(frozen=True, kw_only=True)
class Imported:
    """A network and its drop rates, inputs first; ``q`` is None where the source holds none.

    ``network`` is float64 (``exact=True``: the dyadic rationals that its floats are). ``rates_are`` says what the rates
    are: ``"dyadic"``, exactly what the source stores, ``"decimal"``, the shortest decimal that rounds to it (a float32
    0.2 becomes 1/5), ``"given"``, or ``"unknown"``. ``difference`` is the largest difference between an output of the
    network and the framework's own, on random inputs, or None where there was nothing to compare with.
    """

    network: Network
    q: tuple[Fraction, ...] | None
    rates_are: str
    source: str
    notes: tuple[str, ...] = ()
    difference: float | None = None

    def __repr__(self) -> str:
        """Return a short description."""
        rates = "q unknown" if self.q is None else f"q = ({', '.join(map(str, self.q))}), {self.rates_are}"
        return f"<Imported from {self.source}: {self.network.architecture}, {rates}>"


def missing(library: str, extra: str) -> MissingExtra:
    """Return the error for a framework that is not installed."""
    return MissingExtra(f"Reading this needs {library}; install it with: pip install 'exactdropout[{extra}]'")


@dataclass
class Chain:
    """Layers in order; :meth:`result` checks that they are a network of the model."""

    source: str
    single: bool = False  # rates and weights are float32
    weights: list[Array] = field(default_factory=list)
    biases: list[Array | None] = field(default_factory=list)
    activations: list[list[Activation]] = field(default_factory=list)
    rates: list[list[Any]] = field(default_factory=lambda: [[]])
    notes: list[str] = field(default_factory=list)
    parameters: list[tuple[Any, Any]] = field(default_factory=list)

    def linear(self, weight: Any, bias: Any, name: str, *, parameters: tuple[Any, Any] = (None, None)) -> None:
        """Add a linear map of shape (out, in); ``parameters`` are what the framework knows its weight and bias by."""
        w = np.asarray(weight, dtype=np.float64)
        if w.ndim != 2:
            raise InvalidInput(f"Layer {name!r} must have a weight of two dimensions, not shape {w.shape}.")
        if self.weights and self.weights[-1].shape[0] != w.shape[1]:
            raise InvalidInput(f"Layer {name!r} takes {w.shape[1]} inputs, but {self.weights[-1].shape[0]} come.")
        self.weights.append(w)
        self.biases.append(None if bias is None else np.asarray(bias, dtype=np.float64).reshape(-1))
        self.parameters.append(parameters)
        self.activations.append([])
        self.rates.append([])

    def activation(self, kind: Activation, name: str) -> None:
        """Add an activation after the last linear map."""
        if kind.slope == 1:
            return
        if not self.weights:
            raise InvalidInput(f"Layer {name!r} acts on the inputs; the model has linear maps first.")
        found = self.activations[-1]
        if found and not (kind.slope == 0 and found[-1].slope == 0):
            raise InvalidInput(f"Layer {name!r} is a second activation after one linear map, which is not supported.")
        if not found:
            found.append(kind)

    def dropout(self, rate: Any, name: str) -> None:
        """Add dropout of what comes next; before or after a relu is the same, for φ(0) = 0 and φ(cz) = cφ(z)."""
        value = float(rate)
        if not 0 <= value < 1:
            raise InvalidInput(f"Layer {name!r} has the rate {value}; the model needs 0 <= q < 1.")
        self.rates[-1].append(rate)

    def result(
        self, *, q: Any = None, exact: bool = False, rates: RatesAs = "dyadic",
        own: Callable[[Array], Any] | None = None, has_rates: bool = True,
    ) -> Imported:  # fmt: skip
        """Return the network, compared with the framework's own output."""
        if rates not in ("dyadic", "decimal"):
            raise InvalidInput(f"Argument 'rates' must be 'dyadic' or 'decimal', not {show(rates)}.")
        if not self.weights:
            raise InvalidInput(f"{self.source} holds no linear layer.")
        if self.rates[-1] and any(float(r) > 0 for r in self.rates[-1]):
            raise InvalidInput("Dropout after the last linear layer drops outputs, which is outside the model.")
        if self.activations[-1]:
            raise InvalidInput(
                "An activation after the last linear layer is outside the model; its outputs are linear."
            )
        kinds = [a[0] if a else Activation.linear() for a in self.activations[:-1]]
        biases = list(self.biases)
        if any(b is not None for b in biases[:-1]):
            biases[:-1] = [np.zeros(w.shape[0]) if b is None else b for b, w in zip(biases, self.weights, strict=True)][
                :-1
            ]
        network = Network(self.weights, None if all(b is None for b in biases) else biases, activation=kinds)
        difference = None if own is None else self._compare(network, own)
        found, kind = self._rates(network, q, rates, has_rates)
        return Imported(
            network=network.exact() if exact else network, q=found, rates_are=kind, source=self.source,
            notes=tuple(self.notes), difference=difference,
        )  # fmt: skip

    def _rates(
        self, network: Network, q: Any, rates: RatesAs, has_rates: bool
    ) -> tuple[tuple[Fraction, ...] | None, str]:
        if q is not None:
            values, kind = drop_rates(q, network.architecture)
            if kind == "symbolic":
                raise InvalidInput(f"Argument 'q' must be a number here, not {show(q)}.")
            return tuple(Fraction(v) for v in values), "given"
        if not has_rates:
            return None, "unknown"
        return tuple(_together([_rate(r, rates, self.single) for r in layer]) for layer in self.rates[:-1]), rates

    def _compare(self, network: Network, own: Callable[[Array], Any]) -> float:
        x = np.random.default_rng(20261129).uniform(-1, 1, (5, network.architecture.inputs))
        theirs = np.asarray(own(x), dtype=np.float64).reshape(len(x), -1)
        ours = forward(network, x)
        if theirs.shape != ours.shape:
            raise InvalidInput(f"{self.source} answers shape {theirs.shape}, the network that was read {ours.shape}.")
        difference = float(np.abs(theirs - ours).max())
        if not difference <= AGREEMENT * max(1.0, float(np.abs(ours).max())):
            raise ExactDropoutError(
                f"The network read from {self.source} differs from its own output by {difference:.3g}; it was not read "
                "rightly, and is not returned."
            )
        return difference


def dropout_classes(dropout: Any) -> tuple[type, ...]:
    """Return classes whose modules drop independent units, as a tuple."""
    found = dropout if isinstance(dropout, tuple) else (dropout,)
    if not all(isinstance(kind, type) for kind in found):
        raise InvalidInput(
            f"Argument 'dropout' must be a class of dropout layers, or a tuple of some, not {show(dropout)}."
        )
    return found


def rate_of(layer: Any, name: str) -> Any:
    """Return the drop probability that a layer of another class says it has."""
    for attribute in RATE_NAMES:
        value = getattr(layer, attribute, None)
        if isinstance(value, (int, float, Fraction)) and not isinstance(value, bool):
            return value
    raise InvalidInput(
        f"Layer {name!r} ({type(layer).__name__}) must say its drop probability as one of {', '.join(RATE_NAMES)}."
    )


def forward(network: Network, x: Array) -> Array:
    """Return W(x) in doubles, row by row."""
    h = x
    for layer, weight in enumerate(network.weights):
        h = h @ np.asarray(weight, dtype=np.float64).T + np.asarray(network.bias(layer), dtype=np.float64)
        if layer < len(network.weights) - 1:
            h = np.where(h > 0, h, float(network.architecture.activations[layer].slope) * h)
    return np.asarray(h)


def _rate(rate: Any, rates: RatesAs, single: bool) -> Fraction:
    if isinstance(rate, Fraction):
        return rate
    if rates == "dyadic":
        return Fraction(float(rate))
    return Fraction(str(np.float32(rate)) if single or isinstance(rate, np.float32) else repr(float(rate)))


def _together(rates: Sequence[Fraction]) -> Fraction:
    """Return 1 − ∏(1 − q): dropping twice is dropping once at that rate, in law."""
    kept = Fraction(1)
    for rate in rates:
        kept *= 1 - rate
    return 1 - kept


def slope(value: Any) -> Activation:
    """Return the leaky relu whose slope is the decimal that the framework shows (0.01 is 1/100)."""
    return Activation(Fraction(str(np.float32(value))) if float(value) != 0 else Fraction(0))


def with_notes(found: Imported, *notes: str) -> Imported:
    """Return the result with more notes."""
    return replace(found, notes=(*found.notes, *notes))
