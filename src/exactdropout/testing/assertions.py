"""``assert_dropout`` and its parts: a layer of any framework against the law of its masking scheme."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from math import log
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from exactdropout.errors import DropoutFault, InvalidInput, MissingExtra
from exactdropout.model.arguments import told_what_is_missing
from exactdropout.model.numbers import scalar, show
from exactdropout.testing.exact_checks import (
    Setting,
    Trial,
    check_layer,
    check_rate_one,
    check_rate_zero,
    rounded_input,
)
from exactdropout.testing.gaussian import watch_gaussian
from exactdropout.testing.inputs import large_shape, shapes_for, signed_input
from exactdropout.testing.law_checks import (
    MOST_WATCHES,
    Watch,
    threshold,
    watch_calls,
    watch_calls_if_it_works,
    watch_gradient_at_zeros,
    watch_large_batch,
    watch_rate,
)
from exactdropout.testing.report import CHECKS, DropoutReport, in_words, wanted
from exactdropout.testing.schemes import Scaling, Scheme, scheme
from exactdropout.testing.subjects.dropconnect import OnUnitVectors, unit_vector_input
from exactdropout.testing.subjects.find import layer_maker
from exactdropout.testing.subjects.subject import Subject, plain, seeded

__all__ = ["assert_dropout", "assert_dropout_distribution", "assert_dropout_exact"]

Floats = npt.NDArray[np.float64]
Framework = Literal["torch", "keras", "flax", "equinox", "jax", "numpy"]
LAW_CHECKS = ("laws", "one batch", "gradient at zeros", "layers", "replicas", "other rates")
EXACT_CHECKS = tuple(name for name in CHECKS if name not in LAW_CHECKS)
DEFAULT_SEED = 20261129
COMPANIONS = (Fraction(1, 2), Fraction(3, 10))
DEFAULT_BUDGET = 2**20
FALSE_ALARM = 1e-9
LARGEST_BATCH = 2**20


@dataclass(frozen=True, kw_only=True)
class _Job:
    """Arguments, checked once."""

    make: Callable[[Fraction], Subject]
    fixed: bool  # an instance of one rate
    name: str
    q: Fraction
    scheme: Scheme
    given: Floats | None
    shapes: tuple[tuple[int, ...], ...]
    seed: int


@in_words
@told_what_is_missing
def assert_dropout(
    layer: Any,
    q: Any,
    *,
    x: Any = None,
    model: str | Scheme = "element",
    scaling: Scaling = "inverted",
    checks: Any = "all",
    false_alarm: float = FALSE_ALARM,
    budget: int | None = None,
    seed: int | None = None,
    framework: Framework | None = None,
    device: str = "cpu",
) -> DropoutReport:
    """Assert that a layer is dropout: exactly in every value, and in the joint law of its masks.

    y = x m/p, the bits m ∈ {0, 1} independent with P(m = 1) = p = 1 − q (other schemes: ``model``). Everything that
    :func:`assert_dropout_exact` and :func:`assert_dropout_distribution` check is checked.

    Args:
        layer: a module (PyTorch, Keras, Flax, Equinox), a factory of q such as ``torch.nn.Dropout``, a function of a
            tensor (with ``training=`` or without), or a function ``(x, key) -> y`` or ``-> (y, vjp)`` of NumPy arrays.
            A factory is checked at other rates too, and at 0 and 1.
        q: the drop probability, exact ("3/10") or a float.
        x: an input of the shape that the layer needs; by default several shapes with signed values and zeros.
        model: ``"element"``, ``"channel"``, ``"row"``, ``"batch"``, ``"attention"``, ``"alpha"``, ``"feature_alpha"``,
            ``"gaussian"``, or :func:`shared`, :func:`channel`, :func:`dropconnect`.
        scaling: ``"inverted"`` (x/p), ``"classic"`` (x; evaluation p·x) or ``"none"`` (x; evaluation x).
        checks: ``"all"``, or names and :func:`skip`.
        false_alarm: probability that a correct layer is ever flagged, over everything that is watched.
        budget: bits of masks to watch; 2^20 by default.
        seed: of inputs and generators; the failure says it.
        framework, device: where the layer does not say.

    Returns:
        What was checked and what was not, with the reason. It is evidence, not proof; what such a budget does not see
        is said by :func:`smallest_effect`.

    Raises:
        DropoutFault: an ``AssertionError`` that says what, where, how sure and how to repeat.
        InvalidInput: arguments that fit no layer; a scheme without independent masks.

    The false-alarm rate is proved (docs: how the oracle decides).

    >>> import numpy as np
    >>> def layer(x, key):
    ...     kept = np.random.default_rng(key).random(x.shape) >= 0.25
    ...     return np.where(kept, x / 0.75, 0), lambda g: np.where(kept, g / 0.75, 0)
    >>> print(assert_dropout(layer, "1/4", budget=30_000).q)
    1/4
    """
    job = _job(layer, q, x, model, scaling, seed, framework, device)
    alarm, bits = _limits(false_alarm, budget)
    trial = _trial(job, checks, CHECKS)
    with ExitStack() as stack:
        _enter(stack, job.seed)
        try:
            _exact(job, trial)
        except DropoutFault as found:
            if found.check != "rates 0 and 1":
                raise
            _laws_beside(found, job, trial, alarm, bits)
            raise
        _laws(job, trial, alarm, bits)
    return _answer(job, trial, alarm)


@in_words
def assert_dropout_exact(
    layer: Any,
    q: Any,
    *,
    x: Any = None,
    model: str | Scheme = "element",
    scaling: Scaling = "inverted",
    checks: Any = "all",
    seed: int | None = None,
    framework: Framework | None = None,
    device: str = "cpu",
) -> DropoutReport:
    """Assert what holds in every call: values, gradients, evaluation, rates 0 and 1, modes, inputs, seeds.

    Arguments and errors as in :func:`assert_dropout`. No statistics: a few calls, and no false alarm but that two seeds
    give the same mask by chance (probability at most 1e-12).

    >>> import numpy as np
    >>> def twice(x, key):
    ...     return x * (np.random.default_rng(key).random(x.shape) < 0.7) / 0.7 / 0.7
    >>> assert_dropout_exact(twice, "3/10")
    Traceback (most recent call last):
        ...
    exactdropout.errors.DropoutFault: kept values are multiplied by 1/p²: scaled twice, expected 1/p = 1.42857143...
      ...
    """
    job = _job(layer, q, x, model, scaling, seed, framework, device)
    trial = _trial(job, checks, EXACT_CHECKS)
    with ExitStack() as stack:
        _enter(stack, job.seed)
        _exact(job, trial)
    return _answer(job, trial, FALSE_ALARM)


@in_words
def assert_dropout_distribution(
    layer: Any,
    q: Any,
    *,
    x: Any = None,
    model: str | Scheme = "element",
    scaling: Scaling = "inverted",
    checks: Any = "all",
    false_alarm: float = FALSE_ALARM,
    budget: int | None = None,
    seed: int | None = None,
    framework: Framework | None = None,
    device: str = "cpu",
) -> DropoutReport:
    """Assert the joint law of the masks: rates by position and call, pairs, triples, totals, relations, layers.

    Arguments and errors as in :func:`assert_dropout`. The masks are read from the outputs, which must be exact.
    """
    job = _job(layer, q, x, model, scaling, seed, framework, device)
    alarm, bits = _limits(false_alarm, budget)
    trial = _trial(job, checks, LAW_CHECKS)
    with ExitStack() as stack:
        _enter(stack, job.seed)
        _laws(job, trial, alarm, bits)
    return _answer(job, trial, alarm)


def _job(
    layer: Any, q: Any, x: Any, model: str | Scheme, scaling: Scaling, seed: int | None, framework: Any, device: str
) -> _Job:
    rate = drop_rate(q)
    found = scheme(model, scaling)
    make, fixed, name = layer_maker(layer, rate, framework, device)
    given = None
    if x is not None:
        given = plain(x.detach().cpu().double().numpy() if hasattr(x, "detach") else x)
        if given.size == 0 or not np.isfinite(given).all():
            raise InvalidInput("Argument 'x' must be a non-empty array of finite numbers.")
    shapes = shapes_for(found) if given is None or found.weight is not None else (given.shape,)
    if found.weight is not None:
        inner, weight = make, found.weight

        def make(rate: Fraction) -> Subject:
            return OnUnitVectors(inner(rate), weight)

    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**31):
        raise InvalidInput(f"Argument 'seed' must be an integer from 0 to 2**31 - 1, not {show(seed)}.")
    return _Job(
        make=make,
        fixed=fixed,
        name=name,
        q=rate,
        scheme=found,
        given=given,
        shapes=shapes,
        seed=DEFAULT_SEED if seed is None else seed,
    )


def drop_rate(q: Any) -> Fraction:
    """Return a drop probability as the fraction that it is; a float is the nearest short decimal's.

    The floats 0.1 and 0.3 stand for 1/10 and 3/10: no test with fewer than 10^16 bits tells apart which of the two a
    layer follows.
    """
    if hasattr(q, "item") and not isinstance(q, (int, float)):  # a tensor: float32 0.3 stands for 3/10 too
        q = str(np.float32(q.item())) if "float32" in str(getattr(q, "dtype", "")) else q.item()
    value, kind = scalar(q, "q")
    if kind == "symbolic" or not 0 < value < 1:
        raise InvalidInput(f"Argument 'q' must satisfy 0 < q < 1, not {show(q)}; 0 and 1 are checked beside it.")
    return Fraction(repr(value)) if kind == "float64" else Fraction(value)


def _limits(false_alarm: float, budget: int | None) -> tuple[float, int]:
    if not isinstance(false_alarm, (int, float, Fraction)) or not 0 < false_alarm < 1:
        raise InvalidInput(f"Argument 'false_alarm' must satisfy 0 < false_alarm < 1, not {show(false_alarm)}.")
    bits = DEFAULT_BUDGET if budget is None else budget
    if isinstance(bits, bool) or not isinstance(bits, int) or bits < 1000:
        raise InvalidInput(f"Argument 'budget' must be a number of bits, at least 1000, not {show(budget)}.")
    return float(false_alarm), bits


def _trial(job: _Job, checks: Any, possible: Any) -> Trial:
    checks = [*checks] if isinstance(checks, Iterable) and not isinstance(checks, str) else checks
    chosen, reasons = wanted(checks, possible)
    trial = Trial(scheme=job.scheme, seed=job.seed, checks=chosen, subject_name=job.name)
    trial.skipped.update(reasons)
    for name in ("compile",):
        named = isinstance(checks, list) and "compile" in checks
        if not named and name in chosen:  # what is skipped beside it asks for nothing
            trial.skipped[name] = "slow; ask for it with checks=['all', 'compile'] or --dropout-profile=thorough"
    if job.scheme.weight is None:
        trial.checks.discard("weight gradient")
    return trial


def _enter(stack: ExitStack, seed: int) -> None:
    stack.enter_context(seeded(seed))
    if "torch" in sys.modules:
        from exactdropout.testing.subjects.torch import torch_state

        stack.enter_context(torch_state(seed))


def _rates(job: _Job, trial: Trial) -> list[Fraction]:
    if job.fixed:
        trial.left_out("other rates", "one layer of one rate; give a factory of q")
        return [job.q]
    if not trial.wants("other rates") and "other rates" in trial.skipped:
        return [job.q]
    return [job.q, *(r for r in COMPANIONS if r != job.q)]


def _effective(job: _Job, copies: int = 2) -> Floats | None:
    return None if job.scheme.weight is None else unit_vector_input(job.scheme.weight, copies)


def _exact(job: _Job, trial: Trial) -> None:
    if job.scheme.transform == "gaussian":
        for name in EXACT_CHECKS:
            trial.left_out(name, "noise without atoms shows its moments only")
        return
    for rate in _rates(job, trial):
        check_layer(trial, job.make(rate), rate, job.shapes, job.given, _effective(job))
    if not trial.wants("rates 0 and 1"):
        return
    if job.fixed:
        trial.left_out("rates 0 and 1", "one layer of one rate; give a factory of q")
        return
    shape = job.shapes[0]
    for rate, check in ((Fraction(0), check_rate_zero), (Fraction(1), check_rate_one)):
        if job.scheme.transform == "alpha" and rate == 1:
            continue
        try:
            subject = job.make(rate)
            at = Setting(subject=subject, q=rate, dtype=subject.formats[0], shape=shape)
            x = signed_input(shape, at.form, trial.seed, zeros=True)
            if rate == 0 and shape == (16, 12):
                x = signed_input((1024, 1025), at.form, trial.seed, zeros=True)
            effective = _effective(job)
            check(trial, at, x if effective is None else rounded_input(effective, at.form))
        except (DropoutFault, MissingExtra):
            raise
        except Exception as error:
            words = show(str(error).splitlines()[0] if str(error) else "", 60)
            trial.left_out(f"rate {rate}", f"refused: {type(error).__name__} {words}")
            trial.skipped.setdefault(f"rate {rate}", f"refused: {type(error).__name__} {words}")


def _laws_beside(found: DropoutFault, job: _Job, trial: Trial, false_alarm: float, budget: int) -> None:
    """Watch the laws of a layer that is wrong at rate 0 or 1: that must hide no worse fault, which is told first."""
    try:
        _laws(job, trial, false_alarm, budget)
    except DropoutFault as worse:
        worse.args = (f"{worse}\n  also: {str(found).partition(chr(10))[0]}",)
        raise
    found.args = (
        f"{found}\n  no other check found a fault; where the layer is never used at this rate, leave the check out: "
        "checks=[xt.skip('rates 0 and 1', 'why')]",
    )


def _laws(job: _Job, trial: Trial, false_alarm: float, budget: int) -> None:
    rates = _rates(job, trial)
    shape, effective = job.shapes[0], _effective(job)
    if job.scheme.transform == "gaussian":
        for rate in rates:
            watch_gaussian(trial, job.make(rate), rate, shape, min(budget, 2**20), threshold(len(rates), false_alarm))
        return
    limit = threshold(MOST_WATCHES, false_alarm)

    def watch(rate: Fraction = job.q, **fields: Any) -> Watch:
        usual: dict[str, Any] = {
            "trial": trial,
            "layers": [job.make(rate)],
            "q": rate,
            "shape": shape,
            "log_threshold": limit,
        }
        return Watch(**(usual | {"effective": effective} | fields))

    bits = int(np.prod(job.scheme.bit_shape(shape)))
    calls = max(8, min(256, budget // max(bits, 1)))
    if trial.wants("laws"):
        for number, rate in enumerate(rates):
            watch_calls(watch(rate), calls if number == 0 else max(8, calls // 4), trial.seed)
        if effective is None:
            _elsewhere(job, trial, watch, budget)
    if trial.wants("one batch"):
        _batches(job, trial, watch, budget)
    if trial.wants("gradient at zeros"):
        if job.scheme.transform != "multiply" or job.scheme.weight is not None:
            trial.left_out("gradient at zeros", "the input is not multiplied by the mask alone")
        elif job.scheme.bit_axes(len(shape)):
            trial.left_out("gradient at zeros", "shared masks show in other entries")
        else:
            watch_gradient_at_zeros(watch(check="gradient at zeros"), 12, trial.seed)
    if trial.wants("layers"):
        if job.fixed:
            trial.left_out("layers", "one layer; give a factory of q")
        elif job.make(job.q).keyed:
            trial.left_out("layers", "each layer gets the key of its caller")
        else:
            pair = [job.make(job.q), job.make(job.q)]
            watch_calls(watch(layers=pair, check="layers"), max(8, min(48, calls)), trial.seed)
    trial.left_out("replicas", "one device")


def _elsewhere(job: _Job, trial: Trial, watch: Callable[..., Watch], budget: int) -> None:
    """The laws on the other shapes (odd sizes, other dimensions), number formats, and another order in memory."""
    for other in job.shapes[1:]:
        calls = max(8, min(128, budget // 2 // max(int(np.prod(job.scheme.bit_shape(other))), 1)))
        watch_calls_if_it_works(watch(shape=other), calls, trial.seed)
    subject = job.make(job.q)
    if job.scheme.transform == "multiply":  # elsewhere a small format may hide which of two values it was
        for dtype in subject.formats[1:]:
            watch_calls_if_it_works(watch(dtype=dtype), 12, trial.seed)
    if hasattr(subject, "strided") and len(job.shapes[0]) > 1:
        watch_calls_if_it_works(watch(strided=True), 16, trial.seed)


def _batches(job: _Job, trial: Trial, watch: Callable[..., Watch], budget: int) -> None:
    """The laws in one large batch; the rate alone in more of them, and in the other number formats."""
    shape = job.shapes[0]
    bits = int(np.prod(job.scheme.bit_shape(shape)))
    size = min(budget, LARGEST_BATCH)
    large = large_shape(job.scheme, shape, size) if job.scheme.weight is None else None
    if large is None:
        trial.left_out("one batch", "the bits of this scheme do not grow with the batch")
        return
    if np.prod(job.scheme.bit_shape(large)) <= 4 * bits:
        trial.left_out("one batch", "the budget is smaller")
        return
    watch_large_batch(watch(shape=large, check="one batch"), trial.seed)
    more = budget // LARGEST_BATCH
    if more > 1:
        watch_rate(watch(shape=large, check="one batch"), more - 1, trial.seed)
    if job.scheme.transform == "multiply":
        for dtype in job.make(job.q).formats[1:]:
            watch_rate(watch(shape=large, check="one batch", dtype=dtype), max(1, more), trial.seed)


def _answer(job: _Job, trial: Trial, false_alarm: float) -> DropoutReport:
    done = dict(trial.done)
    if len(done.get("laws", done.get("value", []))) and not job.fixed:
        trial.did("other rates", ", ".join(str(r) for r in COMPANIONS if r != job.q))
    return DropoutReport(
        subject=job.name,
        scheme=job.scheme.describe(),
        q=job.q,
        checked=tuple((name, "; ".join(trial.done[name][:12])) for name in CHECKS if name in trial.done),
        skipped=tuple(trial.skipped.items()),
        calls=trial.calls,
        bits=trial.bits,
        log_evidence=max(trial.log_evidence, log(1e-9)),
        false_alarm=false_alarm,
        seed=trial.seed,
    )
