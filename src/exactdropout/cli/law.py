"""``exactdropout law``: the distribution of the output under dropout, for one input: exact, or a proved band."""

from __future__ import annotations

import argparse
from fractions import Fraction
from pathlib import Path
from typing import Any

from exactdropout.cli.arguments import (
    add_cost,
    add_json,
    add_network,
    add_rate,
    cost_limit,
    drop_probability,
    numbers,
    read_network,
    wants_progress,
)
from exactdropout.cli.messages import complain
from exactdropout.cli.output import print_json, print_table, print_words, value_text
from exactdropout.errors import InvalidInput
from exactdropout.model.numbers import format_rational, parse_rational, show
from exactdropout.notation.chart import axes_of, check_suffix, without_display, write_picture

__all__ = ["add"]

EXIT_INTERRUPTED = 130
QUANTILES = [Fraction(1, 20), Fraction(1, 4), Fraction(1, 2), Fraction(3, 4), Fraction(19, 20)]
SHOWN_ATOMS = 40
MOST_DRAWN = 6


def add(commands: Any) -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "law",
        help="the distribution of the output for one input: exact, or a proved confidence band",
        description="Print the exact law of D(W, x, R) for one input x: atoms, probabilities, quantiles. With --band, "
        "where that costs too much, a confidence band of the distribution function with a proved probability.",
        allow_abbrev=False,
    )
    add_network(command, "network file: .json, .npz, .onnx, .keras, .safetensors or .nnet; floats are taken exactly")
    command.add_argument("--x", required=True, help="input vector such as 1,-1/2 (write --x=-1,2 for a leading minus)")
    add_rate(command, required=False)
    command.add_argument(
        "--output", action="append", metavar="N", help="which output, from 0 (the default), or 'all' (repeat)"
    )
    command.add_argument(
        "--level", action="append", metavar="P", help="level of a quantile, such as 1/20 (repeat); five by default"
    )
    command.add_argument("--plot", metavar="FILE", help="draw the law or the band (.svg, .png or .pdf)")
    command.add_argument("--bins", type=int, default=40, help="of the histogram that --plot draws of many values (40)")
    command.add_argument("--band", action="store_true", help="sample a confidence band instead of the exact law")
    command.add_argument("--seconds", metavar="SECONDS", help="with --band: sample about so long (10)")
    command.add_argument(
        "--width", metavar="SHARE", help="with --band: stop when it is so wide in probability, 0.01 or 1%%"
    )
    command.add_argument(
        "--confidence", default="0.999999999", metavar="P", help="with --band: probability of the band (0.999999999)"
    )
    command.add_argument("--seed", type=int, default=0, help="with --band: of the generator (0)")
    add_cost(command)
    add_json(command)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Compute, draw and print the law or the band."""
    import exactdropout as xd

    if options.plot:
        check_suffix(options.plot, "--plot")
        without_display()
    levels = [_level(text) for text in options.level] if options.level else QUANTILES
    network = read_network(options)
    if options.q is None:
        raise InvalidInput(
            "Argument '--q' must be given: a drop probability such as 1/2, or one per layer such as 0,1/2."
        )
    outputs = _outputs(options.output, network.architecture.outputs)
    x, q = numbers(options.x, "--x"), drop_probability(options.q)
    if options.band:
        seconds = None if options.seconds is None else float(parse_rational(options.seconds, "--seconds"))
        found: Any = xd.law_band(
            network, x, q, width=None if options.width is None else _share(options.width), seconds=seconds,
            confidence=options.confidence, seed=options.seed, progress=wants_progress(options),
        )  # fmt: skip
    else:
        found = xd.output_law(
            network.exact(), x, q, max_cost=cost_limit(options.max_cost), progress=wants_progress(options)
        )
    if options.plot:
        _draw(options, found, outputs)
    if options.json:
        content = {"q": options.q}
        one = _band_json if options.band else _law_json
        if options.band:
            content |= _band_head(found)
        content |= one(found, outputs[0], levels)
        if len(outputs) > 1:
            content["outputs"] = [{"output": o} | one(found, o, levels) for o in outputs]
        print_json("law", content)
    else:
        for o in outputs:
            (_print_band if options.band else _print_law)(options, found, o, levels)
    if options.band and found.interrupted:
        complain("interrupted; the band holds for what was sampled until then")
        return EXIT_INTERRUPTED
    return 0


def _outputs(asked: list[str] | None, count: int) -> list[int]:
    if not asked:
        return [0]
    if "all" in asked:
        return list(range(count))
    for text in asked:
        if not text.isdecimal() or not int(text) < count:
            raise InvalidInput(f"Argument '--output' must be 'all' or satisfy 0 <= output < {count}, not {show(text)}.")
    return [int(text) for text in dict.fromkeys(asked)]


def _level(text: str) -> Fraction:
    level = parse_rational(text, "--level")
    if not 0 < level <= 1:
        raise InvalidInput(f"Argument '--level' must satisfy 0 < level <= 1, not {show(text)}.")
    return level


def _share(text: str) -> float:
    return float(parse_rational(text.removesuffix("%"), "--width") / (100 if text.endswith("%") else 1))


def _law_json(law: Any, output: int, levels: list[Fraction]) -> dict[str, Any]:
    one = law.marginal(output)
    return {
        "atoms": [
            {"value": format_rational(v[0]), "probability": format_rational(p)}
            for v, p in zip(one.values, one.probabilities, strict=True)
        ],
        "mean": format_rational(one.mean()[0]),
        "variance": format_rational(one.variance()[0]),
        "quantiles": {
            format_rational(level): format_rational(v) for level, v in zip(levels, one.quantiles(levels), strict=True)
        },
    }


def _print_law(options: argparse.Namespace, law: Any, output: int, levels: list[Fraction]) -> None:
    one = law.marginal(output)
    atoms = list(zip(one.values, one.probabilities, strict=True))
    if len(atoms) > SHOWN_ATOMS:
        atoms = sorted(sorted(atoms, key=lambda atom: -atom[1])[:SHOWN_ATOMS])
    shown = f"the {SHOWN_ATOMS} most likely of {len(one)}" if len(one) > SHOWN_ATOMS else f"all {len(one)}"
    print_table(
        f"Law of {_named(law, output)} under dropout, q = {options.q}: {shown} values, exact",
        ("value", "probability"),
        [(value_text(v[0]), value_text(p)) for v, p in atoms],
    )
    summary = [("mean", one.mean()[0]), ("variance", one.variance()[0])]
    summary += [
        (f"quantile {format_rational(level)}", v) for level, v in zip(levels, one.quantiles(levels), strict=True)
    ]
    print_table("Summary", ("quantity", "value"), [(name, value_text(v)) for name, v in summary])


def _named(found: Any, output: int) -> str:
    return "the output" if found.outputs == 1 else f"output {output}"


def _band_head(band: Any) -> dict[str, Any]:
    return {
        "truth": band.how_sure,
        "confidence": format_rational(band.confidence),
        "half_width": band.half_width,
        "samples": len(band.samples),
        "seed": band.seed,
        "interrupted": band.interrupted,
    }


def _band_json(band: Any, output: int, levels: list[Fraction]) -> dict[str, Any]:
    ends = [band.quantile(level, output) for level in levels]
    return {
        "range": {"at_least": float(band.low[output]), "at_most": float(band.high[output])},
        "quantiles": {
            format_rational(level): {"at_least": e.low, "at_most": e.high}
            for level, e in zip(levels, ends, strict=True)
        },
    }


def _print_band(options: argparse.Namespace, band: Any, output: int, levels: list[Fraction]) -> None:
    rows = [*band.lines(output, levels), ("range, certain", f"{band.low[output]:.6g}", f"{band.high[output]:.6g}")]
    print_table(
        f"Law of {_named(band, output)} under dropout, q = {options.q}",
        ("", "at least", "at most"), rows, numeric=(1, 2),
    )  # fmt: skip
    print_words(
        f"All this at once {band.how_sure}, and P(D <= t) within {band.half_width:.3g} for all t; "
        f"{len(band.samples):,} masks sampled, seed {band.seed}."
    )


def _draw(options: argparse.Namespace, found: Any, outputs: list[int]) -> None:
    """Draw up to six outputs one above the other."""
    drawn = outputs[:MOST_DRAWN]
    first = axes_of(None, (6.4, 1.0 + 2.6 * len(drawn)))
    figure = first.get_figure()
    figure.clf()
    rows = figure.subplots(len(drawn), 1, squeeze=False)[:, 0]
    for axes, output in zip(rows, drawn, strict=True):
        if options.band:
            found.plot(axes, output)
        else:
            found.plot(axes, output, bins=options.bins)
    write_picture(rows[0], Path(options.plot), "--plot")
