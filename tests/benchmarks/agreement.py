"""Many nasty small problems, every float64 strategy against fractions: the counts that docs/error-bounds.md gives.

    python tests/benchmarks/agreement.py [seconds] [seed]

Networks of up to three hidden layers and two outputs with entries that are gaussian, small integers, dyadic, zeros of
either sign, of mixed scales (1e-150 to 1e150) or subnormal; repeated units, so that points tie and units sit at kinks;
relu, leaky (slopes 1/4, 1/7, -2, 3, 1e-200) and linear; rates 0, 2^-60, 1/1000, 1/3, 1/2, 9/10, 1 - 2^-40. Every
enclosure must contain the exact value, computed from the same numbers as fractions. Nothing is printed but counts, and
the first problem that fails.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from fractions import Fraction

import numpy as np

import exactdropout as xd
from exactdropout.errors import InvalidInput, NumericalRange
from exactdropout.numeric.float64.engine import evaluate_float64
from exactdropout.numeric.float64.strategies.registry import STRATEGIES

SLOPES = ("relu", "relu", "leaky_relu(1/4)", "leaky_relu(1/7)", "leaky_relu(-2)", "leaky_relu(3)", "linear")
TINY = xd.Activation(slope=Fraction(1, 10**200))
RATES = tuple(map(Fraction, ("0", "1/3", "1/2", "1/2", "9/10", "1/1000")))
RATES += (Fraction(1, 2**60), 1 - Fraction(1, 2**40))
GRADIENT = "value beside its gradient"
SCALARS = ("criterion", "risk", "penalty", "variance", "bias")


def numbers(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    kind = rng.integers(0, 7)
    entries = rng.normal(size=shape)
    if kind == 1:
        entries = rng.integers(-2, 3, size=shape).astype(float)
    elif kind == 2:
        entries = rng.integers(-9, 10, size=shape) / 2.0 ** rng.integers(0, 4)
    elif kind == 3:
        entries = entries * 10.0 ** rng.integers(-150, 150, size=shape)
    elif kind == 4:
        entries = entries * 10.0 ** rng.integers(-20, 20, size=shape)
    elif kind == 5:
        entries = rng.integers(-3, 4, size=shape) * 5e-324
    entries[rng.random(shape) < 0.15] = rng.choice([0.0, -0.0])
    if len(shape) == 2 and shape[0] > 1 and rng.random() < 0.3:
        entries[-1] = entries[0]
    return entries


def slope(rng: np.random.Generator) -> str | xd.Activation:
    return TINY if rng.random() < 0.1 else str(rng.choice(SLOPES))


def draw(rng: np.random.Generator) -> tuple[xd.Network, xd.Examples, tuple[Fraction, ...]]:
    while True:
        widths = [int(rng.integers(1, 5)) for _ in range(rng.integers(1, 5))]
        if sum(widths) <= 9:
            break
    widths.append(int(rng.integers(1, 3)))
    depth, biased = len(widths) - 1, rng.random() < 0.5
    weights = [numbers(rng, (widths[l + 1], widths[l])) for l in range(depth)]
    biases = [numbers(rng, (widths[l + 1],)) if biased else None for l in range(depth)] if biased else None
    network = xd.Network(weights, biases, activation=[slope(rng) for _ in range(depth - 1)])
    m = int(rng.integers(1, 3))
    data = xd.Examples.from_arrays(numbers(rng, (m, widths[0])), numbers(rng, (m, widths[-1])))
    return network, data, tuple(RATES[rng.integers(len(RATES))] for _ in range(depth))


def outside(found: xd.Evaluation, exact: xd.Evaluation) -> list[str]:
    """Return the quantities whose enclosure does not contain the exact value."""
    bad = []
    for name in SCALARS:
        low, high = found.enclosure(name)
        bad += [] if low <= getattr(exact, name) <= high else [name]
    for name in ("output", "mean", "variance", "criterion", "risk", "penalty"):
        values = getattr(found.per_example, name).ravel().tolist()
        bounds = found.per_example.error_bounds[name].ravel().tolist()
        truths = getattr(exact.per_example, name).ravel().tolist()
        for value, bound, truth in zip(values, bounds, truths, strict=True):
            bad += [] if abs(Fraction(value) - truth) <= Fraction(bound) else [f"per_example.{name}"]
    return bad


def main(seconds: float, seed: int) -> int:
    rng = np.random.default_rng(seed)
    counts: Counter[str] = Counter()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        network, data, rates = draw(rng)
        exact = xd.evaluate(network.exact(), data.exact(), rates)
        counts["problems"] += 1
        for strategy in (None, GRADIENT, *(s.name for s in STRATEGIES)):
            for moments in (2, 4) if strategy in (None, "walk") else (2,):
                asked = {"gradient": True} if strategy == GRADIENT else {"strategy": strategy, "moments": moments}
                try:
                    found = evaluate_float64(network, data, rates, **asked)  # type: ignore[arg-type]
                except InvalidInput:
                    continue
                except NumericalRange:
                    counts["out of range, and said so"] += 1
                    continue
                bad = outside(found, exact)
                counts[f"evaluations, {strategy or 'the planner'}"] += 1
                counts["enclosures"] += 5 + 3 * len(data) * (1 + network.architecture.outputs)
                if bad:
                    print("FAILS:", bad, strategy, moments, network.weights, network.biases, network.architecture,
                          data.inputs, data.labels, rates)  # fmt: skip
                    return 1
    for name, count in sorted(counts.items()):
        print(f"{count:10,} {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 60.0, int(sys.argv[2]) if len(sys.argv) > 2 else 0))
