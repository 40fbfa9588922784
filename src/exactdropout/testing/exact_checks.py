"""Checks without statistics: values, gradients, evaluation, rates 0 and 1, modes, inputs, seeds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from math import log
from typing import Any

import numpy as np
import numpy.typing as npt

from exactdropout.errors import DropoutFault
from exactdropout.model.numbers import format_rational, show
from exactdropout.testing.inputs import signed_input
from exactdropout.testing.number_formats import NumberFormat, number_format, rounded_rates
from exactdropout.testing.report import fault
from exactdropout.testing.schemes import Reading, Scheme, bits_of, read_product, softmax_room
from exactdropout.testing.subjects.subject import Call, NoGradient, Subject, Untestable

__all__ = ["Trial", "check_layer", "check_rate_one", "check_rate_zero", "read_call"]

Floats = npt.NDArray[np.float64]
SURE = log(1e-12)  # what may be called certain without a bet


@dataclass(kw_only=True)
class Trial:
    """One assertion while it runs: the scheme, the seed, which checks are wanted, what was made and what was not."""

    scheme: Scheme
    seed: int
    checks: set[str]
    subject_name: str
    done: dict[str, list[str]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    calls: int = 0
    bits: int = 0
    log_evidence: float = 0.0

    def wants(self, check: str) -> bool:
        """Return whether a check is to be made."""
        return check in self.checks and check not in self.skipped

    def did(self, check: str, detail: str) -> None:
        """Note a check that found nothing."""
        details = self.done.setdefault(check, [])
        if detail not in details:
            details.append(detail)

    def left_out(self, check: str, reason: str) -> None:
        """Note a check that could not be made."""
        if check in self.checks and check not in self.done:
            self.skipped.setdefault(check, reason)

    def fault(self, check: str, what: str, *details: str, setting: str) -> DropoutFault:
        """Return the failure of a check."""
        return fault(
            check, what, *details, setting=setting, seed=self.seed, skipped=self.skipped.items(), calls=self.calls
        )


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A layer at one rate, in one number format, on inputs of one shape."""

    subject: Subject
    q: Fraction
    dtype: str
    shape: tuple[int, ...]

    @property
    def form(self) -> NumberFormat:
        """The number format."""
        return number_format(self.dtype)

    def __str__(self) -> str:
        """Return the setting in words."""
        return f"{self.dtype} input of shape {self.shape}, q = {format_rational(self.q)}"


def read_call(trial: Trial, at: Setting, x: Floats, call: Call) -> Reading:
    """Return the mask of a call, or raise what is wrong with its values."""
    scheme, p = trial.scheme, 1 - at.q
    if call.y.shape != x.shape:
        raise trial.fault("value", f"the output has shape {call.y.shape}, the input {x.shape}", setting=str(at))
    if call.dtype != at.dtype:
        raise trial.fault("value", f"the output is {call.dtype} for a {at.dtype} input", setting=str(at))
    reading = scheme.read(x, call.y, at.q, at.form)
    if reading.wrong.any():
        index = tuple(int(i) for i in np.argwhere(reading.wrong)[0])
        base, got = scheme.base(x)[index], call.y[index]
        factor, expected = float(scheme.factor(at.q)), "neither kept nor dropped"
        if scheme.transform != "alpha":
            expected = f"expected 0 or {factor:.9g}·x = {factor * base:.9g}"
        raise trial.fault(
            "value",
            _named_factor(scheme.base(x), call.y, reading, p)
            + (", in a call that asks for no gradient" if at.subject.differentiates and call.gradient is None else ""),
            f"{int(reading.wrong.sum())} of {x.size} outputs are neither the kept nor the dropped value; "
            f"at {index}: x = {x[index]:.9g}, y = {got:.9g}; {expected}",
            setting=str(at),
        )
    axes = scheme.bit_axes(x.ndim)
    disagree = bits_of(reading, axes)[2]
    if disagree.any():
        index = tuple(int(i) for i in np.argwhere(disagree)[0])
        raise trial.fault(
            "value",
            f"entries that share one mask ({scheme.name}) are partly kept, partly dropped",
            f"dimensions {axes} share a mask, but at {index} they disagree ({int(disagree.sum())} of {disagree.size})",
            setting=str(at),
        )
    return reading


