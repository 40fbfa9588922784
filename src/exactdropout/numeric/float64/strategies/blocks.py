"""The strategy ``blocks``: hidden units that share no mask are independent, and means and variances add up.

Join all units, and all masks of the first layer that is walked, that a nonzero weight connects. What is left apart are
blocks B, the output before its last mask is D̄ = b + Σ_B f_B with independent f_B, and the last layer's noise is a sum
over units. So with m_B = E f_B and v_B = Var f_B + (the noise of the block's units)

    E D = b + Σ_B m_B,   Var D = Σ_B v_B.

Each block is a problem of its own for the other strategies, with all layers below the first walked one and the labels
0. Their bounds of m_B and v_B add up, and with them the roundings of the sums.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from exactdropout.model.numbers import Array
from exactdropout.numeric.choice import Estimate
from exactdropout.numeric.float64.bounds import gamma, up
from exactdropout.numeric.float64.problem import ETA, UNIT, Problem
from exactdropout.numeric.float64.quantities import Bounded, Reference, per_example, reference_outputs
from exactdropout.numeric.float64.strategies.walk import leaf_cost
from exactdropout.numeric.float64.strategy import Float64Strategy, Folded
from exactdropout.numeric.runs.runner import Runner

__all__ = ["blocks_of", "strategy"]

NS_PER_BLOCK = 5e5


def strategy(inner: tuple[Float64Strategy, ...]) -> Float64Strategy:
    """Return the strategy that gives each block to the cheapest of the inner ones."""
    return Float64Strategy(
        name="blocks",
        title="blocks of hidden units that share no mask are independent: their means and variances add up",
        refusal=_refusal,
        estimate=partial(_estimate, inner),
        run=partial(_run, inner),
    )


def blocks_of(problem: Problem) -> list[Problem]:
    """Return the blocks as problems whose outputs add up to the problem's but for its output bias."""
    if "blocks" not in problem.memo:
        problem.memo["blocks"] = _blocks(problem)
    found: list[Problem] = problem.memo["blocks"]
    return found


def _blocks(problem: Problem) -> list[Problem]:
    if not problem.walked:
        return [problem]
    layers = _joined(problem)
    names = np.unique(layers[-1])
    return [problem] if len(names) == 1 else [_part(problem, layers, name) for name in names.tolist()]


def _joined(problem: Problem) -> list[Array]:
    """Return the block of each unit, of the first walked layer and of those above it.

    A value that is 0 in all examples joins nothing. What the masks of the first walked layer do not reach, or what does
    not reach the top, is put into the first block: a block may always be larger.
    """
    first, last = problem.first, len(problem.weights) - 1
    entering = problem.inputs.any(axis=0) | problem.input_errors.any(axis=0) if first == 0 else None
    links = [problem.weights[l] != 0 for l in range(first, last)]
    if links and entering is not None:
        links[0] = links[0] & entering
    widths = [problem.widths[l] for l in range(first, last + 1)]
    begins = np.cumsum([0, *widths])
    layers = [np.arange(begins[k], begins[k + 1]) for k in range(len(widths))]
    while True:
        before = [layer.copy() for layer in layers]
        for link, low, high in zip(links, layers[:-1], layers[1:], strict=True):
            np.minimum(high, np.where(link, low, begins[-1]).min(axis=1, initial=begins[-1]), out=high)
        for link, low, high in reversed(list(zip(links, layers[:-1], layers[1:], strict=True))):
            np.minimum(low, np.where(link, high[:, None], begins[-1]).min(axis=0, initial=begins[-1]), out=low)
        if all(np.array_equal(a, b) for a, b in zip(before, layers, strict=True)):
            break
    whole = np.intersect1d(layers[0][links[0].any(axis=0)], layers[-1])  # from the first masks to the top
    for layer in layers:
        layer[~np.isin(layer, whole)] = whole[0] if len(whole) else 0
    return layers


