"""How evidence is marked: rechecked now, shipped with the package, or for a program that most readers lack."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from exactdropout.theorems.proof import METHODS, Proof, Step
from exactdropout.theorems.registry import Theorem

__all__ = [
    "Certificate",
    "Groups",
    "Mark",
    "Printed",
    "introduction",
    "legend",
    "mark",
    "printed_once",
    "shipped_certificates",
    "sources",
]

Groups: TypeAlias = Sequence[tuple[str, Sequence[tuple[Theorem, Proof]]]]
"""Entries with the heading they stand under."""

RECHECKED = "rechecked now"
SHIPPED = "shipped certificate"
DATA = "shipped data"
RULE = "hypotheses checked"
WORDS = "in words"
NEEDS_COQ = "needs coqc"
MEANINGS = {
    RECHECKED: "computed exactly, or with a proved bound, while this report was written",
    SHIPPED: "a file that comes with the package; its checker, one file of the standard library, read it again now",
    DATA: "recorded figures that come with the package; their comparison was computed now, not the runs behind them",
    RULE: "a textbook theorem is named and not proved; what it needs in this place was computed now",
    WORDS: "an argument that no computation checked",
    NEEDS_COQ: "Coq checks the certificate too, with proofs/check of the source distribution; not run here",
}


@dataclass(frozen=True, kw_only=True)
class Mark:
    """The mark of a step: the kind of evidence, how it was found, and whether it failed."""

    kind: str
    method: str
    failed: bool


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """A shipped certificate as it was found by the checker just now, and its theorem in Coq (empty: there is none)."""

    name: str
    statement: str
    verified: bool
    coq: str


@dataclass(frozen=True, kw_only=True)
class Printed:
    """Steps ``first`` to ``last`` of a proof that stand in the proof of ``id`` already, from its step ``there`` on."""

    first: int
    last: int
    id: str
    there: int


def printed_once(entries: Sequence[tuple[Theorem, Proof]]) -> list[list[Step | Printed]]:
    """Return the steps of each proof; runs of steps that an earlier proof holds too, in this order, are only cited."""
    places: dict[Step, tuple[str, int]] = {}
    found = []
    for theorem, proof in entries:
        shown: list[Step | Printed] = []
        for number, step in enumerate(proof.steps, 1):
            id_, there = places.setdefault(step, (theorem.id, number))
            if id_ == theorem.id:
                shown.append(step)
                continue
            before = shown[-1] if shown else None
            if (
                isinstance(before, Printed)
                and before.id == id_
                and before.there + before.last - before.first + 1 == there
            ):
                shown[-1] = Printed(first=before.first, last=number, id=id_, there=before.there)
            else:
                shown.append(Printed(first=number, last=number, id=id_, there=there))
        found.append(shown)
    return found


def mark(step: Step) -> Mark:
    """Return the mark of a step."""
    kind = {"argument": WORDS, "data": DATA, "rule": RULE}.get(step.method, RECHECKED)
    return Mark(kind=kind, method=step.method, failed=step.holds is False)


def legend(entries: Sequence[tuple[Theorem, Proof]], certificates: Sequence[Certificate]) -> list[tuple[str, str]]:
    """Return the marks and the methods that occur, each with its meaning."""
    steps = [step for _, proof in entries for step in proof.steps]
    kinds = {mark(step).kind for step in steps}
    kinds |= {SHIPPED} if certificates else set()
    kinds |= {NEEDS_COQ} if any(c.coq for c in certificates) else set()
    methods = {step.method for step in steps if step.method != "argument"}
    found = [(kind, meaning) for kind, meaning in MEANINGS.items() if kind in kinds]
    return found + [(method, METHODS[method]) for method in METHODS if method in methods]


def shipped_certificates() -> list[Certificate]:
    """Check the shipped certificates with the independent checker and return what it says."""
    from exactdropout.certificate import checker
    from exactdropout.certificate.shipped import FILES as LIST

    found = []
    for item in LIST:
        try:
            words, verified = checker.describe(item.check(item.read())), True
        except (checker.RejectedError, checker.MalformedError) as error:
            words, verified = str(error), False
        found.append(Certificate(name=item.name, statement=words, verified=verified, coq=item.coq_name))
    return found


def introduction(entries: Sequence[tuple[Theorem, Proof]]) -> list[str]:
    """Return the paragraphs that open a report: counts of verdicts, and the letters that all entries use."""
    counts = Counter(proof.verdict for _, proof in entries).most_common()
    verdicts = ", ".join(f"{verdict} ({number})" for verdict, number in counts)
    made = sum(bool(theorem.derivations) for theorem, _ in entries)
    all_made = made == len(entries)
    objects = (
        f"In {'all' if all_made else made} of them the statement, its letters and the lines of the proof are objects "
        "from which both the text and the check are made; they open with their letters."
    )
    others = " In the others a mark covers the formula that was computed, and the words around it were written by hand."
    return [
        f"Results: {len(entries)}. Verdicts on the statements as printed, or on ours where a source was not read: "
        f"{verdicts}. A verdict covers the scope that is named with it and nothing wider. {objects}"
        f"{'' if all_made else others}",
        r"Throughout, $D = \mathcal D(W, x, R)$ is the output of the network under the dropout pattern $R$, $q$ the "
        r"drop probability, $p = 1 - q$, $\lambda = q/p$ (in Theorem 7 the factor of weight decay), $R(W)$ the risk "
        r"and $J_D(W) = E_P E_R (D - y)^2$ the dropout criterion. $K$ is the number of inputs, $n$ the number of units "
        r"in each hidden layer, $d$ the number of layers of weights; a unit is a hidden unit. $P_{(x, 1)}$ is the "
        r"distribution that is $(x, 1)$ and $(0, 0)$ with probability one half each. $W_{\mathrm{neg}}$ is the "
        r"network of copies of the first-one gadget, whose unit $i$ has weight 1 from input $i$ and $-1$ from all "
        r"before it, and then layers of ones; $A = (1 + \lambda K/n)(1 + \lambda/n)^{d-2}$. $n^*$ is the least "
        r"width from which on minimisers need negative weights. $T$ is the minimum over non-negative weights on the "
        r"point mass, $\Lambda(h)$ the gain of a unit $h$: minus its mean product with the residual.",
    ]


def sources(entries: Sequence[tuple[Theorem, Proof]]) -> Groups:
    """Return the entries in groups: the paper, what goes beyond it, its neighbours, others."""
    groups: dict[str, list[tuple[Theorem, Proof]]] = {}
    for theorem, proof in entries:
        name = {
            "helmbold2017": "Helmbold and Long, Surprising properties of dropout in deep networks (2017)",
            "exactdropout2026": "Beyond the paper",
        }.get(theorem.source, "Results of other papers")
        groups.setdefault(name, []).append((theorem, proof))
    return list(groups.items())
