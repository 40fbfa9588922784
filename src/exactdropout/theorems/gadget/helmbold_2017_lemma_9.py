"""Lemma 9 of Helmbold and Long (2017): on a non-zero 0/1 input one unit of each first-one gadget is 1, the rest 0."""

from __future__ import annotations

import itertools

from exactdropout.theorems.gadget.first_one_gadget import first_one_gadget
from exactdropout.theorems.generic_symbols import generic
from exactdropout.theorems.proof import Proof, argument, conclude, enumerated, step
from exactdropout.theorems.registry import register

__all__ = ["prove"]

SCOPE = "all K, n = mK, every 0/1 input"
ENUMERATED = range(1, 9)


def prove(earlier: int = -1) -> Proof:
    """Prove the lemma for gadgets with weight ``earlier`` from earlier inputs; only −1 works."""
    ring, (s,) = generic("s~")
    one, zero = ring.one, ring.zero
    # unit i computes relu(x_i + earlier * t), t = number of ones before i; t = 0 or t = 1 + s with s ≥ 0
    values = {
        "first one": (ring.relu(one), one),
        "zero before the first one": (ring.relu(zero), zero),
        "a later one": (ring.relu(one + earlier * (one + s)), zero),
        "a later zero": (ring.relu(zero + earlier * (one + s)), zero),
    }
    steps = [
        step(
            r"With $t$ ones before input $i$, unit $i$ computes $\mathrm{relu}(x_i - t)$: 1 if $x_i = 1$ and $t = 0$, "
            r"otherwise 0 (write $t = 1 + s$, $s \ge 0$).",
            "cases",
            all(found == wanted for found, wanted in values.values()),
            "; ".join(values),
        ),
        argument(
            "A non-zero 0/1 input has exactly one first 1, so exactly one unit of each gadget is 1, and $n/K$ gadgets "
            "sum to $n/K$. By positive homogeneity the sum is $n/(Kp)$ on a masked all-ones input, whose kept entries "
            "are $1/p$."
        ),
        enumerated(
            "Every non-zero 0/1 input: the gadget sums to 1.",
            ((_gadget_sum(x, earlier), 1) for k in ENUMERATED for x in itertools.product((0, 1), repeat=k) if any(x)),
            "K = 1, ..., 8",
        ),
    ]
    return conclude(
        "holds with a correction",
        SCOPE,
        steps,
        "K = 2, unit 1 at x = (1, 0): it is 1 although the Kth input is 0 (the text asks for the Kth input to be 1); "
        "and for n = 2K the inputs have K entries, not n.",
    )


def _gadget_sum(x: tuple[int, ...], earlier: int) -> int:
    rows = [[w * (-earlier if w < 0 else 1) for w in row] for row in first_one_gadget(len(x))]
    return sum(max(sum(w * v for w, v in zip(row, x, strict=True)), 0) for row in rows)


@register(
    id="helmbold-2017-lemma-9",
    title="The first-one gadget counts to one",
    source="helmbold2017",
    number="Lemma 9",
    printed=r"On $x \in \{0,1\}^n \setminus \{0\}$ the first hidden layer of $W_{\mathrm{neg}}$ sums to $n/K$; unit "
    r"$i$ "
    "of a gadget is 1 if input $K$ is 1 and all earlier inputs are 0.",
    statement="on every non-zero x in {0,1}^K the first hidden layer of W_neg sums to n/K",
    verdict="holds with a correction",
    scope=SCOPE,
    correction=r"$x \in \{0,1\}^K \setminus \{0\}$; unit $i$ is 1 if input $i$ is 1 and all earlier inputs are 0.",
)
def lemma_9() -> Proof:
    """Prove the entry as declared."""
    return prove()
