"""``from_onnx``: chains of Gemm, MatMul, Add, Sub, Relu, LeakyRelu and Dropout, of any exporter."""

from __future__ import annotations

import os
from fractions import Fraction
from typing import Any

import numpy as np

from exactdropout.errors import InvalidInput, UnreadableFile
from exactdropout.interop.layers import Chain, Imported, RatesAs, missing, slope
from exactdropout.model import Activation
from exactdropout.model.numbers import Array, show

__all__ = ["from_onnx"]

NOTHING = ("Identity", "Flatten", "Reshape", "Cast", "Squeeze", "Unsqueeze")


def from_onnx(model: Any, *, q: Any = None, exact: bool = False, rates: RatesAs = "dyadic") -> Imported:
    """Return the network of an ONNX model: a ``ModelProto`` or the path of a file.

    An evaluation export holds no Dropout: its rates are unknown (None) unless ``q`` is given. A training export stores
    rates as float32: ``rates="decimal"`` makes 0.2 of 0.20000000298.

    Raises:
        InvalidInput: an operator that is not supported, by name; a graph that is no chain.
        UnreadableFile: no ONNX model.
        MissingExtra: the package ``onnx`` is not installed.
    """
    try:
        import onnx
        from onnx import numpy_helper
    except ImportError:
        raise missing("onnx", "onnx") from None
    source = "an ONNX model"
    if isinstance(model, (str, os.PathLike)):
        source = str(model)
        try:
            model = onnx.load(os.fspath(model))
        except Exception as error:
            raise UnreadableFile(f"File {source!r} is no ONNX model ({type(error).__name__}).") from error
    if not isinstance(model, onnx.ModelProto):
        raise InvalidInput(f"Argument 'model' must be an ONNX model or a path, not {show(model)}.")
    graph = model.graph
    constants = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    inputs = [i.name for i in graph.input if i.name not in constants]
    if not inputs:
        raise InvalidInput("The ONNX model has no input beside its weights.")
    reader = _Reader(Chain(source=source, single=True), constants, inputs[0])
    for node in graph.node:
        reader.read(node)
    if len(graph.output) < 1 or graph.output[0].name != reader.current:
        raise InvalidInput("The ONNX model must be a chain from its input to its output.")
    reader.flush()

    def own(x: Array) -> Any:
        from onnx.reference import ReferenceEvaluator

        still = onnx.ModelProto()
        still.CopyFrom(model)
        for node in still.graph.node:  # without a training mode, Dropout is the identity
            if node.op_type == "Dropout" and len(node.input) > 2:
                del node.input[1:]
        evaluator = ReferenceEvaluator(still)
        kind = next(i for i in graph.input if i.name == inputs[0]).type.tensor_type
        dims = [d.dim_value for d in kind.shape.dim]
        dtype = np.float64 if kind.elem_type == onnx.TensorProto.DOUBLE else np.float32
        width = reader.chain.weights[0].shape[1]
        rows = []
        for row in x.astype(dtype):
            inner = dims[1:] if int(np.prod([d or 1 for d in dims[1:]])) == width else [width]
            shaped = row.reshape([1, *[d or 1 for d in inner]]) if len(dims) != 1 else row
            rows.append(np.asarray(evaluator.run([graph.output[0].name], {inputs[0]: shaped})[0]).ravel())
        return np.array(rows)

    drops = any(node.op_type == "Dropout" for node in graph.node)
    return reader.chain.result(q=q, exact=exact, rates=rates, own=own, has_rates=drops)


