"""Each importer against the framework's own output, its rates, and what it refuses."""

from __future__ import annotations

import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from exactdropout import interop
from exactdropout.errors import InvalidInput, UnreadableFile
from exactdropout.interop.layers import forward
from exactdropout.model import Architecture

External = Callable[[str], str]
FIFTH = Fraction(float(np.float32(0.2)))


@pytest.fixture
def torch(external: External) -> Any:
    external("torch")
    import torch

    torch.manual_seed(1)
    return torch


def test_a_sequential_of_torch(torch: Any) -> None:
    nn = torch.nn
    module = nn.Sequential(
        nn.Dropout(0.2), nn.Linear(3, 4), nn.Sequential(nn.ReLU(), nn.Dropout(0.5), nn.Dropout(0.5)), nn.Linear(4, 4),
        nn.Linear(4, 2, bias=False),
    )  # fmt: skip
    found = interop.from_torch(module)
    assert found.network.architecture.widths == (3, 4, 4, 2)
    assert [str(a) for a in found.network.architecture.activations] == ["relu", "linear"]
    assert found.q == (Fraction(0.2), Fraction(3, 4), Fraction(0))
    assert found.rates_are == "dyadic"
    assert found.difference is not None
    assert found.difference < 1e-6
    assert found.network.weights[0].tolist() == module[1].weight.double().tolist()
    assert interop.from_torch(module, rates="decimal").q == (Fraction(1, 5), Fraction(3, 4), 0)
    assert interop.from_torch(module, exact=True).network.kind == "exact"
    assert interop.from_torch(module, q="1/3").q == (Fraction(1, 3),) * 3
    assert module.training


def test_a_traced_module_of_torch(torch: Any) -> None:
    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second, self.drop = torch.nn.Linear(3, 5), torch.nn.Linear(5, 1), torch.nn.Dropout(0.25)

        def forward(self, x: Any) -> Any:
            x = torch.nn.functional.dropout(x, 0.5, self.training)
            return self.second(self.drop(torch.relu(self.first(x))))

    found = interop.from_torch(Net())
    assert found.q == (Fraction(1, 2), Fraction(1, 4))
    assert str(found.network.architecture) == "3-5-1 relu, biases"


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        (lambda nn: [nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 1)], "'1' is a Tanh"),
        (lambda nn: [nn.Linear(2, 1), nn.Dropout(0.5)], "drops outputs"),
        (lambda nn: [nn.Dropout2d(0.5), nn.Linear(2, 1)], "Dropout2d"),
        (lambda nn: [nn.ReLU(), nn.Linear(2, 1)], "acts on the inputs"),
    ],
)
def test_what_torch_has_and_the_model_has_not_is_named(torch: Any, layers: Any, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        interop.from_torch(torch.nn.Sequential(*layers(torch.nn)))


def test_pickles_are_never_loaded(tmp_path: Path) -> None:
    (tmp_path / "net.pt").write_bytes(b"")
    with pytest.raises(InvalidInput, match="pickle, which is never loaded"):
        interop.load(tmp_path / "net.pt")
    with pytest.raises(UnreadableFile, match="does not exist"):
        interop.load(tmp_path / "net.onnx")


def _onnx(nodes: list[Any], constants: dict[str, Any], opset: int = 17, outputs: int = 1) -> Any:
    from onnx import TensorProto, helper, numpy_helper

    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, outputs])],
        [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def test_onnx_evaluation_export_and_training_export(external: External, tmp_path: Path) -> None:
    external("onnx")
    import onnx
    from onnx import helper

    rng = np.random.default_rng(2)
    w1, b1, w2 = (rng.normal(size=s).astype(np.float32) for s in ((4, 3), (4,), (4, 1)))
    plain = [
        helper.make_node("Gemm", ["x", "w1", "b1"], ["h"], transB=1), helper.make_node("Relu", ["h"], ["r"]),
        helper.make_node("MatMul", ["r", "w2"], ["m"]), helper.make_node("Add", ["m", "b2"], ["y"]),
    ]  # fmt: skip
    constants = {"w1": w1, "b1": b1, "w2": w2, "b2": np.array([[0.5]], dtype=np.float32)}
    onnx.save(_onnx(plain, constants), tmp_path / "net.onnx")
    found = interop.load(tmp_path / "net.onnx")
    assert found.q is None
    assert found.rates_are == "unknown"
    assert found.difference is not None
    assert str(found.network.architecture) == "3-4-1 relu, biases"
    drop = [
        helper.make_node("Dropout", ["x", "ratio", "mode"], ["d"]),
        helper.make_node("Gemm", ["d", "w1", "b1"], ["h"], transB=1), helper.make_node("Relu", ["h"], ["r"]),
        helper.make_node("Gemm", ["r", "w2"], ["y"]),
    ]  # fmt: skip
    constants |= {"ratio": np.float32(0.2), "mode": np.array(True)}
    training = _onnx(drop, constants)
    assert interop.from_onnx(training).q == (FIFTH, 0)
    difference = interop.from_onnx(training).difference  # compared with its training mode off
    assert difference is not None
    assert difference < 1e-5
    assert interop.from_onnx(training, rates="decimal").q == (Fraction(1, 5), 0)
    with pytest.raises(InvalidInput, match="is a Tanh"):
        interop.from_onnx(_onnx([helper.make_node("Tanh", ["x"], ["y"])], {}))
    (tmp_path / "bad.onnx").write_text("nothing")
    with pytest.raises(UnreadableFile, match="no ONNX model"):
        interop.load(tmp_path / "bad.onnx")


def test_keras_models_and_files(external: External, tmp_path: Path) -> None:
    external("keras")
    os.environ.setdefault("KERAS_BACKEND", "jax")
    import keras

    model = keras.Sequential([
        keras.Input((3,)), keras.layers.Dropout(0.2), keras.layers.Dense(3, activation="relu"),
        keras.layers.Dropout(0.5), keras.layers.Dense(1),
    ])  # fmt: skip
    model.save(tmp_path / "net.keras")
    for found in (interop.from_keras(model), interop.load(tmp_path / "net.keras")):
        assert found.q == (Fraction(1, 5), Fraction(1, 2))
        assert found.difference is not None
        assert found.difference < 1e-5
    shared = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dropout(0.2, noise_shape=(None, 1)), keras.layers.Dense(1)]
    )
    with pytest.raises(InvalidInput, match="noise_shape"):
        interop.from_keras(shared)


