"""``exactdropout minimize``: the certified global minimum of the dropout criterion of one hidden layer."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from exactdropout.cli.arguments import add_json, add_problem, add_rate, drop_probability, load_problem, wants_progress
from exactdropout.cli.output import counted, print_json, print_table, print_words, value_text
from exactdropout.errors import InvalidInput
from exactdropout.model.numbers import format_rational, parse_rational

__all__ = ["add"]

EXIT_OPEN_INTERVAL = 3
SHOWN_MINIMISERS = 20


def add(commands: Any) -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "minimize",
        help="the exact global minimum of the criterion, with proof",
        description="Minimise the dropout criterion over all weights of a network with one hidden relu layer: exact "
        "value, minimisers up to rescaling, sign patterns. Exit code 3 when only an interval was proved.",
        allow_abbrev=False,
    )
    add_problem(command)
    add_rate(command)
    command.add_argument("--nonnegative", action="store_true", help="over non-negative weights only (biases free)")
    command.add_argument("--time-limit", metavar="SECONDS", help="return the interval proved so far after this time")
    command.add_argument(
        "--weight-decay", metavar="LAMBDA", help="also print the minimum of the L2 criterion, where it is known"
    )
    command.add_argument("--certificate", metavar="FILE.json", help="write the proof for the independent checker")
    command.add_argument(
        "--every-width",
        action="store_true",
        help="also bounds for every number of hidden units n; --certificate then writes the proof of the infimum over "
        "all widths",
    )
    add_json(command)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Minimise and print."""
    from exactdropout.optimum import minimize

    architecture, data = load_problem(options)
    limit = None
    if options.time_limit is not None:
        limit = float(parse_rational(options.time_limit, "--time-limit"))
    if options.certificate and not options.certificate.endswith(".json"):
        raise InvalidInput(f"Argument '--certificate' must end in .json, not {options.certificate!r}.")
    decayed = None
    if options.weight_decay is not None:
        from exactdropout.optimum.weight_decay import weight_decay_minimum

        decayed = weight_decay_minimum(architecture, data, parse_rational(options.weight_decay, "--weight-decay"))
    best = minimize(
        architecture,
        data,
        drop_probability(options.q),
        nonnegative=options.nonnegative,
        time_limit=limit,
        progress=wants_progress(options),
    )
    if options.json:
        print_json("minimize", _json(options, best, decayed))
    else:
        _print(options, architecture, best, decayed)
    if options.certificate and options.every_width:
        from exactdropout.certificate import write_every_width_certificate

        write_every_width_certificate(best, options.certificate)
        if not options.json:
            units = f"{architecture.hidden[0]} unit{'s' * (architecture.hidden[0] != 1)}"
            print(f"The certificate proves the infimum as a lower bound at every width, and the value from {units} on.")
    elif options.certificate:  # after the result, which a certificate beyond the checker's limits must not lose
        from exactdropout.certificate import write_certificate

        complete = write_certificate(best, options.certificate)
        if not options.json and best.minimisers:
            words = "and that the list is complete up to equal responses" if complete else "not the list"
            print_words(f"The certificate proves the minimum, {words}.")
    return 0 if best.status == "certified" else EXIT_OPEN_INTERVAL


