"""A second mind: replays a proof of a claim by a small set of rules, with algebra of its own.

Nothing here is shared with the search for proofs but fractions, the syntax tree, and what the setting says (data,
signs, definitions: look-ups, no algebra). A :class:`Proof` names a view and, for each relation, a certificate. The
verifier writes the difference of both sides as a polynomial itself, and checks the certificate on that.

- ``evaluator``: symbols, rates, relations, growth and convexity;
- ``named``: sizes that are numbers, quantities by all masks;
- ``quantities``: every size, by what a view knows of them; ``sizes``: what changes there; ``sums``: sums over indices;
- ``rules``: the rules by which a certificate shows that a polynomial is 0, ≥ 0 or > 0;
- ``algebra``: polynomials over the fractions.

Growth in v is f(v + h) − f(v) ≥ 0 for every h > 0; a minimiser is f − f(at the named values) ≥ 0; invariance is
f(after the map) − f = 0. ``docs/claims.md`` has the rules on one page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from exactdropout.claims.language.syntax import Claim, Comparison, Invariance, Minimiser, Monotonicity
from exactdropout.claims.setting.setting import Setting
from exactdropout.claims.verifier.algebra import NotReplayed
from exactdropout.claims.verifier.evaluator import Evaluator, Obligation
from exactdropout.claims.verifier.named import Named
from exactdropout.claims.verifier.rules import Certificate, Signs, holds
from exactdropout.claims.verifier.sizes import AllSizes

__all__ = ["Certificate", "NotReplayed", "Obligation", "Proof", "Signs", "View", "holds", "obligations", "verify"]

View = Literal["named", "opaque", "written", "last", "output", "uniform", "floor", "floors", "one unit", "masked"]


@dataclass(frozen=True)
class Proof:
    """A view, the sizes of a named one, and one certificate per relation."""

    view: View
    sizes: tuple[tuple[str, int], ...] = ()
    certificates: tuple[Certificate | None, ...] = ()


def obligations(claim: Claim, setting: Setting, view: View, sizes: Mapping[str, int]) -> list[Obligation]:
    """Return what is to be shown, relation by relation.

    Raises:
        NotReplayed: the view's side conditions do not hold, or the claim is outside what it covers.
    """
    statement = claim.statement
    if view == "named":
        named = Named(claim, setting, sizes)
        named.assume(lambda side: named.value(side, {}))
        return _at_named_sizes(claim, named)
    here = AllSizes(claim, setting, view)
    here.assume(lambda side: here.closed(here.value(side, {})))
    if isinstance(statement, Comparison):
        terms = [here.value(side, {}) for side in statement.sides]
        return _compared(here, statement, [here.closed(side) for side in terms])
    if isinstance(statement, Monotonicity) and view not in ("floor", "floors", "one unit", "output", "masked"):
        value = here.closed(here.value(statement.expression, {}))
        moves, back = here.variable(statement)
        return [_grown(here, statement, value, moves, back=back)]
    if isinstance(statement, Minimiser) and view in ("opaque", "written"):
        after = here.at_minimiser(statement)
        value, least = (e.closed(e.value(statement.expression, {})) for e in (here, after))
        return [here.obligation(value, ">=", least)]
    if isinstance(statement, Invariance) and view == "opaque":
        value = here.closed(here.value(statement.expression, {}))
        here.scaled_units(statement)
        return [here.obligation(here.closed(here.value(statement.expression, {})), "=", value)]
    raise NotReplayed(f"a statement of the kind {type(statement).__name__} in the view {view}")


def _at_named_sizes(claim: Claim, here: Named) -> list[Obligation]:
    statement = claim.statement
    if isinstance(statement, Comparison):
        return _compared(here, statement, [here.value(side, {}) for side in statement.sides])
    if isinstance(statement, Invariance):
        value, after = here.value(statement.expression, {}), here.mapped(statement)
        return [here.obligation(value, "=", after.value(statement.expression, {}))]
    if isinstance(statement, Monotonicity):
        value = here.value(statement.expression, {})
        moves, back = here.variable(statement.variable)
        return [_grown(here, statement, value, moves, back=back)]
    if isinstance(statement, Minimiser):
        value, after = here.value(statement.expression, {}), here.at_minimiser(statement)
        return [here.obligation(value, ">=", after.value(statement.expression, {}))]
    raise NotReplayed(f"a statement of the kind {type(statement).__name__}")


def _grown(here: Evaluator, statement: Monotonicity, value: Any, moves: Any, *, back: bool) -> Obligation:
    if statement.direction in ("convex", "concave"):
        return here.bend(value, statement.direction, moves)
    return here.growth(value, statement.direction, moves, back=back)


def _compared(here: Evaluator, statement: Comparison, values: list[Any]) -> list[Obligation]:
    found = zip(values, statement.relations, values[1:], strict=False)
    return [here.obligation(left, relation, right) for left, relation, right in found]


def verify(claim: Claim, setting: Setting, proof: Proof) -> None:
    """Replay a proof.

    A ``named`` proof covers a setting whose sizes are numbers; the other views cover every size.

    Raises:
        NotReplayed: it is no proof by these rules.
    """
    if proof.view == "named" and (not setting.named or dict(proof.sizes) != next(setting.sizes())):
        raise NotReplayed("the sizes are not those of the setting")
    needed = obligations(claim, setting, proof.view, dict(proof.sizes))
    if len(needed) != len(proof.certificates):
        raise NotReplayed("one certificate per relation")
    for obligation, certificate in zip(needed, proof.certificates, strict=True):
        holds(obligation.polynomial, certificate, obligation.signs, obligation.need)
