"""``exactdropout evaluate``: criterion, risk, penalty and their bounds for a network file and a data file."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Literal

from exactdropout.cli.arguments import (
    add_cost,
    add_inputs,
    add_json,
    add_rate,
    cost_limit,
    drop_probability,
    load_inputs,
    wants_progress,
)
from exactdropout.cli.messages import complain
from exactdropout.cli.output import bound_text, counted, json_number, print_json, print_table, print_words, value_text
from exactdropout.cli.processes import processes
from exactdropout.errors import CostLimitExceeded, InvalidInput
from exactdropout.model import Examples, Network
from exactdropout.model.arguments import MAX_SECONDS
from exactdropout.model.numbers import approximate, format_rational
from exactdropout.notation.chart import check_suffix, without_display, write_picture
from exactdropout.notation.numbers import matched
from exactdropout.numeric.over_q import rate_grid
from exactdropout.numeric.result import dyadic
from exactdropout.progress import amount

__all__ = ["add"]

QUANTITIES = ("criterion", "risk", "penalty", "variance", "bias")
MEANING = {
    "criterion": "J_D, mean squared error under dropout",
    "risk": "R_P, mean squared error without dropout",
    "penalty": "criterion - risk = variance + bias",
    "variance": "E_P Var_R D",
    "bias": "E_P (E_R D - W(x)) (E_R D + W(x) - 2y)",
}
SAMPLES = (1, 100, 10_000)
PLANNED = ("precision", "strategy", "max_cost")
LONG_SECONDS = 1.0
DEFAULT_GRID = "0:19/20:20"


def add(commands: Any) -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "evaluate",
        help="criterion, risk, penalty and their error bounds",
        description="Evaluate the dropout criterion, the risk and the penalty of a network on data, over all masks.",
        allow_abbrev=False,
    )
    add_inputs(command)
    add_rate(command, required=False)
    command.add_argument("--precision", type=int, metavar="DIGITS", help="intervals of this many decimal digits")
    command.add_argument("--per-example", action="store_true", help="also print each example's share")
    command.add_argument("--q-grid", metavar="GRID", help="criterion over several q: 0,1/4,1/2 or START:STOP:COUNT")
    command.add_argument("--plot", metavar="FILE", help="draw the grid over q (.svg, .png or .pdf)")
    command.add_argument("--plan", action="store_true", help="print the plan and its cost, evaluate nothing")
    command.add_argument(
        "--moments", type=int, choices=(2, 4), help="4 for the standard error of sampling, 2 without it; by default 4 "
        "unless only 2 is affordable, or known to the strategy",
    )  # fmt: skip
    command.add_argument("--strategy", help="name the strategy instead of letting the planner choose")
    who = command.add_mutually_exclusive_group()
    who.add_argument("--threads", type=int, help="threads of the float64 engine")
    who.add_argument("--workers", type=int, metavar="N", help="processes of the float64 engine, instead of threads")
    command.add_argument(
        "--checkpoint", metavar="FILE", help="journal of finished work: a run that was stopped goes on from it"
    )
    add_cost(command)
    add_json(command)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Read, evaluate, print."""
    import exactdropout as xd

    if options.plot:
        check_suffix(options.plot, "--plot")
        without_display()
    network, data = load_inputs(options)
    common = {
        "precision": options.precision,
        "strategy": options.strategy,
        "max_cost": cost_limit(options.max_cost),
    }
    if options.workers is not None and (options.precision is not None or network.kind != "float64"):
        raise InvalidInput(
            "Argument '--workers' is for float64 networks without '--exact' and '--precision'; "
            "only those work in chunks."
        )
    if options.q is None and not (options.q_grid or options.plot):
        raise InvalidInput(
            "Argument '--q' must be given: a drop probability such as 1/2, or one per layer such as 0,1/2."
        )
    if options.plan:
        q = drop_probability(options.q)
        plan = xd.plan(network, data, q, moments=_moments(options, network, data, q, common), **common)
        if options.json:
            print_json("plan", _plan_json(plan))
        else:
            print_words(str(plan))
        return 0
    common |= {"threads": options.threads, "progress": wants_progress(options)}
    if options.q_grid or options.plot:
        if options.checkpoint:
            raise InvalidInput(
                "Argument '--checkpoint' holds one evaluation; it cannot go with '--q-grid' or '--plot'."
            )
        rates = rate_grid(options.q_grid or DEFAULT_GRID, "--q-grid")
        with processes(options.workers) as executor:
            curve = xd.over_q(network, data, rates, executor=executor, **common)
        if options.plot:
            write_picture(curve.plot(), options.plot, "--plot")
            complain(f"wrote {options.plot}")
        _print_grid(options, curve.rates, curve.evaluations)
        return 0
    q = drop_probability(options.q)
    planned = {name: common[name] for name in PLANNED}
    common["moments"] = _moments(options, network, data, q, planned)
    if sys.stderr.isatty() and not options.json:
        announce(xd.plan(network, data, q, moments=common["moments"], **planned))
    try:
        with processes(options.workers) as executor:
            result = xd.evaluate(network, data, q, executor=executor, checkpoint=options.checkpoint, **common)
    except KeyboardInterrupt:
        if options.checkpoint:
            complain(f"{options.checkpoint} holds what was finished; the same command goes on from it")
        raise
    if options.json:
        print_json("evaluate", _result_json(options, result))
    else:
        _print_result(options, network, data, result)
    return 0


