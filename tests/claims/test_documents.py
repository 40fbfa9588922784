"""Whole derivations: each step judged, the first wrong one named; nothing executed, nothing guessed."""

from pathlib import Path

import pytest

from exactdropout.claims import check_document
from exactdropout.claims.documents.chains import chains
from exactdropout.claims.documents.document import DocumentCheck
from exactdropout.claims.documents.macros import expanded, macros_of
from exactdropout.claims.documents.settings import DocumentSetting
from exactdropout.errors import InvalidInput
from exactdropout.report.derivation_page import derivation_page

DOCUMENTS = Path(__file__).with_name("documents")
LINEAR = "K-1, no biases"


def judged(name):
    text = (DOCUMENTS / name).read_text("utf-8")
    return check_document(text, markdown=name.endswith(".md"), name=name)


def test_a_correct_derivation():
    found = judged("ridge_correct.tex")
    assert found.status == "proved"
    assert len(found.steps) == 17
    assert {step.verdict.evidence for step in found.steps} <= {"replayed"}
    assert [p.line for p in found.passed] == [19, 53, 55]


@pytest.mark.parametrize(
    ("name", "line", "others", "point"),
    [
        ("ridge_wrong.tex", 19, {"proved"}, {"K": 1, "b": 1}),
        ("relu_wrong.md", 24, {"proved"}, {"x[1]": 1, "x[2]": -1}),
        ("two_layers_wrong.tex", 32, {"proved", "undecided"}, {"K": 1, "n": 2}),
    ],
)
def test_the_planted_mistake_is_the_first_wrong_step(name, line, others, point):
    found = judged(name)
    wrong = found.first_refuted
    assert wrong.line == line
    assert {step.status for step in found.steps if step.line < line} <= others
    assert point.items() <= wrong.verdict.counterexample.values.items()
    page = derivation_page(found)
    assert 'class="step refuted"' in page
    assert "prefers-color-scheme: dark" in page
    assert "http" not in page
    assert "<script" not in page


def texts(source):
    return [(c.sides, c.relations, c.tail) for c in chains(source)]


def test_chains():
    assert texts(r"a &= b \\ &\le c \\ d &= e.") == [
        (("a", "b", "c"), ("=", "<="), ""),
        (("d", "e"), ("=",), ""),
    ]
    assert texts(r"a &= b \\ &\quad + c \nonumber \\[2pt] &\stackrel{(1)}{=} e && \text{(by \eqref{x})}") == [
        (("a", "b + c", "e"), ("=", "="), "")
    ]
    assert texts(r"a = f(x = 1) + \{ y \le 2 \} \text{ if } q > 0") == [
        (("a", r"f(x = 1) + \{ y \le 2 \}"), ("=",), r"\text{ if } q > 0")
    ]
    assert texts(r"a = \begin{cases} 1 & x = 0 \\ 2 \end{cases} \approx 3")[0][1] == ("=", "")


def test_macros_are_text_and_nothing_else():
    source = (
        r"\newcommand{\E}{\mathbb{E}} \newcommand\sq[1]{\left(#1\right)^2} \newcommand{\V}[2][D]{\mathrm{Var}[#1]#2}"
        r"\DeclareMathOperator*{\Var}{Var} \def\half{\frac12} \newcommand{\bad}{\input{x}} {\newcommand{\local}{1}}"
        r"\newcommand{\again}{\again} \newcommand{\two}{#3}"
    )
    table = {macro.name: macro for macro in macros_of(source)}
    assert expanded(r"\E[D] + \sq{a \sq b} + \half", table) == (
        r"\mathbb{E}[D] + \left(a \left(b\right)^2\right)^2 + \frac12"
    )
    assert expanded(r"\V{q}\V[r]q \Var D", table) == r"\mathrm{Var}[D]q\mathrm{Var}[r]q \operatorname{Var} D"
    assert expanded("\\sq{a\n+ b}\nc", table).count("\n") == 2
    for text, message in [
        (r"\bad", "more than text"), (r"\local", "more than text"), (r"\two", "more than text"),
        (r"\again", "has no end"), (r"\sq", "fewer arguments"),
    ]:  # fmt: skip
        with pytest.raises(InvalidInput, match=message):
            expanded(text, table)
    letters = "bcdefghijklmnopqrstuv"
    before = ["", *letters]
    bomb = r"\newcommand{\a}{xx}" + "".join(
        rf"\newcommand{{\a{x}}}{{\a{y} \a{y} }}" for x, y in zip(letters, before, strict=False)
    )
    with pytest.raises(InvalidInput, match="has no end"):
        expanded(r"\av", {macro.name: macro for macro in macros_of(bomb)})


