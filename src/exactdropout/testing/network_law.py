"""The exact law of a network's output and of its gradient: an atom for every mask, by the definition of D(W, x, R).

Values are measured in units: how far an output or an entry of a gradient may be off by rounding, in the number format
of the module. Atoms within three units of each other are one, since no draw tells them apart; a draw within one unit of
an atom is that atom's.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from exactdropout.model import Network
from exactdropout.testing.evidence import log_mean, log_total_evidence
from exactdropout.testing.masks import Masks
from exactdropout.testing.statistics import pairs_along_memory

__all__ = ["Atoms", "MaskedNetwork", "Parameter"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Parameter = tuple[tuple[int, str], ...]
"""The places of one parameter of a framework in the network: (layer, "weight" or "bias"), several where shared."""
APART = 3.0
SUBSETS = 8
SMALLEST_UNIT = 2.0**-45


@dataclass(frozen=True, kw_only=True)
class MaskedNetwork:
    """Output, and gradient of ‖D − y‖², for every mask of an example, and their sizes before cancellation."""

    outputs: Floats  # (masks, outputs)
    output_sizes: Floats
    gradients: Floats  # (masks, entries of the parameters)
    gradient_sizes: Floats
    probabilities: Floats
    kink: str | None  # which pre-activation is so near to 0 that rounding decides its derivative
    unit: float  # of relative error

    @classmethod
    def of(
        cls, network: Network, rates: tuple[Fraction, ...], x: Floats, y: Floats, parameters: tuple[Parameter, ...],
        at_zero: float, epsilon: float,
    ) -> MaskedNetwork:  # fmt: skip
        """Compute every mask of dropped layers, by the definition."""
        widths = network.architecture.widths[:-1]
        unit = max(SMALLEST_UNIT, 4 * (sum(widths) + 8 * len(widths) + 8) * epsilon)
        masks, probabilities = _masks(widths, rates)
        count, layers = len(probabilities), len(network.weights)
        weights = [np.asarray(w, dtype=np.float64) for w in network.weights]
        h = np.broadcast_to(x, (count, x.size))
        size = np.abs(h)
        inputs, input_sizes, slopes, kink = [], [], [], None
        for layer in range(layers):
            inputs.append(h * masks[layer])
            input_sizes.append(size * masks[layer])
            bias = np.asarray(network.bias(layer), dtype=np.float64)
            z = inputs[-1] @ weights[layer].T + bias
            z_size = input_sizes[-1] @ np.abs(weights[layer]).T + np.abs(bias)
            if layer < layers - 1:
                slope = float(network.architecture.activations[layer].slope)
                near = (np.abs(z) <= unit * z_size) & (z_size > 0) & (slope != 1)
                if near.any() and kink is None:
                    row, neuron = (int(i) for i in np.argwhere(near)[0])
                    kink = f"unit {neuron} of hidden layer {layer + 1} is {z[row, neuron]:.2g} under some mask"
                at_kink = at_zero if slope == 0 else slope
                slopes.append(np.where(z > 0, 1.0, np.where(z == 0, at_kink, slope)))
                h = np.where(z > 0, z, slope * z)
                size = np.where((z > 0) | near, z_size, abs(slope) * z_size)
        back, back_size = 2 * (z - y), 2 * (z_size + np.abs(y))
        blocks: dict[tuple[int, str], tuple[Floats, Floats]] = {}
        for layer in reversed(range(layers)):
            blocks[layer, "weight"] = (
                (back[:, :, None] * inputs[layer][:, None, :]).reshape(count, -1),
                (back_size[:, :, None] * input_sizes[layer][:, None, :]).reshape(count, -1),
            )
            blocks[layer, "bias"] = back, back_size
            if layer:
                back = (back @ weights[layer]) * masks[layer] * slopes[layer - 1]
                back_size = (back_size @ np.abs(weights[layer])) * masks[layer] * np.abs(slopes[layer - 1])
        none = np.zeros((count, 0))
        parts = [
            [np.sum([blocks[place][i] for place in parameter], axis=0) for parameter in parameters] for i in (0, 1)
        ]
        return cls(
            outputs=z, output_sizes=z_size, probabilities=probabilities, kink=kink, unit=unit,
            gradients=np.hstack([none, *parts[0]]), gradient_sizes=np.hstack([none, *parts[1]]),
        )  # fmt: skip

    def atoms(self, *, gradient: bool) -> Atoms:
        """Return the atoms of the output, or of the output together with its gradient."""
        values, sizes = self.outputs, self.output_sizes
        if gradient:
            values, sizes = np.hstack([values, self.gradients]), np.hstack([sizes, self.gradient_sizes])
        return Atoms.of(values, self.probabilities, np.maximum(self.unit * sizes.max(axis=0), 1e-300))


def _masks(widths: tuple[int, ...], rates: tuple[Fraction, ...]) -> tuple[list[Floats], Floats]:
    """Return m/p for each layer, a row for every mask of the layers that drop, and the probability of each."""
    free = [n if r else 0 for n, r in zip(widths, rates, strict=True)]
    count = 1 << sum(free)
    codes = (np.arange(count)[:, None] >> np.arange(max(sum(free), 1))) & 1
    masks, probabilities, start = [], np.ones(count), 0
    for width, dropped, rate in zip(widths, free, rates, strict=True):
        bits = codes[:, start : start + width] if dropped else np.ones((count, width))
        start += dropped
        if dropped:
            kept = bits.sum(axis=1)
            probabilities = probabilities * float(1 - rate) ** kept * float(rate) ** (width - kept)
        masks.append(np.asarray(bits / float(1 - rate)))
    return masks, probabilities


@dataclass(frozen=True, kw_only=True)
class Atoms:
    """Values with probabilities; what no draw tells apart is one atom."""

    scaled: Floats  # in units, sorted by their places
    places: Floats  # their projections to a line, which are no further apart than the values
    atom: Integers  # which atom each value belongs to
    probabilities: Floats
    unit: Floats
    direction: Floats

    @classmethod
    def of(cls, values: Floats, probabilities: Floats, unit: Floats) -> Atoms:
        """Merge values that are within three units of each other, directly or by a chain."""
        scaled = values / unit
        _, first, index = np.unique(np.round(scaled * 64), axis=0, return_index=True, return_inverse=True)
        weights = np.bincount(index.ravel(), weights=probabilities)
        scaled = scaled[first]
        direction: Floats = np.asarray(np.random.default_rng(1).uniform(0.5, 1.0, scaled.shape[1]))
        direction /= direction.sum()
        places = scaled @ direction
        order = np.argsort(places)
        scaled, places, weights = scaled[order], places[order], weights[order]
        pairs = [np.zeros((2, 0), dtype=np.int64)]
        for gap in range(1, len(places)):
            near = np.flatnonzero(places[gap:] - places[:-gap] <= APART)
            if near.size == 0:
                break
            same = near[np.abs(scaled[near + gap] - scaled[near]).max(axis=1) <= APART]
            pairs.append(np.array([same, same + gap]))
        a, b = np.hstack(pairs)
        graph = coo_array((np.ones(a.size), (a, b)), shape=(len(places), len(places)))
        count, atom = connected_components(graph, directed=False)
        return cls(
            scaled=scaled, places=places, atom=np.asarray(atom, dtype=np.int64), unit=unit, direction=direction,
            probabilities=np.asarray(np.bincount(atom, weights=weights, minlength=count), dtype=np.float64),
        )  # fmt: skip

    def __len__(self) -> int:
        """Return how many atoms there are."""
        return len(self.probabilities)

    def value(self, atom: int) -> Floats:
        """Return a value of an atom."""
        return np.asarray(self.scaled[int(np.flatnonzero(self.atom == atom)[0])] * self.unit)

    def of_draws(self, drawn: Floats) -> Integers:
        """Return the atom of each draw, −1 where it is that of none."""
        with np.errstate(over="ignore", invalid="ignore"):
            scaled = drawn / self.unit
            at = np.nan_to_num(scaled @ self.direction, nan=np.inf)
        low = np.searchsorted(self.places, at - 1, side="left")
        high = np.searchsorted(self.places, at + 1, side="right")
        found: Integers = np.full(len(drawn), -1, dtype=np.int64)
        for step in range(int((high - low).max(initial=0))):
            rows = np.flatnonzero((found < 0) & (low + step < high))
            candidates = low[rows] + step
            close = np.abs(scaled[rows] - self.scaled[candidates]).max(axis=1) <= 1
            found[rows[close]] = self.atom[candidates[close]]
        return found

    def evidence(self, atoms: Integers) -> tuple[float, float]:
        """Return the evidence of how often each atom came, and that of one draw from another before it."""
        counts = np.bincount(atoms, minlength=len(self))
        return log_total_evidence(counts, np.log(self.probabilities)), self._dependence(atoms)

    def _dependence(self, atoms: Integers) -> float:
        """Return the evidence of predicting whether a draw is in a set of atoms from whether earlier ones are."""
        sets = np.random.default_rng(2).random((SUBSETS, len(self))) < 0.5
        logs = []
        for chosen in sets:
            p = float(self.probabilities[chosen].sum())
            if 1e-6 < p < 1 - 1e-6:
                logs.append(pairs_along_memory(Masks(kept=chosen[atoms][:, None], shape=(1,), p=p)).log_evidence)
        return log_mean(logs)