class _Reader:
    """Read nodes one after the other, with a bias that may follow its matrix as an Add."""

    def __init__(self, chain: Chain, constants: dict[str, Any], current: str) -> None:
        self.chain, self.constants, self.current = chain, constants, current
        self.pending: tuple[Any, str] | None = None

    def flush(self, bias: Any = None) -> None:
        """Add the matrix that waits for its bias."""
        if self.pending is not None:
            weight, name = self.pending
            self.pending = None
            self.chain.linear(weight, bias, name)

    def read(self, node: Any) -> None:
        """Read one node."""
        from onnx import helper, numpy_helper

        kind, name = node.op_type, node.name or node.output[0]
        fields = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        if kind == "Constant":
            value = fields.get("value")
            found = numpy_helper.to_array(value) if value is not None else np.asarray(next(iter(fields.values())))
            self.constants[node.output[0]] = found
            return
        if all(i in self.constants for i in node.input if i) and kind in ("Identity", "Cast", "Reshape", "Transpose"):
            value = self.constants[node.input[0]]
            if kind == "Transpose":
                value = value.transpose(fields.get("perm"))
            self.constants[node.output[0]] = value
            return
        if self.current not in node.input:
            raise InvalidInput(f"Node {name!r} ({kind}) does not follow the one before; only chains are supported.")
        self._step(kind, name, node, fields)
        self.current = node.output[0]

    def _step(self, kind: str, name: str, node: Any, fields: dict[str, Any]) -> None:
        others = [self.constants.get(i) for i in node.input if i != self.current and i]
        if kind not in ("Add", "Sub", *NOTHING):
            self.flush()
        if kind == "Gemm":
            if fields.get("transA", 0) or not others or others[0] is None:
                raise InvalidInput(f"Node {name!r} (Gemm) must multiply the values by a constant matrix.")
            weight = np.asarray(others[0], dtype=np.float64) * fields.get("alpha", 1.0)
            bias = (
                None
                if len(others) < 2 or others[1] is None
                else np.asarray(others[1], np.float64) * fields.get("beta", 1.0)
            )
            weight = weight if fields.get("transB", 0) else weight.T
            self.chain.linear(
                weight, bias if bias is None else np.broadcast_to(bias.reshape(-1), weight.shape[0]), name
            )
        elif kind == "MatMul":
            if not others or others[0] is None:
                raise InvalidInput(f"Node {name!r} (MatMul) must multiply the values by a constant matrix.")
            left = node.input[0] != self.current
            self.pending = (np.asarray(others[0], np.float64) if left else np.asarray(others[0], np.float64).T, name)
        elif kind in ("Add", "Sub"):
            self._shift(kind, name, node, others)
        elif kind == "Relu":
            self.chain.activation(Activation.relu(), name)
        elif kind == "LeakyRelu":
            self.chain.activation(slope(fields.get("alpha", 0.01)), name)
        elif kind == "Dropout":
            self._dropout(name, node, fields)
        elif kind not in NOTHING:
            raise InvalidInput(
                f"Node {name!r} is a {kind}, which is not supported; the model has linear maps, relu and dropout"
                f"{'; fold it into the linear map before it' if kind == 'BatchNormalization' else ''}."
            )

    def _shift(self, kind: str, name: str, node: Any, others: list[Any]) -> None:
        if not others or others[0] is None:
            raise InvalidInput(f"Node {name!r} ({kind}) must add a constant.")
        value = np.asarray(others[0], np.float64).reshape(-1)
        if kind == "Sub":
            if node.input[0] != self.current:
                raise InvalidInput(f"Node {name!r} (Sub) subtracts the values from a constant, which is not supported.")
            value = -value
        if self.pending is not None:
            self.flush(np.broadcast_to(value, self.pending[0].shape[0]))
        elif not (value == 0).all():
            if self.chain.weights:
                raise InvalidInput(f"Node {name!r} ({kind}) adds a constant that is no bias.")
            size = value.size
            self.chain.linear(np.eye(size), value, name)
            self.chain.notes.append(f"{name}: a shift of the inputs became a linear layer that is never dropped")

    def _dropout(self, name: str, node: Any, fields: dict[str, Any]) -> None:
        rate: Any = Fraction(1, 2)
        if "ratio" in fields:
            rate = np.float32(fields["ratio"])
        elif len(node.input) > 1 and node.input[1]:
            value = self.constants.get(node.input[1])
            if value is None:
                raise InvalidInput(f"Node {name!r} (Dropout) has a ratio that is no constant; give q=.")
            rate = np.float32(np.asarray(value).reshape(-1)[0])
        self.chain.dropout(rate, name)
