"""The verifier at every size: polynomials in scalars and sums over indices; quantities by what a view knows of them.

Each view has side conditions, which :class:`AllSizes` checks on the setting alone; ``docs/claims.md`` lists them.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Literal

from exactdropout.claims.language.syntax import (
    Claim,
    Comparison,
    Expression,
    Invariance,
    Minimiser,
    Monotonicity,
    Multiply,
    Name,
    Number,
    Quantity,
    rebuilt,
    walk,
)
from exactdropout.claims.setting.setting import Setting
from exactdropout.claims.verifier.algebra import (
    NotReplayed,
    Polynomial,
    Ratio,
    T,
    by_power,
    gen,
    plus,
    ratio,
    scaled,
    times,
)
from exactdropout.claims.verifier.named import ENTRIES, Key, number_of
from exactdropout.claims.verifier.sums import Sums, Term, Terms

__all__ = ["AllSizes", "SizesView"]

F = Fraction
SizesView = Literal["opaque", "written", "uniform", "floor", "one unit"]
MAX_DROPPED = 12


class AllSizes(Sums):
    """Expressions and quantities for every size, in a view."""

    def __init__(self, claim: Claim, setting: Setting, view: SizesView) -> None:
        """Check the side conditions of a view.

        Raises:
            NotReplayed: one does not hold.
        """
        super().__init__(claim, setting)
        shape = setting.shape
        self.view = view
        self.vanishing = False
        self.scale: Ratio | None = None
        values = [number_of(rate) for rate in setting.rates]
        self.kept = all(value == 0 for value in values)
        last = len(values) > 1 and all(value == 0 for value in values[:-1])
        slope = shape.activation.slope
        self.same = self.kept or last or self.linear()
        self.above = 0 <= slope <= 1 and self.assumed(*self.weights(2))
        self.below = 0 <= slope <= 1 and self.at_most(("w", ())) and self.assumed(*self.weights(2)[:-1])
        hidden = bool(shape.hidden) and not shape.symbolic_depth
        rectified = slope == 0 and (hidden or (bool(shape.hidden) and self.inputs_nonnegative()))
        before = rectified or self.nonnegative()
        self.sign = 0 if not before else 1 if self.assumed(("w", ())) else -1 if self.at_most(("w", ())) else 0
        good = {
            "opaque": True,
            "written": self.linear() and not shape.symbolic_depth,
            "uniform": self.uniform(),
            "floor": True,
            "one unit": self.one_unit(),
        }[view]
        if not good:
            raise NotReplayed(f"the side conditions of the view {view}")

    def assumed(self, *keys: Key) -> bool:
        """Return whether groups are assumed, or given, to be ≥ 0."""
        setting = self.setting
        for key in keys:
            definition = setting.definition(key)
            if definition is not None:
                value = number_of(definition)
                symbol = isinstance(definition, Name) and not definition.indices
                good = value is not None and value >= 0
                if symbol and isinstance(definition, Name):
                    good = bool(setting.sign((definition.name, ())) & {">", ">="})
            else:
                good = bool(setting.sign(key) & {">", ">="})
            if not good:
                return False
        return True

    def weights(self, first: int) -> list[Key]:
        """Return the groups of weights from a layer on."""
        if self.setting.shape.symbolic_depth:
            return [("W", ()), ("w", ())]
        return [*(("W", (layer,)) for layer in range(first, len(self.setting.shape.hidden) + 1)), ("w", ())]

    def inputs_nonnegative(self) -> bool:
        """Return whether all inputs are ≥ 0."""
        setting = self.setting
        if isinstance(setting.inputs, tuple):
            return all((number_of(x) or F(0)) >= 0 and number_of(x) is not None for x in setting.inputs)
        return setting.inputs == "ones" or self.assumed(("x", ()))

    def nonnegative(self) -> bool:
        """Return whether inputs, weights and hidden biases are all ≥ 0."""
        shape = self.setting.shape
        biases = not shape.hidden_biases or not (shape.hidden or shape.symbolic_depth)
        return self.inputs_nonnegative() and (biases or self.assumed(("biases", ()))) and self.assumed(*self.weights(1))

    def linear(self) -> bool:
        """Return whether every unit is linear on all masks."""
        shape = self.setting.shape
        deep = bool(shape.hidden) or shape.symbolic_depth
        return not deep or shape.activation.slope == 1 or self.nonnegative()

    def at_most(self, key: Key) -> bool:
        """Return whether a group is assumed to be ≤ 0."""
        return self.setting.definition(key) is None and bool(self.setting.sign(key) & {"<", "<="})

    def vanishes(self, key: Key) -> bool:
        """Return whether a group is given the value 0."""
        definition = self.setting.definition(key)
        return definition is not None and number_of(definition) == 0

    def uniform(self) -> bool:
        """Return whether all weights are equal, inputs 1, there are no biases, and units are linear on all masks."""
        setting, shape = self.setting, self.setting.shape
        others = {key[0] for key in setting.definitions if key != ("weights", ())}
        return (
            ("weights", ()) in setting.definitions and not others & (ENTRIES | {"x"}) and setting.inputs == "ones"
            and not shape.hidden_biases and not shape.output_bias and self.linear()
        )  # fmt: skip

    def one_unit(self) -> bool:
        """Return whether there is one hidden unit, no output bias, a slope in [0, 1], and w y ≤ 0."""
        setting, shape = self.setting, self.setting.shape
        if shape.hidden != (1,) or shape.symbolic_depth or shape.output_bias or not 0 <= shape.activation.slope <= 1:
            return False
        if setting.definition(("w", ())) is not None:
            return False
        y = setting.definition(("y", ())) or setting.label
        label = setting.sign(("y", ()))
        value = number_of(y) if y is not None else None
        if value is not None:
            label = frozenset({">=", "<="} if value == 0 else {">="} if value > 0 else {"<="})
        elif y is not None:
            return False
        weight = setting.sign(("w", (1,)))
        up, down = {">", ">="}, {"<", "<="}
        opposite = (weight & up and label & down) or (weight & down and label & up) or (label & up and label & down)
        return bool(opposite) or any(map(_product_below, setting.filters))

    def quantity(self, name: str) -> Terms:
        """Return a quantity; where half the mass is on the origin, D = W = y = 0 there, without biases."""
        shape = self.setting.shape
        if self.setting.half and (shape.hidden_biases or shape.output_bias):
            raise NotReplayed("biases at the origin of Definition 1")
        found = self.example()
        if name not in found:
            raise NotReplayed(f"{name} in the view {self.view}")
        half = self.setting.half and name != "output"
        return self.product(self.number(ratio(F(1, 2))), found[name]) if half else found[name]

    def example(self) -> dict[str, Terms]:
        """Return the quantities of the example."""
        y = self.name("y", (), {})
        if self.view == "floor":
            return self.floor(y)
        w, m, v = self.moments()
        if self.scale is not None:
            unit = self.scale
            w, m, v = (self.product(self.number(f), a) for f, a in ((unit, w), (unit, m), (unit * unit, v)))
        error, plain = m + self.negative(y), w + self.negative(y)
        risk = self.product(plain, plain)
        if self.view == "one unit":
            self.signs.nonnegative.add("P'")
            rest = self.number(Ratio(gen("P'")))
            return {"criterion": risk + rest, "risk": risk, "penalty": rest, "output": w}
        criterion = v + self.product(error, error)
        return {
            "criterion": criterion, "risk": risk, "penalty": criterion + self.negative(risk), "mean": m, "variance": v,
            "second_moment": v + self.product(m, m), "output": w,
        }  # fmt: skip

    def moments(self) -> tuple[Terms, Terms, Terms]:
        """Return W(x), E D and Var D."""
        shape = self.setting.shape
        bias = self.entry(("b", ()), ()) if shape.output_bias else ()
        origin = not shape.hidden_biases and self.setting.inputs is None and self.vanishes(("x", ()))
        if self.vanishing or self.vanishes(("w", ())) or origin:
            return bias, bias, ()
        if self.view == "written":
            depth = len(shape.hidden) + 1
            return self.mean(depth, None), self.mean(depth, None), self.covariance(depth, None, None)
        if self.view == "uniform":
            return self.equal_weights()
        self.signs.nonnegative |= {"V'", "e'"}
        w, e = self.number(Ratio(gen("w'"))), self.number(Ratio(gen("e'")))
        if self.sign:  # W(x) − b and E D − b have one sign
            self.signs.nonnegative |= {"w'", "M'"}
            w = self.product(self.number(ratio(self.sign)), w)
        m = self.product(self.number(ratio(self.sign or 1)), self.number(Ratio(gen("M'"))))
        m = w if self.same else w + e if self.above else w + self.negative(e) if self.below else m
        offset = bias if self.sign else ()
        if self.output_is_label():
            return self.name("y", (), {}), self.name("y", (), {}) if self.same else m + offset, self.opaque_variance()
        return w + offset, m + offset, self.opaque_variance()

    def opaque_variance(self) -> Terms:
        """Return Var D ≥ 0."""
        return () if self.kept else self.number(Ratio(gen("V'")))

    def output_is_label(self) -> bool:
        """Return whether R = 0 is assumed: then W(x) = y on the example."""
        zero, risk = Number(F(0)), Quantity("risk")
        said = {(risk, zero), (zero, risk)}
        return self.scale is None and any(c.relations == ("=",) and c.sides in said for c in self.setting.filters)

    def equal_weights(self) -> tuple[Terms, Terms, Terms]:
        """Return W(x) = K n^m c^d and Var D = W(x)² ((1 + t/K)(1 + t/n)^m − 1); by layers where the rates differ."""
        shape = self.setting.shape
        c = self.value(self.setting.definitions["weights", ()], {})
        output, growth = self.product(c, self.number(self.extent(str(shape.inputs)))), ratio(1)
        growth = ratio(1) + self.spread(0) * self.extent(str(shape.inputs)).inverse()
        for layer, width in enumerate(shape.hidden, start=1):
            size = self.extent(str(width))
            step = ratio(1) + self.spread(0 if shape.symbolic_depth else layer) * size.inverse()
            factor = self.scalar(self.product(c, self.number(size)))
            if shape.symbolic_depth:
                step, factor = self.to_depth(step), self.to_depth(factor)
            output, growth = self.product(output, self.number(factor)), growth * step
        return output, output, self.product(self.product(output, output), self.number(growth + ratio(-1)))

    def floor(self, y: Terms) -> dict[str, Terms]:
        """Return J_D = s (b − y)² + S and E D² = s b² + U, s > 0: all masks of the last layer are 0 with probability s.

        s is q^n for a width that is a number; where d = 1 is covered the last layer may be the inputs, and the larger
        width gives a lower bound for both.
        """
        shape = self.setting.shape
        last = [*shape.hidden[-1:]] if shape.hidden else []
        widths = [*last, *([shape.inputs] if shape.symbolic_depth or not last else [])]
        rate = self.rate(len(self.setting.rates) - 1)
        if not rate.top or (rate == Ratio(T, 1) and "t'" not in self.signs.nonzero and not _numbers(widths)):
            raise NotReplayed("a last layer that may never be dropped")
        self.signs.nonnegative |= {"s'", "S'", "U'"}
        self.signs.nonzero.add("s'")
        share = Ratio(gen("s'"))
        if _numbers(widths):
            share = ratio(1)
            for _ in range(max(int(width) for width in widths)):
                share = share * rate
        b = self.entry(("b", ()), ()) if shape.output_bias else ()
        error, rest = b + self.negative(y), self.number(Ratio(gen("S'")))
        share_of = self.number(share)
        return {
            "criterion": self.product(share_of, self.product(error, error)) + rest,
            "second_moment": self.product(share_of, self.product(b, b)) + self.number(Ratio(gen("U'"))),
        }

    def sum_over(self, layer: int, make: Any) -> Terms:
        """Return a sum over the units of a layer."""
        index = next(self.fresh)
        label = str([self.setting.shape.inputs, *self.setting.shape.hidden][layer])
        return tuple(Term(t.coefficient, t.factors, (*t.summed, (index, label))) for t in make(index))

    def weight(self, layer: int, unit: str | None, before: str) -> Terms:
        """Return a weight."""
        return self.entry(("w", ()), (before,)) if unit is None else self.entry(("W", (layer,)), (unit, before))

    def mean(self, layer: int, unit: str | None) -> Terms:
        """Return E h of a unit; None is the output."""
        shape = self.setting.shape
        if layer == 0:
            assert unit is not None
            return self.entry(("x", ()), (unit,))
        total = self.sum_over(layer - 1, lambda i: self.product(self.weight(layer, unit, i), self.mean(layer - 1, i)))
        if unit is None:
            return total + self.entry(("b", ()), ()) if shape.output_bias else total
        return total + self.entry(("b", (layer,)), (unit,)) if shape.hidden_biases else total

    def covariance(self, layer: int, a: str | None, b: str | None) -> Terms:
        """Return Cov(h_a, h_b), by layers."""
        if layer == 0:
            return ()

        def noise(i: str) -> Terms:
            mean = self.mean(layer - 1, i)
            inner = self.covariance(layer - 1, i, i) + self.product(mean, mean)
            return self.product(self.product(self.weight(layer, a, i), self.weight(layer, b, i)), inner)

        def cross(i: str, k: str) -> Terms:
            both = self.product(self.weight(layer, a, i), self.weight(layer, b, k))
            return self.product(both, self.covariance(layer - 1, i, k))

        dropped = self.product(self.number(self.spread(layer - 1)), self.sum_over(layer - 1, noise))
        if layer == 1:
            return dropped
        return self.sum_over(layer - 1, lambda i: self.sum_over(layer - 1, lambda k: cross(i, k))) + dropped

    def variable(self, statement: Monotonicity) -> tuple[dict[str, Polynomial], bool]:
        """Return what becomes of each variable as the claim's one grows; nothing where that is unknown."""
        variable, setting, unknown = statement.variable, self.setting, Polynomial()
        name = variable.name
        if variable.indices or name in ("K", "n", "d", "p", "x", "w", "W", "weights", "biases"):
            raise NotReplayed(f"growth in {name}")
        given = {"y": setting.label is not None, "q": Name("q") not in setting.rates}.get(name, False)
        if given or setting.definition((name, ())) is not None or self.view in ("floor", "one unit"):
            raise NotReplayed("growth in something that is not free")
        names = {name, "p"} if name == "q" else {name}
        around = [value for key, value in setting.definitions.items() if key[0] in ENTRIES | {"x"}]
        around += [*setting.inputs] if isinstance(setting.inputs, tuple) else []
        through = any(isinstance(node, Name) and node.name in names for value in around for node in walk(value))
        opaque = dict.fromkeys(("w'", "M'", "e'", "V'"), unknown)
        back = False
        if name == "q":
            moves = {"t'": plus(T, self.step())}
            kept = {"w'": gen("w'")}
            if self.same:  # D is affine in each mask: Var D is a sum of squares times products of q_l/p_l
                self.signs.nonnegative.add("G'")
                kept |= {"V'": plus(gen("V'"), gen("G'"))}
        elif name == "b":
            if not setting.shape.output_bias:
                raise NotReplayed("no output bias")
            moves, back = self.shifted(self.scalar(self.entry(("b", ()), ())))
            change = scaled(gen("h'"), F(-1 if back else 1))
            moved = {key: plus(gen(key), change) for key in ("w'", "M'")} if not self.sign else {}
            kept = {key: gen(key) for key in opaque} | moved
        else:
            moves, back = self.shifted(self.scalar(self.name(name, (), {})))
            kept = {key: gen(key) for key in opaque}
        if self.view == "opaque":
            moves |= opaque | ({} if through else kept)
        return moves | self.moved_powers(moves), back

    def moved_powers(self, moves: Mapping[str, Polynomial]) -> dict[str, Polynomial]:
        """Return what becomes of powers with the exponent m: z of a base that grows becomes z + g, g ≥ 0."""
        found = {}
        for number, (name, over, under) in enumerate(self.powers):
            inside = self.signs.names(over) | (set() if under is None else self.signs.names(under))
            if not inside & set(moves):
                continue
            found[name] = Polynomial()
            if under is not None and not any(key in inside and not to for key, to in moves.items()):
                a, b = self.signs.moved(over, moves), self.signs.moved(under, moves)
                if self.signs.manifest(plus(times(a, under), scaled(times(over, b), F(-1)))):
                    self.signs.nonnegative.add(f"g{number}'")
                    found[name] = plus(gen(name), gen(f"g{number}'"))
        return found

    def scaled_units(self, claim: Invariance) -> None:
        """Take the factors of a map that multiplies every unit by one number: D becomes s D on every mask.

        Raises:
            NotReplayed: it is no such map, or the expression names what it changes.
        """
        setting, shape = self.setting, self.setting.shape
        if any(isinstance(n, Name) and n.name in ENTRIES | {"x"} for n in walk(claim.expression)):
            raise NotReplayed("a map of what the expression names")
        factors: dict[Key, Ratio] = {}
        for target, expression in claim.map:
            key = (target.name, tuple(int(number_of(i) or 0) for i in target.indices))
            group = {"x": 0, "w": 0, "y": 0, "b": int(bool(key[1])), "W": 1}.get(key[0])
            if group != len(key[1]) or key in factors or (key[1] and not 1 <= key[1][0] <= len(shape.hidden)):
                raise NotReplayed("a target that is no group")
            factors[key] = self.factor_of(expression, target)
        if shape.symbolic_depth and any(key[0] in ("W", "b") and key[1] for key in factors):
            raise NotReplayed("single layers of a symbolic depth")
        one = ratio(1)
        unit = factors.get(("x", ()), one)
        layers = [1] if shape.symbolic_depth else range(1, len(shape.hidden) + 1)
        for layer in layers:
            unit = factors.get(("W", (layer,)), one) * unit
            if shape.hidden_biases and (factors.get(("b", (layer,)), one) + -unit).top:
                raise NotReplayed("a bias with another factor than its unit")
            if shape.activation.slope != 1 and not self.signs.manifest(self.sign_kept(unit)):
                raise NotReplayed("a factor that may be negative")
        unit = factors.get(("w", ()), one) * unit
        if shape.output_bias and (factors.get(("b", ()), one) + -unit).top:
            raise NotReplayed("a bias with another factor than the output")
        if ("y", ()) in factors:
            around = (*setting.definitions.values(), *(setting.inputs if isinstance(setting.inputs, tuple) else ()))
            if any(isinstance(node, Name) and node.name == "y" for value in around for node in walk(value)):
                raise NotReplayed("something that is given by the label")
            self.changed["y", ()] = self.product(self.number(factors["y", ()]), self.name("y", (), {}))
        self.scale = unit

    def factor_of(self, expression: Expression, target: Name) -> Ratio:
        """Return f where an expression is f times the target."""
        marked = rebuilt(expression, lambda node: Name("\N{BULLET}") if node == target else node)
        if any(isinstance(n, Name) and n.name in ENTRIES | {"x", "y"} for n in walk(marked)):
            raise NotReplayed("a map by other entries")
        value = self.scalar(self.value(marked, {}))
        powers = by_power(value.top, "\N{BULLET}")
        if set(powers) != {1} or "\N{BULLET}" in self.signs.names(value.bottom):
            raise NotReplayed("a map that does not multiply its target")
        return Ratio(powers[1], value.keep, value.bottom)

    def at_minimiser(self, claim: Minimiser) -> AllSizes:
        """Return the evaluator at the values that a claim names: output weights 0, or all of them equal.

        Raises:
            NotReplayed: assumptions may forbid that, or the claim names other values.
        """
        setting = self.setting
        tied = [key for key in setting.definitions if key[0] in ENTRIES]
        filters = any(
            isinstance(n, Quantity) or (isinstance(n, Name) and n.name in ENTRIES)
            for n in walk((setting.filters, setting.label))
        )
        through = any(isinstance(n, Name) and n.name in ENTRIES for v in setting.definitions.values() for n in walk(v))
        if tied or filters or through:
            raise NotReplayed("weights that are tied together by assumptions")
        after = AllSizes(self.claim, setting, self.view)
        after.signs, after.parts, after.powers, after.fresh = self.signs, self.parts, self.powers, self.fresh
        width = setting.shape.hidden[-1] if setting.shape.hidden else setting.shape.inputs
        entries = {t.indices for t, v in claim.assignments if t.name == "w" and t.indices and number_of(v) == 0}
        every = {(Number(F(i)),) for i in range(1, width + 1)} if isinstance(width, int) else None
        layer = {(Number(F(l)),) for l in range(1, len(setting.shape.hidden) + 1)}
        zero = [
            t.name
            for t, v in claim.assignments
            if number_of(v) == 0 and (not t.indices or (t.name == "W" and t.indices in layer))
        ]
        inner = "W" in zero and not setting.shape.hidden_biases and not setting.shape.symbolic_depth
        if inner or "w" in zero or "weights" in zero or (entries == every and len(claim.assignments) == len(entries)):
            strict = any(s - {">=", "<="} for key, s in setting.signs.items() if key[0] in ("w", "W", "weights"))
            whole = len(zero) == len(claim.assignments) and set(zero) <= {"w", "W", "weights"}
            if strict or not (whole or entries == every):
                raise NotReplayed("values that assumptions may forbid")
            after.vanishing = True
            return after
        target, value = claim.assignments[0]
        if len(claim.assignments) > 1:
            raise NotReplayed("several values")
        if target != Name("w") or any(key[0] in ENTRIES for key in setting.signs) or self.view != "written":
            raise NotReplayed("a minimiser of another form")
        if any(isinstance(node, Name) and node.name in ENTRIES - {"b"} for node in walk(value)):
            raise NotReplayed("a value that is given by what is minimised over")
        after.changed["w", ()] = self.number(self.scalar(self.value(value, {})))
        return after


def _numbers(widths: list[int | str]) -> bool:
    return all(isinstance(width, int) and width <= MAX_DROPPED for width in widths)


def _product_below(comparison: Comparison) -> bool:
    """Return whether an assumption says w y ≤ 0 of the one hidden unit."""
    (left, *others), relations = comparison.sides, comparison.relations
    if (
        len(others) != 1
        or number_of(others[0]) != 0
        or relations[0] not in ("<=", "<")
        or not isinstance(left, Multiply)
    ):
        return False
    return {*left.factors} == {Name("w", (Number(F(1)),)), Name("y")} and len(left.factors) == 2
