"""What is known of the derivations in a document: its steps, what was passed over, and the verdict on the whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from exactdropout.claims.language.syntax import Claim
from exactdropout.claims.verdict import Verdict

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

    def __repr__(self) -> str:
        """Return the status and how many steps there are."""
        return f"DocumentVerdict({self.status}: {len(self.steps)} steps, {len(self.passed)} passed over)"
