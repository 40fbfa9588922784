"""Tables of docs/estimates.md are what the benchmark recorded; ``python tests/estimation/test_page.py`` writes them."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
BENCHMARK = ROOT / "tests" / "benchmarks" / "estimates.py"


def record() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(BENCHMARK.with_suffix(".json").read_text("utf-8"))
    return found


def shown(width: float) -> str:
    return f"{100 * width:.2g} %"


def widths() -> str:
    found = record()
    low, high = found["load"]
    lines = [
        f"Load {low:g} at the beginning and {high:g} at the end, {found['cores']} cores.\n",
        "| network | after 4 passes | after 10 s | masks | processor time | after 60 s | processor time |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, row in found["networks"].items():
        ten, sixty = row["10"], row.get("60")
        later = f"{shown(sixty['width'])} | {sixty['processor']} s" if sixty else " | "
        cells = f"{shown(row['few'])} | {shown(ten['width'])} | {ten['masks']:,} | {ten['processor']} s | {later}"
        lines.append(f"| {name} | {cells} |")
    return "\n".join(lines) + "\n"


def ratios() -> str:
    lines = ["| network | NumPy | PyTorch |", "|---|---|---|"]
    for name, row in record()["networks"].items():
        lines.append(f"| {name} | {row['ratios']['NumPy']:.2g} | {row['ratios']['PyTorch']:.2g} |")
    return "\n".join(lines) + "\n"


TABLES = (("<!-- widths -->\n", "<!-- end of widths -->\n", widths),
          ("<!-- ratios -->\n", "<!-- end of ratios -->\n", ratios))  # fmt: skip


def test_the_page_shows_what_was_recorded() -> None:
    page = (ROOT / "docs" / "estimates.md").read_text("utf-8")
    for start, end, table in TABLES:
        assert page.count(start) == page.count(end) == 1
        assert page[page.index(start) + len(start) : page.index(end)] == table()


def test_the_record_keeps_the_promises() -> None:
    """Six networks, each at least five times better than plain sampling; 784-128-10 within 1 % in a minute."""
    networks = record()["networks"]
    assert len(networks) == 6
    for name, row in networks.items():
        assert min(row["ratios"].values()) >= 5, name
        assert "60" not in row or row["60"]["width"] < 0.01


@pytest.mark.parametrize("widths", [(30, 100, 1), (64, 128, 10), (40, 60, 60, 1)])
def test_four_passes_have_the_recorded_width(widths: tuple[int, ...]) -> None:
    """The sampled bits depend on the seed alone, so whoever computes them finds the same width."""
    spec = importlib.util.spec_from_file_location("estimates_benchmark", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    rows, zeros = {30: (1000, 0), 64: (1797, 0.5), 40: (1000, 0)}[widths[0]]
    name, network, data = benchmark.drawn(widths, rows, zeros)
    found = benchmark.after(network, data, benchmark.FEW).criterion.relative_width
    assert found == pytest.approx(record()["networks"][name]["few"], rel=1e-6)


if __name__ == "__main__":
    path = ROOT / "docs" / "estimates.md"
    text = path.read_text("utf-8")
    for start, end, table in TABLES:
        text = text[: text.index(start) + len(start)] + table() + text[text.index(end) :]
    path.write_text(text, "utf-8")
