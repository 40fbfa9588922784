"""The pytest plugin: ``assert_dropout``, ``derivation_regression``, ``--dropout-profile``, ``--regen``, a section.

Loading it imports nothing but pytest; NumPy, SymPy and frameworks come with the first fixture that is used.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from exactdropout.testing.regression import DerivationRegression
    from exactdropout.testing.report import DropoutReport

BUDGETS = {"quick": 2**17, "thorough": 2**24}
REPORTS = pytest.StashKey[list[tuple[str, str]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("exactdropout")
    group.addoption(
        "--dropout-profile",
        choices=tuple(BUDGETS),
        default="quick",
        help="what the fixture assert_dropout watches: quick (131,072 bits) or thorough (16,777,216, compilers)",
    )
    try:
        group.addoption("--regen", action="store_true", help="store derived formulas anew (derivation_regression)")
    except ValueError:  # another plugin has --regen, with the same meaning
        return


def pytest_configure(config: pytest.Config) -> None:
    """Describe the marker."""
    config.addinivalue_line("markers", "dropout: a test of a dropout layer with the fixture assert_dropout")
    config.stash[REPORTS] = []


@pytest.fixture
def assert_dropout(request: pytest.FixtureRequest) -> Callable[..., DropoutReport]:
    """Return ``exactdropout.testing.assert_dropout`` with the budget of ``--dropout-profile``; keep its report."""

    def run(layer: Any, q: Any, **arguments: Any) -> DropoutReport:
        from exactdropout.testing.assertions import assert_dropout as assertion

        profile = str(request.config.getoption("--dropout-profile"))
        arguments.setdefault("budget", BUDGETS[profile])
        if profile == "thorough":
            arguments.setdefault("checks", ["all", "compile"])
        report = assertion(layer, q, **arguments)
        request.config.stash[REPORTS].append((request.node.nodeid, str(report)))
        return report

    return run


@pytest.fixture
def derivation_regression(request: pytest.FixtureRequest) -> DerivationRegression:
    """Return an object whose ``check(result)`` passes while a derived formula is provably equal to the stored one."""
    from exactdropout.testing.regression import DerivationRegression

    path = Path(str(request.node.path))
    name = re.sub(r"[^\w.-]+", "_", request.node.name).strip("_")
    regen = bool(request.config.getoption("--regen", default=False))
    return DerivationRegression(path.parent / path.stem, name, regen)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say what was checked of each layer and what was not."""
    reports = config.stash.get(REPORTS, [])
    if not reports:
        return
    terminalreporter.section("dropout layers")
    for node, text in reports:
        terminalreporter.line(node)
        for line in text.splitlines():
            terminalreporter.line(f"  {line}")
