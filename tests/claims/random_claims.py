"""Random claims without end: wild ones, true ones in disguise, and such with one change, each in a random setting.

A true one starts from a fact of the theory (its list is below, decided by hand) and is rewritten by steps that keep it
true: definitions put in, products written out, sums renamed or joined, terms added on both sides, positive factors,
relu, max and squares in other words. A near one is a true one with a node, a relation, the shape, the rates or an
assumption changed; most are false, and those that stay true may be proved.
"""

import random
from dataclasses import dataclass, replace
from fractions import Fraction as F

from exactdropout.claims import parse_claim
from exactdropout.claims.language.syntax import (
    QUANTITIES,
    Add,
    Call,
    Comparison,
    Derivative,
    Divide,
    Invariance,
    Limit,
    Minimiser,
    Monotonicity,
    Multiply,
    Name,
    Negate,
    Number,
    Power,
    Quantity,
    Repeated,
    rebuilt,
    walk,
)

LINEAR_MODEL = ("K-1, no biases", "K-1", "2-1, no biases", "1-1", "3-1, no biases")
LINEAR = ("K-n-1 linear, no biases", "K-n-1 linear, biases", "2-2-1 linear, biases", "K-n-n-1 linear, no biases")
DEEP_LINEAR = ("K-n^(d-1)-1 linear, no biases", "K-n^(d-1)-1 linear, biases", "K-2^(d-1)-1 linear, output bias")
RELU = ("K-n-1 relu, no biases", "K-n-1 relu", "1-1-1 relu, no biases", "2-1-1 relu, no biases",
        "1-2-1 relu, output bias", "K-n-n-1 relu, no biases", "2-2-1 relu, hidden biases", "K-1-1 relu, no biases",
        "1-1-1 leaky_relu(1/3), no biases", "K-n-1 leaky_relu(1/10), biases", "1-1-1-1 relu, no biases")  # fmt: skip
DEEP_RELU = ("2-2^(d-1)-1 relu", "K-n^(d-1)-1 relu, no biases", "K-n^(d-1)-1 relu, biases", "3-2^(d-1)-1 relu, biases")
SMALL = ("2-2-1 linear, biases", "1-1-1 relu, no biases", "2-1-1 relu, no biases")
SHAPES = LINEAR_MODEL + LINEAR + DEEP_LINEAR + RELU + DEEP_RELU

TEXTS = {"J_D": "criterion", "R": "risk", "E[D]": "mean", "Var[D]": "variance", "E[D^2]": "second_moment"}
ATOMS = ("y", "y^2", "q", "p", "q/p", "1", "2", "c", "c^2", "1/p", "q^2", "q*p", "1 - q/2", "c*y", "3/4", "c + 1")
OF_INPUTS = ("Sum(x[i]^2, i=1..K)", "Sum(x[i], i=1..K)^2", "Sum(Sum(x[i]^2*x[k]^2, k=1..K), i=1..K)", "x[1]",
             "Sum(x[i]^4, i=1..K)", "x[1]*y", "w[1]^2", "Sum(w[i]^2, i=1..K)", "Sum(w[i], i=1..K)^2", "K", "1/K",
             "Sum(w[i]^2*x[i]^2, i=1..K)", "Sum(Sum(Sum(x[i]*x[k]*x[l], l=1..K), k=1..K), i=1..K)", "(K-1)*q/p",
             "q/(p*K)", "q^K", "p^(K-1)", "W(x)^2/p", "Prod(1 + x[i]^2, i=1..K)", "Sum(i*x[i], i=1..K)")  # fmt: skip
OF_UNITS = ("Sum(w[j]^2, j=1..n)", "Sum(Sum(W[1][j,i]^2*x[i]^2, i=1..K), j=1..n)", "n", "1/n", "W[1][1,1]",
            "Sum(w[j]^2*Sum(W[1][j,i]*x[i], i=1..K)^2, j=1..n)", "q^n", "relu(w[1])", "K*n", "relu(W[1][1,1]*x[1])",
            "Sum(Sum(Sum(W[1][j,i]^2*x[i]^2*w[k]^2, i=1..K), j=1..n), k=1..n)", "(1 + q/p)^(n-1)")  # fmt: skip
