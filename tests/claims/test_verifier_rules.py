"""Every view and every rewriting rule of the verifier: what it shows, and a violated side condition that it refuses."""

from fractions import Fraction as F

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exactdropout.claims.proofs.certificates import replayable_proof
from exactdropout.claims.verifier import algebra
from exactdropout.claims.verifier import verify as verifier
from exactdropout.claims.verifier.algebra import gen, plus, scaled, times
from exactdropout.claims.verifier.verify import Certificate, NotReplayed, Signs

from .test_verifier import NONE, ONE, SQUARE, TERMS, X, Y, poly, read

FIRST, SECOND = "W[1][j,1]*x[1]", "W[1][j,2]*x[2]"
MEAN = f"E[D] = Sum(w[j]*(p*relu({FIRST} + {SECOND}) + q*relu({FIRST}) + q*relu({SECOND})), j=1..n)"
VIEWS = [  # each view with a claim that it shows, and with one whose side condition fails
    ("one unit", "penalty >= 0 if w[1]*y <= 0", "K-1-1 relu, hidden biases", "penalty >= 0", "K-1-1 relu, no biases"),
    ("one unit", "penalty >= 0 if y = 0", "K-1-1 relu, no biases", "penalty >= 0 if y = 0", "K-2-1 relu, no biases"),
    ("one unit", "penalty >= 0 if w >= 0, y <= 0", "K-1-1 relu, hidden biases",
     "penalty >= 0 if w >= 0, y <= 0", "K-1-1 relu, output bias"),
    ("one unit", "J_D >= R if w >= 0, y <= 0", "K-1-1 leaky_relu(1/2), no biases",
     "J_D >= R if w >= 0, y >= 0", "K-1-1 leaky_relu(1/2), no biases"),
    ("floor", "J_D >= q^2*(b - y)^2", "2-2^(d-1)-1 relu, biases", "J_D >= q^2*(b - y)^2", "3-2^(d-1)-1 relu, biases"),
    ("floor", "J_D > 0 if y = 1, q > 0", "2-1, no biases", "J_D > 0 if y = 1", "K-1, no biases"),
    ("floor", "E[D^2] >= q^3*b^2", "2-3-1 relu", "E[D^2] - J_D >= q^3*(b^2 - (b - y)^2)", "2-3-1 relu"),
    ("floor", "J_D >= q^n*y^2", "K-n-1 relu, no biases", "J_D >= q^n*y^2", "K-n^(d-1)-1 relu, no biases"),
    ("floor", "E[D^2] >= q^K*b^2", "K-1", "E[D^2] >= q^(K-1)*b^2", "K-1"),
    ("last", "Var[D] >= q/(p*n)*W(x)^2", "K-n-1 relu, no biases", "Var[D] >= q/(p*n)*W(x)^2", "K-n-1 relu, biases"),
    ("last", "J_D - R = q/p*Sum(w[j]^2*relu(Sum(W[j,i]*x[i], i=1..K))^2, j=1..n)", "K-n-1 relu, no biases",
     "J_D - R = q/p*Sum(w[j]^2*relu(Sum(W[j,i]*x[i], i=1..K))^2, j=1..n)", "K-n-1 leaky_relu(1/2), no biases"),
    ("output", "W(x) = Sum(w[j]*relu(Sum(W[j,i]*x[i], i=1..K)), j=1..n)", "K-n-1 relu, no biases",
     "E[D] = Sum(w[j]*relu(Sum(W[j,i]*x[i], i=1..K)), j=1..n)", "K-n-1 relu, no biases"),
    ("output", "J_D >= Var[D] + 2*y*(Sum(w[j]*relu(Sum(W[j,i]*x[i], i=1..K)), j=1..n) - W(x))", "K-n-1 relu, no biases",
     "Sum(w[j]*relu(Sum(W[j,i]*x[i], i=1..K)), j=1..n) - W(x) + Var[D] is constant in q", "K-n-1 relu, no biases"),
    ("output", "R = (y - Sum(w[j]*relu(Sum(W[j,i]*x[i], i=1..K)), j=1..n))^2", "K-n-1 relu, no biases",
     "diff(J_D, q) = Sum(w[j]*relu(Sum(W[j,i]*x[i], i=1..K)), j=1..n) - W(x)", "K-n-1 relu, no biases"),
    ("written", "E[D] = w[1]*Sum(W[1,j]*x[j], j=1..K)", "K-1-1 linear, no biases",
     "E[D] = w[1]*Sum(W[1,j]*x[j], j=1..K)", "K-2-1 linear, no biases"),
    ("written", "w[1]^2*Sum(x[i]^2, i=1..K) > 0 if w > 0, x > 0", "K-1-1 linear, no biases",
     "Sum(Sum(w[j]*x[i], i=1..K)^2, j=1..n) > 0 if w > 0, x != 0", "K-n-1 linear, no biases"),
    ("last", "J_D - R = q/p*Sum(w[j]^2*(Sum(W[j,i]*x[i], i=1..K) + 2*relu(Sum(W[j,i]*x[i], i=1..K)))^2, j=1..n)/9",
     "K-n-1 leaky_relu(1/3), no biases",
     "J_D - R = q/p*Sum(w[j]^2*(Sum(W[j,i]*x[i], i=1..K) + 2*relu(Sum(W[j,i]*x[i], i=1..K)))^2, j=1..n)/9",
     "K-n-1 leaky_relu(1/2), no biases"),
    ("output", "W(x) = Sum(w[j]*(Sum(W[j,i]*x[i], i=1..K) + relu(Sum(W[j,i]*x[i], i=1..K))), j=1..n)/2",
     "K-n-1 leaky_relu(1/2), no biases",
     "E[D] = Sum(w[j]*(Sum(W[j,i]*x[i], i=1..K) + relu(Sum(W[j,i]*x[i], i=1..K))), j=1..n)/2",
     "K-n-1 leaky_relu(1/2), no biases"),
    ("opaque", "lim(J_D, q -> 0) = R", "K-n-1 relu", "lim(J_D/(penalty + q), q -> 0) = R", "K-n-1 relu"),
    ("opaque", "lim(q/(q + y^2 + 1), q -> 0) = 0", "K-n-1 relu", "lim(q/(q + y^2), q -> 0) = 0", "K-n-1 relu"),
    ("opaque", "lim(E[D], q -> 0) = W(x)", "2-2-1 relu", "lim(E[D], q -> 0) = W(x) if w = q", "2-2-1 relu"),
    ("opaque", "diff(J_D, b) = 2*(E[D] - y)", "K-n-1 relu", "diff(J_D, b) = 2*(E[D] - y) if x = b", "K-n-1 relu"),
    ("opaque", "diff(J_D, y) = 2*(y - E[D])", "K-n^(d-1)-1 relu", "diff(J_D, y) = 2*(y - E[D]) if R = 0", "K-n-1 relu"),
    ("written", "penalty >= q/p*x[2]^2*w[2]^2 if K >= 2", "K-1, no biases",
     "penalty >= q/p*x[2]^2*w[1]^2 if K >= 2", "K-1, no biases"),
    ("written", "Sum(w[i]*x[i]^2, i=1..K) >= w[1]*x[1]^2 if w >= 0", "K-1, no biases",
     "Sum(w[i]*x[i]^2, i=1..K) >= w[1]*x[1]^2", "K-1, no biases"),
    ("named", "J_D is convex in w[1]", "2-2-1 relu", "J_D is convex in W[1,1]", "2-1-1 relu, no biases"),
    ("opaque", "q^d is increasing in q", "K-n^(d-1)-1 relu", "q^(d-1) is increasing in q", "K-n^(d-1)-1 relu"),
    ("opaque", "(p*(1 + q))^(d-1) is nonincreasing in q", "K-n^(d-1)-1 relu",
     "(p*(1 + 2*q))^(d-1) is nonincreasing in q", "K-n^(d-1)-1 relu"),
    ("opaque", "p^K >= 1 - K*q", "K-1", "p^K >= 1 - (K-1)*q", "K-1"),
    ("opaque", "max(J_D, R) = J_D", "K-n-1 linear", "max(J_D, R) = J_D", "K-n-1 relu, no biases"),
    ("opaque", "relu(penalty - 1) is nondecreasing in q", "K-1", "relu(1 - penalty) is nondecreasing in q", "K-1"),
    ("opaque", "E[D] = W(x) if W <= 0, x <= 0", "K-n-1 relu, no biases",
     "E[D] = W(x) if W <= 0, x <= 0", "K-n-n-1 relu, no biases"),
    ("opaque", "W(x) >= 0 if W <= 0, x <= 0, w >= 0", "K-n-1 relu, no biases",
     "W(x) >= 0 if W <= 0, x <= 0, w >= 0", "K-n^(d-1)-1 relu, no biases"),
    ("opaque", "E[D] = W(x) if W <= 0, x <= 0, biases >= 0", "K-n-1 relu, biases",
     "E[D] = W(x) if W <= 0, x <= 0, biases >= 0", "K-n^(d-1)-1 relu, biases"),
    ("opaque", "E[D^2] <= W(x)^2/p^2 if weights >= 0, x >= 0", "K-n-1 relu, no biases",
     "E[D^2] <= W(x)^2/p^2 if W >= 0, x >= 0", "K-n-1 relu, no biases"),
    ("opaque", "penalty <= ((1 + q/p)^d - 1)*W(x)^2 if weights >= 0, x >= 0", "K-n^(d-1)-1 relu, no biases",
     "penalty <= ((1 + q/p)^(d-1) - 1)*W(x)^2 if weights >= 0, x >= 0", "K-n^(d-1)-1 relu, no biases"),
    ("named", "relu(x[1]) - relu(x[2]) <= relu(x[1] - x[2])", "2-1",
     "relu(x[1]) - relu(x[2]) <= relu(x[1] - x[2])/2", "2-1"),
    ("opaque", "W(x) = 0 if W >= 0, x <= 0", "K-n-1 relu, no biases",
     "W(x) = 0 if W >= 0, x <= 0", "K-n-1 relu, hidden biases"),
    ("opaque", "J_D is invariant under x[1] -> a*x[1], W[1][1,1] -> W[1][1,1]/a, W[1][2,1] -> W[1][2,1]/a if a != 0",
     "2-2-1 relu, biases", "J_D is invariant under x[1] -> a*x[1], W[1][1,1] -> W[1][1,1]/a if a != 0",
     "2-2-1 relu, biases"),
    ("opaque", "J_D is invariant under W[1][1,1] -> a*W[1][1,1], W[1][1,2] -> a*W[1][1,2], w[1] -> w[1]/a if a > 0",
     "2-2-1 relu, no biases",
     "J_D is invariant under W[1][1,1] -> a*W[1][1,1], W[1][1,2] -> a*W[1][1,2], w[1] -> w[1]/a if a < 0",
     "2-2-1 relu, no biases"),
    ("opaque", "q/p <= 2*q if q <= 1/2", "K-n-1 relu", "q/p <= 2*q if q <= 3/5", "K-n-1 relu"),
    ("opaque", "p*q is nondecreasing in q if q <= 1/2", "K-1", "p*q is nondecreasing in q if q <= 3/5", "K-1"),
    ("opaque", "penalty = Var[D] if E[D] = W(x)", "K-n-1 relu", "penalty = Var[D] if E[D] >= W(x)", "K-n-1 relu"),
    ("opaque", "1 - p^d <= d*q", "K-n^(d-1)-1 relu", "1 - p^d <= (d-1)*q", "K-n^(d-1)-1 relu"),
    ("named", "R = 0 if W(x) = y", "2-1, no biases", "R = 0 if W(x) >= y", "2-1, no biases"),
    ("uniform", "Var[D]/W(x)^2 is nonincreasing in K if weights = c, c > 0", "K-n^(d-1)-1 relu, no biases",
     "Var[D]/W(x)^2 is nondecreasing in K if weights = c, c > 0", "K-n^(d-1)-1 relu, no biases"),
    ("uniform", "Var[D]/W(x)^2 is nondecreasing in d if weights = c, c > 0", "K-n^(d-1)-1 relu, no biases",
     "W(x) is nondecreasing in d if weights = c, c > 0", "K-n^(d-1)-1 relu, no biases"),
    ("opaque", "p^K is nonincreasing in K", "K-1", "q^K is nondecreasing in K", "K-1"),
    ("opaque", "K + n is increasing in K", "K-n-1 relu", "K + n is increasing in K if K = n", "K-n-1 relu"),
    ("opaque", "n^(d-1) is nondecreasing in n", "K-n^(d-1)-1 relu", "E[D] is nondecreasing in n", "K-n^(d-1)-1 relu"),
    ("opaque", "J_D is convex in b", "K-n-1 relu", "J_D is concave in b", "K-n-1 relu"),
    ("opaque", "y^3 is convex in y if y >= 0", "K-1", "y^3 is convex in y", "K-1"),
    ("opaque", "1/y is convex in y if y > 0", "K-1", "1/y is convex in y", "K-1"),
    ("written", "penalty is convex in q", "K-1", "W(x)*penalty is convex in q", "K-1"),
    ("opaque", "p*q is concave in q", "K-1", "p*q^2 is concave in q", "K-1"),
    ("named", "penalty is convex in w[1]", "2-1", "penalty is concave in w[1]", "2-1"),
    ("named", "J_D is convex in q", "1-1-1 relu, no biases", "relu(1 - J_D) is concave in q", "1-1-1 relu, no biases"),
    ("opaque", "R is convex in q", "K-n-1 relu", "E[D] is convex in q", "K-n-1 relu"),
    ("uniform", "Var[D] = c^(2*d)*K^2*n^(2*d - 2)*((1 + q/(p*K))*(1 + q/(p*n))^(d-1) - 1) if weights = c, c >= 0",
     "K-n^(d-1)-1 relu, no biases", "Var[D] = 0 if weights = c", "K-n^(d-1)-1 relu, no biases"),
    ("uniform", "Var[D] >= (d-1)*q/(p*n)*W(x)^2 if weights = c, c >= 0", "K-n^(d-1)-1 relu, no biases",
     "Var[D] >= d*q/(p*n)*W(x)^2 if weights = c, c >= 0", "K-n^(d-1)-1 relu, no biases"),
    ("opaque", "E[D] <= W(x) if w <= 0, W[2] >= 0", "K-n-n-1 relu, biases",
     "E[D] <= W(x) if w <= 0", "K-n-n-1 relu, biases"),
    ("opaque", "E[D] >= b if w >= 0", "K-n-1 relu, biases", "E[D] >= b if w >= 0", "K-n-1 leaky_relu(1/2), biases"),
    ("opaque", "J_D = Var[D] if R = 0", "K-n-1 linear, no biases", "J_D = Var[D] if R = 0", "K-n-1 relu, no biases"),
    ("opaque", "Var[D] is constant in b", "K-n-1 relu, biases", "E[D] is constant in b", "K-n-1 relu, biases"),
    ("opaque", "penalty is nondecreasing in q", "K-n^(d-1)-1 linear, biases",
     "penalty is nondecreasing in q", "K-n-1 relu, no biases"),
    ("opaque", "R is constant in q", "K-n-1 relu, biases", "E[D] is constant in q", "K-n-1 relu, biases"),
    ("opaque", "J_D is nonincreasing in y if y <= 0, w >= 0", "K-n-1 relu, no biases",
     "J_D is nonincreasing in y if y <= 0, w <= 0", "K-n-1 relu, no biases"),
    ("opaque", "J_D is invariant under W[1] -> c*W[1], w -> w/c if c > 0", "K-n-1 relu, no biases",
     "J_D is invariant under W[1] -> c*W[1], w -> w/c if c != 0", "K-n-1 relu, no biases"),
    ("opaque", "J_D is invariant under W[1] -> 2*W[1], b[1] -> 2*b[1], w -> w/2", "K-n-1 relu, hidden biases",
     "J_D is invariant under W[1] -> 2*W[1], w -> w/2", "K-n-1 relu, hidden biases"),
    ("opaque", "J_D is invariant under w -> -w, y -> -y", "K-n-1 relu, no biases",
     "J_D + y is invariant under w -> -w, y -> -y", "K-n-1 relu, no biases"),
    ("opaque", "Var[D] is invariant under w -> -w", "K-n-1 relu, no biases",
     "E[D] is invariant under w -> -w", "K-n-1 relu, no biases"),
    ("opaque", "w = 0 is a minimiser of J_D if y >= 0, w <= 0", "K-n-1 relu, no biases",
     "w = 0 is a minimiser of J_D if y >= 0", "K-n-1 relu, no biases"),
    ("opaque", "w[1] = 0, w[2] = 0 is a minimiser of Var[D]", "2-2-1 relu, no biases",
     "w[1] = 0 is a minimiser of Var[D]", "2-2-1 relu, no biases"),
    ("opaque", "W[1] = 0 is a minimiser of Var[D]", "2-1-1 relu, no biases",
     "W[1] = 0 is a minimiser of Var[D]", "2-1-1 relu, hidden biases"),
    ("opaque", "(K - 1)*(K - 2)*y^2 >= 0 if K >= 2", "K-1", "(K - 2)*(K - 3)*y^2 >= 0", "K-1"),
    ("written", "K*Sum(w[i]^4, i=1..K) >= Sum(w[i]^2, i=1..K)^2", "K-1",
     "K*Sum(w[i]^4, i=1..K) >= (K*Sum(w[i]^2, i=1..K) - Sum(w[i], i=1..K)^2)^2", "K-1"),
    ("written", "penalty >= q/(p*n)*W(x)^2", "K-n-1 linear, no biases",
     "penalty >= q/p*W(x)^2", "K-n-1 linear, no biases"),
    ("written", "w = p*y/(1 + (K-1)*p) is a minimiser of J_D", "K-1, no biases",
     "w = y/K is a minimiser of J_D", "K-1, no biases"),
    ("named", "relu(x[1]) + relu(x[2]) >= relu(x[1] + x[2])", "2-1",
     "relu(x[1]) + relu(x[2]) > relu(x[1] + x[2])", "2-1"),
    ("named", "W(x) is nondecreasing in x[1] if weights >= 0", "2-2-1 relu, biases",
     "W(x) is nondecreasing in x[1] if W >= 0", "2-2-1 relu, biases"),
    ("named", "relu(x[1]*x[2]) = relu(x[1])*relu(x[2]) + relu(-x[1])*relu(-x[2])", "2-1",
     "relu(x[1]*x[2]) = relu(x[1])*relu(x[2])", "2-1"),
    ("named", "w[1] = (y - w[2]*x[2])*p/x[1] is a minimiser of J_D", "2-1, no biases",
     "w[1] = (y - w[2]*x[2])/x[1] is a minimiser of J_D", "2-1, no biases"),
    ("named", "w[1] = 1 is a minimiser of (w[1] - 1)^2 if w >= 0", "2-1",
     "w[1] = -1 is a minimiser of (w[1] + 1)^2 if w >= 0", "2-1"),
    ("floors", "J_D >= (1 - (1 - q^K)*(1 - q^n))*y^2", "K-n-1 relu, no biases",
     "J_D >= (1 - (1 - q^K)*(1 - q^n))*y^2", "K-n-1 relu, hidden biases"),
    ("masked", MEAN, "2-n-1 relu, no biases", MEAN, "2-n-1 relu, hidden biases"),
    ("masked", "E[D] = Sum(w[j]*(p*relu(W[1][j,1]*x[1]/p + b[1][j]) + q*relu(b[1][j])), j=1..n)",
     "1-n-1 relu, hidden biases",
     "E[D] = Sum(w[j]*(p*relu(W[1][j,1]*x[1] + b[1][j]) + q*relu(b[1][j])), j=1..n)", "1-n-1 relu, hidden biases"),
    ("masked", "E[D^2] = W(x)^2/p + q/p^2*Sum(w[j]^2*relu(W[1][j,1]*x[1])^2, j=1..n)", "1-n-1 relu, no biases",
     "E[D^2] = W(x)^2/p + q/p*Sum(w[j]^2*relu(W[1][j,1]*x[1])^2, j=1..n)", "1-n-1 relu, no biases"),
    ("masked", f"E[D] - W(x) = q*Sum(w[j]*(relu(-{FIRST}) + relu(-{SECOND}) - relu(-{FIRST} - {SECOND})), j=1..n)",
     "2-n-1 relu, no biases",
     f"E[D] - W(x) = q*Sum(w[j]*(relu({FIRST}) + relu({SECOND}) - relu({FIRST} - {SECOND})), j=1..n)",
     "2-n-1 relu, no biases"),
    ("masked", "E[D] = Sum(w[j]*(p*relu(Sum(W[1][j,i]*x[i], i=1..2)) + q*Sum(relu(W[1][j,i]*x[i]), i=1..2)), j=1..n)",
     "2-n-1 relu, no biases",
     "E[D] = Sum(w[j]*(p*relu(Sum(W[1][j,i]*x[i], i=1..2)) + q*Sum(relu(W[1][j,i]*x[i]), i=1..1)), j=1..n)",
     "2-n-1 relu, no biases"),
    ("masked", "Var[D] >= q/p*W(x)^2", "1-n-1 relu, no biases", "E[D] is constant in x[1]", "1-n-1 relu, no biases"),
    ("masked", "E[D] = W(x)", "1-n-1 leaky_relu(1/2), no biases",
     "diff(E[D], q) = W(x)", "1-n-1 leaky_relu(1/2), no biases"),
    ("floors", "J_D >= q^K*y^2", "K-n-1 relu, no biases", "J_D >= (q^K + q^n)*y^2", "K-n-1 relu, no biases"),
    ("floors", "E[D^2] >= (1 - (1 - q^2)*(1 - q^3))*b^2", "2-3-1 relu, output bias",
     "E[D^2] >= (1 - (1 - q^2)*(1 - q^2))*b^2", "2-3-1 relu, output bias"),
    ("opaque", "E[D] is nondecreasing in q if w >= 0", "K-n-1 relu, biases",
     "E[D] is nondecreasing in q if w >= 0", "K-n-m-1 relu, biases"),
    ("opaque", "E[D] is nonincreasing in q if w <= 0, W[2] >= 0", "K-n-m-1 leaky_relu(1/2), biases",
     "E[D] is nonincreasing in q if w <= 0, W[1] >= 0", "K-n-m-1 leaky_relu(1/2), biases"),
    ("opaque", "J_D is nondecreasing in q if y <= 0, w >= 0, b >= 0", "K-n-1 relu, output bias",
     "J_D is nondecreasing in q if y <= 0, w >= 0", "K-n-1 relu, output bias"),
    ("opaque", "penalty is nondecreasing in q if y >= 0, w <= 0", "K-n-1 relu, hidden biases",
     "penalty is nondecreasing in q if y >= 0, w >= 0", "K-n-1 relu, hidden biases"),
    ("opaque", "J_D is nondecreasing in q if y <= 0, w >= 0", "K-n-1 relu, no biases",
     "J_D is nondecreasing in q if y <= 0, w >= 0", "K-n-1 leaky_relu(1/2), no biases"),
    ("opaque", "E[D^2] is nondecreasing in q if w >= 0", "K-n-1 relu, no biases",
     "Var[D] is nondecreasing in q if w >= 0", "K-n-1 relu, no biases"),
    ("opaque", "E[D] is nondecreasing in q if w >= 0", "K-n-1 relu, no biases",
     "E[D] is nondecreasing in q if w = q", "K-n-1 relu, no biases"),
    ("opaque", "J_D is invariant under W -> c*W, w -> w/c^(d-1) if c > 0", "K-n^(d-1)-1 relu, no biases",
     "J_D is invariant under W -> c*W, w -> w/c^(d-1) if c != 0", "K-n^(d-1)-1 relu, no biases"),
    ("opaque", "J_D is invariant under W -> c*W, x -> x/c^(d-1) if c > 0", "K-n^(d-1)-1 relu, output bias",
     "J_D is invariant under W -> c*W, x -> -x/c^(d-1), w -> -w if c > 0", "K-n^(d-1)-1 relu, no biases"),
    ("opaque", "J_D is invariant under W -> c*W, w -> w/c^(d-1) if c > 0", "K-n^(d-1)-1 linear, no biases",
     "J_D is invariant under W -> c*W, w -> w/c^(d-1) if c > 0", "K-n^(d-1)-1 linear, hidden biases"),
    ("opaque", "J_D - Var[D] - (E[D] - y)^2 is invariant under W -> 2*W, w -> w/2^(d-1)", "K-n^(d-1)-1 relu, no biases",
     "E[D] - b is invariant under W -> 2*W", "K-n^(d-1)-1 relu, output bias"),
    ("written", "Sum(w[i]*x[i], i=1..K)^2 <= Sum(w[i]^2, i=1..K)*Sum(x[i]^2, i=1..K)", "K-1, no biases",
     "Sum(w[i]*x[i], i=1..K)^2 < Sum(w[i]^2, i=1..K)*Sum(x[i]^2, i=1..K)", "K-1, no biases"),
    ("written", "Sum(w[i]*x[i], i=1..K) <= Sum(w[i], i=1..K)*Sum(x[i], i=1..K) if w >= 0, x >= 0", "K-1, no biases",
     "Sum(w[i]*x[i], i=1..K) <= Sum(w[i], i=1..K)*Sum(x[i], i=1..K) if w >= 0", "K-1, no biases"),
    ("written", "Sum(w[i]^4, i=1..K) <= Sum(w[i]^2, i=1..K)^2", "K-1, no biases",
     "Sum(w[i]^3, i=1..K) <= Sum(w[i], i=1..K)*Sum(w[i]^2, i=1..K)", "K-1, no biases"),
    ("opaque", "prod(1 + q, l=1..d-1) = (1 + q)^(d-1)", "K-n^(d-1)-1 relu",
     "prod(2, l=2..d-1) = 2^(d-2)", "K-n^(d-1)-1 relu"),
    ("opaque", "prod(p, l=1..K) >= 1 - K*q", "K-1", "prod(q, l=2..K-1) = q^(K-2)", "K-1"),
    ("opaque", "sqrt(J_D) >= abs(E[D] - y)", "K-n-1 relu", "sqrt(J_D) > abs(E[D] - y)", "K-n-1 relu"),
    ("opaque", "sqrt(R) = abs(W(x) - y)", "K-n-1 relu", "sqrt(R) = W(x) - y", "K-n-1 relu"),
    ("opaque", "2*abs(y)*sqrt(J_D) <= y^2 + J_D", "K-n-1 relu", "y*sqrt(J_D) >= -y^2", "K-n-1 relu"),
    ("opaque", "sqrt(y)^2 = y", "K-1", "diff(sqrt(y^2 + 1), y) = 0", "K-1"),
    ("opaque", "sqrt(q*y^2 + q) = sqrt(q)*sqrt(y^2 + 1)", "K-1", "sqrt(y^3 + y) = sqrt(y)", "K-1"),
    ("written", "sqrt(R) = abs(W(x) - y)", "K-1", "sqrt(penalty) is constant in q", "K-1"),
    ("written", "J_D is strictly increasing in q if w > 0, x > 0", "1-1, no biases",
     "J_D is strictly increasing in q if w >= 0, x > 0", "1-1, no biases"),
]  # fmt: skip


