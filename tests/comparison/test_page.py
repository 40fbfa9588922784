"""Tables of docs/approximations.md are what ``compare`` says; ``python tests/comparison/test_page.py`` writes them."""

from __future__ import annotations

from fractions import Fraction as F
from pathlib import Path
from typing import Any, NamedTuple

import exactdropout as xd
from exactdropout.comparison.result import percent

METHODS = ("diagonal", "gaussian", "second-order", "scaled")
FIGURE_1 = xd.Network([[[1, 1], [1, 1]], [1, 1]])
TWO_ROWS = [((1, 2, -1, 1), 1), ((2, 0, 1, 3), 2)]


class Case(NamedTuple):
    """A network of the gallery: what it is, examples and rates."""

    words: str
    network: xd.Network
    examples: list[Any]
    q: Any = F(1, 2)


def pattern(rows: int, columns: int, seed: int, scale: int = 1) -> list[list[F]]:
    """Return a matrix of small numbers of both signs without any structure."""
    return [[F((7 * i + 3 * k + 5 * i * k + seed) % 11 - 5, scale) for k in range(columns)] for i in range(rows)]


def ones(rows: int, columns: int) -> list[list[int]]:
    return [[1] * columns for _ in range(rows)]


GALLERY = (
    Case("only the last layer is dropped: 4-6-1, $q = (0, 1/2)$",
         xd.Network([pattern(6, 4, 1), pattern(1, 6, 3)]), TWO_ROWS, (0, F(1, 2))),
    Case("linear units, 4-4-1", xd.Network([pattern(4, 4, 1), pattern(1, 4, 3)], activation="linear"), TWO_ROWS),
    Case("16 inputs ±1, four units, 16-4-1",
         xd.Network([[[(-1) ** (k * (i + 1) // 2) for k in range(16)] for i in range(4)], [1, -1, 1, 1]]),
         [([1] * 16, 2)]),
    Case("eight equal units whose contributions add up, 4-8-1",
         xd.Network([ones(8, 4), [[F(1, 8)] * 8]]), [((1, 2, 1, 3), 7)]),
    Case("eight equal units that cancel in pairs, 4-8-1",
         xd.Network([ones(8, 4), [[(-1) ** i for i in range(8)]]]), [((1, 2, 1, 3), 1)]),
    Case("one input outweighs the others, 5-1-1",
         xd.Network([[[8, 1, 1, 1, 1]], [1]], [[-2], [0]]), [((1, 1, 1, 1, 1), 10)]),
    Case("a unit that is off unless four of six inputs are kept, 6-1-1",
         xd.Network([[[1] * 6], [1]], [[-7], [0]]), [([1] * 6, 0)]),
    Case("a unit that wakes when its input is dropped, 1-1-1, $q = 1/100$",
         xd.Network([[[-1]], [1]], [[F(1, 2)], [0]]), [((1,), 0)], F(1, 100)),
    Case("Figure 1 of the paper, $x = (1, -1)$, $y = 8$", FIGURE_1, [((1, -1), 8)]),
    Case("the same at $q = 1/100$", FIGURE_1, [((1, -1), 8)], F(1, 100)),
    Case("two hidden layers, 4-5-5-1",
         xd.Network([pattern(5, 4, 1, 4), pattern(5, 5, 4, 4), pattern(1, 5, 3)]), TWO_ROWS),
    Case("three hidden layers, 4-4-4-4-1, $q = 1/5$",
         xd.Network([pattern(4, 4, 1, 4), pattern(4, 4, 4, 4), pattern(4, 4, 8, 4), pattern(1, 4, 3)]),
         TWO_ROWS, F(1, 5)),
)  # fmt: skip


def gallery() -> str:
    lines = ["| network | diagonal | Gaussian | second order | weights times p |", "|---|---|---|---|---|"]
    for case in GALLERY:
        found = xd.compare(case.network, xd.Examples(case.examples), case.q, methods=METHODS)
        cells = [f"{percent(found.relative_error(m))}, {percent(found.relative_error(m, 'variance'))}" for m in METHODS]
        lines.append(f"| {case.words} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def shipped() -> str:
    network, data = xd.data.diabetes()
    found = xd.compare(network, data, F(1, 2))
    lines = ["| method | criterion | penalty | variance | bias | mean | worst row |", "|---|---|---|---|---|---|---|"]
    truth = found.evaluation
    assert truth is not None
    exact = [f"{float(getattr(truth, name)):.6g}" for name in ("criterion", "penalty", "variance", "bias")]
    lines.append("| exact | " + " | ".join(exact) + " | | |")
    for method in found.approximations:
        errors, rows = [], found.rows(method.name)
        for name in ("criterion", "penalty", "variance", "bias"):
            errors.append(percent(found.relative_error(method.name, name)))
        last = f"{rows.mean_in_deviations:.3f} | {rows.worst_variance:.1%}".replace("%", " %")
        lines.append(f"| {method.title} | " + " | ".join(errors) + f" | {last} |")
    assert found.sampling_error is not None
    low, _ = found.sampling_error
    share = low / float(truth.criterion)
    return "\n".join(
        lines
    ) + f"\n\nThe exact standard error of the criterion from 100 masks is {low:.4g}, {share:.2%} of it.\n".replace(
        "%", " %"
    )


TABLES = (("<!-- shipped -->\n", "<!-- end of shipped -->\n", shipped),
          ("<!-- gallery -->\n", "<!-- end of the gallery -->\n", gallery))  # fmt: skip


def test_the_page_shows_what_compare_says(repository: Path) -> None:
    page = (repository / "docs" / "approximations.md").read_text("utf-8")
    for start, end, table in TABLES:
        assert page.count(start) == page.count(end) == 1
        assert page[page.index(start) + len(start) : page.index(end)] == table()


def test_the_gallery_holds_every_kind_of_failure_and_success() -> None:
    """For each method a network where it is right to 0.5 % in the variance, and one where it is off by a quarter."""
    errors = {m: [] for m in METHODS}
    for case in GALLERY:
        found = xd.compare(case.network, xd.Examples(case.examples), case.q, methods=METHODS)
        for m in METHODS:
            errors[m].append(abs(found.relative_error(m, "variance").middle))
    for m in METHODS[:3]:
        assert min(errors[m]) < 0.005
        assert max(errors[m]) > 0.25
    assert min(errors["scaled"]) == 1


if __name__ == "__main__":
    path = Path(__file__).resolve().parents[2] / "docs" / "approximations.md"
    text = path.read_text("utf-8")
    for start, end, table in TABLES:
        text = text[: text.index(start) + len(start)] + table() + text[text.index(end) :]
    path.write_text(text, "utf-8")
