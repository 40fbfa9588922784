"""The quantities at every size, by what a view knows of them; each view has side conditions on the setting."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Literal

from exactdropout.claims.language.syntax import (
    Claim,
    Comparison,
    Multiply,
    Name,
    Number,
    Quantity,
)
from exactdropout.claims.setting.setting import Setting
from exactdropout.claims.verifier.algebra import (
    NotReplayed,
    Ratio,
    T,
    gen,
    ratio,
)
from exactdropout.claims.verifier.calculus import Calculus
from exactdropout.claims.verifier.evaluator import ENTRIES, Key, number_of
from exactdropout.claims.verifier.sums import Term, Terms

__all__ = ["Quantities", "SizesView"]

F = Fraction
SizesView = Literal["opaque", "written", "last", "output", "uniform", "floor", "floors", "one unit", "masked"]
MAX_DROPPED = 12


class Quantities(Calculus):
    """Expressions and quantities for every size, in a view."""

    def __init__(self, claim: Claim, setting: Setting, view: SizesView) -> None:
        """Check the side conditions of a view.

        Raises:
            NotReplayed: one does not hold.
        """
        super().__init__(claim, setting)
        shape = setting.shape
        self.view: SizesView = view
        self.row = ""  # the index of the example that quantities are written for
        self.vanishing = False
        self.scale: Ratio | None = None
        values = [number_of(rate) for rate in setting.rates]
        self.kept = all(value == 0 for value in values)
        last = len(values) > 1 and all(value == 0 for value in values[:-1])
        slope = shape.activation.slope
        self.origin = False
        self.same = self.kept or last or self.linear() or self.silent() or self.linear_behind(values)
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
            "output": bool(shape.hidden) and not shape.symbolic_depth,
            "uniform": self.uniform(),
            "floor": True,
            "floors": bool(shape.hidden) and not shape.symbolic_depth and not shape.hidden_biases,
            "one unit": self.one_unit(),
            "masked": bool(shape.hidden) and not setting.named,
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
        each = [("b", (layer,)) for layer in range(1, len(shape.hidden) + 1)]
        biases = biases or self.assumed(*([("biases", ())] if shape.symbolic_depth else each))
        good = biases and self.assumed(*layers[1:])
        if self.inputs_nonnegative() and (not layers or self.assumed(layers[0])):
            return good
        one = len(shape.hidden) == 1 and not shape.symbolic_depth  # of deeper layers all weights would be <= 0
        negative = self.at_most(("x", ())) and self.setting.inputs is None and one
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

    def linear_behind(self, rates: list[Fraction | None]) -> bool:
        """Return whether D is affine in the masks of each layer, the first dropped one being hidden.

        What enters that layer is the same on every mask, and ≥ 0 behind relu; with weights and biases ≥ 0 behind it
        every later unit gets what is ≥ 0.
        """
        shape = self.setting.shape
        first = next((layer for layer, rate in enumerate(rates) if rate != 0), 0)
        if shape.symbolic_depth or shape.activation.slope != 0 or len(rates) < 2 or not first:
            return False
        behind = range(first + 1, len(shape.hidden) + 1)
        biases = not shape.hidden_biases or self.assumed(*(("b", (layer,)) for layer in behind))
        return biases and self.assumed(*(("W", (layer,)) for layer in behind))

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
        if name == "output" or design is None or self.view in ("last", "output", "one unit", "uniform"):
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
            return self.floor(y, self.last_share())
        if self.view == "floors":
            return self.floor(y, self.any_share())
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
        if self.view == "output":  # of E D and Var D nothing is known but E D = W(x) where units are linear
            self.own_nonnegative("V")
            w = self.last_layer(bias)[0]
            return w, w if self.same else self.number(self.own("M")), self.opaque_variance()
        if self.view == "uniform":
            return self.equal_weights()
        self.own_nonnegative("V")
        w, e = self.number(self.own("w")), self.number(self.own_nonnegative("e"))
        if self.sign:  # W(x) − b and E D − b have one sign
            w, m = (self.product(self.number(ratio(self.sign)), self.number(self.own_nonnegative(c))) for c in "wM")
        else:
            m = self.number(self.own("M"))
        m = w if self.same else w + e if self.above else w + self.negative(e) if self.below else m
        if self.sign and self.nonnegative() and not self.kept:
            self.bounded_variance()
        offset = bias if self.sign else ()
        if self.output_is_label():
            y = () if self.origin else self.name("y", (), {})
            return y, y if self.same else m + offset, self.opaque_variance()
        return w + offset, m + offset, self.opaque_variance()

    def bounded_variance(self) -> None:
        """Know V ≤ w² (∏ (1 + t_l) − 1), w = W(x) − b, where all terms of D have one sign: |D − b| ≤ |w| ∏ 1/p_l.

        So E (D − b)² ≤ |E D − b| |w| ∏ 1/p_l = w² ∏ (1 + t_l), and E D = W(x).
        """
        shape, growth = self.setting.shape, ratio(1) + self.spread(0)
        for layer in range(1, len(shape.hidden) + 1):
            step = ratio(1) + self.spread(0 if shape.symbolic_depth else layer)
            growth = growth * (self.to_size(step, "m'") if shape.symbolic_depth else step)
        w = self.own("w")
        fact = self.sign_kept(w * w * (growth + ratio(-1)) + -self.own("V"))
        if (fact, False) not in self.signs.known:
            self.signs.known.append((fact, False))

    def last_layer(self, bias: Terms) -> tuple[Terms, Terms, Terms]:
        """Return W(x), E D and Var D = t Σ w_j² h_j² where the last layer alone is dropped, of units h_j."""
        layer, unit = len(self.setting.shape.hidden), "g'" if self.origin else "h'"

        def term(j: str) -> Terms:
            return self.product(self.entry(("w", ()), (j,)), (Term(ratio(1), ((unit, (j,)),)),))

        output = bias + self.sum_over(layer, term)
        noise = self.sum_over(layer, lambda j: self.product(term(j), term(j)))
        return output, output, self.product(self.number(self.spread(len(self.setting.rates) - 1)), noise)

    def called(self, function: str, values: list[Terms]) -> Terms:
        """Return relu, abs, max or min; relu(z_j) of what unit j gets is (h_j − s z_j)/(1 − s), s the slope below 0."""
        gets = values[0] if function == "relu" else ()
        if function == "max" and len(values) == 2 and () in values:
            gets = values[1] if values[0] == () else values[0]
        shape = self.setting.shape
        if self.view in ("last", "output") and gets and len(shape.hidden) == 1 and shape.activation.slope != 1:
            inside = {i for t in gets for _, ix in t.factors for i in ix} - {i for t in gets for i, _ in t.summed}
            for j in sorted(inside):
                unit = (Term(ratio(1), (("h'", (j,)),)),)
                apart = self.product(unit, gets + self.negative(self.mean(1, j)))
                if not self.closed(tuple(Term(t.coefficient, t.factors, (*t.summed, (j, str(shape.hidden[0]))))
                                         for t in apart)).top:  # fmt: skip
                    slope = shape.activation.slope
                    return self.product(
                        self.number(ratio(1 / (1 - slope))), unit + self.product(self.number(ratio(-slope)), gets)
                    )
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

    def floor(self, y: Terms, share: Ratio) -> dict[str, Terms]:
        """Return J_D = s (b − y)² + S and E D² = s b² + U, s the probability of masks on which D = b."""
        b = self.entry(("b", ()), ()) if self.setting.shape.output_bias else ()
        error = b + self.negative(y)
        share_of = self.number(share)
        return {
            "criterion": self.product(share_of, self.product(error, error)) + self.number(self.own_nonnegative("S")),
            "second_moment": self.product(share_of, self.product(b, b)) + self.number(self.own_nonnegative("U")),
        }

    def any_share(self) -> Ratio:
        """Return the probability 1 − ∏ (1 − q_l^n_l) that some layer is dropped as a whole: without hidden biases
        D = b then. Each factor is a probability, and ≥ 0.
        """
        kept = ratio(1)
        for layer, width in enumerate((self.setting.shape.inputs, *self.setting.shape.hidden)):
            rate = self.rate(layer)
            if not rate.top:
                continue
            if isinstance(width, int):
                if width > MAX_DROPPED:
                    raise NotReplayed("a wide layer")
                share = ratio(1)
                for _ in range(width):
                    share = share * rate
            elif rate == Ratio(T, 1):
                share = rate * self.to_size(rate, width)
            else:
                raise NotReplayed("a rate that is no symbol, and a width that is")
            factor = ratio(1) + -share
            kept = kept * factor
            fact = self.sign_kept(factor)
            if (fact, False) not in self.signs.known:
                self.signs.known.append((fact, False))
        return ratio(1) + -kept

    def last_share(self) -> Ratio:
        """Return the probability s > 0 with which all masks of the last layer are 0, or a lower bound of it.

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
        return share

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
