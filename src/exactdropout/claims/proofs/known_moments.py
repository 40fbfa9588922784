"""Facts about all sizes: what follows from the shape, the signs and the rates alone, and E D, E D² written out.

With t_l = q_l/p_l and masks of mean 1 and variance t_l, E r̃_i r̃_k = 1 + [i = k] t_l. Where every unit is linear on all
masks, h_{l+1} = W h̃_l + b gives the recursion

    M_{l+1}(j, m) = Σ_ik W_ji W_mk M_l(i, k) + t_l Σ_i W_ji W_mi M_l(i, i) + μ_j b_m + b_j μ_m + b_j b_m,

with M_0 = x xᵀ and μ the mean before the bias. Equal weights c_l, equal inputs and no biases make it one number per
layer: each layer of width m multiplies the second moment by m² c² (1 + t_l/m).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from fractions import Fraction

from exactdropout.claims.language.syntax import (
    Add,
    Call,
    Divide,
    Expression,
    Multiply,
    Name,
    Negate,
    Number,
    Power,
    Repeated,
)
from exactdropout.claims.setting.setting import Setting, constant

__all__ = ["Facts", "Moments", "facts", "uniform_moments", "written_out"]

MAX_WRITTEN_DEPTH = 4


@dataclass(frozen=True)
class Facts:
    """What is known of E D − W(x), with the reason."""

    mean_is_output: str | None
    mean_above_output: str | None
    mean_below_output: str | None
    linear: bool
    identity: bool
    """Whether every unit is linear on all masks: by the activation, or by signs."""
    output_is_bias: str | None
    output_sign: str | None
    """Why D − b has one sign on all masks, b the output bias."""
    output_below: bool
    """Whether that sign is ≤ 0."""
    kept: bool
    """Whether every rate is 0: there is one mask."""
    may_drop_all: bool
    """Whether the whole last layer is dropped with a positive probability."""


@dataclass(frozen=True)
class Moments:
    """W(x), E D and Var D as expressions."""

    output: Expression
    mean: Expression
    variance: Expression
    reason: str


def _nonnegative(setting: Setting, expression: Expression | None) -> bool:
    """Return whether an expression is manifestly ≥ 0 (numbers, and symbols with that assumption)."""
    if expression is None:
        return False
    value = constant(expression)
    if value is not None:
        return value >= 0
    if isinstance(expression, Name) and not expression.indices:
        return not setting.sign((expression.name, ())).isdisjoint({">=", ">"})
    if isinstance(expression, Multiply):
        return all(_nonnegative(setting, f) for f in expression.factors)
    return False


def _group_nonnegative(setting: Setting, *keys: tuple[str, tuple[int, ...]]) -> bool:
    if setting.network is not None or setting.single_entries:
        return False
    return all(
        not setting.sign(key).isdisjoint({">=", ">"}) or _nonnegative(setting, setting.definition(key)) for key in keys
    )


def _hidden_layers(setting: Setting) -> list[int]:
    """Return the hidden layers whose groups must be asked about; a symbolic depth has only groups."""
    return [] if setting.shape.symbolic_depth else list(range(1, len(setting.shape.hidden) + 1))


def _weights_nonnegative(setting: Setting, first_layer: int) -> bool:
    """Return whether all weights from layer ``first_layer`` on are ≥ 0, the output's included."""
    layers = _hidden_layers(setting)
    if setting.shape.symbolic_depth:
        return _group_nonnegative(setting, ("W", ()), ("w", ()))
    return _group_nonnegative(setting, ("w", ()), *(("W", (layer,)) for layer in layers if layer >= first_layer))


def everything_nonnegative(setting: Setting) -> bool:
    """Return whether inputs, weights and hidden biases are all ≥ 0."""
    shape = setting.shape
    inputs = setting.inputs
    if inputs is None:
        good = _group_nonnegative(setting, ("x", ()))
    else:
        good = inputs == "ones" or all(_nonnegative(setting, x) for x in inputs)
    if shape.hidden_biases and (shape.hidden or shape.symbolic_depth):
        layers = _hidden_layers(setting)
        wanted = [("b", (layer, 1)) for layer in layers] if layers else [("biases", ())]
        good = good and all(_group_nonnegative(setting, key) for key in wanted)
        for layer in layers:  # a sign for one unit says nothing of the others
            good = good and _group_nonnegative(setting, ("b", (layer,)))
    return good and _weights_nonnegative(setting, 1)


