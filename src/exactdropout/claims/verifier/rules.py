"""The verifier's rules: how a certificate shows that a polynomial is 0, is not negative, or is positive.

Variables are real; :class:`Signs` says which are ≥ 0 and which are never 0. An atom is a variable that stands for relu
of a polynomial. No rule looks for anything: a certificate says what to do, and the rule checks the side conditions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, Literal

from exactdropout.claims.verifier.algebra import (
    ONE,
    NotReplayed,
    Polynomial,
    by_power,
    constant,
    gen,
    plus,
    polynomial_text,
    roots,
    scaled,
    substitute,
    times,
    to_power,
)

__all__ = ["Certificate", "Need", "Signs", "holds", "rewritten"]

F = Fraction
Need = Literal["zero", "nonnegative", "positive", "nonzero"]


@dataclass(frozen=True)
class Certificate:
    """How a polynomial is shown to be 0, ≥ 0 or > 0: a rule, its polynomials, and certificates for its parts."""

    rule: Literal[
        "zero", "terms", "product", "quadratic", "line", "strict", "shift", "squares", "bernoulli", "cases",
        "signs", "subadditive", "between", "hinge", "one", "known", "negative", "root",
    ]  # fmt: skip
    polynomials: tuple[tuple[Polynomial, int], ...] = ()
    variable: str = ""
    parts: tuple[Certificate, ...] = ()


@dataclass
class Signs:
    """What is known of the variables.

    ``atoms`` are relu of polynomials, in the order of their making. ``least`` are lower bounds of K and n. ``squares``
    says (Σ f)² ≤ N Σ f²: for the name of Σ f², the name of Σ f and N, those with more factors first. ``powers`` says
    that z, the name of (a/b)^m − 1, is at least m (a/b − 1): for z the polynomials m (a − b) and b > 0. ``known`` are
    polynomials that are ≥ 0, or 0 where that is True, by assumption or by Bernoulli's inequality. ``ones`` says that a
    sum of terms ≥ 0 is at least one of its terms: for the name of the sum that term. ``roots`` are r ≥ 0 with r² = a.
    """

    nonnegative: set[str] = field(default_factory=set)
    nonzero: set[str] = field(default_factory=set)
    atoms: dict[str, Polynomial] = field(default_factory=dict)
    least: dict[str, int] = field(default_factory=dict)
    squares: dict[str, tuple[str, Polynomial]] = field(default_factory=dict)
    powers: dict[str, tuple[Polynomial, Polynomial]] = field(default_factory=dict)
    known: list[tuple[Polynomial, bool]] = field(default_factory=list)
    ones: dict[str, Polynomial] = field(default_factory=dict)
    roots: dict[str, Polynomial] = field(default_factory=dict)
    rests: int = 0

    def manifest(self, a: Polynomial) -> bool:
        """Return whether every term is ≥ 0 by its form."""
        return all(v > 0 and all(p % 2 == 0 or name in self.nonnegative for name, p in m) for m, v in a.items())

    def positive(self, a: Polynomial) -> bool:
        """Return whether every term is ≥ 0 and one of them is positive."""
        return self.manifest(a) and any(all(name in self.nonzero for name, _ in m) for m in a)

    def relu(self, z: Polynomial) -> Polynomial:
        """Return relu(z): relu(c z) = c relu(z), c ≥ 0; relu(−z) = relu(z) − z; z or 0 where its sign is known."""
        if self.manifest(z):
            return z
        if self.manifest(scaled(z, F(-1))):
            return {}
        outside = constant(1)
        for name, power in min(z):
            least = min(dict(m).get(name, 0) for m in z)
            least -= 0 if name in self.nonnegative else least % 2
            if least and power:
                outside = times(outside, to_power(gen(name), least))
                z = {tuple((n, p - least * (n == name)) for n, p in m if p > least * (n == name)): v
                     for m, v in z.items()}  # fmt: skip
        lead = z[min(z)]
        z = scaled(z, 1 / abs(lead))
        turned = scaled(z, F(-1)) if lead < 0 else z
        name = f"relu({polynomial_text(turned)})"
        self.atoms.setdefault(name, turned)
        self.nonnegative.add(name)
        top = gen(name) if lead > 0 else plus(gen(name), scaled(turned, F(-1)))
        return times(outside, scaled(top, abs(lead)))

    def reduced(self, a: Polynomial) -> Polynomial:
        """Return the polynomial with relu(z)² = z relu(z)."""
        for name in reversed(list(self.atoms)):
            if all(power < 2 for m in a for n, power in m if n == name):
                continue
            total: Polynomial = {}
            for power, rest in by_power(a, name).items():
                z = to_power(self.atoms[name], power - 1) if power else ONE
                total = plus(total, times(rest, times(z, gen(name)) if power else z))
            a = total
        return a

    def moved(self, a: Polynomial, moves: Mapping[str, Polynomial]) -> Polynomial:
        """Return the polynomial with polynomials for variables, all at once, inside relu too."""
        known: dict[str, Polynomial] = {}

        def value(name: str) -> Polynomial:
            if name not in known:
                if name in moves:
                    known[name] = moves[name]
                elif name in self.atoms:
                    known[name] = self.relu(self.moved(self.atoms[name], moves))
                else:
                    known[name] = gen(name)
            return known[name]

        total: Polynomial = {}
        for monomial, coefficient in a.items():
            term = constant(coefficient)
            for name, power in monomial:
                term = times(term, to_power(value(name), power))
            total = plus(total, term)
        return total

    def names(self, a: Polynomial) -> set[str]:
        """Return the variables of a polynomial, those inside its atoms too."""
        found = {name for m in a for name, _ in m}
        for name in [*found]:
            if name in self.atoms:
                found |= self.names(self.atoms[name])
        return found

    def copy(self) -> Signs:
        """Return the same, to be changed."""
        return replace(
            self, nonnegative=set(self.nonnegative), nonzero=set(self.nonzero), atoms=dict(self.atoms),
            squares=dict(self.squares), ones=dict(self.ones), powers=dict(self.powers), known=[*self.known],
            roots=dict(self.roots),
        )  # fmt: skip


def holds(a: Polynomial, certificate: Certificate | None, signs: Signs, need: Need = "nonnegative") -> None:
    """Check that a certificate shows a = 0, a ≥ 0 or a > 0.

    Raises:
        NotReplayed: a side condition fails.
    """
    if certificate is None:
        raise NotReplayed("no certificate")
    if need == "nonzero":  # of one sign: positive, or its negative is
        turned = certificate.rule == "negative"
        holds(scaled(a, F(-1)) if turned else a, certificate.parts[0] if turned else certificate, signs, "positive")
        return
    if certificate.rule == "root" and need == "zero":
        raise NotReplayed("the rule root where zero is to be shown")
    changed = rewritten(a, certificate, signs)
    if changed is not None:
        if len(changed) != len(certificate.parts):
            raise NotReplayed("one certificate for each case")
        for (polynomial, around), part in zip(changed, certificate.parts, strict=True):
            holds(polynomial, part, around, need)
        return
    wanted: Need = {"zero": "zero", "strict": "positive"}.get(certificate.rule, "nonnegative")  # type: ignore[assignment]
    if wanted != need:
        raise NotReplayed(f"the rule {certificate.rule} where {need} is to be shown")
    match certificate.rule:
        case "zero":
            if a:
                raise NotReplayed("a difference that is not 0")
        case "terms":
            if not signs.manifest(a):
                raise NotReplayed("a term that may be negative")
        case "product":
            result = constant(1)
            odd = [f for f, power in certificate.polynomials if power % 2]
            for factor, power in certificate.polynomials:
                result = times(result, to_power(factor, power))
            if result != a:
                raise NotReplayed("factors whose product is another polynomial")
            for factor, part in zip(odd, certificate.parts, strict=True):
                holds(factor, part, signs)
        case "quadratic":
            powers = by_power(a, certificate.variable)
            if set(powers) - {0, 1, 2}:
                raise NotReplayed("a degree above 2")
            c, b, top = (powers.get(k, {}) for k in range(3))
            last = plus(scaled(times(top, c), F(4)), scaled(times(b, b), F(-1)))
            for polynomial, part in zip((top, c, last), certificate.parts, strict=True):
                holds(polynomial, part, signs)
        case "line":
            _on_a_line(a, certificate, signs)
        case "strict":
            ((term, _),) = certificate.polynomials
            if len(term) != 1 or not signs.positive(term):
                raise NotReplayed("no single term that is positive")
            holds(plus(a, scaled(term, F(-1))), certificate.parts[0], signs)


def rewritten(a: Polynomial, certificate: Certificate, signs: Signs) -> list[tuple[Polynomial, Signs]] | None:
    """Return what is left to be shown after a rule that rewrites the polynomial; None for the other rules."""
    around = signs.copy()
    _refuse_inside(
        a,
        {"shift": signs.least, "squares": signs.squares, "one": signs.ones, "bernoulli": signs.powers},
        certificate,
        signs,
    )
    match certificate.rule:
        case "shift":  # K stands for K − 1 ≥ 0 from here on
            for size, least in signs.least.items():
                a = substitute(a, size, plus(gen(size), constant(least)))
            around.nonzero -= set(signs.least)
            around.least, around.squares, around.ones, around.powers, around.known = {}, {}, {}, {}, []
            around.roots = {}
        case "squares":  # N Σ f² = (Σ f)² + r, r ≥ 0: from here on r has the name of Σ f²
            done: set[str] = set()
            for name, (root, width) in signs.squares.items():
                if root in done:
                    raise NotReplayed("a sum whose place a remainder has taken")
                done.add(name)
                if any(n == name for m in a for n, _ in m):
                    a = _replaced(a, name, plus(to_power(gen(root), 2), gen(name)), width)
                around.nonzero.discard(name)
                around.nonnegative.add(name)
            around.squares, around.ones, around.powers, around.known, around.roots = {}, {}, {}, [], {}
        case "one":  # Σ f = f_k + r, r ≥ 0, every term being ≥ 0: from here on r has the name of the sum
            for name, term in signs.ones.items():
                if any(n in signs.ones for m in term for n, _ in m):
                    raise NotReplayed("a term that holds a sum whose place a remainder takes")
                a = _replaced(a, name, plus(term, gen(name)), ONE)
                around.nonzero.discard(name)
                around.nonnegative.add(name)
            around.squares, around.ones, around.powers, around.known, around.roots = {}, {}, {}, [], {}
        case "bernoulli":  # z = m (a/b − 1) + r, r ≥ 0: from here on r has the name of z
            for name, (top, bottom) in signs.powers.items():
                if any(n == name for m in a for n, _ in m):
                    a = _replaced(a, name, plus(top, times(bottom, gen(name))), bottom)
                around.nonzero.discard(name)
            around.powers, around.known, around.roots = {}, [], {}
        case "cases":
            return _cases(a, certificate, signs)
        case "signs":
            return _signs(a, certificate, signs)
        case "root":
            return [(part, around) for part in _root(a, certificate.variable, signs)]
        case "subadditive":
            a = _subadditive(a, certificate, around)
        case "between":
            a = _between(a, certificate, around)
        case "hinge":  # z relu(z) = relu(z)²
            name, ((factor, _),) = certificate.variable, certificate.polynomials
            inside = {n for n in signs.names(factor) if n in signs.atoms}
            if name not in signs.atoms or not {name, *inside} <= signs.names(a):
                raise NotReplayed("a square of a relu that does not occur")
            apart = plus(times(signs.atoms[name], gen(name)), scaled(to_power(gen(name), 2), F(-1)))
            a = plus(a, scaled(times(factor, apart), F(-1)))
        case "known":  # a = Σ λ f + rest, λ ≥ 0 where f ≥ 0 is known, any λ where f = 0 is
            for factor, place in certificate.polynomials:
                if not 0 <= place < len(signs.known) or not (signs.known[place][1] or signs.manifest(factor)):
                    raise NotReplayed("a multiple of what is not known, or one that may be negative")
                a = plus(a, scaled(times(factor, signs.known[place][0]), F(-1)))
            a = around.reduced(a)
        case _:
            return None
    return [(a, around)]


def _refuse_inside(
    a: Polynomial, renamed: Mapping[str, Mapping[str, Any]], certificate: Certificate, signs: Signs
) -> None:
    """Refuse a rule that gives a variable another meaning where relu of it occurs."""
    names = renamed.get(certificate.rule, {})
    for atom in {name for name in signs.names(a) if name in signs.atoms}:
        if names and signs.names(signs.atoms[atom]) & set(names):
            raise NotReplayed("relu of something that the rule rewrites")


def _replaced(a: Polynomial, name: str, top: Polynomial, bottom: Polynomial) -> Polynomial:
    """Return a with top/bottom for a variable, times a power of bottom > 0."""
    powers = by_power(a, name)
    degree = max(powers)
    total: Polynomial = {}
    for power, rest in powers.items():
        total = plus(total, times(rest, times(to_power(top, power), to_power(bottom, degree - power))))
    return total


def _cases(a: Polynomial, certificate: Certificate, signs: Signs) -> list[tuple[Polynomial, Signs]]:
    """Return a where z ≥ 0 and where z ≤ 0, z = c v + rest for a number c and a variable v that z is solved for."""
    ((z, _),) = certificate.polynomials
    v = certificate.variable
    parts = by_power(z, v)
    slope = parts.get(1, {})
    if set(parts) - {0, 1} or set(slope) != {()} or v in signs.nonnegative | signs.nonzero or v in signs.atoms:
        raise NotReplayed("a split at something that is not solved for a variable of any sign")
    if any(name in signs.atoms for m in z for name, _ in m) or not _plain(v):
        raise NotReplayed("a split at something that holds relu or a sum")
    found = []
    for sign in (1, -1):  # z = u and z = −u, u ≥ 0, has the name of v
        around = signs.copy()
        around.nonnegative.add(v)
        solved = scaled(plus(scaled(gen(v), F(sign)), scaled(parts.get(0, {}), F(-1))), 1 / slope[()])
        around.atoms, around.ones, around.powers, around.known = {}, {}, {}, []  # what they say is of the former v
        around.roots = {}
        found.append((around.reduced(_with_atoms(a, {v: solved}, signs, around)), around))
    return found


def _signs(a: Polynomial, certificate: Certificate, signs: Signs) -> list[tuple[Polynomial, Signs]]:
    """Return a where relu(z) = z, z >= 0 being known, and where relu(z) = 0, -z >= 0 being known."""
    name = certificate.variable
    if name not in signs.atoms:
        raise NotReplayed("a case of something that is no relu")
    found = []
    for value, fact in ((signs.atoms[name], signs.atoms[name]), ({}, scaled(signs.atoms[name], F(-1)))):
        around = signs.copy()
        left = around.reduced(around.moved(a, {name: value}))
        around.known = [*around.known, (fact, False)]
        found.append((left, around))
    return found


def _root(a: Polynomial, name: str, signs: Signs) -> list[Polynomial]:
    """Return what shows a = c r − s ≥ 0, c ≥ 0: c² r² − s² ≥ 0; or a = s − c r ≥ 0: s ≥ 0 and s² − c² r² ≥ 0."""
    parts = by_power(a, name)
    slope, rest = parts.get(1, {}), parts.get(0, {})
    inside = {n for m in a for n, _ in m if n in signs.atoms and name in signs.names(signs.atoms[n])}
    if name not in signs.roots or set(parts) - {0, 1} or inside:
        raise NotReplayed("a root that does not occur once, or inside relu")
    below = scaled(slope, F(-1))
    if not slope or not (signs.manifest(slope) or signs.manifest(below)):
        raise NotReplayed("a multiple of a root that may have any sign")
    squares = signs.reduced(times(times(slope, slope), signs.roots[name])), signs.reduced(times(rest, rest))
    if signs.manifest(slope):
        return [plus(squares[0], scaled(squares[1], F(-1)))]
    return [rest, plus(squares[1], scaled(squares[0], F(-1)))]


def _plain(name: str) -> bool:
    return "(" not in name and "'" not in name


def _with_atoms(a: Polynomial, moves: Mapping[str, Polynomial], signs: Signs, around: Signs) -> Polynomial:
    """Return a with polynomials for variables; the atoms are made anew with the signs around."""
    made: dict[str, Polynomial] = dict(moves)
    for name, z in signs.atoms.items():  # an atom holds atoms that were made before it
        made[name] = around.relu(around.moved(z, made))
    return around.moved(a, made)


def _subadditive(a: Polynomial, certificate: Certificate, around: Signs) -> Polynomial:
    """Return a with relu(z) = relu(u) + relu(v) − r, r ≥ 0, where z = u + v."""
    name, (first, second) = certificate.variable, (p for p, _ in certificate.polynomials)
    if name not in around.atoms or plus(first, second) != around.atoms[name]:
        raise NotReplayed("relu of something that is not the sum of both")
    return _rest(a, name, plus(around.relu(first), around.relu(second)), -1, around)


def _between(a: Polynomial, certificate: Certificate, around: Signs) -> Polynomial:
    """Return a with relu(z) = relu(u) + r, 0 ≤ r, where z − u ≥ 0 by its form."""
    name, ((below, _),) = certificate.variable, certificate.polynomials
    if name not in around.atoms or not around.manifest(plus(around.atoms[name], scaled(below, F(-1)))):
        raise NotReplayed("relu of something that may be smaller")
    return _rest(a, name, around.relu(below), 1, around)


def _rest(a: Polynomial, name: str, main: Polynomial, sign: int, around: Signs) -> Polynomial:
    """Return a with main ± r for an atom that no other atom holds; r ≥ 0 is a new variable."""
    if any(n == name for z in around.atoms.values() for m in z for n, _ in m):
        raise NotReplayed("relu inside another relu")
    if any(n == name for m in main for n, _ in m):
        raise NotReplayed("relu of itself")
    around.rests += 1
    rest = f"rest{around.rests}'"
    around.nonnegative.add(rest)
    return around.reduced(substitute(a, name, plus(main, scaled(gen(rest), F(sign)))))


def _on_a_line(a: Polynomial, certificate: Certificate, signs: Signs) -> None:
    """a = s r² in one variable; s has no root inside its domain and is positive at 1."""
    (s, _), (r, _) = certificate.polynomials
    names = {name for m in a for name, _ in m}
    if len(names) > 1 or times(s, times(r, r)) != a:
        raise NotReplayed("another polynomial, or more than one variable")
    name = next(iter(names), "")
    powers = by_power(s, name)
    coefficients = [powers.get(k, {}).get((), F(0)) for k in range(max(powers, default=0) + 1)]
    half = name in signs.nonnegative
    if half and coefficients[0] == 0:
        coefficients = coefficients[1:]  # a root at the edge changes no sign inside
    if not coefficients or (half and coefficients[0] == 0):
        raise NotReplayed("a repeated root at the edge")
    if roots(coefficients, half=half) or sum(coefficients) <= 0:
        raise NotReplayed("a change of sign")