def _moments(
    options: argparse.Namespace, network: Network, data: Examples, q: Any, planned: dict[str, Any]
) -> Literal[2, 4]:
    """Return 4, or 2 where fourth moments cost too much or the named strategy does not know them."""
    import exactdropout as xd

    if options.moments is not None or options.precision is not None:
        return 2 if options.moments == 2 else 4
    limit = planned["max_cost"] or MAX_SECONDS
    try:
        xd.plan(network, data, q, moments=4, **{**planned, "max_cost": limit})
    except (CostLimitExceeded, InvalidInput):
        return 2
    return 4


def announce(plan: Any) -> None:
    """Say on standard error what a long evaluation is going to cost."""
    if plan.seconds >= LONG_SECONDS:
        print(
            f"all 2^{plan.mask_bits} masks by {plan.strategy}: {amount(plan.visited)} visits, "
            f"about {plan.seconds:.2g} s on one core",
            file=sys.stderr,
        )


def _print_result(options: argparse.Namespace, network: Network, data: Examples, result: Any) -> None:
    digits = options.precision or 17
    rows = [
        (name, value_text(getattr(result, name), digits), bound_text(result.error_bounds[name]), MEANING[name])
        for name in QUANTITIES
    ]
    title = (
        f"{network.architecture}, {counted(len(data), 'example')}, q = {options.q}: "
        f"all 2^{result.plan.mask_bits} masks, {result.plan.strategy} ({result.exactness})"
    )
    print_table(title, ("quantity", "value", "error at most", "meaning"), rows, whole=(1,))
    if result.per_example.squared_error_variance is not None:
        print_table(
            "A Monte-Carlo estimate of the criterion would have",
            ("masks per example", "standard error", "relative to the criterion"),
            [_sampling_row(n, result) for n in SAMPLES],
            numeric=(0, 1, 2),
        )
    elif options.moments is None:
        print_words(
            "No standard error of sampling: its fourth moments cost too much, or the strategy does not know them."
        )
    if options.per_example:
        _print_examples(result, digits)


def _sampling_row(masks: int, result: Any) -> tuple[str, str, str]:
    """Return the standard error, to six digits or those that its bound gives sense to; JSON has both ends."""
    low, high = result.standard_error(masks)
    if math.isinf(high):
        return (f"{masks:,}", "beyond float64", "-")
    middle = Fraction(low) + (Fraction(high) - Fraction(low)) / 2
    ends = (approximate(middle, 6), matched(middle, (Fraction(high) - Fraction(low)) / 2)[0])
    return (f"{masks:,}", min(ends, key=len), _percent(middle, dyadic(result.criterion)))


