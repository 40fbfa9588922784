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
