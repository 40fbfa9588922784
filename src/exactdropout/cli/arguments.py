"""Arguments that several commands share: files, drop probabilities, cost limits, output form."""

from __future__ import annotations

import argparse
import re
from fractions import Fraction
from typing import Any

from exactdropout.cli.messages import complain
from exactdropout.errors import InvalidInput
from exactdropout.model import Architecture, Examples, Network
from exactdropout.model.arguments import examples_of
from exactdropout.model.frameworks import FOREIGN_FILES, PICKLES
from exactdropout.model.numbers import format_rational, parse_rational, show
from exactdropout.model.tables import TABLES

__all__ = [
    "add_claim_problem",
    "add_cost",
    "add_inputs",
    "add_json",
    "add_names",
    "add_network",
    "add_problem",
    "add_rate",
    "add_relu",
    "claim_problem",
    "cost_limit",
    "drop_probability",
    "load_inputs",
    "load_problem",
    "numbers",
    "own_names",
    "read_network",
    "wants_progress",
]


_NETWORK_FILES = (".json", ".npz", *FOREIGN_FILES)
_DATA_FILES = (".json", ".npz", *TABLES)


def add_inputs(command: argparse.ArgumentParser) -> None:
    """Add the network and data files and what says how to read them."""
    add_network(command, "network file: .json, .npz, .onnx, .keras, .safetensors or .nnet")
    command.add_argument("data", help="examples, .csv, .tsv, .csv.gz (decimals are exact), .json or .npz")
    command.add_argument(
        "--label", action="append", metavar="COLUMN", help="label column of the CSV file (repeat for several outputs); "
        "the last column by default",
    )  # fmt: skip
    command.add_argument("--probability", metavar="COLUMN", help="column of probabilities; equal ones by default")
    command.add_argument(
        "--header",
        choices=("yes", "no"),
        help="whether the first row holds names, where 0,1,2 may be names or an example",
    )
    command.add_argument(
        "--exact", action="store_true", help="take every float64 as the exact rational it is, and answer in fractions"
    )


def add_network(command: argparse.ArgumentParser, words: str) -> None:
    """Add the network file, and what says how files of frameworks are read."""
    command.add_argument("network", help=words)
    command.add_argument(
        "--rates", choices=("dyadic", "decimal"), help="what the rates of a framework's file become: exactly what it "
        "stores (.onnx), or the shortest decimal, 1/5 for a float32 0.2 (.keras)",
    )  # fmt: skip
    command.add_argument(
        "--float64", action="store_true", help="take every fraction as the nearest float64, and answer in floats"
    )
    command.add_argument(
        "--architecture", metavar="TEXT", help="of a .safetensors file, which holds names and shapes only: '2-3-1 relu'"
    )


def read_network(options: argparse.Namespace) -> Network:
    """Return the network that the command line names, of floats with ``--float64``."""
    network = _read_network(options)
    if options.float64 and getattr(options, "exact", False):
        raise InvalidInput("Arguments '--exact' and '--float64' exclude each other.")
    return network.float64() if options.float64 else network


def _read_network(options: argparse.Namespace) -> Network:
    """Return the network as its file holds it; ``--q`` becomes that of a framework's file where it is left out.

    What was read from such a file is said on standard error, and that ``--q`` takes the place of its rates.
    """
    path, text = options.network, options.architecture
    if not path.lower().endswith((*FOREIGN_FILES, *PICKLES)):
        for name in ("rates", "architecture"):
            if getattr(options, name) is not None:
                raise InvalidInput(f"Argument '--{name}' is for files of frameworks, not for {show(path)}.")
        return Network.load(path)
    from exactdropout.interop import load

    found = load(path, rates=options.rates, architecture=text)
    for note in found.notes:
        complain(f"{path}: {note}")
    rates = None if found.q is None else ",".join(map(format_rational, found.q))
    if options.q is None and rates is None and not (getattr(options, "q_grid", None) or getattr(options, "plot", None)):
        raise InvalidInput(f"Argument '--q' must be given: {show(path)} holds no drop rates.")
    if options.q is None and rates is not None:
        options.q = rates
        complain(f"{path}: --q {rates}, read from the file ({found.rates_are})")
    elif rates is not None:
        complain(f"{path}: --q {options.q} takes the place of the file's {rates} ({found.rates_are})")
    return found.network


def load_inputs(options: argparse.Namespace) -> tuple[Network, Examples]:
    """Read the network and the examples that the command line names."""
    network = read_network(options)
    if options.label or options.probability or options.header:
        if not options.data.lower().endswith(TABLES):
            raise InvalidInput(
                f"Arguments '--label', '--probability' and '--header' need a file ending in {', '.join(TABLES)}, "
                f"not {show(options.data)}."
            )
        data = Examples.from_csv(
            options.data, label=options.label, probability=options.probability,
            header=None if options.header is None else options.header == "yes", progress=wants_progress(options),
        )  # fmt: skip
    else:
        data = Examples.load(options.data, progress=wants_progress(options))
    return (network.exact(), data.exact()) if options.exact else (network, data)


