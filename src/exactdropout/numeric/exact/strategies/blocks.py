"""The strategy ``blocks``: hidden units that share no mask are independent, and second moments add up.

Two hidden values depend on each other only through a mask that both take, or through values that do. Join the units of
every source that is random; what is left apart are blocks B, and the output before its last mask is

    D̄ = b + Σ_B f_B,   E D̄ = b + Σ_B E f_B,   Var D̄ = Σ_B Var f_B,

with the f_B independent. The last layer's noise is a sum over units, so over blocks. Each block is a network of its
own for the other strategies: 2^k₁ + 2^k₂ masks in place of 2^(k₁ + k₂). Values without any mask are one block more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial

from exactdropout.numeric.choice import Estimate
from exactdropout.numeric.exact.reduction import ReducedExample, ReducedLayer, Source
from exactdropout.numeric.exact.strategy import ExactProblem, ExactStrategy, OutputMoments, StateLimitReached, Tick

__all__ = ["blocks_of", "strategy"]

NS_PER_BLOCK = 2e4


def strategy(inner: tuple[ExactStrategy, ...]) -> ExactStrategy:
    """Return the strategy that gives each block to the cheapest of the inner ones."""
    return ExactStrategy(
        name="blocks",
        title="blocks of hidden units that share no mask are independent: their means and variances add up",
        refusal=_refusal,
        estimate=partial(_estimate, inner),
        run=partial(_run, inner),
    )


def blocks_of(example: ReducedExample) -> list[ReducedExample]:
    """Return the blocks as networks whose outputs add up to the example's but for its bias; one where all meet."""
    block_of = _joined(example)
    if block_of is None:
        return [replace(example, output=replace(example.output, bias=(0,) * len(example.output.bias)))]
    names = dict.fromkeys(block_of[-1][group] for group, _, _ in example.output.sources)
    return [_part(example, block_of, name) for name in names]


def _joined(example: ReducedExample) -> list[list[int | None]] | None:
    """Return the block of every value of every layer, first the 1 that enters, None for a constant.

    None where all units are joined.
    """
    parents: list[int] = []

    def root(node: int) -> int:
        while parents[node] != node:
            parents[node] = node = parents[parents[node]]
        return node

    nodes: list[list[int | None]] = [[None]]  # of the constant 1 that enters
    for layer in example.layers:
        below, here = nodes[-1], [None] * len(layer.bias)
        own: list[int | None] = list(here)
        for group, column, _ in layer.sources:
            node = below[group]
            if node is None:
                if layer.keep == layer.total:
                    continue
                node = len(parents)
                parents.append(node)
            joint = root(node)
            for i, c in enumerate(column):
                if c:
                    known = own[i]
                    if known is None:
                        own[i] = joint
                    else:
                        parents[root(known)] = joint
        nodes.append(own)
        if own and None not in own and len({root(n) for n in own if n is not None}) == 1:
            later = example.layers[len(nodes) - 1 :]
            if all(_all_fed(above) for above in later):
                return None
    return [[None if n is None else root(n) for n in layer] for layer in nodes]


def _all_fed(layer: ReducedLayer) -> bool:
    """Return whether every unit of a layer takes something from the layer below."""
    fed = [False] * len(layer.bias)
    for _, column, _ in layer.sources:
        for i, c in enumerate(column):
            fed[i] |= c != 0
        if all(fed):
            return True
    return all(fed)


def _part(example: ReducedExample, block_of: list[list[int | None]], name: int | None) -> ReducedExample:
    """Return the units of a block, and the constants, with what they give to the output."""
    layers = []
    place = {0: 0}
    for layer, blocks in zip(example.layers, block_of[1:], strict=True):
        units = [i for i, block in enumerate(blocks) if block is None or block == name]
        layers.append(
            replace(
                layer, sources=_restricted(layer.sources, place, units),
                bias=tuple([layer.bias[i] for i in units]), tops=tuple([layer.tops[i] for i in units]),
                bottoms=tuple([layer.bottoms[i] for i in units]), low=tuple([layer.low[i] for i in units]),
                high=tuple([layer.high[i] for i in units]),
            )
        )  # fmt: skip
        place = {unit: number for number, unit in enumerate(units)}
    of = block_of[-1]
    sources = tuple([(place[g], column, count) for g, column, count in example.output.sources if of[g] == name])
    bias = (0,) * len(example.output.bias)
    return replace(example, layers=tuple(layers), output=replace(example.output, sources=sources, bias=bias))