def _named_factor(base: Floats, y: Floats, reading: Reading, p: Fraction) -> str:
    """Return what the wrong values look like: a factor that has a name, or just that they are wrong."""
    if np.isnan(y).any():
        return "outputs are NaN"
    chosen = reading.wrong & (base != 0) & (y != 0)
    if not chosen.any():
        return "the output where the input is 0 is not 0" if (reading.wrong & (base == 0)).any() else "wrong values"
    ratios = y[chosen] / base[chosen]
    ratio = float(np.median(ratios))
    if abs(ratio - 1) < 1e-3 and float(p) ** int((base != 0).sum()) < 1e-9 and (y[base != 0] != 0).all():
        return "nothing is dropped: every output is its input"
    if np.abs(ratios / ratio - 1).max() > 0.05:
        return "kept values are no multiple of the input"
    q = 1 - p
    names = [(Fraction(1), "1: no scale"), (1 / p, "1/p")]
    names += [(1 / q, "1/q: the scale of the dropped")] if q else []
    names += [
        (1 / p**2, "1/p²: scaled twice"),
        (p, "p"),
        (q, "q"),
        (Fraction(2), "2"),
        (q / p, "q/p"),
        (p / q if q else p, "p/q"),
    ]
    for value, name in names:
        if abs(ratio / float(value) - 1) < 1e-3 and value:
            return (
                f"kept values are multiplied by {name}, expected {'1/p = ' if value != 1 / p else ''}{float(1 / p):.9g}"
            )
    return f"kept values are multiplied by {ratio:.9g}, expected {float(1 / p):.9g}"


def check_values(trial: Trial, at: Setting, x: Floats, key: int) -> None:
    """Value, mask sharing, gradient, and that the input is as it was."""
    want_gradient = trial.wants("gradient") and at.subject.differentiates
    try:
        call = at.subject.train(x, at.dtype, key if at.subject.keyed else None, gradient=want_gradient)
    except Untestable as reason:
        trial.left_out("gradient", str(reason))
        want_gradient = False
        call = at.subject.train(x, at.dtype, key if at.subject.keyed else None)
    trial.calls += 1
    if trial.wants("value"):
        reading = read_call(trial, at, x, call)
        trial.did("value", at.dtype)
    else:
        reading = trial.scheme.read(x, call.y, at.q, at.form)
    if trial.wants("in place"):
        if not (np.array_equal(call.x_after, x) or call.is_input):
            raise trial.fault("in place", "the layer changes its input, and does not return it", setting=str(at))
        trial.did("in place", "the input is unchanged, or is the output")
    if want_gradient:
        check_gradient(trial, at, x, call, reading, key)


def check_gradient(
    trial: Trial, at: Setting, x: Floats, call: Call, reading: Reading, key: int, check: str = "gradient"
) -> None:
    """The backward pass against the mask of the forward pass."""
    if call.gradient is None:
        return
    g = signed_input(x.shape, at.form, key + 1, zeros=False)
    try:
        found = call.gradient(g)
    except NoGradient:
        raise trial.fault(check, "the output carries no gradient of the input", setting=str(at)) from None
    except Untestable as reason:
        trial.left_out(check, str(reason))
        return
    scheme = trial.scheme
    if scheme.transform == "softmax":
        s, kept = scheme.base(x), reading.kept * float(scheme.factor(at.q))
        u = g * kept
        expected = s * (u - (s * u).sum(axis=-1, keepdims=True))
        if np.abs(found - expected).max() > 64 * at.form.epsilon * np.abs(g).max() * float(scheme.factor(at.q)):
            raise trial.fault(check, "the gradient is not that of softmax(x)·m/p with this mask", setting=str(at))
        trial.did(check, f"{at.dtype}, within rounding")
        return
    back = scheme.read_gradient(g, found, at.q, at.form)
    axes = () if check == "vmap" else scheme.bit_axes(x.ndim)  # in vmap dimensions have another meaning
    bit, seen, _ = bits_of(reading, axes)
    forward_kept = np.broadcast_to(bit & seen, x.shape)
    forward_dropped = np.broadcast_to(~bit & seen, x.shape)
    bad = back.wrong
    other = (back.kept & forward_dropped) | (back.dropped & forward_kept)
    if bad.any():
        ratio = found[bad] / g[bad]
        index = tuple(int(i) for i in np.argwhere(bad)[0])
        what = "gradients are NaN" if np.isnan(found).any() else "the gradient of kept values has another scale"
        p = 1 - at.q
        raise trial.fault(
            check,
            what,
            f"{int(bad.sum())} of {x.size} entries: gradient/cotangent is {float(np.median(ratio)):.9g}, expected 0 or "
            f"{float(scheme.factor(at.q)) if scheme.transform == 'multiply' else 'a'}; at {index}, p = {float(p):.9g}",
            setting=str(at),
        )
    if other.any():
        index = tuple(int(i) for i in np.argwhere(other)[0])
        raise trial.fault(
            check,
            "the backward pass uses another mask than the forward pass",
            f"{int(other.sum())} of {x.size} entries disagree; at {index}: x = {x[index]:.9g}, "
            f"y = {call.y[index]:.9g}, cotangent {g[index]:.9g}, gradient {found[index]:.9g}",
            setting=str(at),
        )
    trial.did(check, at.dtype)


