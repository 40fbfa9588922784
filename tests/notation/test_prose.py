"""Sentences with formulas in them: what is text, what is a formula, and that nothing is lost or moved."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exactdropout import theorems
from exactdropout.notation.prose import html_sentence, latex_sentence, sentence


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("weights >= 0 give J_D >= 1/8", r"weights $\ge 0$ give $J_D\ge 1/8$"),
        ("all K, n, d >= 2 and 0 <= y <= K n^(d-1)", r"all $K$, $n$, $d\ge 2$ and $0\le y\le K\,n^{d-1}$"),
        ("q in [0, 1)", "$q$ in $[0,1)$"),
        ("a rate per layer; a = 2", "a rate per layer; $a=2$"),
        ("risk 0, and (a), (c)", "risk 0, and (a), (c)"),
        ("Figure 1's network at label 8", "Figure 1's network at label 8"),
        ("2-2-1 relu, no biases", "2-2-1 relu, no biases"),
        ("(X'X)^-1 X'y", r"$(X'X)^{-1}\,X'y$"),
        ("E D^2/(E D)^2", r"$\mathbb{E}\,D^2/(\mathbb{E}\,D)^2$"),
        ("on P_(1,1): J_D(W_neg)", r"on $P_{(1,1)}$: $J_D(W_{\text{neg}})$"),
        ("the sum by s, not sqrt(n)", r"the sum by $s$, not $\sqrt{n}$"),
        ("prod_l (1 + l_l/n_l)", r"$\prod _l\,(1+l_l/n_l)$"),
        ("φ(C z) = C φ(z) for z ≤ 0", r"$\varphi (C\,z)=C\,\varphi (z)$ for $z\le 0$"),
        ("c₁ and x²", "$c_{1}$ and $x^{2}$"),
        ("50% of $x^2 < 1$ & more_or less", r"50\% of $x^2 < 1$ \& more\_or less"),
        ("non-decreasing in x.x, e.g. 3 masks", r"non-decreasing in $x\cdot x$, e.g. 3 masks"),
        ("K-n^(d-1)-1 relu, no biases", r"$K\text{-}n^{d-1}\text{-}1$ relu, no biases"),
        ("c1...cd times", r"$c_1\cdots c_d$ times"),
        ("(1 - q", r"($1-q$"),
        ("E|X - UV'|^2", r"$\mathbb{E}\,|X-UV'|^2$"),
        ("n >= n*(K,q), n* is finite", r"$n\ge n^*(K,q)$, $n^*$ is finite"),
        ("half-K2-n* (n = 3, 4)", "half-K2-n* $(n=3,4)$"),  # a certificate's name is no product
        ("point-K2-n3-nonnegative", "point-K2-n3-nonnegative"),
        ("2 lambda >= |x|", r"$2\,\lambda \ge |x|$"),
        ("n*(K+q)", r"$n\cdot (K+q)$"),
        ("up to 1e-9, or 2.5e3", r"up to $10^{-9}$, or $2.5 \cdot 10^{3}$"),  # no subtraction from a number e
        ("the linear network 2-n-1 with", r"the linear network $2\text{-}n\text{-}1$ with"),  # a shape
        ("a K-n-m-1 net with n-1-k units", r"a $K\text{-}n\text{-}m\text{-}1$ net with $n-1-k$ units"),
    ],
)
def test_what_is_set(text, latex):
    assert latex_sentence(text) == latex


@given(st.text())
def test_nothing_is_lost(text):
    between = "".join(s.source for s in sentence(text))
    assert between.replace("$", "") == text.replace("$", "")
    assert html_sentence(text, lambda latex: "").count("<") == 0


def symbols(text):
    """Return the letters and digits of a text, words of operators and scripts taken back."""
    for command, plain in (("mathbb", ""), ("operatorname", ""), ("text", ""), ("tilde", ""), ("surd", "sqrt")):
        text = text.replace(f"\\{command}", plain)
    return re.sub(
        r"[^A-Za-z0-9]", "", re.sub(r"\\(?:ge|le|ne|to|pm|cdot|cdots|approx|times|circ|wedge|infty) ", "", text)
    )


def test_the_catalogue_keeps_its_letters_and_digits():
    checked = 0
    for theorem in theorems.catalogue():
        for text in (theorem.statement, theorem.scope):
            for segment in sentence(text):
                if segment.latex is not None and segment.latex != segment.source and segment.source.isascii():
                    assert symbols(segment.latex) == symbols(segment.source)
                    checked += 1
    assert checked > 100
