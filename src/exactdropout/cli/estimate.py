"""``exactdropout estimate``: intervals with a proved probability for networks whose masks are too many to enumerate."""

from __future__ import annotations

import argparse
from typing import Any

from exactdropout.cli.arguments import add_inputs, add_json, add_rate, drop_probability, load_inputs, wants_progress
from exactdropout.cli.messages import complain
from exactdropout.cli.output import counted, print_json, print_table, print_words
from exactdropout.cli.processes import processes
from exactdropout.errors import InvalidInput
from exactdropout.model.numbers import format_rational, parse_rational, show

__all__ = ["add"]

EXIT_OPEN = 3
EXIT_INTERRUPTED = 130
QUANTITIES = {
    "criterion": "J_D, mean squared error with dropout",
    "risk": "R_P, the same without (certain)",
    "penalty": "criterion - risk = variance + bias",
    "variance": "E_P Var_R D",
    "bias": "penalty - variance",
}
COLUMNS = 80
"""The table has at most so many, wherever it goes."""


def add(commands: Any) -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "estimate",
        help="intervals with a proved probability, for networks too large to evaluate",
        description="Sample masks and print intervals that contain the exact values with a proved probability. What "
        "the exact engine can do in the same time, it does.",
        epilog="Exit codes: 0 an answer, 3 the width was not reached in the time, 130 interrupted (what is known is "
        "printed).",
        allow_abbrev=False,
    )
    add_inputs(command)
    add_rate(command, required=False)
    command.add_argument("--width", metavar="SHARE", help="stop when the criterion's interval is so wide: 5%% or 0.05")
    command.add_argument(
        "--seconds", metavar="SECONDS", help="stop after about so many seconds (10 where no width is asked for)"
    )
    command.add_argument(
        "--confidence", default="0.999999999", metavar="P", help="probability of all intervals together (0.999999999)"
    )
    command.add_argument("--seed", type=int, default=0, help="of the generator; the same seed gives the same masks (0)")
    command.add_argument(
        "--per-example", action="store_true", help="also intervals of each row's mean and standard deviation (what MC "
        "dropout reports), which hold at once with the others",
    )  # fmt: skip
    command.add_argument(
        "--gradient", action="store_true", help="also intervals of every entry of the criterion's gradient: the 20 "
        "furthest from 0 are printed, --json has all",
    )  # fmt: skip
    who = command.add_mutually_exclusive_group()
    who.add_argument("--threads", type=int, help="threads that sample; the bits are the same")
    who.add_argument("--workers", type=int, metavar="N", help="processes that sample, instead of threads")
    command.add_argument(
        "--checkpoint", metavar="FILE", help="journal of the state: a run that was stopped, or is to become narrower, "
        "goes on from it",
    )  # fmt: skip
    command.add_argument(
        "--max-cost", metavar="SECONDS",
        help="the exact engine answers where it takes at most so many seconds of one core (as long as the estimate may "
        "take; 0 always samples)",
    )  # fmt: skip
    add_json(command)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Read, estimate, print."""
    import exactdropout as xd

    width = None if options.width is None else _share(options.width)
    seconds = None if options.seconds is None else _number(options.seconds, "--seconds")
    cost = None if options.max_cost is None else _number(options.max_cost, "--max-cost")
    network, data = load_inputs(options)
    if options.q is None:
        raise InvalidInput(
            "Argument '--q' must be given: a drop probability such as 1/2, or one per layer such as 0,1/2."
        )
    with processes(options.workers) as executor:
        found = xd.estimate(
            network, data, drop_probability(options.q), width=width, seconds=seconds, confidence=options.confidence,
            seed=options.seed, rows=options.per_example, gradient=options.gradient, threads=options.threads,
            executor=executor, max_cost=cost,
            checkpoint=options.checkpoint, progress=wants_progress(options),
        )  # fmt: skip
    reached = width is None or found.criterion.relative_width <= width
    if options.json:
        print_json("estimate", _json(options, found, reached))
    else:
        _print(options, network, data, found)
    if found.interrupted:
        complain("interrupted; the intervals hold for what was sampled until then")
        if options.checkpoint:
            complain(f"{options.checkpoint} holds the state; the same command goes on from it")
        return EXIT_INTERRUPTED
    if not reached:
        complain(
            f"the interval is {found.criterion.relative_width:.2%} wide, not {options.width}; allow more --seconds"
        )
    return 0 if reached else EXIT_OPEN


def _number(text: str, name: str) -> float:
    return float(parse_rational(text, name))


def _share(text: str) -> float:
    """Return ``5%`` or ``0.05``."""
    value = parse_rational(text.removesuffix("%"), "--width") / (100 if text.endswith("%") else 1)
    if value <= 0:
        raise InvalidInput(f"Argument '--width' must be positive, such as 5% or 0.05, not {show(text)}.")
    return float(value)


def _print(options: argparse.Namespace, network: Any, data: Any, found: Any) -> None:
    rows = [(name, *getattr(found, name).ends(), meaning) for name, meaning in QUANTITIES.items()]
    for number, interval in enumerate(found.mean, 1):
        index = f" {number}" if len(found.mean) > 1 else ""
        rows.append((f"mean{index}", *interval.ends(), f"E_P E_R of output{index or ' D'}"))
    print_words(f"{network.architecture}, {counted(len(data), 'example')}, q = {options.q}")
    print_table(found.how_sure, ("quantity", "at least", "at most", "meaning"), rows, whole=(0, 1, 2), most=COLUMNS)
    if found.rows is not None:
        each = [
            (str(i + 1), *((str(o),) if len(found.mean) > 1 else ()), *found.rows.mean(i, o).ends(),
             *found.rows.deviation(i, o).ends())
            for i in range(len(found.rows)) for o in range(len(found.mean))
        ]  # fmt: skip
        header = ["row", *(["output"] if len(found.mean) > 1 else [])]
        header += ["mean at least", "at most", "standard deviation at least", "at most"]
        print_table("Mean and standard deviation of each row's output under dropout", header, each, most=COLUMNS)
    if found.gradient is not None:
        shown = [(name, *interval.ends()) for name, interval in found.gradient.largest()]
        title = f"Gradient of the criterion: the {len(shown)} of {found.gradient.entries:,} entries furthest from 0"
        print_table(title, ("entry", "at least", "at most"), shown, most=COLUMNS)
    if not found.certain:
        print_words(f"The criterion's interval is {100 * found.criterion.relative_width:.2g} % of its middle wide.")
        passes = f"{found.passes:,} {'pass' if found.passes == 1 else 'passes'}"
        print_words(f"{found.samples:,} masks sampled, {passes} after a pilot, seed {found.seed}.")


def _json(options: argparse.Namespace, found: Any, reached: bool) -> dict[str, Any]:
    def ends(interval: Any) -> dict[str, float]:
        return {"at_least": interval.low, "at_most": interval.high}

    return {
        "q": options.q,
        "truth": found.how_sure,
        "confidence": format_rational(found.confidence),
        "certain": found.certain,
        **{name: ends(getattr(found, name)) for name in QUANTITIES},
        "mean": [ends(interval) for interval in found.mean],
        "relative_width": found.criterion.relative_width if found.criterion.middle else None,
        "width_reached": reached,
        "interrupted": found.interrupted,
        "samples": found.samples,
        "passes": found.passes,
        "seed": found.seed,
        **({} if found.rows is None else {"per_example": _rows_json(found.rows, ends)}),
        **({} if found.gradient is None else {"gradient": _gradient_json(found.gradient)}),
    }


def _gradient_json(found: Any) -> dict[str, Any]:
    def lists(arrays: Any) -> list[Any]:
        return [None if array is None else array.tolist() for array in arrays]

    return {
        "weights": {"at_least": lists(found.weights_low), "at_most": lists(found.weights_high)},
        "biases": {"at_least": lists(found.biases_low), "at_most": lists(found.biases_high)},
    }


def _rows_json(rows: Any, ends: Any) -> list[dict[str, Any]]:
    outputs = range(rows.mean_low.shape[1])
    return [
        {"mean": [ends(rows.mean(i, o)) for o in outputs], "deviation": [ends(rows.deviation(i, o)) for o in outputs]}
        for i in range(len(rows))
    ]
