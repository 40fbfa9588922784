"""The training runs of Figure 2 (Section 6) of Helmbold and Long (2017): SGD with sampled masks, and L-BFGS.

Setting, as in the paper: K = 5, n = 5, d = 2, relu, biases; ten runs; in each, ten examples uniform on [−1, 1]^5 with
label ∏ sign(x_i); the inputs are scaled by 1/2, 3/4, 1, 5/4, 3/2; dropout with q = 1/2 at inputs and hidden units,
against weight decay with λ = 1/2 on the weights (J₂ = R + (λ/2)‖W‖², biases free); the training error is the risk R.

- SGD: one random example and one random mask per step, 100 000 steps, rate 0.01/(1 + 0.00001 t), momentum 0.5, the
  same initial network for all scales and methods of a run. The paper does not say how examples are drawn; here they
  are drawn with replacement. Weights and biases start uniform on ±1/√fan-in.
- Exact: L-BFGS on the exact criterion (all masks, no sampling), with its exact gradient; starts drawn anew for every
  scale, and the best is kept. Weight decay likewise on J₂.

Inputs are multiples of 1/1024, so that the data are exact in floats and in fractions alike. Everything is seeded.
"""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

import numpy as np

from exactdropout.model import Examples, Network
from exactdropout.model.numbers import Array
from exactdropout.numeric.float64.engine import evaluate_float64
from exactdropout.numeric.kernels.simd.compiled import compiled

__all__ = ["RUNS", "SCALES", "SEED", "STARTS", "draw_examples", "examples", "minimised", "network", "record", "trained"]

SEED = 2017
RUNS, EXAMPLES, K, N = 10, 10, 5, 5
SCALES = (0.5, 0.75, 1.0, 1.25, 1.5)
STARTS = 150
STEPS = 100_000
DECAY = 0.5
HALF, NONE = (Fraction(1, 2),) * 2, (Fraction(0),) * 2
LIMITS = {"maxiter": 2000, "maxfun": 3000, "ftol": 1e-13, "gtol": 1e-9, "maxcor": 30}
SPLIT = (N * K, N * K + N, N * K + 2 * N)


def draw_examples(run: int) -> tuple[Array, Array]:
    """Return ten inputs as numerators over 1024, none of them 0, and the labels."""
    rng = np.random.default_rng([SEED, run, 0])
    numerators = rng.integers(1, 1025, (EXAMPLES, K)) * rng.choice((-1, 1), (EXAMPLES, K))
    return numerators, np.sign(numerators).prod(axis=1).astype(float)


def draw_weights(*seed: int) -> Array:
    """Return W₁, b₁, w, b in one vector, uniform on ±1/√fan-in."""
    rng = np.random.default_rng([SEED, *seed])
    first = rng.uniform(-1, 1, N * K + N) / np.sqrt(K)
    return np.concatenate([first, rng.uniform(-1, 1, N + 1) / np.sqrt(N)])


def network(theta: Array) -> Network:
    """Return the network of a vector of parameters."""
    w1, b1, w, b = np.split(theta, SPLIT)
    return Network([w1.reshape(N, K), w], [b1, b])


def examples(inputs: Array, labels: Array) -> Examples:
    """Return the uniform distribution on the rows."""
    return Examples([(x.tolist(), float(y)) for x, y in zip(inputs, labels, strict=True)])


def weights_only(theta: Array) -> Array:
    """Return the parameters with 0 for the biases, which weight decay leaves free."""
    kept = theta.copy()
    kept[SPLIT[0] : SPLIT[1]] = 0
    kept[SPLIT[2] :] = 0
    return kept


@compiled
def objective(theta: Array, x: Array, y: Array, masks: Array, noise: float, decay: float) -> tuple[float, Array]:
    """Return value and gradient of the mean over rows and input masks of (w·h + b − y)² + noise Σ w²h² + (decay/2)‖W‖².

    ``noise`` = q/p closes the hidden masks. The engine of the package checks the value after every minimisation.
    """
    n, k = 5, 5
    slope = np.zeros(theta.size)
    value = 0.0
    h = np.empty(n)
    share = 1.0 / (x.shape[0] * masks.shape[0])
    for row in range(x.shape[0]):
        for m in range(masks.shape[0]):
            error = theta[n * k + 2 * n] - y[row]
            for i in range(n):
                z = theta[n * k + i]
                for j in range(k):
                    z += theta[i * k + j] * x[row, j] * masks[m, j]
                h[i] = max(z, 0.0)
                error += theta[n * k + n + i] * h[i]
            value += share * error * error
            slope[n * k + 2 * n] += 2 * share * error
            for i in range(n):
                if h[i] > 0.0:
                    w = theta[n * k + n + i]
                    value += share * noise * w * w * h[i] * h[i]
                    slope[n * k + n + i] += 2 * share * (error * h[i] + noise * w * h[i] * h[i])
                    back = 2 * share * (error * w + noise * w * w * h[i])
                    slope[n * k + i] += back
                    for j in range(k):
                        slope[i * k + j] += back * x[row, j] * masks[m, j]
    if decay > 0.0:
        for i in range(theta.size):
            if i < n * k or n * k + n <= i < n * k + 2 * n:
                value += decay / 2 * theta[i] * theta[i]
                slope[i] += decay * theta[i]
    return value, slope


