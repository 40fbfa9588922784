"""Sampled gradients against the definition, in fractions: every visit, every bound, every doubtful sign."""

from __future__ import annotations

import itertools
from fractions import Fraction as F

import numpy as np
import pytest

import exactdropout as xd
from exactdropout.numeric.float64.problem import prepare
from exactdropout.numeric.runs.runner import Runner
from exactdropout.numeric.sampled import gradients as sampling
from exactdropout.numeric.sampled.ranges import reaches_of


def problem(seed, widths, activation="relu", integers=False, rows=3):
    random = np.random.default_rng(seed)

    def numbers(*size):
        return random.integers(-2, 3, size=size).astype(float) if integers else random.normal(size=size)

    weights = [numbers(b, a) for a, b in itertools.pairwise(widths)]
    network = xd.Network(weights, [numbers(b) for b in widths[1:]], activation=activation)
    return network, xd.Examples((numbers(rows, widths[0]), numbers(rows, widths[-1])))


def gradient_of_mask(network, x, y, masks, rates):
    """Return ∂X/∂W and ∂X/∂b of every layer for masks of all layers but the last, in fractions, entry by entry."""
    weights, biases = [w.tolist() for w in network.weights], [network.bias(l).tolist() for l in range(len(rates))]
    slopes, last = [F(a.slope) for a in network.architecture.activations], len(rates) - 1
    h, entering, kinks = x, [], []
    for l in range(last + 1):
        if l < last:
            h = [v * bit / (1 - rates[l]) for v, bit in zip(h, masks[l], strict=True)]
        entering.append(h)
        z = [sum(w * v for w, v in zip(row, h, strict=True)) + b for row, b in zip(weights[l], biases[l], strict=True)]
        if l < last:
            kinks.append([F(1) if v > 0 else slopes[l] for v in z])
            h = [v * k for v, k in zip(z, kinks[-1], strict=True)]
    noise = rates[-1] / (1 - rates[-1])
    delta = [2 * (f - v) for f, v in zip(z, y, strict=True)]
    found = []
    for l in range(last, -1, -1):
        own = [[d * v for v in entering[l]] for d in delta]
        if l == last:
            own = [[g + 2 * noise * w * v * v for g, w, v in zip(row, ws, entering[l], strict=True)]
                   for row, ws in zip(own, weights[l], strict=True)]  # fmt: skip
        found = [*itertools.chain.from_iterable(own), *delta, *found]
        if l:
            down = [sum(d * row[i] for d, row in zip(delta, weights[l], strict=True)) for i in range(len(entering[l]))]
            if l == last:
                down = [d + 2 * noise * sum(row[i] ** 2 for row in weights[l]) * v
                        for i, (d, v) in enumerate(zip(down, entering[l], strict=True))]  # fmt: skip
            else:
                down = [d * bit / (1 - rates[l]) for d, bit in zip(down, masks[l], strict=True)]
            delta = [d * k for d, k in zip(down, kinks[l - 1], strict=True)]
    return found


CASES = [
    ((3, 4, 2), "1/2", "relu"), ((2, 3, 4, 1), ("1/3", 0, "1/5"), "relu"), ((3, 2, 2, 2), "1/4", "leaky_relu(1/10)"),
    ((3, 3, 2, 1), (0, "1/2", 0), "leaky_relu(-1/2)"), ((4, 3, 1), "1/2", "linear"),
]  # fmt: skip


@pytest.mark.parametrize("integers", [False, True])
@pytest.mark.parametrize(("widths", "q", "activation"), CASES)
def test_sums_are_those_of_the_definition(monkeypatch, widths, q, activation, integers):
    """Σ a G within Σ P·wrong and Σ a²G² closely; |G| of each mask at most c. Integers make kinks at exactly 0."""
    network, data = problem(7, widths, activation, integers)
    rates = xd.model.drop_rates(q, network.architecture)[0]
    given = prepare(network, data, rates)
    counts = np.array([2, 1, 3])
    drawn: list[np.ndarray] = []
    true = sampling.kept
    monkeypatch.setattr(sampling, "kept", lambda *a: drawn.append(true(*a)) or drawn[-1])
    reaches = reaches_of(given)
    slopes = sampling.slopes_of(given, reaches)
    sampler = sampling.GradientSampler(network.architecture, data, given, reaches, slopes, counts, 3)
    total, squares = sampler.passes(1, 1, Runner())[0]
    bits, masks = iter(drawn), []
    for l, n in enumerate(widths[:-2]):
        masks.append(next(bits).reshape(6, n) if rates[l] else np.ones((6, n), np.uint8))
    ceilings, wrong = slopes.ceilings(given, given.chances / counts), slopes.wrong(given)
    exact, examples = network.exact(), data.exact()
    own, own_squares = [F(0)] * len(total), [F(0)] * len(total)
    for v, i in enumerate(np.repeat(np.arange(3), counts)):
        mask = [m[v].tolist() for m in masks]
        found = gradient_of_mask(exact, examples.inputs[i].tolist(), examples.labels[i].tolist(), mask, rates)
        share = F(1, 3 * int(counts[i]))
        own = [a + share * g for a, g in zip(own, found, strict=True)]
        own_squares = [a + (share * g) ** 2 for a, g in zip(own_squares, found, strict=True)]
        assert all(abs(share * g) <= F(c) for g, c in zip(found, ceilings, strict=True))
    for a, b, off, c, d in zip(total, own, wrong, squares, own_squares, strict=True):
        assert abs(F(a) - b) <= F(off)
        assert F(c) == pytest.approx(float(d), rel=1e-7, abs=1e-12)
    assert wrong.max() < 1e-6 * max(1.0, ceilings.max())


