"""``exactdropout compare``: what approximations of the mean over all masks say, beside the truth."""

from __future__ import annotations

import argparse
import math
from typing import Any

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
from exactdropout.cli.output import counted, json_number, print_json, print_table, print_words
from exactdropout.errors import InvalidInput
from exactdropout.model.numbers import format_rational, parse_rational, show
from exactdropout.notation.chart import check_suffix, without_display, write_picture

__all__ = ["add"]

EXIT_INTERRUPTED = 130
METHODS = ("sampling", "diagonal", "gaussian", "second-order", "scaled")
QUANTITIES = ("criterion", "risk", "penalty", "variance", "bias")


def add(commands: Any) -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "compare",
        help="how wrong sampling, moment propagation and other approximations are on your network",
        description="Print what approximations of the dropout criterion say, and their errors: in total, per row, in "
        "the gradient and in the law of the output. The truth is the exact value, or an interval with a proved "
        "probability where the masks are too many.",
        allow_abbrev=False,
    )
    add_inputs(command)
    add_rate(command, required=False)
    command.add_argument(
        "--method", action="append", choices=METHODS, help="compare this method only (repeat); all five by default"
    )
    command.add_argument(
        "--samples", type=int, default=100, metavar="T", help="masks for each row that sampling averages (100)"
    )
    command.add_argument("--seed", type=int, default=0, help="of the sampled masks (0)")
    command.add_argument("--gradient", action="store_true", help="compare the gradients too")
    command.add_argument(
        "--law", action="append", type=int, metavar="ROW", help="compare the law of the output for this row, the first "
        "being 1 (repeat)",
    )  # fmt: skip
    command.add_argument("--per-example", action="store_true", help="also print each row's exact moments and errors")
    command.add_argument(
        "--seconds", metavar="SECONDS", help="beyond enumeration: sample the proved interval about so long (10)"
    )
    command.add_argument(
        "--confidence", default="0.999999999", metavar="P", help="beyond enumeration: its probability (0.999999999)"
    )
    command.add_argument("--threads", type=int, help="threads of the exact evaluation, or of the interval")
    command.add_argument("--plot", metavar="FILE", help="draw the errors, in total and per row (.svg, .png or .pdf)")
    add_cost(command)
    form = command.add_mutually_exclusive_group()
    form.add_argument("--latex", action="store_true", help="print the table as LaTeX")
    add_json(form)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Read, compare, print."""
    import exactdropout as xd

    if options.plot:
        check_suffix(options.plot, "--plot")
        without_display()
    seconds = None if options.seconds is None else float(parse_rational(options.seconds, "--seconds"))
    network, data = load_inputs(options)
    if options.q is None:
        raise InvalidInput(
            "Argument '--q' must be given: a drop probability such as 1/2, or one per layer such as 0,1/2."
        )
    for row in options.law or ():
        if not 1 <= row <= len(data):
            raise InvalidInput(f"Argument '--law' must be a row from 1 to {len(data)}, not {show(row)}.")
    found = xd.compare(
        network, data, drop_probability(options.q), methods=options.method, samples=options.samples, seed=options.seed,
        gradient=options.gradient, laws=[row - 1 for row in options.law or ()], seconds=seconds,
        confidence=options.confidence, max_cost=cost_limit(options.max_cost), threads=options.threads,
        progress=wants_progress(options),
    )  # fmt: skip
    if options.json:
        print_json("compare", _json(options, found))
    elif options.latex:
        print(found.latex())
    else:
        _print(options, network, data, found)
    if options.plot:
        from exactdropout.comparison.picture import draw_both

        write_picture(draw_both(found), options.plot, "--plot")
        complain(f"wrote {options.plot}")
    return EXIT_INTERRUPTED if found.truth.interrupted else 0


def _print(options: argparse.Namespace, network: Any, data: Any, found: Any) -> None:
    title = f"{network.architecture}, {counted(len(data), 'example')}, q = {options.q}: the truth is {_known(found)}"
    header = ("method", "criterion", "error", "penalty", "error", "variance", "error", "bias", "error")
    print_table(title, header, found.lines(), numeric=range(1, 9))
    if found.evaluation is not None:
        _print_rows(options, found)
    else:
        _print_row_intervals(options, found)
    for name, why in found.left_out.items():
        complain(f"without {name!r}: {why}")
    if found.laws:
        rows = [(found[d.name].title, str(d.row + 1), str(d.output), f"{d.distance:.4f}") for d in found.laws]
        print_table(
            "Kolmogorov's distance of each method's law to the exact law of the output (the largest error of a "
            "probability P(D <= t))",
            ("method", "row", "output", "distance"), rows, numeric=(1, 2, 3),
        )  # fmt: skip
    if found.sampling_error is not None and "sampling" in (a.name for a in found.approximations):
        print_words(
            f"The exact standard error of the criterion from {found.samples:,} masks is {found.sampling_error[1]:.6g}; "
            f"seed {found.seed} gave one draw."
        )


def _known(found: Any) -> str:
    if found.evaluation is None:
        return f"in the interval {found.truth.how_sure}"
    plan = found.evaluation.plan
    return f"the mean over all 2^{plan.mask_bits} masks, {plan.strategy} ({found.evaluation.exactness})"


def _print_rows(options: argparse.Namespace, found: Any) -> None:
    header = ["method", "mean, in deviations", "variance, worst row"]
    rows = []
    for method in found.approximations:
        errors = found.rows(method.name)
        row = [method.title, f"{errors.mean_in_deviations:.4f}", _share(errors.worst_variance)]
        rows.append([*row, _share(found.gradient_error(method.name))] if options.gradient else row)
    header += ["gradient, relative"] if options.gradient else []
    print_table(
        "Errors over the rows: root mean square of the mean's over the exact standard deviation; of the variance",
        header, rows, numeric=range(1, len(header)),
    )  # fmt: skip
    if options.per_example:
        all_errors = [found.rows(method.name) for method in found.approximations]
        exact = all_errors[0]
        cells = [
            (
                str(i + 1), str(o), f"{exact.exact_mean[i, o]:.6g}", f"{exact.exact_variance[i, o]:.6g}",
                *(f"{_share(float(e.relative_variance[i, o]), sign=True)}" for e in all_errors),
            )
            for i, o in _pairs(exact.exact_mean.shape)
        ]  # fmt: skip
        print_table(
            "Each row's exact mean and variance, and the relative error of each method's variance",
            ("row", "output", "mean", "variance", *(m.title for m in found.approximations)),
            cells,
            numeric=range(4 + len(all_errors)),
        )


def _print_row_intervals(options: argparse.Namespace, found: Any) -> None:
    """Print where the methods' standard deviations lie beside the proved intervals; a star is outside."""
    print_table(
        "Rows whose standard deviation lies outside its proved interval",
        ("method", "share of the rows"),
        [(m.title, _share(found.rows_proved_wrong(m.name))) for m in found.approximations],
        numeric=(1,),
    )
    if options.per_example:
        rows = found.truth.rows
        cells = []
        for i, o in _pairs(rows.mean_low.shape):
            known = rows.deviation(i, o)
            by_method = [float(m.row_variance[i, o]) ** 0.5 for m in found.approximations]
            shown = [f"{value:.4g}{'' if value in known else '*'}" for value in by_method]
            cells.append((str(i + 1), str(o), *rows.mean(i, o).ends(), *known.ends(), *shown))
        print_table(
            "Each row's mean and standard deviation, proved, and the standard deviation by each method (*: outside)",
            ("row", "output", "mean from", "to", "deviation from", "to", *(m.title for m in found.approximations)),
            cells,
            numeric=range(6 + len(found.approximations)),
        )


