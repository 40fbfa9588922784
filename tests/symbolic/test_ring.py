"""What the ring simplifies stays the same function."""

from fractions import Fraction as F

import sympy
from hypothesis import given
from hypothesis import strategies as st

from exactdropout.symbolic.criterion.formula import formula
from exactdropout.symbolic.ring.ring import ReluRing

P, N, R = sympy.Symbol("p", positive=True), sympy.Symbol("n", nonnegative=True), sympy.Symbol("r")

trees = st.recursive(
    st.sampled_from(["p", "n", "r", -2, F(1, 2), 3]),
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["+", "*"]), inner, inner), st.tuples(st.sampled_from(["relu", "step"]), inner)
    ),
    max_leaves=7,
)


def in_ring(ring, tree):
    if isinstance(tree, str):
        return ring.generator({"p": P, "n": N, "r": R}[tree])
    if not isinstance(tree, tuple):
        return ring.constant(tree)
    a = in_ring(ring, tree[1])
    if tree[0] in ("relu", "step"):
        return getattr(ring, tree[0])(a)
    b = in_ring(ring, tree[2])
    return a + b if tree[0] == "+" else a * b


def directly(point, tree):
    if isinstance(tree, str):
        return point[tree]
    if not isinstance(tree, tuple):
        return F(tree)
    a = directly(point, tree[1])
    if tree[0] in ("relu", "step"):
        return max(a, F(0)) if tree[0] == "relu" else F(a > 0)
    b = directly(point, tree[2])
    return a + b if tree[0] == "+" else a * b


@given(trees, st.fractions(F(1, 5), 4, max_denominator=5), st.integers(0, 3), st.fractions(-4, 4, max_denominator=3))
def test_every_simplification_keeps_the_value(tree, p, n, r):
    point = {"p": p, "n": F(n), "r": r}
    ring = ReluRing([P, N, R])
    element = formula(ring, [(in_ring(ring, tree),)], ring.one)
    assert element.evaluate(point) == directly(point, tree)


@given(trees, trees, trees)
def test_ring_laws(a, b, c):
    ring = ReluRing([P, N, R])
    x, y, z = (in_ring(ring, t) for t in (a, b, c))
    assert x * (y + z) == x * y + x * z
    assert (x * y) * z == x * (y * z)
    assert x + y == y + x
    assert not (x - x)
    assert x - 1 == -(1 - x)


def test_signs_and_content():
    ring = ReluRing([P, N, R])
    p, n, r = (ring.generator(g) for g in (P, N, R))
    assert ring.relu(p * n + 3) == p * n + 3
    assert ring.relu(-p) == 0
    assert ring.relu(r * r) == r * r
    assert ring.relu(p * r * 6) == ring.relu(r) * p * 6
    assert ring.relu(ring.relu(r) * r) == ring.relu(r) * ring.relu(r)
    assert ring.step(p) == 1
    assert ring.step(p * r) == ring.step(r)
    assert ring.step(n * r) == ring.step(n) * ring.step(r)
    assert ring.step(r) * ring.step(r) == ring.step(r)
    assert ring.step(r) * ring.relu(r) == ring.relu(r)
    assert ring.relu(p - r) != ring.relu(r - p)
    assert len({ring.relu(r), ring.relu(r * 2) * F(1, 2)}) == 1
