"""Nasty small problems, the float64 engine against the definition in fractions: the counts of docs/error-bounds.md.

    python tests/benchmarks/agreement.py PROBLEMS [SEED] [JOURNAL]

Networks of up to three hidden layers and two outputs with entries that are gaussian, small integers, dyadic, zeros of
either sign, nearly tied, of mixed scales (1e-150 to 1e150) or subnormal; repeated units, so that points tie and units
sit at kinks; relu, leaky (slopes 1/4, 1/7, -2, 3, 1e-200) and linear; rates 0, 2^-60, 1e-300, 1/1000, 1/3, 1/2, 9/10,
1 - 2^-40. Of each problem it asks the planner's own choice and the gradient beside it; in turn one strategy by name,
the moments that need four powers, and a product with the Hessian. Every enclosure and every entry of a derivative must
contain the exact value. The exact value is the double loop over all masks of all layers, written here with FLINT's
rationals, and shares nothing with the package but the numbers of the problem.

Problem number i is drawn from SEED and i alone, so that any of them can be looked at again. With a JOURNAL the counts
are written to that file every thousand problems, and a run that was stopped goes on from there. The first failures are
printed as they stand, and the exit code is 1.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from flint import fmpq

import exactdropout as xd
from exactdropout.errors import InvalidInput, NumericalRange
from exactdropout.numeric.float64.derivatives.gradient import walked_gradient
from exactdropout.numeric.float64.derivatives.prepared import prepared_derivatives
from exactdropout.numeric.float64.engine import evaluate_float64
from exactdropout.numeric.float64.problem import prepare
from exactdropout.numeric.float64.strategies.registry import STRATEGIES
from exactdropout.numeric.runs.runner import Runner

SLOPES = [Fraction(0)] * 4 + [Fraction(1, 4), Fraction(1, 7), Fraction(-2), Fraction(3), Fraction(1)]
SLOPES += [Fraction(1, 10**200)]
RATES = [Fraction(0), Fraction(1, 3), Fraction(1, 2), Fraction(1, 2), Fraction(9, 10), Fraction(1, 1000)]
RATES += [Fraction(1, 2**60), Fraction(1, 10**300), 1 - Fraction(1, 2**40)]
TIES = [0.0, -0.0, 1.0, -1.0, 0.5, 0.1, -0.1, 0.2, 0.3, -0.3, 1 + 2.0**-52, 1 - 2.0**-53, 3.0, 1 / 3]
LARGEST = 6  # mask bits

Vector = list[fmpq]
Kept = list[tuple[int, fmpq]]  # number of a unit that is kept, with its value or its factor
Mask = list[Kept]


@dataclass(frozen=True)
class Problem:
    network: xd.Network
    data: xd.Examples
    rates: tuple[Fraction, ...]
    along: xd.Network  # the direction of the product with the Hessian
    slopes: tuple[Fraction, ...]


def rational(value: float | Fraction) -> fmpq:
    return fmpq(*value.as_integer_ratio())


def numbers(rng: np.random.Generator, shape: tuple[int, ...], kind: int) -> np.ndarray:
    entries = rng.normal(size=shape)
    if kind == 1:
        entries = rng.integers(-2, 3, size=shape).astype(float)
    elif kind == 2:
        entries = rng.integers(-9, 10, size=shape) / 2.0 ** rng.integers(0, 4)
    elif kind == 3:
        entries = entries * 10.0 ** rng.integers(*((-150, 150) if rng.random() < 0.3 else (-60, 40)), size=shape)
    elif kind == 4:
        entries = entries * 10.0 ** rng.integers(-20, 20, size=shape)
    elif kind == 5:
        entries = rng.integers(-3, 4, size=shape) * 5e-324
    elif kind == 6:
        entries = rng.choice(TIES, size=shape)
    entries[rng.random(shape) < 0.1] = rng.choice([0.0, -0.0])
    if len(shape) == 2 and shape[0] > 1 and rng.random() < 0.3:
        entries[-1] = entries[0]
    return entries


def draw(seed: int, number: int) -> Problem:
    rng = np.random.default_rng((seed, number))
    while True:
        widths = [int(w) for w in rng.integers(1, 5, size=rng.integers(1, 5))]
        if sum(widths) <= LARGEST:
            break
    widths.append(int(rng.integers(1, 3)))
    depth, biased, mood = len(widths) - 1, rng.random() < 0.5, int(rng.integers(0, 10))
    kinds = [mood if mood < 7 else int(rng.integers(0, 7)) for _ in range(4)]
    slopes = tuple(SLOPES[rng.integers(len(SLOPES))] for _ in range(depth - 1))

    def network(kind: int) -> xd.Network:
        weights = [numbers(rng, (b, a), kind) for a, b in itertools.pairwise(widths)]
        biases = [numbers(rng, (b,), kinds[1]) for b in widths[1:]] if biased else None
        return xd.Network(weights, biases, activation=[xd.Activation(slope=s) for s in slopes])

    m = int(rng.integers(1, 3))
    data = xd.Examples.from_arrays(numbers(rng, (m, widths[0]), kinds[2]), numbers(rng, (m, widths[-1]), kinds[3]))
    rates = tuple(RATES[rng.integers(len(RATES))] for _ in range(depth))
    return Problem(network(kinds[0]), data, rates, network(kinds[int(rng.integers(0, 2))]), slopes)


class Definition:
    """The double loop, layer by layer, in rationals."""

    def __init__(self, problem: Problem) -> None:
        network = problem.network
        self.weights = [[[rational(v) for v in row] for row in w.tolist()] for w in network.weights]
        self.biases = [
            [fmpq(0)] * len(w) if b is None else [rational(v) for v in b.tolist()]
            for w, b in zip(self.weights, network.biases, strict=True)
        ]
        self.slopes = [rational(s) for s in problem.slopes]
        self.rates = [rational(q) for q in problem.rates]
        data = problem.data
        self.rows = [
            ([rational(v) for v in x], [rational(v) for v in y], rational(p))
            for x, y, p in zip(data.inputs.tolist(), data.labels.tolist(), data.probabilities, strict=True)
        ]
        self.masks = list(self._masks())

    def _masks(self) -> Iterator[tuple[fmpq, list[list[tuple[int, fmpq]]]]]:
        """Each pattern's probability, with the units that it keeps in each layer, each beside its factor 1/p."""
        layers = []
        for weight, q in zip(self.weights, self.rates, strict=True):
            kept = [(1 - q, 1 / (1 - q))] + ([(q, None)] if q else [])
            layers += [kept] * len(weight[0])
        sizes = [len(w[0]) for w in self.weights]
        for chosen in itertools.product(*layers):
            chance = fmpq(1)
            for c, _ in chosen:
                chance = chance * c
            factors = iter(f for _, f in chosen)
            parts = [list(itertools.islice(factors, size)) for size in sizes]
            yield chance, [[(k, f) for k, f in enumerate(part) if f is not None] for part in parts]

    def forward(self, x: Vector, mask: Mask) -> tuple[list[Kept], list[Vector]]:
        """What enters each layer, unit by unit of those that are kept, and the pre-activations of each layer."""
        entering, before, values = [], [], x
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            if layer:
                slope = self.slopes[layer - 1]
                values = [z if z > 0 else slope * z for z in before[-1]]
            kept = [(k, values[k] * f) for k, f in mask[layer]]
            entering.append(kept)
            z = []
            for row, b in zip(weight, bias, strict=True):
                z.append(b)
                for k, v in kept:
                    z[-1] += row[k] * v
            before.append(z)
        return entering, before

    def values(self) -> tuple[dict[str, fmpq], dict[str, list[fmpq]], list[fmpq]]:
        """The five totals, the columns of ``per_example`` row by row, and the gradient.

        The gradient has the weights layer by layer, then the biases; the derivative at a kink is the left one.
        """
        rows: dict[str, list[fmpq]] = {
            name: [] for name in ("output", "mean", "variance", "criterion", "risk", "penalty")
        }
        totals = dict.fromkeys(("criterion", "risk", "penalty", "variance", "bias"), fmpq(0))
        sums = Sums(self)
        undropped = [[(k, fmpq(1)) for k in range(len(w[0]))] for w in self.weights]
        for x, y, share in self.rows:
            output = self.forward(x, undropped)[1][-1]
            mean, squares, criterion = [fmpq(0)] * len(y), [fmpq(0)] * len(y), fmpq(0)
            for chance, mask in self.masks:
                entering, before = self.forward(x, mask)
                drawn = before[-1]
                for o, (d, t) in enumerate(zip(drawn, y, strict=True)):
                    mean[o] += chance * d
                    squares[o] += chance * d * d
                    criterion += chance * (d - t) ** 2
                factor = 2 * share * chance
                sums.add(mask, entering, before, [factor * (d - t) for d, t in zip(drawn, y, strict=True)])
            variance = [s - m**2 for s, m in zip(squares, mean, strict=True)]
            risk = sum(((a - b) ** 2 for a, b in zip(output, y, strict=True)), fmpq(0))
            found = {"criterion": criterion, "risk": risk, "penalty": criterion - risk}
            for name, value in found.items():
                rows[name].append(value)
                totals[name] += share * value
            spread = sum(variance, fmpq(0))
            totals["variance"] += share * spread
            totals["bias"] += share * (criterion - risk - spread)
            for name, column in (("output", output), ("mean", mean), ("variance", variance)):
                rows[name] += column
        return totals, rows, sums.entries()

    def product(self, along: xd.Network) -> list[fmpq]:
        """The Hessian times a direction: forward and backward passes of numbers a + b·ε with ε² = 0."""
        v_weights = [[[rational(v) for v in row] for row in w.tolist()] for w in along.weights]
        v_biases = [
            [fmpq(0)] * len(w) if b is None else [rational(v) for v in b.tolist()]
            for w, b in zip(v_weights, along.biases, strict=True)
        ]
        sums = Sums(self)
        for x, y, share in self.rows:
            for chance, mask in self.masks:
                entering, before = self.forward(x, mask)
                moves, changes = [], []  # the ε parts of `entering` and `before`
                for layer, (weight, change) in enumerate(zip(self.weights, v_weights, strict=True)):
                    move = [(k, fmpq(0)) for k, _ in mask[layer]]
                    if layer:
                        slope, z, c = self.slopes[layer - 1], before[layer - 1], changes[-1]
                        move = [(k, (c[k] if z[k] > 0 else slope * c[k]) * f) for k, f in mask[layer]]
                    moves.append(move)
                    changed = []
                    for row, v_row, v_bias in zip(weight, change, v_biases[layer], strict=True):
                        changed.append(v_bias)
                        for (k, e), (_, m) in zip(entering[layer], move, strict=True):
                            changed[-1] += row[k] * m + v_row[k] * e
                    changes.append(changed)
                factor = 2 * share * chance
                delta = [factor * (d - t) for d, t in zip(before[-1], y, strict=True)]
                tangent = [factor * c for c in changes[-1]]
                sums.add_moved(mask, (entering, moves), before, (delta, tangent), v_weights)
        return sums.entries()


