"""Masks, kernel and ranges against the definition, in fractions."""

from __future__ import annotations

import itertools
from fractions import Fraction as F

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import exactdropout as xd
from exactdropout.numeric.definition import dropout_output, naive_evaluation
from exactdropout.numeric.float64.problem import prepare
from exactdropout.numeric.runs.runner import Runner
from exactdropout.numeric.sampled import passes as sampling
from exactdropout.numeric.sampled.ranges import ranges_of, reaches_of, spectral_norm
from exactdropout.numeric.sampled.visit import visit_reference
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
    ("widths", "q"),
    [
        ((3, 4, 2), "1/2"), ((9, 4, 2), "1/2"), ((2, 3, 4, 1), ("1/3", 0, "1/5")), ((3, 2, 2, 2, 2), "1/4"),
        ((8, 3, 2, 1), "1/2"), ((8, 3, 2, 1), ("1/2", "1/3", "1/2")), ((2, 8, 2, 1), (0, "1/2", "1/3")),
        ((3, 3, 3, 3, 1), "1/2"), ((3, 4, 3, 3, 2, 1), "1/2"), ((3, 2, 3, 2, 1), ("1/2", "1/5", "1/2", "1/2")),
        ((3, 4, 3, 2, 1), ("1/3", "1/2", "1/4", "1/2")), ((2, 4, 4, 4, 3, 1), ("1/2", 0, "1/2", "1/3", 0)),
    ],
)  # fmt: skip
def test_passes_compute_what_the_definition_says(monkeypatch, activation, widths, q):
    """Every visit against the exact last layer of each of its masks, in fractions, and against the plain reference."""
    network, data = small(5, widths, activation), some(6, 3, widths[0], widths[-1])
    rates = xd.model.drop_rates(q, network.architecture)[0]
    problem = prepare(network, data, rates)
    counts = np.array([2, 1, 3])
    drawn: list[np.ndarray] = []
    true = sampling.kept
    monkeypatch.setattr(sampling, "kept", lambda *a: drawn.append(true(*a)) or drawn[-1])
    found = sampling.Sampler(problem, counts, seed=3, by_row=True).one_pass(1, Runner())
    halves = [l for l in range(problem.first, len(rates) - 1) if rates[l] == F(1, 2)][:2]
    ranges, exact, examples = ranges_of(problem, flipped=tuple(halves)), network.exact(), data.exact()
    first, hidden = problem.first, widths[problem.first : -2]
    used = problem.hidden(first).any(axis=0)  # a unit that is 0 in every row has no bits
    drawn[0], bits = np.ones((2, 6, len(used)), np.uint8), drawn[0]
    drawn[0][:, :, used] = bits.reshape(2, 6, -1)
    every = all_masks(drawn, hidden, rates[first:], [l - first for l in halves])
    reference = (
        list(problem.weights), list(problem.biases), list(problem.slopes),
        [float(problem.inverse_keep[l]) for l in range(len(rates))],
        float(problem.cumulants[0]) * problem.weights[-1] ** 2,
    )  # fmt: skip
    below = tuple((1,) * n for n in widths[:first])
    for v, i in enumerate(np.repeat(np.arange(3), counts)):
        x, y = examples.inputs[i].tolist(), examples.labels[i].tolist()
        draws = [[(*below, *(tuple(layer[t, v].tolist()) for layer in mask)) for mask in every] for t in (0, 1)]
        told = [[last_layer(exact, x, y, mask, rates) for mask in draw] for draw in draws]
        for t, draw in enumerate(told):
            mean = sum(error for _, error, _ in draw) / len(draw)
            assert abs(F(found.errors[v, t]) - mean) <= ranges.wrong_error[i]
            assert mean <= ranges.most_error[i]
        pairs = [(a, b) for a in told[0] for b in told[1]]
        spreads = [
            sum((f[o] - g[o]) ** 2 / 2 + (c[o] + d[o]) / 2 for (f, _, c), (g, _, d) in pairs) / len(pairs)
            for o in range(len(y))
        ]
        assert abs(F(found.spreads[v]) - sum(spreads)) <= ranges.wrong_spread[i]
        for o, spread in enumerate(spreads):
            assert abs(F(found.row_spreads[v, o]) - spread) <= ranges.wrong_row_spread[i, o]
            mean = sum(f[o] + g[o] for (f, *_), (g, *_) in pairs) / (2 * len(pairs))
            assert abs(F(found.means[v, o]) - mean) <= ranges.wrong_output[i, o]
        arrays = [[[np.array(layer) for layer in mask] for mask in draw] for draw in draws]
        errors, spreads, means = visit_reference(*reference, data.inputs[i], data.labels[i], arrays)
        assert np.allclose([*errors, *spreads, *means], [*found.errors[v], *found.row_spreads[v], *found.means[v]])
    assert ranges.wrong_row_spread.max() < 1e-9 * ranges.most_row_spread.max()
    assert ranges.wrong_error.max() < 1e-9 * ranges.most_error.max()


