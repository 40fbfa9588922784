"""Masks, kernel and ranges against the definition, in fractions."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction as F

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import exactdropout as xd
from exactdropout.numeric.definition import dropout_output, naive_evaluation
from exactdropout.numeric.float64.problem import prepare
from exactdropout.numeric.sampled import passes as sampling
from exactdropout.numeric.sampled.kernel import sample_pairs, sample_pairs_reference
from exactdropout.numeric.sampled.ranges import ranges_of, spectral_norm
from exactdropout.testing.strategies import problems

ACTIVATIONS = ["relu", "leaky_relu(1/10)", "linear", "leaky_relu(-1/2)"]


def small(seed: int, widths: tuple[int, ...], activation: str = "relu", biases: bool = True) -> xd.Network:
    random = np.random.default_rng(seed)
    weights = [random.normal(size=(above, below)) for below, above in itertools.pairwise(widths)]
    vectors = [random.normal(size=above) for above in widths[1:]] if biases else None
    return xd.Network(weights, vectors, activation=activation)


def some(seed: int, count: int, inputs: int, outputs: int) -> xd.Examples:
    random = np.random.default_rng(seed)
    x = random.normal(size=(count, inputs))
    x[0, 0] = 0.0
    parts = random.integers(1, 5, size=count).tolist()
    y = random.normal(size=(count, outputs))
    return xd.Examples([(a, b, F(n, sum(parts))) for a, b, n in zip(x, y, parts, strict=True)])


def last_layer(network, x, y, mask, rates):
    """Return (f, X, Var D of each output) for masks of all layers but the last, by enumerating the last one."""
    q, n = rates[-1], network.architecture.widths[-2]
    f, squares, error = [F(0)] * len(y), [F(0)] * len(y), F(0)
    for bits in itertools.product((0, 1), repeat=n):
        p = (1 - q) ** sum(bits) * q ** (n - sum(bits))
        if p:
            d = dropout_output(network, x, (*mask, bits), rates)
            f = [a + p * b for a, b in zip(f, d, strict=True)]
            squares = [a + p * b * b for a, b in zip(squares, d, strict=True)]
            error += p * sum((a - b) ** 2 for a, b in zip(d, y, strict=True))
    return f, error, [a - b * b for a, b in zip(squares, f, strict=True)]


def every_mask(network, rates):
    widths = network.architecture.widths[:-2]
    for bits in itertools.product((0, 1), repeat=sum(widths)):
        rest, chance = iter(bits), F(1)
        mask = tuple(tuple(itertools.islice(rest, n)) for n in widths)
        for layer, q in zip(mask, rates, strict=False):
            for bit in layer:
                chance *= 1 - q if bit else q
        if chance:
            yield mask, chance


@settings(max_examples=8)
@given(problems(kind="float64", max_examples=2, max_mask_bits=7))
def test_the_last_layer_in_closed_form_keeps_every_expectation(problem):
    """E X is the criterion, E V the variance and E f the mean, in fractions; ranges hold for every single mask."""
    network, data, rates = problem
    assume(network.architecture.depth > 1)
    exact, examples = network.exact(), data.exact()
    truth = naive_evaluation(exact, examples, rates)
    ranges = ranges_of(prepare(network, data, rates))
    for i, (x, y) in enumerate(zip(examples.inputs.tolist(), examples.labels.tolist(), strict=True)):
        found = [(*last_layer(exact, x, y, mask, rates), p) for mask, p in every_mask(exact, rates)]
        assert sum(error * p for _, error, _, p in found) == truth.per_example.criterion[i]
        spreads = [
            [(a - b) ** 2 / 2 + (c + d) / 2 for a, b, c, d in zip(f, g, v, w, strict=True)]
            for (f, _, v, _), (g, _, w, _) in itertools.product(found[:16], repeat=2)
        ]
        means = [sum(f[o] * p for f, *_, p in found) for o in range(len(y))]
        assert means == truth.per_example.mean[i].tolist()
        for o, mean in enumerate(means):
            variance = sum(p * ((f[o] - mean) ** 2 + v[o]) for f, _, v, p in found)
            assert variance == truth.per_example.variance[i, o]
            assert max(spread[o] for spread in spreads) <= ranges.most_row_spread[i, o]
        assert max(error for _, error, *_ in found) <= ranges.most_error[i]
        assert max(map(sum, spreads)) <= ranges.most_spread[i]
        for f, *_ in found:
            assert all(a <= b <= c for a, b, c in zip(ranges.low[i], f, ranges.high[i], strict=True))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(
    ("widths", "q"), [((3, 4, 2), "1/2"), ((2, 3, 4, 1), ("1/3", 0, "1/5")), ((3, 2, 2, 2, 2), "1/4")]
)
def test_the_kernel_computes_what_the_definition_says(monkeypatch, activation, widths, q):
    network, data = small(5, widths, activation), some(6, 3, widths[0], widths[-1])
    rates = xd.model.drop_rates(q, network.architecture)[0]
    problem = prepare(network, data, rates)
    counts = np.array([2, 1, 3])
    drawn: list[np.ndarray] = []
    true = sampling.kept
    monkeypatch.setattr(sampling, "kept", lambda *a: drawn.append(true(*a)) or drawn[-1])
    with ThreadPoolExecutor(1) as pool:
        found = sampling.Sampler(problem, counts, seed=3, by_row=True).one_pass(1, pool, 1)
    ranges, exact, examples = ranges_of(problem), network.exact(), data.exact()
    entering, deeper = iter(drawn[0].tolist()), [d.reshape(-1, n) for d, n in zip(drawn[1:], widths[1:-2], strict=True)]
    rows = np.repeat(np.arange(3), counts)
    reference = (
        list(problem.weights), list(problem.biases), list(problem.slopes),
        [float(problem.inverse_keep[l]) for l in range(len(rates))],
        float(problem.cumulants[0]) * problem.weights[-1] ** 2,
    )  # fmt: skip
    for v, i in enumerate(rows):
        x, y = examples.inputs[i].tolist(), examples.labels[i].tolist()
        pair = []
        for t in (0, 1):
            first = tuple(next(entering) if value else 1 for value in x)
            pair.append((first, *(tuple(d[2 * v + t].tolist()) for d in deeper)))
        (f, error_f, noise_f), (g, error_g, noise_g) = (last_layer(exact, x, y, mask, rates) for mask in pair)
        assert abs(F(found.errors[v, 0]) - error_f) <= ranges.wrong_error[i]
        assert abs(F(found.errors[v, 1]) - error_g) <= ranges.wrong_error[i]
        spreads = [(a - b) ** 2 / 2 + (c + d) / 2 for a, b, c, d in zip(f, g, noise_f, noise_g, strict=True)]
        assert abs(F(found.spreads[v]) - sum(spreads)) <= ranges.wrong_spread[i]
        for o, spread in enumerate(spreads):
            assert abs(F(found.row_spreads[v, o]) - spread) <= ranges.wrong_row_spread[i, o]
        for a, b, c, off in zip(found.means[v].tolist(), f, g, ranges.wrong_output[i], strict=True):
            assert abs(F(a) - (b + c) / 2) <= off
        masks = [[np.array(layer) for layer in mask] for mask in pair]
        errors, spreads, means = sample_pairs_reference(*reference, data.inputs[i], data.labels[i], masks)
        assert np.allclose([*errors, *spreads, *means], [*found.errors[v], *found.row_spreads[v], *found.means[v]])
    assert ranges.wrong_row_spread.max() < 1e-9 * ranges.most_row_spread.max()
    assert ranges.wrong_error.max() < 1e-9 * ranges.most_error.max()


def test_bits_do_not_depend_on_threads_and_passes_differ(monkeypatch):
    monkeypatch.setattr(sampling, "BLOCK", 7)
    network, data = small(1, (5, 4, 3, 2)), some(2, 20, 5, 2)
    problem = prepare(network, data, (F(1, 3),) * 3)
    sampler = sampling.Sampler(problem, np.full(20, 3), seed=9)
    with ThreadPoolExecutor(3) as pool:
        one, three = (sampler.one_pass(4, pool, threads) for threads in (1, 3))
        other = sampler.one_pass(5, pool, 2)
    assert all(np.array_equal(a, b) for a, b in zip(one, three, strict=True))
    assert not np.array_equal(one.errors, other.errors)
    assert len(np.unique(one.errors)) > 60  # blocks and visits do not repeat each other


class _Digits:
    """A generator that gives chosen 64-bit words."""

    def __init__(self, *words: int) -> None:
        self.words = list(words)

    def integers(self, low, high, size, dtype):
        taken, self.words = self.words[:size], self.words[size:]
        return np.array(taken, dtype=dtype)


def test_equal_digits_draw_more_of_them():
    """q = 1/3 is 0.555555…₁₆: the byte 85 is a tie, so is each further word of 5s."""
    tie = 0x5555555555555555
    bytes_ = int.from_bytes(bytes([84, 85, 85, 86, 85, 0, 255, 85]), "little")
    random = _Digits(bytes_, tie - 1, tie + 1, tie, tie, tie + 5, tie - 5)
    assert sampling.kept(random, F(1, 3), 8).tolist() == [0, 0, 1, 1, 1, 0, 1, 0]
    assert random.words == []


@pytest.mark.parametrize("q", [F(1, 2), F(1, 256), F(3, 4), F(1, 3), F(1, 10**30), 1 - F(1, 10**30)])
def test_masks_have_their_probability(q):
    random = np.random.Generator(np.random.Philox(7))
    n = 200_000
    dropped = n - int(sampling.kept(random, q, n).sum())
    assert abs(dropped - float(n * q)) <= 5 * float(n * q * (1 - q)) ** 0.5 + 1e-9


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 10**6), st.sampled_from([1.0, 1e-200, 1e200, 1e-300]))
def test_the_spectral_norm_is_an_upper_bound(rows, columns, seed, scale):
    matrix = np.random.default_rng(seed).normal(size=(rows, columns))
    found, true = spectral_norm(matrix * scale), float(np.linalg.norm(matrix, 2))
    assert true * (1 - 1e-12) <= found / scale
    assert found / scale <= 1.02 * true or scale < 1e-250


def test_the_compiled_loop_is_the_interpreted_one():
    network, data = small(1, (4, 3, 3, 2)), some(2, 3, 4, 2)
    problem = prepare(network, data, (F(1, 2),) * 3)
    with ThreadPoolExecutor(1) as pool:
        sampler = sampling.Sampler(problem, np.array([1, 2, 1]), seed=0, by_row=True)
        compiled = sampler.one_pass(0, pool, 1)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sampling, "sample_pairs", getattr(sample_pairs, "py_func", sample_pairs))
            interpreted = sampler.one_pass(0, pool, 1)
    assert all(np.array_equal(a, b) for a, b in zip(compiled, interpreted, strict=True))
