"""Gaussian dropout y = x(1 + ε), ε independent with mean 0 and variance q/p: its moments, by bets on a normal law.

For ε/σ = z standard normal, exp(λ Σ z − n λ²/2) and (1 − 2λ)^{n/2} exp(λ Σ z²) are martingales of mean 1, λ < ½;
so is a mean of them over λ.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from exactdropout.model.numbers import format_rational
from exactdropout.testing.evidence import log_mean
from exactdropout.testing.exact_checks import Setting, Trial
from exactdropout.testing.inputs import signed_input
from exactdropout.testing.report import odds
from exactdropout.testing.subjects.subject import Subject

__all__ = ["moment_evidence", "watch_gaussian"]

Floats = npt.NDArray[np.float64]
STEPS = np.array([s * 2.0**-k for k in range(1, 13) for s in (1, -1)])


def moment_evidence(z: Floats) -> tuple[float, float]:
    """Return the logarithms of the evidence against mean 0 and against variance 1 of independent normal numbers."""
    n, total, square = z.size, float(z.sum()), float((z * z).sum())
    mean = log_mean(STEPS * total - n * STEPS**2 / 2)
    tilt = STEPS / 2  # below 1/2
    return mean, log_mean(n / 2 * np.log1p(-2 * tilt) + tilt * square)


def watch_gaussian(
    trial: Trial, subject: Subject, q: Fraction, shape: tuple[int, ...], budget: int, log_threshold: float
) -> None:
    """Watch mean, variance and neighbouring products of the noise of a Gaussian layer."""
    at = Setting(subject=subject, q=q, dtype=subject.formats[0], shape=shape)
    x = signed_input(shape, at.form, trial.seed, zeros=False)
    spread = float(q / (1 - q)) ** 0.5
    seen: list[Floats] = []
    size, calls = 0, max(8, min(512, budget // x.size))
    for t in range(calls):
        call = subject.train(x, at.dtype, trial.seed + t if subject.keyed else None)
        trial.calls += 1
        seen.append(((call.y / x - 1) / spread).ravel())
        size += x.size
        if t + 1 in (1, 4, 16, 64, calls):
            z = np.concatenate(seen)
            _judge(trial, at, z, log_threshold)
    trial.bits += size
    trial.did("laws", f"mean, variance and products of {size:,} factors, q = {format_rational(q)}")
    if subject.evaluates and not np.array_equal(subject.evaluate(x, at.dtype).y, x):
        raise trial.fault("evaluation", "evaluation is not x", setting=str(at))


def _judge(trial: Trial, at: Setting, z: Floats, log_threshold: float) -> None:
    mean, variance = moment_evidence(z)
    half = z.size // 2 * 2
    row = at.shape[-1] if len(at.shape) > 1 else 1
    # for independent standard normal u, v: (u + v)/√2 is standard normal; not where they go together
    lags = sorted({lag for lag in (1, row, int(np.prod(at.shape))) if lag < z.size})
    blocks = [moment_evidence(_disjoint((z[lag:] + z[:-lag]) / 2**0.5, lag))[1] for lag in lags]
    total = log_mean([mean, variance, *blocks])
    trial.log_evidence = max(trial.log_evidence, total)
    if total < log_threshold:
        return
    noise = z[:half] if half else z
    raise trial.fault(
        "laws",
        "the factors have other moments than Gaussian dropout",
        f"mean of ε: {noise.mean() * float(at.q / (1 - at.q)) ** 0.5:.4g}, expected 0; "
        f"variance: {noise.var() * float(at.q / (1 - at.q)):.4g}, expected q/p = {float(at.q / (1 - at.q)):.4g}",
        f"evidence {odds(total)} (alarm at {odds(log_threshold)})",
        setting=str(at),
    )


def _disjoint(sums: Floats, lag: int) -> Floats:
    """Return sums z_i + z_{i + lag} that share no term: every other run of ``lag``."""
    index = np.arange(sums.size)
    return np.asarray(sums[index // lag % 2 == 0])
