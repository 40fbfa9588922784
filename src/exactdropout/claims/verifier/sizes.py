"""The verifier at every size: polynomials in scalars and sums over indices; quantities by what a view knows of them.

Each view has side conditions, which :class:`AllSizes` checks on the setting alone; ``docs/claims.md`` lists them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
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
from exactdropout.claims.setting.setting import Setting, Shape
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
SizesView = Literal["opaque", "written", "last", "uniform", "floor", "one unit"]
MAX_DROPPED = 12
MAX_ENTRIES = 2_000


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
        self.row = ""  # the index of the example that quantities are written for
        self.vanishing = False
        self.scale: Ratio | None = None
        values = [number_of(rate) for rate in setting.rates]
        self.kept = all(value == 0 for value in values)
        last = len(values) > 1 and all(value == 0 for value in values[:-1])
        slope = shape.activation.slope
        self.origin = False
        self.same = self.kept or last or self.linear() or self.silent()
        self.above = 0 <= slope <= 1 and self.assumed(*self.weights(2))
        self.below = 0 <= slope <= 1 and self.at_most(("w", ())) and self.assumed(*self.weights(2)[:-1])
        hidden = bool(shape.hidden) and not shape.symbolic_depth
        rectified = slope == 0 and (hidden or (bool(shape.hidden) and self.inputs_nonnegative()))
        before = rectified or self.nonnegative()
        self.sign = 0 if not before else 1 if self.assumed(("w", ())) else -1 if self.at_most(("w", ())) else 0
        good = {
            "opaque": True,
            "written": self.linear() and not shape.symbolic_depth,
            "last": bool(shape.hidden) and not shape.symbolic_depth and (last or self.kept),
            "uniform": self.uniform(),
            "floor": True,
            "one unit": self.one_unit(),
        }[view]
        if not good:
            raise NotReplayed(f"the side conditions of the view {view}")
        self.letters = {name: frozenset({">="} if slope == 0 else ()) for name in ("h'", "g'")}

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
        if setting.design is not None:
            return self.assumed(("X", ())) and not setting.design.table
        if isinstance(setting.inputs, tuple):
            return all((number_of(x) or F(0)) >= 0 and number_of(x) is not None for x in setting.inputs)
        return setting.inputs == "ones" or self.assumed(("x", ()))

    def nonnegative(self) -> bool:
        """Return whether what every unit gets is ≥ 0 on all masks, so that units are linear and ≥ 0."""
        shape = self.setting.shape
        biases = not shape.hidden_biases or not (shape.hidden or shape.symbolic_depth)
        layers = self.weights(1)[:-1]
        good = (biases or self.assumed(("biases", ()))) and self.assumed(*layers[1:])
        if self.inputs_nonnegative() and (not layers or self.assumed(layers[0])):
            return good
        negative = self.at_most(("x", ())) and self.setting.inputs is None and len(layers) == 1
        return good and negative and self.at_most(layers[0])

    def silent(self) -> bool:
        """Return whether what every unit gets is ≤ 0 on all masks: one layer, no biases, opposite signs."""
        shape = self.setting.shape
        if len(shape.hidden) != 1 or shape.hidden_biases or shape.symbolic_depth:
            return False
        below = self.setting.inputs is None and self.at_most(("x", ())) and self.assumed(("W", (1,)))
        return below or (self.inputs_nonnegative() and self.at_most(("W", (1,))))

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
        """Return a quantity: of the example, or the mean of it and of the origin of Definition 1."""
        if self.setting.design is not None:
            return self.of_many(name)
        found = self.example()
        if name not in found:
            raise NotReplayed(f"{name} in the view {self.view}")
        if not self.setting.half or name == "output":
            return found[name]
        self.origin = True
        there = self.example()[name]
        self.origin = False
        return self.product(self.number(ratio(F(1, 2))), found[name] + there)

    def of_many(self, name: str) -> Terms:
        """Return a quantity of several examples: their mean, written out, or with numbers V, S, U, M and Q of its own.

        J_D = V + S, R = U, E D² = V + M² + Q with V, S, U, Q ≥ 0; S = U where E D = W on every example.
        """
        design = self.setting.design
        if name == "output" or design is None or self.view in ("last", "one unit", "uniform"):
            raise NotReplayed(f"{name} of several examples in the view {self.view}")
        explicit = self.vanishing or self.vanishes(("w", ()))
        if self.view == "opaque" and not explicit:
            v, s, u, q = (self.number(self.own_nonnegative(letter)) for letter in "VSUQ")
            m = self.number(self.own("M"))
            v, s = () if self.kept else v, u if self.same else s
            return {
                "criterion": v + s, "risk": u, "penalty": v + s + self.negative(u), "mean": m, "variance": v,
                "second_moment": v + self.product(m, m) + q,
            }[name]  # fmt: skip
        if design.table:
            raise NotReplayed("examples that are numbers")
        self.row = next(self.fresh)
        found = self.example()
        row, self.row = self.row, ""
        if name not in found:
            raise NotReplayed(f"{name} in the view {self.view}")
        share = self.number(self.extent(str(design.rows)).inverse())
        return self.product(
            share, tuple(Term(t.coefficient, t.factors, (*t.summed, (row, str(design.rows)))) for t in found[name])
        )

    def label_term(self) -> Terms:
        """Return the label of the example."""
        if self.origin:
            return ()
        return self.entry(("y", ()), (self.row,)) if self.row else self.name("y", (), {})

    def own(self, letter: str) -> Ratio:
        """Return a number of the example, or that of the origin."""
        return Ratio(gen(f"{letter}0'" if self.origin else f"{letter}'"))

    def own_nonnegative(self, letter: str) -> Ratio:
        """Return the same of a number that is ≥ 0."""
        self.signs.nonnegative.add(f"{letter}0'" if self.origin else f"{letter}'")
        return self.own(letter)

    def example(self) -> dict[str, Terms]:
        """Return the quantities of the example, or of the origin, whose inputs and label are 0."""
        y = self.label_term()
        if self.view == "floor":
            return self.floor(y)
        w, m, v = self.moments()
        if self.scale is not None:
            unit = self.scale
            w, m, v = (self.product(self.number(f), a) for f, a in ((unit, w), (unit, m), (unit * unit, v)))
        error, plain = m + self.negative(y), w + self.negative(y)
        risk = self.product(plain, plain)
        if self.view == "one unit":
            rest = self.number(self.own_nonnegative("P"))
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
        inner = shape.hidden_biases and (bool(shape.hidden) or shape.symbolic_depth)
        nothing = not inner and (self.origin or (self.setting.inputs is None and self.vanishes(("x", ()))))
        unheard = shape.activation.slope == 0 and self.silent()
        if self.vanishing or self.vanishes(("w", ())) or nothing or unheard:
            return bias, bias, ()
        if self.view == "written":
            depth = len(shape.hidden) + 1
            return self.mean(depth, None), self.mean(depth, None), self.covariance(depth, None, None)
        if self.view == "last":
            return self.last_layer(bias)
        if self.view == "uniform":
            return self.equal_weights()
        self.own_nonnegative("V")
        w, e = self.number(self.own("w")), self.number(self.own_nonnegative("e"))
        if self.sign:  # W(x) − b and E D − b have one sign
            w, m = (self.product(self.number(ratio(self.sign)), self.number(self.own_nonnegative(c))) for c in "wM")
        else:
            m = self.number(self.own("M"))
        m = w if self.same else w + e if self.above else w + self.negative(e) if self.below else m
        offset = bias if self.sign else ()
        if self.output_is_label():
            y = () if self.origin else self.name("y", (), {})
            return y, y if self.same else m + offset, self.opaque_variance()
        return w + offset, m + offset, self.opaque_variance()

    def last_layer(self, bias: Terms) -> tuple[Terms, Terms, Terms]:
        """Return W(x), E D and Var D = t Σ w_j² h_j² where the last layer alone is dropped, of units h_j."""
        layer, unit = len(self.setting.shape.hidden), "g'" if self.origin else "h'"

        def term(j: str) -> Terms:
            return self.product(self.entry(("w", ()), (j,)), (Term(ratio(1), ((unit, (j,)),)),))

        output = bias + self.sum_over(layer, term)
        noise = self.sum_over(layer, lambda j: self.product(term(j), term(j)))
        return output, output, self.product(self.number(self.spread(len(self.setting.rates) - 1)), noise)

    def called(self, function: str, values: list[Terms]) -> Terms:
        """Return relu, abs, max or min; where the last layer alone is dropped, relu of what a unit gets is the unit."""
        gets = values[0] if function == "relu" else ()
        if function == "max" and len(values) == 2 and () in values:
            gets = values[1] if values[0] == () else values[0]
        shape = self.setting.shape
        if self.view == "last" and gets and len(shape.hidden) == 1 and shape.activation.slope == 0:
            inside = {i for t in gets for _, ix in t.factors for i in ix} - {i for t in gets for i, _ in t.summed}
            for j in sorted(inside):
                unit = (Term(ratio(1), (("h'", (j,)),)),)
                apart = self.product(unit, gets + self.negative(self.mean(1, j)))
                if not self.closed(tuple(Term(t.coefficient, t.factors, (*t.summed, (j, str(shape.hidden[0]))))
                                         for t in apart)).top:  # fmt: skip
                    return unit
        return super().called(function, values)

    def opaque_variance(self) -> Terms:
        """Return Var D ≥ 0."""
        return () if self.kept else self.number(self.own("V"))

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
                step, factor = self.to_size(step, "m'"), self.to_size(factor, "m'")
            output, growth = self.product(output, self.number(factor)), growth * step
        return output, output, self.product(self.product(output, output), self.number(growth + ratio(-1)))

    def floor(self, y: Terms) -> dict[str, Terms]:
        """Return J_D = s (b − y)² + S and E D² = s b² + U, s > 0: all masks of the last layer are 0 with probability s.

        s is q^n for a width that is a number; where d = 1 is covered the last layer may be the inputs, and the larger
        width gives a lower bound for both.
        """
        shape = self.setting.shape
        last = [*shape.hidden[-1:]] if shape.hidden else []
        widths = {*last, *([shape.inputs] if shape.symbolic_depth or not last else [])}
        rate = self.rate(len(self.setting.rates) - 1)
        symbolic = len(widths) == 1 and isinstance(min(widths), str)
        known = symbolic or _numbers(widths)
        if not rate.top or (rate == Ratio(T, 1) and "t'" not in self.signs.nonzero and not known):
            raise NotReplayed("a last layer that may never be dropped")
        share = self.own_nonnegative("s")
        self.signs.nonzero |= {"s'", "s0'"}
        if symbolic and rate == Ratio(T, 1):
            share = rate * self.to_size(rate, str(min(widths)))
        elif _numbers(widths):
            share = ratio(1)
            for _ in range(max(int(width) for width in widths)):
                share = share * rate
        b = self.entry(("b", ()), ()) if shape.output_bias else ()
        error = b + self.negative(y)
        share_of = self.number(share)
        return {
            "criterion": self.product(share_of, self.product(error, error)) + self.number(self.own_nonnegative("S")),
            "second_moment": self.product(share_of, self.product(b, b)) + self.number(self.own_nonnegative("U")),
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
            if self.row:
                return self.entry(("X", ()), (self.row, unit))
            return () if self.origin else self.entry(("x", ()), (unit,))
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
        if name in ("K", "n", "d") and not variable.indices:
            return self.larger_size(name, statement), False
        if variable.indices or name in ("K", "n", "d", "p", "x", "w", "W", "weights", "biases"):
            raise NotReplayed(f"growth in {name}")
        given = {"y": setting.label is not None, "q": Name("q") not in setting.rates}.get(name, False)
        if given or setting.definition((name, ())) is not None or self.view in ("floor", "one unit"):
            raise NotReplayed("growth in something that is not free")
        names = {name, "p"} if name == "q" else {name}
        hidden = ENTRIES | ({"X", "y"} if setting.design is not None else {"x"})
        around = [value for key, value in setting.definitions.items() if key[0] in hidden]
        around += [*setting.inputs] if isinstance(setting.inputs, tuple) else []
        through = any(isinstance(node, Name) and node.name in names for value in around for node in walk(value))
        both = ("'", "0'")  # of the example, and of the origin
        opaque = {f"{letter}{end}": unknown for letter in "wMeVSUQ" for end in both}
        back = False
        if name == "q":
            moves = {"t'": plus(T, self.step())}
            kept = {f"{letter}{end}": gen(f"{letter}{end}") for letter in "wU" for end in both}
            if self.same:  # D is affine in each mask: Var D is a sum of squares times products of q_l/p_l
                kept |= {f"{letter}'": gen(f"{letter}'") for letter in "MQ" if setting.design is not None}
                self.signs.nonnegative |= {f"G{end}" for end in both}
                kept |= {f"V{end}": plus(gen(f"V{end}"), gen(f"G{end}")) for end in both}
        elif name == "b":
            if not setting.shape.output_bias:
                raise NotReplayed("no output bias")
            moves, back = self.shifted(self.scalar(self.entry(("b", ()), ())))
            change = scaled(gen("h'"), F(-1 if back else 1))
            moved = {f"{c}{end}": plus(gen(f"{c}{end}"), change) for c in "wM" for end in both if not self.sign}
            moved |= {f"{c}{end}": unknown for c in "SUQ" for end in both}
            kept = {key: gen(key) for key in opaque} | moved
        else:
            moves, back = self.shifted(self.scalar(self.name(name, (), {})))
            kept = {key: gen(key) for key in opaque}
        if self.view == "opaque" or self.setting.design is not None:
            moves |= opaque | ({} if through else kept)
        return moves | self.moved_powers(moves, strict=statement.direction in ("increasing", "decreasing")), back

    def larger_size(self, name: str, statement: Monotonicity) -> dict[str, Polynomial]:
        """Return what becomes of each variable as a size grows; sums and quantities change in an unknown way."""
        setting = self.setting
        tied = any(
            isinstance(n, Name) and n.name == name for c in setting.filters if "=" in c.relations for n in walk(c)
        )
        symbolic = setting.shape.symbolic_depth if name == "d" else self.ranges[name] == name
        if tied or not symbolic or self.view in ("floor", "one unit"):
            raise NotReplayed(f"growth in {name}, which is given")
        unknown = {f"{letter}{end}": Polynomial() for letter in "wMeVSUQ" for end in ("'", "0'")}
        size = "m'" if name == "d" else name
        moves = unknown | dict.fromkeys(self.parts, Polynomial()) | {size: plus(gen(size), self.step())}
        return moves | self.moved_powers(moves, strict=statement.direction in ("increasing", "decreasing"), size=size)

    def moved_powers(self, moves: Mapping[str, Polynomial], *, strict: bool, size: str = "") -> dict[str, Polynomial]:
        """Return what becomes of powers of a base that grows: u to u + g, g ≥ 0, or u = v − g to v > 0.

        Of a base above 1 that shrinks, z = v + g becomes v, v ≥ 0; of one that stays, as the exponent grows, z + g.
        """
        found = {}
        for number, known in enumerate(self.powers):
            inside = self.signs.names(known.over) | self.signs.names(known.under)
            if not inside & set(moves) and known.size != size:
                continue
            name, grown = known.name, f"g{number}'"
            found[name] = Polynomial()
            if any(key in inside and not to for key, to in moves.items()):
                continue
            a, b = self.signs.moved(known.over, moves), self.signs.moved(known.under, moves)
            change = plus(times(a, known.under), scaled(times(known.over, b), F(-1)))
            larger = self.signs.manifest(change)
            if known.size == size and (change or not known.excess):
                continue
            if known.excess and not larger and self.signs.manifest(scaled(change, F(-1))):
                self.signs.nonnegative |= {grown, f"v{number}'"}
                found[name], self.before[name] = gen(f"v{number}'"), plus(gen(f"v{number}'"), gen(grown))
                continue
            if not larger or not (known.excess or name in self.signs.nonnegative):
                continue
            self.signs.nonnegative.add(grown)
            found[name] = plus(gen(name), gen(grown))
            if strict and not known.excess and self.signs.positive(a):
                self.signs.nonnegative.add(f"v{number}'")
                self.signs.nonzero.add(f"v{number}'")
                found[name] = gen(f"v{number}'")
                self.before[name] = plus(found[name], scaled(gen(grown), F(-1)))
        return found

    def scaled_units(self, claim: Invariance) -> None:
        """Take the factors of a map that multiplies every unit by one number: D becomes s D on every mask.

        Raises:
            NotReplayed: it is no such map, or the expression names what it changes.
        """
        setting, shape = self.setting, self.setting.shape
        if setting.design is not None and any(target.name in ("x", "y", "X") for target, _ in claim.map):
            raise NotReplayed("a map of several examples")
        if any(isinstance(n, Name) and n.name in ENTRIES | {"x"} for n in walk(claim.expression)):
            raise NotReplayed("a map of what the expression names")
        factors: dict[Key, Ratio] = {}
        for target, expression in claim.map:
            indices = [number_of(i) for i in target.indices]
            if any(i is None or i.denominator != 1 for i in indices):
                raise NotReplayed("a target with an index that is no number")
            key = (target.name, tuple(int(i) for i in indices if i is not None))
            if target.name not in ("x", "w", "y", "b", "W") or key in factors:
                raise NotReplayed("a target that is no input, label, weight or bias")
            factors[key] = self.factor_of(expression, target)
        unit = self.unit_factor(self.by_layers(factors), shape)
        if setting.design is not None and (unit + ratio(-1)).top:
            raise NotReplayed("several outputs that are multiplied")
        if ("y", ()) in factors:
            around = (*setting.definitions.values(), *(setting.inputs if isinstance(setting.inputs, tuple) else ()))
            if any(isinstance(node, Name) and node.name == "y" for value in around for node in walk(value)):
                raise NotReplayed("something that is given by the label")
            self.changed["y", ()] = self.product(self.number(factors["y", ()]), self.name("y", (), {}))
        self.scale = unit

    def by_layers(self, factors: dict[Key, Ratio]) -> Callable[[Key], Ratio]:
        """Return the factor of an entry: of all entries of a layer at once, index 1 for each, or of single ones.

        Raises:
            NotReplayed: a target that does not exist, or one of several that a factor is given to twice.
        """
        shape = self.setting.shape
        wholes = {"x": 0, "w": 0, "y": 0, "W": 1}
        groups = all(len(key[1]) == wholes.get(key[0], len(key[1][:1])) for key in factors)
        if groups:
            if shape.symbolic_depth and any(key[0] in ("W", "b") and key[1] for key in factors):
                raise NotReplayed("single layers of a symbolic depth")
            if any(key[1] and not 1 <= key[1][0] <= len(shape.hidden) for key in factors):
                raise NotReplayed("a layer that does not exist")
        elif not shape.named or any(key[0] == "b" and len(key[1]) == 1 for key in factors):
            raise NotReplayed("single entries of sizes that are no numbers")
        else:
            self.reach(factors)

        def factor(key: Key) -> Ratio:
            heads = [key[1][:k] for k in range(len(key[1]) + 1)] if key[0] != "b" else [key[1], key[1][:1]]
            return next((factors[key[0], head] for head in heads if (key[0], head) in factors), ratio(1))

        self.single = not groups
        return factor

    def reach(self, factors: Iterable[Key]) -> None:
        """Check that single entries and groups of them exist, and that none of them meet.

        Raises:
            NotReplayed: one does not exist, or is mapped twice.
        """
        shape = self.setting.shape
        widths = [int(n) for n in (shape.inputs, *shape.hidden)]
        every: list[Key] = [("y", ()), *(("x", (i + 1,)) for i in range(widths[0]))]
        every += [("w", (i + 1,)) for i in range(widths[-1])] + ([("b", ())] if shape.output_bias else [])
        for layer, (n, m) in enumerate(itertools.pairwise(widths), start=1):
            every += [("W", (layer, j + 1, i + 1)) for j in range(m) for i in range(n)]
            every += [("b", (layer, j + 1)) for j in range(m) if shape.hidden_biases]
        seen: set[Key] = set()
        if len(every) > MAX_ENTRIES:
            raise NotReplayed("too many entries")
        for name, indices in factors:
            found = {(n, ix) for n, ix in every if n == name and (ix if name == "b" else ix[: len(indices)]) == indices}
            if not found or found & seen:
                raise NotReplayed("an entry that is mapped twice, or does not exist")
            seen |= found

    def unit_factor(self, factor: Callable[[Key], Ratio], shape: Shape) -> Ratio:
        """Return by what a map multiplies the output on every mask: units by one factor each, by induction on layers.

        Raises:
            NotReplayed: what a unit gets is multiplied by different factors, or by one that may be negative.
        """
        hidden = shape.hidden[:1] if shape.symbolic_depth else shape.hidden
        widths = [int(n) if self.single else 1 for n in (shape.inputs, *hidden)]
        before = [factor(("x", (i + 1,))) for i in range(widths[0])]

        def common(values: list[Ratio]) -> Ratio:
            if any((value + -values[0]).top for value in values[1:]):
                raise NotReplayed("a unit, or its bias, that is multiplied by more than one factor")
            return values[0]

        for layer, width in enumerate(widths[1:], start=1):
            after = []
            for j in range(1, width + 1):
                gets = [factor(("W", (layer, j, i + 1))) * unit for i, unit in enumerate(before)]
                gets += [factor(("b", (layer, j)))] if shape.hidden_biases else []
                after.append(common(gets))
                if shape.activation.slope != 1 and not self.signs.manifest(self.sign_kept(after[-1])):
                    raise NotReplayed("a factor that may be negative")
            before = after
        gets = [factor(("w", (i + 1,))) * unit for i, unit in enumerate(before)]
        return common(gets + ([factor(("b", ()))] if shape.output_bias else []))

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


def _numbers(widths: set[int | str]) -> bool:
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
