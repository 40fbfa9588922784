"""Random claims of which most are nearly true: more facts of the theory, the claims of authors, and finer changes.

A case is drawn by its own seed, so that a campaign can go on where it stopped. Of ten cases five are a true claim in
other words with one or two changes, one is such a claim without a change, two are a claim of ``claims.toml`` (true or
false, as authors write them) in other words, half of them changed, and two are of random parts.
"""

import random
import tomllib
from dataclasses import replace
from fractions import Fraction as F
from pathlib import Path

from exactdropout.claims import parse_claim
from exactdropout.claims.language.syntax import (
    Comparison,
    Multiply,
    Name,
    Negate,
    Number,
    Power,
    Repeated,
    rebuilt,
    walk,
)
from exactdropout.errors import ExactDropoutError

from . import random_claims
from .random_claims import (
    DEEP_LINEAR,
    DEEP_RELU,
    FACTS,
    LINEAR,
    LINEAR_MODEL,
    RELU,
    SHAPES,
    Case,
    damaged,
    layers,
    plus,
    rates,
    rewritten,
    surroundings,
    wild,
)

WIDE = ("K-n-m-1 linear, no biases", "K-n-m-1 relu, no biases", "2-n-1 relu, no biases", "K-2-1 linear, biases")
LEAKY = ("K-n-1 leaky_relu(1/10), biases", "K-n-1 leaky_relu(1/3), no biases", "1-1-1 leaky_relu(1/3), no biases")
TWO_LAYERS = ("K-n-1 linear, no biases", "K-n-1 linear, biases", "2-2-1 linear, biases", "K-2-1 linear, biases")
ONES = "point(1, y)"

