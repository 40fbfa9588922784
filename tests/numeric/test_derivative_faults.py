"""What once was wrong with derivatives, each case pinned: tiny rates, faint values, coarse bounds, order of rows."""

from __future__ import annotations

import itertools
from fractions import Fraction as F

import numpy as np
import pytest

from exactdropout.evaluation import evaluate
from exactdropout.model import Activation, Examples, Network
from exactdropout.numeric.definition import naive_gradient
from exactdropout.numeric.float64.derivatives.gradient import walked_gradient
from exactdropout.numeric.float64.derivatives.prepared import prepared_derivatives
from exactdropout.numeric.float64.problem import prepare
from exactdropout.numeric.runs.runner import Runner

from .entrywise import entries, outside

HALF = F(1, 2)


def gaussian(seed, *widths, examples=1, activation="relu"):
    rng = np.random.default_rng(seed)
    network = Network(
        [rng.normal(size=(b, a)) for a, b in itertools.pairwise(widths)],
        [rng.normal(size=b) for b in widths[1:]],
        activation=activation,
    )
    inputs, labels = rng.normal(size=(examples, widths[0])), rng.normal(size=(examples, widths[-1]))
    return network, Examples.from_arrays(inputs, labels)


def walked(network, data, q):
    return walked_gradient(network, prepared_derivatives(prepare(network, data, q)), Runner())


@pytest.mark.parametrize("rate", [F(1, 2**54), F(1, 2**60), F(1, 10**300), 1 - F(1, 2**60), 1 - F(1, 10**12)])
@pytest.mark.parametrize("widths", [(3, 2, 1), (2, 2, 2, 1), (2, 2, 1, 2, 1)])
def test_whether_a_layer_drops_is_read_from_the_exact_rate(rate, widths):
    """p of a rate below 2^−54 rounds to 1, although its masks exist: a Hessian product was off by 18 ± 3e-13."""
    network, data = gaussian(1, *widths)
    along = gaussian(2, *widths)[0]
    for place in range(len(widths) - 1):
        q = tuple(rate if l == place else HALF for l in range(len(widths) - 1))
        found = evaluate(network, data, q, gradient=True, hessian_product=along)
        exact = evaluate(network.exact(), data.exact(), q, gradient=True, hessian_product=along.exact(), max_cost=1e12)
        assert outside(found.gradient, exact.gradient) == []
        assert outside(walked(network, data, q), exact.gradient) == []
        assert outside(found.hessian_product, exact.hessian_product) == []


def test_a_rate_that_float64_cannot_tell_from_0_still_matters():
    """Large weights make a mask of probability 2^-60 count: as if the rate was 0, the entries would be wrong."""
    network = Network([[[2.0**40]], [[2.0**40]], [1.0]])
    data, q = Examples.point([1.0], 0.0), (F(1, 2**60), F(1, 2**60), F(0))
    found = evaluate(network, data, q, gradient=True, hessian_product=network)
    exact = evaluate(network.exact(), data.exact(), q, gradient=True, hessian_product=network.exact())
    assert outside(found.gradient, exact.gradient) == []
    assert outside(found.hessian_product, exact.hessian_product) == []
    none = evaluate(network.exact(), data.exact(), 0, gradient=True).gradient
    assert exact.gradient.weights[0][0, 0] != none.weights[0][0, 0]


FAINT = [
    # slope · z underflows: 1e-200 · -1e-150, then the sign of the next layer hangs on it
    (Network([[[1.0]], [[-1.0]], [1.0]], activation="leaky_relu(1e-200)"), Examples.point([-1e-150], 1.0)),
    (Network([[[1.0]], [[1.0]], [[1.0]], [1.0]], activation="leaky_relu(1e-200)"), Examples.point([-1e-150], 1.0)),
    # the slope itself rounds to 0
    (
        Network([[[1.0]], [[-1.0]], [1.0]], activation=Activation(F(1, 10**400))),
        Examples.point([-1.0], 1.0),
    ),
    # W x underflows, in a relu and in a linear layer below a relu
    (Network([[[1e-200]], [[1.0]], [1.0]]), Examples.point([1e-200], 1.0)),
    (Network([[[1e-200]], [[1.0]], [1.0]], activation=["linear", "relu"]), Examples.point([1e-200], 1.0)),
    (Network([[[-1e-200]], [[1.0]], [1.0]], activation=["linear", "leaky_relu(1/4)"]), Examples.point([1e-200], 1.0)),
    # an input that rounds to 0
    (Network([[[1.0]], [[1.0]], [1.0]]), Examples.point([F(1, 10**400)], F(1))),
    (Network([[[1.0]], [1.0]], activation="leaky_relu(1/4)"), Examples.point([F(1, 10**400)], F(1))),
]


