"""``assert_onnx_dropout``: any backend's ONNX Dropout, on its law instead of on one generator's bits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from exactdropout.errors import MissingExtra
from exactdropout.testing.assertions import DEFAULT_SEED, FALSE_ALARM, assert_dropout
from exactdropout.testing.report import DropoutReport, fault, in_words, skip
from exactdropout.testing.subjects.subject import Call, Floats, Untestable, plain

__all__ = ["OnnxDropout", "assert_onnx_dropout", "dropout_model"]

Run = Callable[[Any, Mapping[str, Any]], Sequence[Any]]
IDENTITY_OPSETS = (7, 10)
LAW_OPSETS = (12, 13, 22)


def dropout_model(opset: int, *, ratio: float = 0.5, training: bool = True, mask: bool = True) -> Any:
    """Return an ONNX model of one Dropout node on float32 input ``x``, with outputs ``y`` and ``mask``."""
    try:
        from onnx import TensorProto, helper
    except ImportError:
        raise MissingExtra("This needs onnx; install it with: pip install 'exactdropout[onnx]'") from None
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
    if opset < 12:
        node = helper.make_node("Dropout", ["x"], ["y"], ratio=ratio)
        constants = []
    else:
        node = helper.make_node("Dropout", ["x", "ratio", "training_mode"], ["y", "mask"] if mask else ["y"])
        constants = [
            helper.make_tensor("ratio", TensorProto.FLOAT, [], [ratio]),
            helper.make_tensor("training_mode", TensorProto.BOOL, [], [training]),
        ]
        if mask:
            outputs.append(helper.make_tensor_value_info("mask", TensorProto.BOOL, None))
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, None)
    graph = helper.make_graph([node], "dropout", [x], outputs, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


class OnnxDropout:
    """A Dropout node behind the interface of layers; the mask output is compared with the output at every call."""

    formats = ("float32",)
    seeded = False
    keyed = False
    evaluates = True
    differentiates = False

    def __init__(self, run: Run, q: Fraction, opset: int) -> None:
        """Build the model of this rate in training and in evaluation."""
        self.run, self.q, self.opset = run, q, opset
        self.models = {mode: dropout_model(opset, ratio=float(q), training=mode) for mode in (True, False)}

    def _call(self, x: Floats, training: bool) -> Call:
        given = x.astype(np.float32)
        y, mask = (np.asarray(v) for v in self.run(self.models[training], {"x": given}))
        wanted: npt.NDArray[np.bool_] = np.ones(x.shape, dtype=bool) if not training or self.q == 0 else y != 0
        seen = (x != 0) if training else np.ones(x.shape, dtype=bool)
        if mask.dtype != np.bool_ or mask.shape != x.shape or not (mask == wanted)[seen].all():
            meaning = "kept" if training else "all kept in evaluation"
            raise fault(
                "mask output", f"the mask output does not say what was kept (True: {meaning})",
                f"{mask.dtype} of shape {mask.shape}; {int((mask != wanted)[seen].sum())} entries are wrong"
                if mask.shape == x.shape else f"shape {mask.shape}",
                setting=f"opset {self.opset}, ratio {self.q}", seed=DEFAULT_SEED,
            )  # fmt: skip
        return Call(y=plain(y), dtype=str(y.dtype), x_after=plain(given))

    def train(self, x: Floats, dtype: str, key: int | None = None, *, gradient: bool = False) -> Call:
        """Run in training mode."""
        if gradient:
            raise Untestable("a run function has no gradient")
        return self._call(x, True)

    def evaluate(self, x: Floats, dtype: str) -> Call:
        """Run with training_mode = false."""
        return self._call(x, False)


@in_words
def assert_onnx_dropout(
    run: Run, *, q: Any = "3/10", opsets: Sequence[int] = LAW_OPSETS, false_alarm: float = FALSE_ALARM,
    budget: int | None = None, seed: int | None = None,
) -> tuple[DropoutReport, ...]:  # fmt: skip
    """Assert that a backend's Dropout follows the specification of ONNX.

    Opsets 7 and 10: the identity. From 12 on: y = x m/(1 − ratio) in training mode, the identity else; the mask output
    is boolean and True where kept; ratio 0 is the identity; without mask output the same. The joint law of the masks is
    watched for each opset, the false-alarm rate shared between them.

    Args:
        run: ``(model, {"x": array}) -> [y, mask]`` (or ``[y]``), for a ``ModelProto``.
        q: the ratio.
        opsets: those of 12 and later to watch.
        false_alarm, budget, seed: as in ``assert_dropout``.

    Raises:
        DropoutFault: in words.
        MissingExtra: ``onnx`` is not installed.
    """
    number = DEFAULT_SEED if seed is None else seed
    x = np.random.default_rng(number).normal(size=(16, 12)).astype(np.float32)
    for opset in IDENTITY_OPSETS:
        (y, *_) = run(dropout_model(opset), {"x": x})
        if not np.array_equal(np.asarray(y), x):
            raise fault("evaluation", f"Dropout of opset {opset} is not the identity", setting="float32", seed=number)
    reports = []
    left_out = [
        skip("seed", "a run function takes no seed"), skip("gradient", "a run function has no gradient"),
        skip("layers", "one node"), skip("other rates", "the ratio is that of the model"),
        skip("rates 0 and 1", "ratio 0 is checked beside it; 1 is not in ONNX's range"),
    ]  # fmt: skip
    for opset in opsets:
        model = dropout_model(opset, ratio=0.0)
        y, mask = (np.asarray(v) for v in run(model, {"x": x}))
        if not np.array_equal(y, x) or not mask.all():
            raise fault(
                "rates 0 and 1", "ratio 0 is not the identity with all kept", setting=f"opset {opset}", seed=number
            )
        (alone, *_) = run(dropout_model(opset, training=False, mask=False), {"x": x})
        if not np.array_equal(np.asarray(alone), x):
            raise fault(
                "evaluation",
                "without a mask output, evaluation is not the identity",
                setting=f"opset {opset}",
                seed=number,
            )
        subject = OnnxDropout(run, Fraction(str(q)), opset)
        reports.append(
            assert_dropout(
                subject, q, checks=left_out, false_alarm=false_alarm / len(opsets), budget=budget, seed=number
            )
        )
    return tuple(reports)
