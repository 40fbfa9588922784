"""Dropout in each framework that is installed, and the ONNX conformance assertion."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from exactdropout import testing as xt
from exactdropout.errors import DropoutFault

External = Callable[[str], str]
SMALL = 8_000
QUICK = ["value", "gradient", "evaluation", "seed", "laws"]


@pytest.fixture
def keras(external: External) -> Any:
    external("keras")
    os.environ.setdefault("KERAS_BACKEND", "jax")
    import keras

    return keras


X = np.linspace(-2, 2, 192).reshape(16, 12)  # one shape: JAX compiles each operation for each shape and format


def test_keras(keras: Any) -> None:
    report = xt.assert_dropout(keras.layers.Dropout(0.3), "3/10", x=X, budget=SMALL)
    assert {"value", "gradient", "evaluation", "laws", "seed"} <= {n for n, _ in report.checked}


@pytest.mark.thorough
def test_layers_of_keras(keras: Any) -> None:
    report = xt.assert_dropout(keras.layers.Dropout, "3/10", budget=SMALL)
    assert {"value", "gradient", "evaluation", "laws", "layers", "seed"} <= {n for n, _ in report.checked}
    noise = xt.shared(1)
    x = np.linspace(-2, 2, 16 * 5 * 3).reshape(16, 5, 3)
    xt.assert_dropout(
        lambda q: keras.layers.Dropout(q, noise_shape=(None, 1, None)), "3/10", model=noise, x=x, budget=SMALL
    )
    xt.assert_dropout(keras.layers.SpatialDropout1D, "3/10", model=noise, x=x, budget=SMALL)


def test_keras_gaussian(keras: Any) -> None:
    xt.assert_dropout(keras.layers.GaussianDropout, "3/10", model="gaussian", budget=SMALL)
    with pytest.raises(DropoutFault, match="other moments"):
        xt.assert_dropout(keras.layers.GaussianDropout(0.5), "3/10", model="gaussian", budget=SMALL)


def test_a_broken_layer_of_keras_is_flagged(keras: Any) -> None:
    class Rows(keras.layers.Dropout):
        def call(self, inputs: Any, training: bool = False) -> Any:
            if not training:
                return inputs
            bits = keras.random.uniform((1, inputs.shape[-1]), seed=self.seed_generator) >= self.rate
            return inputs * keras.ops.cast(bits, inputs.dtype) / (1 - self.rate)

    with pytest.raises(DropoutFault, match=r"rows .*always share one mask"):
        xt.assert_dropout(Rows(0.5), "1/2", x=np.linspace(-2, 2, 192).reshape(16, 12), budget=SMALL)


def test_flax_in_one_shape(external: External) -> None:
    external("flax")
    from flax import linen

    report = xt.assert_dropout(linen.Dropout(0.3), "3/10", x=X, budget=2_000, checks=QUICK)
    assert {"value", "gradient", "evaluation", "laws", "seed"} <= {n for n, _ in report.checked}


@pytest.mark.thorough
def test_flax(external: External) -> None:
    external("flax")
    from flax import linen, nnx

    for layer in (linen.Dropout, nnx.Dropout):  # eager JAX takes about 10 s of a free core
        report = xt.assert_dropout(layer, "3/10", budget=SMALL)
        assert {"value", "gradient", "evaluation", "laws", "seed", "rates 0 and 1"} <= {n for n, _ in report.checked}
    xt.assert_dropout(lambda q: linen.Dropout(q, broadcast_dims=(1,)), "3/10", model=xt.shared(1), budget=SMALL)


@pytest.mark.thorough
def test_equinox(external: External) -> None:
    external("equinox")
    import equinox as eqx

    with pytest.raises(DropoutFault, match="the gradient at rate 1 is not 0"):  # it is NaN
        xt.assert_dropout_exact(eqx.nn.Dropout, "3/10")
    left_out = [xt.skip("rates 0 and 1", "the gradient at rate 1 is NaN")]
    report = xt.assert_dropout(eqx.nn.Dropout, "3/10", checks=left_out, budget=SMALL)
    assert {"value", "gradient", "evaluation", "laws", "seed"} <= {n for n, _ in report.checked}


@pytest.mark.thorough
def test_functions_of_jax(external: External) -> None:
    external("equinox")
    import jax
    import jax.numpy as jnp

    def right(x: Any, key: Any) -> Any:
        return jnp.where(jax.random.bernoulli(key, 0.7, x.shape), x / jnp.asarray(0.7, x.dtype), jnp.zeros_like(x))

    xt.assert_dropout(right, "3/10", framework="jax", budget=SMALL)
    with pytest.raises(DropoutFault):
        xt.assert_dropout(lambda x, key: right(x, jax.random.key(0)), "3/10", framework="jax", budget=SMALL)


def test_onnx_runtime(external: External) -> None:
    external("onnx")
    external("onnxruntime")
    import onnxruntime

    sessions: dict[bytes, Any] = {}

    def run(model: Any, feeds: Any) -> Any:
        content = model.SerializeToString()
        if content not in sessions:
            sessions[content] = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        return sessions[content].run(None, dict(feeds))

    # ONNX Runtime 1.32: the masks of successive calls of a session depend on each other (docs/oracle.md); a version
    # that draws independently passes, and nothing but the laws may be at fault
    said = "(laws)"
    try:
        reports = xt.assert_onnx_dropout(run, budget=SMALL)
        assert all("laws" in dict(r.checked) for r in reports)
    except DropoutFault as fault:
        said = str(fault)
    assert "(laws)" in said

    def inverted_mask(model: Any, feeds: Any) -> Any:
        y, *mask = run(model, feeds)
        return [y, *(~m for m in mask)]

    with pytest.raises(DropoutFault):
        xt.assert_onnx_dropout(inverted_mask, budget=SMALL)


def test_dropconnect_on_plain_functions() -> None:
    rng = np.random.default_rng(3)
    weight = rng.normal(size=(6, 8))

    def layer(x: Any, key: int, training: bool = True) -> Any:
        if not training:
            return x @ weight.T.astype(x.dtype)
        mask = np.random.default_rng(key).random(weight.shape) >= 0.3
        return x @ (weight * mask / 0.7).T.astype(x.dtype)

    report = xt.assert_dropout(layer, "3/10", model=xt.dropconnect(weight), budget=SMALL)
    assert "laws" in dict(report.checked)
    with pytest.raises(DropoutFault):
        xt.assert_dropout(layer, "3/10", model=xt.dropconnect(weight, per="row"), budget=SMALL)
