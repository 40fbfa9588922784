"""One claim in many spellings reads as one claim, and what may be a remark or an equation number is no factor."""

import re

import pytest

from exactdropout.claims import check, parse_claim
from exactdropout.errors import ExactDropoutError, InvalidInput

from .campaign import check_module
from .near_truths import AUTHORS

TEXT = {
    "unicode": lambda t: t.replace("^2", "²").replace(">=", "≥").replace("<=", "≤").replace("!=", "≠"),
    "arrow": lambda t: t.replace("->", "→"),
    "dot": lambda t: re.sub(r"(?<!\*)\*(?!\*)", "·", t),
    "times": lambda t: re.sub(r"(?<!\*)\*(?!\*)", "×", t),
    "stars": lambda t: t.replace("^", "**"),
    "wide": lambda t: re.sub(r"(\*\*|\*|\+|=|/|\(|\)|\[|\]|,|\^)", r" \1 ", t).replace("> =", ">=").replace("< =", "<=")
    .replace("! =", "!="),
    "full stop": lambda t: t + ".",
}  # fmt: skip
EQUATION = "\\begin{equation}\n%s.\n\\end{equation}"
LATEX = {
    "tfrac": lambda t: t.replace(r"\frac", r"\tfrac"),
    "braces": lambda t: re.sub(r"([wxyrq])_(\w)(?!\w)", r"\1_{\2}", t),
    "exponents": lambda t: re.sub(r"\^(\d)", r"^{\1}", t),
    "geq": lambda t: re.sub(r"\\ge(?![a-z])", r"\\geq", re.sub(r"\\le(?![a-z])", r"\\leqslant", t)),
    "norms": lambda t: re.sub(r"\\\|(.*?)\\\|", r"\\lVert \1 \\rVert", t),
    "E": lambda t: t.replace(r"\mathbb{E}", r"\mathbb E").replace(r"\operatorname{Var}", r"\mathrm{Var}"),
    "dollars": lambda t: t if re.search(r"\\begin|\$|\\\[", t) else f"${t}$.",
    "display": lambda t: t if re.search(r"\\begin|\$|\\\[", t) else f"\\[ {t} \\]",
    "equation": lambda t: (
        t if re.search(r"\\begin|\$|\\\[|\.\Z", t) else f"\\begin{{equation}}\n{t}.\n\\end{{equation}}"
    ),
    "cdot": lambda t: re.sub(r"\\frac\{q\}\{p\}\s*(?=[\\(\w])", r"\\frac{q}{p} \\cdot ", t),
    "limits": lambda t: t.replace(r"\sum_", r"\sum\limits_"),
    "comment": lambda t: t + " % as in the text",
    "transposed": lambda t: t.replace(r"^\top", r"^{\mathsf{T}}"),
}


def read(text, entry):
    return check_module._parsed(text, entry.get("names"), entry["arch"], entry.get("data"), entry.get("q"))


def others(entries):
    """Return how many spellings read as the claim itself, and those that do not."""
    same, other = 0, []
    for entry in entries:
        text = entry["text"]
        try:
            claim = read(text, entry)
        except ExactDropoutError:
            continue
        for name, spelled in (LATEX if "\\" in text else TEXT).items():
            if (new := spelled(text)) == text:
                continue
            try:
                found = read(new, entry)
            except ExactDropoutError as error:
                found = error
            if str(found) == str(claim):
                same += 1
            else:
                other.append((name, new, str(found)))
    return same, other


def test_claims_of_authors_read_the_same_in_other_spellings():
    same, other = others(AUTHORS[::8])
    assert other == []
    assert same >= 150


@pytest.mark.thorough
def test_all_claims_of_authors_read_the_same_in_other_spellings():
    same, other = others(AUTHORS)
    assert other == []
    assert same >= 1_400


