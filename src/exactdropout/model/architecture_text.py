"""The text of an architecture, such as ``2-3-1 relu, no biases``: one grammar for Python, claims and the command line.

Widths (inputs, hidden layers, outputs) joined by hyphens, ``n^3`` for three layers in a row; then an activation, or one
per hidden layer joined by ``/``, relu where none is named; after a comma where biases are, everywhere where nothing is
said. In claims letters may stand for sizes, K, n and d or an author's own: ``K-n^(d-1)-1 relu``, ``d-m-1``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches

from exactdropout.errors import InvalidInput
from exactdropout.model.activation import Activation
from exactdropout.model.numbers import show

__all__ = ["MAX_TEXT", "ArchitectureText", "bias_words", "read_architecture"]

MAX_TEXT = 1000
"""Longest text, in characters; longer ones are written ``n^100``."""
_DEPTH = "(d-1)"
_PART = re.compile(r"(?P<width>[0-9]{1,7}|[A-Za-z])(?:\^(?P<times>[0-9]{1,5}|\(d-1\)))?\Z")
_BIASES = {
    "biases": (True, True), "no biases": (False, False), "hidden biases": (True, False), "output bias": (False, True),
}  # fmt: skip
_DASHES = str.maketrans({"\N{EN DASH}": "-", "\N{EM DASH}": "-", "\N{MINUS SIGN}": "-", "\N{NON-BREAKING HYPHEN}": "-"})
_TRAILING = re.compile(r"(?<![\w,])((?:no |hidden )?biases|output bias)\Z")
_TAKEN = frozenset("xywWbqpDEJRX")
"""Letters that mean something else in claims."""
_LOOSE = re.compile(
    r"[\[({]?\s*((?:\d{1,7}|[Kn](?:\^\(d-1\))?)(?:\s*(?:->|[-,x*:\s\N{MULTIPLICATION SIGN}\N{RIGHTWARDS ARROW}])\s*"
    r"(?:\d{1,7}|[n](?:\^\(d-1\))?))+)"
)


@dataclass(frozen=True)
class ArchitectureText:
    """What a text says: ``hidden`` are (width, times), where a width may be a letter and times "(d-1)" in claims."""

    inputs: int | str
    hidden: tuple[tuple[int | str, int | str], ...]
    outputs: int
    activations: tuple[Activation, ...]  # none where the text names none, one for all, or one per hidden layer
    hidden_biases: bool
    output_bias: bool


def bias_words(hidden_biases: bool, output_bias: bool) -> str:
    """Return ``biases``, ``no biases``, ``hidden biases`` or ``output bias``."""
    return next(words for words, where in _BIASES.items() if where == (hidden_biases, output_bias))


def read_architecture(text: str, name: str = "architecture", *, symbolic: bool = False) -> ArchitectureText:
    """Read a text; sizes are numbers, or with ``symbolic`` letters where they may stand.

    Raises:
        InvalidInput: one sentence that quotes the text and, where it can be guessed, says what was meant.

    >>> read_architecture("2-3^2-1 relu, no biases").hidden
    ((3, 2),)
    """
    if len(text) > MAX_TEXT:
        raise InvalidInput(
            f"Argument {name!r} must have at most {MAX_TEXT} characters, not {len(text)}; write n^100 for 100 layers."
        )
    found = _read(text, name, symbolic)
    if isinstance(found, ArchitectureText):
        return found
    form = "'2-3-1 relu, no biases' or 'K-n^(d-1)-1 relu, biases'" if symbolic else "'2-3-1 relu, no biases'"
    guess = _guess(text, symbolic)
    meant = f"; did you mean {guess!r}?" if guess else "."
    if re.match(r"\s*(?:point|half|design)\s*\(", text):
        meant = "; that is data, which comes behind the architecture."
    raise InvalidInput(f"Argument {name!r} must look like {form}, not {show(text)}: {found}{meant}")


def _read(text: str, name: str, symbolic: bool) -> ArchitectureText | str:
    """Return what the text says, or what is wrong with it."""
    head, comma, tail = text.translate(_DASHES).partition(",")
    widths, _, rest = head.strip().partition(" ")
    words = tail.strip()
    if not comma and (forgotten := _TRAILING.search(rest.rstrip())) is not None:
        rest, words = rest.rstrip()[: forgotten.start()], forgotten[1]
    if comma and words not in _BIASES:
        return f"after the comma stands one of {', '.join(map(repr, _BIASES))}"
    # the exponent (d-1) holds a hyphen of its own
    parts: list[tuple[int | str, int | str]] = []
    for part in widths.replace(_DEPTH, "(d~1)").split("-"):
        match = _PART.match(part.replace("~", "-"))
        if match is None:
            return f"{show(part.replace('~', '-'))} is no width" if part else "a width is missing"
        width: int | str = int(match["width"]) if match["width"].isdigit() else match["width"]
        times: int | str = int(match["times"] or 1) if (match["times"] or "1").isdigit() else match["times"]
        if width == 0 or times == 0:
            return "a width is at least 1"
        parts.append((width, times))
    if len(parts) < 2:
        return "it needs at least the inputs and the outputs, such as 2-1"
    wrong = _misplaced(parts, symbolic)
    if wrong is not None:
        return wrong
    hidden, outputs = tuple(parts[1:-1]), parts[-1][0]
    activations: tuple[Activation, ...] = ()
    if rest.strip():
        try:
            activations = tuple(
                Activation.parse(re.sub(r"\Aleaky relu", "leaky_relu", one.strip()), name)
                for one in re.split(r"/(?![0-9]+\))", rest.strip())
            )
        except InvalidInput as error:
            return f"the activation must be {str(error).partition(' must be ')[2].partition(';')[0]}"
    layers = sum(times for _, times in hidden if isinstance(times, int))
    if len(activations) > 1 and len(activations) != layers:
        return f"it names {len(activations)} activations for {layers} hidden layers"
    return ArchitectureText(parts[0][0], hidden, int(outputs), activations, *_BIASES[words or "biases"])


def _misplaced(parts: list[tuple[int | str, int | str]], symbolic: bool) -> str | None:
    """Return what is wrong with the places of letters and exponents."""
    if not symbolic and any(isinstance(w, str) or isinstance(t, str) for w, t in parts):
        return "sizes must be numbers here; K, n and d stand for sizes in check and derive --closed-form"
    if parts[0][1] != 1 or parts[-1][1] != 1:
        return "inputs and outputs have no exponent"
    letters = [w for w, _ in parts[:-1] if isinstance(w, str)]
    if taken := sorted({*letters} & _TAKEN):
        return f"{taken[0]} means something else in claims; K stands for the inputs and n for a width"
    if isinstance(parts[0][0], str) and parts[0][0] in letters[1:]:
        return f"{parts[0][0]} is the number of inputs and a width; write K-n-1 and assume K = n"
    if {"d", "i", "j", "k", "l"} & {*letters[isinstance(parts[0][0], str) :]}:
        return "d is the depth and i, j, k, l are indices in claims; another letter is expected for a width"
    if "d" in letters and any(t == _DEPTH for _, t in parts):
        return "d is the depth beside ^(d-1); K is the letter for inputs there"
    if isinstance(parts[-1][0], str):
        return "the number of outputs is a number"
    if any(t == _DEPTH for _, t in parts) and len(parts) != 3:
        return f"^{_DEPTH} stands at the only hidden width"
    return None


def _guess(text: str, symbolic: bool) -> str | None:
    """Return a text that is right and was probably meant, or None."""
    plain = text.translate(_DASHES)
    match = _LOOSE.match(plain.strip())
    if match is None:
        return None
    widths = "-".join(re.findall(r"\d+|[Kn](?:\^\(d-1\))?", match[1]))
    rest = plain.strip()[match.end() :].lower()
    if rest.count("/") > ("leaky" in rest):
        return None
    slope = re.search(r"leaky[\s_-]?relu\W*(\d[\d./e-]*)?", rest)
    if slope:
        activation = f" leaky_relu({slope[1] or '1/100'})"
    else:
        known = {"relu": "relu", "rectifier": "relu", "linear": "linear", "identity": "linear"}
        words = re.findall(
            r"[a-z]+", re.sub(r"\w*bias\w*|\b(no|without|hidden|output|and|with|false|true|none)\b", " ", rest)
        )
        near = [known[hit] for word in words for hit in get_close_matches(word, known, 1, 0.7)]
        if words and not near:
            return None
        activation = f" {near[0]}" if near else ""
    biases = ""
    if "bias" in rest:
        if re.search(r"\bno\b|without|unbiased|bias(es)?\s*[=:]\s*(false|no|none|0)", rest):
            biases = ", no biases"
        elif "hidden" in rest or "output" in rest:
            biases = ", hidden biases" if "hidden" in rest else ", output bias"
        else:
            biases = ", biases"
    guess = f"{widths}{activation}{biases}"
    return guess if isinstance(_read(guess, "architecture", symbolic), ArchitectureText) else None
