"""Exact evaluation of rational networks: the criterion and its relatives as Fractions.

Given the values h of the last hidden layer, the last dropout layer is closed form (``docs``: last-layer identity):
E_r(w·(h∘r)/p + b − y)² = (w·h + b − y)² + (q/p) Σ w_i² h_i², so only K + Σ_{l<d−1} n_l mask bits are walked,
and equal states are merged on the way.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Literal

import numpy as np

from exactdropout.errors import CostLimitExceeded
from exactdropout.model import Examples, Network
from exactdropout.model.numbers import Array
from exactdropout.numeric.exact_gradient import exact_gradient
from exactdropout.numeric.exact_states import (
    IntegerNetwork,
    States,
    common_denominator,
    integer_network,
    next_states,
    scaled,
)
from exactdropout.numeric.result import Evaluation, PerExample, Plan
from exactdropout.progress import Progress

__all__ = ["DEFAULT_MAX_COST", "evaluate_exact", "plan_exact"]

DEFAULT_MAX_COST = 1e9
"""Elementary steps (one integer multiply-add in Python) that are started without being asked: a minute or two."""

_SECONDS_PER_STEP = 1.2e-7
_BYTES_PER_STATE = 300
_MEMORY_LIMIT = 8 << 30


def _log2_states(network: Network, data: Examples, rates: Sequence[Fraction]) -> tuple[float, float]:
    """Return upper bounds, as log2, of the states visited per example and of those alive at once.

    Identical units (same weights in, same weights out) can only be told apart by how many are kept, so a group of
    g identical columns contributes log2(g + 1) bits instead of g.
    """
    total = alive = 0.0
    bits = 0.0
    for layer, weight in enumerate(network.weights[:-1]):
        if rates[layer] != 0:
            groups: dict[Any, int] = {}
            for k, column in enumerate(zip(*weight.tolist(), strict=True)):
                if not any(column):
                    continue
                if layer:
                    row = (tuple(network.weights[layer - 1][k].tolist()), network.bias(layer - 1)[k])
                else:
                    row = tuple(data.inputs[:, k].tolist())
                    if not any(data.inputs[:, k].tolist()):
                        continue
                groups[(column, row)] = groups.get((column, row), 0) + 1
            bits += sum(math.log2(g + 1) for g in groups.values())
        alive = max(alive, bits)
        total = max(total, bits) + (math.log2(1 + 2 ** (min(total, bits) - max(total, bits))) if layer else 0)
    return total, alive


def plan_exact(
    network: Network,
    data: Examples,
    rates: Sequence[Fraction],
    *,
    gradient: bool = False,
    moments: Literal[2, 4] = 2,
    max_cost: float | None = None,
) -> Plan:
    """Return the plan of an exact evaluation; its visits and cost are upper bounds (merging can only lower them).

    Raises:
        CostLimitExceeded: the bound exceeds ``max_cost`` or the memory limit.
    """
    visited_bits, alive_bits = _log2_states(network, data, rates)
    width = max(network.architecture.widths[1:])
    factor = (1 + (moments == 4)) * width
    if gradient:
        visited_bits = alive_bits = float(
            sum(w for w, q in zip(network.architecture.widths[:-2], rates, strict=False) if q != 0)
        )
        factor *= 4 * max(network.architecture.widths)
    log_cost = visited_bits + math.log2(len(data) * factor)
    log_memory = alive_bits + math.log2(_BYTES_PER_STATE + 40 * width)
    limit = DEFAULT_MAX_COST if max_cost is None else max_cost
    bits = network.architecture.mask_bits
    if log_cost > math.log2(limit) if limit > 0 else True:
        raise CostLimitExceeded(
            f"Argument 'max_cost' is {limit:.3g} steps, but exact evaluation of 2^{bits} masks may take "
            f"2^{log_cost:.1f} steps (about {_duration(log_cost)}); raise max_cost to allow it."
        )
    if log_memory > math.log2(_MEMORY_LIMIT) and not math.isinf(limit):
        raise CostLimitExceeded(
            f"Exact evaluation of 2^{bits} masks may hold 2^{alive_bits:.1f} states in 2^{log_memory - 30:.1f} GiB, "
            f"beyond the limit of {_MEMORY_LIMIT >> 30} GiB; pass max_cost=float('inf') to try."
        )
    return Plan(
        strategy="states",
        exactness="exact",
        mask_bits=bits,
        visited=math.ceil(len(data) * 2**visited_bits),
        cost=2**log_cost,
        memory=math.ceil(2**log_memory),
        seconds=2**log_cost * _SECONDS_PER_STEP,
        reason="rational network: the law of each layer in integers, equal states merged, last layer in closed form",
    )


def _duration(log_cost: float) -> str:
    log_seconds = log_cost + math.log2(_SECONDS_PER_STEP)
    if log_seconds > 60:
        return f"2^{log_seconds:.0f} s"
    seconds = 2**log_seconds
    return f"{seconds:.0f} s" if seconds < 7200 else f"{seconds / 86400:.3g} days"


def evaluate_exact(
    network: Network,
    data: Examples,
    rates: Sequence[Fraction],
    *,
    gradient: bool = False,
    moments: Literal[2, 4] = 2,
    max_cost: float | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Return all quantities of :class:`Evaluation` as Fractions; every error bound is 0.

    Cost: at most one state per mask of the inputs and of all hidden layers but the last, per example; equal states
    are merged. ``moments=4`` adds Var_R ‖D − y‖², ``gradient=True`` the derivative by every weight and bias.
    """
    plan = plan_exact(network, data, rates, gradient=gradient, moments=moments, max_cost=max_cost)
    inputs, labels = data.inputs.tolist(), data.labels.tolist()
    input_scale = common_denominator([v for row in inputs for v in row])
    label_scale = common_denominator([v for row in labels for v in row])
    integers = integer_network(network, rates, input_scale, label_scale)
    m, outputs = data.labels.shape
    columns: dict[str, Any] = {
        name: np.empty((m, outputs), dtype=object) for name in ("output", "mean", "variance")
    } | {name: np.empty(m, dtype=object) for name in ("criterion", "risk", "penalty")}
    if moments == 4:
        columns["squared_error_variance"] = np.empty(m, dtype=object)
    for i, (x, y) in enumerate(zip(inputs, labels, strict=True)):
        states: States = {scaled(x, input_scale, integers.integer): 1}
        for layer in integers.layers[:-1]:
            states = next_states(states, layer)
        output = _forward(integers, scaled(x, input_scale, integers.integer), rates)
        mean, second = _first_two_moments(integers, states, rates[-1])
        errors = [
            s - 2 * t * a + t * t for a, s, t in zip(mean, second, y, strict=True)
        ]  # E(D − y)² = E D² − 2y E D + y²
        columns["output"][i] = output
        columns["mean"][i] = mean
        columns["variance"][i] = [s - a * a for a, s in zip(mean, second, strict=True)]
        columns["criterion"][i] = sum(errors, Fraction(0))
        columns["risk"][i] = sum(((a - t) ** 2 for a, t in zip(output, y, strict=True)), Fraction(0))
        columns["penalty"][i] = columns["criterion"][i] - columns["risk"][i]
        if moments == 4:
            fourth = _fourth_moment(integers, states, rates[-1], scaled(y, integers.output_scale))
            columns["squared_error_variance"][i] = fourth - columns["criterion"][i] ** 2
        if progress is not None:
            progress(i + 1, m)

    def averaged(column: Array) -> Any:
        return sum((p * v for p, v in zip(data.probabilities, column.tolist(), strict=True)), Fraction(0))

    variance, penalty = averaged(columns["variance"].sum(axis=1)), averaged(columns["penalty"])
    return Evaluation(
        criterion=averaged(columns["criterion"]),
        risk=averaged(columns["risk"]),
        penalty=penalty,
        mean=tuple(averaged(columns["mean"][:, o]) for o in range(outputs)),
        variance=variance,
        bias=penalty - variance,
        error_bounds=dict.fromkeys(("criterion", "risk", "penalty", "mean", "variance", "bias"), Fraction(0)),
        exactness="exact",
        probabilities=data.probabilities,
        per_example=PerExample(**columns),
        plan=plan,
        gradient=exact_gradient(network, data, rates) if gradient else None,
    )


