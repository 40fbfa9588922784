"""What ``check`` answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from html import escape
from typing import Literal, Unpack

from exactdropout.claims.language.syntax import Claim, Name, aligned_latex, claim_latex, expression_latex
from exactdropout.claims.proof_steps import proof_steps
from exactdropout.claims.renamed_latex import in_other_names, renamed_latex
from exactdropout.claims.setting.setting import Setting
from exactdropout.claims.verifier.verify import Certificate, Proof
from exactdropout.model import Examples, Network
from exactdropout.model.numbers import format_rational
from exactdropout.notation.document import document, theorem
from exactdropout.notation.numbers import number_latex
from exactdropout.notation.page import Markup, block_html, latex_html, list_html
from exactdropout.notation.prose import latex_sentence
from exactdropout.notation.style import ReluForm, Style, StyleOptions, styled

__all__ = ["Counterexample", "NearMiss", "Status", "Verdict", "proof_in_words"]

Status = Literal["proved", "refuted", "undecided"]
_REPLAYED = "replayed by the independent verifier, and attacked without success at the edges"


@dataclass(frozen=True, kw_only=True)
class Counterexample:
    """A point at which a claim fails: both sides as fractions, computed by the double loop over masks.

    ``left relation right`` is the comparison that is false there. ``network``, ``data`` and ``rates`` are the point
    for :func:`exactdropout.evaluate`; ``values`` gives every free symbol its value, and ``names`` are these symbols.
    """

    left: Fraction
    relation: str
    right: Fraction
    values: Mapping[str, Fraction]
    network: Network
    data: Examples
    rates: tuple[Fraction, ...]
    note: str = ""
    names: tuple[Name, ...] = ()

    def __str__(self) -> str:
        """Return the failing comparison and the point."""
        point = ", ".join(f"{name} = {format_rational(value)}" for name, value in self.values.items())
        found = f"{format_rational(self.left)} {self.relation} {format_rational(self.right)} is false"
        return f"{found}{self.note} at {point}" if point else found + self.note


@dataclass(frozen=True)
class NearMiss:
    """A slip that would explain a refuted claim: a hint, which holds at ``points`` exact points, and no proof.

    ``claim`` is the claim without the slip, where it differs from what was claimed; ``other`` explains it as well.
    """

    slip: str
    points: int
    claim: Claim | None = None
    other: NearMiss | None = None

    def __str__(self) -> str:
        """Return the slip in words, with the claim that holds without it."""
        return self._shown(self.slip, str)

    def latex(self) -> str:
        """Return the same, with the claim as a formula."""
        return self._shown(latex_sentence(self.slip), lambda claim: f"${claim_latex(claim)}$")

    def _shown(self, slip: str, formula: Callable[[Claim], str]) -> str:
        told = "then the claim" if self.claim is None else formula(self.claim)
        text = f"{slip}; {told} holds at {self.points} exact points"
        if self.other is None:
            return text
        return f"{text}. Or {self.other._shown(self.other.slip, formula)}"


@dataclass(frozen=True, kw_only=True, repr=False)
class Verdict:
    """The answer to a claim: proved, refuted or undecided, never wider than what was shown.

    - ``scope``: the sizes for which a proof holds, or at which the counterexample lives;
    - ``steps``: the proof, or what was tried;
    - ``assumptions``: everything that was assumed, as text;
    - ``near_miss``: the likely slip behind a refuted claim, or None;
    - ``parts``: the verdicts on the statements of a claim that makes several at once; ``proof`` is in these;
    - ``written``: the claim as the engines have it, and its setting, from which ``argument`` is made;
    - ``evidence``: of a proof ``"replayed"``, since the independent verifier has replayed it (``proof``); else ``""``.
    """

    status: Status
    claim: Claim
    scope: str
    steps: tuple[str, ...]
    assumptions: tuple[str, ...]
    counterexample: Counterexample | None = None
    near_miss: NearMiss | None = None
    evidence: Literal["", "replayed"] = ""
    proof: Proof | None = None
    parts: tuple[Verdict, ...] = ()
    written: tuple[Claim, Setting] | None = field(default=None, repr=False, compare=False)

    @property
    def argument(self) -> tuple[str, ...]:
        """Return the steps of a proof as LaTeX, each with its rule, its side condition and the formula that it leaves.

        They are those of the certificate that the verifier has replayed; empty where nothing is proved.
        """
        return _argument(self, "word")

    def __eq__(self, other: object) -> bool:
        """Compare all fields that say something; a text is refused, since the comparison would always be False."""
        if isinstance(other, str):
            raise TypeError(f"A verdict is no text; write verdict.status == {other!r}.")
        if not isinstance(other, Verdict):
            return NotImplemented
        return all(getattr(self, f.name) == getattr(other, f.name) for f in fields(self) if f.compare)

    def __hash__(self) -> int:
        """Return a hash that equal verdicts share."""
        return hash((self.status, self.claim, self.scope))

    def __bool__(self) -> bool:
        """Refuse: undecided is neither true nor false."""
        raise TypeError("A verdict has three values; compare its status with 'proved', 'refuted' or 'undecided'.")

    def __str__(self) -> str:
        """Return the verdict for people."""
        lines = [f"{self.status}: {self.claim}", f"scope: {self.scope}"]
        if self.evidence:
            lines.append(f"evidence: {_REPLAYED}")
        if self.assumptions:
            lines.append(f"assuming {', '.join(self.assumptions)}")
        if self.counterexample is not None:
            lines.append(f"counterexample: {self.counterexample}")
        if self.near_miss is not None:
            lines.append(f"near miss: {self.near_miss}")
        return "\n".join([*lines, *(f"  {i}. {step}" for i, step in enumerate(self.steps, start=1))])

    def __repr__(self) -> str:
        """Return the status and the claim."""
        return f"Verdict({self.status}: {self.claim})"

    def latex(self, style: Style | None = None, **options: Unpack[StyleOptions]) -> str:
        """Return a theorem with its proof, or a claim with its counterexample or with what was tried (amsthm).

        Needs the environments ``theorem`` and ``claim``, which ``standalone=True`` defines.
        """
        return verdict_latex(self, styled(style, options))

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle {self.claim.latex()} \quad\text{{({self.status})}}$"

    def _repr_html_(self) -> str:
        lines = [Markup(f"<strong>{self.status}</strong>: {latex_html(self.claim.latex())}")]
        lines += [Markup(escape(line)) for line in str(self).splitlines()[1:] if not line.startswith("  ")]
        if self.steps:
            told = "Proof" if self.status == "proved" else "What was tried"
            lines.append(Markup(f"<details><summary>{told}</summary>{list_html(self.steps)}</details>"))
        return block_html(*lines)


_RELATIONS = {"=": "=", "!=": r"\ne", "<=": r"\le", "<": "<", ">=": r"\ge", ">": ">"}
WIDTH = 75


_VIEWS = {
    "named": "all quantities are polynomials: the sum over all masks, relu of a polynomial being a variable",
    "opaque": "for each example J_D = Var D + (E D - y)^2, R = (W(x) - y)^2, Var D >= 0; E D and W(x) are as linear "
    "units, Jensen's inequality and assumed signs have it",
    "written": "units are linear on every mask, so E D and Var D are sums over units, by induction on layers",
    "last": "the last layer alone is dropped, so E D = W(x) and Var D = q/p Sum(w_j^2 h_j^2) over its units h_j",
    "output": "W(x) is the bias plus Sum(w_j h_j) over the units h_j of the last hidden layer, and J_D = Var D + "
    "(E D - y)^2 with Var D >= 0",
    "uniform": "equal weights and inputs: each layer of width m takes E D times m c, E D^2 times m^2 c^2 (1 + q/(p m))",
    "masked": "the mean over all masks of the inputs; relu of what a unit gets on one is a number >= 0 of that unit",
    "floors": "J_D and E D^2 are at least what the masks that drop all units of some layer contribute, where D = b",
    "floor": "J_D and E D^2 are at least what the mask that drops the whole last layer contributes",
    "one unit": "with one hidden unit and w y <= 0 the squared error is convex in its pre-activation: penalty >= 0",
}
_RULES = {
    "zero": "the difference of both sides is identically 0",
    "terms": "every term is a product of factors that are not negative",
    "product": "the polynomial is a product of even powers and of factors that are not negative",
    "quadratic": "it is a v^2 + b v + c with a, c and 4 a c - b^2 not negative",
    "line": "a polynomial in one variable without a change of sign (Sturm)",
    "strict": "one term is positive and the rest is not negative",
    "shift": "written in the excess of K and n over their least values",
    "squares": "by Cauchy-Schwarz (Sum f)^2 <= N Sum f^2",
    "bernoulli": "by Bernoulli (1 + a)^m >= 1 + m a",
    "hinge": "z relu(z) is relu(z)^2",
    "one": "a sum of terms >= 0 is at least one of them",
    "root": "roots are compared with the rest by squares",
    "cases": "by the two signs of the argument of a relu",
    "signs": "by the sign of what stands inside a relu, which is then known",
    "subadditive": "by relu(u + v) <= relu(u) + relu(v)",
    "between": "by relu(u) <= relu(v) for u <= v",
    "known": "a combination, with factors that are not negative, of what is assumed and of (1 - a)^m >= 1 - m a",
    "negative": "the same for minus the difference",
}


def proof_in_words(proof: Proof) -> list[str]:
    """Return what the verifier replayed, as steps."""
    rules: list[str] = []

    def collect(certificate: Certificate | None) -> None:
        rules.append("zero" if certificate is None else certificate.rule)
        for part in certificate.parts if certificate is not None else ():
            collect(part)

    for certificate in proof.certificates:
        collect(certificate)
    told = "; ".join(_RULES[rule] for rule in dict.fromkeys(rules))
    return [f"Replayed by the verifier, view '{proof.view}': {_VIEWS[proof.view]}.", f"There: {told}."]


def _argument(verdict: Verdict, relu: ReluForm) -> tuple[str, ...]:
    if verdict.parts and verdict.status == "proved":
        return tuple(step for part in verdict.parts for step in _argument(part, relu))
    if verdict.proof is None or verdict.written is None:
        return ()
    return proof_steps(*verdict.written, verdict.proof, relu)


def verdict_latex(verdict: Verdict, style: Style) -> str:
    """Return a theorem, or a claim and what is known of it; steps and assumptions with the claim."""
    environment = "equation*" if style.environment == "none" else style.environment
    inside = replace(style, environment=environment, width=style.width or WIDTH, standalone=False)
    # the assumptions of the claim are listed with the others
    claim = aligned_latex(Claim(verdict.claim.statement), inside).replace(r"\text{penalty}", r"\mathrm{penalty}")
    setting = _named("; ".join(map(latex_sentence, verdict.assumptions)), style)
    statement = f"Setting: {setting}. Then\n{claim}"
    scope = rf"\noindent Scope: {_named(latex_sentence(verdict.scope), style)}."
    steps = [latex_sentence(step) for step in verdict.steps]
    if verdict.status == "proved":
        parts = [theorem(statement, proof=_named_steps(_argument(verdict, style.relu) or tuple(steps), style)), scope]
    elif verdict.counterexample is not None:
        point = verdict.counterexample
        shown = f"{number_latex(point.left)} {_RELATIONS[point.relation]} {number_latex(point.right)}"
        symbols = zip(point.names, point.values.values(), strict=True)
        where = ", ".join(f"${expression_latex(name)} = {number_latex(value)}$" for name, value in symbols)
        note = f" ({latex_sentence(point.note.strip())})" if point.note.strip() else ""
        text = f"The claim is refuted: ${shown}$ is false{note}" + (f" at {where}." if where else ".")
        text = _named(text, style)
        if verdict.near_miss is not None:
            text += f" Near miss: {verdict.near_miss.latex()}."
        parts = [theorem(statement, kind="claim"), rf"\noindent {text}", scope]
    else:
        items = (rf"\item {step}" for step in _named_steps(tuple(steps), style))
        tried = "\n".join([r"\begin{enumerate}", *items, r"\end{enumerate}"])
        parts = [theorem(statement, kind="claim"), r"\noindent The claim is undecided. What was tried:", tried, scope]
    body = "\n".join(parts)
    return document(body) if style.standalone else body


def _named(text: str, style: Style) -> str:
    """Return a text under the names of the style, or with what its letters stand for."""
    found = renamed_latex((text,), style)
    return found[0] if found is not None else f"{text} ({in_other_names(style)})"


def _named_steps(steps: tuple[str, ...], style: Style) -> tuple[str, ...]:
    """Return steps under the names of the style, or a first one that says what the letters of the others stand for."""
    found = renamed_latex(steps, style)
    return found if found is not None else (f"Here {in_other_names(style)}.", *steps)
