"""Arbitrary precision: evaluation in mpmath intervals, for irrational weights and as a third opinion.

Every number enters as an interval that contains it, every operation rounds outwards, and the working precision is
raised until the answer has the digits that were asked for. Independent of the integer and of the float64 engine:
it shares only the last-layer identity.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any, Literal

import numpy as np

from exactdropout.errors import CostLimitExceeded, InvalidInput
from exactdropout.model import Examples, Network
from exactdropout.model.arguments import beyond, cost_limit
from exactdropout.model.numbers import Number, show
from exactdropout.numeric.result import Evaluation, PerExample, Plan
from exactdropout.progress import Progress

__all__ = ["evaluate_interval", "plan_interval"]

_SECONDS_PER_STEP = 5e-6
"""Measured: an interval multiply-add."""
_MAX_DIGITS = 10_000
_ATTEMPTS = 7

Interval = Any  # mpmath's ivmpf
Enclose = Callable[[Number, Any], Interval]
"""``enclose(value, context)``: an interval of the context that contains a Fraction, float or SymPy number."""


def plan_interval(network: Network, data: Examples, rates: Sequence[Number], *, max_cost: float | None = None) -> Plan:
    """Return the plan; refuse beyond ``max_cost`` estimated seconds of one core (60)."""
    widths = network.architecture.widths
    walked = [w for w, q in zip(widths[:-2], rates, strict=False) if q != 0]
    steps = sum(2 ** sum(walked[: layer + 1]) * widths[layer + 1] * widths[layer] for layer in range(len(walked)))
    log_cost = math.log2(len(data)) + math.log2(steps + widths[-1] * widths[-2] * 2 ** sum(walked))
    limit = cost_limit(max_cost)
    if log_cost > 1000 or 2**log_cost * _SECONDS_PER_STEP > limit:
        what = f"interval evaluation of 2^{network.architecture.mask_bits} masks"
        raise CostLimitExceeded(beyond(2.0 ** min(log_cost, 1000) * _SECONDS_PER_STEP, limit, what))
    return Plan(
        strategy="intervals",
        exactness="interval",
        mask_bits=network.architecture.mask_bits,
        visited=len(data) * 2 ** sum(walked),
        cost=2**log_cost,
        memory=1 << 20,
        seconds=2**log_cost * _SECONDS_PER_STEP,
        reason="precision= asks for intervals of any precision: every mask walked, last layer in closed form",
    )


def evaluate_interval(
    network: Network,
    data: Examples,
    rates: Sequence[Number],
    enclose: Enclose,
    *,
    precision: int,
    moments: Literal[2, 4] = 2,
    max_cost: float | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Return all quantities as mpmath numbers whose error bounds contain the exact values.

    ``precision`` is a number of decimal digits, 1 ≤ precision ≤ 10 000: the working precision is doubled until each
    of criterion, risk, penalty, variance and bias is known to that many digits, relative to itself or, where it may
    be 0, relative to criterion + risk. Cost: 2^(walked mask bits) interval passes per example and attempt.
    """
    from mpmath import mp
    from mpmath.ctx_iv import MPIntervalContext

    if not isinstance(precision, int) or isinstance(precision, bool) or not 1 <= precision <= _MAX_DIGITS:
        raise InvalidInput(f"Argument 'precision' must satisfy 1 <= precision <= {_MAX_DIGITS}, not {show(precision)}.")
    plan = plan_interval(network, data, rates, max_cost=max_cost)
    bits = math.ceil(precision * math.log2(10)) + 32

    def split(value: Interval) -> tuple[Any, Any]:
        """Return midpoint and radius; the radius is computed exactly, so it contains both ends."""
        low, high = (mp.make_mpf(end) for end in value._mpi_)
        with mp.workprec(context.prec):
            middle = (low + high) / 2
        return middle, max(mp.fsub(high, middle, exact=True), mp.fsub(middle, low, exact=True))

    for attempt in range(_ATTEMPTS):
        context = MPIntervalContext()
        context.prec = bits << attempt
        totals, columns = _Walk(network, rates, enclose, context).totals(data, moments, progress)
        scale = split(totals["criterion"])[0] + split(totals["risk"])[0]
        with mp.workprec(64):
            enough = True
            for name in ("criterion", "risk", "penalty", "variance", "bias"):
                middle, radius = split(totals[name])
                size = abs(middle) if abs(middle) > radius else scale
                enough = enough and radius <= size * mp.mpf(10) ** -precision
        if enough:
            break

    scalars = {name: split(v) for name, v in totals.items() if not isinstance(v, list)}
    means = [split(v) for v in totals["mean"]]
    arrays = {name: np.vectorize(split, otypes=[object, object])(column) for name, column in columns.items()}
    return Evaluation(
        criterion=scalars["criterion"][0],
        risk=scalars["risk"][0],
        penalty=scalars["penalty"][0],
        mean=tuple(v for v, _ in means),
        variance=scalars["variance"][0],
        bias=scalars["bias"][0],
        error_bounds={name: radius for name, (_, radius) in scalars.items()} | {"mean": max(r for _, r in means)},
        exactness="interval",
        probabilities=data.probabilities,
        per_example=PerExample(
            **{name: value for name, (value, _) in arrays.items()},
            error_bounds={name: radius for name, (_, radius) in arrays.items()},
        ),
        plan=plan,
    )


