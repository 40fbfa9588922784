"""Certificates for the verifier: found with FLINT's factorisation, checked by :mod:`exactdropout.claims.verifier`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import flint

from exactdropout.claims.language.syntax import Claim
from exactdropout.claims.setting.setting import Setting
from exactdropout.claims.verifier.algebra import Monomial, Polynomial, budget, by_power, gen, plus, times
from exactdropout.claims.verifier.rules import Certificate, Need, Signs, holds, rewritten
from exactdropout.claims.verifier.verify import NotReplayed, Obligation, Proof, View, obligations, verify

__all__ = ["replayable_proof"]

MAX_DEPTH = 5
MAX_TESTS = 60
MAX_SPLITS = 6
MAX_TERMS = 600
MAX_PRODUCTS = 1_000_000
"""Products of terms in one view: some seconds of one core."""
MAX_COMBINED, MAX_MULTIPLES = 40, 8
"""Combinations of known inequalities that are tried, and multiples in one of them."""
MAX_SIGNS = 4
"""Relu whose arguments are split by their sign, 16 cases at most."""
_REWRITINGS: tuple[tuple[str, ...], ...] = (
    ("shift",), ("squares",), ("squares", "shift"), ("one",), ("one", "shift"), ("bernoulli",), ("bernoulli", "shift"),
)  # fmt: skip
_EVERYWHERE: tuple[View, ...] = (
    "opaque", "one unit", "floor", "floors", "written", "last", "output", "uniform", "masked",
)  # fmt: skip
MAX_ATOMS = 5
"""Steps about relu, one inside the other."""


def replayable_proof(
    claim: Claim, setting: Setting, *, named: bool = True, everywhere: bool = True, products: int = MAX_PRODUCTS
) -> Proof | None:
    """Return a proof that the verifier has replayed, or None: for every size, or for sizes that are numbers.

    ``products`` are those of one view.
    """
    views: list[View] = [*_EVERYWHERE] if everywhere else []
    if named and setting.named:
        views.append("named")
    for view in views:
        here = next(setting.sizes()) if view == "named" else {}
        try:
            with budget(products):
                certificates = [_certificate(needed) for needed in obligations(claim, setting, view, here)]
                proof = Proof(view, tuple(here.items()), tuple(certificates))
                verify(claim, setting, proof)
        except NotReplayed:
            continue
        return proof
    return None


def _certificate(needed: Obligation) -> Certificate:
    polynomial, signs, need = needed.polynomial, needed.signs, needed.need
    found = _found(polynomial, signs, "positive" if need == "nonzero" else need)
    if found is None and need == "nonzero":
        turned = _found({m: -v for m, v in polynomial.items()}, signs, "positive")
        found = None if turned is None else Certificate("negative", parts=(turned,))
    if found is None:
        raise NotReplayed("no certificate was found")
    return found


def _found(a: Polynomial, signs: Signs, need: Need) -> Certificate | None:
    """Return a certificate: of the polynomial as it is, then after the rules that rewrite it."""
    direct = _direct(a, signs, need)
    if direct is not None:
        return direct
    if need != "zero" and signs.roots and (found := _by_roots(a, signs, need)) is not None:
        return found
    if need != "zero" and (found := _as_squares(a, signs, need)) is not None:
        return found
    for rules in _REWRITINGS:
        if need != "zero" and _applies(rules[0], a, signs):
            found = _after(rules, a, signs, need)
            if found is not None:
                return found
    if signs.known and (found := _combined(a, signs, need)) is not None:
        return found
    if not signs.atoms:
        return None
    return _with_atoms(a, signs, need, MAX_ATOMS) or _by_signs(a, signs, need, MAX_SIGNS)


def _by_roots(a: Polynomial, signs: Signs, need: Need) -> Certificate | None:
    """Return a certificate after one root has been compared with the rest by squares."""
    for name in [root for root in signs.roots if any(n == root for m in a for n, _ in m)]:
        step = Certificate("root", variable=name)
        try:
            left = rewritten(a, step, signs) or []
        except NotReplayed:
            continue
        parts = [_found(polynomial, replace(around, roots={}), need) for polynomial, around in left]
        if None not in parts:
            return replace(step, parts=tuple(part for part in parts if part is not None))
    return None


def _as_squares(a: Polynomial, signs: Signs, need: Need) -> Certificate | None:
    """Return a certificate after z relu(z) has become relu(z)² in every atom."""
    steps: list[Certificate] = []
    for name in reversed([atom for atom in signs.atoms if any(n == atom for m in a for n, _ in m)]):
        names = sorted({n for m in (*a, *signs.atoms[name]) for n, _ in m})
        coefficient = by_power(a, name).get(1, {})
        quotient, _ = divmod(_to_flint(coefficient, names)[0], _to_flint(signs.atoms[name], names)[0])
        factor = _from_flint(quotient, names)
        if factor and len(a) <= MAX_TERMS:
            steps.append(Certificate("hinge", ((factor, 1),), variable=name))
            ((a, signs),) = rewritten(a, steps[-1], signs) or []
    found = _direct(a, signs, need) if steps else None
    for step in reversed(steps):
        found = None if found is None else replace(step, parts=(found,))
    return found


def _by_signs(a: Polynomial, signs: Signs, need: Need, left: int) -> Certificate | None:
    """Return a certificate by the signs of the arguments of all relu, as far as these are known then."""
    here = [name for name in signs.atoms if name in signs.names(a)]
    if need == "zero" or (here and left == 0) or len(a) > MAX_TERMS:
        return None
    if not here:
        return _combined(a, signs, need)
    step = Certificate("signs", variable=min(here, key=lambda name: (len(signs.atoms[name]), name)))
    parts = []
    for polynomial, around in rewritten(a, step, signs) or []:
        part = _direct(polynomial, around, need) or _by_signs(polynomial, around, need, left - 1)
        if part is None:
            return None
        parts.append(part)
    return replace(step, parts=tuple(parts))


def _combined(a: Polynomial, signs: Signs, need: Need) -> Certificate | None:
    """Return a certificate by what is known: equations solved for a variable, then multiples that cancel bad terms."""
    multiples: dict[int, Polynomial] = {}
    for place, (f, equal) in enumerate(signs.known):
        name = next((m[0][0] for m, _ in sorted(f.items()) if len(m) == 1 and m[0][1] == 1 and
                     sum(n == m[0][0] for k in f for n, _ in k) == 1), "") if equal else ""  # fmt: skip
        if name and not any(name in signs.names(z) for z in signs.atoms.values()):
            multiples[place], a = _divided(a, f, name)
    left = [MAX_COMBINED]

    def search(a: Polynomial, multiples: dict[int, Polynomial], depth: int) -> Certificate | None:
        left[0] -= 1
        inner = _direct(a, signs, need)
        if inner is not None:
            listed = tuple((factor, place) for place, factor in multiples.items() if factor)
            return Certificate("known", listed, parts=(inner,)) if listed else inner
        if depth == MAX_MULTIPLES or left[0] < 0 or need == "zero":
            return None
        bad = [(m, v) for m, v in a.items() if v < 0 or any(p % 2 and n not in signs.nonnegative for n, p in m)]
        for monomial, value in sorted(bad, key=lambda item: (-sum(p for _, p in item[0]), item[0]))[:2]:
            for place, (f, equal) in enumerate(signs.known):
                for own, coefficient in f.items():
                    factor = _quotient(monomial, own, value / coefficient)
                    if factor is not None and (equal or signs.manifest(factor)):
                        rest = plus(a, {m: -v for m, v in times(factor, f).items()})
                        more = multiples | {place: plus(multiples.get(place, {}), factor)}
                        found = search(signs.reduced(rest), more, depth + 1)
                        if found is not None:
                            return found
        return None

    return search(signs.reduced(a), multiples, 0)


def _divided(a: Polynomial, f: Polynomial, name: str) -> tuple[Polynomial, Polynomial]:
    """Return λ and the rest of a = λ f + rest, in which a variable that f has once, to the power 1, is gone."""
    lead = ((name, 1),)
    factor: Polynomial = {}
    while True:
        term = next(((m, v) for m, v in a.items() if any(n == name for n, _ in m)), None)
        quotient = None if term is None else _quotient(term[0], lead, term[1] / f[lead])
        if quotient is None:
            return factor, a
        factor = plus(factor, quotient)
        a = plus(a, {m: -v for m, v in times(quotient, f).items()})


def _quotient(monomial: Monomial, own: Monomial, value: Fraction) -> Polynomial | None:
    powers = dict(monomial)
    if any(powers.get(name, 0) < power for name, power in own):
        return None
    rest = {name: power - dict(own).get(name, 0) for name, power in monomial}
    return {tuple((name, power) for name, power in rest.items() if power): value}


def _direct(a: Polynomial, signs: Signs, need: Need) -> Certificate | None:
    if need == "zero":
        return None if a else Certificate("zero")
    search = _Search(signs)
    return search.strict(a) if need == "positive" else search.test(a, 0)


def _applies(rule: str, a: Polynomial, signs: Signs) -> bool:
    sets: dict[str, set[str]] = {
        "shift": {*signs.least}, "squares": {*signs.squares}, "one": {*signs.ones}, "bernoulli": {*signs.powers},
    }  # fmt: skip
    return any(name in sets[rule] for m in a for name, _ in m)


def _after(rules: tuple[str, ...], a: Polynomial, signs: Signs, need: Need) -> Certificate | None:
    if not rules:
        return _direct(a, signs, need)
    step = Certificate(rules[0])  # type: ignore[arg-type]  # one of the rules
    ((polynomial, around),) = rewritten(a, step, signs) or []
    inner = _after(rules[1:], polynomial, around, need)
    return None if inner is None else replace(step, parts=(inner,))


def _with_atoms(a: Polynomial, signs: Signs, need: Need, budget: int) -> Certificate | None:
    """Return a certificate by what is known of relu: convexity, growth, or the cases of its argument's sign."""
    if budget <= 0:
        return None
    steps = _steps(a, signs) if need != "zero" else []
    for step in [*steps, *_splits(a, signs)]:
        try:
            left = rewritten(a, step, signs) or []
        except NotReplayed:
            continue
        parts = []
        for polynomial, around in left:
            if len(polynomial) > MAX_TERMS:
                break
            inner = _direct(polynomial, around, need)
            if inner is None and around.names(polynomial) & set(around.atoms):
                inner = _with_atoms(polynomial, around, need, budget - 1)
            if inner is None:
                break
            parts.append(inner)
        else:
            return replace(step, parts=tuple(parts))
        if step.rule == "cases":
            return None  # one split is tried: the others lead to the same leaves
    return None