def statuses(text, arch=LINEAR, **options):
    found = check_document(text, arch, **options)
    return [(step.line, step.status) for step in found.steps], [item.reason for item in found.passed]


def test_settings_in_the_document():
    text = r"""
% exactdropout architecture: K-1, no biases; name: q=p
\[ \text{penalty} = \frac{p}{1-p} \sum_i w_i^2 x_i^2 \]
% exactdropout architecture: 2-1-1 relu, no biases; assume: w >= 0
\[ \mathbb{E}[D] \ge W(x) \]
% exactdropout assume: none
\[ \mathbb{E}[D] \ge W(x) \]
"""
    assert statuses(text, None)[0] == [(3, "proved"), (5, "proved"), (7, "refuted")]
    for line, message in [
        ("% exactdropout colour: red", "line 1 a setting"),
        ("% exactdropout name: q", "line 1 a name"),
        ("% exactdropout architecture: 2-1 tanh", "must look like"),
    ]:
        with pytest.raises(InvalidInput, match=message):
            check_document(f"{line}\n\\[ J_D \\ge 0 \\]", LINEAR)
    with pytest.raises(InvalidInput, match="'architecture' is needed"):
        check_document(r"\[ J_D \ge 0 \]")


def test_what_is_passed_over_and_what_is_not_read():
    text = r"""
Inline claims such as $J_D = 0$ need their sentence, prices such as \$5 none.
\[ J_D \] \[ 1 + 1 = 2 \] \[ s = \sum_i w_i x_i \] \[ W(x) = s \]
\[ D = \sum_i w_i x_i r_i \]
\[ J_D \approx R \] \[ J_D = R, \quad q = 0 \] \[ J_D = R \text{ if } q = 0 \] \[ J_D = \foo \]
\begin{verbatim} \[ J_D = 5 \] \end{verbatim}
"""
    found, passed = statuses(text)
    assert found == [
        (3, "proved"), (4, "refuted"), (4, "refuted"), (5, "not read"), (5, "not read"), (5, "not read"),
        (5, "proved"), (5, "not read"),
    ]  # fmt: skip
    assert passed == [
        "stands inside a sentence with 'such', whose conditions are not read",
        "has no relation", "names no quantity of dropout",
        "says what s is",
    ]  # fmt: skip


def test_formulas_inside_sentences():
    text = r"""
The penalty is $\text{penalty} = \frac{q}{p} \sum_i w_i^2 x_i^2$, and $J_D = R$. If $q = 0$, then $J_D = R$.
% exactdropout architecture: 2-1-1 relu, no biases
It is not true that $\mathbb{E}[D] = W(x)$. We have
$J_D \ge 0$. Hence $J_D = \foo$ follows, while $c = 1$ names nothing.
"""
    found, passed = statuses(text)
    assert found == [(2, "proved"), (2, "refuted"), (5, "proved")]
    assert passed[:2] == [
        "stands inside a sentence with 'If', whose conditions are not read",
        "stands inside a sentence with 'not', whose conditions are not read",
    ]
    assert len(passed) == 3
    assert "foo" in passed[2]
    with pytest.raises(InvalidInput, match="stands before an architecture is named"):
        check_document("So $J_D = R$.")


def test_another_scaling_of_the_masks_is_found():
    ours, classic = r"D = \frac{1}{1-q} \sum_i w_i x_i r_i", r"D = \sum_i w_i x_i r_i"
    assert check_document(rf"\[ {ours} \]", LINEAR).status == "proved"
    assert check_document(rf"\[ {classic} \]", LINEAR).status == "refuted"


def test_pasted_formulas():
    assert statuses(r"J_D = \mathbb{E}[(D - y)^2] \ge R")[0] == [(1, "proved"), (1, "proved")]
    assert statuses("\\begin{align}\nJ_D &\\ge 0 \\\\\n&> 0\n\\end{align}")[0] == [(2, "proved"), (3, "refuted")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must be a document"),
        ("\0", "must be a document"),
        ("\\begin{align} J_D = 1", "line 1 without its"),
        ("\n\\[ J_D = 1", "line 2 without its"),
        ("no formula here", "no claim about dropout"),
        ("$$ 1 = 1 $$", "names no quantity"),
        ("x" * 2_000_001, "at most"),
        ("\\[ J_D = 1 \\]" * 5_001, "more than"),
    ],
)
def test_damaged_documents_are_one_sentence(text, message):
    with pytest.raises(InvalidInput, match=message):
        check_document(text, LINEAR)