class Sums:
    """Derivatives with respect to every weight and bias, added up mask by mask in reverse mode."""

    def __init__(self, definition: Definition) -> None:
        self.of = definition
        self.weights = [[[fmpq(0)] * len(row) for row in w] for w in definition.weights]
        self.biases = [[fmpq(0)] * len(w) for w in definition.weights]

    def entries(self) -> list[fmpq]:
        return [v for w in self.weights for row in w for v in row] + [v for b in self.biases for v in b]

    def add(self, mask: Mask, entering: list[Kept], before: list[Vector], delta: Vector) -> None:
        for layer in reversed(range(len(self.weights))):
            for d, row, i in zip(delta, self.weights[layer], range(len(delta)), strict=True):
                self.biases[layer][i] += d
                for k, v in entering[layer]:
                    row[k] += d * v
            if layer:
                weight, slope, z = self.of.weights[layer], self.of.slopes[layer - 1], before[layer - 1]
                back = [fmpq(0)] * len(z)
                for k, f in mask[layer]:
                    total = sum((d * row[k] for d, row in zip(delta, weight, strict=True)), fmpq(0))
                    back[k] = total * f if z[k] > 0 else total * f * slope
                delta = back

    def add_moved(
        self,
        mask: Mask,
        entering: tuple[list[Kept], list[Kept]],
        before: list[Vector],
        delta: tuple[Vector, Vector],
        v_weights: list[list[Vector]],
    ) -> None:
        """The ε parts alone."""
        first, second = delta
        for layer in reversed(range(len(self.weights))):
            for i, (d, t) in enumerate(zip(first, second, strict=True)):
                self.biases[layer][i] += t
                row = self.weights[layer][i]
                for (k, v), (_, m) in zip(entering[0][layer], entering[1][layer], strict=True):
                    row[k] += t * v + d * m
            if layer:
                weight, slope, z = self.of.weights[layer], self.of.slopes[layer - 1], before[layer - 1]
                back, turned = [fmpq(0)] * len(z), [fmpq(0)] * len(z)
                for k, f in mask[layer]:
                    factor, a, b = f if z[k] > 0 else f * slope, fmpq(0), fmpq(0)
                    for i, (d, t) in enumerate(zip(first, second, strict=True)):
                        a += d * weight[i][k]
                        b += t * weight[i][k] + d * v_weights[layer][i][k]
                    back[k], turned[k] = a * factor, b * factor
                first, second = back, turned