def add_problem(command: argparse.ArgumentParser) -> None:
    """Add an architecture with one hidden layer and an example distribution, as text or as files."""
    command.add_argument(
        "--architecture", required=True, metavar="TEXT", help="'2-3-1 relu, no biases', or a network file (.json, .npz)"
    )
    command.add_argument(
        "--data", required=True, metavar="TEXT",
        help="'half(1, 1)' (Definition 1: half the mass on x = (1, ..., 1) with label 1, half on the origin), "
        "'point((1, -2), 3)' (all mass on one example), or a file: .csv (decimals are exact), .json or .npz",
    )  # fmt: skip


def load_problem(options: argparse.Namespace) -> tuple[Architecture, Examples]:
    """Return the architecture and the examples that the command line names."""
    text = options.architecture
    architecture = _file_network(text).architecture if text.endswith(_NETWORK_FILES) else Architecture(text)
    data = Examples.load(options.data).exact() if options.data.lower().endswith(_DATA_FILES) else options.data
    return architecture, examples_of(data, architecture)


def _file_network(path: str) -> Network:
    if not path.endswith(FOREIGN_FILES):
        return Network.load(path)
    from exactdropout.interop import load

    return load(path).network


def add_rate(command: argparse.ArgumentParser, *, required: bool = True) -> None:
    """Add ``--q`` where it must be a number."""
    command.add_argument(
        "--q", required=required, help="drop probability such as 1/2 or 0.5, or one per layer, inputs first: 0,1/2"
    )


def add_claim_problem(command: argparse.ArgumentParser, *, required: bool = True) -> None:
    """Add an architecture (sizes may be symbols), an example and drop rates, as text or files."""
    command.add_argument(
        "--architecture", required=required, metavar="TEXT",
        help="'2-3-1 relu, no biases', 'K-n^(d-1)-1 linear, biases', or a network file (.json, .npz)",
    )  # fmt: skip
    command.add_argument(
        "--data",
        metavar="TEXT",
        help="'point(x, y)' (the default), 'half(1, 1)', 'point((1, -2), y)', a file, or (in check) 'design(X, y)'",
    )
    command.add_argument("--q", help="drop probability: a number, q (the default), or one per layer such as '0, q'")


def claim_problem(options: argparse.Namespace) -> dict[str, Any]:
    """Return architecture, examples and rates as ``check`` takes them."""
    text = options.architecture
    architecture: Any = _file_network(text).exact() if text and text.endswith(_NETWORK_FILES) else text
    data: Any = options.data
    if data is not None and data.lower().endswith(_DATA_FILES):
        data = Examples.load(data).exact()
    return {"architecture": architecture, "data": data, "q": options.q}


def add_names(command: argparse.ArgumentParser, words: str) -> None:
    """Add ``--name``."""
    command.add_argument("--name", action="append", metavar="NAME=OWN", help=f"{words}, such as w=a (repeat)")


def add_relu(command: argparse.ArgumentParser) -> None:
    """Add ``--relu``."""
    command.add_argument(
        "--relu", choices=("word", "plus"), default="word", help="print relu(z), or (z)_+ (in text and LaTeX)"
    )


def own_names(options: argparse.Namespace) -> dict[str, str]:
    """Return what ``--name`` says."""
    names = {}
    for text in options.name or ():
        name, equals, own = text.partition("=")
        if not equals:
            raise InvalidInput(f"Argument '--name' must be such as w=a, not {show(text)}.")
        names[name] = own
    return names


def add_cost(command: argparse.ArgumentParser) -> None:
    """Add the cost limit."""
    command.add_argument(
        "--max-cost",
        metavar="SECONDS",
        help="refuse before starting what is estimated to take more seconds of one core (60; 'inf': never)",
    )


def add_json(command: argparse.ArgumentParser) -> None:
    """Add ``--json``."""
    command.add_argument("--json", action="store_true", help="print one JSON object (schema in the documentation)")


def cost_limit(text: str | None) -> float | None:
    """Return ``--max-cost`` as a number."""
    if text is None:
        return None
    if text == "inf":
        return float("inf")
    value = parse_rational(text, "--max-cost")
    if value <= 0:
        raise InvalidInput(f"Argument '--max-cost' must be positive, not {text}.")
    return float(min(value, Fraction(10**300)))


def numbers(text: str, name: str) -> list[Fraction]:
    """Return a comma-separated list of exact numbers."""
    return [parse_rational(part, name) for part in text.split(",")]


def drop_probability(text: str, name: str = "--q") -> Any:
    """Return ``1/2``, or ``0,1/2,1/2`` for one per layer (inputs first)."""
    if re.fullmatch(r"\s*0,\d*[1-9]\d*\s*", text):
        point = text.strip().replace(",", ".")
        raise InvalidInput(f"Argument {name!r} is {show(text)}; a decimal has a point: {point}, and 1 is no rate.")
    values = numbers(text, name)
    return values[0] if len(values) == 1 else values


def wants_progress(options: argparse.Namespace) -> bool:
    """Return whether progress is shown on standard error: a bar on a terminal, a line for each minute elsewhere."""
    return not options.json
