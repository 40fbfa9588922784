"""A replayed proof as steps that a referee follows: one displayed formula each, with its rule and the side condition.

The polynomials are those of the verifier, obtained again from the claim; nothing here decides anything.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from exactdropout.claims.language.parser import parse_expression
from exactdropout.claims.language.syntax import Claim, Comparison, Monotonicity, Quantity, expression_latex, walk
from exactdropout.claims.setting.setting import Setting
from exactdropout.claims.verifier.algebra import ONE, Polynomial, Ratio, by_power, plus, scaled, times
from exactdropout.claims.verifier.named import Named
from exactdropout.claims.verifier.rules import Certificate, Signs, rewritten
from exactdropout.claims.verifier.size_powers import SizePower
from exactdropout.claims.verifier.sizes import AllSizes
from exactdropout.claims.verifier.verify import Obligation, Proof, obligations
from exactdropout.errors import InvalidInput
from exactdropout.notation.latex import measured
from exactdropout.notation.markup import latex_text
from exactdropout.notation.numbers import number_latex
from exactdropout.notation.style import ReluForm

__all__ = ["proof_steps"]

WIDTH = 66
"""Letters of a displayed line in a list of steps, as :func:`~exactdropout.notation.latex.measured` counts them."""
MAX_TERMS, MAX_STEPS = 18, 14
"""Terms of a displayed polynomial, and steps after which the rest is told in a sentence."""
_LETTERS = "ijklrsuvz"
_EXPONENTS = {"m'": "d-1", "K": "K-1", "n": "n-1"}
_NAMES = {
    "t": "t", "w": r"\omega", "M": "m", "V": "V", "e": r"\varepsilon", "h": "h", "G": "G", "H": "H", "s": "s", "S": "S",
    "U": "U", "P": "P", "Q": "Q", "m": "(d-1)", "p": "p", "rest": "r",
}  # fmt: skip
_VIEWS = {
    "named": r"Quantities are means over all masks of the layers before the last, and the rescaled masks of the last "
    r"layer have mean $1$ and variance $t$, so that every quantity is a polynomial:",
    "opaque": r"Write $t = q/p \ge 0$, $\omega$ for $W(x)$ and $m$ for $\mathbb{E}\,D$ (both less the output bias "
    r"where their sign is known), and $V$ for $\operatorname{Var} D \ge 0$. For each example",
    "written": r"Units are linear on every mask. With $t = q/p \ge 0$, layer by layer from the inputs, where "
    r"$\operatorname{Cov} = 0$,",
    "last": r"The last layer alone is dropped. With $t = q/p \ge 0$ and the units $h_j$ before it",
    "output": r"Write $h_j$ for the units of the last hidden layer without dropout, $m$ for $\mathbb{E}\,D$ and $V$ "
    r"for $\operatorname{Var} D \ge 0$. Then",
    "uniform": r"Weights are $c$, inputs $1$, and units linear on every mask. With $t = q/p \ge 0$, layer by layer,",
    "floor": r"The mask that drops the whole last layer has probability $s > 0$, and there $D = b$. With $S, U \ge 0$ "
    r"for all other masks",
    "masked": r"Each mask $r$ of the inputs has probability $p^{\lvert r\rvert} q^{K - \lvert r\rvert}$. On it unit "
    r"$j$ gives $h_j(r)$, where relu of what it gets is $a^{(k)}_j \ge 0$, one for each argument up to a positive "
    r"factor, and the rescaled masks of the hidden layer have mean $1$ and variance $t = q/p$:",
    "floors": r"Some layer is dropped as a whole with probability $s = 1 - \prod_l (1 - q_l^{n_l})$; there $D = b$, "
    r"as there are no hidden biases. With $S, U \ge 0$ for all other masks",
    "one unit": r"With one hidden unit and $w y \le 0$ the map $g(z) = (w f(z) - y)^2$ is convex, so by Jensen's "
    r"inequality",
}
_FORMULAS = {
    "named": r"t = \frac{q}{p}, \qquad \mathbb{E}\,r = 1, \qquad \operatorname{Var} r = t.",
    "opaque": r"J_D = V + (\mathbb{E}\,D - y)^2, \qquad R = (W(x) - y)^2.",
    "written": "\\begin{aligned}\n"
    r"\mathbb{E}\,D &= W(x),\\"
    "\n"
    r"\operatorname{Cov}(h_j, h_l) &= \sum_{i,k} W_{j,i} W_{l,k} \operatorname{Cov}(h_i, h_k)\\"
    "\n"
    r"&\quad + t \sum_i W_{j,i} W_{l,i} \bigl(\operatorname{Cov}(h_i, h_i) + (\mathbb{E}\,h_i)^2\bigr)."
    "\n\\end{aligned}",
    "last": r"\mathbb{E}\,D = W(x) = b + \sum_j w_j h_j, \qquad \operatorname{Var} D = t \sum_j w_j^2 h_j^2.",
    "output": r"W(x) = b + \sum_j w_j h_j, \qquad J_D = V + (m - y)^2, \qquad R = (W(x) - y)^2.",
    "uniform": r"W(x) = K n^{d-1} c^d, \qquad \operatorname{Var} D = W(x)^2 \Bigl( \bigl(1 + \tfrac{t}{K}\bigr) "
    r"\bigl(1 + \tfrac{t}{n}\bigr)^{d-1} - 1 \Bigr).",
    "floor": r"J_D = s\,(b - y)^2 + S, \qquad \mathbb{E}\,D^2 = s\,b^2 + U.",
    "masked": r"\mathbb{E}\,D = b + \sum_j w_j\, \mathbb{E}_r\, h_j(r), \qquad \mathbb{E}\,D^2 = \mathbb{E}_r\Bigl("
    r"\bigl(b + \sum_j w_j h_j(r)\bigr)^2 + t \sum_j w_j^2 h_j(r)^2\Bigr).",
    "floors": r"J_D = s\,(b - y)^2 + S, \qquad \mathbb{E}\,D^2 = s\,b^2 + U.",
    "one unit": r"J_D \ge \mathbb{E}\,g(z) \ge g(\mathbb{E}\,z) = R, \qquad J_D = R + P, \quad P \ge 0.",
}
_FACTS = {
    "e": r"$\lvert m - \omega\rvert = \varepsilon \ge 0$ has the sign that Jensen's inequality gives",
    "G": r"$G \ge 0$ is what $V$ gains with $q$, as a sum of squares times products of $q/p$, or what "
    r"$\mathbb{E}\,(D - y)^2$ gains, by convexity in the masks of each layer",
    "H": r"$H \ge 0$ is what $\mathbb{E}\,D$ moves with $q$, by convexity in the masks of each layer",
    "h": r"$h > 0$ is the step of the variable",
}


_TOLD = {
    "shift": r"\emph{Shift.} A size is its least value plus a number $\ge 0$, which is written with a prime",
    "bernoulli": r"\emph{Bernoulli.} $(a/b)^e - 1 = e\,(a/b - 1) + r$ with $r \ge 0$",
    "hinge": r"\emph{Squares.} $z \operatorname{relu}(z) = \operatorname{relu}(z)^2$, so that",
    "subadditive": r"\emph{Subadditivity.} $\operatorname{relu}(u + v) = \operatorname{relu}(u) + "
    r"\operatorname{relu}(v) - r$ with $r \ge 0$",
    "root": r"\emph{Roots.} $\sqrt a \ge s$ holds where $a \ge s^2$, and $\sqrt a \le s$ where $s \ge 0$ and "
    r"$a \le s^2$",
    "between": r"\emph{Growth.} $\operatorname{relu}(v) = \operatorname{relu}(u) + r$ with $r \ge 0$, as $v \ge u$",
}


def proof_steps(claim: Claim, setting: Setting, proof: Proof, relu: ReluForm = "word") -> tuple[str, ...]:
    r"""Return the steps of a proof that the verifier has replayed, as LaTeX."""
    needed, powers = obligations(claim, setting, proof.view, dict(proof.sizes)), _powers(claim, setting, proof)
    speaks = any(isinstance(node, Quantity) for node in walk(claim))
    same = _same(claim, setting) if proof.view == "opaque" else ""
    steps = [f"{_VIEWS[proof.view]}\n{_shown(_FORMULAS[proof.view])}{same}"] if speaks else []
    for number, (obligation, certificate) in enumerate(zip(needed, proof.certificates, strict=True)):
        assert certificate is not None
        printer = _Printer(obligation.signs, {}, powers, relu)
        steps += printer.one(claim, obligation, certificate, _sides(claim, setting, proof, number))
    if len(steps) > MAX_STEPS:
        left = len(steps) - MAX_STEPS
        told = f"The other {left} steps are of the same kinds; \\texttt{{verdict.proof}} has them."
        steps = [*steps[:MAX_STEPS], told]
    return tuple(steps)


def _same(claim: Claim, setting: Setting) -> str:
    """Return why E D = W(x), where that is used."""
    here = AllSizes(claim, setting, "opaque")
    if not here.same:
        return ""
    why = (
        "nothing is dropped" if here.kept
        else "units are linear on every mask, by their activation or by assumed signs" if here.linear()
        else "only the last layer is dropped, or every unit is 0 by assumed signs"
    )  # fmt: skip
    return "\n" + rf"Here $\mathbb{{E}}\,D = W(x)$, so $m = \omega$: {why}."


def _powers(claim: Claim, setting: Setting, proof: Proof) -> dict[str, SizePower]:
    """Return what the names of powers with a size as exponent mean, which the verifier numbers as it meets them."""
    if proof.view == "named" or not isinstance(claim.statement, Comparison | Monotonicity):
        return {}
    here, statement = AllSizes(claim, setting, proof.view), claim.statement
    here.assume(lambda side: here.closed(here.value(side, {})))
    sides = statement.sides if isinstance(statement, Comparison) else (statement.expression,)
    for value in [here.value(side, {}) for side in sides]:
        here.closed(value)
    return {power.name: power for power in here.powers}


def _sides(claim: Claim, setting: Setting, proof: Proof, number: int) -> Ratio | None:
    """Return the left side of a relation, written out."""
    if not isinstance(claim.statement, Comparison):
        return None
    sides = claim.statement.sides
    if proof.view == "named":
        return Named(claim, setting, dict(proof.sizes)).value(sides[number], {}).cancelled()
    here = AllSizes(claim, setting, proof.view)
    here.assume(lambda side: here.closed(here.value(side, {})))
    values = [here.value(side, {}) for side in sides]  # all of them, as the verifier: it numbers powers as they come
    return [here.closed(value) for value in values][number].cancelled()


def _shown(formula: str) -> str:
    return "\\begin{equation*}\n" + formula + "\n\\end{equation*}"


@dataclass(frozen=True)
class _Printer:
    """Prints polynomials of the verifier; ``alias`` says what a rule has put in the place of a variable."""

    signs: Signs
    alias: Mapping[str, str]
    powers: Mapping[str, SizePower]
    relu: ReluForm

    def one(self, claim: Claim, obligation: Obligation, certificate: Certificate, left: Ratio | None) -> Iterator[str]:
        """Yield the steps about one relation."""
        sign = {"zero": "= 0", "nonnegative": r"\ge 0", "positive": "> 0", "nonzero": r"\ne 0"}[obligation.need]
        a = obligation.polynomial
        if not a and left is not None:
            yield (
                f"\\emph{{Identity.}} Multiplied out, equal sums over indices written as one{self.meant(left.top)}, "
                "both sides are\n" + self.display("", self.fraction(left), ".")
            )
            return
        if not a:
            yield "\\emph{Identity.} Multiplied out, all terms of the difference cancel:\n" + _shown(r"\Delta = 0.")
            return
        facts = [t for name, t in _FACTS.items() if any(n in (f"{name}'", f"{name}0'") for m in a for n, _ in m)]
        told = (f", where {' and '.join(facts)}" if facts else "") + self.meant(a)
        what = "left and right" if isinstance(claim.statement, Comparison) else "the two values that are compared"
        yield (
            f"\\emph{{To show.}} The difference of {what} has the sign of $\\Delta${told}:\n"
            + self.display(r"\Delta", self.pieces(a), f" {sign}.")
        )
        yield from self.steps(a, certificate, r"\Delta")

    def meant(self, a: Polynomial) -> str:
        """Return what stands for powers whose exponent is a size, where a polynomial holds them."""
        used = [self.powers[n] for n in sorted({n for m in a for n, _ in m}) if n in self.powers]
        said = []
        for power in used:
            over, under = (scaled(a, 1 / _content(power.under)) for a in (power.over, power.under))
            base = (
                self.raised(over) if under == ONE else rf"\bigl(\tfrac{{{self.line(over)}}}{{{self.line(under)}}}\bigr)"
            )
            if power.excess:
                said.append(f"$1 + {self.name(power.name)} = {base}^{{{_EXPONENTS[power.size]}}}$")
        if any(re.fullmatch(r"g\d+'", n) for m in a for n, _ in m):
            said.append(r"$g_k \ge 0$ for what a power gains")
        return f", with {' and '.join(said)}" if said else ""

    def raised(self, a: Polynomial) -> str:
        """Return a polynomial as the base of a power."""
        alone = len(a) == 1 and list(a.values()) == [1] and all(len(m) == 1 and m[0][1] == 1 for m in a)
        return self.line(a) if alone else self.bracket(a)

    def steps(self, a: Polynomial, certificate: Certificate, name: str) -> Iterator[str]:
        """Yield the steps of a certificate for a polynomial."""
        rule, parts = certificate.rule, certificate.parts
        if not a or rule == "zero":
            yield f"\\emph{{Identity.}} All terms of ${name}$ cancel: it is 0."
        elif rule == "terms":
            odd = ", ".join(f"${self.name(n)}$" for n in dict.fromkeys(n for m in a for n, p in m if p % 2))
            why = f", since {odd} {'is' if odd.count('$') == 2 else 'are'}" if odd else ", all powers being even"
            yield f"\\emph{{Terms.}} Every term of ${name}$ is $\\ge 0${why}."
        elif rule == "negative":
            yield f"\\emph{{Sign.}} $-({name})$ is positive."
            yield from self.steps(scaled(a, Fraction(-1)), parts[0], f"-({name})")
        elif rule == "product":
            listed = [(f, p) for f, p in certificate.polynomials if f != ONE]
            pieces = [("+", "\\, ".join(_power(self.raised(f), p) for f, p in listed))]
            yield (
                "\\emph{Product.} Even powers are $\\ge 0$, and so is each factor with an odd power.\n"
                + self.display(name, pieces, ".")
            )
            odd_factors = [f for f, p in certificate.polynomials if p % 2]
            for factor, part in zip(odd_factors, parts, strict=True):
                if len(factor) > 1:
                    yield from self.steps(factor, part, self.line(factor))
        elif rule == "quadratic":
            powers = by_power(a, certificate.variable)
            c, b, top = (powers.get(k, {}) for k in range(3))
            last = plus(scaled(times(top, c), Fraction(4)), scaled(times(b, b), Fraction(-1)))
            letters = (r"\alpha", r"\gamma", r"4\alpha\gamma - \beta^2")
            yield (
                f"\\emph{{Discriminant.}} In $v = {self.name(certificate.variable)}$ it is $\\alpha v^2 + \\beta v + "
                "\\gamma$, and not negative where these three are not:\n"
                + "\n".join(self.display(x, self.pieces(f), ",") for x, f in zip(letters, (top, c, last), strict=True))
            )
            for polynomial, part, letter in zip((top, c, last), parts, letters, strict=True):
                yield from self.steps(polynomial, part, letter)
        elif rule == "line":
            (s, _), (r, _) = certificate.polynomials
            yield (
                "\\emph{Sturm.} The first factor has no root where the variable may be, and is positive at 1.\n"
                + self.display(name, [("+", self.bracket(s) + ("" if r == ONE else self.bracket(r) + "^2"))], ".")
            )
        elif rule == "strict":
            ((term, _),) = certificate.polynomials
            rest = plus(a, scaled(term, Fraction(-1)))
            yield (
                "\\emph{Strict.} One term is positive, its variables being never 0; the rest $\\varrho$ is $\\ge 0$.\n"
                + _shown(f"{self.line(term)} > 0.") + "\n" + self.display(r"\varrho", self.pieces(rest), ".")
            )  # fmt: skip
            yield from self.steps(rest, parts[0], r"\varrho")
        else:
            yield from self.rewriting(a, certificate, name)

    def rewriting(self, a: Polynomial, certificate: Certificate, name: str) -> Iterator[str]:
        """Yield the steps of a rule that rewrites the polynomial, each case in turn."""
        rule, signs = certificate.rule, self.signs
        used = {n for m in a for n, _ in m}
        told, alias, zeta = _TOLD.get(rule, ""), dict(self.alias), ""
        if self.relu == "plus":
            told = re.sub(r"\\operatorname\{relu\}(\([^()]*\))", r"\1_+", told)
        if rule == "squares":
            names = [square for square in signs.squares if square in used]
            alias |= {square: f"r_{{{k}}}" for k, square in enumerate(names, start=1)}
            lines = [
                _shown(
                    rf"{self.factor(width)} {self.name(square)} = \Bigl({self.name(root)}\Bigr)^2 + {alias[square]},"
                )
                for square, (root, width) in ((square, signs.squares[square]) for square in names)
            ]
            rest = ", ".join(alias[square] for square in names)
            told = rf"\emph{{Cauchy--Schwarz.}} With ${rest} \ge 0$" + "".join(f"\n{line}" for line in lines)
        elif rule == "one":
            names = [name for name in signs.ones if name in used]
            alias |= {whole: f"r_{{{k}}}" for k, whole in enumerate(names, start=1)}
            lines = [
                _shown(f"{self.name(whole)} = {self.line(signs.ones[whole])} + {alias[whole]},") for whole in names
            ]
            rest = ", ".join(alias[whole] for whole in names)
            told = rf"\emph{{One term.}} All terms of the sum are $\ge 0$: with ${rest} \ge 0$" + "".join(
                f"\n{line}" for line in lines
            )
        elif rule == "known":
            sums = [("+", ("" if f == ONE else self.bracket(f)) + self.bracket(signs.known[k][0]))
                    for f, k in certificate.polynomials]  # fmt: skip
            bound = any("V" in n for _, k in certificate.polynomials for m in signs.known[k][0] for n, _ in m)
            source = "by assumption" + (", by the bound of $V$ where all terms of $D$ have one sign" if bound else "")
            told = (
                rf"\emph{{Known.}} This is $\ge 0$ {source}, or by a case above (or times something that is $\ge 0$)"
                "\n" + self.display("", sums, ",") + "\nand with it taken away there is left"
            )
        elif rule in ("signs", "cases"):
            z = signs.atoms[certificate.variable] if rule == "signs" else certificate.polynomials[0][0]
            zeta, told = self.line(z), r"\emph{Cases.} By the sign of what stands inside a relu. "
        elif rule == "shift":
            alias |= {size: f"{size}'" for size in signs.least}
        elif rule == "bernoulli":
            alias |= {power: f"r_{{{k}}}" for k, power in enumerate((n for n in signs.powers if n in used), start=1)}
        left = rewritten(a, certificate, signs) or []
        for number, ((polynomial, around), part) in enumerate(zip(left, certificate.parts, strict=True)):
            start = told
            if zeta:
                start = f"{'' if number else told}Where ${zeta} {(chr(92) + 'le') if number else (chr(92) + 'ge')} 0$"
            if rule == "cases":
                alias = {**self.alias, certificate.variable: "u"}
                start += rf", ${zeta} = {'-' if number else ''}u$ with $u \ge 0$"
            inner = _Printer(around, alias, self.powers, self.relu)
            yield f"{start}\n" + inner.display(name, inner.pieces(polynomial), ".")
            yield from inner.steps(polynomial, part, name)

    def display(self, name: str, pieces: list[tuple[str, str]], end: str) -> str:
        """Return a displayed sum, in lines where it is long."""
        lines, width = [""], measured(name)
        for sign, piece in pieces:
            size = measured(piece) + 3
            if lines[-1] and width + size > WIDTH:
                lines, width = [*lines, ""], 4.0
            lines[-1] += f" {sign} {piece}"
            width += size
        lines[0] = lines[0].strip().removeprefix("+ ").replace("- ", "-", 1) if lines[0].startswith(" -") else (
            lines[0].strip().removeprefix("+ ")
        )  # fmt: skip
        head = f"{name} = " if name else ""
        if len(lines) == 1:
            return _shown(f"{head}{lines[0]}{end}")
        first = f"{head}&{lines[0]}" if not name else f"{name} &= {lines[0]}"
        body = "\\\\\n".join([first, *(rf"&\quad {line.strip()}" for line in lines[1:])])
        return _shown(f"\\begin{{aligned}}\n{body}{end}\n\\end{{aligned}}")

    def fraction(self, value: Ratio) -> list[tuple[str, str]]:
        """Return a value as terms of a sum; 1/(1 + t) is p."""
        keep = value.keep
        if set(value.bottom) == {()}:
            value = Ratio(scaled(value.top, 1 / value.bottom[()]), keep, ONE)
        if not value.top or (value.bottom == ONE and keep == 0):
            return self.pieces(value.top)
        outside = "" if not keep else _power("p", keep) if keep > 0 else _power("(1 + t)", -keep)
        over = (
            self.line(value.top)
            if value.bottom == ONE
            else rf"\frac{{{self.line(value.top)}}}{{{self.line(value.bottom)}}}"
        )
        return [("+", f"{outside} {self.bracket(value.top) if value.bottom == ONE else over}".strip())]

    def bracket(self, a: Polynomial) -> str:
        """Return a polynomial in parentheses."""
        return rf"\bigl({self.line(a)}\bigr)"

    def factor(self, a: Polynomial) -> str:
        """Return a polynomial as a factor."""
        return "" if a == ONE else self.line(a) if len(a) == 1 else self.bracket(a)

    def line(self, a: Polynomial) -> str:
        """Return a polynomial in one line."""
        text = "".join(f" {sign} {piece}" for sign, piece in self.pieces(a)).strip()
        return text.replace("- ", "-", 1) if text.startswith("- ") else text.removeprefix("+ ")

    def pieces(self, a: Polynomial) -> list[tuple[str, str]]:
        """Return the signs and terms of a polynomial, or how many terms it has."""
        if not a:
            return [("+", "0")]
        if len(a) > MAX_TERMS:
            return [("+", rf"(\text{{a polynomial of {len(a)} terms}})")]
        found = []
        for monomial, value in sorted(a.items(), key=lambda item: (-sum(p for _, p in item[0]), item[0])):
            ordered = sorted(monomial, key=lambda f: ("sum" in f[0] and f[0] not in self.alias, f[0]))
            names = "\\, ".join(_power(self.name(name), power) for name, power in ordered)
            size = "" if abs(value) == 1 and names else number_latex(abs(value))
            found.append(("-" if value < 0 else "+", f"{size} {names}".strip()))
        return found

    def name(self, name: str) -> str:
        """Return a variable of the verifier as LaTeX."""
        if name in self.alias:
            return self.alias[name]
        if name in self.powers and not self.powers[name].excess:
            return f"{self.line(self.powers[name].over)}^{{{_EXPONENTS[self.powers[name].size]}}}"
        if name in self.signs.atoms:
            argument = self.bracket(self.signs.atoms[name])
            return f"{argument}_+" if self.relu == "plus" else rf"\operatorname{{relu}}{argument}"
        if name.startswith("-"):
            return rf"\lvert {self.name(name[1:])}\rvert"
        if name in self.signs.roots:
            return rf"\sqrt{{{self.line(self.signs.roots[name])}}}"
        if name.startswith("sum("):
            return _sum(name)
        if primed := re.fullmatch(r"([A-Za-z]+)(\d*)'", name):
            letter = _NAMES.get(primed[1], primed[1])
            return f"{letter}_{{{primed[2]}}}" if primed[2] else letter
        try:
            return expression_latex(parse_expression(name))
        except InvalidInput:
            return rf"\text{{{latex_text(name)}}}"


def _content(a: Polynomial) -> Fraction:
    """Return the largest number that leaves integers as coefficients, 1 for 0."""
    values = [v for v in a.values() if v]
    top = math.gcd(*(v.numerator for v in values))
    return Fraction(top, math.lcm(*(v.denominator for v in values))) if top else Fraction(1)


def _power(base: str, power: int) -> str:
    if power == 1:
        return base
    if raised := re.fullmatch(r"(\w+|\\\w+)\^\{(\w-1)\}", base):
        return f"{raised[1]}^{{{power}({raised[2]})}}"
    bracket = r"(?:\\operatorname\{relu\})?\\bigl\(.*\\bigr\)(?:_\+)?"
    plain = re.fullmatch(bracket + r"|\\?[A-Za-z]+|\(1 \+ t\)|[A-Za-z]_\{[^{}]*\}", base)
    return f"{base}^{{{power}}}" if plain else rf"\bigl({base}\bigr)^{{{power}}}"


def _sum(name: str) -> str:
    """Return a sum over units: its ranges, and its factors with repeated ones as powers."""
    ranges, factors = ast.literal_eval(f"({name[4:-1]})")
    letters = [_LETTERS[k] for k in range(len(ranges))]
    counted: dict[str, int] = {}
    for letter, places in factors:
        at = ["".join(letters[p] if p >= 0 else str(-p)) for p in places]
        base, layer = re.fullmatch(r"([A-Za-z]+?)'?(\d*)'?", letter).groups()  # type: ignore[union-attr]
        entry = f"{base}^{{({layer})}}" if layer and ((base == "W" and layer != "1") or base == "a") else base
        index = ",".join(at)
        text = f"{entry}_{{{index}}}" if index else entry
        counted[text] = counted.get(text, 0) + 1
    body = " ".join(_power(text, power) for text, power in counted.items())
    over = "".join(rf"\sum_{{{letter}=1}}^{{{size}}} " for letter, size in zip(letters, ranges, strict=True))
    return rf"{over}{body}"
