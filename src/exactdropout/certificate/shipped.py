"""The certificates that come with the package, and the command that produces them.

``python -m exactdropout.certificate.shipped FOLDER`` solves every problem of the list anew and writes
``FOLDER/certificates/NAME.json``. All at q = ½: ``half-K2-n3`` is Definition 1's distribution P_(1,1) on two inputs
with biases, ``point-K2-n3`` the point mass on ((1, 1), 1) without biases, width 3; ``-nonnegative`` restricts the
weights. ``half-K2-any`` bounds the criterion at every width at once; its network has K units.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from exactdropout.certificate import checker, minimisers_checker
from exactdropout.certificate.writer import every_width_document, write_certificate, write_every_width_certificate
from exactdropout.model import Architecture, Examples
from exactdropout.optimum import Optimum
from exactdropout.optimum.minimize import solve_problem
from exactdropout.optimum.reduced_problem import ReducedProblem, reduced_problem

__all__ = ["EVERY_WIDTH", "FILES", "SHIPPED", "Shipped", "certificates_folder", "write_shipped"]


@dataclass(frozen=True, kw_only=True)
class Shipped:
    """One shipped certificate: its problem and its name."""

    inputs: int
    width: int
    biases: bool
    nonnegative: bool
    every_width: bool = False
    """Whether the file is a bound for every width at once, attained by no width; ``width`` is then its network's."""

    @property
    def name(self) -> str:
        """The name of the file, without its suffix."""
        kind = "half" if self.biases else "point"
        width = "any" if self.every_width else f"n{self.width}"
        return f"{kind}-K{self.inputs}-{width}{'-nonnegative' if self.nonnegative else ''}"

    @property
    def coq_name(self) -> str:
        """The name of what Coq proves from the file."""
        return self.name.replace("-", "_")

    def problem(self) -> ReducedProblem:
        """Return the reduced problem."""
        arch = Architecture(self.inputs, (self.width,), biases=self.biases)
        ones = (1,) * self.inputs
        data = Examples.half(ones, 1) if self.biases else Examples.point(ones, 1)
        return reduced_problem(arch, data, "1/2", nonnegative=self.nonnegative)

    def read(self) -> str:
        """Return the text of the shipped certificate."""
        return certificates_folder().joinpath(f"{self.name}.json").read_text(encoding="utf-8")

    def check(self, text: str, *, minimisers: bool = True) -> checker.Statement:
        """Return what the checkers prove from a text: the exact minimum of the problem of this name, all minimisers.

        For ``every_width`` a lower bound at every width; without ``minimisers`` the minimum alone, in less time.

        Raises:
            MalformedError, RejectedError: as the checkers; also where it proves something else than the name promises.
        """
        alone = self.every_width or not minimisers
        proved = checker.check(text) if alone else minimisers_checker.check(text)
        half = Fraction(1, 2)
        ones = ([Fraction(1)] * self.inputs, Fraction(1), half if self.biases else Fraction(1))
        zeros = ([Fraction(0)] * self.inputs, Fraction(0), half)
        found = (proved.inputs, proved.width, proved.hidden_biases, proved.output_bias, proved.nonnegative)
        if (
            found != (self.inputs, self.width, self.biases, self.biases, self.nonnegative)
            or proved.q != [half, half]
            or sorted(proved.examples) != sorted([ones, zeros] if self.biases else [ones])
            or proved.every_width != self.every_width
            or (proved.lower != proved.upper and not self.every_width)
        ):
            raise checker.RejectedError(
                f"the file proves another statement than its name promises: {checker.describe(proved)}"
            )
        return proved

    @property
    def symmetric(self) -> bool:
        """Whether the proof uses symmetries of the inputs: one tree is too large without."""
        return self.name == "point-K4-n4"

    def solve(self) -> Optimum:
        """Solve the problem anew."""
        return solve_problem(self.problem(), symmetric=self.symmetric)

    def bounds(self) -> tuple[Fraction, Fraction]:
        """Return lower and upper bound of the statement, from solving the problem anew."""
        best = self.solve()
        if self.every_width:
            claim = every_width_document(best)["statement"]
            return Fraction(claim["lower"]), Fraction(claim["upper"])
        return best.lower, best.upper


def _list() -> Iterator[Shipped]:
    for inputs, biases, widths in (
        (2, True, 12),
        (2, False, 6),
        (3, True, 6),
        (3, False, 6),
        (4, True, 4),
        (4, False, 4),
        (5, True, 1),
    ):
        for width in range(1, widths + 1):
            for nonnegative in (False, True):
                yield Shipped(inputs=inputs, width=width, biases=biases, nonnegative=nonnegative)


SHIPPED: tuple[Shipped, ...] = tuple(_list())
"""The exact minima."""
EVERY_WIDTH: tuple[Shipped, ...] = tuple(
    Shipped(inputs=inputs, width=inputs, biases=biases, nonnegative=nonnegative, every_width=True)
    for inputs in (2, 3, 4)
    for biases in (True, False)
    for nonnegative in (False, True)
)
"""The bounds for every width."""
FILES = (*SHIPPED, *EVERY_WIDTH)
"""All certificates that are shipped."""


def certificates_folder() -> Traversable:
    """Return the folder of the shipped certificates: in the installed package, or in ``proofs`` of a checkout."""
    inside = resources.files("exactdropout").joinpath("proofs", "certificates")
    if inside.is_dir():
        return inside
    return Path(__file__).resolve().parents[3] / "proofs" / "certificates"


def write_shipped(folder: Path, report: Callable[[str], None] = print) -> None:
    """Solve all problems of the list and write their certificates."""
    target = folder / "certificates"
    target.mkdir(parents=True, exist_ok=True)
    for item in EVERY_WIDTH:
        write_every_width_certificate(item.solve(), target / f"{item.name}.json")
        report(item.name)
    for item in SHIPPED:
        best = item.solve()
        if not write_certificate(best, target / f"{item.name}.json"):
            raise ArithmeticError(f"The minimisers of {item.name} are not proved to be all.")
        report(f"{item.name}: {best!r} {best.seconds:.2f} s")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m exactdropout.certificate.shipped FOLDER")
    write_shipped(Path(sys.argv[1]))
