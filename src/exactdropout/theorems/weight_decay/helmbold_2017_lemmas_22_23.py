"""Lemmas 22 and 23 of Helmbold and Long (2017), steps towards Theorem 7: true, with slips in their proofs.

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
    """Prove that |v·x| = max h may be assumed, by v′ = (h(x)/v·x)^shrink v, a′ = 0; only 1 works."""
    s, t = sympy.symbols("s t", positive=True)
    k = sympy.Symbol("k", nonnegative=True)
    steps = [
        step(
            r"$h(0) = 0 < h(x)$ means $a = -k \le 0$ and $v \cdot x = s + k$ with $s = h(x)$. With $v' = "
            r"\frac{s}{s+k} v$, "
            r"$a' = 0$: $v' \cdot x = s = h(x)$, $h'(0) = 0$.",
            "cases",
            sympy.cancel((s / (s + k)) ** shrink * (s + k) - s) == 0,
            "s > 0, k >= 0",
        ),
        step(
            r"$h(x) = 0 < h(0)$ means $a = t > 0$ and $v \cdot x = -(t + k)$. With $v' = \frac{t}{t+k} v$, $a' = t$: "
            r"$v' \cdot x + a' = 0$, and $|v' \cdot x| = t = h(0)$.",
            "cases",
            sympy.cancel((t / (t + k)) ** shrink * (t + k) - t) == 0,
            "t > 0, k >= 0",
        ),
        argument(
            r"Both factors are at most 1, so the penalty does not grow. If $h(0) = h(x) = 0$, put $v = 0$, $a = 0$. "
            "So the assumption is allowed, for every unit."
        ),
        enumerated(
            r"The printed proof says $h(x) \ge h(0) = 0$ makes $a = 0$ and $h(x) = v \cdot x$; not so at $K = 1$, $x "
            r"= 1$, "
            r"$v = 2$, $a = -1$.",
            [(_outputs(2, -1, Fraction(1), Fraction(0)), [0, 1]), (_outputs(2, 0, Fraction(1), Fraction(0)), [0, 2])],
            "inputs 0 and 1",
        ),
    ]
    return conclude(
        "holds with a correction",
        SCOPE,
        steps,
        "x = 1, v = 2, a = -1: h(0) = 0 and h(x) = 1, but a is not 0 and |v.x| = 2.",
    )


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
    title="A hidden unit may be assumed without slack",
    source="helmbold2017",
    number="Lemma 23",
    printed=r"$|v_j \cdot x| = \max(h_j(0), h_j(x))$ without loss of generality; if $h_j(x) \ge h_j(0) = 0$ then "
    r"$a_j = 0$.",
    statement="|v.x| = max(h(0), h(x)) may be assumed; where h(x) >= h(0) = 0 the bias need not be 0 before "
    "shrinking v",
    verdict="holds with a correction",
    scope=SCOPE,
    correction=r"If $h_j(x) > h_j(0) = 0$ then $a_j \le 0$; shrink $v_j$ by $h_j(x)/(v_j \cdot x)$ and put $a_j = 0$.",
)
def lemma_23() -> Proof:
    """Prove the entry as declared."""
    return prove_23()