MORE = [
    # (shapes, claim, data, rates)
    (LINEAR_MODEL, text, None, None)
    for text in (
        "Sum(w[i]*x[i], i=1..K)^2 <= Sum(w[i]^2, i=1..K)*Sum(x[i]^2, i=1..K)",
        "Var[D] <= q/p*Sum(w[i]^2, i=1..K)*Sum(x[i]^2, i=1..K)", "penalty is nonincreasing in p",
        "penalty*p = q*Sum(w[i]^2*x[i]^2, i=1..K)", "J_D is nonincreasing in p", "J_D is convex in w[1]",
        "R is convex in w[1]", "penalty is convex in w[1]", "E[D^2] is convex in w[1]", "Var[D] is convex in x[1]",
        "J_D is convex in q", "Var[D] is concave in p if q = 0", "E[D] <= abs(W(x))",
        "Var[D] <= q/p*K*Sum(w[i]^2*x[i]^2, i=1..K)",
        "Var[D] >= q*Sum(w[i]^2*x[i]^2, i=1..K)", "K*Var[D] >= q/p*Sum(w[i]*x[i], i=1..K)^2",
        "Sum(w[i]^2*x[i]^2, i=1..K) >= w[1]^2*x[1]^2", "penalty >= q/p*w[1]^2*x[1]^2",
        "Sum(w[i]*x[i], i=1..K)*Sum(x[k], k=1..K) = Sum(Sum(w[i]*x[i]*x[k], i=1..K), k=1..K)",
        "Sum(i, i=1..K) = K*(K+1)/2", "Sum(1, i=1..K) = K", "Sum(2*i - 1, i=1..K) = K^2",
        "Sum(w[i]^2 - w[k]^2, i=1..K) = Sum(w[i]^2, i=1..K) - K*w[k]^2 if K = 1", "q^K <= 1", "p^K > 0", "p^K <= p",
        "(1 + q/p)^K*p^K = 1", "(1 + q/p)^K >= 1 + K*q/p", "p^K >= 1 - K*q", "(1 + 1/K)^K >= 2", "q^K <= q",
        "Var[D] = 0 if w = 0", "Var[D] = 0 if x = 0", "penalty > 0 if q > 0, w > 0, x > 0",
        "J_D > R if q > 0, w != 0, x != 0",
        "penalty = q/p*c^2*K if w = c, x = 1", "J_D = (K*c - y)^2 + q/p*K*c^2 if w = c, x = 1",
        "E[D^2] = K*c^2*(K + q/p) if w = c, x = 1", "W(x)^2*q/(p*K) = Var[D] if w = c, x = 1",
        "min(J_D, R) = R", "max(J_D, Var[D]) = J_D", "abs(penalty) = penalty", "sqrt(y^2) = abs(y)",
        "penalty is invariant under y -> c*y", "Var[D] is invariant under w -> c*w, x -> x/c if c > 0",
        "J_D is invariant under x -> -x, w -> -w", "penalty is invariant under x[1] -> -x[1]",
        "w = 0 is a minimiser of penalty", "w = 0 is a minimiser of J_D if y = 0", "b = y is a minimiser of (b - y)^2",
        "diff(penalty, w[1]) = 0 if x = 0", "diff(J_D, y) = 0 if y = W(x)", "lim(penalty/q, q -> 0) >= 0",
        "diff(penalty, q) >= 0", "diff(diff(penalty, q), q) >= 0",
        "lim(p*penalty, q -> 1) = Sum(w[i]^2*x[i]^2, i=1..K)",
    )
] + [
    (("K-1", "K-1, no biases", "K-n-1 linear, biases", "K-n-1 relu"), text, None, None)
    for text in (
        "1/K is decreasing in K", "q^K is nonincreasing in K", "(1 + q/p)^K is nondecreasing in K", "K^2 >= K",
        "K >= 1",
        "K^2 is increasing in K", "1 + 1/K is nonincreasing in K", "(K-1)/K is nondecreasing in K",
        "K/(K+1) is increasing in K", "p^K is nonincreasing in K", "c^2*K is nondecreasing in K", "2*K^2 >= K + 1",
        "(1 + c)^K >= 1 + K*c if c >= 0", "Sum(i^2, i=1..K) >= K", "Sum(q^i, i=1..K) <= K", "Sum(1/p, i=1..K) >= K",
    )
] + [
    (("K-n^(d-1)-1 relu, no biases", "K-n^(d-1)-1 linear, no biases"), text, ONES, None)
    for text in (
        "Var[D] = W(x)^2*((1 + q/(p*K))*(1 + q/(p*n))^(d-1) - 1) if weights = c, c >= 0",
        "Var[D] >= W(x)^2*q/(p*K) if weights = c, c >= 0", "W(x) = K*n^(d-1)*c^d if weights = c, c >= 0",
        "E[D^2] = W(x)^2*(1 + q/(p*K))*(1 + q/(p*n))^(d-1) if weights = c, c >= 0",
        "Var[D]/W(x)^2 is nonincreasing in K if weights = c, c > 0",
        "Var[D]/W(x)^2 is nonincreasing in n if weights = c, c > 0",
        "Var[D]/W(x)^2 is nondecreasing in d if weights = c, c > 0",
        "W(x) is nondecreasing in n if weights = c, c >= 0",
        "W(x) is increasing in K if weights = c, c > 0", "penalty <= W(x)^2*((1 + q/p)^d - 1) if weights = c, c >= 0",
        "penalty >= 0 if weights = c, c >= 0", "J_D >= R if weights = c, c >= 0",
    )
] + [
    (DEEP_LINEAR + DEEP_RELU, text, None, None)
    for text in (
        "(1 + q/p)^(d-1) >= 1 + (d-1)*q/p", "p^(d-1) >= 1 - (d-1)*q", "(1 + q/p)^(d-1)*p^(d-1) = 1",
        "p^d <= p", "(1 + q/p)^d is nondecreasing in d", "p^(d-1) is nonincreasing in q", "p^d <= 1", "q^d <= q",
        "(1 + q/p)^(d-1) is nondecreasing in q", "p^(1-d) >= 1", "d >= 1", "(1 + c^2)^(d-1) >= 1", "c^(2*d) >= 0",
        "J_D >= Var[D]", "(1 + q)^d >= 1 + d*q", "(1 + y^2)^d > 0", "p^(d-1)*p = p^d", "q*q^(d-1) = q^d",
    )
] + [
    (("K-n-1 linear, no biases",), text, None, "q[1], q[2]")
    for text in (
        "Var[D] = q[2]/p[2]*Sum(w[j]^2*(Sum(W[1][j,i]*x[i], i=1..K)^2"
        " + q[1]/p[1]*Sum(W[1][j,i]^2*x[i]^2, i=1..K)), j=1..n)"
        " + q[1]/p[1]*Sum(x[i]^2*Sum(w[j]*W[1][j,i], j=1..n)^2, i=1..K)",
        "E[D] = W(x)", "J_D >= R", "penalty is nondecreasing in q[1]", "penalty is nondecreasing in q[2]",
        "Var[D] >= q[1]/p[1]*Sum(x[i]^2*Sum(w[j]*W[1][j,i], j=1..n)^2, i=1..K)", "Var[D] = 0 if w = 0",
        "R is constant in q[1]",
        "Var[D] >= q[2]/p[2]*Sum(w[j]^2*Sum(W[1][j,i]*x[i], i=1..K)^2, j=1..n)", "q[1]*p[1] <= 1/4",
        "p[1]*p[2] <= p[1]",
        "Var[D] <= (1/(p[1]*p[2]) - 1)*W(x)^2 if weights >= 0, x >= 0", "q[1] + p[1] = 1", "Var[D] = 0 if x = 0",
    )
] + [
    (("K-n-1 linear, no biases", "K-n-1 linear, biases", "2-2-1 linear, biases",
    "K-2-1 linear, biases"), text, None, None)
    for text in (
        "Var[D] >= q/p*Sum(w[j]^2*(b[1][j] + Sum(W[1][j,i]*x[i], i=1..K))^2, j=1..n) if biases = 0",
        "penalty = Var[D]", "J_D - R >= 0", "Var[D] is constant in y", "J_D is convex in w[1]", "J_D is convex in x[1]",
        "diff(J_D, y) = 2*(y - W(x))", "penalty is convex in W[1,1]", "E[D] is constant in q", "Var[D] is convex in q",
        "lim(Var[D], q -> 0) = 0", "Var[D] = 0 if w = 0", "J_D is invariant under W[1] -> -W[1], w -> -w if biases = 0",
        "J_D is invariant under W[1] -> c*W[1], w -> w/c, b[1] -> c*b[1] if c > 0", "w = 0 is a minimiser of Var[D]",
        "J_D is invariant under W[1] -> 2*W[1], w -> w/2, b[1] -> 2*b[1]",
    )
] + [
    (RELU + LEAKY + WIDE, text, None, None)
    for text in (
        "E[D] >= W(x) if weights >= 0", "E[D] = W(x) if weights >= 0, x >= 0, biases >= 0", "E[D^2] - Var[D] = E[D]^2",
        "penalty >= (E[D] - y)^2 - R", "penalty = Var[D] + (E[D] - W(x))*(E[D] + W(x) - 2*y)", "Var[D] <= E[D^2]",
        "J_D <= E[D^2] if y = 0", "J_D = E[D^2] if y = 0", "Var[D] = 0 if q = 0", "J_D = R if q = 0",
        "J_D is convex in y",
        "Var[D] is constant in y", "diff(J_D, y) = 2*y - 2*E[D]", "E[D] = b if w = 0", "W(x) = b if w = 0", "J_D >= 0",
        "R = y^2 if w = 0, biases = 0", "J_D = (b - y)^2 if w = 0", "Var[D] is constant in b",
        "E[D] - b is constant in b",
        "J_D - R is constant in y if E[D] = W(x)", "Var[D] >= 0", "W(x) <= E[D] if w >= 0", "W(x) >= E[D] if w <= 0",
        "Var[D] <= (1/p^2 - 1)*W(x)^2 if weights >= 0, x >= 0, biases >= 0", "w = 0 is a minimiser of Var[D]",
        "J_D >= R + Var[D] if w >= 0, y <= 0, W >= 0, x >= 0, biases >= 0", "E[D]^2 <= E[D^2]",
        "J_D is invariant under W[1] -> c*W[1], b[1] -> c*b[1], w -> w/c if c > 0",
    )
] + [
    (("K-n-1 relu, no biases", "K-n-1 relu", "2-2-1 relu, hidden biases"), text, None, "0, q")
    for text in (
        "E[D] = W(x)", "penalty = Var[D]", "J_D >= R", "Var[D] is nondecreasing in q", "J_D is nondecreasing in q",
        "penalty is convex in q", "Var[D] >= 0", "lim(Var[D], q -> 0) = 0", "penalty is convex in w[1]",
        "diff(penalty, w[1])*w[1] >= 0", "Var[D] <= q/p*W(x)^2 if weights >= 0, x >= 0, biases >= 0",
        "Var[D] <= q/p*E[D]^2 if w >= 0, biases = 0",
    )
] + [
    (("K-1, no biases",), text, "design(X, y)", None)
    for text in (
        "m*R = Sum((y[s] - Sum(X[s,i]*w[i], i=1..K))^2, s=1..m)", "penalty = Var[D]", "J_D >= R",
        "m*penalty = q/p*Sum(Sum(X[s,i]^2, s=1..m)*w[i]^2, i=1..K)", "w = 0 is a minimiser of penalty",
        "penalty is nondecreasing in q", "m >= 1", "J_D = R + q/(p*m)*Sum(Sum(X[s,i]^2*w[i]^2, i=1..K), s=1..m)",
        "m*R >= 0", "E[D^2] >= E[D]^2", "penalty is convex in w[1]", "J_D = Sum(y[s]^2, s=1..m)/m if w = 0",
    )
]  # fmt: skip
LATER = [  # roots, products of sums, convex order of masks, layers that are dropped as a whole, equal factors
    (LINEAR_MODEL, text, None, None)
    for text in (
        "sqrt(penalty) >= 0", "sqrt(R) = abs(W(x) - y)", "sqrt(J_D) >= sqrt(R)", "sqrt(J_D) <= sqrt(R) + sqrt(penalty)",
        "abs(Sum(w[i]*x[i], i=1..K)) <= sqrt(Sum(w[i]^2, i=1..K))*sqrt(Sum(x[i]^2, i=1..K))", "sqrt(1 + q) <= 1 + q/2",
        "sqrt(penalty) = sqrt(q/p)*sqrt(Sum(w[i]^2*x[i]^2, i=1..K))", "sqrt(1 - q) >= 1 - q", "sqrt(q*y^2) >= q*y",
        "Sum(w[i]^2*x[i]^2, i=1..K) <= Sum(w[i]^2, i=1..K)*Sum(x[i]^2, i=1..K)", "sqrt(y^2 + 1) > y", "sqrt(y)^2 = y",
        "Sum(w[i]^4, i=1..K) <= Sum(w[i]^2, i=1..K)^2", "J_D <= R + q/p*Sum(w[i]^2, i=1..K)*Sum(x[i]^2, i=1..K)",
        "Sum(w[i]*x[i], i=1..K) <= Sum(w[i], i=1..K)*Sum(x[i], i=1..K) if w >= 0, x >= 0",
        "E[D^2]*p <= Sum(w[i]^2, i=1..K)*Sum(x[i]^2, i=1..K)", "J_D is nondecreasing in q if y <= 0, w >= 0",
        "Sum(w[i]*x[i]^2, i=1..K) <= Sum(w[i], i=1..K)*Sum(x[i]^2, i=1..K) if w >= 0",
    )
] + [
    (RELU + LEAKY + WIDE + DEEP_RELU, text, None, None)
    for text in (
        "E[D] is nondecreasing in q if weights >= 0", "E[D] is nonincreasing in q if w <= 0, W >= 0",
        "J_D is nondecreasing in q if y <= 0, weights >= 0, biases >= 0", "sqrt(Var[D]) <= sqrt(E[D^2])",
        "penalty is nondecreasing in q if y <= 0, weights >= 0, biases >= 0", "sqrt(J_D) >= abs(E[D] - y)",
        "E[D^2] is nondecreasing in q if weights >= 0, biases >= 0", "abs(E[D]) <= sqrt(E[D^2])",
        "J_D is nondecreasing in q if y >= 0, w <= 0, W >= 0, biases <= 0",
        "E[D] - W(x) is nondecreasing in q if w >= 0",
        "E[D^2] is nondecreasing in q if w <= 0, W >= 0, biases <= 0", "J_D is nondecreasing in q if y = 0, w >= 0",
    )
] + [
    (("K-n-1 relu, no biases", "K-n-1 relu, output bias", "2-3-1 relu, output bias", "K-n-m-1 relu, no biases",
    "2-2-1 leaky_relu(1/2), no biases"), text, None, None)
    for text in (
        "J_D >= (1 - (1 - q^K)*(1 - q^n))*(W(x) - E[D] + y)^2 if w = 0, biases = 0", "J_D >= q^K*y^2", "J_D >= q^n*y^2",
        "J_D >= (1 - (1 - q^K)*(1 - q^n))*y^2", "J_D >= (q^K + q^n - q^K*q^n)*y^2", "E[D^2] >= q^n*b^2 if y = b",
        "J_D >= q^K*p^n*y^2", "E[D^2] >= 0", "J_D >= (1 - (1 - q^K)*(1 - q^n))*(b - y)^2",
    )
] + [
    (("K-n^(d-1)-1 relu, no biases", "K-n^(d-1)-1 linear, no biases", "K-n^(d-1)-1 relu, output bias",
    "K-n^(d-1)-1 leaky_relu(1/2), no biases"), text, None, None)
    for text in (
        "Var[D] is invariant under W -> c*W, w -> w/c^(d-1) if c > 0", "prod(2, l=1..d-1) >= 1",
        "J_D is invariant under W -> 2*W, x -> x/2^(d-1)", "prod(1 + q, l=1..d) >= 1 + d*q",
        "J_D is invariant under W -> c*W, w -> -w/c^(d-1), y -> -y, b -> -b if c > 0", "prod(p, l=2..d) = p^(d-1)",
        "R is invariant under W -> c*W, w -> w/c^(d-1) if c > 0", "prod(q, k=1..d) <= q",
    )
] + [
    (("2-n-1 relu, no biases", "1-n-1 relu, no biases", "2-n-1 relu", "2-n-1 leaky_relu(1/2), no biases",
    "2-3-1 relu, no biases"), text, None, None)
    for text in (
        "E[D] = Sum(w[j]*(p*relu(W[1][j,1]*x[1] + W[1][j,2]*x[2]) + q*relu(W[1][j,1]*x[1])"
        " + q*relu(W[1][j,2]*x[2])), j=1..n)",
        "E[D] = Sum(w[j]*(p*relu(Sum(W[1][j,i]*x[i], i=1..2)) + q*Sum(relu(W[1][j,i]*x[i]), i=1..2)), j=1..n)",
        "E[D] - W(x) = q*Sum(w[j]*(relu(-W[1][j,1]*x[1]) + relu(-W[1][j,2]*x[2])"
        " - relu(-W[1][j,1]*x[1] - W[1][j,2]*x[2])), j=1..n)",
        "W(x) = Sum(w[j]*relu(W[1][j,1]*x[1] + W[1][j,2]*x[2] + b[1][j]), j=1..n) + b",
        "E[D] = Sum(w[j]*(p^2*relu((W[1][j,1]*x[1] + W[1][j,2]*x[2])/p + b[1][j])"
        " + p*q*relu(W[1][j,1]*x[1]/p + b[1][j]) + p*q*relu(W[1][j,2]*x[2]/p + b[1][j])"
        " + q^2*relu(b[1][j])), j=1..n) + b",
    )
] + [
    (("K-n-1 relu, no biases", "2-n-1 relu, no biases"), text, None, None)
    for units in ("Sum(w[j]*relu(Sum(W[1][j,i]*x[i], i=1..K)), j=1..n)",)
    for text in (
        f"diff({units}, w[1]) = relu(Sum(W[1][1,i]*x[i], i=1..K))", f"diff({units} + y, y) = 1",
        f"diff({units}*y, y) = {units}", f"lim({units}*q, q -> 0) = 0", f"W(x) = {units}", f"R = (y - {units})^2",
        f"diff({units} + q, q) = 1", f"diff({units} + w[1], w[1]) = 1 + relu(Sum(W[1][1,i]*x[i], i=1..K))",
    )
] + [
    (("1-n-1 relu, no biases", "1-n-1 leaky_relu(1/2), no biases", "1-n-1 relu", "1-3-1 relu, no biases"), text, None,
    None)
    for text in (
        "E[D] = W(x)", "Var[D] >= q/p*W(x)^2", "E[D] = Sum(w[j]*relu(W[1][j,1]*x[1]), j=1..n)",
        "E[D^2] = W(x)^2/p + q/p^2*Sum(w[j]^2*relu(W[1][j,1]*x[1])^2, j=1..n)", "J_D >= R",
        "penalty = q/p*W(x)^2 + q/p^2*Sum(w[j]^2*relu(W[1][j,1]*x[1])^2, j=1..n)",
    )
] + [
    (("2-1, no biases", "3-1, no biases"), text, None, None)  # derivatives and limits inside maps
    for text in (
        "diff(J_D, q) is invariant under w -> 2*w, x -> x/2", "diff(R, y) is invariant under w -> -w, x -> -x",
        "diff(J_D, w[2]) is invariant under w[1] -> c*w[1], x[1] -> x[1]/c if c != 0",
        "diff(w[1]*y + c*w[2], y) is invariant under w[2] -> w[2] + c",
        "lim(c*w[1] + w[2], c -> 0) is invariant under w[1] -> y",
        "diff(w[1]*w[2] + w[2]*y, w[1]) is invariant under y -> y + c",
        "lim(J_D, q -> 0) is invariant under w -> 2*w, x -> x/2",
        "diff(w[1]^2*c + w[2], c) is invariant under w[1] -> -w[1], w[2] -> w[1] + w[2]",
    )
] + [
    (("K-n-n-1 relu, biases", "K-n-n-1 relu, no biases", "2-2-2-1 relu, biases"), text, None, "0, q, 0")
    for text in (
        "E[D] = W(x) if W[2] >= 0, b[2] >= 0", "J_D >= R if W[2] >= 0, b[2] >= 0",
        "Var[D] is nondecreasing in q if W[2] >= 0, b[2] >= 0", "penalty = Var[D] if W >= 0, biases >= 0",
    )
]  # fmt: skip
ALL = [(shapes, text, None, q) for shapes, text, q in FACTS] + MORE + LATER
AUTHORS = tomllib.loads(Path(__file__).with_name("claims.toml").read_text("utf-8"))["claim"]
RELATION = {
    ">=": (">", "<="),
    ">": (">=", "<"),
    "<=": ("<", ">="),
    "<": ("<=", ">"),
    "=": ("<=", ">="),
    "!=": ("=", ">"),
}


