"""The float64 engine against the double loop over all masks in fractions: never outside its bound."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction as F

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from exactdropout import evaluate
from exactdropout.errors import InvalidInput, MixedNumbers, NumericalRange
from exactdropout.model import Activation, Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.numeric.float64.bounds import grid_exponent
from exactdropout.numeric.float64.engine import evaluate_float64
from exactdropout.numeric.float64.problem import floats_with_errors, prepare
from exactdropout.numeric.float64.strategies.registry import STRATEGIES
from exactdropout.testing.strategies import architectures, example_distributions, networks, problems, rates

TOTALS = ("criterion", "risk", "penalty", "variance", "bias")
SHARES = ("output", "mean", "variance", "criterion", "risk", "penalty", "squared_error_variance")
NAMES = [s.name for s in STRATEGIES]


def outside(result, exact):
    """Return the quantities whose error exceeds their bound, compared in fractions."""
    bad = []

    def compare(name, value, truth, bound):
        if not abs(F(float(value)) - truth) <= F(float(bound)):
            bad.append((name, float(value), float(truth), float(bound)))

    for name in TOTALS:
        compare(name, getattr(result, name), getattr(exact, name), result.error_bounds[name])
    for value, truth in zip(result.mean, exact.mean, strict=True):
        compare("mean", value, truth, result.error_bounds["mean"])
    for name in SHARES:
        values, truths = getattr(result.per_example, name), getattr(exact.per_example, name)
        if values is None:
            continue
        bounds = result.per_example.error_bounds[name]
        assert values.shape == bounds.shape == truths.shape
        for v, t, b in zip(values.ravel(), truths.ravel(), bounds.ravel(), strict=True):
            compare(f"per_example.{name}", v, t, b)
    if result.per_example.squared_error_variance is not None:
        truth = sum(
            p * p * v for p, v in zip(exact.probabilities, exact.per_example.squared_error_variance, strict=True)
        )
        low, high = result.sampling_variance(1)
        if not low <= truth <= high:
            bad.append(("sampling_variance", float(low), float(truth), float(high)))
    return bad


def in_halves(network, examples):
    """Round every number to a half below 4 in size; slopes that are no floats become 1/4."""

    def halves(array):
        return np.round(2 * np.fmod(array, 4)) / 2

    slopes = [Activation(F(1, 4)) if F(float(a.slope)) != a.slope else a for a in network.architecture.activations]
    biases = [None if b is None else halves(b) for b in network.biases]
    small = Network([halves(w) for w in network.weights], biases, activation=slopes)
    return small, Examples.from_arrays(halves(examples.inputs), halves(examples.labels), examples.probabilities)


def apart(network):
    """Cut what leads from even to odd units of the inputs and the hidden layers, and back."""
    weights = [w.copy() for w in network.weights]
    for w in weights[:-1]:
        w[::2, 1::2] = w[1::2, ::2] = 0.0
    return Network(weights, network.biases, activation=network.architecture.activations)


@pytest.mark.parametrize("strategy", NAMES)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(data=st.data(), exact_data=st.booleans())
def test_every_quantity_is_inside_its_bound(strategy, data, exact_data):
    """The matrix: every registered strategy, on what it applies to, against the double loop over all masks."""
    hidden = 3 if strategy in ("walk", "merge") else 2 if strategy == "blocks" else 1
    network, examples, q = data.draw(problems(kind="float64", max_mask_bits=7, max_hidden=hidden))
    network = apart(network) if strategy == "blocks" else network
    if strategy == "merge":  # made for small multiples of powers of two
        network, examples = in_halves(network, examples)
    examples = examples.exact() if exact_data else examples
    chosen = next(s for s in STRATEGIES if s.name == strategy)
    prepared = prepare(network, examples, q)
    moments = 4 if chosen.refusal(prepared, 4) is None else 2
    assume(chosen.refusal(prepared, moments) is None)
    exact = naive_evaluation(network.exact(), examples.exact(), q)
    try:
        result = evaluate_float64(network, examples, q, moments=moments, strategy=strategy)
    except NumericalRange:  # entries can be so small that squares underflow
        assert exact.criterion < F(2) ** -990
        return
    assert outside(result, exact) == []


HARD = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e30, max_value=1e30),
    st.floats(min_value=-1e-150, max_value=1e-150),
    st.sampled_from([0.0, 5e-324, -5e-324, 2.0**-1022, 1.0, 1.0 + 2**-52, -1.0, 1 - 2**-53, 1e16, -1e16, 1e-16, 0.1]),
)


@st.composite
def hard_problems(draw):
    """Draw networks with cancellation, huge and tiny scales, near-ties at the kink and subnormal numbers."""
    arch = draw(architectures(max_mask_bits=6, max_hidden=2))
    widths = arch.widths
    matrices = [[[draw(HARD) for _ in range(a)] for _ in range(b)] for a, b in itertools.pairwise(widths)]
    vectors = [[draw(HARD) for _ in range(b)] for b in widths[1:]]
    rows = draw(st.integers(1, 2))
    data = Examples.uniform(
        [([draw(HARD) for _ in range(widths[0])], [draw(HARD) for _ in range(widths[-1])]) for _ in range(rows)]
    )
    odd = st.one_of(
        st.sampled_from([F(0), F(1, 2), F(1, 10**30), F(1, 10**330), 1 - F(1, 10**12), F(1, 3)]),
        st.fractions(0, F(99, 100)),
    )
    network = Network(matrices, vectors, activation=arch.activations)
    return network, data, tuple(draw(odd) for _ in range(arch.depth))


@settings(max_examples=80, deadline=None)
@given(hard_problems())
@example((Network([[[1e200]]]), Examples.point([1.0], 1e200), (F(1, 2),)))
@example((Network([[[5e-324, 1.0]], [3.0]]), Examples.point([1.0, 5e-324], 1.0), (F(1, 3), F(1, 10**330))))
def test_hard_numbers_stay_inside_or_are_refused(problem):
    network, data, q = problem
    try:
        result = evaluate_float64(network, data, q, moments=4)
    except NumericalRange:
        return
    assert outside(result, naive_evaluation(network.exact(), data.exact(), q)) == []


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(hard_problems())
def test_hard_numbers_in_blocks_stay_inside_or_are_refused(problem):
    network, data, q = problem
    network = apart(network)
    blocks = next(s for s in STRATEGIES if s.name == "blocks")
    try:
        assume(blocks.refusal(prepare(network, data, q), 2) is None)
        result = evaluate_float64(network, data, q, strategy="blocks")
    except NumericalRange:
        return
    assert outside(result, naive_evaluation(network.exact(), data.exact(), q)) == []


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_decimal_data_is_rounded_inside_the_bound(draw):
    arch = draw.draw(architectures(max_mask_bits=6))
    network = draw.draw(networks(arch, kind="float64"))
    data = draw.draw(example_distributions(inputs=arch.inputs, outputs=arch.outputs, kind="exact"))
    q = draw.draw(rates(arch))
    try:
        result = evaluate_float64(network, data, q)
    except NumericalRange:
        assert naive_evaluation(network.exact(), data, q).criterion < F(2) ** -990
        return
    assert outside(result, naive_evaluation(network.exact(), data, q)) == []


def gaussian(seed, widths, examples=1, outputs=1, biases=True):
    rng = np.random.default_rng(seed)
    sizes = (*widths, outputs)
    weights = [rng.normal(size=(b, a)) / math.sqrt(a) for a, b in itertools.pairwise(sizes)]
    vectors = [rng.normal(size=b) / 4 for b in sizes[1:]] if biases else None
    return Network(weights, vectors), Examples.from_arrays(
        rng.normal(size=(examples, sizes[0])), rng.normal(size=(examples, outputs))
    )


@pytest.mark.parametrize("activation", ["relu", "leaky_relu(1/7)", "leaky_relu(3)"])
@pytest.mark.parametrize(("widths", "q"), [((9, 16), "1/2"), ((10, 4), "1/2"), ((8, 6), "1/3"), ((8, 6), "9/10")])
def test_the_bounds_of_the_walk_are_tight(widths, q, activation):
    """Some 1000 times the true error in the median: of the criterion, and of the penalty and variance as well."""
    ratios = []
    for seed in range(7):
        network, data = gaussian(seed, widths)
        network = Network(network.weights, network.biases, activation=activation)
        result, exact = evaluate(network, data, q, strategy="walk"), evaluate(network.exact(), data.exact(), q)
        for name in ("criterion", "penalty", "variance"):
            error = abs(F(getattr(result, name)) - getattr(exact, name))
            assert error <= result.error_bounds[name]
            ratios += [float(F(result.error_bounds[name]) / error)] if error else []
    assert len(ratios) > 15
    assert np.median(ratios) <= 2000


def test_bounds_are_tight_on_ordinary_networks():
    """At most 1000 times the true error in the median, where that is not zero."""
    ratios = []
    for seed in range(12):
        network, data = gaussian(seed, (3, 3, 2) if seed % 2 else (5, 3))
        q = (F(1, 3),) * (3 if seed % 2 else 2)
        result = evaluate_float64(network, data, q)
        exact = naive_evaluation(network.exact(), data.exact(), q)
        error = abs(F(result.criterion) - exact.criterion)
        if error:
            ratios.append(float(F(result.error_bound) / error))
        assert result.error_bound <= 1e-12 * result.criterion
    assert len(ratios) > 3
    assert np.median(ratios) <= 1000


def test_bits_do_not_depend_on_threads():
    network, data = gaussian(5, (14, 10, 3), examples=3, outputs=2)
    q = (F(1, 4), F(1, 2), F(1, 3))
    one, two, five = (evaluate_float64(network, data, q, threads=t, moments=4) for t in (1, 2, 5))
    for name in TOTALS:
        assert getattr(one, name) == getattr(two, name) == getattr(five, name)
    for name in SHARES:
        assert np.array_equal(getattr(one.per_example, name), getattr(five.per_example, name))
    assert one.error_bounds == two.error_bounds == five.error_bounds


def test_zero_network_is_zero():
    result = evaluate_float64(Network([[[0.0]], [[0.0]]]), Examples.point([0.0], 0.0), (F(1, 2), F(1, 2)))
    assert result.criterion == 0
    assert result.error_bound < 1e-300


def test_an_exact_zero_is_no_underflow():
    """Every path carries weight, yet relu makes the output 0 for every mask: found by Hypothesis."""
    network = Network([[[1.0]], [[-1.0]], [[1.0]]], [[0.0], [-1.0], None])
    result = evaluate_float64(network, Examples.point([1.0], 0.0), (F(1, 2),) * 3)
    assert result.criterion == 0


def test_underflow_and_overflow_are_reported():
    half = (F(1, 2),)
    with pytest.raises(NumericalRange, match="exact evaluation remains possible"):
        evaluate_float64(Network([[[1e-200]]]), Examples.point([1.0], 0.0), half)
    for weight, x in ((1e200, 1.0), (1e300, 1e300)):
        with pytest.raises(NumericalRange, match="exact evaluation remains possible"):
            evaluate_float64(Network([[[weight]]]), Examples.point([x], 0.0), half)
    with pytest.raises(NumericalRange):
        evaluate_float64(Network([[[-1e308, -1e308]], [1.0]]), Examples.point([1e10, 1.0], 0.0), half * 2)
    with pytest.raises(NumericalRange):
        evaluate_float64(Network([[[1.0]]]), Examples.point([F(10) ** 400], F(1)), half)
    with pytest.raises(NumericalRange):
        evaluate_float64(Network([[[1.0]]]), Examples.point([1.0], 1.0), (1 - F(1, 10**400),))


def test_what_does_not_fit_is_refused():
    network = Network([[[1.0, 2.0]]])
    with pytest.raises(InvalidInput, match="2 inputs"):
        evaluate_float64(network, Examples.point([1.0], 1.0), (F(1, 2),))
    with pytest.raises(InvalidInput, match="1 label"):
        evaluate_float64(network, Examples.point([1.0, 2.0], [1.0, 2.0]), (F(1, 2),))
    with pytest.raises(MixedNumbers):
        evaluate_float64(network.exact(), Examples.point([1, 2], 1), (F(1, 2),))
    with pytest.raises(InvalidInput, match="threads"):
        evaluate_float64(network, Examples.point([1.0, 2.0], 1.0), (F(1, 2),), threads=0)


def test_progress_reaches_the_total():
    seen = []
    network, data = gaussian(1, (12, 9, 3))
    evaluate_float64(network, data, (F(1, 2),) * 3, threads=2, progress=lambda done, total: seen.append((done, total)))
    assert seen[0][0] == 0
    assert seen[-1][0] == seen[-1][1] > 0
    assert seen == sorted(seen)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("strategy", ["walk", "meet", "moments"])
def test_overflow_and_underflow_are_reported_and_nothing_warns(strategy):
    """A label of 1e200, whose square is no float; weights of 5e-324, whose products are none."""
    large, small = Network([[[1.0]], [1.0]]), Network([[[5e-324, 1e-320]], [1.0]])
    with np.errstate(all="raise"):
        with pytest.raises(NumericalRange, match="beyond the range"):
            evaluate_float64(large, Examples.point([1.0], 1e200), (F(1, 2),) * 2, strategy=strategy)
        with pytest.raises(NumericalRange, match="underflows"):
            evaluate_float64(small, Examples.point([1.0, 1.0], 0.0), (F(1, 2),) * 2, strategy=strategy)


def test_fractions_become_the_nearest_floats_with_bounds_of_their_errors():
    """Those of small integers all at once, others one by one; the bound is 0 just where the float is the number."""
    edge = 2**53
    small = [F(0), F(1, 3), F(-2, 7), F(edge, edge - 1), F(1 - edge, 1 << 40), F(1, edge), F(3, 10), F(edge - 1)]
    large = [F(edge + 1), F(1, edge + 1), F(-(2**63)), F(-(2**63), 3), F(2**80, 3), F(1, 10**30), F(2**63, 2**63 - 1)]
    for numbers in (small, [*small, *large], *([x] for x in large)):
        floats, errors = floats_with_errors(np.array([numbers], dtype=object), "data")
        assert floats.shape == errors.shape == (1, len(numbers))
        for number, nearest, error in zip(numbers, floats[0], errors[0], strict=True):
            assert nearest == float(number)  # correctly rounded
            assert abs(F(nearest) - number) <= F(error)
            assert (error == 0) == (F(nearest) == number)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-9, 9).map(float), max_size=5))
@example([5e-324, -0.0])
@example([-(2.0**1023)])
@example([2.0**-1022, 0.0])
def test_the_grid_of_numbers_is_their_lowest_bit(numbers):
    grid = grid_exponent(np.array([numbers], dtype=np.float64))
    exact = [F(x) for x in numbers if x]
    assert grid == 1023 or exact
    assert all((x / F(2) ** grid).denominator == 1 for x in exact)
    assert not exact or any((x / F(2) ** (grid + 1)).denominator == 2 for x in exact)