def all_masks(drawn, hidden, rates, halves):
    """Return the masks of a draw, each a list of arrays (2, visits, units): all signs of the first two halves.

    The signs of the first change fastest. A further layer with q = 1/2 takes the product of both signs; where q is not
    1/2, each mask that was there before has bits of its own.
    """
    bits, masks = iter(drawn), [((), ())]  # layers, signs
    for l, (n, q) in enumerate(zip(hidden, rates, strict=False)):
        if q == 0:
            masks = [((*layers, np.ones_like(drawn[0][:, :, :1]).repeat(n, axis=2)), signs) for layers, signs in masks]
        elif q != F(1, 2):
            each = next(bits).reshape(len(masks), 2, -1, n)
            masks = [((*layers, own), signs) for (layers, signs), own in zip(masks, each, strict=True)]
        else:
            own = next(bits).reshape(2, -1, n)
            if l in halves:
                masks = [
                    ((*layers, 1 - own if sign else own), (*signs, sign)) for sign in (0, 1) for layers, signs in masks
                ]
            else:
                masks = [((*layers, 1 - own if sum(signs) % 2 else own), signs) for layers, signs in masks]
    assert next(bits, None) is None
    return [layers for layers, _ in masks]


@settings(max_examples=10)
@given(st.integers(0, 10**6), st.integers(1, 4), st.sampled_from([0.0, 0.3, 3.0]))
def test_a_mask_and_its_complement_have_a_smaller_range(seed, outputs, bias):
    """The bound of the mean holds for all masks, in fractions, and is below that of one mask."""
    random = np.random.default_rng(seed)
    network = xd.Network(
        [random.normal(size=(3, 8)), random.normal(size=(outputs, 3))],
        [bias * random.normal(size=3), bias * random.normal(size=outputs)],
    )
    data = some(seed, 2, 8, outputs)
    problem = prepare(network, data, (F(1, 2),) * 2)
    single, both = ranges_of(problem), ranges_of(problem, flipped=(0,))
    assert (both.most_error <= single.most_error * (1 + 1e-9)).all()  # computed values may be further off
    exact, examples = network.exact(), data.exact()
    for i, (x, y) in enumerate(zip(examples.inputs.tolist(), examples.labels.tolist(), strict=True)):
        for bits in itertools.product((0, 1), repeat=7):
            mask = (1, *bits)
            pair = [_closed(exact, x, y, m) for m in (mask, tuple(1 - b for b in mask))]
            assert sum(pair) / 2 <= both.most_error[i]


@settings(max_examples=10)
@given(
    st.integers(0, 10**6), st.sampled_from([0.0, 0.3, 3.0]), st.sampled_from(ACTIVATIONS),
    st.sampled_from([("1/2", "1/2", "1/2"), ("1/2", "1/2", "1/3"), ("1/3", "1/2", "1/2"), ("1/2", "1/3", "1/2")]),
)  # fmt: skip
def test_the_means_over_all_signs_stay_in_their_ranges(seed, bias, activation, q):
    """X and V of every draw of a network with two sampled layers, in fractions, below the ranges of both."""
    random = np.random.default_rng(seed)
    shapes = ((3, 3), (3, 3), (2, 3))
    network = xd.Network(
        [random.normal(size=s) for s in shapes], [bias * random.normal(size=s[0]) for s in shapes],
        activation=activation,
    )  # fmt: skip
    data, rates = some(seed, 1, 3, 2), xd.model.drop_rates(q, network.architecture)[0]
    problem = prepare(network, data, rates)
    halves = tuple(l for l in (0, 1) if rates[l] == F(1, 2))
    ranges, exact, examples = ranges_of(problem, flipped=halves), network.exact(), data.exact()
    single = ranges_of(problem)
    assert (ranges.most_error <= single.most_error * (1 + 1e-9) + 1e-12).all()  # computed values may be further off
    assert (ranges.most_spread <= single.most_spread * (1 + 1e-9) + 1e-12).all()
    x, y = examples.inputs[0].tolist(), examples.labels[0].tolist()
    masks = list(itertools.product((0, 1), repeat=3))
    told = {m: last_layer(exact, x, y, m, rates) for m in itertools.product(masks, repeat=2)}
    draws = []
    for mask in told:
        signs = itertools.product(*[(0, 1) if l in halves else (0,) for l in (0, 1)])
        draws.append([told[tuple(tuple(b ^ s for b in m) for m, s in zip(mask, sign, strict=True))] for sign in signs])
    for draw in draws:
        assert sum(error for _, error, _ in draw) / len(draw) <= ranges.most_error[0]
    for one, two in itertools.islice(itertools.product(draws, repeat=2), seed % 7, None, 37):
        pairs = [(a, b) for a in one for b in two]
        for o in range(2):
            spread = sum((f[o] - g[o]) ** 2 / 2 + (c[o] + d[o]) / 2 for (f, _, c), (g, _, d) in pairs) / len(pairs)
            assert spread <= ranges.most_row_spread[0, o]
        apart = [sum((a - b) ** 2 for a, b in zip(f, g, strict=True)) for (f, *_), (g, *_) in pairs]
        noise = [sum(c) + sum(d) for (_, _, c), (_, _, d) in pairs]
        spread = (sum(apart) + sum(noise)) / (2 * len(pairs))
        assert spread <= ranges.most_spread[0]


