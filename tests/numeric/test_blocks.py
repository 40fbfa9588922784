"""The strategy ``blocks`` of both engines: parts that share no mask, against the double loop over masks."""

from __future__ import annotations

from fractions import Fraction as F

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import exactdropout as xd
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.numeric.exact.engine import evaluate_exact
from exactdropout.numeric.exact.strategies.registry import EXACT_STRATEGIES
from exactdropout.numeric.exact.strategy import exact_problem
from exactdropout.numeric.float64.engine import evaluate_float64
from exactdropout.numeric.float64.problem import prepare
from exactdropout.numeric.float64.strategies.blocks import blocks_of


@st.composite
def problems_in_blocks(draw):
    """Draw two or three networks side by side that share outputs, some units without inputs, and shuffle all units."""
    count, depth, outputs = draw(st.integers(2, 3)), draw(st.integers(1, 2)), draw(st.integers(1, 2))
    entry = st.sampled_from([F(-3), F(-1), F(1), F(1, 2), F(2), F(0)])
    shapes = [
        [draw(st.integers(1, 2 if count == 2 and depth == 1 else 1)) for _ in range(depth + 1)] for _ in range(count)
    ]
    widths = [sum(shape[l] for shape in shapes) for l in range(depth + 1)]
    orders = [draw(st.permutations(range(n))) for n in widths]
    weights = []
    for l in range(depth):
        matrix = [[F(0)] * widths[l] for _ in range(widths[l + 1])]
        row = column = 0
        for shape in shapes:
            for i in range(shape[l + 1]):
                for j in range(shape[l]):
                    matrix[orders[l + 1][row + i]][orders[l][column + j]] = draw(entry)
            row, column = row + shape[l + 1], column + shape[l]
        weights.append(matrix)
    weights.append([[draw(entry) for _ in range(widths[-1])] for _ in range(outputs)])
    biases = [[draw(entry) for _ in range(n)] for n in (*widths[1:], outputs)] if draw(st.booleans()) else None
    network = xd.Network(weights, biases, activation=draw(st.sampled_from(["relu", "leaky_relu(-1/3)"])))
    x = [draw(st.sampled_from([F(1), F(2), F(-1, 2)])) for _ in range(widths[0])]
    y = [draw(entry) for _ in range(outputs)]
    zeros = [v if draw(st.booleans()) else F(0) for v in x]
    data = xd.Examples([(x, y, F(1, 3)), (zeros, y[::-1], F(2, 3))])
    q = [draw(st.sampled_from([F(0), F(1, 2), F(1, 3)])) for _ in range(depth)]
    return network, data, (*q, draw(st.sampled_from([F(0), F(1, 4)])))


@settings(max_examples=20)
@given(problem=problems_in_blocks())
def test_blocks_equal_the_double_loop(problem):
    network, data, q = problem
    blocks = next(s for s in EXACT_STRATEGIES if s.name == "blocks")
    assume(blocks.refusal(exact_problem(network, data, q)) is None)
    found, naive = evaluate_exact(network, data, q, strategy="blocks"), naive_evaluation(network, data, q)
    assert found.plan.strategy == "blocks"
    for name in ("criterion", "risk", "penalty", "mean", "variance", "bias"):
        assert getattr(found, name) == getattr(naive, name), name
    for name in ("output", "mean", "variance", "criterion", "risk", "penalty"):
        assert (getattr(found.per_example, name) == getattr(naive.per_example, name)).all(), name


def test_blocks_of_a_network_beyond_enumeration():
    """Five blocks of eight inputs and three units, against the sum over blocks, each by the double loop."""
    entries = [[F((7 * i + 3 * k + 5 * i * k) % 11 - 5 or 1, 3) for k in range(8)] for i in range(3)]
    top = [F(1), F(-2), F(1, 2)]
    zeros = [F(0)] * 8
    rows = [zeros * b + [v + b for v in row] + zeros * (4 - b) for b in range(5) for row in entries]
    x = [F(k % 3 + 1, 2) for k in range(40)]
    found = xd.evaluate(xd.Network([rows, [top * 5]], [[F(0)] * 15, [F(3)]]), xd.Examples.point(x, 7), F(1, 3))
    assert found.plan.strategy == "blocks"
    parts = [
        naive_evaluation(
            xd.Network([[[v + b for v in row] for row in entries], [top]]),
            xd.Examples.point(x[8 * b : 8 * b + 8], 0), (F(1, 3),) * 2,
        )
        for b in range(5)
    ]  # fmt: skip
    mean, variance = 3 + sum(p.mean[0] for p in parts), sum(p.variance for p in parts)
    assert (found.mean[0], found.variance) == (mean, variance)
    assert found.criterion == variance + (mean - 7) ** 2