@pytest.mark.parametrize("biases", [False, True])
@pytest.mark.parametrize("rates", [(0, 0), (HALF, HALF), (0, HALF), (HALF, 0)])
@pytest.mark.parametrize("case", range(len(FAINT)))
def test_values_that_underflow_are_no_exact_kinks(case, rates, biases):
    """A bias gradient was -0.5 ± 1e-14 where -1.25 is exact."""
    network, data = FAINT[case]
    activations = network.architecture.activations
    if biases:
        network = Network(network.weights, [np.zeros(len(w)) for w in network.weights], activation=activations)
    q = (F(rates[0]), *[F(rates[1])] * (len(network.weights) - 1))
    exact = naive_gradient(network.exact(), data.exact(), q)
    assert outside(walked(network, data, q), exact) == []
    found = evaluate(network, data, q, gradient=True, hessian_product=network)
    assert outside(found.gradient, exact) == []
    product = evaluate(network.exact(), data.exact(), q, hessian_product=network.exact()).hessian_product
    assert outside(found.hessian_product, product) == []


@pytest.mark.parametrize("widths", [(3, 2, 1), (2, 2, 2, 1), (2, 2, 1, 2, 1)])
def test_each_entry_has_a_bound_of_its_own_size(widths):
    """Inputs of sizes 1e-12 and 1e12: the entries of one are 1e24 times smaller, and so are their bounds."""
    network, _ = gaussian(4, *widths)
    x = np.ones(widths[0])
    x[0], x[1] = 1e12, 1e-12
    weights = [network.weights[0] / x, *network.weights[1:]]
    network, data = Network(weights, network.biases), Examples.point(x.tolist(), [1.0])
    q = (F(1, 3),) * (len(widths) - 1)
    found = evaluate(network, data, q, gradient=True, hessian_product=network)
    exact = evaluate(network.exact(), data.exact(), q, gradient=True, hessian_product=network.exact(), max_cost=1e12)
    for mine, truth in ((found.gradient, exact.gradient), (found.hessian_product, exact.hessian_product)):
        assert outside(mine, truth) == []
        assert mine.error_bound == max(entries(mine.error_bounds))
        large, small = (np.max(mine.error_bounds.weights[0][:, u]) for u in (0, 1))
        assert 0 < small < 1e-20 * large
    for product in (found.gradient, found.hessian_product):
        assert [a.shape for a in product.error_bounds.weights] == [w.shape for w in network.weights]
        assert not product.error_bounds.weights[0].flags.writeable


@pytest.mark.parametrize("widths", [(5, 3, 2), (3, 4, 3, 1), (2, 2, 2, 2, 1), (4, 1)])
@pytest.mark.parametrize("exact_data", [False, True])
def test_the_order_of_the_examples_changes_no_bit(widths, exact_data):
    network, data = gaussian(6, *widths, examples=7)
    along = gaussian(7, *widths)[0]
    rows = list(zip(data.inputs.tolist(), data.labels.tolist(), [F(k, 28) for k in range(1, 8)], strict=True))
    if exact_data:
        rows = [([F(v) / 3 for v in x], [F(v) / 7 for v in y], p) for x, y, p in rows]
    q = (F(1, 3),) * (len(widths) - 1)
    results = []
    for order in ([0, 1, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1, 0], [3, 0, 6, 1, 5, 2, 4]):
        found = evaluate(network, Examples([rows[k] for k in order]), q, gradient=True, hessian_product=along)
        results.append([entries(part) for d in (found.gradient, found.hessian_product) for part in (d, d.error_bounds)])
    assert results[0] == results[1] == results[2]


def test_callers_float_settings_change_nothing():
    network, data = gaussian(9, 3, 2, 2, 1)
    quiet = evaluate(network, data, HALF, gradient=True, hessian_product=network)
    tiny = Network([w * 1e-200 for w in network.weights], [b * 1e-150 for b in network.biases])
    with np.errstate(all="raise"):
        loud = evaluate(network, data, HALF, gradient=True, hessian_product=network)
        evaluate(tiny, data, HALF, gradient=True, hessian_product=tiny)
    assert entries(loud.gradient) == entries(quiet.gradient)


def test_derivatives_show_what_is_known():
    network = Network([[[1, 2]], [1]])
    exact = evaluate(network, [((1, 1), 1)], HALF, gradient=True).gradient
    assert repr(exact) == "Gradient(3 entries, largest 50, exact)"
    assert exact.error_bound == 0
    assert entries(exact.error_bounds) == [0, 0, 0]
    found = evaluate(network.float64(), [((1.0, 1.0), 1.0)], HALF, gradient=True).gradient
    assert repr(found).startswith("Gradient(3 entries, largest 50, ±")