def facts(setting: Setting) -> Facts:
    """Return what the shape, the signs and the rates imply."""
    shape = setting.shape
    slope = shape.activation.slope
    deep = bool(shape.hidden) or shape.symbolic_depth
    same = None
    kept = all(constant(rate) == 0 for rate in setting.rates)
    if kept:
        same = "every rate is 0, so D = W(x) on the only mask"
    elif not deep:
        same = "there is no hidden layer, and the masks have mean 1"
    elif slope == 1:
        same = "every unit is linear and masks of different layers are independent with mean 1 (induction on layers)"
    elif everything_nonnegative(setting):
        same = "all pre-activations are >= 0 on every mask, where the activation is the identity (induction on layers)"
    elif _only_last_rate(setting):
        same = "only the last layer's masks vary, and D is affine in them"
    above = below = None
    if same is None and 0 <= slope <= 1:
        if _weights_nonnegative(setting, 2):
            above = (
                "Jensen layer by layer: the activation is convex and non-decreasing and all weights behind the first "
                "layer are >= 0"
            )
        inner = [("W", (layer,)) for layer in _hidden_layers(setting) if layer >= 2]
        if (
            setting.network is None
            and not setting.shape.symbolic_depth
            and not setting.sign(("w", ())).isdisjoint({"<=", "<"})
            and setting.definition(("w", ())) is None
            and _group_nonnegative(setting, *inner)
        ):
            below = "Jensen: hidden values have means above their values without dropout, and output weights are <= 0"
    linear = not deep or slope == 1
    weight = setting.definition(("w", ()))
    free = setting.network is None and not setting.single_entries
    vanish = free and weight is not None and constant(weight) == 0
    inputs = setting.definition(("x", ()))
    origin = (
        free and not shape.hidden_biases and setting.inputs is None and inputs is not None and constant(inputs) == 0
    )
    nothing = "the output weights are 0" if vanish else None
    if origin and not vanish:
        nothing = "the inputs are 0, and so are all hidden values, since there are no hidden biases"
    at_least = _last_values_nonnegative(setting) and _group_nonnegative(setting, ("w", ()))
    at_most = (
        _last_values_nonnegative(setting)
        and free
        and weight is None
        and not setting.sign(("w", ())).isdisjoint({"<=", "<"})
    )
    sign = "the values before the output weights are >= 0, and so are" if at_least else ""
    sign = "the values before the output weights are >= 0, and <= 0 are" if at_most and not at_least else sign
    rate = setting.rates[-1]
    dropped = rate == Name("q") and not setting.sign(("q", ())).isdisjoint({">", "!="})
    return Facts(
        mean_is_output=same,
        mean_above_output=above,
        mean_below_output=below,
        linear=linear,
        identity=linear or everything_nonnegative(setting),
        output_is_bias=nothing,
        output_sign=f"D - b has one sign on every mask: {sign} the output weights" if sign else None,
        output_below=not at_least,
        kept=kept,
        may_drop_all=dropped or bool(constant(rate)),
    )


def _last_values_nonnegative(setting: Setting) -> bool:
    """Return whether what the output weights multiply is ≥ 0 on all masks; with d = 1 that is x."""
    shape = setting.shape
    if shape.activation.slope == 0 and shape.hidden and not shape.symbolic_depth:
        return True
    inputs = setting.inputs
    above = (
        _group_nonnegative(setting, ("x", ()))
        if inputs is None
        else inputs == "ones" or all(_nonnegative(setting, x) for x in inputs)
    )
    return (above and shape.activation.slope == 0 and bool(shape.hidden)) or everything_nonnegative(setting)


def _only_last_rate(setting: Setting) -> bool:
    return len(setting.rates) > 1 and all(constant(rate) == 0 for rate in setting.rates[:-1])


def _ratio(setting: Setting, layer: int) -> Expression:
    """Return t_l = q_l/(1 − q_l)."""
    rate = setting.rates[layer if len(setting.rates) > 1 else 0]
    if rate == Name("q"):
        return Divide(Name("q"), Name("p"))
    value = constant(rate)
    assert value is not None
    value = value / (1 - value)
    top, bottom = Number(Fraction(value.numerator)), Number(Fraction(value.denominator))
    return top if value.denominator == 1 else Divide(top, bottom)


def written_out(setting: Setting, known: Facts) -> Moments | None:
    """Return W(x), E D and Var D as sums over indices, for a depth that is a number; None where that is not known."""
    shape = setting.shape
    if shape.symbolic_depth or len(shape.hidden) >= MAX_WRITTEN_DEPTH or known.mean_is_output is None:
        return None
    if setting.network is not None or setting.single_entries:
        return None
    fixed = _only_last_rate(setting)
    walker = _Writer(setting, nonlinear=fixed and not known.linear)
    output = walker.mean(len(shape.hidden) + 1, None)
    variance = walker.last_layer_variance() if fixed else walker.covariance(len(shape.hidden) + 1, None, None)
    return Moments(output, output, variance, known.mean_is_output)


