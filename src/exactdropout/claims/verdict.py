"""What ``check`` answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, Unpack

from exactdropout.claims.language.syntax import Claim
from exactdropout.model import Examples, Network
from exactdropout.model.numbers import format_rational
from exactdropout.notation.style import Style, StyleOptions, styled

__all__ = ["Counterexample", "Status", "Verdict"]

Status = Literal["proved", "refuted", "undecided"]


@dataclass(frozen=True, kw_only=True)
class Counterexample:
    """A point at which a claim fails: both sides as fractions, computed by the double loop over masks.

    ``left relation right`` is the comparison that is false there. ``network``, ``data`` and ``rates`` are the point
    for :func:`exactdropout.evaluate`; ``values`` names every free symbol.
    """

    left: Fraction
    relation: str
    right: Fraction
    values: Mapping[str, Fraction]
    network: Network
    data: Examples
    rates: tuple[Fraction, ...]
    note: str = ""

    def __str__(self) -> str:
        """Return the failing comparison and the point."""
        point = ", ".join(f"{name} = {format_rational(value)}" for name, value in self.values.items())
        found = f"{format_rational(self.left)} {self.relation} {format_rational(self.right)} is false"
        return f"{found}{self.note} at {point}" if point else found + self.note


@dataclass(frozen=True, kw_only=True, repr=False)
class Verdict:
    """The answer to a claim: proved, refuted or undecided, never wider than what was shown.

    - ``scope``: the sizes for which a proof holds, or at which the counterexample lives;
    - ``steps``: the proof, or what was tried;
    - ``assumptions``: everything that was assumed, as text;
    - ``near_miss``: the likely slip behind a refuted claim, or None.
    """

    status: Status
    claim: Claim
    scope: str
    steps: tuple[str, ...]
    assumptions: tuple[str, ...]
    counterexample: Counterexample | None = None
    near_miss: str | None = None

    def __bool__(self) -> bool:
        """Refuse: undecided is neither true nor false."""
        raise TypeError("A verdict has three values; compare its status with 'proved', 'refuted' or 'undecided'.")

    def __str__(self) -> str:
        """Return the verdict for people."""
        lines = [f"{self.status}: {self.claim}", f"scope: {self.scope}"]
        if self.assumptions:
            lines.append(f"assuming {', '.join(self.assumptions)}")
        if self.counterexample is not None:
            lines.append(f"counterexample: {self.counterexample}")
        if self.near_miss:
            lines.append(f"near miss: {self.near_miss}")
        return "\n".join([*lines, *(f"  {i}. {step}" for i, step in enumerate(self.steps, start=1))])

    def __repr__(self) -> str:
        """Return the status and the claim."""
        return f"Verdict({self.status}: {self.claim})"

    def latex(self, style: Style | None = None, **options: Unpack[StyleOptions]) -> str:
        """Return a theorem with its proof, or a claim with its counterexample or with what was tried (amsthm).

        Needs the environments ``theorem`` and ``claim``, which ``standalone=True`` defines.
        """
        from exactdropout.claims.verdict_latex import verdict_latex

        return verdict_latex(self, styled(style, options))

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle {self.claim.latex()} \quad\text{{({self.status})}}$"