OF_DEPTH = ("p^(d-1)", "p^(1-d)", "(1 + q/p)^(d-1)", "d", "q^d", "K^d", "(1 + q/(p*n))^(d-1)", "n^(d-1)", "c^(2*d)")
BENT = ("max(y, 0)", "min(W(x), y)", "relu(W(x))", "abs(E[D])", "relu(E[D] - y)", "max(penalty, 0)", "relu(Var[D] - 1)",
        "min(J_D, R)", "max(E[D], W(x))", "abs(penalty)", "relu(y)*relu(-y)")  # fmt: skip
ASSUME = (
    "w >= 0", "w >= 0, W >= 0, x >= 0", "y <= 0", "c > 0", "q > 0", "x = 1", "w = 0", "y = c", "w <= 0", "q <= 1/2",
    "x[1] >= 0", "w[1] = 1", "R = 0", "y = 2*c", "K >= 2", "w >= 0, y <= 0", "w[1]*y <= 0", "weights = c", "x <= 0",
    "weights = c, c >= 0", "w != 0, x != 0", "E[D] = W(x)", "q <= 1/3", "y = 0", "n >= 2", "w > 0, x > 0, W > 0",
    "biases >= 0, weights >= 0, x >= 0", "b >= 0", "q = 0", "W[1,1] >= 0", "c >= 1, c <= 1", "c >= 1", "W >= 0",
    "W(x) = y", "c = 1/2", "w >= 0, W >= 0", "penalty <= 0", "J_D <= 1", "w <= 0, W >= 0", "y >= 0, c >= y",
    "weights >= 0, c > 0, q > 0", "x != 0", "W(x) >= y", "R = 0, q > 0", "c > 0, y > 0", "Var[D] = 0",
)  # fmt: skip
STRANGE = ("c > 0, c < 0", "x[3] >= 0", "q > 2", "w > 0, w[1] < 0", "y > 1, y < 0", "c >= 2, c <= 1", "b = 1", "n = 1")
DATA = ("point(1, y)", "half(x, y)", "design(X, y)", "design(X, y, 2)", "point(x, 2)", "half(1, 1)", "point(1, c)")
MAPS = ("w -> {f}*w", "w -> -w, y -> -y", "W[1] -> {f}*W[1], w -> w/{f}", "x -> {f}*x, W[1] -> W[1]/{f}", "y -> -y",
        "w -> {f}*w, y -> {f}*y", "W[1] -> {f}*W[1], b[1] -> {f}*b[1], w -> w/{f}", "w[1] -> w[2], w[2] -> w[1]",
        "x[1] -> {f}*x[1], w[1] -> w[1]/{f}", "w[1] -> {f}*w[1]", "W[1,1] -> {f}*W[1,1]", "x -> -x",
        "w -> w/c, x -> c*x",
        "x[1] -> x[2], x[2] -> x[1]", "b -> {f}*b, w -> {f}*w", "b -> -b, y -> -y, w -> -w", "x -> {f}*x")  # fmt: skip
FACTORS = ("2", "-1", "c", "(-2)", "c^2", "K", "n", "1/2", "d", "(1 + c^2)", "(K + 1)", "p")
MOVED = ("q", "q", "y", "w[1]", "x[1]", "p", "c", "W[1,1]", "b")
LIMITS = ("q -> 0", "q -> 0", "q -> 1", "y -> infty", "y -> 0", "c -> infty", "w[1] -> 0", "q -> 1/2", "c -> 1",
          "q -> 0^+", "K -> infty", "n -> infty", "d -> infty")  # fmt: skip
VALUES = ("0", "y", "p*y", "1", "y/K", "p*y/(1 + (K-1)*p)", "c", "p*y/x[1]")