def test_hostile_formulas_harm_nothing():
    deep = "{" * 3000 + "J_D" + "}" * 3000
    text = rf"\[ {deep} = 1 \] \[ J_D = \input{{/etc/passwd}} \] \[ J_D = {'(' * 500} \] \[ {'J_D = ' * 200} 1 \]"
    job = DocumentCheck(text, DocumentSetting(LINEAR))
    assert [s.status for s in job.steps][:3] == ["not read"] * 3


def test_an_interrupted_check_knows_what_it_knows():
    job = DocumentCheck(r"\[ J_D \ge 0 \] \[ J_D \ge R \]", DocumentSetting(LINEAR))

    def stop(done, total):
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        job.run(stop)
    found = job.result(complete=False)
    assert [step.status for step in found.steps] == ["proved", "not reached"]
    assert (found.status, found.complete) == ("not reached", False)


def test_several_names_stand_in_one_line_and_are_forgotten_together():
    renamed = r"""
% exactdropout architecture: K-1, no biases; name: w=a, q=t
\[ J_D - R = \frac{t}{1-t} \sum_i a_i^2 x_i^2 \]
% exactdropout name: none
\[ J_D - R = \frac{q}{1-q} \sum_i w_i^2 x_i^2 \]
"""
    assert statuses(renamed, None)[0] == [(3, "proved"), (5, "proved")]
    with pytest.raises(InvalidInput, match="as in 'name: w=a, relu=sigma'"):
        check_document("% exactdropout architecture: K-1; name: w=a, w=c\n$$J_D = R$$")


def test_equations_for_several_quantities_are_steps_of_their_own():
    """E[D] = a, \\qquad Var[D] = b is what papers print; a condition behind \\quad stays one that is not read."""
    found = check_document(
        r"""$$ \mathbb{E}[D] = \sum_{i=1}^K w_i x_i = W(x), \qquad
        \mathrm{Var}[D] = \frac{q}{p^2} \sum_{i=1}^K w_i^2 x_i^2 \quad \text{and} \quad R = (W(x) - y)^2 $$""",
        "K-1 linear, no biases", markdown=True,
    )  # fmt: skip
    assert [(s.line, s.status) for s in found.steps] == [(1, "proved"), (1, "proved"), (2, "refuted"), (2, "proved")]
    for text in (
        r"\[ J_D = R, \quad q = 0 \]",
        r"\[ J_D = R, \quad w_1 = 0 \]",
        r"\[ \mathbb{E}[D] = 2 W(x), \quad \mathrm{Var}[D] = 0 \text{ if } x = 0 \]",  # it may be meant for both
    ):
        (status,) = {s.status for s in check_document(text, "K-1 linear, no biases").steps}
        assert status == "not read", text


def test_j_alone_is_told_what_the_criterion_is_called():
    found = check_document(r"\[ J_D = R \text{ if } q = 0 \] \[ J = a^2 + c \] \[ a = c \]", "K-1 linear, no biases")
    assert [(p.text[0], "J_D" in p.reason) for p in found.passed] == [("J", True), ("a", False)]


def test_a_name_that_does_not_fit_is_one_error_of_the_document_and_no_fault_of_its_steps():
    for names in ({"penalty": "R"}, {"w": "J"}, {"w": "W"}, {"relu": "f(x)"}):
        with pytest.raises(InvalidInput, match="'names'"):
            check_document(r"\[ J_D = R \] \[ J_D \ge R \]", "K-1 linear, no biases", names=names)


def test_a_paper_calls_the_criterion_and_the_output_what_it_likes():
    """A loss with arguments, a calligraphic letter, a hat: what the document defines is put in."""
    found = check_document(
        r"""\[ \rho = \frac{q}{1-q}, \qquad h_j = \sum_{i=1}^{K} V_{ji} x_i, \qquad f(x) = \sum_{j=1}^n a_j h_j . \]
        \begin{align}
        \ell(a, V) &= \mathbb{E}[(D-y)^2] = \operatorname{Var}(D) + (\mathbb{E}[D] - y)^2 \\
          &= \rho \sum_{i=1}^{K} x_i^2 \Bigl( \sum_{j=1}^{n} a_j V_{ji} \Bigr)^2 + \rho \sum_{j=1}^{n} a_j^2 h_j^2
          + \rho^2 \sum_{j=1}^{n} a_j^2 \sum_{i=1}^{K} V_{ji}^2 x_i^2 + \left(f(x) - y\right)^2 .
        \end{align}
        \[ \ell\bigl(a,V\bigr) \le (f(x) - y)^2 \]""",
        "K-n-1 linear, no biases", names={"w": "a", "W": "V"},
    )  # fmt: skip
    assert [s.status for s in found.steps] == ["proved", "proved", "refuted"]
    assert str(found.steps[-1].claim) == "J_D <= (Sum(w[j]*Sum(W[j,i]*x[i], i=1..K), j=1..n) - y)^2"
    for name in (
        r"\mathcal{L}(w)", r"\mathcal{L}", r"\mathscr L(w)", r"L(w)", r"J(w)", r"\ell", r"\hat{L}",
        r"J_{\text{drop}}(w)", r"\Omega", r"L_D(w, q)", r"R_{\mathrm{drop}}(w)", r"f\left(w\right)",
    ):  # fmt: skip
        text = (DOCUMENTS / "ridge_wrong.tex").read_text("utf-8")
        before = judged("ridge_wrong.tex")
        first, rest = text.split(r"\begin{document}")
        start, rest = "% exactdropout architecture: K-1\n", rest.replace("J_D", name)
        after = check_document(rf"{first}\begin{{document}}{start} \[ {name} = J_D \] {rest}")
        assert [(s.status, str(s.claim)) for s in after.steps] == [(s.status, str(s.claim)) for s in before.steps], name


