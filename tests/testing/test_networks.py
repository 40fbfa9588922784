"""Whole networks of each framework against their exact law: correct ones pass, faults that no layer shows are seen."""

from __future__ import annotations

import os
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import exactdropout as xd
from exactdropout import testing as xt
from exactdropout.errors import DropoutFault, InvalidInput
from exactdropout.testing.network_law import Atoms

External = Callable[[str], str]
DATA = [((1.0, -2.0), 1.0), ((0.5, 1.0), 0.0)]
FIRST, SECOND = np.array([[0.7, -0.4], [0.9, 0.3]], np.float32), np.array([[1.1, -0.6]], np.float32)
BIAS = np.array([0.2, 0.35], np.float32)
HALF = Fraction(1, 2)
FAULTS = {
    "": "",
    "one mask for two layers": "another law than independent masks give",
    "gradient doubled": "output with its gradient are those of no mask",
    "dropped in evaluation": "evaluation is not W",
    "rows share a mask": "another law than independent masks give",
    "rate 0.6": "another law than independent masks give",
    "unit 0 never dropped": "another law than independent masks give",
    "scale 1/q + 1/10": "of the output are those of no mask",
}


def masked(np_like: Any, x: Any, uniform: Any, fault: str) -> Any:
    """Return dropout at 1/2 of x, given uniform numbers of its shape, with a fault."""
    rate = 0.6 if fault == "rate 0.6" else 0.5
    kept = uniform[:1] >= rate if fault == "rows share a mask" and uniform.ndim > 1 else uniform >= rate
    if fault == "unit 0 never dropped":
        kept = kept | (np_like.arange(x.shape[-1]) == 0)
    return np_like.where(kept, x * (2.1 if fault.startswith("scale") else 2.0), 0.0 * x)


def torch_network(fault: str) -> tuple[Any, dict[str, Any]]:
    import torch

    masks: list[Any] = []

    class Drop(torch.nn.Module):
        p = 0.5

        def forward(self, x: Any) -> Any:
            if not self.training and fault != "dropped in evaluation":
                return x
            u = torch.rand(x.shape)
            if fault == "one mask for two layers":
                u = masks.pop() if masks else masks.append(u) or u
            y = masked(torch, x, u, fault)
            return y.detach() + 2 * (y - y.detach()) if fault == "gradient doubled" else y

    module = torch.nn.Sequential(
        Drop(), torch.nn.Linear(2, 2), torch.nn.ReLU(), Drop(), torch.nn.Linear(2, 1, bias=False)
    )
    with torch.no_grad():
        module[1].weight.copy_(torch.tensor(FIRST))
        module[1].bias.copy_(torch.tensor(BIAS))
        module[4].weight.copy_(torch.tensor(SECOND))
    return module, {"dropout": Drop}


def keras_network(fault: str) -> tuple[Any, dict[str, Any]]:
    os.environ.setdefault("KERAS_BACKEND", "jax")
    import jax
    import keras

    class Drop(keras.layers.Layer):
        rate = 0.5

        def __init__(self, **named: Any) -> None:
            super().__init__(**named)
            seed = 5 if fault == "one mask for two layers" else None
            self.seed_generator = keras.random.SeedGenerator(seed)

        def call(self, x: Any, training: bool = False) -> Any:
            u = keras.random.uniform(keras.ops.shape(x), seed=self.seed_generator)
            y = masked(keras.ops, x, u, fault)
            if not training and fault != "dropped in evaluation":
                return x
            still = jax.lax.stop_gradient
            return still(y) + 2 * (y - still(y)) if fault == "gradient doubled" else y

    keras.utils.set_random_seed(1)
    first, second = keras.layers.Dense(2, activation="relu"), keras.layers.Dense(1, use_bias=False)
    model = keras.Sequential([keras.Input((2,)), Drop(), first, Drop(), second])
    model.set_weights([FIRST.T, BIAS, SECOND.T, *model.get_weights()[3:]])
    return model, {"dropout": Drop}