@pytest.mark.parametrize("text", [
    r"\mathbb{E}[D^2] \ge W(x)^2 \quad (2)", r"\[ \mathbb{E}[D^2] \ge W(x)^2 \quad (2) \]",
    r"$\mathbb{E}[D^2] \ge W(x)^2 \;\; (12a)$.", EQUATION % r"\mathbb{E}[D^2] \ge W(x)^2, \qquad (2)",
])  # fmt: skip
def test_the_number_of_an_equation_is_no_factor(text):
    assert str(parse_claim(text)) == "E[D^2] >= W(x)^2"


@pytest.mark.parametrize("text", [
    r"\mathbb{E}[D^2] \le W(x)^2 (2)", r"J_D \ge y^2 \left(2\right)", r"J_D = \sum_{i=1}^{K} w_i^2 (2)",
    r"J_D \ge \max(y, 0) (3)",
])  # fmt: skip
def test_what_may_be_the_number_of_an_equation_is_refused(text):
    with pytest.raises(InvalidInput, match="may be the number of an equation"):
        parse_claim(text)


def test_a_remark_is_no_factor():
    line = r"\begin{align} J_D &= R + \text{penalty} + y^2 && \textrm{(a)} \\ &= J_D + y^2 && \mbox{(b)} \end{align}"
    assert str(parse_claim(line)) == "J_D = R + penalty + y^2 = J_D + y^2"
    for text in (r"J_D \ge R + y^2 \text{(a)}", r"J_D \ge y^2 \mbox{(w)}", r"J_D \ge y^2 \textit{(x)}"):
        with pytest.raises(InvalidInput, match="is a remark"):
            parse_claim(text)


@pytest.mark.parametrize("text", [
    "diff(J_D, w[i]) >= 0 if w[i] >= 0, y <= 0, x >= 0", "w[i]*x[i] >= 0 if w[i] >= 0, x[i] >= 0",
    r"\frac{\partial J_D}{\partial w_i} \ge 0 \text{ if } w_i \ge 0, y \le 0, x \ge 0",
])  # fmt: skip
def test_an_index_of_claim_and_assumption_reads_two_ways(text):
    """For every i alone the first is false: w = (0, -10), x = (1, 1), y = 0; with all w >= 0 it is true."""
    with pytest.raises(InvalidInput, match="two ways, as all entries or as the same one"):
        check(text, "K-1, no biases")


def test_the_two_readings():
    assert check("diff(J_D, w[i]) >= 0 if w >= 0, y <= 0, x >= 0", "K-1, no biases").status == "proved"
    assert check("diff(J_D, w[1]) >= 0 if w[1] >= 0, y <= 0, x >= 0", "K-1, no biases").status == "refuted"


@pytest.mark.parametrize(("text", "shape", "q", "status"), [
    (r"\mathbb{E}_r[r_1 r_2] = p^2", "2-1, no biases", None, "proved"),
    (r"\mathbb{E}_r[r_1 r_2] = p", "2-1, no biases", None, "refuted"),
    (r"\operatorname{Var}_r[r_1 - r_2] = 2 p q", "2-1, no biases", None, "proved"),
    ("J_D is invariant under W -> c*W, w -> w/c if c > 0", "K-n-1 relu, no biases", None, "proved"),
    ("J_D is invariant under W -> c*W, w -> w/c^2 if c > 0", "K-n-n-1 relu, no biases", None, "proved"),
    ("J_D is invariant under W -> c*W, w -> w/c if c > 0", "K-n-n-1 relu, no biases", None, "refuted"),
    ("E[D] = W(x) if W >= 0, x >= 0, b[1] >= 0", "K-n-1 relu", None, "proved"),
    ("E[D] = W(x) if W >= 0, x >= 0, b >= 0", "K-n-1 relu", None, "refuted"),
    ("p[1] + q[1] = 1", "K-n-1 linear, no biases", "q[1], q[2]", "proved"),
    ("p[1] + q[2] = 1", "K-n-1 linear, no biases", "q[1], q[2]", "refuted"),
])  # fmt: skip
def test_plain_spellings_are_decided(text, shape, q, status):
    assert check(text, shape, q=q).status == status


