"""A printed proof is one that a referee follows: each step has its rule, its side condition and one formula."""

import re
import subprocess

import pytest

from exactdropout.claims import check
from exactdropout.notation.document import document

CLAIMS = [  # the claim, its setting, and the rules that its proof names in this order
    ("penalty = q/p*Sum(w[i]^2*x[i]^2, i=1..K)", "K-1, no biases", None, ["Identity"]),
    ("E[D] >= W(x) if w >= 0", "K-n-1 relu, biases", None, ["To show", "Terms"]),
    ("penalty >= q/(p*n)*W(x)^2", "K-n-1 linear, no biases", None, ["To show", "Cauchy--Schwarz", "Terms"]),
    ("w = p*y/(1 + (K-1)*p) is a minimiser of J_D", "K-1, no biases", "point(1, y)",
     ["To show", "Cauchy--Schwarz", "Discriminant", "Terms", "Terms", "Terms"]),
    ("y^2 + c^2 >= 2*c*y", "K-1", None, ["To show", "Product"]),
    ("J_D > 0 if y = 1, q > 0", "2-1, no biases", None, ["To show", "Strict", "Terms"]),
    ("relu(x[1]) - relu(x[2]) <= relu(x[1] - x[2])", "2-1", None, ["To show", "Cases", "Cases", "Cases", "Identity",
     "Known", "Identity", "Cases", "Known", "Identity", "Known"]),
    ("E[D^2] <= W(x)^2/p^2 if weights >= 0, x >= 0", "K-n-1 relu, no biases", None, ["To show", "Known", "Identity"]),
    ("1 - p^d <= d*q", "K-n^(d-1)-1 relu", None, None),
    ("E[D] = W(x), Var[D] = q/p*w[1]^2*x[1]^2", "1-1, no biases", None, ["Identity", "Identity"]),
    ("q/p <= 2*q if q <= 1/2", "K-n-1 relu", None, None),
    ("W(x) = Sum(w[j]*relu(Sum(W[j,i]*x[i], i=1..K)), j=1..n)", "K-n-1 relu, no biases", None, ["Identity"]),
    ("J_D = Var[D] + (E[D] - y)^2", "2-2-1 relu, biases", None, ["Identity"]),
]  # fmt: skip


@pytest.mark.parametrize(("claim", "arch", "data", "rules"), CLAIMS)
def test_each_step_names_its_rule_and_shows_one_formula(claim, arch, data, rules):
    verdict = check(claim, arch, data)
    assert verdict.status == "proved"
    steps = verdict.argument
    named = [found[1] for step in steps if (found := re.match(r"\\emph\{([^}]*)\.\}", step))]
    assert rules is None or named == rules
    formulas = [step for step in steps if not step.startswith((r"\emph{Terms", r"\emph{Identity.} All"))]
    assert all(r"\begin{equation*}" in step or "verdict.proof" in step for step in formulas)
    printed = verdict.latex()
    assert printed.count(r"\qedhere") == 1
    assert r"\text{penalty}" not in printed
    assert "verifier" not in printed
    assert all(step.removesuffix("\n\\end{equation*}") in printed for step in steps)


def test_what_is_to_be_shown_is_the_difference():
    (legend, shown, terms) = check("J_D >= R", "K-n-1 linear").argument
    assert r"J_D = V + (\mathbb{E}\,D - y)^2" in legend
    assert "units are linear on every mask" in legend
    assert r"\Delta = V \ge 0." in shown
    assert terms == r"\emph{Terms.} Every term of $\Delta$ is $\ge 0$, since $V$ is."
    (_, identity) = check("penalty = q/p*Sum(w[i]^2*x[i]^2, i=1..K)", "K-1, no biases").argument
    assert r"both sides are" in identity
    assert r"t\, \sum_{i=1}^{K} w_{i}^{2} x_{i}^{2}." in identity


def test_nothing_is_argued_where_nothing_is_proved():
    assert check("J_D >= 1", "K-1").argument == ()


