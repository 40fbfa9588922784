"""Deep linear networks (Mianjy and Arora 2019): the penalty's convex envelope is ν ‖W‖_*², ν = ∏_l (1 + λ_l/d_l) − 1.

Hidden layers of widths d_l with drop rates q_l, λ_l = q_l/p_l, no biases, inputs with E x xᵀ = I. Let Θ(W) be the
infimum of the penalty over weights with product W (∞ where the widths allow none). Then Θ(W) ≥ ν ‖W‖_*², with
equality where W has rank 1, and ν ‖·‖_*² is the convex envelope of Θ. For one output and one x, dropped inputs
included, E D² ≥ ∏_l (1 + λ_l/d_l) W(x)² over inputs and hidden layers, with equality at Theorem 18's equal weights.
The statement is written down and derived here; the source was not read.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import sympy

from exactdropout.model import Architecture, Examples, Network
from exactdropout.model.numbers import Array
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.symbolic.derivation import derive
from exactdropout.symbolic.free_networks import free_network
from exactdropout.theorems.definitions import KEEP, RATE, SPREAD, count, integer, lam, n, quantity, real
from exactdropout.theorems.lemmas.equal_shares import SQUARES, SUM
from exactdropout.theorems.lemmas.kept_counts import KEPT_COUNTS, MEAN, SQUARE
from exactdropout.theorems.lemmas.kept_counts import k as units
from exactdropout.theorems.neighbours.mianjy_2018_two_layer import ISOTROPIC, NUCLEAR, NUCLEAR_BOUND
from exactdropout.theorems.proof import Proof, argument, enumerated, step
from exactdropout.theorems.registry import register
from exactdropout.theorems.statements.derivation import ByLemma, Conclusion, Derivation, Hypothesis, proved
from exactdropout.theorems.statements.lines import ByInduction, From, InWords, Line, part, say
from exactdropout.theorems.statements.ranges import Variable
from exactdropout.theorems.statements.terms import Term, equal, number, symbol, symbols

__all__ = ["path_sum", "prove"]

SIZES = tuple(Architecture(2, hidden, biases=False, activation="linear") for hidden in ((2,), (2, 2)))


def path_sum(weights: Sequence[Array], spreads: Sequence[Any], first: Array, noise: int = 1) -> Any:
    """Return Σ over non-empty sets S of dropped layers of ∏_S λ_l times the sum of all squared path products.

    ``spreads[l]`` is λ of the values that enter ``weights[l]``; ``first`` is a matrix F with F Fᵀ the second moment of
    the inputs (the identity for isotropic ones, a column x for one example). With l_1 < … < l_k in S the path
    products are ‖W_{>l_k}(:, i_k)‖ · … · W_{l_1→l_2}(i_2, i_1) · ‖(W_{≤l_1} F)(i_1, :)‖.
    """
    total: Any = 0
    for size in range(1, len(weights) + 1):
        for chosen in itertools.combinations(range(len(weights)), size):
            lowest = _product(weights[: chosen[0]], first)
            squares = (lowest**2).sum(axis=1)
            for lower, upper in itertools.pairwise((*chosen, len(weights))):
                step_matrix = _product(weights[lower:upper])
                squares = (step_matrix**2) @ squares
            total = total + math.prod((noise * spreads[layer] for layer in chosen), start=squares.sum())
    return total


def _product(weights: Sequence[Array], first: Array | None = None) -> Array:
    """Return the product of the layers, later ones on the left."""
    result = first
    for weight in weights:
        result = weight if result is None else weight @ result
    assert result is not None
    return result


s, j, t, sigma, sets = symbols("s l t sigma c")
PENALTY, PATHS, GROWTH, SUBSETS, WEIGHT = symbols("X Y P V L")
COUNTS, WIDTHS, NORMS = symbol("M", 2), symbol("M", 1), symbol("a")
ENVELOPE, MIXTURE, TOTAL, AT_RANK_ONE, NU = symbol("F"), symbol("G"), symbol("T"), symbol("F", 1), symbol("nu")


def _network() -> tuple[Network, tuple[Fraction, ...]]:
    """Return a network 2-2-2-2 of mixed signs and its rates."""
    f = Fraction
    layers = [[[1, -2], [3, 1]], [[2, 1], [-1, f(1, 2)]], [[1, 1], [f(1, 3), -1]]]
    return Network(layers, activation="linear"), (f(0), f(1, 2), f(1, 3))


def _penalties() -> Iterator[Mapping[Term, Any]]:
    """Yield the penalty by the double loop, and the sum over sets of dropped layers."""
    network, rates = _network()
    for drops in (rates, (Fraction(0), Fraction(1, 3), Fraction(0))):
        spreads = [drop / (1 - drop) for drop in drops]
        yield {
            PENALTY: Fraction(naive_evaluation(network, _isotropic(2), drops).penalty),
            PATHS: path_sum(network.weights, spreads, np.eye(2, dtype=int).astype(object)),
        }


_GROWS = equal(SUBSETS, GROWTH - 1)
_GROW_START = ((GROWTH, number(1)), (SUBSETS, number(0)))
_GROW_NEXT = ((GROWTH, GROWTH * (1 + t)), (SUBSETS, SUBSETS + t + SUBSETS * t))
_GROWTH = quantity(GROWTH, "the product over dropped layers of 1 plus relative variance over width")
_LAYERS = integer(j, 0, "the number of dropped layers")
_BOUND = PENALTY >= (GROWTH - 1) * NUCLEAR**2

LOWER_BOUND = Derivation(
    name="deep-bound",
    title="The penalty of deep linear networks",
    setting=say("Linear layers without biases, second moments of the inputs as in the unit matrix"),
    quantified=(_LAYERS, integer(sets, 0, "the number of sets of dropped layers, the empty one left out")),
    quantities=(
        quantity(PENALTY, "the penalty"),
        _GROWTH,
        Variable(
            term=NUCLEAR,
            meaning="the nuclear norm of the product of the layers",
            kind="network",
            low=Fraction(0),
            low_in=True,
        ),
        quantity(PATHS, "the sum over sets"),
        quantity(SUBSETS, "the sum over sets of products of relative variance over width"),
        Variable(
            term=SUM,
            meaning="of one set, the sum of the absolute path products",
            kind="network",
            low=Fraction(0),
            low_in=True,
        ),
        quantity(SQUARES, "the sum of their squares"),
    ),
    auxiliary=(
        real(t, "the relative variance of one more layer over its width"),
        count(n, 1, "of one more set, the number of paths through one unit of each of its layers"),
        real(WEIGHT, "the product of its relative variances", low=0, low_in=True),
    ),
    lines=(
        Line(
            label="sets",
            sentence=say(
                "A layer turns the second moment of its inputs into a sum of two, without its masks and the diagonal "
                "times its relative variance. The terms, one for each set of layers where the second is taken, are "
                "squares of path products: {claim}."
            ),
            claim=equal(PENALTY, PATHS),
            reason=InWords(_penalties, "2-2-2-2, two choices of rates"),
        ),
        Line(
            label="paths",
            sentence=say(
                "The product of the layers is the sum, over the paths of one set, of matrices of rank one whose norms "
                "are the absolute path products: {claim}."
            ),
            claim=n * SQUARES >= NUCLEAR**2,
            reason=ByLemma(NUCLEAR_BOUND),
        ),
        Line(
            label="bound",
            sentence=say("Over the sets {claim}."),
            claim=PATHS >= SUBSETS * NUCLEAR**2,
            reason=ByInduction(
                sets,
                ((PATHS, number(0)), (SUBSETS, number(0))),
                ((PATHS, PATHS + WEIGHT * SQUARES), (SUBSETS, SUBSETS + WEIGHT / n)),
                parts=(part("paths", WEIGHT / n),),
            ),
        ),
        Line(
            label="growth",
            sentence=say("The number of paths is the product of the widths, so over the layers {claim}."),
            claim=_GROWS,
            reason=ByInduction(j, _GROW_START, _GROW_NEXT, factor=1 + t),
        ),
    ),
    conclusions=(Conclusion(_BOUND, From((part("sets"), part("bound"), part("growth", NUCLEAR**2)))),),
)
"""Penalty ≥ ν ‖W‖_*² with ν = ∏_l (1 + λ_l/d_l) − 1."""


def _rank_ones() -> Iterator[Mapping[Term, Any]]:
    """Yield the penalty by the double loop at rank one, moments of products of counts, and the nuclear norm."""
    for widths, drops in (((2,), (Fraction(1, 3),)), ((2, 2), (Fraction(1, 2), Fraction(1, 3)))):
        inner = [[[1] * lower for _ in range(upper)] for lower, upper in itertools.pairwise(widths)]
        network = Network([[[1, 2]] * widths[0], *inner, [[3] * widths[-1], [4] * widths[-1]]], activation="linear")
        found = naive_evaluation(network, _isotropic(2), (Fraction(0), *drops))
        mean = math.prod(widths)
        yield {
            PENALTY: Fraction(found.penalty), NORMS: 5 * 25, WIDTHS: mean,
            COUNTS: math.prod(m * m + drop / (1 - drop) * m for m, drop in zip(widths, drops, strict=True)),
        }  # fmt: skip


def _norms() -> Iterator[Mapping[Term, Any]]:
    """Yield the squared nuclear norm of a matrix of rank one, of which it is the sum of squares, and its factors."""
    for vectors, widths in (((1, 2, 3, 4), 2), ((1, 2, 3, 4), 4)):
        matrix = [[widths * row * column for column in vectors[:2]] for row in vectors[2:]]
        yield {NORMS: 5 * 25, WIDTHS: widths, NUCLEAR: sympy.sqrt(sum(v * v for row in matrix for v in row))}


RANK_ONE = Derivation(
    name="deep-rank-one",
    title="Equality at rank one",
    setting=say("Rank one, the same value in all units of each hidden layer"),
    quantified=(RATE, _LAYERS),
    definitions=(KEEP, SPREAD),
    quantities=(
        quantity(PENALTY, "the penalty"),
        _GROWTH,
        quantity(NUCLEAR, "the nuclear norm of the product of the layers"),
        quantity(NORMS, "the product of the squared norms of its two vectors, layers of ones between"),
        quantity(WIDTHS, "the product of the widths"),
        quantity(COUNTS, "the mean square of the product of the scaled numbers of kept units"),
        quantity(MEAN, "the mean of the number of one layer"),
        quantity(SQUARE, "its mean square"),
    ),
    auxiliary=(count(units, 1, "the width of one more layer"),),
    lines=(
        Line(
            label="one",
            sentence=say("In one layer {claim}."),
            claim=equal(SQUARE, units**2 + lam * units),
            reason=ByLemma(KEPT_COUNTS),
        ),
        Line(
            label="layers",
            sentence=say("Layers have masks of their own: {claim}."),
            claim=equal(COUNTS, WIDTHS**2 * GROWTH),
            reason=ByInduction(
                j,
                ((COUNTS, number(1)), (WIDTHS, number(1)), (GROWTH, number(1))),
                (
                    (COUNTS, COUNTS * SQUARE),
                    (WIDTHS, WIDTHS * units),
                    (GROWTH, GROWTH * (1 + lam / units)),
                ),
                factor=units**2 + lam * units,
                parts=(part("one", COUNTS),),
            ),
        ),
        Line(
            label="penalty",
            sentence=say("The output is this product times what has no mask: {claim}."),
            claim=equal(PENALTY, NORMS * (COUNTS - WIDTHS**2)),
            reason=InWords(_rank_ones, "2-2-2 and 2-2-2-2, weights 1, 2 and 3, 4"),
        ),
        Line(
            label="norm",
            sentence=say("The nuclear norm is a product of norms: {claim}."),
            claim=equal(NUCLEAR**2, NORMS * WIDTHS**2),
            reason=InWords(_norms, "outer products of 1, 2 and 3, 4"),
        ),
    ),
    conclusions=(
        Conclusion(
            equal(PENALTY, (GROWTH - 1) * NUCLEAR**2),
            From((part("penalty"), part("layers", NORMS), part("norm", 1 - GROWTH))),
        ),
    ),
)
"""Penalty = ν ‖W‖_*² at rank 1."""

CONVEX_ENVELOPE = Derivation(
    name="deep-envelope",
    title="No convex function lies between",
    setting=say("A convex function that at rank one is at most {0} times the squared nuclear norm", NU),
    quantified=(
        integer(n, 0, "the number of singular values"),
        real(NU, "the factor of the bound"),
        real(s, "the nuclear norm, their sum", low=0),
    ),
    quantities=(
        quantity(ENVELOPE, "the value of the function"),
        quantity(MIXTURE, "the sum of singular value times value at the matrix of rank one that it scales"),
        quantity(AT_RANK_ONE, "the value at such a matrix, of nuclear norm as above"),
        quantity(TOTAL, "the sum of the singular values"),
    ),
    hypotheses=(
        Hypothesis("convex", s * ENVELOPE <= MIXTURE),
        Hypothesis("below", AT_RANK_ONE <= NU * s**2),
        Hypothesis("total", equal(TOTAL, s)),
    ),
    auxiliary=(real(sigma, "one more singular value", low=0, low_in=True),),
    lines=(
        Line(
            label="mixture",
            sentence=say("Over the singular values {claim}."),
            claim=MIXTURE <= TOTAL * (NU * s**2),
            reason=ByInduction(
                n,
                ((MIXTURE, number(0)), (TOTAL, number(0))),
                ((MIXTURE, MIXTURE + sigma * AT_RANK_ONE), (TOTAL, TOTAL + sigma)),
                parts=(part("below", sigma),),
            ),
        ),
    ),
    conclusions=(
        Conclusion(
            ENVELOPE <= NU * s**2,
            From((part("convex", 1 / s), part("mixture", 1 / s), part("total", -(NU * s)))),
        ),
    ),
)
"""f(W) ≤ Σ (σ_i/s) f(s a_i b_iᵀ) ≤ ν s² for W = Σ σ_i a_i b_iᵀ, s = Σ σ_i."""
DERIVATIONS = (LOWER_BOUND, RANK_ONE, CONVEX_ENVELOPE)


def prove(noise: int = 1, factor: int = 1) -> Proof:
    """Prove the statements; networks are compared with noise·λ_l in the path sum and factor·ν: only 1 and 1 work."""
    further = [
        step(
            f"The path sum, all weights and rates free, isotropic inputs: {'; '.join(map(str, SIZES))}.",
            "derivation",
            all(_paths_at_size(arch, noise) for arch in SIZES),
        ),
        step(
            "Rank 1, equal weights, vectors and rates free: equality for hidden widths 2; 1, 2; 2, 2.",
            "derivation",
            all(_rank_one(widths, noise, factor) for widths in ((2,), (1, 2), (2, 2))),
        ),
        argument(
            r"$\nu \|W\|_*^2$ with $\nu = P - 1$ is convex and at most the least penalty of factors with product $W$, "
            r"with equality at rank 1; a convex function below this least penalty is at most $\nu \|W\|_*^2$: it is "
            r"the convex envelope. For one output and $x$, with dropped inputs, $E \mathcal D^2 \ge P\, W(x)^2$ in "
            r"the same way, inputs among the layers of $P$."
        ),
        enumerated(
            "Mixed signs, 2-2-2-2: penalty by the path sum and at least the bound; equal weights: equality; one "
            "output with dropped inputs: the product over inputs and hidden layers.",
            _numbers(noise, factor),
            "16 to 64 masks, one rate per layer",
        ),
    ]
    return proved("holds", DERIVATIONS, further)


def _keeps(depth: int) -> tuple[list[Any], list[Any]]:
    """Return drop rates and λ_l of a network with symbolic keep probabilities and undropped inputs."""
    keeps = sympy.symbols(f"p1:{depth}", positive=True)
    return [0, *(1 - p for p in keeps)], [0, *((1 - p) / p for p in keeps)]


def _isotropic(outputs: int) -> Examples:
    return Examples([(x, (0,) * outputs) for x in ISOTROPIC])


def _paths_at_size(arch: Architecture, noise: int) -> bool:
    network = free_network(arch)
    rates, spreads = _keeps(arch.depth)
    derived = derive(network, Examples([(x, 0) for x in ISOTROPIC]), rates)
    claimed = path_sum(network.weights, spreads, np.eye(2, dtype=int).astype(object), noise)
    return bool(sympy.expand(derived.penalty.expr - claimed) == 0)


def _growth(widths: Sequence[int], spreads: Sequence[Any]) -> Any:
    """Return ∏ (1 + λ_l/d_l)."""
    product: Any = Fraction(1)
    for width, spread in zip(widths, spreads, strict=True):
        product = product * (width + spread) / width
    return product


def _rank_one(widths: tuple[int, ...], noise: int, factor: int) -> bool:
    a, b, c, d = sympy.symbols("u1 u2 v1 v2", real=True)
    rates, spreads = _keeps(len(widths) + 1)
    inner = [[[1] * lower for _ in range(upper)] for lower, upper in itertools.pairwise(widths)]
    network = Network([[[c, d]] * widths[0], *inner, [[a] * widths[-1], [b] * widths[-1]]], activation="linear")
    derived = derive(network, _isotropic(2), rates)
    nuclear = (a**2 + b**2) * (c**2 + d**2) * math.prod(widths) ** 2
    nu = sympy.nsimplify(_growth(widths, [noise * s for s in spreads[1:]])) - 1
    return bool(sympy.expand(derived.penalty.expr - factor * nu * nuclear) == 0)


def _numbers(noise: int, factor: int) -> Iterator[tuple[Any, Any]]:
    f = Fraction
    network, rates = _network()
    spreads = [rate / (1 - rate) for rate in rates]
    penalty = naive_evaluation(network, _isotropic(2), rates).penalty
    yield penalty, path_sum(network.weights, spreads, np.eye(2, dtype=int).astype(object), noise)
    product = _product(network.weights)
    nuclear = (product**2).sum() + 2 * abs(product[0, 0] * product[1, 1] - product[0, 1] * product[1, 0])
    yield penalty >= (_growth((2, 2), spreads[1:]) - 1) * nuclear, True
    equal = Network([[[1, 2]] * 2, [[1, 1]] * 2, [[3, 3], [1, 1]]], activation="linear")
    bound = (_growth((2, 2), spreads[1:]) - 1) * 10 * 5 * 16
    yield naive_evaluation(equal, _isotropic(2), rates).penalty, factor * bound
    one = Network([[[1, 1, 1]] * 2, [1, 1]], activation="linear")
    found = naive_evaluation(one, Examples.point((1, 1, 1), 0), (f(1, 3), f(1, 2)))
    yield found.criterion, 36 * _growth((3, 2), (f(noise, 2), noise))


@register(
    id="mianjy-2019-deep-linear",
    title="Deep linear networks: the convex envelope of the dropout penalty",
    source="mianjy2019",
    number="convex envelope (our derivation; source not read)",
    derivations=DERIVATIONS,
    verdict="holds",
    source_read=False,
)
def deep_linear() -> Proof:
    """Prove the entry as declared."""
    return prove()
