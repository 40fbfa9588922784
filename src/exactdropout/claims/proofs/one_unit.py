"""Penalty ≥ 0 for one hidden unit, relu or leaky, where the label is not on the side of the output weight.

With one hidden unit, no output bias and D = w φ(z) r/p, the mean over the last mask is
E_r (D − y)² = (w φ(z) − y)² + (q/p) w² φ(z)² ≥ g(z), g(z) = (w φ(z) − y)². φ is linear on both sides of 0 with slopes
s ≤ 1, so g is a convex quadratic on each, and its slope jumps at 0 by −2 w y (1 − s). Where w y ≤ 0 that is ≥ 0: g is
convex, and E g(z) ≥ g(E z) = (W(x) − y)², since the masks of the inputs have mean 1.
"""

from __future__ import annotations

from fractions import Fraction

from exactdropout.claims.language.syntax import Claim, Comparison, Number, Quantity
from exactdropout.claims.setting.setting import Setting, constant

__all__ = ["penalty_of_one_unit"]

_ZERO = Number(Fraction(0))
_CLAIMS = (
    Comparison((Quantity("penalty"), _ZERO), (">=",)),
    Comparison((_ZERO, Quantity("penalty")), ("<=",)),
    Comparison((Quantity("criterion"), Quantity("risk")), (">=",)),
    Comparison((Quantity("risk"), Quantity("criterion")), ("<=",)),
)


def penalty_of_one_unit(claim: Claim, setting: Setting) -> list[str] | None:
    """Return the steps of a proof of penalty ≥ 0, for every number of inputs, or None."""
    shape = setting.shape
    plain = shape.hidden == (1,) and not shape.symbolic_depth and not shape.output_bias and setting.network is None
    if claim.statement not in _CLAIMS or not plain or not 0 <= shape.activation.slope <= 1:
        return None
    weight, label = _sign(setting, "w"), _sign(setting, "y")
    if not ("0" in label or (weight == "+" and label == "-") or (weight == "-" and label == "+")):
        return None
    return [
        "One hidden unit z: E_R (D - y)^2 = E g(z) + (q/p) w^2 E f(z)^2 >= E g(z), g(z) = (w f(z) - y)^2, f the "
        "activation; z depends on the masks of the inputs alone.",
        "g is a convex quadratic on either side of z = 0, where its slope jumps by -2 w y (1 - s), s <= 1 the slope "
        "of f below 0. Here w y <= 0 (at the origin of Definition 1 too, where y = 0), so g is convex.",
        "Jensen: E g(z) >= g(E z), and E z is z without dropout, so J_D >= R.",
    ]


def _sign(setting: Setting, name: str) -> str:
    """Return "0", "+" or "-" for what is known of the label or the output weight to be 0, ≥ 0 or ≤ 0, else ""."""
    value = setting.definition((name, ()))
    if name == "y" and value is None:
        value = setting.label
    if value is not None:
        number = constant(value)
        return "" if number is None else "0" if number == 0 else "+" if number > 0 else "-"
    signs = setting.sign((name, (1,) if name == "w" else ()))
    return "+" if signs & {">=", ">"} else "-" if signs & {"<=", "<"} else ""