def _print(options: argparse.Namespace, architecture: Any, best: Any, decayed: Any) -> None:
    certified = best.status == "certified"
    rows = [("minimum", value_text(best.value))] if certified else [
        ("lower bound, proved", value_text(best.lower)),
        ("upper bound, attained", value_text(best.upper)),
    ]  # fmt: skip
    if best.infinite_width is not None:
        rows.append(("infimum over all widths", value_text(best.infinite_width)))
    if options.every_width and not options.nonnegative:
        rows += _every_width(best.every_width)
    if best.nonnegative is not None:
        other = best.nonnegative
        if other.value is not None:
            rows.append(("non-negative weights", value_text(other.value)))
        else:
            rows.append(("non-negative weights", f"in [{value_text(other.lower)}, {value_text(other.upper)}]"))
        words = {True: "yes", False: "no", None: "not decided by the proved intervals"}
        rows.append(("every minimiser has a negative weight", words[best.needs_negative_weight]))
    if decayed is not None:
        rows.append(
            (f"L2 criterion, lambda = {options.weight_decay}", f"{decayed} \N{ALMOST EQUAL TO} {float(decayed):.12g}")
        )
    rows.append(
        (
            "proof",
            f"{counted(len(best.proof.cuts), 'dual cut')}, {counted(best.nodes, 'relaxation')}, {best.seconds:.2f} s",
        )
    )
    kind = "non-negative weights" if options.nonnegative else "all weights"
    print_table(f"{architecture}, q = {options.q}, {kind}: {best.status}", ("quantity", "value"), rows)
    if certified and best.minimisers:
        shown = best.minimisers[:SHOWN_MINIMISERS]
        print_table(
            f"Minimisers up to rescaling and symmetry ({len(shown)} of {len(best.minimisers)}); "
            "a unit reads output sign (input weights|bias)",
            ("signs", "units", "output bias"),
            [(m.pattern, "; ".join(_unit(u) for u in m.units) or "-", value_text(m.output_bias)) for m in shown],
        )
        if not best.leaves_exhausted:
            print_words("There may be other minimisers: the search left some leaves at the minimum.")
        elif not options.certificate:
            print_words("The search found no others; --certificate FILE.json writes a proof that there are none.")


def _every_width(wide: Any) -> list[tuple[str, str]]:
    """Return both bounds, their numbers rounded to the side that keeps them true."""
    least = format_rational(wide.infinite)
    rate_below, offset = _rounded(wide.rate_below, math.floor), _rounded(wide.offset, math.ceil)
    above = f"{least} + {_rounded(wide.rate_above, math.ceil)}/(n - {wide.units})"
    return [
        ("minimum at every width n, at least", f"{least} + {rate_below}/(n + {offset})"),
        (f"minimum at every width n > {wide.units}, at most", above),
    ]


def _rounded(value: Fraction, towards: Callable[[Fraction], int]) -> str:
    """Return a number with six decimals, rounded down by ``math.floor`` or up by ``math.ceil``."""
    millionths = towards(value * 10**6)  # at least 0
    return f"{millionths // 10**6}.{millionths % 10**6:06}"


def _unit(unit: Any) -> str:
    weights = ", ".join(format_rational(w) for w in unit.weights)
    bias = "" if unit.bias is None else f" | {format_rational(unit.bias)}"
    sign = "+" if unit.sign > 0 else "-"
    return f"{unit.multiplicity} x {sign}({weights}{bias}){'' if unit.unique else ' not unique'}"


def _json(options: argparse.Namespace, best: Any, decayed: Any) -> dict[str, Any]:
    content: dict[str, Any] = {
        "q": options.q,
        "status": best.status,
        "lower": format_rational(best.lower),
        "upper": format_rational(best.upper),
        "infinite_width": None if best.infinite_width is None else format_rational(best.infinite_width),
        "needs_negative_weight": best.needs_negative_weight,
        "leaves_exhausted": best.leaves_exhausted,
        "minimisers": [
            {
                "pattern": m.pattern,
                "output_bias": format_rational(m.output_bias),
                "units": [
                    {
                        "sign": u.sign,
                        "weights": [format_rational(w) for w in u.weights],
                        "bias": None if u.bias is None else format_rational(u.bias),
                        "multiplicity": u.multiplicity,
                        "unique": u.unique,
                    }
                    for u in m.units
                ],
            }
            for m in best.minimisers
        ],
        "seconds": round(best.seconds, 3),
    }
    if options.every_width and not options.nonnegative:
        wide = best.every_width
        content["every_width"] = {
            "infinite": format_rational(wide.infinite),
            "rate_below": format_rational(wide.rate_below),
            "offset": format_rational(wide.offset),
            "rate_above": format_rational(wide.rate_above),
            "units": wide.units,
        }
    if decayed is not None:
        content["weight_decay"] = {"lambda": options.weight_decay, "minimum": str(decayed)}
    if best.nonnegative is not None:
        content["nonnegative"] = {
            "lower": format_rational(best.nonnegative.lower),
            "upper": format_rational(best.nonnegative.upper),
        }
    return content
