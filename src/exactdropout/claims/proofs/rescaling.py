"""Invariance under rescaling of units, for all sizes: Theorems 4 and 5 of Helmbold and Long (2017).

If every unit i of layer l is multiplied by s_{l,i} (s ≥ 0 where the activation bends), which a map does when

    W[l][j,i] → (s_{l,j}/s_{l−1,i}) W[l][j,i],   b[l][j] → s_{l,j} b[l][j],   x[i] → s_{0,i} x[i],

then for every mask D becomes s_d D: relu(s z) = s relu(z) for s ≥ 0, by induction on layers.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from exactdropout.claims.language.syntax import Claim, Expression, Invariance, Name, Quantity, walk
from exactdropout.claims.proofs.ring_domain import Quotient, RingDomain
from exactdropout.claims.setting.named_sizes import Key, Scope, Unsupported, entries, targets
from exactdropout.claims.setting.setting import Setting
from exactdropout.model import Architecture

__all__ = ["prove_by_scaling"]

MAX_ENTRIES = 2_000
_EVEN = frozenset({"criterion", "risk", "penalty", "variance", "second_moment"})


def prove_by_scaling(claim: Claim, setting: Setting) -> tuple[str, list[str]] | None:
    """Return scope and steps where the map only rescales units, else None."""
    statement = claim.statement
    if not isinstance(statement, Invariance) or setting.network is not None or setting.definitions:
        return None
    shape = setting.shape
    if shape.symbolic_depth or len(shape.hidden) > 20:
        return None
    if not all(isinstance(n, Quantity) or not isinstance(n, Name) for n in walk(statement.expression)):
        return None
    groups = all(not _single(target) for target, _ in statement.map)
    # a map of whole groups treats all units of a layer alike: one unit stands for each
    sizes = {"d": len(shape.hidden) + 1}
    if groups and any(
        isinstance(n, Name) and n.name in setting.shape.reserved for pair in statement.map for n in walk(pair[1])
    ):
        return None  # one unit stands for each, so a size would be read as 1
    if groups:
        architecture = Architecture(
            1,
            (1,) * len(shape.hidden),
            hidden_biases=shape.hidden_biases,
            output_bias=shape.output_bias,
            activation=shape.activation,
        )
    elif shape.named and setting.architecture({}).parameters <= MAX_ENTRIES:
        architecture = setting.architecture({})
        sizes = next(setting.sizes())
    else:
        return None
    try:
        return _scaled(claim, statement, setting, architecture, sizes, groups=groups)
    except Unsupported:
        return None


def _single(target: Name) -> bool:
    return len(target.indices) > (1 if target.name in ("W", "b") else 0)


def _scaled(
    claim: Claim, statement: Invariance, setting: Setting, architecture: Architecture, sizes: dict[str, int], *,
    groups: bool,
) -> tuple[str, list[str]] | None:  # fmt: skip
    domain = RingDomain(claim, setting, architecture)
    one = domain.number(Fraction(1))
    values: dict[Key, Any] = dict.fromkeys([*entries(architecture), ("y", ())], one)
    values |= {("x", (i + 1,)): one for i in range(architecture.inputs)}
    values |= {key: v for key, v in domain.free.items() if key not in values}
    scope = Scope(setting, architecture, sizes, domain, values, setting.half)
    factors: dict[Key, Quotient] = {}
    for target, expression in statement.map:
        factor = _factor(target, expression, scope, domain)
        if factor is None:
            return None
        factors |= dict.fromkeys(targets(target, scope), factor)
    inputs_free = setting.inputs is None
    if not inputs_free and any(key[0] == "x" for key in factors):
        return None

    def of(key: Key) -> Quotient:
        return factors.get(key, one)

    unit = [of(("x", (i + 1,))) for i in range(architecture.inputs)]
    widths = architecture.widths
    for layer in range(1, len(widths)):
        last = layer == len(widths) - 1
        following = []
        for j in range(1, widths[layer] + 1):
            scales = [
                of(("w", (i,)) if last else ("W", (layer, j, i))) * before for i, before in enumerate(unit, start=1)
            ]
            if architecture.output_bias if last else architecture.hidden_biases:
                scales.append(of(("b", ()) if last else ("b", (layer, j))))
            if any(_differ(s, scales[0]) for s in scales):
                return None
            if not last and architecture.activations[layer - 1].slope != 1 and not _not_negative(scales[0], domain):
                return None
            following.append(scales[0])
        unit = following
    names = {n.name for n in walk(statement.expression) if isinstance(n, Quantity)}
    if not _kept(names, unit[0], of(("y", ())), one, label_free=setting.label is None):
        return None
    scope_text = f"all sizes of {setting.shape}" if groups else f"the sizes of {setting.shape}"
    return scope_text, [
        "The map multiplies every unit by one factor: its incoming weights times the factors of the units before, "
        "and its bias, agree.",
        "relu(s z) = s relu(z) for s >= 0, so by induction on layers D is multiplied by its factor on every mask.",
        "That factor leaves the expression as it is.",
    ]


def _factor(target: Name, expression: Expression, scope: Scope, domain: RingDomain) -> Quotient | None:
    """Return f where the map is target → f · target: the expression is linear in its target."""
    if any(
        isinstance(n, Quantity) or (isinstance(n, Name) and n != target and n.name in "wWbxy") for n in walk(expression)
    ):
        return None
    zero, one = domain.number(Fraction(0)), domain.number(Fraction(1))
    two, minus = one + one, -one
    at = {
        k: scope.evaluate(expression, own=(target, v)) for k, v in {"0": zero, "1": one, "2": two, "-": minus}.items()
    }
    # linear pieces agree at −1, 0, 1, 2 only if the expression is a multiple of its target or bends in between
    if any(isinstance(n, Name) and n == target for n in walk(expression)) is False:
        return None
    if _differ(at["0"], zero) or _differ(at["2"], two * at["1"]) or _differ(at["-"], -at["1"]):
        return None
    return at["1"] if _polynomial_degree_at_most_one(expression, target) else None


def _polynomial_degree_at_most_one(expression: Expression, target: Name) -> bool:
    """Return whether the target occurs once, and under +, −, · and numerators alone."""
    from exactdropout.claims.language.syntax import Divide, Multiply, Negate

    if expression == target:
        return True
    if isinstance(expression, Negate):
        return _polynomial_degree_at_most_one(expression.operand, target)
    if isinstance(expression, Multiply):
        holding = [f for f in expression.factors if any(n == target for n in walk(f))]
        return len(holding) == 1 and _polynomial_degree_at_most_one(holding[0], target)
    if isinstance(expression, Divide):
        return not any(n == target for n in walk(expression.bottom)) and _polynomial_degree_at_most_one(
            expression.top, target
        )
    return False


def _differ(a: Quotient, b: Quotient) -> bool:
    return bool((a - b).top)


def _not_negative(value: Quotient, domain: RingDomain) -> bool:
    """Return whether top/bottom >= 0 is manifest: top · bottom is, and the bottom is not 0."""
    return domain.ring.is_nonnegative(value.top * value.bottom)


def _kept(names: set[str], scale: Quotient, label: Quotient, one: Quotient, *, label_free: bool) -> bool:
    """Return whether quantities keep their value when D and W(x) are multiplied by ``scale``, y by ``label``."""
    labelled = bool(names & {"criterion", "risk", "penalty"})
    if labelled and (_differ(scale, label) or (_differ(label, one) and not label_free)):
        return False
    if not names & (set(_EVEN) - {"criterion", "risk", "penalty"}) and not names & {"mean", "output"}:
        return not _differ(scale * scale, one)
    if names <= _EVEN:
        return not _differ(scale * scale, one)
    return not _differ(scale, one)