@pytest.mark.parametrize(("view", "true", "arch", "false", "other"), VIEWS)
def test_each_view_shows_its_claim_and_refuses_where_a_side_condition_fails(view, true, arch, false, other):
    data = "point(1, y)" if view == "uniform" or ("w = " in true and view == "written") else None
    q = "0, q" if "q/(p*n)*W(x)^2" in true and view == "written" else "0, q" if view == "last" else None
    proof = replayable_proof(*read(true, arch, data, q))
    assert proof is not None
    if view != "opaque":
        assert {proof.view, view} <= {view, "opaque"}
    assert replayable_proof(*read(false, other, data, q)) is None


def test_an_equation_has_multiples_of_any_sign_and_an_inequality_those_that_are_not_negative():
    known = Signs({"x"}, known=[(plus(X, scaled(ONE, F(-1))), True), (Y, False)])
    verifier.holds(scaled(X, F(-1)), Certificate("known", ((scaled(ONE, F(-1)), 0),), parts=(Certificate("zero"),)),
                   Signs(known=[(X, True)]), "zero")  # fmt: skip
    verifier.holds(plus(ONE, Y), Certificate("known", ((ONE, 1),), parts=(TERMS,)), known)


R = Signs(atoms={})
SIZED = Signs({"K"}, {"K"}, least={"K": 1}, squares={"b": ("a", ONE)}, powers={"z": (X, ONE)})
RELU_K, RELU_B, RELU_Z = (SIZED.relu(plus(gen(name), scaled(ONE, F(-2)))) for name in "Kbz")
RELU_X, RELU_Y = R.relu(X), R.relu(Y)
NAME_X = next(iter(RELU_X))[0][0]
RELU_SUM = R.relu(plus(X, Y))
LOST = {
    "a split of a variable with a sign": (RELU_X, Certificate("cases", ((X, 1),), "x", (TERMS, TERMS)), Signs({"x"})),
    "a split at a square": (RELU_X, Certificate("cases", ((poly(x=2), 1),), "x", (TERMS, TERMS)), R),
    "one case of two": (X, Certificate("cases", ((X, 1),), "x", (TERMS,)), R),
    "a sign of something that is no relu": (X, Certificate("signs", (), "x", (TERMS, TERMS)), R),
    "one sign of two": (RELU_X, Certificate("signs", (), NAME_X, (TERMS,)), R),
    "the sign of the other case": (
        X, Certificate("signs", (), NAME_X, (Certificate("known", ((ONE, 0),), parts=(TERMS,)),) * 2), R),
    "relu of no sum": (RELU_SUM, Certificate("subadditive", ((X, 1), (X, 1)), next(iter(RELU_SUM))[0][0], (TERMS,)), R),
    "relu of something smaller": (RELU_SUM, Certificate("between", ((X, 1),), next(iter(RELU_SUM))[0][0], (TERMS,)), R),
    "a root whose place is taken": (
        gen("c"), Certificate("squares", parts=(TERMS,)),
        Signs({"a", "b", "c"}, squares={"b": ("a", ONE), "c": ("b", ONE)})),
    "squares as zero": (
        gen("b"), Certificate("squares", parts=(Certificate("zero"),)), Signs({"b"}, squares={"b": ("a", ONE)})),
    "least sizes inside relu": (RELU_K, Certificate("shift", parts=(TERMS,)), SIZED),
    "squares inside relu": (RELU_B, Certificate("squares", parts=(TERMS,)), SIZED),
    "Bernoulli inside relu": (RELU_Z, Certificate("bernoulli", parts=(TERMS,)), SIZED),
    "a multiple of what is not known": (X, Certificate("known", ((ONE, 0),), parts=(TERMS,)), Signs()),
    "a negative multiple of an inequality": (
        scaled(X, F(-1)), Certificate("known", ((scaled(ONE, F(-1)), 0),), parts=(TERMS,)), Signs(known=[(X, False)])),
    "an inequality used as an equation": (
        X, Certificate("known", ((Y, 0),), parts=(TERMS,)), Signs(known=[(X, False)])),
    "a place before the first": (X, Certificate("known", ((ONE, -1),), parts=(TERMS,)), Signs(known=[(X, False)])),
    "Bernoulli without a base": (
        plus(gen("z"), scaled(gen("m"), F(-1))), Certificate("bernoulli", parts=(TERMS,)), Signs({"z", "m"})),
}  # fmt: skip


