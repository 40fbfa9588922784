"""A network: weights and biases of a standard architecture, in one kind of number."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from exactdropout.errors import InvalidInput, MixedNumbers, UnreadableFile
from exactdropout.model.activation import Activation, activations
from exactdropout.model.architecture import Architecture
from exactdropout.model.calls import told_what_is_missing
from exactdropout.model.display import matrix_html
from exactdropout.model.files import (
    array_from_json,
    array_from_npz,
    array_to_json,
    array_to_npz,
    file_ending,
    kind_of_file,
    named,
    read_json,
    read_npz,
    write_atomically,
)
from exactdropout.model.frameworks import file_instead, instead_of_framework
from exactdropout.model.frozen import Frozen
from exactdropout.model.numbers import (
    Array,
    Kind,
    common_kind,
    exact_fraction,
    freeze,
    joined,
    number_array,
    same_entries,
    show,
)

__all__ = ["Network"]

FORMAT = "exactdropout-network"


class Network(Frozen):
    """W = (W₁, b₁, …, W_{d−1}, b_{d−1}, w, b): a feed-forward network with a linear output layer.

    h₀ = x, h_l = φ_l(W_l h_{l−1} + b_l) for the hidden layers, W(x) = w h_{d−1} + b.

    Args:
        weights: d matrices; ``weights[l]`` has shape (width of layer l+1, width of layer l). The last may be a
            vector when there is one output.
        biases: d vectors, ``None`` for a layer without biases; the last may be a number when there is one
            output. ``None`` means no biases at all.
        activation: one for all hidden layers or one per hidden layer, as in :class:`Architecture`.

    Entries are all exact (int, Fraction, text like ``"3/7"``, rational SymPy numbers), all float64, or SymPy
    expressions. The object is frozen: its arrays are read-only copies. Hidden layers either all have biases or
    none has (write zeros for a layer without).

    Raises:
        InvalidInput: shapes that do not fit, ragged rows, NaN or infinity.
        MixedNumbers: floats beside fractions or symbols.

    >>> net = Network(weights=[[[1, 1], [1, 1]], [1, 1]], biases=None)     # Figure 1 of the paper
    >>> print(net.architecture)
    2-2-1 relu, no biases
    """

    __slots__ = ("_architecture", "_biases", "_kind", "_weights")
    _architecture: Architecture
    _biases: tuple[Array | None, ...]
    _kind: Kind
    _weights: tuple[Array, ...]

    @told_what_is_missing
    def __init__(
        self,
        weights: Sequence[Any],
        biases: Sequence[Any] | None = None,
        *,
        activation: str | Activation | Sequence[str | Activation] = "relu",
    ) -> None:
        """Validate once and copy."""
        if isinstance(weights, (str, bytes)) or not isinstance(weights, Sequence) or not weights:
            raise InvalidInput(
                f"Argument 'weights' must be a non-empty list with one matrix per layer, not {show(weights)}"
                f"{instead_of_framework(weights) or file_instead(str(weights))}."
            )
        if instead := instead_of_framework(weights):
            raise InvalidInput(f"Argument 'weights' must hold matrices, not {show(weights[0])}{instead}.")
        if len(weights) > 1 and all(_axes(value) == 1 for value in weights):
            raise InvalidInput(
                f"Argument 'weights' must hold one matrix per layer, such as [[[1, 2], [3, 4]], [1, 1]], not one "
                f"matrix alone, {show(list(weights))}; a linear model of several outputs is written [matrix]."
            )
        matrices: list[Array] = []
        kinds: list[Kind] = []
        for index, value in enumerate(weights):
            name = f"weights[{index}]"
            last = index == len(weights) - 1
            matrix, kind = number_array(value, name, 1 if last and _axes(value) == 1 else 2)
            matrix = matrix.reshape(1, -1) if matrix.ndim == 1 else matrix
            if matrices and matrix.shape[1] != matrices[-1].shape[0]:
                raise InvalidInput(
                    f"Argument {name!r} must have {matrices[-1].shape[0]} columns, one per unit of the layer before, "
                    f"not shape {matrix.shape}."
                )
            matrices.append(matrix)
            kinds.append(kind)
        vectors, bias_kinds = _bias_vectors(biases, matrices)
        common = common_kind(kinds + bias_kinds, "weights and biases")
        common = "exact" if common == "integer" else common
        architecture = Architecture(
            inputs=matrices[0].shape[1],
            hidden=tuple(m.shape[0] for m in matrices[:-1]),
            outputs=matrices[-1].shape[0],
            hidden_biases=any(v is not None for v in vectors[:-1]),
            output_bias=vectors[-1] is not None,
            activation=activations(activation, len(matrices) - 1),
        )
        self._set(
            _kind=common,
            _weights=tuple(freeze(joined(m, common, "weights")) for m in matrices),
            _biases=tuple(None if v is None else freeze(joined(v, common, "biases")) for v in vectors),
            _architecture=architecture,
        )

    @property
    def weights(self) -> tuple[Array, ...]:
        """Read-only matrices; the last has shape (outputs, width of the last hidden layer)."""
        return self._weights

    @property
    def biases(self) -> tuple[Array | None, ...]:
        """Read-only vectors, ``None`` where the layer has none."""
        return self._biases

    @property
    def architecture(self) -> Architecture:
        """The shape and the activations."""
        return self._architecture

    @property
    def kind(self) -> Kind:
        """``"exact"``, ``"float64"`` or ``"symbolic"``."""
        return self._kind

    def bias(self, layer: int) -> Array:
        """Return the bias vector of a layer (0-based), zeros of the network's kind where it has none."""
        vector = self._biases[layer]
        if vector is not None:
            return vector
        size = self._weights[layer].shape[0]
        return np.zeros(size) if self._kind == "float64" else np.full(size, Fraction(0), dtype=object)

    def exact(self) -> Network:
        """Return the network in exact rationals: every float64 is the dyadic rational that it denotes.

        >>> Network(weights=[[[0.5]]]).exact().weights[0][0, 0]
        Fraction(1, 2)
        """
        if self._kind == "symbolic":
            raise MixedNumbers("Argument 'network' is symbolic and has no exact rational form.")
        return self._mapped(exact_fraction)

    def float64(self) -> Network:
        """Return the network rounded to float64, entry by entry (correctly rounded).

        Raises:
            MixedNumbers: the network is symbolic, or an entry exceeds the range of float64.
        """
        if self._kind == "symbolic":
            raise MixedNumbers("Argument 'network' is symbolic and has no float64 form.")
        try:
            return self._mapped(float)
        except OverflowError:
            raise MixedNumbers("Argument 'network' has an entry beyond the range of float64.") from None

    def _mapped(self, function: Any) -> Network:
        def mapped(array: Array) -> Array:
            flat = [function(v) for v in array.ravel().tolist()]
            result = np.empty(len(flat), dtype=np.float64 if function is float else object)
            result[:] = flat
            return result.reshape(array.shape)

        return Network(
            [mapped(w) for w in self._weights],
            None
            if not (self._architecture.hidden_biases or self._architecture.output_bias)
            else [None if b is None else mapped(b) for b in self._biases],
            activation=self._architecture.activations,
        )

    def save(self, path: str | Path) -> None:
        """Write ``.json`` (exact rationals as "3/7") or ``.npz`` (no pickles), by the ending, atomically."""
        ending = file_ending(path, "path")
        header: dict[str, Any] = {
            "format": FORMAT,
            "version": 1,
            "kind": self._kind,
            "activations": [str(a) for a in self._architecture.activations],
        }
        if ending == ".json":
            header["weights"] = [array_to_json(w) for w in self._weights]
            header["biases"] = [None if b is None else array_to_json(b) for b in self._biases]
            write_atomically(path, (json.dumps(header, indent=1, allow_nan=False) + "\n").encode())
        elif ending == ".npz":
            header["biases"] = [b is not None for b in self._biases]
            arrays: dict[str, Any] = {f"weights_{i}": array_to_npz(w) for i, w in enumerate(self._weights)}
            arrays |= {f"biases_{i}": array_to_npz(b) for i, b in enumerate(self._biases) if b is not None}
            arrays["header"] = np.array(json.dumps(header))
            write_atomically(path, lambda stream: np.savez_compressed(stream, **arrays))
        else:
            raise InvalidInput(f"Argument 'path' must end in .json or .npz, not {show(str(path))}.")

    @classmethod
    def load(cls, path: str | Path) -> Network:
        """Read what :meth:`save` wrote; the result equals what was saved, entry by entry."""
        ending = file_ending(path, "path")
        if ending == ".npz":
            header, arrays = read_npz(path, FORMAT)
            kind = kind_of_file(header, path)
            layers = sum(name.startswith("weights_") for name in arrays)
            known = [f"{part}_{i}" for i in range(layers) for part in ("weights", "biases")]
            if unknown := set(arrays) - set(known):
                raise UnreadableFile(
                    f"File {named(path)} holds an array {show(min(unknown))} that means nothing here; a network has "
                    "weights_0, biases_0 (where there are biases), weights_1 and so on, and may have a header."
                )
            flags = [f"biases_{i}" in arrays for i in range(layers)]
            missing = [name for name in known[::2] if name not in arrays]
            if missing or not layers or header.get("biases", flags) != flags:
                what = missing[0] if missing else "weights_0" if not layers else "of biases that its header names"
                held = f"; it holds {show(', '.join(sorted(arrays)), 200)}" if arrays else ""
                raise UnreadableFile(f"File {named(path)} lacks the array {what}{held}.")
            weights = [array_from_npz(arrays[f"weights_{i}"], kind, f"weights[{i}]") for i in range(layers)]
            biases = [
                array_from_npz(arrays[f"biases_{i}"], kind, f"biases[{i}]") if flag else None
                for i, flag in enumerate(flags)
            ]
            header.setdefault("activations", ["relu"] * (layers - 1))
        elif ending == ".json":
            header = read_json(path, FORMAT)
            kind = kind_of_file(header, path)
            for key in ("weights", "biases"):
                if not isinstance(header.get(key), list) or not header[key]:
                    raise UnreadableFile(f"File {named(path)} must hold {key!r} as a list with one entry per layer.")
            weights = [array_from_json(w, kind, f"weights[{i}]") for i, w in enumerate(header["weights"])]
            biases = [
                None if b is None else array_from_json(b, kind, f"biases[{i}]", 1)
                for i, b in enumerate(header["biases"])
            ]
        else:
            raise InvalidInput(
                f"Argument 'path' must end in .json or .npz for a network, not {show(str(path))}"
                f"{file_instead(str(path))}."
            )
        names = header.get("activations")
        if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
            raise UnreadableFile(f"File {named(path)} must hold 'activations' as a list of names.")
        return cls(weights, None if all(b is None for b in biases) else biases, activation=names)

    def __eq__(self, other: object) -> bool:
        """Return whether kind, shapes, activations and every entry (bit for bit) agree."""
        if not isinstance(other, Network):
            return NotImplemented
        if self._kind != other._kind or self._architecture != other._architecture:
            return False
        mine = [*self._weights, *self._biases]
        theirs = [*other._weights, *other._biases]
        return all(same_entries(a, b) for a, b in zip(mine, theirs, strict=True))

    def __hash__(self) -> int:
        """Hash the shape and the first matrix."""
        return hash((self._architecture, self._kind, tuple(self._weights[0].ravel().tolist())))

    def __repr__(self) -> str:
        """Return a short description."""
        return f"<Network {self._architecture}, {self._kind}>"

    def _repr_html_(self) -> str:
        """Return the weights and biases, a table for each layer."""
        shown = []
        for layer, (matrix, bias) in enumerate(zip(self._weights, self._biases, strict=True), 1):
            names = [f"x{k}" if layer == 1 else f"h{k}" for k in range(1, matrix.shape[1] + 1)]
            units = [f"unit {k}" for k in range(1, len(matrix) + 1)]
            if bias is not None:
                names.append("bias")
            entries = matrix if bias is None else np.column_stack([matrix, bias])
            title = f"{self._architecture}, {self._kind}: layer {layer} of {len(self._weights)}"
            shown.append(matrix_html(title, names, entries, units))
        return "".join(shown)


