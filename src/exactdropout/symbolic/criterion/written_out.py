"""A derivation written out with numbered steps, in LaTeX."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from exactdropout.notation.document import document
from exactdropout.notation.latex import expression_latex
from exactdropout.notation.names import symbol_name
from exactdropout.notation.prose import latex_sentence
from exactdropout.notation.style import Style
from exactdropout.symbolic.criterion.formula import Formula, formula
from exactdropout.symbolic.criterion.masks import states
from exactdropout.symbolic.ring.from_sympy import tree

__all__ = ["derivation_latex"]

MAX_STATES = 16
WIDTH = 70


def derivation_latex(derivation: Any, style: Style) -> str:
    """Return numbered steps: setting, masks and hidden values, the last layer, then each quantity."""
    inside = style.displayed(WIDTH)
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


def _setting(derivation: Any, style: Style) -> str:
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


def _masks(derivation: Any, style: Style) -> list[str]:
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


def _last_layer(derivation: Any) -> str:
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