def _percent(part: Fraction, whole: Fraction) -> str:
    """Return the share as text, at any size."""
    if not whole:
        return "-"
    share = part / whole
    return f"{float(share):.2%}" if share < 10**6 else f"{approximate(100 * share, 4)}%"


def _print_examples(result: Any, digits: int) -> None:
    table = result.per_example
    rows = []
    for i, p in enumerate(result.probabilities):
        values = [value_text(getattr(table, name)[i], min(digits, 12)) for name in ("criterion", "risk", "penalty")]
        share = _percent(p * dyadic(table.criterion[i]), dyadic(result.criterion))
        bound = table.error_bounds["criterion"][i] if "criterion" in table.error_bounds else Fraction(0)
        rows.append((str(i + 1), format_rational(p), *values, bound_text(bound), share))
    header = ("example", "probability", "criterion", "risk", "penalty", "error at most", "share of J_D")
    print_table("Per example", header, rows, numeric=(0, 1, 2, 3, 4, 5, 6))


def _print_grid(options: argparse.Namespace, rates: Sequence[Fraction], results: Sequence[Any]) -> None:
    if options.json:
        rows = [
            {"q": format_rational(q)}
            | {name: json_number(getattr(r, name)) for name in QUANTITIES}
            | {"error_bounds": {name: json_number(r.error_bounds[name]) for name in QUANTITIES}}
            for q, r in zip(rates, results, strict=True)
        ]
        print_json("evaluate-grid", {"exactness": results[0].exactness, "grid": rows})
        return
    digits = options.precision or 15
    print_table(
        "Over the drop probability",
        ("q", "criterion", "risk", "penalty", "error at most"),
        [
            (
                format_rational(q),
                *(value_text(getattr(r, n), digits) for n in QUANTITIES[:3]),
                bound_text(r.error_bound),
            )
            for q, r in zip(rates, results, strict=True)
        ],
        numeric=(0, 1, 2, 3, 4),
    )


def _result_json(options: argparse.Namespace, result: Any) -> dict[str, Any]:
    content: dict[str, Any] = {"q": options.q, "exactness": result.exactness}
    content |= {name: json_number(getattr(result, name)) for name in QUANTITIES}
    content["mean"] = [json_number(v) for v in result.mean]
    content["error_bounds"] = {name: json_number(result.error_bounds[name]) for name in (*QUANTITIES, "mean")}
    fourth = result.per_example.squared_error_variance is not None
    content["standard_error"] = (
        {str(n): [_finite(v) for v in result.standard_error(n)] for n in SAMPLES} if fourth else None
    )
    content["plan"] = _plan_json(result.plan)
    if options.per_example:
        table = result.per_example
        names = ["output", "mean", "variance", "criterion", "risk", "penalty"]
        names += ["squared_error_variance"] if fourth else []
        content["per_example"] = [
            {"probability": format_rational(p)} | {name: _nested(getattr(table, name)[i]) for name in names}
            for i, p in enumerate(result.probabilities)
        ]
    return content


def _nested(value: Any) -> Any:
    return [json_number(v) for v in value.tolist()] if getattr(value, "ndim", 0) else json_number(_plain(value))


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


def _plan_json(plan: Any) -> dict[str, Any]:
    return {
        "strategy": plan.strategy,
        "exactness": plan.exactness,
        "mask_bits": plan.mask_bits,
        "visited": str(plan.visited),
        "cost": _finite(plan.cost),
        "memory_bytes": plan.memory,
        "seconds": _finite(plan.seconds),
        "reason": plan.reason,
        "runners_up": [{"strategy": r.strategy, "cost": _finite(r.cost), "reason": r.reason} for r in plan.runners_up],
    }


def _finite(value: float) -> float | None:
    """Return None for infinity, which JSON does not know."""
    return value if math.isfinite(value) else None
