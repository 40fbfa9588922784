"""The verifier accepts true proofs and refuses every rule whose side condition is violated."""

import ast
import math
import random
from dataclasses import replace
from fractions import Fraction as F
from pathlib import Path

import pytest

from exactdropout.claims import check, parse_claim
from exactdropout.claims.proofs.certificates import replayable_proof
from exactdropout.claims.refutation.moments import Naive
from exactdropout.claims.setting.entries import with_layers
from exactdropout.claims.setting.named_sizes import free_keys, key_text, scope_of
from exactdropout.claims.setting.setting import build_setting
from exactdropout.claims.verifier import verify as verifier
from exactdropout.claims.verifier.algebra import constant, gen, plus, scaled, times
from exactdropout.claims.verifier.verify import Certificate, NotReplayed, Proof, Signs, obligations, verify

X, Y, ONE = gen("x"), gen("y"), constant(1)
BOTH = Signs({"x", "y"})
NONE = Signs()
SIZE = Signs({"K"}, {"K"}, least={"K": 1})


def read(text, arch, data=None, q=None, assume=None):
    claim = parse_claim(text)
    setting = build_setting(arch, data, q, assume, claim.assumptions)
    return with_layers(claim, setting), setting


REPLAYED = [
    ("penalty = q/p*Sum(w[i]^2*x[i]^2, i=1..K)", "K-1, no biases", {}, "written"),
    ("penalty = (1-p)/p*Sum(w[k]^2*Sum(W[1][k,i]*x[i], i=1..K)^2, k=1..n)", "K-n-1 linear, no biases", {"q": "0, q"},
     "written"),
    ("J_D >= Var[D]", "K-n-1 relu, biases", {}, "opaque"),
    ("E[D] >= W(x) if w >= 0", "K-n^(d-1)-1 relu, biases", {"assume": "W >= 0"}, "opaque"),
    ("penalty >= 0", "K-n-1 linear, biases", {}, "opaque"),
    ("J_D = R", "K-n-1 relu", {"q": "0"}, "opaque"),
    ("Var[D] > 0 if w != 0, x != 0, q > 0", "K-1, no biases", {}, "written"),
    ("E[D] = w[1]*(p*relu(W[1][1,1]*x[1] + W[1][1,2]*x[2]) + q*relu(W[1][1,1]*x[1]) + q*relu(W[1][1,2]*x[2]))",
     "2-1-1 relu, no biases", {}, "named"),
    ("x[1]^2 + x[2]^2 + x[3]^2 >= x[1]*x[2] + x[2]*x[3] + x[1]*x[3]", "3-1", {}, "opaque"),
    ("q*(1 - q) <= 1/4", "1-1", {}, "opaque"),
    ("J_D is invariant under w[1] -> w[2], w[2] -> w[1]", "2-1, no biases", {"data": "point(1, y)"}, "named"),
    ("J_D = 54", "2-2-1 relu, no biases", {"data": "point((1, -1), 8)", "q": "1/2", "assume": "weights = 1"}, "named"),
    ("max(x[1], x[2]) + min(x[1], x[2]) = x[1] + x[2]", "2-1", {}, "opaque"),
    ("K*y^2 >= y^2", "K-1", {}, "opaque"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "arch", "options", "view"), REPLAYED)
def test_true_proofs_are_replayed(text, arch, options, view):
    claim, setting = read(text, arch, **options)
    proof = replayable_proof(claim, setting)
    assert proof is not None
    assert proof.view == view
    verify(claim, setting, proof)


FALSE = [
    ("penalty = q*Sum(w[i]^2*x[i]^2, i=1..K)", "K-1, no biases", {}),
    ("Var[D] >= J_D", "K-n-1 relu, biases", {}),
    ("E[D] >= W(x)", "K-n-1 relu, biases", {}),  # weights of any sign
    ("E[D] >= W(x) if w >= 0", "K-n-n-1 relu, biases", {}),  # the second layer's too
    ("E[D] >= W(x) if w >= 0", "K-n-1 leaky_relu(3/2), no biases", {}),  # a concave activation
    ("E[D] = W(x) if W >= 0, w >= 0", "K-n-1 relu, no biases", {}),  # inputs of any sign
    ("E[D] = W(x) if W >= 0, w >= 0, x >= 0", "K-n-1 relu, hidden biases", {}),  # biases of any sign
    ("E[D] = W(x)", "K-n-1 relu, no biases", {"q": "q, 0"}),  # the first layer's masks
    ("penalty >= 0", "2-1-1 relu, no biases", {}),
    ("Var[D] > 0", "K-1, no biases", {}),  # at q = 0, at w = 0
    ("Var[D] > 0 if w != 0, x != 0", "K-1, no biases", {}),
    ("(q - 1/3)^2 > 0", "2-1", {}),
    ("x[1]^2 + x[2]^2 >= 3*x[1]*x[2]", "2-1", {}),
    ("relu(x[1]) = x[1]/2", "1-1", {}),
    ("Sum(w[i]*x[i], i=1..K) >= 0", "K-1", {}),
    ("(K - 2)*y^2 >= 0", "K-1", {}),
    ("J_D is invariant under w[1] -> K*w[1]", "2-1, no biases", {}),
    ("Sum(Sum(w[i], i=1..K)*x[i], i=1..K) = Sum(w[i]*x[i], i=1..K)", "K-1", {}),
]