def test_a_name_of_the_documents_own_is_no_way_around_a_claim():
    linear = "K-n-1 linear, no biases"

    def found(text):
        return [(s.status, str(s.claim or "")) for s in check_document(text, linear).steps]

    start = r"\[ \ell(w) = J_D \]"
    assert found(start + r"\[ \ell(0) = y^2 \]") == [("not read", "")]  # a claim about other arguments, no definition
    assert found(start + r"\[ \ell(v) = R \] \[ \ell(w) \ge R \]") == [("not read", ""), ("proved", "J_D >= R")]
    assert found(start + r"\[ \ell(w) = R \]") == [("refuted", "J_D = R")]  # said once; the second time it is a claim
    assert found(r"\[ L = J_D \] \[ L(w) = R \]") == [("not read", "")]
    assert found(r"\[ \mathcal{R}(w) = J_D \]") == [("refuted", "R = J_D")]  # the grammar has a meaning for it
    assert {s for s, _ in found(r"\[ E(w) = J_D \] \[ W(x) = R \]")} == {"not read", "refuted"}
    assert found(r"\[ \rho = 2q, \quad \rho = 3q \] \[ \rho R = J_D \]")[0][0] == "refuted"
    case = found(r"\[ z = c R, \quad c = 1 \] \[ c R = R \]")  # a case is none of what comes later
    assert case[-1] == ("refuted", "c*R = R")
    for assumed in ({"assume": "tau >= 0"}, {}):  # letters that are assumed something stand for nothing else
        text = r"\[ \mathcal{L}(w) = -R \] \[ \mathcal{L}(w) \ge 0 \]"
        text = text if assumed else "% exactdropout architecture: K-n-1 linear; assume: tau >= 0\n" + text
        (step,) = check_document(text, linear, **assumed).steps
        assert (step.status, str(step.claim)) == ("refuted", "-R >= 0")
    assert found(r"\[ \rho = q, \quad q = 0 \] \[ \rho J_D = 0 \]") == [("refuted", "rho*J_D = 0")]  # kept neither


def test_a_definition_inside_a_sentence_is_not_said_again_in_other_words():
    """Where prose has said what the loss is, which is not read, a display that begins with the loss is a claim."""
    linear = "K-n-1 linear, no biases"
    for loss in (r"\ell(w)", "L", r"\mathcal{L}"):
        wrong = rf"Let ${loss} = \mathbb{{E}}[(D-y)^2]$. \[ {loss} = R + 2 \text{{penalty}} \ge R \]"
        found = check_document(wrong, linear)
        assert [s.status for s in found.steps] == ["not read", "not read"]
        assert f"line 1 says inside a sentence what {loss} is" in found.steps[0].reason
        right = (
            rf"Let ${loss} = \mathbb{{E}} [(D-y)^2]$. \[ {loss} = \mathbb{{E}}[(D - y)^2] = R + 2 \text{{penalty}} \]"
        )
        assert [s.status for s in check_document(right, linear).steps] == ["refuted"]


def test_a_long_formula_wraps_between_its_terms_on_the_page():
    """On a telephone it was cut, and the column beside the line numbers had no room."""
    found = check_document(
        r"\[ J_D = R + \frac{q}{p} \sum_{i=1}^K w_i^2 x_i^2 + y^2 - y^2 \] \[ J_D \ge R \]", "K-1 linear, no biases"
    )
    page = derivation_page(found)
    long, short = page.split('<div class="formula')[1:]
    assert long.startswith(' flow">')
    assert long.count('<math displaystyle="true">') == 5
    assert short.startswith('"><math display="block">')
    assert ".step > div { grid-column: 1 / -1; }" in page
