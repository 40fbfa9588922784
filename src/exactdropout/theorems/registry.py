"""The public registry of theorems: what is printed, what is proved, and the function that proves it.

A file of your own registers theorems in the same way and is run by ``exactdropout verify my_theorem.py``::

    from exactdropout.theorems import argument, conclude, register, step

    @register(
        id="me-2026-lemma-1", title="A small lemma", source="me2026", number="Lemma 1",
        printed="$1 + 1 = 2$", statement="1 + 1 = 2", verdict="holds", scope="all sizes",
    )
    def lemma_1():
        return conclude("holds", "all sizes", [step("1 + 1 = 2", "identity", 1 + 1 == 2)])
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Unpack

from exactdropout.errors import ExactDropoutError, InvalidInput, UnreadableFile
from exactdropout.model.numbers import show
from exactdropout.notation.document import document, theorem
from exactdropout.notation.prose import latex_sentence
from exactdropout.notation.style import Style, StyleOptions, styled
from exactdropout.theorems.in_coq import IN_COQ, InCoq
from exactdropout.theorems.proof import Proof, Step, Verdict, extended
from exactdropout.theorems.statements.derivation import Derivation, scope_of
from exactdropout.theorems.statements.lines import Sentence

__all__ = ["Theorem", "catalogue", "get", "load_file", "register"]

CATALOGUE = (
    "penalty.helmbold_2017_introduction",
    "penalty.helmbold_2017_figure_1",
    "minimisers.helmbold_2017_definition_2",
    "invariance.helmbold_2017_theorem_4",
    "invariance.helmbold_2017_theorem_5",
    "invariance.helmbold_2017_theorem_6",
    "weight_decay.helmbold_2017_section_3_4",
    "weight_decay.helmbold_2017_theorem_7",
    "weight_decay.helmbold_2017_lemmas_22_23",
    "weight_decay.helmbold_2017_lemmas_24_33",
    "gadget.helmbold_2017_lemma_9",
    "gadget.helmbold_2017_lemma_10",
    "nonnegative.helmbold_2017_lemma_12",
    "nonnegative.helmbold_2017_lemma_14",
    "nonnegative.helmbold_2017_lemma_15",
    "nonnegative.helmbold_2017_lemma_16",
    "negative_weights.helmbold_2017_theorem_8",
    "negative_weights.helmbold_2017_theorem_17",
    "negative_weights.helmbold_2017_section_4_3",
    "penalty.helmbold_2017_theorem_18",
    "penalty.helmbold_2017_theorem_19",
    "penalty.helmbold_2017_theorem_20",
    "weight_decay.helmbold_2017_figure_2",
    "nonnegative.exactdropout_2026_nonnegative_bound",
    "nonnegative.exactdropout_2026_nonnegative_minimum",
    "nonnegative.exactdropout_2026_every_depth",
    "gadget.exactdropout_2026_universal_bound",
    "penalty.exactdropout_2026_depth_growth",
    "weight_decay.exactdropout_2026_least_norm",
    "negative_weights.exactdropout_2026_every_width",
    "negative_weights.exactdropout_2026_narrow_layers",
    "negative_weights.exactdropout_2026_smallest_width",
    "negative_weights.exactdropout_2026_width_limits",
    "width.exactdropout_2026_infinite_width",
    "width.exactdropout_2026_width_rate",
    "neighbours.srivastava_2014_linear",
    "neighbours.wager_2013_quadratic",
    "neighbours.vandermaaten_2013_exponential",
    "neighbours.wang_2013_fast_dropout",
    "neighbours.baldi_2013_mean",
    "neighbours.helmbold_2015_logistic",
    "neighbours.cavazza_2018_matrix_factorisation",
    "neighbours.mianjy_2018_two_layer",
    "neighbours.mianjy_2019_deep_linear",
    "neighbours.arora_2021_last_layer",
    "neighbours.wei_2020_second_order",
    "neighbours.clara_2023_iterates",
)
"""The modules of the catalogue: the paper in its order, what goes beyond it, and results of other papers."""

_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\Z")
_VERDICTS = ("holds", "holds with a correction", "fails as printed")


@dataclass(frozen=True, kw_only=True)
class Theorem:
    """An entry: a published or derived statement with a proof that runs.

    Args:
        id: author, year and number, such as ``"helmbold-2017-theorem-5"``.
        title: a few words.
        source: the key of the bibliography; ``number``: what the source calls it.
        printed: the printed statement as a formula, in LaTeX and in our words.
        source_read: whether the source itself was read; where it was not, ``printed`` is our statement of its result.
        statement: what is proved, in one line of plain text.
        verdict: on the printed statement, as declared; ``prove`` must reproduce it.
        scope: the sizes that the proof covers, as declared.
        correction: the corrected statement, where the printed one does not hold; a remark on the print where it does.
        full: further steps that take longer, such as data made anew; ``prove(full=True)`` runs them too.
        picture: draws a figure of the result, given ``"svg"`` or ``"pdf"``; needs the extra ``[plot]``.
        derivations: the statement and its proof as objects; text, scope and checks are then made from them.
    """

    id: str
    title: str
    source: str
    number: str
    printed: str
    statement: str
    verdict: Verdict
    scope: str
    correction: str = ""
    source_read: bool = True
    full: Callable[[], Sequence[Step]] | None = field(default=None, repr=False, compare=False)
    picture: Callable[[str], bytes] | None = field(default=None, repr=False, compare=False)
    derivations: tuple[Derivation, ...] = field(default=(), repr=False, compare=False)
    proof: Callable[[], Proof] = field(repr=False, compare=False)

    def prove(self, *, full: bool = False) -> Proof:
        """Run the proof; the result has the verdict that was found, which may differ from the declared one.

        With ``full`` the further steps of the entry run too, and the verdict stands only if they hold.

        Raises:
            InvalidInput: the proof's own code raised an error, or returned no Proof.
        """
        start = time.perf_counter()
        try:
            proof = self.proof()
            if full and self.full is not None and isinstance(proof, Proof):
                proof = extended(proof, self.full())
        except ExactDropoutError:
            raise
        except Exception as error:
            raise InvalidInput(f"Theorem {self.id!r} could not be run: {_place(error)}.") from error
        if not isinstance(proof, Proof):
            raise InvalidInput(f"Theorem {self.id!r} must return a Proof, not {show(proof)}.")
        return proof.timed(time.perf_counter() - start)

    @property
    def printed_label(self) -> str:
        """What ``printed`` is: what the source prints, or our statement of the result of a source that was not read."""
        return "As printed" if self.source_read else "Our statement"

    @property
    def in_coq(self) -> InCoq | None:
        """What of the entry is proved in Coq for all sizes, as shipped evidence; None where nothing is."""
        return IN_COQ.get(self.id) if self.proof.__module__.startswith(f"{__package__}.") else None

    def evidence(self, proof: Proof) -> str:
        """Return the kinds of evidence of a proof of this entry, and what of it is proved in Coq."""
        return "; ".join(part for part in (proof.evidence, self.in_coq.evidence if self.in_coq else "") if part)

    @property
    def sentence(self) -> str:
        """The statement with formulas in LaTeX between dollars where it is made of objects, else ``statement``."""
        return "; ".join(d.statement() for d in self.derivations if not d.supporting) or self.statement

    @property
    def definitions(self) -> list[str]:
        """What the letters of the statement mean, as sentences; empty where the statement is not made of objects."""
        return list(dict.fromkeys(text for d in self.derivations for text in d.opening()))

    @property
    def correction_label(self) -> str:
        """What ``correction`` is: a corrected statement, or only a remark where the printed statement holds."""
        return "Remark" if self.verdict == "holds" else "Corrected statement"

    def latex(self, style: Style | None = None, *, proof: Proof | None = None, **options: Unpack[StyleOptions]) -> str:
        """Return the statement as a theorem of amsthm; with what :meth:`prove` returned, also its numbered steps."""
        return _theorem_latex(self, proof, styled(style, options))

    def _repr_latex_(self) -> str:
        return latex_sentence(f"{self.title}: {self.statement}")


_known: dict[str, Theorem] = {}
_collecting: list[dict[str, Theorem]] = [_known]


def register(
    *,
    id: str,
    title: str,
    source: str,
    number: str,
    verdict: Verdict,
    printed: str | Sentence | None = None,
    statement: str | None = None,
    scope: str | None = None,
    correction: str | Sentence = "",
    source_read: bool = True,
    full: Callable[[], Sequence[Step]] | None = None,
    picture: Callable[[str], bytes] | None = None,
    derivations: Sequence[Derivation] = (),
) -> Callable[[Callable[[], Proof]], Callable[[], Proof]]:
    """Register the decorated function, which takes nothing and returns a Proof, as the proof of a theorem.

    ``statement`` and ``scope`` are given, or made from ``derivations``; so is ``printed`` where it is not given.

    Raises:
        InvalidInput: an id that is taken or is not of the form ``author-year-number``, or an unknown verdict.
    """
    if not isinstance(id, str) or not _ID.match(id):
        raise InvalidInput(f"Argument 'id' must be lower-case words joined by hyphens, not {show(id)}.")
    if verdict not in _VERDICTS:
        raise InvalidInput(f"Argument 'verdict' must be one of {', '.join(_VERDICTS)}, not {show(verdict)}.")

    if not derivations and None in (printed, statement, scope):
        raise InvalidInput("Arguments 'printed', 'statement' and 'scope' must be given, or 'derivations' to make them.")
    if derivations and (statement is not None or scope is not None):
        raise InvalidInput("Arguments 'statement' and 'scope' are made from 'derivations' and must not be given, too.")
    shown = "; ".join(d.statement() for d in derivations if not d.supporting)
    stated = "; ".join(d.text() for d in derivations if not d.supporting) if statement is None else statement

    def decorate(proof: Callable[[], Proof]) -> Callable[[], Proof]:
        target = _collecting[-1]
        if id in target or (target is not _known and id in _known):
            raise InvalidInput(f"Argument 'id' must be new, but {id!r} is registered already.")
        target[id] = Theorem(
            id=id,
            title=title,
            source=source,
            number=number,
            printed=printed.latex() if isinstance(printed, Sentence) else printed or shown,
            statement=stated,
            verdict=verdict,
            scope=scope_of(derivations) if scope is None else scope,
            correction=correction.latex() if isinstance(correction, Sentence) else correction,
            source_read=source_read,
            full=full,
            picture=picture,
            derivations=tuple(derivations),
            proof=proof,
        )
        return proof

    return decorate


def catalogue() -> list[Theorem]:
    """Return all theorems that the package knows, in the order of their sources."""
    for module in CATALOGUE:
        importlib.import_module(f"exactdropout.theorems.{module}")
    order = {f"exactdropout.theorems.{module}": place for place, module in enumerate(CATALOGUE)}
    # proofs import one another, so the order of registration is not that of the list; sorting is stable
    return sorted(_known.values(), key=lambda t: order.get(t.proof.__module__, len(order)))


def get(id: str) -> Theorem:
    """Return a theorem of the catalogue by its id.

    Raises:
        InvalidInput: no such id; the message names the nearest.
    """
    entries = {t.id: t for t in catalogue()}
    if id not in entries:
        import difflib

        near = difflib.get_close_matches(str(id), entries, n=1, cutoff=0.3)
        hint = f"; the nearest is {near[0]!r}" if near else ""
        raise InvalidInput(f"Argument 'id' must be the id of a theorem, not {show(id)}{hint}.")
    return entries[id]


def load_file(path: str | Path) -> list[Theorem]:
    """Run a Python file of the user's and return the theorems that it registers, in order.

    The file is code and is run as such; name only files that you trust.

    Raises:
        UnreadableFile: the file is missing, is no ``.py`` file, does not run, or registers nothing.
    """
    file = Path(path)
    if file.suffix != ".py":
        raise UnreadableFile(f"File {show(str(file), 200)} must be a Python file ending in .py.")
    if not file.is_file():
        raise UnreadableFile(f"File {show(str(file), 200)} does not exist.")
    found: dict[str, Theorem] = {}
    spec = importlib.util.spec_from_file_location(f"_theorems_of_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise UnreadableFile(f"File {show(str(file), 200)} could not be read as Python.")
    module = importlib.util.module_from_spec(spec)
    _collecting.append(found)
    try:
        # no cached compilation: it is told by size and second, and a sign changed within one second would not be seen
        exec(compile(file.read_bytes(), str(file), "exec"), module.__dict__)
    except (Exception, SystemExit) as error:
        raise UnreadableFile(f"File {show(str(file), 200)} could not be run: {_place(error)}.") from error
    finally:
        _collecting.pop()
    if not found:
        raise UnreadableFile(f"File {show(str(file), 200)} registers no theorem; decorate a function with register.")
    return list(found.values())


def _place(error: BaseException) -> str:
    """Return the error and the line it came from, in a few words."""
    if isinstance(error, SyntaxError):
        return f"line {error.lineno}: {error.msg}"
    frames: list[Any] = traceback.extract_tb(error.__traceback__)
    line = f"line {frames[-1].lineno} of {Path(frames[-1].filename).name}: " if frames else ""
    text = " ".join(str(error).split()).rstrip(".")
    return f"{line}{type(error).__name__}" + (f": {text}" if text else "")


def _theorem_latex(entry: Theorem, proof: Proof | None, style: Style) -> str:
    """Return the statement, the correction, and the numbered steps of a proof with how each was checked."""
    title = latex_sentence(f"{entry.title}; {entry.number}")
    title = f"{{{title}}}" if "]" in title else title
    statement = f"{latex_sentence(entry.sentence)}."
    if entry.correction:
        verb = "fails" if entry.verdict == "fails as printed" else entry.verdict
        statement += " Remark: " if entry.verdict == "holds" else f" As printed it {verb}; corrected: "
        statement += f"{latex_sentence(entry.correction).rstrip('.')}."
    steps = []
    for step in proof.steps if proof is not None else ():
        detail = f" ({latex_sentence(step.detail)})" if step.detail else ""
        outcome = {True: f"{step.method}, checked", False: f"{step.method}, failed", None: "in words"}[step.holds]
        steps.append(rf"{latex_sentence(step.claim)}{detail} \emph{{[{outcome}]}}")
    shown = theorem(statement, title=title, proof=steps)
    if proof is not None:
        shown += f"\n\\noindent Verdict: {latex_sentence(proof.verdict)}. Scope: {latex_sentence(proof.scope)}."
    return document(shown) if style.standalone else shown
