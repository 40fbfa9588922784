"""A statement with its derivation: variables with ranges, hypotheses, conclusions, and lines that end in them.

The printed statement, its text in tables and the last lines of the proof are made from the conclusions themselves,
and a derivation holds only if every conclusion follows from numbered lines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import groupby
from typing import Any, ClassVar

from exactdropout.theorems.proof import Proof, Step, Verdict, argument, conclude, step
from exactdropout.theorems.statements.lines import (
    ByInduction,
    ByInstances,
    Context,
    Definition,
    Instances,
    InWords,
    Line,
    Reason,
    Sentence,
    at_instances,
    say,
)
from exactdropout.theorems.statements.ranges import Variable, abstracted, expanded, in_range
from exactdropout.theorems.statements.rules import ByCompactness
from exactdropout.theorems.statements.terms import Relation, Term

__all__ = [
    "TRIED",
    "ByLemma",
    "Conclusion",
    "Derivation",
    "Exists",
    "Hypothesis",
    "lemma_step",
    "lemmas_of",
    "proved",
    "scope_of",
]


TRIED = "Tried: "
"""How the step after an argument in words begins, where its claim was tried on cases."""


@dataclass(frozen=True, kw_only=True)
class Exists:
    """What exists: its range, and a witness in variables that are quantified before it, or None for weights.

    Weights that exist by a rule, such as those of a least criterion, have no formula; a conclusion with the reason
    ``ByCompactness`` must give them.
    """

    variable: Variable
    witness: Term | None = None


@dataclass(frozen=True)
class Hypothesis:
    """What a statement assumes beside the ranges; ``label`` is how lines cite it."""

    label: str
    claim: Relation


@dataclass(frozen=True)
class Conclusion:
    """What a statement claims, and the reason by which it follows from lines of the proof."""

    claim: Relation
    reason: Reason


@dataclass(frozen=True, kw_only=True)
class Derivation:
    """A theorem or a lemma with its proof.

    Args:
        name: what tables of mutants call it.
        supporting: whether it is only a part of the proof of an entry, and no part of its statement.
        number: of a lemma that several proofs cite and that is printed once; 0 for what is an entry itself.
        title: a few words.
        setting: what the statement is about, in words with formulas inserted.
        quantified: the variables of the statement in order, each for all its range or with a witness.
        quantities: numbers that a network and data determine, with their meaning; they vary with the network.
        definitions: names for terms, each in what stands before.
        hypotheses: what is assumed beside the ranges.
        conclusions: what is claimed.
        auxiliary: variables of single lines, for all their range; lines that cite these lines choose them.
        lines: the proof.
    """

    name: str
    title: str
    setting: Sentence
    quantified: tuple[Variable | Exists, ...]
    conclusions: tuple[Conclusion, ...]
    quantities: tuple[Variable, ...] = ()
    definitions: tuple[Definition, ...] = ()
    hypotheses: tuple[Hypothesis, ...] = ()
    auxiliary: tuple[Variable, ...] = ()
    lines: tuple[Line, ...] = ()
    number: int = 0
    supporting: bool = False

    @property
    def cited(self) -> str:
        """How proofs cite it."""
        return f"Lemma {self.number}, {self.title}" if self.number else self.title

    def statement(self) -> str:
        """Return the statement as a sentence with formulas in LaTeX between dollars."""
        return self._stated("$", lambda f: str(f.latex()))

    def text(self) -> str:
        """Return the statement as plain text."""
        return self._stated("", str)

    def _stated(self, dollar: str, shown: Any) -> str:
        def formulas(items: Any) -> str:
            return ", ".join(f"{dollar}{shown(item)}{dollar}" for item in items)

        setting = self.setting.latex() if dollar else self.setting.text()
        assumed = f" if {formulas(h.claim for h in self.hypotheses)}," if self.hypotheses else ""
        return f"{setting}:{assumed} {formulas(c.claim for c in self.conclusions)}"

    def scope(self) -> str:
        """Return the ranges of the variables as text."""
        groups = []
        for item in self.quantified:
            variable = item.variable if isinstance(item, Exists) else item
            kind = "integer " if variable.kind == "integer" else ""
            opening = "some" if isinstance(item, Exists) else "all"
            groups.append(f"{opening} {kind}{variable}")
        return ", ".join(groups) or "as given"

    def opening(self) -> list[str]:
        """Return the definitions that the statement and its proof use, as sentences with formulas in LaTeX."""
        found: list[tuple[str, str]] = []
        for item in self.quantified:
            if isinstance(item, Exists):
                term = item.variable.term
                shown = term.latex() if item.witness is None else Relation(term, "=", item.witness).latex()
                found.append((shown, item.variable.meaning))
            else:
                found.append((item.latex(), item.meaning))
        found += [(d.relation().latex(), d.meaning) for d in self.definitions]
        found += [(v.term.latex(), v.meaning) for v in self.quantities]
        together = [(meaning, list(items)) for meaning, items in groupby(found, key=lambda pair: pair[1])]
        return [
            ", ".join(f"${shown}$" for shown, _ in items) + (f": {meaning}" if meaning else "")
            for meaning, items in together
        ]

    def context(self) -> Context:
        """Return what the lines may use at the start of the proof."""
        variables = [i.variable if isinstance(i, Exists) else i for i in self.quantified]
        definitions: dict[Any, Any] = {}
        for item in self.quantified:
            if isinstance(item, Exists) and item.witness is not None:
                definitions[item.variable.term.expression()] = item.witness.expression()
        definitions |= {d.name.expression(): d.value.expression() for d in self.definitions}
        return Context(
            variables=(*variables, *self.quantities, *self.auxiliary),
            definitions=definitions,
            auxiliary=frozenset(v.term for v in self.auxiliary),
            attained=frozenset(i.variable.term for i in self.quantified if isinstance(i, Exists) and not i.witness),
            established={h.label: (f"hypothesis {i}", h.claim) for i, h in enumerate(self.hypotheses, 1)},
        )

    def prove(self, before: int = 0) -> tuple[Step, ...]:
        """Return the steps: the lines, and then one for each conclusion; numbers begin after ``before``."""
        return _proved(self, before)

    def holds(self) -> bool:
        """Return whether every checked line and every conclusion holds; it stops at the first that does not."""
        return _holds(self)


def _last(conclusion: Conclusion) -> Line:
    return Line(label="", sentence=say("So {claim}."), claim=conclusion.claim, reason=conclusion.reason)


def _ends(conclusion: Conclusion) -> bool:
    """Return whether the reason may end a proof: neither words nor examples do."""
    return not isinstance(conclusion.reason, (InWords, ByInstances))


def _note(context: Context, line: Line, place: int) -> None:
    if line.claim is not None and (not isinstance(line.reason, ByInstances) or line.reason.whole):
        context.established[line.label] = (str(place), line.claim)


@cache
def _proved(derivation: Derivation, before: int) -> tuple[Step, ...]:
    context = derivation.context()
    steps: list[Step] = []
    if not _well_formed(derivation, context):
        steps.append(step("The statement is well formed.", "identity", False))
    for line in derivation.lines:
        place = before + len(steps) + 1
        steps += _checked(line, context)
        _note(context, line, place)
    for conclusion in derivation.conclusions:
        line = _last(conclusion)
        found = _checked(line, context)
        if not _ends(conclusion):
            found = [step(line.sentence.latex(line.claim), "consequence", False)]
        steps += found
    return tuple(steps)


@lru_cache(maxsize=1 << 14)
def _holds(derivation: Derivation) -> bool:
    context = derivation.context()
    if not _well_formed(derivation, context):
        return False
    for place, line in enumerate(derivation.lines, 1):
        if not _line_holds(line, context):
            return False
        _note(context, line, place)
    return all(_ends(c) and _line_holds(_last(c), context) for c in derivation.conclusions)


_decided: dict[Any, bool] = {}


def _line_holds(line: Line, context: Context) -> bool:
    """Return whether a line holds; remembered by all that the answer depends on."""
    known = tuple((label, relation) for label, (_, relation) in context.established.items())
    key = (line.claim, line.reason, context.variables, tuple(context.definitions.items()), context.auxiliary, known)
    if key not in _decided:
        _decided[key] = all(s.holds is not False for s in _checked(line, context))
    return _decided[key]


def _change_alike(lines: Sequence[Line]) -> bool:
    """Return whether inductions on the same number let each quantity begin and go on in the same way."""
    found: dict[Any, Term] = {}
    return all(
        found.setdefault((line.reason.variable, place, name), value) == value
        for line in lines
        if isinstance(line.reason, ByInduction)
        for place, pairs in enumerate((line.reason.start, line.reason.following))
        for name, value in pairs
    )


def _well_formed(derivation: Derivation, context: Context) -> bool:
    """Return whether witnesses use earlier variables and lie in their range, and every symbol is declared once.

    Inductions on the same number must also agree on how each quantity begins and goes on.
    """
    if not _change_alike(derivation.lines):
        return False
    before: set[Any] = set()
    earlier: list[Variable] = []
    for item in derivation.quantified:
        variable = item.variable if isinstance(item, Exists) else item
        name = variable.term.expression()
        if name in before or not variable.sensible():
            return False
        if isinstance(item, Exists) and item.witness is None:
            if variable.kind != "weights" or not any(_gives(c, variable.term) for c in derivation.conclusions):
                return False
        elif isinstance(item, Exists) and item.witness is not None:
            value = item.witness.expression()
            shown, ranges = abstracted(value, earlier)
            if not value.free_symbols <= before or not in_range(shown, variable, ranges):
                return False
        before.add(name)
        earlier.append(variable)
    known = {s for v in (*derivation.quantities, *derivation.auxiliary) for s in v.term.expression().free_symbols}
    known |= before
    if not all(v.sensible() for v in (*derivation.quantities, *derivation.auxiliary)):
        return False
    for definition in derivation.definitions:
        name = definition.name.expression()
        if name in known or not definition.value.expression().free_symbols <= known:
            return False
        known.add(name)
        if not context.defined(definition.relation()):
            return False
        if definition.fact is not None and not context.zero(definition.fact.gap()):
            return False
    stated = known - {s for v in derivation.auxiliary for s in v.term.expression().free_symbols}
    claims = [h.claim for h in derivation.hypotheses] + [c.claim for c in derivation.conclusions]
    symbols = {s for c in claims for side in (c.left, c.right) for s in side.expression().free_symbols}
    return symbols <= stated and all(map(context.defined, claims))


def _gives(conclusion: Conclusion, weights: Term) -> bool:
    """Return whether a conclusion says that a function has its least or largest value at these weights."""
    given = conclusion.claim.left.expression().free_symbols == {weights.expression()}
    return given and isinstance(conclusion.reason, ByCompactness)


def _checked(line: Line, context: Context) -> list[Step]:
    """Return the steps of a line: one, or two where an argument in words was also tried on instances."""
    sentence, reason, claim = line.sentence.latex(line.claim), line.reason, line.claim
    declared = {s for v in context.variables for s in v.term.expression().free_symbols} | set(context.definitions)
    if claim is not None:
        sides = (claim.left.expression(), claim.right.expression())
        if not all(side.free_symbols <= declared for side in sides):
            return [step(sentence, "identity", False, "a symbol without a range")]
    if isinstance(reason, InWords):
        found = [argument(sentence)]
        if reason.instances is not None and claim is not None:
            holds = reason.check(claim, context)
            found.append(step(f"{TRIED}${claim.latex()}$.", "enumeration", holds, reason.described))
        return found
    if claim is None:
        return [step(sentence, "identity", False, "a line without a claim")]
    finite = isinstance(reason, ByInstances)
    holds = reason.check(claim, context) and (finite or context.defined(claim))
    return [step(sentence, reason.method, holds, reason.detail(claim, context) if holds else "")]  # type: ignore[arg-type]


@dataclass(frozen=True)
class ByLemma:
    """A lemma, proved where it stands, with values for its variables; hypotheses are lines with these values.

    A quantity means the same everywhere. What a lemma says of any quantity of a kind, such as a sum under masks, is
    said of a given one by ``renamed``: pairs of a quantity of the lemma and one of this proof. That the second is of
    this kind is words, so the claim must also hold in the cases of ``tried``.
    """

    lemma: Derivation
    values: tuple[tuple[Term, Term], ...] = ()
    hypotheses: tuple[str, ...] = ()
    renamed: tuple[tuple[Term, Term], ...] = ()
    tried: Instances | None = None
    described: str = ""
    method: ClassVar[str] = "lemma"

    def check(self, claim: Relation, context: Context) -> bool:
        """Return whether the lemma holds, its ranges and hypotheses are met, and the claim is a conclusion of it."""
        if not self.lemma.holds():
            return False
        values = dict(self.values)
        quantities = {v.term for v in self.lemma.quantities}
        for item in self.lemma.quantified:
            if isinstance(item, Exists):
                return False
            if not context.within(values.get(item.term, item.term).expression(), item):
                return False
        if any(name in quantities for name in values):
            return False  # a quantity means the same everywhere
        here_ = {v.term for v in context.variables if v.kind == "network"}
        if any(old not in quantities or new not in here_ for old, new in self.renamed):
            return False
        if self.renamed and (self.tried is None or not at_instances(claim, self.tried, context)):
            return False
        own = {d.name.expression(): d.value.expression() for d in self.lemma.definitions}
        if not self.values and not self.renamed and own.items() <= context.definitions.items():
            own = {}  # the same names, down to the last, for the same terms: they stay names
        moved = {name.expression(): value.expression() for name, value in (*self.values, *self.renamed)}

        def here(relation: Relation) -> Any:
            return expanded(relation.gap(), own).xreplace(moved)

        given = [context.established[label][1] for label in self.hypotheses if label in context.established]
        for hypothesis in self.lemma.hypotheses:
            if not any(
                (g.strict or not hypothesis.claim.strict) and context.zero(g.gap() - here(hypothesis.claim))
                for g in given
                if g.sign != "=" or hypothesis.claim.sign == "="
            ):
                return False
        return any(
            c.claim.sign == claim.sign and context.zero(claim.gap() - here(c.claim)) for c in self.lemma.conclusions
        )

    def detail(self, claim: Relation, context: Context) -> str:
        """Return the name of the lemma and the values."""
        pairs = [(name, value) for name, value in (*self.values, *self.renamed) if name != value]
        with_values = "".join(f", ${n.latex()} = {v.latex()}$" for n, v in pairs)
        return self.lemma.cited + with_values + (f"; tried: {self.described}" if self.renamed else "")


def lemma_step(lemma: Derivation) -> Step:
    """Return one step that cites a lemma, with its statement, for proofs whose other steps are no objects."""
    return step(f"{lemma.cited}: {lemma.statement()}.", "lemma", lemma.holds())


def proved(
    verdict: Verdict, derivations: Sequence[Derivation], further: Sequence[Step] = (), counterexample: str = ""
) -> Proof:
    """Return the proof of an entry made of derivations, with further steps such as examples."""
    steps: list[Step] = []
    for derivation in derivations:
        steps += derivation.prove(len(steps))
    return conclude(verdict, scope_of(derivations), [*steps, *further], counterexample)


def scope_of(derivations: Sequence[Derivation]) -> str:
    """Return the ranges of the variables of all derivations as text."""
    return "; ".join(dict.fromkeys(d.scope() for d in derivations if not d.supporting))


def lemmas_of(derivation: Derivation) -> Mapping[str, Derivation]:
    """Return the lemmas that a derivation cites, by name, those of lemmas included."""
    found: dict[str, Derivation] = {}
    reasons = [line.reason for line in derivation.lines] + [c.reason for c in derivation.conclusions]
    for reason in reasons:
        if isinstance(reason, ByLemma):
            found |= lemmas_of(reason.lemma)
            found[reason.lemma.name] = reason.lemma
    return found
