r"""Two inputs, one hidden relu layer of width n without biases, the point mass on ((1, 1), 1): n*(2, q) for large q.

With h_i the product of a unit and its output weight, a function on the masks (1, 0), (0, 1), (1, 1) with probabilities
pq, pq, p², ‖·‖ and ⟨·,·⟩ taken with these, and H = Σ h_i,

    J_D = q² + ‖1 − H‖² + λ Σ ‖h_i‖²,    λ = q/p.

Every unit is *common*, h = (a, b, a + b), or *mixed*: h = (f, 0, t f) or (0, f, t f) with 0 ≤ t ≤ 1; output weights of
either sign are allowed, so a, b, f have any sign. For every vector ρ

    J_D ≥ q² + 2⟨ρ, 1⟩ − ‖ρ‖² − Σ_i max_h (2⟨ρ, h⟩ − λ ‖h‖²),    the maximum over the units of the kind of unit i.

Four such ρ, rational functions of n and p, show that J_D ≥ T_n wherever one polynomial in n and p is not positive;
where it is positive, one mixed unit and n − 1 equal common units are below T_n. All this is computed with n and p as
symbols.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import sympy
from flint import fmpz_poly

from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.theorems.negative_weights import two_inputs_bounds as bounds
from exactdropout.theorems.negative_weights.common_and_mixed_units import positive_on
from exactdropout.theorems.negative_weights.two_inputs_bounds import FIRST, RATE
from exactdropout.theorems.proof import Step, argument, enumerated, step
from exactdropout.theorems.statements.terms import Term

__all__ = [
    "FIRST",
    "LEAST",
    "RATE",
    "SINGLE",
    "Vector",
    "best_common",
    "bound_without_units",
    "duals",
    "inner",
    "lam",
    "n",
    "needs_negative",
    "network_below",
    "p",
    "positive",
    "q",
    "two_inputs_steps",
    "zero",
]

n, p, z, u = sympy.symbols("n p z u", positive=True)
a, b, f, t, r1, r2, s = sympy.symbols("a b f t r_1 r_2 s", real=True)
q, lam = 1 - p, (1 - p) / p
Vector = tuple[Any, Any, Any]


def _of(term: Term) -> Any:
    """Return a polynomial of the statements with the symbols of this module."""
    return term.expression().xreplace({sympy.Symbol("q"): 1 - p, sympy.Symbol("n"): n, sympy.Symbol("p"): p})


SINGLE, SINGLE_FREE, PAIR, PAIR_FREE, SWITCH = map(
    _of, (bounds.SINGLE, bounds.SINGLE_FREE, bounds.PAIR, bounds.PAIR_FREE, bounds.SWITCH)
)


def inner(x: Vector, y: Vector) -> Any:
    """⟨x, y⟩ with the probabilities pq, pq, p²."""
    return p * q * (x[0] * y[0] + x[1] * y[1]) + p**2 * x[2] * y[2]


def zero(expression: Any) -> bool:
    """Return whether a rational function is 0."""
    symbols = sorted(expression.free_symbols, key=str)
    field = sympy.polys.fields.FracField(symbols or (p,), sympy.QQ, sympy.polys.orderings.lex)
    return bool(field.from_expr(expression) == 0)


ONE: Vector = (1, 1, 1)
COMMON: tuple[Vector, Vector] = ((1, 0, 1), (0, 1, 1))
LEAST = 1 - 2 * p / ((1 + p) * (1 + lam / n))
"""T_n, the minimum over non-negative weights."""


def bound_without_units(rho: Vector) -> Any:
    """q² + 2⟨ρ, 1⟩ − ‖ρ‖²."""
    return (1 - p) ** 2 + 2 * inner(rho, ONE) - inner(rho, rho)


def best_common(rho: Vector) -> Any:
    """max 2⟨ρ, h⟩ − λ‖h‖² over h = (a, b, a + b): its squared projection, Gram matrix p [[1, p], [p, 1]], by λ."""
    x, y = (inner(rho, g) for g in COMMON)
    return (x**2 - 2 * p * x * y + y**2) / (lam * p * (1 - p**2))


def _best_free(first: Any, last: Any) -> Any:
    """The maximum over h = (f, 0, g) for ρ with these entries at f and g."""
    return (p * q * first**2 + p**2 * last**2) / lam


def _best_edge(first: Any) -> Any:
    """The maximum over h = (f, 0, t f), 0 ≤ t ≤ 1, where it is at t = 0."""
    return p * q * first**2 / lam


def duals() -> dict[str, tuple[Vector, Any, Any, Any, int]]:
    """Name ↦ ρ, the bound of a mixed unit, the polynomial, the positive factor, number of mixed units it is for."""
    large = n * p + 1 - 2 * p
    edge = n * p + 1 - p - p**2
    scale = q * (n * p**2 + 1 - 2 * p**2) / edge
    single = (scale, scale * (n * p + q) / large, -q * SWITCH / (large * edge))
    free = n * p * (1 + p * q) + 1 - p - 2 * p**2 + p**3
    scale = q * (n * p**2 + 1 + p * q) / free
    single_free = (scale * large / (n * p + q), scale, -q * SWITCH / ((n * p + q) * free))
    both = n * p * (1 + p**2) + 1 - 2 * p - p**2 - 2 * p**3
    last = q * (1 + 3 * p - 2 * p**2 - n * p * q)
    pair = (q * (n * p**2 + 1 - 3 * p**2) / both,) * 2 + (last / both,)
    both_free = n * p * (1 + 2 * p - p**2) + 1 - 3 * p**2 + 2 * p**3
    pair_free = (q * (n * p**2 + 1 + 2 * p - p**2) / both_free,) * 2 + (last / both_free,)
    top = q * p**2 / ((1 + p) * (n * p + q))
    return {
        "single": (single, _best_edge(single[0]), SINGLE, top / (large * edge), 1),
        "single free": (single_free, _best_free(single_free[0], single_free[2]), SINGLE_FREE, top / free, 1),
        "pair": (pair, _best_edge(pair[0]), PAIR, 2 * top / both, 2),
        "pair free": (pair_free, _best_free(pair_free[0], pair_free[2]), PAIR_FREE, 2 * top / both_free, 2),
    }


def positive(polynomial: Any, first: int = FIRST) -> bool:
    """Return whether a polynomial is > 0 for n ≥ first, 0 < p ≤ 1 − RATE: n = first + u, p = (1 − RATE)/(1 + z)."""
    end = sympy.Rational(RATE.denominator - RATE.numerator, RATE.denominator)
    moved = sympy.together(polynomial.subs(n, first + u).subs(p, end / (1 + z)))
    top, bottom = (sympy.Poly(part, u, z) for part in moved.as_numer_denom())
    return all(c > 0 for part in (top, bottom) for c in part.coeffs())


def _on(expression: Any, low: Fraction, high: Fraction) -> bool:
    """Return whether a polynomial in p alone is > 0 for low < p ≤ high."""
    coefficients = sympy.Poly(expression, p).all_coeffs()[::-1]
    return all(c.is_Integer for c in coefficients) and positive_on(fmpz_poly([int(c) for c in coefficients]), low, high)


END = 1 - RATE


def two_inputs_steps() -> list[Step]:
    """Negative weights are needed at n ≥ 8, q ≥ 0.7195 exactly where S(n, p) > 0."""
    return [
        _kinds(),
        _all_common(),
        _edges(),
        _switches(),
        *_conclusion(),
        _once(),
        enumerated(
            "The network of one mixed unit: J_D by the double loop is T_n less the stated amount.",
            _numbers(),
            "n = 8, q = 73/100 and 3/4 (1,024 masks each)",
        ),
    ]


def _kinds() -> Step:
    return argument(
        r"$K = 2$ without biases: let $h_i$ be a unit times its output weight, on the masks $(1, 0), (0, 1), (1, 1)$ "
        r"(it is 0 on $(0, 0)$). Two input weights $\ge 0$ give $h = (a, b, a + b)$; one negative weight gives $(f, "
        r"0, t f)$ or $(0, f, t f)$ with $0 \le t \le 1$; two give 0. Then $J_D = q^2 + \|1 - H\|^2 + \lambda \sum "
        r"\|h_i\|^2$, $H = \sum h_i$, with the probabilities $pq, pq, p^2$ in the norm."
    )


def _all_common() -> Step:
    """The vector 1 − C of n equal common units gives the bound T_n."""
    c = 1 / ((1 + p) * (1 + lam / n))
    rho: Vector = (1 - c, 1 - c, 1 - 2 * c)
    return step(
        r"Without mixed units $J_D \ge T_n$: with $\rho = (1 - c, 1 - c, 1 - 2 c)$, $c = \frac1{(1 + p)(1 + "
        r"\lambda/n)}$, the bound $q^2 + 2 \langle \rho, 1 \rangle - \|\rho\|^2 - n D_c$ is $T_n$, which $n$ equal "
        r"common units reach.",
        "identity",
        zero(bound_without_units(rho) - n * best_common(rho) - LEAST),
    )


def _edges() -> Step:
    """Where ρ₃ ≤ 0, the conditions of D_m = pq ρ₁²/λ hold: ρ₁ ≥ 0 and q ρ₁ + p ρ₃ ≥ 0."""
    holds = True
    for name in ("single", "pair"):
        rho = duals()[name][0]
        for value in (rho[0], q * rho[0] + p * rho[2]):
            top, bottom = sympy.fraction(sympy.factor(value))
            if not positive(bottom):
                top, bottom = -top, -bottom
            holds = holds and positive(sympy.expand(bottom)) and positive(sympy.expand(top))
    return step(
        r"In the first and the third, $\rho_1 > 0$ and $q \rho_1 + p \rho_3 > 0$; $\rho_3$ has the sign of $-N$, $N "
        r"= n^2 p^2 q - n p^2 (4 - 3 p) - (1 - 4 p^2 + 2 p^3)$, in the first and of $1 + 3 p - 2 p^2 - n p q$ in "
        r"the third.",
        "cases",
        holds,
        "manifest signs",
    )


def _switches() -> Step:
    """S ≤ 0 gives P ≤ 0; where ρ₃ > 0, S_f ≤ 0 and P_f ≤ 0."""
    extra = 2 * n * p**2 + 2 + n * p**3 + 2 * p - p**2 - p**3
    first = zero(SINGLE - (n * p + 1 - p) * PAIR - p**2 * extra) and positive(extra)
    # N > 0 for n p >= 2; then (1 − p) S_f − p N is negative for n p <= 2
    y = 2 + u
    beyond = SWITCH.subs(n, y / p)
    large = all(_on(c, Fraction(0), END) for c in sympy.Poly(sympy.expand(beyond), u).all_coeffs())
    rest = sympy.expand(q * SINGLE_FREE - p * SWITCH)
    slope, constant = sympy.Poly(rest, n).all_coeffs()
    second = (
        large
        and _on(sympy.expand(slope / p**3), Fraction(0), END)
        and _on(sympy.expand(-(slope / p * 2 + constant)), Fraction(0), END)
    )
    return step(
        r"$S = (n p + q) P + p^2 (2 n p^2 + 2 + n p^3 + 2 p - p^2 - p^3)$, so $P \le 0$ where $S \le 0$. If $N \le "
        r"0$ then $n p < 2$, and $q S_f - p N$, which increases with $n$, is negative at $n p = 2$: $S_f < 0$.",
        "root count",
        first and second,
        f"0 < p <= {END}",
    )


def _conclusion() -> list[Step]:
    # third ρ with ρ₃ > 0: n p q < 1 + 3 p − 2 p²
    split = Fraction(13, 50)
    eight = _on(SINGLE.subs(n, 8), split, END) and _on(-sympy.expand(PAIR_FREE.subs(n, 8)), Fraction(0), split)
    edge = Fraction(227, 1000)
    outside = _on(sympy.expand(9 * p * q - (1 + 3 * p - 2 * p**2)), edge, END)
    bound = sympy.expand((1 - p**2) * (1 + p * q) * q**2 - p * (1 + 3 * p - 2 * p**2) ** 2)
    nine = (
        outside
        and _on(bound, Fraction(0), edge)
        and zero(PAIR_FREE - (p * (n * p) ** 2 - n * p**3 * q - (1 - p**2) * (1 + p * q)))
    )
    return [
        step(
            r"If $S \le 0$ and $n p q < 1 + 3 p - 2 p^2$, then $P_f < 0$: for $n = 8$, $S > 0$ for $p > "
            r"\frac{13}{50}$ and $P_f < 0$ below; for $n \ge 9$, $p \le \frac{227}{1000}$ and $P_f < p (n p)^2 - (1 "
            r"- p^2)(1 + pq)$, which is negative.",
            "root count",
            eight and nine,
        ),
        argument(
            r"So let $S \le 0$ and some unit be mixed. Mixed units of one of the two kinds only, $k \ge 1$ of them: "
            r"the first $\rho$ if $N \ge 0$, the second if not, give the bound $B_1 \ge T_n$ for $k = 1$ and $B_1 + "
            r"(k - 1)(D_c - D_m)$ for $k$; and $D_c \ge D_m$, as $n$ equal common units give $T_n \ge B_1 + D_m - "
            r"D_c$. Both kinds: the third or the fourth $\rho$, the same with $k - 2$. Units with negative output "
            r"weights are covered: $a, b, f$ have any sign."
        ),
    ]


def network_below(width: int, rate: Fraction) -> Network:
    """Return one mixed unit and width − 1 common ones: the network that is below T_n where S > 0 (q ≥ 0.7195).

    >>> first, *_, last = network_below(8, Fraction(3, 4)).weights[0]
    >>> print(*first, *last)
    3/172 71/3440 11/344 -11/344
    """
    drop = sympy.Rational(rate.numerator, rate.denominator)
    point = [e.subs({n: width, p: 1 - drop}) for e in _point()]
    x, y, z_ = (Fraction(int(e.p), int(e.q)) * (1 - rate) for e in map(sympy.Rational, point))
    rows = [(x / (width - 1), y / (width - 1))] * (width - 1) + [(z_, -z_)]
    return Network([rows, [1] * width])


def _point() -> tuple[Any, Any, Any]:
    """The sums a, b of the common units and f of the mixed one."""
    large, edge = n * p + 1 - 2 * p, n * p + 1 - p - p**2
    x = q * (n - 1) * p / edge
    y = (n - 1) * p * (n * p * (1 - p * q) + 2 * q**3 - 4 * q**2 + 4 * q - 1) / (large * edge)
    return x, y, p * (n * p**2 + 1 - 2 * p**2) / edge


def _once() -> Step:
    """S as a function of n ≥ 0: negative at 0, convex; and p S → w (w² + 2 w − 1) for n = w/p²."""
    start = sympy.expand(-SINGLE.subs(n, 0))
    second = sympy.expand(SINGLE.diff(n, 2) / (2 * p**3))
    low, high = sympy.Poly(second, n).all_coeffs()[::-1]
    w = sympy.Symbol("w", positive=True)
    limit = sympy.expand(p * SINGLE.subs(n, w / p**2)).subs(p, 0)
    return step(
        r"$S$ is negative at $n = 0$ and convex in $n \ge 0$: if width $n$ needs negative weights, every larger "
        r"width does; $p S$ at $n = w/p^2$ tends to $w (w^2 + 2 w - 1)$, so $p^2 n^* \to \sqrt 2 - 1$ as $q \to 1$.",
        "root count",
        _on(start, Fraction(0), END)
        and _on(low, Fraction(0), END)
        and _on(sympy.expand(high), Fraction(0), END)
        and zero(limit - w * (w**2 + 2 * w - 1)),
    )


def needs_negative(width: int, rate: Fraction) -> bool:
    """Return whether S > 0: whether every minimiser of this width ≥ 8 has a negative weight at this q ≥ 0.7195.

    >>> [width for width in range(8, 20) if needs_negative(width, Fraction(4, 5))][0]
    13
    """
    drop = sympy.Rational(rate.numerator, rate.denominator)
    return bool(SINGLE.subs({n: width, p: 1 - drop}) > 0)


def _numbers() -> Iterator[tuple[Any, Any]]:
    for rate in (Fraction(73, 100), Fraction(3, 4)):
        drop = sympy.Rational(rate.numerator, rate.denominator)
        network = network_below(8, rate)
        found = naive_evaluation(network, Examples.point((1, 1), 1), (rate, rate)).criterion
        claimed = (LEAST - duals()["single"][3] * SINGLE).subs({n: 8, p: 1 - drop})
        yield sympy.Rational(found.numerator, found.denominator), claimed