@pytest.mark.parametrize(("text", "arch", "options"), FALSE)
def test_false_claims_have_no_replayable_proof(text, arch, options):
    assert replayable_proof(*read(text, arch, **options)) is None


def poly(**powers):
    result = ONE
    for name, power in powers.items():
        for _ in range(power):
            result = times(result, gen(name))
    return result


SQUARE = plus(plus(poly(x=2), scaled(times(X, Y), F(-2))), poly(y=2))  # (x - y)^2
TERMS = Certificate("terms")
GOOD = {
    "terms": (plus(poly(x=2), X), TERMS, Signs({"x"})),
    "product": (SQUARE, Certificate("product", ((plus(X, scaled(Y, F(-1))), 2),)), NONE),
    "quadratic": (SQUARE, Certificate("quadratic", variable="x", parts=(TERMS, TERMS, TERMS)), NONE),
    "line": (plus(poly(x=2), ONE), Certificate("line", ((plus(poly(x=2), ONE), 1), (ONE, 1))), NONE),
    "line, half": (plus(poly(x=3), X), Certificate("line", ((plus(poly(x=3), X), 1), (ONE, 1))), Signs({"x"})),
    "shift": (plus(gen("K"), constant(-1)), Certificate("shift", parts=(TERMS,)), SIZE),
    "strict": (plus(poly(x=2), ONE), Certificate("strict", ((ONE, 1),), parts=(TERMS,)), NONE),
}
BAD = {
    "a negative coefficient": (scaled(poly(x=2), F(-1)), TERMS, NONE),
    "an odd power of any sign": (X, TERMS, NONE),
    "factors of another polynomial": (SQUARE, Certificate("product", ((plus(X, Y), 2),)), NONE),
    "an odd factor of any sign": (poly(x=3), Certificate("product", ((X, 3),), parts=(TERMS,)), NONE),
    "a discriminant of the wrong sign": (
        plus(plus(poly(x=2), scaled(times(X, Y), F(3))), poly(y=2)),
        Certificate("quadratic", variable="x", parts=(TERMS, TERMS, TERMS)), NONE),
    "a leading coefficient of the wrong sign": (
        plus(scaled(poly(x=2), F(-1)), ONE), Certificate("quadratic", variable="x", parts=(TERMS, TERMS, TERMS)), NONE),
    "a cubic as a quadratic": (
        plus(poly(x=3), ONE), Certificate("quadratic", variable="x", parts=(TERMS, TERMS, TERMS)), BOTH),
    "a root inside": (
        plus(poly(x=2), constant(-1)), Certificate("line", ((plus(poly(x=2), constant(-1)), 1), (ONE, 1))),
        Signs({"x"})),
    "a root at the left": (plus(X, ONE), Certificate("line", ((plus(X, ONE), 1), (ONE, 1))), NONE),
    "negative everywhere": (
        plus(scaled(poly(x=2), F(-1)), constant(-1)),
        Certificate("line", ((plus(scaled(poly(x=2), F(-1)), constant(-1)), 1), (ONE, 1))), NONE),
    "another polynomial on the line": (plus(poly(x=2), constant(-1)), Certificate("line", ((ONE, 1), (X, 1))), NONE),
    "two variables on the line": (SQUARE, Certificate("line", ((SQUARE, 1), (ONE, 1))), NONE),
    "a shift too far": (plus(gen("K"), constant(-2)), Certificate("shift", parts=(TERMS,)), SIZE),
    "a term that may be 0": (poly(x=2), Certificate("strict", ((poly(x=2), 1),), parts=(TERMS,)), NONE),
    "a term of any sign": (X, Certificate("strict", ((X, 1),), parts=(TERMS,)), Signs(set(), {"x"})),
    "two terms at once": (
        plus(ONE, X), Certificate("strict", ((plus(ONE, X), 1),), parts=(TERMS,)), Signs({"x"}, {"x"})),
    "a rest that is negative": (
        plus(ONE, scaled(poly(x=2), F(-1))), Certificate("strict", ((ONE, 1),), parts=(TERMS,)), NONE),
    "K - 1 as never 0": (
        gen("K"), Certificate("shift", parts=(Certificate("strict", ((gen("K"), 1),), parts=(TERMS,)),)),
        SIZE),
}  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_each_rule_holds(name):
    verifier.holds(*GOOD[name], "positive" if name == "strict" else "nonnegative")