def case_of(seed, number):
    """Return the case of a number, the same one for a seed; a seed that starts with "later" draws from LATER alone."""
    rng = random.Random(f"{seed} {number}")
    share, later = rng.random(), str(seed).startswith("later")
    try:
        if later:
            return of_facts(rng, LATER, changes=rng.choice((0, 1, 1, 1, 2)))
        if share < 0.2:
            return wild(rng)
        return of_authors(rng) if share < 0.4 else of_facts(rng, ALL, changes=rng.choice((0, 1, 1, 1, 1, 2)))
    except (ExactDropoutError, AttributeError):  # a change that the grammar does not know, or cannot print
        return case_of(f"{seed}'", number)


def of_authors(rng):
    """Return a claim of ``claims.toml`` in other words, half of them changed."""
    entry = rng.choice(AUTHORS)
    given = (entry["arch"], entry.get("data"), entry.get("q"), entry.get("assume"))
    if not isinstance(given[2], str | None) or entry.get("names") or "\\" in entry["text"]:
        return Case("authors", entry["text"], *given)
    claim = parse_claim(entry["text"])
    for _ in range(rng.randrange(3)):
        claim = rewritten(claim, rng, entry["arch"])
    if rng.random() < 0.7:
        claim = changed(claim, rng)
    return Case("authors", str(claim), *given)