def check_weight_gradient(trial: Trial, at: Setting, x: Floats, key: int) -> None:
    """DropConnect: the gradient of the weight against the masks of the copies."""
    try:
        call = at.subject.train(x, at.dtype, key if at.subject.keyed else None, gradient=True)
    except Untestable as reason:
        trial.left_out("weight gradient", str(reason))
        return
    trial.calls += 1
    if call.weight_gradient is None:
        trial.left_out("weight gradient", "the layer has no parameters that the framework differentiates")
        return
    g = signed_input(x.shape, at.form, key + 1, zeros=False)
    try:
        found = call.weight_gradient(g)
    except Untestable as reason:
        trial.left_out("weight gradient", str(reason))
        return
    except NoGradient:
        raise trial.fault("weight gradient", "the weight gets no gradient", setting=str(at)) from None
    kept = trial.scheme.read(x, call.y, at.q, at.form).kept
    expected = (g * kept * float(trial.scheme.factor(at.q))).sum(axis=0).T
    room = 16 * at.form.epsilon * np.abs(g).sum(axis=0).T * float(trial.scheme.factor(at.q))
    seen = trial.scheme.weight != 0
    if (np.abs(found - expected) > room)[seen].any():
        raise trial.fault("weight gradient", "the gradient of the weight is not that of this mask", setting=str(at))
    trial.did("weight gradient", at.dtype)


def check_evaluation(trial: Trial, at: Setting, x: Floats, when: str, check: str = "evaluation") -> None:
    """Evaluation is the identity (p·x with classic scaling), and so is its gradient."""
    call = at.subject.evaluate(x, at.dtype)
    trial.calls += 1
    scheme = trial.scheme
    if scheme.transform == "softmax":
        good = np.abs(call.y - scheme.base(x)) <= softmax_room(x, scheme.base(x), at.form)
    elif scheme.scaling == "classic":
        good = _times(x, call.y, at)
    else:
        good = call.y == x
    if not good.all():
        index = tuple(int(i) for i in np.argwhere(~good)[0])
        wanted = "p·x" if scheme.scaling == "classic" else "x"
        raise trial.fault(
            check,
            f"evaluation is not {wanted} {when}",
            f"{int((~good).sum())} of {x.size} outputs differ; at {index}: x = {x[index]:.9g}, y = {call.y[index]:.9g}",
            setting=str(at),
        )
    if check == "evaluation" and call.gradient is not None and scheme.transform != "softmax":
        g = signed_input(x.shape, at.form, trial.seed + 1, zeros=False)
        try:
            found = call.gradient(g)
        except (NoGradient, Untestable):
            return
        right = _times(g, found, at) if scheme.scaling == "classic" else found == g
        if trial.wants("gradient") and not right.all():
            raise trial.fault("evaluation", "the gradient of evaluation is not that of the identity", setting=str(at))
    trial.did(check, at.dtype)


def _times(x: Floats, y: Floats, at: Setting) -> npt.NDArray[np.bool_]:
    found = read_product(x, y, [1 - r for r in rounded_rates(at.q, at.form)], at.form)
    return np.asarray(found.kept | found.unseen)


