"""``assert_network``: a whole network against the exact law of its output and of its gradient."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import log
from typing import Any

import numpy as np
import numpy.typing as npt

from exactdropout.errors import DropoutFault, InvalidInput
from exactdropout.evaluation import evaluate
from exactdropout.interop.layers import forward
from exactdropout.model import Examples, Network, drop_rates
from exactdropout.model.numbers import show
from exactdropout.testing.assertions import DEFAULT_SEED, FALSE_ALARM
from exactdropout.testing.network_law import Atoms, MaskedNetwork
from exactdropout.testing.report import fault, in_words, odds
from exactdropout.testing.subjects.find import whole_network
from exactdropout.testing.subjects.subject import Untestable
from exactdropout.testing.subjects.whole_network import WholeNetwork

__all__ = ["ExampleMoments", "NetworkReport", "assert_network"]

Floats = npt.NDArray[np.float64]
MAX_MASK_BITS = 14
OUTPUTS = 4096
GRADIENTS = 256
LAWS = 4  # of one example: outputs, outputs with gradients, and one draw after another of either


@dataclass(frozen=True, kw_only=True)
class ExampleMoments:
    """Mean and variance of each output on one example: of the exact law, and of what was drawn."""

    mean: tuple[float, ...]
    variance: tuple[float, ...]
    observed_mean: tuple[float, ...]
    observed_variance: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class NetworkReport:
    """What held for a network: outputs and gradients drawn, atoms of their exact law, the exact criterion.

    ``moments`` has mean and variance of each example, ``skipped`` what was not checked and why.
    """

    source: str
    q: tuple[Fraction, ...]
    outputs: int
    gradients: int
    atoms: int
    criterion: float
    observed_criterion: float
    moments: tuple[ExampleMoments, ...]
    skipped: tuple[tuple[str, str], ...]
    log_evidence: float
    false_alarm: float

    def __str__(self) -> str:
        """Return the report in words."""
        drawn = f"{self.outputs:,} outputs" + (f" and {self.gradients:,} gradients" if self.gradients else "")
        lines = [
            f"{self.source}: {drawn} follow the exact law ({self.atoms:,} atoms); "
            f"criterion {self.criterion:.6g}, observed {self.observed_criterion:.6g}; evidence against the law "
            f"{odds(self.log_evidence)} (alarm at {odds(-log(self.false_alarm))})"
        ]
        lines += [f"  not checked: {name} ({reason})" for name, reason in self.skipped]
        return "\n".join(lines)

    def __repr__(self) -> str:
        """Return a short description."""
        return f"<NetworkReport {self.source}: {self.outputs:,} outputs, {self.gradients:,} gradients>"


@in_words
def assert_network(
    module: Any,
    data: Examples | Iterable[Any],
    q: Any = None,
    *,
    network: Network | None = None,
    dropout: type | tuple[type, ...] = (),
    gradient: bool = True,
    relu_at_zero: float = 0,
    false_alarm: float = FALSE_ALARM,
    seed: int | None = None,
) -> NetworkReport:
    """Assert that a network with dropout follows the exact law of D(W, x, R), output and gradient together.

    The network is read by :mod:`exactdropout.interop`. For each example all masks are enumerated: every output that the
    module draws must be that of a mask, every gradient of ‖D − y‖² that of the same mask, how often each comes must
    follow the exact probabilities, and no draw may depend on another (bets of the proved false-alarm rate, docs: how
    the oracle decides). Mean, variance and criterion follow from the law. Half of the outputs are drawn before an
    evaluation, half after it. Networks whose layers are right one by one and wrong together (a mask used twice) are
    seen.

    Args:
        module: of PyTorch, Keras (on PyTorch or JAX), Flax (``linen`` with its parameters, as
            ``module.bind(variables)`` or ``(module, variables)``; nnx) or Equinox, in float32 or float64, of at most 14
            droppable units; or a function ``(x, key) -> y`` or ``-> (y, vjp)`` of rows, with ``network`` and ``q``.
        data: examples, or (x, y) pairs.
        q: the rates that it should have, inputs first; those that it has by default.
        network: the network that a function should be; ``vjp(2(D − y))`` returns gradients of its weights and biases.
        dropout: classes of dropout layers of your own; their rate is read from ``p``, ``rate``, ``q``, ``drop_prob`` or
            ``drop_rate``.
        gradient: compare gradients of the parameters, one draw at a time.
        relu_at_zero: the derivative at a kink that the framework takes (0 for torch.relu, ½ for torch.maximum).
        false_alarm: probability that a correct network is ever flagged.
        seed: of the generators and keys; those that a Keras or nnx module owns go on from where they stand.

    Raises:
        DropoutFault: in words.
        InvalidInput: too many masks, a module that cannot be read.

    >>> import exactdropout as xd, numpy as np
    >>> def network(x, key, training=True):
    ...     kept = np.random.default_rng(key).random(x.shape) >= 0.5
    ...     return (2 * kept * x if training else x) @ [[1.0], [3.0]]
    >>> report = assert_network(network, [((1, 2), 1)], "1/2", network=xd.Network([[[1, 3]]]), gradient=False)
    >>> report.atoms, report.moments[0].mean
    (4, (7.0,))
    """
    if isinstance(false_alarm, bool) or not isinstance(false_alarm, (int, float)) or not 0 < false_alarm < 1:
        raise InvalidInput(f"Argument 'false_alarm' must satisfy 0 < false_alarm < 1, not {show(false_alarm)}.")
    if isinstance(relu_at_zero, bool) or not isinstance(relu_at_zero, (int, float)) or not 0 <= relu_at_zero <= 1:
        raise InvalidInput(f"Argument 'relu_at_zero' must be a number from 0 to 1, not {show(relu_at_zero)}.")
    subject = whole_network(module, network, q, dropout)
    number = DEFAULT_SEED if seed is None else seed
    _check_rates(subject, q, number)
    examples = data if isinstance(data, Examples) else Examples(data)
    floats = Examples.from_arrays(
        np.array(examples.inputs, dtype=np.float64), np.array(examples.labels, dtype=np.float64), examples.probabilities
    )
    free = sum(n for n, r in zip(subject.network.architecture.widths, subject.rates, strict=False) if r)
    if free > MAX_MASK_BITS:
        raise InvalidInput(f"Argument 'module' must have at most {MAX_MASK_BITS} droppable units, not {free}.")
    criterion = float(evaluate(subject.network, floats, subject.rates).criterion)
    run = _Run(subject, number, log(LAWS * len(floats) / false_alarm), relu_at_zero, gradient)
    with subject.seeded(number):
        for index in range(len(floats)):
            run.example(index, np.asarray(floats.inputs[index]), np.asarray(floats.labels[index]))
        run.evaluation(np.asarray(floats.inputs))
    observed = sum(float(p) * loss for p, loss in zip(floats.probabilities, run.losses, strict=True))
    return NetworkReport(
        source=subject.source, q=subject.rates, outputs=OUTPUTS * len(floats), gradients=run.gradients, atoms=run.atoms,
        criterion=criterion, observed_criterion=observed, moments=tuple(run.moments),
        skipped=tuple(run.skipped.items()), log_evidence=max(run.worst, log(1e-9)), false_alarm=false_alarm,
    )  # fmt: skip


def _check_rates(subject: WholeNetwork, q: Any, seed: int) -> None:
    if q is None:
        return
    values = drop_rates(q, subject.network.architecture)[0]
    wanted = tuple(Fraction(str(r)) if isinstance(r, float) else Fraction(r) for r in values)
    if wanted != subject.rates:
        raise fault(
            "network", f"the rates of the network are ({', '.join(map(str, subject.rates))})",
            f"expected ({', '.join(map(str, wanted))})", setting=str(subject.network.architecture), seed=seed,
        )  # fmt: skip


class _Run:
    """One assertion while it runs."""

    def __init__(self, subject: WholeNetwork, seed: int, limit: float, relu_at_zero: float, gradient: bool) -> None:
        self.subject, self.seed, self.limit, self.relu_at_zero = subject, seed, limit, relu_at_zero
        self.skipped: dict[str, str] = {} if gradient else {"gradient": "gradient=False"}
        self.gradient, self.gradients, self.atoms, self.worst = gradient, 0, 0, -np.inf
        self.losses: list[float] = []
        self.moments: list[ExampleMoments] = []

    def example(self, index: int, x: Floats, y: Floats) -> None:
        """Watch one example."""
        subject = self.subject
        law = MaskedNetwork.of(
            subject.network, subject.rates, x, y, subject.parameters, self.relu_at_zero, subject.epsilon
        )
        setting = f"example {index}, x = {show(x.tolist())}"
        before = subject.outputs(x, OUTPUTS // 2)
        self.evaluation(x[None, :], index)
        drawn = np.vstack([before, subject.outputs(x, OUTPUTS - len(before))])
        atoms = law.atoms(gradient=False)
        self.judge(atoms, drawn, "output", setting)
        self.atoms += len(atoms)
        self.losses.append(float(((drawn - y) ** 2).sum(axis=1).mean()))
        mean = law.probabilities @ law.outputs
        self.moments.append(
            ExampleMoments(
                mean=_floats(mean), variance=_floats(law.probabilities @ (law.outputs - mean) ** 2),
                observed_mean=_floats(drawn.mean(axis=0)), observed_variance=_floats(drawn.var(axis=0)),
            )
        )  # fmt: skip
        if not self.gradient or "gradient" in self.skipped:
            return
        if law.kink is not None:
            reason = f"{law.kink}: rounding decides the derivative there"
            self.skipped[f"gradient of example {index}"] = reason
            return
        try:
            both = subject.draws(x, y, GRADIENTS)
        except Untestable as reason:
            self.skipped["gradient"] = str(reason)
            return
        self.judge(law.atoms(gradient=True), both, "output with its gradient", setting)
        self.gradients += GRADIENTS

    def evaluation(self, rows: Floats, index: int = 0) -> None:
        """Compare evaluation with W(x)."""
        if "evaluation" in self.skipped:
            return
        try:
            still = self.subject.evaluate(rows)
        except Untestable as reason:
            self.skipped["evaluation"] = str(reason)
            return
        wanted = forward(self.subject.network, rows)
        room = 1e-4 * max(1.0, float(np.abs(wanted).max()))
        if still.shape != wanted.shape or not (np.abs(still - wanted) <= room).all():
            raise fault(
                "network", "evaluation is not W(x)",
                f"{show(still[0].tolist(), 80)}, expected {show(wanted[0].tolist(), 80)}",
                setting=f"example {index}", seed=self.seed,
            )  # fmt: skip

    def judge(self, atoms: Atoms, drawn: Floats, what: str, setting: str) -> None:
        """Note the evidence of draws, or raise what is wrong."""
        found = atoms.of_draws(drawn)
        none = found < 0
        if none.any():
            row = int(np.flatnonzero(none)[0])
            raise fault(
                "network", f"{int(none.sum())} of {len(drawn)} draws of the {what} are those of no mask",
                f"for example {show(drawn[row].tolist(), 120)}", setting=setting, seed=self.seed,
            )  # fmt: skip
        counted, dependence = atoms.evidence(found)
        self.worst = max(self.worst, counted, dependence)
        if counted >= self.limit:
            raise self._another_law(atoms, found, what, counted, setting)
        if dependence >= self.limit:
            raise fault(
                "network", f"a draw of the {what} depends on an earlier one",
                f"evidence {odds(dependence)} (alarm at {odds(self.limit)})", setting=setting, seed=self.seed,
            )  # fmt: skip

    def _another_law(self, atoms: Atoms, found: Any, what: str, evidence: float, setting: str) -> DropoutFault:
        shares = np.bincount(found, minlength=len(atoms)) / len(found)
        top = int(np.argmax(np.abs(shares - atoms.probabilities)))
        return fault(
            "network", f"the {what} has another law than independent masks give",
            f"{show(atoms.value(top).tolist(), 120)}: observed {shares[top]:.4g} of {len(found):,}, expected "
            f"{atoms.probabilities[top]:.4g}",
            f"evidence {odds(evidence)} (alarm at {odds(self.limit)})", setting=setting, seed=self.seed,
        )  # fmt: skip


def _floats(values: Floats) -> tuple[float, ...]:
    return tuple(float(v) for v in values)