def of_facts(rng, facts, *, changes):
    """Return a fact in other words, with changes."""
    shapes, text, data, q = rng.choice(facts)
    shape = rng.choice(shapes)
    if layers(shape) == 1 and ("W[1]" in text or "W >= 0" in text):
        shape = rng.choice(SHAPES)
    if "no biases" in shape or "hidden biases" in shape:
        text = text.replace(", b -> -b", "").replace(", biases >= 0", "").replace(", b[1] -> c*b[1]", "")
    claim = parse_claim(text)
    for _ in range(rng.randrange(4)):
        claim = rewritten(claim, rng, shape)
    own = q is None and "q" not in text and rng.random() < 0.3
    q = rates(rng, shape) if own else q
    assume = None
    if data is None and rng.random() < 0.25 and "if" not in text:
        data, assume = surroundings(rng, shape, str(claim))
    if data is None and rng.random() < 0.08:
        data = "half(x, y)"
    for _ in range(changes):
        kind = rng.randrange(12)
        if kind == 0:
            same_depth = [s for s in SHAPES + WIDE + LEAKY + LINEAR if layers(s) == layers(shape)]
            shape = rng.choice(same_depth)
        elif kind == 1:
            q = rates(rng, shape)
        else:
            claim = changed(claim, rng)
    return Case("near" if changes else "true", str(claim), shape, data, q, assume)


