"""The dropout criterion with free weights: ``xd.derive`` beside ``sympy.stats`` on the same network.

    python tests/benchmarks/against_sympy_stats.py [LARGEST]

One hidden relu layer of width n with n inputs, all weights free, x = (1, …, 1), free label, q = 1/2, no biases.
``sympy.stats`` gets the criterion as written down: Bernoulli masks, Max for relu. Both results are compared at
exact rational points before their times are printed.
"""

from __future__ import annotations

import random
import sys
import time
from fractions import Fraction

import sympy
import sympy.stats

import exactdropout as xd


def by_sympy_stats(weights: sympy.Matrix, output: list[sympy.Symbol], label: sympy.Symbol) -> sympy.Expr:
    n = len(output)
    half = sympy.Rational(1, 2)
    r = [sympy.stats.Bernoulli(f"r_{i}", half) for i in range(n)]
    s = [sympy.stats.Bernoulli(f"s_{j}", half) for j in range(n)]
    hidden = [sympy.Max(0, sum(2 * r[i] * weights[j, i] for i in range(n))) for j in range(n)]
    return sympy.stats.E((sum(2 * s[j] * output[j] * hidden[j] for j in range(n)) - label) ** 2)


def main(largest: int) -> None:
    """Print one table."""
    xd.derive(xd.Architecture(1, (1,), biases=False))  # imports and warm-up
    by_sympy_stats(sympy.Matrix([[1]]), [sympy.Symbol("v")], sympy.Symbol("y"))
    print("| K = n | masks | sympy.stats (s) | exactdropout (s) | ratio |\n|---|---|---|---|---|")
    for n in range(1, largest + 1):
        weights = sympy.Matrix(n, n, lambda j, i: sympy.Symbol(f"w_{j}_{i}", real=True))
        output = [sympy.Symbol(f"v_{j}", real=True) for j in range(n)]
        label = sympy.Symbol("y", real=True)
        start = time.perf_counter()
        theirs = by_sympy_stats(weights, output, label)
        middle = time.perf_counter()
        network = xd.Network([weights.tolist(), output])
        ours = xd.derive(network, xd.Examples.point([1] * n, label), Fraction(1, 2)).criterion
        assert ours.expr.has(label)  # a SymPy expression, as theirs
        end = time.perf_counter()
        rng = random.Random(n)
        point = {v: sympy.Rational(rng.randint(-9, 9), 7) for v in [*weights, *output, label]}
        if theirs.subs(point) != sympy.Rational(str(ours.evaluate(point))):
            sys.exit(f"the results differ for K = n = {n}")
        first, second = middle - start, end - middle
        print(f"| {n} | 2^{2 * n} | {first:.2f} | {second:.4f} | {first / second:.0f} |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 4)
