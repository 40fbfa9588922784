"""What is known of the derivations in a document: its steps, what was passed over, and the verdict on the whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from exactdropout.claims.language.syntax import Claim
from exactdropout.claims.verdict import Verdict
from exactdropout.model.display import Markup, cell_html
from exactdropout.notation.page import latex_html, table_html

__all__ = ["DocumentVerdict", "PassedOver", "Step", "StepStatus"]

StepStatus = Literal["proved", "refuted", "undecided", "not read", "not reached"]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of a derivation.

    - ``line``: where its right side begins;
    - ``text``: the step as the document has it, macros put in; ``claim`` as it was read, or None;
    - ``status``: that of ``verdict``, ``"not read"`` with the ``reason``, or ``"not reached"`` after Ctrl-C;
    - ``chain``: the number of the derivation that it belongs to; ``setting``: what it is about, as given.
    """

    line: int
    text: str
    chain: int
    setting: str
    status: StepStatus
    claim: Claim | None = None
    verdict: Verdict | None = None
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class PassedOver:
    """A formula that is no claim about dropout, and why."""

    line: int
    text: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class DocumentVerdict:
    """What is known of the derivations in a document.

    ``status`` is ``"refuted"`` where a step is, else ``"not read"``, ``"undecided"``, or ``"proved"`` where all are;
    ``first_refuted`` is the first wrong step, or None; ``complete`` is False where Ctrl-C came before the end.
    """

    name: str
    steps: tuple[Step, ...]
    passed: tuple[PassedOver, ...]
    complete: bool = True

    @property
    def status(self) -> StepStatus:
        """Return the verdict on the whole: proved only where every step is."""
        ranks: tuple[StepStatus, ...] = ("refuted", "not read", "not reached", "undecided")
        return next((s for s in ranks if any(step.status == s for step in self.steps)), "proved")

    @property
    def first_refuted(self) -> Step | None:
        """Return the first wrong step."""
        return next((step for step in self.steps if step.status == "refuted"), None)

    def __bool__(self) -> bool:
        """Refuse: undecided is neither true nor false."""
        raise TypeError("A verdict on a document has several values; compare its status with 'proved' or 'refuted'.")

    def _repr_html_(self) -> str:
        rows = ([str(step.line), step.status, _shown(step)] for step in self.steps)
        notes = [f"line {item.line}: {item.text} ({item.reason})" for item in self.passed[:5]]
        if len(self.passed) > len(notes):
            notes.append(f"... and {len(self.passed) - len(notes)} more passed over")
        header = ["line", "verdict", "step as it was read"]
        title = f"{self.name}: {self.status}"
        return table_html(header, rows, title=title, notes=notes, numeric=[0], count=len(self.steps))

    def __repr__(self) -> str:
        """Return the status and how many steps there are."""
        return f"DocumentVerdict({self.status}: {len(self.steps)} steps, {len(self.passed)} passed over)"


def _shown(step: Step) -> Markup:
    """Return a step as a formula, with its counterexample, or as it is written, with the reason why it was not read."""
    shown = cell_html(step.text) if step.claim is None else latex_html(step.claim.latex())
    point = None if step.verdict is None else step.verdict.counterexample
    told = str(point) if point is not None else step.reason
    return Markup(f"{shown}<div>{cell_html(told)}</div>" if told else shown)