def _axes(value: Any) -> int:
    """Return 1 for a flat vector and 2 for a matrix, judged by the first entry."""
    shape = getattr(value, "shape", None)
    if shape is not None:
        return len(shape)
    if isinstance(value, Sequence) and value and not isinstance(value, (str, bytes)):
        first = value[0]
        nested = isinstance(first, (Sequence, np.ndarray)) and not isinstance(first, (str, bytes))
        return 2 if nested else 1
    return 2


def _bias_vectors(biases: Any, matrices: list[Array]) -> tuple[list[Array | None], list[Kind]]:
    if biases is None:
        return [None] * len(matrices), []
    if isinstance(biases, (str, bytes)) or not isinstance(biases, Sequence) or len(biases) != len(matrices):
        found = len(biases) if isinstance(biases, Sequence) else show(biases)
        raise InvalidInput(
            f"Argument 'biases' must be None or a list with one entry per layer ({len(matrices)}), not {found}."
        )
    vectors: list[Array | None] = []
    kinds: list[Kind] = []
    for index, (value, matrix) in enumerate(zip(biases, matrices, strict=True)):
        if value is None:
            vectors.append(None)
            continue
        one_number = not hasattr(value, "__len__") or isinstance(value, (str, bytes)) or _axes_of_array(value) == 0
        vector, kind = number_array([value] if one_number else value, f"biases[{index}]", 1)
        if vector.shape[0] != matrix.shape[0]:
            raise InvalidInput(
                f"Argument 'biases[{index}]' must have {matrix.shape[0]} entries, one per unit, not {vector.shape[0]}."
            )
        vectors.append(vector)
        kinds.append(kind)
    hidden = vectors[:-1]
    if any(v is None for v in hidden) and any(v is not None for v in hidden):
        raise InvalidInput(
            "Argument 'biases' must have biases in all hidden layers or in none; write zeros for a layer without."
        )
    return vectors, kinds


def _axes_of_array(value: Any) -> int:
    return getattr(value, "ndim", 1)