def jax_mask(x: Any, key: Any, fault: str) -> Any:
    import jax
    import jax.numpy as jnp

    y = masked(jnp, x, jax.random.uniform(key, x.shape), fault)
    still = jax.lax.stop_gradient
    return still(y) + 2 * (y - still(y)) if fault == "gradient doubled" else y


def linen_network(fault: str) -> tuple[Any, dict[str, Any]]:
    import jax
    from flax import linen

    class Drop(linen.Module):
        rate: float = 0.5

        @linen.compact
        def __call__(self, x: Any, key: Any, training: bool) -> Any:
            if not training and fault != "dropped in evaluation":
                return x
            return jax_mask(x, key, fault)

    class Net(linen.Module):
        @linen.compact
        def __call__(self, x: Any, training: bool = False) -> Any:
            key = self.make_rng("dropout") if self.has_rng("dropout") else jax.random.key(0)
            one, two = (key, key) if fault == "one mask for two layers" else jax.random.split(key)
            h = linen.relu(linen.Dense(2)(Drop()(x, one, training)))
            return linen.Dense(1, use_bias=False)(Drop()(h, two, training))

    params = {"Dense_0": {"kernel": FIRST.T, "bias": BIAS}, "Dense_1": {"kernel": SECOND.T}}
    params = jax.tree_util.tree_map(jax.numpy.asarray, params)
    return Net().bind({"params": params}), {"dropout": Drop}


def nnx_network(fault: str) -> tuple[Any, dict[str, Any]]:
    import jax
    from flax import nnx

    class Drop(nnx.Module):
        def __init__(self, rngs: Any) -> None:
            self.rate, self.deterministic, self.rngs = 0.5, False, rngs

        def __call__(self, x: Any) -> Any:
            if self.deterministic and fault != "dropped in evaluation":
                return x
            key = jax.random.key(0) if fault == "one mask for two layers" else self.rngs.dropout()
            return jax_mask(x, key, fault)

    def filled(values: Any) -> Any:
        return lambda *_: jax.numpy.asarray(values)

    rngs = nnx.Rngs(3)
    first = nnx.Linear(2, 2, kernel_init=filled(FIRST.T), bias_init=filled(BIAS), rngs=rngs)
    second = nnx.Linear(2, 1, kernel_init=filled(SECOND.T), use_bias=False, rngs=rngs)
    return nnx.Sequential(Drop(rngs), first, nnx.relu, Drop(rngs), second), {"dropout": Drop}


def equinox_network(fault: str) -> tuple[Any, dict[str, Any]]:
    import equinox as eqx
    import jax

    class Drop(eqx.Module):
        p: float = 0.5
        inference: bool = False

        def __call__(self, x: Any, *, key: Any = None) -> Any:
            if self.inference and fault != "dropped in evaluation":
                return x
            return jax_mask(x, jax.random.key(0) if fault == "rows share a mask" else key, fault)

    class Net(eqx.Module):
        first: Any
        second: Any
        drop: Any

        def __call__(self, x: Any, *, key: Any = None) -> Any:
            one, two = (key, key) if fault == "one mask for two layers" else jax.random.split(key)
            h = jax.nn.relu(self.first(self.drop(x, key=one)))
            return self.second(self.drop(h, key=two))

    key = jax.random.key(0)
    first, second = eqx.nn.Linear(2, 2, key=key), eqx.nn.Linear(2, 1, use_bias=False, key=key)
    first = eqx.tree_at(lambda m: (m.weight, m.bias), first, (jax.numpy.asarray(FIRST), jax.numpy.asarray(BIAS)))
    second = eqx.tree_at(lambda m: m.weight, second, jax.numpy.asarray(SECOND))
    return Net(first, second, Drop()), {"dropout": Drop}