@pytest.mark.parametrize("name", BAD)
def test_each_rule_refuses_a_violated_side_condition(name):
    with pytest.raises(NotReplayed):
        verifier.holds(*BAD[name], "positive" if BAD[name][1].rule == "strict" or "K - 1" in name else "nonnegative")


def test_a_proof_of_another_claim_or_kind_is_refused():
    claim, setting = read("x[1]^2 + 1 > 0", "1-1")
    proof = replayable_proof(claim, setting)
    assert proof is not None
    other, around = read("x[1]^2 > 0", "1-1")
    for wrong, of, where in [
        (proof, other, around),
        (replace(proof, certificates=()), claim, setting),
        (replace(proof, certificates=(None,)), claim, setting),
        (replace(proof, certificates=(TERMS,)), claim, setting),
        (replace(proof, view="written"), *read("E[D] = W(x)", "K-n-1 relu")),
        (Proof("named", (("K", 2), ("d", 1)), (Certificate("zero"),)), *read("x[1] = x[1]", "1-1")),
        (Proof("named", (("K", 1), ("d", 1)), (Certificate("zero"),)), *read("K = 1", "K-1")),
    ]:
        with pytest.raises(NotReplayed):
            verify(of, where, wrong)


ARCHES = ["2-1, biases", "1-2-1 relu, biases", "2-1-1 leaky_relu(1/3), output bias", "1-1-1-1 relu, no biases"]


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("arch", ARCHES)
def test_its_quantities_are_those_of_the_definition(arch, half):
    """The polynomial of quantity − z, put at random points, is the double loop's value minus z."""
    rng = random.Random(arch)
    for name in ("J_D", "R", "penalty", "E[D]", "Var[D]", "E[D^2]", "W(x)"):
        claim, setting = read(f"{name} = z", arch, "half(x, y)" if half else None)
        (needed,) = obligations(claim, setting, "named", next(setting.sizes()))
        architecture = setting.architecture({})
        for _ in range(3):
            free = {k: F(rng.randrange(-3, 4), 2) for k in free_keys(claim, setting, architecture, {})} | {
                ("q", ()): F(1, 3)
            }
            scope = scope_of(claim, setting, architecture, next(setting.sizes()), Naive(), free)
            z = scope.evaluate(claim.statement.sides[0])
            values = {
                key_text(k).replace("][", ", ").replace(",", ", ").replace(",  ", ", "): v for k, v in free.items()
            }
            assert value_at(needed.polynomial, values | {"z": z, "t'": F(1, 2)}) == 0


def value_at(polynomial, values):
    total = F(0)
    for monomial, coefficient in polynomial.items():
        total += coefficient * math.prod(atom(name, values) ** power for name, power in monomial)
    return total


def atom(name, values):
    """relu(1/2*x^1*y^2+…) by its name, or a symbol."""
    if not name.startswith("relu("):
        return values[name]
    terms, depth, start = [], 0, 5
    for at in range(5, len(name)):
        depth += (name[at] == "(") - (name[at] == ")")
        if (name[at] == "+" and depth == 0) or at == len(name) - 1:
            terms.append(name[start:at])
            start = at + 1
    total = F(0)
    for term in terms:
        number, _, rest = term.partition("*")
        value = F(number)
        depth, start = 0, 0
        for at in range(len(rest) + 1):
            if at == len(rest) or (rest[at] == "*" and depth == 0):
                if rest[start:at]:
                    symbol, _, power = rest[start:at].rpartition("^")
                    value *= atom(symbol, values) ** int(power)
                start = at + 1
            else:
                depth += (rest[at] == "(") - (rest[at] == ")")
        total += value
    return max(total, F(0))


def test_it_shares_no_algebra_with_the_search():
    modules = sorted(Path(verifier.__file__).parent.glob("*.py"))
    assert len(modules) == 12  # eleven, and what says what the folder is
    for module in modules:
        source = module.read_text("utf-8")
        imported = {
            n.module for n in ast.walk(ast.parse(source)) if isinstance(n, ast.ImportFrom) and n.module is not None
        } | {a.name for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Import) for a in n.names}
        allowed = {
            "__future__", "collections.abc", "contextlib", "contextvars", "dataclasses", "fractions", "itertools",
            "math", "typing",
            "exactdropout.claims.language.syntax", "exactdropout.claims.setting.setting",
        } | {f"exactdropout.claims.verifier.{module.stem}" for module in modules}  # fmt: skip
        assert imported <= allowed


def test_a_verdict_says_what_stands_behind_it():
    assert check("J_D >= Var[D]", "K-n-1 relu").evidence == "replayed"
    one = check("penalty >= 0 if w >= 0, y <= 0", "K-1-1 relu, no biases")
    assert (one.status, one.evidence) == ("proved", "replayed")
    assert "evidence: replayed" in str(one)
    assert check("J_D = R", "1-1").evidence == ""