def test_flax_parameters_and_nnx(external: External) -> None:
    external("flax")
    import jax
    from flax import linen, nnx

    class Net(linen.Module):
        @linen.compact
        def __call__(self, x: Any) -> Any:
            h = linen.relu(linen.Dense(3)(x))
            return linen.Dense(1)(h)

    params = Net().init(jax.random.key(0), np.ones((1, 3)))
    found = interop.from_flax(params, q="1/2", own=lambda x: Net().apply(params, x))
    own = np.asarray(Net().apply(params, np.ones((1, 3), dtype=np.float32)))
    assert np.allclose(forward(found.network, np.ones((1, 3))), own, atol=1e-5)
    rngs = nnx.Rngs(0)
    module = nnx.Sequential(
        nnx.Linear(3, 3, rngs=rngs), jax.nn.relu, nnx.Dropout(0.5, rngs=rngs), nnx.Linear(3, 1, rngs=rngs)
    )
    assert interop.from_flax(module).q == (0, Fraction(1, 2))


def test_equinox(external: External) -> None:
    external("equinox")
    import equinox as eqx
    import jax

    keys = jax.random.split(jax.random.key(0), 2)
    module = eqx.nn.Sequential([
        eqx.nn.Linear(3, 3, key=keys[0]), eqx.nn.Lambda(jax.nn.relu), eqx.nn.Dropout(0.5),
        eqx.nn.Linear(3, 1, key=keys[1]),
    ])  # fmt: skip
    found = interop.from_equinox(module)
    assert found.q == (0, Fraction(1, 2))
    assert found.difference is not None
    assert interop.from_equinox(eqx.nn.MLP(2, 1, 3, 2, key=keys[0])).q is None


def test_scikit_learn(external: External) -> None:
    external("sklearn")
    from sklearn.neural_network import MLPRegressor

    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 3))
    model = MLPRegressor(hidden_layer_sizes=(4,), max_iter=20, random_state=0)
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(x, x.sum(axis=1))
    found = interop.from_sklearn(model, q="1/2")
    assert found.difference is not None
    assert found.difference < 1e-9
    model.activation = "tanh"
    with pytest.raises(InvalidInput, match="tanh"):
        interop.from_sklearn(model)


def test_safetensors_need_an_architecture(external: External, tmp_path: Path) -> None:
    external("safetensors")
    from safetensors.numpy import save_file

    rng = np.random.default_rng(0)
    tensors = {"2.weight": rng.normal(size=(1, 4)), "0.weight": rng.normal(size=(4, 3)), "0.bias": rng.normal(size=4)}
    save_file(tensors, tmp_path / "net.safetensors")
    arch = Architecture(3, (4,), hidden_biases=True, output_bias=False)
    found = interop.from_safetensors(tmp_path / "net.safetensors", architecture=arch, q="1/2")
    assert found.network.weights[0].tolist() == tensors["0.weight"].tolist()
    assert found.network.architecture == arch
    x = rng.normal(size=(5, 3))
    own = np.maximum(x @ tensors["0.weight"].T + tensors["0.bias"], 0) @ tensors["2.weight"].T
    assert np.allclose(forward(found.network, x), own)
    with pytest.raises(InvalidInput, match="'architecture' must be given"):
        interop.load(tmp_path / "net.safetensors")
    with pytest.raises(InvalidInput, match="holds shapes"):
        interop.from_safetensors(tmp_path / "net.safetensors", architecture=Architecture(4, (4,)))