MAKERS = {
    "torch": torch_network, "keras": keras_network, "linen": linen_network, "nnx": nnx_network,
    "equinox": equinox_network,
}  # fmt: skip
LIBRARY = {"linen": "flax", "nnx": "flax"}
QUICK = {("torch", fault) for fault in FAULTS} | {(framework, "") for framework in MAKERS} | {
    ("keras", "one mask for two layers"), ("linen", "gradient doubled"), ("nnx", "rate 0.6"),
    ("equinox", "one mask for two layers"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("framework", "fault"),
    [
        pytest.param(framework, fault, marks=() if (framework, fault) in QUICK else pytest.mark.thorough)
        for framework in MAKERS for fault in FAULTS
    ],
)  # fmt: skip
def test_networks_of_frameworks(external: External, framework: str, fault: str) -> None:
    external(LIBRARY.get(framework, framework))
    module, named = MAKERS[framework](fault)
    if not fault:
        report = xt.assert_network(module, DATA, q="1/2", **named)
        assert report.q == (HALF, HALF)
        assert report.gradients == 512
        exact = xd.Network([FIRST.astype(float), SECOND.astype(float)], [BIAS.astype(float), None])
        expected = float(xd.evaluate(exact, xd.Examples(DATA), "1/2").criterion)
        assert report.criterion == pytest.approx(expected, rel=1e-6)
        assert report.observed_criterion == pytest.approx(expected, rel=0.1)
        for moments in report.moments:
            assert moments.observed_mean == pytest.approx(moments.mean, abs=5 * (moments.variance[0] / 4096) ** 0.5)
        return
    with pytest.raises(DropoutFault, match=FAULTS[fault]):
        xt.assert_network(module, DATA, **named)


def test_parameters_in_another_order_shared_layers_and_shared_weights(torch: Any) -> None:
    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.last, self.drop = torch.nn.Linear(2, 1), torch.nn.Dropout(0.5)
            self.first = torch.nn.Linear(2, 2)
            self.frozen = torch.nn.Linear(2, 2).requires_grad_(False)

        def forward(self, x: Any) -> Any:
            h = self.drop(torch.relu(self.first(self.drop(x))))
            return self.last(self.drop(torch.relu(self.first(self.frozen(h)))))

    torch.manual_seed(1)
    report = xt.assert_network(Net(), [((1.0, -2.0), 1.0)])
    assert report.q == (HALF, HALF, 0, HALF)
    assert report.gradients == 256


def test_a_layer_that_stands_twice_in_a_sequential_is_read_twice(torch: Any) -> None:
    drop = torch.nn.Dropout(0.5)
    module = torch.nn.Sequential(drop, torch.nn.Linear(2, 2), torch.nn.ReLU(), drop, torch.nn.Linear(2, 1))
    assert xt.assert_network(module, DATA).q == (HALF, HALF)


def test_a_correct_network_with_all_the_masks_there_may_be_passes(torch: Any) -> None:
    torch.manual_seed(1)
    module = torch.nn.Sequential(
        torch.nn.Dropout(0.5), torch.nn.Linear(6, 8), torch.nn.ReLU(), torch.nn.Dropout(0.5), torch.nn.Linear(8, 2)
    )
    report = xt.assert_network(module, [((1.0, -2.0, 0.5, 0.3, 0.2, 0.9), (1.0, 2.0))])
    assert report.atoms > 1000


def test_what_the_framework_decides_by_rounding_is_not_checked(torch: Any) -> None:
    module = torch.nn.Sequential(torch.nn.Dropout(0.5), torch.nn.Linear(2, 1), torch.nn.ReLU(), torch.nn.Linear(1, 1))
    with torch.no_grad():
        module[1].weight.copy_(torch.tensor([[0.1, 0.2]]))
        module[1].bias.copy_(torch.tensor([-0.6]))  # 2·0.1·1 + 2·0.2·1 = 0.6, as floats nearly
    report = xt.assert_network(module, [((1.0, 1.0), 0.0)])
    assert report.gradients == 0
    assert "not checked: gradient of example 0 (unit 0 of hidden layer 1" in str(report)


@pytest.mark.parametrize("fault", ["rows in pairs", "off after evaluation", "every mask used for two calls"])
def test_what_a_network_remembers_is_seen(torch: Any, fault: str) -> None:
    class Drop(torch.nn.Module):
        p = 0.5

        def __init__(self) -> None:
            super().__init__()
            self.evaluated, self.before = False, list[Any]()

        def forward(self, x: Any) -> Any:
            self.evaluated |= not self.training
            if not self.training or (fault == "off after evaluation" and self.evaluated):
                return x
            u = torch.rand(x.shape)
            if fault == "rows in pairs":
                u[1::2] = u[: len(u) // 2 * 2 : 2]
            if fault == "every mask used for two calls" and len(x) == 1:
                if self.before:
                    u = self.before.pop()
                else:
                    self.before.append(u)
            return masked(torch, x, u, "")

    module = torch.nn.Sequential(Drop(), torch.nn.Linear(2, 2), torch.nn.ReLU(), Drop(), torch.nn.Linear(2, 1))
    with pytest.raises(DropoutFault, match=r"depends on an earlier one|of no mask"):
        xt.assert_network(module, DATA, dropout=Drop)


def test_functions_beside_a_network() -> None:
    network = xd.Network([[[1, 3], [2, -1]], [[1, 1]]], [[0, 1], None])
    first, bias, second = np.array([[1.0, 3.0], [2.0, -1.0]]), np.array([0.0, 1.0]), np.array([[1.0, 1.0]])

    def run(x: Any, key: int, training: bool = True, wrong: bool = False) -> Any:
        rng = np.random.default_rng(key)
        one, two = (2.0 * (rng.random((len(x), 2)) >= 0.5) if training else np.ones((len(x), 2)) for _ in range(2))
        z = (x * one) @ first.T + bias
        h = np.maximum(z, 0) * two

        def vjp(g: Any) -> Any:
            back = (g @ second) * (1 if wrong else two) * (z > 0)
            return back.T @ (x * one), back.sum(axis=0), g.T @ h

        return h @ second.T, vjp

    report = xt.assert_network(run, [((1, 2), 1)], "1/2", network=network)
    assert report.gradients == 256
    assert report.skipped == ()
    with pytest.raises(DropoutFault, match="output with its gradient are those of no mask"):
        xt.assert_network(lambda x, key: run(x, key, wrong=True), [((1, 2), 1)], "1/2", network=network)
    silent = xt.assert_network(lambda x, key: run(x, key)[0], [((1, 2), 1)], "1/2", network=network)
    assert [name for name, _ in silent.skipped] == ["evaluation", "gradient"]
    with pytest.raises(InvalidInput, match="Argument 'q' must be given for a function"):
        xt.assert_network(run, [((1, 2), 1)], network=network)
    with pytest.raises(InvalidInput, match="a function beside network"):
        xt.assert_network(run, [((1, 2), 1)], "1/2")


def test_half_precision_is_refused_and_dropout_classes_are_named(torch: Any) -> None:
    module = torch.nn.Sequential(torch.nn.Dropout(0.5), torch.nn.Linear(2, 1))
    with pytest.raises(InvalidInput, match="must compute in float32 or float64, not bfloat16"):
        xt.assert_network(module.bfloat16(), DATA)
    module, named = torch_network("")
    with pytest.raises(InvalidInput, match="say dropout=Drop"):
        xt.assert_network(module, DATA)
    named["dropout"].p = None
    with pytest.raises(InvalidInput, match="must say its drop probability as one of p, rate"):
        xt.assert_network(module, DATA, **named)


def test_atoms_are_told_apart_by_their_values_not_by_their_places() -> None:
    rng = np.random.default_rng(3)
    values = np.repeat(rng.normal(size=(600, 3)), 2, axis=0) + rng.uniform(-1e-6, 1e-6, (1200, 3))
    atoms = Atoms.of(values, np.full(1200, 1 / 1200), np.full(3, 1e-6))
    assert len(atoms) == 600
    assert atoms.probabilities == pytest.approx(np.full(600, 1 / 600))
    found = atoms.of_draws(values + rng.uniform(-1e-7, 1e-7, (1200, 3)))
    assert (found[0::2] == found[1::2]).all()
    assert len(set(found.tolist())) == 600
    assert (atoms.of_draws(values + 1e-3) == -1).all()
    assert (atoms.of_draws(np.full((1, 3), np.nan)) == -1).all()