@pytest.mark.thorough
def test_tex_sets_the_proofs_without_an_overfull_line(external, tmp_path):
    program = external("pdflatex")
    (tmp_path / "proofs.tex").write_text(document(*(check(c, a, d).latex() for c, a, d, _ in CLAIMS)), "utf-8")
    done = subprocess.run(
        [program, "-interaction=nonstopmode", "proofs.tex"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout


def test_powers_with_a_size_as_exponent_are_said_and_no_name_of_the_verifier_is_printed() -> None:
    found = check(
        "Var[D] = y^2*((1 + 1/K)*(1 + 1/n)^(d-1) - 1)",
        "K-n^(d-1)-1 relu, no biases",
        "point(1, y)",
        "1/2",
        assume="weights = c, c >= 0, y = K*n^(d-1)*c^d",
    )
    told = found.argument[-1]
    assert r"$1 + z_{0} = n^{d-1}$ and $1 + z_{2} = \bigl(\tfrac{n + 1}{n}\bigr)^{d-1}$" in told
    assert r"c^{2(d-1)}\, K\, c^{2}." in told
    grown = check(
        "E[D] is nondecreasing in c", "K-n^(d-1)-1 relu, no biases", data="point(1, y)", assume="weights = c, c >= 0"
    )
    assert r"$g_k \ge 0$ for what a power gains" in grown.argument[1]
    for step in (*found.argument, *grown.argument):
        assert r"\text{" not in step
        assert "'" not in step


def test_a_theorem_is_under_the_authors_names_from_its_setting_to_its_last_step():
    names = {"w": "a", "W": "V"}
    claim = r"""\operatorname{Var}[D] = \frac{q}{p} \sum_{i=1}^K x_i^2 (\sum_{j=1}^n a_j V_{ji})^2
      + \frac{q}{p} \sum_{j=1}^n a_j^2 (\sum_{i=1}^K V_{ji} x_i)^2
      + (\frac{q}{p})^2 \sum_{j=1}^n a_j^2 \sum_{i=1}^K V_{ji}^2 x_i^2 \text{ if } a \ge 0"""
    verdict = check(claim, "K-n-1 linear, no biases", names=names)
    assert verdict.status == "proved"
    text = verdict.latex(names=names)
    assert r"$a\ge 0$" in text  # the setting
    assert r"\operatorname{Cov}(h_j, h_l) &= \sum_{i,k} V_{j,i} V_{l,k}" in text
    assert re.findall(r"(?<![\\A-Za-z])(?:w|W(?!\(x\)))[_^]", text) == []
    refuted = check("J_D >= 2*R if a >= 0", "2-2-1 relu, no biases", names=names).latex(names=names)
    assert "$a_{1} = 1$" in refuted
    assert "$V_{1,2} = " in refuted


def test_a_name_that_means_something_else_in_a_proof_is_told_and_not_mixed():
    verdict = check("J_D >= R", "K-n-1 linear, no biases")
    assert r"\item Here $w$ is what is called $h$ above" not in verdict.latex()
    last = check(r"\operatorname{Var}[D] = \frac{q}{p} \sum_{j=1}^n w_j^2 \mathrm{relu}(\sum_i W_{ji} x_i)^2",
                 "K-n-1 relu, no biases", q="0, q")  # fmt: skip
    text = last.latex(names={"w": "h"})
    assert r"\item Here $w$ is what is called $h$ above." in text  # h_j are the units there
    assert r"\sum_j w_j^2 h_j^2" in text
    rate = check(r"\text{penalty} = \frac{p}{1-p} \sum_{i=1}^K w_i^2 x_i^2", "K-1 linear, no biases", names={"q": "p"})
    text = rate.latex(names={"q": "p"})
    assert r"\item Here $q$ is what is called $p$ above, $p = 1 - q$." in text
    assert r"$0\le p<1$" in text


def test_the_end_of_a_proof_stands_beside_its_last_line():
    verdict = check("J_D = Var[D] + (E[D] - y)^2", "K-n-1 linear, no biases")
    assert verdict.latex().count(r"\qedhere") == 1
    terms = (
        "q/p * Sum(x[i]^2 * Sum(w[j]*W[j,i], j=1..n)^2, i=1..K)",
        "q/p * Sum(w[j]^2 * (Sum(W[j,i]*x[i], i=1..K)^2 + q/p * Sum(W[j,i]^2*x[i]^2, i=1..K)), j=1..n)",
    )
    long = check(f"penalty = {' + '.join(terms)}", "K-n-1 linear, no biases")
    assert "\\begin{aligned}[b]\n" in long.latex()
    assert "\\end{aligned} \\qedhere" in long.latex()