def _part(problem: Problem, layers: list[Array], name: int) -> Problem:
    """Return a block: all layers below the first walked one, and its own units from there on."""
    first, last = problem.first, len(problem.weights) - 1
    own = [np.flatnonzero(layer == name) for layer in layers]
    weights, biases = list(problem.weights), list(problem.biases)
    for l in range(first, last + 1):
        columns = own[l - first]
        rows = np.arange(problem.outputs) if l == last else own[l - first + 1]
        weights[l] = np.ascontiguousarray(weights[l][np.ix_(rows, columns)])
        biases[l] = biases[l][rows] if l < last else np.zeros(problem.outputs)
    if first > 0:
        weights[first - 1] = np.ascontiguousarray(weights[first - 1][own[0]])
        biases[first - 1] = biases[first - 1][own[0]]
    inputs, errors = problem.inputs, problem.input_errors
    if first == 0:
        inputs, errors = (np.ascontiguousarray(a[:, own[0]]) for a in (inputs, errors))
    return replace(
        problem, weights=tuple(weights), biases=tuple(biases), inputs=inputs, input_errors=errors,
        labels=np.zeros(problem.labels.shape), label_errors=np.zeros(problem.labels.shape), memo={},
    )  # fmt: skip


def _refusal(problem: Problem, moments: int) -> str | None:
    """There must be two blocks, and only second moments add up."""
    if moments == 4:
        return "it computes second moments only"
    return "all hidden values meet in a mask" if len(blocks_of(problem)) < 2 else None


def _best(inner: tuple[Float64Strategy, ...], block: Problem) -> tuple[Estimate, Float64Strategy]:
    """Return the cheapest inner strategy that applies; the walk goes leaf by leaf here."""
    if "best" not in block.memo:
        found = []
        for way in inner:
            if way.refusal(block, 2) is None:
                estimate = way.estimate(block, 2)
                if way.name == "walk":
                    estimate = replace(estimate, cost=1e6 + estimate.visited * leaf_cost(block, 2))
                found.append((estimate, way))
        block.memo["best"] = min(found, key=lambda pair: pair[0].cost)
    best: tuple[Estimate, Float64Strategy] = block.memo["best"]
    return best


def _estimate(inner: tuple[Float64Strategy, ...], problem: Problem, moments: int) -> Estimate:
    """Return the sum over blocks of what the cheapest inner strategy takes."""
    total = Estimate(visited=0.0, cost=1e6, memory=0.0)
    for block in blocks_of(problem):
        best, _ = _best(inner, block)
        total = total.plus(replace(best, cost=best.cost + NS_PER_BLOCK))
    return total


def _run(
    inner: tuple[Float64Strategy, ...], problem: Problem, reference: Reference, moments: int, runner: Runner
) -> Folded:
    """Add up the means and variances of the blocks, and take both about the pivot and the label."""
    blocks = blocks_of(problem)
    bias = problem.biases[-1]
    mean, e_mean = np.tile(bias, (problem.examples, 1)), np.zeros(problem.labels.shape)
    variance, e_variance, sizes = np.zeros(mean.shape), np.zeros(mean.shape), np.abs(mean)
    for number, block in enumerate(blocks):
        own = reference_outputs(block)
        folded = _best(inner, block)[1].run(block, own, 2, replace(runner, journal=None, progress=None))
        found = per_example(
            block, own, folded.moments, folded.levels, 2, folded.output_error, folded.noise_error, folded.errors
        )
        mean, e_mean = mean + found["mean"].value, e_mean + found["mean"].error
        variance, e_variance = variance + found["variance"].value, e_variance + found["variance"].error
        sizes = sizes + np.abs(found["mean"].value)
        if runner.progress is not None:
            runner.progress(number + 1, len(blocks))
    rounding, terms = gamma(len(blocks) + 4), len(blocks)
    e_mean = up(e_mean + rounding * up(sizes, terms), terms)
    spread = Bounded(variance, up(e_variance + rounding * up(variance, terms), terms))
    g, r = mean - reference.output.value, mean - problem.labels
    e_g, e_r = up(e_mean + UNIT * np.abs(g)), up(e_mean + UNIT * np.abs(r) + problem.label_errors)
    squares, e_squares = _square(g, e_g, spread)
    residuals, e_residuals = _square(r, e_r, spread)
    nothing = np.zeros(g.shape)
    return Folded(
        moments=_columns(g, squares, nothing, residuals), levels=0,
        errors=_columns(e_g, e_squares, nothing, e_residuals),
    )  # fmt: skip


def _square(value: Array, error: Array, spread: Bounded) -> tuple[Array, Array]:
    """Return E v² = (E v)² + Var v and its error; the noise of the last layer is in the variance already."""
    squares = value * value + spread.value
    bulk = up(value * value + spread.value)
    return squares, up((2 * np.abs(value) + error) * error + spread.error + gamma(3) * bulk + 2 * ETA, 3)


def _columns(*parts: Array) -> Array:
    return np.stack(parts, axis=2).reshape(len(parts[0]), -1)
