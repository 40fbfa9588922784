"""A derivation written out with numbered steps, and its gradient and Hessian, in LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from exactdropout.errors import InvalidInput
from exactdropout.notation.document import document
from exactdropout.notation.latex import QUANTITY_LATEX, expression_latex
from exactdropout.notation.names import parameter_name, symbol_name
from exactdropout.notation.prose import latex_sentence
from exactdropout.notation.style import Style
from exactdropout.notation.tree import Name
from exactdropout.symbolic.criterion.formula import Formula, formula
from exactdropout.symbolic.criterion.masks import states
from exactdropout.symbolic.ring.from_sympy import tree

if TYPE_CHECKING:
    from exactdropout.symbolic.criterion.hessian import SymbolicHessian
    from exactdropout.symbolic.derivation import Derivation, SymbolicGradient

__all__ = ["derivation_latex", "gradient_latex", "hessian_latex", "partial_latex"]

MAX_STATES = 16
MAX_ENTRIES = 400
WIDTH = 70


def derivation_latex(derivation: Derivation, style: Style) -> str:
    """Return numbered steps: setting, masks and hidden values, the last layer, then each quantity."""
    inside = _inside(style)
    steps = [_setting(derivation, inside), *_masks(derivation, inside), _last_layer(derivation)]
    for words, name in (
        ("Averaging over the examples and masks gives the criterion", "criterion"),
        ("Without dropout, with all keep probabilities 1, the risk is", "risk"),
        ("Their difference is the penalty", "penalty"),
        ("The variance of the output, averaged over the examples, is", "variance"),
    ):
        steps.append(f"{words}\n{getattr(derivation, name).latex(inside, left=name)}")
    for number, mean in enumerate(derivation.mean, 1):
        output = f" of output {number}" if len(derivation.mean) > 1 else ""
        steps.append(f"The mean{output} is\n{mean.latex(inside, left='mean')}")
    body = "\n".join([r"\begin{enumerate}", *(rf"\item {step}" for step in steps), r"\end{enumerate}"])
    return document(body) if style.standalone else body


def _inside(style: Style) -> Style:
    environment = "align*" if style.environment == "none" else style.environment
    return replace(style, environment=environment, width=style.width or WIDTH, standalone=False)


def _setting(derivation: Derivation, style: Style) -> str:
    inline = style.inline()
    rates = ", ".join(f"${_entry(rate, inline)}$" for rate in derivation.rates)
    one = len(set(derivation.rates)) == 1
    rate = (
        f"drop probability ${_entry(derivation.rates[0], inline)}$" if one else f"drop probabilities {rates} per layer"
    )
    examples = []
    shown = derivation.data.inputs.tolist()
    for x, y, share in zip(shown, derivation.data.labels.tolist(), derivation.data.probabilities, strict=True):
        point = ", ".join(_entry(v, inline) for v in x)
        label = ", ".join(_entry(v, inline) for v in y)
        weight = "" if len(shown) == 1 else f" with probability ${_entry(share, inline)}$"
        examples.append(f"$x = ({point})$, $y = {label if len(y) == 1 else f'({label})'}${weight}")
    listed = "; ".join(examples) if len(examples) <= MAX_STATES else f"{len(examples)} examples"
    architecture = latex_sentence(str(derivation.network.architecture))
    return (
        rf"The network is \mbox{{{architecture}}}, the {rate}; the data: {listed}. With masks $r_l$ of independent "
        r"entries, 1 with probability $p_l$ and else 0, hidden values are $h_0 = x$ and "
        r"$h_{l+1} = \varphi(W_{l+1} (r_l \circ h_l)/p_l + b_{l+1})$."
    )


def _masks(derivation: Derivation, style: Style) -> list[str]:
    problem = derivation._problem
    layers = problem.dropped
    if layers.depth == 1:
        return []
    found = [states(layers, x)[-1] for x, _, _ in problem.examples]
    total = sum(map(len, found))
    bits = derivation.network.architecture.mask_bits - derivation.network.architecture.hidden[-1]
    opening = (
        f"The $2^{{{bits}}}$ masks of all layers but the last lead to {total} distinct last hidden "
        f"{'value' if total == 1 else 'values'}"
    )
    if total > MAX_STATES:
        return [f"{opening}; equal ones are taken together."]
    scale = layers.scale(layers.depth - 1)
    lines = []
    for reached in found:
        for state in reached.values():
            values = ", ".join(_print(formula(problem.ring, [(v,)], scale), style) for v in state.values)
            chance = _print(formula(problem.ring, [(state.weight,)], problem.ring.one), style)
            lines.append(rf"\item[$\bullet$] $\left( {values} \right)$ with probability ${chance}$")
    return ["\n".join([rf"{opening}:", r"\begin{itemize}\raggedright", *lines, r"\end{itemize}"])]


def _last_layer(derivation: Derivation) -> str:
    return (
        r"Given the last hidden values $h$, the masks of the last layer average to "
        r"\begin{equation*} \mathbb{E}_r \Bigl( \sum_i w_i h_i \frac{r_i}{p} + b - y \Bigr)^2 "
        r"= (w \cdot h + b - y)^2 + \frac{1 - p}{p} \sum_i w_i^2 h_i^2. \end{equation*}"
    )


def _print(found: Formula, style: Style) -> str:
    return found.latex(style.inline())


def _entry(value: Any, style: Style) -> str:
    """Return a number or SymPy entry of a network, an example or a rate."""
    import sympy

    exact = sympy.Rational(value.numerator, value.denominator) if isinstance(value, (Fraction, int)) else value
    return expression_latex(tree(exact, symbol_name), style)


def gradient_latex(gradient: SymbolicGradient, style: Style) -> str:
    """Return one equation per weight and bias, named as in a free network."""
    depth, outputs = len(gradient.weights), gradient.weights[-1].shape[0]
    lines: list[tuple[str, Formula]] = []
    for layer, (weights, bias) in enumerate(zip(gradient.weights, gradient.biases, strict=True)):
        for (unit, source), found in [((int(u), int(s)), f) for (u, s), f in _entries(weights)]:
            lines.append(
                (partial_latex([parameter_name(layer, unit, source, depth, outputs)], style, gradient.quantity), found)
            )
        if bias is not None:
            lines += [
                (
                    partial_latex([parameter_name(layer, int(unit), None, depth, outputs)], style, gradient.quantity),
                    found,
                )
                for (unit,), found in _entries(bias)
            ]
    return _equations(lines, style)


def hessian_latex(hessian: SymbolicHessian, style: Style) -> str:
    """Return one equation per pair of parameters, zeros left out, named as in a free network."""
    depth = max(p.layer for p in hessian.parameters) + 1
    outputs = max(p.unit for p in hessian.parameters if p.layer == depth - 1) + 1
    names = [parameter_name(p.layer, p.unit, p.source, depth, outputs) for p in hessian.parameters]
    lines = [
        (partial_latex([names[a], names[b]], style, hessian.quantity), hessian.matrix[a, b])
        for a in range(len(names))
        for b in range(a, len(names))
        if not hessian.matrix[a, b].is_identically_zero()
    ]
    return _equations(lines, style)


def _entries(array: Any) -> Sequence[Any]:
    import numpy as np

    return list(np.ndenumerate(array))


def partial_latex(names: Sequence[Name], style: Style, quantity: str = "criterion") -> str:
    """Return ∂J_D/∂w, or ∂²J_D/∂w∂v for two names, or the same of another quantity."""
    above = QUANTITY_LATEX.get(quantity, rf"\text{{{quantity}}}")
    inline = style.inline()
    power = "" if len(names) == 1 else f"^{{{len(names)}}}"
    if len(names) > 1 and names[0] == names[1]:
        shown = expression_latex(names[0], inline)
        shown = rf"\left( {shown} \right)" if "^" in shown else shown
        return rf"\frac{{\partial{power} {above}}}{{\partial {shown}^{{2}}}}"
    below = r" \, ".join(rf"\partial {expression_latex(name, inline)}" for name in names)
    return rf"\frac{{\partial{power} {above}}}{{{below}}}"


def _equations(lines: Sequence[tuple[str, Formula]], style: Style) -> str:
    if len(lines) > MAX_ENTRIES:
        raise InvalidInput(f"Argument 'style' prints at most {MAX_ENTRIES} derivatives, not {len(lines)}.")
    inside = _inside(style)
    shown = "\n".join(found.latex(inside, left=left) for left, found in lines)
    return document(shown) if style.standalone else shown
