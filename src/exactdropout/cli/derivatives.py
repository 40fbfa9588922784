"""What ``exactdropout derive`` prints beside the formulas: derivatives, stretches of q, activation regions."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Mapping
from typing import Any

from exactdropout.cli.arguments import cost_limit
from exactdropout.cli.output import print_json
from exactdropout.errors import InvalidInput
from exactdropout.model.numbers import format_rational

__all__ = ["add_derivatives", "print_derivatives", "wanted"]

_NAMES = {"v": "w", "w": "W", "c": "b"}  # the letters that claims use
_ON_REGIONS = ("criterion", "penalty", "risk")
_QUANTITIES = ("criterion", "penalty", "variance", "bias", "risk")


def add_derivatives(command: argparse.ArgumentParser) -> None:
    """Add the options."""
    command.add_argument("--hessian", action="store_true", help="second derivatives of the criterion in all weights")
    command.add_argument(
        "--derivative-q", action="append", choices=_QUANTITIES, metavar="QUANTITY", help="its derivative in q (repeat)"
    )  # fmt: skip
    command.add_argument(
        "--monotone", action="append", choices=_QUANTITIES, metavar="QUANTITY", help="where it rises and falls in q, "
        "everything else being a number (repeat)",
    )  # fmt: skip
    command.add_argument(
        "--regions",
        action="store_true",
        help="the activation regions in weight space, with the criterion "
        "on each, or with what --quantity names of criterion, penalty and risk",
    )
    command.add_argument(
        "--stationary", action="store_true", help="with --regions: the stationary points of the criterion in each"
    )
    command.add_argument("--limit", type=int, default=20, metavar="N", help="print so many regions (20)")


def wanted(options: argparse.Namespace) -> bool:
    """Return whether one of the options was given."""
    return bool(options.hessian or options.derivative_q or options.monotone or options.regions)


def print_derivatives(problem: dict[str, Any], options: argparse.Namespace) -> int:
    """Print derivatives, stretches and regions; the formulas themselves only where ``--quantity`` asks for them."""
    from exactdropout.claims.formulas import derivation, derived_claims

    if options.code or options.mathml or options.closed_form or options.assume:
        raise InvalidInput(
            "Arguments '--code', '--mathml', '--closed-form' and '--assume' must stand without derivatives."
        )
    if options.name or options.standalone or (options.index, options.environment) != ("subscript", "none"):
        raise InvalidInput(
            "Arguments '--name', '--index', '--environment' and '--standalone' must stand without derivatives."
        )
    limit = cost_limit(options.max_cost)
    content = _content(derivation(**problem, max_cost=limit), options, limit)
    claims = {}
    if options.quantity:
        claims = derived_claims(**problem, quantities=options.quantity, max_cost=limit)
    if options.json:
        print_json("derive", {**{n: {"text": str(c), "latex": c.latex()} for n, c in claims.items()}, **content})
    else:
        for line in [*(c.latex() if options.latex else str(c) for c in claims.values()),
                     *_lines(content, bool(options.latex))]:  # fmt: skip
            print(line)
    return 0


def _content(derivation: Any, options: argparse.Namespace, max_cost: float | None) -> dict[str, Any]:
    """Return what was asked for as a JSON object."""
    if options.limit < 1:
        raise InvalidInput(f"Argument '--limit' must be at least 1, not {options.limit}.")
    if options.stationary and not options.regions:
        raise InvalidInput("Argument '--stationary' must stand beside '--regions'.")
    limits = {} if max_cost is None else {"max_cost": max_cost}
    content: dict[str, Any] = {}
    if options.hessian:
        found = derivation.hessian(**limits)
        depth = derivation.network.architecture.depth
        names = [_entry(p, depth) for p in found.parameters]
        content["hessian"] = {
            "parameters": names,
            "entries": [
                {"row": names[a], "column": names[b], **_forms(found.matrix[a, b])}
                for a in range(len(names))
                for b in range(a, len(names))
            ],
        }
    if options.derivative_q:
        content["derivative_q"] = {name: _forms(derivation.derivative_q(name)) for name in options.derivative_q}
    if options.monotone:
        content["monotone"] = {name: _stretches(derivation.monotone(name)) for name in options.monotone}
    if options.regions:
        content["regions"] = _regions(derivation, limits, options)
    return content


def _entry(parameter: Any, depth: int) -> str:
    """Return the name of a weight or bias in the grammar of claims."""
    last = parameter.layer == depth - 1
    layer = "" if last else f"[{parameter.layer + 1}]"
    if parameter.source is None:
        return "b" if last else f"b{layer}[{parameter.unit + 1}]"
    return f"w[{parameter.source + 1}]" if last else f"W{layer}[{parameter.unit + 1},{parameter.source + 1}]"


def _forms(formula: Any) -> dict[str, str]:
    return {"text": formula.text(names=_NAMES), "latex": formula.latex(names=_NAMES)}


def _end(end: Any) -> dict[str, Any]:
    polynomial = [str(c) for c in end.minimal_polynomial]
    return {"value": str(end), "minimal_polynomial": polynomial, "interval": [str(end.low), str(end.high)]}


def _stretches(found: Any) -> dict[str, Any]:
    return {
        "stretches": [
            {"direction": s.direction, "low": _end(s.low), "high": _end(s.high)} for s in found.stretches
        ],
        "pieces": [
            {"low": _end(p.low), "high": _end(p.high), "text": str(p.function), "latex": p.function.latex()}
            for p in found.pieces
        ],
    }  # fmt: skip


def _regions(derivation: Any, limits: Mapping[str, float], options: argparse.Namespace) -> dict[str, Any]:
    asked = tuple(dict.fromkeys(name for name in options.quantity or () if name in _ON_REGIONS)) or ("criterion",)
    # the hinges of the risk, which are others where there are hidden biases, cut finer
    found = derivation.regions("criterion" if asked == ("criterion",) else "penalty", **limits)
    regions = []
    for region in itertools.islice(found, options.limit):
        one = {
            "signs": list(region.signs),
            "inequalities": [f"{f.text(names=_NAMES)} > 0" for f in region.inequalities],
            "sample": {_named(s): format_rational(v) for s, v in region.sample.items()},
            **{name: _forms(getattr(region, name)) for name in asked},
        }
        if options.stationary:
            one["stationary"] = _stationary(region.stationary_points())
        regions.append(one)
    return {
        "count": len(found),
        "complete": found.complete,
        "undecided": len(found.undecided),
        "quantities": list(asked),
        "hinges": [f.text(names=_NAMES) for f in found.hinges],
        "regions": regions,
    }


def _named(symbol: Any) -> str:
    """Return a weight or bias in the grammar of claims, as the formulas name it."""
    from exactdropout.notation.names import symbol_name
    from exactdropout.notation.style import Style
    from exactdropout.notation.text import expression_text

    return expression_text(symbol_name(str(symbol)), Style(names=_NAMES))


def _stationary(found: Any) -> dict[str, Any]:
    return {"status": found.status, "reason": found.reason, "points": [p.text(_named) for p in found.points]}


def _lines(content: dict[str, Any], latex: bool) -> list[str]:
    """Return the same for people."""
    form = "latex" if latex else "text"
    lines = []
    for entry in content.get("hessian", {}).get("entries", ()):
        lines.append(f"d^2 criterion / d {entry['row']} d {entry['column']} = {entry[form]}")
    for name, forms in content.get("derivative_q", {}).items():
        lines.append(f"d {name} / d q = {forms[form]}")
    for name, found in content.get("monotone", {}).items():
        for s in found["stretches"]:
            lines.append(f"{name}: {s['direction']} on ({s['low']['value']}, {s['high']['value']})")
        for p in found["pieces"]:
            lines.append(f"{name} = {p[form]} for q from {p['low']['value']} to {p['high']['value']}")
    if "regions" in content:
        lines += _region_lines(content["regions"], form)
    return lines


def _region_lines(found: dict[str, Any], form: str) -> list[str]:
    state = "complete" if found["complete"] else f"{found['undecided']} sign patterns undecided"
    lines = [f"{found['count']} regions ({state})"]
    for number, region in enumerate(found["regions"], 1):
        lines.append(f"region {number}: {', '.join(region['inequalities']) or 'all weights'}")
        lines.append("  sample: " + ", ".join(f"{name} = {value}" for name, value in region["sample"].items()))
        lines += [f"  {name} = {region[name][form]}" for name in found["quantities"]]
        if "stationary" in region:
            stationary = region["stationary"]
            lines.append(f"  stationary points: {stationary['status']} ({stationary['reason']})")
            lines += [f"    {point}" for point in stationary["points"]]
    if found["count"] > len(found["regions"]):
        lines.append(f"... and {found['count'] - len(found['regions'])} more")
    return lines
