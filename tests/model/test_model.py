"""Architectures, networks, examples and drop probabilities: validated once, frozen."""

from __future__ import annotations

import copy
import pickle
from fractions import Fraction as F

import numpy as np
import pytest
import sympy

import exactdropout as xd
from exactdropout.errors import InvalidInput, MixedNumbers
from exactdropout.model import drop_rates


def test_architecture_counts_as_the_paper_does():
    arch = xd.Architecture(inputs=2, hidden=(3, 4), outputs=2)
    assert (arch.depth, arch.mask_bits, arch.widths) == (3, 9, (2, 3, 4, 2))
    assert arch.parameters == 2 * 3 + 3 + 3 * 4 + 4 + 4 * 2 + 2
    assert xd.Architecture(2, (3,), biases=False, output_bias=True).parameters == 6 + 3 + 1
    assert xd.Architecture(2) == xd.Architecture(2, (), 1)
    assert len({xd.Architecture(2), xd.Architecture(2), xd.Architecture(3)}) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"inputs": 0}, "1 <= inputs"),
        ({"inputs": 2.0}, "'inputs' must be a positive integer"),
        ({"inputs": True}, "'inputs' must be a positive integer"),
        ({"inputs": 2, "hidden": 3}, "'hidden' must be a sequence"),
        ({"inputs": 2, "hidden": (3, -1)}, r"1 <= hidden\[1\]"),
        ({"inputs": 2, "biases": 1}, "'biases' must be True or False"),
        ({"inputs": 2, "hidden": (1,), "activation": "tanh"}, "'activation' must be 'relu'"),
        ({"inputs": 2, "hidden": (1,), "activation": ["relu", "relu"]}, "one entry per hidden layer"),
        ({"inputs": 2, "hidden": (1,), "activation": "leaky_relu(__import__('os'))"}, "'activation' must be"),
        ({"inputs": 2, "hidden": (1,), "activation": [3]}, "activations or their names"),
        ({"inputs": 10**9}, "1 <= inputs <= 1000000"),
    ],
)
def test_bad_architectures(arguments, message):
    with pytest.raises(InvalidInput, match=message):
        xd.Architecture(**arguments)


def test_activations():
    leaky = xd.Activation.leaky_relu("0.1")
    assert leaky == xd.Activation.parse("leaky_relu(1/10)")
    assert xd.Activation.parse(str(leaky)) == leaky
    assert (leaky(F(-2)), leaky(F(2)), leaky(F(0)), leaky.derivative(F(0))) == (F(-1, 5), 2, 0, F(1, 10))
    assert str(xd.Activation.leaky_relu(0)) == "relu"
    assert str(xd.Activation.linear()) == "linear"
    with pytest.raises(MixedNumbers, match="such as '1/100'"):
        xd.Activation.leaky_relu(0.1)


def test_network_infers_its_architecture():
    net = xd.Network([[[1, 2], [3, 4], [5, 6]], [1, 1, 1]], [[0, 0, 0], 1])
    assert str(net.architecture) == "2-3-1 relu, biases"
    assert net.weights[1].shape == (1, 3)
    assert net.biases[1].tolist() == [1]
    assert net.kind == "exact"
    assert net.bias(0).tolist() == [0, 0, 0]
    assert xd.Network([[[1.0, 2]]]).kind == "float64"
    assert xd.Network([[[sympy.Symbol("w", real=True), 2]]]).kind == "symbolic"
    assert xd.Network([sympy.Matrix([[1, 2]])]).kind == "exact"
    assert xd.Network([np.array([[1, 2]])]).kind == "exact"