def _pairs(shape: tuple[int, int]) -> list[tuple[int, int]]:
    return [(i, o) for i in range(shape[0]) for o in range(shape[1])]


def _share(value: float, *, sign: bool = False) -> str:
    if not math.isfinite(value):
        return "infinite"
    return f"{value:{'+' if sign else ''}.2%}"


def _json(options: argparse.Namespace, found: Any) -> dict[str, Any]:
    def ends(interval: Any) -> dict[str, Any]:
        low, high = (end if math.isfinite(end) else None for end in interval)
        return {"at_least": low, "at_most": high}

    content: dict[str, Any] = {
        "q": options.q,
        "truth": found.truth.how_sure,
        "confidence": format_rational(found.truth.confidence),
        "certain": found.truth.certain,
        **{name: ends(getattr(found.truth, name)) for name in QUANTITIES},
        "samples": found.samples,
        "seed": found.seed,
        "sampling_error": None if found.sampling_error is None else list(found.sampling_error),
        "left_out": dict(found.left_out),
        "methods": [],
    }
    for method in found.approximations:
        entry: dict[str, Any] = {"name": method.name, "title": method.title}
        for name in QUANTITIES:
            relative = ends(found.relative_error(method.name, name))
            entry[name] = {"value": getattr(method, name), "error": ends(found.error(method.name, name))}
            entry[name]["relative_error"] = relative
        entry["mean"] = list(method.mean)
        entry["laws"] = [
            {"row": d.row + 1, "output": d.output, "distance": d.distance} for d in found.laws if d.name == method.name
        ]
        if found.evaluation is not None:
            errors = found.rows(method.name)
            entry["mean_in_deviations"] = _finite(errors.mean_in_deviations)
            entry["worst_variance"] = _finite(errors.worst_variance)
            if options.gradient:
                entry["gradient_error"] = _finite(found.gradient_error(method.name))
        else:
            entry["rows_proved_wrong"] = found.rows_proved_wrong(method.name)
        if options.per_example:
            entry["per_example"] = [
                {"mean": m, "variance": v, "criterion": c}
                for m, v, c in zip(
                    method.row_mean.tolist(), method.row_variance.tolist(), method.row_criterion.tolist(), strict=True
                )
            ]
        content["methods"].append(entry)
    if options.per_example and found.evaluation is not None:
        table = found.evaluation.per_example
        content["per_example"] = [
            {"mean": [json_number(u) for u in m], "variance": [json_number(u) for u in v], "criterion": json_number(c)}
            for m, v, c in zip(table.mean.tolist(), table.variance.tolist(), table.criterion.tolist(), strict=True)
        ]
    return content


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
