"""The exact minimum of the L2 criterion where its closed form is known, to stand beside the dropout optimum.

J₂(W) = R_P(W) + (λ/2)‖W‖², biases not counted in ‖W‖². For one hidden relu layer and an input x ≠ 0,

    |Σ_j a_j relu(w_j·x + b_j) − Σ_j a_j relu(b_j)| ≤ Σ_j |a_j| ‖w_j‖ √(x·x) ≤ ½ √(x·x) Σ_j (a_j² + ‖w_j‖²),

because relu is 1-Lipschitz. So an output difference A ≥ 0 between x and 0 costs ‖W‖² ≥ 2A/√(x·x), and one unit with
w parallel to x and |a| = ‖w‖ attains it at any width. Hence

- P_(x,y) of Definition 1 with an output bias, c = |y|: the best bias leaves the risk ½·½(c − A)², and
  J₂ = ¼(c − A)² + λA/√(x·x) has its minimum at A = max(0, c − 2λ/√(x·x)) (Theorem 7 of Helmbold and Long 2017, c = 1);
- the point mass on (x, y) without biases: J₂ = (c − A)² + λA/√(x·x), A = max(0, c − λ/(2√(x·x))).

With an output bias the minimum on a point mass is 0; with hidden biases only, the infimum is 0 and not attained (a
unit with a tiny output weight and a large bias gives any output).
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from exactdropout.errors import InvalidInput
from exactdropout.model import Architecture, Examples
from exactdropout.model.arguments import architecture_of, examples_of
from exactdropout.model.numbers import scalar, show

__all__ = ["weight_decay_minimum"]


def weight_decay_minimum(architecture: Architecture | str, data: Examples | Iterable[Any] | str, decay: Any) -> Any:
    """Return inf J₂ over all weights and biases as an exact SymPy number, where a closed form is known.

    Args:
        architecture: one hidden relu layer of any width, one output.
        data: ``Examples.half(x, y)`` with an output bias, or ``Examples.point(x, y)``, exact.
        decay: λ > 0, an exact rational.

    Raises:
        InvalidInput: another architecture or distribution: no closed form is known here.

    >>> weight_decay_minimum(Architecture(2, (3,)), Examples.half((3, 4), 1), "1/2")
    9/100
    """
    import sympy

    rate, kind = scalar(decay, "decay")
    if kind not in ("integer", "exact") or rate <= 0:
        raise InvalidInput(f"Argument 'decay' must be a positive rational, not {show(decay)}.")
    shape = architecture_of(architecture)
    if len(shape.hidden) != 1 or shape.outputs != 1 or str(shape.activations[0]) != "relu":
        raise InvalidInput(f"Argument 'architecture' must have one hidden relu layer and one output, not be {shape}.")
    found = examples_of(data, shape)
    if found.kind != "exact":
        raise InvalidInput(f"Argument 'data' must be exact, not {found.kind}; data.exact() converts floats.")
    rows = [
        (tuple(x), y, p) for x, y, p in zip(found.inputs.tolist(), found.labels[:, 0], found.probabilities, strict=True)
    ]
    origin = [row for row in rows if not any(row[0])]
    others = [row for row in rows if any(row[0])]
    half = Fraction(1, 2)
    point = len(others) == 1 and not origin
    two = len(others) == 1 and len(origin) == 1 and origin[0][1:] == (0, half)
    if not (point or (two and shape.output_bias)):
        raise InvalidInput(
            "Argument 'data' must be Examples.point(x, y) with x not 0, or Examples.half(x, y) with an output bias: no "
            "closed form of the L2 minimum is known for others."
        )
    if point and shape.output_bias:
        return sympy.Integer(0)
    if point and shape.hidden_biases:
        return sympy.Integer(0)
    x, y, _ = others[0]
    size = sympy.Rational(abs(y).numerator, abs(y).denominator)
    lam = sympy.Rational(rate.numerator, rate.denominator)
    squared = sum((v * v for v in x), Fraction(0))
    length = sympy.sqrt(sympy.Rational(squared.numerator, squared.denominator))
    weight = sympy.Rational(1) if point else sympy.Rational(1, 4)
    best = sympy.Max(0, size - lam / (2 * weight * length))
    return sympy.expand(weight * (size - best) ** 2 + lam * best / length)