@pytest.mark.parametrize(("text", "told"), [
    # a set is no interval: J_D > R holds between 0 and 1/2 for w, x > 0, and not at 0
    (r"J_D > R \text{ for } q \in \{0, 1/2\}", "one claim for each number of a set"),
    (r"J_D > R \text{ for all } q \in \left\{0, \tfrac12\right\}", "one claim for each number of a set"),
    (r"J_D > R \text{ for } q \in \lbrace 0, 1/2 \rbrace", "one claim for each number of a set"),
    (r"J_D \ge R \text{ for all } x \in \{0, 1\}^K", "one claim for each number of a set"),
    # true of whole numbers, false at 1/2
    (r"c^2 \ge c \text{ for all } c \in \mathbb{N}", "c stands for a real number"),
    # the value of a derivative at 0 is no product with 0
    (r"\frac{\partial J_D}{\partial q}(0) = 0", "reads two ways"), (r"\frac{dJ_D}{dq}(0) = 0", "reads two ways"),
    (r"\partial_q J_D (0) = 0", "parentheses are needed"), ("diff(J_D, q)(0) = 0", "reads two ways"),
    ("diff(J_D, q)(q) = 0", "reads two ways"),
    # E(D - y)^2 is the mean of a square for many authors: not R, where E[D] = W(x)
    (r"\mathbb{E}(D - y)^2 = R", "reads two ways"), (r"\mathbb{E}\left(D - y\right)^2 = R", "reads two ways"),
    (r"\mathbb{E}\{D - y\}^2 = R", "reads two ways"), (r"\operatorname{Var}(2 D)^2 = R", "reads two ways"),
    # vectors have no order
    (r"w \ge x", "compares w as a whole; an entry such as w\\[i\\]"), ("w = x", "compares w as a whole"),
    # a mean over inputs or labels alone leaves D random; a variance over examples is another number than Var[D]
    (r"\mathbb{E}_x[D] = W(x)", "mean over examples alone"), (r"\mathbb{E}_{y}[D] = W(x)", "mean over examples alone"),
    (r"\mathrm{Var}_x[D] \ge 0", "mean over examples alone"),
    (r"\mathrm{Var}_{(x,y)\sim P}[D] \ge 0", "mean over examples alone"),
])  # fmt: skip
def test_what_was_read_in_one_of_two_ways_is_refused(text, told):
    with pytest.raises(InvalidInput, match=told):
        check(text, "K-1, no biases", assume="w > 0, x > 0")


def test_neighbours_that_are_read():
    assert (
        str(parse_claim(r"J_D \ge R \text{ for all } q \in \left(0, \tfrac12\right]")) == "J_D >= R if q > 0, q <= 1/2"
    )
    assert str(parse_claim(r"K^2 \ge K \text{ for all } K \in \mathbb{N}")) == "K^2 >= K"
    assert check(r"\mathbb{E}[(D - y)^2] = J_D", "K-1, no biases").status == "proved"
    assert str(parse_claim(r"\mathbb{E}[D]^2 \le \mathbb{E} D^2")) == "E[D]^2 <= E[D^2]"
    assert str(parse_claim(r"\frac{\partial J_D}{\partial q} (1 + y) = 0")) == "diff(J_D, q)*(1 + y) = 0"
    for mean in (
        r"\mathbb{E}_{(x,y)\sim P}",
        r"\mathbb{E}_{x,y,r}",
        r"\mathbb{E}_{(x,y)}\mathbb{E}_r",
        r"\mathbb{E}_P",
    ):
        assert str(check(mean + "[(D-y)^2] = J_D", "K-1, no biases").claim) == "J_D = J_D"
    nested = check(r"\mathbb{E}_x[\mathbb{E}_r[D]] = \mathbb{E}_x \mathrm{Var}_r[D]", "K-1, no biases")
    assert str(nested.claim) == "E[D] = Var[D]"