def outside(found: xd.Evaluation, totals: dict[str, fmpq], rows: dict[str, list[fmpq]]) -> tuple[int, list[str]]:
    """Count the enclosures, and name those that do not contain the exact value."""
    counted, bad = 0, []
    for name, truth in totals.items():
        low, high = found.enclosure(name)
        counted += 1
        if not rational(low) <= truth <= rational(high):
            bad.append(name)
    for name, truths in rows.items():
        values = getattr(found.per_example, name).ravel().tolist()
        bounds = found.per_example.error_bounds[name].ravel().tolist()
        for value, bound, truth in zip(values, bounds, truths, strict=True):
            counted += 1
            if not abs(rational(value) - truth) <= rational(bound):
                bad.append(f"per_example.{name}")
    return counted, bad


def beside(found: xd.Gradient, truth: list[fmpq]) -> tuple[int, list[str]]:
    """The same of a derivative's entries; a network without biases has none of theirs."""

    def entries(parts: object) -> list[float]:
        arrays = (*parts.weights, *(b for b in parts.biases if b is not None))  # type: ignore[attr-defined]  # both have these
        return [v for a in arrays for v in a.ravel().tolist()]

    values, bounds = entries(found), entries(found.error_bounds)
    bad = [
        f"entry {i}: {v!r} ± {b!r}, exact {float(Fraction(int(t.p), int(t.q)))!r}"
        for i, (v, b, t) in enumerate(zip(values, bounds, truth, strict=False))
        if not abs(rational(v) - t) <= rational(b)
    ]
    return len(values), bad


