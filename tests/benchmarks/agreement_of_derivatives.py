"""Gradients and Hessian products beside exact fractions on random nasty cases, entry by entry; prints how many agree.

    python tests/benchmarks/agreement_of_derivatives.py 600 1     # seconds, seed

Small networks with every activation, ties, kinks, signed zeros, tiny and near-1 rates, mixed scales, subnormal numbers
and data that float64 must round; the pass over blocks, nested tables and both walks. Every case where an entry is
further from its exact value than its own bound is printed as a script, and the exit code is then 1.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections import Counter
from fractions import Fraction as F

import numpy as np

from exactdropout.errors import NumericalRange
from exactdropout.model import Activation, Examples, Network
from exactdropout.numeric.direction import direction_of
from exactdropout.numeric.exact.gradient import exact_gradient
from exactdropout.numeric.exact.hessian import exact_hessian_product
from exactdropout.numeric.float64.derivatives.gradient import criterion_gradient, walked_gradient
from exactdropout.numeric.float64.derivatives.hessian import walked_hessian_product
from exactdropout.numeric.float64.derivatives.prepared import prepared_derivatives
from exactdropout.numeric.float64.problem import prepare
from exactdropout.numeric.runs.runner import Runner

SHAPES = [(1, 1), (2, 1, 1), (2, 2, 1), (1, 2, 2), (3, 2, 1), (1, 1, 1, 1), (2, 1, 2, 1), (1, 2, 1, 1, 1), (2, 2, 2, 1)]
SLOPES = [F(0), F(0), F(1), F(1, 4), F(-1, 3), F(1, 10), F(3), F(-1), F(1, 10**200), F(1, 10**400), F(10) ** 20]
RATES = [F(0), F(1, 2), F(1, 3), F(2, 3), F(1, 2**54), F(1, 2**60), F(1, 10**300), 1 - F(1, 10**6), 1 - F(1, 2**60)]
TIES = [0.0, -0.0, 1.0, -1.0, 0.5, 0.1, -0.1, 0.2, 0.3, -0.3, 1 + 2.0**-52, 1 - 2.0**-53, 3.0, 1 / 3]
FAR = [5e-324, -5e-324, 1e-310, 1e-300, -1e-200, 1e-150, 1e-30, 1e8, -1e16, 1e30, 1e60]


def number(rng: np.random.Generator, mood: int) -> float:
    if mood == 0 or (mood == 1 and rng.random() < 0.5):
        return float(TIES[rng.integers(len(TIES))])
    if mood == 2 and rng.random() < 0.4:
        return float(FAR[rng.integers(len(FAR))])
    if mood == 3:
        return float(rng.normal() * 10.0 ** rng.integers(-25, 26))
    return float(rng.normal())


def network_of(rng: np.random.Generator, shape: tuple[int, ...], mood: int, biases: bool, slopes: list[F]) -> Network:
    return Network(
        [[[number(rng, mood) for _ in range(a)] for _ in range(b)] for a, b in itertools.pairwise(shape)],
        [[number(rng, mood) for _ in range(b)] for b in shape[1:]] if biases else None,
        activation=[Activation(s) for s in slopes],
    )


def entries(parts: object) -> list:
    return [v for a in (*parts.weights, *parts.biases) if a is not None for v in a.ravel().tolist()]  # type: ignore[attr-defined]  # all three have these


def main() -> int:
    seconds, seed = float(sys.argv[1]), int(sys.argv[2])
    rng, counted, wrong = np.random.default_rng(seed), Counter[str](), 0
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        shape, mood = SHAPES[rng.integers(len(SHAPES))], int(rng.integers(4))
        slopes = [SLOPES[rng.integers(len(SLOPES))] for _ in shape[2:]]
        biases = bool(rng.integers(2))
        network, along = (network_of(rng, shape, mood, biases, slopes) for _ in range(2))
        rows = []
        for _ in range(int(rng.integers(1, 3))):
            x, y = [number(rng, mood) for _ in range(shape[0])], [number(rng, mood) for _ in range(shape[-1])]
            rows.append((x, y))
        if rng.random() < 0.25:
            rows = [([F(v) / 3 for v in x], [F(v) / 7 for v in y]) for x, y in rows]
        data, q = Examples(rows), tuple(RATES[rng.integers(len(RATES))] for _ in shape[1:])
        problem, exact = prepare(network, data, q), network.exact()
        truth = exact_gradient(exact, data.exact(), q)
        ways = {
            "gradient": lambda: criterion_gradient(network, problem, Runner()),  # noqa: B023  # called in this round
            "walk": lambda: walked_gradient(network, prepared_derivatives(problem), Runner()),  # noqa: B023  # same
            "product": lambda: walked_hessian_product(network, problem, direction_of(along, network), Runner()),  # noqa: B023  # same
        }
        for name, way in ways.items():
            try:
                with np.errstate(all="ignore"):
                    found = way()
            except NumericalRange:
                counted[f"{name} out of range"] += 1
                continue
            if name == "product":
                truth = exact_hessian_product(exact, data.exact(), q, direction_of(along.exact(), exact))
            counted[name] += 1
            bad = [
                (v, float(t), e)
                for v, t, e in zip(entries(found), entries(truth), entries(found.error_bounds), strict=True)
                if not abs(F(v) - t) <= F(e)
            ]
            counted["entries"] += len(entries(found))
            if bad:
                wrong += 1
                print(name, bad, [w.tolist() for w in network.weights], network.biases, slopes, rows, q, flush=True)
    print(dict(counted), "outside their bounds:", wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