# facts by the shapes they hold for: the first column names groups of shapes, or one shape; then the claim, then data
FACTS = [
    (SHAPES, text, None)
    for text in (
        "J_D = Var[D] + (E[D] - y)^2", "R = (W(x) - y)^2", "penalty = J_D - R", "E[D^2] = Var[D] + E[D]^2",
        "J_D = E[D^2] - 2*y*E[D] + y^2", "J_D >= Var[D]", "Var[D] >= 0", "J_D >= (E[D] - y)^2", "R >= 0", "J_D >= 0",
        "E[D^2] >= E[D]^2", "q*p <= 1/4", "penalty >= -R", "R is constant in q", "J_D is convex in y",
        "W(x) is constant in q", "J_D is invariant under w -> -w, y -> -y, b -> -b", "y^2 + c^2 >= 2*c*y", "q < 1",
        "W(x) is constant in y", "Var[D] is constant in y", "relu(y) + relu(-y) = abs(y)", "max(y, c) >= y",
        "relu(y + c) <= relu(y) + relu(c)", "p is decreasing in q", "q/p is increasing in q", "1/p is convex in q",
        "J_D + Var[D] >= 0", "(1 + q)^3 >= 1 + 3*q", "E[D^2] + y^2 >= 2*y*E[D]", "max(J_D, R) = R + relu(penalty)",
        "J_D = 0 if Var[D] = 0, E[D] = y", "J_D >= Var[D] if R = 0", "penalty = J_D if R = 0", "W(x) = y if R = 0",
        "diff(q/p, q) = 1/p^2", "diff(p*q, q) = 1 - 2*q", "lim(p/(1 + q), q -> 1) = 0", "diff(c^2*y, c) <= c^2 + y^2",
        "y^2/p >= y^2", "relu(W(x))^2 = W(x)*relu(W(x))", "penalty = 0 if q = 0", "E[D] = W(x) if q = 0",
    )
] + [
    (LINEAR_MODEL + SMALL, text, None)
    for text in (
        "diff(J_D, y) = 2*y - 2*E[D]", "diff(R, y) = 2*(y - W(x))", "diff(diff(J_D, y), y) = 2", "lim(J_D, q -> 0) = R",
        "diff(R, q) = 0", "diff(penalty, y) = 2*(W(x) - E[D])", "diff(Var[D], y) = 0", "lim(Var[D], q -> 0) = 0",
        "lim(J_D/(1 + y^2), y -> infty) = 1", "lim(E[D], q -> 0) = W(x)", "diff(diff(penalty, y), y) = 0",
        "diff(J_D, q) = diff(penalty, q)", "lim(penalty, q -> 0) = 0",
    )
] + [
    (LINEAR_MODEL, text, None)
    for text in (
        "penalty = q/p*Sum(w[i]^2*x[i]^2, i=1..K)", "Var[D] = q/p*Sum(w[i]^2*x[i]^2, i=1..K)",
        "penalty is convex in q", "diff(penalty, w[1]) = 2*q/p*w[1]*x[1]^2", "diff(J_D, q) >= 0",
        "diff(J_D, q) = Sum(w[i]^2*x[i]^2, i=1..K)/p^2", "diff(diff(J_D, w[1]), w[1]) = 2*x[1]^2/p",
        "diff(penalty, x[1]) = 2*q/p*w[1]^2*x[1]", "lim(p*J_D, q -> 1) = Sum(w[i]^2*x[i]^2, i=1..K)",
        "diff(R, w[1]) = 2*(W(x) - y)*x[1]", "diff(J_D, w[1]) = 2*(W(x) - y)*x[1] + 2*q/p*w[1]*x[1]^2",
        "diff(Var[D], p) = -Sum(w[i]^2*x[i]^2, i=1..K)/p^2", "diff(diff(J_D, w[1]), q) = 2*w[1]*x[1]^2/p^2",
        "lim(penalty/q, q -> 0) = Sum(w[i]^2*x[i]^2, i=1..K)", "diff(W(x), w[1]) = x[1]",
        "E[D^2] = W(x)^2 + q/p*Sum(w[i]^2*x[i]^2, i=1..K)", "K*Sum(w[i]^2*x[i]^2, i=1..K) >= Sum(w[i]*x[i], i=1..K)^2",
        "Sum(Sum(w[i]*x[k], i=1..K), k=1..K) = Sum(w[i], i=1..K)*Sum(x[i], i=1..K)",
        "penalty is invariant under w -> -w",
        "Sum(w[i], i=1..K)^2 = Sum(Sum(w[i]*w[k], i=1..K), k=1..K)",
        "J_D is invariant under x -> c*x, w -> w/c if c > 0",
        "K*Sum(x[i]^4, i=1..K) >= Sum(x[i]^2, i=1..K)^2", "J_D is invariant under x -> -x, w -> -w",
        "Sum(w[i]^2*x[i]^2, i=1..K) >= 0", "J_D >= R + q*Sum(w[i]^2*x[i]^2, i=1..K)",
        "Sum((w[i] - x[i])^2, i=1..K) = Sum(w[i]^2, i=1..K) - 2*Sum(w[i]*x[i], i=1..K) + Sum(x[i]^2, i=1..K)",
    )
] + [
    (LINEAR_MODEL + LINEAR + DEEP_LINEAR, text, None)
    for text in (
        "E[D] = W(x)", "penalty = Var[D]", "J_D >= R", "penalty is nondecreasing in q", "Var[D] is nondecreasing in q",
        "J_D = R + Var[D]", "E[D] is constant in q", "J_D is nondecreasing in q", "w = 0 is a minimiser of Var[D]",
        "E[D^2] >= W(x)^2", "max(penalty, 0) = penalty", "Var[D] = 0 if q = 0", "R <= J_D", "E[D^2] >= E[D]*W(x)",
        "J_D = Var[D] if R = 0", "J_D*p^2 <= J_D", "diff(E[D], q) = 0",
    )
] + [
    (("K-n-1 linear, no biases",), "penalty = q/p*Sum(w[j]^2*Sum(W[1][j,i]*x[i], i=1..K)^2, j=1..n)", "0, q"),
    (("K-n-1 linear, no biases", "K-n-1 relu, no biases"), "J_D = R + Var[D]", "0, q"),
    (("K-n-1 relu, no biases", "K-n-1 relu"), "E[D] = W(x)", "0, q"),
    (("K-n-1 relu, no biases",), "Var[D] = q/p*Sum(w[j]^2*relu(Sum(W[1][j,i]*x[i], i=1..K))^2, j=1..n)", "0, q"),
    (("2-1-1 relu, no biases", "K-n-1 relu, no biases"),
     "J_D is invariant under W[1] -> c*W[1], w -> w/c if c > 0", None),
    (("K-n-1 relu", "K-n-1 relu, no biases"), "E[D] >= W(x) if w >= 0", None),
    (("K-n-1 relu", "K-n-1 relu, no biases"), "E[D] <= W(x) if w <= 0", None),
    (("K-n-1 relu, no biases",), "w = 0 is a minimiser of J_D if y >= 0, w <= 0", None),
    (("K-n-1 relu, no biases",), "E[D] = W(x) if W >= 0, w >= 0, x >= 0", None),
    (("K-n^(d-1)-1 relu, no biases",),
     "Var[D] = W(x)^2*((1 + q/(p*K))*(1 + q/(p*n))^(d-1) - 1) if weights = c, c >= 0, x = 1", None),
    (("K-n^(d-1)-1 relu, no biases",), "Var[D] >= (d-1)*q/(p*n)*W(x)^2 if weights = c, c >= 0, x = 1", None),
    (DEEP_LINEAR, "(1 + q/p)^(d-1) >= 1", None),
    (DEEP_LINEAR + DEEP_RELU, "1 - p^d <= d*q", None),
    (("K-n^(d-1)-1 relu, biases",), "J_D >= q^n*(b - y)^2 if K = n", None),
    (("1-1-1 relu, no biases",), "E[D] = p*w[1]*relu(W[1][1,1]*x[1]/p)", None),
    (("2-1-1 relu, no biases",),
     "E[D] = w[1]*(p*relu(W[1][1,1]*x[1] + W[1][1,2]*x[2]) + q*relu(W[1][1,1]*x[1]) + q*relu(W[1][1,2]*x[2]))", None),
    (("K-1-1 relu, no biases",), "J_D >= R if w[1]*y <= 0", None),
    (("1-2-1 relu, output bias",), "J_D >= q^2*(b - y)^2", None),
    (("1-2-1 relu, output bias",), "Var[D] is constant in b", None),
]  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A claim with its surroundings; ``kind`` says how it was made."""

    kind: str
    text: str
    shape: str
    data: str | None
    q: str | None
    assume: str | None


def case(rng):
    """Return a random case: a third each wild, true in disguise, and nearly true."""
    kind = rng.choice(("wild", "true", "near"))
    return wild(rng) if kind == "wild" else disguised(rng, change=kind == "near")


def layers(shape):
    """Return how many layers can be dropped: None where the depth is a symbol."""
    return None if "d-1" in shape else shape.split(",")[0].split(" ")[0].count("-")


def rates(rng, shape):
    """Return rates that fit a shape, and seldom ones that do not."""
    depth = layers(shape)
    if rng.random() < 0.6 or depth is None:
        return rng.choice((None, None, None, "1/2", "0", "1/3"))
    if rng.random() < 0.03:
        return "q, 0, q, 0"
    return ", ".join(rng.choice(("q", "q", "0", "1/2")) for _ in range(depth))


def surroundings(rng, shape, text):
    """Return data and an assumption, mostly of what exists."""
    data = rng.choice(DATA) if rng.random() < 0.25 else None
    if data is not None and "X" in data and any(part in text for part in ("x[", "W(x)", "x ->", "c*x")):
        data = None
    assume = rng.choice(STRANGE) if rng.random() < 0.03 else rng.choice(ASSUME) if rng.random() < 0.6 else None
    if assume is not None and rng.random() < 0.95:
        given = data is not None and (("x" in assume and "(x" not in data) or ("y" in assume and ", y" not in data))
        inner, biased = layers(shape) != 1, "no biases" not in shape
        missing = ("W" in assume and not inner) or ("n" in assume.split() and not inner) or given
        missing |= ("b" in assume or "biases" in assume) and not (
            biased or assume == "biases >= 0, weights >= 0, x >= 0"
        )
        assume = None if missing or ("biases" in assume and not biased) else assume
    return data, assume


def expression(rng, shape, depth=2):
    """Return a random expression: quantities, sums, powers with symbolic exponents, relu and max of them."""
    if depth == 0 or rng.random() < 0.3:
        pool = [tuple(TEXTS), ATOMS, OF_INPUTS, BENT, ("penalty", "W(x)")]
        pool += [OF_UNITS] if layers(shape) == 2 else []
        pool += [OF_DEPTH] if "d-1" in shape else []
        found = rng.choice(rng.choice(pool))
        return moved(found, rng) if rng.random() < 0.12 else found
    kind = rng.randrange(9)
    a, b = expression(rng, shape, depth - 1), expression(rng, shape, depth - 1)
    return (f"{a} + {b}", f"({a}) - ({b})", f"({a})*({b})", f"({a})^2", f"relu({a})", f"max({a}, {b})", f"abs({a})",
            f"2*({a})", f"({a})/(1 + ({b})^2)")[kind]  # fmt: skip


def moved(text, rng):
    """Return a derivative or a limit of an expression."""
    if rng.random() < 0.4:
        return f"lim({text}, {rng.choice(LIMITS)})"
    found = f"diff({text}, {rng.choice(MOVED)})"
    return f"diff({found}, {rng.choice(MOVED[:6])})" if rng.random() < 0.2 else found


def wild(rng):
    """Return a claim of random parts, most of them false."""
    shape, kind = rng.choice(SHAPES), rng.random()
    a = expression(rng, shape)
    if kind < 0.5:
        text = f"{a} {rng.choice(('=', '<=', '>=', '>=', '<=', '<', '!='))} {expression(rng, shape)}"
    elif kind < 0.78:
        direction = rng.choice(("nondecreasing", "nonincreasing", "constant", "increasing", "convex", "concave"))
        names = ["q", "q", "p", "y", "c", "x[1]", "w[1]"] + ["b"] * ("no biases" not in shape) + ["K"] * ("K" in shape)
        names += ["n"] * ("n" in shape.split(" ")[0]) + ["d"] * ("d-1" in shape)
        text = f"{a} is {direction} in {rng.choice(names)}"
    elif kind < 0.93:
        what = a if rng.random() < 0.3 else rng.choice((*TEXTS, "penalty", "W(x)"))
        text = f"{what} is invariant under {rng.choice(MAPS).format(f=rng.choice(FACTORS))}"
    else:
        weight = rng.choice(("w", "w[1]", "w = 0, W[1]", "w = 0, b", "w[1] = 0, w[2]", "b", "W[1]", "W[1,1]"))
        text = f"{weight} = {rng.choice(VALUES)} is a minimiser of {rng.choice((*TEXTS, 'penalty'))}"
    data, assume = surroundings(rng, shape, text)
    return Case("wild", text, shape, data, rates(rng, shape), assume)


def disguised(rng, *, change):
    """Return a fact after random rewriting, with one change if asked."""
    shapes, text, q = rng.choice(FACTS)
    shape = rng.choice(shapes)
    if layers(shape) == 1 and ("W[1]" in text or "W >= 0" in text):
        shape = "K-n-1 relu, no biases"
    text = text.replace(", b -> -b", "") if "no biases" in shape or "hidden biases" in shape else text
    claim = parse_claim(text)
    for _ in range(rng.randrange(1, 6)):
        claim = rewritten(claim, rng, shape)
    q = q if q is not None else rates(rng, shape) if "q" not in text or rng.random() < 0.1 else None
    data, assume = (None, None) if rng.random() < 0.6 else surroundings(rng, shape, str(claim))
    if data is None and rng.random() < 0.1:
        data = "half(x, y)"
    if "if" in text and (assume is not None and rng.random() < 0.7):
        assume = None
    if change:
        kind = rng.randrange(10)
        if kind == 0 and claim.assumptions:
            claim = replace(claim, assumptions=claim.assumptions[1:])
        elif kind == 1:
            shape = rng.choice([other for other in SHAPES if layers(other) == layers(shape)])
        elif kind == 2:
            q = rates(rng, shape)
        else:
            claim = damaged(claim, rng)
    return Case("near" if change else "true", str(claim), shape, data, q, assume)


def some(rng, shape):
    """Return a random expression without division, as a tree."""
    pool = ["y", "c", "q", "p", "J_D", "E[D]", "W(x)", "y^2", "c^2", "1", "2", "Var[D]", "c*y", "R"]
    pool += ["Sum(x[i]^2, i=1..K)", "Sum(w[i], i=1..K)"] if layers(shape) == 1 else []
    pool += ["(1 + q/p)^(d-1)", "d"] if "d-1" in shape else []
    return parse_claim(f"{rng.choice(pool)} = 0").statement.sides[0]


def plus(*terms):
    return Add(terms)


def rewritten(claim, rng, shape):
    """Return a claim that says the same: one side, or one node, is written differently."""
    statement = claim.statement
    if isinstance(statement, Comparison) and len(statement.sides) == 2 and rng.random() < 0.45:
        return replace(claim, statement=_both_sides(statement, rng, shape))
    nodes = [n for n in walk(_expressions(statement)) if not isinstance(n, Comparison)]
    node = rng.choice(nodes)
    new = same(node, rng, shape)
    if new is node or _bound(statement, node):
        return claim

    def put(n):
        return new if n is node else n

    if isinstance(statement, Comparison):
        return replace(claim, statement=Comparison(rebuilt(statement.sides, put), statement.relations))
    return replace(claim, statement=replace(statement, expression=rebuilt(statement.expression, put)))


def _expressions(statement):
    return statement.sides if isinstance(statement, Comparison) else (statement.expression,)


def _bound(statement, node):
    """Return whether a node stands inside an index, a range or an exponent, where only numbers and sizes may stand."""
    for other in walk(_expressions(statement)):
        inside = ()
        match other:
            case Name(_, indices):
                inside = indices
            case Power(_, exponent):
                inside = (exponent,)
            case Repeated(_, _, first, last, _):
                inside = (first, last)
            case Derivative():
                inside = (other.variable,)
            case Limit():
                inside = (other.variable, other.target)
        if any(node is n for n in walk(tuple(inside))):
            return True
    return False


def _both_sides(statement, rng, shape):
    (left, right), (relation,) = statement.sides, statement.relations
    kind, t = rng.randrange(6), some(rng, shape)
    turned = {"<=": ">=", ">=": "<=", "<": ">", ">": "<"}.get(relation, relation)
    match kind:
        case 0:
            return Comparison((right, left), (turned,))
        case 1:
            return Comparison((plus(left, t), plus(right, t)), (relation,))
        case 2:
            return Comparison((plus(left, Negate(right)), Number(F(0))), (relation,))
        case 3:
            factor = rng.choice((Name("p"), Number(F(3, 2)), plus(Number(F(1)), Power(t, Number(F(2))))))
            return Comparison((Multiply((factor, left)), Multiply((right, factor))), (relation,))
        case 4 if relation in (">=", ">"):
            return Comparison((plus(left, Power(t, Number(F(2)))), right), (relation,))
        case 5 if relation in ("=", ">=", "<=", ">", "<"):
            return Comparison((Negate(left), Negate(right)), (turned,))
    return statement


def same(node, rng, shape):
    """Return a node in other words."""
    two, t = Number(F(2)), some(rng, shape)
    e, s, v, j, r = (Quantity(n) for n in ("mean", "second_moment", "variance", "criterion", "risk"))
    y = Name("y")
    match node:
        case Quantity("criterion"):
            return rng.choice((plus(r, Quantity("penalty")), plus(v, Power(plus(e, Negate(y)), two))))
        case Quantity("penalty"):
            return plus(j, Negate(r))
        case Quantity("variance"):
            return plus(s, Negate(Power(e, two)))
        case Quantity("second_moment"):
            return plus(v, Multiply((e, e)))
        case Name("q", ()):
            return plus(Number(F(1)), Negate(Name("p")))
        case Name("p", ()):
            return plus(Number(F(1)), Negate(Name("q")))
        case Multiply((a, Add(terms))) | Multiply((Add(terms), a)):
            return Add(tuple(Multiply((a, term)) for term in terms))
        case Power(Add((a, b)), Number(value)) if value == 2:
            return plus(Power(a, two), Multiply((two, a, b)), Power(b, two))
        case Power(base, Number(value)) if value == 2:
            return rng.choice((Multiply((base, base)), Power(Negate(base), two), Power(Call("abs", (base,)), two)))
        case Call("relu", (z,)):
            return rng.choice((Call("max", (z, Number(F(0)))), plus(Call("relu", (Negate(z),)), z)))
        case Call("max", (a, b)):
            return plus(a, Call("relu", (plus(b, Negate(a)),)))
        case Call("abs", (z,)):
            return plus(Call("relu", (z,)), Call("relu", (Negate(z),)))
        case Derivative(Add(terms), _):
            return Add(tuple(replace(node, operand=term) for term in terms))
        case Derivative(operand, _):
            return Derivative(plus(operand, Number(F(rng.randrange(1, 4)))), node.variable)
        case Limit():
            return Multiply((Number(F(1, 2)), replace(node, operand=Multiply((two, node.operand)))))
        case Add(terms) if len(terms) > 1:
            return Add(tuple(rng.sample(terms, len(terms))))
        case Multiply(factors) if not any(isinstance(n, Repeated) for f in factors for n in walk(f)):
            return Multiply(tuple(rng.sample(factors, len(factors))))
        case Repeated("sum", index, first, last, Add(terms)):
            return Add(tuple(Repeated("sum", index, first, last, term) for term in terms))
        case Repeated(kind, index, first, last, body) if not any(n == Name("s") for n in walk(body)):
            renamed = rebuilt(body, lambda n: Name("s") if n == Name(index) else n)
            return Repeated(kind, "s", first, last, renamed)
        case Divide(top, Name("p")):
            return Multiply((top, Divide(Number(F(1)), Name("p"))))
        case Negate(a):
            return Multiply((Number(F(-1)), a)) if rng.random() < 0.5 else node
    if isinstance(node, Name | Quantity | Number) or rng.random() < 0.3:
        return rng.choice((plus(node, t, Negate(t)), plus(Call("relu", (node,)), Negate(Call("relu", (Negate(node),)))),
                           Divide(Multiply((node, Name("p"))), Name("p")), node))  # fmt: skip
    return node


def damaged(claim, rng):
    """Return a claim with one node, relation or direction changed."""
    statement = claim.statement
    if rng.random() < 0.2:
        match statement:
            case Comparison(sides, relations):
                return replace(
                    claim, statement=Comparison(sides, (rng.choice(("=", "<=", ">=", "<", ">")), *relations[1:]))
                )
            case Monotonicity():
                new = rng.choice(("nondecreasing", "nonincreasing", "constant", "increasing", "convex", "concave"))
                return replace(claim, statement=replace(statement, direction=new))
            case Invariance(expression, pairs):
                return replace(claim, statement=Invariance(expression, pairs[:-1] or pairs))
            case Minimiser(pairs, _):
                return replace(
                    claim,
                    statement=replace(statement, expression=Quantity(rng.choice(QUANTITIES[:6])), assignments=pairs),
                )
    at = rng.choice(list(walk(statement)))
    return replace(claim, statement=rebuilt(statement, lambda n: _changed(n, rng) if n is at else n))


def _changed(node, rng):
    match node:
        case Number(value):
            return Number(value + rng.choice((-1, 1)) if value else F(1))
        case Quantity():
            return Quantity(rng.choice(QUANTITIES))
        case Name(name, ()) if name in "qpKnd":
            return Name(rng.choice([n for n in "qpKn" if n != name]))
        case Name(name, indices) if name in "wx" and indices:
            return Name("x" if name == "w" else "w", indices)
        case Add(terms):
            k = rng.randrange(len(terms))
            return rng.choice((Add(terms[:k] + terms[k + 1 :]) if len(terms) > 2 else terms[k], Add((*terms, terms[0])),
                               Add((*terms[:k], Negate(terms[k]), *terms[k + 1 :]))))  # fmt: skip
        case Multiply(factors):
            return rng.choice((Multiply((*factors, factors[0])), Negate(node), factors[0]))
        case Divide(top, bottom):
            return rng.choice((Divide(bottom, top), Multiply((top, bottom))))
        case Negate(a):
            return a
        case Derivative(operand, variable):
            return rng.choice((operand, Derivative(operand, Name(rng.choice("qyp"))), Derivative(node, variable)))
        case Limit():
            return rng.choice((node.operand, replace(node, target=Number(F(rng.choice((0, 1, 2)))))))
        case Power(base, exponent):
            return rng.choice((base, Power(base, plus(exponent, Number(F(1))))))
        case Call(function, arguments):
            other = (
                "abs" if function == "relu" else "relu" if function == "abs" else "min" if function == "max" else "max"
            )
            return Call(other, arguments)
        case Repeated(kind, index, first, last, body):
            return rng.choice((Repeated("product" if kind == "sum" else "sum", index, first, last, body),
                               Repeated(kind, index, first, last, Power(body, Number(F(2)))),
                               Power(node, Number(F(2)))))  # fmt: skip
    return node


def cases(seed):
    """Yield cases without end, the same ones for a seed."""
    rng = random.Random(seed)
    while True:
        yield case(rng)
