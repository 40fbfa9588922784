"""What ``exactdropout derive`` prints beside the formulas: derivatives, stretches of q, activation regions."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable, Mapping
from typing import Any

from exactdropout.cli.arguments import cost_limit, wants_progress
from exactdropout.cli.output import print_formula, print_json
from exactdropout.errors import InvalidInput
from exactdropout.model.numbers import format_rational
from exactdropout.notation.names import check_apart, parameter_name, symbol_name
from exactdropout.notation.style import Style
from exactdropout.notation.text import expression_text
from exactdropout.notation.tree import Name

__all__ = ["Forms", "Listed", "add_derivatives", "print_derivatives", "wanted"]

_ON_REGIONS = ("criterion", "penalty", "risk")
_IN_WEIGHTS = ("criterion", "risk", "penalty", "mean", "variance")
_QUANTITIES = ("criterion", "penalty", "variance", "bias", "risk")


def add_derivatives(command: argparse.ArgumentParser) -> None:
    """Add the options."""
    command.add_argument(
        "--gradient", nargs="?", const="criterion", choices=_IN_WEIGHTS, metavar="QUANTITY", help="derivatives of the "
        "criterion, or of another quantity, in all weights",
    )  # fmt: skip
    command.add_argument(
        "--hessian", nargs="?", const="criterion", choices=_IN_WEIGHTS, metavar="QUANTITY",
        help="the second derivatives",
    )  # fmt: skip
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
    return bool(options.gradient or options.hessian or options.derivative_q or options.monotone or options.regions)


def print_derivatives(problem: dict[str, Any], options: argparse.Namespace, style: Style) -> int:
    """Print derivatives, stretches and regions; the formulas themselves only where ``--quantity`` asks for them."""
    from exactdropout.claims.derived_claims import derivation, derived_claims
    from exactdropout.claims.language.syntax import aligned_latex, claim_latex, claim_text
    from exactdropout.cli.derivatives_in_words import latex_blocks
    from exactdropout.notation.document import display, document

    if options.closed_form or options.assume:
        raise InvalidInput("Arguments '--closed-form' and '--assume' must stand without derivatives.")
    if (options.code or options.mathml) and (options.monotone or options.regions):
        raise InvalidInput("Arguments '--code' and '--mathml' must stand without '--monotone' and '--regions'.")
    if options.limit < 1:
        raise InvalidInput(f"Argument '--limit' must be at least 1, not {options.limit}.")
    limit = cost_limit(options.max_cost)
    found = derivation(**problem, max_cost=limit, progress=wants_progress(options))
    check_apart(map(str, found.symbols), style)
    content = _content(found, options, limit, style)
    if options.code or options.mathml:
        return _print_formulas(found, content, options, style)
    claims = {}
    if options.quantity:
        claims = derived_claims(**problem, quantities=options.quantity, max_cost=limit, compact=options.compact)
    if options.json:
        shown = {n: {"text": claim_text(c, style), "latex": claim_latex(c, style)} for n, c in claims.items()}
        print_json("derive", {**shown, **content})
    elif options.latex or style.standalone:
        blocks = [aligned_latex(c, display(style)) for c in claims.values()]
        blocks += latex_blocks(found, content, display(style), stationary=options.stationary)
        print(document(*blocks) if style.standalone else "\n".join(blocks))
    else:
        print_formula("\n".join([*(claim_text(c, style) for c in claims.values()), *_lines(content, _at(found))]))
    return 0


def _print_formulas(derivation: Any, content: dict[str, Any], options: argparse.Namespace, style: Style) -> int:
    """Print code or MathML, of what ``--quantity`` asks for and of each derivative."""
    from exactdropout.cli.derivative_forms import formula_forms
    from exactdropout.symbolic.criterion.symbols_for_entries import network_parameters

    formulas = {}
    for name in options.quantity or ():
        formula = derivation.compact(name) if options.compact else getattr(derivation, name)
        formulas[name] = formula[0] if name == "mean" else formula
    trees = (_parameter(parameter, derivation) for parameter in network_parameters(derivation.network))
    names = {expression_text(tree, style): tree for tree in trees}
    forms = formula_forms(formulas, content, names, options.code, style)
    if options.json:
        print_json("derive", forms)
    else:
        print(
            ("\n\n" if options.code else "\n").join(text for form in forms.values() for text in form.values()).rstrip()
        )
    return 0


class Forms(dict[str, Any]):
    """Text and LaTeX of a formula, which they come with."""

    def __init__(self, formula: Any, style: Style, **place: str) -> None:
        """Print in one line; ``place`` says what the formula belongs to."""
        super().__init__(**place, text=formula.text(style), latex=formula.latex(style.inline()))
        self.formula = formula


def _content(derivation: Any, options: argparse.Namespace, max_cost: float | None, style: Style) -> dict[str, Any]:
    """Return what was asked for as a JSON object."""
    if options.stationary and not options.regions:
        raise InvalidInput("Argument '--stationary' must stand beside '--regions'.")
    limits = {} if max_cost is None else {"max_cost": max_cost}
    content: dict[str, Any] = {}
    if options.gradient:
        content["gradient"] = _gradient(derivation.gradient(options.gradient, **limits), derivation, style)
    if options.hessian:
        content["hessian"] = _hessian(derivation.hessian(options.hessian, **limits), derivation, style)
    if options.derivative_q:
        layers = _moving(derivation)
        content["derivative_q"] = {n: Forms(derivation.derivative_q(n, layers), style) for n in options.derivative_q}
    if options.monotone:
        content["monotone"] = {name: _stretches(stretches_of(derivation, name)) for name in options.monotone}
    if options.regions:
        content["regions"] = _regions(derivation, limits, options, style)
    return content


def _moving(derivation: Any) -> list[int]:
    """Return the layers whose rate is q; where all have one rate that is a number, all."""
    free = [layer for layer, rate in enumerate(derivation.rates) if getattr(rate, "free_symbols", ())]
    if not free and len(set(derivation.rates)) > 1:
        raise InvalidInput("Argument '--q' must hold q for a derivative in q, or be one number for all layers.")
    return free or list(range(len(derivation.rates)))


def _at(derivation: Any) -> str:
    """Return where a derivative in q is taken, if q is a number."""
    free = any(getattr(rate, "free_symbols", ()) for rate in derivation.rates)
    return "" if free else f" at q = {derivation.rates[0]}"


def _gradient(found: Any, derivation: Any, style: Style) -> dict[str, Any]:
    from exactdropout.symbolic.criterion.symbols_for_entries import network_parameters

    entries = []
    for parameter in network_parameters(derivation.network):
        array = (found.biases if parameter.source is None else found.weights)[parameter.layer]
        place = parameter.unit if parameter.source is None else (parameter.unit, parameter.source)
        name = expression_text(_parameter(parameter, derivation), style)
        entries.append(Forms(array[place], style, parameter=name))
    return {"quantity": found.quantity, "entries": entries}


def _hessian(found: Any, derivation: Any, style: Style) -> dict[str, Any]:
    names = [expression_text(_parameter(parameter, derivation), style) for parameter in found.parameters]
    return {
        "quantity": found.quantity,
        "parameters": names,
        "entries": [
            Forms(found.matrix[a, b], style, row=names[a], column=names[b])
            for a in range(len(names))
            for b in range(a, len(names))
        ],
    }


def _parameter(parameter: Any, derivation: Any) -> Name:
    """Return the name of a weight or bias."""
    arch = derivation.network.architecture
    return parameter_name(parameter.layer, parameter.unit, parameter.source, arch.depth, arch.outputs)


def _end(end: Any) -> dict[str, Any]:
    polynomial = [str(c) for c in end.minimal_polynomial]
    return {"value": str(end), "minimal_polynomial": polynomial, "interval": [str(end.low), str(end.high)]}


def stretches_of(derivation: Any, quantity: str) -> Any:
    """Return where a quantity rises and falls in q.

    Raises:
        InvalidInput: it depends on more than q; the option is named as it was typed.
    """
    try:
        return derivation.monotone(quantity)
    except InvalidInput as error:
        raise InvalidInput(str(error).replace("Argument 'quantity'", "Argument '--monotone'")) from None


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


def _regions(derivation: Any, limits: Mapping[str, float], options: argparse.Namespace, style: Style) -> dict[str, Any]:
    from exactdropout.symbolic.regions.regions import condition

    asked = tuple(dict.fromkeys(name for name in options.quantity or () if name in _ON_REGIONS)) or ("criterion",)
    # the hinges of the risk, which are others where there are hidden biases, cut finer
    found = derivation.regions(
        "criterion" if asked == ("criterion",) else "penalty", **limits, progress=wants_progress(options)
    )

    def named(symbol: Any) -> str:
        return expression_text(symbol_name(str(symbol)), style)

    regions = []
    for region in itertools.islice(found, options.limit):
        one = {
            "signs": list(region.signs),
            "inequalities": [f"{f.text(style)} {relation} 0" for f, relation in map(condition, region.inequalities)],
            "sample": {named(s): format_rational(v) for s, v in region.sample.items()},
            **{name: Forms(getattr(region, name), style) for name in asked},
        }
        if options.stationary:
            one["stationary"] = _stationary(region.stationary_points(), named)
        regions.append(one)
    return {
        "count": len(found),
        "complete": found.complete,
        "undecided": len(found.undecided),
        "quantities": list(asked),
        "hinges": [f.text(style) for f in found.hinges],
        "regions": Listed(regions, found),
    }


class Listed(list[Any]):
    """Regions as JSON objects, and the object that they come from."""

    def __init__(self, items: list[Any], regions: Any) -> None:
        """Keep both."""
        super().__init__(items)
        self.regions = regions


def _stationary(found: Any, named: Callable[[Any], str]) -> dict[str, Any]:
    return {"status": found.status, "reason": found.reason, "points": [p.text(named) for p in found.points]}


def _lines(content: dict[str, Any], at: str) -> list[str]:
    """Return the same for people."""
    lines = []
    for entry in content.get("gradient", {}).get("entries", ()):
        lines.append(f"d {content['gradient']['quantity']} / d {entry['parameter']} = {entry['text']}")
    for entry in content.get("hessian", {}).get("entries", ()):
        lines.append(f"d^2 {content['hessian']['quantity']} / d {entry['row']} d {entry['column']} = {entry['text']}")
    for name, forms in content.get("derivative_q", {}).items():
        lines.append(f"d {name} / d q{at} = {forms['text']}")
    for name, found in content.get("monotone", {}).items():
        for s in found["stretches"]:
            lines.append(f"{name}: {s['direction']} on ({s['low']['value']}, {s['high']['value']})")
        for p in found["pieces"]:
            lines.append(f"{name} = {p['text']} for q from {p['low']['value']} to {p['high']['value']}")
    if "regions" in content:
        lines += _region_lines(content["regions"])
    return lines


def _region_lines(found: dict[str, Any]) -> list[str]:
    state = "complete" if found["complete"] else f"{found['undecided']} sign patterns undecided"
    lines = [f"{found['count']} regions ({state})"]
    for number, region in enumerate(found["regions"], 1):
        lines.append(f"region {number}: {', '.join(region['inequalities']) or 'all weights'}")
        lines.append("  sample: " + ", ".join(f"{name} = {value}" for name, value in region["sample"].items()))
        lines += [f"  {name} = {region[name]['text']}" for name in found["quantities"]]
        if "stationary" in region:
            stationary = region["stationary"]
            lines.append(f"  stationary points: {stationary['status']} ({stationary['reason']})")
            lines += [f"    {point}" for point in stationary["points"]]
    if found["count"] > len(found["regions"]):
        lines.append(f"... and {found['count'] - len(found['regions'])} more")
    return lines