def _steps(a: Polynomial, signs: Signs) -> Iterator[Certificate]:
    """Yield rules that put one atom between others, or below the sum of two."""
    here = [name for name in signs.atoms if any(n == name for m in a for n, _ in m)]
    for name in here:
        z = signs.atoms[name]
        negative = any(v < 0 for m, v in a.items() if any(n == name for n, _ in m))
        for first, second in itertools.combinations_with_replacement([n for n in here if n != name], 2):
            pair = _sum_of(z, signs.atoms[first], signs.atoms[second]) if negative else None
            if pair is not None:
                yield Certificate("subadditive", tuple((p, 1) for p in pair), variable=name)
        for other in here:
            difference = plus(z, {m: -v for m, v in signs.atoms[other].items()})
            if other != name and signs.manifest(difference) and negative:
                yield Certificate("subadditive", ((signs.atoms[other], 1), (difference, 1)), variable=name)
            if other != name and signs.manifest(difference):
                yield Certificate("between", ((signs.atoms[other], 1),), variable=name)


def _sum_of(z: Polynomial, u: Polynomial, v: Polynomial) -> tuple[Polynomial, Polynomial] | None:
    """Return c u and e v with z = c u + e v, c and e positive."""
    own = [next((m for m in p if m not in other), None) for p, other in ((u, v), (v, u))]
    if own[0] is None or own[1] is None:
        return None
    c, e = z.get(own[0], Fraction(0)) / u[own[0]], z.get(own[1], Fraction(0)) / v[own[1]]
    if c <= 0 or e <= 0:
        return None
    pair = {m: c * k for m, k in u.items()}, {m: e * k for m, k in v.items()}
    return pair if plus(*pair) == z else None