class _Writer:
    def __init__(self, setting: Setting, *, nonlinear: bool) -> None:
        self.setting, self.shape, self.nonlinear = setting, setting.shape, nonlinear
        self.widths = [setting.shape.inputs, *setting.shape.hidden]
        self.fresh = (f"i{k}" for k in itertools.count())

    def weight(self, layer: int, unit: str | None, before: str) -> Expression:
        if unit is None:
            return Name("w", (Name(before),))
        return Name("W", (Number(Fraction(layer)), Name(unit), Name(before)))

    def bias(self, layer: int, unit: str | None) -> Expression | None:
        if unit is None:
            return Name("b") if self.shape.output_bias else None
        return Name("b", (Number(Fraction(layer)), Name(unit))) if self.shape.hidden_biases else None

    def sum(self, layer: int, index: str, body: Expression) -> Expression:
        width = self.widths[layer]
        last: Expression = Name(width) if isinstance(width, str) else Number(Fraction(width))
        return Repeated("sum", index, Number(Fraction(1)), last, body)

    def mean(self, layer: int, unit: str | None) -> Expression:
        """E h_l[unit]; layer 0 are the inputs, unit None is the output."""
        if layer == 0:
            assert unit is not None
            return Name("x", (Name(unit),))
        i = next(self.fresh)
        value = self.sum(layer - 1, i, Multiply((self.weight(layer, unit, i), self.mean(layer - 1, i))))
        bias = self.bias(layer, unit)
        value = value if bias is None else Add((value, bias))
        unit_of = "relu" if self.shape.activation.slope == 0 else "leaky"
        return Call(unit_of, (value,)) if self.nonlinear and unit is not None else value

    def covariance(self, layer: int, a: str | None, b: str | None) -> Expression:
        """Cov(h_l[a], h_l[b]) = Σ_ik W_ai W_bk Cov(i, k) + t Σ_i W_ai W_bi (Cov(i, i) + (E h_i)²), l ≥ 1."""
        i = next(self.fresh)
        two = Number(Fraction(2))
        spread: Expression = Power(self.mean(layer - 1, i), two)
        if layer > 1:
            spread = Add((self.covariance(layer - 1, i, i), spread))
        left, right = self.weight(layer, a, i), self.weight(layer, b, i)
        weights: tuple[Expression, ...] = (Power(left, two),) if a == b else (left, right)
        noise = Multiply((_ratio(self.setting, layer - 1), self.sum(layer - 1, i, Multiply((*weights, spread)))))
        if layer == 1:
            return noise
        i, k = next(self.fresh), next(self.fresh)
        inner = Multiply((self.weight(layer, a, i), self.weight(layer, b, k), self.covariance(layer - 1, i, k)))
        return Add((self.sum(layer - 1, i, self.sum(layer - 1, k, inner)), noise))

    def last_layer_variance(self) -> Expression:
        """(q/p) Σ w_i² h_i²."""
        layer = len(self.shape.hidden)
        i = next(self.fresh)
        term = Multiply((self.weight(layer + 1, None, i), self.mean(layer, i)))
        return Multiply((_ratio(self.setting, layer), self.sum(layer, i, Power(term, Number(Fraction(2))))))


def uniform_moments(setting: Setting, known: Facts) -> Moments | None:
    """Return the closed product for equal weights, inputs all 1 and no biases, for symbolic K, n and d."""
    shape = setting.shape
    weight = setting.definition(("weights", ()))
    separate = set(setting.definitions) - {("weights", ()), ("y", ())}
    if (
        weight is None
        or setting.inputs != "ones"
        or not known.identity
        or shape.hidden_biases
        or shape.output_bias
        or any(key[0] in ("w", "W", "weights", "b", "biases", "x") for key in separate)
    ):
        return None

    def size(width: int | str) -> Expression:
        return Name(width) if isinstance(width, str) else Number(Fraction(width))

    one, two = Number(Fraction(1)), Number(Fraction(2))
    inputs = size(shape.inputs)

    def growth(layer: int, width: Expression) -> Expression:
        """1 + q_l/(p_l m)."""
        ratio = _ratio(setting, layer)
        if isinstance(ratio, Divide):
            return Add((one, Divide(ratio.top, Multiply((ratio.bottom, width)))))
        return Add((one, Divide(ratio, width)))

    first = growth(0, inputs)
    if shape.symbolic_depth:
        n, hidden = size(shape.hidden[0]), Add((Name("d"), Negate(one)))
        output: Expression = Multiply((inputs, Power(n, hidden), Power(weight, Name("d"))))
        factor: Expression = Multiply((first, Power(growth(0, n), hidden)))
    else:
        widths = [size(n) for n in shape.hidden]
        output = Multiply((inputs, *widths, Power(weight, Number(Fraction(len(widths) + 1)))))
        factor = Multiply((first, *(growth(l, n) for l, n in enumerate(widths, start=1)))) if widths else first
    variance = Multiply((Power(output, two), Add((factor, Negate(one)))))
    reason = (
        "all units of a layer are equal, so a layer of width m multiplies the mean by m c and the second moment by "
        "m^2 c^2 (1 + q/(p m)) (induction on layers)"
    )
    return Moments(output, output, variance, reason)