def check_modes(trial: Trial, at: Setting, x: Floats) -> None:
    """Training, evaluation, training again, twice: evaluation stays the identity, and training drops."""
    many = trial.scheme.bit_shape(x.shape)
    certain = float(np.prod(many)) * max(log(float(1 - at.q)), -1e9) < SURE
    for turn in range(3):
        key = trial.seed + turn if at.subject.keyed else None
        call = at.subject.train(x, at.dtype, key)
        trial.calls += 1
        reading = read_call(trial, at, x, call)
        if certain and not reading.dropped.any():
            when = "" if turn == 0 else " after an evaluation"
            raise trial.fault("modes", f"training drops nothing{when}", setting=str(at))
        check_evaluation(trial, at, x, "after training" if turn == 0 else "after training again", "modes")
    if at.subject.seeded and trial.wants("seed"):
        before = at.subject.train(x, at.dtype, trial.seed).y
        at.subject.evaluate(x, at.dtype)
        after = at.subject.train(x, at.dtype, trial.seed).y
        trial.calls += 3
        if not np.array_equal(before, after):
            raise trial.fault("modes", "the mask of a seed is another one after an evaluation", setting=str(at))


def check_seed(trial: Trial, at: Setting, x: Floats) -> None:
    """A seed gives its mask again, another seed another mask."""
    if not at.subject.seeded:
        trial.left_out("seed", "the layer takes no seed")
        return
    one = at.subject.train(x, at.dtype, trial.seed).y
    if not at.subject.keyed:
        at.subject.train(x, at.dtype)
    again = at.subject.train(x, at.dtype, trial.seed).y
    trial.calls += 3
    if not np.array_equal(one, again):
        raise trial.fault(
            "seed",
            "the same seed gives two masks",
            "for a layer with a generator of its own: checks=[skip('seed', 'own generator')]",
            setting=str(at),
        )
    q = float(at.q)
    bits = float(np.prod(trial.scheme.bit_shape(x.shape)))
    if 8 * bits * log(q * q + (1 - q) ** 2) < SURE:
        others = [at.subject.train(x, at.dtype, trial.seed + 1 + k).y for k in range(8)]
        trial.calls += 8
        if all(np.array_equal(one, y) for y in others):
            raise trial.fault("seed", "nine different seeds give one mask", setting=str(at))
    trial.did("seed", "the same mask for one seed, others for others")


def check_memory(trial: Trial, at: Setting, x: Floats) -> None:
    """The same values laid out in memory the other way round."""
    strided: Callable[..., Call] | None = getattr(at.subject, "strided", None)
    if strided is None or x.ndim < 2:
        return
    call = strided(x, at.dtype, trial.seed)
    trial.calls += 1
    try:
        read_call(trial, at, x, call)
    except DropoutFault as error:
        raise trial.fault(
            "memory",
            "an input that is not contiguous is treated wrongly",
            str(error).splitlines()[1].strip(),
            setting=str(at),
        ) from None
    trial.did("memory", "transposed input")


def check_wrapped(trial: Trial, at: Setting, x: Floats, how: str) -> None:
    """Forward = backward inside a wrapper of the framework."""
    wrapped: Callable[..., Call] | None = getattr(at.subject, "wrapped", None)
    if wrapped is None:
        trial.left_out(how, "not for this kind of layer")
        return
    try:
        call = wrapped(how, x, at.dtype)
    except Exception as error:  # a framework without a compiler, a layer that cannot be traced
        trial.left_out(how, in_words(error))
        return
    trial.calls += 1
    reading = trial.scheme.read(x, call.y, at.q, at.form)
    if how != "vmap":  # in vmap a row is a sample, so that dimensions have another meaning
        reading = read_call(trial, at, x, call)
    elif reading.wrong.any():
        raise trial.fault(how, "wrong values inside vmap", setting=str(at))
    try:
        check_gradient(trial, at, x, call, reading, trial.seed, how)
    except RuntimeError as error:  # the framework itself refuses: nothing is wrong silently
        if isinstance(error, DropoutFault):
            raise
        trial.left_out(how, in_words(error))


def in_words(error: Exception) -> str:
    """Return the kind and the first line of an exception."""
    first = (str(error).splitlines() or [""])[0]
    return f"{type(error).__name__}: {show(first, 80)}"


def rounded_input(x: Floats, form: NumberFormat) -> Floats:
    """Return the input in the number format, as a double."""
    keys, index = np.unique(x, return_inverse=True)
    rounded = np.array([float(form.rounded(Fraction(v))) for v in keys.tolist()])
    return np.asarray(rounded[index].reshape(x.shape))


