"""``check_document``: each step of the derivations in a paper judged for itself, the rest passed over and named."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from exactdropout.claims.check import check
from exactdropout.claims.documents.chains import Chain, chains
from exactdropout.claims.documents.macros import Macro, expanded, macros_of
from exactdropout.claims.documents.own_names import OwnName, own_name, with_letters
from exactdropout.claims.documents.settings import DocumentSetting, setting_at
from exactdropout.claims.documents.source import (
    MAX_CHARACTERS,
    Formula,
    LineCounter,
    formulas,
    sentence_around,
    setting_lines,
    without_comments,
)
from exactdropout.claims.documents.steps import DocumentVerdict, PassedOver, Step
from exactdropout.claims.language.author_names import meanings
from exactdropout.claims.language.forms import Definition
from exactdropout.claims.language.parser import read_claim, read_definition
from exactdropout.claims.language.syntax import Comparison, Name, Quantity, walk
from exactdropout.claims.reading.surroundings import Surroundings
from exactdropout.claims.setting.setting import surroundings
from exactdropout.errors import CostLimitExceeded, InvalidInput
from exactdropout.model.numbers import show
from exactdropout.progress import Progress, reporting

__all__ = ["DocumentCheck", "DocumentVerdict", "PassedOver", "Step", "check_document"]

_QUANTITY = re.compile(
    r"J_(?:\{\s*)?D|\\mathbb\{?[EV]|(?<![A-Za-z])E\s*_?[\[{(]|Var(?![a-z])|penalty|criterion|(?<![A-Za-z\\])R(?![A-Za-z])|"
    r"(?<![A-Za-z])W\s*\(\s*x|(?<![A-Za-z\\])D(?![A-Za-z])"
)
_MAX_STEPS = 2_000
_OUTPUT = re.compile(r"(?:\\mathcal)?\s*\{?\s*D\s*\}?\s*(?:_\{?[rR]\}?)?\s*(?:\([^()]*\))?\Z")
_REASONS = re.compile(r"\s*\\(?:text|mbox|textrm)\{\s*(?:since|because|by)(?![A-Za-z]).*", re.DOTALL)
_CONDITIONS = re.compile(
    r"\b(?:[Ii]f|[Ww]hen|[Ww]henever|[Ww]here|[Ff]or|[Ll]et|[Ss]uppose|[Aa]ssum\w*|[Pp]rovided|[Gg]iven|[Uu]nder|[Uu]nless|[Ww]ith|"
    r"[Ww]ithout|[Aa]t|[Ss]uch|[Ll]ike|[Nn]ot?|[Nn]ever|[Cc]annot|wrong|false|incorrect|mistak\w*|would|could|may|might|should|only|"
    r"[Ss]etting|[Tt]aking|[Ii]n|[Oo]n|denote\w*|writ\w*|defin\w*|call\w*)\b|n't\b"
)
"""Words beside a formula that may limit, deny or introduce it."""
_WHEN = re.compile(r"\b(?:whenever|when|provided that|provided)\b")


def check_document(
    text: str,
    architecture: Any = None,
    data: Any = None,
    q: object = None,
    *,
    assume: str | Iterable[str] | None = None,
    names: Mapping[str, str] | None = None,
    markdown: bool = False,
    name: str = "text",
    max_cost: float | None = None,
    progress: Progress | bool | None = None,
) -> DocumentVerdict:
    """Judge each step of the derivations in a LaTeX or Markdown text.

    Args:
        text: the document, or one pasted ``align``, or one formula. Macros that it defines are put in as text;
            nothing is executed, and no other file is opened.
        architecture: as for :func:`exactdropout.claims.check`, for formulas before which no comment line says another,
            ``% exactdropout architecture: K-1, no biases; q: 1/2; assume: w >= 0; name: q=p`` (``<!-- … -->``).
        data: likewise; also ``q``, ``assume`` and ``names``. The last two add up; ``assume: none`` forgets.
        markdown: the text is Markdown: code is skipped, ``math`` fences are formulas.
        name: what to call the document.
        max_cost: for each step, as for ``check``.
        progress: True, or a callable ``progress(done, total)`` in steps.

    A formula on lines of its own is a chain: a = b ≤ c is two claims. One that names no quantity of dropout, defines a
    letter, or stands inside a sentence with a word such as "if", is passed over and listed.

    Raises:
        InvalidInput: a text that is no document, a setting that is missing or does not fit, no claim at all.

    >>> found = check_document(r"\\[ J_D = \\mathbb{E}[D^2] - 2y\\mathbb{E}[D] + y^2 = R \\]", "K-1, no biases")
    >>> [step.status for step in found.steps], str(found.first_refuted.claim)
    (['proved', 'refuted'], 'E[D^2] - 2*y*E[D] + y^2 = R')
    """
    given = DocumentSetting(
        architecture, data, q, (assume,) if isinstance(assume, str) else tuple(assume or ()), dict(names or {})
    )
    job = DocumentCheck(text, given, markdown=markdown, name=name, max_cost=max_cost)
    with reporting(progress, "checking steps") as report:
        job.run(report)
    return job.result(complete=True)


class DocumentCheck:
    """The check of a document, step by step; what is known can be asked for at any time."""

    def __init__(
        self, text: str, given: DocumentSetting, *, markdown: bool = False, name: str = "text",
        max_cost: float | None = None,
    ) -> None:  # fmt: skip
        """Find the steps.

        Raises:
            InvalidInput: a text that is no document, or no claim in it.
        """
        if not isinstance(text, str) or not text.strip() or "\0" in text:
            raise InvalidInput(f"Argument 'text' must be a document in LaTeX or Markdown, not {show(text)}.")
        if "\n" not in text and re.fullmatch(r"\S+\.(?:tex|md|markdown|txt)", text):
            raise InvalidInput(
                f"Argument 'text' must be the document itself, not its name; write Path({text!r}).read_text()."
            )
        if len(text) > MAX_CHARACTERS:
            raise InvalidInput(f"Argument 'text' has at most {MAX_CHARACTERS} characters, not {len(text)}.")
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        self.name, self.given, self.max_cost = name, given, max_cost
        self.line_of = LineCounter(text)
        self.lines = setting_lines(text)
        self.plain = without_comments(text, markdown=markdown)
        # macros stand before \begin{document}, too
        self.macros = macros_of(
            re.sub(r"(?<!\\)((?:\\\\)*)%[^\n]*", lambda m: m[1] + " " * (len(m[0]) - len(m[1])), text)
        )
        self.letters = " ".join([text, *(macro.body for macro in self.macros), repr(given)])  # and what comments assume
        self.passed: list[PassedOver] = []
        self.steps: list[Step] = []
        self.settings: list[DocumentSetting] = []
        self.arounds: dict[str, Surroundings] = {}
        self.known: tuple[Definition, ...] = ()
        self.own: tuple[OwnName, ...] = ()
        self.said: list[tuple[int, str, str]] = []  # what formulas inside sentences say a letter is: line, both sides
        self._find()
        if not self.steps:
            raise InvalidInput(
                f"Argument 'text' holds no claim about dropout: {len(self.passed)} formulas were passed over"
                + (f", such as line {self.passed[0].line}: {self.passed[0].reason}." if self.passed else ".")
            )

    def run(self, progress: Progress | None = None) -> None:
        """Judge the steps that are not judged yet."""
        for number, step in enumerate(self.steps):
            if progress is not None:
                progress(number, len(self.steps))
            if step.status == "not reached":
                self.steps[number] = self._judged(step, self.settings[number])
        if progress is not None:
            progress(len(self.steps), len(self.steps))

    def result(self, *, complete: bool) -> DocumentVerdict:
        """Return what is known."""
        return DocumentVerdict(name=self.name, steps=tuple(self.steps), passed=tuple(self.passed), complete=complete)

    def _find(self) -> None:
        found = list(formulas(self.plain, self.line_of))
        if not found and re.search(r"[=<>]|\\[lg]e", self.plain):
            found = [Formula(self.plain, 0, "display")]  # one formula, pasted
        number = 0
        for formula in found:
            table = self._table(formula.position)
            try:
                text = expanded(formula.text, table)
            except InvalidInput as error:
                if formula.kind == "display":
                    number += 1
                    self._unread(formula.position, formula.text, str(error), number)
                continue
            if formula.kind == "inline":
                self.said += [
                    (self.line_of(formula.position), chain.sides[0].strip(), chain.sides[1])
                    for chain in chains(text)
                    if chain.relations[:1] == ("=",)
                ]
                if re.search(r"[=<>]|\\(?:[lg]eq?|neq?)(?![A-Za-z])", text) and self._speaks(text):
                    number += self._inline(formula, text, number + 1)
                continue
            first_line = self.line_of(formula.position)
            if self._several_definitions(text, formula):
                continue
            for chain in chains(text):
                number += self._chain(chain, formula, text, first_line, number + 1)

    def _inline(self, formula: Formula, text: str, number: int) -> int:
        """Take in a formula inside a sentence that has no word of a condition, and what of it can be read."""
        setting = setting_at(self.given, self.lines, formula.position, self.line_of)
        start, end = sentence_around(self.plain, formula)
        behind = self.plain[formula.position + len(formula.text) : end]
        word = _CONDITIONS.search(f"{self.plain[start : formula.position]} {behind}")
        if word is not None:
            reason = f"stands inside a sentence with '{word[0]}', whose conditions are not read"
            self._pass(formula.position, text, reason)
            return 0
        if setting.architecture is None:
            self._pass(formula.position, text, "stands before an architecture is named")
            return 0
        before, added = len(self.steps), 0
        for chain in chains(text):
            added += self._chain(chain, formula, text, self.line_of(formula.position), number)
        for place in reversed(range(before, len(self.steps))):
            if self.steps[place].status == "not read":
                step = self.steps.pop(place)
                self.settings.pop(place)
                self._pass_line(step.line, step.text, step.reason)
        return int(len(self.steps) > before)

    def _around(self, setting: DocumentSetting) -> Surroundings:
        key = str(setting)
        if key not in self.arounds:
            self.arounds[key] = surroundings(setting.architecture, setting.data, setting.q)
        return self.arounds[key]

    def _table(self, position: int) -> dict[str, Macro]:
        table: dict[str, Macro] = {}
        for macro in self.macros:
            if macro.position < position:
                table[macro.name] = macro
        return table

    def _pass(self, position: int, text: str, reason: str) -> None:
        self._pass_line(self.line_of(position), text, reason)

    def _pass_line(self, line: int, text: str, reason: str) -> None:
        self.passed.append(PassedOver(line=line, text=" ".join(text.split()), reason=reason))

    def _unread(self, position: int, text: str, reason: str, number: int) -> None:
        step = Step(
            line=self.line_of(position), text=" ".join(text.split()), chain=number, status="not read", reason=reason,
            setting=str(self.given),
        )  # fmt: skip
        self._add(step, self.given)

    def _add(self, step: Step, setting: DocumentSetting) -> None:
        if len(self.steps) >= _MAX_STEPS:
            raise InvalidInput(f"Argument 'text' has more than {_MAX_STEPS} steps.")
        self.steps.append(step)
        self.settings.append(setting)

    def _chain(self, chain: Chain, formula: Formula, text: str, first_line: int, number: int) -> int:
        """Take in a chain; return 1 where it holds steps."""

        def line(place: int) -> int:
            return first_line + text.count("\n", 0, place)

        start = line(chain.positions[0]) if chain.positions else first_line
        speaks = self._speaks(chain.text)
        if not chain.relations and len(chain.sides) == 1 and not chain.text.strip():
            return 0
        setting = setting_at(self.given, self.lines, formula.position, self.line_of)
        statement = not chain.relations and re.search(r"(?<![A-Za-z])(?:is|does|minimi[sz]es)(?![A-Za-z])", chain.text)
        if not chain.relations and not statement:
            self._pass_line(start, chain.text, "has no relation")
            return 0
        if setting.architecture is None:
            raise InvalidInput(
                "Argument 'architecture' is needed, or a line '% exactdropout architecture: K-1, no biases' before the "
                f"formula in line {start}."
            )
        self._around(setting)  # what does not fit is refused, and no step's fault
        meanings(setting.spoken)
        if statement:
            return self._statement(chain, setting, start, number, speaks=speaks)
        definition = self._definition(chain, setting)
        begin = 0
        if definition is not None and (clash := self._said_otherwise(definition[1], chain, setting)):
            reason = (
                f"line {clash} says inside a sentence what {chain.sides[0].strip()} is, in other words, which are not "
                "read: make the definition a formula on a line of its own"
            )
            lines = [line(p) for p in chain.positions]
            return self._steps(chain, setting, lines, number, 0, speaks=True, unread=reason)
        if definition is not None:
            self._know(definition, chain, start)
            begin = 1
        elif _OUTPUT.match(chain.sides[0].strip()) and chain.relations[0] == "=":
            return self._output(chain, setting, start, number)
        return self._steps(chain, setting, [line(p) for p in chain.positions], number, begin, speaks=speaks)

    def _steps(
        self, chain: Chain, setting: DocumentSetting, lines: list[int], number: int, begin: int, *, speaks: bool,
        unread: str = "",
    ) -> int:  # fmt: skip
        steps: list[Step] = []
        tail = _WHEN.sub("if", _REASONS.sub("", chain.tail))
        plain = replace(chain, tail=tail)
        for k in range(begin, len(chain.relations)):
            shown = f"{chain.sides[k]} {chain.relations[k] or '...'} {chain.sides[k + 1]}" + (
                f" {tail}" if tail else ""
            )
            step = Step(line=lines[k + 1], text=shown, chain=number, status="not reached", setting=str(setting))
            if unread:
                steps.append(replace(step, status="not read", reason=unread))
                continue
            if not chain.relations[k]:
                reason = "the relation is none of =, <=, <, >=, >, !=, so nothing exact is claimed"
                steps.append(replace(step, status="not read", reason=reason))
                continue
            if "quad" in chain.text and re.search(r",\s*\\q?quad", chain.text) and _second(chain.text):
                reason = "what stands behind \\quad may be a condition: write \\text{ if } before it, or two formulas"
                steps.append(replace(step, status="not read", reason=reason))
                continue
            steps.append(self._read(step, plain.step(k), setting))
        quantities = any(
            isinstance(node, Quantity)
            for step in steps
            if step.claim is not None
            for node in walk(step.claim.statement)
        )
        if not steps:
            return 0
        if not quantities and not speaks:
            self._pass_line(lines[0], chain.text, _no_quantity(chain.text))
            return 0
        for step in steps:
            self._add(step, setting)
        return 1

    def _read(self, step: Step, text: str, setting: DocumentSetting) -> Step:
        try:
            claim = read_claim(
                r"\," + with_letters(text, self.own), setting.spoken or None, self._around(setting), self.known
            )
        except InvalidInput as error:
            return replace(step, status="not read", reason=_sentence(error))
        return replace(step, claim=claim)

    def _statement(self, chain: Chain, setting: DocumentSetting, line: int, number: int, *, speaks: bool) -> int:
        step = Step(
            line=line, text=" ".join(chain.text.split()), chain=number, status="not reached", setting=str(setting)
        )
        step = self._read(step, chain.text, setting)
        if step.claim is None and not speaks:
            self._pass_line(line, chain.text, "names no quantity of dropout")
            return 0
        self._add(step, setting)
        return 1

    def _several_definitions(self, text: str, formula: Formula) -> bool:
        """Take in r = q/p, \\quad h_j = ..., where each part says what a letter is; if not, keep nothing of it."""
        parts = re.split(r",?\s*(?:\\q?quad(?![A-Za-z])\s*(?:\\(?:text|mbox)\{\s*and\s*\}\s*)?)+", text)
        setting = setting_at(self.given, self.lines, formula.position, self.line_of)
        if len(parts) < 2 or setting.architecture is None or any(c in text for c in (r"\\", r"\begin")):
            return False
        before, passed = (self.known, self.own), len(self.passed)
        self._around(setting)
        meanings(setting.spoken)
        for part in parts:
            found = [*chains(part)]
            definition = self._definition(found[0], setting) if len(found) == 1 and len(found[0].sides) == 2 else None
            if definition is not None and not any(isinstance(n, Name | Quantity) for n in walk(definition[0].value)):
                definition = None  # c = 1 behind a quad may be a case, which is none of what comes later
            if definition is None or self._said_otherwise(definition[1], found[0], setting):
                (self.known, self.own), self.passed[passed:] = before, []
                return False
            self._know(definition, found[0], self.line_of(formula.position))
        return True

    def _know(self, definition: tuple[Definition, OwnName | None], chain: Chain, line: int) -> None:
        """Keep a definition for the formulas behind it, and list it."""
        meant, own = definition
        self.known = (*self.known, meant)
        self.own = self.own if own is None else (*self.own, own)
        self._pass_line(
            line, f"{chain.sides[0]} = {chain.sides[1]}", f"says what {meant.name if own is None else own.written} is"
        )

    def _definition(self, chain: Chain, setting: DocumentSetting) -> tuple[Definition, OwnName | None] | None:
        r"""Return what a chain defines first: z_j, a letter without a meaning, or a name such as \mathcal{L}(w)."""
        if not chain.relations or chain.relations[0] != "=" or chain.tail:
            return None
        left, right = chain.sides[0].strip(), chain.sides[1]
        if left == "J" and not self._speaks(right):
            return None
        found = self._defined(left, right, setting)
        if found is not None:
            return found, None
        if self._reads(left, setting):
            return None
        taken = {*(setting.names or {}).values(), *(d.name for d in self.known)}
        own = own_name(with_letters(left, self.own), self.letters, taken, self.own)
        if own is None or (found := self._defined(own.printed, right, setting)) is None:
            return None
        return found, own

    def _defined(self, left: str, right: str, setting: DocumentSetting) -> Definition | None:
        try:
            text = r"\," + with_letters(f"{left} = {right}", self.own)
            return read_definition(text, setting.spoken or None, self._around(setting), self.known)
        except InvalidInput:
            return None

    def _said_otherwise(self, own: OwnName | None, chain: Chain, setting: DocumentSetting) -> int:
        """Return the line of a sentence that says something else of what is defined here, which then is a claim; or 0.

        Of a letter such as z that is asked only where a quantity of dropout is meant, here or there.
        """
        for line, left, right in self.said:
            if own is not None:
                same = own.occurs(left) and own.pattern.sub("", left).strip() == ""
            else:
                same = left == chain.sides[0].strip() and (self._speaks(right) or self._speaks(chain.sides[1]))
            if same and right.strip() != chain.sides[1].strip():
                step = Step(line=line, text="", chain=0, status="not reached", setting="")
                claim = self._read(step, f"{right} = {chain.sides[1]}", setting).claim
                if claim is None or not isinstance(claim.statement, Comparison) or len({*claim.statement.sides}) > 1:
                    return line
        return 0

    def _speaks(self, text: str) -> bool:
        return _QUANTITY.search(text) is not None or any(own.occurs(text) for own in self.own)

    def _reads(self, side: str, setting: DocumentSetting) -> bool:
        """Return whether the grammar has a meaning for a side, so that it is no name of the document's own."""
        try:
            read_claim(
                rf"\,{with_letters(side, self.own)} = 0", setting.spoken or None, self._around(setting), self.known
            )
        except InvalidInput:
            return False
        return True

    def _output(self, chain: Chain, setting: DocumentSetting, line: int, number: int) -> int:
        """Compare the document's D with the one here: its mean and its second moment, where these can be read."""
        body = chain.sides[1]
        steps = []
        for text in (rf"\mathbb{{E}}[{body}] = \mathbb{{E}}[D]", rf"\mathbb{{E}}[({body})^2] = \mathbb{{E}}[D^2]"):
            step = Step(line=line, text=text, chain=number, status="not reached", setting=str(setting))
            steps.append(self._read(step, text, setting))
        if any(step.claim is None for step in steps):
            self._pass_line(
                line, f"{chain.sides[0]} = {body}",
                "says what D is, which is not compared: here kept units are divided by 1 - q",
            )  # fmt: skip
            return 0
        for step in steps:
            self._add(step, setting)
        for k in range(2, len(chain.sides)):
            self._pass_line(
                line, f"{chain.sides[0]} = ... {chain.sides[k]}", "says again what D is, which is not compared"
            )
        return 1

    def _judged(self, step: Step, setting: DocumentSetting) -> Step:
        assert step.claim is not None
        try:
            verdict = check(
                step.claim, setting.architecture, setting.data, setting.q, assume=setting.assume or None,
                names=setting.names or None, max_cost=self.max_cost,
            )  # fmt: skip
        except (InvalidInput, CostLimitExceeded) as error:
            return replace(step, status="not read", reason=_sentence(error))
        return replace(step, status=verdict.status, verdict=verdict)


def _no_quantity(text: str) -> str:
    """Return why a formula is passed over; J alone, which may mean anything, is told what the criterion is called."""
    alone = re.search(r"(?<![A-Za-z\\])J(?![A-Za-z_])", text)
    return "names no quantity of dropout" + ("; the criterion is written J_D" if alone else "")


def _second(text: str) -> bool:
    """Return whether what stands behind \\quad has a relation, and is no condition in words."""
    behind = re.split(r",\s*\\q?quad", text, maxsplit=1)[1]
    return (
        re.search(r"[=<>]|\\[lg]e", behind) is not None
        and re.match(r"\s*(?:\\(?:text|forall)|\\q?quad)", behind) is None
    )


def _sentence(error: Exception) -> str:
    return str(error).partition("\n")[0].removeprefix("Argument 'claim' ")
