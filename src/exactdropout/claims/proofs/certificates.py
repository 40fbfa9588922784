"""Certificates for the verifier: found with FLINT's factorisation, checked by :mod:`exactdropout.claims.verifier`."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import flint

from exactdropout.claims.language.syntax import Claim
from exactdropout.claims.setting.setting import Setting
from exactdropout.claims.verifier import (
    Certificate,
    NotReplayed,
    Obligation,
    Proof,
    Signs,
    View,
    holds,
    obligations,
    verify,
)
from exactdropout.claims.verifier_algebra import Polynomial, gen, plus, substitute, times

__all__ = ["replayable_proof"]

MAX_DEPTH = 5
MAX_TESTS = 60
MAX_SPLITS = 6
MAX_TERMS = 600


def replayable_proof(claim: Claim, setting: Setting, sizes: Mapping[str, int] | None = None) -> Proof | None:
    """Return a proof that the verifier has replayed, or None; ``sizes`` of a setting whose sizes are numbers."""
    views: list[View] = ["opaque", "written", *(["named"] if setting.shape.named else [])]  # type: ignore[list-item]
    for view in views:
        here = dict(sizes or next(setting.sizes())) if view == "named" else {}
        try:
            certificates = [_certificate(needed) for needed in obligations(claim, setting, view, here)]
            proof = Proof(view, tuple(here.items()), tuple(certificates))
            verify(claim, setting, proof)
        except NotReplayed:
            continue
        return proof
    return None


def _certificate(needed: Obligation) -> Certificate | None:
    if needed.need == "zero":
        return None
    search = _Search(needed.signs)
    found = search.strict(needed.polynomial) if needed.need == "positive" else search.weak(needed.polynomial)
    if found is None:
        raise NotReplayed("no certificate was found")
    return found


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
                inner = self.weak(rest)
                if inner is not None:
                    return Certificate("strict", ((term, 1),), parts=(inner,))
        return None

    def never_zero(self, name: str, power: int) -> bool:
        return name in self.signs.nonzero and (power % 2 == 0 or name in self.signs.nonnegative)

    def weak(self, a: Polynomial) -> Certificate | None:
        found = self.test(a, 0)
        if found is None and any(name in ("K", "n") for m in a for name, _ in m):
            moved = _Search(Signs(self.signs.nonnegative, self.signs.nonzero - {"K", "n"})).test(_shifted(a), 0)
            return None if moved is None else Certificate("shift", parts=(moved,))
        return found

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


def _shifted(a: Polynomial) -> Polynomial:
    for size in ("K", "n"):
        a = substitute(a, size, plus(gen(size), {(): Fraction(1)}))
    return a


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