class _Walk:
    """The depth-first walk over masks, on intervals of one working precision."""

    def __init__(self, network: Network, rates: Sequence[Number], enclose: Enclose, context: Any) -> None:
        def interval(value: Number) -> Interval:
            if isinstance(value, Fraction):
                return context.mpf(value.numerator) / value.denominator
            return context.mpf(value) if isinstance(value, float) else enclose(value, context)

        self.interval = interval
        self.weights = [[[interval(w) for w in row] for row in matrix.tolist()] for matrix in network.weights]
        self.biases = [[interval(b) for b in network.bias(layer).tolist()] for layer in range(len(self.weights))]
        self.activations = network.architecture.activations
        self.drop = [interval(q) for q in rates]
        self.always_kept = [q == 0 for q in rates]
        # 1 - q is rounded once, so that it stays positive for rates that round to 1
        self.keep = [interval(1 - Fraction(q) if isinstance(q, (Fraction, float)) else 1 - q) for q in rates]
        for rate, q, p in zip(rates, self.drop, self.keep, strict=True):
            if not (q.a >= 0 and p.a > 0):
                raise InvalidInput(f"Argument 'q' must satisfy 0 <= q < 1, not {show(rate)}, which is in {q}.")
        self.context = context
        self.zero = context.mpf(0)

    def activate(self, layer: int, z: Interval) -> Interval:
        """Return an interval that contains φ(u) for every u in z."""
        slope = self.activations[layer].slope
        if slope == 1 or z.a > 0:
            return z
        below = self.interval(slope) * self.context.mpf([z.a, min(z.b, self.zero)]) if slope else self.zero
        if z.b <= 0:
            return below
        return self.context.mpf([min(below.a, self.zero), max(below.b, z.b)])

    def affine(self, layer: int, values: Sequence[Interval]) -> list[Interval]:
        """Return W·values + b of one layer."""
        return [
            sum((w * v for w, v in zip(row, values, strict=True)), b)
            for row, b in zip(self.weights[layer], self.biases[layer], strict=True)
        ]

    def final_values(self, values: list[Interval], layer: int = 0) -> Iterator[tuple[list[Interval], Interval]]:
        """Yield the last hidden layer's values with their probability, over all masks before that layer."""
        if layer == len(self.weights) - 1:
            yield values, self.context.mpf(1)
            return
        q, p = self.drop[layer], self.keep[layer]
        kept = [v / p for v in values]
        fixed = [self.always_kept[layer] or (v.a == 0 and v.b == 0) for v in values]
        choices = sum(not f for f in fixed)
        for code in range(1 << choices):
            bit, chance, masked = 0, self.context.mpf(1), []
            for v, is_fixed in zip(kept, fixed, strict=True):
                if is_fixed:
                    masked.append(v)
                    continue
                on = code >> bit & 1
                bit += 1
                masked.append(v if on else self.zero)
                chance *= p if on else q
            below = [self.activate(layer, z) for z in self.affine(layer, masked)]
            for final, rest in self.final_values(below, layer + 1):
                yield final, chance * rest

    def example(self, x: list[Interval], y: list[Interval], moments: int) -> dict[str, Any]:
        """Return the quantities of one example."""
        outputs = range(len(y))
        q, p = self.drop[-1], self.keep[-1]
        c2, c3 = q / p, q * (q - p) / p**2
        c4 = q * (q**3 / p**3 + 1) - 3 * c2**2
        mean = [self.zero for _ in outputs]
        square = [self.zero for _ in outputs]  # E (D − y)², about the label
        fourth = self.zero
        for h, chance in self.final_values(x):
            terms = [[w * v for w, v in zip(row, h, strict=True)] for row in self.weights[-1]]
            mu = [sum(terms[o], self.biases[-1][o]) for o in outputs]
            k2 = [[sum(s * t if a != b else s**2 for s, t in zip(terms[a], terms[b], strict=True)) for b in outputs]
                  for a in outputs]  # fmt: skip
            for o in outputs:
                mean[o] += chance * mu[o]
                square[o] += chance * ((mu[o] - y[o]) ** 2 + c2 * k2[o][o])
            if moments == 4:
                for a in outputs:
                    for b in outputs:
                        m, n = mu[a] - y[a], mu[b] - y[b]
                        aab = sum(s**2 * t for s, t in zip(terms[a], terms[b], strict=True))
                        abb = sum(s * t**2 for s, t in zip(terms[a], terms[b], strict=True))
                        aabb = sum(s**2 * t**2 for s, t in zip(terms[a], terms[b], strict=True))
                        fourth += chance * (
                            m**2 * n**2
                            + c2 * (m**2 * k2[b][b] + n**2 * k2[a][a] + 4 * m * n * k2[a][b])
                            + c3 * (2 * m * abb + 2 * n * aab)
                            + c4 * aabb
                            + c2**2 * (k2[a][a] * k2[b][b] + 2 * k2[a][b] ** 2)
                        )
        output = x
        for layer in range(len(self.weights)):
            output = self.affine(layer, output)
            if layer < len(self.activations):
                output = [self.activate(layer, z) for z in output]
        criterion = sum(square, self.zero)
        risk = sum(((v - t) ** 2 for v, t in zip(output, y, strict=True)), self.zero)
        result = {
            "output": output,
            "mean": mean,
            "variance": [s - (a - t) ** 2 for s, a, t in zip(square, mean, y, strict=True)],
            "criterion": criterion,
            "risk": risk,
            "penalty": criterion - risk,
        }
        if moments == 4:
            result["squared_error_variance"] = fourth - criterion**2
        return result

    def totals(self, data: Examples, moments: int, progress: Progress | None) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the averages over the distribution, and the columns per example."""
        rows = []
        for index, (x, y) in enumerate(zip(data.inputs.tolist(), data.labels.tolist(), strict=True)):
            rows.append(self.example([self.interval(v) for v in x], [self.interval(v) for v in y], moments))
            if progress is not None:
                progress(index + 1, len(data))
        chances = [self.interval(p) for p in data.probabilities]
        columns: dict[str, Any] = {}
        for name, first in rows[0].items():
            shape = (len(rows), len(first)) if isinstance(first, list) else (len(rows),)
            columns[name] = np.empty(shape, dtype=object)
            for index, row in enumerate(rows):
                columns[name][index] = row[name]

        def averaged(values: Any) -> Interval:
            return sum((c * v for c, v in zip(chances, values, strict=True)), self.zero)

        totals: dict[str, Any] = {name: averaged(columns[name]) for name in ("criterion", "risk", "penalty")}
        totals["variance"] = averaged([sum(row["variance"], self.zero) for row in rows])
        totals["bias"] = totals["penalty"] - totals["variance"]
        totals["mean"] = [averaged(columns["mean"][:, o]) for o in range(columns["mean"].shape[1])]
        return totals, columns