def _restricted(sources: Sequence[Source], place: dict[int, int], units: Sequence[int]) -> tuple[Source, ...]:
    """Return what the units take, equal columns of a group as one source with their counts together."""
    counts: dict[tuple[int, tuple[int, ...]], int] = {}
    for group, column, count in sources:
        if group in place:
            kept = tuple([column[i] for i in units])
            if any(kept):
                key = place[group], kept
                counts[key] = counts.get(key, 0) + count
    return tuple([(group, column, count) for (group, column), count in counts.items()])


def _problems(problem: ExactProblem, example: ReducedExample) -> list[ExactProblem]:
    """Return one problem for each block; they are the same objects for one example."""
    known: dict[int, list[ExactProblem]] = problem.memo.setdefault("blocks", {})
    if id(example) not in known:
        known[id(example)] = [_problem(problem, block) for block in blocks_of(example)]
    return known[id(example)]


def _problem(problem: ExactProblem, block: ReducedExample) -> ExactProblem:
    own = replace(problem, memo={})
    vars(own)["examples"] = (block,)  # in place of what follows from the inputs
    return own


def _refusal(problem: ExactProblem) -> str | None:
    """Some example must have two blocks, and only second moments add up."""
    if problem.moments == 4:
        return "it computes second moments only"
    if all(len(_problems(problem, example)) < 2 for example in problem.examples):
        return "all hidden values meet in a mask"
    return None


def _ranked(inner: tuple[ExactStrategy, ...], block: ExactProblem) -> list[tuple[Estimate, ExactStrategy]]:
    """Return the inner strategies that apply to a block, cheapest first."""
    if "ranked" not in block.memo:
        able = [s for s in inner if s.refusal(block) is None]
        block.memo["ranked"] = sorted([(s.estimate(block), s) for s in able], key=lambda pair: pair[0].cost)
    found: list[tuple[Estimate, ExactStrategy]] = block.memo["ranked"]
    return found


def _estimate(inner: tuple[ExactStrategy, ...], problem: ExactProblem) -> Estimate:
    """Return the sum over blocks of what the cheapest inner strategy takes."""
    total = Estimate(visited=0.0, cost=0.0, memory=1e5)
    for example in problem.examples:
        for block in _problems(problem, example):
            block.memo["memory"] = problem.memo.get("memory", 1 << 33)
            best = _ranked(inner, block)[0][0]
            total = total.plus(replace(best, cost=best.cost + NS_PER_BLOCK))
    return total


def _run(
    inner: tuple[ExactStrategy, ...],
    problem: ExactProblem,
    example: ReducedExample,
    label: Sequence[Fraction],
    tick: Tick,
) -> OutputMoments:
    """Add up the means, variances and noises of the blocks."""
    output = example.output
    first = [Fraction(bias, output.scale) for bias in output.bias]
    variance, noise = [Fraction(0)] * len(first), [Fraction(0)] * len(first)
    blocks = _problems(problem, example)
    for number, block in enumerate(blocks):
        block.memo["memory"] = problem.memo.get("memory", 1 << 33)

        def part(share: float, number: int = number) -> None:
            tick((number + share) / len(blocks))

        found = _first_that_runs(_ranked(inner, block), block, label, part)
        first = [a + b for a, b in zip(first, found.first, strict=True)]
        variance = [v + s - a * a for v, s, a in zip(variance, found.second, found.first, strict=True)]
        noise = [a + b for a, b in zip(noise, found.noise, strict=True)]
    second = [v + a * a for v, a in zip(variance, first, strict=True)]
    return OutputMoments(first=tuple(first), second=tuple(second), noise=tuple(noise))


def _first_that_runs(
    ranked: list[tuple[Estimate, ExactStrategy]], block: ExactProblem, label: Sequence[Fraction], tick: Tick
) -> OutputMoments:
    for _, way in ranked[:-1]:
        try:
            return way.run(block, block.examples[0], label, tick)
        except StateLimitReached:
            continue
    return ranked[-1][1].run(block, block.examples[0], label, tick)