def test_the_expectation_over_all_masks_is_the_gradient():
    """Σ over masks of P(mask) ∂X/∂w, in fractions, is the exact engine's gradient."""
    network, data = problem(8, (2, 3, 2, 1), rows=2)
    exact, examples, rates = network.exact(), data.exact(), (F(1, 3), F(1, 2), F(1, 4))
    expected = [F(0)] * 20
    for bits in itertools.product((0, 1), repeat=5):
        chance = F(1)
        for bit, q in zip(bits, [F(1, 3)] * 2 + [F(1, 2)] * 3, strict=True):
            chance *= 1 - q if bit else q
        for x, y in zip(examples.inputs.tolist(), examples.labels.tolist(), strict=True):
            found = gradient_of_mask(exact, x, y, [bits[:2], bits[2:]], rates)
            expected = [a + chance * g / 2 for a, g in zip(expected, found, strict=True)]
    truth = xd.evaluate(exact, examples, rates, gradient=True).gradient
    flat = [v for w, b in zip(truth.weights, truth.biases, strict=True) for v in (*w.ravel().tolist(), *b.tolist())]
    assert flat == expected


@pytest.mark.parametrize("third", [False, True])
def test_a_sign_that_float64_does_not_decide_is_decided_in_fractions(monkeypatch, third):
    """0.1 + 0.2 − 0.3 is 5.6e-17 in floats and 2.8e-17 exactly; with 1/3 + 1/3 − 2/3 rounded inputs hide an exact 0."""
    x = [F(1, 3), F(1, 3), F(-2, 3)] if third else [0.1, 0.2, -0.30000000000000004]
    network = xd.Network([np.ones((1, 3)), np.ones((1, 1))])
    data = xd.Examples([(x, 5)])
    given = prepare(network, data, (F(0), F(1, 2)))
    asked = []
    true = sampling.GradientBlocks._exact
    monkeypatch.setattr(sampling.GradientBlocks, "_exact", lambda self, *a: asked.append(true(self, *a)) or asked[-1])
    reaches = reaches_of(given)
    slopes = sampling.slopes_of(given, reaches)
    sampler = sampling.GradientSampler(network.architecture, data, given, reaches, slopes, np.array([1]), 0)
    total = sampler.passes(0, 1, Runner())[0][0]
    exact = sum(map(F, x))
    assert asked == [[exact]]
    assert (total[:3] != 0).all() == (exact > 0)


def test_pass_and_blocks_have_their_own_bits(monkeypatch):
    monkeypatch.setattr(sampling, "LEAST_BLOCK", 7)
    monkeypatch.setattr(sampling, "MOST_BLOCK", 7)
    network, data = problem(1, (5, 4, 2), rows=20)
    given = prepare(network, data, (F(1, 3),) * 2)
    reaches = reaches_of(given)
    slopes = sampling.slopes_of(given, reaches)
    sampler = sampling.GradientSampler(network.architecture, data, given, reaches, slopes, np.full(20, 3), 9)
    one, three = (sampler.passes(4, 1, Runner(threads=threads))[0] for threads in (1, 3))
    _, again = sampler.passes(3, 2, Runner())
    assert np.array_equal(one, three)
    assert np.array_equal(one, again)
    assert not np.array_equal(one, sampler.passes(5, 1, Runner())[0])


@pytest.mark.parametrize("seed", range(3))
def test_the_largest_product_is_bounded(seed):
    random = np.random.default_rng(seed)
    left, right = random.random((50, 3)) ** 9, random.random((50, 4)) ** 9
    true = (left[:, :, None] * right[:, None, :]).max(axis=0)
    found = sampling._largest_products(left, right)
    assert (true <= found).all()
    assert (found <= 1.2 * true + 1e-8).all()