def test_nnet_files(tmp_path: Path) -> None:
    text = (
        "// a comment\n2, 2, 1, 2,\n2, 2, 1,\n0,\n-1,-1,\n1,1,\n0,0,0,\n1,1,1,\n1,2,\n3,4,\n0.5,\n-0.5,\n1,-1,\n0.25,\n"
    )
    (tmp_path / "net.nnet").write_text(text)
    found = interop.load(tmp_path / "net.nnet", exact=True)
    assert found.network.weights[0].tolist() == [[1, 2], [3, 4]]
    assert found.network.biases[1] is not None
    assert found.network.biases[1].tolist() == [Fraction(1, 4)]
    assert forward(found.network, np.array([[1.0, -2.0]])).tolist() == [[0.25]]  # relu(-2.5, -5.5) = 0
    assert forward(found.network, np.array([[1.0, 1.0]])).tolist() == [[-2.75]]  # 3.5 - 6.5 + 0.25
    (tmp_path / "bad.nnet").write_text("2, 2\n")
    with pytest.raises(UnreadableFile, match=r"no \.nnet file"):
        interop.load(tmp_path / "bad.nnet")


def test_a_layer_that_is_called_twice_is_read_twice(torch: Any, external: External) -> None:
    nn, half = torch.nn, (Fraction(1, 2), Fraction(1, 2))
    drop = nn.Dropout(0.5)
    assert interop.from_torch(nn.Sequential(drop, nn.Linear(2, 2), nn.ReLU(), drop, nn.Linear(2, 1))).q == half
    external("keras")
    os.environ.setdefault("KERAS_BACKEND", "jax")
    import keras

    given, drop = keras.Input((2,)), keras.layers.Dropout(0.5)
    hidden = keras.layers.Dense(3, activation="relu")(drop(given))
    model = keras.Model(given, keras.layers.Dense(1)(drop(hidden)))
    assert interop.from_keras(model).q == half
    nested = keras.Sequential([keras.Input((2,)), model])
    assert interop.from_keras(nested).q == half
    two = keras.Model(given, keras.layers.add([hidden, keras.layers.Dense(3)(drop(given))]))
    with pytest.raises(InvalidInput, match="stand side by side; only chains"):
        interop.from_keras(two)


def test_reading_a_module_leaves_the_modes_of_its_layers(torch: Any) -> None:
    module = torch.nn.Sequential(torch.nn.Dropout(0.5), torch.nn.Linear(2, 1))
    module[0].eval()
    interop.from_torch(module)
    assert (module.training, module[0].training, module[1].training) == (True, False, True)


def test_functional_dropout_that_is_off_has_no_rate(torch: Any) -> None:
    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = torch.nn.Linear(2, 2), torch.nn.Linear(2, 1)

        def forward(self, x: Any) -> Any:
            dropout = torch.nn.functional.dropout
            return self.second(dropout(self.first(dropout(x, 0.5, False)), 0.25, self.training))

    assert interop.from_torch(Net().eval()).q == (0, Fraction(1, 4))


def test_flax_modules_are_read_as_they_are_called(external: External) -> None:
    external("flax")
    import jax
    from flax import linen, nnx

    class Net(linen.Module):
        kind: str = ""

        @linen.compact
        def __call__(self, x: Any, deterministic: bool = True) -> Any:
            drop = linen.Dropout(0.5, broadcast_dims=(0,) if self.kind == "shared" else ())
            last = linen.Dense(1, name="a_layer_with_the_first_name")
            h = linen.Dense(3)(drop(x, deterministic=deterministic))
            h = {"tanh": linen.tanh, "": lambda z: linen.leaky_relu(z, 0.1)}.get(self.kind, linen.relu)(h)
            h = h + x[:, :1] if self.kind == "residual" else h
            return last(drop(h, deterministic=deterministic))

    variables = Net().init(jax.random.key(0), np.ones((1, 2)))
    for given in (Net().bind(variables), (Net(), variables), (Net(), variables["params"])):
        found = interop.from_flax(given)
        assert found.q == (Fraction(1, 2), Fraction(1, 2))
        assert str(found.network.architecture) == "2-3-1 leaky_relu(1/10), biases"
        assert found.difference is not None
        assert found.difference < 1e-5
    for kind, words in (("tanh", "neither relu"), ("residual", "neither relu"), ("shared", "broadcast_dims")):
        with pytest.raises(InvalidInput, match=words):
            interop.from_flax((Net(kind), variables))
    with pytest.raises(InvalidInput, match=r"write module.bind\(variables\)"):
        interop.from_flax(Net())
    always = linen.Sequential([linen.Dense(3), linen.relu, linen.Dropout(0.25, deterministic=False), linen.Dense(1)])
    variables = always.init({"params": jax.random.key(0), "dropout": jax.random.key(1)}, np.ones((1, 2)))
    assert interop.from_flax((always, variables)).q == (0, Fraction(1, 4))

    class Own(nnx.Module):
        def __init__(self) -> None:
            rngs = nnx.Rngs(0)
            self.last, self.first = nnx.Linear(3, 1, use_bias=False, rngs=rngs), nnx.Linear(2, 3, rngs=rngs)
            self.drop = nnx.Dropout(0.25, rngs=rngs)

        def __call__(self, x: Any) -> Any:
            return self.last(self.drop(nnx.relu(self.first(self.drop(x)))))

    own = interop.from_flax(Own())
    assert own.q == (Fraction(1, 4), Fraction(1, 4))
    assert own.network.biases[1] is None
    with pytest.raises(InvalidInput, match="must be a Flax module"):
        interop.from_flax(3)