@pytest.mark.parametrize("name", LOST)
def test_each_rewriting_rule_refuses_a_violated_side_condition(name):
    with pytest.raises(NotReplayed):
        verifier.holds(*LOST[name])


def test_both_signs_inside_a_relu():
    used = Certificate("known", ((ONE, 0),), parts=(TERMS,))
    below = plus(RELU_X, scaled(X, F(-1)))  # relu(x) - x is 0, or -x >= 0
    verifier.holds(below, Certificate("signs", (), NAME_X, (TERMS, used)), R)


ROOTED = Signs({"r", "y"}, roots={"r": plus(poly(x=2), poly(y=1))})
MORE_THAN_X = plus(gen("r"), scaled(X, F(-1)))
WRONG_ROOTS = {
    "no root": (X, Certificate("root", (), "x", (TERMS,)), ROOTED, "nonnegative"),
    "a root as zero": (MORE_THAN_X, Certificate("root", (), "r", (Certificate("zero"),)), ROOTED, "zero"),
    "a square of a root": (times(gen("r"), gen("r")), Certificate("root", (), "r", (TERMS,)), ROOTED, "nonnegative"),
    "a multiple of any sign": (
        plus(times(X, gen("r")), Y), Certificate("root", (), "r", (TERMS,)), ROOTED, "nonnegative"),
    "a root below something without its sign": (
        plus(scaled(gen("r"), F(-1)), X), Certificate("root", (), "r", (TERMS,)), ROOTED, "nonnegative"),
    "the square alone": (
        plus(scaled(gen("r"), F(-1)), X), Certificate("root", (), "r", (TERMS, TERMS)),
        Signs({"r", "y"}, roots={"r": {}}), "nonnegative"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG_ROOTS)
def test_a_root_is_compared_by_squares_and_signs(name):
    verifier.holds(MORE_THAN_X, Certificate("root", (), "r", (TERMS,)), ROOTED)
    with pytest.raises(NotReplayed):
        verifier.holds(*WRONG_ROOTS[name])


def test_a_root_means_nothing_after_a_rule_that_renames_what_stands_in_it():
    signs = Signs({"r", "K"}, {"K"}, least={"K": 2}, roots={"r": gen("K")})  # r^2 = K, and K >= 2
    a = plus(gen("r"), scaled(ONE, F(-1)))
    verifier.holds(a, Certificate("root", (), "r", (Certificate("shift", parts=(TERMS,)),)), signs)
    with pytest.raises(NotReplayed):
        verifier.holds(a, Certificate("shift", parts=(Certificate("root", (), "r", (TERMS,)),)), signs)


@given(st.dictionaries(st.tuples(st.integers(0, 2), st.integers(0, 2)), st.integers(-3, 3).map(F), max_size=5))
def test_the_square_root_of_a_square_is_its_root_up_to_sign(terms):
    s = {tuple((n, p) for n, p in zip("xy", powers, strict=True) if p): v for powers, v in terms.items() if v}
    assert algebra.square_root(times(s, s)) in (s, scaled(s, F(-1)))
    found = algebra.square_root(plus(times(s, s), X))
    assert found is None or times(found, found) == plus(times(s, s), X)


def test_the_negative_of_a_positive_difference_is_not_zero_either():
    a = scaled(plus(poly(x=2), ONE), F(-1))
    strict = Certificate("strict", ((ONE, 1),), parts=(TERMS,))
    verifier.holds(a, Certificate("negative", parts=(strict,)), NONE, "nonzero")
    with pytest.raises(NotReplayed):
        verifier.holds(a, Certificate("negative", parts=(strict,)), NONE, "positive")


def test_a_search_for_certificates_has_a_budget():
    with algebra.budget(10):
        times(SQUARE, SQUARE)
        with pytest.raises(NotReplayed, match="budget"):
            times(SQUARE, SQUARE)


def test_a_hinge_becomes_its_square_where_it_occurs():
    signs = Signs()
    z = plus(X, scaled(Y, F(2)))
    r = signs.relu(z)
    ((((name, _),), _),) = r.items()
    step = Certificate("hinge", ((ONE, 1),), variable=name, parts=(TERMS,))
    verifier.holds(times(z, r), step, signs)
    with pytest.raises(NotReplayed):  # without it a term has any sign
        verifier.holds(times(z, r), TERMS, signs)
    with pytest.raises(NotReplayed):  # x relu(z) is no square
        verifier.holds(times(X, r), step, signs)
    with pytest.raises(NotReplayed, match="does not occur"):
        verifier.holds(SQUARE, step, signs)
    inner = signs.relu(plus(X, ONE))
    with pytest.raises(NotReplayed, match="does not occur"):  # nor may the factor bring in another relu
        verifier.holds(times(z, r), Certificate("hinge", ((inner, 1),), name, (TERMS,)), signs)
    with pytest.raises(NotReplayed, match="does not occur"):
        verifier.holds(times(X, X), Certificate("hinge", ((ONE, 1),), "x", (TERMS,)), signs)


def test_a_sum_of_terms_that_are_not_negative_is_at_least_one_of_them():
    whole, least = plus(gen("S"), scaled(times(X, X), F(-1))), Certificate("one", parts=(TERMS,))
    signs = Signs(nonnegative={"S"}, ones={"S": times(X, X)})
    verifier.holds(whole, least, signs)
    with pytest.raises(NotReplayed):  # of a sum of which nothing is known
        verifier.holds(whole, least, Signs(nonnegative={"S"}))
    with pytest.raises(NotReplayed):  # twice the term
        verifier.holds(plus(gen("S"), scaled(times(X, X), F(-2))), least, signs)
    strict = Certificate("strict", ((gen("S"), 1),), parts=(TERMS,))
    around = Signs(nonnegative={"S"}, nonzero={"S"}, ones={"S": times(X, X)})
    with pytest.raises(NotReplayed):  # the rest may be 0
        verifier.holds(whole, Certificate("one", parts=(strict,)), around, "positive")
    nested = Signs(nonnegative={"S", "U"}, ones={"S": gen("U"), "U": X})
    with pytest.raises(NotReplayed, match="whose place"):
        verifier.holds(plus(gen("S"), scaled(gen("U"), F(-1))), least, nested)
    inside = Signs(nonnegative={"S"}, ones={"S": times(X, X)})
    with pytest.raises(NotReplayed, match="relu of something"):
        verifier.holds(plus(inside.relu(plus(gen("S"), Y)), gen("S")), least, inside)


NEAR = [  # false ones near the rules one, hinge, limits without dropout, and derivatives by y and b
    ("lim(J_D, q -> 0) = R", "K-n-1 relu", None, "q, 1/2"),
    ("lim(penalty/q, q -> 0) = 0", "K-n-1 relu", None, None),
    ("lim(q/(q + y), q -> 0) = 0", "K-n-1 relu", None, None),
    ("lim(q/(q + relu(y)), q -> 0) = 0", "K-n-1 relu", None, None),
    ("lim(J_D, q -> 0) = R", "K-n-1 relu", "point(x, q)", None),
    ("lim(E[D^2], q -> 0) = Var[D] + W(x)^2", "2-2-1 relu", None, None),
    ("diff(J_D, b) = 2*(W(x) - y)", "K-n-1 relu", None, None),
    ("diff(penalty, b) = 0", "K-n-1 relu", None, None),
    ("diff(E[D^2], b) = 2*W(x)", "K-n-1 relu", None, None),
    ("diff(W(x), b) = 1 if w = b", "K-n-1 relu", None, None),
    ("diff(J_D, y) = 2*(y - E[D]) if w = y", "K-n-1 relu", None, None),
    ("diff(J_D, b) = E[D] - y", "K-n-1 relu", "half(x, y)", None),
    ("penalty >= 2*q/p*x[1]^2*w[1]^2", "K-1, no biases", None, None),
    ("penalty >= q/p*x[1]^2*w[1]^2 + x[1]^2*w[1]^2", "K-1, no biases", None, None),
    ("penalty > q/p*x[1]^2*w[1]^2 if q > 0, w > 0, x > 0", "K-1, no biases", None, None),
    ("Sum(w[i]*x[i], i=1..K) >= w[1]*x[1]", "K-1, no biases", None, None),
    ("Sum(w[i]^2, i=1..2) >= w[3]^2", "3-1, no biases", None, None),
    ("Sum(Sum(w[i]*x[j], j=1..K)^2, i=1..K) >= w[1]^2*x[1]^2", "K-1, no biases", None, None),
    ("R is convex in W[1,1]", "1-1-1 relu, no biases", None, None),
    ("x[1]*relu(x[2]) >= 0", "2-1-1 relu, no biases", None, None),
    ("x[1]*relu(x[1]) + x[2]*relu(x[1]) >= 0", "2-1-1 relu, no biases", None, None),
    ("x[1]*relu(-x[1]) >= 0", "2-1-1 relu, no biases", None, None),
]


@pytest.mark.parametrize(("claim", "arch", "data", "q"), NEAR)
def test_no_false_claim_near_a_rule_is_replayed_even_without_the_falsifier(claim, arch, data, q):
    assert replayable_proof(*read(claim, arch, data, q)) is None