@pytest.mark.parametrize(
    ("weights", "biases", "message"),
    [
        ([], None, "'weights' must be a non-empty list"),
        ("12", None, "'weights' must be a non-empty list"),
        ([[[1, 2]], [[1, 2]]], None, r"'weights\[1\]' must have 1 columns"),
        ([[[1, 2], [3]]], None, "ragged"),
        ([[[1, 2]]], [], "one entry per layer"),
        ([[[1, 2]]], [[1, 2]], r"'biases\[0\]' must have 1 entries"),
        ([[[1]], [[1]], [1]], [[1], None, 1], "all hidden layers or in none"),
        ([[[float("inf")]]], None, "must be finite"),
        ([[["os.system('x')"]]], None, "must be an integer, a fraction"),
        ([[[0.5]]], [[F(1, 3)]], "mixes floats with fractions"),
    ],
)
def test_bad_networks(weights, biases, message):
    with pytest.raises(InvalidInput, match=message):
        xd.Network(weights, biases)


def test_networks_are_frozen_and_comparable():
    net = xd.Network([[[1, 2]], [1]])
    with pytest.raises(AttributeError):
        net.weights = ()
    with pytest.raises(AttributeError):
        net.other = 1
    assert net == xd.Network([[["1", "2"]], [F(1)]])
    assert hash(net) == hash(xd.Network([[[1, 2]], [1]]))
    assert net != net.float64()
    assert net.float64().exact() == net
    assert xd.Network([[[0.0]]]) != xd.Network([[[-0.0]]])
    assert net != 5
    with pytest.raises(MixedNumbers, match="beyond the range of float64"):
        xd.Network([[[10**400]]]).float64()


def test_examples_constructors():
    half = xd.Examples.half((1, 1), 1)
    assert half.inputs.tolist() == [[1, 1], [0, 0]]
    assert half.labels.tolist() == [[1], [0]]
    assert xd.Examples.point((1, 2), (3, 4)).labels.shape == (1, 2)
    assert xd.Examples.half((1, 2), (3, 4)).labels.tolist() == [[3, 4], [0, 0]]
    assert xd.Examples.uniform([((1,), 2), ((3,), 4), ((3,), 4)]).probabilities == (F(1, 3),) * 3
    arrays = xd.Examples.from_arrays(np.zeros((4, 2)), np.zeros(4))
    assert (arrays.kind, arrays.probabilities[0]) == ("float64", F(1, 4))
    assert xd.Examples([((1, 2), 0.5, 0.5), ((1, 2), 1, 0.5)]).kind == "float64"
    assert xd.Examples([((1, 2.5), 1)]).exact().inputs.tolist() == [[1, F(5, 2)]]


@pytest.mark.parametrize(
    ("examples", "message"),
    [
        ([], "at least one example"),
        ([(1, 2, 3, 4)], r"tuples \(x, y\)"),
        (["ab"], r"tuples \(x, y\)"),
        ([((1, 2), 1, F(1, 2)), ((1, 2), 1)], "for every example or for none"),
        ([((1, 2), 1, F(1, 2)), ((1, 2), 1, F(1, 3))], "sum to 1, not 5/6"),
        ([((1, 2), 1, 1), ((1, 2), 1, 0)], "positive numbers, not"),
        ([((1, 2), 1), ((1,), 1)], "ragged"),
        ([((float("nan"), 2), 1)], "must be finite"),
        ([((1, 2), 1, 0.5), ((1, 2), 1, 0.5)], "floats beside exact inputs"),
        ([((1.0, 2), 1, 0.5), ((1, 2), 1, 0.4)], "sum to 1, not 0.9"),
        ([((F(1, 2), 0.5), 1)], "mixes floats with fractions"),
    ],
)
def test_bad_examples(examples, message):
    with pytest.raises(InvalidInput, match=message):
        xd.Examples(examples)


def test_float_probabilities_that_sum_to_one_up_to_rounding_are_normalised_exactly():
    data = xd.Examples([((0.5,), 1.0, 0.1)] * 10)
    assert sum(data.probabilities) == 1


