"""The dropout criterion with free weights: ``xd.derive`` beside ``sympy.stats`` on the same network.

    python tests/benchmarks/against_sympy_stats.py [LARGEST [SMALLEST]]

One hidden relu layer of width n with n inputs, all weights free, x = (1, …, 1), free label, q = 1/2, no biases.
``sympy.stats`` gets the criterion as written down: Bernoulli masks, Max for relu. Both results are compared at
exact rational points before their times are printed. Two times are given for ours: of the formula, which evaluates
and prints, and of the formula with its SymPy expression built as well, which is what ``sympy.stats`` returns.
SymPy's cache is emptied before each, and the best of five is taken of ours. Times are CPU seconds.

A second table has sizes that are out of reach for ``sympy.stats``: K = n = 10 and three hidden layers of 3.
"""

from __future__ import annotations

import random
import resource
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import sympy
import sympy.stats
from sympy.core.cache import clear_cache

import exactdropout as xd

HALF = Fraction(1, 2)


def by_sympy_stats(weights: sympy.Matrix, output: list[sympy.Symbol], label: sympy.Symbol) -> sympy.Expr:
    n = len(output)
    half = sympy.Rational(1, 2)
    r = [sympy.stats.Bernoulli(f"r_{i}", half) for i in range(n)]
    s = [sympy.stats.Bernoulli(f"s_{j}", half) for j in range(n)]
    hidden = [sympy.Max(0, sum(2 * r[i] * weights[j, i] for i in range(n))) for j in range(n)]
    return sympy.stats.E((sum(2 * s[j] * output[j] * hidden[j] for j in range(n)) - label) ** 2)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    clear_cache()
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def compare(smallest: int, largest: int) -> None:
    xd.derive(xd.Architecture(1, (1,), biases=False))  # imports and warm-up
    by_sympy_stats(sympy.Matrix([[1]]), [sympy.Symbol("v")], sympy.Symbol("y"))
    print("| K = n | masks | sympy.stats (s) | formula (s) | ratio | with SymPy expression (s) | ratio |")
    print("|---|---|---|---|---|---|---|")
    for n in range(smallest, largest + 1):
        weights = sympy.Matrix(n, n, lambda j, i: sympy.Symbol(f"w_{j}_{i}", real=True))
        output = [sympy.Symbol(f"v_{j}", real=True) for j in range(n)]
        label = sympy.Symbol("y", real=True)

        def ours() -> Any:
            network = xd.Network([weights.tolist(), output])  # noqa: B023
            return xd.derive(network, xd.Examples.point([1] * n, label), HALF).criterion  # noqa: B023

        first, theirs = timed(lambda: by_sympy_stats(weights, output, label))  # noqa: B023
        second = min(timed(ours)[0] for _ in range(5))
        third, formula = min((timed(lambda: with_expression(ours())) for _ in range(5)), key=lambda pair: pair[0])
        rng = random.Random(n)
        for _ in range(3):
            point = {v: sympy.Rational(rng.randint(-9, 9), 7) for v in [*weights, *output, label]}
            value = theirs.subs(point)
            if value != sympy.Rational(str(formula.evaluate(point))) or value != formula.expr.subs(point):
                sys.exit(f"the results differ for K = n = {n}")
        row = f"| {n} | 2^{2 * n} | {first:.2f} | {second:.4f} | {first / second:.0f} "
        print(f"{row}| {third:.4f} | {first / third:.0f} |", flush=True)


def with_expression(formula: Any) -> Any:
    assert isinstance(formula.expr, sympy.Expr)
    return formula


def out_of_reach() -> None:
    print("\n| free weights, inputs, label | announced steps | terms | formula (s) | with expression (s) | peak MiB |")
    print("|---|---|---|---|---|---|")
    cases = [
        ("3, hidden (3, 3, 3), biases, free q", xd.Architecture(3, (3, 3, 3)), None),
        ("3, hidden (3, 3, 3), biases, q = 1/2", xd.Architecture(3, (3, 3, 3)), HALF),
        ("10, hidden (10), no biases, q = 1/2", xd.Architecture(10, (10,), biases=False), HALF),
    ]
    for name, architecture, q in cases:
        first, found = timed(lambda: xd.derive(architecture, q=q))  # noqa: B023
        second, _ = timed(lambda: with_expression(found.criterion))  # noqa: B023
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        row = f"| {name} | {found.cost:.3g} | {found.criterion.size} | {first:.2f} "
        print(f"{row}| {first + second:.2f} | {peak} |", flush=True)


if __name__ == "__main__":
    sizes = [int(text) for text in sys.argv[1:3]]
    compare(sizes[1] if len(sizes) > 1 else 1, sizes[0] if sizes else 4)
    out_of_reach()
