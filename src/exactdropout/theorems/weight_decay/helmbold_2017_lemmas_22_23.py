"""Lemmas 22 and 23 of Helmbold and Long (2017), steps towards Theorem 7: a slip in one, a missing reason in the other.

Both say what may be assumed of a minimiser of the weight-decay criterion on P_(x,1), for a hidden unit
h(x̃) = relu(v·x̃ + a) with output weight w and output bias b.
"""

from __future__ import annotations

from fractions import Fraction

import sympy

from exactdropout.model import Network
from exactdropout.numeric.definition import dropout_output
from exactdropout.theorems.generic_symbols import generic, identity
from exactdropout.theorems.proof import Proof, argument, conclude, enumerated, step
from exactdropout.theorems.registry import register

__all__ = ["prove_22", "prove_23"]

SCOPE = "d = 2, every K, n and x"


def prove_22(power: int = 1) -> Proof:
    """Prove that h may be shifted to reach 0, with b changed by w^power · min h; only the power 1 works."""
    ring, (z, m, w, b) = generic("z~ m~ w b")
    before = _outputs(1, 1, Fraction(2), Fraction(0))
    steps = [
        step(
            r"With $m = \min(h(0), h(x)) \ge 0$ and pre-activation $m + z \ge m$: lowering $a$ by $m$ lowers $h$ by "
            r"$m$.",
            "cases",
            ring.relu(m + z) - m == ring.relu(m + z - m),
            "z >= 0, m >= 0",
        ),
        identity(
            r"The output does not change if $b$ grows by $w m$: $w (h - m) + b + w m = w h + b$.",
            w * z + b + w**power * m,
            w * (z + m) + b,
        ),
        argument(
            "Weights and their penalty do not change; biases are free. If w = 0 the unit's incoming weights and its "
            "bias "
            "may be set to 0. So for each unit some input of 0, x gives h = 0."
        ),
        enumerated(
            r"$K = 1$, $x = 1$, $v = a = 1$, $w = 2$, $b = 0$, $m = 1$: adding $w m = 2$ keeps both outputs, adding "
            r"the "
            r"printed $m/w = \frac12$ does not.",
            [
                (_outputs(1, 0, Fraction(2), Fraction(2)), before),
                (_outputs(1, 0, Fraction(2), Fraction(1, 2)) == before, False),
            ],
            "inputs 0 and 1",
        ),
    ]
    return conclude(
        "holds with a correction",
        SCOPE,
        steps,
        "x = 1, v = a = 1, w = 2, b = 0: min h = 1; with a = 0 and the printed b = 1/2 the outputs 2, 4 become 1/2, "
        "5/2.",
    )


def _outputs(v: int, a: int, w: Fraction, b: Fraction) -> list[Fraction]:
    network = Network([[[v]], [w]], [[a], b])
    return [Fraction(dropout_output(network, (x,), None, ())[0]) for x in (0, 1)]


def prove_23(shrink: int = 1) -> Proof:
    """Prove |v·x| = max h and a = 0 at a minimiser, by v′ = (h(x)/v·x)^shrink v, a′ = 0; only 1 works."""
    ring, (c, v) = generic("c+ v")
    a, b = sympy.symbols("a b", positive=True)
    shrunk = (a / (a + b)) ** shrink * (a + b)
    steps = [
        step(
            r"Lemma 22 leaves three cases. $h(0) = 0 < h(x)$ means $a = -k \le 0$ and $v \cdot x = s + k$ with $s = "
            r"h(x)$. With $v' = \frac{s}{s+k} v$, $a' = 0$: $v' \cdot x = s = h(x)$, $h'(0) = 0$; the outputs stay.",
            "cases",
            sympy.cancel(shrunk - a) == 0,
            "s > 0, k >= 0",
        ),
        step(
            r"$h(x) = 0 < h(0)$ means $a = t > 0$ and $v \cdot x = -(t + k)$ with $k \ge 0$. With $v' = "
            r"\frac{t}{t+k} v$, $a' = t$: $v' \cdot x + a' = 0$, so the outputs stay.",
            "cases",
            sympy.cancel(shrunk - a) == 0,
            "t > 0, k >= 0",
        ),
        identity(
            r"Both maps multiply $\|v\|^2$ by $c^2$ with $c = \frac{s}{s+k}$ (or $\frac{t}{t+k}$): the penalty "
            r"changes by $\frac\lambda2 (c^2 - 1) \|v\|^2 = -\frac\lambda2 (1 - c)(1 + c) \|v\|^2$.",
            (ring.one - c**2) * v**2,
            (ring.one - c) * (ring.one + c) * v**2,
        ),
        step(
            r"$c < 1$ exactly where $k > 0$: $1 - \frac{s}{s+k} = \frac{k}{s+k}$. And $v \ne 0$ in both cases, "
            r"since $v \cdot x \ne 0$.",
            "cases",
            sympy.cancel(1 - a / (a + b) - b / (a + b)) == 0,
            "s > 0, k > 0",
        ),
        argument(
            r"So $k > 0$ would give a network with the same outputs and a smaller criterion: at a minimiser $k = 0$. "
            r"In the first case $a = 0$ and $h(x) = v \cdot x$, in the second $v \cdot x = -h(0)$. If $h(0) = h(x) = "
            r"0$, then $v = 0$ at a minimiser for the same reason ($v' = 0$, $a' = 0$ keeps both outputs), and $a = 0$ "
            "may be put."
        ),
        enumerated(
            r"That the network is a minimiser is needed, and the printed proof does not say so: with $K = 1$, $x = 1$, "
            r"$v = 2$, $a = -1$ (no minimiser) $h(0) = 0$ and $h(x) = 1$, although $a \ne 0$; $v = 1$, $a = 0$ has the "
            "same outputs.",
            [
                (_outputs(2, -1, Fraction(1), Fraction(0)), [0, 1]),
                (_outputs(1, 0, Fraction(1), Fraction(0)), [0, 1]),
            ],
            "inputs 0 and 1",
        ),
    ]
    return conclude("holds", SCOPE, steps)


@register(
    id="helmbold-2017-lemma-22",
    title="A hidden unit may be shifted to reach 0",
    source="helmbold2017",
    number="Lemma 22",
    printed=r"Each hidden unit has $h_j(0) = 0$ or $h_j(x) = 0$ without loss of generality, by subtracting $m = "
    r"\min(h_j(0), h_j(x))$ from its bias and adding $m/w_j$ to the output bias.",
    statement="each hidden unit may be assumed 0 at 0 or at x; the output bias grows by w m, not m/w",
    verdict="holds with a correction",
    scope=SCOPE,
    correction=r"The output bias grows by $w_j m$.",
)
def lemma_22() -> Proof:
    """Prove the entry as declared."""
    return prove_22()


@register(
    id="helmbold-2017-lemma-23",
    title="A hidden unit of a minimiser has no slack",
    source="helmbold2017",
    number="Lemma 23",
    printed=r"$|v_j \cdot x| = \max(h_j(0), h_j(x))$ without loss of generality; if $h_j(x) \ge h_j(0) = 0$ then "
    r"$a_j = 0$.",
    statement="every unit of a minimiser has |v.x| = max(h(0), h(x)), and a = 0 where h(x) > h(0) = 0",
    verdict="holds",
    scope=SCOPE,
    correction=r"The printed proof omits the reason for $a_j = 0$: otherwise shrinking $v_j$ keeps the outputs and "
    r"lowers the penalty, which a minimiser does not allow.",
)
def lemma_23() -> Proof:
    """Prove the entry as declared."""
    return prove_23()