@pytest.mark.parametrize(
    ("q", "message"),
    [
        (1, "0 <= q < 1, not"),
        (-1, "0 <= q < 1, not"),
        (F(3, 2), "0 <= q < 1, not"),
        (float("nan"), "must be finite"),
        ((F(1, 2),), r"one per droppable layer \(2"),
        ((F(1, 2), 2), "0 <= q < 1"),
        ((F(1, 2), 0.5), "mixes floats with fractions"),
        ("p", "must be an integer, a fraction"),
    ],
)
def test_bad_rates(q, message):
    with pytest.raises(InvalidInput, match=message):
        drop_rates(q, xd.Architecture(2, (3,)))


def test_rates():
    arch = xd.Architecture(2, (3,))
    assert drop_rates(np.array(0.5), arch) == ((0.5, 0.5), "float64")
    assert drop_rates(0, arch) == ((0, 0), "exact")
    assert drop_rates("0.3", arch) == ((F(3, 10), F(3, 10)), "exact")
    assert drop_rates([0, "1/2"], arch) == ((0, F(1, 2)), "exact")
    assert drop_rates(0.25, arch) == ((0.25, 0.25), "float64")


FROZEN = [
    xd.Network([[[0.5, -1.0], [2.0, 0.0]], [1.0, 1.0]], [[0.0, 0.1], 0.5]),
    xd.Network([[["1/2", -1]], [3]]),
    xd.Examples([((1.0, 0.5), 2.0), ((0.0, -1.0), -0.0)]),
    xd.Examples.half((1, 1), 1),
]


@pytest.mark.parametrize("thing", FROZEN, ids=repr)
def test_networks_and_examples_are_frozen_in_fact(thing):
    arrays = arrays_of(thing)
    before = [array.copy() for array in arrays]
    for copied in (thing, pickle.loads(pickle.dumps(thing)), copy.copy(thing), copy.deepcopy(thing)):
        assert (copied, hash(copied), repr(copied)) == (thing, hash(thing), repr(thing))
        for array in arrays_of(copied):
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 7
            with pytest.raises(ValueError, match="WRITEABLE"):
                array.setflags(write=True)
        for name in ("kind", "_kind", "weights", "_inputs", "memo", "anything"):
            with pytest.raises(AttributeError, match="frozen"):
                setattr(copied, name, 1)
            with pytest.raises(AttributeError, match="frozen"):
                delattr(copied, name)
        assert not hasattr(copied, "memo")
        assert not hasattr(copied, "__dict__")
    assert all(np.array_equal(a, b) for a, b in zip(arrays, before, strict=True))


def arrays_of(thing):
    found = [getattr(thing, name, ()) for name in ("weights", "biases", "inputs", "labels")]
    return [a for part in found for a in (part if isinstance(part, tuple) else (part,)) if a is not None]


def test_what_is_frozen_is_a_copy_of_what_came():
    weights, inputs, fractions = np.ones((2, 2)), np.ones((1, 2)), np.array([[F(1), F(2)]], dtype=object)
    network, data = xd.Network([weights, [1.0, 1.0]]), xd.Examples.from_arrays(inputs, np.ones(1))
    exact = xd.Network([fractions])
    weights[0, 0] = inputs[0, 0] = 5
    fractions[0, 0] = F(9)
    assert network.weights[0][0, 0] == data.inputs[0, 0] == exact.weights[0][0, 0] == 1


def test_equal_means_equal_bits_in_networks_and_in_examples():
    assert xd.Network([[[0.0]]]) != xd.Network([[[-0.0]]])
    assert xd.Examples.point((0.0,), 1.0) != xd.Examples.point((-0.0,), 1.0)
    assert xd.Examples.point((0.0,), 1.0) == xd.Examples.point((0.0,), 1.0)
    assert xd.Examples.point((0,), 1) != xd.Examples.point((0.0,), 1.0)


def test_architectures_are_frozen():
    architecture = xd.Architecture(2, (3,))
    assert pickle.loads(pickle.dumps(architecture)) == copy.deepcopy(architecture) == architecture
    assert hash(copy.copy(architecture)) == hash(architecture)
    with pytest.raises(AttributeError):
        architecture.inputs = 3