def test_equinox_modules_are_read_as_they_are_called(external: External) -> None:
    external("equinox")
    import equinox as eqx
    import jax

    class Net(eqx.Module):
        last: Any
        first: Any
        drop: Any

        def __call__(self, x: Any, *, key: Any = None) -> Any:
            one, two = (None, None) if key is None else jax.random.split(key)
            return self.last(self.drop(jax.nn.relu(self.first(self.drop(x, key=one))), key=two))

    key = jax.random.key(0)
    linear = eqx.nn.Linear
    found = interop.from_equinox(Net(linear(3, "scalar", key=key), linear(2, 3, key=key), eqx.nn.Dropout(0.5)))
    assert found.q == (Fraction(1, 2), Fraction(1, 2))
    assert str(found.network.architecture) == "2-3-1 relu, biases"
    for activation, name in ((jax.nn.relu, "relu"), (lambda z: z, "linear"), (jax.nn.leaky_relu, "leaky_relu(1/100)")):
        small = eqx.nn.MLP(1, 1, 1, 1, activation=activation, key=key)
        assert str(interop.from_equinox(small).network.architecture) == f"1-1-1 {name}, biases"
    with pytest.raises(InvalidInput, match=r"Between 'layers.0.' and 'layers.1.' the values change"):
        interop.from_equinox(eqx.nn.MLP(2, 1, 3, 1, activation=jax.numpy.tanh, key=key))
    with pytest.raises(InvalidInput, match="must be an Equinox module"):
        interop.from_equinox(3)


@pytest.mark.parametrize(
    ("layer", "advice"),
    [
        ("BatchNorm1d(3)", "fold it into the Linear before it, torch.nn.utils.fusion.fuse_linear_bn_eval"),
        ("LayerNorm(3)", "divides by what it computes from its inputs"),
        ("AlphaDropout(0.5)", "say dropout=AlphaDropout"),
    ],
)
def test_what_to_do_about_a_layer_that_is_not_supported(torch: Any, layer: str, advice: str) -> None:
    kind, _, argument = layer.rstrip(")").partition("(")
    module = torch.nn.Sequential(
        torch.nn.Linear(2, 3), getattr(torch.nn, kind)(float(argument) if "." in argument else 3)
    )
    with pytest.raises(InvalidInput, match=f"Layer '1' is a {kind}, which is not supported") as caught:
        interop.from_torch(module)
    assert advice in str(caught.value)


def test_the_advice_about_batch_normalisation_is_right(torch: Any) -> None:
    linear, norm = torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3)
    with torch.no_grad():
        for part in (norm.weight, norm.bias, norm.running_mean):
            part.copy_(torch.randn(3))
        norm.running_var.copy_(torch.rand(3) + 0.5)
    x = torch.randn(4, 2)
    said = torch.nn.Sequential(linear, norm).eval()(x)
    folded = torch.nn.utils.fusion.fuse_linear_bn_eval(linear.eval(), norm.eval())
    found = interop.from_torch(torch.nn.Sequential(folded, torch.nn.ReLU(), torch.nn.Linear(3, 1)))
    first = x.numpy() @ found.network.weights[0].T + found.network.biases[0]
    assert np.abs(first - said.detach().numpy()).max() < 1e-5


def test_a_state_dict_is_told_what_to_write(torch: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        interop.from_torch(torch.nn.Linear(2, 1).state_dict())
    said = str(caught.value)
    assert "of parameters, which has no order of layers" in said
    assert "write from_torch(module)" in said
    assert "xd.interop.load(path, architecture='2-3-1 relu')" in said
    assert "\N{REPLACEMENT CHARACTER}" not in said