def test_four_masks_of_a_draw_have_a_smaller_range():
    problem = prepare(small(3, (40, 60, 60, 1), biases=False), some(4, 5, 40, 1), (F(1, 2),) * 3)
    single, four = ranges_of(problem), ranges_of(problem, flipped=(0, 1))
    assert (four.most_error < 0.5 * single.most_error).all()


def test_ranges_do_not_depend_on_threads():
    problem = prepare(small(3, (9, 5, 4, 2)), some(4, 600, 9, 2), (F(1, 2), F(1, 3), F(1, 5)))
    one, three = (ranges_of(problem, flipped=(0,), threads=threads) for threads in (1, 3))
    assert all(np.array_equal(getattr(one, name), getattr(three, name)) for name in vars(one))
    one, three = (reaches_of(problem, threads=threads) for threads in (1, 3))
    assert all(np.array_equal(a, b) for a, b in zip(one.sizes, three.sizes, strict=True))
    assert np.array_equal(one.away, three.away)


def test_the_range_of_many_inputs_is_nearly_halved():
    problem = prepare(small(3, (200, 40, 3), biases=False), some(4, 5, 200, 3), (F(1, 2),) * 2)
    single, both = ranges_of(problem), ranges_of(problem, flipped=(0,))
    assert (both.most_error < 0.7 * single.most_error).all()


def _closed(network, x, y, mask):
    """Return ‖f − y‖² + Σ ‖w_j‖² h_j² of a network with one hidden layer and q = 1/2, in fractions."""
    (first, last), (low, high) = network.weights, (network.bias(0), network.bias(1))
    h = [max(F(0), sum(w * 2 * v * r for w, v, r in zip(row, x, mask, strict=True)) + b)
         for row, b in zip(first.tolist(), low.tolist(), strict=True)]  # fmt: skip
    total = sum(w * w * v * v for row in last.tolist() for w, v in zip(row, h, strict=True))
    f = [
        sum(w * v for w, v in zip(row, h, strict=True)) + b for row, b in zip(last.tolist(), high.tolist(), strict=True)
    ]
    return total + sum((a - b) ** 2 for a, b in zip(f, y, strict=True))


@pytest.mark.parametrize(("widths", "q"), [((5, 4, 3, 2), F(1, 3)), ((9, 3, 2), F(1, 2))])
def test_bits_do_not_depend_on_threads_and_passes_differ(monkeypatch, widths, q):
    monkeypatch.setattr(sampling, "LEAST_BLOCK", 7)
    monkeypatch.setattr(sampling, "MOST_BLOCK", 7)
    network, data = small(1, widths), some(2, 20, widths[0], 2)
    sampler = sampling.Sampler(prepare(network, data, (q,) * (len(widths) - 1)), np.full(20, 3), seed=9)
    one, three = (sampler.one_pass(4, Runner(threads=threads)) for threads in (1, 3))
    before, again, other = sampler.passes(3, 3, Runner(threads=2))
    assert all(np.array_equal(a, b) for a, b in zip(one, three, strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True))
    assert not np.array_equal(one.errors, other.errors)
    assert not np.array_equal(one.errors, before.errors)
    assert len(np.unique(one.errors)) > 60  # blocks and visits do not repeat each other


def test_linear_algebra_keeps_to_one_thread_while_a_pass_runs(monkeypatch):
    threadpoolctl = pytest.importorskip("threadpoolctl")
    seen = []
    true = sampling.Blocks.block
    monkeypatch.setattr(sampling.Blocks, "block", lambda *a: seen.extend(threadpoolctl.threadpool_info()) or true(*a))
    before = threadpoolctl.threadpool_info()
    network, data = small(1, (5, 4, 2)), some(2, 3, 5, 2)
    sampling.Sampler(prepare(network, data, (F(1, 3),) * 2), np.full(3, 2), seed=9).one_pass(0, Runner())
    assert {pool["num_threads"] for pool in seen if pool["user_api"] == "blas"} <= {1}
    assert threadpoolctl.threadpool_info() == before


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
