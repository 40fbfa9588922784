"""``assert_network``: a whole network against the exact law of its output and of its gradient."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import log
from typing import Any

import numpy as np
import numpy.typing as npt

from exactdropout.errors import InvalidInput
from exactdropout.evaluation import evaluate
from exactdropout.interop.layers import forward
from exactdropout.interop.torch_modules import from_torch
from exactdropout.model import Examples, Network, drop_rates
from exactdropout.model.numbers import show
from exactdropout.testing.assertions import DEFAULT_SEED, FALSE_ALARM
from exactdropout.testing.evidence import log_total_evidence
from exactdropout.testing.report import fault, odds
from exactdropout.testing.subjects.torch import torch_state

__all__ = ["NetworkReport", "assert_network"]

Floats = npt.NDArray[np.float64]
MAX_MASK_BITS = 14
OUTPUTS = 4096
GRADIENTS = 256


@dataclass(frozen=True, kw_only=True)
class NetworkReport:
    """What held for a network: outputs and gradients drawn, atoms of their exact law, the exact criterion."""

    q: tuple[Fraction, ...]
    outputs: int
    gradients: int
    atoms: int
    criterion: float
    observed_criterion: float
    log_evidence: float
    false_alarm: float

    def __str__(self) -> str:
        """Return the report in words."""
        return (
            f"{self.outputs:,} outputs and {self.gradients:,} gradients follow the exact law ({self.atoms:,} atoms); "
            f"criterion {self.criterion:.6g}, observed {self.observed_criterion:.6g}; evidence against the law "
            f"{odds(self.log_evidence)} (alarm at {odds(-log(self.false_alarm))})"
        )


def assert_network(
    module: Any,
    data: Examples | Iterable[Any],
    q: Any = None,
    *,
    gradient: bool = True,
    relu_at_zero: float = 0,
    false_alarm: float = FALSE_ALARM,
    seed: int | None = None,
) -> NetworkReport:
    """Assert that a PyTorch network with dropout follows the exact law of D(W, x, R), output and gradient together.

    The network is read by :func:`exactdropout.interop.from_torch`. For each example all masks are enumerated: every
    output that the module draws must be that of a mask, every gradient of (D − y)² that of the same mask, and how often
    each comes must follow the exact probabilities (a bet of the proved false-alarm rate). Mean, variance and criterion
    follow from the law. Networks whose layers are right one by one and wrong together (a mask used twice) are seen.

    Args:
        module: a ``torch.nn.Module`` that ``from_torch`` reads, of at most 14 droppable units.
        data: examples, or (x, y) pairs.
        q: the rates that it should have, inputs first; those that it has by default.
        gradient: compare gradients of the parameters, one draw at a time.
        relu_at_zero: the derivative at a kink that the framework takes (0 for torch.relu, ½ for torch.maximum).

    Raises:
        DropoutFault: in words. InvalidInput: too many masks, a module that cannot be read.
    """

    found = from_torch(module, rates="decimal")
    network, rates = found.network, found.q
    assert rates is not None
    if q is not None:
        wanted = tuple(
            Fraction(str(r)) if isinstance(r, float) else Fraction(r) for r in drop_rates(q, network.architecture)[0]
        )
        if wanted != rates:
            shown = ", ".join(map(str, rates))
            raise fault(
                "network", f"the rates of the network are ({shown})", f"expected ({', '.join(map(str, wanted))})",
                setting=str(network.architecture), seed=DEFAULT_SEED,
            )  # fmt: skip
    examples = data if isinstance(data, Examples) else Examples(data)
    free = sum(n for n, r in zip(network.architecture.widths, rates, strict=False) if r)
    if free > MAX_MASK_BITS:
        raise InvalidInput(f"Argument 'module' must have at most {MAX_MASK_BITS} droppable units, not {free}.")
    number = DEFAULT_SEED if seed is None else seed
    floats = Examples.from_arrays(
        np.array(examples.inputs, dtype=np.float64), np.array(examples.labels, dtype=np.float64), examples.probabilities
    )
    exact = evaluate(network, floats, rates)
    limit = log(2 * len(examples) / false_alarm)
    worst, atoms, observed = -np.inf, 0, 0.0
    with torch_state(number):
        module.train()
        for index in range(len(floats)):
            x, y = np.asarray(floats.inputs[index]), np.asarray(floats.labels[index])
            law = _Law.of(network, rates, x, y, gradient, relu_at_zero)
            setting = f"example {index}, x = {show(x.tolist())}"
            outputs = _outputs(module, x)
            evidence = law.judge(outputs, 0, limit, "output", setting, number)
            observed += float(floats.probabilities[index]) * float(((outputs - y) ** 2).sum(axis=1).mean())
            if gradient:
                both = _with_gradients(module, x, y)
                evidence = max(evidence, law.judge(both, 1, limit, "output with its gradient", setting, number))
            worst, atoms = max(worst, evidence), atoms + len(law.probabilities[0])
        module.eval()
        still = _outputs(module, np.asarray(floats.inputs[0]))[0]
        module.train()
    if np.abs(still - forward(network, floats.inputs)[0]).max() > 1e-4 * max(1.0, float(np.abs(still).max())):
        raise fault("network", "evaluation is not W(x)", setting="example 0", seed=number)
    return NetworkReport(
        q=rates, outputs=OUTPUTS * len(floats), gradients=GRADIENTS * len(floats) * gradient, atoms=atoms,
        criterion=float(exact.criterion), observed_criterion=observed, log_evidence=max(worst, log(1e-9)),
        false_alarm=false_alarm,
    )  # fmt: skip


@dataclass(frozen=True)
class _Law:
    """Atoms of the output (0) and of the output with its gradient (1), merged where they are nearly equal."""

    places: tuple[Floats, Floats]  # projections of atoms to a line, sorted
    values: tuple[Floats, Floats]
    probabilities: tuple[Floats, Floats]
    direction: tuple[Floats, Floats]

    @classmethod
    def of(
        cls, network: Network, rates: tuple[Fraction, ...], x: Floats, y: Floats, gradient: bool, at_zero: float
    ) -> _Law:
        outputs, gradients, weights = _all_masks(network, rates, x, y, at_zero)
        parts = [_merged(outputs, weights)]
        parts.append(_merged(np.hstack([outputs, gradients]), weights) if gradient else parts[0])
        return cls(*(tuple(part[i] for part in parts) for i in range(4)))  # type: ignore[arg-type]

    def judge(self, drawn: Floats, which: int, limit: float, what: str, setting: str, seed: int) -> float:
        """Return the evidence of the counts, or raise what is wrong."""
        places, values = self.places[which], self.values[which]
        at = drawn @ self.direction[which]
        right = np.clip(np.searchsorted(places, at), 1, max(len(places) - 1, 1))
        right = np.minimum(right, len(places) - 1)
        left = np.maximum(right - 1, 0)
        nearest = np.where(np.abs(places[left] - at) <= np.abs(places[right] - at), left, right)
        room = 1e-4 * max(1.0, float(np.abs(values).max()))
        far = np.abs(drawn - values[nearest]).max(axis=1) > room
        if far.any():
            row = int(np.flatnonzero(far)[0])
            raise fault(
                "network", f"{int(far.sum())} of {len(drawn)} draws of the {what} are those of no mask",
                f"for example {show(drawn[row].tolist(), 120)}", setting=setting, seed=seed,
            )  # fmt: skip
        logs = np.log(self.probabilities[which])
        evidence = log_total_evidence(np.bincount(nearest, minlength=len(places)), logs)
        if evidence >= limit:
            counts = np.bincount(nearest, minlength=len(places)) / len(drawn)
            top = int(np.argmax(np.abs(counts - self.probabilities[which])))
            raise fault(
                "network", f"the {what} has another law than independent masks give",
                f"{show(values[top].tolist(), 120)}: observed {counts[top]:.4g} of {len(drawn):,}, expected "
                f"{self.probabilities[which][top]:.4g}",
                f"evidence {odds(evidence)} (alarm at {odds(limit)})", setting=setting, seed=seed,
            )  # fmt: skip
        return evidence


def _merged(values: Floats, weights: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    direction: Floats = np.asarray(np.random.default_rng(1).uniform(0.5, 1.0, values.shape[1]))
    places = values @ direction
    order = np.argsort(places)
    gaps = np.diff(places[order]) > 1e-5 * max(1.0, float(np.abs(places).max()))
    group = np.concatenate([[0], np.cumsum(gaps)])
    first = np.concatenate([[True], gaps])
    shares: Floats = np.asarray(np.bincount(group, weights=weights[order]), dtype=np.float64)
    return places[order][first], values[order][first], shares, direction


def _all_masks(
    network: Network, rates: tuple[Fraction, ...], x: Floats, y: Floats, at_zero: float
) -> tuple[Floats, Floats, Floats]:
    """Return D, the gradient of ‖D − y‖² and the probability of every mask, by the definition."""
    widths = network.architecture.widths[:-1]
    free = [n if r else 0 for n, r in zip(widths, rates, strict=True)]
    count = 1 << sum(free)
    codes = (np.arange(count)[:, None] >> np.arange(max(sum(free), 1))) & 1
    masks, weights, start = [], np.ones(count), 0
    for width, dropped, rate in zip(widths, free, rates, strict=True):
        bits = codes[:, start : start + width] if dropped else np.ones((count, width))
        start += dropped
        if dropped:
            kept = bits.sum(axis=1)
            weights = weights * float(1 - rate) ** kept * float(rate) ** (width - kept)
        masks.append(bits / float(1 - rate))
    layers = len(network.weights)
    h, inputs, signs = np.broadcast_to(x, (count, x.size)), [], []
    for layer in range(layers):
        inputs.append(h * masks[layer])
        z = inputs[-1] @ np.asarray(network.weights[layer]).T + np.asarray(network.bias(layer))
        if layer < layers - 1:
            slope = float(network.architecture.activations[layer].slope)
            signs.append(np.where(z > 0, 1.0, np.where(z == 0, at_zero if slope == 0 else slope, slope)))
            h = np.where(z > 0, z, slope * z)
    back, parts = 2 * (z - y), []
    for layer in reversed(range(layers)):
        shapes = (back[:, :, None] * inputs[layer][:, None, :]).reshape(count, -1)
        parts.append([shapes] + ([back] if network.biases[layer] is not None else []))
        if layer:
            back = (back @ np.asarray(network.weights[layer])) * masks[layer] * signs[layer - 1]
    return z, np.hstack([a for part in reversed(parts) for a in part]), weights


def _outputs(module: Any, x: Floats) -> Floats:
    import torch

    first = next(module.parameters())
    rows = torch.tensor(np.tile(x, (OUTPUTS, 1)), dtype=first.dtype, device=first.device)
    with torch.no_grad():
        return np.asarray(module(rows).double().cpu().numpy().reshape(OUTPUTS, -1))


def _with_gradients(module: Any, x: Floats, y: Floats) -> Floats:
    import torch

    parameters = list(module.parameters())
    first = parameters[0]
    row = torch.tensor(x[None, :], dtype=first.dtype, device=first.device)
    label = torch.tensor(y, dtype=first.dtype, device=first.device)
    drawn = []
    for _ in range(GRADIENTS):
        out = module(row).reshape(-1)
        gradients = torch.autograd.grad(((out - label) ** 2).sum(), parameters, allow_unused=True)
        flat = [
            torch.zeros_like(p).reshape(-1) if g is None else g.reshape(-1)
            for g, p in zip(gradients, parameters, strict=True)
        ]
        drawn.append(torch.cat([out.detach(), *flat]).double().cpu().numpy())
    return np.array(drawn)