def changed(claim, rng):
    """Return a claim with one change: of an assumption, of a range, an index or an exponent, or of any node."""
    share = rng.random()
    if share < 0.2 and claim.assumptions:
        at = rng.randrange(len(claim.assumptions))
        kept = [*claim.assumptions]
        if rng.random() < 0.5:
            del kept[at]
        else:
            (relation, *rest) = kept[at].relations
            kept[at] = replace(kept[at], relations=(rng.choice(RELATION[relation]), *rest))
        return replace(claim, assumptions=tuple(kept))
    if share < 0.65:
        return damaged(claim, rng)
    nodes = [
        n for n in walk(claim.statement) if isinstance(n, Repeated | Name | Power | Number | Comparison | Multiply)
    ]
    if not nodes:
        return damaged(claim, rng)
    at = rng.choice(nodes)
    return replace(claim, statement=rebuilt(claim.statement, lambda n: finer(n, rng) if n is at else n))


def finer(node, rng):
    """Return a neighbour: a range one off, another index, another exponent, a factor too many, a strict relation."""
    one = Number(F(1))
    match node:
        case Repeated(kind, index, first, last, body):
            return rng.choice((Repeated(kind, index, Number(F(2)), last, body),
                               Repeated(kind, index, first, plus(last, Negate(one)), body),
                               Repeated(kind, index, first, Name(rng.choice("Kn")), body),
                               Repeated(kind, index, first, last, Multiply((body, Name(index)))), body))  # fmt: skip
        case Name(name, indices) if indices:
            at = rng.randrange(len(indices))
            other = rng.choice((one, Name("i"), Name("j"), Name("k")))
            return Name(name, (*indices[:at], other, *indices[at + 1 :]))
        case Name("p", ()):
            return rng.choice((Power(node, Number(F(2))), Name("q"), one))
        case Power(base, exponent):
            return Power(base, plus(exponent, rng.choice((one, Negate(one)))))
        case Number(value):
            return Number(rng.choice((value * 2, value / 2, -value, value + 1)))
        case Comparison(sides, relations):
            at = rng.randrange(len(relations))
            return Comparison(sides, (*relations[:at], rng.choice(RELATION[relations[at]]), *relations[at + 1 :]))
        case Multiply(factors):
            at = rng.randrange(len(factors))
            return Multiply((*factors[:at], Power(factors[at], Number(F(2))), *factors[at + 1 :]))
    return random_claims._changed(node, rng)