def agree(problem: Problem, number: int, counts: Counter[str]) -> list[str]:
    """Ask every way that is this problem's turn; return what lies outside its bound."""
    definition, failures = Definition(problem), []
    totals, rows, gradient = definition.values()
    network, data, rates = problem.network, problem.data, problem.rates
    counts["problems"] += 1
    counts["masks"] += len(definition.masks) * len(definition.rows)
    turns = [None, "four powers", *(s.name for s in STRATEGIES), "gradient by the walk", "product"]
    turn = turns[number % len(turns)]
    ways = ["the planner, with gradient"] + ([turn] if turn else [])
    for way in ways:
        try:
            if way == "product":
                moved = xd.evaluate(network, data, rates, hessian_product=problem.along).hessian_product
                counted, bad = beside(moved, definition.product(problem.along))
            elif way == "gradient by the walk":
                walked = walked_gradient(network, prepared_derivatives(prepare(network, data, rates)), Runner())
                counted, bad = beside(walked, gradient)
            else:
                asked = {"the planner, with gradient": {"gradient": True}, "four powers": {"moments": 4}}
                found = evaluate_float64(network, data, rates, **asked.get(way, {"strategy": way}))  # type: ignore[arg-type]  # the names are its own
                counted, bad = outside(found, totals, rows)
                if found.gradient is not None:
                    more, worse = beside(found.gradient, gradient)
                    counts["entries of derivatives"] += more
                    bad += worse
        except InvalidInput:
            counts["refused by a strategy"] += 1
            continue
        except NumericalRange:
            counts["out of range, and said so"] += 1
            continue
        counts[f"evaluations, {way}"] += 1
        counts["entries of derivatives" if way in ("product", "gradient by the walk") else "enclosures"] += counted
        failures += [f"{way}: {text}" for text in bad]
    return failures


def main(problems: int, seed: int = 0, journal: Path | None = None) -> int:
    counts: Counter[str] = Counter()
    if journal is not None and journal.exists():
        kept = json.loads(journal.read_text())
        if kept.pop("seed") != seed:
            sys.exit(f"{journal} belongs to another seed")
        counts.update(kept)
    for number in range(counts["problems"], problems):
        problem = draw(seed, number)
        failures = agree(problem, number, counts)
        if failures:
            counts["FAILED problems"] += 1
            if counts["FAILED problems"] <= 20:
                print(f"problem {number} of seed {seed}:", *failures, problem, sep="\n  ", flush=True)
        if (number + 1) % 1000 == 0 or number + 1 == problems:
            if journal is not None:
                journal.write_text(json.dumps({"seed": seed, **counts}))
            if sys.stderr.isatty():
                print(f"\r{number + 1:,} of {problems:,}", end="", file=sys.stderr)
    for name, count in sorted(counts.items()):
        print(f"{count:14,} {name}")
    return 1 if counts["FAILED problems"] else 0


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 4:
        sys.exit(__doc__)
    sys.exit(main(int(sys.argv[1]), *map(int, sys.argv[2:3]), *map(Path, sys.argv[3:4])))
