"""Each formula against something that does not share its code: integrals, exact evaluation, differences, all masks."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from fractions import Fraction as F

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

import exactdropout as xd
from exactdropout.comparison import approximations, sampling
from exactdropout.comparison.approximations import FORMULAS, Layers, criterion_of, gradient_of, moments_of
from exactdropout.comparison.laws import distance_to_normal, distance_to_sample, steps_of
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.numeric.float64.problem import Problem, prepare
from exactdropout.numeric.sampled import outputs
from exactdropout.theorems.neighbours.wei_2020_second_order import second_order


def whole_numbers(rows: int, columns: int, seed: int) -> list[list[F]]:
    return [[F((7 * i + 3 * k + 5 * i * k + seed) % 11 - 5, 4) for k in range(columns)] for i in range(rows)]


def network(widths: tuple[int, ...], activation: object = "relu") -> xd.Network:
    weights = [whole_numbers(b, a, s) for s, (a, b) in enumerate(itertools.pairwise(widths), 1)]
    biases = [[F(i + s, 8) for i in range(b)] for s, b in enumerate(widths[1:])]
    return xd.Network(weights, biases, activation=activation)  # type: ignore[arg-type]


def examples(widths: tuple[int, ...]) -> xd.Examples:
    rows = [(tuple(whole_numbers(1, widths[0], s)[0]), tuple(whole_numbers(1, widths[-1], s + 7)[0])) for s in (2, 3)]
    return xd.Examples([(*rows[0], F(1, 3)), (*rows[1], F(2, 3))])


def floats(net: xd.Network, data: xd.Examples, q: object) -> Problem:
    rates = (q,) * net.architecture.depth if not isinstance(q, tuple) else q
    return prepare(net.float64(), data, tuple(F(r) for r in rates))


@pytest.mark.parametrize(
    ("a", "b", "rho"),
    [
        (0, 0, 0.5), (1, -1, 0.9), (2, 2.1, 0.99), (-3, 0.5, -0.7), (0.3, 0.31, 0.9999), (1, 1, -0.95), (4, 3, 0.3),
        (-2, -2, 0.8), (0.5, -0.4, -0.999), (7, -6, 0.2), (0.2, 0.2, 1.0), (0.2, 0.9, -1.0), (1.5, -0.5, 0.0),
    ],
)  # fmt: skip
@pytest.mark.parametrize("slope", [0.0, 0.25])
def test_the_covariance_of_two_relus_is_its_integral(a, b, rho, slope):
    """Unit variances; E φ(z₁)φ(z₂) by one integral over z₁, the mean over z₂ given z₁ in closed form."""

    def mean(m: float, s: float) -> float:
        first = m * norm.cdf(m / s) + s * norm.pdf(m / s) if s > 0 else max(m, 0.0)
        return slope * m + (1 - slope) * first

    def inner(x: float) -> float:
        z = a + x
        return (z if z > 0 else slope * z) * mean(b + rho * x, math.sqrt(1 - rho * rho)) * norm.pdf(x)

    points = sorted(
        {min(max(p, -11.9), 11.9) for p in (-a, *(-b / (rho or 1) + d for d in (-1, -0.3, -0.1, 0, 0.1, 0.3, 1)))}
    )
    cuts = [-12.0, *points, 12.0]
    both = sum(quad(inner, low, high, epsabs=1e-13, limit=300)[0] for low, high in itertools.pairwise(cuts))
    places = np.array([[float(a), float(b)]])
    found = approximations._relu_covariance(
        np.array([[[1.0, rho], [rho, 1.0]]]), np.ones((1, 2)), (places, np.ones((1, 2)), norm.cdf(places)), slope
    )
    assert found[0, 0, 1] == pytest.approx(both - mean(a, 1) * mean(b, 1), abs=2e-11)


@pytest.mark.parametrize("activation", ["relu", "leaky"])
def test_one_hidden_layer_is_exact_for_gaussian_noise(activation):
    """With one input g ~ N(1, λ) every unit is a function of g: two integrals. All correlations are ±1."""
    q, x, y = F(1, 3), 2.0, 0.5
    slope = 0.0 if activation == "relu" else 0.125
    net = xd.Network([[[1.0], [-2.0], [0.5]], [1.0, 2.0, -3.0]], [[0.25, 1.0, -1.5], [0.5]],
                     activation=xd.Activation(F(slope)))  # fmt: skip
    noise = float(q / (1 - q))
    w, b, v = net.weights[0][:, 0], net.bias(0), net.weights[1][0]

    def units(g: float) -> np.ndarray:
        z = w * x * (1 + math.sqrt(noise) * g) + b
        return np.where(z > 0, z, slope * z)

    kinks = sorted((-b[i] / (w[i] * x) - 1) / math.sqrt(noise) for i in range(3))
    cuts = [-12.0, *kinks, 12.0]

    def expected(f) -> float:
        parts = [quad(lambda g: f(units(g)) * norm.pdf(g), *ends, epsabs=1e-13)[0] for ends in itertools.pairwise(cuts)]
        return sum(parts)

    first = expected(lambda h: v @ h)
    second = expected(lambda h: (v @ h) ** 2 + noise * (v**2) @ (h**2))
    mean, variance = moments_of("gaussian", floats(net, xd.Examples.point((x,), y), q))
    assert mean[0, 0] == pytest.approx(first + 0.5, abs=1e-11)
    assert variance[0, 0] == pytest.approx(second - first**2, rel=1e-10)


@pytest.mark.parametrize("q", ["1/2", ("1/5", 0, "1/3")])
def test_the_covariances_are_exact_for_linear_networks(q):
    net, data = network((4, 3, 5, 2), "linear"), examples((4, 3, 5, 2))
    truth = xd.evaluate(net, data, q).per_example
    mean, variance = moments_of("gaussian", floats(net, data, q))
    assert np.allclose(mean, truth.mean.astype(float), rtol=1e-13)
    assert np.allclose(variance, truth.variance.astype(float), rtol=1e-12)


@pytest.mark.parametrize("name", ["diagonal", "gaussian", "second-order"])
@pytest.mark.parametrize("activation", ["relu", "linear"])
def test_all_are_exact_where_only_the_last_layer_is_dropped(name, activation):
    net, data = network((4, 5, 2), activation), examples((4, 5, 2))
    truth = xd.evaluate(net, data, (0, "1/3"))
    problem = floats(net, data, (0, F(1, 3)))
    mean, variance = moments_of(name, problem)
    assert float(problem.chances @ criterion_of(mean, variance, problem)) == pytest.approx(float(truth.criterion))
    assert np.allclose(variance, truth.per_example.variance.astype(float), rtol=1e-13)


def test_the_diagonal_takes_units_as_independent():
    """Two equal units count as two independent ones: half of the variance that they share is missing."""
    net = xd.Network([[[1], [1]], [1, 1]])
    _, variance = moments_of("diagonal", floats(net, xd.Examples.point((1,), 0), (F(1, 2), 0)))
    _, both = moments_of("gaussian", floats(net, xd.Examples.point((1,), 0), (F(1, 2), 0)))
    assert both[0, 0] == pytest.approx(2 * variance[0, 0], rel=1e-9)


@pytest.mark.parametrize("widths", [(3, 4, 1), (3, 4, 3, 1), (2, 1)])
def test_the_second_order_is_that_of_the_catalogue(widths):
    """Another implementation, in fractions; there one output at a time."""
    net, data = network(widths), examples(widths)
    rates = [F(k, 7) for k in range(1, len(widths))]
    _, spread = moments_of("second-order", floats(net, data, tuple(rates)))
    for row, x in zip(spread[:, 0].tolist(), data.inputs.tolist(), strict=True):
        assert row == pytest.approx(float(second_order(net, x, [r / (1 - r) for r in rates])), rel=1e-13)


def test_weights_times_p_is_the_network_itself():
    net, data = network((4, 5, 2)), examples((4, 5, 2))
    mean, variance = moments_of("scaled", floats(net, data, F(1, 2)))
    assert np.allclose(mean, xd.evaluate(net, data, "1/2").per_example.output.astype(float), rtol=1e-14)
    assert not variance.any()


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("activation", ["relu", "leaky"])
def test_gradients_are_limits_of_differences(name, activation):
    random = np.random.default_rng(5)
    widths = (3, 4, 3, 2)
    kind = "relu" if activation == "relu" else xd.Activation(F(1, 4))
    net = xd.Network([random.normal(size=(b, a)) for a, b in itertools.pairwise(widths)],
                     [random.normal(size=b) for b in widths[1:]], activation=kind)  # fmt: skip
    problem = floats(
        net, xd.Examples((random.normal(size=(5, 3)), random.normal(size=(5, 2)))), (F(1, 3), F(1, 2), F(1, 4))
    )
    weights, biases = gradient_of(name, problem)
    layers = Layers.of(problem)
    for l, (own, bias) in enumerate(zip(weights, biases, strict=True)):
        for which, arrays, found in (("weights", problem.weights, own), ("biases", problem.biases, bias)):
            at = np.unravel_index(int(np.abs(found).argmax()), found.shape)
            ends = []
            for step in (1e-5, -1e-5):
                moved = arrays[l].copy()
                moved[at] += step
                changed = replace(layers, **{which: (*arrays[:l], moved, *arrays[l + 1 :])})
                ends.append(float(problem.chances @ criterion_of(*FORMULAS[name](changed, problem.inputs), problem)))
            assert (ends[0] - ends[1]) / 2e-5 == pytest.approx(found[at], rel=1e-6)


def test_averages_over_all_masks_once_are_the_definition(monkeypatch):
    """With the generator replaced by one that goes through all 2⁷ masks, sampling is the double loop itself."""
    net, data = network((3, 2, 2, 1)), examples((3, 2, 2, 1))
    every = np.array(list(itertools.product((0, 1), repeat=7)), np.uint8)
    at = {0: slice(0, 3), 1: slice(3, 5), 2: slice(5, 7)}
    calls = itertools.count()

    def masks(_, q, count):
        part = every[:, at[next(calls) % 3]]
        assert count == 2 * part.size
        return np.repeat(part, 2, axis=0).ravel()

    monkeypatch.setattr(outputs, "kept", masks)
    found = sampling.sample(floats(net, data, F(1, 2)), len(every), 0, gradient=True)
    truth = naive_evaluation(net, data, (F(1, 2),) * 3, gradient=True)
    assert np.allclose(found.mean, truth.per_example.mean.astype(float), rtol=1e-13)
    assert np.allclose(found.variance * 127 / 128, truth.per_example.variance.astype(float), rtol=1e-12)
    assert np.allclose(found.criterion, truth.per_example.criterion.astype(float), rtol=1e-13)
    for own, exact in zip(
        (*found.weights, *found.biases), (*truth.gradient.weights, *truth.gradient.biases), strict=True
    ):
        assert np.allclose(own, exact.astype(float), rtol=1e-12, atol=1e-13)


def test_chunks_of_masks_add_up(monkeypatch):
    problem = floats(network((3, 4, 1)), examples((3, 4, 1)), F(1, 3))
    whole = sampling.sample(problem, 5000, 1, gradient=False)
    monkeypatch.setattr(sampling, "ENTRIES", 64)
    parts = sampling.sample(problem, 5000, 1, gradient=False)
    truth = xd.evaluate(network((3, 4, 1)), examples((3, 4, 1)), "1/3").per_example
    for found in (whole, parts):
        off = np.abs(found.mean - truth.mean.astype(float)) / np.sqrt(truth.variance.astype(float) / 5000)
        assert off.max() < 5
        assert np.allclose(found.variance, truth.variance.astype(float), rtol=0.2)


def test_distances_of_laws():
    law = xd.output_law(xd.Network([[[1, 1], [1, 1]], [1, 1]]), (1, -1), "1/2")  # 0, 4, 8 by 13/16, 1/8, 1/16
    steps = steps_of(law, 0)
    assert distance_to_sample(steps, np.array([0.0, 0.0, 4.0, 8.0])) == pytest.approx(13 / 16 - 1 / 2)
    assert distance_to_sample(steps, np.array([-1.0, 9.0])) == pytest.approx(1 / 2)
    assert distance_to_normal(steps, 3.0, 0.0) == pytest.approx(13 / 16)
    grid = np.linspace(-20, 20, 400_001)
    true = np.where(grid < 0, 0, np.where(grid < 4, 13 / 16, np.where(grid < 8, 15 / 16, 1)))
    close = np.abs(true - norm.cdf(grid, 1.0, 2.0)).max()
    assert distance_to_normal(steps, 1.0, 4.0) == pytest.approx(close, abs=1e-4)
    assert distance_to_normal(steps, 1.0, 4.0) >= close - 1e-12