def _splits(a: Polynomial, signs: Signs) -> Iterator[Certificate]:
    """Yield a split at the argument of an atom, one that holds no other atom, solved for one of its variables."""
    here = [signs.atoms[name] for name in signs.atoms if name in signs.names(a)]
    for z in sorted(here, key=len):
        for ((name, power), *others), _ in ((m, v) for m, v in z.items() if m):
            if power == 1 and not others and sum(n == name for m in z for n, _ in m) == 1:
                yield Certificate("cases", ((z, 1),), variable=name)
    for z in here:  # a variable of any sign that is a factor of an argument
        for name in sorted({n for m in z for n, _ in m}):
            if name not in signs.atoms and name not in signs.nonnegative:
                yield Certificate("cases", ((gen(name), 1),), variable=name)


class _Search:
    """Looks for certificates of polynomials in named variables; the budget counts polynomials."""

    def __init__(self, signs: Signs) -> None:
        self.signs, self.tests = signs, MAX_TESTS

    def strict(self, a: Polynomial) -> Certificate | None:
        terms = sorted(a.items(), key=lambda item: (len(item[0]), item[0]))
        good = [(m, v) for m, v in terms if v > 0 and all(self.never_zero(name, p) for name, p in m)]
        for monomial, value in good[:MAX_SPLITS]:
            for share in (1, 2):
                term = {monomial: value / share}
                rest = dict(a)
                rest[monomial] -= value / share
                if not rest[monomial]:
                    del rest[monomial]
                inner = self.test(rest, 0)
                if inner is not None:
                    return Certificate("strict", ((term, 1),), parts=(inner,))
        return None

    def never_zero(self, name: str, power: int) -> bool:
        return name in self.signs.nonzero and (power % 2 == 0 or name in self.signs.nonnegative)

    def test(self, a: Polynomial, depth: int) -> Certificate | None:
        self.tests -= 1
        if len(a) > MAX_TERMS or depth > MAX_DEPTH or self.tests < 0:
            return None
        if all(v > 0 and all(p % 2 == 0 or n in self.signs.nonnegative for n, p in m) for m, v in a.items()):
            return Certificate("terms")
        names = sorted({name for m in a for name, _ in m})
        if not names:
            return None
        polynomial, context = _to_flint(a, names)
        content, factors = polynomial.factor()
        if len(names) == 1:
            return self.line(a, content, factors, names)
        return self.product(a, content, factors, names, depth) or self.quadratic(polynomial, context, names, depth)

    def line(self, a: Polynomial, content: Any, factors: Any, names: list[str]) -> Certificate | None:
        """Return a = s r², s without a root inside."""
        s: Polynomial = {(): _fraction(content)}
        r: Polynomial = {(): Fraction(1)}
        for factor, power in factors:
            plain = _from_flint(factor, names)
            s = times(s, plain) if power % 2 else s
            for _ in range(power // 2):
                r = times(r, plain)
        certificate = Certificate("line", ((s, 1), (r, 1)))
        try:
            holds(a, certificate, self.signs)
        except NotReplayed:
            return None
        return certificate

    def product(self, a: Polynomial, content: Any, factors: Any, names: list[str], depth: int) -> Certificate | None:
        if len(factors) == 1 and factors[0][1] == 1:
            return None
        sign, listed, parts = _fraction(content), [], []
        for factor, power in factors:
            plain = _from_flint(factor, names)
            if power % 2:
                part = self.test(plain, depth + 1)
                if part is None:
                    plain = {m: -v for m, v in plain.items()}
                    part, sign = self.test(plain, depth + 1), -sign
                if part is None:
                    return None
                parts.append(part)
            listed.append((plain, power))
        if sign < 0:
            return None
        return Certificate("product", (({(): sign}, 1), *listed), parts=(Certificate("terms"), *parts))

    def quadratic(self, polynomial: Any, context: Any, names: list[str], depth: int) -> Certificate | None:
        degrees = polynomial.degrees()
        order = sorted(range(len(names)), key=lambda i: (names[i] in self.signs.nonnegative, i))
        for place in order:
            if degrees[place] != 2:
                continue
            c, b, a = (_coefficient(polynomial, context, place, power) for power in range(3))
            if len(a) * len(c) + len(b) ** 2 > MAX_TERMS:
                continue
            parts = []
            for part in (a, c, 4 * a * c - b * b):
                found = self.test(_from_flint(part, names), depth + 1)
                if found is None:
                    break
                parts.append(found)
            else:
                return Certificate("quadratic", variable=names[place], parts=tuple(parts))
        return None


def _to_flint(a: Polynomial, names: list[str]) -> tuple[Any, Any]:
    context = flint.fmpq_mpoly_ctx.get([f"v{i}" for i in range(len(names))], "degrevlex")
    place = {name: i for i, name in enumerate(names)}
    terms = {}
    for monomial, value in a.items():
        exponents = [0] * len(names)
        for name, power in monomial:
            exponents[place[name]] = power
        terms[tuple(exponents)] = flint.fmpq(value.numerator, value.denominator)
    return context.from_dict(terms), context


def _from_flint(polynomial: Any, names: list[str]) -> Polynomial:
    return {
        tuple(sorted((names[i], int(power)) for i, power in enumerate(monomial) if power)): _fraction(value)
        for monomial, value in polynomial.terms()
    }


def _fraction(value: Any) -> Fraction:
    return Fraction(int(value.p), int(value.q)) if hasattr(value, "p") else Fraction(int(value))


def _coefficient(polynomial: Any, context: Any, place: int, power: int) -> Any:
    terms = {}
    for monomial, value in polynomial.terms():
        if monomial[place] == power:
            exponents = list(monomial)
            exponents[place] = 0
            terms[tuple(exponents)] = value
    return context.from_dict(terms)
