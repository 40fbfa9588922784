"""``check``: is a claim about dropout true? A proof, an exact counterexample, or an honest *undecided*."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from exactdropout.claims.language.parser import read_claim
from exactdropout.claims.language.syntax import (
    Call,
    Claim,
    Conjunction,
    Derivative,
    Divide,
    Limit,
    Minimiser,
    Monotonicity,
    Name,
    Number,
    expression_text,
    walk,
)
from exactdropout.claims.proofs.all_sizes import every_size, prove_everywhere
from exactdropout.claims.proofs.certificates import replayable_proof
from exactdropout.claims.proofs.named_sizes import expected_terms, prove_at
from exactdropout.claims.proofs.rescaling import prove_by_scaling
from exactdropout.claims.reading.trees import with_relu
from exactdropout.claims.refutation.attack import attack
from exactdropout.claims.refutation.descent import descend
from exactdropout.claims.refutation.near_miss import near_miss
from exactdropout.claims.refutation.search import MAX_MASK_BITS, candidates, counterexample_at, search
from exactdropout.claims.setting.defined import where_defined
from exactdropout.claims.setting.entries import refuse_growth_of_free_entries, refuse_missing_entries, with_layers
from exactdropout.claims.setting.free_indices import at_first_units
from exactdropout.claims.setting.named_sizes import Unsupported, entries, given_entry, key_text, parts
from exactdropout.claims.setting.refusals import (
    refuse_contradictions,
    refuse_examples,
    refuse_free_rows,
    refuse_missing,
    refuse_overrides,
    refuse_two_readings,
    unused,
)
from exactdropout.claims.setting.setting import Setting, build_setting, constant, surroundings
from exactdropout.claims.setting.shape import author_sizes
from exactdropout.claims.verdict import Counterexample, Verdict, proof_in_words
from exactdropout.claims.verifier.verify import Proof
from exactdropout.errors import CostLimitExceeded, InvalidInput
from exactdropout.model import Architecture, Examples, Network
from exactdropout.model.arguments import beyond, cost_limit, told_what_is_missing
from exactdropout.model.numbers import format_rational, show
from exactdropout.progress import Progress, reporting

__all__ = ["check"]

SECONDS_PER_TERM = 3e-5
"""Measured: three derivations of a claim at named sizes, for each term."""
SECONDS_PER_PRODUCT = 3.5e-6
"""Measured: the double loop at one point, for each parameter and mask."""
_FIRST_POINTS, _ALL_POINTS = 20, 1_500
_POINTS_TO_SATISFY = 400
_NO_RULE = "The search found an argument that no rule of the verifier replays, so it counts for nothing"
_SHOWN = 60
"""Given weights that a verdict lists one by one."""


@told_what_is_missing
def check(
    claim: str | Claim | Any,
    architecture: Architecture | Network | str,
    data: Examples | Iterable[Any] | str | None = None,
    q: object = None,
    *,
    label: str | Sequence[str] | None = None,
    assume: str | Sequence[str] | None = None,
    names: Mapping[str, str] | None = None,
    max_cost: float | None = None,
    progress: Progress | bool | None = None,
) -> Verdict:
    """Prove or refute a claim about the dropout criterion and its relatives.

    Args:
        claim: text or LaTeX in the published grammar (``docs/claims.md``), a SymPy relation, or a parsed claim.
            Whatever is free in it is universally quantified: weights, inputs, labels and other symbols are real,
            0 ≤ q < 1.
        architecture: an :class:`Architecture`, an exact :class:`Network`, or text such as ``"3-1, no biases"``; sizes
            may be the symbols K, n, d as in ``"K-n^(d-1)-1 relu, biases"``.
        data: ``"point(x, y)"`` (the default), ``"half(1, 1)"``, ``"point((1, -2), y)"``, ``"design(X, y)"`` for m
            examples with inputs X[s,i] and labels y[s] (``"design(X, y, 3)"`` for three), or Examples in one of the
            forms of :func:`exactdropout.evaluate`.
        q: drop probability: None or ``"q"`` for a symbol, a number, or one per droppable layer such as ``"0, q"``.
        label: for a data frame, its label column.
        assume: text or texts such as ``"w >= 0, y = 2*c"``; assumptions in the claim (``… if c > 0``) are added.
        names: what claim and assumptions call the symbols of the grammar: ``{"w": "a", "W": "theta"}``. The verdict
            speaks in the grammar's names; ``verdict.latex(names=names)`` prints the author's.
        max_cost: refuse derivations and double loops that are estimated to take more seconds of one core; 60 where
            it is left out. The search for a counterexample has a budget of its own, of some seconds.
        progress: True, or a callable ``progress(done, total)`` in stages.

    A proof is exact and covers the scope that the verdict names, nothing wider. A refutation is one exact point, whose
    two sides were computed by the double loop over examples and all masks.

    Raises:
        InvalidInput: the claim does not parse (with position and caret), or an argument does not fit.
        CostLimitExceeded: no proof for all sizes was found and the named size is beyond ``max_cost``.

    >>> str(check("penalty = q/p * Sum(w[i]^2*x[i]^2, i=1..K)", "K-1, no biases").scope)
    'all sizes: K >= 1 (K-1 linear, no biases)'
    >>> verdict = check("E[D] = W(x)", "2-1-1 relu, no biases")
    >>> verdict.status, verdict.counterexample.left, verdict.counterexample.right
    ('refuted', Fraction(1, 2), Fraction(0, 1))
    """
    limit = cost_limit(max_cost)
    if label is not None:
        data = Examples(data, label=label)  # type: ignore[arg-type]  # text and None are refused there
    if names is not None and not isinstance(names, Mapping):
        raise InvalidInput(f"Argument 'names' must map names to names, such as {{'w': 'a'}}, not {show(names)}.")
    names = {**author_sizes(architecture), **(names or {})} or None
    parsed = _parsed(claim, names, architecture, data, q)
    if isinstance(parsed.statement, Conjunction):
        given: dict[str, Any] = {"assume": assume, "names": names, "max_cost": max_cost, "progress": progress}
        each = (Claim(part, parsed.assumptions) for part in parsed.statement.statements)
        return _together(parsed, (check(part, architecture, data, q, **given) for part in each))
    written, setting, every = _written(parsed, architecture, data, q, assume, names)
    with reporting(progress, "checking") as report:
        verdict = _Check(written, setting, limit, report).run()
    told = tuple(f"for every {index}, which is 1 without loss of generality" for index in every)
    return replace(verdict, claim=parsed, assumptions=(*verdict.assumptions, *told))


def _written(
    parsed: Claim, architecture: Any, data: Any, q: Any, assume: Any, names: Mapping[str, str] | None
) -> tuple[Claim, Setting, Sequence[str]]:
    """Return a claim as it is proved and attacked, its setting, and the free indices that stand for every unit.

    Raises:
        InvalidInput: what does not fit, contradicts itself, or reads two ways.
    """
    setting = build_setting(architecture, data, q, assume, parsed.assumptions, names)
    refuse_free_rows(parsed, setting)
    refuse_missing(setting.shape, (*setting.signs, *setting.definitions))
    refuse_contradictions(setting)
    refuse_overrides(setting)
    refuse_two_readings(parsed, setting)
    _refuse_fixed(parsed, setting)
    _refuse_zero_divisors(parsed, setting)
    refuse_examples(parsed, setting)
    alike, every = at_first_units(parsed, setting, surroundings(architecture, data, q))
    written = with_layers(alike, setting)
    refuse_missing_entries(written, setting)
    refuse_growth_of_free_entries(written, setting)
    return written, setting, every


def _together(claim: Claim, verdicts: Iterable[Verdict]) -> Verdict:
    """Return the verdict on several statements at once, up to the first that is refuted."""
    found: list[Verdict] = []
    for verdict in verdicts:
        found.append(verdict)
        if verdict.status == "refuted":
            break
    last = found[-1]
    status: Any = (
        last.status if last.status == "refuted" else next((v.status for v in found if v.status != "proved"), "proved")
    )
    point = last.counterexample
    if point is not None:
        point = replace(point, note=f"{point.note} (for {Claim(last.claim.statement)})")
    parts = found if status != "refuted" else [last]
    return Verdict(
        status=status,
        claim=claim,
        scope="; ".join(dict.fromkeys(v.scope for v in parts)),
        steps=tuple(f"{Claim(v.claim.statement)}: {step}" for v in parts for step in v.steps),
        assumptions=tuple(dict.fromkeys(text for v in parts for text in v.assumptions)),
        counterexample=point,
        near_miss=last.near_miss,
        evidence="replayed" if status == "proved" else "",
        parts=tuple(found),
    )


def _parsed(claim: Any, names: Mapping[str, str] | None, *around: Any) -> Claim:
    if isinstance(claim, str) or not (isinstance(claim, Claim) or hasattr(claim, "lhs")):
        return read_claim(claim, names, surroundings(*around))
    if not isinstance(claim, Claim):
        from exactdropout.claims.language.from_sympy import claim_from_sympy

        claim = claim_from_sympy(claim)
    found: Claim = with_relu(claim, surroundings(*around).slope)
    if any(isinstance(node, Call) and node.function == "leaky" for node in walk(found)):
        raise InvalidInput("Argument 'claim' holds leaky(z), a unit of leaky_relu; write relu(z) or z here.")
    return found


def _refuse_fixed(claim: Claim, setting: Setting) -> None:
    """Refuse a minimiser in something that an assumption sets, or that it gives something else by."""
    statement, entries = claim.statement, {"w", "W", "b", "weights", "biases"}
    if not isinstance(statement, Minimiser):
        return
    for key, value in setting.definitions.items():
        through = any(isinstance(node, Name) and node.name in entries for node in walk(value))
        if through or any(_meets(target, key) for target, _ in statement.assignments):
            raise InvalidInput(
                f"Argument 'assume' must leave free what the claim minimises over; it sets {key[0]}"
                + (" by a weight." if through else ".")
            )


def _refuse_zero_divisors(claim: Claim, setting: Setting) -> None:
    """Refuse a division by the number 0: the claim, or what stands around it, would speak of no point at all."""
    around: dict[str, Any] = {
        "claim": list(parts(claim)), "assume": list(setting.definitions.values()),
        "data": [*(setting.inputs if isinstance(setting.inputs, tuple) else ()), setting.label],
    }  # fmt: skip
    for argument, values in around.items():
        for node in walk(tuple(values)):
            if isinstance(node, Divide) and constant(node.bottom) == 0:
                raise InvalidInput(f"Argument {argument!r} must not divide by 0, as {expression_text(node)} does.")


def _meets(target: Name, key: tuple[str, tuple[int, ...]]) -> bool:
    """Return whether a weight or group may share an entry with what an assumption sets."""
    if {target.name, key[0]} & {"weights", "biases"}:
        return key[0] in ("w", "W", "b", "weights", "biases")
    indices = [node.value for node in target.indices if isinstance(node, Number)]
    apart = len(indices) == len(key[1]) and any(a != b for a, b in zip(indices, key[1], strict=True))
    return target.name == key[0] and not apart


def given_weights(setting: Setting) -> list[str]:
    """Return the weights and biases of a given network as text: they belong to what a verdict holds for."""
    if setting.network is None:
        return []
    keys = entries(setting.network.architecture)
    shown = [f"{key_text(key)} = {format_rational(given_entry(key, setting.network))}" for key in keys]
    return shown if len(shown) <= _SHOWN else [*shown[:_SHOWN], f"... ({len(shown)} given weights and biases)"]


class _Check:
    def __init__(self, claim: Claim, setting: Setting, max_cost: float, report: Progress | None) -> None:
        self.claim, self.setting, self.max_cost, self.report = claim, setting, max_cost, report
        self.tried: list[str] = []
        self.stood = False  # whether the claim has been attacked without success
        statement = claim.statement
        sizes = isinstance(statement, Monotonicity) and statement.variable.name in setting.shape.reserved
        bent = isinstance(statement, Monotonicity) and statement.direction in ("convex", "concave")
        # of the others the verifier's rules are all there is
        plain = setting.shape.widths in ((), ("n",)) and all(not getattr(r, "indices", ()) for r in setting.rates)
        calculus = any(isinstance(node, (Derivative, Limit)) for node in walk(claim))
        self.searched = plain and not calculus and setting.design is None and not sizes and not bent

    def stage(self, done: int) -> None:
        if self.report is not None:
            self.report(done, 5)

    def run(self) -> Verdict:
        """Try in the order of cost: proofs for all sizes, few points, edges, proofs at named sizes, many points."""
        self.stage(0)
        found = None
        if self.searched:
            found = prove_everywhere(self.claim, self.setting) or prove_by_scaling(self.claim, self.setting)
        if found is not None:
            proof = replayable_proof(self.claim, self.setting)
            if proof is not None:
                return self.proved(*found, proof)
            self.tried.append(f"{_NO_RULE}: {' '.join(found[1])}")
        try:
            self.affordable()
        except CostLimitExceeded:
            if found is None:
                raise
            attacked = self.attacked()
            return self.undecided() if attacked is None else attacked
        self.stage(1)
        if (verdict := self.refuted(_FIRST_POINTS)) is not None:
            return verdict
        if (verdict := self.attacked()) is not None:  # before proofs that may take long; small points read better
            small = self.refuted(_ALL_POINTS)
            return verdict if small is None else small
        self.stood = True
        if found is None:
            proof = replayable_proof(self.claim, self.setting, named=False)
            if proof is not None:
                return self.proved(every_size(self.setting), [], proof)
            self.tried.append("No argument for all sizes was found.")
        self.stage(2)
        evidence = self.at_named_sizes() if self.searched else []
        proof = replayable_proof(self.claim, self.setting, everywhere=False)
        if proof is not None:
            return self.proved(f"the sizes of {self.setting.shape}", evidence, proof)
        if evidence and self.setting.named:
            self.tried.append(f"{_NO_RULE}: {' '.join(evidence)}")
        self.stage(3)
        if (verdict := self.refuted(_ALL_POINTS)) is not None:
            return verdict
        if (verdict := self.attacked(points=600, work=300_000, wide=True)) is not None:
            return verdict
        self.stage(4)
        if (scope := descend(self.claim, self.setting)) is not None:
            return self.refutation(counterexample_at(self.claim, scope))
        self.tried.append(
            f"No counterexample among up to {_ALL_POINTS} points of small rationals, at the edges, and by descent."
        )
        return self.undecided()

    def undecided(self) -> Verdict:
        open_ = f"open for {self.setting.shape}: neither a proof for all its sizes nor a counterexample was found"
        return self.verdict("undecided", open_, self.tried)

    def satisfied(self) -> bool:
        """Return whether a point satisfies all assumptions: a claim about none would hold for nothing."""
        if not (self.setting.filters or self.setting.definitions):
            return True
        try:
            return next(candidates(self.claim, self.setting, limit=_POINTS_TO_SATISFY), None) is not None
        except Unsupported:
            return True

    def affordable(self) -> None:
        if not self.setting.named:
            return
        architecture = self.setting.architecture({})
        bits = architecture.mask_bits
        if bits > MAX_MASK_BITS:
            raise CostLimitExceeded(
                f"Argument 'architecture' may have {MAX_MASK_BITS} mask bits in a check at named sizes, but "
                f"{architecture} has {bits}."
            )
        loop = SECONDS_PER_PRODUCT * float(architecture.parameters << bits)
        seconds = SECONDS_PER_TERM * expected_terms(self.setting, architecture) + _FIRST_POINTS * loop
        if seconds > self.max_cost:
            raise CostLimitExceeded(beyond(seconds, self.max_cost, f"a check at {architecture}"))

    def at_named_sizes(self) -> list[str]:
        sizes = list(self.setting.sizes())
        steps: list[str] = []
        proved: list[str] = []
        for choice in sizes[:4]:
            terms = expected_terms(self.setting, self.setting.architecture(choice))
            if SECONDS_PER_TERM * terms > self.max_cost:
                continue
            try:
                found = prove_at(self.claim, self.setting, choice)
            except Unsupported as error:
                self.tried.append(f"The ring of polynomials cannot express it: {error}.")
                break
            if found is None:
                self.tried.append("At named sizes neither an identity nor a sum of squares was found.")
                break
            steps, proved = found, [*proved, ", ".join(f"{k} = {v}" for k, v in choice.items())]
        if proved and not self.setting.named:
            self.tried.append(
                f"It holds at the sizes {'; '.join(proved)}, each by itself; of larger ones nothing is said."
            )
        return steps if proved else []

    def proved(self, scope: str, steps: list[str], proof: Proof) -> Verdict:
        """Return the verdict on a proof that the verifier has replayed; there is no other way to *proved*.

        A point at which the claim fails all the same shows a rule that is wrong: then the claim is refuted.
        """
        if not self.stood and (attacked := self.attacked()) is not None:
            return attacked
        if proof.view != "named":
            scope = every_size(self.setting)
        return self.verdict("proved", scope, [*steps, *proof_in_words(proof)], evidence="replayed", proof=proof,
            written=(self.claim, self.setting),
        )  # fmt: skip

    def attacked(self, **effort: Any) -> Verdict | None:
        """Return a refutation where the falsifier finds a point at which the claim fails."""
        scope = attack(self.claim, self.setting, **effort)
        return None if scope is None else self.refutation(counterexample_at(self.claim, scope))

    def refuted(self, points: int) -> Verdict | None:
        counterexample = search(self.claim, self.setting, limit=points)
        return None if counterexample is None else self.refutation(counterexample)

    def refutation(self, counterexample: Counterexample) -> Verdict:
        return self.verdict(
            "refuted",
            "one exact point; both sides by the double loop over examples and masks",
            (),  # the point is shown once, as the counterexample
            counterexample,
            near_miss(self.claim, self.setting),
        )

    def verdict(
        self, status: Any, scope: str, steps: Any, counterexample: Any = None, miss: Any = None, **proof: Any
    ) -> Verdict:
        setting = self.setting
        data = f"data {setting.data_text()}"
        free = dict.fromkeys(rate for rate in setting.rates if isinstance(rate, Name))
        rates = ", ".join(f"0 <= {expression_text(rate)} < 1" for rate in free)
        if len(free) < len(setting.rates):
            each = ", ".join(expression_text(rate) for rate in setting.rates)
            each = f"q = {each}" if len(setting.rates) == 1 else f"q = ({each}) by layers"
            rates = f"{each}, {rates}" if rates else each
        defined = where_defined(self.claim)
        if status != "refuted" and not self.satisfied():
            defined.append(f"no point that satisfies all of this was found among {_POINTS_TO_SATISFY}")
        self.stage(5)
        idle = unused(self.claim, setting)
        assumed = (idle.get(text, text) for text in setting.assumptions)
        return Verdict(
            status=status,
            claim=self.claim,
            scope=scope,
            steps=tuple(steps),
            assumptions=(f"{setting.shape}", data, rates, *given_weights(setting), *assumed, *defined),
            counterexample=counterexample,
            near_miss=miss,
            **proof,
        )