def _forward(integers: IntegerNetwork, value: tuple[Any, ...], rates: Sequence[Fraction]) -> list[Fraction]:
    """Return W(x), the output without dropout; the columns hold 1/p, so values are multiplied by p first."""
    h: list[Fraction] = [Fraction(int(v)) for v in value]
    for layer, q in zip(integers.layers[:-1], rates, strict=False):
        z = [
            sum(((1 - q) * int(c[i]) * v for c, v in zip(layer.columns, h, strict=True)), Fraction(int(b)))
            for i, b in enumerate(layer.bias)
        ]
        h = list(layer.activate(tuple(z)))
    return [
        sum((int(w) * v for w, v in zip(row, h, strict=True)), Fraction(int(b))) / integers.output_scale
        for row, b in zip(integers.output_weights, integers.output_bias, strict=True)
    ]


def _first_two_moments(integers: IntegerNetwork, states: States, q: Fraction) -> tuple[list[Fraction], list[Fraction]]:
    """Return E D and E D² of each output from the law of the last hidden layer."""
    total = sum(states.values())
    means, seconds = [], []
    for row, bias in zip(integers.output_weights, integers.output_bias, strict=True):
        first = second = noise = 0
        for h, weight in states.items():
            terms = [w * v for w, v in zip(row, h, strict=True)]
            mu = sum(terms, bias)
            first += weight * mu
            second += weight * mu * mu
            noise += weight * sum([t * t for t in terms])
        scale = total * integers.output_scale
        means.append(Fraction(int(first), int(scale)))
        seconds.append((int(second) + q / (1 - q) * int(noise)) / (int(scale) * integers.output_scale))
    return means, seconds


