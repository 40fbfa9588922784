"""Introduction of Helmbold and Long (2017): the dropout penalty is often not monotone in q.

"Often": for a family at all sizes with its exact threshold of the label, and for every relu network and input at which
dropout moves the mean output, with all labels on one side of a threshold (introduction_all_sizes). The network and
input of Figure 1 with label 8 are of this family. A count of small networks is given, too.
"""

from __future__ import annotations

import itertools
from fractions import Fraction

import sympy

from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.symbolic.derivation import derive
from exactdropout.theorems.lemmas.kept_counts import kept_count_moments
from exactdropout.theorems.penalty.helmbold_2017_figure_1 import NETWORK
from exactdropout.theorems.penalty.helmbold_2017_theorem_20 import roots_in_open_interval
from exactdropout.theorems.penalty.introduction_all_sizes import ALL_SIZES
from exactdropout.theorems.proof import Proof, argument, enumerated, step
from exactdropout.theorems.registry import register
from exactdropout.theorems.statements.derivation import proved

__all__ = ["count_turning", "prove", "turning_points"]

Q = sympy.Symbol("q")


def turning_points(network: Network, data: Examples) -> int:
    """Return the number of q in (0, 1) where the penalty changes from falling to rising or back, exactly."""
    penalty = sympy.together(derive(network, data, Q).penalty.expr)
    slope = sympy.Poly(sympy.numer(sympy.cancel(sympy.diff(penalty, Q))), Q)
    if slope.is_zero:
        return 0
    odd = [factor for factor, power in slope.factor_list()[1] if power % 2]
    return sum(roots_in_open_interval(factor) for factor in odd)


def count_turning() -> tuple[int, int]:
    """Return how many of the networks 2-2-1 with hidden weights ±1 and output weights 1 turn, and of how many."""
    cases = [
        (Network([[w[:2], w[2:]], [1, 1]]), Examples.point(x, y))
        for w in itertools.product((-1, 1), repeat=4)
        for x in ((1, 1), (1, -1), (2, -1))
        for y in (-4, 4)
    ]
    return sum(turning_points(network, data) > 0 for network, data in cases), len(cases)


def prove(label: int = 8, count: tuple[int, int] = (23, 96)) -> Proof:
    """Prove the entry; at Figure 1's input with this label the penalty has exactly one turning point."""
    data = Examples.point((1, -1), label)
    penalty = derive(NETWORK, data, Q).penalty
    values = [penalty.evaluate({"q": v}) for v in (0, Fraction(1, 2), Fraction(9, 10))]
    further = [
        *kept_count_moments(),
        step(
            rf"Figure 1's network, $x = (1, -1)$, $y = {label}$: the slope of the penalty changes sign exactly once "
            rf"on $(0, 1)$.",
            "root count",
            turning_points(NETWORK, data) == 1,
            f"penalty ${sympy.latex(penalty.expr)}$",
        ),
        enumerated(
            r"It is 0 at $q = 0$, $-10$ at $\frac12$ and positive at $\frac9{10}$; the double loop agrees at "
            r"$\frac12$ and $\frac9{10}$.",
            [
                ((values[0], values[1], values[2] > 0), (0, -10, True)),
                (naive_evaluation(NETWORK, data, (Fraction(1, 2),) * 2).penalty, values[1]),
                (naive_evaluation(NETWORK, data, (Fraction(9, 10),) * 2).penalty, values[2]),
            ],
            "16 masks each",
        ),
        step(
            rf"How often: {count[0]} of {count[1]} networks 2-2-1 (hidden weights $\pm 1$, output weights 1, $x \in "
            rf"\{{(1,1), (1,-1), "
            r"(2,-1)\}$, $y = \pm 4$) have a turning point.",
            "root count",
            count_turning() == count,
        ),
        argument("'Often' is no mathematical statement; the labels and the count above are what is proved of it."),
    ]
    return proved("holds", ALL_SIZES, further)


@register(
    id="helmbold-2017-introduction",
    title="The penalty is not monotone in the drop probability",
    source="helmbold2017",
    number="Introduction",
    printed=r"The dropout penalty is often non-monotonic in $q$.",
    derivations=ALL_SIZES,
    verdict="holds",
)
def introduction() -> Proof:
    """Prove the entry as declared."""
    return prove()
