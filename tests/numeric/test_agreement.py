"""All engines on the same problems: exact, symbolic-then-substituted, float64, intervals, and the definition.

The quick profile goes to 9 mask bits. The thorough profile goes to 12, adds ten pinned cases of 16, and counts
that every kind of difficulty really occurred.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction as F

import pytest
from hypothesis import HealthCheck, Phase, example, given, seed, settings

import exactdropout as xd
from exactdropout.numeric.definition import dropout_output, masks, naive_evaluation
from exactdropout.numeric.exact.engine import evaluate_exact
from exactdropout.numeric.float64.engine import evaluate_float64
from exactdropout.testing import problems

SCALARS = ("criterion", "risk", "penalty", "variance", "bias")
COLUMNS = ("output", "mean", "variance", "criterion", "risk", "penalty", "squared_error_variance")


def rational(value):
    if isinstance(value, (F, float, int)):
        return F(value)
    sign, mantissa, exponent, _ = value._mpf_
    return (-1) ** sign * int(mantissa) * F(2) ** int(exponent)


def assert_contains(result, naive):
    """Every quantity of a bounded result lies within its proved bound of the exact value."""
    for name in SCALARS:
        low, high = result.enclosure(name)
        assert low <= getattr(naive, name) <= high, name
    for name in COLUMNS:
        values = getattr(result.per_example, name).ravel().tolist()
        bounds = result.per_example.error_bounds[name].ravel().tolist()
        for exact, value, bound in zip(getattr(naive.per_example, name).ravel(), values, bounds, strict=True):
            assert abs(rational(value) - exact) <= rational(bound), name


def assert_agreement(problem, *, symbolic=True):
    network, data, rates = problem
    naive = naive_evaluation(network, data, rates)
    exact = evaluate_exact(network, data, rates, moments=4)
    for name in (*SCALARS, "mean"):
        assert getattr(exact, name) == getattr(naive, name), name
    for name in COLUMNS:
        assert (getattr(exact.per_example, name) == getattr(naive.per_example, name)).all(), name
    assert_contains(xd.evaluate(network, data, rates, precision=20, moments=4), naive)
    if symbolic:
        assert_symbolic_agrees(problem, naive)
    # the float engine works on the rounded network, whose exact value is that of its dyadic rationals
    rounded = network.float64()
    dyadic = rounded.exact()
    reference = naive if dyadic == network else naive_evaluation(dyadic, data, rates)
    assert_contains(evaluate_float64(rounded, data, rates, moments=4), reference)


def assert_symbolic_agrees(problem, naive):
    """Derive with every weight, input, label and rate free, then put the numbers in."""
    import sympy

    network, data, rates = problem
    arch = network.architecture
    free = xd.free_network(arch)
    points = xd.Examples(
        [
            (
                sympy.symbols(f"x{i}_:{arch.inputs}", real=True),
                list(sympy.symbols(f"y{i}_:{arch.outputs}", real=True)),
                probability,
            )
            for i, probability in enumerate(data.probabilities)
        ]
    )
    q = sympy.symbols(f"q0:{len(rates)}", real=True)
    derivation = xd.derive(free, points, q)
    values = dict(zip(q, rates, strict=True))
    pairs = [
        *zip(free.weights, network.weights, strict=True),
        (points.inputs, data.inputs),
        (points.labels, data.labels),
    ]
    pairs += [(f, b) for f, b in zip(free.biases, network.biases, strict=True) if f is not None]
    for names, numbers in pairs:
        values |= dict(zip(names.ravel().tolist(), numbers.ravel().tolist(), strict=True))
    for name in SCALARS:
        assert getattr(derivation, name).evaluate(values) == getattr(naive, name), name


def difficulties(problem):
    """Say which of the difficulties that the agreement must cover occur in a problem."""
    network, data, rates = problem
    arch = network.architecture
    found = {f"width {w}" for w in arch.widths[:-1]} | {f"{len(arch.hidden)} hidden layers"}
    found |= {"biases"} if arch.hidden_biases or arch.output_bias else set()
    found |= {"per-layer q"} if len(set(rates)) > 1 else set()
    found |= {"q = 0"} if 0 in rates else set()
    found |= {"zero weight"} if any((w == 0).any() for w in network.weights) else set()
    found |= {"several outputs"} if arch.outputs > 1 else set()
    rows = [(tuple(x), tuple(y)) for x, y in zip(data.inputs.tolist(), data.labels.tolist(), strict=True)]
    found |= {"repeated examples"} if len(set(rows)) < len(rows) else set()
    if arch.hidden and arch.mask_bits <= 8:
        found |= _hidden_difficulties(problem)
    return found


def _hidden_difficulties(problem):
    from exactdropout.numeric.definition import _layers

    network, data, rates = problem
    kink, alive = False, [[False] * n for n in network.architecture.hidden]
    for x in data.inputs.tolist():
        for mask, chance in masks(network, rates):
            if not chance:
                continue
            for layer, values in enumerate(_layers(network, x, mask, rates)[1][:-1]):
                kink = kink or any(z == 0 for z in values)
                alive[layer] = [a or z > 0 for a, z in zip(alive[layer], values, strict=True)]
    relu = [a.slope == 0 for a in network.architecture.activations]
    dead = any(r and not all(row) for r, row in zip(relu, alive, strict=True))
    return ({"kink"} if kink else set()) | ({"dead unit"} if dead else set())


DEAD = (  # found by the first run: a network that is 0 on every mask is no underflow
    xd.Network([[[-1, -2, 0]], [F(1, 3)]]),
    xd.Examples.point((1, 1, 1), 0),
    (F(0), F(1, 2)),
)


@given(problems(max_mask_bits=9, max_examples=2))
@example(DEAD)
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_engines_agree_up_to_nine_mask_bits(problem):
    assert_agreement(problem, symbolic=problem[0].architecture.mask_bits <= 8)


REQUIRED = (
    {f"width {n}" for n in (1, 2, 3, 4)}
    | {f"{n} hidden layers" for n in (0, 1, 2, 3)}
    | {"biases", "per-layer q", "q = 0", "zero weight", "dead unit", "kink", "several outputs", "repeated examples"}
)


@pytest.mark.thorough
def test_engines_agree_up_to_twelve_mask_bits_and_every_difficulty_occurs():
    counts: Counter[str] = Counter()

    @seed(20170707)
    @given(problems(max_mask_bits=12, max_examples=3))
    @settings(
        deadline=None,
        max_examples=200,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    def agree(problem):
        assert_agreement(problem, symbolic=problem[0].architecture.mask_bits <= 8)
        counts.update(difficulties(problem))

    agree()
    assert set(counts) >= REQUIRED, f"did not occur: {sorted(REQUIRED - set(counts))}"
    assert min(counts[name] for name in REQUIRED) >= 5, dict(counts)


def pinned(hidden, inputs, outputs=1, activation="relu", shift=0):
    """A fixed network with small integer and half entries of both signs, zeros and equal columns among them."""
    arch = xd.Architecture(inputs=inputs, hidden=hidden, outputs=outputs, activation=activation)
    widths, state = arch.widths, 7 + shift
    weights, biases = [], []
    for layer in range(len(widths) - 1):
        matrix = []
        for i in range(widths[layer + 1]):
            row = []
            for k in range(widths[layer]):
                state = (state * 1103515245 + 12345) % 2**31
                row.append(F(state >> 16 & 7, 2) - F(3, 2) if (i + k) % 5 else F(0))
            matrix.append(row)
        weights.append(matrix)
        biases.append([F(i - 1, 2) for i in range(widths[layer + 1])])
    x = [F(k % 3 - 1) if k % 4 else F(1, 2) for k in range(inputs)]
    network = xd.Network(weights, biases, activation=activation)
    return network, xd.Examples.point(x, [F(1)] * outputs), tuple(F(1, 2 + l) for l in range(len(widths) - 1))


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("hidden", "inputs", "outputs", "activation"),
    [
        ((), 16, 1, "relu"),
        ((8,), 8, 1, "relu"),
        ((4,), 12, 2, "relu"),
        ((12,), 4, 1, "leaky_relu(1/10)"),
        ((4, 4), 8, 1, "relu"),
        ((6, 6), 4, 2, "relu"),
        ((2, 10), 4, 1, "linear"),
        ((4, 4, 4), 4, 1, "relu"),
        ((3, 5, 4), 4, 1, "leaky_relu(1/3)"),
        ((8, 4, 2), 2, 3, "relu"),
    ],
)
def test_ten_pinned_cases_of_sixteen_mask_bits(hidden, inputs, outputs, activation):
    problem = pinned(hidden, inputs, outputs, activation)
    assert problem[0].architecture.mask_bits == 16
    assert_agreement(problem, symbolic=False)


def test_a_wrong_engine_is_caught():
    """The comparison itself can fail: a bound that is too small, and a value that is off by one part in 10^12."""
    from dataclasses import replace

    network, data, rates = pinned((2,), 3)
    naive = naive_evaluation(network, data, rates)
    good = evaluate_float64(network.float64(), data, rates, moments=4)
    assert_contains(good, naive)
    off = replace(good, criterion=good.criterion * (1 + 1e-9))
    with pytest.raises(AssertionError, match="criterion"):
        assert_contains(off, naive)
    assert len(list(masks(network, rates))) == 2**5
    assert dropout_output(network, data.inputs[0].tolist(), None, rates) == naive.per_example.output[0].tolist()
