"""The joint law of the masks of a layer, watched call by call; and in one large batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import log

import numpy as np
import numpy.typing as npt

from exactdropout.errors import DropoutFault
from exactdropout.model.numbers import format_rational, show
from exactdropout.testing.exact_checks import Setting, Trial, check_gradient, in_words, read_call
from exactdropout.testing.inputs import own_generator, signed_input
from exactdropout.testing.masks import Finding, Masks, bits_log, share
from exactdropout.testing.report import odds
from exactdropout.testing.schemes import bits_of
from exactdropout.testing.statistics import always_together, findings
from exactdropout.testing.subjects.subject import Call, NoGradient, Subject, Untestable

__all__ = [
    "MOST_WATCHES",
    "Watch",
    "checkpoints",
    "threshold",
    "watch_calls",
    "watch_calls_if_it_works",
    "watch_gradient_at_zeros",
    "watch_large_batch",
    "watch_rate",
]

Floats = npt.NDArray[np.float64]
Truths = npt.NDArray[np.bool_]
MOST_WATCHES = 20
"""Laws that one call watches at most: 3 rates, 4 other shapes, 3 formats twice, memory, batch, rate, zeros, layers.

Each has this share of the evidence: the mean of all of them is watched against the alarm.
"""
SHARE = log(MOST_WATCHES)
EVALUATION_EVERY = 16
GRADIENT_EVERY = 4


def checkpoints(calls: int) -> list[int]:
    """Return after how many calls the evidence is looked at: often at first, then at each half more."""
    found, at = [], 1
    while at < calls:
        found.append(at)
        at = max(at + 1, at * 3 // 2)
    return [*found, calls]


@dataclass(frozen=True, kw_only=True)
class Watch:
    """What is watched at one rate: a layer (or several of one network), the shape of its input, the alarm."""

    trial: Trial
    layers: Sequence[Subject]
    q: Fraction
    shape: tuple[int, ...]
    log_threshold: float
    effective: Floats | None = None
    check: str = "laws"
    dtype: str | None = None  # the first of the layer's by default
    strided: bool = False

    @property
    def at(self) -> Setting:
        """The setting of the first layer."""
        dtype = self.layers[0].formats[0] if self.dtype is None else self.dtype
        return Setting(subject=self.layers[0], q=self.q, dtype=dtype, shape=self.shape)

    def input(self, seed: int) -> Floats:
        """Return an input without zeros."""
        return signed_input(self.shape, self.at.form, seed, zeros=False) if self.effective is None else self.effective

    def bits(self, x: Floats, key: int, *, differentiate: bool = False) -> Truths:
        """Return the bits of one call of each layer, flat; the gradient is checked too where it is asked for."""
        parts = []
        for number, layer in enumerate(self.layers):
            own = key + 7919 * number if layer.keyed else None
            call = self._call(layer, x, own, differentiate)
            reading = read_call(self.trial, self.at, x, call)
            if call.gradient is not None and differentiate and self.trial.wants("gradient"):
                check_gradient(self.trial, self.at, x, call, reading, key)
            kept, _, _ = bits_of(reading, self.trial.scheme.bit_axes(x.ndim))
            parts.append(kept.ravel())
        self.trial.calls += len(self.layers)
        return np.concatenate(parts)

    def _call(self, layer: Subject, x: Floats, key: int | None, differentiate: bool) -> Call:
        if self.strided:
            laid_out: Callable[..., Call] = layer.strided  # type: ignore[attr-defined]  # looked for by the caller
            return laid_out(x, self.at.dtype, key)
        if differentiate and layer.differentiates:
            try:
                return layer.train(x, self.at.dtype, key, gradient=True)
            except Untestable:
                pass
        return layer.train(x, self.at.dtype, key)

    def masks(self, kept: Truths, x: Floats) -> Masks:
        """Return the masks with their shape; what shows nothing (an input of 0) is left out."""
        bit_shape = self.trial.scheme.bit_shape(x.shape)
        seen = (self.trial.scheme.base(x) != 0).any(axis=self.trial.scheme.bit_axes(x.ndim), keepdims=True).ravel()
        shape = tuple(n for n in bit_shape if n > 1) or (1,)
        values = x.ravel() if bit_shape == x.shape and len(self.layers) == 1 else None
        if not seen.all():
            kept, shape = kept[:, np.tile(seen, len(self.layers))], (int(seen.sum()),)
            values = None
        if len(self.layers) > 1:
            shape = (len(self.layers), *shape)
        return Masks(kept=kept, shape=shape, p=float(1 - self.q), values=values)

    def judge(self, masks: Masks, last: bool, seed: int) -> None:
        """Raise where the evidence reaches the alarm."""
        total, found = findings(masks, last, self.log_threshold)
        self.trial.log_evidence = max(self.trial.log_evidence, total - SHARE)
        if total >= self.log_threshold:
            raise self.alarm(total, found, masks)

    def alarm(self, total: float, found: Sequence[Finding], masks: Masks) -> DropoutFault:
        """Return the failure in words."""
        first = found[0]
        together = None
        if any(f.family.startswith("pairs") for f in found):
            together = always_together(masks, rate_too=first.family.startswith("rate"))
        what = f"{together or first.where}"
        if self.check == "gradient at zeros":
            what = f"where the input is 0, the gradient follows another law than the mask; {what}"
        others = ", ".join(f.family for f in found[1:4])
        sure = f"evidence {odds(total - SHARE)} (alarm at {odds(self.log_threshold - SHARE)})"
        calls = f"{masks.calls} call{'s' if masks.calls > 1 else ''} of {self.shape}, q = {format_rational(self.q)}"
        return self.trial.fault(
            self.check,
            f"{what}: {first.family}" if together is None else f"{what} ({first.family})",
            f"{first.where}: {first.observed}" if together else first.observed,
            sure + (f"; also {others}" if others else ""),
            setting=calls,
        )


def watch_calls(watch: Watch, calls: int, seed: int, *, often: bool = True) -> None:
    """Watch the law over many calls, with and without gradient; an evaluation now and then must leave nothing behind.

    Every fourth call is one that is differentiated, every sixteenth is followed by an evaluation. ``often`` says
    whether the evidence is looked at after few calls too, or three times.
    """
    x = watch.input(seed)
    rows: list[Truths] = []
    looks = set(checkpoints(calls) if often else (4, calls // 3, calls))
    for t in range(calls):
        rows.append(watch.bits(x, seed + t, differentiate=t % GRADIENT_EVERY == GRADIENT_EVERY - 1))
        if len(rows) in looks:
            watch.judge(watch.masks(np.array(rows), x), len(rows) == calls, seed)
        if t % EVALUATION_EVERY == EVALUATION_EVERY - 1 and watch.trial.wants("modes"):
            for layer in watch.layers:
                if layer.evaluates:
                    layer.evaluate(x, watch.at.dtype)
    watch.trial.bits += sum(r.size for r in rows)
    where = f"{calls} calls of {watch.shape}, q = {format_rational(watch.q)}"
    form = "" if watch.dtype is None else f", {watch.dtype}"
    watch.trial.did(watch.check, where + form + (", transposed in memory" if watch.strided else ""))


def watch_calls_if_it_works(watch: Watch, calls: int, seed: int) -> None:
    """Watch another shape, number format or order in memory; note where the layer does not take it."""
    try:
        watch_calls(watch, calls, seed, often=False)
    except DropoutFault:
        raise
    except Exception as error:
        watch.trial.skipped.setdefault(f"laws, {watch.at.dtype} {watch.shape}", in_words(error))


def watch_large_batch(watch: Watch, seed: int) -> None:
    """Watch the law in one call on a large input."""
    x = watch.input(seed)
    try:
        kept = watch.bits(x, seed, differentiate=True)
    except DropoutFault:
        raise
    except Exception as error:  # a layer whose first dimension is fixed
        watch.trial.left_out(watch.check, f"{type(error).__name__} on shape {watch.shape}: {show(str(error), 60)}")
        return
    watch.judge(watch.masks(kept[None, :], x), True, seed)
    watch.trial.bits += kept.size
    watch.trial.did(watch.check, f"{kept.size:,} bits, q = {format_rational(watch.q)}")


def watch_rate(watch: Watch, batches: int, seed: int) -> None:
    """Watch the rate alone over large batches: what a number format or a threshold of few bits does to it."""
    x = watch.input(seed)
    kept, total, p = 0, 0, float(1 - watch.q)
    for number in range(batches):
        try:
            bits = watch.bits(x, seed + 1 + number, differentiate=number == 0)
        except DropoutFault:
            raise
        except Exception as error:
            watch.trial.skipped.setdefault(f"one batch, {watch.at.dtype}", in_words(error))
            return
        kept, total = kept + int(bits.sum()), total + bits.size
        evidence = float(bits_log(kept, total, p))
        watch.trial.log_evidence = max(watch.trial.log_evidence, evidence - SHARE)
        if evidence >= watch.log_threshold:
            raise watch.trial.fault(
                watch.check,
                "all bits: marginal rate",
                share(kept, total, "kept", p),
                f"evidence {odds(evidence - SHARE)} (alarm at {odds(watch.log_threshold - SHARE)})",
                setting=str(watch.at),
            )
    watch.trial.bits += total
    watch.trial.did(watch.check, f"{total:,} bits, {watch.at.dtype}, q = {format_rational(watch.q)}, the rate alone")


def watch_gradient_at_zeros(watch: Watch, calls: int, seed: int) -> None:
    """Where the input is 0, the forward pass hides the mask; the gradient shows it, kept at the rate p."""
    trial, at = watch.trial, watch.at
    x = watch.input(seed)
    x[own_generator(seed, 1).random(x.shape) < 0.5] = 0.0
    zero, rows = x == 0, []
    for t in range(calls):
        try:
            call = at.subject.train(x, at.dtype, seed + t if at.subject.keyed else None, gradient=True)
            if call.gradient is None:
                raise Untestable("no gradient")
            g = signed_input(x.shape, at.form, seed + t, zeros=False)
            found = call.gradient(g)
        except (Untestable, NoGradient) as reason:
            trial.left_out("gradient at zeros", str(reason) or "no gradient")
            return
        trial.calls += 1
        back = trial.scheme.read_gradient(g, found, at.q, at.form)
        rows.append(back.kept[zero])
        if len(rows) in (1, 4, calls):
            watch.judge(Masks(kept=np.array(rows), shape=(int(zero.sum()),), p=float(1 - at.q)), t + 1 == calls, seed)
    total = sum(r.size for r in rows)
    trial.bits += total
    trial.did("gradient at zeros", f"{total:,} bits")


def threshold(runs: int, false_alarm: float) -> float:
    """Return the logarithm of the odds at which one of several watched laws alarms: their rates add up to the whole."""
    return log(max(runs, 1) / false_alarm)