@settings(max_examples=20)
@given(problem=problems_in_blocks(), kind=st.sampled_from(["exact", "float64"]))
def test_blocks_in_floats_are_within_their_bounds(problem, kind):
    """Against the double loop in fractions, for exact data and for floats."""
    network, data, q = problem
    network = network.float64()
    if kind == "float64":
        inputs, labels = (np.array(a.tolist(), dtype=float) for a in (data.inputs, data.labels))
        data = xd.Examples([(x, y, p) for x, y, p in zip(inputs, labels, data.probabilities, strict=True)])
    assume(len(blocks_of(prepare(network, data, q))) > 1)
    found, naive = (
        evaluate_float64(network, data, q, strategy="blocks"),
        naive_evaluation(network.exact(), data.exact(), q),
    )
    assert found.plan.strategy == "blocks"
    for name in ("criterion", "risk", "penalty", "variance", "bias"):
        assert abs(F(getattr(found, name)) - getattr(naive, name)) <= F(found.error_bounds[name]), name
    for name in ("output", "mean", "variance", "criterion", "risk", "penalty"):
        ours, bounds = getattr(found.per_example, name), found.per_example.error_bounds[name]
        for value, bound, true in zip(
            ours.ravel().tolist(),
            bounds.ravel().tolist(),
            getattr(naive.per_example, name).ravel().tolist(),
            strict=True,
        ):
            assert abs(F(value) - true) <= F(bound), name
    assert found.error_bounds["criterion"] < 1e-9


def test_floats_beyond_enumeration_agree_with_fractions(tmp_path):
    """Six blocks of seven inputs with two hidden layers: 2^78 masks; threads and a checkpoint change nothing."""
    random = np.random.default_rng(4)
    first, second = np.zeros((18, 42)), np.zeros((18, 18))
    for b in range(6):
        first[3 * b : 3 * b + 3, 7 * b : 7 * b + 7] = random.integers(-8, 9, (3, 7)) / 4 + 1 / 8
        second[3 * b : 3 * b + 3, 3 * b : 3 * b + 3] = random.integers(-8, 9, (3, 3)) / 4 + 1 / 8
    order = random.permutation(42)
    network = xd.Network([first[:, order], second, random.integers(-4, 5, (2, 18)) / 2 + 1 / 4], None)
    data = xd.Examples((random.integers(1, 5, (3, 42)) / 2, random.integers(-3, 4, (3, 2)) / 1.0))
    found = xd.evaluate(network, data, "1/2", threads=1)
    assert found.plan.strategy == "blocks"
    exact = xd.evaluate(network.exact(), data.exact(), "1/2", max_cost=600)
    for name in ("criterion", "risk", "penalty", "variance", "bias"):
        assert abs(F(getattr(found, name)) - getattr(exact, name)) <= F(found.error_bounds[name])
    assert found.error_bounds["criterion"] < 1e-8 * found.criterion
    again = xd.evaluate(network, data, "1/2", threads=2, checkpoint=tmp_path / "run.journal")
    assert again.criterion == found.criterion
    assert xd.evaluate(network, data, "1/2", checkpoint=tmp_path / "run.journal").criterion == found.criterion


def test_a_dense_network_and_one_without_masks_below_are_one_block():
    random = np.random.default_rng(1)
    data = xd.Examples((random.normal(size=(2, 4)), random.normal(size=2)))
    dense = xd.Network([random.normal(size=(3, 4)), random.normal(size=(1, 3))])
    assert len(blocks_of(prepare(dense, data, (F(1, 2),) * 2))) == 1
    assert len(blocks_of(prepare(dense, data, (F(0), F(1, 2))))) == 1
    apart = xd.Network([np.eye(4), np.eye(4), np.ones((1, 4))])
    assert len(blocks_of(prepare(apart, data, (F(1, 2),) * 3))) == 4
    assert len(blocks_of(prepare(apart, data, (F(0), F(1, 2), F(1, 2))))) == 4
    mixed = xd.Network([np.ones((4, 4)), np.eye(4), np.ones((1, 4))])
    assert len(blocks_of(prepare(mixed, data, (F(0), F(1, 2), F(1, 2))))) == 4  # the layer below has no masks
    assert len(blocks_of(prepare(mixed, data, (F(1, 2),) * 3))) == 1


def test_what_meets_is_one_block():
    """A shared input, a unit that takes from both, a mask of a constant that both take; an input that stays is none."""
    apart = [[1, 0], [0, 2]]
    for weights, q, many in (
        ([apart, [1, 1]], "1/2", True),
        ([[[1, 1], [0, 2]], [1, 1]], "1/2", False),
        ([[[1, 1], [0, 2]], [1, 1]], (0, "1/2"), False),  # constants: one block of them
        ([apart, [[1, -1]], [1]], "1/2", False),
        ([apart, apart, [1, 1]], "1/2", True),
        ([[[1, 1], [0, 2]], apart, [1, 1]], (0, "1/2", "1/2"), True),
        ([apart, [[1, 1], [0, 2]], [1, 1]], (0, "1/2", "1/2"), False),  # they share the mask of a constant
    ):
        network = xd.Network(weights, activation="leaky_relu(1/2)")
        data = xd.Examples.point((1, -1), 1)
        rates = xd.model.drop_rates(q, network.architecture)[0]
        refusal = next(s for s in EXACT_STRATEGIES if s.name == "blocks").refusal(exact_problem(network, data, rates))
        assert (refusal is None) == many, (weights, q)
        if not many:
            assert refusal == "all hidden values meet in a mask"
