"""The verifier at every size: polynomials in scalars and sums over indices; quantities by what a view knows of them.

Each view has side conditions, which :class:`AllSizes` checks on the setting alone; ``docs/claims.md`` lists them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction

from exactdropout.claims.language.syntax import (
    Expression,
    Invariance,
    Minimiser,
    Monotonicity,
    Name,
    Number,
    Quantity,
    rebuilt,
    walk,
)
from exactdropout.claims.setting.setting import Shape
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
from exactdropout.claims.verifier.evaluator import ENTRIES, Key, number_of
from exactdropout.claims.verifier.masked_inputs import MaskedInputs

__all__ = ["AllSizes"]

F = Fraction
MAX_ENTRIES = 2_000


class AllSizes(MaskedInputs):
    """Growth, maps and minimisers for every size, in a view."""

    def variable(self, statement: Monotonicity) -> tuple[dict[str, Polynomial], bool]:
        """Return what becomes of each variable as the claim's one grows; nothing where that is unknown."""
        variable, setting, unknown = statement.variable, self.setting, Polynomial()
        name = variable.name
        if name in setting.shape.reserved and not variable.indices:
            return self.larger_size(name, statement), False
        if variable.indices or name in ("K", "n", "d", "p", "x", "w", "W", "weights", "biases"):
            raise NotReplayed(f"growth in {name}")
        given = {"y": setting.label is not None, "q": Name("q") not in setting.rates}.get(name, False)
        if given or setting.definition((name, ())) is not None or self.view in ("floor", "floors", "one unit"):
            raise NotReplayed("growth in something that is not free")
        names = {name, "p"} if name == "q" else {name}
        through = self.gives_entries(names)
        if through and self.view == "last":
            raise NotReplayed("hidden units that move with the variable")
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
            elif self.above or self.below:
                kept |= self.in_convex_order()
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

    def in_convex_order(self) -> dict[str, Polynomial]:
        """Return what becomes of E D and Var D as q grows, where D is convex (concave) in the masks of each layer.

        The rescaled masks of a layer grow in convex order with their rate: those at the larger rate have the others as
        means, given these. So E D moves away from W(x), and so does E (D − y)² where D − y ≥ 0 (≤ 0) on every mask.
        """
        setting, shape = self.setting, self.setting.shape
        if setting.half or setting.design is not None or not all(
            rate == Name("q") or number_of(rate) is not None for rate in setting.rates
        ):  # fmt: skip
            return {}
        self.signs.nonnegative |= {"H'", "G'"}
        e, gained = gen("e'"), gen("H'")
        moves = {"e'": plus(e, gained)}
        square = any(isinstance(node, Quantity) and node.name == "second_moment" for node in walk(self.claim))
        y = ratio(0) if square else self.scalar(self.label_term())
        b = self.scalar(self.entry(("b", ()), ())) if shape.output_bias and self.sign else ratio(0)
        units = shape.activation.slope == 0 or self.nonnegative()  # what the output weights multiply is >= 0
        bias = not shape.output_bias or self.signed(("b", ()), above=self.above)
        label = square or self.signed(("y", ()), above=not self.above)
        if not (units and bias and label) or any(v.keep or v.bottom != {(): F(1)} for v in (y, b)):
            return moves
        way = F(1 if self.above else -1)
        error = plus(plus(scaled(gen("w'"), F(self.sign or 1)), scaled(e, way)), plus(b.top, scaled(y.top, F(-1))))
        after = plus(error, scaled(gained, way))
        grown = plus(times(error, error), scaled(times(after, after), F(-1)))
        return moves | {"V'": plus(plus(gen("V'"), grown), gen("G'"))}

    def signed(self, key: Key, *, above: bool) -> bool:
        """Return whether a number is assumed, or given, to be ≥ 0 or ≤ 0."""
        given = self.setting.definition(key)
        given = self.setting.label if given is None and key[0] == "y" else given
        value = number_of(given) if given is not None else None
        if given is not None:
            return value is not None and (value >= 0 if above else value <= 0)
        return self.assumed(key) if above else self.at_most(key)

    def larger_size(self, name: str, statement: Monotonicity) -> dict[str, Polynomial]:
        """Return what becomes of each variable as a size grows; sums and quantities change in an unknown way."""
        setting = self.setting
        tied = any(
            isinstance(n, Name) and n.name == name for c in setting.filters if "=" in c.relations for n in walk(c)
        )
        symbolic = setting.shape.symbolic_depth if name == "d" else self.ranges[name] == name
        if tied or not symbolic or self.view in ("floor", "floors", "one unit"):
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
        every = ("W", ()) in factors  # W is all layers of hidden weights
        if every and shape.symbolic_depth and shape.hidden_biases:
            raise NotReplayed("weights of a symbolic depth, and biases")
        groups = all(len(key[1]) == wholes.get(key[0], len(key[1][:1])) - (every and key[0] == "W") for key in factors)
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

        own = factor(("W", (1, 1, 1))) if shape.symbolic_depth else ratio(1)
        if (own + ratio(-1)).top:  # each of the d - 1 layers multiplies what the next one gets; there are no biases
            bent = shape.activation.slope != 1
            if bent and not all(self.signs.manifest(self.sign_kept(unit)) for unit in (*before, own)):
                raise NotReplayed("a factor that may be negative")
            before, widths = [before[0] * self.to_size(own, "m'")], widths[:1]
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