def check_rate_zero(trial: Trial, at: Setting, x: Floats) -> None:
    """Rate 0: training is the identity, bit for bit."""
    for turn in range(2):
        call = at.subject.train(x, at.dtype, trial.seed + turn if at.subject.keyed else None)
        trial.calls += 1
        base = trial.scheme.base(x)
        room = (
            softmax_room(x, base, at.form)
            if trial.scheme.transform == "softmax"
            else 16 * at.form.epsilon * np.abs(base)
        )
        same = np.abs(call.y - base) <= room
        exactly = trial.scheme.transform in ("softmax", "alpha")
        if not (same if exactly else call.y == x).all():
            wrong = int((call.y != x).sum())
            raise trial.fault(
                "rates 0 and 1", "rate 0 is not the identity", f"{wrong} of {x.size} outputs differ", setting=str(at)
            )
    trial.did("rates 0 and 1", f"rate 0 on {x.size:,} values")


def check_rate_one(trial: Trial, at: Setting, x: Floats) -> None:
    """Rate 1: everything is dropped, nothing is NaN, and the gradient is 0."""
    call = at.subject.train(
        x,
        at.dtype,
        trial.seed if at.subject.keyed else None,
        gradient=at.subject.differentiates and trial.wants("gradient"),
    )
    trial.calls += 1
    if not (call.y == 0).all():
        what = "rate 1 gives NaN" if np.isnan(call.y).any() else "rate 1 does not drop everything"
        raise trial.fault("rates 0 and 1", what, setting=str(at))
    if call.gradient is not None:
        try:
            found = call.gradient(signed_input(x.shape, at.form, trial.seed, zeros=False))
        except (NoGradient, Untestable):
            found = np.zeros(1)
        if not (found == 0).all():
            what = "NaN" if np.isnan(found).any() else "not 0"
            raise trial.fault("rates 0 and 1", f"the gradient at rate 1 is {what}", setting=str(at))
    trial.did("rates 0 and 1", "rate 1 drops all")


def check_layer(
    trial: Trial, subject: Subject, q: Fraction, shapes: Any, given: Floats | None, effective: Floats | None
) -> None:
    """All checks without statistics of a layer at one rate."""
    failed: dict[str, str] = {}
    works = 0
    for dtype in subject.formats:
        for number, shape in enumerate(shapes):
            at = Setting(subject=subject, q=q, dtype=dtype, shape=shape)
            inputs = [signed_input(shape, at.form, trial.seed + number, zeros=True)]
            if given is not None and given.shape == shape:
                inputs.append(rounded_input(given, at.form))
            if effective is not None:
                inputs = [rounded_input(effective, at.form)]
            try:
                for x in inputs:
                    check_values(trial, at, x, trial.seed + number)
            except DropoutFault:
                raise
            except Exception as error:
                if number == 0 and works == 0 and dtype == subject.formats[-1]:
                    raise
                failed[f"{dtype} {shape}"] = in_words(error)
                if number == 0:
                    break
                continue
            works += 1
            if number == 0:
                _check_once(trial, at, inputs[0], first=works == 1)
    for name, reason in failed.items():
        trial.skipped.setdefault(name, reason)


def _check_once(trial: Trial, at: Setting, x: Floats, *, first: bool) -> None:
    """Checks that one shape of each number format is enough for; some need the first format only."""
    if trial.wants("evaluation") or trial.wants("modes"):
        if not at.subject.evaluates:
            for check in ("evaluation", "modes"):
                trial.left_out(check, "no evaluation mode: a function of the input alone")
        else:
            if trial.wants("evaluation"):
                check_evaluation(trial, at, x, "")
            if first and trial.wants("modes"):
                check_modes(trial, at, x)
    if not first:
        return
    if not at.subject.differentiates:
        trial.left_out("gradient", "this kind of layer has no gradient")
    if trial.wants("seed"):
        check_seed(trial, at, x)
    if trial.wants("memory"):
        check_memory(trial, at, x)
    for how in ("checkpoint", "vmap", "compile"):
        if trial.wants(how):
            check_wrapped(trial, at, x, how)
    if trial.scheme.weight is not None and trial.wants("weight gradient"):
        check_weight_gradient(trial, at, x, trial.seed)