def _fourth_moment(integers: IntegerNetwork, states: States, q: Fraction, label: tuple[int, ...]) -> Fraction:
    """Return E ‖D − y‖⁴ = Σ_ab E Z_a² Z_b² by the joint cumulants of Z = m + Σ_i g_i (r_i/p − 1).

    E Z_a² Z_b² = m_a² m_b² + m_a² κ_bb + m_b² κ_aa + 4 m_a m_b κ_ab + 2 m_a κ_abb + 2 m_b κ_aab
                  + κ_aabb + κ_aa κ_bb + 2 κ_ab², where κ_S = c_|S| Σ_i Π_{a∈S} g_ai and c_k is the k-th cumulant
    of r/p: c₂ = q/p, c₃ = q(q − p)/p², c₄ = q(q³/p³ + 1) − 3(q/p)².
    """
    p = 1 - q
    c2, c3 = q / p, q * (q - p) / p**2
    c4 = q * (q**3 / p**3 + 1) - 3 * c2**2
    sums = [0, 0, 0, 0, 0]  # coefficients of 1, c2, c3, c4, c2²
    outputs = range(len(integers.output_weights))
    for h, weight in states.items():
        g = [[w * v for w, v in zip(row, h, strict=True)] for row in integers.output_weights]
        m = [sum(g[a], integers.output_bias[a] - label[a]) for a in outputs]
        for a in outputs:
            for b in outputs:
                aa, bb = sum(t * t for t in g[a]), sum(t * t for t in g[b])
                ab = sum(s * t for s, t in zip(g[a], g[b], strict=True))
                aab = sum(s * s * t for s, t in zip(g[a], g[b], strict=True))
                abb = sum(s * t * t for s, t in zip(g[a], g[b], strict=True))
                aabb = sum(s * s * t * t for s, t in zip(g[a], g[b], strict=True))
                sums[0] += weight * m[a] ** 2 * m[b] ** 2
                sums[1] += weight * (m[a] ** 2 * bb + m[b] ** 2 * aa + 4 * m[a] * m[b] * ab)
                sums[2] += weight * (2 * m[a] * abb + 2 * m[b] * aab)
                sums[3] += weight * aabb
                sums[4] += weight * (aa * bb + 2 * ab**2)
    s0, s2, s3, s4, s22 = (int(s) for s in sums)
    numerator = s0 + c2 * s2 + c3 * s3 + c4 * s4 + c2**2 * s22
    return numerator / (int(sum(states.values())) * integers.output_scale**4)