def minimised(inputs: Array, labels: Array, method: str, *seed: int, starts: int = STARTS) -> tuple[Array, list[float]]:
    """Return the best network over the first ``starts`` starts, and the value that each reached, sorted.

    Raises:
        ArithmeticError: the compiled objective is not the criterion that the engine of the package finds.
    """
    from scipy.optimize import minimize

    dropped = method == "dropout"
    masks = 2.0 * np.array(list(itertools.product((0, 1), repeat=K))) if dropped else np.ones((1, K))
    arguments = (inputs, labels, masks, 1.0 if dropped else 0.0, 0.0 if dropped else DECAY)
    found = []
    for start in range(starts):
        theta = draw_weights(*seed, start)
        for _ in range(3):  # a kink can stop the line search; the memory of L-BFGS is started afresh
            done = minimize(objective, theta, arguments, jac=True, method="L-BFGS-B", options=LIMITS)
            theta = done.x
        found.append((float(done.fun), theta))
    found.sort(key=lambda pair: pair[0])
    value, best = found[0]
    rates = HALF if dropped else NONE
    result = evaluate_float64(network(best), examples(inputs, labels), rates, threads=1)
    exact = float(result.criterion) + (0 if dropped else DECAY / 2 * float(weights_only(best) @ weights_only(best)))
    if abs(exact - value) > float(result.error_bounds["criterion"]) + 1e-9:
        raise ArithmeticError(f"the objective, {value}, is not the criterion, {exact}")
    return best, [value for value, _ in found]


@compiled
def sgd(
    theta: Array,
    x: Array,
    y: Array,
    picks: Array,
    kept: Array,
    decay: float,
    momentum: float,
    rate0: float,
    slowing: float,
) -> Array:
    """Return the network after one pass over ``picks``; ``kept`` has 0 or 2 per step and droppable value."""
    n, k = 5, 5
    speed = np.zeros(theta.size)
    step = np.empty(theta.size)
    h = np.empty(n)
    z = np.empty(n)
    for t in range(picks.size):
        row = picks[t]
        out = theta[n * k + 2 * n]
        for i in range(n):
            z[i] = theta[n * k + i]
            for j in range(k):
                z[i] += theta[i * k + j] * x[row, j] * kept[t, j]
            h[i] = max(z[i], 0.0) * kept[t, k + i]
            out += theta[n * k + n + i] * h[i]
        error = 2 * (out - y[row])
        step[n * k + 2 * n] = error
        for i in range(n):
            step[n * k + n + i] = error * h[i] + decay * theta[n * k + n + i]
            back = error * theta[n * k + n + i] * kept[t, k + i] if z[i] > 0 else 0.0
            step[n * k + i] = back
            for j in range(k):
                step[i * k + j] = back * x[row, j] * kept[t, j] + decay * theta[i * k + j]
        rate = rate0 / (1 + slowing * t)
        for i in range(theta.size):
            speed[i] = momentum * speed[i] + step[i]
            theta[i] -= rate * speed[i]
    return theta


def trained(inputs: Array, labels: Array, method: str, run: int, scale: int) -> Array:
    """Return the network that SGD reaches, as the paper describes it."""
    rng = np.random.default_rng([SEED, run, 2, scale, ("dropout", "decay", "none").index(method)])
    kept: Array = np.ones((STEPS, K + N))
    if method == "dropout":
        kept = 2.0 * rng.integers(0, 2, (STEPS, K + N))
    picks = rng.integers(0, EXAMPLES, STEPS)
    decay = DECAY if method == "decay" else 0.0
    return np.asarray(sgd(draw_weights(run, 1), inputs, labels, picks, kept, decay, 0.5, 0.01, 0.00001))


def record(theta: Array, data: Examples, digits: int) -> dict[str, Any]:
    """Return the rounded parameters with their dropout criterion and risk."""
    rounded = [float(f"{v:.{digits}g}") for v in theta]
    result = evaluate_float64(network(np.array(rounded)), data, HALF, threads=1)
    return {"parameters": rounded, "criterion": float(result.criterion), "risk": float(result.risk)}
