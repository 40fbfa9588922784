"""What the symbolic engine derives, written as claims: formulas that the parser reads and ``check`` proves."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from fractions import Fraction
from typing import Any

import sympy

from exactdropout.claims.closed_form_printing import as_written
from exactdropout.claims.language.from_sympy import claim_from_sympy
from exactdropout.claims.language.parser import parse_assumptions
from exactdropout.claims.language.syntax import (
    Add,
    Claim,
    Comparison,
    Divide,
    Expression,
    Multiply,
    Name,
    Negate,
    Number,
    Power,
    Quantity,
    Repeated,
    rebuilt,
    walk,
)
from exactdropout.claims.proofs.known_moments import facts, uniform_moments, written_out
from exactdropout.claims.proofs.sums_world import World
from exactdropout.claims.setting.named_sizes import Unsupported
from exactdropout.claims.setting.refusals import refuse_contradictions, refuse_missing
from exactdropout.claims.setting.setting import Setting, build_setting, constant, surroundings
from exactdropout.errors import CostLimitExceeded, InvalidInput
from exactdropout.model import Architecture, Examples, Network
from exactdropout.progress import Progress
from exactdropout.symbolic.criterion.formula import MAX_TERMS, Formula
from exactdropout.symbolic.criterion.leaky_units import with_leaky_units
from exactdropout.symbolic.criterion.tidied import tidied
from exactdropout.symbolic.derivation import Derivation, check_cost, derive
from exactdropout.symbolic.free_networks import free_examples

__all__ = ["closed_forms", "derivation", "derived_claims", "derived_formulas"]

LONG_SUM = 4
_LETTERS = "ijklmrstuvz"


def derived_claims(
    architecture: Architecture | Network | str,
    data: Examples | Iterable[Any] | str | None = None,
    q: object = None,
    *,
    quantities: Sequence[str],
    max_cost: float | None = None,
    compact: bool = False,
    progress: Progress | bool | None = None,
) -> dict[str, Claim]:
    """Return ``quantity = formula`` for each quantity, in the arguments of :func:`exactdropout.claims.check`.

    ``compact`` asks for sums of squares, which criterion, penalty and variance have.

    Raises:
        InvalidInput: a size that is a symbol, or an argument that does not fit.
        CostLimitExceeded: the derivation would take more than ``max_cost`` seconds, or too many terms would be printed.

    >>> print(*derived_claims("2-1, no biases", quantities=["penalty"]).values())
    penalty = q*(w[1]^2*x[1]^2 + w[2]^2*x[2]^2)/(1 - q)
    """
    claims = {}
    found = derived_formulas(
        architecture, data, q, quantities=quantities, max_cost=max_cost, compact=compact, progress=progress
    )
    slope = surroundings(architecture, None, None).slope
    for name, formula in found.items():
        if formula.size > MAX_TERMS:
            raise CostLimitExceeded(
                f"Argument 'architecture' gives a formula of {formula.size} terms for {name}, and at most {MAX_TERMS} "
                f"are printed; ask for sums of squares ({'--code with ' * compact}--compact), source text (--code), a "
                f"closed form (--closed-form) or a shorter quantity, such as risk."
            )
        shown = tidied(formula.expr) if slope is None or slope in (0, 1) else with_leaky_units(formula.expr, slope)
        claims[name] = claim_from_sympy(sympy.Eq(sympy.Symbol(name), _breakable(shown), evaluate=False))
    return claims


def derived_formulas(
    architecture: Architecture | Network | str,
    data: Examples | Iterable[Any] | str | None = None,
    q: object = None,
    *,
    quantities: Sequence[str],
    max_cost: float | None = None,
    compact: bool = False,
    progress: Progress | bool | None = None,
) -> dict[str, Formula]:
    """Return the formula of each quantity, in the arguments of :func:`exactdropout.claims.check`.

    Raises:
        InvalidInput: a size that is a symbol, or an argument that does not fit.
        CostLimitExceeded: the derivation would take more than ``max_cost`` seconds, or too many terms would be printed.
    """
    found = derivation(architecture, data, q, max_cost=max_cost, progress=progress)
    if compact:
        return {name: found.compact(name) for name in quantities}
    return {name: found.mean[0] if name == "mean" else getattr(found, name) for name in quantities}


def _of_one_example(setting: Setting) -> Setting:
    if setting.design is not None:
        raise InvalidInput(
            "Argument 'data' must be one example, or half the mass on it, in a closed form; examples as numbers are "
            "derived with numbers as sizes, and 'design(X, y)' is for exactdropout.claims.check."
        )
    return setting


def derivation(
    architecture: Architecture | Network | str,
    data: Examples | Iterable[Any] | str | None = None,
    q: object = None,
    *,
    max_cost: float | None = None,
    progress: Progress | bool | None = None,
) -> Derivation:
    """Return the derivation in the arguments of :func:`exactdropout.claims.check`, for sizes that are numbers.

    ``data`` may also be examples of any number.

    >>> derivation("1-1, no biases", "point(1, 2)", "1/2").criterion
    Formula(2*w[1]**2 - 4*w[1] + 4)
    """
    examples = None if data is None or isinstance(data, str) else data
    setting = _of_one_example(build_setting(architecture, data if examples is None else None, q, None, ()))
    if not setting.named:
        raise InvalidInput(
            f"Argument 'architecture' must have numbers as sizes in a derivation, not {setting.shape}; symbols as "
            "sizes need a closed form: claims.closed_forms, or --closed-form on the command line."
        )
    if setting.network is None and examples is None:  # known before a symbol is made
        width = int(setting.shape.inputs)
        used = width if not isinstance(setting.inputs, tuple) else sum(constant(v) != 0 for v in setting.inputs)
        check_cost(setting.architecture({}), used, max_cost)
    return derive(
        setting.network if setting.network is not None else setting.architecture({}),
        _examples(setting) if examples is None else examples,
        [_rate(rate) for rate in setting.rates] if len(setting.rates) > 1 else _rate(setting.rates[0]),
        max_cost=max_cost,
        progress=progress,
    )


def _breakable(expression: sympy.Expr) -> sympy.Expr:
    """Return a sum of fractions for a fraction of a long sum: lines can be broken between terms only."""
    terms = []
    for term in sympy.Add.make_args(expression):
        sums = [f for f in sympy.Mul.make_args(term) if f.is_Add and len(f.args) > LONG_SUM]
        if sums:
            rest = sympy.Mul(*(f for f in sympy.Mul.make_args(term) if f is not sums[0]))
            terms += [part * rest for part in sums[0].args]
        else:
            terms.append(term)
    return sympy.Add(*terms)


def _rate(rate: Expression) -> Any:
    return sympy.Symbol("q") if rate == Name("q") else constant(rate)


def _examples(setting: Setting) -> Examples:
    free = free_examples(int(setting.shape.inputs))
    x, y = free.inputs[0].tolist(), free.labels[0, 0]
    if setting.inputs == "ones":
        x = [Fraction(1)] * len(x)
    elif setting.inputs is not None:
        x = [_number(value) for value in setting.inputs]
    if setting.label is not None:
        y = _number(setting.label)
    return Examples.half(x, y) if setting.half else Examples.point(x, y)


def _number(value: Expression) -> Fraction:
    number = constant(value)
    if number is None:
        raise InvalidInput("Argument 'data' must hold numbers, or the free x and y, in a derivation.")
    return number


def closed_forms(
    architecture: Architecture | Network | str,
    data: Examples | Iterable[Any] | str | None = None,
    q: object = None,
    *,
    assume: Any = None,
    quantities: Sequence[str],
) -> dict[str, Claim]:
    """Return ``quantity = formula if assumptions`` for sizes that may be symbols, derived by induction on layers.

    Covered: linear units; weights, inputs and hidden biases ≥ 0; only the last layer dropped; with symbolic d, equal
    weights and inputs 1. The moments are those of :mod:`exactdropout.claims.proofs.known_moments`.

    Raises:
        InvalidInput: no closed form is known, or an argument does not fit.

    >>> print(*closed_forms("K-1, no biases", quantities=["variance"]).values())
    Var[D] = q/p*Sum(w[i]^2*x[i]^2, i=1..K)
    """
    setting = _of_one_example(build_setting(architecture, data, q, assume, ()))
    refuse_missing(setting.shape, (*setting.signs, *setting.definitions))
    refuse_contradictions(setting)
    known = facts(setting)
    moments = uniform_moments(setting, known) or written_out(setting, known)
    shape = setting.shape
    if moments is None or (setting.half and (shape.hidden_biases or shape.output_bias)):
        raise InvalidInput(
            "Argument 'architecture' has no closed form for these sizes: units must be linear, or weights, inputs and "
            "biases assumed >= 0, and with a symbolic depth 'weights = c' and inputs 1."
        )
    y = Name("y")
    label = setting.definition(("y", ()))
    output: Expression = moments.output
    variance = moments.variance
    exact_fit = label is not None and _equal(label, output, setting)
    if exact_fit:
        variance = rebuilt(variance, lambda node: y if node == moments.output else node)
        output = y
    risk: Expression = Number(Fraction(0)) if exact_fit else Power(Add((output, Negate(y))), Number(Fraction(2)))
    values: dict[str, Expression] = {
        "mean": output,
        "variance": variance,
        "penalty": variance,
        "risk": risk,
        "criterion": variance if exact_fit else Add((variance, risk)),
    }
    assumptions = tuple(c for text in _texts(assume) for c in parse_assumptions(text))
    used = {n.name for tree in (values["criterion"], assumptions) for n in walk(tree) if isinstance(n, Name)}
    letters = [letter for letter in _LETTERS if letter not in used]
    claims = {}
    for name in quantities:
        value = values[name]
        if setting.half:
            value = Divide(value, Number(Fraction(2)))
        single = len(shape.hidden) == 1 and not shape.symbolic_depth
        written = rebuilt(as_written(_one_sum(value), one_hidden_layer=single), _one_term)
        shown = _with_letters(written, letters)
        claims[name] = Claim(Comparison((Quantity(name), shown), ("=",)), assumptions)
    return claims


def _one_term(node: Expression) -> Expression:
    """Return a sum or product over one index, such as that of a layer of one unit, as its only term."""
    if isinstance(node, Multiply):  # the term may be a product
        factors = [f.factors if isinstance(f, Multiply) else (f,) for f in node.factors]
        return Multiply(tuple(itertools.chain(*factors))) if any(len(f) > 1 for f in factors) else node
    if not isinstance(node, Repeated) or node.first != node.last:
        return node
    term: Expression = rebuilt(node.body, lambda inner: node.first if inner == Name(node.index) else inner)
    return term


def _texts(assume: Any) -> list[str]:
    return [] if assume is None else [assume] if isinstance(assume, str) else list(assume)


def _equal(left: Expression, right: Expression, setting: Setting) -> bool:
    """Return whether two expressions have the same normal form for all sizes."""
    world = World(Claim(Comparison((left, right), ("=",))), setting, facts(setting), None)
    try:
        return not (world.evaluate(left, {}) - world.evaluate(right, {})).normal()
    except Unsupported:
        return False


def _one_sum(expression: Expression) -> Expression:
    """Return the expression with sums of sums written as one: a + b − y, not (a + b) − y."""

    def change(node: Any) -> Any:
        if isinstance(node, Add) and any(isinstance(term, Add) for term in node.terms):
            return Add(tuple(t for term in node.terms for t in (term.terms if isinstance(term, Add) else (term,))))
        return node

    return rebuilt(expression, change)  # type: ignore[no-any-return]


def _with_letters(expression: Expression, letters: Sequence[str]) -> Expression:
    """Rename the indices of sums to i, j, k, …, each sum by its depth, so that inner sums differ from outer ones."""

    def rename(node: Any, names: dict[str, str]) -> Any:
        if isinstance(node, tuple):
            return tuple(rename(item, names) for item in node)
        if isinstance(node, Name) and not node.indices:
            return Name(names.get(node.name, node.name))
        if isinstance(node, Repeated):
            inner = {**names, node.index: letters[len(names)]}
            first, last = rename(node.first, names), rename(node.last, names)
            return Repeated(node.kind, inner[node.index], first, last, rename(node.body, inner))
        if not hasattr(node, "__dataclass_fields__"):
            return node
        return replace(node, **{f.name: rename(getattr(node, f.name), names) for f in fields(node)})

    return rename(expression, {})  # type: ignore[no-any-return]
